//! The health of the inputs: what has come, what was refused, and what is missing.

use std::time::Duration;

/// A problem is shown for at least this long, even when the input is good again.
const SHOW: Duration = Duration::from_secs(2);

/// The inputs of the node.
#[derive(Default)]
pub struct Health {
    /// Grids and their updates.
    pub grid: Input,
    /// The robot's pose: transforms, odometry.
    pub robot: Input,
    /// Goals.
    pub goal: Input,
    /// Parameters.
    pub parameters: Input,
}

/// One input. All times are readings of the monotonic clock.
#[derive(Default)]
pub struct Input {
    received: u64,
    refused: u64,
    lost: u64,
    last_good: Option<Duration>,
    problem: Option<(String, Duration)>,
    /// What is missing, while nothing good has come.
    missing: Option<String>,
}

impl Input {
    /// A good message.
    pub fn good(&mut self, now: Duration) {
        self.received += 1;
        self.last_good = Some(now);
        self.missing = None;
    }

    /// A message that can't be used.
    pub fn refuse(&mut self, text: &str, now: Duration) {
        self.received += 1;
        self.refused += 1;
        self.problem = Some((text.to_owned(), now));
    }

    /// Messages that a newer one replaced before they were read.
    pub const fn lose(&mut self, messages: u64) {
        self.received += messages;
        self.lost += messages;
    }

    /// There is no good message, for this reason.
    pub fn miss(&mut self, text: String) {
        self.missing = Some(text);
    }

    /// How many have come.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// How many couldn't be used.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// How many a newer one replaced before they were read.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// Time since the last good message.
    #[must_use]
    pub fn age(&self, now: Duration) -> Option<Duration> {
        self.last_good.map(|at| now.saturating_sub(at))
    }

    /// The last refusal, while no good message has come since, or it is recent.
    #[must_use]
    pub fn problem(&self, now: Duration) -> Option<&str> {
        let (text, at) = self.problem.as_ref()?;
        let stands = self.last_good.is_none_or(|good| good < *at) || now < *at + SHOW;
        stands.then_some(text)
    }

    /// What is missing, while nothing good has come.
    #[must_use]
    pub fn missing(&self) -> Option<&str> {
        self.missing.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn a_refusal_stands_until_something_good_comes_and_a_little_longer() {
        let mut input = Input::default();
        input.miss("no grid".to_owned());
        input.refuse("grid refused", s(1));
        assert_eq!((input.problem(s(100)), input.missing()), (Some("grid refused"), Some("no grid")));
        input.good(s(101));
        assert_eq!((input.problem(s(101)), input.missing()), (None, None));
        input.refuse("grid refused", s(102));
        input.good(s(103));
        assert_eq!(input.problem(s(103)), Some("grid refused"), "recent");
        assert_eq!(input.problem(s(104)), None);
        assert_eq!((input.received(), input.refused(), input.age(s(105))), (4, 2, Some(s(2))));
    }
}
