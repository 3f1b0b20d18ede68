//! Short ways from the robot's exact pose to states of the lattice, and from states to the exact goal.

use trm_config::MotionModel;
use trm_grid::units::Cell;

use crate::clearance::{Clearance, Escape};
use crate::curves::{Curve, Segment, Steer, cheapest};
use crate::headings::wrapped;
use crate::lattice::{Lattice, State};
use crate::motion::Motion;
use crate::pose::CellPose;
use crate::tariff::curve_cost;

/// Headings on each side of the nearest one to which ways are tried.
const HEADINGS: i32 = 1;
/// The greatest length of a connector, as a multiple of the distance at which states are tried.
const LONGEST: f64 = 2.0;
/// How far beside the way of a robot that can't drive sideways, in cells, states are that it can get to without manoeuvres.
const BESIDE: f64 = 1.0;
/// The greatest distance at which states are tried for a robot that turns on the spot, in cells.
const FARTHEST: f64 = 16.0;
/// What a change between forwards and backwards in a connector costs at least, in cells: less, and a car would go back and
/// forth by millimetres to save some.
const CHANGE: f64 = 2.0;
/// How far from a goal, as shares of a car's radius, its way in is looked for.
const WAYS_IN: [f64; 4] = [0.4, 0.8, 1.2, 1.6];
/// Columns and rows around a place on a way in whose states are tried.
const NEAR_WAY_IN: i32 = 1;
/// Cells between the places ahead of and behind a goal from where a robot that turns on the spot may come in straight, ...
const AXIS_STRIDE: i32 = 4;
/// ... and how many there are on each side.
const AXIS_STEPS: usize = 10;
/// Greatest coordinate of a pose, in cells. Grids are smaller.
const MAX_COORDINATE: f64 = 1e6;

/// A way between an exact pose and a state. It keeps clear.
#[derive(Debug, Clone)]
pub struct Connector {
    /// The state.
    pub state: State,
    /// What the way costs, in cells. A change of direction counts at least two.
    pub cost: f32,
    /// The way, from or to the state; `None` at a goal that the state itself is near enough to.
    pub curve: Option<Curve>,
}

impl Connector {
    fn along(state: State, curve: Curve, motion: &Motion, weight: impl Fn(Cell) -> f32) -> Self {
        Self { state, cost: curve_cost(&curve, motion, weight) as f32, curve: Some(curve) }
    }
}

/// The states around an exact pose to which ways are tried.
#[derive(Debug, Clone, Copy)]
pub struct Around {
    pose: CellPose,
    cell: Cell,
    nearest: i32,
    headings: i32,
    distance: i32,
}

impl Around {
    /// Those around a pose; `None` if the pose isn't finite or is farther from everything than a grid can be.
    #[must_use]
    pub fn new(pose: CellPose, lattice: &Lattice) -> Option<Self> {
        Self::is_near(pose).then(|| Self {
            pose,
            cell: pose.at().cell(),
            nearest: i32::from(lattice.nearest_heading(pose.yaw)),
            headings: lattice.headings().len() as i32,
            distance: distance(lattice),
        })
    }

    /// Whether a pose is finite, and no farther away than a grid can be.
    pub(crate) fn is_near(pose: CellPose) -> bool {
        pose.col.abs() <= MAX_COORDINATE && pose.row.abs() <= MAX_COORDINATE && pose.yaw.is_finite()
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        most(self.distance)
    }

    /// The state with a number less than [`Self::count`].
    #[must_use]
    pub fn state(&self, number: usize) -> State {
        let (side, headings) = (2 * self.distance + 1, 2 * HEADINGS + 1);
        let (number, turn) = (number as i32 / headings, number as i32 % headings - HEADINGS);
        let cell =
            Cell::new(self.cell.col + number % side - self.distance, self.cell.row + number / side - self.distance);
        State { cell, heading: (self.nearest + turn).rem_euclid(self.headings) as u8 }
    }

    /// The way from the pose to a state, if it is short and clear.
    pub fn to(
        &self,
        state: State,
        lattice: &Lattice,
        clearance: &Clearance,
        escape: &Escape,
        weight: impl Fn(Cell) -> f32,
    ) -> Option<Connector> {
        let curve = self.curve_to(state, lattice)?;
        let motion = steady(lattice.motion());
        escape.allows(&curve, clearance).then(|| Connector::along(state, curve, &motion, weight))
    }

