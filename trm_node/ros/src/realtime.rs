//! What makes the planner thread a real-time one, in the order of `ros2_control`: parameters, memory, thread, CPU, priority.
//! Nothing of it is needed to plan: what the system refuses is a warning with a hint, and is shown in `/diagnostics`.

use std::io;
use std::path::Path;

use trm_config::Config;

use crate::log::Log;
use crate::system;

/// So much of the planner thread's stack is real before it plans.
const STACK: usize = 512 * 1024;
const PAGE: usize = 4096;
/// Of the process's capabilities in `/proc/self/status`: `CAP_IPC_LOCK`.
const CAP_IPC_LOCK: u32 = 14;

const PRIORITY_HINT: &str = "give the user `rtprio 98` in /etc/security/limits.conf (the group realtime of ros2_control), \
     or the container --ulimit rtprio=98 --cap-add=sys_nice; where cgroups share real-time out, \
     sysctl kernel.sched_rt_runtime_us=-1. A limit RLIMIT_RTTIME would end the node";
const MEMORY_HINT: &str = "give the user `memlock unlimited` in /etc/security/limits.conf (the group realtime of \
     ros2_control), or the container --ulimit memlock=-1 --cap-add=ipc_lock";
const AFFINITY_HINT: &str = "it must be one of the machine's and of those that taskset or a cpuset leaves the process";

/// What became of the parameters, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    pub scheduling: &'static str,
    /// 0: an ordinary thread.
    pub priority: i32,
    pub affinity: String,
    pub memory: String,
}

/// Locks the memory of the process, if that is wanted. Before the threads start. What came of it, in words.
pub fn lock_memory(config: &Config, log: &Log) -> String {
    load_code();
    if !config.node.lock_memory {
        return "not locked: lock_memory is false".to_owned();
    }
    let locked = if let Some(limit) = system::lock_limit().filter(|_| !may_lock_all()) {
        // Within a limit memory can be locked now, and then can't be had later.
        Err(format!("RLIMIT_MEMLOCK is {} kB", limit / 1024))
    } else {
        system::lock_memory().map_err(|error| error.to_string())
    };
    match locked {
        Ok(()) => "locked".to_owned(),
        Err(error) => {
            log.warn(&format!("lock_memory: memory stays unlocked ({error}): {MEMORY_HINT}"));
            format!("not locked: {error}")
        }
    }
}

/// Makes the calling thread what the parameters say. `memory` is what [`lock_memory`] gave.
pub fn enter(config: &Config, memory: String, log: &Log) -> Granted {
    touch_stack();
    system::wake_in_time();
    let affinity = match usize::try_from(config.node.cpu_affinity) {
        Err(_) => "any CPU".to_owned(),
        Ok(cpu) => {
            let refused = |error| {
                log.warn(&format!("cpu_affinity: CPU {cpu} refused ({error}): {AFFINITY_HINT}"));
                format!("any CPU: CPU {cpu} refused ({error})")
            };
            system::pin(cpu).map_or_else(refused, |()| format!("CPU {cpu}"))
        }
    };
    let wanted = i32::try_from(config.node.thread_priority).unwrap_or(i32::MAX);
    if let Err(error) = set_priority(wanted) {
        log.warn(&format!("thread_priority: SCHED_FIFO {wanted} refused ({error}): {PRIORITY_HINT}"));
    }
    let priority = system::fifo();
    let scheduling = if priority.is_some() { "SCHED_FIFO" } else { "SCHED_OTHER" };
    Granted { scheduling, priority: priority.unwrap_or_default(), affinity, memory }
}

/// Makes the calling thread one that works for the planner thread, which was granted this: it runs when that doesn't, and
/// before all others.
pub fn enter_below(planner: &Granted) {
    system::wake_in_time();
    // Nothing that the planner thread has is refused here.
    let _ = set_priority(if planner.priority == 0 { 0 } else { (planner.priority - 1).max(1) });
}

/// 0 leaves the thread as it is.
fn set_priority(priority: i32) -> io::Result<()> {
    if priority == 0 { Ok(()) } else { system::set_fifo(priority) }
}

fn may_lock_all() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    effective.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).is_some_and(|set| set >> CAP_IPC_LOCK & 1 == 1)
}

/// Reads in the code that plans, so that no plan is the first to need a page of it.
fn load_code() {
    let program = std::env::current_exe().unwrap_or_default();
    for line in std::fs::read_to_string("/proc/self/maps").unwrap_or_default().lines() {
        if let Some((start, end)) = code_of(line, &program) {
            system::populate(start, end);
        }
    }
}

/// The addresses of a line of `/proc/self/maps`, if it is code of the program or of the C library.
fn code_of(line: &str, program: &Path) -> Option<(usize, usize)> {
    let mut words = line.split_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let is_code = words.next()?.contains('x');
    let file = Path::new(words.nth(3)?);
    let is_ours = file == program || ["libc.so.6", "libm.so.6"].iter().any(|name| file.ends_with(name));
    let address = |text| usize::from_str_radix(text, 16).ok();
    if is_code && is_ours { Some((address(start)?, address(end)?)) } else { None }
}

#[inline(never)]
#[expect(clippy::large_stack_arrays, reason = "it is the stack that is to be touched")]
fn touch_stack() {
    let mut stack = [0_u8; STACK];
    for page in stack.chunks_mut(PAGE) {
        page[0] = std::hint::black_box(1);
    }
    std::hint::black_box(&mut stack);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_s_code_is_found_among_the_mappings() {
        let program = Path::new("/opt/ros/lib/trm_node/trm_node");
        let code = "5581c0a2e000-5581c1570000 r-xp 0039a000 fe:00 8918 /opt/ros/lib/trm_node/trm_node";
        assert_eq!(code_of(code, program), Some((0x5581_c0a2_e000, 0x5581_c157_0000)));
        let data = "5581c0a2e000-5581c1570000 rw-p 0039a000 fe:00 8918 /opt/ros/lib/trm_node/trm_node";
        assert_eq!(code_of(data, program), None);
        let libc = "7f0000000000-7f0000001000 r-xp 00026000 fe:00 3 /usr/lib/x86_64-linux-gnu/libc.so.6";
        assert_eq!(code_of(libc, program), Some((0x7f00_0000_0000, 0x7f00_0000_1000)));
        assert_eq!(code_of("7ffc8a5f2000-7ffc8a5f4000 r-xp 00000000 00:00 0 [vdso]", program), None);
        assert_eq!(code_of("7ffc8a5f2000-7ffc8a5f4000 r-xp 00000000 00:00 0", program), None);
    }

    #[test]
    fn a_priority_of_none_leaves_the_thread_as_it_is() {
        let before = system::fifo();
        set_priority(0).unwrap();
        assert_eq!(system::fifo(), before);
    }
}
