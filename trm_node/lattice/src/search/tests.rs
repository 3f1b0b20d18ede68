use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use proptest::prelude::*;
use trm_config::footprint::Footprint;
use trm_config::{GridConfig, MotionModel};
use trm_grid::costmap::Costmap;

use super::world::shifted;
use super::*;
use crate::blocked::Blocked;
use crate::headings::{Headings, wrapped};
use crate::judge::{drawn, hits, worlds};
use crate::path::PathPose;
use crate::shorten::Shortener;
use crate::tariff::Tariff;
use crate::testing::{motion, outline_of};

/// A small robot, an angle that isn't convex, and a bar beside its base, on cells of 1 m.
const FOOTPRINTS: [&str; 3] = [
    "[[3.2, 1.2], [-1.2, 1.2], [-1.2, -1.2], [3.2, -1.2]]",
    "[[2.6, -1.3], [2.6, 2.7], [1.4, 2.7], [1.4, 0.4], [-1.3, 0.4], [-1.3, -1.3]]",
    "[[1.8, 0.7], [1.8, 1.9], [-1.8, 1.9], [-1.8, 0.7]]",
];
const SIDE: u32 = 26;

fn lattices() -> impl Strategy<Value = Arc<Lattice>> {
    let model = prop_oneof![Just(MotionModel::Car), Just(MotionModel::Diff), Just(MotionModel::Omni)];
    (model, 0..FOOTPRINTS.len(), any::<bool>(), 2.5..5.0_f64).prop_map(|(model, footprint, allow_reverse, radius)| {
        let footprint: Footprint = outline_of(FOOTPRINTS[footprint]);
        let motion = crate::motion::Motion { allow_reverse, ..motion(model, radius) };
        Arc::new(Lattice::new(&footprint, 1.0, motion, Headings::H16).expect("a lattice"))
    })
}

fn small_car() -> Arc<Lattice> {
    let motion = motion(MotionModel::Car, 4.0);
    Arc::new(Lattice::new(&outline_of(FOOTPRINTS[0]), 1.0, motion, Headings::H16).expect("a lattice"))
}

/// Weights from 1 to 1.3.
fn travel() -> Ground {
    Ground::new(&GridConfig { cost_travel_multiplier: 0.3, allow_unknown: false, ..GridConfig::default() })
}

fn poses() -> impl Strategy<Value = CellPose> {
    (3.0..23.0_f64, 3.0..23.0_f64, -3.2..3.2_f64).prop_map(|(col, row, yaw)| CellPose::new(col, row, yaw))
}

fn request(start: CellPose, goal: CellPose, greed: f32) -> Request {
    Request { start, goal, start_tolerance: 3.0, goal_tolerance: (1.0, 0.4), greed }
}

/// Never too great, and never falls faster than a way costs.
fn straight_to(goal: CellPose) -> impl Fn(Cell) -> f32 {
    // Costs of edges are rounded to units: of a way by less than a tenth.
    move |cell| (0.9 * cell.center().distance(goal.at()) - 1.0).max(0.0) as f32
}

/// What the cheapest way costs over edges from the ways from the start to the ways to the goal, by plain Dijkstra.
fn dijkstra<W: Fn(Cell) -> f32, H: Fn(Cell) -> f32>(search: &Search, world: &World<W, H>) -> Option<f32> {
    let mut best: BTreeMap<State, f32> = BTreeMap::new();
    let mut waiting = BinaryHeap::new();
    let bits = |cost: f32| Reverse(cost.to_bits());
    for start in &search.starts {
        waiting.push((bits(start.cost), start.state));
    }
    let mut least: Option<f32> = None;
    while let Some((Reverse(cost), state)) = waiting.pop() {
        if best.contains_key(&state) {
            continue;
        }
        let cost = f32::from_bits(cost);
        best.insert(state, cost);
        for end in search.ends.iter().filter(|end| end.state == state) {
            least = Some(least.map_or(cost + end.cost, |least| least.min(cost + end.cost)));
        }
        for edge in world.lattice.edges().iter().filter(|edge| edge.from == state.heading) {
            let cell = shifted(edge.step, state.cell);
            let is_inside = world.blocked.geometry().contains(cell);
            if is_inside && world.is_clear(edge, state.cell) {
                waiting.push((bits(cost + world.edge_cost(edge, state.cell)), State { cell, heading: edge.to }));
            }
        }
    }
    least
}

