//! Copies of a called def inside its caller: its generics become sizes of the caller, its tensors and indices are made anew.

use super::prove::{Proof, prove_nonnegative};
use super::scope::Elaborator;
use ein_ir::entity::{EntityRef, Index, Reducer, Tensor};
use ein_ir::extent::{Atom, Extent};
use ein_ir::scalar::{Scalar, ScalarKind};
use ein_ir::tensor::{
    Definition, Equation, Generate, IndexDecl, Module, Multi, Reduce, ReduceOp, Relation, Require, Scan, Stacked, State, Table, TensorDecl,
};
use std::collections::{BTreeMap, BTreeSet};

/// How the entities of a called def are spelt in its caller.
pub(crate) struct Renaming<'a> {
    /// One size for each generic.
    pub(crate) dims: &'a [Extent],
    /// Parameters and results; the others are made by [`Elaborator::inline`].
    pub(crate) tensors: BTreeMap<Tensor, Tensor>,
    /// Those of them that the caller defines already.
    pub(crate) kept: BTreeSet<Tensor>,
    /// Those that are declared secret without being computed from a secret.
    pub(crate) secrets: BTreeSet<Tensor>,
    indices: Vec<Index>,
    reducers: Vec<Reducer>,
}

impl<'a> Renaming<'a> {
    pub(crate) fn new(dims: &'a [Extent], tensors: BTreeMap<Tensor, Tensor>) -> Self {
        Self { dims, tensors, kept: BTreeSet::new(), secrets: BTreeSet::new(), indices: Vec::new(), reducers: Vec::new() }
    }

    pub(crate) fn size(&self, size: &Extent) -> Extent {
        substitute_dims(size, self.dims)
    }

    fn scalar(&self, scalar: &Scalar) -> Scalar {
        let mut out = scalar.clone();
        out.visit_mut(&mut |s| match &mut s.kind {
            ScalarKind::Index(i) => *i = self.indices[i.index()],
            ScalarKind::Size(size) => *size = substitute_dims(size, self.dims),
            ScalarKind::Access(access) => access.tensor = self.tensors[&access.tensor],
            _ => {}
        });
        out
    }

    fn definition(&self, definition: &Definition) -> Option<Definition> {
        let tensors = |list: &[Tensor]| list.iter().map(|t| self.tensors[t]).collect::<Vec<_>>();
        Some(match definition {
            Definition::Equation(e) => Definition::Equation(self.equation(e)),
            Definition::Multi(m) => Definition::Multi(Multi {
                results: tensors(&m.results),
                args: tensors(&m.args),
                options: m.options.iter().map(|(name, size)| (name.clone(), self.size(size))).collect(),
                ..m.clone()
            }),
            Definition::Generate(g) => Definition::Generate(Generate {
                results: tensors(&g.results),
                args: g.args.iter().map(|size| self.size(size)).collect(),
                ..g.clone()
            }),
            Definition::Table(table) => Definition::Table(Table { out: self.tensors[&table.out], ..table.clone() }),
            Definition::Scan(scan) => Definition::Scan(self.scan(scan)),
        })
    }

    fn scan(&self, scan: &Scan) -> Scan {
        let tensor = |t: Tensor| self.tensors[&t];
        Scan {
            index: self.indices[scan.index.index()],
            reverse: scan.reverse,
            states: scan.states.iter().map(|s| State { tensor: tensor(s.tensor), init: s.init.map(tensor) }).collect(),
            stacked: scan.stacked.iter().map(|s| Stacked { tensor: tensor(s.tensor), axis: s.axis }).collect(),
            body: scan.body.iter().filter_map(|d| self.definition(d)).collect(),
            span: scan.span,
        }
    }

    fn equation(&self, e: &Equation) -> Equation {
        let indices = |list: &[Index]| list.iter().map(|i| self.indices[i.index()]).collect::<Vec<_>>();
        let op = |op: ReduceOp| if let ReduceOp::User(r) = op { ReduceOp::User(self.reducers[r.index()]) } else { op };
        let reduce = e.reduce.as_ref().map(|r| Reduce {
            op: op(r.op),
            binders: indices(&r.binders),
            guard: r.guard.as_ref().map(|g| self.scalar(g)),
            ..r.clone()
        });
        Equation {
            out: self.tensors[&e.out],
            indices: indices(&e.indices),
            domain: e.domain.as_ref().map(|d| self.scalar(d)),
            reduce,
            body: self.scalar(&e.body),
            span: e.span,
        }
    }
}

