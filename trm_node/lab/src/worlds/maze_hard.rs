//! Mazes in the style of Maze-Hard (arXiv 2510.04871): cells that are walls at random, four moves, a long way to go.
//!
//! For the eight moves of the planner, a maze of n × n cells becomes a world of (2n + 1) × (2n + 1) cells: the maze's
//! cell (r, c) is the world's (2r + 1, 2c + 1), the cell between two free neighbours is free, and everything else is
//! blocked. These pillars make every diagonal illegal, so no path can be straightened, and every path is twice as long
//! as in the maze.

use crate::worlds::random::Random;
use crate::worlds::world::World;

/// A shortest path has more moves than this on 30 × 30 cells. For other sizes the limit is in proportion to the cells.
const LEAST_MOVES: usize = 110;
/// Range of the share of walls, which is drawn for each maze.
const WALLS: (f64, f64) = (0.3, 0.5);
/// This cell can't be reached.
const UNREACHED: u32 = u32::MAX;

/// A maze with a start and a goal, as (row, column).
#[derive(Debug, Clone)]
pub struct Maze {
    /// Its cells, with the walls blocked.
    pub cells: World,
    pub start: (usize, usize),
    pub goal: (usize, usize),
    /// Moves of the shortest path.
    pub moves: u32,
}

/// The number of moves that a shortest path must exceed.
pub const fn least_moves(side: usize) -> usize {
    LEAST_MOVES * side * side / 900
}

/// Draws one maze with a start and a goal; `None` when no cell is far enough from the start that was drawn.
pub fn draw(side: usize, random: &mut Random) -> Option<Maze> {
    let walls = random.number(WALLS.0, WALLS.1);
    let mut cells = World::new(side, false);
    for cell in &mut cells.blocked {
        *cell = random.chance(walls);
    }
    let at = random.below(side * side);
    let start = (at / side, at % side);
    if cells.blocked[at] {
        return None;
    }
    let moves = distances(&cells, start);
    let far: Vec<usize> =
        (0..moves.len()).filter(|at| moves[*at] != UNREACHED && moves[*at] as usize > least_moves(side)).collect();
    if far.is_empty() {
        return None;
    }
    let goal = far[random.below(far.len())];
    Some(Maze { start, goal: (goal / side, goal % side), moves: moves[goal], cells })
}

/// Number of moves from one cell to each other, with the four straight moves.
fn distances(maze: &World, start: (usize, usize)) -> Vec<u32> {
    let side = maze.side;
    let mut moves = vec![UNREACHED; side * side];
    let mut queue = vec![start.0 * side + start.1];
    moves[queue[0]] = 0;
    let mut done = 0;
    while let Some(at) = queue.get(done).copied() {
        done += 1;
        let (row, col) = (at / side, at % side);
        let neighbours = [
            (row > 0).then(|| at - side),
            (row + 1 < side).then_some(at + side),
            (col > 0).then(|| at - 1),
            (col + 1 < side).then_some(at + 1),
        ];
        for next in neighbours.into_iter().flatten() {
            if moves[next] == UNREACHED && !maze.blocked[next] {
                moves[next] = moves[at] + 1;
                queue.push(next);
            }
        }
    }
    moves
}

/// The maze as a world for eight moves.
pub fn pillars(maze: &World) -> World {
    let mut world = World::new(2 * maze.side + 1, true);
    for row in 0..maze.side {
        for col in 0..maze.side {
            if maze.is_blocked(row, col) {
                continue;
            }
            let (r, c) = pillar((row, col));
            world.set(r, c, false);
            if row + 1 < maze.side && !maze.is_blocked(row + 1, col) {
                world.set(r + 1, c, false);
            }
            if col + 1 < maze.side && !maze.is_blocked(row, col + 1) {
                world.set(r, c + 1, false);
            }
        }
    }
    world
}

/// The place of a maze's cell in its world, as (row, column).
pub const fn pillar((row, col): (usize, usize)) -> (usize, usize) {
    (2 * row + 1, 2 * col + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trm_config::GridConfig;
    use trm_grid::moves::legal_moves;
    use trm_grid::travel::Travel;
    use trm_grid::units::{Cell, MOVES};

    use super::*;

    proptest! {
        #[test]
        fn every_path_is_twice_as_long_in_the_world_and_no_diagonal_is_legal(
            side in 2..12_usize, cells in proptest::collection::vec(proptest::bool::weighted(0.35), 144), start in 0..144_usize,
        ) {
            let mut maze = World::new(side, false);
            maze.blocked.copy_from_slice(&cells[..side * side]);
            let start = start % (side * side);
            prop_assume!(!maze.blocked[start]);
            let start = (start / side, start % side);
            let moves = distances(&maze, start);
            let costmap = pillars(&maze).costmap().unwrap();
            let cell = |at| { let (row, col) = pillar(at); Cell::new(col as i32, row as i32) };
            let field = crate::worlds::optimum::field(&costmap, cell(start), Travel::new(&GridConfig::default())).unwrap();
            for (at, moves) in moves.iter().enumerate() {
                let there = cell((at / side, at % side));
                let found = field.cost_to_go(there);
                if *moves == UNREACHED {
                    prop_assert!(found.is_infinite());
                } else {
                    prop_assert!((found - 2.0 * *moves as f32).abs() < 1e-3);
                    let diagonal = (0..8).filter(|bit| MOVES[*bit].is_diagonal());
                    prop_assert!(diagonal.into_iter().all(|bit| legal_moves(&costmap, there, false) >> bit & 1 == 0));
                }
            }
        }
    }

    #[test]
    fn a_drawn_maze_has_a_long_path() {
        let mut random = Random::new(1);
        let maze = (0..100_000).find_map(|_| draw(12, &mut random)).unwrap();
        assert!(maze.moves as usize > least_moves(12));
        assert_eq!(distances(&maze.cells, maze.start)[maze.goal.0 * 12 + maze.goal.1], maze.moves);
        assert_eq!(least_moves(30), 110);
    }
}
