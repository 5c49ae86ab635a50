use super::*;
use crate::entity::Index;
use crate::interp::tensor::tests::{Build, at, bin, equation, int, ix, reduce};
use crate::scalar::function::{BinaryFn, UnaryFn};
use crate::scalar::{Literal, Scalar, ScalarKind};
use crate::span::Span;
use crate::tensor::ReduceOp;

const S: Span = Span::new(0, 0);
const C: f64 = 2.0;

fn f32s(values: &[f64]) -> Data {
    Data::floats(DType::F32, &[values.len()], values)
}

/// `y[i] = body(i)` over inputs `x` and `w` of one dtype and length.
fn pointwise(dtype: DType, inputs: [Data; 2], body: impl Fn(Scalar, Scalar, Index) -> Scalar) -> (Data, WideData) {
    let n = inputs[0].values.len() as i64;
    let mut m = Build::default();
    let (x, w) = (m.param("x", dtype, &[n]), m.param("w", dtype, &[n]));
    let i = m.index("i", 0, n);
    let body = body(at(x, dtype, vec![ix(i)]), at(w, dtype, vec![ix(i)]), i);
    let y = m.result("y", body.dtype, &[n]);
    m.define(equation(y, &[i], None, body));
    both(m, &inputs)
}

fn both(m: Build, inputs: &[Data]) -> (Data, WideData) {
    let module = Verified::new(m.0);
    let declared = crate::interp::tensor::run(&module, inputs).unwrap().remove(0);
    (declared, run_wide(&module, inputs).unwrap().remove(0))
}

/// `y = sum[k](x[k] * w[k])`.
fn dot(x: &[f64], w: &[f64]) -> (Data, WideData) {
    let n = x.len() as i64;
    let mut m = Build::default();
    let (a, b) = (m.param("x", DType::F32, &[n]), m.param("w", DType::F32, &[n]));
    let y = m.result("y", DType::F32, &[]);
    let k = m.index("k", 0, n);
    let product = bin(BinaryFn::Mul, at(a, DType::F32, vec![ix(k)]), at(b, DType::F32, vec![ix(k)]));
    m.define(equation(y, &[], reduce(ReduceOp::Sum, DType::F32, &[k], None), product));
    both(m, &[f32s(x), f32s(w)])
}

#[test]
fn sums_may_come_in_any_order() {
    let x: Vec<f64> = (0..100).map(|k| f64::from((k as f32 * 0.37).sin())).collect();
    let w: Vec<f64> = (0..100).map(|k| f64::from((k as f32 * 1.7).cos())).collect();
    let (declared, wide) = dot(&x, &w);
    assert_eq!(compare(&declared, &wide, C), Ok(0));
    let backwards = x.iter().zip(&w).rev().fold(0f32, |sum, (a, b)| sum + *a as f32 * *b as f32);
    assert_eq!(compare(&Data::floats(DType::F32, &[], &[f64::from(backwards)]), &wide, C), Ok(0));
    let wrong = Data::floats(DType::F32, &[], &[f64::from(backwards) + 0.01]);
    assert!(compare(&wrong, &wide, C).is_err());
}

#[test]
fn cancellation_is_measured_against_the_terms() {
    // 1e8 + 1 - 1e8 is 0 or 1 in f32, depending on the order; 1000 it is never.
    let (declared, wide) = dot(&[1e8, 1.0, -1e8], &[1.0; 3]);
    assert_eq!(compare(&declared, &wide, C), Ok(0));
    assert_eq!(compare(&Data::floats(DType::F32, &[], &[1.0]), &wide, C), Ok(0));
    assert!(compare(&Data::floats(DType::F32, &[], &[1000.0]), &wide, C).is_err());
    // Without cancellation the bound is tight.
    let (declared, wide) = dot(&[1.0, 2.0], &[1.0, 2.0]);
    assert_eq!(compare(&declared, &wide, C), Ok(0));
    assert!(compare(&Data::floats(DType::F32, &[], &[5.0001]), &wide, C).is_err());
}

#[test]
fn exact_functions_leave_no_room() {
    let (declared, wide) = pointwise(DType::F32, [f32s(&[0.1, -3.0, 7.5]), f32s(&[1.0, -2.0, 7.0])], |x, w, _| {
        let negative = Scalar::unary(UnaryFn::Neg, x, DType::F32, S);
        Scalar::unary(UnaryFn::Abs, bin(BinaryFn::Max, negative, w), DType::F32, S)
    });
    assert_eq!(compare(&declared, &wide, 1e6), Ok(0));
    let mut next = declared.clone();
    next.values[0] = Value::float(1.0 + f64::from(f32::EPSILON), DType::F32);
    let mismatch = compare(&next, &wide, 1e6).unwrap_err();
    assert_eq!((mismatch.index, mismatch.bound), (vec![0], 0.0));
}

