//! The scalar functions of the language, each named once.

/// A function of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "named as in the language, section 4b")]
pub enum UnaryFn {
    Neg,
    /// Logical negation, bool only.
    Not,
    /// Complex values have a real result.
    Abs,
    Sign,
    Floor,
    Ceil,
    /// Halves to even.
    Round,
    Trunc,
    Exp,
    Expm1,
    Log,
    Log1p,
    Sqrt,
    Rsqrt,
    Sin,
    Cos,
    Tan,
    Tanh,
    Sigmoid,
    Softplus,
    Erf,
    /// The exact form, `x * (1 + erf(x / sqrt 2)) / 2`.
    Gelu,
    Silu,
    Relu,
    IsNan,
    IsFinite,
    /// `exp(i t)` of a real `t`; the result is complex.
    Cis,
    Conj,
    /// Real part; the result is real.
    Real,
    /// Imaginary part; the result is real.
    Imag,
    BitNot,
    Popcount,
    /// An integer power by repeated multiplication; a negative one is the reciprocal of the positive (floats and complex only).
    Powi(i32),
    /// The identity; no algebra crosses it.
    Keep,
}

/// A function of two values of one dtype (shifts take the dtype of the left).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "named as in the language, section 4b")]
pub enum BinaryFn {
    Add,
    Sub,
    Mul,
    /// True division: floats and complex only.
    Div,
    /// Floors, also on floats; an integer divisor of 0 is a fault.
    FloorDiv,
    /// `a - (a // b) * b`, sign of the divisor; an integer divisor of 0 is a fault.
    Rem,
    /// A general power of floats or complex.
    Pow,
    Atan2,
    /// Propagates NaN.
    Max,
    /// Propagates NaN.
    Min,
    /// Short-circuits: the right side is not evaluated where the left decides.
    And,
    /// Short-circuits.
    Or,
    /// Logical or bitwise exclusive or.
    Xor,
    BitAnd,
    BitOr,
    Shl,
    Shr,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl UnaryFn {
    /// Every function without a parameter, in declaration order ([`UnaryFn::Powi`] is the one left out).
    pub const ALL: [UnaryFn; 33] = [
        UnaryFn::Neg,
        UnaryFn::Not,
        UnaryFn::Abs,
        UnaryFn::Sign,
        UnaryFn::Floor,
        UnaryFn::Ceil,
        UnaryFn::Round,
        UnaryFn::Trunc,
        UnaryFn::Exp,
        UnaryFn::Expm1,
        UnaryFn::Log,
        UnaryFn::Log1p,
        UnaryFn::Sqrt,
        UnaryFn::Rsqrt,
        UnaryFn::Sin,
        UnaryFn::Cos,
        UnaryFn::Tan,
        UnaryFn::Tanh,
        UnaryFn::Sigmoid,
        UnaryFn::Softplus,
        UnaryFn::Erf,
        UnaryFn::Gelu,
        UnaryFn::Silu,
        UnaryFn::Relu,
        UnaryFn::IsNan,
        UnaryFn::IsFinite,
        UnaryFn::Cis,
        UnaryFn::Conj,
        UnaryFn::Real,
        UnaryFn::Imag,
        UnaryFn::BitNot,
        UnaryFn::Popcount,
        UnaryFn::Keep,
    ];

    /// The spelling in text forms, and in programs where the language has the function by name. `Powi` prints its exponent after it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            UnaryFn::Neg => "neg",
            UnaryFn::Not => "not",
            UnaryFn::Abs => "abs",
            UnaryFn::Sign => "sign",
            UnaryFn::Floor => "floor",
            UnaryFn::Ceil => "ceil",
            UnaryFn::Round => "round",
            UnaryFn::Trunc => "trunc",
            UnaryFn::Exp => "exp",
            UnaryFn::Expm1 => "expm1",
            UnaryFn::Log => "log",
            UnaryFn::Log1p => "log1p",
            UnaryFn::Sqrt => "sqrt",
            UnaryFn::Rsqrt => "rsqrt",
            UnaryFn::Sin => "sin",
            UnaryFn::Cos => "cos",
            UnaryFn::Tan => "tan",
            UnaryFn::Tanh => "tanh",
            UnaryFn::Sigmoid => "sigmoid",
            UnaryFn::Softplus => "softplus",
            UnaryFn::Erf => "erf",
            UnaryFn::Gelu => "gelu",
            UnaryFn::Silu => "silu",
            UnaryFn::Relu => "relu",
            UnaryFn::IsNan => "isnan",
            UnaryFn::IsFinite => "isfinite",
            UnaryFn::Cis => "cis",
            UnaryFn::Conj => "conj",
            UnaryFn::Real => "real",
            UnaryFn::Imag => "imag",
            UnaryFn::BitNot => "bitnot",
            UnaryFn::Popcount => "popcount",
            UnaryFn::Powi(_) => "powi",
            UnaryFn::Keep => "keep",
        }
    }
}

impl BinaryFn {
    /// Every function, in declaration order.
    pub const ALL: [BinaryFn; 23] = [
        BinaryFn::Add,
        BinaryFn::Sub,
        BinaryFn::Mul,
        BinaryFn::Div,
        BinaryFn::FloorDiv,
        BinaryFn::Rem,
        BinaryFn::Pow,
        BinaryFn::Atan2,
        BinaryFn::Max,
        BinaryFn::Min,
        BinaryFn::And,
        BinaryFn::Or,
        BinaryFn::Xor,
        BinaryFn::BitAnd,
        BinaryFn::BitOr,
        BinaryFn::Shl,
        BinaryFn::Shr,
        BinaryFn::Eq,
        BinaryFn::Ne,
        BinaryFn::Lt,
        BinaryFn::Le,
        BinaryFn::Gt,
        BinaryFn::Ge,
    ];

    /// The spelling in text forms, and in programs where the language has the function by name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            BinaryFn::Add => "add",
            BinaryFn::Sub => "sub",
            BinaryFn::Mul => "mul",
            BinaryFn::Div => "div",
            BinaryFn::FloorDiv => "floordiv",
            BinaryFn::Rem => "rem",
            BinaryFn::Pow => "pow",
            BinaryFn::Atan2 => "atan2",
            BinaryFn::Max => "max",
            BinaryFn::Min => "min",
            BinaryFn::And => "and",
            BinaryFn::Or => "or",
            BinaryFn::Xor => "xor",
            BinaryFn::BitAnd => "bitand",
            BinaryFn::BitOr => "bitor",
            BinaryFn::Shl => "shl",
            BinaryFn::Shr => "shr",
            BinaryFn::Eq => "eq",
            BinaryFn::Ne => "ne",
            BinaryFn::Lt => "lt",
            BinaryFn::Le => "le",
            BinaryFn::Gt => "gt",
            BinaryFn::Ge => "ge",
        }
    }

    /// Whether the result is a bool whatever the operands are.
    #[must_use]
    pub const fn is_comparison(self) -> bool {
        matches!(self, BinaryFn::Eq | BinaryFn::Ne | BinaryFn::Lt | BinaryFn::Le | BinaryFn::Gt | BinaryFn::Ge)
    }
}
