//! A buffer of transforms: each frame's to its parent over the last while, and chains of them, by the rules of `tf2`.

pub mod samples;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use nalgebra::Isometry3;
use trm_flow::text::cut;

use crate::io::transforms::samples::{Link, Samples, Span, When};

/// A longer chain of frames is taken for a loop: `MAX_GRAPH_DEPTH` of `tf2`.
const MAX_CHAIN: usize = 1000;
/// When ROS time goes back by more than this, it was set back: a simulation has restarted.
const SET_BACK: Duration = Duration::from_secs(1);

/// So many frames are kept. A tree of transforms that is larger is a mistake, or an attack.
const FRAMES: usize = 4096;
/// So many transforms are kept of all frames together. When there are more, a frame keeps no more than it has.
const SAMPLES: usize = 1 << 16;
/// When there is no room, frames may be forgotten that weren't heard of for so long.
const FORGET_AFTER: Duration = samples::KEPT;

/// A transform through any number of frames.
#[derive(Debug, Clone, PartialEq)]
pub struct Chained {
    pub transform: Isometry3<f64>,
    /// The time for which it holds; `None` when all of it is static.
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
    #[error(
        "transform {target} -> {wanted} at {:.3} s: frame {frame} is known from {:.3} s to {:.3} s, {}",
        at.as_secs_f64(), span.first.as_secs_f64(), span.last.as_secs_f64(), distance(*at, *span)
    )]
    Extrapolation { target: String, wanted: String, frame: String, at: Duration, span: Span },
}

impl TransformError {
    /// Whether transforms that are under way may still help.
    pub fn may_pass(&self) -> bool {
        !matches!(self, Self::Extrapolation { at, span, .. } if *at < span.first)
    }
}

fn distance(at: Duration, span: Span) -> String {
    let (late, early) = (at.saturating_sub(span.last), span.first.saturating_sub(at));
    if late.is_zero() {
        format!("{:.3} s after that", early.as_secs_f64())
    } else {
        format!("{:.3} s before that", late.as_secs_f64())
    }
}

/// A frame that there is no room for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("transform refused: frame {0} is one too many, {FRAMES} are known")]
pub struct TooManyFrames(String);

/// A frame that hangs on another one.
#[derive(Default)]
struct Frame {
    samples: Samples,
    /// The time by the node's clock at which it was last heard of.
    heard: Duration,
}

/// The transforms.
#[derive(Default)]
pub struct TransformBuffer {
    /// By child frame: a frame has one parent at a time.
    frames: HashMap<String, Frame>,
    /// Of all frames.
    samples: usize,
    now: Duration,
}

/// A frame and those above it.
struct Ancestors {
    /// Each with the transform of the first frame's coordinates into it.
    chain: Vec<(Arc<str>, Chained)>,
    /// The frame at which it ends because nothing is known of it at the time.
    end: Option<(Arc<str>, Span)>,
}

impl TransformBuffer {
    /// Takes the present ROS time. When that was set back, all but static transforms are forgotten.
    pub fn advance(&mut self, now: Duration) {
        if now + SET_BACK < self.now {
            self.forget(|frame| !frame.samples.is_static());
        }
        self.now = now;
    }

    fn forget(&mut self, is_forgotten: impl Fn(&Frame) -> bool) {
        self.frames.retain(|_, frame| !is_forgotten(frame));
        self.samples = self.frames.values().map(|frame| frame.samples.len()).sum();
    }

    /// Takes a transform that was heard at this time by the node's clock.
    pub fn insert(&mut self, link: Link, heard: Duration) -> Result<(), TooManyFrames> {
        if !self.frames.contains_key(&link.child) && self.frames.len() >= FRAMES {
            self.forget(|frame| !frame.samples.is_static() && frame.heard + FORGET_AFTER <= heard);
            if self.frames.len() >= FRAMES {
                return Err(TooManyFrames(cut(&link.child)));
            }
        }
        let frame = self.frames.entry(link.child.clone()).or_default();
        frame.heard = heard;
        let before = frame.samples.len();
        frame.samples.insert(link);
        if self.samples >= SAMPLES && frame.samples.len() > before.max(1) {
            frame.samples.forget_oldest();
        }
        self.samples = self.samples - before + frame.samples.len();
        Ok(())
    }

    /// The transform of coordinates in `wanted` into coordinates in `target` at a time, or the latest for which all of
    /// it is known.
    pub fn lookup(&self, target: &str, wanted: &str, at: Option<Duration>) -> Result<Chained, TransformError> {
        if let Some(at) = at {
            return self.find(target, wanted, When::At(at));
        }
        let latest = self.find(target, wanted, When::Latest)?;
        // A localisation may be stamped ahead of the odometry from its first transform on: that one is taken.
        latest.stamp.map_or(Ok(latest), |common| self.find(target, wanted, When::From(common)))
    }

