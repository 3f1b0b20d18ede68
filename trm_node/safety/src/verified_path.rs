//! The only kind of path that is published.

use trm_grid::costmap::Costmap;
use trm_grid::units::Pose;

use crate::check::{Rules, check, in_cells};
use crate::routes::{Junction, Routes};

/// A path that is yet to be checked: poses, and where they go over into a route, if they do.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// From the robot to the goal, or to a corner of a route.
    pub poses: Vec<Pose>,
    /// Where the last pose goes over into a route, if it does.
    pub junction: Option<Junction>,
}

/// A path that [`VerifiedPath::accept`] accepted: see the theorem of this crate. The fields are private: nothing else can
/// be published.
#[derive(Debug, Clone, Default)]
pub struct VerifiedPath {
    poses: Vec<Pose>,
    length: f64,
    /// Poses up to the junction, included; all without one.
    near: usize,
    junction: Option<Junction>,
}

impl VerifiedPath {
    /// The poses in the map frame, the last one with the goal's yaw. Empty only before the first path.
    ///
    /// They are at most a diagonal step apart, but beyond the first [`DENSE`](crate::route::DENSE) ones up to
    /// [`FAR_STRIDE`](crate::route::FAR_STRIDE) cells.
    #[must_use]
    pub fn poses(&self) -> &[Pose] {
        &self.poses
    }

    /// The length in metres.
    #[must_use]
    pub const fn length(&self) -> f64 {
        self.length
    }

    /// The poses up to the junction with a route, included; all of them without one.
    #[must_use]
    pub fn before_junction(&self) -> &[Pose] {
        &self.poses[..self.near]
    }

    /// Where it goes over into a route.
    #[must_use]
    pub const fn junction(&self) -> Option<Junction> {
        self.junction
    }

    /// Makes room, so that paths of `poses` poses need no allocation.
    pub fn reserve(&mut self, poses: usize) {
        self.poses.reserve(poses.saturating_sub(self.poses.len()));
    }

    /// Forgets the path.
    pub fn clear(&mut self) {
        self.poses.clear();
        self.length = 0.0;
        self.near = 0;
        self.junction = None;
    }

    /// Takes over a draft whose poses pass the check, and that goes over into a route, if it does, at a corner from which
    /// that passed it on the same costmap. The draft has the old poses then. A draft that doesn't pass changes nothing.
    pub fn accept(&mut self, draft: &mut Draft, routes: &Routes, costmap: &Costmap, rules: Rules) -> bool {
        let finite = draft.poses.iter().all(|pose| pose.yaw.is_finite());
        if !finite || !check(costmap, rules, in_cells(costmap, &draft.poses)) {
            return false;
        }
        let near = draft.poses.len();
        if let Some(junction) = draft.junction {
            let route = routes.of(junction);
            let corner = route.corner(junction.corner).map(|cell| costmap.geometry().center(cell));
            let is_whole = draft.poses.last().map(|pose| pose.point()) == corner;
            if !is_whole || !route.is_checked(costmap, junction.corner) {
                return false;
            }
            // The corner comes again, with the heading of the line that follows.
            draft.poses.pop();
            let ahead = route.poses(junction.corner, draft.poses.len());
            draft.poses.extend(ahead);
        }
        std::mem::swap(&mut self.poses, &mut draft.poses);
        self.length = length(&self.poses);
        (self.near, self.junction) = (near, draft.junction);
        true
    }
}

/// The length of a path in metres.
fn length(poses: &[Pose]) -> f64 {
    // Not `sum`: of no numbers at all that is −0.
    poses.windows(2).fold(0.0, |sum, pair| sum + pair[0].point().distance(pair[1].point()))
}
