//! The tables of the report's page.

use std::collections::BTreeMap;

use crate::bench::footprint::FieldTimes;
use crate::bench::kernel::PEER;
use crate::bench::kind_figures::KindFigures;
use crate::bench::loop_run::LoopRun;
use crate::bench::map_size::{MapTicks, UntilGuidance};
use crate::bench::numbers::{count, ms, or_dash, percent, short};
use crate::bench::peers::Peer;
use crate::bench::report::BenchReport;
use crate::bench::stages::stages;
use crate::machine::telemetry::readings::Readings;

/// A table with its heading and an explanation.
pub struct ReportTable {
    /// The heading.
    pub title: &'static str,
    /// The explanation; may be empty.
    pub about: String,
    /// The columns' titles.
    pub head: Vec<String>,
    /// Cells, row by row.
    pub rows: Vec<Vec<String>>,
}

fn titles(titles: &[&str]) -> Vec<String> {
    titles.iter().map(|title| (*title).to_owned()).collect()
}

/// All tables that have rows.
pub fn all(report: &BenchReport) -> Vec<ReportTable> {
    let kinds = "Milliseconds from request to path. Cold: nothing was carried over. Moved: the robot is one or two \
                 cells further. Obstacle: there is a new obstacle on its path. Still: nothing has changed. \
                 Kept: plans that kept their path without a thought; the next two columns are the times of the others. \
                 Applications of the net, and the share of their work that wasn't skipped.";
    let tables = [
        runs(report),
        stage_times(report),
        outcomes(report),
        kernel(report),
        steps(report),
        by_kind("Ticks by what has changed: maps", kinds, &report.tick_by_kind),
        by_kind("Ticks by what has changed: generated worlds", "", &report.tick_by_kind_generated),
        map_size(report),
        slowdown(report),
        peers(report),
        footprint(report),
        machine(report),
        settings(report),
    ];
    tables.into_iter().filter(|table| !table.rows.is_empty()).collect()
}

fn runs(report: &BenchReport) -> ReportTable {
    let row = |run: &LoopRun| {
        let misses = run.misses;
        let switches = or_dash(run.context_switches, |s| format!("{} + {}", count(s.voluntary), count(s.involuntary)));
        vec![
            run.setup.name.clone(),
            count(run.ticks),
            run.setup.deadline_ms.to_string(),
            ms(run.latency_us.p50),
            ms(run.latency_us.p99),
            ms(run.latency_us.p999),
            ms(run.latency_us.max),
            ms(run.margin_us.min),
            format!("{} / {} / {}", misses.late, misses.too_late, misses.lost),
            or_dash(run.model_share(), percent),
            or_dash(run.page_faults, count),
            or_dash(run.allocations, count),
            switches,
            or_dash(run.cpu_percent, |cpu| format!("{cpu:.0}")),
            or_dash(run.rss_mb.zip(run.rss_peak_mb), |(now, peak)| format!("{now:.0} / {peak:.0}")),
            or_dash(run.energy_mj_per_plan, short),
        ]
    };
    ReportTable {
        title: "Runs",
        about: "Milliseconds from the request to the published path. Misses: after the deadline / later than the \
                period or 50 ms / no answer at all. Page faults and allocations are those of the planning thread \
                within its plans (allocations include the inference library's); switches, CPU and memory are the \
                process's."
            .to_owned(),
        head: titles(&[
            "run",
            "ticks",
            "deadline",
            "p50",
            "p99",
            "p99.9",
            "max",
            "least margin",
            "misses",
            "model's",
            "faults",
            "allocations",
            "switches (own + forced)",
            "CPU %",
            "RSS / peak MB",
            "mJ a plan",
        ]),
        rows: report.runs.iter().map(row).collect(),
    }
}

fn stage_times(report: &BenchReport) -> ReportTable {
    let mut rows = Vec::new();
    for run in &report.runs {
        let others = std::iter::once(("overhead", &run.overhead_us))
            .chain(run.dds_round_trip_us.iter().map(|times| ("round trip", times)));
        for (name, times) in stages(run).chain(others) {
            let mut row = vec![run.setup.name.clone(), name.to_owned()];
            row.extend(times.all().into_iter().map(|(_, us)| short(us)));
            rows.push(row);
        }
    }
    ReportTable {
        title: "Stages",
        about: "Microseconds. Wake: how late the loop woke up. Overhead: waking and publishing together. Round trip: \
                from the request's stamp to the path's arrival at the driver, over DDS."
            .to_owned(),
        head: titles(&["run", "stage", "p50", "p90", "p99", "p99.9", "max"]),
        rows,
    }
}

