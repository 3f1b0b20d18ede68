//! The costs that planning reads, in the encoding of a published Nav2 costmap: 0 free, 1 to 98 inflated, 99 inscribed,
//! 100 lethal; and unknown.

use super::inflation::Kernel;
use super::occupancy::{Geometry, OccupancyGrid, Rect};
use crate::config::Config;
use crate::error::LoadError;
use crate::units::Cell;

/// The robot's centre can't be here: something is within its radius.
pub const INSCRIBED: u8 = 99;
/// Something is in this cell.
pub const LETHAL: u8 = 100;
/// Nothing is known of this cell (−1 in messages).
pub const UNKNOWN: u8 = 255;

/// What a grid's values mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GridKind {
    /// Raw occupancy: thresholded and inflated here.
    Map,
    /// Costs that are already inflated: taken as they are.
    Costmap,
}

/// Costs of all cells, row-major from the origin. Changes only by whole grids and by [`CostPatch`]es.
#[derive(Debug, Clone, PartialEq)]
pub struct Costmap {
    geometry: Geometry,
    costs: Vec<u8>,
    version: u64,
}

impl Costmap {
    /// Where the grid lies.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The costs, row-major.
    #[must_use]
    pub fn costs(&self) -> &[u8] {
        &self.costs
    }

    /// Changes with every change of the grid; unique among grids of one [`CostmapBuilder`].
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The cost of a cell; `None` outside the grid.
    #[must_use]
    pub fn cost(&self, cell: Cell) -> Option<u8> {
        self.geometry.index(cell).map(|i| self.costs[i])
    }

    /// Whether the robot's centre may be in the cell.
    #[must_use]
    pub fn is_free(&self, cell: Cell, allow_unknown: bool) -> bool {
        self.cost(cell).is_some_and(|cost| is_free(cost, allow_unknown))
    }

    /// Applies a change that another copy of the same grid went through. Allocates nothing.
    ///
    /// # Panics
    /// When the patch is of a grid with another size.
    pub fn apply(&mut self, patch: &CostPatch) {
        for (range, row) in patch.rect.rows(&self.geometry).zip(patch.costs.chunks(patch.rect.width.max(1) as usize)) {
            self.costs[range].copy_from_slice(row);
        }
        self.version = patch.version;
    }
}

/// Whether the robot's centre may be in a cell of this cost.
#[must_use]
pub const fn is_free(cost: u8, allow_unknown: bool) -> bool {
    cost < INSCRIBED || (allow_unknown && cost == UNKNOWN)
}

/// The costs of a rectangle after an update.
#[derive(Debug, Clone, PartialEq)]
pub struct CostPatch {
    rect: Rect,
    costs: Box<[u8]>,
    version: u64,
}

impl CostPatch {
    /// The cells that may have changed.
    #[must_use]
    pub const fn rect(&self) -> Rect {
        self.rect
    }
}

/// Owns the grid as it came in and keeps its costs up to date. Belongs off the planning loop.
pub struct CostmapBuilder {
    config: Config,
    kind: GridKind,
    /// Versions start here, so that those of a later builder never repeat an earlier one's.
    version: u64,
    state: Option<State>,
}

struct State {
    grid: OccupancyGrid,
    kernel: Kernel,
    costmap: Costmap,
}

impl CostmapBuilder {
    /// A builder without a grid.
    #[must_use]
    pub fn new(config: &Config, kind: GridKind) -> Self {
        Self { config: config.clone(), kind, version: 0, state: None }
    }

    /// The costs, once a grid has come.
    #[must_use]
    pub fn costmap(&self) -> Option<&Costmap> {
        self.state.as_ref().map(|s| &s.costmap)
    }

    /// Takes a whole new grid.
    pub fn replace(&mut self, grid: OccupancyGrid) -> &Costmap {
        self.version += 1;
        let geometry = *grid.geometry();
        let costs = grid.data().iter().map(|v| self.base_cost(*v)).collect();
        let mut costmap = Costmap { geometry, costs, version: self.version };
        let kernel = Kernel::new(&self.config, &geometry);
        if self.kind == GridKind::Map {
            kernel.stamp(&geometry, &mut costmap.costs, Rect::whole(&geometry));
        }
        &self.state.insert(State { grid, kernel, costmap }).costmap
    }

