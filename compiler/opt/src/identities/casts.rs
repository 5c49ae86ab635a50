//! Conversions that lose nothing on the way to another.

use super::{Identity, small_without, take, unary};
use ein_ir::dtype::{Class, DType};
use ein_ir::scalar::function::UnaryFn;
use ein_ir::scalar::small::SmallFormat;
use ein_ir::scalar::value::int_range;
use ein_ir::scalar::{Scalar, ScalarKind};

pub(super) const IDENTITIES: &[Identity] = &[
    Identity { name: "cast-to-own-type", holds: |_| true, simpler: to_own_type },
    Identity { name: "cast-of-cast", holds: |_| true, simpler: of_cast },
    Identity { name: "real-of-cast", holds: DType::is_complex, simpler: real_of_cast },
    Identity { name: "imag-of-cast", holds: DType::is_complex, simpler: imag_of_cast },
];

fn to_own_type(scalar: &mut Scalar) -> Option<Scalar> {
    match &mut scalar.kind {
        ScalarKind::Cast(a) if a.dtype == scalar.dtype => Some(take(a)),
        _ => None,
    }
}

fn inside_of_cast(scalar: &mut Scalar) -> Option<&mut Scalar> {
    match &mut scalar.kind {
        ScalarKind::Cast(a) => Some(a),
        _ => None,
    }
}

fn of_cast(scalar: &mut Scalar) -> Option<Scalar> {
    let (to, span) = (scalar.dtype, scalar.span);
    let middle = inside_of_cast(scalar)?;
    let over = middle.dtype;
    let inner = inside_of_cast(middle).filter(|inner| loses_nothing(inner.dtype, over, to))?;
    Some(Scalar::new(ScalarKind::Cast(Box::new(take(inner))), to, span))
}

/// Whether the way from a type over another one to a third is the direct one.
fn loses_nothing(from: DType, over: DType, to: DType) -> bool {
    if from == DType::Bool || over == DType::Bool {
        return from == DType::Bool;
    }
    // Floats saturate where integers wrap.
    let wraps = from.is_integer() && !over.is_integer() && to.is_integer();
    holds_all(over, from) && (!wraps || holds_all(to, from))
}

/// Whether every value of a type of numbers is one of another, NaN and the infinities too.
fn holds_all(wide: DType, narrow: DType) -> bool {
    match (narrow.class(), wide.class()) {
        (Class::Signed | Class::Unsigned, Class::Signed | Class::Unsigned) => {
            let (narrow, wide) = (int_range(narrow), int_range(wide));
            wide.0 <= narrow.0 && narrow.1 <= wide.1
        }
        (Class::Signed | Class::Unsigned, Class::Float | Class::Complex) => {
            let (lo, hi) = int_range(narrow);
            let (precision, _, greatest) = format_of(wide.real());
            hi.max(-lo) <= 1i128 << precision && hi.max(-lo) as f64 <= greatest
        }
        (Class::Float, Class::Float | Class::Complex) | (Class::Complex, Class::Complex) => {
            let (narrow, wide) = (narrow.real(), wide.real());
            let (a, b) = (format_of(narrow), format_of(wide));
            let has_infinity = |dtype| SmallFormat::of(dtype).is_none_or(SmallFormat::has_infinity);
            a.0 <= b.0 && a.1 - a.0 >= b.1 - b.0 && a.1 >= b.1 && a.2 <= b.2 && (has_infinity(wide) || !has_infinity(narrow))
        }
        _ => false,
    }
}

/// Precision, exponent of the least normal number and greatest number of a float type.
fn format_of(dtype: DType) -> (i32, i32, f64) {
    match SmallFormat::of(dtype) {
        Some(format) => (format.precision, format.min_exponent, format.max),
        None if dtype == DType::F32 => (24, -126, f64::from(f32::MAX)),
        None => (53, -1022, f64::MAX),
    }
}

/// The real part of what was made complex.
fn real_of_cast(scalar: &mut Scalar) -> Option<Scalar> {
    let (to, span) = (scalar.dtype, scalar.span);
    let inner = inside_of_cast(unary(scalar, UnaryFn::Real)?).filter(|inner| !inner.dtype.is_complex())?;
    Some(if inner.dtype == to { take(inner) } else { Scalar::new(ScalarKind::Cast(Box::new(take(inner))), to, span) })
}

fn imag_of_cast(scalar: &mut Scalar) -> Option<Scalar> {
    inside_of_cast(unary(scalar, UnaryFn::Imag)?).filter(|inner| !inner.dtype.is_complex())?;
    small_without(scalar, 0)
}
