//! The figures as a table for a terminal.

use std::fmt::Write as _;

use super::anytime::Anytime;
use super::figures::{Figures, Group, Outcomes};
use crate::statistics::{Most, Upper};

/// One line for each map or kind of world, then all of them.
pub fn table(figures: &Figures) -> String {
    let mut text = format!(
        "bundle {}, window {}, seed {}, at most {} a plan\n{:<24} {:>6} {:>8} {:>15} {:>24} {:>14}\n",
        figures.bundle,
        figures.window,
        figures.seed,
        figures.budget,
        "model alone",
        "n",
        "success",
        "95 % interval",
        "cost p50 / p95 / p99",
        "steps p50/95/max"
    );
    let mut line = |name: &str, n: usize, success: Option<f64>, ci95: [f64; 2], cost: Upper, steps: Most| {
        let _ = writeln!(
            text,
            "{name:<24} {n:>6} {:>8} {:>15} {:>24} {:>14}",
            number(success, 4),
            format!("{:.4}–{:.4}", ci95[0], ci95[1]),
            format!("{} / {} / {}", number(cost.p50, 3), number(cost.p95, 3), number(cost.p99, 3)),
            format!("{} / {} / {}", number(steps.p50, 0), number(steps.p95, 0), number(steps.max, 0)),
        );
    };
    for (name, Group { n, success, ci95, cost_ratio, steps }) in &figures.per_map {
        line(name, *n, *success, *ci95, *cost_ratio, *steps);
    }
    for (name, Outcomes { success, ci95, cost_ratio, steps, .. }) in
        [("all", &figures.model_only), ("all, with fallback", &figures.with_fallback)]
    {
        line(name, figures.queries, *success, *ci95, *cost_ratio, *steps);
    }
    let over = &figures.steps_over_bound;
    let difficulty = &figures.steps_by_difficulty;
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
    if let Some(figures) = &figures.anytime {
        anytime(&mut text, figures);
    }
    text
}

/// A number, or a dash where there is none.
pub fn number(number: Option<f64>, digits: usize) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
}

/// A few lines for a terminal; the JSON file has all figures.
fn anytime(text: &mut String, anytime: &Anytime) {
    let percent = |share: Option<f64>| number(share.map(|share| share * 100.0), 1);
    let _ = writeln!(text, "\nby step: solved %, right cells %, wrong ones corrected %, right ones broken %");
    for row in anytime.by_step.iter().filter(|row| row.step.is_power_of_two() || row.step == anytime.steps) {
        let [solved, right, corrected, broken] = [row.solved, row.right, row.corrected, row.broken].map(percent);
        let _ = writeln!(text, "  {:>3}  {solved:>6} {right:>6} {corrected:>6} {broken:>6}", row.step);
    }
    let _ = writeln!(text, "stop policy: solved %, mean steps, more than the oracle, extra cost % (p95)");
    for (name, regret) in &anytime.stop_policies {
        let _ = writeln!(
            text,
            "  {name:<22} {:>6} {:>6} {:>6} {:>6} ({})",
            percent(regret.solved),
            number(regret.steps, 2),
            number(regret.extra_steps, 2),
            percent(regret.extra_cost),
            percent(regret.extra_cost_p95)
        );
    }
    let _ = writeln!(text, "q head: expected calibration error {}", number(anytime.calibration.expected_error, 3));
    if let Some(times) = &anytime.times_ms {
        let _ = writeln!(text, "first path, ms: p50, p95, max; solved %; cost p50, p95");
        for (name, times) in times {
            let _ = writeln!(
                text,
                "  {name:<10} {:>9} {:>9} {:>9}  {:>6}  {:>6} {:>6}",
                number(times.p50, 3),
                number(times.p95, 3),
                number(times.max, 3),
                percent(times.solved),
                number(times.cost_ratio.p50, 3),
                number(times.cost_ratio.p95, 3)
            );
        }
    }
    let _ = writeln!(text, "warm start: n, within 1 application %, within 2 steps % (cold), slower than cold %");
    for (name, warm) in &anytime.warm {
        let _ = writeln!(
            text,
            "  {name:<10} {:>6} {:>6} {:>6} ({}) {:>6}",
            warm.n,
            percent(warm.within_one_application),
            percent(warm.within_two_steps),
            percent(warm.cold_within_two_steps),
            percent(warm.slower_than_cold)
        );
    }
    let change = &anytime.path_change;
    let _ = writeln!(
        text,
        "path change from plan to plan, cells: mean {}, p95 {}, max {}; over a cell {} % of {}",
        number(change.mean, 3),
        number(change.p95, 3),
        number(change.max, 3),
        percent(change.over_a_cell),
        change.n
    );
}
