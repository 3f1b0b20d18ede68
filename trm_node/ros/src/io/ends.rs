//! The node's ends of topics: their names, and the quality of service of each.
//!
//! A subscription that asks for less hears more publishers, and loses more of what they send. What each asks for:
//! - The grid, reliable: a lost one isn't repeated. Transient local, as map servers and costmaps publish, unless
//!   `map_subscribe_transient_local` is false.
//! - Its updates, reliable and all of them: a lost one makes the grid wrong.
//! - Goals, reliable: each is sent once. `RViz` and Nav2 publish them so.
//! - Footprints as Nav2's costmaps ask for them: reliable.
//! - Transforms as `tf2` asks for them: reliable. What sends them otherwise is heard by no other node either.
//! - Events of the lifecycle and bonds as `rcl_lifecycle` and bondcpp have them: reliable.
//! - Odometry, best effort, as Nav2's nodes get it with Fast DDS: the next one makes up for one that is lost.
//!
//! What doesn't fit is told with the names of the nodes ([`crate::io::matches`]), and `qos_overrides` parameters change
//! what is asked for ([`crate::io::qos_overrides`]).

use r2r::QosProfile;
use trm_config::{GridKind, NodeConfig, StartSource};

/// As in `tf2`: all of a robot's publishers send at once.
const TF_DEPTH: usize = 100;
/// Entries of the record that wait for who hears them late.
const LOG_DEPTH: usize = 1000;

/// Which end of a topic it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Publisher,
    Subscription,
}

impl Kind {
    /// As it is called in parameters and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::Subscription => "subscription",
        }
    }
}

/// The node's end of a topic.
#[derive(Debug, Clone)]
pub struct End {
    pub kind: Kind,
    /// The name by which the node asks for it.
    pub topic: &'static str,
    /// Its full name, in the node's namespace and remapped.
    pub full: String,
    pub qos: QosProfile,
    /// Whether what comes is only right when one publisher sends it.
    pub wants_one: bool,
}

/// All of them.
#[derive(Debug, Clone)]
pub struct Ends {
    pub grid: End,
    pub updates: End,
    pub goal: End,
    pub footprint: End,
    pub tf: End,
    pub tf_static: End,
    /// If the robot's pose comes from there.
    pub odom: Option<End>,
    pub plan: End,
    pub status: End,
    pub state: End,
    pub diagnostics: End,
    pub parameter_events: End,
    pub transition_event: End,
    /// If the answers of the model are shown.
    pub steps: Option<End>,
    /// If plans are recorded.
    pub plan_log: Option<End>,
    /// If there are bonds.
    pub bond: Option<BondEnds>,
}

/// Both ends of the topic of bonds: each side says that it lives, and hears the other.
#[derive(Debug, Clone)]
pub struct BondEnds {
    pub publisher: End,
    pub subscription: End,
}

