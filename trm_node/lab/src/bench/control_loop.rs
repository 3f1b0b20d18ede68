//! The control loop: a plan at every tick. Ticks are at absolute times, so a late one doesn't delay those after it.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::ProgressBar;
use trm_net::bundle::Bundle;
use trm_planner::halt::deadline::Clock as _;
use trm_planner::stats::TimeHistogram;
use trm_rt::usage::Usage;

use crate::bench::args::Load;
use crate::bench::bench_map::BenchMap;
use crate::bench::drive::Drive;
use crate::bench::loop_run::LoopRun;
use crate::bench::memory;
use crate::bench::microseconds::from_us;
use crate::bench::miss::miss;
use crate::bench::process_counts::ProcessCounts;
use crate::bench::progress_bar::show_share;
use crate::bench::run_header::RunHeader;
use crate::bench::setting::BenchSetting;
use crate::bench::stress::Stress;
use crate::bench::tick::Tick;
use crate::bench::timing::sleep_until;
use crate::machine::telemetry::sensors::Sensors;

/// Ticks on each map before the first one that counts.
const WARM_UP: u64 = 5;
/// How long the first guidance on a map may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// The progress bar's text changes once in so many ticks.
const TICKS_PER_MESSAGE: usize = 10;

/// Drives over one map after the other. All together take the setting's duration.
///
/// # Errors
/// If the bundle can't be run on the window, or a map has no way to drive.
pub fn run(
    setting: &BenchSetting,
    bundle: &Bundle,
    maps: &[BenchMap],
    load: &[Load],
    bar: &ProgressBar,
) -> anyhow::Result<LoopRun> {
    let clock = Instant::now();
    let duration_per_map = setting.duration / maps.len().max(1) as u32;
    let mut recorder = LoopRecorder::new(setting, &clock, maps.len());
    let mut sensors = Sensors::open();
    sensors.start();
    let mut sizes = Vec::new();
    for (number, map) in maps.iter().enumerate() {
        let mut drive = Drive::new(setting, bundle, &clock, map.grid.clone(), setting.seed ^ number as u64)
            .with_context(|| format!("map {}", map.name))?;
        sizes.push(drive.size());
        drive.wait_for_guidance(PATIENCE);
        recorder.drive(&mut drive, duration_per_map, bar)?;
    }
    let readings = sensors.stop();
    let mut process = recorder.process;
    let seconds = recorder.recorded.as_secs_f64();
    process.cpu_percent = (seconds > 0.0).then(|| recorder.cpu_us as f64 / 1e4 / seconds);
    process.energy_mj = readings.as_ref().and_then(|readings| readings.energy_mj);
    process.sensors = readings;
    (process.rss_mb, process.rss_peak_mb) = memory::resident_mb();
    let (width, height, resolution) =
        sizes.iter().copied().max_by_key(|(width, height, _)| width * height).unwrap_or_default();
    let header = RunHeader {
        name: if load.is_empty() { "offline".to_owned() } else { "offline_loaded".to_owned() },
        map: maps.iter().map(|map| map.name.as_str()).collect::<Vec<_>>().join(", "),
        width,
        height,
        resolution,
        rate_hz: setting.rate_hz,
        deadline_ms: setting.config.node.deadline_ms,
        window: setting.config.planner.window_size as u32,
        seconds,
        load: load.iter().map(|load| load.name().to_owned()).collect(),
        rmw: None,
        bundle: Some(bundle.manifest.name.clone()),
        backend: Some(setting.backend.clone()),
    };
    Ok(LoopRun::new(header, &recorder.ticks, process))
}

/// Does the same while stress-ng works. The inner error says why there was no load.
///
/// # Errors
/// As [`run`].
pub fn run_loaded(
    setting: &BenchSetting,
    bundle: &Bundle,
    maps: &[BenchMap],
    load: &[Load],
    bar: &ProgressBar,
) -> anyhow::Result<Result<LoopRun, String>> {
    let mut stress = match Stress::start(load, 2 * setting.duration) {
        Ok(stress) => stress,
        Err(reason) => return Ok(Err(reason)),
    };
    let run = run(setting, bundle, maps, load, bar)?;
    if stress.has_ended() {
        return Ok(Err("stress-ng ended before the run under load was over, so its figures are left out".to_owned()));
    }
    Ok(Ok(run))
}

