//! What is checked of the sizes when a def is entered, and stated nowhere: mistakes for those who check strictly.

use super::scope::Elaborator;
use crate::error::dims::error;
use ein_ir::diagnostic::{Diagnostic, sort_by_position};
use ein_ir::extent::Extent;
use ein_ir::tensor::{Relation, Require};

impl Elaborator<'_> {
    /// Adds an entry check that the program states: a condition of `where`, a bound of a dim.
    pub(super) fn require_stated(&mut self, require: Require) {
        let before = self.module.requires.len();
        self.require(require);
        self.stated.extend(before..self.module.requires.len());
    }

    /// The other entry checks, each as a mistake (E0315).
    pub(super) fn unproved(&self) -> Vec<Diagnostic> {
        let requires = self.module.requires.iter().enumerate();
        let mut found: Vec<Diagnostic> = requires.filter(|(n, _)| !self.stated.contains(n)).map(|(n, r)| self.not_proved(n, r)).collect();
        sort_by_position(&mut found);
        found
    }

    fn not_proved(&self, position: usize, require: &Require) -> Diagnostic {
        let found = error(315, format!("{} is not proved", require.message));
        let found = match self.called.get(&position) {
            Some(call) => found.at(*call, "called here").and(require.span, "needed here"),
            None => found.at(require.span, "needed here"),
        };
        let found = found.note(format!("without `--strict` it is checked when `{}` is called", self.module.name));
        let condition = self.condition_text(&require.value, require.relation);
        // The axes of a row have no names that a program could use.
        if condition.contains('.') { found } else { found.help(format!("`where {condition}` states it")) }
    }

    fn condition_text(&self, value: &Extent, relation: Relation) -> String {
        match relation {
            Relation::NonNegative => self.show_nonnegative(value),
            Relation::Zero => {
                let (positive, negative) = sides(value);
                format!("{} == {}", self.show(&positive), self.show(&negative))
            }
            Relation::NonZero => format!("{} != 0", self.show(value)),
        }
    }
}

/// The terms with a positive sign, and the others with theirs turned.
pub(super) fn sides(value: &Extent) -> (Extent, Extent) {
    let (mut positive, mut negative) = (Extent::default(), Extent::default());
    for (monomial, c) in value.terms() {
        let term = monomial.iter().fold(Extent::constant(c.abs()), |p, atom| p.mul(&Extent::atom(atom.clone())));
        let side = if c < 0 { &mut negative } else { &mut positive };
        *side = side.add(&term);
    }
    (positive, negative)
}
