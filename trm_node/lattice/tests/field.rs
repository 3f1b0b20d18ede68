//! Laws of fields: they agree with Dijkstra's algorithm and with the swept cells, cold and warm, whole and in part.

mod common;

use common::{Random, World, robot, seeds, travel};
use proptest::prelude::*;
use trm_grid::units::Cell;
use trm_lattice::field::Field;
use trm_lattice::headings::Headings;
use trm_lattice::lattice::{State, Travel};
use trm_lattice::level::Level;
use trm_lattice::roll_out::poses;
use trm_lattice::seed::Seed;

const ALL: [Headings; 2] = [Headings::H16, Headings::H32];
const SIDE: i32 = 150;

/// Every state of a window.
fn states(corner: Cell, size: i32, headings: usize) -> impl Iterator<Item = State> {
    (0..headings as u8).flat_map(move |heading| {
        let rows = corner.row..corner.row + size;
        rows.flat_map(move |row| {
            (corner.col..corner.col + size).map(move |col| State { cell: Cell::new(col, row), heading })
        })
    })
}

fn is_blocked(world: &World, cell: Cell) -> bool {
    world.cost(cell).is_none_or(|cost| cost >= 100)
}

/// Every value, and whether it is exact.
fn values(field: &Field, corner: Cell) -> Vec<(Option<u16>, bool)> {
    let all = states(corner, field.size() as i32, field.lattice().headings().len());
    all.map(|state| (field.value(state), field.is_exact(state))).collect()
}

