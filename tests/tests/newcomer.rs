//! The commonest mistakes of a first program: each message has code, place, both facts and an edit, and the program compiles once the
//! edit is pasted.

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
fn an_index_of_another_name() {
    let inputs = "a: f32[N], w: f32[N, M]";
    for (result, equation, from) in [("q: f32[N]", "q[i] = max[j](w[i, p]);", "p"), ("q: f32[N]", "q[i] = 2.0*a[k];", "k")] {
        let source = format!("def f<N, M>({inputs}) -> {result} {{\n  t[n, m] = a[n] + w[n, m];\n  {equation}\n}}\n");
        repaired(&source, 201, &["once"], from);
    }
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

/// A def over vectors `a`, `b` and `x`, positions `ids` and counts `n`, with this result and equation.
fn vectors(result: &str, equation: &str) -> String {
    let inputs = "a: f32[N], b: f32[N], w: f32[N, M], n: i32[N], ids: idx<M>[N], s: f32";
    format!("def f<N, M>({inputs}) -> {result} {{\n  t[i, j] = w[i, j] + a[i]*b[i]*s*(n[i] as f32) + (ids[i] as f32);\n  {equation}\n}}\n")
}

#[test]
fn sums_that_were_forgotten() {
    for (equation, replaced) in [
        ("q = (a[i] - b[i])^2;", "(a[i] - b[i])^2"),
        ("q = a[i] + b[i];", "a[i] + b[i]"),
        ("q = a[i]*b[i] + a[i];", "a[i]*b[i] + a[i]"),
        ("q = s + a[i];", "a[i]"),
        ("q = max(a[i], 0.0);", "max(a[i], 0.0)"),
        ("q = if a[i] > 0.0 then a[i] else 0.0;", "if a[i] > 0.0 then a[i] else 0.0"),
        ("q = sqrt((a[i] - b[i])^2);", "(a[i] - b[i])^2"),
        ("q = log(exp(a[i]));", "exp(a[i])"),
        ("q = a[i] as f64 as f32;", "a[i] as f64 as f32"),
    ] {
        repaired(&vectors("q: f32", equation), 201, &["`i`", "once"], replaced);
    }
    for (equation, replaced) in [("q = exp(a[i])*b[i];", "exp(a[i])*b[i]"), ("q = a[i] / b[i];", "a[i] / b[i]")] {
        repaired(&vectors("q: f32", equation), 202, &["`i`"], replaced);
    }
}

#[test]
fn reducers_without_brackets() {
    for (equation, code, replaced) in
        [("q = sum(a[i]);", 211, "sum(a[i])"), ("q = s + max(a[i]);", 213, "max(a[i])"), ("q = mean(w[i, j]);", 211, "mean(w[i, j])")]
    {
        let source = vectors("q: f32", equation);
        assert_eq!(mistakes(&source).len(), 1, "{equation}");
        repaired(&source, code, &[], replaced);
    }
    // A def may have the name of a reducer, and is then what is called.
    let own = "def mean(x: f32) -> y: f32 { y = x; }\ndef f<N>(a: f32[N]) -> q: f32 { q = mean(a[i]); }\n";
    repaired(own, 201, &["`i`", "once"], "mean(a[i])");
    repaired(&vectors("q: f32", "q = summ[i](a[i]);"), 504, &["`summ`"], "summ");
    repaired(&vectors("q: f32[N]", "q[i] = a[i](s);"), 504, &["`a`"], "a[i](s)");
    repaired(&vectors("q: f32[N]", "q[i] = a(i);"), 211, &["`a`"], "a(i)");
}

#[test]
fn left_sides_that_compute() {
    for (result, equation, code) in [
        ("q: f32[2*N]", "q[2*i] = a[i];", 109),
        ("q: f32[N]", "q[0] = 1.0;", 109),
        ("q: i32[N]", "q[0] = 1;", 109),
        ("q: f32[N]", "q[N - 1] = s;", 109),
        ("q: f32[M]", "q[ids[i]] += a[i];", 109),
        ("q: f32[N]", "q[i] += a[i];", 110),
        ("q: f32[N]", "q[i] += s * w[i, j];", 110),
        ("q: f32", "q += a[i] * b[i];", 110),
        ("q: f32[N, N]", "q[i, i] = a[i];", 203),
    ] {
        let source = vectors(result, equation);
        assert_eq!(mistakes(&source).len(), 1, "{equation}");
        repaired(&source, code, &[if code == 203 { "`i`" } else { "`q`" }], equation);
    }
}

#[test]
fn comparisons_in_a_row() {
    repaired(&vectors("q: f32[N]", "q[i] = if 0 < i < 15 then a[i] else s;"), 111, &["comparison"], "0 < i < 15");
}

#[test]
fn a_missing_semicolon_is_told_where_it_belongs() {
    for equation in ["q[i] = a[i]\n", "u[i] = a[i]\n  q[i] = u[i];", "u[i] = a[i]   # no end\n\n  q[i] = u[i];"] {
        let source = vectors("q: f32[N]", equation);
        let found = mistakes(&source);
        let (d, at) = (&found[0], found[0].primary.as_ref().expect("a place").span.start as usize);
        assert_eq!((d.code.0, found.len()), (102, 1), "{d}");
        assert!(source[..at].ends_with("a[i]"), "{equation}: {}", &source[..at]);
        let pasted = format!("{};{}", &source[..at], &source[at..]);
        assert!(mistakes(&pasted).is_empty(), "{pasted}");
    }
}

#[test]
fn bounds_and_types() {
    for (equation, replaced) in [("q[i] = a[i + 1];", "i + 1"), ("q[i] = a[i - 1];", "i - 1"), ("q[i] = a[n[i]];", "n[i]")] {
        repaired(&vectors("q: f32[N]", equation), 303, &["`a`"], replaced);
    }
    repaired(&vectors("q: f32[N]", "q[i] = a[i] * n[i];"), 402, &["f32", "i32"], "n[i]");
    repaired(&vectors("q: i32[N]", "q[i] = if n[i] > 0 then n[i] else 0.0;"), 406, &["i32", "real"], "0.0");
    repaired(&vectors("q: f64[N]", "q[i] = a[i];"), 402, &["f64", "f32"], "a[i]");
    repaired(&vectors("q: f32[N]", "q[i] = a;"), 212, &["`a`"], "a");
}
