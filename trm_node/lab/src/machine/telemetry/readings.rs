//! What the sensors read over a run, summed up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The sensors' readings over a run. What the machine has no sensor for is missing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Readings {
    /// Length of the run, in seconds.
    pub seconds: f64,
    /// How often the sensors were read.
    pub samples: u64,
    /// Energy that the whole machine used, in millijoules, not only the planner.
    pub energy_mj: Option<f64>,
    /// The rails or domains whose sum that is.
    pub energy_of: Option<String>,
    /// Mean power of the whole machine, in milliwatts.
    pub average_mw: Option<f64>,
    /// Mean power of each rail, in milliwatts.
    pub rails: BTreeMap<String, f64>,
    /// The highest temperature of each zone, in degrees Celsius.
    pub temperatures_c: BTreeMap<String, f64>,
    /// Mean load of the GPU, from 0 to 100.
    pub gpu_percent: Option<f64>,
    /// How often the machine throttled itself during the run.
    pub throttle_events: Option<u64>,
    /// A caveat for readers of the figures.
    pub note: Option<String>,
}

impl Readings {
    /// The readings with their names, as rows of a table.
    pub fn rows(&self) -> Vec<(String, String)> {
        let mut rows = Vec::new();
        let mut row = |name: String, value: String| rows.push((name, value));
        if let (Some(energy), Some(power)) = (self.energy_mj, self.average_mw) {
            let of = self.energy_of.as_deref().unwrap_or("whole machine");
            row(
                format!("energy of {of}"),
                format!("{:.1} J in {:.1} s, {:.2} W on average", energy / 1e3, self.seconds, power / 1e3),
            );
        }
        for (rail, power) in &self.rails {
            row(format!("power of {rail}"), format!("{:.2} W on average", power / 1e3));
        }
        for (zone, celsius) in &self.temperatures_c {
            row(format!("temperature of {zone}"), format!("{celsius:.1} °C at most"));
        }
        if let Some(percent) = self.gpu_percent {
            row("GPU load".to_owned(), format!("{percent:.1} % on average"));
        }
        if let Some(events) = self.throttle_events {
            row("throttle events".to_owned(), events.to_string());
        }
        if let Some(note) = &self.note {
            row("note".to_owned(), note.clone());
        }
        rows
    }
}
