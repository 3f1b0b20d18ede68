//! The builder that derives costs from the received grid, and keeps them up to date.

use trm_config::{GridConfig, GridKind};

use crate::cost::{LETHAL, UNKNOWN};
use crate::costmap::{CostPatch, Costmap};
use crate::costs::Costs;
use crate::error::GridError;
use crate::geometry::Rect;
use crate::inflation::Kernel;
use crate::occupancy::OccupancyGrid;
use crate::packed::PackedGrid;

/// Keeps the received grid and derives the costs from it. Belongs off the planning loop: it allocates.
///
/// ```
/// use trm_config::{GridConfig, GridKind};
/// use trm_grid::cost::LETHAL;
/// use trm_grid::costmap_builder::CostmapBuilder;
/// use trm_grid::geometry::{Geometry, Rect};
/// use trm_grid::occupancy::OccupancyGrid;
/// use trm_grid::units::{Cell, Pose};
///
/// // An empty map of 2 m x 2 m becomes a costmap.
/// let geometry = Geometry::new(20, 20, 0.1, Pose::default())?;
/// let mut builder = CostmapBuilder::new(&GridConfig::default(), GridKind::Map);
/// let mut costmap = builder.replace(OccupancyGrid::new(geometry, vec![0; 400])?).clone();
/// assert_eq!(costmap.cost(Cell::new(10, 10)), Some(0));
///
/// // An update of one cell becomes a patch, which brings the copy up to date.
/// let patch = builder.update(Rect { col: 10, row: 10, width: 1, height: 1 }, &[100])?;
/// costmap.apply(&patch);
/// assert_eq!(costmap.cost(Cell::new(10, 10)), Some(LETHAL));
/// assert!(!costmap.is_free(Cell::new(11, 10), false), "within the robot's radius");
/// assert_eq!(costmap.version(), builder.costmap().unwrap().version());
/// # Ok::<(), trm_grid::error::GridError>(())
/// ```
pub struct CostmapBuilder {
    config: GridConfig,
    kind: GridKind,
    state: Option<State>,
}

struct State {
    grid: PackedGrid,
    kernel: Kernel,
    costmap: Costmap,
}

impl CostmapBuilder {
    /// Creates a builder that has no grid yet.
    #[must_use]
    pub fn new(config: &GridConfig, kind: GridKind) -> Self {
        Self { config: config.clone(), kind, state: None }
    }

    /// The current costs; `None` before the first grid.
    #[must_use]
    pub fn costmap(&self) -> Option<&Costmap> {
        self.state.as_ref().map(|s| &s.costmap)
    }

    /// Replaces the grid and computes all costs.
    pub fn replace(&mut self, grid: OccupancyGrid) -> &Costmap {
        // Free the old grid first, and the new one once it is packed, so that two large grids never coexist.
        let before = self.state.take().map(|state| state.costmap);
        let packed = PackedGrid::new(&grid);
        drop(grid);
        self.build(packed, before.as_ref())
    }

    /// Changes the parameters and recomputes all costs from the received grid; `None` before the first grid.
    pub fn configure(&mut self, config: &GridConfig) -> Option<&Costmap> {
        self.config = config.clone();
        let State { grid, costmap, .. } = self.state.take()?;
        Some(self.build(grid, Some(&costmap)))
    }

    fn build(&mut self, grid: PackedGrid, before: Option<&Costmap>) -> &Costmap {
        let geometry = *grid.geometry();
        let kernel = Kernel::new(&self.config, &geometry);
        let same_size = before.filter(|before| *before.geometry() == geometry).map(Costmap::tiles);
        let costs = Costs::from_bands(&geometry, same_size, |band| self.costs_of(&grid, &kernel, band));
        &self.state.insert(State { grid, kernel, costmap: Costmap::new(geometry, costs) }).costmap
    }

    /// Overwrites a rectangle of the received grid and recomputes the costs within inflation distance of it.
    ///
    /// # Errors
    /// [`GridError`] if there is no grid yet, the rectangle extends beyond it, or the values are invalid. Nothing
    /// changes then.
    pub fn update(&mut self, rect: Rect, values: &[i8]) -> Result<CostPatch, GridError> {
        let Some(mut state) = self.state.take() else {
            return Err(GridError {
                field: "update",
                value: format!("{} x {} cells", rect.width, rect.height),
                expected: "no whole grid has come before it".to_owned(),
            });
        };
        let patch = self.apply_update(&mut state, rect, values);
        self.state = Some(state);
        patch
    }

