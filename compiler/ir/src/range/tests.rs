//! Every function on every range of a few numbers: what it gives of them lies in the range that is computed.

use super::{Leaves, Range, module, of_scalar};
use crate::dtype::{Class, DType};
use crate::entity::{EntityRef, Index, Tensor};
use crate::interval::Interval;
use crate::scalar::eval::{cast, eval_binary, eval_unary};
use crate::scalar::function::{BinaryFn, UnaryFn};
use crate::scalar::value::{Value, int_range, round_to};
use crate::scalar::{Access, Scalar, ScalarKind, typing};
use crate::span::Span;

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

/// Tensors `t0`, `t1`.
struct Known<'a>(&'a [Range]);

impl Leaves for Known<'_> {
    fn tensor(&self, tensor: Tensor, _: DType) -> Range {
        self.0[tensor.index()]
    }

    fn index(&self, _: Index) -> Interval {
        (0, 0)
    }
}

/// The range of an expression over tensors `t0`, `t1` without axes.
fn range_of(scalar: &Scalar, known: &[Range]) -> Range {
    of_scalar(&Known(known), scalar)
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

#[test]
fn what_is_known_of_a_module_depends_on_its_sizes() {
    let text = |dims: &str, n: &str| {
        format!(
            "module \"m\"\n{dims}tensor t0 \"x\" f32[{n}] in -1.0..2.0\ntensor t1 \"s\" f32[]\ntensor t2 \"u\" f32[{n}]\ntensor t3 \"h\" f32[]\n\
             tensor t4 \"h.from\" f32[]\ntensor t5 \"k\" i64[2]\ntensor t6 \"a\" f32[]\nindex i0 \"i\" 0..{n}\nindex i1 \"j\" 0..{n}\nindex i2 \"t\" 0..{n}\n\
             params (t0)\nresults (t1, t2, t3, t5, t6)\nt1[] = sum:f32[i0](t0[i0])\nt2[i1] = (0.5:f32 * t0[i1])\n\
             t4[] = 0.0:f32\nscan i2 states (t3 from t4) stacked () {{\n  t3[] = (prev t3[] + t2[i2])\n}}\ntable t5 = [3, -4]\n\
             t6[] = approx(min(max(t3[], -1.0:f32), 1.0:f32), (2.0:f32 * operand(0)), on -1.0..1.0)\n"
        )
    };
    let ranges = |text: &str| {
        let module = crate::tensor::parse::parse(text).unwrap();
        let known = module::Ranges::of(&module);
        [1, 2, 3, 5, 6].map(|n| known.of_tensor(&module, Tensor::new(n)))
    };
    let (inf, any) = (f64::INFINITY, Range::of_type(DType::F32));
    let others = [Range::Real(-0.5, 1.0), any, Range::Integer((-4, 3)), Range::Real(-2.0, 2.0)];
    let [sum, known @ ..] = ranges(&text("", "4"));
    assert_eq!((sum, known), (Range::Real(-4.0, 8.0), others));
    let [sum, known @ ..] = ranges(&text("dim d0 \"N\" size\n", "d0"));
    assert_eq!((sum, known), (Range::Real(-inf, inf), others));
}

/// A mask, a sum of what it admits, and where the sum is read.
#[test]
fn guards_on_indices_are_counted() {
    let text = "module \"m\"\ntensor t0 \"x\" f32[3, 4] in 1.0..2.0\ntensor t1 \"w\" f32[3, 4]\ntensor t2 \"z\" f32[3]\ntensor t3 \"g\" f32[3]\n\
                tensor t4 \"n\" i64[3]\ntensor t5 \"p\" f32[3]\ntensor t6 \"u\" f32[]\ntensor t7 \"v\" f32[3]\n\
                index i0 \"i\" 0..3\nindex i1 \"j\" 0..4\nindex i2 \"i\" 0..3\nindex i3 \"j\" 0..4\nindex i4 \"i\" 0..3\nindex i5 \"j\" 0..4\n\
                index i6 \"i\" 0..3\nindex i7 \"j\" 0..4\nindex i8 \"i\" 0..3\nindex i9 \"j\" 0..4\nindex i10 \"i\" 0..3\n\
                params (t0)\nresults (t1, t2, t3, t4, t5, t6, t7)\n\
                t1[i0, i1] = if((i1 <= i0), t0[i0, i1], 0.0:f32)\n\
                t2[i2] = sum:f32[i3](t1[i2, i3])\n\
                t3[i4] = sum:f32[i5 where (i5 < i4)](t0[i4, i5])\n\
                t4[i6] = sum:i64[i7](i64((i7 <= i6)))\n\
                t5[i8] = sum:f32[i9](t0[i8, pad(((i8 + i9) - 1))])\n\
                t6[] = t2[2]\n\
                t7[i10] = if((i10 > 0), (1.0:f32 / t3[i10]), 0.0:f32)\n";
    let module = crate::tensor::parse::parse(text).unwrap();
    let known = module::Ranges::of(&module);
    let found: Vec<Range> = (1..8).map(|n| known.of_tensor(&module, Tensor::new(n))).collect();
    let expected = [
        Range::Real(0.0, 2.0),
        Range::Real(1.0, 6.0),
        Range::Real(0.0, 4.0),
        Range::Integer((1, 3)),
        Range::Real(0.0, 8.0),
        Range::Real(3.0, 6.0),
    ];
    assert_eq!(found[..6], expected);
    let Range::Real(lo, hi) = found[6] else { panic!("{found:?}") };
    assert!((-1e-5..0.0 + 1e-9).contains(&lo) && (1.0..1.0 + 1e-5).contains(&hi), "{lo}..{hi}");
}
