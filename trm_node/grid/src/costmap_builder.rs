//! The builder that derives costs from the received grid, and keeps them up to date.

use trm_config::{GridConfig, GridKind};

use crate::cost::{LETHAL, UNKNOWN};
use crate::costmap::{Costmap, GridChange};
use crate::costs::{Changed, Costs, Edit};
use crate::due::Due;
use crate::error::{GridError, Interrupted};
use crate::geometry::{Geometry, Rect};
use crate::inflation::{Inflation, Sweep};
use crate::occupancy::{OccupancyGrid, check_update};
use crate::pace::Pace;
use crate::packed::PackedGrid;
use crate::tiles::{TILE_SIDE, Tiling};

/// Keeps the received grid and derives the costs from it. Belongs off the planning loop: it allocates.
///
/// What is received is taken in at once, and its costs are computed by [`refresh`](Self::refresh), for many updates
/// together. The time of that is linear in the cells that have changed and those within twice the inflation's reach of
/// them, whatever the radius. Cells that are the same as before, as when a grid is sent again, are only compared.
///
/// # Memory
/// Per cell of the grid, at rest: ¼ byte for the received grid, if it has had no more than four different values (½
/// byte for up to sixteen, else 1 byte), and at most 1 byte for the costs, less where tiles are equal. That is 1¼ to 2
/// bytes. A grid that waits for `refresh` takes 1 byte more. Costs that have changed take up to 1 byte more while they
/// are computed, when no grid waits any more. So at most it is 2¼ to 3 bytes; ½ byte more while the received grid gets
/// more bits, and 1 byte more during [`take_grid`](Self::take_grid) if another grid waits already. The inflation takes
/// nothing per cell, but 80 bytes per column, whatever its radius.
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
/// let map = OccupancyGrid::new(geometry, vec![0; 400])?;
/// let mut builder = CostmapBuilder::new(&GridConfig::default(), GridKind::Map);
/// builder.take_grid(map.clone());
/// let mut copy = None;
/// let change = builder.refresh(&mut || true)?.expect("the first costs");
/// assert!(change.apply(&mut copy).is_none(), "there was no copy before");
/// assert_eq!(copy.as_deref(), builder.costmap());
///
/// // The same map again changes nothing.
/// builder.take_grid(map);
/// assert_eq!(builder.refresh(&mut || true)?, None);
///
/// // Two updates of one cell become one patch, which brings the copy up to date.
/// builder.take_update(Rect { col: 10, row: 10, width: 1, height: 1 }, &[100])?;
/// builder.take_update(Rect { col: 13, row: 10, width: 1, height: 1 }, &[100])?;
/// assert!(builder.is_due());
/// let patch = builder.refresh(&mut || true)?.expect("the costs around the cells have changed");
/// drop(patch.apply(&mut copy));
/// let costmap = builder.costmap().expect("the copy's source");
/// assert_eq!(copy.as_deref(), Some(costmap));
/// assert_eq!(costmap.cost(Cell::new(10, 10)), Some(LETHAL));
/// assert!(!costmap.is_free(Cell::new(11, 10), false), "within the robot's radius");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct CostmapBuilder {
    config: GridConfig,
    kind: GridKind,
    /// A grid that was taken and is not yet part of `received`, or only its lower rows are.
    waiting: Option<Waiting>,
    received: Option<Received>,
    /// Where `received` has changed since the costs were computed.
    due: Due,
    /// Where `received` has changed since the last [`rebuilder`](CostmapBuilder::rebuilder).
    since: Due,
    /// The costs were adopted: no change leads to them from those before.
    is_adopted: bool,
    costmap: Option<Costmap>,
}

/// A grid as it came in.
#[derive(Clone)]
struct Waiting {
    grid: OccupancyGrid,
    /// The first row that is not yet compared with the grid before.
    row: u32,
}

/// The received grid, and how its lethal cells inflate costs.
#[derive(Clone)]
struct Received {
    grid: PackedGrid,
    inflation: Inflation,
}

