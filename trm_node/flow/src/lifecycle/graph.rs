//! States and transitions of a managed node, with the numbers and labels of `lifecycle_msgs`.

/// A state. Between two of the first five the node is in one of the others, while it does what the transition asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// Never reached; `rcl_lifecycle` lists it, too.
    Unknown = 0,
    /// Nothing is planned, and goals are refused.
    Unconfigured = 1,
    /// Nothing is planned; a goal waits.
    Inactive = 2,
    /// Plans are made.
    Active = 3,
    /// As unconfigured, for good.
    Finalized = 4,
    /// From unconfigured to inactive.
    Configuring = 10,
    /// From inactive to unconfigured.
    CleaningUp = 11,
    /// To finalized.
    ShuttingDown = 12,
    /// From inactive to active.
    Activating = 13,
    /// From active to inactive.
    Deactivating = 14,
    /// What was asked for has gone wrong.
    ErrorProcessing = 15,
}

impl State {
    /// All of them, in `rcl_lifecycle`'s order.
    pub const ALL: [Self; 11] = [
        Self::Unknown,
        Self::Unconfigured,
        Self::Inactive,
        Self::Active,
        Self::Finalized,
        Self::Configuring,
        Self::CleaningUp,
        Self::ShuttingDown,
        Self::Activating,
        Self::Deactivating,
        Self::ErrorProcessing,
    ];

    /// Its number in messages.
    #[must_use]
    pub const fn id(self) -> u8 {
        self as u8
    }

    /// Its name in messages.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Unconfigured => "unconfigured",
            Self::Inactive => "inactive",
            Self::Active => "active",
            Self::Finalized => "finalized",
            Self::Configuring => "configuring",
            Self::CleaningUp => "cleaningup",
            Self::ShuttingDown => "shuttingdown",
            Self::Activating => "activating",
            Self::Deactivating => "deactivating",
            Self::ErrorProcessing => "errorprocessing",
        }
    }
}

/// How what a transition asks for has ended. Each is a transition itself, out of the state in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Well.
    Success,
    /// It couldn't be done, and the node is as before.
    Failure,
    /// Nobody knows how the node is.
    Error,
}

impl Ending {
    /// The label of its transitions.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Success => "transition_success",
            Self::Failure => "transition_failure",
            Self::Error => "transition_error",
        }
    }
}

/// A transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// Its number in messages.
    pub id: u8,
    /// Its name in messages.
    pub label: &'static str,
    /// The state that it leaves.
    pub start: State,
    /// The state that it leads to.
    pub goal: State,
}

/// What may be asked for, and the three endings of each state in between, in `rcl_lifecycle`'s order.
pub const TRANSITIONS: [Transition; 25] = {
    use State::{
        Activating, Active, CleaningUp, Configuring, Deactivating, ErrorProcessing, Finalized, Inactive, ShuttingDown,
        Unconfigured,
    };
    const fn asked(id: u8, label: &'static str, start: State, goal: State) -> Transition {
        Transition { id, label, start, goal }
    }
    const fn ended(id: u8, ending: Ending, start: State, goal: State) -> Transition {
        Transition { id, label: ending.label(), start, goal }
    }
    [
        asked(1, "configure", Unconfigured, Configuring),
        ended(10, Ending::Success, Configuring, Inactive),
        ended(11, Ending::Failure, Configuring, Unconfigured),
        ended(12, Ending::Error, Configuring, ErrorProcessing),
        asked(2, "cleanup", Inactive, CleaningUp),
        ended(20, Ending::Success, CleaningUp, Unconfigured),
        ended(21, Ending::Failure, CleaningUp, Inactive),
        ended(22, Ending::Error, CleaningUp, ErrorProcessing),
        asked(3, "activate", Inactive, Activating),
        ended(30, Ending::Success, Activating, Active),
        ended(31, Ending::Failure, Activating, Inactive),
        ended(32, Ending::Error, Activating, ErrorProcessing),
        asked(4, "deactivate", Active, Deactivating),
        ended(40, Ending::Success, Deactivating, Inactive),
        ended(41, Ending::Failure, Deactivating, Active),
        ended(42, Ending::Error, Deactivating, ErrorProcessing),
        asked(5, "shutdown", Unconfigured, ShuttingDown),
        asked(6, "shutdown", Inactive, ShuttingDown),
        asked(7, "shutdown", Active, ShuttingDown),
        ended(50, Ending::Success, ShuttingDown, Finalized),
        ended(51, Ending::Failure, ShuttingDown, Finalized),
        ended(52, Ending::Error, ShuttingDown, ErrorProcessing),
        ended(60, Ending::Success, ErrorProcessing, Unconfigured),
        ended(61, Ending::Failure, ErrorProcessing, Finalized),
        ended(62, Ending::Error, ErrorProcessing, Finalized),
    ]
};

/// The transitions out of a state.
pub fn out_of(state: State) -> impl Iterator<Item = &'static Transition> {
    TRANSITIONS.iter().filter(move |transition| transition.start == state)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_transition_is_known_by_its_number_and_out_of_its_state_by_its_label() {
        let ids: HashSet<_> = TRANSITIONS.iter().map(|transition| transition.id).collect();
        assert_eq!(ids.len(), TRANSITIONS.len());
        for state in State::ALL {
            let labels: Vec<_> = out_of(state).map(|transition| transition.label).collect();
            assert_eq!(labels.iter().collect::<HashSet<_>>().len(), labels.len(), "{}", state.label());
        }
    }

    #[test]
    fn a_state_in_between_has_three_endings_and_the_last_state_no_way_out() {
        for state in State::ALL.into_iter().filter(|state| state.id() >= 10) {
            for ending in [Ending::Success, Ending::Failure, Ending::Error] {
                assert_eq!(out_of(state).filter(|transition| transition.label == ending.label()).count(), 1);
            }
        }
        assert_eq!(out_of(State::Finalized).count() + out_of(State::Unknown).count(), 0);
    }
}
