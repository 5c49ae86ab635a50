//! Recurrences over secrets as equations, step by step: a packed program has no loops.
//!
//! Each step has tensors of its own, without the axes over which it goes; `prev` reads those of the step before. What has a slice a step is
//! put together after the last one, and is read as that slice where its position is a number.

use crate::approximation::function_at;
use crate::clear::{reads, results};
use crate::read::refused;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::{Index, Tensor};
use ein_ir::extent::Extent;
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::value::Value;
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use ein_ir::tensor::secrecy::Secrets;
use ein_ir::tensor::{Definition, Equation, IndexDecl, Module, Multi, Scan, TensorDecl};
use std::collections::{BTreeMap, BTreeSet};

/// Equations that recurrences may become.
const MAX_EQUATIONS: usize = 512;

/// The module without recurrences over secrets; none if it has none.
///
/// # Errors
/// E0190 for more equations than are planned.
pub(crate) fn unrolled(module: &Module) -> Result<Option<Module>, Vec<Diagnostic>> {
    let secrets = Secrets::of(module);
    let is_secret = |definition: &Definition| {
        let mut read = BTreeSet::new();
        reads(definition, &mut read);
        matches!(definition, Definition::Scan(_)) && read.iter().any(|tensor| secrets.is_secret(*tensor))
    };
    if !module.body.iter().any(is_secret) {
        return Ok(None);
    }
    let mut unroll = Unroll { module: Module { body: Vec::new(), ..module.clone() }, slices: BTreeMap::new(), left: MAX_EQUATIONS };
    let mut step = Step::default();
    for definition in &module.body {
        match definition {
            Definition::Scan(scan) if is_secret(definition) => unroll.scan(scan, &mut step).map_err(|found| vec![found])?,
            _ => unroll.outside(definition, &step),
        }
    }
    unroll.drop_unread();
    Ok(Some(unroll.module))
}

struct Unroll {
    module: Module,
    /// The axis of what was put together, and its slices.
    slices: BTreeMap<Tensor, (usize, Vec<Tensor>)>,
    /// How many equations more there may be.
    left: usize,
}

/// What a tensor of a body is in a step: another one, without these axes.
#[derive(Clone)]
struct Meaning {
    tensor: Tensor,
    dropped: Vec<usize>,
}

/// Where a step stands.
#[derive(Clone, Default)]
struct Step {
    /// Positions of the recurrences around it.
    at: BTreeMap<Index, i64>,
    /// Axes of tensors that these stack.
    stacks: BTreeMap<Tensor, Vec<usize>>,
    tensors: BTreeMap<Tensor, Meaning>,
    previous: BTreeMap<Tensor, Meaning>,
    /// What equations of the last step define.
    targets: BTreeMap<Tensor, Tensor>,
}

impl Step {
    /// The axes of a tensor that recurrences around it stack.
    fn dropped(&self, tensor: Tensor) -> Vec<usize> {
        self.stacks.get(&tensor).cloned().unwrap_or_default()
    }
}

impl Unroll {
    /// A definition of no recurrence over secrets.
    fn outside(&mut self, definition: &Definition, step: &Step) {
        let mut definition = definition.clone();
        if let Definition::Equation(equation) = &mut definition {
            let scalars = [Some(&mut equation.body), equation.domain.as_mut(), equation.reduce.as_mut().and_then(|r| r.guard.as_mut())];
            scalars.into_iter().flatten().for_each(|scalar| *scalar = self.rewritten(scalar, &BTreeMap::new(), step));
        }
        self.module.body.push(definition);
    }

