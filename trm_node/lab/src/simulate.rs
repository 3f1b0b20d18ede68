//! `trm simulate`: the whole node in simulated time. One thread runs every thread of the node as a state machine, and a
//! seed decides everything: which of them goes on at each reading of the clock, how long that takes, what is lost, late
//! or doubled on the way, what the model answers, when the process stands still. Whatever is published is judged by a
//! checker that shares no code with the planner. The same seed gives the same trace.

pub mod args;
mod arrivals;
mod model;
mod mood;
mod node;
mod oracle;
mod raw;
mod schedule;
mod scouts;
mod seed;
mod simulation;
mod site;
mod state;
mod steps;
mod surroundings;
mod tally;
mod trace;
mod weather;

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use trm_flow::lock::lock;

use crate::args::bundle;
pub use args::SimulateArgs;
pub use seed::Verdict;
use tally::Tally;

/// A simulator, with what all seeds share.
pub struct Simulator {
    bundle: Arc<trm_net::bundle::Bundle>,
}

impl Simulator {
    /// A simulator with the released model's bundle.
    ///
    /// # Errors
    /// When that can't be loaded.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self { bundle: Arc::new(bundle(None)?) })
    }

    /// Simulates a seed for so many seconds.
    #[must_use]
    pub fn run(&self, seed: u64, seconds: u64) -> Verdict {
        seed::run(&self.bundle, seed, seconds, false)
    }
}

/// Runs `trm simulate` and returns its summary.
///
/// # Errors
/// On bad input, and when something doesn't hold; the message has the command that shows it again.
pub fn run(args: &SimulateArgs) -> anyhow::Result<String> {
    let simulator = Simulator::new()?;
    if let Some(seed) = args.replay {
        let verdict = seed::run(&simulator.bundle, seed, args.seconds, true);
        return Ok(format!("{verdict:?}"));
    }
    let tally = match &args.tally {
        Some(file) => Tally::load(file)?,
        None => Tally::default(),
    };
    let (began, before) = (Instant::now(), tally.clone());
    let first = args.seed.unwrap_or(tally.next_seed);
    let campaign = Campaign {
        simulator,
        args,
        seeds: Mutex::new(first..first.saturating_add(args.seeds)),
        until: args.wall_seconds.map(|limit| began + Duration::from_secs(limit)),
        tally: Mutex::new(tally),
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..args.jobs).map(|_| scope.spawn(|| campaign.simulate())).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow!("a simulation panicked"))?)
    })?;
    let done = campaign.save()?.since(&before);
    let summary = done.summary(began.elapsed().as_secs_f64());
    if done.violations.is_empty() { Ok(summary) } else { bail!("{summary}") }
}

/// Many seeds, one after the other on each of some threads.
struct Campaign<'a> {
    simulator: Simulator,
    args: &'a SimulateArgs,
    seeds: Mutex<Range<u64>>,
    /// No seed begins later.
    until: Option<Instant>,
    tally: Mutex<Tally>,
}

impl Campaign<'_> {
    fn simulate(&self) -> anyhow::Result<()> {
        loop {
            let is_over = self.until.is_some_and(|until| Instant::now() >= until);
            let Some(seed) = lock(&self.seeds).next().filter(|_| !is_over) else { return Ok(()) };
            let seconds = self.args.seconds;
            let verdict = self.simulator.run(seed, seconds);
            lock(&self.tally).add(seed, &verdict);
            if let Some(what) = verdict.violation {
                eprintln!("seed {seed}: {what}\n  trm simulate --seconds {seconds} --replay {seed}");
            }
            if seed % 100 == 0 {
                self.save()?;
            }
        }
    }

    /// Writes the tally into its file, and returns it.
    fn save(&self) -> anyhow::Result<Tally> {
        let tally = lock(&self.tally).clone();
        if let Some(file) = &self.args.tally {
            tally.save(file)?;
        }
        Ok(tally)
    }
}
