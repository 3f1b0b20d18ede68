//! The bond's rules, and that nothing else happens whatever the sister does.

use proptest::prelude::*;

use super::*;

const PERIOD: Duration = Duration::from_millis(100);
const MS: Duration = Duration::from_millis(1);

/// What happens to a bond.
#[derive(Debug, Clone, Copy)]
enum Event {
    Heard(Say),
    Die,
    /// Time passes, with a tick whenever the bond asks for one.
    Pass(Duration),
    /// The process stands still.
    Stand(Duration),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => Just(Event::Heard(Say::Alive)),
        1 => Just(Event::Heard(Say::Dead)),
        1 => Just(Event::Die),
        6 => (0_u64..3000).prop_map(|ms| Event::Pass(Duration::from_millis(ms))),
        1 => (0_u64..20_000).prop_map(|ms| Event::Stand(Duration::from_millis(ms))),
    ]
}

/// A bond and everything that it has said, with the times.
struct Life {
    bond: Bond,
    now: Duration,
    said: Vec<(Duration, Say)>,
    news: Vec<News>,
}

impl Life {
    fn new() -> Self {
        let now = Duration::from_secs(5);
        Self { bond: Bond::new(PERIOD, now), now, said: Vec::new(), news: Vec::new() }
    }

    fn take(&mut self, reaction: Reaction) {
        self.said.extend(reaction.say.map(|say| (self.now, say)));
        self.news.extend(reaction.news);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Heard(said) => {
                let reaction = self.bond.hear(said, self.now);
                self.take(reaction);
            }
            Event::Die => {
                let say = self.bond.die(self.now);
                self.take(Reaction { say, news: None });
            }
            Event::Pass(time) => {
                let end = self.now + time;
                while let Some(next) = self.bond.next().filter(|next| *next <= end) {
                    self.now = self.now.max(next);
                    let reaction = self.bond.tick(self.now);
                    self.take(reaction);
                }
                self.now = end;
            }
            Event::Stand(time) => self.now += time,
        }
    }

    /// What was said since the last call.
    fn words(&mut self) -> Vec<Say> {
        std::mem::take(&mut self.said).into_iter().map(|(_, say)| say).collect()
    }
}

#[test]
fn a_bond_to_which_nobody_comes_ends_after_ten_seconds_without_a_word_of_death() {
    let mut life = Life::new();
    life.happen(Event::Pass(CONNECT_TIMEOUT.saturating_sub(MS)));
    assert_eq!(life.words(), [Say::Alive; 100]);
    assert!(!life.bond.is_over());
    life.happen(Event::Pass(MS));
    assert!(life.bond.is_over());
    life.happen(Event::Heard(Say::Alive));
    life.happen(Event::Heard(Say::Dead));
    life.happen(Event::Pass(CONNECT_TIMEOUT));
    assert_eq!((life.words(), life.news), (vec![], vec![]));
}

#[test]
fn a_dying_end_says_so_until_it_is_answered_or_for_two_seconds() {
    let mut life = Life::new();
    life.happen(Event::Heard(Say::Alive));
    assert_eq!(life.news, [News::Formed]);
    let mut unanswered = Life { bond: life.bond.clone(), now: life.now, said: vec![], news: vec![] };
    life.happen(Event::Die);
    life.happen(Event::Heard(Say::Alive));
    life.happen(Event::Pass(Duration::from_millis(120)));
    assert_eq!(life.words(), [Say::Dead; 3]);
    life.happen(Event::Heard(Say::Dead));
    assert!(life.bond.is_over());
    life.happen(Event::Pass(DISCONNECT_TIMEOUT));
    assert_eq!(life.words(), []);
    unanswered.happen(Event::Die);
    unanswered.happen(Event::Pass(DISCONNECT_TIMEOUT + PERIOD));
    assert!(unanswered.bond.is_over());
    assert_eq!(unanswered.words(), [Say::Dead; 40]);
}

#[test]
fn each_word_of_a_sister_that_died_first_is_answered_once() {
    for connects in [false, true] {
        let mut life = Life::new();
        if connects {
            life.happen(Event::Heard(Say::Alive));
        }
        life.happen(Event::Heard(Say::Dead));
        life.happen(Event::Heard(Say::Dead));
        life.happen(Event::Pass(DISCONNECT_TIMEOUT));
        assert_eq!(life.words(), [Say::Dead; 2]);
        assert_eq!(life.news.last(), Some(&News::SisterDied));
    }
}

