//! A model on disk: `manifest.yaml` and three ONNX graphs. A bundle whose files aren't those of its manifest is
//! refused.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use trm_config::ParameterError;
use trm_grid::files::read_at_most;

use crate::encode::{CHANNELS, CLASSES, Scales, WITH_START};
use crate::error::LoadError;
use crate::graph::Graph;
use crate::graphs::Shape;

/// The manifest's file name.
pub const MANIFEST: &str = "manifest.yaml";
/// Largest size of a manifest, in bytes: that of the released model has 5 kB.
const MAX_MANIFEST_BYTES: u64 = 1 << 20;
/// Largest size of a graph, in bytes: the net of the published TRM-MLP for mazes of 30 × 30 cells has 75 MB.
const MAX_GRAPH_BYTES: u64 = 128 << 20;

/// `manifest.yaml`, as `models/trm_train/export.py` writes it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format.
    pub format: u32,
    /// The bundle's name.
    pub name: String,
    /// What the recursion needs to know about the network.
    pub architecture: Architecture,
    /// How a window becomes the input.
    pub encoding: Encoding,
    /// What `decode` returns.
    pub outputs: Outputs,
    /// The window sizes that the model works on.
    pub windows: Windows,
    /// The initial y and z.
    pub start: Start,
    /// How the model was trained, for people to read.
    pub training: serde_yaml::Value,
    /// What was measured, for people to read.
    pub evaluation: serde_yaml::Value,
    /// SHA-256 of each graph, in hexadecimal.
    pub files: BTreeMap<String, String>,
}

/// What the recursion needs to know about the network. The letters are those of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// d: values of a token's state.
    pub hidden: usize,
    /// Cells along each side of a token.
    pub patch: usize,
    /// Tokens that stand before those of the cells, in a model of sequences: each graph's states are then
    /// `[1, prefix + tokens², hidden]`. Without any they are planes, `[1, hidden, tokens, tokens]`.
    #[serde(default)]
    pub prefix: usize,
    /// n: latent updates in a cycle, before the answer is updated.
    pub latent_updates: usize,
    /// T: cycles in a supervision step.
    pub cycles: usize,
    /// Number of trained weights.
    pub parameters: usize,
}

impl Architecture {
    /// Applications of the net in a supervision step.
    #[must_use]
    pub const fn applications_per_step(self) -> usize {
        self.cycles * (self.latent_updates + 1)
    }
}

/// The channels of the input, and how they are scaled.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Encoding {
    /// Names of the channels: [`CHANNELS`], or [`WITH_START`].
    pub channels: Vec<String>,
    /// Scales of the goal cells' channels.
    #[serde(flatten)]
    pub scales: Scales,
}

/// The outputs of `decode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outputs {
    /// Classes of each cell.
    pub moves: usize,
    /// Number of halting logits.
    pub q: usize,
}

/// The window sizes that a model works on, in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Windows {
    /// Smallest side.
    pub min: usize,
    /// Largest side.
    pub max: usize,
    /// Sides are multiples of this.
    pub multiple_of: usize,
}

/// The initial y and z, `[hidden]` each, the same for every token.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Initial answer.
    pub y: Vec<f32>,
    /// Initial latent.
    pub z: Vec<f32>,
}

/// A bundle in memory, checked against its manifest.
///
/// ```
/// # use trm_net::{bundle::Bundle, released};
/// let bundle = Bundle::load(&released::find(None, std::iter::empty())?)?;
/// assert_eq!(bundle.manifest.name, "nav_d32");
/// // The model works on windows whose sides are a multiple of its patch.
/// assert_eq!(bundle.fitting_window(65)?, 64);
/// assert!(bundle.fitting_window(3).unwrap_err().to_string().contains("window_size"));
/// # Ok::<(), trm_net::error::LoadError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Bundle {
    /// Its manifest.
    pub manifest: Manifest,
    /// SHA-256 of the manifest's file, in hexadecimal. The manifest holds those of the graphs.
    pub hash: String,
    path: PathBuf,
    graphs: [Vec<u8>; 3],
}

impl Bundle {
    /// Reads and checks a bundle's folder.
    ///
    /// # Errors
    /// [`LoadError::BundleFile`] for a file that can't be read, that is no regular file, or that is too large;
    /// [`LoadError::BundleField`] for a manifest that can't be parsed, for a field that this version can't work with,
    /// and for a graph whose hash differs.
    pub fn load(folder: &Path) -> Result<Self, LoadError> {
        let path = folder.join(MANIFEST);
        let bytes = read(&path, MAX_MANIFEST_BYTES)?;
        let hash = hexadecimal(&Sha256::digest(&bytes));
        let text = String::from_utf8(bytes).map_err(|e| unreadable(&path, e))?;
        let manifest = Manifest::parse(&text, &path)?;
        let graph = |graph| read_graph(graph, folder, &path, &manifest);
        let graphs = [graph(Graph::Encode)?, graph(Graph::Net)?, graph(Graph::Decode)?];
        Ok(Self { manifest, hash, path: folder.to_owned(), graphs })
    }

    /// The folder that it was read from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The ONNX file of a graph.
    #[must_use]
    pub const fn graph(&self, graph: Graph) -> &[u8] {
        let [encode, net, decode] = &self.graphs;
        match graph {
            Graph::Encode => encode.as_slice(),
            Graph::Net => net.as_slice(),
            Graph::Decode => decode.as_slice(),
        }
    }

