//! The range of every index of an equation (language 4): stated, or that of its bare uses.

use super::explain::IndexNote;
use super::prove::{Proof, prove_nonnegative};
use super::scope::Elaborator;
use super::tree::{Node, NodeKind, Stated, VarId, Vars};
use crate::ast::{Bind, BinderKind, Expr, ExprKind, Ident, IndexRange};
use crate::error::dims::error;
use crate::print::{print_bind, print_expr};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::{Index, Tensor};
use ein_ir::extent::{Atom, Extent};
use ein_ir::scalar::Mode;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::span::Span;
use ein_ir::tensor::IndexDecl;

/// An index standing alone as the subscript of an axis.
struct BareUse {
    var: VarId,
    size: Extent,
    tensor: Tensor,
    axis: usize,
    span: Span,
}

/// What the ranges of one equation are taken from.
pub(crate) struct Sides<'a> {
    /// The equation as written, for the edits in messages.
    pub(crate) bind: &'a Bind,
    /// Its right side with every sum written.
    pub(crate) explicit: &'a Expr,
    pub(crate) right: &'a Node,
    pub(crate) left: &'a [VarId],
    /// The tensor defined, if its type is declared.
    pub(crate) declared: Option<Tensor>,
}

impl Elaborator<'_> {
    /// Gives every index its range and its entity; reports E0301 and E0302.
    pub(crate) fn determine_ranges(&mut self, vars: &mut Vars, sides: &Sides<'_>) {
        for var in vars.iter_mut().filter(|v| v.index.is_none()) {
            let decl = IndexDecl { name: var.name.clone(), lo: Extent::default(), hi: Extent::default(), span: var.span };
            var.index = Some(self.module.indices.push(decl));
        }
        let uses = self.bare_uses(vars, sides);
        let mut unresolved = Vec::new();
        for v in 0..vars.len() {
            let own: Vec<&BareUse> = uses.iter().filter(|u| u.var == v).collect();
            let Some(index) = vars[v].index else { continue };
            if vars[v].scan {
                self.check_uses(vars, v, &own, &uses, sides);
                continue;
            }
            let (lo, hi, from) = match (&vars[v].stated, own.first()) {
                (Some(Stated::Interval(lo, hi, _)), _) => (lo.clone(), hi.clone(), "stated".to_owned()),
                (Some(Stated::Size(size, _)), _) => (Extent::default(), size.clone(), "stated".to_owned()),
                (None, Some(first)) => (Extent::default(), first.size.clone(), self.place(first)),
                (None, None) => {
                    unresolved.push(v);
                    continue;
                }
            };
            self.check_uses(vars, v, &own, &uses, sides);
            self.note_index(vars, v, &lo, &hi, from);
            let decl = &mut self.module.indices[index];
            (decl.lo, decl.hi) = (lo, hi);
        }
        for v in &unresolved {
            let found = self.undetermined(vars, *v, &unresolved, sides);
            self.errors.push(found);
        }
    }

    fn note_index(&mut self, vars: &Vars, v: VarId, lo: &Extent, hi: &Extent, from: String) {
        let range = if lo.as_constant() == Some(0) { self.show(hi) } else { format!("{}..{}", self.show(lo), self.show(hi)) };
        self.notes.indices.push(IndexNote { name: vars[v].name.clone(), range, from, span: vars[v].span });
    }

    fn place(&self, u: &BareUse) -> String {
        format!("axis {} of {}", u.axis, self.quoted(u.tensor))
    }

    fn bare_uses(&self, vars: &Vars, sides: &Sides<'_>) -> Vec<BareUse> {
        let mut out = Vec::new();
        if let Some(tensor) = sides.declared {
            for (axis, v) in sides.left.iter().enumerate() {
                if let Some(size) = self.module.tensors[tensor].axes.get(axis) {
                    out.push(BareUse { var: *v, size: size.clone(), tensor, axis, span: vars[*v].span });
                }
            }
        }
        sides.right.visit(&mut |node| {
            let NodeKind::Access(access) = &node.kind else { return };
            for (axis, sub) in access.subs.iter().enumerate() {
                if let (Some(var), Mode::Exact) = (sub.value.as_index(), sub.mode) {
                    let size = self.module.tensors[access.tensor].axes[axis].clone();
                    out.push(BareUse { var, size, tensor: access.tensor, axis, span: sub.value.span });
                }
            }
        });
        out
    }

    /// All bare uses have the dim of the stated range, or else of the first use: E0301.
    fn check_uses(&mut self, vars: &Vars, v: VarId, uses: &[&BareUse], all: &[BareUse], sides: &Sides<'_>) {
        let var = &vars[v];
        let (expected, origin, span) = match (&var.stated, uses.first()) {
            // With an interval every bare use is an obligation, but the axis of a left side is covered exactly.
            (Some(Stated::Interval(_, hi, span)), Some(first)) if var.left && first.span == var.span => {
                (hi, "stated here".to_owned(), *span)
            }
            (Some(Stated::Interval(..)), _) => return,
            (Some(Stated::Size(size, span)), _) => (size, "stated here".to_owned(), *span),
            (None, Some(first)) => (&first.size, "here, first use".to_owned(), first.span),
            (None, None) => return,
        };
        let only_left = matches!(var.stated, Some(Stated::Interval(..)));
        for u in uses.iter().filter(|u| u.size != *expected && (!only_left || u.span == var.span)) {
            let first = uses.first().filter(|_| var.stated.is_none()).map(|f| f.tensor);
            let found = self.mismatch(&var.name, u, first, expected, (&origin, span));
            self.errors.push(match self.repair(vars, (v, u), expected, all, sides) {
                Some(repair) => found.help(repair),
                None => found,
            });
        }
    }

    fn mismatch(&self, name: &str, u: &BareUse, first: Option<Tensor>, expected: &Extent, origin: (&str, Span)) -> Diagnostic {
        let (a, b) = (self.show(expected), self.show(&u.size));
        let tensor = self.quoted(u.tensor);
        let message = match first {
            Some(first) if expected.as_constant().is_some() && u.size.as_constant().is_some() => {
                format!("index `{name}` has size {a} in {} but {b} in {tensor}", self.quoted(first))
            }
            Some(first) => format!("index `{name}` ranges over `{a}` in {} but over `{b}` in {tensor}", self.quoted(first)),
            None => format!("index `{name}` is stated to range over `{a}`, but axis {} of {tensor} is `{b}`", u.axis),
        };
        let declared = self.module.tensors[u.tensor].span;
        let found =
            error(301, message).at(u.span, format!("`{b}` here, axis {} of {tensor}", u.axis)).and(origin.1, format!("`{a}` {}", origin.0));
        if declared == u.span { found } else { found.and(declared, format!("{tensor} is declared here")) }
    }

    /// The edit that makes a use fit: the axes in the order in which they fit, or the range of the left side stated, if the
    /// use then is inside its axis for all sizes.
    fn repair(&self, vars: &Vars, (v, u): (VarId, &BareUse), expected: &Extent, all: &[BareUse], sides: &Sides<'_>) -> Option<String> {
        let var = &vars[v];
        if let Some(access) = self.reordered(vars, u, all, sides) {
            return Some(format!("`{access}`"));
        }
        let is_repair = var.left && var.stated.is_none() && self.is_shorter(expected, &u.size);
        is_repair.then(|| format!("`{}`", self.left_with_ranges(vars, all, sides)))
    }

    /// Whether a range is shorter than an axis, whatever the sizes.
    fn is_shorter(&self, range: &Extent, axis: &Extent) -> bool {
        range != axis && prove_nonnegative(&axis.sub(range), &self.size_facts()) == Proof::Always
    }

    /// The left side with the range stated of every index that is used bare on a longer axis.
    fn left_with_ranges(&self, vars: &Vars, all: &[BareUse], sides: &Sides<'_>) -> String {
        let binder = |v: &VarId| {
            let var = &vars[*v];
            let axis = all.iter().find(|u| u.var == *v);
            match (&var.stated, axis) {
                (Some(Stated::Interval(lo, hi, _)), _) => format!("{} in {}..{}", var.name, self.show(lo), self.show(hi)),
                (Some(Stated::Size(size, _)), _) => format!("{}: {}", var.name, self.show(size)),
                (None, Some(axis)) if all.iter().any(|u| u.var == *v && self.is_shorter(&axis.size, &u.size)) => {
                    format!("{} in 0..{}", var.name, self.show(&axis.size))
                }
                _ => var.name.clone(),
            }
        };
        let binders: Vec<String> = sides.left.iter().map(binder).collect();
        format!("{}[{}]", sides.bind.name, binders.join(", "))
    }

    /// The access around a use with its subscripts in the order in which every index meets an axis of its own range.
    fn reordered(&self, vars: &Vars, u: &BareUse, all: &[BareUse], sides: &Sides<'_>) -> Option<String> {
        let mut found = None;
        sides.right.visit(&mut |node| {
            if let NodeKind::Access(access) = &node.kind
                && access.subs.iter().any(|s| s.value.span == u.span)
            {
                found = Some(access);
            }
        });
        let access = found?;
        let mut left: Vec<VarId> =
            access.subs.iter().map(|s| s.value.as_index().filter(|_| s.mode == Mode::Exact)).collect::<Option<_>>()?;
        let range = |v: &VarId| match &vars[*v].stated {
            Some(Stated::Size(size, _)) => Some(size),
            Some(Stated::Interval(..)) => None,
            // The other uses say what is meant.
            None => all.iter().find(|o| o.var == *v && access.subs.iter().all(|s| s.value.span != o.span)).map(|o| &o.size),
        };
        let mut names = Vec::new();
        for size in &self.module.tensors[access.tensor].axes {
            let position = left.iter().position(|v| range(v) == Some(size))?;
            names.push(vars[left.remove(position)].name.clone());
        }
        Some(format!("{}[{}]", self.module.tensors[access.tensor].name, names.join(", ")))
    }

    /// E0302 with the largest range that keeps every affine subscript in bounds, if it can be computed.
    fn undetermined(&self, vars: &Vars, v: VarId, unresolved: &[VarId], sides: &Sides<'_>) -> Diagnostic {
        let var = &vars[v];
        let found = error(302, format!("nothing says what range index `{}` has", var.name)).at(var.span, "needs a range");
        let found = found.note("an index takes its range from an axis that it subscripts alone, or states it");
        let compared = || self.compared_dim(v, sides.right);
        match self.largest_range(vars, v, unresolved, sides.right).or_else(compared) {
            Some(hi) => found.help(format!("`{}`", with_range(var, &self.show(&hi), sides))),
            None => found.help(format!("`{}: N` with the dim that is meant", var.name)),
        }
    }

    /// The dim of data that an index is compared with: `ids[b] == v`.
    fn compared_dim(&self, v: VarId, right: &Node) -> Option<Extent> {
        let mut found = None;
        right.visit(&mut |node| {
            let NodeKind::Binary(op, a, b) = &node.kind else { return };
            for (index, data) in [(a, b), (b, a)] {
                if op.is_comparison() && index.as_index() == Some(v) {
                    found = found.take().or_else(|| self.index_fact(data, &Vec::new()));
                }
            }
        });
        found
    }

    fn largest_range(&self, vars: &Vars, v: VarId, unresolved: &[VarId], right: &Node) -> Option<Extent> {
        let own = vars[v].index?;
        let others: Vec<Index> = unresolved.iter().filter(|u| **u != v).filter_map(|u| vars[*u].index).collect();
        let mut best: Option<Extent> = None;
        let mut failed = false;
        right.visit(&mut |node| {
            let NodeKind::Access(access) = &node.kind else { return };
            for (axis, sub) in access.subs.iter().enumerate().filter(|(_, s)| s.mode == Mode::Exact) {
                let Some(p) = polynomial(&sub.value, vars) else { continue };
                if !p.leaves().contains(&Atom::Index(own)) {
                    continue;
                }
                match self.end_from(&p, own, &others, &self.module.tensors[access.tensor].axes[axis]) {
                    Some(end) => best = Some(smaller(best.take(), end)),
                    None => failed = true,
                }
            }
        });
        best.filter(|end| !failed && end.as_constant().is_none_or(|c| c > 0))
    }

    /// One past the greatest value of `own` with `0 <= p < size`, the other indices at their worst.
    fn end_from(&self, p: &Extent, own: Index, others: &[Index], size: &Extent) -> Option<Extent> {
        let mut factor = 0;
        for (monomial, c) in p.terms() {
            if monomial.contains(&Atom::Index(own)) {
                if monomial.len() != 1 || factor != 0 {
                    return None;
                }
                factor = c;
            }
        }
        let rest = p.sub(&Extent::index(own).scale(factor));
        if factor == 0 || rest.leaves().contains(&Atom::Index(own)) || others.iter().any(|o| rest.leaves().contains(&Atom::Index(*o))) {
            return None;
        }
        let worst = self.extreme(&rest, factor > 0)?;
        let one = Extent::from(1);
        let room = if factor > 0 { size.sub(&one).sub(&worst) } else { worst };
        Some(room.add(&Extent::constant(factor.abs())).floor_div(&Extent::constant(factor.abs())))
    }

    /// The greatest or least value of an affine form over the ranges of its indices.
    pub(crate) fn extreme(&self, p: &Extent, greatest: bool) -> Option<Extent> {
        let mut out = Extent::default();
        for (monomial, c) in p.terms() {
            let mut product = Extent::constant(c);
            for atom in monomial {
                product = product.mul(&match atom {
                    Atom::Index(i) => {
                        let decl = self.module.indices.get(*i)?;
                        if (c > 0) == greatest { decl.hi.sub(&Extent::from(1)) } else { decl.lo.clone() }
                    }
                    Atom::Dim(d) => Extent::dim(*d),
                    Atom::Quotient(..) | Atom::Remainder(..) if !atom_has_index(atom) => Extent::atom(atom.clone()),
                    _ => return None,
                });
            }
            out = out.add(&product);
        }
        Some(out)
    }
}

