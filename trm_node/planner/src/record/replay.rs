//! Plans again what a record tells of, and compares the paths.

use std::collections::{BTreeMap, VecDeque};

use trm_config::GridConfig;
use trm_config::footprint::Footprint;
use trm_grid::bytes::Bytes;
use trm_grid::costmap::{Costmap, GridChange};
use trm_grid::guidance::Guidance;
use trm_grid::guidance::record::{PartOfGuidance, RecordedGuidance};
use trm_grid::units::Pose;
use trm_net::bundle::Bundle;

use crate::Planner;
use crate::record::entry::{Entry, Event, PlanMade, PlannerMade, Summary};
use crate::record::error::RecordError;
use crate::record::readings::GivenClock;
use crate::request::Request;
use crate::watch::Watch;

/// So many versions of the costs are kept for guidance that was computed on older ones. They share their tiles.
const VERSIONS: usize = 1024;

/// A plan that was made again.
#[derive(Debug)]
pub struct Replayed {
    /// As it was made.
    pub made: PlanMade,
    /// The path now.
    pub path: Vec<Pose>,
    /// What came out now.
    pub result: Summary,
    /// How many readings of the clock were taken now.
    pub readings: usize,
}

impl Replayed {
    /// Whether it is the same plan to the last bit.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.result == self.made.result && self.readings == self.made.readings.times.len()
    }
}

/// Guidance that is made when a plan needs it.
struct Given {
    recorded: Vec<RecordedGuidance>,
    /// The costs that whole guidance is computed on.
    costs: Option<Costmap>,
    made: Option<Vec<Guidance>>,
}

/// Plans again. It holds what the planning thread held.
pub struct Replay<'b> {
    bundle: &'b Bundle,
    planner: Option<(Planner, GridConfig)>,
    /// Those that aren't used yet.
    planners: BTreeMap<u64, PlannerMade>,
    /// Versions of the costs in their order.
    costs: VecDeque<Costmap>,
    /// The version that was planned on last.
    version: u64,
    guidance: BTreeMap<u64, Given>,
    /// The last whole guidance, beside which parts are written, once one has asked for it.
    whole: Option<(u64, RecordedGuidance, Costmap)>,
}

impl<'b> Replay<'b> {
    /// Nothing is known yet. All plans were made with this bundle.
    #[must_use]
    pub const fn new(bundle: &'b Bundle) -> Self {
        Self {
            bundle,
            planner: None,
            planners: BTreeMap::new(),
            costs: VecDeque::new(),
            version: 0,
            guidance: BTreeMap::new(),
            whole: None,
        }
    }

    /// Takes an entry of a record with its number. A plan is made again; `watch` sees the answers of the model.
    ///
    /// # Errors
    /// [`RecordError`] when it can't be.
    pub fn take(&mut self, number: u64, mut bytes: Bytes, watch: &mut Watch) -> Result<Option<Replayed>, RecordError> {
        if number == 0 {
            *self = Self::new(self.bundle);
        }
        let costs = self.costs.back().map(Costmap::geometry);
        match Entry::read(&mut bytes, costs).map_err(|source| RecordError::Bytes { entry: number, source })? {
            Entry::Planner(made) => {
                let made = made.map_err(|source| RecordError::Parameter { entry: number, source })?;
                self.planners.insert(made.number, made);
            }
            Entry::Costs(change) => self.take_costs(change),
            Entry::Guidance(guidance, recorded) => self.take_guidance(number, guidance, recorded)?,
            Entry::Event(event, costs) => {
                self.advance(number, costs)?;
                self.take_event(number, event)?;
            }
            Entry::Plan(made) => return self.plan(number, *made, watch).map(Some),
        }
        Ok(None)
    }

    /// The costs that were planned on last.
    #[must_use]
    pub fn costmap(&self) -> Option<&Costmap> {
        self.costs.iter().find(|costs| costs.version() == self.version)
    }

    fn take_costs(&mut self, change: GridChange) {
        let mut copy = self.costs.back().cloned().map(Box::new);
        // What is replaced is freed.
        drop(change.apply(&mut copy));
        self.costs.extend(copy.map(|costs| *costs));
        let is_needed = |costs: &Costmap| costs.version() == self.version;
        if self.costs.len() > VERSIONS && !self.costs.front().is_some_and(is_needed) {
            self.costs.pop_front();
        }
    }

    fn take_guidance(&mut self, entry: u64, number: u64, recorded: Vec<RecordedGuidance>) -> Result<(), RecordError> {
        let mut costs = None;
        if let Some(RecordedGuidance::Whole { version, .. }) = recorded.first() {
            let unknown = || RecordError::Unknown { entry, what: "version of the costs", number: *version };
            let found = self.costs.iter().rev().find(|costs| costs.version() == *version);
            costs = Some(found.ok_or_else(unknown)?.clone());
        }
        let made = match &recorded[..] {
            [RecordedGuidance::Part(part)] => Some(vec![self.restore(entry, part)?]),
            _ => None,
        };
        if let (Some(first), Some(costs)) = (recorded.first(), &costs) {
            self.whole = Some((number, first.clone(), costs.clone()));
        }
        self.guidance.insert(number, Given { recorded, costs, made });
        Ok(())
    }

