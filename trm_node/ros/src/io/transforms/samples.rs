//! What is known of one frame: its transforms to its parent over the last while, as `tf2`'s `TimeCache` keeps them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use nalgebra::Isometry3;

/// For so long transforms are kept: `TIMECACHE_DEFAULT_MAX_STORAGE_TIME` of `tf2`.
pub const KEPT: Duration = Duration::from_secs(10);

/// A transform of `child`'s coordinates into `parent`'s.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    pub child: String,
    pub parent: String,
    pub transform: Isometry3<f64>,
    /// `None` for a static transform, which never ages.
    pub stamp: Option<Duration>,
}

/// For which time a transform is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The newest that there is.
    Latest,
    /// At this time exactly.
    At(Duration),
    /// At this time, or as soon after it as there is one.
    From(Duration),
}

/// The times between which a frame is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub first: Duration,
    pub last: Duration,
}

/// A frame's transform to its parent at one time.
#[derive(Debug, Clone)]
pub struct Sample {
    /// `None` for a static transform, which holds at any time.
    pub stamp: Option<Duration>,
    pub parent: Arc<str>,
    pub transform: Isometry3<f64>,
}

/// A frame's transforms, sorted by their stamps. Of a static one there is the last alone.
#[derive(Default)]
pub struct Samples(VecDeque<Sample>);

impl Samples {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The newest sample.
    pub fn last(&self) -> Option<&Sample> {
        self.0.back()
    }

    pub fn is_static(&self) -> bool {
        self.last().is_some_and(|last| last.stamp.is_none())
    }

    /// Forgets the oldest sample.
    pub fn forget_oldest(&mut self) {
        self.0.pop_front();
    }

    /// Takes a transform. One that is older than what is kept changes nothing; of two with one stamp the later counts.
    pub fn insert(&mut self, link: Link) {
        let Some(stamp) = link.stamp else {
            self.0.clear();
            return self.0.push_back(Sample { stamp: None, parent: link.parent.into(), transform: link.transform });
        };
        if self.is_static() {
            self.0.clear();
        }
        let last = self.last();
        let newest = last.and_then(|last| last.stamp).unwrap_or(stamp).max(stamp);
        let oldest = newest.saturating_sub(KEPT);
        if stamp < oldest {
            return;
        }
        let parent = match last {
            Some(last) if *last.parent == *link.parent => Arc::clone(&last.parent),
            _ => link.parent.into(),
        };
        let sample = Sample { stamp: Some(stamp), parent, transform: link.transform };
        let at = self.0.partition_point(|sample| sample.stamp < Some(stamp));
        match self.0.get_mut(at) {
            Some(same) if same.stamp == sample.stamp => *same = sample,
            _ => self.0.insert(at, sample),
        }
        while self.0.front().is_some_and(|sample| sample.stamp < Some(oldest)) {
            self.0.pop_front();
        }
    }

    /// The transform for a time, between two samples by interpolation. The error says when there are some.
    pub fn get(&self, when: When) -> Result<Option<Sample>, Span> {
        let (Some(first), Some(last)) = (self.0.front(), self.0.back()) else { return Ok(None) };
        let (Some(at), Some(known), Some(until)) = (when.time(), first.stamp, last.stamp) else {
            return Ok(Some(last.clone()));
        };
        let span = Span { first: known, last: until };
        if at > until || at < known && matches!(when, When::At(_)) {
            return Err(span);
        }
        let next = self.0.partition_point(|sample| sample.stamp < Some(at));
        let newer = &self.0[next];
        let older = next.checked_sub(1).map(|before| &self.0[before]).filter(|_| newer.stamp != Some(at));
        Ok(Some(older.map_or_else(|| newer.clone(), |older| between(older, newer, at))))
    }
}

impl When {
    const fn time(self) -> Option<Duration> {
        match self {
            Self::Latest => None,
            Self::At(time) | Self::From(time) => Some(time),
        }
    }
}

