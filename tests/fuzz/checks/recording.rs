//! Any bytes as a recording of the node: refused with a message that begins with its name, or figures.

/// Panics when `data` shows a fault.
pub fn check(data: &[u8]) {
    match trm_lab::parsers::recording(data) {
        Err(error) => assert!(format!("{error:#}").starts_with("recording"), "{error:#}"),
        Ok(figures) => assert!(figures.starts_with('{')),
    }
}
