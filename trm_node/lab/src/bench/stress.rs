//! Keeps the machine busy during a run, with stress-ng.
#![expect(unsafe_code, reason = "what runs between fork and exec")]

use std::io::ErrorKind;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};

use crate::bench::args::Load;

/// How long stress-ng may take to end.
const PATIENCE: Duration = Duration::from_secs(3);
/// How much longer than the run stress-ng works at most, in case nobody ends it.
const SPARE: Duration = Duration::from_mins(1);
/// Memory that the memory workers use together.
const MEMORY: &str = "--vm-bytes=25%";

/// A running stress-ng. It ends when this is dropped, and when this process ends for whatever reason.
pub struct Stress(Child);

impl Stress {
    /// Starts stress-ng for a run that takes `time`.
    ///
    /// # Errors
    /// Why there is no load, as a sentence for the report.
    pub fn start(load: &[Load], time: Duration) -> Result<Self, String> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut command = Command::new("stress-ng");
        for load in load {
            match load {
                Load::Cpu => command.arg(format!("--cpu={cores}")),
                Load::Memory => command.arg(format!("--vm={cores}")).arg(MEMORY),
            };
        }
        command.arg(format!("--timeout={}", (time + SPARE).as_secs())).arg("--quiet");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // SAFETY: the closure makes one system call and doesn't allocate, which is allowed between fork and exec.
        unsafe {
            command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::TERM))?));
        }
        match command.spawn() {
            Ok(child) => Ok(Self(child)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err("stress-ng is not installed, so there was no run under load".to_owned())
            }
            Err(error) => Err(format!("stress-ng: {error}, so there was no run under load")),
        }
    }

    /// Whether stress-ng has ended by itself, which it shouldn't.
    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().is_ok_and(|status| status.is_some())
    }
}

impl Drop for Stress {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        // SIGTERM lets stress-ng end its workers too. The child isn't reaped yet, so its number is still its own.
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if self.has_ended() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
