//! A window and its guidance as the model's input. `models/trm_train/data.py` builds the same channels.

use trm_grid::costmap::Costmap;
use trm_grid::guidance::Guidance;
use trm_grid::units::{Cell, MOVES};
use trm_grid::window::Window;

/// Channels of the input: blocked cells, goal cells, how much dearer a goal cell is than the cheapest, ones, and what a
/// cell's weight adds to the length of a move.
pub const CHANNELS: [&str; 5] = ["occupied", "goal", "goal_offset", "ones", "cost"];
/// The same, and the robot's cell: for models that answer one start alone.
pub const WITH_START: [&str; 6] = ["occupied", "goal", "goal_offset", "ones", "cost", "start"];
/// Classes of a cell's logits: the eight [`MOVES`], then [`NO_MOVE`].
pub const CLASSES: usize = 9;
/// The class of a cell from which no move leads on: none is known yet or, in a goal cell, the path ends or leaves the
/// window.
pub const NO_MOVE: usize = 8;

/// The numbers with which a bundle scales its input.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scales {
    /// Value of the goal channel in goal cells.
    pub goal_value: f32,
    /// The difference in cost, in cells, that makes an offset of 1.
    pub offset_scale: f32,
    /// Largest offset.
    pub offset_clip: f32,
}

/// Where paths may end in a window: the goal itself, and border cells from which an optimal path leaves the window.
#[derive(Debug, Clone)]
pub struct GoalCells {
    /// Travel cost from each goal cell to the goal, in cells; infinite for all other cells. `[size, size]`, row-major.
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

    /// Finds the goal cells of a window. Without guidance the goal is the only one, where it lies inside.
    pub fn find(&mut self, window: &Window, costmap: &Costmap, guidance: Option<&Guidance>, goal: Cell) {
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
                if self.cost[at].is_infinite() && leaves(window, costmap, guidance, local) {
                    self.cost[at] = guidance.cost_to_go(window.global(local));
                    self.count += 1;
                }
            }
        }
    }

    /// The cost of the cheapest goal cell.
    fn smallest_cost(&self) -> f32 {
        self.cost.iter().copied().fold(f32::INFINITY, f32::min)
    }
}

/// Whether an optimal move leads from this border cell out of the window.
fn leaves(window: &Window, costmap: &Costmap, guidance: &Guidance, local: Cell) -> bool {
    let cell = window.global(local);
    costmap.is_free(cell, guidance.travel().allow_unknown)
        && guidance.optimal_moves(costmap, cell).any(|bit| window.local(cell.after(MOVES[bit])).is_none())
}

