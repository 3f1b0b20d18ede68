//! Random numbers that are the same on every machine.

use std::ops::Range;

/// `SplitMix64` (<https://prng.di.unimi.it/splitmix64.c>).
pub struct Random(u64);

impl Random {
    /// The numbers of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The numbers of one of many queries. They depend neither on the other queries nor on the thread.
    pub fn of_query(seed: u64, number: usize) -> Self {
        let mut seeds = Self(Self(seed).next() ^ number as u64);
        Self(seeds.next())
    }

    /// 64 random bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number from 0 to `bound - 1`.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// A whole number of a range that isn't empty.
    pub fn whole(&mut self, range: Range<usize>) -> usize {
        range.start + self.below(range.end - range.start)
    }

    /// A number from `low` up to, but not including, `high`.
    pub fn number(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.number(0.0, 1.0) < probability
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference() {
        // The first outputs of splitmix64.c for the state 1234567.
        let mut random = Random::new(1_234_567);
        assert_eq!(
            [(); 3].map(|()| random.next()),
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn each_query_has_its_own_numbers_and_all_lie_in_their_range() {
        let mut firsts: Vec<u64> = (0..1000).map(|number| Random::of_query(1, number).next()).collect();
        firsts.sort_unstable();
        firsts.dedup();
        assert_eq!(firsts.len(), 1000);
        let mut random = Random::of_query(1, 7);
        for _ in 0..1000 {
            assert!((3..6).contains(&random.whole(3..6)));
            assert!((0.3..0.5).contains(&random.number(0.3, 0.5)));
        }
        let hits = (0..4000).filter(|_| random.chance(0.25)).count();
        assert!((800..1200).contains(&hits), "{hits}");
    }
}
