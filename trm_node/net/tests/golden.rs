//! The model against `PyTorch`, tensor by tensor. `make golden` writes the files with `PyTorch`'s numbers.

use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use trm_config::{GridConfig, GridKind};
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::build;
use trm_grid::geometry::Geometry;
use trm_grid::guidance::Guidance;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Pose};
use trm_grid::window::Window;
use trm_net::backend::{Backend, Shape, Update};
use trm_net::bundle::Bundle;
use trm_net::encode::{CHANNELS, GoalCells, encode};
use trm_net::error::InferenceError;
use trm_net::graph::Graph;
use trm_net::recursion::Recursion;
use trm_net::registry::{NAMES, by_name};

/// The largest absolute difference that a comparison accepts.
#[derive(Debug, Clone, Copy)]
enum Tolerance {
    /// The same sums in another order.
    Network,
    /// A few rounding errors in a cost that is divided by the scale of the offsets.
    Encoding,
}

impl Tolerance {
    const fn largest(self) -> f32 {
        match self {
            Self::Network => 1e-4,
            Self::Encoding => 1e-5,
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A golden file: tensors, and in its header the bundle that they came from.
struct Golden {
    name: String,
    bytes: Vec<u8>,
}

impl Golden {
    fn read(part: &str) -> Self {
        let name = format!("nav_d32_{part}.safetensors");
        let bytes = std::fs::read(root().join("tests/golden").join(&name)).unwrap();
        Self { name, bytes }
    }

    fn tensors(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.bytes).unwrap()
    }

    /// The hash of the bundle's net when the file was written.
    fn net(&self) -> String {
        let (_, header) = SafeTensors::read_metadata(&self.bytes).unwrap();
        header.metadata().as_ref().unwrap()["net"].clone()
    }

    fn floats(&self, tensor: &str) -> Vec<f32> {
        let tensors = self.tensors();
        let view = tensors.tensor(tensor).unwrap_or_else(|e| panic!("{} of {}: {e}", tensor, self.name));
        assert_eq!(view.dtype(), safetensors::Dtype::F32, "{tensor} of {}", self.name);
        view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    }

    fn cell(&self, tensor: &str) -> Cell {
        let tensors = self.tensors();
        let bytes = tensors.tensor(tensor).unwrap().data();
        let value = |at: usize| i32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Cell::new(value(4), value(0))
    }

    fn assert_close(&self, tensor: &str, found: &[f32], tolerance: Tolerance) {
        let expected = self.floats(tensor);
        assert_eq!(expected.len(), found.len(), "length of {tensor} of {}", self.name);
        let difference = |at: usize| (expected[at] - found[at]).abs();
        // Written so that NaN is not close.
        let is_close = |at: &usize| difference(*at) <= tolerance.largest();
        let wrong = (0..found.len()).find(|at| !is_close(at));
        if let Some(at) = wrong {
            let largest = (0..found.len()).map(difference).fold(0.0, f32::max);
            panic!(
                "{tensor} of {} at {at}: PyTorch says {}, found {}; largest difference {largest:e}, accepted \
                 {:e} ({tolerance:?})",
                self.name,
                expected[at],
                found[at],
                tolerance.largest()
            );
        }
    }
}

/// A backend that records what its graphs return, so that the recursion's own buffers are compared and not copies.
struct Recorder {
    graphs: Box<dyn Backend>,
    x: Vec<f32>,
    /// The output of each application of the net, `[hidden, tokens, tokens]`.
    outputs: Vec<Vec<f32>>,
}

impl Backend for Recorder {
    fn shape(&self) -> Shape {
        self.graphs.shape()
    }

    fn encode(&mut self, input: &[f32], x: &mut [f32]) -> Result<(), InferenceError> {
        self.graphs.encode(input, x)?;
        self.x = channels_together(x, self.shape().hidden);
        Ok(())
    }

    fn net(&mut self, update: Update, s: &[f32], out: &mut [f32]) -> Result<f32, InferenceError> {
        let share = self.graphs.net(update, s, out)?;
        self.outputs.push(channels_together(out, self.shape().hidden));
        Ok(share)
    }

    fn decode(&mut self, y: &[f32], x: &[f32], moves: &mut [f32]) -> Result<f32, InferenceError> {
        self.graphs.decode(y, x, moves)
    }

    fn shift_history(&mut self, cols: i32, rows: i32) {
        self.graphs.shift_history(cols, rows);
    }

    fn forget_history(&mut self) {
        self.graphs.forget_history();
    }
}

/// A state `[tokens, tokens, hidden]` as `PyTorch` has it, `[hidden, tokens, tokens]`.
fn channels_together(state: &[f32], hidden: usize) -> Vec<f32> {
    (0..hidden).flat_map(|channel| state.iter().skip(channel).step_by(hidden)).copied().collect()
}

fn bundle() -> Bundle {
    Bundle::load(&root().join("models/bundles/nav_d32")).unwrap()
}

fn step(recursion: &mut Recursion, backend: &mut Recorder) {
    loop {
        if recursion.advance(backend).unwrap() == Update::Answer && recursion.is_at_step_end() {
            return;
        }
    }
}

/// All backends that run the released bundle on this machine: tract, and the kernel on each instruction set. Each is
/// there twice: computing everything, and skipping what hasn't changed, which must make no difference.
fn backends(size: usize) -> Vec<Box<dyn Backend>> {
    let mut backends = Vec::new();
    for name in NAMES {
        for threshold in [None, Some(0.0)] {
            if let Ok(mut backend) = by_name(&bundle(), size, name) {
                backend.set_skip_threshold(threshold);
                backends.push(backend);
            }
        }
    }
    assert!(backends.len() >= 6, "the fastest, the portable one and tract run everywhere");
    backends
}

/// Runs three steps and compares everything that a golden file holds about them.
fn assert_steps_agree(golden: &Golden, graphs: Box<dyn Backend>) -> (Recursion, Recorder) {
    let bundle = bundle();
    assert_eq!(
        golden.net(),
        bundle.manifest.files[Graph::Net.file_name()],
        "{} is of other weights: make golden",
        golden.name
    );
    let mut backend = Recorder { graphs, x: Vec::new(), outputs: Vec::new() };
    let mut recursion = Recursion::new(&bundle, backend.shape());
    recursion.embed(&mut backend, &golden.floats("input")).unwrap();
    golden.assert_close("x", &backend.x, Tolerance::Network);
    let mut logits = vec![0.0; backend.shape().logits_len()];
    for number in 1..=3 {
        step(&mut recursion, &mut backend);
        let [.., z, y] = backend.outputs.as_slice() else { panic!("the net was applied once only") };
        golden.assert_close(&format!("step_{number}.z"), z, Tolerance::Network);
        golden.assert_close(&format!("step_{number}.y"), y, Tolerance::Network);
        let q = recursion.decode(&mut backend, &mut logits).unwrap();
        golden.assert_close(&format!("step_{number}.logits"), &logits, Tolerance::Network);
        golden.assert_close(&format!("step_{number}.q"), &[q], Tolerance::Network);
    }
    (recursion, backend)
}

#[test]
fn each_application_and_step_on_32_cells_is_pytorchs() {
    let golden = Golden::read("32");
    for graphs in backends(32) {
        let (_, backend) = assert_steps_agree(&golden, graphs);
        for (index, output) in backend.outputs[..8].iter().enumerate() {
            golden.assert_close(&format!("application_{}", index + 1), output, Tolerance::Network);
        }
    }
}

#[test]
fn each_step_on_48_cells_is_pytorchs() {
    for graphs in backends(48) {
        assert_steps_agree(&Golden::read("48"), graphs);
    }
}

#[test]
fn a_step_after_the_window_moved_is_pytorchs() {
    let golden = Golden::read("32");
    for graphs in backends(32) {
        let (mut recursion, mut backend) = assert_steps_agree(&golden, graphs);
        // As `MOVED` in `models/trm_train/golden.py`.
        recursion.shift_state(&mut backend, -2, 1);
        recursion.begin_warm();
        recursion.embed(&mut backend, &golden.floats("moved.input")).unwrap();
        step(&mut recursion, &mut backend);
        let mut logits = vec![0.0; backend.shape().logits_len()];
        let q = recursion.decode(&mut backend, &mut logits).unwrap();
        golden.assert_close("moved.logits", &logits, Tolerance::Network);
        golden.assert_close("moved.q", &[q], Tolerance::Network);
    }
}

fn costmap(golden: &Golden) -> Costmap {
    let tensors = golden.tensors();
    let costs = tensors.tensor("costs").unwrap();
    let [rows, cols] = costs.shape() else { panic!("costs of {} aren't a grid", golden.name) };
    let geometry = Geometry::new(*cols as u32, *rows as u32, 0.1, Pose::default()).unwrap();
    let data = costs.data().iter().map(|cost| *cost as i8).collect();
    build(&GridConfig::default(), GridKind::Costmap, OccupancyGrid::new(geometry, data).unwrap())
}

#[test]
fn the_input_of_a_real_maps_windows_is_what_training_makes() {
    const SIZE: usize = 32;
    let golden = Golden::read("encoding");
    let bundle = bundle();
    let costmap = costmap(&golden);
    let goal = golden.cell("goal");
    let travel = Travel::new(&GridConfig { cost_travel_multiplier: 2.0, ..GridConfig::default() });
    let guidance = Guidance::compute(&costmap, goal, travel, &|| false).unwrap();
    for case in ["inside", "outside"] {
        let corner = golden.cell(&format!("{case}.corner"));
        let center = Cell::new(corner.col + SIZE as i32 / 2, corner.row + SIZE as i32 / 2);
        let window = Window::around(center, costmap.geometry(), SIZE, bundle.manifest.architecture.patch);
        assert_eq!(window.corner(), corner, "{case}");
        assert_eq!(window.local(goal).is_some(), case == "inside");
        let mut blocked = vec![false; SIZE * SIZE];
        window.blocked(&costmap, false, &mut blocked);
        let mut goals = GoalCells::new(SIZE);
        let mut extra = vec![0.0; SIZE * SIZE];
        window.extra(&costmap, travel, &mut extra);
        goals.find(&window, &costmap, Some(&guidance), goal);
        let mut input = vec![0.0; CHANNELS.len() * SIZE * SIZE];
        encode(&blocked, &extra, &goals, bundle.manifest.encoding.scales, &mut input);
        golden.assert_close(&format!("{case}.input"), &input, Tolerance::Encoding);
    }
}
