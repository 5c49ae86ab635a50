//! Row variables: instances, ranks, and the words of messages.

use crate::check::tests::{checked, lines, refused};

const SOFTMAX: &str = "def softmax<..B, N>(x: f32[..B, N]) -> y: f32[..B, N] {
  m[..b] = max[j](x[..b, j]);
  e[..b, i] = exp(x[..b, i] - m[..b]);
  y[..b, i] = e[..b, i] / sum[j](e[..b, j]);
}
";

/// The headers of tensors of an instance.
#[track_caller]
fn axes(source: &str, def: &str, ranks: &[usize]) -> Vec<String> {
    let program = checked(source).unwrap_or_else(|d| panic!("{d:#?}\n{source}"));
    let module = program.lower_for(def, ranks).unwrap_or_else(|d| panic!("{d:#?}\n{source}"));
    let text = module.to_string();
    text.lines().filter(|l| l.starts_with("tensor")).map(|l| l.split(" @").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_def_is_written_out_for_each_rank() {
    let found = axes(SOFTMAX, "softmax", &[2]);
    assert_eq!(found[0], "tensor t0 \"x\" f32[d0, d1, d2]");
    assert_eq!(found[2], "tensor t2 \"m\" f32[d0, d1]");
    assert_eq!(axes(SOFTMAX, "softmax", &[0])[2], "tensor t2 \"m\" f32[]");
}

#[test]
fn a_reduction_runs_over_a_whole_row() {
    let source = "def norm<..B>(x: f64[..B]) -> (s: f64, n: i64, m: f64) {
  s = sum[..b](x[..b]^2);
  n = sum[..b where x[..b] > 0.0](true);
  m = x[..b] * x[..b];
}";
    for ranks in [0, 1, 3] {
        assert!(!axes(source, "norm", &[ranks]).is_empty());
    }
}

#[test]
fn calls_find_the_rank_from_their_arguments() {
    let source = format!(
        "{SOFTMAX}def f<A, C, N>(u: f32[A, C, N], v: f32[N]) -> (p: f32[A, C, N], q: f32[N]) {{ p = softmax(u); q = softmax(v); }}"
    );
    let found = axes(&source, "f", &[]);
    assert!(found.iter().any(|l| l.contains("\"p.m\" f32[d0, d1]")), "{found:?}");
    assert!(found.iter().any(|l| l.ends_with("\"q.m\" f32[]")), "{found:?}");
}

#[test]
fn generic_defs_call_generic_defs() {
    let source = format!(
        "{SOFTMAX}def g<..A, ..C, N>(u: f32[..A, N], v: f32[..C, N]) -> (p: f32[..A, N], q: f32[..C, N]) {{ p = softmax(u); q = softmax(v); }}"
    );
    let found = axes(&source, "g", &[3, 0]);
    assert!(found.iter().any(|l| l.contains("\"p.m\" f32[d0, d1, d2]")), "{found:?}");
    assert!(found.iter().any(|l| l.ends_with("\"q.m\" f32[]")), "{found:?}");
}

#[test]
fn two_rows_in_one_tensor_are_told_apart_by_its_type() {
    let source =
        "def outer<..A, ..B>(x: f32[..A], y: f32[..B]) -> z: f32[..A, ..B] { t[..a, ..b] = x[..a] * y[..b]; z[..a, ..b] = t[..a, ..b]; }";
    assert_eq!(axes(source, "outer", &[1, 2])[2], "tensor t2 \"z\" f32[d0, d1, d2]");
    let source = "def f<..A, ..B>(z: f32[..A, ..B], y: f32[..B]) -> s: f32[..A] { s[..a] = sum[..b](z[..a, ..b] * y[..b]); }";
    assert_eq!(axes(source, "f", &[2, 1])[2], "tensor t2 \"s\" f32[d0, d1]");
}

#[test]
fn ranks_come_from_inputs_and_names() {
    let program = checked("def f<..A, ..B>(z: f32[..A, ..B], y: f32[..B]) -> s: f32[..A] { s[..a] = sum[..b](z[..a, ..b] * y[..b]); }")
        .expect("right");
    assert_eq!(program.ranks("f", &[Some(3), Some(1)], &[]), Ok(vec![2, 1]));
    assert_eq!(program.ranks("f", &[Some(3), None], &[("A".to_owned(), 1)]), Ok(vec![1, 2]));
    let found = |inputs: &[Option<usize>], given: &[(String, usize)]| lines(&program.ranks("f", inputs, given).expect_err("refused"));
    assert_eq!(
        found(&[Some(3), None], &[]),
        "E0313 nothing says how many axes `..A` of `f` stands for | --size A=8x8, or --size ..A=2\n\
         E0313 nothing says how many axes `..B` of `f` stands for | --size B=8x8, or --size ..B=2"
    );
    assert_eq!(found(&[None, Some(1)], &[("B".to_owned(), 2)]), "E0313 `..B` of `f` is 2 axes as given but 1 in `y`");
    assert_eq!(found(&[Some(0), Some(1)], &[]), "E0906 `z` of `f` has another number of axes, and what is given for it has 0");
    assert_eq!(found(&[], &[("C".to_owned(), 2)]), "E0311 `f` has no row variable `..C`");
}

#[test]
fn messages_say_what_the_author_wrote() {
    refused(
        "def f<..B, N>(x: f32[..B, N]) -> y: f32[..B] { y[..b] = exp(x[..b, i]); }",
        "E0201 index `i` occurs once | `sum[i](exp(x[..b, i]))`, or `sum[i](x[..b, i])` inside of it",
    );
    refused(
        "def f<..B>(x: f32[..B]) -> y: f32 { y = exp(x[..b]); }",
        "E0201 index `..b` occurs once | `sum[..b](exp(x[..b]))`, or `sum[..b](x[..b])` inside of it",
    );
    refused(
        "def f<..A, ..B>(x: f32[..A], z: f32[..B]) -> y: f32[..A] { y[..a] = x[..a] + z[..a]; }",
        "E0301 index `..a` ranges over `..A` in `y` but over `..B` in `z`",
    );
    refused("def f<..B>(x: f32[..B]) -> y: f32[..B] { y[..b] = x[..b] * b; }", "E0204 `b` is not declared");
    refused("def f<..Row>(x: f32[..Rows]) -> y: f32 { y = sum[..b](x[..b]); }", "E0204 `..Rows` is not declared | did you mean `..Row`?");
}

#[test]
fn ranks_that_cannot_be_told_are_named() {
    refused(
        "def f<..A>(x: f32[..A]) -> y: f32 { t[..p, ..q] = x[..p, ..q]; y = sum[..p](x[..p]); }",
        "E0313 nothing says how many indices `..p` stands for\nE0313 nothing says how many indices `..q` stands for",
    );
    refused(
        "def f<..A, M, N>(x: f32[..A], z: f32[M, N]) -> y: f32 { y = sum[..p](x[..p] * z[..p]); }",
        "E0313 `..p` stands for 2 axes here, but for 1 elsewhere",
    );
    refused(
        &format!("{SOFTMAX}def f(x: f32) -> y: f32 {{ y = softmax(x); }}"),
        "E0313 `x` of `softmax` has at least 1 axis, and what is given for it has 0",
    );
}
