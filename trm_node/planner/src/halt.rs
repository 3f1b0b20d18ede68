//! When to stop: clocks and deadlines, how long the next application will take, and the policy.

pub mod deadline;
pub mod policy;
pub mod predictor;
