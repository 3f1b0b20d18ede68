//! What the node does in each transition. Unconfigured it takes no goals; inactive it takes them and makes no plans;
//! active it plans. Grids, poses and parameters are taken in all states, so that the first plan after an activation is
//! made at once, and activation waits for nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use trm_flow::commands::Commands;
use trm_flow::lifecycle::machine::{Hook, Hooks};
use trm_flow::shared::Shared;

use crate::lifecycle::bond::Bonds;

/// What the hooks act on.
#[derive(Clone)]
struct Node {
    shared: Arc<Shared>,
    commands: Commands,
    bonds: Option<Arc<Bonds>>,
}

/// The node's hooks.
pub fn new(shared: &Arc<Shared>, commands: &Commands, bonds: Option<&Arc<Bonds>>) -> Hooks {
    let node = Node { shared: Arc::clone(shared), commands: commands.clone(), bonds: bonds.cloned() };
    let hook = |act: fn(&Node) -> Result<(), String>| -> Hook {
        let node = node.clone();
        Box::new(move || act(&node))
    };
    Hooks {
        configure: hook(|node| {
            // A device that was lost may be there again.
            if node.shared.backend_lost.swap(false, Ordering::Relaxed) {
                node.shared.planners_wanted.store(true, Ordering::Relaxed);
            }
            node.shared.goals.open();
            Ok(())
        }),
        activate: hook(Node::activate),
        deactivate: hook(|node| {
            node.deactivate();
            Ok(())
        }),
        cleanup: hook(|node| {
            node.forget();
            Ok(())
        }),
        shutdown: hook(|node| {
            node.start_over();
            Ok(())
        }),
        error: hook(|node| {
            node.start_over();
            Ok(())
        }),
    }
}

impl Node {
    fn activate(&self) -> Result<(), String> {
        // Before the planner thread plans: the publisher thread lets its plans through.
        self.shared.active.store(true, Ordering::Relaxed);
        if !self.commands.set_active(true) {
            return Err("the planner thread has ended".to_owned());
        }
        if let Some(bonds) = &self.bonds {
            bonds.begin();
        }
        Ok(())
    }

    fn deactivate(&self) {
        self.shared.active.store(false, Ordering::Relaxed);
        // A planner thread that has ended makes no plans either.
        let _ = self.commands.set_active(false);
        if let Some(bonds) = &self.bonds {
            bonds.die();
        }
    }

    fn forget(&self) {
        self.shared.goals.close(|| {
            self.commands.forget();
            *self.shared.goal() = None;
        });
    }

    /// From whatever state.
    fn start_over(&self) {
        self.deactivate();
        self.forget();
    }
}
