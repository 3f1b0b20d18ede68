//! The node as ROS 2 manages it: its states, the services that change them, the events that tell of it, and the bond by
//! which Nav2's lifecycle manager knows that it lives. What a state means for planning is in [`hooks`].

mod bond;
mod hooks;
mod messages;
mod services;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use r2r::Publisher;
use r2r::lifecycle_msgs::msg::TransitionEvent;
use tokio::runtime::Handle;
use trm_flow::commands::Commands;
use trm_flow::lifecycle::graph::State;
use trm_flow::lifecycle::machine::{Listener, Machine, NoChange, Wanted};
use trm_flow::log::Level;
use trm_flow::shared::Shared;
use trm_planner::halt::deadline::Clock;

use crate::io::ends::{End, Ends};
use crate::lifecycle::bond::Bonds;

/// The names of its threads.
pub const THREADS: [&str; 2] = [services::THREAD, bond::THREAD];

/// The publisher of `~/transition_event`. Made long before the first event, so that listeners are connected by then.
///
/// # Errors
/// When ROS refuses it.
pub fn events(node: &mut r2r::Node, end: &End) -> r2r::Result<Publisher<TransitionEvent>> {
    node.create_publisher(end.topic, end.qos.clone())
}

/// The node's life.
pub struct Life {
    machine: Arc<Machine>,
    bonds: Option<Arc<Bonds>>,
    shared: Arc<Shared>,
}

impl Life {
    /// An unconfigured node. Starts to answer.
    ///
    /// # Errors
    /// When ROS refuses an end of a topic or a service, or the system a thread.
    pub fn begin(
        node: &mut r2r::Node,
        runtime: &Handle,
        ends: &Ends,
        bond_heartbeat_period: f64,
        shared: &Arc<Shared>,
        commands: &Commands,
        events: Publisher<TransitionEvent>,
    ) -> anyhow::Result<Self> {
        let bonds = ends.bond.as_ref().map(|ends| Bonds::new(node, ends, bond_heartbeat_period, shared)).transpose()?;
        let bonds = bonds.map(Arc::new);
        let hooks = hooks::new(shared, commands, bonds.as_ref());
        let machine = Arc::new(Machine::new(hooks, listener(shared, events)));
        services::serve(node, runtime, &machine, shared)?;
        Ok(Self { machine, bonds, shared: Arc::clone(shared) })
    }

    /// Makes the node active, as somebody who manages it would.
    pub fn autostart(&self) {
        for label in ["configure", "activate"] {
            if let Err(refused) = self.machine.change(Wanted::Label(label)) {
                self.shared.log.error(&format!("autostart: {refused}"));
                return;
            }
        }
    }

    /// Ends it as Nav2's nodes do when they shut down: deactivated and cleaned up as far as it goes, and the bond's sister
    /// is told.
    pub fn end(&self) {
        for label in ["deactivate", "cleanup"] {
            if let Err(refused @ NoChange::Failed { .. }) = self.machine.change_now(Wanted::Label(label)) {
                self.shared.log.error(&refused.to_string());
            }
        }
        if let Some(bonds) = &self.bonds {
            bonds.die();
        }
    }

    /// Whether no sister need be waited for.
    pub fn is_over(&self) -> bool {
        self.bonds.as_ref().is_none_or(|bonds| bonds.is_over())
    }
}

/// Publishes and logs each step.
fn listener(shared: &Arc<Shared>, events: Publisher<TransitionEvent>) -> Listener {
    let shared = Arc::clone(shared);
    Box::new(move |from, to| {
        let now = shared.clock.now();
        if let Err(error) = events.publish(&messages::event(from, to)) {
            shared.log.limited("transition_event", Level::Warn, &format!("~/transition_event: {error}"), now);
        }
        if to.id() <= State::Finalized.id() {
            shared.lifecycle.store(to.id(), Ordering::Relaxed);
            shared.log.limited(to.label(), Level::Info, &format!("the node is {}", to.label()), now);
        }
    })
}
