mod every_slot;

use super::OutputError;
use crate::levels::plan::Reals;
use crate::levels::{Available, drawn, plan_reals};
use crate::program::{Origin, Program};
use crate::tests::{Random, einsum};
use crate::{Contract, Options};
use ein_ir::dtype::DType;
use ein_ir::entity::{SecondaryMap, Tensor};
use ein_ir::interp::data::Data;
use ein_ir::interp::slots::{self, Operands};
use ein_ir::packed::PublicSource;
use ein_ir::scalar::value::Value;
use ein_ir::tensor::Module;
use ein_ir::verified::Verified;

fn planned(equation: &str, shapes: &[&[u64]], secret: &str, log_slots: u32, dtype: DType) -> (Program, Reals) {
    let mut program = einsum(equation, shapes, secret);
    program.tensors.iter_mut().for_each(|tensor| tensor.dtype = dtype);
    let options = Options { contract: Contract::Strict, log_slots, ..Options::default() };
    let reals = plan_reals(&program, &options, Available::default()).unwrap_or_else(|errors| panic!("{errors:?}"));
    (program, reals)
}

/// Uniform in -1..1.
fn operands(program: &Program, random: &mut Random) -> Operands<f64> {
    let mut tensors = |secret: bool| {
        let chosen = program.tensors.iter().filter(|tensor| !matches!(tensor.origin, Origin::Sum(_)) && tensor.is_secret() == secret);
        let mut element = |_: u64| f64::from(u32::try_from(random.below(2_000_001)).unwrap()) / 1e6 - 1.0;
        chosen.map(|tensor| (0..tensor.shape.iter().product()).map(&mut element).collect()).collect()
    };
    Operands { secrets: tensors(true), publics: tensors(false), seed: 0 }
}

/// The bound, and the largest error of a few draws.
fn bound_and_error(equation: &str, shapes: &[&[u64]], secret: &str, log_slots: u32) -> (f64, f64) {
    let (program, reals) = planned(equation, shapes, secret, log_slots, DType::F64);
    let mut worst = 0.0_f64;
    for seed in 0..4 {
        let operands = operands(&program, &mut Random(seed));
        let exact = slots::run(&reals.packed, &operands).unwrap();
        let noisy = drawn::run(&reals.packed, &reals.levels.parameters, &operands, seed).unwrap();
        assert_eq!(noisy, drawn::run(&reals.packed, &reals.levels.parameters, &operands, seed).unwrap());
        let differences = exact[0].iter().zip(&noisy[0]).map(|(a, b)| (a - b).abs());
        worst = differences.fold(worst, f64::max);
    }
    (reals.levels.errors.unwrap().results[0].bound, worst)
}

#[test]
fn drawn_noise_is_within_the_bound_and_not_far_below() {
    let cases: [(&str, &[&[u64]], &str); 10] = [
        ("ij->ji", &[&[8, 8]], "c"),
        ("ij->i", &[&[8, 16]], "c"),
        ("ij,j->i", &[&[16, 16], &[16]], "pc"),
        ("ij,j->i", &[&[16, 16], &[16]], "cp"),
        ("ij,jk->ik", &[&[8, 8], &[8, 8]], "cc"),
        ("ij,jk->ik", &[&[7, 9], &[9, 6]], "cc"),
        ("ij,ij,ij->ij", &[&[8, 8], &[8, 8], &[8, 8]], "ccc"),
        ("i,i->", &[&[64], &[64]], "cc"),
        ("ij,jk,kl->il", &[&[4, 8], &[8, 4], &[4, 8]], "ccc"),
        ("ii->i", &[&[8, 8]], "c"),
    ];
    for (equation, shapes, secret) in cases {
        let (bound, error) = bound_and_error(equation, shapes, secret, 7);
        assert!(error <= bound && bound < 1000.0 * error, "{equation} {secret}: {error:e} within {bound:e}");
    }
}

