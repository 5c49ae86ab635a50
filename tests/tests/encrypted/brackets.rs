//! Products and powers of sums: what they take, and that they are right, of integers and of reals.

use super::{check, difference, refused};
use ein_ir::packed::Counts;

/// The counts of `o[i, j]` of matrices of one shape, `x`, `y` and `z` secret and `c` public: of integers, and of reals, with the numbers as floats.
fn counts(body: &str) -> [Counts; 2] {
    let program = |dtype: &str, within: &str, body: &str| {
        let operand = |name: &str, secret: &str| format!("{name}: {secret}{dtype}[N, N]{within}");
        let all = [("x", "secret "), ("y", "secret "), ("z", "secret "), ("c", "")];
        let read: Vec<String> = all.iter().filter(|(name, _)| body.contains(name)).map(|(name, secret)| operand(name, secret)).collect();
        let operands = read.join(", ");
        let body = ["x", "y", "z", "c"].iter().fold(body.to_owned(), |body, name| body.replace(name, &format!("{name}[i, j]")));
        format!("def f<N>({operands}) -> o: secret {dtype}[N, N] {{ o[i, j] = {body}; }}")
    };
    let integers = check(&program("i64", "", body), &[("N", 6)], 64);
    let floats: String =
        body.split(' ').map(|word| if word.parse::<u8>().is_ok() { format!("{word}.0 ") } else { format!("{word} ") }).collect();
    let reals = program("f64", " in -1.0..1.0", floats.trim_end());
    let (worst, counts) = difference(&reals, &[("N", 6)], 64);
    assert!(worst < 1e-9, "{reals}\n{worst}");
    [integers, counts]
}

#[test]
fn a_bracket_is_one_factor() {
    // Products of two ciphertexts, products with plaintexts, and the depth.
    let cases: [(&str, [usize; 3]); 13] = [
        ("( x - y + 1 )^2", [1, 0, 1]),
        ("( x - y + 1 )^3", [2, 0, 2]),
        ("( x - y + z )^3", [2, 0, 2]),
        ("( x - y + z )^5", [3, 0, 3]),
        ("( ( x - y ) * ( x + y ) + 1 )^2", [2, 0, 2]),
        ("( ( x - y + z )^2 * ( x + y ) + 1 )^2", [3, 0, 3]),
        ("( x - y ) * ( y - z )", [1, 0, 1]),
        ("( x - y ) * ( y - z ) * ( x + y + z + 1 )", [2, 0, 2]),
        ("( x + y ) * ( z + 3 ) * 1", [1, 0, 1]),
        ("( 2 * x - y + 1 )^3", [2, 1, 3]),
        ("( x * y - z + 1 )^3", [3, 0, 3]),
        ("( x + c )^2 * ( y - c )", [2, 0, 2]),
        ("( x - y )^2 + ( y - z )^2", [2, 0, 1]),
    ];
    for (body, expected) in cases {
        for (counts, kind) in counts(body).into_iter().zip(["integers", "reals"]) {
            let found = [counts.mulcc, counts.mulcp, counts.depth];
            assert_eq!(found, expected, "{body} of {kind}: {counts}");
            assert_eq!(counts.rotations, 0, "{body} of {kind}: {counts}");
        }
    }
}

#[test]
fn brackets_under_conditions() {
    let source = "def f<N>(x: secret f64[N, N] in -1.0..1.0, y: secret f64[N, N] in -1.0..1.0) -> o: secret f64[N, N] {
        o[i, j] = if i > j then (x[i, j] - y[i, j] + 1.0)^3 else x[i, j] * (y[i, j] - 2.0);
    }";
    let (worst, counts) = difference(source, &[("N", 6)], 64);
    assert!(worst < 1e-9, "{worst}");
    // One mask for each.
    assert_eq!([counts.mulcc, counts.mulcp, counts.rotations], [3, 2, 0], "{counts}");
}

