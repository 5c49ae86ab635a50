//! The defs of a program, elaborated on demand: a call needs what it calls first.

use super::budget::Budget;
use super::explain::Explanation;
use super::files::{Entry, Files, ItemId, Target};
use super::rows;
use super::scope::Elaborator;
use super::secrecy::Public;
use crate::ast::{self, Item};
use crate::error::parse::too_deep;
use crate::error::sums::error;
use crate::limits::MAX_CALL_DEPTH;
use crate::print::print_expr;
use crate::sources::Sources;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::{Dim, Tensor};
use ein_ir::tensor::Module;
use ein_ir::verified::Verified;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A def that is right.
#[derive(Clone, Debug)]
pub(crate) struct Elaborated {
    pub(crate) module: Verified<Module>,
    pub(crate) notes: Vec<Explanation>,
    /// Entry checks that the program does not state, as mistakes.
    pub(crate) unproved: Vec<Diagnostic>,
    /// The dims of the module that are declared at the top of a file, which callers share.
    pub(crate) shared: BTreeMap<ItemId, Dim>,
    /// The tensors of the module that are constants at the top of a file.
    pub(crate) constants: BTreeMap<ItemId, Tensor>,
    /// What is declared public.
    pub(crate) public: Vec<Public>,
    /// What is declared secret without being computed from a secret; parameters are not among it.
    pub(crate) secrets: BTreeSet<Tensor>,
}

/// What became of a def.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// It is right.
    Right(Arc<Elaborated>),
    /// It may be right, but needs what this version does not have.
    Refused(Vec<Diagnostic>),
    /// It has mistakes.
    Wrong(Vec<Diagnostic>),
    /// It is being elaborated: whoever asks is called by it.
    Active,
    /// Calls nest too deep to elaborate it now.
    TooDeep,
}

/// A def as a call finds it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DefRef<'p> {
    pub(crate) id: ItemId,
    pub(crate) def: &'p ast::Def,
}

/// A program while it is checked.
#[derive(Default)]
pub(crate) struct ProgramScope<'p> {
    pub(crate) files: Files<'p>,
    /// By def, and number of axes that each of its row variables stands for.
    outcomes: RefCell<BTreeMap<(ItemId, Vec<usize>), Outcome>>,
    /// What is being elaborated, outermost first.
    active: RefCell<Vec<ItemId>>,
    /// The defs that are exported for a target on which secrets may decide.
    selecting: BTreeSet<ItemId>,
    pub(crate) budget: Budget,
}

impl<'p> ProgramScope<'p> {
    /// Collects the names; reports what is wrong with the items other than the bodies of defs.
    pub(crate) fn new(sources: &'p Sources, errors: &mut Vec<Diagnostic>) -> Self {
        let mut scope = Self { files: Files::new(sources, errors), ..Self::default() };
        for (file, source) in sources.files.iter().enumerate() {
            for item in &source.program.items {
                let (name, instances) = match item {
                    Item::Export(export) => {
                        errors.extend(export.target.as_ref().and_then(unknown_target));
                        (&export.name, export.instances.as_slice())
                    }
                    Item::Hint(hint) => {
                        errors.extend(super::hint::read(hint).err().into_iter().flatten());
                        (&hint.name, [].as_slice())
                    }
                    _ => continue,
                };
                scope.check_reference(file, name, instances, errors);
                if matches!(item, Item::Export(ast::Export { target: Some(target), .. }) if target.as_str() == "tfhe") {
                    let exported = scope.def(file, name.as_str()).map(|found| found.id);
                    scope.selecting.extend(exported);
                }
            }
        }
        for reducer in scope.files.reducers() {
            super::reducer::check(&scope, reducer, errors);
        }
        scope
    }

    /// A program without items, for a single equation.
    pub(crate) fn empty() -> Self {
        Self::default()
    }

