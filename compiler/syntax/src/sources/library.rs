//! The standard library: modules written in `.ein` that are part of the compiler.

/// A module of the standard library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Module {
    /// `nn` in `use std.nn.{softmax};`
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// Every module, by name.
pub const MODULES: [Module; 12] = [
    Module { name: "attention", text: include_str!("../../std/attention.ein") },
    Module { name: "conv", text: include_str!("../../std/conv.ein") },
    Module { name: "linalg", text: include_str!("../../std/linalg.ein") },
    Module { name: "loss", text: include_str!("../../std/loss.ein") },
    Module { name: "nn", text: include_str!("../../std/nn.ein") },
    Module { name: "norm", text: include_str!("../../std/norm.ein") },
    Module { name: "pool", text: include_str!("../../std/pool.ein") },
    Module { name: "position", text: include_str!("../../std/position.ein") },
    Module { name: "quantum", text: include_str!("../../std/quantum.ein") },
    Module { name: "recurrent", text: include_str!("../../std/recurrent.ein") },
    Module { name: "sparse", text: include_str!("../../std/sparse.ein") },
    Module { name: "tensor", text: include_str!("../../std/tensor.ein") },
];

/// The module of a name.
#[must_use]
pub fn module(name: &str) -> Option<&'static Module> {
    MODULES.iter().find(|m| m.name == name)
}
