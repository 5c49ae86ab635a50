//! One nest a definition, in the written order.

use crate::draft::{Draft, DraftStep, Role, Value, Work};
use crate::library;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index, PrimaryMap, Tensor};
use ein_ir::plan::{IndexRange, Nest, NestReduce};
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use ein_ir::tensor::{Definition, Equation, Module, Reduce, Table};
use std::collections::BTreeMap;

/// Makes the draft that computes a module as it is written.
///
/// # Errors
/// E0190 for each definition that this version does not plan.
pub(crate) fn convert(module: &Module) -> Result<Draft, Vec<Diagnostic>> {
    let mut draft = declare(module)?;
    let mut errors = Vec::new();
    for definition in &module.body {
        match definition {
            Definition::Equation(equation) => match convert_equation(module, equation) {
                Ok(nest) => draft.steps.push(DraftStep { work: Work::Nest(nest), span: equation.span }),
                Err(error) => errors.push(error),
            },
            Definition::Table(table) => add_table(&mut draft, table),
            Definition::Generate(generate) => errors.push(unsupported("a formula whose sizes are not fixed", generate.span)),
            Definition::Scan(scan) => errors.push(unsupported("`scan`", scan.span)),
            Definition::Multi(multi) => match library::convert(multi) {
                Some(call) => draft.steps.push(DraftStep { work: Work::Library(call), span: multi.span }),
                None => errors.push(unsupported("an option that is not fixed by the sizes", multi.span)),
            },
        }
    }
    if errors.is_empty() {
        add_results(module, &mut draft);
        return Ok(draft);
    }
    Err(errors)
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

fn convert_equation(module: &Module, equation: &Equation) -> Result<Nest, Diagnostic> {
    let binders: &[Index] = equation.reduce.as_ref().map_or(&[], |r| &r.binders);
    let mut indices = PrimaryMap::new();
    let mut renamed = BTreeMap::new();
    for index in equation.indices.iter().chain(binders) {
        let decl = &module.indices[*index];
        let (lo, hi) = decl.literal_range().ok_or_else(|| unsupported("a range that is not fixed by the sizes", decl.span))?;
        renamed.insert(*index, indices.push(IndexRange { name: decl.name.clone(), lo, hi }));
    }
    let scalar = |s: &Scalar| convert_scalar(s, &renamed);
    Ok(Nest {
        out: equation.out,
        outer: equation.indices.iter().map(|i| renamed[i]).collect(),
        domain: equation.domain.as_ref().map(scalar).transpose()?,
        reduce: equation.reduce.as_ref().map(|r| convert_reduce(r, &renamed)).transpose()?,
        body: scalar(&equation.body)?,
        epilogue: None,
        indices,
    })
}

fn convert_reduce(reduce: &Reduce, renamed: &BTreeMap<Index, Index>) -> Result<NestReduce, Diagnostic> {
    let guard = reduce.guard.as_ref().map(|g| convert_scalar(g, renamed)).transpose()?;
    Ok(NestReduce { op: reduce.op, acc: reduce.acc, binders: reduce.binders.iter().map(|b| renamed[b]).collect(), guard, pins: Vec::new() })
}

/// The expression over the nest's indices, with sizes as literals.
fn convert_scalar(scalar: &Scalar, renamed: &BTreeMap<Index, Index>) -> Result<Scalar, Diagnostic> {
    let mut out = scalar.clone();
    let mut error = None;
    out.visit_mut(&mut |s| match &mut s.kind {
        ScalarKind::Index(index) => match renamed.get(index) {
            Some(new) => *index = *new,
            None => error = Some(unsupported("an index of an enclosing `scan`", s.span)),
        },
        ScalarKind::Size(size) => match size.as_constant() {
            Some(value) => s.kind = ScalarKind::Literal(Literal::Int(value)),
            None => error = Some(Diagnostic::error(306, "missing-size", "a size is not known").at(s.span, "used here")),
        },
        ScalarKind::Access(Access { prev: true, .. }) => error = Some(unsupported("`prev`", s.span)),
        _ => {}
    });
    error.map_or(Ok(out), Err)
}

/// Gives every result a value of its own: one that is also an input, a constant or another result is copied.
fn add_results(module: &Module, draft: &mut Draft) {
    for (n, &result) in module.results.iter().enumerate() {
        let role = Role::Output(u32::try_from(n).unwrap_or(u32::MAX));
        if draft.values[result].is_intermediate() {
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
    Nest { out, indices, outer, domain: None, reduce: None, body: Scalar::new(ScalarKind::Access(access), dtype, span), epilogue: None }
}