fn corner(random: &mut Random, size: i32) -> Cell {
    Cell::new(random.within(-10, SIDE - size + 10), random.within(-10, SIDE - size + 10))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_instruction_set_gives_dijkstras_values(
        seed: u64, at in 0..4_usize, kind in 0..2_usize, wide: bool, multiplier in prop_oneof![Just(0.0), 0.5..3.0],
    ) {
        let (lattice, mut random, world) = (robot(at, ALL[kind]), Random::new(seed), World::new(SIDE, seed));
        let size = if wide { 128 } else { 64 };
        let corner = corner(&mut random, size as i32);
        let seeds = seeds(&mut random, corner, size as i32, lattice.headings().len() as i32);
        let mut field = Field::new(lattice.clone(), size, travel(multiplier)).unwrap();
        field.load(corner, |cell| world.cost(cell));
        let count = field.solve_by_dijkstra(&seeds).seeds;
        let expected = values(&field, corner);
        for level in Level::available() {
            let mut field = Field::with_level(lattice.clone(), size, travel(multiplier), level).unwrap();
            field.load(corner, |cell| world.cost(cell));
            let solution = field.solve(&seeds, &mut || true);
            prop_assert!(solution.is_whole && !solution.is_warm && solution.seeds == count);
            prop_assert!(values(&field, corner) == expected, "{}", level.name());
        }
    }

    #[test]
    fn an_edge_whose_swept_cells_are_free_is_open(seed: u64, at in 0..4_usize, kind in 0..2_usize) {
        let (lattice, mut random, world) = (robot(at, ALL[kind]), Random::new(seed), World::new(SIDE, seed));
        let corner = corner(&mut random, 64);
        let mut field = Field::new(lattice.clone(), 64, travel(0.0)).unwrap();
        field.load(corner, |cell| world.cost(cell));
        for state in states(corner, 64, lattice.headings().len()).step_by(31) {
            let touches = lattice.rest(state.heading).iter().any(|run| (run.first..=run.last).any(|col| {
                is_blocked(&world, Cell::new(state.cell.col + col, state.cell.row + run.row))
            }));
            prop_assert_eq!(field.may_stand(state), !touches);
        }
        // What is open leads to the only seed. That what isn't stays closed is the law of the ways, below.
        let goals: Vec<_> = states(corner, 64, lattice.headings().len()).filter(|state| field.may_stand(*state)).collect();
        prop_assume!(!goals.is_empty());
        for _ in 0..20 {
            let goal = goals[random.within(0, goals.len() as i32 - 1) as usize];
            field.solve(&[Seed { state: goal, cost: 0 }], &mut || true);
            for edge in lattice.edges().iter().filter(|edge| edge.to == goal.heading) {
                let from = Cell::new(goal.cell.col - edge.step.col, goal.cell.row - edge.step.row);
                let origin = if edge.is_reversed { goal.cell } else { from };
                let sweep = &lattice.primitives()[edge.primitive as usize].sweep;
                let free = sweep.iter().all(|run| (run.first..=run.last).all(|col| {
                    !is_blocked(&world, Cell::new(origin.col + col, origin.row + run.row))
                }));
                let is_inside = (0..64).contains(&(from.col - corner.col)) && (0..64).contains(&(from.row - corner.row));
                let value = field.value(State { cell: from, heading: edge.from });
                if free && is_inside {
                    prop_assert!(value.is_some_and(|value| value <= edge.cost));
                } else if !is_inside {
                    prop_assert_eq!(value, None);
                }
            }
        }
    }

    #[test]
    fn a_warm_field_is_that_of_a_new_one(
        seed: u64, at in 0..4_usize, kind in 0..2_usize, wide: bool, multiplier in prop_oneof![Just(0.0), 0.5..3.0],
    ) {
        let (lattice, mut random, mut world) = (robot(at, ALL[kind]), Random::new(seed), World::new(SIDE, seed));
        let size = if wide { 128 } else { 64 };
        let mut corner = corner(&mut random, size as i32);
        let seeds = seeds(&mut random, corner, size as i32, lattice.headings().len() as i32);
        let mut warm = Field::new(lattice.clone(), size, travel(multiplier)).unwrap();
        let mut cold = warm.clone();
        for _ in 0..5 {
            warm.load(corner, |cell| world.cost(cell));
            warm.solve(&seeds, &mut || true);
            cold.load(corner, |cell| world.cost(cell));
            cold.forget();
            prop_assert!(!cold.solve(&seeds, &mut || true).is_warm);
            prop_assert!(values(&warm, corner) == values(&cold, corner));
            if random.within(0, 1) == 0 {
                corner = Cell::new(corner.col + random.within(-3, 3), corner.row + random.within(-3, 3));
            }
            let (col, row) = (random.within(0, SIDE), random.within(0, SIDE));
            if random.within(0, 2) == 0 {
                world.costs.iter_mut().skip((row * SIDE) as usize).take(800).for_each(|cost| *cost = 0);
            } else {
                world.put(col, row, random.within(0, 9), random.within(0, 9), 100);
            }
        }
    }

    #[test]
    fn what_is_exact_after_a_deadline_is_what_a_whole_field_says(
        seed: u64, at in 0..4_usize, looks in 0..60_u32, multiplier in prop_oneof![Just(0.0), 0.5..3.0],
    ) {
        let (lattice, mut random, mut world) = (robot(at, Headings::H16), Random::new(seed), World::new(SIDE, seed));
        let corner = corner(&mut random, 64);
        let seeds = seeds(&mut random, corner, 64, 16);
        let mut field = Field::new(lattice, 64, travel(multiplier)).unwrap();
        for _ in 0..2 {
            let mut whole = field.clone();
            whole.load(corner, |cell| world.cost(cell));
            whole.solve(&seeds, &mut || true);
            field.load(corner, |cell| world.cost(cell));
            let (mut left, mut refused) = (looks, false);
            let solution = field.solve(&seeds, &mut || {
                refused = left == 0;
                left = left.saturating_sub(1);
                !refused
            });
            for state in states(corner, 64, 16).filter(|state| field.is_exact(*state)) {
                prop_assert_eq!(field.value(state), whole.value(state));
            }
            prop_assert_eq!(solution.is_whole, !refused);
            if refused {
                // It goes on where it was stopped, and may be stopped again.
                let mut asked = 0;
                while !field.go_on(&mut || { asked += 1; asked % 7 != 0 }).is_whole {}
            }
            prop_assert!(states(corner, 64, 16).all(|state| field.value(state) == whole.value(state)));
            world.put(random.within(0, SIDE), random.within(0, SIDE), 5, 5, 100);
        }
    }

    #[test]
    fn a_way_along_the_field_ends_at_a_seed_and_is_drivable(seed: u64, at in 0..4_usize, kind in 0..2_usize) {
        let (lattice, mut random, world) = (robot(at, ALL[kind]), Random::new(seed), World::new(SIDE, seed));
        let corner = corner(&mut random, 64);
        let seeds = seeds(&mut random, corner, 64, lattice.headings().len() as i32);
        let mut field = Field::new(lattice.clone(), 64, travel(1.0)).unwrap();
        field.load(corner, |cell| world.cost(cell));
        field.solve(&seeds, &mut || true);
        let mut steps = Vec::with_capacity(field.max_steps());
        let mut driven = Vec::new();
        for from in states(corner, 64, lattice.headings().len()).step_by(97) {
            prop_assert_eq!(field.roll_out(from, &mut steps), field.value(from).is_some());
            let Some(last) = steps.last() else { continue };
            let mut state = from;
            for step in &steps {
                prop_assert_eq!(step.from, state);
                let edge = &lattice.edges()[step.edge as usize];
                state.cell = Cell::new(state.cell.col + edge.step.col, state.cell.row + edge.step.row);
                state.heading = edge.to;
                let origin = if edge.is_reversed { state.cell } else { step.from.cell };
                for run in &lattice.primitives()[edge.primitive as usize].sweep {
                    for col in run.first..=run.last {
                        prop_assert!(!is_blocked(&world, Cell::new(origin.col + col, origin.row + run.row)));
                    }
                }
            }
            prop_assert!(seeds.iter().any(|seed| seed.state == state), "{last:?}");
            poses(&lattice, &steps, &mut driven);
            for pair in driven.windows(2) {
                let (cols, rows) = (pair[1].pose.col - pair[0].pose.col, pair[1].pose.row - pair[0].pose.row);
                prop_assert!(cols.hypot(rows) <= 1.0 + 1e-9);
                let ahead = cols * pair[0].pose.yaw.cos() + rows * pair[0].pose.yaw.sin();
                match pair[1].travel {
                    Travel::Backward => prop_assert!(ahead < 0.0),
                    Travel::Turn => prop_assert!(cols == 0.0 && rows == 0.0),
                    Travel::Forward => prop_assert!(at == 3 || ahead > 0.0),
                }
            }
        }
    }
}

