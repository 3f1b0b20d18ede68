//! `trm eval`: what the model is worth, on many random queries.

mod anytime;
pub mod args;
mod attempt;
mod calibration;
mod checker;
mod figures;
mod font;
mod jobs;
mod path_change;
mod plot;
mod policies;
mod race;
pub mod search;
mod sight;
mod source;
mod table;
mod trace;
pub mod warm;

use anyhow::Context as _;

use crate::args::bundle;
use anytime::Anytime;
use args::EvalArgs;
use attempt::Judge;
use figures::Figures;
use source::Source;

/// Runs `trm eval` and gives its table.
///
/// # Errors
/// On bad input; the message names file, field or flag.
pub fn run(args: &EvalArgs) -> anyhow::Result<String> {
    let bundle = bundle(args.bundle.as_deref())?;
    let setting = args.setting(&bundle)?;
    let source = Source::new(args, &setting)?;
    let records = jobs::run(
        "queries",
        args.queries as usize,
        args.jobs.into(),
        || Judge::new(&setting, &bundle),
        |judge, number| Ok(judge.record(&source.query(args.seed, number, &setting)?)),
    )?;
    let name = bundle.manifest.name.clone();
    let mut figures = Figures::of(&records, &source.groups(), name, args.seed, setting.window, setting.budget);
    if args.anytime {
        figures.anytime = Some(Anytime::measure(args, &setting, &bundle, &source)?);
    }
    if let Some(file) = &args.json {
        let text = serde_json::to_string_pretty(&figures)?;
        std::fs::write(file, text + "\n").with_context(|| format!("--json {}", file.display()))?;
    }
    if let (Some(file), Some(anytime)) = (&args.png, &figures.anytime) {
        plot::save(anytime, file).with_context(|| format!("--png {}", file.display()))?;
    }
    Ok(table::table(&figures))
}
