//! Definitions: who defines what, where it may be read, and what an equation, a scan, a function or a table must be.

use super::{broken, reduction_dtype, refuse_extent, undeclared};
use crate::dtype::DType;
use crate::entity::{EntityRef, Index, Tensor};
use crate::extent::Extent;
use crate::interval::Interval;
use crate::library;
use crate::scalar::print::Types;
use crate::scalar::verify::{Scope, check_bounds, check_typed};
use crate::scalar::{Access, Scalar, ScalarKind, typing};
use crate::tensor::{Definition, Equation, Generate, Module, Multi, Reduce, ReduceOp, Scan, Table};
use crate::verified::VerifierError;
use std::collections::BTreeSet;

/// Checks the definitions of a module.
pub(super) fn check(module: &Module, errors: &mut Vec<VerifierError>) {
    let mut checker =
        Checker { module, errors, defined: BTreeSet::new(), readable: BTreeSet::new(), owned: BTreeSet::new(), scans: Vec::new() };
    for &param in &module.params {
        checker.define(param);
    }
    for definition in &module.body {
        checker.check_definition(definition);
    }
    for &result in &module.results {
        if !checker.readable.contains(&result) {
            checker.refuse(result, "a result that is not defined");
        }
    }
    for tensor in module.tensors.keys().filter(|t| !checker.defined.contains(t)).collect::<Vec<_>>() {
        checker.refuse(tensor, "declared, but not defined");
    }
}

struct Checker<'m, 'e> {
    module: &'m Module,
    errors: &'e mut Vec<VerifierError>,
    /// Tensors that have a definition.
    defined: BTreeSet<Tensor>,
    /// Tensors that may be read here.
    readable: BTreeSet<Tensor>,
    /// Indices that belong to a definition.
    owned: BTreeSet<Index>,
    /// Enclosing scans, outermost first.
    scans: Vec<&'m Scan>,
}

