//! In which order the loops of a nest run.

use crate::affine::Axis;
use crate::problem::Problem;

/// A loop over an axis of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OuterLoop {
    /// Over blocks of this many values, inside which the axis has another loop.
    Blocks(Axis, i64),
    /// Over all values, or those of the block around.
    Values(Axis),
}

/// Where the results of a reduction are while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accumulate {
    /// In variables: the reduced loops are innermost.
    Registers,
    /// In the output: the loop over this axis, the last of the outer ones, runs inside the reduced loops.
    Memory,
}

/// The loops of a nest.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    /// Loops over the output, outermost first.
    pub(crate) outer: Vec<OuterLoop>,
    /// Reduced axes, outermost first.
    pub(crate) reduced: Vec<Axis>,
    /// Whether vectors run along the innermost reduced axis; otherwise they run along the innermost outer one, if they can.
    pub(crate) lanes_reduced: bool,
    pub(crate) accumulate: Accumulate,
    /// How the tasks divide the work.
    pub(crate) tasks: Tasks,
}

/// How a nest is divided into tasks: a constant of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tasks {
    /// Number of tasks.
    pub(crate) n: u32,
    /// The axis that is divided, and how many of its values a task has.
    pub(crate) chunk: Option<(Axis, i64)>,
}

/// Chooses the loops.
pub(crate) fn schedule(problem: &Problem) -> Schedule {
    let reduced: Vec<Axis> = problem.reduction.iter().flat_map(|r| r.axes.clone()).collect();
    Schedule {
        outer: problem.outer.iter().map(|a| OuterLoop::Values(*a)).collect(),
        reduced,
        lanes_reduced: false,
        accumulate: Accumulate::Registers,
        tasks: Tasks { n: 1, chunk: None },
    }
}
