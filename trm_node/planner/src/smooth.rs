//! Straightens a path of cells, and converts it to poses.

use trm_grid::costmap::Costmap;
use trm_grid::travel::Travel;
use trm_grid::units::{Cell, Point, Pose};
use trm_safety::check::is_clear;
use trm_safety::route::STRIDE;

/// A straight line replaces at most this many moves of the path, which bounds the work.
const LOOK_AHEAD: usize = 64;
/// After this many cells of the path, which are far from being driven, a longer line is only tried every [`FAR_STEP`]
/// cells.
const CLOSE_CELLS: usize = 256;
/// See [`CLOSE_CELLS`]. Lines over no more moves than this are always tried.
const FAR_STEP: usize = 8;
/// A line may cost this much more than the moves that it replaces, in cells. It covers the rounding of the two sums
/// only.
const SLACK: f64 = 1e-6;

/// Replaces runs of moves by straight lines, where a line is clear and costs no more than the moves. Writes the corners
/// that remain. The first `kept` cells always remain, and so does the rest of the path once `may_go_on` returns false.
/// A single line replaces a limited number of moves; applied to its own result, the function joins more of them.
///
/// ```
/// use trm_grid::testing::{costmap, travel};
/// use trm_grid::units::Cell;
/// use trm_planner::smooth::straighten;
///
/// let map = costmap(&[".....", ".....", "..#..", "..#.."]);
/// let path = [(1, 3), (1, 2), (1, 1), (2, 1), (3, 1), (3, 2), (3, 3)].map(|(col, row)| Cell::new(col, row));
/// let mut corners = Vec::new();
/// straighten(&map, travel(2.0), &path, 1, || true, &mut corners);
/// assert_eq!(corners, [(1, 3), (1, 1), (3, 1), (3, 3)].map(|(col, row)| Cell::new(col, row)));
/// ```
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
            if anchor > CLOSE_CELLS && ahead > FAR_STEP && !ahead.is_multiple_of(FAR_STEP) && next + 1 < cells.len() {
                continue;
            }
            let is_cheap = |cost: f64| cost <= replaced + SLACK;
            if !is_clear(costmap, travel.allow_unknown, from, to) || !is_cheap(travel.line(costmap, from, to)) {
                break;
            }
            end = next;
        }
        corners.push(cells[end]);
        anchor = end;
    }
}

