//! Remainders, and when a path is kept.

use super::*;
use trm_grid::testing::{costmap, travel};
use trm_grid::units::Cell;

use crate::endpoints::GoalArea;

const SOON: Duration = Duration::from_secs(7);
const RULES: Rules = Rules { allow_unknown: false, escape: 0.0 };

/// Poses at the centres of cells of 1 m, facing along x.
fn poses(cells: &[(i32, i32)]) -> Vec<Pose> {
    cells.iter().map(|(col, row)| Pose::new(f64::from(*col) + 0.5, f64::from(*row) + 0.5, 0.0)).collect()
}

/// A problem on a costmap from a pose to the end of row 0.
fn problem(costmap: &Costmap, start_pose: Pose) -> Problem<'_> {
    let goal = Cell::new(costmap.geometry().width() as i32 - 1, 0);
    let Point { x, y } = costmap.geometry().center(goal);
    let from = costmap.geometry().nearest_cell(start_pose.point());
    Problem {
        costmap,
        guidance: None,
        rules: RULES,
        travel: travel(2.0),
        from,
        area: GoalArea::only(goal),
        goal,
        start_pose,
        goal_pose: Pose::new(x, y, 0.0),
        epoch: None,
    }
}

/// The previous path along these cells, which must be safe.
fn published(map: &Costmap, cells: &[(i32, i32)], junction: Option<Junction>, routes: &Routes) -> PreviousPath {
    let mut previous = PreviousPath::default();
    let mut draft = Draft { poses: poses(cells), junction };
    assert!(previous.replace(&mut draft, routes, &problem(map, Pose::default())));
    previous
}

/// Points of a remainder, in metres.
fn points(left: Remainder) -> Vec<(f64, f64)> {
    left.poses().map(|pose| (pose.x, pose.y)).collect()
}

/// The cells of a path along row 0.
const STRAIGHT: [(i32, i32); 6] = [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0)];

#[test]
fn a_remainder_leads_from_the_robot_to_the_pose_after_the_nearest_one() {
    let (map, routes) = (costmap(&["......", "......"]), Routes::default());
    let previous = published(&map, &STRAIGHT, None, &routes);
    let of = |x, y| Remainder::of((previous.path(), 0), &routes, Pose::new(x, y, 3.0), map.geometry());
    let left = of(2.6, 0.7).unwrap();
    assert_eq!(points(left), [(2.6, 0.7), (3.5, 0.5), (4.5, 0.5), (5.5, 0.5)]);
    assert!((left.poses().next().unwrap().yaw - (-0.2_f64).atan2(0.9)).abs() < 1e-12, "it faces the next pose");
    // A longer line gets poses on the way, at most a diagonal step apart.
    let dense: Vec<Pose> = of(0.5, 4.5).unwrap().poses().collect();
    assert!(dense.len() > 6 && dense.windows(2).all(|pair| pair[0].point().distance(pair[1].point()) <= STRIDE));
    assert_eq!(points(of(5.9, 0.5).unwrap()), [(5.9, 0.5), (5.5, 0.5)], "after the last pose, back to it");
    assert!(of(0.5, 0.5 + MAX_STRAY).is_some() && of(0.5, 0.6 + MAX_STRAY).is_none(), "too far away");
    let none = VerifiedPath::default();
    assert!(Remainder::of((&none, 0), &routes, Pose::default(), map.geometry()).is_none(), "there is no path");
}

#[test]
fn a_robot_beside_its_kept_path_never_comes_back_to_where_it_was() {
    let (map, routes) = (costmap(&["......", "......"]), Routes::default());
    let mut previous = published(&map, &STRAIGHT, None, &routes);
    // In steps that are shorter than those of the path: where it was is always the nearest place.
    for step in 0..40 {
        let start = Pose::new(0.1_f64.mul_add(f64::from(step), 0.5), 1.2, 0.0);
        assert!(previous.keep(&routes, &problem(&map, start)));
        let poses = previous.path().poses();
        assert!(poses.iter().all(|pose| pose.x >= start.x - 1e-9), "{start:?}: {poses:?}");
        assert_eq!(poses.last().map(|pose| pose.x), Some(5.5));
        // Where it stands nothing changes.
        let length = previous.path().length();
        assert!(previous.keep(&routes, &problem(&map, start)));
        assert!((previous.path().length() - length).abs() < 1e-9, "{start:?}");
        assert!((previous.distance(start.point(), map.geometry()) - 0.7).abs() < 1e-9, "{start:?}");
    }
}

