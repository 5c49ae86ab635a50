//! Arrays of indices: whether every element is one of the dim that it indexes.
//!
//! Compiled code trusts what has been checked here, and reads at those positions without another look.

use crate::element::Element;
use crate::error::Error;
use crate::view::TensorRef;
use ein_ir::dtype::DType;

/// Checks that the elements of an integer array are in `0..sizes[0]`; with several sizes, those of the n-th column of the last
/// axis in `0..sizes[n]`.
///
/// # Errors
///
/// `index-out-of-range` names the first element that is not. `input-dtype-mismatch` if the array is not of integers.
pub fn check_indices(name: &str, view: &TensorRef<'_>, sizes: &[u64]) -> Result<(), Error> {
    // A negative element becomes a position beyond every dim.
    macro_rules! check {
        ($rust:ty) => {
            check_elements::<$rust>(name, view, sizes, &|x| (x as i64).cast_unsigned(), &|x| x.to_string())
        };
    }
    match view.dtype() {
        DType::I8 => check!(i8),
        DType::I16 => check!(i16),
        DType::I32 => check!(i32),
        DType::I64 => check!(i64),
        DType::U8 => check!(u8),
        DType::U16 => check!(u16),
        DType::U32 => check!(u32),
        DType::U64 => check!(u64),
        found => Err(Error::DtypeMismatch { name: name.to_owned(), expected: DType::I64, found }),
    }
}

fn check_elements<T: Element>(
    name: &str,
    view: &TensorRef<'_>,
    sizes: &[u64],
    position: &dyn Fn(T) -> u64,
    show: &dyn Fn(T) -> String,
) -> Result<(), Error> {
    let array = view.as_array::<T>()?;
    let size_of = |at: usize| sizes[at % sizes.len().max(1)];
    let fits = match view.as_slice::<T>() {
        // One comparison for the whole array: the greatest position tells.
        Some(values) if sizes.len() == 1 => values.iter().map(|x| position(*x)).max().is_none_or(|greatest| greatest < sizes[0]),
        _ => array.iter().enumerate().all(|(n, x)| position(*x) < size_of(n)),
    };
    if fits {
        return Ok(());
    }
    let wrong = array.indexed_iter().enumerate().find(|(n, (_, x))| position(**x) >= size_of(*n));
    let Some((n, (at, value))) = wrong else { return Ok(()) };
    let index = (0..view.rank()).map(|axis| at[axis]).collect();
    Err(Error::IndexOutOfRange { name: name.to_owned(), index, value: Some(show(*value)), size: size_of(n) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{array, s};

    #[test]
    fn the_first_wrong_element_is_named() {
        let ids = array![[0u8, 4, 2], [3, 5, 9]];
        assert_eq!(check_indices("ids", &ids.view().into(), &[10]), Ok(()));
        let error = check_indices("ids", &ids.view().into(), &[5]).unwrap_err();
        assert_eq!(error.to_string(), "`ids[1, 1]` is 5, and it indexes a dim of size 5");
        let backwards = ids.slice(s![..;-1, ..;2]);
        let error = check_indices("ids", &backwards.into(), &[3]).unwrap_err();
        assert_eq!(error.to_string(), "`ids[0, 0]` is 3, and it indexes a dim of size 3");
    }

    #[test]
    fn negative_elements_and_columns() {
        let pairs = array![[0i32, 4], [2, 0], [1, -1]];
        let error = check_indices("at", &pairs.view().into(), &[3, 5]).unwrap_err();
        assert_eq!(error.to_string(), "`at[2, 1]` is -1, and it indexes a dim of size 5");
        assert_eq!(check_indices("at", &pairs.slice(s![..2, ..]).into(), &[3, 5]), Ok(()));
        let none = ndarray::Array1::<i64>::zeros(0);
        assert_eq!(check_indices("at", &none.view().into(), &[0]), Ok(()));
        let scalar = ndarray::arr0(u64::MAX);
        let error = check_indices("p", &scalar.view().into(), &[7]).unwrap_err();
        assert_eq!(error.to_string(), "`p` is 18446744073709551615, and it indexes a dim of size 7");
    }
}
