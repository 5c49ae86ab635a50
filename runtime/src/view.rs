//! Borrowed tensors of any strides.

use crate::element::{Element, is_packed};
use crate::error::Error;
use crate::tensor::{Tensor, packed_shape, row_major_strides, size_of_shape};
use ein_ir::dtype::DType;
use ndarray::{Array, ArrayView, ArrayViewD, ArrayViewMut, Dimension, IxDyn, ShapeBuilder};
use smallvec::SmallVec;
use std::marker::PhantomData;
use std::ops::Range;

/// Extents or strides: on the stack up to rank 8, so that a call allocates nothing.
pub type DimVec<T> = SmallVec<[T; 8]>;

/// Runs an expression with `T` bound to the Rust type of a dtype, or the `else` expression where there is none.
macro_rules! with_element_type {
    ($dtype:expr, $t:ident => $body:expr, else $other:expr) => {{
        use ein_ir::dtype::DType as D;
        use half::{bf16, f16};
        use num_complex::Complex;
        macro_rules! arm {
            ($ty:ty) => {{
                type $t = $ty;
                $body
            }};
        }
        match $dtype {
            D::Bool => arm!(bool),
            D::I8 => arm!(i8),
            D::I16 => arm!(i16),
            D::I32 => arm!(i32),
            D::I64 => arm!(i64),
            D::U8 => arm!(u8),
            D::U16 => arm!(u16),
            D::U32 => arm!(u32),
            D::U64 => arm!(u64),
            D::F16 => arm!(f16),
            D::BF16 => arm!(bf16),
            D::F32 => arm!(f32),
            D::F64 => arm!(f64),
            D::C64 => arm!(Complex<f32>),
            D::C128 => arm!(Complex<f64>),
            D::U1 | D::U2 | D::U4 | D::I2 | D::I4 | D::F8E4M3 | D::F8E5M2 | D::Key => $other,
        }
    }};
}
pub(crate) use with_element_type;

/// How an input lies in memory: code is compiled for one class of each input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayoutClass {
    /// Contiguous, the last axis fastest; strides follow from the shape.
    RowMajor,
    /// Strides in elements are arguments of the call; negative and zero are allowed.
    Strided,
}

/// A borrowed tensor: dtype, shape, strides in elements, address of the element at index zero.
///
/// The address is a multiple of the dtype's alignment, and a bool element is 0 or 1.
#[derive(Clone)]
pub struct TensorRef<'a> {
    dtype: DType,
    shape: DimVec<usize>,
    strides: DimVec<isize>,
    ptr: *const u8,
    lifetime: PhantomData<&'a [u8]>,
}

// SAFETY: a shared borrow of plain numbers.
unsafe impl Send for TensorRef<'_> {}
// SAFETY: as above.
unsafe impl Sync for TensorRef<'_> {}

/// A mutably borrowed tensor; no two indices reach the same element.
pub struct TensorMut<'a> {
    view: TensorRef<'a>,
    lifetime: PhantomData<&'a mut [u8]>,
}

// SAFETY: an exclusive borrow of plain numbers.
unsafe impl Send for TensorMut<'_> {}
// SAFETY: shared access to a `TensorMut` only reads.
unsafe impl Sync for TensorMut<'_> {}

impl<'a> TensorRef<'a> {
    /// A view of memory with any strides.
    ///
    /// # Safety
    ///
    /// Every index below `shape` must reach, from `ptr` and by `strides` elements, a valid element that lives and is not written for `'a`;
    /// `ptr` must be a multiple of `dtype.align()`, also if the shape is empty, and `shape` and `strides` equally long. Elements of a
    /// packed dtype are row-major, each row starting on a byte.
    #[must_use]
    pub unsafe fn from_raw_parts(dtype: DType, ptr: *const u8, shape: DimVec<usize>, strides: DimVec<isize>) -> Self {
        debug_assert_eq!(shape.len(), strides.len());
        debug_assert_eq!(ptr.addr() % dtype.align(), 0);
        debug_assert!(!is_packed(dtype) || strides == row_major_strides(&shape));
        Self { dtype, shape, strides, ptr, lifetime: PhantomData }
    }

