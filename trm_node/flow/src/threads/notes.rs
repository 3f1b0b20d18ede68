//! The notes thread: writes the record of plans, and hands on what the model answered, for who looks on. Nothing waits
//! for it.

use std::sync::Arc;

use crossbeam_channel::Receiver;
use trm_grid::guidance::Guidance;
use trm_planner::halt::deadline::Clock;
use trm_planner::record::{entry, frame};

use crate::heartbeats::HEARTBEAT;
use crate::notes::{Note, NoteReceiver, PlanNotes};
use crate::plan_log::Content;
use crate::shared::Shared;

/// Takes entries of the record.
pub type Record = Box<dyn FnMut(&[u8]) + Send>;
/// Takes plans in which the model has answered.
pub type Steps = Box<dyn FnMut(&PlanNotes) + Send>;

/// The notes thread's state.
pub struct NotesThread {
    inbox: NoteReceiver,
    contents: Option<Receiver<Content>>,
    shared: Arc<Shared>,
    record: Option<Record>,
    steps: Option<Steps>,
    /// The number of the next entry.
    next: u64,
    /// The last whole guidance and its number.
    whole: Option<(u64, Guidance)>,
    /// The entry that is being written.
    entry: Vec<u8>,
}

impl NotesThread {
    /// The thread before anything has come.
    #[must_use]
    pub fn new(inbox: NoteReceiver, shared: Arc<Shared>, record: Option<Record>, steps: Option<Steps>) -> Self {
        let contents = shared.plan_log.receiver();
        Self { inbox, contents, shared, record, steps, next: 0, whole: None, entry: Vec::new() }
    }

    /// Runs until the planner thread's end is gone.
    pub fn run(mut self) {
        loop {
            let is_last = self.inbox.notes.is_closed();
            self.step();
            if is_last {
                return;
            }
            let clock = &self.shared.clock;
            self.inbox.notes.wait(Some(clock.absolute(clock.now() + HEARTBEAT)));
        }
    }

    /// Takes what has come.
    pub fn step(&mut self) {
        loop {
            let note = self.inbox.notes.take();
            // What a note speaks of was sent before it.
            self.take_contents();
            match note {
                None => return,
                Some(Note::Event(event, costs)) => self.write(|to| entry::write_event(event, costs, to)),
                Some(Note::Plan(notes)) => self.take_plan(notes),
            }
        }
    }

    fn take_plan(&mut self, notes: Box<PlanNotes>) {
        if notes.is_recorded && notes.plan.is_whole() {
            self.write(|to| entry::write_plan(&notes.plan, to));
        } else if notes.is_recorded {
            self.shared.plan_log.lose();
        }
        if let Some(steps) = self.steps.as_mut().filter(|_| !notes.answers.kept().is_empty()) {
            steps(&notes);
        }
        self.inbox.give_back(notes);
    }

    fn take_contents(&mut self) {
        while let Some(content) = self.contents.as_ref().and_then(|contents| contents.try_recv().ok()) {
            match content {
                Content::Planner(made) => self.write(|to| entry::write_planner(&made, to)),
                Content::Costs(change) => self.write(|to| entry::write_costs(&change, to)),
                Content::Guidance { number, is_whole, groups } => {
                    let whole = self.whole.take();
                    let base = whole.as_ref().map(|(number, guidance)| (*number, guidance));
                    self.write(|to| entry::write_guidance((number, is_whole), &groups, base, to));
                    let newer = groups.into_iter().next().filter(|_| is_whole);
                    self.whole = newer.map(|first| (number, first)).or(whole);
                }
            }
        }
    }

    /// Writes an entry. The number of one that was lost before it is left out.
    fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(record) = &mut self.record else { return };
        if self.shared.plan_log.take_gap() {
            self.next += 1;
        }
        frame::begin(self.next, &mut self.entry);
        write(&mut self.entry);
        record(&self.entry);
        self.next += 1;
    }
}
