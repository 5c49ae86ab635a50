//! What the results of a call become: declared results of the caller, or new tensors.

use super::Call;
use crate::ast::Ident;
use crate::check::inline::substitute_dims;
use crate::check::scope::{Elaborator, Meaning};
use crate::error::{dims, types};
use ein_ir::dtype::DType;
use ein_ir::entity::Tensor;
use ein_ir::extent::Extent;
use ein_ir::span::Span;
use ein_ir::tensor::TensorDecl;

impl Elaborator<'_> {
    /// The tensor that a result of the call becomes: a declared result of this def, or a new one.
    pub(super) fn result_tensor(&mut self, name: &Ident, call: &Call<'_>, result: Tensor, sizes: &[Extent]) -> Option<Tensor> {
        let decl = &call.callee.module.tensors[result];
        let axes: Vec<Extent> = decl.axes.iter().map(|a| substitute_dims(a, sizes)).collect();
        let index_of = decl.index_of.iter().map(|size| substitute_dims(size, sizes)).collect();
        self.bind_result(name, (decl.dtype, axes, index_of), call.def.as_str(), call.span)
    }

    /// The tensor that a result of the function `def` becomes: a declared result of this def, or a new one.
    /// Its type is given by the element type, the axes, and what the elements are indices of.
    pub(in crate::check) fn bind_result(
        &mut self,
        name: &Ident,
        (dtype, axes, index_of): (DType, Vec<Extent>, Vec<Extent>),
        def: &str,
        span: Span,
    ) -> Option<Tensor> {
        let Some(target) = self.target(name)? else {
            let fresh = TensorDecl { index_of, ..TensorDecl::new(name.as_str(), dtype, axes, name.span) };
            let tensor = self.module.tensors.push(fresh);
            self.declare(name.as_str(), name.span, "tensor", Meaning::Tensor(tensor));
            return Some(tensor);
        };
        let own = &self.module.tensors[target];
        if own.dtype != dtype {
            let found = types::error(402, format!("`{name}` is {}, but `{def}` gives {dtype}", own.dtype));
            self.errors.push(found.at(span, dtype.to_string()).and(own.span, own.dtype.to_string()));
            return None;
        }
        if own.axes != axes {
            let show = |list: &[Extent]| list.iter().map(|a| self.show(a)).collect::<Vec<_>>().join(", ");
            let message = format!("`{name}` has the axes [{}], but `{def}` gives [{}]", show(&own.axes), show(&axes));
            let found = dims::error(301, message).at(span, "given here").and(own.span, "declared here");
            self.errors.push(found);
            return None;
        }
        if !own.index_of.is_empty() && own.index_of != index_of {
            let message = format!("`{name}` is declared an index, and `{def}` does not give one of the same dim");
            self.errors.push(dims::error(303, message).at(span, "given here").and(own.span, "declared here"));
            return None;
        }
        self.module.tensors[target].index_of = index_of;
        Some(target)
    }
}
