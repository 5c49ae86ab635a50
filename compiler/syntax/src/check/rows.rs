//! Row variables (language D12): `..B` in types stands for any number of axes, `..b` for as many indices.
//!
//! Tensor IR is fixed in rank, so a def with row variables is elaborated for each number of axes that it is used with: its
//! tree is copied with `..B` written out as the dims `B.1`, `B.2`, … and `..b` as the indices `b.1`, `b.2`, …, names that no
//! author can write ([`expand`]). How many indices `..b` stands for follows from the tensors that it subscripts
//! ([`solve`]). Messages say `..b` ([`spell`]).

mod calls;
mod expand;
mod solve;
mod spell;

#[cfg(test)]
mod tests;

pub(crate) use calls::{count_axes, ranks_of_call};
pub(crate) use expand::expand;
pub(crate) use spell::Spelling;

use super::explain::Explanation;
use super::names::children;
use super::program::{Elaborated, Outcome};
use crate::ast::{Axis, BinderKind, Def, Expr, ExprKind, GenericKind, LeftSide, Param, Statement, Subscript, Type};
use std::sync::Arc;

/// A def with its row variables written out.
pub(crate) struct Instance {
    pub(crate) def: Def,
    pub(crate) spelling: Spelling,
}

impl Instance {
    /// What became of the instance, in the words of the def.
    pub(crate) fn spelt(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Right(elaborated) => {
                let notes: Vec<Explanation> = elaborated.notes.iter().map(|n| self.spelling.explanation(n)).collect();
                let unproved = self.spelling.diagnostics(elaborated.unproved.clone());
                Outcome::Right(Arc::new(Elaborated { notes, unproved, ..Elaborated::clone(&elaborated) }))
            }
            Outcome::Refused(errors) => Outcome::Refused(self.spelling.diagnostics(errors)),
            Outcome::Wrong(errors) => Outcome::Wrong(self.spelling.diagnostics(errors)),
            Outcome::Active | Outcome::TooDeep => outcome,
        }
    }
}

/// The row variables of a def, in order.
pub(crate) fn row_names(def: &Def) -> Vec<&str> {
    def.generics.iter().filter(|g| g.kind == GenericKind::Row).map(|g| g.name.as_str()).collect()
}

/// Whether a row stands anywhere in a def.
pub(crate) fn has_rows(def: &Def) -> bool {
    let typed = |p: &Param| type_has_rows(&p.ty);
    !row_names(def).is_empty() || def.params.iter().chain(&def.results).any(typed) || def.body.iter().any(statement_has_rows)
}

fn type_has_rows(ty: &Type) -> bool {
    ty.axes.iter().flatten().any(|a| matches!(a, Axis::Row(_)))
}

fn statement_has_rows(statement: &Statement) -> bool {
    match statement {
        Statement::Bind(bind) => {
            bind.left.as_ref().is_some_and(left_has_rows)
                || bind.ty.as_ref().is_some_and(type_has_rows)
                || [Some(&bind.value), bind.init.as_ref()].into_iter().flatten().any(expr_has_rows)
        }
        Statement::BindMany(bind) => expr_has_rows(&bind.value),
        Statement::Scan(scan) => scan.body.iter().any(statement_has_rows),
        Statement::Fit(_) => false,
    }
}

fn left_has_rows(left: &LeftSide) -> bool {
    left.binders.iter().any(|b| matches!(b.kind, BinderKind::Row(_)))
}

fn expr_has_rows(e: &Expr) -> bool {
    let own = match &e.kind {
        ExprKind::Subscript { subs, .. } => subs.iter().any(|s| matches!(s, Subscript::Row(_))),
        ExprKind::Reduce(r) => r.binders.iter().any(|b| matches!(b.kind, BinderKind::Row(_))),
        _ => false,
    };
    own || children(e).into_iter().any(expr_has_rows)
}
