//! Conversion between the types of the parameters and [`Value`].

use crate::footprint::Footprint;
use crate::value::{MAX_PLUGINS, Range, Value, frame};

/// A type that a parameter may have.
pub trait Parameter: Sized {
    /// Converts to the common type.
    fn to_value(&self) -> Value;

    /// Converts from the common type. `None` if the value has the wrong type or is out of range.
    fn from_value(value: &Value, range: Range) -> Option<Self>;

    /// What a refused value isn't.
    fn expected(_: &Value, range: Range) -> String {
        range.to_string()
    }
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
        // YAML reads `20` as an integer. Accept it where a floating-point number is expected.
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
        let Value::Text(text) = value else { return None };
        match range {
            // With one more slash it is a name that no message has.
            Range::Frame => Some(frame(text)).filter(|frame| !frame.is_empty() && !frame.starts_with('/')),
            _ => Some(text.as_str()),
        }
        .map(str::to_owned)
    }
}

impl Parameter for Vec<String> {
    fn to_value(&self) -> Value {
        Value::Texts(self.clone())
    }
    fn from_value(value: &Value, _: Range) -> Option<Self> {
        let Value::Texts(names) = value else { return None };
        let is_name = |name: &String| {
            let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            (1..=64).contains(&name.len()) && name.chars().all(is_of_name)
        };
        let are_different = (1..names.len()).all(|at| !names[..at].contains(&names[at]));
        ((1..=MAX_PLUGINS).contains(&names.len()) && are_different && names.iter().all(is_name)).then(|| names.clone())
    }
}

impl Parameter for Option<Footprint> {
    fn to_value(&self) -> Value {
        Value::Text(self.as_ref().map_or_else(String::new, ToString::to_string))
    }
    fn from_value(value: &Value, _: Range) -> Option<Self> {
        let Value::Text(text) = value else { return None };
        if is_no_footprint(text) { Some(None) } else { text.parse().ok().map(Some) }
    }
    fn expected(value: &Value, range: Range) -> String {
        let reason = if let Value::Text(text) = value { text.parse::<Footprint>().err() } else { None };
        reason.map_or_else(|| range.to_string(), |reason| format!("a footprint: {reason}"))
    }
}

/// Whether a text stands for no footprint, as in Nav2, where `[]` is the default.
fn is_no_footprint(text: &str) -> bool {
    let letters = text.chars().filter(|letter| !letter.is_whitespace());
    letters.clone().count() == 0 || letters.eq("[]".chars())
}

/// Defines an enum whose values are written as text: its variants with their names, in documentation order.
macro_rules! text_enum {
    ($(#[doc = $doc:literal])+ $Enum:ident { $($(#[doc = $variant_doc:literal])+ $Variant:ident = $name:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $Enum { $($(#[doc = $variant_doc])+ $Variant,)+ }

        impl $Enum {
            /// The names that the parameter accepts.
            pub const NAMES: &'static [&'static str] = &[$($name,)+];

            /// The name in the parameter.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$Variant => $name,)+ }
            }
        }

        impl $crate::parameter::Parameter for $Enum {
            fn to_value(&self) -> $crate::value::Value {
                $crate::value::Value::Text(self.name().to_owned())
            }
            fn from_value(value: &$crate::value::Value, _: $crate::value::Range) -> Option<Self> {
                match value {
                    $($crate::value::Value::Text(v) if v == $name => Some(Self::$Variant),)+
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use text_enum;
