//! The matrix products of the panels of bands, see [`ein_ir::plan::band`].

use super::Writer;
use ein_ir::entity::Local;
use ein_ir::kernel::{BinaryOp, Block, Comparison, Loop, Op, OpConst, Operand, Stmt, Type};
use ein_ir::plan::band::{Band, Cut, EXACT_PANELS, SUM, row_side};

/// A range in locals, its end not included.
type Range = (Local, Local);

impl Writer<'_> {
    /// The product of all sides, or those of the panels of bands.
    pub(super) fn products(&mut self, block: &mut Block, accumulate: bool) {
        self.over_panels(block, 0, accumulate);
    }

    /// Loops over panels of m, then of n, as far as bands have rows there.
    fn over_panels(&mut self, block: &mut Block, side: usize, accumulate: bool) {
        if side == SUM {
            return self.product_of_panel(block, accumulate);
        }
        let Some(panel) = self.panels[side] else { return self.over_panels(block, side + 1, accumulate) };
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
        for band in &self.contraction.bands {
            match row_side(band, &self.banded) {
                Some(side) if band.is_exact() => exact = Some((band, side)),
                _ => self.cut(&mut inner, band),
            }
        }
        match exact {
            Some((band, side)) => self.exact(&mut inner, band, side, accumulate),
            None => self.unless_empty(&mut inner, accumulate),
        }
        self.part = before;
        block.append(&mut inner);
    }

    /// Cuts the product to what some of its rows need.
    fn cut(&mut self, block: &mut Block, band: &Band) {
        let (lo, hi) = self.columns(block, band, true);
        let own = self.range_of_label(block, band.column);
        let both = (self.binary(block, BinaryOp::Max, own.0, lo), self.binary(block, BinaryOp::Min, own.1, hi));
        match self.contraction.cut(band, &self.banded) {
            Cut::Columns(side) => self.restrict(block, side, both),
            Cut::All(side) => {
                let (zero, one) = (self.constant(block, 0), self.constant(block, 1));
                let length = self.binary(block, BinaryOp::Sub, both.1, both.0);
                let at_most = self.binary(block, BinaryOp::Min, length, one);
                let is_any = self.binary(block, BinaryOp::Max, at_most, zero);
                let (from, to) = self.range_of(block, side);
                let length = self.binary(block, BinaryOp::Sub, to, from);
                self.part[side] = Some((from, self.binary(block, BinaryOp::Mul, length, is_any)));
            }
        }
    }

    /// The product of an exact band: over the columns that all rows need, and then what is left, in smaller panels.
    fn exact(&mut self, block: &mut Block, band: &Band, side: usize, accumulate: bool) {
        let rows = self.range_of(block, side);
        let inner = self.columns(block, band, false);
        self.restrict(block, SUM, inner);
        let gemm = self.gemm(accumulate);
        block.push(Stmt::Gemm(Box::new(gemm)));
        self.rest(block, band, (side, rows), inner, &EXACT_PANELS);
    }

    /// What smaller panels of these rows need besides the columns `done`.
    fn rest(&mut self, block: &mut Block, band: &Band, (side, rows): (usize, Range), done: Range, panels: &[u64]) {
        let Some((panel, smaller)) = panels.split_first() else { return };
        self.each(block, rows, panel.cast_signed(), &mut |w, block, rows| {
            let before = w.part;
            w.restrict(block, side, rows);
            let (lo, hi) = w.columns(block, band, false);
            let end = w.binary(block, BinaryOp::Min, done.0, hi);
            let start = w.binary(block, BinaryOp::Max, done.1, lo);
            for part in [(lo, end), (start, hi)] {
                w.restrict(block, SUM, part);
                w.unless_empty(block, true);
            }
            w.part = before;
            w.rest(block, band, (side, rows), (lo, hi), smaller);
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

    /// As [`Band::some`], or [`Band::all`].
    fn columns(&mut self, block: &mut Block, band: &Band, some: bool) -> Range {
        let rows: Vec<(Range, i64)> = band.rows.iter().map(|(row, slope)| (self.range_of_label(block, *row), *slope)).collect();
        let (zero, length) = (self.constant(block, 0), self.constant(block, self.contraction.length(band.column)));
        let mut inside = |w: &mut Self, greatest: bool, constant: i64, least: Local| {
            let column = w.edge(block, (&rows, greatest), band.step, constant);
            let above = w.binary(block, BinaryOp::Max, column, least);
            w.binary(block, BinaryOp::Min, above, length)
        };
        let lo = inside(self, !some, band.lo_edge(), zero);
        (lo, inside(self, some, band.hi_edge(), lo))
    }

    /// `(rows with their slopes + constant) / step`, the sum of rows at its least or greatest; where that is negative anything up to 0.
    fn edge(&mut self, block: &mut Block, (rows, greatest): (&[(Range, i64)], bool), step: i64, mut constant: i64) -> Local {
        let mut sum = None;
        for ((from, to), slope) in rows.iter().copied() {
            let is_last = (slope > 0) == greatest;
            let row = if is_last { to } else { from };
            if is_last {
                // The last row is one before the end.
                constant = constant.saturating_sub(slope);
            }
            let scaled = if slope == 1 {
                row
            } else {
                let slope = self.constant(block, slope);
                self.binary(block, BinaryOp::Mul, row, slope)
            };
            sum = Some(match sum {
                Some(sum) => self.binary(block, BinaryOp::Add, sum, scaled),
                None => scaled,
            });
        }
        let constant = self.constant(block, constant);
        let moved = sum.map_or(constant, |sum| self.binary(block, BinaryOp::Add, sum, constant));
        if step == 1 {
            return moved;
        }
        let (zero, step) = (self.constant(block, 0), self.constant(block, step));
        let above = self.binary(block, BinaryOp::Max, moved, zero);
        self.binary(block, BinaryOp::SDiv, above, step)
    }

    /// The values that a label of a band has here.
    fn range_of_label(&mut self, block: &mut Block, label: u16) -> Range {
        if let Some(side) = self.banded.iter().position(|side| *side == Some(label)) {
            return self.range_of(block, side);
        }
        let looped = self.at.iter().rev().find(|(group, _)| group.banded == Some(label)).and_then(|(_, var)| *var);
        let one = self.constant(block, 1);
        match looped {
            Some(var) => (var, self.binary(block, BinaryOp::Add, var, one)),
            // The first turn of a sum.
            None => (self.constant(block, 0), one),
        }
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
