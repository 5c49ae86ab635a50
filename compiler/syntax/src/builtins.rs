//! The built-in functions, reducers and constants (language 4b), each named once.

use ein_ir::constant::Generator;
pub(crate) use ein_ir::near::nearest;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::tensor::{MultiOp, ReduceOp};

/// What a built-in function demands of its operands and gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signature {
    /// Any number; the result has its type.
    Number,
    /// An integer or a real number; the result has its type.
    Real,
    /// A real floating-point number; the result has its type. Literals, sizes and index values count as floats.
    Float,
    /// A floating-point or complex number; the result has its type. Literals, sizes and index values count as floats.
    Inexact,
    /// An integer or a bool; the result has its type.
    Bits,
    /// An integer; the result has its type.
    Integer,
    /// Any number; the result is real.
    RealPart,
    /// A real floating-point number; the result is complex.
    Cis,
    /// Any number; the result is a bool.
    Test,
    /// Anything; the result has its type.
    Any,
}

/// A built-in function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// Of one value.
    Unary(UnaryFn),
    /// Of two values of one type.
    Binary(BinaryFn),
    /// Of two or more values of one type, folded from the left.
    Fold(BinaryFn),
}

/// A built-in function with what it demands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Builtin {
    pub(crate) name: &'static str,
    pub(crate) function: Function,
    pub(crate) signature: Signature,
}

const fn unary(function: UnaryFn, signature: Signature) -> Builtin {
    Builtin { name: function.name(), function: Function::Unary(function), signature }
}

const fn binary(function: BinaryFn, signature: Signature) -> Builtin {
    Builtin { name: function.name(), function: Function::Binary(function), signature }
}

const fn fold(function: BinaryFn, signature: Signature) -> Builtin {
    Builtin { name: function.name(), function: Function::Fold(function), signature }
}

/// The form that permits an approximation: its first argument is the name of a function.
pub(crate) const APPROX: &str = "approx";

/// Every elementwise function.
pub(crate) const FUNCTIONS: [Builtin; 39] = [
    unary(UnaryFn::Abs, Signature::RealPart),
    unary(UnaryFn::Sign, Signature::Number),
    unary(UnaryFn::Floor, Signature::Real),
    unary(UnaryFn::Ceil, Signature::Real),
    unary(UnaryFn::Round, Signature::Real),
    unary(UnaryFn::Trunc, Signature::Real),
    unary(UnaryFn::Exp, Signature::Inexact),
    unary(UnaryFn::Expm1, Signature::Inexact),
    unary(UnaryFn::Log, Signature::Inexact),
    unary(UnaryFn::Log1p, Signature::Inexact),
    unary(UnaryFn::Sqrt, Signature::Inexact),
    unary(UnaryFn::Rsqrt, Signature::Inexact),
    unary(UnaryFn::Sin, Signature::Inexact),
    unary(UnaryFn::Cos, Signature::Inexact),
    unary(UnaryFn::Tan, Signature::Inexact),
    unary(UnaryFn::Tanh, Signature::Inexact),
    unary(UnaryFn::Sigmoid, Signature::Inexact),
    unary(UnaryFn::Softplus, Signature::Float),
    unary(UnaryFn::Erf, Signature::Float),
    unary(UnaryFn::Gelu, Signature::Float),
    unary(UnaryFn::Silu, Signature::Inexact),
    unary(UnaryFn::Relu, Signature::Real),
    unary(UnaryFn::IsNan, Signature::Test),
    unary(UnaryFn::IsFinite, Signature::Test),
    unary(UnaryFn::Cis, Signature::Cis),
    unary(UnaryFn::Conj, Signature::Number),
    unary(UnaryFn::Real, Signature::RealPart),
    unary(UnaryFn::Imag, Signature::RealPart),
    unary(UnaryFn::BitNot, Signature::Integer),
    unary(UnaryFn::Popcount, Signature::Integer),
    unary(UnaryFn::Keep, Signature::Any),
    binary(BinaryFn::Atan2, Signature::Float),
    binary(BinaryFn::Xor, Signature::Bits),
    binary(BinaryFn::BitAnd, Signature::Integer),
    binary(BinaryFn::BitOr, Signature::Integer),
    binary(BinaryFn::Shl, Signature::Integer),
    binary(BinaryFn::Shr, Signature::Integer),
    fold(BinaryFn::Max, Signature::Real),
    fold(BinaryFn::Min, Signature::Real),
];

/// The function of this name.
pub(crate) fn function(name: &str) -> Option<&'static Builtin> {
    FUNCTIONS.iter().find(|f| f.name == name)
}

/// A function that works on whole tensors: an equation of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whole {
    /// Of tensors.
    Function(MultiOp),
    /// Of sizes alone.
    Formula(Generator),
}

/// The function of whole tensors of this name.
pub(crate) fn whole(name: &str) -> Option<Whole> {
    let function = MultiOp::ALL.into_iter().find(|op| op.name() == name).map(Whole::Function);
    function.or_else(|| Generator::ALL.into_iter().find(|g| g.name() == name).map(Whole::Formula))
}

/// Names of every function of whole tensors.
pub(crate) fn whole_names<'a>() -> impl Iterator<Item = &'a str> {
    let functions = MultiOp::ALL.into_iter().map(|op| -> &'a str { op.name() });
    functions.chain(Generator::ALL.into_iter().map(|g| -> &'a str { g.name() }))
}

/// What a reducer's name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reducer {
    /// A reduction of tensor IR.
    Op(ReduceOp),
    /// A sum divided by the number of its elements.
    Mean,
    /// A `reducer` of the program; which one depends on the type of what is reduced.
    Program,
}

/// Names of every reducer.
pub(crate) const REDUCERS: [&str; 10] = ["sum", "mean", "prod", "max", "min", "any", "all", "lse", "argmax", "argmin"];

/// The reducer of this name.
pub(crate) fn reducer(name: &str) -> Option<Reducer> {
    if name == "mean" {
        return Some(Reducer::Mean);
    }
    ReduceOp::ALL.into_iter().find(|op| op.name() == name).map(Reducer::Op)
}

/// The value of a constant.
pub(crate) fn constant(name: &str) -> Option<f64> {
    match name {
        "pi" => Some(std::f64::consts::PI),
        "inf" => Some(f64::INFINITY),
        "nan" => Some(f64::NAN),
        _ => None,
    }
}

/// Names of the constants.
pub(crate) const CONSTANTS: [&str; 3] = ["pi", "inf", "nan"];

/// What happens outside an axis, by name: only directly between the brackets of an access.
pub(crate) const MODES: [&str; 4] = ["pad", "clamp", "wrap", "reflect"];

/// The words that mean something where they stand without being keywords, by what they are: for editors and references.
#[must_use]
pub fn vocabulary() -> [(&'static str, Vec<&'static str>); 4] {
    let functions = FUNCTIONS.iter().map(|function| function.name).collect();
    [("function", functions), ("reducer", REDUCERS.to_vec()), ("constant", CONSTANTS.to_vec()), ("mode", MODES.to_vec())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_near_misses_are_found() {
        let names: std::collections::BTreeSet<_> = FUNCTIONS.iter().map(|f| f.name).collect();
        assert_eq!(names.len(), FUNCTIONS.len());
        assert_eq!(nearest("summ", REDUCERS), Some("sum"));
        assert!(REDUCERS.iter().all(|name| reducer(name).is_some()));
    }
}