/// A size of the called def as one of the caller.
pub(crate) fn substitute_dims(size: &Extent, dims: &[Extent]) -> Extent {
    size.substitute(&|atom| match atom {
        Atom::Dim(d) => dims.get(d.index()).cloned(),
        _ => None,
    })
}

impl Elaborator<'_> {
    /// Appends the definitions and entry checks of a called def. `label` is what its inner tensors are named after.
    /// Gives the tensors of the caller for those of the def.
    pub(crate) fn inline(&mut self, module: &Module, mut renaming: Renaming<'_>, label: &str) -> BTreeMap<Tensor, Tensor> {
        for decl in module.reducers.values() {
            let known = self.module.reducers.iter().find(|(_, own)| *own == decl).map(|(id, _)| id);
            renaming.reducers.push(known.unwrap_or_else(|| self.module.reducers.push(decl.clone())));
        }
        for decl in module.indices.values() {
            let fresh = IndexDecl { lo: renaming.size(&decl.lo), hi: renaming.size(&decl.hi), ..decl.clone() };
            renaming.indices.push(self.module.indices.push(fresh));
        }
        for (tensor, decl) in &module.tensors {
            if !renaming.tensors.contains_key(&tensor) {
                let axes = decl.axes.iter().map(|a| renaming.size(a)).collect();
                let index_of = decl.index_of.iter().map(|size| renaming.size(size)).collect();
                let name = self.fresh_name(&format!("{label}.{}", decl.name));
                // What else is secret follows from the arguments.
                let secret = renaming.secrets.contains(&tensor);
                let fresh = self.module.tensors.push(TensorDecl { name, axes, index_of, secret, ..decl.clone() });
                renaming.tensors.insert(tensor, fresh);
            }
        }
        for definition in &module.body {
            let is_kept = match definition {
                Definition::Equation(e) => renaming.kept.contains(&e.out),
                Definition::Table(t) => renaming.kept.contains(&t.out),
                Definition::Generate(g) => g.results.iter().all(|t| renaming.kept.contains(t)),
                Definition::Multi(m) => m.results.iter().all(|t| renaming.kept.contains(t)),
                Definition::Scan(_) => false,
            };
            if !is_kept {
                self.module.body.extend(renaming.definition(definition));
            }
        }
        for require in &module.requires {
            self.inline_require(require, &renaming, &module.name);
        }
        renaming.tensors
    }

    fn inline_require(&mut self, require: &Require, renaming: &Renaming<'_>, def: &str) {
        let value = renaming.size(&require.value);
        let unless_empty: Vec<Extent> =
            require.unless_empty.iter().map(|e| renaming.size(e)).filter(|e| e.as_constant().is_none_or(|c| c <= 0)).collect();
        if unless_empty.iter().any(|e| e.as_constant().is_some()) {
            return;
        }
        let mut facts = self.size_facts();
        facts.nonnegative.extend(unless_empty.iter().map(|e| e.sub(&Extent::from(1))));
        let proved = match require.relation {
            Relation::NonNegative => prove_nonnegative(&value, &facts) == Proof::Always,
            Relation::Zero => {
                prove_nonnegative(&value, &facts) == Proof::Always && prove_nonnegative(&value.scale(-1), &facts) == Proof::Always
            }
            Relation::NonZero => false,
        };
        if !proved {
            let message = format!("in `{def}`: {}", require.message);
            self.require(Require { value, unless_empty, message, ..require.clone() });
        }
    }
}

/// Calls `f` on every size that stands in an expression of the module, or is an argument of a function.
pub(crate) fn visit_sizes(module: &Module, f: &mut dyn FnMut(&Extent)) {
    visit_definitions(&module.body, f);
}

fn visit_definitions(body: &[Definition], f: &mut dyn FnMut(&Extent)) {
    for definition in body {
        let e = match definition {
            Definition::Equation(e) => e,
            Definition::Multi(m) => {
                m.options.iter().for_each(|(_, size)| f(size));
                continue;
            }
            Definition::Generate(g) => {
                g.args.iter().for_each(&mut *f);
                continue;
            }
            Definition::Scan(scan) => {
                visit_definitions(&scan.body, f);
                continue;
            }
            Definition::Table(_) => continue,
        };
        let scalars = e.domain.iter().chain(e.reduce.iter().filter_map(|r| r.guard.as_ref())).chain([&e.body]);
        for scalar in scalars {
            scalar.visit(&mut |s| {
                if let ScalarKind::Size(size) = &s.kind {
                    f(size);
                }
            });
        }
    }
}
