//! Programs of several files.

use super::{Loader, Sources, Text, load};
use crate::check::tests::lines;
use crate::check::{CheckedProgram, check_sources};
use ein_ir::diagnostic::Diagnostic;
use std::collections::BTreeMap;

/// Files in memory; a key is the path itself.
struct Memory {
    files: BTreeMap<&'static str, &'static str>,
    reads: Vec<String>,
}

impl Loader for Memory {
    fn root(&mut self) -> Option<String> {
        Some("main.ein".to_owned())
    }

    fn locate(&mut self, _: Option<&str>, path: &str) -> Result<String, Diagnostic> {
        let path = path.trim_start_matches("./");
        match self.files.contains_key(path) {
            true => Ok(path.to_owned()),
            false => Err(Diagnostic::error(901, "file-unreadable", format!("`{path}` cannot be read"))),
        }
    }

    fn read(&mut self, key: &str) -> Result<Text, Diagnostic> {
        self.reads.push(key.to_owned());
        Ok(Text::new(key, self.files[key]))
    }
}

fn loaded(root: &str, files: &[(&'static str, &'static str)]) -> (Vec<String>, Result<Sources, Vec<Diagnostic>>) {
    let mut memory = Memory { files: files.iter().copied().collect(), reads: Vec::new() };
    let (_, sources) = load(Text::new("main.ein", root), &mut memory);
    (memory.reads, sources)
}

fn checked(root: &str, files: &[(&'static str, &'static str)]) -> Result<CheckedProgram, Vec<Diagnostic>> {
    check_sources(loaded(root, files).1?)
}

#[track_caller]
fn refused(root: &str, files: &[(&'static str, &'static str)], expected: &str) -> Vec<Diagnostic> {
    let found = checked(root, files).expect_err("refused");
    assert_eq!(lines(&found), expected);
    found
}

#[track_caller]
fn tir(root: &str, files: &[(&'static str, &'static str)]) -> String {
    let program = checked(root, files).unwrap_or_else(|d| panic!("{d:#?}"));
    let last = program.defs().last().expect("a def").to_string();
    program.lower(&last).unwrap_or_else(|d| panic!("{d:#?}")).to_string()
}

/// A file that uses the program uses what was read already: its dims are the same dims.
#[test]
fn the_program_is_one_of_its_files() {
    let root = "use \"other.ein\".{twice};\ndim C;\ndef f(x: f32[C]) -> y: f32[C] { y = twice(x); }";
    let other = ("other.ein", "use \"main.ein\".{C};\ndef twice(x: f32[C]) -> y: f32[C] { y[i] = 2.0 * x[i]; }");
    assert_eq!(loaded(root, &[other, ("main.ein", root)]).0, ["other.ein"]);
    assert!(checked(root, &[other, ("main.ein", root)]).is_ok());
    refused("use \"main.ein\".{g};", &[("main.ein", "")], "E0215 `\"main.ein\"` declares no `g`");
}

const LAYERS: &str = "dim D in 1..64;
const half = 0.5;
const W: f32[3] = [1.0, 0.0, half];
def scale<N>(x: f32[N]) -> y: f32[N] { y[i] = half * x[i]; }
def wide(x: f32[D]) -> y: f32[D] { y[i] = x[i] + W[2]; }
";

#[test]
fn names_are_taken_from_files_and_files_under_names() {
    let main = "use \"layers.ein\".{scale}; use \"./layers.ein\" as l; def f<N>(x: f32[N]) -> y: f32[N] { t = scale(x); y = l.scale(t); }";
    let text = tir(main, &[("layers.ein", LAYERS)]);
    assert!(text.contains("\"t\"") && text.matches(" = (").count() >= 2, "{text}");
    assert_eq!(loaded(main, &[("layers.ein", LAYERS)]).0, ["layers.ein"]);
}

#[test]
fn shared_dims_and_constants_are_the_same_everywhere() {
    let main = "use \"layers.ein\".{D, W, wide}; def f(x: f32[D]) -> y: f32[D] { t = wide(x); y[i] = t[i] * x[i] + W[0]; }";
    let text = tir(main, &[("layers.ein", LAYERS)]);
    assert_eq!(text.lines().filter(|l| l.starts_with("dim ")).count(), 1, "{text}");
    assert_eq!(text.matches("table").count(), 1, "{text}");
    assert_eq!(text.lines().filter(|l| l.starts_with("require ")).count(), 2, "{text}");
}