    fn scan(&mut self, scan: &Scan, step: &mut Step) -> Result<(), Diagnostic> {
        let (lo, hi) = self.module.indices[scan.index].literal_range().ok_or_else(|| refused(scan.span, "a range beyond 64 bits"))?;
        let n_steps = usize::try_from(hi.saturating_sub(lo)).unwrap_or(0);
        let needed = n_steps.saturating_mul(scan.body.len().max(1));
        self.left = self.left.checked_sub(needed).ok_or_else(|| too_many(scan, n_steps))?;
        for state in &scan.states {
            step.previous.remove(&state.tensor);
            if let Some(init) = state.init {
                let init = step.tensors.get(&init).cloned().unwrap_or(Meaning { tensor: init, dropped: Vec::new() });
                step.previous.insert(state.tensor, init);
            }
        }
        let outer = step.stacks.clone();
        let targets: BTreeMap<Tensor, Tensor> = defined_after(scan).map(|t| (t, self.target(t, step))).collect();
        for stacked in &scan.stacked {
            step.stacks.entry(stacked.tensor).or_default().push(stacked.axis);
        }
        let mut slices: BTreeMap<Tensor, BTreeMap<i64, Tensor>> = BTreeMap::new();
        let mut positions: Vec<i64> = (lo..hi.max(lo)).collect();
        if scan.reverse {
            positions.reverse();
        }
        for (n, at) in positions.into_iter().enumerate() {
            step.at.insert(scan.index, at);
            step.targets.clear();
            if n + 1 == n_steps {
                step.targets.extend(scan.states.iter().map(|state| (state.tensor, targets[&state.tensor])));
            }
            for definition in &scan.body {
                self.inside(definition, step)?;
            }
            for state in &scan.states {
                step.previous.extend(step.tensors.get(&state.tensor).cloned().map(|meaning| (state.tensor, meaning)));
            }
            for stacked in &scan.stacked {
                slices.entry(stacked.tensor).or_default().extend(step.tensors.get(&stacked.tensor).map(|meaning| (at, meaning.tensor)));
            }
        }
        step.at.remove(&scan.index);
        step.stacks = outer;
        if n_steps == 0 {
            scan.states.iter().for_each(|state| self.kept(targets[&state.tensor], step.previous.get(&state.tensor), scan.span));
        }
        for state in &scan.states {
            step.previous.remove(&state.tensor);
            step.tensors.insert(state.tensor, Meaning { tensor: targets[&state.tensor], dropped: step.dropped(state.tensor) });
        }
        for stacked in &scan.stacked {
            let dropped = step.dropped(stacked.tensor);
            let axis = stacked.axis - dropped.iter().filter(|axis| **axis < stacked.axis).count();
            let slices = slices.remove(&stacked.tensor).unwrap_or_default().into_values().collect();
            let tensor = targets[&stacked.tensor];
            self.stacked(tensor, axis, slices, scan.span);
            step.tensors.insert(stacked.tensor, Meaning { tensor, dropped });
        }
        Ok(())
    }

    /// The tensor that is there after a recurrence: what it defines itself, or in a step of another one the step's own.
    fn target(&mut self, tensor: Tensor, step: &Step) -> Tensor {
        if step.at.is_empty() {
            return tensor;
        }
        step.targets.get(&tensor).copied().unwrap_or_else(|| self.fresh(tensor, &step.dropped(tensor), step))
    }

    fn inside(&mut self, definition: &Definition, step: &mut Step) -> Result<(), Diagnostic> {
        match definition {
            Definition::Equation(equation) => {
                self.equation(equation, step);
                Ok(())
            }
            Definition::Scan(scan) => {
                let mut inner = step.clone();
                self.scan(scan, &mut inner)?;
                step.tensors = inner.tensors;
                Ok(())
            }
            Definition::Multi(multi) => {
                self.whole(multi, step);
                Ok(())
            }
            Definition::Generate(generate) => Err(refused(generate.span, "a formula in a recurrence over secrets")),
            Definition::Table(table) => {
                // It is the same in every step.
                if !self.module.body.iter().any(|other| matches!(other, Definition::Table(other) if other.out == table.out)) {
                    self.module.body.push(definition.clone());
                }
                Ok(())
            }
        }
    }

    /// A function of whole tensors in a step.
    fn whole(&mut self, multi: &Multi, step: &mut Step) {
        let arg = |arg: &Tensor| step.tensors.get(arg).map_or(*arg, |meaning| meaning.tensor);
        let args = multi.args.iter().map(arg).collect();
        let mut results = Vec::new();
        for result in &multi.results {
            let dropped = step.dropped(*result);
            let tensor = step.targets.get(result).copied().unwrap_or_else(|| self.fresh(*result, &dropped, step));
            step.tensors.insert(*result, Meaning { tensor, dropped });
            results.push(tensor);
        }
        self.module.body.push(Definition::Multi(Multi { results, args, ..multi.clone() }));
    }

