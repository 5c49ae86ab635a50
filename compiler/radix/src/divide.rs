//! Division by constants, as a multiple and a shift.

use crate::builder::{Builder, Stop};
use ein_ir::circuit::{BitOp, Comparison, Term};
use ein_ir::dtype::DType;
use ein_ir::entity::Wire;
use ein_ir::extent::floor_div;
use ein_ir::scalar::value::int_range;

/// Types at which remainders wrap, the narrowest first.
const UNSIGNED: [DType; 7] = [DType::U1, DType::U2, DType::U4, DType::U8, DType::U16, DType::U32, DType::U64];

/// Shifts beyond this are not tried: the product would not fit.
const MAX_SHIFT: u32 = 120;
/// Bits of a dividend up to which some multiple and shift is the quotient.
const MAX_BITS: u32 = 62;
/// Bits that are divided after the others, where the dividend has more than that.
const LOW_BITS: u32 = 32;

impl Builder {
    /// `a // divisor`, rounded down, which wraps at a type.
    pub(crate) fn floor_divide(&mut self, a: Wire, divisor: i128, at: DType) -> Result<Wire, Stop> {
        let (a, divisor) = if divisor < 0 { (self.multiple(-1, a, 0, None)?, -divisor) } else { (a, divisor) };
        let quotient = self.quotient(a, divisor)?;
        self.multiple(1, quotient, 0, Some(at))
    }

    /// `a % divisor`: what the quotient leaves, with the sign of the divisor.
    pub(crate) fn floor_remainder(&mut self, a: Wire, divisor: i128, at: DType) -> Result<Wire, Stop> {
        if divisor < 0 {
            let flipped = self.multiple(-1, a, 0, None)?;
            let remainder = self.remainder(flipped, -divisor)?;
            return self.multiple(-1, remainder, 0, Some(at));
        }
        let remainder = self.remainder(a, divisor)?;
        self.multiple(1, remainder, 0, Some(at))
    }

    /// By a positive number: only the bits that a remainder can have are computed.
    fn remainder(&mut self, a: Wire, d: i128) -> Result<Wire, Stop> {
        let Some(narrow) = UNSIGNED.into_iter().find(|dtype| int_range(*dtype).1 >= d - 1) else { return Err(Stop::Wide) };
        let (lo, hi) = self.range(a);
        if lo >= 0 && hi < d {
            return Ok(a);
        }
        if int_range(narrow).1 == d - 1 {
            return self.multiple(1, a, 0, Some(narrow));
        }
        if d & (d - 1) == 0 {
            let mask = self.constant(d - 1)?;
            return self.bits(BitOp::And, a, mask);
        }
        let quotient = self.quotient(a, d)?;
        let exact = self.sum(&[Term { coefficient: 1, wire: a }, Term { coefficient: -d, wire: quotient }], 0, Some(narrow))?;
        // The type may hold more than there are remainders.
        let greatest = self.constant(d - 1)?;
        if self.is_secret(exact) { Ok(exact) } else { self.min(exact, greatest) }
    }

    /// By a positive number.
    ///
    /// What is negative is moved up by a multiple of `d`. Of wide numbers the high bits are divided first, and then the low ones with what is left.
    fn quotient(&mut self, a: Wire, d: i128) -> Result<Wire, Stop> {
        if d & (d - 1) == 0 {
            return self.shr(a, d.trailing_zeros());
        }
        let (lo, hi) = self.range(a);
        let up = -floor_div(lo.min(0), d);
        let n = up.checked_mul(d).and_then(|up| hi.checked_add(up)).ok_or(Stop::Wide)?;
        if n < d {
            return self.constant(-up);
        }
        let by = up.checked_mul(d).ok_or(Stop::Wide)?;
        let moved = self.multiple(1, a, by, None)?;
        let low = LOW_BITS.min(MAX_BITS.saturating_sub(i128::BITS - d.leading_zeros()));
        let quotient = match multiplier(n, d) {
            Some((m, s)) => {
                let multiple = self.multiple(m, moved, 0, None)?;
                self.shr(multiple, s)?
            }
            None if low > 0 => self.in_two(moved, d, low)?,
            None => self.bit_by_bit(moved, d, n)?,
        };
        self.multiple(1, quotient, -up, None)
    }

    /// The quotient of what is not negative: of the bits above `low`, and then of the others with their remainder.
    fn in_two(&mut self, a: Wire, d: i128, low: u32) -> Result<Wire, Stop> {
        let (high, mask) = (self.shr(a, low)?, self.constant((1 << low) - 1)?);
        let rest = self.bits(BitOp::And, a, mask)?;
        let first = self.quotient(high, d)?;
        let left = self.remainder(high, d)?;
        // The range of a remainder may be that of a type.
        let greatest = self.constant(d - 1)?;
        let left = self.min(left, greatest)?;
        let rest = self.sum(&[Term { coefficient: 1 << low, wire: left }, Term { coefficient: 1, wire: rest }], 0, None)?;
        let second = self.quotient(rest, d)?;
        self.sum(&[Term { coefficient: 1 << low, wire: first }, Term { coefficient: 1, wire: second }], 0, None)
    }

    /// The quotient of what is not negative and at most `n`, by comparing and subtracting: the divisor is so large that there are few bits.
    fn bit_by_bit(&mut self, a: Wire, d: i128, n: i128) -> Result<Wire, Stop> {
        let (mut left, mut terms) = (a, Vec::new());
        for bit in (0..=(n / d).ilog2()).rev() {
            let multiple = self.constant(d << bit)?;
            let fits = self.compare(Comparison::Le, multiple, left)?;
            terms.push(Term { coefficient: 1 << bit, wire: fits });
            left = self.sum(&[Term { coefficient: 1, wire: left }, Term { coefficient: -(d << bit), wire: fits }], 0, None)?;
        }
        self.sum(&terms, 0, None)
    }
}

/// `m` and `s` so that `floor(a / d) = (a * m) >> s` for `0 <= a <= n`, and 127 bits hold the product.
///
/// `m = ceil(2^s / d)` where `(m*d - 2^s) * n < 2^s`; source: Granlund and Montgomery, Division by invariant integers using multiplication,
/// theorem 4.2.
fn multiplier(n: i128, d: i128) -> Option<(i128, u32)> {
    (0..=MAX_SHIFT).find_map(|s| {
        let m = (1_i128 << s) / d + 1;
        let fits = (m.checked_mul(d)? - (1 << s)).checked_mul(n)? < 1 << s;
        (fits && m.checked_mul(n).is_some()).then_some((m, s))
    })
}
