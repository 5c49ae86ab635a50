//! Owned row-major tensors.

use crate::buffer::{AlignedBuf, MAX_BYTES};
use crate::element::{Element, is_packed};
use crate::error::Error;
use crate::view::{DimVec, TensorRef};
use ein_ir::dtype::DType;
use ndarray::{Array, ArrayD, ArrayViewD, ArrayViewMutD, Dimension, IxDyn};

/// An owned, row-major, 64-byte aligned tensor.
///
/// A bool tensor holds only the bytes 0 and 1.
pub struct Tensor {
    dtype: DType,
    shape: DimVec<usize>,
    data: AlignedBuf,
}

/// Elements and bytes of a row-major tensor.
///
/// The product of the non-zero extents must fit too: an empty tensor with absurd other extents has no valid strides.
///
/// # Errors
///
/// `size-overflow` above [`MAX_BYTES`], naming `what`.
pub fn size_of_shape(what: &str, dtype: DType, shape: &[usize]) -> Result<(usize, usize), Error> {
    let spread = shape.iter().filter(|&&n| n != 0).try_fold(dtype.bytes(), |bytes, &n| bytes.checked_mul(n).filter(|&b| b <= MAX_BYTES));
    match spread {
        None => Err(Error::SizeOverflow { what: what.to_owned(), dtype, shape: shape.to_vec() }),
        Some(_) if shape.contains(&0) => Ok((0, 0)),
        // Of a packed type there are no more bytes than elements.
        Some(elements) if is_packed(dtype) => Ok((elements, packed_shape(dtype, shape).iter().product())),
        Some(bytes) => Ok((bytes / dtype.bytes(), bytes)),
    }
}

/// The shape of the bytes of a tensor of a packed type: its last axis counts bytes.
#[must_use]
pub fn packed_shape(dtype: DType, shape: &[usize]) -> DimVec<usize> {
    let per_byte = (8 / dtype.bits() as usize).max(1);
    let mut bytes = DimVec::from_slice(shape);
    if let Some(last) = bytes.last_mut() {
        *last = last.div_ceil(per_byte);
    }
    bytes
}

/// Strides of a row-major tensor, in elements.
#[must_use]
pub fn row_major_strides(shape: &[usize]) -> DimVec<isize> {
    let mut strides: DimVec<isize> = DimVec::from_elem(1, shape.len());
    let mut step: isize = 1;
    for (stride, &extent) in strides.iter_mut().zip(shape).rev() {
        *stride = step;
        step = step.wrapping_mul(extent.max(1) as isize);
    }
    strides
}

impl Tensor {
    /// A tensor of zeros (`false` for bool).
    ///
    /// # Errors
    ///
    /// `size-overflow`, `allocation-failed`.
    pub fn zeros(dtype: DType, shape: &[usize]) -> Result<Self, Error> {
        let (_, bytes) = size_of_shape("tensor", dtype, shape)?;
        Ok(Self { dtype, shape: shape.into(), data: AlignedBuf::zeroed(bytes)? })
    }

    /// A tensor whose elements are unspecified until they are written through [`Tensor::as_mut_ptr`].
    ///
    /// # Errors
    ///
    /// As [`Tensor::zeros`].
    ///
    /// # Safety
    ///
    /// Every element must be written, with a valid value of its dtype, before it is read.
    pub unsafe fn uninit(dtype: DType, shape: &[usize]) -> Result<Self, Error> {
        let (_, bytes) = size_of_shape("tensor", dtype, shape)?;
        // SAFETY: the caller writes before reading.
        Ok(Self { dtype, shape: shape.into(), data: unsafe { AlignedBuf::uninit(bytes)? } })
    }

    /// A tensor of the given values, in row-major order.
    ///
    /// # Errors
    ///
    /// `element-count` if their number is not that of the shape, and as [`Tensor::zeros`].
    pub fn from_slice<T: Element>(shape: &[usize], values: &[T]) -> Result<Self, Error> {
        let (expected, _) = size_of_shape("tensor", T::DTYPE, shape)?;
        if expected != values.len() {
            return Err(Error::ElementCount { shape: shape.to_vec(), expected, found: values.len() });
        }
        // SAFETY: an `Element` has no padding, so its bytes are initialised.
        let bytes = unsafe { std::slice::from_raw_parts(values.as_ptr().cast::<u8>(), size_of_val(values)) };
        Ok(Self { dtype: T::DTYPE, shape: shape.into(), data: AlignedBuf::copy_of(bytes)? })
    }

    /// As [`Tensor::from_slice`], from a vector.
    ///
    /// # Errors
    ///
    /// As [`Tensor::from_slice`].
    pub fn from_vec<T: Element>(shape: &[usize], values: Vec<T>) -> Result<Self, Error> {
        Self::from_slice(shape, &values)
    }

