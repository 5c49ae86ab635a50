//! Element types, their storage and their accumulators.

use std::fmt;
use std::str::FromStr;

/// The element type of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the types")]
pub enum DType {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F16,
    BF16,
    F32,
    F64,
    C64,
    C128,
    /// Sub-byte and 8-bit storage types: decoded on load, packed along the last axis, low bits first.
    U1,
    U2,
    U4,
    I2,
    I4,
    F8E4M3,
    F8E5M2,
    /// Key of a counter-based random generator.
    Key,
}

/// What kind of number a dtype holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Class {
    Bool,
    Signed,
    Unsigned,
    Float,
    Complex,
    Key,
}

impl DType {
    /// Every dtype, in declaration order.
    pub const ALL: [DType; 23] = [
        DType::Bool,
        DType::I8,
        DType::I16,
        DType::I32,
        DType::I64,
        DType::U8,
        DType::U16,
        DType::U32,
        DType::U64,
        DType::F16,
        DType::BF16,
        DType::F32,
        DType::F64,
        DType::C64,
        DType::C128,
        DType::U1,
        DType::U2,
        DType::U4,
        DType::I2,
        DType::I4,
        DType::F8E4M3,
        DType::F8E5M2,
        DType::Key,
    ];

    /// The spelling in programs and text forms.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::I8 => "i8",
            DType::I16 => "i16",
            DType::I32 => "i32",
            DType::I64 => "i64",
            DType::U8 => "u8",
            DType::U16 => "u16",
            DType::U32 => "u32",
            DType::U64 => "u64",
            DType::F16 => "f16",
            DType::BF16 => "bf16",
            DType::F32 => "f32",
            DType::F64 => "f64",
            DType::C64 => "c64",
            DType::C128 => "c128",
            DType::U1 => "u1",
            DType::U2 => "u2",
            DType::U4 => "u4",
            DType::I2 => "i2",
            DType::I4 => "i4",
            DType::F8E4M3 => "f8e4m3",
            DType::F8E5M2 => "f8e5m2",
            DType::Key => "key",
        }
    }

    /// Bits of one element: c64 is 64, bool is 8 (one byte, 0 or 1).
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            DType::U1 => 1,
            DType::U2 | DType::I2 => 2,
            DType::U4 | DType::I4 => 4,
            DType::Bool | DType::I8 | DType::U8 | DType::F8E4M3 | DType::F8E5M2 => 8,
            DType::I16 | DType::U16 | DType::F16 | DType::BF16 => 16,
            DType::I32 | DType::U32 | DType::F32 => 32,
            DType::I64 | DType::U64 | DType::F64 | DType::C64 | DType::Key => 64,
            DType::C128 => 128,
        }
    }

    /// Bytes of one element.
    ///
    /// Sub-byte types answer 1: whoever stores them packed asks [`DType::bits`].
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.bits().div_ceil(8) as usize
    }

    /// Required alignment of one element, in bytes.
    #[must_use]
    pub const fn align(self) -> usize {
        match self {
            DType::C64 => 4,
            DType::C128 => 8,
            _ => self.bytes(),
        }
    }

    /// The kind of number.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            DType::Bool => Class::Bool,
            DType::I2 | DType::I4 | DType::I8 | DType::I16 | DType::I32 | DType::I64 => Class::Signed,
            DType::U1 | DType::U2 | DType::U4 | DType::U8 | DType::U16 | DType::U32 | DType::U64 => Class::Unsigned,
            DType::F8E4M3 | DType::F8E5M2 | DType::F16 | DType::BF16 | DType::F32 | DType::F64 => Class::Float,
            DType::C64 | DType::C128 => Class::Complex,
            DType::Key => Class::Key,
        }
    }

    /// Signed or unsigned integer.
    #[must_use]
    pub const fn is_integer(self) -> bool {
        matches!(self.class(), Class::Signed | Class::Unsigned)
    }

    /// Real floating point.
    #[must_use]
    pub const fn is_float(self) -> bool {
        matches!(self.class(), Class::Float)
    }

    /// Complex.
    #[must_use]
    pub const fn is_complex(self) -> bool {
        matches!(self.class(), Class::Complex)
    }

    /// The type of the real and imaginary parts; other dtypes are their own.
    #[must_use]
    pub const fn real(self) -> DType {
        match self {
            DType::C64 => DType::F32,
            DType::C128 => DType::F64,
            other => other,
        }
    }

    /// The type that a sum of this type accumulates in (language D15).
    #[must_use]
    pub const fn accumulator(self) -> DType {
        match self {
            DType::F8E4M3 | DType::F8E5M2 | DType::F16 | DType::BF16 => DType::F32,
            DType::I2 | DType::I4 | DType::I8 | DType::I16 => DType::I32,
            DType::U1 | DType::U2 | DType::U4 | DType::U8 => DType::I32,
            DType::U16 => DType::U32,
            DType::Bool => DType::I64,
            other => other,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for DType {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|d| d.name() == s).ok_or(())
    }
}
