//! Cost tables of machines as their users meet them: files in and out, plans that name them, and hostile files refused.

use ein::machine::{read_machine, to_text, write_machine};
use ein::{Compiler, Machine, Stage};
use std::process::Command;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder for the test"))
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    }
}

fn ein(args: &[&str]) -> (i32, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_ein")).args(args).output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (out.status.code().unwrap_or(-1), text(out.stdout), text(out.stderr))
}

#[track_caller]
fn ok(args: &[&str]) -> String {
    let (status, out, err) = ein(args);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    out
}

const MATMUL: &str = "def matmul<M, N, K>(A: f32[M, K], B: f32[K, N]) -> C: f32[M, N] { C[i, j] = A[i, k] * B[k, j]; }";
const SIZES: [&str; 6] = ["--size", "M=64", "--size", "N=64", "--size", "K=64"];

fn odd() -> Machine {
    Machine { name: "odd-one.2".to_owned(), product_f32: 1, cache_size: 0, step: 0, ..Machine::default() }
}

#[test]
fn a_table_is_written_and_read_back() {
    let f = Folder::new();
    let path = f.0.path().join("m.json");
    for machine in [Machine::default(), odd()] {
        write_machine(&path, &machine).expect("written");
        assert_eq!(read_machine(&path).expect("read"), machine);
        assert_eq!(std::fs::read_to_string(&path).expect("text"), to_text(&machine));
    }
    assert!(to_text(&odd()).starts_with("{\n  \"version\": 1,\n  \"machine\": {\n    \"name\": \"odd-one.2\",\n    \"threads\": 1,\n"));
}

#[test]
fn plans_name_the_table_and_read_back() {
    let sizes = [("M", 64), ("N", 64), ("K", 64)];
    for (machine, title) in [(Machine::default(), "default".to_owned()), (odd(), odd().title())] {
        let program = Compiler::new().machine(machine).expect("right figures").compile(MATMUL).expect("a right program");
        let text = program.emit(Stage::Plan, "matmul", &sizes).expect("a plan");
        assert!(text.contains(&format!(" machine \"{title}\" ")), "{text}");
        let plan = ein_ir::plan::parse::parse(&text).expect("it reads back");
        assert_eq!((plan.header.machine.as_str(), plan.to_string()), (title.as_str(), text));
        let table = program.main_def().expect("one").plan_table(&sizes).expect("a table");
        assert!(table.contains(&format!("predicted for one thread of machine {title}\n")), "{table}");
    }
}

