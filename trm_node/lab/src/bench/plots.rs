//! The report's plots, as SVG that takes its colours from the page.

use std::fmt::Write as _;

use super::figures::{ms, short};
use super::run::Run;

/// Size of a plot and of what is around it, in its own units.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 22.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 40.0;
/// Classes of the page's style sheet, one for each run.
const SERIES: [&str; 4] = ["a", "b", "c", "d"];
/// Bars of the histogram.
const BARS: usize = 48;

/// Text that means itself in HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The class of a run's colour.
pub const fn series(number: usize) -> &'static str {
    SERIES[number % SERIES.len()]
}

/// A logarithmic or a linear scale from values to the picture.
#[derive(Clone, Copy)]
struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    log: bool,
}

impl Scale {
    const fn linear(low: f64, high: f64, from: f64, to: f64) -> Self {
        Self { low, high, from, to, log: false }
    }

    /// From a 1, 2 or 5 below to one above.
    fn log(low: f64, high: f64, from: f64, to: f64) -> Self {
        let (low, high) = (low.max(1e-3), high.max(2e-3));
        let below = rounds(low / 10.0, low).last().copied().unwrap_or(low);
        let above = rounds(high, high * 10.0).first().copied().unwrap_or(high);
        Self { low: below, high: above.max(below * 2.0), from, to, log: true }
    }

    fn at(&self, value: f64) -> f64 {
        let (low, high, value) = if self.log {
            (self.low.ln(), self.high.ln(), value.max(self.low).ln())
        } else {
            (self.low, self.high, value)
        };
        self.from + (value - low) / (high - low).max(1e-12) * (self.to - self.from)
    }
}

/// The numbers 1, 2, 5 times powers of ten from `low` to `high`.
fn rounds(low: f64, high: f64) -> Vec<f64> {
    let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let all = decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|one| one * 10_f64.powi(decade)));
    all.filter(|value| (low * (1.0 - 1e-9)..=high * (1.0 + 1e-9)).contains(value)).collect()
}

/// A round number, without the zeros that say how exact it is.
fn round(value: f64) -> String {
    format!("{}", (value * 1e6).round() / 1e6)
}

/// A drawing under way.
struct Plot(String);

impl Plot {
    fn new(label: &str) -> Self {
        Self(format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">", escape(label)))
    }

    fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let _ = write!(self.0, "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>");
    }

    fn text(&mut self, class: &str, (x, y): (f64, f64), text: &str) {
        let _ = write!(self.0, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escape(text));
    }

    fn bar(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64), title: &str) {
        let (width, height) = (width.max(0.0), height.max(0.0));
        let _ = write!(
            self.0,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"><title>{}</title></rect>",
            escape(title)
        );
    }

    fn curve(&mut self, class: &str, points: impl Iterator<Item = (f64, f64)>) {
        let points: Vec<String> = points.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = write!(self.0, "<polyline class=\"{class}\" points=\"{}\"/>", points.join(" "));
    }

    /// Milliseconds on the left.
    fn times(&mut self, scale: &Scale) {
        let ticks = if scale.log { rounds(scale.low, scale.high) } else { Vec::new() };
        // Not more than there is room for.
        let few = ticks.len() > 10;
        for value in ticks {
            let y = scale.at(value);
            let is_decade = (value.log10() - value.log10().round()).abs() < 1e-6;
            self.line("grid", (LEFT, y), (WIDTH - RIGHT, y));
            if !few || is_decade {
                self.text("end", (LEFT - 5.0, y + 4.0), &round(value));
            }
        }
    }

    fn deadlines(&mut self, runs: &[&Run], scale: &Scale) {
        let mut seen: Vec<f64> = Vec::new();
        for run in runs {
            let deadline = run.setup.deadline_ms;
            if seen.iter().all(|other| (other - deadline).abs() > 1e-9) {
                seen.push(deadline);
                let y = scale.at(deadline);
                self.line("deadline", (LEFT, y), (WIDTH - RIGHT, y));
                self.text("bad", (LEFT + 4.0, y - 4.0), &format!("deadline {deadline} ms"));
            }
        }
    }

    fn end(mut self) -> String {
        self.0.push_str("</svg>");
        self.0
    }
}

const fn bottom() -> f64 {
    HEIGHT - BOTTOM
}

/// A scale that the runs' times and deadlines fit in, in milliseconds, upwards.
fn upwards(runs: &[&Run], low: impl Fn(&Run) -> f64) -> Scale {
    let least = runs.iter().map(|run| low(run) / 1e3).fold(f64::INFINITY, f64::min);
    let most = runs.iter().map(|run| (run.latency_us.max / 1e3).max(run.setup.deadline_ms)).fold(0.0, f64::max);
    Scale::log(if least.is_finite() { least } else { 0.1 }, most * 1.05, bottom(), TOP)
}

