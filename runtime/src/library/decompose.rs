//! Functions of one matrix.

use super::Memory;
use super::number::Field;
use ein_ir::library::Problem;
use ein_ir::tensor::MultiOp;
use faer::dyn_stack::{MemBuffer, MemStack, StackReq};
use faer::linalg::cholesky::llt::factor as llt;
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch as apply_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as apply,
};
use faer::linalg::lu::partial_pivoting::{factor as lu, solve as lu_solve};
use faer::linalg::qr::no_pivoting::{factor as qr, solve as qr_solve};
use faer::linalg::svd::{ComputeSvdVectors, svd, svd_scratch};
use faer::linalg::{temp_mat_scratch, temp_mat_zeroed};
use faer::mat::AsMatMut;
use faer::prelude::default;
use faer::{Conj, MatMut, MatRef, Par};
use std::mem::MaybeUninit;

const PAR: Par = Par::Seq;

/// Calls `f` with the workspace, or with memory of its own if that is too small, which the tests show does not happen.
pub(super) fn with_stack<R>(workspace: &mut [MaybeUninit<u8>], request: StackReq, f: impl FnOnce(&mut MemStack) -> R) -> R {
    if request.unaligned_bytes_required() <= workspace.len() {
        f(MemStack::new(workspace))
    } else {
        f(MemStack::new(&mut MemBuffer::new(request)))
    }
}

/// The function of one matrix of the batch; `None` if it fails.
pub(super) fn matrix_function<T: Field>(problem: &Problem, memory: &mut Memory<'_>) -> Option<()> {
    if !reads_finite::<T>(problem, memory) {
        memory.fill_nan();
        return Some(());
    }
    if problem.m == 0 || problem.n == 0 {
        empty::<T>(problem, memory);
        return Some(());
    }
    let workspace = std::mem::take(&mut memory.workspace);
    let solved = with_stack(&mut *workspace, request::<T>(problem), |stack| match problem.op {
        MultiOp::Solve | MultiOp::Inv | MultiOp::Det => eliminate::<T>(problem, memory, stack),
        MultiOp::Cholesky => cholesky::<T>(problem, memory, stack),
        MultiOp::Qr => orthogonalise::<T>(problem, memory, stack),
        MultiOp::Lstsq => least_squares::<T>(problem, memory, stack),
        MultiOp::Eigh => eigen::<T>(problem, memory, stack),
        _ => singular::<T>(problem, memory, stack),
    });
    memory.workspace = workspace;
    solved
}

/// Whether the entries that the function reads are finite.
fn reads_finite<T: Field>(problem: &Problem, memory: &Memory<'_>) -> bool {
    let lower_alone = matches!(problem.op, MultiOp::Cholesky | MultiOp::Eigh);
    let n = problem.n.max(1) as usize;
    let is_read = |position: usize| !lower_alone || position % n <= position / n;
    let rhs: &[T] = if matches!(problem.op, MultiOp::Solve | MultiOp::Lstsq) { memory.arg(1) } else { &[] };
    memory.arg::<T>(0).iter().enumerate().all(|(position, z)| !is_read(position) || z.all_finite()) && rhs.iter().all(|z| z.all_finite())
}

/// The function of a matrix without rows or columns: products of nothing are 1, sums 0. There are results of some size only for `det`.
fn empty<T: Field>(problem: &Problem, memory: &mut Memory<'_>) {
    if problem.op == MultiOp::Det {
        memory.result::<T>(0).fill(T::from_parts(1.0, 0.0));
    }
}

/// Columns that are solved for: the inverse is the solution for the identity.
const fn right_sides(problem: &Problem) -> usize {
    match problem.op {
        MultiOp::Inv => problem.n as usize,
        MultiOp::Det => 0,
        _ => problem.k as usize,
    }
}

