//! What each scalar function means. Defined once: the interpreters call this, and every back end is compared with it.
//!
//! * Integers wrap in two's complement; `//` and `%` floor; a divisor of 0 is a fault.
//! * A shift takes its amount modulo the number of bits of the left operand; `shr` of a signed integer keeps the sign.
//! * Floats narrower than f32 compute in f32 and round once; c64 computes in f32, c128 in f64.
//! * `max` and `min` propagate NaN, and -0 is less than 0. `sign` of NaN is NaN, of either zero is 0. `relu` propagates NaN.
//! * A cast from float to integer truncates, saturates and makes NaN 0; to bool it is `!= 0`; from complex to real it drops the
//!   imaginary part.
//! * An integer power is repeated multiplication in the order that [`super::math::powi_f64`] states; integers have no negative powers.

use super::complex::Complex;
use super::function::{BinaryFn, UnaryFn};
use super::math::Real;
use super::value::{Value, int_range, int_to_float};
use crate::dtype::{Class, DType};
use crate::extent::floor_div;

/// A way in which operands can make a function fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarFault {
    /// An integer divisor of 0.
    DivisionByZero,
}

/// A function of one value; `result` is the dtype of the node, which matters where it differs from that of the operand.
///
/// # Panics
/// If the function has no meaning for the dtype, which a verified module excludes.
#[must_use]
pub fn eval_unary(function: UnaryFn, x: Value, result: DType) -> Value {
    if function == UnaryFn::Keep {
        return x;
    }
    match x {
        Value::Bool(b) => match function {
            UnaryFn::Not | UnaryFn::BitNot => Value::Bool(!b),
            _ => no_meaning(function.name(), DType::Bool),
        },
        Value::Int(n, dtype) => int_unary(function, n, dtype),
        Value::Float(x, dtype) => match function {
            UnaryFn::IsNan => Value::Bool(x.is_nan()),
            UnaryFn::IsFinite => Value::Bool(x.is_finite()),
            UnaryFn::Cis if result == DType::C128 => complex_value(Complex::cis(x), result),
            UnaryFn::Cis => complex_value(Complex::cis(x as f32), result),
            _ if dtype == DType::F64 => Value::Float(float_unary(function, x), dtype),
            _ => Value::float(f64::from(float_unary(function, x as f32)), dtype),
        },
        Value::Complex(re, im, DType::C128) => complex_unary(function, Complex { re, im }, DType::C128),
        Value::Complex(re, im, dtype) => complex_unary(function, Complex::<f32>::from_f64(re, im), dtype),
        Value::Key(_) => no_meaning(function.name(), DType::Key),
    }
}

fn no_meaning(function: &str, dtype: DType) -> ! {
    unreachable!("verified: `{function}` is not applied to {dtype}")
}

fn int_unary(function: UnaryFn, n: i128, dtype: DType) -> Value {
    let value = match function {
        UnaryFn::Neg => -n,
        UnaryFn::Abs => n.abs(),
        UnaryFn::Sign => n.signum(),
        UnaryFn::Relu => n.max(0),
        UnaryFn::Floor | UnaryFn::Ceil | UnaryFn::Round | UnaryFn::Trunc | UnaryFn::Conj | UnaryFn::Real => n,
        UnaryFn::BitNot => !n,
        UnaryFn::Popcount => i128::from((n as u128 & mask(dtype)).count_ones()),
        UnaryFn::Powi(k) => int_power(n, k, dtype),
        UnaryFn::IsNan => return Value::Bool(false),
        UnaryFn::IsFinite => return Value::Bool(true),
        _ => no_meaning(function.name(), dtype),
    };
    Value::int(value, dtype)
}

fn mask(dtype: DType) -> u128 {
    (1u128 << dtype.bits()) - 1
}

/// A power that wraps; the order of the multiplications does not matter then.
fn int_power(n: i128, k: i32, dtype: DType) -> i128 {
    if k < 0 {
        no_meaning("powi with a negative exponent", dtype);
    }
    n.wrapping_pow(k.unsigned_abs())
}

fn float_unary<T: Real>(function: UnaryFn, x: T) -> T {
    let zero = T::from_f64(0.0);
    match function {
        UnaryFn::Neg => -x,
        UnaryFn::Abs => x.abs(),
        UnaryFn::Sign => {
            if x > zero {
                T::from_f64(1.0)
            } else if x < zero {
                T::from_f64(-1.0)
            } else if x == zero {
                zero
            } else {
                x
            }
        }
        UnaryFn::Floor => x.floor(),
        UnaryFn::Ceil => x.ceil(),
        UnaryFn::Round => x.round_even(),
        UnaryFn::Trunc => x.trunc(),
        UnaryFn::Exp => x.exp(),
        UnaryFn::Expm1 => x.expm1(),
        UnaryFn::Log => x.log(),
        UnaryFn::Log1p => x.log1p(),
        UnaryFn::Sqrt => x.sqrt(),
        UnaryFn::Rsqrt => x.rsqrt(),
        UnaryFn::Sin => x.sin(),
        UnaryFn::Cos => x.cos(),
        UnaryFn::Tan => x.tan(),
        UnaryFn::Tanh => x.tanh(),
        UnaryFn::Sigmoid => x.sigmoid(),
        UnaryFn::Softplus => x.softplus(),
        UnaryFn::Erf => x.erf(),
        UnaryFn::Gelu => x.gelu(),
        UnaryFn::Silu => x.silu(),
        UnaryFn::Relu => x.max(zero),
        UnaryFn::Conj | UnaryFn::Real | UnaryFn::Keep => x,
        UnaryFn::Imag => zero,
        UnaryFn::Powi(n) => x.powi(n),
        UnaryFn::Not | UnaryFn::IsNan | UnaryFn::IsFinite | UnaryFn::Cis | UnaryFn::BitNot | UnaryFn::Popcount => {
            no_meaning(function.name(), DType::F64)
        }
    }
}

