//! Transitions: one at a time, each with the node's hook in between.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, TryLockError};

use crate::lifecycle::graph::{Ending, State, Transition, out_of};
use crate::lock::lock;

/// What the node does in a transition. An error says why it couldn't.
pub type Hook = Box<dyn FnMut() -> Result<(), String> + Send>;

/// What the node does in each of them.
///
/// An error of `configure` is a failure: the node stays unconfigured. An error of `activate`, `deactivate`, `cleanup` or
/// `shutdown`, or a panic in any of them, leads to `error`. If that succeeds the node is unconfigured, else finalized.
pub struct Hooks {
    /// To inactive.
    pub configure: Hook,
    /// To active.
    pub activate: Hook,
    /// Back to inactive.
    pub deactivate: Hook,
    /// Back to unconfigured.
    pub cleanup: Hook,
    /// To finalized, from wherever the node is.
    pub shutdown: Hook,
    /// To unconfigured, from wherever the node is.
    pub error: Hook,
}

/// Which transition is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// By its number.
    Id(u8),
    /// By its label.
    Label(&'a str),
}

impl<'a> Wanted<'a> {
    /// As in rclcpp and rclpy: a label counts whatever the number is.
    #[must_use]
    pub const fn new(id: u8, label: &'a str) -> Self {
        if label.is_empty() { Self::Id(id) } else { Self::Label(label) }
    }

    fn among_those_of(self, state: State) -> Option<&'static Transition> {
        out_of(state).find(|transition| match self {
            Self::Id(id) => transition.id == id,
            Self::Label(label) => transition.label == label,
        })
    }
}

/// Why a transition wasn't made, or not to where it was meant to lead.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoChange {
    /// There is no such transition out of this state.
    #[error("there is no transition {wanted} out of the state {}; there is {}", .state.label(), possible(*.state))]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// The node's state.
        state: State,
    },
    /// A hook has failed.
    #[error("{label} failed, the node is {}: {reason}", .state.label())]
    Failed {
        /// The transition.
        label: &'static str,
        /// Why.
        reason: String,
        /// The node's state now.
        state: State,
    },
    /// Another transition isn't over yet.
    #[error("another transition isn't over yet")]
    Busy,
}

/// What may be asked for in a state, in words.
fn possible(state: State) -> String {
    let all: Vec<_> = out_of(state).map(|transition| format!("{} ({})", transition.label, transition.id)).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

/// Hears of each step from a state to the next.
pub type Listener = Box<dyn FnMut(State, State) + Send>;

/// The life of a node.
pub struct Machine {
    state: Mutex<State>,
    /// Held during a whole transition, while the state can still be read.
    work: Mutex<Work>,
}

struct Work {
    hooks: Hooks,
    listener: Listener,
}

impl Machine {
    /// An unconfigured node.
    #[must_use]
    pub const fn new(hooks: Hooks, listener: Listener) -> Self {
        Self { state: Mutex::new(State::Unconfigured), work: Mutex::new(Work { hooks, listener }) }
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> State {
        *lock(&self.state)
    }

    /// Makes a transition, after the one that is being made.
    ///
    /// # Errors
    /// Why it hasn't succeeded.
    pub fn change(&self, wanted: Wanted<'_>) -> Result<(), NoChange> {
        self.make(wanted, lock(&self.work))
    }

    /// Makes a transition, unless another one is being made.
    ///
    /// # Errors
    /// Why it hasn't succeeded.
    pub fn change_now(&self, wanted: Wanted<'_>) -> Result<(), NoChange> {
        match self.work.try_lock() {
            Ok(work) => self.make(wanted, work),
            Err(TryLockError::Poisoned(work)) => self.make(wanted, work.into_inner()),
            Err(TryLockError::WouldBlock) => Err(NoChange::Busy),
        }
    }

    fn make(&self, wanted: Wanted<'_>, mut work: MutexGuard<'_, Work>) -> Result<(), NoChange> {
        let state = self.state();
        let Some(transition) = wanted.among_those_of(state) else {
            let wanted = match wanted {
                Wanted::Id(id) => id.to_string(),
                Wanted::Label(label) => format!("\"{}\"", crate::text::cut(label)),
            };
            return Err(NoChange::Unknown { wanted, state });
        };
        self.enter(transition.goal, &mut work);
        let reason = self.work_through(transition.goal, &mut work);
        if self.state() == State::ErrorProcessing {
            // Why this one fails is of no use to whoever asked for the first.
            self.work_through(State::ErrorProcessing, &mut work);
        }
        reason.map_or(Ok(()), |reason| Err(NoChange::Failed { label: transition.label, reason, state: self.state() }))
    }

    /// Calls the hook of a state in between, and leaves that state as it ends. Returns why it hasn't succeeded.
    fn work_through(&self, state: State, work: &mut Work) -> Option<String> {
        let Hooks { configure, activate, deactivate, cleanup, shutdown, error } = &mut work.hooks;
        let (hook, refusal) = match state {
            State::Configuring => (configure, Ending::Failure),
            State::Activating => (activate, Ending::Error),
            State::Deactivating => (deactivate, Ending::Error),
            State::CleaningUp => (cleanup, Ending::Error),
            State::ShuttingDown => (shutdown, Ending::Error),
            _ => (error, Ending::Failure),
        };
        let (ending, reason) = match catch_unwind(AssertUnwindSafe(hook)) {
            Ok(Ok(())) => (Ending::Success, None),
            Ok(Err(reason)) => (refusal, Some(reason)),
            Err(panic) => (Ending::Error, Some(words(panic.as_ref()))),
        };
        if let Some(next) = Wanted::Label(ending.label()).among_those_of(state) {
            self.enter(next.goal, work);
        }
        reason
    }

    fn enter(&self, state: State, work: &mut Work) {
        let before = std::mem::replace(&mut *lock(&self.state), state);
        (work.listener)(before, state);
    }
}

/// What a panic says.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    format!("it panicked: {}", text.unwrap_or("no reason given"))
}

#[cfg(test)]
mod tests;
