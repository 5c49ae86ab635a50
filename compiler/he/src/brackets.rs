//! Brackets: sums that are multiplied, or raised to a power.
//!
//! A bracket is *kept*, as a tensor of its own that products read, as if an equation defined it; or it is *multiplied out*, so that every product is
//! contracted in the order that is best for it. Where all its secret factors have the same indices in the same order, as in `(x[i] - y[i])^2`,
//! it is kept: it is where they are, and one product is less than several. Where one lacks an index that another one has, as in
//! `(x[n, d] - m[d])^2` summed over `n`, its products may be less: the equation is read either way ([`Program::alternatives`]), and the search
//! takes the better one. Where each of them lacks one, as in `(x[n, d] - c[m, d])^2`, the bracket may be much larger than what it is of, and is
//! multiplied out unless it is small.
//!
//! [`Program::alternatives`]: crate::program::Program::alternatives

use crate::contraction::{Axis, Operand, Subscript};
use crate::pieces::is_sum_of_its_own;
use crate::program::{Label, Origin, Sum, Tensor, Term};
use crate::read::{Product, Reader, Scope, scaled};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Scalar, ScalarKind};
use std::collections::BTreeSet;

/// Products of secrets that brackets may become where they are multiplied out and could be kept.
const HANDFUL: usize = 8;
/// Brackets of which any are kept, and the others multiplied out.
const FEW_BRACKETS: usize = 2;
/// Elements of a bracket that has more of them than what it is of.
const FEW_ELEMENTS: u64 = 1024;

/// What is done with a bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It is kept.
    Kept,
    /// Either: it is no larger than what it is of.
    Whole,
    /// Either: it is larger, and small nevertheless.
    Small,
    /// It is multiplied out.
    MultipliedOut,
}

/// How the brackets of an equation are read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Brackets {
    /// Those that are kept, as bits.
    keeps: u32,
    /// Those that may as well be kept as multiplied out; equal ones once.
    found: Vec<(Sum, Kind)>,
    /// What is read once more may be there from the first time on.
    again_from: Option<usize>,
}

impl Brackets {
    /// Which of them to keep, other than none: of a few any, of more those that are whole, and all.
    fn choices(&self) -> Vec<u32> {
        let bit = |n: usize| 1_u32.checked_shl(u32::try_from(n).unwrap_or(u32::MAX)).unwrap_or(0);
        let all = (0..self.found.len()).map(bit).fold(0, |all, bit| all | bit);
        if self.found.len() <= FEW_BRACKETS {
            return (1..=all).collect();
        }
        let whole = self.found.iter().enumerate().filter(|(_, (_, kind))| *kind == Kind::Whole);
        let whole = whole.map(|(n, _)| bit(n)).fold(0, |all, bit| all | bit);
        [whole, all].into_iter().filter(|choice| *choice != 0 && (*choice == all || whole != all)).collect()
    }

    /// Whether one of them is kept.
    fn keeps(&mut self, sum: Sum, kind: Kind) -> bool {
        let there = self.found.iter().position(|(other, _)| is_same(other, &sum));
        let number = there.unwrap_or(self.found.len());
        if there.is_none() {
            self.found.push((sum, kind));
        }
        number < 32 && self.keeps >> number & 1 == 1
    }
}

/// A factor of a product.
struct Factor {
    value: Scalar,
    products: Vec<Product>,
    kind: Kind,
    is_in_pieces: bool,
}

