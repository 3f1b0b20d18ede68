//! The report on one screen of a terminal.

use std::fmt::Write as _;
use std::path::Path;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use crate::bench::loop_run::LoopRun;
use crate::bench::numbers::{count, ms, or_dash, percent, short};
use crate::bench::peers::{NAMES, Peer};
use crate::bench::report::BenchReport;
use crate::bench::run_text::{setup, verdict};

/// The summary, and where the files are.
pub fn text(report: &BenchReport, out: Option<&Path>) -> String {
    let mut text = format!("{}\n", report.machine.summary());
    for run in &report.runs {
        write_run(&mut text, run);
    }
    let parts = part_table(report);
    if parts.row_count() > 0 {
        let _ = writeln!(text, "{}", parts.trim_fmt());
    }
    if !report.peers.is_empty() {
        let _ = writeln!(text, "{}", peer_table(&report.peers).trim_fmt());
    }
    for note in &report.notes {
        let _ = writeln!(text, "note: {note}");
    }
    if let Some(out) = out {
        let _ = writeln!(text, "written: {}, {}", out.join("bench.json").display(), out.join("bench.html").display());
    }
    text.trim_end().to_owned()
}

fn write_run(text: &mut String, run: &LoopRun) {
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

/// A table without borders, whose columns are one space apart.
fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table
}

/// A line for each part that was measured.
fn part_table(report: &BenchReport) -> Table {
    let mut table = plain_table();
    if let Some(kernel) = &report.kernel {
        let nets = kernel.net_us.iter().map(|(name, times)| format!("{name} {}", ms(times.p50)));
        let nets = nets.collect::<Vec<_>>().join(", ");
        let ratio = kernel.vs_onnxruntime.map(|ratio| format!("; {} × onnxruntime", short(ratio)));
        table.add_row(["net", &format!("ms an application: {nets}{}", ratio.unwrap_or_default())]);
        for (size, backends) in kernel.steps.by_size() {
            let steps = backends.iter().map(|(name, times)| format!("{name} {}", ms(times.p50)));
            let steps = steps.collect::<Vec<_>>().join(", ");
            table.add_row(["step", &format!("ms, {size} x {size} cells: {steps}")]);
        }
    }
    for (name, kinds) in [("maps", &report.tick_by_kind), ("worlds", &report.tick_by_kind_generated)] {
        if !kinds.is_empty() {
            let kinds = kinds.iter().map(|(kind, of)| {
                let others = of.thought.filter(|_| of.kept > 0.0);
                let others = others.map(|times| format!(", else {} / {}", ms(times.p50), ms(times.p99)));
                let kept = others.map(|others| format!(" ({} kept{others})", percent(of.kept)));
                format!("{kind} {} / {}{}", ms(of.times.p50), ms(of.times.p99), kept.unwrap_or_default())
            });
            table.add_row([name, &format!("ms, p50 / p99: {}", kinds.collect::<Vec<_>>().join(", "))]);
        }
    }
    if let Some(size) = &report.map_size {
        let text = format!(
            "{0} x {0}: p99 {1} ms, {2} x that of {3} x {3}; {4} solved, cost {5} x the optimum's",
            size.large.width,
            ms(size.large.latency_us.p99),
            short(size.p99_ratio),
            size.small.width,
            percent(size.success),
            or_dash(size.path_cost_ratio, |ratio| format!("{ratio:.3}")),
        );
        table.add_row(["map size", &text]);
    }
    if let Some(slow) = &report.slowdown {
        let text = format!(
            "{} x from the middle of a plan on: at most {} quanta beyond the deadline, {} of {} late",
            short(slow.factor),
            short(slow.overshoot_quanta),
            slow.late,
            slow.plans
        );
        table.add_row(["slowdown", &text]);
    }
    for field in &report.footprint {
        let times = [("cold", &field.cold_us), ("moved", &field.moved_us), ("obstacle", &field.obstacle_us)];
        let times = times.map(|(name, us)| format!("{name} {} / {}", ms(us.p50), ms(us.p99)));
        table.add_row(["footprint", &format!("{}: ms, p50 / p99: {}", field.name(), times.join(", "))]);
    }
    if let Some(column) = table.column_mut(0) {
        column.set_padding((0, 1));
    }
    table
}

/// A line for each map: the median of each, and how many answers were in time if not all were.
fn peer_table(peers: &[Peer]) -> Table {
    let mut table = plain_table();
    table.set_header(std::iter::once("peers, p50 in ms").chain(NAMES));
    for on_map in peers.chunks(NAMES.len()) {
        let cells = on_map.iter().map(|peer| {
            let n = peer.times_us.n;
            let in_time = if peer.in_time == n { String::new() } else { format!(" ({}/{n})", peer.in_time) };
            ms(peer.times_us.p50) + &in_time
        });
        table.add_row(on_map.first().map(|peer| peer.map.clone()).into_iter().chain(cells));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
        if column.index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
