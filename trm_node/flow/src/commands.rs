//! Goals, pauses and the end: the one way in which they reach the threads.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Sender;
use trm_grid::units::Pose;
use trm_planner::ask::{Ask, Asked, Settings};
use trm_planner::epoch::Epochs;
use trm_rt::ring;

use crate::messages::{GuidanceEvent, PlannerEvent};
use crate::request::PlanRequest;

/// Commands the planner thread and the guidance thread. Each command begins an epoch, which cancels the plan that is
/// being made, and then tells the threads.
#[derive(Clone)]
pub struct Commands {
    /// Which requests are still current.
    pub epochs: Arc<Epochs>,
    /// To the planner thread.
    pub planner: ring::Sender<PlannerEvent>,
    /// To the guidance thread.
    pub guidance: Sender<GuidanceEvent>,
}

// A send fails only while the node is stopping.
impl Commands {
    /// Plan to this goal, which arrived at this time, instead of any other. The robot is here, as far as is known.
    /// Returns the epoch that begins with it.
    #[expect(clippy::must_use_candidate, reason = "who doesn't ask when the goal is reached has no use for it")]
    pub fn goal(&self, pose: Pose, arrived: Duration, robot: Option<Pose>) -> u64 {
        let epoch = self.epochs.begin();
        // The planner thread first: it takes no guidance for a goal that it doesn't know.
        let _ = self.planner.send(PlannerEvent::Goal { pose, arrived, epoch });
        let _ = self.guidance.send(GuidanceEvent::Goal(pose, epoch, robot));
        epoch
    }

    /// Plan once, beside the goal, and answer. `settings` are those of the planner that is asked, whose guidance is
    /// computed for each of the goals. The robot is here, as far as is known. `false` when the planner thread has ended.
    #[must_use]
    pub fn request(&self, request: Box<PlanRequest>, settings: &Settings, robot: Option<Pose>) -> bool {
        let from = request.start.or(robot);
        let starts = std::iter::once(from).chain(request.goals.iter().copied().map(Some));
        let asked = |(goal, robot): (&Pose, _)| {
            let (ask, epochs) = (Ask { goal: *goal, settings: settings.clone() }, Arc::clone(&request.epochs));
            Asked { ask, robot, epochs }
        };
        for asked in request.goals.iter().zip(starts).map(asked) {
            let _ = self.guidance.send(GuidanceEvent::Ask(asked));
        }
        self.planner.send(PlannerEvent::Request(request)).is_ok()
    }

    /// Nobody waits for a request with these epochs any more.
    pub fn cancel(&self, epochs: &Epochs) {
        epochs.begin();
        let _ = self.planner.send(PlannerEvent::Cancelled);
    }

    /// Start or pause planning. Guidance goes on during a pause. `false` when the planner thread has ended.
    #[must_use]
    pub fn set_active(&self, active: bool) -> bool {
        let epoch = self.epochs.begin();
        self.planner.send(PlannerEvent::Active { active, epoch }).is_ok()
    }

    /// Forget the goal, the path and the model's state. Guidance to it is no longer needed.
    pub fn forget(&self) {
        let epoch = self.epochs.begin();
        self.epochs.finish(epoch);
        let _ = self.planner.send(PlannerEvent::Forget { epoch });
    }

    /// End both threads.
    pub fn stop(&self) {
        self.epochs.begin();
        let _ = self.planner.send(PlannerEvent::Stop);
        let _ = self.guidance.send(GuidanceEvent::Stop);
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::unbounded;
    use trm_rt::ring::channel;

    use super::*;

    #[test]
    fn a_goal_reaches_planner_and_guidance_in_one_epoch_and_a_pause_only_the_planner() {
        let (planner, mut planner_inbox) = channel(8);
        let (guidance, guidance_inbox) = unbounded();
        let commands = Commands { epochs: Arc::default(), planner: planner.shared(), guidance };
        let pose = Pose::new(1.0, 2.0, 0.5);
        let robot = Pose::new(5.0, 6.0, 0.0);
        assert_eq!(commands.goal(pose, Duration::from_secs(3), Some(robot)), 1);
        assert!(
            matches!(guidance_inbox.try_recv(), Ok(GuidanceEvent::Goal(to, 1, Some(from))) if (to, from) == (pose, robot))
        );
        let Some(PlannerEvent::Goal { pose: to, arrived, epoch: 1 }) = planner_inbox.take() else { panic!("no goal") };
        assert_eq!((to, arrived), (pose, Duration::from_secs(3)));
        assert!(!commands.epochs.is_over(1));
        assert!(commands.set_active(false));
        assert!(commands.epochs.is_over(1), "the plan that is being made is cancelled");
        assert!(matches!(planner_inbox.take(), Some(PlannerEvent::Active { active: false, epoch: 2 })));
        assert!(guidance_inbox.is_empty());
        commands.forget();
        assert!(commands.epochs.is_over(2) && commands.epochs.is_finished(1));
        assert!(matches!(planner_inbox.take(), Some(PlannerEvent::Forget { epoch: 3 })));
        assert!(guidance_inbox.is_empty());
        commands.stop();
        assert!(commands.epochs.is_over(3));
        assert!(matches!(planner_inbox.take(), Some(PlannerEvent::Stop)));
        assert!(matches!(guidance_inbox.try_recv(), Ok(GuidanceEvent::Stop)));
        drop(planner_inbox);
        assert!(!commands.set_active(true));
    }
}