    /// A row-major copy of an array of any layout.
    ///
    /// # Errors
    ///
    /// As [`Tensor::zeros`].
    pub fn from_array<T: Element, D: Dimension>(array: &Array<T, D>) -> Result<Self, Error> {
        TensorRef::from(array).to_tensor()
    }

    /// A rank-0 tensor.
    ///
    /// # Errors
    ///
    /// `allocation-failed`.
    pub fn scalar<T: Element>(value: T) -> Result<Self, Error> {
        Self::from_slice(&[], &[value])
    }

    /// A tensor over row-major native-endian bytes; bool bytes other than 0 become 1, as numpy reads them.
    ///
    /// # Errors
    ///
    /// `element-count` (in bytes) if the buffer has another length than the shape needs, and as [`Tensor::zeros`].
    pub fn from_bytes(dtype: DType, shape: &[usize], mut data: AlignedBuf) -> Result<Self, Error> {
        let (_, bytes) = size_of_shape("tensor", dtype, shape)?;
        if bytes != data.len() {
            return Err(Error::ElementCount { shape: shape.to_vec(), expected: bytes, found: data.len() });
        }
        if dtype == DType::Bool {
            normalise_bools(data.as_mut_slice());
        }
        Ok(Self { dtype, shape: shape.into(), data })
    }

    /// The element type.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The extents.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of axes.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The elements as native-endian bytes, row-major.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.data.as_slice()
    }

    /// Address of the first element, 64-byte aligned.
    #[must_use]
    pub fn as_ptr(&self) -> *const u8 {
        self.data.as_ptr()
    }

    /// Address of the first element, for writing valid values of the dtype.
    #[must_use]
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.data.as_mut_ptr()
    }

    /// The elements, row-major.
    ///
    /// # Errors
    ///
    /// `input-dtype-mismatch` if the tensor holds another type.
    pub fn as_slice<T: Element>(&self) -> Result<&[T], Error> {
        self.check_dtype::<T>()?;
        // SAFETY: the dtype is that of `T`, the address is aligned, and the buffer holds `len` valid elements.
        Ok(unsafe { std::slice::from_raw_parts(self.data.as_ptr().cast::<T>(), self.len()) })
    }

    /// The elements, row-major, for writing.
    ///
    /// # Errors
    ///
    /// `input-dtype-mismatch` if the tensor holds another type.
    pub fn as_mut_slice<T: Element>(&mut self) -> Result<&mut [T], Error> {
        self.check_dtype::<T>()?;
        let len = self.len();
        // SAFETY: as in `as_slice`, and the borrow is exclusive.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.data.as_mut_ptr().cast::<T>(), len) })
    }

    /// A view as an ndarray.
    ///
    /// # Errors
    ///
    /// `input-dtype-mismatch` if the tensor holds another type.
    pub fn as_array<T: Element>(&self) -> Result<ArrayViewD<'_, T>, Error> {
        let view = ArrayViewD::from_shape(IxDyn(&self.shape), self.as_slice::<T>()?);
        Ok(view.expect("the buffer has the length of the shape"))
    }

    /// A mutable view as an ndarray.
    ///
    /// # Errors
    ///
    /// `input-dtype-mismatch` if the tensor holds another type.
    pub fn as_array_mut<T: Element>(&mut self) -> Result<ArrayViewMutD<'_, T>, Error> {
        let shape = IxDyn(&self.shape);
        let view = ArrayViewMutD::from_shape(shape, self.as_mut_slice::<T>()?);
        Ok(view.expect("the buffer has the length of the shape"))
    }

    /// The elements in an array of their own.
    ///
    /// A copy: ndarray frees its memory with the alignment of `T`, not with ours.
    ///
    /// # Errors
    ///
    /// `input-dtype-mismatch` if the tensor holds another type.
    pub fn into_array<T: Element>(self) -> Result<ArrayD<T>, Error> {
        Ok(self.as_array::<T>()?.to_owned())
    }

    /// The value of a rank-0 tensor, or of any tensor with one element.
    ///
    /// # Errors
    ///
    /// `input-dtype-mismatch`; `element-count` if there is not exactly one element.
    pub fn item<T: Element>(&self) -> Result<T, Error> {
        match self.as_slice::<T>()? {
            [value] => Ok(*value),
            other => Err(Error::ElementCount { shape: self.shape.to_vec(), expected: other.len(), found: 1 }),
        }
    }

    /// A copy of this tensor.
    ///
    /// # Errors
    ///
    /// `allocation-failed`.
    pub fn try_clone(&self) -> Result<Self, Error> {
        Ok(Self { dtype: self.dtype, shape: self.shape.clone(), data: AlignedBuf::copy_of(self.data.as_slice())? })
    }

    fn check_dtype<T: Element>(&self) -> Result<(), Error> {
        if self.dtype == T::DTYPE {
            return Ok(());
        }
        Err(Error::DtypeMismatch { name: "tensor".to_owned(), expected: T::DTYPE, found: self.dtype })
    }
}

