//! The standard library: every definition against numpy, with the calls of `tests/std/*.json`, and what a program pays for using it.

use ein::{Compiler, Program};
use ein_syntax::sources::{MODULES, Module};
use ein_tests::fixture::{ProgramCase, ReferenceCall, library_calls};
use ein_tests::oracle;
use ein_tests::run::{self, all};

/// The calls of each module, with its text.
fn cases() -> Vec<(&'static str, Vec<ProgramCase>)> {
    let calls = library_calls();
    let of = |module: &Module| calls.iter().filter(|c| c.program == module.name).map(ReferenceCall::case).collect();
    MODULES.iter().map(|module| (module.text, of(module))).collect()
}

/// Names behind a keyword at the beginning of a line.
fn declared(module: &Module, keyword: &str) -> Vec<&'static str> {
    let names = module.text.lines().filter_map(|line| line.strip_prefix(keyword));
    names.map(|line| line.split(['<', '(', ':']).next().expect("a name")).collect()
}

#[test]
fn every_definition_has_a_reference() {
    let calls = library_calls();
    for module in MODULES {
        for def in declared(&module, "def ") {
            assert!(calls.iter().any(|c| c.program == module.name && c.def == def), "no reference of std.{}.{def}", module.name);
        }
    }
}

#[test]
fn modules_are_short() {
    for module in MODULES {
        let lines = module.text.lines().count();
        assert!(lines <= 200, "std.{}: {lines} lines", module.name);
    }
}

/// What a call of the library checks of sizes, its text states.
#[test]
fn checks_at_the_call_are_stated() {
    for module in MODULES {
        let program = Compiler::new().threads(1).compile(module.text).unwrap_or_else(|e| panic!("std.{}: {e}", module.name));
        program.check_strict().unwrap_or_else(|e| panic!("std.{}: {}", module.name, e.render(false)));
    }
}

/// `grammar/std.md` has a section for each module, and its tables list what it declares, in backticks.
#[test]
fn the_reference_lists_every_name() {
    let text = std::fs::read_to_string(ein_tests::repository().join("grammar/std.md")).expect("readable");
    for module in MODULES {
        let section =
            text.split("\n## ").find(|s| s.starts_with(&format!("std.{}", module.name))).unwrap_or_else(|| panic!("std.{}", module.name));
        let rows = section.lines().filter(|line| line.starts_with('|')).map(|line| line.split('|').nth(1).expect("a cell"));
        let listed: Vec<&str> = rows.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        let listed: Vec<&str> = listed.iter().map(|entry| entry.split('(').next().expect("a name")).collect();
        assert_eq!(listed, [declared(&module, "const "), declared(&module, "def ")].concat(), "std.{}", module.name);
    }
}

#[test]
fn interpreted() {
    all(cases().iter().flat_map(|(text, cases)| {
        let program = oracle::checked(text).unwrap_or_else(|d| panic!("{d:?}"));
        cases.iter().map(move |case| {
            let got = run::interpret_in(&program, case).map_err(|e| format!("interpreter: {}: {e}", case.name))?;
            run::judge(case, "interpreter", &got)
        })
    }));
}

/// As written and optimised, on one thread and on two: all are the reference's, and threads change no bit.
#[test]
fn compiled() {
    for opt_level in [0, 1] {
        all(cases().iter().flat_map(|(text, cases)| {
            let compile = |threads| Compiler::new().opt_level(opt_level).threads(threads).compile(text).unwrap_or_else(|e| panic!("{e}"));
            let programs = [1, 2].map(compile);
            cases.iter().map(move |case| compiled_alike(case, &format!("-O{opt_level}"), &programs))
        }));
    }
}

fn compiled_alike(case: &ProgramCase, who: &str, programs: &[Program; 2]) -> Result<(), String> {
    let run = |program| run::compiled_in(program, case).map_err(|e| format!("{who}: {}: {}", case.name, e.render(false)));
    let (one, two) = (run(&programs[0])?, run(&programs[1])?);
    run::judge(case, who, &one)?;
    run::same_bits(case, who, &one, &two)
}
