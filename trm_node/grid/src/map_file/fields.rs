//! The fields of a map's YAML file.

use std::path::Path;

use crate::units::Pose;
use serde_yaml::{Mapping, Value};

use crate::map_file::error::MapFileError;

/// How grey values are converted to occupancy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Each cell is free, occupied or unknown.
    Trinary,
    /// Grey values between the thresholds are scaled to 0 to 100 per cent.
    Scale,
    /// A grey value from 0 to 100 is the occupancy itself; all others are unknown.
    Raw,
}

/// The contents of a map's YAML file, validated.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    /// The path of the image, absolute or relative to the YAML file.
    pub image: String,
    /// Side length of a cell in metres.
    pub resolution: f64,
    /// Outer corner of the lower left pixel, and the yaw of the map.
    pub origin: Pose,
    /// Whether white means occupied and black means free.
    pub negate: bool,
    /// Cells of at least this darkness, from 0 to 1, are occupied.
    pub occupied_thresh: f64,
    /// Cells of at most this darkness, from 0 to 1, are free.
    pub free_thresh: f64,
    /// How grey values are converted to occupancy.
    pub mode: Mode,
}

impl Fields {
    /// Parses the text of a YAML file. `path` is used in error messages only.
    ///
    /// # Errors
    /// [`MapFileError`], which names the invalid field.
    pub fn parse(path: &Path, text: &str) -> Result<Self, MapFileError> {
        let refused = |reason: String| MapFileError::File { path: path.to_owned(), reason };
        let value: Value = serde_yaml::from_str(text).map_err(|e| refused(format!("not YAML: {e}")))?;
        let Value::Mapping(mapping) = value else {
            return Err(refused("no map of fields (image: …, resolution: …)".to_owned()));
        };
        let reader = Reader { path, mapping };
        let fields = Self {
            image: reader.image()?,
            resolution: reader.number("resolution", "it must be a positive number of metres", |v| v > 0.0)?,
            origin: reader.origin()?,
            negate: reader.negate()?,
            occupied_thresh: reader.threshold("occupied_thresh")?,
            free_thresh: reader.threshold("free_thresh")?,
            mode: reader.mode()?,
        };
        if fields.occupied_thresh < fields.free_thresh {
            let expected = format!("it must not be below free_thresh, which is {}", fields.free_thresh);
            return Err(reader.refuse("occupied_thresh", fields.occupied_thresh.to_string(), &expected));
        }
        Ok(fields)
    }
}

/// Reads the fields one by one, and names the invalid one.
struct Reader<'a> {
    path: &'a Path,
    mapping: Mapping,
}

