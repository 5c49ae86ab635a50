//! The implicit sum (language 3): an equation with silent sums becomes one in which every sum is written.
//!
//! The walk stops at each maximal chain of `*` and `/`, signs pulled out and parentheses of products flattened, or at a lone
//! access. An index that is not bound, and occurs at least twice in the *plain* numerator factors and nowhere else in the
//! chain, is summed around the product of the plain factors that hold indices; the other factors and the divisors stay
//! outside. A plain factor without any index stays outside as well, which is the same sum, unless it is of a type that a sum
//! leaves for a wider one: then it is multiplied there.

use super::names::{renamed, visit_free};
use super::start::{Start, is_mostly_of_sum, suggest_unused};
use crate::ast::{Argument, BinaryOp, Binder, BinderKind, ElementKind, Expr, ExprKind, Ident, Reduction, UnaryOp};
use crate::builtins::nearest;
use crate::error::sums::{error, hides};
use crate::print::print_expr;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::span::Span;

/// What names mean outside of an equation.
pub(crate) trait Outside {
    /// Place and kind of the declaration of a name, if it has one.
    fn declared(&self, name: &str) -> Option<(Span, &'static str)>;
    /// Whether a name before brackets and parentheses is a reducer.
    fn is_reducer(&self, name: &str) -> bool;
    /// Whether it is something that can be called with so many values.
    fn is_function(&self, name: &str, n_args: usize) -> bool;
    /// The element type of a tensor.
    fn element(&self, name: &str) -> Option<DType>;
}

/// The result of making sums explicit.
pub(crate) struct Explicit {
    /// The right side with every sum written.
    pub(crate) value: Expr,
    /// Indices that an error was reported for: they count as bound from there on, so that one mistake is reported once.
    pub(crate) poisoned: Vec<Ident>,
    /// E0201, E0202, E0203 and E0205.
    pub(crate) errors: Vec<Diagnostic>,
}

/// Makes the sums of a right side explicit; `bound` are the indices of the left side.
pub(crate) fn make_explicit(value: &Expr, bound: &[Ident], outside: &dyn Outside) -> Explicit {
    let mut pass = Pass { outside, bound: bound.to_vec(), poisoned: Vec::new(), start: Start::default(), errors: Vec::new() };
    let value = pass.expr(value);
    Explicit { value, poisoned: pass.poisoned, errors: pass.errors }
}

struct Pass<'a> {
    outside: &'a dyn Outside,
    bound: Vec<Ident>,
    poisoned: Vec<Ident>,
    /// Where a forgotten `sum` around the current chain should begin.
    start: Start<'a>,
    errors: Vec<Diagnostic>,
}

/// A factor of a chain.
struct Factor<'a> {
    expr: &'a Expr,
    inverse: bool,
    plain: bool,
}

/// A candidate for an implicit sum.
struct Candidate<'a> {
    first: &'a Ident,
    count: usize,
}

