//! Tensors kept in a given layout.

use crate::for_dtype;
use crate::random::Random;
use ein::{DType, Tensor, TensorRef};
use ein_ir::interp::Data;
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
    let mut quarters = || random.between(-8, 8) as f64 / 4.0;
    macro_rules! tensor {
        ($next:expr) => {
            Tensor::from_vec(shape, std::iter::repeat_with($next).take(n).collect::<Vec<_>>())
        };
    }
    macro_rules! integers {
        ($ty:ty) => {
            tensor!(|| if wild { random.bits() as $ty } else { random.between(-6, 6) as $ty })
        };
    }
    let tensor = match dtype {
        DType::F32 => tensor!(|| quarters() as f32),
        DType::F64 => tensor!(quarters),
        DType::C64 => tensor!(|| num_complex::Complex::new(quarters() as f32, quarters() as f32)),
        DType::C128 => tensor!(|| num_complex::Complex::new(quarters(), quarters())),
        DType::Bool => tensor!(|| random.one_in(2)),
        DType::I8 => integers!(i8),
        DType::I16 => integers!(i16),
        DType::I32 => integers!(i32),
        DType::I64 => integers!(i64),
        DType::U8 => integers!(u8),
        DType::U16 => integers!(u16),
        DType::U32 => integers!(u32),
        DType::U64 => integers!(u64),
        other => panic!("the tests do not use {other}"),
    };
    tensor.expect("as many values as the shape has elements")
}
