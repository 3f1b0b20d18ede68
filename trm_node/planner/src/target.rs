//! Chooses the cell to plan to, and the one to plan from, by what guidance knows of which cells can reach each other.

use trm_grid::costmap::Costmap;
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_grid::units::Cell;

use crate::endpoints::{GoalArea, Start};
use crate::error::PlanError;
use crate::kept_guidance::{KeptGuidance, MAX_GROUPS};

/// Computes guidance to a goal: for each group of connected cells that holds a free cell of the area, the cost-to-go to
/// the one that is nearest to the goal. The group of the nearest cell comes first. Empty if no cell of the area is
/// free. `cancelled` is called now and then; `None` if it returned true.
///
/// ```
/// use trm_grid::testing::{costmap, travel};
/// use trm_grid::units::{Cell, Point};
/// use trm_planner::endpoints::GoalArea;
/// use trm_planner::target::guide;
///
/// // Two rooms. The goal lies in the wall between them, nearer to the one on the right.
/// let map = costmap(&["...#...", "...#..."]);
/// let area = GoalArea::new(map.geometry(), 2.0, Point { x: 3.6, y: 0.5 })?;
/// let guidance = guide(&map, travel(2.0), &area, &|| false).expect("it is never cancelled");
/// assert_eq!((guidance[0].goal(), guidance[1].goal()), (Cell::new(4, 0), Cell::new(2, 0)));
/// assert_eq!(guidance[1].cost_to_go(Cell::new(0, 0)), 2.0);
/// # Ok::<(), trm_planner::PlanError>(())
/// ```
#[must_use]
pub fn guide(
    costmap: &Costmap,
    travel: Travel,
    area: &GoalArea,
    cancelled: &dyn Fn() -> bool,
) -> Option<Vec<Guidance>> {
    KeptGuidance::new().update((costmap, travel), area, cancelled)
}

/// Where a plan begins and ends.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The cell where planning begins.
    pub from: Cell,
    /// The cell to plan to.
    pub goal: Cell,
    /// The guidance to it, if there is any.
    pub guidance: Option<&'a Guidance>,
}

/// What guidance knows of the cells where a plan may begin.
struct Reach<'a> {
    guidance: &'a [Guidance],
    /// Whether it was computed on this version of the costmap.
    is_current: bool,
    /// The groups that hold a start.
    reached: [bool; MAX_GROUPS],
    /// Whether each start is in one of the groups.
    all_known: bool,
}

impl<'a> Reach<'a> {
    fn new(costmap: &Costmap, guidance: &'a [Guidance], starts: &[Start]) -> Self {
        let (mut reached, mut all_known) = ([false; MAX_GROUPS], true);
        for start in starts {
            let mut is_known = false;
            for (group, reached) in guidance.iter().zip(&mut reached) {
                let is_in = group.cost_to_go(start.cell).is_finite();
                *reached |= is_in;
                is_known |= is_in;
            }
            all_known &= is_known;
        }
        let is_of_map = |group: &Guidance| group.version() == Some(costmap.version());
        let is_current = !guidance.is_empty() && guidance.iter().all(is_of_map);
        Self { guidance, is_current, reached, all_known }
    }

    /// Whether the guidance knows that no start leads to a free cell. Current guidance proves it. Older guidance is
    /// believed if it knows the cell and all starts: what has changed since may have joined them, but the next guidance
    /// will tell.
    fn is_cut_off(&self, cell: Cell) -> bool {
        match self.guidance.iter().position(|group| group.cost_to_go(cell).is_finite()) {
            Some(group) => !self.reached[group] && (self.is_current || self.all_known),
            None => self.is_current && self.all_known,
        }
    }
}

