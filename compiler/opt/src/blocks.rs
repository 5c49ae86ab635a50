//! Programs that are computed block by block along an axis of a result, or of an intermediate that is stored, so that other
//! intermediates are as large as a block.
//!
//! Attention is the example: of `s[i, j] = q[i, k] * k[j, k]` and what follows from it, the rows of a block of `i` are all that the rows
//! of the result need. The block is the turn of a recurrence; no work is done twice. What every block needs whole is computed before, what needs
//! whole values of the blocks afterwards.

use crate::draft::{Draft, DraftStep, Recurrence, Role, Value, Work};
use crate::rewrite;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index, PrimaryMap, Tensor};
use ein_ir::plan::{IndexRange, Nest};
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Steps of a program of which every one is tried as the last of a block.
const FEW_STEPS: usize = 100;

/// An axis of a value.
pub(crate) type Axis = (Tensor, usize);

/// Axes along which a program can be cut, those with the most memory in the intermediates that are no longer stored first.
pub(crate) fn axes(draft: &Draft) -> Vec<Axis> {
    axes_of(&draft.steps, &draft.values)
}

/// Cuts a program into blocks of so many positions along an axis.
pub(crate) fn cut(draft: &mut Draft, axis: Axis, block: u64) {
    let steps = std::mem::take(&mut draft.steps);
    draft.steps = cut_steps(steps, &mut draft.values, axis, block, 0);
}

/// Cuts every part of a program that can be cut, each along the axis that saves most, into so many blocks or fewer.
pub(crate) fn cut_all(draft: &mut Draft, n_blocks: u64) {
    let steps = std::mem::take(&mut draft.steps);
    draft.steps = cut_each(steps, &mut draft.values, n_blocks, 0);
}

/// Cuts a program along every axis that allows it, down to single elements.
pub(crate) fn cut_to_elements(draft: &mut Draft) {
    let steps = std::mem::take(&mut draft.steps);
    draft.steps = to_elements(steps, &mut draft.values, 0);
}

fn to_elements(steps: Vec<DraftStep>, values: &mut PrimaryMap<Tensor, Value>, depth: usize) -> Vec<DraftStep> {
    let mut steps = cut_each(steps, values, u64::MAX, depth);
    for step in &mut steps {
        if let Work::Scan(scan) = &mut step.work
            && scan.states.is_empty()
        {
            scan.body = to_elements(std::mem::take(&mut scan.body), values, depth + 1);
        }
    }
    steps
}

fn cut_each(mut steps: Vec<DraftStep>, values: &mut PrimaryMap<Tensor, Value>, n_blocks: u64, depth: usize) -> Vec<DraftStep> {
    // A region that saves something has several steps, which become one: this ends.
    while let Some(axis) = axes_of(&steps, values).first().copied() {
        let before = steps.len();
        let block = values[axis.0].extents[axis.1].div_ceil(n_blocks.max(1));
        steps = cut_steps(steps, values, axis, block, depth);
        if steps.len() >= before {
            break;
        }
    }
    steps
}

fn axes_of(steps: &[DraftStep], values: &PrimaryMap<Tensor, Value>) -> Vec<Axis> {
    let nests: Vec<&Nest> = steps.iter().filter_map(|step| if let Work::Nest(nest) = &step.work { Some(nest) } else { None }).collect();
    // Of long programs results alone are tried.
    let is_tried = |nest: &&&Nest| nests.len() <= FEW_STEPS || !values[nest.out].is_intermediate();
    let mut found: Vec<(u64, Axis)> = Vec::new();
    let mut seen = BTreeSet::new();
    for axis in nests.iter().rev().filter(is_tried).flat_map(|nest| (0..nest.outer.len()).map(|axis| (nest.out, axis))) {
        let Some(region) = Region::find(steps, values, axis).filter(|region| region.saves(values) > 0) else { continue };
        let saved = region.saves(values);
        // Results that go together are cut together.
        if seen.insert(region.rows) {
            found.push((saved, axis));
        }
    }
    found.sort_by_key(|(saved, _)| std::cmp::Reverse(*saved));
    found.into_iter().map(|(_, axis)| axis).collect()
}

