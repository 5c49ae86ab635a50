//! Parsing of whole texts: what is accepted, and what the refusals say.

use super::{parse, parse_equation};
use crate::ast::{ExprKind, Statement};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::span::FileId;

const FILE: FileId = FileId(0);

fn refuse(source: &str) -> Vec<Diagnostic> {
    parse(source, FILE).expect_err(source)
}

/// Code, primary text and help of the only mistake in `body`, which is the inside of a def.
fn only(body: &str) -> (u16, String, Diagnostic) {
    let source = format!("def f<N>(a: f32[N]) -> b: f32[N] {{\n{body}\n}}\n");
    let diagnostics = refuse(&source);
    assert_eq!(diagnostics.len(), 1, "{diagnostics:?}");
    let diagnostic = diagnostics.into_iter().next().expect("one");
    let span = diagnostic.primary.as_ref().expect("syntax mistakes have a place").span;
    (diagnostic.code.0, source[span.start as usize..span.end as usize].to_owned(), diagnostic)
}

#[track_caller]
fn check(body: &str, code: u16, place: &str, message: &str, help: &str) {
    let (found, text, diagnostic) = only(body);
    assert_eq!((found, text.as_str()), (code, place), "{diagnostic:?}");
    assert_eq!(diagnostic.message, message);
    assert_eq!(diagnostic.help.as_deref().unwrap_or(""), help);
}

#[test]
fn the_shape_of_one_program() {
    let source = "ein 1;\n# matmul\ndef matmul<M, N, K>(A: f32[M, K], B: f32[K, N]) -> C: f32[M, N] {\n  C[i, j] = A[i, k] * B[k, j];  # sum over k\n}\n";
    let parsed = parse(source, FILE).expect("the program is right");
    let comments: Vec<_> = parsed.comments.iter().map(|span| &source[span.start as usize..span.end as usize]).collect();
    assert_eq!(comments, ["# matmul", "# sum over k"]);
    let [crate::ast::Item::Def(def)] = parsed.program.items.as_slice() else { panic!("one def") };
    assert_eq!((def.generics.len(), def.params.len(), def.results.len()), (3, 2, 1));
    let [Statement::Bind(bind)] = def.body.as_slice() else { panic!("one equation") };
    assert_eq!(&source[bind.span.start as usize..bind.span.end as usize], "C[i, j] = A[i, k] * B[k, j];");
    let value = bind.value.span;
    assert_eq!(&source[value.start as usize..value.end as usize], "A[i, k] * B[k, j]");
    assert!(matches!(bind.value.kind, ExprKind::Binary { .. }));
}

#[test]
fn spans_end_with_the_last_token() {
    let source = "b = exp(a[i] # note\n ) ^ 2 # more\n";
    let bind = parse_equation(source, FILE).expect("the equation is right");
    let text = |span: ein_ir::span::Span| &source[span.start as usize..span.end as usize];
    assert_eq!(text(bind.value.span), "exp(a[i] # note\n ) ^ 2");
    let ExprKind::Binary { lhs, .. } = &bind.value.kind else { panic!("a power") };
    let ExprKind::Call { args, .. } = &lhs.kind else { panic!("a call") };
    assert_eq!(text(args[0].span), "a[i]");
}

#[test]
fn an_equation_may_lack_its_semicolon() {
    assert!(parse_equation("C[i,k] = A[i,j]*B[j,k]", FILE).is_ok());
    assert!(parse_equation("C[i,k] = A[i,j]*B[j,k];", FILE).is_ok());
    assert!(parse_equation("s = A[i,i]", FILE).is_ok());
    assert!(parse_equation("C[i,k] = A[i,j]*B[j,k]; D = 1", FILE).is_err());
    assert!(parse_equation("", FILE).is_err());
}

#[test]
fn missing_semicolons_are_reported_on_their_line() {
    let (code, place, diagnostic) = only("  b[i] = a[i]  # note\n  c[i] = b[i];");
    assert_eq!((code, place.as_str()), (102, ""));
    let span = diagnostic.primary.expect("a place").span;
    let source = "def f<N>(a: f32[N]) -> b: f32[N] {\n  b[i] = a[i]";
    assert_eq!(span.start as usize, source.len());
    assert_eq!(only("b[i] = a[i]").0, 102);
}

