//! What is planned: a program of sums of products over secret and public tensors.

pub mod meaning;

use crate::contraction::Operand;
use crate::planner::Best;
use ein_ir::dtype::DType;
use ein_ir::span::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Operands that are declared in ranges without an end, and these ranges.
pub type Endless = BTreeMap<String, (f64, f64)>;

/// A program over secret and public tensors, each defined before it is read.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Name of the definition.
    pub name: String,
    /// Every tensor that takes part.
    pub tensors: Vec<Tensor>,
    /// Of tensors that are sums, others that are the same; which of them is carried out the plan decides.
    pub alternatives: BTreeMap<usize, Vec<Sum>>,
    /// Tensors that are decrypted, in the order of the result list.
    pub results: Vec<usize>,
    /// Between which numbers the elements of given tensors lie, where that is known.
    pub ranges: BTreeMap<usize, (f64, f64)>,
    /// By how much the elements of polynomials are off, at most, from those of the functions in whose place they are.
    pub errors: BTreeMap<usize, f64>,
    /// The ranges on which functions are approximated, by what is -1 to 1 there.
    pub domains: BTreeMap<usize, (f64, f64)>,
    /// Composites that are close to a sign.
    pub signs: BTreeMap<usize, Sign>,
    /// Polynomials that are close to the reciprocals of what they are of.
    pub reciprocals: BTreeSet<usize>,
    /// Steps of Newton's iteration.
    pub iterates: BTreeMap<usize, Iterate>,
    /// Operands of what is computed in the clear whose elements are taken to lie in -1..1.
    pub assumed: Vec<String>,
    /// Given tensors that nothing bounds as they are declared in ranges without an end, or computed in the clear from what is: with that.
    pub endless: BTreeMap<String, Endless>,
    /// By how much elements are off, at most, of a program that is carried out in the clear and rounds to its types.
    pub rounded: BTreeMap<usize, f64>,
    /// By how much the elements of results may be off, as the program states.
    pub budgets: BTreeMap<usize, f64>,
    /// Names of results with a budget in parts of something: it chooses polynomials, and nothing checks it.
    pub relative: Vec<String>,
    /// The best plan, where two readings of a module were compared by their plans.
    pub best: Option<Best>,
}

impl Program {
    /// Whether it computes with reals, which are approximate on ciphertexts.
    #[must_use]
    pub fn is_real(&self) -> bool {
        self.tensors.iter().any(|tensor| tensor.is_secret() && tensor.dtype.is_float())
    }
}

impl Program {
    /// Tensors that a result is made of, and the results.
    pub(crate) fn read(&self) -> BTreeSet<usize> {
        let mut read: BTreeSet<usize> = self.results.iter().copied().collect();
        for n in (0..self.tensors.len()).rev() {
            if read.contains(&n) {
                read.extend(self.operands(n));
            }
        }
        read
    }

    /// The sums that a tensor is, each another way to write it: none if it is given, or a polynomial.
    pub(crate) fn sums(&self, tensor: usize) -> impl Iterator<Item = &Sum> {
        let own = if let Origin::Sum(sum) = &self.tensors[tensor].origin { Some(sum) } else { None };
        own.into_iter().chain(self.alternatives.get(&tensor).into_iter().flatten())
    }

    /// The tensors that one is made of, in the order in which they are read, however it is written.
    pub(crate) fn operands(&self, tensor: usize) -> impl Iterator<Item = usize> {
        let of = if let Origin::Polynomial { of, .. } = self.tensors[tensor].origin { Some(of) } else { None };
        let terms = self.sums(tensor).flat_map(|sum| &sum.terms);
        terms.flat_map(|term| &term.operands).map(|operand| operand.tensor).chain(of)
    }
}

/// A tensor that is close to the sign of another one, from some number on: to -1 and 1, or to 0 and 1.
#[derive(Clone, Debug)]
pub struct Sign {
    /// The tensor.
    pub argument: usize,
    /// The polynomials that the composite is made of, each with how near its argument gets to 0 outside of the dead zone.
    pub parts: Vec<(usize, f64)>,
    /// Where the sign changes.
    pub at: f64,
    /// How near that the sign is not known.
    pub near: f64,
    /// There, the most that the distance times the error of the sign is.
    pub slip: f64,
    /// By how much the function jumps there that the sign is for.
    pub height: f64,
}

/// A tensor that is close to the reciprocal of another one, or to that of its root.
#[derive(Clone, Debug)]
pub struct Iterate {
    /// The tensor.
    pub argument: usize,
    /// Its range.
    pub on: (f64, f64),
    /// Whether it is the reciprocal of the root.
    pub of_root: bool,
    /// The step before this, and by what it is multiplied.
    pub previous: Option<(usize, usize)>,
    /// By how many parts of itself it is off.
    pub error: f64,
    /// The greatest of it, in the same parts.
    pub most: f64,
    /// From which argument on it is off by less, and by how many parts.
    pub nearer: Option<(f64, f64)>,
}

/// A tensor of a program.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// As the user wrote it.
    pub name: String,
    /// Element type in the clear.
    pub dtype: DType,
    /// Sizes of its axes.
    pub shape: Vec<u64>,
    /// Where it comes from.
    pub origin: Origin,
    /// Where it is defined.
    pub span: Span,
}

/// Where a tensor comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// It is encrypted by whoever calls.
    Secret,
    /// It is in the clear before the packed program starts: given, or computed from what is.
    Public,
    /// It is computed from secret tensors.
    Sum(Sum),
    /// A polynomial of each element of a secret tensor of the same shape, whose elements lie in `-1..1`.
    Polynomial {
        /// Which tensor.
        of: usize,
        /// Of the Chebyshev polynomials, lowest first.
        coefficients: Vec<f64>,
    },
}

/// A sum of sums of products, one axis a label.
#[derive(Clone, Debug, PartialEq)]
pub struct Sum {
    /// Every index with its size.
    pub labels: Vec<Label>,
    /// The label of each axis of the result.
    pub output: Vec<u8>,
    /// What is added up.
    pub terms: Vec<Term>,
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// As the user wrote it.
    pub name: String,
    /// How many positions it has.
    pub size: u64,
}

/// A product, summed over the labels that the result does not have. It is the same for all positions of a label that it lacks.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// A number that it is multiplied by.
    pub coefficient: f64,
    /// The factors; none for a constant.
    pub operands: Vec<Operand>,
}

impl Tensor {
    /// Whether its elements are encrypted.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        !matches!(self.origin, Origin::Public)
    }
}
