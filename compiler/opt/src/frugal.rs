//! Plans of a program that take less memory than the best one.

use crate::{Cut, Machine, Minimize, Options, Way, blocks, convert, report, slicing, try_plan};
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
    let results = best.outputs.iter().map(|t| best.buffers[*t].n_bytes()).fold(0, u64::saturating_add);
    let peak = Options { minimize: Minimize::Peak, ..options.clone() };
    let mut search = Search { module, machine: &options.machine, peak: &peak, results, limit: limit.max(results), best };
    search.whole(options)?;
    search.in_blocks(options)?;
    search.in_slices(search.limit)?;
    if !search.fits(&search.best) {
        search.last_resorts(&Options { opt_level: 0, ..options.clone() })?;
    }
    // Nothing will do: what is asked for is the figure below which nothing is found.
    while !search.fits(&search.best) && search.best.peak().base > results {
        let least = search.best.peak().base;
        search.in_slices(least - 1)?;
        if search.best.peak().base == least {
            break;
        }
    }
    Ok(search.best)
}

/// The best plan so far.
struct Search<'m> {
    module: &'m Module,
    machine: &'m Machine,
    /// The options with the least peak as objective.
    peak: &'m Options,
    /// Bytes of the results.
    results: u64,
    limit: u64,
    best: Plan,
}

impl Search<'_> {
    fn fits(&self, plan: &Plan) -> bool {
        plan.peak().base <= self.limit
    }

    /// The program in one piece.
    fn whole(&mut self, options: &Options) -> Result<(), Vec<Diagnostic>> {
        let recomputed = Way { recompute: true, ..Way::PLAIN };
        let peak = self.peak;
        for (options, way) in [(options, Way::PLAIN), (peak, Way::USUAL), (peak, Way::PLAIN), (options, recomputed), (peak, recomputed)] {
            self.offer(try_plan(self.module, options, way)?);
        }
        Ok(())
    }

    /// Blocks along one axis, and of every part of the program along one of its own.
    fn in_blocks(&mut self, options: &Options) -> Result<(), Vec<Diagnostic>> {
        let draft = convert::convert(self.module)?;
        let ways = [(options, Way::USUAL), (options, Way::PLAIN), (self.peak, Way::PLAIN)];
        // Where no operands are copied the first two are one.
        let copies = try_plan(self.module, options, Way::USUAL)?.steps != try_plan(self.module, options, Way::PLAIN)?.steps;
        let ways = if copies { &ways[..] } else { &ways[1..] };
        for axis in blocks::axes(&draft).into_iter().take(AXES_TRIED) {
            let extent = draft.values[axis.0].extents[axis.1];
            self.blocks(ways, extent, &|n| Cut::Blocks(axis, extent.div_ceil(1 << n)))?;
        }
        let longest = draft.values.values().flat_map(|v| &v.extents).copied().max().unwrap_or(1);
        self.blocks(ways, longest, &|n| Cut::AllBlocks(1 << n))
    }

    /// Slices of networks until a plan takes no more than `limit` bytes: operands and sums of slices take memory besides what a network says
    /// of itself.
    fn in_slices(&mut self, limit: u64) -> Result<(), Vec<Diagnostic>> {
        let spare = limit - self.results;
        for bytes in (0..SLICE_TRIES).map(|n| spare >> n) {
            if !slicing::slice(&mut convert::convert(self.module)?, bytes, self.peak) {
                continue;
            }
            let plan = try_plan(self.module, self.peak, Way { cut: Cut::Networks(bytes), ..Way::PLAIN })?;
            let peak = plan.peak().base;
            self.offer(plan);
            if peak <= limit {
                break;
            }
        }
        Ok(())
    }

    /// Everything for one element after the other, and loops as written, which store nothing between factors.
    fn last_resorts(&mut self, written: &Options) -> Result<(), Vec<Diagnostic>> {
        let elements = Way { cut: Cut::Elements, recompute: true, ..Way::PLAIN };
        for (options, way) in [(self.peak, elements), (written, elements), (written, Way::PLAIN)] {
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
