//! What a back end offers to the driver.

use crate::error::Error;
use crate::frame::Frame;
use crate::pool::Pool;
use std::sync::Arc;

/// Turns verified kernels into something that runs.
pub trait Backend: Send + Sync {
    /// What it compiles, such as a verified kernel module.
    type Input: ?Sized;

    /// The name that users see: `cranelift`.
    fn name(&self) -> &'static str;

    /// Compiles one program.
    ///
    /// # Errors
    ///
    /// Only for want of resources; a program that a back end cannot run is refused earlier.
    fn compile(&self, input: &Self::Input) -> Result<Arc<dyn Executable>, Error>;
}

/// A compiled program.
pub trait Executable: Send + Sync {
    /// Runs every step in order.
    ///
    /// # Errors
    ///
    /// The index into the program's fault table of the lowest failing task of the first failing step; outputs are then unspecified.
    ///
    /// # Safety
    ///
    /// `frame` is as the program was compiled for; see [`crate::frame::StepFn`].
    unsafe fn run(&self, frame: &Frame, pool: &Pool) -> Result<(), u32>;
}
