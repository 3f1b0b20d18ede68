//! Messages to the planner's values and back. What can't be used is refused with its field and value.

use std::fmt::Display;
use std::time::Duration;

use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion, Vector3};
use r2r::builtin_interfaces::msg::Time;
use r2r::geometry_msgs::msg as geometry;
use r2r::nav_msgs::msg as nav;
use trm_config::frame;
use trm_flow::text::cut;
use trm_grid::error::GridError;
use trm_grid::geometry::{Geometry, Rect, decimal};
use trm_grid::units::Pose;

use crate::io::transforms::samples::Link;

/// Rotations shorter than this have no direction.
const MIN_NORM: f64 = 1e-6;
/// A grid's z axis may lean by so much (1 − cosine, about 2.5°). One that leans more isn't a map of the floor.
const MAX_LEAN: f64 = 1e-3;

/// A message that can't be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} refused: {field} is {value}, but {expected}")]
pub struct Refused {
    what: String,
    field: String,
    value: String,
    expected: String,
}

impl Refused {
    pub fn new(what: &str, field: impl Into<String>, value: &dyn Display, expected: impl Into<String>) -> Self {
        Self { what: what.to_owned(), field: field.into(), value: value.to_string(), expected: expected.into() }
    }
}

/// Checks that a message is in the frame of the map.
pub fn check_frame(what: &str, frame_id: &str, map_frame: &str) -> Result<(), Refused> {
    if frame(frame_id) == map_frame {
        return Ok(());
    }
    Err(Refused::new(
        what,
        "header.frame_id",
        &format!("\"{}\"", cut(frame_id)),
        format!("map_frame is \"{map_frame}\""),
    ))
}

/// A position and a rotation, which is normalised.
pub fn isometry(what: &str, field: &str, pose: &geometry::Pose) -> Result<Isometry3<f64>, Refused> {
    let (p, q) = (&pose.position, &pose.orientation);
    let translation = finite(what, &format!("{field}.position"), [p.x, p.y, p.z])?;
    Ok(Isometry3::from_parts(translation, rotation(what, &format!("{field}.orientation"), q)?))
}

/// A stamped transform.
pub fn link(message: &geometry::TransformStamped, is_static: bool) -> Result<Link, Refused> {
    let (parent, child) = (frame(&message.header.frame_id), frame(&message.child_frame_id));
    let what = format!("transform {} -> {}", cut(parent), cut(child));
    if parent.is_empty() || child.is_empty() || parent == child {
        let value = format!("\"{}\"", cut(child));
        return Err(Refused::new(
            &what,
            "child_frame_id",
            &value,
            "both frames must have names, and two different ones",
        ));
    }
    let (t, q) = (&message.transform.translation, &message.transform.rotation);
    let translation = finite(&what, "transform.translation", [t.x, t.y, t.z])?;
    let transform = Isometry3::from_parts(translation, rotation(&what, "transform.rotation", q)?);
    let stamp = (!is_static).then(|| duration(&message.header.stamp));
    Ok(Link { child: child.to_owned(), parent: parent.to_owned(), transform, stamp })
}

fn finite(what: &str, field: &str, xyz: [f64; 3]) -> Result<Translation3<f64>, Refused> {
    for (name, value) in ["x", "y", "z"].iter().zip(xyz) {
        if !value.is_finite() {
            return Err(Refused::new(what, format!("{field}.{name}"), &value, "it must be finite"));
        }
    }
    Ok(Translation3::from(xyz))
}

fn rotation(what: &str, field: &str, q: &geometry::Quaternion) -> Result<UnitQuaternion<f64>, Refused> {
    for (name, value) in [("x", q.x), ("y", q.y), ("z", q.z), ("w", q.w)] {
        if !value.is_finite() {
            return Err(Refused::new(what, format!("{field}.{name}"), &value, "it must be finite"));
        }
    }
    UnitQuaternion::try_new(Quaternion::new(q.w, q.x, q.y, q.z), MIN_NORM).ok_or_else(|| {
        let value = format!("({}, {}, {}, {})", q.x, q.y, q.z, q.w);
        Refused::new(what, field, &value, "a quaternion of length 0 is no rotation")
    })
}

