//! Judges a drive by what is true and by what had been published: it knows nothing of the planner but its parameters. The
//! rules are those of `tests/closed_loop/judge.py`.

use serde::Serialize;
use trm_grid::units::Point;

use crate::drive::body::{Body, RADIUS, STANDS};
use crate::drive::book::Book;
use crate::drive::node::Planned;
use crate::drive::people;
use crate::drive::polyline::{nearest, rest, samples};
use crate::drive::raster::State;
use crate::drive::sides::enclosed;
use crate::drive::world::Gaps;

/// A stop counts when it is longer than this, in seconds.
const LONG: f64 = 0.2;
/// A person is in the robot's way who is this near to its hull, or to it anywhere on this much of its path, in metres.
const CLOSE: f64 = 0.4;
const AHEAD: f64 = 1.5;
/// The robot is at its goal from here on, in metres: it brakes.
const ARRIVING: f64 = 0.15;
/// How far ahead the path is compared with the one before, in metres.
const COMPARED: f64 = 2.0;
/// A way that is cheaper by less than this share is cheaper for little.
pub const WORTH: f64 = 0.05;
/// Clearances count up to so many metres.
const CLEAR: f64 = 1.0;

/// The robot stood though nobody was in its way.
#[derive(Debug, Clone, Serialize)]
pub struct Stop {
    /// When it began, in seconds.
    pub at: f64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Whether there was a way: a path that held, or else one that an exhaustive search finds.
    pub has_way: bool,
    /// Whether it had a path that held.
    pub has_path: bool,
}

/// The robot touched something.
#[derive(Debug, Clone, Serialize)]
pub struct Contact {
    /// When, in seconds.
    pub at: f64,
    /// A wall, else a person.
    pub is_wall: bool,
    /// It moved.
    pub moves: bool,
    /// It moved on a plan that crossed, when it was made, what had been published.
    pub by_plan: bool,
}

/// A path passes an obstacle on another side than the one before did.
#[derive(Debug, Clone, Serialize)]
pub struct SideChange {
    /// When, in seconds.
    pub at: f64,
    /// The path before had become blocked.
    pub forced: bool,
    /// What was left of the path before and what the new one cost, in metres.
    pub before: f64,
    pub after: f64,
    /// Whether the map has the obstacle; else the lidar has seen it.
    pub is_of_map: bool,
    /// Where the path comes from.
    pub source: &'static str,
    /// Whether guidance was of the present costs.
    pub is_guided: bool,
    /// The robot, and the obstacle, in metres from the map's corner.
    pub robot: (f64, f64),
    pub obstacle: (f64, f64),
}

impl SideChange {
    /// Whether the way before was open and cost hardly more.
    pub fn is_for_little(&self) -> bool {
        !self.forced && self.after > (1.0 - WORTH) * self.before
    }
}

/// What is seen of a drive.
#[derive(Default)]
pub struct Seen {
    pub driven: f64,
    pub seconds: f64,
    /// Seconds in which it moved without a path that held.
    pub without_path: f64,
    pub contacts: Vec<Contact>,
    pub stops: Vec<Stop>,
    pub sides: Vec<SideChange>,
    /// How far each path's first metres are from the one before, at most, in metres.
    pub changes: Vec<f64>,
    /// Plans that crossed what had been published.
    pub crossing: usize,
    pub nearest_wall: f64,
    pub nearest_person: f64,
    /// The sum over time of the distance to what is nearest, at most [`CLEAR`].
    pub clearance: f64,
}

/// The judge of one drive.
pub struct Judge<'a> {
    pub book: Book,
    map: &'a [State],
    goal: Point,
    plan: Option<Vec<Point>>,
    plan_crosses: bool,
    is_valid: bool,
    robot: Point,
    is_touching: bool,
    standing: f64,
    /// Of the stop that goes on: whether it has a way and a path.
    stop: Option<(bool, bool)>,
    pub seen: Seen,
}

