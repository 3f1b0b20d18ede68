//! The path before: what is left of it, and whether a new one leads another way.

use trm_grid::costmap::Costmap;
use trm_grid::geometry::Geometry;
use trm_grid::units::{Point, Pose};
use trm_safety::check::{Rules, check};
use trm_safety::route::STRIDE;
use trm_safety::routes::{Junction, Routes};
use trm_safety::{Draft, VerifiedPath};

use crate::problem::Problem;

/// A robot farther than this from the path before, in cells, doesn't keep it.
pub const STRAY: f64 = 32.0;
/// Two paths go the same way while they are this near to each other, in cells, or the robot's diameter.
const SIDE: f64 = 8.0;
/// How many poses ahead two paths are compared.
const COMPARED: usize = 64;

/// The path that was published last.
#[derive(Debug, Default)]
pub struct PreviousPath {
    published: VerifiedPath,
    /// The pose that it leads to.
    goal: Option<Pose>,
    /// What is left of it, when that is to be published again.
    draft: Draft,
}

/// What is left of a path for a robot: a straight way to what follows the pose nearest to it, and that.
#[derive(Debug, Clone, Copy)]
pub struct Remainder<'a> {
    start: Pose,
    /// Pieces of the straight way to the first pose ahead.
    pieces: usize,
    first: Pose,
    ahead: &'a [Pose],
    junction: Option<Junction>,
}

impl<'a> Remainder<'a> {
    /// `None` when the robot has strayed too far from the path.
    fn of(path: &'a VerifiedPath, routes: &Routes, start: Pose, geometry: &Geometry) -> Option<Self> {
        let poses = path.before_junction();
        let distance = |pose: &Pose| pose.point().distance(start.point());
        let nearest = (0..poses.len())
            .min_by(|a, b| distance(&poses[*a]).total_cmp(&distance(&poses[*b])))
            .filter(|nearest| distance(&poses[*nearest]) <= STRAY * geometry.resolution())?;
        let (first, ahead, junction) = match path.junction() {
            Some(junction) if nearest + 1 == poses.len() => {
                // The corner where the path goes over into its route is reached.
                let (route, next) = (routes.of(junction), junction.corner + 1);
                let corner = route.corner(next);
                let first = corner.map_or(route.end_pose(), |corner| {
                    let Point { x, y } = geometry.center(corner);
                    Pose::new(x, y, 0.0)
                });
                (first, &[][..], corner.map(|_| junction.at(next)))
            }
            junction => {
                let (first, ahead) = poses[(nearest + 1).min(poses.len() - 1)..].split_first()?;
                (*first, ahead, junction)
            }
        };
        let pieces = (start.point().distance(first.point()) / (STRIDE * geometry.resolution())).ceil() as usize;
        Some(Self { start, pieces, first, ahead, junction })
    }

    /// Its poses up to the junction.
    fn poses(self) -> impl Iterator<Item = Pose> + 'a {
        let Self { start, pieces, first, ahead, .. } = self;
        let (dx, dy) = (first.x - start.x, first.y - start.y);
        let way = (0..pieces).map(move |piece| {
            let share = piece as f64 / pieces as f64;
            Pose::new(start.x + share * dx, start.y + share * dy, dy.atan2(dx))
        });
        way.chain([first]).chain(ahead.iter().copied())
    }

    fn passes(self, costmap: &Costmap, rules: Rules) -> bool {
        check(costmap, rules, self.poses().map(|pose| costmap.geometry().to_cells(pose.point())))
    }
}

impl PreviousPath {
    /// Makes room for paths of so many poses.
    pub fn reserve(&mut self, poses: usize) {
        self.draft.poses = Vec::with_capacity(poses);
        self.published.reserve(poses);
    }

    /// Forgets the path.
    pub fn clear(&mut self) {
        self.published.clear();
        self.goal = None;
    }

    /// The path. Empty before the first one.
    #[must_use]
    pub const fn path(&self) -> &VerifiedPath {
        &self.published
    }

    /// Takes a draft's place, if that passes the check. The draft has the old poses then.
    pub fn replace(&mut self, draft: &mut Draft, routes: &Routes, problem: &Problem) -> bool {
        let taken = self.published.accept(draft, routes, problem.costmap, problem.rules);
        if taken {
            self.goal = Some(problem.goal_pose);
        }
        taken
    }

