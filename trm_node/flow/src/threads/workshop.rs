//! The workshop: makes what takes long with other parameters, costs and planners, beside everything else. Of the orders
//! for planners that come meanwhile only the newest counts.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use trm_config::Config;
use trm_grid::costmap_builder::CostmapBuilder;
use trm_net::error::LoadError;
use trm_planner::Planner;
use trm_rt::ring;

use crate::heartbeats::{HEARTBEAT, Part};
use crate::lock::lock;
use crate::map::inbox::Inbox;
use crate::messages::PlannerEvent;
use crate::planners::Planners;
use crate::shared::{PARAMETERS, Shared};

/// What is ordered.
#[derive(Default)]
pub struct Orders {
    next: Mutex<Next>,
    wake_up: Condvar,
}

#[derive(Default)]
struct Next {
    costs: Option<Box<CostmapBuilder>>,
    planners: Option<Box<Config>>,
    stop: bool,
}

/// Something to be made.
enum Order {
    Costs(Box<CostmapBuilder>),
    Planners(Box<Config>),
}

impl Next {
    const fn is_empty(&self) -> bool {
        self.costs.is_none() && self.planners.is_none()
    }

    /// The next order: costs first, paths depend on them.
    fn take(&mut self) -> Option<Order> {
        self.costs.take().map(Order::Costs).or_else(|| self.planners.take().map(Order::Planners))
    }
}

impl Orders {
    /// Orders the costs that are due of a builder. They come back through the [inbox](Inbox::put_rebuilt).
    pub fn costs(&self, builder: Box<CostmapBuilder>) {
        lock(&self.next).costs = Some(builder);
        self.wake_up.notify_one();
    }

    /// Orders planners with these parameters, instead of any that were ordered and aren't begun.
    pub fn planners(&self, config: Box<Config>) {
        lock(&self.next).planners = Some(config);
        self.wake_up.notify_one();
    }

    /// Ends the workshop.
    pub fn stop(&self) {
        lock(&self.next).stop = true;
        self.wake_up.notify_one();
    }

    fn must_stop(&self) -> bool {
        lock(&self.next).stop
    }

    /// Whether anything is ordered.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !lock(&self.next).is_empty()
    }

    /// The next order; `None` when there is none within `patience`. The error says that it is time to stop.
    fn take(&self, patience: Duration) -> Result<Option<Order>, ()> {
        let next = lock(&self.next);
        let is_idle = |next: &mut Next| next.is_empty() && !next.stop;
        let waited = self.wake_up.wait_timeout_while(next, patience, is_idle);
        let (mut next, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if next.stop { Err(()) } else { Ok(next.take()) }
    }
}

/// The workshop's state.
pub struct Workshop<M> {
    /// What is ordered.
    pub orders: Arc<Orders>,
    /// The node's.
    pub shared: Arc<Shared>,
    /// Makes a planner of the parameters that are its own.
    pub make: M,
    /// Where planners go.
    pub planner: ring::Sender<PlannerEvent>,
    /// Where costs go.
    pub inbox: Arc<Inbox>,
}

impl<M: FnMut(&Config) -> Result<Planner, LoadError>> Workshop<M> {
    /// Runs until [`Orders::stop`].
    pub fn run(mut self) {
        while self.step(HEARTBEAT) {}
    }

    /// Makes what is ordered next, or is within `patience`. `false` when it is time to stop.
    pub fn step(&mut self, patience: Duration) -> bool {
        let Ok(order) = self.orders.take(patience) else { return false };
        self.shared.beat(Part::Workshop);
        match order {
            Some(Order::Costs(builder)) => self.make_costs(builder),
            Some(Order::Planners(config)) => self.make_planners(&config),
            None => {}
        }
        true
    }

    fn make_costs(&self, mut builder: Box<CostmapBuilder>) {
        let go_on = &mut || {
            self.shared.beat(Part::Workshop);
            !self.orders.must_stop()
        };
        if builder.refresh(go_on).is_ok() {
            self.inbox.put_rebuilt(builder);
        }
    }

    fn make_planners(&mut self, config: &Config) {
        match Planners::make(config, &mut self.make) {
            Ok(planners) => {
                self.shared.set_planners(&planners);
                // Fails only while the node is stopping.
                drop(self.planner.send(PlannerEvent::Planners(Box::new(planners))));
            }
            Err(error) => self.shared.refuse(PARAMETERS, &format!("the planners stay as they were: {error}")),
        }
    }
}
