//! The formatter on texts with comments, long lines and empty lines.

use super::format;
use ein_ir::span::FileId;

#[track_caller]
fn check(source: &str, expected: &str) {
    let formatted = format(source, FileId(0)).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}"));
    assert_eq!(formatted, expected, "\n{formatted}");
    assert_eq!(format(&formatted, FileId(0)).as_deref(), Ok(expected), "formatting is idempotent");
}

#[test]
fn nothing_stays_nothing() {
    check("", "");
    check("  \r\n\n", "");
    check("\n\n  # alone\n\n", "# alone\n");
}

#[test]
fn comments_stay_where_they_are() {
    check(
        "# head\n# sizes: N=4\n\n\ndef f<N>(x: f32[N], # the input\n  # a scale\n  s: f32 # last\n) -> y: f32[N] { # begins\n\n  # first\n  y[i] = x[i] # why\n  + # and\n s; # ends\n\n  # over\n} # done\n# after\n",
        "\
# head
# sizes: N=4

def f<N>(
    x: f32[N],  # the input
    # a scale
    s: f32,  # last
) -> y: f32[N] {  # begins
  # first
  y[i] = x[i]  # why
      +  # and
          s;  # ends

  # over
}  # done
# after
",
    );
}

#[test]
fn a_comment_stays_with_the_declaration_below_it() {
    check(
        "def f(a: f32) -> b: f32 { b = a; }\n# about g\ndef g(a: f32) -> b: f32 { b = a; }\n# about f\n\n# about h\ndim H;\ndim J;\n\ndim K;",
        "\
def f(a: f32) -> b: f32 {
  b = a;
}

# about g
def g(a: f32) -> b: f32 {
  b = a;
}
# about f

# about h
dim H;
dim J;

dim K;
",
    );
}

#[test]
fn equations_are_aligned_in_runs() {
    check(
        "def f<B,N>(x: f32[B,N]) -> y: f32[B,N] {\nm[b]=max[j](x[b,j]);\ne[b,i]=exp(x[b,i]-m[b]); # one\ny[b,i]=e[b,i]/sum[j](e[b,j]); # two\n\nz = 1.0;\nlong_name_of_something[b, i] = x[b, i];\n# apart\nu=1; (v,w)=g(x);}",
        "\
def f<B, N>(x: f32[B, N]) -> y: f32[B, N] {
  m[b]    = max[j](x[b, j]);
  e[b, i] = exp(x[b, i] - m[b]);      # one
  y[b, i] = e[b, i] / sum[j](e[b, j]);  # two

  z = 1.0;
  long_name_of_something[b, i] = x[b, i];
  # apart
  u      = 1;
  (v, w) = g(x);
}
"
        .replace("      # one", "        # one")
        .as_str(),
    );
}

#[test]
fn long_lines_break_at_their_loosest_operators() {
    check(
        "def ssm<B, T, D, N>(x: f32[B, T, D], dt: f32[B, T, D], A: f32[D, N], P: f32[B, T, N], Q: f32[B, T, N]) -> (y: f32[B, T, D], h: f32[B, D, N]) where T >= 1 {
  scan t: T {
    h[b, d, n] = exp(dt[b, t, d] * A[d, n]) * prev h[b, d, n] + dt[b, t, d] * P[b, t, n] * x[b, t, d] from 0.0;
    y[b, t, d] = if h[b, d, t] > 0.0 and h[b, d, t] < 1.0 then Q[b, t, n] * h[b, d, n] else if x[b, t, d] > 0.0 then Q[b, t, d] else 0.0;
  }
}
def o<B, H, W, R, S, st: int = 1, p: int = 1>(x: f32[B, C, H, W], w: f32[O, C, R, S]) -> y: f32[B, O, OH, OW] where OH = (H + 2*p - R) // st + 1, OW = (W + 2*p - S) // st + 1 { }
",
        "\
def ssm<B, T, D, N>(
    x: f32[B, T, D],
    dt: f32[B, T, D],
    A: f32[D, N],
    P: f32[B, T, N],
    Q: f32[B, T, N],
) -> (y: f32[B, T, D], h: f32[B, D, N])
    where T >= 1 {
  scan t: T {
    h[b, d, n] = exp(dt[b, t, d] * A[d, n]) * prev h[b, d, n]
        + dt[b, t, d] * P[b, t, n] * x[b, t, d]
        from 0.0;
    y[b, t, d] = if h[b, d, t] > 0.0 and h[b, d, t] < 1.0
        then Q[b, t, n] * h[b, d, n]
        else if x[b, t, d] > 0.0
        then Q[b, t, d]
        else 0.0;
  }
}

