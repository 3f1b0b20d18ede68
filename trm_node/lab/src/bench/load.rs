//! Keeps the machine busy while the loop runs: stress-ng, where it is installed.
#![expect(unsafe_code, reason = "a child that dies with its parent needs prctl, and a gentle end needs kill")]

use std::io::ErrorKind;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::args::Load;

/// How long it may take to end.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long it runs at most, longer than what it accompanies, in case that nobody ends it.
const SPARE: Duration = Duration::from_mins(1);
/// What the memory workers use together.
const MEMORY: &str = "--vm-bytes=25%";

/// Load that ends when this is dropped, and with this process, however that ends.
pub struct Running(Child);

impl Running {
    /// Starts it for something that takes `time`.
    ///
    /// # Errors
    /// Why there is no load, to be told in the report.
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
        // SAFETY: prctl is a plain system call; it may be made between fork and exec.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
                Ok(())
            });
        }
        match command.spawn() {
            Ok(child) => Ok(Self(child)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err("stress-ng is not installed, so there was no run under load".to_owned())
            }
            Err(error) => Err(format!("stress-ng: {error}, so there was no run under load")),
        }
    }

    /// Whether it has ended by itself, which it shouldn't.
    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().is_ok_and(|status| status.is_some())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        // Gently, so that it ends its workers too. SAFETY: a plain system call; the child isn't reaped yet, so the number is
        // still its own.
        unsafe { libc::kill(self.0.id() as libc::pid_t, libc::SIGTERM) };
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
