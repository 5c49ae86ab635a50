//! One nest a definition, in the written order.

use crate::draft::{Draft, DraftStep, Recurrence, Role, Value, Work};
use crate::ranges::Ranges;
use crate::{library, rewrite};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index, PrimaryMap, Tensor};
use ein_ir::plan::{IndexRange, Nest, NestReduce, ScanState};
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use ein_ir::tensor::{Definition, Equation, Module, Reduce, Scan, Table};
use std::collections::{BTreeMap, BTreeSet};

/// Makes the draft that computes a module as it is written.
///
/// # Errors
/// E0190 for each definition that this version does not plan.
pub(crate) fn convert(module: &Module) -> Result<Draft, Vec<Diagnostic>> {
    let draft = declare(module)?;
    let reads = Reads::of(&module.body);
    let mut converter = Converter { module, draft, errors: Vec::new(), reads, around: Vec::new(), previous: BTreeMap::new() };
    let steps = converter.definitions(&module.body);
    if !converter.errors.is_empty() {
        return Err(converter.errors);
    }
    let mut draft = converter.draft;
    draft.steps = steps;
    add_results(module, &mut draft);
    draft.ranges = Ranges::of(module, &draft);
    draft.secrets = module.params.iter().copied().filter(|param| module.tensors[*param].secret).collect();
    draft.secrets = draft.all_secrets();
    Ok(draft)
}

/// Writes the steps of definitions.
struct Converter<'m> {
    module: &'m Module,
    draft: Draft,
    errors: Vec<Diagnostic>,
    reads: Reads,
    /// Indices of the scans around, outermost first: in every nest they are the first ones.
    around: Vec<(Index, IndexRange)>,
    /// Values at the end of the previous turn.
    previous: BTreeMap<Tensor, Tensor>,
}

impl Converter<'_> {
    fn definitions(&mut self, body: &[Definition]) -> Vec<DraftStep> {
        let mut steps = Vec::new();
        for definition in body {
            match definition {
                Definition::Equation(equation) => match self.equation(equation) {
                    Ok(nest) => steps.push(DraftStep { work: Work::Nest(nest), span: equation.span }),
                    Err(error) => self.errors.push(error),
                },
                Definition::Table(table) => add_table(&mut self.draft, table),
                Definition::Scan(scan) => {
                    if let Err(error) = self.scan(scan, &mut steps) {
                        self.errors.push(error);
                    }
                }
                Definition::Generate(generate) => self.errors.push(unsupported("a formula whose sizes are not fixed", generate.span)),
                Definition::Multi(multi) => match library::convert(multi) {
                    Some(call) => steps.push(DraftStep { work: Work::Library(call), span: multi.span }),
                    None => self.errors.push(unsupported("an option that is not fixed by the sizes", multi.span)),
                },
            }
        }
        steps
    }

    /// The recurrence, after steps that give its states their initial values.
    fn scan(&mut self, scan: &Scan, steps: &mut Vec<DraftStep>) -> Result<(), Diagnostic> {
        let decl = &self.module.indices[scan.index];
        let (lo, hi) = decl.literal_range().ok_or_else(|| unsupported("a range that is not fixed by the sizes", decl.span))?;
        let range = IndexRange { name: decl.name.clone(), lo, hi };
        let index = Index::new(self.around.len());
        let mut out =
            Recurrence { index, range: range.clone(), reverse: scan.reverse, linear: false, states: Vec::new(), body: Vec::new() };
        for stacked in &scan.stacked {
            self.carry(stacked.tensor);
        }
        for state in &scan.states {
            let Some(init) = state.init.filter(|_| self.reads.previous.contains(&state.tensor) || out.n_turns() == 0) else {
                if self.reads.after.contains(&state.tensor) || self.module.results.contains(&state.tensor) {
                    self.carry(state.tensor);
                }
                continue;
            };
            self.carry(state.tensor);
            let current = self.draft.values[state.tensor].clone();
            let (dtype, extents) = (current.dtype, current.extents.clone());
            let previous = self.draft.values.push(Value { name: format!("prev {}", current.name), role: Role::Carried, ..current });
            self.previous.insert(state.tensor, previous);
            let carried = ScanState { current: state.tensor, previous, apart: Vec::new() };
            let copy = copy_nest(carried.first(out.n_turns()), init, dtype, &extents, scan.span);
            steps.push(DraftStep { work: Work::Nest(self.inside(copy)), span: scan.span });
            out.states.push(carried);
        }
        self.around.push((scan.index, range));
        out.body = self.definitions(&scan.body);
        self.around.pop();
        steps.push(DraftStep { work: Work::Scan(Box::new(out)), span: scan.span });
        Ok(())
    }

    fn carry(&mut self, tensor: Tensor) {
        self.draft.values[tensor].role = Role::Carried;
    }

    /// A nest that was made as if no scans were around.
    fn inside(&self, nest: Nest) -> Nest {
        let mut nest = nest;
        for (n, (_, range)) in self.around.iter().enumerate() {
            rewrite::insert_param(&mut nest, n, range.clone());
        }
        nest
    }

    fn equation(&self, equation: &Equation) -> Result<Nest, Diagnostic> {
        let binders: &[Index] = equation.reduce.as_ref().map_or(&[], |r| &r.binders);
        let mut indices = PrimaryMap::new();
        let mut renamed = BTreeMap::new();
        for (index, range) in &self.around {
            renamed.insert(*index, indices.push(range.clone()));
        }
        for index in equation.indices.iter().chain(binders) {
            if renamed.contains_key(index) {
                continue;
            }
            let decl = &self.module.indices[*index];
            let (lo, hi) = decl.literal_range().ok_or_else(|| unsupported("a range that is not fixed by the sizes", decl.span))?;
            renamed.insert(*index, indices.push(IndexRange { name: decl.name.clone(), lo, hi }));
        }
        let scalar = |s: &Scalar| convert_scalar(s, &renamed, &self.previous);
        let reduce = |r: &Reduce| convert_reduce(r, &renamed, &self.previous);
        Ok(Nest {
            out: equation.out,
            params: self.around.len() as u32,
            outer: equation.indices.iter().map(|i| renamed[i]).collect(),
            domain: equation.domain.as_ref().map(scalar).transpose()?,
            reduce: equation.reduce.as_ref().map(reduce).transpose()?,
            body: scalar(&equation.body)?,
            epilogue: None,
            indices,
        })
    }
}

