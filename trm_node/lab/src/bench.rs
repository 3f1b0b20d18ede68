//! `trm bench`: does the planner keep its deadline, how long does each step take, and how do other searches compare?

pub mod args;
mod batch;
mod bench_map;
mod compare;
mod control_loop;
mod drive;
mod figures;
mod footprint;
mod kernel;
mod kind_figures;
mod kinds;
mod large_map_file;
mod latencies;
mod loop_run;
mod map_size;
mod memory;
mod microseconds;
mod miss;
mod numbers;
mod onnxruntime;
mod page;
mod path_quality;
mod peers;
mod planners;
mod plots;
mod process_counts;
mod progress_bar;
pub(crate) mod recording;
mod report;
mod request;
mod run_header;
mod run_text;
mod sample_times;
mod setting;
mod slowdown;
mod slowed_graphs;
mod stages;
mod steps;
mod stress;
mod summary;
mod tables;
mod tick;
mod tick_kind;
mod timeline;
mod timing;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use indicatif::ProgressBar;
use trm_net::bundle::Bundle;

use crate::args::bundle;
use crate::machine;
use crate::machine::telemetry::sensors::Sensors;
use crate::worlds::map_set;
use args::{BenchArgs, BenchCommand, Part};
use bench_map::BenchMap;
use loop_run::LoopRun;
use progress_bar::progress_bar;
use report::{BenchReport, ReportSettings};
use setting::BenchSetting;

/// The repository's maps, relative to a bundle's folder.
const MAPS: &str = "../../../tests/maps";

/// Runs `trm bench` and gives what it prints.
///
/// # Errors
/// On bad input. The message names the file, the field or the flag.
pub fn run(args: &BenchArgs) -> anyhow::Result<String> {
    match &args.command {
        Some(BenchCommand::Compare(args)) => return compare::run(args),
        Some(BenchCommand::Batch(args)) => return batch::run(args),
        Some(BenchCommand::Tiles(args)) => return large_map_file::run(args),
        Some(BenchCommand::Sensors) => return watch_sensors(),
        None => {}
    }
    // All input is checked before the first measurement.
    let setting = BenchSetting::new(args)?;
    if let Some(folder) = &args.out {
        std::fs::create_dir_all(folder).with_context(|| format!("--out {}", folder.display()))?;
    }
    let recordings = args.node.iter().map(|file| recording::load(file)).collect::<anyhow::Result<Vec<_>>>()?;
    let bundle = bundle(args.planning.bundle.as_deref())?;
    planners::backend(&setting.backend, &bundle, setting.config.planner.window_size as usize)?;
    let files = if args.maps.is_empty() { repository_maps(&bundle)? } else { args.maps.clone() };
    let maps = BenchMap::load_all(&files)?;
    let report = Measurement { args, setting: &setting, bundle: &bundle, maps: &maps }.run(recordings)?;
    if let Some(folder) = &args.out {
        write(folder, "bench.json", &report.to_json()?)?;
        write(folder, "bench.html", &page::page(&report)?)?;
    }
    if args.json { report.to_json() } else { Ok(summary::text(&report, args.out.as_deref())) }
}

/// What is measured, with what.
struct Measurement<'a> {
    args: &'a BenchArgs,
    setting: &'a BenchSetting,
    bundle: &'a Bundle,
    maps: &'a [BenchMap],
}

impl Measurement<'_> {
    /// Measures all parts. `runs` are the node's.
    fn run(&self, mut runs: Vec<LoopRun>) -> anyhow::Result<BenchReport> {
        let Self { args, setting, bundle, maps } = *self;
        let machine = machine::describe();
        let mut notes = Vec::new();
        if args.has(Part::Loop) {
            self.control_loop(&mut runs, &mut notes)?;
        }
        if args.quick {
            notes.push("made with --quick: too short for figures to rely on".to_owned());
        }
        let mut report = BenchReport::new(machine, self.settings(), runs);
        report.notes = notes;
        if args.has(Part::Kernel) {
            report.set_kernel(kernel::measure(setting, bundle, &self.bar("kernel"))?);
        }
        if args.has(Part::Kinds) {
            report.set_kinds(kinds::measure(setting, bundle, maps, &self.bar("kinds"))?);
        }
        if args.has(Part::Slowdown) {
            report.slowdown = Some(slowdown::measure(setting, bundle, &maps[0], &self.bar("slowdown"))?);
        }
        if args.has(Part::Peers) {
            report.peers = peers::measure(setting, bundle, maps, &self.bar("peers"))?;
        }
        if args.has(Part::Footprint) {
            report.footprint = footprint::measure(setting, &self.bar("footprint"))?;
        }
        if args.has(Part::MapSize) {
            let bar = self.bar("map size");
            report.map_size = Some(map_size::measure(setting, bundle, &maps[0], args.quick, &bar)?);
        }
        Ok(report)
    }

    fn bar(&self, part: &'static str) -> ProgressBar {
        progress_bar(part, self.args.progress)
    }

    /// Adds the run of the loop, and with `--load` a second one under load.
    fn control_loop(&self, runs: &mut Vec<LoopRun>, notes: &mut Vec<String>) -> anyhow::Result<()> {
        let Self { args, setting, bundle, maps } = *self;
        runs.push(control_loop::run(setting, bundle, maps, &[], &self.bar("loop"))?);
        if !args.load.is_empty() {
            match control_loop::run_loaded(setting, bundle, maps, &args.load, &self.bar("loop"))? {
                Ok(run) => runs.push(run),
                Err(reason) => notes.push(format!("--load: {reason}")),
            }
        }
        Ok(())
    }

    fn settings(&self) -> ReportSettings {
        let args = self.args;
        ReportSettings {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            maps: self.maps.iter().map(|map| map.name.clone()).collect(),
            rate_hz: args.rate,
            duration_s: args.duration,
            deadline_ms: args.deadline_ms,
            window: args.window as u32,
            robot_radius: args.planning.robot_radius,
            cost_travel_multiplier: args.planning.cost_travel_multiplier,
            speed: args.speed,
            load: args.load.iter().map(|load| load.name().to_owned()).collect(),
            bundle: self.bundle.manifest.name.clone(),
            backend: args.backend.clone(),
            seed: args.seed,
            parts: args.parts.iter().map(|part| part.name().to_owned()).collect(),
            quick: args.quick,
        }
    }
}

/// The maps of the repository that the bundle belongs to.
fn repository_maps(bundle: &Bundle) -> anyhow::Result<Vec<PathBuf>> {
    let folder = bundle.path().join(MAPS);
    let files = map_set::files(&folder).unwrap_or_default();
    if files.is_empty() {
        bail!(
            "MAP.yaml: none was given, and no map of the repository is beside the bundle (looked in {})",
            folder.display()
        );
    }
    Ok(files)
}

/// Reads the sensors until stdin is closed, and gives the readings as JSON.
fn watch_sensors() -> anyhow::Result<String> {
    let mut sensors = Sensors::open();
    sensors.start();
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).context("stdin")?;
    Ok(serde_json::json!({ "sensors": sensors.stop() }).to_string())
}

fn write(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let file = folder.join(name);
    std::fs::write(&file, text).with_context(|| format!("--out {}", file.display()))
}
