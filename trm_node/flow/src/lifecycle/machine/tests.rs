//! The life of a node whose hooks do as they are told.

use std::sync::{Arc, mpsc};
use std::thread;

use proptest::prelude::*;

use super::*;
use crate::lifecycle::graph::TRANSITIONS;

/// How a hook ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Well,
    Refused,
    Panicked,
}

/// What happens, in order: hooks by name, and steps.
#[derive(Debug, Default)]
struct Story {
    hooks: Vec<&'static str>,
    steps: Vec<(State, State)>,
}

/// A node whose next hooks end so, and well when there are no more.
fn node(ends: &[How]) -> (Machine, Arc<Mutex<Story>>) {
    let story = Arc::<Mutex<Story>>::default();
    let ends = Arc::new(Mutex::new(ends.iter().rev().copied().collect::<Vec<_>>()));
    let hook = |name: &'static str| -> Hook {
        let (story, ends) = (Arc::clone(&story), Arc::clone(&ends));
        Box::new(move || {
            lock(&story).hooks.push(name);
            let end = lock(&ends).pop().unwrap_or(How::Well);
            match end {
                How::Well => Ok(()),
                How::Refused => Err(format!("no {name} today")),
                // Without the panic hook's report in the test's output.
                How::Panicked => std::panic::resume_unwind(Box::new(format!("{name} broke"))),
            }
        })
    };
    let hooks = Hooks {
        configure: hook("configure"),
        activate: hook("activate"),
        deactivate: hook("deactivate"),
        cleanup: hook("cleanup"),
        shutdown: hook("shutdown"),
        error: hook("error"),
    };
    let told = Arc::clone(&story);
    (Machine::new(hooks, Box::new(move |from, to| lock(&told).steps.push((from, to)))), story)
}

fn change(machine: &Machine, label: &str) -> Result<(), NoChange> {
    machine.change(Wanted::Label(label))
}

#[test]
fn a_life_without_mishaps_calls_one_hook_a_transition_and_tells_of_two_steps() {
    let (machine, story) = node(&[]);
    for (id, label, state) in [
        (1, "configure", State::Inactive),
        (3, "activate", State::Active),
        (4, "deactivate", State::Inactive),
        (2, "cleanup", State::Unconfigured),
        (5, "shutdown", State::Finalized),
    ] {
        assert_eq!(machine.change(Wanted::Id(id)), Ok(()));
        assert_eq!(machine.state(), state);
        assert_eq!(lock(&story).hooks.pop(), Some(label));
    }
    assert_eq!(lock(&story).steps.len(), 10);
    assert_eq!(lock(&story).steps[0], (State::Unconfigured, State::Configuring));
    assert_eq!(lock(&story).steps[9], (State::ShuttingDown, State::Finalized));
}

#[test]
fn a_label_counts_whatever_the_number_is() {
    assert_eq!(Wanted::new(0, "shutdown"), Wanted::Label("shutdown"));
    assert_eq!(Wanted::new(1, "shutdown"), Wanted::Label("shutdown"));
    assert_eq!(Wanted::new(1, ""), Wanted::Id(1));
    let (machine, _) = node(&[]);
    change(&machine, "configure").unwrap();
    change(&machine, "activate").unwrap();
    assert_eq!(
        machine.change(Wanted::Id(5)).unwrap_err().to_string(),
        "there is no transition 5 out of the state active; there is deactivate (4), shutdown (7)"
    );
    assert_eq!(change(&machine, "shutdown"), Ok(()));
    assert_eq!(
        change(&machine, "shutdown").unwrap_err().to_string(),
        "there is no transition \"shutdown\" out of the state finalized; there is none"
    );
}

#[test]
fn a_node_that_can_t_be_configured_says_why_and_stays_unconfigured() {
    let (machine, story) = node(&[How::Refused]);
    let refused = change(&machine, "configure").unwrap_err();
    assert_eq!(refused.to_string(), "configure failed, the node is unconfigured: no configure today");
    assert_eq!(lock(&story).hooks, ["configure"]);
    assert_eq!(change(&machine, "configure"), Ok(()), "the next one may succeed");
}

