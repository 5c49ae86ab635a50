//! Whether a plaintext is well formed.

use super::n_elements;
use crate::entity::Public;
use crate::packed::{Packed, PlainDecl, PlainValues, Run, Segment};

/// Which slots the plaintext at hand has filled: those with its number. Kept from one to the next, so that none of it is cleared.
pub(super) struct Seen {
    slots: Vec<u32>,
    plain: u32,
}

impl Seen {
    pub(super) fn new(slots: u32) -> Self {
        Self { slots: vec![0; slots as usize], plain: 0 }
    }

    /// Fills the slots of runs; those of which each rises and ends before the next begins are no two the same.
    fn fill_all(&mut self, runs: impl Iterator<Item = Run> + Clone) -> Result<(), String> {
        let (mut next, n) = (0, self.slots.len() as u64);
        let rises = |run: Run| {
            let (slot, dslot) = (u64::from(run.slot), u64::from(run.dslot));
            let last = slot + dslot * u64::from(run.count.saturating_sub(1));
            let rises = run.count == 1 || run.count > 1 && dslot > 0;
            let is_next = slot >= next && last < n && dslot < n;
            next = last + 1;
            rises && is_next
        };
        if runs.clone().all(rises) {
            return Ok(());
        }
        runs.into_iter().try_for_each(|run| self.fill(run))
    }

    fn fill(&mut self, run: Run) -> Result<(), String> {
        #[expect(clippy::cast_possible_truncation, reason = "as many as a u32 slot number counts")]
        let n = self.slots.len() as u32;
        if run.slot >= n || run.dslot >= n || run.count == 0 {
            return Err(format!("no {} slots from {} by {} among {n}", run.count, run.slot, run.dslot));
        }
        // The second time at the latest when all are filled.
        for slot in run.slots(n) {
            if std::mem::replace(&mut self.slots[slot], self.plain) == self.plain {
                return Err(format!("slot {slot} is given twice"));
            }
        }
        Ok(())
    }
}

pub(super) fn check(program: &Packed, plain: &PlainDecl, seen: &mut Seen) -> Result<(), String> {
    seen.plain += 1;
    match &plain.values {
        PlainValues::Constant(value, _) if !value.is_finite() => Err(format!("{value} is not finite")),
        PlainValues::Constant(_, runs) => seen.fill_all(runs.iter().copied()),
        PlainValues::Elements(public, segments) => {
            segments.iter().try_for_each(|segment| check_elements(program, *public, segment))?;
            seen.fill_all(segments.iter().map(Segment::run))
        }
    }
}

fn check_elements(program: &Packed, public: Public, segment: &Segment) -> Result<(), String> {
    let decl = program.publics.get(public).ok_or_else(|| format!("{public} is not declared"))?;
    // Too many elements are reported with the tensor.
    let n = n_elements(&decl.shape).unwrap_or(0);
    let first = i128::from(segment.flat);
    let last = first + i128::from(segment.dflat) * i128::from(segment.count.saturating_sub(1));
    if segment.chunk != 0 {
        return Err(format!("a plaintext has no ciphertext {}", segment.chunk));
    }
    if last < 0 || first.max(last) >= i128::from(n) {
        return Err(format!("elements {first} to {last} of the {n} of {public}"));
    }
    Ok(())
}