    /// A row-major view of bytes: of packed elements, 8-bit floats, or whatever else lies in them.
    ///
    /// # Errors
    ///
    /// `element-count` (in bytes) if there are more or fewer than the shape needs, or they do not begin at a multiple of the
    /// alignment of the dtype; `unsupported-dtype` for bool, of which not every byte is one.
    pub fn from_bytes(dtype: DType, shape: &[usize], bytes: &'a [u8]) -> Result<Self, Error> {
        if dtype == DType::Bool {
            return Err(Error::UnsupportedDtype { what: "a view of bytes".to_owned(), found: dtype.to_string() });
        }
        let (_, expected) = size_of_shape("tensor", dtype, shape)?;
        if expected != bytes.len() || !bytes.as_ptr().addr().is_multiple_of(dtype.align()) {
            return Err(Error::ElementCount { shape: shape.to_vec(), expected, found: bytes.len() });
        }
        // SAFETY: a row-major walk over the shape stays in the bytes, any of which are elements of a number type.
        Ok(unsafe { Self::from_raw_parts(dtype, bytes.as_ptr(), shape.into(), row_major_strides(shape)) })
    }

    /// A row-major view of a slice.
    ///
    /// # Errors
    ///
    /// `element-count` if the slice has another length than the shape needs.
    pub fn from_slice<T: Element>(shape: &[usize], values: &'a [T]) -> Result<Self, Error> {
        let (expected, _) = size_of_shape("tensor", T::DTYPE, shape)?;
        if expected != values.len() {
            return Err(Error::ElementCount { shape: shape.to_vec(), expected, found: values.len() });
        }
        // SAFETY: a row-major walk over the shape stays in the slice.
        Ok(unsafe { Self::from_raw_parts(T::DTYPE, values.as_ptr().cast(), shape.into(), row_major_strides(shape)) })
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

    /// The strides, in elements.
    #[must_use]
    pub fn strides(&self) -> &[isize] {
        &self.strides
    }

    /// Number of axes.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Number of elements, counted as indices: a broadcast axis counts in full.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// Address of the element at index zero.
    #[must_use]
    pub fn as_ptr(&self) -> *const u8 {
        self.ptr
    }

    /// Whether the elements lie in order without gaps; axes of extent 1 may have any stride.
    #[must_use]
    pub fn is_row_major(&self) -> bool {
        if self.is_empty() {
            return true;
        }
        let mut step: isize = 1;
        for (&extent, &stride) in self.shape.iter().zip(&self.strides).rev() {
            if extent != 1 && stride != step {
                return false;
            }
            step = step.wrapping_mul(extent as isize);
        }
        true
    }

    /// The class that code is compiled for.
    #[must_use]
    pub fn layout_class(&self) -> LayoutClass {
        if self.is_row_major() { LayoutClass::RowMajor } else { LayoutClass::Strided }
    }

    /// The addresses from the first to past the last byte that an index reaches; empty if there are no elements.
    #[must_use]
    pub fn byte_range(&self) -> Range<usize> {
        let start = self.ptr.addr();
        if self.is_empty() {
            return start..start;
        }
        if is_packed(self.dtype) {
            return start..start.wrapping_add(self.n_bytes());
        }
        let size = self.dtype.bytes() as isize;
        let (mut low, mut high) = (0isize, 0isize);
        for (&extent, &stride) in self.shape.iter().zip(&self.strides) {
            let reach = (extent as isize - 1).wrapping_mul(stride).wrapping_mul(size);
            if reach < 0 { low = low.wrapping_add(reach) } else { high = high.wrapping_add(reach) }
        }
        start.wrapping_add_signed(low)..start.wrapping_add_signed(high).wrapping_add(size as usize)
    }

    /// Whether the address ranges of two views meet. Interleaved views meet although they may share no element.
    #[must_use]
    pub fn overlaps(&self, other: &TensorRef<'_>) -> bool {
        let (a, b) = (self.byte_range(), other.byte_range());
        !a.is_empty() && !b.is_empty() && a.start < b.end && b.start < a.end
    }

    /// The bytes of a row-major view.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&'a [u8]> {
        // SAFETY: the elements of a row-major view are contiguous and live for `'a`.
        self.is_row_major().then(|| unsafe { std::slice::from_raw_parts(self.ptr, self.n_bytes()) })
    }

    /// Bytes of the elements, gaps apart.
    fn n_bytes(&self) -> usize {
        if is_packed(self.dtype) { packed_shape(self.dtype, &self.shape).iter().product() } else { self.len() * self.dtype.bytes() }
    }

