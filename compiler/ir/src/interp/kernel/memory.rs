//! The memory of a run: arguments, arena and constants, with a check of every access.

use super::ArgBuffer;
use crate::entity::Buffer;
use crate::kernel::{BufferDecl, KernelModule, Place};

/// Memory, and who wrote what in the kernel under way.
pub(super) struct Memory<'a> {
    module: &'a KernelModule,
    args: &'a mut [ArgBuffer],
    arena: Vec<u8>,
    /// Task + 1 that wrote each byte of each argument, and of the arena last; 0 if none did. Empty while there is one task.
    writers: Vec<Vec<u32>>,
    task: u32,
}

/// Bytes in one of the memories: its number, arguments first, then the arena.
struct Range {
    memory: usize,
    start: usize,
    end: usize,
}

impl<'a> Memory<'a> {
    /// Checks that the arguments are as many and as large as the module says.
    pub(super) fn new(module: &'a KernelModule, args: &'a mut [ArgBuffer]) -> Result<Self, String> {
        if args.len() != module.n_arguments as usize {
            return Err(format!("{} buffers for {} arguments", args.len(), module.n_arguments));
        }
        for (id, buffer) in &module.buffers {
            if let Place::Argument { slot, strides, .. } = &buffer.place {
                let arg = &args[*slot as usize];
                let n_bytes = buffer.n_elements * u64::from(buffer.ty.bytes());
                match strides {
                    Some(s) if arg.strides.len() != s.axes as usize => {
                        return Err(format!("{id} has {} strides for {} axes", arg.strides.len(), s.axes));
                    }
                    None if (arg.bytes.len() as u64) < n_bytes + arg.origin as u64 => {
                        return Err(format!("{id} has {} bytes and needs {n_bytes}", arg.bytes.len()));
                    }
                    _ => {}
                }
            }
        }
        let arena = vec![0xff; module.arena_bytes as usize];
        Ok(Self { module, args, arena, writers: Vec::new(), task: 0 })
    }

    pub(super) fn begin_kernel(&mut self, tasks: u32) {
        self.writers.clear();
        if tasks > 1 {
            self.writers.extend(self.args.iter().map(|a| vec![0; a.bytes.len()]));
            self.writers.push(vec![0; self.arena.len()]);
        }
    }

    pub(super) fn begin_task(&mut self, task: u32) {
        self.task = task;
    }

    /// The run-time stride of an axis, in elements of the tensor.
    pub(super) fn stride(&self, buffer: Buffer, axis: u32) -> i64 {
        match self.module.buffers[buffer].place {
            Place::Argument { slot, .. } => self.args[slot as usize].strides[axis as usize],
            _ => 0,
        }
    }

    /// The bits of an element, zero-extended.
    pub(super) fn load(&self, buffer: Buffer, at: i64) -> Result<u64, String> {
        let decl = &self.module.buffers[buffer];
        let bytes = match &decl.place {
            Place::Constant(bytes) => {
                let (start, end) = inside(buffer, decl, at, 0, bytes.len())?;
                &bytes[start..end]
            }
            _ => {
                let range = self.range(buffer, decl, at)?;
                self.check_writers(buffer, &range, at)?;
                if range.memory < self.args.len() {
                    &self.args[range.memory].bytes[range.start..range.end]
                } else {
                    &self.arena[range.start..range.end]
                }
            }
        };
        let mut all = [0; 8];
        all[..bytes.len()].copy_from_slice(bytes);
        Ok(u64::from_le_bytes(all))
    }

    /// Writes the low bits of `bits`.
    pub(super) fn store(&mut self, buffer: Buffer, at: i64, bits: u64) -> Result<(), String> {
        let decl = &self.module.buffers[buffer];
        let range = self.range(buffer, decl, at)?;
        self.check_writers(buffer, &range, at)?;
        if let Some(writers) = self.writers.get_mut(range.memory) {
            writers[range.start..range.end].fill(self.task + 1);
        }
        let bytes = match self.args.get_mut(range.memory) {
            Some(arg) => &mut arg.bytes[range.start..range.end],
            None => &mut self.arena[range.start..range.end],
        };
        bytes.copy_from_slice(&bits.to_le_bytes()[..bytes.len()]);
        Ok(())
    }

    fn range(&self, buffer: Buffer, decl: &BufferDecl, at: i64) -> Result<Range, String> {
        match &decl.place {
            Place::Argument { slot, strides, .. } => {
                let arg = &self.args[*slot as usize];
                // Strided memory may be larger or smaller than the tensor; of row-major memory the declared part is used.
                if strides.is_none() {
                    check_count(buffer, decl, at)?;
                }
                let (start, end) = inside(buffer, decl, at, arg.origin, arg.bytes.len())?;
                Ok(Range { memory: *slot as usize, start, end })
            }
            Place::Arena { offset } => {
                check_count(buffer, decl, at)?;
                let (start, end) = inside(buffer, decl, at, *offset as usize, self.arena.len())?;
                Ok(Range { memory: self.args.len(), start, end })
            }
            Place::Constant(_) => Err(format!("{buffer} is a constant")),
        }
    }

    /// Tasks run at the same time: what one wrote, no other may touch.
    fn check_writers(&self, buffer: Buffer, range: &Range, at: i64) -> Result<(), String> {
        let Some(writers) = self.writers.get(range.memory) else { return Ok(()) };
        match writers[range.start..range.end].iter().find(|w| **w != 0 && **w != self.task + 1) {
            Some(writer) => Err(format!("task {} wrote element {at} of {buffer}: the tasks are not independent", writer - 1)),
            None => Ok(()),
        }
    }
}

fn check_count(buffer: Buffer, decl: &BufferDecl, at: i64) -> Result<(), String> {
    match u64::try_from(at) {
        Ok(at) if at < decl.n_elements => Ok(()),
        _ => Err(format!("element {at} of {buffer} \"{}\" is out of bounds: it has {}", decl.name, decl.n_elements)),
    }
}

/// The bytes of an element in memory of `len` bytes whose first element is at `origin`.
fn inside(buffer: Buffer, decl: &BufferDecl, at: i64, origin: usize, len: usize) -> Result<(usize, usize), String> {
    let width = decl.ty.bytes() as usize;
    let start = i128::from(at) * width as i128 + origin as i128;
    match usize::try_from(start).ok().and_then(|s| Some((s, s.checked_add(width)?))) {
        Some((start, end)) if end <= len => Ok((start, end)),
        _ => Err(format!("element {at} of {buffer} \"{}\" is out of bounds: it has {len} bytes", decl.name)),
    }
}