    /// Becomes what is left of itself. `false`, and nothing changes, when that doesn't pass the check or leads elsewhere.
    pub fn keep(&mut self, routes: &Routes, problem: &Problem) -> bool {
        let mut draft = std::mem::take(&mut self.draft);
        draft.poses.clear();
        if let Some(left) = self.drivable(routes, problem) {
            draft.junction = left.junction;
            draft.poses.extend(left.poses());
        }
        self.draft = draft;
        self.published.accept(&mut self.draft, routes, problem.costmap, problem.rules)
    }

    /// What is left of the path, if it leads to the problem's goal and passes the check: from the robot, or else from the
    /// centre of its cell.
    fn drivable(&self, routes: &Routes, problem: &Problem) -> Option<Remainder<'_>> {
        if self.goal != Some(problem.goal_pose) {
            return None;
        }
        let (geometry, start) = (problem.costmap.geometry(), problem.start_pose);
        let center = geometry.center(geometry.nearest_cell(start.point()));
        let starts = [start, Pose { x: center.x, y: center.y, ..start }];
        starts.into_iter().find_map(|start| {
            Remainder::of(&self.published, routes, start, geometry).filter(|left| {
                let is_checked = |at: Junction| routes.of(at).is_checked(problem.costmap, at.corner);
                left.junction.is_none_or(is_checked) && left.passes(problem.costmap, problem.rules)
            })
        })
    }

    /// Whether what is left of the path may still be driven on a costmap; true when there is none.
    #[must_use]
    pub fn still_holds(&self, routes: &Routes, start: Pose, costmap: &Costmap, rules: Rules) -> bool {
        let holds = |at: Junction| routes.of(at).holds(costmap, rules.allow_unknown, at.corner);
        self.published.poses().is_empty()
            || Remainder::of(&self.published, routes, start, costmap.geometry())
                .is_some_and(|left| left.junction.is_none_or(holds) && left.passes(costmap, rules))
    }

    /// Whether the path is to be kept and not a draft: the draft leads another way, and costs no less, up to a cell. So the
    /// robot doesn't turn to and fro between two ways of the same cost. `robot_radius` is in metres.
    #[must_use]
    pub fn is_preferred_to(&self, draft: &Draft, routes: &Routes, problem: &Problem, robot_radius: f64) -> bool {
        let Some(left) = self.drivable(routes, problem) else { return false };
        let side = (2.0 * robot_radius).max(SIDE * problem.costmap.geometry().resolution());
        let beyond = |junction: Option<Junction>| junction.map_or(0.0, |at| routes.of(at).cost_to_go(at.corner));
        let cost = |poses: &mut dyn Iterator<Item = Pose>, junction| {
            problem.travel.path(problem.costmap, poses) + beyond(junction)
        };
        let new = cost(&mut draft.poses.iter().copied(), draft.junction);
        cost(&mut left.poses(), left.junction) <= new + 1.0
            && leave_side(
                onwards(draft.poses.iter().copied(), draft.poses.len(), draft.junction, routes),
                onwards(left.poses(), left.pieces + 1 + left.ahead.len(), left.junction, routes),
                side,
            )
    }
}

/// The points of a path of `count` poses, and of the route that it goes over into.
fn onwards(
    poses: impl Iterator<Item = Pose>,
    count: usize,
    junction: Option<Junction>,
    routes: &Routes,
) -> impl Iterator<Item = Point> {
    poses.chain(junction.into_iter().flat_map(move |at| routes.of(at).poses(at.corner, count))).map(Pose::point)
}

/// Whether a path leaves the side of another within its first points.
fn leave_side(path: impl Iterator<Item = Point>, other: impl Iterator<Item = Point>, side: f64) -> bool {
    // The other may be ahead by as much as its poses are farther apart.
    let mut beside = [Point::default(); 2 * COMPARED];
    let mut count = 0;
    for (place, point) in beside.iter_mut().zip(other) {
        *place = point;
        count += 1;
    }
    let is_near = |point: Point| beside[..count].iter().any(|other| other.distance(point) <= side);
    !path.take(COMPARED).all(is_near)
}
