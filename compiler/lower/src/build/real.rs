//! Functions of real numbers.

use super::{Builder, comparison};
use crate::graph::{Graph, ValueId};
use ein_ir::kernel::{BinaryOp, Comparison, MathFn, UnaryOp};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};

impl Builder<'_> {
    /// A function of a float; `None` if it has no meaning there.
    pub(super) fn float_unary(&mut self, function: UnaryFn, x: ValueId) -> Option<ValueId> {
        if let Some(op) = plain_op(function) {
            return Some(self.graph.unary(op, x));
        }
        if let Some(function) = math_fn(function) {
            return Some(self.graph.call(function, &[x]));
        }
        let g = &mut self.graph;
        let ty = g[x].ty;
        let (zero, one) = (g.float(0.0, ty), g.float(1.0, ty));
        Some(match function {
            UnaryFn::Sign => g.sign(x),
            UnaryFn::Relu => g.binary(BinaryOp::Max, x, zero),
            UnaryFn::Rsqrt => {
                let root = g.unary(UnaryOp::Sqrt, x);
                g.binary(BinaryOp::Div, one, root)
            }
            UnaryFn::IsNan => g.compare(Comparison::Ne, x, x),
            UnaryFn::IsFinite => {
                let (magnitude, infinity) = (g.unary(UnaryOp::Abs, x), g.float(f64::INFINITY, ty));
                g.compare(Comparison::Lt, magnitude, infinity)
            }
            UnaryFn::Conj | UnaryFn::Real | UnaryFn::Keep => x,
            UnaryFn::Imag => zero,
            UnaryFn::Powi(n) => {
                let power = g.power(x, n.unsigned_abs(), one, &mut |g, a, b| g.binary(BinaryOp::Mul, a, b));
                if n < 0 { g.binary(BinaryOp::Div, one, power) } else { power }
            }
            _ => return None,
        })
    }

    /// A function of two floats; `None` if it has no meaning there.
    pub(super) fn float_binary(&mut self, function: BinaryFn, a: ValueId, b: ValueId) -> Option<ValueId> {
        let g = &mut self.graph;
        if let Some(comparison) = comparison(function) {
            return Some(g.compare(comparison, a, b));
        }
        Some(match function {
            BinaryFn::Add => g.binary(BinaryOp::Add, a, b),
            BinaryFn::Sub => g.binary(BinaryOp::Sub, a, b),
            BinaryFn::Mul => g.binary(BinaryOp::Mul, a, b),
            BinaryFn::Div => g.binary(BinaryOp::Div, a, b),
            BinaryFn::Max => g.binary(BinaryOp::Max, a, b),
            BinaryFn::Min => g.binary(BinaryOp::Min, a, b),
            BinaryFn::Rem => g.call(MathFn::Rem, &[a, b]),
            BinaryFn::Pow => g.call(MathFn::Pow, &[a, b]),
            BinaryFn::Atan2 => g.call(MathFn::Atan2, &[a, b]),
            BinaryFn::FloorDiv => g.call(MathFn::FloorDiv, &[a, b]),
            _ => return None,
        })
    }
}

fn plain_op(function: UnaryFn) -> Option<UnaryOp> {
    Some(match function {
        UnaryFn::Neg => UnaryOp::Neg,
        UnaryFn::Abs => UnaryOp::Abs,
        UnaryFn::Floor => UnaryOp::Floor,
        UnaryFn::Ceil => UnaryOp::Ceil,
        UnaryFn::Round => UnaryOp::Nearest,
        UnaryFn::Trunc => UnaryOp::Trunc,
        UnaryFn::Sqrt => UnaryOp::Sqrt,
        _ => return None,
    })
}

fn math_fn(function: UnaryFn) -> Option<MathFn> {
    Some(match function {
        UnaryFn::Exp => MathFn::Exp,
        UnaryFn::Expm1 => MathFn::Expm1,
        UnaryFn::Log => MathFn::Log,
        UnaryFn::Log1p => MathFn::Log1p,
        UnaryFn::Sin => MathFn::Sin,
        UnaryFn::Cos => MathFn::Cos,
        UnaryFn::Tan => MathFn::Tan,
        UnaryFn::Tanh => MathFn::Tanh,
        UnaryFn::Sigmoid => MathFn::Sigmoid,
        UnaryFn::Softplus => MathFn::Softplus,
        UnaryFn::Erf => MathFn::Erf,
        UnaryFn::Gelu => MathFn::Gelu,
        UnaryFn::Silu => MathFn::Silu,
        _ => return None,
    })
}

impl Graph {
    /// 1, -1 or 0; NaN of NaN.
    fn sign(&mut self, x: ValueId) -> ValueId {
        let ty = self[x].ty;
        let (zero, one, minus) = (self.float(0.0, ty), self.float(1.0, ty), self.float(-1.0, ty));
        let conditions = [Comparison::Eq, Comparison::Lt, Comparison::Gt].map(|c| self.compare(c, x, zero));
        conditions.into_iter().zip([zero, minus, one]).fold(x, |rest, (condition, value)| self.select(condition, value, rest))
    }

    /// A power by repeated multiplication, in the order of `ein_ir::scalar::math::powi_f64`.
    pub(crate) fn power<T: Copy>(&mut self, x: T, n: u32, one: T, mul: &mut dyn FnMut(&mut Self, T, T) -> T) -> T {
        let Some(highest) = n.checked_ilog2() else { return one };
        (0..highest).rev().fold(x, |power, bit| {
            let square = mul(self, power, power);
            if n >> bit & 1 == 1 { mul(self, square, x) } else { square }
        })
    }
}
