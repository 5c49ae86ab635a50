//! Functions of whole tensors, called by compiled programs: decompositions by `faer`, Fourier transforms by `rustfft`, sorting by the
//! standard library. Conventions are those of [`ein_ir::library`].
//!
//! Everything runs on the calling thread, in workspace of the program's, so that the bits do not depend on the number of threads.
//! Operands are checked before a library sees them: none is asked about an empty matrix or a number that is not finite. Twiddle factors
//! of Fourier transforms are made once for a length and kept for the next calls.

mod decompose;
mod fourier;
mod number;
mod order;
#[cfg(test)]
mod tests;

use ein_ir::dtype::DType;
use ein_ir::library::Problem;
use ein_ir::tensor::MultiOp;
use num_complex::Complex;
use number::Number;
use std::cell::Cell;
use std::mem::MaybeUninit;

/// Greatest number of operands.
pub const N_ARGS: usize = 2;
/// Greatest number of results.
pub const N_RESULTS: usize = 3;

/// What compiled code passes: addresses of row-major memory, and the numbers of a [`Problem`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LibraryArgs {
    /// First element of each operand; null where the function has none.
    pub args: [*const u8; N_ARGS],
    /// First element of each result; null where it is not wanted.
    pub results: [*mut u8; N_RESULTS],
    /// Workspace.
    pub workspace: *mut u8,
    /// Its length.
    pub workspace_bytes: u64,
    /// [`Problem::batch`]
    pub batch: u64,
    /// [`Problem::m`]
    pub m: u64,
    /// [`Problem::n`]
    pub n: u64,
    /// [`Problem::k`]
    pub k: u64,
    /// [`op_number`] of the function.
    pub op: u64,
    /// [`dtype_number`] of the first operand.
    pub dtype: u64,
    /// [`Problem::reversed`], 0 or 1.
    pub reversed: u64,
}

/// The number of a function in [`LibraryArgs`].
#[must_use]
pub fn op_number(op: MultiOp) -> u64 {
    MultiOp::ALL.iter().position(|o| *o == op).unwrap_or(usize::MAX) as u64
}

/// The number of an element type in [`LibraryArgs`].
#[must_use]
pub fn dtype_number(dtype: DType) -> u64 {
    DType::ALL.iter().position(|d| *d == dtype).unwrap_or(usize::MAX) as u64
}

thread_local! {
    static FAILED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// The element of the batch for which the last function on this thread failed; `None` if there was one element. Asking forgets it.
#[must_use]
pub fn take_failed_element() -> Option<u64> {
    FAILED.take()
}

/// Solves a problem. Returns 0, or 1 if it fails as [`ein_ir::library::failure`] says.
///
/// # Safety
///
/// The numbers are those of a problem; operands and results have its sizes and element types, and their alignment; the workspace has
/// the length stated; nothing that is written overlaps anything else.
pub unsafe extern "C" fn library(args: *const LibraryArgs) -> u32 {
    // SAFETY: the caller's promise.
    let args = unsafe { &*args };
    let (Some(&op), Some(&dtype)) = (MultiOp::ALL.get(args.op as usize), DType::ALL.get(args.dtype as usize)) else { return 1 };
    let problem = Problem { op, dtype, batch: args.batch, m: args.m, n: args.n, k: args.k, reversed: args.reversed != 0 };
    // SAFETY: the caller's promise.
    let mut memory = unsafe { Memory::new(problem, args) };
    match solve(&problem, &mut memory) {
        Ok(()) => 0,
        Err(element) => {
            FAILED.set((problem.batch > 1).then_some(element));
            1
        }
    }
}

/// Solves every problem of the batch.
///
/// # Errors
/// The number of the first that fails.
fn solve(problem: &Problem, memory: &mut Memory<'_>) -> Result<(), u64> {
    for element in 0..problem.batch {
        memory.element = element;
        let solved = match problem.op {
            MultiOp::Sort | MultiOp::TopK => order::sort(problem, memory),
            MultiOp::Fft | MultiOp::Ifft | MultiOp::Rfft | MultiOp::Irfft => match problem.dtype.real() {
                DType::F32 => fourier::transform::<f32>(problem, memory),
                _ => fourier::transform::<f64>(problem, memory),
            },
            _ => match problem.dtype {
                DType::F32 => decompose::matrix_function::<f32>(problem, memory),
                DType::F64 => decompose::matrix_function::<f64>(problem, memory),
                DType::C64 => decompose::matrix_function::<Complex<f32>>(problem, memory),
                _ => decompose::matrix_function::<Complex<f64>>(problem, memory),
            },
        };
        solved.ok_or(element)?;
    }
    Ok(())
}

/// Memory of a call, seen as that of one element of the batch.
struct Memory<'a> {
    problem: Problem,
    args: &'a LibraryArgs,
    workspace: &'a mut [MaybeUninit<u8>],
    element: u64,
}

impl<'a> Memory<'a> {
    /// # Safety
    ///
    /// As [`library`].
    unsafe fn new(problem: Problem, args: &'a LibraryArgs) -> Self {
        let workspace: &mut [MaybeUninit<u8>] = match args.workspace_bytes {
            0 => &mut [],
            // SAFETY: the caller's promise; any bytes are `MaybeUninit`.
            n => unsafe { std::slice::from_raw_parts_mut(args.workspace.cast(), n as usize) },
        };
        Self { problem, args, workspace, element: 0 }
    }

    /// An operand.
    fn arg<T: Number>(&self, n: usize) -> &'a [T] {
        let size = self.problem.arg_size(n) as usize;
        if size == 0 {
            return &[];
        }
        debug_assert_eq!(size_of::<T>(), self.problem.dtype.bytes());
        // SAFETY: by the promise of `new` the operand has `batch` times `size` elements of its type, which `T` is.
        unsafe { std::slice::from_raw_parts(self.args.args[n].cast::<T>().add(self.element as usize * size), size) }
    }

    /// A result; empty if it is not wanted.
    fn result<T: Number>(&mut self, n: usize) -> &mut [T] {
        let (dtype, size) = self.problem.result(n).unwrap_or((self.problem.dtype, 0));
        let size = size as usize;
        if size == 0 || self.args.results[n].is_null() {
            return &mut [];
        }
        debug_assert_eq!(size_of::<T>(), dtype.bytes());
        // SAFETY: by the promise of `new` the result has `batch` times `size` elements of its type, which `T` is, and overlaps
        // nothing; the borrow of `self` keeps it the only reference to results.
        unsafe { std::slice::from_raw_parts_mut(self.args.results[n].cast::<T>().add(self.element as usize * size), size) }
    }

    /// Fills every result of the element with NaN.
    fn fill_nan(&mut self) {
        for n in 0..N_RESULTS {
            match self.problem.result(n) {
                Some((DType::F32, _)) => self.result::<f32>(n).fill(f32::NAN),
                Some((DType::F64, _)) => self.result::<f64>(n).fill(f64::NAN),
                Some((DType::C64, _)) => self.result::<Complex<f32>>(n).fill(Complex::new(f32::NAN, f32::NAN)),
                Some((DType::C128, _)) => self.result::<Complex<f64>>(n).fill(Complex::new(f64::NAN, f64::NAN)),
                _ => {}
            }
        }
    }
}
