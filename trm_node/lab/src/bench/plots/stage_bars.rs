//! How long each stage takes.

use plotters::prelude::{EmptyElement, Rectangle, Text};
use plotters::style::Color as _;
use plotters::style::text_anchor::{HPos, VPos};

use crate::bench::loop_run::LoopRun;
use crate::bench::numbers::ms;
use crate::bench::plots::canvas::{Axes, chart, draw_axes, svg, text_style};
use crate::bench::plots::linear_axis::LinearAxis;
use crate::bench::plots::palette::{TEXT, run_color};
use crate::bench::stages::stages;

/// Opacity of the bar of the 99th percentile.
const PALE: f64 = 0.35;

/// Median and 99th percentile of each stage of a run.
///
/// # Errors
/// If plotters fails, which shouldn't happen.
pub fn stage_bars(run: &LoopRun, number: usize) -> anyhow::Result<String> {
    svg("Time of each stage, median and 99th percentile", |area| {
        let stages: Vec<_> = stages(run).collect();
        let longest = stages.iter().map(|(_, times)| times.p99 / 1e3).fold(0.01, f64::max);
        let rows: Vec<f64> = (0..stages.len()).map(|row| row as f64 + 0.5).collect();
        let mut builder = chart(area);
        builder.y_label_area_size(140);
        let mut chart = builder.build_cartesian_2d(
            LinearAxis::new(0.0..longest * 1.25, Vec::new()),
            // The first stage is at the top.
            LinearAxis::new(stages.len().max(1) as f64..0.0, rows),
        )?;
        let name = |row: &f64| stages.get(*row as usize).map_or_else(String::new, |(name, _)| (*name).to_owned());
        let axes = Axes {
            description: "ms, median (full) / 99th percentile (pale)",
            x_label: &|_| String::new(),
            y_label: &name,
            grid: [false, false],
        };
        draw_axes(&mut chart, &axes)?;
        for (row, (_, times)) in stages.iter().enumerate() {
            let (top, bottom, middle) = (row as f64 + 0.2, row as f64 + 0.8, row as f64 + 0.5);
            let color = run_color(number);
            let bar =
                |us: f64, opacity: f64| Rectangle::new([(0.0, top), (us / 1e3, bottom)], color.mix(opacity).filled());
            chart.draw_series([bar(times.p99, PALE), bar(times.p50, 1.0)])?;
            let text = format!("{} / {}", ms(times.p50), ms(times.p99));
            let label = Text::new(text, (8, 0), text_style(TEXT, HPos::Left, VPos::Center));
            chart.draw_series([EmptyElement::at((times.p99 / 1e3, middle)) + label])?;
        }
        Ok(())
    })
}
