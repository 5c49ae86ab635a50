//! Complex numbers as pairs of reals, by the formulas of `ein_ir::scalar::complex`.

use super::{Builder, Parts};
use crate::graph::{Graph, ValueId};
use ein_ir::dtype::DType;
use ein_ir::kernel::{BinaryOp, Comparison, MathFn, UnaryOp};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};

/// Real and imaginary part.
type Pair = (ValueId, ValueId);

impl Builder<'_> {
    /// A function of a complex number; `None` if it has no meaning there.
    pub(super) fn complex_unary(&mut self, function: UnaryFn, re: ValueId, im: ValueId) -> Option<Parts> {
        let g = &mut self.graph;
        let z = (re, im);
        let one = (g.float(1.0, g[re].ty), g.float(0.0, g[re].ty));
        let pair = match function {
            UnaryFn::Abs => return Some(Parts::One(g.hypot(z))),
            UnaryFn::Real => return Some(Parts::One(re)),
            UnaryFn::Imag => return Some(Parts::One(im)),
            UnaryFn::IsNan | UnaryFn::IsFinite => return self.complex_class(function, z),
            UnaryFn::Neg => (g.neg(re), g.neg(im)),
            UnaryFn::Conj => (re, g.neg(im)),
            UnaryFn::Sign => g.complex_sign(z),
            UnaryFn::Exp => g.complex_exp(z),
            UnaryFn::Expm1 => g.complex_expm1(z),
            UnaryFn::Log => g.complex_log(z),
            UnaryFn::Log1p => {
                let sum = g.complex_add(one, z);
                g.complex_log(sum)
            }
            UnaryFn::Sqrt => g.complex_sqrt(z),
            UnaryFn::Rsqrt => {
                let root = g.complex_sqrt(z);
                g.complex_div(one, root)
            }
            UnaryFn::Sin => g.complex_sin(z),
            UnaryFn::Cos => g.complex_cos(z),
            UnaryFn::Tan => {
                let minus = g.neg(im);
                let (re, im) = g.complex_tanh((minus, re));
                (im, g.neg(re))
            }
            UnaryFn::Tanh => g.complex_tanh(z),
            UnaryFn::Sigmoid => g.complex_sigmoid(z, one),
            UnaryFn::Silu => {
                let sigmoid = g.complex_sigmoid(z, one);
                g.complex_mul(z, sigmoid)
            }
            UnaryFn::Powi(n) => {
                let power = g.power(z, n.unsigned_abs(), one, &mut Graph::complex_mul);
                if n < 0 { g.complex_div(one, power) } else { power }
            }
            _ => return None,
        };
        Some(Parts::Pair(pair.0, pair.1))
    }

    fn complex_class(&mut self, function: UnaryFn, z: Pair) -> Option<Parts> {
        let (re, im) = (self.float_unary(function, z.0)?, self.float_unary(function, z.1)?);
        Some(Parts::One(if function == UnaryFn::IsNan { self.graph.or(re, im) } else { self.graph.and(re, im) }))
    }

    /// `exp(i t)` of a real `t`.
    pub(super) fn cis(&mut self, t: ValueId, from: DType, to: DType) -> Option<Parts> {
        let t = self.cast(Parts::One(t), from, to.real()).one();
        Some(Parts::Pair(self.graph.call(MathFn::Cos, &[t]), self.graph.call(MathFn::Sin, &[t])))
    }

    /// A function of two complex numbers; `None` if it has no meaning there.
    pub(super) fn complex_binary(&mut self, function: BinaryFn, a: Parts, b: Parts) -> Option<Parts> {
        let (Parts::Pair(ar, ai), Parts::Pair(br, bi)) = (a, b) else { return None };
        let (a, b) = ((ar, ai), (br, bi));
        let g = &mut self.graph;
        let pair = match function {
            BinaryFn::Add => g.complex_add(a, b),
            BinaryFn::Sub => (g.binary(BinaryOp::Sub, ar, br), g.binary(BinaryOp::Sub, ai, bi)),
            BinaryFn::Mul => g.complex_mul(a, b),
            BinaryFn::Div => g.complex_div(a, b),
            BinaryFn::Pow => g.complex_pow(a, b),
            BinaryFn::Eq | BinaryFn::Ne => {
                let (re, im) = (g.compare(Comparison::Eq, ar, br), g.compare(Comparison::Eq, ai, bi));
                let equal = g.and(re, im);
                return Some(Parts::One(if function == BinaryFn::Eq { equal } else { g.unary(UnaryOp::Not, equal) }));
            }
            _ => return None,
        };
        Some(Parts::Pair(pair.0, pair.1))
    }
}

