//! Reductions by the reducers of the language and of the program.

use super::Resolver;
use crate::ast::{self, BinderKind, ElementKind};
use crate::builtins::{self, REDUCERS, Reducer, nearest};
use crate::check::scope::Meaning;
use crate::check::tree::{NodeKind, Reduction, VarId};
use crate::error::reducers;
use crate::error::refusals::unsupported;
use crate::print::print_expr;

impl Resolver<'_, '_> {
    pub(super) fn reduction(&mut self, r: &ast::Reduction) -> NodeKind {
        let is_own = self.elab.program.reducer(self.elab.file, r.name.as_str()).is_some();
        let reducer = if is_own { Some(Reducer::Program) } else { builtins::reducer(r.name.as_str()) };
        let before = self.bound.len();
        let binders: Vec<VarId> = r
            .binders
            .iter()
            .filter_map(
                |b| if let BinderKind::Index { name, range } = &b.kind { Some(self.bind(name, range.as_ref(), false)) } else { None },
            )
            .collect();
        let guard = r.guard.as_ref().map(|g| self.expr(g));
        let body = self.expr(&r.body);
        self.bound.truncate(before);
        let Some(reducer) = reducer else {
            self.unknown_reducer(r);
            return NodeKind::Bad;
        };
        self.check_used(&binders, r.name.as_str());
        let accumulator = r.accumulator.as_ref().and_then(|a| if let ElementKind::Scalar(d) = a.kind { Some(d) } else { None });
        NodeKind::Reduce(Box::new(Reduction { reducer, name: r.name.as_str().to_owned(), accumulator, binders, guard, body }))
    }

    fn unknown_reducer(&mut self, r: &ast::Reduction) {
        let name = r.name.as_str();
        let found = reducers::error(504, format!("there is no reducer `{name}`")).at(r.name.span, "not a reducer");
        let is_tensor = self.elab.names.get(name).is_some_and(|d| matches!(d.meaning, Meaning::Tensor(_)));
        let found = match self.elab.program.foreign(self.elab.file, name) {
            Some(what) => unsupported(&format!("`{name}` is declared by {what}, and that is"), r.name.span),
            None if is_tensor => {
                let subs: Vec<&str> = r.binders.iter().map(|b| b.name().as_str()).collect();
                let product = format!("`{name}[{}] * ({})`", subs.join(", "), print_expr(&r.body));
                found.note(format!("`{name}` is a tensor, and a product is written with `*`")).help(product)
            }
            None => match nearest(name, REDUCERS.into_iter().chain(self.elab.program.reducer_names(self.elab.file))) {
                Some(near) => found.help(format!("did you mean `{near}`?")),
                None => found.note(format!("the reducers are {}", REDUCERS.join(", "))),
            },
        };
        self.elab.errors.push(found);
    }
}
