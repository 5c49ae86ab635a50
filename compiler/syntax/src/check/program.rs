//! The defs of a program, elaborated on demand: a call needs what it calls first.

use super::budget::Budget;
use super::explain::Explanation;
use super::scope::Elaborator;
use crate::ast::{self, Item};
use crate::error::parse::LimitError;
use crate::error::sums::{error, repeated};
use crate::limits::MAX_CALL_DEPTH;
use crate::print::print_expr;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::tensor::Module;
use ein_ir::verified::Verified;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A def that is right.
#[derive(Clone, Debug)]
pub(crate) struct Elaborated {
    pub(crate) module: Verified<Module>,
    pub(crate) notes: Vec<Explanation>,
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
}

/// The names of a program.
pub(crate) struct ProgramScope<'p> {
    pub(crate) defs: BTreeMap<&'p str, &'p ast::Def>,
    /// Reducers by name.
    pub(crate) reducers: BTreeMap<&'p str, &'p ast::Reducer>,
    /// Names that items declare which this version does not have, with the item.
    pub(crate) foreign: BTreeMap<String, &'static str>,
    outcomes: RefCell<BTreeMap<String, Outcome>>,
    pub(crate) budget: Budget,
}

impl<'p> ProgramScope<'p> {
    /// Collects the names; reports what is wrong with the items other than the bodies of defs.
    pub(crate) fn new(program: &'p ast::Program, errors: &mut Vec<Diagnostic>) -> Self {
        let mut scope = Self {
            defs: BTreeMap::new(),
            reducers: BTreeMap::new(),
            foreign: BTreeMap::new(),
            outcomes: RefCell::default(),
            budget: Budget::default(),
        };
        for item in &program.items {
            scope.declare(item, errors);
        }
        for item in &program.items {
            let (name, instances) = match item {
                Item::Export(export) => (&export.name, export.instances.as_slice()),
                Item::Hint(hint) => (&hint.name, [].as_slice()),
                _ => continue,
            };
            scope.check_reference(name, instances, errors);
        }
        for reducer in scope.reducers.values() {
            super::reducer::check(&scope, reducer, errors);
        }
        scope
    }

    /// A program without items, for a single equation.
    pub(crate) fn empty() -> Self {
        Self {
            defs: BTreeMap::new(),
            reducers: BTreeMap::new(),
            foreign: BTreeMap::new(),
            outcomes: RefCell::default(),
            budget: Budget::default(),
        }
    }

    fn declare(&mut self, item: &'p Item, errors: &mut Vec<Diagnostic>) {
        if let Item::Reducer(item) = item {
            return self.declare_reducer(item, errors);
        }
        let mut foreign = |name: &str, what| {
            self.foreign.insert(name.to_owned(), what);
        };
        match item {
            Item::Def(def) => {
                let name = def.name.as_str();
                if let Some(first) = self.defs.get(name) {
                    errors.push(repeated(name, def.name.span, "def", first.name.span, "def"));
                } else if crate::builtins::function(name).is_some() {
                    let found = error(206, format!("`{name}` is a built-in function")).at(def.name.span, "the name of a def");
                    errors.push(found.help(format!("`{name}_of`, or another name")));
                } else {
                    self.defs.insert(name, def);
                }
            }
            Item::Import(import) => {
                import.names.iter().chain(&import.alias).for_each(|n| foreign(n.as_str(), "`use`"));
            }
            Item::Dim(dim) => dim.items.iter().for_each(|d| foreign(d.name.as_str(), "a top-level `dim`")),
            Item::Const(item) => foreign(item.name.as_str(), "`const`"),
            Item::Derive(item) => foreign(item.name.as_str(), "`derive`"),
            Item::Reducer(_) | Item::Export(_) | Item::Hint(_) => {}
        }
    }

    fn declare_reducer(&mut self, item: &'p ast::Reducer, errors: &mut Vec<Diagnostic>) {
        let name = item.name.as_str();
        if let Some(first) = self.reducers.get(name) {
            errors.push(repeated(name, item.name.span, "reducer", first.name.span, "reducer"));
        } else if crate::builtins::reducer(name).is_some() {
            let found = error(206, format!("`{name}` is a built-in reducer")).at(item.name.span, "the name of a reducer");
            errors.push(found.help(format!("`{name}_of`, or another name")));
        } else {
            self.reducers.insert(name, item);
        }
    }

    /// `export` and `hint` name a def, and `export` generics of it.
    fn check_reference(&self, name: &ast::Ident, instances: &[ast::Instance], errors: &mut Vec<Diagnostic>) {
        if self.foreign.contains_key(name.as_str()) {
            return;
        }
        let Some(def) = self.defs.get(name.as_str()) else {
            let found = error(210, format!("the program has no def `{name}`")).at(name.span, "no such def");
            errors.push(match crate::builtins::nearest(name.as_str(), self.defs.keys().copied()) {
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

    /// The def, elaborated now or before.
    pub(crate) fn elaborated(&self, name: &str) -> Outcome {
        if let Some(outcome) = self.outcomes.borrow().get(name) {
            return outcome.clone();
        }
        let Some(def) = self.defs.get(name).copied() else { return Outcome::Wrong(Vec::new()) };
        let name = def.name.as_str();
        self.outcomes.borrow_mut().insert(name.to_owned(), Outcome::Active);
        let outcome = match super::refuse::first_refusal(def) {
            Some(refusal) => Outcome::Refused(vec![refusal]),
            None => self.budget.nested(|| Elaborator::new(self, name).def(def)).unwrap_or_else(|| {
                let (def, span) = (name.to_owned(), def.name.span);
                Outcome::Wrong(vec![LimitError::CallsTooDeep { def, limit: MAX_CALL_DEPTH, span }.into()])
            }),
        };
        self.outcomes.borrow_mut().insert(name.to_owned(), outcome.clone());
        outcome
    }
}

/// `C[i, j] = …` with every sum written, without the semicolon.
pub(crate) fn explicit_text(bind: &ast::Bind, value: &ast::Expr) -> String {
    let mut bind = bind.clone();
    bind.value = value.clone();
    let text = crate::print::print_bind(&bind);
    debug_assert!(text.contains(&print_expr(value)));
    text.trim_end_matches(';').to_owned()
}
