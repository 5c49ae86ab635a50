//! `ein he plan` and `ein run --target he` as their users meet them.

use ein::ndarray::{Array, ArrayD, Ix1, Ix2};
use ein::{Tensor, TensorRef};
use ein_runtime::io::{self, save_npy};
use std::process::Command;

/// Standard output and standard error of a command that succeeds, or its exit status with standard error.
fn ein(args: &[&str]) -> Result<(String, String), (i32, String)> {
    let done = Command::new(env!("CARGO_BIN_EXE_ein")).args(args).output().expect("the command starts");
    let (out, err) = (String::from_utf8_lossy(&done.stdout).into_owned(), String::from_utf8_lossy(&done.stderr).into_owned());
    assert!(!err.contains("panicked"), "{err}");
    if done.status.success() { Ok((out, err)) } else { Err((done.status.code().unwrap_or(-1), err)) }
}

#[test]
fn plans_of_strings() {
    let product = ["he", "plan", "--einsum", "ij,jk->ik", "--shape", "A=4x8", "--shape", "B=8x4", "--slots", "256"];
    let (text, _) = ein(&product).expect("a plan");
    assert_eq!(
        text,
        "7 rotations, 1 ct-ct and 0 ct-pt products, 7 sums, 1 relinearisation, 1 rescaling; depth 1, 7 keys\n\
         input A: 1 ciphertext, [slots: zero.1 a1.2-0 zero.2 a0.1-0]\n\
         input B: 1 ciphertext, [slots: zero.1 a0.2-0 a1.1-0 zero.2]\n\
         result out: 1 ciphertext, [slots: zero.1 junk.3 a1.1-0 a0.1-0]\n\
         levels 1: out 1\n\
         CKKS: degree 8192, scale 2^40, moduli of 160 bits (218 are secure), 8 keys, 6.3 MB\n\
         result out: within 9.1e-7 of the exact program and of `ein run` (noise 9.1e-7, approximation 0.0e0, rounding 8.9e-16); elements up to 8.0e0\n\
         if all elements are in -1..1 of what no range is declared for: A, B\n"
    );
    // One that begins as an option does.
    ein(&["he", "plan", "--einsum", "->", "--shape", "A=", "--slots", "64"]).expect("a plan of a scalar");
    let (json, _) = ein(&[&product[..], &["--contract", "strict", "--secret", "A", "--json"]].concat()).expect("a plan");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["slots"], 256);
    assert_eq!(json["inputs"].as_array().map(Vec::len), Some(1));
    let (svg, _) = ein(&[&product[..], &["--svg", "-"]].concat()).expect("a plan");
    assert!(svg.starts_with("<svg"), "{svg}");
}

/// The definitions of a file, planned for 64 slots.
fn plan_of(source: &str, more: &[&str]) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("p.ein");
    std::fs::write(&path, source).expect("written");
    let args = [&["he", "plan", path.to_str().expect("UTF-8"), "--size", "N=8", "--slots", "64"][..], more].concat();
    let tidy = |text: String| text.replace(&format!("{}", path.display()), "p.ein");
    ein(&args).map(|(out, _)| out).map_err(|(_, err)| tidy(err))
}

