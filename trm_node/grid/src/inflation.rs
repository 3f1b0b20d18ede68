//! Inflation: costs around lethal cells, as Nav2's inflation layer computes them and its publisher encodes them.
//!
//! Source of the costs: navigation2 (jazzy), `nav2_costmap_2d/include/nav2_costmap_2d/inflation_layer.hpp`
//! `computeCost` and `src/costmap_2d_publisher.cpp` `cost_translation_table_`. Distances are exact and measured between
//! cell centres.
//!
//! Source of the distances: C. R. Maurer, R. Qi and V. Raghavan, "A linear time algorithm for computing exact Euclidean
//! distance transforms of binary images in arbitrary dimensions", IEEE TPAMI 25(2), 2003. The nearest lethal cell of
//! each column is found first. Then, in each row, of these only those that are the nearest of some cell are kept, on a
//! stack, and followed from left to right. All in whole numbers. The time is linear in the cells whatever the radius.
//!
//! Here the rows follow each other upwards and the columns' nearest lethal cells are carried along, so no distance is
//! stored for more than one row: the temporary memory is 16 bytes per column, however many rows there are and however
//! large the radius is.

use crate::cost::{INSCRIBED, LETHAL, UNKNOWN};
use crate::error::Interrupted;
use crate::geometry::{Geometry, Rect};
use crate::pace::{Pace, STRIDE};
use trm_config::GridConfig;

/// Most entries of [`Inflation::costs`].
const MOST_ENTRIES: u64 = 1 << 14;
/// A row that is farther away than any other, in either direction.
const FAR: i32 = i32::MAX / 2;

/// The costs that lethal cells cause around them, by squared distance in cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inflation {
    /// The greatest distance along an axis at which a lethal cell causes a cost, in cells.
    reach: i32,
    /// The greatest squared distance at which each cost, or a higher one, is caused. The first entry is not used.
    farthest: [i32; INSCRIBED as usize + 1],
    /// The cost at the least squared distance of each run of 2^`shift` squared distances: where to begin looking.
    costs: Vec<u8>,
    shift: u32,
    /// Whether unknown cells become inscribed: a disc's centre can't be there whatever they hold. A footprint may reach into
    /// inscribed cells, so for it they stay unknown.
    hides_unknown: bool,
}

impl Inflation {
    /// No cost around lethal cells.
    pub const NONE: Self =
        Self { reach: 0, farthest: [0; INSCRIBED as usize + 1], costs: Vec::new(), shift: 0, hides_unknown: true };

    /// The costs for a grid's resolution.
    pub fn new(config: &GridConfig, geometry: &Geometry) -> Self {
        let resolution = geometry.resolution();
        let inscribed = config.inscribed_radius();
        let radius = (config.inflation_radius.max(inscribed) / resolution).ceil();
        // No two cells of the grid are farther apart than its corners.
        let (across, up) = (u64::from(geometry.width() - 1), u64::from(geometry.height() - 1));
        let within = (across * across + up * up).min((radius as u64).saturating_pow(2));
        let cost_at = |squared: u64| cost((squared as f64).sqrt() * resolution, inscribed, config.cost_scaling_factor);
        let mut farthest = [0; INSCRIBED as usize + 1];
        for (least, farthest) in farthest.iter_mut().enumerate().skip(1) {
            // The cost falls with distance, and is greatest at 0.
            let (mut inside, mut outside) = (0, within + 1);
            while outside - inside > 1 {
                let middle = u64::midpoint(inside, outside);
                if usize::from(cost_at(middle)) >= least {
                    inside = middle;
                } else {
                    outside = middle;
                }
            }
            *farthest = inside as i32;
        }
        let last = farthest[1] as u64;
        let shift = (last / MOST_ENTRIES + 1).next_power_of_two().ilog2();
        let costs = (0..=last >> shift).map(|entry| cost_at(entry << shift)).collect();
        let hides_unknown = config.footprint.is_none();
        Self { reach: last.isqrt() as i32, farthest, costs, shift, hides_unknown }
    }

    /// The greatest distance along an axis at which a lethal cell causes a cost, in cells.
    pub const fn reach(&self) -> i32 {
        self.reach
    }

    /// The cost that the nearest lethal cell causes at a squared distance in cells.
    fn cost(&self, squared: i32) -> u8 {
        if squared > self.farthest[1] {
            return 0;
        }
        let mut cost = self.costs[squared as usize >> self.shift];
        while squared > self.farthest[cost as usize] {
            cost -= 1;
        }
        cost
    }
}

