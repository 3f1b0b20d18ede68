//! Plans in one world after the other, and has each result judged.

use std::cell::Cell as Now;
use std::time::Duration;

use trm_config::GridKind;
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::CostmapBuilder;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::Pose;
use trm_net::bundle::Bundle;
use trm_net::graphs::Graphs;
use trm_net::host::HostBackend;
use trm_net::registry::fastest;
use trm_planner::halt::deadline::Clock;
use trm_planner::{PlanError, Planner, Request, Source};

use crate::campaign::backends::Cheap;
use crate::campaign::draw::{self, Brain, Drawn};
use crate::campaign::draw_footprint;
use crate::campaign::guide_book::GuideBook;
use crate::campaign::robots::Robots;
use crate::campaign::tally::Tally;
use crate::judge::asked::Asked;
use crate::judge::driven::Driven;
use crate::judge::polygon::Polygon;
use crate::judge::raw_map::{Class, RawMap};
use crate::judge::reachable::Motions;
use crate::lent::Lent;
use crate::worlds::random::Random;

/// The windows that worlds draw from, in cells.
const WINDOWS: [i64; 2] = [32, 64];

/// A robot with a footprint is at one of so many poses of its path when the next plan comes.
const AHEAD: usize = 64;

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
    robots: Robots,
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
    pub fn new(bundle: &Bundle, robots: Robots) -> anyhow::Result<Self> {
        let [small, large] = WINDOWS.map(|size| fastest(bundle, size as usize).map(Lent::new));
        Ok(Self { robots, released: bundle.clone(), cheap: Cheap::bundle(bundle), backends: [small?, large?] })
    }

    /// Plays one world; `aloud` it prints what it draws and what comes out.
    pub fn play(&mut self, seed: u64, index: u64, aloud: bool) -> Tally {
        let mut tally = Tally { worlds: 1, ..Tally::default() };
        let mut random = Random::of_query(seed, index as usize);
        let drawn = match self.robots {
            Robots::Discs => Drawn::new(&mut random),
            Robots::Footprints => draw_footprint::drawn(&mut random),
        };
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
        let (bundle, graphs): (_, Box<dyn Graphs>) = match drawn.brain {
            Brain::Released => (&self.released, Box::new(self.backends[usize::from(size != WINDOWS[0])].clone())),
            Brain::Cheap(opinion) => {
                let seed = random.below(usize::MAX) as u64;
                (&self.cheap, Box::new(Cheap::new(&self.cheap, size as usize, opinion, Random::new(seed))))
            }
        };
        let backend = Box::new(HostBackend::new(bundle, graphs));
        Planner::with_backend(&drawn.config.grid, &drawn.config.planner, bundle, backend, clock)
    }
}

/// One world while plans are made in it.
struct Game {
    drawn: Drawn,
    random: Random,
    planner: Planner,
    map: RawMap,
    /// The robot's outline, if it has a footprint.
    polygon: Option<Polygon>,
    builder: CostmapBuilder,
    copy: Option<Box<Costmap>>,
    guidance: GuideBook<Ticking>,
    start: Pose,
    goal: Pose,
    aloud: bool,
}

impl Game {
    fn new(drawn: Drawn, random: Random, planner: Planner, aloud: bool) -> Self {
        let Drawn { config, kind, geometry, values, .. } = &drawn;
        let size = (geometry.width(), geometry.height());
        let map = RawMap::new(size, geometry.resolution(), geometry.origin(), values.clone(), (&config.grid, *kind));
        let mut builder = CostmapBuilder::new(&config.grid, *kind);
        builder.take_grid(OccupancyGrid::new(*geometry, values.clone()).expect("legal values"));
        let polygon = config.grid.outline().map(|outline| Polygon::new(&outline, geometry.resolution()));
        let guidance = GuideBook::new(Ticking { now: Now::new(0), tick: drawn.tick }, planner.settings());
        let (copy, start, goal) = (None, Pose::default(), Pose::default());
        let mut game = Self { drawn, random, planner, map, polygon, builder, copy, guidance, start, goal, aloud };
        (game.start, game.goal) = (game.pose(), game.pose());
        game
    }

    /// A pose to begin or to end at.
    fn pose(&mut self) -> Pose {
        let Self { random, map, drawn, .. } = self;
        match &self.polygon {
            None => draw::pose(random, map, &drawn.geometry),
            Some(polygon) => {
                let (start, goal) = (self.start, self.goal);
                let judge = Driven { map, config: &drawn.config, polygon, start, goal, is_tight: false };
                draw_footprint::pose(random, map, &drawn.geometry, &judge)
            }
        }
    }

