//! Strict checks: what is checked of the sizes at the call must be stated, and the `where` that the message gives states it.

use ein::{Compiler, Diagnostic, Error};

fn strictly(source: &str) -> Result<(), Error> {
    Compiler::new().threads(1).compile(source)?.check_strict()
}

/// The text in backquotes behind `before`.
fn quoted<'t>(text: &'t str, before: &str) -> Option<&'t str> {
    text.split_once(before)?.1.split('`').next()
}

/// The program with the `where` of a message in the header of the def that is called. `None` if it gives none: the sizes of a row have
/// no names.
fn stated(source: &str, d: &Diagnostic) -> Option<String> {
    let condition = quoted(d.help.as_deref()?, "`where ").expect("a condition");
    let def = d.notes.iter().find_map(|note| quoted(note, "when `")).expect("the def is named");
    let header = source.find(&format!("def {def}<")).or_else(|| source.find(&format!("def {def}("))).expect("it is there");
    let open = header + source[header..].find('{').expect("a body");
    let joint = if source[header..open].contains("where") { ", " } else { " where " };
    Some(format!("{}{joint}{condition} {}", source[..open].trim_end(), &source[open..]))
}

#[test]
fn what_messages_say() {
    let source = "def third<N>(x: f32[N]) -> y: f32 {
  y = x[2];
}
def valid<N, R>(x: f32[N], w: f32[R]) -> y: f32[N - R + 1] {
  y[i] = x[i + r] * w[r];
}
def last<N>(x: f32[N]) -> y: f32 {
  scan t: N {
    h = x[t];
  }
  y = h;
}
def halves<N>(x: f32[N]) -> y: f32[M] where M = N // 2, N == 2*M {
  y[i] = x[2*i];
}
def called<N, ..B>(x: f32[..B, N]) -> (y: f32[..B], z: f32[N // 2]) {
  u[i]   = x[..b, i] * x[..b, i];
  z      = halves(u);
  t      = third(u);
  y[..b] = t * x[..b, 0];
}
";
    let error = strictly(source).expect_err("nothing is stated");
    insta::assert_snapshot!(error.render(false));
}

#[test]
fn what_is_stated_is_no_mistake() {
    for source in [
        "def f<N>(x: f32[N]) -> y: f32 where N >= 3 { y = x[2]; }",
        "def f<N>(x: f32[N]) -> y: f32 where N > 7, N % 2 == 0 { y = x[2]; }",
        "dim N in 3..512; def f(x: f32[N]) -> y: f32 { y = x[2]; }",
        "dim N in 3..512; def g(x: f32[N]) -> y: f32 { y = x[2]; } def f(x: f32[N]) -> y: f32 { y = g(x); }",
        "def g<N>(x: f32[N]) -> y: f32 where N >= 3 { y = x[2]; } def f<N>(x: f32[N]) -> y: f32 where N >= 4 { y = g(x); }",
        "def f<..B, N>(x: f32[..B, N]) -> y: f32[..B] where N >= 1 { y[..b] = x[..b, 0]; }",
    ] {
        strictly(source).unwrap_or_else(|e| panic!("{}", e.render(false)));
    }
}

/// Every program of the cases, mistakes of the strict check repaired one after the other.
#[test]
fn what_messages_give_states_it() {
    let mut repaired = 0;
    for path in ein_tests::cases::files("language") {
        let mut source = std::fs::read_to_string(&path).expect("readable");
        while let Err(error) = strictly(&source) {
            let first = &error.diagnostics()[0];
            assert_eq!(first.code.0, 315, "{}: {}\n{source}", path.display(), error.render(false));
            let Some(next) = stated(&source, first) else {
                assert!(first.message.contains(".."), "{first}: no help");
                break;
            };
            assert!(next.len() < 10_000, "{}: {first}\n{source}", path.display());
            source = next;
            repaired += 1;
        }
    }
    assert!(repaired > 5, "the cases have checks");
}

#[test]
fn rows_are_spelt_as_they_were_written() {
    let source = "def f<..B, N>(x: f32[..B, N]) -> (q: f32[..B], r: f32[..B, N - 1]) {
  q[..b]    = x[..b, 0];
  r[..b, i in 0..N - 1] = x[..b, i];
}";
    let error = strictly(source).expect_err("nothing is stated").render(false);
    assert!(error.contains("`where N >= 1` states it") && !error.contains("B.1"), "{error}");
}
