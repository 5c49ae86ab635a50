//! `--svg`, `--html` and `--format dot` as users meet them: which streams and files things go to.

use std::process::{Command, Stdio};

const PROGRAM: &str = "def f<N>(A: f32[N, N], B: f32[N, N], C: f32[N, N]) -> y: f32[N, N] { y[i, j] = A[i, k]*B[k, j] + A[i, k]*C[k, j]; }";
const NETWORK: &str = r#"{"inputs": [[0, 1], [1, 2], [2, 3]], "output": [0, 3], "sizes": {"0": 3, "1": 4, "2": 5, "3": 6}}"#;

/// A folder with a program and a network that goes away with the test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder for the test"));
        std::fs::write(folder.path("p.ein"), PROGRAM).expect("written");
        std::fs::write(folder.path("n.json"), NETWORK).expect("written");
        folder
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("written")
    }
}

/// Exit status, standard output, standard error.
fn ein(args: &[&str]) -> (i32, String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_ein")).args(args).stdin(Stdio::null()).output().expect("the command exists");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("utf-8");
    (done.status.code().unwrap_or(-1), text(&done.stdout), text(&done.stderr))
}

#[track_caller]
fn ok(args: &[&str]) -> String {
    let (status, out, err) = ein(args);
    assert_eq!(status, 0, "{args:?}: {out}{err}");
    out
}

#[track_caller]
fn refused(args: &[&str], status: i32, words: &[&str]) {
    let (got, out, err) = ein(args);
    assert!(got == status && out.is_empty(), "{args:?}: {got} {out}{err}");
    words.iter().for_each(|word| assert!(err.contains(word), "{args:?}: no {word} in {err}"));
}

#[test]
fn pictures_go_to_files_and_words_to_standard_output() {
    let f = Folder::new();
    let (program, network) = (f.path("p.ein"), f.path("n.json"));
    let (svg, html) = (f.path("plan.svg"), f.path("plan.html"));
    let explain = ["explain", &program, "--size", "N=64"];
    let words = ok(&explain);
    assert_eq!(ok(&[&explain[..], &["--svg", &svg, "--html", &html]].concat()), words);
    assert!(f.read("plan.svg").starts_with("<svg ") && f.read("plan.svg").ends_with("</svg>"));
    assert!(f.read("plan.html").starts_with("<!DOCTYPE html>") && f.read("plan.html").ends_with("</html>"));
    let table = ok(&["plan", &network]);
    assert_eq!(ok(&["plan", &network, "--html", &html]), table);
    let json: serde_json::Value = serde_json::from_str(&ok(&["plan", &network, "--json", "--svg", &svg])).expect("json");
    assert_eq!(json["ssa_path"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_hyphen_is_standard_output() {
    let f = Folder::new();
    let (program, network) = (f.path("p.ein"), f.path("n.json"));
    for (args, name) in [(vec!["explain", &program, "--size", "N=64"], "p"), (vec!["plan", &network], "n")] {
        let file = f.path(name);
        ok(&[&args[..], &["--svg", &file]].concat());
        // The same bytes, and no others.
        assert_eq!(ok(&[&args[..], &["--svg", "-"]].concat()), f.read(name));
        assert!(ok(&[&args[..], &["--html", "-"]].concat()).starts_with("<!DOCTYPE html>"));
        refused(&[&args[..], &["--svg", "-", "--html", "-"]].concat(), 2, &["the same file"]);
        refused(&[&args[..], &["--svg", &file, "--html", &file]].concat(), 2, &["the same file"]);
    }
}

/// Where something cannot be written, nothing is.
#[test]
#[cfg(unix)]
fn files_appear_with_standard_output_or_not_at_all() {
    let f = Folder::new();
    let (program, network, svg) = (f.path("p.ein"), f.path("n.json"), f.path("plan.svg"));
    for args in
        [vec!["explain", &program, "--size", "N=64", "--html", "-"], vec!["explain", &program, "--size", "N=64"], vec!["plan", &network]]
    {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
        let status = Command::new(env!("CARGO_BIN_EXE_ein")).args(&args).args(["--svg", &svg]).stdout(full).status().expect("it runs");
        assert!(!status.success() && !std::path::Path::new(&svg).exists(), "{args:?}");
    }
}

#[test]
fn what_has_no_picture_is_refused() {
    let f = Folder::new();
    let (program, svg) = (f.path("p.ein"), f.path("plan.svg"));
    refused(&["explain", "E0201", "--svg", &svg], 2, &["pictures are of programs"]);
    refused(&["explain", "--list", "--svg", &svg], 2, &["--list"]);
    refused(&["explain", &program, "--svg", &svg], 1, &["E0306", "`N`"]);
    refused(&["explain", &program, "--size", "N=64", "--def", "g", "--html", "-"], 1, &["E0210"]);
    assert!(!std::path::Path::new(&svg).exists());
    // A program without dims has a plan without sizes.
    std::fs::write(f.path("fixed.ein"), "def g(x: f32[4]) -> y: f32 { y = sum[i](x[i]); }").expect("written");
    assert!(ok(&["explain", &f.path("fixed.ein"), "--svg", "-"]).contains("sum"));
}

#[test]
fn e_graphs_are_drawn_by_graphviz() {
    let f = Folder::new();
    let program = f.path("p.ein");
    let emit = ["emit", "--stage", "egraph", &program, "--size", "N=64"];
    assert_eq!(ok(&[&emit[..], &["--format", "text"]].concat()), ok(&emit));
    let dot = ok(&[&emit[..], &["--format", "dot"]].concat());
    assert!(dot.starts_with("digraph egraph {") && dot.ends_with("}\n"), "{dot}");
    assert!(dot.contains("leaf A") && dot.contains("[penwidth = 2]") && dot.contains("-&gt;"), "{dot}");
    refused(&["emit", "--stage", "plan", &program, "--size", "N=64", "--format", "dot"], 2, &["--format dot is for the stage egraph"]);
    refused(&["emit", "--stage", "egraph", &program, "--size", "N=64", "--format", "png"], 2, &["png"]);
    let string = ["emit", "--stage", "egraph", "--format", "dot", "--einsum", "ij,jk,kl->il"];
    assert!(ok(&[&string[..], &["--shape", "A=8x8:f32", "--shape", "B=8x8:f32", "--shape", "C=8x8:f32"]].concat()).contains("contract"));
}
