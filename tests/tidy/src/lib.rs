//! The rules that keep the repository readable for strangers, as a test: no import circles, no long functions, no
//! pointers at things that don't exist, and the order of the crates. It imports no crate of the workspace, so it runs
//! even when they don't compile, and must never hold anything but checks of source text.
//!
//! Each rule is a function from a [`Repository`](repository::Repository) to the
//! [`Violation`](violation::Violation)s it finds. `tests/tidy.rs` runs them on this repository.

mod attributes;
pub mod circles;
mod commands;
mod comments;
mod crate_roots;
pub mod crates;
pub mod functions;
mod lines;
mod mentions;
mod module_reader;
mod module_tree;
mod paths;
pub mod pointers;
mod python;
pub mod repository;
mod resolve;
mod run_time_paths;
mod rust_comments;
mod tokens;
pub mod violation;