    fn find(&self, target: &str, wanted: &str, when: When) -> Result<Chained, TransformError> {
        let (down, up) = (self.ancestors(wanted, when), self.ancestors(target, when));
        // As in `tf2`: in a circle, which a transform the wrong way round makes, what hangs on the target counts.
        let target_above = down.chain.iter().find(|(frame, _)| **frame == *target);
        for (frame, from_wanted) in target_above.into_iter().chain(&down.chain) {
            if let Some((_, from_target)) = up.chain.iter().find(|(other, _)| other == frame) {
                let stamp = older(from_target.stamp, from_wanted.stamp);
                let stamp = if let When::At(at) | When::From(at) = when { stamp.map(|_| at) } else { stamp };
                return Ok(Chained { transform: from_target.transform.inv_mul(&from_wanted.transform), stamp });
            }
        }
        let missing = [target, wanted].into_iter().find(|frame| !self.is_known(frame)).map(cut);
        let (target, wanted) = (cut(target), cut(wanted));
        if let Some(missing) = missing {
            return Err(TransformError::Unknown { target, wanted, missing });
        }
        if let (Some((frame, span)), When::At(at) | When::From(at)) = (down.end.as_ref().or(up.end.as_ref()), when) {
            return Err(TransformError::Extrapolation { target, wanted, frame: cut(frame), at, span: *span });
        }
        let root = |ancestors: &Ancestors| ancestors.chain.last().map_or_else(String::new, |(frame, _)| cut(frame));
        Err(TransformError::Unconnected { target, wanted, root: root(&up), other: root(&down) })
    }

    /// Whether a frame hangs on another one, by any number of transforms, or is that one.
    pub fn hangs_on(&self, frame: &str, other: &str) -> bool {
        self.ancestors(frame, When::Latest).chain.iter().any(|(ancestor, _)| **ancestor == *other)
    }

    /// Whether a transform names this frame.
    fn is_known(&self, frame: &str) -> bool {
        let parents = || self.frames.values().filter_map(|child| child.samples.last());
        self.frames.contains_key(frame) || parents().any(|last| *last.parent == *frame)
    }

    fn ancestors(&self, frame: &str, when: When) -> Ancestors {
        let mut here = (Arc::from(frame), Chained { transform: Isometry3::identity(), stamp: None });
        let mut ancestors = Ancestors { chain: vec![here.clone()], end: None };
        while let Some(frame) = self.frames.get(&*here.0).filter(|_| ancestors.chain.len() < MAX_CHAIN) {
            match frame.samples.get(when) {
                Ok(Some(sample)) => {
                    let transform = sample.transform * here.1.transform;
                    here = (sample.parent, Chained { transform, stamp: older(here.1.stamp, sample.stamp) });
                    ancestors.chain.push(here.clone());
                }
                Ok(None) => break,
                Err(span) => {
                    ancestors.end = Some((here.0, span));
                    break;
                }
            }
        }
        ancestors
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
        let found = robot().lookup("map", "base_link", None).unwrap();
        assert!(near(&found, 1.0, 5.5), "{found:?}");
        assert_eq!(found.stamp, Some(Duration::from_millis(900)));
    }

    #[test]
    fn of_each_frame_the_transform_at_the_common_time_counts() {
        let mut buffer = TransformBuffer::default();
        for (frame, x, stamp) in
            [("odom", 1.0, 1000), ("odom", 2.0, 2000), ("base_link", 10.0, 1000), ("base_link", 20.0, 1500)]
        {
            let parent = if frame == "odom" { "map" } else { "odom" };
            buffer.insert(link(parent, frame, (x, 0.0, 0.0), Some(stamp)), Duration::ZERO).unwrap();
        }
        let ms = Duration::from_millis;
        let latest = buffer.lookup("map", "base_link", None).unwrap();
        assert!(near(&latest, 21.5, 0.0) && latest.stamp == Some(ms(1500)), "{latest:?}");
        let then = buffer.lookup("map", "base_link", Some(ms(1250))).unwrap();
        assert!(near(&then, 16.25, 0.0) && then.stamp == Some(ms(1250)), "{then:?}");
        let back = buffer.lookup("base_link", "map", Some(ms(1250))).unwrap();
        assert!(near(&back, -16.25, 0.0));
    }

    #[test]
    fn a_transform_the_wrong_way_round_does_not_hide_the_right_one() {
        let mut buffer = robot();
        let before = buffer.lookup("map", "base_link", None);
        buffer.insert(link("base_link", "map", (7.0, 7.0, 0.0), Some(1500)), Duration::ZERO).unwrap();
        assert_eq!(buffer.lookup("map", "base_link", None), before);
    }

