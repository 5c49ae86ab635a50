//! Every error page is about what the compiler does: its programs are compiled, and every code has a page.

use std::collections::BTreeMap;

/// A fenced block: its language (`ein`, `ein-fails`, …) and its text.
fn blocks(text: &str) -> Vec<(&str, String)> {
    let mut out: Vec<(&str, String)> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(language) if !open => {
                out.push((language.trim(), String::new()));
                open = true;
            }
            Some(_) => open = false,
            None if open => {
                let (_, body) = out.last_mut().expect("a block is open");
                body.push_str(line);
                body.push('\n');
            }
            None => {}
        }
    }
    assert!(!open, "a block is not closed");
    out
}

fn check(source: &str) -> Result<(), ein::Error> {
    ein::Compiler::new().threads(1).compile(source)?.check_all()
}

/// Codes of the program's mistakes, each once, in order.
fn codes_of(source: &str) -> Vec<u16> {
    let mut codes: Vec<u16> = match check(source) {
        Ok(()) => Vec::new(),
        Err(error) => error.diagnostics().iter().map(|d| d.code.0).collect(),
    };
    codes.dedup();
    codes
}

/// Codes of what only a strict check refuses.
fn strict_codes_of(source: &str) -> Vec<u16> {
    check(source).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let program = ein::Compiler::new().threads(1).compile(source).expect("checked above");
    program.check_strict().err().map(|e| e.diagnostics().iter().map(|d| d.code.0).collect()).unwrap_or_default()
}

/// Codes of what ciphertexts cannot do; every size is 4.
fn packed_codes_of(source: &str) -> Vec<u16> {
    check(source).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let program = ein::Compiler::new().threads(1).compile(source).expect("checked above");
    let packed = program.main_def().expect("a definition").packed(&[("N", 4)], &ein::packed::PackOptions::default());
    packed.err().map(|e| e.diagnostics().iter().map(|d| d.code.0).collect()).unwrap_or_default()
}

/// Codes of what integers on ciphertexts cannot do; every size is 40.
fn circuit_codes_of(source: &str) -> Vec<u16> {
    check(source).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let program = ein::Compiler::new().threads(1).compile(source).expect("checked above");
    let circuit = program.main_def().expect("a definition").circuit(&[("N", 40)]);
    circuit.err().map(|e| e.diagnostics().iter().map(|d| d.code.0).collect()).unwrap_or_default()
}