impl CostmapBuilder {
    /// Creates a builder that has no grid yet.
    #[must_use]
    pub fn new(config: &GridConfig, kind: GridKind) -> Self {
        Self {
            config: config.clone(),
            kind,
            waiting: None,
            received: None,
            due: Due::default(),
            since: Due::default(),
            is_adopted: false,
            costmap: None,
        }
    }

    /// The costs of the last [`refresh`](Self::refresh) that was not interrupted; `None` before the first one.
    #[must_use]
    pub const fn costmap(&self) -> Option<&Costmap> {
        self.costmap.as_ref()
    }

    /// Whether something was taken since the costs were computed.
    #[must_use]
    pub const fn is_due(&self) -> bool {
        self.waiting.is_some() || !self.due.is_empty() || self.is_adopted
    }

    /// Replaces the received grid. Its costs are due.
    pub fn take_grid(&mut self, grid: OccupancyGrid) {
        self.waiting = Some(Waiting { grid, row: 0 });
    }

    /// Overwrites a rectangle of the received grid. The costs near it are due. The time depends on the rectangle alone,
    /// except that the whole grid is repacked, twice in its life at most, when new values need more bits.
    ///
    /// # Errors
    /// [`GridError`] if there is no grid yet, the rectangle extends beyond it, or the values are invalid. Nothing
    /// changes then.
    pub fn take_update(&mut self, rect: Rect, values: &[i8]) -> Result<(), GridError> {
        if let Some(waiting) = &mut self.waiting {
            waiting.grid.update(rect, values)?;
            waiting.row = waiting.row.min(rect.row.cast_unsigned());
            return Ok(());
        }
        let Some(received) = &mut self.received else {
            return Err(GridError {
                field: "update",
                value: format!("{} x {} cells", rect.width, rect.height),
                expected: "no whole grid has come before it".to_owned(),
            });
        };
        check_update(received.grid.geometry(), rect, values)?;
        let rows = values.chunks(rect.width.max(1) as usize);
        if received.grid.prepare(values, &mut Pace::new(&mut || true)).is_ok()
            && let Some(changed) = received.grid.write(rect, rows)
        {
            received.mark(changed, [&mut self.due, &mut self.since]);
        }
        Ok(())
    }

    /// Changes the parameters. If they give other costs, then all costs are due.
    pub fn configure(&mut self, config: &GridConfig) {
        let old = std::mem::replace(&mut self.config, config.clone());
        let Some(received) = &mut self.received else { return };
        let geometry = *received.grid.geometry();
        let inflation = inflation(&self.config, self.kind, &geometry);
        let is_threshold_new = self.kind == GridKind::Map && old.occupied_threshold != config.occupied_threshold;
        if is_threshold_new || inflation != received.inflation {
            received.inflation = inflation;
            self.due = Due::all(&geometry);
        }
    }

    /// Computes the costs that are due. `go_on` is asked once for every 4096 cells of work, or once for every row if
    /// that has more: about every tenth of a millisecond. When it returns `false`, the costs stay as they were, and the
    /// next call begins again. After the last question, tiles are exchanged and freed, in a few milliseconds for the
    /// largest grids.
    ///
    /// Returns what brings copies up to date, or `None` if no cost has changed; then the version stays too. If the
    /// geometry is that of the costs before, this is a patch, for a receiver can then keep what it knows of cells
    /// outside of its rectangle. But where both more than half of the grid's cells lie in that rectangle and more than
    /// half of its tiles have changed, little could be kept. Then it is the whole costmap: a receiver swaps one pointer
    /// instead of each tile. It shares the tiles that are the same, and remembers its earlier changes.
    ///
    /// # Errors
    /// [`Interrupted`] if `go_on` has returned `false`. What was due stays due.
    pub fn refresh(&mut self, go_on: &mut dyn FnMut() -> bool) -> Result<Option<GridChange>, Interrupted> {
        let mut pace = Pace::new(go_on);
        self.receive(&mut pace)?;
        let Some(received) = self.received.as_ref().filter(|_| !self.due.is_empty()) else {
            return Ok(self.adopted());
        };
        let geometry = *received.grid.geometry();
        let values = received.grid.values();
        let base: Vec<u8> = values.iter().map(|value| base_cost(*value, self.kind, &self.config)).collect();
        let same = self.costmap.as_mut().filter(|costmap| *costmap.geometry() == geometry);
        let change = if let Some(costmap) = same {
            let changed = received.compute(&self.due, &base, costmap.tiles(), &mut pace)?;
            changed.map(|(rect, tiles)| change(costmap, rect, tiles))
        } else {
            let mut costs = Costs::free(&geometry);
            if let Some((_, mut tiles)) = received.compute(&self.due, &base, &costs, &mut pace)? {
                costs.exchange(&mut tiles);
            }
            let costmap = self.costmap.insert(Costmap::new(geometry, costs));
            Some(GridChange::Whole(Box::new(costmap.clone())))
        };
        self.due = Due::default();
        Ok(self.adopted().or(change))
    }

