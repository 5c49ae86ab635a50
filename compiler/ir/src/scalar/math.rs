//! The float functions, each defined once for f32 and once for f64, over the `libm` crate.
//!
//! The interpreters call these, and the runtime exports these very functions to compiled code, so that their bits agree. The
//! f32 versions compute in f32.

/// A real type that the float functions exist for.
pub(crate) trait Real:
    Copy
    + PartialOrd
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
    + std::ops::Neg<Output = Self>
{
    fn from_f64(x: f64) -> Self;
    fn to_f64(self) -> f64;
    fn abs(self) -> Self;
    fn floor(self) -> Self;
    fn ceil(self) -> Self;
    fn round_even(self) -> Self;
    fn trunc(self) -> Self;
    fn sqrt(self) -> Self;
    fn rsqrt(self) -> Self;
    fn exp(self) -> Self;
    fn expm1(self) -> Self;
    fn log(self) -> Self;
    fn log1p(self) -> Self;
    fn sin(self) -> Self;
    fn cos(self) -> Self;
    fn tan(self) -> Self;
    fn sinh(self) -> Self;
    fn cosh(self) -> Self;
    fn tanh(self) -> Self;
    fn sigmoid(self) -> Self;
    fn softplus(self) -> Self;
    fn erf(self) -> Self;
    fn gelu(self) -> Self;
    fn silu(self) -> Self;
    fn hypot(self, y: Self) -> Self;
    fn atan2(self, x: Self) -> Self;
    fn pow(self, y: Self) -> Self;
    fn powi(self, n: i32) -> Self;
    fn rem(self, b: Self) -> Self;
    fn floor_div(self, b: Self) -> Self;
    fn max(self, b: Self) -> Self;
    fn min(self, b: Self) -> Self;
}

/// The functions of one real type: `$name` delegates to the `libm` function after it.
macro_rules! functions {
    ($ty:ident: $($from_libm:ident = $libm:ident,)* ;
     $rsqrt:ident $sigmoid:ident $softplus:ident $gelu:ident $silu:ident $rem:ident $floor_div:ident $powi:ident $max:ident $min:ident;
     $exp:ident $log1p:ident $erfc:ident $fmod:ident;
     $($method:ident = $target:path,)*) => {
        $(
            #[doc = concat!("`libm::", stringify!($libm), "`.")]
            #[must_use]
            pub fn $from_libm(x: $ty) -> $ty {
                libm::$libm(x)
            }
        )*

        /// `1 / sqrt(x)`, two roundings.
        #[must_use]
        pub fn $rsqrt(x: $ty) -> $ty {
            1.0 / x.sqrt()
        }

        /// `1 / (1 + exp(-x))`, by the exponential that cannot overflow.
        #[must_use]
        pub fn $sigmoid(x: $ty) -> $ty {
            if x >= 0.0 {
                1.0 / (1.0 + libm::$exp(-x))
            } else {
                let e = libm::$exp(x);
                e / (1.0 + e)
            }
        }

        /// `log(1 + exp(x))`, by the exponential that cannot overflow.
        #[must_use]
        pub fn $softplus(x: $ty) -> $ty {
            if x > 0.0 { x + libm::$log1p(libm::$exp(-x)) } else { libm::$log1p(libm::$exp(x)) }
        }

        /// `x * (1 + erf(x / sqrt 2)) / 2`; by `erfc`, which does not cancel for negative `x`.
        #[must_use]
        pub fn $gelu(x: $ty) -> $ty {
            if x == $ty::NEG_INFINITY {
                return -0.0;
            }
            0.5 * x * libm::$erfc(-x * (std::f64::consts::FRAC_1_SQRT_2 as $ty))
        }

        /// `x / (1 + exp(-x))`.
        #[must_use]
        pub fn $silu(x: $ty) -> $ty {
            if x == $ty::NEG_INFINITY { -0.0 } else { x * $sigmoid(x) }
        }

        /// The remainder of a floor division: sign of the divisor, exact but for the last addition; NaN for divisor 0.
        #[must_use]
        pub fn $rem(a: $ty, b: $ty) -> $ty {
            let r = libm::$fmod(a, b);
            if r == 0.0 {
                (0.0 as $ty).copysign(b)
            } else if (r < 0.0) != (b < 0.0) {
                r + b
            } else {
                r
            }
        }

        /// The floor of the exact quotient, so that it agrees with the remainder; `a / b` for divisor 0.
        #[must_use]
        pub fn $floor_div(a: $ty, b: $ty) -> $ty {
            if b == 0.0 {
                return a / b;
            }
            let r = libm::$fmod(a, b);
            let quotient = (a - r) / b;
            let below = if r != 0.0 && (r < 0.0) != (b < 0.0) { quotient - 1.0 } else { quotient };
            below.round_ties_even()
        }

        /// `x` to an integer power by repeated multiplication, in this order: start with `x`; for each bit of `|n|` below the
        /// highest, from high to low, square, and if the bit is set multiply by `x` (on the right). A negative power is 1 divided
        /// by the positive one; power 0 is 1.
        #[must_use]
        pub fn $powi(x: $ty, n: i32) -> $ty {
            let magnitude = n.unsigned_abs();
            if magnitude == 0 {
                return 1.0;
            }
            let mut power = x;
            for bit in (0..magnitude.ilog2()).rev() {
                power *= power;
                if magnitude >> bit & 1 == 1 {
                    power *= x;
                }
            }
            if n < 0 { 1.0 / power } else { power }
        }

        /// The greater; NaN if one is NaN; -0 is less than 0.
        #[must_use]
        pub fn $max(a: $ty, b: $ty) -> $ty {
            if a.is_nan() || b.is_nan() {
                $ty::NAN
            } else if a > b || (a == b && b.is_sign_negative()) {
                a
            } else {
                b
            }
        }

        /// The smaller; NaN if one is NaN; -0 is less than 0.
        #[must_use]
        pub fn $min(a: $ty, b: $ty) -> $ty {
            if a.is_nan() || b.is_nan() {
                $ty::NAN
            } else if a < b || (a == b && a.is_sign_negative()) {
                a
            } else {
                b
            }
        }

        impl Real for $ty {
            fn from_f64(x: f64) -> Self {
                x as $ty
            }
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            fn abs(self) -> Self {
                $ty::abs(self)
            }
            fn floor(self) -> Self {
                $ty::floor(self)
            }
            fn ceil(self) -> Self {
                $ty::ceil(self)
            }
            fn round_even(self) -> Self {
                self.round_ties_even()
            }
            fn trunc(self) -> Self {
                $ty::trunc(self)
            }
            fn sqrt(self) -> Self {
                $ty::sqrt(self)
            }
            functions!(@methods $($method = $target,)*);
            fn hypot(self, y: Self) -> Self {
                functions!(@hypot $ty)(self, y)
            }
            fn atan2(self, x: Self) -> Self {
                functions!(@atan2 $ty)(self, x)
            }
            fn pow(self, y: Self) -> Self {
                functions!(@pow $ty)(self, y)
            }
            fn powi(self, n: i32) -> Self {
                $powi(self, n)
            }
            fn rem(self, b: Self) -> Self {
                $rem(self, b)
            }
            fn floor_div(self, b: Self) -> Self {
                $floor_div(self, b)
            }
            fn max(self, b: Self) -> Self {
                $max(self, b)
            }
            fn min(self, b: Self) -> Self {
                $min(self, b)
            }
        }
    };
    (@methods $($method:ident = $target:path,)*) => {
        $(
            fn $method(self) -> Self {
                $target(self)
            }
        )*
    };
    (@hypot f32) => { libm::hypotf };
    (@hypot f64) => { libm::hypot };
    (@atan2 f32) => { atan2_f32 };
    (@atan2 f64) => { atan2_f64 };
    (@pow f32) => { pow_f32 };
    (@pow f64) => { pow_f64 };
}

