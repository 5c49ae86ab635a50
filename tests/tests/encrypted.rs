//! Programs over secret tensors: planned for ciphertexts, carried out slot by slot, and compared with the same program in the clear.

use ein::packed::{Contract, PackOptions};
use ein::{Compiler, DType, Tensor, TensorRef};
use ein_ir::interp::slots::{self, Operands};
use ein_ir::packed::{Counts, PublicSource};
use ein_tests::random::Random;
use ndarray::ArrayD;

#[path = "encrypted/adapters.rs"]
mod adapters;
#[path = "encrypted/brackets.rs"]
mod brackets;
#[path = "encrypted/circuits.rs"]
mod circuits;
#[path = "encrypted/random.rs"]
mod random;
#[path = "encrypted/reals.rs"]
mod reals;
#[path = "encrypted/shifts.rs"]
mod shifts;
#[path = "encrypted/windows.rs"]
mod windows;

fn numbers(random: &mut Random, n: usize) -> Vec<i64> {
    (0..n).map(|_| random.between(-50, 50)).collect()
}

/// Plans the last definition of a program over i64, in either contract, and compares; gives the counts of the free plan.
fn check(source: &str, sizes: &[(&str, i64)], slots: u32) -> Counts {
    let program = Compiler::new().compile(source).unwrap_or_else(|e| panic!("{source}\n{e}"));
    let function = program.main_def().expect("a definition");
    let mut counts = Counts::default();
    for contract in [Contract::Strict, Contract::Free] {
        let packed =
            function.packed(sizes, &PackOptions { slots, contract, ..PackOptions::default() }).unwrap_or_else(|e| panic!("{source}\n{e}"));
        let mut random = Random::new(u64::from(slots));
        let mut given: Vec<(String, Vec<u64>, Vec<i64>)> = Vec::new();
        let mut secrets = Vec::new();
        for input in packed.inputs.values() {
            let data = numbers(&mut random, input.layout.shape.iter().product::<u64>() as usize);
            secrets.push(data.clone());
            given.push((input.name.clone(), input.layout.shape.clone(), data));
        }
        let mut publics = Vec::new();
        for public in packed.publics.values().filter(|public| public.source == PublicSource::Given) {
            let data = numbers(&mut random, public.shape.iter().product::<u64>() as usize);
            publics.push(data.clone());
            given.push((public.name.clone(), public.shape.clone(), data));
        }
        let got = slots::run(&packed, &Operands { secrets, publics, seed: 5 }).unwrap_or_else(|e| panic!("{source}\n{contract:?}: {e:?}"));
        let arrays: Vec<(String, ArrayD<i64>)> = given
            .into_iter()
            .map(|(name, shape, data)| {
                let shape: Vec<usize> = shape.iter().map(|&n| n as usize).collect();
                (name, ArrayD::from_shape_vec(shape, data).expect("as many numbers as elements"))
            })
            .collect();
        let inputs: Vec<(&str, TensorRef<'_>)> = arrays.iter().map(|(name, array)| (name.as_str(), array.view().into())).collect();
        let outputs = function.call(inputs).unwrap_or_else(|e| panic!("{source}\n{e}"));
        for (output, got) in packed.outputs.iter().zip(got) {
            let clear: &Tensor = outputs.get(&output.name).expect("a result of this name");
            assert_eq!(clear.dtype(), DType::I64);
            let clear: Vec<i64> = clear.as_array::<i64>().expect("i64").iter().copied().collect();
            assert_eq!(clear, got, "`{}` of\n{source}\n{contract:?}, {slots} slots", output.name);
        }
        counts = packed.counts();
    }
    counts
}

#[test]
fn a_layer_with_a_bias() {
    let source =
        "def layer<B, I, O>(x: secret i64[B, I], W: i64[O, I], c: i64[O]) -> y: secret i64[B, O] { y[b, o] = W[o, i] * x[b, i] + c[o]; }";
    for slots in [8, 64, 1024] {
        check(source, &[("B", 3), ("I", 5), ("O", 7)], slots);
        check(source, &[("B", 1), ("I", 16), ("O", 1)], slots);
    }
}

#[test]
fn polynomials() {
    let source =
        "def p<N>(x: secret i64[N], a: i64[N]) -> y: secret i64[N] { y[i] = (x[i] - a[i]) * (x[i] + 3) - 2 * x[i] * x[i] * a[i] + 7; }";
    for n in [1, 5, 8, 20] {
        check(source, &[("N", n)], 8);
        check(source, &[("N", n)], 64);
    }
}

#[test]
fn one_tensor_twice() {
    let gram = "def gram<N, K>(x: secret i64[N, K]) -> y: secret i64[N, N] { y[i, j] = x[i, k] * x[j, k]; }";
    let square = "def square<N>(x: secret i64[N, N]) -> y: secret i64[N, N] { y[i, j] = x[i, k] * x[k, j]; }";
    for slots in [8, 128, 1024] {
        check(gram, &[("N", 3), ("K", 4)], slots);
        check(gram, &[("N", 4), ("K", 1)], slots);
        check(square, &[("N", 3)], slots);
    }
}

#[test]
fn layers_one_after_the_other() {
    let source = "def net<I, H, O>(x: secret i64[I], A: i64[H, I], a: i64[H], B: i64[O, H]) -> (h: secret i64[H], y: secret i64[O]) {
        h[j] = A[j, i] * x[i] + a[j];
        y[o] = sum[j](B[o, j] * (h[j] * h[j]));
    }";
    for slots in [16, 64, 512] {
        check(source, &[("I", 6), ("H", 5), ("O", 3)], slots);
    }
}

