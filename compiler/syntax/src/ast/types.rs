//! Types of tensors.

use super::{Argument, Expr, Ident, Number};
use ein_ir::dtype::DType;
use ein_ir::span::Span;

/// `secret sym f32[N, N]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Type {
    /// In the order of the text.
    pub qualifiers: Vec<Qualifier>,
    /// The element type.
    pub element: ElementType,
    /// What stands between the brackets; `None` without brackets, which is a scalar, or for an equation only its element type.
    pub axes: Option<Vec<Axis>>,
    /// Where it stands.
    pub span: Span,
}

/// The element type of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct ElementType {
    /// Which.
    pub kind: ElementKind,
    /// Where it stands.
    pub span: Span,
}

/// The forms of element types.
#[derive(Clone, Debug, PartialEq)]
pub enum ElementKind {
    /// `f32`.
    Scalar(DType),
    /// `idx<V>`: an index of a dim; with several, the columns of a list of coordinates.
    Index(Vec<Ident>),
}

/// One place between the brackets of a type.
#[derive(Clone, Debug, PartialEq)]
pub enum Axis {
    /// `..B`: a row of axes.
    Row(Ident),
    /// The size of one axis; a bare name is a dim.
    Dim(Expr),
}

impl Axis {
    /// Where it stands; that of a row includes the dots.
    #[must_use]
    pub const fn span(&self) -> Span {
        match self {
            Axis::Row(name) => super::expr::row_span(name),
            Axis::Dim(expr) => expr.span,
        }
    }
}

/// What stands before an element type.
#[derive(Clone, Debug, PartialEq)]
pub enum Qualifier {
    /// `secret`
    Secret(Span),
    /// `public`
    Public(Span),
    /// A fact (`sym`) or a permission (`lowrank(rank <= 64)`).
    Structure(Structure),
}

impl Qualifier {
    /// Where it stands.
    #[must_use]
    pub const fn span(&self) -> Span {
        match self {
            Qualifier::Secret(span) | Qualifier::Public(span) => *span,
            Qualifier::Structure(structure) => structure.span,
        }
    }
}

/// `lowrank(rank <= 64, tol = 1e-3)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Structure {
    /// Which.
    pub kind: StructureKind,
    /// Empty without parentheses.
    pub args: Vec<Argument>,
    /// Where it stands.
    pub span: Span,
}

/// The structures that a type may state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the keywords")]
pub enum StructureKind {
    Sym,
    Skew,
    Hermitian,
    Tri,
    Diag,
    Banded,
    Toeplitz,
    Circulant,
    Perm,
    Onehot,
    Lowrank,
    Tucker,
    Cp,
    Tt,
    Kron,
    Sparse,
}

impl StructureKind {
    /// Every structure, in the order of the grammar.
    pub const ALL: [StructureKind; 16] = [
        StructureKind::Sym,
        StructureKind::Skew,
        StructureKind::Hermitian,
        StructureKind::Tri,
        StructureKind::Diag,
        StructureKind::Banded,
        StructureKind::Toeplitz,
        StructureKind::Circulant,
        StructureKind::Perm,
        StructureKind::Onehot,
        StructureKind::Lowrank,
        StructureKind::Tucker,
        StructureKind::Cp,
        StructureKind::Tt,
        StructureKind::Kron,
        StructureKind::Sparse,
    ];

    /// The spelling.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            StructureKind::Sym => "sym",
            StructureKind::Skew => "skew",
            StructureKind::Hermitian => "hermitian",
            StructureKind::Tri => "tri",
            StructureKind::Diag => "diag",
            StructureKind::Banded => "banded",
            StructureKind::Toeplitz => "toeplitz",
            StructureKind::Circulant => "circulant",
            StructureKind::Perm => "perm",
            StructureKind::Onehot => "onehot",
            StructureKind::Lowrank => "lowrank",
            StructureKind::Tucker => "tucker",
            StructureKind::Cp => "cp",
            StructureKind::Tt => "tt",
            StructureKind::Kron => "kron",
            StructureKind::Sparse => "sparse",
        }
    }
}

/// `within rel 1e-3`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tolerance {
    /// Relative to what.
    pub kind: ToleranceKind,
    /// The bound.
    pub bound: Number,
    /// Where it stands, `within` included.
    pub span: Span,
}

/// What an error budget is relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ToleranceKind {
    /// The same expression on Frobenius norms.
    Rel,
    /// Nothing: the maximum norm.
    Abs,
    /// The true output; checked by probes.
    Out,
}

impl ToleranceKind {
    /// The spelling.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ToleranceKind::Rel => "rel",
            ToleranceKind::Abs => "abs",
            ToleranceKind::Out => "out",
        }
    }
}
