//! A maze of corridors, as in `models/trm_train/worlds.py`.

use crate::worlds::random::Random;
use crate::worlds::world::World;

/// A maze made by a random depth-first walk: corridors 1 to 3 cells wide, a few loops.
pub fn corridor_maze(world: &mut World, random: &mut Random) {
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
    let mut path = vec![(0_usize, 0_usize)];
    while let Some((a, b)) = path.last().copied() {
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
            path.pop();
            continue;
        }
        let (na, nb) = options[random.below(options.len())];
        open(world, (a, b), (na, nb), width);
        seen.set(na, nb, true);
        path.push((na, nb));
    }
}

/// Removes the wall between two neighbouring rooms of a maze.
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
            corridor_maze(&mut world, &mut Random::new(seed));
            let regions = Regions::of(&world.costmap().unwrap());
            assert_eq!(regions.count(), 1, "seed {seed}");
        }
    }
}
