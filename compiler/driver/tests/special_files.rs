//! Files that are none: pipes, devices, folders, links to nothing, and what may not be read or written. Every command says what is
//! wrong with them, waits for nobody, and leaves nothing half done.
#![cfg(unix)]

use ein::Tensor;
use ein_runtime::io::save_npy;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const COPY: &str = "def copy<N>(x: f32[N]) -> (y: f32[N], z: f32[N]) {\n  y[i] = x[i];\n  z[i] = x[i];\n}\n";
const NETWORK: &str = r#"{"inputs": [[0, 1], [1, 2]], "output": [0, 2], "sizes": {"0": 3, "1": 4, "2": 5}}"#;

/// A folder that goes away with the test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder for the test"));
        fs::write(folder.0.path().join("copy.ein"), COPY).expect("written");
        fs::write(folder.0.path().join("network.json"), NETWORK).expect("written");
        let x = Tensor::from_slice(&[2], &[1.0f32, 2.0]).expect("fits");
        save_npy(&folder.0.path().join("x.npy"), &(&x).into()).expect("written");
        folder
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn pipe(&self, name: &str) -> String {
        let path = self.path(name);
        assert!(Command::new("mkfifo").arg(&path).status().expect("it ends").success());
        path
    }

    /// Every file below, by its path.
    fn files(&self) -> Vec<String> {
        let (mut found, mut folders) = (Vec::new(), vec![self.0.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path.clone());
                }
                found.push(path.display().to_string());
            }
        }
        found.sort();
        found
    }
}

/// How a command ended, and what it said.
struct Done {
    status: ExitStatus,
    out: String,
    err: String,
}

