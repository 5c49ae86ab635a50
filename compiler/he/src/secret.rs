//! What secrets a refusal is about: by name, and how they became secret.

use crate::clear::{reads, scalars};
use ein_ir::diagnostic::{Diagnostic, Label};
use ein_ir::entity::Tensor;
use ein_ir::span::Span;
use ein_ir::tensor::secrecy::Secrets;
use ein_ir::tensor::{Definition, Module};
use std::collections::BTreeSet;

/// What is said at the place of what no ciphertext computes, until [`named`] knows which secret it is.
pub(crate) const OF_SECRETS: &str = "of secret values here";

/// A refusal with the secret that it is of, and where that comes from, if it is of one.
pub(crate) fn named(module: &Module, definition: &Definition, mut refusal: Diagnostic) -> Diagnostic {
    let Some(label) = refusal.primary.as_mut().filter(|label| label.text == OF_SECRETS) else { return refusal };
    let secrets = Secrets::of(module);
    let Some(tensor) = read_at(definition, label.span, &secrets) else { return refusal };
    *label = Label { text: format!("of {}, which is secret", secrets.describe(module, tensor)), ..label.clone() };
    secrets.explain(module, tensor, refusal)
}

/// The first secret that is read at a place of a definition, or anywhere in it.
fn read_at(definition: &Definition, place: Span, secrets: &Secrets) -> Option<Tensor> {
    let mut found = None;
    if let Definition::Equation(equation) = definition {
        for scalar in scalars(equation) {
            scalar.visit(&mut |node| {
                if node.span == place {
                    found = found.or_else(|| secrets.read_by(node));
                }
            });
        }
        let anywhere = || scalars(equation).find_map(|scalar| secrets.read_by(scalar));
        return found.or_else(anywhere).map(|(tensor, _)| tensor);
    }
    let mut read = BTreeSet::new();
    reads(definition, &mut read);
    read.into_iter().find(|tensor| secrets.is_secret(*tensor))
}
