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
mod constants;
pub(crate) mod dims;
pub(crate) mod dtype;
mod elaborate;
pub(crate) mod explain;
pub(crate) mod facts;
pub(crate) mod files;
mod hint;
pub(crate) mod index;
pub(crate) mod inline;
pub(crate) mod interval;
mod laws;
pub(crate) mod names;
pub(crate) mod program;
pub(crate) mod prove;
pub(crate) mod range;
mod reducer;
pub(crate) mod refuse;
mod resolve;
pub(crate) mod rows;
pub(crate) mod scan;
pub(crate) mod scope;
pub(crate) mod secrecy;
mod start;
mod state;
mod strict;
pub(crate) mod sum;
pub(crate) mod tree;
mod whole;

#[cfg(test)]
pub(crate) mod tests;

pub use explain::{Explanation, IndexNote, ReductionNote};
pub use hint::Hints;

use crate::ast::{self, Instance, InstanceValue, Item};
use crate::error::dims::error as dim_error;
use crate::error::refusals::unsupported;
use crate::error::sums::error;
use crate::sources::Sources;
use ein_ir::diagnostic::{Diagnostic, sort_by_position};
use ein_ir::tensor::Module;
use ein_ir::verified::Verified;
use files::ItemId;
use program::{DefRef, Elaborated, Outcome, ProgramScope};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A program without mistakes. Defs that need what this version does not have are part of it, and are refused when asked for.
#[derive(Clone, Debug)]
pub struct CheckedProgram {
    sources: Arc<Sources>,
    defs: Vec<CheckedDef>,
}

#[derive(Clone, Debug)]
struct CheckedDef {
    name: String,
    /// `None` for what `derive` makes.
    id: Option<ItemId>,
    /// Its row variables.
    rows: Vec<String>,
    /// With each row variable standing for one axis.
    outcome: Result<Arc<Elaborated>, Vec<Diagnostic>>,
}

/// Checks every def of a program of one file.
///
/// # Errors
/// Every mistake (E02xx to E05xx) in source order. What is only missing in this version (E0190) is no mistake here.
pub fn check(program: &ast::Program) -> Result<CheckedProgram, Vec<Diagnostic>> {
    check_sources(Sources::single(program.clone()))
}

/// Checks every def of a program and of the files that it uses.
///
/// # Errors
/// As [`check`].
pub fn check_sources(sources: Sources) -> Result<CheckedProgram, Vec<Diagnostic>> {
    let sources = Arc::new(sources);
    let mut errors = Vec::new();
    let defs = {
        let scope = ProgramScope::new(&sources, &mut errors);
        check_defs(&scope, &sources, &mut errors)
    };
    sort_by_position(&mut errors);
    let mut seen = BTreeSet::new();
    errors.retain(|d| seen.insert((d.primary.as_ref().map(|l| l.span), d.code, d.message.clone())));
    errors.truncate(crate::limits::MAX_MISTAKES);
    if errors.is_empty() { Ok(CheckedProgram { sources, defs }) } else { Err(errors) }
}

/// The defs of the program itself; mistakes of all files. What the program uses of the library is elaborated where it is used.
fn check_defs<'p>(scope: &ProgramScope<'p>, sources: &'p Sources, errors: &mut Vec<Diagnostic>) -> Vec<CheckedDef> {
    let mut defs = Vec::new();
    for (file, source) in sources.files.iter().enumerate().filter(|(_, source)| !source.is_library) {
        for (item, declared) in source.program.items.iter().enumerate() {
            let id = ItemId { file, item, part: 0 };
            let checked = match declared {
                Item::Def(def) => {
                    // One whose name is another's is reported already.
                    let Some(found) = scope.def(file, def.name.as_str()).filter(|d| d.id == id) else { continue };
                    let rows = rows::row_names(def).into_iter().map(str::to_owned).collect();
                    check_def(scope, found, errors).map(|outcome| CheckedDef {
                        name: def.name.as_str().to_owned(),
                        id: Some(id),
                        rows,
                        outcome,
                    })
                }
                Item::Derive(derive) => {
                    let refusal = unsupported(&format!("`derive {}` is", derive.name), derive.span);
                    Some(CheckedDef { name: derive.name.as_str().to_owned(), id: None, rows: Vec::new(), outcome: Err(vec![refusal]) })
                }
                Item::Const(_) => {
                    scope.check_shared(id, errors);
                    continue;
                }
                Item::Dim(dim) => {
                    (0..dim.items.len()).for_each(|part| scope.check_shared(ItemId { part, ..id }, errors));
                    continue;
                }
                _ => continue,
            };
            if file == 0 {
                defs.extend(checked);
            }
        }
    }
    defs
}

/// Numbers of axes that a row variable is tried with: 1 first, which the messages are about.
const TRIED_RANKS: [usize; 3] = [1, 0, 2];

/// One def, for a few ranks of its row variables; the outcome is that of the first.
fn check_def<'p>(
    scope: &ProgramScope<'p>,
    found: DefRef<'p>,
    errors: &mut Vec<Diagnostic>,
) -> Option<Result<Arc<Elaborated>, Vec<Diagnostic>>> {
    let rows = rows::row_names(found.def);
    let mut first = None;
    for rank in TRIED_RANKS {
        let outcome = match scope.elaborated(found, &vec![rank; rows.len()]) {
            Outcome::Right(elaborated) => Ok(elaborated),
            Outcome::Refused(refusals) => Err(refusals),
            Outcome::Wrong(wrong) if first.is_none() => {
                errors.extend(wrong);
                return None;
            }
            Outcome::Wrong(wrong) => {
                let axes = rows::count_axes(rank);
                errors.extend(wrong.into_iter().map(|d| d.note(format!("found with `..{}` standing for {axes}", rows.join("`, `..")))));
                return None;
            }
            Outcome::Active | Outcome::TooDeep => return None,
        };
        first.get_or_insert(outcome);
        if rows.is_empty() {
            break;
        }
    }
    first
}

