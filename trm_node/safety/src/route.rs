//! Routes: the far part of a long path, as checked straight lines to the goal. A route is kept from plan to plan.
//!
//! A plan joins a route where that costs nothing extra. So the time for a plan doesn't grow with the distance to the
//! goal. When the costmap changes, only the lines that a change may touch are checked again.

use trm_grid::costmap::Costmap;
use trm_grid::geometry::{Geometry, Rect};
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, CellPoint, Point, Pose};

use crate::check::is_clear;
use crate::ends::last_point;

/// Maximum distance between poses, in cells: a diagonal step, so that a path never has more poses than cells.
pub const STRIDE: f64 = std::f64::consts::SQRT_2 + 1e-9;

/// The first poses of a path, this many, are at most a [`STRIDE`] apart. Later ones are far from being driven.
pub const DENSE: usize = 512;
/// Maximum distance between the later poses, in cells. Every corner has a pose.
pub const FAR_STRIDE: f64 = 4.0;

/// Checked straight lines to a goal. The fields are private, so every line has passed the check in [`Route::draw`],
/// [`Route::draw_to`] or [`Route::recheck`].
#[derive(Debug, Default)]
pub struct Route {
    /// Where the lines begin. The last line ends at `end`.
    corners: Vec<Cell>,
    end: CellPoint,
    /// The pose at `end`.
    end_pose: Pose,
    /// The requested pose.
    goal: Pose,
    /// The travel cost of each line.
    costs: Vec<f64>,
    /// The travel cost from the beginning of each line to the end.
    to_go: Vec<f64>,
    /// All lines from this corner on are clear.
    first: usize,
    /// Whether the lines were allowed to cross unknown cells.
    allow_unknown: bool,
    /// The version of the costmap that the lines were checked on.
    version: u64,
    /// The geometry of that costmap; `None` if there is no route.
    geometry: Option<Geometry>,
    /// The version of the guidance that the route follows.
    guidance: Option<u64>,
}

impl Route {
    /// Allocates memory for routes with `corners` corners.
    pub fn reserve(&mut self, corners: usize) {
        self.clear();
        self.corners = Vec::with_capacity(corners);
        self.costs = Vec::with_capacity(corners);
        self.to_go = Vec::with_capacity(corners);
    }

    /// Removes the route.
    pub fn clear(&mut self) {
        self.corners.clear();
        self.costs.clear();
        self.to_go.clear();
        self.first = 0;
        self.geometry = None;
    }

    /// Draws a route along `corners`, the last of which is the goal's cell. It ends at the [`last_point`] of that cell,
    /// if need be by way of its centre. `guidance` is the version of the guidance that the corners follow.
    ///
    /// Returns false, and leaves no route, if there is no line or a line is not clear.
    pub fn draw(
        &mut self,
        costmap: &Costmap,
        travel: Travel,
        corners: &[Cell],
        goal: Pose,
        guidance: Option<u64>,
    ) -> bool {
        self.clear();
        let [lines @ .., last] = corners else { return false };
        if lines.is_empty() || !goal.yaw.is_finite() {
            return false;
        }
        self.corners.extend_from_slice(lines);
        self.complete(costmap, travel, *last, goal, guidance)
    }

    /// Draws a route along `corners` that continues as another route, from its corner `from` on. The last of `corners`
    /// must be that corner. Returns false, and leaves no route, if it is not, or if a line is not clear.
    pub fn draw_to(
        &mut self,
        costmap: &Costmap,
        travel: Travel,
        corners: &[Cell],
        (other, from): (&Self, usize),
        guidance: Option<u64>,
    ) -> bool {
        self.clear();
        let [lines @ .., last] = corners else { return false };
        if other.corner(from) != Some(*last) {
            return false;
        }
        self.corners.extend_from_slice(lines);
        self.corners.extend_from_slice(&other.corners[from..]);
        self.complete(costmap, travel, other.end.cell(), other.goal, guidance)
    }

