//! From the value graph to statements.
//!
//! The emitter keeps a stack of open blocks, each with the values computed in it; a value is looked for in all of them before it
//! is computed again. Axes are bound to a variable plus a constant, so that unrolled copies of a body differ in constants alone
//! and share what does not depend on the unrolled axis.
//!
//! * this file: blocks, bindings, loops · [`value`]: values · [`truth`]: what is known of conditions
//! * [`bounds`]: conditions as loop bounds · [`tile`]: loops over the output · [`strip`]: the innermost of them, split and in vectors, or one
//!   [`copy`]
//! * reductions: [`reduce`] in variables · [`lanes`] along contiguous axes · [`memory`] in the output · [`scatter`] in elements that
//!   data names

mod bounds;
mod copy;
mod lanes;
mod memory;
mod reduce;
mod scatter;
mod strip;
mod tile;
mod truth;
mod value;

pub(crate) use scatter::emit_scatter;
pub(crate) use tile::emit_nest;

use crate::affine::{Affine, Axis};
use crate::graph::ValueId;
use crate::problem::Problem;
use ein_ir::entity::{Local, PrimaryMap};
use ein_ir::kernel::{BinaryOp, Block, Loop, Op, OpConst, Operand, ScalarType, Stmt, Type};
use std::collections::HashMap;

/// What an axis stands for in the code being emitted: a variable plus a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Bound {
    pub(crate) base: Option<Local>,
    pub(crate) offset: i64,
}

/// A value under the bindings of its axes, in so many lanes.
type Key = (ValueId, Vec<Bound>, u8);

/// The axis that the lanes of vectors run along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lanes {
    pub(crate) axis: Axis,
    pub(crate) n: u8,
}

/// Emits the code of one nest.
pub(crate) struct Emitter<'a> {
    pub(crate) problem: &'a Problem,
    pub(crate) locals: PrimaryMap<Local, Type>,
    blocks: Vec<Block>,
    scopes: Vec<HashMap<Key, Local>>,
    bindings: Vec<Option<Bound>>,
    /// Forms known to be at least 0.
    truths: Vec<Affine>,
    pub(crate) lanes: Option<Lanes>,
    /// Components of the finished reduction of the element at hand.
    pub(crate) accumulated: Vec<Local>,
    /// Components of the reduction that a term is taken into.
    pub(crate) running: Vec<Local>,
    /// Rows that run side by side: shifts of the jammed axis.
    pub(crate) jammed: Vec<tile::Shifts>,
}

impl<'a> Emitter<'a> {
    pub(crate) fn new(problem: &'a Problem) -> Self {
        Self {
            problem,
            locals: PrimaryMap::new(),
            blocks: vec![Block::new()],
            scopes: vec![HashMap::new()],
            bindings: vec![None; problem.axes.len()],
            truths: Vec::new(),
            lanes: None,
            accumulated: Vec::new(),
            running: Vec::new(),
            jammed: vec![tile::Shifts::new()],
        }
    }

    /// The statements and variables.
    pub(crate) fn finish(mut self) -> (Block, PrimaryMap<Local, Type>) {
        (self.blocks.pop().expect("the outermost block is open"), self.locals)
    }

    pub(crate) fn push(&mut self, stmt: Stmt) {
        self.blocks.last_mut().expect("a block is open").push(stmt);
    }

    pub(crate) fn local(&mut self, ty: Type) -> Local {
        self.locals.push(ty)
    }

    /// A new variable with a value.
    pub(crate) fn set(&mut self, ty: Type, op: Op) -> Local {
        let local = self.local(ty);
        self.push(Stmt::Set(local, op));
        local
    }

    pub(crate) fn index(&mut self, op: Op) -> Local {
        self.set(Type::INDEX, op)
    }

    /// Statements of a block of their own; what is learnt in it is forgotten after it.
    pub(crate) fn block(&mut self, body: impl FnOnce(&mut Self)) -> Block {
        let truths = self.truths.len();
        self.blocks.push(Block::new());
        self.scopes.push(HashMap::new());
        body(self);
        self.scopes.pop();
        self.truths.truncate(truths);
        self.blocks.pop().expect("opened above")
    }

    pub(crate) fn emit_if(&mut self, condition: Local, then: impl FnOnce(&mut Self), otherwise: impl FnOnce(&mut Self)) {
        let then = self.block(then);
        let otherwise = self.block(otherwise);
        if !then.is_empty() || !otherwise.is_empty() {
            self.push(Stmt::If { condition, then, otherwise });
        }
    }

    /// A counting loop over a new variable.
    pub(crate) fn counted(&mut self, lo: Operand, hi: Operand, step: i64, body: impl FnOnce(&mut Self, Local)) {
        if let (Operand::Const(lo), Operand::Const(hi)) = (lo, hi)
            && lo >= hi
        {
            return;
        }
        let var = self.local(Type::INDEX);
        let body = self.block(|e| body(e, var));
        self.push(Stmt::Loop(Loop { var, lo, hi, step, body }));
    }

