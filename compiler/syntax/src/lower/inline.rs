//! Calls of defs of scalars inside expressions: the def's equations with the arguments in place of its parameters.

use super::Builder;
use crate::check::budget::{Measure, measure};
use crate::check::files::ItemId;
use crate::check::inline::substitute_dims;
use crate::check::interval::values_unknown;
use crate::check::program::Outcome;
use crate::check::tree::Node;
use crate::error::parse::LimitError;
use crate::error::refusals::unsupported;
use crate::limits::MAX_TREE_DEPTH;
use ein_ir::dtype::DType;
use ein_ir::entity::Tensor;
use ein_ir::extent::Extent;
use ein_ir::scalar::{Literal, Scalar, ScalarKind};
use ein_ir::span::Span;
use ein_ir::tensor::{Definition, Equation};
use std::collections::BTreeMap;

impl Builder<'_, '_> {
    pub(super) fn scalar_call(&mut self, def: ItemId, args: &[Node], span: Span) -> Scalar {
        let params = self.elab.scalar_params(def);
        let args: Vec<Scalar> = args.iter().zip(&params).map(|(a, d)| self.build(a, *d)).collect();
        let placeholder = || Scalar::literal(Literal::Bool(false), DType::Bool, span);
        let Outcome::Right(callee) = self.elab.scalar_def(def) else { return placeholder() };
        let module = &callee.module;
        for (param, arg) in module.params.iter().zip(&args) {
            let param = &module.tensors[*param];
            let known = self.elab.values_of(arg);
            if param.bounds.is_some_and(|(lo, hi)| known.is_none_or(|known| known.0 < lo || hi < known.1)) {
                self.elab.errors.push(values_unknown(&module.name, param, ("this argument", arg.span), known));
            }
        }
        if !callee.secrets.is_empty() {
            self.secret = self.secret.or(Some(span));
        }
        let given: Vec<(Tensor, Scalar)> = module.params.iter().copied().zip(args.iter().cloned()).collect();
        self.elab.inherit_public_scalars(&callee.public, &given, span);
        let mut dims: Vec<Option<Extent>> = module.dims.values().map(|d| d.default.map(Extent::from)).collect();
        self.elab.share_dims(&callee, &mut dims, span);
        let dims: Option<Vec<Extent>> = dims.into_iter().collect();
        let (Some(dims), Some(equations)) = (dims, pointwise(&module.body)) else {
            let what = format!("a call of `{}` inside an expression, which needs more than scalar equations, is", module.name);
            self.elab.errors.push(unsupported(&what, span));
            return placeholder();
        };
        let sizes = module.params.iter().copied().zip(args.iter().map(|arg| measure(arg, &BTreeMap::new())));
        let mut sizes: BTreeMap<Tensor, Measure> = sizes.collect();
        for e in &equations {
            let size = measure(&e.body, &sizes);
            if size.is_too_deep() {
                self.elab.errors.push(LimitError::TreeTooDeep { limit: MAX_TREE_DEPTH, span }.into());
                return placeholder();
            }
            if !self.elab.copied(size.nodes, &module.name, span) {
                return placeholder();
            }
            sizes.insert(e.out, size);
        }
        let mut values: BTreeMap<Tensor, Scalar> = module.params.iter().copied().zip(args).collect();
        for e in equations {
            let mut body = e.body.clone();
            body.visit_mut(&mut |s| match &mut s.kind {
                ScalarKind::Size(size) => *size = substitute_dims(size, &dims),
                ScalarKind::Access(access) => {
                    if let Some(value) = values.get(&access.tensor) {
                        *s = value.clone();
                    }
                }
                _ => {}
            });
            values.insert(e.out, body);
        }
        values.remove(&module.results[0]).unwrap_or_else(placeholder)
    }
}

/// The equations, if all of them are pointwise expressions of scalars.
fn pointwise(body: &[Definition]) -> Option<Vec<&Equation>> {
    body.iter()
        .map(|d| match d {
            Definition::Equation(e) if e.indices.is_empty() && e.reduce.is_none() => Some(e),
            _ => None,
        })
        .collect()
}