    /// What the way from the pose to a state costs at least, in cells, if it is short.
    pub(crate) fn least_cost_to(&self, state: State, lattice: &Lattice) -> Option<f32> {
        self.curve_to(state, lattice).map(|curve| curve.cost(&steady(lattice.motion())) as f32)
    }

    /// The curve from the pose to a state, if it is short.
    fn curve_to(&self, state: State, lattice: &Lattice) -> Option<Curve> {
        let motion = steady(lattice.motion());
        self.short(cheapest(self.pose, self.on_the_way(pose(state, lattice), &motion)?, &motion)?)
    }

    /// The way from a state to the pose, if it is short and clear for a robot that is clear in the state.
    pub fn from(
        &self,
        state: State,
        lattice: &Lattice,
        clearance: &Clearance,
        weight: impl Fn(Cell) -> f32,
    ) -> Option<Connector> {
        let motion = steady(lattice.motion());
        let curve = self.short(cheapest(self.on_the_way(pose(state, lattice), &motion)?, self.pose, &motion)?)?;
        clearance.is_clear_along(&curve).then(|| Connector::along(state, curve, &motion, weight))
    }

    /// A state on a car's ways into the pose, of number less than [`WAYS_IN_COUNT`]: ahead and back, straight and
    /// as narrow as it can turn. Where little room is left, these are the ways that there are.
    pub(crate) fn on_way_in(&self, number: usize, lattice: &Lattice) -> State {
        let side = 2 * NEAR_WAY_IN + 1;
        let (number, near) = (number / (side * side) as usize, number as i32 % (side * side));
        let radius = lattice.motion().turning_radius;
        let steer = [Steer::Straight, Steer::Arc(radius), Steer::Arc(-radius)][number % 3];
        let length = WAYS_IN[number / 3 % WAYS_IN.len()] * radius;
        let amount = if number / 3 / WAYS_IN.len() == 0 { length } else { -length };
        let there = Segment { steer, amount }.end(self.pose);
        let cell = there.at().cell();
        let cell = Cell::new(cell.col + near % side - NEAR_WAY_IN, cell.row + near / side - NEAR_WAY_IN);
        State { cell, heading: lattice.nearest_heading(there.yaw) }
    }

    /// A state ahead of or behind the pose, of number less than [`ON_AXIS_COUNT`]: where a robot can turn only farther away, it
    /// comes in along the pose's own heading.
    fn on_axis(&self, number: usize) -> State {
        let (side, headings) = (2 * NEAR_WAY_IN + 1, 2 * HEADINGS + 1);
        let (near, number) = (number as i32 % (side * side), number as i32 / (side * side));
        let (turn, number) = (number % headings - HEADINGS, number / headings);
        let amount = f64::from(AXIS_STRIDE * (number / 2 + 1)) * if number % 2 == 0 { 1.0 } else { -1.0 };
        let there = Segment { steer: Steer::Straight, amount }.end(self.pose).at().cell();
        let cell = Cell::new(there.col + near % side - NEAR_WAY_IN, there.row + near / side - NEAR_WAY_IN);
        State { cell, heading: (self.nearest + turn).rem_euclid(self.headings) as u8 }
    }

    /// The way from a state on a car's ways in, or on the axis, to the pose, if it is clear.
    pub(crate) fn in_from(
        &self,
        state: State,
        lattice: &Lattice,
        clearance: &Clearance,
        weight: impl Fn(Cell) -> f32,
    ) -> Option<Connector> {
        let from = pose(state, lattice);
        let motion = steady(lattice.motion());
        let curve = cheapest(from, self.pose, &motion)?;
        let is_short = curve.length() <= LONGEST * from.at().distance(self.pose.at()).max(1.0);
        let is_clear = is_short && clearance.is_clear_at(from) && clearance.is_clear_along(&curve);
        is_clear.then(|| Connector::along(state, curve, &motion, weight))
    }

    /// A pose, unless it is so far beside a car that the car would have to go back and forth, or is neither near a robot that
    /// turns on the spot nor ahead of or behind it. The lattice leads to those, too.
    fn on_the_way(&self, pose: CellPose, motion: &Motion) -> Option<CellPose> {
        let seen = self.pose.sees(pose);
        let is_on_it = match motion.model {
            MotionModel::Car => seen.row.abs() <= BESIDE + seen.col * seen.col / (2.0 * motion.turning_radius),
            MotionModel::Diff => seen.row.abs() <= BESIDE || self.pose.at().distance(pose.at()) <= 2.0 * BESIDE,
            MotionModel::Omni => true,
        };
        is_on_it.then_some(pose)
    }

