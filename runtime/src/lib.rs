//! Tensors, files, micro-kernels and the thread pool behind compiled programs.
//!
//! Promises: nothing here panics or aborts on a user's data or files; every mistake is an [`Error`] with a stable code. Own buffers are
//! 64-byte aligned. The same inputs give the same bits whatever the number of threads.
//!
//! Must not know: the language, the optimiser, any code generator. It depends on `ein-ir` for dtypes and diagnostics alone.

pub mod backend;
pub mod bounds;
pub mod buffer;
pub mod cache;
pub mod element;
pub mod error;
pub mod frame;
pub mod index;
pub mod io;
pub mod library;
pub mod micro_kernel;
pub mod pool;
pub mod tensor;
pub mod view;

pub use backend::{Backend, Executable};
pub use bounds::check_bounds;
pub use buffer::{ALIGN, AlignedBuf};
pub use cache::Cache;
pub use element::Element;
pub use error::Error;
pub use frame::{Frame, StepFn};
pub use index::check_indices;
pub use pool::Pool;
pub use tensor::Tensor;
pub use view::{DimVec, LayoutClass, TensorMut, TensorRef};
