use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI, TAU};

use proptest::prelude::*;

use super::*;
use crate::headings::wrapped;
use crate::lattice::Travel;
use crate::path::PathPose;

/// Lengths alone count.
fn plain(model: MotionModel, turning_radius: f64, allow_reverse: bool) -> Motion {
    Motion {
        model,
        turning_radius,
        reverse_penalty: 1.0,
        change_penalty: 0.0,
        non_straight_penalty: 1.0,
        allow_reverse,
        turning_cost: 0.0,
    }
}

fn pose() -> impl Strategy<Value = CellPose> {
    (-12.0..12.0_f64, -12.0..12.0_f64, -PI..PI).prop_map(|(col, row, yaw)| CellPose::new(col, row, yaw))
}

/// Poses of which many differ by round numbers, where formulas change from one case to another.
fn round_pose() -> impl Strategy<Value = CellPose> {
    (-6..7_i32, -6..7_i32, -4..5_i32).prop_map(|(col, row, eighth)| {
        CellPose::new(f64::from(col) / 2.0, f64::from(row) / 2.0, f64::from(eighth) * FRAC_PI_4)
    })
}

fn any_pose() -> impl Strategy<Value = CellPose> {
    prop_oneof![pose(), round_pose()]
}

/// What a driver may do: a side or straight on, and how far.
fn drive(from: CellPose, radius: f64, pieces: &[(i8, f64)]) -> (CellPose, f64) {
    let steer = |side: i8| if side == 0 { Steer::Straight } else { Steer::Arc(f64::from(side) * radius) };
    let segments = pieces.iter().map(|(side, amount)| Segment { steer: steer(*side), amount: *amount });
    let end = segments.clone().fold(from, |pose, segment| segment.end(pose));
    (end, segments.map(|segment| segment.length()).sum())
}

fn motions() -> impl Strategy<Value = Motion> {
    let model = prop_oneof![Just(MotionModel::Car), Just(MotionModel::Diff), Just(MotionModel::Omni)];
    (model, 0.3..8.0_f64, any::<bool>(), 1.0..3.0_f64, 0.0..4.0_f64).prop_map(
        |(model, radius, allow_reverse, penalty, change)| Motion {
            reverse_penalty: penalty,
            non_straight_penalty: 1.0 + penalty / 10.0,
            change_penalty: change,
            turning_cost: 2.0,
            ..plain(model, radius, allow_reverse)
        },
    )
}

#[test]
fn lengths_that_can_be_told_by_hand() {
    let car = plain(MotionModel::Car, 1.0, true);
    let length = |col: f64, row: f64, yaw: f64, motion: &Motion| {
        cheapest(CellPose::default(), CellPose::new(col, row, yaw), motion).unwrap().length()
    };
    for (col, row, yaw, expected) in [
        (5.0, 0.0, 0.0, 5.0),
        (-5.0, 0.0, 0.0, 5.0),
        (1.0, 1.0, FRAC_PI_2, FRAC_PI_2),
        (2.0, 0.0, PI, PI),
        (0.0, 2.0, PI, PI),
        // To turn round where it stands, a car drives three arcs of 60 degrees.
        (0.0, 0.0, PI, PI),
        (1.0, 5.0, FRAC_PI_2, FRAC_PI_2 + 4.0),
    ] {
        let found = length(col, row, yaw, &car);
        assert!((found - expected).abs() < 1e-9, "({col}, {row}, {yaw}): {found}, not {expected}");
    }
    let forwards = plain(MotionModel::Car, 1.0, false);
    for (col, row, yaw, expected) in [
        (5.0, 0.0, 0.0, 5.0),
        (0.0, 2.0, PI, PI),
        // A whole turn and the way back to the start of it.
        (0.0, 0.0, PI, 7.0 * PI / 3.0),
        (0.0, -2.0, PI, PI),
    ] {
        let found = length(col, row, yaw, &forwards);
        assert!((found - expected).abs() < 1e-9, "Dubins ({col}, {row}, {yaw}): {found}, not {expected}");
    }
    assert!((length(3.0, 4.0, 1.0, &plain(MotionModel::Diff, 0.0, false)) - 5.0).abs() < 1e-9);
}

