//! The page in a browser, if there is one: it opens from a file, its script runs, and nothing is complained about.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str =
    "def f<N>(A: f32[N, N], B: f32[N, N], x: f32[N]) -> y: f32[N] { p[i, j] = A[i, k] * B[k, j]; y[i] = p[i, j] * x[j] * p[j, i]; }";
/// Names that Chromium has.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// A browser on the search path.
fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    BROWSERS.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|file| file.is_file())
}

/// The document as the browser has it once scripts have run, and what it says meanwhile; `None` if it does not answer.
fn open(browser: &Path, folder: &Path, page: &Path, scripts: bool) -> Option<(String, String)> {
    let file = |name: &str| std::fs::File::create(folder.join(name)).expect("a file");
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    let address = format!("file://{}", page.display());
    let mut command = Command::new(browser);
    // A test may run as root, where the sandbox of the browser does not.
    command.args([
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--enable-logging=stderr",
        "--virtual-time-budget=2000",
    ]);
    command.args([&profile, "--dump-dom"]);
    if !scripts {
        command.arg("--blink-settings=scriptEnabled=false");
    }
    let mut child = command.arg(address).stdin(Stdio::null()).stdout(file("dom")).stderr(file("log")).spawn().ok()?;
    let begin = Instant::now();
    while child.try_wait().ok()?.is_none() {
        if begin.elapsed() > Duration::from_secs(120) {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let read = |name: &str| String::from_utf8_lossy(&std::fs::read(folder.join(name)).expect("written above")).into_owned();
    Some((read("dom"), read("log")))
}

#[test]
fn the_page_opens_in_a_browser() {
    let Some(browser) = browser() else {
        eprintln!("no browser is installed ({}): the page is not opened", BROWSERS.join(", "));
        return;
    };
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (program, page) = (folder.path().join("p.ein"), folder.path().join("plan.html"));
    std::fs::write(&program, PROGRAM).expect("written");
    let done = Command::new(env!("CARGO_BIN_EXE_ein")).arg("explain").arg(&program).args(["--size", "N=64", "--html"]).arg(&page).output();
    assert!(done.is_ok_and(|done| done.status.success()));
    for scripts in [true, false] {
        let Some((dom, log)) = open(&browser, folder.path(), &page, scripts).filter(|(dom, _)| !dom.is_empty()) else {
            eprintln!("{} does not answer: the page is not looked at", browser.display());
            return;
        };
        assert!(dom.contains("<h1>f</h1>") && dom.contains("</table>") && dom.contains("peak memory"), "{dom}");
        // Columns can be sorted by the script alone; pictures and tables are there without it.
        assert_eq!(dom.contains("class=\"scripted\""), scripts, "{dom}");
        assert_eq!(dom.contains("<th scope=\"col\"><button"), scripts, "{dom}");
        assert!(!log.contains("CONSOLE"), "{log}");
    }
}
