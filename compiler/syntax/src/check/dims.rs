//! Sizes: generics, `where` clauses, size expressions and the axes of types (language 4e).

use super::budget::is_small;
use super::facts::Facts;
use super::prove::{Proof, prove_nonnegative};
use super::scope::{Elaborator, Meaning};
use super::strict::sides;
use crate::ast::{Axis, BinaryOp, Expr, ExprKind, Generic, GenericKind, NumberValue, UnaryOp, WhereItem};
use crate::error::dims::error;
use crate::error::parse::LimitError;
use crate::limits::{MAX_FACTS, MAX_SIZE_NESTING, MAX_SIZE_WEIGHT};
use crate::print::print_expr;
use ein_ir::extent::{Atom, Extent};
use ein_ir::span::Span;
use ein_ir::tensor::{DimDecl, DimKind, Relation, Require};

impl Elaborator<'_> {
    pub(crate) fn declare_generics(&mut self, generics: &[Generic]) {
        for generic in generics {
            let kind = if generic.kind == GenericKind::Int { DimKind::Int } else { DimKind::Size };
            let default = generic.default.and_then(|d| i64::try_from(d.value).ok());
            let name = generic.name.as_str();
            let dim = self.module.dims.push(DimDecl { name: name.to_owned(), kind, default, span: generic.name.span });
            if kind == DimKind::Int {
                self.declare(name, generic.name.span, "generic", Meaning::Int(dim));
            } else {
                self.declare(name, generic.name.span, "dim", Meaning::Dim(dim));
                self.nonnegative.push(Extent::dim(dim));
            }
        }
    }

    pub(crate) fn declare_wheres(&mut self, items: &[WhereItem]) {
        for item in items {
            match item {
                WhereItem::Define { name, value, .. } => {
                    let meaning = self.size(value).map_or(Meaning::Unknown, Meaning::Alias);
                    self.declare(name.as_str(), name.span, "`where` name", meaning);
                }
                WhereItem::Require(condition) => self.condition(condition),
            }
        }
    }

    /// A condition of a `where` clause: an entry check, and a fact from there on.
    fn condition(&mut self, e: &Expr) {
        let (op, lhs, rhs) = match &e.peeled().kind {
            ExprKind::Binary { op: BinaryOp::And, lhs, rhs, .. } => {
                self.condition(lhs);
                self.condition(rhs);
                return;
            }
            ExprKind::Binary { op, lhs, rhs, .. } if op.is_comparison() => (*op, lhs, rhs),
            _ => {
                let found = error(308, "a `where` condition compares sizes").at(e.span, "not a comparison").help("`N == P*Q`");
                self.errors.push(found);
                return;
            }
        };
        let (Some(a), Some(b)) = (self.size(lhs), self.size(rhs)) else { return };
        let (value, relation) = comparison(op, &a, &b);
        let require =
            Require { value, relation, unless_empty: Vec::new(), message: format!("`{}`", print_expr(e)), code: 305, span: e.span };
        self.assume(&require);
        self.require_stated(require);
    }

    /// Makes a condition on sizes a fact.
    pub(crate) fn assume(&mut self, require: &Require) {
        match require.relation {
            _ if self.zero.len() + self.nonnegative.len() >= MAX_FACTS => {}
            Relation::Zero => self.zero.push(require.value.clone()),
            Relation::NonNegative => self.nonnegative.push(require.value.clone()),
            Relation::NonZero => {}
        }
    }

    /// Adds an entry check unless it holds for all sizes or is there already; one that can never hold is an error now.
    pub(crate) fn require(&mut self, require: Require) {
        if let Some(value) = require.value.as_constant() {
            let holds = match require.relation {
                Relation::Zero => value == 0,
                Relation::NonZero => value != 0,
                Relation::NonNegative => value >= 0,
            };
            if !holds {
                let d =
                    ein_ir::diagnostic::Diagnostic::error(require.code, slug(require.code), format!("{} does not hold", require.message));
                self.errors.push(d.at(require.span, "never holds"));
            }
            return;
        }
        if self.required.insert((require.value.clone(), require.relation, require.unless_empty.clone())) {
            self.module.requires.push(require);
        }
    }

    /// What is known of the sizes alone.
    pub(crate) fn size_facts(&self) -> Facts {
        Facts { zero: self.zero.clone(), nonnegative: self.nonnegative.clone(), ..Facts::default() }
    }

    /// Sees to it that a derived size is not negative: by proof, or by an entry check that is a fact from then on.
    pub(crate) fn ensure_nonnegative(&mut self, size: &Extent, span: Span) {
        if self.nonnegative.contains(size) || prove_nonnegative(size, &self.size_facts()) == Proof::Always {
            return;
        }
        let message = format!("`{} >= 0`", self.show(size));
        let require = Require { value: size.clone(), relation: Relation::NonNegative, unless_empty: Vec::new(), message, code: 305, span };
        if size.as_constant().is_none() {
            self.assume(&require);
        }
        self.require(require);
    }

    /// The sizes of the axes of a type. `None` after an error.
    pub(crate) fn axes(&mut self, axes: &[Axis]) -> Option<Vec<Extent>> {
        let mut out = Vec::with_capacity(axes.len());
        for axis in axes {
            let Axis::Dim(e) = axis else { return None };
            let size = self.size(e)?;
            self.ensure_nonnegative(&size, e.span);
            out.push(size);
        }
        Some(out)
    }

    /// A size expression: literals, dims, `int` generics and `where` names under `+ - * // % ^`.
    pub(crate) fn size(&mut self, e: &Expr) -> Option<Extent> {
        match &e.kind {
            ExprKind::Number(n) if !n.imaginary => match n.value {
                NumberValue::Integer(value) => i64::try_from(value).ok().map(Extent::from).or_else(|| self.not_a_size(e)),
                NumberValue::Float(_) => self.not_a_size(e),
            },
            ExprKind::Name(name) | ExprKind::Size(name) => self.size_name(name.as_str(), name.span),
            ExprKind::Paren(inner) => self.size(inner),
            ExprKind::Unary { op: UnaryOp::Neg, value, .. } => Some(self.size(value)?.scale(-1)),
            ExprKind::Binary { op, lhs, rhs, .. } => {
                let (a, b) = (self.size(lhs)?, self.size(rhs)?);
                let size = match (op, b.as_constant()) {
                    (BinaryOp::Add, _) => Some(a.add(&b)),
                    (BinaryOp::Sub, _) => Some(a.sub(&b)),
                    (BinaryOp::Mul, _) => Some(a.mul(&b)),
                    (BinaryOp::FloorDiv | BinaryOp::Rem, Some(0)) => return self.not_a_size(e),
                    (BinaryOp::FloorDiv, _) => Some(a.floor_div(&b)),
                    (BinaryOp::Rem, _) => Some(a.floor_rem(&b)),
                    (BinaryOp::Pow, Some(n @ 0..=8)) => (0..n).try_fold(Extent::from(1), |p, _| Some(p.mul(&a)).filter(is_small)),
                    _ => return self.not_a_size(e),
                };
                if size.as_ref().is_some_and(|size| size.nesting() > MAX_SIZE_NESTING) {
                    self.errors.push(LimitError::SizeTooDeep { limit: MAX_SIZE_NESTING, span: e.span }.into());
                    return None;
                }
                size.filter(is_small).or_else(|| self.too_large(e))
            }
            _ => self.not_a_size(e),
        }
    }

    fn too_large(&mut self, e: &Expr) -> Option<Extent> {
        self.errors.push(LimitError::SizeTooLarge { limit: MAX_SIZE_WEIGHT, span: e.span }.into());
        None
    }

    fn not_a_size(&mut self, e: &Expr) -> Option<Extent> {
        let found = error(308, format!("`{}` is not a size", print_expr(e))).at(e.span, "a size must stand here");
        let found = match &e.kind {
            ExprKind::Binary { op: BinaryOp::Div, lhs, rhs, .. } => found.help(format!("`{} // {}`", print_expr(lhs), print_expr(rhs))),
            _ => found.note("sizes are made of literals, dims, `int` generics and `where` names with `+`, `-`, `*`, `//`, `%` and `^`"),
        };
        self.errors.push(found);
        None
    }

    fn size_name(&mut self, name: &str, span: Span) -> Option<Extent> {
        self.bring_in(name, span);
        match self.names.get(name).map(|d| (d.meaning.clone(), d.span, d.what)) {
            Some((Meaning::Dim(dim) | Meaning::Int(dim), ..)) => Some(Extent::dim(dim)),
            Some((Meaning::Alias(size), ..)) => Some(size),
            Some((Meaning::Unknown, ..)) => None,
            Some((Meaning::Formula(formula), ..)) => self.formula_size(&formula, span),
            Some((Meaning::Tensor(_) | Meaning::Operand(..), declared, what)) => {
                let found = error(308, format!("`{name}` is a {what}, not a size"))
                    .at(span, "a size must stand here")
                    .and(declared, format!("the {what} is declared here"));
                self.errors.push(found);
                None
            }
            None => {
                self.unknown(name, span, &[]);
                None
            }
        }
    }

    /// `size >= 0` with every term on the side where its sign is positive: `N + 1 >= 2*M`, `N <= 1`.
    pub(crate) fn show_nonnegative(&self, size: &Extent) -> String {
        let (positive, negative) = sides(size);
        let (positive_text, negative_text) = (self.show(&positive), self.show(&negative));
        match positive.as_constant() {
            Some(_) => format!("{negative_text} <= {positive_text}"),
            None => format!("{positive_text} >= {negative_text}"),
        }
    }

    /// A polynomial with the user's names for its dims and indices.
    pub(crate) fn show(&self, size: &Extent) -> String {
        show(size, &|atom| match atom {
            Atom::Dim(d) => self.module.dims.get(*d).map_or_else(|| d.to_string(), |d| d.name.clone()),
            Atom::Index(i) => self.module.indices.get(*i).map_or_else(|| i.to_string(), |i| i.name.clone()),
            Atom::Quotient(..) | Atom::Remainder(..) => String::new(),
        })
    }
}

