//! The goals of one action and what became of them, by the rules of ROS 2's actions: "Actions" at design.ros2.org,
//! and for requests to cancel what `rcl_action_process_cancel_request` does.

use std::time::Duration;

/// A goal's identifier.
pub type Id = [u8; 16];
/// Who has sent it.
pub type Client = [u8; 16];

/// The states of `action_msgs/msg/GoalStatus` that a goal takes here. Planning begins as soon as it is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i8)]
pub enum Status {
    Executing = 2,
    Canceling = 3,
    Succeeded = 4,
    Canceled = 5,
    Aborted = 6,
}

impl Status {
    const fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Canceled | Self::Aborted)
    }
}

/// What `action_msgs/srv/CancelGoal` returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i8)]
pub enum CancelCode {
    None = 0,
    UnknownGoal = 2,
    Terminated = 3,
}

struct Goal<R, W> {
    id: Id,
    client: Client,
    /// When it was accepted, in ROS time.
    stamp: Duration,
    status: Status,
    result: Option<R>,
    /// Who has asked for the result before there was one.
    waiting: Vec<W>,
    /// When it ended, by the node's clock.
    ended: Option<Duration>,
}

/// All goals that are still known: `R` are results, `W` who waits for them.
pub struct Book<R, W>(Vec<Goal<R, W>>);

/// What becomes of someone who asks for a result.
pub enum Asked<R, W> {
    /// There is no such goal.
    Unknown(W),
    /// It has ended.
    Ended(W, Status, R),
    /// The answer comes when it ends.
    Waits,
}

impl<R: Clone, W> Book<R, W> {
    /// No goal yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether no goal is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a goal of this identifier is known.
    pub fn knows(&self, id: Id) -> bool {
        self.0.iter().any(|goal| goal.id == id)
    }

    /// Takes in a goal that nobody knows yet.
    pub fn accept(&mut self, id: Id, client: Client, stamp: Duration) {
        self.0.push(Goal {
            id,
            client,
            stamp,
            status: Status::Executing,
            result: None,
            waiting: Vec::new(),
            ended: None,
        });
    }

    /// The goals of a client that haven't ended.
    pub fn unanswered(&self, client: Client) -> Vec<Id> {
        self.0.iter().filter(|goal| goal.client == client && !goal.status.has_ended()).map(|goal| goal.id).collect()
    }

    /// Marks the goals that a request asks to cancel. Returns them with their stamps.
    pub fn cancel(&mut self, id: Id, stamp: Duration) -> (CancelCode, Vec<(Id, Duration)>) {
        let is_one = id != Id::default();
        if is_one && stamp.is_zero() {
            return match self.0.iter_mut().find(|goal| goal.id == id) {
                None => (CancelCode::UnknownGoal, Vec::new()),
                Some(goal) if goal.status != Status::Executing => (CancelCode::Terminated, Vec::new()),
                Some(goal) => {
                    goal.status = Status::Canceling;
                    (CancelCode::None, vec![(goal.id, goal.stamp)])
                }
            };
        }
        let is_meant = |goal: &&mut Goal<R, W>| {
            goal.status == Status::Executing && (stamp.is_zero() || goal.stamp <= stamp || (is_one && goal.id == id))
        };
        let cancelled = self.0.iter_mut().filter(is_meant).map(|goal| {
            goal.status = Status::Canceling;
            (goal.id, goal.stamp)
        });
        (CancelCode::None, cancelled.collect())
    }

    /// Whether someone has asked to cancel a goal.
    pub fn is_canceling(&self, id: Id) -> bool {
        self.0.iter().any(|goal| goal.id == id && goal.status == Status::Canceling)
    }

    /// A goal has ended. Returns who waits for its result.
    pub fn end(&mut self, id: Id, status: Status, result: R, now: Duration) -> Vec<W> {
        let Some(goal) = self.0.iter_mut().find(|goal| goal.id == id) else { return Vec::new() };
        (goal.status, goal.result, goal.ended) = (status, Some(result), Some(now));
        std::mem::take(&mut goal.waiting)
    }

