//! Sizes in the user's words.

use crate::extent::{Atom, Extent};
use crate::tensor::Module;

/// A polynomial over dims as a user writes it: `2*N - (H // S) + 1`.
#[must_use]
pub fn spell_extent(module: &Module, extent: &Extent) -> String {
    let (constants, others): (Vec<_>, Vec<_>) = extent.terms().partition(|(monomial, _)| monomial.is_empty());
    let mut out = String::new();
    for (monomial, coefficient) in others.into_iter().chain(constants) {
        out.push_str(match (out.is_empty(), coefficient < 0) {
            (true, true) => "-",
            (true, false) => "",
            (false, true) => " - ",
            (false, false) => " + ",
        });
        let magnitude = coefficient.unsigned_abs();
        let mut factors: Vec<String> = monomial.iter().map(|atom| spell_atom(module, atom)).collect();
        if magnitude != 1 || factors.is_empty() {
            factors.insert(0, magnitude.to_string());
        }
        out.push_str(&factors.join("*"));
    }
    if out.is_empty() { "0".to_owned() } else { out }
}

fn spell_atom(module: &Module, atom: &Atom) -> String {
    let operand = |extent: &Extent| {
        let text = spell_extent(module, extent);
        if text.contains(' ') || text.contains('*') { format!("({text})") } else { text }
    };
    match atom {
        Atom::Dim(dim) => module.dims.get(*dim).map_or_else(|| dim.to_string(), |decl| decl.name.clone()),
        Atom::Index(index) => module.indices.get(*index).map_or_else(|| index.to_string(), |decl| decl.name.clone()),
        Atom::Quotient(a, b) => format!("({} // {})", operand(a), operand(b)),
        Atom::Remainder(a, b) => format!("({} % {})", operand(a), operand(b)),
    }
}
