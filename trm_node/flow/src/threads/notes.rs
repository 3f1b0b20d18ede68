//! The notes thread: writes the record of plans, and hands on what the model answered, for who looks on. Nothing waits
//! for it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::Receiver;
use trm_grid::guidance::Guidance;
use trm_planner::halt::deadline::Clock;
use trm_planner::record::{entry, frame};

use crate::heartbeats::HEARTBEAT;
use crate::notes::{Note, NoteReceiver, PlanNotes, Sent};
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
            let sent = self.inbox.notes.take();
            // What a note speaks of was sent before it.
            self.take_contents();
            let Some(Sent { note, after_loss }) = sent else { return };
            self.next += u64::from(after_loss);
            match note {
                Note::Event(event, costs) => self.write(|to| entry::write_event(event, costs, to)),
                Note::Plan(notes) => self.take_plan(notes),
            }
        }
    }

    fn take_plan(&mut self, notes: Box<PlanNotes>) {
        if notes.is_recorded && notes.plan.is_whole() {
            self.write(|to| entry::write_plan(&notes.plan, to));
        } else if notes.is_recorded {
            self.shared.plan_log.lost.fetch_add(1, Ordering::Relaxed);
            self.next += 1;
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
                Content::Guidance { number, groups } => {
                    let whole = self.whole.take();
                    let base = whole.as_ref().map(|(number, guidance)| (*number, guidance));
                    self.write(|to| entry::write_guidance(number, &groups, base, to));
                    let newer = groups.into_iter().next().filter(|first| first.version().is_some());
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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Mutex;
    use std::time::Duration;

    use trm_config::{Config, GridKind};
    use trm_grid::costmap_builder::CostmapBuilder;
    use trm_grid::geometry::Geometry;
    use trm_grid::occupancy::OccupancyGrid;
    use trm_grid::units::Pose;
    use trm_net::bundle::Bundle;
    use trm_planner::record::entry::Event;
    use trm_planner::record::error::RecordError;
    use trm_planner::record::frame::Frames;
    use trm_planner::record::replay::Replay;
    use trm_planner::{Planner, Request};

    use super::*;
    use crate::notes::{self, NoteSender, Wanted};
    use crate::shared;

    /// A planner whose plans are noted, and the notes thread.
    struct Bench {
        shared: Arc<Shared>,
        bundle: Bundle,
        planner: Planner,
        builder: CostmapBuilder,
        sender: Option<NoteSender>,
        thread: NotesThread,
        file: Arc<Mutex<Vec<u8>>>,
        /// How many answers each plan had.
        answers: Arc<Mutex<Vec<usize>>>,
    }

    impl Bench {
        fn new() -> Self {
            let config = Config::with(|config| config.node.record_plans = true);
            let (shared, _) = shared::for_tests(&config.node);
            let shared = Arc::new(shared);
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/bundles/nav_d32");
            let bundle = Bundle::load(&folder).unwrap();
            let planner = shared.plan_log.planner(&config, &bundle, &shared.clock).unwrap();
            let mut builder = CostmapBuilder::new(&config.grid, GridKind::Map);
            let geometry = Geometry::new(60, 60, 0.1, Pose::default()).unwrap();
            builder.take_grid(OccupancyGrid::new(geometry, vec![0; geometry.cells()]).unwrap());
            let change = builder.refresh_to_end().unwrap();
            shared.plan_log.put(|| Content::Costs(change));
            let (mut sender, inbox) = notes::channel(Wanted { steps: true, record: true }, &config, &shared);
            sender.event(Event::Use(planner.number()), None);
            let (file, answers) = <(Arc<Mutex<Vec<u8>>>, Arc<Mutex<Vec<usize>>>)>::default();
            let (written, seen) = (Arc::clone(&file), Arc::clone(&answers));
            let record: Record = Box::new(move |entry| frame::append(entry, &mut written.lock().unwrap()));
            let steps: Steps = Box::new(move |notes| seen.lock().unwrap().push(notes.answers.kept().len()));
            let thread = NotesThread::new(inbox, Arc::clone(&shared), Some(record), Some(steps));
            Self { shared, bundle, planner, builder, sender: Some(sender), thread, file, answers }
        }

        fn plan(&mut self, tick: Option<u64>) {
            let arrived = self.shared.clock.now();
            let (start, goal) = (Pose::new(1.0, 1.0, 0.0), Pose::new(2.0, 1.5 + arrived.as_secs_f64() % 1.0, 0.0));
            let request = Request { start, goal, arrived, deadline: arrived + Duration::from_secs(50), epoch: None };
            let costmap = self.builder.costmap().unwrap();
            let clock = &self.shared.clock;
            let outcome = notes::plan(&mut self.sender, tick, &mut self.planner, (costmap, None), &request, clock);
            assert!(outcome.path.is_ok());
        }

        /// The numbers of the plans that are the same when they are made again.
        fn replay(&self) -> Result<Vec<u64>, RecordError> {
            let file = self.file.lock().unwrap();
            let mut replay = Replay::new(&self.bundle);
            let mut plans = Vec::new();
            for frame in Frames::new(&file) {
                let (number, entry) = frame?;
                if let Some(plan) = replay.take(number, entry, &mut |_| {})? {
                    assert!(plan.is_equal(), "{} is now {}", plan.made.result, plan.result);
                    plans.push(plan.made.number);
                }
            }
            Ok(plans)
        }
    }

    #[test]
    fn plans_of_ticks_are_recorded_and_the_answers_of_all_are_shown() {
        let mut bench = Bench::new();
        for number in (1..=20).map(Some).chain([None; 3]) {
            bench.plan(number);
            bench.thread.step();
        }
        assert_eq!(bench.shared.plan_log.lost.load(Ordering::Relaxed), 0);
        let answers = bench.answers.lock().unwrap();
        assert!(answers.len() == 23 && answers.iter().all(|count| *count > 0), "{answers:?}");
        assert_eq!(bench.replay().unwrap(), (1..=20).collect::<Vec<_>>());
    }

    #[test]
    fn what_the_thread_cannot_keep_up_with_is_counted_and_is_a_gap() {
        let mut bench = Bench::new();
        (1..=30).for_each(|number| bench.plan(Some(number)));
        bench.thread.step();
        let lost = bench.shared.plan_log.lost.load(Ordering::Relaxed);
        assert!(lost > 0 && lost < 30, "{lost}");
        let kept = bench.replay().unwrap();
        assert_eq!(kept, (1..=30 - lost).collect::<Vec<_>>());
        bench.plan(Some(31));
        bench.thread.step();
        assert!(matches!(bench.replay(), Err(RecordError::Gap { .. })));
    }
}