    /// Guidance of which only a part is right.
    fn restore(&self, entry: u64, part: &PartOfGuidance) -> Result<Guidance, RecordError> {
        let base = self.whole.as_ref().filter(|(number, ..)| part.base() == Some(*number));
        let base = base.and_then(|(_, recorded, costs)| compute(recorded, costs));
        let number = part.base().unwrap_or(0);
        part.restore(base.as_ref()).ok_or(RecordError::Unknown { entry, what: "guidance", number })
    }

    fn take_event(&mut self, entry: u64, event: Event) -> Result<(), RecordError> {
        match event {
            Event::Use(number) => {
                let unknown = RecordError::Unknown { entry, what: "planner", number };
                let made = self.planners.remove(&number).ok_or(unknown)?;
                self.planners.retain(|other, _| *other > number);
                let mut planner = self.make(&made)?;
                if let Some(costs) = self.costmap() {
                    planner.prepare(costs);
                }
                self.planner = Some((planner, made.config.grid));
            }
            Event::Reset => self.planner.iter_mut().for_each(|(planner, _)| planner.reset()),
            Event::Robot { radius, has_footprint } => {
                if let Some((planner, grid)) = &mut self.planner {
                    grid.robot_radius = radius;
                    // Any one: without a planner for it there are no plans.
                    grid.footprint = has_footprint.then(|| SQUARE.parse::<Footprint>().ok()).flatten();
                    planner.set_robot(grid);
                }
            }
        }
        Ok(())
    }

    fn make(&self, made: &PlannerMade) -> Result<Planner, RecordError> {
        if made.hash != self.bundle.hash {
            return Err(RecordError::Bundle {
                recorded_name: made.bundle.clone(),
                recorded: made.hash.clone(),
                given_name: self.bundle.manifest.name.clone(),
                given: self.bundle.hash.clone(),
            });
        }
        let clock = GivenClock::new(&made.readings);
        let planner = Planner::new(&made.config.grid, &made.config.planner, self.bundle, &clock)?;
        // The times differ whenever they are measured.
        let kind = |about: &str| about.split(';').next().unwrap_or_default().to_owned();
        let (recorded, given) = (kind(&made.backend), kind(planner.backend().unwrap_or_default()));
        if recorded == given { Ok(planner) } else { Err(RecordError::Backend { recorded, given }) }
    }

    /// Goes on to a version of the costs; 0 is before the first one.
    fn advance(&mut self, entry: u64, version: u64) -> Result<(), RecordError> {
        if version == self.version {
            return Ok(());
        }
        let at = |version| self.costs.iter().position(|costs| costs.version() == version);
        let unknown = RecordError::Unknown { entry, what: "version of the costs", number: version };
        let (from, to) = (at(self.version), at(version).ok_or(unknown)?);
        let mut before = from.map(|from| *self.costs[from].geometry());
        for costs in self.costs.range(from.map_or(0, |from| from + 1)..=to) {
            if before.replace(*costs.geometry()) != Some(*costs.geometry()) {
                self.planner.iter_mut().for_each(|(planner, _)| planner.prepare(costs));
            }
        }
        self.version = version;
        Ok(())
    }

    fn plan(&mut self, entry: u64, made: PlanMade, watch: &mut Watch) -> Result<Replayed, RecordError> {
        self.advance(entry, made.costs)?;
        let unknown = |what, number| RecordError::Unknown { entry, what, number };
        let costs = self.costs.iter().find(|costs| costs.version() == made.costs);
        let costs = costs.ok_or_else(|| unknown("version of the costs", made.costs))?;
        let mut guidance = None;
        if let Some(number) = made.guidance {
            self.guidance.retain(|other, _| *other >= number);
            let given = self.guidance.get_mut(&number).ok_or_else(|| unknown("guidance", number))?;
            guidance = Some(given.over(costs, made.goal));
        }
        let (planner, _) = self.planner.as_mut().ok_or_else(|| unknown("planner", 0))?;
        let clock = GivenClock::new(&made.readings);
        let request = Request {
            start: made.start,
            goal: made.goal,
            arrived: made.arrived,
            deadline: made.deadline,
            epoch: Some(clock.epoch()),
        };
        let outcome = planner.plan_watched(costs, guidance.unwrap_or_default(), &request, &clock, watch);
        let path = outcome.path.map(|path| path.poses().to_vec());
        let result = Summary::of(path.as_deref().unwrap_or_default(), outcome.path.map(|_| ()), &outcome.report);
        let readings = clock.given();
        Ok(Replayed { made, path: path.unwrap_or_default(), result, readings })
    }
}

/// A footprint.
const SQUARE: &str = "[[0.1, 0.1], [-0.1, 0.1], [-0.1, -0.1], [0.1, -0.1]]";

/// Whole guidance on its costs; `None` for a part.
fn compute(recorded: &RecordedGuidance, costs: &Costmap) -> Option<Guidance> {
    let RecordedGuidance::Whole { goal, travel, .. } = recorded else { return None };
    Guidance::compute(costs, *goal, *travel, &|| false)
}

impl Given {
    /// Laid over costs that have grown since, where it must be.
    fn over(&mut self, costs: &Costmap, goal: Pose) -> &[Guidance] {
        let (recorded, own) = (&self.recorded, &self.costs);
        let groups = || recorded.iter().filter_map(|group| own.as_ref().and_then(|own| compute(group, own)));
        let made = self.made.get_or_insert_with(|| groups().collect());
        for guidance in made.iter_mut().filter(|guidance| !guidance.fits(costs)) {
            // Where it can't, it stays unused.
            guidance.lay_over(costs.geometry(), goal.point());
        }
        made
    }
}