#[test]
fn computed_left_sides_show_the_guard() {
    let note = "the left side of `b` computes a position: ";
    check("b[2*i] = a[i];", 109, "2*i", &format!("{note}`2*i`"), "`b[j] = sum[i where 2*i == j](a[i]);`");
    check("b[0] = 1.0;", 109, "0", &format!("{note}`0`"), "`b[j] = if 0 == j then 1.0 else 0;`");
    check("b[i] += a[i];", 110, "+=", "`+=` on `b`: an equation defines its tensor once", "`b[i] = a[i];`");
}

#[test]
fn structure_mistakes_have_their_own_messages() {
    check("b[i] = if 0 < i < 15 then a[i] else 0.0;", 111, "<", "comparisons cannot be chained", "`0 < i and i < 15`");
    check("b[i] = if i == 1 == 2 == 3 then 1 else 0;", 111, "==", "comparisons cannot be chained", "`i == 1 and 1 == 2`");
    assert!(parse_equation("b[i] = if (0 < i) == (i < 15) then 1.0 else 0.0", FILE).is_ok());
    assert_eq!(only("b[i] = (a[i], 2);").0, 112);
    assert_eq!(only("b[i] = (a[i], 2) + 1;").0, 112);
    assert_eq!(only("b[i] = a[(i, 2)];").0, 112);
    assert!(parse_equation("b = approx(sigmoid, x, on = (0.0, 1.0))", FILE).is_ok());
    assert_eq!(only("b = sum[i](a[i])[2];").1, "[2]");
    assert_eq!(only("b = exp(a)[2];").0, 113);
    assert_eq!(only("b = a[1][2];").0, 113);
    assert_eq!(only("scan ..t { b[i] = a[i]; }").0, 114);
    assert_eq!(refuse("ein 2;")[0].code.0, 115);
}

#[test]
fn tokens_are_refused_in_the_words_of_users() {
    let expects = "expected an operator or `;`, found ";
    check("b[i] = 2 a[i];", 101, "a", &format!("{expects}`a`"), "`*` multiplies: `2 * a`");
    check("b[i] = a[2*i](x);", 101, "(", &format!("{expects}`(`"), "`*` multiplies: `A[i] * (x)`");
    check("b[i] = if i = 2 then 1 else 0;", 101, "=", "expected an operator or `then`, found `=`", "`==` compares");
    check("b[i] = ;", 101, ";", "expected an expression, found `;`", "");
    check("from[i] = 3;", 103, "from", "`from` is a keyword and cannot be a name", "`from_`");
    check("b[in] = 3;", 103, "in", "`in` is a keyword and cannot be a name", "`in_`");
    check(
        "for i in 0..2 { b[i] = a[i]; }",
        101,
        "for",
        "expected an equation or `}`, found the keyword `for`",
        "an index runs over its whole dim by itself; a recurrence is `scan t: T { … }`",
    );
    check("b: f33 = 2.0;", 101, "f33", "expected a type, found `f33`", "`f32`");
    check("b: float32 = 2.0;", 101, "float32", "expected a type, found `float32`", "`f32`");
    check("b: float = 2.0;", 101, "float", "expected a type, found `float`", "`f32`");
    check("b == 2.0;", 101, "==", "expected `:`, `=` or `[`, found `==`", "`=` defines, `==` compares");
    assert_eq!(refuse("b[i] = a[i];")[0].message, "expected a declaration such as `def`, found `b`");
}

#[test]
fn characters_and_numbers_are_refused_in_place() {
    check("b[i] = a[i] × 2;", 104, "×", "`×` is not a character of the language", "`*`");
    check("b[i] = a[i] ** 2;", 116, "**", "`**` is not an operator; it is written `^`", "`^`");
    check("b[i] = α * 2;", 117, "α", "`α` has letters beyond ASCII", "");
    check("b[i] = 2x;", 107, "2x", "`2x` is not a number: a name cannot begin with a digit", "`2*x`");
    check("b[i] = 2.;", 107, "2.", "`2.` is not a number: digits must follow the point", "`2.0`");
    check("b[i] = .5;", 107, ".5", "`.5` is not a number: digits must stand before the point", "`0.5`");
    check("b[i] = 1e999;", 107, "1e999", "`1e999` is not a number: it is beyond the range of f64", "`inf`, or a smaller number");
    check("b[i] = 1e;", 107, "1e", "`1e` is not a number: digits must follow the exponent sign", "`1e0`");
    check("b[i] = 10_000;", 107, "10_000", "`10_000` is not a number: digits are not grouped", "`10000`");
    assert_eq!(only(&format!("b = {};", "9".repeat(40))).0, 107);
    assert_eq!(refuse("use \"layers;\ndim N;")[0].code.0, 106);
}

