//! What is told of the grid: messages in the order in which they were published, what was lost of them, and how old the
//! costs are that plans are made on.

pub mod by_publisher;
pub mod clocks;
pub mod crowd;
pub mod held;
pub mod history;
pub mod inbox;
pub mod intake;
pub mod ledger;
pub mod message;
pub mod newest;
pub mod sequence;
pub mod sightings;
pub mod suspicion;
