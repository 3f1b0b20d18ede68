//! Every parameter, defined once: name, type, default, unit, range, what a change requires, and its description. There are
//! three groups, so that the code that computes costs or plans paths never sees frames or threads.

use std::collections::BTreeMap;

use crate::footprint::{DEFAULT_PADDING, Footprint, MAX_PADDING};
use crate::parameter::{Parameter, text_enum};
use crate::value::{Needs, ParameterError, ParameterSpec, Range, Value};

/// The upper limit of `cost_travel_multiplier`. With it, no move costs more than 4 · √2 cells.
pub const MAX_TRAVEL_MULTIPLIER: f64 = 3.0;
/// The greatest `unknown_weight`. Queues of searches have room for moves of that cost.
pub const MAX_UNKNOWN_WEIGHT: f64 = 10.0;

text_enum! {
    /// What the values of the input grid mean, and which topic it comes from.
    GridKind {
        /// Raw occupancy, thresholded and inflated by this node.
        Map = "map",
        /// Costs that are already inflated and used unchanged.
        Costmap = "costmap",
    }
}

text_enum! {
    /// What becomes of plans while a message about the grid may have been lost.
    SuspectMap {
        /// There are none: each says `STALE_MAP`.
        Stop = "stop",
        /// They go on, with a warning.
        Warn = "warn",
    }
}

text_enum! {
    /// Where the robot's pose comes from.
    StartSource {
        /// The transform from the map frame to the robot's frame.
        Tf = "tf",
        /// The topic `odom`.
        Odom = "odom",
    }
}

text_enum! {
    /// What the model runs on.
    BackendChoice {
        /// The GPU where there is one and it is faster than the processor, else the processor.
        Auto = "auto",
        /// The processor, in the fastest way that it has.
        Cpu = "cpu",
        /// The GPU, through Vulkan.
        Gpu = "gpu",
        /// The processor, by the library tract.
        Tract = "tract",
    }
}

text_enum! {
    /// How the robot moves.
    MotionModel {
        /// In any direction with any heading, as Nav2's users write it for holonomic robots.
        Omni = "omni",
        /// Forwards, backwards and turning where it stands: differential drive.
        Diff = "diff",
        /// Along curves of a least radius: Ackermann steering.
        Car = "car",
    }
}