    /// Computes the costs that are due like [`refresh`](Self::refresh), for those who may wait: nothing interrupts it.
    pub fn refresh_to_end(&mut self) -> Option<GridChange> {
        self.refresh(&mut || true).ok().flatten()
    }

    /// The whole costmap, if its costs were adopted and nobody knows of it.
    fn adopted(&mut self) -> Option<GridChange> {
        let is_adopted = std::mem::take(&mut self.is_adopted);
        self.costmap.as_ref().filter(|_| is_adopted).map(|costmap| GridChange::Whole(Box::new(costmap.clone())))
    }

    /// The parameters of the costs.
    #[must_use]
    pub const fn config(&self) -> &GridConfig {
        &self.config
    }

    /// A builder of the same grid with other parameters. It can [`refresh`](Self::refresh) on another thread, while this
    /// one goes on with the present ones, until this one [adopts](Self::adopt) what it has made. There should be one at
    /// a time. It shares the costs, and has the received grid once more.
    #[must_use]
    pub fn rebuilder(&mut self, config: &GridConfig) -> Self {
        self.since = Due::default();
        let mut other = self.clone();
        other.configure(config);
        other
    }

    /// Takes over parameters and costs of a [`rebuilder`](Self::rebuilder) of this builder. What was taken since then is
    /// due. The next [`refresh`](Self::refresh) gives the whole costmap. `false` if the geometry of the grid has changed
    /// since; then nothing changes.
    pub fn adopt(&mut self, rebuilt: Self) -> bool {
        let Self { config, received: Some(other), costmap: Some(costmap), .. } = rebuilt else { return false };
        let is_waiting_other =
            self.waiting.as_ref().is_some_and(|waiting| waiting.grid.geometry() != costmap.geometry());
        let received = self.received.as_mut().filter(|received| received.grid.geometry() == costmap.geometry());
        let Some(received) = received.filter(|_| self.costmap.is_some() && !is_waiting_other) else { return false };
        received.inflation = other.inflation;
        (self.config, self.costmap) = (config, Some(costmap));
        self.due = std::mem::take(&mut self.since);
        self.is_adopted = true;
        true
    }

    /// Makes the grid that waits part of the received one. What differs becomes due.
    fn receive(&mut self, pace: &mut Pace) -> Result<(), Interrupted> {
        let Some(waiting) = &mut self.waiting else { return Ok(()) };
        let geometry = *waiting.grid.geometry();
        let received = match &mut self.received {
            Some(received) if *received.grid.geometry() == geometry => received,
            other => {
                // The old grid is freed first, so that there is never room for two.
                *other = None;
                self.due = Due::all(&geometry);
                self.since = Due::all(&geometry);
                let inflation = inflation(&self.config, self.kind, &geometry);
                other.insert(Received { grid: PackedGrid::new(geometry), inflation })
            }
        };
        let data = waiting.grid.data();
        while waiting.row < geometry.height() {
            let band = band(&geometry, waiting.row);
            for tile in Tiling::of(&geometry).tiles(band) {
                let part = Tiling::of(&geometry).part(tile, band);
                let rows = || part.rows(&geometry).map(|row| &data[row]);
                if !received.grid.has(part, rows()) {
                    rows().try_for_each(|row| received.grid.prepare(row, pace))?;
                    if let Some(changed) = received.grid.write(part, rows()) {
                        received.mark(changed, [&mut self.due, &mut self.since]);
                    }
                }
                pace.spend(part.area())?;
            }
            waiting.row += band.height;
        }
        self.waiting = None;
        Ok(())
    }
}