#[test]
fn every_function_as_declared_is_close_to_itself() {
    let x: Vec<f64> = (0..40).map(|k| f64::from(0.05 + k as f32 * 0.21)).collect();
    let w: Vec<f64> = (0..40).map(|k| f64::from(4.0 - k as f32 * 0.19)).collect();
    for dtype in [DType::F16, DType::BF16, DType::F32, DType::F64] {
        // In the narrow types many quotients are next to an integer.
        let limit = if dtype.bits() < 32 { 38 } else { 10 };
        let inputs = || [Data::floats(dtype, &[40], &x), Data::floats(dtype, &[40], &w)];
        for function in UnaryFn::ALL.into_iter().chain([UnaryFn::Powi(5), UnaryFn::Powi(-3)]) {
            if matches!(function, UnaryFn::Not | UnaryFn::Cis | UnaryFn::BitNot | UnaryFn::Popcount | UnaryFn::Imag) {
                continue;
            }
            let result = if matches!(function, UnaryFn::IsNan | UnaryFn::IsFinite) { DType::Bool } else { dtype };
            // Of a sum, so that there is an error to carry.
            let (declared, wide) = pointwise(dtype, inputs(), |x, w, _| Scalar::unary(function, bin(BinaryFn::Add, x, w), result, S));
            let passed_over = compare(&declared, &wide, C).unwrap_or_else(|m| panic!("{function:?} {dtype}: {m}"));
            assert!(passed_over < limit, "{function:?} {dtype}: {passed_over}");
        }
        for function in BinaryFn::ALL {
            if matches!(
                function,
                BinaryFn::And | BinaryFn::Or | BinaryFn::Xor | BinaryFn::BitAnd | BinaryFn::BitOr | BinaryFn::Shl | BinaryFn::Shr
            ) {
                continue;
            }
            let (declared, wide) = pointwise(dtype, inputs(), |x, w, _| bin(function, bin(BinaryFn::Mul, x.clone(), x), w));
            let passed_over = compare(&declared, &wide, C).unwrap_or_else(|m| panic!("{function:?} {dtype}: {m}"));
            assert!(passed_over < limit, "{function:?} {dtype}: {passed_over}");
        }
    }
}

#[test]
fn complex_functions_as_declared_are_close_to_themselves() {
    let z = |k: usize| Value::complex(0.3 + k as f64 * 0.17, 2.0 - k as f64 * 0.29, DType::C64);
    let inputs = || [0, 7].map(|by| Data::new(DType::C64, vec![20], (0..20).map(|k| z(k + by)).collect()));
    for function in [UnaryFn::Neg, UnaryFn::Abs, UnaryFn::Exp, UnaryFn::Log, UnaryFn::Sqrt, UnaryFn::Conj, UnaryFn::Imag, UnaryFn::Powi(3)]
    {
        let result = if matches!(function, UnaryFn::Abs | UnaryFn::Imag) { DType::F32 } else { DType::C64 };
        let (declared, wide) = pointwise(DType::C64, inputs(), |x, w, _| Scalar::unary(function, bin(BinaryFn::Mul, x, w), result, S));
        assert_eq!(compare(&declared, &wide, C), Ok(0), "{function:?}");
    }
    for function in [BinaryFn::Add, BinaryFn::Sub, BinaryFn::Mul, BinaryFn::Div, BinaryFn::Pow] {
        let (declared, wide) = pointwise(DType::C64, inputs(), |x, w, _| bin(function, x, w));
        assert_eq!(compare(&declared, &wide, C), Ok(0), "{function:?}");
    }
}

#[test]
fn special_values_are_compared_by_class() {
    let x = f32s(&[1.0, -1.0, 0.0, f64::NAN, f64::INFINITY]);
    let (declared, wide) = pointwise(DType::F32, [x, f32s(&[0.0; 5])], |x, w, _| bin(BinaryFn::Div, x, w));
    assert_eq!(compare(&declared, &wide, C), Ok(0));
    for (n, wrong) in [(0, f64::NEG_INFINITY), (1, 3.0), (2, f64::INFINITY), (3, 0.0), (4, f64::NAN)] {
        let mut other = declared.clone();
        other.values[n] = Value::float(wrong, DType::F32);
        assert!(compare(&other, &wide, 1e9).is_err(), "{n}");
    }
    // Overflow in the middle may come out either way.
    let (_, wide) =
        pointwise(DType::F32, [f32s(&[3e38]), f32s(&[3e38])], |x, w, _| bin(BinaryFn::Sub, bin(BinaryFn::Add, x.clone(), w), x));
    assert_eq!(compare(&f32s(&[f64::INFINITY]), &wide, C), Ok(1));
}