    fn short(&self, curve: Curve) -> Option<Curve> {
        (curve.length() <= LONGEST * f64::from(self.distance)).then_some(curve)
    }

    /// A state that is itself as near to the pose as asked for, in cells and radians, and clear.
    #[must_use]
    pub fn instead(
        &self,
        state: State,
        lattice: &Lattice,
        clearance: &Clearance,
        (distance, turn): (f64, f64),
    ) -> Option<Connector> {
        let pose = pose(state, lattice);
        let apart = pose.at().distance(self.pose.at());
        let is_near = apart <= distance && wrapped(pose.yaw - self.pose.yaw).abs() <= turn;
        (is_near && clearance.is_clear_at(pose)).then_some(Connector { state, cost: apart as f32, curve: None })
    }
}

/// The ways to a goal: from the states around it, and for a car from those on its ways in; where the robot can't stand at the goal
/// itself, the states that are near enough, in cells and radians. In the order of their states.
pub(crate) fn ways_to(
    goal: CellPose,
    lattice: &Lattice,
    clearance: &Clearance,
    weight: impl Fn(Cell) -> f32,
    tolerance: (f64, f64),
) -> Vec<Connector> {
    let Some(around) = Around::new(goal, lattice) else { return Vec::new() };
    let states = || (0..around.count()).map(|number| around.state(number));
    let is_exact = clearance.is_clear_at(goal);
    let mut ends = Vec::new();
    if is_exact {
        ends.extend(states().filter_map(|state| around.from(state, lattice, clearance, &weight)));
    }
    if ends.is_empty() {
        ends.extend(states().filter_map(|state| around.instead(state, lattice, clearance, tolerance)));
    }
    let ways_in = match lattice.motion().model {
        MotionModel::Car if is_exact => WAYS_IN_COUNT,
        MotionModel::Diff if is_exact => ON_AXIS_COUNT,
        _ => 0,
    };
    for number in 0..ways_in {
        let is_car = lattice.motion().model == MotionModel::Car;
        let state = if is_car { around.on_way_in(number, lattice) } else { around.on_axis(number) };
        ends.extend(around.in_from(state, lattice, clearance, &weight));
    }
    ends.sort_unstable_by(|one, other| one.state.cmp(&other.state).then(one.cost.total_cmp(&other.cost)));
    ends.dedup_by_key(|end| end.state);
    ends
}

/// How many columns and rows around a pose states are tried. A car needs room to get from between two lines onto one. So does
/// a robot that turns on the spot in an aisle: the longer it is, the less it may turn there.
fn distance(lattice: &Lattice) -> i32 {
    let motion = lattice.motion();
    match motion.model {
        MotionModel::Car => (0.6 * motion.turning_radius).ceil().clamp(3.0, 8.0) as i32,
        MotionModel::Diff => (lattice.outline().reach() / 2.0).ceil().clamp(1.0, FARTHEST) as i32,
        MotionModel::Omni => 1,
    }
}

/// The motion by which connectors are chosen.
fn steady(motion: &Motion) -> Motion {
    Motion { change_penalty: motion.change_penalty.max(CHANGE), ..*motion }
}

const fn most(distance: i32) -> usize {
    ((2 * distance + 1) * (2 * distance + 1) * (2 * HEADINGS + 1)) as usize
}

/// States ahead of and behind a pose.
const ON_AXIS_COUNT: usize =
    2 * AXIS_STEPS * (2 * HEADINGS + 1) as usize * ((2 * NEAR_WAY_IN + 1) * (2 * NEAR_WAY_IN + 1)) as usize;

/// States on the ways into a pose.
pub(crate) const WAYS_IN_COUNT: usize = 6 * WAYS_IN.len() * ((2 * NEAR_WAY_IN + 1) * (2 * NEAR_WAY_IN + 1)) as usize;

/// The greatest number of connectors at one pose.
#[must_use]
pub fn capacity(lattice: &Lattice) -> usize {
    most(distance(lattice)) + WAYS_IN_COUNT
}

/// The pose of a state.
#[must_use]
pub fn pose(state: State, lattice: &Lattice) -> CellPose {
    let yaw = lattice.headings()[state.heading as usize].yaw;
    CellPose::new(f64::from(state.cell.col), f64::from(state.cell.row), yaw)
}
