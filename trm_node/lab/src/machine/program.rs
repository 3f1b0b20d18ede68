//! Running small programs for what they print.

use std::path::Path;
use std::process::{Command, Stdio};

/// What a program prints; `None` if it isn't installed or fails.
pub fn output(program: &Path, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
