//! `trm bench`: does the planner keep its deadline, how long does everything take, and what do others take beside it?

pub mod args;
mod backend;
mod compare;
mod control;
mod drive;
mod figures;
mod guide;
mod html;
mod kernel;
mod kinds;
mod load;
mod map_size;
mod memory;
mod onnxruntime;
mod peers;
mod plots;
mod progress;
mod recording;
mod report;
mod run;
mod sample;
mod slowdown;
mod summary;
mod tables;
mod tick;
mod tiles;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use trm_net::bundle::Bundle;

use crate::args::bundle;
use crate::worlds::map_set;
use args::{BenchArgs, BenchCommand, Part, Setting};
use progress::Progress;
use report::{Bench, Settings};

/// The repository's maps, from a bundle's folder.
const MAPS: &str = "../../../tests/maps";

/// Runs `trm bench` and gives what it prints.
///
/// # Errors
/// On bad input; the message names file, field or flag.
pub fn run(args: &BenchArgs) -> anyhow::Result<String> {
    match &args.command {
        Some(BenchCommand::Compare(args)) => return compare::run(args),
        Some(BenchCommand::Tiles(args)) => return tiles::run(args),
        Some(BenchCommand::Sensors) => return watch(),
        None => {}
    }
    let setting = args.setting()?;
    // Before anything is measured: what is wrong shall show at once.
    if let Some(folder) = &args.out {
        std::fs::create_dir_all(folder).with_context(|| format!("--out {}", folder.display()))?;
    }
    let recordings = args.node.iter().map(|file| recording::load(file)).collect::<anyhow::Result<Vec<_>>>()?;
    let bundle = bundle(args.bundle.as_deref())?;
    backend::by_name(&setting.backend, &bundle, setting.config.planner.window_size as usize)?;
    let files = if args.maps.is_empty() { repository(&bundle)? } else { args.maps.clone() };
    let maps = control::load(&files)?;
    let machine = crate::machine::describe();
    let report = measure(args, &setting, &bundle, &maps, (machine, recordings))?;
    if let Some(folder) = &args.out {
        write(folder, "bench.json", &report.to_json()?)?;
        write(folder, "bench.html", &html::page(&report))?;
    }
    if args.json { report.to_json() } else { Ok(summary::text(&report, args.out.as_deref())) }
}

fn measure(
    args: &BenchArgs,
    setting: &Setting,
    bundle: &Bundle,
    maps: &[control::Map],
    (machine, mut runs): (crate::machine::description::Machine, Vec<run::Run>),
) -> anyhow::Result<Bench> {
    let mut progress = Progress::new(args.progress);
    let mut notes = Vec::new();
    if args.has(Part::Loop) {
        runs.push(control::run(setting, bundle, maps, &[], &mut progress)?);
        if !args.load.is_empty() {
            match control::run_loaded(setting, bundle, maps, &args.load, &mut progress)? {
                Ok(run) => runs.push(run),
                Err(reason) => notes.push(format!("--load: {reason}")),
            }
        }
    }
    let mut report = Bench::new(machine, settings(args, bundle, maps), runs);
    if args.quick {
        notes.push("made with --quick: too short for figures to rely on".to_owned());
    }
    report.notes = notes;
    if args.has(Part::Kernel) {
        report.set_kernel(kernel::measure(setting, bundle, &mut progress)?);
    }
    if args.has(Part::Kinds) {
        report.set_kinds(kinds::measure(setting, bundle, maps, &mut progress)?);
    }
    if args.has(Part::Slowdown) {
        report.slowdown = Some(slowdown::measure(setting, bundle, &maps[0], &mut progress)?);
    }
    if args.has(Part::Peers) {
        report.peers = peers::measure(setting, bundle, maps, &mut progress)?;
    }
    if args.has(Part::MapSize) {
        report.map_size = Some(map_size::measure(setting, bundle, &maps[0], args.quick, &mut progress)?);
    }
    Ok(report)
}

fn settings(args: &BenchArgs, bundle: &Bundle, maps: &[control::Map]) -> Settings {
    Settings {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        maps: maps.iter().map(|map| map.name.clone()).collect(),
        rate_hz: args.rate,
        duration_s: args.duration,
        deadline_ms: args.deadline_ms,
        window: args.window as u32,
        robot_radius: args.robot_radius,
        cost_travel_multiplier: args.cost_travel_multiplier,
        speed: args.speed,
        load: args.load.iter().map(|load| load.name().to_owned()).collect(),
        bundle: bundle.manifest.name.clone(),
        backend: args.backend.clone(),
        seed: args.seed,
        parts: args.parts.iter().map(|part| part.name().to_owned()).collect(),
        quick: args.quick,
    }
}

/// The maps of the repository that a bundle lies in.
fn repository(bundle: &Bundle) -> anyhow::Result<Vec<PathBuf>> {
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

/// What the sensors say until stdin is closed, as JSON.
fn watch() -> anyhow::Result<String> {
    let mut sensors = crate::machine::telemetry::sensors::Sensors::open();
    sensors.start();
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).context("stdin")?;
    Ok(serde_json::json!({ "sensors": sensors.stop() }).to_string())
}

fn write(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let file = folder.join(name);
    std::fs::write(&file, text).with_context(|| format!("--out {}", file.display()))
}
