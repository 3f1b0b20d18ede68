//! Straightens a path over cells, and turns it into poses.

use trm_grid::costmap::Costmap;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Point, Pose};
use trm_safety::check::is_clear;
use trm_safety::route::STRIDE;

/// No straight piece leads past more cells of the path than this, which bounds the work.
const LOOK_AHEAD: usize = 64;
/// Beyond so many cells of the path, which are far from being driven, only ends in steps of [`STEP`] are tried. Nearby
/// ends are tried everywhere.
const CLOSE: usize = 256;
const STEP: usize = 8;
/// A line may cost so much more than what it stands for, in cells: roundings of two sums, no more.
const SLACK: f64 = 1e-6;

/// Leaves out the cells that a straight line can do without: one that is clear and costs no more than what it stands for.
/// `kept` cells at the beginning stay. When `may_go_on` says no, the rest stays as it is. Given its own corners once more,
/// it joins pieces that the first time were too far away.
pub fn straighten(
    costmap: &Costmap,
    travel: Travel,
    cells: &[Cell],
    kept: usize,
    mut may_go_on: impl FnMut() -> bool,
    corners: &mut Vec<Cell>,
) {
    corners.clear();
    let kept = kept.clamp(1, cells.len().max(1));
    corners.extend_from_slice(&cells[..kept.min(cells.len())]);
    let point = |at: usize| cells[at].center();
    let mut anchor = kept - 1;
    while anchor + 1 < cells.len() {
        if !may_go_on() {
            corners.extend_from_slice(&cells[anchor + 1..]);
            return;
        }
        let mut end = anchor + 1;
        let mut replaced = travel.line(costmap, point(anchor), point(end));
        for next in end + 1..cells.len().min(anchor + LOOK_AHEAD + 1) {
            let (from, to) = (point(anchor), point(next));
            replaced += travel.line(costmap, point(next - 1), to);
            let ahead = next - anchor;
            if anchor > CLOSE && ahead > STEP && !ahead.is_multiple_of(STEP) && next + 1 < cells.len() {
                continue;
            }
            let is_worth = |cost: f64| cost <= replaced + SLACK;
            if !is_clear(costmap, travel.allow_unknown, from, to) || !is_worth(travel.line(costmap, from, to)) {
                break;
            }
            end = next;
        }
        corners.push(cells[end]);
        anchor = end;
    }
}

/// Writes the corners of a path, and more on its long lines, so that none is longer than `most` cells where that changes
/// nothing: a corner on the nearest cell of a line, the lines to which are clear.
pub fn divide(costmap: &Costmap, allow_unknown: bool, path: &[Cell], most: f64, corners: &mut Vec<Cell>) {
    corners.clear();
    corners.extend(path.first());
    for pair in path.windows(2) {
        let [mut from, to] = [pair[0], pair[1]];
        let (dx, dy) = ((to.col - from.col) as f64, (to.row - from.row) as f64);
        let pieces = (dx.hypot(dy) / most).ceil();
        let clear = |a: Cell, b: Cell| is_clear(costmap, allow_unknown, a.center(), b.center());
        let start = from;
        for piece in 1..pieces as usize {
            let share = piece as f64 / pieces;
            let on = Cell::new(start.col + (share * dx).round() as i32, start.row + (share * dy).round() as i32);
            if clear(from, on) && clear(on, to) && corners.len() < corners.capacity() {
                corners.push(on);
                from = on;
            }
        }
        corners.push(to);
    }
}

/// The exact ends of a path, where they lie in its first and last cell.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    /// Where the robot is.
    pub start: Option<Point>,
    /// Where it shall go.
    pub goal: Option<Point>,
    /// The heading of the last pose.
    pub yaw: f64,
}

