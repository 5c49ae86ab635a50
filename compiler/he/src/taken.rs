//! Which branches are ever taken, and where elements are read: what is computed nowhere need have no place in a packed program.

use crate::clear::reads;
use ein_ir::entity::{Index, Tensor};
use ein_ir::range::module::Ranges;
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Access, Mode, Scalar, ScalarKind, Sub};
use ein_ir::tensor::secrecy::Secrets;
use ein_ir::tensor::{Definition, Equation, Module, ReduceOp};
use std::collections::BTreeSet;

/// The module without the branches that indices say are never taken, and with the conditions under which elements are read as the domains
/// of those that have no value everywhere: maxima, minima, and logarithms of sums.
pub(crate) fn taken(module: &Module) -> Module {
    let secrets = Secrets::of(module);
    let ranges = Ranges::of(module);
    let mut out = module.clone();
    for definition in &mut out.body {
        if let Definition::Equation(equation) = definition
            && secrets.is_secret(equation.out)
        {
            let guard = equation.reduce.as_ref().and_then(|reduce| reduce.guard.as_ref());
            let mut conditions = equation.domain.iter().chain(guard).cloned().collect();
            decided(module, &ranges, &mut equation.body, &mut conditions);
        }
    }
    for n in 0..out.body.len() {
        let Definition::Equation(equation) = &out.body[n] else { continue };
        if secrets.is_secret(equation.out)
            && is_partial(equation)
            && let Some(domain) = demanded(&out, n, equation)
            && let Definition::Equation(equation) = &mut out.body[n]
        {
            equation.domain = Some(domain);
        }
    }
    out
}

/// Puts the branch that is always taken in the place of choices.
fn decided(module: &Module, ranges: &Ranges, scalar: &mut Scalar, conditions: &mut Vec<Scalar>) {
    let ScalarKind::If(condition, yes, no) = &mut scalar.kind else {
        scalar.children_mut().into_iter().for_each(|child| decided(module, ranges, child, conditions));
        return;
    };
    let (always, never) = ranges.truth_where(module, condition, conditions);
    if always || never {
        *scalar = Scalar::clone(if never { no } else { yes });
        return decided(module, ranges, scalar, conditions);
    }
    for (condition, value) in [(Scalar::clone(condition), yes), (Scalar::clone(condition).negated(), no)] {
        conditions.push(condition);
        decided(module, ranges, value, conditions);
        conditions.pop();
    }
}

fn is_partial(equation: &Equation) -> bool {
    let of = |op: ReduceOp| matches!(op, ReduceOp::Max | ReduceOp::Min | ReduceOp::Lse);
    equation.domain.is_none() && equation.reduce.as_ref().is_some_and(|reduce| of(reduce.op))
}

/// The places of a tensor that are read, as a condition on the indices of its equation; none if it may be all.
fn demanded(module: &Module, defined_at: usize, equation: &Equation) -> Option<Scalar> {
    if module.results.contains(&equation.out) {
        return None;
    }
    let mut found: Vec<Scalar> = Vec::new();
    for definition in &module.body[defined_at + 1..] {
        match definition {
            Definition::Equation(reader) => {
                let mut conditions: Vec<Scalar> = reader.domain.iter().cloned().collect();
                let reduce = reader.reduce.as_ref();
                let guard = reduce.and_then(|reduce| reduce.guard.as_ref());
                let mut places = Places { of: equation, found: &mut found };
                conditions.iter().cloned().chain(guard.cloned()).try_for_each(|scalar| places.scalar(&scalar, &mut Vec::new()))?;
                conditions.extend(guard.cloned());
                places.scalar(&reader.body, &mut conditions)?;
            }
            other => {
                let mut read = BTreeSet::<Tensor>::new();
                reads(other, &mut read);
                if read.contains(&equation.out) {
                    return None;
                }
            }
        }
    }
    found.into_iter().reduce(|a, b| {
        let (span, dtype) = (a.span, a.dtype);
        Scalar::binary(BinaryFn::Or, a, b, dtype, span)
    })
}

/// Where a tensor is read.
struct Places<'a> {
    of: &'a Equation,
    found: &'a mut Vec<Scalar>,
}

impl Places<'_> {
    /// Notes the conditions of every access; none if there is an access without one.
    fn scalar(&mut self, scalar: &Scalar, conditions: &mut Vec<Scalar>) -> Option<()> {
        if let ScalarKind::If(condition, yes, no) = &scalar.kind {
            self.scalar(condition, conditions)?;
            for (condition, value) in [(Scalar::clone(condition), yes), (Scalar::clone(condition).negated(), no)] {
                conditions.push(condition);
                let is_known = self.scalar(value, conditions);
                conditions.pop();
                is_known?;
            }
            return Some(());
        }
        if let ScalarKind::Access(access) = &scalar.kind
            && access.tensor == self.of.out
        {
            let own: Vec<Scalar> = conditions.iter().filter_map(|condition| self.over_own(condition, access)).collect();
            self.found.push(own.into_iter().reduce(Scalar::and)?);
        }
        scalar.children().into_iter().try_for_each(|child| self.scalar(child, conditions))
    }

    /// A condition on indices that are subscripts of an access, on the indices of the equation.
    fn over_own(&self, condition: &Scalar, access: &Access) -> Option<Scalar> {
        let own = |index: Index| {
            let is_it = |sub: &Sub| sub.mode == Mode::Exact && matches!(sub.value.kind, ScalarKind::Index(i) if i == index);
            self.of.indices.get(access.subs.iter().position(is_it)?).copied()
        };
        let (mut out, mut is_known) = (condition.clone(), true);
        out.visit_mut(&mut |node| match &mut node.kind {
            ScalarKind::Index(index) => match own(*index) {
                Some(own) => *index = own,
                None => is_known = false,
            },
            ScalarKind::Access(_) => is_known = false,
            _ => {}
        });
        is_known.then_some(out)
    }
}
