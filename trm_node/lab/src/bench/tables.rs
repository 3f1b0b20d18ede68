//! The report's tables, for the page.

use std::collections::BTreeMap;

use super::figures::{count, ms, or_dash, percent, short};
use super::map_size::OnMap;
use super::plots::STAGES;
use super::report::Bench;
use super::run::{OfKind, Run};

/// A table with its heading and what there is to say of it.
pub struct Table {
    pub title: &'static str,
    pub about: String,
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// All tables that have rows.
pub fn all(bench: &Bench) -> Vec<Table> {
    let kinds = "Milliseconds from request to path: nothing carried over, the robot one or two cells on, an obstacle on its \
                 path, nothing at all. Applications of the net, and the share of their work that was not skipped.";
    let tables = [
        runs(bench),
        stages(bench),
        outcomes(bench),
        kernel(bench),
        by_kind("Ticks by what has changed: maps", kinds, &bench.tick_by_kind),
        by_kind("Ticks by what has changed: generated worlds", "", &bench.tick_by_kind_generated),
        map_size(bench),
        slowdown(bench),
        peers(bench),
        machine(bench),
        settings(bench),
    ];
    tables.into_iter().filter(|table| !table.rows.is_empty()).collect()
}

fn runs(bench: &Bench) -> Table {
    let row = |run: &Run| {
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
    Table {
        title: "Runs",
        about: "Milliseconds from the request to the published path. Misses: after the deadline / later than the period or \
                50 ms / no answer at all. Page faults and allocations are those of the planning thread within its plans \
                (allocations include the inference library's); switches, CPU and memory are the process's."
            .to_owned(),
        head: words(&[
            "run", "ticks", "deadline", "p50", "p99", "p99.9", "max", "least margin", "misses", "model's", "faults",
            "allocations", "switches (own + forced)", "CPU %", "RSS / peak MB", "mJ a plan",
        ]),
        rows: bench.runs.iter().map(row).collect(),
    }
}

fn stages(bench: &Bench) -> Table {
    let mut rows = Vec::new();
    for run in &bench.runs {
        let own = [("overhead", &run.overhead_us)];
        let time = |stage: &'static str| {
            let times = if stage == "wake" { Some(&run.wake_us) } else { run.stages_us.get(stage) };
            times.map(|times| (stage, times))
        };
        let stages = STAGES.into_iter().filter_map(time);
        for (name, times) in stages.chain(own).chain(run.dds_round_trip_us.iter().map(|times| ("round trip", times))) {
            let mut row = vec![run.setup.name.clone(), name.to_owned()];
            row.extend(times.all().into_iter().map(|(_, us)| short(us)));
            rows.push(row);
        }
    }
    Table {
        title: "Stages",
        about: "Microseconds. Wake: how late the loop woke up. Overhead: waking and publishing together. Round trip: from the \
                request's stamp to the path's arrival at the driver, over DDS."
            .to_owned(),
        head: words(&["run", "stage", "p50", "p90", "p99", "p99.9", "max"]),
        rows,
    }
}

fn outcomes(bench: &Bench) -> Table {
    fn list<K: std::fmt::Display>(counts: &BTreeMap<K, u64>) -> String {
        let seen = counts.iter().filter(|(_, n)| **n > 0).map(|(name, n)| format!("{name} {}", count(*n)));
        seen.collect::<Vec<_>>().join(", ")
    }
    let row = |run: &Run| {
        vec![
            run.setup.name.clone(),
            list(&run.source),
            list(&run.results),
            list(&run.stops),
            list(&run.steps),
            or_dash(run.violations, count),
        ]
    };
    Table {
        title: "What came of the plans",
        about: "Steps: how many plans took so many supervision steps, 0 where the carried answer did. Violations: paths that \
                the driver's own check refused."
            .to_owned(),
        head: words(&["run", "source", "result", "why the recursion stopped", "steps", "violations"]),
        rows: bench.runs.iter().map(row).collect(),
    }
}

fn kernel(bench: &Bench) -> Table {
    let mut rows = Vec::new();
    let mut about = String::new();
    if let Some(kernel) = &bench.kernel {
        let peer = kernel.net_us.get(super::kernel::PEER);
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
    Table {
        title: "One application of the net",
        about,
        head: words(&["backend", "n", "least", "median", "95 % interval", "p99", "× onnxruntime"]),
        rows,
    }
}

fn by_kind(title: &'static str, about: &str, kinds: &BTreeMap<String, OfKind>) -> Table {
    let row = |(name, of): (&String, &OfKind)| {
        vec![
            name.clone(),
            count(of.n),
            ms(of.times.p50),
            ms(of.times.p90),
            ms(of.times.p99),
            ms(of.times.max),
            short(of.applications),
            or_dash(of.share, percent),
            percent(of.model),
        ]
    };
    Table {
        title,
        about: about.to_owned(),
        head: words(&["kind", "n", "p50", "p90", "p99", "max", "applications", "work done", "model's"]),
        rows: kinds.iter().map(row).collect(),
    }
}

fn map_size(bench: &Bench) -> Table {
    let mut rows = Vec::new();
    let mut about = String::new();
    if let Some(size) = &bench.map_size {
        let row = |map: &OnMap| {
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
            "Milliseconds; ticks on both in turns. p99 on the large map is {} times that on the small one (95 % interval {low} \
             to {high}). Of {} pairs on the large map {} had a path in time; its cost over the optimum's is {} in the median, {} \
             at worst. Guidance over it took {:.0} ms, off the loop.",
            short(size.p99_ratio),
            size.plans,
            percent(size.success),
            or_dash(size.path_cost_ratio, |ratio| format!("{ratio:.4}")),
            or_dash(size.path_cost_ratio_max, |ratio| format!("{ratio:.4}")),
            size.guidance_ms,
        );
    }
    Table {
        title: "Size of the map",
        about,
        head: words(&["map", "ticks", "p50", "p95", "p99", "max", "missed", "model's"]),
        rows,
    }
}

fn slowdown(bench: &Bench) -> Table {
    let rows = bench.slowdown.iter().map(|slow| {
        vec![
            count(slow.plans),
            count(slow.late),
            ms(slow.overshoot_us),
            ms(slow.quantum_us),
            short(slow.overshoot_quanta),
            count(slow.solved),
        ]
    });
    Table {
        title: "A sudden slowdown",
        about: "From the middle of a plan on each application takes ten times as long, by work. The greatest time beyond the \
                deadline, in milliseconds and in such slow applications."
            .to_owned(),
        head: words(&["plans", "late", "beyond the deadline", "slow application", "in quanta", "with a path"]),
        rows: rows.collect(),
    }
}

fn peers(bench: &Bench) -> Table {
    let row = |peer: &super::peers::Peer| {
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
    Table {
        title: "Beside classical searches",
        about: "The same queries, robot, costs and core; paths straightened and checked. Milliseconds. The model and the A* \
                led by it are given the cost-to-go over the whole map, which is what Dijkstra computes, off their loop. \
                Without a path a query counts as the whole deadline. Cost: median over the best path's over the cells."
            .to_owned(),
        head: words(&["map", "who", "in time", "p50", "p95", "p99", "max", "× A* p50", "cost"]),
        rows: bench.peers.iter().map(row).collect(),
    }
}

fn machine(bench: &Bench) -> Table {
    let mut rows: Vec<Vec<String>> =
        bench.machine.rows().into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    for run in &bench.runs {
        for (name, value) in run.sensors.iter().flat_map(crate::machine::telemetry::readings::Readings::rows) {
            rows.push(vec![format!("{name} ({})", run.setup.name), value]);
        }
    }
    Table { title: "Machine", about: String::new(), head: words(&["what", "value"]), rows }
}

fn settings(bench: &Bench) -> Table {
    let value = serde_json::to_value(&bench.settings).unwrap_or_default();
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) => {
            items.iter().filter_map(serde_json::Value::as_str).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    let rows = value.as_object().into_iter().flatten().map(|(name, value)| vec![name.replace('_', " "), text(value)]);
    Table { title: "Settings", about: String::new(), head: words(&["setting", "value"]), rows: rows.collect() }
}
