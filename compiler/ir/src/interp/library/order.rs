//! Sorting: stable, NaN above everything.

use crate::dtype::DType;
use crate::library::Problem;
use crate::scalar::value::Value;
use crate::tensor::MultiOp;
use std::cmp::Ordering;

/// The elements in order with their positions: all of them, or the first `k`.
pub(super) fn sorted(problem: &Problem, values: &[Value]) -> Vec<Vec<Value>> {
    // `top_k` keeps the greatest unless told otherwise, `sort` begins with the least.
    let descending = (problem.op == MultiOp::TopK) != problem.reversed;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| if descending { compare(&values[b], &values[a]) } else { compare(&values[a], &values[b]) });
    if problem.op == MultiOp::TopK {
        order.truncate(problem.k as usize);
    }
    let positions = order.iter().map(|&n| Value::int(n as i128, DType::I64)).collect();
    vec![order.iter().map(|&n| values[n]).collect(), positions]
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Float(x, _), Value::Float(y, _)) => x.partial_cmp(y).unwrap_or_else(|| x.is_nan().cmp(&y.is_nan())),
        (Value::Bool(x), Value::Bool(y)) => x.cmp(y),
        _ => a.as_int().cmp(&b.as_int()),
    }
}
