//! Where a robot is when it has driven a little along a path.

use trm_grid::costmap::Costmap;
use trm_grid::units::{Cell, Pose};

/// The cell of the first pose that is at least `cells` cells away from `from`; `None` when the path ends before.
pub fn ahead(costmap: &Costmap, path: &[Pose], from: Cell, cells: f64) -> Option<Cell> {
    let geometry = costmap.geometry();
    let distance = cells * geometry.resolution();
    let pose = path.iter().find(|pose| pose.point().distance(geometry.center(from)) >= distance)?;
    geometry.cell_at(pose.point())
}
