//! The algebraic laws of pairs of operations, one table keyed by (add, mul, dtype).
//!
//! Optimisers ask here before they reorder, regroup or factor. Laws of floats are those that the language grants (section 12
//! there): under `+` and `*` they count as a commutative ring, though rounding differs; `0 * x = 0` is not granted. Wrapping
//! integers are a ring exactly. Some laws hold among some values only: whoever knows what the values are asks with a [`Domain`]. The
//! log-sum-exp of sums is the logarithm of a sum of products, and has the laws that floats are granted for those.

use crate::dtype::{Class, DType};
use crate::scalar::Literal;
use crate::scalar::function::BinaryFn;
use crate::scalar::typing;
use crate::scalar::value::greatest_float;
use crate::tensor::ReduceOp;

/// The values among which laws are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    /// All of the type.
    #[default]
    Whole,
    /// Values that keep their order when they are multiplied by each other: under `+` those of which no sum overflows, under `*` those of at least
    /// 0 (or NaN) of which no product does. What overflows is the integers; floats become infinite, which keeps the order.
    Monotone,
}

/// The laws of a reduction `add` over products `mul`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring {
    /// The value of the empty reduction, neutral for `add`.
    pub zero: Literal,
    /// Neutral for `mul`, if there is one.
    pub one: Option<Literal>,
    /// Sums may be regrouped and reordered.
    pub add_commutes: bool,
    /// Products may be regrouped.
    pub mul_associates: bool,
    /// Products may be reordered.
    pub mul_commutes: bool,
    /// `a * (b + c) = a * b + a * c`, and from the right.
    pub distributes: bool,
    /// `zero * x = zero` for every `x`.
    pub zero_annihilates: bool,
    /// `zero * x` may be left out of a reduction where the program states the zero: always if the zero annihilates, and by what the language
    /// grants for floats.
    pub stated_zero_annihilates: bool,
    /// `a + a = a`
    pub idempotent: bool,
    /// Every element has an inverse under `add`, computed by `neg`.
    pub subtracts: bool,
}

/// The laws of `mul` under `add` for values of a dtype; `None` if one of them is not defined there or is not a monoid that has
/// rules (`argmax`, `argmin`, reducers of the program).
#[must_use]
pub fn ring(add: ReduceOp, mul: BinaryFn, dtype: DType) -> Option<Ring> {
    ring_among(Domain::Whole, add, mul, dtype)
}

/// As [`ring()`], among the values of a domain.
#[must_use]
pub fn ring_among(domain: Domain, add: ReduceOp, mul: BinaryFn, dtype: DType) -> Option<Ring> {
    typing::reduce_result(add, dtype, None)?;
    if !typing::takes_binary(mul, dtype, dtype) || mul.is_comparison() {
        return None;
    }
    let zero = zero(add, dtype)?;
    let float = matches!(dtype.class(), Class::Float | Class::Complex);
    let (associates, commutes) = mul_laws(mul);
    let distributes = distributes(add, mul, dtype) || domain == Domain::Monotone && distributes_if_monotone(add, mul, dtype);
    let zero_annihilates = zero_annihilates(add, mul, dtype);
    Some(Ring {
        zero,
        one: one(mul, dtype),
        // Every reduction in the table is a commutative monoid.
        add_commutes: true,
        mul_associates: associates,
        mul_commutes: commutes,
        distributes,
        zero_annihilates,
        stated_zero_annihilates: zero_annihilates || float && has_granted_zero(add, mul),
        idempotent: matches!(add, ReduceOp::Max | ReduceOp::Min | ReduceOp::Any | ReduceOp::All),
        subtracts: add == ReduceOp::Sum,
    })
}

/// Whether `mul` associates and commutes, floats by the language's grant.
const fn mul_laws(mul: BinaryFn) -> (bool, bool) {
    match mul {
        BinaryFn::Add
        | BinaryFn::Mul
        | BinaryFn::Max
        | BinaryFn::Min
        | BinaryFn::And
        | BinaryFn::Or
        | BinaryFn::Xor
        | BinaryFn::BitAnd
        | BinaryFn::BitOr => (true, true),
        _ => (false, false),
    }
}