/// Which tensors are read where.
#[derive(Debug, Default)]
struct Reads {
    /// Those of which values of the previous turn are.
    previous: BTreeSet<Tensor>,
    /// Those that a scan defines and that are read outside of it.
    after: BTreeSet<Tensor>,
}

impl Reads {
    fn of(body: &[Definition]) -> Self {
        let mut reads = Self::default();
        reads.definitions(body);
        reads
    }

    /// Walks over definitions; gives what they read and what they define.
    fn definitions(&mut self, body: &[Definition]) -> (BTreeSet<Tensor>, BTreeSet<Tensor>) {
        let (mut read, mut defined) = (BTreeSet::new(), BTreeSet::new());
        let mut of_scans = BTreeSet::new();
        for definition in body {
            match definition {
                Definition::Equation(equation) => {
                    defined.insert(equation.out);
                    self.equation(equation, &mut read);
                }
                Definition::Scan(scan) => {
                    let (inner_read, inner_defined) = self.definitions(&scan.body);
                    // What the scan itself defines and reads is not read outside of it.
                    read.extend(inner_read.difference(&inner_defined));
                    read.extend(scan.states.iter().filter_map(|s| s.init));
                    of_scans.extend(inner_defined);
                }
                Definition::Multi(multi) => {
                    read.extend(&multi.args);
                    defined.extend(&multi.results);
                }
                Definition::Generate(generate) => defined.extend(&generate.results),
                Definition::Table(table) => drop(defined.insert(table.out)),
            }
        }
        self.after.extend(read.intersection(&of_scans));
        defined.extend(of_scans);
        (read, defined)
    }

    fn equation(&mut self, equation: &Equation, read: &mut BTreeSet<Tensor>) {
        let guard = equation.reduce.iter().filter_map(|r| r.guard.as_ref());
        for scalar in equation.domain.iter().chain(guard).chain([&equation.body]) {
            scalar.visit(&mut |s| {
                if let ScalarKind::Access(access) = &s.kind {
                    if access.prev {
                        self.previous.insert(access.tensor)
                    } else {
                        read.insert(access.tensor)
                    };
                }
            });
        }
    }
}

fn unsupported(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error(190, "not-in-this-version", format!("{what} cannot be compiled in this version")).at(span, "used here")
}

