//! An open list for whole-number costs: a ring of buckets, each of which is a stack. Adding and taking a node takes the same
//! time however many wait (R. B. Dial, Algorithm 360: Shortest-path forest with topological ordering, 1969).
//!
//! In a consistent search the keys that wait differ by little. What is too far ahead for the ring waits beside it.

use crate::search::Waiting;

/// The number of buckets of the ring. A power of two.
const BUCKETS: u32 = 1024;
/// The end of a list.
const END: u32 = u32::MAX;

/// A node that knows which bucket it belongs in.
pub trait Keyed: Copy {
    /// The number of its bucket. The least comes first.
    fn key(&self) -> u32;
}

/// A waiting node, as a link of a list.
#[derive(Debug, Clone, Copy)]
struct Link<E> {
    entry: E,
    next: u32,
}

/// The queue. The node with the least key comes first, and of those in one bucket the one that was added last: the search
/// goes on from where it is. A key that is more than the ring below another one counts as the least that fits.
#[derive(Debug)]
pub struct Buckets<E> {
    /// The first link of each bucket's list; that of key `k` is at `k % BUCKETS`.
    heads: Vec<u32>,
    /// The first link of the list of nodes whose keys are beyond the ring.
    beyond: u32,
    /// No key beyond the ring is less, and every key in it is.
    beyond_least: u32,
    /// The first link of the list of links that are free.
    free: u32,
    links: Vec<Link<E>>,
    /// The number of nodes.
    len: usize,
    /// The number of nodes in the ring.
    in_ring: usize,
    /// No key in the ring is less.
    first: u32,
    /// No key in the ring is greater.
    last: u32,
}

impl<E: Keyed> Buckets<E> {
    /// Puts a link at the head of the list that its key belongs in.
    fn place(&mut self, link: u32) {
        let key = self.links[link as usize].entry.key();
        let fits_below = key >= self.first || self.last - key < BUCKETS;
        let key = if fits_below { key } else { self.first };
        let head = if key < self.beyond_least && key.saturating_sub(self.first) < BUCKETS {
            (self.first, self.last) = (self.first.min(key), self.last.max(key));
            self.in_ring += 1;
            &mut self.heads[(key % BUCKETS) as usize]
        } else {
            self.beyond_least = self.beyond_least.min(key);
            &mut self.beyond
        };
        self.links[link as usize].next = std::mem::replace(head, link);
    }

    /// Fills the empty ring with what waits beyond it.
    fn refill(&mut self) {
        let least = std::mem::replace(&mut self.beyond_least, u32::MAX);
        (self.first, self.last) = (least, least);
        let mut link = std::mem::replace(&mut self.beyond, END);
        while link != END {
            let next = self.links[link as usize].next;
            self.place(link);
            link = next;
        }
    }

    /// Gives the link back.
    fn release(&mut self, link: u32) -> E {
        let Link { entry, next } = &mut self.links[link as usize];
        *next = std::mem::replace(&mut self.free, link);
        self.len -= 1;
        *entry
    }

    /// Removes the unwanted links of a list; returns its new head and how many were removed.
    fn sift(&mut self, head: u32, wanted: &mut impl FnMut(&E) -> bool) -> (u32, usize) {
        let (mut kept, mut last, mut at, mut removed) = (END, END, head, 0);
        while at != END {
            let Link { entry, next } = self.links[at as usize];
            if wanted(&entry) {
                if last == END {
                    kept = at;
                } else {
                    self.links[last as usize].next = at;
                }
                last = at;
            } else {
                self.release(at);
                removed += 1;
            }
            at = next;
        }
        if last != END {
            self.links[last as usize].next = END;
        }
        (kept, removed)
    }
}

impl<E: Keyed> Waiting for Buckets<E> {
    type Entry = E;

    fn with_capacity(nodes: usize) -> Self {
        Self {
            heads: vec![END; BUCKETS as usize],
            beyond: END,
            beyond_least: u32::MAX,
            free: END,
            links: Vec::with_capacity(nodes),
            len: 0,
            in_ring: 0,
            first: 0,
            last: 0,
        }
    }

    fn capacity(&self) -> usize {
        self.links.capacity()
    }

