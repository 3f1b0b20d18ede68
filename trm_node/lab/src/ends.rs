//! `trm ends`: plans whose ends are awkward, on real maps, judged by the raw occupancy alone. Robots too close to a wall,
//! goals in walls, and goals in closed rooms: wherever an answer exists there must be one, and it must be the nearest.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use trm_config::{Config, GridKind};
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::build;
use trm_grid::geometry::Geometry;
use trm_grid::map_file;
use trm_grid::travel::Travel;
use trm_grid::units::{CellPoint, Pose};
use trm_net::bundle::Bundle;
use trm_planner::endpoints::GoalArea;
use trm_planner::halt::deadline::Clock as _;
use trm_planner::target::guide;
use trm_planner::{Planner, Request};

use crate::args::{bundle, with_flag};
use crate::judge::asked::Asked;
use crate::judge::flood::reach;
use crate::judge::raw_map::{Class, RawMap};
use crate::worlds::map_set::files;
use crate::worlds::random::Random;

/// Plan from and to awkward places of maps, and judge every result by the raw occupancy alone.
///
/// Robots too close to a wall, goals in walls or out of the map, goals in free places that can't be reached. Where an
/// exhaustive search finds an answer, the planner must too, and its path must end in the nearest cell in reach.
///
/// Exit code 0: no fault. 1: bad input, or a fault.
#[derive(Debug, Clone, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct EndsArgs {
    /// Folder with the maps, each in a folder of its own.
    #[arg(long, value_name = "DIR", default_value = "tests/maps")]
    pub maps: PathBuf,

    /// Number of queries of each kind for which an answer exists, over all maps.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub count: usize,

    /// Seed of the queries.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,

    /// The model bundle's folder [default: `nav_d32`, as installed with trm or in the checkout].
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
}

/// What is awkward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The robot is in an inscribed cell, near enough to a free one or not.
    Start,
    /// The goal's cell isn't free.
    Wall,
    /// The goal's cell is free, and can't be reached.
    Pocket,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Start, Self::Wall, Self::Pocket];

    const fn name(self) -> &'static str {
        match self {
            Self::Start => "robots too close to a wall",
            Self::Wall => "goals in a wall",
            Self::Pocket => "goals out of reach",
        }
    }
}

/// Queries that are drawn for each one with an answer, at most. Some maps have no place of some kind.
const DRAWS: usize = 10;
/// Draws of a cell, at most.
const TRIES: usize = 20_000;

/// What came of the queries of one kind.
#[derive(Debug, Default)]
struct Counts {
    answered: usize,
    /// Refused, and no answer exists.
    refused: usize,
    faults: Vec<String>,
}

/// Runs `trm ends` and returns its table.
///
/// # Errors
/// On bad input; the message names file or flag. When a result is wrong.
pub fn run(args: &EndsArgs) -> anyhow::Result<String> {
    let bundle = bundle(args.bundle.as_deref())?;
    let files = files(&args.maps).with_context(|| format!("--maps {}", args.maps.display()))?;
    if files.is_empty() {
        bail!("--maps {}: no map in this folder or below it", args.maps.display());
    }
    let mut counts = Kind::ALL.map(|kind| (kind, Counts::default()));
    for (number, file) in files.iter().enumerate() {
        let mut site = Site::new(file, &bundle, Random::of_query(args.seed, number))?;
        for (kind, counts) in &mut counts {
            // Equally many on each map, and what is missing on one on the next.
            let wanted = (args.count * (number + 1)).div_ceil(files.len());
            site.play(*kind, wanted, counts);
        }
    }
    let mut table = String::new();
    for (kind, Counts { answered, refused, faults }) in &counts {
        let name = kind.name();
        let _ = writeln!(table, "{name}: {answered} answered, {} wrong, {refused} without an answer", faults.len());
    }
    let faults: Vec<&String> = counts.iter().flat_map(|(_, counts)| &counts.faults).collect();
    match faults.first() {
        None => Ok(table),
        Some(first) => bail!("{table}the first of {} faults: {first}", faults.len()),
    }
}

/// A map with a planner.
struct Site {
    name: String,
    config: Config,
    map: RawMap,
    costmap: Costmap,
    planner: Planner,
    clock: Instant,
    random: Random,
}

impl Site {
    fn new(file: &Path, bundle: &Bundle, random: Random) -> anyhow::Result<Self> {
        let (config, clock) = (Config::default(), Instant::now());
        let grid = map_file::load(file)?;
        let geometry = *grid.geometry();
        let (size, values) = ((geometry.width(), geometry.height()), grid.data().to_vec());
        let rules = (&config.grid, GridKind::Map);
        let map = RawMap::new(size, geometry.resolution(), geometry.origin(), values, rules);
        let costmap = build(&config.grid, GridKind::Map, grid);
        let mut planner = Planner::new(&config.grid, &config.planner, bundle, &clock).map_err(with_flag)?;
        planner.prepare(&costmap);
        Ok(Self { name: file.display().to_string(), config, map, costmap, planner, clock, random })
    }

