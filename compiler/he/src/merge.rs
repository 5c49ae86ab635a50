//! Products with the same secret factors: their public factors are added up in the clear, as are numbers.
//!
//! A weight with an adapter, `y[i] = w[i, j] * x[j] + b[i, r] * a[r, j] * x[j]`, is one product of `x` with `w + b a`, which everybody can
//! compute. So it is read where one public factor has all indices of the sum already: the product with the sum is then no larger than the
//! one with this factor. Two adapters alone are left, since they may well be cheaper one after the other than their sum.

use crate::clear::reads;
use crate::contraction::{Axis, Operand, Subscript};
use crate::program::{Label, Origin, Sum, Term};
use crate::read::{MAX_LABELS, Reader};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::{Index, Tensor};
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use ein_ir::tensor::{Definition, Module};
use std::collections::{BTreeMap, BTreeSet};

/// Numbers from here on may be none of f64.
const MANY: f64 = 9_007_199_254_740_992.0;

/// A sum of labels with coefficients, and where all are 0.
type Position = (BTreeMap<u8, i64>, i64);

/// What tells secret factors apart: tensors with the subscripts of their axes, in which summed labels are numbered as they come, and the sizes of
/// these.
#[derive(PartialEq)]
struct Secrets {
    factors: Vec<(usize, Vec<Position>)>,
    sizes: Vec<u64>,
}

/// A term as it is planned.
struct Seen {
    term: Term,
    /// As it was before a sum was written into it.
    written: Option<Term>,
    /// The same term with the secret factors of the first one of its group.
    renamed: Term,
}

