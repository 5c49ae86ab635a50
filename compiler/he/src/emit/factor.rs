//! Public factors by position.

use crate::contraction::{Contraction, Operand};
use crate::linear::LinearMap;
use ein_ir::entity::Public as PublicId;
use std::collections::BTreeMap;

/// A public factor of a product.
pub(super) struct Factor {
    /// None for a number.
    pub(super) public: Option<PublicId>,
    pub(super) constant: f64,
    offset: i64,
    /// Of each label, what one position adds to the row-major position of the element.
    strides: BTreeMap<u8, i64>,
    /// Sizes of all labels.
    sizes: Vec<u64>,
}

impl Factor {
    pub(super) const fn constant(constant: f64, sizes: Vec<u64>) -> Self {
        Self { public: None, constant, offset: 0, strides: BTreeMap::new(), sizes }
    }

    pub(super) fn given(public: PublicId, contraction: &Contraction, operand: &Operand) -> Self {
        let sizes = contraction.labels.iter().map(|label| label.size).collect();
        let mut factor = Self { public: Some(public), constant: 1.0, offset: 0, strides: BTreeMap::new(), sizes };
        let mut stride = 1_i64;
        for axis in operand.axes.iter().rev() {
            let (terms, first) = axis.subscript.linear();
            factor.offset += first * stride;
            for (label, coefficient) in terms {
                *factor.strides.entry(label).or_default() += coefficient * stride;
            }
            stride *= axis.size.cast_signed();
        }
        factor
    }

    /// What a step along a label adds to the row-major position, and the size of the label.
    pub(super) fn of_label(&self, label: u8) -> (i64, u64) {
        (self.strides.get(&label).copied().unwrap_or(0), self.sizes.get(usize::from(label)).copied().unwrap_or(u64::MAX))
    }

    /// The row-major position where all labels are 0.
    pub(super) const fn first(&self) -> i64 {
        self.offset
    }

    /// What one step of each index of a map adds to the row-major position of the element, and the position where all are 0.
    pub(super) fn along(&self, map: &LinearMap) -> (Vec<i64>, i64) {
        let stride = |label: Option<u8>| label.and_then(|label| self.strides.get(&label)).copied().unwrap_or(0);
        (map.steps.iter().map(|step| stride(step.label) * step.scale.cast_signed()).collect(), self.offset)
    }
}
