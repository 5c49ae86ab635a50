//! What a class can be made from: the nodes of the graph.
//!
//! A class is a tensor value with positional axes. Names of indices do not exist here: a node that joins several tensors has a
//! [`Spec`], which numbers its labels by first use.

use egg::{Id, Language};
use ein_ir::dtype::DType;
use ein_ir::scalar::Literal;
use ein_ir::scalar::function::BinaryFn;
use ein_ir::semiring::{self, Domain};
use ein_ir::tensor::ReduceOp;
use std::fmt;

/// Position of a label in [`Spec::extents`], or in the table of whoever builds a node.
pub(crate) type Label = u16;

/// A reduction `add` over products `mul`, both on values of one dtype, in a domain of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ring {
    pub(crate) add: ReduceOp,
    pub(crate) mul: BinaryFn,
    pub(crate) dtype: DType,
    /// What the operands of every node of the ring are proved to be, see [`super::graph::Graph::proves`].
    pub(crate) domain: Domain,
}

impl Ring {
    /// Sums of products.
    pub(crate) const fn sum_product(dtype: DType) -> Self {
        Self { add: ReduceOp::Sum, mul: BinaryFn::Mul, dtype, domain: Domain::Whole }
    }

    /// The laws that rules ask for; `None` if the pair has no table.
    pub(crate) fn laws(self) -> Option<semiring::Ring> {
        semiring::ring_among(self.domain, self.add, self.mul, self.dtype)
    }

    /// The zero that annihilates where the program states it; `None` if there is none.
    pub(crate) fn stated_zero(self) -> Option<Literal> {
        self.laws().filter(|laws| laws.stated_zero_annihilates).map(|laws| laws.zero)
    }

    /// Whether networks over it may be regrouped at all.
    pub(crate) fn is_regroupable(self) -> bool {
        self.laws().is_some_and(|l| l.add_commutes && l.mul_associates && l.mul_commutes && l.distributes)
    }

    /// The operation that joins two summands.
    pub(crate) const fn plus(self) -> Option<BinaryFn> {
        match self.add {
            ReduceOp::Sum => Some(BinaryFn::Add),
            ReduceOp::Max => Some(BinaryFn::Max),
            ReduceOp::Min => Some(BinaryFn::Min),
            ReduceOp::Any => Some(BinaryFn::Or),
            ReduceOp::All => Some(BinaryFn::And),
            ReduceOp::Prod => Some(BinaryFn::Mul),
            ReduceOp::Lse | ReduceOp::ArgMax | ReduceOp::ArgMin | ReduceOp::User(_) => None,
        }
    }
}

/// Labels of the operands and of the result of a node, by axis.
///
/// Labels are numbered by first use, operands before the result. In a contraction labels that the result lacks are reduced; in a sum the
/// result has all labels, and an operand without some of them is the same along those axes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Spec {
    pub(crate) operands: Vec<Vec<Label>>,
    pub(crate) output: Vec<Label>,
    pub(crate) extents: Vec<u64>,
}

impl Spec {
    /// Extents of the axes of the result.
    pub(crate) fn shape(&self) -> Vec<u64> {
        self.output.iter().map(|l| self.extents[usize::from(*l)]).collect()
    }

    /// Whether a label is reduced.
    pub(crate) fn reduces(&self) -> bool {
        self.output.len() < self.extents.len()
    }
}

/// Which part of a tensor a slice is: a position for each axis of the tensor, over the axes of the slice as labels.
///
/// Labels are numbered by first use. Positions lie inside the tensor, no label stands in two of them, and none names an element twice: a slice
/// is never larger than what it is taken from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Window {
    pub(crate) positions: Vec<Position>,
    /// Extent of each axis of the slice.
    pub(crate) shape: Vec<u64>,
}

/// `start + step * label + ...`
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Position {
    pub(crate) start: i64,
    pub(crate) steps: Vec<(Label, i64)>,
}

impl Position {
    /// The value of a label.
    pub(crate) fn label(label: Label) -> Self {
        Self { start: 0, steps: vec![(label, 1)] }
    }

    /// The label that this is the value of, if it is just that.
    pub(crate) fn as_label(&self) -> Option<Label> {
        match self.steps.as_slice() {
            [(label, 1)] if self.start == 0 => Some(*label),
            _ => None,
        }
    }

    /// With positions in the place of labels; `None` on overflow.
    pub(crate) fn substitute(&self, position: &dyn Fn(Label) -> Position) -> Option<Self> {
        let mut out = Self { start: self.start, steps: Vec::new() };
        for (label, step) in &self.steps {
            let inner = position(*label);
            out.start = out.start.checked_add(inner.start.checked_mul(*step)?)?;
            for (label, inner) in inner.steps {
                out.steps.push((label, inner.checked_mul(*step)?));
            }
        }
        Some(out)
    }

    /// Least and greatest value; `None` if there is none, or on overflow.
    pub(crate) fn range(&self, extents: &[u64]) -> Option<(i64, i64)> {
        let (mut lo, mut hi) = (self.start, self.start);
        for (label, step) in &self.steps {
            let last = i64::try_from(extents[usize::from(*label)].checked_sub(1)?).ok()?.checked_mul(*step)?;
            (lo, hi) = (lo.checked_add(last.min(0))?, hi.checked_add(last.max(0))?);
        }
        Some((lo, hi))
    }

