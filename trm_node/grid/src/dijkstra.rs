//! Dijkstra's algorithm from a goal over a whole grid, in the room of its result and of the tiles where the wave is.

use crate::cost_to_go::{CostsToGo, Form};
use crate::costmap::Costmap;
use crate::moves::{each, legal_among};
use crate::tiles::{AREA, OFFSETS, Place, Tiling, is_inner};
use crate::travel::Travel;
use crate::units::{Cell, MOVES};

/// Levels of whole costs in which cells wait: no move costs more than 4 · √2, so a cell leads to the next 6 at most.
const LEVELS: usize = 7;

/// How many cells are expanded between two looks at the cancellation.
const CANCEL_EVERY: usize = 4096;

struct Wave {
    costs: CostsToGo,
    /// How many entries of `levels` lie in each tile.
    waiting: Vec<u32>,
    /// Tiles where none waited any more when they were looked at.
    quiet: Vec<u32>,
    /// Cells that wait, by the whole part of their cost.
    levels: [Vec<u32>; LEVELS],
}

/// Travel costs from all cells to the goal. `None` when `cancelled` said so on the way.
///
/// With buckets (Dial): no move costs less than 1, so all cells whose cost has the same whole part are final together and
/// need no order.
pub(super) fn spread(
    costmap: &Costmap,
    goal: Cell,
    travel: Travel,
    form: Form,
    cancelled: &dyn Fn() -> bool,
) -> Option<CostsToGo> {
    let tiling = Tiling::of(costmap.geometry());
    let mut wave = Wave {
        costs: CostsToGo::new(tiling, form),
        waiting: vec![0; tiling.count()],
        quiet: Vec::new(),
        levels: Default::default(),
    };
    // As `Travel::step` to the bit, and quicker.
    let half: [f32; 256] = std::array::from_fn(|cost| 0.5 * travel.weight(cost as u8));
    if let Some(place) = tiling.place(goal).filter(|_| costmap.is_free(goal, travel.allow_unknown)) {
        wave.reach(place, 0.0);
    }
    let (mut level, mut expanded) = (0_u32, 0_usize);
    while wave.levels.iter().any(|cells| !cells.is_empty()) {
        let mut front = std::mem::take(&mut wave.levels[level as usize % LEVELS]);
        for entry in front.drain(..) {
            let place = wave.leave(entry);
            let cost = wave.costs.open(place.tile)[place.at];
            if cost as u32 != level {
                continue; // It was reached on a shorter way and is done.
            }
            expanded += 1;
            if expanded.is_multiple_of(CANCEL_EVERY) && cancelled() {
                return None;
            }
            if is_inner(place.at) {
                wave.expand_inner(place, costmap.tile(place.tile), &half, travel.allow_unknown);
                continue;
            }
            let cell = tiling.cell(place);
            let around = costmap.around(cell);
            let half_here = half[costmap.tile(place.tile)[place.at] as usize];
            for bit in each(legal_among(&around, travel.allow_unknown)) {
                let step = MOVES[bit];
                let new = cost + (half_here + half[around[bit] as usize]) * step.length;
                wave.reach(tiling.inside(cell.after(step)), new);
            }
        }
        // Its room is used again, as many levels on.
        wave.levels[level as usize % LEVELS] = front;
        wave.seal_quiet();
        level += 1;
    }
    wave.costs.close();
    Some(wave.costs)
}

impl Wave {
    /// A cell can be reached at a cost; when that is less than before, it waits for its level.
    fn reach(&mut self, place: Place, new: f32) {
        let cost = &mut self.costs.open(place.tile)[place.at];
        let old = *cost;
        if new < old {
            *cost = new;
            // In the same level it waits already.
            if new as u32 != old as u32 {
                self.waiting[place.tile] += 1;
                self.levels[new as usize % LEVELS].push((place.tile * AREA + place.at) as u32);
            }
        }
    }

    /// Reaches the neighbours of a cell, all of which lie in its tile, over the `costs` of that: as `reach`, and quicker.
    fn expand_inner(&mut self, place: Place, costs: &[u8; AREA], half: &[f32; 256], allow_unknown: bool) {
        let tile = self.costs.open(place.tile);
        // The remainder changes nothing, and shows the compiler that there is no need to look.
        let beside = OFFSETS.map(|offset| place.at.wrapping_add_signed(offset) % AREA);
        let around = beside.map(|at| costs[at]);
        let (cost, half_here) = (tile[place.at % AREA], half[costs[place.at % AREA] as usize]);
        for bit in each(legal_among(&around, allow_unknown)) {
            let at = beside[bit];
            let (old, new) = (tile[at], cost + (half_here + half[around[bit] as usize]) * MOVES[bit].length);
            if new < old {
                tile[at] = new;
                if new as u32 != old as u32 {
                    self.waiting[place.tile] += 1;
                    self.levels[new as usize % LEVELS].push((place.tile * AREA + at) as u32);
                }
            }
        }
    }

    /// Takes an entry from those that wait.
    fn leave(&mut self, entry: u32) -> Place {
        let place = Place { tile: entry as usize / AREA, at: entry as usize % AREA };
        self.waiting[place.tile] -= 1;
        if self.waiting[place.tile] == 0 {
            self.quiet.push(place.tile as u32);
        }
        place
    }

    /// Seals the tiles that the wave has left. Where it comes again they are opened again; a cell that was sealed is final,
    /// and only compared with.
    fn seal_quiet(&mut self) {
        while let Some(tile) = self.quiet.pop() {
            if self.waiting[tile as usize] == 0 {
                self.costs.seal(tile as usize);
            }
        }
    }
}
