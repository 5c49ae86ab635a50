//! Values that are close to a function of an earlier one, and what lies between: polynomials, and steps of Newton's iteration.
//!
//! How far off such a value is follows from how far off the earlier one is by the slope of the function, and not through the many
//! operations between, whose worst cases do not meet. To that comes what the operations add themselves, from an argument that is exact.

use crate::Makers;
use crate::program::{Iterate, Origin, Program};
use ein_ir::entity::{Ciphertext, SecondaryMap};
use ein_ir::packed::{Op, Packed, Run};
use std::collections::{BTreeMap, BTreeSet};

/// The operations between some values and a result.
pub(crate) struct Region {
    /// What is taken to be exact.
    pub(crate) bases: BTreeSet<Ciphertext>,
    /// The operations, the result last.
    pub(crate) inner: BTreeSet<Ciphertext>,
}

/// What a value is close to.
pub(crate) enum Close<'a> {
    /// A sum of Chebyshev polynomials of the argument, which is the one base.
    Series {
        /// The tensor that it is for.
        tensor: usize,
        coefficients: &'a [f64],
        argument: Ciphertext,
        /// Slots without an element.
        empty: &'a [Run],
    },
    /// One number, in the place of a function; there is no base.
    Constant { tensor: usize, empty: &'a [Run] },
    /// A step of an iteration from the one before and the argument.
    Step { tensor: usize, iterate: &'a Iterate },
}

/// A value that is close to something.
pub(crate) struct Found<'a> {
    pub(crate) close: Close<'a>,
    pub(crate) region: Region,
    /// Of the bases, those that are the argument of an iteration.
    pub(crate) arguments: BTreeSet<Ciphertext>,
}

/// All values that are close to something, by their last operation before it is rescaled; none if a polynomial was lost sight of.
pub(crate) fn found<'a>(
    packed: &Packed,
    (program, makers): (&'a Program, &'a Makers),
    origins: &SecondaryMap<Ciphertext, Ciphertext>,
) -> Option<BTreeMap<Ciphertext, Found<'a>>> {
    let mut made: SecondaryMap<Ciphertext, Option<Ciphertext>> = SecondaryMap::new();
    for (id, _) in packed.ops.iter().filter(|(_, op)| !is_handed_on(op)) {
        // The first is the operation itself: zeros that are made for nothing follow none.
        made[origins[id]].get_or_insert(id);
    }
    let mut all = BTreeMap::new();
    for series in &makers.series {
        let Some(result) = made[series.result] else { continue };
        let argument = made[series.argument];
        let Origin::Polynomial { coefficients, .. } = &program.tensors[series.tensor].origin else { continue };
        let is_rescaled = |id: Ciphertext| origins[id] == series.argument && matches!(packed.ops[id], Op::Rescale(_) | Op::Boot { .. });
        // A polynomial that is nothing may have been found to be its argument.
        let is_argument = |id: Ciphertext| Some(id) == argument && id != result;
        let region = region(packed, result, &|id| is_argument(id) || is_rescaled(id));
        let region = if region.bases.len() > 1 { self::region(packed, result, &is_argument) } else { region };
        if region.bases.len() > 1 || reads_more(packed, result, &region) {
            return None;
        }
        let (tensor, empty) = (series.tensor, &series.empty[..]);
        let close = match region.bases.first() {
            Some(&argument) => Close::Series { tensor, coefficients, argument, empty },
            None => Close::Constant { tensor, empty },
        };
        all.insert(result, Found { close, region, arguments: BTreeSet::new() });
    }
    let held = |tensor: usize| makers.held.iter().filter(move |(_, of)| *of == tensor).map(|(x, _)| *x);
    for (&tensor, iterate) in &program.iterates {
        let Some((previous, _)) = iterate.previous else { continue };
        let argument: BTreeSet<Ciphertext> = held(iterate.argument).collect();
        let before: BTreeSet<Ciphertext> = held(previous).collect();
        let is_input =
            |op: &Op| matches!(op, Op::Input { input, .. } if packed.inputs[*input].name == program.tensors[iterate.argument].name);
        let is_argument = |id: Ciphertext| argument.contains(&origins[id]) || is_input(&packed.ops[id]);
        for result in held(tensor).filter_map(|x| made[x]) {
            let is_before = |id: Ciphertext| before.contains(&origins[id]) && !is_handed_on(&packed.ops[id]);
            let region = region(packed, result, &|id| id != result && (is_argument(id) || is_before(id)));
            let arguments: BTreeSet<Ciphertext> = region.bases.iter().copied().filter(|id| is_argument(*id)).collect();
            if !arguments.is_empty() && arguments.len() < region.bases.len() {
                all.insert(result, Found { close: Close::Step { tensor, iterate }, region, arguments });
            }
        }
    }
    Some(all)
}

/// Whether what is between depends on more than the bases: nothing else may stand there but a zero.
fn reads_more(packed: &Packed, result: Ciphertext, region: &Region) -> bool {
    let (mut open, mut seen) = (vec![result], BTreeSet::new());
    while let Some(id) = open.pop() {
        match packed.ops[id] {
            _ if region.bases.contains(&id) || !seen.insert(id) => {}
            Op::Input { .. } => return true,
            Op::Sub(a, b) if a == b => {}
            ref op => open.extend(op.args()),
        }
    }
    false
}

/// Whether an operation gives the value that it reads.
fn is_handed_on(op: &Op) -> bool {
    matches!(op, Op::Rescale(_) | Op::Drop(..) | Op::Boot { .. })
}

/// What is between a result and the first values that are bases.
fn region(packed: &Packed, result: Ciphertext, is_base: &dyn Fn(Ciphertext) -> bool) -> Region {
    let mut region = Region { bases: BTreeSet::new(), inner: BTreeSet::new() };
    let mut open = vec![result];
    while let Some(id) = open.pop() {
        if is_base(id) {
            region.bases.insert(id);
        } else if region.inner.insert(id) {
            open.extend(packed.ops[id].args());
        }
    }
    region
}