fn atom_has_index(atom: &Atom) -> bool {
    Extent::atom(atom.clone()).leaves().iter().any(|a| matches!(a, Atom::Index(_)))
}

/// The smaller of two ends, as far as their difference tells.
fn smaller(best: Option<Extent>, end: Extent) -> Extent {
    match best {
        Some(best) if rank(&best, &end) => best,
        _ => end,
    }
}

/// Whether `a <= b` can be seen: a constant difference, of the dividends where both are the same division.
fn rank(a: &Extent, b: &Extent) -> bool {
    match (a.sub(b).as_constant(), a.as_atom(), b.as_atom()) {
        (Some(difference), ..) => difference <= 0,
        (None, Some(Atom::Quotient(p, m)), Some(Atom::Quotient(q, n))) if m == n => rank(p, q),
        _ => true,
    }
}

/// The equation, or the reduction, with a range written at the binder of an index.
fn with_range(var: &super::tree::Var, range: &str, sides: &Sides<'_>) -> String {
    let stated = Some(IndexRange::Dim(Expr::new(ExprKind::Name(Ident::new(range, var.span)), var.span)));
    if var.left {
        let mut bind = sides.bind.clone();
        for binder in bind.left.iter_mut().flat_map(|l| l.binders.iter_mut()) {
            if let BinderKind::Index { name, range } = &mut binder.kind
                && name.span == var.span
            {
                range.clone_from(&stated);
            }
        }
        return print_bind(&bind).trim_end_matches(';').to_owned();
    }
    find_reduction(sides.explicit, var.span).map_or_else(
        || format!("{}: {range}", var.name),
        |mut reduction| {
            if let ExprKind::Reduce(r) = &mut reduction.kind {
                for binder in &mut r.binders {
                    if let BinderKind::Index { name, range } = &mut binder.kind
                        && name.span == var.span
                    {
                        range.clone_from(&stated);
                    }
                }
            }
            print_expr(&reduction)
        },
    )
}