impl Ends {
    /// Those of a node with these parameters, where `full` gives the full name of a topic.
    ///
    /// # Errors
    /// Those of `full`.
    pub fn new(config: &NodeConfig, full: impl Fn(&'static str) -> r2r::Result<String>) -> r2r::Result<Self> {
        let end = |kind, topic, qos, wants_one| Ok(End { kind, topic, full: full(topic)?, qos, wants_one });
        let heard = |topic, qos| end(Kind::Subscription, topic, qos, false);
        let heard_of_one = |topic, qos| end(Kind::Subscription, topic, qos, true);
        let sent = |topic, qos| end(Kind::Publisher, topic, qos, false);
        let last = |depth| QosProfile::default().keep_last(depth).reliable().volatile();
        let all = QosProfile::default().keep_all().reliable().volatile();
        let latched = if config.map_subscribe_transient_local { last(1).transient_local() } else { last(1) };
        let (grid, updates) = match config.grid_source {
            GridKind::Map => ("map", "map_updates"),
            GridKind::Costmap => ("costmap", "costmap_updates"),
        };
        // As in bondcpp.
        let bond = (config.bond_heartbeat_period > 0.0).then(|| {
            r2r::Result::Ok(BondEnds { publisher: sent("bond", last(5))?, subscription: heard("bond", last(100))? })
        });
        let steps = config.publish_steps.then(|| sent("~/steps", last(1)));
        // Who begins to record while the node starts hears the first entries, too.
        let plan_log = config.record_plans.then(|| sent("~/plan_log", last(LOG_DEPTH).transient_local()));
        let odom = config.start_source == StartSource::Odom;
        Ok(Self {
            grid: heard_of_one(grid, latched)?,
            // Every update counts: the middleware keeps all of them until they are taken.
            updates: heard_of_one(updates, all.clone())?,
            goal: heard("goal_pose", last(1))?,
            footprint: heard("footprint", last(1))?,
            tf: heard("/tf", last(TF_DEPTH))?,
            // Each static publisher sends once: none of them may be missed, however many there are.
            tf_static: heard("/tf_static", all.transient_local())?,
            odom: odom.then(|| heard_of_one("odom", last(1).best_effort())).transpose()?,
            plan: sent("plan", last(10))?,
            status: sent("~/status", last(10))?,
            // Whoever comes later hears it, too.
            state: sent("~/state", last(1).transient_local())?,
            diagnostics: sent("/diagnostics", last(10))?,
            parameter_events: sent("/parameter_events", last(1000))?,
            transition_event: sent("~/transition_event", last(10))?,
            steps: steps.transpose()?,
            plan_log: plan_log.transpose()?,
            bond: bond.transpose()?,
        })
    }

    /// All of them, one after the other.
    pub fn iter(&self) -> impl Iterator<Item = &End> {
        let fixed = [&self.grid, &self.updates, &self.goal, &self.footprint, &self.tf, &self.tf_static];
        let sent = [&self.plan, &self.status, &self.state, &self.diagnostics, &self.parameter_events];
        let bond = self.bond.iter().flat_map(|bond| [&bond.publisher, &bond.subscription]);
        let optional = self.steps.iter().chain(&self.plan_log);
        fixed.into_iter().chain(&self.odom).chain(sent).chain([&self.transition_event]).chain(optional).chain(bond)
    }

    /// All of them, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut End> {
        let fixed = [&mut self.grid, &mut self.updates, &mut self.goal];
        let placed = [&mut self.footprint, &mut self.tf, &mut self.tf_static];
        let sent = [&mut self.plan, &mut self.status, &mut self.state, &mut self.diagnostics];
        let told = [&mut self.parameter_events, &mut self.transition_event];
        let bond = self.bond.iter_mut().flat_map(|bond| [&mut bond.publisher, &mut bond.subscription]);
        let optional = self.steps.iter_mut().chain(&mut self.plan_log);
        fixed.into_iter().chain(placed).chain(&mut self.odom).chain(sent).chain(told).chain(optional).chain(bond)
    }
}

/// The ends of a node of the name `/r/n`, for tests.
#[cfg(test)]
pub fn for_tests(config: &NodeConfig) -> r2r::Result<Ends> {
    Ends::new(config, |topic| {
        let relative = topic.replace('~', "n");
        Ok(if relative.starts_with('/') { relative } else { format!("/r/{relative}") })
    })
}

#[cfg(test)]
mod tests {
    use r2r::qos::{DurabilityPolicy, ReliabilityPolicy};
    use trm_config::Config;

    use super::*;

    #[test]
    fn the_grid_is_latched_unless_a_parameter_says_otherwise() {
        let mut config = Config::default().node;
        assert_eq!(for_tests(&config).unwrap().grid.qos.durability, DurabilityPolicy::TransientLocal);
        config.map_subscribe_transient_local = false;
        let ends = for_tests(&config).unwrap();
        assert_eq!(ends.grid.qos.durability, DurabilityPolicy::Volatile);
        assert_eq!(ends.tf_static.qos.durability, DurabilityPolicy::TransientLocal);
    }

    #[test]
    fn there_is_an_end_for_each_topic_that_the_parameters_ask_for() {
        let mut config = Config::default().node;
        let names =
            |config: &NodeConfig| for_tests(config).unwrap().iter().map(|end| end.full.clone()).collect::<Vec<_>>();
        let shared = ["/r/goal_pose", "/r/footprint", "/tf", "/tf_static"];
        let sent = [
            "/r/plan",
            "/r/n/status",
            "/r/n/state",
            "/diagnostics",
            "/parameter_events",
            "/r/n/transition_event",
            "/r/bond",
            "/r/bond",
        ];
        assert_eq!(names(&config), [&["/r/map", "/r/map_updates"][..], &shared, &sent].concat());
        config.grid_source = GridKind::Costmap;
        config.start_source = StartSource::Odom;
        assert_eq!(names(&config), [&["/r/costmap", "/r/costmap_updates"][..], &shared, &["/r/odom"], &sent].concat());
        config.bond_heartbeat_period = 0.0;
        assert!(!names(&config).contains(&"/r/bond".to_owned()));
        config.bond_heartbeat_period = 1.0;
        (config.publish_steps, config.record_plans) = (true, true);
        let seen = ["/r/n/transition_event", "/r/n/steps", "/r/n/plan_log", "/r/bond", "/r/bond"];
        assert!(names(&config).ends_with(&seen.map(str::to_owned)), "{:?}", names(&config));
        let mut ends = for_tests(&config).unwrap();
        assert_eq!(ends.odom.as_ref().unwrap().qos.reliability, ReliabilityPolicy::BestEffort);
        assert_eq!(ends.iter().count(), ends.iter_mut().count());
    }
}
