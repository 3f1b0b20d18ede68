//! The node's parameters: those of `trm_config`'s list, and the few that ROS gives every node.

use std::sync::Mutex;

use r2r::indexmap::IndexMap;
use r2r::rcl_interfaces::msg as rcl;
use r2r::{ParameterSection, ParameterValue};
use trm_config::{Config, Needs, NodeConfig, ParameterError, Range, Value};
use trm_flow::lock::lock;
use trm_flow::text::cut;

use crate::io::ends::Ends;
use crate::io::qos_overrides::{self, Accepts};
use crate::nav2_keys;

/// A parameter that ROS gives every node, and that this one has no use for.
const TYPE_DESCRIPTIONS: &str = "start_type_description_service";

/// A name that is longer than this many bytes is no slip of the pen.
const LONGEST_SLIP: usize = 256;

/// The parameters with their present values.
pub struct Parameters {
    config: Mutex<Config>,
    /// ROS's own, which can't be changed while the node runs.
    ros: Vec<(String, Value)>,
}

impl Parameters {
    /// Takes over what YAML files and the command line gave for this node, whose ends of topics `ends` makes of its
    /// parameters and `qos_overrides` change. Also returns warnings about names that it doesn't have: in a section for
    /// many nodes they may be those of others.
    pub fn load(
        given: &IndexMap<String, r2r::Parameter>,
        ends: impl FnOnce(&NodeConfig) -> anyhow::Result<Ends>,
    ) -> anyhow::Result<(Self, Ends, Vec<String>)> {
        let value = |name: &str| given.get(name).map(|parameter| given_value(&parameter.value));
        let mut config = Config::default();
        // The names of the planners first: the parameters of each are known by them.
        let listed = Config::specs().into_iter().map(|spec| spec.name.to_owned()).collect::<Vec<_>>();
        for name in &listed {
            value(name).map_or(Ok(()), |value| config.set(name, &value))?;
        }
        for name in config.plugin_parameters() {
            value(&name).map_or(Ok(()), |value| config.set(&name, &value))?;
        }
        let (taken, ignored) = nav2_keys::take(&mut config, given.keys(), value)?;
        let mut ends = ends(&config.node)?;
        let mut ros = qos_overrides::apply(&mut ends, value)?;
        let use_sim_time = value("use_sim_time").unwrap_or(Value::Bool(false));
        if !matches!(use_sim_time, Value::Bool(_)) {
            return Err(refused("use_sim_time", &use_sim_time, Range::Flag.to_string()).into());
        }
        ros.push(("use_sim_time".to_owned(), use_sim_time));
        ros.extend(value(TYPE_DESCRIPTIONS).map(|value| (TYPE_DESCRIPTIONS.to_owned(), value)));
        let parameters = Self { config: Mutex::new(config), ros };
        let names = parameters.names();
        let is_unknown = |(name, _): &(&String, &r2r::Parameter)| {
            !names.contains(name) && !taken.contains(name) && !ignored.contains(name)
        };
        let warning = |(name, given): (&String, &r2r::Parameter)| {
            unknown(name, &given_value(&given.value), ", and is ignored", &names)
        };
        let mut warnings: Vec<_> = given.iter().filter(is_unknown).map(warning).collect();
        warnings.extend(odd_footprint(&parameters.config()));
        warnings.extend(nav2_keys::said(&ignored));
        Ok((parameters, ends, warnings))
    }

    pub fn config(&self) -> Config {
        lock(&self.config).clone()
    }

    pub fn use_sim_time(&self) -> bool {
        self.ros.iter().any(|(name, value)| name == "use_sim_time" && *value == Value::Bool(true))
    }

    pub fn names(&self) -> Vec<String> {
        self.names_with(&lock(&self.config))
    }

    fn names_with(&self, config: &Config) -> Vec<String> {
        let own = Config::specs().into_iter().map(|spec| spec.name.to_owned());
        own.chain(config.plugin_parameters()).chain(self.ros.iter().map(|(name, _)| name.clone())).collect()
    }

    pub fn get(&self, name: &str) -> Option<Value> {
        let own = lock(&self.config).get(name);
        own.or_else(|| self.ros.iter().find(|(ros, _)| ros == name).map(|(_, value)| value.clone()))
    }