    /// Adds the end of the route to its corners, and checks every line.
    fn complete(&mut self, costmap: &Costmap, travel: Travel, last: Cell, goal: Pose, guidance: Option<u64>) -> bool {
        let Some(before) = self.corners.last() else { return false };
        let geometry = costmap.geometry();
        let Point { x, y } = last_point(costmap, travel.allow_unknown, last, goal.point());
        self.end_pose = Pose { x, y, ..goal };
        self.end = geometry.to_cells(self.end_pose.point());
        if !is_clear(costmap, travel.allow_unknown, before.center(), self.end) {
            self.corners.push(last);
        }
        self.goal = goal;
        self.guidance = guidance;
        self.costs.resize(self.corners.len(), 0.0);
        self.to_go.resize(self.corners.len(), 0.0);
        self.check_lines(costmap, travel, |_| true);
        let drawn = self.first == 0;
        if !drawn {
            self.clear();
        }
        drawn
    }

    /// Brings the check up to date with a costmap: checks the lines that a change may touch. If one is not clear, only
    /// the lines after it remain open.
    pub fn recheck(&mut self, costmap: &Costmap, travel: Travel) {
        let same_rules = self.allow_unknown == travel.allow_unknown;
        if self.geometry != Some(*costmap.geometry()) {
            self.clear();
        } else if self.version != costmap.version() || !same_rules {
            let changes = costmap.changed_since(self.version).filter(|_| same_rules);
            self.check_lines(costmap, travel, |line| {
                changes.is_none_or(|changes| changes.iter().any(|change| may_touch(line, change.rect)))
            });
        }
    }

    /// Checks the open lines for which `may_differ` returns true, and updates the costs.
    fn check_lines(&mut self, costmap: &Costmap, travel: Travel, may_differ: impl Fn(Line) -> bool) {
        let mut to_go = 0.0;
        for at in (self.first..self.corners.len()).rev() {
            let line = self.line(at);
            if may_differ(line) {
                if !is_clear(costmap, travel.allow_unknown, line.0, line.1) {
                    self.first = at + 1;
                    break;
                }
                self.costs[at] = travel.line(costmap, line.0, line.1);
            }
            to_go += self.costs[at];
            self.to_go[at] = to_go;
        }
        self.allow_unknown = travel.allow_unknown;
        self.version = costmap.version();
        self.geometry = Some(*costmap.geometry());
    }

    /// Whether all lines from a corner on are clear on a costmap, which need not be the one that they were checked on.
    #[must_use]
    pub fn holds(&self, costmap: &Costmap, allow_unknown: bool, from: usize) -> bool {
        let changes = costmap.changed_since(self.version);
        let is_clear_still = |line: Line| {
            changes.is_some_and(|changes| !changes.iter().any(|change| may_touch(line, change.rect)))
                || is_clear(costmap, allow_unknown, line.0, line.1)
        };
        self.geometry == Some(*costmap.geometry())
            && (self.first..self.corners.len()).contains(&from)
            && (from..self.corners.len()).all(|at| is_clear_still(self.line(at)))
    }

    /// Whether all lines from a corner on were checked on this version of the costmap, and are clear.
    #[must_use]
    pub fn is_checked(&self, costmap: &Costmap, from: usize) -> bool {
        self.geometry == Some(*costmap.geometry())
            && self.version == costmap.version()
            && (self.first..self.corners.len()).contains(&from)
    }

    /// Whether the lines were allowed to cross unknown cells.
    #[must_use]
    pub const fn allows_unknown(&self) -> bool {
        self.allow_unknown
    }

    /// The requested pose.
    #[must_use]
    pub const fn goal(&self) -> Pose {
        self.goal
    }

    /// The cell where the last line ends: the one that the goal was resolved to when the route was drawn.
    #[must_use]
    pub fn end_cell(&self) -> Cell {
        self.end.cell()
    }

    /// The last pose, with the goal's yaw: the exact goal, or the point of the last cell that is nearest to it.
    #[must_use]
    pub const fn end_pose(&self) -> Pose {
        self.end_pose
    }

    /// A corner by its index; `None` after the last one.
    #[must_use]
    pub fn corner(&self, at: usize) -> Option<Cell> {
        self.corners.get(at).copied()
    }