fn result(equation: &str, shapes: &[&[u64]]) -> OutputError {
    planned(equation, shapes, "cc", 14, DType::F32).1.levels.errors.unwrap().results[0].clone()
}

/// What a library of reals was measured to be off by at 16384 slots, on arrays of f32: 2.3e-7, and 2.4e-4 of a sum of 16384 products, which
/// is half of the last digit of an f32 above 4096.
#[test]
fn bounds_cover_what_was_measured() {
    let product = result("ij,ij->ij", &[&[128, 128], &[128, 128]]);
    assert!((2.3e-7..2.3e-6).contains(&product.bound), "{product:?}");
    let sum = result("i,i->", &[&[16384], &[16384]]);
    assert!((2.4e-4..2.4e-3).contains(&sum.bound) && sum.noise < 2.4e-4, "{sum:?}");
}

/// Noise that is drawn is as large as that, and within the bounds, of operands at the ends of their ranges too.
#[test]
fn drawn_noise_is_as_large_as_what_was_measured() {
    let cases: [(&str, &[&[u64]], f64); 2] = [("ij,ij->ij", &[&[128, 128], &[128, 128]], 2.3e-7), ("i,i->", &[&[16384], &[16384]], 2.4e-4)];
    for (equation, shapes, measured) in cases {
        let (program, reals) = planned(equation, shapes, "cc", 14, DType::F32);
        let bound = &reals.levels.errors.as_ref().unwrap().results[0];
        let mut ends = operands(&program, &mut Random(7));
        ends.secrets.iter_mut().flatten().for_each(|x| *x = x.signum());
        for (seed, operands) in [(1, operands(&program, &mut Random(1))), (2, ends)] {
            let exact = slots::run(&reals.packed, &operands).unwrap();
            let noisy = drawn::run(&reals.packed, &reals.levels.parameters, &operands, seed).unwrap();
            #[expect(clippy::cast_possible_truncation, reason = "as results are rounded")]
            let errors = exact[0].iter().zip(&noisy[0]).map(|(exact, noisy)| (exact - f64::from(*noisy as f32)).abs());
            let error = errors.fold(0.0, f64::max);
            assert!(
                error <= bound.bound && error > bound.noise / 40.0 && measured <= bound.bound,
                "{equation}: {error:e} within {bound:?}"
            );
        }
    }
}

/// A module for these sizes of its dims.
fn module(text: &str, sizes: &[(&str, i64)]) -> Verified<Module> {
    let module = ein_ir::tensor::parse::parse(text).unwrap_or_else(|e| panic!("{text}\n{e}"));
    let mut given = SecondaryMap::new();
    for (dim, decl) in &module.dims {
        given[dim] = sizes.iter().find(|(name, _)| *name == decl.name).map(|(_, size)| *size);
    }
    let module = ein_ir::tensor::verify::verify(module).unwrap_or_else(|errors| panic!("{text}\n{}", errors[0]));
    ein_ir::tensor::specialise(&module, &given).unwrap()
}

/// Elements within what is declared of an input; every fourth is near the middle, where functions have kinks.
fn given(module: &Module, tensor: Tensor, random: &mut Random) -> Data {
    let decl = &module.tensors[tensor];
    let (lo, hi) = decl.bounds.unwrap();
    let shape: Vec<usize> = decl.literal_axes().unwrap().iter().map(|n| *n as usize).collect();
    let mut element = |n: usize| {
        let t = f64::from(u32::try_from(random.below(2_000_001)).unwrap()) / 1e6 - 1.0;
        f64::midpoint(lo, hi) + (hi - lo) / 2.0 * if n % 4 == 3 { t / 256.0 } else { t }
    };
    let elements: Vec<f64> = (0..shape.iter().product()).map(&mut element).collect();
    Data::floats(decl.dtype, &shape, &elements)
}

fn floats(data: &Data) -> Vec<f64> {
    let float = |value: &Value| if let Value::Float(x, _) = value { *x } else { panic!("{value:?}") };
    data.values.iter().map(float).collect()
}

