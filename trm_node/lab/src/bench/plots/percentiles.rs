//! The time that a share of the ticks didn't exceed.

use plotters::prelude::LineSeries;
use plotters::style::Color as _;

use crate::bench::loop_run::LoopRun;
use crate::bench::plots::canvas::{Axes, PEN, axis_labels, chart, draw_axes, draw_deadlines, svg, time_axis};
use crate::bench::plots::linear_axis::LinearAxis;
use crate::bench::plots::palette::run_color;

/// The labels of percentiles.
const PERCENTILES: [(f64, &str); 7] =
    [(0.0, "0"), (0.5, "50"), (0.9, "90"), (0.99, "99"), (0.999, "99.9"), (0.9999, "99.99"), (0.999_99, "99.999 %")];

/// The place of a quantile on the axis: each further nine takes the same space.
fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).log10()
}

/// Percentiles of all runs.
///
/// # Errors
/// If plotters fails, which shouldn't happen.
pub fn percentiles(runs: &[&LoopRun]) -> anyhow::Result<String> {
    svg("Percentiles of the time from request to path, with the deadline", |area| {
        let ticks = runs.iter().map(|run| run.ticks).max().unwrap_or(1).max(10) as f64;
        let end = ticks.log10().clamp(1.0, 6.0);
        let places = PERCENTILES.map(|(quantile, _)| nines(quantile));
        let shown: Vec<f64> = places.into_iter().filter(|place| *place <= end + 1e-3).collect();
        let times = time_axis(runs, |run| run.histogram.first().map_or(run.latency_us.p50, |(us, _)| *us));
        let labels = axis_labels(&times);
        let mut chart = chart(area).build_cartesian_2d(LinearAxis::new(0.0..end, shown), times)?;
        let percentile = |place: &f64| {
            let label = PERCENTILES.iter().find(|(quantile, _)| (nines(*quantile) - place).abs() < 1e-6);
            label.map_or_else(String::new, |(_, label)| (*label).to_owned())
        };
        let axes = Axes {
            description: "% of ticks were not slower",
            x_label: &percentile,
            y_label: &labels,
            grid: [true, true],
        };
        draw_axes(&mut chart, &axes)?;
        draw_deadlines(&mut chart, runs)?;
        for (number, run) in runs.iter().enumerate() {
            chart.draw_series(LineSeries::new(curve(run, end), run_color(number).stroke_width(PEN)))?;
        }
        Ok(())
    })
}

/// The steps of a run's curve, from the shortest time to the longest.
fn curve(run: &LoopRun, end: f64) -> Vec<(f64, f64)> {
    let ticks = run.histogram.iter().map(|(_, count)| count).sum::<u64>().max(1) as f64;
    let mut passed = 0;
    let mut points = Vec::with_capacity(2 * run.histogram.len());
    for (us, count) in &run.histogram {
        let before = nines(passed as f64 / ticks);
        passed += count;
        // The slowest of n ticks stands where one tick in n is slower.
        let after = nines((passed as f64 / ticks).min(1.0 - 1.0 / ticks.max(2.0)));
        points.push((before.min(after).min(end), us / 1e3));
        points.push((after.min(end), us / 1e3));
    }
    points
}
