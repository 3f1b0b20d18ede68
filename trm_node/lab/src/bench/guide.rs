//! Guidance on a thread of its own, as in the node: for each goal, and for each change of the grid.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use trm_grid::costmap::{CostPatch, Costmap};
use trm_grid::guidance::Guidance;
use trm_grid::travel::Travel;
use trm_grid::units::Cell;

enum Event {
    Goal(Cell, u64),
    Patch(Arc<CostPatch>),
    Old(Box<Guidance>),
}

/// The thread, from outside. It ends when this is dropped.
pub struct Guide {
    events: Option<Sender<Event>>,
    found: Receiver<(Box<Guidance>, u64)>,
    /// Goes up with each event that makes what is being computed useless.
    interrupts: Arc<AtomicU64>,
    goals: u64,
    thread: Option<JoinHandle<()>>,
}

impl Guide {
    /// A thread with its own copy of the costs.
    pub fn start(costmap: Costmap, travel: Travel) -> Self {
        let (events, inbox) = channel();
        let (outbox, found) = channel();
        let interrupts = Arc::new(AtomicU64::new(0));
        let worker = Worker { costmap, travel, interrupts: Arc::clone(&interrupts), outbox, goal: None, done: None };
        let thread = std::thread::spawn(move || worker.run(&inbox));
        Self { events: Some(events), found, interrupts, goals: 0, thread: Some(thread) }
    }

    fn send(&self, event: Event) {
        if let Some(events) = &self.events {
            // Fails only when the thread has panicked, which its end tells.
            let _ = events.send(event);
        }
    }

    /// Asks for guidance to another goal.
    pub fn goal(&mut self, goal: Cell) {
        self.goals += 1;
        self.interrupts.fetch_add(1, Ordering::SeqCst);
        self.send(Event::Goal(goal, self.goals));
    }

    /// The costs have changed.
    pub fn patch(&self, patch: Arc<CostPatch>) {
        self.send(Event::Patch(patch));
    }

    /// To be freed there.
    pub fn discard(&self, old: Box<Guidance>) {
        self.send(Event::Old(old));
    }

    /// The newest guidance to the present goal, if any has come since the last call.
    pub fn newest(&self) -> Option<Box<Guidance>> {
        let mut newest = None;
        for (guidance, goal) in self.found.try_iter() {
            if goal != self.goals {
                self.discard(guidance);
            } else if let Some(old) = newest.replace(guidance) {
                self.discard(old);
            }
        }
        newest
    }
}

impl Drop for Guide {
    fn drop(&mut self) {
        self.interrupts.fetch_add(1, Ordering::SeqCst);
        self.events = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Worker {
    costmap: Costmap,
    travel: Travel,
    interrupts: Arc<AtomicU64>,
    outbox: Sender<(Box<Guidance>, u64)>,
    goal: Option<(Cell, u64)>,
    /// Goal and version of the grid that the last guidance is for.
    done: Option<(u64, u64)>,
}

impl Worker {
    fn run(mut self, inbox: &Receiver<Event>) {
        let mut rest_until = Instant::now();
        loop {
            let interrupts = self.interrupts.load(Ordering::SeqCst);
            let rest = rest_until.saturating_duration_since(Instant::now());
            let first = if self.due().is_some() {
                inbox.recv_timeout(rest)
            } else {
                inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match first {
                Ok(event) => {
                    for event in std::iter::once(event).chain(inbox.try_iter()) {
                        if self.take(event) {
                            rest_until = Instant::now();
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if Instant::now() < rest_until {
                continue;
            }
            let began = Instant::now();
            self.compute(interrupts);
            // A grid that changes all the time takes half a core at most.
            rest_until = Instant::now() + began.elapsed().max(Duration::from_millis(1));
        }
    }

    /// Takes an event; says whether it is a goal, which waits for nothing.
    fn take(&mut self, event: Event) -> bool {
        match event {
            Event::Goal(cell, number) => {
                self.goal = Some((cell, number));
                return true;
            }
            Event::Patch(patch) => self.costmap.apply(&patch),
            Event::Old(guidance) => drop(guidance),
        }
        false
    }

    fn due(&self) -> Option<(Cell, u64)> {
        self.goal.filter(|(_, number)| self.done != Some((*number, self.costmap.version())))
    }

    fn compute(&mut self, before: u64) {
        let Some((cell, number)) = self.due() else { return };
        let cancelled = || self.interrupts.load(Ordering::SeqCst) != before;
        if let Some(guidance) = Guidance::compute(&self.costmap, cell, self.travel, &cancelled) {
            self.done = Some((number, self.costmap.version()));
            let _ = self.outbox.send((Box::new(guidance), number));
        }
    }
}
