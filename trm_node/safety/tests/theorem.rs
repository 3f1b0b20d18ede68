//! Searches for counterexamples to the theorem of this crate: paths that are accepted but not safe, according to a
//! checker that shares no code with the crate.

use proptest::prelude::*;
use trm_config::{GridConfig, GridKind};
use trm_grid::cost::{INSCRIBED, LETHAL, UNKNOWN};
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::CostmapBuilder;
use trm_grid::geometry::{Geometry, Rect};
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, CellPoint, Point, Pose};
use trm_safety::check::Rules;
use trm_safety::routes::Routes;
use trm_safety::{Draft, VerifiedPath};

const SIDE: u32 = 24;

/// Mostly free, so that many paths are accepted.
fn value() -> impl Strategy<Value = i8> {
    prop_oneof![40 => Just(0_i8), 8 => 1..98_i8, 1 => Just(100), 1 => Just(99), 1 => Just(-1)]
}

/// The four cells around a point: those less than one cell away along both axes. For a point on a line of centres they
/// are fewer, and come twice.
fn cells_around(point: CellPoint) -> impl Iterator<Item = Cell> {
    let near = |v: f64| [v.floor(), v.ceil()].map(|v| v as i32);
    near(point.col).into_iter().flat_map(move |col| near(point.row).map(|row| Cell::new(col, row)))
}

/// The first violation of the theorem on a path. Inspects 50 points per cell on each line.
fn fault(map: &Costmap, rules: Rules, poses: &[Pose]) -> Option<String> {
    let point = |pose: &Pose| map.geometry().to_cells(pose.point());
    let start = point(&poses[0]);
    let mut has_left = map.is_free(start.cell(), rules.allow_unknown);
    for pair in poses.windows(2).chain(std::iter::once(&poses[poses.len() - 1..])) {
        let (a, b) = (point(&pair[0]), point(&pair[pair.len() - 1]));
        let samples = (a.distance(b) * 50.0).ceil().max(1.0) as usize;
        for sample in 0..=samples {
            let at = a.towards(b, sample as f64 / samples as f64);
            // Undo the rounding of the conversion between metres and cells.
            let rounded = CellPoint::new((at.col * 1e7).round() / 1e7, (at.row * 1e7).round() / 1e7);
            let costs: Vec<u8> = cells_around(rounded).map(|cell| map.cost(cell).unwrap_or(LETHAL)).collect();
            let unknown = |cost: &u8| *cost == UNKNOWN && rules.allow_unknown;
            if let Some(cost) = costs.iter().find(|cost| **cost >= LETHAL && !unknown(cost)) {
                return Some(format!("{cost} near {rounded:?}"));
            }
            let inscribed = costs.contains(&INSCRIBED);
            if inscribed && (has_left || start.distance(at) > rules.escape + 1e-6) {
                return Some(format!(
                    "inscribed near {rounded:?}, {} cells from the start, has left: {has_left}",
                    start.distance(at)
                ));
            }
        }
        has_left |= cells_around(b).all(|cell| map.is_free(cell, rules.allow_unknown));
    }
    None
}

#[derive(Debug, Clone)]
struct Case {
    values: Vec<i8>,
    updates: Vec<(i32, i32, i8)>,
    allow_unknown: bool,
    /// The rules that the route is drawn with, which may differ from those of the path.
    route_allows_unknown: bool,
    escape: f64,
    yaw: f64,
    /// The draft: points in cells.
    points: Vec<(f64, f64)>,
    /// The corners of a route, and the one where the draft joins it.
    corners: Vec<(i32, i32)>,
    join: usize,
    /// The offset of the exact goal from the centre of the last corner, in cells.
    goal_offset: (f64, f64),
}

fn cases() -> impl Strategy<Value = Case> {
    let near = -1.0..SIDE as f64;
    (
        proptest::collection::vec(value(), (SIDE * SIDE) as usize),
        proptest::collection::vec((any::<bool>(), 0..SIDE as i32, 0..SIDE as i32, value()), 0..4),
        any::<(bool, bool)>(),
        prop_oneof![Just(0.0), 0.0..4.0_f64],
        -3.0..3.0_f64,
        ((near.clone(), near), (-0.5..0.5_f64, -0.5..0.5_f64)),
        proptest::collection::vec((-2.5..2.5_f64, -2.5..2.5_f64, any::<bool>()), 0..8),
        proptest::collection::vec((-4..5_i32, -4..5_i32), 0..6),
        0..7_usize,
    )
        // In three of four cases the route's rules are no laxer than those of the path, so that it may be accepted.
        .prop_map(
            |(
                values,
                updates,
                (allow_unknown, route_allows_unknown),
                escape,
                yaw,
                (start, goal_offset),
                steps,
                turns,
                join,
            )| {
                let mut points = vec![start];
                for (cols, rows, at_centre) in steps {
                    let (col, row) = points[points.len() - 1];
                    let next = (col + cols, row + rows);
                    points.push(if at_centre { (next.0.round(), next.1.round()) } else { next });
                }
                let (col, row) = points[points.len() - 1];
                let mut corners = vec![(col.round() as i32, row.round() as i32)];
                for (cols, rows) in turns {
                    let (col, row) = corners[corners.len() - 1];
                    corners.push((col + cols, row + rows));
                }
                // Half of the updates lie around the goal, where they matter most.
                let (goal_col, goal_row) = corners[corners.len() - 1];
                let place = |(at_goal, col, row, value): (bool, i32, i32, i8)| {
                    let near = (goal_col - 2 + col % 5, goal_row - 2 + row % 5);
                    let (col, row) = if at_goal { near } else { (col, row) };
                    (col.clamp(0, SIDE as i32 - 1), row.clamp(0, SIDE as i32 - 1), value)
                };
                let updates = updates.into_iter().map(place).collect();
                Case {
                    values,
                    updates,
                    allow_unknown,
                    route_allows_unknown,
                    escape,
                    yaw,
                    points,
                    corners,
                    join,
                    goal_offset,
                }
            },
        )
}

