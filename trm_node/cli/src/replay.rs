//! `trm replay`: makes the plans of a recorded drive again, and compares them.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail, ensure};
use serde::Serialize;
use trm_grid::costmap::Costmap;
use trm_lab::args::bundle;
use trm_planner::record::error::RecordError;
use trm_planner::record::frame::Frames;
use trm_planner::record::replay::{Replay, Replayed};

use crate::output::print;
use crate::steps_picture::{Film, Frame};

/// With it MCAP files begin (<https://mcap.dev/spec#magic>).
const MCAP: &[u8] = b"\x89MCAP0\r\n";

/// Make the plans of a recorded drive again, and compare them to the last bit.
///
/// The node publishes the record on `~/plan_log` where its parameter `record_plans` is true; `tools/replay/plan_log.py`
/// writes the file, from that topic or from a log in MCAP. The bundle must be the node's.
///
/// With `--at` or `--plan` one of the plans is shown; `--png` and `--gif` draw what the model answered then, as
/// `trm render` does.
///
/// Exit code 0: all plans are the same. 1: one isn't, or bad input.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct ReplayArgs {
    /// The record.
    #[arg(value_name = "LOG")]
    log: PathBuf,

    /// Folder of the model bundle; else the released one.
    #[arg(long, value_name = "FOLDER")]
    bundle: Option<PathBuf>,

    /// Show the newest plan at this ROS time, in seconds.
    #[arg(long, value_name = "SECONDS", conflicts_with = "plan")]
    at: Option<f64>,

    /// Show the plan of this number: `plan_id` on ~/status.
    #[arg(long, value_name = "NUMBER")]
    plan: Option<u64>,

    /// Draw up to ten answers of the model in that plan beside each other into this PNG file.
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,

    /// Draw these answers one after the other into this GIF file.
    #[arg(long, value_name = "FILE")]
    gif: Option<PathBuf>,

    /// Answer with JSON on stdout.
    #[arg(long)]
    json: bool,
}

/// A plan to be shown.
struct Shown {
    plan: Replayed,
    costmap: Costmap,
    frames: Vec<Frame>,
}

/// What came out of all plans.
#[derive(Default)]
struct Replays {
    plans: usize,
    /// The plans that aren't the same, with what they were and what they are.
    different: Vec<String>,
    shown: Option<Shown>,
    /// The last plan until the one that is shown in which the model answered.
    answered: Option<u64>,
}

#[derive(Serialize)]
struct Answer<'a> {
    plans: usize,
    equal: usize,
    different: &'a [String],
    shown: Option<ShownAnswer<'a>>,
}

#[derive(Serialize)]
struct ShownAnswer<'a> {
    plan: u64,
    time_s: f64,
    equal: bool,
    result: &'a str,
    answers: usize,
    /// x, y and yaw of each pose of the path.
    poses: Vec<[f64; 3]>,
}

/// Runs `trm replay`.
///
/// # Errors
/// On bad input; the message names file, field or flag.
pub fn run(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let draws = args.png.is_some() || args.gif.is_some();
    ensure!(!draws || args.at.is_some() || args.plan.is_some(), "--png and --gif draw the plan of --at or --plan");
    let name = args.log.display();
    let file = std::fs::read(&args.log).with_context(|| format!("{name}"))?;
    ensure!(
        !file.starts_with(MCAP),
        "{name} is a log in MCAP: take the record out of it with tools/replay/plan_log.py unpack {name} FILE"
    );
    let bundle = bundle(args.bundle.as_deref())?;
    let mut replays = Replays::default();
    let ended = replays.read(args, &file, &bundle);
    ended.with_context(|| format!("{name}: after {} plans, {} of them the same", replays.plans, replays.equal()))?;
    if draws {
        replays.draw(args)?;
    }
    replays.print(args.json)?;
    Ok(if replays.different.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Replays {
    fn equal(&self) -> usize {
        self.plans - self.different.len()
    }

    fn read(&mut self, args: &ReplayArgs, file: &[u8], bundle: &trm_net::bundle::Bundle) -> anyhow::Result<()> {
        let mut replay = Replay::new(bundle);
        for frame in Frames::new(file) {
            let (number, entry) = frame?;
            let mut frames = Vec::new();
            let plan = replay.take(number, entry, &mut |answer| {
                if args.png.is_some() || args.gif.is_some() {
                    frames.push(Frame::of(answer));
                }
            })?;
            if let (Some(plan), Some(costmap)) = (plan, replay.costmap()) {
                self.take(args, plan, costmap, frames);
            }
        }
        ensure!(self.plans > 0, RecordError::Empty);
        if self.shown.is_none() {
            match (args.at, args.plan) {
                (Some(at), _) => bail!("--at {at}: the first plan is later"),
                (_, Some(plan)) => bail!("--plan {plan}: there is no such plan in the record"),
                _ => {}
            }
        }
        Ok(())
    }

    fn take(&mut self, args: &ReplayArgs, plan: Replayed, costmap: &Costmap, frames: Vec<Frame>) {
        self.plans += 1;
        let (number, time) = (plan.made.number, plan.made.time.as_secs_f64());
        if !plan.is_equal() {
            self.different.push(format!("plan {number} at {time:.3} s: {} is now {}", plan.made.result, plan.result));
        }
        let is_until = args.at.is_some_and(|at| time <= at) || args.plan.is_some_and(|wanted| number <= wanted);
        if is_until && !frames.is_empty() {
            self.answered = Some(number);
        }
        if is_until && args.plan.is_none_or(|wanted| number == wanted) {
            self.shown = Some(Shown { plan, costmap: costmap.clone(), frames });
        }
    }

    fn draw(&mut self, args: &ReplayArgs) -> anyhow::Result<()> {
        let Some(Shown { plan, costmap, frames }) = &mut self.shown else { return Ok(()) };
        if frames.is_empty() {
            let last = self.answered.map(|last| format!("; the last one before it in which it was is --plan {last}"));
            let number = plan.made.number;
            return Err(anyhow!(
                "in plan {number} the model wasn't asked ({}){}",
                plan.result.text,
                last.unwrap_or_default()
            ));
        }
        let film = Film { costmap, frames: std::mem::take(frames) };
        if let Some(file) = &args.png {
            film.save_sheet(file).with_context(|| format!("--png {}", file.display()))?;
        }
        if let Some(file) = &args.gif {
            film.save_gif(file).with_context(|| format!("--gif {}", file.display()))?;
        }
        Ok(())
    }

    fn print(&self, json: bool) -> anyhow::Result<()> {
        let shown = self.shown.as_ref().map(|Shown { plan, frames, .. }| ShownAnswer {
            plan: plan.made.number,
            time_s: plan.made.time.as_secs_f64(),
            equal: plan.is_equal(),
            result: &plan.result.text,
            answers: frames.len(),
            poses: plan.path.iter().map(|pose| [pose.x, pose.y, pose.yaw]).collect(),
        });
        if json {
            let answer = Answer { plans: self.plans, equal: self.equal(), different: &self.different, shown };
            return print(&serde_json::to_string(&answer)?);
        }
        print(&format!("{} plans made again, {} the same to the last bit", self.plans, self.equal()))?;
        self.different.iter().try_for_each(|line| print(line))?;
        match shown {
            Some(ShownAnswer { plan, time_s, result, poses, .. }) => {
                print(&format!("plan {plan} at {time_s:.3} s: {} poses, {result}", poses.len()))
            }
            None => Ok(()),
        }
    }
}
