//! Steps: who writes what, where it may be read, and what each kind of step must be.

use super::broken;
use crate::dtype::DType;
use crate::entity::{EntityRef, Index, Tensor};
use crate::extent::Extent;
use crate::interval::Interval;
use crate::library;
use crate::plan::band::{Band, Outside, SUM};
use crate::plan::{Buffer, Contraction, IndexRange, Library, Nest, NestReduce, Place, Plan, Scan, ScanState, StepKind};
use crate::scalar::print::Types;
use crate::scalar::verify::{Scope, check_bounds, check_typed};
use crate::scalar::{Access, Scalar, typing};
use crate::tensor::verify::check_reducers;
use crate::tensor::{Module, ReduceOp};
use crate::verified::VerifierError;
use std::collections::BTreeSet;

/// Checks the steps of a plan.
pub(super) fn check(plan: &Plan, errors: &mut Vec<VerifierError>) {
    let reducers = Module { reducers: plan.reducers.clone(), ..Module::default() };
    check_reducers(&reducers, errors);
    let given = |buffer: &Buffer| matches!(buffer.place, Place::Input(_) | Place::Constant(_));
    let readable = plan.buffers.iter().filter(|(_, buffer)| given(buffer)).map(|(tensor, _)| tensor).collect();
    let mut checker = Checker { plan, errors, step: String::new(), written: BTreeSet::new(), readable, scans: Vec::new() };
    for (step, decl) in &plan.steps {
        checker.step = step.to_string();
        checker.check_step(&decl.kind);
    }
    for &output in &plan.outputs {
        if !checker.written.contains(&output) {
            checker.step = output.to_string();
            checker.refuse("an output that no step writes");
        }
    }
}

struct Checker<'p, 'e> {
    plan: &'p Plan,
    errors: &'e mut Vec<VerifierError>,
    /// The step looked at, for messages.
    step: String,
    /// Buffers that a step writes.
    written: BTreeSet<Tensor>,
    /// Buffers that may be read here.
    readable: BTreeSet<Tensor>,
    /// Enclosing scans, outermost first.
    scans: Vec<&'p Scan>,
}