/// Writes the corners of a path with additional ones, so that its lines become at most `max_length` cells long where
/// this can be achieved. An additional corner is the cell nearest to its point on the line, and the lines to and from
/// it are clear.
pub fn divide(costmap: &Costmap, allow_unknown: bool, path: &[Cell], max_length: f64, corners: &mut Vec<Cell>) {
    corners.clear();
    corners.extend(path.first());
    for pair in path.windows(2) {
        let [mut from, to] = [pair[0], pair[1]];
        let (dx, dy) = ((to.col - from.col) as f64, (to.row - from.row) as f64);
        let pieces = (dx.hypot(dy) / max_length).ceil();
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

/// The exact ends of a path; `None` where the centre of the first or last cell is to be used. The lines between them
/// and these centres must pass the check: see [`trm_safety::ends`].
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    /// Where the path begins, in the first cell.
    pub start: Option<Point>,
    /// Where it ends, in the last cell.
    pub goal: Option<Point>,
    /// The heading of the last pose.
    pub yaw: f64,
}

/// Stops that are no farther apart, in cells, are the same.
const SAME_STOP: f64 = 1e-9;

/// Writes the poses of a path along its corners: at most a diagonal step apart, each facing the next one. Where the line
/// between an exact end and the corner next to it isn't clear, the path takes the centre of the cell on the way.
pub fn to_poses(costmap: &Costmap, allow_unknown: bool, corners: &[Cell], ends: Ends, poses: &mut Vec<Pose>) {
    poses.clear();
    let geometry = costmap.geometry();
    let Some((first, last)) = corners.first().zip(corners.last()) else { return };
    let (first, last) = (first.center(), last.center());
    let in_cells = |point: &Point| geometry.to_cells(*point);
    let clear = |a, b| is_clear(costmap, allow_unknown, a, b);
    let (start, end) = (ends.start.as_ref().map_or(first, in_cells), ends.goal.as_ref().map_or(last, in_cells));
    let middle = if corners.len() > 2 { &corners[1..corners.len() - 1] } else { &[] };
    let is_straight = middle.is_empty() && clear(start, end);
    let via_first = !is_straight && !clear(start, middle.first().map_or(last, |cell| cell.center()));
    let before_end = middle.last().map_or(if via_first { first } else { start }, |cell| cell.center());
    let via_last = !is_straight && !clear(before_end, end);
    let middle = middle.iter().map(|cell| cell.center());
    let stops = via_first.then_some(first).into_iter().chain(middle).chain(via_last.then_some(last)).chain([end]);
    let mut from = start;
    for next in stops {
        let distance = from.distance(next);
        if distance > SAME_STOP {
            let yaw = geometry.to_map_yaw(from.heading(next));
            let pieces = (distance / STRIDE).ceil();
            for piece in 0..pieces as usize {
                let point = geometry.to_point(from.towards(next, piece as f64 / pieces));
                poses.push(Pose::new(point.x, point.y, yaw));
            }
        }
        from = next;
    }
    let end = geometry.to_point(end);
    poses.push(Pose::new(end.x, end.y, ends.yaw));
    // Conversion to cells and back rounds, so write the exact ends bit for bit.
    for (pose, exact) in [(0, ends.start), (poses.len() - 1, ends.goal)] {
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
    fn a_straight_path_keeps_only_its_ends_and_a_path_around_a_wall_its_corners() {
        let map = costmap(&[".....", ".....", "..#..", "..#.."]);
        let mut corners = Vec::new();
        let path = cells(&[(0, 0), (1, 1), (2, 1), (3, 0), (4, 0)]);
        straighten(&map, travel(2.0), &path, 1, || true, &mut corners);
        assert_eq!(corners, cells(&[(0, 0), (4, 0)]));
        let path = cells(&[(1, 3), (1, 2), (1, 1), (2, 1), (3, 1), (3, 2), (3, 3)]);
        straighten(&map, travel(2.0), &path, 1, || true, &mut corners);
        assert_eq!(corners, cells(&[(1, 3), (1, 1), (3, 1), (3, 3)]));
        straighten(&map, travel(2.0), &path, 1, || false, &mut corners);
        assert_eq!(corners, path, "out of time: unchanged");
    }

    #[test]
    fn a_second_pass_makes_one_line_of_a_long_straight_path() {
        let map = costmap(&[&".".repeat(300), &".".repeat(300)]);
        let path: Vec<Cell> = (0..300).map(|col| Cell::new(col, i32::from(col > 150))).collect();
        let (mut corners, mut again) = (Vec::new(), Vec::new());
        straighten(&map, travel(2.0), &path, 1, || true, &mut corners);
        assert_eq!(corners.len(), 6);
        straighten(&map, travel(2.0), &corners, 1, || true, &mut again);
        assert_eq!(again, cells(&[(0, 0), (299, 1)]));
    }

    #[test]
    fn a_line_that_costs_more_than_the_detour_is_not_used() {
        let map = costmap(&[".......", ".99999.", ".99999."]);
        let around = cells(&[(0, 1), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 1)]);
        let mut corners = Vec::new();
        straighten(&map, travel(2.0), &around, 1, || true, &mut corners);
        assert_eq!(corners, cells(&[(0, 1), (1, 0), (5, 0), (6, 1)]));
        straighten(&map, travel(0.0), &around, 1, || true, &mut corners);
        assert_eq!(corners, cells(&[(0, 1), (6, 1)]), "shorter, if only length counts");
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
    fn poses_are_dense_face_the_next_one_and_end_at_the_exact_ends() {
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
    fn where_the_line_to_an_exact_end_is_not_clear_the_path_takes_the_centre_on_the_way() {
        let map = costmap(&[".....", "..#..", "....."]);
        let is_good = |poses: &[Pose]| check(&map, Rules { allow_unknown: false, escape: 0.0 }, in_cells(&map, poses));
        let mut poses = Vec::new();
        let goal = Some(Point { x: 4.3, y: 1.8 });
        let begin = |x, y| Ends { start: Some(Point { x, y }), goal, yaw: 1.0 };
        to_poses(&map, false, &cells(&[(1, 2), (3, 2), (4, 1)]), begin(1.3, 2.5), &mut poses);
        assert_eq!((poses[0].x, poses[0].y, poses[poses.len() - 1]), (1.3, 2.5, Pose::new(4.3, 1.8, 1.0)));
        assert!(is_good(&poses) && (poses[1].y - 2.5).abs() < 1e-9, "straight on");
        to_poses(&map, false, &cells(&[(1, 0), (3, 0), (4, 1)]), begin(1.4, 0.7), &mut poses);
        assert_eq!((poses[0].x, poses[0].y), (1.4, 0.7));
        assert_eq!((poses[1].x, poses[1].y), (1.5, 0.5), "beside the obstacle, so by way of the centre");
        assert!(is_good(&poses));
    }

    #[test]
    fn one_cell_gives_one_pose_or_the_line_between_the_exact_ends() {
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
