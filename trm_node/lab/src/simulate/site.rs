//! Where the robot is: the true map, the publishers that tell of it, and the middleware between them and the node.

use std::collections::VecDeque;
use std::time::Duration;

use trm_config::GridKind;
use trm_flow::map::intake::Origin;
use trm_flow::map::message::{GridUpdate, Published, WholeGrid};
use trm_grid::geometry::{Geometry, Rect};
use trm_grid::units::Pose;

use crate::simulate::raw::Raw;
use crate::simulate::weather::{MS, S, Weather};
use crate::worlds::random::Random;

/// Time since the epoch when the simulation begins, by a right clock.
pub const EPOCH: u64 = 1_700_000_000 * S;

/// The system's time at a simulated one.
pub const fn system_time(now: u64) -> Duration {
    Duration::from_nanos(EPOCH + now)
}

/// What a message says.
#[derive(Debug, Clone)]
pub enum Content {
    /// A whole grid.
    Whole(WholeGrid),
    /// An update; `None` for one that can't be used.
    Update(Option<GridUpdate>),
}

/// A message on its way.
#[derive(Debug, Clone)]
pub struct Packet {
    /// What it says.
    pub content: Content,
    /// What the middleware knows of it.
    pub origin: Origin,
    /// When it comes, in nanoseconds.
    pub due: u64,
}

/// One publisher of grids and updates.
pub struct Publisher {
    host: u32,
    id: u8,
    /// How far its clock is ahead, in nanoseconds.
    skew: i64,
    /// Messages so far: whole grids, updates.
    numbers: [u64; 2],
    /// When the last message of each topic comes.
    due: [u64; 2],
    /// The last whole grid, for who comes late.
    latched: Option<Packet>,
}

/// The site.
pub struct Site {
    /// The true map.
    pub truth: Raw,
    /// Who publishes.
    pub publishers: Vec<Publisher>,
    /// What has come and isn't taken.
    pub reader: VecDeque<Packet>,
    kind: GridKind,
    resolution: f64,
    last_stamp: u64,
    /// Whether grids and updates of one publisher keep their order. So they do where hosts' clocks differ: when no time
    /// tells what was first, and each order of arrival contradicts another, there is no right answer.
    is_ordered: bool,
}

impl Site {
    /// An empty place with some walls.
    pub fn new(weather: &Weather, random: &mut Random) -> Self {
        let publisher = |index: usize, random: &mut Random| Publisher {
            host: if weather.many_hosts { index as u32 + 1 } else { 1 },
            id: index as u8,
            skew: if weather.many_hosts && index > 0 { (random.number(-90.0, 90.0) * S as f64) as i64 } else { 0 },
            numbers: [0, random.below(3) as u64],
            due: [0; 2],
            latched: None,
        };
        let publishers = (0..weather.publishers).map(|index| publisher(index, random)).collect();
        let kind = weather.config.node.grid_source;
        let resolution = weather.resolution;
        let truth = draw(kind, resolution, random);
        Self {
            truth,
            publishers,
            reader: VecDeque::new(),
            kind,
            resolution,
            last_stamp: 0,
            is_ordered: weather.many_hosts,
        }
    }

    /// The right time of the day, each time a later one.
    fn stamp(&mut self, now: u64) -> u64 {
        self.last_stamp = (self.last_stamp + 1).max(EPOCH + now);
        self.last_stamp
    }

    /// A publication, on a topic: 0 for whole grids, 1 for updates.
    fn publish(&mut self, by: usize, topic: usize, content: Content, now: u64, delay: u64) -> Packet {
        let stamp = self.stamp(now);
        let publisher = &mut self.publishers[by];
        publisher.numbers[topic] += 1;
        let [a, b, c, d] = publisher.host.to_be_bytes();
        let mut id = [0; 16];
        id[..6].copy_from_slice(&[a, b, c, d, publisher.id, topic as u8]);
        let at = Duration::from_nanos(stamp.saturating_add_signed(publisher.skew));
        let published = Some(Published { host: publisher.host, era: 0, at });
        // A publisher's messages on one topic keep their order; on both, as `is_ordered` says.
        let last = if self.is_ordered { publisher.due[0].max(publisher.due[1]) } else { publisher.due[topic] };
        publisher.due[topic] = (last + 1).max(now + delay);
        let origin = Origin {
            publisher: id,
            number: Some(publisher.numbers[topic]),
            published,
            received: None,
            taken: Duration::ZERO,
        };
        let packet = Packet { content, origin, due: publisher.due[topic] };
        if topic == 0 {
            publisher.latched = Some(packet.clone());
        }
        packet
    }

    /// A whole grid is published.
    pub fn publish_whole(&mut self, by: usize, is_broken: bool, now: u64, delay: u64) -> Packet {
        let Raw { geometry, mut data } = self.truth.clone();
        if is_broken {
            data[0] = 101;
        }
        self.publish(by, 0, Content::Whole(WholeGrid { geometry, data }), now, delay)
    }

