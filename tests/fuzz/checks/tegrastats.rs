//! Any line as one of tegrastats: what it gives are finite numbers.

/// Panics when `data` shows a fault.
pub fn check(data: &[u8]) {
    let numbers = trm_lab::parsers::tegrastats(&String::from_utf8_lossy(data));
    assert!(numbers.iter().all(|value| value.is_finite()), "{numbers:?}");
}
