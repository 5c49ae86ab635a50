//! What the layout of the repository promises: which crate may know which, how long files are, where `unsafe` stands, and that no
//! snapshot has lost its case.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Which crates of the workspace a crate may name in `[dependencies]`.
const ALLOWED: [(&str, &[&str]); 17] = [
    ("grammar", &[]),
    ("compiler/ir", &[]),
    ("compiler/syntax", &["ein-grammar", "ein-ir"]),
    ("compiler/opt", &["ein-ir"]),
    ("compiler/lower", &["ein-ir"]),
    ("compiler/he", &["ein-ir"]),
    ("compiler/radix", &["ein-ir"]),
    ("compiler/macros", &["ein-syntax"]),
    ("runtime", &["ein-ir"]),
    ("backends/cranelift", &["ein-ir", "ein-runtime"]),
    // The form of files is one for all schemes, and what reads bytes of strangers is written and tested once; it knows no crate of ours.
    ("backends/sealed", &[]),
    ("backends/fhe", &["ein-ir", "ein-sealed"]),
    (
        "compiler/driver",
        &["ein-cranelift", "ein-fhe", "ein-he", "ein-ir", "ein-lower", "ein-macros", "ein-opt", "ein-radix", "ein-runtime", "ein-syntax"],
    ),
    ("tests", &["ein", "ein-cranelift", "ein-grammar", "ein-he", "ein-ir", "ein-lower", "ein-opt", "ein-runtime", "ein-syntax"]),
    ("tests/fuzz", &["ein", "ein-grammar", "ein-ir", "ein-opt", "ein-runtime", "ein-syntax", "ein-tests"]),
    ("examples/minilm", &["ein"]),
    ("benches", &["ein", "ein-cranelift", "ein-grammar", "ein-ir", "ein-lower", "ein-opt", "ein-runtime", "ein-syntax"]),
];

/// Files and folders that may hold `unsafe`: memory, code and what code calls.
const UNSAFE: [&str; 8] = [
    "runtime/src",
    "backends/cranelift",
    "backends/fhe/src/tests/noise.rs",
    "benches",
    "compiler/driver/src/bound.rs",
    "tests/fuzz/src/memory.rs",
    "tests/tests/memory/counting.rs",
    "tests/tests/tidy.rs",
];

fn root() -> PathBuf {
    ein_tests::repository()
}

/// Every file below a folder of the repository, as a path from its root.
fn files(extension: &str) -> Vec<(String, PathBuf)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && name != "out" && !name.starts_with('.') {
                walk(&path, found);
            } else if path.is_file() {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), &mut found);
    found.sort();
    let relative = |p: &PathBuf| p.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
    found.iter().filter(|p| p.extension().is_some_and(|e| e == extension)).map(|p| (relative(p), p.clone())).collect()
}

/// Names of the workspace's crates under `[section]` of a manifest.
fn dependencies(manifest: &str, section: &str) -> BTreeSet<String> {
    let mut inside = false;
    let mut found = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.trim() == section;
        } else if inside && (line.starts_with("ein.") || line.starts_with("ein-")) {
            found.insert(line.split(['.', ' ', '=']).next().expect("a name").to_owned());
        }
    }
    found
}

#[test]
fn dependencies_point_one_way() {
    for (folder, allowed) in ALLOWED {
        let manifest = std::fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap_or_else(|e| panic!("{folder}: {e}"));
        let found = dependencies(&manifest, "[dependencies]");
        let extra: Vec<&String> = found.iter().filter(|d| !allowed.contains(&d.as_str())).collect();
        assert!(extra.is_empty(), "{folder} must not depend on {extra:?}");
    }
    let workspace = std::fs::read_to_string(root().join("Cargo.toml")).expect("readable");
    let members = workspace.split("members = [").nth(1).and_then(|t| t.split(']').next()).expect("members");
    for member in members.split(',').map(|m| m.trim().trim_matches('"')).filter(|m| !m.is_empty()) {
        assert!(ALLOWED.iter().any(|(folder, _)| *folder == member), "{member} is not in the table of this test");
    }
}

#[test]
fn crates_say_what_they_are() {
    for (folder, _) in ALLOWED {
        let library = root().join(folder).join("src/lib.rs");
        let path = if library.exists() { library } else { root().join(folder).join("main.rs") };
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(text.starts_with("//! ") && text.lines().next().is_some_and(|l| l.len() > 20), "{folder}: no documentation of the crate");
    }
}

#[test]
fn files_are_short() {
    let long: Vec<String> = files("rs")
        .into_iter()
        .filter_map(|(name, path)| {
            let lines = std::fs::read_to_string(path).expect("readable").lines().count();
            (lines > 700).then(|| format!("{name}: {lines} lines"))
        })
        .collect();
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn unsafe_stands_where_it_may() {
    let keyword = concat!("un", "safe ");
    let found: Vec<String> = files("rs")
        .into_iter()
        .filter(|(name, _)| !UNSAFE.iter().any(|allowed| name.starts_with(allowed)))
        .filter(|(_, path)| {
            let text = std::fs::read_to_string(path).expect("readable");
            text.lines().any(|l| {
                !l.trim_start().starts_with("//")
                    && (l.contains(&format!("{keyword}{{"))
                        || l.contains(&format!("{keyword}fn "))
                        || l.contains(&format!("{keyword}impl ")))
            })
        })
        .map(|(name, _)| name)
        .collect();
    assert!(found.is_empty(), "{keyword}in {found:?}");
}

/// Whether `tests/tests/TEST.rs` has a function of this name.
fn has_function(test: &str, function: &str) -> bool {
    let text = std::fs::read_to_string(root().join(format!("tests/tests/{test}.rs"))).unwrap_or_default();
    text.contains(&format!("fn {function}()"))
}

/// `STAGE/stage@CASE.snap`, `rendered@CASE.ein.snap`, `refused_for_ciphertexts@CASE.ein.snap`, and `TEST__FUNCTION.snap` without a case, in `tests/tests/snapshots/`.
#[test]
fn snapshots_have_their_cases() {
    let mut dead = Vec::new();
    for (name, path) in files("snap").into_iter().filter(|(name, _)| name.starts_with("tests/tests/")) {
        let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let alive = match stem.split_once('@') {
            Some(("stage", case)) => {
                let stage = path.parent().and_then(Path::file_name).expect("a folder").to_string_lossy().into_owned();
                let file = root().join(format!("tests/cases/language/{case}.ein"));
                file.exists() && ein_tests::cases::Case::read(&file).stages.contains(&stage)
            }
            Some(("rendered", case)) => root().join("tests/cases/diagnostics").join(case).exists(),
            Some(("refused_for_ciphertexts", case)) => root().join("tests/cases/packed").join(case).exists(),
            Some(("refused_for_circuits", case)) => root().join("tests/cases/circuits").join(case).exists(),
            Some(_) => false,
            None => stem.split_once("__").is_some_and(|(test, function)| has_function(test, function)),
        };
        if !alive {
            dead.push(name);
        }
    }
    assert!(dead.is_empty(), "snapshots without a case: {dead:?}");
}

#[test]
fn every_stage_is_listed_by_name() {
    for path in ein_tests::cases::files("language") {
        let case = ein_tests::cases::Case::read(&path);
        assert!(!case.stages.is_empty(), "{}: no `# stages:` line", path.display());
        for stage in &case.stages {
            assert!(stage.parse::<ein::Stage>().is_ok(), "{}: `{stage}`", path.display());
        }
    }
}
