//! The control loop: a plan at every tick, on absolute times, so that no tick shifts those after it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use trm_grid::occupancy::OccupancyGrid;
use trm_net::bundle::Bundle;
use trm_planner::halt::deadline::Clock as _;
use trm_planner::stats::Times;
use trm_rt::usage::Usage;

use super::args::{Load, Setting};
use super::drive::Drive;
use super::load::Running;
use super::memory;
use super::progress::Progress;
use super::recording::Header;
use super::run::{Counts, Run};
use super::tick::{Miss, Tick, miss, time};
use crate::machine::telemetry::sensors::Sensors;

/// Ticks on each map before those that are counted.
const WARM_UP: u64 = 5;
/// How long the first guidance of a map may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A map by its name.
pub struct Map {
    pub name: String,
    pub grid: OccupancyGrid,
}

/// Sleeps until a reading of the clock.
pub fn sleep_until(clock: &Instant, at: Duration) {
    loop {
        let left = at.saturating_sub(clock.now());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left);
    }
}

/// Drives over one map after the other, so long in all as the setting says.
///
/// # Errors
/// When the bundle doesn't work on the window or a map has no way to drive.
pub fn run(
    setting: &Setting,
    bundle: &Bundle,
    maps: &[Map],
    load: &[Load],
    progress: &mut Progress,
) -> anyhow::Result<Run> {
    let clock = Instant::now();
    let each = setting.duration / maps.len().max(1) as u32;
    let mut all = Loop {
        setting,
        clock: &clock,
        ticks: Vec::with_capacity((setting.duration.as_secs_f64() * setting.rate_hz) as usize + maps.len() + 1),
        latency: Times::new(),
        misses: 0,
        lost: 0,
        counts: Counts::default(),
        cpu_us: 0,
        watched: Duration::ZERO,
    };
    let mut sensors = Sensors::open();
    sensors.start();
    let mut sizes = Vec::new();
    for (number, map) in maps.iter().enumerate() {
        let mut drive = Drive::new(setting, bundle, &clock, map.grid.clone(), setting.seed ^ number as u64)
            .with_context(|| format!("map {}", map.name))?;
        sizes.push(drive.size());
        drive.wait_for_guidance(PATIENCE);
        all.drive(&mut drive, each, progress)?;
    }
    progress.end();
    let readings = sensors.stop();
    let mut counts = all.counts;
    let seconds = all.watched.as_secs_f64();
    counts.lost = all.lost;
    counts.cpu_percent = (seconds > 0.0).then(|| all.cpu_us as f64 / 1e4 / seconds);
    counts.energy_mj = readings.as_ref().and_then(|readings| readings.energy_mj);
    counts.sensors = readings;
    (counts.rss_mb, counts.rss_peak_mb) = memory::resident_mb();
    let (width, height, resolution) =
        sizes.iter().copied().max_by_key(|(width, height, _)| width * height).unwrap_or_default();
    let header = Header {
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
    Ok(Run::new(header, &all.ticks, counts))
}

/// The same while stress-ng works; else why there was none.
///
/// # Errors
/// As [`run`].
pub fn run_loaded(
    setting: &Setting,
    bundle: &Bundle,
    maps: &[Map],
    load: &[Load],
    progress: &mut Progress,
) -> anyhow::Result<Result<Run, String>> {
    let mut running = match Running::start(load, 2 * setting.duration) {
        Ok(running) => running,
        Err(reason) => return Ok(Err(reason)),
    };
    let run = run(setting, bundle, maps, load, progress)?;
    if running.has_ended() {
        return Ok(Err("stress-ng ended before the run under load was over, so its figures are left out".to_owned()));
    }
    Ok(Ok(run))
}

struct Loop<'a> {
    setting: &'a Setting,
    clock: &'a Instant,
    ticks: Vec<Tick>,
    latency: Times,
    misses: u64,
    lost: u64,
    counts: Counts,
    cpu_us: u64,
    /// How long ticks were counted.
    watched: Duration,
}

impl Loop<'_> {
    fn drive(&mut self, drive: &mut Drive, long: Duration, progress: &mut Progress) -> anyhow::Result<()> {
        let period = self.setting.period();
        let first = self.clock.now() + period;
        let count = ((long.as_secs_f64() * self.setting.rate_hz) as u64).max(1);
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
                self.take(tick);
            }
            let mut passed = 1;
            // Ticks that came while this one was planned get no answer of their own.
            let done = self.clock.now();
            while first + period.mul_f64((number + passed) as f64) <= done {
                passed += 1;
            }
            let skipped = (number + passed).min(WARM_UP + count) - (number + 1).min(WARM_UP + count);
            if number >= WARM_UP {
                self.lost += skipped;
            }
            drive.go_on(period.mul_f64(passed as f64))?;
            number += passed;
            if progress.is_due() {
                let all = self.setting.duration.as_secs_f64() * self.setting.rate_hz;
                let p99 = self.latency.quantile(0.99).as_secs_f64() * 1e3;
                let say = format!("p99 {p99:.2} ms, {} missed of {}", self.misses + self.lost, self.ticks.len());
                progress.show("loop", self.ticks.len() as f64 / all, &say);
            }
        }
        let usage = Usage::of_process().since(before);
        let add = |sum: &mut Option<u64>, more: u64| *sum = Some(sum.unwrap_or_default() + more);
        add(&mut self.counts.voluntary_switches, usage.voluntary_switches);
        add(&mut self.counts.involuntary_switches, usage.involuntary_switches);
        add(&mut self.counts.page_faults, usage.page_faults);
        self.cpu_us += usage.cpu_us;
        self.watched += self.clock.now().saturating_sub(began);
        Ok(())
    }

    fn take(&mut self, tick: Tick) {
        self.latency.record(time(tick.total_us));
        let missed: Option<Miss> = miss(tick.total_us, self.setting.config.node.deadline_ms, self.setting.rate_hz);
        self.misses += u64::from(missed.is_some());
        self.ticks.push(Tick { id: self.ticks.len() as u64 + 1, ..tick });
    }
}

/// The maps at these places.
///
/// # Errors
/// When one can't be used; names the file and the field.
pub fn load(files: &[std::path::PathBuf]) -> anyhow::Result<Vec<Map>> {
    let name = |file: &Path| {
        let text = |name: Option<&std::ffi::OsStr>| name.unwrap_or_default().to_string_lossy().into_owned();
        match text(file.file_stem()).as_str() {
            "map" => text(file.parent().and_then(Path::file_name)),
            other => other.to_owned(),
        }
    };
    files.iter().map(|file| Ok(Map { name: name(file), grid: trm_grid::map_file::load(file)? })).collect()
}

/// How long something took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let result = work();
    (result, began.elapsed())
}