/// What a problem needs of workspace.
pub(super) fn request<T: Field>(problem: &Problem) -> StackReq {
    let (m, n, k) = (problem.m as usize, problem.n as usize, right_sides(problem));
    let mat = temp_mat_scratch::<T>;
    let block = qr::recommended_block_size::<T>(m, n);
    match problem.op {
        _ if m == 0 || n == 0 => StackReq::EMPTY,
        MultiOp::Solve | MultiOp::Inv | MultiOp::Det => StackReq::all_of(&[
            mat(n, n),
            mat(n, k),
            StackReq::new::<usize>(n).array(2),
            StackReq::any_of(&[
                lu::lu_in_place_scratch::<usize, T>(n, n, PAR, default()),
                lu_solve::solve_in_place_scratch::<usize, T>(n, k, PAR),
            ]),
        ]),
        MultiOp::Cholesky => StackReq::all_of(&[mat(n, n), llt::cholesky_in_place_scratch::<T>(n, PAR, default())]),
        MultiOp::Qr => StackReq::all_of(&[
            mat(m, n),
            mat(block, n),
            mat(m, n),
            StackReq::any_of(&[qr::qr_in_place_scratch::<T>(m, n, block, PAR, default()), apply_scratch::<T>(m, block, n)]),
        ]),
        MultiOp::Lstsq => StackReq::all_of(&[
            mat(m, n),
            mat(block, n),
            mat(m, k),
            StackReq::any_of(&[
                qr::qr_in_place_scratch::<T>(m, n, block, PAR, default()),
                qr_solve::solve_lstsq_in_place_scratch::<T>(m, n, block, k, PAR),
            ]),
        ]),
        MultiOp::Eigh => {
            StackReq::all_of(&[mat(n, n), mat(n, n), mat(n, 1), self_adjoint_evd_scratch::<T>(n, ComputeEigenvectors::Yes, PAR, default())])
        }
        _ => StackReq::all_of(&[
            mat(m, n),
            mat(m, n),
            mat(n, n),
            mat(n, 1),
            svd_scratch::<T>(m, n, ComputeSvdVectors::Thin, ComputeSvdVectors::Thin, PAR, default()),
        ]),
    }
}

/// Copies a row-major matrix times a power of two.
fn load<T: Field>(mut to: MatMut<'_, T>, from: &[T], exponent: i32) {
    let columns = to.ncols();
    for (row, entries) in from.chunks_exact(columns.max(1)).enumerate() {
        for (column, z) in entries.iter().enumerate() {
            to[(row, column)] = if exponent == 0 { *z } else { z.times_power(exponent) };
        }
    }
}

/// Copies the first rows of a matrix, each entry through `f`, to row-major memory; nothing if that is empty.
fn store<T: Field>(to: &mut [T], from: MatRef<'_, T>, f: impl Fn(usize, usize, T) -> T) {
    let columns = from.ncols();
    for (row, entries) in to.chunks_exact_mut(columns.max(1)).enumerate() {
        for (column, z) in entries.iter_mut().enumerate() {
            *z = f(row, column, from[(row, column)]);
        }
    }
}

/// The power of two next above the largest part: dividing by it loses nothing, and squares of the quotients neither overflow nor vanish.
fn exponent_of<'a, T: Field>(entries: impl IntoIterator<Item = &'a T>) -> i32 {
    let largest = entries.into_iter().fold(0.0f64, |max, z| {
        let (re, im) = z.parts();
        max.max(re.abs()).max(im.abs())
    });
    match largest {
        0.0 => 0,
        x if x < f64::MIN_POSITIVE => -1022,
        x => ((x.to_bits() >> 52) & 0x7ff) as i32 - 1022,
    }
}

const fn conj((c, s): (f64, f64)) -> (f64, f64) {
    (c, -s)
}

/// `solve`, `inv` and `det`, by elimination with row pivoting.
fn eliminate<T: Field>(problem: &Problem, memory: &mut Memory<'_>, stack: &mut MemStack) -> Option<()> {
    let n = problem.n as usize;
    let k = right_sides(problem);
    let (mut a, stack) = temp_mat_zeroed::<T, _, _>(n, n, stack);
    let (mut rhs, stack) = temp_mat_zeroed::<T, _, _>(n, k, stack);
    let (mut forward, stack) = stack.make_with(n, |_| 0usize);
    let (mut backward, stack) = stack.make_with(n, |_| 0usize);
    let (mut a, mut rhs) = (a.as_mat_mut(), rhs.as_mat_mut());
    load(a.as_mut(), memory.arg(0), 0);
    let (info, permutation) = lu::lu_in_place(a.as_mut(), &mut forward, &mut backward, PAR, stack, default());
    let swaps_sign = if info.transposition_count.is_multiple_of(2) { 1.0 } else { -1.0 };
    let pivot = |i: usize| a[(i, i)].parts();
    if problem.op == MultiOp::Det {
        let product = (0..n).fold(T::from_parts(swaps_sign, 0.0), |product, i| product.turned(pivot(i)));
        memory.result::<T>(0).fill(product);
        return Some(());
    }
    if (0..n).any(|i| pivot(i) == (0.0, 0.0)) {
        return None;
    }
    if problem.op == MultiOp::Inv {
        (0..n).for_each(|i| rhs[(i, i)] = T::from_parts(1.0, 0.0));
    } else {
        load(rhs.as_mut(), memory.arg(1), 0);
    }
    lu_solve::solve_in_place_with_conj(a.as_ref(), a.as_ref(), permutation, Conj::No, rhs.as_mut(), PAR, stack);
    store(memory.result::<T>(0), rhs.as_ref(), |_, _, z| z);
    Some(())
}

