//! What stands at the top of a program.

use super::{Expr, Ident, Integer, Interval, LeftSide, Statement, StringLiteral, Tolerance, Type};
use ein_ir::span::Span;

/// A whole file.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// `ein 1;`
    pub version: Option<Version>,
    /// In the order of the text.
    pub items: Vec<Item>,
    /// The whole text.
    pub span: Span,
}

/// `ein 1;`
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// The version of the language.
    pub number: Integer,
    /// Where it stands, semicolon included.
    pub span: Span,
}

/// One declaration.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the payloads say it")]
pub enum Item {
    Import(Import),
    Dim(Dim),
    Const(Const),
    Reducer(Reducer),
    Def(Def),
    Derive(Derive),
    Export(Export),
    Hint(Hint),
}

impl Item {
    /// Where it stands.
    #[must_use]
    pub const fn span(&self) -> Span {
        match self {
            Item::Import(item) => item.span,
            Item::Dim(item) => item.span,
            Item::Const(item) => item.span,
            Item::Reducer(item) => item.span,
            Item::Def(item) => item.span,
            Item::Derive(item) => item.span,
            Item::Export(item) => item.span,
            Item::Hint(item) => item.span,
        }
    }
}

/// `use "layers.ein".{softmax};`
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// From where.
    pub source: ImportSource,
    /// After `as`.
    pub alias: Option<Ident>,
    /// Between the braces; empty without braces.
    pub names: Vec<Ident>,
    /// Where it stands, semicolon included.
    pub span: Span,
}

/// Where a `use` takes its names from.
#[derive(Clone, Debug, PartialEq)]
pub enum ImportSource {
    /// A file, relative to the one that names it.
    File(StringLiteral),
    /// `std.linalg`
    Module(Vec<Ident>),
}

/// `dim N = 512, M in 1..1024;`
#[derive(Clone, Debug, PartialEq)]
pub struct Dim {
    /// At least one.
    pub items: Vec<DimItem>,
    /// Where it stands, semicolon included.
    pub span: Span,
}

/// One dim of a `dim` declaration.
#[derive(Clone, Debug, PartialEq)]
pub struct DimItem {
    /// The dim.
    pub name: Ident,
    /// What is known of its size.
    pub size: Option<DimSize>,
    /// Where it stands.
    pub span: Span,
}

/// What a `dim` declaration says of a size.
#[derive(Clone, Debug, PartialEq)]
pub enum DimSize {
    /// `= 512`
    Exactly(Expr),
    /// `in 1..1024`
    Within(Interval),
}

/// `const W: f32[3] = [1.0, 2.0, 1.0];`
#[derive(Clone, Debug, PartialEq)]
pub struct Const {
    /// Its name.
    pub name: Ident,
    /// `[i, j]`, for a constant given by a formula.
    pub left: Option<LeftSide>,
    /// After `:`.
    pub ty: Option<Type>,
    /// Its value.
    pub value: ConstValue,
    /// Where it stands, semicolon included.
    pub span: Span,
}

/// The value of a constant.
#[derive(Clone, Debug, PartialEq)]
pub enum ConstValue {
    /// Rows of numbers.
    Table(Table),
    /// A formula.
    Expr(Expr),
}

/// `[[1, 2], [3, 4]]`, not yet checked to be rectangular.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// At least one.
    pub entries: Vec<TableEntry>,
    /// Where it stands, brackets included.
    pub span: Span,
}

/// One entry of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum TableEntry {
    /// A row.
    Table(Table),
    /// A value.
    Expr(Expr),
}

/// `reducer lse2(a, b) = … from -inf, assoc, comm;`
#[derive(Clone, Debug, PartialEq)]
pub struct Reducer {
    /// Its name.
    pub name: Ident,
    /// The accumulated value in `body`.
    pub lhs: Ident,
    /// The next value in `body`.
    pub rhs: Ident,
    /// How the two combine.
    pub body: Expr,
    /// After `from`: the value of nothing.
    pub identity: Expr,
    /// The laws that the author states.
    pub laws: Vec<Law>,
    /// Where it stands, semicolon included.
    pub span: Span,
}

/// A law of a reducer.
#[derive(Clone, Debug, PartialEq)]
pub struct Law {
    /// Which.
    pub kind: LawKind,
    /// Where it stands.
    pub span: Span,
}

/// The laws that a reducer may state.
#[derive(Clone, Debug, PartialEq)]
pub enum LawKind {
    /// `assoc`
    Assoc,
    /// `comm`
    Comm,
    /// `idem`
    Idem,
    /// `distributes over f`
    DistributesOver(LawOperator),
}

/// What a reducer distributes over.
#[derive(Clone, Debug, PartialEq)]
pub enum LawOperator {
    /// A function.
    Function(Ident),
    /// `+`
    Add,
    /// `*`
    Mul,
    /// `and`
    And,
    /// `or`
    Or,
}