fn complex_value<T: Real>(z: Complex<T>, dtype: DType) -> Value {
    Value::Complex(z.re.to_f64(), z.im.to_f64(), dtype)
}

fn complex_unary<T: Real>(function: UnaryFn, z: Complex<T>, dtype: DType) -> Value {
    let finite = |x: T| x.to_f64().is_finite();
    let value = match function {
        UnaryFn::Abs => return Value::Float(z.abs().to_f64(), dtype.real()),
        UnaryFn::Real => return Value::Float(z.re.to_f64(), dtype.real()),
        UnaryFn::Imag => return Value::Float(z.im.to_f64(), dtype.real()),
        UnaryFn::IsNan => return Value::Bool(z.re.to_f64().is_nan() || z.im.to_f64().is_nan()),
        UnaryFn::IsFinite => return Value::Bool(finite(z.re) && finite(z.im)),
        UnaryFn::Neg => z.neg(),
        UnaryFn::Conj => z.conj(),
        UnaryFn::Sign => z.sign(),
        UnaryFn::Exp => z.exp(),
        UnaryFn::Expm1 => z.expm1(),
        UnaryFn::Log => z.log(),
        UnaryFn::Log1p => z.log1p(),
        UnaryFn::Sqrt => z.sqrt(),
        UnaryFn::Rsqrt => z.rsqrt(),
        UnaryFn::Sin => z.sin(),
        UnaryFn::Cos => z.cos(),
        UnaryFn::Tan => z.tan(),
        UnaryFn::Tanh => z.tanh(),
        UnaryFn::Sigmoid => z.sigmoid(),
        UnaryFn::Silu => z.mul(z.sigmoid()),
        UnaryFn::Powi(n) => z.powi(n),
        _ => no_meaning(function.name(), dtype),
    };
    complex_value(value, dtype)
}

/// A function of two values of one dtype (the amount of a shift may have another integer dtype).
///
/// `And` and `Or` are evaluated on both sides here; whoever walks an expression short-circuits.
///
/// # Errors
/// [`ScalarFault::DivisionByZero`] for `//` and `%` of integers.
///
/// # Panics
/// If the function has no meaning for the dtypes, which a verified module excludes.
pub fn eval_binary(function: BinaryFn, a: Value, b: Value) -> Result<Value, ScalarFault> {
    Ok(match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Value::Bool(bool_binary(function, a, b)),
        (Value::Int(a, dtype), Value::Int(b, _)) => return int_binary(function, a, b, dtype),
        (Value::Float(a, dtype), Value::Float(b, _)) => match (comparison(function, a.partial_cmp(&b)), dtype) {
            (Some(result), _) => Value::Bool(result),
            (None, DType::F64) => Value::Float(float_binary(function, a, b), dtype),
            _ => Value::float(f64::from(float_binary(function, a as f32, b as f32)), dtype),
        },
        (Value::Complex(re, im, DType::C128), Value::Complex(c, d, _)) => {
            complex_binary(function, Complex { re, im }, Complex { re: c, im: d }, DType::C128)
        }
        (Value::Complex(re, im, dtype), Value::Complex(c, d, _)) => {
            complex_binary(function, Complex::<f32>::from_f64(re, im), Complex::from_f64(c, d), dtype)
        }
        (Value::Key(a), Value::Key(b)) => match comparison(function, Some(a.cmp(&b))) {
            Some(result) => Value::Bool(result),
            None => no_meaning(function.name(), DType::Key),
        },
        _ => no_meaning(function.name(), a.dtype()),
    })
}

/// The result of a comparison of operands in this order (`None` if one is NaN); `None` if the function is none.
pub(crate) fn comparison(function: BinaryFn, order: Option<std::cmp::Ordering>) -> Option<bool> {
    Some(match function {
        BinaryFn::Eq => order.is_some_and(|o| o.is_eq()),
        BinaryFn::Ne => order.is_none_or(|o| o.is_ne()),
        BinaryFn::Lt => order.is_some_and(|o| o.is_lt()),
        BinaryFn::Le => order.is_some_and(|o| o.is_le()),
        BinaryFn::Gt => order.is_some_and(|o| o.is_gt()),
        BinaryFn::Ge => order.is_some_and(|o| o.is_ge()),
        _ => return None,
    })
}

