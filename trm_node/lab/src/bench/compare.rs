//! `trm bench compare`: the ratios of two reports' figures, and which differences are more than noise.

use std::fmt::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use crate::bench::args::CompareArgs;
use crate::bench::figures::{Figure, all};
use crate::bench::numbers::{or_dash, short};
use crate::bench::report::BenchReport;

/// How B's figure compares with A's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// The intervals overlap.
    WithinNoise,
    /// B's interval lies above A's.
    Higher,
    /// B's interval lies below A's.
    Lower,
    /// There is no interval for this figure.
    NotJudged,
}

impl Verdict {
    fn of(a: &Figure, b: &Figure) -> Self {
        match (a.interval, b.interval) {
            (Some([_, high]), Some([low, _])) if high < low => Self::Higher,
            (Some([low, _]), Some([_, high])) if high < low => Self::Lower,
            (Some(_), Some(_)) => Self::WithinNoise,
            _ => Self::NotJudged,
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::WithinNoise => "within noise",
            Self::Higher => "B is higher",
            Self::Lower => "B is lower",
            Self::NotJudged => "",
        }
    }
}

/// A figure that both reports have.
#[derive(Debug, Serialize)]
struct ComparedFigure {
    figure: String,
    a: f64,
    b: f64,
    /// b / a; `None` if a is 0.
    ratio: Option<f64>,
    verdict: Verdict,
}

/// Two reports, compared.
#[derive(Debug, Serialize)]
struct Comparison {
    /// The file of A.
    a: String,
    /// The file of B.
    b: String,
    /// Settings and machines that differ, which makes the two hard to compare.
    differences: Vec<String>,
    figures: Vec<ComparedFigure>,
}

/// Compares two files and gives what is to be printed.
///
/// # Errors
/// If a file isn't a report of this format. The message names the file and the field.
pub fn run(args: &CompareArgs) -> anyhow::Result<String> {
    let (a, b) = (BenchReport::load(&args.a)?, BenchReport::load(&args.b)?);
    let (in_a, in_b) = (all(&a), all(&b));
    let row = |a: &Figure| {
        let b = in_b.iter().find(|b| b.name == a.name)?;
        Some(ComparedFigure {
            figure: a.name.clone(),
            a: a.value,
            b: b.value,
            ratio: Some(b.value / a.value).filter(|ratio| ratio.is_finite()),
            verdict: Verdict::of(a, b),
        })
    };
    let comparison = Comparison {
        a: args.a.display().to_string(),
        b: args.b.display().to_string(),
        differences: differences(&a, &b),
        figures: in_a.iter().filter_map(row).collect(),
    };
    if args.json { Ok(serde_json::to_string_pretty(&comparison)?) } else { Ok(table(&comparison)) }
}

/// The settings and machines that differ, as sentences.
fn differences(a: &BenchReport, b: &BenchReport) -> Vec<String> {
    let (left, right) = (&a.settings, &b.settings);
    let mut differences = Vec::new();
    let mut compare = |what: &str, a: String, b: String| {
        if a != b {
            differences.push(format!("{what}: {a} against {b}"));
        }
    };
    compare("machine", a.machine.summary(), b.machine.summary());
    compare("maps", left.maps.join(", "), right.maps.join(", "));
    compare("rate_hz", left.rate_hz.to_string(), right.rate_hz.to_string());
    compare("deadline_ms", left.deadline_ms.to_string(), right.deadline_ms.to_string());
    compare("window", left.window.to_string(), right.window.to_string());
    compare("bundle", left.bundle.clone(), right.bundle.clone());
    compare("backend", left.backend.clone(), right.backend.clone());
    compare("seed", left.seed.to_string(), right.seed.to_string());
    differences
}

/// The comparison as text for a terminal.
fn table(comparison: &Comparison) -> String {
    let mut text = format!("A: {}\nB: {}\n", comparison.a, comparison.b);
    for difference in &comparison.differences {
        let _ = writeln!(text, "not the same: {difference}");
    }
    let _ = writeln!(text, "{}", figures(&comparison.figures).trim_fmt());
    let count = |verdict: Verdict| comparison.figures.iter().filter(|row| row.verdict == verdict).count();
    let differ = count(Verdict::Higher) + count(Verdict::Lower);
    let judged = differ + count(Verdict::WithinNoise);
    let _ = writeln!(
        text,
        "{differ} of {judged} figures differ by more than their 95 % intervals, {} are within noise; of {judged}, \
         about {:.0} would by chance alone. The intervals know nothing of heat and clocks that drift between runs.",
        judged - differ,
        // Two 95 % intervals that just touch are 2.8 standard errors apart: 0.6 % of all pairs are further apart by
        // chance.
        judged as f64 * 0.006
    );
    text
}

/// A line for each figure.
fn figures(figures: &[ComparedFigure]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header(["", "A", "B", "B / A", ""]);
    for row in figures {
        let ratio = or_dash(row.ratio, |ratio| format!("{ratio:.3}"));
        table.add_row([row.figure.clone(), short(row.a), short(row.b), ratio, row.verdict.text().to_owned()]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
        if matches!(column.index, 1..=3) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_differ_when_their_intervals_have_nothing_in_common() {
        let figure = |low: f64, high: f64| Figure { name: String::new(), value: low, interval: Some([low, high]) };
        assert_eq!(Verdict::of(&figure(1.0, 2.0), &figure(1.5, 3.0)), Verdict::WithinNoise);
        assert_eq!(Verdict::of(&figure(1.0, 2.0), &figure(2.1, 3.0)), Verdict::Higher);
        assert_eq!(Verdict::of(&figure(5.0, 6.0), &figure(2.1, 3.0)), Verdict::Lower);
        assert_eq!(Verdict::of(&figure(5.0, f64::INFINITY), &figure(9.0, f64::INFINITY)), Verdict::WithinNoise);
        let bare = Figure { interval: None, ..figure(1.0, 1.0) };
        assert_eq!(Verdict::of(&bare, &figure(9.0, 9.0)), Verdict::NotJudged);
    }
}
