//! A bond: two processes tell each other that they live, and when they are about to die.
//!
//! The rules are those of `bond_core` (BondSM.sm and bondcpp), with the names that are used there:
//! the other end is the sister. A silent sister breaks no bond, as in Nav2's nodes, which set
//! `bond_disable_heartbeat_timeout`: a manager that was killed or stopped is no reason to stop the robot. It is told, though.
//!
//! No message goes out from here: who owns the bond says what it returns. Times are readings of the node's clock.

use std::time::Duration;

/// A bond to which no sister has come ends after this time.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A sister that is heard less often than this is silent.
pub const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(4);
/// A dying end waits so long for the sister's answer.
pub const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A dying end says so this often.
pub const DEAD_PUBLISH_PERIOD: Duration = Duration::from_millis(50);

/// What this end has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Say {
    /// It lives.
    Alive,
    /// It is dying, or has died.
    Dead,
}

/// What has become of the bond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// A sister has come.
    Formed,
    /// The sister has ended the bond.
    SisterDied,
    /// The sister hasn't been heard for longer than [`HEARTBEAT_TIMEOUT`].
    SisterSilent,
    /// A sister that was silent is heard again.
    SisterBack,
}

/// What follows from an event.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Reaction {
    /// To be published now.
    pub say: Option<Say>,
    /// To be told.
    pub news: Option<News>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    WaitingForSister,
    Alive {
        heard: Duration,
        is_silent: bool,
    },
    AwaitSisterDeath,
    /// Each message of a sister that died first is answered.
    Dead {
        sister_died_first: bool,
    },
}

/// This end of a bond.
#[derive(Debug, Clone)]
pub struct Bond {
    state: State,
    period: Duration,
    /// When it began to wait for what it waits for.
    since: Duration,
    /// When it has something to say.
    due: Duration,
}

impl Bond {
    /// A bond that begins now, with a message every `period`.
    #[must_use]
    pub const fn new(period: Duration, now: Duration) -> Self {
        Self { state: State::WaitingForSister, period, since: now, due: now }
    }

    /// Whether it is over, or hasn't begun: nothing is waited for.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::Dead { .. })
    }

    /// When [`Self::tick`] has something to do; `None` when it never has.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        match self.state {
            State::WaitingForSister => Some(self.due.min(self.since + CONNECT_TIMEOUT)),
            State::Alive { heard, is_silent: false } => Some(self.due.min(heard + HEARTBEAT_TIMEOUT)),
            State::Alive { is_silent: true, .. } => Some(self.due),
            State::AwaitSisterDeath => Some(self.due.min(self.since + DISCONNECT_TIMEOUT)),
            State::Dead { .. } => None,
        }
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Duration) -> Reaction {
        let mut reaction = Reaction::default();
        match &mut self.state {
            State::WaitingForSister if now >= self.since + CONNECT_TIMEOUT => self.end(false),
            State::AwaitSisterDeath if now >= self.since + DISCONNECT_TIMEOUT => self.end(false),
            State::Alive { heard, is_silent } if !*is_silent && now >= *heard + HEARTBEAT_TIMEOUT => {
                *is_silent = true;
                reaction.news = Some(News::SisterSilent);
            }
            _ => {}
        }
        reaction.say = self.say(now);
        reaction
    }

    /// What is due to be said.
    fn say(&mut self, now: Duration) -> Option<Say> {
        let (say, period) = match self.state {
            State::WaitingForSister | State::Alive { .. } => (Say::Alive, self.period),
            State::AwaitSisterDeath => (Say::Dead, DEAD_PUBLISH_PERIOD),
            State::Dead { .. } => return None,
        };
        if now < self.due {
            return None;
        }
        // What was missed while the process stood still isn't made up for.
        let next = self.due + period;
        self.due = if next > now { next } else { now + period };
        Some(say)
    }

    /// The sister has said this.
    pub fn hear(&mut self, said: Say, now: Duration) -> Reaction {
        let mut reaction = Reaction::default();
        match (&mut self.state, said) {
            (State::WaitingForSister, Say::Alive) => {
                self.state = State::Alive { heard: now, is_silent: false };
                reaction.news = Some(News::Formed);
            }
            (State::Alive { heard, is_silent }, Say::Alive) => {
                *heard = now;
                reaction.news = std::mem::take(is_silent).then_some(News::SisterBack);
            }
            (State::WaitingForSister | State::Alive { .. }, Say::Dead) => {
                self.end(true);
                reaction = Reaction { say: Some(Say::Dead), news: Some(News::SisterDied) };
            }
            (State::AwaitSisterDeath, Say::Dead) => self.end(false),
            (State::Dead { sister_died_first: true }, Say::Dead) => reaction.say = Some(Say::Dead),
            (State::AwaitSisterDeath, Say::Alive) | (State::Dead { .. }, _) => {}
        }
        reaction
    }

    /// This end wants to die: what it says at once.
    pub fn die(&mut self, now: Duration) -> Option<Say> {
        match self.state {
            State::WaitingForSister => self.end(false),
            State::Alive { .. } => {
                self.state = State::AwaitSisterDeath;
                (self.since, self.due) = (now, now + DEAD_PUBLISH_PERIOD);
            }
            State::AwaitSisterDeath | State::Dead { .. } => return None,
        }
        Some(Say::Dead)
    }

    const fn end(&mut self, sister_died_first: bool) {
        self.state = State::Dead { sister_died_first };
    }
}

#[cfg(test)]
mod tests;