fn bool_binary(function: BinaryFn, a: bool, b: bool) -> bool {
    match function {
        BinaryFn::And | BinaryFn::BitAnd | BinaryFn::Min | BinaryFn::Mul => a && b,
        BinaryFn::Or | BinaryFn::BitOr | BinaryFn::Max | BinaryFn::Add => a || b,
        BinaryFn::Xor => a != b,
        _ => match comparison(function, Some(a.cmp(&b))) {
            Some(result) => result,
            None => no_meaning(function.name(), DType::Bool),
        },
    }
}

fn int_binary(function: BinaryFn, a: i128, b: i128, dtype: DType) -> Result<Value, ScalarFault> {
    if let Some(result) = comparison(function, Some(a.cmp(&b))) {
        return Ok(Value::Bool(result));
    }
    let shift = || b.rem_euclid(i128::from(dtype.bits()));
    let value = match function {
        BinaryFn::Add => a + b,
        BinaryFn::Sub => a - b,
        BinaryFn::Mul => a.wrapping_mul(b),
        BinaryFn::FloorDiv | BinaryFn::Rem if b == 0 => return Err(ScalarFault::DivisionByZero),
        BinaryFn::FloorDiv => floor_div(a, b),
        BinaryFn::Rem => a - floor_div(a, b) * b,
        BinaryFn::Max => a.max(b),
        BinaryFn::Min => a.min(b),
        BinaryFn::BitAnd => a & b,
        BinaryFn::BitOr => a | b,
        BinaryFn::Xor => a ^ b,
        BinaryFn::Shl => a << shift(),
        BinaryFn::Shr => a >> shift(),
        _ => no_meaning(function.name(), dtype),
    };
    Ok(Value::int(value, dtype))
}

fn float_binary<T: Real>(function: BinaryFn, a: T, b: T) -> T {
    match function {
        BinaryFn::Add => a + b,
        BinaryFn::Sub => a - b,
        BinaryFn::Mul => a * b,
        BinaryFn::Div => a / b,
        BinaryFn::FloorDiv => a.floor_div(b),
        BinaryFn::Rem => a.rem(b),
        BinaryFn::Pow => a.pow(b),
        BinaryFn::Atan2 => a.atan2(b),
        BinaryFn::Max => a.max(b),
        BinaryFn::Min => a.min(b),
        _ => no_meaning(function.name(), DType::F64),
    }
}

fn complex_binary<T: Real>(function: BinaryFn, a: Complex<T>, b: Complex<T>, dtype: DType) -> Value {
    let equal = || a.re == b.re && a.im == b.im;
    let value = match function {
        BinaryFn::Eq => return Value::Bool(equal()),
        BinaryFn::Ne => return Value::Bool(!equal()),
        BinaryFn::Add => a.add(b),
        BinaryFn::Sub => a.sub(b),
        BinaryFn::Mul => a.mul(b),
        BinaryFn::Div => a.div(b),
        BinaryFn::Pow => a.pow(b),
        _ => no_meaning(function.name(), dtype),
    };
    complex_value(value, dtype)
}

/// The value converted to a dtype.
#[must_use]
pub fn cast(x: Value, dtype: DType) -> Value {
    if x.dtype() == dtype {
        return x;
    }
    match (x, dtype.class()) {
        (_, Class::Key) => Value::Key(x.as_int().unwrap_or(0) as u64),
        (Value::Key(k), _) => cast(Value::Int(i128::from(k), DType::U64), dtype),
        (Value::Bool(b), _) => Value::small(i32::from(b), dtype),
        (Value::Int(n, _), Class::Bool) => Value::Bool(n != 0),
        (Value::Int(n, _), Class::Signed | Class::Unsigned) => Value::int(n, dtype),
        (Value::Int(n, _), Class::Float) => Value::Float(int_to_float(n, dtype), dtype),
        (Value::Int(n, _), Class::Complex) => Value::Complex(int_to_float(n, dtype.real()), 0.0, dtype),
        (Value::Float(x, _), Class::Bool) => Value::Bool(x != 0.0),
        (Value::Float(x, _), Class::Signed | Class::Unsigned) => Value::Int(float_to_int(x, dtype), dtype),
        (Value::Float(x, _), Class::Float) => Value::float(x, dtype),
        (Value::Float(x, _), Class::Complex) => Value::complex(x, 0.0, dtype),
        (Value::Complex(re, im, _), Class::Bool) => Value::Bool(re != 0.0 || im != 0.0),
        (Value::Complex(re, im, _), Class::Complex) => Value::complex(re, im, dtype),
        (Value::Complex(re, _, _), _) => cast(Value::Float(re, DType::F64), dtype),
    }
}

/// Truncates, saturates, NaN to 0.
fn float_to_int(x: f64, dtype: DType) -> i128 {
    let (lo, hi) = int_range(dtype);
    (x as i128).clamp(lo, hi)
}

#[cfg(test)]
mod tests;