    /// The def that a name means in a file.
    pub(crate) fn def(&self, file: usize, name: &str) -> Option<DefRef<'p>> {
        match self.files.find(file, name)? {
            Entry { id, target: Target::Def(def), .. } => Some(DefRef { id, def }),
            _ => None,
        }
    }

    /// Whether secrets may decide in a def: it is for a target that computes both sides and selects.
    pub(crate) fn selects(&self, file: usize, name: &str) -> bool {
        self.def(file, name).is_some_and(|found| self.selecting.contains(&found.id))
    }

    /// The reducer that a name means in a file.
    pub(crate) fn reducer(&self, file: usize, name: &str) -> Option<&'p ast::Reducer> {
        self.files.reducer(file, name)
    }

    /// Names of the reducers that a file can use, for did-you-mean.
    pub(crate) fn reducer_names(&self, file: usize) -> Vec<&'p str> {
        self.files.reducer_names(file)
    }

    /// What declares a name that this version cannot use.
    pub(crate) fn foreign(&self, file: usize, name: &str) -> Option<&'static str> {
        match self.files.find(file, name)?.target {
            Target::Foreign(what) => Some(what),
            _ => None,
        }
    }

    /// Names of the defs that a file can call, for did-you-mean.
    pub(crate) fn def_names(&self, file: usize) -> Vec<&str> {
        self.files.names_of(file, |t| matches!(t, Target::Def(_)))
    }

    /// `export` and `hint` name a def, and `export` generics of it.
    fn check_reference(&self, file: usize, name: &ast::Ident, instances: &[ast::Instance], errors: &mut Vec<Diagnostic>) {
        if self.foreign(file, name.as_str()).is_some() {
            return;
        }
        let Some(DefRef { def, .. }) = self.def(file, name.as_str()) else {
            let found = error(210, format!("the program has no def `{name}`")).at(name.span, "no such def");
            errors.push(match crate::builtins::nearest(name.as_str(), self.def_names(file)) {
                Some(near) => found.help(format!("did you mean `{near}`?")),
                None => found,
            });
            return;
        };
        for instance in instances {
            let generics = || def.generics.iter().map(|g| g.name.as_str());
            if !generics().any(|g| g == instance.name.as_str()) {
                let near = crate::builtins::nearest(instance.name.as_str(), generics());
                let found = error(204, format!("`{name}` has no generic `{}`", instance.name)).at(instance.span, "no such generic");
                errors.push(match near {
                    Some(near) => found.help(format!("did you mean `{near}`?")),
                    None => found.and(def.name.span, "the def is here"),
                });
            }
        }
    }

    /// The def for row variables of these ranks, elaborated now or before.
    pub(crate) fn elaborated(&self, found: DefRef<'p>, ranks: &[usize]) -> Outcome {
        match self.remembered((found.id, ranks.to_vec()), || self.elaborate(found, ranks)) {
            Outcome::TooDeep => Outcome::Wrong(vec![too_deep(found.def.name.as_str(), found.def.name.span)]),
            outcome => outcome,
        }
    }

    /// The outcome of an elaboration, from the first time.
    pub(crate) fn remembered(&self, key: (ItemId, Vec<usize>), elaborate: impl FnOnce() -> Outcome) -> Outcome {
        if let Some(outcome) = self.outcomes.borrow().get(&key) {
            return outcome.clone();
        }
        if let Some(outcome) = self.enter(key.0) {
            return outcome;
        }
        let outcome = elaborate();
        self.leave();
        self.outcomes.borrow_mut().insert(key, outcome.clone());
        outcome
    }

    /// What is being elaborated because of a declaration, which is the first and the last name.
    pub(crate) fn chain(&self, id: ItemId) -> Vec<String> {
        let active = self.active.borrow();
        let from = active.iter().position(|a| *a == id).unwrap_or(0);
        active[from..].iter().chain([&id]).map(|a| self.files.name_of(*a).to_owned()).collect()
    }

    /// Notes that a declaration is being elaborated; says why not if it cannot be.
    pub(crate) fn enter(&self, id: ItemId) -> Option<Outcome> {
        let mut active = self.active.borrow_mut();
        if active.contains(&id) {
            return Some(Outcome::Active);
        }
        if active.len() >= MAX_CALL_DEPTH {
            return Some(Outcome::TooDeep);
        }
        active.push(id);
        None
    }

    /// Undoes [`ProgramScope::enter`].
    pub(crate) fn leave(&self) {
        self.active.borrow_mut().pop();
    }

    fn elaborate(&self, DefRef { id, def }: DefRef<'p>, ranks: &[usize]) -> Outcome {
        if let Some(refusal) = super::refuse::first_refusal(def) {
            return Outcome::Refused(vec![refusal]);
        }
        if !rows::has_rows(def) {
            return Elaborator::new(self, id.file, def.name.as_str()).def(def);
        }
        let instance = match rows::expand(self, id.file, def, ranks) {
            Ok(instance) => instance,
            Err(errors) => return Outcome::Wrong(errors),
        };
        instance.spelt(Elaborator::new(self, id.file, def.name.as_str()).def(&instance.def))
    }
}

/// Says that a word behind `for` is no target, if it is none.
fn unknown_target(target: &ast::Ident) -> Option<Diagnostic> {
    const TARGETS: [&str; 4] = ["cpu", "gpu", "he", "tfhe"];
    if TARGETS.contains(&target.as_str()) {
        return None;
    }
    let found = error(218, format!("there is no target `{target}`")).at(target.span, "not a target");
    Some(match crate::builtins::nearest(target.as_str(), TARGETS) {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => found.help("`cpu`, `gpu`, `he` or `tfhe`"),
    })
}

/// `C[i, j] = …` with every sum written, without the semicolon.
pub(crate) fn explicit_text(bind: &ast::Bind, value: &ast::Expr) -> String {
    let mut bind = bind.clone();
    bind.value = value.clone();
    let text = crate::print::print_bind(&bind);
    debug_assert!(text.contains(&print_expr(value)));
    text.trim_end_matches(';').to_owned()
}
