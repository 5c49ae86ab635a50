//! Scalar functions under the C ABI, for code that has no instruction for them.
pub(crate) fn symbols() -> Vec<(&'static str, *const u8)> { vec![("ein_exp_f32", std::ptr::null())] }
