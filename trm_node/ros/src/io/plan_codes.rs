//! The constants of `trm_msgs/PlanStatus`: the one for each value of the planner's enums, and the names of results.

use r2r::trm_msgs::msg::PlanStatus;
use trm_flow::plan_record::Kind;
use trm_planner::halt::policy::StopReason;
use trm_planner::{GuidanceKind, Source};

/// How serious it is, as in `diagnostic_msgs/DiagnosticStatus`.
pub const OK: u8 = PlanStatus::LEVEL_OK as u8;
pub const WARN: u8 = PlanStatus::LEVEL_WARN as u8;
pub const ERROR: u8 = PlanStatus::LEVEL_ERROR as u8;

macro_rules! results {
    ($($NAME:ident),+ $(,)?) => {
        $(pub const $NAME: u16 = PlanStatus::$NAME as u16;)+

        const RESULTS: &[(u16, &str)] = &[$(($NAME, stringify!($NAME)),)+];
    };
}

results! {
    SUCCEEDED, GOAL_REACHED, STALE_MAP, CANCELLED, UNKNOWN, INVALID_PLANNER, TF_ERROR, START_OUTSIDE_MAP,
    GOAL_OUTSIDE_MAP, START_OCCUPIED, GOAL_OCCUPIED, TIMEOUT, NO_VALID_PATH, NO_VIAPOINTS_GIVEN,
}

/// The name of a result, for people.
pub fn name(result: u16) -> &'static str {
    RESULTS.iter().find(|(other, _)| *other == result).map_or("a result without a name", |(_, name)| name)
}

/// What asked for a plan.
pub const fn kind(kind: Kind) -> u8 {
    match kind {
        Kind::Tick => PlanStatus::KIND_TICK as u8,
        Kind::ToPose => PlanStatus::KIND_TO_POSE as u8,
        Kind::ThroughPoses => PlanStatus::KIND_THROUGH_POSES as u8,
    }
}

/// Where a path comes from.
pub const fn source(source: Source) -> u8 {
    match source {
        Source::None => PlanStatus::SOURCE_NONE as u8,
        Source::Model => PlanStatus::SOURCE_MODEL as u8,
        Source::Previous => PlanStatus::SOURCE_PREVIOUS as u8,
        Source::Fallback => PlanStatus::SOURCE_FALLBACK as u8,
        Source::Lattice => PlanStatus::SOURCE_LATTICE as u8,
    }
}

/// What it follows outside the window.
pub const fn guidance(kind: GuidanceKind) -> u8 {
    match kind {
        GuidanceKind::None => PlanStatus::GUIDANCE_NONE as u8,
        GuidanceKind::Classical => PlanStatus::GUIDANCE_CLASSICAL as u8,
        GuidanceKind::Corridor => PlanStatus::GUIDANCE_CORRIDOR as u8,
    }
}