/// The bounds of a program of functions, and the largest difference of a few noisy runs of its plan from the program itself, of each result.
fn functions(text: &str, sizes: &[(&str, i64)], log_slots: u32) -> Vec<(OutputError, f64)> {
    let module = module(text, sizes);
    let program = crate::read::read(&module).unwrap_or_else(|e| panic!("{text}\n{}", e[0])).program;
    let reals =
        plan_reals(&program, &Options::new(Contract::Free, log_slots), Available::default()).unwrap_or_else(|e| panic!("{text}\n{}", e[0]));
    let errors = reals.levels.errors.unwrap();
    let mut worst = vec![0.0_f64; errors.results.len()];
    for seed in 0..3 {
        let mut random = Random(seed);
        let inputs: Vec<Data> = module.params.iter().map(|&param| given(&module, param, &mut random)).collect();
        let wanted = ein_ir::interp::tensor::run(&module, &inputs).unwrap();
        let of =
            |name: &str| module.params.iter().position(|&param| module.tensors[param].name == name).map(|n| floats(&inputs[n])).unwrap();
        let publics = reals.packed.publics.values().filter(|public| public.source == PublicSource::Given);
        let secrets = reals.packed.inputs.values().map(|input| of(&input.name)).collect();
        let operands = Operands { secrets, publics: publics.map(|public| of(&public.name)).collect(), seed };
        let noisy = drawn::run(&reals.packed, &reals.levels.parameters, &operands, seed).unwrap();
        for (n, (wanted, noisy)) in wanted.iter().zip(&noisy).enumerate() {
            worst[n] = floats(wanted).iter().zip(noisy).map(|(a, b)| (a - b).abs()).fold(worst[n], f64::max);
        }
    }
    errors.results.into_iter().zip(worst).collect()
}

/// `y = approx(f, argument)` and what `result` says of it.
fn function(f: &str, argument: &str, on: &str, result: &str) -> (OutputError, f64) {
    let result = result.replace("APPROX", &format!("approx({argument}, {f}, on {on})"));
    let text = format!(
        "module \"f\"
dim d0 \"N\" size
tensor t0 \"x\" f64[d0] in -1.0..1.0 secret
tensor t1 \"w\" f64[d0] in -2.0..2.0
tensor t2 \"y\" f64[d0] secret
index i0 \"i\" 0..d0
params (t0, t1)
results (t2)
t2[i0] = {result}
"
    );
    functions(&text, &[("N", 31)], 5).swap_remove(0)
}

#[test]
fn bounds_of_functions_cover_noise_and_approximation() {
    let identity = "APPROX";
    let cases = [
        ("exp(operand(0))", "(4.0:f64 * t0[i0])", "-4.0..4.0", identity),
        ("sigmoid(operand(0))", "(8.0:f64 * t0[i0])", "-8.0..8.0", identity),
        ("(1.0:f64 / operand(0))", "(t0[i0] + 1.5:f64)", "0.4..2.6", identity),
        ("(1.0:f64 / operand(0))", "((50.0:f64 * t0[i0]) + 50.5:f64)", "0.4..102.0", identity),
        ("rsqrt(operand(0))", "((30.0:f64 * t0[i0]) + 31.0:f64)", "0.9..62.0", identity),
        ("relu(operand(0))", "t0[i0]", "-1.0..1.0", identity),
        ("abs(operand(0))", "(3.0:f64 * t0[i0])", "-3.0..3.0", "(APPROX * t1[i0])"),
        ("max(operand(0), 0.25:f64)", "t0[i0]", "-1.0..1.0", "(APPROX * t1[i0])"),
    ];
    for (f, argument, on, result) in cases {
        let (bound, error) = function(f, argument, on, result);
        assert!(error <= bound.bound && bound.bound < 200.0 * error, "{f} on {on}: {error:e} within {bound:?}");
    }
}

