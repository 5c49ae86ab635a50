//! Kernel IR: loop nests over memory, the last stage before machine code.
//!
//! A [`KernelModule`] is kernels and a schedule: a list of stages, carried out in order, some of them many times. A kernel is a number of
//! independent tasks; which threads run them is not said here. Complex numbers do not exist at this level: a buffer of c64 is a buffer of pairs of f32. Every
//! statement is a plain step on typed local variables, so that a back end is a table from statements to instructions, and the
//! interpreter (`interp::kernel`) a second one.

mod names;
pub mod parse;
pub mod print;
mod schedule;
pub mod verify;

use crate::dtype::DType;
use crate::entity::{Buffer, Fault, Kernel, Local, PrimaryMap};
use crate::library::Problem;
use crate::plan::FaultDecl;
use crate::scalar::small::SmallFormat;
use crate::span::Span;
use std::fmt;

pub use schedule::{Repeat, Stage};

/// Kernels and the order in which they are carried out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KernelModule {
    /// Name of the program.
    pub name: String,
    /// Memory that the kernels touch.
    pub buffers: PrimaryMap<Buffer, BufferDecl>,
    /// Kernels; each is in the schedule.
    pub kernels: PrimaryMap<Kernel, KernelDecl>,
    /// What is carried out, in this order; all tasks of a kernel end before the next stage begins.
    pub schedule: Vec<Stage>,
    /// Ways in which data can make the program fail.
    pub faults: PrimaryMap<Fault, FaultDecl>,
    /// Number of caller's buffers in `Frame::bufs`: inputs, then outputs.
    pub n_arguments: u32,
    /// Number of run-time strides in `Frame::strides`.
    pub n_strides: u32,
    /// Bytes of the arena.
    pub arena_bytes: u64,
}

/// Memory that kernels touch.
#[derive(Clone, Debug, PartialEq)]
pub struct BufferDecl {
    /// Name in the plan.
    pub name: String,
    /// Type of an element: a complex buffer is one of its real type with twice the elements.
    pub ty: ScalarType,
    /// Number of elements of `ty` that may be touched; for strided arguments, that of the row-major copy.
    pub n_elements: u64,
    /// Where it is.
    pub place: Place,
}

/// Where a buffer is.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// `Frame::bufs[slot]`. With `strides`, axis `a` has the run-time stride `Frame::strides[first + a]`, counted in elements of
    /// the tensor (pairs, if it is complex); `axes` of them.
    Argument {
        /// Position in `Frame::bufs`.
        slot: u32,
        /// Run-time strides, if the argument is not row-major.
        strides: Option<RuntimeStrides>,
        /// Whether kernels may write it.
        writable: bool,
    },
    /// `Frame::arena + offset` bytes, 64-byte aligned.
    Arena {
        /// Bytes from the start of the arena.
        offset: u64,
    },
    /// Data of the program, little-endian bytes.
    Constant(Vec<u8>),
}

/// The run-time strides of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuntimeStrides {
    /// Position of the first in `Frame::strides`.
    pub first: u32,
    /// How many: the rank.
    pub axes: u32,
}

/// A kernel: `tasks` independent executions of `body`.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelDecl {
    /// The plan step that it comes from, in words: the name of the tensor it makes.
    pub name: String,
    /// Number of tasks, at least 1: a constant of the program, never of the thread count.
    pub tasks: u32,
    /// The number of the task, an i64 in `0..tasks`, set on entry.
    pub task: Local,
    /// Types of the local variables.
    pub locals: PrimaryMap<Local, Type>,
    /// What a task does.
    pub body: Block,
    /// The equation that it comes from.
    pub span: Span,
}

/// Type of one element in memory or in a lane. Bool is a byte, 0 or 1; signedness is a matter of the operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the types")]
pub enum ScalarType {
    Bool,
    I8,
    I16,
    I32,
    I64,
    F32,
    F64,
}

impl ScalarType {
    /// Every type, in declaration order.
    pub const ALL: [ScalarType; 7] =
        [ScalarType::Bool, ScalarType::I8, ScalarType::I16, ScalarType::I32, ScalarType::I64, ScalarType::F32, ScalarType::F64];

    /// Bytes of an element.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        match self {
            ScalarType::Bool | ScalarType::I8 => 1,
            ScalarType::I16 => 2,
            ScalarType::I32 | ScalarType::F32 => 4,
            ScalarType::I64 | ScalarType::F64 => 8,
        }
    }

    /// Spelling in the text form.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ScalarType::Bool => "bool",
            ScalarType::I8 => "i8",
            ScalarType::I16 => "i16",
            ScalarType::I32 => "i32",
            ScalarType::I64 => "i64",
            ScalarType::F32 => "f32",
            ScalarType::F64 => "f64",
        }
    }

    /// F32 or F64.
    #[must_use]
    pub const fn is_float(self) -> bool {
        matches!(self, ScalarType::F32 | ScalarType::F64)
    }
}

