//! Typed tensor IR: one definition a tensor, every sum explicit, every access in bounds or moded.
//!
//! A [`Module`] is one entry `def` with everything it calls inlined. It is fixed in rank and symbolic in sizes: the dims of
//! [`Module::dims`] stand for them, and [`Module::requires`] lists what must hold of the sizes at entry. [`specialise()`]
//! makes the sizes literal and discharges the requirements; e-graph, plan, kernels and code exist only for that form.
//!
//! A definition `T[i..] where domain = reduce op:acc [k.. where guard] (scalar)` has at most one reduction, at its root. A
//! reduction nested in an expression is a definition of its own, whose axes are the outer indices it uses and whose
//! `domain` is the conjunction of the guards and conditions around it: outside the domain a value is unspecified and is
//! never read. There are no calls, no broadcasting, no promotion and no named rings here: every cast is written, and rings
//! are recognised later.

pub mod approximations;
pub mod parse;
pub mod print;
pub mod retype;
pub mod secrecy;
pub mod specialise;
pub mod verify;

pub use retype::retype;
pub use specialise::specialise;

use crate::constant::Generator;
use crate::dtype::DType;
use crate::entity::{Dim, Index, PrimaryMap, Reducer, Tensor};
use crate::extent::Extent;
use crate::scalar::{Literal, Scalar};
use crate::span::Span;

/// One entry point with everything it calls inlined.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Module {
    /// Name of the entry `def`.
    pub name: String,
    /// Sizes and `int` generics, in declaration order. Empty once specialised.
    pub dims: PrimaryMap<Dim, DimDecl>,
    /// What must hold of the sizes when the program is entered. Empty once specialised.
    pub requires: Vec<Require>,
    /// Reducers defined by the program.
    pub reducers: PrimaryMap<Reducer, ReducerDecl>,
    /// Every tensor: parameters, equations, and what desugaring added.
    pub tensors: PrimaryMap<Tensor, TensorDecl>,
    /// Every index; each belongs to one definition (a scan's index also to its body).
    pub indices: PrimaryMap<Index, IndexDecl>,
    /// Inputs, in the order of the parameter list.
    pub params: Vec<Tensor>,
    /// Outputs, in the order of the result list.
    pub results: Vec<Tensor>,
    /// Definitions; a tensor is read only after its definition (through `prev`, also before it).
    pub body: Vec<Definition>,
}

/// A size or an `int` generic.
#[derive(Clone, Debug, PartialEq)]
pub struct DimDecl {
    /// As the user wrote it.
    pub name: String,
    /// Size of an axis, or integer.
    pub kind: DimKind,
    /// Used only if no axis gives the value.
    pub default: Option<i64>,
    /// Declaration.
    pub span: Span,
}

/// What a dim stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DimKind {
    /// The size of an axis: at least 0. Taken from the axes where it stands alone.
    Size,
    /// An `int` generic: any integer, taken from its default or from the caller.
    Int,
}

/// A condition on the sizes, checked once when the sizes are known.
#[derive(Clone, Debug, PartialEq)]
pub struct Require {
    /// A polynomial over dims alone.
    pub value: Extent,
    /// What must hold of it.
    pub relation: Relation,
    /// Lengths of the index ranges that the condition is for: where one of them is 0 or less nothing is accessed and the
    /// condition is waived. Empty for conditions that always hold.
    pub unless_empty: Vec<Extent>,
    /// The condition in the user's words: "`N == P*Q`", "the last subscript of `x` stays inside axis 0".
    pub message: String,
    /// Code of the error if it fails.
    pub code: u16,
    /// Place that needs it.
    pub span: Span,
}

/// What must hold of a polynomial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// `== 0`
    Zero,
    /// `!= 0`
    NonZero,
    /// `>= 0`
    NonNegative,
}

