//! The matrix products of the panels of bands, see [`ein_ir::plan::band`].

use super::Writer;
use ein_ir::entity::Local;
use ein_ir::kernel::{BinaryOp, Block, Comparison, Loop, Op, OpConst, Operand, Stmt, Type};
use ein_ir::plan::band::{Band, EXACT_PANELS};

/// The side of sums: k.
const SUM: usize = 2;

/// A range in locals, its end not included.
type Range = (Local, Local);

impl Writer<'_> {
    /// The side that is a label of a band.
    pub(super) fn side_of(&self, label: u16) -> usize {
        self.sides.iter().position(|group| group.banded == Some(label)).expect("labels of bands are sides")
    }

    /// The product of all sides, or those of the panels of bands.
    pub(super) fn products(&mut self, block: &mut Block, accumulate: bool) {
        self.over_panels(block, 0, accumulate);
    }

    /// Loops over panels of m, then of n, as far as bands have rows there.
    fn over_panels(&mut self, block: &mut Block, side: usize, accumulate: bool) {
        if side == SUM {
            return self.product_of_panel(block, accumulate);
        }
        let panel = self.bands.iter().filter(|band| self.side_of(band.row) == side).map(|band| band.panel.cast_signed()).min();
        let Some(panel) = panel else { return self.over_panels(block, side + 1, accumulate) };
        let before = self.part[side];
        let rows = self.range_of(block, side);
        self.each(block, rows, panel, &mut |w, block, rows| {
            w.restrict(block, side, rows);
            w.over_panels(block, side + 1, accumulate);
        });
        self.part[side] = before;
    }

    /// The product of the panel that the parts are; none of a result of which nothing is wanted.
    fn product_of_panel(&mut self, block: &mut Block, accumulate: bool) {
        let before = self.part;
        let mut inner = Block::new();
        let mut exact = None;
        for band in self.bands {
            let (row, column) = (self.side_of(band.row), self.side_of(band.column));
            let rows = self.range_of(&mut inner, row);
            if band.exact {
                exact = Some((band, rows));
                continue;
            }
            let (lo, hi) = self.columns(&mut inner, (rows, band.lo), (rows, band.hi), column);
            let own = self.range_of(&mut inner, column);
            let both = (self.binary(&mut inner, BinaryOp::Max, own.0, lo), self.binary(&mut inner, BinaryOp::Min, own.1, hi));
            self.restrict(&mut inner, column, both);
        }
        match exact {
            Some((band, rows)) => self.exact(&mut inner, band, rows, accumulate),
            None => self.unless_empty(&mut inner, accumulate),
        }
        self.part = before;
        block.append(&mut inner);
    }

    /// The product of an exact band: over the columns that all rows need, and then what is left, in smaller panels.
    fn exact(&mut self, block: &mut Block, band: &Band, rows: Range, accumulate: bool) {
        let inner = self.all_columns(block, band, rows);
        self.restrict(block, SUM, inner);
        let gemm = self.gemm(accumulate);
        block.push(Stmt::Gemm(Box::new(gemm)));
        self.rest(block, band, rows, inner, &EXACT_PANELS);
    }

    /// What smaller panels of these rows need besides the columns `done`.
    fn rest(&mut self, block: &mut Block, band: &Band, rows: Range, done: Range, panels: &[u64]) {
        let Some((panel, smaller)) = panels.split_first() else { return };
        self.each(block, rows, panel.cast_signed(), &mut |w, block, rows| {
            let before = w.part;
            w.restrict(block, w.side_of(band.row), rows);
            let (lo, hi) = w.all_columns(block, band, rows);
            let end = w.binary(block, BinaryOp::Min, done.0, hi);
            let start = w.binary(block, BinaryOp::Max, done.1, lo);
            for part in [(lo, end), (start, hi)] {
                w.restrict(block, SUM, part);
                w.unless_empty(block, true);
            }
            w.part = before;
            w.rest(block, band, rows, (lo, hi), smaller);
        });
    }

    /// A product, but for one that would add nothing to what is there, or write nothing.
    fn unless_empty(&mut self, block: &mut Block, accumulate: bool) {
        let gemm = self.gemm(accumulate);
        let mut product = vec![Stmt::Gemm(Box::new(gemm))];
        let sides = if accumulate { [0, 1, SUM].as_slice() } else { &[0, 1] };
        let lengths: Vec<Local> = sides.iter().filter_map(|side| self.part[*side]).map(|(_, length)| length).collect();
        for length in lengths {
            let mut outer = Block::new();
            let zero = self.constant(&mut outer, 0);
            let condition = self.locals.push(Type::BOOL);
            outer.push(Stmt::Set(condition, Op::Compare(Comparison::Lt, zero, length)));
            outer.push(Stmt::If { condition, then: product, otherwise: Block::new() });
            product = outer;
        }
        block.append(&mut product);
    }

    /// A loop over a range, so many values a turn.
    fn each(&mut self, block: &mut Block, range: Range, panel: i64, body: &mut dyn FnMut(&mut Self, &mut Block, Range)) {
        let var = self.locals.push(Type::INDEX);
        let mut inner = Block::new();
        let length = self.constant(&mut inner, panel);
        let end = self.binary(&mut inner, BinaryOp::Add, var, length);
        let hi = self.binary(&mut inner, BinaryOp::Min, end, range.1);
        body(self, &mut inner, (var, hi));
        block.push(Stmt::Loop(Loop { var, lo: Operand::Local(range.0), hi: Operand::Local(range.1), step: panel, body: inner }));
    }

    /// As [`Band::all`].
    fn all_columns(&mut self, block: &mut Block, band: &Band, (lo, hi): Range) -> Range {
        let column = self.side_of(band.column);
        self.columns(block, ((hi, hi), band.lo.saturating_sub(1)), ((lo, lo), band.hi.saturating_add(1)), column)
    }

    /// `from.0.0 + from.1 .. to.0.1 + to.1`, inside of a side and not negative.
    fn columns(&mut self, block: &mut Block, from: (Range, i64), to: (Range, i64), side: usize) -> Range {
        let (zero, length) = (self.constant(block, 0), self.constant(block, self.sides[side].extent));
        let mut moved = |w: &mut Self, local: Local, by: i64, least: Local| {
            let by = w.constant(block, by);
            let moved = w.binary(block, BinaryOp::Add, local, by);
            let above = w.binary(block, BinaryOp::Max, moved, least);
            w.binary(block, BinaryOp::Min, above, length)
        };
        let lo = moved(self, from.0.0, from.1, zero);
        (lo, moved(self, to.0.1, to.1, lo))
    }

    /// The range that a side has here.
    fn range_of(&mut self, block: &mut Block, side: usize) -> Range {
        match self.part[side] {
            Some((lo, length)) => (lo, self.binary(block, BinaryOp::Add, lo, length)),
            None => (self.constant(block, 0), self.constant(block, self.sides[side].extent)),
        }
    }

    /// Gives a side a range, empty rather than negative.
    fn restrict(&mut self, block: &mut Block, side: usize, (lo, hi): Range) {
        let zero = self.constant(block, 0);
        let length = self.binary(block, BinaryOp::Sub, hi, lo);
        self.part[side] = Some((lo, self.binary(block, BinaryOp::Max, length, zero)));
    }

    fn constant(&mut self, block: &mut Block, n: i64) -> Local {
        self.set(block, Op::Const(OpConst::Int(n)))
    }

    fn binary(&mut self, block: &mut Block, op: BinaryOp, a: Local, b: Local) -> Local {
        self.set(block, Op::Binary(op, a, b))
    }

    fn set(&mut self, block: &mut Block, op: Op) -> Local {
        let local = self.locals.push(Type::INDEX);
        block.push(Stmt::Set(local, op));
        local
    }
}