    /// Whether different values of the labels give different positions, by the sizes of the steps: each is beyond what smaller ones reach.
    pub(crate) fn is_injective(&self, extents: &[u64]) -> bool {
        let mut steps: Vec<(u64, u64)> = self.steps.iter().map(|(l, step)| (step.unsigned_abs(), extents[usize::from(*l)])).collect();
        steps.sort_unstable();
        let mut reach = 0u64;
        steps.into_iter().all(|(step, extent)| {
            let is_beyond = step > reach || extent <= 1;
            reach = reach.saturating_add(step.saturating_mul(extent.saturating_sub(1)));
            is_beyond
        })
    }
}

/// A literal with its type; two are equal if their bits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Constant {
    kind: u8,
    bits: [u128; 2],
    pub(crate) dtype: DType,
}

impl Constant {
    pub(crate) fn new(literal: Literal, dtype: DType) -> Self {
        let (kind, bits) = match literal {
            Literal::Bool(b) => (0, [u128::from(b), 0]),
            Literal::Int(n) => (1, [n.cast_unsigned(), 0]),
            Literal::Float(x) => (2, [u128::from(x.to_bits()), 0]),
            Literal::Complex(re, im) => (3, [u128::from(re.to_bits()), u128::from(im.to_bits())]),
        };
        Self { kind, bits, dtype }
    }

    pub(crate) fn literal(self) -> Literal {
        let float = |bits: u128| f64::from_bits(bits as u64);
        match self.kind {
            0 => Literal::Bool(self.bits[0] != 0),
            1 => Literal::Int(self.bits[0].cast_signed()),
            2 => Literal::Float(float(self.bits[0])),
            _ => Literal::Complex(float(self.bits[0]), float(self.bits[1])),
        }
    }
}

/// One way to make a value from others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Node {
    /// A tensor that the graph does not look into: number of [`super::Facts::leaves`].
    Leaf(u32),
    /// A number, without axes.
    Constant(Constant),
    /// `out[output] = add over the other labels of mul of operands`.
    Contract(Ring, Box<Spec>, Vec<Id>),
    /// `out[output] = add of operands`.
    Sum(Ring, Box<Spec>, Vec<Id>),
    /// The complex conjugate, element by element.
    Conjugate(Id),
    /// Loops as written in the program or by a rule: number of [`super::Facts::nests`].
    Nest(u32, Vec<Id>),
    /// A part of a tensor.
    Slice(Box<Window>, Id),
}

impl Language for Node {
    type Discriminant = std::mem::Discriminant<Self>;

    fn discriminant(&self) -> Self::Discriminant {
        std::mem::discriminant(self)
    }

    fn matches(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Leaf(a), Self::Leaf(b)) => a == b,
            (Self::Constant(a), Self::Constant(b)) => a == b,
            (Self::Contract(a, s, x), Self::Contract(b, t, y)) | (Self::Sum(a, s, x), Self::Sum(b, t, y)) => {
                a == b && s == t && x.len() == y.len()
            }
            (Self::Conjugate(_), Self::Conjugate(_)) => true,
            (Self::Slice(a, _), Self::Slice(b, _)) => a == b,
            (Self::Nest(a, x), Self::Nest(b, y)) => a == b && x.len() == y.len(),
            _ => false,
        }
    }

    fn children(&self) -> &[Id] {
        match self {
            Self::Leaf(_) | Self::Constant(_) => &[],
            Self::Contract(_, _, children) | Self::Sum(_, _, children) | Self::Nest(_, children) => children,
            Self::Conjugate(child) | Self::Slice(_, child) => std::slice::from_ref(child),
        }
    }

    fn children_mut(&mut self) -> &mut [Id] {
        match self {
            Self::Leaf(_) | Self::Constant(_) => &mut [],
            Self::Contract(_, _, children) | Self::Sum(_, _, children) | Self::Nest(_, children) => children,
            Self::Conjugate(child) | Self::Slice(_, child) => std::slice::from_mut(child),
        }
    }
}

/// `sum*f32 0,1;1,2->0,2` and the like: what explanations and dumps print, without the children.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leaf(n) => write!(f, "leaf{n}"),
            Self::Constant(c) => write!(f, "{}:{}", ein_ir::scalar::print::print_literal(c.literal()), c.dtype),
            Self::Contract(ring, spec, _) => write!(f, "contract.{}.{} {spec}", ring.add.name(), ring.mul.name()),
            Self::Sum(ring, spec, _) => write!(f, "{} {spec}", ring.plus().map_or("add", BinaryFn::name)),
            Self::Conjugate(_) => write!(f, "conj"),
            Self::Nest(n, _) => write!(f, "nest{n}"),
            Self::Slice(window, _) => write!(f, "slice {window}"),
        }
    }
}

/// `[0 1*2+3 5] over 4 6`: of the axes of the tensor the first whole, of the second every other from 3, of the third element 5.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let positions: Vec<String> = self.positions.iter().map(ToString::to_string).collect();
        let shape: Vec<String> = self.shape.iter().map(u64::to_string).collect();
        write!(f, "[{}] over {}", positions.join(" "), shape.join(" "))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let term = |(label, step): &(Label, i64)| if *step == 1 { label.to_string() } else { format!("{label}*{step}") };
        let mut terms: Vec<String> = self.steps.iter().map(term).collect();
        if self.start != 0 || terms.is_empty() {
            terms.push(self.start.to_string());
        }
        write!(f, "{}", terms.join("+"))
    }
}

/// `[0 1][1 2]->[0 2] over 4 5 6`.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |labels: &[Label]| labels.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        self.operands.iter().try_for_each(|o| write!(f, "[{}]", list(o)))?;
        let extents: Vec<String> = self.extents.iter().map(ToString::to_string).collect();
        write!(f, "->[{}] over {}", list(&self.output), extents.join(" "))
    }
}