#[test]
fn files_may_use_each_other_in_a_circle() {
    let a = "use \"b.ein\".{g}; def f<N>(x: f32[N]) -> y: f32[N] { y = g(x); }";
    let b = "use \"a.ein\".{f}; def g<N>(x: f32[N]) -> y: f32[N] { y[i] = 2.0 * x[i]; } def h<N>(x: f32[N]) -> y: f32[N] { y = f(x); }";
    let main = "use \"a.ein\".{f}; use \"b.ein\".{h}; def m<N>(x: f32[N]) -> y: f32[N] { t = f(x); y = h(t); }";
    assert!(checked(main, &[("a.ein", a), ("b.ein", b)]).is_ok());
    let b = "use \"a.ein\".{f}; def g<N>(x: f32[N]) -> y: f32[N] { y = f(x); }";
    refused(
        "use \"a.ein\".{f}; def m<N>(x: f32[N]) -> y: f32[N] { y = f(x); }",
        &[("a.ein", a), ("b.ein", b)],
        "E0209 `g` calls itself through `f` | a `scan` states a recurrence",
    );
}

#[test]
fn mistakes_name_the_file_that_they_are_in() {
    let found = refused(
        "use \"layers.ein\".{scale}; def f<N>(x: f32[N]) -> y: f32[N] { y = scale(x); }",
        &[("layers.ein", "def scale<N>(x: f32[N]) -> y: f32[N] { y[i] = x[j]; }")],
        "E0201 index `j` occurs once | did you mean `i`? Nothing uses it",
    );
    assert_eq!(found[0].primary.as_ref().map(|l| l.span.file.0), Some(1));
    let found = refused(
        "use \"layers.ein\".{scale, sclae};\ndef scale<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i]; }",
        &[("layers.ein", LAYERS)],
        "E0206 `scale` is the name of a def and of a def | `scale2`, or another name\n\
         E0215 `\"layers.ein\"` declares no `sclae` | did you mean `scale`?",
    );
    assert!(found.iter().all(|d| d.primary.as_ref().is_some_and(|l| l.span.file.0 == 0)));
    refused("use \"missing.ein\".{f};", &[], "E0901 `missing.ein` cannot be read");
    refused("use std.nnn.{f};", &[], "E0215 there is no module `std.nnn` | did you mean `std.nn`?");
    refused(
        "use \"a.ein\";",
        &[("a.ein", "def f( {")],
        &lines(&loaded("use \"a.ein\";", &[("a.ein", "def f( {")]).1.expect_err("refused")),
    );
}

#[test]
fn every_module_of_the_library_is_right() {
    for module in super::MODULES {
        let found = checked(module.text, &[]);
        assert!(found.is_ok(), "{}: {}", module.name, lines(&found.expect_err("just seen")));
    }
}

#[test]
fn what_no_one_uses_of_the_library_is_not_checked() {
    let texts = [("a.ein", "def right(x: f32) -> y: f32 { y = 2.0 * x; } def wrong(x: f32) -> y: f32 { y = z; }")];
    let program = |def: &str| format!("use \"a.ein\" as a; def f(x: f32) -> y: f32 {{ y = a.{def}(x); }}");
    let found = |main: &str, is_library: bool| {
        let mut sources = loaded(main, &texts).1.expect("no mistake of syntax");
        sources.files[1].is_library = is_library;
        check_sources(sources).map(|_| ()).map_err(|d| lines(&d))
    };
    let mistake = Err("E0204 `z` is not declared".to_owned());
    assert_eq!(found(&program("right"), true), Ok(()));
    assert_eq!(found(&program("right"), false), mistake);
    assert_eq!(found(&program("wrong"), true), mistake);
    let sources = loaded("use std.nn; use \"a.ein\";", &texts).1.expect("no mistake of syntax");
    assert_eq!(sources.files.iter().map(|f| f.is_library).collect::<Vec<_>>(), [false, true, false]);
}