const TOO_DEEP: &str = "\
[E0711] error: the plan needs 5 levels, and 3 are available
   ╭─[ p.ein:3:10 ]
   │
 1 │ def f<N>(x: secret f64[N] in -1.0..1.0, w: f64[N]) -> y: secret f64[N] {
   │                                                       ┬───────────────
   │                                                       ╰───────────────── 1 for y
   │
 3 │   y[i] = approx(exp, u[i], on = (-1.0, 1.0), degree <= 7) * u[i];
   │          ┬───────────────────────────────────────────────
   │          ╰───────────────────────────────────────────────── 3 for approx
   │          │
   │          ╰───────────────────────────────────────────────── 1 for argument of approx
   │
   │ Help: `--levels 5`, or `--levels 3 --bootstrap N` for an engine that bootstraps, or fewer products in a row: polynomials of lower degrees, or public factors multiplied before
   │
   │ Note: levels of the longest path: argument of approx 1, approx 3, y 1
───╯
";

#[test]
fn levels_of_reals() {
    let source = "def f<N>(x: secret f64[N] in -1.0..1.0, w: f64[N]) -> y: secret f64[N] {
  u[i] = w[i] * x[i];
  y[i] = approx(exp, u[i], on = (-1.0, 1.0), degree <= 7) * u[i];
}";
    let text = plan_of(source, &["--levels", "5"]).expect("a plan");
    assert!(text.contains("\nlevels 5: "), "{text}");
    let json: serde_json::Value = serde_json::from_str(&plan_of(source, &["--json"]).expect("a plan")).expect("JSON");
    assert_eq!((json["levels"]["needed"].as_u64(), json["levels"]["parameters"]["log_qp"].as_u64()), (Some(5), Some(320)));
    let count = |op: &str| json["ops"].as_array().into_iter().flatten().filter(|entry| entry["op"] == op).count();
    assert!(json["counts"]["rescales"] == count("rescale") && count("rescale") >= 5, "{}", json["counts"]);
    assert_eq!(plan_of(source, &["--levels", "3"]).expect_err("two levels more"), TOO_DEEP);
    let booted = plan_of(source, &["--levels", "3", "--bootstrap", "2"]).expect("a plan");
    assert!(
        booted.lines().next().is_some_and(|line| line.ends_with(", 3 bootstrappings")) && booted.contains("\nbootstrapped: "),
        "{booted}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&plan_of(source, &["--levels", "3", "--bootstrap", "2", "--json"]).expect("a plan")).expect("JSON");
    let boot = json["ops"].as_array().into_iter().flatten().find(|entry| entry["op"] == "boot").expect("one is bootstrapped");
    assert!(boot["level"] == 2 && boot["bits"].is_u64() && json["counts"]["boots"] == 3, "{boot}");
    assert_eq!(json["levels"]["boots"][0]["level"], 2);
    assert!(plan_of(source, &["--levels", "3", "--bootstrap", "4"]).expect_err("none has more").contains("no other has more"));
    assert!(plan_of(source, &["--bootstrap", "2"]).is_err() && plan_of(source, &["--levels", "3", "--bootstrap", "0"]).is_err());
    let deep: String = (0..42).map(|n| format!("  t{}[i] = t{n}[i] * t{n}[i];\n", n + 1)).collect();
    let deep = format!("def f<N>(x: secret f64[N]) -> y: secret f64[N] {{\n  t0[i] = 0.5 * x[i];\n{deep}  y[i] = t42[i] * x[i];\n}}");
    let insecure = plan_of(&deep, &[]).expect_err("no ring");
    assert!(insecure.contains("E0719") && insecure.contains("44 levels") && insecure.contains("at most 41 levels"), "{insecure}");
    let integers = "def f<N>(x: secret i64[N]) -> y: secret i64[N] {\n  y[i] = x[i] * x[i];\n}";
    assert!(plan_of(integers, &[]).expect("a plan").contains("0 rescalings"));
    assert!(plan_of(integers, &["--levels", "3"]).expect_err("no levels").contains("--levels is for programs of reals"));
}

/// What is stated of a result holds, or the plan is refused; in parts of a result nothing holds.
#[test]
fn budgets_are_kept() {
    let source =
        |budget: &str| format!("def f<N>(x: secret f64[N] in -1.0..1.0) -> y: secret f64[N]{budget} {{\n  y[i] = x[i] * x[i];\n}}");
    for kept in [" within abs 1e-3", " within abs 1e-6"] {
        assert!(plan_of(&source(kept), &[]).is_ok_and(|text| text.contains("result y: within ")), "{kept}");
    }
    let refused = plan_of(&source(" within abs 1e-8"), &[]).expect_err("the noise is more");
    insta::assert_snapshot!(refused);
    let relative = plan_of(&source(" within rel 1e-8"), &[]).expect("a plan");
    assert!(relative.contains("\nbudgets in parts of a result choose polynomials"), "{relative}");
    let pole = "def f<N>(x: secret f64[N] in 0.0..1.0) -> y: secret f64[N] within abs 1e-2 {\n  y[i] = rsqrt(x[i] + 0.0000001);\n}";
    let refused = plan_of(pole, &["--insecure-toy"]).expect_err("no bound");
    assert!(refused.contains("E0722") && refused.contains("nothing bounds by how much `y` is off"), "{refused}");
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (path, x) = (folder.path().join("p.ein").display().to_string(), folder.path().join("x.npy"));
    save_npy(&x, &TensorRef::from(&Array::<f64, Ix1>::from_elem(8, 0.5))).expect("written");
    let given = format!("x={}", x.display());
    let run = |budget: &str, more: &[&str]| {
        std::fs::write(&path, source(budget)).expect("written");
        ein(&[&["run", &path, "--in", &given, "--target", "he", "--slots", "64"], more].concat())
    };
    assert!(run(" within abs 1e-6", &[]).is_ok() && run(" within abs 1e-8", &[]).is_err_and(|(_, told)| told.contains("E0722")));
}

/// Every command that plans for ciphertexts takes the same options, of programs and of strings.
#[test]
fn commands_share_their_options() {
    let product = ["--einsum", "ij,jk->ik", "--shape", "A=4x8", "--shape", "B=8x4", "--slots", "64"];
    let with = |command: &[&str], more: &[&str]| ein(&[command, &product, more].concat());
    for more in [&[][..], &["--contract", "strict"], &["--secret", "A"], &["--key-budget", "4"]] {
        let (plan, _) = with(&["he", "plan"], more).expect("a plan");
        let counts = plan.lines().next().expect("counts");
        let (text, _) = with(&["emit", "--stage", "he"], more).expect("a program");
        assert!(text.contains(counts) && text.contains("slots 64"), "{counts}: {text}");
        let (words, _) = with(&["explain", "--target", "he"], more).expect("words");
        let rotations = counts.split(' ').next().expect("a number");
        let line = words.lines().find(|line| line.starts_with("rotations ")).expect("a line");
        assert_eq!(line.split_whitespace().nth(1), Some(rotations), "{words}");
    }
    let of_another = ein(&["emit", "--stage", "plan", "--einsum", "i->i", "--shape", "A=4:f64", "--slots", "64"]).expect_err("no slots");
    assert!(of_another.0 == 2 && of_another.1.contains("are for the stage he"), "{}", of_another.1);
    let no_dtype = ein(&["emit", "--stage", "plan", "--einsum", "i->i", "--shape", "A=4"]).expect_err("no dtype");
    assert!(no_dtype.0 == 2 && no_dtype.1.contains("A=8x8:f32"), "{}", no_dtype.1);
    assert_eq!(ein(&["explain", "--einsum", "i->i", "--shape", "A=4"]).expect_err("of a processor").0, 2);
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (path, x) = (folder.path().join("p.ein").display().to_string(), folder.path().join("x.npy"));
    std::fs::write(&path, "def f<N, M>(x: secret i64[N, M]) -> y: secret i64[M, N] {\n  y[j, i] = x[i, j];\n}").expect("written");
    save_npy(&x, &TensorRef::from(&Array::<i64, Ix2>::from_elem((8, 8), 3))).expect("written");
    let given = format!("x={}", x.display());
    let run = |more: &[&str]| ein(&[&["run", &path, "--in", &given], more].concat());
    let told = |contract: &str| run(&["--target", "he", "--slots", "64", "--contract", contract]).expect("a run").1;
    // As it is sent, in the order that is asked for, or moved there.
    assert!(told("free").starts_with("0 rotations") && !told("strict").starts_with("0 rotations"), "{}", told("strict"));
    assert_eq!(run(&["--contract", "strict"]).expect_err("in the clear").0, 2);
}

/// Noise that is drawn follows from its seed, and is within what is printed.
#[test]
fn noise_is_drawn() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (path, x) = (folder.path().join("p.ein").display().to_string(), folder.path().join("x.npy"));
    let ends: Vec<f64> = (0..8).map(|n| if n % 3 == 0 { -1.0 } else { 1.0 }).collect();
    let given = format!("x={}", x.display());
    let mut differ = false;
    for body in ["x[i] * x[i]", "exp(x[i]) * x[i]", "x[i] / (2.0 + x[i])", "relu(x[i])", "x[i] * sum[j](x[j])"] {
        let source = format!("def f<N>(x: secret f64[N] in -1.0..1.0) -> y: secret f64[N] {{\n  y[i] = {body};\n}}");
        std::fs::write(&path, source).expect("written");
        save_npy(&x, &TensorRef::from(&Array::<f64, Ix1>::from(ends.clone()))).expect("written");
        let run =
            |seed: &str| ein(&["run", &path, "--in", &given, "--target", "he", "--slots", "64", "--draw-noise", seed]).expect("a run").1;
        let told = run("1");
        let number = |before: &str| {
            let rest = told.split(before).nth(1).unwrap_or_else(|| panic!("{told}"));
            rest.split_whitespace().next().and_then(|word| word.parse::<f64>().ok()).unwrap_or_else(|| panic!("{told}"))
        };
        let (error, bound) = (number("y: within "), number("noise is drawn, at most "));
        assert!(error <= bound && error > 1e-10, "{body}: {told}");
        assert_eq!(told, run("1"), "{body}");
        differ |= told != run("2");
    }
    assert!(differ);
    let integers = "def f<N>(x: secret i64[N]) -> y: secret i64[N] {\n  y[i] = x[i] * x[i];\n}";
    std::fs::write(&path, integers).expect("written");
    save_npy(&x, &TensorRef::from(&Array::<i64, Ix1>::from_elem(8, 3))).expect("written");
    let refused = ein(&["run", &path, "--in", &given, "--target", "he", "--slots", "64", "--draw-noise", "1"]).expect_err("no noise");
    assert!(refused.0 == 2 && refused.1.contains("--draw-noise is for programs of reals"), "{}", refused.1);
    assert_eq!(ein(&["run", &path, "--in", &given, "--draw-noise", "1"]).expect_err("in the clear").0, 2);
}

