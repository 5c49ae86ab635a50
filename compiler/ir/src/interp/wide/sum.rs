//! Compensated sums.

use super::number::{Number, WideValue, format_of};
use crate::dtype::DType;
use crate::scalar::eval::eval_binary;
use crate::scalar::function::BinaryFn;
use crate::scalar::value::Value;

/// A real sum with the error of each addition kept (Neumaier, 1974).
#[derive(Clone, Copy, Debug, Default)]
struct Compensated {
    sum: f64,
    lost: f64,
    /// The plain sum, which is right where a term is infinite or NaN.
    plain: f64,
}

impl Compensated {
    fn add(&mut self, x: f64) {
        let next = self.sum + x;
        let (large, small) = if self.sum.abs() >= x.abs() { (self.sum, x) } else { (x, self.sum) };
        self.lost += (large - next) + small;
        self.sum = next;
        self.plain += x;
    }

    fn total(self) -> f64 {
        let total = self.sum + self.lost;
        if total.is_finite() { total } else { self.plain }
    }
}

/// A sum under way.
pub(crate) struct Sum {
    dtype: DType,
    exact: Value,
    re: Compensated,
    im: Compensated,
    n_terms: f64,
    magnitude: f64,
    error: f64,
    doubtful: bool,
    all_finite: bool,
}

impl Sum {
    pub(super) fn new(dtype: DType) -> Self {
        Self {
            dtype,
            exact: Value::small(0, dtype),
            re: Compensated::default(),
            im: Compensated::default(),
            n_terms: 0.0,
            magnitude: 0.0,
            error: 0.0,
            doubtful: false,
            all_finite: true,
        }
    }

    pub(super) fn add(&mut self, term: WideValue) {
        match term.number {
            Number::Exact(value) => {
                if let Ok(next) = eval_binary(BinaryFn::Add, self.exact, value) {
                    self.exact = next;
                }
            }
            Number::Real(x, _) => self.re.add(x),
            Number::Complex(re, im, _) => {
                self.re.add(re);
                self.im.add(im);
            }
        }
        self.n_terms += 1.0;
        self.magnitude += term.magnitude;
        self.error += term.error;
        self.doubtful |= term.doubtful;
        self.all_finite &= term.number.modulus().is_finite();
    }

    pub(super) fn done(self) -> WideValue {
        let number = match self.exact {
            Value::Float(..) => Number::Real(self.re.total(), self.dtype),
            Value::Complex(..) => Number::Complex(self.re.total(), self.im.total(), self.dtype),
            exact => return WideValue { number: Number::Exact(exact), magnitude: 0.0, error: 0.0, doubtful: self.doubtful },
        };
        // A sum of one term is that term.
        let n_roundings = if self.n_terms > 1.0 { self.n_terms } else { 0.0 };
        let error = self.error + n_roundings * format_of(self.dtype).eps * self.magnitude;
        let overflow = self.all_finite && !number.modulus().is_finite();
        WideValue::computed(number, self.magnitude, error, self.doubtful || overflow)
    }
}
