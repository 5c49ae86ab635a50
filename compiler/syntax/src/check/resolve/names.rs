//! Bare names, and sizes between bars.

use super::{Resolver, plural};
use crate::ast::Ident;
use crate::builtins;
use crate::check::scope::Meaning;
use crate::check::tree::{Access, NodeKind};
use crate::error::sums::error;
use ein_ir::entity::Tensor;
use ein_ir::extent::Extent;

impl Resolver<'_, '_> {
    pub(super) fn size(&mut self, name: &Ident) -> NodeKind {
        self.elab.bring_in(name.as_str(), name.span);
        match self.elab.names.get(name.as_str()).map(|d| (d.meaning.clone(), d.span, d.what)) {
            Some((Meaning::Dim(dim) | Meaning::Int(dim), ..)) => NodeKind::Size(Extent::dim(dim)),
            Some((Meaning::Alias(size), ..)) => NodeKind::Size(size),
            Some((Meaning::Unknown, ..)) => NodeKind::Bad,
            Some((Meaning::Tensor(_) | Meaning::Formula(_) | Meaning::Operand(..), declared, what)) => {
                let found = error(204, format!("`|{name}|` is the size of a dim, and `{name}` is a {what}")).at(name.span, "not a dim");
                let found = found.and(declared, "declared here").help(format!("`abs({name})` for an absolute value"));
                self.elab.errors.push(found);
                NodeKind::Bad
            }
            None if self.find(name.as_str()).is_some() => {
                let found = error(204, format!("`|{name}|` is the size of a dim, and `{name}` is an index")).at(name.span, "not a dim");
                self.elab.errors.push(found.help(format!("`abs({name})` for an absolute value")));
                NodeKind::Bad
            }
            None => {
                self.elab.unknown(name.as_str(), name.span, &[]);
                NodeKind::Bad
            }
        }
    }

    pub(super) fn name(&mut self, name: &Ident) -> NodeKind {
        if let Some(v) = self.find(name.as_str()) {
            self.vars[v].used = true;
            return NodeKind::Index(v);
        }
        if self.poisoned.iter().any(|p| p.name == name.name) {
            return NodeKind::Bad;
        }
        self.elab.bring_in(name.as_str(), name.span);
        match self.elab.names.get(name.as_str()).map(|d| (d.meaning.clone(), d.span, d.what)) {
            Some((Meaning::Int(dim), ..)) => NodeKind::Size(Extent::dim(dim)),
            Some((Meaning::Formula(formula), ..)) => self.formula(&formula, name.span).map_or(NodeKind::Bad, |node| node.kind),
            Some((Meaning::Dim(_) | Meaning::Alias(_), declared, what)) => {
                let found = error(204, format!("`{name}` is a {what}, not a value"))
                    .at(name.span, "a value must stand here")
                    .and(declared, "declared here")
                    .note(format!("an index named `{name}` needs another name; its size as a value is `|{name}|`"));
                self.elab.errors.push(found.help(format!("`|{name}|`")));
                NodeKind::Bad
            }
            Some((Meaning::Tensor(tensor), ..)) => self.whole(name, tensor, false),
            Some((Meaning::Operand(n, dtype), ..)) => NodeKind::Operand(n, dtype),
            Some((Meaning::Unknown, ..)) => NodeKind::Bad,
            None => match builtins::constant(name.as_str()) {
                Some(value) => NodeKind::Float(value),
                None => {
                    let indices: Vec<String> = self.bound.iter().map(|v| self.vars[*v].name.clone()).collect();
                    self.elab.unknown(name.as_str(), name.span, &indices);
                    self.poisoned.push(name.clone());
                    NodeKind::Bad
                }
            },
        }
    }

    /// A bare tensor: a value if it has no axes.
    fn whole(&mut self, name: &Ident, tensor: Tensor, prev: bool) -> NodeKind {
        if !prev && !self.is_readable(name, tensor) {
            return NodeKind::Bad;
        }
        let rank = self.elab.module.tensors[tensor].axes.len();
        if rank == 0 {
            return NodeKind::Access(Access { tensor, prev, subs: Vec::new(), pad: None });
        }
        let indices = ["i", "j", "k", "l", "m", "n"].get(..rank).map_or_else(|| "…".to_owned(), |i| i.join(", "));
        let found = error(212, format!("`{name}` has {rank} {}, and one value must stand here", plural(rank, "axis", "axes")))
            .at(name.span, "a whole tensor")
            .help(format!("`{}{name}[{indices}]`", if prev { "prev " } else { "" }));
        self.elab.errors.push(found);
        NodeKind::Bad
    }

    /// A tensor is read only after its equation.
    pub(super) fn is_readable(&mut self, name: &Ident, tensor: Tensor) -> bool {
        if self.elab.defined.contains(&tensor) {
            return true;
        }
        let below = self.elab.equations.get(name.as_str()).copied();
        let found = match below {
            Some(below) if self.elab.is_state(name.as_str()) => error(204, format!("`{name}` is read before its equation"))
                .at(name.span, "has no value of this step yet")
                .and(below, "defined here")
                .help(format!("`prev {name}` is its value at the end of the step before")),
            Some(below) if below.start < name.span.start => error(204, format!("`{name}` is read by its own equation"))
                .at(name.span, "has no value yet")
                .and(below, "defined here")
                .help("a recurrence is a `scan`, and `prev` reads the step before"),
            Some(below) => error(204, format!("`{name}` is read before its equation"))
                .at(name.span, "read here")
                .and(below, "defined below, here")
                .help(format!("move the equation of `{name}` up")),
            None => error(204, format!("`{name}` has no value yet")).at(name.span, "read here"),
        };
        self.elab.errors.push(found);
        false
    }

    pub(super) fn prev(&mut self, name: &Ident) -> NodeKind {
        match self.elab.previous(name) {
            Some(tensor) => self.whole(name, tensor, true),
            None => NodeKind::Bad,
        }
    }
}