/// Small arguments of a long range have large reciprocals, whose errors are larger than any that are drawn.
#[test]
fn long_ranges_have_bounds() {
    let cases = [
        ("rsqrt(operand(0))", "((50.0:f64 * t0[i0]) + 50.002:f64)", "0.001..100.1"),
        ("(1.0:f64 / operand(0))", "((50.0:f64 * t0[i0]) + 50.05:f64)", "0.01..100.1"),
    ];
    for (f, argument, on) in cases {
        let (bound, error) = function(f, argument, on, "APPROX");
        assert!(error <= bound.bound && bound.bound < 10.0, "{f} on {on}: {error:e} within {bound:?}");
    }
}

/// A sum of squares is off by a small part of itself where it is small, and what is divided by its root is a part of it: norms of rows, means taken away
/// or not, are bounded wherever rows are small.
#[test]
fn norms_have_bounds() {
    for (takes_mean, added, most) in [(false, "0.00001", 0.2), (true, "0.00001", 0.2), (false, "0.000001", 2.0)] {
        let of = |n: &str, d: &str| match takes_mean {
            false => format!("t0[{n}, {d}]"),
            true => format!("(t0[{n}, {d}] - t1[{n}])"),
        };
        let (squared, divided) = (of("i2", "i3"), of("i4", "i5"));
        let text = format!(
            "module \"norm\"
dim d0 \"N\" size
dim d1 \"D\" size
tensor t0 \"x\" f64[d0, d1] in -1.0..1.0 secret
tensor t1 \"mu\" f64[d0] secret
tensor t2 \"var\" f64[d0] secret
tensor t3 \"y\" f64[d0, d1] secret
tensor t4 \"g\" f64[d1] in -1.0..1.0
index i0 \"n\" 0..d0
index i1 \"d\" 0..d1
index i2 \"m\" 0..d0
index i3 \"e\" 0..d1
index i4 \"k\" 0..d0
index i5 \"f\" 0..d1
params (t0, t4)
results (t3)
t1[i0] = sum:f64[i1]((t0[i0, i1] * 0.125:f64))
t2[i2] = sum:f64[i3]((({squared} * {squared}) * 0.125:f64))
t3[i4, i5] = (({divided} * rsqrt((t2[i4] + {added}:f64))) * t4[i5])
"
        );
        let (bound, worst) = bound_and_worst(&text, &[("N", 4), ("D", 8)], 6, &rows);
        assert!(worst <= bound.bound && bound.bound < most && bound.magnitude < 4.0, "{text}: {worst:e} within {bound:?}");
    }
}

/// Rows of which some are very small, or nearly the same in all places, or at the ends of their range.
fn rows(seed: u64, n: usize, (lo, hi): (f64, f64)) -> f64 {
    let t: f64 = [1.0, -1.0, 0.3][n % 3];
    match (seed, n / 8 % 4) {
        (0, 0) => 0.0,
        (0, 1) | (1, 0) => (1e-3 * t).clamp(lo, hi),
        (_, 2) => 1e-3_f64.mul_add(-t, 1.0).clamp(lo, hi),
        (1, 3) => (3e-3 * t).clamp(lo, hi),
        _ => {
            if n.is_multiple_of(2) {
                lo
            } else {
                hi
            }
        }
    }
}