fn cholesky<T: Field>(problem: &Problem, memory: &mut Memory<'_>, stack: &mut MemStack) -> Option<()> {
    let n = problem.n as usize;
    let (mut a, stack) = temp_mat_zeroed::<T, _, _>(n, n, stack);
    let mut a = a.as_mat_mut();
    load_lower(a.as_mut(), memory.arg(0), 0);
    llt::cholesky_in_place(a.as_mut(), Default::default(), PAR, stack, default()).ok()?;
    store(memory.result::<T>(0), a.as_ref(), |row, column, z| if column <= row { z } else { T::from_parts(0.0, 0.0) });
    Some(())
}

/// The lower triangle, with a real diagonal.
fn load_lower<T: Field>(mut to: MatMut<'_, T>, from: &[T], exponent: i32) {
    let n = to.ncols();
    for row in 0..n {
        for column in 0..=row {
            to[(row, column)] = from[row * n + column].times_power(exponent);
        }
        to[(row, row)] = T::from_parts(to[(row, row)].parts().0, 0.0);
    }
}

fn orthogonalise<T: Field>(problem: &Problem, memory: &mut Memory<'_>, stack: &mut MemStack) -> Option<()> {
    let (m, n) = (problem.m as usize, problem.n as usize);
    let block = qr::recommended_block_size::<T>(m, n);
    let (mut a, stack) = temp_mat_zeroed::<T, _, _>(m, n, stack);
    let (mut factor, stack) = temp_mat_zeroed::<T, _, _>(block, n, stack);
    let (mut q, stack) = temp_mat_zeroed::<T, _, _>(m, n, stack);
    let (mut a, mut factor, mut q) = (a.as_mat_mut(), factor.as_mat_mut(), q.as_mat_mut());
    let exponent = exponent_of(memory.arg::<T>(0));
    load(a.as_mut(), memory.arg(0), -exponent);
    qr::qr_in_place(a.as_mut(), factor.as_mut(), PAR, stack, default());
    (0..n).for_each(|i| q[(i, i)] = T::from_parts(1.0, 0.0));
    apply(a.as_ref(), factor.as_ref(), Conj::No, q.as_mut(), PAR, stack);
    let phase = |i: usize| a[(i, i)].phase();
    store(memory.result::<T>(0), q.as_ref(), |_, column, z| z.turned(phase(column)));
    store(memory.result::<T>(1), a.as_ref(), |row, column, z| match column.cmp(&row) {
        std::cmp::Ordering::Less => T::from_parts(0.0, 0.0),
        std::cmp::Ordering::Equal => T::from_parts(z.modulus(), 0.0).times_power(exponent),
        std::cmp::Ordering::Greater => z.turned(conj(phase(row))).times_power(exponent),
    });
    Some(())
}

/// Fails if the columns are dependent up to rounding.
fn least_squares<T: Field>(problem: &Problem, memory: &mut Memory<'_>, stack: &mut MemStack) -> Option<()> {
    let (m, n, k) = (problem.m as usize, problem.n as usize, problem.k as usize);
    let block = qr::recommended_block_size::<T>(m, n);
    let (mut a, stack) = temp_mat_zeroed::<T, _, _>(m, n, stack);
    let (mut factor, stack) = temp_mat_zeroed::<T, _, _>(block, n, stack);
    let (mut rhs, stack) = temp_mat_zeroed::<T, _, _>(m, k, stack);
    let (mut a, mut factor, mut rhs) = (a.as_mat_mut(), factor.as_mat_mut(), rhs.as_mat_mut());
    let exponent = exponent_of(memory.arg::<T>(0));
    load(a.as_mut(), memory.arg(0), -exponent);
    qr::qr_in_place(a.as_mut(), factor.as_mut(), PAR, stack, default());
    let largest = (0..n).fold(0.0f64, |max, i| max.max(a[(i, i)].modulus()));
    if (0..n).any(|i| a[(i, i)].modulus() <= m.max(n) as f64 * T::EPSILON * largest) {
        return None;
    }
    load(rhs.as_mut(), memory.arg(1), 0);
    let upper = a.as_ref().subrows(0, n);
    qr_solve::solve_lstsq_in_place_with_conj(a.as_ref(), factor.as_ref(), upper, Conj::No, rhs.as_mut(), PAR, stack);
    store(memory.result::<T>(0), rhs.as_ref(), |_, _, z| z.times_power(-exponent));
    Some(())
}