/// A reducer defined by the program: `combine` over two operands, from `init`.
#[derive(Clone, Debug, PartialEq)]
pub struct ReducerDecl {
    /// As the user wrote it.
    pub name: String,
    /// Type of the operands and of the result.
    pub dtype: DType,
    /// Over `ScalarKind::Operand(0)` and `Operand(1)`.
    pub combine: Scalar,
    /// Value of the empty reduction.
    pub init: Scalar,
    /// Declared laws.
    pub laws: Laws,
    /// Declaration.
    pub span: Span,
}

/// Laws that a reducer declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Laws {
    /// `f(f(a, b), c) = f(a, f(b, c))`
    pub associative: bool,
    /// `f(a, b) = f(b, a)`
    pub commutative: bool,
    /// `f(a, a) = a`
    pub idempotent: bool,
    /// Functions that distribute over it, by their spelling.
    pub distributes_over: Vec<String>,
}

/// A tensor value.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorDecl {
    /// As the user wrote it; what desugaring adds is named after its parent (`y.sum`).
    pub name: String,
    /// Element type as stored.
    pub dtype: DType,
    /// Size of each axis: a polynomial over dims, a literal once specialised.
    pub axes: Vec<Extent>,
    /// For `idx<V>`: every element is in `0..V`; per column of the last axis for `idx<I, J>`. Empty otherwise.
    pub index_of: Vec<Extent>,
    /// For `T in lo..hi`: stated bounds of every element.
    pub bounds: Option<(f64, f64)>,
    /// Whether the value is encrypted, or computed from one that is.
    pub secret: bool,
    /// Facts and permissions of the type (`sym`, `lowrank(...)`).
    pub qualifiers: Vec<Qualifier>,
    /// `within KIND e` of a result.
    pub tolerance: Option<Tolerance>,
    /// Declaration.
    pub span: Span,
}

/// A structural fact or permission: `tri(lower)`, `lowrank(rank <= 64, tol = 1e-3)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Qualifier {
    /// The structure word.
    pub name: String,
    /// Arguments as written, each with its name if it has one.
    pub args: Vec<(Option<String>, String)>,
}

/// How exact a result must be (language D19).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Against what the error is measured.
    pub kind: ToleranceKind,
    /// The bound.
    pub value: f64,
}

/// Against what an error is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ToleranceKind {
    /// The norm that the same expression has with every operand replaced by its Frobenius norm.
    Rel,
    /// Nothing: the largest absolute difference.
    Abs,
    /// The norm of the true output; checked by probes, never proved.
    Out,
}

/// An index variable.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexDecl {
    /// As the user wrote it.
    pub name: String,
    /// First value.
    pub lo: Extent,
    /// One past the last value; at most `lo` means that it has none.
    pub hi: Extent,
    /// Binder or first use.
    pub span: Span,
}

/// What defines one or more tensors.
#[derive(Clone, Debug, PartialEq)]
pub enum Definition {
    /// A reduction or a pointwise map.
    Equation(Equation),
    /// A recurrence.
    Scan(Scan),
    /// A function with several results, or one that is not an index equation.
    Multi(Multi),
    /// Values by formula, of sizes alone; not once specialised.
    Generate(Generate),
    /// Values written out.
    Table(Table),
}

/// `out[indices] where domain = reduce(body)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Equation {
    /// The tensor defined.
    pub out: Tensor,
    /// One index an axis of `out`, in order, each from 0 to the axis's size (in a scan body, the scan's index stands for its axis).
    pub indices: Vec<Index>,
    /// Where the value is specified; `None` is everywhere. A bool over `indices`.
    pub domain: Option<Scalar>,
    /// The reduction at the root, if any; its result has the dtype of `out`.
    pub reduce: Option<Reduce>,
    /// The value, or what is reduced. Without a reduction its dtype is that of `out`.
    pub body: Scalar,
    /// The equation.
    pub span: Span,
}

