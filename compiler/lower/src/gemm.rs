//! Contractions as loops around library matrix products.
//!
//! The labels of each class that lie in memory like one (in both tensors that have them) are fused. Of every class the best fused
//! group becomes m, n or k; the others are looped over. Sums over looped labels accumulate in the output, first turn first. Labels that
//! have one value in a turn of a scan around only move where the operands begin. Labels of bands are sides, or looped over, by themselves; the products
//! of their panels are in [`panels`].

mod panels;

use crate::affine::ceil_div;
use crate::buffers::Memory;
use crate::pipeline::Context;
use crate::turn::Around;
use ein_ir::dtype::DType;
use ein_ir::entity::{Local, PrimaryMap};
use ein_ir::kernel::{Address, BinaryOp, Block, Coefficient, Gemm, KernelDecl, Loop, MatrixStride, Op, OpConst, Operand, Stmt, Type, View};
use ein_ir::plan::Contraction;
use ein_ir::plan::band::SUM;
use ein_ir::span::Span;

/// Work of one task: a few hundred microseconds of one core, so that handing it over costs nothing.
const TASK_FLOPS: u64 = 4_000_000;
/// More tasks than this serve no machine that is expected.
const MAX_TASKS: u64 = 64;
/// A task's part of m or n is a multiple of this: whole micro-kernel tiles of every kernel.
const TASK_ALIGN: i64 = 64;

/// How far apart neighbours along a label lie in a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Elements of the tensor; 0 where it lacks the label.
    Elements(i64),
    /// The run-time stride of an axis.
    Runtime(u32),
}

/// The tensors of a contraction.
const LHS: usize = 0;
const RHS: usize = 1;
const OUT: usize = 2;

/// Labels that are iterated over as one.
#[derive(Clone, Copy, Debug)]
struct Group {
    extent: i64,
    /// In `lhs`, `rhs` and `out`.
    steps: [Step; 3],
    /// The label, if a band has it: it is fused with no other.
    banded: Option<u16>,
}

const UNIT: Group = Group { extent: 1, steps: [Step::Elements(0); 3], banded: None };

/// Whether a contraction is one of matrix products.
pub(crate) fn fits(context: &Context<'_>, contraction: &Contraction) -> bool {
    let dtype = |t| context.memories[t].dtype;
    let one_type = [contraction.lhs, contraction.rhs, contraction.out].into_iter().all(|t| dtype(t) == contraction.acc);
    matches!(contraction.acc, DType::F32 | DType::F64 | DType::C64 | DType::C128)
        && one_type
        && contraction.conjugate == (false, false)
        && contraction.classify_modes().summed.is_empty()
        && groups_of(context, contraction).is_some()
}

/// The groups of a contraction, by class.
struct Groups {
    batch: Vec<Group>,
    free_lhs: Vec<Group>,
    free_rhs: Vec<Group>,
    contracted: Vec<Group>,
    /// Of labels that have one value in a turn, with the number of scans around the one that it is of.
    turns: Vec<(Group, u32)>,
}

fn groups_of(context: &Context<'_>, contraction: &Contraction) -> Option<Groups> {
    let classes = contraction.classify_modes();
    let tensors = [
        (&context.memories[contraction.lhs], &contraction.lhs_labels),
        (&context.memories[contraction.rhs], &contraction.rhs_labels),
        (&context.memories[contraction.out], &contraction.out_labels),
    ];
    let single = |label: &u16| {
        let [lhs, rhs, out] = tensors.map(|(memory, axes)| step_of(memory, axes, *label));
        let extent = i64::try_from(contraction.extents[usize::from(*label)]).ok()?;
        let banded = contraction.is_banded(*label).then_some(*label);
        Some(Group { extent, steps: [lhs?, rhs?, out?], banded })
    };
    let groups = |labels: &[u16]| -> Option<Vec<Group>> {
        let singles = labels.iter().map(single).collect::<Option<Vec<_>>>()?;
        Some(fuse(singles.into_iter().filter(|g| g.extent != 1).collect()))
    };
    Some(Groups {
        batch: groups(&classes.batch)?,
        free_lhs: groups(&classes.free_lhs)?,
        free_rhs: groups(&classes.free_rhs)?,
        contracted: groups(&classes.contracted)?,
        turns: contraction.turns.iter().map(|(label, index)| Some((single(label)?, index.as_u32()))).collect::<Option<_>>()?,
    })
}