#[test]
fn a_broken_hook_is_followed_by_error_processing_and_the_node_begins_anew() {
    for how in [How::Refused, How::Panicked] {
        let (machine, story) = node(&[How::Well, how]);
        change(&machine, "configure").unwrap();
        let refused = change(&machine, "activate").unwrap_err();
        let reason = if how == How::Refused { "no activate today" } else { "it panicked: activate broke" };
        assert_eq!(refused.to_string(), format!("activate failed, the node is unconfigured: {reason}"));
        assert_eq!(lock(&story).hooks, ["configure", "activate", "error"]);
        let steps = lock(&story).steps.split_off(2);
        assert_eq!(
            steps,
            [
                (State::Inactive, State::Activating),
                (State::Activating, State::ErrorProcessing),
                (State::ErrorProcessing, State::Unconfigured),
            ]
        );
        assert_eq!(change(&machine, "configure"), Ok(()));
    }
}

#[test]
fn a_node_whose_error_processing_fails_is_finalized() {
    for how in [How::Refused, How::Panicked] {
        let (machine, _) = node(&[How::Panicked, how]);
        assert!(change(&machine, "configure").is_err());
        assert_eq!(machine.state(), State::Finalized);
    }
}

#[test]
fn during_a_transition_the_state_can_be_read_and_another_one_waits_or_is_refused() {
    let (entered, is_entered) = mpsc::channel();
    let (leave, may_leave) = mpsc::channel::<()>();
    let nothing = || -> Hook { Box::new(|| Ok(())) };
    let configure: Hook = Box::new(move || {
        entered.send(()).unwrap();
        may_leave.recv().map_err(|error| error.to_string())
    });
    let hooks = Hooks {
        configure,
        activate: nothing(),
        deactivate: nothing(),
        cleanup: nothing(),
        shutdown: nothing(),
        error: nothing(),
    };
    let machine = Machine::new(hooks, Box::new(|_, _| {}));
    thread::scope(|scope| {
        let first = scope.spawn(|| change(&machine, "configure"));
        is_entered.recv().unwrap();
        assert_eq!(machine.state(), State::Configuring);
        assert_eq!(machine.change_now(Wanted::Id(10)), Err(NoChange::Busy));
        let second = scope.spawn(|| change(&machine, "activate"));
        leave.send(()).unwrap();
        assert_eq!((first.join().unwrap(), second.join().unwrap()), (Ok(()), Ok(())));
    });
    assert_eq!(machine.state(), State::Active);
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![3 => Just(How::Well), 1 => Just(How::Refused), 1 => Just(How::Panicked)]
}

proptest! {
    /// The node is never left in between, each step is one of the graph's, and success means that the first ending was.
    #[test]
    fn whatever_is_asked_for_and_however_hooks_end_the_node_walks_the_graph(
        wanted in prop::collection::vec(0_u8..70, 0..60),
        ends in prop::collection::vec(how(), 0..30),
    ) {
        let (machine, story) = node(&ends);
        for id in wanted {
            let before = machine.state();
            lock(&story).steps.clear();
            let result = machine.change(Wanted::Id(id));
            let steps = std::mem::take(&mut lock(&story).steps);
            prop_assert!(machine.state().id() <= State::Finalized.id());
            let mut at = before;
            let mut path = Vec::new();
            for (from, to) in steps {
                prop_assert_eq!(from, at);
                let found: Vec<_> = TRANSITIONS.iter().filter(|t| (t.start, t.goal) == (from, to)).collect();
                prop_assert!(!found.is_empty());
                path.push(found[0].label);
                at = to;
            }
            prop_assert_eq!(at, machine.state());
            let is_possible = out_of(before).any(|transition| transition.id == id);
            prop_assert_eq!(path.is_empty(), !is_possible);
            prop_assert_eq!(result.is_ok(), path.get(1) == Some(&Ending::Success.label()));
        }
    }
}