fn cut_steps(steps: Vec<DraftStep>, values: &mut PrimaryMap<Tensor, Value>, axis: Axis, block: u64, depth: usize) -> Vec<DraftStep> {
    let extent = values[axis.0].extents[axis.1];
    match Region::find(&steps, values, axis) {
        Some(region) if block > 0 && block < extent => Cutting { region, values, depth, extent }.steps(steps, block),
        _ => steps,
    }
}

/// Steps that can be carried out block by block.
struct Region {
    /// Their numbers, with the values that they write.
    inside: BTreeMap<usize, Tensor>,
    /// The axis of each of these values that is cut.
    rows: BTreeMap<Tensor, usize>,
    /// Values that are stored whole: results, what other steps read, and the one that was asked for.
    whole: BTreeSet<Tensor>,
    /// Numbers of steps that read what is stored whole.
    after: BTreeSet<usize>,
}

impl Region {
    /// The steps that compute an axis of a result, as far as they read row by row what others of them write.
    fn find(steps: &[DraftStep], values: &PrimaryMap<Tensor, Value>, axis: Axis) -> Option<Self> {
        let seeds = results_with(steps, values, axis);
        [true, false].into_iter().find_map(|store| Self::grown(steps, values, &seeds, store))
    }

    /// From results backwards; with `store` also through values that other steps read whole.
    fn grown(steps: &[DraftStep], values: &PrimaryMap<Tensor, Value>, seeds: &BTreeMap<Tensor, usize>, store: bool) -> Option<Self> {
        let (first, first_axis) = seeds.iter().next()?;
        let extent = values[*first].extents[*first_axis];
        let mut region = Self { inside: BTreeMap::new(), rows: BTreeMap::new(), whole: BTreeSet::new(), after: BTreeSet::new() };
        let mut readers: BTreeMap<Tensor, Vec<usize>> = BTreeMap::new();
        let mut writes: BTreeMap<Tensor, usize> = BTreeMap::new();
        for (n, step) in steps.iter().enumerate() {
            step.reads().into_iter().for_each(|value| readers.entry(value).or_default().push(n));
            step.writes().into_iter().for_each(|value| *writes.entry(value).or_default() += 1);
        }
        for (n, step) in steps.iter().enumerate().rev() {
            let Work::Nest(nest) = &step.work else { continue };
            let value = nest.out;
            let later = readers.get(&value).into_iter().flatten().copied().filter(|reader| *reader > n);
            let (inner, others): (Vec<usize>, Vec<usize>) = later.partition(|r| region.inside.contains_key(r));
            let is_result = !values[value].is_intermediate() || seeds.contains_key(&value);
            // A state is written before its recurrence and by it.
            let is_written_once = writes.get(&value) == Some(&1);
            let axis = region.axis_of(steps, &inner, value, seeds).filter(|axis| is_written_once && can_cut(nest, *axis, extent));
            match axis {
                Some(axis) if store || is_result || others.is_empty() => {
                    region.inside.insert(n, value);
                    region.rows.insert(value, axis);
                    if is_result || !others.is_empty() {
                        region.whole.insert(value);
                    }
                }
                // A result that a block would need whole.
                _ if !inner.is_empty() && seeds.contains_key(&value) => return None,
                _ => {}
            }
        }
        region.order(steps).then_some(region)
    }

    /// The axis of a value along which blocks need it: that of a result, if nothing inside reads it.
    fn axis_of(&self, steps: &[DraftStep], inner: &[usize], value: Tensor, seeds: &BTreeMap<Tensor, usize>) -> Option<usize> {
        let seed = seeds.get(&value).copied();
        if inner.is_empty() {
            return seed;
        }
        self.common_axis(steps, inner, value).filter(|axis| seed.is_none_or(|seed| seed == *axis))
    }

