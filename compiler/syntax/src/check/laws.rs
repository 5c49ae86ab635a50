//! Whether the laws that a reducer states hold on small values.

use super::reducer::spelling;
use crate::ast::{Law, LawKind, Reducer};
use crate::builtins::{self, Function};
use crate::error::reducers::error;
use crate::error::sums;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::{Class, DType};
use ein_ir::scalar::eval::{cast, eval_binary, eval_unary};
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::typing::takes_binary;
use ein_ir::scalar::value::Value;
use ein_ir::scalar::{Scalar, ScalarKind};
use ein_ir::tensor::ReducerDecl;

/// Relative difference up to which two floats count as the same: far above rounding, far below a law that is false.
const CLOSE: f64 = 1e-9;

/// A law that fails, as the two sides in words with their values.
struct Counterexample {
    lhs: (String, Value),
    rhs: (String, Value),
}

/// A report for each law that is false on some small values of a type. `decls` are the reducer in the types in which it has a meaning.
pub(super) fn refute(item: &Reducer, decls: &[ReducerDecl]) -> Vec<Diagnostic> {
    item.laws.iter().filter_map(|law| refute_law(item, decls, law)).collect()
}

fn refute_law(item: &Reducer, decls: &[ReducerDecl], law: &Law) -> Option<Diagnostic> {
    let first = decls.first()?;
    let (values, reducer) = (samples(first.dtype), Reduced { name: item.name.as_str(), decl: first });
    let (found, is) = match &law.kind {
        LawKind::Assoc => (triples(&values).find_map(|v| reducer.associates(v)), "associative".to_owned()),
        LawKind::Comm => (triples(&values).find_map(|[a, b, _]| reducer.commutes(a, b)), "commutative".to_owned()),
        LawKind::Idem => (values.iter().find_map(|a| reducer.repeats(*a)), "idempotent".to_owned()),
        LawKind::DistributesOver(function) => {
            let name = spelling(function);
            let Some(f) = function_of(name) else {
                let found = sums::error(211, format!("there is no function `{name}` of two values")).at(law.span, "not a function");
                return Some(found.note("functions that distribute are `+`, `*`, `and`, `or`, and built-in functions of two values"));
            };
            let Some(decl) = decls.iter().find(|decl| takes_binary(f, decl.dtype, decl.dtype)) else {
                let found = error(506, format!("`{name}` does not distribute over `{}`: no type has both", item.name));
                return Some(found.at(law.span, "stated here").help("leave the law out"));
            };
            let (values, reducer) = (samples(decl.dtype), Reduced { decl, ..reducer });
            (triples(&values).find_map(|v| reducer.distributes(name, f, v)), format!("one that `{name}` distributes over"))
        }
    };
    let Counterexample { lhs, rhs } = found?;
    let found = error(506, format!("`{}` is not {is}: {} is {}, and {} is {}", item.name, lhs.0, show(lhs.1), rhs.0, show(rhs.1)));
    Some(found.at(law.span, "stated here").and(item.body.span, "does not obey it").help("leave the law out"))
}

/// A reducer as a function.
struct Reduced<'a> {
    name: &'a str,
    decl: &'a ReducerDecl,
}

impl Reduced<'_> {
    fn of(&self, a: Value, b: Value) -> Option<Value> {
        evaluate(&self.decl.combine, [a, b])
    }

    fn text(&self, a: impl Into<String>, b: impl Into<String>) -> String {
        format!("{}({}, {})", self.name, a.into(), b.into())
    }

    fn associates(&self, [a, b, c]: [Value; 3]) -> Option<Counterexample> {
        let (lhs, rhs) = (self.of(self.of(a, b)?, c)?, self.of(a, self.of(b, c)?)?);
        let (inner_lhs, inner_rhs) = (self.text(show(a), show(b)), self.text(show(b), show(c)));
        differ((self.text(inner_lhs, show(c)), lhs), (self.text(show(a), inner_rhs), rhs))
    }

    fn commutes(&self, a: Value, b: Value) -> Option<Counterexample> {
        differ((self.text(show(a), show(b)), self.of(a, b)?), (self.text(show(b), show(a)), self.of(b, a)?))
    }

    fn repeats(&self, a: Value) -> Option<Counterexample> {
        differ((self.text(show(a), show(a)), self.of(a, a)?), (show(a), a))
    }

    /// `f(a, b ∘ c) = f(a, b) ∘ f(a, c)`
    fn distributes(&self, name: &str, f: BinaryFn, [a, b, c]: [Value; 3]) -> Option<Counterexample> {
        let apply = |x: Value, y: Value| eval_binary(f, x, y).ok();
        let text = |x: &str, y: &str| match name.chars().next() {
            Some(c) if c.is_alphabetic() && !matches!(f, BinaryFn::And | BinaryFn::Or) => format!("{name}({x}, {y})"),
            _ => format!("{x} {name} {y}"),
        };
        let lhs = apply(a, self.of(b, c)?)?;
        let rhs = self.of(apply(a, b)?, apply(a, c)?)?;
        let (a, b, c) = (show(a), show(b), show(c));
        differ((text(&a, &self.text(b.clone(), c.clone())), lhs), (self.text(text(&a, &b), text(&a, &c)), rhs))
    }
}

