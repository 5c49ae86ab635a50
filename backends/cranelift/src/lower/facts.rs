//! What is known of a kernel before its first instruction is made.

use ein_ir::entity::{Buffer, Local, SecondaryMap};
use ein_ir::kernel::{Address, Block, BufferDecl, Coefficient, KernelDecl, KernelModule, MatrixStride, Op, OpConst, Place, Stmt};
use std::collections::BTreeSet;

/// Facts about one kernel.
pub(super) struct Facts {
    /// Variables that are set once, to an integer constant.
    constants: SecondaryMap<Local, Option<i64>>,
    /// Buffers that the kernel writes.
    written: BTreeSet<Buffer>,
    /// Whether a task may end before its last statement.
    pub(super) may_fault: bool,
    /// Buffers that the kernel touches.
    pub(super) buffers: BTreeSet<Buffer>,
    /// Run-time strides that it needs: buffer and axis.
    pub(super) strides: BTreeSet<(Buffer, u32)>,
}

impl Facts {
    pub(super) fn of(module: &KernelModule, kernel: &KernelDecl) -> Self {
        let mut facts = Self {
            constants: SecondaryMap::new(),
            written: BTreeSet::new(),
            may_fault: false,
            buffers: BTreeSet::new(),
            strides: BTreeSet::new(),
        };
        let mut n_sets: SecondaryMap<Local, u32> = SecondaryMap::new();
        n_sets[kernel.task] += 1;
        visit(&kernel.body, &mut |stmt| {
            each_assigned(stmt, &mut |local| n_sets[local] += 1);
            each_address(stmt, &mut |address| facts.note_address(address));
            facts.note_matrix_strides(stmt);
            facts.note_effect(stmt);
        });
        facts.add_overlapping(module);
        visit(&kernel.body, &mut |stmt| {
            if let Stmt::Set(local, Op::Const(OpConst::Int(value))) = stmt
                && n_sets[*local] == 1
                && kernel.locals[*local].lanes == 1
            {
                facts.constants[*local] = Some(*value);
            }
        });
        facts
    }

    /// The value of a variable that never has another.
    pub(super) fn constant(&self, local: Local) -> Option<i64> {
        self.constants[local]
    }

    /// Whether the kernel writes a buffer.
    pub(super) fn writes(&self, buffer: Buffer) -> bool {
        self.written.contains(&buffer)
    }

    fn note_effect(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Store(address, _) => {
                self.written.insert(address.buffer);
            }
            Stmt::Gemm(gemm) => {
                self.written.insert(gemm.dst.address.buffer);
            }
            Stmt::Copy(copy) => {
                self.written.insert(copy.dst.buffer);
            }
            Stmt::Library(call) => self.written.extend(call.results.iter().chain(&call.workspace).map(|a| a.buffer)),
            Stmt::Fault(_) => self.may_fault = true,
            Stmt::Set(..) | Stmt::Loop(_) | Stmt::If { .. } => {}
        }
    }

    /// A buffer that shares memory with a written one is written too: the plan may let a result take the place of its operand.
    fn add_overlapping(&mut self, module: &KernelModule) {
        let overlaps = |&&a: &&Buffer| self.written.iter().any(|&b| overlap(&module.buffers[a], &module.buffers[b]));
        let shared: Vec<Buffer> = self.buffers.iter().filter(overlaps).copied().collect();
        self.written.extend(shared);
    }

    fn note_address(&mut self, address: &Address) {
        self.buffers.insert(address.buffer);
        for &(axis, _) in &address.stride_offsets {
            self.strides.insert((address.buffer, axis));
        }
        for &(_, coefficient) in &address.terms {
            if let Coefficient::Stride { axis, .. } = coefficient {
                self.strides.insert((address.buffer, axis));
            }
        }
    }

    fn note_matrix_strides(&mut self, stmt: &Stmt) {
        let Stmt::Gemm(gemm) = stmt else { return };
        for view in [&gemm.dst, &gemm.lhs, &gemm.rhs] {
            for stride in [view.row_stride, view.column_stride] {
                if let MatrixStride::Runtime(axis) = stride {
                    self.strides.insert((view.address.buffer, axis));
                }
            }
        }
    }
}

fn overlap(a: &BufferDecl, b: &BufferDecl) -> bool {
    let end = |offset: u64, buffer: &BufferDecl| offset.saturating_add(buffer.n_elements.saturating_mul(u64::from(buffer.ty.bytes())));
    match (&a.place, &b.place) {
        (Place::Arena { offset: x }, Place::Arena { offset: y }) => *x < end(*y, b) && *y < end(*x, a),
        (Place::Argument { slot: x, .. }, Place::Argument { slot: y, .. }) => x == y,
        (Place::Argument { .. } | Place::Arena { .. } | Place::Constant(_), _) => false,
    }
}

/// Calls `f` on every statement of a block and of the blocks in it, outermost first.
pub(super) fn visit<'a>(block: &'a Block, f: &mut dyn FnMut(&'a Stmt)) {
    for stmt in block {
        f(stmt);
        match stmt {
            Stmt::Loop(l) => visit(&l.body, f),
            Stmt::If { then, otherwise, .. } => {
                visit(then, f);
                visit(otherwise, f);
            }
            Stmt::Set(..) | Stmt::Store(..) | Stmt::Fault(_) | Stmt::Gemm(_) | Stmt::Copy(_) | Stmt::Library(_) => {}
        }
    }
}

/// Calls `f` on every variable that a statement itself gives a value, not those set in its blocks.
pub(super) fn each_assigned(stmt: &Stmt, f: &mut dyn FnMut(Local)) {
    match stmt {
        Stmt::Set(local, _) => f(*local),
        Stmt::Loop(l) => f(l.var),
        Stmt::Library(call) => f(call.failed),
        Stmt::Store(..) | Stmt::If { .. } | Stmt::Fault(_) | Stmt::Gemm(_) | Stmt::Copy(_) => {}
    }
}

/// Calls `f` on every address of a statement, not those in its blocks.
pub(super) fn each_address(stmt: &Stmt, f: &mut dyn FnMut(&Address)) {
    match stmt {
        Stmt::Set(_, Op::Load(address)) | Stmt::Store(address, _) => f(address),
        Stmt::Copy(copy) => [&copy.dst, &copy.src].into_iter().for_each(f),
        Stmt::Gemm(gemm) => [&gemm.dst, &gemm.lhs, &gemm.rhs].into_iter().for_each(|view| f(&view.address)),
        Stmt::Library(call) => call.results.iter().chain(&call.args).chain(&call.workspace).for_each(f),
        Stmt::Set(..) | Stmt::Loop(_) | Stmt::If { .. } | Stmt::Fault(_) => {}
    }
}
