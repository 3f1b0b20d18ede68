//! The part of a path that lies beyond the window, kept from plan to plan: straight lines to the goal, each of them checked.
//!
//! A plan joins a route where it leads on from there at no extra cost. So what a plan costs doesn't grow with the way to
//! the goal. When the costs change, only the lines that a changed rectangle can touch are looked at again.

use super::smooth::STRIDE;
use super::verify::is_clear;
use crate::grid::costmap::Costmap;
use crate::grid::occupancy::{Geometry, Rect};
use crate::grid::travel::Travel;
use crate::units::{Cell, Pose};

/// A path has its poses at most a [`STRIDE`] apart up to this many; what lies beyond is far from being driven.
pub const DENSE: usize = 512;
/// The distance of poses beyond, in cells. Corners stay.
pub const FAR_STRIDE: f64 = 4.0;

/// Checked lines to a goal. The fields are private: [`Route::draw`] and [`Route::renew`] look at every line that they let
/// through.
#[derive(Debug, Default)]
pub struct Route {
    /// Where its lines begin. The last one ends in `end`.
    corners: Vec<Cell>,
    /// In cells.
    end: (f64, f64),
    end_pose: Pose,
    goal: Pose,
    /// What each line costs, and all from its beginning on.
    costs: Vec<f64>,
    to_go: Vec<f64>,
    /// From this corner on all lines may be driven.
    first: usize,
    /// Of the costmap that they were checked on.
    version: u64,
    geometry: Option<Geometry>,
    /// Version of the guidance that it follows.
    guidance: Option<u64>,
}

impl Route {
    /// Makes room for routes of `corners` corners.
    pub fn reserve(&mut self, corners: usize) {
        self.clear();
        self.corners = Vec::with_capacity(corners);
        self.costs = Vec::with_capacity(corners);
        self.to_go = Vec::with_capacity(corners);
    }

    /// Forgets the route.
    pub fn clear(&mut self) {
        self.corners.clear();
        self.costs.clear();
        self.to_go.clear();
        self.first = 0;
        self.geometry = None;
    }

    /// Becomes the lines along `corners`, the last of which is the goal's cell, and from the last but one to the goal itself
    /// where that is clear. `false`, and no route at all, when a line may not be driven.
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
        self.lead_to(costmap, travel, *last, goal, guidance)
    }

    /// Becomes the lines along `corners`, the last of which is a corner of another route to the same goal, and from there on
    /// that one. `false` as above.
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
        let end = Cell::new(other.end.0.round() as i32, other.end.1.round() as i32);
        self.lead_to(costmap, travel, end, other.goal, guidance)
    }

    /// Leads from its corners to the goal's cell and the goal itself, and looks at every line.
    fn lead_to(&mut self, costmap: &Costmap, travel: Travel, last: Cell, goal: Pose, guidance: Option<u64>) -> bool {
        let Some(before) = self.corners.last() else { return false };
        let geometry = costmap.geometry();
        let exact = geometry.to_cells(goal.point());
        let center = geometry.center(last);
        let is_exact = geometry.cell_at(goal.point()) == Some(last)
            && is_clear(costmap, travel.allow_unknown, point(*before), exact);
        self.end = if is_exact { exact } else { point(last) };
        self.end_pose = if is_exact { goal } else { Pose::new(center.x, center.y, goal.yaw) };
        self.goal = goal;
        self.guidance = guidance;
        self.costs.resize(self.corners.len(), 0.0);
        self.to_go.resize(self.corners.len(), 0.0);
        self.look(costmap, travel, |_| true);
        let drawn = self.first == 0;
        if !drawn {
            self.clear();
        }
        drawn
    }

    /// Checks what may have changed since it was checked last.
    pub fn renew(&mut self, costmap: &Costmap, travel: Travel) {
        if self.geometry != Some(*costmap.geometry()) {
            self.clear();
        } else if self.version != costmap.version() {
            let changes = costmap.changed_since(self.version);
            self.look(costmap, travel, |line| {
                changes.is_none_or(|changes| changes.iter().any(|c| meets(line, c.rect)))
            });
        }
    }

    /// Checks the lines that `may_differ`, and notes what they cost.
    fn look(&mut self, costmap: &Costmap, travel: Travel, may_differ: impl Fn(Line) -> bool) {
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
        self.version = costmap.version();
        self.geometry = Some(*costmap.geometry());
    }

    /// Whether the lines from a corner on may be driven on a costmap; it need not be the one that they were checked on.
    #[must_use]
    pub fn holds(&self, costmap: &Costmap, allow_unknown: bool, from: usize) -> bool {
        let changes = costmap.changed_since(self.version);
        let is_clear_still = |line: Line| {
            changes.is_some_and(|changes| !changes.iter().any(|change| meets(line, change.rect)))
                || is_clear(costmap, allow_unknown, line.0, line.1)
        };
        self.geometry == Some(*costmap.geometry())
            && (self.first..self.corners.len()).contains(&from)
            && (from..self.corners.len()).all(|at| is_clear_still(self.line(at)))
    }

    /// Whether the lines from a corner on were checked on this very costmap.
    #[must_use]
    pub fn is_checked(&self, costmap: &Costmap, from: usize) -> bool {
        self.geometry == Some(*costmap.geometry())
            && self.version == costmap.version()
            && (self.first..self.corners.len()).contains(&from)
    }

    /// The pose that was asked for.
    #[must_use]
    pub const fn goal(&self) -> Pose {
        self.goal
    }

    /// Its last pose: the goal, or the centre of the goal's cell.
    #[must_use]
    pub const fn end_pose(&self) -> Pose {
        self.end_pose
    }

    /// A corner; `None` behind the last one.
    #[must_use]
    pub fn corner(&self, at: usize) -> Option<Cell> {
        self.corners.get(at).copied()
    }

    /// What the lines from a corner on cost; infinite when they may not be driven.
    #[must_use]
    pub fn cost_to_go(&self, from: usize) -> f64 {
        if from < self.first { f64::INFINITY } else { self.to_go.get(from).copied().unwrap_or(f64::INFINITY) }
    }

    /// The corners from which its checked lines lead to the end, and the first one's place.
    pub(super) fn open_corners(&self) -> (&[Cell], usize) {
        (self.corners.get(self.first..).unwrap_or_default(), self.first)
    }

    /// Version of the guidance that it follows.
    pub(super) const fn guidance(&self) -> Option<u64> {
        self.guidance
    }

    /// Appends the poses from a corner to the end, until there are `most` in all. Those before them count as near.
    pub fn write(&self, from: usize, most: usize, poses: &mut Vec<Pose>) {
        let Some(geometry) = &self.geometry else { return };
        for at in from..self.corners.len() {
            let (a, b) = self.line(at);
            let (dx, dy) = (b.0 - a.0, b.1 - a.1);
            let yaw = geometry.to_map_yaw(dy.atan2(dx));
            let stride = if poses.len() < DENSE { STRIDE } else { FAR_STRIDE };
            let pieces = (dx.hypot(dy) / stride).ceil();
            for piece in 0..pieces as usize {
                if poses.len() >= most {
                    return;
                }
                let share = piece as f64 / pieces;
                let point = geometry.to_point(a.0 + share * dx, a.1 + share * dy);
                poses.push(Pose::new(point.x, point.y, yaw));
            }
        }
        if poses.len() < most {
            poses.push(self.end_pose);
        }
    }

    fn line(&self, at: usize) -> Line {
        (point(self.corners[at]), self.corners.get(at + 1).map_or(self.end, |next| point(*next)))
    }
}