/// The part of a pose that the planner uses: its place on the floor, and its heading.
pub fn planar(pose: &Isometry3<f64>) -> Pose {
    let ahead = pose.rotation * Vector3::x();
    Pose::new(pose.translation.x, pose.translation.y, ahead.y.atan2(ahead.x))
}

/// A pose on the floor as a message.
pub fn pose_message(pose: Pose) -> geometry::Pose {
    let (z, w) = (pose.yaw / 2.0).sin_cos();
    geometry::Pose {
        position: geometry::Point { x: pose.x, y: pose.y, z: 0.0 },
        orientation: geometry::Quaternion { x: 0.0, y: 0.0, z, w },
    }
}

/// The geometry of a whole grid, whose values aren't looked at.
pub fn geometry(message: &nav::OccupancyGrid, map_frame: &str) -> Result<Geometry, GridError> {
    grid_frame(&message.header.frame_id, map_frame)?;
    let origin = isometry("grid", "info.origin", &message.info.origin).map_err(|refused| GridError {
        field: "info.origin",
        value: format!("unusable ({} is {})", refused.field, refused.value),
        expected: refused.expected,
    })?;
    let lean = 1.0 - (origin.rotation * Vector3::z()).z;
    if lean > MAX_LEAN {
        let q = &message.info.origin.orientation;
        return Err(GridError {
            field: "info.origin.orientation",
            value: format!("({}, {}, {}, {})", q.x, q.y, q.z, q.w),
            expected: "a map lies flat: it may turn around z alone".to_owned(),
        });
    }
    let info = &message.info;
    Geometry::new(info.width, info.height, decimal(info.resolution), planar(&origin))
}

/// The rectangle of an update.
pub fn update_rect(message: &r2r::map_msgs::msg::OccupancyGridUpdate, map_frame: &str) -> Result<Rect, GridError> {
    grid_frame(&message.header.frame_id, map_frame)?;
    Ok(Rect { col: message.x, row: message.y, width: message.width, height: message.height })
}

fn grid_frame(frame_id: &str, map_frame: &str) -> Result<(), GridError> {
    check_frame("grid", frame_id, map_frame).map_err(|refused| GridError {
        field: "header.frame_id",
        value: refused.value,
        expected: refused.expected,
    })
}

/// A stamp as time since the epoch; zero for a negative one, which no clock gives.
pub fn duration(stamp: &Time) -> Duration {
    Duration::new(u64::try_from(stamp.sec).unwrap_or(0), stamp.nanosec)
}

/// Time since the epoch as a stamp.
pub fn time(since_epoch: Duration) -> Time {
    Time { sec: i32::try_from(since_epoch.as_secs()).unwrap_or(i32::MAX), nanosec: since_epoch.subsec_nanos() }
}

#[cfg(test)]
mod tests {
    use r2r::map_msgs::msg::OccupancyGridUpdate;

    use super::*;

    fn pose(x: f64, y: f64, q: [f64; 4]) -> geometry::Pose {
        geometry::Pose {
            position: geometry::Point { x, y, z: 0.0 },
            orientation: geometry::Quaternion { x: q[0], y: q[1], z: q[2], w: q[3] },
        }
    }

    fn flat_grid(width: u32, height: u32, cells: usize) -> nav::OccupancyGrid {
        let mut message = nav::OccupancyGrid::default();
        message.header.frame_id = "map".to_owned();
        message.info.width = width;
        message.info.height = height;
        message.info.resolution = 0.05;
        message.info.origin = pose(-1.0, -2.0, [0.0, 0.0, 0.0, 1.0]);
        message.data = vec![0; cells];
        message
    }