/// Time that a share of ticks didn't exceed: the share on the way to 100 % grows a nine at a time.
pub fn percentiles(runs: &[&Run]) -> String {
    let mut plot = Plot::new("Percentiles of the time from request to path, with the deadline");
    let most = runs.iter().map(|run| run.ticks).max().unwrap_or(1).max(10) as f64;
    let across = Scale::linear(0.0, most.log10().clamp(1.0, 6.0), LEFT, WIDTH - RIGHT);
    let nines = |quantile: f64| -(1.0 - quantile).log10();
    let up = upwards(runs, |run| run.histogram.first().map_or(run.latency_us.p50, |(us, _)| *us));
    plot.times(&up);
    for (quantile, label) in
        [(0.0, "0"), (0.5, "50"), (0.9, "90"), (0.99, "99"), (0.999, "99.9"), (0.9999, "99.99"), (0.999_99, "99.999 %")]
    {
        let x = across.at(nines(quantile));
        if x <= WIDTH - RIGHT + 0.1 {
            plot.line("grid", (x, TOP), (x, bottom()));
            plot.text("middle", (x, bottom() + 15.0), label);
        }
    }
    plot.text("middle", (f64::midpoint(LEFT, WIDTH - RIGHT), HEIGHT - 6.0), "% of ticks were not slower");
    plot.deadlines(runs, &up);
    for (number, run) in runs.iter().enumerate() {
        let n = run.histogram.iter().map(|(_, count)| count).sum::<u64>().max(1) as f64;
        let mut passed = 0;
        let mut points = Vec::with_capacity(2 * run.histogram.len());
        for (us, count) in &run.histogram {
            let before = nines(passed as f64 / n);
            passed += count;
            // The last tick of n stands where one in n is slower.
            let after = nines((passed as f64 / n).min(1.0 - 1.0 / n.max(2.0)));
            points.push((across.at(before.min(after)), up.at(us / 1e3)));
            points.push((across.at(after), up.at(us / 1e3)));
        }
        plot.curve(&format!("curve {}", series(number)), points.into_iter());
    }
    plot.end()
}

/// How many ticks took how long; few of them are seen too, as the bars' heights are logarithmic.
pub fn histogram(run: &Run, number: usize) -> String {
    let mut plot = Plot::new("Histogram of the time from request to path");
    let low = run.histogram.first().map_or(0.1, |(us, _)| us / 1e3);
    let high = (run.latency_us.max / 1e3).max(run.setup.deadline_ms) * 1.05;
    let across = Scale::log(low, high, LEFT, WIDTH - RIGHT);
    let mut bars = [0_u64; BARS];
    for (us, count) in &run.histogram {
        let share = (across.at(us / 1e3) - LEFT) / (WIDTH - RIGHT - LEFT);
        bars[((share * BARS as f64).max(0.0) as usize).min(BARS - 1)] += count;
    }
    let most = bars.iter().copied().max().unwrap_or(1).max(1) as f64;
    let up = Scale::linear(0.0, (most + 1.0).log10(), bottom(), TOP);
    for decade in 0..=most.log10() as i32 {
        let value = 10_f64.powi(decade);
        let y = up.at((value + 1.0).log10());
        plot.line("grid", (LEFT, y), (WIDTH - RIGHT, y));
        plot.text("end", (LEFT - 5.0, y + 4.0), &round(value));
    }
    let wide = (WIDTH - RIGHT - LEFT) / BARS as f64;
    for (at, count) in bars.iter().enumerate().filter(|(_, count)| **count > 0) {
        let top = up.at((*count as f64 + 1.0).log10());
        let x = LEFT + at as f64 * wide;
        plot.bar(
            &format!("bar {}", series(number)),
            (x + 0.5, top),
            (wide - 1.0, bottom() - top),
            &format!("{count} ticks"),
        );
    }
    let labels = rounds(across.low, across.high);
    for value in &labels {
        plot.text("middle", (across.at(*value), bottom() + 15.0), &round(*value));
    }
    let x = across.at(run.setup.deadline_ms);
    plot.line("deadline", (x, TOP), (x, bottom()));
    plot.text("bad end", (x - 4.0, TOP + 10.0), "deadline");
    plot.text("middle", (f64::midpoint(LEFT, WIDTH - RIGHT), HEIGHT - 6.0), "ms from request to path");
    plot.end()
}

