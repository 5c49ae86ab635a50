//! Inputs given as what they are stored in: bf16 as u16, 8-bit floats and packed types as u8, their own bits.
//!
//! Formats and libraries that lack a type carry it so; the type that the program declares says what the bits mean.

use ein_ir::dtype::DType;
use ein_ir::entity::{Dim, SecondaryMap};
use ein_ir::tensor::specialise::evaluate;
use ein_ir::tensor::{Module, TensorDecl};
use ein_runtime::DimVec;
use ein_runtime::element::is_packed;
use ein_runtime::tensor::packed_shape;

/// Whether an input that is declared with one type may be given as elements of another that are its bits.
pub(crate) fn holds(declared: DType, given: DType) -> bool {
    match declared {
        DType::BF16 => given == DType::U16,
        DType::F8E4M3 | DType::F8E5M2 => given == DType::U8,
        _ => is_packed(declared) && given == DType::U8,
    }
}

/// The shape of what holds a tensor's bits: of a packed type the last axis counts bytes.
pub(crate) fn stored_shape(dtype: DType, shape: &[usize]) -> DimVec<usize> {
    if is_packed(dtype) { packed_shape(dtype, shape) } else { shape.into() }
}

/// The shape of a packed parameter that is given as bytes: as long as the sizes say that are known without it, if the bytes are
/// as many as that takes; else every byte is full.
pub(crate) fn logical_shape(decl: &TensorDecl, bytes: &[usize], known: Option<&SecondaryMap<Dim, Option<i64>>>) -> Vec<usize> {
    let mut shape = bytes.to_vec();
    let Some(last) = shape.last_mut() else { return shape };
    let per_byte = per_byte(decl.dtype);
    let declared = decl.axes.last().zip(known).and_then(|(axis, sizes)| usize::try_from(evaluate(axis, sizes)?).ok());
    *last = declared.filter(|n| n.div_ceil(per_byte) == *last).unwrap_or(last.saturating_mul(per_byte));
    shape
}

/// Whether a parameter is packed and given as bytes.
pub(crate) fn is_packed_input(module: &Module, n: usize, given: Option<DType>) -> bool {
    given == Some(DType::U8) && module.params.get(n).is_some_and(|param| is_packed(module.tensors[*param].dtype))
}

fn per_byte(dtype: DType) -> usize {
    (8 / dtype.bits() as usize).max(1)
}