    /// The axis at which steps inside read a value, each at its own row, and nothing else of it.
    fn common_axis(&self, steps: &[DraftStep], readers: &[usize], value: Tensor) -> Option<usize> {
        let mut common: Option<usize> = None;
        for reader in readers {
            let Work::Nest(nest) = &steps[*reader].work else { return None };
            let row = nest.outer[self.rows[&nest.out]];
            for access in nest.scalars().flat_map(|s| rewrite::accesses_to(s, value)) {
                let is_row = |sub: &Sub| sub.mode == Mode::Exact && matches!(sub.value.kind, ScalarKind::Index(i) if i == row);
                let axis = match common {
                    Some(axis) => Some(axis).filter(|axis| access.subs.get(*axis).is_some_and(is_row)),
                    None => access.subs.iter().position(is_row),
                };
                common = Some(axis.filter(|_| !access.prev && access.pad.is_none())?);
            }
        }
        common
    }

    /// Finds the steps that follow; whether none of them comes before a step inside.
    fn order(&mut self, steps: &[DraftStep]) -> bool {
        let mut late: BTreeSet<Tensor> = BTreeSet::new();
        let mut written: BTreeSet<Tensor> = BTreeSet::new();
        for (n, step) in steps.iter().enumerate() {
            let reads = step.reads();
            if let Some(value) = self.inside.get(&n) {
                if !reads.is_disjoint(&late) {
                    return false;
                }
                written.insert(*value);
            } else if !reads.is_disjoint(&written) || !reads.is_disjoint(&late) || !step.writes().is_disjoint(&late) {
                self.after.insert(n);
                late.extend(step.writes());
            }
        }
        !self.inside.is_empty()
    }

    /// Bytes of the values of which no more than a block is stored.
    fn saves(&self, values: &PrimaryMap<Tensor, Value>) -> u64 {
        self.rows.keys().filter(|value| !self.whole.contains(value)).map(|value| values[*value].n_bytes()).fold(0, u64::saturating_add)
    }
}

/// An axis, and those of results whose rows go with it: axes are connected by nests that use one index for both. Inputs connect nothing.
fn results_with(steps: &[DraftStep], values: &PrimaryMap<Tensor, Value>, axis: Axis) -> BTreeMap<Tensor, usize> {
    let mut connected: BTreeSet<Axis> = BTreeSet::from([axis]);
    loop {
        let before = connected.len();
        for step in steps {
            let Work::Nest(nest) = &step.work else { continue };
            for (n, index) in nest.outer.iter().enumerate() {
                let mut here = vec![(nest.out, n)];
                for scalar in nest.scalars() {
                    scalar.visit(&mut |s| here.extend(axes_at(s, *index, values)));
                }
                if here.iter().any(|axis| connected.contains(axis)) {
                    connected.extend(here);
                }
            }
        }
        if connected.len() == before {
            break;
        }
    }
    let mut results = BTreeMap::new();
    let extent = values[axis.0].extents[axis.1];
    for (value, n) in [axis].into_iter().chain(connected) {
        if (value == axis.0 || !values[value].is_intermediate()) && values[value].extents[n] == extent {
            results.entry(value).or_insert(n);
        }
    }
    results
}

/// The axes at which an access reads a computed value at an index.
fn axes_at(scalar: &Scalar, index: Index, values: &PrimaryMap<Tensor, Value>) -> Vec<Axis> {
    let ScalarKind::Access(access) = &scalar.kind else { return Vec::new() };
    if matches!(values[access.tensor].role, Role::Input(_) | Role::Constant(_)) {
        return Vec::new();
    }
    let at = |sub: &Sub| matches!(sub.value.kind, ScalarKind::Index(i) if i == index);
    (0..access.subs.len()).filter(|n| at(&access.subs[*n])).map(|n| (access.tensor, n)).collect()
}

/// Whether an axis of a nest runs over all of its extent, by itself.
fn can_cut(nest: &Nest, axis: usize, extent: u64) -> bool {
    let Some(index) = nest.outer.get(axis) else { return false };
    let range = &nest.indices[*index];
    let is_pinned = nest.pins().iter().any(|pin| pin.index == *index);
    !nest.is_param(*index) && !is_pinned && range.lo == 0 && u64::try_from(range.hi) == Ok(extent)
}