impl Reader<'_> {
    /// The same sum with fewer products with public factors.
    pub(crate) fn merged(&mut self, sum: Sum, name: &str, span: Span) -> Result<Sum, Diagnostic> {
        let Sum { mut labels, output, terms } = sum;
        let terms: Vec<Seen> = terms.iter().map(|term| self.with_its_sum(term, &terms, &output, &mut labels)).collect();
        let mut groups: Vec<(Secrets, Vec<Seen>)> = Vec::new();
        for mut seen in terms {
            let (secrets, order) = Secrets::of(&seen.term, &labels, &output);
            let group = groups.iter_mut().find(|(other, _)| *other == secrets).map(|(_, group)| group);
            let renamed = group.as_ref().and_then(|group| {
                let (_, first) = Secrets::of(&group[0].term, &labels, &output);
                renamed(&seen.term, &order, &first, &mut labels)
            });
            match (group, renamed) {
                (Some(group), Some(renamed)) => {
                    seen.renamed = renamed;
                    group.push(seen);
                }
                _ => groups.push((secrets, vec![seen])),
            }
        }
        let mut merged = Vec::new();
        for (_, group) in groups {
            if let Some(term) = counted(&group) {
                merged.extend(Some(term).filter(|term| term.coefficient != 0.0));
                continue;
            }
            match self.added_in_the_clear(&group, &labels, &output, (name, span))? {
                Some(term) => merged.push(term),
                None => merged.extend(group.into_iter().map(Seen::cheaper)),
            }
        }
        Ok(Sum { labels, output, terms: merged })
    }

    /// A term that is a sum of one product, which nothing else reads, as that product.
    fn with_its_sum(&self, term: &Term, all: &[Term], output: &[u8], labels: &mut Vec<Label>) -> Seen {
        let product = self.product_of(term, all, output, labels);
        let written = product.is_some().then(|| term.clone());
        let term = product.unwrap_or_else(|| term.clone());
        Seen { renamed: term.clone(), term, written }
    }

    fn product_of(&self, term: &Term, all: &[Term], output: &[u8], labels: &mut Vec<Label>) -> Option<Term> {
        let [operand] = &term.operands[..] else { return None };
        let Origin::Sum(inner) = &self.program.tensors[operand.tensor].origin else { return None };
        let [product] = &inner.terms[..] else { return None };
        let readers = all.iter().flat_map(|term| &term.operands).filter(|other| other.tensor == operand.tensor).count();
        if readers > 1 || !self.is_read_once(operand.tensor) {
            return None;
        }
        let mut to = BTreeMap::new();
        for (&label, axis) in inner.output.iter().zip(&operand.axes) {
            match axis.subscript {
                Subscript::Label(outer) if output.contains(&outer) && to.values().all(|other| *other != outer) => to.insert(label, outer),
                Subscript::Fixed(0) if axis.size == 1 => None,
                _ => return None,
            };
        }
        let mut product = product.clone();
        let read: BTreeSet<u8> = product.operands.iter().flat_map(Operand::labels).filter(|label| !to.contains_key(label)).collect();
        if labels.len() + read.len() > MAX_LABELS {
            return None;
        }
        for label in read {
            to.insert(label, u8::try_from(labels.len()).ok()?);
            labels.push(inner.labels[usize::from(label)].clone());
        }
        product.relabel(|label| to.get(&label).copied().unwrap_or(label));
        product.coefficient *= term.coefficient;
        Some(product)
    }

    fn is_read_once(&self, tensor: usize) -> bool {
        self.tensor_of(tensor).is_some_and(|tensor| !self.module.results.contains(&tensor) && uses(self.module, tensor) == 1)
    }

    /// These terms as one, with one public factor; none if that might be more work.
    fn added_in_the_clear(
        &mut self,
        group: &[Seen],
        labels: &[Label],
        output: &[u8],
        (name, span): (&str, Span),
    ) -> Result<Option<Term>, Diagnostic> {
        let secrets: Vec<Operand> = group[0].renamed.secrets().cloned().collect();
        let all_real =
            group.iter().flat_map(|seen| &seen.renamed.operands).all(|operand| self.program.tensors[operand.tensor].dtype.is_float());
        if group.len() < 2 || secrets.is_empty() || !all_real {
            return Ok(None);
        }
        let kept: BTreeSet<u8> = secrets.iter().flat_map(Operand::labels).chain(output.iter().copied()).collect();
        let brought: BTreeSet<u8> =
            group.iter().flat_map(|seen| seen.renamed.publics()).flat_map(Operand::labels).filter(|label| kept.contains(label)).collect();
        let is_largest = |seen: &Seen| {
            let mut publics = seen.renamed.publics();
            let only = publics.next().filter(|_| publics.next().is_none());
            only.is_some_and(|public| public.is_plain() && public.labels().collect::<BTreeSet<u8>>() == brought)
        };
        if !group.iter().any(is_largest) {
            return Ok(None);
        }
        let over: Vec<u8> = brought.into_iter().collect();
        let scope = Labels { labels, name, span };
        let mut total: Option<Scalar> = None;
        let mut own = self.indices(&over, &scope);
        for seen in group {
            let product = self.in_the_clear_over(&seen.renamed, &mut own, &over, &scope)?;
            total = Some(match total {
                Some(total) => Scalar::binary(BinaryFn::Add, total, product, DType::F64, span),
                None => product,
            });
        }
        let Some(total) = total else { return Ok(None) };
        let indices = over.iter().filter_map(|label| own.get(label).copied()).collect();
        let tensor = self.clear.equation(name, indices, Vec::new(), total)?;
        let tensor = self.public(tensor)?;
        let axis = |&label: &u8| Axis { size: labels[usize::from(label)].size, subscript: Subscript::Label(label) };
        let name = self.program.tensors[tensor].name.clone();
        let public = Operand { name, tensor, axes: over.iter().map(axis).collect(), secret: false };
        Ok(Some(Term { coefficient: 1.0, operands: secrets.into_iter().chain([public]).collect() }))
    }

    fn indices(&mut self, labels: &[u8], scope: &Labels<'_>) -> BTreeMap<u8, Index> {
        let index = |&label: &u8| {
            let Label { name, size } = &scope.labels[usize::from(label)];
            (label, self.clear.index(name, *size, scope.span))
        };
        labels.iter().map(index).collect()
    }

    /// The public factors of a product over these labels, summed over others, in f64.
    fn in_the_clear_over(
        &mut self,
        term: &Term,
        own: &mut BTreeMap<u8, Index>,
        over: &[u8],
        scope: &Labels<'_>,
    ) -> Result<Scalar, Diagnostic> {
        let read: BTreeSet<u8> = term.publics().flat_map(Operand::labels).collect();
        let (kept, summed): (Vec<u8>, Vec<u8>) = read.into_iter().partition(|label| over.contains(label));
        if summed.is_empty() {
            return self.multiplied_in_the_clear(term, own, scope);
        }
        let mut inner = self.indices(&kept, scope);
        inner.extend(self.indices(&summed, scope));
        let body = self.multiplied_in_the_clear(term, &inner, scope)?;
        let of = |labels: &[u8]| labels.iter().map(|label| inner[label]).collect::<Vec<Index>>();
        let sum = self.clear.equation(scope.name, of(&kept), of(&summed), body)?;
        let subs = kept.iter().map(|label| Sub { value: Scalar::index(own[label], scope.span), mode: Mode::Exact }).collect();
        Ok(Scalar::new(ScalarKind::Access(Access { tensor: sum, prev: false, subs, pad: None }), DType::F64, scope.span))
    }

    fn multiplied_in_the_clear(&self, term: &Term, own: &BTreeMap<u8, Index>, scope: &Labels<'_>) -> Result<Scalar, Diagnostic> {
        let mut product = Scalar::literal(Literal::Float(term.coefficient), DType::F64, scope.span);
        for operand in term.publics() {
            let access = self.read_by(operand, |label| own.get(&label).map(|index| Scalar::index(*index, scope.span)), scope.span)?;
            product = Scalar::binary(BinaryFn::Mul, product, access.cast(DType::F64), DType::F64, scope.span);
        }
        Ok(product)
    }
}