/// Type of a local variable: a scalar (`lanes` 1) or a 128-bit vector (f32x4, f64x2, i32x4, i64x2).
///
/// A vector of Bool is a mask as wide as the compared values: `lanes` says 2 or 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Type {
    /// Type of a lane.
    pub scalar: ScalarType,
    /// 1, 2 or 4.
    pub lanes: u8,
}

impl Type {
    /// A scalar.
    #[must_use]
    pub const fn scalar(scalar: ScalarType) -> Self {
        Self { scalar, lanes: 1 }
    }

    /// The 128-bit vector of a 32- or 64-bit type; other types have none.
    #[must_use]
    pub const fn vector(scalar: ScalarType) -> Option<Self> {
        match scalar.bytes() {
            4 => Some(Self { scalar, lanes: 4 }),
            8 => Some(Self { scalar, lanes: 2 }),
            _ => None,
        }
    }

    /// i64, the type of indices.
    pub const INDEX: Type = Type { scalar: ScalarType::I64, lanes: 1 };
    /// A scalar bool.
    pub const BOOL: Type = Type { scalar: ScalarType::Bool, lanes: 1 };
}

/// `f32`, `f32x4`.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scalar.name())?;
        if self.lanes > 1 { write!(f, "x{}", self.lanes) } else { Ok(()) }
    }
}

/// Statements, carried out in order.
pub type Block = Vec<Stmt>;

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Stmt {
    /// Gives a local variable a value; a variable may be given one many times, so accumulators need nothing else.
    Set(Local, Op),
    /// Writes a variable to memory: as many consecutive elements as it has lanes.
    Store(Address, Local),
    /// Counts `var` (i64) from `lo` up to, not including, `hi`, by `step`.
    Loop(Loop),
    /// Carries out one of two blocks.
    If {
        /// A scalar bool.
        condition: Local,
        /// Where it is true.
        then: Block,
        /// Where it is false.
        otherwise: Block,
    },
    /// Ends the task with a fault.
    Fault(Fault),
    /// A library matrix product on strided views.
    Gemm(Box<Gemm>),
    /// Copies consecutive elements, at the bandwidth of the library's own copy.
    Copy(Box<MemoryCopy>),
    /// A function of whole tensors, on row-major memory.
    Library(Box<LibraryCall>),
}

/// A counting loop. It is not entered if `lo >= hi`.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    /// The loop variable, i64; the body does not set it. Its value after the loop is unspecified.
    pub var: Local,
    /// First value.
    pub lo: Operand,
    /// One past the last value.
    pub hi: Operand,
    /// At least 1. With a step of more than 1 the last turn may pass `hi` only if the body allows it: lowering makes `hi - lo` a multiple.
    pub step: i64,
    /// What each turn does.
    pub body: Block,
}

/// An integer that is a constant or an i64 variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operand {
    /// A constant.
    Const(i64),
    /// An i64 variable.
    Local(Local),
}

/// An address: `buffer + (offset + Σ local * coefficient)` in elements of the buffer's type, affine in i64 variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The memory.
    pub buffer: Buffer,
    /// Constant part, in elements.
    pub offset: i64,
    /// Variable parts; a variable may occur more than once with different coefficients.
    pub terms: Vec<(Local, Coefficient)>,
    /// Constant parts that are multiples of a run-time stride: axis and factor.
    pub stride_offsets: Vec<(u32, i64)>,
}

/// What an address moves by when a variable grows by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Coefficient {
    /// So many elements.
    Elements(i64),
    /// `factor` times the run-time stride of `axis` (in elements of the buffer's type: lowering doubles the factor for pairs).
    Stride {
        /// Axis of the argument.
        axis: u32,
        /// Multiplier.
        factor: i64,
    },
}

/// A constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OpConst {
    /// An integer or bool of any width, sign-extended.
    Int(i64),
    /// The bits of an f32.
    F32(u32),
    /// The bits of an f64.
    F64(u64),
}

