//! `trm parameters`: the table of all parameters, as the file that the node reads or as the table that people read.

use std::fmt::Write as _;

use trm_config::{Config, ParameterSpec, Range};

/// List every parameter of the node and of the planner, with its default, unit and range.
#[derive(clap::Args)]
pub struct ParametersArgs {
    /// What to write: a parameter file for ROS 2, or a table for a document.
    #[arg(long, value_enum, default_value_t = Format::Yaml)]
    pub format: Format,
}

/// How the table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A parameter file for ROS 2; `config/trm_node.yaml` is this.
    Yaml,
    /// A table in Markdown; the README's is this.
    Markdown,
}

/// The longest line of a comment in the parameter file.
const WIDTH: usize = 112;

/// The table as text.
pub fn table(format: Format) -> String {
    match format {
        Format::Yaml => yaml(&Config::specs()),
        Format::Markdown => markdown(&Config::specs()),
    }
}

/// `/**` is any node in any namespace, so that a namespace or another name for the node needs no change here.
fn yaml(specs: &[ParameterSpec]) -> String {
    let mut text = "# Every parameter of trm_node, with its default. Made by `trm parameters`; copy it to change it.\n\
                    /**:\n  ros__parameters:\n"
        .to_owned();
    for (number, spec) in specs.iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        for line in wrapped(&format!("{} {}", spec.doc, range(spec))) {
            let _ = writeln!(text, "    # {line}");
        }
        let _ = writeln!(text, "    {}: {}", spec.name, spec.default);
    }
    text
}

fn markdown(specs: &[ParameterSpec]) -> String {
    let mut text = "| Parameter | Default | Unit | Range | Meaning |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for ParameterSpec { name, default, unit, range, doc, .. } in specs {
        let _ = writeln!(text, "| `{name}` | `{default}` | {unit} | {} | {doc} |", short(*range));
    }
    text
}

/// Range and unit as a sentence; empty where any text will do.
fn range(spec: &ParameterSpec) -> String {
    let unit = if spec.unit.is_empty() { String::new() } else { format!(", in {}", spec.unit) };
    match spec.range {
        Range::AnyText | Range::Frame => String::new(),
        Range::Footprint | Range::PluginNames => format!("{}.", capitalised(&spec.range.to_string())),
        Range::Flag => "True or false.".to_owned(),
        Range::Whole(low, high) => format!("A whole number from {low} to {high}{unit}."),
        Range::Real(low, high) => format!("A number from {low} to {high}{unit}."),
        Range::OneOf(names) => format!("One of {}.", names.join(", ")),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A range in few words.
fn short(range: Range) -> String {
    match range {
        Range::Whole(low, high) => format!("{low} to {high}"),
        Range::Real(low, high) => format!("{low} to {high}"),
        Range::OneOf(names) => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        Range::Flag | Range::AnyText | Range::Frame | Range::Footprint | Range::PluginNames => range.to_string(),
    }
}

/// Lines of at most [`WIDTH`] letters.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameter_file_sets_every_parameter_to_its_default() {
        let file: serde_yaml::Value = serde_yaml::from_str(&table(Format::Yaml)).unwrap();
        let values = file["/**"]["ros__parameters"].as_mapping().unwrap();
        let specs = Config::specs();
        assert_eq!(values.len(), specs.len());
        for ParameterSpec { name, default, range, .. } in specs {
            let expected: serde_yaml::Value = serde_yaml::from_str(&default.to_string()).unwrap();
            assert_eq!(values[name], expected, "{name}");
            // ROS refuses a whole number where a parameter is declared as a number.
            assert_eq!(values[name].is_f64(), matches!(range, Range::Real(..)), "{name}");
        }
    }

    #[test]
    fn every_row_of_the_table_has_five_columns() {
        let table = table(Format::Markdown);
        assert_eq!(table.lines().count(), Config::specs().len() + 2);
        assert!(table.lines().all(|line| line.matches('|').count() == 6), "{table}");
    }

    #[test]
    fn no_comment_is_too_long() {
        assert!(table(Format::Yaml).lines().all(|line| line.chars().count() <= 120));
    }
}
