//! `trm eval`: how good the model is, measured on many random queries.

mod anytime;
mod args;
mod batch;
mod calibration;
mod figures;
mod fine_search;
mod footprint;
mod footprint_figures;
mod jobs;
mod judge;
mod model_probe;
mod pair;
mod path_change;
mod path_checker;
mod plot;
mod policies;
mod pose_guidance;
mod query;
mod race;
mod router;
mod source;
mod table;
mod timed_planner;
mod trace;
mod unseen;
mod unseen_figures;
mod warm_start;
mod window_regions;

use anyhow::Context as _;

use crate::args::bundle;
use anytime::Anytime;
pub use args::EvalArgs;
use figures::EvalFigures;
use judge::Judge;
use source::QuerySource;

/// Runs `trm eval` and returns its table.
///
/// # Errors
/// On bad input; the message names file, field or flag.
pub fn run(args: &EvalArgs) -> anyhow::Result<String> {
    if let Some(file) = &args.router {
        let figures = router::run(args, file)?;
        save(args, &figures)?;
        return Ok(figures.text());
    }
    let bundle = bundle(args.planning.bundle.as_deref())?;
    if args.unknown {
        let figures = unseen_figures::run(args, &bundle)?;
        save(args, &figures)?;
        return Ok(figures.text());
    }
    if !args.robot.footprint.is_empty() {
        let figures = footprint_figures::run(args, &bundle)?;
        save(args, &figures)?;
        return Ok(figures.text());
    }
    let setting = args.setting(&bundle)?;
    if let Some(size) = args.batch {
        let figures = batch::run(args, &setting, &bundle, size)?;
        save(args, &figures)?;
        return Ok(figures.text());
    }
    let source = QuerySource::new(args, &setting)?;
    let records = jobs::run(
        "queries",
        args.queries as usize,
        args.jobs.into(),
        || Judge::new(&setting, &bundle),
        |judge, number| Ok(judge.record(&source.query(args.seed, number, &setting)?)),
    )?;
    let name = bundle.manifest.name.clone();
    let mut figures = EvalFigures::of(&records, &source.groups(), name, args.seed, setting.window, setting.budget);
    if args.anytime {
        figures.anytime = Some(Anytime::measure(args, &setting, &bundle, &source)?);
    }
    save(args, &figures)?;
    if let (Some(file), Some(anytime)) = (&args.png, &figures.anytime) {
        plot::save(anytime, file).with_context(|| format!("--png {}", file.display()))?;
    }
    Ok(table::text(&figures))
}

fn save(args: &EvalArgs, figures: &impl serde::Serialize) -> anyhow::Result<()> {
    let Some(file) = &args.json else { return Ok(()) };
    let text = serde_json::to_string_pretty(figures)?;
    std::fs::write(file, text + "\n").with_context(|| format!("--json {}", file.display()))
}
