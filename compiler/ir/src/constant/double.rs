//! Numbers of twice the precision of f64, so that a table is rounded once.

/// The sum of two f64, the second below half a unit in the last place of the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Double {
    high: f64,
    low: f64,
}

/// pi
pub(super) const PI: Double = Double { high: std::f64::consts::PI, low: 1.224_646_799_147_353_2e-16 };

impl Double {
    pub(super) const ONE: Self = Self { high: 1.0, low: 0.0 };

    fn new(high: f64, low: f64) -> Self {
        let sum = high + low;
        Self { high: sum, low: low - (sum - high) }
    }

    /// The integer, rounded to twice 53 bits.
    pub(super) fn from_int(n: i128) -> Self {
        let high = n as f64;
        Self::new(high, (n - high as i128) as f64)
    }

    pub(super) fn times(self, rhs: Self) -> Self {
        let product = self.high * rhs.high;
        let lost = libm::fma(self.high, rhs.high, -product);
        Self::new(product, lost + (self.high * rhs.low + self.low * rhs.high))
    }

    pub(super) fn over(self, rhs: Self) -> Self {
        let first = self.high / rhs.high;
        let rest = self.minus(rhs.times(Self { high: first, low: 0.0 }));
        Self::new(first, rest.high / rhs.high)
    }

    fn minus(self, rhs: Self) -> Self {
        let difference = self.high - rhs.high;
        let back = difference - self.high;
        let lost = (self.high - (difference - back)) - (rhs.high + back);
        Self::new(difference, lost + (self.low - rhs.low))
    }

    pub(super) fn sqrt(self) -> Self {
        if self.high <= 0.0 {
            return Self { high: 0.0, low: 0.0 };
        }
        // One step of Newton's method from the f64 root.
        let root = libm::sqrt(self.high);
        let square = Self { high: root, low: 0.0 }.times(Self { high: root, low: 0.0 });
        Self::new(root, self.minus(square).high / (2.0 * root))
    }

    /// `self^exponent`
    pub(super) fn power(self, exponent: i32) -> Self {
        let product = (0..exponent.unsigned_abs()).fold(Self::ONE, |product, _| product.times(self));
        if exponent < 0 { Self::ONE.over(product) } else { product }
    }

    /// The nearest f64.
    pub(super) fn rounded(self) -> f64 {
        self.high + self.low
    }
}