    fn apply_update(&self, state: &mut State, rect: Rect, values: &[i8]) -> Result<CostPatch, GridError> {
        state.grid.update(rect, values)?;
        let reach = if self.kind == GridKind::Map { state.kernel.reach } else { 0 };
        let rect = rect.grown(reach, state.costmap.geometry());
        Ok(state.costmap.update(rect, &self.costs_of(&state.grid, &state.kernel, rect)))
    }

    /// Computes the costs of a rectangle of the grid, row-major.
    fn costs_of(&self, grid: &PackedGrid, kernel: &Kernel, area: Rect) -> Vec<u8> {
        let mut costs = Vec::with_capacity(area.area());
        for range in area.rows(grid.geometry()) {
            costs.extend(range.map(|at| self.base_cost(grid.get(at))));
        }
        if self.kind == GridKind::Map {
            kernel.stamp(grid.geometry(), |at| self.base_cost(grid.get(at)) == LETHAL, area, &mut costs);
        }
        costs
    }

    /// The cost of a cell before inflation.
    const fn base_cost(&self, value: i8) -> u8 {
        match (value, self.kind) {
            (..0, _) => UNKNOWN,
            (_, GridKind::Costmap) => value as u8,
            (_, GridKind::Map) => {
                if value as i64 >= self.config.occupied_threshold {
                    LETHAL
                } else {
                    0
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::INSCRIBED;
    use crate::costmap::{GridChange, REMEMBERED};
    use crate::geometry::Geometry;
    use crate::units::{Cell, Pose};
    use proptest::prelude::*;

    fn grid(width: u32, height: u32, data: Vec<i8>) -> OccupancyGrid {
        OccupancyGrid::new(Geometry::new(width, height, 0.1, Pose::default()).unwrap(), data).unwrap()
    }

    #[test]
    fn a_map_is_thresholded_and_inflated() {
        let mut data = vec![0; 81];
        data[40] = 65;
        data[0] = 64;
        data[80] = -1;
        let config = GridConfig { robot_radius: 0.2, inflation_radius: 0.3, ..GridConfig::default() };
        let mut builder = CostmapBuilder::new(&config, GridKind::Map);
        let costmap = builder.replace(grid(9, 9, data));
        let cost = |col, row| costmap.cost(Cell::new(col, row)).unwrap();
        assert_eq!(cost(4, 4), LETHAL);
        assert_eq!(cost(6, 4), INSCRIBED, "0.2 m away");
        assert!((1..INSCRIBED).contains(&cost(6, 5)), "0.22 m away");
        assert_eq!(cost(8, 4), 0);
        assert_eq!(cost(0, 0), 0);
        assert_eq!(cost(8, 8), UNKNOWN);
        assert_eq!(costmap.cost(Cell::new(9, 0)), None);
    }

    #[test]
    fn the_values_of_a_costmap_are_kept() {
        let mut builder = CostmapBuilder::new(&GridConfig::default(), GridKind::Costmap);
        let costmap = builder.replace(grid(2, 2, vec![0, 99, 100, -1]));
        assert_eq!(costmap.costs(), [0, INSCRIBED, LETHAL, UNKNOWN]);
        assert!(!costmap.is_free(Cell::new(1, 0), true));
        assert!(costmap.is_free(Cell::new(1, 1), true));
        assert!(!costmap.is_free(Cell::new(1, 1), false));
    }

    #[test]
    fn new_parameters_give_the_same_costs_as_a_new_builder() {
        let mut data = vec![0; 81];
        data[40] = 100;
        let mut builder = CostmapBuilder::new(&GridConfig::default(), GridKind::Map);
        assert!(builder.configure(&GridConfig::default()).is_none(), "no grid yet");
        let old = builder.replace(grid(9, 9, data.clone())).clone();
        let config = GridConfig { robot_radius: 0.4, ..GridConfig::default() };
        let new = builder.configure(&config).unwrap().clone();
        let whole = CostmapBuilder::new(&config, GridKind::Map).replace(grid(9, 9, data)).clone();
        assert_eq!(new.costs(), whole.costs());
        assert!(new.costs() != old.costs() && new.version() != old.version());
    }

    #[test]
    fn a_costmap_remembers_its_last_changes_and_knows_no_other_version() {
        let mut builder = CostmapBuilder::new(&GridConfig::default(), GridKind::Costmap);
        let mut copy = builder.replace(grid(50, 50, vec![0; 2500])).clone();
        let other =
            CostmapBuilder::new(&GridConfig::default(), GridKind::Costmap).replace(grid(50, 50, vec![0; 2500])).clone();
        assert!(copy.changed_since(other.version()).is_none() && copy.changed_since(0).is_none());
        let mut versions = vec![copy.version()];
        for col in 0..20 {
            copy.apply(&builder.update(Rect { col, row: 1, width: 1, height: 1 }, &[100]).unwrap());
            versions.push(copy.version());
            let since = |back: usize| copy.changed_since(versions[versions.len() - 1 - back]);
            assert_eq!(since(0), Some(&[][..]));
            assert_eq!(since(1).unwrap()[0].rect.col, col);
            let back = versions.len() - 1;
            assert_eq!(since(back).map(<[_]>::len), (back <= REMEMBERED).then_some(back));
        }
        // The copy misses one patch, so it no longer knows what has changed.
        let lost = builder.update(Rect { col: 3, row: 3, width: 1, height: 1 }, &[100]);
        assert!(lost.is_ok());
        copy.apply(&builder.update(Rect { col: 4, row: 3, width: 1, height: 1 }, &[100]).unwrap());
        assert!(copy.changed_since(versions[20]).is_none());
        assert!(builder.costmap().unwrap().changed_since(versions[20]).is_some_and(|changes| changes.len() == 2));
    }

    #[test]
    fn a_grid_change_updates_a_copy_and_returns_what_it_replaces() {
        let mut builder = CostmapBuilder::new(&GridConfig::default(), GridKind::Costmap);
        let first = builder.replace(grid(70, 5, vec![0; 350])).clone();
        let mut copy = None;
        assert_eq!(GridChange::Whole(Box::new(first.clone())).apply(&mut copy), None, "nothing to free yet");
        assert_eq!(copy.as_deref(), Some(&first));

        let patch = builder.update(Rect { col: 66, row: 1, width: 2, height: 1 }, &[100, 99]).unwrap();
        let replaced = GridChange::Patch(Box::new(patch.clone())).apply(&mut copy);
        assert_eq!(copy.as_deref(), builder.costmap());
        // The patch comes back with the old tile, whose last owner may be another thread.
        let Some(GridChange::Patch(old)) = replaced else { panic!("a patch returns a patch") };
        assert_eq!(old.rect(), patch.rect());
        assert_ne!(*old, patch);

        let second = builder.replace(grid(3, 3, vec![1; 9])).clone();
        let patched = copy.clone();
        let replaced = GridChange::Whole(Box::new(second.clone())).apply(&mut copy);
        assert_eq!(replaced, patched.map(GridChange::Whole));
        assert_eq!(copy.as_deref(), Some(&second));
    }

    #[test]
    fn a_patch_without_a_grid_is_returned_and_changes_nothing() {
        let mut builder = CostmapBuilder::new(&GridConfig::default(), GridKind::Costmap);
        builder.replace(grid(3, 3, vec![0; 9]));
        let patch = builder.update(Rect { col: 0, row: 0, width: 1, height: 1 }, &[100]).unwrap();
        let mut copy = None;
        let change = GridChange::Patch(Box::new(patch));
        assert_eq!(change.clone().apply(&mut copy), Some(change));
        assert_eq!(copy, None);
    }

    #[test]
    fn an_update_before_the_first_grid_is_refused() {
        let mut builder = CostmapBuilder::new(&GridConfig::default(), GridKind::Map);
        assert!(builder.update(Rect { col: 0, row: 0, width: 1, height: 1 }, &[0]).is_err());
    }

    proptest! {
        #[test]
        fn an_update_gives_the_same_costs_as_a_new_grid(
            data in proptest::collection::vec(prop_oneof![4 => Just(0_i8), 1 => Just(100), 1 => Just(-1)], 20 * 15),
            col in 0..15, row in 0..10, value in prop_oneof![Just(0_i8), Just(100), Just(-1)],
        ) {
            let config = GridConfig { robot_radius: 0.15, inflation_radius: 0.35, ..GridConfig::default() };
            let mut builder = CostmapBuilder::new(&config, GridKind::Map);
            let mut copy = builder.replace(grid(20, 15, data.clone())).clone();
            let rect = Rect { col, row, width: 5, height: 5 };
            copy.apply(&builder.update(rect, &[value; 25]).unwrap());
            let mut changed = grid(20, 15, data);
            changed.update(rect, &[value; 25]).unwrap();
            let mut whole = CostmapBuilder::new(&config, GridKind::Map);
            prop_assert_eq!(whole.replace(changed).costs(), copy.costs());
            prop_assert_eq!(builder.costmap().unwrap(), &copy);
        }
    }
}
