//! Changes of the costs as bytes. A costmap that takes all of them in their order is a copy of the one that was
//! recorded, with its versions and the changes that it remembers.

use std::sync::Arc;

use super::{Change, CostPatch, Costmap, GridChange, REMEMBERED};
use crate::bytes::{Bytes, BytesError, Put};
use crate::costs::{Changed, Costs, Tile};
use crate::geometry::Geometry;
use crate::tiles::{TILE_CELLS, Tiling};

const WHOLE: u8 = 0;
const PATCH: u8 = 1;

impl GridChange {
    /// The version of the costs after it.
    #[must_use]
    pub const fn version(&self) -> u64 {
        match self {
            Self::Whole(whole) => whole.version,
            Self::Patch(patch) => patch.version,
        }
    }

    /// Appends it to bytes.
    pub fn write(&self, to: &mut impl Put) {
        match self {
            Self::Whole(whole) => {
                to.put_u8(WHOLE);
                to.put_geometry(&whole.geometry);
                to.put_count(whole.version);
                whole.changes.iter().for_each(|change| change.write(to));
                whole.costs.tiles().iter().for_each(|tile| write_tile(tile, to));
            }
            Self::Patch(patch) => {
                to.put_u8(PATCH);
                patch.change.write(to);
                to.put_count(patch.version);
                to.put_count(patch.tiles.len() as u64);
                for (number, tile) in patch.tiles.tiles() {
                    to.put_count((*number).into());
                    write_tile(tile, to);
                }
            }
        }
    }

    /// Reads a change of a costmap with this geometry, if there is one before it.
    ///
    /// # Errors
    /// [`BytesError`] when it is cut off, or doesn't fit the costmap before.
    pub fn read(from: &mut Bytes, before: Option<&Geometry>) -> Result<Self, BytesError> {
        match from.u8("kind of costs")? {
            WHOLE => Ok(Self::Whole(Box::new(read_whole(from)?))),
            PATCH => {
                let none = || BytesError::value("kind of costs", &PATCH, "a whole costmap, which must come first");
                let tiling = Tiling::of(before.ok_or_else(none)?);
                let (change, version) = (Change::read(from)?, from.count("version of the costs")?);
                let tiles = read_tiles(from, tiling.count())?;
                Ok(Self::Patch(Box::new(CostPatch { change, tiles, version })))
            }
            other => Err(BytesError::value("kind of costs", &other, "0 or 1")),
        }
    }
}

fn read_whole(from: &mut Bytes) -> Result<Costmap, BytesError> {
    let geometry = from.geometry("geometry of the costs")?;
    let version = from.count("version of the costs")?;
    let mut changes = [Change::NONE; REMEMBERED];
    for change in &mut changes {
        *change = Change::read(from)?;
    }
    let tiling = Tiling::of(&geometry);
    // A tile takes at least three bytes.
    if tiling.count() > from.left() {
        return Err(BytesError::CutOff { field: "costs", needed: tiling.count(), left: from.left() });
    }
    let tiles = (0..tiling.count()).map(|_| read_tile(from)).collect::<Result<_, _>>()?;
    Ok(Costmap { geometry, costs: Costs::of(tiling, tiles), version, changes })
}

fn read_tiles(from: &mut Bytes, count: usize) -> Result<Changed, BytesError> {
    let length = from.length("changed tiles")?;
    let tiles = (0..length).map(|_| {
        let number: u32 = from.small("number of a tile")?;
        if number as usize >= count {
            return Err(BytesError::value("number of a tile", &number, "of a tile of the grid"));
        }
        Ok((number, read_tile(from)?))
    });
    tiles.collect::<Result<_, _>>().map(Changed::of)
}

impl Change {
    fn write(&self, to: &mut impl Put) {
        to.put_count(self.before);
        to.put_rect(self.rect);
    }

    fn read(from: &mut Bytes) -> Result<Self, BytesError> {
        Ok(Self { before: from.count("version before a change")?, rect: from.rect("changed rectangle")? })
    }
}

/// Runs of equal costs.
fn write_tile(tile: &Tile, to: &mut impl Put) {
    for run in tile.chunk_by(|a, b| a == b) {
        to.put_count(run.len() as u64);
        to.put_u8(run[0]);
    }
}

fn read_tile(from: &mut Bytes) -> Result<Arc<Tile>, BytesError> {
    let mut tile = [0; TILE_CELLS];
    let mut at = 0;
    while at < TILE_CELLS {
        let run: usize = from.small("run of equal costs")?;
        let cost = from.u8("cost")?;
        let cells = tile.get_mut(at..).and_then(|rest| rest.get_mut(..run)).filter(|cells| !cells.is_empty());
        cells.ok_or_else(|| BytesError::value("run of equal costs", &run, "within the tile"))?.fill(cost);
        at += run;
    }
    Ok(Arc::new(tile))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trm_config::{GridConfig, GridKind};

    use super::*;
    use crate::costmap_builder::CostmapBuilder;
    use crate::geometry::Rect;
    use crate::occupancy::OccupancyGrid;
    use crate::units::Pose;

    fn again(change: &GridChange, before: Option<&Geometry>) -> Result<GridChange, BytesError> {
        let mut bytes = Vec::new();
        change.write(&mut bytes);
        let mut bytes = Bytes::new(&bytes);
        let read = GridChange::read(&mut bytes, before);
        assert_eq!(bytes.left(), 0);
        read
    }

    proptest! {
        #[test]
        fn a_costmap_that_takes_what_was_written_is_a_copy(
            updates in prop::collection::vec((0..150_i32, 0..100_i32, 1_u32..40, 1_u32..40, 0_i8..101), 1..6),
        ) {
            let geometry = Geometry::new(150, 100, 0.1, Pose::new(-1.0, 2.0, 0.3)).unwrap();
            let mut builder = CostmapBuilder::new(&GridConfig::default(), GridKind::Map);
            builder.take_grid(OccupancyGrid::new(geometry, vec![0; geometry.cells()]).unwrap());
            let mut copy = None;
            for (col, row, width, height, value) in updates {
                if let Some(change) = builder.refresh_to_end() {
                    let read = again(&change, copy.as_deref().map(Costmap::geometry)).unwrap();
                    prop_assert_eq!(&read, &change);
                    drop(read.apply(&mut copy));
                }
                prop_assert_eq!(copy.as_deref(), builder.costmap());
                let rect = Rect { col, row, width, height }.grown(0, &geometry);
                builder.take_update(rect, &vec![value; rect.area()]).unwrap();
            }
        }

        #[test]
        fn other_bytes_are_refused_or_are_a_change(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let geometry = Geometry::new(150, 100, 0.1, Pose::default()).unwrap();
            if let Ok(change) = GridChange::read(&mut Bytes::new(&bytes), Some(&geometry)) {
                prop_assert_eq!(again(&change, Some(&geometry)), Ok(change));
            }
        }
    }

    #[test]
    fn a_patch_needs_a_costmap_and_tiles_of_its_size() {
        let small = Geometry::new(10, 10, 0.1, Pose::default()).unwrap();
        let mut bytes = vec![PATCH];
        Change::NONE.write(&mut bytes);
        bytes.extend([7, 1, 4]);
        bytes.extend([0; 8]);
        let refused = |before| GridChange::read(&mut Bytes::new(&bytes), before).unwrap_err().to_string();
        assert_eq!(refused(None), "kind of costs is 1, which is not a whole costmap, which must come first");
        assert_eq!(refused(Some(&small)), "number of a tile is 4, which is not of a tile of the grid");
    }
}