#[test]
fn a_silent_sister_is_told_once_and_breaks_no_bond() {
    let mut life = Life::new();
    life.happen(Event::Heard(Say::Alive));
    life.happen(Event::Pass(HEARTBEAT_TIMEOUT * 10));
    assert_eq!(life.words().len(), 401, "this end lives on");
    life.happen(Event::Heard(Say::Alive));
    life.happen(Event::Heard(Say::Alive));
    assert_eq!(life.news, [News::Formed, News::SisterSilent, News::SisterBack]);
}

/// `bond_core`'s BondSM.sm, in its own words; the events are those that can happen here.
fn by_the_book(state: &str, event: &str) -> &'static str {
    match (state, event) {
        ("WaitingForSister" | "Alive", "SisterAlive") => "Alive",
        ("Alive", "Die") | ("AwaitSisterDeath", "SisterAlive" | "Die") => "AwaitSisterDeath",
        ("AwaitSisterDeath", "SisterDead" | "DisconnectTimeout")
        | ("Alive", "SisterDead")
        | ("WaitingForSister" | "Dead", _) => "Dead",
        other => panic!("{other:?}"),
    }
}

fn name(bond: &Bond) -> &'static str {
    match bond.state {
        State::WaitingForSister => "WaitingForSister",
        State::Alive { .. } => "Alive",
        State::AwaitSisterDeath => "AwaitSisterDeath",
        State::Dead { .. } => "Dead",
    }
}

proptest! {
    #[test]
    fn it_walks_the_table_of_bond_core_whatever_happens(events in prop::collection::vec(event(), 0..60)) {
        let mut life = Life::new();
        for event in events {
            let before = name(&life.bond);
            life.happen(event);
            let expected = match event {
                Event::Heard(Say::Alive) => vec![by_the_book(before, "SisterAlive")],
                Event::Heard(Say::Dead) => vec![by_the_book(before, "SisterDead")],
                Event::Die => vec![by_the_book(before, "Die")],
                Event::Pass(_) if before == "WaitingForSister" => vec![before, by_the_book(before, "ConnectTimeout")],
                Event::Pass(_) if before == "AwaitSisterDeath" => vec![before, by_the_book(before, "DisconnectTimeout")],
                Event::Pass(_) | Event::Stand(_) => vec![before],
            };
            prop_assert!(expected.contains(&name(&life.bond)), "{before} {event:?} {}", name(&life.bond));
        }
    }

    #[test]
    fn after_a_word_of_death_none_of_life_comes_and_a_dead_end_is_quiet(
        events in prop::collection::vec(event(), 0..60)
    ) {
        let mut life = Life::new();
        for event in events {
            let was_over = life.bond.is_over();
            let count = life.said.len();
            life.happen(event);
            let answers = usize::from(matches!(event, Event::Heard(Say::Dead)));
            prop_assert!(!was_over || (life.bond.is_over() && life.said.len() <= count + answers));
        }
        let words: Vec<_> = life.said.iter().map(|(_, say)| *say).collect();
        let first_of_death = words.iter().position(|say| *say == Say::Dead).unwrap_or(words.len());
        prop_assert!(words[first_of_death..].iter().all(|say| *say == Say::Dead));
    }

    #[test]
    fn while_it_lives_it_says_so_every_period_and_never_in_a_burst(events in prop::collection::vec(event(), 0..60)) {
        let mut life = Life::new();
        let mut stood = Duration::ZERO;
        for event in events {
            life.happen(event);
            match event {
                Event::Stand(time) => stood += time,
                Event::Pass(time) if time >= PERIOD => stood = Duration::ZERO,
                _ => {}
            }
            let lives = matches!(life.bond.state, State::WaitingForSister | State::Alive { .. });
            let last = life.said.last().map_or(Duration::from_secs(5), |(at, _)| *at);
            prop_assert!(!lives || life.now <= last + PERIOD + stood);
        }
        let alive: Vec<_> = life.said.iter().filter(|(_, say)| *say == Say::Alive).map(|(at, _)| *at).collect();
        for pair in alive.windows(3) {
            prop_assert!(pair[2] >= pair[0] + PERIOD, "three words within a period");
        }
    }
}
