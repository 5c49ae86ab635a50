//! Arrays of numbers whose least and greatest value are stated: whether every element lies between them.
//!
//! Plans and bounds of errors rest on what has been checked here.

use crate::element::Element;
use crate::error::Error;
use crate::view::TensorRef;
use ein_ir::dtype::DType;
use ein_ir::scalar::small::SmallFormat;
use ein_ir::scalar::value::shortest;
use half::{bf16, f16};

/// Checks that the elements of an array of `dtype` are in `lo..hi`, both ends included; a NaN is in no range. Elements may be given as the
/// bits of their type, 16 in a u16 and 8 in a u8.
///
/// # Errors
///
/// `value-out-of-range` names the first element that is outside. `input-dtype-mismatch` if the array is not of numbers of at least 8 bits.
pub fn check_bounds(name: &str, view: &TensorRef<'_>, dtype: DType, bounds: (f64, f64)) -> Result<(), Error> {
    macro_rules! check {
        ($rust:ty, $value:expr) => {
            check_elements::<$rust>(name, view, dtype, bounds, $value)
        };
    }
    match (dtype, view.dtype()) {
        (_, DType::F64) => check!(f64, |x| x),
        (_, DType::F32) => check!(f32, f64::from),
        (_, DType::F16) => check!(f16, f64::from),
        (_, DType::BF16) => check!(bf16, f64::from),
        (DType::BF16, DType::U16) => check!(u16, |bits| f64::from(bf16::from_bits(bits))),
        (DType::F8E4M3 | DType::F8E5M2, DType::U8 | DType::F8E4M3 | DType::F8E5M2) => check_small(name, view, dtype, bounds),
        (_, DType::I8) => check!(i8, f64::from),
        (_, DType::I16) => check!(i16, f64::from),
        (_, DType::I32) => check!(i32, f64::from),
        (_, DType::I64) => check!(i64, |n| n as f64),
        (_, DType::U8) => check!(u8, f64::from),
        (_, DType::U16) => check!(u16, f64::from),
        (_, DType::U32) => check!(u32, f64::from),
        (_, DType::U64) => check!(u64, |n| n as f64),
        (expected, found) => Err(Error::DtypeMismatch { name: name.to_owned(), expected, found }),
    }
}

fn check_elements<T: Element>(
    name: &str,
    view: &TensorRef<'_>,
    dtype: DType,
    bounds: (f64, f64),
    value: impl Fn(T) -> f64 + Copy,
) -> Result<(), Error> {
    let array = view.as_array::<T>()?;
    let is_inside = |x: T| is_between(value(x), bounds);
    let fits = match view.as_slice::<T>() {
        // Without a branch for each element, so that several are compared at once.
        Some(values) => values.iter().fold(true, |fits, x| fits & is_inside(*x)),
        None => array.iter().all(|x| is_inside(*x)),
    };
    if fits {
        return Ok(());
    }
    let Some((at, wrong)) = array.indexed_iter().find(|(_, x)| !is_inside(**x)) else { return Ok(()) };
    let index = (0..view.rank()).map(|axis| at[axis]).collect();
    Err(outside(name, index, value(*wrong), dtype, bounds))
}

/// 8-bit floats, which are row-major bytes to this library.
fn check_small(name: &str, view: &TensorRef<'_>, dtype: DType, bounds: (f64, f64)) -> Result<(), Error> {
    let Some(format) = SmallFormat::of(dtype) else { return Ok(()) };
    if view.dtype() == DType::U8 {
        return check_elements::<u8>(name, view, dtype, bounds, |bits| format.decode(u64::from(bits)));
    }
    let Some(bytes) = view.as_bytes() else {
        let copy = view.to_tensor()?;
        return check_small(name, &TensorRef::from(&copy), dtype, bounds);
    };
    match bytes.iter().position(|bits| !is_between(format.decode(u64::from(*bits)), bounds)) {
        None => Ok(()),
        Some(n) => Err(outside(name, position(view.shape(), n), format.decode(u64::from(bytes[n])), dtype, bounds)),
    }
}

fn is_between(value: f64, (lo, hi): (f64, f64)) -> bool {
    // False for NaN.
    (lo <= value) & (value <= hi)
}

fn outside(name: &str, index: Vec<usize>, value: f64, dtype: DType, (lo, hi): (f64, f64)) -> Error {
    let [value, lo, hi] = [value, lo, hi].map(|x| shortest(x, dtype));
    Error::ValueOutOfRange { name: name.to_owned(), index, value: Some(value), lo, hi }
}

/// The position of the n-th element in row-major order.
fn position(shape: &[usize], mut n: usize) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (axis, size) in shape.iter().enumerate().rev() {
        let size = (*size).max(1);
        index[axis] = n % size;
        n /= size;
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{array, s};

    fn text(view: &TensorRef<'_>, dtype: DType, bounds: (f64, f64)) -> String {
        check_bounds("x", view, dtype, bounds).unwrap_err().to_string()
    }

    #[test]
    fn the_first_element_outside_is_named() {
        let x = array![[0.0f32, 0.5, -1.0], [1.0, 1.5, f32::NAN]];
        assert_eq!(check_bounds("x", &x.view().into(), DType::F32, (-1.0, f64::INFINITY)).unwrap_err().code(), 918);
        assert_eq!(text(&x.view().into(), DType::F32, (-1.0, 1.0)), "`x[1, 1]` is 1.5, and its values are stated to be in -1.0..1.0");
        assert_eq!(
            text(&x.slice(s![..;-1, ..;2]).into(), DType::F32, (-1.0, 2.0)),
            "`x[0, 1]` is NaN, and its values are stated to be in -1.0..2.0"
        );
        assert_eq!(check_bounds("x", &x.slice(s![..1, ..]).into(), DType::F32, (-1.0, 0.5)), Ok(()));
    }

    #[test]
    fn integers_scalars_and_bits() {
        let n = ndarray::arr0(u64::MAX);
        assert_eq!(text(&n.view().into(), DType::U64, (0.0, 7.0)), "`x` is 18446744073709552000, and its values are stated to be in 0..7");
        let none = ndarray::Array1::<i8>::zeros(0);
        assert_eq!(check_bounds("x", &none.view().into(), DType::I8, (1.0, 2.0)), Ok(()));
        let bits = array![0x3f80u16, 0xc000];
        assert_eq!(text(&bits.view().into(), DType::BF16, (0.0, 1.0)), "`x[1]` is -2.0, and its values are stated to be in 0.0..1.0");
        let small = [0x38u8, 0x40];
        let view = TensorRef::from_bytes(DType::F8E4M3, &[1, 2], &small).unwrap();
        assert_eq!(text(&view, DType::F8E4M3, (0.0, 1.0)), "`x[0, 1]` is 2.0, and its values are stated to be in 0.0..1.0");
    }
}