functions! {
    f32: exp_f32 = expf, expm1_f32 = expm1f, log_f32 = logf, log1p_f32 = log1pf, sin_f32 = sinf, cos_f32 = cosf, tan_f32 = tanf,
    tanh_f32 = tanhf, erf_f32 = erff,;
    rsqrt_f32 sigmoid_f32 softplus_f32 gelu_f32 silu_f32 rem_f32 floor_div_f32 powi_f32 max_f32 min_f32;
    expf log1pf erfcf fmodf;
    rsqrt = rsqrt_f32, exp = exp_f32, expm1 = expm1_f32, log = log_f32, log1p = log1p_f32, sin = sin_f32, cos = cos_f32, tan = tan_f32,
    sinh = libm::sinhf, cosh = libm::coshf, tanh = tanh_f32, sigmoid = sigmoid_f32, softplus = softplus_f32, erf = erf_f32,
    gelu = gelu_f32, silu = silu_f32,
}

functions! {
    f64: exp_f64 = exp, expm1_f64 = expm1, log_f64 = log, log1p_f64 = log1p, sin_f64 = sin, cos_f64 = cos, tan_f64 = tan,
    tanh_f64 = tanh, erf_f64 = erf,;
    rsqrt_f64 sigmoid_f64 softplus_f64 gelu_f64 silu_f64 rem_f64 floor_div_f64 powi_f64 max_f64 min_f64;
    exp log1p erfc fmod;
    rsqrt = rsqrt_f64, exp = exp_f64, expm1 = expm1_f64, log = log_f64, log1p = log1p_f64, sin = sin_f64, cos = cos_f64, tan = tan_f64,
    sinh = libm::sinh, cosh = libm::cosh, tanh = tanh_f64, sigmoid = sigmoid_f64, softplus = softplus_f64, erf = erf_f64,
    gelu = gelu_f64, silu = silu_f64,
}

/// The angle of the point `(x, y)`.
#[must_use]
pub fn atan2_f32(y: f32, x: f32) -> f32 {
    libm::atan2f(y, x)
}

/// The angle of the point `(x, y)`.
#[must_use]
pub fn atan2_f64(y: f64, x: f64) -> f64 {
    libm::atan2(y, x)
}

/// A general power; NaN for a negative base with a power that is no integer.
#[must_use]
pub fn pow_f32(x: f32, y: f32) -> f32 {
    libm::powf(x, y)
}

/// A general power; NaN for a negative base with a power that is no integer.
#[must_use]
pub fn pow_f64(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}