/// A region about to be cut.
struct Cutting<'a> {
    region: Region,
    values: &'a mut PrimaryMap<Tensor, Value>,
    /// Scans around.
    depth: usize,
    extent: u64,
}

/// The blocks. The last one may be longer than what is left: it then computes the last row again.
struct Block {
    /// Positions in each.
    n: i64,
    /// The recurrence over them.
    turns: IndexRange,
    /// What is stored of the values inside.
    parts: BTreeMap<Tensor, Tensor>,
}

impl Cutting<'_> {
    fn steps(mut self, steps: Vec<DraftStep>, block: u64) -> Vec<DraftStep> {
        let n = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let turns = IndexRange { name: self.row_name(&steps), lo: 0, hi: n(self.extent.div_ceil(block)) };
        let block = Block { n: n(block), turns: turns.clone(), parts: self.parts(block) };
        let body = self.body(&steps, &block);
        let index = Index::new(self.depth);
        let recurrence = Recurrence { index, range: turns, reverse: false, linear: false, states: Vec::new(), body };
        let span = self.region.inside.keys().next().map_or(Span::default(), |n| steps[*n].span);
        let blocks = DraftStep { work: Work::Scan(Box::new(recurrence)), span };
        for value in &self.region.whole {
            if self.values[*value].is_intermediate() {
                self.values[*value].role = Role::Carried;
            }
        }
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for (n, step) in steps.into_iter().enumerate() {
            match () {
                () if self.region.inside.contains_key(&n) => {}
                () if self.region.after.contains(&n) => after.push(step),
                () => before.push(step),
            }
        }
        before.into_iter().chain([blocks]).chain(after).collect()
    }

    /// The name of the index that is cut.
    fn row_name(&self, steps: &[DraftStep]) -> String {
        let last = self.region.inside.iter().next_back();
        let nest = last.and_then(|(n, value)| if let Work::Nest(nest) = &steps[*n].work { Some((nest, value)) } else { None });
        nest.map_or_else(String::new, |(nest, value)| nest.indices[nest.outer[self.region.rows[value]]].name.clone())
    }

    /// New values for the parts of those inside that are stored.
    fn parts(&mut self, block: u64) -> BTreeMap<Tensor, Tensor> {
        let mut parts = BTreeMap::new();
        for (value, axis) in self.region.rows.clone() {
            let mut part = Value { role: Role::Intermediate, ..self.values[value].clone() };
            part.extents[axis] = block;
            parts.insert(value, self.values.push(part));
        }
        parts
    }

    /// The steps of a block.
    fn body(&self, steps: &[DraftStep], block: &Block) -> Vec<DraftStep> {
        let mut out = Vec::new();
        for (n, value) in &self.region.inside {
            let DraftStep { work: Work::Nest(nest), span } = &steps[*n] else { continue };
            let is_whole = self.region.whole.contains(value);
            let mut push = |nest| out.push(DraftStep { work: Work::Nest(nest), span: *span });
            let is_read = self.region.inside.keys().any(|reader| steps[*reader].reads().contains(value));
            if is_whole && !is_read && nest.reduce.is_none() {
                push(self.windowed(nest, block));
                continue;
            }
            push(self.part(nest, block));
            if is_whole {
                push(self.windowed(&self.copy(nest), block));
            }
        }
        out
    }

    /// The nest over the rows of a block, for the part of its value.
    fn part(&self, nest: &Nest, block: &Block) -> Nest {
        let (mut nest, row) = self.turned(nest, block);
        let index = Scalar::index(row, Span::default());
        let position = binary(BinaryFn::Add, self.start(block), index.clone());
        nest.indices[row].hi = block.n;
        // Rows beyond the last one are the last one again, so that they meet nothing that it does not. Where an axis ends with it, clamping says
        // the same, and stays an affine position.
        let extent = i64::try_from(self.extent).unwrap_or(i64::MAX);
        let is_ragged = block.turns.hi.saturating_mul(block.n) > extent;
        let last = binary(BinaryFn::Min, position.clone(), literal(extent - 1));
        let value = if is_ragged { &last } else { &position };
        for scalar in nest.scalars_mut() {
            scalar.visit_mut(&mut |s| match &mut s.kind {
                ScalarKind::Index(index) if *index == row => *s = value.clone(),
                ScalarKind::Access(access) => {
                    self.read_part(access, &index, block);
                    let extents = &self.values[access.tensor].extents;
                    for (sub, axis) in access.subs.iter_mut().zip(extents) {
                        if is_ragged && *axis == self.extent && sub.mode == Mode::Exact && sub.value == last {
                            *sub = Sub { value: position.clone(), mode: Mode::Clamp };
                        }
                    }
                }
                _ => {}
            });
        }
        nest.out = block.parts[&nest.out];
        nest
    }

    /// The nest over all rows, of which it computes those of a block.
    fn windowed(&self, nest: &Nest, block: &Block) -> Nest {
        let (mut nest, row) = self.turned(nest, block);
        let index = Scalar::index(row, Span::default());
        let start = self.start(block);
        let in_part = binary(BinaryFn::Sub, index.clone(), start.clone());
        for scalar in nest.scalars_mut() {
            scalar.visit_mut(&mut |s| {
                if let ScalarKind::Access(access) = &mut s.kind {
                    self.read_part(access, &in_part, block);
                }
            });
        }
        let end = binary(BinaryFn::Add, start.clone(), literal(block.n));
        let condition = |function, bound| Scalar::binary(function, index.clone(), bound, DType::Bool, Span::default());
        let and = |a, b| Scalar::binary(BinaryFn::And, a, b, DType::Bool, Span::default());
        let window = and(condition(BinaryFn::Ge, start), condition(BinaryFn::Lt, end));
        nest.domain = Some(match nest.domain {
            Some(domain) => and(window, domain),
            None => window,
        });
        nest
    }

    /// The first position of a block.
    fn start(&self, block: &Block) -> Scalar {
        binary(BinaryFn::Mul, Scalar::index(Index::new(self.depth), Span::default()), literal(block.n))
    }

    /// The nest with the recurrence over blocks around it, and its index of rows.
    fn turned(&self, nest: &Nest, block: &Block) -> (Nest, Index) {
        let mut nest = nest.clone();
        rewrite::insert_param(&mut nest, self.depth, block.turns.clone());
        let row = nest.outer[self.region.rows[&nest.out]];
        (nest, row)
    }

    /// Reads a row of a part instead of one of the whole.
    fn read_part(&self, access: &mut Access, row: &Scalar, block: &Block) {
        if let Some(part) = block.parts.get(&access.tensor) {
            access.subs[self.region.rows[&access.tensor]].value = row.clone();
            access.tensor = *part;
        }
    }

    /// A nest that copies a value to itself: of a part to the whole, once the parts are put in.
    fn copy(&self, nest: &Nest) -> Nest {
        let span = Span::default();
        let sub = |index: &Index| Sub { value: Scalar::index(*index, span), mode: Mode::Exact };
        let access = Access { tensor: nest.out, prev: false, subs: nest.outer.iter().map(sub).collect(), pad: None };
        let body = Scalar::new(ScalarKind::Access(access), self.values[nest.out].dtype, span);
        let mut copy = Nest { reduce: None, body, epilogue: None, ..nest.clone() };
        let is_reduced = |index: Index| !nest.is_param(index) && !nest.outer.contains(&index);
        let reduced: Vec<Index> = nest.indices.keys().filter(|index| is_reduced(*index)).collect();
        reduced.into_iter().rev().for_each(|index| rewrite::remove_index(&mut copy, index.index()));
        copy
    }
}

fn literal(n: i64) -> Scalar {
    Scalar::literal(Literal::Int(i128::from(n)), DType::I64, Span::default())
}

fn binary(function: BinaryFn, a: Scalar, b: Scalar) -> Scalar {
    Scalar::binary(function, a, b, DType::I64, Span::default())
}
