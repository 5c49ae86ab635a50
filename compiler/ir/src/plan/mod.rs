//! The plan: ordered steps over named buffers. What is computed, in which order, fused how and stored where; not how loops run.
//!
//! A plan is made from a specialised tensor module: every size is a literal. A buffer holds exactly one tensor value and is
//! named by a [`Tensor`] id of the plan (not that of the tensor module). The plan fixes order, fusion, strategy, slices,
//! layouts, lifetimes and workspace; lowering picks loop order, tiles and vectors, and adds no buffer.

pub mod band;
pub mod lifetime;
pub mod parse;
pub mod print;
pub mod verify;

use crate::dtype::DType;
use crate::entity::{Fault, Index, PrimaryMap, Reducer, Step, Tensor};
use crate::scalar::{Literal, Scalar, ScalarKind};
use crate::span::Span;
use crate::tensor::{MultiOp, ReduceOp, ReducerDecl};
use band::Band;
use std::collections::BTreeSet;

/// Steps in the order of execution, over buffers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Everything that the plan is a function of.
    pub header: Header,
    /// Reducers of the program.
    pub reducers: PrimaryMap<Reducer, ReducerDecl>,
    /// Every buffer: inputs, outputs, intermediates, constants.
    pub buffers: PrimaryMap<Tensor, Buffer>,
    /// Inputs, in the order of the parameter list.
    pub inputs: Vec<Tensor>,
    /// Outputs, in the order of the result list.
    pub outputs: Vec<Tensor>,
    /// Steps in the order of execution.
    pub steps: PrimaryMap<Step, StepDecl>,
    /// Ways in which data can make the program fail.
    pub faults: PrimaryMap<Fault, FaultDecl>,
    /// Bytes of the arena that holds the intermediates; buffers with disjoint lifetimes share it.
    pub arena_bytes: u64,
}

/// Everything that a plan is a function of, besides the program and its sizes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Header {
    /// Name of the program.
    pub program: String,
    /// `cpu`, later `gpu` or `he`.
    pub target: String,
    /// 0 as written, 1 default budgets, 2 larger ones.
    pub opt_level: u8,
    /// What is minimised: `time`, `flops`, `memory`.
    pub objective: String,
    /// Whether factors are multiplied from left to right, as the text has them, and no algebra is done.
    pub written_order: bool,
    /// Cost table of the machine that times were predicted for.
    pub machine: String,
    /// Bytes that the peak must not exceed; `None` is no limit.
    pub memory_limit: Option<u64>,
    /// Seed of randomised searches.
    pub seed: u64,
    /// Whether a clock or Ctrl-C ended the search.
    pub truncated: bool,
}

/// Memory for one tensor value.
#[derive(Clone, Debug, PartialEq)]
pub struct Buffer {
    /// As the user wrote it.
    pub name: String,
    /// Element type.
    pub dtype: DType,
    /// Size of each axis.
    pub extents: Vec<u64>,
    /// Order of the elements in memory.
    pub layout: Layout,
    /// Who owns it.
    pub place: Place,
    /// First and last step that touches it; `None` if none does. [`lifetime::moments`] tells the steps of scans apart.
    pub live: Option<(Step, Step)>,
    /// For `idx<V>` inputs: every element is in `0..V`, checked when bound (per column of the last axis if several).
    pub index_of: Vec<u64>,
    /// Declaration.
    pub span: Span,
}

/// Order of the elements in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Contiguous, last axis fastest.
    RowMajor,
    /// Strides, in elements, that are known only when the program is called. Inputs only.
    Strided,
    /// Contiguous, in this order of the axes, the last named fastest. Intermediates only.
    Permuted(Vec<usize>),
}

/// Who owns a buffer.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// The caller: the n-th input.
    Input(u32),
    /// The caller: the n-th output.
    Output(u32),
    /// The arena, at this offset in bytes (64-byte aligned).
    Arena(u64),
    /// The program: values known when it is compiled, row-major.
    Constant(Vec<Literal>),
}

/// A way in which data can make the program fail: the compiled code returns its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultDecl {
    /// Code of the error.
    pub code: u16,
    /// The fact in the user's words.
    pub message: String,
    /// Place that can fail.
    pub span: Span,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepDecl {
    /// What is done.
    pub kind: StepKind,
    /// Scalar multiplications and additions, counted as the cost model does: a multiply-add is 2.
    pub flops: u64,
    /// Bytes read and written, each operand counted once.
    pub bytes: u64,
    /// The equation that it comes from.
    pub span: Span,
}

