//! Robots for tests.

use trm_config::MotionModel;
use trm_config::footprint::Footprint;

use crate::motion::Motion;

/// A footprint from its text.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn outline_of(text: &str) -> Footprint {
    text.parse().expect("a footprint")
}

/// A car of 0.62 m x 0.9 m whose base is at the rear axle.
#[must_use]
pub fn car() -> Footprint {
    outline_of("[[0.7, 0.31], [-0.2, 0.31], [-0.2, -0.31], [0.7, -0.31]]")
}

/// A motion with Nav2's penalties.
#[must_use]
pub fn motion(model: MotionModel, turning_radius: f64) -> Motion {
    Motion {
        model,
        turning_radius,
        allow_reverse: true,
        reverse_penalty: 2.0,
        non_straight_penalty: 1.2,
        change_penalty: 0.0,
        turning_cost: 3.0,
    }
}