impl<'p> Checker<'p, '_> {
    fn refuse(&mut self, message: impl Into<String>) {
        self.errors.push(broken(&self.step, message));
    }

    fn check_step(&mut self, kind: &'p StepKind) {
        if let Some(unknown) = kind.buffers().into_iter().find(|tensor| !self.plan.buffers.is_valid(*tensor)) {
            return self.refuse(format!("{unknown} is not declared"));
        }
        match kind {
            StepKind::Contraction(contraction) => self.check_contraction(contraction),
            StepKind::Nest(nest) => self.check_nest(nest),
            StepKind::Scan(scan) => self.check_scan(scan),
            StepKind::Library(library) => self.check_library(library),
        }
    }

    fn read(&mut self, tensor: Tensor) {
        if !self.readable.contains(&tensor) {
            self.refuse(format!("{tensor} is read before it is written"));
        }
    }

    fn write(&mut self, tensor: Tensor) {
        if matches!(self.plan.buffers[tensor].place, Place::Input(_) | Place::Constant(_)) {
            self.refuse(format!("{tensor} is not the plan's to write"));
        } else if !self.written.insert(tensor) {
            self.refuse(format!("{tensor} is written twice"));
        }
        self.readable.insert(tensor);
    }

    fn check_contraction(&mut self, c: &Contraction) {
        self.read(c.lhs);
        self.read(c.rhs);
        for (tensor, labels) in [(c.out, &c.out_labels), (c.lhs, &c.lhs_labels), (c.rhs, &c.rhs_labels)] {
            let extents: Option<Vec<u64>> = labels.iter().map(|label| c.extents.get(usize::from(*label)).copied()).collect();
            let buffer = &self.plan.buffers[tensor].extents;
            if extents.as_ref() != Some(buffer) {
                self.refuse(format!("labels {labels:?} of {tensor} have extents {extents:?}, but its axes {buffer:?}"));
            }
        }
        if c.out_labels.iter().collect::<BTreeSet<_>>().len() != c.out_labels.len() {
            self.refuse(format!("labels {:?} of {} repeat", c.out_labels, c.out));
        }
        let in_operand = |label: usize| c.lhs_labels.iter().chain(&c.rhs_labels).any(|l| usize::from(*l) == label);
        let is_turn_of_band = |label: usize| u16::try_from(label).is_ok_and(|l| c.turn_of(l).is_some() && c.is_banded(l));
        if let Some(label) = (0..c.extents.len()).find(|label| !in_operand(*label) && !is_turn_of_band(*label)) {
            self.refuse(format!("label {label} stands in no operand"));
        }
        for (n, (label, index)) in c.turns.iter().enumerate() {
            let extent = c.extents.get(usize::from(*label)).and_then(|n| i64::try_from(*n).ok());
            let fits = |scan: &&Scan| scan.index == *index && 0 <= scan.range.lo && extent.is_some_and(|n| scan.range.hi <= n);
            let is_free = c.out_labels.contains(label) || c.turns[..n].iter().any(|(other, _)| other == label);
            if is_free || !self.scans.iter().any(fits) {
                self.refuse(format!("label {label} does not have the value of {index} in each turn"));
            }
        }
        c.bands.iter().for_each(|band| self.check_band(c, band));
        self.check_ring(c);
        self.write(c.out);
    }

    /// A band is over labels as [`Contraction::bands`] says.
    fn check_band(&mut self, c: &Contraction, band: &Band) {
        let classes = c.classify_modes();
        let iterated = [&classes.batch, &classes.free_lhs, &classes.free_rhs, &classes.contracted];
        let is_turn = |label: &u16| c.turn_of(*label).is_some();
        let is_known = |label: &u16| is_turn(label) || iterated.iter().any(|l| l.contains(label));
        let labels: Vec<u16> = band.labels().collect();
        let is_repeated = (1..labels.len()).any(|n| labels[..n].contains(&labels[n]));
        if is_repeated || !labels.iter().all(is_known) || is_turn(&band.column) {
            return self.refuse(format!("a band {band} over labels that are not iterated over, or the same"));
        }
        let sides = c.banded_sides();
        let are_in = |operand: &[u16]| labels.iter().all(|label| is_turn(label) || operand.contains(label));
        let is_of_its_kind = match band.outside {
            Outside::Zero => are_in(&c.lhs_labels) || are_in(&c.rhs_labels),
            Outside::Absent => {
                let n_sides = band.rows.iter().filter(|(row, _)| sides.contains(&Some(*row))).count();
                c.bands.len() == 1 && sides[SUM] == Some(band.column) && n_sides <= 1
            }
            Outside::Unread => are_in(&c.out_labels),
        };
        if !is_of_its_kind || band.rows.iter().any(|(row, _)| sides[SUM] == Some(*row)) {
            self.refuse(format!("a band {band} over labels that are not those of an operand, sum or result"));
        }
        let line = |b: &Band| (b.rows.clone(), b.column, b.step, b.outside);
        if c.bands.iter().filter(|other| line(other) == line(band)).count() > 1 {
            self.refuse(format!("two bands like {band}"));
        }
        let extent = |label: u16| c.extents[usize::from(label)];
        let are_there =
            labels.iter().all(|label| extent(*label) > 1) && !c.extents.contains(&0) && i64::try_from(band.panel).is_ok_and(|n| n > 0);
        let fits = |(least, most): (i64, i64)| [band.lo, band.hi].iter().all(|end| (least - 1..=most + 1).contains(end));
        if !are_there || band.rows.iter().any(|(_, slope)| *slope == 0) || band.step < 1 || !band.values(&extent).is_some_and(fits) {
            self.refuse(format!("a band {band} of extents {:?}", c.extents));
        }
    }

    fn check_ring(&mut self, c: &Contraction) {
        let dtype = |tensor: Tensor| self.plan.buffers[tensor].dtype;
        let (out, operands) = (dtype(c.out), [dtype(c.lhs), dtype(c.rhs)]);
        if typing::reduce_result(ReduceOp::Sum, c.acc, None).is_none() {
            self.refuse(format!("no sum in {}", c.acc));
        }
        if out != c.acc {
            self.refuse(format!("{} is {out}, not {}", c.out, c.acc));
        }
        if let Some(operand) = operands.into_iter().find(|d| *d != c.acc && d.accumulator() != c.acc) {
            self.refuse(format!("an operand is {operand}, which does not accumulate in {}", c.acc));
        }
    }

    fn check_nest(&mut self, nest: &'p Nest) {
        self.check_indices(nest);
        let mut outer = nest.outer.clone();
        outer.extend(self.scans.iter().map(|scan| scan.index).filter(|index| !nest.outer.contains(index)));
        let binders = nest.reduce.as_ref().map_or(&[][..], |reduce| &reduce.binders);
        let pinned = |index: &Index| nest.pins().iter().any(|pin| pin.index == *index);
        let all: Vec<Index> = outer.iter().filter(|i| !pinned(i)).chain(binders).copied().collect();
        let out_dtype = self.plan.buffers[nest.out].dtype;
        let mut messages = Vec::new();
        if let Some(domain) = &nest.domain {
            self.check_scalar(domain, DType::Bool, "the domain", &outer, None, &mut messages);
        }
        let value_dtype = match &nest.reduce {
            Some(reduce) => {
                self.check_reduce(reduce, &all, &mut messages);
                self.check_scalar(&nest.body, reduce.acc, "the body", &all, None, &mut messages);
                reduce.dtype()
            }
            None => {
                self.check_scalar(&nest.body, out_dtype, "the body", &all, None, &mut messages);
                out_dtype
            }
        };
        self.check_pins(nest, &all, &mut messages);
        match &nest.epilogue {
            Some(_) if nest.reduce.is_none() => messages.push("an epilogue without a reduction".to_owned()),
            Some(epilogue) => self.check_scalar(epilogue, out_dtype, "the epilogue", &outer, Some(value_dtype), &mut messages),
            None if value_dtype != out_dtype => messages.push(format!("the reduction is {value_dtype}, {} is {out_dtype}", nest.out)),
            None => {}
        }
        self.check_reach(nest, &outer, &all, &mut messages);
        messages.into_iter().for_each(|message| self.refuse(message));
        self.write(nest.out);
    }

    fn check_indices(&mut self, nest: &Nest) {
        let extents = &self.plan.buffers[nest.out].extents;
        if nest.outer.len() != extents.len() {
            self.refuse(format!("{} indices for {} axes", nest.outer.len(), extents.len()));
        }
        if nest.params as usize != self.scans.len() || nest.params as usize > nest.indices.len() {
            self.refuse(format!("{} indices of scans inside of {}", nest.params, self.scans.len()));
        }
        for scan in self.scans.clone() {
            if nest.indices.get(scan.index) != Some(&scan.range) {
                self.refuse(format!("{} is not the index of the scan around it", scan.index));
            }
        }
        let mut seen = BTreeSet::new();
        for &index in nest.outer.iter().chain(nest.reduce.iter().flat_map(|reduce| &reduce.binders)) {
            if !nest.indices.is_valid(index) {
                self.refuse(format!("{index} is not declared"));
            } else if !seen.insert(index) {
                self.refuse(format!("{index} stands twice among outer indices and binders"));
            }
        }
        for (axis, (index, extent)) in nest.outer.iter().zip(extents).enumerate() {
            let Some(IndexRange { lo, hi, .. }) = nest.indices.get(*index) else { continue };
            if *lo != 0 || u64::try_from(*hi) != Ok(*extent) {
                self.refuse(format!("{index} ranges over {lo}..{hi} on axis {axis} of extent {extent}"));
            }
        }
    }

    /// Pins are of different outer indices, and stand in a nest of nothing but a reduction.
    fn check_pins(&self, nest: &Nest, indices: &[Index], messages: &mut Vec<String>) {
        for (n, pin) in nest.pins().iter().enumerate() {
            if !nest.outer.contains(&pin.index) || nest.pins()[..n].iter().any(|p| p.index == pin.index) {
                messages.push(format!("{} is pinned twice, or no outer index", pin.index));
            }
            self.check_scalar(&pin.value, DType::I64, "the pin", indices, None, messages);
        }
        if !nest.pins().is_empty() && (nest.domain.is_some() || nest.epilogue.is_some()) {
            messages.push("a pinned reduction with a domain or an epilogue".to_owned());
        }
    }

    fn check_reduce(&self, reduce: &NestReduce, indices: &[Index], messages: &mut Vec<String>) {
        if let Some(guard) = &reduce.guard {
            self.check_scalar(guard, DType::Bool, "the guard", indices, None, messages);
        }
        let user = match reduce.op {
            ReduceOp::User(reducer) => self.plan.reducers.get(reducer).map(|r| r.dtype),
            _ => None,
        };
        if typing::reduce_result(reduce.op, reduce.acc, user).is_none() {
            messages.push(format!("no reduction `{}` in {}", reduce.op.name(), reduce.acc));
        }
        if matches!(reduce.op, ReduceOp::ArgMax | ReduceOp::ArgMin) && reduce.binders.len() != 1 {
            messages.push(format!("`{}` over {} indices", reduce.op.name(), reduce.binders.len()));
        }
    }

    fn check_scalar(
        &self,
        scalar: &Scalar,
        dtype: DType,
        what: &str,
        indices: &[Index],
        accumulated: Option<DType>,
        messages: &mut Vec<String>,
    ) {
        let buffers = &self.plan.buffers;
        let dtype_of = |tensor: Tensor| buffers.get(tensor).map(|b| b.dtype);
        let scope = Scope {
            types: Types { accumulated, ..Types::new(&dtype_of) },
            rank: &|tensor| buffers.get(tensor).map(|b| b.extents.len()),
            refuse: &|access| self.refuse_access(access),
            refuse_size: &|size| size.as_constant().is_none().then(|| format!("the size {size} is not a literal")),
            indices,
            approximates: false,
        };
        check_typed(scalar, dtype, what, &scope, messages);
    }

    fn refuse_access(&self, access: &Access) -> Option<String> {
        if access.prev {
            return Some("a plan has no `prev`".to_owned());
        }
        (!self.readable.contains(&access.tensor)).then(|| format!("{} is read before it is written", access.tensor))
    }

    /// Exact subscripts stay inside their axes.
    fn check_reach(&self, nest: &Nest, outer: &[Index], all: &[Index], messages: &mut Vec<String>) {
        let range_of = |index: Index| -> Option<Interval> {
            let range = nest.indices.get(index)?;
            Some((i128::from(range.lo), i128::from(range.hi) - 1))
        };
        let iterates = |indices: &[Index]| indices.iter().all(|index| range_of(*index).is_some_and(|(lo, hi)| lo <= hi));
        let axes_of = |tensor: Tensor| self.plan.buffers.get(tensor).map(|b| b.extents.clone());
        if nest.domain.is_some() || !iterates(outer) {
            return;
        }
        if let Some(epilogue) = &nest.epilogue {
            check_bounds(epilogue, &range_of, &axes_of, messages);
        }
        if iterates(all) && nest.reduce.as_ref().is_none_or(|reduce| reduce.guard.is_none()) {
            check_bounds(&nest.body, &range_of, &axes_of, messages);
        }
    }

    fn check_scan(&mut self, scan: &'p Scan) {
        if scan.index.index() != self.scans.len() {
            self.refuse(format!("{} is the index of a scan inside of {}", scan.index, self.scans.len()));
        }
        let outside = self.readable.clone();
        for state in &scan.states {
            self.check_state(state, scan.n_turns());
        }
        self.scans.push(scan);
        let before = self.written.clone();
        for step in &scan.body {
            self.check_step(&step.kind);
        }
        self.scans.pop();
        for state in &scan.states {
            if before.contains(&state.current) || !self.written.contains(&state.current) {
                self.refuse(format!("the body does not write the state {}", state.current));
            }
        }
        let written_here: BTreeSet<Tensor> = self.written.difference(&before).copied().collect();
        self.readable = outside;
        self.readable.extend(written_here);
    }

    /// A state has its initial value; in the body its previous value is there, and its current one is not written yet.
    fn check_state(&mut self, state: &ScanState, n_turns: u64) {
        let (current, previous) = (&self.plan.buffers[state.current], &self.plan.buffers[state.previous]);
        if previous.dtype != current.dtype || previous.extents != current.extents {
            self.refuse(format!("{} and its earlier values differ in dtype or shape", state.current));
        }
        if state.alternates() && !follows(current, previous) {
            self.refuse(format!("{} is not behind {} in the arena", state.previous, state.current));
        }
        if let Some(axis) = state.apart.iter().find(|axis| **axis >= current.extents.len()) {
            self.refuse(format!("{} has no axis {axis}", state.current));
        }
        self.read(state.first(n_turns));
        self.written.remove(&state.current);
        self.readable.remove(&state.current);
        self.written.insert(state.previous);
        self.readable.insert(state.previous);
        if !state.alternates() {
            self.written.remove(&state.current);
        }
    }

    fn check_library(&mut self, call: &Library) {
        if let Some(message) = self.refuse_signature(call) {
            self.refuse(message);
        }
        for &arg in &call.args {
            self.read(arg);
        }
        for &result in &call.results {
            self.write(result);
        }
        if let Some(workspace) = call.workspace {
            if !matches!(self.plan.buffers[workspace].place, Place::Arena(_)) {
                self.refuse(format!("the workspace {workspace} is not in the arena"));
            }
            self.write(workspace);
        }
    }

    /// Why buffers do not fit the function.
    fn refuse_signature(&self, call: &Library) -> Option<String> {
        let name = call.op.name();
        let (least, most) = library::result_counts(call.op);
        if !(least..=most).contains(&call.results.len()) {
            return Some(format!("`{name}` gives {} results", call.results.len()));
        }
        let axes =
            |tensor: &Tensor| self.plan.buffers[*tensor].extents.iter().map(|n| Extent::constant(i128::from(*n))).collect::<Vec<_>>();
        let given: Vec<(DType, Vec<Extent>)> = call.args.iter().map(|arg| (self.plan.buffers[*arg].dtype, axes(arg))).collect();
        let operands: Vec<_> = given.iter().map(|(dtype, axes)| library::Operand { dtype: *dtype, axes }).collect();
        let options: Vec<_> = call.options.iter().map(|(name, value)| (name.clone(), Extent::from(*value))).collect();
        let signature = match library::signature(call.op, &operands, &options) {
            Ok(signature) => signature,
            Err(misuse) => return Some(format!("`{name}` does not take its buffers: {misuse:?}")),
        };
        if let Some(need) = signature.needs.iter().find(|need| need.value.as_constant().is_none_or(|value| value < 0)) {
            return Some(format!("`{name}`: it does not hold that {}", need.fact));
        }
        let differs = |(result, (dtype, wanted)): (&Tensor, &(DType, Vec<Extent>))| {
            self.plan.buffers[*result].dtype != *dtype || axes(result) != *wanted
        };
        let wrong = call.results.iter().zip(&signature.results).position(differs)?;
        Some(format!("result {wrong} of `{name}` has another type"))
    }
}

/// Whether a buffer begins at the first place of the arena behind another.
fn follows(first: &Buffer, second: &Buffer) -> bool {
    match (&first.place, &second.place) {
        (Place::Arena(a), Place::Arena(b)) => a.saturating_add(first.n_bytes().div_ceil(super::memory::ALIGN) * super::memory::ALIGN) == *b,
        _ => false,
    }
}
