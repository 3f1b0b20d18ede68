//! A small transform buffer: the newest transform of each frame to its parent, and chains of them.

use std::collections::HashMap;
use std::time::Duration;

use nalgebra::Isometry3;
use trm_flow::text::cut;

/// A longer chain of frames is taken for a loop: `MAX_GRAPH_DEPTH` of `tf2`.
const MAX_CHAIN: usize = 1000;
/// When ROS time goes back by more than this, it was set back: a simulation has restarted.
const SET_BACK: Duration = Duration::from_secs(1);

/// So many frames are kept. A tree of transforms that is larger is a mistake, or an attack.
const FRAMES: usize = 4096;
/// When there is no room, frames may be forgotten that weren't heard of for so long: the time that `tf2` keeps.
const FORGET_AFTER: Duration = Duration::from_secs(10);

/// A transform of `child`'s coordinates into `parent`'s.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    pub child: String,
    pub parent: String,
    pub transform: Isometry3<f64>,
    /// `None` for a static transform, which never ages.
    pub stamp: Option<Duration>,
}

/// A transform through any number of frames.
#[derive(Debug, Clone, PartialEq)]
pub struct Chained {
    pub transform: Isometry3<f64>,
    /// The oldest stamp in the chain: the latest time for which all of it is known; `None` when all of it is static.
    pub stamp: Option<Duration>,
}

/// Why there is no transform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransformError {
    #[error("transform {target} -> {wanted}: no transform has come that names frame {missing}")]
    Unknown { target: String, wanted: String, missing: String },
    #[error(
        "transform {target} -> {wanted}: the frames aren't connected ({target} hangs on {root}, {wanted} on {other})"
    )]
    Unconnected { target: String, wanted: String, root: String, other: String },
}

/// A frame that there is no room for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("transform refused: frame {0} is one too many, {FRAMES} are known")]
pub struct TooManyFrames(String);

/// The newest transforms.
#[derive(Default)]
pub struct TransformBuffer {
    /// By child frame: a frame has one parent. With the time by the node's clock at which it was last heard of.
    links: HashMap<String, (Link, Duration)>,
    now: Duration,
}

impl TransformBuffer {
    /// Takes the present ROS time. When that was set back, all but static transforms are forgotten.
    pub fn advance(&mut self, now: Duration) {
        if now + SET_BACK < self.now {
            self.links.retain(|_, (link, _)| link.stamp.is_none());
        }
        self.now = now;
    }

    /// Takes a transform that was heard at this time by the node's clock, unless there is a newer one of the same frame.
    pub fn insert(&mut self, link: Link, heard: Duration) -> Result<(), TooManyFrames> {
        let old = self.links.get(&link.child);
        if old.is_none() && self.links.len() >= FRAMES {
            self.links.retain(|_, (link, at)| link.stamp.is_none() || *at + FORGET_AFTER > heard);
            if self.links.len() >= FRAMES {
                return Err(TooManyFrames(cut(&link.child)));
            }
        }
        let old = self.links.get(&link.child);
        let is_older = old.is_some_and(|(old, _)| {
            old.parent == link.parent && old.stamp.zip(link.stamp).is_some_and(|(old, new)| new < old)
        });
        if !is_older {
            self.links.insert(link.child.clone(), (link, heard));
        }
        Ok(())
    }

    /// The transform of coordinates in `wanted` into coordinates in `target`.
    pub fn lookup(&self, target: &str, wanted: &str) -> Result<Chained, TransformError> {
        let unknown =
            |missing: &str| TransformError::Unknown { target: cut(target), wanted: cut(wanted), missing: cut(missing) };
        if target != wanted {
            for frame in [target, wanted] {
                if !self.links.values().any(|(link, _)| link.child == frame || link.parent == frame) {
                    return Err(unknown(frame));
                }
            }
        }
        let (down, up) = (self.ancestors(wanted), self.ancestors(target));
        for (frame, from_wanted) in &down {
            if let Some((_, from_target)) = up.iter().find(|(other, _)| other == frame) {
                return Ok(Chained {
                    transform: from_target.transform.inv_mul(&from_wanted.transform),
                    stamp: older(from_target.stamp, from_wanted.stamp),
                });
            }
        }
        let root = |chain: &[(&str, Chained)]| chain.last().map_or_else(String::new, |(frame, _)| cut(frame));
        Err(TransformError::Unconnected {
            target: cut(target),
            wanted: cut(wanted),
            root: root(&up),
            other: root(&down),
        })
    }

    /// A frame and those above it, each with the transform of the frame's coordinates into it.
    fn ancestors<'a>(&'a self, frame: &'a str) -> Vec<(&'a str, Chained)> {
        let mut here = (frame, Chained { transform: Isometry3::identity(), stamp: None });
        let mut chain = vec![here.clone()];
        while let Some((link, _)) = self.links.get(here.0).filter(|_| chain.len() < MAX_CHAIN) {
            let transform = link.transform * here.1.transform;
            here = (&link.parent, Chained { transform, stamp: older(here.1.stamp, link.stamp) });
            chain.push(here.clone());
        }
        chain
    }
}

