//! Sorting: stable, NaN above everything.

use super::Memory;
use super::number::Number;
use ein_ir::dtype::DType;
use ein_ir::library::Problem;
use ein_ir::tensor::MultiOp;
use std::cmp::Ordering;
use std::mem::MaybeUninit;

/// Sorts one row. It cannot fail.
pub(super) fn sort(problem: &Problem, memory: &mut Memory<'_>) -> Option<()> {
    match problem.dtype {
        DType::F32 => sort_by::<f32>(problem, memory, |a, b| float(a.partial_cmp(b), a.is_nan(), b.is_nan())),
        DType::F64 => sort_by::<f64>(problem, memory, |a, b| float(a.partial_cmp(b), a.is_nan(), b.is_nan())),
        DType::F16 => sort_by::<half::f16>(problem, memory, |a, b| float(a.partial_cmp(b), a.is_nan(), b.is_nan())),
        DType::BF16 => sort_by::<half::bf16>(problem, memory, |a, b| float(a.partial_cmp(b), a.is_nan(), b.is_nan())),
        DType::I8 => sort_by::<i8>(problem, memory, Ord::cmp),
        DType::I16 => sort_by::<i16>(problem, memory, Ord::cmp),
        DType::U16 => sort_by::<u16>(problem, memory, Ord::cmp),
        DType::I32 => sort_by::<i32>(problem, memory, Ord::cmp),
        DType::U32 => sort_by::<u32>(problem, memory, Ord::cmp),
        DType::I64 => sort_by::<i64>(problem, memory, Ord::cmp),
        DType::U64 => sort_by::<u64>(problem, memory, Ord::cmp),
        _ => sort_by::<u8>(problem, memory, Ord::cmp),
    }
    Some(())
}

fn float(order: Option<Ordering>, a_is_nan: bool, b_is_nan: bool) -> Ordering {
    order.unwrap_or_else(|| a_is_nan.cmp(&b_is_nan))
}

fn sort_by<T: Number>(problem: &Problem, memory: &mut Memory<'_>, compare: impl Fn(&T, &T) -> Ordering) {
    let values = memory.arg::<T>(0);
    let mut own = Vec::new();
    let workspace = std::mem::take(&mut memory.workspace);
    let order = positions(&mut *workspace, &mut own, values.len());
    // `top_k` keeps the greatest unless told otherwise, `sort` begins with the least.
    let descending = (problem.op == MultiOp::TopK) != problem.reversed;
    // The positions make the order total: equal elements keep theirs, and nothing depends on the algorithm.
    let by = |a: &u64, b: &u64| {
        let (x, y) = (&values[*a as usize], &values[*b as usize]);
        let order = if descending { compare(y, x) } else { compare(x, y) };
        order.then(a.cmp(b))
    };
    let kept = if problem.op == MultiOp::TopK { problem.k as usize } else { values.len() };
    if 0 < kept && kept < order.len() {
        order.select_nth_unstable_by(kept - 1, by);
    }
    let order = &mut order[..kept];
    order.sort_unstable_by(by);
    memory.result::<T>(0).iter_mut().zip(&*order).for_each(|(to, from)| *to = values[*from as usize]);
    memory.result::<i64>(1).iter_mut().zip(&*order).for_each(|(to, from)| *to = from.cast_signed());
    memory.workspace = workspace;
}

/// `0..n` in the workspace, or in memory of its own if that is too small.
fn positions<'a>(workspace: &'a mut [MaybeUninit<u8>], own: &'a mut Vec<u64>, n: usize) -> &'a mut [u64] {
    // SAFETY: `MaybeUninit<u64>` takes any bytes.
    let (_, aligned, _) = unsafe { workspace.align_to_mut::<MaybeUninit<u64>>() };
    if aligned.len() < n {
        own.extend(0..n as u64);
        return own;
    }
    let slots = &mut aligned[..n];
    slots.iter_mut().zip(0..).for_each(|(slot, position)| {
        slot.write(position);
    });
    // SAFETY: all of them have just been written.
    unsafe { &mut *(std::ptr::from_mut(slots) as *mut [u64]) }
}
