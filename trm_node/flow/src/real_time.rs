//! The planner thread as a real-time one: what the parameters ask for, and what the system granted, in words. Planning
//! needs none of it: a refusal is a warning with a hint, and is shown in `/diagnostics`.

use std::sync::OnceLock;

use trm_config::NodeConfig;
use trm_rt::cpu_latency::CpuLatency;
use trm_rt::real_time::{Granted, Wanted, enter_thread, enter_thread_below, prepare_process, raise_threads};
use trm_rt::refusal::Refusal;

use crate::log::Log;

/// What was asked for, and what the system granted.
pub struct RealTime {
    wanted: Wanted,
    memory: Result<(), Refusal>,
    /// What idle CPUs are held to; `None` when that isn't asked for.
    latency: Option<Result<CpuLatency, Refusal>>,
    /// The planner thread's, once it runs.
    granted: OnceLock<Granted>,
}

impl RealTime {
    /// Prepares the process, which may lock its memory. Call it before the threads start.
    #[must_use]
    pub fn prepare(config: &NodeConfig, log: &Log) -> Self {
        let wanted = wanted(config);
        let memory = prepare_process(&wanted);
        if let Err(refusal) = &memory {
            warn(refusal, log);
        }
        let latency = i32::try_from(config.cpu_dma_latency_us).ok().filter(|us| *us >= 0).map(CpuLatency::hold);
        if let Some(Err(refusal)) = &latency {
            warn(refusal, log);
        }
        Self { wanted, memory, latency, granted: OnceLock::new() }
    }

    /// Makes the calling thread the real-time thread that is wanted.
    pub fn enter(&self, log: &Log) {
        let granted = enter_thread(&self.wanted);
        for refusal in &granted.refusals {
            warn(refusal, log);
        }
        self.granted.get_or_init(|| granted);
    }

    /// Makes the calling thread a helper of the one that called [`Self::enter`], once it has.
    pub fn enter_below(&self) {
        enter_thread_below(self.granted.wait());
    }

    /// Raises threads, chosen by name, that hold locks which the real-time threads need, once [`Self::enter`] was called.
    pub fn raise(&self, holds_locks: impl Fn(&str) -> bool) {
        raise_threads(self.granted.wait(), holds_locks);
    }

    /// The planner thread's priority under `SCHED_FIFO`; `None` for an ordinary thread, and before it runs.
    #[must_use]
    pub fn priority(&self) -> Option<i32> {
        self.granted.get()?.priority
    }

    /// Whether the node's memory is locked.
    #[must_use]
    pub const fn is_memory_locked(&self) -> bool {
        self.wanted.lock_memory && self.memory.is_ok()
    }

    /// What was asked for and refused, each with its parameter.
    #[must_use]
    pub fn refusals(&self) -> Vec<String> {
        let process = self.memory.as_ref().err().into_iter();
        let latency = self.latency.as_ref().and_then(|latency| latency.as_ref().err());
        let thread = self.granted.get().map_or(&[][..], |granted| &granted.refusals);
        process.chain(latency).chain(thread).map(told).collect()
    }

