//! Any words of a stranger: little of them is shown, on one line, and short ones without control characters unchanged.

use trm_flow::text::{SHOWN, cut};

/// Panics when `data` shows a fault.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let shown = cut(&text);
    assert!(shown.chars().count() <= SHOWN + 40, "{shown}");
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    if text.chars().count() <= SHOWN && !text.chars().any(char::is_control) {
        assert_eq!(shown, text);
    }
}
