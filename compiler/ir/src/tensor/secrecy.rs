//! Which tensors are secret: those that are declared so, and whatever is computed from them; and the path from one to the other.
//!
//! Sizes never depend on data, so that nothing secret is in a shape or in the turns of a loop.

use super::{Definition, Equation, Module, Scan};
use crate::diagnostic::Diagnostic;
use crate::entity::{SecondaryMap, Tensor};
use crate::scalar::{Scalar, ScalarKind};
use crate::span::Span;

/// Why a tensor is secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is declared so, and nothing that it is computed from is secret.
    Declared,
    /// It is computed from this secret tensor.
    From(Tensor),
}

/// The secret tensors of a module.
#[derive(Clone, Debug)]
pub struct Secrets {
    origins: SecondaryMap<Tensor, Option<Origin>>,
    any: bool,
}

impl Secrets {
    /// Follows the data from the tensors that a module declares secret.
    #[must_use]
    pub fn of(module: &Module) -> Self {
        let mut out = Self { origins: SecondaryMap::new(), any: false };
        if !module.tensors.values().any(|decl| decl.secret) {
            return out;
        }
        for param in &module.params {
            out.declared(module, *param);
        }
        // A scan reads what later steps have made secret.
        while out.body(module, &module.body) {}
        out
    }

    /// Why a tensor is secret; `None` if it is not.
    #[must_use]
    pub fn origin(&self, tensor: Tensor) -> Option<Origin> {
        self.origins[tensor]
    }

    /// Whether a tensor is secret.
    #[must_use]
    pub fn is_secret(&self, tensor: Tensor) -> bool {
        self.origin(tensor).is_some()
    }

    /// Whether any tensor is.
    #[must_use]
    pub const fn any(&self) -> bool {
        self.any
    }

    /// The first element of a secret tensor that an expression reads, and where.
    #[must_use]
    pub fn read_by(&self, scalar: &Scalar) -> Option<(Tensor, Span)> {
        let mut found = None;
        scalar.visit(&mut |node| {
            if let ScalarKind::Access(access) = &node.kind
                && found.is_none()
                && self.is_secret(access.tensor)
            {
                found = Some((access.tensor, node.span));
            }
        });
        found
    }

    /// How a tensor became secret: from the declared one to itself. Empty for a public one.
    #[must_use]
    pub fn path(&self, tensor: Tensor) -> Vec<Tensor> {
        let mut out = Vec::new();
        let mut at = Some(tensor);
        while let Some(tensor) = at {
            let Some(origin) = self.origin(tensor) else { break };
            out.push(tensor);
            at = match origin {
                Origin::From(source) => Some(source),
                Origin::Declared => None,
            };
        }
        out.reverse();
        out
    }

    /// A secret tensor in words: by its name, or by the last on its path that the program names.
    #[must_use]
    pub fn describe(&self, module: &Module, tensor: Tensor) -> String {
        let named = self.path(tensor).into_iter().rev().find(|t| is_named(module, *t)).unwrap_or(tensor);
        let name = &module.tensors[named].name;
        if named == tensor { format!("`{name}`") } else { format!("what comes from `{name}`") }
    }

    /// Adds the path of a tensor to a diagnostic: where it begins, and what is computed from that.
    #[must_use]
    pub fn explain(&self, module: &Module, tensor: Tensor, diagnostic: Diagnostic) -> Diagnostic {
        /// Steps that are shown of a path: its first ones. The last one is what the message is about.
        const SHOWN: usize = 6;
        let named: Vec<Tensor> = self.path(tensor).into_iter().filter(|t| is_named(module, *t)).collect();
        let Some(first) = named.first() else { return diagnostic };
        let decl = &module.tensors[*first];
        let mut out = diagnostic.and(decl.span, format!("`{}` is secret", decl.name));
        let primary = out.primary.as_ref().map(|label| label.span);
        for pair in named.windows(2).take(SHOWN) {
            let (from, decl) = (&module.tensors[pair[0]], &module.tensors[pair[1]]);
            if primary == Some(decl.span) {
                continue;
            }
            out = out.and(decl.span, format!("`{}` is computed from `{}`", decl.name, from.name));
        }
        if named.len() > SHOWN + 1 {
            let names: Vec<String> = named.iter().map(|t| format!("`{}`", module.tensors[*t].name)).collect();
            out = out.note(format!("the whole path is {}", names.join(", ")));
        }
        out
    }

