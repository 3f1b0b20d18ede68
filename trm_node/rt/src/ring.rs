//! Bounded queues to the real-time threads. Who receives takes no lock, allocates nothing, and waits for no sender, not
//! even for one that was interrupted in the middle of sending: it could be waiting for the receiver's CPU.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rtrb::{Consumer, Producer, PushError, RingBuffer};

use crate::shared::lock;
use crate::system;

/// How often one who waits for room looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Wakes the one thread that waits for it.
#[derive(Default)]
struct Bell(AtomicU32);

impl Bell {
    fn ring(&self) {
        if self.0.swap(1, Ordering::SeqCst) == 0 {
            system::wake(&self.0);
        }
    }

    /// Until it rings or has rung since the last time, or until [`system::monotonic`] shows a time.
    fn wait(&self, until: Option<Duration>) {
        while self.0.swap(0, Ordering::SeqCst) == 0 && until.is_none_or(|until| system::monotonic() < until) {
            system::sleep_while(&self.0, 0, until);
        }
    }
}

/// Rings when it is dropped.
struct LastRing(Arc<Bell>);

impl Drop for LastRing {
    fn drop(&mut self) {
        self.0.ring();
    }
}

/// A queue with room for so many.
pub fn channel<T>(capacity: usize) -> (SoleSender<T>, Receiver<T>) {
    let (producer, consumer) = RingBuffer::new(capacity);
    let bell = Arc::<Bell>::default();
    let sender = SoleSender { queue: producer, bell: LastRing(Arc::clone(&bell)) };
    (sender, Receiver { queue: consumer, bell })
}

/// The one sender of a queue. It waits for nobody either.
pub struct SoleSender<T> {
    /// Dropped before the bell rings for the last time, so that the receiver sees that it is gone.
    queue: Producer<T>,
    bell: LastRing,
}

impl<T> SoleSender<T> {
    /// Hands over; hands back when there is no room, or nobody to take it.
    pub fn try_send(&mut self, value: T) -> Result<(), T> {
        if self.queue.is_abandoned() {
            return Err(value);
        }
        self.queue.push(value).map_err(|PushError::Full(value)| value)?;
        self.bell.0.ring();
        Ok(())
    }

    /// How many more find room.
    pub fn room(&self) -> usize {
        self.queue.slots()
    }

    /// Makes it one for many threads.
    pub fn shared(self) -> Sender<T> {
        Sender(Arc::new(Mutex::new(self)))
    }
}

/// A sender of many. They take turns, and wait for room.
pub struct Sender<T>(Arc<Mutex<SoleSender<T>>>);

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Sender<T> {
    /// Hands over; hands back when there is nobody to take it.
    pub fn send(&self, value: T) -> Result<(), T> {
        let mut sender = lock(&self.0);
        while sender.room() == 0 && !sender.queue.is_abandoned() {
            thread::sleep(LOOK_AGAIN);
        }
        sender.try_send(value)
    }
}

/// The one receiver of a queue.
pub struct Receiver<T> {
    queue: Consumer<T>,
    bell: Arc<Bell>,
}

impl<T> Receiver<T> {
    /// Sleeps until something was sent since the last time, at the longest until [`system::monotonic`] shows a time.
    pub fn wait(&self, until: Option<Duration>) {
        self.bell.wait(until);
    }

    /// The next one.
    pub fn take(&mut self) -> Option<T> {
        self.queue.pop().ok()
    }

    /// Whether all senders are gone. What they had sent may still be there.
    pub fn is_closed(&self) -> bool {
        self.queue.is_abandoned()
    }
}

#[cfg(test)]
impl<T> Receiver<T> {
    /// The next one, waited for.
    pub fn next_within(&mut self, patience: Duration) -> Option<T> {
        let until = system::monotonic() + patience;
        loop {
            let next = self.take();
            if next.is_some() || system::monotonic() >= until {
                return next;
            }
            self.wait(Some(until));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(50);

    #[test]
    fn many_senders_lose_nothing_and_keep_their_order_while_they_wait_for_room() {
        let (sender, mut receiver) = channel(4);
        let sender = sender.shared();
        let threads: Vec<_> = (0..3)
            .map(|name| {
                let sender = sender.clone();
                thread::spawn(move || (0..200).for_each(|number| sender.send((name, number)).unwrap()))
            })
            .collect();
        let mut next = [0; 3];
        for _ in 0..600 {
            let (name, number) = receiver.next_within(PATIENCE).unwrap();
            assert_eq!(number, next[name]);
            next[name] += 1;
        }
        assert_eq!(receiver.take(), None);
        for thread in threads {
            thread.join().unwrap();
        }
    }

    #[test]
    fn a_full_queue_hands_back_and_takes_again_when_there_is_room() {
        let (mut sender, mut receiver) = channel(2);
        assert_eq!([sender.try_send(1), sender.try_send(2), sender.try_send(3)], [Ok(()), Ok(()), Err(3)]);
        assert_eq!((sender.room(), receiver.take(), sender.room()), (0, Some(1), 1));
        assert_eq!(sender.try_send(3), Ok(()));
    }

    #[test]
    fn who_waits_learns_that_the_senders_are_gone_and_who_sends_that_nobody_receives() {
        let (sender, mut receiver) = channel(2);
        let thread = thread::spawn(move || {
            while !receiver.is_closed() {
                receiver.wait(None);
            }
            receiver.take()
        });
        let sender = sender.shared();
        sender.send("last").unwrap();
        drop(sender);
        assert_eq!(thread.join().unwrap(), Some("last"));
        let (sender, receiver) = channel(1);
        drop(receiver);
        assert_eq!(sender.shared().send(1), Err(1));
    }

    #[test]
    fn waiting_ends_at_the_absolute_time_when_nothing_comes() {
        let (_sender, receiver) = channel::<u8>(1);
        let until = system::monotonic() + Duration::from_millis(3);
        receiver.wait(Some(until));
        assert!(system::monotonic() >= until);
        // A time that has passed is no wait at all.
        receiver.wait(Some(until));
    }
}
