//! When to stop: clocks and deadlines, predicted times, and the stop policy.

pub mod deadline;
pub mod path_time;
pub mod policy;
pub mod predictor;