/// Every tensor of the module as a value under the same id.
fn declare(module: &Module) -> Result<Draft, Vec<Diagnostic>> {
    let mut draft = Draft { inputs: module.params.clone(), reducers: module.reducers.clone(), ..Draft::default() };
    let mut errors = Vec::new();
    for (tensor, decl) in &module.tensors {
        let extents = decl.literal_axes();
        let index_of = decl.index_of.iter().map(|e| u64::try_from(e.as_constant()?).ok()).collect::<Option<Vec<_>>>();
        let role = match module.params.iter().position(|p| *p == tensor) {
            Some(n) => Role::Input(u32::try_from(n).unwrap_or(u32::MAX)),
            None => Role::Intermediate,
        };
        let (Some(extents), Some(index_of)) = (extents, index_of) else {
            let message = format!("the size of `{}` is not known", decl.name);
            errors.push(Diagnostic::error(306, "missing-size", message).at(decl.span, "declared here"));
            continue;
        };
        let (name, dtype) = (decl.name.clone(), decl.dtype);
        draft.values.push(Value { name, dtype, extents, index_of, role, span: decl.span });
    }
    if errors.is_empty() { Ok(draft) } else { Err(errors) }
}

fn add_table(draft: &mut Draft, table: &Table) {
    draft.values[table.out].role = Role::Constant(table.values.clone());
}

fn convert_reduce(
    reduce: &Reduce,
    renamed: &BTreeMap<Index, Index>,
    previous: &BTreeMap<Tensor, Tensor>,
) -> Result<NestReduce, Diagnostic> {
    let guard = reduce.guard.as_ref().map(|g| convert_scalar(g, renamed, previous)).transpose()?;
    Ok(NestReduce { op: reduce.op, acc: reduce.acc, binders: reduce.binders.iter().map(|b| renamed[b]).collect(), guard, pins: Vec::new() })
}

/// The expression over the nest's indices, with sizes as literals.
fn convert_scalar(scalar: &Scalar, renamed: &BTreeMap<Index, Index>, previous: &BTreeMap<Tensor, Tensor>) -> Result<Scalar, Diagnostic> {
    let mut out = scalar.clone();
    let mut error = None;
    out.visit_mut(&mut |s| match &mut s.kind {
        ScalarKind::Index(index) => match renamed.get(index) {
            Some(new) => *index = *new,
            None => error = Some(unsupported("an index of another equation", s.span)),
        },
        ScalarKind::Size(size) => match size.as_constant() {
            Some(value) => s.kind = ScalarKind::Literal(Literal::Int(value)),
            None => error = Some(Diagnostic::error(306, "missing-size", "a size is not known").at(s.span, "used here")),
        },
        ScalarKind::Access(access) if access.prev => match previous.get(&access.tensor) {
            Some(value) => (access.tensor, access.prev) = (*value, false),
            None => error = Some(unsupported("`prev` of a tensor without `from`", s.span)),
        },
        _ => {}
    });
    error.map_or(Ok(out), Err)
}

/// Gives every result a value of its own: one that is also an input, a constant or another result is copied.
fn add_results(module: &Module, draft: &mut Draft) {
    for (n, &result) in module.results.iter().enumerate() {
        let role = Role::Output(u32::try_from(n).unwrap_or(u32::MAX));
        let is_state = draft.steps.iter().any(|step| matches!(&step.work, Work::Scan(scan) if scan.is_state(result)));
        if matches!(draft.values[result].role, Role::Intermediate | Role::Carried) && !is_state {
            draft.values[result].role = role;
            draft.outputs.push(result);
            continue;
        }
        let value = Value { role, index_of: Vec::new(), ..draft.values[result].clone() };
        let (span, dtype, extents) = (value.span, value.dtype, value.extents.clone());
        let out = draft.values.push(value);
        draft.outputs.push(out);
        let work = Work::Nest(copy_nest(out, result, dtype, &extents, span));
        draft.steps.push(DraftStep { work, span });
    }
}

pub(crate) fn copy_nest(out: Tensor, from: Tensor, dtype: DType, extents: &[u64], span: Span) -> Nest {
    let range = |(n, e): (usize, &u64)| IndexRange { name: format!("i{n}"), lo: 0, hi: i64::try_from(*e).unwrap_or(i64::MAX) };
    let indices: PrimaryMap<Index, IndexRange> = extents.iter().enumerate().map(range).collect();
    let outer: Vec<Index> = (0..extents.len()).map(Index::new).collect();
    let subs = outer.iter().map(|i| Sub { value: Scalar::index(*i, span), mode: Mode::Exact }).collect();
    let access = Access { tensor: from, prev: false, subs, pad: None };
    Nest {
        out,
        indices,
        params: 0,
        outer,
        domain: None,
        reduce: None,
        body: Scalar::new(ScalarKind::Access(access), dtype, span),
        epilogue: None,
    }
}
