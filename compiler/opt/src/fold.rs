//! Equations that read no input are carried out once, when the program is compiled: their tensors become tables.
//!
//! Their values are those of the declared semantics, at every level: what the program computes from them does not depend on
//! how loops would have been ordered. An equation that would fail is left to fail at the call. Equations of scans stay there.

use ein_ir::entity::{SecondaryMap, Tensor};
use ein_ir::interp::Data;
use ein_ir::interp::tensor::constants;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::value::Value;
use ein_ir::scalar::{Scalar, ScalarKind};
use ein_ir::tensor::{Definition, Equation, Module, ReduceOp, Table};
use std::collections::{BTreeMap, BTreeSet};

/// Nodes of scalar expressions evaluated for one program: the interpreter does some ten million a second, so that this is about as much
/// time as compiling the rest of a small program.
const EVALUATIONS_MAX: u64 = 1 << 18;
/// Elements of a table that stays in the first cache beside everything else: reading it costs no more than any arithmetic.
const SMALL_TABLE: u64 = 1 << 10;

/// The module with tables in the place of equations that are worth computing beforehand.
pub(crate) fn fold(module: &Module) -> Option<Module> {
    let wanted = wanted(module);
    if wanted.is_empty() {
        return None;
    }
    let reads = needed(module, &wanted);
    let body: Vec<Definition> = module.body.iter().filter(|d| out_of(d).is_some_and(|out| reads.contains(&out))).cloned().collect();
    let mut values: SecondaryMap<Tensor, Option<Data>> = SecondaryMap::new();
    for (definition, data) in body.iter().zip(constants(module, &body)) {
        if let Some(out) = out_of(definition).filter(|out| wanted.contains(out)) {
            values[out] = data;
        }
    }
    let mut folded = module.clone();
    for definition in &mut folded.body {
        if let Definition::Equation(equation) = definition
            && let Some(data) = values[equation.out].take()
            && let Some(constant) = constant(equation, &data)
        {
            *definition = constant;
        }
    }
    Some(folded)
}

/// The tensor of an equation or a table.
const fn out_of(definition: &Definition) -> Option<Tensor> {
    match definition {
        Definition::Equation(equation) => Some(equation.out),
        Definition::Table(table) => Some(table.out),
        Definition::Scan(_) | Definition::Multi(_) | Definition::Generate(_) => None,
    }
}

/// Tensors that are known, cheap enough to compute now, and worth it.
fn wanted(module: &Module) -> BTreeSet<Tensor> {
    // What it takes to have the values: elements of those that are at hand, else everything that they are computed from.
    let mut known: BTreeMap<Tensor, u64> = BTreeMap::new();
    let (mut wanted, mut left) = (BTreeSet::new(), EVALUATIONS_MAX);
    for definition in &module.body {
        match definition {
            Definition::Table(table) => drop(known.insert(table.out, n_elements(module, table.out))),
            Definition::Equation(equation) => {
                let operands = reads(equation).iter().try_fold(0u64, |n, tensor| Some(n.saturating_add(*known.get(tensor)?)));
                let cost = operands.and_then(|operands| Some(operands.saturating_add(work(module, equation)?)));
                let Some(cost) = cost.filter(|cost| *cost <= left) else { continue };
                if is_worth_it(module, equation) {
                    left -= cost;
                    wanted.insert(equation.out);
                    known.insert(equation.out, n_elements(module, equation.out));
                } else {
                    known.insert(equation.out, cost);
                }
            }
            Definition::Scan(_) | Definition::Multi(_) | Definition::Generate(_) => {}
        }
    }
    wanted
}

/// What is computed on the way to the wanted tensors, with them.
fn needed(module: &Module, wanted: &BTreeSet<Tensor>) -> BTreeSet<Tensor> {
    let mut needed = wanted.clone();
    for definition in module.body.iter().rev() {
        if let Definition::Equation(equation) = definition
            && needed.contains(&equation.out)
        {
            needed.extend(reads(equation));
        }
    }
    needed
}

fn scalars(equation: &Equation) -> impl Iterator<Item = &Scalar> {
    let guard = equation.reduce.as_ref().and_then(|reduce| reduce.guard.as_ref());
    equation.domain.iter().chain(guard).chain([&equation.body])
}