/// Chooses the free cell nearest to the goal that isn't known to be cut off from all `starts`, and the start from where
/// it costs least. `known` is the nearest cell that can be reached, where an earlier search has found it on this version
/// of the costmap.
///
/// # Errors
/// [`PlanError::GoalOccupied`] if no cell of the area is free; [`PlanError::NoValidPath`] if guidance of this version
/// shows that none can be reached.
pub fn choose<'a>(
    (costmap, travel): (&Costmap, Travel),
    area: &GoalArea,
    starts: &[Start],
    guidance: &'a [Guidance],
    known: Option<Cell>,
) -> Result<Target<'a>, PlanError> {
    let is_usable = |group: &Guidance| group.fits(costmap) && group.travel() == travel;
    let guidance = if guidance.iter().all(is_usable) { &guidance[..guidance.len().min(MAX_GROUPS)] } else { &[] };
    let nearest = area.nearest_free(costmap, travel.allow_unknown)?;
    let reach = Reach::new(costmap, guidance, starts);
    let is_free = |cell| costmap.is_free(cell, travel.allow_unknown);
    // Along one way: its end is the nearest cell in reach.
    let corridor = guidance.iter().find(|group| group.is_part() && reach.all_known).map(Guidance::goal);
    let known = known.or(corridor.filter(|cell| is_free(*cell)));
    let goal = match known.filter(|_| !reach.is_current) {
        Some(known) => known,
        None => match area.nearest(|cell| is_free(cell) && !reach.is_cut_off(cell)) {
            Some(goal) => goal,
            None if reach.is_current => return Err(PlanError::NoValidPath),
            None => nearest,
        },
    };
    let guidance = guidance.iter().find(|group| group.goal() == goal);
    let to_go = |start: &Start| start.cost + guidance.map_or(f32::INFINITY, |group| group.cost_to_go(start.cell));
    let best = starts.iter().min_by(|a, b| to_go(a).total_cmp(&to_go(b)));
    // The starts are ordered by cost, and the first of several minima is taken.
    Ok(Target { from: best.map_or(area.cell(), |start| start.cell), goal, guidance })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trm_grid::testing::{costmap, flood, travel};
    use trm_grid::units::Point;

    use super::*;

    fn starts(cells: &[(i32, i32)]) -> Vec<Start> {
        cells.iter().map(|(col, row)| Start { cell: Cell::new(*col, *row), cost: 0.0 }).collect()
    }

    #[test]
    fn without_a_path_the_plan_is_refused_only_if_guidance_for_the_same_costmap_knows_it() {
        let map = costmap(&["..#..", "..#.."]);
        let area = GoalArea::only(Cell::new(4, 0));
        let guidance = guide(&map, travel(2.0), &area, &|| false).unwrap();
        let ask = |map: &Costmap, guidance: &[Guidance], from| {
            choose((map, travel(2.0)), &area, &starts(&[from]), guidance, None).map(|target| target.goal)
        };
        assert_eq!(ask(&map, &guidance, (0, 0)), Err(PlanError::NoValidPath));
        assert_eq!(ask(&map, &guidance, (3, 1)), Ok(Cell::new(4, 0)));
        assert_eq!(ask(&map, &[], (0, 0)), Ok(Cell::new(4, 0)), "nothing is known");
        assert_eq!(ask(&costmap(&["..#..", "....."]), &guidance, (0, 0)), Ok(Cell::new(4, 0)), "the wall may be gone");
    }

    #[test]
    fn older_guidance_leads_to_the_cell_that_it_knows_unless_a_nearer_one_has_become_free() {
        // The goal lies in the wall, one cell from the closed room on the right and two from the one on the left.
        let map = costmap(&["...##..", "...##.."]);
        let area = GoalArea::new(map.geometry(), 3.0, Point { x: 4.4, y: 0.5 }).unwrap();
        let guidance = guide(&map, travel(2.0), &area, &|| false).unwrap();
        let from = starts(&[(0, 0)]);
        let goal = |map: &Costmap| choose((map, travel(2.0)), &area, &from, &guidance, None).map(|target| target.goal);
        assert_eq!(goal(&map), Ok(Cell::new(2, 0)));
        assert_eq!(goal(&costmap(&["...##..", "..1##.."])), Ok(Cell::new(2, 0)));
        assert_eq!(goal(&costmap(&["...#...", "...##.."])), Ok(Cell::new(4, 0)), "the goal's own cell");
        let known = choose((&costmap(&["...##..", "...##.."]), travel(2.0)), &area, &from, &[], Some(Cell::new(2, 0)));
        assert_eq!(known.map(|target| target.goal), Ok(Cell::new(2, 0)), "an earlier search knows it");
    }

    #[test]
    fn of_several_starts_the_one_with_the_cheapest_way_is_taken() {
        let map = costmap(&["...#......"]);
        let area = GoalArea::only(Cell::new(9, 0));
        let guidance = guide(&map, travel(2.0), &area, &|| false).unwrap();
        let mut from = starts(&[(2, 0), (4, 0), (6, 0)]);
        (from[1].cost, from[2].cost) = (1.0, 2.5);
        let target = |guidance| choose((&map, travel(2.0)), &area, &from, guidance, None).map(|target| target.from);
        assert_eq!(target(&guidance[..]), Ok(Cell::new(6, 0)), "2.5 + 3 is less than 1 + 5");
        assert_eq!(target(&[]), Ok(Cell::new(2, 0)), "the nearest");
    }

    proptest! {
        #[test]
        fn guidance_leads_to_the_nearest_cell_that_can_be_reached(
            drawn in proptest::collection::vec(prop_oneof![3 => Just('.'), 2 => Just('#')], 12 * 12),
            from in proptest::collection::vec((0..12, 0..12), 1..4), x in 0.0..12.0_f64, y in 0.0..12.0_f64,
            tolerance in 0.0..6.0_f64,
        ) {
            let rows: Vec<String> = drawn.chunks(12).map(|row| row.iter().collect()).collect();
            let map = costmap(&rows.iter().map(String::as_str).collect::<Vec<_>>());
            let starts: Vec<Start> =
                starts(&from).into_iter().filter(|start| map.is_free(start.cell, false)).collect();
            prop_assume!(!starts.is_empty());
            let area = GoalArea::new(map.geometry(), tolerance, Point { x, y }).unwrap();
            let guidance = guide(&map, travel(2.0), &area, &|| false).unwrap();
            let reached: Vec<Cell> = starts.iter().flat_map(|start| flood(&map, start.cell, false)).collect();
            let distances = reached.iter().filter_map(|cell| area.distance(*cell));
            let least = distances.fold(f64::INFINITY, f64::min);
            match choose((&map, travel(2.0)), &area, &starts, &guidance, None) {
                Ok(target) => {
                    prop_assert!(reached.contains(&target.goal));
                    prop_assert!(area.distance(target.goal) == Some(least));
                    prop_assert!(target.guidance.is_some_and(|group| group.cost_to_go(target.from).is_finite()));
                }
                Err(PlanError::GoalOccupied { .. }) => prop_assert!(area.nearest(|cell| map.is_free(cell, false)).is_none()),
                Err(error) => {
                    prop_assert_eq!(error, PlanError::NoValidPath);
                    prop_assert!(least.is_infinite());
                }
            }
        }
    }
}