#[test]
fn convolutions() {
    let public = "def conv<M, K>(x: secret i64[M], w: i64[K]) -> y: secret i64[M - K + 1] { y[i] = sum[k](w[k] * x[i + k]); }";
    let secret = "def conv<M, K>(x: secret i64[M], w: secret i64[K]) -> y: secret i64[M - K + 1] { y[i] = sum[k](w[k] * x[i + k]); }";
    let filter = "def conv<M, K>(x: i64[M], w: secret i64[K]) -> y: secret i64[M - K + 1] { y[i] = sum[k](w[k] * x[i + k]); }";
    let image = "def conv<C, O, H, W, K>(x: secret i64[C, H, W], w: i64[O, C, K, K]) -> y: secret i64[O, H - K + 1, W - K + 1] {
        y[o, i, j] = sum[c, p, q](w[o, c, p, q] * x[c, i + p, j + q]);
    }";
    let stride = "def conv<M, K>(x: secret i64[M], w: i64[K]) -> y: secret i64[(M - K) // 2 + 1] { y[i] = sum[k](w[k] * x[2 * i + k]); }";
    for slots in [32, 256] {
        for source in [public, secret, filter, stride] {
            check(source, &[("M", 12), ("K", 3)], slots);
        }
    }
    check(image, &[("C", 2), ("O", 3), ("H", 4), ("W", 5), ("K", 2)], 256);
}

#[test]
fn slices_and_diagonals() {
    check("def row<N, M>(x: secret i64[N, M]) -> y: secret i64[M] { y[j] = x[1, j] + x[0, j]; }", &[("N", 3), ("M", 5)], 32);
    check("def trace<N>(x: secret i64[N, N]) -> y: secret i64 { y = x[i, i]; }", &[("N", 5)], 64);
    check("def turned<N>(x: secret i64[N]) -> y: secret i64[N] { y[i] = 2 * x[|N| - 1 - i] - x[i]; }", &[("N", 6)], 16);
}

#[test]
fn sums_in_which_terms_lack_indices() {
    let source =
        "def outer<N, M>(x: secret i64[N], z: secret i64[M], w: i64[N, M]) -> y: secret i64[N, M] { y[i, j] = x[i] + z[j] * 3 - w[i, j]; }";
    for slots in [4, 32, 256] {
        check(source, &[("N", 3), ("M", 5)], slots);
    }
}

#[test]
fn one_input_in_two_layouts() {
    let diagonals = "def f<N>(x: secret i64[N, N]) -> y: secret i64[N, N] { y[i, k] = x[i, i] * x[k, k]; }";
    let commutator =
        "def f<N>(x: secret i64[N, N], w: secret i64[N, N]) -> y: secret i64[N, N] { y[i, k] = x[i, j] * w[j, k] - w[i, j] * x[j, k]; }";
    let results = "def f<N>(x: secret i64[N, N], w: secret i64[N, N]) -> (y: secret i64[N], z: secret i64[N, N]) { y[i] = x[i, i]; z[i, k] = x[k, k] * w[i, k]; }";
    for slots in [8, 16, 64] {
        for n in [3, 8] {
            check(diagonals, &[("N", n)], slots);
            check(results, &[("N", n)], slots);
        }
    }
    check(commutator, &[("N", 8)], 64);
    let pieces = "def f(v: secret i64[3], m: secret i64[3, 4]) -> y: secret i64[3, 4] {
        y[i, j] = sum[k in 0..3](v[k] * v[i] * m[2 - i, 3 - j]) + sum[k in 0..3](m[i, j] * v[k]);
    }";
    for slots in [8, 16] {
        check(pieces, &[], slots);
    }
}

#[test]
fn ranges_shorter_than_the_axis() {
    let part = "def f<N>(x: secret i64[N], w: i64[N]) -> (y: secret i64, z: secret i64) { y = sum[i in 0..5](x[i] * x[i]); z = sum[i in 1..3](x[i] * w[i]); }";
    let computed = "def f<N>(x: secret i64[N]) -> y: secret i64 { u[i] = x[i] * x[i] + 1; y = sum[i in 0..5](u[i]); }";
    for slots in [8, 16, 64] {
        check(part, &[("N", 8)], slots);
        check(computed, &[("N", 8)], slots);
    }
}

/// The codes of what ciphertexts do not do of a program.
fn refused(source: &str, sizes: &[(&str, i64)]) -> Vec<u16> {
    let program = Compiler::new().compile(source).unwrap_or_else(|e| panic!("{source}\n{e}"));
    let packed = program.main_def().expect("a definition").packed(sizes, &PackOptions { slots: 64, ..PackOptions::default() });
    packed.err().map(|e| e.diagnostics().iter().map(|d| d.code.0).collect()).unwrap_or_default()
}

