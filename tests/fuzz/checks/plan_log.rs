//! Any bytes as a record of plans, or as one entry of it: refused with a message, or entries.

use trm_grid::bytes::Bytes;
use trm_grid::geometry::Geometry;
use trm_grid::units::Pose;
use trm_planner::record::entry::Entry;
use trm_planner::record::frame::Frames;

/// Panics when `data` shows a fault.
pub fn check(data: &[u8]) {
    let geometry = Geometry::new(200, 130, 0.05, Pose::default()).ok();
    let read = |mut bytes: Bytes| match Entry::read(&mut bytes, geometry.as_ref()) {
        Ok(_) => assert_eq!(bytes.left(), 0),
        Err(error) => assert!(!error.to_string().is_empty()),
    };
    read(Bytes::new(data));
    for frame in Frames::new(data) {
        match frame {
            Ok((_, bytes)) => read(bytes),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}