fn older(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::FRAC_PI_2;

    use nalgebra::{Point3, Translation3, UnitQuaternion, Vector3};

    use super::*;

    fn link(parent: &str, child: &str, xy_yaw: (f64, f64, f64), stamp_ms: Option<u64>) -> Link {
        let rotation = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), xy_yaw.2);
        Link {
            child: child.to_owned(),
            parent: parent.to_owned(),
            transform: Isometry3::from_parts(Translation3::new(xy_yaw.0, xy_yaw.1, 0.0), rotation),
            stamp: stamp_ms.map(Duration::from_millis),
        }
    }

    fn robot() -> TransformBuffer {
        let mut buffer = TransformBuffer::default();
        buffer.insert(link("map", "odom", (1.0, 2.0, FRAC_PI_2), Some(900)), Duration::ZERO).unwrap();
        buffer.insert(link("odom", "base_footprint", (3.0, 0.0, 0.0), Some(2000)), Duration::ZERO).unwrap();
        buffer.insert(link("base_footprint", "base_link", (0.5, 0.0, 0.0), None), Duration::ZERO).unwrap();
        buffer
    }

    fn near(found: &Chained, x: f64, y: f64) -> bool {
        (found.transform * Point3::origin() - Point3::new(x, y, 0.0)).norm() < 1e-12
    }

    #[test]
    fn a_chain_goes_through_the_frames_between_and_is_as_old_as_its_oldest_part() {
        let found = robot().lookup("map", "base_link").unwrap();
        assert!(near(&found, 1.0, 5.5), "{found:?}");
        assert_eq!(found.stamp, Some(Duration::from_millis(900)));
    }

    #[test]
    fn a_chain_may_go_up_and_down() {
        let mut buffer = robot();
        buffer.insert(link("odom", "camera", (3.0, 1.0, 0.0), None), Duration::ZERO).unwrap();
        let found = buffer.lookup("base_link", "camera").unwrap();
        assert!(near(&found, -0.5, 1.0), "{found:?}");
        assert_eq!(found.stamp, Some(Duration::from_secs(2)));
        let back = buffer.lookup("base_link", "map").unwrap();
        assert!(((back.transform * Point3::new(1.0, 5.5, 0.0)) - Point3::origin()).norm() < 1e-12);
    }

    #[test]
    fn a_frame_in_itself_is_known_without_any_transform() {
        let found = TransformBuffer::default().lookup("map", "map").unwrap();
        assert_eq!(found, Chained { transform: Isometry3::identity(), stamp: None });
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut buffer = TransformBuffer::default();
        buffer.insert(link("odom", "base_link", (0.0, 0.0, 0.0), Some(1)), Duration::ZERO).unwrap();
        let error = buffer.lookup("map", "base_link").unwrap_err().to_string();
        assert_eq!(error, "transform map -> base_link: no transform has come that names frame map");
        buffer.insert(link("earth", "map", (0.0, 0.0, 0.0), None), Duration::ZERO).unwrap();
        let error = buffer.lookup("map", "base_link").unwrap_err().to_string();
        assert!(error.contains("map hangs on earth, base_link on odom"), "{error}");
    }

    #[test]
    fn a_loop_ends() {
        let mut buffer = TransformBuffer::default();
        buffer.insert(link("a", "b", (1.0, 0.0, 0.0), None), Duration::ZERO).unwrap();
        buffer.insert(link("b", "a", (1.0, 0.0, 0.0), None), Duration::ZERO).unwrap();
        buffer.insert(link("map", "odom", (1.0, 0.0, 0.0), None), Duration::ZERO).unwrap();
        assert!(matches!(buffer.lookup("map", "a"), Err(TransformError::Unconnected { .. })));
    }

    #[test]
    fn an_older_transform_is_ignored_until_time_was_set_back() {
        let mut buffer = robot();
        buffer.advance(Duration::from_secs(100));
        buffer.insert(link("map", "odom", (9.0, 9.0, 0.0), Some(800)), Duration::ZERO).unwrap();
        assert!(near(&buffer.lookup("map", "odom").unwrap(), 1.0, 2.0));
        buffer.advance(Duration::from_secs(1));
        assert!(buffer.lookup("map", "odom").is_err(), "a transform of the time before");
        assert!(buffer.lookup("base_footprint", "base_link").is_ok(), "static ones stay");
        buffer.insert(link("map", "odom", (9.0, 9.0, 0.0), Some(800)), Duration::ZERO).unwrap();
        assert!(near(&buffer.lookup("map", "odom").unwrap(), 9.0, 9.0));
    }

    #[test]
    fn a_flood_of_foreign_frames_is_bounded_and_makes_room_again() {
        let mut buffer = robot();
        let s = Duration::from_secs;
        let foreign = |i: u64| link("elsewhere", &format!("frame{i}"), (0.0, 0.0, 0.0), Some(i));
        let taken = (0..40_000).filter(|i| buffer.insert(foreign(*i), s(1)).is_ok()).count();
        assert_eq!(taken, FRAMES - 3);
        assert!(buffer.insert(foreign(0), s(2)).is_ok(), "a known one");
        assert!(buffer.insert(link("map", "odom", (1.0, 2.0, FRAC_PI_2), Some(900)), s(9)).is_ok());
        assert!(buffer.lookup("map", "base_link").is_ok());
        assert!(buffer.insert(foreign(90_000), s(9)).is_err());
        assert!(buffer.insert(foreign(90_000), s(13)).is_ok() && buffer.links.len() < 10);
    }
}
