//! Everything of a simulation but the node.

use std::sync::{Arc, Mutex};

use trm_grid::units::Pose;

use crate::simulate::oracle::{Oldest, Oracle};
use crate::simulate::schedule::Schedule;
use crate::simulate::scouts::Scouts;
use crate::simulate::site::Site;
use crate::simulate::trace::Trace;
use crate::simulate::weather::{MS, Weather};
use crate::worlds::random::Random;

/// Everything but the node.
#[expect(clippy::struct_excessive_bools, reason = "each may be so or not whatever the others are")]
pub struct State {
    /// All chance.
    pub random: Random,
    /// What the seed is like.
    pub weather: Weather,
    /// What comes.
    pub schedule: Schedule,
    /// What was.
    pub trace: Trace,
    /// Where the robot is.
    pub site: Site,
    /// The second subscription to the updates.
    pub scouts: Scouts,
    /// What must hold.
    pub oracle: Oracle,
    /// The process stands still until then.
    pub frozen: u64,
    /// It stood still, and its main thread hasn't noticed.
    pub was_stopped: bool,
    /// For how long the next publication of a path hangs.
    pub hang: u64,
    /// Whether nothing goes wrong any more.
    pub is_calm: bool,
    /// The node must be killed as soon as none of its threads is at work.
    pub must_kill: bool,
    /// The path that the robot follows, and how far it is.
    pub route: (Vec<Pose>, usize),
    /// The robot's pose.
    pub robot: Pose,
    /// No poses are told until then.
    pub pose_gap: u64,
    /// What doesn't hold.
    pub violation: Option<String>,
    /// How many plans there were, and how many of them with a path.
    pub plans: [u64; 2],
    /// Messages were lost, or a life began after the first message: the truth isn't all told.
    pub is_incomplete: bool,
    /// When the planner thread planned last, or had no reason to.
    pub planned: u64,
    /// So many changes of parameters come at once.
    pub parameter_flood: usize,
    /// The newest parameters that threads have taken.
    pub taken: Oldest,
    /// The parameters of the newest planners that were made.
    pub made: usize,
    /// Of the two that are made together, the one of the ticks is there.
    pub is_half_made: bool,
    /// The numbers of the requests that were answered, until their records come.
    pub answers: Arc<Mutex<Vec<u64>>>,
    /// How many requests there were.
    pub asked: u64,
}

impl State {
    /// How long it takes until a thread wakes up.
    pub fn latency(&mut self) -> u64 {
        let Self { random, weather, is_calm, .. } = self;
        let chance = random.number(0.0, 1.0);
        if !*is_calm && chance < 20.0 * weather.stall {
            random.below(300 * MS as usize) as u64
        } else if chance < 0.1 {
            random.below(5 * MS as usize) as u64
        } else {
            random.below(MS as usize / 10) as u64
        }
    }
}
