//! Types and axes of operands and results, over symbolic sizes.

use super::{complex_of, is_matrix_function};
use crate::dtype::DType;
use crate::extent::Extent;
use crate::tensor::MultiOp;

/// A tensor that a function is given.
#[derive(Clone, Copy, Debug)]
pub struct Operand<'a> {
    /// Its element type.
    pub dtype: DType,
    /// Its axes.
    pub axes: &'a [Extent],
}

/// What a function gives for its operands.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// Element type and axes of each result.
    pub results: Vec<(DType, Vec<Extent>)>,
    /// What must hold of the sizes.
    pub needs: Vec<Need>,
}

/// A size that must be at least 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// The size.
    pub value: Extent,
    /// The condition in words.
    pub fact: &'static str,
}

/// Operands that a function does not take.
#[derive(Clone, Debug, PartialEq)]
pub enum Misuse {
    /// Another number of operands.
    Count {
        /// As many as the function takes.
        wanted: usize,
    },
    /// An element type that the function does not take.
    DType {
        /// The operand.
        arg: usize,
        /// What it takes.
        wanted: &'static str,
    },
    /// Too few axes, or for a right side another number than fits the matrix.
    Rank {
        /// The operand.
        arg: usize,
        /// What it takes.
        wanted: String,
    },
    /// An axis of another size.
    Axis {
        /// The operand.
        arg: usize,
        /// The axis.
        axis: usize,
        /// The size that it must have.
        wanted: Extent,
        /// Why.
        reason: &'static str,
    },
    /// An option without a value.
    Option(&'static str),
}

/// A named argument of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Whether it is `true` or `false` (the default), and not a size.
    pub is_flag: bool,
}

/// The named arguments of a function, in order.
#[must_use]
pub const fn options(op: MultiOp) -> &'static [Parameter] {
    const fn size(name: &'static str) -> Parameter {
        Parameter { name, is_flag: false }
    }
    const fn flag(name: &'static str) -> Parameter {
        Parameter { name, is_flag: true }
    }
    match op {
        MultiOp::TopK => &const { [size("k"), flag("smallest")] },
        MultiOp::Sort => &const { [flag("descending")] },
        MultiOp::Irfft => &const { [size("n")] },
        _ => &[],
    }
}

/// Number of operands.
#[must_use]
pub const fn arg_count(op: MultiOp) -> usize {
    match op {
        MultiOp::Solve | MultiOp::Lstsq => 2,
        _ => 1,
    }
}

/// The least and the greatest number of results that may be taken: always the first ones.
#[must_use]
pub const fn result_counts(op: MultiOp) -> (usize, usize) {
    match op {
        MultiOp::TopK | MultiOp::Sort | MultiOp::Eigh => (1, 2),
        MultiOp::Qr => (2, 2),
        MultiOp::Svd => (3, 3),
        MultiOp::Solve | MultiOp::Lstsq | MultiOp::Cholesky | MultiOp::Inv | MultiOp::Det => (1, 1),
        MultiOp::Fft | MultiOp::Ifft | MultiOp::Rfft | MultiOp::Irfft => (1, 1),
    }
}

