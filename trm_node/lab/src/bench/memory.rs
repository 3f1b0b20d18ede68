//! How much memory the process has, as Linux counts it.

/// Present and peak resident memory in units of 10^6 bytes; `None` without `/proc`.
pub fn resident_mb() -> (Option<f64>, Option<f64>) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    (field(&status, "VmRSS"), field(&status, "VmHWM"))
}

/// Reads a line such as `VmRSS:      1234 kB`, in units of 1024 bytes (`proc_pid_status(5)`).
fn field(status: &str, name: &str) -> Option<f64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kib: f64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_the_status_file() {
        let status = "Name:\ttrm\nVmHWM:\t   20000 kB\nVmRSS:\t   10000 kB\nThreads:\t3\n";
        assert_eq!((field(status, "VmRSS"), field(status, "VmHWM")), (Some(10.24), Some(20.48)));
        assert_eq!((field(status, "Threads"), field("", "VmRSS")), (None, None));
    }
}