    /// A loop over values of an axis; a single turn needs no loop.
    pub(crate) fn over(&mut self, axis: Axis, range: (Operand, Operand), step: i64, body: impl FnOnce(&mut Self)) {
        if let (Operand::Const(lo), Operand::Const(hi)) = range
            && lo < hi
            && hi - lo <= step
        {
            let block = self.block(|e| e.bound(axis, Bound { base: None, offset: lo }, body));
            return block.into_iter().for_each(|stmt| self.push(stmt));
        }
        self.counted(range.0, range.1, step, |e, var| e.bound(axis, Bound { base: Some(var), offset: 0 }, body));
    }

    /// Binds the axes that have one value in each turn of the scans around, for the whole kernel.
    pub(crate) fn bind_turns(&mut self) {
        let used = self.problem.used();
        for &(axis, turn) in self.problem.turns.iter().filter(|(axis, _)| used.contains(*axis)) {
            let base = turn.emit(&mut |op| self.index(op));
            self.bindings[axis.as_u32() as usize] = Some(Bound { base: Some(base), offset: 0 });
        }
    }

    /// With an axis bound.
    pub(crate) fn bound(&mut self, axis: Axis, bound: Bound, body: impl FnOnce(&mut Self)) {
        let before = self.bindings[axis.as_u32() as usize].replace(bound);
        body(self);
        self.bindings[axis.as_u32() as usize] = before;
    }

    /// With an axis moved by a constant from where it is bound.
    pub(crate) fn shifted(&mut self, axis: Axis, by: i64, body: impl FnOnce(&mut Self)) {
        let at = self.binding(axis);
        self.bound(axis, Bound { offset: at.offset + by, ..at }, body);
    }

    pub(crate) fn binding(&self, axis: Axis) -> Bound {
        self.bindings[axis.as_u32() as usize].expect("values are emitted inside the loops of their axes")
    }

    /// The value of an axis that stands for a constant.
    pub(crate) fn constant_at(&self, axis: Axis) -> Option<i64> {
        self.bindings[axis.as_u32() as usize].filter(|b| b.base.is_none()).map(|b| b.offset)
    }

    pub(crate) fn is_bound(&self, axis: Axis) -> bool {
        self.bindings[axis.as_u32() as usize].is_some()
    }

    /// An i64 constant as a variable.
    pub(crate) fn int(&mut self, n: i64) -> Local {
        self.index(Op::Const(OpConst::Int(n)))
    }

    pub(crate) fn operand_local(&mut self, operand: Operand) -> Local {
        match operand {
            Operand::Const(n) => self.int(n),
            Operand::Local(local) => local,
        }
    }

    /// Integer arithmetic on operands; constants are computed now. Only what bounds need.
    pub(crate) fn arithmetic(&mut self, op: BinaryOp, a: Operand, b: Operand) -> Operand {
        match (op, a, b) {
            (BinaryOp::Add, Operand::Const(x), Operand::Const(y)) => return Operand::Const(x.saturating_add(y)),
            (BinaryOp::Sub, Operand::Const(x), Operand::Const(y)) => return Operand::Const(x.saturating_sub(y)),
            (BinaryOp::Mul, Operand::Const(x), Operand::Const(y)) => return Operand::Const(x.saturating_mul(y)),
            (BinaryOp::Min, Operand::Const(x), Operand::Const(y)) => return Operand::Const(x.min(y)),
            (BinaryOp::Max, Operand::Const(x), Operand::Const(y)) => return Operand::Const(x.max(y)),
            (BinaryOp::And, Operand::Const(x), Operand::Const(y)) => return Operand::Const(x & y),
            (BinaryOp::Add | BinaryOp::Sub, x, Operand::Const(0)) | (BinaryOp::Add, Operand::Const(0), x) => return x,
            (BinaryOp::Mul, x, Operand::Const(1)) => return x,
            _ if a == b && matches!(op, BinaryOp::Min | BinaryOp::Max) => return a,
            _ => {}
        }
        let (a, b) = (self.operand_local(a), self.operand_local(b));
        Operand::Local(self.index(Op::Binary(op, a, b)))
    }

    /// A form over bound axes.
    pub(crate) fn form(&mut self, form: &Affine) -> Operand {
        let mut constant = form.constant;
        let mut sum = None;
        for &(axis, c) in &form.terms {
            let bound = self.binding(axis);
            constant = constant.saturating_add(bound.offset.saturating_mul(c));
            let Some(base) = bound.base else { continue };
            let term = self.arithmetic(BinaryOp::Mul, Operand::Local(base), Operand::Const(c));
            sum = Some(match sum {
                None => term,
                Some(sum) => self.arithmetic(BinaryOp::Add, sum, term),
            });
        }
        match sum {
            None => Operand::Const(constant),
            Some(sum) => self.arithmetic(BinaryOp::Add, sum, Operand::Const(constant)),
        }
    }

    /// The constant of a type from its bits or its sign-extended integer.
    pub(crate) fn constant(bits: i64, ty: ScalarType) -> OpConst {
        match ty {
            ScalarType::F32 => OpConst::F32(bits as u32),
            ScalarType::F64 => OpConst::F64(bits.cast_unsigned()),
            _ => OpConst::Int(bits),
        }
    }
}