    #[test]
    fn what_is_asked_of_times_that_are_not_known_is_refused_with_both_times() {
        let mut buffer = robot();
        buffer.insert(link("map", "odom", (1.0, 2.0, 0.0), Some(400)), Duration::ZERO).unwrap();
        let error = |ms| buffer.lookup("map", "odom", Some(Duration::from_millis(ms))).unwrap_err();
        assert_eq!(
            error(3900).to_string(),
            "transform map -> odom at 3.900 s: frame odom is known from 0.400 s to 0.900 s, 3.000 s before that"
        );
        assert!(error(3900).may_pass() && !error(100).may_pass());
        assert!(error(100).to_string().ends_with("0.300 s after that"));
        assert!(buffer.lookup("map", "nowhere", Some(Duration::ZERO)).unwrap_err().may_pass());
        let fixed = buffer.lookup("base_footprint", "base_link", Some(Duration::from_secs(9999))).unwrap();
        assert_eq!(fixed.stamp, None, "static ones hold at any time");
    }

    #[test]
    fn a_flood_of_transforms_is_bounded() {
        let mut buffer = robot();
        let ns = Duration::from_nanos;
        for i in 0..2 * SAMPLES as u64 {
            let stamp = Some(ns(i));
            buffer.insert(Link { stamp, ..link("a", "b", (0.0, 0.0, 0.0), None) }, Duration::ZERO).unwrap();
        }
        let count: usize = buffer.frames.values().map(|frame| frame.samples.len()).sum();
        assert!(buffer.samples == count && count <= SAMPLES + FRAMES, "{count}");
        buffer.insert(link("odom", "base_footprint", (4.0, 0.0, 0.0), Some(2100)), Duration::ZERO).unwrap();
        assert!(near(&buffer.lookup("odom", "base_footprint", None).unwrap(), 4.0, 0.0), "the newest still counts");
    }

    #[test]
    fn a_chain_may_go_up_and_down() {
        let mut buffer = robot();
        buffer.insert(link("odom", "camera", (3.0, 1.0, 0.0), None), Duration::ZERO).unwrap();
        let found = buffer.lookup("base_link", "camera", None).unwrap();
        assert!(near(&found, -0.5, 1.0), "{found:?}");
        assert_eq!(found.stamp, Some(Duration::from_secs(2)));
        let back = buffer.lookup("base_link", "map", None).unwrap();
        assert!(((back.transform * Point3::new(1.0, 5.5, 0.0)) - Point3::origin()).norm() < 1e-12);
    }

    #[test]
    fn a_frame_in_itself_is_known_without_any_transform() {
        let found = TransformBuffer::default().lookup("map", "map", None).unwrap();
        assert_eq!(found, Chained { transform: Isometry3::identity(), stamp: None });
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut buffer = TransformBuffer::default();
        buffer.insert(link("odom", "base_link", (0.0, 0.0, 0.0), Some(1)), Duration::ZERO).unwrap();
        let error = buffer.lookup("map", "base_link", None).unwrap_err().to_string();
        assert_eq!(error, "transform map -> base_link: no transform has come that names frame map");
        buffer.insert(link("earth", "map", (0.0, 0.0, 0.0), None), Duration::ZERO).unwrap();
        let error = buffer.lookup("map", "base_link", None).unwrap_err().to_string();
        assert!(error.contains("map hangs on earth, base_link on odom"), "{error}");
    }

    #[test]
    fn a_loop_ends() {
        let mut buffer = TransformBuffer::default();
        buffer.insert(link("a", "b", (1.0, 0.0, 0.0), None), Duration::ZERO).unwrap();
        buffer.insert(link("b", "a", (1.0, 0.0, 0.0), None), Duration::ZERO).unwrap();
        buffer.insert(link("map", "odom", (1.0, 0.0, 0.0), None), Duration::ZERO).unwrap();
        assert!(matches!(buffer.lookup("map", "a", None), Err(TransformError::Unconnected { .. })));
    }

    #[test]
    fn an_older_transform_is_ignored_until_time_was_set_back() {
        let mut buffer = robot();
        buffer.advance(Duration::from_secs(100));
        buffer.insert(link("map", "odom", (9.0, 9.0, 0.0), Some(800)), Duration::ZERO).unwrap();
        assert!(near(&buffer.lookup("map", "odom", None).unwrap(), 1.0, 2.0));
        buffer.advance(Duration::from_secs(1));
        assert!(buffer.lookup("map", "odom", None).is_err(), "a transform of the time before");
        assert!(buffer.lookup("base_footprint", "base_link", None).is_ok(), "static ones stay");
        buffer.insert(link("map", "odom", (9.0, 9.0, 0.0), Some(800)), Duration::ZERO).unwrap();
        assert!(near(&buffer.lookup("map", "odom", None).unwrap(), 9.0, 9.0));
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
        assert!(buffer.lookup("map", "base_link", None).is_ok());
        assert!(buffer.insert(foreign(90_000), s(9)).is_err());
        assert!(buffer.insert(foreign(90_000), s(13)).is_ok() && buffer.frames.len() < 10);
    }
}
