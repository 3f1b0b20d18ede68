//! What has arrived of the grid, and what it says: the order of messages by an implementation of its own.
//!
//! The promise: a plan is made on the raw grid as some number of arrivals leave it. A whole grid replaces what was
//! published before it on its host, whenever that arrives, and what arrived before it from other hosts; updates that
//! were published after it on its host hold, whenever they arrive. What can't be used changes nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use trm_config::{GridConfig, GridKind};
use trm_flow::map::intake::Origin;
use trm_flow::map::message::{GridUpdate, Published, WholeGrid};

use crate::judge::raw_map::RawMap;
use crate::simulate::raw::Raw;

/// Maps that are kept: they are asked for again and again.
const KEPT: usize = 64;

/// A loss that a later message has shown, or the scout.
#[derive(Debug, Clone, Copy)]
pub struct Gap {
    /// When the message that showed it was published.
    after: Option<Published>,
    /// When it came.
    pub since: u64,
    /// The arrival that made the grid whole again.
    pub cured: Option<u64>,
}

/// A raw grid with some parameters, as the judge sees it.
struct Seen {
    raw: Arc<Raw>,
    radius: f64,
    threshold: i64,
    allow_unknown: bool,
    map: Arc<RawMap>,
}

/// What has arrived in one life of the node.
pub struct Arrivals {
    kind: GridKind,
    /// How many messages count.
    pub count: u64,
    /// Updates that a late grid may need.
    remembered: Vec<(Option<Published>, GridUpdate)>,
    /// The grid after each arrival, from some number on.
    states: VecDeque<(u64, Option<Arc<Raw>>)>,
    /// When each arrival was in the node's hands, from some number on.
    times: VecDeque<(u64, u64)>,
    numbers: BTreeMap<[u8; 16], u64>,
    /// Whole grids that were taken.
    taken: Vec<Option<Published>>,
    /// The losses that are known.
    pub gaps: Vec<Gap>,
    /// By publisher: the last gap where nothing was lost and some was held back, and the number of the last of that.
    held_back: BTreeMap<[u8; 16], (usize, u64)>,
    seen: VecDeque<Seen>,
}

/// Whether the first was published before the second, as far as that can be known. The simulated clocks are never set.
fn is_before(first: Option<Published>, second: Option<Published>) -> bool {
    first.zip(second).is_some_and(|(first, second)| first.host == second.host && first.at < second.at)
}

fn host(published: Option<Published>) -> Option<u32> {
    published.map(|published| published.host)
}

impl Arrivals {
    /// Nothing has arrived.
    pub fn new(kind: GridKind) -> Self {
        Self {
            kind,
            count: 0,
            remembered: Vec::new(),
            states: VecDeque::from([(0, None)]),
            times: VecDeque::new(),
            numbers: BTreeMap::new(),
            taken: Vec::new(),
            gaps: Vec::new(),
            held_back: BTreeMap::new(),
            seen: VecDeque::new(),
        }
    }

    /// The grid as all arrivals leave it.
    pub fn newest(&self) -> Option<&Arc<Raw>> {
        self.states.back().and_then(|(_, raw)| raw.as_ref())
    }

    fn arrive(&mut self, raw: Option<Arc<Raw>>, now: u64) {
        self.count += 1;
        self.states.push_back((self.count, raw));
        self.times.push_back((self.count, now));
    }

    /// A whole grid has arrived.
    pub fn whole(&mut self, grid: &WholeGrid, origin: Origin, now: u64) {
        let number = origin.number.unwrap_or_default();
        let last = self.numbers.get(&origin.publisher).copied().unwrap_or_default();
        if number <= last {
            // It comes again, and says nothing new.
            if self.taken.contains(&origin.published) {
                self.cure(origin.published, |published, after| host(published) == host(after));
            }
            return;
        }
        self.numbers.insert(origin.publisher, number);
        let mut raw = Raw { geometry: grid.geometry, data: grid.data.clone() };
        if !raw.is_good() {
            return;
        }
        let is_taken = !self.is_replaced(origin.published);
        if is_taken {
            self.taken.push(origin.published);
            let (host, taken) = (host(origin.published), origin.published);
            self.remembered.retain(|(published, _)| host != self::host(*published) || is_before(taken, *published));
            for (_, update) in self.remembered.iter().filter(|(published, _)| host == self::host(*published)) {
                raw.write(update.rect, &update.data);
            }
        }
        let raw = if is_taken { Some(Arc::new(raw)) } else { self.newest().cloned() };
        self.arrive(raw, now);
        self.cure(origin.published, |_, _| true);
    }

    /// Whether a whole grid of its host was taken that was published after it.
    pub fn is_replaced(&self, published: Option<Published>) -> bool {
        self.taken.iter().any(|taken| is_before(published, *taken))
    }

