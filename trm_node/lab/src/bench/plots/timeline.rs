//! A run over time: the slowest and the median tick of each stretch, and missed ticks.

use plotters::prelude::{Circle, LineSeries};
use plotters::style::Color as _;

use crate::bench::loop_run::LoopRun;
use crate::bench::numbers::short;
use crate::bench::plots::canvas::{Axes, PEN, axis_labels, chart, draw_axes, draw_deadlines, svg, time_axis};
use crate::bench::plots::linear_axis::LinearAxis;
use crate::bench::plots::palette::{BAD, run_color};
use crate::bench::timeline::TimelineSlot;

/// Radius of the mark of a stretch with missed ticks.
const MARK: i32 = 7;
/// Opacity of the thin curve.
const PALE: f64 = 0.65;

/// The timeline of a run.
///
/// # Errors
/// If plotters fails, which shouldn't happen.
pub fn timeline(run: &LoopRun, number: usize) -> anyhow::Result<String> {
    svg("Time from request to path over the run, misses marked", |area| {
        let end = run.timeline.last().map_or(1.0, |slot| slot.at_s).max(0.1);
        let quarters: Vec<f64> = (0..=4).map(|quarter| end * f64::from(quarter) / 4.0).collect();
        let times = time_axis(&[run], |run| run.timeline.iter().map(|slot| slot.p50_us).fold(f64::INFINITY, f64::min));
        let labels = axis_labels(&times);
        let mut chart = chart(area).build_cartesian_2d(LinearAxis::new(0.0..end, quarters), times)?;
        let axes = Axes {
            description: "s; slowest (thin) and median (thick) of each stretch",
            x_label: &|seconds| short(*seconds),
            y_label: &labels,
            grid: [false, true],
        };
        draw_axes(&mut chart, &axes)?;
        draw_deadlines(&mut chart, &[run])?;
        let points = |of: fn(&TimelineSlot) -> f64| run.timeline.iter().map(move |slot| (slot.at_s, of(slot) / 1e3));
        let color = run_color(number);
        chart.draw_series(LineSeries::new(points(|slot| slot.max_us), color.mix(PALE).stroke_width(PEN / 2)))?;
        chart.draw_series(LineSeries::new(points(|slot| slot.p50_us), color.stroke_width(PEN)))?;
        let missed = run.timeline.iter().filter(|slot| slot.misses > 0);
        chart.draw_series(missed.map(|slot| Circle::new((slot.at_s, slot.max_us / 1e3), MARK, BAD.filled())))?;
        Ok(())
    })
}
