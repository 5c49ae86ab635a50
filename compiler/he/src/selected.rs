//! What is multiplied by 0 and 1 in the clear: values under conditions, and elements at positions that are computed.
//!
//! `if c then a else b` of a public `c` is `c a + (1 - c) b`, and `x[p]` of a public `p` is `sum[q]((p == q) x[q])`. The products with
//! other public factors are made in the clear, as any products are.

use crate::contraction::{Axis, Operand, Subscript};
use crate::pieces::{MAX_READINGS, Piece, Reading, along, few_elements};
use crate::read::{Product, Reader, Scope, holds, is_number, multiplied, number, refused, scaled};
use crate::together::Elements;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index};
use ein_ir::extent::Atom;
use ein_ir::range::Range;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind, Sub};

impl Reader<'_> {
    /// A choice between values by a condition that everybody may see: each where it counts, and 0 elsewhere.
    pub(crate) fn chosen(&mut self, [condition, yes, no]: [&Scalar; 3], scope: &mut Scope) -> Result<Vec<Product>, Diagnostic> {
        let not = condition.clone().negated();
        Ok([self.under(condition.clone(), yes, scope)?, self.under(not, no, scope)?].concat())
    }

    /// A value where a condition holds, and 0 elsewhere. A choice there is made by both conditions at once, so that a chain of choices has
    /// one mask for each of its values.
    pub(crate) fn under(&mut self, condition: Scalar, value: &Scalar, scope: &mut Scope) -> Result<Vec<Product>, Diagnostic> {
        match self.truth(&condition, scope) {
            (_, true) => return Ok(Vec::new()),
            (true, _) => return self.expand(value, scope),
            _ => {}
        }
        if !self.is_public(&condition) {
            return Err(Self::secret_condition(&condition));
        }
        if let ScalarKind::If(inner, yes, no) = &value.kind
            && self.is_public(inner)
        {
            let both = condition.clone().and(Scalar::clone(inner));
            let first = condition.and(Scalar::clone(inner).negated());
            return Ok([self.under(both, yes, scope)?, self.under(first, no, scope)?].concat());
        }
        scope.conditions.push(condition.clone());
        let products = self.expand(value, scope);
        let condition = scope.conditions.pop().unwrap_or(condition);
        let products: Vec<Product> = products?.into_iter().filter(|product| product.coefficient != 0.0).collect();
        if products.is_empty() {
            return Ok(products);
        }
        // What everybody may see has no value elsewhere already.
        let mask = self.in_the_clear(&condition.cast(value.dtype), scope)?;
        self.masks.extend(mask.iter().flat_map(|product| &product.factors).map(|factor| factor.tensor));
        multiplied(value, &mask, &products)
    }

    /// What takes part, or which value it is, depends on a secret.
    pub(crate) fn secret_condition(condition: &Scalar) -> Diagnostic {
        Diagnostic::error(712, "he-branch", "a condition that depends on a secret has no place in a packed program")
            .at(condition.span, "the condition")
            .help("ranges that decide it, or `approx(f, x, on = (lo, hi))`, where `f` is a def of one number that branches")
    }

    /// A public expression as a tensor of its own.
    pub(crate) fn in_the_clear(&mut self, scalar: &Scalar, scope: &Scope) -> Result<Vec<Product>, Diagnostic> {
        if !is_number(scalar.dtype) {
            let message = format!("a value of type {} stands beside a secret one", scalar.dtype);
            return Err(Diagnostic::error(716, "he-dtype", message).at(scalar.span, "no number"));
        }
        let value = guarded(scalar, scope);
        if !reads_anything(&value)
            && let Some(number) = self.clear.constant(&value)
        {
            return Ok(vec![Product { coefficient: number, factors: Vec::new() }]);
        }
        let operand = self.part(&value, &[], scope)?;
        Ok(vec![Product { coefficient: 1.0, factors: vec![operand] }])
    }

    /// The tensor of the values of a public expression, over the labels of its indices and over others.
    pub(crate) fn part(&mut self, value: &Scalar, others: &[(Index, u8)], scope: &Scope) -> Result<Operand, Diagnostic> {
        let indices = (0_u8..).zip(&scope.indices).filter(|(_, index)| reads_index(value, **index)).map(|(label, index)| (*index, label));
        let over: Vec<(Index, u8)> = indices.chain(others.iter().copied()).collect();
        let indices: Vec<Index> = over.iter().map(|(index, _)| *index).collect();
        let tensor = self.clear.part(value, &indices, &scope.name)?;
        let tensor = self.public(tensor)?;
        if self.is_of_module(value)
            && let Range::Real(lo, hi) = self.ranges.of_scalar(self.module, value)
            && lo.is_finite()
            && hi.is_finite()
        {
            self.program.ranges.insert(tensor, (lo, hi));
        }
        let axis = |(_, label): &(Index, u8)| Axis { size: scope.labels[usize::from(*label)].size, subscript: Subscript::Label(*label) };
        Ok(Operand { name: self.program.tensors[tensor].name.clone(), tensor, axes: over.iter().map(axis).collect(), secret: false })
    }

    /// Whether an expression reads nothing that was added for positions.
    pub(crate) fn is_of_module(&self, value: &Scalar) -> bool {
        let mut is = true;
        value.visit(&mut |node| {
            is &= match &node.kind {
                ScalarKind::Access(access) => access.tensor.index() < self.module.tensors.len(),
                ScalarKind::Index(index) => index.index() < self.module.indices.len(),
                _ => true,
            };
        });
        is
    }

    /// An element of a tensor.
    pub(crate) fn access(&mut self, access: &Access, scalar: &Scalar, scope: &mut Scope) -> Result<Vec<Product>, Diagnostic> {
        let shape = self.module.tensors[access.tensor].literal_axes().ok_or_else(|| refused(scalar.span, "a size beyond 64 bits"))?;
        let secret = self.is_secret(access.tensor);
        let tensor = if secret { self.secret_id(access.tensor, scalar.span)? } else { self.public(access.tensor)? };
        let (mut read, mut in_pieces) = (vec![Reading::default()], false);
        for (sub, &size) in access.subs.iter().zip(&shape) {
            let pieces = match self.subscript(sub, size, scope).or_else(|| self.padded(sub, size, scope).filter(|_| secret)) {
                Some(subscript) => vec![Piece::from(subscript)],
                None if secret && self.elements != Elements::Selected => {
                    in_pieces = true;
                    self.pieces(sub, size, scalar.dtype, scope)?
                }
                None => Vec::new(),
            };
            if pieces.is_empty() || read.len() * pieces.len() > MAX_READINGS {
                let (label, selection) = self.selection(sub, size, scalar, scope)?;
                let piece = Piece { subscript: Subscript::Label(label), factor: Some(selection) };
                read = along(&read, size, &[piece]);
            } else {
                read = along(&read, size, &pieces);
            }
        }
        if in_pieces && shape.iter().fold(1, |all: u64, size| all.saturating_mul(*size)) <= few_elements(&read) {
            self.may_be_selected = true;
        }
        let name = &self.program.tensors[tensor].name;
        let product = |Reading { mut factors, axes }: Reading| {
            factors.push(Operand { name: name.clone(), tensor, axes, secret });
            Product { coefficient: 1.0, factors }
        };
        let mut products: Vec<Product> = read.into_iter().map(product).collect();
        if let Some(pad) = access.pad.and_then(number).filter(|pad| *pad != 0.0)
            && let Some(outside) = self.outside(access, &shape, scope)
        {
            products.extend(scaled(self.in_the_clear(&outside.cast(scalar.dtype), scope)?, pad));
        }
        Ok(products)
    }

    /// A subscript that is a sum of labels, if it stays in its axis.
    pub(crate) fn subscript(&self, sub: &Sub, size: u64, scope: &Scope) -> Option<Subscript> {
        let (terms, offset) = self.line(sub, scope)?;
        let proved = sub.mode == Mode::Exact && scope.conditions.is_empty();
        if !proved && !stays_in(size, &terms, offset, scope) {
            return None;
        }
        Some(match (&terms[..], offset) {
            ([], offset) => Subscript::Fixed(u64::try_from(offset).ok()?),
            // A range that is shorter than the axis is a slice of it.
            ([(label, 1)], 0) if scope.labels[usize::from(*label)].size == size => Subscript::Label(*label),
            _ => Subscript::Linear { terms, offset },
        })
    }

    /// A subscript that is a sum of labels and may leave its axis, beyond which there are zeros.
    fn padded(&self, sub: &Sub, size: u64, scope: &Scope) -> Option<Subscript> {
        let is_empty = || scope.labels.iter().any(|label| label.size == 0);
        if sub.mode != Mode::Pad || size == 0 || is_empty() {
            return None;
        }
        let (terms, offset) = self.line(sub, scope)?;
        (!terms.is_empty()).then_some(Subscript::Padded { terms, offset })
    }

    /// A subscript that is a sum of labels: those with their coefficients, and the position where all are 0.
    pub(crate) fn line(&self, sub: &Sub, scope: &Scope) -> Option<(Vec<(u8, i64)>, i64)> {
        let polynomial = sub.value.as_polynomial()?;
        let mut terms: Vec<(u8, i64)> = Vec::new();
        let mut offset = 0_i64;
        for (monomial, coefficient) in polynomial.terms() {
            let coefficient = i64::try_from(coefficient).ok()?;
            match &monomial[..] {
                [] => offset = offset.checked_add(coefficient)?,
                [Atom::Index(index)] => {
                    let label = scope.indices.iter().position(|other| other == index).and_then(|n| u8::try_from(n).ok())?;
                    let (lo, _) = self.module.indices[*index].literal_range()?;
                    offset = offset.checked_add(lo.checked_mul(coefficient)?)?;
                    terms.push((label, coefficient));
                }
                _ => return None,
            }
        }
        Some((terms, offset))
    }

    /// A label for the positions of an axis, and the tensor that is 1 at the one that a subscript says, and 0 elsewhere.
    fn selection(&mut self, sub: &Sub, size: u64, scalar: &Scalar, scope: &mut Scope) -> Result<(u8, Operand), Diagnostic> {
        let span = sub.value.span;
        if !self.is_public(&sub.value) {
            return Err(Diagnostic::error(712, "he-branch", "a subscript that depends on data has no place in a packed program")
                .at(span, "computed from data here")
                .help("subscripts of ciphertexts are public"));
        }
        let position = self.clear.index("position", size, span);
        let all = self.clear.part(&Scalar::index(position, span), &[position], "positions")?;
        let pad = (sub.mode == Mode::Pad).then_some(Literal::Int(-1));
        let at = Access { tensor: all, prev: false, subs: vec![sub.clone()], pad };
        // A subscript that is in its axis as it is needs no tensor to be looked up in.
        let at = match sub.mode {
            Mode::Exact => sub.value.clone(),
            Mode::Pad | Mode::Clamp | Mode::Wrap | Mode::Reflect => Scalar::new(ScalarKind::Access(at), DType::I64, span),
        };
        let is_here = Scalar::binary(BinaryFn::Eq, at, Scalar::index(position, span), DType::Bool, span);
        let is_here = guarded(&is_here.cast(scalar.dtype), scope);
        let label = u8::try_from(scope.labels.len()).map_err(|_| refused(span, "so many subscripts"))?;
        scope.labels.push(crate::program::Label { name: "position".to_owned(), size });
        let selection = self.part(&is_here, &[(position, label)], scope)?;
        self.masks.insert(selection.tensor);
        Ok((label, selection))
    }

    /// Whether an access with padded axes is outside of its tensor.
    fn outside(&self, access: &Access, shape: &[u64], scope: &Scope) -> Option<Scalar> {
        let mut outside: Option<Scalar> = None;
        for (sub, &size) in access.subs.iter().zip(shape).filter(|(sub, _)| sub.mode == Mode::Pad) {
            if self.subscript(sub, size, scope).is_some() {
                continue;
            }
            let span = sub.value.span;
            let number = |n: u64| Scalar::literal(Literal::Int(i128::from(n)), DType::I64, span);
            let is = |function, n| Scalar::binary(function, sub.value.clone(), number(n), DType::Bool, span);
            let either = |a, b| Scalar::binary(BinaryFn::Or, a, b, DType::Bool, span);
            let this = either(is(BinaryFn::Lt, 0), is(BinaryFn::Ge, size));
            outside = Some(match outside {
                Some(others) => either(others, this),
                None => this,
            });
        }
        outside
    }

    /// Whether a public expression is a sum of products of tensors and numbers, all of which have values.
    pub(crate) fn is_polynomial(&self, scalar: &Scalar, scope: &Scope) -> bool {
        match &scalar.kind {
            ScalarKind::Literal(literal) => number(*literal).is_some(),
            ScalarKind::Access(access) => {
                let Some(shape) = self.module.tensors[access.tensor].literal_axes() else { return false };
                let subs = || access.subs.iter().zip(&shape);
                let stays = subs().all(|(sub, &size)| self.subscript(sub, size, scope).is_some());
                stays && is_number(scalar.dtype) && self.clear.is_total(access.tensor)
            }
            ScalarKind::Cast(value) => holds(scalar.dtype, value.dtype) && self.has_not_wrapped(value) && self.is_polynomial(value, scope),
            ScalarKind::Unary(UnaryFn::Neg | UnaryFn::Keep, value) => self.is_polynomial(value, scope),
            ScalarKind::Unary(UnaryFn::Powi(n), value) => *n >= 0 && self.is_polynomial(value, scope),
            ScalarKind::Binary(BinaryFn::Add | BinaryFn::Sub | BinaryFn::Mul, a, b) => {
                self.is_polynomial(a, scope) && self.is_polynomial(b, scope)
            }
            ScalarKind::Binary(BinaryFn::Div, a, b) => matches!(b.kind, ScalarKind::Literal(_)) && self.is_polynomial(a, scope),
            _ => false,
        }
    }
}

