//! How long a step takes on a machine, by its table.
//!
//! As long as its arithmetic or its traffic, whichever is longer, and an overhead. One model serves the choice of a plan and the report of
//! it. It knows nothing of caches between the levels, of threads, or of how loops are made.

use crate::machine::Machine;
use crate::{classify, cost, guards, rewrite};
use ein_ir::dtype::DType;
use ein_ir::entity::{Index, PrimaryMap, Reducer};
use ein_ir::extent::{Atom, Extent};
use ein_ir::plan::{Contraction, Nest, Plan, StepDecl, StepKind, Strategy};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Access, Mode, Scalar, ScalarKind};
use ein_ir::tensor::{ReduceOp, ReducerDecl};

/// How much faster than other loops those are that take terms into rows: their operands stay in the first cache. Measured on tables of
/// coupling coefficients of degrees 2 to 8, f64.
const ROW: f64 = 1.9;

/// Rows of a panel whose products take as long as packing the other operand for them.
const REPACK: f64 = 4.0;

/// What a step asks of a machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Demand {
    /// Nanoseconds of arithmetic.
    pub(crate) arithmetic: f64,
    /// Bytes read and written.
    pub(crate) bytes: f64,
    /// Calls of matrix products.
    pub(crate) calls: f64,
}

impl Demand {
    /// Nanoseconds of the step.
    pub(crate) fn time(&self, machine: &Machine) -> f64 {
        self.arithmetic.max(machine.traffic(self.bytes)) + machine.step as f64 + machine.product_call as f64 * self.calls
    }

    /// Nanoseconds that it adds to the step which reads its result, so that neither the one stores nor the other loads `result` bytes.
    pub(crate) fn time_inlined(&self, machine: &Machine, result: f64) -> f64 {
        self.arithmetic.max(machine.traffic((self.bytes - 2.0 * result).max(0.0)))
    }
}

/// Nanoseconds of a step of a plan, with all turns of a scan.
pub(crate) fn step_time(plan: &Plan, step: &StepDecl, machine: &Machine) -> f64 {
    let demand = |arithmetic, calls| Demand { arithmetic, bytes: step.bytes as f64, calls };
    let demand = match &step.kind {
        StepKind::Contraction(c) => demand(contraction_arithmetic(machine, c, step.flops as f64), calls(c)),
        StepKind::Nest(nest) => demand(nest_arithmetic(machine, &plan.reducers, nest), 0.0),
        StepKind::Library(_) => demand(step.flops as f64 / machine.loop_rate(DType::F64), 0.0),
        StepKind::Scan(scan) => {
            let turn: f64 = scan.body.iter().map(|step| step_time(plan, step, machine)).sum();
            return turn * scan.n_turns() as f64 + machine.step as f64;
        }
    };
    demand.time(machine)
}

fn contraction_arithmetic(machine: &Machine, contraction: &Contraction, flops: f64) -> f64 {
    if contraction.strategy == Strategy::Nest {
        return flops / machine.loop_rate(contraction.acc);
    }
    product_arithmetic(machine, contraction, flops)
}

/// Nanoseconds of the arithmetic of a contraction made of matrix products.
pub(crate) fn product_arithmetic(machine: &Machine, contraction: &Contraction, flops: f64) -> f64 {
    let depth = classify::shape(contraction).k.max(1) as f64;
    flops * (1.0 + machine.product_depth as f64 / depth) * (1.0 + repacked(contraction)) / machine.product_rate(contraction.acc)
}

/// What packing the other operand again for each panel of a band takes, as a part of the arithmetic.
fn repacked(contraction: &Contraction) -> f64 {
    if contraction.bands.is_empty() {
        return 0.0;
    }
    let (mut all, mut again) = (0.0, 0.0);
    contraction.each_panel(&mut |rows, volume| {
        all += volume as f64;
        again += volume as f64 * REPACK / rows as f64;
    });
    again / f64::max(all, 1.0)
}

/// Matrix products that a contraction is.
pub(crate) fn calls(contraction: &Contraction) -> f64 {
    match contraction.strategy {
        Strategy::Nest => 0.0,
        _ if contraction.bands.is_empty() => classify::shape(contraction).batch as f64,
        _ => {
            let batch = contraction.classify_modes().batch.into_iter().filter(|label| !contraction.is_banded(*label));
            batch.map(|label| contraction.extents[usize::from(label)] as f64).product::<f64>() * contraction.n_panels() as f64
        }
    }
}

/// Nanoseconds of a contraction, its traffic apart.
pub(crate) fn contraction_time(machine: &Machine, contraction: &Contraction) -> f64 {
    contraction_arithmetic(machine, contraction, cost::contraction_flops(contraction) as f64)
        + machine.product_call as f64 * calls(contraction)
}

/// Nanoseconds of the arithmetic of a nest, in a turn of the scans around.
pub(crate) fn nest_arithmetic(machine: &Machine, reducers: &PrimaryMap<Reducer, ReducerDecl>, nest: &Nest) -> f64 {
    let mut each = Operations::of(&nest.body);
    each.keep_lanes(has_contiguous_axis(nest));
    if let Some(reduce) = &nest.reduce {
        each.combine(reduce.op, reduce.acc, reducers);
    }
    let last = nest.epilogue.as_ref().map_or(Operations::NONE, Operations::of);
    let each = if takes_rows(nest) { each.flops / (ROW * machine.loop_rate(nest.body.dtype)) } else { each.time(machine) };
    guards::iterations(nest) as f64 * each + rewrite::n_results(nest) as f64 * last.time(machine)
}