/// The step along a label; a repeated label follows the diagonal. `None` for a diagonal with run-time strides.
fn step_of(memory: &Memory, labels: &[u16], label: u16) -> Option<Step> {
    let axes: Vec<usize> = (0..labels.len()).filter(|n| labels[*n] == label).collect();
    match (&memory.strides, axes.as_slice()) {
        (_, []) => Some(Step::Elements(0)),
        (Some(strides), axes) => Some(Step::Elements(axes.iter().map(|a| strides[*a]).sum())),
        (None, [axis]) => Some(Step::Runtime(*axis as u32)),
        (None, _) => None,
    }
}

/// Fuses groups that follow each other in memory everywhere.
fn fuse(mut groups: Vec<Group>) -> Vec<Group> {
    let follows = |outer: &Group, inner: &Group| {
        inner.extent > 0
            && inner.banded.or(outer.banded).is_none()
            && outer.steps.iter().zip(&inner.steps).all(|pair| match pair {
                (Step::Elements(outer), Step::Elements(step)) => step.checked_mul(inner.extent) == Some(*outer),
                _ => false,
            })
    };
    let pair = |groups: &[Group]| {
        let indices = 0..groups.len();
        indices.clone().flat_map(|a| indices.clone().map(move |b| (a, b))).find(|(a, b)| a != b && follows(&groups[*a], &groups[*b]))
    };
    while let Some((outer, inner)) = pair(&groups) {
        groups[inner].extent *= groups[outer].extent;
        groups.remove(outer);
    }
    groups
}

/// Takes the group that makes a side of a matrix: that of the label of a band, if one is to be, or one that is long, and contiguous somewhere.
fn take_best(groups: &mut Vec<Group>, banded: Option<u16>) -> Group {
    // Beyond some hundreds longer sides gain nothing, contiguous ones do.
    let score = |g: &Group| {
        let is_contiguous = g.steps.contains(&Step::Elements(1));
        (g.extent.min(256) * if is_contiguous { 4 } else { 1 }, g.extent)
    };
    let best = (0..groups.len()).filter(|n| groups[*n].banded == banded).max_by_key(|n| (score(&groups[*n]), std::cmp::Reverse(*n)));
    match best {
        Some(best) => groups.remove(best),
        None => UNIT,
    }
}

/// The kernel of a contraction that fits.
pub(crate) fn lower_contraction(context: &Context<'_>, contraction: &Contraction, span: Span) -> KernelDecl {
    let Groups { batch, mut free_lhs, mut free_rhs, mut contracted, turns } = groups_of(context, contraction).expect("it fits");
    let banded = contraction.banded_sides();
    let (m, n) = (take_best(&mut free_lhs, banded[0]), take_best(&mut free_rhs, banded[1]));
    // An empty sum is one of length 0, whatever the other labels are.
    let k = match contracted.iter().find(|g| g.extent == 0).copied() {
        Some(empty) => {
            contracted.clear();
            empty
        }
        None => take_best(&mut contracted, banded[SUM]),
    };
    let mut loops: Vec<Group> = batch.into_iter().chain(free_lhs).chain(free_rhs).collect();
    loops.sort_by_key(|g| std::cmp::Reverse(g.extent));
    let memories = [contraction.lhs, contraction.rhs, contraction.out].map(|t| &context.memories[t]);
    let mut writer = Writer {
        dtype: contraction.acc,
        memories,
        locals: PrimaryMap::new(),
        sides: [m, n, k],
        contracted,
        contraction,
        banded,
        panels: contraction.panels(&banded).map(|panel| panel.map(u64::cast_signed)),
        part: [None; 3],
        at: Vec::new(),
        swings: [None; 3],
    };
    let task = writer.locals.push(Type::INDEX);
    let mut body = writer.swings(&context.around);
    for (group, counter) in turns {
        let index = writer.locals.push(Type::INDEX);
        body.push(Stmt::Set(index, Op::Scalar(counter)));
        writer.at.push((group, Some(index)));
    }
    let (tasks, rest) = writer.tasks(task, &loops);
    body.extend(rest);
    let name = context.plan.buffers[contraction.out].name.clone();
    KernelDecl { name, tasks, task, locals: writer.locals, body, span }
}

