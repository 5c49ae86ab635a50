//! Every function on every range of a few numbers: what it gives of them lies in the range that is computed.

use super::{Range, Ranges, is_monotone};
use crate::tests::module;
use ein_ir::dtype::{Class, DType};
use ein_ir::entity::{EntityRef, Tensor};
use ein_ir::scalar::eval::{cast, eval_binary, eval_unary};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::value::{Value, int_range, round_to};
use ein_ir::scalar::{Access, Scalar, ScalarKind, typing};
use ein_ir::span::Span;
use std::collections::BTreeMap;

impl Range {
    fn holds(self, value: Value) -> bool {
        match (self, value) {
            (Range::Integer((lo, hi)), Value::Int(n, _)) => lo <= n && n <= hi,
            (Range::Integer((lo, hi)), Value::Bool(b)) => lo <= b.into() && i128::from(b) <= hi,
            // The ends are exact numbers, the values rounded ones.
            (Range::Real(lo, hi), Value::Float(x, dtype)) => x.is_nan() || round_to(lo, dtype) <= x && x <= round_to(hi, dtype),
            (Range::Unordered, Value::Complex(..) | Value::Key(_)) => true,
            _ => false,
        }
    }
}

fn samples(dtype: DType) -> Vec<Value> {
    let floats = [f64::NEG_INFINITY, -700.0, -1.5, -1.0, -0.25, 0.0, 0.5, 1.0, 3.0, 1e5, f64::INFINITY];
    match dtype.class() {
        Class::Bool => vec![Value::Bool(false), Value::Bool(true)],
        Class::Float => floats.iter().map(|x| Value::float(*x, dtype)).collect(),
        _ => {
            let (lo, hi) = int_range(dtype);
            let all = [lo, lo + 1, lo / 2, -7, -2, -1, 0, 1, 2, 3, 5, hi / 2, hi];
            let mut values: Vec<i128> = all.into_iter().filter(|n| lo <= *n && *n <= hi).collect();
            values.sort_unstable();
            values.into_iter().map(|n| Value::int(n, dtype)).collect()
        }
    }
}

/// Ranges between samples, with the samples in them.
fn ranges(dtype: DType) -> Vec<(Range, Vec<Value>)> {
    let values = samples(dtype);
    let ends = (0..values.len()).flat_map(|lo| (lo..values.len()).map(move |hi| (lo, hi)));
    let range = |(lo, hi): (usize, usize)| {
        let one = |n: usize| Range::of_literal(values[n].to_literal().unwrap(), dtype);
        (one(lo).or(one(hi)), values[lo..=hi].to_vec())
    };
    ends.map(range).collect()
}

/// The range of an expression over tensors `t0`, `t1` without axes.
fn range_of(scalar: &Scalar, known: &[Range]) -> Range {
    let known: BTreeMap<Tensor, Range> = known.iter().enumerate().map(|(n, range)| (Tensor::new(n), *range)).collect();
    let indices = ein_ir::entity::PrimaryMap::new();
    super::Scope { ranges: &Ranges { known }, indices: &indices, accumulated: Range::Unordered }.range(scalar)
}

fn tensor(n: usize, dtype: DType) -> Scalar {
    let access = Access { tensor: Tensor::new(n), prev: false, subs: Vec::new(), pad: None };
    Scalar::new(ScalarKind::Access(access), dtype, Span::default())
}

const TYPES: [DType; 8] = [DType::Bool, DType::I8, DType::U8, DType::U4, DType::I32, DType::F16, DType::F32, DType::F64];

#[test]
fn ranges_hold_what_functions_of_one_value_give() {
    let powers = [-2, -1, 0, 1, 2, 3, 5].map(UnaryFn::Powi);
    for dtype in TYPES {
        for function in UnaryFn::ALL.into_iter().chain(powers).filter(|f| typing::takes_unary(*f, dtype)) {
            let result = typing::unary_result(function, dtype);
            let scalar = Scalar::unary(function, tensor(0, dtype), result, Span::default());
            for (range, values) in ranges(dtype) {
                let found = range_of(&scalar, &[range]);
                for value in values.into_iter().map(|a| eval_unary(function, a, result)) {
                    assert!(found.holds(value), "{} of {range:?}: {value:?} not in {found:?}", function.name());
                }
            }
        }
    }
}

#[test]
fn ranges_hold_what_functions_of_two_values_give() {
    for dtype in TYPES {
        for function in BinaryFn::ALL.into_iter().filter(|f| typing::takes_binary(*f, dtype, dtype)) {
            let result = typing::binary_result(function, dtype);
            let scalar = Scalar::binary(function, tensor(0, dtype), tensor(1, dtype), result, Span::default());
            let all = ranges(dtype);
            for (left, right) in all.iter().step_by(2).flat_map(|a| all.iter().step_by(3).map(move |b| (a, b))) {
                let found = range_of(&scalar, &[left.0, right.0]);
                for (a, b) in left.1.iter().flat_map(|a| right.1.iter().map(move |b| (*a, *b))) {
                    let Ok(value) = eval_binary(function, a, b) else { continue };
                    assert!(found.holds(value), "{} of {:?} and {:?}: {value:?} not in {found:?}", function.name(), left.0, right.0);
                }
            }
        }
    }
}

#[test]
fn ranges_hold_what_conversions_and_squares_give() {
    for (from, to) in TYPES.into_iter().flat_map(|a| TYPES.map(|b| (a, b))) {
        let square = Scalar::binary(BinaryFn::Mul, tensor(0, from), tensor(0, from), from, Span::default());
        for (range, values) in ranges(from) {
            let found = range_of(&tensor(0, from).cast(to), &[range]);
            let squares = typing::takes_binary(BinaryFn::Mul, from, from).then(|| range_of(&square, &[range]));
            for a in values {
                assert!(found.holds(cast(a, to)), "{a:?} as {to}: not in {found:?}");
                let value = squares.map(|found| (found, eval_binary(BinaryFn::Mul, a, a).unwrap()));
                assert!(value.is_none_or(|(found, value)| found.holds(value)), "the square of {a:?}: {value:?}");
            }
        }
    }
}

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