impl Reader<'_> {
    /// What is read with its brackets multiplied out, and with those kept that can be.
    pub(crate) fn in_each_way<T>(&mut self, mut read: impl FnMut(&mut Self) -> Result<T, Diagnostic>) -> Result<(T, Vec<T>), Diagnostic> {
        let again_from = self.brackets.again_from;
        let outside = std::mem::replace(&mut self.brackets, Brackets { again_from, ..Brackets::default() });
        let n_tensors = self.program.tensors.len();
        let first = read(self);
        // Within what is read once more it was read in each way before.
        let choices = if again_from.is_none() { self.brackets.choices() } else { Vec::new() };
        let mut kept = Vec::new();
        for keeps in choices {
            self.brackets = Brackets { keeps, again_from: Some(n_tensors), ..Brackets::default() };
            kept.extend(read(self).ok());
        }
        self.brackets = outside;
        match first {
            Err(_) if !kept.is_empty() => Ok((kept.remove(0), kept)),
            first => Ok((first?, kept)),
        }
    }

    /// A tensor that was made when this was read for the first time.
    pub(crate) fn made_before(&self, origin: &Origin) -> Option<usize> {
        let from = self.brackets.again_from?;
        (from..self.program.tensors.len()).find(|&tensor| self.program.tensors[tensor].origin == *origin)
    }

    /// A product, of factors that are products themselves: brackets among them are multiplied by each other, and not by what is public.
    pub(crate) fn multiplication(&mut self, scalar: &Scalar, scope: &mut Scope) -> Result<Vec<Product>, Diagnostic> {
        let mut factors = Vec::new();
        self.factors(scalar, scope, &mut factors)?;
        let labels = |factor: &Factor| secret_labels(&factor.products);
        let secrets: Vec<BTreeSet<u8>> = factors.iter().filter(|factor| !self.is_public(&factor.value)).map(labels).collect();
        let is_alike = secrets.windows(2).all(|pair| pair[0] == pair[1]);
        for factor in &mut factors {
            let is_public = self.is_public(&factor.value);
            factor.kind = match factor.kind {
                _ if secrets.len() <= usize::from(!is_public) => Kind::MultipliedOut,
                // What a sum is multiplied by may be summed, or spread, before.
                Kind::Kept if !is_alike && !factor.is_in_pieces => Kind::Whole,
                kind => kind,
            };
        }
        let is_many = |factor: &&Factor| factor.kind != Kind::Kept;
        let expansion = factors.iter().filter(is_many).fold(1_usize, |n, factor| n.saturating_mul(n_of_secrets(&factor.products)));
        let mut all: Option<(Scalar, Vec<Product>)> = None;
        for Factor { value, products, kind, .. } in factors {
            let products = self.bracket(products, (kind, expansion, 1), &value, scope)?;
            all = Some(match all {
                None => (value, products),
                Some((before, of_before)) => {
                    let product = Scalar::binary(BinaryFn::Mul, before.clone(), value.clone(), scalar.dtype, scalar.span);
                    let products = self.multiplied_or_kept(&product, [(&before, of_before), (&value, products)], scope)?;
                    (product, products)
                }
            });
        }
        Ok(all.map(|(_, products)| products).unwrap_or_default())
    }

    /// The factors of a product; those of factors that are one function of an element are none.
    fn factors(&mut self, scalar: &Scalar, scope: &mut Scope, found: &mut Vec<Factor>) -> Result<(), Diagnostic> {
        let ScalarKind::Binary(BinaryFn::Mul, a, b) = &scalar.kind else { return Ok(()) };
        for value in [a, b] {
            let is_product = matches!(value.kind, ScalarKind::Binary(BinaryFn::Mul, ..)) && !self.is_public(value);
            let products = match () {
                () if !is_product || self.decided(value, scope).is_some() => self.expand(value, scope)?,
                () => match self.fused(value, scope)? {
                    Some(products) => products,
                    None => {
                        self.factors(value, scope, found)?;
                        continue;
                    }
                },
            };
            let products = if self.is_public(value) { products } else { counted(products) };
            let kind = self.kind(&products, value, scope);
            let is_in_pieces = self.is_sum_in_pieces(&products, value, scope);
            found.push(Factor { value: Scalar::clone(value), products, kind, is_in_pieces });
        }
        Ok(())
    }

    /// What is raised to a power.
    pub(crate) fn base(&mut self, value: &Scalar, n: i32, scope: &mut Scope) -> Result<Vec<Product>, Diagnostic> {
        let products = self.expand(value, scope)?;
        let products = if n > 1 { counted(products) } else { products };
        let kind = if n > 1 { self.kind(&products, value, scope) } else { Kind::MultipliedOut };
        let expansion = n_of_power(n_of_secrets(&products), n.unsigned_abs() as usize);
        self.bracket(products, (kind, expansion, n.unsigned_abs()), value, scope)
    }

    /// Whether elements are sums by the way they are read: of a product of them there would be many.
    fn is_sum_in_pieces(&self, products: &[Product], value: &Scalar, scope: &Scope) -> bool {
        is_sum_of_its_own(products, scope) && self.reads_in_pieces(value, scope)
    }

    /// What is to be done with a sum that is multiplied by secrets.
    fn kind(&self, products: &[Product], value: &Scalar, scope: &Scope) -> Kind {
        if self.is_sum_in_pieces(products, value, scope) {
            return Kind::Kept;
        }
        let factors = || products.iter().flat_map(|product| &product.factors);
        let all: BTreeSet<u8> = factors().flat_map(Operand::labels).collect();
        // Positions that are selected are summed over in the equation.
        let is_of_indices = all.iter().all(|&label| usize::from(label) < scope.indices.len());
        let Some(first) = factors().find(|factor| factor.secret).filter(|_| products.len() > 1 && is_of_indices) else {
            return Kind::MultipliedOut;
        };
        let labels: Vec<u8> = first.labels().collect();
        let is_alike = |factor: &Operand| !factor.secret || factor.is_plain() && factor.labels().eq(labels.iter().copied());
        if labels.len() == all.len() && factors().all(is_alike) {
            return Kind::Kept;
        }
        let is_whole = |factor: &Operand| factor.secret && is_within(factor) && factor.labels().count() == all.len();
        let elements = all.iter().fold(1_u64, |n, &label| n.saturating_mul(scope.labels[usize::from(label)].size));
        match () {
            () if factors().any(is_whole) => Kind::Whole,
            () if elements <= FEW_ELEMENTS => Kind::Small,
            () => Kind::MultipliedOut,
        }
    }

    /// A factor as one product if it is kept; `expansion` is how many products of secrets there would be of all factors, and `power` how often
    /// this is one.
    fn bracket(
        &mut self,
        products: Vec<Product>,
        (kind, expansion, power): (Kind, usize, u32),
        value: &Scalar,
        scope: &Scope,
    ) -> Result<Vec<Product>, Diagnostic> {
        let is_kept = match kind {
            Kind::Kept => true,
            Kind::Whole | Kind::Small if expansion > HANDFUL => true,
            Kind::Whole | Kind::Small => {
                let terms = products.iter().map(|product| Term { coefficient: product.coefficient, operands: product.factors.clone() });
                let (sum, _) = canonical(&scope.labels, terms.collect());
                self.brackets.keeps(sum, kind)
            }
            Kind::MultipliedOut => false,
        };
        if is_kept { self.kept(products, power, value, scope) } else { Ok(products) }
    }

    /// A sum as one factor, which is a tensor, and a number.
    fn kept(&mut self, products: Vec<Product>, power: u32, value: &Scalar, scope: &Scope) -> Result<Vec<Product>, Diagnostic> {
        let scale = if value.dtype.is_float() { common(&products, power) } else { 1.0 };
        let mut terms = Vec::new();
        for product in scaled(products, scale.recip()) {
            let Product { coefficient, factors } = self.whole_factors(product, scope.indices.len(), scope, value.span)?;
            terms.push(Term { coefficient, operands: factors });
        }
        let sum = Sum { labels: scope.labels.clone(), output: labels_of(&terms), terms };
        let Sum { labels, terms, output } = self.merged(sum, &scope.name, value.span)?;
        // Labels that were added are those of no equation.
        let is_of_equation = |term: &Term| term.operands.iter().flat_map(Operand::labels).all(|label| output.contains(&label));
        if terms.len() < 2 && terms.iter().all(is_of_equation) {
            let product = |Term { coefficient, operands }| Product { coefficient: coefficient * scale, factors: operands };
            return Ok(terms.into_iter().map(product).collect());
        }
        let (sum, output) = canonical_of(&labels, output, terms);
        let axis = |&label: &u8| Axis { size: labels[usize::from(label)].size, subscript: Subscript::Label(label) };
        let axes: Vec<Axis> = output.iter().map(axis).collect();
        let tensor = self.sum_of(sum, value, scope);
        let known = self.known_everywhere(value, scope).map(|(lo, hi)| (lo / scale, hi / scale));
        self.program.ranges.extend(known.map(|known| (tensor, known)));
        Ok(vec![self.product(scale, &[tensor], &axes)])
    }

    /// The tensor that is this sum, which may be there already.
    fn sum_of(&mut self, sum: Sum, value: &Scalar, scope: &Scope) -> usize {
        let shape: Vec<u64> = sum.output.iter().map(|&label| sum.labels[usize::from(label)].size).collect();
        let is_alike = |tensor: &Tensor| matches!(&tensor.origin, Origin::Sum(other) if is_same(other, &sum));
        if let Some(there) = self.program.tensors.iter().position(is_alike) {
            return there;
        }
        let n = self.program.tensors.len();
        let name = format!("{}.{n}", scope.name);
        self.program.tensors.push(Tensor { name, dtype: value.dtype, shape, origin: Origin::Sum(sum), span: value.span });
        n
    }
}