#[test]
fn poses_that_are_not_finite_have_no_curve() {
    for model in [MotionModel::Car, MotionModel::Diff, MotionModel::Omni] {
        let motion = plain(model, 2.0, true);
        assert_eq!(cheapest(CellPose::new(f64::NAN, 0.0, 0.0), CellPose::default(), &motion), None, "{model:?}");
        assert!(curves(CellPose::default(), CellPose::new(0.0, 0.0, f64::INFINITY), &motion).is_empty(), "{model:?}");
    }
}

#[test]
fn a_robot_that_is_there_already_stays() {
    for model in [MotionModel::Car, MotionModel::Diff, MotionModel::Omni] {
        let curve = cheapest(CellPose::new(1.0, 2.0, 3.0), CellPose::new(1.0, 2.0, 3.0), &plain(model, 2.0, true));
        assert!(curve.unwrap().length() < 1e-9, "{model:?}");
    }
}

#[test]
fn a_backward_drive_is_chosen_where_it_is_cheaper() {
    let (from, to) = (CellPose::default(), CellPose::new(-5.0, 0.0, 0.0));
    for model in [MotionModel::Car, MotionModel::Diff] {
        let motion = Motion { reverse_penalty: 1.5, turning_cost: 3.0, ..plain(model, 2.0, true) };
        let curve = cheapest(from, to, &motion).unwrap();
        assert_eq!(curve.segments.len(), 1, "{model:?}");
        assert!((curve.cost(&motion) - 7.5).abs() < 1e-9, "{model:?}");
        let forwards = cheapest(from, to, &Motion { allow_reverse: false, ..motion }).unwrap();
        assert!(forwards.segments.iter().all(|segment| segment.amount > 0.0 || !segment.is_drive()), "{model:?}");
    }
}