/// Projections, scores, a softmax of polynomials, the context and the projection back.
#[test]
fn attention_from_end_to_end() {
    let source = "def attention<N, T, H, D>(x: secret f64[T, N] in -1.0..1.0, Q: f64[H, N, D] in -0.5..0.5, K: f64[H, N, D] in -0.5..0.5,
        V: f64[H, N, D] in -0.5..0.5, O: f64[H, D, N] in -0.5..0.5) -> y: secret f64[T, N] {
  q[h, t, d] = x[t, n] * Q[h, n, d];
  k[h, t, d] = x[t, n] * K[h, n, d];
  v[h, t, d] = x[t, n] * V[h, n, d];
  s[h, t, u] = sum[d](q[h, t, d] * k[h, u, d]) * 0.1;
  e[h, t, u] = approx(exp, s[h, t, u], on = (-4.0, 4.0), degree <= 15);
  r[h, t]    = approx(recip, sum[u](e[h, t, u]), on = (0.5, 20.0), degree <= 31);
  y[t, n]    = sum[h, d](sum[u](e[h, t, u] * v[h, u, d]) * r[h, t] * O[h, d, n]);
}";
    let sizes = ["--size", "T=2", "--size", "H=2", "--size", "D=2"];
    let json: serde_json::Value =
        serde_json::from_str(&plan_of(source, &[&sizes[..], &["--json"]].concat()).expect("a plan")).expect("JSON");
    let levels = &json["levels"];
    assert_eq!(levels["needed"], json["counts"]["depth"]);
    let path: u64 = levels["path"].as_array().into_iter().flatten().filter_map(|step| step["levels"].as_u64()).sum();
    assert!(Some(path) == levels["needed"].as_u64() && path < 22, "{levels}");
    let bound = levels["errors"]["results"][0]["bound"].as_f64().expect("a bound");
    assert!((1e-6..10.0).contains(&bound) && levels["errors"]["assumed"] == serde_json::json!([]), "{levels}");
    let text = plan_of(source, &sizes).expect("a plan");
    assert!(text.contains(&format!("levels {path}: q 1, ")) && text.contains("result y: within "), "{text}");
}

#[test]
fn plans_that_cannot_be() {
    let dot = ["he", "plan", "--einsum", "i,i->", "--shape", "A=8", "--shape", "B=8"];
    let with = |more: &[&'static str]| ein(&[&dot[..], more].concat()).expect_err("refused");
    assert!(with(&["--slots", "1000"]).1.contains("E0719"));
    assert!(with(&["--key-budget", "0"]).1.contains("E0715"));
    let large = ein(&["he", "plan", "--einsum", "ij->ji", "--shape", "A=1000000x1000000"]).expect_err("refused");
    assert!(large.1.contains("E0715") && large.1.contains("67108864 ciphertexts"), "{}", large.1);
    let large = ein(&["he", "plan", "--einsum", "ij,jk->ik", "--shape", "A=3000x3000", "--shape", "B=3000x3000"]).expect_err("refused");
    assert!(large.1.contains("E0715") && large.1.contains("4194304 ciphertexts"), "{}", large.1);
    let (status, unknown) = with(&["--secret", "C"]);
    assert!(status == 1 && unknown.contains('A') && unknown.contains('B'), "{unknown}");
    assert_eq!(ein(&["he", "plan"]).expect_err("no program").0, 2);
}

#[test]
fn costs_are_read_from_a_file() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("costs.json").display().to_string();
    let plan = |text: &str| {
        std::fs::write(&path, text).expect("written");
        ein(&["he", "plan", "--einsum", "ij->ji", "--shape", "A=8x8", "--contract", "strict", "--slots", "64", "--costs", &path])
    };
    let built_in = ein::costs::to_text(&ein::packed::Costs::default());
    let (text, _) = plan(&built_in).expect("a plan");
    assert!(text.contains("rotations"), "{text}");
    for wrong in ["{", "{\"version\": 2}", &built_in.replace("1.0", "-1.0"), &built_in.replace("mulcc", "mul")] {
        let (status, told) = plan(wrong).expect_err("no table");
        assert!(status == 1 && told.contains("E0925") && told.contains("costs.json"), "{told}");
    }
}