    /// The elements of a row-major view.
    #[must_use]
    pub fn as_slice<T: Element>(&self) -> Option<&'a [T]> {
        let fits = self.dtype == T::DTYPE && self.is_row_major();
        // SAFETY: as in `as_bytes`; the dtype is that of `T` and the address is aligned for it.
        fits.then(|| unsafe { std::slice::from_raw_parts(self.ptr.cast::<T>(), self.len()) })
    }

    /// A view as an ndarray.
    ///
    /// # Errors
    ///
    /// `input-dtype-mismatch` if the elements have another type.
    pub fn as_array<T: Element>(&self) -> Result<ArrayViewD<'a, T>, Error> {
        if self.dtype != T::DTYPE {
            return Err(Error::DtypeMismatch { name: "tensor".to_owned(), expected: T::DTYPE, found: self.dtype });
        }
        // ndarray takes non-negative strides and flips axes afterwards, so start from the lowest address.
        let (mut low, mut strides) = (0isize, DimVec::<usize>::new());
        for (&extent, &stride) in self.shape.iter().zip(&self.strides) {
            if stride < 0 && extent > 0 {
                low = low.wrapping_add((extent as isize - 1).wrapping_mul(stride));
            }
            strides.push(stride.unsigned_abs());
        }
        let low = if self.is_empty() { 0 } else { low };
        // SAFETY: the flipped view reaches the same elements, all valid for `'a`.
        let mut view =
            unsafe { ArrayView::from_shape_ptr(IxDyn(&self.shape).strides(IxDyn(&strides)), self.ptr.cast::<T>().wrapping_offset(low)) };
        for (axis, _) in self.strides.iter().enumerate().filter(|(_, s)| **s < 0) {
            view.invert_axis(ndarray::Axis(axis));
        }
        Ok(view)
    }

    /// A row-major copy.
    ///
    /// # Errors
    ///
    /// `size-overflow` (a broadcast view may be huge), `allocation-failed`, `unsupported-dtype`.
    pub fn to_tensor(&self) -> Result<Tensor, Error> {
        // SAFETY: `copy_strided` writes every element, with values that are valid in the source.
        unsafe {
            let mut tensor = Tensor::uninit(self.dtype, &self.shape)?;
            copy_strided(self, tensor.as_mut_ptr());
            Ok(tensor)
        }
    }

    /// The same elements with axes in another order: axis `i` of the result is axis `axes[i]`.
    ///
    /// # Panics
    ///
    /// If `axes` is not a permutation of the axes, or moves axes of a packed type.
    #[must_use]
    pub fn permuted(&self, axes: &[usize]) -> Self {
        let is_permutation = axes.len() == self.rank() && (0..self.rank()).all(|a| axes.contains(&a));
        assert!(is_permutation, "{axes:?} is not a permutation of {} axes", self.rank());
        assert!(!is_packed(self.dtype) || axes.is_sorted(), "elements of {} are packed along the last axis", self.dtype);
        let shape = axes.iter().map(|&a| self.shape[a]).collect();
        let strides = axes.iter().map(|&a| self.strides[a]).collect();
        Self { shape, strides, ..self.clone() }
    }
}

/// Copies the elements of a view to row-major memory.
///
/// # Safety
///
/// `dst` is aligned for the dtype, has room for every element, and does not overlap the source.
unsafe fn copy_strided(src: &TensorRef<'_>, dst: *mut u8) {
    if let Some(bytes) = src.as_bytes() {
        // SAFETY: same length, disjoint by contract.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), dst, bytes.len()) };
        return;
    }
    // SAFETY: the element types below have the size of the dtype and at most its alignment (c64 and c128 are pairs).
    unsafe {
        match src.dtype.bytes() {
            1 => copy_elements::<u8>(src, dst.cast()),
            2 => copy_elements::<u16>(src, dst.cast()),
            4 => copy_elements::<u32>(src, dst.cast()),
            8 if src.dtype.align() == 4 => copy_elements::<[u32; 2]>(src, dst.cast()),
            8 => copy_elements::<u64>(src, dst.cast()),
            _ => copy_elements::<[u64; 2]>(src, dst.cast()),
        }
    }
}

/// # Safety
///
/// As [`copy_strided`], with `E` of the dtype's size and alignment; the shape has no zero.
unsafe fn copy_elements<E: Copy>(src: &TensorRef<'_>, mut dst: *mut E) {
    let Some((&row, outer)) = src.shape.split_last() else { return };
    let step = src.strides[outer.len()];
    let mut index: DimVec<usize> = DimVec::from_elem(0, outer.len());
    let mut start = src.ptr.cast::<E>();
    loop {
        // SAFETY: `start` is at a valid index whose last component is zero, and `dst` advances through room for every element.
        unsafe {
            for j in 0..row {
                dst.add(j).write(start.wrapping_offset((j as isize).wrapping_mul(step)).read());
            }
            dst = dst.add(row);
        }
        let mut axis = outer.len();
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            index[axis] += 1;
            start = start.wrapping_offset(src.strides[axis]);
            if index[axis] < outer[axis] {
                break;
            }
            start = start.wrapping_offset(src.strides[axis].wrapping_mul(outer[axis] as isize).wrapping_neg());
            index[axis] = 0;
        }
    }
}