#[test]
fn a_window_of_another_size_is_refused_by_name() {
    let error = Field::new(robot(0, Headings::H16), 96, travel(0.0)).unwrap_err();
    assert_eq!(error.to_string(), "window_size is 96: must be 64 or 128 cells");
}

/// A car of 12.4 cells' width in a wall with a door of 14 cells, along the columns.
#[test]
fn a_door_two_cells_wider_than_the_robot_is_passed_and_one_as_wide_as_it_is_not() {
    let passes = |door: i32| {
        let mut world = World { side: 150, costs: vec![0; 150 * 150] };
        world.put(60, 0, 2, 149, 100);
        for (row, col) in (40..40 + door).flat_map(|row| (60..=62).map(move |col| (row, col))) {
            world.costs[(row * 150 + col) as usize] = 0;
        }
        let mut field = Field::new(robot(0, Headings::H16), 64, travel(0.0)).unwrap();
        let corner = Cell::new(25, 15);
        field.load(corner, |cell| world.cost(cell));
        let goal = State { cell: Cell::new(75, 46), heading: 0 };
        assert!(field.solve(&[Seed { state: goal, cost: 0 }], &mut || true).is_whole);
        let start = State { cell: Cell::new(35, 46), heading: 0 };
        assert!(field.may_stand(start) && field.may_stand(goal) && field.is_exact(start));
        field.value(start).is_some()
    };
    assert!(passes(14) && passes(13));
    assert!(!passes(12));
}
