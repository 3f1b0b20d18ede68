//! A window and its guidance as the model's input. `models/trm_train/data.py` builds the same four channels.

use crate::grid::costmap::Costmap;
use crate::grid::guidance::Guidance;
use crate::grid::window::Window;
use crate::units::{Cell, MOVES};

/// Channels of the input: occupied, goal, offset of the goal's cost, ones.
pub const CHANNELS: [&str; 4] = ["occupied", "goal", "goal_offset", "ones"];
/// Classes of the output: the eight [`MOVES`], and "none yet, or leave the window here".
pub const CLASSES: usize = 9;
/// The ninth class.
pub const NONE: usize = 8;

/// The numbers by which a bundle scales its input.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scales {
    /// Value of the goal channel in a goal cell.
    pub goal_value: f32,
    /// Cells for an offset of 1.
    pub offset_scale: f32,
    /// Greatest offset after scaling.
    pub offset_clip: f32,
}

/// Where paths may end in a window: the goal itself, or border cells from which an optimal path leaves the window.
#[derive(Debug, Clone)]
pub struct GoalCells {
    /// Cost-to-go of each goal cell in cells, infinite for all others; `[size, size]` row-major.
    pub cost: Vec<f32>,
    /// The goal, where it lies in the window.
    pub goal: Option<Cell>,
    /// Number of goal cells.
    pub count: usize,
}

impl GoalCells {
    /// No goal cells, for a window of `size` × `size`.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self { cost: vec![f32::INFINITY; size * size], goal: None, count: 0 }
    }

    /// Finds the goal cells of a window. Without guidance only a goal inside the window can be one.
    pub fn find(
        &mut self,
        window: &Window,
        costmap: &Costmap,
        guidance: Option<&Guidance>,
        goal: Cell,
        allow_unknown: bool,
    ) {
        self.cost.fill(f32::INFINITY);
        self.count = 0;
        self.goal = window.local(goal);
        if let Some(at) = self.goal.and_then(|local| window.index(local)) {
            self.cost[at] = 0.0;
            self.count = 1;
        }
        let Some(guidance) = guidance else { return };
        let last = window.size() as i32 - 1;
        for i in 0..=last {
            for local in [Cell::new(i, 0), Cell::new(i, last), Cell::new(0, i), Cell::new(last, i)] {
                let Some(at) = window.index(local) else { continue };
                if self.cost[at].is_infinite() && leaves(window, costmap, guidance, local, allow_unknown) {
                    self.cost[at] = guidance.cost_to_go(window.global(local));
                    self.count += 1;
                }
            }
        }
    }

    /// The smallest cost-to-go of a goal cell.
    fn least(&self) -> f32 {
        self.cost.iter().copied().fold(f32::INFINITY, f32::min)
    }
}

/// Whether an optimal move from a border cell leads out of the window.
fn leaves(window: &Window, costmap: &Costmap, guidance: &Guidance, local: Cell, allow_unknown: bool) -> bool {
    let cell = window.global(local);
    costmap.is_free(cell, allow_unknown)
        && guidance
            .optimal_moves(costmap, cell, allow_unknown)
            .any(|bit| window.local(cell.after(MOVES[bit])).is_none())
}

/// Writes the input `[4, size, size]`: `blocked` as 0 or 1; goal cells; their cost over the smallest one, scaled and
/// clipped; ones, which tell the net's zero padding from free space.
pub fn encode(blocked: &[bool], goals: &GoalCells, scales: Scales, input: &mut [f32]) {
    let cells = blocked.len();
    let least = goals.least();
    let (occupied, rest) = input.split_at_mut(cells);
    let (goal, rest) = rest.split_at_mut(cells);
    let (offset, ones) = rest.split_at_mut(cells);
    for at in 0..cells {
        let cost = goals.cost[at];
        let is_goal = cost.is_finite();
        occupied[at] = f32::from(u8::from(blocked[at]));
        goal[at] = if is_goal { scales.goal_value } else { 0.0 };
        offset[at] = if is_goal { ((cost - least) / scales.offset_scale).min(scales.offset_clip) } else { 0.0 };
    }
    ones.fill(1.0);
}