/// What a function gives for these operands.
///
/// # Errors
/// The first operand that it does not take.
pub fn signature(op: MultiOp, args: &[Operand<'_>], options: &[(String, Extent)]) -> Result<Signature, Misuse> {
    let wanted = arg_count(op);
    if args.len() != wanted {
        return Err(Misuse::Count { wanted });
    }
    check_dtypes(op, args)?;
    if is_matrix_function(op) { matrix(op, args) } else { vector(op, args[0], options) }
}

fn check_dtypes(op: MultiOp, args: &[Operand<'_>]) -> Result<(), Misuse> {
    let dtype = args[0].dtype;
    let (fits, wanted) = match op {
        MultiOp::TopK | MultiOp::Sort => (is_ordered(dtype), "bools, integers of 8 bits and more, or floats of 16 and more"),
        MultiOp::Fft | MultiOp::Ifft | MultiOp::Irfft => (dtype.is_complex(), "c64 or c128"),
        MultiOp::Rfft => (matches!(dtype, DType::F32 | DType::F64), "f32 or f64"),
        _ => (matches!(dtype, DType::F32 | DType::F64 | DType::C64 | DType::C128), "f32, f64, c64 or c128"),
    };
    if !fits {
        return Err(Misuse::DType { arg: 0, wanted });
    }
    match args.iter().skip(1).position(|a| a.dtype != dtype) {
        Some(n) => Err(Misuse::DType { arg: n + 1, wanted: dtype.name() }),
        None => Ok(()),
    }
}

/// Whether the elements have an order, and whole bytes.
const fn is_ordered(dtype: DType) -> bool {
    match dtype {
        DType::Bool | DType::I8 | DType::I16 | DType::I32 | DType::I64 => true,
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => true,
        DType::F16 | DType::BF16 | DType::F32 | DType::F64 => true,
        DType::C64 | DType::C128 | DType::Key | DType::F8E4M3 | DType::F8E5M2 => false,
        DType::U1 | DType::U2 | DType::U4 | DType::I2 | DType::I4 => false,
    }
}

/// Functions of the last axis.
fn vector(op: MultiOp, arg: Operand<'_>, options: &[(String, Extent)]) -> Result<Signature, Misuse> {
    let option = |name: &'static str| {
        let found = options.iter().find(|(n, _)| n == name).map(|(_, size)| size.clone());
        found.ok_or(Misuse::Option(name))
    };
    let Some((n, batch)) = arg.axes.split_last() else {
        return Err(Misuse::Rank { arg: 0, wanted: "at least one axis".to_owned() });
    };
    let with = |last: Extent| batch.iter().cloned().chain([last]).collect::<Vec<Extent>>();
    let mut needs = Vec::new();
    let results = match op {
        MultiOp::TopK => {
            let k = option("k")?;
            needs.push(Need { value: k.clone(), fact: "`k` is at least 0" });
            needs.push(Need { value: n.sub(&k), fact: "`k` is at most the size of the axis" });
            vec![(arg.dtype, with(k.clone())), (DType::I64, with(k))]
        }
        MultiOp::Sort => vec![(arg.dtype, with(n.clone())), (DType::I64, with(n.clone()))],
        MultiOp::Rfft => {
            let half = n.floor_div(&Extent::from(2)).add(&Extent::from(1));
            vec![(complex_of(arg.dtype), with(half))]
        }
        MultiOp::Irfft => {
            let length = option("n")?;
            needs.push(Need { value: length.clone(), fact: "`n` is at least 0" });
            let half = length.floor_div(&Extent::from(2)).add(&Extent::from(1));
            // Both ways, because sizes need not compare equal as polynomials.
            let reason = "the axis has n // 2 + 1 elements";
            if half != *n {
                needs.push(Need { value: n.sub(&half), fact: reason });
                needs.push(Need { value: half.sub(n), fact: reason });
            }
            vec![(arg.dtype.real(), with(length))]
        }
        _ => vec![(arg.dtype, arg.axes.to_vec())],
    };
    Ok(Signature { results, needs })
}

/// Functions of the last two axes.
fn matrix(op: MultiOp, args: &[Operand<'_>]) -> Result<Signature, Misuse> {
    let Operand { dtype, axes } = args[0];
    let Some((batch, [m, n])) = axes.split_last_chunk::<2>() else {
        return Err(Misuse::Rank { arg: 0, wanted: "at least two axes".to_owned() });
    };
    let is_square = matches!(op, MultiOp::Solve | MultiOp::Cholesky | MultiOp::Eigh | MultiOp::Inv | MultiOp::Det);
    if is_square && m != n {
        return Err(Misuse::Axis { arg: 0, axis: axes.len() - 1, wanted: m.clone(), reason: "the matrix is square" });
    }
    let with = |tail: &[&Extent]| batch.iter().chain(tail.iter().copied()).cloned().collect::<Vec<Extent>>();
    let results = match op {
        MultiOp::Solve | MultiOp::Lstsq => {
            let columns = right_side(axes, args[1].axes)?;
            let tail: Vec<&Extent> = [n].into_iter().chain(columns).collect();
            vec![(dtype, with(&tail))]
        }
        MultiOp::Det => vec![(dtype, batch.to_vec())],
        MultiOp::Qr => vec![(dtype, with(&[m, n])), (dtype, with(&[n, n]))],
        MultiOp::Eigh => vec![(dtype.real(), with(&[n])), (dtype, with(&[n, n]))],
        MultiOp::Svd => vec![(dtype, with(&[m, n])), (dtype.real(), with(&[n])), (dtype, with(&[n, n]))],
        _ => vec![(dtype, with(&[n, n]))],
    };
    let is_tall = matches!(op, MultiOp::Qr | MultiOp::Svd | MultiOp::Lstsq) && m != n;
    let need = Need { value: m.sub(n), fact: "the matrix has at least as many rows as columns" };
    Ok(Signature { results, needs: is_tall.then_some(need).into_iter().collect() })
}

/// The axis of columns of a right side, if it has one: its other axes are the batch and the rows of the matrix.
fn right_side<'a>(matrix: &[Extent], rhs: &'a [Extent]) -> Result<Option<&'a Extent>, Misuse> {
    let rows = &matrix[..matrix.len() - 1];
    let columns = match rhs.len().checked_sub(rows.len()) {
        Some(0) => None,
        Some(1) => rhs.last(),
        _ => return Err(Misuse::Rank { arg: 1, wanted: format!("{} axes or {}", rows.len(), rows.len() + 1) }),
    };
    match rows.iter().zip(rhs).position(|(wanted, given)| wanted != given) {
        Some(axis) => Err(Misuse::Axis { arg: 1, axis, wanted: rows[axis].clone(), reason: "the right side has the rows of the matrix" }),
        None => Ok(columns),
    }
}
