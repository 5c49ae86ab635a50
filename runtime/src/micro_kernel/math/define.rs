//! The definitions in f32 and f64, over `libm`.

macro_rules! definitions {
    ($module:ident, $ty:ty, $exp:ident, $expm1:ident, $log:ident, $log1p:ident, $sin:ident, $cos:ident, $tan:ident, $tanh:ident, $erf:ident,
     $atan2:ident, $pow:ident, $floor:ident, $fmod:ident) => {
        pub(super) mod $module {
            pub(crate) use libm::{
                $atan2 as atan2, $cos as cos, $erf as erf, $exp as exp, $expm1 as expm1, $log as log, $log1p as log1p, $pow as pow,
                $sin as sin, $tan as tan, $tanh as tanh,
            };

            /// `1 / (1 + exp(-x))`, by the exponential that cannot overflow.
            pub(crate) fn sigmoid(x: $ty) -> $ty {
                if x >= 0.0 {
                    1.0 / (1.0 + exp(-x))
                } else {
                    let e = exp(x);
                    e / (1.0 + e)
                }
            }

            /// `log(1 + exp(x))`.
            pub(crate) fn softplus(x: $ty) -> $ty {
                if x > 0.0 { x + log1p(exp(-x)) } else { log1p(exp(x)) }
            }

            /// `x * (1 + erf(x / sqrt 2)) / 2`.
            pub(crate) fn gelu(x: $ty) -> $ty {
                0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2 as $ty))
            }

            /// `x * sigmoid(x)`.
            pub(crate) fn silu(x: $ty) -> $ty {
                x * sigmoid(x)
            }

            /// The floor of the quotient.
            pub(crate) fn floor_div(a: $ty, b: $ty) -> $ty {
                libm::$floor(a / b)
            }

            /// The remainder with the sign of the divisor.
            pub(crate) fn floor_rem(a: $ty, b: $ty) -> $ty {
                let r = libm::$fmod(a, b);
                if r != 0.0 && (r < 0.0) != (b < 0.0) { r + b } else { r }
            }

            /// By repeated squaring; a negative power is the reciprocal of the positive one.
            pub(crate) fn powi(x: $ty, n: i32) -> $ty {
                let (mut base, mut left, mut power) = (x, n.unsigned_abs(), 1.0);
                while left > 0 {
                    if left & 1 == 1 {
                        power *= base;
                    }
                    base *= base;
                    left >>= 1;
                }
                if n < 0 { 1.0 / power } else { power }
            }
        }
    };
}

definitions!(f32fn, f32, expf, expm1f, logf, log1pf, sinf, cosf, tanf, tanhf, erff, atan2f, powf, floorf, fmodf);
definitions!(f64fn, f64, exp, expm1, log, log1p, sin, cos, tan, tanh, erf, atan2, pow, floor, fmod);