/// The bound of a program, and the largest difference of noisy runs of its plan from the program on elements that are chosen.
fn bound_and_worst(
    text: &str,
    sizes: &[(&str, i64)],
    log_slots: u32,
    element: &dyn Fn(u64, usize, (f64, f64)) -> f64,
) -> (OutputError, f64) {
    let module = module(text, sizes);
    let options = Options { insecure: true, ..Options::new(Contract::Free, log_slots) };
    let read = crate::read::read_as(&module, crate::together::Elements::InPieces);
    let program = read.unwrap_or_else(|e| panic!("{text}\n{}", e[0])).0.program;
    let reals = plan_reals(&program, &options, Available::default()).unwrap_or_else(|e| panic!("{text}\n{}", e[0]));
    let mut worst = 0.0_f64;
    for seed in 0..4 {
        let chosen = |tensor: Tensor| {
            let decl = &module.tensors[tensor];
            let shape: Vec<usize> = decl.literal_axes().unwrap().iter().map(|n| *n as usize).collect();
            let elements: Vec<f64> = (0..shape.iter().product()).map(|n| element(seed, n, decl.bounds.unwrap())).collect();
            Data::floats(decl.dtype, &shape, &elements)
        };
        let inputs: Vec<Data> = module.params.iter().map(|&param| chosen(param)).collect();
        let wanted = ein_ir::interp::tensor::run(&module, &inputs).unwrap();
        let of =
            |name: &str| module.params.iter().position(|&param| module.tensors[param].name == name).map(|n| floats(&inputs[n])).unwrap();
        let publics = reals.packed.publics.values().filter(|public| public.source == PublicSource::Given);
        let secrets = reals.packed.inputs.values().map(|input| of(&input.name)).collect();
        let operands = Operands { secrets, publics: publics.map(|public| of(&public.name)).collect(), seed };
        let noisy = drawn::run(&reals.packed, &reals.levels.parameters, &operands, seed).unwrap();
        worst = floats(&wanted[0]).iter().zip(&noisy[0]).map(|(a, b)| (a - b).abs()).fold(worst, f64::max);
    }
    (reals.levels.errors.unwrap().results[0].clone(), worst)
}

/// Weights are no larger than their sum, which may have a number added to it: a softmax of one's own, and means by secret masks.
#[test]
fn shares_of_sums_have_bounds() {
    let text = |body: &str| {
        format!(
            "module \"shares\"
dim d0 \"N\" size
dim d1 \"D\" size
tensor t0 \"x\" f64[d0, d1] in -4.0..4.0 secret
tensor t1 \"m\" f64[d0, d1] in 0.0..1.0 secret
tensor t2 \"e\" f64[d0, d1] secret
tensor t3 \"s\" f64[d0] secret
tensor t4 \"u\" f64[d0] secret
tensor t5 \"y\" f64[d0, d1] secret
index i0 \"n\" 0..d0
index i1 \"d\" 0..d1
index i2 \"m\" 0..d0
index i3 \"e\" 0..d1
index i4 \"k\" 0..d0
index i5 \"f\" 0..d1
index i6 \"p\" 0..d0
index i7 \"q\" 0..d1
params (t0, t1)
results (t5)
{body}
"
        )
    };
    let softmax = "t2[i0, i1] = exp(t0[i0, i1])
t3[i2] = sum:f64[i3](t2[i2, i3])
t4[i6] = sum:f64[i7](t2[i6, i7])
t5[i4, i5] = (t2[i4, i5] / t3[i4])";
    let masked = "t2[i0, i1] = (t0[i0, i1] * t1[i0, i1])
t3[i2] = sum:f64[i3](t1[i2, i3])
t4[i6] = sum:f64[i7](t2[i6, i7])
t5[i4, i5] = (t4[i4] / (t3[i4] + 0.03125:f64))";
    for (body, most) in [(softmax, 0.01), (masked, 0.01)] {
        let (bound, worst) = bound_and_worst(&text(body), &[("N", 4), ("D", 8)], 6, &rows);
        assert!(worst <= bound.bound && bound.bound < most && bound.magnitude < 4.1, "{body}: {worst:e} within {bound:?}");
    }
}

/// What is as near to a pole as the noise has no bound, and it is said why.
#[test]
fn poles_within_the_noise_are_named() {
    let text = "module \"pole\"
dim d0 \"N\" size
tensor t0 \"x\" f64[d0] in 0.0..1.0 secret
tensor t1 \"y\" f64[d0] secret
index i0 \"n\" 0..d0
params (t0)
results (t1)
t1[i0] = rsqrt((t0[i0] + 0.0000001:f64))
";
    let program = crate::read::read(&module(text, &[("N", 8)])).unwrap_or_else(|e| panic!("{}", e[0])).program;
    let errors = plan_reals(&program, &Options::new(Contract::Free, 5), Available::default()).unwrap().levels.errors.unwrap();
    assert!(!errors.results[0].bound.is_finite() && errors.poles.len() == 1, "{errors:?}");
}

