//! Plans in one world after the other, and has each result judged.

use std::cell::Cell as Now;
use std::time::Duration;

use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::CostmapBuilder;
use trm_grid::guidance::Guidance;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::travel::Travel;
use trm_grid::units::Pose;
use trm_net::backend::Backend;
use trm_net::bundle::Bundle;
use trm_net::registry::fastest;
use trm_planner::endpoints::GoalArea;
use trm_planner::halt::deadline::Clock;
use trm_planner::target::guide;
use trm_planner::{Planner, Request, Source};

use crate::campaign::backends::{Cheap, Lent};
use crate::campaign::draw::{self, Brain, Drawn};
use crate::campaign::tally::Tally;
use crate::judge::asked::Asked;
use crate::judge::raw_map::{Class, RawMap};
use crate::worlds::random::Random;

/// The windows that worlds draw from, in cells.
const WINDOWS: [i64; 2] = [32, 64];

/// A clock that goes on with each reading.
struct Ticking {
    now: Now<u64>,
    tick: u64,
}

impl Clock for Ticking {
    fn now(&self) -> Duration {
        self.now.set(self.now.get() + self.tick);
        Duration::from_nanos(self.now.get())
    }
}

/// What every world needs: the models.
pub struct Player {
    released: Bundle,
    cheap: Bundle,
    /// The released model for each of [`WINDOWS`].
    backends: [Lent; 2],
}

impl Player {
    /// Loads the released model.
    ///
    /// # Errors
    /// When the bundle can't be run.
    pub fn new(bundle: &Bundle) -> anyhow::Result<Self> {
        let [small, large] = WINDOWS.map(|size| fastest(bundle, size as usize).map(Lent::new));
        Ok(Self { released: bundle.clone(), cheap: Cheap::bundle(bundle), backends: [small?, large?] })
    }

    /// Plays one world; `aloud` it prints what it draws and what comes out.
    pub fn play(&mut self, seed: u64, index: u64, aloud: bool) -> Tally {
        let mut tally = Tally { worlds: 1, ..Tally::default() };
        let mut random = Random::of_query(seed, index as usize);
        let drawn = Drawn::new(&mut random);
        if aloud {
            println!("{:?}\n{:?}", Drawn { values: Vec::new(), ..drawn.clone() }, drawn.geometry);
        }
        let clock = Ticking { now: Now::new(0), tick: drawn.tick };
        let planner = self.planner(&drawn, &mut random, &clock);
        match planner {
            Ok(planner) => Game::new(drawn, random, planner, aloud).run(index, &clock, &mut tally),
            Err(error) => tally.fault(index, format!("no planner: {error}")),
        }
        tally
    }

    fn planner(
        &self,
        drawn: &Drawn,
        random: &mut Random,
        clock: &Ticking,
    ) -> Result<Planner, trm_net::error::LoadError> {
        let size = drawn.config.planner.window_size;
        let (bundle, backend): (_, Box<dyn Backend>) = match drawn.brain {
            Brain::Released => (&self.released, Box::new(self.backends[usize::from(size != WINDOWS[0])].clone())),
            Brain::Cheap(opinion) => {
                let seed = random.below(usize::MAX) as u64;
                (&self.cheap, Box::new(Cheap::new(&self.cheap, size as usize, opinion, Random::new(seed))))
            }
        };
        Planner::with_backend(&drawn.config.grid, &drawn.config.planner, bundle, backend, clock)
    }
}

/// One world while plans are made in it.
struct Game {
    drawn: Drawn,
    random: Random,
    planner: Planner,
    map: RawMap,
    builder: CostmapBuilder,
    copy: Option<Box<Costmap>>,
    guidance: Vec<Guidance>,
    start: Pose,
    goal: Pose,
    aloud: bool,
}

impl Game {
    fn new(drawn: Drawn, mut random: Random, planner: Planner, aloud: bool) -> Self {
        let Drawn { config, kind, geometry, values, .. } = &drawn;
        let size = (geometry.width(), geometry.height());
        let map = RawMap::new(size, geometry.resolution(), geometry.origin(), values.clone(), (&config.grid, *kind));
        let mut builder = CostmapBuilder::new(&config.grid, *kind);
        builder.take_grid(OccupancyGrid::new(*geometry, values.clone()).expect("legal values"));
        let (start, goal) = (draw::pose(&mut random, &map, geometry), draw::pose(&mut random, &map, geometry));
        Self { drawn, random, planner, map, builder, copy: None, guidance: Vec::new(), start, goal, aloud }
    }

