//! The report, as `bench.json` holds it. Its schema is `docs/bench.schema.json`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use crate::bench::footprint::FieldTimes;
use crate::bench::kernel::KernelTimes;
use crate::bench::kind_figures::KindFigures;
use crate::bench::kinds::KindsFigures;
use crate::bench::latencies::Latencies;
use crate::bench::loop_run::{LoopRun, Misses};
use crate::bench::map_size::MapSize;
use crate::bench::peers::Peer;
use crate::bench::slowdown::Slowdown;
use crate::machine::description::Machine;

/// Version of the file's format.
pub const FORMAT: u64 = 1;
/// The recording of this name becomes the headline run; without one the first run does.
const HEADLINE: &str = "idle";

/// What was measured, with which settings. The names are those of the flags.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ReportSettings {
    /// Version of `trm`.
    pub version: String,
    /// Names of the maps.
    pub maps: Vec<String>,
    /// Plans per second of the loop.
    pub rate_hz: f64,
    /// How long the loop ran.
    pub duration_s: f64,
    /// Time that a plan has.
    pub deadline_ms: f64,
    /// Cells per side.
    pub window: u32,
    /// Metres.
    pub robot_radius: f64,
    /// How much paths keep away from obstacles.
    pub cost_travel_multiplier: f64,
    /// Speed of the robot, in metres per second.
    pub speed: f64,
    /// What stress-ng kept busy in the second run of the loop.
    pub load: Vec<String>,
    /// Name of the model.
    pub bundle: String,
    /// Name of the backend.
    pub backend: String,
    /// Seed of goals, obstacles and pairs.
    pub seed: u64,
    /// Names of the parts that were measured.
    pub parts: Vec<String>,
    /// Whether the figures are too short to rely on.
    pub quick: bool,
}

/// The whole report. The figures at the top are those of the headline run. What wasn't measured is `None` or empty.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BenchReport {
    /// Version of the format.
    pub format: u64,
    /// Name of the headline run.
    pub headline: Option<String>,
    /// Times from request to path.
    pub latency_us: Option<Latencies>,
    /// Time that a plan has.
    pub deadline_ms: f64,
    /// Ticks that were answered.
    pub ticks: u64,
    /// Ticks that missed their deadline.
    pub misses: Misses,
    /// How many paths came from each source.
    pub source: BTreeMap<String, u64>,
    /// Time of one application of the net, divided by onnxruntime's.
    pub vs_onnxruntime: Option<f64>,
    /// Page faults during plans.
    pub page_faults: Option<u64>,
    /// Calls of the allocator during plans.
    pub allocations: Option<u64>,
    /// Resident memory, in units of 10^6 bytes.
    pub rss_mb: Option<f64>,
    /// Waking and publishing together, if the headline run published over DDS.
    pub dds_overhead_us: Option<Latencies>,
    /// What a reader must know, for example why something wasn't measured.
    pub notes: Vec<String>,
    /// The machine that all of it ran on.
    pub machine: Machine,
    /// What was measured, with which settings.
    pub settings: ReportSettings,
    /// Runs of the control loop.
    pub runs: Vec<LoopRun>,
    /// Times of one application of the net.
    pub kernel: Option<KernelTimes>,
    /// Figures by what had changed since the previous plan, on maps.
    pub tick_by_kind: BTreeMap<String, KindFigures>,
    /// The same on generated worlds.
    pub tick_by_kind_generated: BTreeMap<String, KindFigures>,
    /// A large map beside a small one.
    pub map_size: Option<MapSize>,
    /// Plans that were slowed down.
    pub slowdown: Option<Slowdown>,
    /// The model beside classical searches.
    pub peers: Vec<Peer>,
    /// The cost-to-go of windows for a robot with a footprint. Older reports have none.
    #[serde(default)]
    pub footprint: Vec<FieldTimes>,
}

impl BenchReport {
    /// A report with runs only. The other parts are added afterwards.
    pub fn new(machine: Machine, settings: ReportSettings, runs: Vec<LoopRun>) -> Self {
        let headline = runs.iter().find(|run| run.setup.name == HEADLINE).or(runs.first());
        Self {
            format: FORMAT,
            headline: headline.map(|run| run.setup.name.clone()),
            latency_us: headline.map(|run| run.latency_us),
            deadline_ms: headline.map_or(settings.deadline_ms, |run| run.setup.deadline_ms),
            ticks: headline.map_or(0, |run| run.ticks),
            misses: headline.map(|run| run.misses).unwrap_or_default(),
            source: headline.map(|run| run.source.clone()).unwrap_or_default(),
            vs_onnxruntime: None,
            page_faults: headline.and_then(|run| run.page_faults),
            allocations: headline.and_then(|run| run.allocations),
            rss_mb: headline.and_then(|run| run.rss_mb),
            // Nothing is published inside this process.
            dds_overhead_us: headline.filter(|run| run.setup.rmw.is_some()).map(|run| run.overhead_us),
            notes: Vec::new(),
            machine,
            settings,
            kernel: None,
            tick_by_kind: BTreeMap::new(),
            tick_by_kind_generated: BTreeMap::new(),
            map_size: None,
            slowdown: None,
            peers: Vec::new(),
            footprint: Vec::new(),
            runs,
        }
    }

    /// Adds the times of the net.
    pub fn set_kernel(&mut self, kernel: KernelTimes) {
        self.vs_onnxruntime = kernel.vs_onnxruntime;
        self.notes.extend(kernel.reason.iter().map(|reason| format!("vs_onnxruntime: {reason}")));
        self.kernel = Some(kernel);
    }

    /// Adds the figures by kind.
    pub fn set_kinds(&mut self, kinds: KindsFigures) {
        self.tick_by_kind = kinds.maps;
        self.tick_by_kind_generated = kinds.generated;
    }

    /// The headline run.
    pub fn headline_run(&self) -> Option<&LoopRun> {
        self.runs.iter().find(|run| Some(&run.setup.name) == self.headline.as_ref())
    }

    /// The report as JSON.
    ///
    /// # Errors
    /// If JSON can't hold it, which shouldn't happen.
    pub fn to_json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Reads a report.
    ///
    /// # Errors
    /// If the file isn't a report of this format. The message names the file and the field.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let value: serde_json::Value =
            serde_json::from_str(&text).with_context(|| format!("{}: not JSON", path.display()))?;
        match value.get("format") {
            None => bail!("{}: field format is missing: this is no bench.json", path.display()),
            Some(format) if *format != FORMAT => {
                bail!("{}: field format is {format}, but this trm reads format {FORMAT}", path.display())
            }
            Some(_) => {}
        }
        serde_json::from_value(value).with_context(|| path.display().to_string())
    }
}
