//! What the generics of a called def stand for: ranks of rows, and one size of the caller for each dim.

use super::Call;
use super::arguments::argument_mismatch;
use crate::ast::{Argument, Ident};
use crate::builtins::nearest;
use crate::check::inline::substitute_dims;
use crate::check::program::DefRef;
use crate::check::rows;
use crate::check::scope::Elaborator;
use crate::error::dims;
use crate::error::sums::error;
use ein_ir::entity::{Dim, EntityRef, Tensor};
use ein_ir::extent::Extent;
use ein_ir::span::Span;
use ein_ir::tensor::{DimKind, TensorDecl};
use std::sync::Arc;

impl<'p> Elaborator<'p> {
    /// One size of the caller for each generic: from the axes where it stands alone, by name, or its default.
    pub(super) fn unify(&mut self, call: &Call<'_>, tensors: &[Tensor]) -> Option<Vec<Extent>> {
        let module = Arc::clone(&call.callee);
        let module = &module.module;
        let before = self.errors.len();
        let mut sizes: Vec<Option<Extent>> = vec![None; module.dims.len()];
        self.named_arguments(call, &mut sizes);
        self.share_dims(&call.callee, &mut sizes, call.span);
        for (param, tensor) in module.params.iter().zip(tensors) {
            let (param, given) = (&module.tensors[*param], &self.module.tensors[*tensor]);
            if let Some(found) = argument_mismatch(call, param, given) {
                self.errors.push(found);
                continue;
            }
            let ranges = param.index_of.iter().zip(&given.index_of);
            for (wanted, axis) in param.axes.iter().zip(&given.axes).chain(ranges) {
                if let Some(dim) = wanted.as_dim()
                    && sizes[dim.index()].is_none()
                {
                    sizes[dim.index()] = Some(axis.clone());
                }
            }
        }
        if self.errors.len() > before {
            return None;
        }
        let mut out = Vec::new();
        for (n, size) in sizes.into_iter().enumerate() {
            let decl = &module.dims[Dim::new(n)];
            match size.or_else(|| decl.default.map(Extent::from)) {
                Some(size) => out.push(size),
                None => {
                    let found = dims::error(306, format!("no argument says what size `{}` of `{}` has", decl.name, call.def));
                    self.errors.push(
                        found
                            .at(call.span, "called here")
                            .and(decl.span, "declared here")
                            .help(format!("`{} = …` among the arguments", decl.name)),
                    );
                }
            }
        }
        if self.errors.len() > before {
            return None;
        }
        for (param, tensor) in module.params.iter().zip(tensors) {
            self.check_axes(call, &module.tensors[*param], *tensor, &out);
            self.check_values(call, &module.tensors[*param], *tensor);
        }
        (self.errors.len() == before).then_some(out)
    }

    fn named_arguments(&mut self, call: &Call<'_>, sizes: &mut [Option<Extent>]) {
        for argument in call.args {
            let Some(name) = &argument.name else { continue };
            let dims = &call.callee.module.dims;
            match dims.iter().find(|(_, d)| d.name == name.as_str()) {
                Some((dim, decl)) => {
                    let Some(size) = self.size(&argument.value) else { continue };
                    if decl.kind == DimKind::Size {
                        self.ensure_nonnegative(&size, argument.span);
                    }
                    sizes[dim.index()] = Some(size);
                }
                None => {
                    let near = nearest(name.as_str(), dims.values().map(|d| d.name.as_str()));
                    let found = error(213, format!("`{}` has no generic `{name}`", call.def)).at(name.span, "no such generic");
                    self.errors.push(match near {
                        Some(near) => found.help(format!("did you mean `{near}`?")),
                        None => found.note("tensors are passed by position, `int` generics by name"),
                    });
                }
            }
        }
    }

    /// The axes of an argument are those of the parameter, as polynomials over the caller's dims.
    fn check_axes(&mut self, call: &Call<'_>, param: &TensorDecl, tensor: Tensor, sizes: &[Extent]) {
        for (column, wanted) in param.index_of.iter().enumerate() {
            let given = self.module.tensors[tensor].index_of[column].clone();
            let wanted = substitute_dims(wanted, sizes);
            if wanted != given {
                let (wanted, given) = (self.show(&wanted), self.show(&given));
                let name = self.quoted(tensor);
                let message = format!("{name} indexes `{given}`, but `{}` of `{}` indexes `{wanted}`", param.name, call.def);
                self.errors.push(
                    dims::error(301, message)
                        .at(call.span, format!("`{given}` passed here"))
                        .and(param.span, format!("`{wanted}` needed here")),
                );
            }
        }
        for (axis, wanted) in param.axes.iter().enumerate() {
            let given = self.module.tensors[tensor].axes[axis].clone();
            let wanted = substitute_dims(wanted, sizes);
            if wanted != given {
                let decl = &self.module.tensors[tensor];
                let (wanted, given) = (self.show(&wanted), self.show(&given));
                let message =
                    format!("axis {axis} of `{}` is `{given}`, but `{}` of `{}` needs `{wanted}` there", decl.name, param.name, call.def);
                let found = dims::error(301, message)
                    .at(call.span, format!("`{given}` passed here"))
                    .and(param.span, format!("`{wanted}` needed here"));
                self.errors.push(found.and(decl.span, format!("`{}` is declared here", decl.name)));
            }
        }
    }

    /// How many axes the rows of a called def stand for.
    pub(super) fn ranks(&mut self, name: &Ident, found: DefRef<'p>, args: &[Argument], span: Span) -> Option<Vec<usize>> {
        if rows::row_names(found.def).is_empty() {
            return Some(Vec::new());
        }
        let positional: Vec<&Argument> = args.iter().filter(|a| a.name.is_none()).collect();
        if positional.len() != found.def.params.len() {
            let wants: Vec<&str> = found.def.params.iter().map(|p| p.name.as_str()).collect();
            self.wrong_number(name, &wants, positional.len(), span);
            return None;
        }
        let mut given = Vec::new();
        for (argument, param) in positional.iter().zip(&found.def.params) {
            let is_scalar = param.ty.axes.as_ref().is_none_or(Vec::is_empty);
            let rank = if is_scalar {
                0
            } else {
                let tensor = self.whole_tensor(&argument.value)?;
                self.module.tensors[tensor].axes.len()
            };
            given.push(Some(rank));
        }
        match rows::ranks_of_call(found.def, &given, &[]) {
            Ok(ranks) => Some(ranks),
            Err(problems) => {
                for problem in problems {
                    let (message, declared, text) = problem.message(name.as_str());
                    let found = dims::error(313, message).at(span, "called here").and(declared, text);
                    self.errors.push(found);
                }
                None
            }
        }
    }
}
