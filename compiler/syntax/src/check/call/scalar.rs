//! Defs of scalars, which may be called inside of expressions.

use crate::ast::Ident;
use crate::check::dtype::{fits, name_of};
use crate::check::files::ItemId;
use crate::check::program::{DefRef, Outcome};
use crate::check::resolve::plural;
use crate::check::rows;
use crate::check::scope::Elaborator;
use crate::check::tree::Ty;
use crate::error::sums::error;
use crate::error::types;
use ein_ir::dtype::DType;
use ein_ir::span::Span;

impl Elaborator<'_> {
    /// The type of a call of a def of scalars inside an expression.
    pub(crate) fn scalar_call_type(&mut self, id: ItemId, args: &[(Ty, Span)], span: Span) -> Ty {
        let Some(found) = self.program.files.def(id) else { return Ty::Bad };
        let name = &found.name;
        let found = DefRef { id, def: found };
        let Some(callee) = self.callee(&Ident::new(name.as_str(), span), found, &no_rows(found)) else { return Ty::Bad };
        let module = &callee.module;
        if module.params.len() != args.len() {
            let n = module.params.len();
            let found = error(
                213,
                format!(
                    "`{name}` takes {n} {}, and {} {} given",
                    plural(n, "argument", "arguments"),
                    args.len(),
                    plural(args.len(), "is", "are")
                ),
            );
            self.errors.push(found.at(span, format!("{} given", args.len())));
            return Ty::Bad;
        }
        for (param, (ty, at)) in module.params.iter().zip(args) {
            let decl = &module.tensors[*param];
            let right = match ty {
                Ty::Data(d) => *d == decl.dtype,
                Ty::Adapt(k) => fits(*k, decl.dtype),
                Ty::Bad => true,
            };
            if !right {
                let found = types::error(402, format!("`{}` of `{name}` is {}, and this is {}", decl.name, decl.dtype, name_of(*ty)));
                self.errors
                    .push(found.at(*at, name_of(*ty)).and(decl.span, decl.dtype.to_string()).help(format!("`(…) as {}`", decl.dtype)));
            }
        }
        Ty::Data(module.tensors[module.results[0]].dtype)
    }

    /// Types of the parameters of a def of scalars.
    pub(crate) fn scalar_params(&self, id: ItemId) -> Vec<DType> {
        match self.scalar_def(id) {
            Outcome::Right(callee) => callee.module.params.iter().map(|t| callee.module.tensors[*t].dtype).collect(),
            _ => Vec::new(),
        }
    }

    /// A def of scalars, elaborated.
    pub(crate) fn scalar_def(&self, id: ItemId) -> Outcome {
        match self.program.files.def(id) {
            Some(def) => self.program.elaborated(DefRef { id, def }, &no_rows(DefRef { id, def })),
            None => Outcome::Wrong(Vec::new()),
        }
    }
}

/// Whether a def has scalars alone as parameters and one scalar result, so that it may be called in any expression.
pub(crate) fn is_scalar_def(def: &crate::ast::Def) -> bool {
    let is_plain = |p: &crate::ast::Param| matches!(p.ty.element.kind, crate::ast::ElementKind::Scalar(_));
    let is_scalar = |p: &crate::ast::Param| p.ty.axes.as_ref().is_none_or(Vec::is_empty) && is_plain(p);
    def.results.len() == 1 && def.params.iter().chain(&def.results).all(is_scalar)
}

/// Every row stands for no axes: a def of scalars has nothing that says otherwise.
pub(super) fn no_rows(found: DefRef<'_>) -> Vec<usize> {
    vec![0; rows::row_names(found.def).len()]
}
