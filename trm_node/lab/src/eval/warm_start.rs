//! Warm starts, which go on from the plan before, against cold ones: when the robot has moved, and when an obstacle has
//! come in its way.

use serde::Serialize;
use trm_grid::cost::LETHAL;
use trm_grid::costmap::Costmap;
use trm_grid::units::Cell;

use super::query::{Query, Scene};
use super::timed_planner::TimedPlanner;
use super::window_regions::WindowRegions;
use crate::statistics::{QuantilesToMax, Sorted, share, wilson};
use crate::worlds::along_path::ahead;
use crate::worlds::optimum::field;
use crate::worlds::random::Random;
use crate::worlds::world::costmap;

/// Range of an obstacle's side, in cells.
const OBSTACLE: std::ops::Range<usize> = 3..7;
/// Obstacles that are tried on one path.
const TRIES: usize = 10;

/// A warm and a cold plan of the same query: applications of the net before the first verified path; `None` without
/// any.
#[derive(Debug, Clone, Copy)]
pub struct WarmColdPair {
    /// Whether the earlier state was taken over at all.
    pub carried: bool,
    /// Of the warm plan.
    pub warm: Option<u16>,
    /// Of the cold plan.
    pub cold: Option<u16>,
}

/// Plans, moves the robot along its path by `cells` cells, and plans warm and cold. `None` when the first plan fails,
/// or the goal can no longer be reached inside the window.
///
/// # Errors
/// When the window is too large for a grid.
pub fn moved(planner: &mut TimedPlanner, scene: &Scene, cells: f64) -> anyhow::Result<Option<WarmColdPair>> {
    let Scene { costmap, start, goal } = scene;
    let path = match planner.plan_cold(costmap, *start, *goal).path {
        Ok(path) => path.poses().to_vec(),
        Err(_) => return Ok(None),
    };
    let Some(next) = ahead(costmap, &path, *start, cells).filter(|next| next != goal) else { return Ok(None) };
    if !is_within_reach(planner, costmap, next, *goal)? {
        return Ok(None);
    }
    Ok(Some(warm_and_cold(planner, costmap, next, *goal)))
}

/// Plans warm, then the same cold.
fn warm_and_cold(planner: &mut TimedPlanner, costmap: &Costmap, start: Cell, goal: Cell) -> WarmColdPair {
    let warm = planner.plan(costmap, start, goal).report;
    let cold = planner.plan_cold(costmap, start, goal).report;
    WarmColdPair { carried: warm.warm, warm: warm.first_verified, cold: cold.first_verified }
}

/// Whether the goal can be reached from a cell inside the window that the model sees there.
///
/// # Errors
/// When the window is too large for a grid.
pub fn is_within_reach(planner: &TimedPlanner, costmap: &Costmap, start: Cell, goal: Cell) -> anyhow::Result<bool> {
    let window = planner.window(start, costmap)?;
    Ok(WindowRegions::of(costmap, window)?.are_joined(start, goal))
}

/// Plans, drops an obstacle onto the middle of the path, and plans warm and cold. `None` when the first plan fails, or
/// every obstacle that was tried cuts the goal off.
///
/// # Errors
/// When the world is too large for a grid.
pub fn blocked(planner: &mut TimedPlanner, query: &Query, random: &mut Random) -> anyhow::Result<Option<WarmColdPair>> {
    let path = match planner.plan_cold(&query.costmap, query.start, query.goal).path {
        Ok(path) => path.poses().to_vec(),
        Err(_) => return Ok(None),
    };
    let geometry = query.costmap.geometry();
    let middle = geometry.nearest_cell(path[path.len() / 2].point());
    for _ in 0..TRIES {
        let side = random.whole(OBSTACLE) as i32;
        let corner = Cell::new(middle.col - side / 2, middle.row - side / 2);
        let covers =
            |cell: Cell| (0..side).contains(&(cell.col - corner.col)) && (0..side).contains(&(cell.row - corner.row));
        if covers(query.start) || covers(query.goal) {
            continue;
        }
        let cost = |(at, cost): (usize, &u8)| if covers(geometry.cell(at)) { LETHAL } else { *cost };
        let costs: Vec<u8> = query.costmap.costs().iter().enumerate().map(cost).collect();
        let changed = costmap(geometry.width() as usize, geometry.resolution(), &costs)?;
        let field = field(&changed, query.goal, planner.travel());
        if field.is_some_and(|field| field.cost_to_go(query.start).is_finite()) {
            return Ok(Some(warm_and_cold(planner, &changed, query.start, query.goal)));
        }
    }
    Ok(None)
}

