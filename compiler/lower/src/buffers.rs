//! Buffers of a plan as memory of kernels.

use crate::error::unsupported;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::{Buffer, EntityRef, PrimaryMap, Tensor};
use ein_ir::kernel::{self, BufferDecl, RuntimeStrides, ScalarType, SmallFloat};
use ein_ir::plan::{Layout, Place, Plan, Scan, StepDecl, StepKind};
use ein_ir::scalar::value::Value;
use ein_ir::span::Span;
use std::collections::BTreeMap;

/// Memory of a tensor value.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    pub(crate) buffer: Buffer,
    pub(crate) dtype: DType,
    pub(crate) extents: Vec<i64>,
    /// Elements of the tensor from one position of an axis to the next; `None` if known only at run time.
    pub(crate) strides: Option<Vec<i64>>,
    /// Elements of the kernel's buffer for one of the tensor: 2 for complex.
    pub(crate) parts: i64,
    /// Whether elements are packed: extents and strides are then those of the tensor, the kernel's buffer holds bytes.
    pub(crate) packed: bool,
    /// For an input of indices, which is checked before a call: sizes of the ranges that its elements are in, one for each column.
    pub(crate) index_of: Vec<i64>,
    /// Elements of the kernel's buffer.
    pub(crate) n_elements: i64,
    /// Elements of the kernel's buffer before the first of the tensor.
    pub(crate) offset: i64,
    /// Inside of a scan whose turns swap this tensor with another.
    pub(crate) swing: Option<Swing>,
}

/// How a tensor moves where an odd number of turns follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Swing {
    /// Number of scans around the one whose turns swap it.
    pub(crate) scan: usize,
    /// Elements of the kernel's buffer.
    pub(crate) by: i64,
}

/// Memory of every tensor of a plan.
pub(crate) struct Memories {
    of: Vec<Memory>,
    pub(crate) decls: PrimaryMap<Buffer, BufferDecl>,
    pub(crate) n_strides: u32,
}

impl std::ops::Index<Tensor> for Memories {
    type Output = Memory;
    fn index(&self, tensor: Tensor) -> &Memory {
        &self.of[tensor.as_u32() as usize]
    }
}

/// The type in memory of one part of an element; `None` for dtypes without kernels. Packed elements are read by the byte.
pub(crate) fn memory_type(dtype: DType) -> Option<ScalarType> {
    SmallFloat::of(dtype).map(SmallFloat::storage).or_else(|| value_type(dtype))
}

/// The type that one part of a value is computed in; `None` for dtypes without kernels. Floats below f32 are f32 between their
/// roundings, integers below a byte are a byte that holds their value.
pub(crate) fn value_type(dtype: DType) -> Option<ScalarType> {
    Some(match dtype {
        DType::Bool => ScalarType::Bool,
        DType::F16 | DType::BF16 | DType::F8E4M3 | DType::F8E5M2 => ScalarType::F32,
        DType::U1 | DType::U2 | DType::U4 | DType::I2 | DType::I4 | DType::I8 | DType::U8 => ScalarType::I8,
        DType::I16 | DType::U16 => ScalarType::I16,
        DType::I32 | DType::U32 => ScalarType::I32,
        DType::I64 | DType::U64 => ScalarType::I64,
        DType::F32 | DType::C64 => ScalarType::F32,
        DType::F64 | DType::C128 => ScalarType::F64,
        DType::Key => return None,
    })
}

/// The type of a value, or a refusal at its place.
pub(crate) fn supported(dtype: DType, span: Span) -> Result<ScalarType, Diagnostic> {
    value_type(dtype).ok_or_else(|| unsupported(&format!("arithmetic on {dtype}"), span))
}

/// Declares the memory of every tensor of a plan.
///
/// # Errors
/// `not-in-this-version` for dtypes without kernels.
pub(crate) fn declare(plan: &Plan) -> Result<Memories, Vec<Diagnostic>> {
    let mut memories = Memories { of: Vec::new(), decls: PrimaryMap::new(), n_strides: 0 };
    let mut errors = Vec::new();
    let mut pairs = BTreeMap::new();
    find_pairs(plan.steps.values(), &mut pairs);
    for tensor in plan.buffers.keys() {
        if let Err(error) = memories.declare(plan, tensor, &pairs) {
            errors.push(error);
        }
    }
    if errors.is_empty() { Ok(memories) } else { Err(errors) }
}

/// The two buffers of each state that has two, both ways.
fn find_pairs<'a>(steps: impl Iterator<Item = &'a StepDecl>, pairs: &mut BTreeMap<Tensor, Tensor>) {
    for step in steps {
        if let StepKind::Scan(scan) = &step.kind {
            for state in scan.states.iter().filter(|s| s.alternates()) {
                pairs.insert(state.current, state.previous);
                pairs.insert(state.previous, state.current);
            }
            find_pairs(scan.body.iter(), pairs);
        }
    }
}

