//! The five commonest mistakes of a first program: each message has code, place, both facts and an edit, and the program compiles
//! once the edit is pasted.

use ein::{Compiler, Diagnostic};

fn mistakes(source: &str) -> Vec<Diagnostic> {
    let result = Compiler::new().threads(1).compile(source).and_then(|program| program.check_all());
    result.err().map(|error| error.diagnostics().to_vec()).unwrap_or_default()
}

/// The first text in backquotes of the help: what is to be pasted.
fn edit(d: &Diagnostic) -> &str {
    let help = d.help.as_deref().unwrap_or_else(|| panic!("{d}: no help"));
    help.split('`').nth(1).unwrap_or_else(|| panic!("{d}: nothing to paste in `{help}`"))
}

/// Pastes the edit in place of `replaced`, which the message must point at, and compiles again.
#[track_caller]
fn repaired(source: &str, code: u16, facts: &[&str], replaced: &str) {
    let found = mistakes(source);
    let d = found.first().expect("a mistake");
    assert_eq!(d.code.0, code, "{d}");
    let label = d.primary.as_ref().expect("a place");
    let told = format!("{} {} {:?} {:?}", d.message, label.text, d.others, d.notes);
    for fact in facts {
        assert!(told.contains(fact), "no `{fact}` in {told}");
    }
    let (start, end) = (label.span.start as usize, label.span.end as usize);
    let around = source.match_indices(replaced).find(|(at, text)| *at <= start && end <= at + text.len());
    let (at, text) = around.unwrap_or_else(|| panic!("{d} points at {start}..{end}, not into `{replaced}`"));
    let pasted = format!("{}{}{}", &source[..at], edit(d), &source[at + text.len()..]);
    let left = mistakes(&pasted);
    assert!(left.is_empty(), "{d}\nhelp: {:?}\n{pasted}\n{left:?}", d.help);
}

#[test]
fn a_misspelt_index() {
    let source = "def matmul<M, N, K>(A: f32[M, K], B: f32[K, N]) -> C: f32[M, N] {\n  C[i, j] = A[i, k] * B[kk, j];\n}\n";
    let found = mistakes(source);
    assert!(found.iter().all(|d| d.code.0 == 201) && !found.is_empty(), "{found:?}");
    let near = found.iter().find(|d| d.message.contains("`kk`")).expect("the misspelt one is named");
    let label = near.primary.as_ref().expect("a place");
    let pasted = format!("{}{}{}", &source[..label.span.start as usize], edit(near), &source[label.span.end as usize..]);
    assert!(mistakes(&pasted).is_empty(), "{near}\n{pasted}");
}

#[test]
fn axes_in_the_wrong_order() {
    repaired("def f<M, N>(A: f32[M, N]) -> B: f32[N, M] {\n  B[i, j] = A[i, j];\n}\n", 301, &["`M`", "`N`"], "A[i, j]");
}

#[test]
fn a_forgotten_sum() {
    repaired("def f<N>(a: f32[N], b: f32[N]) -> q: f32 {\n  q = (a[i] - b[i])^2;\n}\n", 201, &["`i`", "once"], "(a[i] - b[i])^2");
}

#[test]
fn a_missing_cast() {
    repaired("def f<N>(x: f32[N], n: i32[N]) -> y: f32[N] {\n  y[i] = x[i] * n[i];\n}\n", 402, &["f32", "i32"], "n[i]");
}

#[test]
fn a_shift_out_of_range() {
    repaired("def f<N>(x: f32[N]) -> y: f32[N] {\n  y[i] = x[i + 1];\n}\n", 303, &["N"], "i + 1");
}
