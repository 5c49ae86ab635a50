//! What is known of the tensors of modules.

use super::{Range, is_monotone};
use crate::tests::module;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Tensor};
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::value::int_range;

/// What is known of the tensors of a module.
fn known(text: &str) -> Vec<Range> {
    let draft = crate::convert::convert(&module(text)).unwrap();
    draft.values.iter().map(|(tensor, value)| draft.ranges.of_tensor(tensor, value.dtype)).collect()
}

#[test]
fn facts_come_from_declarations_tables_and_equations() {
    let facts = known(
        ">a f32[3] in 0.5..2.0\n>b i32[4] in -1.0..10.5\n>c i64[2] index_of [7]\n>d u8[5]\n|t i32[3]\n|s i32[]\n|m i32[]\n|e i32[]\n<y f32[]\n\
         i0 0..3\ni1 0..4\ni2 0..5\ni3 0..0\ni4 0..4\n\
         table t4 = [3, -4, 5]\nt5[] = sum:i32[i1 where (i1 < 2)](t1[i1])\nt6[] = max:i32[i2]((i32(t3[i2]) * 2:i32))\nt7[] = max:i32[i3](1:i32)\n\
         t8[] = sum:f32[i0]((t0[i0] - 1.0:f32))",
    );
    let (least, _) = int_range(DType::I32);
    let int = |lo, hi| Range::Integer((lo, hi));
    assert_eq!(facts[..4], [Range::Real(0.5, 2.0), int(-1, 10), int(0, 6), int(0, 255)]);
    assert_eq!(facts[4..], [int(-4, 5), int(-4, 40), int(0, 510), int(least, least), Range::Real(-1.5, 3.0)]);
}

#[test]
fn what_a_recurrence_carries_may_be_anything() {
    let text = "module \"m\"\ntensor t0 \"a\" i32[] in 0.0..1.0\ntensor t1 \"h\" i32[]\ntensor t2 \"d\" i32[]\nindex i0 \"t\" 0..3\nparams (t0)\n\
                results (t1)\nscan i0 states (t1 from t0) stacked () {\nt2[] = (prev t1[] + t0[])\nt1[] = t2[]\n}\n";
    let Ok(parsed) = ein_ir::tensor::parse::parse(text) else { panic!("{:?}", ein_ir::tensor::parse::parse(text)) };
    let draft = crate::convert::convert(&parsed).unwrap();
    let whole = Range::of_type(DType::I32);
    assert_eq!(
        (0..3).map(|n| draft.ranges.of_tensor(Tensor::new(n), DType::I32)).collect::<Vec<_>>(),
        [Range::Integer((0, 1)), whole, whole]
    );
}

#[test]
fn products_of_what_may_overflow_are_not_monotone() {
    let int = |lo, hi| Range::Integer((lo, hi));
    let (_, hi) = int_range(DType::I32);
    let sums = |ranges: &[Range]| is_monotone(BinaryFn::Add, DType::I32, ranges);
    assert!(sums(&[int(0, hi - 5), int(-9, 5)]) && !sums(&[int(0, hi - 5), int(-9, 6)]));
    // All together do not overflow, and the first two alone would.
    assert!(!sums(&[int(hi, hi), int(1, 1), int(-1, -1)]));
    let products = |ranges: &[Range]| is_monotone(BinaryFn::Mul, DType::U8, ranges);
    assert!(products(&[int(0, 15), int(0, 17)]) && !products(&[int(0, 16), int(0, 16)]) && !products(&[int(-1, 1), int(0, 1)]));
    assert!(!products(&[int(0, 0), int(0, 16), int(0, 16)]));
    let floats = |lo: f64| is_monotone(BinaryFn::Mul, DType::F32, &[Range::Real(0.0, 1.0), Range::Real(lo, f64::INFINITY)]);
    assert!(floats(0.0) && floats(-0.0) && !floats(-1e-30));
}