#[test]
fn numbers_that_slots_do_not_have() {
    let widened = "def f<N>(x: secret i32[N]) -> y: secret i64[N] { y[i] = (x[i] * x[i]) as i64; }";
    assert_eq!(refused(widened, &[("N", 4)]), [716]);
    // To a narrower type integers wrap as they do in slots; to a wider one again they would have had to.
    let narrowed = "def f<N>(x: secret i32[N], w: i32[N]) -> y: secret i16[N] { y[i] = (x[i] * w[i]) as i16; }";
    same(narrowed, &[("x", &[5], (-70000, 70000)), ("w", &[5], (-70000, 70000))], 8);
    let again = "def f<N>(x: secret i32[N]) -> y: secret i64[N] { y[i] = x[i] as i16 as i64; }";
    assert_eq!(refused(again, &[("N", 4)]), [716]);
    assert_eq!(refused("def f<N>(x: secret f64[N]) -> y: secret i64[N] { y[i] = x[i] as i64; }", &[("N", 4)]), [714]);
    let in_two = "def f<N>(x: secret u8[N]) -> y: secret i64[N] { u[i] = x[i] - 1; y[i] = u[i] as i64; }";
    assert_eq!(refused(in_two, &[("N", 4)]), [716]);
    // What is in a narrow range has not wrapped.
    same(&widened.replace("i32[N]", "i32[N] in -99..99"), &[("x", &[4], (-11, 11))], 8);
    assert_eq!(refused("def f<N>(x: secret i32[N]) -> y: secret i64[N] { y[i] = x[i] as i64 * 3; }", &[("N", 4)]), [0; 0]);
    assert_eq!(refused("def f<N>(x: secret i64[N]) -> y: secret i64[N] { y[i] = x[i] + 9007199254740993; }", &[("N", 4)]), [190]);
    assert_eq!(refused("def f<N>(x: secret f64[N]) -> y: secret f64[N] { y[i] = x[i] * 1e200 * 1e200; }", &[("N", 4)]), [190]);
    // Factors are no limit to a power: it is made of squares.
    assert_eq!(refused("def f<N>(x: secret f64[N]) -> y: secret f64[N] { y[i] = x[i]^30000; }", &[("N", 4)]), [0; 0]);
    let nothing = "def f<N, K>(x: secret f64[N, K]) -> y: secret f64[N] { y[i] = approx(exp, sum[k](x[i, k]), on = (-1.0, 1.0)); }";
    assert_eq!(refused(nothing, &[("N", 5), ("K", 0)]), [0; 0]);
}

