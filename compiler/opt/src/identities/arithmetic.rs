//! Operands that do nothing, and those that decide.

use super::{Identity, beside, binary, is_number, is_one, is_real, is_zero, left_of, literal, right_of, small_without, take, twice, value};
use ein_ir::dtype::DType;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::value::{Value, round_to};
use ein_ir::scalar::{Scalar, ScalarKind};

/// A complex factor of 1 is none: it makes NaN of `inf + i`, as its imaginary part of 0 is multiplied by infinity.
pub(super) const IDENTITIES: &[Identity] = &[
    Identity { name: "times-one", holds: is_real, simpler: |s| beside(s, BinaryFn::Mul, is_one).map(take) },
    Identity { name: "over-one", holds: DType::is_float, simpler: |s| left_of(s, BinaryFn::Div, is_one).map(take) },
    Identity { name: "floor-over-one", holds: DType::is_integer, simpler: |s| left_of(s, BinaryFn::FloorDiv, is_one).map(take) },
    Identity { name: "plus-nothing", holds: is_number, simpler: |s| beside(s, BinaryFn::Add, is_nothing).map(take) },
    Identity { name: "minus-zero", holds: is_number, simpler: |s| left_of(s, BinaryFn::Sub, is_zero).map(take) },
    Identity { name: "nothing-minus", holds: is_number, simpler: nothing_minus },
    Identity {
        name: "times-zero",
        holds: DType::is_integer,
        simpler: |s| beside(s, BinaryFn::Mul, is_zero).is_some().then(|| small_without(s, 0))?,
    },
    Identity {
        name: "remainder-of-one",
        holds: DType::is_integer,
        simpler: |s| left_of(s, BinaryFn::Rem, is_one).is_some().then(|| small_without(s, 0))?,
    },
    Identity {
        name: "minus-itself",
        holds: DType::is_integer,
        simpler: |s| twice(s, BinaryFn::Sub).is_some().then(|| small_without(s, 0))?,
    },
    Identity { name: "small-power", holds: DType::is_float, simpler: small_power },
    Identity {
        name: "power-zero",
        holds: is_number,
        simpler: |s| super::unary(s, UnaryFn::Powi(0)).is_some().then(|| small_without(s, 1))?,
    },
    Identity { name: "power-one", holds: is_number, simpler: |s| super::unary(s, UnaryFn::Powi(1)).map(take) },
];

/// Where no sum is chosen any more: as a factor the graph would move it into the sum that is divided.
pub(super) const DIVISIONS: &[Identity] = &[Identity { name: "over-power-of-two", holds: DType::is_float, simpler: over_power_of_two }];

/// What a sum does not notice: 0 of integers, of floats -0, as 0 would make 0 of -0.
fn is_nothing(scalar: &Scalar) -> bool {
    let nothing = match scalar.dtype {
        dtype if dtype.is_float() => Value::float(-0.0, dtype),
        dtype if dtype.is_complex() => Value::complex(-0.0, -0.0, dtype),
        dtype => Value::small(0, dtype),
    };
    value(scalar) == Some(nothing)
}

fn nothing_minus(scalar: &mut Scalar) -> Option<Scalar> {
    let (dtype, span) = (scalar.dtype, scalar.span);
    Some(Scalar::unary(UnaryFn::Neg, take(right_of(scalar, BinaryFn::Sub, is_nothing)?), dtype, span))
}

/// A product by the reciprocal, where that is a number of the type: both round the same real number.
fn over_power_of_two(scalar: &mut Scalar) -> Option<Scalar> {
    let (dtype, span) = (scalar.dtype, scalar.span);
    let (dividend, divisor) = binary(scalar, BinaryFn::Div)?;
    let by = value(divisor)?.as_float()?;
    let reciprocal = 1.0 / by;
    let is_power = by.is_normal() && libm::frexp(by).0.abs() == 0.5;
    if !is_power || round_to(reciprocal, dtype) != reciprocal {
        return None;
    }
    let factor = literal(divisor, Value::float(reciprocal, dtype))?;
    Some(Scalar::binary(BinaryFn::Mul, take(dividend), factor, dtype, span))
}

/// General powers of these exponents are computed as integer ones.
fn small_power(scalar: &mut Scalar) -> Option<Scalar> {
    let (dtype, span) = (scalar.dtype, scalar.span);
    let (base, exponent) = binary(scalar, BinaryFn::Pow)?;
    let exponent = value(exponent)?.as_float()?;
    let n = [-1, 0, 1, 2].into_iter().find(|n| f64::from(*n) == exponent)?;
    Some(Scalar::new(ScalarKind::Unary(UnaryFn::Powi(n), Box::new(take(base))), dtype, span))
}
