//! When to stop: clocks and deadlines, the predicted time of the next application, and the stop policy.

pub mod deadline;
pub mod policy;
pub mod predictor;
