//! The exact cost-to-go of a whole map over position and heading, off the planning loop.
//!
//! It is the computation of a window ([`crate::field`]) over strips of 64 states that lie in tiles, without borders between
//! them. Bands of cost are done one after the other, so it can be stopped, told from, and gone on with: all values below the
//! band that it has come to are final.

use std::sync::Arc;

use trm_grid::costmap::Costmap;
use trm_grid::geometry::Rect;
use trm_grid::travel::Travel;
use trm_grid::units::Cell;

use crate::clearance::Clearance;
use crate::connect::{Connector, ways_to};
use crate::lattice::{Lattice, State};
use crate::level::Level;
use crate::obstacles::Obstacles;
use crate::pose::CellPose;
use crate::pose_guidance::{NO_VALUES, PoseGuidance, units};
use crate::queue::Queue;
use crate::seed::Seed;
use crate::simd::lanes::{Job, Lanes, UNREACHED};
use edges::Edges;
use ground::Ground;
use rewind::{LeastIn, Rewind};
use spread::{Ended, SpreadBand};
use tiles::{BAND, BANDS, OUTSIDE, SCRATCH, SIDE, Tiles, reach, strip_of};

pub(crate) mod edges;
mod ground;
mod rewind;
mod spread;
pub(crate) mod tiles;

/// How far a computation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// All values are final. A state without one has no way.
    Whole,
    /// All values below this one are final, in units. It goes on when asked to.
    Below(u16),
    /// The same, but it can't go on: more tiles of the map than fit lead to the goal, or ways cost more than a value can say.
    Full(u16),
}

/// The cost-to-go of the states of a map.
#[derive(Debug)]
pub struct MapField {
    lattice: Arc<Lattice>,
    level: Level,
    edges: Arc<Edges>,
    ground: Ground,
    obstacles: Obstacles,
    tiles: Tiles,
    queue: Queue,
    touched: Vec<u32>,
    seeds: Vec<Seed>,
    goal: CellPose,
    /// The ways to it.
    ends: Vec<Connector>,
    /// All bands before this one are done.
    band: usize,
    is_full: bool,
}

impl MapField {
    /// A field over a costmap, without seeds.
    #[must_use]
    pub fn new(lattice: Arc<Lattice>, costmap: &Costmap, travel: Travel) -> Self {
        Self::with_level(lattice, costmap, travel, Level::available()[0])
    }

    /// As [`Self::new`], with a choice of instructions.
    #[must_use]
    pub fn with_level(lattice: Arc<Lattice>, costmap: &Costmap, travel: Travel, level: Level) -> Self {
        let ground = Ground::new(costmap, travel);
        let edges = Arc::new(Edges::new(&lattice, &ground.levels));
        Self {
            level,
            // Motions end in other tiles, too.
            obstacles: Obstacles::new(SIDE, reach(&lattice, &edges), false),
            edges,
            tiles: Tiles::new(costmap.geometry(), &lattice),
            queue: Queue::new(0, BANDS),
            touched: Vec::new(),
            seeds: Vec::new(),
            goal: CellPose::new(0.0, 0.0, 0.0),
            ends: Vec::new(),
            band: 0,
            is_full: false,
            ground,
            lattice,
        }
    }

    /// Whether it is over the cells of a costmap, with these travel costs.
    #[must_use]
    pub fn fits(&self, costmap: &Costmap, travel: Travel) -> bool {
        self.ground.geometry() == costmap.geometry() && self.ground.travel() == travel
    }

    /// The lattice.
    #[must_use]
    pub const fn lattice(&self) -> &Arc<Lattice> {
        &self.lattice
    }

    /// The blocked cells that it knows of.
    #[must_use]
    pub const fn blocked(&self) -> &crate::blocked::Blocked {
        &self.ground.blocked
    }

