//! Generated worlds of nine kinds, with the algorithms and numbers of `models/trm_train/worlds.py`. Tests on both sides
//! compare them with the statistics in `tests/golden/worlds.json`.

use trm_grid::units::MOVES;

use crate::worlds::corridor_maze::corridor_maze;
use crate::worlds::maze_hard::pillars;
use crate::worlds::random::Random;
use crate::worlds::rooms::rooms;
use crate::worlds::world::World;

/// What a generated world looks like: the kinds that the model is trained on, in the order of `NAMES` in
/// `models/trm_train/worlds.py`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum WorldKind {
    /// Single cells at random.
    Noise,
    /// Rectangles.
    Boxes,
    /// Rooms with doors.
    Rooms,
    /// A maze of corridors.
    Maze,
    /// Discs.
    Discs,
    /// Straight walls in the eight directions.
    Walls,
    /// Cells of noise with four moves, as in Maze-Hard.
    Lattice,
    /// Noise that was smoothed.
    Caves,
    /// Rows of shelves with aisles between them.
    Shelves,
}

impl WorldKind {
    /// The kinds that evaluation and benchmark draw by default, in turn. Published figures belong to these: a lattice
    /// is evaluated by itself, as a maze in the style of Maze-Hard.
    pub const EVALUATED: [Self; 8] =
        [Self::Noise, Self::Boxes, Self::Rooms, Self::Maze, Self::Discs, Self::Walls, Self::Caves, Self::Shelves];

    /// The name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Noise => "noise",
            Self::Boxes => "boxes",
            Self::Rooms => "rooms",
            Self::Maze => "maze",
            Self::Discs => "discs",
            Self::Walls => "walls",
            Self::Lattice => "lattice",
            Self::Caves => "caves",
            Self::Shelves => "shelves",
        }
    }

    /// A world of this kind.
    pub fn generate(self, side: usize, random: &mut Random) -> World {
        let mut world = World::new(side, false);
        match self {
            Self::Noise => noise(&mut world, random.number(0.05, 0.4), random),
            Self::Boxes => boxes(&mut world, random),
            Self::Rooms => rooms(&mut world, random),
            Self::Maze => corridor_maze(&mut world, random),
            Self::Discs => discs(&mut world, random),
            Self::Walls => walls(&mut world, random),
            Self::Lattice => lattice(&mut world, random),
            Self::Caves => caves(&mut world, random),
            Self::Shelves => shelves(&mut world, random),
        }
        world
    }
}

impl std::fmt::Display for WorldKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

fn noise(world: &mut World, density: f64, random: &mut Random) {
    for cell in &mut world.blocked {
        *cell = random.chance(density);
    }
}

fn boxes(world: &mut World, random: &mut Random) {
    let side = world.side;
    for _ in 0..random.whole(2..(side * side / 60).max(3)) {
        let [height, width] = [(); 2].map(|()| random.whole(1..(side / 5).max(2)));
        let [row, col] = [(); 2].map(|()| random.below(side));
        world.fill(row..row + height, col..col + width, true);
    }
}

fn discs(world: &mut World, random: &mut Random) {
    let side = world.side;
    for _ in 0..random.whole(3..(side * side / 50).max(4)) {
        let radius = random.number(0.5, side.min(64) as f64 / 10.0);
        let [row, col] = [(); 2].map(|()| random.number(0.0, side as f64));
        let near = |center: f64| (center - radius).max(0.0) as usize..((center + radius) as usize + 2).min(side);
        for r in near(row) {
            for c in near(col) {
                if (r as f64 - row).powi(2) + (c as f64 - col).powi(2) <= radius * radius {
                    world.set(r, c, true);
                }
            }
        }
    }
}

/// Straight walls in the eight directions, two cells wide.
fn walls(world: &mut World, random: &mut Random) {
    let side = world.side;
    for _ in 0..random.whole(2..(side * side / 80).max(3)) {
        let [row, col] = [(); 2].map(|()| random.below(side) as i32);
        let step = MOVES[random.below(MOVES.len())];
        for i in 0..random.whole(3..(side / 2).max(4)) as i32 {
            let (Ok(r), Ok(c)) = (usize::try_from(row + step.rows * i), usize::try_from(col + step.cols * i)) else {
                break;
            };
            world.fill(r..r + 1, c..c + 2, true);
        }
    }
}