#[test]
fn curves_are_found_and_sampled_without_allocation() {
    let mut path = Vec::with_capacity(500);
    let motion = plain(MotionModel::Car, 4.0, true);
    let allocated = allocation_counter::measure(|| {
        for curve in curves(CellPose::default(), CellPose::new(20.0, -7.0, 2.0), &motion) {
            path.clear();
            assert!(curve.sample(&mut path));
        }
    });
    assert_eq!(allocated.count_total, 0);
    let mut short = Vec::with_capacity(5);
    let curve = cheapest(CellPose::default(), CellPose::new(20.0, -7.0, 2.0), &motion).unwrap();
    assert!(!curve.sample(&mut short) && short.len() == short.capacity());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_driver_of_a_car_finds_a_shorter_way(
        from in any_pose(), radius in 0.5..4.0_f64,
        pieces in prop::collection::vec((-1..2_i8, prop_oneof![-3.0..3.0_f64, Just(FRAC_PI_2), Just(-FRAC_PI_2)]), 1..7),
    ) {
        let pieces: Vec<_> = pieces.into_iter().map(|(side, amount)| (side, amount * radius)).collect();
        let (to, driven) = drive(from, radius, &pieces);
        let curve = cheapest(from, to, &plain(MotionModel::Car, radius, true)).unwrap();
        prop_assert!(curve.length() <= driven + 1e-9, "{} over {driven}", curve.length());
        let forwards: Vec<_> = pieces.iter().map(|(side, amount)| (*side, amount.abs())).collect();
        let (to, driven) = drive(from, radius, &forwards);
        let curve = cheapest(from, to, &plain(MotionModel::Car, radius, false)).unwrap();
        prop_assert!(curve.length() <= driven + 1e-9, "Dubins {} over {driven}", curve.length());
        prop_assert!(curve.segments.iter().all(|segment| segment.amount > 0.0));
    }

    #[test]
    fn a_curve_ends_exactly_where_it_must(from in any_pose(), to in any_pose(), motion in motions()) {
        let all = curves(from, to, &motion);
        prop_assert!(!all.is_empty());
        for curve in &all {
            prop_assert!(curve.end().at().distance(to.at()) < 1e-9 && wrapped(to.yaw - curve.end().yaw).abs() < 1e-9);
            prop_assert!(curve.length() >= from.at().distance(to.at()) - 1e-9);
            for segment in &curve.segments {
                if let Steer::Arc(radius) = segment.steer {
                    prop_assert!(radius.abs() >= motion.turning_radius && segment.turn().abs() < TAU);
                }
            }
        }
        let costs: Vec<f64> = all.iter().map(|curve| curve.cost(&motion)).collect();
        prop_assert!(costs.is_sorted());
        prop_assert!((cheapest(from, to, &motion).unwrap().cost(&motion) - costs[0]).abs() < 1e-12);
    }

    #[test]
    fn the_way_back_and_the_mirrored_way_are_as_long(from in any_pose(), to in any_pose(), radius in 0.3..8.0_f64) {
        let car = plain(MotionModel::Car, radius, true);
        let mirrored = |pose: CellPose| CellPose::new(pose.col, -pose.row, -pose.yaw);
        let length = |from, to| cheapest(from, to, &car).unwrap().length();
        let there = length(from, to);
        prop_assert!((there - length(to, from)).abs() < 1e-8);
        prop_assert!((there - length(mirrored(from), mirrored(to))).abs() < 1e-8);
        // Dubins' car turns round to drive back.
        let forwards = Motion { allow_reverse: false, ..car };
        let turned = |pose: CellPose| CellPose::new(pose.col, pose.row, pose.yaw + PI);
        let (there, back) = (cheapest(from, to, &forwards).unwrap(), cheapest(turned(to), turned(from), &forwards).unwrap());
        prop_assert!((there.length() - back.length()).abs() < 1e-8);
        prop_assert!(there.length() >= length(from, to) - 1e-9);
    }

    #[test]
    fn samples_follow_the_curve(from in any_pose(), to in any_pose(), motion in motions()) {
        let curve = cheapest(from, to, &motion).unwrap();
        let mut path: Vec<PathPose> = Vec::with_capacity(4000);
        prop_assert!(curve.sample(&mut path));
        prop_assert_eq!(path[0].pose, from);
        let last = path[path.len() - 1].pose;
        prop_assert!(last.at().distance(to.at()) < 1e-9 && wrapped(to.yaw - last.yaw).abs() < 1e-9);
        let mut length = 0.0;
        for pair in path.windows(2) {
            let (step, turned) = (pair[0].pose.at().distance(pair[1].pose.at()), wrapped(pair[1].pose.yaw - pair[0].pose.yaw));
            prop_assert!(step <= SPACING + 1e-9 && turned.abs() <= TURN + 1e-9);
            // A chord is shorter than its arc by less than a 24th of the turn's square.
            length += step * (1.0 + turned * turned / 20.0);
            if motion.model == MotionModel::Car {
                prop_assert!(turned.abs() <= step / motion.turning_radius * (1.0 + turned * turned) + 1e-9);
            }
            if motion.model != MotionModel::Omni && step > 1e-6 {
                // Half a turn before the chord's direction the robot headed there.
                let heading = pair[0].pose.at().heading(pair[1].pose.at()) - pair[0].pose.yaw - turned / 2.0;
                let ahead = if pair[1].travel == Travel::Forward { 0.0 } else { PI };
                prop_assert!(wrapped(heading - ahead).abs() < 1e-6);
            }
        }
        prop_assert!(length >= curve.length() - 1e-6);
        for (index, _) in curve.segments.iter().enumerate() {
            let joint = curve.segments[..=index].iter().fold(from, |pose, segment| segment.end(pose));
            prop_assert!(path.iter().any(|sample| sample.pose.at().distance(joint.at()) < 1e-9));
        }
    }
}

#[test]
fn from_a_pose_to_itself_there_is_no_way() {
    for (model, reverse) in [(MotionModel::Car, false), (MotionModel::Car, true), (MotionModel::Diff, true)] {
        for yaw in [0.0, FRAC_PI_2 / 2.0, 1.0, PI] {
            let pose = CellPose::new(-2.5, 0.0, yaw);
            let rounded = CellPose::new(-2.5, 1e-15, yaw - 1e-15);
            let curve = cheapest(pose, rounded, &plain(model, 0.3, reverse)).unwrap();
            assert!(curve.length() < 1e-9, "{model:?} {yaw}");
        }
    }
}
