//! Who else is on the node's topics. Named are the nodes whose ends don't fit this node's, so that nothing is heard, and
//! those that share a topic which only one should publish. The main thread looks, and logs what is new; the diagnostics
//! show what stands.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use r2r::qos::{DurabilityPolicy, ReliabilityPolicy};
use r2r::{Node, QosProfile, TopicEndpointInfo};
use trm_flow::lock::lock;
use trm_flow::log::{Log, SAME_AGAIN};
use trm_flow::text::cut;

use crate::io::ends::{End, Ends, Kind};
use crate::io::qos_overrides::{self, Policy};

/// So many lines are logged, and so many problems shown, at a time.
const AT_ONCE: usize = 8;

/// What was found last.
#[derive(Debug, Default)]
pub struct Report {
    /// The first of the problems.
    pub problems: Vec<String>,
    /// How many more there are.
    pub more: usize,
    /// For each end of this node its profile, and how many it is connected with.
    pub ends: Vec<(String, String)>,
}

/// Looks at the graph.
pub struct Matches {
    node: String,
    ends: Ends,
    report: Arc<Mutex<Report>>,
    /// How often each problem was found, and when last.
    found: HashMap<String, (u32, Duration)>,
}

/// Another node's end of a topic, or this node's own.
struct Found {
    node: String,
    qos: QosProfile,
}

impl From<TopicEndpointInfo> for Found {
    fn from(info: TopicEndpointInfo) -> Self {
        let namespace = info.node_namespace.trim_end_matches('/');
        Self { node: format!("{namespace}/{}", info.node_name), qos: info.qos_profile }
    }
}

impl Matches {
    /// Watches these ends of a node of this full name.
    pub fn new(node: String, ends: Ends) -> Self {
        Self { node, ends, report: Arc::default(), found: HashMap::new() }
    }

    /// What is found, for the diagnostics.
    pub fn report(&self) -> Arc<Mutex<Report>> {
        Arc::clone(&self.report)
    }

    /// Looks, and logs what is new at this time.
    pub fn look(&mut self, node: &Node, log: &Log, now: Duration) {
        let mut report = Report::default();
        for end in self.ends.iter() {
            let publishers = node.get_publishers_info_by_topic(&end.full, false);
            let subscriptions = node.get_subscriptions_info_by_topic(&end.full);
            let (Ok(publishers), Ok(subscriptions)) = (publishers, subscriptions) else { continue };
            let (own, others) = match end.kind {
                Kind::Publisher => (publishers, subscriptions),
                Kind::Subscription => (subscriptions, publishers),
            };
            // The middleware knows the profile that it has made of the one that was asked for.
            let own = own.into_iter().map(Found::from).find(|own| own.node == self.node);
            if let Some(own) = own {
                report.take(end, &own.qos, others.into_iter().map(Found::from));
            }
        }
        self.tell(&report, log, now);
        *lock(&self.report) = report;
    }

    /// Logs what is found for the second time: the name of a node comes a little later than its ends.
    fn tell(&mut self, report: &Report, log: &Log, now: Duration) {
        for problem in &report.problems {
            let (times, last) = self.found.entry(problem.clone()).or_default();
            (*times, *last) = (times.saturating_add(1), now);
            if *times == 2 {
                log.warn(problem);
            }
        }
        self.found.retain(|_, (_, last)| now < *last + SAME_AGAIN);
    }
}

impl Report {
    /// Takes in what is on a topic.
    fn take(&mut self, end: &End, own: &QosProfile, others: impl Iterator<Item = Found>) {
        let mut connected = Vec::new();
        for other in others {
            let fits = match end.kind {
                Kind::Publisher => r2r::is_compatible(own, &other.qos),
                Kind::Subscription => r2r::is_compatible(&other.qos, own),
            };
            if fits {
                connected.push(other.node);
            } else {
                self.add(misfit(end, own, &other));
            }
        }
        if end.wants_one && connected.len() > 1 {
            self.add(several(&end.full, &mut connected));
        }
        let name = format!("{} {}", end.full, end.kind.name());
        self.ends.push((name, format!("{}; {} connected", profile(own), connected.len())));
    }

    fn add(&mut self, problem: String) {
        if self.problems.len() < AT_ONCE {
            self.problems.push(problem);
        } else {
            self.more += 1;
        }
    }

    /// The problems in one line; `None` without any.
    pub fn text(&self) -> Option<String> {
        let more = if self.more == 0 { String::new() } else { format!("; and {} more", self.more) };
        (!self.problems.is_empty()).then(|| self.problems.join("; ") + &more)
    }
}

fn profile(qos: &QosProfile) -> String {
    format!("{}, {}", qos_overrides::reliability(&qos.reliability), qos_overrides::durability(&qos.durability))
}