    /// Sets all of these, and returns the names of those that changed. Or sets none, and returns the reason.
    pub fn set_all(&self, values: &[(&str, Option<Value>)]) -> Result<Vec<String>, String> {
        let mut present = lock(&self.config);
        let mut config = present.clone();
        for (name, value) in values {
            self.set(&mut config, &present, name, value.as_ref())?;
        }
        let mut changed = Vec::new();
        for (name, _) in values {
            if config.get(name) != present.get(name) && !changed.iter().any(|other| other == name) {
                changed.push((*name).to_owned());
            }
        }
        *present = config;
        Ok(changed)
    }

    /// Sets one in `config`, which `present` becomes, or returns the reason why not.
    fn set(&self, config: &mut Config, present: &Config, name: &str, value: Option<&Value>) -> Result<(), String> {
        let Some(value) = value else {
            return Err(format!(
                "parameter {}: has a value, and can't be removed or be an array of another kind",
                cut(name)
            ));
        };
        let ros = self.ros.iter().find(|(ros, _)| ros == name);
        if ros.is_none() {
            if config.get(name).is_none() {
                return Err(unknown(name, value, "", &self.names_with(config)));
            }
            let shown = |error: ParameterError| ParameterError { value: cut(&error.value), ..error };
            config.set(name, value).map_err(|error| shown(error).to_string())?;
        }
        let is_other = ros.map_or_else(|| config.get(name) != present.get(name), |(_, old)| old != value);
        if is_other && (ros.is_some() || config.spec(name).is_some_and(|spec| spec.needs == Needs::Restart)) {
            return Err(format!("parameter {name}: can't be changed while the node runs, start it anew"));
        }
        Ok(())
    }

    /// What `ros2 param describe` shows; `None` for a name that isn't a parameter's.
    pub fn describe(&self, name: &str) -> Option<rcl::ParameterDescriptor> {
        let mut descriptor = rcl::ParameterDescriptor { name: name.to_owned(), ..Default::default() };
        descriptor.type_ = message(Some(&self.get(name)?)).type_;
        if let Some(spec) = lock(&self.config).spec(name) {
            let unit = if spec.unit.is_empty() { String::new() } else { format!(" [{}]", spec.unit) };
            descriptor.description = format!("{}{unit}", spec.doc);
            descriptor.read_only = spec.needs == Needs::Restart;
            set_range(spec.range, &mut descriptor);
        } else {
            descriptor.read_only = true;
            describe_ros(name, &mut descriptor);
        }
        Some(descriptor)
    }
}

/// What is said of a footprint that Nav2 takes, and that is likely a mistake.
pub fn odd_footprint(config: &Config) -> Option<String> {
    let odd = config.grid.footprint.as_ref().filter(|footprint| !footprint.contains_base())?;
    Some(format!("parameter footprint: the robot's base is outside of {}", cut(&odd.to_string())))
}

/// Describes a parameter that isn't of the list.
fn describe_ros(name: &str, descriptor: &mut rcl::ParameterDescriptor) {
    if let Some((description, accepts)) = qos_overrides::describe(name) {
        descriptor.description = description;
        match accepts {
            Accepts::Range(range) => set_range(range, descriptor),
            Accepts::OneOf(policies) => descriptor.additional_constraints = policies,
        }
    } else if name == TYPE_DESCRIPTIONS {
        "Whether the node says what its types are made of. This one never does."
            .clone_into(&mut descriptor.description);
    } else {
        "Whether ROS time is that of /clock.".clone_into(&mut descriptor.description);
    }
}

fn set_range(range: Range, descriptor: &mut rcl::ParameterDescriptor) {
    match range {
        Range::Whole(from_value, to_value) => {
            descriptor.integer_range = vec![rcl::IntegerRange { from_value, to_value, step: 0 }];
        }
        Range::Real(from_value, to_value) => {
            descriptor.floating_point_range = vec![rcl::FloatingPointRange { from_value, to_value, step: 0.0 }];
            "a whole number is taken, too".clone_into(&mut descriptor.additional_constraints);
        }
        Range::OneOf(_) | Range::Frame | Range::Footprint | Range::PluginNames => {
            descriptor.additional_constraints = range.to_string();
        }
        Range::Flag | Range::AnyText => {}
    }
}

/// What is said of a name that isn't a parameter's, and of what becomes of its value.
fn unknown(name: &str, value: &Value, then: &str, names: &[String]) -> String {
    // Comparing long names takes long, and nobody means any parameter by them.
    let names = if name.len() > LONGEST_SLIP { &[] } else { names };
    let nearest = names.iter().map(|other| (strsim::damerau_levenshtein(name, other), other)).min();
    // So near that it may be a slip.
    let meant = nearest.filter(|(distance, _)| *distance <= 1 + name.chars().count() / 6);
    let hint = meant.map_or_else(String::new, |(_, meant)| format!("; {meant} is one"));
    let name = if name.len() > LONGEST_SLIP { cut(name) } else { name.to_owned() };
    format!("parameter {name}: {} is not a parameter of this node{then}{hint}", cut(&value.to_string()))
}

