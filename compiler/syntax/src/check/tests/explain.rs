//! What is told of each equation.

use super::checked;

#[test]
fn sums_ranges_accumulators_and_checks() {
    let source =
        "def f<M, N>(A: f32[M, N], x: f32[N]) -> y: f32[M] { t: f64 = sum:f64[k in 1..4](x[k]); y[i] = A[i, j] * x[j] + t as f32; }";
    let program = checked(source).expect("right");
    let notes = program.explain("f");
    let texts: Vec<&str> = notes.iter().map(|n| n.equation.as_str()).collect();
    assert_eq!(texts, ["t: f64 = sum:f64[k in 1..4](x[k])", "y[i] = sum[j](A[i, j] * x[j]) + t as f32"]);
    let indices: Vec<String> = notes[1].indices.iter().map(|i| format!("{} {} {}", i.name, i.range, i.from)).collect();
    assert_eq!(indices, ["i M axis 0 of `y`", "j N axis 1 of `A`"]);
    assert_eq!(notes[0].indices[0].range, "1..4");
    let reductions: Vec<String> =
        notes.iter().flat_map(|n| &n.reductions).map(|r| format!("{} {:?} {}", r.reducer, r.indices, r.accumulator)).collect();
    assert_eq!(reductions, ["sum [\"k\"] f64", "sum [\"j\"] f32"]);
    assert_eq!(notes[0].checks, ["`N >= 4`, which keeps `x[k]` inside axis 0 of `x`,"]);
}
