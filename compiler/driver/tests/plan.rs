//! `ein plan` as its users meet it: files in, plans out, and hostile files refused.

use serde_json::Value;
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
    let out = Command::new(env!("CARGO_BIN_EXE_ein")).arg("plan").args(args).output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (out.status.code().unwrap_or(-1), text(out.stdout), text(out.stderr))
}

#[track_caller]
fn ok(args: &[&str]) -> String {
    let (status, out, err) = ein(args);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    out
}

#[track_caller]
fn json(args: &[&str]) -> Value {
    serde_json::from_str(&ok(&[args, &["--json"]].concat())).expect("JSON")
}

#[track_caller]
fn fails(args: &[&str], words: &[&str]) {
    let (status, out, err) = ein(args);
    assert_eq!((status, out.as_str()), (1, ""), "{err}");
    assert!(!err.contains("panicked"), "{err}");
    words.iter().for_each(|word| assert!(err.contains(word), "no `{word}` in:\n{err}"));
}

/// A ring of `n` matrices of size 8.
fn ring(n: usize) -> String {
    let inputs: Vec<String> = (0..n).map(|k| format!("[{k}, {}]", (k + 1) % n)).collect();
    let sizes: Vec<String> = (0..n).map(|k| format!("\"{k}\": 8")).collect();
    format!("{{\"name\": \"ring\", \"inputs\": [{}], \"output\": [], \"sizes\": {{{}}}}}", inputs.join(", "), sizes.join(", "))
}

const CHAIN: &str = r#"{"inputs": [[0, 1], [1, 2], [2, 3]], "output": [0, 3], "sizes": {"0": 10, "1": 100, "2": 5, "3": 50}}"#;

#[test]
fn a_chain_has_its_textbook_order() {
    let f = Folder::new();
    let network = f.file("chain.json", CHAIN);
    let plan = json(&[&network]);
    assert_eq!(plan["ssa_path"], serde_json::json!([[0, 1], [2, 3]]));
    assert_eq!((&plan["optimal"], &plan["truncated"]), (&Value::from(true), &Value::from(false)));
    let c = plan["log10C"].as_f64().expect("a number");
    assert!((c - 7500f64.log10()).abs() < 1e-9, "{c}");
    // The first product and the result.
    assert_eq!(plan["peak_bytes"], Value::from(4 * (50 + 500)));
    assert_eq!(json(&[&network, "--form", "linear"])["path"], serde_json::json!([[0, 1], [0, 1]]));
    assert_eq!(json(&[&network, "--dtype", "c128"])["peak_bytes"], Value::from(16 * 550));
    let table = "\
3 tensors, 4 labels; least flops: no order is better
flops     15000
largest   2^9.0 elements
peak      2.1 KiB (f32, without the inputs)

 step  tensors                result  multiplications        elements
    0  0 1                         3             5000              50
    1  2 3                         4             2500             500
";
    assert_eq!(ok(&[&network]), table);
}

#[test]
fn the_same_steps_and_seed_give_the_same_plan() {
    let f = Folder::new();
    let network = f.file("ring.json", &ring(30));
    let args = [network.as_str(), "--steps", "20000", "--seed", "7"];
    let (one, two) = (json(&args), json(&args));
    assert_eq!((&one["ssa_path"], &one["steps"]), (&two["ssa_path"], &two["steps"]));
    assert_eq!(one["ssa_path"].as_array().map(Vec::len), Some(29));
    assert_eq!((&one["seed"], &one["truncated"]), (&Value::from(7), &Value::from(false)));
    // A clock decides how far this one gets, and it says so.
    let timed = json(&[&network, "--cpu-seconds", "0.05"]);
    assert_eq!(timed["truncated"], Value::from(true));
    assert!(timed["log10C"].as_f64() <= one["log10C"].as_f64().map(|c| c + 0.2));
    for what in ["flops", "time", "peak", "combo"] {
        json(&[&network, "--minimize", what, "--steps", "2000"]);
    }
}