/// Runs `ein`. What waits for somebody is ended, so that the test is.
fn ein(folder: &Folder, args: &[&str], input: Stdio, output: Option<File>) -> Done {
    let scratch = |name: &str| OpenOptions::new().read(true).write(true).create(true).truncate(true).open(name).expect("a file");
    let (stdout, stderr) = (scratch(&folder.path(".stdout")), scratch(&folder.path(".stderr")));
    let to = |file: &File| Stdio::from(file.try_clone().expect("another handle"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_ein"));
    let sink = output.map_or_else(|| to(&stdout), Stdio::from);
    let mut child = command.args(args).stdin(input).stdout(sink).stderr(to(&stderr)).spawn().expect("the command exists");
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("it was started") {
            break status;
        }
        if begin.elapsed() > Duration::from_secs(300) {
            let _ = child.kill();
            panic!("{args:?} waits for ever");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let text = |mut file: File| {
        let mut text = String::new();
        file.seek(SeekFrom::Start(0)).expect("a file");
        file.read_to_string(&mut text).expect("utf-8");
        text
    };
    let done = Done { status, out: text(stdout), err: text(stderr) };
    for name in [".stdout", ".stderr"] {
        fs::remove_file(folder.path(name)).expect("it was made above");
    }
    assert!(!done.err.contains("panicked"), "{args:?}: {}", done.err);
    done
}

/// A command that is refused: exit status 1, the code, and nothing but that.
#[track_caller]
fn refused(folder: &Folder, args: &[&str], codes: &[&str]) -> String {
    let before = folder.files();
    let done = ein(folder, args, Stdio::null(), None);
    assert_eq!(done.status.code(), Some(1), "{args:?}: {}{}", done.out, done.err);
    assert!(codes.iter().any(|code| done.err.contains(code)), "{args:?}: none of {codes:?} in {}", done.err);
    assert_eq!(done.out, "", "{args:?}");
    assert_eq!(folder.files(), before, "{args:?} leaves something behind");
    done.err
}

/// Whether permissions do not hold for this user.
fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("it ends");
    id.stdout.trim_ascii() == b"0"
}

/// Every command with a file to read in the place of `@`.
fn readers() -> Vec<Vec<&'static str>> {
    let lines = [
        "run @",
        "run copy.ein --in x=@",
        "run copy.ein --const x=@",
        "run copy.ein --in x=@ --out-dir out",
        "eval y[i]=x[i] x=@",
        "einsum i->i @",
        "einsum i->i @ -o out.npy",
        "check @",
        "check --checks @",
        "fmt @",
        "fmt --check @",
        "emit --stage tir @",
        "explain @",
        "plan @",
        "plan network.json --path @",
    ];
    lines.iter().map(|line| line.split(' ').collect()).collect()
}

/// The words of a command, `@` replaced and files taken from the folder.
fn words(folder: &Folder, line: &[&str], special: &str) -> Vec<String> {
    let in_folder = ["copy.ein", "network.json", "out", "out.npy"];
    let word = |w: &&str| if in_folder.contains(w) { folder.path(w) } else { w.replace('@', special) };
    line.iter().map(word).collect()
}

#[test]
fn what_is_no_file_is_not_read() {
    let f = Folder::new();
    fs::create_dir(f.path("folder.ein")).expect("made");
    symlink(f.path("nowhere"), f.path("dangling")).expect("made");
    symlink(f.path("circle"), f.path("circle")).expect("made");
    fs::write(f.path("secret.npy"), "").expect("written");
    fs::set_permissions(f.path("secret.npy"), fs::Permissions::from_mode(0o000)).expect("set");
    let devices = ["/dev/zero", "/dev/null", "/dev/full"].map(str::to_owned);
    let mut specials = vec![f.pipe("pipe.npy"), f.path("folder.ein"), f.path("dangling"), f.path("circle"), f.path("none")];
    specials.extend(devices.into_iter().filter(|device| Path::new(device).exists()));
    if is_root() {
        eprintln!("permissions do not hold for root: files that may not be read are left out");
    } else {
        specials.push(f.path("secret.npy"));
    }
    for special in &specials {
        for line in readers() {
            let is_folder = Path::new(special).is_dir();
            if is_folder && line[0] == "fmt" {
                continue;
            }
            let args = words(&f, &line, special);
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let text = refused(&f, &args, &["E0901"]);
            assert!(text.contains(special.as_str()), "{args:?}: {text}");
        }
    }
}

#[test]
fn programs_do_not_use_what_is_no_file() {
    let f = Folder::new();
    let pipe = f.pipe("pipe.ein");
    for path in ["pipe.ein", "/dev/zero", "/dev/null", "."] {
        let program = f.path("user.ein");
        fs::write(&program, format!("use {path:?} as it;\ndef f(x: f32) -> y: f32 {{\n  y = it.f(x);\n}}\n")).expect("written");
        for command in [&["check"][..], &["run"], &["explain"], &["emit", "--stage", "tir"]] {
            let args: Vec<&str> = command.iter().copied().chain([program.as_str()]).collect();
            refused(&f, &args, &["E0901"]);
        }
    }
    // Among the programs below a folder.
    refused(&f, &["check", &pipe], &["E0901"]);
    let done = ein(&f, &["check", &f.path("")], Stdio::null(), None);
    assert!(done.status.code() == Some(1) && done.err.contains("pipe.ein") && done.err.contains("copy.ein: ok"), "{}", done.err);
    let done = ein(&f, &["fmt", "--check", &f.path("")], Stdio::null(), None);
    assert!(done.status.code() == Some(1) && done.err.contains("E0901"), "{}", done.err);
}

/// Lines of requests, and the replies.
fn serve(folder: &Folder, args: &[&str], requests: &[serde_json::Value]) -> Vec<serde_json::Value> {
    let path = folder.path(".requests");
    fs::write(&path, requests.iter().map(|r| format!("{r}\n")).collect::<String>()).expect("written");
    let input = File::open(&path).expect("written above");
    fs::remove_file(&path).expect("written above");
    let done = ein(folder, args, input.into(), None);
    assert!(done.status.success(), "{}", done.err);
    done.out.lines().map(|line| serde_json::from_str(line).expect("json")).collect()
}

#[test]
fn serve_survives_what_is_no_file() {
    let f = Folder::new();
    let case = |name: &str, text: &str| {
        fs::create_dir(f.path(name)).expect("made");
        fs::write(f.path(&format!("{name}/case.json")), text).expect("written");
        serde_json::json!({ "cmd": "load", "dir": f.path(name) })
    };
    fs::create_dir(f.path("pipe")).expect("made");
    f.pipe("pipe/case.json");
    fs::create_dir(f.path("device")).expect("made");
    symlink("/dev/zero", f.path("device/case.json")).expect("made");
    fs::create_dir(f.path("programs")).expect("made");
    f.pipe("programs/p.ein");
    let load = |name: &str| serde_json::json!({ "cmd": "load", "dir": f.path(name) });
    let requests = [
        load("pipe"),
        load("device"),
        load("none"),
        case("input", r#"{"kind": "einsum", "dtype": "f32", "eq": "i->i", "inputs": ["../pipe/case.json"]}"#),
        case("program", r#"{"kind": "program", "dtype": "f32", "program": "p"}"#),
        case("threads", r#"{"kind": "einsum", "dtype": "f32", "eq": "i->i", "inputs": ["../x.npy"], "threads": 1000000000000}"#),
        case("right", r#"{"kind": "einsum", "dtype": "f32", "eq": "i->i", "inputs": ["../x.npy"], "threads": 1}"#),
        serde_json::json!({ "cmd": "run", "repeat": 1 }),
        serde_json::json!({ "cmd": "save", "path": f.path("pipe/case.json") }),
        serde_json::json!({ "cmd": "save", "path": f.path("programs") }),
        serde_json::json!({ "cmd": "save", "path": "/dev/full" }),
        serde_json::json!({ "cmd": "save", "path": f.path("y.npy") }),
    ];
    let replies = serve(&f, &["serve", "--programs", &f.path("programs")], &requests);
    let ok: Vec<bool> = replies.iter().map(|reply| reply["ok"] == true).collect();
    assert_eq!(ok, [false, false, false, false, false, false, true, true, false, false, false, true], "{replies:?}");
    for (n, code) in [(0, "E0901"), (1, "E0901"), (2, "E0901"), (3, "E0901"), (4, "E0901"), (8, "E0909"), (9, "E0909"), (10, "E0909")] {
        assert!(replies[n]["error"].as_str().is_some_and(|e| e.contains(code)), "{code}: {}", replies[n]);
    }
    // A request without end.
    let done = ein(&f, &["serve"], File::open("/dev/zero").expect("a device").into(), None);
    assert!(done.status.code() == Some(1) && done.err.contains("E0108"), "{}", done.err);
    // One that is not text is answered.
    fs::write(f.path("bytes"), b"\xff\xfe\n").expect("written");
    let done = ein(&f, &["serve"], File::open(f.path("bytes")).expect("written").into(), None);
    assert!(done.status.success() && done.out.contains("not a request"), "{}{}", done.out, done.err);
}

#[test]
fn what_cannot_be_written_is_told_and_nothing_is_left() {
    let f = Folder::new();
    for folder in ["folder.npy", "folder.npz", "out", "out/z.npy", "closed"] {
        fs::create_dir(f.path(folder)).expect("made");
    }
    symlink(f.path("no/such/folder.npy"), f.path("dangling.npy")).expect("made");
    symlink(f.path("circle.npy"), f.path("circle.npy")).expect("made");
    fs::set_permissions(f.path("closed"), fs::Permissions::from_mode(0o555)).expect("set");
    let (program, x) = (f.path("copy.ein"), f.path("x.npy"));
    let (input, pipe) = (format!("x={x}"), f.pipe("pipe.npy"));
    let mut targets = vec![pipe, f.path("folder.npy"), f.path("folder.npz"), f.path("dangling.npy"), f.path("circle.npy")];
    targets.extend([f.path("x.npy/y.npy"), f.path("none/y.npy"), "/dev/full".to_owned(), "/".to_owned()]);
    if is_root() {
        eprintln!("permissions do not hold for root: folders that may not be written are left out");
    } else {
        targets.push(f.path("closed/y.npy"));
    }
    for target in &targets {
        refused(&f, &["einsum", "i->i", &x, "-o", target], &["E0909"]);
        refused(&f, &["eval", "y[i] = x[i]", &input, "-o", target], &["E0909"]);
        refused(&f, &["explain", &program, "--size", "N=2", "--svg", target], &["E0909"]);
        refused(&f, &["explain", &program, "--size", "N=2", "--html", target, "--svg", &f.path("new.svg")], &["E0909"]);
        refused(&f, &["plan", &f.path("network.json"), "--html", target], &["E0909"]);
    }
    for target in [f.path("folder.npz"), f.path("none/y.npz")] {
        refused(&f, &["run", &program, "--in", &input, "--out", &target], &["E0909"]);
    }
    // Of two results neither, if one has no place; and no folder can be made of a file.
    refused(&f, &["run", &program, "--in", &input, "--out-dir", &f.path("out")], &["E0909"]);
    refused(&f, &["run", &program, "--in", &input, "--out-dir", &x], &["E0909"]);
    refused(&f, &["run", &program, "--in", &input, "--out-dir", "/dev/null"], &["E0909"]);
    fs::set_permissions(f.path("closed"), fs::Permissions::from_mode(0o755)).expect("set");
}

/// A limit on the size of files is met in the middle of a write.
#[test]
fn a_file_that_grows_too_large_leaves_nothing() {
    let f = Folder::new();
    let x = f.path("large.npy");
    save_npy(Path::new(&x), &(&Tensor::zeros(ein::DType::F64, &[100_000]).expect("small")).into()).expect("written");
    let before = f.files();
    let line = "ulimit -f 64 && exec \"$0\" einsum 'i->i' \"$1\" -o \"$2\"";
    let limited = Command::new("sh").args(["-c", line, env!("CARGO_BIN_EXE_ein"), &x, &f.path("y.npy")]).output().expect("it ends");
    let text = String::from_utf8_lossy(&limited.stderr);
    assert!(limited.status.code() == Some(1) && text.contains("E0909"), "{:?} {text}", limited.status);
    assert_eq!(f.files(), before);
}

#[test]
fn a_full_standard_output_is_told() {
    let f = Folder::new();
    let (program, x, network) = (f.path("copy.ein"), f.path("x.npy"), f.path("network.json"));
    let input = format!("x={x}");
    let commands: [&[&str]; 11] = [
        &["run", &program, "--in", &input, "--time", "json"],
        &["eval", "y[i] = x[i]", &input],
        &["einsum", "i->i", &x],
        &["emit", "--stage", "plan", &program, "--size", "N=2"],
        &["explain", &program],
        &["explain", &program, "--size", "N=2", "--svg", "-"],
        &["explain", "E0201"],
        &["explain", "--list"],
        &["plan", &network],
        &["plan", &network, "--html", "-"],
        &["plan", &network, "--json"],
    ];
    let full = || OpenOptions::new().write(true).open("/dev/full").expect("a device");
    for args in commands {
        let done = ein(&f, args, Stdio::null(), Some(full()));
        assert!(done.status.code() == Some(1) && done.err.contains("E0909"), "{args:?}: {}", done.err);
    }
    let source = || Stdio::from(File::open(f.path("copy.ein")).expect("written"));
    let done = ein(&f, &["fmt", "--stdin"], source(), Some(full()));
    assert!(done.status.code() == Some(1) && done.err.contains("E0909"), "{}", done.err);
    fs::write(f.path("requests"), "{\"cmd\":\"run\",\"repeat\":1}\n").expect("written");
    let done = ein(&f, &["serve"], File::open(f.path("requests")).expect("written").into(), Some(full()));
    assert!(done.status.code() == Some(1) && done.err.contains("E0909"), "{}", done.err);
}

/// A text without end on standard input, and pipes that somebody does read.
#[test]
fn streams_are_streams() {
    let f = Folder::new();
    let done = ein(&f, &["fmt", "--stdin"], File::open("/dev/zero").expect("a device").into(), None);
    assert!(done.status.code() == Some(1) && done.err.contains("E0108"), "{}", done.err);
    let done = ein(&f, &["einsum", "i->i", &f.path("x.npy"), "-o", "/dev/null"], Stdio::null(), None);
    assert!(done.status.success(), "{}", done.err);
    // A link to a file that is not there yet leads to it.
    symlink("made.npy", f.path("link.npy")).expect("made");
    let done = ein(&f, &["einsum", "i->i", &f.path("x.npy"), "-o", &f.path("link.npy")], Stdio::null(), None);
    assert!(done.status.success() && Path::new(&f.path("link.npy")).is_symlink(), "{}", done.err);
    assert_eq!(fs::read(f.path("made.npy")).expect("a file"), fs::read(f.path("x.npy")).expect("a file"));
    let pipe = f.pipe("read.npy");
    let mut reader = Command::new("cat").arg(&pipe).stdout(Stdio::piped()).spawn().expect("a reader");
    let mut written = false;
    // Until the reader has opened its end nobody reads the pipe.
    while !written {
        let done = ein(&f, &["einsum", "i->i", &f.path("x.npy"), "-o", &pipe], Stdio::null(), None);
        written = done.status.success();
        assert!(written || done.err.contains("nobody reads"), "{}", done.err);
    }
    let mut bytes = Vec::new();
    reader.stdout.take().expect("piped").read_to_end(&mut bytes).expect("a file");
    reader.wait().expect("it ends");
    assert_eq!(bytes, fs::read(f.path("x.npy")).expect("a file"));
    // Standard output by its name.
    let mut copy = File::create(f.path("copy.npy")).expect("a file");
    let named = Command::new(env!("CARGO_BIN_EXE_ein"))
        .args(["einsum", "i->i", &f.path("x.npy"), "-o", "/dev/stdout"])
        .stderr(Stdio::inherit())
        .output()
        .expect("it ends");
    copy.write_all(&named.stdout).expect("written");
    assert_eq!(named.stdout, fs::read(f.path("x.npy")).expect("a file"));
}
