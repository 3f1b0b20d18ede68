//! The only type of path that may be published.

use trm_grid::costmap::Costmap;
use trm_grid::units::Pose;

use crate::check::{Rules, check, in_cells};
use crate::outline::Outline;
use crate::routes::{Junction, Routes};
use crate::swept;

/// A path that has not been checked yet: poses, and the junction with a route where they end, if any.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The poses from the robot to the goal or to the junction.
    pub poses: Vec<Pose>,
    /// The junction at the last pose, if the path continues along a route.
    pub junction: Option<Junction>,
}

/// A path that [`VerifiedPath::accept`] or [`VerifiedPath::accept_swept`] has accepted: see the theorems of this crate. The fields are private, so nothing
/// else can be published.
///
/// ```
/// use trm_config::GridConfig;
/// use trm_grid::testing::costmap;
/// use trm_grid::travel::Travel;
/// use trm_grid::units::{Cell, Pose};
/// use trm_safety::check::Rules;
/// use trm_safety::routes::Routes;
/// use trm_safety::{Draft, VerifiedPath};
///
/// let map = costmap(&["......", ".#....", "......"]);
/// let rules = Rules { allow_unknown: false, escape: 0.0 };
///
/// // The far part of the path: a checked route from cell (2, 0) to the goal.
/// let mut routes = Routes::default();
/// let (route, junction, _) = routes.spare([None, None]).expect("no route is in use");
/// let corners = [Cell::new(2, 0), Cell::new(5, 0), Cell::new(5, 2)];
/// assert!(route.draw(&map, Travel::new(&GridConfig::default()), &corners, Pose::new(5.5, 2.5, 1.57), None));
///
/// // The near part: poses up to the first corner of the route. (The cells are 1 m wide, with centres at 0.5 m.)
/// let poses = vec![Pose::new(0.5, 0.5, 0.0), Pose::new(2.5, 0.5, 0.0)];
/// let mut path = VerifiedPath::default();
/// assert!(path.accept(&mut Draft { poses, junction: Some(junction) }, &routes, &map, rules));
/// assert_eq!(path.poses().last(), Some(&Pose::new(5.5, 2.5, 1.57)));
/// assert_eq!(path.length(), 7.0);
///
/// // A draft through the obstacle is refused, and the path stays as it was.
/// let poses = vec![Pose::new(0.5, 1.5, 0.0), Pose::new(5.5, 1.5, 0.0)];
/// assert!(!path.accept(&mut Draft { poses, junction: None }, &routes, &map, rules));
/// assert_eq!(path.length(), 7.0);
/// ```
#[derive(Debug, Clone, Default)]
pub struct VerifiedPath {
    poses: Vec<Pose>,
    length: f64,
    /// The number of poses up to and including the junction, or of all poses without one.
    count_before_junction: usize,
    junction: Option<Junction>,
}

impl VerifiedPath {
    /// The poses in the map frame. Empty only before the first path is accepted.
    ///
    /// On a route they are at most [`STRIDE`](crate::route::STRIDE) cells apart, and after the first
    /// [`DENSE`](crate::route::DENSE) poses of the path at most [`FAR_STRIDE`](crate::route::FAR_STRIDE) cells.
    #[must_use]
    pub fn poses(&self) -> &[Pose] {
        &self.poses
    }

    /// The length in metres.
    #[must_use]
    pub const fn length(&self) -> f64 {
        self.length
    }

    /// The poses up to and including the junction with a route; all poses without one.
    #[must_use]
    pub fn before_junction(&self) -> &[Pose] {
        &self.poses[..self.count_before_junction]
    }

    /// The junction where the path joins a route, if it does.
    #[must_use]
    pub const fn junction(&self) -> Option<Junction> {
        self.junction
    }

    /// Allocates memory for paths of `poses` poses.
    pub fn reserve(&mut self, poses: usize) {
        self.poses.reserve(poses.saturating_sub(self.poses.len()));
    }

    /// Removes the path.
    pub fn clear(&mut self) {
        self.poses.clear();
        self.length = 0.0;
        self.count_before_junction = 0;
        self.junction = None;
    }

    /// The path no longer continues along a route: all of its poses count alike. For when the routes are given up.
    pub const fn leave_route(&mut self) {
        self.count_before_junction = self.poses.len();
        self.junction = None;
    }

    /// Replaces the path by a draft if it is safe: its poses pass the check, and if it has a junction, its last pose is
    /// that corner and the route from there on was checked on the same costmap under rules that are no laxer. The draft
    /// then holds the old poses. A refused draft changes nothing.
    pub fn accept(&mut self, draft: &mut Draft, routes: &Routes, costmap: &Costmap, rules: Rules) -> bool {
        let finite = draft.poses.iter().all(|pose| pose.yaw.is_finite());
        if !finite || !check(costmap, rules, in_cells(costmap, &draft.poses)) {
            return false;
        }
        let count_before_junction = draft.poses.len();
        if let Some(junction) = draft.junction {
            let route = routes.of(junction);
            let corner = route.corner(junction.corner).map(|cell| costmap.geometry().center(cell));
            let meets_corner = draft.poses.last().map(|pose| pose.point()) == corner;
            let same_rules = rules.allow_unknown || !route.allows_unknown();
            if !meets_corner || !same_rules || !route.is_checked(costmap, junction.corner) {
                return false;
            }
            // The route begins with the same corner, with the heading of its first line.
            draft.poses.pop();
            let ahead = route.poses(junction.corner, draft.poses.len());
            draft.poses.extend(ahead);
        }
        self.take(draft, count_before_junction);
        true
    }

    /// Replaces the path by a draft if it is safe for a robot with an outline: it has no junction, and all of its poses
    /// pass [`swept::check`]. The draft then holds the old poses. A refused draft changes nothing.
    pub fn accept_swept(&mut self, draft: &mut Draft, outline: &Outline, costmap: &Costmap, rules: Rules) -> bool {
        if draft.junction.is_some() || !swept::check(costmap, rules, outline, draft.poses.iter().copied()) {
            return false;
        }
        self.take(draft, draft.poses.len());
        true
    }

    /// Exchanges the poses with those of a draft that has passed a check.
    fn take(&mut self, draft: &mut Draft, count_before_junction: usize) {
        std::mem::swap(&mut self.poses, &mut draft.poses);
        self.length = length(&self.poses);
        (self.count_before_junction, self.junction) = (count_before_junction, draft.junction);
    }
}

/// The length of a path in metres.
fn length(poses: &[Pose]) -> f64 {
    // `sum` of an empty iterator would be −0.
    poses.windows(2).fold(0.0, |sum, pair| sum + pair[0].point().distance(pair[1].point()))
}