    /// Takes over the present costs, which must [fit](Self::fits). Of what it says, that is kept which still holds; the
    /// computation goes on from there.
    pub fn update(&mut self, costmap: &Costmap) {
        if self.ground.version() == costmap.version() {
            return;
        }
        let Some(changed) = self.ground.update(costmap) else {
            self.ground = Ground::new(costmap, self.ground.travel());
            self.tiles.forget_ground();
            self.plant(&[]);
            return;
        };
        let reach = reach(&self.lattice, &self.edges);
        let near: Vec<Rect> = changed.iter().map(|rect| rect.grown(reach, costmap.geometry())).collect();
        self.level.run(Reread { field: self, rects: &near });
        let least = self.level.run(LeastIn { tiles: &self.tiles, rects: &near });
        // A seed where the robot can stand from now on has no value yet.
        let is_near = |seed: &&Seed| near.iter().any(|rect| holds(rect, seed.state.cell));
        let least = self.seeds.iter().filter(is_near).map(|seed| seed.cost).fold(least, u16::min);
        // What is there but isn't final yet may have come by edges that are no more: it goes, too.
        if least < UNREACHED {
            self.rewind(least.min(self.final_below()));
        }
    }

    fn rewind(&mut self, holds_below: u16) {
        self.queue.clear();
        self.touched.clear();
        let (edges, tiles, queue) = (&self.edges, &mut self.tiles, &mut self.queue);
        self.level.run(Rewind { edges, tiles, queue, holds_below });
        self.is_full = false;
        self.band = holds_below.saturating_sub(self.edges.dearest) as usize / BAND;
        self.plant_seeds(holds_below);
    }

    /// Looks for the ways to a goal, and begins with them or keeps what it has if they are those that it has. How far from
    /// the goal they may end, in cells and radians, where the robot can't stand there. The costs are those that it has.
    pub fn aim(&mut self, costmap: &Costmap, goal: CellPose, tolerance: (f64, f64)) {
        let (lattice, travel) = (Arc::clone(&self.lattice), self.ground.travel());
        let clearance = Clearance::new(lattice.outline(), &self.ground.blocked);
        let weight = |cell| travel.weight(costmap.cost(cell).unwrap_or(0));
        self.ends = ways_to(goal, &lattice, &clearance, weight, tolerance);
        self.goal = goal;
        let seeds: Vec<_> = self.ends.iter().map(|end| Seed { state: end.state, cost: units(end.cost) }).collect();
        self.seed(&seeds);
    }

    /// A copy of what it has found out.
    #[must_use]
    pub fn guidance(&self) -> PoseGuidance {
        let Tiles { division, headings, .. } = self.tiles;
        let mut places = vec![NO_VALUES; division.count()];
        let values_of = headings * SIDE * SIDE;
        let mut values = Vec::with_capacity(self.tiles.open_slots().count() * values_of);
        for (number, slot) in self.tiles.open_slots().enumerate() {
            places[self.tiles.of_slot[slot]] = number as u32;
            values.extend_from_slice(&self.tiles.values[SCRATCH + slot * values_of..][..values_of]);
        }
        PoseGuidance {
            lattice: Arc::clone(&self.lattice),
            edges: Arc::clone(&self.edges),
            levels: self.ground.levels.clone(),
            geometry: *self.ground.geometry(),
            travel: self.ground.travel(),
            version: self.ground.version(),
            goal: self.goal,
            ends: self.ends.clone(),
            division,
            places,
            values,
            final_below: self.final_below(),
            is_whole: self.progress() == Progress::Whole,
        }
    }

    /// Begins with other seeds, or keeps what it has if they are those that it has.
    pub fn seed(&mut self, seeds: &[Seed]) {
        if self.seeds != seeds {
            self.plant(seeds);
        }
    }

    fn plant(&mut self, seeds: &[Seed]) {
        self.queue.clear();
        self.touched.clear();
        self.tiles.begin();
        self.seeds.clear();
        self.seeds.extend_from_slice(seeds);
        (self.band, self.is_full) = (0, false);
        self.plant_seeds(0);
    }

