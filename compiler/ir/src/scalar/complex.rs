//! Complex functions over the real ones, for c64 in f32 and for c128 in f64.

use super::math::Real;

/// A complex number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Complex<T> {
    pub(crate) re: T,
    pub(crate) im: T,
}

impl<T: Real> Complex<T> {
    pub(crate) fn from_f64(re: f64, im: f64) -> Self {
        Self { re: T::from_f64(re), im: T::from_f64(im) }
    }

    fn real(re: f64) -> Self {
        Self::from_f64(re, 0.0)
    }

    pub(crate) fn neg(self) -> Self {
        Self { re: -self.re, im: -self.im }
    }

    pub(crate) fn conj(self) -> Self {
        Self { re: self.re, im: -self.im }
    }

    pub(crate) fn add(self, b: Self) -> Self {
        Self { re: self.re + b.re, im: self.im + b.im }
    }

    pub(crate) fn sub(self, b: Self) -> Self {
        Self { re: self.re - b.re, im: self.im - b.im }
    }

    /// `(ac - bd) + (ad + bc) i`, each product rounded.
    pub(crate) fn mul(self, b: Self) -> Self {
        Self { re: self.re * b.re - self.im * b.im, im: self.re * b.im + self.im * b.re }
    }

    /// Scaled by the larger part of the divisor, so that its square does not overflow (Smith, 1962).
    pub(crate) fn div(self, b: Self) -> Self {
        if b.re.abs() >= b.im.abs() {
            let ratio = b.im / b.re;
            // A divisor of 0 divides each part, as dividing by the real 0 does.
            if b.re == T::from_f64(0.0) {
                return Self { re: self.re / b.re, im: self.im / b.re };
            }
            let d = b.re + b.im * ratio;
            Self { re: (self.re + self.im * ratio) / d, im: (self.im - self.re * ratio) / d }
        } else {
            let ratio = b.re / b.im;
            let d = b.re * ratio + b.im;
            Self { re: (self.re * ratio + self.im) / d, im: (self.im * ratio - self.re) / d }
        }
    }

    pub(crate) fn abs(self) -> T {
        self.re.hypot(self.im)
    }

    pub(crate) fn is_zero(self) -> bool {
        self.re == T::from_f64(0.0) && self.im == T::from_f64(0.0)
    }

    /// `z / |z|`; 0 of 0.
    pub(crate) fn sign(self) -> Self {
        if self.is_zero() {
            return self;
        }
        let r = self.abs();
        Self { re: self.re / r, im: self.im / r }
    }

    pub(crate) fn cis(t: T) -> Self {
        Self { re: t.cos(), im: t.sin() }
    }

    pub(crate) fn exp(self) -> Self {
        let r = self.re.exp();
        // A real argument stays real, also where the exponential is infinite.
        if self.im == T::from_f64(0.0) {
            return Self { re: r, im: self.im };
        }
        Self { re: r * self.im.cos(), im: r * self.im.sin() }
    }

    /// Principal value.
    pub(crate) fn log(self) -> Self {
        Self { re: self.abs().log(), im: self.im.atan2(self.re) }
    }

    /// Principal value, real part at least 0.
    pub(crate) fn sqrt(self) -> Self {
        let zero = T::from_f64(0.0);
        if self.is_zero() {
            return Self { re: zero, im: self.im };
        }
        let half = T::from_f64(0.5);
        // Of the two formulas, the one that adds numbers of one sign.
        let t = (half * (self.re.abs() + self.abs())).sqrt();
        let other = half * self.im.abs() / t;
        let negative = self.im < zero || (self.im == zero && self.im.to_f64().is_sign_negative());
        let signed = |x: T| if negative { -x } else { x };
        if self.re >= zero { Self { re: t, im: signed(other) } } else { Self { re: other, im: signed(t) } }
    }

    pub(crate) fn sin(self) -> Self {
        Self { re: self.re.sin() * self.im.cosh(), im: self.re.cos() * self.im.sinh() }
    }

    pub(crate) fn cos(self) -> Self {
        Self { re: self.re.cos() * self.im.cosh(), im: -(self.re.sin() * self.im.sinh()) }
    }

    pub(crate) fn tan(self) -> Self {
        // tan z = -i tanh(i z)
        let t = Self { re: -self.im, im: self.re }.tanh();
        Self { re: t.im, im: -t.re }
    }

    pub(crate) fn tanh(self) -> Self {
        let two = T::from_f64(2.0);
        // Where cosh would overflow the result is 1 or -1 to all digits.
        if self.re.abs() > T::from_f64(40.0) {
            let one = T::from_f64(1.0);
            return Self { re: if self.re > T::from_f64(0.0) { one } else { -one }, im: T::from_f64(0.0) };
        }
        let d = (two * self.re).cosh() + (two * self.im).cos();
        Self { re: (two * self.re).sinh() / d, im: (two * self.im).sin() / d }
    }

    pub(crate) fn sigmoid(self) -> Self {
        if self.re >= T::from_f64(0.0) {
            Self::real(1.0).div(Self::real(1.0).add(self.neg().exp()))
        } else {
            let e = self.exp();
            e.div(Self::real(1.0).add(e))
        }
    }

    pub(crate) fn expm1(self) -> Self {
        // exp(x) cos(y) - 1 = expm1(x) cos(y) - 2 sin(y/2)^2
        let s = (self.im * T::from_f64(0.5)).sin();
        Self { re: self.re.expm1() * self.im.cos() - T::from_f64(2.0) * s * s, im: self.re.exp() * self.im.sin() }
    }

    pub(crate) fn log1p(self) -> Self {
        Self::real(1.0).add(self).log()
    }

    pub(crate) fn rsqrt(self) -> Self {
        Self::real(1.0).div(self.sqrt())
    }

    /// `exp(b log a)`; power 0 is 1, and 0 to any other power with a positive real part is 0.
    pub(crate) fn pow(self, b: Self) -> Self {
        if b.is_zero() {
            return Self::real(1.0);
        }
        if self.is_zero() && b.re > T::from_f64(0.0) {
            return Self::real(0.0);
        }
        b.mul(self.log()).exp()
    }

    /// In the order that [`super::math::powi_f64`] states.
    pub(crate) fn powi(self, n: i32) -> Self {
        let magnitude = n.unsigned_abs();
        if magnitude == 0 {
            return Self::real(1.0);
        }
        let mut power = self;
        for bit in (0..magnitude.ilog2()).rev() {
            power = power.mul(power);
            if magnitude >> bit & 1 == 1 {
                power = power.mul(self);
            }
        }
        if n < 0 { Self::real(1.0).div(power) } else { power }
    }
}
