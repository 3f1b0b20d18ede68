//! The previous path: what remains of it, and whether it is preferred to a new path.

use std::time::Duration;

use trm_grid::costmap::Costmap;
use trm_grid::geometry::Geometry;
use trm_grid::units::{Point, Pose};
use trm_safety::check::{Rules, check};
use trm_safety::route::STRIDE;
use trm_safety::routes::{Junction, Routes};
use trm_safety::{Draft, VerifiedPath};

use crate::problem::Problem;

/// If the robot is farther than this from the previous path, in cells, it doesn't keep it.
pub const MAX_STRAY: f64 = 32.0;
/// Another way is believed to be better when each plan has found it so for this long. Until then the path is kept, at most so
/// long: what people block and free changes in less time than that.
const PATIENCE: Duration = Duration::from_millis(500);
/// Two paths go the same way while they are at most this far apart, in cells, or at most the robot's diameter.
const SAME_WAY: f64 = 8.0;
/// A new way must be cheaper by this share, too: what it costs is a guess where people walk or cells are unknown, and each
/// step changes it. Among people the robot passes obstacles on the same side for it (`make closed-loop`); in unseen buildings
/// it turns round less often, and drives as far (`trm eval --unknown`).
const DOUBT: f64 = 0.05;
/// Ends of paths that are no farther apart, in cells, are the same. It covers rounding only.
const SAME_END: f64 = 1e-6;
/// Two paths are compared over this many poses ahead.
const COMPARED: usize = 64;

/// The path that was published last, and its goal.
#[derive(Debug, Default)]
pub struct PreviousPath {
    published: VerifiedPath,
    /// The number of its first poses that only lead to it from where the robot was when it was kept. They count for
    /// nothing when the robot has moved on: else each would be a place that it had to come by.
    lead: usize,
    /// The requested pose that it leads to.
    goal: Option<Pose>,
    /// Since when each plan has found another way that is better.
    better_since: Option<Duration>,
    /// Scratch for the remainder of the path, when that is published again.
    draft: Draft,
}

/// What remains of a path: a straight line from the robot to the pose that it comes to next, and the path from there on.
#[derive(Debug, Clone, Copy)]
pub struct Remainder<'a> {
    /// The pose from where the straight line is reached; `None` if it begins at the robot.
    lead: Option<Pose>,
    start: Pose,
    /// The number of poses on the straight line, without `first`.
    pieces: usize,
    /// The pose where the straight line ends.
    first: Pose,
    /// The poses after it, up to the junction.
    ahead: &'a [Pose],
    /// The junction where the remainder joins a route, if it does.
    junction: Option<Junction>,
}

impl<'a> Remainder<'a> {
    /// The remainder for a robot at `start` of a path whose first `lead` poses don't count. `None` if the robot has strayed
    /// too far from the path, or if there is no path.
    fn of((path, lead): (&'a VerifiedPath, usize), routes: &Routes, start: Pose, geometry: &Geometry) -> Option<Self> {
        let poses = path.before_junction().get(lead..)?;
        let distance = |pose: &Pose| pose.point().distance(start.point());
        let nearest = (0..poses.len())
            .min_by(|a, b| distance(&poses[*a]).total_cmp(&distance(&poses[*b])))
            .filter(|nearest| distance(&poses[*nearest]) <= MAX_STRAY * geometry.resolution())?;
        // The next corner of the route.
        let beyond = path.junction().map(|junction| {
            let (route, next) = (routes.of(junction), junction.corner + 1);
            let corner = route.corner(next);
            let pose = corner.map_or(route.end_pose(), |corner| {
                let Point { x, y } = geometry.center(corner);
                Pose::new(x, y, 0.0)
            });
            (pose, corner.map(|_| junction.at(next)))
        });
        let after = poses.get(nearest + 1).copied().or_else(|| beyond.map(|(pose, _)| pose));
        let has_passed = after.is_some_and(|after| is_beyond(start.point(), poses[nearest].point(), after.point()));
        let (first, ahead, junction) = match (beyond, poses.get(nearest + usize::from(has_passed)..)?) {
            (Some((first, junction)), []) => (first, &[][..], junction),
            (_, rest) => {
                let (first, ahead) = rest.split_first()?;
                (*first, ahead, path.junction())
            }
        };
        let pieces = (start.point().distance(first.point()) / (STRIDE * geometry.resolution())).ceil() as usize;
        Some(Self { lead: None, start, pieces, first, ahead, junction })
    }

    /// The number of poses that lead to the path.
    fn leading(self) -> usize {
        usize::from(self.lead.is_some()) + self.pieces
    }

    /// The poses up to the junction.
    fn poses(self) -> impl Iterator<Item = Pose> + 'a {
        let Self { lead, start, pieces, first, ahead, .. } = self;
        let (dx, dy) = (first.x - start.x, first.y - start.y);
        let line = (0..pieces).map(move |piece| {
            let share = piece as f64 / pieces as f64;
            Pose::new(start.x + share * dx, start.y + share * dy, dy.atan2(dx))
        });
        lead.into_iter().chain(line).chain([first]).chain(ahead.iter().copied())
    }