fn outcomes(report: &BenchReport) -> ReportTable {
    fn list<K: std::fmt::Display>(counts: &BTreeMap<K, u64>) -> String {
        let seen = counts.iter().filter(|(_, n)| **n > 0).map(|(name, n)| format!("{name} {}", count(*n)));
        seen.collect::<Vec<_>>().join(", ")
    }
    let row = |run: &LoopRun| {
        vec![
            run.setup.name.clone(),
            list(&run.source),
            list(&run.results),
            list(&run.stops),
            list(&run.steps),
            or_dash(run.violations, count),
        ]
    };
    ReportTable {
        title: "What came of the plans",
        about: "Steps: how many plans took each number of supervision steps; 0 if the carried-over answer was enough. \
                Violations: paths that failed the recording program's own check."
            .to_owned(),
        head: titles(&["run", "source", "result", "why the recursion stopped", "steps", "violations"]),
        rows: report.runs.iter().map(row).collect(),
    }
}

fn kernel(report: &BenchReport) -> ReportTable {
    let mut rows = Vec::new();
    let mut about = String::new();
    if let Some(kernel) = &report.kernel {
        let peer = kernel.net_us.get(PEER);
        for (name, sample) in &kernel.net_us {
            let ratio = peer.map(|peer| sample.p50 / peer.p50);
            rows.push(vec![
                name.clone(),
                count(sample.n),
                short(sample.min),
                short(sample.p50),
                format!("{} to {}", short(sample.p50_interval[0]), short(sample.p50_interval[1])),
                short(sample.p99),
                or_dash(ratio, short),
            ]);
        }
        about = format!(
            "Microseconds, window {0} × {0}, one thread, in turns in the same process. The planner runs {1}. {2}",
            kernel.window,
            kernel.ours,
            kernel.reason.as_deref().unwrap_or("The ratio is that of the medians.")
        );
    }
    ReportTable {
        title: "One application of the net",
        about,
        head: titles(&["backend", "n", "least", "median", "95 % interval", "p99", "× onnxruntime"]),
        rows,
    }
}

fn steps(report: &BenchReport) -> ReportTable {
    let mut rows = Vec::new();
    let mut about = String::new();
    if let Some(kernel) = &report.kernel {
        let steps = &kernel.steps;
        for (size, backends) in steps.by_size() {
            let cpu = backends.get("cpu");
            for (name, sample) in backends {
                rows.push(vec![
                    size.clone(),
                    name.clone(),
                    count(sample.n),
                    short(sample.min),
                    short(sample.p50),
                    short(sample.p99),
                    or_dash(cpu.map(|cpu| cpu.p50 / sample.p50), short),
                    or_dash(steps.mj.get(size).and_then(|mj| mj.get(name)).copied(), short),
                ]);
            }
        }
        about = format!(
            "Microseconds from the call to the logits, in turns in one thread. GPU: {}. Energy is that of the whole machine, \
             idle power included.",
            steps.gpu
        );
    }
    ReportTable {
        title: "One supervision step with its decoding",
        about,
        head: titles(&["window", "backend", "n", "least", "median", "p99", "times faster than cpu", "mJ"]),
        rows,
    }
}

fn by_kind(title: &'static str, about: &str, kinds: &BTreeMap<String, KindFigures>) -> ReportTable {
    let row = |(name, of): (&String, &KindFigures)| {
        vec![
            name.clone(),
            count(of.n),
            ms(of.times.p50),
            ms(of.times.p90),
            ms(of.times.p99),
            ms(of.times.max),
            percent(of.kept),
            or_dash(of.thought.map(|times| times.p50), ms),
            or_dash(of.thought.map(|times| times.p99), ms),
            short(of.applications),
            or_dash(of.share, percent),
            percent(of.model),
        ]
    };
    ReportTable {
        title,
        about: about.to_owned(),
        head: titles(&[
            "kind",
            "n",
            "p50",
            "p90",
            "p99",
            "max",
            "kept",
            "p50",
            "p99",
            "applications",
            "work done",
            "model's",
        ]),
        rows: kinds.iter().map(row).collect(),
    }
}

fn until_guidance(until: &UntilGuidance) -> String {
    format!(
        " That along one way, which a new goal gets first, took {:.0} ms, at most {:.0}; its path costs {} times the \
         optimum in the median, {} at worst. On the map after it had grown on all sides, with the guidance of before, {} \
         had a path in time.",
        until.corridor_ms,
        until.corridor_ms_max,
        or_dash(until.corridor_cost_ratio, |ratio| format!("{ratio:.4}")),
        or_dash(until.corridor_cost_ratio_max, |ratio| format!("{ratio:.4}")),
        percent(until.success_grown),
    )
}

