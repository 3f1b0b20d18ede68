//! Bounded queues to and from real-time threads.
//!
//! The receiver takes no lock, allocates nothing, and never waits for a sender, not even for one that was interrupted
//! in the middle of sending: that sender could be waiting for the receiver's CPU. The same holds for a [`SoleSender`].
//! Clones of a [`Sender`] take turns, and may wait while the queue is full.
//!
//! ```
//! use trm_rt::ring::channel;
//!
//! let (mut sender, mut receiver) = channel(2);
//! assert_eq!(sender.try_send("goal"), Ok(()));
//! receiver.wait(None);
//! assert_eq!(receiver.take(), Some("goal"));
//! ```

use std::sync::PoisonError;
use std::time::Duration;

use rtrb::PushError;

use crate::clock::monotonic_time;
use crate::sync::{Arc, Consumer, Mutex, Producer, RingBuffer, sleep};
use crate::wake::WakeUp;

/// How often a sender looks for room in a full queue.
const POLL_PERIOD: Duration = Duration::from_millis(1);

/// Wakes the receiver a last time when the sender is dropped.
struct WakeOnDrop(Arc<WakeUp>);

impl Drop for WakeOnDrop {
    fn drop(&mut self) {
        self.0.send();
    }
}

/// A queue with room for `capacity` values.
#[must_use]
pub fn channel<T>(capacity: usize) -> (SoleSender<T>, Receiver<T>) {
    let (producer, consumer) = RingBuffer::new(capacity);
    let wake_up = Arc::new(WakeUp::default());
    let sender = SoleSender { queue: producer, wake_up: WakeOnDrop(Arc::clone(&wake_up)) };
    (sender, Receiver { queue: consumer, wake_up })
}

/// The only sender of a queue. It never waits.
pub struct SoleSender<T> {
    /// Declared, and so dropped, before the last wake-up: the receiver that it wakes must see that the sender is gone.
    queue: Producer<T>,
    wake_up: WakeOnDrop,
}

impl<T> SoleSender<T> {
    /// Sends a value.
    ///
    /// # Errors
    /// The value itself when the queue is full, or when its receiver is gone.
    pub fn try_send(&mut self, value: T) -> Result<(), T> {
        if self.queue.is_abandoned() {
            return Err(value);
        }
        self.queue.push(value).map_err(|PushError::Full(value)| value)?;
        self.wake_up.0.send();
        Ok(())
    }

    /// How many more values the queue has room for.
    #[must_use]
    pub fn room(&self) -> usize {
        self.queue.slots()
    }

    /// A sender for many threads in its place.
    #[must_use]
    pub fn shared(self) -> Sender<T> {
        Sender(Arc::new(Mutex::new(self)))
    }
}

/// One of many senders of a queue. They take turns, and wait while the queue is full: not for real-time threads.
pub struct Sender<T>(Arc<Mutex<SoleSender<T>>>);

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Sender<T> {
    /// Sends a value, once there is room for it.
    ///
    /// # Errors
    /// The value itself when the receiver is gone.
    pub fn send(&self, mut value: T) -> Result<(), T> {
        // The lock isn't held while this waits: who must not wait can try meanwhile.
        loop {
            value = match self.try_send(value) {
                Ok(()) => return Ok(()),
                Err(value) if self.is_closed() => return Err(value),
                Err(value) => value,
            };
            sleep(POLL_PERIOD);
        }
    }

    /// Sends a value if there is room for it. Waits at most for other senders.
    ///
    /// # Errors
    /// The value itself when the queue is full, or when its receiver is gone.
    pub fn try_send(&self, value: T) -> Result<(), T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).try_send(value)
    }

    /// How many more values the queue has room for.
    #[must_use]
    pub fn room(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).room()
    }

    /// Whether the receiver is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).queue.is_abandoned()
    }
}

/// The only receiver of a queue.
pub struct Receiver<T> {
    queue: Consumer<T>,
    wake_up: Arc<WakeUp>,
}

impl<T> Receiver<T> {
    /// Sleeps until something is sent, or has been sent since the last call, or until all senders are gone. Sleeps at
    /// most until `CLOCK_MONOTONIC` shows `until`, see [`Monotonic::absolute`](crate::clock::Monotonic::absolute). The
    /// queue may be empty afterwards.
    pub fn wait(&self, until: Option<Duration>) {
        self.wake_up.wait(until);
    }