fn eigen<T: Field>(problem: &Problem, memory: &mut Memory<'_>, stack: &mut MemStack) -> Option<()> {
    let n = problem.n as usize;
    let (mut a, stack) = temp_mat_zeroed::<T, _, _>(n, n, stack);
    let (mut v, stack) = temp_mat_zeroed::<T, _, _>(n, n, stack);
    let (mut w, stack) = temp_mat_zeroed::<T, _, _>(n, 1, stack);
    let (mut a, mut v, mut w) = (a.as_mat_mut(), v.as_mat_mut(), w.as_mat_mut());
    let lower = memory.arg::<T>(0).chunks_exact(n).zip(1..).flat_map(|(row, length)| &row[..length]);
    let exponent = exponent_of(lower);
    load_lower(a.as_mut(), memory.arg(0), -exponent);
    self_adjoint_evd(a.as_ref(), w.as_mut().col_mut(0).as_diagonal_mut(), Some(v.as_mut()), PAR, stack, default()).ok()?;
    let values = memory.result::<T::Part>(0);
    values.iter_mut().enumerate().for_each(|(i, x)| *x = T::part(w[(i, 0)].times_power(exponent).parts().0));
    normalise_columns(v.as_mut(), None);
    store(memory.result::<T>(1), v.as_ref(), |_, _, z| z);
    Some(())
}

fn singular<T: Field>(problem: &Problem, memory: &mut Memory<'_>, stack: &mut MemStack) -> Option<()> {
    let (m, n) = (problem.m as usize, problem.n as usize);
    let (mut a, stack) = temp_mat_zeroed::<T, _, _>(m, n, stack);
    let (mut u, stack) = temp_mat_zeroed::<T, _, _>(m, n, stack);
    let (mut v, stack) = temp_mat_zeroed::<T, _, _>(n, n, stack);
    let (mut s, stack) = temp_mat_zeroed::<T, _, _>(n, 1, stack);
    let (mut a, mut u, mut v, mut s) = (a.as_mat_mut(), u.as_mat_mut(), v.as_mat_mut(), s.as_mat_mut());
    let exponent = exponent_of(memory.arg::<T>(0));
    load(a.as_mut(), memory.arg(0), -exponent);
    svd(a.as_ref(), s.as_mut().col_mut(0).as_diagonal_mut(), Some(u.as_mut()), Some(v.as_mut()), PAR, stack, default()).ok()?;
    normalise_columns(u.as_mut(), Some(v.as_mut()));
    store(memory.result::<T>(0), u.as_ref(), |_, _, z| z);
    let values = memory.result::<T::Part>(1);
    values.iter_mut().enumerate().for_each(|(i, x)| *x = T::part(s[(i, 0)].times_power(exponent).parts().0));
    let v = v.as_ref();
    store(memory.result::<T>(2), v, |row, column, _| {
        let (re, im) = v[(column, row)].parts();
        T::from_parts(re, -im)
    });
    Some(())
}

/// Makes the first component of (nearly) the largest modulus of each column real and positive, and turns the columns of `other` alike.
fn normalise_columns<T: Field>(mut v: MatMut<'_, T>, mut other: Option<MatMut<'_, T>>) {
    for column in 0..v.ncols() {
        let largest = (0..v.nrows()).fold(0.0f64, |max, row| max.max(v[(row, column)].modulus()));
        let leading = (0..v.nrows()).find(|row| v[(*row, column)].modulus() >= 0.999 * largest);
        let Some(leading) = leading else { continue };
        let turn = conj(v[(leading, column)].phase());
        let rotate = |m: &mut MatMut<'_, T>| (0..m.nrows()).for_each(|row| m[(row, column)] = m[(row, column)].turned(turn));
        rotate(&mut v);
        v[(leading, column)] = T::from_parts(v[(leading, column)].modulus(), 0.0);
        other.iter_mut().for_each(rotate);
    }
}
