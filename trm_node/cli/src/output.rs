//! What goes to stdout.

use std::io::Write as _;

use anyhow::Context as _;

/// Prints a line; a reader that has gone away (`trm … | head`) is an error, not a panic.
pub fn print(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("stdout")
}
