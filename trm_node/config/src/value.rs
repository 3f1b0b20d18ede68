//! Values, ranges and rows of the list of parameters.

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

/// The values that a parameter accepts.
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
    /// The name of a frame: any text but an empty one.
    Frame,
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
            Self::Frame => write!(f, "the name of a frame"),
            Self::AnyText => write!(f, "a text"),
        }
    }
}

/// What a change of a parameter asks of a running node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Nothing: the value is read where it is used.
    Nothing,
    /// The costs of the whole grid are computed again.
    Costs,
    /// A new planner, which starts cold.
    Planner,
    /// The node must be restarted; until then the old value stays.
    Restart,
}

/// One row of the list.
#[derive(Debug, Clone)]
pub struct ParameterSpec {
    /// The name, as ROS knows it.
    pub name: &'static str,
    /// The default.
    pub default: Value,
    /// The unit, empty where there is none.
    pub unit: &'static str,
    /// The accepted values.
    pub range: Range,
    /// What a change needs.
    pub needs: Needs,
    /// What the parameter does.
    pub doc: &'static str,
}

/// A value that a parameter doesn't accept. The old value stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parameter {name}: {value} is not {expected}")]
pub struct ParameterError {
    /// The parameter's name.
    pub name: String,
    /// The value as it was given.
    pub value: String,
    /// What it must be.
    pub expected: String,
}
