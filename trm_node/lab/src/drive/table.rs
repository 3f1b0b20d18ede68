//! The figures as text.

use std::fmt::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use crate::drive::cause::Cause;
use crate::drive::figures::{CauseShare, Comparison, PolicyFigures, Spread};
use crate::drive::people::Ground;
use crate::drive::run::{End, Outcome};
use crate::drive::site::Site;

/// A column for each policy, and what differs.
pub fn text(policies: &[PolicyFigures], comparisons: &[Comparison]) -> String {
    format!("{}\n\n{}\n", figures(policies), differences(comparisons))
}

fn figures(policies: &[PolicyFigures]) -> Table {
    let head = std::iter::once("").chain(policies.iter().map(|figures| figures.policy.name()));
    let mut table = table(head.map(str::to_owned).collect());
    let mut row = |name: &str, of: &dyn Fn(&PolicyFigures) -> String| {
        table.add_row(std::iter::once(name.to_owned()).chain(policies.iter().map(of)));
    };
    let spread = |spread: &Spread| format!("{:.2} / {:.2}", spread.rms, spread.p99);
    row("goals reached / refused / missed", &|f| {
        format!("{} / {} / {}", f.goals.reached, f.goals.refused, f.goals.missed)
    });
    row("driven, m / s", &|f| format!("{:.0} / {:.0}", f.driven_m, f.drive_s));
    row("contacts: wall / person / while it stood", &|f| {
        format!("{} / {} / {}", f.contacts.wall, f.contacts.person, f.contacts.while_standing)
    });
    row("contacts because of a plan", &|f| f.contacts.by_plan.to_string());
    row("plans that cross what was published", &|f| f.contacts.crossing_plans.to_string());
    row("stops over 0.2 s without a reason", &|f| format!("{} ({:.1} s)", f.stops.unexplained, f.stops.longest_s));
    row("stops where there was no way", &|f| f.stops.blocked.to_string());
    row("jerk RMS / p99, m/s³", &|f| spread(&f.jerk_along));
    row("jerk of the turn rate RMS / p99, rad/s³", &|f| spread(&f.jerk_turn));
    for (at, cause) in Cause::ALL.iter().enumerate() {
        row(&format!("  {}: % of time / jerk² along / turning", cause.name()), &|f| {
            let CauseShare { time, along, turn, .. } = f.jerk_causes[at];
            format!("{:.1} / {:.1} / {:.1}", 100.0 * time, 100.0 * along, 100.0 * turn)
        });
    }
    row("path change mean / p99, m", &|f| format!("{:.3} / {:.2}", f.path_change_m.mean, f.path_change_m.p99));
    row("nearest wall / person, m", &|f| {
        format!("{:.3} / {:.3}", f.clearance.nearest_wall, f.clearance.nearest_person)
    });
    row("mean clearance, m", &|f| format!("{:.3}", f.clearance.mean));
    row("seconds to the goal, mean / p50 / p99", &|f| {
        format!("{:.2} / {:.2} / {:.1}", f.seconds_to_goal.mean, f.seconds_to_goal.p50, f.seconds_to_goal.p99)
    });
    row("changes of side: blocked / cheaper / for little", &|f| {
        format!("{} / {} / {}", f.sides.way_was_blocked, f.sides.cheaper, f.sides.for_little)
    });
    row("changes of side in 100 m, all / for little", &|f| {
        format!("{:.2} / {:.2}", f.sides.per_100_m, f.sides.for_little_per_100_m)
    });
    row("moved without a path that holds, s", &|f| format!("{:.1}", f.without_path_s));
    row("plans / late", &|f| format!("{} / {}", f.plans.count, f.plans.late));
    row("from model / warm / previous / fallback / none", &|f| {
        let p = &f.plans;
        format!("{} / {} / {} / {} / {}", p.model, p.model_warm, p.previous, p.fallback, p.none)
    });
    row("simulated ms a plan, p50 / p99", &|f| format!("{:.1} / {:.1}", f.plans.total_ms.p50, f.plans.total_ms.p99));
    table
}

fn differences(comparisons: &[Comparison]) -> Table {
    let head = ["policy", "figure", "pairs", "node", "policy's", "difference (95 %)", "node / policy (95 %)"];
    let mut table = table(head.map(str::to_owned).to_vec());
    let three = |[middle, low, high]: [f64; 3]| format!("{middle:.3} ({low:.3} to {high:.3})");
    for comparison in comparisons {
        table.add_row([
            comparison.policy.name().to_owned(),
            comparison.measure.to_owned(),
            comparison.pairs.to_string(),
            format!("{:.3}", comparison.node),
            format!("{:.3}", comparison.other),
            three(comparison.difference),
            comparison.ratio.map_or_else(|| "-".to_owned(), three),
        ]);
    }
    table
}

fn table(head: Vec<String>) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(head);
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

/// A line for each change of side, stop and contact, and each goal that was missed.
pub fn moments(numbers: &[usize], outcomes: &[Outcome], sites: &[(Site, Ground)]) -> String {
    let mut text = String::new();
    for (number, outcome) in numbers.iter().zip(outcomes) {
        let name = &sites[number % sites.len()].0.name;
        if outcome.end == End::Missed {
            let _ = writeln!(text, "errand {number} on {name}: missed after {:.1} s", outcome.seen.seconds);
        }
        for change in &outcome.seen.sides {
            let why = match (change.forced, change.is_for_little()) {
                (true, _) => "blocked",
                (_, true) => "for little",
                _ => "cheaper",
            };
            let _ = writeln!(
                text,
                "errand {number} on {name}, {:.2} s: another side, {why}: {:.2} m instead of {:.2}, from {}, {}, an obstacle {} \
                 at ({:.2}, {:.2}), the robot at ({:.2}, {:.2})",
                change.at,
                change.after,
                change.before,
                change.source,
                if change.is_guided { "guidance of these costs" } else { "older guidance" },
                if change.is_of_map { "of the map" } else { "that the lidar saw" },
                change.obstacle.0,
                change.obstacle.1,
                change.robot.0,
                change.robot.1,
            );
        }
        for stop in &outcome.seen.stops {
            let why = match (stop.has_path, stop.has_way) {
                (true, _) => "it had a path",
                (_, true) => "there was a way",
                _ => "no way",
            };
            let _ =
                writeln!(text, "errand {number} on {name}, {:.2} s: stood for {:.2} s, {why}", stop.at, stop.seconds);
        }
        for contact in &outcome.seen.contacts {
            let what = if contact.is_wall { "a wall" } else { "a person" };
            let _ = writeln!(
                text,
                "errand {number} on {name}, {:.2} s: touched {what}, {}{}",
                contact.at,
                if contact.moves { "moving" } else { "standing" },
                if contact.by_plan { ", on a plan that crosses what was published" } else { "" },
            );
        }
    }
    text
}
