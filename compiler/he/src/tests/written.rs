//! Programs of tests in a notation of one line a tensor.

use super::tensor;
use crate::program::{Label, Origin, Program, Sum, Term};
use crate::{Axis, Operand, Subscript};

/// `x[i+1,2j,3] -3w[i]` as terms of a sum over the labels `i j k l` of these sizes; a tensor is named by a letter.
fn terms(program: &Program, text: &str) -> Vec<Term> {
    let term = |text: &str| {
        let product = text.trim_start_matches(['+', '-']);
        let named = product.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = product[..product.len() - named.len()].parse().unwrap_or(1.0);
        let operands = named.split('*').map(|factor| {
            let (name, subs) = factor.split_once('[').unwrap();
            let tensor = program.tensors.iter().position(|tensor| tensor.name == name).unwrap();
            let subs: Vec<&str> = subs.trim_end_matches(']').split(',').filter(|sub| !sub.is_empty()).collect();
            let axes = program.tensors[tensor].shape.iter().zip(subs).map(|(&size, sub)| Axis { size, subscript: subscript(sub) });
            Operand { name: name.to_owned(), tensor, axes: axes.collect(), secret: program.tensors[tensor].is_secret() }
        });
        Term { coefficient: if text.starts_with('-') { -number } else { number }, operands: operands.collect() }
    };
    text.split(' ').map(term).collect()
}

/// `i`, `3`, or `2i+k+1`; beyond the axis too after a `?`.
fn subscript(text: &str) -> Subscript {
    let (is_padded, text) = text.strip_prefix('?').map_or((false, text), |text| (true, text));
    let parts = || text.split('+').map(|part| (part, part.find(|c: char| c.is_ascii_lowercase())));
    let offset = parts().filter(|(_, at)| at.is_none()).map(|(part, _)| part.parse::<i64>().unwrap()).sum();
    let term = |(part, at): (&str, Option<usize>)| at.map(|at| (part.as_bytes()[at] - b'i', part[..at].parse().unwrap_or(1)));
    let terms: Vec<(u8, i64)> = parts().filter_map(term).collect();
    match (&terms[..], offset) {
        _ if is_padded && !terms.is_empty() => Subscript::Padded { terms, offset },
        ([], _) => Subscript::Fixed(offset.cast_unsigned()),
        (&[(label, 1)], 0) => Subscript::Label(label),
        _ => Subscript::Linear { terms, offset },
    }
}

/// Adds `y[labels] = terms` as the one result.
pub(crate) fn define(program: &mut Program, name: &str, output: &str, sizes: &[u64], text: &str) {
    let labels: Vec<Label> = ('i'..).zip(sizes).map(|(name, &size)| Label { name: name.to_string(), size }).collect();
    let output: Vec<u8> = output.bytes().map(|label| label - b'i').collect();
    let mut terms = terms(program, text);
    // An axis of which only a part is read is so by a sum, also from its beginning on.
    for axis in terms.iter_mut().flat_map(|term| &mut term.operands).flat_map(|operand| &mut operand.axes) {
        if let Subscript::Label(label) = axis.subscript
            && sizes[usize::from(label)] != axis.size
        {
            axis.subscript = Subscript::Linear { terms: vec![(label, 1)], offset: 0 };
        }
    }
    let shape: Vec<u64> = output.iter().map(|&label| sizes[usize::from(label)]).collect();
    program.results = vec![program.tensors.len()];
    program.tensors.push(tensor(name, &shape, Origin::Sum(Sum { labels, output, terms })));
}

/// Adds a polynomial of degree 3 of every element of a tensor as the one result.
pub(crate) fn polynomial(program: &mut Program, name: &str, of: &str) {
    let of = program.tensors.iter().position(|tensor| tensor.name == of).unwrap();
    program.results = vec![program.tensors.len()];
    let shape = program.tensors[of].shape.clone();
    program.tensors.push(tensor(name, &shape, Origin::Polynomial { of, coefficients: vec![1.0, 2.0, 0.0, 1.0] }));
}
