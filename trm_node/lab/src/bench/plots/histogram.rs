//! How many ticks took how long.

use std::ops::Range;

use plotters::prelude::{EmptyElement, Ranged as _, Rectangle, Text};
use plotters::style::Color as _;
use plotters::style::text_anchor::{HPos, VPos};

use crate::bench::loop_run::LoopRun;
use crate::bench::plots::canvas::{Axes, chart, draw_axes, draw_deadline, log_axis, svg, text_style};
use crate::bench::plots::linear_axis::LinearAxis;
use crate::bench::plots::palette::{BAD, run_color};
use crate::bench::plots::round_numbers::label;

/// Number of bars.
const BARS: usize = 48;
/// Gap between two bars, as a share of their width.
const GAP: f64 = 0.06;

/// The height of a bar: logarithmic, so that few ticks are seen too.
fn height(count: f64) -> f64 {
    (count + 1.0).log10()
}

/// The histogram of a run.
///
/// # Errors
/// If plotters fails, which shouldn't happen.
pub fn histogram(run: &LoopRun, number: usize) -> anyhow::Result<String> {
    svg("Histogram of the time from request to path", |area| {
        let low = run.histogram.first().map_or(0.1, |(us, _)| us / 1e3);
        let deadline = run.setup.deadline_ms;
        let times = log_axis(low, (run.latency_us.max / 1e3).max(deadline) * 1.05);
        let range = times.range();
        let counts = counts(run, &range);
        let most = counts.iter().copied().max().unwrap_or(1).max(1) as f64;
        let decades: Vec<f64> = (0..=most.log10() as i32).map(|decade| height(10_f64.powi(decade))).collect();
        let mut chart = chart(area).build_cartesian_2d(times, LinearAxis::new(0.0..height(most), decades))?;
        let axes = Axes {
            description: "ms from request to path",
            x_label: &|ms| label(*ms),
            y_label: &|height| label(10_f64.powf(*height) - 1.0),
            grid: [false, true],
        };
        draw_axes(&mut chart, &axes)?;
        let bars = counts.iter().enumerate().filter(|(_, count)| **count > 0).map(|(at, count)| {
            let (left, right) = (edge(&range, at as f64), edge(&range, (at + 1) as f64 - GAP));
            Rectangle::new([(left, 0.0), (right, height(*count as f64))], run_color(number).filled())
        });
        chart.draw_series(bars)?;
        draw_deadline(&mut chart, [(deadline, 0.0), (deadline, height(most))])?;
        let text = Text::new("deadline", (-8, 4), text_style(BAD, HPos::Right, VPos::Top));
        chart.draw_series([EmptyElement::at((deadline, height(most))) + text])?;
        Ok(())
    })
}

/// The left edge of a bar. All bars are equally wide on a logarithmic axis.
fn edge(range: &Range<f64>, bar: f64) -> f64 {
    range.start * (range.end / range.start).powf(bar / BARS as f64)
}

/// The ticks of each bar.
fn counts(run: &LoopRun, range: &Range<f64>) -> [u64; BARS] {
    let mut counts = [0; BARS];
    for (us, count) in &run.histogram {
        let share = (us / 1e3 / range.start).ln() / (range.end / range.start).ln();
        counts[((share * BARS as f64).max(0.0) as usize).min(BARS - 1)] += count;
    }
    counts
}
