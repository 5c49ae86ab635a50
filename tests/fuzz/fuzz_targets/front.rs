//! `cargo fuzz run front`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = ein_fuzz::targets::front(data);
});