/// Says that another node's end doesn't fit, and why.
fn misfit(end: &End, own: &QosProfile, other: &Found) -> String {
    let (theirs, sent, asked) = match end.kind {
        Kind::Publisher => (Kind::Subscription, own, &other.qos),
        Kind::Subscription => (Kind::Publisher, &other.qos, own),
    };
    let mut policies = Vec::new();
    if sent.reliability == ReliabilityPolicy::BestEffort && asked.reliability == ReliabilityPolicy::Reliable {
        policies.push(Policy::Reliability);
    }
    if sent.durability == DurabilityPolicy::Volatile && asked.durability == DurabilityPolicy::TransientLocal {
        policies.push(Policy::Durability);
    }
    let names: Vec<_> = policies.iter().map(|policy| policy.name()).collect();
    let why = if names.is_empty() { "deadline or liveliness".to_owned() } else { names.join(" and ") };
    let change = policies.first().map(|policy| qos_overrides::parameter(end, *policy));
    format!(
        "topic {}: the {} of {} ({}) doesn't fit this node's {} ({}), nothing passes between them: {why}{}",
        end.full,
        theirs.name(),
        cut(&other.node),
        profile(&other.qos),
        end.kind.name(),
        profile(own),
        change.map_or_else(String::new, |parameter| format!("; {parameter} sets this node's")),
    )
}

/// Says that a topic has too many publishers.
fn several(topic: &str, nodes: &mut [String]) -> String {
    nodes.sort_unstable();
    let names: Vec<_> = nodes.iter().take(AT_ONCE).map(|node| cut(node)).collect();
    let more = nodes.len() - names.len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("topic {topic} has {} publishers, which all count: {}{more}", nodes.len(), names.join(", "))
}

#[cfg(test)]
mod tests {
    use trm_config::Config;

    use super::*;
    use crate::io::ends::for_tests;

    fn of(node: &str, qos: QosProfile) -> Found {
        Found { node: node.to_owned(), qos }
    }

    #[test]
    fn a_misfit_names_the_node_both_profiles_the_policy_and_the_parameter() {
        let ends = for_tests(&Config::default().node).unwrap();
        let other = of("/map_server", QosProfile::default().reliable().volatile());
        let said = "topic /r/map: the publisher of /map_server (reliable, volatile) doesn't fit this node's \
                    subscription (reliable, transient_local), nothing passes between them: durability; \
                    qos_overrides./r/map.subscription.durability sets this node's";
        assert_eq!(misfit(&ends.grid, &ends.grid.qos, &other), said);
        let other = of("/a", QosProfile::default().best_effort().volatile());
        let text = misfit(&ends.grid, &ends.grid.qos, &other);
        assert!(text.contains(": reliability and durability; qos_overrides./r/map.subscription.reliability"), "{text}");
        let other = of("/rviz", QosProfile::default().reliable().transient_local());
        let text = misfit(&ends.plan, &ends.plan.qos, &other);
        assert!(text.contains("the subscription of /rviz (reliable, transient_local)"), "{text}");
        assert!(text.contains("this node's publisher (reliable, volatile)"), "{text}");
        assert!(text.ends_with("qos_overrides./r/plan.publisher.durability sets this node's"), "{text}");
    }

    #[test]
    fn several_publishers_are_named_and_a_crowd_of_them_is_counted() {
        let mut nodes = vec!["/slam".to_owned(), "/map_server".to_owned()];
        assert_eq!(several("/map", &mut nodes), "topic /map has 2 publishers, which all count: /map_server, /slam");
        let mut crowd: Vec<_> = (0..20).map(|i| format!("/n{i:02}")).collect();
        assert!(several("/map", &mut crowd).ends_with("/n06, /n07 and 12 more"));
        let mut report = Report::default();
        assert_eq!(report.text(), None);
        for i in 0..=AT_ONCE {
            report.add(i.to_string());
        }
        assert_eq!(report.text().as_deref(), Some("0; 1; 2; 3; 4; 5; 6; 7; and 1 more"));
    }

    #[test]
    fn a_problem_that_stands_is_logged_once() {
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let written = Arc::clone(&lines);
        let log = Log::new(move |_, text| lock(&written).push(text.to_owned()));
        let mut matches = Matches::new("/n".to_owned(), for_tests(&Config::default().node).unwrap());
        let found = |text: &str| Report { problems: vec![text.to_owned()], ..Report::default() };
        let s = Duration::from_secs;
        for (at, text) in [(0, "a"), (1, "a"), (2, "b"), (3, "a"), (20, "b"), (40, "b"), (60, "a"), (61, "a")] {
            matches.tell(&found(text), &log, s(at));
        }
        assert_eq!(*lock(&lines), ["a", "b", "a"], "after it was gone for long it is told again");
    }
}
