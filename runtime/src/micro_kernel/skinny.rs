//! Products with a narrow side, which are bound by reading the wide factor once.
//!
//! The library packs the wide factor for these, which reads it two or three times, with strides that fall on few cache sets. Measured with
//! 4000 x 4000 f32 and 2 to 8 columns: 3.9 ms by packing, 0.7 to 1.4 ms here; with 4096 x 4096, 5 to 17 ms by packing.

use super::gemm::GemmArgs;

/// The narrow side has at most this many columns where the wide factor has contiguous rows; at 16 packing is as fast.
const NARROW_ROWS: usize = 8;

/// The same where it has contiguous columns, each of the narrow columns reading it again; at 8 packing is as fast.
const NARROW_COLUMNS: usize = 4;

/// Shorter sides than this are left to the library: its small kernels are as good, and the blocks here would be fragments.
const WIDE: usize = 32;

/// Elements of a block on the stack: 16 KiB of c128.
const BLOCK: usize = 1024;

/// Products of at most this many elements go to the library's dot kernels, which read both factors along contiguous sums.
const DOT_KERNEL: usize = 256;

/// Bytes of the wide factor that each narrow column reads again from the second-level cache.
const CACHED_BYTES: usize = 256 << 10;

/// An element type as the narrow products see it.
pub(super) trait Scalar: Copy + std::ops::Add<Output = Self> + 'static {
    /// Neutral to addition.
    const ZERO: Self;
    /// Whether the library has dot kernels for it on this processor.
    const DOT_KERNELS: bool;
    /// Any product, by the library.
    ///
    /// # Safety
    ///
    /// As [`super::GemmFn`].
    unsafe fn library(args: &GemmArgs);
}

/// Computes the product if it is narrow, and says whether it did.
///
/// # Safety
///
/// As [`super::GemmFn`].
pub(super) unsafe fn try_product<T: Scalar>(args: &GemmArgs) -> bool {
    let args = if args.n <= args.m { *args } else { args.transposed() };
    if args.n == 0 || args.n > NARROW_ROWS || args.m < WIDE || args.k < WIDE {
        return false;
    }
    // SAFETY: both compute exactly the product, by library calls on parts of it.
    unsafe {
        if args.lhs_cs == 1 && !(args.n == 1 && args.rhs_rs == 1) {
            by_rows::<T>(&args);
            true
        } else if args.lhs_rs == 1 && args.n <= NARROW_COLUMNS && !(args.n == 1 && args.dst_rs == 1) {
            by_columns::<T>(&args);
            true
        } else {
            false
        }
    }
}

/// The wide factor has contiguous rows: dot products, with the narrow factor made contiguous along the sum.
///
/// # Safety
///
/// As [`super::GemmFn`].
unsafe fn by_rows<T: Scalar>(args: &GemmArgs) {
    let mut packed = [T::ZERO; BLOCK];
    let depth = if args.rhs_rs == 1 { args.k } else { BLOCK / args.n };
    for p in (0..args.k).step_by(depth) {
        let mut slice = args.along_sum::<T>(p, depth.min(args.k - p));
        // SAFETY: `packed` has room for `n` columns of `depth` elements, and `slice` reads inside the factors.
        unsafe {
            if args.rhs_rs != 1 {
                pack_columns::<T>(&slice, &mut packed);
                (slice.rhs, slice.rhs_rs, slice.rhs_cs) = (packed.as_ptr().cast(), 1, slice.k as isize);
            }
            dots::<T>(&slice);
        }
    }
}

/// # Safety
///
/// As [`super::GemmFn`], and `packed` has room for `k * n` elements.
unsafe fn pack_columns<T: Scalar>(args: &GemmArgs, packed: &mut [T]) {
    for (j, column) in packed.chunks_exact_mut(args.k).take(args.n).enumerate() {
        let first = args.rhs.cast::<T>().wrapping_offset(j as isize * args.rhs_cs);
        for (p, value) in column.iter_mut().enumerate() {
            // SAFETY: `p < k` and `j < n`.
            *value = unsafe { *first.wrapping_offset(p as isize * args.rhs_rs) };
        }
    }
}

