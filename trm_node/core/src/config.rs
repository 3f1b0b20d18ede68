//! Every parameter once: name, default, unit, range and meaning. The ROS parameters, `config/trm_node.yaml`, the
//! README's table and the command line's defaults all come from this table.

use crate::error::LoadError;
use crate::grid::travel::MAX_MULTIPLIER;

/// A parameter's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Double(f64),
    /// Text.
    Text(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(v) => write!(f, "{v}"),
            Self::Integer(v) => write!(f, "{v}"),
            Self::Double(v) => write!(f, "{v:?}"),
            Self::Text(v) => write!(f, "\"{v}\""),
        }
    }
}

/// What values a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Range {
    /// `true` or `false`.
    Flag,
    /// Whole numbers, both ends included.
    Whole(i64, i64),
    /// Numbers, both ends included.
    Real(f64, f64),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// Any text.
    AnyText,
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag => write!(f, "true or false"),
            Self::Whole(low, high) => write!(f, "a whole number from {low} to {high}"),
            Self::Real(low, high) => write!(f, "a number from {low} to {high}"),
            Self::OneOf(names) => write!(f, "one of {}", names.join(", ")),
            Self::AnyText => write!(f, "a text"),
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone)]
pub struct ParameterSpec {
    /// The name, as ROS knows it.
    pub name: &'static str,
    /// The default.
    pub default: Value,
    /// The unit, empty where there is none.
    pub unit: &'static str,
    /// The values it takes.
    pub range: Range,
    /// What it does.
    pub doc: &'static str,
}

/// A type that a parameter can have.
trait Parameter: Sized {
    fn to_value(&self) -> Value;
    /// `None` when the type or the range doesn't fit.
    fn from_value(value: &Value, range: Range) -> Option<Self>;
}

impl Parameter for bool {
    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }
    fn from_value(value: &Value, _: Range) -> Option<Self> {
        if let Value::Bool(v) = value { Some(*v) } else { None }
    }
}

impl Parameter for i64 {
    fn to_value(&self) -> Value {
        Value::Integer(*self)
    }
    fn from_value(value: &Value, range: Range) -> Option<Self> {
        match (value, range) {
            (Value::Integer(v), Range::Whole(low, high)) if (low..=high).contains(v) => Some(*v),
            _ => None,
        }
    }
}

impl Parameter for f64 {
    fn to_value(&self) -> Value {
        Value::Double(*self)
    }
    fn from_value(value: &Value, range: Range) -> Option<Self> {
        // "20" in a YAML file is a whole number; where a number is asked for, it is meant as one.
        let v = match value {
            Value::Double(v) => *v,
            Value::Integer(v) => *v as f64,
            _ => return None,
        };
        matches!(range, Range::Real(low, high) if (low..=high).contains(&v)).then_some(v)
    }
}

impl Parameter for String {
    fn to_value(&self) -> Value {
        Value::Text(self.clone())
    }
    fn from_value(value: &Value, range: Range) -> Option<Self> {
        match (value, range) {
            (Value::Text(v), Range::OneOf(names)) => names.contains(&v.as_str()).then(|| v.clone()),
            (Value::Text(v), _) => Some(v.clone()),
            _ => None,
        }
    }
}

macro_rules! parameters {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr, $unit:literal, $range:expr;)+) => {
        /// Every parameter of the planner and of the node, with its present value.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Config { $($(#[doc = $doc])+ pub $name: $type,)+ }

        impl Default for Config {
            fn default() -> Self { Self { $($name: $default.into(),)+ } }
        }

        impl Config {
            /// The table of all parameters, in the order of the documentation.
            #[must_use]
            pub fn specs() -> Vec<ParameterSpec> {
                let default = Self::default();
                vec![$(ParameterSpec {
                    name: stringify!($name),
                    default: default.$name.to_value(),
                    unit: $unit,
                    range: $range,
                    doc: concat!($($doc),+).trim_ascii(),
                },)+]
            }

            /// A parameter's present value; `None` for an unknown name.
            #[must_use]
            pub fn get(&self, name: &str) -> Option<Value> {
                match name { $(stringify!($name) => Some(self.$name.to_value()),)+ _ => None }
            }

            /// Sets one parameter.
            ///
            /// # Errors
            /// [`LoadError::Parameter`] when the name is unknown, or the value has another type or is out of range;
            /// the old value stays.
            pub fn set(&mut self, name: &str, value: &Value) -> Result<(), LoadError> {
                let refused = |expected: String| LoadError::Parameter {
                    name: name.to_owned(), value: value.to_string(), expected,
                };
                match name {
                    $(stringify!($name) => {
                        self.$name = <$type>::from_value(value, $range).ok_or_else(|| refused($range.to_string()))?;
                        Ok(())
                    })+
                    _ => Err(refused("a parameter of this node".to_owned())),
                }
            }
        }
    };
}

