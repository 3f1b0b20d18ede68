//! The record of plans, from which each is made again to the last bit, on another machine and without ROS.
//!
//! What [`Planner::plan`](crate::Planner::plan) gives follows from what it is given, and from its own state, which
//! follows from the plans before. What isn't the same each time is only this: the readings of the [clock](readings),
//! among which a cancellation falls; the request; the costs; and what guidance there was. The record holds these in
//! the order in which the planning thread took them. Guidance that is right on a version of the costs isn't recorded,
//! since it is computed again with the same values.
//!
//! [`entry`] lists what a record consists of, [`frame`] numbers the entries so that a gap is seen, and [`replay`] plans
//! again and compares.

pub mod entry;
pub mod error;
pub mod frame;
pub mod noted;
mod parameters;
pub mod readings;
pub mod replay;
