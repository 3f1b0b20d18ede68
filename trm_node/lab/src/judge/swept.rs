//! Which cells an outline comes to on its way, by looking at it at ever more moments of the way.
//!
//! Between two poses the base goes straight and the heading turns evenly, the short way round; after half a turn either way
//! round counts. A cell counts only for a moment at which it is seen to overlap, so nothing is found that isn't there. No
//! point of the outline moves farther than [`STEP`] from the nearest moment that was looked at: what overlaps deeper than
//! that is always found.

use std::f64::consts::{PI, TAU};

use crate::judge::polygon::Polygon;
use crate::judge::stand::{CellAt, Stand};

/// How far any point of the outline is from where it was at the nearest moment that was looked at, in cells.
pub const STEP: f64 = 0.01;
/// A turn this near to a half one may go either way round, in radians.
const HALF_TURN: f64 = 1e-6;

/// The angle from one heading to another, from −π to π.
pub fn turn(from: f64, to: f64) -> f64 {
    (to - from + PI).rem_euclid(TAU) - PI
}

/// The cells among `is_wanted` ones whose gap to the outline is less than `limit` at some moment between two poses, each with
/// one such moment.
pub fn met(
    polygon: &Polygon,
    (from, to): (Stand, Stand),
    limit: f64,
    is_wanted: impl Fn(CellAt) -> bool,
) -> Vec<(CellAt, Stand)> {
    let short = turn(from.yaw, to.yaw);
    let mut ways = vec![short];
    if short.abs() > PI - HALF_TURN {
        ways.push(short - TAU.copysign(short));
    }
    let mut found = Vec::new();
    for turn in ways {
        let way = Way { polygon, from, to, turn, limit };
        let middle = polygon.at(way.moment(0.5));
        let cells: Vec<CellAt> =
            middle.cells_around(way.moved() / 2.0 + limit).filter(|cell| is_wanted(*cell)).collect();
        way.look(0.0, &cells, &mut found);
        way.look(1.0, &cells, &mut found);
        way.between((0.0, 1.0), &cells, &mut found);
    }
    found
}

/// A motion.
struct Way<'a> {
    polygon: &'a Polygon,
    from: Stand,
    to: Stand,
    turn: f64,
    limit: f64,
}

impl Way<'_> {
    /// Where the robot is after a share of the way.
    fn moment(&self, share: f64) -> Stand {
        let along = |from: f64, to: f64| from + share * (to - from);
        let (col, row) = (along(self.from.col, self.to.col), along(self.from.row, self.to.row));
        Stand { col, row, yaw: self.from.yaw + share * self.turn }
    }

    /// No point of the outline moves farther on the whole way, in cells.
    fn moved(&self) -> f64 {
        self.from.distance(self.to) + self.polygon.reach() * self.turn.abs()
    }

    /// Looks at one moment. Gives the least gap of each cell that isn't found.
    fn look(&self, share: f64, cells: &[CellAt], found: &mut Vec<(CellAt, Stand)>) -> Vec<(CellAt, f64)> {
        let stand = self.moment(share);
        let placed = self.polygon.at(stand);
        let mut others = Vec::with_capacity(cells.len());
        for cell in cells {
            let gap = placed.gap(*cell);
            if gap >= self.limit {
                others.push((*cell, gap));
            } else if found.iter().all(|(known, _)| known != cell) {
                found.push((*cell, stand));
            }
        }
        others
    }

    /// Looks at the middle of a part of the way, and then at its halves where something might be in between.
    fn between(&self, (begin, end): (f64, f64), cells: &[CellAt], found: &mut Vec<(CellAt, Stand)>) {
        let middle = f64::midpoint(begin, end);
        let moved = self.moved() * (end - begin) / 2.0;
        let others = self.look(middle, cells, found);
        let near: Vec<CellAt> =
            others.into_iter().filter(|(_, gap)| *gap < self.limit + moved).map(|(cell, _)| cell).collect();
        if !near.is_empty() && moved > STEP {
            self.between((begin, middle), &near, found);
            self.between((middle, end), &near, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(corners: &[[f64; 2]], from: (f64, f64, f64), to: (f64, f64, f64), limit: f64) -> Vec<CellAt> {
        let polygon = Polygon::new(&trm_config::footprint::Footprint::new(corners).unwrap(), 1.0);
        let [from, to] = [from, to].map(|(col, row, yaw)| Stand { col, row, yaw });
        let mut found: Vec<CellAt> =
            met(&polygon, (from, to), limit, |_| true).into_iter().map(|(cell, _)| cell).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn a_straight_way_meets_what_is_between_its_ends_and_nothing_beside_it() {
        let square = [[0.5, 0.5], [-0.5, 0.5], [-0.5, -0.5], [0.5, -0.5]];
        let along = cells(&square, (0.0, 0.0, 0.0), (5.0, 0.0, 0.0), 0.0);
        assert_eq!(along, (0..=5).map(|col| (col, 0)).collect::<Vec<_>>());
        let wide = cells(&square, (0.0, 0.0, 0.0), (5.0, 0.0, 0.0), 0.1);
        assert_eq!(wide.len(), 8 * 3);
    }

    #[test]
    fn a_turn_meets_what_only_its_corners_come_to() {
        // The corner of a bar passes through a cell that neither end touches.
        let bar = [[3.4, 0.3], [-0.3, 0.3], [-0.3, -0.3], [3.4, -0.3]];
        let met = cells(&bar, (0.0, 0.0, 0.0), (0.0, 0.0, PI / 2.0), 0.0);
        assert!(met.contains(&(2, 2)) && !met.contains(&(3, 3)) && !met.contains(&(-2, 0)), "{met:?}");
        let half = cells(&bar, (0.0, 0.0, 0.0), (0.0, 0.0, PI), 0.0);
        assert!(half.contains(&(0, 3)) && half.contains(&(0, -3)), "either way round: {half:?}");
    }
}
