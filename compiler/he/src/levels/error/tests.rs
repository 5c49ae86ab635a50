use super::OutputError;
use crate::levels::plan::Reals;
use crate::levels::{drawn, plan_reals};
use crate::program::{Origin, Program};
use crate::tests::{Random, einsum};
use crate::{Contract, Options};
use ein_ir::dtype::DType;
use ein_ir::interp::slots::{self, Operands};

fn planned(equation: &str, shapes: &[&[u64]], secret: &str, log_slots: u32, dtype: DType) -> (Program, Reals) {
    let mut program = einsum(equation, shapes, secret);
    program.tensors.iter_mut().for_each(|tensor| tensor.dtype = dtype);
    let options = Options { contract: Contract::Strict, log_slots, ..Options::default() };
    let reals = plan_reals(&program, &options, None).unwrap_or_else(|errors| panic!("{errors:?}"));
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
