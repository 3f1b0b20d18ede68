//! The world thread: owns the grid as it came in, computes the costs, and sends whole grids and changed rectangles to
//! the threads that plan on copies of their own. What takes long is done here: new costs, new planners, and freeing
//! what the planner thread has replaced.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use r2r::map_msgs::msg::OccupancyGridUpdate;
use r2r::nav_msgs::msg::OccupancyGrid;
use trm_config::{Config, Needs};
use trm_grid::costmap::{Costmap, GridChange};
use trm_grid::costmap_builder::CostmapBuilder;
use trm_grid::error::GridError;
use trm_net::bundle::Bundle;
use trm_planner::Planner;
use trm_planner::halt::deadline::Clock;
use trm_rt::ring;

use crate::io::convert;
use crate::messages::{GuidanceEvent, PlannerEvent, WorldEvent};
use crate::shared::Shared;
use crate::threads::garbage::GarbageReceiver;
use crate::threads::guidance::settings;

/// How often the planner thread's garbage is freed while no event comes.
const FREE_PERIOD: Duration = Duration::from_millis(100);

/// The world thread's state.
pub struct WorldThread {
    shared: Arc<Shared>,
    config: Box<Config>,
    bundle: Bundle,
    builder: CostmapBuilder,
    planner: ring::Sender<PlannerEvent>,
    guidance: Sender<GuidanceEvent>,
    garbage: GarbageReceiver,
}

impl WorldThread {
    /// The thread before any grid has come.
    pub fn new(
        shared: Arc<Shared>,
        config: Config,
        bundle: Bundle,
        (planner, guidance): (ring::Sender<PlannerEvent>, Sender<GuidanceEvent>),
        garbage: GarbageReceiver,
    ) -> Self {
        let builder = CostmapBuilder::new(&config.grid, config.node.grid_source);
        Self { shared, config: Box::new(config), bundle, builder, planner, guidance, garbage }
    }

    /// Runs until [`WorldEvent::Stop`].
    pub fn run(mut self, inbox: &Receiver<WorldEvent>) {
        loop {
            let first = match inbox.recv_timeout(FREE_PERIOD) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            self.garbage.free_all();
            let mut events: Vec<_> = first.into_iter().chain(inbox.try_iter()).collect();
            self.skip_superseded(&mut events);
            for event in events {
                match event {
                    WorldEvent::Grid { message, arrived } => self.replace(*message, arrived),
                    WorldEvent::Update { message, arrived } => self.update(&message, arrived),
                    WorldEvent::Config(config) => self.configure(config),
                    WorldEvent::Stop => return,
                }
            }
        }
    }

    /// Drops all grids and updates before the newest whole grid.
    fn skip_superseded(&self, events: &mut Vec<WorldEvent>) {
        let Some(newest) = events.iter().rposition(|event| matches!(event, WorldEvent::Grid { .. })) else { return };
        let before = events.len();
        let mut position = 0;
        events.retain(|event| {
            position += 1;
            position > newest || !matches!(event, WorldEvent::Grid { .. } | WorldEvent::Update { .. })
        });
        self.shared.health().grid.lose((before - events.len()) as u64);
    }

    fn replace(&mut self, message: OccupancyGrid, arrived: Duration) {
        let grid = match convert::grid(message, &self.config.node.map_frame) {
            Ok(grid) => grid,
            Err(error) => return self.refuse(&error),
        };
        self.shared.health().grid.good(self.shared.clock.now());
        let is_resized = self.builder.costmap().is_none_or(|old| old.geometry() != grid.geometry());
        let costmap = self.builder.replace(grid).clone();
        if is_resized {
            let geometry = costmap.geometry();
            self.shared.log.info(&format!(
                "grid of {} x {} cells of {} m",
                geometry.width(),
                geometry.height(),
                geometry.resolution()
            ));
        }
        self.send_whole(costmap, arrived);
    }

    fn update(&mut self, message: &OccupancyGridUpdate, arrived: Duration) {
        let patch = convert::update_rect(message, &self.config.node.map_frame)
            .and_then(|rect| self.builder.update(rect, &message.data));
        match patch {
            Ok(patch) => {
                self.shared.health().grid.good(self.shared.clock.now());
                self.send_change(GridChange::Patch(Box::new(patch)), arrived);
            }
            Err(error) => self.refuse(&error),
        }
    }

    fn send_whole(&mut self, costmap: Costmap, arrived: Duration) {
        self.send_change(GridChange::Whole(Box::new(costmap)), arrived);
    }

    /// Sends a change of the costs to all that keep a copy of them.
    fn send_change(&mut self, change: GridChange, arrived: Duration) {
        self.send_to_guidance(GuidanceEvent::Grid(change.clone()));
        self.send_to_planner(PlannerEvent::Grid { change, arrived });
    }

    fn send_to_guidance(&self, event: GuidanceEvent) {
        // Fails only while the node is stopping.
        let _ = self.guidance.send(event);
    }

    /// Sends an event, once there is room for it. The planner thread takes events while there is room for its garbage.
    fn send_to_planner(&mut self, event: PlannerEvent) {
        self.garbage.free_all();
        // Fails only while the node is stopping.
        let _ = self.planner.send(event);
    }

    fn refuse(&self, error: &GridError) {
        let text = error.to_string();
        if self.shared.health().grid.refuse(&text, self.shared.clock.now()) {
            self.shared.log.warn(&text);
        }
    }

