//! Scalar functions under the C ABI, for code that has no instruction for them.
//!
//! Each is one call of the definition that the reference interpreter uses, so compiled code agrees with it bit for bit.

use ein_ir::scalar::math;

macro_rules! scalar_functions {
    (unary { $($u32:ident = $fu32:ident, $u64:ident = $fu64:ident;)* } binary { $($b32:ident = $fb32:ident, $b64:ident = $fb64:ident;)* }) => {
        $(
            #[doc = concat!("`ein_ir::scalar::math::", stringify!($fu32), "`.")]
            pub extern "C" fn $u32(x: f32) -> f32 {
                math::$fu32(x)
            }
            #[doc = concat!("`ein_ir::scalar::math::", stringify!($fu64), "`.")]
            pub extern "C" fn $u64(x: f64) -> f64 {
                math::$fu64(x)
            }
        )*
        $(
            #[doc = concat!("`ein_ir::scalar::math::", stringify!($fb32), "`.")]
            pub extern "C" fn $b32(x: f32, y: f32) -> f32 {
                math::$fb32(x, y)
            }
            #[doc = concat!("`ein_ir::scalar::math::", stringify!($fb64), "`.")]
            pub extern "C" fn $b64(x: f64, y: f64) -> f64 {
                math::$fb64(x, y)
            }
        )*

        /// Every scalar function by name.
        pub(crate) fn symbols() -> Vec<(&'static str, *const u8)> {
            vec![
                $((stringify!($u32), $u32 as *const u8), (stringify!($u64), $u64 as *const u8),)*
                $((stringify!($b32), $b32 as *const u8), (stringify!($b64), $b64 as *const u8),)*
                ("ein_powi_f32", ein_powi_f32 as *const u8),
                ("ein_powi_f64", ein_powi_f64 as *const u8),
            ]
        }
    };
}

scalar_functions! {
    unary {
    ein_exp_f32 = exp_f32, ein_exp_f64 = exp_f64;
    ein_expm1_f32 = expm1_f32, ein_expm1_f64 = expm1_f64;
    ein_log_f32 = log_f32, ein_log_f64 = log_f64;
    ein_log1p_f32 = log1p_f32, ein_log1p_f64 = log1p_f64;
    ein_sin_f32 = sin_f32, ein_sin_f64 = sin_f64;
    ein_cos_f32 = cos_f32, ein_cos_f64 = cos_f64;
    ein_tan_f32 = tan_f32, ein_tan_f64 = tan_f64;
    ein_tanh_f32 = tanh_f32, ein_tanh_f64 = tanh_f64;
    ein_sigmoid_f32 = sigmoid_f32, ein_sigmoid_f64 = sigmoid_f64;
    ein_softplus_f32 = softplus_f32, ein_softplus_f64 = softplus_f64;
    ein_erf_f32 = erf_f32, ein_erf_f64 = erf_f64;
    ein_gelu_f32 = gelu_f32, ein_gelu_f64 = gelu_f64;
    ein_silu_f32 = silu_f32, ein_silu_f64 = silu_f64;
    ein_rsqrt_f32 = rsqrt_f32, ein_rsqrt_f64 = rsqrt_f64;
    }
    binary {
    ein_atan2_f32 = atan2_f32, ein_atan2_f64 = atan2_f64;
    ein_pow_f32 = pow_f32, ein_pow_f64 = pow_f64;
    ein_floor_div_f32 = floor_div_f32, ein_floor_div_f64 = floor_div_f64;
    ein_floor_rem_f32 = rem_f32, ein_floor_rem_f64 = rem_f64;
    ein_max_f32 = max_f32, ein_max_f64 = max_f64;
    ein_min_f32 = min_f32, ein_min_f64 = min_f64;
    }
}

/// An integer power in f32, by repeated multiplication.
pub extern "C" fn ein_powi_f32(x: f32, n: i32) -> f32 {
    math::powi_f32(x, n)
}

/// An integer power in f64, by repeated multiplication.
pub extern "C" fn ein_powi_f64(x: f64, n: i32) -> f64 {
    math::powi_f64(x, n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floor_division_has_the_sign_of_the_divisor() {
        assert_eq!((ein_floor_rem_f64(-7.0, 3.0), ein_floor_div_f64(-7.0, 3.0)), (2.0, -3.0));
        assert_eq!((ein_floor_rem_f32(7.0, -3.0), ein_floor_div_f32(7.0, -3.0)), (-2.0, -3.0));
    }

    #[test]
    fn tails_neither_overflow_nor_cancel() {
        assert_eq!((ein_sigmoid_f32(-200.0), ein_sigmoid_f32(200.0)), (0.0, 1.0));
        assert_eq!((ein_softplus_f64(1000.0), ein_softplus_f64(-1000.0)), (1000.0, 0.0));
        assert!(ein_softplus_f64(-40.0) > 0.0);
        assert_eq!((ein_gelu_f32(-50.0), ein_gelu_f32(50.0)), (0.0, 50.0));
        assert!((ein_silu_f64(1.0) - 0.731_058_578_630_004_9).abs() < 1e-15);
        assert!(ein_tanh_f32(f32::NAN).is_nan());
    }

    #[test]
    fn powers() {
        assert_eq!((ein_powi_f64(3.0, 4), ein_powi_f64(2.0, -3), ein_powi_f32(0.0, 0)), (81.0, 0.125, 1.0));
        assert_eq!((ein_pow_f64(2.0, 0.5), ein_pow_f32(-8.0, 3.0)), (2f64.sqrt(), -512.0));
        assert!(ein_powi_f64(1.0 + 1e-9, i32::MIN).is_finite());
    }
}
