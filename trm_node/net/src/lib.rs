//! Tiny Recursive Models (TRM, arXiv 2510.04871) as the planner uses them: a window of the grid is encoded, a small net
//! is applied to the states y and z again and again, and y decodes to a field of moves.
//!
//! Imports `trm_grid` (what a window holds), `trm_config` (errors of parameters) and `trm_kernel` (the released
//! architecture in vector instructions); with the feature `gpu`, `trm_gpu` too. It must never contain a deadline, a search for a path,
//! a clock or ROS: it computes, and the caller decides how often. The only files it reads are those of bundles and routers.
//!
//! The way through: [`bundle::Bundle::load`] reads a model, or [`router::Router::load`] several; [`registry::by_name`] makes a
//! [`backend::Backend`] of one ([`registry::batch`] for several windows at a time), [`encode::encode`] turns a window into its
//! input, and [`recursion::Recursion`] applies the net.
#![forbid(unsafe_code)]

pub mod backend;
pub mod batch;
pub mod bundle;
pub mod bundle_id;
pub mod encode;
pub mod error;
pub mod failover;
mod fused;
pub mod golden;
#[cfg(feature = "gpu")]
mod gpu;
#[cfg(feature = "gpu")]
mod gpu_ahead;
#[cfg(feature = "gpu")]
mod gpu_batch;
#[cfg(feature = "gpu")]
mod gpu_call;
pub mod graph;
pub mod graphs;
pub mod host;
mod host_batch;
pub mod recursion;
pub mod registry;
pub mod released;
pub mod router;
mod states;
pub mod symmetry;
mod tract;