    /// Takes new parameters, and works out the costs anew from the grid as it came in.
    pub fn configure(&mut self, config: &Config) -> Option<&Costmap> {
        self.config = config.clone();
        let grid = self.state.take()?.grid;
        Some(self.replace(grid))
    }

    /// Takes new values for a rectangle, and works out the costs of that rectangle and what is around it.
    ///
    /// # Errors
    /// [`LoadError::Grid`] when there is no grid yet, the rectangle leaves it, or the values are wrong; nothing
    /// changes then.
    pub fn update(&mut self, rect: Rect, values: &[i8]) -> Result<CostPatch, LoadError> {
        let Some(mut state) = self.state.take() else {
            return Err(LoadError::Grid {
                field: "update",
                value: format!("{} x {} cells", rect.width, rect.height),
                expected: "no whole grid has come before it".to_owned(),
            });
        };
        let patch = self.apply_update(&mut state, rect, values);
        self.state = Some(state);
        patch
    }

    fn apply_update(&mut self, state: &mut State, rect: Rect, values: &[i8]) -> Result<CostPatch, LoadError> {
        state.grid.update(rect, values)?;
        let geometry = state.costmap.geometry;
        let reach = if self.kind == GridKind::Map { state.kernel.reach } else { 0 };
        let changed = rect.grown(reach, &geometry);
        for range in changed.rows(&geometry) {
            for at in range {
                state.costmap.costs[at] = self.base_cost(state.grid.data()[at]);
            }
        }
        if self.kind == GridKind::Map {
            state.kernel.stamp(&geometry, &mut state.costmap.costs, changed);
        }
        self.version += 1;
        state.costmap.version = self.version;
        let mut costs = Vec::with_capacity(changed.area());
        for range in changed.rows(&geometry) {
            costs.extend_from_slice(&state.costmap.costs[range]);
        }
        Ok(CostPatch { rect: changed, costs: costs.into_boxed_slice(), version: self.version })
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
    use crate::units::Pose;
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
        let config = Config { robot_radius: 0.2, inflation_radius: 0.3, ..Config::default() };
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
    fn a_costmap_is_taken_as_it_is() {
        let mut builder = CostmapBuilder::new(&Config::default(), GridKind::Costmap);
        let costmap = builder.replace(grid(2, 2, vec![0, 99, 100, -1]));
        assert_eq!(costmap.costs(), [0, INSCRIBED, LETHAL, UNKNOWN]);
        assert!(!costmap.is_free(Cell::new(1, 0), true));
        assert!(costmap.is_free(Cell::new(1, 1), true));
        assert!(!costmap.is_free(Cell::new(1, 1), false));
    }

    #[test]
    fn new_parameters_give_the_costs_they_would_have_given() {
        let mut data = vec![0; 81];
        data[40] = 100;
        let mut builder = CostmapBuilder::new(&Config::default(), GridKind::Map);
        assert!(builder.configure(&Config::default()).is_none(), "no grid yet");
        let old = builder.replace(grid(9, 9, data.clone())).clone();
        let config = Config { robot_radius: 0.4, ..Config::default() };
        let new = builder.configure(&config).unwrap().clone();
        let whole = CostmapBuilder::new(&config, GridKind::Map).replace(grid(9, 9, data)).clone();
        assert_eq!(new.costs(), whole.costs());
        assert!(new.costs() != old.costs() && new.version() != old.version());
    }

    #[test]
    fn an_update_before_any_grid_is_refused() {
        let mut builder = CostmapBuilder::new(&Config::default(), GridKind::Map);
        assert!(builder.update(Rect { col: 0, row: 0, width: 1, height: 1 }, &[0]).is_err());
    }

    proptest! {
        #[test]
        fn an_update_gives_the_same_costs_as_the_whole_grid(
            data in proptest::collection::vec(prop_oneof![4 => Just(0_i8), 1 => Just(100), 1 => Just(-1)], 20 * 15),
            col in 0..15, row in 0..10, value in prop_oneof![Just(0_i8), Just(100), Just(-1)],
        ) {
            let config = Config { robot_radius: 0.15, inflation_radius: 0.35, ..Config::default() };
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