/// Runs a search to the stage in which it expands states; the outcome if it ends before.
fn prepared<W: Fn(Cell) -> f32, H: Fn(Cell) -> f32>(
    search: &mut Search,
    world: &World<W, H>,
    request: &Request,
) -> Option<Outcome> {
    loop {
        match search.run(world, request, &mut || false) {
            Outcome::Interrupted if search.stage == Stage::Expanding => return None,
            Outcome::Interrupted => {}
            outcome => return Some(outcome),
        }
    }
}

/// Says what is wrong with a path, if anything.
fn judge(map: &Costmap, lattice: &Lattice, request: &Request, path: &[PathPose]) -> Option<String> {
    let poses: Vec<CellPose> = path.iter().map(|pose| pose.pose).collect();
    if poses[0] != request.start {
        return Some("it doesn't begin at the start".to_owned());
    }
    let last = poses[poses.len() - 1];
    let (apart, turn) = (last.at().distance(request.goal.at()), wrapped(last.yaw - request.goal.yaw).abs());
    if apart > request.goal_tolerance.0 || turn > request.goal_tolerance.1 {
        return Some(format!("it ends {apart} cells and {turn} rad from the goal"));
    }
    for pair in path.windows(2) {
        let (step, turn) =
            (pair[0].pose.at().distance(pair[1].pose.at()), wrapped(pair[1].pose.yaw - pair[0].pose.yaw));
        if step > 1.0 + 1e-9 || turn.abs() > 0.5 {
            return Some(format!("{pair:?} are too far apart"));
        }
        let radius = lattice.motion().turning_radius;
        if lattice.motion().model == MotionModel::Car && turn.abs() > step / radius * (1.0 + turn * turn) + 1e-9 {
            return Some(format!("{pair:?} turn too fast"));
        }
        if !lattice.motion().allow_reverse && pair[1].travel == Travel::Backward {
            return Some("it drives backwards".to_owned());
        }
    }
    hits(map, lattice.outline(), &poses, -1e-4).then(|| "it hits something".to_owned())
}

#[test]
fn a_robot_passes_a_door_only_if_it_fits_and_that_there_is_no_way_is_proven() {
    let lattice = small_car();
    let mut search = Search::with_room(&lattice, travel(), 60_000);
    let mut path = Vec::with_capacity(1000);
    let request = request(CellPose::new(8.3, 20.2, 0.1), CellPose::new(40.4, 20.4, -0.1), 1.0);
    for (width, expected) in [(4, true), (2, false)] {
        let map = drawn(52, 40, |col, row| col == 24 && !(18..18 + width).contains(&row));
        let blocked = Blocked::new(&map, false);
        let to_go = straight_to(request.goal);
        let world = World { lattice: &lattice, blocked: &blocked, weight: |_| 1.0, cost_to_go: &to_go, poses: None };
        let outcome = search.run(&world, &request, &mut || true);
        if expected {
            assert!(matches!(outcome, Outcome::Found(cost) if cost < 36.0), "{outcome:?}");
            assert!(search.path(&lattice, &mut path));
            assert_eq!(judge(&map, &lattice, &request, &path), None);
            let last = path[path.len() - 1].pose;
            assert!(last.at().distance(request.goal.at()) < 1e-9, "exactly");
        } else {
            assert_eq!(outcome, Outcome::None);
            assert!(!search.path(&lattice, &mut path));
        }
    }
}