/// What is said of sections of parameter files that look as if they were for the node of this name, and aren't.
pub fn missed(sections: &[ParameterSection], node: &str) -> Option<String> {
    let is_none_for_it = !sections.iter().any(|section| section.applies);
    let own = node.rsplit('/').next();
    let seems = |section: &&ParameterSection| is_none_for_it || section.name.rsplit('/').next() == own;
    let missed: Vec<_> = sections.iter().filter(|section| !section.applies).filter(seems).collect();
    let names = missed.iter().map(|section| section.name.as_str()).collect::<Vec<_>>().join(", ");
    (!missed.is_empty()).then(|| format!("parameter files: nothing of {names} is for this node, which is {node}"))
}

fn refused(name: &str, value: &Value, expected: String) -> ParameterError {
    ParameterError { name: name.to_owned(), value: value.to_string(), expected }
}

/// A value from a file or the command line. No parameter is another array: one becomes its text, for the refusal.
fn given_value(value: &ParameterValue) -> Value {
    match value {
        ParameterValue::Bool(v) => Value::Bool(*v),
        ParameterValue::Integer(v) => Value::Integer(*v),
        ParameterValue::Double(v) => Value::Double(*v),
        ParameterValue::String(v) => Value::Text(v.clone()),
        ParameterValue::StringArray(v) => Value::Texts(v.clone()),
        other => Value::Text(format!("{other:?}")),
    }
}

// The numbers of rcl_interfaces/msg/ParameterType.
const BOOL: u8 = 1;
const INTEGER: u8 = 2;
const DOUBLE: u8 = 3;
const STRING: u8 = 4;
const STRING_ARRAY: u8 = 9;

/// A value as a message; `None` becomes `PARAMETER_NOT_SET`.
pub fn message(value: Option<&Value>) -> rcl::ParameterValue {
    let empty = rcl::ParameterValue::default();
    match value {
        None => empty,
        Some(Value::Bool(v)) => rcl::ParameterValue { type_: BOOL, bool_value: *v, ..empty },
        Some(Value::Integer(v)) => rcl::ParameterValue { type_: INTEGER, integer_value: *v, ..empty },
        Some(Value::Double(v)) => rcl::ParameterValue { type_: DOUBLE, double_value: *v, ..empty },
        Some(Value::Text(v)) => rcl::ParameterValue { type_: STRING, string_value: v.clone(), ..empty },
        Some(Value::Texts(v)) => rcl::ParameterValue { type_: STRING_ARRAY, string_array_value: v.clone(), ..empty },
    }
}