parameters! {
    /// Which topic the grid comes from: `map` (raw occupancy, thresholded and inflated here) or `costmap` (already inflated, values as Nav2 publishes them).
    grid_source: String = "map", "", Range::OneOf(&["map", "costmap"]);
    /// Frame of the plans. Grids must come in this frame; goals in another are transformed by TF.
    map_frame: String = "map", "", Range::AnyText;
    /// Frame of the robot, the start of each plan.
    robot_base_frame: String = "base_link", "", Range::AnyText;
    /// Where the start comes from: `tf` (`map_frame` to `robot_base_frame`) or `odom` (the topic `odom`, in `map_frame`).
    start_source: String = "tf", "", Range::OneOf(&["tf", "odom"]);
    /// Greatest age of the robot's pose.
    transform_tolerance: f64 = 0.5, "s", Range::Real(0.01, 60.0);

    /// Radius of the robot: no path comes nearer to the centre of an occupied cell.
    robot_radius: f64 = 0.2, "m", Range::Real(0.0, 10.0);
    /// How far costs reach around occupied cells, at least `robot_radius`.
    inflation_radius: f64 = 0.55, "m", Range::Real(0.0, 20.0);
    /// How fast the cost falls outside the robot's radius, as in Nav2's inflation layer.
    cost_scaling_factor: f64 = 10.0, "1/m", Range::Real(0.0, 1000.0);
    /// How much paths keep away from obstacles, as in Nav2's Smac 2D planner: driving through a cell costs its length times 1 + this times its cost / 98. With 0 the shortest path is the best.
    cost_travel_multiplier: f64 = 2.0, "", Range::Real(0.0, MAX_MULTIPLIER);
    /// Occupancy from which a cell of `map` is lethal.
    occupied_threshold: i64 = 65_i64, "%", Range::Whole(1, 100);
    /// Whether paths may cross unknown cells.
    allow_unknown: bool = false, "", Range::Flag;

    /// Goals that can't be entered are moved to the nearest free cell within this distance; 0 refuses them.
    tolerance: f64 = 0.5, "m", Range::Real(0.0, 100.0);
    /// A robot that stands too near to an obstacle (cost 99, never 100) may leave it over at most this distance.
    start_tolerance: f64 = 0.3, "m", Range::Real(0.0, 10.0);
    /// A goal is done when the robot is this near to it; planning then stops.
    goal_reached_tolerance: f64 = 0.15, "m", Range::Real(0.0, 100.0);

    /// Whether the node plans from its start on; if not, it waits for `~/set_active`.
    autostart: bool = true, "", Range::Flag;
    /// Plans per second while there is a goal.
    planner_frequency: f64 = 20.0, "Hz", Range::Real(0.1, 1000.0);
    /// Time from the arrival of a request to its published path.
    deadline_ms: f64 = 30.0, "ms", Range::Real(0.1, 10_000.0);
    /// Part of the deadline kept for smoothing, the last check and publishing; at most a quarter of it.
    reserve_ms: f64 = 2.0, "ms", Range::Real(0.0, 1000.0);
    /// Whether classical planning may answer when the model has no verified path in time.
    allow_fallback: bool = true, "", Range::Flag;
    /// Whether paths are straightened.
    smooth: bool = true, "", Range::Flag;

    /// Real-time priority (`SCHED_FIFO`) of the thread that plans; the one that publishes has 1 less. 0: none. Where the system refuses it, the node warns and plans without.
    thread_priority: i64 = 50_i64, "", Range::Whole(0, 99);
    /// The CPU that the planning thread stays on; -1: any.
    cpu_affinity: i64 = -1_i64, "", Range::Whole(-1, 1023);
    /// Whether the memory of the node is kept from being swapped out.
    lock_memory: bool = false, "", Range::Flag;

    /// Folder of the model bundle; empty: `nav_d32` as installed beside the node.
    bundle: String = "", "", Range::AnyText;
    /// Side of the window that the model sees, rounded down to whole patches.
    window_size: i64 = 32_i64, "cells", Range::Whole(16, 256);
    /// Greatest number of supervision steps for a plan; 0 switches the model off.
    max_steps: i64 = 16_i64, "steps", Range::Whole(0, 1000);
    /// Greatest number of cells that the search guided by the model's field expands beside the path, in windows of up to 64 cells a side; in larger ones in proportion more.
    max_expansions: i64 = 400_i64, "cells", Range::Whole(1, 100_000);
    /// Whether y and z are kept from one plan to the next.
    warm_start: bool = true, "", Range::Flag;
    /// Share of a window's cells that may change before a warm start is given up.
    warm_change_limit: f64 = 0.25, "", Range::Real(0.0, 1.0);
    /// Parts of the window where no input of the net has changed by more than this since it was last applied there are left out of its applications. With 0 plans are those of whole applications; values of the net are around 1.
    skip_threshold: f64 = 0.1, "", Range::Real(0.0, 1.0);
    /// Quantile of past times that the deadline policy expects of the next network application.
    time_quantile: f64 = 0.95, "", Range::Real(0.5, 1.0);
    /// Stop when a path is verified and a later answer confirms it: its own path is no cheaper, and the field knows the whole of it.
    stop_verified: bool = true, "", Range::Flag;
    /// Stop when a path is verified and the latent changes by less than `settled_threshold` (root mean square).
    stop_settled: bool = true, "", Range::Flag;
    /// See `stop_settled`.
    settled_threshold: f64 = 0.02, "", Range::Real(0.0, 10.0);
    /// Start over on the turned window when the latent has settled without a verified path.
    turn_when_stuck: bool = true, "", Range::Flag;
    /// Stop when a path is verified and the q head's probability is above `confident_threshold`.
    stop_confident: bool = false, "", Range::Flag;
    /// See `stop_confident`.
    confident_threshold: f64 = 0.9, "", Range::Real(0.0, 1.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_accepted_by_its_own_range() {
        let mut config = Config::default();
        for spec in Config::specs() {
            config.set(spec.name, &spec.default).unwrap();
            assert_eq!(config.get(spec.name), Some(spec.default), "{}", spec.name);
        }
        assert_eq!(config, Config::default());
    }

    #[test]
    fn a_value_out_of_range_is_refused_by_name_and_the_old_one_stays() {
        let mut config = Config::default();
        let error = config.set("robot_radius", &Value::Double(-0.1)).unwrap_err().to_string();
        assert_eq!(error, "parameter robot_radius: -0.1 is not a number from 0 to 10");
        let error = config.set("robot_radius", &Value::Double(f64::NAN)).unwrap_err().to_string();
        assert!(error.contains("NaN"), "{error}");
        let error = config.set("grid_source", &Value::Text("scan".into())).unwrap_err().to_string();
        assert_eq!(error, "parameter grid_source: \"scan\" is not one of map, costmap");
        let error = config.set("window_size", &Value::Bool(true)).unwrap_err().to_string();
        assert_eq!(error, "parameter window_size: true is not a whole number from 16 to 256");
        assert!(config.set("speed", &Value::Double(1.0)).is_err());
        assert_eq!(config, Config::default());
    }

    #[test]
    fn a_whole_number_is_taken_where_a_number_is_asked_for() {
        let mut config = Config::default();
        config.set("planner_frequency", &Value::Integer(10)).unwrap();
        assert!((config.planner_frequency - 10.0).abs() < f64::EPSILON);
    }
}