#[test]
fn at_its_junction_a_remainder_heads_for_the_next_corner_of_the_route() {
    let (map, mut routes) = (costmap(&["......", "......"]), Routes::default());
    let (route, first, _) = routes.spare([None, None]).unwrap();
    let corners = [Cell::new(1, 0), Cell::new(3, 0), Cell::new(5, 0)];
    let goal = problem(&map, Pose::default()).goal_pose;
    assert!(route.draw(&map, travel(2.0), &corners, goal, None));
    let previous = published(&map, &STRAIGHT[..2], Some(first), &routes);
    let of = |x| Remainder::of((previous.path(), 0), &routes, Pose::new(x, 0.5, 0.0), map.geometry()).unwrap();
    assert_eq!((points(of(0.6)), of(0.6).junction), (vec![(0.6, 0.5), (1.5, 0.5)], Some(first)));
    let at_junction = of(1.6);
    assert_eq!(at_junction.junction, Some(first.at(1)));
    assert_eq!(points(at_junction).last(), Some(&(3.5, 0.5)));

    // From the last corner of the route on, only its end is left.
    let previous = published(&map, &STRAIGHT[..4], Some(first.at(1)), &routes);
    let left = Remainder::of((previous.path(), 0), &routes, Pose::new(3.6, 0.5, 0.0), map.geometry()).unwrap();
    assert_eq!((points(left).last(), left.junction), (Some(&(5.5, 0.5)), None));
}

#[test]
fn a_path_holds_while_its_remainder_is_safe_and_without_a_path_always() {
    let (map, routes) = (costmap(&["......", "......"]), Routes::default());
    let none = PreviousPath::default();
    assert!(none.still_holds(&routes, Pose::default(), &map, RULES));
    let previous = published(&map, &STRAIGHT, None, &routes);
    let holds = |x: f64, map: &Costmap| previous.still_holds(&routes, Pose::new(x, 0.5, 0.0), map, RULES);
    let (ahead, beside) = (costmap(&["...#..", "......"]), costmap(&["......", "...#.."]));
    assert!(holds(0.5, &map) && holds(0.5, &beside) && !holds(0.5, &ahead));
    assert!(holds(4.5, &ahead), "the obstacle is behind the robot");
    assert!(!holds(0.5 - 2.0 * MAX_STRAY, &map), "the robot is too far away");
}

#[test]
fn a_path_is_kept_only_for_the_same_goal_and_while_it_is_safe() {
    let (map, routes) = (costmap(&["......", "......"]), Routes::default());
    let mut previous = published(&map, &STRAIGHT, None, &routes);
    let start = Pose::new(2.5, 0.5, 0.0);
    let turned = Pose { yaw: 1.0, ..problem(&map, start).goal_pose };
    assert!(!previous.keep(&routes, &Problem { goal_pose: turned, ..problem(&map, start) }));
    let beside = Problem { goal: Cell::new(4, 0), ..problem(&map, start) };
    assert!(!previous.keep(&routes, &beside), "the same pose, resolved to another cell");
    assert!(!previous.keep(&routes, &problem(&costmap(&["...#..", "......"]), start)));
    assert_eq!(previous.path().poses().len(), 6, "unchanged");
    assert!(previous.keep(&routes, &problem(&map, start)));
    assert_eq!((previous.path().poses().len(), previous.path().poses()[0].point()), (4, start.point()));
    // The robot's exact position is not safe, but the centre of its cell is.
    let beside = costmap(&["......", "..#..."]);
    assert!(previous.keep(&routes, &problem(&beside, Pose::new(2.5, 0.7, 0.0))));
    assert_eq!(previous.path().poses()[0].point(), start.point());
}