    /// Asks until there are `wanted` answers of a kind.
    fn play(&mut self, kind: Kind, wanted: usize, counts: &mut Counts) {
        let most = DRAWS * wanted.saturating_sub(counts.answered + counts.faults.len());
        for _ in 0..most {
            if counts.answered + counts.faults.len() >= wanted {
                return;
            }
            let Some((start, goal)) = self.draw(kind) else { continue };
            match self.ask(start, goal) {
                Ok(true) => counts.answered += 1,
                Ok(false) => counts.refused += 1,
                Err(fault) => counts.faults.push(format!("{}, from {start:?} to {goal:?}: {fault}", self.name)),
            }
        }
    }

    /// Plans once. Whether there is a path, or what is wrong.
    fn ask(&mut self, start: Pose, goal: Pose) -> Result<bool, String> {
        self.planner.reset();
        let area = GoalArea::new(self.costmap.geometry(), self.config.planner.tolerance, goal.point());
        let travel = Travel::new(&self.config.grid);
        let guidance = area.ok().and_then(|area| guide(&self.costmap, travel, &area, &|| false)).unwrap_or_default();
        let arrived = self.clock.now();
        let request = Request { start, goal, arrived, deadline: arrived + Duration::from_mins(1), epoch: None };
        let outcome = self.planner.plan(&self.costmap, &guidance, &request, &self.clock);
        let (map, config) = (&self.map, &self.config);
        let asked = Asked { map, config, start, goal, is_tight: false, may_lag: false };
        let (is_path, fault) = match outcome.path {
            Ok(path) => (true, asked.path(path.poses())),
            Err(error) => (false, asked.refusal(error)),
        };
        fault.map_or(Ok(is_path), Err)
    }

    /// Draws a query; `None` if the map has no place of this kind.
    fn draw(&mut self, kind: Kind) -> Option<(Pose, Pose)> {
        let free = |map: &RawMap, at| is(map, at, |class| map.is_free(class));
        match kind {
            Kind::Start => {
                let start = self.cell(|map, at| is(map, at, |class| class == Class::Inscribed))?;
                let goal = self.cell(free)?;
                Some((self.pose(start), self.pose(goal)))
            }
            Kind::Wall | Kind::Pocket => {
                let start = self.cell(free)?;
                let reached = reach(&self.map, &[self.map.cell(start)]);
                let is_free = kind == Kind::Pocket;
                let goal = self.beside(&reached, |map, at| !reached[at] && free(map, at) == is_free)?;
                Some((self.pose(start), self.pose(goal)))
            }
        }
    }

    /// A random cell that `fits`, by its index.
    fn cell(&mut self, fits: impl Fn(&RawMap, usize) -> bool) -> Option<usize> {
        let cells = self.map.values().len();
        (0..TRIES).map(|_| self.random.below(cells)).find(|at| fits(&self.map, *at))
    }

    /// A random cell that `fits`, with one that is `reached` within the goal's tolerance or a little farther.
    fn beside(&mut self, reached: &[bool], fits: impl Fn(&RawMap, usize) -> bool) -> Option<usize> {
        let most = (self.config.planner.tolerance / self.map.resolution()).ceil() as i32;
        let is_near = |map: &RawMap, at: usize| {
            let (col, row) = map.cell(at);
            let mut around = (col - most..=col + most).flat_map(|c| (row - most..=row + most).map(move |r| (c, r)));
            around.any(|(col, row)| map.index(col, row).is_some_and(|at| reached[at]))
        };
        self.cell(|map, at| fits(map, at) && is_near(map, at))
    }

    /// A random pose in a cell.
    fn pose(&mut self, at: usize) -> Pose {
        let (col, row) = self.map.cell(at);
        let geometry: &Geometry = self.costmap.geometry();
        let [u, v] = [col, row].map(|at| f64::from(at) + self.random.number(-0.49, 0.49));
        let point = geometry.to_point(CellPoint::new(u, v));
        Pose::new(point.x, point.y, self.random.number(-3.0, 3.0))
    }
}

fn is(map: &RawMap, at: usize, is: impl Fn(Class) -> bool) -> bool {
    let (col, row) = map.cell(at);
    map.is_surely(col, row, is)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_of_awkward_ends_on_the_maps_of_the_repository_is_answered_wherever_an_answer_exists() {
        let maps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/maps");
        let table = run(&EndsArgs { maps, count: 40, seed: 1, bundle: None }).unwrap();
        let answered = |line: &str| line.split([':', ' ']).find_map(|word| word.parse::<usize>().ok());
        let answered: Vec<usize> = table.lines().filter_map(answered).collect();
        // Few places of these maps are free, out of reach, and near enough to one in reach.
        assert!(answered[..2] == [40, 40] && answered[2] >= 20, "{table}");
    }

    #[test]
    fn a_folder_without_maps_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let args = EndsArgs { maps: folder.path().to_owned(), count: 1, seed: 1, bundle: None };
        assert!(run(&args).unwrap_err().to_string().contains("no map in this folder"));
    }
}
