//! Einsums over any numbers, by their definition: a product for every choice of indices.

use super::Number;
use crate::packed::Equation;

/// Evaluates an equation over row-major operands with their shapes; the result is row major.
///
/// # Errors
/// The shapes do not fit the equation.
pub fn evaluate<T: Number>(equation: &Equation, operands: &[(&[u64], &[T])]) -> Result<Vec<T>, String> {
    let shapes: Vec<&[u64]> = operands.iter().map(|(shape, _)| *shape).collect();
    let sizes = equation.sizes(&shapes)?;
    let summed: Vec<char> = sizes.keys().copied().filter(|label| !equation.output.contains(label)).collect();
    let axes_of = |labels: &[char]| -> Vec<Axis> {
        labels.iter().map(|&label| Axis { size: sizes[&label], strides: strides(equation, &shapes, label) }).collect()
    };
    let (outer, inner) = (axes_of(&equation.output), axes_of(&summed));
    let mut result = Vec::new();
    let mut places = vec![0; operands.len()];
    for_each(&outer, &mut places, &mut |places| {
        let mut sum = T::zero();
        for_each(&inner, places, &mut |places| sum.add(&product(operands, places)));
        result.push(sum);
    });
    Ok(result)
}

/// An index: how many values it has, and how far one step is in each operand.
struct Axis {
    size: u64,
    strides: Vec<usize>,
}

/// A label that repeats in an operand steps along all of its axes there; an axis of size 1 is not stepped along.
fn strides(equation: &Equation, shapes: &[&[u64]], label: char) -> Vec<usize> {
    let stride_in = |labels: &[char], shape: &[u64]| {
        let axes = (0..shape.len()).filter(|&axis| labels[axis] == label && shape[axis] != 1);
        axes.map(|axis| shape[axis + 1..].iter().product::<u64>() as usize).sum()
    };
    equation.operands.iter().zip(shapes).map(|(labels, shape)| stride_in(labels, shape)).collect()
}

/// Calls a function with the places in the operands for every choice of the indices, the last fastest. The places are as before in the end.
fn for_each(axes: &[Axis], places: &mut [usize], f: &mut dyn FnMut(&mut [usize])) {
    let Some((axis, rest)) = axes.split_first() else {
        return f(places);
    };
    for _ in 0..axis.size {
        for_each(rest, places, f);
        places.iter_mut().zip(&axis.strides).for_each(|(place, stride)| *place += stride);
    }
    places.iter_mut().zip(&axis.strides).for_each(|(place, stride)| *place -= stride * axis.size as usize);
}

fn product<T: Number>(operands: &[(&[u64], &[T])], places: &[usize]) -> T {
    let mut factors = operands.iter().zip(places).map(|((_, tensor), &place)| &tensor[place]);
    let first = factors.next().cloned().unwrap_or_else(T::one);
    factors.fold(first, |product, factor| product.mul(factor))
}