    /// Keys and values for `/diagnostics`; `None` before the planner thread runs.
    pub fn values(&self) -> Option<[(&'static str, String); 5]> {
        let granted = self.granted.get()?;
        Some([
            ("scheduling", granted.policy().to_owned()),
            ("priority", granted.priority.unwrap_or_default().to_string()),
            ("affinity", affinity(granted)),
            ("memory", memory(&self.wanted, &self.memory)),
            ("cpu_latency", latency(self.latency.as_ref())),
        ])
    }
}

/// What the parameters ask for.
fn wanted(config: &NodeConfig) -> Wanted {
    let priority = i32::try_from(config.thread_priority).unwrap_or(i32::MAX);
    Wanted {
        priority: (priority != 0).then_some(priority),
        cpu: usize::try_from(config.cpu_affinity).ok(),
        lock_memory: config.lock_memory,
    }
}

fn warn(refusal: &Refusal, log: &Log) {
    log.warn(&format!("{}: {}", told(refusal), refusal.hint()));
}

/// A refusal in words, with the parameter that asked.
fn told(refusal: &Refusal) -> String {
    let parameter = match refusal {
        Refusal::Priority { .. } => "thread_priority",
        Refusal::Cpu { .. } => "cpu_affinity",
        Refusal::MemoryLock { .. } => "lock_memory",
        Refusal::CpuLatency { .. } => "cpu_dma_latency_us",
    };
    format!("{parameter}: {refusal}")
}

fn affinity(granted: &Granted) -> String {
    let refusal = granted.refusals.iter().find(|refusal| matches!(refusal, Refusal::Cpu { .. }));
    match (granted.cpu, refusal) {
        (Some(cpu), _) => format!("CPU {cpu}"),
        (None, Some(refusal)) => format!("any CPU: {refusal}"),
        (None, None) => "any CPU".to_owned(),
    }
}

fn latency(latency: Option<&Result<CpuLatency, Refusal>>) -> String {
    match latency {
        None => "as the system has it".to_owned(),
        Some(Ok(_)) => "held".to_owned(),
        Some(Err(refusal)) => format!("as the system has it: {}", refusal.cause()),
    }
}

fn memory(wanted: &Wanted, memory: &Result<(), Refusal>) -> String {
    match memory {
        _ if !wanted.lock_memory => "not locked: lock_memory is false".to_owned(),
        Ok(()) => "locked".to_owned(),
        Err(refusal) => format!("not locked: {}", refusal.cause()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_for_none_ask_for_nothing() {
        let config = NodeConfig { thread_priority: 0, ..NodeConfig::default() };
        assert_eq!(wanted(&config), Wanted::default());
        let config = NodeConfig { thread_priority: 30, cpu_affinity: 2, lock_memory: true, ..config };
        assert_eq!(wanted(&config), Wanted { priority: Some(30), cpu: Some(2), lock_memory: true });
    }

    #[test]
    fn what_was_refused_is_told_with_its_parameter() {
        let priority = Refusal::Priority { priority: 50, cause: "no rights".to_owned() };
        let granted = Granted { priority: None, cpu: None, refusals: vec![priority] };
        let real_time = RealTime {
            wanted: Wanted { priority: Some(50), lock_memory: true, ..Wanted::default() },
            memory: Err(Refusal::MemoryLock { cause: "no rights".to_owned() }),
            latency: Some(Err(Refusal::CpuLatency { microseconds: 0, cause: "no rights".to_owned() })),
            granted: OnceLock::from(granted),
        };
        assert_eq!((real_time.priority(), real_time.is_memory_locked()), (None, false));
        let parameters = ["lock_memory: memory", "cpu_dma_latency_us: a CPU latency", "thread_priority: SCHED_FIFO 50"];
        let refusals = real_time.refusals();
        assert_eq!(refusals.len(), parameters.len());
        assert!(refusals.iter().zip(parameters).all(|(refusal, begin)| refusal.starts_with(begin)), "{refusals:?}");
    }

    #[test]
    fn what_was_granted_and_what_was_refused_is_put_into_words() {
        let refused = Refusal::Cpu { cpu: 1000, cause: "no such CPU".to_owned() };
        let granted = |cpu, refusals| affinity(&Granted { priority: None, cpu, refusals });
        assert_eq!(granted(Some(3), vec![]), "CPU 3");
        assert_eq!(granted(None, vec![]), "any CPU");
        assert_eq!(granted(None, vec![refused]), "any CPU: CPU 1000 refused (no such CPU)");
        let locking = Wanted { lock_memory: true, ..Wanted::default() };
        let refused = Refusal::MemoryLock { cause: "RLIMIT_MEMLOCK is 8192 kB".to_owned() };
        assert_eq!(memory(&locking, &Err(refused)), "not locked: RLIMIT_MEMLOCK is 8192 kB");
        assert_eq!(memory(&locking, &Ok(())), "locked");
        assert_eq!(memory(&Wanted::default(), &Ok(())), "not locked: lock_memory is false");
    }
}
