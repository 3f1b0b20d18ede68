//! How a run was made: the first line of a recording, and part of each run in a report.

use serde::{Deserialize, Serialize};

/// What was run, and how.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunHeader {
    /// Name of the run, for example `idle` or `offline`.
    pub name: String,
    /// Names of the maps.
    pub map: String,
    /// Cells of the largest map along x.
    pub width: u32,
    /// Cells of the largest map along y.
    pub height: u32,
    /// Metres per cell of that map.
    pub resolution: f64,
    /// Plans per second.
    pub rate_hz: f64,
    /// Time that a plan has, in milliseconds.
    pub deadline_ms: f64,
    /// Cells per side of the window.
    pub window: u32,
    /// Length of the run.
    pub seconds: f64,
    /// What stress-ng kept busy; empty if the machine was idle.
    pub load: Vec<String>,
    /// The RMW implementation; `None` if nothing was published.
    #[serde(default)]
    pub rmw: Option<String>,
    /// Name of the model.
    #[serde(default)]
    pub bundle: Option<String>,
    /// Name of the backend that ran the net.
    #[serde(default)]
    pub backend: Option<String>,
}