/// What a step does. Every kind names the buffers it writes (`out`, `results`).
#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// A sum of products of two operands, its labels sorted into classes.
    Contraction(Contraction),
    /// A pointwise or reducing nest with everything fused into it.
    Nest(Nest),
    /// A recurrence over steps of its own.
    Scan(Scan),
    /// A call to library code on whole tensors.
    Library(Library),
}

/// `out[labels] = sum lhs[labels] * rhs[labels]` over a ring, in `acc`.
#[derive(Clone, Debug, PartialEq)]
pub struct Contraction {
    /// Buffer written.
    pub out: Tensor,
    /// Left operand.
    pub lhs: Tensor,
    /// Right operand.
    pub rhs: Tensor,
    /// Extent of each label; labels are positions in this list.
    pub extents: Vec<u64>,
    /// Label of each axis of `out`: no repeats.
    pub out_labels: Vec<u16>,
    /// Label of each axis of `lhs`: a repeat reads the diagonal.
    pub lhs_labels: Vec<u16>,
    /// Label of each axis of `rhs`: a repeat reads the diagonal.
    pub rhs_labels: Vec<u16>,
    /// Whether the conjugates of the operands are meant.
    pub conjugate: (bool, bool),
    /// Labels with one value in a turn of a scan around, that of its index: slices of the operands are read. `out` has none of them.
    pub turns: Vec<(u16, Index)>,
    /// Which products take part, if not all. A band is over labels of one operand, or of the result if nothing is read outside, and turns; an exact one is
    /// alone, its column the side of sums, at most one row a side. The side of sums is no row. Extents are not 0, and those of labels of bands above 1.
    pub bands: Vec<Band>,
    /// Type of products and sum; that of `out`.
    pub acc: DType,
    /// How it is carried out.
    pub strategy: Strategy,
}

/// How a contraction is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strategy {
    /// A library matrix product on strided views, looped over what does not fit into one.
    Gemm,
    /// Blocks packed straight from the operands' layouts, tiles by micro-kernels.
    Gett,
    /// Generated loops.
    Nest,
}

/// Classes of the labels that a contraction iterates over, each in the order of the output, then of `lhs`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModeClasses {
    /// In all three.
    pub batch: Vec<u16>,
    /// In `lhs` and `out`.
    pub free_lhs: Vec<u16>,
    /// In `rhs` and `out`.
    pub free_rhs: Vec<u16>,
    /// In both operands, not in `out`.
    pub contracted: Vec<u16>,
    /// In one operand only, not in `out`.
    pub summed: Vec<u16>,
}

impl Contraction {
    /// The scan index that a label has the value of, if it has one value in a turn.
    #[must_use]
    pub fn turn_of(&self, label: u16) -> Option<Index> {
        self.turns.iter().find(|(l, _)| *l == label).map(|(_, index)| *index)
    }

    /// Number of products that are added up, in a turn of the scans around.
    #[must_use]
    pub fn volume(&self) -> u64 {
        let labels = (0u16..).zip(&self.extents).filter(|(label, _)| self.turn_of(*label).is_none() && !self.is_banded(*label));
        labels.fold(self.volume_in_bands(), |n, (_, extent)| n.saturating_mul(*extent))
    }

    /// Sorts the labels that are iterated over into classes.
    #[must_use]
    pub fn classify_modes(&self) -> ModeClasses {
        let mut classes = ModeClasses::default();
        let mut seen = vec![false; self.extents.len()];
        self.turns.iter().for_each(|(label, _)| seen[usize::from(*label)] = true);
        for &label in self.out_labels.iter().chain(&self.lhs_labels).chain(&self.rhs_labels) {
            if std::mem::replace(&mut seen[usize::from(label)], true) {
                continue;
            }
            let (l, r) = (self.lhs_labels.contains(&label), self.rhs_labels.contains(&label));
            match (l, r, self.out_labels.contains(&label)) {
                (true, true, true) => classes.batch.push(label),
                (true, false, true) => classes.free_lhs.push(label),
                (false, true, true) => classes.free_rhs.push(label),
                (true, true, false) => classes.contracted.push(label),
                _ => classes.summed.push(label),
            }
        }
        classes
    }
}