/// A lethal cell that is the nearest to the row in its column.
#[derive(Clone, Copy)]
struct Site {
    col: i32,
    /// The square of its distance to the row.
    squared: i32,
}

impl Site {
    /// The squared distance to the row's cell in a column.
    const fn squared_to(self, col: i32) -> i32 {
        (self.col - col) * (self.col - col) + self.squared
    }
}

/// Inflates a rectangle of a grid row by row, upwards.
pub(super) struct Sweep<'a> {
    inflation: &'a Inflation,
    stride: usize,
    area: Rect,
    /// The cells that the costs of the area depend on.
    sources: Rect,
    /// The next row of the area.
    row: i32,
    /// The row of the last lethal cell below `row` in each column of `sources`; `-FAR` if there is none within reach.
    below: Vec<i32>,
    /// No row from `row` to the one before this is lethal, for each column of `sources`.
    next: Vec<i32>,
    /// Scratch: the nearest lethal cells of the row, from left to right, each the nearest of some column.
    sites: Vec<Site>,
}

impl<'a> Sweep<'a> {
    /// Begins at the lowest row of `area`, which lies in the grid. `is_lethal` takes an index into the grid's row-major
    /// data.
    ///
    /// # Errors
    /// [`Interrupted`] if the work must stop.
    pub fn new(
        inflation: &'a Inflation,
        geometry: &Geometry,
        area: Rect,
        is_lethal: impl Fn(usize) -> bool,
        pace: &mut Pace,
    ) -> Result<Self, Interrupted> {
        let stride = geometry.width() as usize;
        let sources = area.grown(inflation.reach, geometry);
        let mut below = Vec::with_capacity(sources.width as usize);
        for col in sources.col..sources.col + sources.width as i32 {
            let lethal = (sources.row..area.row).rev().find(|row| is_lethal(*row as usize * stride + col as usize));
            below.push(lethal.unwrap_or(-FAR));
            pace.spend((area.row - sources.row) as usize)?;
        }
        let next = vec![area.row; below.len()];
        Ok(Self { inflation, stride, area, sources, row: area.row, below, next, sites: Vec::new() })
    }

    /// Inflates the costs of the next row of the area.
    ///
    /// # Errors
    /// [`Interrupted`] if the work must stop.
    pub fn inflate(
        &mut self,
        is_lethal: impl Fn(usize) -> bool,
        costs: &mut [u8],
        pace: &mut Pace,
    ) -> Result<(), Interrupted> {
        if self.inflation.reach > 0 {
            self.find_sites(is_lethal, pace)?;
            self.inflate_row(costs);
            self.row += 1;
        }
        pace.spend(costs.len())
    }

    /// Finds the nearest lethal cell of each column.
    fn find_sites(&mut self, is_lethal: impl Fn(usize) -> bool, pace: &mut Pace) -> Result<(), Interrupted> {
        let (row, reach) = (self.row, self.inflation.reach);
        let last = (row + reach).min(self.sources.row + self.sources.height as i32 - 1);
        let mut looked_at = 0;
        self.sites.clear();
        for (col, (below, next)) in (self.sources.col..).zip(self.below.iter_mut().zip(&mut self.next)) {
            if *next < row {
                *below = *next;
                *next = row;
            }
            let from = *next;
            let mut at = from as usize * self.stride + col as usize;
            while *next <= last && !is_lethal(at) {
                *next += 1;
                at += self.stride;
            }
            let distance = if *next <= last { (*next - row).min(row - *below) } else { row - *below };
            if distance <= reach {
                push(&mut self.sites, Site { col, squared: distance * distance });
            }
            looked_at += (*next - from) as usize;
            if looked_at >= STRIDE {
                pace.spend(std::mem::take(&mut looked_at))?;
            }
        }
        pace.spend(looked_at)
    }

    fn inflate_row(&self, costs: &mut [u8]) {
        let (Some(first), Some(last)) = (self.sites.first(), self.sites.last()) else { return };
        let (reach, left) = (self.inflation.reach, self.area.col);
        let begin = (first.col - reach - left).max(0) as usize;
        let end = ((last.col + reach + 1 - left).max(0) as usize).min(costs.len());
        let mut sites = self.sites.iter().copied();
        let (mut site, mut following) = (sites.next(), sites.next());
        for (at, here) in costs.iter_mut().enumerate().take(end).skip(begin) {
            let col = left + at as i32;
            while let (Some(this), Some(next)) = (site, following)
                && next.squared_to(col) <= this.squared_to(col)
            {
                (site, following) = (Some(next), sites.next());
            }
            let cost = site.map_or(0, |site| self.inflation.cost(site.squared_to(col)));
            let is_hidden = *here == UNKNOWN && cost >= INSCRIBED && self.inflation.hides_unknown;
            if is_hidden || (*here < cost && *here != LETHAL) {
                *here = cost;
            }
        }
    }
}