const SCORES: &str = "def scores<N, D>(x: secret f64[N, D] in -1.0..1.0, W: f64[D, D], c: f64[D]) -> y: secret f64[N] {
  u[n, o] = x[n, d] * W[o, d] + c[o];
  y[n] = sum[o](approx(sigmoid, u[n, o], on = (-4.0, 4.0), degree <= 3) * u[n, o]);
}
";

#[test]
fn plans_are_explained() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("scores.ein").display().to_string();
    std::fs::write(&path, SCORES).expect("written");
    let explain = |more: &[&str]| ein(&[&["explain", &path, "--size", "N=4", "--size", "D=4"], more].concat());
    let (text, _) = explain(&["--target", "he", "--slots", "64"]).expect("a plan");
    insta::assert_snapshot!(text);
    let (plan, _) = ein(&["he", "plan", &path, "--size", "N=4", "--size", "D=4", "--slots", "64"]).expect("a plan");
    let figure = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()).expect("a figure");
    let counts =
        ["rotations", "ct-ct products", "ct-pt products, masks too", "sums", "relinearisations", "rescalings", "depth", "rotation keys"];
    let counts = counts.map(figure);
    let numbers = |text: &str| text.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(numbers(plan.lines().next().unwrap_or_default()), counts, "{plan}");
    assert_eq!(explain(&["--slots", "64"]).expect_err("of a processor").0, 2);
    assert_eq!(explain(&["--target", "he", "--svg", "x.svg"]).expect_err("no picture").0, 2);
    assert!(explain(&["--target", "he", "--slots", "63"]).expect_err("no ring").1.contains("E0719"));
}

const PATHS: &str = "def paths<V>(D: secret u8[V, V] in 0..9, a: i8[V] in -4..3, w: i8[V, V] in -4..3, open: secret bool[V])
    -> (E: secret i32[V, V], y: secret i32[V], n: secret i64) {
  E[i, j] = min[k](D[i, k] as i32 + D[k, j] as i32);
  y[i] = D[j, j] as i8 * a[k] * w[j, k] * w[i, k];
  n = sum[i](open[i] as i64);
}
export paths for tfhe;";

#[test]
fn circuits_are_explained() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("paths.ein").display().to_string();
    std::fs::write(&path, PATHS).expect("written");
    let explain = |more: &[&str]| ein(&[&["explain", &path, "--size", "V=3"], more].concat());
    let (text, _) = explain(&["--target", "tfhe"]).expect("a circuit");
    insta::assert_snapshot!(text);
    let (json, _) = explain(&["--target", "tfhe", "--json"]).expect("a circuit");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let of_steps: u64 = json["steps"].as_array().into_iter().flatten().filter_map(|step| step["bootstraps"].as_u64()).sum();
    assert_eq!(json["bootstraps"].as_u64(), Some(of_steps), "{json}");
    assert_eq!(json["plans"][0]["bootstraps"], json["bootstraps"]);
    // Times follow from what a bootstrap takes, and nothing else does.
    let measured = folder.path().join("bootstrap.json").display().to_string();
    let by = |text: &str| {
        std::fs::write(&measured, text).expect("written");
        explain(&["--target", "tfhe", "--json", "--costs", &measured])
    };
    let (faster, _) = by(r#"{"version": 1, "tfhe": {"bootstrap": 0.0055}}"#).expect("a circuit");
    let faster: serde_json::Value = serde_json::from_str(&faster).expect("JSON");
    let seconds = |report: &serde_json::Value| report["seconds"]["one_core"].as_f64().expect("seconds");
    assert!((seconds(&json) - 4.0 * seconds(&faster)).abs() < 1e-6 && faster["steps"] == json["steps"], "{faster}");
    for wrong in ["{", r#"{"version": 2}"#, r#"{"version": 1, "tfhe": {"bootstrap": 0}}"#, r#"{"version": 1, "costs": {}}"#] {
        assert!(by(wrong).expect_err("no figure").1.contains("E0925"), "{wrong}");
    }
    assert_eq!(explain(&["--costs", &measured]).expect_err("of a processor").0, 2);
    assert_eq!(explain(&["--json"]).expect_err("of a processor").0, 2);
    assert_eq!(explain(&["--target", "tfhe", "--slots", "64"]).expect_err("no slots").0, 2);
    assert_eq!(explain(&["--target", "tfhe", "--svg", "x.svg"]).expect_err("no picture").0, 2);
    assert!(ein(&["explain", &path, "--target", "tfhe"]).expect_err("no size").1.contains("E0306"));
}

/// What a person does who follows the README.
#[test]
fn the_example_of_a_regression_runs() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (examples, out) = (concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/logistic"), folder.path().display().to_string());
    let (x, w) = (format!("x={examples}/patients.npy"), format!("w={examples}/weights.npy"));
    let program = format!("{examples}/logistic.ein");
    let run = |more: &[&str]| ein(&[&["run", &program, "--in", &x, "--in", &w, "--out-dir", &out], more].concat());
    let (_, words) = run(&["--target", "he", "--slots", "256"]).expect("runs");
    assert!(words.contains("p: within"), "{words}");
    let loaded = io::load(&format!("{out}/p.npy")).expect("a result");
    let risks = loaded.view().as_array::<f64>().expect("f64").to_owned();
    assert!(risks.len() == 32 && risks.iter().all(|p| (0.0..=1.0).contains(p)) && risks.iter().any(|&p| p > 0.7), "{risks}");
    // Told before anything is read.
    let (status, told) = ein(&["run", "nothing.ein", "--target", "he", "--slots", "1000"]).expect_err("no ring");
    assert!(status == 1 && told.contains("E0719") && told.contains("1000"), "{told}");
}

