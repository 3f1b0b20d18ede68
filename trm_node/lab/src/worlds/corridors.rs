//! Rooms and mazes, as in `models/trm_train/worlds.py`.

use crate::worlds::random::Random;
use crate::worlds::world::World;

/// Recursive division with one or two doors in each wall.
pub fn rooms(world: &mut World, random: &mut Random) {
    // First row, first column, height, width.
    let mut open = vec![[0, 0, world.side, world.side]];
    while let Some([row, col, height, width]) = open.pop() {
        let least = random.whole(4..10);
        if height < 2 * least && width < 2 * least {
            continue;
        }
        let across = (height >= width && height >= 2 * least) || width < 2 * least;
        let length = if across { width } else { height };
        let wall;
        if across {
            wall = row + random.whole(least - 1..height - least + 1);
            world.fill(wall..wall + 1, col..col + width, true);
            open.push([row, col, wall - row, width]);
            open.push([wall + 1, col, row + height - wall - 1, width]);
        } else {
            wall = col + random.whole(least - 1..width - least + 1);
            world.fill(row..row + height, wall..wall + 1, true);
            open.push([row, col, height, wall - col]);
            open.push([row, wall + 1, height, col + width - wall - 1]);
        }
        for _ in 0..random.whole(1..3) {
            let door = random.whole(1..4);
            let at = random.below(length.saturating_sub(door).max(1));
            if across {
                world.fill(wall..wall + 1, col + at..col + at + door, false);
            } else {
                world.fill(row + at..row + at + door, wall..wall + 1, false);
            }
        }
    }
}

/// A depth-first maze, corridors 1 to 3 wide, some loops.
pub fn maze(world: &mut World, random: &mut Random) {
    let width = random.whole(1..4);
    let pitch = width + 1;
    let rooms = (world.side - 1) / pitch;
    world.blocked.fill(true);
    for a in 0..rooms {
        for b in 0..rooms {
            world.fill(1 + a * pitch..1 + a * pitch + width, 1 + b * pitch..1 + b * pitch + width, false);
        }
    }
    let mut seen = World::new(rooms, false);
    seen.set(0, 0, true);
    let loops = random.number(0.0, 0.15);
    let mut way = vec![(0_usize, 0_usize)];
    while let Some((a, b)) = way.last().copied() {
        let mut options = Vec::with_capacity(4);
        for (na, nb) in [(a, b + 1), (a + 1, b), (a, b.wrapping_sub(1)), (a.wrapping_sub(1), b)] {
            if na >= rooms || nb >= rooms {
                continue;
            }
            if !seen.is_blocked(na, nb) {
                options.push((na, nb));
            } else if random.chance(loops * 0.5) {
                open(world, (a, b), (na, nb), width);
            }
        }
        if options.is_empty() {
            way.pop();
            continue;
        }
        let (na, nb) = options[random.below(options.len())];
        open(world, (a, b), (na, nb), width);
        seen.set(na, nb, true);
        way.push((na, nb));
    }
}

/// Takes away the wall between two neighbouring rooms of a maze.
fn open(world: &mut World, (a, b): (usize, usize), (na, nb): (usize, usize), width: usize) {
    let pitch = width + 1;
    let (row, col) = (1 + a.min(na) * pitch, 1 + b.min(nb) * pitch);
    if na == a {
        world.fill(row..row + width, col + width..col + pitch, false);
    } else {
        world.fill(row + width..row + pitch, col..col + width, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::regions::Regions;

    #[test]
    fn every_room_of_a_maze_can_be_reached() {
        for seed in 0..30 {
            let mut world = World::new(40, false);
            maze(&mut world, &mut Random::new(seed));
            let regions = Regions::of(&world.costmap().unwrap());
            assert_eq!(regions.count(), 1, "seed {seed}");
        }
    }

    #[test]
    fn rooms_have_walls_and_doors() {
        let mut world = World::new(64, false);
        rooms(&mut world, &mut Random::new(1));
        let wall = (0..64)
            .find(|row| (0..64).filter(|col| world.is_blocked(*row, *col)).count() > 40)
            .or_else(|| (0..64).find(|col| (0..64).filter(|row| world.is_blocked(*row, *col)).count() > 40));
        assert!(wall.is_some());
        let regions = Regions::of(&world.costmap().unwrap());
        assert!(regions.count() < 20, "doors join rooms: {}", regions.count());
    }
}
