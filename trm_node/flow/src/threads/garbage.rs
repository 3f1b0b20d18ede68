//! From the planner thread to the world thread: what is too big to be freed while plans are due.

use trm_rt::ring;

use crate::messages::Garbage;

/// Room that an event of the planner thread needs: for what it replaces, and for the guidance that is left when the
/// goal is reached.
const ROOM_FOR_AN_EVENT: usize = 2;

/// The planner thread's end. It never waits, and frees nothing.
pub struct GarbageSender(ring::SoleSender<Garbage>);

/// The world thread's end.
pub struct GarbageReceiver(ring::Receiver<Garbage>);

/// Both ends, with room for twice as much as `events` events leave behind. So many may wait for the planner thread:
/// when the world thread empties the channel before it sends another one, neither waits for the other for good.
#[must_use]
pub fn channel(events: usize) -> (GarbageSender, GarbageReceiver) {
    let (sender, receiver) = ring::channel(2 * events + ROOM_FOR_AN_EVENT);
    (GarbageSender(sender), GarbageReceiver(receiver))
}

impl GarbageSender {
    /// Whether there is room for what the next event leaves behind. Without it, events wait.
    pub fn has_room(&self) -> bool {
        self.0.room() >= ROOM_FOR_AN_EVENT
    }

    /// Sends something to be freed. There is room: [`Self::has_room`] was asked before the event that leaves it.
    pub fn discard(&mut self, garbage: Option<Garbage>) {
        if let Some(garbage) = garbage {
            // Fails only while the node is stopping.
            let _ = self.0.try_send(garbage);
        }
    }
}

impl GarbageReceiver {
    /// Frees all that has come.
    pub fn free_all(&mut self) {
        while let Some(garbage) = self.0.take() {
            drop(garbage);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// How many pieces have come, which are freed.
    pub fn count(receiver: &mut GarbageReceiver) -> usize {
        std::iter::from_fn(|| receiver.0.take()).count()
    }

    /// Sends garbage as events do, until they would have to wait. How many there were.
    pub fn fill(sender: &mut GarbageSender) -> usize {
        let mut events = 0;
        while sender.has_room() {
            sender.discard(Some(Garbage::Config(Box::default())));
            events += 1;
        }
        events
    }

    #[test]
    fn events_wait_while_there_is_no_room_for_what_they_leave_and_the_last_one_s_goal_still_finds_some() {
        let (mut sender, mut receiver) = channel(4);
        let events = fill(&mut sender);
        assert!(events > 2 * 4 - ROOM_FOR_AN_EVENT, "{events}");
        sender.discard(Some(Garbage::Config(Box::default())));
        assert!(!sender.has_room());
        assert_eq!(count(&mut receiver), events + 1, "nothing was lost");
        assert!(sender.has_room());
        sender.discard(None);
        receiver.free_all();
        assert_eq!(fill(&mut sender), events);
    }
}