    /// The next value, if there is one.
    pub fn take(&mut self) -> Option<T> {
        self.queue.pop().ok()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The next value, which is waited for; `None` when none comes within `patience`.
    pub fn take_within(&mut self, patience: Duration) -> Option<T> {
        let until = monotonic_time().saturating_add(patience);
        loop {
            let next = self.take();
            if next.is_some() || monotonic_time() >= until {
                return next;
            }
            self.wait(Some(until));
        }
    }

    /// Whether all senders are gone. What they sent may still be in the queue.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.queue.is_abandoned()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::thread;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(50);

    #[test]
    fn many_senders_lose_nothing_and_keep_their_order_while_they_wait_for_room() {
        const VALUES: usize = if cfg!(miri) { 10 } else { 200 };
        let (sender, mut receiver) = channel(4);
        let sender = sender.shared();
        let threads: Vec<_> = (0..3)
            .map(|name| {
                let sender = sender.clone();
                thread::spawn(move || (0..VALUES).for_each(|number| sender.send((name, number)).unwrap()))
            })
            .collect();
        let mut next = [0; 3];
        for _ in 0..3 * VALUES {
            let (name, number) = receiver.take_within(PATIENCE).unwrap();
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
        let until = monotonic_time() + Duration::from_millis(3);
        receiver.wait(Some(until));
        assert!(monotonic_time() >= until);
        // A time that has passed is no wait at all.
        receiver.wait(Some(until));
    }
}

/// In every order that threads can take: `make loom`. A wake-up that is lost is a deadlock, which loom reports.
#[cfg(all(test, loom))]
mod loom_tests {
    use loom::thread;

    use super::*;
    use crate::loom_model::explore;

    /// What a real-time thread does: takes what is there, and waits for more until the senders are gone.
    fn take_all<T>(receiver: &mut Receiver<T>) -> Vec<T> {
        let mut values = vec![];
        loop {
            let is_last = receiver.is_closed();
            values.extend(std::iter::from_fn(|| receiver.take()));
            if is_last {
                return values;
            }
            receiver.wait(None);
        }
    }

    #[test]
    fn a_waiting_receiver_gets_every_value_and_learns_that_the_sender_is_gone() {
        explore(|| {
            let (mut sender, mut receiver) = channel(2);
            let thread = thread::spawn(move || {
                sender.try_send(1).unwrap();
                sender.try_send(2).unwrap();
            });
            assert_eq!(take_all(&mut receiver), [1, 2]);
            thread.join().unwrap();
        });
    }

    #[test]
    fn a_value_is_waited_for_even_after_a_wait_that_ended_in_time() {
        explore(|| {
            let (mut sender, mut receiver) = channel(1);
            let thread = thread::spawn(move || {
                sender.try_send(1).unwrap();
                sender
            });
            receiver.wait(Some(Duration::ZERO));
            let value = loop {
                match receiver.take() {
                    None => receiver.wait(None),
                    Some(value) => break value,
                }
            };
            assert_eq!(value, 1);
            drop(thread.join());
        });
    }

    #[test]
    fn senders_that_take_turns_and_wait_for_room_lose_nothing() {
        explore(|| {
            let (sender, mut receiver) = channel(1);
            let sender = sender.shared();
            let threads = [1, 2].map(|value| {
                let sender = sender.clone();
                thread::spawn(move || sender.send(value).unwrap())
            });
            drop(sender);
            let mut values = take_all(&mut receiver);
            values.sort_unstable();
            assert_eq!(values, [1, 2]);
            for thread in threads {
                thread.join().unwrap();
            }
        });
    }

    #[test]
    fn a_sender_that_waits_for_room_learns_that_the_receiver_is_gone() {
        explore(|| {
            let (sender, receiver) = channel(1);
            let sender = sender.shared();
            let thread = thread::spawn(move || (sender.send(1), sender.send(2)));
            drop(receiver);
            let (first, second) = thread.join().unwrap();
            assert!(first == Ok(()) || first == Err(1));
            assert_eq!(second, Err(2));
        });
    }
}
