//! Accesses: the tensor, its subscripts with their modes, and the pad value.

use super::{Resolver, plural};
use crate::ast::{Expr, ExprKind, Ident, Subscript};
use crate::check::scope::Meaning;
use crate::check::tree::{Access, Node, NodeKind, Sub};
use crate::error::dims;
use crate::error::sums::error;
use crate::print::print_expr;
use ein_ir::entity::Tensor;
use ein_ir::scalar::Mode;

impl Resolver<'_, '_> {
    pub(super) fn access(&mut self, base: &Expr, subs: &[Subscript], whole: &Expr) -> NodeKind {
        let (name, prev) = match &base.kind {
            ExprKind::Name(name) => (name, false),
            ExprKind::Prev(name) => (name, true),
            _ => return NodeKind::Bad,
        };
        let mut pads: Vec<&Expr> = Vec::new();
        let resolved: Vec<Sub> =
            subs.iter().filter_map(|s| if let Subscript::At(e) = s { Some(self.subscript(e, &mut pads)) } else { None }).collect();
        let pad = self.one_pad(&pads);
        let found = if prev { self.elab.previous(name) } else { self.tensor(name) };
        let Some(tensor) = found else { return NodeKind::Bad };
        let axes = self.elab.module.tensors[tensor].axes.len();
        if axes != resolved.len() {
            let found = dims::error(
                310,
                format!(
                    "`{name}` has {axes} {}, and {} {} it here",
                    plural(axes, "axis", "axes"),
                    resolved.len(),
                    plural(resolved.len(), "subscript reads", "subscripts read")
                ),
            );
            let found = found.at(whole.span, format!("{} {}", resolved.len(), plural(resolved.len(), "subscript", "subscripts")));
            let declared = self.elab.module.tensors[tensor].span;
            self.elab.errors.push(found.and(declared, format!("{axes} {}", plural(axes, "axis", "axes"))));
            return NodeKind::Bad;
        }
        self.check_current_step(name, tensor, &resolved);
        NodeKind::Access(Access { tensor, prev, subs: resolved, pad })
    }

    /// Inside of its scan only the slice of the current step of a tensor is there.
    fn check_current_step(&mut self, name: &Ident, tensor: Tensor, subs: &[Sub]) {
        for scan in 0..self.elab.scans.len() {
            let Some(axis) = self.elab.scans[scan].axis_of(tensor) else { continue };
            let is_current = |sub: &Sub| sub.value.as_index() == Some(scan) && sub.mode == Mode::Exact;
            if subs.get(axis).is_some_and(|sub| !is_current(sub)) {
                let found = self.elab.other_step(scan, name, subs[axis].value.span);
                self.elab.errors.push(found);
            }
        }
    }

    /// The tensor of this name, if it may be read here.
    fn tensor(&mut self, name: &Ident) -> Option<Tensor> {
        self.elab.bring_in(name.as_str(), name.span);
        match self.elab.names.get(name.as_str()).map(|d| (d.meaning.clone(), d.span, d.what)) {
            Some((Meaning::Tensor(tensor), ..)) => self.is_readable(name, tensor).then_some(tensor),
            Some((Meaning::Unknown, ..)) => None,
            Some((_, declared, what)) => {
                let found = error(204, format!("`{name}` is a {what}, not a tensor")).at(name.span, "subscripted here");
                self.elab.errors.push(found.and(declared, "declared here"));
                None
            }
            None => {
                self.elab.unknown(name.as_str(), name.span, &[]);
                None
            }
        }
    }

    fn subscript<'s>(&mut self, e: &'s Expr, pads: &mut Vec<&'s Expr>) -> Sub {
        let ExprKind::Call { name, args } = &e.peeled().kind else { return Sub { value: self.expr(e), mode: Mode::Exact } };
        let mode = match name.as_str() {
            "pad" => Mode::Pad,
            "clamp" => Mode::Clamp,
            "wrap" => Mode::Wrap,
            "reflect" => Mode::Reflect,
            _ => return Sub { value: self.expr(e), mode: Mode::Exact },
        };
        let most = if mode == Mode::Pad { 2 } else { 1 };
        if args.is_empty() || args.len() > most {
            let takes = if most == 2 { "one subscript, and a value if it is not 0" } else { "one subscript" };
            let found = error(213, format!("`{name}` takes {takes}")).at(e.span, format!("{} given", args.len()));
            self.elab.errors.push(found);
            return Sub { value: Node::new(NodeKind::Bad, e.span), mode };
        }
        if let Some(value) = args.get(1) {
            pads.push(&value.value);
        }
        Sub { value: self.expr(&args[0].value), mode }
    }

    /// The pad value of an access: the same wherever it is stated.
    fn one_pad(&mut self, pads: &[&Expr]) -> Option<Box<Node>> {
        let (first, rest) = pads.split_first()?;
        for other in rest.iter().filter(|other| print_expr(other) != print_expr(first)) {
            let found = dims::error(304, "one access states two pad values").at(other.span, "second value").and(first.span, "first value");
            self.elab.errors.push(
                found.note("an element outside the tensor on any axis has the one pad value").help("state it once, `pad(e)` elsewhere"),
            );
        }
        Some(Box::new(self.expr(first)))
    }
}
