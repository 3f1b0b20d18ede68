//! What a seed is like: sizes, rates, and how often what goes wrong.

use trm_config::{Config, GridKind, SuspectMap};

use crate::worlds::random::Random;

/// Milliseconds in nanoseconds.
pub const MS: u64 = 1_000_000;
/// Seconds in nanoseconds.
pub const S: u64 = 1000 * MS;

/// The chances and rates of one seed. Chances are from 0 to 1, times in nanoseconds.
#[derive(Debug, Clone)]
pub struct Weather {
    /// The parameters that the node starts with.
    pub config: Config,
    /// Metres per cell.
    pub resolution: f64,
    /// Publishers of the grid.
    pub publishers: usize,
    /// Whether the publishers are on hosts with clocks of their own.
    pub many_hosts: bool,
    /// A message is lost on the way.
    pub drop: f64,
    /// A message comes twice.
    pub twice: f64,
    /// A message is late, by up to `latest`.
    pub late: f64,
    /// The latest that a message comes.
    pub latest: u64,
    /// Messages that the node's middleware keeps for it.
    pub buffer: usize,
    /// Mean time between publications.
    pub publish_period: u64,
    /// A publication is a whole grid.
    pub whole: f64,
    /// A publication is a flood of updates.
    pub flood: f64,
    /// A message can't be used.
    pub broken: f64,
    /// A reading of the clock takes so long that others run.
    pub preempt: f64,
    /// A reading of the clock, or an application of the model, takes 5 to 100 ms.
    pub stall: f64,
    /// The model fails, gives garbage, and knows the way.
    pub model: [f64; 3],
    /// The released model runs, instead of one that costs little.
    pub is_real: bool,
    /// Mean times between what people and machines do: goals, parameters, pauses, freezes, kills, hangs of publishing, requests.
    pub goals: u64,
    /// See `goals`.
    pub parameters: u64,
    /// See `goals`.
    pub pauses: u64,
    /// See `goals`.
    pub freezes: u64,
    /// See `goals`.
    pub kills: u64,
    /// See `goals`.
    pub hangs: u64,
    /// See `goals`: a path is asked for once, beside the goal.
    pub requests: u64,
    /// A pose of the robot is missing for a while.
    pub pose_gap: f64,
}

/// One of these.
fn one_of<T: Copy>(random: &mut Random, values: &[T]) -> T {
    values[random.below(values.len())]
}

impl Weather {
    /// Draws one.
    pub fn draw(random: &mut Random) -> Self {
        let never = 1_000_000 * S;
        let is_real = random.chance(0.002);
        Self {
            config: config(random, is_real),
            resolution: one_of(random, &[0.1, 0.15, 0.25]),
            publishers: one_of(random, &[1, 1, 1, 2, 3]),
            many_hosts: random.chance(0.3),
            drop: one_of(random, &[0.0, 0.0, 0.0, 0.02, 0.2]),
            twice: one_of(random, &[0.0, 0.05]),
            late: one_of(random, &[0.0, 0.02, 0.3]),
            latest: one_of(random, &[50 * MS, S, 4 * S]),
            buffer: one_of(random, &[20, 400, 5000]),
            publish_period: one_of(random, &[50 * MS, 300 * MS, S, 5 * S]),
            whole: one_of(random, &[0.0, 0.02, 0.1, 0.5]),
            flood: one_of(random, &[0.0, 0.0, 0.01]),
            broken: one_of(random, &[0.0, 0.0, 0.02]),
            preempt: one_of(random, &[0.002, 0.02, 0.2]),
            stall: one_of(random, &[0.0, 0.0001, 0.002]),
            model: one_of(
                random,
                &[[0.0, 0.0, 1.0], [0.0, 0.0, 0.8], [0.02, 0.1, 0.5], [0.3, 0.3, 0.0], [0.0, 0.0, 0.0]],
            ),
            is_real,
            goals: one_of(random, &[S, 8 * S, 30 * S]),
            parameters: one_of(random, &[never, 10 * S, 60 * S]),
            pauses: one_of(random, &[never, never, 30 * S]),
            freezes: one_of(random, &[never, never, 20 * S]),
            kills: one_of(random, &[never, never, never, 60 * S]),
            hangs: one_of(random, &[never, never, 15 * S]),
            requests: one_of(random, &[never, 300 * MS, 3 * S]),
            pose_gap: one_of(random, &[0.0, 0.0, 0.01]),
        }
    }

    /// A mean time, drawn.
    pub fn around(random: &mut Random, mean: u64) -> u64 {
        let share = random.number(0.0, 1.0);
        (mean as f64 * -(1.0 - share).max(1e-9).ln()) as u64 + MS / 100
    }
}

fn config(random: &mut Random, is_real: bool) -> Config {
    let mut config = Config::default();
    config.node.grid_source = one_of(random, &[GridKind::Map, GridKind::Map, GridKind::Costmap]);
    config.planner.window_size = if is_real { 32 } else { 16 };
    vary(&mut config, random);
    config
}

/// Changes parameters that can be changed while the node runs.
pub fn vary(config: &mut Config, random: &mut Random) {
    let (node, grid, planner) = (&mut config.node, &mut config.grid, &mut config.planner);
    node.planner_frequency = one_of(random, &[0.5, 2.0, 5.0, 10.0, 30.0]);
    node.deadline_ms = one_of(random, &[1.0, 10.0, 30.0, 100.0]);
    node.max_map_lag_ms = one_of(random, &[5.0, 50.0, 200.0]);
    node.suspect_map = if random.chance(0.8) { SuspectMap::Stop } else { SuspectMap::Warn };
    node.transform_tolerance = one_of(random, &[0.1, 0.5, 2.0]);
    grid.robot_radius = one_of(random, &[0.0, 0.1, 0.2, 0.3]);
    grid.inflation_radius = one_of(random, &[0.0, 0.3, 0.5]);
    grid.allow_unknown = random.chance(0.3);
    grid.occupied_threshold = one_of(random, &[30, 65, 100]);
    planner.tolerance = one_of(random, &[0.0, 0.3, 0.5]);
    planner.start_tolerance = one_of(random, &[0.0, 0.3, 0.6]);
    planner.max_steps = one_of(random, &[0, 1, 3]);
    planner.smooth = random.chance(0.7);
    planner.allow_fallback = random.chance(0.85);
    planner.warm_start = random.chance(0.7);
}

/// Parameters with which a path is found wherever there is one.
pub fn calm(config: &mut Config, random: &mut Random) {
    let (node, planner) = (&mut config.node, &mut config.planner);
    (node.planner_frequency, node.deadline_ms, node.max_map_lag_ms) = (10.0, 100.0, 200.0);
    (node.suspect_map, node.transform_tolerance) = (SuspectMap::Stop, 0.5);
    planner.allow_fallback = true;
    // A planner is made anew, also where the last one couldn't be made.
    planner.reserve_ms = random.number(1.0, 3.0);
}