/// A loop nest over the axes of `out`: `out[outer] = epilogue(reduce[binders where guard](body))` on `domain`.
#[derive(Clone, Debug, PartialEq)]
pub struct Nest {
    /// Buffer written.
    pub out: Tensor,
    /// The nest's indices; ids count from 0 in every nest. The first [`Nest::params`] are those of the scans around, outermost first.
    pub indices: PrimaryMap<Index, IndexRange>,
    /// Number of scans around the nest: their indices have one value a turn and are not iterated over.
    pub params: u32,
    /// One index an axis of `out`, in the order of the axes. In a scan its index may stand among them: the slice of the turn is written.
    pub outer: Vec<Index>,
    /// Where the value is wanted; elsewhere `out` is left as it is and never read.
    pub domain: Option<Scalar>,
    /// The reduction, if any.
    pub reduce: Option<NestReduce>,
    /// The value, or what is reduced, over buffers of the plan.
    pub body: Scalar,
    /// Applied to the finished reduction (`ScalarKind::Accumulated`), over `outer`; needs `reduce`.
    pub epilogue: Option<Scalar>,
}

/// An index of a nest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexRange {
    /// As the user wrote it.
    pub name: String,
    /// First value.
    pub lo: i64,
    /// One past the last value.
    pub hi: i64,
}

/// The reduction of a nest.
#[derive(Clone, Debug, PartialEq)]
pub struct NestReduce {
    /// The operation.
    pub op: ReduceOp,
    /// Type that it is carried out in.
    pub acc: DType,
    /// Indices reduced over; the last runs fastest in the meaning, not necessarily in the code.
    pub binders: Vec<Index>,
    /// What does not satisfy it takes no part and is not evaluated.
    pub guard: Option<Scalar>,
    /// Outer indices that each term has a value for: it takes part there and nowhere else. Empty for an ordinary reduction;
    /// otherwise the nest scatters, and has neither a domain nor an epilogue.
    pub pins: Vec<Pin>,
}

/// An outer index whose value a term of a reduction names: `n[v] = sum[b where ids[b] == v](1)` pins `v` to `ids[b]`.
///
/// The work is that of the terms, whatever the extent of the index is. Guard and body are over the other indices alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Pin {
    /// An outer index of the nest.
    pub index: Index,
    /// An i64 over the binders and the outer indices that are not pinned; inside the range of `index` wherever the guard holds.
    pub value: Scalar,
}

/// A recurrence: its steps are carried out once for every value of the index.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// The index; in the nests of `body` it has this id and this range. Ids are the numbers of scans around.
    pub index: Index,
    /// Its range.
    pub range: IndexRange,
    /// From the last value to the first.
    pub reverse: bool,
    /// Whether every state is an affine function of the previous values of the states.
    pub linear: bool,
    /// Tensors of which the body reads previous values.
    pub states: Vec<ScanState>,
    /// Steps of one turn.
    pub body: Vec<StepDecl>,
}

impl Scan {
    /// Number of turns.
    #[must_use]
    pub fn n_turns(&self) -> u64 {
        u64::try_from(self.range.hi.saturating_sub(self.range.lo)).unwrap_or(0)
    }

    fn written(&self) -> BTreeSet<Tensor> {
        let states = self.states.iter().flat_map(|s| [s.current, s.previous]);
        self.body.iter().flat_map(|step| step.kind.written()).chain(states).collect()
    }

    fn read(&self) -> BTreeSet<Tensor> {
        let inits = self.states.iter().map(|s| s.first(self.n_turns()));
        self.body.iter().flat_map(|step| step.kind.read()).chain(inits).collect()
    }

    fn buffers(&self) -> BTreeSet<Tensor> {
        let mut out = self.written();
        out.extend(self.read());
        out
    }
}

/// A state of a recurrence, of which a step before the scan writes the initial value into [`ScanState::first`].
///
/// If the two buffers differ they lie one behind the other in the arena and swap at every turn, so that the last turn writes `current`:
/// in the turn after which `n` more follow, what is read and written as one of them is the other if `n` is odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanState {
    /// Value at the current step, and after the scan.
    pub current: Tensor,
    /// Value at the previous step; the same buffer where the update is done in place.
    pub previous: Tensor,
    /// Axes across which the recurrence does not reach: an element depends on elements of the same position there.
    pub apart: Vec<usize>,
}