#[test]
fn programs_run_slot_by_slot() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(
        path("score.ein"),
        "def score<B, D, O>(x: secret f64[B, D] in -1.0..1.0, W: f64[O, D], c: f64[O]) -> y: secret f64[B, O] {
           u[b, o] = W[o, d] * x[b, d] + c[o];
           y[b, o] = approx(sigmoid, u[b, o], on = (-8.0, 8.0), degree <= 15);
         }",
    )
    .expect("written");
    let wave = |n: usize| ((n * 37 % 101) as f64 / 50.0 - 1.0).clamp(-1.0, 1.0);
    let matrix = |rows: usize, columns: usize| Array::from_shape_fn(Ix2(rows, columns), |(i, j)| wave(i * columns + j)).into_dyn();
    let save = |name: &str, array: &ArrayD<f64>| {
        save_npy(path(name).as_ref(), &TensorRef::from(&Tensor::from_array(array).expect("fits"))).expect("written");
    };
    save("x.npy", &matrix(3, 6));
    save("W.npy", &matrix(5, 6));
    save("c.npy", &Array::from_shape_fn(Ix1(5), wave).into_dyn());
    let (program, x, w, c) =
        (path("score.ein"), format!("x={}", path("x.npy")), format!("W={}", path("W.npy")), format!("c={}", path("c.npy")));
    let run = |target: &str| {
        let out = path(target);
        let mut args = vec!["run", &program, "--in", &x, "--in", &w, "--in", &c, "--target", target, "--out-dir", &out];
        if target == "he" {
            args.extend(["--slots", "512"]);
        }
        let (_, err) = ein(&args).expect("runs");
        let loaded = io::load(&format!("{out}/y.npy")).expect("a result");
        (loaded.view().as_array::<f64>().expect("f64").to_owned(), err)
    };
    assert_eq!(ein(&["run", &program, "--slots", "512"]).expect_err("slots of a processor").0, 2);
    let ((clear, _), (simulated, words)) = (run("cpu"), run("he"));
    let worst = (&clear - &simulated).iter().fold(0.0_f64, |worst, d| worst.max(d.abs()));
    assert!(worst < 1.5e-3 && worst > 0.0, "{worst}");
    assert!(words.contains("rotations") && words.contains("y: within"), "{words}");
}

/// A program that branches on secrets, by a circuit and in the clear.
#[test]
fn circuits_are_run_and_compared() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("utf-8").to_owned();
    let text = "def f<N>(x: secret i8[N] in -8..7, w: i8[N]) -> (y: secret i32[N], best: secret i64, half: f64[N]) {
  half[i] = w[i] as f64 / 2.0;
  y[i] = if x[i] > 0 then x[i] as i32 * w[i] as i32 else -1;
  best = argmax[i](x[i]);
}
export f for tfhe;
";
    std::fs::write(path("f.ein"), text).expect("written");
    let save = |name: &str, numbers: &[i8]| {
        let tensor = Tensor::from_slice(&[numbers.len()], numbers).expect("fits");
        save_npy(path(name).as_ref(), &TensorRef::from(&tensor)).expect("written");
        format!("{}={}", name.trim_end_matches(".npy"), path(name))
    };
    let (x, w) = (save("x.npy", &[-3, 5, 7, 0]), save("w.npy", &[1, -2, 3, 4]));
    let (program, out) = (path("f.ein"), path("out"));
    let run = ["run", &program, "--in", &x, "--in", &w, "--target", "tfhe"];
    let (_, words) = ein(&[&run[..], &["--out-dir", &out]].concat()).expect("runs");
    let expected = [
        "bootstraps, critical path",
        "y: equal to the program in the clear",
        "best: equal to the program in the clear",
        "half: computed in the clear",
    ];
    expected.iter().for_each(|part| assert!(words.contains(part), "{words}"));
    let loaded = io::load(&format!("{out}/y.npy")).expect("a result");
    assert_eq!(loaded.view().as_array::<i32>().expect("i32").iter().copied().collect::<Vec<_>>(), [-1, -10, 21, -1]);
    let loaded = io::load(&format!("{out}/half.npy")).expect("a result");
    assert_eq!(loaded.view().as_array::<f64>().expect("f64").iter().copied().collect::<Vec<_>>(), [0.5, -1.0, 1.5, 2.0]);
    assert_eq!(ein(&[&run[..], &["--slots", "64"]].concat()).expect_err("slots of a circuit").0, 2);
    let (text, _) = ein(&["emit", "--stage", "tfhe", &program, "--size", "N=4"]).expect("emits");
    assert!(text.starts_with("circuit \"f\" {\n  # "), "{text}");
    // What a packed program cannot do, it says.
    let refused = ein(&["emit", "--stage", "he", &program, "--size", "N=4"]).expect_err("refused").1;
    assert!(refused.contains("E0712"), "{refused}");
}

/// A declared range counts as it is declared, however large its ends are.
#[test]
fn large_declared_ranges_count() {
    let program = |ty: &str, value: &str, budget: &str| {
        format!("def f<N>(x: secret {ty}) -> y: secret f64[N]{budget} {{\n  y[i] = {value} * {value};\n}}")
    };
    for (ty, value) in [("f64[N] in 0.0..1e12", "x[i]"), ("i64[N] in 0..1000000000000", "(x[i] as f64)")] {
        let refused = plan_of(&program(ty, value, " within abs 1e-3"), &[]).expect_err("noise of 1e24 is more");
        assert!(refused.contains("E0722") && !refused.contains("no range is declared"), "{refused}");
        let plan = plan_of(&program(ty, value, ""), &[]).expect("a plan");
        assert!(plan.contains("elements up to 1.0e24") && !plan.contains("if all elements are in -1..1"), "{plan}");
    }
    let computed = "def f<N>(x: secret f64[N] in -1.0..1.0, n: i32[N] in 0..100) -> y: secret f64[N] {
  m[i] = n[i] * 3;
  y[i] = x[i] * (m[i] as f64);
}";
    let plan = plan_of(computed, &[]).expect("a plan");
    assert!(plan.contains("elements up to 3.0e2") && !plan.contains("if all elements are in -1..1"), "{plan}");
}