    /// The travel cost from a corner to the end, in cells; infinite if a line on the way is not clear.
    #[must_use]
    pub fn cost_to_go(&self, from: usize) -> f64 {
        if from < self.first { f64::INFINITY } else { self.to_go.get(from).copied().unwrap_or(f64::INFINITY) }
    }

    /// The corners from which clear lines lead to the end, and the index of the first of them.
    #[must_use]
    pub fn open_corners(&self) -> (&[Cell], usize) {
        (self.corners.get(self.first..).unwrap_or_default(), self.first)
    }

    /// The version of the guidance that the route follows.
    #[must_use]
    pub const fn guidance(&self) -> Option<u64> {
        self.guidance
    }

    /// The poses from a corner to the end, for a path that has `already` this many poses before them.
    pub fn poses(&self, from: usize, already: usize) -> impl Iterator<Item = Pose> + '_ {
        let mut count = already;
        self.geometry.iter().flat_map(move |geometry| {
            let lines = (from..self.corners.len()).flat_map(move |at| {
                let (a, b) = self.line(at);
                let yaw = geometry.to_map_yaw(a.heading(b));
                let stride = if count < DENSE { STRIDE } else { FAR_STRIDE };
                let pieces = (a.distance(b) / stride).ceil();
                count += pieces as usize;
                (0..pieces as usize).map(move |piece| {
                    let point = geometry.to_point(a.towards(b, piece as f64 / pieces));
                    Pose::new(point.x, point.y, yaw)
                })
            });
            lines.chain([self.end_pose])
        })
    }

    fn line(&self, at: usize) -> Line {
        (self.corners[at].center(), self.corners.get(at + 1).map_or(self.end, |next| next.center()))
    }
}

type Line = (CellPoint, CellPoint);

