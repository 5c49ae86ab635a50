//! Arguments of a call: whole tensors by their bare names, and scalar expressions.

use super::Call;
use crate::ast::{Argument, Expr, ExprKind, Ident};
use crate::check::dtype::Typer;
use crate::check::interval::values_unknown;
use crate::check::names::find_at;
use crate::check::resolve::{Resolver, plural};
use crate::check::scope::{Elaborator, Meaning};
use crate::error::sums::error;
use crate::error::{dims, types};
use crate::lower::Builder;
use ein_ir::entity::Tensor;
use ein_ir::scalar::value::shortest;
use ein_ir::span::Span;
use ein_ir::tensor::TensorDecl;

impl Elaborator<'_> {
    /// An argument has only the values that its parameter states.
    pub(super) fn check_values(&mut self, call: &Call<'_>, param: &TensorDecl, tensor: Tensor) {
        let Some(stated) = param.bounds else { return };
        let known = self.values_of_tensor(tensor);
        if known.is_some_and(|known| stated.0 <= known.0 && known.1 <= stated.1) {
            return;
        }
        let given = &self.module.tensors[tensor];
        let is_param = self.module.params.contains(&tensor);
        let text = format!("`{}`", given.name);
        let found = values_unknown(call.def.as_str(), param, (&text, argument_span(call, given)), known);
        let (lo, hi) = (shortest(stated.0, param.dtype), shortest(stated.1, param.dtype));
        self.errors.push(found.help(if is_param {
            format!("declare `{}` with `in {lo}..{hi}`", given.name)
        } else {
            format!("an equation that bounds it: `min(max(…, {lo}), {hi})`")
        }));
    }

    /// The caller's tensors for the parameters, in order; a scalar expression becomes a tensor of its own.
    pub(super) fn arguments(&mut self, call: &Call<'_>, target: &Ident) -> Option<Vec<Tensor>> {
        let module = &call.callee.module;
        let positional: Vec<&Argument> = call.args.iter().filter(|a| a.name.is_none()).collect();
        if positional.len() != module.params.len() {
            let wants: Vec<&str> = module.params.iter().map(|t| module.tensors[*t].name.as_str()).collect();
            self.wrong_number(call.def, &wants, positional.len(), call.span);
            return None;
        }
        let mut out = Vec::new();
        for (argument, param) in positional.iter().zip(&module.params) {
            let decl = module.tensors[*param].clone();
            let tensor = if decl.axes.is_empty() {
                self.scalar_argument(&argument.value, &decl, target)
            } else {
                self.whole_tensor(&argument.value)
            };
            out.push(tensor?);
        }
        Some(out)
    }

    /// A whole tensor as an argument: its bare name.
    pub(crate) fn whole_tensor(&mut self, e: &Expr) -> Option<Tensor> {
        if let ExprKind::Prev(name) = &e.peeled().kind {
            let state = self.previous(name)?;
            return Some(self.copy_of_previous(state, e.span));
        }
        let Some(name) = e.as_name() else {
            let found = error(213, "a tensor is passed by its bare name").at(e.span, "an expression");
            self.errors.push(found.help("name it by an equation of its own, and pass that name"));
            return None;
        };
        self.bring_in(name.as_str(), name.span);
        match self.names.get(name.as_str()).map(|d| (d.meaning.clone(), d.what)) {
            Some((Meaning::Tensor(tensor), _)) if self.defined.contains(&tensor) => Some(tensor),
            Some((Meaning::Unknown, _)) => None,
            Some((Meaning::Tensor(_), _)) | None => {
                self.unknown(name.as_str(), name.span, &[]);
                None
            }
            Some((_, what)) => {
                self.errors.push(error(213, format!("`{name}` is a {what}, not a tensor")).at(name.span, "a tensor must stand here"));
                None
            }
        }
    }

    fn scalar_argument(&mut self, e: &Expr, param: &TensorDecl, target: &Ident) -> Option<Tensor> {
        let before = self.errors.len();
        let scans: Vec<Ident> = self.scans.iter().map(|s| s.name.clone()).filter(|n| !n.is_hole()).collect();
        let explicit = crate::check::sum::make_explicit(e, &scans, self);
        self.errors.extend(explicit.errors);
        let mut resolver = Resolver::new(self, explicit.poisoned);
        resolver.bind_scans();
        let mut node = resolver.expr(&explicit.value);
        let mut vars = resolver.vars;
        if self.errors.len() > before {
            return None;
        }
        let bind =
            crate::ast::Bind { name: target.clone(), left: None, ty: None, value: e.clone(), init: None, tolerance: None, span: e.span };
        let sides = crate::check::range::Sides { bind: &bind, explicit: &explicit.value, right: &node, left: &[], declared: None };
        self.determine_ranges(&mut vars, &sides);
        let mut typer = Typer { elab: self, source: e };
        let ty = typer.annotate(&mut node);
        typer.root(ty, Some((param.dtype, param.span, &param.name)), &node)?;
        if self.errors.len() > before {
            return None;
        }
        let name = self.fresh_name(&format!("{target}.{}", param.name));
        let index_of = self.index_fact(&node, &vars).into_iter().collect();
        let decl = TensorDecl { index_of, ..TensorDecl::new(name, param.dtype, Vec::new(), e.span) };
        let tensor = self.module.tensors.push(decl);
        Builder::new(self, &vars, &explicit.value, target.as_str(), &[]).define(tensor, &node, e.span);
        self.notes.indices.clear();
        self.notes.reductions.clear();
        (self.errors.len() == before).then_some(tensor)
    }
}

/// Where a tensor is passed.
fn argument_span(call: &Call<'_>, given: &TensorDecl) -> Span {
    let at =
        call.args.iter().find_map(|a| find_at(&a.value, a.value.span).filter(|e| e.as_name().is_some_and(|n| n.as_str() == given.name)));
    at.map_or(call.span, |e| e.span)
}

pub(super) fn argument_mismatch(call: &Call<'_>, param: &TensorDecl, given: &TensorDecl) -> Option<ein_ir::diagnostic::Diagnostic> {
    let span = argument_span(call, given);
    if param.axes.len() != given.axes.len() {
        let (n, m) = (param.axes.len(), given.axes.len());
        let message = format!("`{}` of `{}` has {n} {}, and `{}` has {m}", param.name, call.def, plural(n, "axis", "axes"), given.name);
        return Some(dims::error(310, message).at(span, format!("{m} here")).and(param.span, format!("{n} here")));
    }
    if param.index_of.len() > given.index_of.len() || (!param.index_of.is_empty() && param.index_of.len() != given.index_of.len()) {
        let n = param.index_of.len();
        let wanted = if n == 1 { "an index".to_owned() } else { format!("a list of {n} coordinates") };
        let message = format!("`{}` of `{}` is {wanted}, and nothing says that the values of `{}` are", param.name, call.def, given.name);
        let found = dims::error(303, message).at(span, "may be any number").and(param.span, "declared here");
        return Some(found.help(format!("declare `{}` with the element type `idx<…>`", given.name)));
    }
    if param.dtype != given.dtype {
        let message = format!("`{}` of `{}` is {}, and `{}` is {}", param.name, call.def, param.dtype, given.name, given.dtype);
        let found = types::error(402, message).at(span, given.dtype.to_string()).and(param.span, param.dtype.to_string());
        return Some(found.help(format!("an equation that converts it: `… as {}`", param.dtype)));
    }
    None
}
