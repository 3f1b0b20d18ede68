//! The types of the parameter list: values, ranges and rows.

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A floating-point number.
    Double(f64),
    /// Text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(v) => write!(f, "{v}"),
            Self::Integer(v) => write!(f, "{v}"),
            Self::Double(v) => write!(f, "{v:?}"),
            Self::Text(v) => write!(f, "\"{v}\""),
            Self::Texts(v) => write!(f, "{v:?}"),
        }
    }
}

/// The values that a parameter accepts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Range {
    /// `true` or `false`.
    Flag,
    /// Integers from the first to the second, both included.
    Whole(i64, i64),
    /// Numbers from the first to the second, both included.
    Real(f64, f64),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// The outline of a robot: a [`Footprint`](crate::footprint::Footprint), or nothing.
    Footprint,
    /// The name of a frame: any text except an empty one.
    Frame,
    /// Any text.
    AnyText,
    /// Different names of planners, at least one and at most [`MAX_PLUGINS`].
    PluginNames,
}

/// The greatest number of planners: each has a model and buffers of its own.
pub const MAX_PLUGINS: usize = 8;

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag => write!(f, "true or false"),
            Self::Whole(low, high) => write!(f, "a whole number from {low} to {high}"),
            Self::Real(low, high) => write!(f, "a number from {low} to {high}"),
            Self::OneOf(names) => write!(f, "one of {}", names.join(", ")),
            Self::Footprint => write!(f, "a footprint [[x1, y1], [x2, y2], [x3, y3], ...], or empty"),
            Self::Frame => write!(f, "the name of a frame"),
            Self::AnyText => write!(f, "a text"),
            Self::PluginNames => write!(f, "a list of 1 to {MAX_PLUGINS} different names of letters, digits and _"),
        }
    }
}

/// What a running node must do when a parameter changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Nothing: the value is read each time it is used.
    Nothing,
    /// Recompute the costs of the whole grid.
    Costs,
    /// Build a new planner, which starts cold.
    Planner,
    /// Both: the costs and the planner are those of another robot.
    Robot,
    /// Restart the node. The old value applies until then.
    Restart,
}

impl Needs {
    /// Whether doing this does the other, too.
    pub(crate) fn includes(self, other: Self) -> bool {
        self == other || self == Self::Robot && matches!(other, Self::Costs | Self::Planner)
    }
}

/// One row of the parameter list.
#[derive(Debug, Clone)]
pub struct ParameterSpec {
    /// The name of the ROS parameter.
    pub name: &'static str,
    /// The default.
    pub default: Value,
    /// The unit, or empty if there is none.
    pub unit: &'static str,
    /// The accepted values.
    pub range: Range,
    /// What a change requires.
    pub needs: Needs,
    /// The description.
    pub doc: &'static str,
}

/// A parameter refused a value. The old value is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parameter {name}: {value} is not {expected}")]
pub struct ParameterError {
    /// The parameter's name.
    pub name: String,
    /// The refused value.
    pub value: String,
    /// What the parameter accepts.
    pub expected: String,
}

/// A frame's name, without the leading slash of ROS 1: the form in which parameters and messages have it.
#[must_use]
pub fn frame(name: &str) -> &str {
    name.strip_prefix('/').unwrap_or(name)
}
