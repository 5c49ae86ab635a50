//! Elements beside the one that is computed, also beyond the ends of axes: shifts, stencils and circular convolutions.

use ein::packed::{Contract, PackOptions};
use ein::{Compiler, Tensor, TensorRef};
use ein_ir::packed::Counts;
use ein_tests::random::Random;
use ndarray::ArrayD;

/// Carries out a program over `x` and perhaps `w` on slots, in either contract, and compares; what the free plan takes.
fn check(source: &str, operands: &[(&str, &[usize])], slots: u32) -> Counts {
    let program = Compiler::new().threads(1).compile(source).unwrap_or_else(|e| panic!("{source}\n{e}"));
    let function = program.main_def().expect("a definition");
    let mut random = Random::new(u64::from(slots));
    let arrays: Vec<(&str, ArrayD<i64>)> =
        operands.iter().map(|(name, shape)| (*name, ArrayD::from_shape_simple_fn(*shape, || random.between(-50, 50)))).collect();
    let tensors: Vec<(&str, Tensor)> = arrays.iter().map(|(name, array)| (*name, Tensor::from_array(array).expect("fits"))).collect();
    let inputs: Vec<(&str, TensorRef<'_>)> = tensors.iter().map(|(name, tensor)| (*name, tensor.into())).collect();
    let wanted = function.call(inputs.clone()).unwrap_or_else(|e| panic!("{source}\n{e}"));
    let mut counts = Counts::default();
    for contract in [Contract::Strict, Contract::Free] {
        let options = PackOptions { slots, contract, ..PackOptions::default() };
        let (packed, results) = function.simulate(&inputs, &[], &options).unwrap_or_else(|e| panic!("{source}\n{e}"));
        let (wanted, got) = (wanted.get("y").expect("the result"), &results[0].1);
        assert_eq!(wanted.as_bytes(), got.as_bytes(), "{source}\n{contract:?}, {slots} slots");
        counts = packed.counts();
    }
    counts
}

/// A subscript of an axis of this size that may leave it: `label`, a few positions further.
fn beyond(random: &mut Random, label: &str, size: i64) -> String {
    let by = random.pick(&[-2 * size - 1, -size, -3, -2, -1, 0, 1, 2, 3, size, 2 * size + 1]);
    let line = random.pick(&["L + (B)", "L + (B)", "L + (B)", "2 * L + (B)", "(B) - L"]);
    // From an axis of one position nothing is mirrored.
    let mode = random.pick(&["wrap", "wrap", "wrap", "clamp", "clamp", "reflect", "pad"]);
    format!("{mode}({})", line.replace('L', label).replace('B', &by.to_string()))
}

/// A factor of the tensor `x` of a number of axes, each of which is read by a label, perhaps with a summed one.
fn stencil(random: &mut Random, sizes: &[i64], taps: i64) -> String {
    let subs = sizes.iter().zip(["i", "j"]).zip(["p", "q"]).map(|((&size, label), tap)| {
        if taps > 0 && random.below(3) > 0 { beyond(random, &format!("{label} + {tap}"), size) } else { beyond(random, label, size) }
    });
    format!("x[{}]", subs.collect::<Vec<_>>().join(", "))
}

/// A right side over `x`, and over `w` if it has one.
fn body(random: &mut Random, sizes: &[i64], taps: i64) -> String {
    let one = stencil(random, sizes, taps);
    let itself = if sizes.len() == 1 { "x[i]" } else { "x[i, j]" };
    let factor = if one.contains("+ p") { "w[p]" } else { "2" };
    let factor = if one.contains("+ q") { format!("{factor} * w[q]") } else { factor.to_owned() };
    match random.below(6) {
        0 => one,
        1 => format!("{one} * {factor} - {}", itself),
        2 if taps == 0 => format!("{one} * {itself}"),
        3 if taps == 0 => format!("{one} - 2 * {itself} + {}", stencil(random, sizes, taps)),
        _ => format!("{one} * {factor}"),
    }
}

fn axes(sizes: &[i64]) -> String {
    sizes.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}

#[test]
fn anywhere_beyond_the_ends() {
    let mut random = Random::new(31);
    for _ in 0..60 {
        let rank = 1 + random.below(2);
        let sizes: Vec<i64> = (0..rank).map(|_| random.pick(&[1, 2, 3, 4, 5, 7, 8])).collect();
        let taps = random.pick(&[0, 0, 3, 4, 5, 7]);
        let body = body(&mut random, &sizes, taps);
        let summed: Vec<String> =
            ["p", "q"].iter().filter(|tap| body.contains(&format!("+ {tap}"))).map(|tap| format!("{tap}: {taps}")).collect();
        let body = if summed.is_empty() { body } else { format!("sum[{}]({body})", summed.join(", ")) };
        let left: Vec<String> = sizes.iter().zip(["i", "j"]).map(|(size, label)| format!("{label}: {size}")).collect();
        let kind = random.pick(&["", "secret "]);
        let w = if body.contains("w[") { format!(", w: {kind}i64[{taps}]") } else { String::new() };
        let (axes, left) = (axes(&sizes), left.join(", "));
        let source = format!("def f(x: secret i64[{axes}]{w}) -> y: secret i64[{axes}] {{ y[{left}] = {body}; }}");
        let shape: Vec<usize> = sizes.iter().map(|size| *size as usize).collect();
        let operands = [("x", &shape[..]), ("w", &[taps as usize])];
        check(&source, &operands[..1 + usize::from(!w.is_empty())], random.pick(&[4, 8, 32, 256]));
    }
}

#[test]
fn where_a_condition_holds() {
    for (size, slots) in [(4, 4), (5, 16), (8, 4), (16, 16), (13, 64)] {
        for body in [
            "if i + 1 < SIZE then x[i + 1] - x[i] else 0",
            "if i + 1 < SIZE and i >= 1 then x[i + 1] + x[i - 1] - 2 * x[i] else x[i]",
            "if i >= 3 then x[i - 3] * x[i] else 7",
            "sum[p: 3 where i >= p](x[i - p] * w[p])",
            "sum[p: 3 where i + p < SIZE](x[i + p] * x[i])",
        ] {
            let has_weights = body.contains("w[");
            let w = if has_weights { ", w: i64[3]" } else { "" };
            let source = format!(
                "def f(x: secret i64[{size}]{w}) -> y: secret i64[{size}] {{ y[i] = {}; }}",
                body.replace("SIZE", &size.to_string())
            );
            let operands: [(&str, &[usize]); 2] = [("x", &[size]), ("w", &[3])];
            check(&source, &operands[..1 + usize::from(has_weights)], slots);
        }
    }
}

/// Rotations, products with plaintexts, depth of `y[i]` over `x: secret i64[N]` and `w: i64[5]`.
fn assert_takes(body: &str, size: usize, slots: u32, goal: [usize; 3]) {
    let has_weights = body.contains("w[");
    let w = if has_weights { ", w: i64[5]" } else { "" };
    let source =
        format!("def f(x: secret i64[{size}]{w}) -> y: secret i64[{size}] {{ y[i] = {}; }}", body.replace("SIZE", &size.to_string()));
    let operands: [(&str, &[usize]); 2] = [("x", &[size]), ("w", &[5])];
    let Counts { rotations, mulcp, depth, .. } = check(&source, &operands[..1 + usize::from(has_weights)], slots);
    assert_eq!([rotations, mulcp, depth], goal, "{source}");
}

#[test]
fn one_position_further_is_one_rotation_or_two() {
    assert_takes("x[wrap(i + 1)]", 1024, 1024, [1, 0, 0]);
    assert_takes("x[wrap(i + 1)]", 1000, 2048, [1, 0, 0]);
    assert_takes("x[wrap(i + 1)]", 1024, 4096, [2, 1, 1]);
    assert_takes("x[wrap(i + 1)]", 2000, 1024, [3, 4, 1]);
    assert_takes("x[clamp(i - 1)]", 1000, 1024, [1, 1, 1]);
    assert_takes("if i + 1 < SIZE then x[i + 1] - x[i] else 0", 1000, 2048, [1, 2, 1]);
    assert_takes("x[wrap(i + r - 2)] * w[r]", 1000, 1024, [6, 9, 1]);
    assert_takes("x[wrap(i + 1)] * x[i] * x[wrap(i - 1)]", 500, 1024, [3, 1, 2]);
}

/// Products that the result turned out not to need.
#[test]
fn what_is_zero_takes_nothing() {
    let source = "def f(x: secret i64[2, 2]) -> y: secret i64[3] {
        y[i in 0..3] = (x[pad((i*i + 1) // 2), pad(i + 3)] * x[pad((i*i + 1) // 2), pad(i // 3)])^3 - 2 * x[pad(i - 5), pad(i)] * x[0, pad(i)];
    }";
    let counts = check(source, &[("x", &[2, 2])], 64);
    assert_eq!([counts.rotations, counts.mulcc, counts.mulcp, counts.depth], [0; 4], "{counts}");
}

/// A computed tensor at a fixed position of one axis, before the first position of another.
#[test]
fn positions_before_the_first_and_fixed_ones() {
    let source = "def f(x: secret i64[5, 4]) -> y: secret i64[5, 2] {
        z[i, j] = x[i, j] * x[i, 0];
        y[i, k in 0..2] = z[pad(i - 2), 3] * z[pad(i + k - 3), 1];
    }";
    assert!(check(source, &[("x", &[5, 4])], 64).mulcc > 1);
}