fn differ(lhs: (String, Value), rhs: (String, Value)) -> Option<Counterexample> {
    (!same(lhs.1, rhs.1)).then_some(Counterexample { lhs, rhs })
}

fn same(a: Value, b: Value) -> bool {
    let close = |x: f64, y: f64| x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= CLOSE * x.abs().max(y.abs()).max(1.0);
    match (a, b) {
        (Value::Float(x, _), Value::Float(y, _)) => close(x, y),
        (Value::Complex(a, b, _), Value::Complex(c, d, _)) => close(a, c) && close(b, d),
        _ => a == b,
    }
}

/// Small values, the plainest first; none at which common functions overflow.
fn samples(dtype: DType) -> Vec<Value> {
    match dtype.class() {
        Class::Bool => vec![Value::Bool(true), Value::Bool(false)],
        Class::Float => [1.0, 2.0, 0.5, -1.0, 0.0, -2.5].map(|x| Value::float(x, dtype)).to_vec(),
        Class::Complex => [(1.0, 0.0), (0.0, 1.0), (2.0, -1.0), (-0.5, 0.5)].map(|(re, im)| Value::complex(re, im, dtype)).to_vec(),
        _ => [1, 2, 3, -1, 0, -5].map(|n| Value::int(n, dtype)).to_vec(),
    }
}

fn triples(values: &[Value]) -> impl Iterator<Item = [Value; 3]> {
    values.iter().flat_map(move |a| values.iter().flat_map(move |b| values.iter().map(move |c| [*a, *b, *c])))
}

fn function_of(name: &str) -> Option<BinaryFn> {
    match name {
        "+" => Some(BinaryFn::Add),
        "*" => Some(BinaryFn::Mul),
        "and" => Some(BinaryFn::And),
        "or" => Some(BinaryFn::Or),
        _ => match builtins::function(name)?.function {
            Function::Binary(f) | Function::Fold(f) => Some(f),
            Function::Unary(_) => None,
        },
    }
}

/// The value of an expression over the two values of a reducer; `None` where it fails.
fn evaluate(scalar: &Scalar, operands: [Value; 2]) -> Option<Value> {
    match &scalar.kind {
        ScalarKind::Literal(literal) => Some(Value::from_literal(*literal, scalar.dtype)),
        ScalarKind::Operand(n) => operands.get(*n as usize).copied(),
        ScalarKind::Unary(f, a) => Some(eval_unary(*f, evaluate(a, operands)?, scalar.dtype)),
        ScalarKind::Binary(f, a, b) => eval_binary(*f, evaluate(a, operands)?, evaluate(b, operands)?).ok(),
        ScalarKind::Cast(a) => Some(cast(evaluate(a, operands)?, scalar.dtype)),
        ScalarKind::If(c, a, b) => match evaluate(c, operands)? {
            Value::Bool(true) => evaluate(a, operands),
            _ => evaluate(b, operands),
        },
        ScalarKind::Index(_) | ScalarKind::Size(_) | ScalarKind::Access(_) | ScalarKind::Approx(_) | ScalarKind::Accumulated => None,
    }
}

fn show(value: Value) -> String {
    match value {
        Value::Bool(b) => b.to_string(),
        Value::Int(n, _) => n.to_string(),
        Value::Float(x, _) => x.to_string(),
        Value::Complex(re, im, _) => format!("({re} + {im}im)"),
        Value::Key(k) => k.to_string(),
    }
}
