//! Where queries and scenes come from.

use anyhow::{anyhow, bail};
use trm_grid::costmap::Costmap;
use trm_grid::travel::Travel;
use trm_grid::units::Cell;

use super::args::{EvalArgs, EvalSetting};
use super::query::{Query, Scene};
use super::timed_planner::TimedPlanner;
use super::window_regions::WindowRegions;
use crate::worlds::generators::WorldKind;
use crate::worlds::map_set::{self, MapWorld};
use crate::worlds::maze_hard;
use crate::worlds::optimum::{Optimum, field, optimum};
use crate::worlds::random::Random;
use crate::worlds::regions::Regions;
use crate::worlds::world::crop;

/// Worlds that are drawn for one query before the search for a good pair is given up.
const DRAWS: usize = 1000;
/// The same for mazes, of which few have a long path.
const MAZE_DRAWS: usize = 1_000_000;
/// Least distance of a goal from the window's border, in cells, so that it stays inside when the robot moves a little.
const MARGIN: i32 = 4;
/// Seeds of scenes are those of queries with these bits flipped.
const SCENES: u64 = 0x5ce9_e5ce_9e5c_e9e5;

/// The worlds to draw from.
pub enum QuerySource {
    /// Windows of maps.
    Maps(Vec<MapWorld>),
    /// Generated worlds of these kinds.
    Generated(Vec<WorldKind>),
    /// Mazes with so many cells per side.
    Mazes(usize),
}

impl QuerySource {
    /// The source that the arguments name.
    ///
    /// # Errors
    /// When maps can't be read; names the folder or the file.
    pub fn new(args: &EvalArgs, setting: &EvalSetting) -> anyhow::Result<Self> {
        Ok(match (&args.maps, args.mazes) {
            (Some(folder), _) => Self::Maps(map_set::load(folder, args.resolution, &setting.config)?),
            (None, Some(size)) => Self::Mazes(size as usize),
            (None, None) => Self::Generated(args.kinds.clone()),
        })
    }

    /// The names of the groups: the maps, the kinds of worlds, or the one group of mazes.
    pub fn groups(&self) -> Vec<String> {
        match self {
            Self::Maps(maps) => maps.iter().map(|map| map.name.clone()).collect(),
            Self::Generated(kinds) => kinds.iter().map(|kind| kind.name().to_owned()).collect(),
            Self::Mazes(_) => vec!["maze".to_owned()],
        }
    }

    /// The query with this number, in a world that the model sees as a whole.
    ///
    /// # Errors
    /// When many worlds have no pair of cells that reach each other.
    pub fn query(&self, seed: u64, number: usize, setting: &EvalSetting) -> anyhow::Result<Query> {
        let random = &mut Random::of_query(seed, number);
        if let Self::Mazes(size) = self {
            return maze(*size, random);
        }
        let group = self.group(number);
        for _ in 0..DRAWS {
            if let Some(query) = query(group, self.world(group, setting.side, random)?, setting.travel(), random) {
                return Ok(query);
            }
        }
        Err(self.no_pair(group, setting.side))
    }

    /// The scene with this number, in a world with twice the window's side. Only mazes stay as they are. `planner`
    /// tells where the window lies.
    ///
    /// # Errors
    /// When many worlds have none.
    pub fn scene(
        &self,
        seed: u64,
        number: usize,
        setting: &EvalSetting,
        planner: &TimedPlanner,
    ) -> anyhow::Result<Scene> {
        let random = &mut Random::of_query(seed ^ SCENES, number);
        if let Self::Mazes(size) = self {
            let Query { costmap, start, goal, .. } = maze(*size, random)?;
            return Ok(Scene { costmap, start, goal });
        }
        let (group, side) = (self.group(number), 2 * setting.window);
        for _ in 0..DRAWS {
            if let Some(scene) = scene(self.world(group, side, random)?, setting.window, planner, random)? {
                return Ok(scene);
            }
        }
        Err(self.no_pair(group, side))
    }

    /// Maps and kinds take turns.
    const fn group(&self, number: usize) -> usize {
        match self {
            Self::Maps(maps) => number % maps.len(),
            Self::Generated(kinds) => number % kinds.len(),
            Self::Mazes(_) => 0,
        }
    }

    fn world(&self, group: usize, side: usize, random: &mut Random) -> anyhow::Result<Costmap> {
        Ok(match self {
            Self::Maps(maps) => {
                let (whole, col, row) = maps[group].place(side, random);
                crop(whole, col, row, side)?
            }
            Self::Generated(kinds) => kinds[group].generate(side, random).costmap()?,
            Self::Mazes(size) => maze(*size, random)?.costmap,
        })
    }

    fn no_pair(&self, group: usize, side: usize) -> anyhow::Error {
        let drawn = format!("{DRAWS} windows of {side} x {side} cells had too few free cells that reach each other");
        match self {
            Self::Maps(maps) => anyhow!("map file {}: {drawn}", maps[group].file.display()),
            Self::Generated(kinds) => anyhow!("--generated {side}: kind {}: {drawn}", kinds[group]),
            Self::Mazes(size) => anyhow!("--mazes {size}: {drawn}"),
        }
    }
}

/// A random pair in a world.
fn query(group: usize, costmap: Costmap, travel: Travel, random: &mut Random) -> Option<Query> {
    let (start, goal) = Regions::of(&costmap).pair(&costmap, random)?;
    let optimum = optimum(&costmap, &field(&costmap, goal, travel)?, start)?;
    Some(Query { group, costmap, start, goal, optimum })
}

/// A maze with a long path.
fn maze(size: usize, random: &mut Random) -> anyhow::Result<Query> {
    let Some(maze) = (0..MAZE_DRAWS).find_map(|_| maze_hard::draw(size, random)) else {
        bail!("--mazes {size}: none of {MAZE_DRAWS} mazes had a long path");
    };
    let costmap = maze_hard::pillars(&maze.cells).costmap()?;
    let cell = |at| {
        let (row, col) = maze_hard::pillar(at);
        Cell::new(col as i32, row as i32)
    };
    let length = 2.0 * f64::from(maze.moves);
    let optimum = Optimum { cost: length, cells: length };
    Ok(Query { group: 0, costmap, start: cell(maze.start), goal: cell(maze.goal), optimum })
}

/// A robot in the middle of a world, and a goal in the window of `size` cells around it; `None` when the draw fails.
fn scene(costmap: Costmap, size: usize, planner: &TimedPlanner, random: &mut Random) -> anyhow::Result<Option<Scene>> {
    let start = {
        let mut coordinate = || random.whole(size / 2..size + size / 2) as i32;
        Cell::new(coordinate(), coordinate())
    };
    if !costmap.is_free(start, false) {
        return Ok(None);
    }
    let window = planner.window(start, &costmap)?;
    let regions = WindowRegions::of(&costmap, window)?;
    for _ in 0..100 {
        let mut coordinate = || random.whole(MARGIN as usize..size - MARGIN as usize) as i32;
        let goal = window.global(Cell::new(coordinate(), coordinate()));
        if regions.are_joined(start, goal)
            && start.col.abs_diff(goal.col).max(start.row.abs_diff(goal.row)) > MARGIN as u32
        {
            return Ok(Some(Scene { costmap, start, goal }));
        }
    }
    Ok(None)
}