    /// The last whole grid of each publisher, for a new subscription.
    pub fn latched(&mut self, now: u64, random: &mut Random) -> Vec<Packet> {
        let mut packets = Vec::new();
        for publisher in &mut self.publishers {
            let due = now + MS + random.below(20 * MS as usize) as u64;
            let latched = publisher.latched.clone().map(|packet| Packet { due, ..packet });
            if self.is_ordered && latched.is_some() {
                publisher.due = publisher.due.map(|other| other.max(due));
            }
            packets.extend(latched);
        }
        packets
    }

    /// Something changes, and the update is published.
    pub fn publish_update(&mut self, by: usize, is_broken: bool, now: u64, delay: u64, random: &mut Random) -> Packet {
        let (width, height) = (self.truth.geometry.width() as usize, self.truth.geometry.height() as usize);
        let most = if random.chance(0.1) { 12 } else { 3 };
        let (cols, rows) = (random.whole(1..most.min(width) + 1), random.whole(1..most.min(height) + 1));
        let (col, row) = (random.below(width - cols + 1), random.below(height - rows + 1));
        let rect = Rect { col: col as i32, row: row as i32, width: cols as u32, height: rows as u32 };
        let occupied = random.chance(0.3);
        let data: Vec<i8> = (0..cols * rows).map(|_| value(self.kind, occupied, random)).collect();
        let content = if is_broken {
            let outside = Rect { col: width as i32, ..rect };
            random.chance(0.5).then_some(GridUpdate { rect: outside, data })
        } else {
            self.truth.write(rect, &data);
            Some(GridUpdate { rect, data })
        };
        self.publish(by, 1, Content::Update(content), now, delay)
    }

    /// The place has another size, or lies elsewhere.
    pub fn resize(&mut self, random: &mut Random) {
        if random.chance(0.5) {
            self.truth = draw(self.kind, self.resolution, random);
            return;
        }
        let geometry = self.truth.geometry;
        let origin = geometry.origin();
        let shift = random.whole(1..6) as f64 * self.resolution;
        let moved = Pose::new(origin.x + shift, origin.y - shift, origin.yaw);
        if let Ok(geometry) = Geometry::new(geometry.width(), geometry.height(), self.resolution, moved) {
            self.truth.geometry = geometry;
        }
    }

    /// Whether a publisher hasn't published a whole grid.
    pub fn is_new(&self, by: usize) -> bool {
        self.publishers[by].numbers[0] == 0
    }

    /// A point of the place that is free, as far as one is found.
    pub fn somewhere_free(&self, random: &mut Random) -> Pose {
        for _ in 0..20 {
            let pose = self.somewhere(random);
            let at = self.truth.geometry.cell_at(pose.point()).and_then(|cell| self.truth.geometry.index(cell));
            if at.is_some_and(|at| self.truth.data[at] == 0) {
                return pose;
            }
        }
        self.somewhere(random)
    }

    /// A point of the place, or near it.
    pub fn somewhere(&self, random: &mut Random) -> Pose {
        let geometry = &self.truth.geometry;
        let margin = if random.chance(0.05) { 1.5 } else { 0.0 };
        let along = random.number(-margin, f64::from(geometry.width()) + margin) * self.resolution;
        let up = random.number(-margin, f64::from(geometry.height()) + margin) * self.resolution;
        let origin = geometry.origin();
        let (sin, cos) = origin.yaw.sin_cos();
        Pose::new(origin.x + cos * along - sin * up, origin.y + sin * along + cos * up, random.number(-3.0, 3.0))
    }
}

fn value(kind: GridKind, occupied: bool, random: &mut Random) -> i8 {
    if occupied {
        return if random.chance(0.8) { 100 } else { random.whole(30..101) as i8 };
    }
    match (kind, random.below(40)) {
        (_, 0) => -1,
        (GridKind::Costmap, 1..8) => random.whole(1..100) as i8,
        _ => 0,
    }
}

fn draw(kind: GridKind, resolution: f64, random: &mut Random) -> Raw {
    let (width, height) = (random.whole(8..40) as u32, random.whole(8..40) as u32);
    let yaw = if random.chance(0.3) { random.number(-3.0, 3.0) } else { 0.0 };
    let origin = Pose::new(random.number(-20.0, 20.0), random.number(-20.0, 20.0), yaw);
    #[expect(clippy::expect_used, reason = "sizes and numbers are within the limits")]
    let geometry = Geometry::new(width, height, resolution, origin).expect("a small grid");
    let mut raw = Raw { geometry, data: vec![0; geometry.cells()] };
    for _ in 0..random.below(10) {
        let (cols, rows) = if random.chance(0.5) { (random.whole(1..12), 1) } else { (1, random.whole(1..12)) };
        let (col, row) = (random.below(width as usize) as i32, random.below(height as usize) as i32);
        let cols = cols.min(width as usize - col as usize);
        let rows = rows.min(height as usize - row as usize);
        let data: Vec<i8> = (0..cols * rows).map(|_| value(kind, true, random)).collect();
        raw.write(Rect { col, row, width: cols as u32, height: rows as u32 }, &data);
    }
    raw
}
