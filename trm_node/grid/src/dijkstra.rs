//! Dijkstra's algorithm from a goal over the whole grid. Besides the result, only the tiles under the wavefront take
//! memory.

use trm_config::{MAX_TRAVEL_MULTIPLIER, MAX_UNKNOWN_WEIGHT};

use crate::cost_to_go::{CostsToGo, Form};
use crate::costmap::Costmap;
use crate::moves::{iter_moves, legal_moves_given};
use crate::tiles::{MOVE_OFFSETS, TILE_CELLS, TilePlace, Tiling, is_inner};
use crate::travel::Travel;
use crate::units::{Cell, MOVES};

/// Number of buckets for waiting cells, one for each integer part of a cost. No move costs more than 10 · √2, see
/// [`MAX_UNKNOWN_WEIGHT`], so a cell leads at most 15 buckets ahead.
const LEVELS: usize = 16;
const _: () = assert!(MAX_UNKNOWN_WEIGHT * 1.4143 < LEVELS as f64 - 1.0 && MAX_TRAVEL_MULTIPLIER < MAX_UNKNOWN_WEIGHT);

/// How many cells are expanded between two checks for cancellation.
const CANCEL_EVERY: usize = 4096;

/// The state of the search.
struct Wave {
    costs: CostsToGo,
    /// Number of waiting entries in each tile.
    waiting: Vec<u32>,
    /// Tiles whose last waiting entry was removed. New entries may have been added since.
    drained: Vec<u32>,
    /// Waiting cells, by the integer part of their cost modulo [`LEVELS`].
    levels: [Vec<u32>; LEVELS],
    /// Which tiles the wave may enter; `None` when it may enter all.
    allowed: Option<Vec<bool>>,
}

/// Computes the travel cost from every cell to the goal, or from those of the `allowed` tiles without leaving these.
/// `None` if `cancelled` returned true in the meantime.
///
/// The queue consists of buckets, as in Dial's algorithm. No move costs less than 1, so all cells whose cost has the
/// same integer part become final together and need no order among themselves.
pub(super) fn spread(
    costmap: &Costmap,
    goal: Cell,
    travel: Travel,
    form: Form,
    allowed: Option<Vec<bool>>,
    cancelled: &dyn Fn() -> bool,
) -> Option<CostsToGo> {
    let tiling = Tiling::of(costmap.geometry());
    let mut wave = Wave {
        costs: CostsToGo::new(tiling, form),
        waiting: vec![0; tiling.count()],
        drained: Vec::new(),
        levels: Default::default(),
        allowed,
    };
    // Gives bit for bit the same cost as `Travel::step`, but faster.
    let half: [f32; 256] = std::array::from_fn(|cost| 0.5 * travel.weight(cost as u8));
    if let Some(place) = tiling.place(goal).filter(|_| costmap.is_free(goal, travel.allow_unknown)) {
        wave.reach(place, 0.0);
    }
    let (mut level, mut expanded) = (0_u32, 0_usize);
    while wave.levels.iter().any(|cells| !cells.is_empty()) {
        let mut front = std::mem::take(&mut wave.levels[level as usize % LEVELS]);
        for entry in front.drain(..) {
            let place = wave.pop(entry);
            let cost = wave.costs.open(place.tile)[place.at];
            if cost as u32 != level {
                continue; // Reached by a shorter path since, and already expanded.
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
            let around = costmap.neighbour_costs(cell);
            let half_here = half[costmap.tile(place.tile)[place.at] as usize];
            for bit in iter_moves(legal_moves_given(&around, travel.allow_unknown)) {
                let step = MOVES[bit];
                let new = cost + (half_here + half[around[bit] as usize]) * step.length;
                wave.reach(tiling.place_inside(cell.after(step)), new);
            }
        }
        // Reuse the allocation of this bucket.
        wave.levels[level as usize % LEVELS] = front;
        wave.seal_drained();
        level += 1;
    }
    wave.costs.close();
    Some(wave.costs)
}

impl Wave {
    /// Reaches a cell at a cost. If that is less than before, the cell waits in its bucket.
    fn reach(&mut self, place: TilePlace, new: f32) {
        if self.allowed.as_ref().is_some_and(|allowed| !allowed[place.tile]) {
            return;
        }
        // Compared before the tile is opened: the wave looks back into all tiles that it has left.
        let old = self.costs.at(place);
        if new < old {
            self.costs.open(place.tile)[place.at] = new;
            // With the same integer part it is already waiting.
            if new as u32 != old as u32 {
                self.waiting[place.tile] += 1;
                self.levels[new as usize % LEVELS].push((place.tile * TILE_CELLS + place.at) as u32);
            }
        }
    }

    /// Reaches all neighbours of a cell that has them all in its own tile. `costs` are the costs of that tile. The same
    /// as [`Self::reach`] for each, but faster.
    fn expand_inner(&mut self, place: TilePlace, costs: &[u8; TILE_CELLS], half: &[f32; 256], allow_unknown: bool) {
        let tile = self.costs.open(place.tile);
        // The remainder changes nothing, but lets the compiler omit the bounds checks.
        let beside = MOVE_OFFSETS.map(|offset| place.at.wrapping_add_signed(offset) % TILE_CELLS);
        let around = beside.map(|at| costs[at]);
        let (cost, half_here) = (tile[place.at % TILE_CELLS], half[costs[place.at % TILE_CELLS] as usize]);
        for bit in iter_moves(legal_moves_given(&around, allow_unknown)) {
            let at = beside[bit];
            let (old, new) = (tile[at], cost + (half_here + half[around[bit] as usize]) * MOVES[bit].length);
            if new < old {
                tile[at] = new;
                if new as u32 != old as u32 {
                    self.waiting[place.tile] += 1;
                    self.levels[new as usize % LEVELS].push((place.tile * TILE_CELLS + at) as u32);
                }
            }
        }
    }

    /// Removes an entry from the waiting ones.
    fn pop(&mut self, entry: u32) -> TilePlace {
        let place = TilePlace { tile: entry as usize / TILE_CELLS, at: entry as usize % TILE_CELLS };
        self.waiting[place.tile] -= 1;
        if self.waiting[place.tile] == 0 {
            self.drained.push(place.tile as u32);
        }
        place
    }

    /// Seals the tiles that the wave has left. If it enters one again, the tile is opened again; the cells in it that
    /// are final are then only compared with.
    fn seal_drained(&mut self) {
        while let Some(tile) = self.drained.pop() {
            if self.waiting[tile as usize] == 0 {
                self.costs.seal(tile as usize);
            }
        }
    }
}
