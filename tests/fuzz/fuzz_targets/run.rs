//! `cargo fuzz run run`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = ein_fuzz::targets::run(data);
});