/// Figures over many pairs.
#[derive(Debug, Serialize)]
pub struct WarmFigures {
    /// Number of pairs.
    pub n: usize,
    /// Share whose earlier state was taken over.
    pub carried: Option<f64>,
    /// Share of warm starts with a verified path after at most one application of the net.
    pub within_one_application: Option<f64>,
    /// Its 95 % interval.
    pub within_one_application_ci95: [f64; 2],
    /// Share of warm starts with one after at most two supervision steps.
    pub within_two_steps: Option<f64>,
    /// Its 95 % interval.
    pub within_two_steps_ci95: [f64; 2],
    /// The same of cold starts.
    pub cold_within_two_steps: Option<f64>,
    /// Share in which the warm start needed more applications than the cold one, or found nothing where it did.
    pub slower_than_cold: Option<f64>,
    /// Warm starts without a verified path.
    pub unsolved: usize,
    /// Cold starts without one.
    pub cold_unsolved: usize,
    /// Applications before the first verified path, of warm starts.
    pub applications: QuantilesToMax,
    /// The same of cold starts.
    pub cold_applications: QuantilesToMax,
}

impl WarmFigures {
    /// Counts pairs; a supervision step has `step` applications.
    pub fn of(pairs: &[WarmColdPair], step: u32) -> Self {
        let n = pairs.len();
        let within = |which: fn(&WarmColdPair) -> Option<u16>, limit: u32| {
            pairs.iter().filter_map(which).filter(|applications| u32::from(*applications) <= limit).count()
        };
        let to_max = |which: fn(&WarmColdPair) -> Option<u16>| {
            Sorted::new(pairs.iter().filter_map(which).map(f64::from)).to_max()
        };
        let slower = |pair: &&WarmColdPair| pair.cold.is_some_and(|cold| pair.warm.is_none_or(|warm| warm > cold));
        let (one, two) = (within(|p| p.warm, 1), within(|p| p.warm, 2 * step));
        Self {
            n,
            carried: share(pairs.iter().filter(|pair| pair.carried).count(), n),
            within_one_application: share(one, n),
            within_one_application_ci95: wilson(one, n),
            within_two_steps: share(two, n),
            within_two_steps_ci95: wilson(two, n),
            cold_within_two_steps: share(within(|p| p.cold, 2 * step), n),
            slower_than_cold: share(pairs.iter().filter(slower).count(), n),
            unsolved: pairs.iter().filter(|pair| pair.warm.is_none()).count(),
            cold_unsolved: pairs.iter().filter(|pair| pair.cold.is_none()).count(),
            applications: to_max(|p| p.warm),
            cold_applications: to_max(|p| p.cold),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warm_starts_are_counted_against_cold_ones() {
        let pair = |warm, cold| WarmColdPair { carried: true, warm, cold };
        let warm = WarmFigures::of(
            &[pair(Some(0), Some(4)), pair(Some(12), Some(8)), pair(None, Some(4)), pair(None, None)],
            8,
        );
        assert_eq!((warm.n, warm.unsolved, warm.cold_unsolved), (4, 2, 1));
        assert_eq!((warm.within_one_application, warm.within_two_steps), (Some(0.25), Some(0.5)));
        assert_eq!((warm.cold_within_two_steps, warm.slower_than_cold), (Some(0.75), Some(0.5)));
        assert_eq!(warm.applications.max, Some(12.0));
    }
}