impl Graph {
    fn neg(&mut self, x: ValueId) -> ValueId {
        self.unary(UnaryOp::Neg, x)
    }

    fn real(&mut self, x: f64, like: ValueId) -> ValueId {
        self.float(x, self[like].ty)
    }

    fn mul(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.binary(BinaryOp::Mul, a, b)
    }

    fn plus(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.binary(BinaryOp::Add, a, b)
    }

    fn minus(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.binary(BinaryOp::Sub, a, b)
    }

    fn over(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.binary(BinaryOp::Div, a, b)
    }

    fn select_pair(&mut self, c: ValueId, a: Pair, b: Pair) -> Pair {
        (self.select(c, a.0, b.0), self.select(c, a.1, b.1))
    }

    fn is_zero(&mut self, z: Pair) -> ValueId {
        let zero = self.real(0.0, z.0);
        let (re, im) = (self.compare(Comparison::Eq, z.0, zero), self.compare(Comparison::Eq, z.1, zero));
        self.and(re, im)
    }

    fn complex_add(&mut self, a: Pair, b: Pair) -> Pair {
        (self.plus(a.0, b.0), self.plus(a.1, b.1))
    }

    /// `(ac - bd) + (ad + bc) i`.
    pub(crate) fn complex_mul(&mut self, a: Pair, b: Pair) -> Pair {
        let (ac, bd, ad, bc) = (self.mul(a.0, b.0), self.mul(a.1, b.1), self.mul(a.0, b.1), self.mul(a.1, b.0));
        (self.minus(ac, bd), self.plus(ad, bc))
    }

    /// Scaled by the larger part of the divisor.
    fn complex_div(&mut self, a: Pair, b: Pair) -> Pair {
        let zero = self.real(0.0, b.0);
        let (re_size, im_size) = (self.unary(UnaryOp::Abs, b.0), self.unary(UnaryOp::Abs, b.1));
        let by_re = self.compare(Comparison::Ge, re_size, im_size);
        let first = {
            let ratio = self.over(b.1, b.0);
            let (scaled, re, im) = (self.mul(b.1, ratio), self.mul(a.1, ratio), self.mul(a.0, ratio));
            let d = self.plus(b.0, scaled);
            let (re, im) = (self.plus(a.0, re), self.minus(a.1, im));
            (self.over(re, d), self.over(im, d))
        };
        let second = {
            let ratio = self.over(b.0, b.1);
            let (scaled, re, im) = (self.mul(b.0, ratio), self.mul(a.0, ratio), self.mul(a.1, ratio));
            let d = self.plus(scaled, b.1);
            let (re, im) = (self.plus(re, a.1), self.minus(im, a.0));
            (self.over(re, d), self.over(im, d))
        };
        let by_zero = (self.over(a.0, b.0), self.over(a.1, b.0));
        let re_zero = self.compare(Comparison::Eq, b.0, zero);
        let first = self.select_pair(re_zero, by_zero, first);
        self.select_pair(by_re, first, second)
    }

