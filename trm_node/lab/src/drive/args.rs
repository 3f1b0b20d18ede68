//! The arguments of `trm drive`.

use std::path::PathBuf;

/// Let a simulated robot drive among people with the planner in the loop, on the maps of a folder.
///
/// The planner, its guidance worker and the deadline are the node's; time is simulated and what work takes is charged in
/// fixed amounts, so the same seed gives the same drive. The robot is a disc of 0.22 m on a differential drive with a lidar,
/// a costmap of 5 Hz and regulated pure pursuit. Each errand is done with five policies: the node as shipped (20 Hz), the
/// node at 1 Hz and at once when its path is blocked, the node at 1 Hz alone, as Nav2's default tree asks it, A* from nothing
/// at 20 Hz, and the node when its path is blocked. A judge that knows the raw world alone counts goals, contacts, stops, jerk,
/// and on which side obstacles are passed. Jerk is split by what determined the robot's commands within its span of 0.4 s: a
/// new path that moves them, else stopping, starting, arriving, an obstacle beside it, or a curve, in this order.
///
/// With --closing an obstacle appears ahead on the path instead, where a way around it exists, and it is counted how soon
/// there is a path that is free of it.
///
/// Exit code 0: no goal was missed, and nothing was touched because of a plan. 1: bad input, or something was.
#[derive(Debug, Clone, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct DriveArgs {
    /// Folder with the maps, each in a folder of its own.
    #[arg(long, value_name = "DIR", default_value = "tests/maps")]
    pub maps: PathBuf,

    /// Number of errands over all maps; each is done with every policy. One in eight can't be done.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub goals: u32,

    /// Number of trials with an obstacle that appears, in the place of errands.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000), conflicts_with = "goals")]
    pub closing: Option<u32>,

    /// People around the robot, at most.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(0..=100))]
    pub people: u16,

    /// Seed of the errands.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,

    /// Do this errand of them alone, and print each moment that counts.
    #[arg(long, value_name = "I")]
    pub errand: Option<u32>,

    /// Print each change of side and each stop of the node as shipped.
    #[arg(long)]
    pub moments: bool,

    /// Threads that drive side by side; they change no figure.
    #[arg(long, value_name = "J", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,

    /// Write all figures to this file.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// The model bundle's folder [default: `nav_d32`, as installed with trm or in the checkout].
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
}