fn slug(code: u16) -> &'static str {
    crate::error::dims::CODES.iter().find(|c| c.code == code).map_or("size-condition", |c| c.slug)
}

/// `a op b` as a polynomial and what must hold of it.
pub(crate) fn comparison(op: BinaryOp, a: &Extent, b: &Extent) -> (Extent, Relation) {
    let one = Extent::from(1);
    match op {
        BinaryOp::Eq => (a.sub(b), Relation::Zero),
        BinaryOp::Ne => (a.sub(b), Relation::NonZero),
        BinaryOp::Le => (b.sub(a), Relation::NonNegative),
        BinaryOp::Lt => (b.sub(a).sub(&one), Relation::NonNegative),
        BinaryOp::Gt => (a.sub(b).sub(&one), Relation::NonNegative),
        _ => (a.sub(b), Relation::NonNegative),
    }
}

/// A polynomial in the syntax of the language: terms with a positive sign first, constant last.
pub(crate) fn show(size: &Extent, name: &dyn Fn(&Atom) -> String) -> String {
    let mut terms: Vec<_> = size.terms().collect();
    terms.sort_by_key(|(monomial, c)| (monomial.is_empty(), *c < 0));
    let mut out = String::new();
    for (n, (monomial, c)) in terms.into_iter().enumerate() {
        out.push_str(match (n, c < 0) {
            (0, true) => "-",
            (0, false) => "",
            (_, true) => " - ",
            (_, false) => " + ",
        });
        let has_coefficient = monomial.is_empty() || c.unsigned_abs() != 1;
        let mut factors: Vec<String> = monomial.iter().map(|atom| show_atom(atom, name)).collect();
        if has_coefficient || monomial.len() > 1 {
            for (factor, atom) in factors.iter_mut().zip(monomial) {
                if matches!(atom, Atom::Quotient(..) | Atom::Remainder(..)) {
                    *factor = format!("({factor})");
                }
            }
        }
        if has_coefficient {
            factors.insert(0, c.unsigned_abs().to_string());
        }
        out.push_str(&factors.join("*"));
    }
    if out.is_empty() { "0".to_owned() } else { out }
}

fn show_atom(atom: &Atom, name: &dyn Fn(&Atom) -> String) -> String {
    let (op, a, b) = match atom {
        Atom::Quotient(a, b) => ("//", a, b),
        Atom::Remainder(a, b) => ("%", a, b),
        Atom::Dim(_) | Atom::Index(_) => return name(atom),
    };
    let operand = |e: &Extent| {
        let text = show(e, name);
        if e.as_atom().is_some_and(|a| matches!(a, Atom::Dim(_) | Atom::Index(_))) || e.as_constant().is_some_and(|c| c >= 0) {
            text
        } else {
            format!("({text})")
        }
    };
    format!("{} {op} {}", operand(a), operand(b))
}
