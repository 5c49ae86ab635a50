//! Functions of whole tensors: what they take, what they give, and how they can fail.
//!
//! Sorting and Fourier transforms work on the last axis, decompositions on the last two; all other axes are a batch of independent
//! problems. The same statement is made here for everybody: the checker of programs asks for the [`signature()`] over symbolic
//! sizes, verifiers compare with it, and a plan's step becomes a [`Problem`] with literal sizes, which the interpreter
//! ([`crate::interp::library`]) and the runtime solve.
//!
//! Conventions, so that each result is a function of its input:
//!
//! * Ascending order is that of the numbers with NaN above all of them; `false` is below `true`, `-0.0` equals `0.0`. Equal elements
//!   keep the order of their positions, in descending order too.
//! * `qr`: the diagonal of `R` is real and at least 0. `eigh`: eigenvalues ascend. `svd`: singular values descend. In each column of
//!   the eigenvectors, and of `U`, the first component of at least 0.999 of the largest modulus is real and positive.
//! * `cholesky` and `eigh` read the lower triangle alone, and of a complex diagonal the real part.
//! * A matrix (or right side) with an entry that is not finite has results that are NaN throughout, and is no fault. So has a row under
//!   a Fourier transform.
//! * `fft` has the factor 1 and the sign `-` in the exponent, `ifft` the factor `1/n`.

mod flops;
mod signature;

pub use signature::{Misuse, Need, Operand, Parameter, Signature, arg_count, options, result_counts, signature};

use crate::dtype::DType;
use crate::tensor::MultiOp;

/// A function with literal sizes, for row-major operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is computed.
    pub op: MultiOp,
    /// Element type of the first operand.
    pub dtype: DType,
    /// Number of independent problems.
    pub batch: u64,
    /// Rows of the matrix; 1 for functions of one axis.
    pub m: u64,
    /// Columns of the matrix; the length of the axis.
    pub n: u64,
    /// Columns of the right side, elements that `top_k` keeps, length of the result of `irfft`; otherwise 0.
    pub k: u64,
    /// `descending` of `sort`, `smallest` of `top_k`.
    pub reversed: bool,
}

/// The way in which a function can fail; each has at most one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Code of the error.
    pub code: u16,
    /// The fact about a matrix.
    pub fact: &'static str,
}

/// How a function can fail at run time.
#[must_use]
pub const fn failure(op: MultiOp) -> Option<Failure> {
    match op {
        MultiOp::Solve | MultiOp::Inv => Some(Failure { code: 610, fact: "the matrix is singular" }),
        MultiOp::Lstsq => Some(Failure { code: 610, fact: "the columns of the matrix are linearly dependent" }),
        MultiOp::Cholesky => Some(Failure { code: 611, fact: "the matrix is not positive definite" }),
        MultiOp::Eigh | MultiOp::Svd => Some(Failure { code: 612, fact: "the iteration does not converge" }),
        MultiOp::TopK | MultiOp::Sort | MultiOp::Qr | MultiOp::Det => None,
        MultiOp::Fft | MultiOp::Ifft | MultiOp::Rfft | MultiOp::Irfft => None,
    }
}

/// "`solve`: the matrix is singular"; of a batch, the first element that failed is named.
#[must_use]
pub fn failure_message(op: MultiOp, failure: Failure, element: Option<u64>) -> String {
    format!("`{}`: {}{}", op.name(), failure.fact, failed_place(element))
}

/// The end of a message that names an element of a batch; nothing where there is one alone.
#[must_use]
pub fn failed_place(element: Option<u64>) -> String {
    element.map_or_else(String::new, |n| format!(" (matrix {n} of the batch)"))
}

impl Problem {
    /// The problem of operands with literal sizes; `None` if they do not fit the function.
    #[must_use]
    pub fn new(op: MultiOp, args: &[(DType, &[u64])], options: &[(String, i64)]) -> Option<Self> {
        let option = |name: &str| options.iter().find(|(n, _)| n == name).map(|(_, value)| *value);
        let (dtype, axes) = *args.first()?;
        let n_core = if is_matrix_function(op) { 2 } else { 1 };
        let (batch, core) = axes.split_at_checked(axes.len().checked_sub(n_core)?)?;
        let (m, n) = if n_core == 2 { (core[0], core[1]) } else { (1, core[0]) };
        let k = match op {
            MultiOp::Solve | MultiOp::Lstsq => {
                let rhs = args.get(1)?.1;
                if rhs.len() < axes.len() { 1 } else { *rhs.last()? }
            }
            MultiOp::TopK => u64::try_from(option("k")?).ok()?,
            MultiOp::Irfft => u64::try_from(option("n")?).ok()?,
            _ => 0,
        };
        let reversed = option("descending").or(option("smallest")).unwrap_or(0) != 0;
        Some(Self { op, dtype, batch: batch.iter().product(), m, n, k, reversed })
    }