/// Why the recursion stopped.
pub const fn stop(reason: Option<StopReason>) -> u8 {
    match reason {
        None => PlanStatus::STOP_NONE as u8,
        Some(StopReason::Verified) => PlanStatus::STOP_VERIFIED as u8,
        Some(StopReason::Settled) => PlanStatus::STOP_SETTLED as u8,
        Some(StopReason::Confident) => PlanStatus::STOP_CONFIDENT as u8,
        Some(StopReason::StepLimit) => PlanStatus::STOP_STEP_LIMIT as u8,
        Some(StopReason::Deadline) => PlanStatus::STOP_DEADLINE as u8,
        Some(StopReason::Cancelled) => PlanStatus::STOP_CANCELLED as u8,
        Some(StopReason::Unchanged) => PlanStatus::STOP_UNCHANGED as u8,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use r2r::diagnostic_msgs::msg::DiagnosticStatus;
    use r2r::lifecycle_msgs::msg::State;
    use r2r::trm_msgs::msg::PlannerState;
    use trm_grid::units::Cell;
    use trm_planner::PlanError;

    use super::*;

    /// The constants that stand in the message's file, those of a prefix without it.
    fn constants(prefix: &str) -> BTreeMap<String, u16> {
        let lines = include_str!("../../../msgs/msg/PlanStatus.msg").lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.split_once(' ')?.1.split_once('='));
        let named = pairs.filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), value)));
        named.map(|(name, value)| (name, value.parse().unwrap())).collect()
    }

    /// One constant of each value, by its name.
    fn ours<T: Copy>(all: &[T], name: fn(T) -> &'static str, code: fn(T) -> u8) -> BTreeMap<String, u16> {
        all.iter().map(|value| (name(*value).to_uppercase(), u16::from(code(*value)))).collect()
    }

    #[test]
    fn every_value_of_an_enum_has_the_constant_of_its_name_and_there_are_no_others() {
        assert_eq!(constants("SOURCE_"), ours(&Source::ALL, Source::name, source));
        assert_eq!(constants("GUIDANCE_"), ours(&GuidanceKind::ALL, GuidanceKind::name, guidance));
        let reasons: Vec<_> = StopReason::ALL.into_iter().map(Some).chain([None]).collect();
        let name = |reason: Option<StopReason>| reason.map_or("none", StopReason::name);
        assert_eq!(constants("STOP_"), ours(&reasons, name, stop));
    }

    #[test]
    fn every_other_constant_is_a_result_a_level_or_a_kind() {
        let mut all = constants("");
        all.retain(|name, _| !["SOURCE_", "GUIDANCE_", "STOP_", "LEVEL_", "KIND_"].iter().any(|p| name.starts_with(p)));
        let results = RESULTS.iter().map(|(code, name)| ((*name).to_owned(), *code));
        assert_eq!(all, results.collect());
        for (name, code) in all {
            assert_eq!(super::name(code), name);
        }
        let levels =
            [("ERROR", ERROR), ("OK", OK), ("WARN", WARN)].map(|(name, level)| (name.to_owned(), level.into()));
        assert_eq!(constants("LEVEL_"), BTreeMap::from(levels));
        let diagnostic = [DiagnosticStatus::OK as u8, DiagnosticStatus::WARN as u8, DiagnosticStatus::ERROR as u8];
        assert_eq!([OK, WARN, ERROR], diagnostic);
        let kinds: Vec<_> = constants("KIND_").into_keys().collect();
        assert_eq!(kinds, ["THROUGH_POSES", "TICK", "TO_POSE"]);
    }

    #[test]
    fn the_codes_of_errors_are_the_results_of_their_names() {
        let cell = Cell::new(0, 0);
        for error in [
            PlanError::StartOutsideMap(cell),
            PlanError::GoalOutsideMap(cell),
            PlanError::StartOccupied { cell, cost: 100 },
            PlanError::GoalOccupied { cell, cost: 100 },
            PlanError::StartBlocked(cell),
            PlanError::GoalBlocked(cell),
            PlanError::NoLattice("footprint"),
            PlanError::NotReady,
            PlanError::TimedOut { applications: 0 },
            PlanError::NoValidPath,
            PlanError::ModelOnly { steps: 0 },
            PlanError::Unverified,
            PlanError::TooLong { cells: 0 },
            PlanError::SearchLimit { cells: 0 },
            PlanError::Cancelled,
        ] {
            assert_eq!(name(error.nav2_code()), error.nav2_name(), "{error}");
        }
    }

    #[test]
    fn the_states_are_those_of_lifecycle_nodes() {
        let ours = [
            PlannerState::UNCONFIGURED as u8,
            PlannerState::INACTIVE as u8,
            PlannerState::ACTIVE as u8,
            PlannerState::FINALIZED as u8,
        ];
        let theirs = [
            State::PRIMARY_STATE_UNCONFIGURED as u8,
            State::PRIMARY_STATE_INACTIVE as u8,
            State::PRIMARY_STATE_ACTIVE as u8,
            State::PRIMARY_STATE_FINALIZED as u8,
        ];
        assert_eq!(ours, theirs);
    }
}