/// Plans the last definition of a program over f64 or f32, carries it out in f64, and gives the largest difference from the function itself.
fn difference(source: &str, sizes: &[(&str, i64)], slots: u32) -> (f64, Counts) {
    let program = Compiler::new().compile(source).unwrap_or_else(|e| panic!("{source}\n{e}"));
    let function = program.main_def().expect("a definition");
    let packed = function.packed(sizes, &PackOptions { slots, ..PackOptions::default() }).unwrap_or_else(|e| panic!("{source}\n{e}"));
    let mut random = Random::new(3);
    let mut numbers = |shape: &[u64]| -> ArrayD<f64> {
        let shape: Vec<usize> = shape.iter().map(|&n| n as usize).collect();
        ArrayD::from_shape_simple_fn(shape, || random.between(-1000, 1000) as f64 / 1000.0)
    };
    let secrets: Vec<(String, ArrayD<f64>)> = packed.inputs.values().map(|x| (x.name.clone(), numbers(&x.layout.shape))).collect();
    // Others are computed.
    let given = packed.publics.values().filter(|public| function.inputs().contains(&public.name.as_str()));
    let publics: Vec<(String, ArrayD<f64>)> = given.map(|public| (public.name.clone(), numbers(&public.shape))).collect();
    let tensor = |(name, array): (String, ArrayD<f64>)| {
        let narrow = function.input_dtype(&name) == Some(DType::F32);
        let tensor = if narrow { Tensor::from_array(&array.mapv(|x| x as f32)) } else { Tensor::from_array(&array) };
        (name, tensor.expect("fits"))
    };
    let tensors: Vec<(String, Tensor)> = secrets.into_iter().chain(publics).map(tensor).collect();
    let inputs: Vec<(&str, TensorRef<'_>)> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.into())).collect();
    let options = PackOptions { slots, ..PackOptions::default() };
    let (_, got) = function.simulate(&inputs, &[], &options).unwrap_or_else(|e| panic!("{source}\n{e}"));
    let outputs = function.call(inputs).unwrap_or_else(|e| panic!("{source}\n{e}"));
    let clear: &Tensor = outputs.get(&packed.outputs[0].name).expect("the result");
    let wide = |tensor: &Tensor| match tensor.dtype() {
        DType::F32 => tensor.as_array::<f32>().expect("f32").mapv(f64::from),
        _ => tensor.as_array::<f64>().expect("f64").to_owned(),
    };
    let worst = wide(clear).iter().zip(wide(&got[0].1).iter()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    (worst, packed.counts())
}

#[test]
fn approximated_functions() {
    let source = "def score<B, D, O>(x: secret f64[B, D] in -1.0..1.0, W: f64[O, D], c: f64[O]) -> y: secret f64[B, O] within abs 1e-2 {
        u[b, o] = W[o, d] * x[b, d] + c[o];
        y[b, o] = approx(sigmoid, u[b, o], on = (-8.0, 8.0), degree = 15);
    }";
    for (degree, error) in [(15_usize, 1.5e-3), (31, 4e-6)] {
        let source = source.replace("15", &degree.to_string());
        let (worst, counts) = difference(&source, &[("B", 3), ("D", 6), ("O", 5)], 256);
        assert!(worst < error && worst > error / 1000.0, "degree {degree}: {worst}");
        // The product with the weights and two moves at the most, then the polynomial.
        let polynomial = (degree + 1_usize).ilog2() as usize + 1;
        assert!(counts.depth <= 3 + polynomial, "{counts}");
    }
}

#[test]
fn functions_on_their_ranges() {
    // The function, its argument, the range, and how far off it may be.
    let cases: [(&str, &str, &str, f64); 16] = [
        ("exp", "x[i]", "(-1.0, 1.0)", 1e-3),
        ("log", "x[i] + 1.5", "(0.4, 2.6)", 1e-3),
        ("sigmoid", "8.0 * x[i]", "(-8.0, 8.0)", 1.2e-3),
        ("tanh", "5.0 * x[i]", "(-5.0, 5.0)", 1e-3),
        ("gelu", "8.0 * x[i]", "(-8.0, 8.0)", 1e-3),
        ("silu", "8.0 * x[i]", "(-8.0, 8.0)", 1e-3),
        ("sqrt", "x[i] + 1.5", "(0.4, 2.6)", 1e-3),
        ("recip", "x[i] + 1.5", "(0.4, 2.6)", 1e-3),
        ("recip", "50.0 * x[i] + 50.5", "(0.4, 102.0)", 1e-3),
        ("rsqrt", "x[i] + 1.5", "(0.4, 2.6)", 1e-3),
        ("rsqrt", "30.0 * x[i] + 31.0", "(0.9, 62.0)", 1e-3),
        ("relu", "x[i]", "(-1.0, 1.0)", 1e-3),
        ("abs", "3.0 * x[i]", "(-4.0, 4.0)", 4e-3),
        ("sign", "x[i]", "(-1.0, 1.0)", 1e-3),
        ("hinge", "2.0 * x[i]", "(-2.0, 2.0)", 4e-3),
        ("clip", "2.0 * x[i]", "(-2.0, 2.0)", 4e-3),
    ];
    for (f, x, on, error) in cases {
        let source = format!(
            "def hinge(a: f64) -> h: f64 {{ h = if a < 1.0 then 1.0 - a else 0.0; }}
             def clip(a: f64) -> h: f64 {{ h = min(a, 0.5); }}
             def f<N>(x: secret f64[N] in -1.0..1.0) -> y: secret f64[N] {{ y[i] = approx({f}, {x}, on = {on}); }}"
        );
        let (worst, counts) = difference(&source, &[("N", 7)], 8);
        assert!(worst <= error, "{f} on {on}: {worst} with {counts}");
    }
    for n in [0, 1] {
        let source = "def f<N>(x: secret f64[N] in -1.0..1.0) -> y: secret f64[N] { y[i] = approx(relu, x[i], on = (-1.0, 1.0)); }";
        assert!(difference(source, &[("N", n)], 8).0 < 1e-3);
    }
}

/// Without `approx`: the ranges are those that follow from what is declared.
#[test]
fn functions_of_declared_ranges() {
    let cases = [
        ("exp(x[i])", 1e-3),
        ("relu(3.0 * x[i] - 1.0)", 4e-3),
        ("max(x[i], 0.25)", 2e-3),
        ("min(x[i], z[i])", 3e-3),
        ("max(x[i] * z[i], 0.5 - z[i]) * z[i]", 4e-3),
        ("abs(x[i] + z[i])", 2e-3),
        ("sqrt(1.5 + x[i])", 1e-3),
        ("sigmoid(4.0 * x[i]) * tanh(2.0 * z[i])", 2.2e-3),
        ("x[i] * sigmoid(8.0 * x[i]) + exp(x[i])^2", 1e-3),
        ("log(1.01 + x[i] * z[i])", 2e-3),
        ("rsqrt(200.0 * x[i] + 201.0)", 1e-3),
        ("(x[i] + 2.0)^0.3", 1e-3),
        ("exp(sigmoid(x[i]) * z[i])", 3e-3),
        ("z[i] + (if i > 2 then gelu(x[i]) else x[i])", 2e-3),
    ];
    for (f, error) in cases {
        let source = format!(
            "def f<N>(x: secret f64[N] in -1.0..1.0, z: secret f64[N] in -1.0..1.0) -> y: secret f64[N] {{ y[i] = {f} + 0.0 * z[i]; }}"
        );
        let (worst, counts) = difference(&source, &[("N", 7)], 8);
        assert!(worst <= error, "{f}: {worst} with {counts}");
    }
    // One polynomial instead of three.
    let tanh = "def f<N>(x: secret f64[N] in -2.0..2.0) -> y: secret f64[N] within abs 1e-4 {
        y[i] = 0.5 * x[i] * (1.0 + tanh(0.8 * (x[i] + 0.04 * x[i]^3))); }";
    let (worst, counts) = difference(tanh, &[("N", 4)], 8);
    assert!(worst < 1e-4 && counts.depth <= 6, "{worst} with {counts}");
    // Sums over several equations, and no range for one that is not declared.
    let layer = "def f<N, M>(x: secret f64[N] in -1.0..1.0, W: f64[M, N] in -1.0..1.0) -> y: secret f64[M] {
        u[m] = W[m, n] * x[n] / (|N| as f64);
        h[m] = tanh(u[m]) + u[m];
        y[m] = exp(h[m]);
    }";
    assert!(difference(layer, &[("N", 5), ("M", 3)], 16).0 < 4e-3);
    assert_eq!(refused(&layer.replace("f64[M, N] in -1.0..1.0", "f64[M, N]"), &[("N", 5), ("M", 3)]), [710]);
    for jump in ["sign(x[i])", "floor(x[i])"] {
        assert_eq!(
            refused(&format!("def f<N>(x: secret f64[N] in -1.0..1.0) -> y: secret f64[N] {{ y[i] = {jump}; }}"), &[("N", 4)]),
            [710]
        );
    }
}

#[test]
fn results_are_within_what_the_program_says() {
    let of = |f: &str, on: &str, within: &str| {
        format!("def f<N>(x: secret f64[N] in -1.0..1.0) -> y: secret f64[N]{within} {{ y[i] = approx({f}, x[i], on = {on}); }}")
    };
    let (worst, _) = difference(&of("sigmoid", "(-8.0, 8.0)", " within abs 1e-4"), &[("N", 9)], 16);
    assert!(worst < 1e-4, "{worst}");
    assert_eq!(refused(&of("relu", "(-8.0, 8.0)", " within abs 1e-9"), &[("N", 4)]), [710]);
    assert_eq!(refused(&of("relu", "(-8.0, 8.0)", " within abs 1e-2"), &[("N", 4)]), [0; 0]);
    // Far from zero the error is one of parts of the result.
    let far = "def f<N>(x: secret f64[N] in -1.0..1.0) -> y: secret f64[N] {
        y[i] = 100000.0 * approx(recip, 400000.0 * x[i] + 500000.0, on = (1000.0, 1e6));
    }";
    let (worst, counts) = difference(far, &[("N", 9)], 16);
    assert!(worst < 1e-3, "{worst} with {counts}");
}