text_enum! {
    /// With which headings a robot may stand at a goal, as in Nav2's Smac planners.
    GoalHeading {
        /// With the goal's.
        Default = "default",
        /// With the goal's or the opposite one.
        Bidirectional = "bidirectional",
        /// With any.
        All = "all",
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

        /// The current value of every parameter.
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct Config {
            $($(#[doc = $group_doc])+ pub $group: $Group,)+
            /// What planners have of their own, by `NAME.parameter`.
            pub(crate) overrides: BTreeMap<String, Value>,
        }

        impl Config {
            /// All parameters, in documentation order.
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

            /// The value of a parameter of the list.
            pub(crate) fn get_listed(&self, name: &str) -> Option<Value> {
                match name { $($(stringify!($name) => Some(self.$group.$name.to_value()),)+)+ _ => None }
            }

            /// Sets a parameter of the list.
            pub(crate) fn set_listed(&mut self, name: &str, value: &Value) -> Result<(), ParameterError> {
                let refused = |expected: String| ParameterError {
                    name: name.to_owned(), value: value.to_string(), expected,
                };
                match name {
                    $($(stringify!($name) => {
                        let taken = <$type>::from_value(value, $range);
                        self.$group.$name = taken.ok_or_else(|| refused(<$type>::expected(value, $range)))?;
                        Ok(())
                    })+)+
                    _ => Err(refused("a parameter of this node".to_owned())),
                }
            }

            /// Whether any parameter of the list differs whose change requires `needs`.
            #[expect(clippy::float_cmp, reason = "any difference counts")]
            pub(crate) fn listed_differ(&self, other: &Self, needs: Needs) -> bool {
                [$($($needs.includes(needs) && self.$group.$name != other.$group.$name,)+)+].contains(&true)
            }
        }
    };
}

parameters! {
    /// The node itself: topics, frames, timing, threads, the model bundle.
    node: NodeConfig {
        /// Topic of the grid: `map` (raw occupancy, which the node thresholds and inflates) or `costmap` (already inflated, with the values that Nav2 publishes).
        grid_source: GridKind = GridKind::Map, "", Range::OneOf(GridKind::NAMES), Needs::Restart;
        /// Whether the grid's topic is asked for transient local, as map servers publish it: then a grid that was published before the node came is heard, and volatile publishers aren't.
        map_subscribe_transient_local: bool = true, "", Range::Flag, Needs::Restart;
        /// Frame of the published paths. Grids must be in this frame; goals in another frame are transformed with TF, at their stamp.
        map_frame: String = "map", "", Range::Frame, Needs::Restart;
        /// Frame of the robot, whose origin is the start of each plan.
        robot_base_frame: String = "base_link", "", Range::Frame, Needs::Restart;
        /// Frame of the odometry, which localisation moves against the map. A goal that was given in it, or in a frame that hangs on it, stays where it is there: it is placed in the map again when it has moved by 0.05 m or 0.05 rad.
        odom_frame: String = "odom", "", Range::Frame, Needs::Restart;
        /// Source of the robot's pose: `tf` (`map_frame` to `robot_base_frame`) or `odom` (the topic `odom`, in `map_frame`).
        start_source: StartSource = StartSource::Tf, "", Range::OneOf(StartSource::NAMES), Needs::Restart;
        /// Maximum age of the robot's pose. A goal waits so long for the transform at its stamp.
        transform_tolerance: f64 = 0.5, "s", Range::Real(0.01, 60.0), Needs::Nothing;
        /// The goal counts as reached when the robot is within this distance of it; planning then stops.
        goal_reached_tolerance: f64 = 0.15, "m", Range::Real(0.0, 100.0), Needs::Nothing;
        /// Whether the node configures and activates itself when it starts. Otherwise a lifecycle manager, or `~/change_state`, does.
        autostart: bool = true, "", Range::Flag, Needs::Restart;
        /// How often an active node tells a lifecycle manager on `bond` that it lives, as in Nav2's nodes; less than 0.01 counts as 0.01, and 0 turns bonds off.
        bond_heartbeat_period: f64 = 0.1, "s", Range::Real(0.0, 60.0), Needs::Restart;
        /// Planning rate while there is a goal.
        planner_frequency: f64 = 20.0, "Hz", Range::Real(0.1, 1000.0), Needs::Nothing;
        /// Time limit from the arrival of a request to the publication of its path.
        deadline_ms: f64 = 30.0, "ms", Range::Real(0.1, 10_000.0), Needs::Nothing;
        /// Whether an empty path is published when a plan has none after one that had, so that who listens to `plan` alone learns it. Nav2's planner server publishes nothing then.
        publish_empty_path: bool = false, "", Range::Flag, Needs::Restart;
        /// Whether each answer of the model is published on `~/steps`, as a marker array: its path, and the cells whose best move it has changed.
        publish_steps: bool = false, "", Range::Flag, Needs::Restart;
        /// Whether all is published on `~/plan_log` that is needed to make each plan to a goal of the topic again offline, to the last bit: `trm replay`. Begin to record before the node starts. Robots with a footprint aren't recorded.
        record_plans: bool = false, "", Range::Flag, Needs::Restart;
        /// Maximum time that a message about the grid may wait before the costs hold it. A plan on older costs is refused as `STALE_MAP`.
        max_map_lag_ms: f64 = 200.0, "ms", Range::Real(1.0, 60_000.0), Needs::Nothing;
        /// What becomes of plans while a message about the grid was lost, or may have been: `stop` (refused as `STALE_MAP`) or `warn`. Both end with the next whole grid.
        suspect_map: SuspectMap = SuspectMap::Stop, "", Range::OneOf(SuspectMap::NAMES), Needs::Nothing;
        /// Real-time priority (`SCHED_FIFO`) of the planning thread; the publishing thread runs 1 below it. 0: no real-time priority. If the system refuses, the node warns and carries on without.
        thread_priority: i64 = 50_i64, "", Range::Whole(0, 99), Needs::Restart;
        /// CPU that the planning thread is pinned to; -1: any.
        cpu_affinity: i64 = -1_i64, "", Range::Whole(-1, 1023), Needs::Restart;
        /// Whether the node's memory is locked, so that it is never swapped out.
        lock_memory: bool = false, "", Range::Flag, Needs::Restart;
        /// Longest time that an idle CPU may take to wake up, asked for through `/dev/cpu_dma_latency` while the node runs; 0: CPUs don't sleep; -1: as the system has it. If the system refuses, the node warns and carries on without.
        cpu_dma_latency_us: i64 = -1_i64, "us", Range::Whole(-1, 1_000_000), Needs::Restart;
        /// Folder of the model bundle; empty: the `nav_d32` that is installed with the node.
        bundle: String = "", "", Range::AnyText, Needs::Restart;
        /// File of a router over several bundles, `router.yaml`, which picks one of them for each plan; empty: `bundle` plans. It and its bundles are read anew when they change.
        router: String = "", "", Range::AnyText, Needs::Planner;
        /// Names of the planners that the field `planner_id` of actions chooses from. The first one also plans to goals of the topic `goal_pose`. `NAME.parameter` gives a planner its own value of a parameter; otherwise it has that of the parameter without a name.
        planner_plugins: Vec<String> = ["GridBased".to_owned()], "", Range::PluginNames, Needs::Restart;
        /// How long an action's result is kept for clients that ask late.
        action_server_result_timeout: f64 = 10.0, "s", Range::Real(0.0, 3600.0), Needs::Nothing;
    }
    /// The cost of driving through the cells of a grid.
    grid: GridConfig {
        /// Radius of the robot. No path comes closer than this to the centre of an occupied cell.
        robot_radius: f64 = 0.2, "m", Range::Real(0.0, 10.0), Needs::Costs;
        /// Outline of the robot in metres of its base frame, as Nav2's costmaps take it; empty: a disc of `robot_radius`. Its inscribed disc takes the place of `robot_radius` in the costs.
        footprint: Option<Footprint> = Option::<Footprint>::None, "m", Range::Footprint, Needs::Robot;
        /// How far the corners of the footprint are moved away from both axes.
        footprint_padding: f64 = DEFAULT_PADDING, "m", Range::Real(0.0, MAX_PADDING), Needs::Robot;
        /// Distance around occupied cells within which cells have a cost; never less than `robot_radius`.
        inflation_radius: f64 = 0.55, "m", Range::Real(0.0, 20.0), Needs::Costs;
        /// How steeply the cost falls with distance beyond the robot's radius, as in Nav2's inflation layer.
        cost_scaling_factor: f64 = 10.0, "1/m", Range::Real(0.0, 1000.0), Needs::Costs;
        /// How strongly paths avoid costly cells, as in Nav2's Smac 2D planner: driving through a cell costs the distance times (1 + this · cost / 98). With 0 the shortest path is the best.
        cost_travel_multiplier: f64 = 2.0, "", Range::Real(0.0, MAX_TRAVEL_MULTIPLIER), Needs::Planner;
        /// How many free cells an unknown one counts like, where `allow_unknown` lets paths cross it.
        unknown_weight: f64 = 2.0, "", Range::Real(1.0, MAX_UNKNOWN_WEIGHT), Needs::Planner;
        /// Cells of `map` with at least this occupancy are lethal.
        occupied_threshold: i64 = 65_i64, "%", Range::Whole(1, 100), Needs::Costs;
        /// Whether paths may cross unknown cells.
        allow_unknown: bool = false, "", Range::Flag, Needs::Planner;
    }
    /// How a path is planned: tolerances, time budget, the model, when to stop.
    planner: PlannerConfig {
        /// A goal whose cell is blocked or can't be reached is moved to the nearest cell within this distance, and 256 cells, that is free and can be; with 0 it is refused.
        tolerance: f64 = 0.5, "m", Range::Real(0.0, 100.0), Needs::Planner;
        /// A robot that stands too close to an obstacle (cost 99, never 100) may cross such cells over at most this distance to get clear, to any free cell that leads to the goal.
        start_tolerance: f64 = 0.3, "m", Range::Real(0.0, 10.0), Needs::Planner;
        /// How the robot moves: `omni`, `diff` or `car`. It counts for robots with a footprint.
        motion_model: MotionModel = MotionModel::Diff, "", Range::OneOf(MotionModel::NAMES), Needs::Planner;
        /// Radius of the narrowest curve that a path of a `car` has.
        minimum_turning_radius: f64 = 0.4, "m", Range::Real(0.01, 100.0), Needs::Planner;
        /// Whether a path may lead backwards.
        allow_reverse: bool = true, "", Range::Flag, Needs::Planner;
        /// How many times its length a way backwards counts.
        reverse_penalty: f64 = 2.0, "", Range::Real(1.0, 5.0), Needs::Planner;
        /// How much way a change between forwards and backwards is worth. In Nav2's Smac planners it is about left and right curves.
        change_penalty: f64 = 0.0, "m", Range::Real(0.0, 10.0), Needs::Planner;
        /// How many times its length a curve counts.
        non_straight_penalty: f64 = 1.2, "", Range::Real(1.0, 5.0), Needs::Planner;
        /// Greatest difference between the heading at the end of a path and the goal's.
        yaw_goal_tolerance: f64 = 0.25, "rad", Range::Real(0.0, 3.2), Needs::Planner;
        /// With which heading a path ends: the goal's (`default`), that or the opposite one (`bidirectional`), or any (`all`).
        goal_heading: GoalHeading = GoalHeading::Default, "", Range::OneOf(GoalHeading::NAMES), Needs::Planner;
        /// Part of the deadline that is reserved for smoothing, the final check and publishing; never more than a quarter of it.
        reserve_ms: f64 = 2.0, "ms", Range::Real(0.0, 1000.0), Needs::Planner;
        /// Whether a classical search may answer when the model has no verified path in time.
        allow_fallback: bool = true, "", Range::Flag, Needs::Planner;
        /// Whether paths are straightened.
        smooth: bool = true, "", Range::Flag, Needs::Planner;
        /// Side length of the window that the model sees, rounded down to whole patches.
        window_size: i64 = 32_i64, "cells", Range::Whole(16, 512), Needs::Restart;
        /// What the model runs on: `cpu`, `gpu` (Vulkan; when the device is lost the CPU takes over), `tract` (a library on the CPU, which runs every bundle), or `auto`: the GPU where there is one and it was faster when both were tried, else the CPU.
        backend: BackendChoice = BackendChoice::Auto, "", Range::OneOf(BackendChoice::NAMES), Needs::Planner;
        /// Maximum number of supervision steps per plan; 0 switches the model off.
        max_steps: i64 = 16_i64, "steps", Range::Whole(0, 1000), Needs::Planner;
        /// Maximum number of cells off the path that the search through the model's field may expand, for windows of up to 64 × 64 cells; for larger windows it grows with the area.
        max_expansions: i64 = 400_i64, "cells", Range::Whole(1, 100_000), Needs::Planner;
        /// Whether the model's state (y and z) carries over from one plan to the next.
        warm_start: bool = true, "", Range::Flag, Needs::Planner;
        /// Fraction of the window's cells that may change before a plan starts cold instead of warm.
        warm_change_limit: f64 = 0.25, "", Range::Real(0.0, 1.0), Needs::Planner;
        /// While the goal, the grid, the guidance and the window are what they were when the recursion ended, the path is checked from where the robot is and kept, and the network isn't applied; for so long, then it is applied again. 0 applies it in each plan.
        unchanged_limit: f64 = 1.0, "s", Range::Real(0.0, 3600.0), Needs::Planner;
        /// Network applications skip those parts of the window where no input of the network has changed by more than this since it was last applied there. The network's values are around 1. With 0 the plans are the same as without skipping.
        skip_threshold: f64 = 0.1, "", Range::Real(0.0, 1.0), Needs::Planner;
        /// Quantile of past durations that the deadline policy takes as the duration of the next network application.
        time_quantile: f64 = 0.95, "", Range::Real(0.5, 1.0), Needs::Planner;
        /// Stop when a path is verified and a later answer confirms it: its own path is no cheaper, and its field covers that path completely.
        stop_verified: bool = true, "", Range::Flag, Needs::Planner;
        /// Stop when a path is verified and the model's answer y changes by less than `settled_threshold` (root mean square).
        stop_settled: bool = true, "", Range::Flag, Needs::Planner;
        /// See `stop_settled`.
        settled_threshold: f64 = 0.02, "", Range::Real(0.0, 10.0), Needs::Planner;
        /// Start over with the window rotated or mirrored when the answer has settled without a verified path.
        turn_when_stuck: bool = true, "", Range::Flag, Needs::Planner;
        /// Stop when a path is verified and the probability from the model's q head is above `confident_threshold`.
        stop_confident: bool = false, "", Range::Flag, Needs::Planner;
        /// See `stop_confident`.
        confident_threshold: f64 = 0.9, "", Range::Real(0.0, 1.0), Needs::Planner;
    }
}

impl GridConfig {
    /// The radius of the largest disc around the base inside the robot, in metres: that of the footprint with its padding,
    /// or `robot_radius` without one.
    ///
    /// ```
    /// let mut config = trm_config::GridConfig::default();
    /// assert_eq!(config.inscribed_radius(), config.robot_radius);
    /// config.footprint = Some("[[0.4, 0.3], [-0.2, 0.3], [-0.2, -0.3], [0.4, -0.3]]".parse()?);
    /// assert!((config.inscribed_radius() - 0.21).abs() < 1e-9);
    /// # Ok::<(), trm_config::footprint::FootprintError>(())
    /// ```
    #[must_use]
    pub fn inscribed_radius(&self) -> f64 {
        self.outline().map_or(self.robot_radius, |outline| outline.inscribed_radius())
    }

    /// The outline of the robot, padding included; `None` if it is a disc.
    #[must_use]
    pub fn outline(&self) -> Option<Footprint> {
        self.footprint.as_ref().map(|footprint| footprint.padded(self.footprint_padding))
    }
}

impl Config {
    /// The defaults, modified by `change`.
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
    fn a_refused_value_is_named_and_the_old_one_is_kept() {
        let mut config = Config::default();
        let error = config.set("robot_radius", &Value::Double(-0.1)).unwrap_err().to_string();
        assert_eq!(error, "parameter robot_radius: -0.1 is not a number from 0 to 10");
        let error = config.set("robot_radius", &Value::Double(f64::NAN)).unwrap_err().to_string();
        assert!(error.contains("NaN"), "{error}");
        let error = config.set("grid_source", &Value::Text("scan".into())).unwrap_err().to_string();
        assert_eq!(error, "parameter grid_source: \"scan\" is not one of map, costmap");
        let error = config.set("window_size", &Value::Bool(true)).unwrap_err().to_string();
        assert_eq!(error, "parameter window_size: true is not a whole number from 16 to 512");
        let error = config.set("map_frame", &Value::Text(String::new())).unwrap_err().to_string();
        assert_eq!(error, "parameter map_frame: \"\" is not the name of a frame");
        assert!(config.set("speed", &Value::Double(1.0)).is_err());
        assert_eq!(config, Config::default());
    }

    #[test]
    fn a_bad_footprint_is_refused_with_the_reason_and_the_old_one_is_kept() {
        let mut config = Config::default();
        let mut set = |text: &str| config.set("footprint", &Value::Text(text.to_owned()));
        for none in ["", "[]", " [ ] "] {
            set(none).unwrap();
        }
        set("[[1, 1], [-1, 1], [-1, -1]]").unwrap();
        let error = set("[[1, 1], [2, 2]]").unwrap_err().to_string();
        assert_eq!(error, "parameter footprint: \"[[1, 1], [2, 2]]\" is not a footprint: of 2 points, not of 3 to 64");
        let error = config.set("footprint", &Value::Double(0.3)).unwrap_err().to_string();
        assert!(error.starts_with("parameter footprint: 0.3 is not a footprint [[x1, y1],"), "{error}");
        assert_eq!(config.get("footprint"), Some(Value::Text("[[1, 1], [-1, 1], [-1, -1]]".to_owned())));
        let error = config.set("minimum_turning_radius", &Value::Double(0.0)).unwrap_err().to_string();
        assert_eq!(error, "parameter minimum_turning_radius: 0.0 is not a number from 0.01 to 100");
    }

    #[test]
    fn a_frame_is_taken_without_its_leading_slash() {
        let mut config = Config::default();
        config.set("map_frame", &Value::Text("/world".to_owned())).unwrap();
        assert_eq!(config.node.map_frame, "world");
        for none in ["", "/"] {
            assert!(config.set("map_frame", &Value::Text(none.to_owned())).is_err());
        }
        config.set("bundle", &Value::Text("/opt/bundle".to_owned())).unwrap();
        assert_eq!(config.node.bundle, "/opt/bundle");
    }

    #[test]
    fn an_integer_is_accepted_where_a_number_is_expected() {
        let mut config = Config::default();
        config.set("planner_frequency", &Value::Integer(10)).unwrap();
        assert!((config.node.planner_frequency - 10.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_change_requires_what_its_parameter_says() {
        let old = Config::default();
        let needs = |new: &Config| {
            [Needs::Nothing, Needs::Costs, Needs::Planner, Needs::Restart].map(|needs| old.differs(new, needs))
        };
        assert_eq!(needs(&old), [false; 4]);
        assert_eq!(needs(&Config::with(|config| config.grid.robot_radius = 0.3)), [false, true, false, false]);
        assert_eq!(needs(&Config::with(|config| config.planner.tolerance = 0.1)), [false, false, true, false]);
        assert_eq!(needs(&Config::with(|config| config.grid.footprint_padding = 0.1)), [false, true, true, false]);
        assert_eq!(needs(&Config::with(|config| config.node.planner_frequency = 5.0)), [true, false, false, false]);
        assert_eq!(needs(&Config::with(|config| config.planner.window_size = 64)), [false, false, false, true]);
    }
}