/// Offers a draft, and inspects the path if it is accepted. Returns whether it was, and whether it then joins a route.
fn run(case: &Case) -> Result<(bool, bool), TestCaseError> {
    let config = GridConfig { allow_unknown: case.allow_unknown, ..GridConfig::default() };
    let geometry = Geometry::new(SIDE, SIDE, 0.1, Pose::new(3.0, -2.0, case.yaw)).unwrap();
    let mut builder = CostmapBuilder::new(&config, GridKind::Costmap);
    builder.take_grid(OccupancyGrid::new(geometry, case.values.clone()).unwrap());
    builder.refresh_to_end();
    let mut map = builder.costmap().unwrap().clone();
    let rules = Rules { allow_unknown: case.allow_unknown, escape: case.escape };
    let travel = Travel::new(&GridConfig { allow_unknown: case.route_allows_unknown, ..config });
    let (mut routes, mut path, mut draft) = (Routes::default(), VerifiedPath::default(), Draft::default());
    let corners: Vec<Cell> = case.corners.iter().map(|(col, row)| Cell::new(*col, *row)).collect();
    if let Some((route, first, _)) = routes.spare([None, None]) {
        let goal = corners[corners.len() - 1];
        let CellPoint { col, row } = goal.center();
        let exact = CellPoint::new(col + case.goal_offset.0, row + case.goal_offset.1);
        let Point { x, y } = geometry.to_point(exact);
        let drawn = route.draw(&map, travel, &corners, Pose::new(x, y, 1.0), None);
        draft.junction = drawn.then(|| first.at(case.join % corners.len()));
    }
    for (number, (col, row, value)) in case.updates.iter().enumerate() {
        let rect = Rect { col: *col, row: *row, width: 1, height: 1 };
        builder.take_update(rect, &[*value]).unwrap();
        if let Some(change) = builder.refresh_to_end() {
            map.apply(&change);
        }
        // Without a recheck after the last change, the route must not be accepted.
        if number % 2 == 0 {
            routes.recheck(&map, travel);
        }
    }
    let joined = draft.junction.and_then(|at| routes.of(at).corner(at.corner));
    let ends = joined.map(Cell::center);
    let points = case.points.iter().map(|(col, row)| CellPoint::new(*col, *row)).chain(ends);
    draft.poses = points
        .map(|at| {
            let Point { x, y } = geometry.to_point(at);
            Pose::new(x, y, 0.5)
        })
        .collect();
    if let (Some(last), Some(cell)) = (draft.poses.last_mut(), joined) {
        let Point { x, y } = geometry.center(cell);
        *last = Pose::new(x, y, 0.5);
    }
    let has_route = draft.junction.is_some();
    let accepted = path.accept(&mut draft, &routes, &map, rules);
    if accepted {
        prop_assert_eq!(fault(&map, rules, path.poses()), None);
        let length: f64 = path.poses().windows(2).map(|pair| pair[0].point().distance(pair[1].point())).sum();
        prop_assert!((path.length() - length).abs() < 1e-9);
    } else {
        prop_assert!(path.poses().is_empty(), "a refused draft changes nothing");
    }
    Ok((accepted, accepted && has_route))
}

#[test]
fn no_accepted_path_violates_the_theorem() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 6000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let (accepted, over_routes) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    runner
        .run(&cases(), |case| {
            let (is_accepted, has_route) = run(&case)?;
            accepted.set(accepted.get() + u32::from(is_accepted));
            over_routes.set(over_routes.get() + u32::from(has_route));
            Ok(())
        })
        .unwrap();
    // Otherwise the test would prove nothing.
    assert!(
        accepted.get() > 500 && over_routes.get() > 50,
        "{} accepted, {} with a route",
        accepted.get(),
        over_routes.get()
    );
}
