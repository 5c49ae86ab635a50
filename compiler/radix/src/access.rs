//! Elements of tensors: at positions that are known, and at positions that data decides.

use crate::scalar::Env;
use crate::{Elements, Lowerer, refuse};
use ein_ir::circuit::{Comparison, MAX_ENTRIES};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::{Tensor, Wire};
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;

/// Positions among which public data chooses.
const MAX_CHOICES: i128 = 1 << 16;

/// Where along an axis an element is.
enum Position {
    /// Here.
    At(u64),
    /// Nowhere: the value around the tensor.
    Outside,
    /// Where a value says that lies in the axis; and whether it does, if the value around the tensor stands elsewhere.
    Data(Wire, Option<Wire>),
}

impl Lowerer<'_> {
    pub(crate) fn access(&mut self, access: &Access, span: Span, dtype: DType, env: &Env) -> Result<Wire, Diagnostic> {
        let extents = self.plan.buffers[access.tensor].extents.clone();
        let mut positions = Vec::with_capacity(extents.len());
        for (sub, &size) in access.subs.iter().zip(&extents) {
            positions.push((self.position(sub, size, env)?, size, sub.value.span));
        }
        let pad = access.pad.map_or(Some(0), |literal: Literal| refuse::integer(literal, dtype)).ok_or_else(|| refuse::foreign(span))?;
        let pad = self.builder.constant(pad).map_err(Self::at(span))?;
        if positions.iter().any(|(position, ..)| matches!(position, Position::Outside)) {
            return Ok(pad);
        }
        let found = self.pick(access.tensor, &positions, 0, span)?;
        let inside = positions.iter().filter_map(|(position, ..)| match position {
            Position::Data(_, inside) => *inside,
            Position::At(_) | Position::Outside => None,
        });
        let inside = self.builder.all(inside.collect()).map_err(Self::at(span))?;
        self.builder.select(inside, found, pad).map_err(Self::at(span))
    }

    fn position(&mut self, sub: &Sub, size: u64, env: &Env) -> Result<Position, Diagnostic> {
        let value = self.scalar(&sub.value, env)?;
        match self.builder.number(value) {
            Some(n) => Ok(fixed(n, size.into(), sub.mode).map_or(Position::Outside, Position::At)),
            None => self.moved(value, sub, size.into()),
        }
    }

    /// A position that data decides, brought into the axis.
    fn moved(&mut self, value: Wire, sub: &Sub, size: i128) -> Result<Position, Diagnostic> {
        let span = sub.value.span;
        // Around a tensor without elements there is its value alone; other positions of it would be faults, and nothing reads them.
        if size == 0 {
            return Ok(Position::Outside);
        }
        if size == 1 && sub.mode == Mode::Reflect {
            return Ok(Position::At(0));
        }
        let mut found = || {
            let b = &mut self.builder;
            let (first, last) = (b.constant(0)?, b.constant(size - 1)?);
            let mut inside = None;
            let value = match sub.mode {
                Mode::Wrap => b.floor_remainder(value, size, DType::I64)?,
                Mode::Pad => {
                    let (above, below) = (b.compare(Comparison::Le, first, value)?, b.compare(Comparison::Le, value, last)?);
                    inside = Some(b.all(vec![above, below])?);
                    value
                }
                Mode::Reflect => {
                    let there = b.floor_remainder(value, 2 * (size - 1), DType::I64)?;
                    let back = b.multiple(-1, there, 2 * (size - 1), None)?;
                    b.min(there, back)?
                }
                Mode::Exact | Mode::Clamp => value,
            };
            let value = b.max(first, value)?;
            Ok((b.min(last, value)?, inside))
        };
        let (value, inside) = found().map_err(Self::at(span))?;
        let (lo, hi) = self.builder.range(value);
        let is_secret = self.builder.is_secret(value);
        if hi - lo >= MAX_CHOICES || (is_secret && hi - lo >= MAX_ENTRIES as i128) {
            let name = self.name_of(&sub.value);
            return Err(refuse::table(span, &name, is_secret, (lo, hi)));
        }
        Ok(Position::Data(value, inside))
    }

    /// The tensor that decides a position, in words.
    fn name_of(&self, value: &Scalar) -> String {
        let mut found = None;
        value.visit(&mut |node| {
            if let ScalarKind::Access(access) = &node.kind {
                found.get_or_insert(access.tensor);
            }
        });
        found.map_or("this position".to_owned(), |tensor| format!("`{}`", self.plan.buffers[tensor].name))
    }

    fn pick(&mut self, tensor: Tensor, positions: &[(Position, u64, Span)], flat: u64, span: Span) -> Result<Wire, Diagnostic> {
        let Some(((position, size, place), rest)) = positions.split_first() else {
            return self.element(tensor, flat, span);
        };
        match position {
            Position::Outside => self.element(tensor, flat, span),
            Position::At(at) => self.pick(tensor, rest, flat.saturating_mul(*size).saturating_add(*at), span),
            Position::Data(index, _) => {
                let (lo, hi) = self.builder.range(*index);
                let at = |n: i128| flat.saturating_mul(*size).saturating_add(u64::try_from(n).unwrap_or(0));
                let mut entries = Vec::new();
                for n in lo..=hi {
                    self.turn(span)?;
                    entries.push(self.pick(tensor, rest, at(n), span)?);
                }
                self.look_up(*index, entries).map_err(Self::at(*place))
            }
        }
    }

    /// A table, or choices one after the other where the entries are secret as well.
    fn look_up(&mut self, index: Wire, entries: Vec<Wire>) -> Result<Wire, crate::builder::Stop> {
        let hidden = self.builder.is_secret(index) && entries.iter().any(|entry| self.builder.is_secret(*entry));
        let Some(mut found) = entries.last().copied().filter(|_| hidden) else {
            return self.builder.lut(index, entries);
        };
        let (lo, _) = self.builder.range(index);
        for (n, entry) in (lo..).zip(&entries).take(entries.len() - 1) {
            let n = self.builder.constant(n)?;
            let here = self.builder.compare(Comparison::Eq, index, n)?;
            found = self.builder.select(here, *entry, found)?;
        }
        Ok(found)
    }

    /// What no equation defines is not read where it matters: any number stands for it.
    pub(crate) fn element(&mut self, tensor: Tensor, flat: u64, span: Span) -> Result<Wire, Diagnostic> {
        let elements = match self.buffers.get(&tensor) {
            Some(Elements::Known(elements)) => elements,
            Some(Elements::Foreign) => return Err(refuse::foreign(span)),
            None => return self.builder.constant(0).map_err(Self::at(span)),
        };
        match usize::try_from(flat).ok().and_then(|flat| elements.get(flat).copied()).flatten() {
            Some(wire) => Ok(wire),
            None => self.builder.constant(0).map_err(Self::at(span)),
        }
    }
}

/// A position that is known, brought into the axis; `None` is outside.
fn fixed(n: i128, size: i128, mode: Mode) -> Option<u64> {
    let at = match mode {
        Mode::Exact | Mode::Pad => n,
        Mode::Clamp => n.min(size - 1).max(0),
        Mode::Wrap => n.checked_rem_euclid(size)?,
        Mode::Reflect if size == 1 => 0,
        Mode::Reflect => {
            let period = 2 * (size - 1);
            let at = n.checked_rem_euclid(period)?;
            at.min(period - at)
        }
    };
    (0..size).contains(&at).then(|| u64::try_from(at).ok()).flatten()
}