/// Whether a sum of labels is a position of an axis wherever it is read.
fn stays_in(size: u64, terms: &[(u8, i64)], offset: i64, scope: &Scope) -> bool {
    reach(terms, offset, scope).is_none_or(|(least, greatest)| least >= 0 && greatest < i128::from(size))
}

/// The least and the greatest of a sum of labels; none if a label has no position.
pub(crate) fn reach(terms: &[(u8, i64)], offset: i64, scope: &Scope) -> Option<(i128, i128)> {
    let (mut least, mut greatest) = (i128::from(offset), i128::from(offset));
    for &(label, coefficient) in terms {
        let end = i128::from(coefficient) * i128::from(scope.labels[usize::from(label)].size.checked_sub(1)?);
        least += end.min(0);
        greatest += end.max(0);
    }
    Some((least, greatest))
}

/// The value where it is read, and 0 where it need not have one.
fn guarded(scalar: &Scalar, scope: &Scope) -> Scalar {
    let span = scalar.span;
    let all = scope.conditions.iter().cloned().reduce(Scalar::and);
    let Some(condition) = all.filter(|_| !has_value_everywhere(scalar)) else { return scalar.clone() };
    let zero = if scalar.dtype.is_float() { Literal::Float(0.0) } else { Literal::Int(0) };
    let branches = (Box::new(scalar.clone()), Box::new(Scalar::literal(zero, scalar.dtype, span)));
    Scalar::new(ScalarKind::If(Box::new(condition), branches.0, branches.1), scalar.dtype, span)
}

