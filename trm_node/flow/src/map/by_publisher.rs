//! What is known of each publisher of a topic.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// So many publishers are told apart. One more replaces all.
const MOST: usize = 256;

/// Something of each publisher.
pub struct ByPublisher<T>(HashMap<[u8; 16], T>);

impl<T> Default for ByPublisher<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> ByPublisher<T> {
    /// What is known of a publisher, or the place for it.
    pub fn entry(&mut self, publisher: [u8; 16]) -> Entry<'_, [u8; 16], T> {
        if self.0.len() >= MOST && !self.0.contains_key(&publisher) {
            self.0.clear();
        }
        self.0.entry(publisher)
    }

    /// What is known of a publisher.
    #[must_use]
    pub fn get(&self, publisher: &[u8; 16]) -> Option<&T> {
        self.0.get(publisher)
    }

    /// Of how many publishers something is known.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}