    /// Whether the poses up to the junction pass the check.
    fn passes(self, costmap: &Costmap, rules: Rules) -> bool {
        check(costmap, rules, self.poses().map(|pose| costmap.geometry().to_cells(pose.point())))
    }
}

impl PreviousPath {
    /// Allocates memory for paths of this many poses.
    pub fn reserve(&mut self, poses: usize) {
        self.draft.poses.clear();
        self.draft.poses.reserve(poses);
        self.published.reserve(poses);
    }

    /// Forgets the path.
    pub fn clear(&mut self) {
        self.published.clear();
        (self.lead, self.goal, self.better_since) = (0, None, None);
    }

    /// The routes are given up: the path stays, as poses alone.
    pub const fn leave_route(&mut self) {
        self.published.leave_route();
    }

    /// The published path. Empty before the first one.
    #[must_use]
    pub const fn path(&self) -> &VerifiedPath {
        &self.published
    }

    /// How far a point is from the path up to its junction, in metres; infinite without a path.
    #[must_use]
    pub fn distance(&self, point: Point, geometry: &Geometry) -> f64 {
        let poses = self.published.before_junction().get(self.lead..).unwrap_or_default();
        // Where the robot was before the first of the poses, they lay a step apart, too.
        let before = STRIDE * geometry.resolution();
        let lines = poses
            .windows(2)
            .enumerate()
            .map(|(at, line)| to_line(point, (line[0].point(), line[1].point()), if at == 0 { before } else { 0.0 }));
        let last = poses.last().map(|pose| pose.point().distance(point));
        lines.chain(last).fold(f64::INFINITY, f64::min)
    }

    /// Whether it is kept only until it is sure that another way is better.
    #[must_use]
    pub const fn is_in_doubt(&self) -> bool {
        self.better_since.is_some()
    }

    /// Replaces the path by a draft that passes the check. The draft then holds the old poses. A refused draft changes
    /// nothing.
    pub fn replace(&mut self, draft: &mut Draft, routes: &Routes, problem: &Problem) -> bool {
        let accepted = self.published.accept(draft, routes, problem.costmap, problem.rules);
        if accepted {
            (self.goal, self.lead, self.better_since) = (Some(problem.goal_pose), 0, None);
        }
        accepted
    }

    /// Replaces the path by its own remainder. Returns false, and changes nothing, if the remainder doesn't pass the
    /// check or doesn't lead to the problem's goal.
    pub fn keep(&mut self, routes: &Routes, problem: &Problem) -> bool {
        let mut draft = std::mem::take(&mut self.draft);
        draft.poses.clear();
        let mut lead = 0;
        if let Some(left) = self.drivable(routes, problem) {
            draft.junction = left.junction;
            draft.poses.extend(left.poses());
            lead = left.leading();
        }
        self.draft = draft;
        let accepted = self.published.accept(&mut self.draft, routes, problem.costmap, problem.rules);
        if accepted {
            self.lead = lead;
        }
        accepted
    }

