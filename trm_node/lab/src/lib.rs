//! The laboratory: worlds, evaluation, benchmarks, and the machine that they run on. What measures, never what plans.
//!
//! Imports every crate of the planner and `trm_rt`. `agree` compares with `PyTorch`. `eval`, `bench`, `drive`, `simulate`, `campaign` and `ends` import `worlds`, `judge`
//! and `statistics`, never each other. A robot's node never depends on it.

pub mod agree;
pub mod args;
pub mod bench;
pub mod campaign;
mod counts_file;
mod cpu_clock;
pub mod drive;
pub mod ends;
pub mod eval;
mod guidance_here;
pub mod guidance_thread;
mod judge;
mod lent;
mod machine;
pub mod parsers;
mod plot_font;
pub mod simulate;
mod statistics;
pub mod worlds;
