//! Prints how long masks, fields and ways take for a car of 0.62 m x 0.9 m: random and empty worlds, cold and warm.
//!
//! Each time is the least of some runs of the same work, so that what else the machine does counts less.
//!
//! `cargo run --release -p trm_lattice --example field_times [WORLDS [without-dijkstra]]`

#[path = "../tests/common/mod.rs"]
mod common;

use std::sync::Arc;
use std::time::Instant;

use common::{Random, World, robot, seeds, travel};
use trm_grid::units::Cell;
use trm_lattice::field::Field;
use trm_lattice::headings::Headings;
use trm_lattice::lattice::{Lattice, State};
use trm_lattice::level::Level;
use trm_lattice::seed::Seed;

const SIDE: i32 = 400;
const RUNS: usize = 5;

/// Durations in milliseconds.
#[derive(Default)]
struct Times(Vec<f64>);

impl Times {
    /// Times the same work on copies of what it works on.
    fn measure<S: Clone>(&mut self, state: &mut S, mut work: impl FnMut(&mut S)) {
        let mut least = f64::INFINITY;
        for run in 0..RUNS {
            let mut copy = state.clone();
            let start = Instant::now();
            work(&mut copy);
            least = least.min(start.elapsed().as_secs_f64() * 1e3);
            if run + 1 == RUNS {
                *state = copy;
            }
        }
        self.0.push(least);
    }

    fn text(&mut self) -> String {
        self.0.sort_by(f64::total_cmp);
        let at =
            |share: f64| self.0.get(((self.0.len() as f64 - 1.0) * share).round() as usize).copied().unwrap_or(0.0);
        format!("{:.3}/{:.3}", at(0.5), at(0.99))
    }

    fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
    }
}

/// Size of the window, multiplier of travel costs, and whether worlds are empty.
type Case = (usize, f64, bool);

/// What is measured of one kind of world.
#[derive(Default)]
struct Figures {
    masks: Times,
    field: Times,
    dijkstra: Times,
    way: Times,
    moved: Times,
    obstacle: Times,
    unchanged: Times,
    warm: usize,
}

fn measure(lattice: &Arc<Lattice>, (size, multiplier, is_empty): Case, worlds: u64, with_dijkstra: bool) -> Figures {
    let mut figures = Figures::default();
    let mut field = Field::new(lattice.clone(), size, travel(multiplier)).expect("a size");
    let mut steps = Vec::with_capacity(field.max_steps());
    for seed in 1..=worlds {
        let mut random = Random::new(seed);
        let mut world = if is_empty {
            World { side: SIDE, costs: vec![0; (SIDE * SIDE) as usize] }
        } else {
            World::new(SIDE, seed)
        };
        let corner = Cell::new(random.within(0, SIDE - size as i32), random.within(0, SIDE - size as i32));
        let goal: Vec<Seed> = seeds(&mut random, corner, size as i32, lattice.headings().len() as i32);
        figures.masks.measure(&mut field, |field| field.load(corner, |cell| world.cost(cell)));
        field.forget();
        if field.solve(&goal, &mut || true).seeds == 0 {
            continue;
        }
        figures.field.measure(&mut field, |field| {
            field.forget();
            field.solve(&goal, &mut || true);
        });
        if with_dijkstra {
            figures.dijkstra.measure(&mut field, |field| {
                field.solve_by_dijkstra(&goal);
            });
        }
        for _ in 0..8 {
            let col = corner.col + random.within(0, size as i32 - 1);
            let cell = Cell::new(col, corner.row + random.within(0, size as i32 - 1));
            let from = State { cell, heading: random.within(0, lattice.headings().len() as i32 - 1) as u8 };
            if field.value(from).is_some() {
                figures.way.measure(&mut steps, |steps| {
                    steps.reserve(field.max_steps());
                    field.roll_out(from, steps);
                });
            }
        }
        let mut update = |times: &mut Times, corner: Cell, world: &World| {
            times.measure(&mut field, |field| {
                field.load(corner, |cell| world.cost(cell));
                let solution = field.solve(&goal, &mut || true);
                figures.warm += usize::from(solution.is_warm);
            });
        };
        update(&mut figures.unchanged, corner, &world);
        let next = Cell::new(corner.col + random.within(-1, 1), corner.row + 1);
        update(&mut figures.moved, next, &world);
        let (col, row) = (random.within(0, size as i32 - 1), random.within(0, size as i32 - 1));
        world.put(corner.col + col, corner.row + row, 2, 0, 100);
        update(&mut figures.obstacle, next, &world);
    }
    figures
}

fn main() {
    let worlds = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(48);
    let with_dijkstra = std::env::args().nth(2).is_none();
    println!("{}; ms, p50/p99; warm as shares of the cold p50 of masks and field", Level::available()[0].name());
    for headings in [Headings::H16, Headings::H32] {
        let start = Instant::now();
        let lattice = robot(0, headings);
        let built = start.elapsed().as_secs_f64() * 1e3;
        println!("{} headings: {} edges, built in {built:.1} ms", headings.count(), lattice.edges().len());
        for case in [
            (64, 0.0, false),
            (64, 0.0, true),
            (64, 2.0, false),
            (128, 0.0, false),
            (128, 0.0, true),
            (128, 2.0, false),
        ] {
            let (size, multiplier, is_empty) = case;
            let mut all = measure(&lattice, case, worlds, with_dijkstra);
            let cold = all.masks.median() + all.field.median();
            println!(
                "{size}/{} {}{}: masks {}, field {}, Dijkstra {}, way {}; unchanged {:.2}, moved by a cell {:.2}, \
                 3 cells {:.2}, {} of {} warm",
                headings.count(),
                if is_empty { "empty" } else { "random" },
                if multiplier > 0.0 { " soft" } else { "" },
                all.masks.text(),
                all.field.text(),
                all.dijkstra.text(),
                all.way.text(),
                all.unchanged.median() / cold,
                all.moved.median() / cold,
                all.obstacle.median() / cold,
                all.warm,
                3 * RUNS * all.field.0.len(),
            );
        }
    }
}