/// A definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Def {
    /// Its name.
    pub name: Ident,
    /// Between `<` and `>`.
    pub generics: Vec<Generic>,
    /// The inputs.
    pub params: Vec<Param>,
    /// The outputs, at least one.
    pub results: Vec<Param>,
    /// After `where`.
    pub wheres: Vec<WhereItem>,
    /// The equations.
    pub body: Vec<Statement>,
    /// Where it stands.
    pub span: Span,
}

/// One generic of a `def`.
#[derive(Clone, Debug, PartialEq)]
pub struct Generic {
    /// Its name.
    pub name: Ident,
    /// What it ranges over.
    pub kind: GenericKind,
    /// After `=`; never for a row.
    pub default: Option<Integer>,
    /// Where it stands.
    pub span: Span,
}

/// What a generic ranges over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GenericKind {
    /// `N`: a dim.
    Dim,
    /// `st: int`: an integer.
    Int,
    /// `..B`: a row of dims.
    Row,
}

/// An input, an output, or a factor of a `fit`.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub ty: Type,
    /// `in -1.0..1.0`: the values that its elements take, both ends included.
    pub bounds: Option<Interval>,
    /// After `within`.
    pub tolerance: Option<Tolerance>,
    /// Where it stands.
    pub span: Span,
}

/// One item of a `where` clause.
#[derive(Clone, Debug, PartialEq)]
pub enum WhereItem {
    /// `OH = H // 2`: an alias.
    Define {
        /// The alias.
        name: Ident,
        /// What it stands for.
        value: Expr,
        /// Where it stands.
        span: Span,
    },
    /// `N == P*Q`: a condition.
    Require(Expr),
}

/// `derive step = grad(loss) wrt (W1, W2);`
#[derive(Clone, Debug, PartialEq)]
pub struct Derive {
    /// The new def.
    pub name: Ident,
    /// How.
    pub mode: AdMode,
    /// The def that is differentiated.
    pub of: Ident,
    /// With respect to what, at least one.
    pub wrt: Vec<Wrt>,
    /// Where it stands, semicolon included.
    pub span: Span,
}

/// Kinds of derivatives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AdMode {
    /// Gradient of a scalar.
    Grad,
    /// Vector-Jacobian product.
    Vjp,
    /// Jacobian-vector product.
    Jvp,
    /// Hessian-vector product.
    Hvp,
}

impl AdMode {
    /// The spelling.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            AdMode::Grad => "grad",
            AdMode::Vjp => "vjp",
            AdMode::Jvp => "jvp",
            AdMode::Hvp => "hvp",
        }
    }
}

/// `W1 as dW1`
#[derive(Clone, Debug, PartialEq)]
pub struct Wrt {
    /// The parameter.
    pub name: Ident,
    /// The name of its derivative.
    pub alias: Option<Ident>,
}

/// `export f<N = 512> as "f_512" for cpu;`
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// The def.
    pub name: Ident,
    /// Between `<` and `>`.
    pub instances: Vec<Instance>,
    /// After `as`.
    pub alias: Option<StringLiteral>,
    /// After `for`.
    pub target: Option<Ident>,
    /// Where it stands, semicolon included.
    pub span: Span,
}

/// `N = 512`
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// The generic.
    pub name: Ident,
    /// Its size.
    pub value: InstanceValue,
    /// Where it stands.
    pub span: Span,
}

/// The size of an instantiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceValue {
    /// A literal.
    Size(Integer),
    /// `_`: left open.
    Open,
}

/// `hint f { memory <= 2GiB; threads = 2; }`
#[derive(Clone, Debug, PartialEq)]
pub struct Hint {
    /// The def.
    pub name: Ident,
    /// In the order of the text.
    pub items: Vec<HintItem>,
    /// Where it stands.
    pub span: Span,
}

/// `memory <= 2GiB;`
#[derive(Clone, Debug, PartialEq)]
pub struct HintItem {
    /// What is hinted.
    pub key: Ident,
    /// How.
    pub relation: HintRelation,
    /// The value.
    pub value: HintValue,
    /// Where it stands, semicolon included.
    pub span: Span,
}

/// How a hint relates key and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HintRelation {
    /// `=`
    Equal,
    /// `<=`
    AtMost,
}

/// The value of a hint.
#[derive(Clone, Debug, PartialEq)]
pub enum HintValue {
    /// `2GiB`
    Quantity(Quantity),
    /// Anything else.
    Expr(Expr),
}

/// A number with a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// How many.
    pub count: u64,
    /// Of what.
    pub unit: QuantityUnit,
    /// Where it stands.
    pub span: Span,
}

/// Units of hints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the units")]
pub enum QuantityUnit {
    KiB,
    MiB,
    GiB,
    Milliseconds,
    Microseconds,
}

impl QuantityUnit {
    /// The spelling.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            QuantityUnit::KiB => "KiB",
            QuantityUnit::MiB => "MiB",
            QuantityUnit::GiB => "GiB",
            QuantityUnit::Milliseconds => "ms",
            QuantityUnit::Microseconds => "us",
        }
    }
}
