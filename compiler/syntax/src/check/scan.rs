//! Scans (language 4f): which tensors are states and which have one slice a step, and what may be read when.

use super::prove::{Proof, prove_nonnegative};
use super::resolve::Resolver;
use super::scope::Elaborator;
use super::tree::{Stated, Var, VarId, Vars};
use crate::ast::{self, Bind, Binder, BinderKind, ExprKind, Ident, Statement};
use crate::error::reducers::error;
use crate::error::sums::hides;
use crate::error::{dims, sums};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::{Index, Tensor};
use ein_ir::extent::Extent;
use ein_ir::range::module::Ranges;
use ein_ir::scalar::{Access, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use ein_ir::tensor::{Definition, Equation, IndexDecl, Relation, Require, Scan, Stacked, State, TensorDecl};
use std::collections::{BTreeMap, BTreeSet};

/// A scan whose block is being elaborated.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The scan index.
    pub(crate) name: Ident,
    index: Index,
    stated: Stated,
    states: Vec<State>,
    stacked: Vec<Stacked>,
    /// States with a value before the first step, with it.
    previous: BTreeMap<String, (Tensor, Tensor)>,
    /// Those of them whose equation has not come yet, and which no def declares.
    pub(crate) pending: BTreeMap<String, Tensor>,
    /// Equations of the block, those of scans in it included.
    equations: BTreeMap<String, Span>,
}

impl Frame {
    /// The scan index, as a bound index of an equation.
    pub(crate) fn var(&self) -> Var {
        let name = self.name.as_str().to_owned();
        let stated = Some(self.stated.clone());
        Var { name, span: self.name.span, left: false, scan: true, stated, used: false, index: Some(self.index) }
    }

    /// The axis of a tensor that this scan fills slice by slice.
    pub(crate) fn axis_of(&self, tensor: Tensor) -> Option<usize> {
        self.stacked.iter().find(|s| s.tensor == tensor).map(|s| s.axis)
    }
}

