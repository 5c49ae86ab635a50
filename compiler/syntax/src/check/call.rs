//! Calls between defs (language 4e): generics unify with the caller's dims, by name and not by value; the def is inlined.

mod arguments;
mod generics;
mod results;
mod scalar;

pub(crate) use scalar::is_scalar_def;

use super::budget::nodes_of;
use super::inline::Renaming;
use super::program::{DefRef, Elaborated, Outcome};
use super::resolve::plural;
use super::scope::Elaborator;
use super::whole::WholeCall;
use crate::ast::{Argument, Expr, ExprKind, Ident};
use crate::builtins::{nearest, whole, whole_names};
use crate::error::parse::{LimitError, too_deep};
use crate::error::sums::error;
use crate::limits::MAX_COPIED_NODES;
use crate::print::print_expr;
use ein_ir::dtype::DType;
use ein_ir::entity::Tensor;
use ein_ir::span::Span;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A call statement.
struct Call<'a> {
    def: &'a Ident,
    args: &'a [Argument],
    callee: Arc<Elaborated>,
    span: Span,
}

impl<'p> Elaborator<'p> {
    /// The def that a name means here.
    pub(crate) fn find_def(&self, name: &str) -> Option<DefRef<'p>> {
        self.program.def(self.file, name)
    }

    /// Whether so many nodes of a def may be copied; says so if not.
    pub(crate) fn copied(&mut self, nodes: usize, def: &str, span: Span) -> bool {
        let fits = self.program.budget.take(nodes);
        if !fits {
            self.errors.push(LimitError::CopiedTooMuch { def: def.to_owned(), limit: MAX_COPIED_NODES, span }.into());
        }
        fits
    }

    /// The def that a call names, for rows of these ranks; says why if it cannot be called.
    fn callee(&mut self, name: &Ident, found: DefRef<'p>, ranks: &[usize]) -> Option<Arc<Elaborated>> {
        match self.program.elaborated(found, ranks) {
            Outcome::Right(callee) => self.copied(nodes_of(&callee.module), name.as_str(), name.span).then_some(callee),
            Outcome::Refused(refusals) => {
                let called = refusals.into_iter().map(|d| d.and(name.span, format!("`{name}` is called here")));
                self.errors.extend(called);
                None
            }
            Outcome::Wrong(errors) => {
                // Its own mistakes are reported there; this def cannot be right before it is.
                self.errors.extend(errors);
                None
            }
            Outcome::Active => {
                let found = error(209, format!("`{}` calls itself through `{name}`", self.module.name));
                self.errors.push(found.at(name.span, "recursion has no end here").help("a `scan` states a recurrence"));
                None
            }
            Outcome::TooDeep => {
                self.errors.push(too_deep(name.as_str(), name.span));
                None
            }
        }
    }

    /// `(a, b) = f(x);`
    ///
    /// `stated` is the element type that the equation states, if it does.
    pub(crate) fn bind_many(&mut self, names: &[Ident], value: &Expr, stated: Option<DType>, span: Span) {
        if self.call(names, value, stated, span).is_none() {
            names.iter().for_each(|name| self.poison(name));
        }
    }

    fn call(&mut self, names: &[Ident], value: &Expr, stated: Option<DType>, span: Span) -> Option<()> {
        let ExprKind::Call { name, args } = &value.peeled().kind else {
            let found = error(213, "several results come from a call").at(value.span, "not a call").help("`(a, b) = f(x);`");
            self.errors.push(found);
            return None;
        };
        let Some(found) = self.find_def(name.as_str()) else {
            return match whole(name.as_str()) {
                Some(function) => self.whole_call(function, &WholeCall { names, name, args, value, stated, span }),
                None => self.not_a_def(name),
            };
        };
        let ranks = self.ranks(name, found, args, span)?;
        let callee = self.callee(name, found, &ranks)?;
        let call = Call { def: name, args, callee, span };
        let tensors = self.arguments(&call, &names[0])?;
        let sizes = self.unify(&call, &tensors)?;
        let module = &call.callee.module;
        if names.len() != module.results.len() {
            let n = module.results.len();
            let found = error(
                213,
                format!(
                    "`{name}` has {n} {}, and {} {} named",
                    plural(n, "result", "results"),
                    names.len(),
                    plural(names.len(), "is", "are")
                ),
            );
            let results: Vec<&str> = module.results.iter().map(|t| module.tensors[*t].name.as_str()).collect();
            let text = if n == 1 {
                format!("`{} = {};`", names[0], print_expr(value))
            } else {
                format!("`({}) = {};`", results.join(", "), print_expr(value))
            };
            self.errors.push(found.at(span, format!("{} named", names.len())).help(text));
            return None;
        }
        let mut map: BTreeMap<Tensor, Tensor> = module.params.iter().copied().zip(tensors).collect();
        for (name, result) in names.iter().zip(&module.results) {
            let target = self.result_tensor(name, &call, *result, &sizes)?;
            map.insert(*result, target);
        }
        let label = names[0].as_str().to_owned();
        let callee = Arc::clone(&call.callee);
        let mut renaming = Renaming::new(&sizes, map.clone());
        self.share_constants(&callee, &mut renaming, span);
        renaming.secrets.clone_from(&callee.secrets);
        let before = self.module.requires.len();
        let tensors = self.inline(&callee.module, renaming, &label);
        self.called.extend((before..self.module.requires.len()).map(|n| (n, span)));
        self.copied.extend(tensors.iter().filter(|(t, _)| !callee.module.params.contains(t)).map(|(_, own)| (*own, span)));
        self.inherit_public(&callee.public, &tensors, span);
        self.secret_results(&callee, &tensors, span);
        for result in &callee.module.results {
            self.defined.insert(map[result]);
            self.carry_whole(map[result]);
        }
        Some(())
    }

    fn not_a_def(&mut self, name: &Ident) -> Option<()> {
        if let Some(what) = self.program.foreign(self.file, name.as_str()) {
            self.errors.push(crate::error::refusals::unsupported(&format!("`{name}` is declared by {what}, and that is"), name.span));
            return None;
        }
        let found = error(211, format!("there is no def `{name}`")).at(name.span, "not a def");
        self.errors.push(match nearest(name.as_str(), self.program.def_names(self.file).into_iter().chain(whole_names())) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found,
        });
        None
    }

    fn wrong_number(&mut self, name: &Ident, wants: &[&str], given: usize, span: Span) {
        let n = wants.len();
        let found = error(
            213,
            format!("`{name}` takes {n} {}, and {given} {} given", plural(n, "argument", "arguments"), plural(given, "is", "are")),
        );
        self.errors.push(found.at(span, format!("{given} given")).help(format!("`{name}({})`", wants.join(", "))));
    }
}
