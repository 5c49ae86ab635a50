//! Programs of many fields, compared with references in numpy: `tests/programs/*.ein` and the language's own list, each with the calls of
//! `tests/programs/*.json`.

use ein::Compiler;
use ein_tests::fixture::{ProgramCase, ReferenceCall, reference_calls};
use ein_tests::run::{self, all};

fn cases() -> Vec<ProgramCase> {
    reference_calls().iter().map(ReferenceCall::case).collect()
}

#[test]
fn every_definition_has_a_reference() {
    let calls = reference_calls();
    let folder = std::fs::read_dir(ein_tests::repository().join("tests/programs")).expect("a folder");
    for path in folder.map(|e| e.expect("an entry").path()).filter(|p| p.extension().is_some_and(|e| e == "ein")) {
        let program = path.file_stem().expect("a file").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("readable");
        for def in text.lines().filter_map(|line| line.strip_prefix("def ")).map(|line| line.split(['<', '(']).next().expect("a name")) {
            assert!(calls.iter().any(|c| c.program == program && c.def == def), "no reference of `{def}` in {program}.json");
        }
    }
}

#[test]
fn interpreted() {
    all(cases().iter().map(|case| {
        let got = run::interpret(case).map_err(|e| format!("interpreter: {}: {e}", case.name))?;
        run::judge(case, "interpreter", &got)
    }));
}

/// As written and optimised, on one thread and on two: all are the reference's, and threads change no bit.
#[test]
fn compiled() {
    let cases = cases();
    for opt_level in [0, 1] {
        let compilers = [1, 2].map(|threads| Compiler::new().opt_level(opt_level).threads(threads));
        all(cases.iter().map(|case| compiled_alike(case, &format!("-O{opt_level}"), &compilers)));
    }
}

fn compiled_alike(case: &ProgramCase, who: &str, compilers: &[Compiler; 2]) -> Result<(), String> {
    let run = |compiler| run::compiled(case, compiler).map_err(|e| format!("{who}: {}: {}", case.name, e.render(false)));
    let (one, two) = (run(&compilers[0])?, run(&compilers[1])?);
    run::judge(case, who, &one)?;
    run::same_bits(case, who, &one, &two)
}