/// Whether a line may touch a cell of a rectangle: its bounding box comes within one cell of it.
fn may_touch((a, b): Line, rect: Rect) -> bool {
    let (left, bottom) = (rect.col as f64 - 1.0, rect.row as f64 - 1.0);
    let (right, top) = (left + rect.width as f64 + 1.0, bottom + rect.height as f64 + 1.0);
    a.col.min(b.col) <= right && a.col.max(b.col) >= left && a.row.min(b.row) <= top && a.row.max(b.row) >= bottom
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Rules, check, in_cells};
    use proptest::prelude::*;
    use trm_config::{GridConfig, GridKind};
    use trm_grid::costmap_builder::CostmapBuilder;
    use trm_grid::guidance::Guidance;
    use trm_grid::occupancy::OccupancyGrid;

    const SIDE: u32 = 80;

    struct World {
        builder: CostmapBuilder,
        map: Costmap,
        travel: Travel,
        goal: (Cell, Pose),
    }

    impl World {
        fn new(costs: Vec<i8>, goal: (i32, i32)) -> Self {
            let config = GridConfig::default();
            let geometry = Geometry::new(SIDE, SIDE, 0.1, Pose::new(3.0, -2.0, 0.4)).unwrap();
            let mut builder = CostmapBuilder::new(&config, GridKind::Costmap);
            builder.take_grid(OccupancyGrid::new(geometry, costs).unwrap());
            builder.refresh_to_end();
            let map = builder.costmap().unwrap().clone();
            let goal = Cell::new(goal.0, goal.1);
            let at = geometry.to_point(CellPoint::new(f64::from(goal.col) + 0.2, f64::from(goal.row) - 0.1));
            Self { builder, map, travel: Travel::new(&config), goal: (goal, Pose::new(at.x, at.y, 0.7)) }
        }

        fn guidance(&self) -> Guidance {
            Guidance::compute(&self.map, self.goal.0, self.travel, &|| false).unwrap()
        }

        fn follow(&self, guidance: &Guidance, from: Cell) -> Vec<Cell> {
            std::iter::successors(Some(from), |cell| guidance.next(&self.map, *cell)).collect()
        }

        /// A route from a cell to the goal, if a path exists.
        fn route(&self, guidance: &Guidance, from: Cell) -> Option<Route> {
            let way = self.follow(guidance, from);
            let clear = |a: Cell, b: Cell| is_clear(&self.map, self.travel.allow_unknown, a.center(), b.center());
            let mut corners = vec![way[0]];
            for (before, cell) in way.iter().zip(&way[1..]) {
                if !clear(corners[corners.len() - 1], *cell) {
                    corners.push(*before);
                }
            }
            corners.push(way[way.len() - 1]);
            let mut route = Route::default();
            route.draw(&self.map, self.travel, &corners, self.goal.1, guidance.version()).then_some(route)
        }
    }

    fn costs() -> impl Strategy<Value = Vec<i8>> {
        let cell = prop_oneof![30 => Just(0_i8), 6 => 1..98_i8, 1 => Just(100), 1 => Just(99), 1 => Just(-1)];
        proptest::collection::vec(cell, (SIDE * SIDE) as usize)
    }

    fn place() -> impl Strategy<Value = (i32, i32)> {
        (0..SIDE as i32, 0..SIDE as i32)
    }

    proptest! {
        #[test]
        fn rechecking_only_the_changed_parts_gives_the_same_as_checking_the_whole_route(
            costs in costs(), from in place(), to in place(),
            updates in proptest::collection::vec((place(), 1_u32..9, 1_u32..9, prop_oneof![Just(0_i8), Just(60), Just(100)]), 1..20),
            together in 1..4_usize,
        ) {
            let mut world = World::new(costs, to);
            let guidance = world.guidance();
            let Some(mut route) = world.route(&guidance, Cell::new(from.0, from.1)) else { return Ok(()) };
            let travel = world.travel;
            let mut has_changed = false;
            for (at, (place, width, height, value)) in updates.into_iter().enumerate() {
                let rect = Rect { col: place.0, row: place.1, width, height }.grown(0, world.map.geometry());
                world.builder.take_update(rect, &vec![value; rect.area()]).unwrap();
                if let Some(change) = world.builder.refresh_to_end() {
                    world.map.apply(&change);
                    has_changed = true;
                }
                let lines: Vec<Line> = (0..route.corners.len()).map(|at| route.line(at)).collect();
                let clear = |line: &Line| is_clear(&world.map, travel.allow_unknown, line.0, line.1);
                let first = lines.iter().rposition(|line| !clear(line)).map_or(0, |blocked| blocked + 1).max(route.first);
                for from in 0..lines.len() {
                    prop_assert_eq!(route.holds(&world.map, travel.allow_unknown, from), from >= first);
                }
                if at % together != 0 {
                    continue; // Recheck after two or more changes at once.
                }
                prop_assert!(!has_changed || !route.is_checked(&world.map, route.first));
                has_changed = false;
                route.recheck(&world.map, travel);
                prop_assert_eq!(route.first, first);
                for from in 0..=lines.len() {
                    prop_assert_eq!(route.is_checked(&world.map, from), from >= first && from < lines.len());
                }
                for from in first..lines.len() {
                    let cost: f64 = lines[from..].iter().map(|line| travel.line(&world.map, line.0, line.1)).sum();
                    prop_assert!((route.cost_to_go(from) - cost).abs() < 1e-6);
                    let poses: Vec<Pose> = route.poses(from, 0).collect();
                    let rules = Rules { allow_unknown: travel.allow_unknown, escape: 0.0 };
                    prop_assert!(check(&world.map, rules, in_cells(&world.map, &poses)));
                }
            }
        }
    }

    #[test]
    fn a_route_without_lines_or_with_a_heading_that_is_not_finite_is_refused() {
        let world = World::new(vec![0; (SIDE * SIDE) as usize], (70, 75));
        let way = world.follow(&world.guidance(), Cell::new(3, 60));
        let mut other = Route::default();
        assert!(!other.draw(&world.map, world.travel, &way, Pose { yaw: f64::NAN, ..world.goal.1 }, None));
        assert!(!other.draw(&world.map, world.travel, &way[..1], world.goal.1, None) && other.corner(0).is_none());
    }
}
