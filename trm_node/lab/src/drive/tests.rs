//! A sample of drives on a small map.

use std::path::Path;

use super::*;
use crate::drive::run::{End, Outcome};

/// Drives on the smallest map, with the released model.
fn course(seed: u64) -> Course {
    let maps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/maps/nav2_tb3_sandbox");
    Course::load(&maps, None, (seed, 4)).unwrap()
}

fn node(course: &Course, number: usize, can_be_reached: bool) -> Outcome {
    let graphs = course.graphs().unwrap();
    course.begin(number, Policy::Node, &graphs, can_be_reached).unwrap().0.finish()
}

#[test]
fn the_same_seed_gives_the_same_drive_and_another_one_another() {
    let told = |outcome: &Outcome| {
        let times = outcome.plans.total_ms.iter().sum::<f64>().to_bits();
        (outcome.seen.driven.to_bits(), outcome.seen.seconds.to_bits(), times, outcome.plans.sources)
    };
    let first = node(&course(1), 3, true);
    assert!(first.seen.driven > 2.0, "{}", first.seen.driven);
    assert_eq!(told(&first), told(&node(&course(1), 3, true)));
    assert_ne!(told(&first), told(&node(&course(2), 3, true)));
}

#[test]
fn the_robot_gets_to_its_goals_and_touches_nothing_because_of_a_plan() {
    let course = course(7);
    for number in 0..3 {
        let outcome = node(&course, number, true);
        assert_eq!(outcome.end, End::Reached, "errand {number}");
        let seen = &outcome.seen;
        assert!(seen.crossing == 0 && seen.contacts.iter().all(|contact| !contact.by_plan), "errand {number}");
        assert!(seen.driven > 2.0 && seen.nearest_wall < 2.0 && !outcome.jerks.along.is_empty());
    }
}

#[test]
fn an_obstacle_that_appears_on_the_path_is_driven_around() {
    let figures = closing::play(&course(3), 3).unwrap();
    assert_eq!((figures.trials, figures.never, figures.contacts_by_plan), (3, 0, 0), "{}", figures.text());
    assert!(figures.after_ms.p50 > 0.0);
    let answered = figures.from_model_cold + figures.from_model_warm + figures.from_fallback + figures.from_previous;
    assert_eq!(answered, 3);
}

#[test]
fn what_differs_between_policies_is_paired_by_errand() {
    let course = course(5);
    let outcomes = course.outcomes(&[1, 2]).unwrap();
    let a_star = Policy::ALL.iter().position(|policy| *policy == Policy::AStar).unwrap();
    let comparisons = compare(Policy::AStar, &outcomes[0], &outcomes[a_star], 1);
    let seconds = comparisons.iter().find(|comparison| comparison.measure == "seconds to the goal").unwrap();
    let mean = |at: usize| outcomes[at].iter().map(|outcome| outcome.seen.seconds).sum::<f64>() / 2.0;
    assert_eq!(seconds.pairs, 2);
    assert!((seconds.difference[0] - (mean(a_star) - mean(0))).abs() < 1e-9);
    assert!(seconds.difference[1] <= seconds.difference[0] && seconds.difference[0] <= seconds.difference[2]);
    let search = &outcomes[a_star][0].plans;
    assert_eq!(
        search.sources[trm_planner::Source::Fallback.index()] + search.sources[trm_planner::Source::None.index()],
        search.count
    );
}

#[test]
fn as_nav2s_default_tree_asks_the_node_it_plans_once_a_second_whatever_is_in_the_way() {
    let (course, numbers) = (course(7), [0, 1, 2]);
    let outcomes = course.outcomes(&numbers).unwrap();
    let of = |policy: Policy| &outcomes[Policy::ALL.iter().position(|other| *other == policy).unwrap()];
    for outcome in of(Policy::DefaultTree) {
        assert!(outcome.plans.count <= 2 + outcome.seen.seconds as usize, "{} plans", outcome.plans.count);
    }
    let plans = |policy| of(policy).iter().map(|outcome| outcome.plans.count).sum::<usize>();
    assert!(plans(Policy::OneHertz) > plans(Policy::DefaultTree), "at 1 Hz it plans at once where its path is blocked");
    let shares = PolicyFigures::of(Policy::Node, of(Policy::Node)).jerk_causes;
    let sum = |of: fn(&figures::CauseShare) -> f64| shares.iter().map(of).sum::<f64>();
    assert!(
        [sum(|share| share.time), sum(|share| share.along), sum(|share| share.turn)]
            .iter()
            .all(|sum| (sum - 1.0).abs() < 1e-9)
    );
}
