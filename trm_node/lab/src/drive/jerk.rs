//! How smoothly the robot drove: the jerk of its speed along the path, and that of its turn rate.
//!
//! A parabola is fitted to the speeds of 0.4 s (Savitzky, Golay, 1964); its second derivative is the jerk in their middle. A
//! shorter time shows single commands, a longer one rounds off how the robot starts and brakes. The Gazebo drive has the same
//! span (`tools/gazebo/motion.py`).

use crate::drive::body::{Body, STANDS, TURNS};
use crate::drive::cause::Cause;

/// Speeds are taken so often, in seconds.
pub const STEP: f64 = 0.02;
/// Half of the span, in steps.
const HALF: usize = 10;

/// The speeds of a drive, one a [`STEP`], and what determined them.
#[derive(Default)]
pub struct Motion {
    speeds: Vec<(f64, f64)>,
    causes: Vec<Cause>,
    /// A new path has moved the commands since the last step.
    moved: Option<Cause>,
}

/// The jerks while the robot drove.
#[derive(Debug, Clone, Default)]
pub struct Jerks {
    /// In m/s³.
    pub along: Vec<f64>,
    /// In rad/s³.
    pub turn: Vec<f64>,
    /// Of each, the cause.
    pub causes: Vec<Cause>,
}

impl Motion {
    /// A new path moves the commands from now on.
    pub const fn moved(&mut self, cause: Cause) {
        self.moved = Some(cause);
    }

    /// Takes the next speeds, and what determines the commands at them.
    pub fn take(&mut self, body: &Body, cause: Cause) {
        let cause = if body.stands() { cause.min(Cause::Start) } else { cause };
        self.speeds.push((body.speed, body.turn));
        self.causes.push(self.moved.take().map_or(cause, |moved| moved.min(cause)));
    }

    /// The jerks, without sign.
    pub fn jerks(&self) -> Jerks {
        let count = 2 * HALF + 1;
        let at = |step: usize| (step as f64 - HALF as f64) * STEP;
        let mean = (0..count).map(|step| at(step).powi(2)).sum::<f64>() / count as f64;
        let squares: f64 = (0..count).map(|step| (at(step).powi(2) - mean).powi(2)).sum();
        // The weights of the second derivative of the parabola that fits best.
        let weights: Vec<f64> = (0..count).map(|step| 2.0 * (at(step).powi(2) - mean) / squares).collect();
        let mut jerks = Jerks::default();
        for (window, causes) in self.speeds.windows(count).zip(self.causes.windows(count)) {
            let (speed, turn) = window[HALF];
            if speed.abs() > STANDS || turn.abs() > TURNS {
                let sum = |of: fn(&(f64, f64)) -> f64| -> f64 {
                    window.iter().zip(&weights).map(|(speeds, weight)| of(speeds) * weight).sum()
                };
                jerks.along.push(sum(|speeds| speeds.0).abs());
                jerks.turn.push(sum(|speeds| speeds.1).abs());
                jerks.causes.push(causes.iter().copied().min().unwrap_or(Cause::Free));
            }
        }
        jerks
    }
}

#[cfg(test)]
mod tests {
    use trm_grid::units::Pose;

    use super::*;

    #[test]
    fn the_jerk_of_a_parabola_is_its_second_derivative() {
        let mut motion = Motion::default();
        for step in 0..200 {
            let time = f64::from(step) * STEP;
            let speed = 0.1 + 0.3 * time + 0.4 * time * time;
            motion.take(&Body { pose: Pose::default(), speed, turn: -0.5 * speed }, Cause::Free);
        }
        let Jerks { along, turn, .. } = motion.jerks();
        assert_eq!(along.len(), 180);
        assert!(
            along.iter().all(|jerk| (jerk - 0.8).abs() < 1e-9) && turn.iter().all(|jerk| (jerk - 0.4).abs() < 1e-9)
        );
    }

    #[test]
    fn a_jerk_is_due_to_the_first_cause_within_its_span() {
        let mut motion = Motion::default();
        for step in 0..60 {
            if step == 30 {
                motion.moved(Cause::NewModel);
            }
            let cause = if step == 35 { Cause::Curvature } else { Cause::Free };
            motion.take(&Body { pose: Pose::default(), speed: 0.5, turn: 0.0 }, cause);
        }
        let causes = motion.jerks().causes;
        // The middle of the first span is the tenth step.
        let expected = |step: usize| match step {
            20..=40 => Cause::NewModel,
            41..=45 => Cause::Curvature,
            _ => Cause::Free,
        };
        assert!(causes.iter().enumerate().all(|(at, cause)| *cause == expected(at + HALF)), "{causes:?}");
    }
}
