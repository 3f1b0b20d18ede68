//! `trm worlds`: random worlds in any number, each planned in with the real planner and judged by a checker of its own.
//!
//! A world is a pure function of seed and index, so that a fault is replayed by one command.

mod args;
mod backends;
mod draw;
mod draw_footprint;
mod guide_book;
mod play;
mod robots;
mod state;
mod tally;
#[cfg(test)]
mod tests;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context as _, bail};

use crate::args::bundle;
pub use args::WorldsArgs;
use play::Player;
use robots::Robots;
use state::State;

/// Runs `trm worlds` and returns its table.
///
/// # Errors
/// On bad input; the message names file or flag. When a world breaks a law: the message has the command that replays
/// it.
pub fn run(args: &WorldsArgs) -> anyhow::Result<String> {
    let bundle = bundle(args.bundle.as_deref())?;
    let robots = Robots::of_flag(args.footprints);
    let told = |tally: &tally::Tally| tally.faults(&format!("--seed {}{}", args.seed, robots.flag()));
    if let Some(index) = args.index {
        let mut player = Player::new(&bundle, robots)?;
        let tally = player.play(args.seed, index, true);
        return if tally.violations.is_empty() { Ok(tally.table()) } else { bail!(told(&tally)) };
    }
    let state = match &args.state {
        Some(file) => State::load(file, args.seed, robots)?,
        None => State::new(args.seed, robots),
    };
    let (began, before) = (Instant::now(), state.worlds());
    let blocks: Vec<(u64, u64)> = state.missing(args.shard.range(args.count), robots.block());
    let (state, next) = (Mutex::new(state), AtomicU64::new(0));
    let work = || -> anyhow::Result<()> {
        let mut player = Player::new(&bundle, robots)?;
        while let Some((from, to)) = blocks.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
            let tally = (*from..*to).map(|index| player.play(args.seed, index, false)).sum();
            let mut state = state.lock().map_err(|_| anyhow::anyhow!("another thread has panicked"))?;
            state.add(*from, *to, tally);
            if let Some(file) = &args.state {
                state.save(file)?;
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let jobs: Vec<_> = (0..args.jobs).map(|_| scope.spawn(work)).collect();
        jobs.into_iter().try_for_each(|job| job.join().map_err(|_| anyhow::anyhow!("a thread has panicked"))?)
    })?;
    let state = state.into_inner().ok().context("a thread has panicked")?;
    let total = state.total();
    if !total.violations.is_empty() {
        bail!(told(&total));
    }
    let (worlds, seconds) = (state.worlds() - before, began.elapsed().as_secs_f64());
    let rate = worlds as f64 / seconds.max(1e-9);
    Ok(format!("{}\nseed {}: {worlds} worlds in {seconds:.1} s, {rate:.0} a second", total.table(), args.seed))
}
