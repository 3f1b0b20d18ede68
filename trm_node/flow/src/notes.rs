//! From the planner thread to the notes thread: what was seen of each plan, in memory that goes round. The planner
//! thread only copies. Where the notes thread can't keep up, notes are lost and counted.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rtrb::{Consumer, Producer, RingBuffer};
use trm_config::Config;
use trm_grid::costmap::Costmap;
use trm_grid::geometry::Geometry;
use trm_planner::answers::Answers;
use trm_planner::guided::Guided;
use trm_planner::halt::deadline::Clock;
use trm_planner::record::entry::Event;
use trm_planner::record::noted::Noted;
use trm_planner::record::readings::KeptClock;
use trm_planner::watch::Answer;
use trm_planner::{Outcome, Planner, Request};
use trm_rt::ring;

use crate::shared::Shared;

/// Plans that may be under way at once.
const PLANS: usize = 8;
/// Events and plans that may be under way at once.
const EVENTS: usize = 64;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The answers of the model.
    pub steps: bool,
    /// All that makes a plan again.
    pub record: bool,
}

/// What is noted of a plan.
pub struct PlanNotes {
    /// What went in and came out, for the record.
    pub plan: Noted,
    /// The answers of the model.
    pub answers: Answers,
    /// Of the costs.
    pub geometry: Option<Geometry>,
    /// Whether it is for the record.
    pub is_recorded: bool,
}

impl PlanNotes {
    /// Memory for a plan, and for answers about windows of at most so many cells a side.
    #[must_use]
    pub fn with_room(size: usize) -> Self {
        Self { plan: Noted::with_room(), answers: Answers::new(size), geometry: None, is_recorded: false }
    }
}

/// What the planner thread tells.
pub enum Note {
    /// A plan was made.
    Plan(Box<PlanNotes>),
    /// Something happened to its planner, at this version of the costs.
    Event(Event, u64),
}

/// A note on its way, and whether one for the record was lost before it.
pub struct Sent {
    /// The note.
    pub note: Note,
    /// Whether one was lost.
    pub after_loss: bool,
}

/// The planner thread's end. It never waits, allocates or frees.
pub struct NoteSender {
    notes: ring::SoleSender<Sent>,
    free: Consumer<Box<PlanNotes>>,
    wanted: Wanted,
    /// Something for the record was lost since the last note.
    has_lost: bool,
    shared: Arc<Shared>,
}

/// The notes thread's end.
pub struct NoteReceiver {
    /// What was told.
    pub notes: ring::Receiver<Sent>,
    free: Producer<Box<PlanNotes>>,
}

/// Both ends, with all the memory that is ever under way.
#[must_use]
pub fn channel(wanted: Wanted, config: &Config, shared: &Arc<Shared>) -> (NoteSender, NoteReceiver) {
    let (sender, receiver) = ring::channel(EVENTS);
    let (mut give_back, free) = RingBuffer::new(PLANS);
    let size = if wanted.steps { config.planner.window_size as usize } else { 0 };
    for _ in 0..PLANS {
        // There is room for all of them.
        let _ = give_back.push(Box::new(PlanNotes::with_room(size)));
    }
    let sender = NoteSender { notes: sender, free, wanted, has_lost: false, shared: Arc::clone(shared) };
    (sender, NoteReceiver { notes: receiver, free: give_back })
}

/// Plans, and notes what goes in and comes out where that is wanted. `tick` has the number of a plan that is made
/// again and again; plans that were asked for once aren't recorded.
pub fn plan<'p>(
    sender: &mut Option<NoteSender>,
    tick: Option<u64>,
    planner: &'p mut Planner,
    (costmap, guided): (&Costmap, Option<&Guided>),
    request: &Request,
    clock: &dyn Clock,
) -> Outcome<'p> {
    let begun = sender.as_mut().and_then(|sender| sender.begin(tick).map(|notes| (notes, sender)));
    let Some((mut notes, sender)) = begun else { return planner.plan(costmap, guided, request, clock) };
    let PlanNotes { plan, answers, geometry, is_recorded } = &mut *notes;
    *geometry = Some(*costmap.geometry());
    plan.time = sender.shared.ros_time.now();
    (plan.start, plan.goal) = (request.start, request.goal);
    (plan.arrived, plan.deadline) = (request.arrived, request.deadline);
    (plan.costs, plan.guidance) = (costmap.version(), guided.map(|guided| guided.number));
    let mut keep = |answer: &Answer| {
        if sender.wanted.steps {
            answers.keep(answer);
        }
    };
    let outcome = if *is_recorded {
        let clock = KeptClock::new(clock, request.epoch, &mut plan.readings);
        let request = Request { epoch: Some(clock.epoch()), ..*request };
        planner.plan_watched(costmap, guided, &request, &clock, &mut keep)
    } else {
        planner.plan_watched(costmap, guided, request, clock, &mut keep)
    };
    plan.end(&outcome);
    // Fails only while the node is stopping: events leave room.
    let _ = sender.send(Note::Plan(notes));
    outcome
}

impl NoteSender {
    /// Memory for the next plan, if anything of it is wanted; `None`, and it is lost, where none has come back.
    fn begin(&mut self, tick: Option<u64>) -> Option<Box<PlanNotes>> {
        let is_recorded = self.wanted.record && tick.is_some();
        if !is_recorded && !self.wanted.steps {
            return None;
        }
        let Ok(mut notes) = self.free.pop() else {
            self.lose(is_recorded);
            return None;
        };
        (notes.is_recorded, notes.plan.number) = (is_recorded, tick.unwrap_or(0));
        notes.answers.clear();
        Some(notes)
    }

    /// Tells what happened to the planner.
    pub fn event(&mut self, event: Event, costmap: Option<&Costmap>) {
        if !self.wanted.record {
            return;
        }
        let note = Note::Event(event, costmap.map_or(0, Costmap::version));
        if self.notes.room() <= PLANS || !self.send(note) {
            self.lose(true);
        }
    }

    fn send(&mut self, note: Note) -> bool {
        let is_sent = self.notes.try_send(Sent { note, after_loss: self.has_lost }).is_ok();
        self.has_lost &= !is_sent;
        is_sent
    }

    fn lose(&mut self, is_recorded: bool) {
        self.shared.plan_log.lost.fetch_add(1, Ordering::Relaxed);
        self.has_lost |= is_recorded;
    }
}

impl NoteReceiver {
    /// Gives the memory of a plan back.
    pub fn give_back(&mut self, notes: Box<PlanNotes>) {
        // There is room for all of them.
        let _ = self.free.push(notes);
    }
}
