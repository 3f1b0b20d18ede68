//! Rooms with doors, as in `models/trm_train/worlds.py`.

use crate::worlds::random::Random;
use crate::worlds::world::World;

/// Divides the world again and again by walls with one or two doors each.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::regions::Regions;

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