/// Labels of the secret factors of products.
fn secret_labels(products: &[Product]) -> BTreeSet<u8> {
    let factors = products.iter().flat_map(|product| &product.factors);
    factors.filter(|factor| factor.secret).flat_map(Operand::labels).collect()
}

/// Whether two sums are the same, whatever their labels are called.
fn is_same(one: &Sum, other: &Sum) -> bool {
    let sizes = |sum: &Sum| sum.labels.iter().map(|label| label.size).collect::<Vec<u64>>();
    one.output == other.output && one.terms == other.terms && sizes(one) == sizes(other)
}

/// Terms as a sum over labels of their own, with the labels that these are.
fn canonical(labels: &[Label], terms: Vec<Term>) -> (Sum, Vec<u8>) {
    canonical_of(labels, labels_of(&terms), terms)
}

/// The same, summed over labels that the output does not have.
fn canonical_of(labels: &[Label], output: Vec<u8>, mut terms: Vec<Term>) -> (Sum, Vec<u8>) {
    let read = terms.iter().flat_map(|term| &term.operands).flat_map(Operand::labels);
    let summed: BTreeSet<u8> = read.filter(|label| !output.contains(label)).collect();
    let over: Vec<u8> = output.iter().copied().chain(summed).collect();
    let number = |label: u8| over.iter().position(|other| *other == label).and_then(|at| u8::try_from(at).ok()).unwrap_or(label);
    terms.iter_mut().for_each(|term| term.relabel(number));
    let labels = over.iter().map(|&label| labels[usize::from(label)].clone()).collect();
    let sum = Sum { labels, output: (0..).take(output.len()).collect(), terms };
    (sum, output)
}