/// A field of random walls with four moves as a world with eight. An even side cuts the last row and column of pillars
/// off.
fn lattice(world: &mut World, random: &mut Random) {
    let mut field = World::new(world.side / 2, false);
    noise(&mut field, random.number(0.3, 0.45), random);
    let whole = pillars(&field);
    for (row, line) in world.blocked.chunks_exact_mut(world.side).enumerate() {
        line.copy_from_slice(&whole.blocked[row * whole.side..][..line.len()]);
    }
}

/// Noise, smoothed by a cellular automaton.
fn caves(world: &mut World, random: &mut Random) {
    let side = world.side;
    let density = random.number(0.38, 0.47);
    noise(world, density, random);
    for _ in 0..random.whole(2..5) {
        let old = world.clone();
        for row in 0..side {
            for col in 0..side {
                // Outside counts as blocked. Coordinates are shifted by one, so that none is negative.
                let inside = |at: usize| (1..=side).contains(&at);
                let blocked = |r: usize, c: usize| !inside(r) || !inside(c) || old.is_blocked(r - 1, c - 1);
                let around = (row..row + 3).flat_map(|r| (col..col + 3).map(move |c| (r, c)));
                world.set(row, col, around.filter(|(r, c)| blocked(*r, *c)).count() >= 5);
            }
        }
    }
}

