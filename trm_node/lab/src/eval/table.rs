//! The figures as tables for a terminal.

use std::fmt::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::anytime::Anytime;
use super::figures::{EvalFigures, GroupFigures, Outcomes};
use crate::statistics::{QuantilesToMax, UpperQuantiles};

/// The whole text: a line for each map or kind of world, the totals, and a few lines of `--anytime`. The JSON file has
/// all figures.
pub fn text(figures: &EvalFigures) -> String {
    let EvalFigures { bundle, window, seed, budget, .. } = figures;
    let mut text =
        format!("bundle {bundle}, window {window}, seed {seed}, at most {budget} a plan\n{}\n", groups(figures));
    totals(&mut text, figures);
    if let Some(figures) = &figures.anytime {
        anytime(&mut text, figures);
    }
    text
}

fn groups(figures: &EvalFigures) -> Table {
    let mut table =
        table(["model alone", "n", "success", "95 % interval", "cost p50 / p95 / p99", "steps p50 / p95 / max"]);
    let mut row =
        |name: &str, n: usize, success: Option<f64>, ci95: [f64; 2], cost: UpperQuantiles, steps: QuantilesToMax| {
            table.add_row([
                name.to_owned(),
                n.to_string(),
                number(success, 4),
                format!("{:.4}–{:.4}", ci95[0], ci95[1]),
                [cost.p50, cost.p95, cost.p99].map(|ratio| number(ratio, 3)).join(" / "),
                [steps.p50, steps.p95, steps.max].map(|steps| number(steps, 0)).join(" / "),
            ]);
        };
    for (name, GroupFigures { n, success, ci95, cost_ratio, steps }) in &figures.per_map {
        row(name, *n, *success, *ci95, *cost_ratio, *steps);
    }
    for (name, Outcomes { success, ci95, cost_ratio, steps, .. }) in
        [("all", &figures.model_only), ("all, with fallback", &figures.with_fallback)]
    {
        row(name, figures.queries, *success, *ci95, *cost_ratio, *steps);
    }
    table
}

fn totals(text: &mut String, figures: &EvalFigures) {
    let (over, difficulty) = (&figures.steps_over_bound, &figures.steps_by_difficulty);
    let _ = writeln!(
        text,
        "optimal paths {}, colliding paths {} (with fallback {})\n\
         steps over 1 + cells / 24: share {}, p95 {} of the bound\n\
         mean steps, easiest third {}, hardest {}, ratio {}\n\
         cells expanded p50 {} p95 {} max {}; failures of the model {:?}, with fallback {:?}",
        number(figures.model_only.optimal, 4),
        figures.model_only.colliding,
        figures.with_fallback.colliding,
        number(over.share, 4),
        number(over.p95, 2),
        number(difficulty.easiest, 2),
        number(difficulty.hardest, 2),
        number(difficulty.ratio, 2),
        number(figures.expansions.p50, 0),
        number(figures.expansions.p95, 0),
        number(figures.expansions.max, 0),
        figures.failures.model_only,
        figures.failures.with_fallback,
    );
}

fn anytime(text: &mut String, anytime: &Anytime) {
    let change = &anytime.path_change;
    let _ = write!(
        text,
        "\n{}\n\n{}\n\nq head: expected calibration error {}\n",
        steps(anytime),
        policies(anytime),
        number(anytime.calibration.expected_error, 3)
    );
    if let Some(times) = times(anytime) {
        let _ = write!(text, "\n{times}\n");
    }
    let _ = writeln!(
        text,
        "\n{}\n\npath change from plan to plan, cells: mean {}, p95 {}, max {}; over a cell {} % of {}",
        warm_starts(anytime),
        number(change.mean, 3),
        number(change.p95, 3),
        number(change.max, 3),
        percent(change.over_a_cell),
        change.n
    );
}

/// Steps 1, 2, 4, 8 and so on, and the last one.
fn steps(anytime: &Anytime) -> Table {
    let mut table = table(["by step", "solved %", "right cells %", "wrong ones corrected %", "right ones broken %"]);
    for step in anytime.by_step.iter().filter(|row| row.step.is_power_of_two() || row.step == anytime.steps) {
        let [solved, right, corrected, broken] = [step.solved, step.right, step.corrected, step.broken].map(percent);
        table.add_row([step.step.to_string(), solved, right, corrected, broken]);
    }
    table
}

fn policies(anytime: &Anytime) -> Table {
    let mut table = table(["stop policy", "solved %", "mean steps", "more than the oracle", "extra cost % (p95)"]);
    for (name, regret) in &anytime.stop_policies {
        table.add_row([
            name.clone(),
            percent(regret.solved),
            number(regret.steps, 2),
            number(regret.extra_steps, 2),
            format!("{} ({})", percent(regret.extra_cost), percent(regret.extra_cost_p95)),
        ]);
    }
    table
}

fn times(anytime: &Anytime) -> Option<Table> {
    let mut table = table(["first path, ms", "p50", "p95", "max", "solved %", "cost p50", "cost p95"]);
    for (name, times) in anytime.times_ms.as_ref()? {
        table.add_row([
            (*name).to_owned(),
            number(times.p50, 3),
            number(times.p95, 3),
            number(times.max, 3),
            percent(times.solved),
            number(times.cost_ratio.p50, 3),
            number(times.cost_ratio.p95, 3),
        ]);
    }
    Some(table)
}

fn warm_starts(anytime: &Anytime) -> Table {
    let within = "within 2 steps % (cold)";
    let mut table = table(["warm start", "n", "within 1 application %", within, "slower than cold %"]);
    for (name, warm) in &anytime.warm {
        table.add_row([
            (*name).to_owned(),
            warm.n.to_string(),
            percent(warm.within_one_application),
            format!("{} ({})", percent(warm.within_two_steps), percent(warm.cold_within_two_steps)),
            percent(warm.slower_than_cold),
        ]);
    }
    table
}

/// A table without lines. The first column is text, the others are numbers.
fn table<const N: usize>(head: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(head);
    for (at, column) in table.column_iter_mut().enumerate() {
        let (gap, alignment) = if at == 0 { (0, CellAlignment::Left) } else { (2, CellAlignment::Right) };
        column.set_padding((gap, 0)).set_cell_alignment(alignment);
    }
    table
}

/// A number, or a dash where there is none.
fn number(number: Option<f64>, digits: usize) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
}

/// A share in percent, with one digit.
fn percent(share: Option<f64>) -> String {
    number(share.map(|share| share * 100.0), 1)
}
