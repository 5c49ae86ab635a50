//! From terms and shapes to labels and sizes.

use super::{EinsumString, PlacedSym, Sym, Term, place};
use crate::error::einsum::ShapeError;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::span::Span;
use std::collections::BTreeMap;

/// An einsum over operands of known shapes: every axis has a label, every label a size.
///
/// A label that is in several places of one input selects a diagonal; one that is not in the output is summed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EinsumSpec {
    /// For each operand, the label of each axis.
    pub inputs: Vec<Vec<u16>>,
    /// The label of each axis of the output, each at most once.
    pub output: Vec<u16>,
    /// The size of each label after broadcasting, in elements.
    pub sizes: Vec<usize>,
    /// The name of each label in messages: `j`, or `...0` for the first axis that `...` stands for.
    pub names: Vec<String>,
    /// For each operand and axis, whether the axis has size 1 under a label of another size: it is read at 0.
    pub unit_axes: Vec<Vec<bool>>,
}

impl EinsumSpec {
    /// The shape of the output.
    #[must_use]
    pub fn output_shape(&self) -> Vec<usize> {
        self.output.iter().map(|label| self.sizes.get(usize::from(*label)).copied().unwrap_or(0)).collect()
    }
}

/// Gives every axis its label, and every label its size.
///
/// Labels are numbered: first the axes of `...` from the left, then the others in the order of their first use.
///
/// # Errors
///
/// `einsum-operand-count`, `einsum-too-few-axes`, `einsum-too-many-axes`, `einsum-diagonal-mismatch`, `einsum-size-mismatch`,
/// `einsum-output-lacks-ellipsis` and `einsum-too-many-labels`, with the place in the string.
pub fn resolve(einsum: &EinsumString, shapes: &[&[usize]]) -> Result<EinsumSpec, Diagnostic> {
    einsum.check_operand_count(shapes.len())?;
    let mut resolver = Resolver::new(einsum, shapes)?;
    for (operand, shape) in shapes.iter().enumerate() {
        resolver.operand(operand, shape)?;
    }
    let output = resolver.output()?;
    Ok(resolver.finish(output, shapes))
}

/// Where a size was first seen.
#[derive(Clone, Copy)]
struct Seen {
    size: usize,
    operand: usize,
    span: Span,
}

struct Resolver<'e> {
    einsum: &'e EinsumString,
    /// Number of axes that `...` stands for: the most over all operands.
    n_ellipsis: usize,
    numbers: BTreeMap<u32, u16>,
    names: Vec<String>,
    /// For each label, the first size that is not 1, else the first use.
    seen: Vec<Option<Seen>>,
    inputs: Vec<Vec<u16>>,
}

impl<'e> Resolver<'e> {
    fn new(einsum: &'e EinsumString, shapes: &[&[usize]]) -> Result<Self, Diagnostic> {
        let mut n_ellipsis = 0;
        for (operand, (term, shape)) in einsum.operands.iter().zip(shapes).enumerate() {
            let (labels, axes) = (term.n_labels(), shape.len());
            if axes < labels {
                return Err(ShapeError::TooFewAxes { operand: einsum.operand_name(operand), labels, axes, span: term.span }.into());
            }
            if term.ellipsis().is_some() {
                n_ellipsis = n_ellipsis.max(axes - labels);
            } else if axes > labels {
                let help = format!("`{}...` keeps the others", einsum.written(term));
                return Err(ShapeError::TooManyAxes { operand: einsum.operand_name(operand), labels, axes, span: term.span, help }.into());
            }
        }
        let mut resolver = Self { einsum, n_ellipsis, numbers: BTreeMap::new(), names: Vec::new(), seen: Vec::new(), inputs: Vec::new() };
        for axis in 0..n_ellipsis {
            resolver.new_label(format!("...{axis}"), place(0, einsum.text.len()))?;
        }
        Ok(resolver)
    }

    fn new_label(&mut self, name: String, span: Span) -> Result<u16, Diagnostic> {
        let number = u16::try_from(self.names.len()).map_err(|_| Diagnostic::from(ShapeError::TooManyLabels { span }))?;
        self.names.push(name);
        self.seen.push(None);
        Ok(number)
    }

    fn label(&mut self, label: u32, span: Span) -> Result<u16, Diagnostic> {
        if let Some(number) = self.numbers.get(&label) {
            return Ok(*number);
        }
        let number = self.new_label(self.einsum.label_name(label), span)?;
        self.numbers.insert(label, number);
        Ok(number)
    }

