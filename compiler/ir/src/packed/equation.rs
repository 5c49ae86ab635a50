//! Equations of einsums over tensors in the clear, in numpy's notation.

use std::collections::BTreeMap;
use std::fmt;

/// `ij,jk->ik`: a label a letter. A label may repeat in an operand and then walks its diagonal; one that is not in the result is summed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equation {
    /// The labels of each operand.
    pub operands: Vec<Vec<char>>,
    /// The labels of the result: each is in an operand, and none is there twice.
    pub output: Vec<char>,
}

impl Equation {
    /// Reads an equation.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (operands, output) = text.split_once("->").ok_or_else(|| format!("`{text}` has no `->`"))?;
        let operands = operands.split(',').map(labels).collect::<Result<Vec<_>, _>>()?;
        let output = labels(output)?;
        for (n, label) in output.iter().enumerate() {
            if output[..n].contains(label) {
                return Err(format!("`{label}` stands twice in the result of `{text}`"));
            }
            if !operands.iter().any(|operand| operand.contains(label)) {
                return Err(format!("`{label}` stands in no operand of `{text}`"));
            }
        }
        Ok(Self { operands, output })
    }

    /// The size of each label. As in numpy, an axis of size 1 is as long as another with its label.
    ///
    /// # Errors
    /// The operands are not as many, have other ranks, or sizes of a label differ.
    pub fn sizes(&self, shapes: &[&[u64]]) -> Result<BTreeMap<char, u64>, String> {
        if shapes.len() != self.operands.len() {
            return Err(format!("`{self}` has {} operands, not {}", self.operands.len(), shapes.len()));
        }
        let mut sizes = BTreeMap::new();
        for (labels, shape) in self.operands.iter().zip(shapes) {
            if labels.len() != shape.len() {
                return Err(format!("an operand with {} axes for {} labels of `{self}`", shape.len(), labels.len()));
            }
            for (&label, &size) in labels.iter().zip(*shape) {
                let known = sizes.entry(label).or_insert(size);
                if *known == 1 {
                    *known = size;
                } else if size != 1 && size != *known {
                    return Err(format!("`{label}` of `{self}` has sizes {known} and {size}"));
                }
            }
        }
        Ok(sizes)
    }

    /// The shape of the result.
    ///
    /// # Errors
    /// As [`Equation::sizes`].
    pub fn shape(&self, shapes: &[&[u64]]) -> Result<Vec<u64>, String> {
        let sizes = self.sizes(shapes)?;
        // Each label of the result is in an operand.
        Ok(self.output.iter().filter_map(|label| sizes.get(label).copied()).collect())
    }
}

fn labels(text: &str) -> Result<Vec<char>, String> {
    let letters = text.chars().filter(|c| *c != ' ');
    letters.map(|c| if c.is_ascii_alphabetic() { Ok(c) } else { Err(format!("`{c}` is no label")) }).collect()
}

impl fmt::Display for Equation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, operand) in self.operands.iter().enumerate() {
            f.write_str(if n == 0 { "" } else { "," })?;
            f.write_str(&operand.iter().collect::<String>())?;
        }
        write!(f, "->{}", self.output.iter().collect::<String>())
    }
}