    fn body(&mut self, module: &Module, body: &[Definition]) -> bool {
        let mut changed = false;
        for definition in body {
            changed |= match definition {
                Definition::Equation(equation) => self.equation(module, equation),
                Definition::Scan(scan) => self.scan(module, scan),
                Definition::Multi(multi) => {
                    let source = multi.args.iter().copied().find(|t| self.is_secret(*t));
                    multi.results.iter().fold(false, |changed, t| self.computed(module, *t, source) | changed)
                }
                Definition::Generate(generate) => generate.results.iter().fold(false, |changed, t| self.declared(module, *t) | changed),
                Definition::Table(table) => self.declared(module, table.out),
            };
        }
        changed
    }

    fn equation(&mut self, module: &Module, equation: &Equation) -> bool {
        let guard = equation.reduce.as_ref().and_then(|r| r.guard.as_ref());
        let read = [Some(&equation.body), guard, equation.domain.as_ref()].into_iter().flatten().find_map(|s| self.read_by(s));
        // A state is computed from itself as well, which says nothing of where it begins.
        let source = read.map(|(tensor, _)| tensor).filter(|t| *t != equation.out);
        self.computed(module, equation.out, source)
    }

    fn scan(&mut self, module: &Module, scan: &Scan) -> bool {
        let mut changed = false;
        for state in &scan.states {
            let source = state.init.filter(|init| self.is_secret(*init));
            changed |= source.is_some() && self.computed(module, state.tensor, source);
        }
        self.body(module, &scan.body) | changed
    }

    fn computed(&mut self, module: &Module, tensor: Tensor, source: Option<Tensor>) -> bool {
        match source {
            Some(source) => self.mark(tensor, Origin::From(source)),
            None => self.declared(module, tensor),
        }
    }

    fn declared(&mut self, module: &Module, tensor: Tensor) -> bool {
        module.tensors.get(tensor).is_some_and(|decl| decl.secret) && self.mark(tensor, Origin::Declared)
    }

    /// The first reason stays, so that paths have an end.
    fn mark(&mut self, tensor: Tensor, origin: Origin) -> bool {
        let slot = &mut self.origins[tensor];
        let is_new = slot.is_none();
        slot.get_or_insert(origin);
        self.any = true;
        is_new
    }
}

/// Whether the program itself names a tensor: what calls and nested reductions add is named after something, with a dot.
fn is_named(module: &Module, tensor: Tensor) -> bool {
    !module.tensors[tensor].name.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::parse::parse;
    use crate::tensor::verify::verify;

    const MODULE: &str = "module \"f\"
tensor t0 \"x\" f32[4] secret
tensor t1 \"w\" f32[4]
tensor t2 \"u\" f32[4] secret
tensor t3 \"h\" f32[] secret
tensor t4 \"h.from\" f32[]
tensor t5 \"y\" f32[4]
tensor t6 \"k\" f32[] secret
index i0 \"i\" 0..4
index i1 \"t\" 0..4
index i2 \"i\" 0..4
params (t0, t1)
results (t3, t5, t6)
t2[i0] = (t1[i0] * t0[i0])
t4[] = 0.0:f32
scan i1 states (t3 from t4) stacked () {
  t3[] = (prev t3[] + t2[i1])
}
t5[i2] = exp(t1[i2])
t6[] = 2.0:f32
";

    #[test]
    fn secrets_flow_and_their_paths_have_an_end() {
        let module = parse(MODULE).unwrap();
        let secrets = Secrets::of(&module);
        let names = |t: u32| secrets.path(Tensor::from_u32(t)).into_iter().map(|t| module.tensors[t].name.clone()).collect::<Vec<_>>();
        assert_eq!(names(3), ["x", "u", "h"]);
        assert_eq!(names(5), [] as [&str; 0]);
        assert_eq!(secrets.origin(Tensor::from_u32(6)), Some(Origin::Declared));
        assert!(verify(module).is_ok());
    }

    #[test]
    fn what_is_computed_from_a_secret_is_marked() {
        for open in ["\"u\" f32[4] secret", "\"h\" f32[] secret"] {
            let wrong = MODULE.replace(open, open.trim_end_matches(" secret"));
            let errors = verify(parse(&wrong).unwrap()).unwrap_err();
            assert!(errors.iter().any(|e| e.message.contains("computed from a secret tensor")), "{errors:?}");
        }
    }
}
