//! Steps and values before they have a place in memory.

use ein_ir::dtype::DType;
use ein_ir::entity::{Index, PrimaryMap, Reducer, Tensor};
use ein_ir::plan::{Contraction, IndexRange, Library, Nest, ScanState};
use ein_ir::scalar::{Literal, ScalarKind};
use ein_ir::span::Span;
use ein_ir::tensor::ReducerDecl;
use std::collections::BTreeSet;

use crate::egraph::{EGraph, Reason};
use crate::ranges::Ranges;
use crate::rewrite;

/// A plan in the making: every step reads only values that earlier steps wrote. Each value is written by one step, but that a state
/// of a recurrence also has a step before the recurrence, for its initial value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    /// Every value; the first ones are the tensors of the module, under their ids.
    pub(crate) values: PrimaryMap<Tensor, Value>,
    /// Reducers of the module, under their ids.
    pub(crate) reducers: PrimaryMap<Reducer, ReducerDecl>,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) outputs: Vec<Tensor>,
    /// In the order of execution.
    pub(crate) steps: Vec<DraftStep>,
    /// Whether pointwise values are computed wherever they are read, however often.
    pub(crate) recompute: bool,
    /// Whether loops are written out, so that a value of a computed factor takes no memory and no time.
    pub(crate) written_out: bool,
    /// What is known of the elements of values.
    pub(crate) ranges: Ranges,
    /// Values that are encrypted: secret inputs, and what the program computes from them.
    pub(crate) secrets: BTreeSet<Tensor>,
    /// Whether steps are those of the program: nothing joins their products.
    pub(crate) as_written: bool,
    /// What somebody asks about the graph between the steps as written and as chosen, with the answers so far.
    pub(crate) asked: Option<Question>,
}

/// What may be asked about the graph of a draft; those of the bodies of its recurrences answer first.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    /// The rules that lead to the steps.
    Why(Vec<Reason>),
    /// The graph itself.
    Graph(Vec<EGraph>),
}

/// A tensor value that will get a buffer.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) name: String,
    pub(crate) dtype: DType,
    pub(crate) extents: Vec<u64>,
    pub(crate) index_of: Vec<u64>,
    pub(crate) role: Role,
    pub(crate) span: Span,
}

/// Who provides or wants a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Role {
    Input(u32),
    Output(u32),
    Intermediate,
    /// An intermediate that a recurrence carries from turn to turn, or out of it: it is stored whatever its readers are.
    Carried,
    Constant(Vec<Literal>),
}

#[derive(Clone, Debug)]
pub(crate) struct DraftStep {
    pub(crate) work: Work,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum Work {
    Nest(Nest),
    Contraction(Contraction),
    /// A function of whole tensors; its operands and results are row-major.
    Library(Library),
    Scan(Box<Recurrence>),
}

/// A recurrence: as [`ein_ir::plan::Scan`]. Until [`crate::recurrence::settle`] a state and its previous value are two values.
#[derive(Clone, Debug)]
pub(crate) struct Recurrence {
    pub(crate) index: Index,
    pub(crate) range: IndexRange,
    pub(crate) reverse: bool,
    pub(crate) linear: bool,
    pub(crate) states: Vec<ScanState>,
    pub(crate) body: Vec<DraftStep>,
}

impl Recurrence {
    pub(crate) fn n_turns(&self) -> u64 {
        u64::try_from(self.range.hi.saturating_sub(self.range.lo)).unwrap_or(0)
    }

    /// Whether a value is a state of this recurrence, or of one in it.
    pub(crate) fn is_state(&self, value: Tensor) -> bool {
        let inner = |step: &DraftStep| matches!(&step.work, Work::Scan(scan) if scan.is_state(value));
        self.states.iter().any(|s| s.current == value) || self.body.iter().any(inner)
    }
}

impl Value {
    pub(crate) fn n_elements(&self) -> u64 {
        self.extents.iter().fold(1, |n, e| n.saturating_mul(*e))
    }

    pub(crate) fn n_bytes(&self) -> u64 {
        self.n_elements().saturating_mul(self.dtype.bytes() as u64)
    }

    pub(crate) fn is_intermediate(&self) -> bool {
        self.role == Role::Intermediate
    }
}

impl Draft {
    /// The values that are encrypted, those that passes made among them.
    pub(crate) fn all_secrets(&self) -> BTreeSet<Tensor> {
        let mut secrets = self.secrets.clone();
        loop {
            let before = secrets.len();
            self.steps.iter().for_each(|step| step.spread(&mut secrets));
            if secrets.len() == before {
                return secrets;
            }
        }
    }

    /// A new value for what a pass computes on the way to `parent`.
    pub(crate) fn add_intermediate(&mut self, parent: Tensor, extents: Vec<u64>) -> Tensor {
        let Value { name, dtype, span, .. } = self.values[parent].clone();
        let name = format!("{name}.{}", self.values.len());
        self.values.push(Value { name, dtype, extents, index_of: Vec::new(), role: Role::Intermediate, span })
    }
}

impl DraftStep {
    /// Adds what it computes from secrets to them. In a recurrence that takes several calls.
    fn spread(&self, secrets: &mut BTreeSet<Tensor>) {
        if let Work::Scan(scan) = &self.work {
            for state in &scan.states {
                let ends = [state.first(scan.n_turns()), state.previous, state.current];
                if ends.iter().any(|end| secrets.contains(end)) {
                    secrets.extend([state.previous, state.current]);
                }
            }
            scan.body.iter().for_each(|step| step.spread(secrets));
        } else if self.reads().iter().any(|read| secrets.contains(read)) {
            secrets.extend(self.writes());
        }
    }

    /// Values written, each once.
    pub(crate) fn writes(&self) -> BTreeSet<Tensor> {
        match &self.work {
            Work::Nest(nest) => BTreeSet::from([nest.out]),
            Work::Contraction(contraction) => BTreeSet::from([contraction.out]),
            Work::Library(call) => call.results.iter().chain(&call.workspace).copied().collect(),
            Work::Scan(scan) => {
                let states = scan.states.iter().flat_map(|s| [s.current, s.previous]);
                scan.body.iter().flat_map(DraftStep::writes).chain(states).collect()
            }
        }
    }

    /// Values read, each once.
    pub(crate) fn reads(&self) -> BTreeSet<Tensor> {
        match &self.work {
            Work::Contraction(contraction) => BTreeSet::from([contraction.lhs, contraction.rhs]),
            Work::Library(call) => call.args.iter().copied().collect(),
            Work::Scan(scan) => {
                let states = scan.states.iter().flat_map(|s| [s.first(scan.n_turns()), s.previous]);
                scan.body.iter().flat_map(DraftStep::reads).chain(states).collect()
            }
            Work::Nest(nest) => {
                let mut out = BTreeSet::new();
                for scalar in rewrite::scalars(nest) {
                    scalar.visit(&mut |s| {
                        if let ScalarKind::Access(access) = &s.kind {
                            out.insert(access.tensor);
                        }
                    });
                }
                out
            }
        }
    }
}
