//! Calls inside of expressions: functions, defs of scalars, and what stands there instead of them.

use super::{Resolver, index_names, plural};
use crate::ast::{self, Expr, ExprKind, Ident};
use crate::builtins::{self, Function, MODES, REDUCERS, nearest};
use crate::check::scope::Meaning;
use crate::check::tree::{Node, NodeKind};
use crate::error::refusals::unsupported;
use crate::error::sums::error;
use crate::print::print_expr;
use ein_ir::span::Span;

impl Resolver<'_, '_> {
    pub(super) fn call(&mut self, name: &Ident, args: &[ast::Argument], span: Span) -> NodeKind {
        if name.as_str() == builtins::APPROX {
            return self.approx(args, span);
        }
        let def = self.elab.find_def(name.as_str());
        let is_whole = match def {
            Some(d) => !crate::check::call::is_scalar_def(d.def),
            None => builtins::whole(name.as_str()).is_some(),
        };
        if is_whole {
            let found = error(212, format!("`{name}` works on whole tensors, and one value must stand here"));
            let text: Vec<String> = args.iter().map(|a| whole_tensor(&a.value)).collect();
            let found = found.at(span, "called inside an expression");
            self.elab.errors.push(found.help(format!("`p = {name}({});` as an equation of its own", text.join(", "))));
            return NodeKind::Bad;
        }
        if let Some(named) = args.iter().find(|a| a.name.is_some() && !MODES.contains(&name.as_str())) {
            let found = error(213, format!("`{name}` takes its arguments by position here")).at(named.span, "an argument with a name");
            self.elab.errors.push(found);
            return NodeKind::Bad;
        }
        if let Some(builtin) = builtins::function(name.as_str()) {
            let values = args.iter().map(|a| self.expr(&a.value)).collect();
            let reduction = self.with_brackets(name, args);
            return self.builtin(builtin, values, span, &reduction);
        }
        if let Some(def) = def {
            return NodeKind::Def(def.id, args.iter().map(|a| self.expr(&a.value)).collect());
        }
        let found = match self.elab.program.foreign(self.elab.file, name.as_str()) {
            _ if MODES.contains(&name.as_str()) => {
                let found = error(214, format!("`{name}` stands only directly between the brackets of an access"));
                found.at(span, "not a subscript").help(format!("`x[{name}(i)]`"))
            }
            Some(what) => unsupported(&format!("`{name}` is declared by {what}, and that is"), name.span),
            None if REDUCERS.contains(&name.as_str()) || self.elab.program.reducer(self.elab.file, name.as_str()).is_some() => {
                let found = error(211, format!("`{name}` is a reducer, and names the indices that it runs over"));
                found.at(name.span, "not a function").help(format!("`{}`", self.with_brackets(name, args)))
            }
            None => {
                let defs = self.elab.program.def_names(self.elab.file);
                let near = nearest(name.as_str(), builtins::FUNCTIONS.iter().map(|f| f.name).chain(defs).chain(builtins::whole_names()));
                let found = error(211, format!("there is no function `{name}`")).at(name.span, "not a function");
                let is_tensor = matches!(self.elab.names.get(name.as_str()).map(|d| &d.meaning), Some(Meaning::Tensor(_)));
                match near {
                    _ if is_tensor => {
                        let subs: Vec<String> = args.iter().map(|a| print_expr(&a.value)).collect();
                        found
                            .help(format!("`{name}[{}]`", subs.join(", ")))
                            .note(format!("`{name}` is a tensor, and brackets subscript it"))
                    }
                    Some(near) => found.help(format!("did you mean `{near}`?")),
                    None => found,
                }
            }
        };
        self.elab.errors.push(found);
        NodeKind::Bad
    }

    /// A reducer that is called like a function, with the indices that it lacks: those that nothing else binds, or one for
    /// each axis of a tensor.
    fn with_brackets(&self, name: &Ident, args: &[ast::Argument]) -> String {
        let [only] = args else { return format!("{name}[i](…)") };
        let text = print_expr(only.value.peeled());
        let mut free: Vec<&str> = Vec::new();
        crate::check::names::visit_free(&only.value, &mut |n| {
            if self.poisoned.iter().any(|p| p.name == n.name) && !free.contains(&n.as_str()) {
                free.push(n.as_str());
            }
        });
        if !free.is_empty() {
            return format!("{name}[{}]({text})", free.join(", "));
        }
        match self.elab.names.get(&text).map(|d| d.meaning.clone()) {
            Some(Meaning::Tensor(tensor)) if !self.elab.module.tensors[tensor].axes.is_empty() => {
                let indices = index_names(&[], &[], self.elab.module.tensors[tensor].axes.len());
                format!("{name}[{indices}]({text}[{indices}])")
            }
            _ => format!("{name}[i](…)"),
        }
    }

    /// `reduction` is the same with brackets, for `max` and `min` of one value.
    fn builtin(&mut self, builtin: &'static builtins::Builtin, args: Vec<Node>, span: Span, reduction: &str) -> NodeKind {
        let takes = match builtin.function {
            Function::Unary(_) if args.len() != 1 => "one argument",
            Function::Binary(_) if args.len() != 2 => "two arguments",
            Function::Fold(_) if args.len() < 2 => "two or more arguments",
            _ => return NodeKind::Call(builtin, args),
        };
        let found = error(213, format!("`{}` takes {takes}, and {} {} given", builtin.name, args.len(), plural(args.len(), "is", "are")));
        let found = found.at(span, format!("{} given", args.len()));
        self.elab.errors.push(match builtin.function {
            Function::Fold(_) => found.help(format!("`{reduction}` reduces over an index")),
            _ => found,
        });
        NodeKind::Bad
    }
}

/// An argument as a call of whole tensors takes it: a tensor by its bare name.
fn whole_tensor(e: &Expr) -> String {
    match &e.peeled().kind {
        ExprKind::Subscript { base, .. } => print_expr(base),
        _ => print_expr(e),
    }
}
