//! The cost-to-go of a map against Dijkstra's algorithm over its states, and after changes against a new one.

mod common;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use common::{Random, World, robot, seeds, travel};
use proptest::prelude::*;
use trm_config::{GridConfig, GridKind};
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::CostmapBuilder;
use trm_grid::geometry::{Geometry, Rect};
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Pose};
use trm_lattice::blocked::Blocked;
use trm_lattice::headings::Headings;
use trm_lattice::lattice::{Lattice, State};
use trm_lattice::level::Level;
use trm_lattice::levels::Levels;
use trm_lattice::map_field::{MapField, Progress};
use trm_lattice::pose::CellPose;
use trm_lattice::seed::Seed;

/// Two tiles, the second not whole.
const SIDE: i32 = 100;

/// A costmap of a world, and the builder that changes it.
struct Map {
    builder: CostmapBuilder,
    costmap: Option<Box<Costmap>>,
}

impl Map {
    fn new(world: &World) -> Self {
        let geometry = Geometry::new(SIDE as u32, SIDE as u32, 0.05, Pose::default()).unwrap();
        let cells = (0..SIDE).flat_map(|row| (0..SIDE).map(move |col| Cell::new(col, row)));
        let data = cells.map(|cell| world.cost(cell).unwrap_or(0) as i8).collect();
        let config = GridConfig { allow_unknown: false, ..GridConfig::default() };
        let mut map = Self { builder: CostmapBuilder::new(&config, GridKind::Costmap), costmap: None };
        map.builder.take_grid(OccupancyGrid::new(geometry, data).unwrap());
        map.refresh();
        map
    }

    fn refresh(&mut self) {
        drop(self.builder.refresh_to_end().and_then(|change| change.apply(&mut self.costmap)));
    }

    fn put(&mut self, rect: Rect, cost: i8) {
        self.builder.take_update(rect, &vec![cost; rect.area()]).unwrap();
        self.refresh();
    }

    fn costmap(&self) -> &Costmap {
        self.costmap.as_deref().unwrap()
    }
}

/// The cost-to-go of every state that has one.
fn dijkstra(lattice: &Lattice, costmap: &Costmap, travel: Travel, seeds: &[Seed]) -> HashMap<State, u64> {
    let (blocked, levels) = (Blocked::new(costmap, travel.allow_unknown), Levels::new(travel));
    let is_clear = |at: Cell, runs: &[trm_lattice::sweep::Run]| {
        runs.iter().all(|run| !blocked.is_any_blocked(at.row + run.row, at.col + run.first, at.col + run.last))
    };
    let factor = |cell: Cell| {
        let weight = f64::from(travel.weight(costmap.cost(cell).unwrap_or(0)));
        let misfit = |level: &&f64| (**level - weight).abs();
        *levels.weights().iter().min_by(|one, other| misfit(one).total_cmp(&misfit(other))).unwrap()
    };
    let mut best = HashMap::new();
    let mut waiting: BinaryHeap<_> = seeds
        .iter()
        .filter(|seed| is_clear(seed.state.cell, lattice.rest(seed.state.heading)))
        .map(|seed| Reverse((u64::from(seed.cost), seed.state)))
        .collect();
    while let Some(Reverse((cost, state))) = waiting.pop() {
        if best.contains_key(&state) {
            continue;
        }
        best.insert(state, cost);
        for edge in lattice.edges().iter().filter(|edge| edge.to == state.heading) {
            let from = Cell::new(state.cell.col - edge.step.col, state.cell.row - edge.step.row);
            let origin = if edge.is_reversed { state.cell } else { from };
            let primitive = &lattice.primitives()[edge.primitive as usize];
            if !is_clear(origin, &primitive.sweep) {
                continue;
            }
            let middle = Cell::new(origin.col + primitive.middle.col, origin.row + primitive.middle.row);
            let more = (f64::from(edge.cost) * factor(middle)).round() as u64;
            waiting.push(Reverse((cost + more, State { cell: from, heading: edge.from })));
        }
    }
    best
}

fn states(headings: usize) -> impl Iterator<Item = State> {
    let cells = (-2..SIDE + 2).flat_map(|row| (-2..SIDE + 2).map(move |col| Cell::new(col, row)));
    cells.flat_map(move |cell| (0..headings as u8).map(move |heading| State { cell, heading }))
}

/// Where two fields differ.
fn differ(one: &MapField, other: &MapField, headings: usize) -> Option<State> {
    states(headings).find(|state| one.value(*state) != other.value(*state))
}

