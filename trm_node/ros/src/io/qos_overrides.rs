//! The parameters `qos_overrides.<topic>.<publisher or subscription>.<policy>`, which every end of a topic has. The rules
//! are rclcpp's (its `declare_qos_parameters`): topics by their full names, values by the middleware's names, read when the
//! node starts.

use std::fmt::{self, Display, Formatter};

use r2r::QosProfile;
use r2r::qos::{DurabilityPolicy, HistoryPolicy, ReliabilityPolicy};
use trm_config::{ParameterError, Range, Value};

use crate::io::ends::{End, Ends};

/// Their names begin so.
pub const PREFIX: &str = "qos_overrides.";

const RELIABILITIES: [(&str, ReliabilityPolicy); 4] = [
    ("reliable", ReliabilityPolicy::Reliable),
    ("best_effort", ReliabilityPolicy::BestEffort),
    ("system_default", ReliabilityPolicy::SystemDefault),
    ("best_available", ReliabilityPolicy::BestAvailable),
];
const DURABILITIES: [(&str, DurabilityPolicy); 4] = [
    ("volatile", DurabilityPolicy::Volatile),
    ("transient_local", DurabilityPolicy::TransientLocal),
    ("system_default", DurabilityPolicy::SystemDefault),
    ("best_available", DurabilityPolicy::BestAvailable),
];
const HISTORIES: [(&str, HistoryPolicy); 3] = [
    ("keep_last", HistoryPolicy::KeepLast),
    ("keep_all", HistoryPolicy::KeepAll),
    ("system_default", HistoryPolicy::SystemDefault),
];
/// The middleware takes 32 bits with a sign; 0 is its default.
const DEPTHS: Range = Range::Whole(0, i32::MAX as i64);

/// What a parameter accepts.
pub enum Accepts {
    Range(Range),
    /// The names, in words.
    OneOf(String),
}

impl Display for Accepts {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(range) => range.fmt(f),
            Self::OneOf(names) => names.fmt(f),
        }
    }
}

/// A policy that can be overridden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    Reliability,
    Durability,
    History,
    Depth,
}

impl Policy {
    const ALL: [Self; 4] = [Self::Reliability, Self::Durability, Self::History, Self::Depth];

    /// As it is called in parameters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reliability => "reliability",
            Self::Durability => "durability",
            Self::History => "history",
            Self::Depth => "depth",
        }
    }

    fn get(self, qos: &QosProfile) -> Value {
        match self {
            Self::Reliability => text(reliability(&qos.reliability)),
            Self::Durability => text(durability(&qos.durability)),
            Self::History => text(name_in(&HISTORIES, &qos.history)),
            Self::Depth => Value::Integer(qos.depth as i64),
        }
    }

    /// Sets it. `None` for a value that it can't have.
    fn set(self, qos: &mut QosProfile, value: &Value) -> Option<()> {
        match self {
            Self::Reliability => qos.reliability = policy_in(&RELIABILITIES, value)?,
            Self::Durability => qos.durability = policy_in(&DURABILITIES, value)?,
            Self::History => qos.history = policy_in(&HISTORIES, value)?,
            Self::Depth => {
                let Value::Integer(depth) = value else { return None };
                qos.depth = i32::try_from(*depth).ok().and_then(|depth| usize::try_from(depth).ok())?;
            }
        }
        Some(())
    }

    /// What it may be.
    fn accepts(self) -> Accepts {
        match self {
            Self::Reliability => one_of(&RELIABILITIES),
            Self::Durability => one_of(&DURABILITIES),
            Self::History => one_of(&HISTORIES),
            Self::Depth => Accepts::Range(DEPTHS),
        }
    }
}

/// The name of a reliability.
pub fn reliability(policy: &ReliabilityPolicy) -> &'static str {
    name_in(&RELIABILITIES, policy)
}

/// The name of a durability.
pub fn durability(policy: &DurabilityPolicy) -> &'static str {
    name_in(&DURABILITIES, policy)
}

