//! Names inside expressions: which occur free, and renaming.

use crate::ast::{Argument, BinderKind, Expr, ExprKind, Ident, Subscript};
use crate::builtins::APPROX;

/// Calls `f` on every name that occurs as a value in `e`, subscripts included, and that no reducer inside `e` binds.
/// Names of tensors before brackets, of functions and of sizes do not count.
pub(crate) fn visit_free<'a>(e: &'a Expr, f: &mut dyn FnMut(&'a Ident)) {
    Visitor { locals: Vec::new(), f }.expr(e);
}

struct Visitor<'a, 'f> {
    locals: Vec<&'a str>,
    f: &'f mut dyn FnMut(&'a Ident),
}

impl<'a> Visitor<'a, '_> {
    fn expr(&mut self, e: &'a Expr) {
        match &e.kind {
            ExprKind::Number(_) | ExprKind::Boolean(_) | ExprKind::Size(_) | ExprKind::Prev(_) => {}
            ExprKind::Name(name) => {
                if !self.locals.contains(&name.as_str()) {
                    (self.f)(name);
                }
            }
            ExprKind::Subscript { subs, .. } => {
                for sub in subs {
                    if let Subscript::At(e) = sub {
                        self.expr(e);
                    }
                }
            }
            ExprKind::Call { name, args } => values(name, args).for_each(|e| self.expr(e)),
            ExprKind::Reduce(r) => {
                let before = self.locals.len();
                self.locals.extend(r.binders.iter().map(|b| b.name().as_str()));
                if let Some(guard) = &r.guard {
                    self.expr(guard);
                }
                self.expr(&r.body);
                self.locals.truncate(before);
            }
            ExprKind::If { condition, then, otherwise } => [condition, then, otherwise].into_iter().for_each(|e| self.expr(e)),
            ExprKind::Cast { value, .. } | ExprKind::Unary { value, .. } => self.expr(value),
            ExprKind::Binary { lhs, rhs, .. } => [lhs, rhs].into_iter().for_each(|e| self.expr(e)),
            ExprKind::Paren(inner) => self.expr(inner),
            ExprKind::Tuple(items) => items.iter().for_each(|e| self.expr(e)),
        }
    }
}

/// The arguments of a call that are values: of `approx` all but the function, the interval and the degree.
fn values<'a>(name: &Ident, args: &'a [Argument]) -> impl Iterator<Item = &'a Expr> {
    let is_approx = name.as_str() == APPROX;
    let is_value = move |(n, arg): &(usize, &Argument)| !is_approx || (*n == 1 && arg.name.is_none());
    args.iter().enumerate().filter(is_value).map(|(_, arg)| &arg.value)
}

/// The direct operands of an expression, in order.
pub(crate) fn children(e: &Expr) -> Vec<&Expr> {
    match &e.kind {
        ExprKind::Number(_) | ExprKind::Boolean(_) | ExprKind::Size(_) | ExprKind::Prev(_) | ExprKind::Name(_) => Vec::new(),
        ExprKind::Subscript { subs, .. } => subs.iter().filter_map(|s| if let Subscript::At(e) = s { Some(e) } else { None }).collect(),
        ExprKind::Call { name, args } => values(name, args).collect(),
        ExprKind::Reduce(r) => r.guard.iter().chain([&r.body]).collect(),
        ExprKind::If { condition, then, otherwise } => vec![condition, then, otherwise],
        ExprKind::Cast { value, .. } | ExprKind::Unary { value, .. } => vec![value],
        ExprKind::Binary { lhs, rhs, .. } => vec![lhs, rhs],
        ExprKind::Paren(inner) => vec![inner],
        ExprKind::Tuple(items) => items.iter().collect(),
    }
}

/// The smallest expression inside `e` that stands exactly at `span`.
pub(crate) fn find_at(e: &Expr, span: ein_ir::span::Span) -> Option<&Expr> {
    children(e).into_iter().find_map(|child| find_at(child, span)).or_else(|| (e.span == span).then_some(e))
}

/// `e` with every occurrence of a name, binders included, spelt otherwise.
pub(crate) fn renamed(e: &Expr, from: &str, to: &str) -> Expr {
    let mut out = e.clone();
    rename(&mut out, from, to);
    out
}

fn rename(e: &mut Expr, from: &str, to: &str) {
    let fix = |name: &mut Ident| {
        if name.as_str() == from {
            *name = Ident::new(to, name.span);
        }
    };
    match &mut e.kind {
        ExprKind::Number(_) | ExprKind::Boolean(_) | ExprKind::Size(_) | ExprKind::Prev(_) => {}
        ExprKind::Name(name) => fix(name),
        ExprKind::Subscript { subs, .. } => {
            for sub in subs {
                if let Subscript::At(e) = sub {
                    rename(e, from, to);
                }
            }
        }
        ExprKind::Call { args, .. } => args.iter_mut().for_each(|a| rename(&mut a.value, from, to)),
        ExprKind::Reduce(r) => {
            for binder in &mut r.binders {
                match &mut binder.kind {
                    BinderKind::Row(name) | BinderKind::Index { name, .. } => fix(name),
                }
            }
            if let Some(guard) = &mut r.guard {
                rename(guard, from, to);
            }
            rename(&mut r.body, from, to);
        }
        ExprKind::If { condition, then, otherwise } => {
            [condition, then, otherwise].into_iter().for_each(|e| rename(e, from, to));
        }
        ExprKind::Cast { value, .. } | ExprKind::Unary { value, .. } => rename(value, from, to),
        ExprKind::Binary { lhs, rhs, .. } => [lhs, rhs].into_iter().for_each(|e| rename(e, from, to)),
        ExprKind::Paren(inner) => rename(inner, from, to),
        ExprKind::Tuple(items) => items.iter_mut().for_each(|e| rename(e, from, to)),
    }
}
