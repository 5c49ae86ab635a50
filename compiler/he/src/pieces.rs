//! Subscripts that leave their axis and come back: what they read is a sum, of which each summand reads zeros beyond the axis.
//!
//! `x[wrap(i + 1)]` is `x[pad(i + 1)] + x[pad(i + 1 - |N|)]`: at every position all but one are zero. `x[clamp(i + 1)]` is `x[pad(i + 1)]` and the
//! last element where `i + 1` is beyond it, which has a mask over the labels of the subscript alone. A subscript that its condition keeps within
//! the axis is one summand: what it is elsewhere does not matter, and zero is as good as any.

use crate::contraction::{Axis, Operand, Subscript};
use crate::read::{Product, Reader, Scope};
use crate::selected::reach;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind, Sub};

/// Summands of one subscript: a selection of positions is a matrix of the size of the axis instead.
const MAX_PIECES: usize = 4;
/// Elements of a tensor of which a matrix of positions may be lighter than summands: of any, and of such as are not moved by a few steps.
const FEW_ELEMENTS: u64 = 256;
const FEW_OF_FAR: u64 = 2048;
/// Summands of one access.
pub(crate) const MAX_READINGS: usize = 16;

/// What one summand reads of an axis.
#[derive(Clone)]
pub(crate) struct Piece {
    pub(crate) subscript: Subscript,
    /// What it is multiplied by.
    pub(crate) factor: Option<Operand>,
}

impl From<Subscript> for Piece {
    fn from(subscript: Subscript) -> Self {
        Self { subscript, factor: None }
    }
}

/// What one summand reads of the axes so far.
#[derive(Clone, Default)]
pub(crate) struct Reading {
    pub(crate) factors: Vec<Operand>,
    pub(crate) axes: Vec<Axis>,
}

/// The summands of the axes so far, each with every one of the next axis.
pub(crate) fn along(read: &[Reading], size: u64, pieces: &[Piece]) -> Vec<Reading> {
    let with = |reading: &Reading, piece: &Piece| {
        let mut reading = reading.clone();
        reading.factors.extend(piece.factor.clone());
        reading.axes.push(Axis { size, subscript: piece.subscript.clone() });
        reading
    };
    read.iter().flat_map(|reading| pieces.iter().map(move |piece| with(reading, piece))).collect()
}

/// How many elements of a tensor that is read so may be lighter by a matrix of positions.
pub(crate) fn few_elements(read: &[Reading]) -> u64 {
    let is_far = |axis: &Axis| match &axis.subscript {
        Subscript::Fixed(_) => axis.size > 1,
        Subscript::Label(_) | Subscript::Linear { .. } | Subscript::Padded { .. } => {
            axis.subscript.linear().0.iter().any(|(_, factor)| *factor != 1)
        }
    };
    if read.iter().flat_map(|reading| &reading.axes).any(is_far) { FEW_OF_FAR } else { FEW_ELEMENTS }
}

/// A sum of labels, and where it lies.
struct Line {
    terms: Vec<(u8, i64)>,
    offset: i64,
    least: i64,
    greatest: i64,
    /// The last position of the axis.
    last: i64,
}

impl Line {
    /// What is read so many positions further.
    fn moved(&self, by: i64) -> Option<Subscript> {
        Some(Subscript::Padded { terms: self.terms.clone(), offset: self.offset.checked_add(by)? })
    }

    /// How far it goes beyond either end.
    fn beyond(&self) -> [i64; 2] {
        [(-self.least).max(0), (self.greatest - self.last).max(0)]
    }
}