/// Two points in cells.
type Line = ((f64, f64), (f64, f64));

pub(super) fn point(cell: Cell) -> (f64, f64) {
    (cell.col as f64, cell.row as f64)
}

/// Whether a line may touch a cell of a rectangle, or be crossed by one: it comes within a cell of it.
fn meets((a, b): Line, rect: Rect) -> bool {
    let (left, bottom) = (rect.col as f64 - 1.0, rect.row as f64 - 1.0);
    let (right, top) = (left + rect.width as f64 + 1.0, bottom + rect.height as f64 + 1.0);
    a.0.min(b.0) <= right && a.0.max(b.0) >= left && a.1.min(b.1) <= top && a.1.max(b.1) >= bottom
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::grid::costmap::{CostmapBuilder, GridKind};
    use crate::grid::guidance::{Guidance, TIE};
    use crate::grid::occupancy::OccupancyGrid;
    use crate::path::routes::{SLACK, join};
    use crate::path::smooth::straighten;
    use crate::path::verify::{Rules, check, in_cells};
    use proptest::prelude::*;

    const SIDE: u32 = 80;

    struct World {
        builder: CostmapBuilder,
        map: Costmap,
        travel: Travel,
        goal: (Cell, Pose),
    }

    impl World {
        fn new(costs: Vec<i8>, goal: (i32, i32)) -> Self {
            let config = Config::default();
            let geometry = Geometry::new(SIDE, SIDE, 0.1, Pose::new(3.0, -2.0, 0.4)).unwrap();
            let mut builder = CostmapBuilder::new(&config, GridKind::Costmap);
            let map = builder.replace(OccupancyGrid::new(geometry, costs).unwrap()).clone();
            let goal = Cell::new(goal.0, goal.1);
            let at = geometry.to_point(f64::from(goal.col) + 0.2, f64::from(goal.row) - 0.1);
            Self { builder, map, travel: Travel::new(&config), goal: (goal, Pose::new(at.x, at.y, 0.7)) }
        }

        fn guidance(&self) -> Guidance {
            Guidance::compute(&self.map, self.goal.0, self.travel, &|| false).unwrap()
        }

        fn follow(&self, guidance: &Guidance, from: Cell) -> Vec<Cell> {
            std::iter::successors(Some(from), |cell| guidance.next(&self.map, *cell)).collect()
        }

        /// The route from a cell to the goal, if there is one.
        fn route(&self, guidance: &Guidance, from: Cell) -> Option<Route> {
            let (mut corners, mut route) = (Vec::new(), Route::default());
            straighten(&self.map, self.travel, &self.follow(guidance, from), 1, || true, &mut corners);
            route.draw(&self.map, self.travel, &corners, self.goal.1, Some(guidance.version())).then_some(route)
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
        fn a_route_renewed_by_rectangles_is_the_one_that_was_looked_at_as_a_whole(
            costs in costs(), from in place(), to in place(),
            updates in proptest::collection::vec((place(), 1_u32..9, 1_u32..9, prop_oneof![Just(0_i8), Just(60), Just(100)]), 1..20),
            together in 1..4_usize,
        ) {
            let mut world = World::new(costs, to);
            let guidance = world.guidance();
            let Some(mut route) = world.route(&guidance, Cell::new(from.0, from.1)) else { return Ok(()) };
            let travel = world.travel;
            for (at, (place, width, height, value)) in updates.into_iter().enumerate() {
                let rect = Rect { col: place.0, row: place.1, width, height }.grown(0, world.map.geometry());
                let patch = world.builder.update(rect, &vec![value; rect.area()]).unwrap();
                world.map.apply(&patch);
                let lines: Vec<Line> = (0..route.corners.len()).map(|at| route.line(at)).collect();
                let clear = |line: &Line| is_clear(&world.map, travel.allow_unknown, line.0, line.1);
                let first = lines.iter().rposition(|line| !clear(line)).map_or(0, |blocked| blocked + 1).max(route.first);
                for from in 0..lines.len() {
                    prop_assert_eq!(route.holds(&world.map, travel.allow_unknown, from), from >= first);
                }
                if at % together != 0 {
                    continue; // Two changes and more are looked at together.
                }
                prop_assert!(!route.is_checked(&world.map, route.first));
                route.renew(&world.map, travel);
                prop_assert_eq!(route.first, first);
                for from in 0..=lines.len() {
                    prop_assert_eq!(route.is_checked(&world.map, from), from >= first && from < lines.len());
                }
                for from in first..lines.len() {
                    let cost: f64 = lines[from..].iter().map(|line| travel.line(&world.map, line.0, line.1)).sum();
                    prop_assert!((route.cost_to_go(from) - cost).abs() < 1e-6);
                    let mut poses = Vec::new();
                    route.write(from, usize::MAX, &mut poses);
                    let rules = Rules { allow_unknown: travel.allow_unknown, escape: 0.0 };
                    prop_assert!(check(&world.map, rules, in_cells(&world.map, &poses)));
                }
            }
        }

        #[test]
        fn a_way_that_joins_a_route_costs_what_the_guidance_says_and_a_cell_at_most(
            costs in costs(), from in place(), to in place(), others in proptest::collection::vec(place(), 20),
        ) {
            let world = World::new(costs, to);
            let guidance = world.guidance();
            let Some(route) = world.route(&guidance, Cell::new(from.0, from.1)) else { return Ok(()) };
            for cell in others.into_iter().map(|(col, row)| Cell::new(col, row)) {
                let Some(at) = join(&route, &world.map, &guidance, cell) else { continue };
                let line = (point(cell), point(route.corners[at]));
                prop_assert!(is_clear(&world.map, false, line.0, line.1));
                let joined = world.travel.line(&world.map, line.0, line.1) + route.cost_to_go(at);
                // The exact goal lies up to half a cell's diagonal beside its centre.
                let most = f64::from(guidance.cost_to_go(cell)) + SLACK + 2.2 + f64::from(TIE);
                prop_assert!(joined <= most, "{joined}, not {most}");
            }
        }
    }

    #[test]
    fn the_cells_of_the_guidances_own_way_join_their_route() {
        let world = World::new(vec![0; (SIDE * SIDE) as usize], (70, 75));
        let guidance = world.guidance();
        let from = Cell::new(3, 60);
        let route = world.route(&guidance, from).unwrap();
        let joining = |cell: &&Cell| join(&route, &world.map, &guidance, **cell).is_some();
        let way = world.follow(&guidance, from);
        let before_last = way.iter().position(|cell| Some(cell) == route.corners.last()).unwrap();
        assert_eq!(way[..before_last].iter().filter(joining).count(), before_last);
        assert_eq!(join(&route, &world.map, &guidance, world.goal.0), None, "nothing is ahead");
        let mut other = Route::default();
        assert!(!other.draw(&world.map, world.travel, &way, Pose { yaw: f64::NAN, ..world.goal.1 }, None));
        assert!(!other.draw(&world.map, world.travel, &way[..1], world.goal.1, None) && other.corner(0).is_none());
    }
}