/// Dot products in blocks of rows: by the library's dot kernels, or column after column while the rows stay in the cache.
///
/// # Safety
///
/// As [`super::GemmFn`].
unsafe fn dots<T: Scalar>(args: &GemmArgs) {
    let by_kernel = T::DOT_KERNELS && args.n > 1;
    let rows = if by_kernel { DOT_KERNEL / args.n } else { (CACHED_BYTES / (args.k * size_of::<T>())).clamp(8, args.m) };
    for i in (0..args.m).step_by(rows) {
        let block = args.rows::<T>(i, rows.min(args.m - i));
        // SAFETY: parts of a valid product.
        unsafe {
            if by_kernel {
                T::library(&block);
            } else {
                (0..args.n).for_each(|j| T::library(&block.column::<T>(j)));
            }
        }
    }
}

/// The wide factor has contiguous columns: each result column is a sum of them, gathered in a contiguous block.
///
/// # Safety
///
/// As [`super::GemmFn`].
unsafe fn by_columns<T: Scalar>(args: &GemmArgs) {
    let mut sums = [T::ZERO; BLOCK];
    let rows = if args.dst_rs == 1 { args.m } else { BLOCK };
    for i in (0..args.m).step_by(rows) {
        let block = args.rows::<T>(i, rows.min(args.m - i));
        for j in 0..args.n {
            let column = block.column::<T>(j);
            // SAFETY: `sums` has room for the rows of a block; the rest is part of a valid product.
            unsafe {
                if args.dst_rs == 1 {
                    T::library(&column);
                } else {
                    T::library(&GemmArgs { dst: sums.as_mut_ptr().cast(), dst_rs: 1, accumulate: 0, ..column });
                    store_column::<T>(&column, &sums);
                }
            }
        }
    }
}

/// # Safety
///
/// As [`super::GemmFn`], and `sums` has at least `m` elements.
unsafe fn store_column<T: Scalar>(args: &GemmArgs, sums: &[T]) {
    for (i, &sum) in sums[..args.m].iter().enumerate() {
        let at = args.dst.cast::<T>().wrapping_offset(i as isize * args.dst_rs);
        // SAFETY: `i < m`.
        unsafe { at.write(if args.accumulate != 0 { at.read() + sum } else { sum }) };
    }
}

impl GemmArgs {
    /// The product of the transposes, which is the transpose of the product.
    fn transposed(&self) -> Self {
        Self {
            m: self.n,
            n: self.m,
            dst_rs: self.dst_cs,
            dst_cs: self.dst_rs,
            lhs: self.rhs,
            lhs_rs: self.rhs_cs,
            lhs_cs: self.rhs_rs,
            rhs: self.lhs,
            rhs_rs: self.lhs_cs,
            rhs_cs: self.lhs_rs,
            ..*self
        }
    }

    /// Rows `i..i + m` of the result.
    fn rows<T>(&self, i: usize, m: usize) -> Self {
        let dst = self.dst.cast::<T>().wrapping_offset(i as isize * self.dst_rs).cast();
        let lhs = self.lhs.cast::<T>().wrapping_offset(i as isize * self.lhs_rs).cast();
        Self { m, dst, lhs, ..*self }
    }

    /// Column `j` of the result.
    fn column<T>(&self, j: usize) -> Self {
        let dst = self.dst.cast::<T>().wrapping_offset(j as isize * self.dst_cs).cast();
        let rhs = self.rhs.cast::<T>().wrapping_offset(j as isize * self.rhs_cs).cast();
        Self { n: 1, dst, rhs, ..*self }
    }

    /// The part `p..p + k` of the sum; all but the first are added to the result.
    fn along_sum<T>(&self, p: usize, k: usize) -> Self {
        let lhs = self.lhs.cast::<T>().wrapping_offset(p as isize * self.lhs_cs).cast();
        let rhs = self.rhs.cast::<T>().wrapping_offset(p as isize * self.rhs_rs).cast();
        Self { k, lhs, rhs, accumulate: if p > 0 { 1 } else { self.accumulate }, ..*self }
    }
}