impl Elaborator<'_> {
    /// One scan.
    pub(crate) fn scan(&mut self, scan: &ast::Scan) {
        let Some(mut frame) = self.frame(scan) else {
            scan.body.iter().for_each(|s| self.poison_statement(s));
            return;
        };
        let states = self.declare_states(&scan.body, &frame);
        for (bind, state) in states {
            let name = bind.name.as_str().to_owned();
            // After a mistake in `from` the state stands for it, so that `prev` is not refused as well.
            let init = self.initial_value(bind, state, &frame).unwrap_or(state);
            frame.previous.insert(name.clone(), (state, init));
            if !self.module.results.contains(&state) {
                frame.pending.insert(name, state);
            }
        }
        let before = std::mem::take(&mut self.module.body);
        self.ranges = Ranges::default();
        self.scans.push(frame);
        self.body(&scan.body);
        let Some(frame) = self.scans.pop() else { return };
        let body = std::mem::replace(&mut self.module.body, before);
        // After no step a state is what it was before.
        self.ranges = Ranges::default();
        let Frame { index, states, stacked, .. } = frame;
        let reverse = scan.reverse.is_some();
        self.module.body.push(Definition::Scan(Scan { index, reverse, states, stacked, body, span: scan.span }));
    }

    /// After a mistake in the first line of a scan nothing that it defines is reported as unknown.
    fn poison_statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Bind(bind) => self.poison(&bind.name),
            Statement::BindMany(many) => many.names.iter().for_each(|name| self.poison(name)),
            Statement::Scan(scan) => scan.body.iter().for_each(|s| self.poison_statement(s)),
            Statement::Fit(_) => {}
        }
    }

    /// The scan index with its range.
    fn frame(&mut self, scan: &ast::Scan) -> Option<Frame> {
        let BinderKind::Index { name, range } = &scan.binder.kind else { return None };
        if !name.is_hole() {
            if let Some(outer) = self.scans.iter().find(|s| s.name.as_str() == name.as_str()) {
                let found = sums::error(203, format!("index `{name}` is already bound here")).at(name.span, "bound again");
                self.errors.push(found.and(outer.name.span, "first bound here").help(format!("rename it: `{name}'`")));
                return None;
            }
            if let Some((declared, what)) = self.declared(name.as_str()) {
                let found = hides(name.as_str(), name.span, declared, what);
                self.errors.push(found);
                return None;
            }
        }
        let Some(range) = range else {
            let found = dims::error(302, format!("nothing says what range index `{name}` has")).at(name.span, "needs a range");
            self.errors
                .push(found.note("a scan states the range of its index").help(format!("`scan {name}: N` with the dim that is meant")));
            return None;
        };
        let mut resolver = Resolver::new(self, Vec::new());
        resolver.bind_scans();
        let v = resolver.bind(name, Some(range), false);
        let stated = resolver.vars.swap_remove(v).stated?;
        let (lo, hi) = match &stated {
            Stated::Size(size, _) => (Extent::default(), size.clone()),
            Stated::Interval(lo, hi, _) => (lo.clone(), hi.clone()),
        };
        let index = self.module.indices.push(IndexDecl { name: name.as_str().to_owned(), lo, hi, span: name.span });
        let mut equations = BTreeMap::new();
        collect_equations(&scan.body, &mut equations);
        Some(Frame {
            name: name.clone(),
            index,
            stated,
            states: Vec::new(),
            stacked: Vec::new(),
            previous: BTreeMap::new(),
            pending: BTreeMap::new(),
            equations,
        })
    }

    /// The definition, before the scan, of the value that a state has before the first step.
    fn initial_value(&mut self, bind: &Bind, state: Tensor, frame: &Frame) -> Option<Tensor> {
        let init = bind.init.as_ref()?;
        let mut used = None;
        super::names::visit_free(init, &mut |name| {
            if name.as_str() == frame.name.as_str() {
                used = Some(name.span);
            }
        });
        if let Some(span) = used {
            let found = error(511, format!("the value of `{}` before the first step depends on the step `{}`", bind.name, frame.name));
            let found = found.at(span, "there is no step yet").and(frame.name.span, "the scan is here");
            self.errors
                .push(found.help(format!("a value that is the same in every step, or an `if` over `{}` in the equation", frame.name)));
            return None;
        }
        let decl = self.module.tensors[state].clone();
        let name = self.fresh_name(&format!("{}.from", bind.name));
        let tensor = self.module.tensors.push(TensorDecl::new(name, decl.dtype, decl.axes, bind.name.span));
        let before = self.errors.len();
        if self.is_call_statement(bind) && init.as_name().is_some() && !self.module.tensors[state].axes.is_empty() {
            let from = self.whole_tensor(init)?;
            return self.whole_value(bind, init.span, (from, tensor));
        }
        let mut equation = Bind { value: init.clone(), ty: None, init: None, tolerance: None, ..bind.clone() };
        if bind.left.is_none() {
            // The result of a call: one value for all of it.
            let hole = Binder { kind: BinderKind::Index { name: Ident::new("_", bind.name.span), range: None }, span: bind.name.span };
            let binders = vec![hole; self.module.tensors[state].axes.len()];
            equation.left = (!binders.is_empty()).then_some(ast::LeftSide { binders, span: bind.name.span });
        }
        self.equation_of(&equation, Some(tensor), false)?;
        self.defined.insert(tensor);
        (self.errors.len() == before).then_some(tensor)
    }

    /// Whether an equation takes the result of a call of whole tensors.
    pub(crate) fn is_call_statement(&self, bind: &Bind) -> bool {
        bind.left.is_none()
            && matches!(&bind.value.peeled().kind, ExprKind::Call { name, .. } if self.is_whole_call(name.as_str()) || crate::builtins::whole(name.as_str()).is_some())
    }

    /// A whole tensor as the value of a state before the first step.
    fn whole_value(&mut self, bind: &Bind, span: Span, (from, to): (Tensor, Tensor)) -> Option<Tensor> {
        let (a, b) = (self.module.tensors[to].clone(), &self.module.tensors[from]);
        if a.axes != b.axes || a.dtype != b.dtype {
            let text = |d: &TensorDecl| format!("{}[{}]", d.dtype, d.axes.iter().map(|e| self.show(e)).collect::<Vec<_>>().join(", "));
            let code = if a.dtype == b.dtype { 301 } else { 402 };
            let message = format!("`{}` is {}, and its value before the first step is {}", bind.name, text(&a), text(b));
            let found = if code == 301 { dims::error(301, message) } else { crate::error::types::error(402, message) };
            self.errors.push(found.at(span, "another type").and(bind.name.span, "the state"));
            return None;
        }
        self.copy(from, to, false, span);
        self.defined.insert(to);
        Some(to)
    }

    /// Records a tensor that an equation of a block defines with the scans around, by the place of their indices on the left side.
    pub(crate) fn carry(&mut self, bind: &Bind, tensor: Tensor, vars: &Vars, left: &[VarId]) {
        debug_assert!(vars.len() >= self.scans.len(), "the indices of the scans around come first");
        let n_scans = self.scans.len();
        let axis_of = |scan: usize| left.iter().position(|v| *v == scan);
        if let Some(init) = &bind.init
            && let Some(scan) = n_scans.checked_sub(1)
            && (0..n_scans).all(|scan| axis_of(scan).is_some())
        {
            let t = &self.scans[scan].name;
            let found = error(510, format!("`{}` has one slice a step, and `from` gives a state its value", bind.name));
            let found = found.at(init.span, "no state").and(t.span, format!("`{t}` stands on the left side"));
            self.errors.push(found.help(format!("a state of its own without `{t}`, and `{}` a copy of it", bind.name)));
            return;
        }
        for scan in 0..n_scans {
            match axis_of(scan) {
                Some(axis) => {
                    if let Some(inner) = (scan + 1..n_scans).find(|inner| axis_of(*inner).is_none()) {
                        let found = self.split_slices(bind, scan, inner);
                        self.errors.push(found);
                        return;
                    }
                    self.scans[scan].stacked.push(Stacked { tensor, axis });
                }
                None => {
                    let init = self.scans[scan].previous.get(bind.name.as_str()).filter(|(t, _)| *t == tensor).map(|(_, init)| *init);
                    self.scans[scan].states.push(State { tensor, init });
                }
            }
        }
    }

    /// A tensor that keeps one slice a step of an outer scan, but only the last value of an inner one.
    fn split_slices(&self, bind: &Bind, outer: usize, inner: usize) -> Diagnostic {
        let (t, s) = (&self.scans[outer].name, &self.scans[inner].name);
        let message = format!("`{}` has one slice for each `{t}`, but keeps only the last value over `{s}`", bind.name);
        let found = error(510, message).at(bind.name.span, "defined in the inner scan").and(s.span, "the inner scan is here");
        found.help(format!("a state in the scan over `{s}`, and after that scan `{}[{t}, …]` as a copy of it", bind.name))
    }

    /// Records a result of a call inside of scans.
    pub(crate) fn carry_whole(&mut self, tensor: Tensor) {
        for scan in &mut self.scans {
            let init = scan.previous.values().find(|(state, _)| *state == tensor).map(|(_, init)| *init);
            scan.states.push(State { tensor, init });
        }
    }

    /// Whether a name is a state of a scan around.
    pub(crate) fn is_state(&self, name: &str) -> bool {
        self.scans.iter().any(|scan| scan.previous.contains_key(name))
    }

    /// The state that `prev` of a name reads.
    pub(crate) fn previous(&mut self, name: &Ident) -> Option<Tensor> {
        if let Some((state, _)) = self.scans.iter().rev().find_map(|scan| scan.previous.get(name.as_str())) {
            return Some(*state);
        }
        let found = self.no_previous(name);
        self.errors.extend(found);
        None
    }

    /// Why a name has no value at the end of the previous step; nothing if its own mistake has been reported.
    fn no_previous(&self, name: &Ident) -> Option<Diagnostic> {
        let Some(innermost) = self.scans.last() else {
            let found = error(501, format!("`prev {name}` stands outside a scan")).at(name.span, "there is no previous step here");
            return Some(found.help(format!("`{name}`")));
        };
        if let Some(equation) = self.scans.iter().rev().find_map(|scan| scan.equations.get(name.as_str())) {
            let is_poisoned = self.names.get(name.as_str()).is_some_and(|d| matches!(d.meaning, super::scope::Meaning::Unknown));
            let found = error(501, format!("`prev {name}` needs the value of `{name}` before the first step"));
            let found = found.at(name.span, "read here").and(*equation, "its equation has no `from`");
            return (!is_poisoned).then(|| found.help(format!("`{name}… = … from 0.0;`")));
        }
        let found = error(501, format!("`{name}` is not a state of the scan over `{}`", innermost.name)).at(name.span, "no previous value");
        Some(match self.declared(name.as_str()) {
            Some((span, what)) => found.and(span, format!("a {what} that no step changes")).help(format!("`{name}`")),
            None => found.help(format!("an equation of `{name}` in the block, with its value before the first step behind `from`")),
        })
    }

    /// A read, inside of its scan, of another slice than the one of the current step.
    pub(crate) fn other_step(&self, scan: VarId, name: &Ident, at: Span) -> Diagnostic {
        let t = &self.scans[scan].name;
        let found = error(510, format!("inside of the scan over `{t}` only the slice of the current step of `{name}` can be read"));
        let found = found.at(at, format!("not `{t}` alone")).and(t.span, "the scan is here");
        found.help(format!("a state that carries the value, read by `prev`, or a read of `{name}` after the scan"))
    }

    /// The value of a state at the end of the previous step as a tensor of its own, for a call.
    pub(crate) fn copy_of_previous(&mut self, state: Tensor, span: Span) -> Tensor {
        let decl = self.module.tensors[state].clone();
        let name = self.fresh_name(&format!("{}.prev", decl.name));
        let tensor = self.module.tensors.push(TensorDecl::new(name, decl.dtype, decl.axes, span));
        self.copy(state, tensor, true, span);
        tensor
    }

    /// Adds the equation that copies a tensor, or the previous value of a state.
    fn copy(&mut self, from: Tensor, to: Tensor, prev: bool, span: Span) {
        let decl = self.module.tensors[to].clone();
        let index = |(n, size): (usize, &Extent)| IndexDecl { name: format!("i{n}"), lo: Extent::default(), hi: size.clone(), span };
        let indices: Vec<Index> = decl.axes.iter().enumerate().map(index).map(|i| self.module.indices.push(i)).collect();
        let subs = indices.iter().map(|i| Sub { value: Scalar::index(*i, span), mode: Mode::Exact }).collect();
        let body = Scalar::new(ScalarKind::Access(Access { tensor: from, prev, subs, pad: None }), decl.dtype, span);
        self.module.body.push(Definition::Equation(Equation { out: to, indices, domain: None, reduce: None, body, span }));
    }
}