fn find_reduction(e: &Expr, binder: Span) -> Option<Expr> {
    if let ExprKind::Reduce(r) = &e.kind
        && r.binders.iter().any(|b| b.name().span == binder)
    {
        return Some(e.clone());
    }
    super::names::children(e).into_iter().find_map(|child| find_reduction(child, binder))
}

/// The polynomial over sizes and indices that an expression computes, if it is one.
pub(crate) fn polynomial(node: &Node, vars: &Vars) -> Option<Extent> {
    match &node.kind {
        NodeKind::Int(n) => Some(Extent::constant(*n)),
        NodeKind::Index(v) => vars[*v].index.map(Extent::index),
        NodeKind::Size(size) => Some(size.clone()),
        NodeKind::Unary(UnaryFn::Neg, a) => Some(polynomial(a, vars)?.scale(-1)),
        NodeKind::Unary(UnaryFn::Powi(n @ 0..=8), a) => {
            let a = polynomial(a, vars)?;
            Some((0..*n).fold(Extent::from(1), |p, _| p.mul(&a)))
        }
        NodeKind::Binary(op, a, b) => {
            let (a, b) = (polynomial(a, vars)?, polynomial(b, vars)?);
            match op {
                BinaryFn::Add => Some(a.add(&b)),
                BinaryFn::Sub => Some(a.sub(&b)),
                BinaryFn::Mul => Some(a.mul(&b)),
                BinaryFn::FloorDiv => Some(a.floor_div(&b)),
                BinaryFn::Rem => Some(a.floor_rem(&b)),
                _ => None,
            }
        }
        _ => None,
    }
}