impl Memories {
    fn declare(&mut self, plan: &Plan, tensor: Tensor, pairs: &BTreeMap<Tensor, Tensor>) -> Result<(), Diagnostic> {
        let source = &plan.buffers[tensor];
        supported(source.dtype, source.span)?;
        let ty = memory_type(source.dtype).expect("supported");
        let parts = if source.dtype.is_complex() { 2 } else { 1 };
        let place = match &source.place {
            Place::Input(n) => kernel::Place::Argument { slot: *n, strides: self.runtime_strides(source), writable: false },
            Place::Output(n) => kernel::Place::Argument { slot: plan.inputs.len() as u32 + n, strides: None, writable: true },
            Place::Arena(offset) => kernel::Place::Arena { offset: *offset },
            Place::Constant(values) => {
                kernel::Place::Constant(values.iter().flat_map(|v| bytes_of(Value::from_literal(*v, source.dtype))).collect())
            }
        };
        if source.is_packed() && source.layout == Layout::Strided {
            return Err(unsupported(&format!("a packed input `{}` that is not row-major", source.name), source.span));
        }
        let mut n_elements = if source.is_packed() { source.n_bytes() } else { source.n_elements().saturating_mul(parts) };
        // The two buffers of a state are one buffer of kernels, from the start of the first to the end of the second.
        let (mut offset, mut place) = (0, place);
        if let (kernel::Place::Arena { offset: own }, Some(Place::Arena(other))) =
            (&mut place, pairs.get(&tensor).map(|t| &plan.buffers[*t].place))
        {
            let (first, second) = ((*own).min(*other), (*own).max(*other));
            offset = ((*own - first) / u64::from(ty.bytes())).cast_signed();
            n_elements = n_elements.saturating_add((second - first) / u64::from(ty.bytes()));
            *own = first;
        }
        let buffer = self.decls.push(BufferDecl { name: source.name.clone(), ty, n_elements, place });
        self.of.push(Memory {
            buffer,
            dtype: source.dtype,
            extents: source.extents.iter().map(|n| i64::try_from(*n).unwrap_or(i64::MAX)).collect(),
            strides: source.strides(),
            parts: parts.cast_signed(),
            packed: source.is_packed(),
            index_of: match source.place {
                Place::Input(_) => source.index_of.iter().map(|n| i64::try_from(*n).unwrap_or(i64::MAX)).collect(),
                Place::Output(_) | Place::Arena(_) | Place::Constant(_) => Vec::new(),
            },
            n_elements: i64::try_from(n_elements).unwrap_or(i64::MAX),
            offset,
            swing: None,
        });
        Ok(())
    }

    /// The tensors that the turns of a scan swap, inside of it.
    pub(crate) fn enter(&mut self, scan: &Scan) {
        for state in scan.states.iter().filter(|s| s.alternates() && scan.n_turns() > 1) {
            let (current, previous) = (state.current.as_u32() as usize, state.previous.as_u32() as usize);
            let by = self.of[previous].offset - self.of[current].offset;
            self.of[current].swing = Some(Swing { scan: scan.index.index(), by });
            self.of[previous].swing = Some(Swing { scan: scan.index.index(), by: -by });
        }
    }

    pub(crate) fn leave(&mut self, scan: &Scan) {
        for state in &scan.states {
            self.of[state.current.as_u32() as usize].swing = None;
            self.of[state.previous.as_u32() as usize].swing = None;
        }
    }

    fn runtime_strides(&mut self, source: &ein_ir::plan::Buffer) -> Option<RuntimeStrides> {
        (source.layout == Layout::Strided).then(|| {
            let (first, axes) = (self.n_strides, source.extents.len() as u32);
            self.n_strides += axes;
            RuntimeStrides { first, axes }
        })
    }
}

/// Little-endian bytes of a value as it lies in memory.
fn bytes_of(value: Value) -> Vec<u8> {
    let real = |x: f64, dtype: DType| match dtype.real() {
        DType::F32 => (x as f32).to_le_bytes().to_vec(),
        _ => x.to_le_bytes().to_vec(),
    };
    match value {
        Value::Bool(b) => vec![u8::from(b)],
        Value::Int(n, dtype) => n.to_le_bytes()[..dtype.bytes()].to_vec(),
        Value::Float(x, dtype) => match SmallFloat::of(dtype) {
            Some(small) => small.format().encode(x).to_le_bytes()[..dtype.bytes()].to_vec(),
            None => real(x, dtype),
        },
        Value::Complex(re, im, dtype) => [real(re, dtype), real(im, dtype)].concat(),
        Value::Key(k) => k.to_le_bytes().to_vec(),
    }
}
