//! Fourier transforms of one row.

use super::Memory;
use super::decompose::with_stack;
use super::number::{Field, Number};
use ein_ir::library::Problem;
use ein_ir::tensor::MultiOp;
use faer::dyn_stack::{MemStack, StackReq};
use num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftNum, FftPlanner};
use std::sync::{Arc, Mutex, PoisonError};

/// Lengths whose twiddle factors are kept.
const KEPT: usize = 64;

/// A transform of some length.
#[derive(Clone)]
enum Transform<T> {
    Complex(Arc<dyn Fft<T>>),
    Forward(Arc<dyn RealToComplex<T>>),
    Inverse(Arc<dyn ComplexToReal<T>>),
}

/// Transforms made before, the oldest first.
pub(super) struct Kept<T>(Mutex<Vec<Entry<T>>>);

/// A transform by its function and length.
type Entry<T> = ((MultiOp, usize), Transform<T>);

impl<T> Kept<T> {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

/// f32 or f64.
pub(super) trait Part: FftNum + Number + Field {
    fn kept() -> &'static Kept<Self>;
}

impl Part for f32 {
    fn kept() -> &'static Kept<Self> {
        static KEPT: Kept<f32> = Kept::new();
        &KEPT
    }
}

impl Part for f64 {
    fn kept() -> &'static Kept<Self> {
        static KEPT: Kept<f64> = Kept::new();
        &KEPT
    }
}

fn make<T: Part>(op: MultiOp, n: usize) -> Transform<T> {
    match op {
        MultiOp::Rfft => Transform::Forward(RealFftPlanner::new().plan_fft_forward(n)),
        MultiOp::Irfft => Transform::Inverse(RealFftPlanner::new().plan_fft_inverse(n)),
        MultiOp::Ifft => Transform::Complex(FftPlanner::new().plan_fft_inverse(n)),
        _ => Transform::Complex(FftPlanner::new().plan_fft_forward(n)),
    }
}

fn planned<T: Part>(op: MultiOp, n: usize) -> Transform<T> {
    let mut kept = T::kept().0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, transform)) = kept.iter().find(|(key, _)| *key == (op, n)) {
        return transform.clone();
    }
    let transform = make(op, n);
    if kept.len() == KEPT {
        kept.remove(0);
    }
    kept.push(((op, n), transform.clone()));
    transform
}

/// Elements of workspace: complex numbers, and real ones.
fn scratch<T: Part>(transform: &Transform<T>, n: usize) -> (usize, usize) {
    match transform {
        Transform::Complex(fft) => (fft.get_inplace_scratch_len(), 0),
        Transform::Forward(fft) => (fft.get_scratch_len(), n),
        Transform::Inverse(fft) => (fft.get_scratch_len() + n / 2 + 1, 0),
    }
}

fn request<T: Part>((complex, real): (usize, usize)) -> StackReq {
    StackReq::all_of(&[StackReq::new::<Complex<T>>(complex), StackReq::new::<T>(real)])
}

/// What a problem needs of workspace.
#[cfg(test)]
pub(super) fn workspace<T: Part>(problem: &Problem) -> StackReq {
    let n = length(problem);
    if n == 0 { StackReq::EMPTY } else { request::<T>(scratch::<T>(&planned(problem.op, n), n)) }
}

/// Elements of the signal.
const fn length(problem: &Problem) -> usize {
    (if matches!(problem.op, MultiOp::Irfft) { problem.k } else { problem.n }) as usize
}

/// Transforms one row. It cannot fail.
pub(super) fn transform<T: Part>(problem: &Problem, memory: &mut Memory<'_>) -> Option<()>
where
    Complex<T>: Field,
{
    let finite = match problem.op {
        MultiOp::Rfft => memory.arg::<T>(0).iter().all(|x| x.all_finite()),
        _ => memory.arg::<Complex<T>>(0).iter().all(|z| z.all_finite()),
    };
    let n = length(problem);
    if !finite {
        memory.fill_nan();
    } else if n == 0 {
        memory.result::<Complex<T>>(0).fill(Complex::new(T::zero(), T::zero()));
    } else {
        let transform = planned::<T>(problem.op, n);
        let sizes = scratch(&transform, n);
        let workspace = std::mem::take(&mut memory.workspace);
        with_stack(&mut *workspace, request::<T>(sizes), |stack| carry_out(&transform, sizes, memory, stack));
        memory.workspace = workspace;
        if matches!(problem.op, MultiOp::Ifft | MultiOp::Irfft) {
            divide(problem, memory, T::from_parts(1.0 / n as f64, 0.0));
        }
    }
    Some(())
}

fn carry_out<T: Part>(transform: &Transform<T>, (complex, real): (usize, usize), memory: &mut Memory<'_>, stack: &mut MemStack)
where
    Complex<T>: Field,
{
    let zero = Complex::new(T::zero(), T::zero());
    let (mut scratch, stack) = stack.make_with(complex, |_| zero);
    let (mut signal, _) = stack.make_with(real, |_| T::zero());
    match transform {
        Transform::Complex(fft) => {
            let from = memory.arg::<Complex<T>>(0);
            let to = memory.result::<Complex<T>>(0);
            to.copy_from_slice(from);
            fft.process_with_scratch(to, &mut scratch);
        }
        Transform::Forward(fft) => {
            signal.copy_from_slice(memory.arg::<T>(0));
            // The lengths are the plan's own.
            let _ = fft.process_with_scratch(&mut signal, memory.result::<Complex<T>>(0), &mut scratch);
        }
        Transform::Inverse(fft) => {
            let from = memory.arg::<Complex<T>>(0);
            let (components, scratch) = scratch.split_at_mut(from.len());
            components.copy_from_slice(from);
            // They are their own conjugates: what they have of imaginary parts is ignored.
            components[0].im = T::zero();
            if fft.len().is_multiple_of(2) {
                components[from.len() - 1].im = T::zero();
            }
            let _ = fft.process_with_scratch(components, memory.result::<T>(0), scratch);
        }
    }
}

fn divide<T: Part>(problem: &Problem, memory: &mut Memory<'_>, by: T)
where
    Complex<T>: Field,
{
    if problem.op == MultiOp::Irfft {
        memory.result::<T>(0).iter_mut().for_each(|x| *x *= by);
    } else {
        memory.result::<Complex<T>>(0).iter_mut().for_each(|z| *z = Complex::new(z.re * by, z.im * by));
    }
}