    /// Elements of an operand of one problem.
    #[must_use]
    pub const fn arg_size(&self, n: usize) -> u64 {
        if n == 0 { self.m * self.n } else { self.m * self.k }
    }

    /// Element type and number of elements of a result of one problem; `None` if there is no such result.
    #[must_use]
    pub const fn result(&self, position: usize) -> Option<(DType, u64)> {
        let Self { dtype, m, n, k, .. } = *self;
        Some(match (self.op, position) {
            (MultiOp::TopK, 0) => (dtype, k),
            (MultiOp::TopK, 1) => (DType::I64, k),
            (MultiOp::Sort, 0) => (dtype, n),
            (MultiOp::Sort, 1) => (DType::I64, n),
            (MultiOp::Solve | MultiOp::Lstsq, 0) => (dtype, n * k),
            (MultiOp::Cholesky | MultiOp::Inv, 0) => (dtype, n * n),
            (MultiOp::Det, 0) => (dtype, 1),
            (MultiOp::Qr | MultiOp::Svd, 0) => (dtype, m * n),
            (MultiOp::Eigh, 0) | (MultiOp::Svd, 1) => (dtype.real(), n),
            (MultiOp::Qr | MultiOp::Eigh, 1) | (MultiOp::Svd, 2) => (dtype, n * n),
            (MultiOp::Fft | MultiOp::Ifft, 0) => (dtype, n),
            (MultiOp::Rfft, 0) => (complex_of(dtype), n / 2 + 1),
            (MultiOp::Irfft, 0) => (dtype.real(), k),
            _ => return None,
        })
    }

    /// Element type and number of elements of each result of one problem.
    #[must_use]
    pub fn results(&self) -> Vec<(DType, u64)> {
        (0..3).map_while(|n| self.result(n)).collect()
    }

    /// Bytes of memory that solving one problem after the other takes besides operands and results: an upper bound that the runtime's
    /// tests compare with what its libraries ask for.
    #[must_use]
    pub fn workspace_bytes(&self) -> u64 {
        let size = self.dtype.bytes() as u64;
        // Columns of temporary matrices are padded to 64 bytes.
        let pad = |n: u64| n.next_multiple_of(16) + 16;
        let (m, n, k) = (pad(self.m), pad(self.n), pad(self.k));
        // Two blocks of reflections, each at most as wide as the matrix.
        let blocks = 2 * pad(self.m.max(self.n).min(256));
        let area = |a: u64, b: u64| a.saturating_mul(b);
        let elements = match self.op {
            MultiOp::TopK | MultiOp::Sort => return self.n.saturating_mul(8).saturating_add(64),
            MultiOp::Fft | MultiOp::Ifft | MultiOp::Rfft => area(16, self.n.saturating_add(16)),
            MultiOp::Irfft => area(16, self.k.saturating_add(16)),
            MultiOp::Solve | MultiOp::Inv => area(n, n).saturating_add(area(2 * n, if self.op == MultiOp::Inv { n } else { k })),
            MultiOp::Det | MultiOp::Cholesky => area(n, n).saturating_add(4 * n),
            MultiOp::Qr => area(3 * m, n).saturating_add(area(blocks, n)),
            MultiOp::Lstsq => area(m, n).saturating_add(area(m, k)).saturating_add(area(blocks, n.max(k))),
            MultiOp::Eigh => area(6 * n, n).saturating_add(area(blocks, n)),
            MultiOp::Svd => area(5 * m, n).saturating_add(area(10 * n, n)).saturating_add(area(blocks, m)),
        };
        elements.saturating_mul(size.max(8)).saturating_add(n.saturating_mul(16)).saturating_add(4096)
    }
}

/// Whether a function works on the last two axes.
#[must_use]
pub const fn is_matrix_function(op: MultiOp) -> bool {
    match op {
        MultiOp::Solve | MultiOp::Cholesky | MultiOp::Qr | MultiOp::Eigh | MultiOp::Svd => true,
        MultiOp::Lstsq | MultiOp::Inv | MultiOp::Det => true,
        MultiOp::TopK | MultiOp::Sort | MultiOp::Fft | MultiOp::Ifft | MultiOp::Rfft | MultiOp::Irfft => false,
    }
}

/// The complex type with parts of this one.
const fn complex_of(dtype: DType) -> DType {
    match dtype {
        DType::F32 => DType::C64,
        _ => DType::C128,
    }
}