#[test]
fn functions_of_several_secrets() {
    let greater = "def f<N>(a: secret f64[N] in -1.0..1.0, b: secret f64[N] in -1.0..1.0) -> y: secret f64[N] {
        y[i] = b[i] + approx(relu, a[i] - b[i], on = (-2.0, 2.0));
    }";
    assert!(difference(greater, &[("N", 5)], 16).0 < 2e-3);
    let softmax = "def f<N>(x: secret f64[N, N] in -1.0..1.0) -> y: secret f64[N, N] {
        e[i, j] = if j <= i then approx(exp, 4.0 * x[i, j] - 4.0, on = (-8.0, 0.0), degree = 15) else 0.0;
        y[i, j] = e[i, j] * approx(recip, sum[k](e[i, k]) + 0.01, on = (0.01, 5.01));
    }";
    let (worst, counts) = difference(softmax, &[("N", 4)], 32);
    assert!(worst < 2e-3, "{worst} with {counts}");
}

#[test]
fn attention_on_ciphertexts() {
    let source =
        "def attention<H, T, C, D>(x: secret f64[T, C] in -1.0..1.0, Q: f64[H, C, D], K: f64[H, C, D], V: f64[H, C, D], O: f64[H, D, C])
        -> y: secret f64[T, C] {
        q[h, t, d] = x[t, c] * Q[h, c, d];
        k[h, t, d] = x[t, c] * K[h, c, d];
        v[h, t, d] = x[t, c] * V[h, c, d];
        s[h, t, u] = sum[d](q[h, t, d] * k[h, u, d]) * 0.1;
        e[h, t, u] = approx(exp, s[h, t, u], on = (-4.0, 4.0), degree <= 15);
        z[h, t] = sum[u](e[h, t, u]);
        r[h, t] = approx(recip, z[h, t], on = (0.5, 20.0), degree <= 31);
        w[h, t, d] = sum[u](e[h, t, u] * v[h, u, d]);
        y[t, c] = sum[h, d](w[h, t, d] * r[h, t] * O[h, d, c]);
    }";
    let (worst, counts) = difference(source, &[("H", 2), ("T", 4), ("C", 4), ("D", 2)], 256);
    assert!(worst < 2e-2, "{worst} with {counts}");
}

/// The softmax of the library: by the greatest number that a score can be instead of a maximum, of which it does not depend.
#[test]
fn softmax_of_the_library() {
    let softmax = "use std.nn.{softmax};
    def f<N>(x: secret f32[N, N] in -1.0..1.0) -> y: secret f32[N, N] { y = softmax(x); }";
    for n in [1, 4] {
        let (worst, counts) = difference(softmax, &[("N", n)], 32);
        assert!(worst < 1e-3, "{worst} with {counts}");
    }
    let (worst, counts) = difference(&softmax.replace("-1.0..1.0", "-4.0..4.0"), &[("N", 3)], 32);
    assert!(worst < 2e-3, "{worst} with {counts}");
    assert_eq!(difference(softmax, &[("N", 0)], 32).0, 0.0);
    let log = softmax.replace("{softmax}", "{log_softmax}").replace("y = softmax", "y = log_softmax");
    let (worst, counts) = difference(&log, &[("N", 4)], 32);
    assert!(worst < 2e-3, "{worst} with {counts}");
    // A maximum that counts elsewhere is one, and no range is none.
    let counts = softmax.replace("y = softmax(x);", "p = softmax(x); m[i] = max[j](x[i, j]); y[i, j] = p[i, j] * m[i];");
    assert_eq!(refused(&counts, &[("N", 65)]), [714]);
    let error = Compiler::new().compile(&softmax.replace(" in -1.0..1.0", "")).err().expect("a divisor that may be anything");
    assert_eq!(error.diagnostics()[0].code.0, 713);
}

#[test]
fn heads_of_attention() {
    let source = "use std.attention.{attention};
    def block<H, T, C, D>(
        x: secret f32[T, C] in -1.0..1.0,
        Q: f32[H, C, D] in -1.0..1.0, K: f32[H, C, D] in -1.0..1.0, V: f32[H, C, D] in -1.0..1.0, O: f32[H, D, C] in -1.0..1.0,
    ) -> y: secret f32[T, C] {
        q[_: 1, h, t, d] = x[t, c] * Q[h, c, d];
        k[_: 1, h, t, d] = x[t, c] * K[h, c, d] / 16.0;
        v[_: 1, h, t, d] = x[t, c] * V[h, c, d];
        a = attention(q, k, v);
        y[t, c] = sum[h, d](a[0, h, t, d] * O[h, d, c]);
    }";
    let (worst, counts) = difference(source, &[("H", 2), ("T", 3), ("C", 4), ("D", 2)], 256);
    assert!(worst < 1e-2, "{worst} with {counts}");
}