    fn is_full(&self) -> bool {
        self.len == self.links.capacity()
    }

    fn clear(&mut self) {
        self.heads.fill(END);
        self.links.clear();
        (self.beyond, self.beyond_least, self.free) = (END, u32::MAX, END);
        (self.len, self.in_ring) = (0, 0);
    }

    fn retain(&mut self, mut wanted: impl FnMut(&E) -> bool) {
        for at in 0..self.heads.len() {
            let (head, removed) = self.sift(self.heads[at], &mut wanted);
            self.heads[at] = head;
            self.in_ring -= removed;
        }
        self.beyond = self.sift(self.beyond, &mut wanted).0;
        if self.beyond == END {
            self.beyond_least = u32::MAX;
        }
    }

    fn push(&mut self, entry: E) {
        let link = if self.free == END {
            self.links.push(Link { entry, next: END });
            self.links.len() as u32 - 1
        } else {
            let link = self.free;
            let place = &mut self.links[link as usize];
            self.free = place.next;
            place.entry = entry;
            link
        };
        if self.len == 0 {
            (self.first, self.last) = (entry.key(), entry.key());
        }
        self.len += 1;
        self.place(link);
    }

    fn pop(&mut self) -> Option<E> {
        // Twice, where those of the least keys were removed.
        while self.in_ring == 0 {
            if self.beyond == END {
                return None;
            }
            self.refill();
        }
        while self.heads[(self.first % BUCKETS) as usize] == END {
            self.first += 1;
        }
        let head = &mut self.heads[(self.first % BUCKETS) as usize];
        let link = *head;
        *head = self.links[link as usize].next;
        self.in_ring -= 1;
        Some(self.release(link))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl Keyed for (u32, usize) {
        fn key(&self) -> u32 {
            self.0
        }
    }

    proptest! {
        #[test]
        fn the_least_key_comes_first_and_of_equals_the_newest(
            // Keys that fit the ring, then some beyond it. 0 takes a node.
            keys in proptest::collection::vec(prop_oneof![4 => 3000..3900_u32, 2 => Just(0), 1 => 3000..3002_u32], 1..200),
            mut far in proptest::collection::vec(5000..2_000_000_u32, 0..20),
        ) {
            // From the least up: a key far below all others counts as the least that fits.
            far.sort_unstable();
            let keys = keys.into_iter().chain(far);
            let mut queue = Buckets::with_capacity(300);
            let mut model: Vec<(u32, usize)> = Vec::new();
            for (number, key) in keys.enumerate() {
                if key > 0 {
                    queue.push((key, number));
                    model.push((key, number));
                } else {
                    let least = model.iter().map(|entry| entry.0).min();
                    let taken = queue.pop();
                    prop_assert_eq!(taken.map(|entry| entry.0), least);
                    model.retain(|entry| Some(*entry) != taken);
                }
            }
            queue.retain(|(_, number)| number % 3 != 0);
            model.retain(|(_, number)| number % 3 != 0);
            model.sort_unstable();
            for (key, _) in model {
                prop_assert_eq!(queue.pop().map(|entry| entry.0), Some(key));
            }
            prop_assert_eq!(queue.pop(), None);
        }
    }

    #[test]
    fn what_lies_too_far_below_comes_next_and_memory_is_used_again() {
        let mut queue = Buckets::with_capacity(4);
        for _ in 0..3 {
            for key in [5000, 5000 + BUCKETS - 1, 10, 5000 + 7 * BUCKETS] {
                queue.push((key, 0));
            }
            assert!(queue.is_full() && queue.capacity() == 4);
            let keys = std::iter::from_fn(|| queue.pop()).map(|(key, _)| key).collect::<Vec<_>>();
            assert_eq!(keys, [10, 5000, 5000 + BUCKETS - 1, 5000 + 7 * BUCKETS]);
        }
    }

    #[test]
    fn in_one_bucket_the_newest_comes_first() {
        let mut queue = Buckets::with_capacity(4);
        for number in 0..3 {
            queue.push((7, number));
        }
        assert_eq!([queue.pop(), queue.pop(), queue.pop()], [Some((7, 2)), Some((7, 1)), Some((7, 0))]);
    }
}
