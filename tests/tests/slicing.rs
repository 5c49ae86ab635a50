//! Plans under a memory limit: products computed slice by slice give what the unlimited plan gives, and keep to the limit.

use ein::{Compiler, Tensor, TensorRef};
use ein_tests::random::Random;
use ein_tests::store::random_tensor;

/// Both results, and the peaks of the two plans.
fn compare(source: &str, shapes: &[&[usize]], limit: u64) -> (u64, u64) {
    let inputs: Vec<Tensor> = shapes.iter().map(|shape| random_tensor(&mut Random::new(7), ein::DType::F64, shape)).collect();
    let views: Vec<TensorRef<'_>> = inputs.iter().map(TensorRef::from).collect();
    let bound = |compiler: Compiler| {
        let function = compiler.compile(source).unwrap_or_else(|e| panic!("{}", e.render(false))).main_def().expect("one def");
        function.bound_for(&views).unwrap_or_else(|e| panic!("{}", e.render(false)))
    };
    let (free, tight) = (bound(Compiler::new().threads(1)), bound(Compiler::new().threads(1).memory_limit(limit)));
    let outputs = [&free, &tight].map(|bound| bound.call(&views).unwrap_or_else(|e| panic!("{}", e.render(false))));
    for (name, _) in outputs[0].iter() {
        let [a, b] = [0, 1].map(|n| outputs[n].array::<f64>(name).expect("an f64 result"));
        let scale = a.iter().fold(1.0f64, |m, x| m.max(x.abs()));
        assert!(a.iter().zip(&b).all(|(x, y)| (x - y).abs() <= 1e-11 * scale), "{source}");
    }
    (free.peak().base, tight.peak().base)
}

#[test]
fn a_reduced_label_is_sliced_and_the_slices_added() {
    let ring = "def f<N>(A: f64[N, N], B: f64[N, N], C: f64[N, N], D: f64[N, N]) -> t: f64 { t = A[i, j] * B[j, k] * C[k, l] * D[l, i]; }";
    for (n, limit) in [(40, 4000), (7, 200), (1, 8)] {
        let (free, tight) = compare(ring, &[[n, n].as_slice(); 4], limit);
        assert!(tight <= limit && (n == 1 || free > limit), "{free} {tight} {limit}");
    }
}

#[test]
fn a_label_of_the_result_is_sliced_and_the_slices_put_beside_each_other() {
    let chain = "def f<M, N>(A: f64[M, N], B: f64[N, N], C: f64[N, M]) -> y: f64[M, M] { y[i, l] = A[i, j] * B[j, k] * C[k, l]; }";
    for (m, n) in [(50, 50), (13, 31), (5, 64)] {
        let result = (m * m * 8) as u64;
        let (free, tight) = compare(chain, &[&[m, n], &[n, n], &[n, m]], result + 3000);
        assert!(tight <= result + 3000 && tight <= free, "{free} {tight}");
    }
}

#[test]
fn several_labels_are_sliced_together() {
    // A three-dimensional ladder, whose every order has large intermediates.
    let cube = "def f<N, M>(A: f64[N, N, N, M], B: f64[N, N, N, M], C: f64[N, N, N, M], D: f64[N, N, N, M]) -> y: f64[M, M] {
  y[p, q] = A[a, b, c, p] * B[a, d, e, q] * C[b, d, f, r] * D[c, e, f, r];
}";
    let (n, m) = (7, 5);
    let (free, _) = compare(cube, &[[n, n, n, m].as_slice(); 4], u64::MAX);
    for part in [2, 8, 20] {
        let (_, tight) = compare(cube, &[[n, n, n, m].as_slice(); 4], free / part);
        assert!(tight <= free / part, "{tight} of {free}, wanted a part in {part}");
    }
}

#[test]
fn what_cannot_be_met_is_refused_with_the_figure_that_can() {
    let chain = "def f<N>(A: f64[N, N], B: f64[N, N], C: f64[N, N]) -> y: f64[N, N] { y[i, l] = A[i, j] * B[j, k] * C[k, l]; }";
    let refused = |limit: u64| {
        let program = Compiler::new().threads(1).memory_limit(limit).compile(chain).expect("it is right");
        let shape: &[usize] = &[20, 20];
        program.main_def().expect("one def").bind().shape("A", shape).shape("B", shape).shape("C", shape).build().err()
    };
    // The result alone takes 3200 bytes.
    let error = refused(3199).expect("it does not fit").render(false);
    assert!(error.contains("needs 3200 bytes") && error.contains("--memory 3200"), "{error}");
    assert!(refused(3200).is_none());
}