impl<'a> TensorMut<'a> {
    /// A mutable view of memory with any strides.
    ///
    /// # Safety
    ///
    /// As [`TensorRef::from_raw_parts`], and the elements are reachable only through this view for `'a`, each by one index.
    #[must_use]
    pub unsafe fn from_raw_parts(dtype: DType, ptr: *mut u8, shape: DimVec<usize>, strides: DimVec<isize>) -> Self {
        // SAFETY: the contract is ours plus exclusiveness.
        Self { view: unsafe { TensorRef::from_raw_parts(dtype, ptr, shape, strides) }, lifetime: PhantomData }
    }

    /// The same tensor, for reading and for its shape, strides and addresses.
    #[must_use]
    pub fn as_view(&self) -> &TensorRef<'_> {
        &self.view
    }

    /// The element type.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.view.dtype
    }

    /// The extents.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.view.shape
    }

    /// The strides, in elements.
    #[must_use]
    pub fn strides(&self) -> &[isize] {
        &self.view.strides
    }

    /// Whether the elements lie in order without gaps.
    #[must_use]
    pub fn is_row_major(&self) -> bool {
        self.view.is_row_major()
    }

    /// The addresses that the view reaches; see [`TensorRef::byte_range`].
    #[must_use]
    pub fn byte_range(&self) -> Range<usize> {
        self.view.byte_range()
    }

    /// Address of the element at index zero, for writing valid values of the dtype.
    #[must_use]
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.view.ptr.cast_mut()
    }
}

impl<'a, T: Element, D: Dimension> From<ArrayView<'a, T, D>> for TensorRef<'a> {
    fn from(view: ArrayView<'a, T, D>) -> Self {
        let (shape, strides) = (view.shape().into(), view.strides().into());
        // SAFETY: an array view reaches valid elements at every index, borrowed for `'a`.
        unsafe { Self::from_raw_parts(T::DTYPE, view.as_ptr().cast(), shape, strides) }
    }
}

impl<'a, T: Element, D: Dimension> From<&'a Array<T, D>> for TensorRef<'a> {
    fn from(array: &'a Array<T, D>) -> Self {
        array.view().into()
    }
}

impl<'a> From<&'a Tensor> for TensorRef<'a> {
    fn from(tensor: &'a Tensor) -> Self {
        let strides = row_major_strides(tensor.shape());
        // SAFETY: a tensor owns its row-major elements.
        unsafe { Self::from_raw_parts(tensor.dtype(), tensor.as_ptr(), tensor.shape().into(), strides) }
    }
}

impl<'a, T: Element, D: Dimension> From<ArrayViewMut<'a, T, D>> for TensorMut<'a> {
    fn from(mut view: ArrayViewMut<'a, T, D>) -> Self {
        let (shape, strides) = (view.shape().into(), view.strides().into());
        // SAFETY: a mutable array view reaches each element once and exclusively for `'a`.
        unsafe { Self::from_raw_parts(T::DTYPE, view.as_mut_ptr().cast(), shape, strides) }
    }
}

impl<'a, T: Element, D: Dimension> From<&'a mut Array<T, D>> for TensorMut<'a> {
    fn from(array: &'a mut Array<T, D>) -> Self {
        array.view_mut().into()
    }
}

impl<'a> From<&'a mut Tensor> for TensorMut<'a> {
    fn from(tensor: &'a mut Tensor) -> Self {
        let (dtype, shape) = (tensor.dtype(), DimVec::from(tensor.shape()));
        let strides = row_major_strides(&shape);
        // SAFETY: a tensor owns its row-major elements, and the borrow is exclusive.
        unsafe { Self::from_raw_parts(dtype, tensor.as_mut_ptr(), shape, strides) }
    }
}

/// `f32[2, 3] strides [3, 1]`.
impl std::fmt::Debug for TensorRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{:?} strides {:?}", self.dtype, &self.shape[..], &self.strides[..])
    }
}

/// As [`TensorRef`], after `mut`.
impl std::fmt::Debug for TensorMut<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "mut {:?}", self.view)
    }
}

#[cfg(test)]
mod tests;
