//! The syntax tree of the whole language.
//!
//! A tree is what the author wrote: parentheses are kept, numbers keep their spelling, and nothing is resolved. Every node
//! carries the span of its text. [`crate::parse::parse`] is the only producer in the compiler, and what it returns obeys
//! these invariants, which later passes rely on:
//!
//! * no path from the root to a leaf has more than [`crate::limits::MAX_TREE_DEPTH`] expression nodes,
//! * names are ASCII, are not keywords, and have at most [`crate::limits::MAX_NAME_BYTES`] bytes,
//! * comparisons are never operands of comparisons, except inside parentheses,
//! * a [`ExprKind::Tuple`] stands only as the value of an argument or of a hint,
//! * the base of a [`ExprKind::Subscript`] is a [`ExprKind::Name`] or a [`ExprKind::Prev`],
//! * the binder of a [`Scan`] is never a row.

mod expr;
mod item;
mod statement;
mod types;

pub use expr::{Argument, BinaryOp, Expr, ExprKind, Number, NumberValue, Reduction, Subscript, UnaryOp};
pub use item::{
    AdMode, Const, ConstValue, Def, Derive, Dim, DimItem, DimSize, Export, Generic, GenericKind, Hint, HintItem, HintRelation, HintValue,
    Import, ImportSource, Instance, InstanceValue, Item, Law, LawKind, LawOperator, Param, Program, Quantity, QuantityUnit, Reducer, Table,
    TableEntry, Version, WhereItem, Wrt,
};
pub use statement::{Bind, BindMany, Binder, BinderKind, Fit, FitRule, IndexRange, Interval, LeftSide, Scan, Statement};
pub use types::{Axis, ElementKind, ElementType, Qualifier, Structure, StructureKind, Tolerance, ToleranceKind, Type};

use ein_ir::span::Span;
use std::fmt;
use std::sync::Arc;

/// A name as it stands at one place of the text.
///
/// Equality compares the spelling *and* the place: compare `name` to ask whether two identifiers are the same name.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Ident {
    /// The spelling, primes included.
    pub name: Arc<str>,
    /// Where it stands.
    pub span: Span,
}

impl Ident {
    /// A name at a place.
    #[must_use]
    pub fn new(name: &str, span: Span) -> Self {
        Self { name: Arc::from(name), span }
    }

    /// The spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Whether it is `_`, an axis that is only repeated.
    #[must_use]
    pub fn is_hole(&self) -> bool {
        &*self.name == "_"
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

impl fmt::Debug for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.span)
    }
}

/// An integer in a position where only a literal may stand, such as the default of a generic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer {
    /// The value.
    pub value: u64,
    /// Where it stands.
    pub span: Span,
}

/// A text between double quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StringLiteral {
    /// What stands between the quotes; the language has no escapes.
    pub value: String,
    /// Where it stands, quotes included.
    pub span: Span,
}