    /// The remainder of the path, if it leads to the problem's goal and passes the check. It begins where the problem does,
    /// if need be by way of the centre of the robot's cell.
    fn drivable(&self, routes: &Routes, problem: &Problem) -> Option<Remainder<'_>> {
        let (geometry, start) = (problem.costmap.geometry(), problem.start_pose);
        let end = self.published.poses().last()?;
        // With other costs the same goal may lead to another cell, or to another point of it: to the exact goal, when
        // that becomes free.
        let is_end = end.point().distance(problem.end().point()) <= SAME_END * geometry.resolution();
        if self.goal != Some(problem.goal_pose) || !is_end {
            return None;
        }
        let center = geometry.center(geometry.nearest_cell(start.point()));
        let [begin, center] = [problem.begin(), center].map(|Point { x, y }| Pose { x, y, ..start });
        [(None, begin), (Some(begin), center)].into_iter().find_map(|(lead, start)| {
            let left = Remainder { lead, ..Remainder::of((&self.published, self.lead), routes, start, geometry)? };
            let is_checked = |at: Junction| routes.of(at).is_checked(problem.costmap, at.corner);
            let is_good = left.junction.is_none_or(is_checked) && left.passes(problem.costmap, problem.rules);
            is_good.then_some(left)
        })
    }

    /// Whether the remainder of the path is safe to drive on a costmap. True if there is no path.
    #[must_use]
    pub fn still_holds(&self, routes: &Routes, start: Pose, costmap: &Costmap, rules: Rules) -> bool {
        let holds = |at: Junction| routes.of(at).holds(costmap, rules.allow_unknown, at.corner);
        self.published.poses().is_empty()
            || Remainder::of((&self.published, self.lead), routes, start, costmap.geometry())
                .is_some_and(|left| left.junction.is_none_or(holds) && left.passes(costmap, rules))
    }

    /// Whether the path should be kept at a reading of the clock instead of a draft: the draft goes another way, and is not
    /// cheaper by more than one cell and [a share](DOUBT), or has been so for less than [a while](PATIENCE). This keeps the
    /// robot from turning back and forth between two ways of nearly the same cost, and between ways that people open and
    /// close. `robot_radius` is in metres.
    #[must_use]
    pub fn is_preferred_to(
        &mut self,
        draft: &Draft,
        routes: &Routes,
        problem: &Problem,
        (robot_radius, now): (f64, Duration),
    ) -> bool {
        let since = self.better_since.take();
        let Some(left) = self.drivable(routes, problem) else { return false };
        let same_way = (2.0 * robot_radius).max(SAME_WAY * problem.costmap.geometry().resolution());
        let beyond = |junction: Option<Junction>| junction.map_or(0.0, |at| routes.of(at).cost_to_go(at.corner));
        let cost = |poses: &mut dyn Iterator<Item = Pose>, junction| {
            problem.travel.path(problem.costmap, poses) + beyond(junction)
        };
        let new = cost(&mut draft.poses.iter().copied(), draft.junction);
        let old = cost(&mut left.poses(), left.junction);
        let is_other_way = diverge(
            points_ahead(draft.poses.iter().copied(), draft.poses.len(), draft.junction, routes),
            points_ahead(left.poses(), left.pieces + 1 + left.ahead.len(), left.junction, routes),
            same_way,
        );
        let is_better = old > new + 1.0 + DOUBT * old;
        if !is_other_way || !is_better {
            return is_other_way;
        }
        let since = since.unwrap_or(now);
        let is_kept = now.saturating_sub(since) < PATIENCE;
        self.better_since = is_kept.then_some(since);
        is_kept
    }
}

/// Whether a point is at or beyond a place, in the direction of what comes after that.
fn is_beyond(point: Point, place: Point, after: Point) -> bool {
    (point.x - place.x) * (after.x - place.x) + (point.y - place.y) * (after.y - place.y) >= 0.0
}

/// How far a point is from a line that begins so many metres before the first of its points.
fn to_line(point: Point, (from, to): (Point, Point), before: f64) -> f64 {
    let (dx, dy, length) = (to.x - from.x, to.y - from.y, from.distance(to).max(f64::MIN_POSITIVE));
    let along = ((point.x - from.x) * dx + (point.y - from.y) * dy) / length;
    let share = along.clamp(-before, length) / length;
    point.distance(Point { x: from.x + share * dx, y: from.y + share * dy })
}

/// The points of a path of `count` poses, and of the route that it joins.
fn points_ahead(
    poses: impl Iterator<Item = Pose>,
    count: usize,
    junction: Option<Junction>,
    routes: &Routes,
) -> impl Iterator<Item = Point> {
    poses.chain(junction.into_iter().flat_map(move |at| routes.of(at).poses(at.corner, count))).map(Pose::point)
}

