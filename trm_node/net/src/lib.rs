//! Tiny Recursive Models: a window becomes x, the net is applied again and again, y decodes to a field of moves.
//!
//! Imports `trm_grid` (what a window holds) and `trm_config` (errors of parameters). Knows no deadline, no search for a path
//! and no ROS: it computes, and others decide how often. Reads no files but those of bundles.

pub mod backend;
pub mod bundle;
pub mod encode;
pub mod error;
pub mod fused;
pub mod recursion;
pub mod registry;
pub mod released;
pub mod symmetry;
pub mod tract;