#[test]
fn what_ends_a_search_early_is_told_and_nothing_allocates() {
    let lattice = small_car();
    // The wall has a door at one end.
    let map = drawn(60, 60, |col, row| col == 30 && row > 8);
    let blocked = Blocked::new(&map, false);
    let start = CellPose::new(12.0, 50.0, 0.0);
    let goal = CellPose::new(45.0, 50.0, 0.0);
    let to_go = straight_to(goal);
    let world = World { lattice: &lattice, blocked: &blocked, weight: |_| 1.0, cost_to_go: &to_go, poses: None };
    let mut search = Search::with_room(&lattice, travel(), 100_000);
    let mut run = |request: &Request| search.run(&world, request, &mut || true);
    for (pose, expected) in [
        (CellPose::new(f64::NAN, 0.0, 0.0), Outcome::NoStart),
        (CellPose::new(1e12, 0.0, 0.0), Outcome::NoStart),
        (CellPose::new(30.0, 30.0, 0.0), Outcome::NoStart),
    ] {
        assert_eq!(run(&request(pose, goal, 1.0)), expected, "{pose:?}");
    }
    for pose in [CellPose::new(0.0, f64::INFINITY, 0.0), CellPose::new(-1e9, 0.0, 0.0), CellPose::new(30.0, 40.0, 1.6)]
    {
        assert_eq!(run(&request(start, pose, 1.0)), Outcome::NoEnd, "{pose:?}");
    }
    let whole = run(&request(start, goal, 1.0));
    assert!(matches!(whole, Outcome::Found(_)), "{whole:?}");
    let mut small = Search::with_room(&lattice, travel(), 2000);
    assert_eq!(small.run(&world, &request(start, goal, 1.0), &mut || true), Outcome::OutOfRoom);
    // A search that is interrupted all the time finds the same.
    let (mut path, mut shortener) = (Vec::with_capacity(2000), Shortener::with_room(2000));
    for greed in [1.0, 1.5] {
        let (request, mut calls) = (request(start, goal, greed), 0);
        let whole = search.run(&world, &request, &mut || true);
        let allocated = allocation_counter::measure(|| {
            let outcome = loop {
                calls += 1;
                match search.run(&world, &request, &mut || false) {
                    Outcome::Interrupted => {}
                    outcome => break outcome,
                }
            };
            assert_eq!(outcome, whole);
            assert!(search.path(&lattice, &mut path));
            let clearance = Clearance::new(lattice.outline(), &blocked);
            shortener.shorten(&mut path, lattice.motion(), &clearance, |_| 1.0, &mut || true);
        });
        assert!(calls > 50, "{calls}");
        assert_eq!(search.goal_field.is_ready(), greed > 1.0);
        assert_eq!(allocated.count_total, 0);
        assert_eq!(judge(&map, &lattice, &request, &path), None);
    }
    let mut short = Vec::with_capacity(10);
    assert!(!search.path(&lattice, &mut short) && short.capacity() == 10);
}

#[test]
fn a_search_that_is_stuck_looks_closer_and_finds_the_way_with_fewer_expansions() {
    let lattice = small_car();
    // A pocket that faces the goal: the way leads back out of it.
    let walls = |col: i32, row: i32| {
        (30..=120).contains(&col) && (row == 40 || row == 60) || col == 120 && (40..=60).contains(&row)
    };
    let map = drawn(200, 100, walls);
    let blocked = Blocked::new(&map, false);
    let (start, goal) = (CellPose::new(100.0, 50.0, 0.0), CellPose::new(180.0, 50.0, 3.1));
    let to_go = straight_to(goal);
    let world = World { lattice: &lattice, blocked: &blocked, weight: |_| 1.0, cost_to_go: &to_go, poses: None };
    let mut search = Search::with_room(&lattice, travel(), 400_000);
    let cheapest = search.run(&world, &request(start, goal, 1.0), &mut || true);
    let Outcome::Found(least) = cheapest else { panic!("{cheapest:?}") };
    let without = search.expansions();
    assert!(!search.goal_field.is_ready(), "what is cheapest is found without");
    let outcome = search.run(&world, &request(start, goal, 1.5), &mut || true);
    assert!(matches!(outcome, Outcome::Found(cost) if cost <= 1.5 * least), "{outcome:?} {least}");
    assert!(search.expansions() < without / 4, "{} {without}", search.expansions());
    assert!(search.goal_field.is_ready());
    let mut path = Vec::with_capacity(2000);
    assert!(search.path(&lattice, &mut path));
    assert_eq!(judge(&map, &lattice, &request(start, goal, 1.5), &path), None);
}

