//! The text of every stage for small programs, each named by the feature of the language that it shows.
//!
//! A program says in its first lines at which sizes and stages. Bless with `INSTA_UPDATE=always`, then read what changed.

use ein::{Compiler, Stage};
use ein_tests::cases::Case;
use ein_tests::oracle::reads_back;

fn snapshots(stage: Stage) {
    insta::glob!("../cases/language", "*.ein", |path| {
        let case = Case::read(path);
        if !case.stages.iter().any(|s| s == stage.name()) {
            return;
        }
        let program = Compiler::new().threads(1).compile(&case.source).unwrap_or_else(|e| panic!("{}", e.render(false)));
        let def = program.defs().last().expect("a definition").to_string();
        let text = program.emit(stage, &def, &case.sizes()).unwrap_or_else(|e| panic!("{}:\n{}", path.display(), e.render(false)));
        reads_back(stage, &text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        // The same program compiled again gives the same text.
        let again = Compiler::new().threads(2).compile(&case.source).and_then(|p| p.emit(stage, &def, &case.sizes()));
        assert_eq!(text, again.unwrap_or_else(|e| panic!("{}", e.render(false))));
        let folder = format!("snapshots/{stage}");
        insta::with_settings!({ snapshot_path => folder, omit_expression => true, prepend_module_to_snapshot => false,
                                snapshot_suffix => path.file_stem().expect("a file").to_string_lossy(), description => case.source }, {
            insta::assert_snapshot!("stage", text);
        });
    });
}

#[test]
fn ast() {
    snapshots(Stage::Ast);
}

#[test]
fn tir() {
    snapshots(Stage::Tir);
}

#[test]
fn he() {
    snapshots(Stage::He);
}

#[test]
fn tfhe() {
    snapshots(Stage::Tfhe);
}

#[test]
fn egraph() {
    snapshots(Stage::Egraph);
}

#[test]
fn plan() {
    snapshots(Stage::Plan);
}

#[test]
fn kernels() {
    snapshots(Stage::Kernels);
}

#[test]
fn clif() {
    snapshots(Stage::Clif);
}