impl<'m> Checker<'m, '_> {
    fn refuse(&mut self, entity: impl ToString, message: impl Into<String>) {
        self.errors.push(broken(entity, message));
    }

    fn refuse_all(&mut self, entity: impl ToString, messages: Vec<String>) {
        messages.into_iter().for_each(|message| self.refuse(entity.to_string(), message));
    }

    fn define(&mut self, tensor: Tensor) {
        if !self.module.tensors.is_valid(tensor) {
            self.refuse(tensor, "not declared");
        } else if !self.defined.insert(tensor) {
            self.refuse(tensor, "defined twice");
        }
        self.readable.insert(tensor);
    }

    fn own(&mut self, index: Index, entity: impl ToString) {
        if !self.module.indices.is_valid(index) {
            self.refuse(entity, format!("{index} is not declared"));
        } else if !self.owned.insert(index) {
            self.refuse(entity, format!("{index} belongs to another definition"));
        }
    }

    fn check_definition(&mut self, definition: &'m Definition) {
        match definition {
            Definition::Equation(equation) => self.check_equation(equation),
            Definition::Scan(scan) => self.check_scan(scan),
            Definition::Multi(multi) => self.check_multi(multi),
            Definition::Generate(generate) => self.check_generate(generate),
            Definition::Table(table) => self.check_table(table),
        }
    }

    fn check_equation(&mut self, equation: &'m Equation) {
        self.check_out_indices(equation);
        let binders = equation.reduce.as_ref().map_or(&[][..], |reduce| &reduce.binders);
        for &binder in binders {
            self.own(binder, equation.out);
        }
        let outer: Vec<Index> = equation.indices.iter().copied().chain(self.scans.iter().map(|s| s.index)).collect();
        let all: Vec<Index> = outer.iter().chain(binders).copied().collect();
        let mut messages = Vec::new();
        if let Some(domain) = &equation.domain {
            self.check_scalar(domain, DType::Bool, "the domain", &outer, &mut messages);
        }
        let body_dtype = match &equation.reduce {
            Some(reduce) => self.check_reduce(equation.out, reduce, &all, &mut messages),
            None => self.module.tensors.get(equation.out).map(|t| t.dtype),
        };
        self.check_scalar(&equation.body, body_dtype.unwrap_or(equation.body.dtype), "the body", &all, &mut messages);
        self.check_reach(equation, &all, &mut messages);
        self.refuse_all(equation.out, messages);
        self.define(equation.out);
    }

    fn check_out_indices(&mut self, equation: &Equation) {
        let out = equation.out;
        let axes = self.module.tensors.get(out).map_or(&[][..], |t| &t.axes);
        if equation.indices.len() != axes.len() {
            self.refuse(out, format!("{} indices for {} axes", equation.indices.len(), axes.len()));
        }
        for (n, (&index, axis)) in equation.indices.iter().zip(axes).enumerate() {
            if let Some(scan_index) = self.stacking_index(out, n) {
                if index != scan_index {
                    self.refuse(out, format!("axis {n} is stacked over {scan_index}, not {index}"));
                }
                continue;
            }
            self.own(index, out);
            let Some(decl) = self.module.indices.get(index) else { continue };
            if decl.lo != Extent::constant(0) || decl.hi != *axis {
                self.refuse(out, format!("{index} ranges over {}..{} on axis {n} of size {axis}", decl.lo, decl.hi));
            }
        }
    }

    /// The index of the enclosing scan that stacks this axis of a tensor.
    fn stacking_index(&self, tensor: Tensor, axis: usize) -> Option<Index> {
        let stacks = |scan: &&&Scan| scan.stacked.iter().any(|s| s.tensor == tensor && s.axis == axis);
        self.scans.iter().find(stacks).map(|scan| scan.index)
    }

    /// Gives the dtype that the body must have.
    fn check_reduce(&mut self, out: Tensor, reduce: &Reduce, indices: &[Index], messages: &mut Vec<String>) -> Option<DType> {
        if let Some(guard) = &reduce.guard {
            self.check_scalar(guard, DType::Bool, "the guard", indices, messages);
        }
        if matches!(reduce.op, ReduceOp::ArgMax | ReduceOp::ArgMin) && reduce.binders.len() != 1 {
            messages.push(format!("`{}` over {} indices", reduce.op.name(), reduce.binders.len()));
        }
        let out_dtype = self.module.tensors.get(out).map(|t| t.dtype);
        match reduction_dtype(self.module, reduce.op, reduce.acc) {
            None => messages.push(format!("no reduction `{}` in {}", reduce.op.name(), reduce.acc)),
            Some(dtype) if out_dtype.is_some_and(|out| out != dtype) => {
                messages.push(format!("the reduction is {dtype}, the tensor is not"));
            }
            Some(_) => {}
        }
        Some(reduce.acc)
    }

    fn check_scalar(&self, scalar: &Scalar, dtype: DType, what: &str, indices: &[Index], messages: &mut Vec<String>) {
        let tensors = &self.module.tensors;
        let dtype_of = |tensor: Tensor| tensors.get(tensor).map(|t| t.dtype);
        let scope = Scope {
            types: Types::new(&dtype_of),
            rank: &|tensor| tensors.get(tensor).map(|t| t.axes.len()),
            refuse: &|access| self.refuse_access(access),
            refuse_size: &|size| refuse_extent(self.module, size),
            indices,
            approximates: true,
        };
        check_typed(scalar, dtype, what, &scope, messages);
    }

    fn refuse_access(&self, access: &Access) -> Option<String> {
        let tensor = access.tensor;
        if access.prev {
            let carried = self.scans.iter().any(|scan| scan.states.iter().any(|s| s.tensor == tensor && s.init.is_some()));
            return (!carried).then(|| format!("`prev {tensor}` is no state with an initial value"));
        }
        if !self.readable.contains(&tensor) {
            return Some(format!("{tensor} is read before its definition"));
        }
        for (axis, sub) in access.subs.iter().enumerate() {
            let current = self.stacking_index(tensor, axis);
            if current.is_some_and(|index| sub.value.kind != ScalarKind::Index(index)) {
                return Some(format!("axis {axis} of {tensor} is read at another step than the current one"));
            }
        }
        None
    }

    /// Exact subscripts of a module without dims stay inside their axes.
    fn check_reach(&self, equation: &Equation, indices: &[Index], messages: &mut Vec<String>) {
        let guarded = equation.domain.is_some() || equation.reduce.as_ref().is_some_and(|r| r.guard.is_some());
        let range_of = |index: Index| -> Option<Interval> {
            let (lo, hi) = self.module.indices.get(index)?.literal_range()?;
            Some((i128::from(lo), i128::from(hi) - 1))
        };
        let iterates = indices.iter().all(|index| range_of(*index).is_some_and(|(lo, hi)| lo <= hi));
        if guarded || !iterates || !self.module.dims.is_empty() {
            return;
        }
        let axes_of = |tensor: Tensor| self.module.tensors.get(tensor)?.literal_axes();
        check_bounds(&equation.body, &range_of, &axes_of, messages);
    }

    fn check_scan(&mut self, scan: &'m Scan) {
        self.own(scan.index, "scan");
        let mut carried = BTreeSet::new();
        for tensor in scan.states.iter().map(|s| s.tensor).chain(scan.stacked.iter().map(|s| s.tensor)) {
            if !carried.insert(tensor) {
                self.refuse(tensor, "twice among the states and stacked tensors of a scan");
            }
        }
        self.check_states(scan);
        self.check_stacked(scan);
        let outside = self.readable.clone();
        self.scans.push(scan);
        let before = self.defined.clone();
        for definition in &scan.body {
            self.check_definition(definition);
        }
        self.scans.pop();
        for tensor in carried.iter().filter(|t| before.contains(t) || !self.defined.contains(t)).copied().collect::<Vec<_>>() {
            self.refuse(tensor, "carried by a scan whose body does not define it");
        }
        self.readable = outside;
        self.readable.extend(carried);
    }

    fn check_states(&mut self, scan: &Scan) {
        for state in &scan.states {
            let Some(init) = state.init else { continue };
            let (of_state, of_init) = (self.module.tensors.get(state.tensor), self.module.tensors.get(init));
            if !self.readable.contains(&init) {
                self.refuse(state.tensor, format!("its initial value {init} is not defined before the scan"));
            }
            if let (Some(a), Some(b)) = (of_state, of_init)
                && (a.dtype != b.dtype || a.axes != b.axes)
            {
                self.refuse(state.tensor, format!("its initial value {init} has another dtype or shape"));
            }
        }
    }

    fn check_stacked(&mut self, scan: &Scan) {
        let range = self.module.indices.get(scan.index).map(|i| (i.lo.clone(), i.hi.clone()));
        for stacked in &scan.stacked {
            let size = self.module.tensors.get(stacked.tensor).and_then(|t| t.axes.get(stacked.axis));
            match (size, &range) {
                (None, _) => self.refuse(stacked.tensor, format!("has no axis {} to stack", stacked.axis)),
                (Some(size), Some((lo, hi))) if *lo != Extent::constant(0) || hi != size => {
                    self.refuse(stacked.tensor, format!("stacks {lo}..{hi} on axis {} of size {size}", stacked.axis));
                }
                _ => {}
            }
        }
    }

    fn check_multi(&mut self, multi: &Multi) {
        let entity = multi.results.first().map_or_else(|| multi.op.name().to_owned(), ToString::to_string);
        self.refuse_all(&entity, undeclared(&multi.args, self.module.tensors.len()).collect());
        for &arg in multi.args.iter().filter(|arg| arg.index() < self.module.tensors.len()) {
            if !self.readable.contains(&arg) {
                self.refuse(&entity, format!("{arg} is read before its definition"));
            }
        }
        for (name, value) in &multi.options {
            if let Some(message) = refuse_extent(self.module, value) {
                self.refuse(&entity, format!("option `{name}`: {message}"));
            }
        }
        if let Some(message) = self.refuse_signature(multi) {
            self.refuse(&entity, message);
        }
        for &result in &multi.results {
            self.refuse_stacking(result);
            self.define(result);
        }
    }

    /// Why operands and results do not fit the function.
    fn refuse_signature(&self, multi: &Multi) -> Option<String> {
        let name = multi.op.name();
        let (least, most) = library::result_counts(multi.op);
        if !(least..=most).contains(&multi.results.len()) {
            return Some(format!("`{name}` gives {} results", multi.results.len()));
        }
        let decls: Option<Vec<_>> = multi.args.iter().map(|arg| self.module.tensors.get(*arg)).collect();
        let operands: Vec<_> = decls?.into_iter().map(|decl| library::Operand { dtype: decl.dtype, axes: &decl.axes }).collect();
        let signature = match library::signature(multi.op, &operands, &multi.options) {
            Ok(signature) => signature,
            Err(misuse) => return Some(format!("`{name}` does not take its operands: {misuse:?}")),
        };
        let differs = |(result, (dtype, axes)): (&Tensor, &(DType, Vec<Extent>))| {
            self.module.tensors.get(*result).is_some_and(|decl| decl.dtype != *dtype || decl.axes != *axes)
        };
        let wrong = multi.results.iter().zip(&signature.results).position(differs)?;
        Some(format!("result {wrong} of `{name}` has another type"))
    }

    fn check_generate(&mut self, generate: &Generate) {
        let generator = generate.generator;
        let entity = generate.results.first().map_or_else(|| generator.name().to_owned(), ToString::to_string);
        for value in &generate.args {
            self.refuse_all(&entity, refuse_extent(self.module, value).into_iter().collect());
        }
        if generate.args.len() != generator.params().len() {
            return self.refuse(&entity, format!("`{}` of {} sizes", generator.name(), generate.args.len()));
        }
        if generate.results.is_empty() || generate.results.len() > generator.n_results() {
            self.refuse(&entity, format!("`{}` gives {} results", generator.name(), generate.results.len()));
        }
        for (&result, axes) in generate.results.iter().zip(generator.axes(&generate.args)) {
            if self.module.tensors.get(result).is_some_and(|decl| decl.axes != axes || !generator.takes(decl.dtype)) {
                self.refuse(result, format!("not what `{}` gives", generator.name()));
            }
            self.refuse_stacking(result);
            self.define(result);
        }
    }

    fn check_table(&mut self, table: &Table) {
        if let Some(decl) = self.module.tensors.get(table.out) {
            let n_values = decl.literal_axes().and_then(|axes| axes.iter().try_fold(1u64, |n, a| n.checked_mul(*a)));
            if n_values != u64::try_from(table.values.len()).ok() {
                self.refuse(table.out, format!("{} values in a table of {n_values:?} elements", table.values.len()));
            }
            for value in table.values.iter().filter(|v| !typing::takes_literal(**v, decl.dtype)) {
                self.refuse(table.out, format!("{value:?} is no value of {}", decl.dtype));
            }
        }
        self.refuse_stacking(table.out);
        self.define(table.out);
    }

    /// Only an equation can name the step that it defines.
    fn refuse_stacking(&mut self, tensor: Tensor) {
        if self.scans.iter().any(|scan| scan.stacked.iter().any(|s| s.tensor == tensor)) {
            self.refuse(tensor, "stacked, but not defined by an equation");
        }
    }
}