#[test]
fn brackets_are_matched_before_the_grammar_runs() {
    check("b[i] = exp(a[i];", 105, "(", "`(` is never closed", "");
    check("b[i] = exp(a[i));", 105, ")", "`[` is closed by `)`", "");
    assert_eq!(refuse("def f() -> b: f32 { b = 1.0; } }")[0].message, "`}` closes nothing");
    let diagnostics = refuse("def f() -> b: f32 {\n b = 1.0;\ndef g() -> b: f32 { b = 1.0; }");
    assert_eq!(diagnostics[0].message, "`{` is never closed");
    assert_eq!(diagnostics[0].others[0].text, "`def` begins a new declaration");
}

#[test]
fn several_mistakes_are_reported_in_order() {
    let diagnostics = refuse("def f<N>(a: f32[N]) -> b: f32[N] {\n b[0] = 1;\n b[i] += 1;\n c = (1, 2);\n}");
    let codes: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.code.0).collect();
    assert_eq!(codes, [109, 110, 112]);
}

fn nested(open: &str, inner: &str, close: &str, levels: usize) -> String {
    format!("b = {}{inner}{}", open.repeat(levels), close.repeat(levels))
}

/// The code with which an equation is refused; 0 if it is accepted. Runs on the smallest stack that the crate promises to fit.
fn code_of(source: String) -> u16 {
    let run = move || parse_equation(&source, FILE).map_or_else(|diagnostics| diagnostics[0].code.0, |_| 0);
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).expect("a thread starts").join().expect("no panic")
}

#[test]
fn nesting_is_limited_and_what_is_allowed_fits_the_stack() {
    for (open, inner, close) in
        [("(", "1", ")"), ("- ", "1", ""), ("f(", "1", ")"), ("a[", "1", "]"), ("if c then 1 else ", "1", ""), ("2 ^ ", "2", "")]
    {
        assert_eq!(code_of(nested(open, inner, close, 255)), 0, "{open}");
        assert_eq!(code_of(nested(open, inner, close, 257)), 108, "{open}");
        assert_eq!(code_of(nested(open, inner, close, 100_000)), 108, "{open}");
    }
    assert_eq!(code_of(nested("sum[i where a[i] < 2](", "1", ")", 250)), 0);
    assert_eq!(code_of(nested("sum[i in 0..a[i]](-(", "1", "))", 80)), 0);
    assert_eq!(code_of(nested("((", "1", "", 200)), 108);
}

#[test]
fn long_chains_are_limited_by_the_depth_of_their_tree() {
    assert_eq!(code_of(nested("1 + ", "1", "", 511)), 0);
    assert_eq!(code_of(nested("1 + ", "1", "", 512)), 108);
    assert_eq!(code_of(nested("1 + ", "1", "", 100_000)), 108);
    assert_eq!(code_of(nested("", "1", " as f32", 100_000)), 108);
    assert_eq!(code_of(nested("a[1]^2 + ", "1", "", 400)), 0);
    assert_eq!(code_of(format!("b = f({}1)", "-1, ".repeat(1000))), 0);
}

#[test]
fn names_axes_and_files_are_limited() {
    assert_eq!(code_of(format!("{} = 1", "x".repeat(255))), 0);
    assert_eq!(code_of(format!("{} = 1", "x".repeat(256))), 108);
    assert_eq!(code_of(format!("b = a[{}1]", "1, ".repeat(63))), 0);
    assert_eq!(code_of(format!("b = a[{}1]", "1, ".repeat(64))), 108);
    assert_eq!(code_of(format!("b = 1{}", " ".repeat(crate::limits::MAX_FILE_BYTES))), 108);
}

#[test]
fn no_text_of_single_tokens_panics() {
    let tokens = [
        "def", "f", "(", ")", "[", "]", "{", "}", "<", ">", "=", "==", "..", "..b", ":", ";", ",", "+", "-", "not", "if", "sum[i](", "1",
        "2x", "\"", "#", "é", "|N|", "as f32", "prev", "scan", ".",
    ];
    for first in tokens {
        for second in tokens {
            for third in tokens {
                let source = format!("{first} {second}{third}");
                assert!(parse(&source, FILE).is_err() || first == "#" || source.starts_with("#"), "{source}");
                let _ = parse_equation(&format!("b = {source}"), FILE);
            }
        }
    }
}
