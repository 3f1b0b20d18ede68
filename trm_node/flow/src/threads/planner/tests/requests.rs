//! Requests, beside ticks and without them.

use trm_planner::ask::Ask;

use super::*;
use crate::plan_record::Kind;
use crate::request::{self, MAX_REQUESTS, PlanRequest};
use crate::threads::planner::requests::Waiting;

const LONG: Duration = Duration::from_secs(40);

fn request(start: Option<Pose>, goals: &[Pose], budget: Duration) -> Box<PlanRequest> {
    Box::new(PlanRequest {
        kind: if goals.len() == 1 { Kind::ToPose } else { Kind::ThroughPoses },
        planner: 0,
        start,
        goals: goals.to_vec(),
        arrived: Duration::ZERO,
        budget,
        epochs: request::epochs(),
        path: request::memory(goals.len()),
        reply: Box::new(|_, _| {}),
    })
}

impl Bench {
    fn ask(&self, mut request: Box<PlanRequest>) -> Arc<Epochs> {
        request.arrived = self.shared.clock.now();
        let epochs = Arc::clone(&request.epochs);
        self.send(PlannerEvent::Request(request));
        epochs
    }

    /// What the guidance thread would deliver.
    fn guide(&self, costmap: &Costmap, goal: Pose) {
        let config = config();
        let settings = crate::threads::guidance::settings(&config);
        let area = trm_planner::endpoints::GoalArea::new(costmap.geometry(), settings.tolerance, goal.point()).unwrap();
        let guidance = trm_planner::target::guide(costmap, settings.travel, &area, &|| false).unwrap();
        let (purpose, version) = (Purpose::Ask(Ask { goal, settings }), Some(costmap.version()));
        let done = self.shared.clock.now();
        let guided = Guided { guidance, poses: None, took: done, done, purpose, version, number: 1 };
        self.send(PlannerEvent::Guidance(Box::new(guided)));
    }

    fn guide_all(&self, goals: &[Pose]) {
        for goal in goals {
            self.guide(&self.costmap, *goal);
        }
    }

    /// The next answer, and how many plans of ticks came before it.
    fn answer(&mut self) -> (PlanRecord, Vec<Pose>, usize) {
        let mut ticks = 0;
        loop {
            match self.plans.events.take_within(PATIENCE).expect("an answer") {
                PublisherEvent::GoalReached => {}
                PublisherEvent::Plan { poses, .. } => {
                    ticks += 1;
                    if let Some(poses) = poses {
                        self.plans.give_back(poses);
                    }
                }
                PublisherEvent::Answer { mut record, times, request } => {
                    record.total = self.shared.clock.now().saturating_sub(times.arrived);
                    return (record, request.path.clone(), ticks);
                }
            }
        }
    }
}

fn at(x: f64, y: f64) -> Pose {
    Pose::new(x, y, 0.3)
}

#[test]
fn a_request_is_planned_from_its_start_or_from_the_robot_and_with_guidance_at_once() {
    let mut bench = bench();
    for (start, from) in [(Some(at(1.0, 1.5)), at(1.0, 1.5)), (None, at(0.5, 0.5))] {
        let goal = at(2.5, 0.5);
        bench.ask(request(start, &[goal], LONG));
        bench.guide(&bench.costmap, goal);
        let (record, path, _) = bench.answer();
        assert_eq!((record.result, record.kind, record.leg), (Ok(()), Kind::ToPose, 0));
        assert_eq!((path[0].point(), path[path.len() - 1]), (from.point(), goal));
        assert!(record.total < LONG / 4, "{:?}", record.total);
    }
    // Guidance that is kept serves the next one.
    bench.ask(request(None, &[at(2.5, 0.5)], LONG));
    assert!(bench.answer().0.total < LONG / 4);
    bench.stop();
}

#[test]
fn without_guidance_a_request_is_planned_when_half_of_its_time_is_over() {
    let mut bench = bench();
    let budget = Duration::from_millis(400);
    bench.ask(request(None, &[at(2.5, 0.5)], budget));
    let (record, path, _) = bench.answer();
    assert_eq!((record.result, path.last().copied()), (Ok(()), Some(at(2.5, 0.5))));
    assert!(record.total >= budget / 2, "{:?}", record.total);
    bench.stop();
}

#[test]
fn a_path_through_poses_is_one_path_and_the_leg_that_fails_is_named() {
    let mut bench = bench();
    let goals = [at(1.5, 1.5), at(2.5, 0.5), at(0.5, 1.5)];
    bench.guide_all(&goals);
    bench.ask(request(None, &goals, LONG));
    let (record, path, _) = bench.answer();
    assert_eq!((record.result, record.kind, record.leg), (Ok(()), Kind::ThroughPoses, 2));
    assert!(goals.iter().all(|goal| path.iter().filter(|pose| pose.point() == goal.point()).count() == 1));
    assert_eq!((path[0].point(), path[path.len() - 1]), (at(0.5, 0.5).point(), goals[2]));
    let length: f64 = path.windows(2).map(|pair| pair[0].point().distance(pair[1].point())).sum();
    assert!((record.length - length).abs() < 1e-6);

    bench.ask(request(None, &[goals[0], at(9.0, 9.0), goals[1]], LONG));
    let (record, _, _) = bench.answer();
    assert!(matches!(record.result, Err(Failure::Plan(PlanError::GoalOutsideMap(_)))), "{:?}", record.result);
    assert_eq!(record.leg, 1);
    bench.stop();
}