/// A message as a value; `None` for other arrays and `PARAMETER_NOT_SET`.
pub fn value(message: &rcl::ParameterValue) -> Option<Value> {
    match message.type_ {
        BOOL => Some(Value::Bool(message.bool_value)),
        INTEGER => Some(Value::Integer(message.integer_value)),
        DOUBLE => Some(Value::Double(message.double_value)),
        STRING => Some(Value::Text(message.string_value.clone())),
        STRING_ARRAY => Some(Value::Texts(message.string_array_value.clone())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::ends;

    fn load_all(given: &[(&str, ParameterValue)]) -> anyhow::Result<(Parameters, Vec<String>)> {
        let parameter = |value: &ParameterValue| r2r::Parameter::new(value.clone());
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), parameter(value))).collect();
        let (parameters, _, warnings) = Parameters::load(&given, |config| Ok(ends::for_tests(config)?))?;
        Ok((parameters, warnings))
    }

    fn load(given: &[(&str, ParameterValue)]) -> anyhow::Result<Parameters> {
        load_all(given).map(|(parameters, _)| parameters)
    }

    fn refusal(name: &str, value: ParameterValue) -> String {
        load(&[(name, value)]).err().map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn what_a_file_gives_is_taken_over() {
        let parameters = load(&[
            ("planner_frequency", ParameterValue::Integer(10)),
            ("map_frame", ParameterValue::String("world".into())),
            ("use_sim_time", ParameterValue::Bool(true)),
            ("qos_overrides./r/map.subscription.depth", ParameterValue::Integer(3)),
        ])
        .unwrap();
        assert!(parameters.use_sim_time());
        assert_eq!(parameters.config().node.map_frame, "world");
        assert_eq!(parameters.get("planner_frequency"), Some(Value::Double(10.0)));
        assert_eq!(parameters.get("use_sim_time"), Some(Value::Bool(true)));
        assert_eq!(parameters.get("qos_overrides./r/map.subscription.depth"), Some(Value::Integer(3)));
        assert_eq!(parameters.get("speed"), None);
        let of_planners = Config::default().plugin_parameters().len();
        assert_eq!(parameters.names().len(), Config::specs().len() + of_planners + 14 * 4 + 1);
    }

    #[test]
    fn a_bad_value_is_refused_with_its_name() {
        let text = refusal("robot_radius", ParameterValue::Double(-1.0));
        assert_eq!(text, "parameter robot_radius: -1.0 is not a number from 0 to 10");
        let text = refusal("robot_radius", ParameterValue::DoubleArray(vec![0.1, 0.2]));
        assert!(text.contains("robot_radius") && text.contains("[0.1, 0.2]"), "{text}");
        let text = refusal("use_sim_time", ParameterValue::String("yes".into()));
        assert_eq!(text, "parameter use_sim_time: \"yes\" is not true or false");
        let text = refusal("map_frame", ParameterValue::String(String::new()));
        assert_eq!(text, "parameter map_frame: \"\" is not the name of a frame");
    }

    #[test]
    fn a_footprint_beside_its_base_is_a_warning() {
        let beside = "[[1, 1], [0.5, 1], [0.5, -1], [1, -1]]";
        let (parameters, warnings) = load_all(&[("footprint", ParameterValue::String(beside.into()))]).unwrap();
        assert_eq!(parameters.get("footprint"), Some(Value::Text(beside.into())));
        assert_eq!(warnings, [format!("parameter footprint: the robot's base is outside of {beside}")]);
        let text = refusal("footprint", ParameterValue::String("[[1, 1], [2, x]]".into()));
        let reason = "not of the form [[x1, y1], [x2, y2], [x3, y3], ...], at character 13";
        assert_eq!(text, format!("parameter footprint: \"[[1, 1], [2, x]]\" is not a footprint: {reason}"));
    }

    #[test]
    fn an_unknown_name_is_a_warning_that_may_know_what_was_meant() {
        let given = [
            ("robot_raduis", 0.3),
            ("controller_frequency", 20.0),
            ("robot_radius", 0.4),
            ("qos_overrides./r/mpa.subscription.depth", 1.0),
        ];
        let (parameters, warnings) = load_all(&given.map(|(name, v)| (name, ParameterValue::Double(v)))).unwrap();
        let said = [
            "parameter robot_raduis: 0.3 is not a parameter of this node, and is ignored; robot_radius is one",
            "parameter controller_frequency: 20.0 is not a parameter of this node, and is ignored",
            "parameter qos_overrides./r/mpa.subscription.depth: 1.0 is not a parameter of this node, and is ignored; \
             qos_overrides./r/map.subscription.depth is one",
        ];
        assert_eq!(warnings, said);
        assert_eq!(parameters.get("robot_radius"), Some(Value::Double(0.4)));
    }

    #[test]
    fn sections_for_others_are_told_when_they_seem_to_be_for_this_node() {
        let section = |name: &str, applies| ParameterSection { name: name.to_owned(), applies };
        let missed = |sections: &[ParameterSection]| missed(sections, "/robot1/trm_node");
        let said = "parameter files: nothing of /trm_node is for this node, which is /robot1/trm_node";
        let [own, wild, bare, other] = [
            section("/robot1/trm_node", true),
            section("/**", true),
            section("/trm_node", false),
            section("/amcl", false),
        ];
        assert_eq!(missed(&[wild.clone(), bare.clone(), other.clone()]).as_deref(), Some(said));
        assert_eq!(missed(&[own, wild, other.clone()]), None);
        assert!(missed(&[other]).is_some_and(|said| said.contains("/amcl")));
        assert_eq!(missed(&[]), None);
    }

    #[test]
    fn setting_is_all_or_nothing() {
        let parameters = load(&[]).unwrap();
        let set = |values: &[(&str, Value)]| {
            parameters.set_all(&values.iter().map(|(name, value)| (*name, Some(value.clone()))).collect::<Vec<_>>())
        };
        let refused = set(&[("tolerance", Value::Double(1.0)), ("robot_radius", Value::Double(99.0))]);
        assert!(refused.unwrap_err().contains("robot_radius: 99.0"));
        assert_eq!(parameters.config(), Config::default());
        let changed = set(&[("tolerance", Value::Double(1.0)), ("robot_radius", Value::Double(0.2))]).unwrap();
        assert_eq!(changed, ["tolerance"], "the radius was the same");
        let twice = [("tolerance", 2.0), ("robot_radius", 0.3), ("tolerance", 1.0), ("robot_radius", 0.4)];
        let twice = twice.map(|(name, value)| (name, Value::Double(value)));
        assert_eq!(set(&twice).unwrap(), ["robot_radius"], "the last value of a name counts");
        assert_eq!(parameters.get("tolerance"), Some(Value::Double(1.0)));
        assert!(parameters.set_all(&[("tolerance", None)]).unwrap_err().contains("tolerance"));
    }

    #[test]
    fn a_refusal_is_short_whatever_is_sent() {
        let parameters = load(&[]).unwrap();
        let (long, text) = ("x".repeat(1 << 20), Value::Text("/".repeat(1 << 20)));
        let sent = [(long.as_str(), Some(text.clone())), (&long, None), ("map_frame", Some(text.clone()))];
        for (name, value) in sent.into_iter().chain([("robot_radius", Some(text))]) {
            let reason = parameters.set_all(&[(name, value)]).unwrap_err();
            assert!(reason.starts_with("parameter ") && reason.len() < 400, "{}", reason.len());
        }
        let slip = parameters.set_all(&[("robot_raduis", Some(Value::Double(0.3)))]).unwrap_err();
        assert_eq!(slip, "parameter robot_raduis: 0.3 is not a parameter of this node; robot_radius is one");
    }

    #[test]
    fn what_is_fixed_can_only_be_set_to_what_it_is() {
        let parameters = load(&[]).unwrap();
        let set = |name: &str, value| parameters.set_all(&[(name, Some(value))]);
        let reason = set("grid_source", Value::Text("costmap".into())).unwrap_err();
        assert_eq!(reason, "parameter grid_source: can't be changed while the node runs, start it anew");
        assert!(set("use_sim_time", Value::Bool(true)).is_err());
        assert_eq!(set("use_sim_time", Value::Bool(false)), Ok(vec![]));
        assert_eq!(set("grid_source", Value::Text("map".into())), Ok(vec![]));
        for spec in Config::specs() {
            let is_fixed = spec.needs == Needs::Restart;
            assert_eq!(parameters.describe(spec.name).unwrap().read_only, is_fixed, "{}", spec.name);
            assert!(parameters.get(spec.name).is_some(), "all of these exist");
        }
    }

    #[test]
    fn values_and_messages_invert_and_descriptions_have_ranges() {
        let parameters = load(&[]).unwrap();
        for name in parameters.names() {
            let present = parameters.get(&name);
            assert_eq!(value(&message(present.as_ref())), present, "{name}");
            let described = parameters.describe(&name).unwrap();
            assert_eq!((&described.name, described.type_), (&name, message(present.as_ref()).type_));
            assert!(!described.description.is_empty() && !described.dynamic_typing, "{name}");
            // What isn't said by the type is said by a range or in words.
            let ranges = described.integer_range.len() + described.floating_point_range.len();
            let is_free =
                matches!(present, Some(Value::Bool(_))) || name.ends_with("bundle") || name.ends_with("router");
            assert!(is_free || ranges == 1 || !described.additional_constraints.is_empty(), "{name}");
        }
        let described = |name: &str| parameters.describe(name).unwrap();
        let radius = described("robot_radius");
        assert_eq!((radius.floating_point_range[0].to_value, radius.read_only), (10.0, false));
        assert!(radius.description.ends_with("[m]") && radius.additional_constraints.contains("whole number"));
        assert!(described("window_size").read_only && described("window_size").integer_range[0].to_value == 512);
        assert!(described("grid_source").additional_constraints.contains("costmap"));
        let overrides = described("qos_overrides./r/map.subscription.depth");
        assert_eq!(overrides.description, "depth of this node's subscription of /r/map");
        assert_eq!((overrides.integer_range[0].to_value, overrides.read_only), (i64::from(i32::MAX), true));
        let reliability = described("qos_overrides./r/map.subscription.reliability").additional_constraints;
        assert_eq!(reliability, "one of reliable, best_effort, system_default, best_available");
        assert_eq!(parameters.describe("speed"), None);
    }
}