    fn run(mut self, index: u64, clock: &Ticking, tally: &mut Tally) {
        for number in 0..self.drawn.plans {
            if number > 0 {
                self.go_on();
            }
            if let Some(change) = self.builder.refresh_to_end() {
                drop(change.apply(&mut self.copy));
            }
            let Some(costmap) = self.copy.take() else { return tally.fault(index, "no costs".to_owned()) };
            if let Some(fault) = self.wrong_costs(&costmap) {
                tally.fault(index, format!("plan {number}: {fault}"));
            }
            self.guide(&costmap);
            if let Some(fault) = self.plan(&costmap, clock, tally) {
                tally.fault(index, format!("plan {number} from {:?} to {:?}: {fault}", self.start, self.goal));
            }
            self.copy = Some(costmap);
        }
    }

    /// Plans once. Gives what is wrong with the result.
    fn plan(&mut self, costmap: &Costmap, clock: &Ticking, tally: &mut Tally) -> Option<String> {
        let arrived = clock.now();
        let deadline = arrived + Duration::from_nanos(self.drawn.deadline);
        let request = Request { start: self.start, goal: self.goal, arrived, deadline, epoch: None };
        let outcome = self.planner.plan(costmap, &self.guidance, &request, clock);
        let asked = Asked {
            map: &self.map,
            config: &self.drawn.config,
            start: self.start,
            goal: self.goal,
            is_tight: self.drawn.is_tight(),
            may_lag: self.guidance.iter().any(|guidance| guidance.version() != Some(costmap.version())),
        };
        let (name, fault) = match outcome.path {
            Ok(path) => {
                let fault = asked.path(path.poses());
                // The robot has driven on when the next plan comes.
                if self.random.chance(0.6) {
                    self.start = path.poses()[self.random.below(path.poses().len())];
                }
                (
                    ["path: model", "path: previous", "path: fallback", "path: none"][source(outcome.report.source)],
                    fault,
                )
            }
            Err(error) => (error.nav2_name(), asked.refusal(error)),
        };
        if self.aloud {
            println!("from {:?} to {:?}: {name} {:?} {fault:?}", self.start, self.goal, outcome.path);
        }
        tally.count(name);
        fault
    }

    /// What changes until the next plan.
    fn go_on(&mut self) {
        let (random, geometry) = (&mut self.random, &self.drawn.geometry);
        for _ in 0..random.below(3) {
            let (rect, values) = draw::patch(random, &self.map);
            self.builder.take_update(rect, &values).expect("a patch within the grid");
            self.map.write((rect.col, rect.row), rect.width as usize, &values);
        }
        if random.chance(0.3) {
            self.goal = draw::pose(random, &self.map, geometry);
        }
        if random.chance(0.3) {
            self.start = draw::pose(random, &self.map, geometry);
        }
    }

    /// Computes guidance for the goal, or leaves an older one.
    fn guide(&mut self, costmap: &Costmap) {
        if !self.drawn.is_guided || (!self.guidance.is_empty() && self.random.chance(0.4)) {
            return;
        }
        let config = &self.drawn.config;
        let area = GoalArea::new(costmap.geometry(), config.planner.tolerance, self.goal.point());
        let guidance = area.ok().and_then(|area| guide(costmap, Travel::new(&config.grid), &area, &|| false));
        self.guidance = guidance.unwrap_or_default();
    }

    /// The first cell whose cost isn't what the raw map says.
    fn wrong_costs(&self, costmap: &Costmap) -> Option<String> {
        let wrong = self.map.differs(costmap.costs().into_iter().map(Class::of_cost));
        wrong.map(|(col, row)| format!("the cost of cell ({col}, {row}) is wrong"))
    }
}

const fn source(source: Source) -> usize {
    match source {
        Source::Model => 0,
        Source::Previous => 1,
        Source::Fallback => 2,
        Source::Lattice | Source::None => 3,
    }
}
