//! What must hold of scalar expressions wherever they stand.
//!
//! * Every node has the dtype that [`typing`] gives for its operands, and its function takes them.
//! * Literals are values of their dtype; sizes are polynomials over declared dims.
//! * An access names a readable tensor, has one i64 subscript an axis, and a pad value only beside a pad mode.
//! * Indices, operands and the finished reduction occur only where they mean something.

use super::approx::{Approx, Degree};
use super::print::{Types, print};
use super::{Access, Mode, Scalar, ScalarKind, typing};
use crate::dtype::DType;
use crate::entity::{Index, Tensor};
use crate::extent::{Atom, Extent};
use crate::interval::{Interval, interval};

/// Where a scalar expression stands.
pub(crate) struct Scope<'a> {
    /// Dtypes of tensors, of the operands of a reducer, and of a finished reduction.
    pub(crate) types: Types<'a>,
    /// Number of axes of a declared tensor.
    pub(crate) rank: &'a dyn Fn(Tensor) -> Option<usize>,
    /// Why an access is not allowed here, if it is not.
    pub(crate) refuse: &'a dyn Fn(&Access) -> Option<String>,
    /// Why a size is not allowed, if it is not.
    pub(crate) refuse_size: &'a dyn Fn(&Extent) -> Option<String>,
    /// Indices that have a value here.
    pub(crate) indices: &'a [Index],
    /// Whether functions may be approximated here.
    pub(crate) approximates: bool,
}

/// Adds a message for every broken rule to `errors`.
pub(crate) fn check(scalar: &Scalar, scope: &Scope<'_>, errors: &mut Vec<String>) {
    let before = errors.len();
    check_node(scalar, scope, errors);
    if errors.len() > before {
        let text = shortened(print(scalar, scope.types).to_string());
        errors[before..].iter_mut().for_each(|message| *message = format!("{message}: {text}"));
    }
    match &scalar.kind {
        ScalarKind::Approx(approx) => {
            check(&approx.argument, scope, errors);
            check_function(approx, scope, errors);
        }
        _ => scalar.children().into_iter().for_each(|child| check(child, scope, errors)),
    }
}

/// The function of an approximation has one value, and nothing else around it.
fn check_function(approx: &Approx, scope: &Scope<'_>, errors: &mut Vec<String>) {
    let alone = Scope {
        types: Types { operand: Some(approx.argument.dtype), accumulated: None, ..scope.types },
        rank: scope.rank,
        refuse: &|_| Some("a function reads a tensor".to_owned()),
        refuse_size: scope.refuse_size,
        indices: &[],
        approximates: false,
    };
    check_typed(&approx.function, approx.argument.dtype, "the function", &alone, errors);
}

/// As [`check`], and the dtype must be this one.
pub(crate) fn check_typed(scalar: &Scalar, dtype: DType, what: &str, scope: &Scope<'_>, errors: &mut Vec<String>) {
    check(scalar, scope, errors);
    if scalar.dtype != dtype {
        errors.push(format!("{what} is {}, not {dtype}", scalar.dtype));
    }
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(120) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text,
    }
}

fn check_node(node: &Scalar, scope: &Scope<'_>, errors: &mut Vec<String>) {
    let dtype = node.dtype;
    let mut refuse = |message: String| errors.push(message);
    match &node.kind {
        ScalarKind::Literal(literal) if !typing::takes_literal(*literal, dtype) => refuse(format!("the literal is no value of {dtype}")),
        ScalarKind::Index(index) if !scope.indices.contains(index) => refuse(format!("{index} has no value here")),
        ScalarKind::Size(size) => scope_size(size, scope, &mut refuse),
        ScalarKind::Access(access) => check_access(access, scope, &mut refuse),
        ScalarKind::Unary(function, a) if !typing::takes_unary(*function, a.dtype) => {
            refuse(format!("`{}` takes no {}", function.name(), a.dtype));
        }
        ScalarKind::Binary(function, a, b) if !typing::takes_binary(*function, a.dtype, b.dtype) => {
            refuse(format!("`{}` takes no {} and {}", function.name(), a.dtype, b.dtype));
        }
        ScalarKind::Cast(a) if !typing::takes_cast(a.dtype, dtype) => refuse(format!("no cast from {} to {dtype}", a.dtype)),
        ScalarKind::If(c, a, b) => {
            if c.dtype != DType::Bool {
                refuse(format!("the condition is {}, not bool", c.dtype));
            }
            if a.dtype != b.dtype {
                refuse(format!("the branches are {} and {}", a.dtype, b.dtype));
            }
        }
        ScalarKind::Approx(_) if !scope.approximates => refuse("no approximation here".to_owned()),
        ScalarKind::Approx(approx) => check_approx(approx, &mut refuse),
        ScalarKind::Operand(n) if *n > 1 || scope.types.operand.is_none() => refuse("no such operand here".to_owned()),
        ScalarKind::Accumulated if scope.types.accumulated.is_none() => refuse("no finished reduction here".to_owned()),
        _ => {}
    }
    let literal_or_cast = matches!(node.kind, ScalarKind::Literal(_) | ScalarKind::Cast(_));
    if let Some(determined) = scope.types.determined(&node.kind)
        && determined != dtype
        && !literal_or_cast
    {
        errors.push(format!("the node says {dtype} where the rule gives {determined}"));
    }
}