/// A mean divides by a size, which is no function of a secret.
#[test]
fn norms_and_recurrences_of_the_library() {
    let norm = "use std.norm.{rms_norm};
    def f<B, D>(x: secret f32[B, D] in -1.0..1.0, g: f32[D] in -1.0..1.0) -> y: secret f32[B, D] {
        z[b, i] = 1.0 + 0.5 * x[b, i];
        y = rms_norm(z, g);
    }";
    let rnn = "use std.recurrent.{gru};
    def f<T, I, H>(
        x: secret f32[T, 1, I] in -1.0..1.0,
        W: f32[3, H, I] in -1.0..1.0, U: f32[3, H, H] in -1.0..1.0, c: f32[3, H] in -1.0..1.0, d: f32[3, H] in -1.0..1.0,
    ) -> y: secret f32[T, 1, H] { y = gru(x, W, U, c, d); }";
    let (worst, counts) = difference(norm, &[("B", 2), ("D", 3)], 16);
    assert!(worst < 2e-3 && counts.depth <= 10, "{worst} with {counts}");
    let (worst, counts) = difference(rnn, &[("T", 2), ("I", 2), ("H", 2)], 16);
    assert!(worst < 1e-2, "{worst} with {counts}");
}

/// Recurrences over secrets, step by step.
#[test]
fn scans() {
    let total = "def total<T, N>(x: secret i64[T, N]) -> (y: secret i64[T, N], s: secret i64[N]) {
        scan t: T {
            s[n] = prev s[n] + x[t, n] from 0;
            y[t, n] = s[n] * 2;
        }
    }";
    let back = "def back<T, N>(x: secret i64[T, N], W: i64[N, N]) -> (h: secret i64[N], y: secret i64[N, T]) {
        scan reverse t: T {
            u[i] = if t == 1 then prev h[i] else sum[j](W[i, j] * prev h[j]);
            h[i] = u[i] + x[t, i] from x[0, i];
            y[i, t] = u[i] - t;
        }
    }";
    let two = "def two<N, M>(x: secret i64[N, M], w: i64[M]) -> (z: secret i64, y: secret i64[N, M]) {
        scan i: N {
            scan j: M {
                y[i, j] = (if j > 0 then prev row[j - 1] else 0) + x[i, j] + prev here from_none;
                here = prev here + y[i, j] * w[j] from i;
                row[j]: i64 = here from w[j];
            }
        }
        z = row[|M| - 1] + y[0, 0];
    }";
    let two = two.replace(" from_none", "");
    for (t, n) in [(1, 2), (3, 2), (5, 3)] {
        same(total, &[("x", &[t, n], (-9, 9))], 32);
        same(back, &[("x", &[t, n], (-9, 9)), ("W", &[n, n], (-3, 3))], 32);
    }
    assert_eq!(refused(total, &[("T", 0), ("N", 2)]), [718]);
    same(&two, &[("x", &[3, 2], (-9, 9)), ("w", &[2], (-3, 3))], 32);
    let rnn = "def rnn<T, N>(x: secret f64[T, N] in -1.0..1.0, W: f64[N, N] in -1.0..1.0) -> h: secret f64[N] {
        scan t: T {
            h[i] = tanh(sum[j](W[i, j] * prev h[j]) + x[t, i]) from 0.0;
        }
    }";
    assert!(difference(rnn, &[("T", 3), ("N", 3)], 16).0 < 4e-3);
    let power = "def power<N>(v: secret f64[N], A: f64[N, N]) -> u: secret f64[N] {
        scan _ in 0..4 { u[i] = A[i, j] * prev u[j] from v[i]; }
    }";
    for steps in ["0..4", "2..3", "0..0"] {
        same(&power.replace("0..4", steps), &[("v", &[5], (-9, 9)), ("A", &[5, 5], (-9, 9))], 32);
    }
    assert_eq!(refused(total, &[("T", 1000), ("N", 2)]), [190]);
}

/// One mask for each value, however many conditions there are.
#[test]
fn long_chains_of_conditions() {
    let arms: String = (0..40).map(|n| format!("if i == {n} then {n} * x[i] else ")).collect();
    let source = format!("def f<N>(x: secret i64[N]) -> y: secret i64[N] {{ y[i] = {arms} 0 - x[i]; }}");
    same(&source, &[("x", &[50], (-9, 9))], 64);
}

#[test]
fn nothing_to_sum() {
    let source = "def empty<N, K>(x: secret i64[N, K], w: i64[K]) -> y: secret i64[N] { y[i] = x[i, k] * w[k]; }";
    check(source, &[("N", 3), ("K", 0)], 16);
    check(source, &[("N", 0), ("K", 3)], 16);
    check("def s(x: secret i64, z: secret i64[4]) -> y: secret i64[4] { y[i] = x * z[i]; }", &[], 16);
}

/// An input: its name, its shape, and what its elements lie between.
type Given<'a> = (&'a str, &'a [usize], (i64, i64));

