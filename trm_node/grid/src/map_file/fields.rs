//! The fields of a map's YAML file.

use std::fmt::{self, Formatter};
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_yaml::Value;

use crate::geometry::decimal;
use crate::map_file::error::MapFileError;
use crate::units::Pose;

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
    /// Side length of a cell in metres, in single precision as the map server publishes it.
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
        if let Some(line) = second_document(text) {
            return Err(refused(format!("line {line} begins a second document, but a map file is one")));
        }
        let Entries(entries) = serde_yaml::from_str(text).map_err(|e| match serde_yaml::from_str(text) {
            Ok(Value::Mapping(_)) | Err(_) => refused(format!("not YAML: {e}")),
            Ok(other) => refused(format!("no map of fields (image: …, resolution: …), but {}", show(&other))),
        })?;
        let reader = Reader { path, text, entries };
        let fields = Self {
            image: reader.image()?,
            resolution: reader.resolution()?,
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

/// The line that begins a second document, counted from 1.
fn second_document(text: &str) -> Option<usize> {
    let is_mark = |line: &str, mark| line.strip_prefix(mark).is_some_and(|rest| rest.trim_start().len() < rest.len());
    let mut has_content = false;
    for (number, line) in text.lines().enumerate() {
        // A mark is alone on its line, or white space follows it.
        let begins = is_mark(line, "---") || line == "---";
        if begins && has_content {
            return Some(number + 1);
        }
        let is_nothing = line.trim().is_empty() || line.starts_with(['#', '%']) || line.starts_with("...");
        has_content |= begins || !is_nothing;
    }
    None
}

/// The entries of a map of fields, in their order; a key may be there twice.
struct Entries(Vec<(Value, Value)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("a map of fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

/// The field `image` as it is written, also where YAML takes it for a number or a truth value.
#[derive(serde::Deserialize)]
struct Image {
    image: String,
}

/// Reads the fields one by one, and names the invalid one.
struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    entries: Vec<(Value, Value)>,
}

impl Reader<'_> {
    fn refuse(&self, field: &'static str, value: String, expected: &str) -> MapFileError {
        MapFileError::Field { path: self.path.to_owned(), field, value, expected: expected.to_owned() }
    }

    fn find(&self, field: &'static str) -> Result<Option<&Value>, MapFileError> {
        let mut values = self.entries.iter().filter(|(key, _)| key.as_str() == Some(field)).map(|(_, value)| value);
        let value = values.next();
        match values.next() {
            None => Ok(value),
            Some(other) => {
                let both = format!("{} and {}", value.map(show).unwrap_or_default(), show(other));
                Err(self.refuse(field, both, "it must be there once"))
            }
        }
    }

    fn get(&self, field: &'static str) -> Result<&Value, MapFileError> {
        self.find(field)?.ok_or_else(|| MapFileError::Missing { path: self.path.to_owned(), field })
    }

    fn image(&self) -> Result<String, MapFileError> {
        let value = self.get("image")?;
        let name = match value {
            Value::String(name) => Some(name.clone()),
            Value::Number(_) | Value::Bool(_) => serde_yaml::from_str(self.text).ok().map(|Image { image }| image),
            _ => None,
        };
        let refused = || self.refuse("image", show(value), "it must be the path of an image");
        name.filter(|name| !name.is_empty()).ok_or_else(refused)
    }

    /// The map server publishes it in single precision.
    fn resolution(&self) -> Result<f64, MapFileError> {
        let fits = |v: f64| v as f32 > 0.0 && (v as f32).is_finite();
        let resolution = self.number("resolution", "it must be a positive number of metres", fits)?;
        Ok(decimal(resolution as f32))
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
        let Some(value) = self.find("mode")? else { return Ok(Mode::Trinary) };
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
        Value::Number(v) => v.to_string(),
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
    fn the_image_may_have_a_name_that_yaml_takes_for_another_type() {
        for name in ["2024", "1e3", "007", "true", "~/map.pgm", "0x10", "12.50"] {
            let text = format!("{REST}negate: 0\n").replace("m.png", name);
            assert_eq!(parse(&text).image, name);
        }
    }

    #[test]
    fn a_resolution_is_the_decimal_that_its_single_precision_means() {
        for (text, resolution) in [
            ("0.05000000074505806", 0.05),
            ("0.05", 0.05),
            ("5e-2", 0.05),
            ("0.1", 0.1),
            ("'0.025'", 0.025),
            ("1", 1.0),
        ] {
            let text = format!("{REST}negate: 0\n").replace("resolution: 0.05", &format!("resolution: {text}"));
            assert!(parse(&text).resolution.to_bits() == f64::to_bits(resolution), "{text}");
        }
    }

    #[test]
    fn one_document_may_have_marks_and_a_second_one_is_told_with_its_line() {
        let text = format!("%YAML 1.2\n# a map\n---\n{REST}negate: 0\n...\n");
        assert_eq!(parse(&text).image, "m.png");
        for (second, line) in [("---\nimage: b\n", 7), ("...\n--- # more\nimage: b\n", 8), ("---\n", 7)] {
            let text = format!("{REST}negate: 0\n{second}");
            let error = Fields::parse(Path::new("map.yaml"), &text).unwrap_err().to_string();
            assert!(error.contains(&format!("map.yaml: line {line} begins a second document")), "{error}");
        }
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let fields = parse(&format!("{REST}negate: 0\nunknown_thresh: 0.5\n"));
        assert!((fields.occupied_thresh - 0.65).abs() < 1e-12);
    }
}