impl ScanState {
    /// Where the initial value of a scan of so many turns is written.
    #[must_use]
    pub const fn first(&self, n_turns: u64) -> Tensor {
        if n_turns.is_multiple_of(2) { self.current } else { self.previous }
    }

    /// Whether two buffers swap.
    #[must_use]
    pub fn alternates(&self) -> bool {
        self.current != self.previous
    }
}

/// A call to library code.
#[derive(Clone, Debug, PartialEq)]
pub struct Library {
    /// What is computed.
    pub op: MultiOp,
    /// Buffers written.
    pub results: Vec<Tensor>,
    /// Buffers read.
    pub args: Vec<Tensor>,
    /// Integer arguments by name.
    pub options: Vec<(String, i64)>,
    /// Workspace in the arena, if any.
    pub workspace: Option<Tensor>,
}

impl Buffer {
    /// Number of elements; `u64::MAX` where there are more.
    #[must_use]
    pub fn n_elements(&self) -> u64 {
        self.extents.iter().copied().fold(1, u64::saturating_mul)
    }

    /// Whether its elements are packed along the last axis, low bits first, each row starting on a byte: sub-byte types outside
    /// the program. Inside it such an element is a byte.
    #[must_use]
    pub fn is_packed(&self) -> bool {
        self.dtype.bits() < 8 && matches!(self.place, Place::Input(_) | Place::Output(_))
    }

    /// Bytes when stored contiguously; `u64::MAX` where there are more.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        if !self.is_packed() {
            return self.n_elements().saturating_mul(self.dtype.bytes() as u64);
        }
        let (row, rows) = match self.extents.split_last() {
            Some((last, rest)) => (*last, rest.iter().copied().fold(1, u64::saturating_mul)),
            None => (1, 1),
        };
        rows.saturating_mul(row.div_ceil(u64::from(8 / self.dtype.bits())))
    }

    /// Strides in elements of a contiguous buffer; `None` if they are known only at the call.
    #[must_use]
    pub fn strides(&self) -> Option<Vec<i64>> {
        let rank = self.extents.len();
        let order: Vec<usize> = match &self.layout {
            Layout::RowMajor => (0..rank).collect(),
            Layout::Permuted(order) => order.clone(),
            Layout::Strided => return None,
        };
        let mut strides = vec![0i64; rank];
        let mut stride = 1i64;
        for &axis in order.iter().rev() {
            strides[axis] = stride;
            stride = stride.saturating_mul(i64::try_from(self.extents[axis].max(1)).unwrap_or(i64::MAX));
        }
        Some(strides)
    }
}

/// Peak memory of a plan: fresh outputs + intermediates + workspace, without inputs and code.
///
/// Libraries also keep memory for each thread from its first use of them on, about as much as its caches hold. It is the same for all
/// programs, and not in here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peak {
    /// Bytes whatever the number of threads.
    pub base: u64,
    /// Bytes more for each thread, at most: what its matrix products pack.
    pub per_thread: u64,
}

impl Plan {
    /// Peak memory: outputs that the call makes, the arena, and what each thread takes.
    #[must_use]
    pub fn peak(&self) -> Peak {
        let outputs = self.outputs.iter().map(|t| self.buffers[*t].n_bytes());
        let base = outputs.fold(self.arena_bytes, u64::saturating_add);
        Peak { base, per_thread: self.steps.values().map(|step| step.kind.packed_bytes()).max().unwrap_or(0) }
    }
}

impl Nest {
    /// Whether an index is that of a scan around.
    #[must_use]
    pub fn is_param(&self, index: Index) -> bool {
        index.as_u32() < self.params
    }

    /// Every scalar expression: domain, guard, pins, body, epilogue.
    pub fn scalars(&self) -> impl Iterator<Item = &Scalar> {
        let guard = self.reduce.as_ref().and_then(|reduce| reduce.guard.as_ref());
        let pins = self.pins().iter().map(|pin| &pin.value);
        self.domain.iter().chain(guard).chain(pins).chain([&self.body]).chain(&self.epilogue)
    }

    /// Outer indices that each term names, with their values.
    #[must_use]
    pub fn pins(&self) -> &[Pin] {
        self.reduce.as_ref().map_or(&[], |reduce| &reduce.pins)
    }

