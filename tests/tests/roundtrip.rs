//! parse(print(ir)) = ir for tensor IR, plans and kernel IR, over every program of `cases/` and `examples/`.

use ein::{Compiler, Stage};
use ein_tests::cases::{self, Case};
use ein_tests::oracle::reads_back;

#[test]
fn every_stage_of_every_case() {
    let mut failures = Vec::new();
    for path in cases::files("language") {
        let case = Case::read(&path);
        let program = Compiler::new().threads(1).compile(&case.source).unwrap_or_else(|e| panic!("{}", e.render(false)));
        let def = program.defs().last().expect("a definition").to_string();
        for stage in [Stage::Tir, Stage::Plan, Stage::Kernels] {
            // What a stage does not have yet is refused, and then there is nothing to read back.
            match program.emit(stage, &def, &case.sizes()) {
                Ok(text) => failures.extend(reads_back(stage, &text).err().map(|e| format!("{}: {e}", path.display()))),
                Err(error) if error.diagnostics().iter().all(|d| d.code.0 == 190) => {}
                Err(error) => failures.push(format!("{}: {}", path.display(), error.render(false))),
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn tensor_ir_of_every_program() {
    let mut read = 0;
    for path in cases::files("programs")
        .into_iter()
        .chain(ein_tests::repository().join("benches/programs").read_dir().expect("a folder").map(|e| e.expect("an entry").path()))
    {
        let source = std::fs::read_to_string(&path).expect("readable");
        let Ok(program) = Compiler::new().threads(1).compile(&source) else { continue };
        for def in program.defs() {
            if let Ok(text) = program.emit(Stage::Tir, def, &[]) {
                reads_back(Stage::Tir, &text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                read += 1;
            }
        }
    }
    assert!(read >= 15, "only {read} definitions");
}

/// A syntax tree printed as source is read back as the same tree.
#[test]
fn source_of_every_program() {
    let files = ["programs", "language"].into_iter().flat_map(cases::files);
    for path in files {
        let source = std::fs::read_to_string(&path).expect("readable");
        let program = ein::pipeline::parse(&source).unwrap_or_else(|d| panic!("{}: {d:?}", path.display()));
        let dump = ein_syntax::print::dump_without_spans(&program);
        let printed = ein_syntax::print::print(&program);
        let again = ein::pipeline::parse(&printed).unwrap_or_else(|d| panic!("{}: {d:?}\n{printed}", path.display()));
        assert_eq!(ein_syntax::print::dump_without_spans(&again), dump, "{}", path.display());
    }
}