/// What a variable is set to. Operands have the variable's type unless stated.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// A constant, in every lane.
    Const(OpConst),
    /// Another variable.
    Copy(Local),
    /// Reads consecutive elements, one a lane; the buffer's type is the variable's.
    Load(Address),
    /// The counter of a repetition around the kernel, an i64: `Frame::scalars[n]`.
    Scalar(u32),
    /// A scalar in every lane.
    Splat(Local),
    /// One lane of a vector.
    Extract(Local, u8),
    /// A function of one value.
    Unary(UnaryOp, Local),
    /// A function of two values.
    Binary(BinaryOp, Local, Local),
    /// `a * b + c` with one rounding.
    Fma(Local, Local, Local),
    /// A comparison; the variable is Bool with as many lanes as the operands.
    Compare(Comparison, Local, Local),
    /// Condition (Bool, as many lanes), then, else. Both are evaluated already.
    Select(Local, Local, Local),
    /// A conversion from another type with as many lanes.
    Convert(Conversion, Local),
    /// A scalar function of the runtime, on f32 or f64 scalars.
    Call(MathFn, Vec<Local>),
}

/// Functions of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnaryOp {
    /// Integers wrap.
    Neg,
    /// Logical (Bool) or bitwise (integers).
    Not,
    /// Floats, or signed integers (the least stays itself).
    Abs,
    /// Floats.
    Sqrt,
    /// Floats.
    Floor,
    /// Floats.
    Ceil,
    /// Floats, halves to even.
    Nearest,
    /// Floats.
    Trunc,
    /// Number of one bits, integers.
    Popcount,
}

/// Functions of two values. Integers wrap. `S` is signed, `U` unsigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BinaryOp {
    /// Numbers.
    Add,
    /// Numbers.
    Sub,
    /// Numbers.
    Mul,
    /// Floats.
    Div,
    /// Integer quotient that truncates; the divisor is not 0, and the least by -1 wraps.
    SDiv,
    /// Remainder with the sign of the dividend; the divisor is not 0; the least by -1 is 0.
    SRem,
    /// The divisor is not 0.
    UDiv,
    /// The divisor is not 0.
    URem,
    /// Floats (propagates NaN; -0 < 0) and signed integers.
    Min,
    /// Floats (propagates NaN; -0 < 0) and signed integers.
    Max,
    /// Unsigned integers.
    UMin,
    /// Unsigned integers.
    UMax,
    /// Bits of integers, or Bool.
    And,
    /// Bits of integers, or Bool.
    Or,
    /// Bits of integers, or Bool.
    Xor,
    /// By an amount in `0..bits`; lowering has masked or guarded it.
    Shl,
    /// Arithmetic.
    SShr,
    /// Logical.
    UShr,
}

/// Comparisons. On floats all but `Ne` are false for NaN; `U…` compare integers as unsigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    ULt,
    ULe,
    UGt,
    UGe,
}

/// Conversions between scalar types; the target is the variable's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Conversion {
    /// Wider integer, sign kept.
    SignExtend,
    /// Wider integer, filled with zeros; also Bool to any integer.
    ZeroExtend,
    /// Narrower integer.
    Wrap,
    /// Signed integer to float, rounded to nearest.
    SignedToFloat,
    /// Unsigned integer to float, rounded to nearest.
    UnsignedToFloat,
    /// Float to signed integer: truncates, saturates, NaN to 0.
    FloatToSigned,
    /// Float to unsigned integer: truncates, saturates, NaN to 0.
    FloatToUnsigned,
    /// f32 to f64 or back.
    FloatToFloat,
    /// The bits of a small float, in an integer of its width, to f32, which has every number of it.
    Decode(SmallFloat),
    /// f32 or f64 to the bits of the nearest number of a small float, rounded once; NaN has one pattern.
    Encode(SmallFloat),
}

/// Float formats that exist in memory only: kernels hold their bits in integers and compute in f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "named as the dtypes")]
pub enum SmallFloat {
    F16,
    BF16,
    F8E4M3,
    F8E5M2,
}

impl SmallFloat {
    /// Every format, in declaration order.
    pub const ALL: [SmallFloat; 4] = [SmallFloat::F16, SmallFloat::BF16, SmallFloat::F8E4M3, SmallFloat::F8E5M2];

    /// The one that holds a dtype.
    #[must_use]
    pub const fn of(dtype: DType) -> Option<Self> {
        match dtype {
            DType::F16 => Some(SmallFloat::F16),
            DType::BF16 => Some(SmallFloat::BF16),
            DType::F8E4M3 => Some(SmallFloat::F8E4M3),
            DType::F8E5M2 => Some(SmallFloat::F8E5M2),
            _ => None,
        }
    }

    /// What its bits mean.
    #[must_use]
    pub const fn format(self) -> SmallFormat {
        let dtype = match self {
            SmallFloat::F16 => DType::F16,
            SmallFloat::BF16 => DType::BF16,
            SmallFloat::F8E4M3 => DType::F8E4M3,
            SmallFloat::F8E5M2 => DType::F8E5M2,
        };
        SmallFormat::of(dtype).expect("each has a format")
    }