    fn equation(&mut self, equation: &Equation, step: &mut Step) {
        let dropped = step.dropped(equation.out);
        let out = step.targets.get(&equation.out).copied().unwrap_or_else(|| self.fresh(equation.out, &dropped, step));
        let mut own = BTreeMap::new();
        let mut renamed = |index: &Index, module: &mut Module| {
            let decl = module.indices[*index].clone();
            *own.entry(*index).or_insert_with(|| module.indices.push(decl))
        };
        let kept = equation.indices.iter().filter(|index| !step.at.contains_key(index));
        let indices: Vec<Index> = kept.map(|index| renamed(index, &mut self.module)).collect();
        let mut reduce = equation.reduce.clone();
        if let Some(reduce) = &mut reduce {
            reduce.binders.iter_mut().for_each(|index| *index = renamed(index, &mut self.module));
            if let Some(guard) = &mut reduce.guard {
                *guard = self.rewritten(guard, &own, step);
            }
        }
        let domain = equation.domain.as_ref().map(|domain| self.rewritten(domain, &own, step));
        let body = self.rewritten(&equation.body, &own, step);
        self.module.body.push(Definition::Equation(Equation { out, indices, domain, reduce, body, span: equation.span }));
        step.tensors.insert(equation.out, Meaning { tensor: out, dropped });
    }

    /// A tensor of a step.
    fn fresh(&mut self, of: Tensor, dropped: &[usize], step: &Step) -> Tensor {
        let decl = &self.module.tensors[of];
        let at: Vec<String> = step.at.values().map(i64::to_string).collect();
        let axes = decl.axes.iter().enumerate().filter(|(axis, _)| !dropped.contains(axis)).map(|(_, size)| size.clone()).collect();
        let decl = TensorDecl { name: format!("{}.{}", decl.name, at.join(".")), axes, ..decl.clone() };
        self.module.tensors.push(decl)
    }

    /// An expression in a step: its own indices and tensors, numbers for the positions, and no choice that is made by those.
    fn rewritten(&self, scalar: &Scalar, own: &BTreeMap<Index, Index>, step: &Step) -> Scalar {
        let mut out = scalar.clone();
        out.visit_mut(&mut |node| match &mut node.kind {
            ScalarKind::Index(index) => match (step.at.get(index), own.get(index)) {
                (Some(at), _) => node.kind = ScalarKind::Literal(Literal::Int(i128::from(*at))),
                (None, Some(own)) => *index = *own,
                (None, None) => {}
            },
            ScalarKind::Access(access) => self.access(access, step),
            ScalarKind::If(condition, yes, no) => {
                if let Some(Value::Bool(truth)) = function_at(condition, 0.0).filter(|_| is_constant(condition)) {
                    *node = Scalar::clone(if truth { yes } else { no });
                }
            }
            _ => {}
        });
        out
    }

    fn access(&self, access: &mut Access, step: &Step) {
        let meaning = if access.prev { step.previous.get(&access.tensor) } else { step.tensors.get(&access.tensor) };
        if let Some(meaning) = meaning {
            access.tensor = meaning.tensor;
            let mut axis = 0..;
            access.subs.retain(|_| axis.next().is_none_or(|axis| !meaning.dropped.contains(&axis)));
        }
        access.prev = false;
        while let Some((axis, slices)) = self.slices.get(&access.tensor) {
            let sub = access.subs.get(*axis).filter(|sub| sub.mode == Mode::Exact);
            let position = sub.and_then(|sub| sub.value.as_polynomial()?.as_constant());
            let Some(slice) = position.and_then(|n| slices.get(usize::try_from(n).ok()?)) else { break };
            access.tensor = *slice;
            access.subs.remove(*axis);
        }
    }

