//! Powers and products that are too long once they are multiplied out: what is multiplied is a tensor of its own, and a power is made of
//! squares of squares.

use crate::read::{MAX_OPERANDS, Product, Reader, Scope, multiplied};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::scalar::Scalar;

/// The largest power of one factor that is multiplied out: of higher ones squares of squares are as few products, and are not searched for.
const MAX_POWER: i32 = 4;

impl Reader<'_> {
    /// A power with a whole exponent: multiplied out, or of squares if that is too long.
    pub(crate) fn whole_power(
        &mut self,
        base: Vec<Product>,
        n: i32,
        (value, scalar): (&Scalar, &Scalar),
        scope: &Scope,
    ) -> Result<Vec<Product>, Diagnostic> {
        let number = |coefficient: f64| vec![Product { coefficient, factors: Vec::new() }];
        match &base[..] {
            [] if n > 0 => return Ok(base),
            [product] if product.factors.is_empty() => return Ok(number(product.coefficient.powi(n))),
            [product] if product.factors.len() == 1 && product.coefficient == 1.0 && n > MAX_POWER && !self.is_public(value) => {
                return self.squared(base, n.unsigned_abs(), (value, scalar), scope);
            }
            _ => {}
        }
        match (0..n).try_fold(number(1.0), |power, _| multiplied(scalar, &power, &base)) {
            // What is public is computed in the clear instead.
            Err(_) if !self.is_public(value) => self.squared(base, n.unsigned_abs(), (value, scalar), scope),
            multiplied_out => multiplied_out,
        }
    }

    /// A product of two: multiplied out, or with tensors in the place of secret factors that are too long for that.
    pub(crate) fn multiplied_or_kept(
        &mut self,
        scalar: &Scalar,
        [(a, of_a), (b, of_b)]: [(&Scalar, Vec<Product>); 2],
        scope: &Scope,
    ) -> Result<Vec<Product>, Diagnostic> {
        match multiplied(scalar, &of_a, &of_b) {
            Err(_) if !self.is_public(scalar) => {
                let (of_a, of_b) = (self.as_one(of_a, a, scope)?, self.as_one(of_b, b, scope)?);
                multiplied(scalar, &of_a, &of_b)
            }
            multiplied_out => multiplied_out,
        }
    }

    /// One tensor in the place of a sum of products.
    fn as_one(&mut self, products: Vec<Product>, value: &Scalar, scope: &Scope) -> Result<Vec<Product>, Diagnostic> {
        if self.is_public(value) {
            return if products.len() > 1 { self.in_the_clear(value, scope) } else { Ok(products) };
        }
        let known = self.known_everywhere(value, scope);
        let value = self.argument_tensor(products, known, value, scope)?;
        Ok(vec![self.product(1.0, &[value.tensor], &value.axes)])
    }

    fn squared(
        &mut self,
        base: Vec<Product>,
        n: u32,
        (value, scalar): (&Scalar, &Scalar),
        scope: &Scope,
    ) -> Result<Vec<Product>, Diagnostic> {
        let mut known = self.known_everywhere(value, scope);
        let base = self.argument_tensor(base, known, value, scope)?;
        let (mut square, mut factors, mut left) = (base.tensor, Vec::new(), n);
        while left > 0 {
            if left & 1 == 1 {
                factors.push(square);
            }
            left >>= 1;
            if left > 0 {
                square = self.slotwise(&[(1.0, &[square, square])], square, scalar);
                known = known.map(square_of);
                self.program.ranges.extend(known.filter(|known| known.1.is_finite()).map(|known| (square, known)));
            }
        }
        while factors.len() > MAX_OPERANDS {
            let pair = |pair: &[usize]| if let [one] = pair { *one } else { self.slotwise(&[(1.0, pair)], base.tensor, scalar) };
            factors = factors.chunks(2).map(pair).collect();
        }
        Ok(vec![self.product(1.0, &factors, &base.axes)])
    }

    /// Where a value lies in every slot: nothing is said of it where conditions leave it out.
    pub(crate) fn known_everywhere(&self, value: &Scalar, scope: &Scope) -> Option<(f64, f64)> {
        self.finite_range(value, scope).filter(|_| scope.conditions.is_empty())
    }
}

/// Between which numbers the square of a number lies.
fn square_of((lo, hi): (f64, f64)) -> (f64, f64) {
    let (a, b) = (lo * lo, hi * hi);
    (if lo <= 0.0 && hi >= 0.0 { 0.0 } else { a.min(b) }, a.max(b))
}
