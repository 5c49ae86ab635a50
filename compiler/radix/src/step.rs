//! The steps of a plan, written out element by element.

use crate::reduce::Part;
use crate::refuse;
use crate::scalar::{Env, is_whole};
use crate::{Elements, Lowerer, MAX_TURNS};
use ein_ir::circuit::Comparison;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::{Index, Tensor, Wire};
use ein_ir::plan::{Contraction, Nest, NestReduce, Scan, StepDecl, StepKind};
use ein_ir::span::Span;
use ein_ir::tensor::ReduceOp;
use std::collections::BTreeMap;

impl Lowerer<'_> {
    pub(crate) fn steps(&mut self) -> Result<(), Diagnostic> {
        let plan = self.plan;
        plan.steps.values().try_for_each(|step| self.step(step, &[]))
    }

    /// Carries a step out, inside of scans whose indices have these values.
    fn step(&mut self, step: &StepDecl, turns: &[i64]) -> Result<(), Diagnostic> {
        if self.is_foreign(step) {
            return self.set_aside(step);
        }
        if let Some(written) = step.kind.written().into_iter().next().filter(|_| !matches!(step.kind, StepKind::Scan(_))) {
            self.builder.begin(&self.plan.buffers[written].name, step.span);
        }
        match &step.kind {
            StepKind::Contraction(contraction) => self.contraction(contraction, turns, step.span),
            StepKind::Nest(nest) => self.nest(nest, turns, step.span),
            StepKind::Scan(scan) => self.scan(scan, turns, step.span),
            StepKind::Library(library) => Err(refuse::unsupported(step.span, &format!("`{}`", library.op.name()))),
        }
    }

    /// Whether a step is over numbers that are no integers, or is one that is not written out.
    fn is_foreign(&self, step: &StepDecl) -> bool {
        let foreign =
            |tensor: &Tensor| !is_whole(self.plan.buffers[*tensor].dtype) || matches!(self.buffers.get(tensor), Some(Elements::Foreign));
        match &step.kind {
            StepKind::Scan(_) => false,
            StepKind::Library(_) => true,
            StepKind::Contraction(_) => step.kind.buffers().iter().any(foreign),
            StepKind::Nest(nest) => {
                let mut found = step.kind.buffers().iter().any(foreign);
                nest.scalars().for_each(|scalar| scalar.visit(&mut |node| found |= !is_whole(node.dtype)));
                found
            }
        }
    }

    /// What reads no secret is computed in the clear before the circuit; its values take no part.
    fn set_aside(&mut self, step: &StepDecl) -> Result<(), Diagnostic> {
        let is_secret = |tensor: &Tensor| match self.buffers.get(tensor) {
            Some(Elements::Known(elements)) => elements.iter().flatten().any(|wire| self.builder.is_secret(*wire)),
            Some(Elements::Foreign) | None => false,
        };
        if step.kind.read().iter().any(is_secret) {
            return Err(match &step.kind {
                StepKind::Library(library) if library.args.iter().all(|arg| is_whole(self.plan.buffers[*arg].dtype)) => {
                    refuse::unsupported(step.span, &format!("`{}` of a secret tensor", library.op.name()))
                }
                _ => refuse::foreign(step.span),
            });
        }
        for tensor in step.kind.written() {
            self.buffers.insert(tensor, Elements::Foreign);
        }
        Ok(())
    }

    /// The buffer that a step writes, which it may have begun in an earlier turn.
    fn begin(&mut self, out: Tensor) -> Result<(), Diagnostic> {
        if !matches!(self.buffers.get(&out), Some(Elements::Known(_))) {
            let n = self.allocate(out)?;
            self.buffers.insert(out, Elements::Known(vec![None; n]));
        }
        Ok(())
    }

    fn set(&mut self, out: Tensor, positions: &[i64], wire: Wire) {
        let extents = &self.plan.buffers[out].extents;
        let flat = flat(extents, positions.iter().map(|n| u64::try_from(*n).unwrap_or(u64::MAX)));
        if let Some(Elements::Known(elements)) = self.buffers.get_mut(&out)
            && let Some(element) = usize::try_from(flat).ok().and_then(|flat| elements.get_mut(flat))
        {
            *element = Some(wire);
        }
    }

    /// Counts the work of writing out, which nobody waits for without end.
    pub(crate) fn turn(&mut self, span: Span) -> Result<(), Diagnostic> {
        self.turns += 1;
        if self.turns > MAX_TURNS { Err(refuse::too_many_turns(span)) } else { Ok(()) }
    }

    fn contraction(&mut self, contraction: &Contraction, turns: &[i64], span: Span) -> Result<(), Diagnostic> {
        self.begin(contraction.out)?;
        let extents: Vec<(i64, i64)> = (0_u16..)
            .zip(&contraction.extents)
            .map(|(label, size)| match contraction.turn_of(label) {
                Some(index) => fixed(turns, index),
                None => (0, i64::try_from(*size).unwrap_or(i64::MAX)),
            })
            .collect();
        let labels = |of: &[u16]| -> Vec<usize> { of.iter().map(|label| usize::from(*label)).collect() };
        let (out, lhs, rhs) = (labels(&contraction.out_labels), labels(&contraction.lhs_labels), labels(&contraction.rhs_labels));
        let inner: Vec<usize> = (0..extents.len()).filter(|label| !out.contains(label)).collect();
        let mut at = vec![0; extents.len()];
        let mut outer = Odometer::new(out.clone(), &extents);
        while outer.next(&mut at) {
            let mut values = Vec::new();
            let mut summed = Odometer::new(inner.clone(), &extents);
            while summed.next(&mut at) {
                self.turn(span)?;
                if !contraction.is_in_bands(&|label| at[usize::from(label)], false) {
                    continue;
                }
                let read = |labels: &[usize]| labels.iter().map(|label| at[*label]).collect::<Vec<_>>();
                let (x, y) = (self.value(contraction.lhs, &read(&lhs), span)?, self.value(contraction.rhs, &read(&rhs), span)?);
                values.push(self.product(x, y, contraction.acc, span)?);
            }
            let parts: Vec<Part> = values.into_iter().map(|value| Part { value, when: None, position: 0 }).collect();
            let found = self.reduce(ReduceOp::Sum, contraction.acc, &parts, span)?;
            let positions: Vec<i64> = out.iter().map(|label| at[*label]).collect();
            self.set(contraction.out, &positions, found);
        }
        Ok(())
    }

    fn product(&mut self, x: Wire, y: Wire, acc: DType, span: Span) -> Result<Wire, Diagnostic> {
        let found = if acc == DType::Bool { self.builder.all(vec![x, y]) } else { self.builder.mul(x, y, Some(acc)) };
        found.map_err(Self::at(span))
    }

    fn value(&mut self, tensor: Tensor, positions: &[i64], span: Span) -> Result<Wire, Diagnostic> {
        let flat = flat(&self.plan.buffers[tensor].extents, positions.iter().map(|n| u64::try_from(*n).unwrap_or(u64::MAX)));
        self.element(tensor, flat, span)
    }

    fn nest(&mut self, nest: &Nest, turns: &[i64], span: Span) -> Result<(), Diagnostic> {
        self.begin(nest.out)?;
        let ranges: Vec<(i64, i64)> = nest
            .indices
            .iter()
            .map(|(index, range)| if nest.is_param(index) { fixed(turns, index) } else { (range.lo, range.hi) })
            .collect();
        if let Some(reduce) = nest.reduce.as_ref().filter(|reduce| !reduce.pins.is_empty()) {
            return self.scatter(nest, reduce, &ranges, span);
        }
        let mut env = Env { indices: vec![0; ranges.len()], ..Env::default() };
        for (index, range) in ranges.iter().enumerate() {
            env.indices[index] = range.0;
        }
        let mut outer = Odometer::new(numbers(&nest.outer), &ranges);
        while outer.next(&mut env.indices) {
            self.turn(span)?;
            if let Some(domain) = &nest.domain {
                let wanted = self.scalar(domain, &env)?;
                if self.builder.number(wanted) == Some(0) {
                    continue;
                }
            }
            let found = self.body(nest, &ranges, &mut env, span)?;
            let positions: Vec<i64> = nest.outer.iter().map(|index| env.index(*index)).collect();
            self.set(nest.out, &positions, found);
        }
        Ok(())
    }

    fn body(&mut self, nest: &Nest, ranges: &[(i64, i64)], env: &mut Env, span: Span) -> Result<Wire, Diagnostic> {
        let Some(reduce) = &nest.reduce else { return self.scalar(&nest.body, env) };
        let mut parts = Vec::new();
        let mut inner = Odometer::new(numbers(&reduce.binders), ranges);
        while inner.next(&mut env.indices) {
            self.turn(span)?;
            if let Some(when) = self.guard(reduce, env)? {
                let position = reduce.binders.first().map_or(0, |index| env.index(*index));
                parts.push(Part { value: self.scalar(&nest.body, env)?, when, position });
            }
        }
        let found = self.reduce(reduce.op, reduce.acc, &parts, span)?;
        let Some(epilogue) = &nest.epilogue else { return self.stored(nest.out, found, span) };
        env.accumulated = Some(found);
        self.scalar(epilogue, env)
    }

    /// As an element of a buffer, whose type may be narrower than that of the reduction.
    fn stored(&mut self, out: Tensor, wire: Wire, span: Span) -> Result<Wire, Diagnostic> {
        let dtype = self.plan.buffers[out].dtype;
        if !dtype.is_integer() {
            return Ok(wire);
        }
        self.builder.multiple(1, wire, 0, Some(dtype)).map_err(Self::at(span))
    }

    /// `None` if a term takes no part, otherwise when it does.
    fn guard(&mut self, reduce: &NestReduce, env: &Env) -> Result<Option<Option<Wire>>, Diagnostic> {
        let Some(guard) = &reduce.guard else { return Ok(Some(None)) };
        let guard = self.scalar(guard, env)?;
        Ok(match self.builder.number(guard) {
            Some(0) => None,
            Some(_) => Some(None),
            None => Some(Some(guard)),
        })
    }

    /// Terms that name the element in which they take part.
    fn scatter(&mut self, nest: &Nest, reduce: &NestReduce, ranges: &[(i64, i64)], span: Span) -> Result<(), Diagnostic> {
        let pinned: Vec<Index> = reduce.pins.iter().map(|pin| pin.index).collect();
        let free: Vec<Index> = nest.outer.iter().copied().filter(|index| !pinned.contains(index)).collect();
        let mut env = Env { indices: vec![0; ranges.len()], ..Env::default() };
        let mut outer = Odometer::new(numbers(&free), ranges);
        while outer.next(&mut env.indices) {
            let mut buckets: BTreeMap<Vec<i64>, Vec<Part>> = BTreeMap::new();
            let mut inner = Odometer::new(numbers(&reduce.binders), ranges);
            while inner.next(&mut env.indices) {
                self.turn(span)?;
                let Some(when) = self.guard(reduce, &env)? else { continue };
                let part = Part { value: self.scalar(&nest.body, &env)?, when, position: 0 };
                self.drop_into(nest, reduce, ranges, &mut env, part, &mut buckets)?;
            }
            let mut every = Odometer::new(numbers(&pinned), ranges);
            while every.next(&mut env.indices) {
                self.turn(span)?;
                let positions: Vec<i64> = nest.outer.iter().map(|index| env.index(*index)).collect();
                let parts = buckets.remove(&positions).unwrap_or_default();
                let found = self.reduce(reduce.op, reduce.acc, &parts, span)?;
                let found = self.stored(nest.out, found, span)?;
                self.set(nest.out, &positions, found);
            }
        }
        Ok(())
    }

    /// Puts a term into every element in which it may take part.
    fn drop_into(
        &mut self,
        nest: &Nest,
        reduce: &NestReduce,
        ranges: &[(i64, i64)],
        env: &mut Env,
        part: Part,
        buckets: &mut BTreeMap<Vec<i64>, Vec<Part>>,
    ) -> Result<(), Diagnostic> {
        let span = nest.body.span;
        let mut pins = Vec::with_capacity(reduce.pins.len());
        let mut possible = ranges.to_vec();
        for pin in &reduce.pins {
            let value = self.scalar(&pin.value, env)?;
            let (lo, hi) = self.builder.range(value);
            let range = &mut possible[pin.index.as_u32() as usize];
            let end = |n: i128| i64::try_from(n).unwrap_or(if n < 0 { i64::MIN } else { i64::MAX });
            *range = (range.0.max(end(lo)), range.1.min(end(hi.saturating_add(1))));
            pins.push((pin.index, value));
        }
        let indices: Vec<Index> = pins.iter().map(|(index, _)| *index).collect();
        let mut every = Odometer::new(numbers(&indices), &possible);
        while every.next(&mut env.indices) {
            self.turn(span)?;
            let mut when: Vec<Wire> = part.when.into_iter().collect();
            for (index, value) in &pins {
                let n = self.builder.constant(env.index(*index).into()).map_err(Self::at(span))?;
                when.push(self.builder.compare(Comparison::Eq, *value, n).map_err(Self::at(span))?);
            }
            let when = self.builder.all(when).map_err(Self::at(span))?;
            let when = match self.builder.number(when) {
                Some(0) => continue,
                Some(_) => None,
                None => Some(when),
            };
            let positions = nest.outer.iter().map(|index| env.index(*index)).collect();
            buckets.entry(positions).or_default().push(Part { when, ..part });
        }
        Ok(())
    }

    /// Turn by turn. A state with two buffers is written into the one that is not read.
    fn scan(&mut self, scan: &Scan, turns: &[i64], span: Span) -> Result<(), Diagnostic> {
        let n = i64::try_from(scan.n_turns()).unwrap_or(i64::MAX);
        for turn in 0..n {
            self.turn(span)?;
            let at = if scan.reverse { scan.range.hi - 1 - turn } else { scan.range.lo + turn };
            let turns = [turns, &[at]].concat();
            let swapped = (n - 1 - turn) % 2 == 1;
            if swapped {
                self.swap(scan);
            }
            let done = scan.body.iter().try_for_each(|step| self.step(step, &turns));
            if swapped {
                self.swap(scan);
            }
            done?;
        }
        Ok(())
    }

    fn swap(&mut self, scan: &Scan) {
        for state in scan.states.iter().filter(|state| state.alternates()) {
            let (current, previous) = (self.buffers.remove(&state.current), self.buffers.remove(&state.previous));
            self.buffers.extend(previous.map(|elements| (state.current, elements)));
            self.buffers.extend(current.map(|elements| (state.previous, elements)));
        }
    }
}

