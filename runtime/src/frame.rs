//! What compiled steps are called with.

/// The arguments of one call, shared by all its steps and tasks.
///
/// Which slot of each table is which is fixed by the compiled program: inputs and then outputs, strides of the strided inputs in elements,
/// counters of repetitions.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Address of the first element of each buffer: inputs, outputs.
    pub bufs: *const *mut u8,
    /// Run-time strides, in elements.
    pub strides: *const isize,
    /// Counters of the repetitions around the step. Whoever carries out a schedule gives its steps a frame with counters of its own; in the
    /// frame that it is called with the table is not read.
    pub scalars: *mut i64,
    /// Scratch memory, 64-byte aligned.
    pub arena: *mut u8,
}

// SAFETY: a frame is four addresses. Steps are written so that the tasks of one step write disjoint ranges, which is the contract of `StepFn`.
unsafe impl Send for Frame {}
// SAFETY: as above.
unsafe impl Sync for Frame {}

/// One task of one compiled step: returns 0, or 1 + an index into the program's fault table.
///
/// # Safety
///
/// The frame's tables have the lengths that the program was compiled for, its buffers the sizes and alignments, and no output overlaps
/// another buffer. `task` is below the step's task count. Tasks of one step may run at the same time.
pub type StepFn = unsafe extern "C" fn(*const Frame, u32) -> u32;