/// Whether one of the first points of a path is farther than `distance` from all first points of another.
fn diverge(path: impl Iterator<Item = Point>, other: impl Iterator<Item = Point>, distance: f64) -> bool {
    // Twice as many points of the other, because the two may not have the same distance between poses.
    let mut others = [Point::default(); 2 * COMPARED];
    let mut count = 0;
    for (place, point) in others.iter_mut().zip(other) {
        *place = point;
        count += 1;
    }
    let is_near = |point: Point| others[..count].iter().any(|other| other.distance(point) <= distance);
    !path.take(COMPARED).all(is_near)
}

#[cfg(test)]
mod tests {
    use super::*;
    use trm_grid::testing::{costmap, travel};
    use trm_grid::units::Cell;

    use crate::endpoints::GoalArea;

    const SOON: Duration = Duration::from_secs(7);
    const RULES: Rules = Rules { allow_unknown: false, escape: 0.0 };

    /// Poses at the centres of cells of 1 m, facing along x.
    fn poses(cells: &[(i32, i32)]) -> Vec<Pose> {
        cells.iter().map(|(col, row)| Pose::new(f64::from(*col) + 0.5, f64::from(*row) + 0.5, 0.0)).collect()
    }

    /// A problem on a costmap from a pose to the end of row 0.
    fn problem(costmap: &Costmap, start_pose: Pose) -> Problem<'_> {
        let goal = Cell::new(costmap.geometry().width() as i32 - 1, 0);
        let Point { x, y } = costmap.geometry().center(goal);
        let from = costmap.geometry().nearest_cell(start_pose.point());
        Problem {
            costmap,
            guidance: None,
            rules: RULES,
            travel: travel(2.0),
            from,
            area: GoalArea::only(goal),
            goal,
            start_pose,
            goal_pose: Pose::new(x, y, 0.0),
            epoch: None,
        }
    }

    /// The previous path along these cells, which must be safe.
    fn published(map: &Costmap, cells: &[(i32, i32)], junction: Option<Junction>, routes: &Routes) -> PreviousPath {
        let mut previous = PreviousPath::default();
        let mut draft = Draft { poses: poses(cells), junction };
        assert!(previous.replace(&mut draft, routes, &problem(map, Pose::default())));
        previous
    }

    /// Points of a remainder, in metres.
    fn points(left: Remainder) -> Vec<(f64, f64)> {
        left.poses().map(|pose| (pose.x, pose.y)).collect()
    }

    /// The cells of a path along row 0.
    const STRAIGHT: [(i32, i32); 6] = [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0)];

    #[test]
    fn a_remainder_leads_from_the_robot_to_the_pose_after_the_nearest_one() {
        let (map, routes) = (costmap(&["......", "......"]), Routes::default());
        let previous = published(&map, &STRAIGHT, None, &routes);
        let of = |x, y| Remainder::of((previous.path(), 0), &routes, Pose::new(x, y, 3.0), map.geometry());
        let left = of(2.6, 0.7).unwrap();
        assert_eq!(points(left), [(2.6, 0.7), (3.5, 0.5), (4.5, 0.5), (5.5, 0.5)]);
        assert!((left.poses().next().unwrap().yaw - (-0.2_f64).atan2(0.9)).abs() < 1e-12, "it faces the next pose");
        // A longer line gets poses on the way, at most a diagonal step apart.
        let dense: Vec<Pose> = of(0.5, 4.5).unwrap().poses().collect();
        assert!(dense.len() > 6 && dense.windows(2).all(|pair| pair[0].point().distance(pair[1].point()) <= STRIDE));
        assert_eq!(points(of(5.9, 0.5).unwrap()), [(5.9, 0.5), (5.5, 0.5)], "after the last pose, back to it");
        assert!(of(0.5, 0.5 + MAX_STRAY).is_some() && of(0.5, 0.6 + MAX_STRAY).is_none(), "too far away");
        let none = VerifiedPath::default();
        assert!(Remainder::of((&none, 0), &routes, Pose::default(), map.geometry()).is_none(), "there is no path");
    }

    #[test]
    fn a_robot_beside_its_kept_path_never_comes_back_to_where_it_was() {
        let (map, routes) = (costmap(&["......", "......"]), Routes::default());
        let mut previous = published(&map, &STRAIGHT, None, &routes);
        // In steps that are shorter than those of the path: where it was is always the nearest place.
        for step in 0..40 {
            let start = Pose::new(0.1_f64.mul_add(f64::from(step), 0.5), 1.2, 0.0);
            assert!(previous.keep(&routes, &problem(&map, start)));
            let poses = previous.path().poses();
            assert!(poses.iter().all(|pose| pose.x >= start.x - 1e-9), "{start:?}: {poses:?}");
            assert_eq!(poses.last().map(|pose| pose.x), Some(5.5));
            // Where it stands nothing changes.
            let length = previous.path().length();
            assert!(previous.keep(&routes, &problem(&map, start)));
            assert!((previous.path().length() - length).abs() < 1e-9, "{start:?}");
            assert!((previous.distance(start.point(), map.geometry()) - 0.7).abs() < 1e-9, "{start:?}");
        }
    }

    #[test]
    fn at_its_junction_a_remainder_heads_for_the_next_corner_of_the_route() {
        let (map, mut routes) = (costmap(&["......", "......"]), Routes::default());
        let (route, first, _) = routes.spare([None, None]).unwrap();
        let corners = [Cell::new(1, 0), Cell::new(3, 0), Cell::new(5, 0)];
        let goal = problem(&map, Pose::default()).goal_pose;
        assert!(route.draw(&map, travel(2.0), &corners, goal, None));
        let previous = published(&map, &STRAIGHT[..2], Some(first), &routes);
        let of = |x| Remainder::of((previous.path(), 0), &routes, Pose::new(x, 0.5, 0.0), map.geometry()).unwrap();
        assert_eq!((points(of(0.6)), of(0.6).junction), (vec![(0.6, 0.5), (1.5, 0.5)], Some(first)));
        let at_junction = of(1.6);
        assert_eq!(at_junction.junction, Some(first.at(1)));
        assert_eq!(points(at_junction).last(), Some(&(3.5, 0.5)));

        // From the last corner of the route on, only its end is left.
        let previous = published(&map, &STRAIGHT[..4], Some(first.at(1)), &routes);
        let left = Remainder::of((previous.path(), 0), &routes, Pose::new(3.6, 0.5, 0.0), map.geometry()).unwrap();
        assert_eq!((points(left).last(), left.junction), (Some(&(5.5, 0.5)), None));
    }

    #[test]
    fn a_path_holds_while_its_remainder_is_safe_and_without_a_path_always() {
        let (map, routes) = (costmap(&["......", "......"]), Routes::default());
        let none = PreviousPath::default();
        assert!(none.still_holds(&routes, Pose::default(), &map, RULES));
        let previous = published(&map, &STRAIGHT, None, &routes);
        let holds = |x: f64, map: &Costmap| previous.still_holds(&routes, Pose::new(x, 0.5, 0.0), map, RULES);
        let (ahead, beside) = (costmap(&["...#..", "......"]), costmap(&["......", "...#.."]));
        assert!(holds(0.5, &map) && holds(0.5, &beside) && !holds(0.5, &ahead));
        assert!(holds(4.5, &ahead), "the obstacle is behind the robot");
        assert!(!holds(0.5 - 2.0 * MAX_STRAY, &map), "the robot is too far away");
    }

    #[test]
    fn a_path_is_kept_only_for_the_same_goal_and_while_it_is_safe() {
        let (map, routes) = (costmap(&["......", "......"]), Routes::default());
        let mut previous = published(&map, &STRAIGHT, None, &routes);
        let start = Pose::new(2.5, 0.5, 0.0);
        let turned = Pose { yaw: 1.0, ..problem(&map, start).goal_pose };
        assert!(!previous.keep(&routes, &Problem { goal_pose: turned, ..problem(&map, start) }));
        let beside = Problem { goal: Cell::new(4, 0), ..problem(&map, start) };
        assert!(!previous.keep(&routes, &beside), "the same pose, resolved to another cell");
        assert!(!previous.keep(&routes, &problem(&costmap(&["...#..", "......"]), start)));
        assert_eq!(previous.path().poses().len(), 6, "unchanged");
        assert!(previous.keep(&routes, &problem(&map, start)));
        assert_eq!((previous.path().poses().len(), previous.path().poses()[0].point()), (4, start.point()));
        // The robot's exact position is not safe, but the centre of its cell is.
        let beside = costmap(&["......", "..#..."]);
        assert!(previous.keep(&routes, &problem(&beside, Pose::new(2.5, 0.7, 0.0))));
        assert_eq!(previous.path().poses()[0].point(), start.point());
    }

    #[test]
    fn a_little_less_cost_is_no_reason_to_go_another_way() {
        let rows = vec![".".repeat(121); 25];
        let map = costmap(&rows.iter().map(String::as_str).collect::<Vec<_>>());
        let routes = Routes::default();
        let problem = problem(&map, Pose::new(0.5, 0.5, 0.0));
        let draft = Draft { poses: poses(&(0..121).map(|col| (col, 0)).collect::<Vec<_>>()), junction: None };
        // Of 120 cells, by way of a place so many rows aside.
        for (row, is_kept) in [(9, true), (20, true), (24, false)] {
            let mut previous = published(&map, &[(0, 0), (60, row), (120, 0)], None, &routes);
            let mut is_preferred = |now| previous.is_preferred_to(&draft, &routes, &problem, (0.2, now));
            assert!(is_preferred(SOON), "{row}");
            assert_eq!(is_preferred(SOON + PATIENCE), is_kept, "{row}");
        }
    }

    #[test]
    fn another_way_must_be_better_in_each_plan_until_it_is_believed() {
        let rows = vec![".".repeat(121); 31];
        let map = costmap(&rows.iter().map(String::as_str).collect::<Vec<_>>());
        let routes = Routes::default();
        let problem = problem(&map, Pose::new(0.5, 0.5, 0.0));
        let direct = Draft { poses: poses(&(0..121).map(|col| (col, 0)).collect::<Vec<_>>()), junction: None };
        let detour = Draft { poses: poses(&[(0, 0), (20, 30), (100, 30), (120, 0)]), junction: None };
        let mut previous = published(&map, &[(0, 0), (60, 28), (120, 0)], None, &routes);
        let mut is_kept = |draft, now| {
            let is_kept = previous.is_preferred_to(draft, &routes, &problem, (0.2, now));
            (is_kept, previous.is_in_doubt())
        };
        assert_eq!(is_kept(&direct, SOON), (true, true));
        assert_eq!(is_kept(&direct, SOON + PATIENCE / 2), (true, true));
        assert_eq!(is_kept(&detour, SOON + PATIENCE / 2), (true, false), "it is no better any more");
        assert_eq!(is_kept(&direct, SOON + PATIENCE), (true, true), "from here on it counts");
        assert_eq!(is_kept(&direct, SOON + 2 * PATIENCE), (false, false));
    }

    #[test]
    fn a_path_is_preferred_to_one_that_goes_another_way_at_no_less_cost() {
        // Two ways from one end of the room to the other, 24 cells apart in the middle.
        let rows = vec![".".repeat(41); 25];
        let map = costmap(&rows.iter().map(String::as_str).collect::<Vec<_>>());
        let routes = Routes::default();
        let low: Vec<(i32, i32)> = (0..41).map(|col| (col, 0)).collect();
        let up = (1..20).map(|i| (i, i));
        let high: Vec<(i32, i32)> = up.clone().chain((20..40).map(|i| (i, 39 - i))).chain([(40, 0)]).collect();
        let draft = |cells: &[(i32, i32)]| Draft { poses: poses(cells), junction: None };
        let problem = problem(&map, Pose::new(0.5, 0.5, 0.0));
        let is_kept = |previous: &mut PreviousPath, cells: &[(i32, i32)], problem: &Problem, radius| {
            previous.is_preferred_to(&draft(cells), &routes, problem, (radius, SOON))
                && previous.is_preferred_to(&draft(cells), &routes, problem, (radius, SOON + PATIENCE))
        };
        let mut previous = published(&map, &low, None, &routes);
        assert!(is_kept(&mut previous, &high, &problem, 0.2), "the draft is a detour");
        assert!(!is_kept(&mut previous, &low, &problem, 0.2), "the draft goes the same way");
        assert!(!is_kept(&mut previous, &high, &problem, 15.0), "the same way for a large robot");
        let mut previous = published(&map, &high, None, &routes);
        assert!(!is_kept(&mut previous, &low, &problem, 0.2), "the draft is cheaper");
        let mut none = PreviousPath::default();
        assert!(!is_kept(&mut none, &low, &problem, 0.2), "there is nothing to keep");
    }
}
