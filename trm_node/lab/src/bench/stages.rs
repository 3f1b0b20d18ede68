//! The stages of a tick in the order of the flow.

use crate::bench::latencies::Latencies;
use crate::bench::loop_run::LoopRun;

const NAMES: [&str; 8] = ["wake", "encode", "recurse", "decode", "verify", "smooth", "fallback", "publish"];

/// The name and the times of each stage that a run has.
pub fn stages(run: &LoopRun) -> impl Iterator<Item = (&'static str, &Latencies)> {
    NAMES.into_iter().filter_map(|name| {
        let times = if name == "wake" { Some(&run.wake_us) } else { run.stages_us.get(name) };
        Some((name, times?))
    })
}