#[test]
fn close_decisions_are_doubtful_and_clear_ones_are_not() {
    // if x * w > 1 then 1 else 2, as integers
    let branch = |x: f64, w: f64| {
        pointwise(DType::F32, [f32s(&[x]), f32s(&[w])], |x, w, _| {
            let one = Scalar::literal(Literal::Float(1.0), DType::F32, S);
            let condition = bin(BinaryFn::Gt, bin(BinaryFn::Mul, x, w), one);
            Scalar::new(ScalarKind::If(Box::new(condition), Box::new(int(1)), Box::new(int(2))), DType::I64, S)
        })
        .1
    };
    let two = Data::ints(DType::I64, &[1], &[2]);
    assert_eq!(compare(&two, &branch(0.1, 10.0), C), Ok(1));
    assert_eq!(compare(&two, &branch(0.1, 9.0), C), Ok(0));
    assert!(compare(&two, &branch(0.1, 11.0), C).is_err());
    // Comparing the inputs themselves is exact.
    let (declared, wide) = pointwise(DType::F32, [f32s(&[1.0]), f32s(&[1.0])], |x, w, _| bin(BinaryFn::Ge, x, w));
    assert_eq!((declared.values[0], compare(&declared, &wide, C)), (Value::Bool(true), Ok(0)));
    // A floor next to an integer.
    let floor = |x: f64, w: f64| {
        let (_, wide) = pointwise(DType::F32, [f32s(&[x]), f32s(&[w])], |x, w, _| bin(BinaryFn::Mul, x, w).cast(DType::I64));
        wide.values[0].doubtful
    };
    assert!(floor(0.1, 10.0) && !floor(0.1, 15.0));
}

#[test]
fn integers_are_exact() {
    let x = Data::ints(DType::I32, &[2], &[i64::from(i32::MAX), -7]);
    let w = Data::ints(DType::I32, &[2], &[1, 2]);
    let (declared, wide) = pointwise(DType::I32, [x, w], |x, w, _| bin(BinaryFn::FloorDiv, bin(BinaryFn::Add, x, w.clone()), w));
    assert_eq!(compare(&declared, &wide, C), Ok(0));
    assert!(compare(&Data::ints(DType::I32, &[2], &[0, 0]), &wide, C).is_err());
    assert!(compare(&Data::ints(DType::I64, &[2], &[0, 0]), &wide, C).is_err());
}

#[test]
fn a_softmax_in_two_forms() {
    // exp(x - max) / sum is close to exp(x) / sum(exp x), though not equal.
    let x: Vec<f64> = (0..9).map(|k| f64::from((k as f32).sin() * 3.0)).collect();
    let mut m = Build::default();
    let input = m.param("x", DType::F32, &[9]);
    let (top, total) = (m.tensor("m", DType::F32, &[]), m.tensor("s", DType::F32, &[]));
    let y = m.result("y", DType::F32, &[9]);
    let (i, k, l) = (m.index("i", 0, 9), m.index("k", 0, 9), m.index("l", 0, 9));
    let read = |i| at(input, DType::F32, vec![ix(i)]);
    let shifted = |i| Scalar::unary(UnaryFn::Exp, bin(BinaryFn::Sub, read(i), at(top, DType::F32, vec![])), DType::F32, S);
    m.define(equation(top, &[], reduce(ReduceOp::Max, DType::F32, &[k], None), read(k)));
    m.define(equation(total, &[], reduce(ReduceOp::Sum, DType::F32, &[l], None), shifted(l)));
    m.define(equation(y, &[i], None, bin(BinaryFn::Div, shifted(i), at(total, DType::F32, vec![]))));
    let (declared, wide) = both(m, &[f32s(&x)]);
    assert_eq!(compare(&declared, &wide, C), Ok(0));
    let sum: f32 = x.iter().map(|v| (*v as f32).exp()).sum();
    let other: Vec<f64> = x.iter().map(|v| f64::from((*v as f32).exp() / sum)).collect();
    assert_eq!(compare(&f32s(&other), &wide, C), Ok(0));
    let off: Vec<f64> = other.iter().map(|v| v * 1.0001).collect();
    assert!(compare(&f32s(&off), &wide, C).is_err());
}

#[test]
fn every_typed_function_has_a_wide_result_type() {
    use crate::interp::engine::Arithmetic;
    use crate::scalar::typing::{binary_result, takes_binary, takes_unary, unary_result};
    for dtype in DType::ALL {
        let one = WideValue::exact(Value::small(1, dtype));
        for function in UnaryFn::ALL.into_iter().filter(|f| takes_unary(*f, dtype)) {
            let result = unary_result(function, dtype);
            assert_eq!(Wide::unary(function, one, result).number.dtype(), result, "{function:?} {dtype}");
        }
        for function in BinaryFn::ALL {
            for rhs in DType::ALL.into_iter().filter(|rhs| takes_binary(function, dtype, *rhs)) {
                let value = Wide::binary(function, one, WideValue::exact(Value::small(1, rhs))).unwrap();
                assert_eq!(value.number.dtype(), binary_result(function, dtype), "{function:?} {dtype} {rhs}");
            }
        }
        for to in DType::ALL {
            assert_eq!(Wide::cast(one, to).number.dtype(), to, "{dtype} as {to}");
        }
    }
}
