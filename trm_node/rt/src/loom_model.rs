//! Stand-ins that the model checker understands, for `make loom` alone.

use std::time::Duration;

use loom::sync::Condvar;
use loom::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
pub use loom::sync::{Arc, Mutex};
use rtrb::PushError;

/// Runs a test in every order that its threads can take, except those in which threads interrupt each other more than
/// three times.
#[cfg(test)]
pub fn explore(test: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(test);
}

/// Time isn't modelled: a sleep lets other threads run.
pub fn sleep(_: Duration) {
    loom::thread::yield_now();
}

/// The futex, whose sleepers the kernel keeps under a lock.
pub struct Futex {
    value: AtomicU32,
    kernel: Mutex<()>,
    sleeper: Condvar,
}

impl Default for Futex {
    fn default() -> Self {
        Self { value: AtomicU32::new(0), kernel: Mutex::new(()), sleeper: Condvar::new() }
    }
}

impl Futex {
    pub fn swap(&self, value: u32, order: Ordering) -> u32 {
        self.value.swap(value, order)
    }

    /// Time isn't modelled: a sleep that has an end, ends at once.
    pub fn sleep_while(&self, value: u32, until: Option<Duration>) -> bool {
        if until.is_some() {
            return false;
        }
        let kernel = self.kernel.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if self.value.load(Ordering::Relaxed) == value {
            drop(self.sleeper.wait(kernel));
        }
        true
    }

    pub fn wake(&self) {
        let _kernel = self.kernel.lock();
        self.sleeper.notify_one();
    }
}

/// Makes the real queue's operations visible to the model checker, which knows nothing of the queue's own atomics: each
/// operation counts as one access to this number. `Relaxed`, so that it orders nothing that the queue's user doesn't.
#[derive(Clone)]
struct Steps(Arc<AtomicUsize>);

impl Steps {
    fn step(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

pub struct RingBuffer;

impl RingBuffer {
    #[expect(clippy::new_ret_no_self, reason = "as in rtrb")]
    pub fn new<T>(capacity: usize) -> (Producer<T>, Consumer<T>) {
        let (producer, consumer) = rtrb::RingBuffer::new(capacity);
        let steps = Steps(Arc::new(AtomicUsize::new(0)));
        (Producer { steps: steps.clone(), queue: producer }, Consumer { steps, queue: consumer })
    }
}

pub struct Producer<T> {
    queue: rtrb::Producer<T>,
    steps: Steps,
}

/// That it goes away is a step too. The queue follows at once.
impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        self.steps.step();
    }
}

impl<T> Producer<T> {
    pub fn push(&mut self, value: T) -> Result<(), PushError<T>> {
        self.steps.step();
        self.queue.push(value)
    }

    pub fn slots(&self) -> usize {
        self.steps.step();
        self.queue.slots()
    }

    pub fn is_abandoned(&self) -> bool {
        self.steps.step();
        self.queue.is_abandoned()
    }
}

pub struct Consumer<T> {
    queue: rtrb::Consumer<T>,
    steps: Steps,
}

/// That it goes away is a step too. The queue follows at once.
impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        self.steps.step();
    }
}

impl<T> Consumer<T> {
    pub fn pop(&mut self) -> Result<T, rtrb::PopError> {
        self.steps.step();
        self.queue.pop()
    }

    pub fn is_empty(&self) -> bool {
        self.steps.step();
        self.queue.is_empty()
    }

    pub fn is_abandoned(&self) -> bool {
        self.steps.step();
        self.queue.is_abandoned()
    }
}
