//! Indices of an equation: what binds them, the ranges that they state, and whether they are used.

use super::Resolver;
use crate::ast::{self, Binder, BinderKind, Expr, Ident, IndexRange};
use crate::check::tree::{Stated, Var, VarId};
use crate::error::dims;
use crate::error::sums::{error, hides};
use crate::print::print_expr;
use ein_ir::extent::Extent;

impl Resolver<'_, '_> {
    /// Brings the indices of the scans around into scope.
    pub(crate) fn bind_scans(&mut self) {
        for scan in &self.elab.scans {
            self.vars.push(scan.var());
            self.bound.push(self.vars.len() - 1);
        }
    }

    /// Brings an index of the left side into scope; that of a scan is there already.
    pub(crate) fn bind_left(&mut self, binder: &Binder, bind: &ast::Bind) -> Option<VarId> {
        let BinderKind::Index { name, range } = &binder.kind else { return None };
        if !name.is_hole()
            && let Some(scan) = self.find(name.as_str()).filter(|v| self.vars[*v].scan && !self.vars[*v].left)
        {
            self.vars[scan].left = true;
            self.check_slices(scan, name, range.as_ref());
            return Some(scan);
        }
        if !name.is_hole() {
            if let Some(first) = self.find(name.as_str()) {
                let first = self.vars[first].span;
                let found = error(203, format!("index `{name}` is already bound here")).at(name.span, "bound again");
                self.elab.errors.push(found.and(first, "first bound here").help(diagonal_form(bind, binder)));
            } else if let Some((declared, what)) = self.elab.declared(name.as_str()) {
                let found = hides(name.as_str(), name.span, declared, what);
                self.elab.errors.push(found);
            }
        }
        let id = self.bind(name, range.as_ref(), true);
        if let Some(Stated::Interval(lo, hi, span)) = &self.vars[id].stated
            && lo.as_constant() != Some(0)
        {
            let found =
                dims::error(309, format!("an index on a left side covers its axis from 0, and `{name}` begins at {}", self.elab.show(lo)))
                    .at(*span, "begins elsewhere")
                    .help(format!("`{name} in 0..{}`", self.elab.show(hi)));
            self.elab.errors.push(found);
        }
        Some(id)
    }

    /// A tensor with one slice a step has its axis covered by the scan, which states the range.
    fn check_slices(&mut self, scan: VarId, name: &Ident, range: Option<&IndexRange>) {
        let at = self.vars[scan].span;
        if range.is_some() {
            let found = dims::error(309, format!("the range of `{name}` is stated by its scan")).at(name.span, "stated again");
            self.elab.errors.push(found.and(at, "the scan is here").help(format!("`{name}` alone")));
        }
        if let Some(Stated::Interval(lo, hi, span)) = &self.vars[scan].stated
            && lo.as_constant() != Some(0)
        {
            let message = format!(
                "a tensor with one slice a step covers its axis from 0, and the scan over `{name}` begins at {}",
                self.elab.show(lo)
            );
            let found = dims::error(309, message).at(name.span, "one slice a step").and(*span, "begins elsewhere");
            self.elab.errors.push(found.help(format!("`scan {name} in 0..{}` with an `if` for the first steps", self.elab.show(hi))));
        }
    }

    pub(crate) fn bind(&mut self, name: &Ident, range: Option<&IndexRange>, left: bool) -> VarId {
        let stated = range.and_then(|range| self.stated(range));
        let (name, span) = (name.as_str().to_owned(), name.span);
        self.vars.push(Var { name, span, left, scan: false, stated, used: false, index: None });
        self.bound.push(self.vars.len() - 1);
        self.vars.len() - 1
    }

    fn stated(&mut self, range: &IndexRange) -> Option<Stated> {
        Some(match range {
            IndexRange::Dim(e) => {
                let size = self.range_end(e)?;
                self.elab.ensure_nonnegative(&size, e.span);
                Stated::Size(size, e.span)
            }
            IndexRange::Interval(i) => Stated::Interval(self.range_end(&i.lo)?, self.range_end(&i.hi)?, i.span),
        })
    }

    /// A size in a range; another index there is told apart, since a guard says what is meant.
    fn range_end(&mut self, e: &Expr) -> Option<Extent> {
        let mut index = None;
        crate::check::names::visit_free(e, &mut |name| {
            if self.find(name.as_str()).is_some() {
                index = Some(name.clone());
            }
        });
        if let Some(name) = index {
            let found = dims::error(309, format!("a range is made of sizes, and `{name}` is an index"))
                .at(name.span, "an index")
                .help("state the whole range and write the rest as a guard: `sum[j where j < i](…)`");
            self.elab.errors.push(found);
            self.poisoned.push(name);
            return None;
        }
        self.elab.size(e)
    }

    /// Takes the indices out of scope, for an expression of another place.
    pub(crate) fn hide_indices(&mut self) -> Vec<VarId> {
        std::mem::take(&mut self.bound)
    }

    /// Brings them back.
    pub(crate) fn show_indices(&mut self, bound: Vec<VarId>) {
        self.bound = bound;
    }

    pub(crate) fn find(&self, name: &str) -> Option<VarId> {
        self.bound.iter().rev().copied().find(|v| self.vars[*v].name == name)
    }

    /// Indices that a left side or a reducer binds and nothing uses: E0207.
    pub(crate) fn check_used(&mut self, binders: &[VarId], binds: &str) {
        if self.elab.errors.len() > self.errors_before {
            return;
        }
        for v in binders {
            let var = &self.vars[*v];
            if var.used || var.name == "_" {
                continue;
            }
            let found = error(207, format!("index `{}` is never used", var.name))
                .at(var.span, format!("bound here by {}", if var.left { "the left side".to_owned() } else { format!("`{binds}`") }));
            self.elab.errors.push(if var.left {
                found.help("`_` for an axis that is only repeated")
            } else {
                found.help(format!("remove `{}`, or write `_` with a range to repeat the same term", var.name))
            });
        }
    }
}

/// What an equation with a repeated index on its left side says of a diagonal: `d[i, i'] = if i == i' then x[i] else 0;`.
fn diagonal_form(bind: &ast::Bind, repeated: &Binder) -> String {
    let (tensor, name, value) = (&bind.name, repeated.name(), print_expr(&bind.value));
    let spell = |b: &Binder| match &b.kind {
        _ if b.span == repeated.span => format!("{name}'"),
        BinderKind::Row(row) => format!("..{row}"),
        BinderKind::Index { name, .. } => name.to_string(),
    };
    let left: Vec<String> = bind.left.iter().flat_map(|left| &left.binders).map(spell).collect();
    format!("`{tensor}[{}] = if {name} == {name}' then {value} else 0;`", left.join(", "))
}
