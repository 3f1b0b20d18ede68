//! How long idle CPUs may take to wake up.
//!
//! Source: Linux, `Documentation/power/pm_qos_interface.rst`: the request holds as long as the file is open.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use crate::refusal::Refusal;

/// Where the system takes the request.
const DEVICE: &str = "/dev/cpu_dma_latency";

/// Keeps idle CPUs from sleeps that take longer to wake from, until it is dropped.
#[derive(Debug)]
pub struct CpuLatency(#[expect(dead_code, reason = "the request ends when the file is closed")] File);

impl CpuLatency {
    /// Asks that idle CPUs wake up within so many microseconds. With 0 they don't sleep.
    ///
    /// # Errors
    /// [`Refusal::CpuLatency`] when the system doesn't take the request.
    pub fn hold(microseconds: i32) -> Result<Self, Refusal> {
        Self::hold_at(Path::new(DEVICE), microseconds)
    }

    fn hold_at(device: &Path, microseconds: i32) -> Result<Self, Refusal> {
        let refused = |error: std::io::Error| Refusal::CpuLatency { microseconds, cause: error.to_string() };
        let mut file = OpenOptions::new().write(true).open(device).map_err(refused)?;
        file.write_all(&microseconds.to_ne_bytes()).map_err(refused)?;
        Ok(Self(file))
    }
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_written_as_a_number_and_a_missing_device_is_a_refusal_with_a_hint() {
        let file = std::env::temp_dir().join(format!("trm_rt_latency_{}", std::process::id()));
        std::fs::write(&file, []).unwrap();
        let held = CpuLatency::hold_at(&file, 20).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), 20_i32.to_ne_bytes());
        drop(held);
        std::fs::remove_file(&file).unwrap();
        let refusal = CpuLatency::hold_at(&file, 20).unwrap_err();
        assert!(refusal.to_string().starts_with("a CPU latency of 20 us refused (") && refusal.hint().contains(DEVICE));
    }
}
