//! The verifier of tensor IR. It reports every broken invariant and gives the token that later stages demand.
//!
//! Declarations
//! * Ids that occur are declared.
//! * Extents are polynomials over dims, without indices; without dims they are literals, and axes are not negative.
//! * `index_of` has one entry, or one a column of a last axis of that literal size; its tensor is of integers.
//! * A reducer's `combine` and `init` have its dtype and read no tensors and no indices.
//!
//! Definitions
//! * Every tensor is defined exactly once, as a parameter or by one definition; results are defined.
//! * A tensor is read after its definition. In a scan, `prev` reads a state that has an initial value.
//! * Every index belongs to one definition; it is used only there (a scan's index also in its body).
//! * The indices of an equation, one an axis, range from 0 to the sizes of the axes; the axis that a scan stacks is indexed by
//!   the scan's index.
//! * `domain` is a bool over the indices, `guard` over indices and binders.
//! * The body has the dtype of `out`, or that of the accumulator, whose reduction has the dtype of `out`
//!   ([`typing::reduce_result`]); `argmax` and `argmin` have one binder.
//! * Scalars obey [`crate::scalar::verify`].
//!
//! Scans
//! * States and stacked tensors are defined in the body; what else is defined there is not read after the scan.
//! * An initial value is defined before the scan with the dtype and axes of its state.
//! * A stacked axis has the size of the scan's range, which starts at 0; inside the body its tensor is read only at the
//!   current step.
//!
//! What is computed from a secret tensor is secret.
//!
//! Tables have literal axes and as many values of their dtype; functions of tensors and formulas the arguments and results they take.
//!
//! Without dims, an exact subscript that is a polynomial stays inside its axis wherever it is evaluated unconditionally.

mod definition;

use super::secrecy::Secrets;
use super::{Module, TensorDecl};
use crate::dtype::DType;
use crate::entity::EntityRef;
use crate::extent::{Atom, Extent};
use crate::scalar::print::Types;
use crate::scalar::typing;
use crate::scalar::verify::{Scope, check_typed};
use crate::verified::{Verified, VerifierError};

/// Checks a module.
///
/// # Errors
/// Every broken invariant; all are mistakes of the compiler.
pub fn verify(module: Module) -> Result<Verified<Module>, Vec<VerifierError>> {
    let mut errors = Vec::new();
    check_sizes(&module, &mut errors);
    check_reducers(&module, &mut errors);
    for (tensor, decl) in &module.tensors {
        check_tensor(&module, decl, &mut |message| errors.push(broken(tensor, message)));
    }
    for (index, decl) in &module.indices {
        for extent in [&decl.lo, &decl.hi] {
            let message = refuse_extent(&module, extent);
            let message = message.or_else(|| out_of_i64(extent));
            errors.extend(message.map(|message| broken(index, message)));
        }
    }
    definition::check(&module, &mut errors);
    if errors.is_empty() {
        check_secrets(&module, &mut errors);
    }
    if errors.is_empty() { Ok(Verified::new(module)) } else { Err(errors) }
}

fn broken(entity: impl ToString, message: impl Into<String>) -> VerifierError {
    VerifierError { entity: entity.to_string(), message: message.into() }
}

fn out_of_i64(extent: &Extent) -> Option<String> {
    let value = extent.as_constant()?;
    i64::try_from(value).is_err().then(|| format!("{value} does not fit i64"))
}

/// Why an extent is not allowed: it must be over declared dims, and a literal if there are none.
fn refuse_extent(module: &Module, extent: &Extent) -> Option<String> {
    for leaf in extent.leaves() {
        match leaf {
            Atom::Dim(dim) if module.dims.is_valid(dim) => {}
            Atom::Dim(dim) => return Some(format!("{dim} is not declared")),
            other => return Some(format!("{other} stands in the size {extent}")),
        }
    }
    (module.dims.is_empty() && extent.as_constant().is_none()).then(|| format!("the size {extent} is not a literal"))
}

fn check_secrets(module: &Module, errors: &mut Vec<VerifierError>) {
    let secrets = Secrets::of(module);
    let open = module.tensors.iter().filter(|(tensor, decl)| !decl.secret && secrets.is_secret(*tensor));
    errors.extend(open.map(|(tensor, _)| broken(tensor, "computed from a secret tensor, and not secret")));
}

fn check_sizes(module: &Module, errors: &mut Vec<VerifierError>) {
    for (n, require) in module.requires.iter().enumerate() {
        for extent in [&require.value].into_iter().chain(&require.unless_empty) {
            errors.extend(refuse_extent(module, extent).map(|message| broken(format!("require {n}"), message)));
        }
    }
}

pub(crate) fn check_reducers(module: &Module, errors: &mut Vec<VerifierError>) {
    for (reducer, decl) in &module.reducers {
        let mut messages = Vec::new();
        let scope = Scope {
            types: Types { operand: Some(decl.dtype), ..Types::new(&|_| None) },
            rank: &|_| None,
            refuse: &|_| None,
            refuse_size: &|size| refuse_extent(module, size),
            indices: &[],
            approximates: false,
        };
        check_typed(&decl.combine, decl.dtype, "`combine`", &scope, &mut messages);
        check_typed(&decl.init, decl.dtype, "`init`", &Scope { types: Types::new(&|_| None), ..scope }, &mut messages);
        errors.extend(messages.into_iter().map(|message| broken(reducer, message)));
    }
}

fn check_tensor(module: &Module, decl: &TensorDecl, refuse: &mut dyn FnMut(String)) {
    for axis in &decl.axes {
        if let Some(message) = refuse_extent(module, axis).or_else(|| out_of_i64(axis)) {
            refuse(message);
        }
        if let Some(size) = axis.as_constant().filter(|size| *size < 0) {
            refuse(format!("an axis has size {size}"));
        }
    }
    if decl.index_of.is_empty() {
        return;
    }
    decl.index_of.iter().filter_map(|extent| refuse_extent(module, extent)).for_each(&mut *refuse);
    if !decl.dtype.is_integer() {
        refuse(format!("indices are stored as {}", decl.dtype));
    }
    let n_columns = decl.axes.last().and_then(Extent::as_constant);
    if decl.index_of.len() > 1 && n_columns != i128::try_from(decl.index_of.len()).ok() {
        refuse(format!("{} index columns in a last axis of {n_columns:?}", decl.index_of.len()));
    }
}

/// The entities of a list that are not declared.
fn undeclared<E: EntityRef + Copy + ToString>(ids: &[E], n_declared: usize) -> impl Iterator<Item = String> {
    ids.iter().filter(move |id| id.index() >= n_declared).map(|id| format!("{} is not declared", id.to_string()))
}

/// The dtype of a reduction in a module.
fn reduction_dtype(module: &Module, op: super::ReduceOp, acc: DType) -> Option<DType> {
    let user = match op {
        super::ReduceOp::User(reducer) => module.reducers.get(reducer).map(|r| r.dtype),
        _ => None,
    };
    typing::reduce_result(op, acc, user)
}

#[cfg(test)]
mod tests;
