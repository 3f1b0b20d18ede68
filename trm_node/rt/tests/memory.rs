//! Locked memory. Alone in its process, because locking changes what every other test would see.
#![cfg(not(miri))]

use std::fs;

use trm_rt::real_time::{Wanted, prepare_process};
use trm_rt::refusal::Refusal;

/// How much of this process's memory is locked.
fn locked_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn memory_is_locked_only_when_that_is_wanted_and_granted() {
    prepare_process(&Wanted::default()).unwrap();
    assert_eq!(locked_kb(), 0);
    match prepare_process(&Wanted { lock_memory: true, ..Wanted::default() }) {
        Ok(()) => assert!(locked_kb() > 0),
        Err(refusal) => {
            assert!(matches!(refusal, Refusal::MemoryLock { .. }), "{refusal:?}");
            assert!(refusal.to_string().starts_with("memory stays unlocked ("), "{refusal}");
            assert!(refusal.hint().contains("memlock unlimited"));
            assert_eq!(locked_kb(), 0);
        }
    }
}
