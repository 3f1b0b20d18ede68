//! What the system refuses a real-time thread, and what to do about it.

/// A request that the system refused. The program goes on without it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The thread may not have this real-time priority.
    #[error("SCHED_FIFO {priority} refused ({cause})")]
    Priority {
        /// The priority that was asked for, 1 to 99.
        priority: i32,
        /// The system's reason.
        cause: String,
    },
    /// The thread may not run on this CPU.
    #[error("CPU {cpu} refused ({cause})")]
    Cpu {
        /// The CPU that was asked for, counted from 0.
        cpu: usize,
        /// The system's reason.
        cause: String,
    },
    /// Idle CPUs sleep as deeply as the system has it.
    #[error("a CPU latency of {microseconds} us refused ({cause})")]
    CpuLatency {
        /// The time to wake up that was asked for.
        microseconds: i32,
        /// The system's reason.
        cause: String,
    },
    /// The process may not lock its memory.
    #[error("memory stays unlocked ({cause})")]
    MemoryLock {
        /// The system's reason, or the limit that is too low.
        cause: String,
    },
}

impl Refusal {
    /// Why the system refused.
    #[must_use]
    pub fn cause(&self) -> &str {
        match self {
            Self::Priority { cause, .. }
            | Self::Cpu { cause, .. }
            | Self::CpuLatency { cause, .. }
            | Self::MemoryLock { cause } => cause,
        }
    }

    /// How the machine's owner can grant the request.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Priority { .. } => {
                "give the user `rtprio 98` in /etc/security/limits.conf (the group realtime of ros2_control), or the \
                 container --ulimit rtprio=98 --cap-add=sys_nice; where cgroups share real-time out, sysctl \
                 kernel.sched_rt_runtime_us=-1. A limit RLIMIT_RTTIME would end the program"
            }
            Self::Cpu { .. } => {
                "it must be one of the machine's and of those that taskset or a cpuset leaves the process"
            }
            Self::CpuLatency { .. } => {
                "give the user write access to /dev/cpu_dma_latency (a udev rule, or DeviceAllow= in a unit)"
            }
            Self::MemoryLock { .. } => {
                "give the user `memlock unlimited` in /etc/security/limits.conf (the group realtime of ros2_control), \
                 or the container --ulimit memlock=-1 --cap-add=ipc_lock"
            }
        }
    }
}