/// Carries out the last definition of a program on slots, in either contract, and compares all of its results with the program in the clear.
fn same(source: &str, given: &[Given<'_>], slots: u32) {
    let program = Compiler::new().compile(source).unwrap_or_else(|e| panic!("{source}\n{e}"));
    let function = program.main_def().expect("a definition");
    let mut random = Random::new(7);
    let mut array = |&(name, shape, (lo, hi)): &Given<'_>| -> (String, Tensor) {
        let integers = ArrayD::from_shape_simple_fn(shape, || random.between(lo, hi));
        let tensor = match function.input_dtype(name) {
            Some(DType::F64) => Tensor::from_array(&integers.mapv(|x| x as f64 / 8.0)),
            Some(DType::Bool) => Tensor::from_array(&integers.mapv(|x| x % 2 == 0)),
            Some(DType::I32) => Tensor::from_array(&integers.mapv(|x| x as i32)),
            _ => Tensor::from_array(&integers),
        };
        (name.to_owned(), tensor.expect("fits"))
    };
    let arrays: Vec<(String, Tensor)> = given.iter().map(&mut array).collect();
    let inputs: Vec<(&str, TensorRef<'_>)> = arrays.iter().map(|(name, tensor)| (name.as_str(), tensor.into())).collect();
    let clear = function.call(inputs.clone()).unwrap_or_else(|e| panic!("{source}\n{e}"));
    for contract in [Contract::Strict, Contract::Free] {
        let options = PackOptions { slots, contract, ..PackOptions::default() };
        let (_, results) = function.simulate(&inputs, &[], &options).unwrap_or_else(|e| panic!("{source}\n{contract:?}: {e}"));
        for (name, got) in results {
            let wanted = clear.get(&name).expect("a result of this name");
            let where_ = format!("`{name}` of\n{source}\n{contract:?}, {slots} slots");
            if wanted.dtype() == DType::F64 {
                let (wanted, got) = (wanted.as_array::<f64>().expect("f64"), got.as_array::<f64>().expect("f64"));
                let worst = wanted.iter().zip(got).map(|(a, b)| (a - b).abs() / (1.0 + a.abs())).fold(0.0, f64::max);
                assert!(worst < 1e-9, "{worst}: {where_}");
            } else {
                assert_eq!(wanted.as_bytes(), got.as_bytes(), "{where_}");
            }
        }
    }
}

#[test]
fn public_expressions_are_computed_in_the_clear() {
    let layer = "def f<B, D, O>(x: secret f64[B, D], W: f64[O, D], s: f64[O]) -> y: secret f64[B, O] {
        y[b, o] = sum[d](exp(W[o, d]) * x[b, d]) / (s[o]^2 + 1.0) + sqrt(abs(s[o])) * (b as f64) + (|D| as f64);
    }";
    let named = "def f<N>(x: secret f64[N], w: f64[N]) -> y: secret f64[N] {
        u[i] = if w[i] < 0.0 then 0.0 - w[i] else w[i] / 3.0;
        v[i] = max(u[i], 0.5);
        y[i] = x[i] * v[i] / u[i] + tanh(1.0) * x[i];
    }";
    let integers = "def f<N>(x: secret i64[N], w: i32[N], k: idx<N>[N], t: i64[N]) -> y: secret i64[N] {
        y[i] = x[i] * ((w[i] * w[i]) as i64) + t[k[i]] * x[i] + (w[i] // 3) as i64 - x[i] * max(t[i], 0) + i * x[i] * (t[i] < 3) as i64;
    }";
    for (n, slots) in [(1, 4), (5, 16), (8, 8), (13, 64)] {
        same(named, &[("x", &[n], (-40, 40)), ("w", &[n], (1, 40))], slots);
        let positions = (0, n as i64 - 1);
        let given: [Given<'_>; 4] = [("x", &[n], (-9, 9)), ("w", &[n], (-70000, 70000)), ("k", &[n], positions), ("t", &[n], (-9, 9))];
        same(integers, &given, slots);
    }
    for (b, d, o) in [(3, 5, 2), (1, 1, 7), (2, 0, 3)] {
        same(layer, &[("x", &[b, d], (-9, 9)), ("W", &[o, d], (-9, 9)), ("s", &[o], (-9, 9))], 64);
    }
}

#[test]
fn conditions_are_masks() {
    let causal = "def f<N, D>(q: secret i64[N, D], k: secret i64[N, D], v: i64[N]) -> (y: secret i64[N, N], z: secret i64[N]) {
        y[i, j] = if j <= i then sum[d](q[i, d] * k[j, d]) else 0;
        z[i] = sum[k2 where k2 <= i](q[k2, 0] * v[i - k2]);
    }";
    let shifted = "def f<N>(x: secret i64[N], w: i64[N]) -> (y: secret i64[N], z: secret i64[N]) {
        y[i] = sum[k where k <= i](w[k] * x[i - k]);
        z[i] = if i >= 1 then x[i - 1] - x[i] else if w[i] > 0 then 2 * x[i] else w[i];
    }";
    let two = "def f<N>(a: secret i64[N], b: secret i64[N], m: bool[N], w: i64[N]) -> (y: secret i64[N], z: secret i64) {
        u[i] = if m[i] then a[i] * b[i] else b[i] + 1;
        y[i] = if w[i] != 0 then u[i] * (100 // w[i]) else u[i] - a[i];
        z = sum[i in 0..|N|, j where i + j < |N| and m[j]](a[i + j] * b[j] - 3);
    }";
    for (n, slots) in [(1, 4), (3, 32), (5, 64), (8, 64)] {
        same(causal, &[("q", &[n, 2], (-9, 9)), ("k", &[n, 2], (-9, 9)), ("v", &[n], (-9, 9))], slots);
        same(shifted, &[("x", &[n], (-9, 9)), ("w", &[n], (-9, 9))], slots);
        same(two, &[("a", &[n], (-9, 9)), ("b", &[n], (-9, 9)), ("m", &[n], (0, 9)), ("w", &[n], (-2, 2))], slots);
    }
}

#[test]
fn secret_elements_at_public_positions() {
    let gather = "def f<N, M>(x: secret i64[N], k: idx<N>[M], w: i64[M]) -> (y: secret i64[M], z: secret i64) {
        y[m] = x[k[m]] * w[m];
        z = sum[m](x[k[m]]^2 * x[m * m % |N|]);
    }";
    let padded = "def f<N, M>(x: secret i64[N, M], w: i64[3, 3]) -> (y: secret i64[N, M], z: secret i64[N, M]) {
        y[i, j] = sum[p, q](w[p, q] * x[pad(i + p - 1), pad(j + q - 1)]);
        z[i, j] = x[clamp(i - 2), wrap(j + 3)] + 2 * x[pad(i - 1, 5), j] - x[i, reflect(j - 1)];
    }";
    for (n, m, slots) in [(3, 5, 64), (1, 1, 8), (4, 2, 16)] {
        same(padded, &[("x", &[n, m], (-9, 9)), ("w", &[3, 3], (-9, 9))], slots);
    }
    let scatter = "def f<N, K, D>(x: secret i64[N, D], best: idx<K>[N], c: i64[K]) -> y: secret i64[K, D] {
        y[k, d] = sum[i where best[i] == k](x[i, d]) + c[k];
    }";
    same(scatter, &[("x", &[5, 3], (-9, 9)), ("best", &[5], (0, 2)), ("c", &[3], (-9, 9))], 32);
    let rows = "def f<N, D, M>(x: secret i64[N, D], k: idx<N>[M]) -> y: secret i64[M, D] { y[m, d] = x[k[m], d] - x[0, d]; }";
    for (n, m, slots) in [(3, 5, 32), (8, 2, 16), (1, 3, 8), (7, 7, 64)] {
        let positions = (0, n as i64 - 1);
        same(gather, &[("x", &[n], (-9, 9)), ("k", &[m], positions), ("w", &[m], (-9, 9))], slots);
        same(rows, &[("x", &[n, 3], (-9, 9)), ("k", &[m], positions)], slots);
    }
}