    /// `sqrt(re^2 + im^2)` scaled by the larger part, so that no square overflows.
    fn hypot(&mut self, z: Pair) -> ValueId {
        let (a, b) = (self.unary(UnaryOp::Abs, z.0), self.unary(UnaryOp::Abs, z.1));
        let (large, small) = (self.binary(BinaryOp::Max, a, b), self.binary(BinaryOp::Min, a, b));
        let (zero, one, infinity) = (self.real(0.0, a), self.real(1.0, a), self.real(f64::INFINITY, a));
        let ratio = self.over(small, large);
        let square = self.mul(ratio, ratio);
        let sum = self.plus(one, square);
        let root = self.unary(UnaryOp::Sqrt, sum);
        let finite = self.mul(large, root);
        let nothing = self.compare(Comparison::Eq, large, zero);
        let result = self.select(nothing, zero, finite);
        // An infinite part wins over NaN in the other.
        let (a_infinite, b_infinite) = (self.compare(Comparison::Eq, a, infinity), self.compare(Comparison::Eq, b, infinity));
        let infinite = self.or(a_infinite, b_infinite);
        self.select(infinite, infinity, result)
    }

    fn complex_sign(&mut self, z: Pair) -> Pair {
        let r = self.hypot(z);
        let unit = (self.over(z.0, r), self.over(z.1, r));
        let zero = self.is_zero(z);
        self.select_pair(zero, z, unit)
    }

    fn complex_exp(&mut self, z: Pair) -> Pair {
        let r = self.call(MathFn::Exp, &[z.0]);
        let (cos, sin) = (self.call(MathFn::Cos, &[z.1]), self.call(MathFn::Sin, &[z.1]));
        let general = (self.mul(r, cos), self.mul(r, sin));
        let zero = self.real(0.0, z.1);
        let real = self.compare(Comparison::Eq, z.1, zero);
        self.select_pair(real, (r, z.1), general)
    }

    fn complex_expm1(&mut self, z: Pair) -> Pair {
        let (half, two) = (self.real(0.5, z.0), self.real(2.0, z.0));
        let angle = self.mul(z.1, half);
        let s = self.call(MathFn::Sin, &[angle]);
        let (cos, sin) = (self.call(MathFn::Cos, &[z.1]), self.call(MathFn::Sin, &[z.1]));
        let (expm1, exp) = (self.call(MathFn::Expm1, &[z.0]), self.call(MathFn::Exp, &[z.0]));
        let first = self.mul(expm1, cos);
        let twice = self.mul(two, s);
        let second = self.mul(twice, s);
        (self.minus(first, second), self.mul(exp, sin))
    }

    fn complex_log(&mut self, z: Pair) -> Pair {
        let r = self.hypot(z);
        (self.call(MathFn::Log, &[r]), self.call(MathFn::Atan2, &[z.1, z.0]))
    }

    fn complex_sqrt(&mut self, z: Pair) -> Pair {
        let (zero, half) = (self.real(0.0, z.0), self.real(0.5, z.0));
        let (size, re_size) = (self.hypot(z), self.unary(UnaryOp::Abs, z.0));
        let sum = self.plus(re_size, size);
        let halved = self.mul(half, sum);
        let t = self.unary(UnaryOp::Sqrt, halved);
        let im_size = self.unary(UnaryOp::Abs, z.1);
        let im_half = self.mul(half, im_size);
        let other = self.over(im_half, t);
        // The sign of a zero counts: its reciprocal is -inf.
        let one = self.real(1.0, z.0);
        let reciprocal = self.over(one, z.1);
        let (below, negative_zero) = (self.compare(Comparison::Lt, z.1, zero), self.compare(Comparison::Lt, reciprocal, zero));
        let negative = self.or(below, negative_zero);
        let right = self.compare(Comparison::Ge, z.0, zero);
        let (re, im) = (self.select(right, t, other), self.select(right, other, t));
        let minus = self.neg(im);
        let im = self.select(negative, minus, im);
        let nothing = self.is_zero(z);
        self.select_pair(nothing, (zero, z.1), (re, im))
    }

