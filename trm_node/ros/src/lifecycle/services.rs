//! The services of a managed node.

use std::sync::Arc;
use std::thread;

use r2r::QosProfile;
use r2r::lifecycle_msgs::srv::{ChangeState, GetAvailableStates, GetAvailableTransitions, GetState};
use tokio::runtime::Handle;
use trm_flow::lifecycle::graph::{State, TRANSITIONS, out_of};
use trm_flow::lifecycle::machine::{Machine, Wanted};
use trm_flow::log::Level;
use trm_flow::shared::Shared;
use trm_planner::halt::deadline::Clock;

use crate::io::services::answer;
use crate::lifecycle::messages;

/// The name of the thread that makes transitions.
pub const THREAD: &str = "lifecycle";

/// Creates the services and starts to answer: transitions in a thread of their own, because a hook may take long, and
/// meanwhile the state can be asked for.
///
/// # Errors
/// When ROS refuses a service, or the system the thread.
pub fn serve(
    node: &mut r2r::Node,
    runtime: &Handle,
    machine: &Arc<Machine>,
    shared: &Arc<Shared>,
) -> anyhow::Result<()> {
    let qos = || QosProfile::services_default().keep_all();
    let get = node.create_service::<GetState::Service>("~/get_state", qos())?;
    let asked = Arc::clone(machine);
    runtime.spawn(answer(get, move |_| GetState::Response { current_state: messages::state(asked.state()) }));
    let states = node.create_service::<GetAvailableStates::Service>("~/get_available_states", qos())?;
    runtime.spawn(answer(states, |_| GetAvailableStates::Response {
        available_states: State::ALL.map(messages::state).to_vec(),
    }));
    let available = node.create_service::<GetAvailableTransitions::Service>("~/get_available_transitions", qos())?;
    let asked = Arc::clone(machine);
    runtime.spawn(answer(available, move |_| GetAvailableTransitions::Response {
        available_transitions: out_of(asked.state()).map(messages::description).collect(),
    }));
    let graph = node.create_service::<GetAvailableTransitions::Service>("~/get_transition_graph", qos())?;
    runtime.spawn(answer(graph, |_| GetAvailableTransitions::Response {
        available_transitions: TRANSITIONS.iter().map(messages::description).collect(),
    }));
    let change = node.create_service::<ChangeState::Service>("~/change_state", qos())?;
    let (machine, shared, handle) = (Arc::clone(machine), Arc::clone(shared), runtime.clone());
    let changes = answer(change, move |request| change_state(&machine, &shared, request));
    thread::Builder::new().name(THREAD.to_owned()).spawn(move || handle.block_on(changes))?;
    Ok(())
}

fn change_state(machine: &Machine, shared: &Shared, request: &ChangeState::Request) -> ChangeState::Response {
    let wanted = Wanted::new(request.transition.id, &request.transition.label);
    let result = machine.change(wanted);
    if let Err(refused) = &result {
        shared.log.limited("change_state", Level::Warn, &format!("change_state: {refused}"), shared.clock.now());
    }
    ChangeState::Response { success: result.is_ok() }
}