/// A reduction over the binders, in index order, last binder fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Reduce {
    /// The operation.
    pub op: ReduceOp,
    /// Type that it is carried out in; the body's dtype is this one (for `ArgMax` and `ArgMin`, that of the compared values).
    pub acc: DType,
    /// Indices reduced over; for `ArgMax` and `ArgMin` exactly one.
    pub binders: Vec<Index>,
    /// A bool: what does not satisfy it takes no part and is not evaluated.
    pub guard: Option<Scalar>,
}

/// The monoid of a reduction, with its value for no elements. `mean` is desugared to a sum and a division.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReduceOp {
    /// 0
    Sum,
    /// 1
    Prod,
    /// -inf, or the least integer; propagates NaN.
    Max,
    /// inf, or the greatest integer; propagates NaN.
    Min,
    /// false; bool only.
    Any,
    /// true; bool only.
    All,
    /// -inf; `log(sum(exp x))`, floats only, computed so that it does not overflow.
    Lse,
    /// Position of the greatest element, the lowest of several; i64; a fault for none. NaN counts as greatest.
    ArgMax,
    /// Position of the least element, the lowest of several; i64; a fault for none. NaN counts as least.
    ArgMin,
    /// A reducer of the program.
    User(Reducer),
}

impl ReduceOp {
    /// The built-in reductions, in declaration order.
    pub const ALL: [ReduceOp; 9] = [
        ReduceOp::Sum,
        ReduceOp::Prod,
        ReduceOp::Max,
        ReduceOp::Min,
        ReduceOp::Any,
        ReduceOp::All,
        ReduceOp::Lse,
        ReduceOp::ArgMax,
        ReduceOp::ArgMin,
    ];

    /// The spelling in programs and text forms; a user's reducer prints as its id.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ReduceOp::Sum => "sum",
            ReduceOp::Prod => "prod",
            ReduceOp::Max => "max",
            ReduceOp::Min => "min",
            ReduceOp::Any => "any",
            ReduceOp::All => "all",
            ReduceOp::Lse => "lse",
            ReduceOp::ArgMax => "argmax",
            ReduceOp::ArgMin => "argmin",
            ReduceOp::User(_) => "user",
        }
    }
}

/// A recurrence over `index`.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// The scan index with its range.
    pub index: Index,
    /// From the last value to the first.
    pub reverse: bool,
    /// Tensors without the scan index: after the scan they keep their last value.
    pub states: Vec<State>,
    /// Tensors with the scan index: one slice a step.
    pub stacked: Vec<Stacked>,
    /// Definitions of states, stacked tensors and temporaries, carried out in order at every step.
    pub body: Vec<Definition>,
    /// The block.
    pub span: Span,
}

/// A tensor carried from step to step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The state.
    pub tensor: Tensor,
    /// Its value before the first step, defined before the scan with the same shape and dtype; needed by `prev`.
    pub init: Option<Tensor>,
}

/// A tensor of which a scan makes one slice a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stacked {
    /// The tensor.
    pub tensor: Tensor,
    /// The axis that the scan index runs over.
    pub axis: usize,
}

/// A function from tensors to tensors.
#[derive(Clone, Debug, PartialEq)]
pub struct Multi {
    /// What is computed.
    pub op: MultiOp,
    /// The tensors defined.
    pub results: Vec<Tensor>,
    /// Whole tensors read.
    pub args: Vec<Tensor>,
    /// Integer arguments such as `k` of `top_k` or an axis, by name.
    pub options: Vec<(String, Extent)>,
    /// The statement.
    pub span: Span,
}

/// Functions that are not index equations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "named as in the language, section 9a")]
pub enum MultiOp {
    TopK,
    Sort,
    Solve,
    Cholesky,
    Qr,
    Eigh,
    Svd,
    Lstsq,
    Inv,
    Det,
    Fft,
    Ifft,
    Rfft,
    Irfft,
}

impl MultiOp {
    /// Every operation, in declaration order.
    pub const ALL: [MultiOp; 14] = [
        MultiOp::TopK,
        MultiOp::Sort,
        MultiOp::Solve,
        MultiOp::Cholesky,
        MultiOp::Qr,
        MultiOp::Eigh,
        MultiOp::Svd,
        MultiOp::Lstsq,
        MultiOp::Inv,
        MultiOp::Det,
        MultiOp::Fft,
        MultiOp::Ifft,
        MultiOp::Rfft,
        MultiOp::Irfft,
    ];