impl Reader<'_> {
    fn refuse(&self, field: &'static str, value: String, expected: &str) -> MapFileError {
        MapFileError::Field { path: self.path.to_owned(), field, value, expected: expected.to_owned() }
    }

    fn get(&self, field: &'static str) -> Result<&Value, MapFileError> {
        self.mapping.get(field).ok_or_else(|| MapFileError::Missing { path: self.path.to_owned(), field })
    }

    fn image(&self) -> Result<String, MapFileError> {
        let value = self.get("image")?;
        match value.as_str() {
            Some(name) if !name.is_empty() => Ok(name.to_owned()),
            _ => Err(self.refuse("image", show(value), "it must be the path of an image")),
        }
    }

    fn number(&self, field: &'static str, expected: &str, fits: fn(f64) -> bool) -> Result<f64, MapFileError> {
        let value = self.get(field)?;
        number(value).filter(|v| v.is_finite() && fits(*v)).ok_or_else(|| self.refuse(field, show(value), expected))
    }

    fn threshold(&self, field: &'static str) -> Result<f64, MapFileError> {
        self.number(field, "it must be a number from 0 to 1", |v| (0.0..=1.0).contains(&v))
    }

    fn origin(&self) -> Result<Pose, MapFileError> {
        let value = self.get("origin")?;
        let Some([x, y, yaw]) = value.as_sequence().map(Vec::as_slice) else {
            return Err(self.refuse("origin", show(value), "it must be three numbers: [x, y, yaw]"));
        };
        let finite = |value, field, expected: &str| {
            number(value).filter(|v| v.is_finite()).ok_or_else(|| self.refuse(field, show(value), expected))
        };
        Ok(Pose {
            x: finite(x, "origin[0]", "x must be a finite number of metres")?,
            y: finite(y, "origin[1]", "y must be a finite number of metres")?,
            yaw: finite(yaw, "origin[2]", "yaw must be a finite number of radians")?,
        })
    }

    /// Accepts an integer (0 is false) or any of YAML 1.1's names for a boolean.
    fn negate(&self) -> Result<bool, MapFileError> {
        let value = self.get("negate")?;
        let by_name = |name: &str| match name.to_ascii_lowercase().as_str() {
            "y" | "yes" | "true" | "on" => Some(true),
            "n" | "no" | "false" | "off" => Some(false),
            other => other.parse::<i64>().ok().map(|v| v != 0),
        };
        match value {
            Value::Bool(v) => Some(*v),
            Value::Number(v) => v.as_i64().map(|v| v != 0),
            Value::String(name) => by_name(name),
            _ => None,
        }
        .ok_or_else(|| self.refuse("negate", show(value), "it must be 0, 1, true or false"))
    }

    fn mode(&self) -> Result<Mode, MapFileError> {
        let Some(value) = self.mapping.get("mode") else { return Ok(Mode::Trinary) };
        match value.as_str().map(str::to_ascii_lowercase).as_deref() {
            Some("trinary") => Ok(Mode::Trinary),
            Some("scale") => Ok(Mode::Scale),
            Some("raw") => Ok(Mode::Raw),
            _ => Err(self.refuse("mode", show(value), "it must be trinary, scale or raw")),
        }
    }
}

/// A number, quoted or not: the map server's YAML library doesn't distinguish them.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// Formats a value for an error message.
fn show(value: &Value) -> String {
    match value {
        Value::Null => "empty".to_owned(),
        Value::Bool(v) => v.to_string(),
        Value::Number(v) => v.as_f64().map_or_else(|| v.to_string(), |v| v.to_string()),
        Value::String(v) => format!("{v:?}"),
        Value::Sequence(v) => format!("[{}]", v.iter().map(show).collect::<Vec<_>>().join(", ")),
        Value::Mapping(_) => "a map of fields".to_owned(),
        Value::Tagged(v) => format!("{} {}", v.tag, show(&v.value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Fields {
        Fields::parse(Path::new("map.yaml"), text).unwrap()
    }

    const REST: &str =
        "image: m.png\nresolution: 0.05\norigin: [0, 0, 0]\noccupied_thresh: '0.65'\nfree_thresh: 0.25\n";

    #[test]
    fn negate_may_be_an_integer_or_a_boolean() {
        for (text, negate) in [
            ("0", false),
            ("1", true),
            ("2", true),
            ("true", true),
            ("False", false),
            ("yes", true),
            ("off", false),
            ("'1'", true),
        ] {
            assert_eq!(parse(&format!("{REST}negate: {text}\n")).negate, negate, "{text}");
        }
    }

    #[test]
    fn the_mode_is_trinary_by_default_and_its_name_ignores_case() {
        assert_eq!(parse(&format!("{REST}negate: 0\n")).mode, Mode::Trinary);
        for (text, mode) in [("trinary", Mode::Trinary), ("Scale", Mode::Scale), ("RAW", Mode::Raw)] {
            assert_eq!(parse(&format!("{REST}negate: 0\nmode: {text}\n")).mode, mode);
        }
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let fields = parse(&format!("{REST}negate: 0\nunknown_thresh: 0.5\n"));
        assert!((fields.occupied_thresh - 0.65).abs() < 1e-12);
    }
}