    /// Plants the seeds from a cost on.
    fn plant_seeds(&mut self, from: u16) {
        self.level.run(Plant { field: self, from });
    }

    /// All values below this one are final.
    fn final_below(&self) -> u16 {
        if self.queue.is_empty() && !self.is_full {
            UNREACHED
        } else {
            (self.band * BAND).min(UNREACHED as usize) as u16
        }
    }

    /// Goes on until all values below `until` are final. Asks every few dozen strips whether it may.
    pub fn go_on(&mut self, until: u16, may_go_on: &mut dyn FnMut() -> bool) -> Progress {
        while !self.queue.is_empty() && !self.is_full && self.band * BAND < until as usize {
            let ended = self.level.run(SpreadBand {
                lattice: &self.lattice,
                edges: &self.edges,
                ground: &self.ground,
                obstacles: &mut self.obstacles,
                tiles: &mut self.tiles,
                queue: &mut self.queue,
                touched: &mut self.touched,
                band: self.band,
                may_go_on,
            });
            match ended {
                Ended::Done => self.band += 1,
                Ended::Stopped => break,
                Ended::OutOfRoom => self.is_full = true,
            }
        }
        self.progress()
    }

    /// How far it has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let below = self.final_below();
        // An edge from the last band might lead to more than a value can say.
        let is_dear = self.band * BAND + self.edges.dearest as usize >= UNREACHED as usize;
        match below {
            UNREACHED if !is_dear => Progress::Whole,
            below if self.is_full || below == UNREACHED => Progress::Full(below),
            below => Progress::Below(below),
        }
    }

    /// The cost-to-go of a state in units, if it is known for sure.
    #[must_use]
    pub fn value(&self, state: State) -> Option<u16> {
        self.tiles.value(state).filter(|value| *value < self.final_below())
    }

    /// Tiles that it has come to.
    #[must_use]
    pub fn tiles(&self) -> usize {
        self.tiles.open_slots().count()
    }
}

/// Whether a cell lies in a rectangle.
const fn holds(rect: &Rect, cell: Cell) -> bool {
    let (col, row) = (cell.col - rect.col, cell.row - rect.row);
    col >= 0 && row >= 0 && col < rect.width as i32 && row < rect.height as i32
}

/// Reads the ground of tiles anew.
struct Reread<'a> {
    field: &'a mut MapField,
    rects: &'a [Rect],
}

impl Job for Reread<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let MapField { tiles, ground, lattice, obstacles, .. } = self.field;
        tiles.reread(self.rects, ground, lattice, obstacles);
    }
}

/// Plants seeds.
struct Plant<'a> {
    field: &'a mut MapField,
    from: u16,
}

impl Job for Plant<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let MapField { tiles, ground, lattice, obstacles, queue, seeds, .. } = self.field;
        for seed in seeds.iter().filter(|seed| seed.cost >= self.from) {
            let stands = lattice.rest(seed.state.heading).iter().all(|run| {
                let Seed { state: State { cell, .. }, .. } = seed;
                !ground.blocked.is_any_blocked(cell.row + run.row, cell.col + run.first, cell.col + run.last)
            });
            let Some(tile) = tiles.division.tile(seed.state.cell).filter(|_| stands) else { continue };
            let slot = match tiles.slot(tile) {
                OUTSIDE => continue,
                tiles::NONE => tiles.open(tile, ground, lattice, obstacles),
                slot => Some(slot),
            };
            let Some(slot) = slot else { continue };
            queue.grow(tiles.of_slot.len() * tiles.strips());
            let (strip, lane) = strip_of(slot as usize, tiles.headings, seed.state);
            let value = &mut tiles.values[SCRATCH + strip * SIDE + lane];
            if seed.cost < *value {
                *value = seed.cost;
                tiles.dirty[strip] |= 1 << lane;
                queue.push(strip, seed.cost as usize / BAND);
            }
        }
    }
}
