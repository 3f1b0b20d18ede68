//! Every parameter once: name, type, default, unit, range, what a change needs, and its meaning. In three groups, so that
//! what computes costs or plans paths sees no frames or threads.

use crate::parameter::{Parameter, text_enum};
use crate::value::{Needs, ParameterError, ParameterSpec, Range, Value};

/// The greatest `cost_travel_multiplier`, so that no move costs more than 4 · √2 cells.
pub const MAX_TRAVEL_MULTIPLIER: f64 = 3.0;

text_enum! {
    /// What a grid's values mean, and the topic that it comes from.
    GridKind {
        /// Raw occupancy: thresholded and inflated here.
        Map = "map",
        /// Costs that are already inflated: taken as they are.
        Costmap = "costmap",
    }
}

text_enum! {
    /// Where the robot's pose comes from.
    StartSource {
        /// The transform from the map's frame to the robot's.
        Tf = "tf",
        /// The topic `odom`.
        Odom = "odom",
    }
}

macro_rules! parameters {
    ($($(#[doc = $group_doc:literal])+ $group:ident: $Group:ident {
        $($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr, $unit:literal, $range:expr, $needs:expr;)+
    })+) => {
        $(
            $(#[doc = $group_doc])+
            #[derive(Debug, Clone, PartialEq)]
            pub struct $Group { $($(#[doc = $doc])+ pub $name: $type,)+ }

            impl Default for $Group {
                fn default() -> Self { Self { $($name: $default.into(),)+ } }
            }
        )+

        /// Every parameter with its present value.
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct Config { $($(#[doc = $group_doc])+ pub $group: $Group,)+ }

        impl Config {
            /// All parameters, in the order of the documentation.
            #[must_use]
            pub fn specs() -> Vec<ParameterSpec> {
                let default = Self::default();
                vec![$($(ParameterSpec {
                    name: stringify!($name),
                    default: default.$group.$name.to_value(),
                    unit: $unit,
                    range: $range,
                    needs: $needs,
                    doc: concat!($($doc),+).trim_ascii(),
                },)+)+]
            }

            /// A parameter's present value; `None` for an unknown name.
            #[must_use]
            pub fn get(&self, name: &str) -> Option<Value> {
                match name { $($(stringify!($name) => Some(self.$group.$name.to_value()),)+)+ _ => None }
            }

            /// Sets one parameter.
            ///
            /// # Errors
            /// [`ParameterError`] when the name is unknown, or the value has another type or is out of range; the old
            /// value stays.
            pub fn set(&mut self, name: &str, value: &Value) -> Result<(), ParameterError> {
                let refused = |expected: String| ParameterError {
                    name: name.to_owned(), value: value.to_string(), expected,
                };
                match name {
                    $($(stringify!($name) => {
                        self.$group.$name = <$type>::from_value(value, $range).ok_or_else(|| refused($range.to_string()))?;
                        Ok(())
                    })+)+
                    _ => Err(refused("a parameter of this node".to_owned())),
                }
            }

            /// Whether a parameter whose change needs this differs between two configurations.
            #[must_use]
            pub fn differs(&self, other: &Self, needs: Needs) -> bool {
                [$($($needs == needs && self.$group.$name != other.$group.$name,)+)+].contains(&true)
            }
        }
    };
}

parameters! {
    /// What the node itself needs: topics, frames, timing, threads, the bundle.
    node: NodeConfig {
        /// Which topic the grid comes from: `map` (raw occupancy, thresholded and inflated here) or `costmap` (already inflated, values as Nav2 publishes them).
        grid_source: GridKind = GridKind::Map, "", Range::OneOf(GridKind::NAMES), Needs::Restart;
        /// Frame of the plans. Grids must come in this frame; goals in another are transformed by TF.
        map_frame: String = "map", "", Range::Frame, Needs::Restart;
        /// Frame of the robot, the start of each plan.
        robot_base_frame: String = "base_link", "", Range::Frame, Needs::Restart;
        /// Where the start comes from: `tf` (`map_frame` to `robot_base_frame`) or `odom` (the topic `odom`, in `map_frame`).
        start_source: StartSource = StartSource::Tf, "", Range::OneOf(StartSource::NAMES), Needs::Restart;
        /// Greatest age of the robot's pose.
        transform_tolerance: f64 = 0.5, "s", Range::Real(0.01, 60.0), Needs::Nothing;
        /// A goal is done when the robot is this near to it; planning then stops.
        goal_reached_tolerance: f64 = 0.15, "m", Range::Real(0.0, 100.0), Needs::Nothing;
        /// Whether the node plans from its start on; if not, it waits for `~/set_active`.
        autostart: bool = true, "", Range::Flag, Needs::Restart;
        /// Plans per second while there is a goal.
        planner_frequency: f64 = 20.0, "Hz", Range::Real(0.1, 1000.0), Needs::Nothing;
        /// Time from the arrival of a request to its published path.
        deadline_ms: f64 = 30.0, "ms", Range::Real(0.1, 10_000.0), Needs::Nothing;
        /// Real-time priority (`SCHED_FIFO`) of the thread that plans; the one that publishes has 1 less. 0: none. Where the system refuses it, the node warns and plans without.
        thread_priority: i64 = 50_i64, "", Range::Whole(0, 99), Needs::Restart;
        /// The CPU that the planning thread stays on; -1: any.
        cpu_affinity: i64 = -1_i64, "", Range::Whole(-1, 1023), Needs::Restart;
        /// Whether the memory of the node is kept from being swapped out.
        lock_memory: bool = false, "", Range::Flag, Needs::Restart;
        /// Folder of the model bundle; empty: `nav_d32` as installed beside the node.
        bundle: String = "", "", Range::AnyText, Needs::Restart;
    }
    /// What it costs to cross the cells of a grid.
    grid: GridConfig {
        /// Radius of the robot: no path comes nearer to the centre of an occupied cell.
        robot_radius: f64 = 0.2, "m", Range::Real(0.0, 10.0), Needs::Costs;
        /// How far costs reach around occupied cells, at least `robot_radius`.
        inflation_radius: f64 = 0.55, "m", Range::Real(0.0, 20.0), Needs::Costs;
        /// How fast the cost falls outside the robot's radius, as in Nav2's inflation layer.
        cost_scaling_factor: f64 = 10.0, "1/m", Range::Real(0.0, 1000.0), Needs::Costs;
        /// How much paths keep away from obstacles, as in Nav2's Smac 2D planner: driving through a cell costs its length times 1 + this times its cost / 98. With 0 the shortest path is the best.
        cost_travel_multiplier: f64 = 2.0, "", Range::Real(0.0, MAX_TRAVEL_MULTIPLIER), Needs::Planner;
        /// Occupancy from which a cell of `map` is lethal.
        occupied_threshold: i64 = 65_i64, "%", Range::Whole(1, 100), Needs::Costs;
        /// Whether paths may cross unknown cells.
        allow_unknown: bool = false, "", Range::Flag, Needs::Planner;
    }
    /// How a path is planned: tolerances, budget, the model, when to stop.
    planner: PlannerConfig {
        /// Goals that can't be entered are moved to the nearest free cell within this distance; 0 refuses them.
        tolerance: f64 = 0.5, "m", Range::Real(0.0, 100.0), Needs::Planner;
        /// A robot that stands too near to an obstacle (cost 99, never 100) may leave it over at most this distance.
        start_tolerance: f64 = 0.3, "m", Range::Real(0.0, 10.0), Needs::Planner;
        /// Part of the deadline kept for smoothing, the last check and publishing; at most a quarter of it.
        reserve_ms: f64 = 2.0, "ms", Range::Real(0.0, 1000.0), Needs::Planner;
        /// Whether classical planning may answer when the model has no verified path in time.
        allow_fallback: bool = true, "", Range::Flag, Needs::Planner;
        /// Whether paths are straightened.
        smooth: bool = true, "", Range::Flag, Needs::Planner;
        /// Side of the window that the model sees, rounded down to whole patches.
        window_size: i64 = 32_i64, "cells", Range::Whole(16, 256), Needs::Restart;
        /// Greatest number of supervision steps for a plan; 0 switches the model off.
        max_steps: i64 = 16_i64, "steps", Range::Whole(0, 1000), Needs::Planner;
        /// Greatest number of cells that the search guided by the model's field expands beside the path, in windows of up to 64 cells a side; in larger ones in proportion more.
        max_expansions: i64 = 400_i64, "cells", Range::Whole(1, 100_000), Needs::Planner;
        /// Whether y and z are kept from one plan to the next.
        warm_start: bool = true, "", Range::Flag, Needs::Planner;
        /// Share of a window's cells that may change before a warm start is given up.
        warm_change_limit: f64 = 0.25, "", Range::Real(0.0, 1.0), Needs::Planner;
        /// Parts of the window where no input of the net has changed by more than this since it was last applied there are left out of its applications. With 0 plans are those of whole applications; values of the net are around 1.
        skip_threshold: f64 = 0.1, "", Range::Real(0.0, 1.0), Needs::Planner;
        /// Quantile of past times that the deadline policy expects of the next network application.
        time_quantile: f64 = 0.95, "", Range::Real(0.5, 1.0), Needs::Planner;
        /// Stop when a path is verified and a later answer confirms it: its own path is no cheaper, and the field knows the whole of it.
        stop_verified: bool = true, "", Range::Flag, Needs::Planner;
        /// Stop when a path is verified and the latent changes by less than `settled_threshold` (root mean square).
        stop_settled: bool = true, "", Range::Flag, Needs::Planner;
        /// See `stop_settled`.
        settled_threshold: f64 = 0.02, "", Range::Real(0.0, 10.0), Needs::Planner;
        /// Start over on the turned window when the latent has settled without a verified path.
        turn_when_stuck: bool = true, "", Range::Flag, Needs::Planner;
        /// Stop when a path is verified and the q head's probability is above `confident_threshold`.
        stop_confident: bool = false, "", Range::Flag, Needs::Planner;
        /// See `stop_confident`.
        confident_threshold: f64 = 0.9, "", Range::Real(0.0, 1.0), Needs::Planner;
    }
}

impl Config {
    /// The defaults with some changes.
    ///
    /// ```
    /// let config = trm_config::Config::with(|config| config.grid.robot_radius = 0.3);
    /// assert_eq!(config.grid.robot_radius, 0.3);
    /// ```
    #[must_use]
    pub fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut config = Self::default();
        change(&mut config);
        config
    }
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
        let error = config.set("map_frame", &Value::Text(String::new())).unwrap_err().to_string();
        assert_eq!(error, "parameter map_frame: \"\" is not the name of a frame");
        assert!(config.set("speed", &Value::Double(1.0)).is_err());
        assert_eq!(config, Config::default());
    }

    #[test]
    fn a_whole_number_is_taken_where_a_number_is_expected() {
        let mut config = Config::default();
        config.set("planner_frequency", &Value::Integer(10)).unwrap();
        assert!((config.node.planner_frequency - 10.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_new_radius_needs_new_costs_and_a_new_tolerance_a_new_planner() {
        let old = Config::default();
        let needs = |new: &Config| {
            [Needs::Nothing, Needs::Costs, Needs::Planner, Needs::Restart].map(|needs| old.differs(new, needs))
        };
        assert_eq!(needs(&old), [false; 4]);
        assert_eq!(needs(&Config::with(|config| config.grid.robot_radius = 0.3)), [false, true, false, false]);
        assert_eq!(needs(&Config::with(|config| config.planner.tolerance = 0.1)), [false, false, true, false]);
        assert_eq!(needs(&Config::with(|config| config.node.planner_frequency = 5.0)), [true, false, false, false]);
        assert_eq!(needs(&Config::with(|config| config.planner.window_size = 64)), [false, false, false, true]);
    }
}