    fn run(mut self, index: u64, clock: &Ticking, tally: &mut Tally) {
        for number in 0..self.drawn.plans {
            if number > 0 {
                self.go_on();
            }
            if let Some(change) = self.builder.refresh_to_end() {
                self.guidance.change(change.clone());
                drop(change.apply(&mut self.copy));
            }
            let Some(costmap) = self.copy.take() else { return tally.fault(index, "no costs".to_owned()) };
            if let Some(fault) = self.wrong_costs(&costmap) {
                tally.fault(index, format!("plan {number}: {fault}"));
            }
            self.guide(&costmap, !(index + number as u64).is_multiple_of(3));
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
        let outcome = self.planner.plan(costmap, self.guidance.newest(), &request, clock);
        let (map, config, is_tight) = (&self.map, &self.drawn.config, self.drawn.is_tight());
        let (start, goal) = (self.start, self.goal);
        let judge = match &self.polygon {
            None => {
                let known = self.guidance.newest().map_or(&[][..], |guided| &guided.guidance);
                let may_lag = known.iter().any(|guidance| guidance.version() != Some(costmap.version()));
                Judge::Disc(Asked { map, config, start, goal, is_tight, may_lag })
            }
            Some(polygon) => Judge::Footprint(Driven { map, config, polygon, start, goal, is_tight }),
        };
        let source = outcome.report.source;
        let (name, fault) = match outcome.path {
            Ok(path) => {
                let fault = judge.path(path.poses(), source);
                // The robot has driven on when the next plan comes.
                if self.random.chance(0.6) {
                    let driven = path.poses().len().min(if self.polygon.is_some() { AHEAD } else { usize::MAX });
                    self.start = path.poses()[self.random.below(driven)];
                }
                (path_name(source), fault)
            }
            Err(error) => (error.nav2_name(), judge.refusal(error)),
        };
        if self.aloud {
            println!("from {start:?} to {goal:?}: {name} {:?} {fault:?}", outcome.path);
        }
        tally.count(name);
        fault
    }

    /// What changes until the next plan.
    fn go_on(&mut self) {
        for _ in 0..self.random.below(3) {
            let (rect, values) = draw::patch(&mut self.random, &self.map);
            self.builder.take_update(rect, &values).expect("a patch within the grid");
            self.map.write((rect.col, rect.row), rect.width as usize, &values);
        }
        if self.random.chance(0.3) {
            self.goal = self.pose();
        }
        if self.random.chance(0.3) {
            self.start = self.pose();
        }
    }

    /// Has guidance computed for the goal, or leaves an older one.
    fn guide(&mut self, costmap: &Costmap, takes_all: bool) {
        let is_kept = self.guidance.newest().is_some_and(|guided| !guided.guidance.is_empty());
        if self.drawn.is_guided && !(is_kept && self.random.chance(0.4)) {
            self.guidance.guide(costmap, self.start, self.goal, takes_all);
        }
    }

    /// The first cell whose cost isn't what the raw map says. What is too near to something for a base is drawn into the costs
    /// alone where the robot has a footprint.
    fn wrong_costs(&self, costmap: &Costmap) -> Option<String> {
        let is_inflated = self.polygon.is_some() && self.drawn.kind == GridKind::Map;
        let class = |cost: u8| match Class::of_cost(cost) {
            Class::Inscribed if is_inflated => Class::Free,
            class => class,
        };
        let wrong = self.map.differs(costmap.costs().into_iter().map(class));
        wrong.map(|(col, row)| format!("the cost of cell ({col}, {row}) is wrong"))
    }
}

/// Who judges a result.
enum Judge<'a> {
    Disc(Asked<'a>),
    Footprint(Driven<'a>),
}

impl Judge<'_> {
    /// What is wrong with a path.
    fn path(&self, poses: &[Pose], source: Source) -> Option<String> {
        match self {
            Self::Disc(asked) => asked.path(poses),
            // A search that was interrupted may go on for a robot that has moved a little.
            Self::Footprint(driven) => driven.path(poses, source == Source::Previous || driven.is_tight),
        }
    }

    /// What is wrong with the reason why there is no path.
    fn refusal(&self, error: PlanError) -> Option<String> {
        match self {
            Self::Disc(asked) => asked.refusal(error),
            Self::Footprint(driven) => driven.refusal(error, || {
                let planner = &driven.config.planner;
                let radius = planner.minimum_turning_radius / driven.map.resolution();
                Motions::new(driven.polygon, planner.motion_model, radius, planner.allow_reverse)
            }),
        }
    }
}

/// The outcome of a plan with a path, by where it comes from.
const fn path_name(source: Source) -> &'static str {
    match source {
        Source::Model => "path: model",
        Source::Previous => "path: previous",
        Source::Fallback => "path: fallback",
        Source::Lattice => "path: lattice",
        Source::None => "path: none",
    }
}