/// Writes the input, [`CHANNELS`] × `[size, size]`: `blocked` as 0 or 1; the goal cells; how much their cost exceeds
/// the smallest one, scaled and clipped; ones, which tell free space from the zeros outside the window; and `extra`, as
/// [`Window::extra`] writes it. An input [`WITH_START`] gets the robot's cell, too, which has the index `start` in the window.
///
/// # Panics
/// When `input` isn't five or six times as long as `blocked`, or `extra` isn't as long.
pub fn encode(
    blocked: &[bool],
    extra: &[f32],
    goals: &GoalCells,
    start: Option<usize>,
    scales: Scales,
    input: &mut [f32],
) {
    let cells = blocked.len();
    let smallest = goals.smallest_cost();
    let (occupied, input) = input.split_at_mut(cells);
    let (goal, input) = input.split_at_mut(cells);
    let (offset, input) = input.split_at_mut(cells);
    let (ones, input) = input.split_at_mut(cells);
    let (cost, robot) = input.split_at_mut(cells);
    for at in 0..cells {
        let to_go = goals.cost[at];
        let is_goal = to_go.is_finite();
        occupied[at] = f32::from(u8::from(blocked[at]));
        goal[at] = if is_goal { scales.goal_value } else { 0.0 };
        offset[at] = if is_goal { ((to_go - smallest) / scales.offset_scale).min(scales.offset_clip) } else { 0.0 };
    }
    ones.fill(1.0);
    cost.copy_from_slice(extra);
    assert!(robot.is_empty() || robot.len() == cells, "an input has five or six channels");
    robot.fill(0.0);
    if let Some(robot) = start.and_then(|at| robot.get_mut(at)) {
        *robot = 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trm_grid::testing::{costmap, travel};

    #[test]
    fn the_robots_cell_is_marked_where_a_model_asks_for_it_and_nothing_else_changes() {
        let map = costmap(&["....", "..#.", "....", "...."]);
        let window = Window::around(Cell::new(1, 1), map.geometry(), 4, 1);
        let mut goals = GoalCells::new(4);
        goals.find(&window, &map, None, Cell::new(3, 3));
        let scales = Scales { goal_value: 4.0, offset_scale: 16.0, offset_clip: 8.0 };
        let (mut blocked, extra) = (vec![false; 16], vec![0.5; 16]);
        window.blocked(&map, false, &mut blocked);
        let mut five = vec![9.0; CHANNELS.len() * 16];
        encode(&blocked, &extra, &goals, Some(9), scales, &mut five);
        for start in [None, Some(9)] {
            let mut six = vec![9.0; WITH_START.len() * 16];
            encode(&blocked, &extra, &goals, start, scales, &mut six);
            let (same, robot) = six.split_at(five.len());
            assert_eq!(same, five);
            let marked: Vec<usize> = (0..16).filter(|at| robot[*at] > 0.5).collect();
            assert_eq!(marked, Vec::from_iter(start));
            assert!((robot.iter().sum::<f32>() - marked.len() as f32).abs() < f32::EPSILON);
        }
    }

    #[test]
    fn the_last_channel_is_what_free_cells_cost_beyond_a_length() {
        let map = costmap(&["..1", "9#+", "?.."]);
        let window = Window::around(Cell::new(1, 1), map.geometry(), 8, 2);
        for (allow_unknown, multiplier, most) in [(false, 2.0, 2.0), (true, 3.0, 3.0)] {
            let mut travel = travel(multiplier);
            travel.allow_unknown = allow_unknown;
            let (mut blocked, mut extra) = (vec![false; 64], vec![9.0; 64]);
            window.blocked(&map, allow_unknown, &mut blocked);
            window.extra(&map, travel, &mut extra);
            let mut goals = GoalCells::new(8);
            goals.find(&window, &map, None, Cell::new(2, 2));
            let mut input = vec![9.0; CHANNELS.len() * 64];
            let scales = Scales { goal_value: 4.0, offset_scale: 16.0, offset_clip: 8.0 };
            encode(&blocked, &extra, &goals, None, scales, &mut input);
            let at = |channel: usize, col, row| {
                let local = window.local(Cell::new(col, row)).and_then(|local| window.index(local)).unwrap();
                input[channel * 64 + local]
            };
            let cost = CHANNELS.iter().position(|name| *name == "cost").unwrap();
            // `unknown_weight` less 1, where it may be crossed.
            let unknown = if allow_unknown { 1.0 } else { 0.0 };
            let drawn =
                [(2, 0, most * 18.0 / 98.0), (0, 1, most), (1, 1, 0.0), (2, 1, 0.0), (0, 2, unknown), (1, 2, 0.0)];
            for (col, row, expected) in drawn {
                assert!((at(cost, col, row) - expected).abs() < 1e-6, "({col}, {row}) with {multiplier}");
            }
            // What lies outside the grid is blocked and has no weight.
            let sum: f32 = input[cost * 64..].iter().sum();
            assert!((sum - most * (1.0 + 18.0 / 98.0) - unknown).abs() < 1e-5);
            assert_eq!((at(0, 0, 2), at(0, 1, 1), at(1, 2, 2)), (f32::from(u8::from(!allow_unknown)), 1.0, 4.0));
            assert!(input[3 * 64..4 * 64].iter().all(|one| (one - 1.0).abs() < f32::EPSILON));
        }
    }
}
