//! What the search over positions and headings takes for clear passes the check, so that no path that it finds is refused: what
//! its motions sweep is at least as wide as the check's, and the base stays in the grid, also where it isn't inside the outline.

use std::f64::consts::TAU;
use std::sync::Arc;

use proptest::prelude::*;
use trm_config::footprint::Footprint;
use trm_config::{GridConfig, MotionModel};
use trm_grid::costmap::Costmap;
use trm_grid::testing::costmap;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Pose};
use trm_lattice::blocked::Blocked;
use trm_lattice::clearance::Clearance;
use trm_lattice::curves::cheapest;
use trm_lattice::headings::Headings;
use trm_lattice::lattice::Lattice;
use trm_lattice::map_field::{MapField, Progress};
use trm_lattice::motion::Motion;
use trm_lattice::path::PathPose;
use trm_lattice::pose::CellPose;
use trm_lattice::search::{Outcome, Request, Search, World};
use trm_lattice::testing;
use trm_safety::check::Rules;
use trm_safety::outline::Outline;
use trm_safety::swept::{check, invalid_poses};

const RULES: Rules = Rules { allow_unknown: false, escape: 0.0 };

/// A star around a point that may be outside of it, in cells of 1 m.
fn footprint() -> impl Strategy<Value = Footprint> {
    let radii = prop::collection::vec(0.8..3.5_f64, 3..8);
    (radii, -5.0..2.0_f64, -2.0..2.0_f64).prop_filter_map("a simple polygon", |(radii, x, y)| {
        let corner = |(at, radius): (usize, &f64)| {
            let (sin, cos) = (TAU * at as f64 / radii.len() as f64).sin_cos();
            [x + radius * cos, y + radius * sin]
        };
        Footprint::new(&radii.iter().enumerate().map(corner).collect::<Vec<_>>()).ok()
    })
}

/// A small map with posts.
fn world() -> impl Strategy<Value = Costmap> {
    prop::collection::vec((0..22_usize, 0..18_usize), 0..16).prop_map(|posts| {
        let mut rows = vec![".".repeat(22); 18];
        for (col, row) in posts {
            rows[row].replace_range(col..=col, "#");
        }
        costmap(&rows.iter().map(String::as_str).collect::<Vec<_>>())
    })
}

fn motion() -> impl Strategy<Value = Motion> {
    let models = prop::sample::select(vec![MotionModel::Omni, MotionModel::Diff, MotionModel::Car]);
    (models, 3.0..12.0_f64)
        .prop_map(|(model, turning_radius)| Motion { turning_cost: 1.0, ..testing::motion(model, turning_radius) })
}

fn pose() -> impl Strategy<Value = CellPose> {
    (-0.5..21.5_f64, -0.5..17.5_f64, -4.0..4.0_f64).prop_map(|(col, row, yaw)| CellPose::new(col, row, yaw))
}

/// Some are beside the map.
fn anywhere() -> impl Strategy<Value = CellPose> {
    (-3.0..25.0_f64, -3.0..21.0_f64, -4.0..4.0_f64).prop_map(|(col, row, yaw)| CellPose::new(col, row, yaw))
}

/// In the map, many at its border.
fn pose_at_border() -> impl Strategy<Value = CellPose> {
    (pose(), 0..3_u8).prop_map(|(pose, border)| match border {
        0 => CellPose { col: 20.5 + pose.col / 22.0, ..pose },
        1 => CellPose { row: pose.row / 18.0, ..pose },
        _ => pose,
    })
}

fn in_metres<'a>(map: &'a Costmap, path: &'a [PathPose]) -> impl Iterator<Item = Pose> + 'a {
    path.iter().map(|PathPose { pose, .. }| {
        let point = map.geometry().to_point(pose.at());
        Pose::new(point.x, point.y, map.geometry().to_map_yaw(pose.yaw))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn a_clear_curve_passes_the_check(
        map in world(), footprint in footprint(), motion in motion(), from in pose(), to in anywhere(), share in 0.0..1.0_f64,
    ) {
        let blocked = Blocked::new(&map, false);
        let wide = trm_lattice::sweep::Outline::new(footprint.corners().to_vec());
        let clearance = Clearance::new(&wide, &blocked);
        let at = from.at().towards(to.at(), share);
        let curve = cheapest(from, CellPose::new(at.col, at.row, to.yaw), &motion).unwrap();
        if clearance.is_clear_at(from) && clearance.is_clear_along(&curve) {
            let mut path = Vec::with_capacity(1000);
            prop_assert!(curve.sample(&mut path));
            let outline = Outline::new(&footprint, 1.0);
            prop_assert_eq!(invalid_poses(&map, RULES, &outline, in_metres(&map, &path)), Vec::<usize>::new());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_path_that_is_found_is_refused(
        map in world(), footprint in footprint(), motion in motion(), start in pose_at_border(), goal in pose_at_border(),
        is_on_cells: bool, is_guided: bool,
    ) {
        let on_cells = |pose: CellPose| {
            let Cell { col, row } = pose.at().cell();
            CellPose::new(f64::from(col), f64::from(row), 0.0)
        };
        let [start, goal] = [start, goal].map(|pose| if is_on_cells { on_cells(pose) } else { pose });
        let lattice = Arc::new(Lattice::new(&footprint, 1.0, motion, Headings::H16).unwrap());
        let (blocked, travel) = (Blocked::new(&map, false), Travel::new(&GridConfig::default()));
        let guidance = is_guided.then(|| {
            let mut field = MapField::new(Arc::clone(&lattice), &map, travel);
            field.aim(&map, goal, (0.75, 0.3));
            assert_eq!(field.go_on(u16::MAX, &mut || true), Progress::Whole);
            field.guidance()
        });
        let request = Request { start, goal, start_tolerance: 0.0, goal_tolerance: (0.75, 0.3), greed: 1.5 };
        let world = World {
            lattice: &lattice,
            blocked: &blocked,
            weight: |_| 1.0,
            cost_to_go: |cell: Cell| cell.center().distance(goal.at()) as f32,
            poses: guidance.as_ref(),
        };
        let mut search = Search::with_room(&lattice, travel, 1 << 14);
        if let Outcome::Found(_) = search.run(&world, &request, &mut || true) {
            let mut path = Vec::with_capacity(10_000);
            prop_assert!(search.path(&lattice, &mut path));
            prop_assert!(check(&map, RULES, &Outline::new(&footprint, 1.0), in_metres(&map, &path)));
        }
    }
}