/// The sign of each is not known near its kink, where it is multiplied by little.
#[test]
fn products_of_kinks_have_bounds() {
    let text = "module \"kinks\"
dim d0 \"N\" size
tensor t0 \"x\" f64[d0] in -1.0..1.0 secret
tensor t1 \"z\" f64[d0] in -1.0..1.0 secret
tensor t2 \"y\" f64[d0] secret
index i0 \"n\" 0..d0
params (t0, t1)
results (t2)
t2[i0] = (relu(t0[i0]) * relu(t1[i0]))
";
    let (bound, error) = functions(text, &[("N", 31)], 5).swap_remove(0);
    assert!(error <= bound.bound && bound.bound < 0.02, "{error:e} within {bound:?}");
}

/// One number in the place of a function has no argument, and is off all the same.
#[test]
fn bounds_of_constants_are_those_of_the_function() {
    for argument in ["t0[i0]", "(t0[i0] + t0[i0])"] {
        let (bound, error) = function("abs(operand(0))", argument, "-2.0..2.0, degree <= 1", "APPROX");
        assert!(error <= bound.bound && bound.bound < 3.0 && error > 0.4, "{error:e} within {bound:?}");
    }
}

/// Two layers: relinearisations of a polynomial are put together, and what is decrypted is what it was.
#[test]
fn plans_of_polynomials_are_cleaned() {
    let text = include_str!("layers.tir");
    let sizes = [("N", 4), ("D", 6), ("H", 5)];
    let (bound, error) = functions(text, &sizes, 6).swap_remove(0);
    assert!(error <= bound.bound && bound.bound < 1000.0 * error, "{error:e} within {bound:?}");
    let program = crate::read::read(&module(text, &sizes)).unwrap_or_else(|e| panic!("{}", e[0])).program;
    let options = Options::new(Contract::Free, 6);
    let (packed, makers) = crate::plan_with_makers(&program, &options).unwrap();
    let operands = operands(&program, &mut Random(5));
    let wanted = crate::program::meaning::evaluate(&program, &operands).unwrap();
    let found = slots::run(&packed, &operands).unwrap();
    for (wanted, found) in wanted[program.results[0]].iter().zip(&found[0]) {
        assert!((wanted - found).abs() < 1e-9, "{found} for {wanted}");
    }
    let counts = packed.counts();
    assert_eq!((counts.mulcc, counts.relins), (14, 12));
    assert_eq!(makers.series.len(), 2);
}

/// A product and a quotient of what was rounded to a narrow type, and a sum that is carried out in it.
#[test]
fn what_is_rounded_in_the_clear_is_bounded() {
    for (dtype, narrow) in [("f32", "f32"), ("f64", "f32"), ("f32", "f16"), ("f64", "bf16")] {
        let factor = if dtype == narrow { "t2[i2]".to_owned() } else { format!("{dtype}({narrow}(t2[i2]))") };
        let text = format!(
            "module \"rounded\"
dim d0 \"N\" size
dim d1 \"D\" size
tensor t0 \"x\" {dtype}[d0, d1] in -1.0..1.0 secret
tensor t1 \"w\" {dtype}[d1] in -2.0..2.0
tensor t2 \"u\" {dtype}[d0] secret
tensor t3 \"y\" {dtype}[d0] secret
index i0 \"n\" 0..d0
index i1 \"d\" 0..d1
index i2 \"n\" 0..d0
params (t0, t1)
results (t3)
t2[i0] = sum:{dtype}[i1]((t0[i0, i1] * t1[i1]))
t3[i2] = ({factor} * {factor})
"
        );
        let (bound, error) = functions(&text, &[("N", 15), ("D", 33)], 10).swap_remove(0);
        let both = bound.bound + bound.in_the_clear;
        assert!(error <= both && both < 1e4 * error, "{dtype} {narrow}: {error:e} within {bound:?}");
        assert!(error > bound.bound || narrow == "f32", "{dtype} {narrow}: {error:e} within {bound:?}");
    }
}