fn fixed(turns: &[i64], index: Index) -> (i64, i64) {
    let n = turns.get(index.as_u32() as usize).copied().unwrap_or(0);
    (n, n.saturating_add(1))
}

fn numbers(indices: &[Index]) -> Vec<usize> {
    indices.iter().map(|index| index.as_u32() as usize).collect()
}

fn flat(extents: &[u64], positions: impl Iterator<Item = u64>) -> u64 {
    extents.iter().zip(positions).fold(0, |flat, (size, at)| flat.saturating_mul(*size).saturating_add(at))
}

/// Goes through all values of some indices, the last one fastest.
struct Odometer<'a> {
    over: Vec<usize>,
    ranges: &'a [(i64, i64)],
    started: bool,
}

impl<'a> Odometer<'a> {
    const fn new(over: Vec<usize>, ranges: &'a [(i64, i64)]) -> Self {
        Self { over, ranges, started: false }
    }

    /// Sets the indices to their next values; whether there are any.
    fn next(&mut self, at: &mut [i64]) -> bool {
        if !self.started {
            self.started = true;
            self.over.iter().for_each(|n| at[*n] = self.ranges[*n].0);
            return self.over.iter().all(|n| self.ranges[*n].0 < self.ranges[*n].1);
        }
        for n in self.over.iter().rev() {
            at[*n] += 1;
            if at[*n] < self.ranges[*n].1 {
                return true;
            }
            at[*n] = self.ranges[*n].0;
        }
        false
    }
}
