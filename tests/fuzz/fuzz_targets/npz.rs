//! `cargo fuzz run npz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = ein_fuzz::targets::npz(data);
});
