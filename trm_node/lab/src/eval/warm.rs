//! Going on from the plan before, against starting anew: when the robot has moved, and when something stands in its way.

use serde::Serialize;
use trm_grid::cost::LETHAL;
use trm_grid::costmap::Costmap;
use trm_grid::units::{Cell, Pose};
use trm_grid::window::Window;

use super::args::Setting;
use super::attempt::Driver;
use super::source::{Query, Scene, Seen};
use crate::statistics::{Most, Sorted, share, wilson};
use crate::worlds::optimum::field;
use crate::worlds::random::Random;
use crate::worlds::world::costmap;

/// Sides of the obstacles that are dropped, in cells.
const OBSTACLE: std::ops::Range<usize> = 3..7;
/// How many obstacles are tried on one path.
const TRIES: usize = 10;

/// Applications of the net before the first verified path, on the same grid from the same place.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// Whether the state before was taken over at all.
    pub carried: bool,
    pub warm: Option<u16>,
    pub cold: Option<u16>,
}

/// Plans, moves the robot along its path by `cells` cells, and plans warm and cold. `None` when the first plan fails, or
/// the goal has left the window.
///
/// # Errors
/// When the window is too large for a grid.
pub fn moved(driver: &mut Driver, setting: &Setting, scene: &Scene, cells: f64) -> anyhow::Result<Option<Pair>> {
    let Scene { costmap, start, goal } = scene;
    driver.planner.prepare(costmap);
    driver.planner.reset();
    let path = match driver.plan(costmap, *start, *goal).path {
        Ok(path) => path.poses().to_vec(),
        Err(_) => return Ok(None),
    };
    let Some(next) = ahead(costmap, &path, *start, cells).filter(|next| next != goal) else { return Ok(None) };
    if !still_seen(setting, costmap, next, *goal)? {
        return Ok(None);
    }
    Ok(Some(driver.pair(costmap, next, *goal)))
}

/// The cell where a robot is when it is so many cells from where it was.
pub fn ahead(costmap: &Costmap, path: &[Pose], from: Cell, cells: f64) -> Option<Cell> {
    let geometry = costmap.geometry();
    let distance = cells * geometry.resolution();
    let pose = path.iter().find(|pose| pose.point().distance(geometry.center(from)) >= distance)?;
    geometry.cell_at(pose.point())
}

/// Whether the goal can be reached inside the window around a cell.
///
/// # Errors
/// When the window is too large for a grid.
pub fn still_seen(setting: &Setting, costmap: &Costmap, start: Cell, goal: Cell) -> anyhow::Result<bool> {
    let window = Window::around(start, costmap.geometry(), setting.window, setting.patch);
    Ok(Seen::of(costmap, window)?.joins(start, goal))
}

/// Plans, drops an obstacle on the middle of the path, and plans warm and cold. `None` when the first plan fails or no
/// obstacle leaves a way.
///
/// # Errors
/// When the grid can't be made anew.
pub fn blocked(driver: &mut Driver, query: &Query, random: &mut Random) -> anyhow::Result<Option<Pair>> {
    driver.planner.prepare(&query.costmap);
    driver.planner.reset();
    let path = match driver.plan(&query.costmap, query.start, query.goal).path {
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
        let reaches = field(&changed, query.goal, driver.travel).is_some_and(|f| f.cost_to_go(query.start).is_finite());
        if reaches {
            return Ok(Some(driver.pair(&changed, query.start, query.goal)));
        }
    }
    Ok(None)
}

/// Many pairs.
#[derive(Debug, Serialize)]
pub struct Warm {
    pub n: usize,
    /// Share whose state before was taken over.
    pub carried: Option<f64>,
    /// Share of warm starts with a verified path after at most one application of the net.
    pub within_one_application: Option<f64>,
    pub within_one_application_ci95: [f64; 2],
    /// Share with one after at most two supervision steps.
    pub within_two_steps: Option<f64>,
    pub within_two_steps_ci95: [f64; 2],
    pub cold_within_two_steps: Option<f64>,
    /// Share in which the warm start needed more applications than the cold one, or found nothing where it did.
    pub slower_than_cold: Option<f64>,
    pub unsolved: usize,
    pub cold_unsolved: usize,
    /// Applications before the first verified path.
    pub applications: Most,
    pub cold_applications: Most,
}

impl Warm {
    /// Counts them; a supervision step has so many applications.
    pub fn of(pairs: &[Pair], step: u32) -> Self {
        let n = pairs.len();
        let within = |which: fn(&Pair) -> Option<u16>, limit: u32| {
            pairs.iter().filter_map(which).filter(|applications| u32::from(*applications) <= limit).count()
        };
        let most = |which: fn(&Pair) -> Option<u16>| Sorted::new(pairs.iter().filter_map(which).map(f64::from)).most();
        let slower = |pair: &&Pair| pair.cold.is_some_and(|cold| pair.warm.is_none_or(|warm| warm > cold));
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
            applications: most(|p| p.warm),
            cold_applications: most(|p| p.cold),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warm_starts_are_counted_against_cold_ones() {
        let pair = |warm, cold| Pair { carried: true, warm, cold };
        let warm =
            Warm::of(&[pair(Some(0), Some(4)), pair(Some(12), Some(8)), pair(None, Some(4)), pair(None, None)], 8);
        assert_eq!((warm.n, warm.unsolved, warm.cold_unsolved), (4, 2, 1));
        assert_eq!((warm.within_one_application, warm.within_two_steps), (Some(0.25), Some(0.5)));
        assert_eq!((warm.cold_within_two_steps, warm.slower_than_cold), (Some(0.75), Some(0.5)));
        assert_eq!(warm.applications.max, Some(12.0));
    }
}
