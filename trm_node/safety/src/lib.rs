//! The trust base: what decides whether a path may be published, and nothing else.
//!
//! **Theorem.** Let P be a [`VerifiedPath`] that [`VerifiedPath::accept`] made on a costmap C with rules R. Then every
//! pose of P lies in C; and for every point p of every line between two consecutive poses of P, each cell of C whose
//! centre is nearer to p than one cell along both axes is free: below cost 99, or unknown where R allows that. The one
//! exception is the beginning of P: while P has not yet touched free ground, and within `R.escape` of its first pose,
//! those cells may be inscribed (cost 99), but never lethal and never unknown unless R allows that. So the centre of a
//! robot that follows P keeps the clearance that the costs of the cells' centres promise.
//!
//! *Proof.* `accept` is the only function that writes the private fields of a `VerifiedPath`. It takes the lines up to
//! the junction only if [`check::check`] accepts them on C now. The lines after it are those of a [`route::Route`] that
//! says it was checked on this version of C: a route's fields are private too, and each of its lines was passed by
//! [`check::is_clear`] on this version, or on an earlier one since which no changed rectangle comes within a cell of the
//! line. The poses on a route's line are points of that line. Both rest on [`line_cells::all_line_cells`], which visits
//! each cell that is nearer to the line than a cell along both axes. `tests/theorem.rs` looks for a counterexample with a
//! checker of its own.
//!
//! Imports `trm_grid` alone. No planning, no model, no time, no `unsafe`.
#![forbid(unsafe_code)]

pub mod check;
pub mod line_cells;
pub mod route;
pub mod routes;
mod verified_path;

pub use verified_path::{Draft, VerifiedPath};
