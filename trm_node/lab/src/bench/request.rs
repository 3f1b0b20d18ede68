//! Requests from cell to cell.

use std::time::Instant;

use trm_grid::geometry::Geometry;
use trm_grid::units::{Cell, Pose};
use trm_planner::Request;
use trm_planner::halt::deadline::Clock as _;

use crate::bench::setting::BenchSetting;

/// The pose in the centre of a cell, with a yaw of 0.
pub fn pose_in(cell: Cell, geometry: &Geometry) -> Pose {
    let center = geometry.center(cell);
    Pose::new(center.x, center.y, 0.0)
}

/// A request that arrives now and has the setting's deadline.
pub fn request_now(
    setting: &BenchSetting,
    geometry: &Geometry,
    [start, goal]: [Cell; 2],
    clock: &Instant,
) -> Request<'static> {
    request_between(setting, [start, goal].map(|cell| pose_in(cell, geometry)), clock)
}

/// The same from pose to pose.
pub fn request_between(setting: &BenchSetting, [start, goal]: [Pose; 2], clock: &Instant) -> Request<'static> {
    let arrived = clock.now();
    Request { start, goal, arrived, deadline: arrived + setting.deadline(), epoch: None }
}