/// Writes the loops and the product.
struct Writer<'a> {
    dtype: DType,
    memories: [&'a Memory; 3],
    locals: PrimaryMap<Local, Type>,
    /// m, n, k.
    sides: [Group; 3],
    contracted: Vec<Group>,
    contraction: &'a Contraction,
    /// The labels of bands that are sides.
    banded: [Option<u16>; 3],
    /// Rows of the panels of m and n.
    panels: [Option<i64>; 2],
    /// The part of m, n or k that the task or a panel has: the first value, and how many.
    part: [Option<(Local, Local)>; 3],
    /// Groups that loops, or scans around, have variables for.
    at: Vec<(Group, Option<Local>)>,
    /// How far a tensor is moved in this turn: a variable and its multiple, in elements of the kernel's buffer.
    swings: [Option<(Local, i64)>; 3],
}

impl Writer<'_> {
    /// Computes how far tensors that turns swap are moved.
    fn swings(&mut self, around: &[Around]) -> Block {
        let mut block = Block::new();
        for (tensor, memory) in self.memories.into_iter().enumerate() {
            if let Some(swing) = memory.swing {
                let turn = around[swing.scan].parity(swing.scan);
                let local = turn.emit(&mut |op| {
                    let local = self.locals.push(Type::INDEX);
                    block.push(Stmt::Set(local, op));
                    local
                });
                self.swings[tensor] = Some((local, swing.by));
            }
        }
        block
    }

    /// Divides the work: over the longest loop, or over m or n.
    fn tasks(&mut self, task: Local, loops: &[Group]) -> (u32, Block) {
        let extents = self.sides.iter().chain(loops).chain(&self.contracted).map(|g| g.extent.max(0).cast_unsigned());
        let flops = extents.fold(2u64, u64::saturating_mul);
        let wanted = (flops / TASK_FLOPS).clamp(1, MAX_TASKS).cast_signed();
        // Rows of a band, whose parts are whole panels, or the longer side.
        let rows = self.panels.into_iter().enumerate().find_map(|(side, panel)| Some((side, panel?)));
        let (side, align) = rows.unwrap_or((usize::from(self.sides[1].extent > self.sides[0].extent), TASK_ALIGN));
        let length = self.sides[side].extent;
        let part = (ceil_div(ceil_div(length, wanted), align) * align).max(1);
        let by_side = ceil_div(length, part).max(1);
        let by_loop = loops.first().map_or(1, |g| g.extent.min(wanted)).max(1);
        let mut block = Block::new();
        if by_loop >= by_side {
            let Some((first, rest)) = loops.split_first().filter(|_| by_loop > 1) else {
                self.outer_loops(&mut block, loops);
                return (1, block);
            };
            let chunk = ceil_div(first.extent, by_loop);
            let (lo, hi, _) = self.range(&mut block, task, chunk, first.extent);
            self.looped(&mut block, *first, Operand::Local(lo), Operand::Local(hi), &mut |w, block| w.outer_loops(block, rest));
            return (ceil_div(first.extent, chunk) as u32, block);
        }
        let (lo, _, count) = self.range(&mut block, task, part, length);
        self.part[side] = Some((lo, count));
        self.outer_loops(&mut block, loops);
        (by_side as u32, block)
    }

    /// First value, one past the last, and number of values of a task's part of a range.
    fn range(&mut self, block: &mut Block, task: Local, chunk: i64, extent: i64) -> (Local, Local, Local) {
        let mut set = |op| {
            let local = self.locals.push(Type::INDEX);
            block.push(Stmt::Set(local, op));
            local
        };
        let (chunk, extent) = (set(Op::Const(OpConst::Int(chunk))), set(Op::Const(OpConst::Int(extent))));
        let lo = set(Op::Binary(BinaryOp::Mul, task, chunk));
        let end = set(Op::Binary(BinaryOp::Add, lo, chunk));
        let hi = set(Op::Binary(BinaryOp::Min, end, extent));
        (lo, hi, set(Op::Binary(BinaryOp::Sub, hi, lo)))
    }

    fn looped(&mut self, block: &mut Block, group: Group, lo: Operand, hi: Operand, body: &mut dyn FnMut(&mut Self, &mut Block)) {
        let var = self.locals.push(Type::INDEX);
        let mut inner = Block::new();
        self.at.push((group, Some(var)));
        body(self, &mut inner);
        self.at.pop();
        block.push(Stmt::Loop(Loop { var, lo, hi, step: 1, body: inner }));
    }

    fn outer_loops(&mut self, block: &mut Block, loops: &[Group]) {
        match loops.split_first() {
            None => self.sum_loops(block, 0, true),
            Some((group, rest)) => self.looped(block, *group, Operand::Const(0), Operand::Const(group.extent), &mut |w, b| {
                w.outer_loops(b, rest);
            }),
        }
    }

    /// The loops of sums; the very first product overwrites, the others accumulate.
    fn sum_loops(&mut self, block: &mut Block, level: usize, first: bool) {
        let Some(group) = self.contracted.get(level).copied() else {
            return self.products(block, !first);
        };
        if first {
            self.at.push((group, None));
            self.sum_loops(block, level + 1, true);
            self.at.pop();
        }
        let lo = Operand::Const(i64::from(first));
        self.looped(block, group, lo, Operand::Const(group.extent), &mut |w, b| w.sum_loops(b, level + 1, false));
    }

    fn gemm(&self, accumulate: bool) -> Gemm {
        let [m, n, k] = self.sides;
        let length = |side: Group, part: Option<(Local, Local)>| part.map_or(Operand::Const(side.extent), |(_, n)| Operand::Local(n));
        Gemm {
            dtype: self.dtype,
            m: length(m, self.part[0]),
            n: length(n, self.part[1]),
            k: length(k, self.part[2]),
            dst: self.view(OUT, m, n),
            lhs: self.view(LHS, m, k),
            rhs: self.view(RHS, k, n),
            accumulate,
        }
    }

    fn view(&self, tensor: usize, rows: Group, columns: Group) -> View {
        let memory = self.memories[tensor];
        let coefficient = |step| match step {
            Step::Elements(0) => None,
            Step::Elements(step) => Some(Coefficient::Elements(step * memory.parts)),
            Step::Runtime(axis) => Some(Coefficient::Stride { axis, factor: memory.parts }),
        };
        let looped = self.at.iter().filter_map(|(group, var)| Some((*group, (*var)?)));
        let parts = [0, 1, 2].into_iter().filter_map(|side| Some((self.sides[side], self.part[side]?.0)));
        let swing = self.swings[tensor].map(|(local, by)| (local, Coefficient::Elements(by)));
        let terms = looped.chain(parts).filter_map(|(group, var)| Some((var, coefficient(group.steps[tensor])?))).chain(swing).collect();
        let address = Address { buffer: memory.buffer, offset: memory.offset, terms, stride_offsets: Vec::new() };
        let stride = |group: Group| match group.steps[tensor] {
            Step::Elements(step) => MatrixStride::Const(step),
            Step::Runtime(axis) => MatrixStride::Runtime(axis),
        };
        View { address, row_stride: stride(rows), column_stride: stride(columns) }
    }
}
