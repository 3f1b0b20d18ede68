//! What the robot can drive, and what that costs.

use trm_config::MotionModel;

use crate::error::LatticeError;

/// The greatest factor of a penalty.
pub const MAX_PENALTY: f64 = 5.0;
/// The greatest cost of a turn where the robot stands, in cells for each radian.
pub const MAX_TURNING_COST: f64 = 50.0;

/// How a robot moves, and how dear that is. `reverse_penalty` and `non_straight_penalty` are those of Nav2's Smac planners:
/// factors of the length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Motion {
    /// Which motions there are.
    pub model: MotionModel,
    /// The least radius of a curve of the robot's base, in cells. Only [`MotionModel::Car`] has one.
    pub turning_radius: f64,
    /// Whether the robot may drive backwards.
    pub allow_reverse: bool,
    /// Factor of the cost of driving backwards, from 1 to [`MAX_PENALTY`].
    pub reverse_penalty: f64,
    /// Factor of the cost of curves, from 1 to [`MAX_PENALTY`].
    pub non_straight_penalty: f64,
    /// What a change between forwards and backwards is worth avoiding, in cells. A field knows nothing of it, since its
    /// states don't say how they were reached; choosing a way along the field does.
    pub change_penalty: f64,
    /// Cost of turning where the robot stands, in cells for each radian, up to [`MAX_TURNING_COST`].
    pub turning_cost: f64,
}

impl Motion {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is out of its range, with its value.
    pub fn check(&self) -> Result<(), LatticeError> {
        let is_car = self.model == MotionModel::Car;
        if is_car && !(self.turning_radius.is_finite() && self.turning_radius > 0.0) {
            return Err(LatticeError::new("turning_radius", self.turning_radius, "must be a positive number of cells"));
        }
        let limits = [
            ("reverse_penalty", self.reverse_penalty, 1.0, MAX_PENALTY),
            ("non_straight_penalty", self.non_straight_penalty, 1.0, MAX_PENALTY),
            ("change_penalty", self.change_penalty, 0.0, 1000.0),
            ("turning_cost", self.turning_cost, 0.0, MAX_TURNING_COST),
        ];
        match limits.into_iter().find(|(_, value, least, most)| !(*least..=*most).contains(value)) {
            Some((field, value, least, most)) => {
                Err(LatticeError::new(field, value, format!("must be from {least} to {most}")))
            }
            None => Ok(()),
        }
    }
}
