//! Einsums of integers modulo 2^64, by their definition.

use std::collections::BTreeMap;

/// A row-major tensor of integers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tensor {
    /// Sizes of its axes.
    pub shape: Vec<usize>,
    /// As many as the product of the sizes.
    pub numbers: Vec<i64>,
}

/// Evaluates an equation with a letter a label. As in numpy, an axis of size 1 is as long as others with its label.
///
/// # Errors
/// The equation does not fit the operands.
pub fn einsum(equation: &str, operands: &[&Tensor]) -> Result<Tensor, String> {
    let (terms, output) = equation.split_once("->").ok_or("no `->`")?;
    let terms: Vec<Vec<char>> = terms.split(',').map(|term| term.chars().collect()).collect();
    let mut sizes: BTreeMap<char, usize> = BTreeMap::new();
    if terms.len() != operands.len() {
        return Err(format!("{} operands of {equation}", operands.len()));
    }
    for (term, operand) in terms.iter().zip(operands) {
        if term.len() != operand.shape.len() {
            return Err(format!("shape {:?} of {term:?}", operand.shape));
        }
        for (label, &size) in term.iter().zip(&operand.shape) {
            let known = sizes.entry(*label).or_insert(1);
            match (*known, size) {
                (1, _) => *known = size,
                (_, 1) => {}
                (a, b) if a == b => {}
                (a, b) => return Err(format!("{label} is {a} and {b}")),
            }
        }
    }
    let shape = output.chars().map(|label| sizes.get(&label).copied().ok_or("a new label")).collect::<Result<Vec<_>, _>>()?;
    let mut numbers = vec![0_i64; shape.iter().product()];
    for choice in 0..sizes.values().product::<usize>() {
        let position = positions(&sizes, choice);
        let factors = terms.iter().zip(operands).map(|(term, operand)| operand.numbers[flat(term, &operand.shape, &position)]);
        let product = factors.fold(1_i64, i64::wrapping_mul);
        let at = flat(&output.chars().collect::<Vec<_>>(), &shape, &position);
        numbers[at] = numbers[at].wrapping_add(product);
    }
    Ok(Tensor { shape, numbers })
}

fn positions(sizes: &BTreeMap<char, usize>, mut choice: usize) -> BTreeMap<char, usize> {
    let mut digit = |size: usize| {
        let digit = choice % size;
        choice /= size;
        digit
    };
    sizes.iter().map(|(label, size)| (*label, digit(*size))).collect()
}

fn flat(labels: &[char], shape: &[usize], position: &BTreeMap<char, usize>) -> usize {
    labels.iter().zip(shape).fold(0, |flat, (label, &size)| flat * size + if size == 1 { 0 } else { position[label] })
}
