//! Bytes aligned for any vector unit.

use crate::error::Error;
use std::alloc::{Layout, alloc, alloc_zeroed, dealloc};
use std::ptr::NonNull;

/// Alignment of every own buffer, in bytes: a cache line and a 512-bit vector.
pub const ALIGN: usize = 64;

/// The largest buffer, in bytes: the user half of a 48-bit address space.
pub const MAX_BYTES: usize = (1 << 47) - ALIGN;

/// Alignment asked of the allocator; the rest of the way to [`ALIGN`] is ours.
///
/// An allocator asked for 64 takes the aligned path, which clears zeroed memory by hand. At 16 it takes `calloc`, which leaves large
/// blocks to the kernel's zero pages, so that a fresh output is not written twice.
const SYSTEM_ALIGN: usize = 16;

/// Owned bytes whose address is a multiple of [`ALIGN`], also when there are none.
pub struct AlignedBuf {
    /// What the allocator returned; `None` where nothing was allocated.
    base: Option<NonNull<u8>>,
    /// First byte.
    ptr: NonNull<u8>,
    /// Bytes.
    len: usize,
}

// SAFETY: the buffer owns its bytes; shared access is read-only and exclusive access needs `&mut`.
unsafe impl Send for AlignedBuf {}
// SAFETY: as above.
unsafe impl Sync for AlignedBuf {}

impl AlignedBuf {
    /// A buffer of `len` zero bytes.
    ///
    /// # Errors
    ///
    /// `allocation-failed` if the system refuses or `len` is above [`MAX_BYTES`].
    pub fn zeroed(len: usize) -> Result<Self, Error> {
        // SAFETY: `allocate` passes a layout of non-zero size.
        Self::allocate(len, |layout| unsafe { alloc_zeroed(layout) })
    }

    /// A buffer of `len` bytes with unspecified contents, for scratch memory reached through [`AlignedBuf::as_mut_ptr`].
    ///
    /// # Errors
    ///
    /// `allocation-failed` if the system refuses or `len` is above [`MAX_BYTES`].
    ///
    /// # Safety
    ///
    /// A byte must be written before it is read; in particular [`AlignedBuf::as_slice`] is for buffers written in full.
    pub unsafe fn uninit(len: usize) -> Result<Self, Error> {
        // SAFETY: `allocate` passes a layout of non-zero size.
        Self::allocate(len, |layout| unsafe { alloc(layout) })
    }

    /// A copy of `bytes`.
    ///
    /// # Errors
    ///
    /// `allocation-failed` if the system refuses.
    pub fn copy_of(bytes: &[u8]) -> Result<Self, Error> {
        // SAFETY: every byte is written by the copy before anything can read it.
        unsafe {
            let buf = Self::uninit(bytes.len())?;
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), buf.ptr.as_ptr(), bytes.len());
            Ok(buf)
        }
    }

    fn allocate(len: usize, system: impl FnOnce(Layout) -> *mut u8) -> Result<Self, Error> {
        if len == 0 {
            let ptr = NonNull::new(std::ptr::without_provenance_mut(ALIGN)).expect("ALIGN is not zero");
            return Ok(Self { base: None, ptr, len });
        }
        let layout = Self::layout(len).ok_or(Error::AllocationFailed { bytes: len })?;
        let base = NonNull::new(system(layout)).ok_or(Error::AllocationFailed { bytes: len })?;
        let skip = base.as_ptr().addr().wrapping_neg() % ALIGN;
        // SAFETY: `skip < ALIGN`, and the layout holds `len + ALIGN` bytes.
        let ptr = unsafe { base.add(skip) };
        Ok(Self { base: Some(base), ptr, len })
    }

    fn layout(len: usize) -> Option<Layout> {
        if len > MAX_BYTES {
            return None;
        }
        Layout::from_size_align(len.checked_add(ALIGN)?, SYSTEM_ALIGN).ok()
    }

    /// Number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Address of the first byte: never null, a multiple of [`ALIGN`].
    #[must_use]
    pub fn as_ptr(&self) -> *const u8 {
        self.ptr.as_ptr()
    }

    /// Address of the first byte, for writing.
    #[must_use]
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.ptr.as_ptr()
    }

    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: `len` bytes are owned; they are initialised by the contract of `uninit` and by construction elsewhere.
        unsafe { std::slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }

    /// The bytes, for writing.
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }
}

impl Drop for AlignedBuf {
    fn drop(&mut self) {
        if let Some(base) = self.base {
            let layout = Self::layout(self.len).expect("the same layout was valid at allocation");
            // SAFETY: `base` came from the allocator with this very layout.
            unsafe { dealloc(base.as_ptr(), layout) };
        }
    }
}

impl std::fmt::Debug for AlignedBuf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AlignedBuf({} bytes)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_aligned_and_zero() {
        for len in [0, 1, 63, 64, 65, 1000, 1 << 20] {
            let buf = AlignedBuf::zeroed(len).unwrap();
            assert_eq!(buf.as_ptr().addr() % ALIGN, 0);
            assert!(!buf.as_ptr().is_null());
            assert_eq!(buf.as_slice().len(), len);
            assert!(buf.as_slice().iter().all(|&b| b == 0));
        }
    }

    #[test]
    fn absurd_sizes_are_errors() {
        for len in [MAX_BYTES + 1, usize::MAX, usize::MAX - 63, isize::MAX as usize] {
            assert_eq!(AlignedBuf::zeroed(len).unwrap_err(), Error::AllocationFailed { bytes: len });
        }
    }

    #[test]
    fn copies_hold_the_bytes() {
        let mut buf = AlignedBuf::copy_of(b"einsum").unwrap();
        buf.as_mut_slice()[0] = b'E';
        assert_eq!(buf.as_slice(), b"Einsum");
    }
}