/// Writes the poses of a path along its corners: at most a diagonal step apart, each heading for the next one. The
/// exact ends stand for the first and the last cell's centre where the line to them is clear.
pub fn to_poses(costmap: &Costmap, allow_unknown: bool, corners: &[Cell], ends: Ends, poses: &mut Vec<Pose>) {
    poses.clear();
    let geometry = costmap.geometry();
    let Some((first, last)) = corners.first().zip(corners.last()) else { return };
    let in_cells = |point: &Point| geometry.to_cells(*point);
    let clear = |a, b| is_clear(costmap, allow_unknown, a, b);
    let second = corners.get(1).map_or(first.center(), |cell| cell.center());
    let before_last = if corners.len() > 1 { corners[corners.len() - 2].center() } else { last.center() };
    let start = ends.start.filter(|start| clear(in_cells(start), second));
    let mut from = start.as_ref().map_or(first.center(), in_cells);
    // With two corners or fewer both ends share a line, so the goal is joined to the start that was chosen.
    let joint = if corners.len() > 2 { before_last } else { from };
    let goal = ends.goal.filter(|goal| clear(joint, in_cells(goal)));
    let to = goal.as_ref().map_or(last.center(), in_cells);
    let middle = if corners.len() > 2 { &corners[1..corners.len() - 1] } else { &[] };
    for next in middle.iter().map(|cell| cell.center()).chain([to]) {
        let yaw = geometry.to_map_yaw(from.heading(next));
        let pieces = (from.distance(next) / STRIDE).ceil();
        for piece in 0..pieces as usize {
            let point = geometry.to_point(from.towards(next, piece as f64 / pieces));
            poses.push(Pose::new(point.x, point.y, yaw));
        }
        from = next;
    }
    let end = geometry.to_point(to);
    poses.push(Pose::new(end.x, end.y, ends.yaw));
    // To the bit: metres to cells and back rounds.
    for (pose, exact) in [(0, start), (poses.len() - 1, goal)] {
        if let Some(Point { x, y }) = exact {
            poses[pose] = Pose { x, y, ..poses[pose] };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use trm_grid::guidance::Guidance;
    use trm_grid::testing::{costmap, travel};
    use trm_safety::check::{Rules, check, in_cells};

    fn cells(path: &[(i32, i32)]) -> Vec<Cell> {
        path.iter().map(|(col, row)| Cell::new(*col, *row)).collect()
    }

    #[test]
    fn a_straight_way_keeps_its_ends_only_and_one_around_a_wall_its_corner() {
        let map = costmap(&[".....", ".....", "..#..", "..#.."]);
        let mut corners = Vec::new();
        let path = cells(&[(0, 0), (1, 1), (2, 1), (3, 0), (4, 0)]);
        straighten(&map, travel(2.0), &path, 1, || true, &mut corners);
        assert_eq!(corners, cells(&[(0, 0), (4, 0)]));
        let path = cells(&[(1, 3), (1, 2), (1, 1), (2, 1), (3, 1), (3, 2), (3, 3)]);
        straighten(&map, travel(2.0), &path, 1, || true, &mut corners);
        assert_eq!(corners, cells(&[(1, 3), (1, 1), (3, 1), (3, 3)]));
        straighten(&map, travel(2.0), &path, 1, || false, &mut corners);
        assert_eq!(corners, path, "no time: as it was");
    }

    #[test]
    fn a_long_straight_way_is_one_piece_the_second_time() {
        let map = costmap(&[&".".repeat(300), &".".repeat(300)]);
        let path: Vec<Cell> = (0..300).map(|col| Cell::new(col, i32::from(col > 150))).collect();
        let (mut corners, mut again) = (Vec::new(), Vec::new());
        straighten(&map, travel(2.0), &path, 1, || true, &mut corners);
        assert_eq!(corners.len(), 6);
        straighten(&map, travel(2.0), &corners, 1, || true, &mut again);
        assert_eq!(again, cells(&[(0, 0), (299, 1)]));
    }

    #[test]
    fn a_line_that_costs_more_than_the_way_around_is_not_taken() {
        let map = costmap(&[".......", ".99999.", ".99999."]);
        let around = cells(&[(0, 1), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 1)]);
        let mut corners = Vec::new();
        straighten(&map, travel(2.0), &around, 1, || true, &mut corners);
        assert_eq!(corners, cells(&[(0, 1), (1, 0), (5, 0), (6, 1)]));
        straighten(&map, travel(0.0), &around, 1, || true, &mut corners);
        assert_eq!(corners, cells(&[(0, 1), (6, 1)]), "by length it is");
    }

    proptest! {
        #[test]
        fn straightening_never_raises_the_cost(
            drawn in proptest::collection::vec(
                prop_oneof![4 => Just('.'), 4 => proptest::char::range('1', '9'), 1 => Just('#')], 40 * 30,
            ),
            from in (0..40, 0..30), to in (0..40, 0..30), multiplier in prop_oneof![Just(0.0), 0.0..=3.0_f64],
        ) {
            let rows: Vec<String> = drawn.chunks(40).map(|row| row.iter().collect()).collect();
            let map = costmap(&rows.iter().map(String::as_str).collect::<Vec<_>>());
            let (from, to, travel) = (Cell::new(from.0, from.1), Cell::new(to.0, to.1), travel(multiplier));
            let guidance = Guidance::compute(&map, to, travel, &|| false).unwrap();
            prop_assume!(guidance.cost_to_go(from).is_finite());
            let path: Vec<Cell> = std::iter::successors(Some(from), |cell| guidance.next(&map, *cell)).collect();
            let (mut corners, mut straight, mut poses) = (Vec::new(), Vec::new(), Vec::new());
            straighten(&map, travel, &path, 1, || true, &mut corners);
            straighten(&map, travel, &corners, 1, || true, &mut straight);
            to_poses(&map, false, &straight, Ends { start: None, goal: None, yaw: 0.0 }, &mut poses);
            let (before, after) = (travel.cells(&map, path.iter()), travel.path(&map, poses.iter().copied()));
            prop_assert!(after <= before + 1e-3, "{after}, from {before}");
            let rules = Rules { allow_unknown: false, escape: 0.0 };
            prop_assert!(check(&map, rules, in_cells(&map, &poses)));
        }
    }

    #[test]
    fn poses_are_dense_head_on_and_end_as_asked() {
        let map = costmap(&["......", "......", "......"]);
        let mut poses = Vec::new();
        let ends = Ends { start: Some(Point { x: 0.6, y: 0.6 }), goal: Some(Point { x: 5.3, y: 2.2 }), yaw: 1.0 };
        to_poses(&map, false, &cells(&[(0, 0), (5, 2)]), ends, &mut poses);
        assert_eq!(poses[0].point(), Point { x: 0.6, y: 0.6 });
        assert_eq!(*poses.last().unwrap(), Pose::new(5.3, 2.2, 1.0));
        assert!((poses[0].yaw - 1.6_f64.atan2(4.7)).abs() < 1e-9);
        assert!(poses.windows(2).all(|p| p[0].point().distance(p[1].point()) <= STRIDE));
        assert!(check(&map, Rules { allow_unknown: false, escape: 0.0 }, in_cells(&map, &poses)));
    }

    #[test]
    fn an_end_that_is_not_clear_is_the_centre_of_its_cell() {
        let map = costmap(&["...", ".#."]);
        let mut poses = Vec::new();
        let ends = Ends { start: Some(Point { x: 0.9, y: 0.9 }), goal: None, yaw: 0.0 };
        to_poses(&map, false, &cells(&[(0, 0), (1, 0)]), ends, &mut poses);
        assert_eq!(poses[0].point(), Point { x: 0.5, y: 0.5 });
    }

    #[test]
    fn one_cell_gives_one_pose_or_the_way_inside_it() {
        let map = costmap(&["..", ".."]);
        let mut poses = Vec::new();
        let here = Some(Point { x: 0.7, y: 0.7 });
        to_poses(&map, false, &cells(&[(0, 0)]), Ends { start: here, goal: here, yaw: 2.0 }, &mut poses);
        assert_eq!(poses, [Pose::new(0.7, 0.7, 2.0)]);
        let ends = Ends { start: here, goal: Some(Point { x: 0.9, y: 0.7 }), yaw: 2.0 };
        to_poses(&map, false, &cells(&[(0, 0)]), ends, &mut poses);
        assert_eq!(poses.len(), 2);
    }
}