fn distributes(add: ReduceOp, mul: BinaryFn, dtype: DType) -> bool {
    let real_float = dtype.is_float();
    match (add, mul) {
        (ReduceOp::Sum, BinaryFn::Mul) => true,
        // Integers wrap: the greatest of sums is not the sum with the greatest.
        (ReduceOp::Max | ReduceOp::Min, BinaryFn::Add) => real_float,
        // exp(a) * (exp(b) + exp(c)) in logarithms.
        (ReduceOp::Lse, BinaryFn::Add) => real_float,
        // Lattices distribute both ways; NaN propagates through both.
        (ReduceOp::Max, BinaryFn::Min) | (ReduceOp::Min, BinaryFn::Max) => true,
        (ReduceOp::Max, BinaryFn::Max) | (ReduceOp::Min, BinaryFn::Min) => true,
        (ReduceOp::Any, BinaryFn::And | BinaryFn::Or) | (ReduceOp::All, BinaryFn::Or | BinaryFn::And) => true,
        _ => false,
    }
}

/// `max` and `min` choose among operands, and what keeps the order does not change which.
fn distributes_if_monotone(add: ReduceOp, mul: BinaryFn, dtype: DType) -> bool {
    let is_ordered = dtype.is_float() || dtype.is_integer();
    is_ordered && matches!(add, ReduceOp::Max | ReduceOp::Min) && matches!(mul, BinaryFn::Add | BinaryFn::Mul)
}

/// The stated zeros of floats: `0` under sums, `-inf` under `max` and `lse` of sums, `inf` under `min` of sums.
const fn has_granted_zero(add: ReduceOp, mul: BinaryFn) -> bool {
    matches!((add, mul), (ReduceOp::Sum, BinaryFn::Mul) | (ReduceOp::Max | ReduceOp::Min | ReduceOp::Lse, BinaryFn::Add))
}

fn zero_annihilates(add: ReduceOp, mul: BinaryFn, dtype: DType) -> bool {
    match (add, mul) {
        (ReduceOp::Sum, BinaryFn::Mul) | (ReduceOp::Max, BinaryFn::Min) | (ReduceOp::Min, BinaryFn::Max) => {
            !matches!(dtype.class(), Class::Float | Class::Complex)
        }
        (ReduceOp::Any, BinaryFn::And) | (ReduceOp::All, BinaryFn::Or) => true,
        // The least of these is 0.
        (ReduceOp::Max, BinaryFn::Mul) => dtype.class() == Class::Unsigned,
        // -inf + inf is NaN, and the least integer plus another wraps.
        _ => false,
    }
}

/// The value of the empty reduction.
#[must_use]
pub fn zero(add: ReduceOp, dtype: DType) -> Option<Literal> {
    match add {
        ReduceOp::Sum => number(0, dtype),
        ReduceOp::Prod => number(1, dtype),
        // The least float is -inf where the type has it.
        ReduceOp::Max | ReduceOp::Lse => extreme(dtype, true),
        ReduceOp::Min => extreme(dtype, false),
        ReduceOp::Any => Some(Literal::Bool(false)),
        ReduceOp::All => Some(Literal::Bool(true)),
        ReduceOp::ArgMax | ReduceOp::ArgMin | ReduceOp::User(_) => None,
    }
}

fn one(mul: BinaryFn, dtype: DType) -> Option<Literal> {
    match mul {
        BinaryFn::Add => number(0, dtype),
        BinaryFn::Mul => number(1, dtype),
        BinaryFn::Max => extreme(dtype, true),
        BinaryFn::Min => extreme(dtype, false),
        BinaryFn::And => Some(Literal::Bool(true)),
        BinaryFn::Or => Some(Literal::Bool(false)),
        BinaryFn::Xor | BinaryFn::BitOr if dtype.is_integer() => number(0, dtype),
        BinaryFn::Xor => Some(Literal::Bool(false)),
        _ => None,
    }
}

fn number(n: i32, dtype: DType) -> Option<Literal> {
    match dtype.class() {
        Class::Signed | Class::Unsigned => Some(Literal::Int(i128::from(n))),
        Class::Float => Some(Literal::Float(f64::from(n))),
        Class::Complex => Some(Literal::Complex(f64::from(n), 0.0)),
        Class::Bool | Class::Key => None,
    }
}

