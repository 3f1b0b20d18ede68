//! The true world: the map's occupied cells, people, and perhaps an obstacle that has come; what a lidar sees of it, and what
//! a robot touches.

use trm_grid::units::{Point, Pose};

use crate::drive::people::{self, People};
use crate::drive::raster::{Raster, State, ahead};
use crate::drive::site::Site;

/// The lidar: rays all around, their range and the step in which they are followed, in metres. At this range the rays are
/// nearer to each other than a cell is wide, so that what has gone is cleared everywhere.
const RAYS: usize = 720;
pub const RANGE: f64 = 5.5;
const STEP: f64 = 0.02;
/// Gaps are looked for up to so many metres.
const REACH: f64 = 1.0;

/// The world.
pub struct World<'a> {
    raster: Raster,
    occupied: Vec<bool>,
    /// Who walks in it.
    pub people: People<'a>,
}

/// What the lidar has seen.
#[derive(Default)]
pub struct Scan {
    /// Cells that rays passed through.
    pub through: Vec<usize>,
    /// Cells where they ended.
    pub hits: Vec<usize>,
    /// Where they ended.
    pub points: Vec<Point>,
}

/// Metres from the robot's hull to what is nearest; infinite where nothing is near.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gaps {
    /// To an occupied cell's square.
    pub wall: f64,
    /// To a person.
    pub person: f64,
}

impl<'a> World<'a> {
    /// A map with people.
    pub fn new(site: &Site, people: People<'a>) -> Self {
        let occupied = site.states.iter().map(|state| *state == State::Occupied).collect();
        Self { raster: site.raster, occupied, people }
    }

    /// Something stands in these cells from now on.
    pub fn put(&mut self, cells: &[usize]) {
        for at in cells {
            self.occupied[*at] = true;
        }
    }

    /// What the lidar sees from a pose.
    pub fn scan(&self, pose: Pose, scan: &mut Scan) {
        let Scan { through, hits, points } = scan;
        through.clear();
        hits.clear();
        points.clear();
        let near: Vec<Point> =
            self.people.places().filter(|place| place.distance(pose.point()) < 2.0 * RANGE).collect();
        for ray in 0..RAYS {
            let yaw = pose.yaw + ray as f64 * std::f64::consts::TAU / RAYS as f64;
            let disc = near.iter().map(|place| disc_range(pose.point(), yaw, *place)).fold(f64::INFINITY, f64::min);
            // The first step that isn't before the disc.
            let stop = if disc < RANGE { ((disc / STEP).ceil() as usize).max(1) } else { usize::MAX };
            for step in 1.. {
                let point = ahead(pose.point(), yaw, step as f64 * STEP);
                let Some(at) = self.raster.at(point).filter(|_| (step as f64) * STEP < RANGE) else { break };
                if step >= stop || self.occupied[at] {
                    hits.push(at);
                    points.push(point);
                    break;
                }
                if through.last() != Some(&at) {
                    through.push(at);
                }
            }
        }
    }

    /// How near a robot of this radius is to everything.
    pub fn gaps(&self, robot: Point, radius: f64) -> Gaps {
        let Raster { resolution, .. } = self.raster;
        let (col, row) = self.raster.cell_of(robot);
        let reach = (REACH / resolution).ceil() as i32;
        let mut wall = f64::INFINITY;
        for r in row - reach..=row + reach {
            for c in col - reach..=col + reach {
                if self.raster.index(c, r).is_some_and(|at| self.occupied[at]) {
                    // To the square, not to its centre.
                    let aside = |cell: i32, at: f64| {
                        let low = f64::from(cell) * resolution;
                        (low - at).max(at - low - resolution).max(0.0)
                    };
                    wall = wall.min(aside(c, robot.x).hypot(aside(r, robot.y)));
                }
            }
        }
        let person = self.people.places().map(|place| place.distance(robot)).fold(f64::INFINITY, f64::min);
        Gaps { wall: wall - radius, person: person - people::RADIUS - radius }
    }
}

/// How far along a ray a person's disc begins; infinite if the ray misses it.
fn disc_range(origin: Point, yaw: f64, centre: Point) -> f64 {
    let (dx, dy) = (centre.x - origin.x, centre.y - origin.y);
    let along = dx * yaw.cos() + dy * yaw.sin();
    let inside = people::RADIUS.powi(2) - (dx * dx + dy * dy - along * along);
    if inside > 0.0 && along > 0.0 { (along - inside.sqrt()).max(0.0) } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use trm_config::Config;
    use trm_grid::geometry::Geometry;
    use trm_grid::occupancy::OccupancyGrid;

    use super::*;
    use crate::drive::people::Ground;

    #[test]
    fn the_lidar_ends_at_walls_and_gaps_are_to_their_squares() {
        let geometry = Geometry::new(80, 40, 0.1, Pose::default()).unwrap();
        let mut data = vec![0; geometry.cells()];
        (0..40).for_each(|row| data[row * 80 + 60] = 100);
        let grid = OccupancyGrid::new(geometry, data).unwrap();
        let site = Site::new("wall", &grid, vec![true; geometry.cells()], &Config::default()).unwrap();
        let ground = Ground::of(&site);
        let robot = Pose::new(3.0, 2.0, 0.3);
        let mut world = World::new(&site, People::new(&site, &ground, 0, (robot.point(), 0.2), 1));
        let mut scan = Scan::default();
        world.scan(robot, &mut scan);
        assert!(scan.points.iter().all(|point| point.x >= 6.0 && point.x < 6.03), "{:?}", scan.points);
        assert!(scan.hits.iter().all(|at| site.raster.cell(*at).0 == 60) && scan.hits.len() > 100);
        let gaps = world.gaps(Point { x: 5.5, y: 2.0 }, 0.2);
        assert!((gaps.wall - 0.3).abs() < 1e-9 && gaps.person.is_infinite(), "{gaps:?}");
        let before = scan.hits.len();
        world.put(&site.raster.index(40, 20).into_iter().collect::<Vec<_>>());
        world.scan(robot, &mut scan);
        assert!(scan.hits.len() >= before && scan.points.iter().any(|point| point.x < 4.1));
    }
}