/// The transform at a time between those of two samples. Where the parent changed between them, the older holds.
fn between(older: &Sample, newer: &Sample, at: Duration) -> Sample {
    let (Some(from), Some(to)) = (older.stamp, newer.stamp) else { return newer.clone() };
    if older.parent != newer.parent {
        return Sample { stamp: Some(at), ..older.clone() };
    }
    let share = at.saturating_sub(from).as_secs_f64() / to.saturating_sub(from).as_secs_f64();
    let (a, b) = (&older.transform, &newer.transform);
    let translation = a.translation.vector.lerp(&b.translation.vector, share);
    // Half a turn has no shorter way round.
    let rotation = a.rotation.try_slerp(&b.rotation, share, 1e-9).unwrap_or(a.rotation);
    let transform = Isometry3::from_parts(translation.into(), rotation);
    Sample { stamp: Some(at), parent: Arc::clone(&older.parent), transform }
}

#[cfg(test)]
mod tests {
    use nalgebra::{Translation3, UnitQuaternion, Vector3};

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn link(parent: &str, x: f64, yaw: f64, stamp: Option<u64>) -> Link {
        let rotation = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw);
        let transform = Isometry3::from_parts(Translation3::new(x, 0.0, 0.0), rotation);
        Link { child: "base_link".to_owned(), parent: parent.to_owned(), transform, stamp: stamp.map(ms) }
    }

    fn samples(links: &[(f64, f64, u64)]) -> Samples {
        let mut samples = Samples::default();
        for (x, yaw, stamp) in links {
            samples.insert(link("odom", *x, *yaw, Some(*stamp)));
        }
        samples
    }

    fn x(samples: &Samples, when: When) -> Result<f64, Span> {
        Ok(samples.get(when)?.expect("a sample").transform.translation.x)
    }

    #[test]
    fn between_two_samples_it_is_interpolated_in_whatever_order_they_came() {
        let samples = samples(&[(3.0, 0.0, 300), (1.0, 0.0, 100), (2.0, 0.4, 200)]);
        assert_eq!(x(&samples, When::At(ms(250))), Ok(2.5));
        assert_eq!([100, 200, 300].map(|at| x(&samples, When::At(ms(at)))), [Ok(1.0), Ok(2.0), Ok(3.0)]);
        let turned = samples.get(When::At(ms(150))).unwrap().unwrap().transform.rotation.angle();
        assert!((turned - 0.2).abs() < 1e-12, "{turned}");
        assert_eq!(x(&samples, When::Latest), Ok(3.0));
    }

    #[test]
    fn outside_the_samples_nothing_is_made_up() {
        let samples = samples(&[(1.0, 0.0, 100), (2.0, 0.0, 200)]);
        let span = Span { first: ms(100), last: ms(200) };
        assert_eq!([99, 201].map(|at| x(&samples, When::At(ms(at)))), [Err(span), Err(span)]);
        assert_eq!([99, 150, 201].map(|at| x(&samples, When::From(ms(at)))), [Ok(1.0), Ok(1.5), Err(span)]);
    }

    #[test]
    fn a_static_transform_holds_at_any_time_and_gives_way_to_samples() {
        let mut samples = samples(&[(1.0, 0.0, 100)]);
        samples.insert(link("odom", 5.0, 0.0, None));
        assert_eq!([0, 100, 900].map(|at| x(&samples, When::At(ms(at)))), [Ok(5.0); 3]);
        samples.insert(link("odom", 6.0, 0.0, Some(200)));
        assert_eq!((samples.len(), x(&samples, When::At(ms(200)))), (1, Ok(6.0)));
    }

    #[test]
    fn ten_seconds_are_kept_and_of_one_stamp_the_later() {
        let mut samples = samples(&[(1.0, 0.0, 100), (2.0, 0.0, 5000), (7.0, 0.0, 5000), (3.0, 0.0, 10_100)]);
        assert_eq!((samples.len(), x(&samples, When::At(ms(5000)))), (3, Ok(7.0)));
        samples.insert(link("odom", 4.0, 0.0, Some(10_101)));
        samples.insert(link("odom", 9.0, 0.0, Some(50)));
        assert_eq!(
            (samples.len(), samples.get(When::At(ms(100))).map(|_| ())),
            (3, Err(Span { first: ms(5000), last: ms(10_101) }))
        );
    }

    #[test]
    fn a_new_parent_holds_from_its_first_sample_on() {
        let mut samples = samples(&[(1.0, 0.0, 100)]);
        samples.insert(link("map", 9.0, 0.0, Some(200)));
        let parent = |at| samples.get(When::At(ms(at))).unwrap().unwrap().parent;
        assert_eq!((&*parent(199), &*parent(200)), ("odom", "map"));
        assert_eq!(x(&samples, When::At(ms(199))), Ok(1.0));
    }
}
