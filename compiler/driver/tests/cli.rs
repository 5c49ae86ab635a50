//! The command `ein` as its users meet it: exit status, what goes to which stream, files in and out.

use ein::{Tensor, TensorRef};
use ein_runtime::io::{self, save_npy, save_npz, save_safetensors};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// A folder that goes away with the test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder for the test"))
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn array(&self, name: &str, shape: &[usize], values: &[f32]) -> String {
        let path = self.path(name);
        save_npy(Path::new(&path), &(&Tensor::from_slice(shape, values).expect("fits")).into()).expect("written");
        path
    }

    fn text(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("a folder");
        let mut names: Vec<String> = entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// Exit status, standard output, standard error.
struct Done {
    status: i32,
    out: String,
    err: String,
}

impl Done {
    /// The command succeeded; gives standard output.
    #[track_caller]
    fn ok(self) -> String {
        assert_eq!(self.status, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// The command failed with a status, nothing on standard output, and these words on standard error.
    #[track_caller]
    fn fails(self, status: i32, words: &[&str]) -> String {
        assert_eq!(self.status, status, "{}{}", self.out, self.err);
        assert_eq!(self.out, "", "standard output is for results");
        for word in words {
            assert!(self.err.contains(word), "no `{word}` in:\n{}", self.err);
        }
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self.err
    }
}

fn ein_with_input(args: &[&str], input: &str) -> Done {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ein"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command exists");
    // A command that does not read its input may have gone already.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("utf-8");
    Done { status: output.status.code().expect("not killed"), out: text(output.stdout), err: text(output.stderr) }
}

fn ein(args: &[&str]) -> Done {
    ein_with_input(args, "")
}

fn load(path: &str) -> (Vec<usize>, Vec<f32>) {
    let loaded = io::load(path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let tensor = loaded.view().to_tensor().expect("small");
    (tensor.shape().to_vec(), tensor.as_slice::<f32>().expect("f32").to_vec())
}

fn repository(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path).display().to_string()
}

const MATMUL: &str = "def matmul<M, N, K>(A: f32[M, K], B: f32[K, N]) -> C: f32[M, N] {\n  C[i, j] = A[i, k] * B[k, j];\n}\n";

#[test]
fn einsum_writes_a_file_or_prints() {
    let f = Folder::new();
    let a = f.array("a.npy", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let b = f.array("b.npy", &[3, 2], &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    let c = f.path("c.npy");
    assert_eq!(ein(&["einsum", "ij,jk->ik", &a, &b, "-o", &c]).ok(), "");
    assert_eq!(load(&c), (vec![2, 2], vec![4.0, 5.0, 10.0, 11.0]));
    let printed = ein(&["einsum", "ij,jk->ik", &a, &b]).ok();
    assert!(printed.contains("11"), "{printed}");
    // Spaces, implicit result, ellipsis.
    ein(&["einsum", " i j , j k ", &a, &b, "-o", &c]).ok();
    assert_eq!(load(&c).0, [2, 2]);
    ein(&["einsum", "...j->j...", &a, "-o", &c]).ok();
    assert_eq!(load(&c), (vec![3, 2], vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0]));
}

#[test]
fn einsum_with_an_empty_string() {
    let f = Folder::new();
    let s = f.array("s.npy", &[], &[7.0]);
    let out = f.path("out.npy");
    ein(&["einsum", "-o", &out, "--", "->", &s]).ok();
    assert_eq!(load(&out), (vec![], vec![7.0]));
    ein(&["einsum", "-o", &out, "--", "", &s]).ok();
    assert_eq!(load(&out), (vec![], vec![7.0]));
}

#[test]
fn einsum_refuses() {
    let f = Folder::new();
    let a = f.array("a.npy", &[2, 3], &[0.0; 6]);
    let b = f.array("b.npy", &[2, 2], &[0.0; 4]);
    let c = f.path("c.npy");
    let before = f.names();
    ein(&["einsum", "ij,jk->ik", &a, &b, "-o", &c]).fails(1, &["E0159", "j", "3", "2"]);
    ein(&["einsum", "ij,jk->iq", &a, &a, "-o", &c]).fails(1, &["E0153", "q"]);
    ein(&["einsum", "ij->i", &a, &b, "-o", &c]).fails(1, &["E0155"]);
    ein(&["einsum", "ij->i", &f.path("nothing.npy"), "-o", &c]).fails(1, &["E0901", "nothing.npy"]);
    let broken = f.text("broken.npy", "not numpy");
    ein(&["einsum", "ij->i", &broken, "-o", &c]).fails(1, &["E0902", "broken.npy"]);
    assert_eq!(f.names().len(), before.len() + 1, "no partial result: {:?}", f.names());
    ein(&["einsum", "i->i", &a, "-o", &f.path("no/such/folder.npy")]).fails(1, &["E01"]);
    ein(&["einsum", "ij->i", &a, "-o", &f.path("no/such/folder.npy")]).fails(1, &["E0909"]);
}

#[test]
fn eval_takes_dims_and_dtypes_from_the_files() {
    let f = Folder::new();
    let a = f.array("a.npy", &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    let c = f.path("c.npy");
    let input = format!("A={a}");
    ein(&["eval", "C[i, k] = A[i, j] * A[j, k]", &input, "-o", &format!("C={c}")]).ok();
    assert_eq!(load(&c), (vec![2, 2], vec![7.0, 10.0, 15.0, 22.0]));
    let printed = ein(&["eval", "m = max[i, j](A[i, j])", &input]).ok();
    assert!(printed.trim() == "4" || printed.contains('4'), "{printed}");
    ein(&["eval", "C[i] = A[i, j]", &input]).fails(1, &["E0201", "sum[j]"]);
    ein(&["eval", "C[i] = A[i, i]", &input, "-o", &format!("D={c}")]).fails(2, &["`D`", "`C`"]);
    ein(&["eval", "C[i] = A[i, i]", "A"]).fails(2, &["NAME=VALUE"]);
}

#[test]
fn run_reads_every_format_and_writes_each_result() {
    let f = Folder::new();
    let program = f.text("matmul.ein", MATMUL);
    let a = Tensor::from_slice(&[1, 2], &[2.0f32, 3.0]).expect("fits");
    let b = Tensor::from_slice(&[2, 2], &[1.0f32, 2.0, 3.0, 4.0]).expect("fits");
    let (npz, model) = (f.path("x.npz"), f.path("model.safetensors"));
    save_npz(Path::new(&npz), &[("left", TensorRef::from(&a))]).expect("written");
    save_safetensors(Path::new(&model), &[("layer.0.weight", TensorRef::from(&b))]).expect("written");
    let (left, right) = (format!("A={npz}:left"), format!("B={model}:layer.0.weight"));
    let out = f.path("out");
    let done = ein(&["run", &program, "--in", &left, "--in", &right, "--out-dir", &out]);
    assert!(done.err.contains("C.npy"), "{}", done.err);
    assert_eq!(done.ok(), "");
    assert_eq!(load(&format!("{out}/C.npy")), (vec![1, 2], vec![11.0, 16.0]));
    // A constant, an archive, times.
    let archive = f.path("all.npz");
    let timed = ein(&["run", &program, "--in", &left, "--const", &right, "--out-dir", &archive, "--repeat", "3", "--time", "json"]).ok();
    let times: serde_json::Value = serde_json::from_str(&timed).expect("json");
    assert_eq!(times["wall_s"].as_array().expect("a list").len(), 3);
    assert_eq!(load(&format!("{archive}:C")).1, [11.0, 16.0]);
}

#[test]
fn run_names_what_is_wrong() {
    let f = Folder::new();
    let program = f.text("matmul.ein", MATMUL);
    let a = f.array("a.npy", &[2, 3], &[0.0; 6]);
    let (left, right) = (format!("A={a}"), format!("B={a}"));
    let out = f.path("out");
    ein(&["run", &program, "--in", &left, "--out-dir", &out]).fails(1, &["`B`"]);
    ein(&["run", &program, "--in", &left, "--in", &right, "--out-dir", &out]).fails(1, &["K", "3", "2"]);
    ein(&["run", &program, "--in", &left, "--in", &format!("Bb={a}")]).fails(1, &["E0911", "Bb", "`B`"]);
    ein(&["run", &program, "--def", "matmull", "--in", &left]).fails(1, &["E0210", "did you mean `matmul`?"]);
    ein(&["run", &program, "--in", &left, "--in", &left]).fails(2, &["twice"]);
    ein(&["run", &program, "--in", &left, "--const", &left]).fails(2, &["`A`"]);
    ein(&["run", &f.path("none.ein")]).fails(1, &["E0901", "none.ein"]);
    ein(&["run", &program, "--in", "A"]).fails(2, &["NAME=VALUE"]);
    ein(&["run", &program, "--size", "N=x"]).fails(2, &["integer"]);
    ein(&["run", &program, "-O", "7"]).fails(2, &["7"]);
    ein(&["run", &program, "--memory", "12Gb"]).fails(2, &["GiB"]);
    let square = f.array("s.npy", &[3, 3], &[0.0; 9]);
    let inputs = ["run", &program, "--in", &format!("A={square}"), "--in", &format!("B={square}"), "--memory", "8"];
    ein(&inputs).fails(1, &["E0801", "8"]);
    assert!(!Path::new(&out).exists(), "no partial results");
    // f64 where f32 is declared.
    let wide = f.path("wide.npy");
    save_npy(Path::new(&wide), &(&Tensor::zeros(ein::DType::F64, &[3, 3]).expect("small")).into()).expect("written");
    ein(&["run", &program, "--in", &format!("A={wide}"), "--in", &format!("B={square}")]).fails(1, &["E0905", "f32", "f64"]);
}

#[test]
fn faults_of_the_data_leave_no_result() {
    let f = Folder::new();
    let program = f.text("div.ein", "def div<N>(x: i32[N], y: i32[N]) -> z: i32[N] {\n  z[i] = x[i] // y[i];\n}\n");
    let zeros = f.path("zeros.npy");
    save_npy(Path::new(&zeros), &(&Tensor::zeros(ein::DType::I32, &[3]).expect("small")).into()).expect("written");
    let (x, y, out) = (format!("x={zeros}"), format!("y={zeros}"), f.path("out"));
    ein(&["run", &program, "--in", &x, "--in", &y, "--out-dir", &out]).fails(1, &["E0403", "divisor"]);
    assert!(!Path::new(&out).exists());
}

#[test]
fn check_reports_each_file() {
    let bytes = Folder::new();
    std::fs::write(bytes.path("x.ein"), b"def f() -> y: f32 { y = \xff; }").expect("written");
    ein(&["check", &bytes.path("x.ein")]).fails(1, &["E0118"]);
    let f = Folder::new();
    let good = f.text("good.ein", MATMUL);
    let bad = f.text("bad.ein", "def f<N, M>(A: f32[N, M]) -> y: f32[N] {\n  y[i] = A[i, j];\n}\n");
    let done = ein(&["check", &good]);
    assert_eq!((done.status, done.out.as_str()), (0, ""));
    let text = ein(&["check", &good, &bad]).fails(1, &["E0201", "bad.ein", "good.ein: ok", "sum[j]"]);
    assert!(!text.contains('\u{1b}'), "no colours in a pipe");
    let coloured = ein(&["check", "--color", "always", &bad]).fails(1, &["E0201"]);
    assert!(coloured.contains('\u{1b}'));
}

#[test]
fn emit_prints_stages() {
    let f = Folder::new();
    let program = f.text("matmul.ein", MATMUL);
    let sizes = ["--size", "M=2", "--size", "N=3", "--size", "K=4"];
    for stage in ["ast", "tir", "plan", "kernels", "clif", "asm"] {
        let args: Vec<&str> = ["emit", "--stage", stage, &program].into_iter().chain(sizes).collect();
        let text = ein(&args).ok();
        assert!(!text.is_empty() && text.ends_with('\n'), "{stage}: {text:?}");
        assert_eq!(ein(&args).ok(), text, "{stage}");
    }
    ein(&["emit", "--stage", "plan", &program, "--size", "M=2"]).fails(1, &["E0306"]);
    ein(&["emit", "--stage", "kernel", &program]).fails(2, &["did you mean `kernels`?"]);
    let text = ein(&["emit", "--stage", "tir", "--einsum", "ij,jk->ik", "--shape", "A=8x8:f32", "--shape", "B=8x8:f32"]).ok();
    assert!(text.contains("sum"), "{text}");
    ein(&["emit", "--stage", "tir", "--einsum", "ij->i", "--shape", "A=8x8:float"]).fails(2, &["float"]);
}

#[test]
fn explain_shows_pages_and_programs() {
    let page = ein(&["explain", "E0201"]).ok();
    assert!(page.contains("E0201") && page.contains("sum["), "{page}");
    let f = Folder::new();
    let program = f.text("matmul.ein", MATMUL);
    let text = ein(&["explain", &program]).ok();
    assert!(text.contains("sum[k]"), "{text}");
    ein(&["explain", "E0299"]).fails(2, &["E0299"]);
}

#[test]
fn serve_answers_one_line_a_request() {
    let f = Folder::new();
    f.array("a.npy", &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    f.array("b.npy", &[2, 2], &[0.0, 1.0, 1.0, 0.0]);
    f.text("case.json", r#"{"kind": "einsum", "dtype": "f32", "eq": "ij,jk->ik", "inputs": ["a.npy", "b.npy"], "threads": 1}"#);
    let out = f.path("out.npy");
    let requests = [
        serde_json::json!({"cmd": "run", "repeat": 1}).to_string(),
        serde_json::json!({"cmd": "load", "dir": f.0.path().display().to_string()}).to_string(),
        serde_json::json!({"cmd": "run", "repeat": 3}).to_string(),
        serde_json::json!({"cmd": "save", "path": out}).to_string(),
        "nonsense".to_owned(),
        serde_json::json!({"cmd": "quit"}).to_string(),
    ];
    for variant in [&["serve"][..], &["serve", "--reuse-out"]] {
        let replies = ein_with_input(variant, &(requests.join("\n") + "\n")).ok();
        let ok: Vec<bool> =
            replies.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("json")["ok"] == true).collect();
        assert_eq!(ok, [false, true, true, true, false], "{replies}");
        assert_eq!(load(&out).1, [2.0, 1.0, 4.0, 3.0]);
    }
}

#[test]
fn the_command_line_itself() {
    assert!(ein(&["--version"]).ok().starts_with("ein "));
    let help = ein(&["--help"]).ok();
    assert!(help.contains("einsum") && help.contains("Examples"), "{help}");
    assert_eq!(ein(&[]).status, 2);
    ein(&["ran"]).fails(2, &["ran", "run"]);
    ein(&["run", "--nonsense"]).fails(2, &["--nonsense"]);
}

/// The README's first command: a padded convolution of a photograph, against the same sums in plain Rust.
#[test]
fn the_photograph() {
    let f = Folder::new();
    let (x, w) = (repository("examples/conv2d/photo.npy"), repository("examples/conv2d/edges.npy"));
    let out = f.path("out");
    let program = repository("examples/conv2d/conv2d.ein");
    ein(&["run", &program, "--in", &format!("x={x}"), "--in", &format!("w={w}"), "--out-dir", &out]).ok();
    let ((xs, x), (ws, w), (ys, y)) = (load(&x), load(&w), load(&format!("{out}/y.npy")));
    let (channels, height, width, r, s) = (xs[1], xs[2], xs[3], ws[2], ws[3]);
    assert_eq!(ys, [xs[0], ws[0], height + 3 - r, width + 3 - s]);
    let pixel = |c: usize, i: i64, j: i64| {
        let inside = (0..height as i64).contains(&i) && (0..width as i64).contains(&j);
        if inside { f64::from(x[(c * height + i as usize) * width + j as usize]) } else { 0.0 }
    };
    let mut worst = 0.0f64;
    for o in 0..ws[0] {
        for i in 0..ys[2] {
            for j in 0..ys[3] {
                let mut sum = 0.0;
                for (c, a, b) in (0..channels).flat_map(|c| (0..r).flat_map(move |a| (0..s).map(move |b| (c, a, b)))) {
                    let weight = f64::from(w[((o * channels + c) * r + a) * s + b]);
                    sum += pixel(c, (i + a) as i64 - 1, (j + b) as i64 - 1) * weight;
                }
                worst = worst.max((sum - f64::from(y[(o * ys[2] + i) * ys[3] + j])).abs());
            }
        }
    }
    assert!(worst < 1e-3, "{worst}");
}

#[test]
fn results_are_in_the_format_that_their_name_says() {
    let f = Folder::new();
    let a = f.array("a.npy", &[2], &[1.0, 2.0]);
    for name in ["o.npz", "o.safetensors", "o.npy", "o.NPZ", "o.data"] {
        let out = f.path(name);
        ein(&["einsum", "i->i", &a, "-o", &out]).ok();
        assert_eq!(load(&out), (vec![2], vec![1.0, 2.0]), "{name}");
    }
    assert_eq!(load(&format!("{}:out", f.path("o.npz"))).1, [1.0, 2.0]);
    ein(&["eval", "c[i] = A[i] * 2.0", &format!("A={a}"), "-o", &f.path("o.npz")]).ok();
    assert_eq!(load(&format!("{}:c", f.path("o.npz"))).1, [2.0, 4.0]);
}

/// Packed integers are bytes in a file, bf16 may be u16; how long a row is follows from the other inputs.
#[test]
fn small_types_in_files() {
    let f = Folder::new();
    let program = f.text(
        "p.ein",
        "def p<I, O>(x: bf16[I], w: i4[O, I], e: f8e4m3[I]) -> (y: i4[O, I], s: f32[O], h: bf16[I], g: f8e4m3[I]) {
  y[o, i] = w[o, i] + 1;
  s[o]    = sum[i](x[i] as f32 * w[o, i] as f32);
  h[i]    = x[i] * 3.0;
  g[i]    = e[i];
}",
    );
    let (x, w, e) = (f.path("x.npy"), f.path("w.npy"), f.path("e.npy"));
    // 1, 2, 3 as bf16; rows 7 -8 1 and -1 2 3 as i4; 1, 2, 448 as f8e4m3.
    save_npy(Path::new(&x), &(&Tensor::from_slice(&[3], &[0x3f80u16, 0x4000, 0x4040]).expect("fits")).into()).expect("written");
    save_npy(Path::new(&w), &(&Tensor::from_slice(&[2, 2], &[0x87u8, 0x01, 0x2f, 0x03]).expect("fits")).into()).expect("written");
    save_npy(Path::new(&e), &TensorRef::from_bytes(ein::DType::F8E4M3, &[3], &[0x38, 0x40, 0x7e]).expect("fits")).expect("written");
    let run = |target: [&str; 2]| {
        let inputs = [format!("x={x}"), format!("w={w}"), format!("e={e}")];
        ein(&["run", &program, "--in", &inputs[0], "--in", &inputs[1], "--in", &inputs[2], target[0], target[1]])
    };
    for name in ["o.npz", "o.safetensors"] {
        let out = f.path(name);
        run(["--out", &out]).ok();
        let loaded = |key: &str| io::load_as(&format!("{out}:{key}"), Some(ein::DType::F8E4M3)).expect("readable");
        assert_eq!(loaded("y").view().as_bytes(), Some(&[0x98u8, 0x02, 0x30, 0x04][..]), "{name}");
        assert_eq!(loaded("s").view().as_slice::<f32>(), Some(&[-6.0f32, 12.0][..]));
        assert_eq!((loaded("h").dtype(), loaded("g").dtype()), (ein::DType::BF16, ein::DType::F8E4M3));
        assert_eq!(loaded("g").view().as_bytes(), Some(&[0x38u8, 0x40, 0x7e][..]));
    }
    // Written as numpy has bf16, they are read back.
    run(["--out-dir", &f.path("out")]).ok();
    let again = f.path("out/h.npy");
    ein(&["eval", "y[i] = h[i] as f32", &format!("h={again}"), "-o", &f.path("h32.npy")]).ok();
    assert_eq!(load(&f.path("h32.npy")).1, [3.0, 6.0, 9.0]);
    // A raw byte may be many types: only a program that says which reads it.
    assert!(ein(&["einsum", "i->", &f.path("out/g.npy")]).err.contains("E0903"));
    let long = f.path("long.npy");
    save_npy(Path::new(&long), &(&Tensor::from_slice(&[2, 3], &[0u8; 6]).expect("fits")).into()).expect("written");
    let refused = ein(&["run", &program, "--in", &format!("x={x}"), "--in", &format!("w={long}"), "--in", &format!("e={e}")]);
    assert!(refused.status == 1 && refused.err.contains("E0301"), "{}", refused.err);
    assert_eq!(run(["--out", &f.path("o.npy")]).status, 2);
}

#[test]
fn check_keeps_the_order_of_the_files() {
    let f = Folder::new();
    let files = [f.path("first.ein"), f.path("second.ein"), f.path("third.ein")];
    let text = ein(&["check", &files[0], &files[1], &files[2]]).fails(1, &["first.ein", "second.ein", "no such file or directory"]);
    let at = |name: &str| text.find(name).expect("named");
    assert!(at("first.ein") < at("second.ein") && at("second.ein") < at("third.ein"), "{text}");
}

#[test]
fn emit_refuses_what_is_not_there() {
    let f = Folder::new();
    let empty = f.text("empty.ein", "");
    let text = ein(&["emit", "--stage", "tir", &empty]).fails(1, &["E0210", "no `def`"]);
    assert!(!text.contains("``"), "{text}");
    ein(&["emit", "--stage", "ast", &empty]).ok();
    for shape in ["A=8xx8:f32", "A=x8:f32", "A=8x:f32"] {
        ein(&["emit", "--stage", "tir", "--einsum", "ij->", "--shape", shape]).fails(2, &["NAME=8x8:f32"]);
    }
    ein(&["emit", "--stage", "tir", "--einsum=->", "--shape", "A=:f32"]).ok();
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_error_does_no_harm() {
    for args in [&["einsum", "i->i", "none.npy"][..], &["check", "none.ein"], &["eval", "c = A", "A=A", "-o", "B=c"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
        let status = Command::new(env!("CARGO_BIN_EXE_ein")).args(args).stderr(full).status().expect("it ends");
        assert_eq!(status.code(), Some(1), "{args:?}");
    }
}

/// What is exported for ciphertexts is held to what they can do; where it is not said for which sizes, it is not known yet.
#[test]
fn check_says_what_ciphertexts_cannot_do() {
    let f = Folder::new();
    let checked = |export: &str| {
        let source = format!(
            "def inner<N>(a: f64[N]) -> b: f64[N] {{ b[i] = (a[i] > 0.5) as f64; }}\n\
             def outer<N>(x: secret f64[N] in -1.0..1.0) -> y: secret f64[N] {{\n  z[i] = x[i] + 1.0;\n  y = inner(z);\n}}\n{export}\n"
        );
        ein(&["check", &f.text("a.ein", &source)])
    };
    let words = ["E0710", "of `z`, which is secret", "`x` is secret", "`z` is computed from `x`"];
    checked("export outer<N = 4> for he;").fails(1, &words);
    for export in ["", "export outer for he;", "export outer<N = 4> for cpu;", "export inner<N = 4> for he;"] {
        checked(export).ok();
    }
}

#[test]
fn check_takes_folders_and_lists_entry_checks() {
    let f = Folder::new();
    std::fs::create_dir_all(f.path("inner")).expect("a folder");
    f.text("inner/layers.ein", "def scale<N>(x: f32[N]) -> y: f32[N] {\n  y[i] = 2.0 * x[i];\n}\n");
    let main = f.text(
        "main.ein",
        "use \"inner/layers.ein\".{scale};\ndef f<N, P, Q>(x: f32[N]) -> y: f32[N] where N == P*Q {\n  y = scale(x);\n}\n",
    );
    let done = ein(&["check", "--checks", &f.path("")]);
    assert!(done.err.contains("layers.ein: ok") && done.err.contains("main.ein: ok"), "{}", done.err);
    assert!(done.err.contains("f: `N == P*Q`"), "{}", done.err);
    done.ok();
    // Strictly only what is stated may be checked at the call.
    ein(&["check", "--strict", &f.path("")]).ok();
    let third = f.text("third.ein", "def third<N>(x: f32[N]) -> y: f32 {\n  y = x[2];\n}\n");
    ein(&["check", &third]).ok();
    ein(&["check", "--strict", &third, &main]).fails(1, &["E0315", "third.ein:2:", "`where N >= 3`", "main.ein: ok"]);
    std::fs::remove_file(&third).expect("removed");
    // A mistake in a used file is shown there, whoever uses it.
    f.text("inner/layers.ein", "def scale<N>(x: f32[N]) -> y: f32[N] {\n  y[i] = 2.0 * x[j];\n}\n");
    ein(&["check", &main]).fails(1, &["E0201", "layers.ein:2:", "did you mean `i`?"]);
    std::fs::remove_file(f.path("inner/layers.ein")).expect("removed");
    ein(&["check", &main]).fails(1, &["E0901", "main.ein:1:", "layers.ein"]);
    ein(&["check", &f.path("inner")]).fails(1, &["E0901", "no .ein file"]);
}

#[test]
fn rows_take_their_axes_from_inputs_or_sizes() {
    let f = Folder::new();
    let program = f.text("p.ein", "use std.nn.{softmax};\ndef p<..B, N>(x: f32[..B, N]) -> y: f32[..B, N] {\n  y = softmax(x);\n}\n");
    let x = f.array("x.npy", &[2, 1, 2], &[0.0, 0.0, 1.0, 1.0]);
    ein(&["run", &program, "--in", &format!("x={x}"), "--out-dir", &f.path("out")]).ok();
    assert_eq!(load(&f.path("out/y.npy")), (vec![2, 1, 2], vec![0.5; 4]));
    let plan = ein(&["emit", "--stage", "plan", &program, "--size", "B=2x3", "--size", "N=4"]).ok();
    assert!(plan.contains("f32[2, 3, 4]"), "{plan}");
    let tir = ein(&["emit", "--stage", "tir", &program, "--size", "..B=0"]).ok();
    assert!(tir.contains("f32[d0]"), "{tir}");
    ein(&["emit", "--stage", "plan", &program, "--size", "N=4"]).fails(1, &["E0313", "..B", "--size B=8x8"]);
    let words = ein(&["explain", &program]).ok();
    assert!(!words.contains("B.1"), "{words}");
}

#[test]
fn explain_tells_the_rules_of_a_plan() {
    let f = Folder::new();
    let program = f.text(
        "p.ein",
        "def f<N>(A: f32[N, N], B: f32[N, N], C: f32[N, N]) -> y: f32[N, N] { y[i, j] = A[i, k]*B[k, j] + A[i, k]*C[k, j]; }",
    );
    let text = ein(&["explain", &program, "--size", "N=64", "--why"]).ok();
    assert!(text.contains("why:\n") && text.contains("factor-out"), "{text}");
    ein(&["explain", &program, "--why"]).fails(2, &["--size"]);
    let frugal = ein(&["explain", &program, "--size", "N=64", "--minimize", "flops"]).ok();
    assert!(frugal.contains("flops"), "{frugal}");
    ein(&["explain", &program, "--size", "N=64", "--minimize", "heat"]).fails(2, &["time, flops, peak, combo"]);
    let graph = ein(&["emit", "--stage", "egraph", &program, "--size", "N=64"]).ok();
    assert!(graph.contains("> contract.sum.mul") && graph.contains("roots c"), "{graph}");
}
