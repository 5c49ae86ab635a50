//! Types of numbers (language 4c).

use super::{body, refused};

#[test]
fn the_real_part_is_offered_without_a_second_pair_of_parentheses() {
    refused(
        "def f<N>(x: c64[N]) -> y: f32[N] { y[i] = x[i]*conj(x[i]); }",
        "E0402 `y` is f32, but its right side is c64 | `real(x[i] * conj(x[i]))`",
    );
}

#[test]
fn data_never_converts() {
    refused("def f<N>(x: f32[N], z: f64[N]) -> y: f64[N] { y[i] = x[i] + z[i]; }", "E0402 f32 and f64 do not mix | `x[i] as f64`");
    refused("def f<N>(x: f32[N]) -> y: f64[N] { y[i] = x[i]; }", "E0402 `y` is f64, but its right side is f32 | `x[i] as f64`");
    refused("def f<N>(x: i32[N]) -> y: i32[N] { y[i] = x[i] * 0.5; }", "E0406 a real literal is not a value of i32 | `x[i] as f64`");
    refused(
        "def f<N>(x: i32[N]) -> y: i32[N] { y[i] = x[i] / 2; }",
        "E0405 `/` on i32: the quotient of integers is not one | `x[i] // 2` rounds down; `x[i] as f64 / 2` does not",
    );
    refused(
        "def f<N>(x: i32[N]) -> y: f64[N] { y[i] = sqrt(x[i]); }",
        "E0404 `sqrt` takes a floating-point number, and this is i32 | `sqrt(x[i] as f64)`",
    );
    refused("def f<N>(x: i32[N]) -> y: f64 { y = mean[i](x[i]); }", "E0405 `mean` divides, and its body is i32 | `x[i] as f64`");
    refused("def f<N>(x: c64[N]) -> y: f32[N] { y[i] = x[i]; }", "E0402 `y` is f32, but its right side is c64 | `real(x[i])`");
    refused(
        "def f<N>(x: c64[N]) -> y: f32[N] { y[i] = x[i] as f32; }",
        "E0404 a complex value does not convert to f32 | `real(…)`, `imag(…)` or `abs(…)`",
    );
    refused("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = 2.0im * x[i]; }", "E0406 a complex literal is not a value of f32 | `x[i] as c64`");
    refused(
        "def f<N>(x: f32[N]) -> y: f32[N] { y[i] = if x[i] then 1.0 else 0.0; }",
        "E0404 the condition of `if` is a bool, and this is f32 | `x[i] != 0`",
    );
    refused(
        "def f<N>(x: bool[N]) -> y: bool[N] { y[i] = x[i] * x[i]; }",
        "E0404 `*` has no meaning for bool | `and`, `or`, `xor(…)`, or convert: `(…) as i32`",
    );
    refused("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = real(0.5im % 2.0) * x[i]; }", "E0404 `%` has no meaning for complex values");
    refused("def f<N>(x: f32[N]) -> y: bool[N] { y[i] = i // 0.5im == 1; }", "E0404 `//` has no meaning for complex values");
    refused("def f<N>(x: f32[N]) -> y: bool { y = any[i](x[i]); }", "E0404 `any` reduces bools, and its body is f32");
    refused(
        "def f<N>(x: f32[N]) -> y: f32[N] { z[i: N] = 2*i; y[i] = x[i]; }",
        "E0401 an equation of literals, sizes and index values alone states its type | `: i64` after the left side",
    );
    refused("def f<N>(x: i32[N]) -> y: i32[N] { y[i] = x[i] + 3000000000; }", "E0406 3000000000 is not a value of i32");
    refused(
        "def f<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i / 2]; }",
        "E0404 a subscript is an integer, and this is a real literal | `i // 2`",
    );
    refused(
        "def f<N>(x: f32[N], k: i32[N]) -> y: f32[N] { y[i] = x[k[i]]; }",
        "E0303 `k[i]` cannot be shown to stay inside axis 0 of `x` | `clamp(k[i])` for the nearest element, or `pad(k[i])` for 0 outside",
    );
}

#[test]
fn literals_adapt() {
    body(
        "def f<N>(x: f32[N]) -> y: f32[N] { y[i] = -0.5 * x[i] + 2*pi*i/|N| + 1; }",
        &["t1[i0] = ((-0.5:f32 * t0[i0]) + f32(((6.283185307179586:f64 * f64(i0)) / f64(size(d0)))) + 1.0:f32)"],
    );
    body(
        "def f<N>(x: i32[N]) -> y: i32[N] { y[i] = x[i]^2 + 2*i - |N|; }",
        &["t1[i0] = ((powi(t0[i0], 2) + i32((2 * i0))) - i32(size(d0)))"],
    );
    body(
        "def f<N>(x: f64[N]) -> y: f64 { y = sum[i: N](i) + x[clamp(0)]; }",
        &["tensor t2 \"y.sum\" f64[]", "t2[] = sum:f64[i0](f64(i0))", "t1[] = (t2[] + t0[clamp(0)])"],
    );
    body(
        "def f<N>(x: f32[N]) -> y: f32[N] { y[i] = if i % 2 == 0 then x[i] else -1; }",
        &["t1[i0] = if(((i0 % 2) == 0), t0[i0], -1.0:f32)"],
    );
    body("def f<N>(x: c64[N]) -> y: c64[N] { y[i] = x[i] * (1 + 2im); }", &["t1[i0] = (t0[i0] * complex(1.0, 2.0):c64)"]);
}

#[test]
fn accumulators() {
    body("def f<N>(x: i32[N], z: i32[N]) -> y: i64 { y = sum:i64[i](x[i] * z[i]); }", &["t2[] = sum:i64[i0]((i64(t0[i0]) * i64(t1[i0])))"]);
    body(
        "def f<N>(x: f32[N]) -> y: f32 { y = sum:f64[i](x[i]) as f32; }",
        &["tensor t2 \"y.sum\" f64[]", "t2[] = sum:f64[i0](f64(t0[i0]))", "t1[] = f32(t2[])"],
    );
    body("def f<N>(x: f32[N]) -> y: i64 { y = sum[i](x[i] > 0); }", &["t1[] = sum:i64[i0](i64((t0[i0] > 0.0:f32)))"]);
    body("def f<N>(x: f32[N]) -> y: f64[N] { y[i] = (x[i] > 0) as f64; }", &["t1[i0] = f64((t0[i0] > 0.0:f32))"]);
    refused("def f<N>(x: f32[N]) -> y: i32 { y = sum:i32[i](x[i]); }", "E0402 f32 does not accumulate in i32");
}