fn whole(lattice: &Arc<Lattice>, costmap: &Costmap, travel: Travel, seeds: &[Seed]) -> MapField {
    let mut field = MapField::new(Arc::clone(lattice), costmap, travel);
    field.seed(seeds);
    assert_eq!(field.go_on(u16::MAX, &mut || true), Progress::Whole);
    field
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn every_instruction_set_gives_dijkstras_values(
        seed: u64, at in 0..4_usize, multiplier in prop_oneof![Just(0.0), 0.5..3.0],
    ) {
        let (lattice, mut random, world) = (robot(at, Headings::H16), Random::new(seed), World::new(SIDE, seed));
        let (map, travel) = (Map::new(&world), travel(multiplier));
        let seeds = seeds(&mut random, Cell::new(0, 0), SIDE, 16);
        let expected = dijkstra(&lattice, map.costmap(), travel, &seeds);
        for level in Level::available() {
            let mut field = MapField::with_level(Arc::clone(&lattice), map.costmap(), travel, level);
            field.seed(&seeds);
            // Stopped and gone on with now and then.
            let mut asked = 0;
            while field.go_on(u16::MAX, &mut || { asked += 1; asked % 7 != 0 }) != Progress::Whole {}
            for state in states(16) {
                let expected = expected.get(&state).copied();
                prop_assert_eq!(field.value(state).map(u64::from), expected, "{:?} {}", state, level.name());
            }
        }
    }

    #[test]
    fn what_is_known_of_a_part_is_what_the_whole_says(
        seed: u64, at in 0..4_usize, until in 0..6000_u16, multiplier in prop_oneof![Just(0.0), 0.5..3.0],
    ) {
        let (lattice, mut random, world) = (robot(at, Headings::H16), Random::new(seed), World::new(SIDE, seed));
        let (map, travel) = (Map::new(&world), travel(multiplier));
        let seeds = seeds(&mut random, Cell::new(0, 0), SIDE, 16);
        let whole = whole(&lattice, map.costmap(), travel, &seeds);
        let mut part = MapField::new(Arc::clone(&lattice), map.costmap(), travel);
        part.seed(&seeds);
        let below = match part.go_on(until, &mut || true) {
            Progress::Below(below) => below,
            progress => { prop_assert_eq!(progress, Progress::Whole); u16::MAX }
        };
        prop_assert!(below >= until);
        for state in states(16) {
            prop_assert_eq!(part.value(state), whole.value(state).filter(|value| *value < below));
        }
    }

    #[test]
    fn after_changes_and_with_other_goals_it_is_a_new_one(
        seed: u64, at in 0..4_usize, multiplier in prop_oneof![Just(0.0), 0.5..3.0],
    ) {
        let (lattice, mut random, world) = (robot(at, Headings::H16), Random::new(seed), World::new(SIDE, seed));
        let (mut map, travel) = (Map::new(&world), travel(multiplier));
        let mut goal = seeds(&mut random, Cell::new(0, 0), SIDE, 16);
        let mut field = whole(&lattice, map.costmap(), travel, &goal);
        for _ in 0..6 {
            for _ in 0..random.within(0, 2) {
                let (col, row) = (random.within(0, SIDE - 10), random.within(0, SIDE - 10));
                let (width, height) = (random.within(1, 9) as u32, random.within(1, 9) as u32);
                map.put(Rect { col, row, width, height }, [0, 0, 40, 90, 100][random.within(0, 4) as usize]);
            }
            if random.within(0, 3) == 0 {
                goal = seeds(&mut random, Cell::new(0, 0), SIDE, 16);
            }
            field.update(map.costmap());
            field.seed(&goal);
            // Changes may come before it is done.
            let until = if random.within(0, 1) == 0 { random.within(0, 4000) as u16 } else { u16::MAX };
            let is_whole = field.go_on(until, &mut || true) == Progress::Whole;
            let new = whole(&lattice, map.costmap(), travel, &goal);
            if is_whole {
                prop_assert_eq!(differ(&field, &new, 16), None);
            } else {
                let knows = |state: &State| field.value(*state).is_some_and(|value| Some(value) != new.value(*state));
                prop_assert_eq!(states(16).find(knows), None);
            }
        }
    }
}

#[test]
fn guidance_leads_to_the_goal_and_is_what_the_field_says() {
    let (lattice, world) = (robot(0, Headings::H16), World { side: SIDE, costs: vec![0; (SIDE * SIDE) as usize] });
    let (map, travel) = (Map::new(&world), travel(1.0));
    let mut field = MapField::new(Arc::clone(&lattice), map.costmap(), travel);
    let goal = CellPose::new(60.3, 50.4, 1.0);
    field.aim(map.costmap(), goal, (1.0, 0.25));
    field.go_on(u16::MAX, &mut || true);
    let guidance = field.guidance();
    assert!(guidance.is_whole() && guidance.goal() == goal && guidance.fits(map.costmap(), travel, &lattice));
    let mut known = 0;
    for state in states(16) {
        let value = field.value(state).map(|value| f32::from(value) / 12.0);
        assert_eq!(guidance.cost_to_go(state), value);
        known += usize::from(value.is_some());
    }
    assert!(known > 60_000, "{known}");
    // Aimed at the same goal again, there is nothing to do.
    field.aim(map.costmap(), goal, (1.0, 0.25));
    let mut asked = 0;
    field.go_on(u16::MAX, &mut || {
        asked += 1;
        true
    });
    assert_eq!(asked, 0);
}
