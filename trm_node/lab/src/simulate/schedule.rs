//! What happens next, in simulated time.

use std::collections::BTreeMap;

use trm_flow::map::intake::Origin;

use crate::simulate::site::Packet;

/// A state machine of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The thread that takes messages in.
    Spin,
    /// The world thread.
    World,
    /// The guidance thread.
    Guidance,
    /// The planner thread.
    Planner,
    /// The publisher thread.
    Publisher,
    /// The workshop.
    Workshop,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Spin, Self::World, Self::Guidance, Self::Planner, Self::Publisher, Self::Workshop];
}

/// What happens.
#[derive(Debug)]
pub enum Event {
    /// A state machine looks what there is to do.
    Wake(Part),
    /// A message comes.
    Deliver(Box<Packet>),
    /// The scout hears of an update.
    Sight(Origin),
    /// A publisher publishes.
    Publish(usize),
    /// The robot's pose is told.
    Pose,
    /// Somebody sets a goal.
    Goal,
    /// Somebody asks for a path once.
    Request,
    /// Somebody changes parameters.
    Parameters,
    /// Somebody pauses planning, or goes on.
    Pause,
    /// The process stands still.
    Freeze,
    /// The node is killed, and starts anew.
    Kill,
    /// The next publication of a path hangs.
    Hang,
    /// A step of the last act, in which nothing goes wrong any more.
    Calm(u8),
}

/// A time in nanoseconds; and of what is at the same time, what was put there first comes first.
type Place = (u64, u64);

/// The events to come.
#[derive(Default)]
pub struct Schedule {
    events: BTreeMap<Place, Event>,
    count: u64,
    /// Apart from the others: they come often, and are often put off.
    wakes: [Option<Place>; Part::ALL.len()],
    /// The first of them.
    first: Option<(Place, Part)>,
}

impl Schedule {
    fn place(&mut self, time: u64) -> Place {
        self.count += 1;
        (time, self.count)
    }

    /// An event at a time, after those at the same time.
    pub fn at(&mut self, time: u64, event: Event) {
        let place = self.place(time);
        self.events.insert(place, event);
    }

    /// A message comes when it is due.
    pub fn deliver(&mut self, packet: Packet) {
        self.at(packet.due, Event::Deliver(Box::new(packet)));
    }

    /// Wakes a state machine at this time, unless it wakes earlier.
    pub fn wake(&mut self, part: Part, time: u64) {
        if self.wakes[part as usize].is_none_or(|(earlier, _)| time < earlier) {
            self.wakes[part as usize] = Some(self.place(time));
            self.find_first();
        }
    }

    fn find_first(&mut self) {
        self.first = None;
        for (part, wake) in Part::ALL.into_iter().zip(self.wakes) {
            if let Some(place) = wake.filter(|place| self.first.is_none_or(|(first, _)| *place < first)) {
                self.first = Some((place, part));
            }
        }
    }

    /// Whether a state machine wakes by then.
    pub fn wakes_by(&self, part: Part, time: u64) -> bool {
        self.wakes[part as usize].is_some_and(|(at, _)| at <= time)
    }

    /// The next event that happens by then, and its time.
    pub fn next(&mut self, by: u64) -> Option<(u64, Event)> {
        let event = self.events.first_key_value().map(|(place, _)| *place);
        if let Some((place, part)) = self.first.filter(|(place, _)| event.is_none_or(|event| *place < event)) {
            return (place.0 <= by).then(|| {
                self.wakes[part as usize] = None;
                self.find_first();
                (place.0, Event::Wake(part))
            });
        }
        if event?.0 > by {
            return None;
        }
        self.events.pop_first().map(|((time, _), event)| (time, event))
    }

    /// Removes all events of a kind.
    pub fn forget(&mut self, is_kind: impl Fn(&Event) -> bool) {
        self.events.retain(|_, event| !is_kind(event));
    }
}
