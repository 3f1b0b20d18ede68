//! What the laboratory parses, as functions of bytes: the doors of `tests/fuzz`.

use crate::bench::recording;
use crate::machine::telemetry::tegrastats;

/// Reads the bytes of a recording. Gives the figures of its run as JSON.
///
/// # Errors
/// When it isn't a recording; the message begins with "recording".
pub fn recording(bytes: &[u8]) -> anyhow::Result<String> {
    Ok(serde_json::to_string(&recording::read(bytes, "recording")?)?)
}

/// All numbers that a line of tegrastats gives.
#[must_use]
pub fn tegrastats(line: &str) -> Vec<f64> {
    let sample = tegrastats::parse(line);
    let maps = sample.rails_mw.into_values().chain(sample.temperatures_c.into_values());
    maps.chain(sample.gpu_percent).collect()
}
