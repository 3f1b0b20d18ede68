//! People as discs that walk between free points near the robot, and stop before it. The rules are those of
//! `tests/closed_loop/people.py`.

use trm_grid::units::Point;

use crate::drive::raster::{Raster, State, between};
use crate::drive::site::Site;
use crate::worlds::random::Random;

/// A person's radius in metres.
pub const RADIUS: f64 = 0.25;
/// How fast they walk, in metres per second.
const SPEED: (f64, f64) = (0.3, 1.0);
/// A person stops this near to the robot's hull, in metres, and waits so long before another way is tried, in seconds.
const RESPECT: f64 = 0.3;
const PATIENCE: f64 = 2.0;
/// Each has so much room, in square metres.
const AREA: f64 = 10.0;
/// How far one straight way leads, in metres.
const WAY: (f64, f64) = (1.5, 8.0);
/// Whoever is farther from the robot than the last of these comes back in somewhere between them, out of its sight.
const NEAR: f64 = 6.0;
const FAR: f64 = 12.0;
/// How often a straight way is looked for before the person stays for a while.
const TRIES: usize = 20;
/// How often a point is drawn until it is at a right distance.
const DRAWS: usize = 1000;

struct Person {
    place: Point,
    target: Point,
    speed: f64,
    waited: f64,
    /// Of its own: what one does leaves the others as they are.
    random: Random,
}

/// All of them.
pub struct People<'a> {
    raster: Raster,
    /// Where they walk.
    points: &'a [Point],
    free: &'a [bool],
    robot_radius: f64,
    everybody: Vec<Person>,
}

/// Where people may walk on a map.
pub struct Ground {
    points: Vec<Point>,
    free: Vec<bool>,
    /// How many it has room for.
    most: usize,
}

impl Ground {
    /// That of a map.
    pub fn of(site: &Site) -> Self {
        let raster = site.raster;
        let closed: Vec<bool> = site.states.iter().map(|state| *state == State::Occupied).collect();
        let near = raster.grown(&closed, RADIUS + raster.resolution);
        let free: Vec<bool> = site.reach.iter().zip(near).map(|(reach, near)| *reach && !near).collect();
        let points = (0..raster.cells()).filter(|at| free[*at]).map(|at| raster.centre(at)).collect();
        let area = site.reach.iter().filter(|is| **is).count() as f64 * raster.resolution.powi(2);
        Self { points, free, most: (area / AREA).ceil() as usize }
    }
}

impl<'a> People<'a> {
    /// At most `count` people around a robot.
    pub fn new(site: &Site, ground: &'a Ground, count: usize, (robot, robot_radius): (Point, f64), seed: u64) -> Self {
        let (points, free) = (&ground.points[..], &ground.free[..]);
        let mut people = Self { raster: site.raster, points, free, robot_radius, everybody: Vec::new() };
        for number in 0..count.min(ground.most) {
            let newcomer = people.newcomer(robot, Random::of_query(seed, number));
            people.everybody.extend(newcomer);
        }
        people
    }

    /// Where they are.
    pub fn places(&self) -> impl Iterator<Item = Point> + '_ {
        self.everybody.iter().map(|person| person.place)
    }

    /// They walk for so many seconds.
    pub fn step(&mut self, seconds: f64, robot: Point) {
        for at in 0..self.everybody.len() {
            if self.everybody[at].place.distance(robot) > FAR {
                let random = std::mem::replace(&mut self.everybody[at].random, Random::new(0));
                if let Some(newcomer) = self.newcomer(robot, random) {
                    self.everybody[at] = newcomer;
                }
            } else {
                self.walk(at, seconds, robot);
            }
        }
    }

    fn walk(&mut self, at: usize, seconds: f64, robot: Point) {
        let person = &mut self.everybody[at];
        let distance = person.place.distance(person.target);
        if distance < 1e-6 {
            return self.turn(at);
        }
        let next = between(person.place, person.target, (person.speed * seconds / distance).min(1.0));
        let gap = |place: Point| place.distance(robot) - RADIUS - self.robot_radius;
        if gap(next) < RESPECT && gap(next) < gap(person.place) {
            person.waited += seconds;
            if person.waited > PATIENCE {
                self.turn(at);
            }
            return;
        }
        (person.place, person.waited) = (next, 0.0);
    }

    fn turn(&mut self, at: usize) {
        let Self { raster, points, free, everybody, .. } = self;
        let person = &mut everybody[at];
        person.target = target(raster, (points, free), person.place, &mut person.random);
        (person.speed, person.waited) = (person.random.number(SPEED.0, SPEED.1), 0.0);
    }

    /// `None` where there is no room.
    fn newcomer(&self, robot: Point, mut random: Random) -> Option<Person> {
        let is_around = |point: &Point| (NEAR..FAR).contains(&point.distance(robot));
        let place = any(self.points, is_around, &mut random)
            .or_else(|| any(self.points, |point| point.distance(robot) > 2.0, &mut random))?;
        let target = target(&self.raster, (self.points, self.free), place, &mut random);
        let speed = random.number(SPEED.0, SPEED.1);
        Some(Person { place, target, speed, waited: 0.0, random })
    }
}

/// One of the points that are so; `None` if there are hardly any.
fn any(points: &[Point], is: impl Fn(&Point) -> bool, random: &mut Random) -> Option<Point> {
    let draws = if points.is_empty() { 0 } else { DRAWS };
    (0..draws).map(|_| points[random.below(points.len())]).find(|point| is(point))
}

/// A random point that a straight free way leads to; the place itself if none is found.
fn target(raster: &Raster, (points, free): (&[Point], &[bool]), place: Point, random: &mut Random) -> Point {
    let is_around = |point: &Point| (WAY.0..WAY.1).contains(&point.distance(place));
    for _ in 0..TRIES {
        let Some(there) = any(points, is_around, random) else { return place };
        let count = (place.distance(there) / (0.5 * raster.resolution)).ceil();
        let is_free = |step: usize| raster.at(between(place, there, step as f64 / count)).is_some_and(|at| free[at]);
        if (0..=count as usize).all(is_free) {
            return there;
        }
    }
    place
}