#[test]
fn a_robot_that_stands_on_an_obstacle_gets_away_from_it() {
    let lattice = small_car();
    // A cell under the robot's nose, and more that it must not touch.
    let map = drawn(40, 40, |col, row| (col, row) == (13, 20) || col == 15);
    let blocked = Blocked::new(&map, false);
    let goal = CellPose::new(6.0, 8.0, 1.5);
    let to_go = straight_to(goal);
    let world = World { lattice: &lattice, blocked: &blocked, weight: |_| 1.0, cost_to_go: &to_go, poses: None };
    let mut search = Search::with_room(&lattice, travel(), 30_000);
    let start = CellPose::new(10.1, 20.2, 0.0);
    let mut path = Vec::with_capacity(1000);
    let mut run = |start_tolerance: f64| {
        search.run(&world, &Request { start_tolerance, ..request(start, goal, 1.0) }, &mut || true)
    };
    assert_eq!(run(0.5), Outcome::NoStart, "its nose is 0.8 cells in the obstacle");
    assert!(matches!(run(2.0), Outcome::Found(_)));
    assert!(search.path(&lattice, &mut path));
    assert_eq!(path[0].travel, Travel::Backward);
    let is_clear: Vec<bool> = path.iter().map(|pose| !hits(&map, lattice.outline(), &[pose.pose], -1e-4)).collect();
    let away = is_clear.iter().position(|is_clear| *is_clear).expect("it gets away");
    assert!(is_clear[away..].iter().all(|is_clear| *is_clear));
    assert!(path[away - 1].pose.at().distance(start.at()) <= 2.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_path_hits_nothing_and_costs_what_is_told(
        map in worlds(SIDE), lattice in lattices(), start in poses(), goal in poses(), greed in 1.0..3.0_f32,
    ) {
        let blocked = Blocked::new(&map, false);
        let weight = |cell: Cell| 1.0 + 0.1 * cell.col.rem_euclid(3) as f32;
        let to_go = straight_to(goal);
        let world = World { lattice: &lattice, blocked: &blocked, weight, cost_to_go: &to_go, poses: None };
        let request = request(start, goal, greed);
        let clearance = Clearance::new(lattice.outline(), &blocked);
        // Escapes have tests of their own: the judge allows no hit.
        prop_assume!(clearance.is_clear_at(start));
        let mut search = Search::with_room(&lattice, travel(), 30_000);
        let mut path = Vec::with_capacity(2000);
        let outcome = search.run(&world, &request, &mut || true);
        if let Outcome::Found(cost) = outcome {
            prop_assert!(search.path(&lattice, &mut path));
            prop_assert_eq!(judge(&map, &lattice, &request, &path), None);
            let total = |path: &[PathPose]| {
                let mut tariff = Tariff::new(lattice.motion(), weight);
                path.iter().fold(0.0, |_, pose| tariff.add(*pose))
            };
            // Edges are weighed in their middle alone, and rounded; a change of direction in a connector is dearer.
            let driven = total(&path);
            prop_assert!((f64::from(cost) - driven).abs() <= 0.2 * driven + 1.0 + 8.0, "{} {}", cost, driven);
            let mut shortener = Shortener::with_room(2000);
            shortener.shorten(&mut path, lattice.motion(), &clearance, weight, &mut || true);
            prop_assert_eq!(judge(&map, &lattice, &request, &path), None);
            prop_assert!(total(&path) <= driven + 1e-6);
        } else {
            prop_assert_eq!(dijkstra(&search, &world), None);
            prop_assert!(!search.path(&lattice, &mut path));
            prop_assert!(outcome != Outcome::Interrupted && outcome != Outcome::OutOfRoom);
        }
    }

    #[test]
    fn without_greed_it_finds_what_an_exhaustive_search_finds(
        map in worlds(SIDE), lattice in lattices(), start in poses(), goal in poses(),
    ) {
        let blocked = Blocked::new(&map, false);
        let to_go = straight_to(goal);
        let world = World { lattice: &lattice, blocked: &blocked, weight: |_| 1.0, cost_to_go: &to_go, poses: None };
        let request = request(start, goal, 1.0);
        let mut search = Search::with_room(&lattice, travel(), 30_000);
        if let Some(outcome) = prepared(&mut search, &world, &request) {
            prop_assert!(search.starts.is_empty() || search.ends.is_empty(), "{:?}", outcome);
            return Ok(());
        }
        let expected = dijkstra(&search, &world);
        let free = search.run(&world, &request, &mut || true);
        match (free, expected) {
            (Outcome::Found(cost), Some(expected)) => prop_assert!(cost <= expected + 1e-3),
            (Outcome::Found(_), None) => prop_assert!(search.is_exact),
            (outcome, expected) => prop_assert!(outcome == Outcome::None && expected.is_none(), "{:?} {:?}", outcome, expected),
        }
        // The same without curves to the goal.
        prop_assert_eq!(prepared(&mut search, &world, &request), None);
        search.is_exact = false;
        search.arrival = None;
        search.waiting.retain(|waiting| waiting.slot != GOAL);
        match (search.run(&world, &request, &mut || true), expected) {
            (Outcome::Found(cost), Some(expected)) => prop_assert!((cost - expected).abs() < 1e-3, "{} {}", cost, expected),
            (outcome, expected) => prop_assert!(outcome == Outcome::None && expected.is_none(), "{:?} {:?}", outcome, expected),
        }
    }
}
