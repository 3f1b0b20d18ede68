//! All that was measured: what `bench.json` holds. Its schema is `docs/bench.schema.json`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use super::kernel::Kernel;
use super::kinds::Kinds;
use super::map_size::MapSize;
use super::peers::Peer;
use super::run::{Latencies, Misses, OfKind, Run};
use super::slowdown::Slowdown;
use crate::machine::description::Machine;

/// Version of the file's format.
pub const FORMAT: u64 = 1;
/// The run of the node that stands at the top, where it was recorded; else the first one.
const HEADLINE: &str = "idle";

/// What was asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Settings {
    /// Version of trm.
    pub version: String,
    pub maps: Vec<String>,
    pub rate_hz: f64,
    pub duration_s: f64,
    pub deadline_ms: f64,
    pub window: u32,
    pub robot_radius: f64,
    pub cost_travel_multiplier: f64,
    pub speed: f64,
    pub load: Vec<String>,
    pub bundle: String,
    pub backend: String,
    pub seed: u64,
    pub parts: Vec<String>,
    pub quick: bool,
}

/// The whole file. What stands at the top is of the headline run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bench {
    pub format: u64,
    /// The name of the headline run.
    pub headline: Option<String>,
    pub latency_us: Option<Latencies>,
    pub deadline_ms: f64,
    pub ticks: u64,
    pub misses: Misses,
    pub source: BTreeMap<String, u64>,
    pub vs_onnxruntime: Option<f64>,
    pub page_faults: Option<u64>,
    pub allocations: Option<u64>,
    pub rss_mb: Option<f64>,
    /// The headline's publishing beside planning: waking, and from the planner's return to the end of publishing.
    pub dds_overhead_us: Option<Latencies>,
    /// What a reader must know, such as why something wasn't measured.
    pub notes: Vec<String>,
    pub machine: Machine,
    pub settings: Settings,
    pub runs: Vec<Run>,
    pub kernel: Option<Kernel>,
    pub tick_by_kind: BTreeMap<String, OfKind>,
    /// The same on generated worlds.
    pub tick_by_kind_generated: BTreeMap<String, OfKind>,
    pub map_size: Option<MapSize>,
    pub slowdown: Option<Slowdown>,
    pub peers: Vec<Peer>,
}

impl Bench {
    /// A report of runs alone; parts are put in afterwards.
    pub fn new(machine: Machine, settings: Settings, runs: Vec<Run>) -> Self {
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
            // In process nothing is published.
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
            runs,
        }
    }

    /// Puts in what the nets take.
    pub fn set_kernel(&mut self, kernel: Kernel) {
        self.vs_onnxruntime = kernel.vs_onnxruntime;
        self.notes.extend(kernel.reason.iter().map(|reason| format!("vs_onnxruntime: {reason}")));
        self.kernel = Some(kernel);
    }

    /// Puts in the figures by kind.
    pub fn set_kinds(&mut self, kinds: Kinds) {
        self.tick_by_kind = kinds.maps;
        self.tick_by_kind_generated = kinds.generated;
    }

    /// The run that stands at the top.
    pub fn headline_run(&self) -> Option<&Run> {
        self.runs.iter().find(|run| Some(&run.setup.name) == self.headline.as_ref())
    }

    /// The file's text.
    ///
    /// # Errors
    /// Never for figures that were measured.
    pub fn to_json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it isn't one of this format; names the file and the field.
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
