//! `ein fmt` as its users meet it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder that goes away with the test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        std::fs::create_dir_all(folder.path().join("deep/.hidden")).expect("a folder for the test");
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    }
}

fn fmt(args: &[&str], paths: &[&Path], input: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ein"));
    command.arg("fmt").args(args).args(paths).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command exists");
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("utf-8");
    (status.code().expect("not killed"), text(stdout), text(stderr))
}

const MESSY: &str = "def f(a:f32)->b:f32{b=a;}\r\n# end";
const CLEAN: &str = "def f(a: f32) -> b: f32 {\n  b = a;\n}\n# end\n";
const WRONG: &str = "def f(a:f32)->b:f32{b=a}";

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("readable")
}

#[test]
fn files_and_folders() {
    let f = Folder::new();
    let (a, b) = (f.write("a.ein", MESSY), f.write("deep/b.ein", CLEAN));
    let (other, hidden) = (f.write("deep/c.txt", MESSY), f.write("deep/.hidden/d.ein", MESSY));
    let (status, out, err) = fmt(&["--check"], &[f.0.path()], "");
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(err.contains("a.ein: not formatted") && !err.contains("b.ein") && !err.contains("d.ein"), "{err}");
    assert_eq!(read(&a), MESSY, "--check changes nothing");
    assert_eq!(fmt(&[], &[f.0.path()], ""), (0, String::new(), String::new()));
    assert_eq!(fmt(&["--check"], &[f.0.path()], ""), (0, String::new(), String::new()));
    assert_eq!((read(&a), read(&b)), (CLEAN.to_owned(), CLEAN.to_owned()));
    assert_eq!((read(&other), read(&hidden)), (MESSY.to_owned(), MESSY.to_owned()));
    assert_eq!(std::fs::read_dir(f.0.path()).expect("a folder").count(), 2, "no temporary file is left");
}

#[test]
fn a_file_with_mistakes_is_left_alone_and_the_others_are_done() {
    let f = Folder::new();
    let (a, b) = (f.write("a.ein", WRONG), f.write("b.ein", MESSY));
    let (status, _, err) = fmt(&[], &[&a, &b, &f.0.path().join("none.ein")], "");
    // A path that is not there is found before any file is touched.
    assert!(status == 1 && err.contains("E0901") && read(&b) == MESSY, "{err}");
    let (status, _, err) = fmt(&[], &[&a, &b], "");
    assert!(status == 1 && err.contains("E0102"), "{err}");
    assert_eq!((read(&a), read(&b)), (WRONG.to_owned(), CLEAN.to_owned()));
}

#[test]
fn standard_input() {
    assert_eq!(fmt(&["--stdin"], &[], MESSY), (0, CLEAN.to_owned(), String::new()));
    assert_eq!(fmt(&["--stdin", "--check"], &[], MESSY).0, 1);
    assert_eq!(fmt(&["--stdin", "--check"], &[], CLEAN).0, 0);
    let (status, out, err) = fmt(&["--stdin"], &[], WRONG);
    assert!(status == 1 && out.is_empty() && err.contains("E0102"), "{err}");
    assert_eq!(fmt(&[], &[], "").0, 2, "nothing to format");
}

#[cfg(unix)]
#[test]
fn permissions_and_links_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let f = Folder::new();
    let a = f.write("a.ein", MESSY);
    std::fs::set_permissions(&a, std::fs::Permissions::from_mode(0o640)).expect("ours");
    let link = f.0.path().join("deep/link.ein");
    symlink(&a, &link).expect("a link");
    assert_eq!(fmt(&[], &[&link], "").0, 0);
    assert_eq!(read(&a), CLEAN);
    assert!(std::fs::symlink_metadata(&link).expect("there").is_symlink());
    assert_eq!(std::fs::metadata(&a).expect("there").permissions().mode() & 0o777, 0o640);
    // A folder that leads back to itself.
    symlink(f.0.path(), f.0.path().join("deep/again")).expect("a link");
    assert_eq!(fmt(&["--check"], &[f.0.path()], "").0, 0);
}
