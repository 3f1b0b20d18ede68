//! What can be wrong with a record of plans.

use trm_config::ParameterError;
use trm_grid::bytes::BytesError;
use trm_net::error::LoadError;

/// A record can't be read, or its plans can't be made again.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Nothing was recorded.
    #[error("there is no plan in the record: was the parameter record_plans true, and the topic ~/plan_log recorded?")]
    Empty,
    /// It is no record.
    #[error("entry {entry} begins with {found:?} instead of \"TRMP\": this is no record of plans")]
    NoRecord {
        /// Which entry.
        entry: u64,
        /// What was there.
        found: String,
    },
    /// Another version wrote it.
    #[error("the record has format {found}, this program reads {known}: replay it with the version that wrote it")]
    Format {
        /// Its format.
        found: u8,
        /// The one that is read here.
        known: u8,
    },
    /// It begins too late.
    #[error("the record begins with entry {first}, not with 0: begin to record before the node starts")]
    Late {
        /// The number of its first entry.
        first: u64,
    },
    /// Entries are missing.
    #[error(
        "entries {from} to {to} are missing, so what comes after them can't be replayed: see notes_lost in \
             /diagnostics, and give the recorder more room"
    )]
    Gap {
        /// The first one.
        from: u64,
        /// The last one.
        to: u64,
    },
    /// An entry can't be read.
    #[error("entry {entry}: {source}")]
    Bytes {
        /// Its number.
        entry: u64,
        /// Why.
        source: BytesError,
    },
    /// An entry speaks of what didn't come before it.
    #[error("entry {entry}: {what} {number} isn't in the record before it")]
    Unknown {
        /// Its number.
        entry: u64,
        /// What is missing.
        what: &'static str,
        /// Its number.
        number: u64,
    },
    /// A parameter isn't one of this version.
    #[error("entry {entry}: {source}; replay the record with the version that wrote it")]
    Parameter {
        /// The number of the entry.
        entry: u64,
        /// Why.
        source: ParameterError,
    },
    /// Another bundle planned.
    #[error(
        "made with the bundle {recorded_name} ({recorded}), not with {given_name} ({given}): name it with --bundle"
    )]
    Bundle {
        /// The name of its bundle.
        recorded_name: String,
        /// The hash of that one's manifest.
        recorded: String,
        /// The name of the bundle given.
        given_name: String,
        /// Its hash.
        given: String,
    },
    /// Another machine planned.
    #[error("the model ran on {recorded}; on {given}, as here, the last bits differ: replay it on such a machine")]
    Backend {
        /// What the model ran on.
        recorded: String,
        /// What it runs on here.
        given: String,
    },
    /// The planner can't be made.
    #[error("the planner can't be made again: {0}")]
    Load(#[from] LoadError),
}
