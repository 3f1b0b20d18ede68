//! The report as one page that needs nothing else. What a reader wants first comes first: was the deadline kept?

use std::fmt::Write as _;

use super::figures::{count, ms, or_dash, percent, short};
use super::plots::{escape, histogram, percentiles, series, stages, timeline};
use super::report::Bench;
use super::run::Run;
use super::tables::{self, Table};

const STYLE: &str = include_str!("page.css");

/// The whole page.
pub fn page(bench: &Bench) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>trm bench: {}</title><style>{STYLE}</style></head><body>\n",
        escape(&bench.settings.bundle)
    );
    head(&mut page, bench);
    if !bench.notes.is_empty() {
        let notes = bench.notes.iter().map(|note| format!("<p>{}</p>", escape(note)));
        let _ = writeln!(page, "<div class=\"notes\">{}</div>", notes.collect::<String>());
    }
    plots(&mut page, bench);
    for found in tables::all(bench) {
        table(&mut page, &found);
    }
    page.push_str("</body></html>\n");
    page
}

/// In one sentence.
pub fn verdict(run: &Run) -> (bool, String) {
    let (missed, due) = (run.misses.all(), run.due());
    let deadline = run.setup.deadline_ms;
    if missed == 0 {
        (true, format!("Every one of {} ticks kept its deadline of {deadline} ms", count(due)))
    } else {
        (false, format!("{} of {} ticks missed the deadline of {deadline} ms", count(missed), count(due)))
    }
}

fn head(page: &mut String, bench: &Bench) {
    let settings = &bench.settings;
    let _ = writeln!(page, "<h1>trm bench {}, model {}</h1>", escape(&settings.version), escape(&settings.bundle));
    if let Some(run) = bench.headline_run() {
        let (good, text) = verdict(run);
        let _ = writeln!(page, "<p class=\"verdict {}\">{}</p>", if good { "good" } else { "bad" }, escape(&text));
        let _ = writeln!(page, "<p class=\"soft\">{}</p>", escape(&setup(run)));
    } else {
        let _ = writeln!(page, "<p class=\"verdict\">No run of a control loop in this report</p>");
    }
    let _ = writeln!(page, "<p class=\"soft\">{}</p>", escape(&bench.machine.summary()));
    let mut cards: Vec<(&str, String, String)> = Vec::new();
    if let Some(run) = bench.headline_run() {
        let misses = run.misses;
        cards.push((
            if run.latency_us.p999 <= run.setup.deadline_ms * 1e3 { "good" } else { "bad" },
            format!("{} ms", ms(run.latency_us.p999)),
            format!(
                "p99.9 (p50 {}, p99 {}, max {})",
                ms(run.latency_us.p50),
                ms(run.latency_us.p99),
                ms(run.latency_us.max)
            ),
        ));
        cards.push((
            if misses.all() == 0 { "good" } else { "bad" },
            format!("{} / {} / {}", misses.late, misses.too_late, misses.lost),
            "late / too late / lost ticks".to_owned(),
        ));
        cards.push(("", or_dash(run.model_share(), percent), "of paths are the model's own".to_owned()));
        cards.push((
            "",
            format!("{} / {}", or_dash(run.page_faults, count), or_dash(run.allocations, count)),
            "page faults / allocations in plans".to_owned(),
        ));
        cards.push(("", or_dash(run.rss_mb, |mb| format!("{mb:.0} MB")), "resident memory".to_owned()));
    }
    if bench.kernel.is_some() {
        let ratio = or_dash(bench.vs_onnxruntime, |ratio| format!("{} ×", short(ratio)));
        cards.push(("", ratio, "onnxruntime's time for the same net".to_owned()));
    }
    if let Some(size) = &bench.map_size {
        let what = format!("p99 on {0} × {0} cells over {1} × {1}", size.large.width, size.small.width);
        cards.push(("", format!("{} ×", short(size.p99_ratio)), what));
    }
    if let Some(slow) = &bench.slowdown {
        cards.push(("", short(slow.overshoot_quanta), "quanta beyond the deadline after a 10 × slowdown".to_owned()));
    }
    page.push_str("<div class=\"cards\">");
    for (class, value, what) in cards {
        let _ = write!(
            page,
            "<div class=\"card\"><b class=\"{class}\">{}</b><span>{}</span></div>",
            escape(&value),
            escape(&what)
        );
    }
    page.push_str("</div>\n");
}

/// How a run was made, in a line.
pub fn setup(run: &Run) -> String {
    let setup = &run.setup;
    let load = if setup.load.is_empty() { "idle".to_owned() } else { format!("load: {}", setup.load.join(", ")) };
    let way = setup
        .rmw
        .as_ref()
        .map_or_else(|| "in process, at ordinary priority".to_owned(), |rmw| format!("the node over DDS ({rmw})"));
    format!(
        "{}: {way}, {} Hz for {} s, window {} × {}, {load}, map {}",
        setup.name,
        setup.rate_hz,
        setup.seconds.round(),
        setup.window,
        setup.window,
        setup.map
    )
}

fn plots(page: &mut String, bench: &Bench) {
    let runs: Vec<&Run> = bench.runs.iter().collect();
    let Some(run) = bench.headline_run() else { return };
    let number = bench.runs.iter().position(|other| other.setup.name == run.setup.name).unwrap_or_default();
    let key = bench
        .runs
        .iter()
        .enumerate()
        .map(|(number, run)| format!("<span><i class=\"{}\"></i>{}</span>", series(number), escape(&setup(run))));
    let _ = writeln!(page, "<div class=\"key\">{}</div><div class=\"plots\">", key.collect::<String>());
    let mut figure = |caption: &str, svg: &str| {
        let _ = writeln!(page, "<figure><figcaption>{}</figcaption>{svg}</figure>", escape(caption));
    };
    figure("Time from request to path, ms: percentiles", &percentiles(&runs));
    figure(&format!("How many ticks took how long ({})", run.setup.name), &histogram(run, number));
    figure(&format!("Time of each stage ({})", run.setup.name), &stages(run, number));
    for (number, run) in runs.iter().enumerate() {
        figure(&format!("Over the run, ms ({})", run.setup.name), &timeline(run, number));
    }
    page.push_str("</div>\n");
}

fn table(page: &mut String, table: &Table) {
    let _ = writeln!(page, "<h2>{}</h2>", escape(table.title));
    if !table.about.is_empty() {
        let _ = writeln!(page, "<p class=\"soft\">{}</p>", escape(&table.about));
    }
    let is_text = table.rows.iter().flatten().any(|cell| cell.len() > 40);
    let _ = write!(page, "<div class=\"wide\"><table class=\"{}\"><tr>", if is_text { "text" } else { "" });
    for cell in &table.head {
        let _ = write!(page, "<th>{}</th>", escape(cell));
    }
    page.push_str("</tr>");
    for row in &table.rows {
        page.push_str("<tr>");
        for cell in row {
            let _ = write!(page, "<td>{}</td>", escape(cell));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</table></div>\n");
}