fn map_size(report: &BenchReport) -> ReportTable {
    let mut rows = Vec::new();
    let mut about = String::new();
    if let Some(size) = &report.map_size {
        let row = |map: &MapTicks| {
            vec![
                format!("{} × {}", map.width, map.height),
                count(map.latency_us.n),
                ms(map.latency_us.p50),
                ms(map.latency_us.p95),
                ms(map.latency_us.p99),
                ms(map.latency_us.max),
                count(map.missed),
                percent(map.model),
            ]
        };
        rows = vec![row(&size.small), row(&size.large)];
        let [low, high] = size.p99_ratio_interval.map(|side| or_dash(side, short));
        about = format!(
            "Milliseconds; the ticks on both maps take turns. p99 on the large map is {} times that on the small one \
             (95 % interval {low} to {high}). Of {} pairs on the large map {} had a path in time; its cost over the \
             optimum's is {} in the median, {} at worst. Guidance over it took {:.0} ms, off the loop.",
            short(size.p99_ratio),
            size.plans,
            percent(size.success),
            or_dash(size.path_cost_ratio, |ratio| format!("{ratio:.4}")),
            or_dash(size.path_cost_ratio_max, |ratio| format!("{ratio:.4}")),
            size.guidance_ms,
        );
        about += &size.until_guidance.as_ref().map(until_guidance).unwrap_or_default();
    }
    ReportTable {
        title: "Size of the map",
        about,
        head: titles(&["map", "ticks", "p50", "p95", "p99", "max", "missed", "model's"]),
        rows,
    }
}

fn slowdown(report: &BenchReport) -> ReportTable {
    let rows = report.slowdown.iter().map(|slow| {
        vec![
            count(slow.plans),
            count(slow.late),
            ms(slow.overshoot_us),
            ms(slow.quantum_us),
            short(slow.overshoot_quanta),
            count(slow.solved),
        ]
    });
    ReportTable {
        title: "A sudden slowdown",
        about: "From the middle of a plan on, each application takes ten times as long, by work. The longest time \
                beyond the deadline, in milliseconds and in such slow applications."
            .to_owned(),
        head: titles(&["plans", "late", "beyond the deadline", "slow application", "in quanta", "with a path"]),
        rows: rows.collect(),
    }
}

fn peers(report: &BenchReport) -> ReportTable {
    let row = |peer: &Peer| {
        vec![
            peer.map.clone(),
            peer.name.clone(),
            format!("{} / {}", peer.in_time, peer.times_us.n),
            ms(peer.times_us.p50),
            ms(peer.times_us.p95),
            ms(peer.times_us.p99),
            ms(peer.times_us.max),
            or_dash(peer.vs_astar, short),
            or_dash(peer.cost_ratio, |ratio| format!("{ratio:.3}")),
        ]
    };
    ReportTable {
        title: "Beside classical searches",
        about: "The same queries, robot, costs and core; paths are straightened and checked. Milliseconds. The model, \
                and the A* that it is compared with last, are given the cost-to-go over the whole map, which Dijkstra \
                computes, off their loop. A query without a path counts as the whole deadline. Cost: median, over \
                that of the best path over the cells."
            .to_owned(),
        head: titles(&["map", "who", "in time", "p50", "p95", "p99", "max", "× A* p50", "cost"]),
        rows: report.peers.iter().map(row).collect(),
    }
}

fn footprint(report: &BenchReport) -> ReportTable {
    let row = |field: &FieldTimes| {
        let mut row = vec![field.name(), field.level.clone(), count(field.cold_us.n)];
        row.extend(
            [&field.cold_us, &field.moved_us, &field.obstacle_us].iter().flat_map(|us| [ms(us.p50), ms(us.p99)]),
        );
        row.push(percent(field.warm));
        row
    };
    ReportTable {
        title: "Cost-to-go for a robot with a footprint",
        about: "Milliseconds for a window over positions and headings, and a car of 0.62 m × 0.9 m in cells of 5 cm: from \
                nothing, after the window has moved by a cell, and after an obstacle of 3 × 3 cells has come. Each is the \
                least of three runs of the same work. Kept: how often what still held was kept."
            .to_owned(),
        head: titles(&[
            "window / headings, world",
            "by",
            "n",
            "cold p50",
            "p99",
            "moved p50",
            "p99",
            "obstacle p50",
            "p99",
            "kept",
        ]),
        rows: report.footprint.iter().map(row).collect(),
    }
}

fn machine(report: &BenchReport) -> ReportTable {
    let mut rows: Vec<Vec<String>> =
        report.machine.rows().into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    for run in &report.runs {
        for (name, value) in run.sensors.iter().flat_map(Readings::rows) {
            rows.push(vec![format!("{name} ({})", run.setup.name), value]);
        }
    }
    ReportTable { title: "Machine", about: String::new(), head: titles(&["what", "value"]), rows }
}

fn settings(report: &BenchReport) -> ReportTable {
    let value = serde_json::to_value(&report.settings).unwrap_or_default();
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) => {
            items.iter().filter_map(serde_json::Value::as_str).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    let rows = value.as_object().into_iter().flatten().map(|(name, value)| vec![name.replace('_', " "), text(value)]);
    ReportTable { title: "Settings", about: String::new(), head: titles(&["setting", "value"]), rows: rows.collect() }
}
