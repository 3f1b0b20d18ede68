//! The second subscription to the updates, which asks for best effort: it hears of most of them soon, whatever is missing
//! before them. And what must follow: a grid is suspect while something that was heard of is held back.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use trm_flow::map::intake::Origin;
use trm_flow::map::sightings::HELD_BACK;

use crate::simulate::arrivals::Arrivals;
use crate::simulate::site::{Packet, system_time};
use crate::simulate::weather::{MS, Weather};
use crate::worlds::random::Random;

/// What the scout hears. It has chance of its own: without it a seed is what it was before there was one.
pub struct Scouts {
    random: Random,
    /// An update is heard of; 0 without a scout.
    heard: f64,
    /// Whether the grid must be suspect while something is held back. Where hosts' clocks differ nobody knows what another
    /// host's grid makes up for.
    is_strict: bool,
    /// What has come and isn't taken.
    pub reader: VecDeque<Origin>,
    /// By publisher.
    awaited: BTreeMap<[u8; 16], Awaited>,
}

/// The newest update of a publisher that was heard of and hasn't come.
struct Awaited {
    origin: Origin,
    /// The last one that had come, and since when it is the last, as far as the node has looked.
    last: u64,
    since: u64,
}

impl Scouts {
    /// The scout of a seed.
    pub fn new(mut random: Random, weather: &Weather) -> Self {
        let heard = [0.0, 0.9, 1.0][random.below(3)];
        Self { random, heard, is_strict: !weather.many_hosts, reader: VecDeque::new(), awaited: BTreeMap::new() }
    }

    /// An update is published. The middleware tells when it is received, and perhaps the scout hears of it at this time.
    pub fn hear(&mut self, packet: &mut Packet, now: u64) -> Option<u64> {
        if self.heard == 0.0 {
            return None;
        }
        packet.origin.received = Some(system_time(packet.due));
        let at = now + self.random.below(2 * MS as usize) as u64;
        self.random.chance(self.heard).then_some(at)
    }

    /// A life of the node begins.
    pub fn begin(&mut self) {
        self.reader.clear();
        self.awaited.clear();
    }

    /// The node is told.
    pub fn tell(&mut self, origin: Origin) {
        let awaited = self.awaited.entry(origin.publisher).or_insert(Awaited { origin, last: u64::MAX, since: 0 });
        if awaited.origin.number < origin.number {
            awaited.origin = origin;
        }
    }

    /// The node has looked for what it was told of, between two times. What has been held back for too long makes the grid
    /// suspect.
    pub fn look(&mut self, arrivals: &mut Arrivals, (began, ended): (u64, u64)) {
        if !self.is_strict {
            return self.awaited.clear();
        }
        self.awaited.retain(|publisher, awaited| {
            let Origin { number: Some(number), published, .. } = awaited.origin else { return false };
            let Some(last) = arrivals.last(publisher) else { return false };
            if last >= number || arrivals.is_replaced(published) {
                return false;
            }
            if awaited.last != last {
                (awaited.last, awaited.since) = (last, ended);
                return true;
            }
            let is_held_back = Duration::from_nanos(began.saturating_sub(awaited.since)) >= HELD_BACK;
            if is_held_back {
                arrivals.hold_back(published, (*publisher, number), ended);
            }
            !is_held_back
        });
    }
}