/// Rows of shelves with aisles between them, gaps in the rows, some clutter.
fn shelves(world: &mut World, random: &mut Random) {
    let side = world.side;
    let (deep, aisle) = (random.whole(1..5), random.whole(1..6));
    let (run, gap) = (random.whole(6..30), random.whole(1..5));
    let margin = random.below(6);
    let mut row = margin;
    while row + deep + margin <= side {
        let mut col = margin + random.below(gap + 1);
        while col + margin < side {
            world.fill(row..row + deep, col..(col + run).min(side - margin), true);
            col += run + gap;
        }
        row += deep + aisle;
    }
    for _ in 0..random.below((side * side / 200).max(1)) {
        world.set(random.below(side), random.below(side), true);
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;
    use serde::Deserialize;
    use trm_config::GridConfig;
    use trm_grid::travel::Travel;

    use super::*;
    use crate::worlds::optimum::field;
    use crate::worlds::regions::Regions;

    #[test]
    fn every_kind_is_neither_empty_nor_full_and_the_same_for_the_same_seed() {
        for &kind in WorldKind::value_variants() {
            for side in [32, 33, 64] {
                let world = |seed| kind.generate(side, &mut Random::of_query(seed, 0));
                let worlds: Vec<_> = (0..20).map(world).collect();
                assert_eq!(worlds, (0..20).map(world).collect::<Vec<_>>());
                let blocked: usize = worlds.iter().map(|w| w.blocked.iter().filter(|b| **b).count()).sum();
                let share = blocked as f64 / (20 * side * side) as f64;
                assert!((0.05..0.95).contains(&share), "{} {side}: {share}", kind.name());
                assert!(worlds.iter().all(|w| w.blocked.len() == side * side));
            }
        }
    }

    #[test]
    fn caves_are_smoother_than_noise() {
        let edges = |world: &World| {
            let is_edge = |(row, col): &(usize, usize)| world.is_blocked(*row, *col) != world.is_blocked(*row, col + 1);
            (0..64).flat_map(|row| (0..63).map(move |col| (row, col))).filter(is_edge).count()
        };
        for seed in 0..10 {
            let mut random = Random::new(seed);
            let mut raw = World::new(64, false);
            noise(&mut raw, 0.42, &mut random);
            let cave = WorldKind::Caves.generate(64, &mut random);
            assert!(2 * edges(&cave) < edges(&raw), "seed {seed}");
        }
    }

    /// Statistics of the generators in `models/trm_train/worlds.py`, from `make golden-worlds`.
    const GOLDEN: &str = include_str!("../../../../tests/golden/worlds.json");
    /// Means may differ by so many standard errors: the random numbers differ.
    const STANDARD_ERRORS: f64 = 4.0;
    /// Standard deviations may differ by this factor; those of regions aren't compared, as few worlds decide on them.
    const SPREAD: f64 = 1.2;

    #[derive(Deserialize)]
    struct Golden {
        side: usize,
        worlds: usize,
        kinds: Vec<GoldenKind>,
    }

    #[derive(Deserialize)]
    struct GoldenKind {
        kind: String,
        free: Moments,
        edges: Moments,
        regions: Moments,
        path: Moments,
    }

    #[derive(Deserialize)]
    struct Moments {
        mean: f64,
        std: f64,
    }

    impl Moments {
        fn of(values: &[f64]) -> Self {
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            Self { mean, std: (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt() }
        }
    }

    /// The statistics of `models/trm_train/world_statistics.py`, which says what they are: free, edges, regions, path.
    fn statistics(world: &World) -> [f64; 4] {
        let side = world.side;
        let costmap = world.costmap().unwrap();
        let free: Vec<usize> = (0..side * side).filter(|at| !world.blocked[*at]).collect();
        let edges = (0..side * side)
            .map(|at| {
                let differs = |other: usize| usize::from(world.blocked[at] != world.blocked[other]);
                let right = if at % side + 1 < side { differs(at + 1) } else { 0 };
                right + if at / side + 1 < side { differs(at + side) } else { 0 }
            })
            .sum::<usize>();
        let lengths: Vec<f64> = free.get(free.len() / 2).map_or_else(Vec::new, |middle| {
            let travel = Travel::new(&GridConfig::default());
            let field = field(&costmap, costmap.geometry().cell(*middle), travel).unwrap();
            let length = |at: usize| f64::from(field.cost_to_go(costmap.geometry().cell(at)));
            (0..side * side).map(length).filter(|length| length.is_finite() && *length > 0.0).collect()
        });
        [
            free.len() as f64 / (side * side) as f64,
            edges as f64 / (2 * side * (side - 1)) as f64,
            f64::from(Regions::of(&costmap).count()),
            lengths.iter().sum::<f64>() / lengths.len().max(1) as f64,
        ]
    }

    #[test]
    fn worlds_are_like_those_that_the_model_is_trained_on() {
        let golden: Golden = serde_json::from_str(GOLDEN).unwrap();
        let names: Vec<&str> = golden.kinds.iter().map(|kind| kind.kind.as_str()).collect();
        assert_eq!(names, WorldKind::value_variants().iter().map(|kind| kind.name()).collect::<Vec<_>>());
        for (kind, expected) in WorldKind::value_variants().iter().zip(&golden.kinds) {
            let all: Vec<[f64; 4]> = (0..golden.worlds)
                .map(|number| statistics(&kind.generate(golden.side, &mut Random::of_query(1, number))))
                .collect();
            let GoldenKind { free, edges, regions, path, .. } = expected;
            for (at, (name, theirs)) in
                [("free", free), ("edges", edges), ("regions", regions), ("path", path)].into_iter().enumerate()
            {
                let ours = Moments::of(&all.iter().map(|values| values[at]).collect::<Vec<_>>());
                let error = ((ours.std.powi(2) + theirs.std.powi(2)) / golden.worlds as f64).sqrt();
                let (a, b) = (ours.mean, theirs.mean);
                assert!((a - b).abs() <= STANDARD_ERRORS * error + 1e-6, "{kind} {name}: {a}, not {b} ± {error}");
                let (a, b) = (ours.std, theirs.std);
                let is_alike = a <= SPREAD * b + 1e-6 && b <= SPREAD * a + 1e-6;
                assert!(name == "regions" || is_alike, "{kind} {name}: spread {a}, not {b}");
            }
        }
    }
}
