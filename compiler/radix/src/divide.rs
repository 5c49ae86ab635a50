//! Division by constants, as a multiple and a shift.

use crate::builder::{Builder, Stop};
use ein_ir::circuit::{BitOp, Term};
use ein_ir::dtype::DType;
use ein_ir::entity::Wire;
use ein_ir::extent::floor_div;
use ein_ir::scalar::value::int_range;

/// Types at which remainders wrap, the narrowest first.
const UNSIGNED: [DType; 7] = [DType::U1, DType::U2, DType::U4, DType::U8, DType::U16, DType::U32, DType::U64];

/// Shifts beyond this are not tried: the product would not fit.
const MAX_SHIFT: u32 = 120;

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
    /// `floor(a / d) = (a * m) >> s` for `0 <= a <= n` where `m = ceil(2^s / d)` and `(m*d - 2^s) * n < 2^s`; source: Granlund and Montgomery,
    /// Division by invariant integers using multiplication, theorem 4.2. What is negative is moved up by a multiple of `d`.
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
        let found = (0..=MAX_SHIFT).find_map(|s| {
            let m = (1_i128 << s) / d + 1;
            let fits = (m.checked_mul(d)? - (1 << s)).checked_mul(n)? < 1 << s;
            (fits && m.checked_mul(n).is_some()).then_some((m, s))
        });
        let (m, s) = found.ok_or(Stop::Wide)?;
        let moved = self.multiple(m, a, m * d * up, None)?;
        let quotient = self.shr(moved, s)?;
        self.multiple(1, quotient, -up, None)
    }
}
