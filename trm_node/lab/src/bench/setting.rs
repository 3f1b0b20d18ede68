//! What the arguments of `trm bench` come to.

use std::time::Duration;

use anyhow::{anyhow, bail};
use trm_config::{Config, Value};
use trm_grid::travel::Travel;

use crate::args::with_flag;
use crate::bench::args::BenchArgs;

/// The longest run of the loop, in seconds: ten days.
const LONGEST_S: f64 = 864_000.0;
/// The loop's duration, in seconds, at which the other parts take their usual time.
const USUAL_S: f64 = 5.0;
/// Share of the usual time that a part takes with `--quick`.
const QUICK: f64 = 0.1;

/// What the command line asks for, checked.
#[derive(Debug, Clone)]
pub struct BenchSetting {
    /// The planner's parameters.
    pub config: Config,
    /// Plans per second of the loop.
    pub rate_hz: f64,
    /// How long the loop runs.
    pub duration: Duration,
    /// How many times as long as usual the other parts take.
    stretch: f64,
    /// Speed of the robot, in metres per second.
    pub speed: f64,
    /// Seed of goals, obstacles and pairs.
    pub seed: u64,
    /// Name of the backend.
    pub backend: String,
}

impl BenchSetting {
    /// The setting of a command line.
    ///
    /// # Errors
    /// If a flag's value is out of range. The message names the flag.
    pub fn new(args: &BenchArgs) -> anyhow::Result<Self> {
        let mut config = Config::default();
        let rate = Value::Double(args.rate);
        config
            .set("planner_frequency", &rate)
            .map_err(|_| anyhow!("--rate: {} is not a number from 0.1 to 1000", args.rate))?;
        for (name, value) in
            [("deadline_ms", Value::Double(args.deadline_ms)), ("window_size", Value::Integer(args.window))]
        {
            config.set(name, &value).map_err(with_flag)?;
        }
        args.planning.apply(&mut config)?;
        if !(0.1..=LONGEST_S).contains(&args.duration) {
            bail!("--duration: {} is not a number of seconds from 0.1 to {LONGEST_S}", args.duration);
        }
        if !(0.0..=100.0).contains(&args.speed) {
            bail!("--speed: {} is not a number from 0 to 100", args.speed);
        }
        let share = if args.quick { QUICK } else { 1.0 };
        Ok(Self {
            config,
            rate_hz: args.rate,
            duration: Duration::from_secs_f64((args.duration * share).max(0.1)),
            stretch: share * (args.duration / USUAL_S).sqrt().clamp(1.0, 10.0),
            speed: args.speed,
            seed: args.seed,
            // The kernel's part measures all of them anyway.
            backend: if args.backend == "all" { "cpu".to_owned() } else { args.backend.clone() },
        })
    }

    /// What it costs to cross a cell.
    pub fn travel(&self) -> Travel {
        Travel::new(&self.config.grid)
    }

    /// Time from one tick to the next.
    pub fn period(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.rate_hz)
    }

    /// Time that a plan has.
    pub fn deadline(&self) -> Duration {
        Duration::from_secs_f64(self.config.node.deadline_ms / 1e3)
    }

    /// How long a part that usually takes `seconds` may take.
    pub fn part_duration(&self, seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds * self.stretch)
    }
}
