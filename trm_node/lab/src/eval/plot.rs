//! The plot of `--png`: the share of queries that is solved, by step and by time.

use std::path::Path;

use anyhow::Context as _;
use image::RgbImage;
use plotters::chart::{ChartBuilder, ChartContext, SeriesLabelPosition};
use plotters::coord::Shift;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::{
    BitMapBackend, Cartesian2d, DrawingArea, IntoDrawingArea as _, IntoLogRange as _, LineSeries, PathElement,
    RGBColor, Ranged,
};
use plotters::style::{BLACK, Color as _, WHITE};

use super::anytime::Anytime;
use super::race::{CONTENDERS, ContenderTimes};
use super::trace::AfterStep;
use crate::plot_font;

/// In the order of [`CONTENDERS`].
const COLOURS: [RGBColor; CONTENDERS.len()] = [
    RGBColor(30, 90, 220),
    RGBColor(20, 150, 60),
    RGBColor(240, 150, 20),
    RGBColor(210, 30, 40),
    RGBColor(140, 60, 180),
];

/// Side of a panel, in pixels.
const SIDE: u32 = 520;
/// Sizes of texts, in pixels.
const TITLE: u32 = 20;
const LABEL: u32 = 15;
/// Width of a curve, in pixels.
const PEN: u32 = 2;
/// Range of the right panel, in milliseconds.
const TIMES_MS: std::ops::Range<f64> = 1e-2..1e4;

/// One panel of the picture.
type Panel<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

/// Writes the plot. The panel of times is left out when there are none.
///
/// # Errors
/// When the file can't be written.
pub fn save(anytime: &Anytime, file: &Path) -> anyhow::Result<()> {
    Ok(draw(anytime)?.save_with_format(file, image::ImageFormat::Png)?)
}

fn draw(anytime: &Anytime) -> anyhow::Result<RgbImage> {
    plot_font::register()?;
    let panels = if anytime.times_ms.is_some() { 2 } else { 1 };
    let (width, height) = (panels * SIDE, SIDE);
    let mut pixels = vec![0; 3 * width as usize * height as usize];
    {
        let picture = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
        picture.fill(&WHITE)?;
        let areas = picture.split_evenly((1, panels as usize));
        by_step(&areas[0], anytime)?;
        if let Some(times) = &anytime.times_ms {
            let times =
                CONTENDERS.into_iter().zip(COLOURS).filter_map(|(name, colour)| Some((name, times.get(name)?, colour)));
            by_time(&areas[1], anytime.queries, times)?;
        }
        picture.present()?;
    }
    RgbImage::from_raw(width, height, pixels).context("the picture has another size")
}

fn by_step(area: &Panel, anytime: &Anytime) -> anyhow::Result<()> {
    let mut chart = layout(area, "solved by step").build_cartesian_2d(1.0..anytime.steps.max(2) as f64, 0.0..1.0)?;
    mesh(&mut chart, "supervision steps", &|step| format!("{step:.0}"))?;
    for (row, name) in ["in this answer or before", "in this answer"].into_iter().enumerate().rev() {
        let solved = |step: &AfterStep| if row == 0 { step.solved } else { step.solved_now };
        let points = anytime.by_step.iter().filter_map(|step| Some((step.step as f64, solved(step)?)));
        curve(&mut chart, points, name, COLOURS[row])?;
    }
    legend(&mut chart)
}

fn by_time<'a>(
    area: &Panel,
    queries: usize,
    contenders: impl Iterator<Item = (&'static str, &'a ContenderTimes, RGBColor)>,
) -> anyhow::Result<()> {
    let mut chart = layout(area, "solved by time").build_cartesian_2d(TIMES_MS.log_scale(), 0.0..1.0)?;
    mesh(&mut chart, "milliseconds", &|ms| ms.to_string())?;
    for (name, times, colour) in contenders {
        let share = |solved: usize| solved as f64 / queries as f64;
        // A stair: each time adds one query.
        let stairs = times.sorted.iter().enumerate().flat_map(|(n, ms)| [(*ms, share(n)), (*ms, share(n + 1))]);
        let end = (TIMES_MS.end, share(times.sorted.len()));
        let points = stairs.map(|(ms, share)| (ms.clamp(TIMES_MS.start, TIMES_MS.end), share)).chain([end]);
        curve(&mut chart, points, name, colour)?;
    }
    legend(&mut chart)
}

/// The room for a panel's title and labels.
fn layout<'a, 'b>(area: &'a Panel<'b>, title: &str) -> ChartBuilder<'a, 'b, BitMapBackend<'b>> {
    let mut builder = ChartBuilder::on(area);
    builder.margin(TITLE).x_label_area_size(2 * TITLE).y_label_area_size(2 * TITLE);
    builder.caption(title, (plot_font::FAMILY, TITLE));
    builder
}

/// A panel with numbers on both axes; y is a share.
type Chart<'a, 'b, X> = ChartContext<'a, BitMapBackend<'b>, Cartesian2d<X, plotters::coord::types::RangedCoordf64>>;

fn mesh<X>(chart: &mut Chart<X>, unit: &str, number: &dyn Fn(&f64) -> String) -> anyhow::Result<()>
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let mut mesh = chart.configure_mesh();
    mesh.light_line_style(WHITE).label_style((plot_font::FAMILY, LABEL)).x_desc(unit);
    Ok(mesh.x_label_formatter(number).y_label_formatter(&|share| format!("{share:.1}")).draw()?)
}

fn curve<X: Ranged<ValueType = f64>>(
    chart: &mut Chart<X>,
    points: impl Iterator<Item = (f64, f64)>,
    name: &str,
    colour: RGBColor,
) -> anyhow::Result<()> {
    let style = colour.stroke_width(PEN);
    let line = move |(x, y)| PathElement::new([(x, y), (x + TITLE as i32, y)], style);
    chart.draw_series(LineSeries::new(points, style))?.label(name).legend(line);
    Ok(())
}

fn legend<'a, 'b: 'a, X: Ranged<ValueType = f64>>(chart: &mut Chart<'a, 'b, X>) -> anyhow::Result<()> {
    let mut labels = chart.configure_series_labels();
    labels.position(SeriesLabelPosition::LowerRight).label_font((plot_font::FAMILY, LABEL));
    Ok(labels.background_style(WHITE.mix(0.8)).border_style(BLACK.mix(0.3)).draw()?)
}
