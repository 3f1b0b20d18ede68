//! Messages about the grid, as the threads hand them over.

use std::time::Duration;

use trm_grid::geometry::{Geometry, Rect};

/// When a message was published, on whose clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Identifies the host. Times of different hosts aren't compared.
    pub host: u32,
    /// How often that host's clock is known to have been set back. Times of different eras aren't compared either.
    pub era: u32,
    /// Time since the epoch by that host's clock.
    pub at: Duration,
}

/// A message with what is known of its way here.
#[derive(Debug, Clone)]
pub struct Message<T> {
    /// What it says.
    pub content: T,
    /// Counts the messages about the grid, from 1; set by the [inbox](super::inbox).
    pub number: u64,
    /// When it arrived, as a reading of the node's clock.
    pub arrived: Duration,
    /// When it was published; `None` when the middleware doesn't tell.
    pub published: Option<Published>,
    /// The stamp in its header, in ROS time.
    pub stamp: Duration,
}

/// A whole grid as it comes in.
#[derive(Debug, Clone)]
pub struct WholeGrid {
    /// Its geometry, which was checked.
    pub geometry: Geometry,
    /// Row-major from the origin; not checked yet.
    pub data: Vec<i8>,
}

/// New values for a rectangle of the grid.
#[derive(Debug, Clone)]
pub struct GridUpdate {
    /// The rectangle.
    pub rect: Rect,
    /// Row-major; not checked yet.
    pub data: Vec<i8>,
}

/// Whether the first was published before the second. `None` when that isn't known, and the order of arrival counts.
#[must_use]
pub fn is_before(first: Option<Published>, second: Option<Published>) -> Option<bool> {
    let (first, second) = (first?, second?);
    let is_comparable = first.host == second.host && first.era == second.era;
    is_comparable.then_some(first.at < second.at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_times_of_one_clock_are_compared() {
        let at = |host, era, s| Some(Published { host, era, at: Duration::from_secs(s) });
        assert_eq!(is_before(at(1, 0, 5), at(1, 0, 6)), Some(true));
        assert_eq!(is_before(at(1, 0, 6), at(1, 0, 6)), Some(false));
        assert_eq!(is_before(at(1, 0, 5), at(1, 0, 5000)), Some(true), "however long after");
        assert_eq!(is_before(at(1, 0, 5), at(2, 0, 6)), None, "another host's clock");
        assert_eq!(is_before(at(1, 0, 5), at(1, 1, 6)), None, "the clock was set back");
        assert_eq!(is_before(None, at(1, 0, 6)), None);
    }
}
