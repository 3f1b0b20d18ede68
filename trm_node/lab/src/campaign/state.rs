//! The counts of a campaign in a file, so that it goes on where it was stopped.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

use crate::campaign::robots::Robots;
use crate::campaign::tally::Tally;
use crate::counts_file;

/// Counts up when the worlds of a seed become others.
const VERSION: u32 = 2;

/// Which worlds of a seed were played, and what came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    version: u32,
    seed: u64,
    /// Older files are about discs and don't say so.
    #[serde(default)]
    robots: Robots,
    /// In order, and apart from each other.
    done: Vec<Part>,
}

/// A range of indices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    from: u64,
    to: u64,
    tally: Tally,
}

impl State {
    /// Nothing is done.
    pub const fn new(seed: u64, robots: Robots) -> Self {
        Self { version: VERSION, seed, robots, done: Vec::new() }
    }

    /// The state in a file, or a new one where there is no file.
    ///
    /// # Errors
    /// When the file can't be read, isn't a state, or is one of other worlds.
    pub fn load(file: &Path, seed: u64, robots: Robots) -> anyhow::Result<Self> {
        if !file.exists() {
            return Ok(Self::new(seed, robots));
        }
        let name = || format!("--state {}", file.display());
        let text = std::fs::read_to_string(file).with_context(name)?;
        let state: Self = serde_json::from_str(&text).with_context(name)?;
        let is_sound = state.done.iter().all(|part| part.from < part.to)
            && state.done.windows(2).all(|pair| pair[0].to <= pair[1].from);
        ensure!(is_sound, "--state {}: its ranges overlap", file.display());
        ensure!(state.version == VERSION, "--state {}: worlds of version {}", file.display(), state.version);
        ensure!(state.seed == seed, "--state {}: worlds of seed {}", file.display(), state.seed);
        ensure!(state.robots == robots, "--state {}: worlds of {:?}", file.display(), state.robots);
        Ok(state)
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When the folder can't be written to.
    pub fn save(&self, file: &Path) -> anyhow::Result<()> {
        counts_file::replace(file, self).with_context(|| format!("--state {}", file.display()))
    }

    /// Notes what came out of a range that wasn't done.
    pub fn add(&mut self, from: u64, to: u64, tally: Tally) {
        let at = self.done.partition_point(|part| part.from < from);
        self.done.insert(at, Part { from, to, tally });
        let mut merged: Vec<Part> = Vec::new();
        for part in self.done.drain(..) {
            match merged.last_mut() {
                Some(last) if last.to == part.from => {
                    last.to = part.to;
                    last.tally.add(part.tally);
                }
                _ => merged.push(part),
            }
        }
        self.done = merged;
    }

    /// What is left of a range, in blocks.
    pub fn missing(&self, range: Range<u64>, block: u64) -> Vec<(u64, u64)> {
        let mut blocks = Vec::new();
        let mut from = range.start;
        while from < range.end {
            if let Some(part) = self.done.iter().find(|part| (part.from..part.to).contains(&from)) {
                from = part.to;
                continue;
            }
            let next = self.done.iter().map(|part| part.from).find(|next| *next > from).unwrap_or(range.end);
            let to = (from + block).min(next).min(range.end);
            blocks.push((from, to));
            from = to;
        }
        blocks
    }

    /// Number of worlds that were played.
    pub fn worlds(&self) -> u64 {
        self.done.iter().map(|part| part.tally.worlds).sum()
    }

    /// What came out of all of them.
    pub fn total(&self) -> Tally {
        self.done.iter().map(|part| part.tally.clone()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(worlds: u64) -> Tally {
        Tally { worlds, ..Tally::default() }
    }

    #[test]
    fn what_is_done_is_not_done_again_and_neighbours_merge() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.json");
        let mut state = State::load(&file, 7, Robots::Discs).unwrap();
        assert_eq!(state.missing(0..25, 10), [(0, 10), (10, 20), (20, 25)]);
        state.add(10, 20, tally(10));
        state.save(&file).unwrap();
        let mut state = State::load(&file, 7, Robots::Discs).unwrap();
        assert_eq!(state.missing(0..25, 10), [(0, 10), (20, 25)]);
        assert_eq!(state.missing(5..15, 10), [(5, 10)]);
        state.add(0, 10, tally(10));
        state.add(20, 25, tally(5));
        assert_eq!((state.done.len(), state.worlds()), (1, 25));
        assert!(state.missing(0..25, 10).is_empty());
        assert_eq!(state.missing(0..30, 10), [(25, 30)]);
    }

    #[test]
    fn the_state_of_other_worlds_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.json");
        State::new(7, Robots::Discs).save(&file).unwrap();
        let error = State::load(&file, 8, Robots::Discs).unwrap_err().to_string();
        assert!(error.contains("state.json: worlds of seed 7"), "{error}");
        let error = State::load(&file, 7, Robots::Footprints).unwrap_err().to_string();
        assert!(error.contains("state.json: worlds of Discs"), "{error}");
        std::fs::write(&file, "{").unwrap();
        assert!(State::load(&file, 7, Robots::Discs).is_err());
    }
}
