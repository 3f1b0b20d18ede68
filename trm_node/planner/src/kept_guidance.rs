//! Guidance to one goal that is kept up while the costs change, for each group of connected cells near the goal.

use std::cell::Cell as Cancelled;

use trm_grid::costmap::Costmap;
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_grid::units::Cell;
use trm_grid::upkeep::Upkeep;

use crate::endpoints::GoalArea;

/// The maximum number of groups of connected cells that guidance covers.
pub const MAX_GROUPS: usize = 64;

/// What is kept of the guidance to a goal.
#[derive(Default)]
pub struct KeptGuidance {
    groups: Vec<Upkeep>,
}

/// Where the robot is, as far as that matters: what is farther from the goal than this cost-to-go can wait.
pub struct Near<'a> {
    /// The robot's cell.
    pub robot: Cell,
    /// In cells.
    pub bound: f32,
    /// Whether the rest isn't wanted now, if the robot is near.
    pub far_can_wait: bool,
    /// Whether what is near has to be delivered now, before the rest.
    pub is_late: &'a dyn Fn() -> bool,
    /// Takes guidance that is right up to the bound, and older beyond.
    pub deliver: &'a mut dyn FnMut(Vec<Guidance>),
}

impl KeptGuidance {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { groups: Vec::new() }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.groups.clear();
    }

    /// Where there is older guidance, mends what is near. If the rest takes long, that is delivered first. Whether it is all that
    /// is wanted for now; otherwise [`Self::update`] makes the rest. `None` if `cancelled` returned true.
    pub fn mend_near(
        &mut self,
        (costmap, travel): (&Costmap, Travel),
        area: &GoalArea,
        Near { robot, bound, far_can_wait, is_late, deliver }: Near,
        cancelled: &dyn Fn() -> bool,
    ) -> Option<bool> {
        let known = self.groups.len();
        let Ok(nearest) = area.nearest_free(costmap, travel.allow_unknown) else { return Some(false) };
        if known != 1 || !self.bring_forward(0, nearest, costmap, travel) {
            return Some(false);
        }
        let group = &mut self.groups[0];
        group.advance(costmap, bound, cancelled).then_some(())?;
        // Where no way is known any more from the robot, all of it may prove that there is none.
        if far_can_wait && group.cost_to_go(robot) <= bound {
            deliver(vec![group.guidance()]);
            return Some(true);
        }
        // Asked once: what has cancelled it doesn't come again.
        let is_over = Cancelled::new(false);
        let is_whole = group.advance(costmap, f32::INFINITY, &|| {
            is_over.set(cancelled());
            is_over.get() || is_late()
        });
        if is_over.get() {
            return None;
        }
        if !is_whole {
            deliver(vec![group.guidance()]);
        }
        Some(false)
    }

    /// Brings the guidance up to these costs: what [`guide`](crate::target::guide) computes, from what is kept. `None` if
    /// `cancelled` returned true; the next call goes on.
    pub fn update(
        &mut self,
        (costmap, travel): (&Costmap, Travel),
        area: &GoalArea,
        cancelled: &dyn Fn() -> bool,
    ) -> Option<Vec<Guidance>> {
        let Ok(nearest) = area.nearest_free(costmap, travel.allow_unknown) else {
            self.clear();
            return Some(Vec::new());
        };
        self.bring_forward(0, nearest, costmap, travel);
        let mut made = Vec::new();
        self.advance(0, costmap, cancelled, &mut made)?;
        let is_beyond = |made: &[Guidance], cell| made.iter().all(|group| group.cost_to_go(cell).is_infinite());
        for cell in area.sorted(|cell| costmap.is_free(cell, travel.allow_unknown) && is_beyond(&made, cell)) {
            if made.len() < MAX_GROUPS && is_beyond(&made, cell) {
                self.bring_forward(made.len(), cell, costmap, travel);
                self.advance(made.len(), costmap, cancelled, &mut made)?;
            }
        }
        self.groups.truncate(made.len());
        Some(made)
    }

    /// Puts the group that leads to a goal in its place: a kept one with the changes of the costs, else a new one. Whether
    /// it was kept.
    fn bring_forward(&mut self, place: usize, goal: Cell, costmap: &Costmap, travel: Travel) -> bool {
        let at = (place..self.groups.len()).find(|at| self.groups[*at].is_for(goal, travel));
        let kept =
            at.map(|at| self.groups.remove(at)).and_then(|mut group| group.take_changes(costmap).then_some(group));
        let is_kept = kept.is_some();
        self.groups.insert(place, kept.unwrap_or_else(|| Upkeep::new(costmap, goal, travel)));
        is_kept
    }

    fn advance(
        &mut self,
        at: usize,
        costmap: &Costmap,
        cancelled: &dyn Fn() -> bool,
        made: &mut Vec<Guidance>,
    ) -> Option<()> {
        self.groups[at].advance(costmap, f32::INFINITY, cancelled).then(|| made.push(self.groups[at].guidance()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trm_config::{GridConfig, GridKind};
    use trm_grid::costmap_builder::CostmapBuilder;
    use trm_grid::geometry::{Geometry, Rect};
    use trm_grid::occupancy::OccupancyGrid;
    use trm_grid::units::{Point, Pose};

    use super::*;

    const SIDE: u32 = 24;

    /// The cost-to-go of every cell in each group, with its goal.
    fn told(groups: &[Guidance], map: &Costmap) -> Vec<(Cell, Option<u64>, Vec<u32>)> {
        let cells = || (0..map.geometry().cells()).map(|at| map.geometry().cell(at));
        let costs = |group: &Guidance| cells().map(|cell| group.cost_to_go(cell).to_bits()).collect();
        groups.iter().map(|group| (group.goal(), group.version(), costs(group))).collect()
    }

    proptest! {
        #[test]
        fn what_is_kept_up_is_what_is_computed_anew(
            cells in proptest::collection::vec(prop_oneof![4 => Just(0_i8), 2 => Just(100), 1 => 1..99_i8], (SIDE * SIDE) as usize),
            changes in proptest::collection::vec(
                ((0..24_i32, 0..24_i32, 1_u32..9, 1_u32..9), prop_oneof![Just(0_i8), Just(100), Just(50)]), 1..6,
            ),
            goal in (0.0..24.0_f64, 0.0..24.0_f64), tolerance in 0.0..6.0_f64, bound in 0.0..60.0_f32, is_late in any::<bool>(), robot in (0..24_i32, 0..24_i32), far_can_wait in any::<bool>(),
            patience in prop_oneof![2 => Just(usize::MAX), 1 => 0_usize..6],
        ) {
            let config = GridConfig { inflation_radius: 0.0, robot_radius: 0.0, ..GridConfig::default() };
            let geometry = Geometry::new(SIDE, SIDE, 1.0, Pose::default()).unwrap();
            let mut builder = CostmapBuilder::new(&config, GridKind::Costmap);
            builder.take_grid(OccupancyGrid::new(geometry, cells).unwrap());
            builder.refresh_to_end();
            let (travel, area) = (Travel::new(&config), GoalArea::new(&geometry, tolerance, Point { x: goal.0, y: goal.1 }).unwrap());
            let mut kept = KeptGuidance::default();
            for ((col, row, width, height), value) in changes {
                let map = builder.costmap().unwrap();
                let right = KeptGuidance::new().update((map, travel), &area, &|| false).unwrap();
                let left = std::cell::Cell::new(patience);
                let cancelled = || left.replace(left.get().saturating_sub(1)) == 0;
                let mut early = Vec::new();
                let robot = Cell::new(robot.0, robot.1);
                let near = Near { robot, bound, far_can_wait, is_late: &|| is_late, deliver: &mut |guidance| early = guidance };
                let is_enough = kept.mend_near((map, travel), &area, near, &cancelled);
                match is_enough.and_then(|is_enough| if is_enough { None } else { kept.update((map, travel), &area, &cancelled) }) {
                    Some(made) => prop_assert_eq!(told(&made, map), told(&right, map)),
                    None if is_enough == Some(true) => {
                        prop_assert!(far_can_wait && early.len() == 1 && right[0].cost_to_go(robot) <= bound);
                    }
                    None => prop_assert!(patience < 6),
                }
                if let [early] = &early[..] {
                    for cell in (0..map.geometry().cells()).map(|at| map.geometry().cell(at)) {
                        let (is, should) = (early.cost_to_go(cell), right[0].cost_to_go(cell));
                        prop_assert!(is.to_bits() == should.to_bits() || is > bound && should > bound, "{cell:?} {is} {should}");
                    }
                }
                let rect = Rect { col, row, width, height }.grown(0, &geometry);
                builder.take_update(rect, &vec![value; rect.area()]).unwrap();
                builder.refresh_to_end();
            }
        }
    }
}
