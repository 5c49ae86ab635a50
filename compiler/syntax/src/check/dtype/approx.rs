//! Types of `approx(f, x, …)`: the function takes the type of its argument, a real one of data, and gives it back.

use super::{Typer, name_of};
use crate::check::tree::{Approx, Approximated, Node, NodeKind, Ty};
use crate::error::types::error;
use ein_ir::scalar::function::BinaryFn;
use ein_ir::span::Span;

impl Typer<'_, '_> {
    pub(super) fn approx(&mut self, approx: &mut Approx, span: Span) -> Ty {
        let at = approx.argument.span;
        let dtype = match self.annotate(&mut approx.argument) {
            Ty::Data(dtype) if dtype.is_float() => dtype,
            Ty::Bad => return Ty::Bad,
            other => {
                let found = error(404, format!("`approx` takes a floating-point number of the data, and this is {}", name_of(other)));
                return self.wrong(found.at(at, name_of(other)));
            }
        };
        let operand = Node { ty: Ty::Data(dtype), ..Node::new(NodeKind::Operand(0, dtype), at) };
        let kind = match approx.function {
            Approximated::Builtin(builtin) => NodeKind::Call(builtin, vec![operand]),
            Approximated::Def(def) => NodeKind::Def(def, vec![operand]),
            Approximated::Reciprocal => NodeKind::Binary(BinaryFn::Div, Box::new(Node::new(NodeKind::Int(1), span)), Box::new(operand)),
        };
        let mut body = Node::new(kind, span);
        let ty = self.annotate(&mut body);
        if ty != Ty::Data(dtype) && ty != Ty::Bad {
            let found =
                error(404, format!("`{}` of {dtype} is {}, and `approx` takes a function that gives {dtype}", approx.name, name_of(ty)));
            return self.wrong(found.at(span, "approximated here"));
        }
        approx.body = Some(body);
        ty
    }
}