/// The stages in the order of the flow.
pub const STAGES: [&str; 8] = ["wake", "encode", "recurse", "decode", "verify", "smooth", "fallback", "publish"];

/// What each stage takes in the median and at the 99th percentile.
pub fn stages(run: &Run, number: usize) -> String {
    let mut plot = Plot::new("Time of each stage, median and 99th percentile");
    let times = |stage: &str| if stage == "wake" { Some(&run.wake_us) } else { run.stages_us.get(stage) };
    let most = STAGES.iter().filter_map(|stage| times(stage)).map(|times| times.p99 / 1e3).fold(0.01, f64::max);
    let across = Scale::linear(0.0, most * 1.25, LEFT + 30.0, WIDTH - RIGHT);
    let high = (bottom() - TOP) / STAGES.len() as f64;
    for (at, stage) in STAGES.iter().enumerate() {
        let Some(times) = times(stage) else { continue };
        let y = TOP + at as f64 * high;
        let title = format!("{stage}: median {} ms, p99 {} ms", ms(times.p50), ms(times.p99));
        plot.text("end", (LEFT + 24.0, y + high * 0.65), stage);
        let size = |us: f64| (across.at(us / 1e3) - across.from, high * 0.6);
        plot.bar(&format!("bar pale {}", series(number)), (across.from, y + high * 0.15), size(times.p99), &title);
        plot.bar(&format!("bar {}", series(number)), (across.from, y + high * 0.15), size(times.p50), &title);
        plot.text(
            "",
            (across.at(times.p99 / 1e3) + 4.0, y + high * 0.65),
            &format!("{} / {}", ms(times.p50), ms(times.p99)),
        );
    }
    plot.text(
        "middle",
        (f64::midpoint(LEFT, WIDTH - RIGHT), HEIGHT - 12.0),
        "ms, median (full) / 99th percentile (pale)",
    );
    plot.end()
}

/// The ticks in order: the slowest and the median of each stretch, and where ticks were missed.
pub fn timeline(run: &Run, number: usize) -> String {
    let mut plot = Plot::new("Time from request to path over the run, misses marked");
    let last = run.timeline.last().map_or(1.0, |slot| slot.at_s).max(0.1);
    let across = Scale::linear(0.0, last, LEFT, WIDTH - RIGHT);
    let up = upwards(&[run], |run| run.timeline.iter().map(|slot| slot.p50_us).fold(f64::INFINITY, f64::min));
    plot.times(&up);
    plot.deadlines(&[run], &up);
    for share in 0..=4 {
        let at = last * f64::from(share) / 4.0;
        plot.text("middle", (across.at(at), bottom() + 15.0), &short(at));
    }
    plot.text(
        "middle",
        (f64::midpoint(LEFT, WIDTH - RIGHT), HEIGHT - 6.0),
        "s; slowest (thin) and median (thick) of each stretch",
    );
    let points = |of: fn(&super::run::Slot) -> f64| {
        run.timeline.iter().map(move |slot| (across.at(slot.at_s), up.at(of(slot) / 1e3)))
    };
    plot.curve(&format!("curve thin {}", series(number)), points(|slot| slot.max_us));
    plot.curve(&format!("curve {}", series(number)), points(|slot| slot.p50_us));
    for slot in run.timeline.iter().filter(|slot| slot.misses > 0) {
        let (x, y) = (across.at(slot.at_s), up.at(slot.max_us / 1e3));
        let _ = write!(
            plot.0,
            "<circle class=\"missed\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"><title>{} missed at {:.1} s</title></circle>",
            slot.misses, slot.at_s
        );
    }
    plot.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_reach_round_numbers_and_hold_what_they_are_for() {
        assert_eq!(rounds(0.9, 12.0), [1.0, 2.0, 5.0, 10.0]);
        let scale = Scale::log(1.3, 42.0, 100.0, 0.0);
        assert_eq!((scale.low, scale.high), (1.0, 50.0));
        assert!((scale.at(1.0) - 100.0).abs() < 1e-9 && scale.at(50.0).abs() < 1e-9);
        assert!((0.0..100.0).contains(&scale.at(10.0)));
        assert!((Scale::log(0.0, 0.0, 1.0, 0.0).at(0.0) - 1.0).abs() < 1e-9, "nothing breaks it");
    }

    #[test]
    fn round_numbers_are_written_as_such() {
        assert_eq!([10.0, 0.5, 0.02, 5000.0].map(round), ["10", "0.5", "0.02", "5000"]);
    }

    #[test]
    fn text_means_itself() {
        assert_eq!(escape("a <b> & \"c\""), "a &lt;b&gt; &amp; &quot;c&quot;");
    }
}