/// The costs of one grid, for those who want nothing else.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "with a grid and without interruption there are costs")]
pub fn build(config: &GridConfig, kind: GridKind, grid: OccupancyGrid) -> Costmap {
    let mut builder = CostmapBuilder::new(config, kind);
    builder.take_grid(grid);
    builder.refresh_to_end();
    builder.costmap.expect("costs of the grid")
}

impl Received {
    /// Notes that cells have changed.
    fn mark(&self, changed: Rect, parts: [&mut Due; 2]) {
        for due in parts {
            due.add(changed, self.inflation.reach(), self.grid.geometry());
        }
    }

    /// Computes the costs around what is due. `base` has the cost before inflation of each code of the grid. Gives the
    /// tiles that differ from those `before`, and the smallest rectangle that contains all cells that do.
    fn compute(
        &self,
        due: &Due,
        base: &[u8],
        before: &Costs,
        pace: &mut Pace,
    ) -> Result<Option<(Rect, Changed)>, Interrupted> {
        let geometry = self.grid.geometry();
        let is_lethal = |at: usize| base[self.grid.code(at) as usize] == LETHAL;
        let mut edit = Edit::new(before);
        let mut costs = Vec::new();
        for rect in due.rects() {
            let area = rect.grown(self.inflation.reach(), geometry);
            let top = area.row + area.height as i32;
            let mut sweep = Sweep::new(&self.inflation, geometry, area, is_lethal, pace)?;
            let mut row = area.row;
            while row < top {
                let height = (band(geometry, row.cast_unsigned()).height).min((top - row).cast_unsigned());
                let rows = Rect { row, height, ..area };
                costs.clear();
                for cells in rows.rows(geometry) {
                    let first = costs.len();
                    costs.extend(cells.map(|at| base[self.grid.code(at) as usize]));
                    sweep.inflate(is_lethal, &mut costs[first..], pace)?;
                }
                edit.write(rows, &costs, pace)?;
                row += height as i32;
            }
        }
        Ok(edit.finish())
    }
}

/// The rows from one on that lie in the same row of tiles.
fn band(geometry: &Geometry, row: u32) -> Rect {
    let end = (row / TILE_SIDE as u32 + 1) * TILE_SIDE as u32;
    Rect { col: 0, row: row.cast_signed(), width: geometry.width(), height: end.min(geometry.height()) - row }
}

fn inflation(config: &GridConfig, kind: GridKind, geometry: &Geometry) -> Inflation {
    match kind {
        GridKind::Map => Inflation::new(config, geometry),
        GridKind::Costmap => Inflation::NONE,
    }
}

/// The cost of a cell before inflation.
const fn base_cost(value: i8, kind: GridKind, config: &GridConfig) -> u8 {
    match (value, kind) {
        (..0, _) => UNKNOWN,
        (_, GridKind::Costmap) => value as u8,
        (_, GridKind::Map) => {
            if value as i64 >= config.occupied_threshold {
                LETHAL
            } else {
                0
            }
        }
    }
}

/// Swaps changed tiles into a costmap, and gives what does the same to copies. See [`CostmapBuilder::refresh`].
fn change(costmap: &mut Costmap, rect: Rect, tiles: Changed) -> GridChange {
    let geometry = *costmap.geometry();
    let is_most = 2 * rect.area() > geometry.cells() && 2 * tiles.len() > Tiling::of(&geometry).count();
    let patch = costmap.change(rect, tiles);
    if is_most { GridChange::Whole(Box::new(costmap.clone())) } else { GridChange::Patch(Box::new(patch)) }
}

#[cfg(test)]
mod tests;