    #[test]
    fn a_goal_with_nan_is_refused_by_field_and_value() {
        let text = |p: &geometry::Pose| isometry("goal", "pose", p).unwrap_err().to_string();
        let unit = [0.0, 0.0, 0.0, 1.0];
        assert_eq!(text(&pose(f64::NAN, 0.0, unit)), "goal refused: pose.position.x is NaN, but it must be finite");
        assert!(text(&pose(0.0, f64::NEG_INFINITY, unit)).contains("pose.position.y is -inf"));
        assert!(text(&pose(0.0, 0.0, [0.0, 0.0, f64::NAN, 1.0])).contains("pose.orientation.z is NaN"));
        assert!(text(&pose(0.0, 0.0, [0.0; 4])).contains("pose.orientation is (0, 0, 0, 0)"));
    }

    #[test]
    fn a_quaternion_of_another_length_is_normalised() {
        let turned = planar(&isometry("goal", "pose", &pose(1.0, 2.0, [0.0, 0.0, 30.0, 30.0])).unwrap());
        assert!((turned.yaw - std::f64::consts::FRAC_PI_2).abs() < 1e-12, "{turned:?}");
        assert_eq!(turned.point(), trm_grid::units::Point { x: 1.0, y: 2.0 });
        let again = planar(&isometry("goal", "pose", &pose_message(turned)).unwrap());
        assert!(again.point() == turned.point() && (again.yaw - turned.yaw).abs() < 1e-12);
    }

    #[test]
    fn a_grid_keeps_its_size_and_its_origin() {
        let mut message = flat_grid(3, 2, 6);
        let half = std::f64::consts::FRAC_1_SQRT_2;
        message.info.origin = pose(-1.0, -2.0, [0.0, 0.0, half, half]);
        let geometry = geometry(&message, "map").unwrap();
        let origin = geometry.origin();
        assert!((origin.yaw - std::f64::consts::FRAC_PI_2).abs() < 1e-12);
        assert_eq!((origin.x, origin.y, geometry.width()), (-1.0, -2.0, 3));
        assert!(geometry.resolution().to_bits() == 0.05_f64.to_bits(), "as the map's file says");
    }

    #[test]
    fn bad_grids_are_refused_by_field_and_value() {
        let text = |message| geometry(&message, "map").unwrap_err().to_string();
        let mut message = flat_grid(2, 2, 4);
        message.header.frame_id = "odom".to_owned();
        assert_eq!(text(message), "grid refused: header.frame_id is \"odom\", but map_frame is \"map\"");
        let mut message = flat_grid(2, 2, 4);
        message.info.resolution = f32::NAN;
        assert!(text(message).contains("info.resolution is NaN"));
        let mut message = flat_grid(2, 2, 4);
        message.info.origin.orientation.w = 0.0;
        assert!(text(message).contains("info.origin.orientation is (0, 0, 0, 0)"));
        let mut message = flat_grid(2, 2, 4);
        message.info.origin.orientation = geometry::Quaternion { x: 0.3, y: 0.0, z: 0.0, w: 1.0 };
        assert!(text(message).contains("lies flat"));
        let update = OccupancyGridUpdate::default();
        assert!(update_rect(&update, "map").unwrap_err().to_string().contains("header.frame_id is \"\""));
    }

    #[test]
    fn a_transform_is_refused_by_field_and_value() {
        let mut message = geometry::TransformStamped { child_frame_id: "/base_link".to_owned(), ..Default::default() };
        message.header.frame_id = "odom".to_owned();
        message.header.stamp = Time { sec: 3, nanosec: 500_000_000 };
        let good = link(&message, false).unwrap();
        assert_eq!((good.parent.as_str(), good.child.as_str()), ("odom", "base_link"));
        assert_eq!(good.stamp, Some(Duration::from_millis(3500)));
        assert_eq!(link(&message, true).unwrap().stamp, None);
        message.transform.translation.y = f64::NAN;
        let error = link(&message, false).unwrap_err().to_string();
        assert!(error.starts_with("transform odom -> base_link refused: transform.translation.y is NaN"), "{error}");
        message.child_frame_id = "odom".to_owned();
        assert!(link(&message, false).unwrap_err().to_string().contains("child_frame_id is \"odom\""));
    }
}