/// Numbers that are made in the clear are as large as they are, and no operand is taken to be in -1..1 in silence.
#[test]
fn what_is_computed_in_the_clear_is_known() {
    let text = |number: &str| {
        format!(
            "module \"known\"
dim d0 \"N\" size
tensor t0 \"x\" f64[d0] in -1.0..1.0 secret
tensor t1 \"w\" f64[d0]
tensor t2 \"y\" f64[d0] secret
index i0 \"n\" 0..d0
params (t0, t1)
results (t2)
t2[i0] = (t0[i0] * {number})
"
        )
    };
    let errors = |number: &str| {
        let module = module(&text(number), &[("N", 5)]);
        let program = crate::read::read(&module).unwrap_or_else(|e| panic!("{}", e[0])).program;
        plan_reals(&program, &Options::new(Contract::Free, 5), Available::default()).unwrap().levels.errors.unwrap()
    };
    let constant = errors("exp(f64(i0))");
    assert!((constant.results[0].magnitude - 4.0_f64.exp()).abs() < 1e-9 && constant.assumed.is_empty(), "{constant:?}");
    let of_operand = errors("exp((3.0:f64 * t1[i0]))");
    assert!((of_operand.results[0].magnitude / 3.0_f64.exp() - 1.0).abs() < 1e-5, "{of_operand:?}");
    assert_eq!(of_operand.assumed, ["w"]);
    let refused = crate::read::read(&module(&text("(1.0:f64 / f64(i0))"), &[("N", 5)])).err().unwrap();
    assert_eq!((refused[0].code.0, refused[0].primary.is_some()), (934, true));
}

#[test]
fn of_a_jump_the_bound_says_where_it_does_not_hold() {
    let module = "module \"f\"
dim d0 \"N\" size
tensor t0 \"x\" f64[d0] in -1.0..1.0 secret
tensor t1 \"y\" f64[d0] secret
index i0 \"i\" 0..d0
params (t0)
results (t1)
t1[i0] = approx(t0[i0], sign(operand(0)), on -2.0..2.0)
";
    let program = crate::read::read(&self::module(module, &[("N", 8)])).unwrap_or_else(|e| panic!("{}", e[0])).program;
    let errors = plan_reals(&program, &Options::new(Contract::Free, 5), Available::default()).unwrap().levels.errors.unwrap();
    assert_eq!(errors.jumps, [(0.0, 2.0 / 512.0)]);
    assert!(errors.results[0].bound < 1e-3, "{errors:?}");
}

/// Weights are small enough that scores are in the range of the exponential, but for what the worst case of sums says.
const ATTENTION: &str = include_str!("attention.tir");

#[test]
fn means_by_weights_are_no_larger_than_what_they_are_of() {
    let (bound, error) = functions(ATTENTION, &[("N", 3), ("T", 3), ("H", 2), ("D", 2)], 7).swap_remove(0);
    assert!(error <= bound.bound && bound.bound < 1000.0 * error, "{error:e} within {bound:?}");
    let module = module(ATTENTION, &[("N", 16), ("T", 8), ("H", 2), ("D", 16)]);
    let program = crate::read::read(&module).unwrap_or_else(|e| panic!("{}", e[0])).program;
    let errors = plan_reals(&program, &Options::new(Contract::Free, 12), Available::default()).unwrap().levels.errors.unwrap();
    // Values of 32 elements of heads are up to 1.6, and weights up to 0.1.
    assert!(errors.results[0].magnitude < 5.2 && errors.results[0].bound < 0.1, "{errors:?}");
    assert_eq!((errors.assumed.len(), errors.taken), (0, vec![(-4.0, 4.0), (0.5, 20.0)]));
}
