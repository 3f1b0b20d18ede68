//! States and transitions as messages.

use r2r::lifecycle_msgs::msg;
use trm_flow::lifecycle::graph::{State, Transition};

pub fn state(state: State) -> msg::State {
    msg::State { id: state.id(), label: state.label().to_owned() }
}

pub fn description(transition: &Transition) -> msg::TransitionDescription {
    msg::TransitionDescription {
        transition: msg::Transition { id: transition.id, label: transition.label.to_owned() },
        start_state: state(transition.start),
        goal_state: state(transition.goal),
    }
}

/// The event of a step. As in `rcl_lifecycle`, stamp and transition stay empty.
pub fn event(from: State, to: State) -> msg::TransitionEvent {
    msg::TransitionEvent { start_state: state(from), goal_state: state(to), ..Default::default() }
}
