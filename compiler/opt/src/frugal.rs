//! Plans of a program that take less memory than the best one.

use crate::{Cut, Machine, Minimize, Options, Way, blocks, convert, report, try_plan};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::plan::Plan;
use ein_ir::tensor::Module;

/// Halvings of what networks may take, until a plan of slices keeps to its limit.
const SLICE_TRIES: u32 = 6;
/// Axes along which blocks are tried.
const AXES_TRIED: usize = 6;

/// The plan that keeps to the limit and is predicted to be the fastest; if there is none, that with the least peak.
///
/// In turn: operands that are not converted beforehand; orders with small intermediates; pointwise values that are computed more than once;
/// blocks along an axis; slices of networks; and where nothing else keeps to the limit, everything for one element after
/// the other, and loops as written, which store nothing between factors.
pub(crate) fn plan(module: &Module, options: &Options, best: Plan, limit: u64) -> Result<Plan, Vec<Diagnostic>> {
    let peak = Options { minimize: Minimize::Peak, ..options.clone() };
    let written = Options { opt_level: 0, ..options.clone() };
    let recomputed = Way { recompute: true, ..Way::PLAIN };
    let mut search = Search { module, machine: &options.machine, limit, best };
    let results = search.best.outputs.iter().map(|t| search.best.buffers[*t].n_bytes()).fold(0, u64::saturating_add);
    if results > limit {
        // Nothing will do: what is asked for is the figure that would.
        search.last_resorts(&written, &peak)?;
        return Ok(search.best);
    }
    for (options, way) in [(options, Way::PLAIN), (&peak, Way::USUAL), (&peak, Way::PLAIN), (options, recomputed), (&peak, recomputed)] {
        search.offer(try_plan(module, options, way)?);
    }
    let draft = convert::convert(module)?;
    let ways = [(options, Way::USUAL), (options, Way::PLAIN), (&peak, Way::PLAIN)];
    for axis in blocks::axes(&draft).into_iter().take(AXES_TRIED) {
        let extent = draft.values[axis.0].extents[axis.1];
        search.blocks(&ways, extent, &|n| Cut::Blocks(axis, extent.div_ceil(1 << n)))?;
    }
    let longest = draft.values.values().flat_map(|v| &v.extents).copied().max().unwrap_or(1);
    search.blocks(&ways, longest, &|n| Cut::AllBlocks(1 << n))?;
    // Operands and sums of slices take memory besides what a network says of itself.
    for bytes in (0..SLICE_TRIES).map(|n| (limit - results) >> n) {
        if search.offer(try_plan(module, &peak, Way { cut: Cut::Networks(bytes), ..Way::PLAIN })?) {
            break;
        }
    }
    if !search.fits(&search.best) {
        search.last_resorts(&written, &peak)?;
    }
    Ok(search.best)
}

/// The best plan so far.
struct Search<'m> {
    module: &'m Module,
    machine: &'m Machine,
    limit: u64,
    best: Plan,
}

impl Search<'_> {
    fn fits(&self, plan: &Plan) -> bool {
        plan.peak().base <= self.limit
    }

    /// Everything for one element after the other, and loops as written, which store nothing between factors.
    fn last_resorts(&mut self, written: &Options, peak: &Options) -> Result<(), Vec<Diagnostic>> {
        let elements = Way { cut: Cut::Elements, recompute: true, ..Way::PLAIN };
        for (options, way) in [(peak, elements), (written, elements), (written, Way::PLAIN)] {
            self.offer(try_plan(self.module, options, way)?);
        }
        Ok(())
    }

    fn time(&self, plan: &Plan) -> u64 {
        report::predicted(plan, self.machine)
    }

    /// Takes a plan that is better; whether it keeps to the limit.
    fn offer(&mut self, plan: Plan) -> bool {
        let fits = self.fits(&plan);
        let is_better = match (fits, self.fits(&self.best)) {
            (true, true) => self.time(&plan) < self.time(&self.best),
            (false, false) => plan.peak().base < self.best.peak().base,
            (fits, _) => fits,
        };
        if is_better {
            self.best = plan;
        }
        fits
    }

    /// The largest blocks that keep to the limit, by bisection of the number of halvings, in the first way that has any.
    fn blocks(&mut self, ways: &[(&Options, Way)], extent: u64, cut: &dyn Fn(u32) -> Cut) -> Result<(), Vec<Diagnostic>> {
        let module = self.module;
        for (options, way) in ways {
            let halved = |n: u32| try_plan(module, options, Way { cut: cut(n), ..*way });
            let (mut too_few, mut enough) = (0, extent.checked_next_power_of_two().map_or(63, u64::ilog2));
            if enough == 0 || !self.offer(halved(enough)?) {
                continue;
            }
            while enough - too_few > 1 {
                let middle = too_few.midpoint(enough);
                if self.offer(halved(middle)?) { enough = middle } else { too_few = middle }
            }
            break;
        }
        Ok(())
    }
}