#[test]
fn paths_of_others_are_priced_and_improved() {
    let f = Folder::new();
    let network = f.file("chain.json", CHAIN);
    let worse = f.file("worse.json", "[[1, 2], [0, 3]]");
    let linear = f.file("linear.json", r#"{"path": [[1, 2], [0, 1]]}"#);
    for path in [&worse, &linear] {
        let priced = json(&[&network, "--path", path, "--steps", "0", "--exact", "0"]);
        assert!(priced["log10C"].as_f64() <= Some(75000f64.log10()));
        assert_eq!(json(&[&network, "--path", path])["ssa_path"], serde_json::json!([[0, 1], [2, 3]]));
    }
    // The output of one run is the input of another, and a file may have both.
    let plan = ok(&[&network, "--json"]);
    json(&[&network, "--path", &f.file("plan.json", &plan)]);
    json(&[&f.file("both.json", &CHAIN.replacen('{', r#"{"path": [[1, 2], [0, 1]], "#, 1))]);
    for (path, words) in [
        ("[[0, 1], [0, 2]]", "step 1 takes tensor 0, which is not there"),
        ("[[0, 0]]", "step 0 takes tensor 0 twice"),
        ("[[]]", "step 0 has no tensors"),
        ("[[0, 99999999999999999999]]", "did not match"),
        ("[[0, -1]]", "did not match"),
        ("{}", "did not match"),
        (r#"{"path": [[0, 3]]}"#, "takes tensor 3"),
    ] {
        fails(&[&network, "--path", &f.file("bad.json", path)], &["E0923", words]);
    }
}

#[test]
fn a_memory_limit_is_met_or_refused_with_the_figure() {
    let f = Folder::new();
    let network = f.file("ring.json", &ring(6));
    let whole = json(&[&network]);
    assert_eq!((&whole["sliced"], &whole["n_slices"]), (&serde_json::json!([]), &Value::from(1)));
    let sliced = json(&[&network, "--memory", "200"]);
    assert!(sliced["peak_bytes"].as_u64() <= Some(200), "{sliced}");
    assert!(sliced["n_slices"].as_u64() >= Some(8) && sliced["optimal"] == false, "{sliced}");
    assert!(ok(&[&network, "--memory", "200"]).contains("slices)"));
    fails(&[&network, "--memory", "3"], &["E0801", "bytes at least, and 3 are allowed", "--memory"]);
}

#[test]
fn labels_are_integers_or_strings_of_any_kind() {
    let f = Folder::new();
    // The repeated label is summed where the scalar comes in.
    let text = r#"{"inputs": [["i", 18446744073709551615], [18446744073709551615, "ü", "ü"], []], "output": ["i"],
                   "sizes": {"i": 2, "18446744073709551615": 3, "ü": 4, "unused": 0}}"#;
    assert_eq!(json(&[&f.file("n.json", text)])["ssa_path"].as_array().map(Vec::len), Some(2));
    // One tensor: nothing, or a sum, to do.
    assert_eq!(json(&[&f.file("one.json", r#"{"inputs": [[0]], "output": [0], "sizes": {"0": 5}}"#)])["ssa_path"], serde_json::json!([]));
    assert_eq!(json(&[&f.file("sum.json", r#"{"inputs": [[0]], "output": [], "sizes": {"0": 5}}"#)])["ssa_path"], serde_json::json!([[0]]));
    // Empty axes: no work.
    let empty = r#"{"inputs": [[0, 1], [1, 2], [2]], "output": [], "sizes": {"0": 3, "1": 0, "2": 4}}"#;
    ok(&[&f.file("empty.json", empty)]);
    json(&[&f.file("empty.json", empty), "--memory", "16"]);
}

#[test]
fn hostile_files_are_refused() {
    let f = Folder::new();
    let refused = |text: &str, words: &[&str]| fails(&[&f.file("bad.json", text)], words);
    refused("", &["E0921", "EOF"]);
    refused("[]", &["E0921"]);
    refused(&"[".repeat(100_000), &["E0921"]);
    refused(&format!("{{\"inputs\": {}", "[".repeat(100_000)), &["E0921"]);
    refused(r#"{"inputs": [[1.5]], "output": [], "sizes": {}}"#, &["E0921", "a label, which is an integer or a string"]);
    refused(r#"{"inputs": [[0]], "output": [], "sizes": {"0": -1}}"#, &["E0921"]);
    refused(r#"{"inputs": [[0]], "output": [], "sizes": {"0": 1e300}}"#, &["E0921"]);
    refused(r#"{"inputs": [[0]], "output": []}"#, &["E0921", "sizes"]);
    refused(r#"{"inputs": [], "output": [], "sizes": {}}"#, &["E0922", "no tensors"]);
    refused(r#"{"inputs": [[0, 7]], "output": [], "sizes": {"0": 2}}"#, &["E0922", "label 7 has no size"]);
    refused(r#"{"inputs": [[0]], "output": [1], "sizes": {"0": 2, "1": 2}}"#, &["E0922", "label 1 is in \"output\""]);
    refused(r#"{"inputs": [[0]], "output": [0, 0], "sizes": {"0": 2}}"#, &["E0922", "twice"]);
    let many = format!("{{\"inputs\": [{}[]], \"output\": [], \"sizes\": {{}}}}", "[],".repeat(10_000));
    refused(&many, &["E0924", "10001 tensors"]);
    refused(&" ".repeat(9 << 20), &["E0924", "8388608 bytes"]);
    fails(&["/nonexistent/n.json"], &["E0901"]);
    let (status, _, _) = ein(&[&f.file("n.json", CHAIN), "--cpu-seconds", "nan"]);
    assert_eq!(status, 2);
}

#[test]
fn sizes_beyond_all_numbers_are_planned() {
    let f = Folder::new();
    let labels: Vec<String> = (0..90).map(|l| l.to_string()).collect();
    let sizes: Vec<String> = labels.iter().map(|l| format!("\"{l}\": {}", u64::MAX)).collect();
    let all = format!("[{}]", labels.join(","));
    let text = format!("{{\"inputs\": [{}], \"output\": {all}, \"sizes\": {{{}}}}}", vec![all.as_str(); 14].join(","), sizes.join(","));
    let plan = json(&[&f.file("huge.json", &text), "--steps", "1000"]);
    assert!(plan["log10C"].as_f64() > Some(1700.0), "{plan}");
    ok(&[&f.file("huge.json", &text), "--steps", "1000"]);
}
