//! Parameters of Nav2's planner server and of its planners, in files that were written for them: what has a meaning here is
//! taken, the rest is named once.

use trm_config::{Config, ParameterError, Value};

/// Another name of a parameter, and how many of its units one of Nav2's is.
struct Alias {
    nav2: &'static str,
    own: &'static str,
    factor: f64,
    /// Of each planner, `NAME.` before it.
    is_of_planner: bool,
}

/// As Nav2's planner server and its Smac planners declare them (Jazzy).
const ALIASES: [Alias; 3] = [
    Alias { nav2: "expected_planner_frequency", own: "planner_frequency", factor: 1.0, is_of_planner: false },
    // Seconds.
    Alias { nav2: "max_planning_time", own: "deadline_ms", factor: 1e3, is_of_planner: true },
    Alias { nav2: "smooth_path", own: "smooth", factor: 1.0, is_of_planner: true },
];

/// Of the planner server, without a meaning here.
const SERVER: [&str; 4] =
    ["costmap_update_timeout", "service_introspection_mode", "introspection_mode", "allow_partial_planning"];

/// Takes what has a meaning, unless the parameter is given under its own name. Returns the names of what was taken, and of
/// what a Nav2 planner would have read.
pub fn take<'a>(
    config: &mut Config,
    given: impl Iterator<Item = &'a String>,
    value: impl Fn(&str) -> Option<Value>,
) -> Result<(Vec<String>, Vec<String>), ParameterError> {
    let (mut taken, mut ignored) = (Vec::new(), Vec::new());
    for name in given {
        if config.spec(name).is_some() {
            continue;
        }
        let plugin = config.split(name);
        let key = plugin.map_or(name.as_str(), |(_, key)| key);
        let is_alias = |alias: &&Alias| alias.nav2 == key && alias.is_of_planner == plugin.is_some();
        if let Some(alias) = ALIASES.iter().find(is_alias) {
            let own = plugin.map_or_else(|| alias.own.to_owned(), |(plugin, _)| format!("{plugin}.{}", alias.own));
            // Zero switches a check of Nav2 off.
            let given = value(name).filter(|given| !matches!(given, Value::Double(0.0) | Value::Integer(0)));
            let scaled = given.filter(|_| value(&own).is_none()).map(|value| scaled(value, alias.factor));
            if let Some(value) = scaled {
                config
                    .set(&own, &value)
                    .map_err(|error| ParameterError { name: format!("{name} ({own})"), ..error })?;
            }
            taken.push(name.clone());
        } else if plugin.is_some() || SERVER.contains(&key) {
            ignored.push(name.clone());
        }
    }
    Ok((taken, ignored))
}

fn scaled(value: Value, factor: f64) -> Value {
    match value {
        Value::Double(v) => Value::Double(v * factor),
        Value::Integer(v) => Value::Double(v as f64 * factor),
        other => other,
    }
}

/// What is said of those without a meaning.
pub fn said(ignored: &[String]) -> Option<String> {
    let names = ignored.join(", ");
    (!ignored.is_empty()).then(|| format!("parameters of other planners, without a meaning here: {names}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(given: &[(&str, Value)]) -> Result<(Config, Vec<String>, Vec<String>), ParameterError> {
        let mut config = Config::default();
        let names: Vec<String> = given.iter().map(|(name, _)| (*name).to_owned()).collect();
        let value = |name: &str| given.iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone());
        let (taken, ignored) = take(&mut config, names.iter(), value)?;
        Ok((config, taken, ignored))
    }

    #[test]
    fn what_has_a_meaning_is_taken_in_its_unit_and_the_rest_is_named() {
        let (config, taken, ignored) = load(&[
            ("expected_planner_frequency", Value::Double(5.0)),
            ("GridBased.max_planning_time", Value::Integer(2)),
            ("GridBased.use_astar", Value::Bool(true)),
            ("GridBased.plugin", Value::Text("nav2_navfn_planner::NavfnPlanner".to_owned())),
            ("Other.plugin", Value::Text("another".to_owned())),
            ("costmap_update_timeout", Value::Double(1.0)),
        ])
        .unwrap();
        assert!((config.node.planner_frequency - 5.0).abs() < 1e-9);
        assert!((config.of_planner(0).node.deadline_ms - 2000.0).abs() < 1e-9);
        assert_eq!(taken, ["expected_planner_frequency", "GridBased.max_planning_time"]);
        assert_eq!(ignored, ["GridBased.use_astar", "GridBased.plugin", "costmap_update_timeout"]);
        let said = said(&ignored).unwrap();
        assert!(said.ends_with("GridBased.use_astar, GridBased.plugin, costmap_update_timeout"), "{said}");
    }

    #[test]
    fn the_parameters_own_name_wins_and_a_bad_value_is_refused_by_both() {
        let given = [("expected_planner_frequency", Value::Double(5.0)), ("planner_frequency", Value::Double(7.0))];
        let (config, taken, _) = load(&given).unwrap();
        assert!((config.node.planner_frequency - Config::default().node.planner_frequency).abs() < 1e-9);
        assert_eq!(taken, ["expected_planner_frequency"]);
        let error = load(&[("GridBased.max_planning_time", Value::Double(60.0))]).unwrap_err().to_string();
        let said =
            "parameter GridBased.max_planning_time (GridBased.deadline_ms): 60000.0 is not a number from 0.1 to 10000";
        assert_eq!(error, said);
    }
}