    /// Hyperbolic sine and cosine.
    fn sinh_cosh(&mut self, x: ValueId) -> Pair {
        let (half, one, zero) = (self.real(0.5, x), self.real(1.0, x), self.real(0.0, x));
        let size = self.unary(UnaryOp::Abs, x);
        // expm1 keeps the digits of the sine near 0.
        let t = self.call(MathFn::Expm1, &[size]);
        let next = self.plus(t, one);
        let fraction = self.over(t, next);
        let twice = self.plus(t, fraction);
        let sinh = self.mul(half, twice);
        let infinity = self.real(f64::INFINITY, x);
        let overflow = self.compare(Comparison::Eq, t, infinity);
        let sinh = self.select(overflow, infinity, sinh);
        let minus = self.neg(sinh);
        let negative = self.compare(Comparison::Lt, x, zero);
        let sinh = self.select(negative, minus, sinh);
        let e = self.call(MathFn::Exp, &[size]);
        let inverse = self.over(one, e);
        let sum = self.plus(e, inverse);
        (sinh, self.mul(half, sum))
    }

    fn complex_sin(&mut self, z: Pair) -> Pair {
        let (sinh, cosh) = self.sinh_cosh(z.1);
        let (sin, cos) = (self.call(MathFn::Sin, &[z.0]), self.call(MathFn::Cos, &[z.0]));
        (self.mul(sin, cosh), self.mul(cos, sinh))
    }

    fn complex_cos(&mut self, z: Pair) -> Pair {
        let (sinh, cosh) = self.sinh_cosh(z.1);
        let (sin, cos) = (self.call(MathFn::Sin, &[z.0]), self.call(MathFn::Cos, &[z.0]));
        let im = self.mul(sin, sinh);
        (self.mul(cos, cosh), self.neg(im))
    }

    fn complex_tanh(&mut self, z: Pair) -> Pair {
        let (two, zero, one) = (self.real(2.0, z.0), self.real(0.0, z.0), self.real(1.0, z.0));
        let (limit, minus_one) = (self.real(40.0, z.0), self.real(-1.0, z.0));
        let (x, y) = (self.mul(two, z.0), self.mul(two, z.1));
        let (sinh, cosh) = self.sinh_cosh(x);
        let (sin, cos) = (self.call(MathFn::Sin, &[y]), self.call(MathFn::Cos, &[y]));
        let d = self.plus(cosh, cos);
        let general = (self.over(sinh, d), self.over(sin, d));
        // Where cosh would overflow the result is 1 or -1 to all digits.
        let size = self.unary(UnaryOp::Abs, z.0);
        let (far, positive) = (self.compare(Comparison::Gt, size, limit), self.compare(Comparison::Gt, z.0, zero));
        let limit = self.select(positive, one, minus_one);
        self.select_pair(far, (limit, zero), general)
    }

    fn complex_sigmoid(&mut self, z: Pair, one: Pair) -> Pair {
        let minus = (self.neg(z.0), self.neg(z.1));
        let (falling, rising) = (self.complex_exp(minus), self.complex_exp(z));
        let d = self.complex_add(one, falling);
        let right = self.complex_div(one, d);
        let d = self.complex_add(one, rising);
        let left = self.complex_div(rising, d);
        let zero = self.real(0.0, z.0);
        let positive = self.compare(Comparison::Ge, z.0, zero);
        self.select_pair(positive, right, left)
    }

    fn complex_pow(&mut self, a: Pair, b: Pair) -> Pair {
        let (zero, one) = (self.real(0.0, a.0), self.real(1.0, a.0));
        let log = self.complex_log(a);
        let exponent = self.complex_mul(b, log);
        let general = self.complex_exp(exponent);
        let (a_zero, b_zero) = (self.is_zero(a), self.is_zero(b));
        let positive = self.compare(Comparison::Gt, b.0, zero);
        let vanishes = self.and(a_zero, positive);
        let general = self.select_pair(vanishes, (zero, zero), general);
        self.select_pair(b_zero, (one, zero), general)
    }
}