impl<'a> Pass<'a> {
    fn expr(&mut self, e: &'a Expr) -> Expr {
        let kind = match &e.kind {
            ExprKind::Number(_) | ExprKind::Boolean(_) | ExprKind::Size(_) | ExprKind::Name(_) | ExprKind::Prev(_) => return e.clone(),
            ExprKind::Subscript { .. } => return self.chain(e),
            ExprKind::Binary { op: BinaryOp::Mul | BinaryOp::Div, .. } | ExprKind::Unary { op: UnaryOp::Neg, .. } => return self.chain(e),
            ExprKind::Paren(inner) if self.is_chain(inner) => return self.chain(e),
            ExprKind::Paren(inner) => ExprKind::Paren(Box::new(self.expr(inner))),
            _ if self.is_plain(e) => return self.chain(e),
            ExprKind::Binary { op, op_span, lhs, rhs } => {
                let before = self.start;
                let additive = matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Pow);
                self.start = if additive { before.in_terms(e) } else { before.in_function(e) };
                let (lhs, rhs) = (Box::new(self.expr(lhs)), Box::new(self.expr(rhs)));
                self.start = before;
                ExprKind::Binary { op: *op, op_span: *op_span, lhs, rhs }
            }
            _ => return self.nested(e),
        };
        Expr::new(kind, e.span)
    }

    /// Forms whose operands are separate places for sums.
    fn nested(&mut self, e: &'a Expr) -> Expr {
        let before = self.start;
        self.start = before.in_function(e);
        let kind = match &e.kind {
            ExprKind::Call { name, args } => self.call(name, args),
            ExprKind::Reduce(reduction) => ExprKind::Reduce(Box::new(self.reduction(reduction, e))),
            ExprKind::If { condition, then, otherwise } => ExprKind::If {
                condition: Box::new(self.expr(condition)),
                then: Box::new(self.expr(then)),
                otherwise: Box::new(self.expr(otherwise)),
            },
            ExprKind::Cast { value, to } => ExprKind::Cast { value: Box::new(self.expr(value)), to: to.clone() },
            ExprKind::Unary { op, op_span, value } => ExprKind::Unary { op: *op, op_span: *op_span, value: Box::new(self.expr(value)) },
            other => other.clone(),
        };
        self.start = before;
        Expr::new(kind, e.span)
    }

    fn call(&mut self, name: &Ident, args: &'a [Argument]) -> ExprKind {
        let before = (self.start, self.errors.len());
        let mut made = Vec::with_capacity(args.len());
        for arg in args {
            self.start = if is_mostly_of_sum(name.as_str(), &arg.value) { Start::of_sum() } else { before.0 };
            made.push(Argument { value: self.expr(&arg.value), ..arg.clone() });
        }
        let outside = self.outside;
        if outside.is_reducer(name.as_str()) && !outside.is_function(name.as_str(), args.len()) {
            // `sum(x[i])`: that the brackets are missing is said of the call.
            let mut new = self.errors.split_off(before.1);
            new.retain(|d| d.code.0 != 201);
            self.errors.append(&mut new);
        }
        ExprKind::Call { name: name.clone(), args: made }
    }

    fn reduction(&mut self, r: &'a Reduction, whole: &Expr) -> Reduction {
        let before = self.bound.len();
        // Of what is no reducer nothing more is said than that.
        let is_reducer = self.outside.is_reducer(r.name.as_str());
        for binder in &r.binders {
            let name = binder.name();
            if !is_reducer || name.is_hole() {
                self.bound.push(name.clone());
                continue;
            }
            if let Some(first) = self.bound.iter().find(|b| b.name == name.name) {
                self.errors.push(bound_twice(name, first.span, whole));
            } else if let Some((span, what)) = self.outside.declared(name.as_str()) {
                self.errors.push(hides(name.as_str(), name.span, span, what));
            }
            self.bound.push(name.clone());
        }
        let (start, found) = (std::mem::take(&mut self.start), self.errors.len());
        let guard = r.guard.as_ref().map(|g| self.expr(g));
        let body = self.expr(&r.body);
        self.start = start;
        self.bound.truncate(before);
        if is_reducer {
            let places: Vec<&Expr> = r.guard.iter().chain([&r.body]).collect();
            suggest_unused(&mut self.errors[found..], r.binders.iter().map(Binder::name), &places);
        }
        Reduction { name: r.name.clone(), accumulator: r.accumulator.clone(), binders: r.binders.clone(), guard, body }
    }

    fn is_index(&self, name: &str) -> bool {
        self.outside.declared(name).is_none() && crate::builtins::constant(name).is_none()
    }

    fn is_bound(&self, name: &str) -> bool {
        self.bound.iter().chain(&self.poisoned).any(|b| b.as_str() == name)
    }

    fn chain(&mut self, e: &'a Expr) -> Expr {
        let mut factors = Vec::new();
        let negative = self.flatten(e, false, &mut factors);
        let mut summed = Vec::new();
        let candidates = self.candidates(&factors);
        let once: Vec<&str> = candidates.iter().filter(|c| c.count == 1).map(|c| c.first.as_str()).collect();
        for candidate in &candidates {
            let name = candidate.first;
            if let Some(elsewhere) = free_elsewhere(&factors, name.as_str()) {
                self.errors.push(under_function(name, elsewhere, e));
                self.poisoned.push(name.clone());
            } else if candidate.count == 1 {
                let found = self.occurs_once(name, &once, e);
                self.errors.push(found);
                self.poisoned.push(name.clone());
            } else {
                summed.push(name.clone());
            }
        }
        if summed.is_empty() { self.rebuild(e) } else { self.with_sum(&factors, summed, negative, e.span) }
    }

    /// Unbound indices of the plain factors, in the order of their first occurrence.
    fn candidates(&self, factors: &[Factor<'a>]) -> Vec<Candidate<'a>> {
        let mut out: Vec<Candidate<'a>> = Vec::new();
        for factor in factors.iter().filter(|f| f.plain) {
            visit_free(factor.expr, &mut |name: &'a Ident| {
                if !self.is_index(name.as_str()) || self.is_bound(name.as_str()) {
                    return;
                }
                match out.iter_mut().find(|c| c.first.name == name.name) {
                    Some(candidate) => candidate.count += 1,
                    None => out.push(Candidate { first: name, count: 1 }),
                }
            });
        }
        out
    }

    /// The chain as it was written, its other factors walked on their own.
    fn rebuild(&mut self, e: &'a Expr) -> Expr {
        let kind = match &e.kind {
            _ if self.is_plain(e) => return e.clone(),
            ExprKind::Paren(inner) if self.is_chain(inner) => ExprKind::Paren(Box::new(self.rebuild(inner))),
            ExprKind::Unary { op: UnaryOp::Neg, op_span, value } => {
                ExprKind::Unary { op: UnaryOp::Neg, op_span: *op_span, value: Box::new(self.rebuild(value)) }
            }
            ExprKind::Binary { op: op @ (BinaryOp::Mul | BinaryOp::Div), op_span, lhs, rhs } => {
                let (lhs, rhs) = (Box::new(self.rebuild(lhs)), Box::new(self.rebuild(rhs)));
                ExprKind::Binary { op: *op, op_span: *op_span, lhs, rhs }
            }
            _ => return self.expr(e),
        };
        Expr::new(kind, e.span)
    }

    fn with_sum(&mut self, factors: &[Factor<'a>], summed: Vec<Ident>, negative: bool, span: Span) -> Expr {
        let mut inside: Option<Expr> = None;
        let mut outside: Vec<Expr> = Vec::new();
        let mut position = 0;
        let mut divisors = Vec::new();
        for factor in factors {
            if factor.plain && (self.has_index(factor.expr) || self.is_narrow(factor.expr)) {
                if inside.is_none() {
                    position = outside.len();
                }
                inside = product(inside, factor.expr.clone());
            } else if factor.inverse {
                divisors.push(self.expr(factor.expr));
            } else {
                outside.push(self.expr(factor.expr));
            }
        }
        let Some(body) = inside else { return Expr::new(ExprKind::Boolean(false), span) };
        outside.insert(position, sum_of(summed, body));
        if negative && let Some(first) = outside.first_mut() {
            *first = Expr::new(ExprKind::Unary { op: UnaryOp::Neg, op_span: first.span, value: Box::new(first.clone()) }, first.span);
        }
        let mut out = outside.into_iter().fold(None, product);
        for divisor in divisors {
            out = out.map(|numerator| binary(BinaryOp::Div, numerator, divisor));
        }
        let out = out.unwrap_or_else(|| Expr::new(ExprKind::Boolean(false), span));
        Expr::new(out.kind, span)
    }

    fn has_index(&self, e: &Expr) -> bool {
        let mut found = false;
        visit_free(e, &mut |name| found |= self.is_index(name.as_str()));
        found
    }

    /// Whether a plain factor is of a type that sums leave for a wider one.
    fn is_narrow(&self, e: &Expr) -> bool {
        let narrow = |dtype: DType| dtype.accumulator() != dtype;
        match &e.peeled().kind {
            ExprKind::Subscript { base, .. } => self.is_narrow(base),
            ExprKind::Name(name) | ExprKind::Prev(name) => self.outside.element(name.as_str()).is_some_and(narrow),
            ExprKind::Cast { to, .. } => matches!(to.kind, ElementKind::Scalar(dtype) if narrow(dtype)),
            ExprKind::Unary { value, .. } => self.is_narrow(value),
            ExprKind::Call { args, .. } => args.iter().all(|a| self.is_narrow(&a.value)),
            _ => false,
        }
    }

    /// `once` are all that occur once in the chain: two that are nearly alike were meant to be one.
    fn occurs_once(&self, name: &Ident, once: &[&str], chain: &'a Expr) -> Diagnostic {
        let found = if self.start.is_among_terms() {
            error(201, format!("index `{name}` occurs once in this term, and each term is its own sum"))
                .at(name.span, "occurs once, so nothing says that it is summed")
        } else {
            error(201, format!("index `{name}` occurs once")).at(name.span, "not on the left side, and not a second time in this product")
        };
        let known = self.bound.iter().chain(&self.poisoned).map(Ident::as_str);
        match nearest(name.as_str(), known.chain(once.iter().copied())) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found.help(self.start.edit(name.as_str(), chain)),
        }
    }

    /// Splits a chain into its factors; whether an odd number of signs was pulled out.
    fn flatten(&self, e: &'a Expr, inverse: bool, out: &mut Vec<Factor<'a>>) -> bool {
        match &e.kind {
            ExprKind::Paren(inner) if self.is_chain(inner) => self.flatten(inner, inverse, out),
            ExprKind::Unary { op: UnaryOp::Neg, value, .. } => !self.flatten(value, inverse, out),
            ExprKind::Binary { op: BinaryOp::Mul, lhs, rhs, .. } => self.flatten(lhs, inverse, out) ^ self.flatten(rhs, inverse, out),
            ExprKind::Binary { op: BinaryOp::Div, lhs, rhs, .. } => self.flatten(lhs, inverse, out) ^ self.flatten(rhs, !inverse, out),
            _ => {
                out.push(Factor { expr: e, inverse, plain: !inverse && self.is_plain(e) });
                false
            }
        }
    }

    /// Whether parentheses around this belong to a chain.
    fn is_chain(&self, e: &Expr) -> bool {
        match &e.kind {
            ExprKind::Paren(inner) => self.is_chain(inner),
            ExprKind::Binary { op: BinaryOp::Mul | BinaryOp::Div, .. } | ExprKind::Unary { op: UnaryOp::Neg, .. } => true,
            _ => self.is_plain(e),
        }
    }

    /// An access, a `prev` access, `conj` of one, a cast of one, or one with a sign inside those.
    fn is_plain(&self, e: &Expr) -> bool {
        match &e.kind {
            ExprKind::Subscript { .. } | ExprKind::Prev(_) => true,
            ExprKind::Name(name) => !self.is_index(name.as_str()),
            ExprKind::Call { name, args } if name.as_str() == "conj" && args.len() == 1 => self.is_plain_signed(&args[0].value),
            ExprKind::Cast { value, .. } => self.is_plain_signed(value),
            ExprKind::Paren(inner) => self.is_plain(inner),
            _ => false,
        }
    }

    fn is_plain_signed(&self, e: &Expr) -> bool {
        match &e.peeled().kind {
            ExprKind::Unary { op: UnaryOp::Neg, value, .. } => self.is_plain_signed(value),
            _ => self.is_plain(e),
        }
    }
}

