//! What the terminal shows: one screen.

use std::fmt::Write as _;
use std::path::Path;

use super::figures::{count, ms, or_dash, percent, short};
use super::html::{setup, verdict};
use super::peers::NAMES;
use super::report::Bench;
use super::run::Run;

/// The summary; says where the files are.
pub fn text(bench: &Bench, out: Option<&Path>) -> String {
    let mut text = format!("{}\n", bench.machine.summary());
    for run in &bench.runs {
        of_run(&mut text, run);
    }
    let mut line = |name: &str, rest: String| {
        let _ = writeln!(text, "{name:<11} {rest}");
    };
    if let Some(kernel) = &bench.kernel {
        let nets = kernel.net_us.iter().map(|(name, sample)| format!("{name} {}", ms(sample.p50)));
        let ratio = kernel.vs_onnxruntime.map(|ratio| format!("; {} × onnxruntime", short(ratio)));
        line("net", format!("ms an application: {}{}", nets.collect::<Vec<_>>().join(", "), ratio.unwrap_or_default()));
    }
    for (name, kinds) in [("maps", &bench.tick_by_kind), ("worlds", &bench.tick_by_kind_generated)] {
        if !kinds.is_empty() {
            let kinds = kinds.iter().map(|(kind, of)| format!("{kind} {} / {}", ms(of.times.p50), ms(of.times.p99)));
            line(name, format!("ms, p50 / p99: {}", kinds.collect::<Vec<_>>().join(", ")));
        }
    }
    if let Some(size) = &bench.map_size {
        line(
            "map size",
            format!(
                "{0} x {0}: p99 {1} ms, {2} x that of {3} x {3}; {4} solved, cost {5} x the optimum's",
                size.large.width,
                ms(size.large.latency_us.p99),
                short(size.p99_ratio),
                size.small.width,
                percent(size.success),
                or_dash(size.path_cost_ratio, |ratio| format!("{ratio:.3}")),
            ),
        );
    }
    if let Some(slow) = &bench.slowdown {
        line(
            "slowdown",
            format!(
                "{} x from the middle of a plan on: at most {} quanta beyond the deadline, {} of {} late",
                short(slow.factor),
                short(slow.overshoot_quanta),
                slow.late,
                slow.plans
            ),
        );
    }
    peers(&mut text, bench);
    for note in &bench.notes {
        let _ = writeln!(text, "note: {note}");
    }
    if let Some(out) = out {
        let _ = writeln!(text, "written: {}, {}", out.join("bench.json").display(), out.join("bench.html").display());
    }
    text.trim_end().to_owned()
}

fn of_run(text: &mut String, run: &Run) {
    let misses = run.misses;
    let _ = writeln!(text, "{}", setup(run));
    let _ = writeln!(
        text,
        "            {}: {} late, {} too late, {} lost",
        verdict(run).1,
        misses.late,
        misses.too_late,
        misses.lost
    );
    let quantiles = run.latency_us.all().map(|(name, us)| format!("{name} {}", ms(us)));
    let _ = writeln!(
        text,
        "            ms: {}; paths of the model: {}",
        quantiles.join(", "),
        or_dash(run.model_share(), percent)
    );
    let _ = writeln!(
        text,
        "            in plans: {} page faults, {} allocations; CPU {} %, RSS {} MB",
        or_dash(run.page_faults, count),
        or_dash(run.allocations, count),
        or_dash(run.cpu_percent, |cpu| format!("{cpu:.0}")),
        or_dash(run.rss_mb, |mb| format!("{mb:.0}")),
    );
}

/// A line for each map: the median of each and how many were in time.
fn peers(text: &mut String, bench: &Bench) {
    if bench.peers.is_empty() {
        return;
    }
    let _ = writeln!(text, "{:<17}{}", "peers, p50 in ms", NAMES.map(|name| format!("{name:>21}")).concat());
    for found in bench.peers.chunks(NAMES.len()) {
        let cells = found.iter().map(|peer| {
            let all = if peer.in_time == peer.times_us.n {
                String::new()
            } else {
                format!(" ({}/{})", peer.in_time, peer.times_us.n)
            };
            format!("{:>21}", ms(peer.times_us.p50) + &all)
        });
        let _ = writeln!(text, "{:<17}{}", found[0].map, cells.collect::<String>());
    }
}
