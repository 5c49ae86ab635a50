//! Names and scopes (language 4a).

use super::refused;

#[test]
fn unknown_names() {
    refused("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = X[i]; }", "E0204 `X` is not declared | did you mean `x`?");
    refused("def f<N>(x: f32[N], bias: f32) -> y: f32[N] { y[i] = x[i] + bais; }", "E0204 `bais` is not declared | did you mean `bias`?");
    refused("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i] + j; }", "E0204 `j` is not declared");
    refused("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i] * N; }", "E0204 `N` is a dim, not a value | `|N|`");
    refused(
        "def f<N>(x: f32[M]) -> y: f32[N] { y[i] = 0.0; }",
        "E0204 `M` is not declared\nE0207 index `i` is never used | `_` for an axis that is only repeated",
    );
    refused("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = z[i]; z[i] = x[i]; }", "E0204 `z` is not declared | move the equation of `z` up");
    refused(
        "def f<N>(x: f32[N]) -> y: f32[N] { y[i] = y[i] + x[i]; }",
        "E0204 `y` is read by its own equation | a recurrence is a `scan`, and `prev` reads the step before",
    );
    refused("def f<N>(x: f32[N]) -> y: f32[N] { y = sofmax(x); }", "E0211 there is no function `sofmax`");
    refused(
        "def f<N, M>(x: f32[N, M]) -> y: f32 { y = sum(x); }",
        "E0211 `sum` is a reducer, and names the indices that it runs over | `sum[i, j](x[i, j])`",
    );
    refused(
        "def g<N>(x: f32[N]) -> y: f32[N] { y[i] = 2.0*x[i]; } def f<N>(x: f32[N]) -> y: f32[N] { y[i] = g(x[i]); }",
        "E0212 `g` works on whole tensors, and one value must stand here | `p = g(x);` as an equation of its own",
    );
    refused("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = sqr(x[i]); }", "E0211 there is no function `sqr` | did you mean `sqrt`?");
    refused("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i] + x; }", "E0212 `x` has 1 axis, and one value must stand here | `x[i]`");
    refused(
        "def f<N>(x: f32[N]) -> y: f32[N] { y[i] = |x|; }",
        "E0204 `|x|` is the size of a dim, and `x` is a parameter | `abs(x)` for an absolute value",
    );
}

#[test]
fn repeats_and_shadows() {
    refused(
        "def f<N>(N: f32[N]) -> y: f32[N] { y[i] = N[i]; }",
        "E0206 `N` is the name of a dim and of a parameter | `N2`, or another name",
    );
    refused(
        "def f<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i]; y[i] = x[i]; }",
        "E0206 `y` is defined twice, and an equation defines its tensor once | `y2`, or another name",
    );
    refused(
        "def f<N>(x: f32[N]) -> y: f32[N] { x[i] = 0.0; y[i] = x[i]; }",
        "E0206 `x` is defined twice, and an equation defines its tensor once | `x2`, or another name",
    );
    refused(
        "def f<N>(x: f32[N]) -> y: f32[N] { y[N] = x[N]; }",
        "E0205 index `N` has the name of a dim | rename the index, for example `n`",
    );
    refused(
        "def f<N>(x: f32[N]) -> y: f32[N, N] { y[i, i] = x[i]; }",
        "E0203 index `i` is already bound here | `y[i, i'] = if i == i' then x[i] else 0;`",
    );
    refused(
        "def f<N>(x: f32[N, N]) -> y: f32[N] { y[i] = sum[x](x[i, x]); }",
        "E0205 index `x` has the name of a parameter | rename the index, for example `x'`",
    );
}

#[test]
fn indices_that_nothing_uses() {
    refused(
        "def f<N>(x: f32[N]) -> y: f32[N, N] { y[i, j] = x[i]; }",
        "E0207 index `j` is never used | `_` for an axis that is only repeated",
    );
    refused("def f<N>(x: f32[N]) -> y: f32[N, N] { y[i, _] = x[i]; }", "");
    refused(
        "def f<N>(x: f32[N]) -> y: f32 { y = sum[i, j](x[i]); }",
        "E0207 index `j` is never used | remove `j`, or write `_` with a range to repeat the same term",
    );
}

#[test]
fn results_and_ranks() {
    refused("def f<N>(x: f32[N]) -> (y: f32[N], z: f32[N]) { y[i] = x[i]; }", "E0208 the result `z` has no equation | `z[i] = …;`");
    refused("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i, i]; }", "E0310 `x` has 1 axis, and 2 subscripts read it here");
    refused("def f<N>(x: f32[N]) -> y: f32[N] { y = 0.0; }", "E0310 `y` has 1 axis, and its equation has 0 indices on the left | `y[i]`");
}

#[test]
fn reducers_and_modes() {
    refused("def f<N>(x: f32[N]) -> y: f32 { y = summ[i](x[i]); }", "E0504 there is no reducer `summ` | did you mean `sum`?");
    refused("def f<N>(w: f32[N], x: f32) -> y: f32[N] { y[i] = w[i](x); }", "E0504 there is no reducer `w` | `w[i] * (x)`");
    refused(
        "def f<N>(x: f32[N]) -> y: f32[N] { y[i] = clamp(x[i]); }",
        "E0214 `clamp` stands only directly between the brackets of an access | `x[clamp(i)]`",
    );
    refused(
        "def f<N>(x: f32[N, N]) -> y: i64 { y = argmax[i, j](x[i, j]); }",
        "E0505 `argmax` gives a position along one index, and 2 are bound",
    );
    refused(
        "def f<N>(x: f32[N]) -> y: f32[N] { y[i] = max(x[i]); }",
        "E0213 `max` takes two or more arguments, and 1 is given | `max[i](…)` reduces over an index",
    );
    refused("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = prev x[i]; }", "E0501 `prev x` stands outside a scan | `x`");
    refused(
        "derive c = grad(f) wrt (x); def f<N>(x: f32[N]) -> y: f32[N] { y[i] = c * x[i]; }",
        "E0190 `c` is declared by `derive`, and that is not in this version of the compiler",
    );
    refused("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i]; } export g;", "E0210 the program has no def `g`");
    refused("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i]; } export f<M = 3>;", "E0204 `f` has no generic `M`");
}