/// Runs the ticks and keeps what is measured of them.
struct LoopRecorder<'a> {
    setting: &'a BenchSetting,
    clock: &'a Instant,
    ticks: Vec<Tick>,
    latency: TimeHistogram,
    /// Ticks that were answered after their deadline.
    misses: u64,
    process: ProcessCounts,
    cpu_us: u64,
    /// Time over which ticks counted.
    recorded: Duration,
}

impl<'a> LoopRecorder<'a> {
    fn new(setting: &'a BenchSetting, clock: &'a Instant, maps: usize) -> Self {
        let ticks = (setting.duration.as_secs_f64() * setting.rate_hz) as usize;
        Self {
            setting,
            clock,
            ticks: Vec::with_capacity(ticks + maps + 1),
            latency: TimeHistogram::new(),
            misses: 0,
            process: ProcessCounts::default(),
            cpu_us: 0,
            recorded: Duration::ZERO,
        }
    }

    fn drive(&mut self, drive: &mut Drive, duration: Duration, bar: &ProgressBar) -> anyhow::Result<()> {
        let period = self.setting.period();
        let first = self.clock.now() + period;
        let count = ((duration.as_secs_f64() * self.setting.rate_hz) as u64).max(1);
        let (mut before, mut began) = (Usage::of_process(), self.clock.now());
        let mut number = 0;
        while number < WARM_UP + count {
            if number == WARM_UP {
                (before, began) = (Usage::of_process(), self.clock.now());
            }
            let due = first + period.mul_f64(number as f64);
            sleep_until(self.clock, due);
            let tick = drive.plan(due, self.clock);
            if number >= WARM_UP {
                self.record(tick);
            }
            let mut passed = 1;
            // Ticks that were due while this one was planned aren't answered.
            let done = self.clock.now();
            while first + period.mul_f64((number + passed) as f64) <= done {
                passed += 1;
            }
            let skipped = (number + passed).min(WARM_UP + count) - (number + 1).min(WARM_UP + count);
            if number >= WARM_UP {
                self.process.lost += skipped;
            }
            drive.advance(period.mul_f64(passed as f64))?;
            number += passed;
            self.show(bar);
        }
        self.add_usage(Usage::of_process().since(before));
        self.recorded += self.clock.now().saturating_sub(began);
        Ok(())
    }

    fn record(&mut self, tick: Tick) {
        self.latency.record(from_us(tick.total_us));
        let missed = miss(tick.total_us, self.setting.config.node.deadline_ms, self.setting.rate_hz);
        self.misses += u64::from(missed.is_some());
        self.ticks.push(Tick { id: self.ticks.len() as u64 + 1, ..tick });
    }

    fn show(&self, bar: &ProgressBar) {
        let ticks = self.ticks.len();
        if bar.is_hidden() || !ticks.is_multiple_of(TICKS_PER_MESSAGE) {
            return;
        }
        let p99 = self.latency.quantile(0.99).as_secs_f64() * 1e3;
        bar.set_message(format!("p99 {p99:.2} ms, {} missed of {ticks}", self.misses + self.process.lost));
        show_share(bar, ticks as f64 / (self.setting.duration.as_secs_f64() * self.setting.rate_hz));
    }

    fn add_usage(&mut self, usage: Usage) {
        let add = |sum: &mut Option<u64>, more: u64| *sum = Some(sum.unwrap_or_default() + more);
        add(&mut self.process.voluntary_switches, usage.voluntary_switches);
        add(&mut self.process.involuntary_switches, usage.involuntary_switches);
        add(&mut self.process.page_faults, usage.page_faults);
        self.cpu_us += usage.cpu_us;
    }
}
