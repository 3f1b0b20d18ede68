//! The model against `PyTorch`, tensor by tensor. `make golden` writes the files with `PyTorch`'s numbers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use trm_config::{GridConfig, GridKind};
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::build;
use trm_grid::geometry::Geometry;
use trm_grid::guidance::Guidance;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Pose};
use trm_grid::window::Window;
use trm_net::backend::Backend;
use trm_net::bundle::Bundle;
use trm_net::encode::{CHANNELS, GoalCells, encode};
use trm_net::golden::Comparison;
use trm_net::recursion::{Reach, Recursion};
use trm_net::registry::{NAMES, by_name};

const PATIENCE: Duration = Duration::from_mins(1);

/// The largest absolute difference that a comparison accepts.
#[derive(Debug, Clone, Copy)]
enum Tolerance {
    /// The same sums in another order.
    Network,
    /// Rounding errors in a cost that is divided by the scale of the offsets. Costs-to-go are sums of moves that are rounded to
    /// whole units here, and to `f32` in the training.
    Encoding,
    /// 16 steps, each of which blows up the errors of rounding a little.
    Chaotic,
}

impl Tolerance {
    const fn largest(self) -> f32 {
        match self {
            Self::Network => 1e-4,
            Self::Encoding => 2e-4,
            Self::Chaotic => 1e-3,
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A golden file of the released bundle.
struct Golden {
    name: String,
    file: trm_net::golden::Golden,
}

impl Golden {
    fn read(part: &str) -> Self {
        let name = format!("nav_d32_{part}.safetensors");
        let file = trm_net::golden::Golden::read(&root().join("tests/golden").join(&name)).unwrap();
        Self { name, file }
    }

    fn floats(&self, tensor: &str) -> Vec<f32> {
        self.file.floats(tensor).unwrap().unwrap_or_else(|| panic!("{} has no {tensor}", self.name))
    }

    fn cell(&self, tensor: &str) -> Cell {
        let tensors = self.file.tensors().unwrap();
        let bytes = tensors.tensor(tensor).unwrap().data();
        let value = |at: usize| i32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Cell::new(value(4), value(0))
    }

    fn assert_close(&self, tensor: &str, found: &[f32], tolerance: Tolerance) {
        let mut comparison = Comparison::default();
        self.file.compare(tensor, found, tolerance.largest(), &mut comparison).unwrap();
        assert_eq!(comparison.numbers, found.len(), "{} has no {tensor}", self.name);
        assert_agrees(&self.name, &comparison, tolerance);
    }
}

fn assert_agrees(name: &str, comparison: &Comparison, tolerance: Tolerance) {
    if let Some(difference) = comparison.differences.first() {
        panic!("{name}, accepted {:e} ({tolerance:?}): {difference}", tolerance.largest());
    }
}

fn bundle() -> Bundle {
    Bundle::load(&root().join("models/bundles/nav_d32")).unwrap()
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

/// Runs the steps of a golden file and compares everything that it holds about them. Returns how many numbers.
fn assert_steps_agree(golden: &Golden, (name, backend): (&str, Box<dyn Backend>)) -> (Recursion, usize) {
    eprintln!("{} on {name}", golden.name);
    let (recursion, comparison) = golden.file.compare_steps(&bundle(), backend, Tolerance::Network.largest()).unwrap();
    assert_agrees(&golden.name, &comparison, Tolerance::Network);
    (recursion, comparison.numbers)
}

/// A state's length on windows of `size` cells, and that of the logits.
fn lengths(size: usize) -> (usize, usize) {
    let shape = bundle().manifest.shape(size);
    (shape.state_len(), shape.logits_len())
}

#[test]
fn each_application_and_step_on_32_cells_is_pytorchs() {
    let golden = Golden::read("32");
    let (state, logits) = lengths(32);
    for backend in backends(32) {
        let (_, numbers) = assert_steps_agree(&golden, backend);
        assert_eq!(numbers, state + 8 * state + 3 * (2 * state + logits + 1), "x, 8 applications, 3 steps");
    }
}

#[test]
fn each_step_on_48_cells_is_pytorchs() {
    let (state, logits) = lengths(48);
    for backend in backends(48) {
        let (_, numbers) = assert_steps_agree(&Golden::read("48"), backend);
        assert_eq!(numbers, state + 3 * (2 * state + logits + 1), "x, 3 steps");
    }
}

/// TRM-Att blows up the errors of rounding: after the first step it is compared from `PyTorch`'s own states alone.
#[test]
fn the_published_architectures_are_pytorchs_after_16_steps() {
    for (name, steps, answers) in [("maze_att", 1, 1), ("maze_mlp", 16, 2)] {
        let file = root().join("tests/golden").join(format!("{name}.safetensors"));
        let golden = trm_net::golden::Golden::read(&file).unwrap();
        let bundle = Bundle::load(&root().join("tests/bundles").join(name)).unwrap();
        let shape = bundle.manifest.shape(16);
        let (state, answer) = (shape.state_len(), shape.logits_len() + 1);
        let mut backend = by_name(&bundle, 16, "tract").unwrap();
        let each = golden.compare_each(&bundle, backend.as_mut(), Tolerance::Chaotic.largest()).unwrap();
        assert_agrees(name, &each, Tolerance::Chaotic);
        assert_eq!(each.numbers, 2 * state + 2 * answer, "the first application of two steps, 2 answers");
        let (recursion, through) = golden.compare_steps(&bundle, backend, Tolerance::Chaotic.largest()).unwrap();
        assert_agrees(name, &through, Tolerance::Chaotic);
        assert_eq!(recursion.steps(), steps);
        assert_eq!(through.numbers, (2 + 2 * answers) * state + answers * answer, "x, application 1; y, z, answers");
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
                recursion.advance(Reach::Step, PATIENCE).unwrap();
            }
            let q = recursion.decode(PATIENCE).unwrap();
            eprintln!("{} on {name}", golden.name);
            golden.assert_close(&format!("step_{number}.logits"), recursion.logits(), Tolerance::Network);
            golden.assert_close(&format!("step_{number}.q"), &[q], Tolerance::Network);
            assert!(recursion.is_usable());
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
        while recursion.steps() < 1 || !recursion.is_at_step_end() {
            recursion.advance(Reach::Step, PATIENCE).unwrap();
        }
        let q = recursion.decode(PATIENCE).unwrap();
        golden.assert_close("moved.logits", recursion.logits(), Tolerance::Network);
        golden.assert_close("moved.q", &[q], Tolerance::Network);
    }
}

fn costmap(golden: &Golden) -> Costmap {
    let tensors = golden.file.tensors().unwrap();
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
        encode(&blocked, &extra, &goals, None, bundle.manifest.encoding.scales, &mut input);
        golden.assert_close(&format!("{case}.input"), &input, Tolerance::Encoding);
    }
}
