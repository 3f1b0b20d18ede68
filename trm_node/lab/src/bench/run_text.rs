//! A run in words.

use crate::bench::loop_run::LoopRun;
use crate::bench::numbers::count;

/// Whether all ticks kept their deadline, and a sentence that says so.
pub fn verdict(run: &LoopRun) -> (bool, String) {
    let (missed, due) = (run.misses.all(), run.due());
    let deadline = run.setup.deadline_ms;
    if missed == 0 {
        (true, format!("Every one of {} ticks kept its deadline of {deadline} ms", count(due)))
    } else {
        (false, format!("{} of {} ticks missed the deadline of {deadline} ms", count(missed), count(due)))
    }
}

/// How a run was made, in one line.
pub fn setup(run: &LoopRun) -> String {
    let setup = &run.setup;
    let load = if setup.load.is_empty() { "idle".to_owned() } else { format!("load: {}", setup.load.join(", ")) };
    let how = setup
        .rmw
        .as_ref()
        .map_or_else(|| "in process, at ordinary priority".to_owned(), |rmw| format!("the node over DDS ({rmw})"));
    format!(
        "{}: {how}, {} Hz for {} s, window {} × {}, {load}, map {}",
        setup.name,
        setup.rate_hz,
        setup.seconds.round(),
        setup.window,
        setup.window,
        setup.map
    )
}
