//! The arguments of `trm simulate`.

use std::path::PathBuf;

/// Run the whole node in simulated time, with everything that can go wrong, and check all that it publishes.
///
/// Exit code 0: all that must hold held. 1: something didn't; the message has the command that shows it again.
#[derive(Debug, Clone, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct SimulateArgs {
    /// Simulated seconds of each seed.
    #[arg(long, value_name = "S", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub seconds: u64,

    /// The first seed [default: the one after those of the tally, or 1].
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// How many seeds.
    #[arg(long, value_name = "K", default_value_t = 100)]
    pub seeds: u64,

    /// How many threads simulate, each its own seeds.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub jobs: u64,

    /// Begin no further seed after so many seconds of real time.
    #[arg(long, value_name = "S")]
    pub wall_seconds: Option<u64>,

    /// Simulate this seed alone, and print what happens.
    #[arg(long, value_name = "SEED")]
    pub replay: Option<u64>,

    /// Add the figures to those in this file.
    #[arg(long, value_name = "FILE")]
    pub tally: Option<PathBuf>,
}
