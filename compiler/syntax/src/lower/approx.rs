//! `approx(f, x, …)`: the function is kept beside its argument, for the targets that compute another one.

use super::Builder;
use crate::check::budget::measure;
use crate::check::tree;
use crate::error::parse::LimitError;
use crate::limits::MAX_TREE_DEPTH;
use ein_ir::dtype::DType;
use ein_ir::scalar::approx::{Approx, make_exact};
use ein_ir::scalar::value::round_to;
use ein_ir::scalar::{Literal, Scalar, ScalarKind};
use ein_ir::span::Span;
use std::collections::BTreeMap;

impl Builder<'_, '_> {
    pub(super) fn approx(&mut self, approx: &tree::Approx, dtype: DType, span: Span) -> Scalar {
        let placeholder = || Scalar::literal(Literal::Float(0.0), dtype, span);
        let argument = self.build(&approx.argument, dtype);
        let Some(body) = &approx.body else { return placeholder() };
        let on = (round_to(approx.on.0, dtype), round_to(approx.on.1, dtype));
        let outside = self.elab.operand.replace(on);
        let mut function = self.build(body, dtype);
        self.elab.operand = outside;
        // What is close to the function itself is asked for, and not to something that is close to it.
        make_exact(&mut function);
        let out = Scalar::new(ScalarKind::Approx(Box::new(Approx { argument, function, on, degree: approx.degree })), dtype, span);
        let size = measure(&out, &BTreeMap::new());
        if size.is_too_deep() {
            self.elab.errors.push(LimitError::TreeTooDeep { limit: MAX_TREE_DEPTH, span }.into());
            return placeholder();
        }
        if !self.elab.copied(size.nodes, &approx.name, span) {
            return placeholder();
        }
        out
    }
}
