#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ssewire_fuzz::client(data));