    /// A whole grid that was published then lacks nothing that was published before.
    fn cure(&mut self, published: Option<Published>, counts: impl Fn(Option<Published>, Option<Published>) -> bool) {
        let is_cured = |gap: &&mut Gap| !is_before(published, gap.after) && counts(published, gap.after);
        for gap in self.gaps.iter_mut().filter(is_cured) {
            gap.cured.get_or_insert(self.count);
        }
    }

    /// An update has arrived.
    pub fn update(&mut self, update: Option<&GridUpdate>, origin: Origin, now: u64) {
        let number = origin.number.unwrap_or_default();
        let last = self.numbers.insert(origin.publisher, number);
        if let Some(last) = last {
            if number <= last {
                self.numbers.insert(origin.publisher, last);
                return;
            }
            if number > last + 1 {
                self.lose(origin.published, now);
            }
        }
        let Some(update) = update else { return self.come(origin.publisher, number) };
        let mut raw = self.newest().cloned();
        if !self.is_replaced(origin.published) {
            if let Some(raw) = &mut raw {
                Arc::make_mut(raw).write(update.rect, &update.data);
            }
            self.remembered.push((origin.published, update.clone()));
        }
        self.arrive(raw, now);
        self.come(origin.publisher, number);
    }

    /// A publisher's updates have come up to a number.
    fn come(&mut self, publisher: [u8; 16], number: u64) {
        if let Some((gap, _)) = self.held_back.get(&publisher).filter(|(_, last)| *last <= number) {
            self.gaps[*gap].cured.get_or_insert(self.count);
        }
    }

    /// The number of a publisher's last message.
    pub fn last(&self, publisher: &[u8; 16]) -> Option<u64> {
        self.numbers.get(publisher).copied()
    }

    /// Updates of a publisher up to a number, published until then, haven't come, and the node knows.
    pub fn hold_back(&mut self, after: Option<Published>, (publisher, last): ([u8; 16], u64), now: u64) {
        let open = self.held_back.get(&publisher).map(|(gap, _)| *gap).filter(|gap| self.gaps[*gap].cured.is_none());
        let gap = open.unwrap_or(self.gaps.len());
        match self.gaps.get_mut(gap) {
            Some(gap) => gap.after = after,
            None => self.gaps.push(Gap { after, since: now, cured: None }),
        }
        self.held_back.insert(publisher, (gap, last));
    }

    /// Something is lost that was published before.
    pub fn lose(&mut self, after: Option<Published>, now: u64) {
        // What was lost before a whole grid that has been taken isn't missing.
        let is_known = |grid: &Option<Published>| host(*grid) == host(after) && !is_before(*grid, after);
        if !self.taken.iter().any(is_known) {
            self.gaps.push(Gap { after, since: now, cured: None });
        }
    }

    /// The last arrival before a time; 0 when there is none that is remembered.
    pub fn number_before(&self, time: u64) -> u64 {
        let before = self.times.partition_point(|(_, at)| *at < time);
        before.checked_sub(1).map_or(0, |at| self.times[at].0)
    }

    /// Nobody will ask for the grid before this arrival.
    pub fn forget_before(&mut self, number: u64) {
        while self.states.len() > 1 && self.states[1].0 <= number {
            self.states.pop_front();
        }
        while self.times.front().is_some_and(|(at, _)| *at + 1 < number) {
            self.times.pop_front();
        }
    }

    /// The different grids that arrivals from one number on left, the newest first.
    pub fn grids_since(&self, number: u64) -> Vec<Option<Arc<Raw>>> {
        let mut grids: Vec<Option<Arc<Raw>>> = Vec::new();
        for (at, raw) in self.states.iter().rev() {
            let is_new = grids.last().is_none_or(|last| match (last, raw) {
                (Some(last), Some(raw)) => !Arc::ptr_eq(last, raw),
                (None, None) => false,
                _ => true,
            });
            if is_new {
                grids.push(raw.clone());
            }
            if *at <= number {
                break;
            }
        }
        grids
    }

    /// A grid as the judge sees it, with these parameters.
    #[expect(clippy::float_cmp, reason = "the same parameter")]
    pub fn map(&mut self, raw: &Arc<Raw>, config: &GridConfig) -> Arc<RawMap> {
        let GridConfig { robot_radius: radius, occupied_threshold: threshold, allow_unknown, .. } = *config;
        let is_it = |seen: &&Seen| {
            let is_like_it = seen.radius == radius && seen.threshold == threshold;
            is_like_it && seen.allow_unknown == allow_unknown && Arc::ptr_eq(&seen.raw, raw)
        };
        if let Some(seen) = self.seen.iter().find(is_it) {
            return Arc::clone(&seen.map);
        }
        let Raw { geometry, data } = &**raw;
        let size = (geometry.width(), geometry.height());
        let values = data.clone();
        let map = RawMap::new(size, geometry.resolution(), geometry.origin(), values, (config, self.kind));
        let map = Arc::new(map);
        if self.seen.len() == KEPT {
            self.seen.pop_front();
        }
        self.seen.push_back(Seen { raw: Arc::clone(raw), radius, threshold, allow_unknown, map: Arc::clone(&map) });
        map
    }
}