fn bound_twice(name: &Ident, first: Span, whole: &Expr) -> Diagnostic {
    let primed = format!("{name}'");
    error(203, format!("index `{name}` is already bound here"))
        .at(name.span, "bound again")
        .and(first, "first bound here")
        .help(format!("rename it: `{}`", print_expr(&renamed(whole, name.as_str(), &primed))))
}

fn under_function(name: &Ident, elsewhere: (Span, &'static str), chain: &Expr) -> Diagnostic {
    let (span, place) = elsewhere;
    error(202, format!("index `{name}` would be summed, but also occurs {place}"))
        .at(span, format!("`{name}` {place}"))
        .and(name.span, "would be summed over here")
        .note("a sum is silent only over plain factors: accesses, their `conj`, and casts of them")
        .help(format!("`sum[{name}]({})`", print_expr(chain.peeled())))
}

/// Where a name occurs free outside the plain numerator factors, and what that place is.
fn free_elsewhere(factors: &[Factor<'_>], name: &str) -> Option<(Span, &'static str)> {
    factors.iter().filter(|f| !f.plain).find_map(|factor| {
        let mut at = None;
        visit_free(factor.expr, &mut |n| at = at.or((n.as_str() == name).then_some(n.span)));
        let place = match &factor.expr.peeled().kind {
            _ if factor.inverse => "in a divisor",
            ExprKind::Binary { op: BinaryOp::Add | BinaryOp::Sub, .. } => "in a factor that is a sum",
            ExprKind::Name(_) => "as a value",
            _ => "under a function",
        };
        at.map(|span| (span, place))
    })
}

fn product(lhs: Option<Expr>, rhs: Expr) -> Option<Expr> {
    Some(match lhs {
        Some(lhs) => binary(BinaryOp::Mul, lhs, rhs),
        None => rhs,
    })
}

fn binary(op: BinaryOp, lhs: Expr, rhs: Expr) -> Expr {
    let span = lhs.span.to(rhs.span);
    Expr::new(ExprKind::Binary { op, op_span: span, lhs: Box::new(lhs), rhs: Box::new(rhs) }, span)
}

fn sum_of(summed: Vec<Ident>, body: Expr) -> Expr {
    let span = body.span;
    let binders = summed.into_iter().map(|name| Binder { span: name.span, kind: BinderKind::Index { name, range: None } }).collect();
    let name = Ident::new("sum", span);
    Expr::new(ExprKind::Reduce(Box::new(Reduction { name, accumulator: None, binders, guard: None, body })), span)
}

#[cfg(test)]
#[path = "sum_tests.rs"]
mod tests;