fn name_in<P: PartialEq>(names: &[(&'static str, P)], policy: &P) -> &'static str {
    names.iter().find(|(_, other)| other == policy).map_or("unknown", |(name, _)| name)
}

fn policy_in<P: Clone>(names: &[(&'static str, P)], value: &Value) -> Option<P> {
    let found = names.iter().find(|(name, _)| matches!(value, Value::Text(text) if text == name));
    found.map(|(_, policy)| policy.clone())
}

fn one_of<P>(names: &[(&'static str, P)]) -> Accepts {
    Accepts::OneOf(format!("one of {}", names.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")))
}

fn text(name: &str) -> Value {
    Value::Text(name.to_owned())
}

/// The parameter's name.
pub fn parameter(end: &End, policy: Policy) -> String {
    format!("{PREFIX}{}.{}.{}", end.full, end.kind.name(), policy.name())
}

/// What the parameter of this name is, and what it accepts; `None` for a name that isn't one of these parameters.
pub fn describe(name: &str) -> Option<(String, Accepts)> {
    let (end, policy) = name.strip_prefix(PREFIX)?.rsplit_once('.')?;
    let (topic, kind) = end.rsplit_once('.')?;
    let policy = Policy::ALL.into_iter().find(|other| other.name() == policy)?;
    Some((format!("{} of this node's {kind} of {topic}", policy.name()), policy.accepts()))
}

/// Sets what was given for each end, and returns all these parameters with their values.
///
/// # Errors
/// A value isn't one that the policy has.
pub fn apply(ends: &mut Ends, given: impl Fn(&str) -> Option<Value>) -> Result<Vec<(String, Value)>, ParameterError> {
    let mut parameters = Vec::new();
    for end in ends.iter_mut() {
        for policy in Policy::ALL {
            let name = parameter(end, policy);
            if let Some(value) = given(&name) {
                let refused = || ParameterError {
                    name: name.clone(),
                    value: value.to_string(),
                    expected: policy.accepts().to_string(),
                };
                policy.set(&mut end.qos, &value).ok_or_else(refused)?;
            }
            parameters.push((name, policy.get(&end.qos)));
        }
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use trm_config::Config;

    use super::*;
    use crate::io::ends::for_tests;

    fn applied(given: &[(&str, Value)]) -> (Ends, Result<Vec<(String, Value)>, String>) {
        let mut ends = for_tests(&Config::default().node).unwrap();
        let find = |name: &str| given.iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone());
        let result = apply(&mut ends, find).map_err(|error| error.to_string());
        (ends, result)
    }

    #[test]
    fn each_end_has_four_parameters_whose_values_are_those_of_its_profile() {
        let (ends, parameters) = applied(&[]);
        let parameters = parameters.unwrap();
        assert_eq!(parameters.len(), 4 * ends.iter().count());
        let get = |name: &str| parameters.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
        assert_eq!(get("qos_overrides./r/map.subscription.durability"), Some(text("transient_local")));
        assert_eq!(get("qos_overrides./r/map_updates.subscription.history"), Some(text("keep_all")));
        assert_eq!(get("qos_overrides./r/n/status.publisher.depth"), Some(Value::Integer(10)));
        assert_eq!(get("qos_overrides./tf.subscription.reliability"), Some(text("reliable")));
        assert!(parameters.iter().all(|(_, value)| *value != text("unknown")));
    }

    #[test]
    fn what_is_given_counts_for_that_end_alone() {
        let (ends, parameters) = applied(&[
            ("qos_overrides./tf.subscription.reliability", text("best_effort")),
            ("qos_overrides./r/plan.publisher.durability", text("transient_local")),
            ("qos_overrides./r/plan.publisher.history", text("keep_all")),
            ("qos_overrides./r/goal_pose.subscription.depth", Value::Integer(7)),
        ]);
        assert_eq!(ends.tf.qos.reliability, ReliabilityPolicy::BestEffort);
        assert_eq!(ends.tf_static.qos.reliability, ReliabilityPolicy::Reliable);
        assert_eq!(ends.plan.qos.durability, DurabilityPolicy::TransientLocal);
        assert_eq!((ends.plan.qos.history, ends.plan.qos.depth), (HistoryPolicy::KeepAll, 10));
        assert_eq!(ends.goal.qos.depth, 7);
        let wanted = ("qos_overrides./tf.subscription.reliability".to_owned(), text("best_effort"));
        assert!(parameters.unwrap().contains(&wanted));
    }

    #[test]
    fn a_value_that_is_none_of_the_policy_is_refused_by_name() {
        for (name, value, said) in [
            ("/tf.subscription.reliability", text("Reliable"), "\"Reliable\" is not one of reliable, best_effort"),
            ("/r/map.subscription.durability", Value::Bool(true), "true is not one of volatile, transient_local"),
            ("/r/map.subscription.history", text("unknown"), "\"unknown\" is not one of keep_last, keep_all"),
            ("/r/plan.publisher.depth", Value::Integer(-1), "-1 is not a whole number from 0 to 2147483647"),
            ("/r/plan.publisher.depth", Value::Double(1.0), "1.0 is not a whole number"),
        ] {
            let name = format!("{PREFIX}{name}");
            let error = applied(&[(&name, value)]).1.unwrap_err();
            assert!(error.starts_with(&format!("parameter {name}: {said}")), "{error}");
        }
    }
}
