//! tmp
pub mod usage;