#[test]
fn every_command_that_plans_takes_a_table() {
    let f = Folder::new();
    let machine = f.file("m.json", &to_text(&odd()));
    let program = f.file("p.ein", MATMUL);
    let with = |args: &[&str]| ok(&[args, &["--machine", &machine]].concat());
    let title = odd().title();
    assert!(with(&[&["emit", "--stage", "plan", &program], &SIZES[..]].concat()).contains(&title));
    assert!(with(&[&["explain", &program], &SIZES[..]].concat()).contains(&title));
    assert_eq!(with(&["einsum", ",->", &f.scalar(), &f.scalar()]), "6.25\n");
    assert!(with(&["eval", "y = 2 * x", &format!("x={}", f.scalar())]).contains("5"));
    let network = f.file("n.json", r#"{"inputs": [[0, 1], [1, 2]], "output": [0, 2], "sizes": {"0": 3, "1": 4, "2": 5}}"#);
    assert!(with(&["plan", &network, "--json"]).contains(&title));
    assert!(with(&["plan", &network, "--minimize", "time"]).contains(&format!("least time on machine {title}: ")));
}

impl Folder {
    /// An array of one f64, 2.5.
    fn scalar(&self) -> String {
        let path = self.0.path().join("x.npy");
        let value = ein::Tensor::from_vec(&[], vec![2.5f64]).expect("a scalar");
        ein::io::save_npy(&path, &(&value).into()).expect("written");
        path.display().to_string()
    }
}

#[test]
fn hostile_tables_are_refused() {
    let f = Folder::new();
    let program = f.file("p.ein", MATMUL);
    let refused = |text: &str, words: &[&str]| {
        let (status, out, err) = ein(&[&["explain", &program, "--machine", &f.file("bad.json", text)], &SIZES[..]].concat());
        assert_eq!((status, out.as_str()), (1, ""), "{err}");
        assert!(!err.contains("panicked") && err.contains("E0925"), "{err}");
        words.iter().for_each(|word| assert!(err.contains(word), "no `{word}` in:\n{err}"));
    };
    let good = to_text(&Machine::default());
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{good}");
        good.replacen(from, to, 1)
    };
    refused("", &["EOF", "ein calibrate --out FILE"]);
    refused("[]", &[]);
    refused("\u{0}\u{ff}", &[]);
    refused(&"[".repeat(50_000), &[]);
    refused(&" ".repeat(70_000), &["more than 65536 bytes"]);
    refused(&with("\"version\": 1", "\"version\": 2"), &["version 2, and this ein reads version 1"]);
    refused(&with("\"version\": 1,", ""), &["missing field `version`"]);
    refused(&with("\"step\": ", "\"stop\": "), &["unknown field `stop`"]);
    refused(&with("\"threads\": 1,", ""), &["missing field `threads`"]);
    refused(&with("\"threads\": 1,", "\"threads\": 1, \"threads\": 2,"), &["duplicate field `threads`"]);
    for (value, word) in [
        ("NaN", "expected value"),
        ("-1", "invalid value: integer `-1`"),
        ("0", "`threads` is 0, and must be 1 to 1000000000000"),
        ("1.5", "floating point `1.5`"),
        ("1e300", "floating point"),
        ("1e999", "number out of range"),
        ("18446744073709551615", "`threads` is 18446744073709551615, and must be 1 to"),
        ("99999999999999999999", "floating point"),
        ("\"1\"", "invalid type: string \"1\""),
        ("null", "invalid type: null"),
    ] {
        refused(&with("\"threads\": 1,", &format!("\"threads\": {value},")), &[word]);
    }
    for name in ["", "a b", "a\\\"b", "a\\nb", "ü", &"x".repeat(65)] {
        refused(&with("\"default\"", &format!("\"{name}\"")), &["its name is"]);
    }
    let (status, _, err) = ein(&["plan", "n.json", "--machine", "/nonexistent/m.json"]);
    assert!(status == 1 && err.contains("E0901"), "{err}");
}

#[test]
fn the_library_refuses_what_files_may_not_have() {
    let error = Compiler::new().machine(Machine { memory_bytes: 0, ..Machine::default() }).expect_err("a rate of nothing");
    assert_eq!(error.diagnostics()[0].code.to_string(), "E0925");
}

#[test]
fn a_calibrated_table_is_whole_and_of_use() {
    let f = Folder::new();
    let path = f.0.path().join("m.json");
    let file = path.display().to_string();
    // No bar where there is no terminal.
    let (status, out, err) = ein(&["calibrate", "--rounds", "1", "--name", "here", "--out", &file]);
    assert_eq!((status, out.as_str(), err), (0, "", format!("wrote {file}\n")));
    let machine = read_machine(&path).expect("every figure is in its range");
    assert!(machine.title().starts_with("here-") && machine.threads == 1, "{machine:?}");
    let title = machine.title();
    let table = ok(&[&["explain", &f.file("p.ein", MATMUL), "--machine", &file], &SIZES[..]].concat());
    assert!(table.contains(&format!("machine {title}\n")), "{table}");
    // A rate that no core has would be a mistake in counting.
    let all = [machine.product_f32, machine.product_c128, machine.loop_f32, machine.loop_f64, machine.loop_scalar, machine.function];
    assert!(all.iter().all(|rate| (1..=1_000_000).contains(rate)), "{machine:?}");
    let (status, out, err) =
        ein(&["calibrate", "--rounds", "1", "--name", "two words", "--out", &f.0.path().join("n.json").display().to_string()]);
    assert!(status == 1 && out.is_empty() && err.contains("E0925"), "{err}");
    let (status, _, err) = ein(&["calibrate", "--rounds", "1", "--out", "/nonexistent/m.json"]);
    assert!(status == 1 && err.contains("E0909"), "{err}");
}