impl Reader<'_> {
    /// The summands of what a subscript reads of a secret axis; none if they are many, or it is no sum of labels.
    pub(crate) fn pieces(&mut self, sub: &Sub, size: u64, dtype: DType, scope: &Scope) -> Result<Vec<Piece>, Diagnostic> {
        let Some(line) = self.beyond_axis(sub, size, scope) else { return Ok(Vec::new()) };
        let found = match sub.mode {
            Mode::Exact | Mode::Pad => line.moved(0).map(|subscript| vec![Piece::from(subscript)]),
            Mode::Wrap => wrapped(&line),
            Mode::Clamp | Mode::Reflect => return self.with_ends(&line, sub, dtype, scope),
        };
        Ok(found.unwrap_or_default())
    }

    fn beyond_axis(&self, sub: &Sub, size: u64, scope: &Scope) -> Option<Line> {
        let (terms, offset) = self.line(sub, scope).filter(|(terms, _)| !terms.is_empty())?;
        let (least, greatest) = reach(&terms, offset, scope)?;
        let last = i64::try_from(size).ok()?.checked_sub(1).filter(|last| *last >= 0)?;
        Some(Line { terms, offset, least: i64::try_from(least).ok()?, greatest: i64::try_from(greatest).ok()?, last })
    }

    /// What lies within the axis, and each position beyond an end as one that is so many positions from there, where it is the only one.
    fn with_ends(&mut self, line: &Line, sub: &Sub, dtype: DType, scope: &Scope) -> Result<Vec<Piece>, Diagnostic> {
        let [below, above] = line.beyond();
        let mirrors = sub.mode == Mode::Reflect;
        if mirrors && below.max(above) > line.last {
            return Ok(Vec::new());
        }
        let mut pieces: Vec<Piece> =
            line.moved(0).filter(|_| line.least <= line.last && line.greatest >= 0).map(Piece::from).into_iter().collect();
        for (end, reached, towards) in [(0, below, -1), (line.last, above, 1)] {
            // Far beyond an end there is the last position alone, for all of them.
            if reached > 1 && !mirrors {
                let function = if towards < 0 { BinaryFn::Lt } else { BinaryFn::Gt };
                let factor = Some(self.where_it(sub, (function, end), dtype, scope)?);
                pieces.push(Piece { subscript: Subscript::Fixed(end.cast_unsigned()), factor });
                continue;
            }
            for beyond in 1..=reached {
                if pieces.len() >= MAX_PIECES {
                    return Ok(Vec::new());
                }
                let back = if mirrors { 2 * beyond } else { beyond };
                let Some(subscript) = line.moved(-towards * back) else { return Ok(Vec::new()) };
                let factor = Some(self.where_it(sub, (BinaryFn::Eq, end + towards * beyond), dtype, scope)?);
                pieces.push(Piece { subscript, factor });
            }
        }
        Ok(pieces)
    }

    /// 1 where a subscript compares so with a number, and 0 elsewhere.
    fn where_it(&mut self, sub: &Sub, (function, number): (BinaryFn, i64), dtype: DType, scope: &Scope) -> Result<Operand, Diagnostic> {
        let span = sub.value.span;
        let number = Scalar::literal(Literal::Int(i128::from(number)), DType::I64, span);
        let holds = Scalar::binary(function, sub.value.clone(), number, DType::Bool, span);
        let mask = self.part(&holds.cast(dtype), &[], scope)?;
        self.masks.insert(mask.tensor);
        Ok(mask)
    }

    /// Whether an expression reads an element of a secret as a sum of others.
    pub(crate) fn reads_in_pieces(&self, scalar: &Scalar, scope: &Scope) -> bool {
        let mut found = false;
        scalar.visit(&mut |node| {
            if let ScalarKind::Access(access) = &node.kind {
                found |= self.is_secret(access.tensor) && self.is_in_pieces(access, scope);
            }
        });
        found
    }

    fn is_in_pieces(&self, access: &Access, scope: &Scope) -> bool {
        let shape = self.module.tensors[access.tensor].literal_axes().unwrap_or_default();
        let comes_back = |sub: &Sub| matches!(sub.mode, Mode::Wrap | Mode::Clamp | Mode::Reflect);
        access.subs.iter().zip(&shape).any(|(sub, &size)| comes_back(sub) && self.subscript(sub, size, scope).is_none())
    }
}

/// One summand for every time that a subscript goes round.
fn wrapped(line: &Line) -> Option<Vec<Piece>> {
    let size = line.last.checked_add(1)?;
    let rounds = line.least.div_euclid(size)..=line.greatest.div_euclid(size);
    let few = rounds.end().checked_sub(*rounds.start()).is_some_and(|n| n < i64::try_from(MAX_PIECES).unwrap_or(i64::MAX));
    let piece = |round: i64| Some(Piece::from(line.moved(round.checked_mul(size)?.checked_neg()?)?));
    if few { rounds.map(piece).collect() } else { None }
}

/// Whether these products, each of one secret, can be added up as a tensor over labels of their own.
pub(crate) fn is_sum_of_its_own(products: &[Product], scope: &Scope) -> bool {
    let is_linear = |product: &Product| product.factors.iter().filter(|factor| factor.secret).count() == 1;
    let is_whole = |factor: &Operand| factor.secret || factor.is_plain();
    let is_of_indices = |factor: &Operand| factor.labels().all(|label| usize::from(label) < scope.indices.len());
    let factors = || products.iter().flat_map(|product| &product.factors);
    products.len() > 1
        && scope.conditions.is_empty()
        && products.iter().all(is_linear)
        && factors().all(|factor| is_whole(factor) && is_of_indices(factor))
}