    /// The spelling in programs and text forms.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            MultiOp::TopK => "top_k",
            MultiOp::Sort => "sort",
            MultiOp::Solve => "solve",
            MultiOp::Cholesky => "cholesky",
            MultiOp::Qr => "qr",
            MultiOp::Eigh => "eigh",
            MultiOp::Svd => "svd",
            MultiOp::Lstsq => "lstsq",
            MultiOp::Inv => "inv",
            MultiOp::Det => "det",
            MultiOp::Fft => "fft",
            MultiOp::Ifft => "ifft",
            MultiOp::Rfft => "rfft",
            MultiOp::Irfft => "irfft",
        }
    }
}

/// Constant tensors by formula; [`specialise()`] makes tables of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Generate {
    /// The formula.
    pub generator: Generator,
    /// The tensors defined: the first results of the formula.
    pub results: Vec<Tensor>,
    /// Sizes and degrees.
    pub args: Vec<Extent>,
    /// The statement.
    pub span: Span,
}

/// Values written out in the program; row-major, of the dtype of `out`.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The tensor defined; its axes are literal.
    pub out: Tensor,
    /// As many as `out` has elements.
    pub values: Vec<Literal>,
    /// The table.
    pub span: Span,
}

impl TensorDecl {
    /// A tensor with no facts.
    #[must_use]
    pub fn new(name: impl Into<String>, dtype: DType, axes: Vec<Extent>, span: Span) -> Self {
        Self {
            name: name.into(),
            dtype,
            axes,
            index_of: Vec::new(),
            bounds: None,
            secret: false,
            qualifiers: Vec::new(),
            tolerance: None,
            span,
        }
    }

    /// The sizes of the axes, if all are literals that fit.
    #[must_use]
    pub fn literal_axes(&self) -> Option<Vec<u64>> {
        self.axes.iter().map(|e| u64::try_from(e.as_constant()?).ok()).collect()
    }
}

impl IndexDecl {
    /// First value and one past the last, if both are literals that fit.
    #[must_use]
    pub fn literal_range(&self) -> Option<(i64, i64)> {
        Some((i64::try_from(self.lo.as_constant()?).ok()?, i64::try_from(self.hi.as_constant()?).ok()?))
    }
}

impl Module {
    /// Whether every size is a literal.
    #[must_use]
    pub fn is_specialised(&self) -> bool {
        self.dims.is_empty() && self.requires.is_empty()
    }

    /// Calls `f` on every scalar expression for change: those of reducers, domains, guards and bodies, scans included.
    pub fn visit_scalars_mut(&mut self, f: &mut dyn FnMut(&mut Scalar)) {
        for reducer in self.reducers.values_mut() {
            f(&mut reducer.combine);
            f(&mut reducer.init);
        }
        visit_definitions_mut(&mut self.body, f);
    }

    /// Gives every scalar node the empty span: the text form has none for them, so what is read back equals what was printed
    /// up to this.
    pub fn erase_spans(&mut self) {
        self.visit_scalars_mut(&mut |scalar| scalar.visit_mut(&mut |node| node.span = Span::default()));
    }
}

fn visit_definitions_mut(body: &mut [Definition], f: &mut dyn FnMut(&mut Scalar)) {
    for definition in body {
        match definition {
            Definition::Equation(equation) => {
                equation.domain.as_mut().into_iter().for_each(&mut *f);
                equation.reduce.as_mut().and_then(|reduce| reduce.guard.as_mut()).into_iter().for_each(&mut *f);
                f(&mut equation.body);
            }
            Definition::Scan(scan) => visit_definitions_mut(&mut scan.body, f),
            Definition::Multi(_) | Definition::Generate(_) | Definition::Table(_) => {}
        }
    }
}