/// Names that a block defines, with their places.
fn collect_equations(body: &[Statement], equations: &mut BTreeMap<String, Span>) {
    for statement in body {
        match statement {
            Statement::Bind(bind) => drop(equations.insert(bind.name.as_str().to_owned(), bind.name.span)),
            Statement::BindMany(many) => equations.extend(many.names.iter().map(|n| (n.as_str().to_owned(), n.span))),
            Statement::Scan(scan) => collect_equations(&scan.body, equations),
            Statement::Fit(_) => {}
        }
    }
}

/// A state without a value before the first step, that is wanted after its scan.
struct Wanted {
    tensor: Tensor,
    scan: Index,
    /// Scans around: where they have no step, nothing is wanted.
    around: Vec<Index>,
}

impl Elaborator<'_> {
    /// A state without `from` that is read after its scan needs a step: E0502 where there is none.
    pub(crate) fn require_steps(&mut self) {
        if !self.errors.is_empty() {
            return;
        }
        let mut wanted = Vec::new();
        let results: BTreeSet<Tensor> = self.module.results.iter().copied().collect();
        find_wanted(&self.module.body, &results, &mut Vec::new(), &mut wanted);
        for state in wanted {
            self.require_step(&state);
        }
    }

    fn require_step(&mut self, wanted: &Wanted) {
        let length = |index: &Index| self.module.indices[*index].hi.sub(&self.module.indices[*index].lo);
        let value = length(&wanted.scan).sub(&Extent::from(1));
        let decl = self.module.tensors[wanted.tensor].clone();
        let unless_empty: Vec<Extent> = wanted.around.iter().map(length).chain(decl.axes.iter().cloned()).collect();
        let unless_empty: Vec<Extent> = unless_empty.into_iter().filter(|e| e.as_constant().is_none_or(|c| c <= 0)).collect();
        if prove_nonnegative(&value, &self.size_facts()) == Proof::Always {
            return;
        }
        let t = &self.module.indices[wanted.scan].name;
        let message = format!("the scan over `{t}` has a step, for `{}` is read after it and has no `from`: this", decl.name);
        self.require(Require { value, relation: Relation::NonNegative, unless_empty, message, code: 502, span: decl.span });
    }
}