    /// Buffers that the expressions read, each once, in order.
    #[must_use]
    pub fn accesses(&self) -> BTreeSet<Tensor> {
        let mut out = BTreeSet::new();
        for scalar in self.scalars() {
            scalar.visit(&mut |node| {
                if let ScalarKind::Access(access) = &node.kind {
                    out.insert(access.tensor);
                }
            });
        }
        out
    }

    /// Every scalar expression for change: domain, guard, pins, body, epilogue.
    pub fn scalars_mut(&mut self) -> impl Iterator<Item = &mut Scalar> {
        let reduced = self.reduce.iter_mut().flat_map(|r| r.guard.iter_mut().chain(r.pins.iter_mut().map(|pin| &mut pin.value)));
        self.domain.iter_mut().chain(reduced).chain([&mut self.body]).chain(&mut self.epilogue)
    }

    /// Calls `f` on every scalar expression for change.
    pub fn visit_scalars_mut(&mut self, f: &mut dyn FnMut(&mut Scalar)) {
        self.scalars_mut().for_each(f);
    }
}

impl Plan {
    /// Gives every scalar node the empty span: the text form has none for them, so what is read back equals what was printed
    /// up to this.
    pub fn erase_spans(&mut self) {
        self.steps.values_mut().for_each(erase_step_spans);
    }
}

fn erase_step_spans(step: &mut StepDecl) {
    match &mut step.kind {
        StepKind::Nest(nest) => nest.visit_scalars_mut(&mut |scalar| scalar.visit_mut(&mut |node| node.span = Span::default())),
        StepKind::Scan(scan) => scan.body.iter_mut().for_each(erase_step_spans),
        StepKind::Contraction(_) | StepKind::Library(_) => {}
    }
}

impl Contraction {
    /// Bytes that the library packs at most for one matrix product, where the processor tells how large its caches are.
    ///
    /// Source: `gemm-common` 0.19, `gemm_basic_generic`: blocks of both factors, whole along one side, some hundred rows along the
    /// other, rounded up to tiles; their depth is that of the sum, and a first-level cache holds a panel of it.
    #[must_use]
    pub fn packed_bytes(&self) -> u64 {
        const TILE: u64 = 96;
        const DEPTH: u64 = 1024;
        const ROWS: u64 = 2048;
        if self.strategy == Strategy::Nest {
            return 0;
        }
        let classes = self.classify_modes();
        let volume = |labels: &[u16]| labels.iter().map(|l| self.extents[usize::from(*l)]).fold(1, u64::saturating_mul);
        let (m, n, k) = (volume(&classes.free_lhs), volume(&classes.free_rhs), volume(&classes.contracted));
        let sides = m.max(n).saturating_add(m.min(n).min(ROWS)).saturating_add(2 * TILE);
        sides.saturating_mul(k.min(DEPTH)).saturating_mul(self.acc.bytes() as u64)
    }
}

impl StepKind {
    /// As [`Contraction::packed_bytes`]; of a scan the most that one of its steps needs.
    fn packed_bytes(&self) -> u64 {
        match self {
            StepKind::Contraction(contraction) => contraction.packed_bytes(),
            StepKind::Scan(scan) => scan.body.iter().map(|step| step.kind.packed_bytes()).max().unwrap_or(0),
            StepKind::Nest(_) | StepKind::Library(_) => 0,
        }
    }

    /// Buffers that a step reads or writes, each once, in order.
    #[must_use]
    pub fn buffers(&self) -> BTreeSet<Tensor> {
        let mut out = self.written();
        out.extend(self.read());
        out
    }

    /// Buffers that a step writes, each once, in order: results, states with their previous values, workspace.
    #[must_use]
    pub fn written(&self) -> BTreeSet<Tensor> {
        match self {
            StepKind::Contraction(c) => [c.out].into(),
            StepKind::Nest(nest) => [nest.out].into(),
            StepKind::Library(library) => library.results.iter().chain(&library.workspace).copied().collect(),
            StepKind::Scan(scan) => scan.written(),
        }
    }

    /// Buffers that a step reads, each once, in order; for a scan what its own steps read, and the initial values of states.
    #[must_use]
    pub fn read(&self) -> BTreeSet<Tensor> {
        match self {
            StepKind::Contraction(c) => [c.lhs, c.rhs].into(),
            StepKind::Nest(nest) => nest.accesses(),
            StepKind::Library(library) => library.args.iter().copied().collect(),
            StepKind::Scan(scan) => scan.read(),
        }
    }
}
