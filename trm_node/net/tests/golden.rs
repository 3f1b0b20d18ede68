//! The model against `PyTorch`, tensor by tensor. `make golden` writes the files with `PyTorch`'s numbers.

use std::path::{Path, PathBuf};
use std::time::Duration;

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
use trm_net::backend::{Backend, State};
use trm_net::bundle::Bundle;
use trm_net::encode::{CHANNELS, GoalCells, encode};
use trm_net::graph::Graph;
use trm_net::graphs::Update;
use trm_net::recursion::Recursion;
use trm_net::registry::{NAMES, by_name};

const PATIENCE: Duration = Duration::from_mins(1);

/// The largest absolute difference that a comparison accepts.
#[derive(Debug, Clone, Copy)]
enum Tolerance {
    /// The same sums in another order.
    Network,
    /// Rounding errors in a cost that is divided by the scale of the offsets. Costs-to-go are sums of moves that are rounded to whole units here, and to `f32` in the training.
    Encoding,
}

impl Tolerance {
    const fn largest(self) -> f32 {
        match self {
            Self::Network => 1e-4,
            Self::Encoding => 5e-5,
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

/// A state `[tokens, tokens, hidden]` as `PyTorch` has it, `[hidden, tokens, tokens]`.
fn channels_together(state: &[f32], hidden: usize) -> Vec<f32> {
    (0..hidden).flat_map(|channel| state.iter().skip(channel).step_by(hidden)).copied().collect()
}

fn read(recursion: &mut Recursion, state: State) -> Vec<f32> {
    let shape = recursion.shape();
    let mut values = vec![0.0; shape.state_len()];
    recursion.backend().read(state, &mut values).unwrap();
    channels_together(&values, shape.hidden)
}

fn bundle() -> Bundle {
    Bundle::load(&root().join("models/bundles/nav_d32")).unwrap()
}

/// Runs a step, one application after the other. Returns what each has updated.
fn step(recursion: &mut Recursion) -> Vec<Vec<f32>> {
    let mut outputs = Vec::new();
    loop {
        let state = match recursion.advance_once(PATIENCE).unwrap() {
            Update::Latent => State::Z,
            Update::Answer => State::Y,
        };
        outputs.push(read(recursion, state));
        if recursion.is_at_step_end() {
            return outputs;
        }
    }
}

/// All backends that run the released bundle on this machine: tract, the kernel on each instruction set, and a GPU if
/// there is one. Each is there twice: computing everything, and skipping what hasn't changed, which must make no
/// difference.
fn backends(size: usize) -> Vec<(&'static str, Box<dyn Backend>)> {
    let mut backends = Vec::new();
    for name in NAMES {
        for threshold in [None, Some(0.0)] {
            match by_name(&bundle(), size, name) {
                Ok(mut backend) => {
                    backend.set_skip_threshold(threshold);
                    backends.push((name, backend));
                }
                Err(error) => eprintln!("skipped: {error}"),
            }
        }
    }
    assert!(backends.len() >= 6, "the fastest, the portable one and tract run everywhere");
    let has_gpu = backends.iter().any(|(name, _)| *name == "gpu");
    assert!(has_gpu || std::env::var_os("TRM_NEEDS_GPU").is_none(), "TRM_NEEDS_GPU is set, and there is none");
    backends
}

/// Runs three steps and compares everything that a golden file holds about them. Returns also the outputs of the first
/// step's applications.
fn assert_steps_agree(golden: &Golden, (name, backend): (&str, Box<dyn Backend>)) -> (Recursion, Vec<Vec<f32>>) {
    eprintln!("{} on {name}", golden.name);
    let bundle = bundle();
    assert_eq!(
        golden.net(),
        bundle.manifest.files[Graph::Net.file_name()],
        "{} is of other weights: make golden",
        golden.name
    );
    let mut recursion = Recursion::new(&bundle, backend);
    recursion.embed(&golden.floats("input")).unwrap();
    golden.assert_close("x", &read(&mut recursion, State::X), Tolerance::Network);
    let mut first = Vec::new();
    for number in 1..=3 {
        let outputs = step(&mut recursion);
        let [.., z, y] = outputs.as_slice() else { panic!("the net was applied once only") };
        golden.assert_close(&format!("step_{number}.z"), z, Tolerance::Network);
        golden.assert_close(&format!("step_{number}.y"), y, Tolerance::Network);
        let q = recursion.decode(PATIENCE).unwrap();
        golden.assert_close(&format!("step_{number}.logits"), recursion.logits(), Tolerance::Network);
        golden.assert_close(&format!("step_{number}.q"), &[q], Tolerance::Network);
        if number == 1 {
            first = outputs;
        }
    }
    (recursion, first)
}

#[test]
fn each_application_and_step_on_32_cells_is_pytorchs() {
    let golden = Golden::read("32");
    for backend in backends(32) {
        let (_, outputs) = assert_steps_agree(&golden, backend);
        assert_eq!(outputs.len(), 8);
        for (index, output) in outputs.iter().enumerate() {
            golden.assert_close(&format!("application_{}", index + 1), output, Tolerance::Network);
        }
    }
}

#[test]
fn each_step_on_48_cells_is_pytorchs() {
    for backend in backends(48) {
        assert_steps_agree(&Golden::read("48"), backend);
    }
}

#[test]
fn whole_steps_in_one_call_are_those_of_single_applications() {
    let golden = Golden::read("48");
    for (name, backend) in backends(48) {
        let mut recursion = Recursion::new(&bundle(), backend);
        recursion.embed(&golden.floats("input")).unwrap();
        for number in 1..=3 {
            while recursion.steps() < number || !recursion.is_at_step_end() {
                recursion.advance(PATIENCE).unwrap();
            }
            let q = recursion.decode(PATIENCE).unwrap();
            eprintln!("{} on {name}", golden.name);
            golden.assert_close(&format!("step_{number}.logits"), recursion.logits(), Tolerance::Network);
            golden.assert_close(&format!("step_{number}.q"), &[q], Tolerance::Network);
            assert!(recursion.is_finite());
        }
    }
}

#[test]
fn a_step_after_the_window_moved_is_pytorchs() {
    let golden = Golden::read("32");
    for backend in backends(32) {
        let (mut recursion, _) = assert_steps_agree(&golden, backend);
        // As `MOVED` in `models/trm_train/golden.py`.
        recursion.shift_state(-2, 1);
        recursion.begin_warm();
        recursion.embed(&golden.floats("moved.input")).unwrap();
        step(&mut recursion);
        let q = recursion.decode(PATIENCE).unwrap();
        golden.assert_close("moved.logits", recursion.logits(), Tolerance::Network);
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
