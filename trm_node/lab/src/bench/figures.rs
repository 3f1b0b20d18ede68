//! Every figure of a report by its name, with its confidence interval where there is one.

use crate::bench::loop_run::LoopRun;
use crate::bench::report::BenchReport;
use crate::bench::sample_times::{SampleTimes, ranks};
use crate::statistics::wilson;

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Its place in the report, such as `idle.latency_us.p50`.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// The 95 % confidence interval; a side without a bound is infinite. `None` if no rule gives an interval.
    pub interval: Option<[f64; 2]>,
}

/// All figures, in the order of the report.
pub fn all(bench: &BenchReport) -> Vec<Figure> {
    let mut figures = Figures(Vec::new());
    for run in &bench.runs {
        figures.run(run);
    }
    if let Some(kernel) = &bench.kernel {
        for (name, sample) in &kernel.net_us {
            figures.sample(&format!("kernel.net_us.{name}"), sample);
        }
        figures.option("vs_onnxruntime", kernel.vs_onnxruntime);
    }
    for (part, kinds) in
        [("tick_by_kind", &bench.tick_by_kind), ("tick_by_kind_generated", &bench.tick_by_kind_generated)]
    {
        for (kind, of) in kinds {
            figures.plain(&format!("{part}.{kind}.p50"), of.times.p50);
            figures.plain(&format!("{part}.{kind}.p99"), of.times.p99);
            if let Some(thought) = of.thought {
                figures.plain(&format!("{part}.{kind}.thought.p50"), thought.p50);
                figures.plain(&format!("{part}.{kind}.thought.p99"), thought.p99);
            }
            figures.option(&format!("{part}.{kind}.share"), of.share);
            figures.share(&format!("{part}.{kind}.model"), (of.model * of.n as f64).round() as usize, of.n as usize);
        }
    }
    if let Some(size) = &bench.map_size {
        let [low, high] = size.p99_ratio_interval;
        let interval = Some([low.unwrap_or_default(), high.unwrap_or(f64::INFINITY)]);
        figures.0.push(Figure { name: "map_size.p99_ratio".to_owned(), value: size.p99_ratio, interval });
        figures.sample("map_size.small.latency_us", &size.small.latency_us);
        figures.sample("map_size.large.latency_us", &size.large.latency_us);
        figures.option("map_size.path_cost_ratio", size.path_cost_ratio);
        let solved = (size.success * size.plans as f64).round() as usize;
        figures.share("map_size.success", solved, size.plans as usize);
    }
    if let Some(slowdown) = &bench.slowdown {
        figures.plain("slowdown.overshoot_quanta", slowdown.overshoot_quanta);
    }
    for peer in &bench.peers {
        let name = format!("peers.{}.{}", peer.map, peer.name);
        figures.sample(&name, &peer.times_us);
        figures.share(&format!("{name}.in_time"), peer.in_time as usize, peer.times_us.n as usize);
        figures.option(&format!("{name}.cost_ratio"), peer.cost_ratio);
    }
    for field in &bench.footprint {
        let world = if field.has_boxes { "boxes" } else { "empty" };
        let name = format!("footprint.{}_{world}", field.window);
        for (kind, times) in [("cold", &field.cold_us), ("moved", &field.moved_us), ("obstacle", &field.obstacle_us)] {
            figures.sample(&format!("{name}.{kind}_us"), times);
        }
    }
    figures.0
}

struct Figures(Vec<Figure>);

impl Figures {
    fn plain(&mut self, name: &str, value: f64) {
        self.0.push(Figure { name: name.to_owned(), value, interval: None });
    }

    fn option(&mut self, name: &str, value: Option<f64>) {
        if let Some(value) = value {
            self.plain(name, value);
        }
    }

    fn share(&mut self, name: &str, hits: usize, n: usize) {
        if n > 0 {
            let interval = Some(wilson(hits.min(n), n));
            self.0.push(Figure { name: name.to_owned(), value: hits as f64 / n as f64, interval });
        }
    }

    fn sample(&mut self, name: &str, sample: &SampleTimes) {
        if sample.n > 0 {
            let interval = Some(sample.p50_interval);
            self.0.push(Figure { name: format!("{name}.p50"), value: sample.p50, interval });
            self.plain(&format!("{name}.min"), sample.min);
            self.plain(&format!("{name}.p99"), sample.p99);
        }
    }

    fn run(&mut self, run: &LoopRun) {
        let name = |rest: &str| format!("{}.{rest}", run.setup.name);
        for (quantile, (label, value)) in [0.5, 0.9, 0.99, 0.999].into_iter().zip(run.latency_us.all()) {
            let interval = Some(interval(&run.histogram, quantile));
            self.0.push(Figure { name: name(&format!("latency_us.{label}")), value, interval });
        }
        self.plain(&name("latency_us.max"), run.latency_us.max);
        let due = run.due() as usize;
        let misses = run.misses;
        for (label, count) in [
            ("misses", misses.all()),
            ("misses.late", misses.late),
            ("misses.too_late", misses.too_late),
            ("misses.lost", misses.lost),
        ] {
            self.share(&name(label), count as usize, due);
        }
        for (source, count) in &run.source {
            self.share(&name(&format!("source.{source}")), *count as usize, run.ticks as usize);
        }
        for (stage, times) in &run.stages_us {
            self.plain(&name(&format!("stages_us.{stage}.p50")), times.p50);
            self.plain(&name(&format!("stages_us.{stage}.p99")), times.p99);
        }
        self.plain(&name("wake_us.p99"), run.wake_us.p99);
        self.plain(&name("overhead_us.p99"), run.overhead_us.p99);
        let a_tick = |count: Option<u64>| count.map(|count| count as f64 / run.ticks.max(1) as f64);
        self.option(&name("page_faults_a_tick"), a_tick(run.page_faults));
        self.option(&name("allocations_a_tick"), a_tick(run.allocations));
        self.option(&name("cpu_percent"), run.cpu_percent);
        self.option(&name("rss_mb"), run.rss_mb);
        self.option(&name("rss_peak_mb"), run.rss_peak_mb);
        self.option(&name("energy_mj_per_plan"), run.energy_mj_per_plan);
    }
}

/// The 95 % confidence interval of a quantile of the times in a histogram.
pub fn interval(histogram: &[(f64, u64)], quantile: f64) -> [f64; 2] {
    let n = histogram.iter().map(|(_, count)| count).sum();
    let (low, high) = ranks(n, quantile);
    let at = |rank: u64| {
        let mut passed = 0;
        histogram.iter().find_map(|(value, count)| {
            passed += count;
            (passed >= rank).then_some(*value)
        })
    };
    [if low == 0 { 0.0 } else { at(low).unwrap_or(f64::INFINITY) }, at(high).unwrap_or(f64::INFINITY)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_that_too_few_times_say_anything_of_has_no_upper_bound() {
        let histogram: Vec<(f64, u64)> = (1..=1000).map(|us| (f64::from(us), 1)).collect();
        let rounded = |[low, high]: [f64; 2]| [low as u64, high as u64];
        assert_eq!(rounded(interval(&histogram, 0.5)), [469, 532]);
        let [low, high] = interval(&histogram, 0.999);
        assert!(low as u64 == 997 && high.is_infinite());
        assert!(interval(&[], 0.5)[1].is_infinite());
    }
}