#[test]
fn a_cancelled_request_is_answered_at_once() {
    let mut bench = bench();
    let epochs = bench.ask(request(None, &[at(2.5, 0.5)], LONG));
    bench.commands.cancel(&epochs);
    let (record, path, _) = bench.answer();
    assert_eq!((record.result, path.len()), (Err(Failure::Plan(PlanError::Cancelled)), 0));
    assert!(record.total < LONG / 4);
    bench.stop();
}

#[test]
fn what_time_may_cure_is_tried_until_the_deadline_and_then_told() {
    let mut bench = bench();
    bench.shared.latest_pose().set(None);
    let goal = at(2.5, 0.5);
    bench.guide(&bench.costmap, goal);
    let budget = Duration::from_millis(300);
    bench.ask(request(None, &[goal], budget));
    let (record, _, _) = bench.answer();
    assert_eq!(record.result, Err(Failure::NoPose));
    assert!(record.total >= budget * 3 / 4, "{:?}", record.total);
    bench.ask(request(None, &[goal], LONG));
    thread::sleep(Duration::from_millis(20));
    bench.robot_at(at(0.5, 0.5));
    let (record, _, _) = bench.answer();
    assert_eq!(record.result, Ok(()));
    assert!(record.total < LONG / 4);
    bench.stop();
}

#[test]
fn requests_are_refused_during_a_pause_and_those_that_wait_are_answered() {
    let mut bench = bench();
    bench.ask(request(None, &[at(2.5, 0.5)], LONG));
    assert!(bench.commands.set_active(false));
    bench.ask(request(None, &[at(2.5, 0.5)], LONG));
    for _ in 0..2 {
        let (record, _, _) = bench.answer();
        assert_eq!(record.result, Err(Failure::Inactive));
        assert!(record.total < LONG / 4);
    }
    assert!(bench.commands.set_active(true));
    bench.guide(&bench.costmap, at(2.5, 0.5));
    bench.ask(request(None, &[at(2.5, 0.5)], LONG));
    assert_eq!(bench.answer().0.result, Ok(()));
    bench.stop();
}

#[test]
fn the_legs_of_a_path_leave_room_for_all_of_its_poses() {
    let (start, goals) = (at(0.5, 0.5), [at(1.5, 0.5), at(1.5, 1.5), at(2.5, 1.5)]);
    let record = PlanRecord::new(0, LONG);
    let mut waiting = Waiting { request: request(None, &goals, LONG), leg: 0, due: Duration::ZERO, record };
    assert_eq!(waiting.expected_poses(start, 0.125), 24, "of none of them anything is known");
    waiting.request.path.extend([Pose::default(); 100]);
    waiting.leg = 2;
    assert_eq!(waiting.expected_poses(goals[1], 0.125), 108, "two were longer than straight ways");
}

#[test]
fn ticks_and_requests_do_not_starve_each_other() {
    let mut bench = bench();
    bench.goal(at(2.0, 1.0));
    let goals = [at(2.5, 0.5), at(0.5, 1.5)];
    bench.guide_all(&goals);
    for at in 0..MAX_REQUESTS {
        bench.ask(request(None, &[goals[at % 2]], LONG));
    }
    let mut ticks = 0;
    for at in 0..MAX_REQUESTS {
        let (record, path, between) = bench.answer();
        assert_eq!((record.result, path.last()), (Ok(()), Some(&goals[at % 2])), "in their order");
        ticks += between;
    }
    bench.plan_to(at(2.0, 1.0));
    assert!(ticks < MAX_REQUESTS, "at most one tick for each request: {ticks}");
    bench.stop();
}

#[test]
fn more_requests_than_may_wait_are_answered_too() {
    let mut bench = bench();
    for _ in 0..MAX_REQUESTS + 3 {
        bench.ask(request(None, &[at(2.5, 0.5)], Duration::from_millis(800)));
    }
    let answers: Vec<_> = (0..MAX_REQUESTS + 3).map(|_| bench.answer().0.result).collect();
    let refused = answers.iter().filter(|answer| **answer == Err(Failure::Backlog)).count();
    assert_eq!((refused, answers.iter().filter(|answer| answer.is_ok()).count()), (3, MAX_REQUESTS));
    bench.stop();
}

#[test]
fn a_goal_that_current_guidance_cannot_reach_is_refused_at_once_and_one_of_older_guidance_waits_for_newer() {
    let mut bench = bench();
    let geometry = *bench.costmap.geometry();
    let walled = |has_wall: bool| {
        let occupancy = |at: usize| if has_wall && at % 60 == 30 { 100 } else { 0 };
        let grid = OccupancyGrid::new(geometry, (0..2400).map(occupancy).collect()).unwrap();
        build(&config().grid, config().node.grid_source, grid)
    };
    let (walled, open) = (walled(true), walled(false));
    let goal = at(2.5, 0.5);
    let grid = |costmap: &Costmap| PlannerEvent::Grid {
        change: GridChange::Whole(Box::new(costmap.clone())),
        arrived: Duration::ZERO,
    };
    bench.send(grid(&walled));
    bench.guide(&walled, goal);
    bench.ask(request(None, &[goal], LONG));
    let (record, _, _) = bench.answer();
    assert_eq!(record.result, Err(Failure::Plan(PlanError::NoValidPath)));
    assert!(record.total < LONG / 4);
    bench.send(grid(&open));
    bench.ask(request(None, &[goal], Duration::from_secs(2)));
    thread::sleep(Duration::from_millis(1200));
    bench.guide(&open, goal);
    assert_eq!(bench.answer().0.result, Ok(()), "older guidance proves nothing");
    bench.stop();
}