    /// The integer that holds its bits.
    #[must_use]
    pub const fn storage(self) -> ScalarType {
        match self {
            SmallFloat::F16 | SmallFloat::BF16 => ScalarType::I16,
            SmallFloat::F8E4M3 | SmallFloat::F8E5M2 => ScalarType::I8,
        }
    }
}

/// Scalar functions of the runtime, each for f32 and f64; the same code as the interpreter's, so the bits agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "named as in the language, section 4b")]
pub enum MathFn {
    Exp,
    Expm1,
    Log,
    Log1p,
    Sin,
    Cos,
    Tan,
    Tanh,
    Sigmoid,
    Softplus,
    Erf,
    Gelu,
    Silu,
    /// Two operands.
    Atan2,
    /// Two operands.
    Pow,
    /// Two operands: floor of the quotient.
    FloorDiv,
    /// Two operands: floor remainder.
    Rem,
}

impl MathFn {
    /// Every function, in declaration order.
    pub const ALL: [MathFn; 17] = [
        MathFn::Exp,
        MathFn::Expm1,
        MathFn::Log,
        MathFn::Log1p,
        MathFn::Sin,
        MathFn::Cos,
        MathFn::Tan,
        MathFn::Tanh,
        MathFn::Sigmoid,
        MathFn::Softplus,
        MathFn::Erf,
        MathFn::Gelu,
        MathFn::Silu,
        MathFn::Atan2,
        MathFn::Pow,
        MathFn::FloorDiv,
        MathFn::Rem,
    ];

    /// Spelling in the text form; the runtime's symbol is `ein_NAME_f32` or `ein_NAME_f64`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            MathFn::Exp => "exp",
            MathFn::Expm1 => "expm1",
            MathFn::Log => "log",
            MathFn::Log1p => "log1p",
            MathFn::Sin => "sin",
            MathFn::Cos => "cos",
            MathFn::Tan => "tan",
            MathFn::Tanh => "tanh",
            MathFn::Sigmoid => "sigmoid",
            MathFn::Softplus => "softplus",
            MathFn::Erf => "erf",
            MathFn::Gelu => "gelu",
            MathFn::Silu => "silu",
            MathFn::Atan2 => "atan2",
            MathFn::Pow => "pow",
            MathFn::FloorDiv => "floor_div",
            MathFn::Rem => "rem",
        }
    }

    /// Number of operands.
    #[must_use]
    pub const fn arity(self) -> usize {
        match self {
            MathFn::Atan2 | MathFn::Pow | MathFn::FloorDiv | MathFn::Rem => 2,
            _ => 1,
        }
    }
}

/// `dst = lhs * rhs` or `dst += lhs * rhs` on strided views: `dst` is m x n, `lhs` m x k, `rhs` k x n.
///
/// The element type is that of the tensors: for complex, buffers hold pairs, addresses count reals, strides count pairs.
/// With `k` 0 and no accumulation `dst` becomes zero. `dst` overlaps neither operand.
#[derive(Clone, Debug, PartialEq)]
pub struct Gemm {
    /// f32, f64, c64 or c128.
    pub dtype: DType,
    /// Rows of `dst`.
    pub m: Operand,
    /// Columns of `dst`.
    pub n: Operand,
    /// Length of the sums.
    pub k: Operand,
    /// First element of the result.
    pub dst: View,
    /// First element of the left operand.
    pub lhs: View,
    /// First element of the right operand.
    pub rhs: View,
    /// Whether the old value of `dst` is added.
    pub accumulate: bool,
}

/// Copies `count` consecutive elements; the two ranges do not overlap. A negative count copies nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryCopy {
    /// First element written.
    pub dst: Address,
    /// First element read; its buffer holds the same type.
    pub src: Address,
    /// Number of elements of the buffers' type.
    pub count: Operand,
}

/// A function of whole tensors; none of the memory overlaps.
#[derive(Clone, Debug, PartialEq)]
pub struct LibraryCall {
    /// A scalar bool, set to whether the function fails; what the results hold is then unspecified.
    pub failed: Local,
    /// The function and its sizes.
    pub problem: Problem,
    /// First elements of the results that are wanted: the first ones of those that the function has.
    pub results: Vec<Address>,
    /// First elements of the operands.
    pub args: Vec<Address>,
    /// Memory for intermediate values, in a buffer of bytes.
    pub workspace: Option<Address>,
}

/// A strided matrix in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Its first element.
    pub address: Address,
    /// From one row to the next, in elements of the tensor.
    pub row_stride: MatrixStride,
    /// From one column to the next, in elements of the tensor.
    pub column_stride: MatrixStride,
}

/// A stride of a matrix, in elements of the tensor (pairs, if it is complex).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatrixStride {
    /// A constant.
    Const(i64),
    /// The run-time stride of an axis of the view's buffer.
    Runtime(u32),
}
