//! Where a forgotten `sum` should begin, for the help of E0201.

use super::names::visit_free;
use crate::ast::{BinaryOp, Expr, ExprKind, Ident};
use crate::print::print_expr;
use ein_ir::diagnostic::Diagnostic;

/// What is around an index, from the last reduction on.
#[derive(Clone, Copy, Default)]
pub(super) struct Start<'a> {
    /// The largest expression that is computed element by element.
    whole: Option<&'a Expr>,
    /// The largest sum, difference or power inside of the innermost function.
    terms: Option<&'a Expr>,
}

impl<'a> Start<'a> {
    /// In a term of a sum or difference, or under a power.
    pub(super) fn in_terms(self, e: &'a Expr) -> Self {
        Self { whole: self.whole.or(Some(e)), terms: self.terms.or(Some(e)) }
    }

    /// In an argument of a function of elements, a condition or a branch.
    pub(super) fn in_function(self, e: &'a Expr) -> Self {
        Self { whole: self.whole.or(Some(e)), terms: None }
    }

    /// In an argument of a function that is mostly taken of a sum: the root of squares, the logarithm of exponentials.
    pub(super) fn of_sum() -> Self {
        Self::default()
    }

    /// Whether sums of terms are near, so that one might be thought to reach across them.
    pub(super) fn is_among_terms(self) -> bool {
        self.terms.is_some()
    }

    /// The edit: a sum around everything that depends on the index, and if that is a function the sum inside of it too.
    pub(super) fn edit(self, name: &str, chain: &'a Expr) -> String {
        let whole = depending(self.whole.unwrap_or(chain), name);
        let inside = depending(self.terms.unwrap_or(chain), name);
        let sum = |e: &Expr| format!("`sum[{name}]({})`", print_expr(e.peeled()));
        let (outer, inner) = (sum(whole), sum(inside));
        if outer == inner || !is_call(whole) { outer } else { format!("{outer}, or {inner} inside of it") }
    }
}

/// Whether a function is mostly taken of a sum over what its argument holds.
pub(super) fn is_mostly_of_sum(function: &str, arg: &Expr) -> bool {
    let kind = &arg.peeled().kind;
    match function {
        "sqrt" | "rsqrt" => !matches!(kind, ExprKind::Subscript { .. } | ExprKind::Name(_)),
        "log" => matches!(kind, ExprKind::Call { .. }),
        _ => false,
    }
}

/// Where one index is bound and not used, and one other occurs once (E0201): they were meant to be the same.
pub(super) fn suggest_unused<'i>(errors: &mut [Diagnostic], bound: impl Iterator<Item = &'i Ident>, places: &[&Expr]) {
    let mut unused = bound.filter(|name| !name.is_hole() && !places.iter().any(|e| mentions(e, name.as_str())));
    let mut once = errors.iter_mut().filter(|d| d.code.0 == 201);
    if let (Some(unused), None, Some(error), None) = (unused.next(), unused.next(), once.next(), once.next()) {
        error.help = Some(format!("did you mean `{unused}`? Nothing uses it"));
    }
}

fn is_call(e: &Expr) -> bool {
    matches!(e.peeled().kind, ExprKind::Call { .. })
}

/// The terms of a sum that an index stands in: those without it are no part of the sum over it.
fn depending<'a>(e: &'a Expr, name: &str) -> &'a Expr {
    let ExprKind::Binary { op: BinaryOp::Add | BinaryOp::Sub, lhs, rhs, .. } = &e.peeled().kind else { return e };
    match (mentions(lhs, name), mentions(rhs, name)) {
        (true, false) => depending(lhs, name),
        (false, true) => depending(rhs, name),
        _ => e,
    }
}

fn mentions(e: &Expr, name: &str) -> bool {
    let mut found = false;
    visit_free(e, &mut |n| found |= n.as_str() == name);
    found
}
