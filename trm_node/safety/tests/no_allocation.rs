//! The check of a path allocates nothing.

use trm_config::footprint::Footprint;
use trm_grid::testing::costmap;
use trm_grid::units::Pose;
use trm_safety::check::Rules;
use trm_safety::outline::Outline;
use trm_safety::{Draft, VerifiedPath};

#[test]
fn a_swept_path_is_accepted_without_allocation() {
    // The robot leaves an unknown cell, and turns beside an obstacle.
    let map = costmap(&["?.........", "..........", "..........", "..........", "........#.", ".........."]);
    let robot: Footprint = "[[1.4, 0.9], [-1.4, 0.9], [0, 0.2], [-1.4, -0.9], [1.4, -0.9]]".parse().expect("a polygon");
    let outline = Outline::new(&robot, 1.0);
    let rules = Rules { allow_unknown: false, escape: 3.0 };
    let poses = [(1.9, 1.5, 0.0), (3.5, 1.5, 0.0), (5.5, 2.0, 0.5), (6.3, 3.3, 1.3)];
    let mut draft = Draft { poses: poses.map(|(x, y, yaw)| Pose::new(x, y, yaw)).to_vec(), junction: None };
    let mut path = VerifiedPath::default();
    let mut accepted = false;
    let allocated = allocation_counter::measure(|| accepted = path.accept_swept(&mut draft, &outline, &map, rules));
    assert!(accepted);
    assert_eq!(allocated.count_total, 0);
}