fn reads(equation: &Equation) -> BTreeSet<Tensor> {
    let mut out = BTreeSet::new();
    for scalar in scalars(equation) {
        scalar.visit(&mut |s| {
            if let ScalarKind::Access(access) = &s.kind {
                out.insert(access.tensor);
            }
        });
    }
    out
}

/// Nodes evaluated for an equation, conditions taken as true; `None` if a size is not literal.
fn work(module: &Module, equation: &Equation) -> Option<u64> {
    let binders = equation.reduce.iter().flat_map(|reduce| &reduce.binders);
    let mut times = 1u64;
    for index in equation.indices.iter().chain(binders) {
        let (lo, hi) = module.indices[*index].literal_range()?;
        times = times.saturating_mul(u64::try_from(hi.saturating_sub(lo)).unwrap_or(0));
    }
    let combine = match equation.reduce.as_ref().map(|reduce| reduce.op) {
        Some(ReduceOp::User(reducer)) => crate::rewrite::size(&module.reducers[reducer].combine),
        Some(_) => 1,
        None => 0,
    };
    let nodes = scalars(equation).map(crate::rewrite::size).sum::<usize>() + combine;
    Some(times.saturating_mul(nodes as u64).max(n_elements(module, equation.out)))
}

fn n_elements(module: &Module, tensor: Tensor) -> u64 {
    module.tensors[tensor].literal_axes().map_or(u64::MAX, |axes| axes.into_iter().fold(1, u64::saturating_mul))
}

/// Whether reading a value beats computing it wherever it is read: sums and dear functions, and small tables of numbers.
///
/// Integers and truth values by arithmetic alone stay expressions: as subscripts and guards they shape loops.
fn is_worth_it(module: &Module, equation: &Equation) -> bool {
    let dtype = module.tensors[equation.out].dtype;
    let is_number = dtype.is_float() || dtype.is_complex();
    let is_small = n_elements(module, equation.out) <= SMALL_TABLE;
    equation.reduce.is_some() || is_dear(&equation.body) || (is_number && is_small && is_arithmetic(&equation.body))
}

fn is_dear(scalar: &Scalar) -> bool {
    let mut dear = false;
    scalar.visit(&mut |s| {
        dear |= match &s.kind {
            ScalarKind::Unary(function, _) => takes_long(*function),
            ScalarKind::Binary(BinaryFn::Div | BinaryFn::Pow | BinaryFn::Atan2, ..) => true,
            _ => false,
        };
    });
    dear
}

const fn takes_long(function: UnaryFn) -> bool {
    use UnaryFn as F;
    match function {
        F::Exp | F::Expm1 | F::Log | F::Log1p | F::Sqrt | F::Rsqrt | F::Sin | F::Cos | F::Tan | F::Tanh => true,
        F::Sigmoid | F::Softplus | F::Erf | F::Gelu | F::Silu | F::Cis | F::Powi(_) => true,
        F::Neg | F::Not | F::Abs | F::Sign | F::Floor | F::Ceil | F::Round | F::Trunc | F::Relu | F::IsNan | F::IsFinite => false,
        F::Conj | F::Real | F::Imag | F::BitNot | F::Popcount | F::Keep => false,
    }
}

/// Not merely a value of another tensor, of an index, or written out: those are read through.
fn is_arithmetic(scalar: &Scalar) -> bool {
    match &scalar.kind {
        ScalarKind::Cast(inner) => is_arithmetic(inner),
        ScalarKind::Literal(_) | ScalarKind::Index(_) | ScalarKind::Size(_) | ScalarKind::Access(_) => false,
        _ => true,
    }
}

/// A table; of a single number without axes an equation, so that it is written into the expressions that read it.
fn constant(equation: &Equation, data: &Data) -> Option<Definition> {
    let values = data.values.iter().map(Value::to_literal).collect::<Option<Vec<_>>>()?;
    let (out, span) = (equation.out, equation.span);
    if !equation.indices.is_empty() {
        return Some(Definition::Table(Table { out, values, span }));
    }
    let body = Scalar::literal(*values.first()?, data.dtype, span);
    Some(Definition::Equation(Equation { out, indices: Vec::new(), domain: None, reduce: None, body, span }))
}
