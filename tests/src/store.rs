//! Tensors kept in a given layout.

use crate::for_dtype;
use crate::random::Random;
use ein::{DType, Tensor, TensorRef};
use ein_ir::dtype::Class;
use ein_ir::interp::Data;
use ein_ir::scalar::value::Value;
use ndarray::Slice;

/// How the elements lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Contiguous, last axis fastest.
    RowMajor,
    /// Contiguous, first axis fastest.
    Fortran,
    /// Every axis backwards.
    Negative,
    /// Every second element of each axis of a larger array.
    Sliced,
}

impl Layout {
    /// Every layout.
    pub const ALL: [Layout; 4] = [Layout::RowMajor, Layout::Fortran, Layout::Negative, Layout::Sliced];
}

/// A tensor in memory of some layout.
pub struct Stored {
    base: Tensor,
    layout: Layout,
}

impl Stored {
    /// Copies a row-major tensor into a layout.
    #[must_use]
    pub fn new(tensor: &Tensor, layout: Layout) -> Self {
        // Types that no Rust type holds are made whole.
        let layout = if has_element(tensor.dtype()) { layout } else { Layout::RowMajor };
        if layout == Layout::RowMajor {
            return Self { base: tensor.try_clone().expect("a small tensor"), layout };
        }
        let shape: Vec<usize> = match layout {
            Layout::RowMajor | Layout::Negative => tensor.shape().to_vec(),
            Layout::Fortran => tensor.shape().iter().rev().copied().collect(),
            Layout::Sliced => tensor.shape().iter().map(|n| 2 * n).collect(),
        };
        let mut base = Tensor::zeros(tensor.dtype(), &shape).expect("a small tensor");
        for_dtype!(tensor.dtype(), T => {
            let from = tensor.as_array::<T>().expect("its dtype");
            let mut to = base.as_array_mut::<T>().expect("its dtype");
            match layout {
                Layout::RowMajor => {}
                Layout::Fortran => to = to.reversed_axes(),
                Layout::Negative => to.slice_each_axis_inplace(|_| Slice::new(0, None, -1)),
                Layout::Sliced => to.slice_each_axis_inplace(|_| Slice::new(0, None, 2)),
            }
            to.assign(&from);
        });
        Self { base, layout }
    }

    /// The tensor as a view with its strides.
    #[must_use]
    pub fn view(&self) -> TensorRef<'_> {
        if self.layout == Layout::RowMajor {
            return (&self.base).into();
        }
        for_dtype!(self.base.dtype(), T => {
            let mut view = self.base.as_array::<T>().expect("its dtype");
            match self.layout {
                Layout::RowMajor => {}
                Layout::Fortran => view = view.reversed_axes(),
                Layout::Negative => view.slice_each_axis_inplace(|_| Slice::new(0, None, -1)),
                Layout::Sliced => view.slice_each_axis_inplace(|_| Slice::new(0, None, 2)),
            }
            TensorRef::from(view)
        })
    }
}

/// Whether a Rust type holds the elements, so that `ndarray` can lay them out.
fn has_element(dtype: DType) -> bool {
    dtype.bits() >= 8 && !matches!(dtype, DType::F8E4M3 | DType::F8E5M2)
}

/// A tensor as the interpreters take it.
#[must_use]
pub fn to_data(tensor: &Tensor) -> Data {
    Data::from_bytes(tensor.dtype(), tensor.shape().to_vec(), tensor.as_bytes()).expect("the bytes of a tensor fit its shape")
}

/// A tensor of small numbers: floats are multiples of a quarter between -2 and 2, integers lie between -6 and 6 (now and then
/// anywhere, so that they wrap).
#[must_use]
pub fn random_tensor(random: &mut Random, dtype: DType, shape: &[usize]) -> Tensor {
    let n: usize = shape.iter().product();
    let wild = random.one_in(8);
    let mut value = || match dtype.class() {
        Class::Bool => Value::Bool(random.one_in(2)),
        Class::Float => Value::float(quarter(random), dtype),
        Class::Complex => Value::complex(quarter(random), quarter(random), dtype),
        _ if wild => Value::int(i128::from(random.bits()), dtype),
        _ => Value::int(i128::from(random.between(-6, 6)), dtype),
    };
    let values = (0..n).map(|_| value()).collect();
    crate::oracle::to_tensor(&Data::new(dtype, shape.to_vec(), values))
}

fn quarter(random: &mut Random) -> f64 {
    random.between(-8, 8) as f64 / 4.0
}