/// Whether an expression neither reads what may be missing nor divides.
fn has_value_everywhere(scalar: &Scalar) -> bool {
    let mut has = true;
    scalar.visit(&mut |node| {
        has &= match &node.kind {
            ScalarKind::Literal(_) | ScalarKind::Index(_) | ScalarKind::Size(_) | ScalarKind::Cast(_) => true,
            ScalarKind::Unary(UnaryFn::Neg | UnaryFn::Not, _) => true,
            ScalarKind::Binary(op, ..) => {
                let compares = matches!(op, BinaryFn::Eq | BinaryFn::Ne | BinaryFn::Lt | BinaryFn::Le | BinaryFn::Gt | BinaryFn::Ge);
                compares || matches!(op, BinaryFn::Add | BinaryFn::Sub | BinaryFn::Mul | BinaryFn::And | BinaryFn::Or)
            }
            _ => false,
        };
    });
    has
}

fn reads_anything(scalar: &Scalar) -> bool {
    let mut found = false;
    scalar.visit(&mut |node| found |= matches!(node.kind, ScalarKind::Access(_) | ScalarKind::Index(_)));
    found
}

fn reads_index(scalar: &Scalar, index: Index) -> bool {
    let mut found = false;
    scalar.visit(&mut |node| found |= matches!(&node.kind, ScalarKind::Index(i) if *i == index));
    found
}