/// Puts a cell on the stack, and takes off those that are now the nearest of no column.
fn push(sites: &mut Vec<Site>, site: Site) {
    while let [.., before, last] = sites[..]
        && is_hidden(before, last, site)
    {
        sites.pop();
    }
    sites.push(site);
}

/// Whether no column is nearer to the middle one of three cells, given from left to right, than to the two others:
/// `(c − a) · m² − (c − b) · l² − (b − a) · r² ≥ (b − a) · (c − b) · (c − a)` for the columns a, b, c and the squared
/// distances l², m², r² to the row.
const fn is_hidden(left: Site, middle: Site, right: Site) -> bool {
    let (before, after) = ((middle.col - left.col) as i64, (right.col - middle.col) as i64);
    let (l, m, r) = (left.squared as i64, middle.squared as i64, right.squared as i64);
    (before + after) * m - after * l - before * r >= before * after * (before + after)
}

/// The published cost at a distance from the centre of a lethal cell, for a robot with this inscribed radius, both in
/// metres. It falls with distance, by this factor a metre.
fn cost(distance: f64, inscribed: f64, scaling: f64) -> u8 {
    // The tolerance absorbs rounding: 4 cells of 0.05 m must count as within 0.2 m.
    if distance <= inscribed + 1e-9 {
        return INSCRIBED;
    }
    let factor = (-scaling * (distance - inscribed)).exp();
    let internal = (252.0 * factor) as u32;
    if internal == 0 { 0 } else { (1 + 97 * (internal - 1) / 251) as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Pose;
    use proptest::prelude::*;

    fn cost_with(config: &GridConfig, distance: f64) -> u8 {
        cost(distance, config.inscribed_radius(), config.cost_scaling_factor)
    }

    /// The definition: every lethal cell raises the costs of all cells of `area` within the radius.
    fn stamp(
        config: &GridConfig,
        geometry: &Geometry,
        is_lethal: impl Fn(usize) -> bool,
        area: Rect,
        costs: &mut [u8],
    ) {
        let resolution = geometry.resolution();
        let radius = (config.inflation_radius.max(config.inscribed_radius()) / resolution).ceil();
        for source in Rect::whole(geometry).cells().filter(|cell| geometry.index(*cell).is_some_and(&is_lethal)) {
            for (cell, here) in area.cells().zip(&mut *costs) {
                let cells = f64::from(cell.col - source.col).hypot(f64::from(cell.row - source.row));
                let cost = if cells > radius || cells == 0.0 { 0 } else { cost_with(config, cells * resolution) };
                let is_hidden = *here == UNKNOWN && cost >= INSCRIBED && config.footprint.is_none();
                if is_hidden || (*here < cost && *here != LETHAL) {
                    *here = cost;
                }
            }
        }
    }

    fn inflate(inflation: &Inflation, geometry: &Geometry, base: &[u8], area: Rect, costs: &mut [u8]) {
        let mut go_on = || true;
        let mut pace = Pace::new(&mut go_on);
        let is_lethal = |at: usize| base[at] == LETHAL;
        let mut sweep = Sweep::new(inflation, geometry, area, is_lethal, &mut pace).unwrap();
        for row in costs.chunks_mut(area.width as usize) {
            sweep.inflate(is_lethal, row, &mut pace).unwrap();
        }
    }

    #[test]
    fn costs_decrease_from_inscribed_as_in_nav2() {
        let config = GridConfig { robot_radius: 0.2, cost_scaling_factor: 10.0, ..GridConfig::default() };
        assert_eq!(cost_with(&config, 0.2), 99);
        assert_eq!(cost_with(&config, 4.0 * 0.05), 99);
        // 252 · exp(−10 · 0.05) = 152.8 → 1 + 97 · 151 / 251 = 59
        assert_eq!(cost_with(&config, 0.25), 59);
        assert_eq!(cost_with(&config, 2.0), 0);
    }

    #[test]
    fn a_footprint_costs_what_its_inscribed_disc_does() {
        let footprint = "[[0.7, 0.31], [-0.2, 0.31], [-0.2, -0.31], [0.7, -0.31]]".parse().ok();
        let oblong = GridConfig { robot_radius: 3.0, footprint, inflation_radius: 0.0, ..GridConfig::default() };
        let disc = GridConfig { robot_radius: 0.21, footprint: None, ..oblong.clone() };
        let geometry = Geometry::new(30, 30, 0.05, Pose::default()).unwrap();
        let [oblong, disc] = [oblong, disc].map(|config| Inflation::new(&config, &geometry));
        assert_eq!((oblong.reach, oblong.farthest, &oblong.costs), (disc.reach, disc.farthest, &disc.costs));
        let inflated = |inflation: &Inflation| {
            let row = Geometry::new(3, 1, 0.05, Pose::default()).unwrap();
            let base = [LETHAL, UNKNOWN, 0];
            let mut costs = base;
            inflate(inflation, &row, &base, Rect::whole(&row), &mut costs);
            costs
        };
        assert_eq!(inflated(&disc), [LETHAL, INSCRIBED, INSCRIBED]);
        assert_eq!(inflated(&oblong), [LETHAL, UNKNOWN, INSCRIBED], "its front may come there");
    }

    #[test]
    fn a_radius_larger_than_the_grid_covers_all_of_it_and_nothing_else() {
        let geometry = Geometry::new(4, 3, 0.001, Pose::default()).unwrap();
        let inflation = Inflation::new(&GridConfig { robot_radius: 10.0, ..GridConfig::default() }, &geometry);
        assert_eq!((inflation.reach, inflation.costs.len()), (3, 3 * 3 + 2 * 2 + 1));
        let mut costs = [0; 12];
        costs[0] = LETHAL;
        inflate(&inflation, &geometry, &costs.clone(), Rect::whole(&geometry), &mut costs);
        assert!(costs[1..].iter().all(|cost| *cost == INSCRIBED), "{costs:?}");
    }

    #[test]
    fn the_reach_ends_where_the_cost_does_and_the_table_stays_small() {
        let geometry = Geometry::new(16_000, 16_000, 0.001, Pose::default()).unwrap();
        let config = GridConfig { robot_radius: 0.2, inflation_radius: 20.0, ..GridConfig::default() };
        // 252 · exp(−10 · d) < 1 from d = 0.553 m on.
        assert_eq!(Inflation::new(&config, &geometry).reach, 752);
        let config = GridConfig { robot_radius: 9.0, ..config };
        let inflation = Inflation::new(&config, &geometry);
        assert!(inflation.costs.len() as u64 <= MOST_ENTRIES);
        for cells in (0..20_000).step_by(7) {
            assert_eq!(inflation.cost(cells * cells), cost_with(&config, f64::from(cells) * 0.001), "{cells}");
        }
    }

    prop_compose! {
        /// A grid's sides, and a rectangle in it.
        fn sides_and_area()(width in 1_u32..32, height in 1_u32..32)(
            width in Just(width), height in Just(height), col in 0..width, row in 0..height,
            wide in 1..=width, high in 1..=height,
        ) -> (u32, u32, Rect) {
            let (wide, high) = (wide.min(width - col), high.min(height - row));
            (width, height, Rect { col: col as i32, row: row as i32, width: wide, height: high })
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]
        #[test]
        fn a_sweep_gives_the_costs_that_every_lethal_cell_causes(
            (width, height, area) in sides_and_area(),
            resolution in prop_oneof![Just(0.001), Just(0.05), Just(0.1), 0.001..0.5_f64],
            robot_radius in prop_oneof![Just(0.0), Just(0.2), 0.0..3.0_f64],
            inflation_radius in prop_oneof![Just(0.0), Just(0.55), 0.0..20.0_f64],
            cost_scaling_factor in prop_oneof![Just(0.0), Just(10.0), 0.0..50.0_f64, 0.0..1000.0_f64],
            // Few, many and mostly lethal cells.
            lethal in prop_oneof![0..40_u8, 0..255_u8], unknown in 0..128_u8,
            dice in prop::collection::vec(any::<[u8; 2]>(), 31 * 31),
        ) {
            let geometry = Geometry::new(width, height, resolution, Pose::default()).unwrap();
            let config = GridConfig { robot_radius, inflation_radius, cost_scaling_factor, ..GridConfig::default() };
            let free = |dice: u8| if dice < unknown { UNKNOWN } else { 0 };
            let base = |[one, other]: [u8; 2]| if one < lethal { LETHAL } else { free(other) };
            let base: Vec<u8> = dice[..geometry.cells()].iter().map(|dice| base(*dice)).collect();
            let mut expected: Vec<u8> = area.rows(&geometry).flat_map(|row| base[row].to_vec()).collect();
            let mut costs = expected.clone();
            stamp(&config, &geometry, |at| base[at] == LETHAL, area, &mut expected);
            inflate(&Inflation::new(&config, &geometry), &geometry, &base, area, &mut costs);
            prop_assert_eq!(costs, expected);
        }
    }
}