#[test]
fn programs_do_what_their_pages_say() {
    let mut wrong = Vec::new();
    for code in ein::pages::codes() {
        let page = ein::pages::page(code).expect("a page");
        let found = blocks(page);
        assert!(!found.is_empty(), "E{code:04} shows nothing");
        for (language, source) in found {
            let complaint = match language {
                "ein" => check(&source).err().map(|e| e.render(false)),
                // Right, and yet refused by those who check strictly.
                "ein-strict" => (strict_codes_of(&source) != [code]).then(|| format!("gives {:?}\n{source}", strict_codes_of(&source))),
                "ein-fails" => (codes_of(&source) != [code]).then(|| format!("gives {:?}\n{source}", codes_of(&source))),
                // A program that needs what this version does not have: once it has, the page must say `ein-fails`.
                "ein-later" => (codes_of(&source) != [190]).then(|| format!("gives {:?}\n{source}", codes_of(&source))),
                // Right, and refused by `ein he plan`.
                "ein-packed-fails" => {
                    (packed_codes_of(&source) != [code]).then(|| format!("gives {:?}\n{source}", packed_codes_of(&source)))
                }
                // Right, and refused by `ein run --target tfhe`.
                "ein-circuit-fails" => {
                    (circuit_codes_of(&source) != [code]).then(|| format!("gives {:?}\n{source}", circuit_codes_of(&source)))
                }
                "sh" => None,
                other => Some(format!("has a block of `{other}`")),
            };
            wrong.extend(complaint.map(|c| format!("E{code:04} {language}: {c}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_has_a_page_under_its_slug() {
    for (code, slug) in all_codes() {
        let page = ein::pages::page(code).unwrap_or_else(|| panic!("E{code:04} {slug} has no page"));
        let title = page.lines().next().unwrap_or("");
        assert!(title.starts_with(&format!("E{code:04} {slug}: ")), "E{code:04} is {slug}, and its page says `{title}`");
    }
}

#[test]
fn faults_of_a_run_have_the_codes_of_their_pages() {
    use ein::ndarray::{ArrayD, array};
    let first = |code: u16| {
        let page = ein::pages::page(code).expect("a page");
        blocks(page).into_iter().find(|(language, _)| *language == "ein").expect("a program").1
    };
    let run = |code: u16| {
        let program = ein::Compiler::new().threads(1).compile(&first(code)).expect("compiles");
        program.main_def().expect("a def")
    };
    let ones = array![1i32, 1].into_dyn();
    let zeros = ArrayD::<i32>::zeros(vec![2]);
    let error = run(403).call([("a", ones.view()), ("b", zeros.view())]).expect_err("a division by 0");
    assert_eq!(error.diagnostics()[0].code.0, 403, "{error}");
    let empty = ArrayD::<f32>::zeros(vec![0]);
    let error = run(307).call([("x", empty.view())]).expect_err("nothing to read");
    assert_eq!(error.diagnostics()[0].code.0, 307, "{error}");
}

#[test]
fn pages_are_short() {
    for code in ein::pages::codes() {
        let page = ein::pages::page(code).expect("a page");
        assert!(page.lines().count() <= 30, "E{code:04} has {} lines", page.lines().count());
        assert!(page.lines().all(|line| line.chars().count() <= 150), "E{code:04} has a long line");
        assert!(page.ends_with('\n') && page.lines().all(|line| line.trim_end() == line), "E{code:04} has stray blanks");
    }
    assert!(ein::pages::page(0).is_none() && ein::pages::page(1000).is_none());
}

/// The codes of the tables of the compiler and of the runtime, with our names for them.
fn all_codes() -> BTreeMap<u16, &'static str> {
    use ein_syntax::error;
    let tables: [&[error::CodeEntry]; 8] = [
        &error::parse::CODES,
        &error::einsum::CODES,
        &error::secrets::CODES,
        &error::refusals::CODES,
        &error::sums::CODES,
        &error::dims::CODES,
        &error::types::CODES,
        &error::reducers::CODES,
    ];
    let mut out: BTreeMap<u16, &'static str> = tables.concat().iter().map(|entry| (entry.code, entry.slug)).collect();
    for error in runtime_errors() {
        assert_eq!(out.insert(error.code(), error.slug()), None, "{} is used twice", error.code());
    }
    // The driver's own.
    let own = [
        (921, "malformed-network"),
        (922, "network-labels"),
        (923, "malformed-path"),
        (924, "network-limit"),
        (711, "he-depth"),
        (715, "he-memory"),
        (716, "he-dtype"),
        (717, "he-width"),
        (719, "he-security"),
        (720, "he-bound"),
        (721, "he-work"),
        (722, "he-budget"),
        (805, "code-generation"),
        (806, "large-constant"),
        (807, "work-limit"),
        (914, "argument-count"),
        (915, "layout-mismatch"),
        (916, "unknown-output"),
        (931, "he-malformed"),
        (932, "he-mismatch"),
        (933, "he-damaged"),
        (934, "he-operands"),
        (999, "unknown-fault"),
    ];
    out.extend(own);
    out
}

/// One of each.
fn runtime_errors() -> Vec<ein_runtime::Error> {
    use ein_runtime::Error;
    let text = || "x".to_owned();
    let path = || std::path::PathBuf::from("x.npy");
    vec![
        Error::MemoryLimit { needed: 2, limit: 1 },
        Error::SizeOverflow { what: text(), dtype: ein::DType::F32, shape: vec![1] },
        Error::AllocationFailed { bytes: 1 },
        Error::ThreadsUnavailable { threads: 1, reason: text() },
        Error::FileUnreadable { path: path(), reason: text() },
        Error::MalformedFile { path: path(), format: ".npy", reason: text() },
        Error::UnsupportedDtype { what: text(), found: text() },
        Error::KeyNotFound { path: path(), key: text(), keys: Vec::new() },
        Error::DtypeMismatch { name: text(), expected: ein::DType::F32, found: ein::DType::F64 },
        Error::RankMismatch { name: text(), expected: 1, found: 2 },
        Error::ExtentMismatch { name: text(), axis: 0, expected: 1, found: 2 },
        Error::OutputOverlaps { output: text(), other: text() },
        Error::CannotWrite { path: path(), reason: text() },
        Error::MissingInput { name: text() },
        Error::UnknownInput { name: text(), known: Vec::new() },
        Error::ElementCount { shape: vec![1], expected: 1, found: 2 },
        Error::OutputNotRowMajor { name: text() },
        Error::ValueOutOfRange { name: text(), index: vec![1], value: None, lo: text(), hi: text() },
        Error::IndexOutOfRange { name: text(), index: vec![1], value: None, size: 1 },
    ]
}
