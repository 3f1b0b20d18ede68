//! Guidance as bytes. What is right on a version of the costs is named by that alone: its values are those of
//! Dijkstra's algorithm there. Of guidance along one way, or that is right near the robot only, the tiles are written
//! in which it differs from whole guidance before it.

use crate::bytes::{Bytes, BytesError, Put};
use crate::cost_to_go::{CostsToGo, Exact};
use crate::geometry::Geometry;
use crate::guidance::{Extent, Guidance, form};
use crate::tariff::UNREACHED;
use crate::tiles::{TILE_CELLS, Tiling};
use crate::travel::Travel;
use crate::units::Cell;

const WHOLE: u8 = 0;
const NEAR: u8 = 1;
const PART: u8 = 2;

/// Guidance as it was recorded.
#[derive(Debug, Clone)]
pub enum RecordedGuidance {
    /// All of it is right: [`Guidance::compute`] makes it of these costs.
    Whole {
        /// The goal's cell.
        goal: Cell,
        /// The travel costs.
        travel: Travel,
        /// The version of the costs.
        version: u64,
    },
    /// Not all of it is right, or known.
    Part(PartOfGuidance),
}

/// Guidance that is right in a part of the grid.
#[derive(Debug, Clone)]
pub struct PartOfGuidance {
    goal: Cell,
    travel: Travel,
    extent: Extent,
    geometry: Geometry,
    /// The number of the guidance whose values the other tiles have; `None` where they aren't known.
    base: Option<u64>,
    tiles: Vec<(usize, Box<Exact>)>,
}

impl Guidance {
    /// Appends it to bytes: if all of it is right on a version of the costs, without its values. `base` is whole guidance
    /// before it, with a number. It must not be [laid over](Self::lay_over) another grid.
    pub fn write(&self, base: Option<(u64, &Self)>, to: &mut impl Put) {
        to.put_u8(match self.extent {
            Extent::Whole(_) => WHOLE,
            Extent::Near => NEAR,
            Extent::Part => PART,
        });
        to.put_cell(self.goal);
        self.travel.write(to);
        if let Some(version) = self.version() {
            return to.put_count(version);
        }
        to.put_geometry(&self.own);
        let is_like = |base: &Self| base.goal == self.goal && base.travel == self.travel && base.own == self.own;
        let base = base.filter(|(_, base)| is_like(base));
        // Numbers begin with 1.
        to.put_count(base.map_or(0, |(number, _)| number));
        let tiles = self.costs.differing(base.map(|(_, base)| &base.costs));
        to.put_count(tiles.len() as u64);
        for (number, costs) in tiles {
            to.put_count(number as u64);
            let mut before = 0;
            for cost in costs.iter().map(|cost| i64::from(*cost)) {
                to.put_signed(cost - before);
                before = cost;
            }
        }
    }
}

impl RecordedGuidance {
    /// Reads what [`Guidance::write`] wrote.
    ///
    /// # Errors
    /// [`BytesError`] when it is cut off, or a value can't be.
    pub fn read(from: &mut Bytes) -> Result<Self, BytesError> {
        let kind = from.u8("kind of guidance")?;
        let (goal, travel) = (from.cell("goal of the guidance")?, Travel::read(from)?);
        match kind {
            WHOLE => Ok(Self::Whole { goal, travel, version: from.count("version of the guidance")? }),
            NEAR | PART => {
                let extent = if kind == NEAR { Extent::Near } else { Extent::Part };
                let geometry = from.geometry("geometry of the guidance")?;
                let base = Some(from.count("number of older guidance")?).filter(|number| *number > 0);
                let count = Tiling::of(&geometry).count();
                let length = from.length("tiles of guidance")?;
                let tiles = (0..length).map(|_| read_tile(from, count)).collect::<Result<_, _>>()?;
                Ok(Self::Part(PartOfGuidance { goal, travel, extent, geometry, base, tiles }))
            }
            other => Err(BytesError::value("kind of guidance", &other, "0, 1 or 2")),
        }
    }
}

impl PartOfGuidance {
    /// The number of the guidance that it was written beside.
    #[must_use]
    pub const fn base(&self) -> Option<u64> {
        self.base
    }

    /// The guidance, made of that which it was written beside. `None` if that is another one.
    #[must_use]
    pub fn restore(&self, base: Option<&Guidance>) -> Option<Guidance> {
        let is_base = |base: &&Guidance| base.goal == self.goal && base.own == self.geometry;
        let mut costs = match (self.base, base.filter(is_base)) {
            (None, _) => CostsToGo::new(Tiling::of(&self.geometry), form(&self.geometry)),
            (Some(_), base) => base?.costs.clone(),
        };
        self.tiles.iter().for_each(|(number, tile)| costs.write(*number, tile));
        Some(Guidance::of((self.geometry, self.extent), self.goal, self.travel, costs))
    }
}