fn extreme(dtype: DType, least: bool) -> Option<Literal> {
    let bits = dtype.bits();
    match (dtype.class(), least) {
        (Class::Float, true) => Some(Literal::Float(-greatest_float(dtype))),
        (Class::Float, false) => Some(Literal::Float(greatest_float(dtype))),
        (Class::Signed, true) => Some(Literal::Int(-(1i128 << (bits - 1)))),
        (Class::Signed, false) => Some(Literal::Int((1i128 << (bits - 1)) - 1)),
        (Class::Unsigned, true) => Some(Literal::Int(0)),
        (Class::Unsigned, false) => Some(Literal::Int((1i128 << bits) - 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::eval::eval_binary;
    use crate::scalar::value::Value;

    /// Reduces two values.
    fn fold(add: ReduceOp, a: Value, b: Value) -> Value {
        let function = match add {
            ReduceOp::Sum => BinaryFn::Add,
            ReduceOp::Prod => BinaryFn::Mul,
            ReduceOp::Max => BinaryFn::Max,
            ReduceOp::Min => BinaryFn::Min,
            ReduceOp::Any => BinaryFn::Or,
            ReduceOp::All => BinaryFn::And,
            ReduceOp::Lse => return log_sum_exp(a, b),
            other => panic!("{other:?} is not in the table"),
        };
        eval_binary(function, a, b).unwrap()
    }

    fn log_sum_exp(a: Value, b: Value) -> Value {
        let (Value::Float(a, dtype), Value::Float(b, _)) = (a, b) else { panic!("floats only") };
        let greatest = a.max(b);
        if !greatest.is_finite() {
            return Value::Float(greatest, dtype);
        }
        Value::Float(greatest + ((a - greatest).exp() + (b - greatest).exp()).ln(), dtype)
    }

    fn samples(dtype: DType) -> Vec<Value> {
        let extremes = [extreme(dtype, true), extreme(dtype, false)].into_iter().flatten().map(|l| Value::from_literal(l, dtype));
        match dtype.class() {
            Class::Bool => vec![Value::Bool(false), Value::Bool(true)],
            // Small integers, which floats compute with exactly; of the extremes the grants for floats do not speak.
            Class::Float => [-3, -1, 0, 1, 2].map(|n| Value::small(n, dtype)).to_vec(),
            Class::Complex => vec![Value::complex(1.0, 2.0, dtype), Value::complex(0.0, -1.0, dtype), Value::complex(3.0, 0.0, dtype)],
            _ => [-3, -1, 0, 1, 2, 77].map(|n| Value::small(n, dtype)).into_iter().chain(extremes).collect(),
        }
    }

    /// Every law that the table grants holds on samples.
    #[test]
    fn granted_laws_hold() {
        let dtypes = [DType::Bool, DType::I8, DType::U8, DType::I32, DType::U64, DType::F32, DType::F64, DType::C128];
        let mut n_rings = 0;
        for dtype in dtypes {
            for add in ReduceOp::ALL {
                for mul in BinaryFn::ALL {
                    let Some(ring) = ring(add, mul, dtype) else { continue };
                    n_rings += 1;
                    check(ring, add, mul, &samples(dtype));
                    let monotone = ring_among(Domain::Monotone, add, mul, dtype).unwrap();
                    check(monotone, add, mul, &monotone_samples(mul, dtype));
                }
            }
        }
        assert!(n_rings > 100, "{n_rings}");
    }

    /// 0.0 for -0.0, and no more digits than functions of floats have: neither is among the laws.
    fn comparable(x: Value) -> Value {
        match x {
            Value::Float(x, dtype) if x.is_finite() => Value::Float((x * 1e5).round() / 1e5 + 0.0, dtype),
            Value::Complex(re, im, dtype) => Value::Complex(re + 0.0, im + 0.0, dtype),
            other => other,
        }
    }

    /// Samples of which no three overflow under `mul`, none below 0 where that is a product.
    fn monotone_samples(mul: BinaryFn, dtype: DType) -> Vec<Value> {
        let plain = |n: &i32| dtype.class() != Class::Unsigned || *n >= 0;
        match (mul, dtype.class()) {
            (_, Class::Bool | Class::Complex | Class::Key) => samples(dtype),
            (BinaryFn::Mul, _) => [0, 1, 2, 3, 5].map(|n| Value::small(n, dtype)).to_vec(),
            _ => [-3, -1, 0, 1, 2, 40].into_iter().filter(plain).map(|n| Value::small(n, dtype)).collect(),
        }
    }

    fn check(ring: Ring, add: ReduceOp, mul: BinaryFn, values: &[Value]) {
        let dtype = values[0].dtype();
        let apply = |f: BinaryFn, a: Value, b: Value| comparable(eval_binary(f, a, b).unwrap());
        let plus = |a: Value, b: Value| comparable(fold(add, a, b));
        let zero = Value::from_literal(ring.zero, dtype);
        let name = format!("{} {} {dtype}", add.name(), mul.name());
        for &a in values {
            assert_eq!(plus(zero, a), a, "{name}: zero");
            if let Some(one) = ring.one {
                assert_eq!(apply(mul, Value::from_literal(one, dtype), a), a, "{name}: one");
            }
            if ring.idempotent {
                assert_eq!(plus(a, a), a, "{name}: idempotent");
            }
            if ring.zero_annihilates {
                assert_eq!(apply(mul, zero, a), zero, "{name}: annihilates");
            }
            for &b in values {
                assert_eq!(plus(a, b), plus(b, a), "{name}: add commutes");
                if ring.mul_commutes {
                    assert_eq!(apply(mul, a, b), apply(mul, b, a), "{name}: mul commutes");
                }
                for &c in values {
                    if ring.mul_associates {
                        assert_eq!(apply(mul, apply(mul, a, b), c), apply(mul, a, apply(mul, b, c)), "{name}: mul associates");
                    }
                    if ring.distributes {
                        let (whole, parts) = (apply(mul, a, plus(b, c)), plus(apply(mul, a, b), apply(mul, a, c)));
                        assert_eq!(whole, parts, "{name}: distributes at {a:?} {b:?} {c:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn min_plus_distributes_over_floats_only() {
        assert!(ring(ReduceOp::Min, BinaryFn::Add, DType::F32).unwrap().distributes);
        assert!(!ring(ReduceOp::Min, BinaryFn::Add, DType::I32).unwrap().distributes);
        assert!(!ring(ReduceOp::Max, BinaryFn::Mul, DType::F32).unwrap().distributes);
        assert!(!ring(ReduceOp::Sum, BinaryFn::Mul, DType::F32).unwrap().zero_annihilates);
        assert_eq!(ring(ReduceOp::Sum, BinaryFn::Mul, DType::Bool), None);
    }

    /// What the order of values says, and what it does not.
    #[test]
    fn more_is_known_of_values_that_keep_their_order() {
        let among = |add, mul, dtype| ring_among(Domain::Monotone, add, mul, dtype).unwrap();
        for dtype in [DType::I8, DType::U16, DType::I64, DType::F32] {
            for add in [ReduceOp::Max, ReduceOp::Min] {
                assert!(among(add, BinaryFn::Add, dtype).distributes && among(add, BinaryFn::Mul, dtype).distributes);
                // From a constant no difference, and no quotient, keeps it.
                assert!(!among(add, BinaryFn::Sub, dtype).distributes);
            }
            assert!(!among(ReduceOp::Prod, BinaryFn::Add, dtype).distributes);
        }
        let stated = |add, mul, dtype| among(add, mul, dtype).stated_zero_annihilates;
        assert!(stated(ReduceOp::Min, BinaryFn::Add, DType::F64) && !stated(ReduceOp::Min, BinaryFn::Mul, DType::F64));
        // The greatest integer less one is another one.
        assert!(!stated(ReduceOp::Min, BinaryFn::Add, DType::I32) && !stated(ReduceOp::Max, BinaryFn::Mul, DType::I32));
        assert!(stated(ReduceOp::Max, BinaryFn::Mul, DType::U32));
    }
}