/// Products with equal factors as one where that takes no product with a number that was not there: twice a ciphertext is a sum.
fn counted(products: Vec<Product>) -> Vec<Product> {
    let mut groups: Vec<Vec<Product>> = Vec::new();
    for product in products {
        match groups.iter_mut().find(|group| group[0].factors == product.factors) {
            Some(group) => group.push(product),
            None => groups.push(vec![product]),
        }
    }
    let is_one = |number: f64| number.abs() == 1.0;
    let as_one = |mut group: Vec<Product>| {
        let coefficient = group.iter().map(|product| product.coefficient).sum::<f64>();
        let is_scaled = is_one(coefficient) || coefficient == 0.0 || group.iter().all(|product| !is_one(product.coefficient));
        if is_scaled || !is_secret(&group[0]) {
            group.truncate(1);
            group[0].coefficient = coefficient;
        }
        group.retain(|product| product.coefficient != 0.0);
        group
    };
    groups.into_iter().flat_map(as_one).collect()
}

/// Labels of the terms of a sum in the order in which their factors have them, those of secret ones first.
fn labels_of(terms: &[Term]) -> Vec<u8> {
    let factors = |secret: bool| terms.iter().flat_map(|term| &term.operands).filter(move |operand| operand.secret == secret);
    let mut labels: Vec<u8> = Vec::new();
    for label in factors(true).chain(factors(false)).flat_map(Operand::labels) {
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    labels
}

/// A number by which all secret products are multiplied, if its power is a number that is not too near to 0.
fn common(products: &[Product], power: u32) -> f64 {
    let mut secrets = products.iter().filter(|product| is_secret(product)).map(|product| product.coefficient.abs());
    let Some(first) = secrets.next() else { return 1.0 };
    let all = first.powi(i32::try_from(power).unwrap_or(i32::MAX));
    if secrets.all(|other| other == first) && (1e-100..1e100).contains(&all) { first } else { 1.0 }
}

fn is_secret(product: &Product) -> bool {
    product.factors.iter().any(|factor| factor.secret)
}

/// How many products of a sum are of secrets; those that are not are together one more.
fn n_of_secrets(products: &[Product]) -> usize {
    let n = products.iter().filter(|product| is_secret(product)).count();
    n + usize::from(n < products.len())
}

/// How many products the power of a sum of so many is, each once.
fn n_of_power(n_terms: usize, power: usize) -> usize {
    // (n + k - 1 over k), as far as it matters.
    (1..n_terms).fold(1, |n: usize, k| n.saturating_mul(power.saturating_add(k)) / k)
}

/// Whether an operand has along no axis more positions than there are, and along each its own.
fn is_within(factor: &Operand) -> bool {
    let one_each = factor.axes.iter().all(|axis| axis.subscript.linear().0.len() <= 1);
    one_each && factor.labels().count() == factor.labels().collect::<BTreeSet<u8>>().len()
}