    /// A state of a recurrence without steps.
    fn kept(&mut self, state: Tensor, init: Option<&Meaning>, span: Span) {
        let (indices, subs) = self.axes(state, span);
        let decl = &self.module.tensors[state];
        let zero = Scalar::literal(zero(decl.dtype), decl.dtype, span);
        let body = init.map_or(zero, |init| element(init.tensor, subs, decl.dtype, span));
        self.module.body.push(Definition::Equation(Equation { out: state, indices, domain: None, reduce: None, body, span }));
    }

    /// A tensor of its slices: each where its position is.
    fn stacked(&mut self, tensor: Tensor, axis: usize, slices: Vec<Tensor>, span: Span) {
        let (indices, subs) = self.axes(tensor, span);
        let dtype = self.module.tensors[tensor].dtype;
        let mut body: Option<Scalar> = None;
        for (n, slice) in (0_i128..).zip(&slices) {
            let mut subs = subs.clone();
            let position = subs.remove(axis).value;
            let is_here = Scalar::binary(BinaryFn::Eq, position, Scalar::literal(Literal::Int(n), DType::I64, span), DType::Bool, span);
            let part = Scalar::binary(BinaryFn::Mul, is_here.cast(dtype), element(*slice, subs, dtype, span), dtype, span);
            body = Some(match body {
                Some(others) => Scalar::binary(BinaryFn::Add, others, part, dtype, span),
                None => part,
            });
        }
        let body = body.unwrap_or_else(|| Scalar::literal(zero(dtype), dtype, span));
        self.module.body.push(Definition::Equation(Equation { out: tensor, indices, domain: None, reduce: None, body, span }));
        self.slices.insert(tensor, (axis, slices));
    }

    /// An index for each axis of a tensor, and the subscripts of an element.
    fn axes(&mut self, tensor: Tensor, span: Span) -> (Vec<Index>, Vec<Sub>) {
        let sizes = self.module.tensors[tensor].axes.clone();
        let index = |hi| self.module.indices.push(IndexDecl { name: "step".to_owned(), lo: Extent::constant(0), hi, span });
        let indices: Vec<Index> = sizes.into_iter().map(index).collect();
        let subs = indices.iter().map(|index| Sub { value: Scalar::index(*index, span), mode: Mode::Exact }).collect();
        (indices, subs)
    }

    /// Without what was put together for nobody.
    fn drop_unread(&mut self) {
        let mut wanted: BTreeSet<Tensor> = self.module.results.iter().copied().collect();
        let mut kept = Vec::new();
        for definition in std::mem::take(&mut self.module.body).into_iter().rev() {
            let unread = results(&definition).iter().all(|tensor| self.slices.contains_key(tensor) && !wanted.contains(tensor));
            if !unread {
                reads(&definition, &mut wanted);
                kept.push(definition);
            }
        }
        kept.reverse();
        self.module.body = kept;
    }
}

/// The tensors of a recurrence that are there after it.
fn defined_after(scan: &Scan) -> impl Iterator<Item = Tensor> {
    scan.states.iter().map(|state| state.tensor).chain(scan.stacked.iter().map(|stacked| stacked.tensor))
}

fn element(tensor: Tensor, subs: Vec<Sub>, dtype: DType, span: Span) -> Scalar {
    Scalar::new(ScalarKind::Access(Access { tensor, prev: false, subs, pad: None }), dtype, span)
}

const fn zero(dtype: DType) -> Literal {
    if dtype.is_float() { Literal::Float(0.0) } else { Literal::Int(0) }
}

/// Whether an expression reads neither tensors nor indices.
fn is_constant(scalar: &Scalar) -> bool {
    let mut constant = true;
    scalar.visit(&mut |node| constant &= !matches!(node.kind, ScalarKind::Access(_) | ScalarKind::Index(_) | ScalarKind::Operand(_)));
    constant
}

fn too_many(scan: &Scan, n_steps: usize) -> Diagnostic {
    let n = scan.body.len();
    let equations = if n == 1 { "one equation".to_owned() } else { format!("{n} equations") };
    let message =
        format!("a scan of {n_steps} steps of {equations} over a secret is carried out step by step, in at most {MAX_EQUATIONS} equations");
    Diagnostic::error(190, "not-in-this-version", message)
        .at(scan.span, "over a secret")
        .help("fewer steps: each is part of the packed program, and of its levels where it multiplies")
}