fn check_approx(approx: &Approx, refuse: &mut dyn FnMut(String)) {
    let (lo, hi) = approx.on;
    if !approx.argument.dtype.is_float() {
        refuse(format!("an approximation of a function of {}", approx.argument.dtype));
    }
    if !(lo.is_finite() && hi.is_finite() && lo < hi) {
        refuse(format!("an approximation on {lo}..{hi}"));
    }
    if matches!(approx.degree, Degree::AtMost(0) | Degree::Exactly(0)) {
        refuse("an approximation of degree 0".to_owned());
    }
}

fn scope_size(size: &Extent, scope: &Scope<'_>, refuse: &mut dyn FnMut(String)) {
    if let Some(why) = (scope.refuse_size)(size) {
        refuse(why);
    }
}

fn check_access(access: &Access, scope: &Scope<'_>, refuse: &mut dyn FnMut(String)) {
    let (Some(dtype), Some(rank)) = ((scope.types.tensor)(access.tensor), (scope.rank)(access.tensor)) else {
        return refuse(format!("{} is not declared", access.tensor));
    };
    if let Some(why) = (scope.refuse)(access) {
        refuse(why);
    }
    if access.subs.len() != rank {
        refuse(format!("{} subscripts for {rank} axes", access.subs.len()));
    }
    for sub in access.subs.iter().filter(|sub| sub.value.dtype != DType::I64) {
        refuse(format!("a subscript is {}, not i64", sub.value.dtype));
    }
    let Some(pad) = access.pad else { return };
    if !access.subs.iter().any(|sub| sub.mode == Mode::Pad) {
        refuse("a pad value without a pad mode".to_owned());
    }
    if !typing::takes_literal(pad, dtype) {
        refuse(format!("the pad value is no value of {dtype}"));
    }
}

/// Number of points that may be tried one by one where interval arithmetic is not exact.
const MAX_POINTS: i128 = 1 << 16;

/// Adds a message for every exact polynomial subscript that can leave its axis, outside of lazily evaluated parts.
///
/// `range_of` gives the values of each index, none of them empty; `axes_of` the sizes of the axes of a tensor.
pub(crate) fn check_bounds(
    scalar: &Scalar,
    range_of: &dyn Fn(Index) -> Option<Interval>,
    axes_of: &dyn Fn(Tensor) -> Option<Vec<u64>>,
    errors: &mut Vec<String>,
) {
    if let ScalarKind::Access(access) = &scalar.kind
        && let Some(axes) = axes_of(access.tensor)
    {
        for (axis, (sub, size)) in access.subs.iter().zip(&axes).enumerate() {
            let Some(polynomial) = sub.value.as_polynomial().filter(|_| sub.mode == Mode::Exact) else { continue };
            if let Some((lo, hi)) = reach_outside(&polynomial, i128::from(*size), range_of) {
                let tensor = access.tensor;
                errors.push(format!("subscript {polynomial} reaches {lo}..={hi} on axis {axis} of {tensor}, which has size {size}"));
            }
        }
    }
    let lazy_after_first = |kind: &ScalarKind| {
        use super::function::BinaryFn;
        matches!(kind, ScalarKind::If(..) | ScalarKind::Binary(BinaryFn::And | BinaryFn::Or, ..))
    };
    let n_evaluated = if lazy_after_first(&scalar.kind) { 1 } else { usize::MAX };
    for child in scalar.children().into_iter().take(n_evaluated) {
        check_bounds(child, range_of, axes_of, errors);
    }
}

/// Where a subscript reaches if that is not inside `0..size`.
fn reach_outside(polynomial: &Extent, size: i128, range_of: &dyn Fn(Index) -> Option<Interval>) -> Option<Interval> {
    let of_atom = |atom: &Atom| match atom {
        Atom::Index(index) => range_of(*index),
        _ => None,
    };
    let reach = interval(polynomial, &of_atom)?;
    if reach.0 >= 0 && reach.1 < size {
        return None;
    }
    if is_affine(polynomial) { Some(reach) } else { reach_by_trial(polynomial, &of_atom).filter(|r| r.0 < 0 || r.1 >= size) }
}

/// Whether interval arithmetic is exact: every term is an index, or none.
fn is_affine(polynomial: &Extent) -> bool {
    polynomial.terms().all(|(monomial, _)| matches!(monomial.as_slice(), [] | [Atom::Index(_)]))
}

/// Where a polynomial reaches, found by evaluating it everywhere; `None` if that are too many points.
fn reach_by_trial(polynomial: &Extent, range_of: &dyn Fn(&Atom) -> Option<Interval>) -> Option<Interval> {
    let ranges: Vec<(Atom, Interval)> = polynomial
        .leaves()
        .into_iter()
        .map(|atom| Some((range_of(&atom)?, atom)))
        .map(|r| r.map(|(r, a)| (a, r)))
        .collect::<Option<_>>()?;
    let n_points = ranges.iter().try_fold(1i128, |n, (_, (lo, hi))| n.checked_mul(hi - lo + 1)).filter(|n| *n <= MAX_POINTS)?;
    let mut reach: Option<Interval> = None;
    for point in 0..n_points {
        let mut rest = point;
        let mut values = Vec::with_capacity(ranges.len());
        for (atom, (lo, hi)) in &ranges {
            values.push((atom, lo + rest % (hi - lo + 1)));
            rest /= hi - lo + 1;
        }
        let value = polynomial.evaluate(&|atom| values.iter().find(|(a, _)| *a == atom).map(|(_, v)| *v))?;
        let (lo, hi) = reach.unwrap_or((value, value));
        reach = Some((lo.min(value), hi.max(value)));
    }
    reach
}