/// Whether terms are taken into whole rows of the result: what names an element, and its factors of the term alone, are read once a row.
fn takes_rows(nest: &Nest) -> bool {
    let is_pinned = |index: &Index| nest.pins().iter().any(|pin| pin.index == *index);
    let mut functions = Operations::NONE;
    functions.count(&nest.body);
    !nest.pins().is_empty() && functions.functions == 0.0 && nest.outer.iter().any(|i| !nest.is_param(*i) && !is_pinned(i))
}

/// Nanoseconds of loops: so many operations, and elements read, in vectors of a type or one at a time.
pub(crate) fn loop_arithmetic(machine: &Machine, lanes: Option<DType>, flops: f64, reads: f64) -> f64 {
    Operations { flops, reads, lanes, ..Operations::NONE }.time(machine)
}

/// Whether vectors can run along some index: what is read lies side by side along it or does not have it, and so does the result, or the
/// index is reduced.
fn has_contiguous_axis(nest: &Nest) -> bool {
    let reduced = nest.reduce.iter().flat_map(|reduce| &reduce.binders);
    nest.outer.last().into_iter().chain(reduced).any(|index| {
        let mut is_contiguous = true;
        nest.body.visit(&mut |s| {
            if let ScalarKind::Access(access) = &s.kind {
                is_contiguous &= lies_along(access, *index);
            }
        });
        is_contiguous
    })
}

fn lies_along(access: &Access, index: Index) -> bool {
    let has = |extent: &Extent| extent.leaves().contains(&Atom::Index(index));
    access.subs.iter().rev().enumerate().all(|(n, sub)| match sub.value.as_polynomial() {
        Some(value) if n == 0 => !has(&value) || !has(&value.sub(&Extent::index(index))),
        Some(value) => !has(&value),
        None => false,
    })
}

/// What one evaluation of an expression does.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Operations {
    /// Multiplications, additions and the like.
    flops: f64,
    /// Functions that are called.
    functions: f64,
    /// Elements read.
    reads: f64,
    /// The one type of all numbers, if vectors of it can do the work.
    lanes: Option<DType>,
}

impl Operations {
    const NONE: Self = Self { flops: 0.0, functions: 0.0, reads: 0.0, lanes: None };

    fn of(scalar: &Scalar) -> Self {
        let mut out = Self { lanes: number_type(scalar).filter(|t| matches!(t, DType::F32 | DType::F64)), ..Self::NONE };
        out.count(scalar);
        out
    }

    fn count(&mut self, scalar: &Scalar) {
        match &scalar.kind {
            ScalarKind::Access(access) => {
                self.reads += 1.0;
                let is_direct = access.subs.iter().all(|s| matches!(s.mode, Mode::Exact | Mode::Pad) && s.value.as_polynomial().is_some());
                self.keep_lanes(is_direct && self.lanes == Some(scalar.dtype));
                return;
            }
            ScalarKind::Unary(f, _) if is_called(*f) => self.functions += 1.0,
            ScalarKind::Binary(BinaryFn::Pow | BinaryFn::Atan2 | BinaryFn::FloorDiv | BinaryFn::Rem, ..) => self.functions += 1.0,
            ScalarKind::Unary(..) | ScalarKind::Binary(..) => self.flops += cost::own_flops(scalar) as f64,
            ScalarKind::Cast(_) | ScalarKind::Index(_) => self.keep_lanes(false),
            _ => {}
        }
        self.keep_lanes(self.functions == 0.0);
        scalar.children().into_iter().for_each(|child| self.count(child));
    }

    fn combine(&mut self, op: ReduceOp, acc: DType, reducers: &PrimaryMap<Reducer, ReducerDecl>) {
        self.keep_lanes(self.lanes == Some(acc) || acc == DType::Bool);
        match op {
            ReduceOp::User(reducer) => {
                self.count(&reducers[reducer].combine);
                self.keep_lanes(false);
            }
            ReduceOp::Lse => {
                self.functions += 1.0;
                self.keep_lanes(false);
            }
            ReduceOp::ArgMax | ReduceOp::ArgMin => {
                self.flops += 1.0;
                self.keep_lanes(false);
            }
            _ => self.flops += cost::weight(BinaryFn::Add, acc) as f64,
        }
    }

    fn keep_lanes(&mut self, yes: bool) {
        if !yes {
            self.lanes = None;
        }
    }

    /// Nanoseconds. One element at a time, reading it is an operation too.
    fn time(&self, machine: &Machine) -> f64 {
        let simple = match self.lanes {
            Some(dtype) => self.flops / machine.loop_rate(dtype),
            None => (self.flops + self.reads) / machine.scalar_rate(),
        };
        simple + self.functions / machine.function_rate()
    }
}

/// The type of an expression, or for a condition that of the numbers which it compares.
fn number_type(scalar: &Scalar) -> Option<DType> {
    match scalar.dtype {
        DType::Bool => scalar.children().into_iter().find_map(number_type),
        dtype => Some(dtype),
    }
}

/// Whether it is a call for each element.
fn is_called(function: UnaryFn) -> bool {
    use UnaryFn::{Cis, Cos, Erf, Exp, Expm1, Gelu, Log, Log1p, Sigmoid, Silu, Sin, Softplus, Tan, Tanh};
    matches!(function, Exp | Expm1 | Log | Log1p | Sin | Cos | Tan | Tanh | Sigmoid | Softplus | Erf | Gelu | Silu | Cis)
}
