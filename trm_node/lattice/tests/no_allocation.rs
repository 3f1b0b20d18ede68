//! After construction neither fields, cold or warm, nor ways along them allocate.

mod common;

use common::{Random, World, robot, seeds, travel};
use trm_grid::units::Cell;
use trm_lattice::field::Field;
use trm_lattice::headings::Headings;

#[test]
fn fields_and_ways_allocate_nothing() {
    let (lattice, mut world) = (robot(0, Headings::H16), World::new(150, 7));
    let seeds = seeds(&mut Random::new(7), Cell::new(20, 20), 64, 16);
    let mut field = Field::new(lattice, 64, travel(1.0)).unwrap();
    let mut steps = Vec::with_capacity(field.max_steps());
    let (mut warm, mut found) = (0, 0);
    let counted = allocation_counter::measure(|| {
        for at in 0..12 {
            world.put(30 + 5 * at, 60, 1, 1, 100);
            let corner = Cell::new(20 + at / 3, 20);
            field.load(corner, |cell| world.cost(cell));
            warm += usize::from(field.solve(&seeds, &mut || true).is_warm);
            for heading in 0..16 {
                let from = trm_lattice::lattice::State { cell: Cell::new(40, 40), heading };
                found += usize::from(field.roll_out(from, &mut steps));
            }
        }
    });
    assert_eq!(counted.count_total, 0);
    assert!(warm > 0 && found > 0, "{warm} {found}");
}