#[test]
fn brackets_under_sums() {
    let cube = "def f<N>(x: secret i64[N, N], y: secret i64[N, N], z: secret i64[N, N]) -> o: secret i64[N] {
        o[i] = sum[j]((x[i, j] - y[i, j] + z[i, j])^3);
    }";
    let counts = check(cube, &[("N", 6)], 64);
    assert!(counts.mulcc == 2 && counts.rotations <= 3, "{counts}");
    let matrix = "def f<N>(x: secret i64[N], y: secret i64[N], c: i64[N], M: i64[N, N]) -> o: secret i64[N] {
        o[i] = sum[j](M[i, j] * (x[j] - c[j]) * y[j]);
    }";
    let counts = check(matrix, &[("N", 8)], 64);
    assert!(counts.mulcc == 1 && counts.mulcp <= 8, "{counts}");
}

/// Where a bracket lacks indices either way may be the better one.
#[test]
fn brackets_with_fewer_indices() {
    let outer = "def f<N>(x: secret i64[N], y: secret i64[N]) -> o: secret i64[N, N] { o[i, j] = (x[i] - y[j])^5; }";
    assert_eq!(check(outer, &[("N", 6)], 64).mulcc, 3);
    let distances = "def f<N, M, D>(x: secret i64[N, D], c: i64[M, D]) -> o: secret i64[N, M] { o[n, m] = sum[d]((x[n, d] - c[m, d])^2); }";
    let centred =
        "def f<N, M>(x: secret i64[N, M], y: secret i64[N]) -> o: secret i64[M] { o[j] = sum[i]((x[i, j] - y[i]) * (x[i, j] + 3)); }";
    let covariance = "def f<N, M>(x: secret i64[N, M], m: secret i64[M]) -> o: secret i64[M, M] {
        o[d, e] = sum[n]((x[n, d] - m[d]) * (x[n, e] - m[e]));
    }";
    for (n, m, slots) in [(3, 2, 16), (5, 4, 64), (8, 8, 256), (1, 3, 8)] {
        check(distances, &[("N", n), ("M", m), ("D", 5)], slots);
        check(centred, &[("N", n), ("M", m)], slots);
        check(covariance, &[("N", n), ("M", m)], slots);
    }
}

/// The argument of a polynomial is written in each way, too.
#[test]
fn brackets_in_functions() {
    let of = |body: &str| {
        format!(
            "def f<N>(x: secret f64[N, N] in -1.0..1.0, y: secret f64[N, N] in -1.0..1.0, m: secret f64[N] in -1.0..1.0) -> o: secret f64[N, N] {{
                o[i, j] = {body};
            }}"
        )
    };
    let exponential = "exp(0.1 * (x[i, j] - y[i, j] + 1.0)^3) * (x[i, j] + y[i, j])";
    let (worst, counts) = difference(&of(exponential), &[("N", 4)], 16);
    assert!(worst < 1e-2 && counts.mulcc <= 8, "{worst} with {counts}");
    for body in [
        "exp((x[i, j] - m[j])^2) - (x[i, j] - m[i]) * (y[i, j] - m[j])",
        "1.0 / (2.0 + (x[i, j] - m[j])^2)",
        "(x[i, j] - m[i]) * rsqrt(0.5 + sum[k]((x[i, k] - m[i])^2))",
        "abs((x[i, j] - m[j]) * (y[i, j] + m[j])) * (y[i, j] - m[i])",
    ] {
        let (worst, counts) = difference(&of(body), &[("N", 4)], 16);
        assert!(worst < 2e-2, "{body}: {worst} with {counts}");
    }
}

/// However large the exponent is, it is read and rounded by squares.
#[test]
fn huge_powers() {
    for power in ["(x[i] - x[i] + 1.0)^2000000000", "x[i] * 1.0^2000000000", "(x[i] - 2.0 * x[i] + x[i] + 1.0)^1999999999"] {
        let source = format!("def f<N>(x: secret f64[N] in -1.0..1.0) -> y: secret f64[N] {{ y[i] = {power} - x[i]; }}");
        let (worst, _) = difference(&source, &[("N", 4)], 8);
        assert!(worst < 1e-9, "{power}: {worst}");
    }
    for power in ["x[i]^2000000000", "(x[i] - z[i] + 1)^2000000000", "(x[i] * z[i] + 1)^2147483647"] {
        let source = format!("def f<N>(x: secret i64[N], z: secret i64[N]) -> y: secret i64[N] {{ y[i] = {power} + z[i]; }}");
        assert_eq!(refused(&source, &[("N", 4)]), [0; 0], "{power}");
    }
}