impl<'a> Judge<'a> {
    /// The judge of a robot that is sent to a goal.
    pub fn new(book: Book, map: &'a [State], robot: Point, goal: Point) -> Self {
        let seen = Seen { nearest_wall: f64::INFINITY, nearest_person: f64::INFINITY, ..Seen::default() };
        Self {
            book,
            map,
            goal,
            plan: None,
            plan_crosses: false,
            is_valid: false,
            robot,
            is_touching: false,
            standing: 0.0,
            stop: None,
            seen,
        }
    }

    /// The path that is followed, as far as it holds.
    pub fn valid_plan(&self) -> Option<&[Point]> {
        self.plan.as_deref().filter(|_| self.is_valid)
    }

    /// Something was published: the path may not hold any more.
    pub fn published(&mut self) {
        let holds = |plan: &Vec<Point>| !self.book.blocks(&rest(plan, nearest(plan, self.robot).0));
        self.is_valid = self.is_valid && self.plan.as_ref().is_some_and(holds);
    }

    /// Whether a plan crosses what had been published when it was made.
    pub fn crosses(&mut self, path: &[Point]) -> bool {
        let crosses = self.book.blocks(path);
        self.seen.crossing += usize::from(crosses);
        crosses
    }

    /// A plan was published.
    pub fn heard(&mut self, planned: &Planned, path: Option<Vec<Point>>, crosses: bool) {
        let Some(path) = path else {
            (self.plan, self.is_valid) = (None, false);
            return;
        };
        self.compare(planned, &path);
        self.is_valid = !self.book.blocks(&path);
        (self.plan, self.plan_crosses) = (Some(path), crosses);
    }

    fn compare(&mut self, planned: &Planned, path: &[Point]) {
        let (Some(plan), Some(first)) = (&self.plan, path.first()) else { return };
        let old = rest(plan, nearest(plan, *first).0);
        if old.len() < 2 || path.len() < 2 {
            return;
        }
        let ahead = samples(path, 0.05).into_iter().take_while(|(along, _)| *along <= COMPARED);
        self.seen.changes.push(ahead.map(|(_, point)| nearest(&old, point).1).fold(0.0, f64::max));
        let Some(obstacle) = enclosed(&old, path, &self.book) else { return };
        let centre = self.book.raster.centre(obstacle);
        self.seen.sides.push(SideChange {
            at: self.seen.seconds,
            // What blocked the way may have gone since the new one was planned.
            forced: !self.is_valid || self.book.blocks(&old),
            before: self.book.travel_cost(&old),
            after: self.book.travel_cost(path),
            is_of_map: self.map[obstacle] == State::Occupied,
            source: planned.report.source.name(),
            is_guided: planned.is_guided,
            robot: (first.x, first.y),
            obstacle: (centre.x, centre.y),
        });
    }

    /// The world went on by so many seconds.
    pub fn stepped(&mut self, seconds: f64, body: &Body, gaps: Gaps, people: impl Iterator<Item = Point>) {
        let robot = body.pose.point();
        self.seen.driven += robot.distance(self.robot);
        self.robot = robot;
        self.seen.seconds += seconds;
        let moves = body.speed.abs() > STANDS;
        self.seen.nearest_wall = self.seen.nearest_wall.min(gaps.wall);
        self.seen.nearest_person = self.seen.nearest_person.min(gaps.person);
        self.seen.clearance += seconds * gaps.wall.min(gaps.person).min(CLEAR);
        let touches = gaps.wall.min(gaps.person) <= 0.0;
        if touches && !self.is_touching {
            let (is_wall, by_plan) = (gaps.wall <= gaps.person, moves && self.plan_crosses);
            self.seen.contacts.push(Contact { at: self.seen.seconds, is_wall, moves, by_plan });
        }
        self.is_touching = touches;
        if moves && !self.is_valid {
            self.seen.without_path += seconds;
        }
        if !body.stands() || self.has_arrived() || self.is_hindered(people) {
            self.end_stop();
        } else {
            self.stand(seconds);
        }
    }

    fn has_arrived(&self) -> bool {
        let end = self.plan.as_ref().and_then(|plan| plan.last()).unwrap_or(&self.goal);
        self.robot.distance(*end) < ARRIVING
    }