fn read_tile(from: &mut Bytes, count: usize) -> Result<(usize, Box<Exact>), BytesError> {
    let number: usize = from.small("number of a tile")?;
    if number >= count {
        return Err(BytesError::value("number of a tile", &number, "of a tile of the grid"));
    }
    let (mut tile, mut before) = (Box::new([UNREACHED; TILE_CELLS]), 0_i64);
    for cost in tile.iter_mut() {
        before = before.wrapping_add(from.signed("cost-to-go")?);
        let known = u32::try_from(before).ok().filter(|cost| *cost <= UNREACHED);
        *cost = known.ok_or_else(|| BytesError::value("cost-to-go", &before, "a number of units"))?;
    }
    Ok((number, tile))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trm_config::{GridConfig, GridKind};

    use super::*;
    use crate::costmap::Costmap;
    use crate::costmap_builder::CostmapBuilder;
    use crate::geometry::Rect;
    use crate::occupancy::OccupancyGrid;
    use crate::testing::travel;
    use crate::units::Pose;
    use crate::upkeep::Upkeep;

    fn again(guidance: &Guidance, base: Option<(u64, &Guidance)>) -> RecordedGuidance {
        let mut bytes = Vec::new();
        guidance.write(base, &mut bytes);
        let mut bytes = Bytes::new(&bytes);
        let read = RecordedGuidance::read(&mut bytes).unwrap();
        assert_eq!(bytes.left(), 0);
        read
    }

    fn values(guidance: &Guidance, map: &Costmap) -> Vec<u32> {
        (0..map.geometry().cells()).map(|at| guidance.cost_to_go(map.geometry().cell(at)).to_bits()).collect()
    }

    proptest! {
        #[test]
        fn what_is_right_near_the_robot_has_the_same_values_again(
            col in 0..130_i32, row in 0..90_i32, value in prop_oneof![Just(100_i8), Just(60)], bound in 0.0..80.0_f32,
            has_base in any::<bool>(), polls in 0..4_u32,
        ) {
            let geometry = Geometry::new(150, 100, 1.0, Pose::default()).unwrap();
            let mut builder = CostmapBuilder::new(&GridConfig::default(), GridKind::Costmap);
            builder.take_grid(OccupancyGrid::new(geometry, vec![0; geometry.cells()]).unwrap());
            builder.refresh_to_end();
            let goal = Cell::new(140, 90);
            let mut upkeep = Upkeep::new(builder.costmap().unwrap(), goal, travel(2.0));
            upkeep.advance(builder.costmap().unwrap(), f32::INFINITY, &|| false);
            let base = upkeep.guidance();
            let rect = Rect { col, row, width: 20, height: 10 };
            builder.take_update(rect, &vec![value; rect.area()]).unwrap();
            builder.refresh_to_end();
            let map = builder.costmap().unwrap();
            prop_assume!(upkeep.take_changes(map));
            upkeep.advance(map, bound, &|| false);
            let left = std::cell::Cell::new(polls);
            let is_whole = upkeep.advance(map, f32::INFINITY, &|| left.replace(left.get().saturating_sub(1)) == 0);
            let near = upkeep.guidance();
            match again(&near, has_base.then_some((3, &base))) {
                RecordedGuidance::Whole { goal: to, travel, version } => {
                    prop_assert!(is_whole && to == goal && version == map.version());
                    let computed = Guidance::compute(map, to, travel, &|| false).unwrap();
                    prop_assert_eq!(values(&computed, map), values(&near, map));
                }
                RecordedGuidance::Part(part) => {
                    prop_assert_eq!((is_whole, part.base()), (false, has_base.then_some(3)));
                    let restored = part.restore(Some(&base)).unwrap();
                    prop_assert_eq!((restored.goal(), restored.extent()), (goal, Extent::Near));
                    prop_assert_eq!(values(&restored, map), values(&near, map));
                    prop_assert_eq!(part.restore(None).is_none(), has_base);
                }
            }
        }

        #[test]
        fn other_bytes_are_refused_or_are_guidance(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(RecordedGuidance::Part(part)) = RecordedGuidance::read(&mut Bytes::new(&bytes)) {
                prop_assert!(part.tiles.is_empty());
            }
        }
    }
}
