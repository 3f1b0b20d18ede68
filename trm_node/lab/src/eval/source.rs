//! Where the queries come from.

use anyhow::{anyhow, bail};
use trm_grid::costmap::Costmap;
use trm_grid::travel::Travel;
use trm_grid::units::Cell;
use trm_grid::window::Window;

use super::args::{EvalArgs, Setting};
use crate::worlds::generators::Kind;
use crate::worlds::map_set::{self, Map};
use crate::worlds::mazes;
use crate::worlds::optimum::{Optimum, field, optimum};
use crate::worlds::random::Random;
use crate::worlds::regions::Regions;
use crate::worlds::world::crop;

/// A world without a good pair is drawn again at most so often.
const DRAWS: usize = 1000;
/// The same for mazes, of which few have a long way.
const MAZE_DRAWS: usize = 1_000_000;
/// How many cells a goal is from the window's border, so that it stays in the window when the robot moves a little.
const MARGIN: i32 = 4;
/// Seeds of scenes are those of the queries with these bits turned.
const SCENES: u64 = 0x5ce9_e5ce_9e5c_e9e5;

/// The worlds to draw from.
pub enum Source {
    Maps(Vec<Map>),
    Generated,
    /// With the number of cells a side.
    Mazes(usize),
}

/// One query: all in cells of its costmap.
pub struct Query {
    /// Its place in [`Source::groups`].
    pub group: usize,
    pub costmap: Costmap,
    pub start: Cell,
    pub goal: Cell,
    pub optimum: Optimum,
}

/// A robot to drive a little: its goal is in the window around it, and can be reached in it.
pub struct Scene {
    pub costmap: Costmap,
    pub start: Cell,
    pub goal: Cell,
}

impl Source {
    /// What the arguments name.
    ///
    /// # Errors
    /// When maps can't be read; names the folder or the file.
    pub fn new(args: &EvalArgs, setting: &Setting) -> anyhow::Result<Self> {
        Ok(match (&args.maps, args.mazes) {
            (Some(folder), _) => Self::Maps(map_set::load(folder, args.resolution, &setting.config)?),
            (None, Some(size)) => Self::Mazes(size as usize),
            (None, None) => Self::Generated,
        })
    }

    /// The maps, the kinds of worlds, or the one group of mazes.
    pub fn groups(&self) -> Vec<String> {
        match self {
            Self::Maps(maps) => maps.iter().map(|map| map.name.clone()).collect(),
            Self::Generated => Kind::ALL.map(|kind| kind.name().to_owned()).to_vec(),
            Self::Mazes(_) => vec!["maze".to_owned()],
        }
    }

    /// The query with a number, in a world that the model sees as a whole.
    ///
    /// # Errors
    /// When no world with a reachable pair is found in many.
    pub fn query(&self, seed: u64, number: usize, setting: &Setting) -> anyhow::Result<Query> {
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
        Err(self.nothing(group, setting.side))
    }

    /// The scene with a number: in a world of twice the window's side, but for mazes, which stay whole.
    ///
    /// # Errors
    /// When none is found in many worlds.
    pub fn scene(&self, seed: u64, number: usize, setting: &Setting) -> anyhow::Result<Scene> {
        let random = &mut Random::of_query(seed ^ SCENES, number);
        if let Self::Mazes(size) = self {
            let Query { costmap, start, goal, .. } = maze(*size, random)?;
            return Ok(Scene { costmap, start, goal });
        }
        let (group, side) = (self.group(number), 2 * setting.window);
        for _ in 0..DRAWS {
            if let Some(scene) = scene(self.world(group, side, random)?, setting, random)? {
                return Ok(scene);
            }
        }
        Err(self.nothing(group, side))
    }

    /// Maps and kinds take turns.
    const fn group(&self, number: usize) -> usize {
        match self {
            Self::Maps(maps) => number % maps.len(),
            Self::Generated => number % Kind::ALL.len(),
            Self::Mazes(_) => 0,
        }
    }

    fn world(&self, group: usize, side: usize, random: &mut Random) -> anyhow::Result<Costmap> {
        Ok(if let Self::Maps(maps) = self {
            let (whole, col, row) = maps[group].place(side, random);
            crop(whole, col, row, side)?
        } else {
            Kind::ALL[group].generate(side, random).costmap()?
        })
    }

    fn nothing(&self, group: usize, side: usize) -> anyhow::Error {
        let drawn = format!("{DRAWS} windows of {side} x {side} cells had too few free cells that reach each other");
        match self {
            Self::Maps(maps) => anyhow!("map file {}: {drawn}", maps[group].file.display()),
            _ => anyhow!("--generated {side}: kind {}: {drawn}", Kind::ALL[group].name()),
        }
    }
}

/// A random pair in a world.
fn query(group: usize, costmap: Costmap, travel: Travel, random: &mut Random) -> Option<Query> {
    let (start, goal) = Regions::of(&costmap).pair(&costmap, random)?;
    let optimum = optimum(&costmap, &field(&costmap, goal, travel)?, start)?;
    Some(Query { group, costmap, start, goal, optimum })
}

fn maze(size: usize, random: &mut Random) -> anyhow::Result<Query> {
    let Some(maze) = (0..MAZE_DRAWS).find_map(|_| mazes::draw(size, random)) else {
        bail!("--mazes {size}: none of {MAZE_DRAWS} mazes had a long way");
    };
    let costmap = mazes::pillars(&maze.cells).costmap()?;
    let cell = |at| {
        let (row, col) = mazes::pillar(at);
        Cell::new(col as i32, row as i32)
    };
    let length = 2.0 * f64::from(maze.moves);
    let optimum = Optimum { cost: length, cells: length };
    Ok(Query { group: 0, costmap, start: cell(maze.start), goal: cell(maze.goal), optimum })
}

/// A robot in the middle of a world, and a goal in the window around it.
fn scene(costmap: Costmap, setting: &Setting, random: &mut Random) -> anyhow::Result<Option<Scene>> {
    let size = setting.window;
    let start = {
        let mut coordinate = || random.whole(size / 2..size + size / 2) as i32;
        Cell::new(coordinate(), coordinate())
    };
    if !costmap.is_free(start, false) {
        return Ok(None);
    }
    let window = Window::around(start, costmap.geometry(), size, setting.patch);
    let seen = Seen::of(&costmap, window)?;
    for _ in 0..100 {
        let mut coordinate = || random.whole(MARGIN as usize..size - MARGIN as usize) as i32;
        let goal = window.global(Cell::new(coordinate(), coordinate()));
        if seen.joins(start, goal) && start.col.abs_diff(goal.col).max(start.row.abs_diff(goal.row)) > MARGIN as u32 {
            return Ok(Some(Scene { costmap, start, goal }));
        }
    }
    Ok(None)
}

/// What can be reached inside a window of a larger world.
pub struct Seen {
    window: Window,
    regions: Regions,
}

impl Seen {
    /// Looks at one window.
    ///
    /// # Errors
    /// When the window is too large for a grid.
    pub fn of(costmap: &Costmap, window: Window) -> anyhow::Result<Self> {
        let part = crop(costmap, window.corner().col, window.corner().row, window.size())?;
        Ok(Self { window, regions: Regions::of(&part) })
    }

    /// Whether two cells of the world can reach each other without leaving the window.
    pub fn joins(&self, a: Cell, b: Cell) -> bool {
        let at = |cell| self.window.local(cell).and_then(|local| self.window.index(local));
        at(a).zip(at(b)).is_some_and(|(a, b)| self.regions.are_joined(a, b))
    }
}