/// Finds states without `from` that are read outside of their scan; gives the tensors read.
fn find_wanted(body: &[Definition], outside: &BTreeSet<Tensor>, around: &mut Vec<Index>, wanted: &mut Vec<Wanted>) {
    for (n, definition) in body.iter().enumerate() {
        let Definition::Scan(scan) = definition else { continue };
        let mut read = outside.clone();
        body.iter().enumerate().filter(|(m, _)| *m != n).for_each(|(_, d)| collect_reads(d, &mut read));
        for state in scan.states.iter().filter(|s| s.init.is_none() && read.contains(&s.tensor)) {
            wanted.push(Wanted { tensor: state.tensor, scan: scan.index, around: around.clone() });
        }
        around.push(scan.index);
        find_wanted(&scan.body, &read, around, wanted);
        around.pop();
    }
}

fn collect_reads(definition: &Definition, read: &mut BTreeSet<Tensor>) {
    match definition {
        Definition::Equation(e) => {
            let guard = e.reduce.iter().filter_map(|r| r.guard.as_ref());
            for scalar in e.domain.iter().chain(guard).chain([&e.body]) {
                scalar.visit(&mut |s| {
                    if let ScalarKind::Access(access) = &s.kind
                        && !access.prev
                    {
                        read.insert(access.tensor);
                    }
                });
            }
        }
        Definition::Scan(scan) => {
            read.extend(scan.states.iter().filter_map(|s| s.init));
            scan.body.iter().for_each(|d| collect_reads(d, read));
        }
        Definition::Multi(multi) => read.extend(&multi.args),
        Definition::Table(_) | Definition::Generate(_) => {}
    }
}
