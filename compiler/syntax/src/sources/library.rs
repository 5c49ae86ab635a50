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
pub const MODULES: [Module; 1] = [Module { name: "nn", text: include_str!("../../std/nn.ein") }];

/// The module of a name.
#[must_use]
pub fn module(name: &str) -> Option<&'static Module> {
    MODULES.iter().find(|m| m.name == name)
}
