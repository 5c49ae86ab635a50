//! The owner of a secret and whoever computes, as processes that share files alone.

use ein_ir::circuit::{parse, verify};
use ein_ir::interp;
use std::path::Path;
use std::process::Command;

/// Scores of two rows of three, and whether they are above zero.
const CIRCUIT: &str = "tests/circuits/scores.txt";

/// Standard error of a command that succeeds, or what it says when it does not.
fn run(args: &[&str]) -> Result<String, String> {
    let done = Command::new(env!("CARGO_BIN_EXE_ein-tfhe")).args(args).output().expect("the command starts");
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.stdout.is_empty() && done.status.code().is_some_and(|code| code < 2), "{told}");
    if done.status.success() { Ok(told) } else { Err(told) }
}

/// Copies what is not secret.
fn send(from: &Path, to: &Path, names: &[&str]) {
    std::fs::create_dir_all(to).expect("a folder");
    for name in names {
        std::fs::copy(from.join(name), to.join(name)).expect("a copy");
    }
}

#[test]
fn a_bootstrap_is_measured() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("bootstrap.json").display().to_string();
    let told = run(&["calibrate", "-o", &path]).expect("measures");
    assert!(told.contains(" ms on one core, of 208 that were done"), "{told}");
    let written: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).expect("a file")).expect("JSON");
    assert!(written["version"] == 1 && written["tfhe"]["bootstrap"].as_f64().is_some_and(|seconds| seconds > 0.0), "{written}");
    assert!(run(&["calibrate", "-o", "/nonexistent/b.json"]).expect_err("no folder").contains("E0909"));
}

#[test]
fn secrets_stay_with_their_owner() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(CIRCUIT).display().to_string();
    let (x, w) = ([[3_i128, -2, 1], [0, 2, -3]], [4_i128, -1, 2]);
    std::fs::write(path("x.json"), "[[3, -2, 1], [0, 2, -3]]").expect("written");
    std::fs::write(path("w.json"), "[4, -1, 2]").expect("written");

    run(&["keygen", &file, "--keys", &path("mine")]).expect("keys");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path("mine/secret.key")).expect("a key").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = run(&["keygen", &file, "--keys", &path("mine")]).expect_err("a secret is never replaced");
    assert!(again.contains("E0909"), "{again}");
    send(&folder.path().join("mine"), &folder.path().join("theirs"), &["manifest.json", "server.key"]);

    let x_in = format!("x={}", path("x.json"));
    run(&["encrypt", "--keys", &path("mine"), "--in", &x_in, "-o", &path("inputs.ct")]).expect("encrypts");
    let w_in = format!("w={}", path("w.json"));
    let compute = |inputs: &str| run(&["run", "--keys", &path("theirs"), "--inputs", inputs, "--in", &w_in, "-o", &path("results.ct")]);
    compute(&path("inputs.ct")).expect("runs without a secret");
    let decrypt = |results: &str| run(&["decrypt", "--keys", &path("mine"), results, "--out-dir", &path("out")]);
    decrypt(&path("results.ct")).expect("decrypts");

    let text = std::fs::read_to_string(&file).expect("readable");
    let circuit = verify::verify(parse::parse(&text).expect("a circuit")).expect("a right one");
    let expected = interp::circuit::run(&circuit, &[x.concat(), w.to_vec()]).expect("runs in the clear");
    for (output, expected) in circuit.outputs.iter().zip(expected) {
        let found = std::fs::read_to_string(path(&format!("out/{}.json", output.name))).expect("a result");
        let found: serde_json::Value = serde_json::from_str(&found).expect("JSON");
        let number = |value: &serde_json::Value| value.as_i64().unwrap_or_else(|| i64::from(value.as_bool() == Some(true)));
        assert_eq!(found.as_array().expect("a list").iter().map(number).map(i128::from).collect::<Vec<_>>(), expected, "{}", output.name);
    }

    // What was changed, cut off or taken from elsewhere is told; no element is.
    let change = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = std::fs::read(path(name)).expect("readable");
        change(&mut bytes);
        std::fs::write(path("changed"), bytes).expect("written");
        path("changed")
    };
    let middle = |bytes: &mut Vec<u8>| {
        let n = bytes.len() / 2;
        bytes[n] ^= 1;
    };
    assert!(compute(&change("inputs.ct", &middle)).expect_err("changed").contains("E0931"));
    assert!(compute(&change("inputs.ct", &|bytes| bytes.truncate(1000))).expect_err("cut off").contains("E0931"));
    assert!(compute(&path("results.ct")).expect_err("something else").contains("E0931"));
    assert!(compute(&path("theirs")).expect_err("a folder").contains("E0931"));
    assert!(decrypt(&change("results.ct", &middle)).expect_err("changed").contains("E0931"));
    let manifest = std::fs::read_to_string(path("theirs/manifest.json")).expect("readable");
    for (from, to) in [("-3..3", "-2..3"), ("\"version\": 1", "\"version\": 2"), ("sum", "mul"), ("{", "[")] {
        std::fs::write(path("theirs/manifest.json"), manifest.replacen(from, to, 1)).expect("written");
        assert!(compute(&path("inputs.ct")).expect_err(to).contains("E0931"), "{to}");
    }
    std::fs::write(path("theirs/manifest.json"), &manifest).expect("written");
    std::fs::write(path("x.json"), "[[3, -2, 1], [0, 77, -3]]").expect("written");
    let told = run(&["encrypt", "--keys", &path("mine"), "--in", &x_in, "-o", &path("other.ct")]).expect_err("out of its range");
    assert!(told.contains("E0934") && told.contains("position 4") && !told.contains("77"), "{told}");

    // Keys of the same circuit, but others.
    run(&["keygen", &file, "--keys", &path("others")]).expect("keys");
    let told = run(&["decrypt", "--keys", &path("others"), &path("results.ct"), "--out-dir", &path("out")]).expect_err("other keys");
    assert!(told.contains("E0932"), "{told}");
    std::fs::copy(path("others/server.key"), path("theirs/server.key")).expect("a copy");
    assert!(compute(&path("inputs.ct")).expect_err("another server key").contains("E0932"));
}
