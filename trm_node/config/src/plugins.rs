//! Planners by name, as Nav2 has its planner plug-ins: each has the parameters of the list, and those of them that are
//! its own.

use crate::list::Config;
use crate::value::{Needs, ParameterError, ParameterSpec, Value};

/// Parameters of the node that a planner may have of its own, beside all that concern planning alone.
const ALSO: [&str; 3] = ["bundle", "deadline_ms", "window_size"];

/// Whether a planner may have a parameter of the list of its own. Costs and threads are the node's.
#[must_use]
pub fn is_of_planner(spec: &ParameterSpec) -> bool {
    spec.needs == Needs::Planner || ALSO.contains(&spec.name)
}

impl Config {
    /// The names of the parameters that planners may have of their own, as `NAME.parameter`.
    #[must_use]
    pub fn plugin_parameters(&self) -> Vec<String> {
        let specs: Vec<_> = Self::specs().into_iter().filter(is_of_planner).collect();
        let of = |name| specs.iter().map(|spec| join(name, spec.name)).collect::<Vec<_>>();
        self.node.planner_plugins.iter().flat_map(|name| of(name)).collect()
    }

    /// The row of the list that a parameter is in, whether or not a planner's name stands before it.
    #[must_use]
    pub fn spec(&self, name: &str) -> Option<ParameterSpec> {
        let of_planner = self.split(name);
        let listed = of_planner.map_or(name, |(_, parameter)| parameter);
        Self::specs().into_iter().find(|spec| spec.name == listed && (of_planner.is_none() || is_of_planner(spec)))
    }

    /// The parameters as a planner has them.
    ///
    /// ```
    /// use trm_config::{Config, Value};
    ///
    /// let mut config = Config::default();
    /// config.set("planner_plugins", &Value::Texts(vec!["GridBased".to_owned(), "Near".to_owned()]))?;
    /// config.set("tolerance", &Value::Double(0.3))?;
    /// config.set("Near.tolerance", &Value::Double(0.1))?;
    /// assert_eq!(config.of_planner(0).planner.tolerance, 0.3);
    /// assert_eq!(config.of_planner(1).planner.tolerance, 0.1);
    /// # Ok::<(), trm_config::ParameterError>(())
    /// ```
    #[must_use]
    pub fn of_planner(&self, index: usize) -> Self {
        let mut config = self.clone();
        let Some(name) = self.node.planner_plugins.get(index) else { return config };
        for (own, value) in &self.overrides {
            if let Some((_, parameter)) = self.split(own).filter(|(planner, _)| planner == name) {
                // It was accepted before.
                let _ = config.set_listed(parameter, value);
            }
        }
        config
    }

    /// The number of planners.
    #[must_use]
    pub fn planners(&self) -> usize {
        self.node.planner_plugins.len()
    }

    /// The value of a parameter, or `None` for an unknown name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value> {
        self.spec(name)?;
        let listed = || self.split(name).map_or(name, |(_, parameter)| parameter);
        self.overrides.get(name).cloned().or_else(|| self.get_listed(listed()))
    }

    /// Sets one parameter. `planner_plugins` comes before the parameters of its planners.
    ///
    /// # Errors
    /// [`ParameterError`] if the name is unknown, or if the value has the wrong type or is out of range. The old value
    /// is kept.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), ParameterError> {
        let Some((_, parameter)) = self.split(name).filter(|_| self.spec(name).is_some()) else {
            return self.set_listed(name, value);
        };
        let mut config = self.clone();
        config.set_listed(parameter, value).map_err(|error| ParameterError { name: name.to_owned(), ..error })?;
        // In the type that the parameter has.
        self.overrides.extend(config.get_listed(parameter).map(|value| (name.to_owned(), value)));
        Ok(())
    }

    /// Whether the two configurations differ in any parameter whose change requires `needs`, also if only one planner
    /// has another value.
    #[must_use]
    pub fn differs(&self, other: &Self, needs: Needs) -> bool {
        let count = self.planners().max(other.planners());
        self.listed_differ(other, needs)
            || (0..count).any(|at| self.of_planner(at).listed_differ(&other.of_planner(at), needs))
    }

    /// The planner's name and the parameter's, if that of a planner stands before it. The planner may have no such
    /// parameter.
    #[must_use]
    pub fn split<'a>(&self, name: &'a str) -> Option<(&'a str, &'a str)> {
        name.split_once('.').filter(|(planner, _)| self.node.planner_plugins.iter().any(|name| name == planner))
    }
}

fn join(planner: &str, parameter: &str) -> String {
    format!("{planner}.{parameter}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Config {
        let mut config = Config::default();
        config.set("planner_plugins", &Value::Texts(vec!["A".to_owned(), "B".to_owned()])).unwrap();
        config
    }

    #[test]
    fn a_planner_has_its_own_value_or_follows_that_without_a_name() {
        let mut config = two();
        config.set("B.deadline_ms", &Value::Integer(80)).unwrap();
        config.set("deadline_ms", &Value::Double(20.0)).unwrap();
        assert_eq!(config.get("A.deadline_ms"), Some(Value::Double(20.0)));
        assert_eq!(config.get("B.deadline_ms"), Some(Value::Double(80.0)), "in the parameter's type");
        assert!((config.of_planner(1).node.deadline_ms - 80.0).abs() < 1e-9);
        assert_eq!(config.of_planner(2), config, "there is none");
        assert_eq!(config.plugin_parameters().len() % 2, 0);
        assert!(config.plugin_parameters().iter().all(|name| config.get(name).is_some()));
    }

    #[test]
    fn what_is_the_nodes_is_no_planners_and_a_bad_value_is_refused_by_its_full_name() {
        let mut config = two();
        for name in ["A.map_frame", "A.robot_radius", "C.tolerance", "A.", ".tolerance", "A.A.tolerance"] {
            assert!(config.set(name, &Value::Double(0.1)).is_err() && config.get(name).is_none(), "{name}");
        }
        let error = config.set("B.tolerance", &Value::Double(-1.0)).unwrap_err().to_string();
        assert_eq!(error, "parameter B.tolerance: -1.0 is not a number from 0 to 100");
        assert_eq!(config, two());
    }

    #[test]
    fn a_difference_of_one_planner_counts() {
        let mut config = two();
        config.set("B.max_steps", &Value::Integer(0)).unwrap();
        assert!(config.differs(&two(), Needs::Planner) && !config.differs(&two(), Needs::Nothing));
        config.set("B.deadline_ms", &Value::Double(80.0)).unwrap();
        assert!(config.differs(&two(), Needs::Nothing) && !config.differs(&two(), Needs::Costs));
    }

    #[test]
    fn names_of_planners_are_different_words() {
        let mut config = Config::default();
        let words = |names: &[&str]| Value::Texts(names.iter().map(|name| (*name).to_owned()).collect());
        for bad in [&[][..], &[""], &["A", "A"], &["A.B"], &["A B"], &["A"; 9]] {
            assert!(config.set("planner_plugins", &words(bad)).is_err(), "{bad:?}");
        }
        let error = config.set("planner_plugins", &Value::Text("A".to_owned())).unwrap_err().to_string();
        assert!(error.starts_with("parameter planner_plugins: \"A\" is not a list of 1 to 8"), "{error}");
    }
}