def o<B, H, W, R, S, st: int = 1, p: int = 1>(x: f32[B, C, H, W], w: f32[O, C, R, S])
    -> y: f32[B, O, OH, OW]
    where OH = (H + 2*p - R) // st + 1, OW = (W + 2*p - S) // st + 1 { }
",
    );
}

#[test]
fn conditions_fill_their_lines_one_by_one() {
    check(
        "def f<N, R, stride: int = 1, padding: int = 0>(x: f32[N]) -> y: f32[M] where K = N + 2*padding - R, M = (K + 2*padding - R) // stride + 1, stride >= 1 and padding >= 0, R <= N + 2*padding { }",
        "\
def f<N, R, stride: int = 1, padding: int = 0>(x: f32[N]) -> y: f32[M]
    where K = N + 2*padding - R, M = (K + 2*padding - R) // stride + 1,
        stride >= 1 and padding >= 0, R <= N + 2*padding { }
",
    );
}

#[test]
fn a_row_begins_where_its_list_does_whatever_it_begins_with() {
    check(
        "def f<C, N, R, groups: int = 1>(x: f32[C, N]) -> y: f32[N] { y[i] = max[r in 0..R](channel_of_the_group[i // |C| * |R| + r, pad(i + r + r*r - groups*r*i)] * x[0, clamp(i)]); }",
        "\
def f<C, N, R, groups: int = 1>(x: f32[C, N]) -> y: f32[N] {
  y[i] = max[r in 0..R](
      channel_of_the_group[i // |C| * |R| + r, pad(i + r + r*r - groups*r*i)] * x[0, clamp(i)]
  );
}
",
    );
}

#[test]
fn tables_fill_their_lines() {
    let numbers = (0..40).map(|n| format!("{}.5", n * 100)).collect::<Vec<_>>().join(",");
    check(
        &format!("const T: f32[40] = [{numbers}];\nconst E: f32[2, 2] = [[1, 0], [0, 1,],];"),
        "\
const T: f32[40] = [
    0.5, 100.5, 200.5, 300.5, 400.5, 500.5, 600.5, 700.5, 800.5, 900.5, 1000.5, 1100.5, 1200.5,
    1300.5, 1400.5, 1500.5, 1600.5, 1700.5, 1800.5, 1900.5, 2000.5, 2100.5, 2200.5, 2300.5, 2400.5,
    2500.5, 2600.5, 2700.5, 2800.5, 2900.5, 3000.5, 3100.5, 3200.5, 3300.5, 3400.5, 3500.5, 3600.5,
    3700.5, 3800.5, 3900.5,
];
const E: f32[2, 2] = [[1, 0], [0, 1]];
",
    );
}

#[test]
fn line_ends_and_numbers_do_not_matter() {
    check("ein 01;\r\ndim N; # a\r\n# b\r\n", "ein 1;\n\ndim N;  # a\n# b\n");
    check("export f<N = 007,> ;".replace(",>", ">").as_str(), "export f<N = 7>;\n");
}

#[test]
fn a_text_with_mistakes_is_refused() {
    assert!(format("def f(", FileId(0)).is_err());
    assert!(format("y = (1", FileId(0)).is_err());
}