/// Labels of an equation, and what it defines.
struct Labels<'a> {
    labels: &'a [Label],
    name: &'a str,
    span: Span,
}

impl Secrets {
    /// Those of a term, and its summed labels in the order in which they stand in them.
    fn of(term: &Term, labels: &[Label], output: &[u8]) -> (Self, Vec<u8>) {
        let mut order: Vec<u8> = Vec::new();
        let mut numbered = |label: u8| {
            if output.contains(&label) {
                return label;
            }
            let at = order.iter().position(|other| *other == label).unwrap_or_else(|| {
                order.push(label);
                order.len() - 1
            });
            u8::MAX - u8::try_from(at).unwrap_or(u8::MAX)
        };
        let mut subscript = |axis: &Axis| {
            let (terms, offset) = axis.subscript.linear();
            (terms.into_iter().map(|(label, factor)| (numbered(label), factor)).collect(), offset)
        };
        let mut secrets: Vec<&Operand> = term.secrets().collect();
        secrets.sort_by_key(|operand| operand.tensor);
        let factors = secrets.iter().map(|operand| (operand.tensor, operand.axes.iter().map(&mut subscript).collect())).collect();
        let sizes = order.iter().map(|&label| labels[usize::from(label)].size).collect();
        (Self { factors, sizes }, order)
    }
}

impl Seen {
    /// As written, unless a number that the sum is multiplied by is multiplied into a public factor.
    fn cheaper(self) -> Term {
        match self.written {
            Some(written) if written.coefficient.abs() == 1.0 || self.term.publics().next().is_none() => written,
            _ => self.term,
        }
    }
}

/// A term whose labels `from` are named `to`; others that have one of these names already get names of their own, if there are so many.
fn renamed(term: &Term, from: &[u8], to: &[u8], labels: &mut Vec<Label>) -> Option<Term> {
    let mut names: BTreeMap<u8, u8> = from.iter().copied().zip(to.iter().copied()).collect();
    let others: BTreeSet<u8> = term.operands.iter().flat_map(Operand::labels).filter(|label| !from.contains(label)).collect();
    for label in others.into_iter().filter(|label| to.contains(label)) {
        if labels.len() >= MAX_LABELS {
            return None;
        }
        names.insert(label, u8::try_from(labels.len()).ok()?);
        labels.push(labels[usize::from(label)].clone());
    }
    let mut renamed = term.clone();
    renamed.relabel(|label| names.get(&label).copied().unwrap_or(label));
    Some(renamed)
}

/// Products without public factors as one, times a number if each is multiplied by one already: twice a ciphertext is a sum, which is less than a
/// product.
fn counted(group: &[Seen]) -> Option<Term> {
    let (first, others) = group.split_first()?;
    let is_bare = |seen: &Seen| seen.term.publics().next().is_none() && seen.term.secrets().next().is_some();
    let coefficient = group.iter().map(|seen| seen.term.coefficient).sum::<f64>();
    let is_one = |number: f64| number.abs() == 1.0;
    let is_scaled = is_one(coefficient) || coefficient == 0.0 || group.iter().all(|seen| !is_one(seen.term.coefficient));
    let counts = !others.is_empty() && group.iter().all(is_bare) && coefficient.abs() < MANY;
    (counts && is_scaled).then(|| Term { coefficient, operands: first.term.operands.clone() })
}

impl Term {
    fn secrets(&self) -> impl Iterator<Item = &Operand> {
        self.operands.iter().filter(|operand| operand.secret)
    }

    fn publics(&self) -> impl Iterator<Item = &Operand> {
        self.operands.iter().filter(|operand| !operand.secret)
    }

    pub(crate) fn relabel(&mut self, to: impl Fn(u8) -> u8) {
        for axis in self.operands.iter_mut().flat_map(|operand| &mut operand.axes) {
            match &mut axis.subscript {
                Subscript::Label(label) => *label = to(*label),
                Subscript::Linear { terms, .. } | Subscript::Padded { terms, .. } => {
                    terms.iter_mut().for_each(|(label, _)| *label = to(*label))
                }
                Subscript::Fixed(_) => {}
            }
        }
    }
}

/// How often a tensor is read.
fn uses(module: &Module, tensor: Tensor) -> usize {
    let of = |definition: &Definition| match definition {
        Definition::Equation(equation) => {
            let guard = equation.reduce.as_ref().and_then(|reduce| reduce.guard.as_ref());
            let mut n = 0;
            for scalar in [equation.domain.as_ref(), guard, Some(&equation.body)].into_iter().flatten() {
                scalar.visit(&mut |node| n += usize::from(matches!(&node.kind, ScalarKind::Access(access) if access.tensor == tensor)));
            }
            n
        }
        // As often as is too often.
        other => {
            let mut read = BTreeSet::new();
            reads(other, &mut read);
            2 * usize::from(read.contains(&tensor))
        }
    };
    module.body.iter().map(of).sum()
}