impl CheckedProgram {
    /// The tree of the program itself.
    #[must_use]
    pub fn tree(&self) -> &ast::Program {
        // The program is the first of its files.
        &self.sources.files[0].program
    }

    /// Names of the defs, in the order of the file; those that `derive` makes are among them.
    #[must_use]
    pub fn defs(&self) -> Vec<&str> {
        self.defs.iter().map(|d| d.name.as_str()).collect()
    }

    /// The row variables of a def, in order. Empty for an unknown one.
    #[must_use]
    pub fn rows(&self, def: &str) -> &[String] {
        self.defs.iter().find(|d| d.name == def).map_or(&[], |d| &d.rows)
    }

    /// What the program hints about a def.
    #[must_use]
    pub fn hints(&self, def: &str) -> Hints {
        hint::of_def(self.tree(), def)
    }

    /// The defs that are exported for a target, each with the sizes that its export states.
    #[must_use]
    pub fn exported(&self, target: &str) -> Vec<(&str, Vec<(&str, i64)>)> {
        let exports = self.tree().items.iter().filter_map(|item| match item {
            Item::Export(export) if export.target.as_ref().is_some_and(|named| named.as_str() == target) => Some(export),
            _ => None,
        });
        exports.map(|export| (export.name.as_str(), export.instances.iter().filter_map(stated_size).collect())).collect()
    }

    /// The tensor IR of a def, with everything it calls inlined; each row variable stands for one axis.
    ///
    /// # Errors
    /// E0190 if the def needs what this version does not have, E0210 if there is none of this name.
    pub fn lower(&self, def: &str) -> Result<Verified<Module>, Vec<Diagnostic>> {
        self.find(def)?.outcome.as_ref().map(|e| e.module.clone()).map_err(Clone::clone)
    }

    /// The tensor IR of a def whose row variables stand for these numbers of axes, in order.
    ///
    /// # Errors
    /// As [`CheckedProgram::lower`]; what is wrong for these numbers alone.
    pub fn lower_for(&self, def: &str, ranks: &[usize]) -> Result<Verified<Module>, Vec<Diagnostic>> {
        let found = self.find(def)?;
        let (Some(id), false) = (found.id, ranks.iter().all(|r| *r == 1)) else { return self.lower(def) };
        let scope = ProgramScope::new(&self.sources, &mut Vec::new());
        let Some(tree) = scope.files.def(id) else { return self.lower(def) };
        match scope.elaborated(DefRef { id, def: tree }, ranks) {
            Outcome::Right(elaborated) => Ok(elaborated.module.clone()),
            Outcome::Refused(errors) | Outcome::Wrong(errors) => Err(errors),
            Outcome::Active | Outcome::TooDeep => Err(vec![dim_error(313, format!("`{def}` cannot be written out"))]),
        }
    }

    /// How many axes each row variable of a def stands for, from the numbers of axes of its inputs (`None` where one is not
    /// known) and from those that are given by name.
    ///
    /// # Errors
    /// E0313 if nothing says it or two places say different things, E0906 if an input has too few axes.
    pub fn ranks(&self, def: &str, inputs: &[Option<usize>], given: &[(String, usize)]) -> Result<Vec<usize>, Vec<Diagnostic>> {
        let found = self.find(def)?;
        let Some(Item::Def(tree)) = found.id.and_then(|id| self.sources.files.get(id.file)?.program.items.get(id.item)) else {
            return Ok(Vec::new());
        };
        if let Some((unknown, _)) = given.iter().find(|(row, _)| !found.rows.contains(row)) {
            let error = dim_error(311, format!("`{def}` has no row variable `..{unknown}`"));
            let near = crate::builtins::nearest(unknown, found.rows.iter().map(String::as_str));
            return Err(vec![match near {
                Some(near) => error.help(format!("did you mean `..{near}`?")),
                None => error,
            }]);
        }
        rows::ranks_of_call(tree, inputs, given).map_err(|problems| problems.iter().map(|p| p.of_inputs(def)).collect())
    }

    /// What is known of each equation of a def, in order: sums, ranges, accumulators, entry checks. Empty for a refused one.
    #[must_use]
    pub fn explain(&self, def: &str) -> Vec<Explanation> {
        let found = self.find(def).ok().and_then(|d| d.outcome.as_ref().ok());
        found.map(|e| e.notes.clone()).unwrap_or_default()
    }

    /// What is checked of the sizes when a def is called and does not follow from what it states, each as a mistake (E0315), in source
    /// order; each row variable stands for one axis. Empty for a refused one.
    #[must_use]
    pub fn unproved(&self, def: &str) -> Vec<Diagnostic> {
        let found = self.find(def).ok().and_then(|d| d.outcome.as_ref().ok());
        found.map(|e| e.unproved.clone()).unwrap_or_default()
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

/// A generic and its size, unless that is left open.
fn stated_size(instance: &Instance) -> Option<(&str, i64)> {
    match instance.value {
        InstanceValue::Size(size) => Some((instance.name.as_str(), i64::try_from(size.value).ok()?)),
        InstanceValue::Open => None,
    }
}
