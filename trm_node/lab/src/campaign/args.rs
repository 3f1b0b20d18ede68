//! The arguments of `trm worlds`.

use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;

/// Plan in many random worlds and judge every result by the raw occupancy alone.
///
/// Worlds, robots, requests, costs, model and clock are drawn. No path may collide or end elsewhere, no "no path" may
/// be wrong, nor any verdict about start and goal. The same seed and index give the same world everywhere.
///
/// With --footprints the robots aren't discs: outlines of all shapes, of all motion models. Nothing blocked may be in what
/// they sweep, each motion must be one that they can drive, and "no path" is wrong where a plain search of the judge's finds
/// one.
///
/// Exit code 0: no fault. 1: bad input, or a fault, with the command that replays it.
#[derive(Debug, Clone, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct WorldsArgs {
    /// Number of worlds.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub count: u64,

    /// Seed of the worlds.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,

    /// Robots with a footprint, in the place of discs.
    #[arg(long)]
    pub footprints: bool,

    /// Play this world only, and print what happens in it.
    #[arg(long, value_name = "I", conflicts_with_all = ["count", "shard", "state", "jobs"])]
    pub index: Option<u64>,

    /// The I-th of N equal parts of the worlds.
    #[arg(long, value_name = "I/N", default_value = "1/1")]
    pub shard: Shard,

    /// Keep the counts in this file, and go on from it.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,

    /// Threads that plan side by side.
    #[arg(long, value_name = "J", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,

    /// The model bundle's folder [default: `nav_d32`, as installed with trm or in the checkout].
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
}

/// One of several equal parts of the worlds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 1 on.
    number: u64,
    of: u64,
}

impl Shard {
    /// The indices of this part of `count` worlds.
    pub fn range(self, count: u64) -> Range<u64> {
        let at = |number: u64| (u128::from(count) * u128::from(number) / u128::from(self.of)) as u64;
        at(self.number - 1)..at(self.number)
    }
}

impl FromStr for Shard {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match parts {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err("not two whole numbers I/N with 1 <= I <= N"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shards_are_disjoint_and_cover_all_worlds() {
        let range = |text: &str| text.parse::<Shard>().unwrap().range(10);
        assert_eq!([range("1/3"), range("2/3"), range("3/3")], [0..3, 3..6, 6..10]);
        for bad in ["0/3", "4/3", "1", "1/0", "a/b", "-1/2"] {
            assert!(bad.parse::<Shard>().is_err(), "{bad}");
        }
    }
}
