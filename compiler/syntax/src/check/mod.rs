//! From syntax tree to tensor IR: names, sums, ranges, bounds and types of each def (language 3 and 4).
//!
//! An equation goes through these steps, each of which stops it if it finds a mistake:
//!
//! 1. [`sum`] writes out the silent sums,
//! 2. [`resolve`] makes entities of names,
//! 3. [`range`] finds the range of every index,
//! 4. [`dtype`] finds the type of every expression,
//! 5. [`crate::lower`] writes tensor IR, with [`prove`] showing that subscripts stay inside their axes.
//!
//! A call copies the tensor IR of what it calls ([`call`], [`inline`]). Every mistake of a program is reported, in source order.

pub(crate) mod budget;
mod call;
pub(crate) mod dims;
pub(crate) mod dtype;
mod elaborate;
pub(crate) mod explain;
pub(crate) mod index;
pub(crate) mod inline;
mod laws;
pub(crate) mod names;
pub(crate) mod program;
pub(crate) mod prove;
pub(crate) mod range;
mod reducer;
pub(crate) mod refuse;
mod resolve;
pub(crate) mod scan;
pub(crate) mod scope;
mod state;
pub(crate) mod sum;
pub(crate) mod tree;
mod whole;

#[cfg(test)]
mod tests;

pub use explain::{Explanation, IndexNote, ReductionNote};

use crate::ast::{self, Item};
use crate::error::refusals::unsupported;
use crate::error::sums::error;
use ein_ir::diagnostic::{Diagnostic, sort_by_position};
use ein_ir::tensor::Module;
use ein_ir::verified::Verified;
use program::{Elaborated, Outcome, ProgramScope};
use std::sync::Arc;

/// A program without mistakes. Defs that need what this version does not have are part of it, and are refused when asked for.
#[derive(Clone, Debug)]
pub struct CheckedProgram {
    defs: Vec<CheckedDef>,
}

#[derive(Clone, Debug)]
struct CheckedDef {
    name: String,
    outcome: Result<Arc<Elaborated>, Vec<Diagnostic>>,
}

/// Checks every def of a program.
///
/// # Errors
/// Every mistake (E02xx to E05xx) in source order. What is only missing in this version (E0190) is no mistake here.
pub fn check(program: &ast::Program) -> Result<CheckedProgram, Vec<Diagnostic>> {
    let mut errors = Vec::new();
    let scope = ProgramScope::new(program, &mut errors);
    let mut defs = Vec::new();
    for item in &program.items {
        let (name, outcome) = match item {
            Item::Def(def) => (def.name.as_str(), scope.elaborated(def.name.as_str())),
            Item::Derive(derive) => {
                (derive.name.as_str(), Outcome::Refused(vec![unsupported(&format!("`derive {}` is", derive.name), derive.span)]))
            }
            _ => continue,
        };
        let outcome = match outcome {
            Outcome::Right(elaborated) => Ok(elaborated),
            Outcome::Refused(refusals) => Err(refusals),
            Outcome::Wrong(found) => {
                errors.extend(found);
                continue;
            }
            Outcome::Active => continue,
        };
        defs.push(CheckedDef { name: name.to_owned(), outcome });
    }
    sort_by_position(&mut errors);
    errors.dedup();
    errors.truncate(crate::limits::MAX_MISTAKES);
    if errors.is_empty() { Ok(CheckedProgram { defs }) } else { Err(errors) }
}

impl CheckedProgram {
    /// Names of the defs, in the order of the file; those that `derive` makes are among them.
    #[must_use]
    pub fn defs(&self) -> Vec<&str> {
        self.defs.iter().map(|d| d.name.as_str()).collect()
    }

    /// The tensor IR of a def, with everything it calls inlined.
    ///
    /// # Errors
    /// E0190 if the def needs what this version does not have, E0210 if there is none of this name.
    pub fn lower(&self, def: &str) -> Result<Verified<Module>, Vec<Diagnostic>> {
        self.find(def)?.outcome.as_ref().map(|e| e.module.clone()).map_err(Clone::clone)
    }

    /// What is known of each equation of a def, in order: sums, ranges, accumulators, entry checks. Empty for a refused one.
    #[must_use]
    pub fn explain(&self, def: &str) -> Vec<Explanation> {
        let found = self.find(def).ok().and_then(|d| d.outcome.as_ref().ok());
        found.map(|e| e.notes.clone()).unwrap_or_default()
    }

    fn find(&self, def: &str) -> Result<&CheckedDef, Vec<Diagnostic>> {
        let found = self.defs.iter().find(|d| d.name == def);
        found.ok_or_else(|| {
            let found = error(210, format!("the program has no def `{def}`"));
            vec![match crate::builtins::nearest(def, self.defs()) {
                Some(near) => found.help(format!("did you mean `{near}`?")),
                None => found,
            }]
        })
    }
}