    fn configure(&mut self, config: Box<Config>) {
        let old = std::mem::replace(&mut self.config, config);
        if old.differs(&self.config, Needs::Planner) {
            match Planner::new(&self.config.grid, &self.config.planner, &self.bundle, &self.shared.clock) {
                Ok(planner) => self.send_to_planner(PlannerEvent::Planner(Box::new(planner))),
                Err(error) => {
                    let text = format!("the planner stays as it was: {error}");
                    self.shared.health().parameters.refuse(&text, self.shared.clock.now());
                    self.shared.log.error(&text);
                }
            }
        }
        self.send_to_planner(PlannerEvent::Config(self.config.clone()));
        let settings = (settings(&old), settings(&self.config));
        if settings.0 != settings.1 {
            self.send_to_guidance(GuidanceEvent::Settings(settings.1));
        }
        if old.differs(&self.config, Needs::Costs)
            && let Some(costmap) = self.builder.configure(&self.config.grid).cloned()
        {
            self.send_whole(costmap, self.shared.clock.now());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::thread;

    use crossbeam_channel::unbounded;

    use super::*;
    use crate::shared;
    use crate::threads::garbage;

    const PATIENCE: Duration = Duration::from_secs(50);

    /// A running world thread, and what it sends.
    struct Bench {
        world: Sender<WorldEvent>,
        planner: ring::Receiver<PlannerEvent>,
        guidance: Receiver<GuidanceEvent>,
        garbage: garbage::GarbageSender,
        thread: thread::JoinHandle<()>,
    }

    fn bench() -> Bench {
        let config = Config::default();
        let bundle = Bundle::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/bundles/nav_d32")).unwrap();
        let (shared, _) = shared::for_tests(&config.node);
        let (to_planner, planner) = ring::channel(8);
        let (to_guidance, guidance) = unbounded();
        let (garbage, garbage_inbox) = garbage::channel(8);
        let outlets = (to_planner.shared(), to_guidance);
        let thread = WorldThread::new(Arc::new(shared), config, bundle, outlets, garbage_inbox);
        let (world, inbox) = unbounded();
        let thread = thread::spawn(move || thread.run(&inbox));
        Bench { world, planner, guidance, garbage, thread }
    }

    impl Bench {
        fn configure(&self, change: impl FnOnce(&mut Config)) {
            self.world.send(WorldEvent::Config(Box::new(Config::with(change)))).unwrap();
        }

        fn planner(&mut self) -> PlannerEvent {
            self.planner.take_within(PATIENCE).expect("an event for the planner thread")
        }

        fn guidance(&self) -> GuidanceEvent {
            self.guidance.recv_timeout(PATIENCE).expect("an event for the guidance thread")
        }

        fn stop(self) {
            self.world.send(WorldEvent::Stop).unwrap();
            self.thread.join().unwrap();
        }
    }

    #[test]
    fn a_grid_and_what_parameters_change_in_it_goes_to_planner_and_guidance() {
        let mut bench = bench();
        let mut message = OccupancyGrid::default();
        message.header.frame_id = "map".to_owned();
        (message.info.width, message.info.height, message.info.resolution) = (8, 4, 0.1);
        message.info.origin.orientation.w = 1.0;
        message.data = vec![0; 32];
        let arrived = Duration::from_secs(3);
        bench.world.send(WorldEvent::Grid { message: Box::new(message), arrived }).unwrap();
        let is_whole = |change: &GridChange| matches!(change, GridChange::Whole(_));
        assert!(matches!(bench.guidance(), GuidanceEvent::Grid(change) if is_whole(&change)));
        assert!(
            matches!(bench.planner(), PlannerEvent::Grid { change, arrived: a } if is_whole(&change) && a == arrived)
        );

        bench.configure(|config| config.grid.robot_radius = 0.3);
        assert!(matches!(bench.planner(), PlannerEvent::Config(config) if config.grid.robot_radius > 0.25));
        assert!(matches!(bench.planner(), PlannerEvent::Grid { change, .. } if is_whole(&change)));
        assert!(matches!(bench.guidance(), GuidanceEvent::Grid(change) if is_whole(&change)));

        bench.configure(|config| (config.grid.robot_radius, config.planner.tolerance) = (0.3, 0.1));
        assert!(matches!(bench.planner(), PlannerEvent::Planner(_)));
        assert!(matches!(bench.planner(), PlannerEvent::Config(_)));
        assert!(matches!(bench.guidance(), GuidanceEvent::Settings(settings) if settings.tolerance < 0.2));

        bench.configure(|config| {
            (config.grid.robot_radius, config.planner.tolerance) = (0.3, 0.1);
            config.node.planner_frequency = 5.0;
        });
        assert!(matches!(bench.planner(), PlannerEvent::Config(_)));
        let rest = bench.guidance.clone();
        bench.stop();
        assert!(rest.is_empty(), "a new frequency doesn't concern guidance");
    }

    #[test]
    fn garbage_is_freed_while_nothing_else_happens() {
        let mut bench = bench();
        for _ in 0..3 {
            assert!(garbage::tests::fill(&mut bench.garbage) > 0);
            while !bench.garbage.has_room() {
                thread::yield_now();
            }
        }
        bench.stop();
    }
}