/// Makes every byte 0 or 1.
pub(crate) fn normalise_bools(bytes: &mut [u8]) {
    bytes.iter_mut().for_each(|b| *b = u8::from(*b != 0));
}

/// Same dtype, shape and bits: NaN equals the same NaN, and 0.0 differs from -0.0.
impl PartialEq for Tensor {
    fn eq(&self, other: &Self) -> bool {
        self.dtype == other.dtype && self.shape == other.shape && self.as_bytes() == other.as_bytes()
    }
}

/// `f32[2, 3] [0.0, 1.0, …]`: the first eight elements.
impl std::fmt::Debug for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{:?} ", self.dtype, &self.shape[..])?;
        crate::view::with_element_type!(self.dtype, T => debug_values(self.as_slice::<T>().expect("the dtype is that of `T`"), f), else write!(f, "[…]"))
    }
}

fn debug_values<T: std::fmt::Debug>(values: &[T], f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    const SHOWN: usize = 8;
    let mut list = f.debug_list();
    list.entries(values.iter().take(SHOWN));
    if values.len() > SHOWN {
        list.entry(&format_args!("…"));
    }
    list.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{arr0, array};
    use num_complex::Complex;

    #[test]
    fn values_come_back_as_given() {
        let t = Tensor::from_vec(&[2, 3], (0..6).map(f64::from).collect()).unwrap();
        assert_eq!(t.as_array::<f64>().unwrap(), array![[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]].into_dyn());
        assert_eq!(t.as_ptr().addr() % 64, 0);
        assert_eq!(format!("{t:?}"), "f64[2, 3] [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]");
        let c = Tensor::from_array(&arr0(Complex::new(1.0f32, -2.0))).unwrap();
        assert_eq!((c.dtype(), c.rank(), c.item::<Complex<f32>>().unwrap()), (DType::C64, 0, Complex::new(1.0, -2.0)));
    }

    #[test]
    fn transposed_arrays_become_row_major() {
        let a = array![[1i32, 2, 3], [4, 5, 6]];
        let t = Tensor::from_array(&a.clone().reversed_axes()).unwrap();
        assert_eq!(t.as_slice::<i32>().unwrap(), [1, 4, 2, 5, 3, 6]);
        assert_eq!(t.into_array::<i32>().unwrap(), a.t().to_owned().into_dyn());
    }

    #[test]
    fn wrong_counts_and_types_are_errors() {
        assert_eq!(Tensor::from_slice(&[2, 2], &[1u8; 3]).unwrap_err().code(), 912);
        let t = Tensor::zeros(DType::U8, &[2]).unwrap();
        assert_eq!(t.as_slice::<i8>().unwrap_err().code(), 905);
    }

    #[test]
    fn packed_rows_start_on_a_byte() {
        let t = Tensor::zeros(DType::U4, &[2, 3]).unwrap();
        assert_eq!((t.len(), t.as_bytes().len()), (6, 4));
        assert_eq!(Tensor::zeros(DType::U1, &[]).unwrap().as_bytes().len(), 1);
        let bytes = AlignedBuf::copy_of(&[0; 3]).unwrap();
        assert_eq!(Tensor::from_bytes(DType::I2, &[2, 5], bytes).unwrap_err().code(), 912);
        let view = TensorRef::from(&t);
        assert!(view.is_row_major());
        assert_eq!(view.to_tensor().unwrap(), t);
        assert_eq!(TensorRef::from_bytes(DType::I4, &[2, 3], &[0; 5]).unwrap_err().code(), 912);
    }

    #[test]
    fn overflowing_shapes_are_errors_even_when_empty() {
        for shape in [vec![usize::MAX, 2], vec![1 << 30, 1 << 30], vec![0, usize::MAX, usize::MAX]] {
            assert_eq!(Tensor::zeros(DType::F32, &shape).unwrap_err().code(), 802, "{shape:?}");
        }
        let empty = Tensor::zeros(DType::F32, &[3, 0, 5]).unwrap();
        assert_eq!((empty.len(), empty.as_array::<f32>().unwrap().shape()), (0, &[3, 0, 5][..]));
    }

    #[test]
    fn any_byte_but_zero_is_true() {
        let t = Tensor::from_bytes(DType::Bool, &[3], AlignedBuf::copy_of(&[0, 1, 200]).unwrap()).unwrap();
        assert_eq!(t.as_slice::<bool>().unwrap(), [false, true, true]);
    }
}