/// Of what is declared without an end there is no bound, whatever it is an operand of; of other results there is.
#[test]
fn ranges_without_an_end_bound_nothing() {
    let of = |range: &str, results: &str, more: &str| {
        format!(
            "def f<N>(x: secret f64[N] in {range}, z: secret f64[N] in -1.0..1.0, w: f64[N] in {range}) -> ({results}) {{\n  {more}\n}}"
        )
    };
    let (y, u) = ("y: secret f64[N]", "u: secret f64[N]");
    for range in ["5.0..inf", "-inf..3.0", "-inf..inf"] {
        for value in ["2.0 * x[i]", "x[i] * z[i]", "w[i] * z[i]", "exp(w[i] + 1.0) * z[i]"] {
            // The exponential has an end below a power with one above.
            if range == "-inf..3.0" && value.contains("exp") {
                continue;
            }
            let source = of(range, &format!("{y}, {u}"), &format!("y[i] = {value};\n  u[i] = z[i] * z[i];"));
            let plan = plan_of(&source, &[]).expect("a plan");
            let operand = if value.contains('x') && !value.contains("exp") { "x" } else { "w" };
            assert!(plan.contains("result y: nothing bounds its error\n") && plan.contains("result u: within "), "{plan}");
            assert!(plan.contains(&format!("`{operand}` is declared `in {range}`")) && !plan.contains("-1..1"), "{plan}");
            let json = plan_of(&source, &["--json"]).expect("a plan");
            let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
            assert!(json["levels"]["errors"]["results"][0]["bound"].is_null(), "{}", json["levels"]);
            assert_eq!(json["levels"]["errors"]["endless"][0][0], operand);
            let refused = plan_of(&of(range, &format!("{y} within abs 1e-3"), &format!("y[i] = {value};")), &[]).expect_err("no bound");
            assert!(refused.contains("E0722") && refused.contains(&format!("`{operand}` is declared `in {range}`")), "{refused}");
        }
        let refused = plan_of(&of(range, y, "y[i] = sqrt(x[i] * x[i] + 1.0);"), &[]).expect_err("no polynomial");
        let lacks = if range.starts_with('5') { "`x` is in 5.0..inf, which has no upper end" } else { "which has no lower end" };
        assert!(refused.contains("E0710") && refused.contains(lacks), "{refused}");
    }
    let bounded = plan_of(&of("-inf..3.0", y, "y[i] = exp(w[i]) * z[i];"), &[]).expect("a plan");
    assert!(bounded.contains("result y: within ") && bounded.contains("elements up to 2.1e1\n"), "{bounded}");
    let source = "def f<N>(x: secret f64[N] in 5.0..inf) -> y: secret f64[N] {\n  y[i] = 2.0 * x[i];\n}";
    let told = run_of(source, &[5.0, 1e6], &["--draw-noise", "1"]).expect("a run");
    assert!(told.contains("which nothing bounds"), "{told}");
}

/// A program, and what `ein run` says of it for these elements of `x`.
fn run_of(source: &str, x: &[f64], more: &[&str]) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (path, file) = (folder.path().join("p.ein").display().to_string(), folder.path().join("x.npy"));
    std::fs::write(&path, source).expect("written");
    save_npy(&file, &TensorRef::from(&Array::<f64, Ix1>::from(x.to_vec()))).expect("written");
    let given = format!("x={}", file.display());
    let args = [&["run", &path, "--in", &given, "--target", "he", "--slots", "64"], more].concat();
    ein(&args).map(|(out, err)| out + &err).map_err(|(_, err)| err)
}

/// What bounds suppose is said, and that operands are not so.
#[test]
fn bounds_of_runs_say_what_they_suppose() {
    let source = |budget: &str| format!("def f<N>(x: secret f64[N]) -> y: secret f64[N]{budget} {{\n  y[i] = x[i] * x[i];\n}}");
    let inside = run_of(&source(""), &[0.5, -1.0], &["--draw-noise", "1"]).expect("a run");
    assert!(inside.contains("from the exact program if all elements are in -1..1 of x\n"), "{inside}");
    let outside = run_of(&source(""), &[0.5, -1000.0], &["--draw-noise", "1"]).expect("a run");
    assert!(outside.contains("of x, which they are not: declare a range of `x`"), "{outside}");
    assert!(outside.contains("in -1024.0..1024.0"), "{outside}");
    for more in [&["--draw-noise", "1"][..], &[]] {
        assert!(run_of(&source(" within abs 1e-3"), &[0.5, 1.0], more).is_ok());
        let refused = run_of(&source(" within abs 1e-3"), &[0.5, -1000.0], more).expect_err("nothing is known of these");
        assert!(refused.contains("E0722") && refused.contains("in -1024.0..1024.0") && !refused.contains("1000"), "{refused}");
    }
    let taken = "def f<N>(x: secret f64[N]) -> y: secret f64[N] {\n  y[i] = approx(exp, x[i], on = (-0.5, 0.5), degree <= 7);\n}";
    let told = run_of(taken, &[0.5, 0.25], &["--draw-noise", "1"]).expect("a run");
    assert!(told.contains("if all arguments of `approx` on -0.5..0.5 are in that range"), "{told}");
}

