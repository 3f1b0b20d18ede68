//! What all plots have in common: size, fonts, axes and deadlines.

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::coord::combinators::WithKeyPoints;
use plotters::coord::ranged1d::DefaultFormatting;
use plotters::prelude::{
    BindKeyPoints as _, Cartesian2d, DashedLineSeries, DrawingArea, EmptyElement, IntoDrawingArea as _,
    IntoLogRange as _, LogCoord, Ranged, SVGBackend, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, IntoFont as _, RGBColor, TRANSPARENT, TextStyle};

use crate::bench::loop_run::LoopRun;
use crate::bench::plots::palette::{BAD, GRID, TEXT};
use crate::bench::plots::round_numbers::{is_power_of_ten, label, round_numbers, round_range};
use crate::plot_font;

/// Width and height of a plot, in its own units; the page scales it.
const SIZE: (u32, u32) = (960, 560);
/// Size of texts; plotters writes it divided by 1.24.
const FONT: u32 = 32;
/// Width of curves.
pub const PEN: u32 = 4;
/// Round numbers on an axis of times, above which only the powers of ten have labels.
const MOST_LABELS: usize = 10;
/// The namespace that SVG needs as a file of its own, but not inside HTML.
const NAMESPACE: &str = " xmlns=\"http://www.w3.org/2000/svg\"";

/// The area that a plot is drawn on.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// A chart in an area.
pub type SvgChart<'a, 'b, X, Y> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<X, Y>>;
/// A logarithmic axis.
pub type LogAxis = WithKeyPoints<LogCoord<f64>>;

/// Draws an SVG for an HTML page. `description` is for those who can't see it; it needs no escaping.
pub fn svg(description: &str, draw: impl FnOnce(&Area) -> anyhow::Result<()>) -> anyhow::Result<String> {
    plot_font::register()?;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        draw(&area)?;
        area.present()?;
    }
    Ok(svg.replacen(NAMESPACE, &format!(" role=\"img\" aria-label=\"{description}\""), 1))
}

/// A chart without axes.
pub fn chart<'a, 'b>(area: &'a Area<'b>) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
    let mut builder = ChartBuilder::on(area);
    builder.margin_right(44).margin_top(28).x_label_area_size(84).y_label_area_size(100);
    builder
}

/// The style of texts.
pub fn text_style(color: RGBColor, h: HPos, v: VPos) -> TextStyle<'static> {
    (plot_font::FAMILY, FONT).into_font().color(&color).pos(Pos::new(h, v))
}

/// What a chart's axes show.
pub struct Axes<'f> {
    /// What the horizontal axis counts.
    pub description: &'f str,
    /// The label of a key point of the horizontal axis.
    pub x_label: &'f dyn Fn(&f64) -> String,
    /// The label of a key point of the vertical axis.
    pub y_label: &'f dyn Fn(&f64) -> String,
    /// Whether the grid has lines at the key points of the horizontal axis, and of the vertical one.
    pub grid: [bool; 2],
}

/// Draws a chart's axes and its grid.
///
/// # Errors
/// If plotters fails, which shouldn't happen.
pub fn draw_axes<X, Y>(chart: &mut SvgChart<X, Y>, axes: &Axes) -> anyhow::Result<()>
where
    X: Ranged<ValueType = f64, FormatOption = DefaultFormatting>,
    Y: Ranged<ValueType = f64, FormatOption = DefaultFormatting>,
{
    let mut mesh = chart.configure_mesh();
    let [x_grid, y_grid] = axes.grid;
    if !x_grid {
        mesh.disable_x_mesh();
    }
    if !y_grid {
        mesh.disable_y_mesh();
    }
    mesh.light_line_style(TRANSPARENT)
        .bold_line_style(GRID.stroke_width(2))
        .axis_style(GRID.stroke_width(2))
        .label_style(text_style(TEXT, HPos::Center, VPos::Center))
        .x_label_formatter(axes.x_label)
        .y_label_formatter(axes.y_label)
        .x_desc(axes.description)
        .draw()?;
    Ok(())
}

/// A logarithmic axis with key points at round numbers.
pub fn log_axis(low: f64, high: f64) -> LogAxis {
    let range = round_range(low, high);
    let key_points = round_numbers(range.start, range.end);
    range.log_scale().with_key_points(key_points)
}

/// An axis for the times and the deadlines of runs, in milliseconds. `shortest_us` gives a run's shortest time.
pub fn time_axis(runs: &[&LoopRun], shortest_us: impl Fn(&LoopRun) -> f64) -> LogAxis {
    let shortest = runs.iter().map(|run| shortest_us(run) / 1e3).fold(f64::INFINITY, f64::min);
    let longest = runs.iter().map(|run| (run.latency_us.max / 1e3).max(run.setup.deadline_ms)).fold(0.0, f64::max);
    log_axis(if shortest.is_finite() { shortest } else { 0.1 }, longest * 1.05)
}

/// The labels of an axis, fewer where there is no room.
pub fn axis_labels(axis: &LogAxis) -> impl Fn(&f64) -> String + use<> {
    let is_crowded = axis.bold_points().len() > MOST_LABELS;
    move |value| if is_crowded && !is_power_of_ten(*value) { String::new() } else { label(*value) }
}

/// Draws each deadline of the runs across the chart, once.
pub fn draw_deadlines<X: Ranged<ValueType = f64>>(
    chart: &mut SvgChart<X, LogAxis>,
    runs: &[&LoopRun],
) -> anyhow::Result<()> {
    let mut deadlines: Vec<f64> = runs.iter().map(|run| run.setup.deadline_ms).collect();
    deadlines.sort_by(f64::total_cmp);
    deadlines.dedup();
    let x = chart.x_range();
    for deadline in deadlines {
        draw_deadline(chart, [(x.start, deadline), (x.end, deadline)])?;
        let text = Text::new(format!("deadline {deadline} ms"), (8, -4), text_style(BAD, HPos::Left, VPos::Bottom));
        chart.draw_series([EmptyElement::at((x.start, deadline)) + text])?;
    }
    Ok(())
}

/// Draws a dashed line.
pub fn draw_deadline<X, Y>(chart: &mut SvgChart<X, Y>, ends: [(f64, f64); 2]) -> anyhow::Result<()>
where
    X: Ranged<ValueType = f64>,
    Y: Ranged<ValueType = f64>,
{
    chart.draw_series(DashedLineSeries::new(ends, 10, 8, BAD.stroke_width(3)))?;
    Ok(())
}
