//! The integer types in which indices are given.
//!
//! A parameter `idx<V>` takes an array of any integer type. The module of a program holds its elements as i64; [`retype`] makes the
//! module for arrays of another type, which reads them as they lie and converts each element where it is used.

use super::{Definition, Module};
use crate::dtype::DType;
use crate::entity::{SecondaryMap, Tensor};
use crate::scalar::{Scalar, ScalarKind};
use crate::verified::{Verified, VerifierError};

/// The module with the parameters stored in these types; `None`, or the type that a parameter has, leaves it as it is.
///
/// Only integer types for parameters of indices mean anything: others are left as they are.
///
/// # Errors
/// What the verifier says of the result, which is a mistake of ours.
pub fn retype(module: &Verified<Module>, dtypes: &[Option<DType>]) -> Result<Verified<Module>, Vec<VerifierError>> {
    let mut changed: SecondaryMap<Tensor, Option<DType>> = SecondaryMap::new();
    let mut any = false;
    for (&param, dtype) in module.params.iter().zip(dtypes) {
        let decl = &module.tensors[param];
        let other = dtype.filter(|d| d.is_integer() && *d != decl.dtype && !decl.index_of.is_empty());
        any |= other.is_some();
        changed[param] = other;
    }
    if !any {
        return Ok(module.clone());
    }
    let mut out: Module = (**module).clone();
    for &param in &module.params {
        if let Some(dtype) = changed[param] {
            out.tensors[param].dtype = dtype;
        }
    }
    visit_scalars(&mut out.body, &mut |scalar| scalar.visit_mut(&mut |node| convert(node, &changed)));
    super::verify::verify(out)
}

/// An element of a retyped parameter, converted to the type that it has had.
fn convert(node: &mut Scalar, changed: &SecondaryMap<Tensor, Option<DType>>) {
    let ScalarKind::Access(access) = &node.kind else { return };
    if let Some(stored) = changed[access.tensor] {
        let meant = std::mem::replace(&mut node.dtype, stored);
        *node = node.clone().cast(meant);
    }
}

fn visit_scalars(body: &mut [Definition], f: &mut dyn FnMut(&mut Scalar)) {
    for definition in body {
        match definition {
            Definition::Equation(e) => {
                let guard = e.reduce.as_mut().and_then(|r| r.guard.as_mut());
                e.domain.iter_mut().chain(guard).chain([&mut e.body]).for_each(&mut *f);
            }
            Definition::Scan(scan) => visit_scalars(&mut scan.body, f),
            Definition::Multi(_) | Definition::Generate(_) | Definition::Table(_) => {}
        }
    }
}