/// What is not finite is said, and is a failure where only the one or the other is.
#[test]
fn results_that_are_not_finite_are_told() {
    let square = "def f<N>(x: secret f64[N]) -> y: secret f64[N] {\n  y[i] = x[i] * x[i];\n}";
    let told = run_of(square, &[1e200, 2.0, 3.0], &[]).expect("both are infinite");
    assert!(told.contains("y: 1 of 3 elements are no finite numbers, which no ciphertext holds; the others within 0.000e0"), "{told}");
    let on_the_way =
        "def f<N>(x: secret f64[N]) -> y: secret f64[N] {\n  t[i] = (x[i] as f32) * (x[i] as f32);\n  y[i] = (t[i] as f64) * 1e-30;\n}";
    let refused = run_of(on_the_way, &[1e30, 2.0], &[]).expect_err("the square is no f32");
    assert!(refused.contains("E0934") && refused.contains("element 0 of `y` is inf in the clear and 1"), "{refused}");
}

/// Powers are squares of squares where there would be too many factors or products, and what the plans compute is exact.
#[test]
fn long_powers_are_squares() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = |name: &str| folder.path().join(name).display().to_string();
    for (name, from) in [("x", 3_i64), ("y", -5)] {
        let numbers: Vec<i64> = (0..6).map(|n| from + n * n - 3 * n).collect();
        save_npy(path(name).as_ref(), &TensorRef::from(&Array::<i64, Ix1>::from(numbers))).expect("written");
    }
    let given = ["x", "y"].map(|name| format!("{name}={}", path(name)));
    let both = "(x: secret i64[N], y: secret i64[N]) -> r: secret i64";
    for (signature, body, products) in [
        (format!("{both}[N]"), "r[i] = x[i]^25 + y[i];", 6),
        (format!("{both}[N]"), "r[i] = (x[i] - y[i])^9;", 4),
        (format!("{both}[N, N]"), "r[i, j] = (x[i] - 3 * y[j])^9 * x[i];", 5),
        (both.to_owned(), "r = sum[i]((x[i] * y[i] + 2)^17);", 6),
        (format!("{both}[N]"), "r[i] = if i < 3 then (x[i] - y[i] + 1)^30 else x[i];", 8),
        (format!("{both}[N]"), "r[i] = (x[i] + y[i])^6 * (x[i] - y[i] + 1)^6 * (x[i] + 2 * y[i] - 7)^6;", 15),
        (format!("{both}[N]"), "r[i] = (x[pad(i - 1)] + y[i])^33;", 6),
    ] {
        let source = format!("def f<N>{signature} {{\n  {body}\n}}");
        std::fs::write(path("p.ein"), &source).expect("written");
        let args = ["run", &path("p.ein"), "--in", &given[0], "--in", &given[1], "--target", "he", "--slots", "64"];
        let (out, err) = ein(&args).unwrap_or_else(|(_, err)| panic!("{source}\n{err}"));
        let told = out + &err;
        let count: usize = told.split(" ct-ct").next().and_then(|text| text.rsplit(' ').next()?.parse().ok()).expect("a count");
        assert!(count <= products && told.contains("r: within 0.000e0"), "{source}\n{told}");
    }
    let real = "def f<N>(x: secret f64[N] in -1.0..1.0) -> y: secret f64[N] {\n  y[i] = (x[i] * 0.5 - 0.25)^26;\n}";
    let plan = plan_of(real, &[]).expect("a plan");
    assert!(plan.contains(" 6 ct-ct") && plan.contains("result y: within "), "{plan}");
    let many: Vec<String> = (0..300).map(|n| format!("x[i] * {n}.5 * y[{n}]")).collect();
    let sum = format!("def f<N>(x: secret f64[N], y: secret f64[300]) -> r: secret f64[N] {{\n  r[i] = {};\n}}", many.join(" + "));
    let refused = plan_of(&sum, &[]).expect_err("too long");
    assert!(refused.contains("E0190") && refused.contains("in an equation of its own"), "{refused}");
}

/// Sizes that nothing holds are refused as what they are.
#[test]
fn sizes_beyond_everything_are_refused() {
    let plan = |string: &str, shape: &str| ein(&["he", "plan", "--einsum", string, "--shape", shape]).expect_err("refused");
    for (string, shape) in [("ij->ij", "A=0x4294967296000000"), ("ij->", "A=0x4294967296000000"), ("ij->ji", "A=0x1000000000")] {
        let (status, told) = plan(string, shape);
        assert!(status == 1 && told.contains("E0715"), "{string}: {told}");
    }
    let (status, told) = plan("i->i", "A=18446744073709551615");
    assert!(status == 2 && told.contains("18446744073709551615 is no size: at most 9223372036854775807 is one"), "{told}");
    assert_eq!(plan("i->i", "=4").0, 2);
    let slots = ein(&["he", "plan", "--einsum", "i->i", "--shape", "A=4", "--slots", "3"]).expect_err("no power of two");
    assert!(slots.1.contains("at most 65536, 32768 of reals; 3 is none"), "{}", slots.1);
    let empty = "def f<N>(x: secret f64[1000000000, 0], y: secret f64[N]) -> z: secret f64[N] {\n  z[i] = y[i] + sum[a, b](x[a, b]);\n}";
    let refused = plan_of(empty, &[]).expect_err("too large an address");
    assert!(refused.contains("E0715") && refused.contains("`x`"), "{refused}");
    let small = empty.replace("1000000000", "10");
    plan_of(&small, &[]).expect("a plan without `x`");
}

