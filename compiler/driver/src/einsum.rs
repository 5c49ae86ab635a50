//! Classic einsum: the string that numpy takes, on the same path as an equation.

use crate::bound::Bound;
use crate::error::{Error, Source};
use crate::function::Function;
use crate::program::Compiler;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_runtime::{Cache, DimVec, Element, Tensor, TensorRef};
use ein_syntax::einsum::{EinsumString, parse_einsum, resolve};
use ndarray::ArrayBase;
use std::sync::{Arc, LazyLock, Mutex};

pub use ein_syntax::einsum::Sym;

/// Compiled einsums kept in memory by [`Einsum`].
const CACHED: usize = 64;

/// A classic einsum, compiled once for each set of shapes, dtypes and layouts. `Send + Sync`.
///
/// ```
/// use ein::{Einsum, ndarray::array};
/// let matmul = Einsum::new("ij,jk->ik")?;
/// let (a, b) = (array![[1.0f64, 2.0]], array![[3.0f64], [4.0]]);
/// let c = matmul.call(&[(&a).into(), (&b).into()])?;
/// assert_eq!(c.as_array::<f64>()?, array![[11.0]].into_dyn());
/// # Ok::<(), ein::Error>(())
/// ```
pub struct Einsum {
    compiler: Compiler,
    string: EinsumString,
    source: Source,
    cache: Cache<Key, Bound>,
}

/// What compiled code depends on, besides the string.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    operands: Vec<(DType, DimVec<usize>, bool)>,
}

impl Einsum {
    /// Parses a string such as `ij,jk->ik`.
    ///
    /// # Errors
    /// E0150 to E0169.
    pub fn new(equation: &str) -> Result<Self, Error> {
        Self::with_compiler(equation, Compiler::new())
    }

    /// As [`Einsum::new`], with options.
    ///
    /// # Errors
    /// E0150 to E0169.
    pub fn with_compiler(equation: &str, compiler: Compiler) -> Result<Self, Error> {
        let source = Source::new("<einsum>", equation);
        let string = parse_einsum(equation).map_err(|d| Error::new(vec![d], Some(source.clone())))?;
        Ok(Self { compiler, string, source, cache: Cache::new(CACHED) })
    }

    /// The interleaved form: one list of labels an operand, and the labels of the result or `None` for numpy's implicit output.
    ///
    /// ```
    /// use ein::{Einsum, einsum::Sym, ndarray::array};
    /// let trace = Einsum::from_labels(&[vec![Sym::Label(0), Sym::Label(0)]], Some(&[]))?;
    /// let a = array![[1.0f32, 2.0], [3.0, 4.0]];
    /// assert_eq!(trace.call(&[(&a).into()])?.item::<f32>()?, 5.0);
    /// # Ok::<(), ein::Error>(())
    /// ```
    ///
    /// # Errors
    /// E0150 to E0169.
    pub fn from_labels(operands: &[Vec<Sym>], output: Option<&[Sym]>) -> Result<Self, Error> {
        let string = EinsumString::from_labels(operands, output)?;
        let source = Source::new("<einsum>", &string.text);
        Ok(Self { compiler: Compiler::new(), string, source, cache: Cache::new(CACHED) })
    }

    /// Computes it into a fresh array.
    ///
    /// # Errors
    /// Shapes that do not fit the labels (E0150 to E0169), no memory.
    pub fn call(&self, operands: &[TensorRef<'_>]) -> Result<Tensor, Error> {
        let out = self.bound(operands)?.call(operands)?;
        Ok(out.into_tensors().swap_remove(0))
    }

    /// The code for operands of these shapes, dtypes and layouts.
    ///
    /// # Errors
    /// As [`Einsum::call`].
    pub fn bound(&self, operands: &[TensorRef<'_>]) -> Result<Arc<Bound>, Error> {
        let key = Key { operands: operands.iter().map(|o| (o.dtype(), DimVec::from_slice(o.shape()), o.is_row_major())).collect() };
        self.cache.get_or_try_insert(&key, || {
            let shapes: Vec<&[usize]> = operands.iter().map(TensorRef::shape).collect();
            let dtypes: Vec<DType> = operands.iter().map(TensorRef::dtype).collect();
            self.function(&shapes, &dtypes)?.bind().like(operands).build()
        })
    }

    /// The function for operands of these shapes and dtypes: parameters `a0`, `a1`, …, result `out`.
    ///
    /// # Errors
    /// As [`Einsum::call`].
    pub fn function(&self, shapes: &[&[usize]], dtypes: &[DType]) -> Result<Function, Error> {
        let located = |d: Diagnostic| Error::new(vec![d], Some(self.source.clone()));
        let spec = resolve(&self.string, shapes).map_err(located)?;
        let module = ein_syntax::einsum::lower(&spec, shapes, dtypes).map_err(located)?;
        Ok(Function::new(module, self.compiler.shared(Some(self.source.clone()))?))
    }
}

/// Strings with what was made of them, the oldest first.
type Kept = Vec<(String, Arc<Einsum>)>;

/// Einsums made by [`einsum`].
static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(|| Mutex::new(Vec::new()));

/// Computes a classic einsum; strings, and the code for each set of shapes, are kept.
///
/// # Errors
/// As [`Einsum::new`] and [`Einsum::call`].
pub fn einsum(equation: &str, operands: &[TensorRef<'_>]) -> Result<Tensor, Error> {
    let found = {
        let kept = KEPT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.iter().find(|(e, _)| e == equation).map(|(_, e)| Arc::clone(e))
    };
    let compiled = match found {
        Some(compiled) => compiled,
        None => {
            let compiled = Arc::new(Einsum::new(equation)?);
            let mut kept = KEPT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if kept.len() >= CACHED {
                kept.remove(0);
            }
            kept.push((equation.to_owned(), Arc::clone(&compiled)));
            compiled
        }
    };
    compiled.call(operands)
}

/// What [`einsum!`](crate::einsum!) takes as an operand: anything a view can be made of.
#[doc(hidden)]
pub trait IntoOperand<'a> {
    /// The view.
    fn into_operand(self) -> TensorRef<'a>;
}

impl<'a, T> IntoOperand<'a> for &'a T
where
    T: AsOperand,
{
    fn into_operand(self) -> TensorRef<'a> {
        self.as_operand()
    }
}

/// What can be seen as a tensor through a reference.
#[doc(hidden)]
pub trait AsOperand {
    /// The view.
    fn as_operand(&self) -> TensorRef<'_>;
}

impl<S, D> AsOperand for ArrayBase<S, D>
where
    S: ndarray::Data<Elem: Element>,
    D: ndarray::Dimension,
{
    fn as_operand(&self) -> TensorRef<'_> {
        self.view().into()
    }
}

impl AsOperand for Tensor {
    fn as_operand(&self) -> TensorRef<'_> {
        self.into()
    }
}

/// So that the macro takes `&a` as well as `a`.
impl<T: AsOperand> AsOperand for &T {
    fn as_operand(&self) -> TensorRef<'_> {
        (**self).as_operand()
    }
}

/// As [`einsum`], for a string that the macro has checked.
///
/// # Errors
/// As [`Einsum::call`].
#[doc(hidden)]
pub fn einsum_checked<const N: usize>(equation: &str, operands: [TensorRef<'_>; N]) -> Result<Tensor, Error> {
    einsum(equation, &operands)
}
