//! `trm render`: what the model answers after each step of the recursion, as pictures.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use trm_grid::map_file;
use trm_lab::args::{bundle, pose};

use crate::args::PlanArgs;
use crate::plan::{Session, told};
use crate::steps_picture::{Film, Frame};

/// See the recursion: the window, the field and the path after each answer of the model.
///
/// Plans as `trm plan` does, and draws each answer: in every cell the direction of the move that the model gives the most
/// probability, nothing where it says that it doesn't know yet, and a tint where that has changed since the answer before;
/// the path of this answer, orange until one is verified. The bar below counts the applications of the network.
/// `--png` draws up to ten answers beside each other, `--gif` all of them one after the other.
///
/// Exit codes as `trm plan`.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct RenderArgs {
    #[command(flatten)]
    plan: PlanArgs,

    /// Draw the answers one after the other into this GIF file.
    #[arg(long, value_name = "FILE")]
    gif: Option<PathBuf>,
}

/// Runs `trm render`.
///
/// # Errors
/// On bad input; the message names file, field or flag.
pub fn run(args: &RenderArgs) -> anyhow::Result<ExitCode> {
    let plan = &args.plan;
    ensure!(plan.png.is_some() || args.gif.is_some(), "--png or --gif: nothing is to be drawn");
    ensure!(plan.queries.is_none(), "--queries: one query is drawn");
    let config = plan.config()?;
    ensure!(config.grid.outline().is_none(), "--footprint: the model plans for discs");
    let grid = map_file::load(&plan.map)?;
    let mut session = Session::new(config, grid, &bundle(plan.planning.bundle.as_deref())?)?;
    let mut frames = Vec::new();
    let (start, goal) = (pose(&plan.start), pose(&plan.goal));
    let answer = session.answer_watched(start, goal, plan.optimal, &mut |answer| frames.push(Frame::of(answer)));
    let code = told(&answer, plan.json)?;
    ensure!(!frames.is_empty(), "there is nothing to draw: the model was not asked");
    let film = Film { costmap: &session.costmap, frames };
    if let Some(file) = &plan.png {
        film.save_sheet(file).with_context(|| format!("--png {}", file.display()))?;
    }
    if let Some(file) = &args.gif {
        film.save_gif(file).with_context(|| format!("--gif {}", file.display()))?;
    }
    Ok(code)
}
