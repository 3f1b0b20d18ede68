//! The report as one HTML page that needs no other file. It begins with what a reader wants to know first: whether the
//! deadline was kept.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::bench::loop_run::LoopRun;
use crate::bench::numbers::{count, ms, or_dash, percent, short};
use crate::bench::plots::histogram::histogram;
use crate::bench::plots::palette::{css_rules, run_color_name};
use crate::bench::plots::percentiles::percentiles;
use crate::bench::plots::stage_bars::stage_bars;
use crate::bench::plots::timeline::timeline;
use crate::bench::report::BenchReport;
use crate::bench::run_text::{setup, verdict};
use crate::bench::tables::{self, ReportTable};

const STYLE: &str = include_str!("page.css");
/// A table with a longer cell than this wraps its lines.
const LONG_CELL: usize = 40;

/// The whole page.
///
/// # Errors
/// If a plot can't be drawn, which shouldn't happen.
pub fn page(report: &BenchReport) -> anyhow::Result<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                title { "trm bench: " (report.settings.bundle) }
                style { (PreEscaped(STYLE)) (PreEscaped(css_rules())) }
            }
            body {
                (head(report))
                @if !report.notes.is_empty() {
                    div.notes { @for note in &report.notes { p { (note) } } }
                }
                @if let Some(run) = report.headline_run() { (plots(report, run)?) }
                @for found in tables::all(report) { (table(&found)) }
            }
        }
    };
    Ok(page.into_string())
}

const fn class_of(is_good: bool) -> &'static str {
    if is_good { "good" } else { "bad" }
}

fn head(report: &BenchReport) -> Markup {
    let settings = &report.settings;
    html! {
        h1 { "trm bench " (settings.version) ", model " (settings.bundle) }
        @if let Some(run) = report.headline_run() {
            @let (is_good, text) = verdict(run);
            p class={ "verdict " (class_of(is_good)) } { (text) }
            p.soft { (setup(run)) }
        } @else {
            p.verdict { "No run of a control loop in this report" }
        }
        p.soft { (report.machine.summary()) }
        div.cards {
            @if let Some(run) = report.headline_run() { (run_cards(run)) }
            (part_cards(report))
        }
    }
}

fn card(class: &str, value: &str, what: &str) -> Markup {
    html! { div.card { b class=(class) { (value) } span { (what) } } }
}

fn run_cards(run: &LoopRun) -> Markup {
    let (latency, misses) = (run.latency_us, run.misses);
    let others = format!("p99.9 (p50 {}, p99 {}, max {})", ms(latency.p50), ms(latency.p99), ms(latency.max));
    let missed = format!("{} / {} / {}", misses.late, misses.too_late, misses.lost);
    let cost = format!("{} / {}", or_dash(run.page_faults, count), or_dash(run.allocations, count));
    html! {
        (card(class_of(latency.p999 <= run.setup.deadline_ms * 1e3), &format!("{} ms", ms(latency.p999)), &others))
        (card(class_of(misses.all() == 0), &missed, "late / too late / lost ticks"))
        (card("", &or_dash(run.model_share(), percent), "of paths are the model's own"))
        (card("", &cost, "page faults / allocations in plans"))
        (card("", &or_dash(run.rss_mb, |mb| format!("{mb:.0} MB")), "resident memory"))
    }
}

fn part_cards(report: &BenchReport) -> Markup {
    html! {
        @if report.kernel.is_some() {
            @let ratio = or_dash(report.vs_onnxruntime, |ratio| format!("{} ×", short(ratio)));
            (card("", &ratio, "onnxruntime's time for the same net"))
        }
        @if let Some(size) = &report.map_size {
            @let what = format!("p99 on {0} × {0} cells over {1} × {1}", size.large.width, size.small.width);
            (card("", &format!("{} ×", short(size.p99_ratio)), &what))
        }
        @if let Some(slow) = &report.slowdown {
            (card("", &short(slow.overshoot_quanta), "quanta beyond the deadline after a 10 × slowdown"))
        }
    }
}

fn plots(report: &BenchReport, headline: &LoopRun) -> anyhow::Result<Markup> {
    let runs: Vec<&LoopRun> = report.runs.iter().collect();
    let number = runs.iter().position(|run| run.setup.name == headline.setup.name).unwrap_or_default();
    let name = &headline.setup.name;
    let timelines: Vec<Markup> = (0..)
        .zip(&runs)
        .map(|(number, run)| Ok(figure(&format!("Over the run, ms ({})", run.setup.name), timeline(run, number)?)))
        .collect::<anyhow::Result<_>>()?;
    Ok(html! {
        div.key {
            @for (number, run) in runs.iter().enumerate() {
                span { i class=(run_color_name(number)) {} (setup(run)) }
            }
        }
        div.plots {
            (figure("Time from request to path, ms: percentiles", percentiles(&runs)?))
            (figure(&format!("How many ticks took how long ({name})"), histogram(headline, number)?))
            (figure(&format!("Time of each stage ({name})"), stage_bars(headline, number)?))
            @for timeline in &timelines { (timeline) }
        }
    })
}

fn figure(caption: &str, svg: String) -> Markup {
    html! { figure { figcaption { (caption) } (PreEscaped(svg)) } }
}

fn table(table: &ReportTable) -> Markup {
    let has_long_cells = table.rows.iter().flatten().any(|cell| cell.len() > LONG_CELL);
    html! {
        h2 { (table.title) }
        @if !table.about.is_empty() { p.soft { (table.about) } }
        div.wide {
            table.text[has_long_cells] {
                tr { @for cell in &table.head { th { (cell) } } }
                @for row in &table.rows {
                    tr { @for cell in row { td { (cell) } } }
                }
            }
        }
    }
}
