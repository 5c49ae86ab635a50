//! The types of states, before their equations: `prev` reads them in any equation of the block.
//!
//! A declared result has its type, and a stated one too. What is left is taken from what the equation and `from` read: the axes from bare
//! uses of the indices of the left side, the element type from data. A wrong guess is a mismatch when the equation is checked.

use super::scan::Frame;
use super::scope::{Elaborator, Meaning};
use crate::ast::{BinaryOp, Bind, Binder, BinderKind, ElementKind, Expr, ExprKind, IndexRange, Scan, Statement, Subscript};
use crate::builtins;
use crate::error::{dims, types};
use ein_ir::dtype::DType;
use ein_ir::entity::Tensor;
use ein_ir::extent::Extent;
use ein_ir::tensor::{ReduceOp, TensorDecl};

impl Elaborator<'_> {
    /// Declares the states of a block that have a value before the first step. An equation in an inner scan defines one if all indices of
    /// inner scans stand on its left side.
    pub(crate) fn declare_states<'b>(&mut self, body: &'b [Statement], frame: &Frame) -> Vec<(&'b Bind, Tensor)> {
        let mut open = Vec::new();
        collect_states(body, frame.name.as_str(), &mut Vec::new(), &mut open);
        let mut out = Vec::new();
        // One state may say what another is.
        loop {
            let before = open.len();
            open.retain(|state| match self.state(state) {
                Some(tensor) => {
                    out.push((state.bind, tensor));
                    false
                }
                None => true,
            });
            if open.len() == before {
                break;
            }
        }
        for state in open {
            self.report_open(&state);
        }
        out.sort_by_key(|(bind, _)| bind.span);
        out
    }

    /// The tensor of a state: a declared result, or one whose type can be found.
    fn state(&mut self, state: &Open<'_>) -> Option<Tensor> {
        let bind = state.bind;
        let name = bind.name.as_str();
        match self.names.get(name).map(|d| (d.meaning.clone(), d.what)) {
            Some((Meaning::Tensor(tensor), "result")) if !self.defined.contains(&tensor) => return Some(tensor),
            Some(_) => return None,
            None => {}
        }
        if self.is_call_statement(bind)
            && let Some(from) = bind.init.as_ref().and_then(Expr::as_name).and_then(|name| self.known(name.as_str()))
        {
            let decl = self.module.tensors[from].clone();
            let tensor = self.module.tensors.push(TensorDecl::new(name, decl.dtype, decl.axes, bind.name.span));
            self.declare(name, bind.name.span, "tensor", Meaning::Tensor(tensor));
            return Some(tensor);
        }
        let axes = binders(bind).iter().map(|b| self.guess_axis(state, b)).collect::<Option<Vec<_>>>()?;
        let dtype = self.guess_state(bind)?;
        let tensor = self.module.tensors.push(TensorDecl::new(name, dtype, axes, bind.name.span));
        self.declare(name, bind.name.span, "tensor", Meaning::Tensor(tensor));
        Some(tensor)
    }

    /// Says what cannot be found of a state; a name that is taken is reported by its equation.
    fn report_open(&mut self, state: &Open<'_>) {
        let bind = state.bind;
        if self.names.contains_key(bind.name.as_str()) {
            return;
        }
        let unknown = binders(bind).iter().find(|b| self.guess_axis(state, b).is_none());
        let found = match unknown {
            Some(binder) => {
                let index = binder.name();
                let found = dims::error(302, format!("nothing says what range index `{index}` of the state `{}` has", bind.name));
                found.at(index.span, "needs a range").help(format!("`{index}: N` with the dim that is meant"))
            }
            None => {
                let found = types::error(401, format!("nothing says what type of number the state `{}` is", bind.name));
                found.at(bind.name.span, "needs a type").help(format!("`{}…: f64 = …`", bind.name))
            }
        };
        self.errors.push(found.note("a state is read by `prev` before its equation is"));
        self.poison(&bind.name);
    }

    fn guess_axis(&mut self, state: &Open<'_>, binder: &Binder) -> Option<Extent> {
        let BinderKind::Index { name, range } = &binder.kind else { return None };
        let inner = state.inner.iter().find(|scan| scan.binder.name().as_str() == name.as_str());
        let of_scan = inner.and_then(|scan| if let BinderKind::Index { range, .. } = &scan.binder.kind { range.as_ref() } else { None });
        match range.as_ref().or(of_scan) {
            Some(IndexRange::Dim(e)) => return self.silently(|s| s.size(e)),
            Some(IndexRange::Interval(i)) => return self.silently(|s| s.size(&i.hi)),
            None => {}
        }
        if let Some(scan) = self.scans.iter().find(|s| s.name.as_str() == name.as_str()) {
            return Some(self.module.indices[scan.var().index?].hi.clone());
        }
        [Some(&state.bind.value), state.bind.init.as_ref()].into_iter().flatten().find_map(|e| self.bare_axis(e, name.as_str()))
    }

    /// The axis that an index subscripts alone.
    fn bare_axis(&self, e: &Expr, index: &str) -> Option<Extent> {
        if let ExprKind::Subscript { base, subs } = &e.kind
            && let ExprKind::Name(name) | ExprKind::Prev(name) = &base.kind
            && let Some(tensor) = self.known(name.as_str())
        {
            let is_bare = |s: &Subscript| matches!(s, Subscript::At(e) if e.as_name().is_some_and(|n| n.as_str() == index));
            if let Some(axis) = subs.iter().position(is_bare)
                && let Some(size) = self.module.tensors[tensor].axes.get(axis)
            {
                return Some(size.clone());
            }
        }
        super::names::children(e).into_iter().find_map(|child| self.bare_axis(child, index))
    }

    fn known(&self, name: &str) -> Option<Tensor> {
        match self.names.get(name)?.meaning {
            Meaning::Tensor(tensor) => Some(tensor),
            _ => None,
        }
    }

    /// What a closure finds, without the mistakes that it would report.
    fn silently<T>(&mut self, f: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let before = self.errors.len();
        let found = f(self);
        self.errors.truncate(before);
        found
    }

    fn guess_state(&self, bind: &Bind) -> Option<DType> {
        if let Some(ty) = &bind.ty
            && let ElementKind::Scalar(dtype) = ty.element.kind
        {
            return Some(dtype);
        }
        self.guess(bind.init.as_ref()?).or_else(|| self.guess(&bind.value))
    }

    /// The type of the data in an expression; `None` without data that is known.
    fn guess(&self, e: &Expr) -> Option<DType> {
        match &e.kind {
            ExprKind::Boolean(_) => Some(DType::Bool),
            ExprKind::Number(_) | ExprKind::Size(_) | ExprKind::Tuple(_) => None,
            ExprKind::Name(name) | ExprKind::Prev(name) => Some(self.module.tensors[self.known(name.as_str())?].dtype),
            ExprKind::Subscript { base, .. } => self.guess(base),
            ExprKind::Cast { to, .. } => match to.kind {
                ElementKind::Scalar(dtype) => Some(dtype),
                ElementKind::Index(_) => None,
            },
            ExprKind::Unary { value, .. } => self.guess(value),
            ExprKind::Paren(value) => self.guess(value),
            ExprKind::Binary { op, lhs, rhs, .. } => match op {
                BinaryOp::Or | BinaryOp::And | BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
                    Some(DType::Bool)
                }
                _ => self.guess(lhs).or_else(|| self.guess(rhs)),
            },
            ExprKind::If { then, otherwise, .. } => self.guess(then).or_else(|| self.guess(otherwise)),
            ExprKind::Reduce(r) => match (&r.accumulator, builtins::reducer(r.name.as_str())) {
                (Some(to), _) => {
                    if let ElementKind::Scalar(dtype) = to.kind {
                        Some(dtype)
                    } else {
                        None
                    }
                }
                (None, Some(builtins::Reducer::Op(ReduceOp::ArgMax | ReduceOp::ArgMin))) => Some(DType::I64),
                (None, Some(builtins::Reducer::Op(ReduceOp::Sum | ReduceOp::Prod))) => {
                    self.guess(&r.body).map(|d| if d.is_float() { d } else { d.accumulator() })
                }
                (None, _) => self.guess(&r.body),
            },
            ExprKind::Call { name, args } => match name.as_str() {
                "isnan" | "isfinite" => Some(DType::Bool),
                "abs" | "real" | "imag" => args.first().and_then(|a| self.guess(&a.value)).map(DType::real),
                _ => args.iter().find_map(|a| self.guess(&a.value)),
            },
        }
    }
}

/// A state whose type is looked for.
struct Open<'b> {
    bind: &'b Bind,
    /// Scans around its equation inside of the one whose state it is.
    inner: Vec<&'b Scan>,
}

fn collect_states<'b>(body: &'b [Statement], index: &str, inner: &mut Vec<&'b Scan>, out: &mut Vec<Open<'b>>) {
    for statement in body {
        match statement {
            Statement::Bind(bind) => {
                let has = |name: &str| binders(bind).iter().any(|b| b.name().as_str() == name);
                if bind.init.is_some() && !has(index) && inner.iter().all(|scan| has(scan.binder.name().as_str())) {
                    out.push(Open { bind, inner: inner.clone() });
                }
            }
            Statement::Scan(scan) => {
                inner.push(scan);
                collect_states(&scan.body, index, inner, out);
                inner.pop();
            }
            Statement::BindMany(_) | Statement::Fit(_) => {}
        }
    }
}

fn binders(bind: &Bind) -> &[Binder] {
    bind.left.as_ref().map_or(&[], |left| &left.binders)
}