#[test]
fn a_little_less_cost_is_no_reason_to_go_another_way() {
    let rows = vec![".".repeat(121); 25];
    let map = costmap(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let routes = Routes::default();
    let problem = problem(&map, Pose::new(0.5, 0.5, 0.0));
    let draft = Draft { poses: poses(&(0..121).map(|col| (col, 0)).collect::<Vec<_>>()), junction: None };
    // Of 120 cells, by way of a place so many rows aside.
    for (row, is_kept) in [(9, true), (20, true), (24, false)] {
        let mut previous = published(&map, &[(0, 0), (60, row), (120, 0)], None, &routes);
        let mut is_preferred = |now| previous.is_preferred_to(&draft, &routes, &problem, (0.2, now));
        assert!(is_preferred(SOON), "{row}");
        assert_eq!(is_preferred(SOON + PATIENCE), is_kept, "{row}");
    }
}

#[test]
fn another_way_must_be_better_in_each_plan_until_it_is_believed() {
    let rows = vec![".".repeat(121); 31];
    let map = costmap(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let routes = Routes::default();
    let problem = problem(&map, Pose::new(0.5, 0.5, 0.0));
    let direct = Draft { poses: poses(&(0..121).map(|col| (col, 0)).collect::<Vec<_>>()), junction: None };
    let detour = Draft { poses: poses(&[(0, 0), (20, 30), (100, 30), (120, 0)]), junction: None };
    let mut previous = published(&map, &[(0, 0), (60, 28), (120, 0)], None, &routes);
    let mut is_kept = |draft, now| {
        let is_kept = previous.is_preferred_to(draft, &routes, &problem, (0.2, now));
        (is_kept, previous.is_in_doubt())
    };
    assert_eq!(is_kept(&direct, SOON), (true, true));
    assert_eq!(is_kept(&direct, SOON + PATIENCE / 2), (true, true));
    assert_eq!(is_kept(&detour, SOON + PATIENCE / 2), (true, false), "it is no better any more");
    assert_eq!(is_kept(&direct, SOON + PATIENCE), (true, true), "from here on it counts");
    assert_eq!(is_kept(&direct, SOON + 2 * PATIENCE), (false, false));
}

#[test]
fn a_path_is_preferred_to_one_that_goes_another_way_at_no_less_cost() {
    // Two ways from one end of the room to the other, 24 cells apart in the middle.
    let rows = vec![".".repeat(41); 25];
    let map = costmap(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let routes = Routes::default();
    let low: Vec<(i32, i32)> = (0..41).map(|col| (col, 0)).collect();
    let up = (1..20).map(|i| (i, i));
    let high: Vec<(i32, i32)> = up.clone().chain((20..40).map(|i| (i, 39 - i))).chain([(40, 0)]).collect();
    let draft = |cells: &[(i32, i32)]| Draft { poses: poses(cells), junction: None };
    let problem = problem(&map, Pose::new(0.5, 0.5, 0.0));
    let is_kept = |previous: &mut PreviousPath, cells: &[(i32, i32)], problem: &Problem, radius| {
        previous.is_preferred_to(&draft(cells), &routes, problem, (radius, SOON))
            && previous.is_preferred_to(&draft(cells), &routes, problem, (radius, SOON + PATIENCE))
    };
    let mut previous = published(&map, &low, None, &routes);
    assert!(is_kept(&mut previous, &high, &problem, 0.2), "the draft is a detour");
    assert!(!is_kept(&mut previous, &low, &problem, 0.2), "the draft goes the same way");
    assert!(!is_kept(&mut previous, &high, &problem, 15.0), "the same way for a large robot");
    let mut previous = published(&map, &high, None, &routes);
    assert!(!is_kept(&mut previous, &low, &problem, 0.2), "the draft is cheaper");
    let mut none = PreviousPath::default();
    assert!(!is_kept(&mut none, &low, &problem, 0.2), "there is nothing to keep");
}
