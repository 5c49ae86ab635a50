//! The language reference shows only programs that do what it says.

use ein::Compiler;

/// A fenced block of the reference.
struct Block {
    /// Behind the fence: `ein`, `ein-fails E0201`.
    label: String,
    text: String,
    /// Line of the fence, from 1.
    line: usize,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut out: Vec<Block> = Vec::new();
    let mut open = false;
    for (n, line) in text.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(label) if !open => {
                out.push(Block { label: label.trim().to_owned(), text: String::new(), line: n + 1 });
                open = true;
            }
            Some(_) => open = false,
            None if open => {
                let block = out.last_mut().expect("a block is open");
                block.text.push_str(line);
                block.text.push('\n');
            }
            None => {}
        }
    }
    assert!(!open, "a block is not closed");
    out
}

fn reference() -> String {
    text_of("README.md")
}

fn text_of(file: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../grammar").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn check(source: &str) -> Result<(), ein::Error> {
    Compiler::new().threads(1).compile(source)?.check_all()
}

#[test]
fn every_program_does_what_the_reference_says() {
    let texts = ["README.md", "library.md", "std.md", "types.md"].map(|file| (file, text_of(file)));
    let mut wrong = Vec::new();
    let mut n_programs = 0;
    for (file, block) in texts.iter().flat_map(|(file, text)| blocks(text).into_iter().map(move |block| (file, block))) {
        let at = format!("grammar/{file}:{}", block.line);
        match block.label.split_whitespace().collect::<Vec<_>>()[..] {
            ["ein"] => {
                n_programs += 1;
                wrong.extend(check(&block.text).err().map(|e| format!("{at}: {}", e.render(false))));
            }
            ["ein-fails", code] => {
                n_programs += 1;
                let mut found: Vec<String> = match check(&block.text) {
                    Ok(()) => Vec::new(),
                    Err(error) => error.diagnostics().iter().map(|d| d.code.to_string()).collect(),
                };
                found.dedup();
                if found != [code] {
                    wrong.push(format!("{at}: {code} was expected, and it gives {found:?}"));
                }
            }
            ["sh" | "rust" | "text"] => {}
            _ => wrong.push(format!("{at}: a block of `{}`", block.label)),
        }
    }
    assert!(n_programs >= 18, "only {n_programs} programs were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Names in backticks in the row of a table that begins so.
fn row(text: &str, begins: &str) -> Vec<String> {
    let line = text.lines().find(|l| l.starts_with(&format!("| {begins} |"))).unwrap_or_else(|| panic!("no row of {begins}"));
    line.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn functions_are_in_the_right_rows() {
    let text = reference();
    let rows = [
        ("one real number", "x"),
        ("one number", "z"),
        ("one float or complex", "z"),
        ("one float", "x"),
        ("one complex", "z"),
        ("two floats", "x, x"),
        ("two or more real numbers", "x, x, x"),
        ("two integers", "n, n"),
        ("two integers or bools", "b, b"),
        ("one integer", "n"),
        ("one of any type", "b"),
    ];
    for (begins, arguments) in rows {
        for name in row(&text, begins) {
            let source = format!("def f(x: f64, z: c128, n: i64, b: bool) -> y: c128 {{ y = {name}({arguments}) as c128; }}");
            assert!(check(&source).is_ok(), "{}", check(&source).expect_err("just seen").render(false));
        }
    }
}

#[test]
fn element_types_and_reducers_are_those_of_this_version() {
    let text = reference();
    let listed = text.split("This version has").nth(1).and_then(|t| t.split('.').next()).expect("the list of element types");
    let listed: Vec<&str> = listed.split('`').skip(1).step_by(2).collect();
    for dtype in ein::DType::ALL.map(ein::DType::name) {
        let source = format!("def f(x: {dtype}) -> y: {dtype} {{ y = x; }}");
        assert_eq!(check(&source).is_ok(), listed.contains(&dtype), "{dtype}");
    }
    for (reducer, body) in [("sum", "x[i]"), ("mean", "x[i]"), ("prod", "x[i]"), ("max", "x[i]"), ("lse", "x[i]"), ("any", "x[i] > 0.0")] {
        let source = format!("def f<N>(x: f64[N]) -> y: f64 {{ y = {reducer}[i]({body}) as f64; }}");
        assert!(check(&source).is_ok() && text.contains(&format!("`{reducer}`")), "{reducer}");
    }
}

#[test]
fn every_code_that_is_mentioned_has_a_page() {
    let text = reference() + &text_of("library.md") + &text_of("std.md") + &text_of("types.md");
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| w.len() == 5 && w.starts_with("E0")) {
        let code = word[1..].parse().expect("a number behind E");
        assert!(ein::pages::page(code).is_some(), "{word} has no page");
    }
}

#[test]
fn the_reference_is_short() {
    assert!(reference().lines().count() <= 650);
    assert!(text_of("library.md").lines().count() <= 150);
    assert!(text_of("std.md").lines().count() <= 200);
    assert!(text_of("types.md").lines().count() <= 150);
}
