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
mod tests;
