//! The trust base: it decides whether a path may be published, and does nothing else.
//!
//! **Terms.** Poses are read as points in cell units of a costmap C ([`Geometry::to_cells`]). A cell is *near* a point
//! if its centre is less than 1 − 2 · 10⁻⁶ cells away along both axes, so at most the four cells around the point are
//! near. A cell is *free* if it belongs to C and its cost is below 99, or if it is unknown and the rules R allow
//! unknown cells.
//!
//! **Theorem for discs.** Let P be a non-empty [`VerifiedPath`] that [`VerifiedPath::accept`] accepted on C with R. Then every
//! cell near a pose of P, or near any point of the straight line between two consecutive poses, is free. There is one
//! exception. If the cell of the first pose is not free, cells with cost 99 (inscribed) may be near the lines up to the
//! first pose that has only free cells near it; these lines stay within `R.escape` of the first pose. Cells that are
//! lethal, outside C, or unknown and not allowed are never near.
//!
//! It follows that a robot whose centre follows P keeps the clearance that the costs promise for the centres of free
//! cells, up to 2 · 10⁻⁶ cells: of all points of a unit square between four cell centres, a corner is the closest to
//! any other cell centre.
//!
//! **Theorem for outlines.** A robot's footprint, a simple polygon with its inside, goes along the poses of a path:
//! between two of them the base goes straight and the robot turns evenly, the short way round, after a half turn either
//! way. A cell is *blocked* if it is outside C, lethal (100), or unknown where R doesn't allow that. A cell is *hit* if the
//! polygon meets its square, less 2 · 10⁻⁶ cells on each side. Let P be a non-empty [`VerifiedPath`] that
//! [`VerifiedPath::accept_swept`] accepted on C with R. Then at no time a blocked cell is hit. There is one exception. If
//! blocked cells are hit at the first pose, these very cells, and no other ones, may be hit up to the first pose where
//! none is; the base stays within `R.escape` of the first pose until there, and crosses no lethal cell and none outside C.
//!
//! **Assumptions.** Two costmaps with the same version have the same costs ([`Costmap::version`]); this holds if every
//! copy receives all patches of its builder, once and in order. Converting between metres and cells rounds by less than
//! 10⁻⁶ cells; this holds if coordinates, divided by the resolution, are below 10⁹.
//!
//! **Proof for discs.** No function but `accept` and `accept_swept` puts poses into a `VerifiedPath`, whose fields are
//! private. `accept` splits P at the junction, if there is one.
//! 1. *Up to the junction*, [`check::check`] accepts the poses. It requires every line to be clear. It makes an
//!    exception only while it is `escaping`: this begins only if the cell of the first pose is not free, and ends for
//!    good at the first clear line or clear pose. Until then each pose is within `R.escape` of the first one, and thus
//!    each line is too, because a disc is convex; and every cell that the line touches belongs to C and is inscribed or
//!    better, or unknown and allowed. A path that is still escaping at its last pose is refused, so there is no
//!    exception after the junction.
//! 2. *From the junction on*, P consists of poses of a [`route::Route`]. They lie on the lines of the route, in order,
//!    and include every corner, so a line between consecutive poses is part of a line of the route. The first of them
//!    is the junction's corner, and `accept` requires the last checked pose to be that very point.
//!    [`route::Route::is_checked`] says that every line from this corner on is clear on this version of C, under rules
//!    that are no laxer than R about unknown cells. The fields of a route are private, and each of its lines passed
//!    [`check::is_clear`] on this version, or on an earlier one, since which no change came within one cell of the
//!    line.
//! 3. *A clear line* has only free cells near it, because [`line_cells::all_line_cells`] visits every cell that is less
//!    than 1 − 10⁻⁶ cells from some point of the line along both axes; the other 10⁻⁶ absorb rounding.
//!
//! **Proof for outlines.** `accept_swept` takes no path with a junction, so [`swept::check`] accepts all of P. Let Q be the
//! square of a blocked cell, less 10⁻⁶ cells on each side; the other 10⁻⁶ absorb rounding.
//! 1. *At a pose*, Q meets the polygon only if it meets a side, or the polygon contains the cell's centre. The check looks
//!    for both in every cell of the grid that the polygon's bounding box meets, and lets none of it be outside the grid.
//! 2. *What is hit on the way but not at the pose before*: take a point of Q, and the first time when the polygon has
//!    it. It is then on a side, or on two at a corner, and not on one alone all of whose points go inwards at that time,
//!    nor on two such: a little earlier it would have been inside. So it is enough that Q doesn't meet what the other sides
//!    sweep. `Motion::retreats` is true only of sides that go inwards all the time.
//! 3. *What a side sweeps*: a point of it is, at any time, near the point between its places before and after that the
//!    same share of the motion leads to, which is in their convex hull. `Motion::sagitta` says how near. The
//!    check lets a side pass if no Q meets that hull, grown by the sagitta, or if this holds for both halves of the motion.
//!    For straight motion it is exact.
//! 4. *The exception* is made only while the walk is escaping: this begins only at the first pose, and ends for good at the
//!    first pose where 1 finds nothing. Until then 3 holds for all Q but those of cells that 1 finds at the first pose,
//!    each pose is within `R.escape` of the first one, and the lines of the base meet no Q of a lethal cell. A path that is
//!    still escaping at its last pose is refused.
//!
//! `tests/theorem.rs` and `tests/swept_theorem.rs` search for counterexamples. They draw random costmaps, drafts, routes,
//! footprints and updates, some of which no recheck follows, and inspect each accepted path point by point with checkers
//! that share no code with this crate. For outlines they also look for paths that are refused without a reason.
//!
//! May import `trm_config`, for the footprint, and `trm_grid`, and nothing else from this project. Planning, the model, clocks, ROS and `unsafe` must never
//! be in it.
//!
//! [`Geometry::to_cells`]: trm_grid::geometry::Geometry::to_cells
//! [`Costmap::version`]: trm_grid::costmap::Costmap::version
#![forbid(unsafe_code)]

pub mod check;
pub mod ends;
mod hull_cells;
pub mod line_cells;
mod motion;
pub mod outline;
pub mod route;
pub mod routes;
pub mod swept;
mod verified_path;

pub use verified_path::{Draft, VerifiedPath};