/// What a refusal names as the repair is one.
#[test]
fn remedies_work() {
    let figure = |refused: &str| {
        let rest = refused.split("`within abs ").last().unwrap_or_else(|| panic!("{refused}"));
        rest.split('`').next().map(str::to_owned).unwrap_or_else(|| panic!("{refused}"))
    };
    for (body, results) in [("exp(x[i]) / sum[j](exp(x[j]))", "f64[N]"), ("log(sum[j](exp(3.0 * x[j]))) * exp(2.0 * x[i])", "f64[N]")] {
        let source = |budget: &str| {
            format!("def f<N>(x: secret f64[N] in -1.0..1.0) -> y: secret {results} within abs {budget} {{\n  y[i] = {body};\n}}")
        };
        let refused = plan_of(&source("1e-9"), &["--insecure-toy"]).expect_err("too close");
        assert!(refused.contains("E0722"), "{refused}");
        plan_of(&source(&figure(&refused)), &["--insecure-toy"]).unwrap_or_else(|err| panic!("{body}: {refused}\n{err}"));
    }
    let nothing = "def f<N>(x: secret f64[0] in 1.0..2.0, w: f64[N]) -> y: secret f64 {\n  y = prod[i](x[i]);\n}";
    let refused = plan_of(nothing, &[]).expect_err("nothing is secret");
    assert!(refused.contains("E0718") && refused.contains("secret, and has no elements") && !refused.contains("not secret"), "{refused}");
    let refused = plan_of(&nothing.replace("prod", "lse"), &[]).expect_err("of nothing");
    assert!(refused.contains("an axis of `x` has the size 0"), "{refused}");
    let jump = "def f<N>(x: secret f64[N] in 1.0..2.0) -> y: secret f64[N] {\n  y[i] = x[i] // 0.7;\n}";
    assert!(plan_of(jump, &[]).is_err_and(|told| told.contains("approx(f, ")));
    let wrapped = "def f<N>(x: secret u8[N]) -> y: secret f64[N] {\n  y[i] = ((x[i] - 7) as f64) * 0.5;\n}";
    assert!(plan_of(wrapped, &[]).is_err_and(|told| told.contains("E0716") && !told.contains("tfhe")));
    let whole = "def f<N>(x: secret i64[N]) -> y: secret i64[N] {\n  y[i] = round(x[i]) + floor(x[i]) * ceil(x[i]);\n}";
    assert!(plan_of(whole, &[]).expect("they are whole already").contains(" 1 ct-ct"));
}

/// A result that no secret goes into is told, with a plan and with its JSON.
#[test]
fn results_in_the_clear_are_told() {
    let source = "def f<N>(x: secret f64[N] in -1.0..1.0, w: f64[N] in -1.0..1.0) -> (y: secret f64[N], q: secret f64[N]) {
  y[i] = x[i] * w[i];
  q[i] = w[i] * 2.0;
}";
    let text = plan_of(source, &[]).expect("a plan");
    assert!(text.contains("result q: computed in the clear, as no secret goes into it\n"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&plan_of(source, &["--json"]).expect("a plan")).expect("JSON");
    assert_eq!(json["open"], serde_json::json!(["q"]));
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("p.ein").display().to_string();
    std::fs::write(&path, source).expect("written");
    let (text, _) = ein(&["explain", &path, "--target", "he", "--size", "N=8", "--slots", "64"]).expect("an explanation");
    assert!(text.ends_with("\n\nresult q: computed in the clear, as no secret goes into it\n"), "{text}");
}

/// What depends on no operand is in the JSON of a plan, however it is computed and large it is; more than a file may have is refused.
#[test]
fn constants_are_written_out() {
    let source = "def f<N>(x: secret f64[N, N] in -1.0..1.0, k: secret i64[N], w: f64[N]) -> (y: secret f64[N, N], r: secret i64[N]) {
  s[i: N] = sum[j: N where j <= i](1.0 / (1.0 + (j as f64)));
  y[i, j] = x[i, j] * exp(-((i + j) as f64) / 100.0) + x[i, j] * s[i] * s[j] + x[j, i] * exp(w[j]);
  r[i] = k[i] * (i * 4611686018427387905);
}";
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("p.ein").display().to_string();
    let json = |source: &str, n: &str| {
        std::fs::write(&path, source).expect("written");
        ein(&["he", "plan", &path, "--size", n, "--json"]).map(|(out, _)| out).map_err(|(_, err)| err)
    };
    let plan: serde_json::Value = serde_json::from_str(&json(source, "N=300").expect("a plan")).expect("JSON");
    let computed = plan["computed"].as_array().expect("what is computed in the clear");
    let values = |n: usize| computed[n]["values"].as_array();
    let all: Vec<usize> = (0..computed.len()).filter_map(values).map(Vec::len).collect();
    assert_eq!((all.iter().max(), all.len() + 1), (Some(&90_000), computed.len()), "{all:?}");
    let find = |is_it: &dyn Fn(&Vec<serde_json::Value>) -> bool| (0..computed.len()).filter_map(values).find(|found| is_it(found));
    let whole = find(&|values| values[1].is_i64()).expect("integers");
    assert_eq!(whole[2], serde_json::json!(9_223_372_036_854_775_810_u64.cast_signed()));
    let of_indices = find(&|values| values.len() == 90_000).expect("reals");
    let near = of_indices[301 * 2].as_f64().expect("a number");
    assert!((near - (-0.04_f64).exp()).abs() < 1e-12, "{near}");
    let sums = find(&|values| values[1] == 1.5).expect("sums");
    assert_eq!(sums[2], 1.5 + 1.0 / 3.0);
    let long = "def f<N>(x: secret f64[N] in -1.0..1.0) -> y: secret f64[N] {\n  y[i] = x[i] / (1.0 + (i as f64));\n}";
    let refused = json(long, "N=4194305").expect_err("too many");
    assert!(refused.contains("E0715") && refused.contains("at most 4194304"), "{refused}");
}

/// What a message quotes of an array would be a secret.
#[test]
fn no_element_of_a_secret_is_shown() {
    let source = "def f<N>(x: secret f64[N] in -4.0..4.0) -> y: secret f64[N] {\n  y[i] = x[i] * x[i];\n}";
    let refused = run_of(source, &[0.5, 17.125], &[]).expect_err("it is outside");
    assert!(refused.contains("`x[1]` is outside, and its values are stated to be in -4.0..4.0") && !refused.contains("17"), "{refused}");
}
