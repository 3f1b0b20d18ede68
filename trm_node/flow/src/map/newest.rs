//! The newest of some times on each clock.

use crate::map::message::{Published, is_before};

/// So many clocks are told apart. One more replaces the one that was told longest ago.
const CLOCKS: usize = 256;

/// The newest time on each clock.
#[derive(Default)]
pub struct Newest(Vec<Published>);

impl Newest {
    /// Something was published then.
    pub fn tell(&mut self, published: Option<Published>) {
        let Some(published) = published else { return };
        let is_same = |other: &Published| is_before(Some(*other), Some(published)).is_some();
        if let Some(at) = self.0.iter().position(is_same) {
            self.0[at].at = self.0[at].at.max(published.at);
            return;
        }
        if self.0.len() == CLOCKS {
            self.0.remove(0);
        }
        self.0.push(published);
    }

    /// The newest time on a message's clock, if that is later.
    #[must_use]
    pub fn after(&self, published: Option<Published>) -> Option<Published> {
        self.0.iter().copied().find(|newest| is_before(published, Some(*newest)) == Some(true))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Published> {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_clock_has_its_newest() {
        let at = |host, s| Published { host, era: 0, at: Duration::from_secs(s) };
        let mut newest = Newest::default();
        for published in [at(1, 5), at(2, 50), at(1, 7), at(1, 6)] {
            newest.tell(Some(published));
        }
        assert_eq!(newest.after(Some(at(1, 6))), Some(at(1, 7)));
        assert_eq!([at(1, 7), at(2, 51), at(3, 0)].map(|published| newest.after(Some(published))), [None; 3]);
        assert_eq!(newest.after(None), None);
        for host in 3..=CLOCKS as u32 + 1 {
            newest.tell(Some(at(host, 9)));
        }
        assert_eq!(newest.iter().count(), CLOCKS);
        assert!(newest.after(Some(at(1, 0))).is_none() && newest.after(Some(at(2, 0))).is_some());
    }
}