    /// The largest side of at most `size` cells of a window that the model works on.
    ///
    /// # Errors
    /// [`LoadError::Parameter`] for `window_size` when the model works on larger or on smaller windows only.
    pub fn fitting_window(&self, size: usize) -> Result<usize, LoadError> {
        let Windows { min, max, multiple_of } = self.manifest.windows;
        let rounded = size / multiple_of * multiple_of;
        if (min..=max).contains(&rounded) {
            return Ok(rounded);
        }
        Err(LoadError::from(ParameterError {
            name: "window_size".to_owned(),
            value: size.to_string(),
            expected: format!("from {min} to {max} cells, as the bundle {} needs", self.manifest.name),
        }))
    }
}

impl Manifest {
    /// Parses and checks the text of a manifest. `path` is the file that messages name.
    ///
    /// # Errors
    /// [`LoadError::BundleField`] for a text that isn't a manifest, and for a field that this version can't work with.
    pub fn parse(text: &str, path: &Path) -> Result<Self, LoadError> {
        let manifest: Self = serde_yaml::from_str(text).map_err(|e| field(path, "manifest", e))?;
        manifest.check(path)?;
        Ok(manifest)
    }

    /// The sizes of the model on windows of `size` × `size` cells.
    #[must_use]
    pub fn shape(&self, size: usize) -> Shape {
        let Architecture { hidden, patch, prefix, .. } = self.architecture;
        Shape { size, patch, hidden, channels: self.encoding.channels.len(), prefix }
    }

    fn check(&self, path: &Path) -> Result<(), LoadError> {
        let Architecture { hidden, patch, prefix, latent_updates, cycles, .. } = self.architecture;
        let Windows { min, max, multiple_of } = self.windows;
        let finite = |values: &[f32]| values.len() == hidden && values.iter().all(|v| v.is_finite());
        let scales = self.encoding.scales;
        let positive = |v: f32| v.is_finite() && v > 0.0;
        let prefix_range = format!("{prefix}: must be from 0 to 1024");
        let channel_names = format!(
            "{}: must be occupied, goal, goal_offset, ones, cost, and perhaps start",
            self.encoding.channels.join(", ")
        );
        let rules = [
            (self.format == 1, "format", "this version reads format 1"),
            ((1..=1024).contains(&hidden), "architecture.hidden", "must be from 1 to 1024"),
            ((1..=16).contains(&patch), "architecture.patch", "must be from 1 to 16"),
            (prefix <= 1024, "architecture.prefix", prefix_range.as_str()),
            ((1..=64).contains(&latent_updates), "architecture.latent_updates", "must be from 1 to 64"),
            ((1..=64).contains(&cycles), "architecture.cycles", "must be from 1 to 64"),
            (
                self.encoding.channels == CHANNELS || self.encoding.channels == WITH_START,
                "encoding.channels",
                channel_names.as_str(),
            ),
            (scales.goal_value.is_finite(), "encoding.goal_value", "must be finite"),
            (positive(scales.offset_scale), "encoding.offset_scale", "must be positive"),
            (positive(scales.offset_clip), "encoding.offset_clip", "must be positive"),
            (self.outputs == Outputs { moves: CLASSES, q: 1 }, "outputs", "must be moves: 9, q: 1"),
            (
                multiple_of > 0 && patch > 0 && multiple_of.is_multiple_of(patch),
                "windows.multiple_of",
                "must be a multiple of architecture.patch",
            ),
            (min > 0 && min <= max && max <= 1024, "windows", "0 < min <= max <= 1024 must hold"),
            (finite(&self.start.y), "start.y", "must hold architecture.hidden finite values"),
            (finite(&self.start.z), "start.z", "must hold architecture.hidden finite values"),
        ];
        rules.iter().find(|(holds, ..)| !holds).map_or(Ok(()), |(_, name, reason)| Err(field(path, name, reason)))
    }
}

/// Reads a graph from the folder and compares its hash with that of the manifest, which is at `path`.
fn read_graph(graph: Graph, folder: &Path, path: &Path, manifest: &Manifest) -> Result<Vec<u8>, LoadError> {
    let (file, name) = (folder.join(graph.file_name()), format!("files.{}", graph.file_name()));
    let expected = manifest.files.get(graph.file_name()).ok_or_else(|| field(path, &name, "missing"))?;
    let bytes = read(&file, MAX_GRAPH_BYTES)?;
    let found = hexadecimal(&Sha256::digest(&bytes));
    if found != expected.to_ascii_lowercase() {
        return Err(field(path, &name, format!("the file's sha256 is {found}, the manifest says {expected}")));
    }
    Ok(bytes)
}

/// The bytes of a file of the bundle.
fn read(path: &Path, most: u64) -> Result<Vec<u8>, LoadError> {
    read_at_most(path, most).map_err(|e| unreadable(path, e))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unreadable(path: &Path, error: impl Display) -> LoadError {
    LoadError::BundleFile { path: path.to_owned(), reason: error.to_string() }
}

fn field(path: &Path, field: &str, reason: impl Display) -> LoadError {
    LoadError::BundleField { path: path.to_owned(), field: field.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests;