    fn is_hindered(&self, mut people: impl Iterator<Item = Point>) -> bool {
        let ahead = self.plan.as_ref().map(|plan| rest(plan, nearest(plan, self.robot).0)).unwrap_or_default();
        let ahead = samples(&ahead, 0.05).into_iter().take_while(|(along, _)| *along <= AHEAD).map(|(_, point)| point);
        let places: Vec<Point> = std::iter::once(self.robot).chain(ahead).collect();
        let is_close =
            |person: Point| places.iter().any(|place| place.distance(person) - people::RADIUS - RADIUS < CLOSE);
        people.any(is_close)
    }

    fn stand(&mut self, seconds: f64) {
        self.standing += seconds;
        if self.stop.is_none() && self.standing > LONG {
            self.stop = Some((self.is_valid || self.book.leads(self.robot, self.goal), self.is_valid));
        }
    }

    /// The drive, or a stop of it, has ended.
    pub fn end_stop(&mut self) {
        if let Some((has_way, has_path)) = self.stop.take() {
            let at = self.seen.seconds - self.standing;
            self.seen.stops.push(Stop { at, seconds: self.standing, has_way, has_path });
        }
        self.standing = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use trm_config::Config;
    use trm_grid::units::Pose;

    use super::*;
    use crate::drive::raster::Raster;

    const RASTER: Raster = Raster { width: 80, height: 40, resolution: 0.1 };
    const FAR: Gaps = Gaps { wall: 1.0, person: f64::INFINITY };

    /// A room with a wall at x = 4 m that is open above y = `gap`.
    fn map(gap: f64) -> Vec<State> {
        let state = |at: usize| {
            let centre = RASTER.centre(at);
            if centre.x > 4.0 && centre.x < 4.2 && centre.y < gap { State::Occupied } else { State::Free }
        };
        (0..RASTER.cells()).map(state).collect()
    }

    fn judge(map: &[State]) -> Judge<'_> {
        let book = Book::new(RASTER, map, &Config::default());
        Judge::new(book, map, Point { x: 1.0, y: 1.0 }, Point { x: 7.0, y: 1.0 })
    }

    fn body(speed: f64) -> Body {
        Body { pose: Pose::new(1.0, 1.0, 0.0), speed, turn: 0.0 }
    }

    #[test]
    fn a_robot_that_stands_is_explained_by_people_or_by_a_closed_way_alone() {
        for (gap, person, expected) in [(2.0, None, Some(true)), (4.0, None, Some(false)), (2.0, Some(1.6), None)] {
            let map = map(gap);
            let mut judge = judge(&map);
            for _ in 0..50 {
                judge.stepped(0.01, &body(0.0), FAR, person.map(|x| Point { x, y: 1.0 }).into_iter());
            }
            judge.stepped(0.01, &body(0.5), FAR, std::iter::empty());
            assert_eq!(judge.seen.stops.first().map(|stop| stop.has_way), expected, "{gap} {person:?}");
            assert!(judge.seen.stops.iter().all(|stop| (stop.seconds - 0.5).abs() < 1e-9));
        }
    }

    #[test]
    fn a_contact_counts_once_and_against_the_plan_only_if_that_crossed_what_was_published() {
        let map = map(2.0);
        let through = [Point { x: 1.0, y: 1.0 }, Point { x: 7.0, y: 1.0 }];
        let around = [Point { x: 1.0, y: 1.0 }, Point { x: 4.1, y: 3.0 }, Point { x: 7.0, y: 1.0 }];
        for (path, by_plan) in [(&through[..], true), (&around[..], false)] {
            let mut judge = judge(&map);
            judge.plan_crosses = judge.crosses(path);
            for wall in [0.1, -0.01, -0.02, 0.1] {
                judge.stepped(0.01, &body(0.5), Gaps { wall, ..FAR }, std::iter::empty());
            }
            let told: Vec<bool> = judge.seen.contacts.iter().map(|contact| contact.by_plan).collect();
            assert_eq!((told, judge.seen.crossing), (vec![by_plan], usize::from(by_plan)));
        }
    }
}