    /// Labels the axes of one operand, and takes its sizes in.
    fn operand(&mut self, operand: usize, shape: &[usize]) -> Result<(), Diagnostic> {
        let einsum = self.einsum;
        let Some(term) = einsum.operands.get(operand) else { return Ok(()) };
        let axes = self.label_axes(term, shape.len() - term.n_labels())?;
        let mut local: BTreeMap<u16, Seen> = BTreeMap::new();
        for ((number, span), &size) in axes.iter().zip(shape) {
            let here = Seen { size, operand, span: *span };
            let first = *local.entry(*number).or_insert(here);
            // Broadcasting is across operands only: a diagonal is exact.
            if first.size != size {
                let mistake = ShapeError::DiagonalMismatch {
                    label: self.name(*number),
                    operand: einsum.operand_name(operand),
                    first: (first.size, first.span),
                    second: (size, *span),
                };
                return Err(mistake.into());
            }
        }
        for (number, here) in local {
            self.unite(number, here)?;
        }
        self.inputs.push(axes.into_iter().map(|(number, _)| number).collect());
        Ok(())
    }

    /// Label and place of each axis of a term whose `...` stands for `n_axes` axes; the last of them is the last of all.
    fn label_axes(&mut self, term: &Term, n_axes: usize) -> Result<Vec<(u16, Span)>, Diagnostic> {
        let mut axes = Vec::new();
        for PlacedSym { sym, span } in &term.syms {
            match sym {
                Sym::Label(label) => axes.push((self.label(*label, *span)?, *span)),
                Sym::Ellipsis => {
                    let numbers = (self.n_ellipsis - n_axes)..self.n_ellipsis;
                    axes.extend(numbers.map(|number| (u16::try_from(number).unwrap_or(u16::MAX), *span)));
                }
            }
        }
        Ok(axes)
    }

    /// Takes in the size of a label in one operand: size 1 yields to every other, 0 included.
    fn unite(&mut self, number: u16, here: Seen) -> Result<(), Diagnostic> {
        let Some(seen) = self.seen.get_mut(usize::from(number)) else { return Ok(()) };
        match *seen {
            Some(first) if first.size != 1 && here.size != 1 && first.size != here.size => {
                let place = |seen: Seen| (seen.size, self.einsum.operand_name(seen.operand), seen.span);
                Err(ShapeError::SizeMismatch { label: self.name(number), first: place(first), second: place(here) }.into())
            }
            Some(first) if first.size != 1 => Ok(()),
            Some(_) if here.size == 1 => Ok(()),
            _ => {
                *seen = Some(here);
                Ok(())
            }
        }
    }

    fn name(&self, number: u16) -> String {
        self.names.get(usize::from(number)).cloned().unwrap_or_default()
    }

    /// The labels of the output.
    fn output(&mut self) -> Result<Vec<u16>, Diagnostic> {
        let einsum = self.einsum;
        let Some(term) = &einsum.output else { return self.implicit_output() };
        if term.ellipsis().is_none() && self.n_ellipsis > 0 {
            let ellipsis = einsum.operands.iter().find_map(Term::ellipsis).unwrap_or(term.span);
            let help = format!("`->...{}`", einsum.written(term));
            return Err(ShapeError::OutputLacksEllipsis { axes: self.n_ellipsis, span: term.span, ellipsis, help }.into());
        }
        let axes = self.label_axes(term, self.n_ellipsis)?;
        Ok(axes.into_iter().map(|(number, _)| number).collect())
    }

    /// `...` first, then the labels that occur exactly once in all operands, in order of their codes.
    fn implicit_output(&self) -> Result<Vec<u16>, Diagnostic> {
        let mut uses = vec![0_usize; self.names.len()];
        for number in self.inputs.iter().flatten() {
            if let Some(uses) = uses.get_mut(usize::from(*number)) {
                *uses += 1;
            }
        }
        let ellipsis = (0..self.n_ellipsis).map(|number| u16::try_from(number).unwrap_or(u16::MAX));
        let once = self.numbers.values().copied().filter(|number| uses.get(usize::from(*number)) == Some(&1));
        Ok(ellipsis.chain(once).collect())
    }

    fn finish(self, output: Vec<u16>, shapes: &[&[usize]]) -> EinsumSpec {
        let sizes: Vec<_> = self.seen.iter().map(|seen| seen.map_or(1, |seen| seen.size)).collect();
        let is_unit = |number: &u16, size: usize| size == 1 && sizes.get(usize::from(*number)) != Some(&1);
        let unit_axes = self
            .inputs
            .iter()
            .zip(shapes)
            .map(|(labels, shape)| labels.iter().zip(*shape).map(|(number, size)| is_unit(number, *size)).collect())
            .collect();
        EinsumSpec { inputs: self.inputs, output, sizes, names: self.names, unit_axes }
    }
}