    /// Someone asks for the result of a goal.
    pub fn ask(&mut self, id: Id, who: W) -> Asked<R, W> {
        let Some(goal) = self.0.iter_mut().find(|goal| goal.id == id) else { return Asked::Unknown(who) };
        if let Some(result) = &goal.result {
            return Asked::Ended(who, goal.status, result.clone());
        }
        goal.waiting.push(who);
        Asked::Waits
    }

    /// Forgets goals that ended before this time. Whether there were any.
    pub fn forget(&mut self, before: Duration) -> bool {
        let known = self.0.len();
        self.0.retain(|goal| goal.ended.is_none_or(|ended| ended >= before));
        self.0.len() < known
    }

    /// Each goal with its stamp and state.
    pub fn states(&self) -> impl Iterator<Item = (Id, Duration, Status)> {
        self.0.iter().map(|goal| (goal.id, goal.stamp, goal.status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    fn id(number: u8) -> Id {
        [number; 16]
    }

    fn book() -> Book<&'static str, u8> {
        let mut book = Book::new();
        (1..=3).for_each(|number| book.accept(id(number), [number % 2; 16], S(u64::from(number))));
        book
    }

    fn ids(cancelled: &[(Id, Duration)]) -> Vec<u8> {
        cancelled.iter().map(|(id, _)| id[0]).collect()
    }

    #[test]
    fn a_request_cancels_one_goal_or_all_or_those_up_to_a_time() {
        let none = id(0);
        for (goal, stamp, expected) in [
            (id(2), 0, vec![2]),
            (none, 0, vec![1, 2, 3]),
            (none, 2, vec![1, 2]),
            (id(3), 1, vec![1, 3]),
            (none, 100, vec![1, 2, 3]),
        ] {
            let mut book = book();
            let (code, cancelled) = book.cancel(goal, S(stamp));
            assert_eq!((code, ids(&cancelled)), (CancelCode::None, expected));
            assert!(cancelled.iter().all(|(id, _)| book.is_canceling(*id)));
        }
        let mut book = book();
        assert_eq!(book.cancel(id(9), S(0)), (CancelCode::UnknownGoal, vec![]));
        book.end(id(1), Status::Succeeded, "path", S(50));
        assert_eq!(book.cancel(id(1), S(0)), (CancelCode::Terminated, vec![]));
        assert_eq!(ids(&book.cancel(none, S(0)).1), [2, 3]);
    }

    #[test]
    fn a_result_is_told_to_who_waits_and_to_who_asks_later_until_it_is_forgotten() {
        let mut book = book();
        assert!(matches!(book.ask(id(1), 7), Asked::Waits));
        assert!(matches!(book.ask(id(9), 8), Asked::Unknown(8)));
        assert_eq!(book.end(id(1), Status::Aborted, "none", S(50)), [7]);
        assert!(matches!(book.ask(id(1), 9), Asked::Ended(9, Status::Aborted, "none")));
        assert!(!book.forget(S(50)) && book.forget(S(51)) && !book.knows(id(1)));
        assert!(book.knows(id(2)), "it hasn't ended");
        assert!(matches!(book.ask(id(1), 9), Asked::Unknown(9)));
    }

    #[test]
    fn a_client_s_unanswered_goals_are_its_own() {
        let mut book = book();
        assert_eq!(book.unanswered([1; 16]), [id(1), id(3)]);
        book.cancel(id(1), S(0));
        book.end(id(3), Status::Succeeded, "path", S(50));
        assert_eq!(book.unanswered([1; 16]), [id(1)], "one that is being cancelled isn't answered yet");
        assert_eq!(book.states().map(|(_, _, status)| status as i8).collect::<Vec<_>>(), [3, 2, 4]);
    }
}