/// Of an axis along which a value is repeated, several positions lie in one slot.
#[test]
fn repeated_axes_at_computed_positions() {
    let small = "def f(T: secret i64[2]) -> R: secret i64[2] { S[_ in 0..2, j in 0..2] = T[j]; R[i in 0..2] = S[i // 2, i // 2]; }";
    let wide = "def f(T: secret i64[24]) -> R: secret i64[16] {
        S[_ in 0..12, j in 0..8] = T[pad(j + 9)];
        R[j in 0..16] = S[clamp(16 - j), clamp(j - 5)];
    }";
    let other = "def f(T: secret i64[12]) -> R: secret i64[8, 8] {
        S[i in 0..9, _ in 0..4] = T[10 - i];
        R[j in 0..8, k in 0..8] = S[clamp(k - 4), reflect(j)];
    }";
    for slots in [1, 2, 16, 32] {
        same(small, &[("T", &[2], (-9, 9))], slots);
    }
    for slots in [16, 32, 64] {
        same(wide, &[("T", &[24], (-9, 9))], slots);
        same(other, &[("T", &[12], (-9, 9))], slots);
    }
}

/// What subscripts are made of are no functions of what is read there, also where ranges would let those become polynomials.
#[test]
fn arithmetic_of_positions_is_public() {
    for body in [
        "x[i // 2]",
        "3.0 * x[clamp(max(i - 1, 0))] - x[wrap(i % 3)]",
        "sum[k](x[(i + k) // 2] * w[k])",
        "x[pad(2 * i - 3)] * w[clamp(min(i, 2))]",
    ] {
        let source = format!("def f<N>(x: secret f64[N] in -1.0..1.0, w: f64[N]) -> y: secret f64[N] {{ y[i] = w[i] * ({body}); }}");
        let (off, _) = difference(&source, &[("N", 6)], 16);
        assert!(off < 1e-14, "{body}: off by {off}");
    }
}

/// Of a program with both, integers are exact, those that wrap as well.
#[test]
fn integers_beside_reals() {
    let source = "def f<N>(x: secret i64[N], z: secret f64[N], w: i64[N]) -> (y: secret i64[N], a: secret f64[N], s: secret i64) {
        y[i] = x[i] * x[i] * x[i] * w[i];
        a[i] = 0.5 * z[i] + x[i] as f64;
        s = sum[i](y[i] - x[i]);
    }";
    for n in [1, 3, 8] {
        same(source, &[("x", &[n], (1 << 40, 1 << 41)), ("z", &[n], (-9, 9)), ("w", &[n], (-9, 9))], 16);
    }
}

/// Parts of public tensors are contracted in the clear like whole ones.
#[test]
fn products_of_parts_of_public_tensors() {
    let parts = "def f<N>(x: secret i64[N], w: i64[N, N + 2], v: i64[2*N]) -> (y: secret i64[N], z: secret i64) {
        y[i] = sum[j](x[j] * w[i, j + 1] * v[2*i] * v[i + j]) - w[0, i + 1] * x[|N| - 1 - i] * v[1];
        z = sum[i, k in 1..3](x[i] * w[i, i + k]);
    }";
    for n in [1, 3, 4] {
        same(parts, &[("x", &[n], (-9, 9)), ("w", &[n, n + 2], (-9, 9)), ("v", &[2 * n], (-9, 9))], 16);
    }
}

/// What has no value cannot be encrypted, and neither can what is multiplied by it.
#[test]
fn numbers_that_are_none_are_refused() {
    let source = "def f<N>(x: secret f64[N], w: f64[N]) -> y: secret f64[N] { y[i] = x[i] / w[i]; }";
    let function = Compiler::new().compile(source).expect("a program").main_def().expect("a definition");
    let run = |x: [f64; 2], w: [f64; 2]| {
        let (x, w) = (ndarray::arr1(&x), ndarray::arr1(&w));
        let inputs = [("x", TensorRef::from(x.view())), ("w", w.view().into())];
        let found = function.simulate(&inputs, &[], &PackOptions { slots: 4, ..PackOptions::default() });
        found.map_err(|e| e.render(false)).map(|(_, results)| results[0].1.as_slice::<f64>().expect("f64").to_vec())
    };
    assert_eq!(run([1.0, 2.0], [4.0, 8.0]).expect("a run"), [0.25, 0.25]);
    let divided = run([1.0, 2.0], [4.0, 0.0]).expect_err("no number");
    assert!(divided.contains("E0934") && divided.contains("element 1 of `y.clear` is inf"), "{divided}");
    let given = run([f64::NAN, 2.0], [4.0, 1.0]).expect_err("no number");
    assert!(given.contains("element 0 of `x` is NaN"), "{given}");
}
