//! The models of a planner: one, or several specialists of which a router picks one for each plan.

use std::time::Duration;

use trm_config::PlannerConfig;
use trm_grid::geometry::Geometry;
use trm_grid::units::Cell;
use trm_grid::window::Window;
use trm_net::backend::Backend;
use trm_net::bundle::Bundle;
use trm_net::error::InferenceError;
use trm_net::router::{BundleName, Choice, Classifier, Router, short_name};

use crate::features::features;
use crate::halt::deadline::Clock;
use crate::halt::predictor::Predictor;
use crate::model::Model;
use crate::problem::Problem;
use crate::report::Route;

/// One or several models, for windows of one size.
pub struct Specialists {
    /// At least one. The first one plans in doubt.
    models: Vec<Model>,
    /// The one of the last plan.
    present: usize,
    switch: Option<Switch>,
}

/// What picks a model.
struct Switch {
    names: Vec<BundleName>,
    classifier: Classifier,
    budget: Duration,
    min_confidence: f32,
    /// Past times of choices.
    time: Predictor,
}

impl Specialists {
    /// A single model.
    #[must_use]
    pub fn single(config: &PlannerConfig, bundle: &Bundle, backend: Box<dyn Backend>) -> Self {
        Self { models: vec![Model::new(config, bundle, backend)], present: 0, switch: None }
    }

    /// The models of a router, each on the backend that was made for its bundle, in the same order.
    #[must_use]
    pub fn routed(config: &PlannerConfig, router: &Router, backends: Vec<Box<dyn Backend>>) -> Self {
        let model = |(bundle, backend)| Model::new(config, bundle, backend);
        let switch = Switch {
            names: router.bundles.iter().map(short_name).collect(),
            classifier: router.classifier.clone(),
            budget: router.budget,
            min_confidence: router.min_confidence,
            time: Predictor::new(config.time_quantile),
        };
        Self { models: router.bundles.iter().zip(backends).map(model).collect(), present: 0, switch: Some(switch) }
    }

    /// See [`Model::warm_up`].
    ///
    /// # Errors
    /// [`InferenceError`] if a graph can't be run.
    pub fn warm_up(&mut self, clock: &dyn Clock) -> Result<(), InferenceError> {
        self.models.iter_mut().try_for_each(|model| model.warm_up(clock))
    }

    /// See [`Model::reserve`].
    pub fn reserve(&mut self, cells: usize) {
        self.models.iter_mut().for_each(|model| model.reserve(cells));
    }

    /// See [`Model::reset`].
    pub fn reset(&mut self) {
        self.models.iter_mut().for_each(Model::reset);
    }

    /// The window that the model of the last plan sees when planning from a cell.
    #[must_use]
    pub fn window(&self, from: Cell, geometry: &Geometry) -> Window {
        self.models[self.present].window(from, geometry)
    }

    /// The model, if there is but one.
    pub fn only(&mut self) -> Option<&mut Model> {
        if self.switch.is_none() { self.models.first_mut() } else { None }
    }

    /// The model for a problem, and which one it is if there are several. While choices take longer than their budget, it is
    /// the first one.
    pub fn pick(&mut self, problem: &Problem, clock: &dyn Clock) -> (&mut Model, Option<Route>) {
        let Some(switch) = &mut self.switch else { return (&mut self.models[0], None) };
        let began = clock.now();
        let window = self.models[0].window(problem.from, problem.costmap.geometry());
        let choice = switch.choose(problem, &window, clock);
        self.present = choice.bundle;
        let (bundle, took) = (switch.names[choice.bundle], clock.now().saturating_sub(began));
        (&mut self.models[choice.bundle], Some(Route { bundle, confidence: choice.confidence, took }))
    }
}

impl Switch {
    fn choose(&mut self, problem: &Problem, window: &Window, clock: &dyn Clock) -> Choice {
        if self.time.predicted() > self.budget {
            self.time.decay();
            return Choice { bundle: 0, confidence: 0.0 };
        }
        let began = clock.now();
        let choice = self.classifier.choose(&features(problem, window));
        self.time.record(clock.now().saturating_sub(began));
        if choice.confidence < self.min_confidence { Choice { bundle: 0, ..choice } } else { choice }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::{AtomicU64, Ordering};

    use proptest::prelude::*;
    use trm_config::Config;
    use trm_grid::testing::{costmap, travel};
    use trm_net::registry::by_name;
    use trm_net::released;
    use trm_net::router::{FEATURES, RouterFile};
    use trm_safety::check::Rules;

    use super::*;

    /// Every reading takes so many microseconds.
    struct Slow(AtomicU64, AtomicU64);

    impl Clock for Slow {
        fn now(&self) -> Duration {
            Duration::from_micros(self.0.fetch_add(self.1.load(Ordering::Relaxed), Ordering::Relaxed))
        }
    }

    /// A router of two bundles by the feature `free`: the second one where little is.
    fn router(min_confidence: f32) -> Router {
        let text = format!(
            "format: 1\nbundles: [a, b]\nbudget_us: 200\nmin_confidence: {min_confidence}\nclassifier:\n  features: \
             [{}]\n  bias: [0, 2]\n  weights: [[0, 0, 0, 0, 0, 0], [0, -4, 0, 0, 0, 0]]\n",
            FEATURES.join(", ")
        );
        let classifier = RouterFile::parse(&text, Path::new("router.yaml")).unwrap().classifier;
        let bundle = Bundle::load(&released::find(None, std::iter::empty()).unwrap()).unwrap();
        let bundles = vec![bundle.clone(), bundle];
        let mut router = Router { bundles, classifier, budget: Duration::from_micros(200), min_confidence };
        router.bundles[1].manifest.name = "other".to_owned();
        router
    }

    fn specialists(router: &Router) -> Specialists {
        let backends = router.bundles.iter().map(|bundle| by_name(bundle, 32, "cpu").unwrap()).collect();
        Specialists::routed(&Config::default().planner, router, backends)
    }

    fn pick(specialists: &mut Specialists, rows: &[&str], clock: &dyn Clock) -> Route {
        let map = costmap(rows);
        let rules = Rules { allow_unknown: false, escape: 0.0 };
        let problem = Problem::between(&map, rules, travel(0.0), [Cell::new(0, 0), Cell::new(1, 1)]);
        specialists.pick(&problem, clock).1.unwrap()
    }

    const OPEN: [&str; 32] = ["................................"; 32];
    const WALLS: [&str; 32] = ["..#############################."; 32];

    #[test]
    fn the_window_decides_and_in_doubt_the_first_bundle_plans() {
        let clock = Slow(AtomicU64::new(0), AtomicU64::new(1));
        let mut models = specialists(&router(0.0));
        assert_eq!(pick(&mut models, &OPEN, &clock).bundle.as_str(), "nav_d32");
        let walls = pick(&mut models, &WALLS, &clock);
        assert_eq!(walls.bundle.as_str(), "other");
        assert!(walls.confidence > 0.8, "{walls:?}");
        let mut sure = specialists(&router(0.99));
        let doubtful = pick(&mut sure, &WALLS, &clock);
        assert_eq!((doubtful.bundle.as_str(), doubtful.confidence), ("nav_d32", walls.confidence));
    }

    #[test]
    fn while_choices_take_longer_than_their_budget_the_first_bundle_plans() {
        let clock = Slow(AtomicU64::new(0), AtomicU64::new(1000));
        let mut models = specialists(&router(0.0));
        // Nothing is known of its time before the first one.
        assert_eq!(pick(&mut models, &WALLS, &clock).bundle.as_str(), "other");
        let late = pick(&mut models, &WALLS, &clock);
        assert_eq!((late.bundle.as_str(), late.confidence), ("nav_d32", 0.0));
        // It is tried again once in a while, and goes on when it is fast again.
        clock.1.store(1, Ordering::Relaxed);
        let tries = (0..200).position(|_| pick(&mut models, &WALLS, &clock).bundle.as_str() == "other");
        assert!(tries.is_some_and(|tries| tries > 1), "{tries:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn every_window_gets_a_bundle(cells in prop::collection::vec(0_usize..3, 32 * 32), least in 0_usize..2) {
            let rows: Vec<String> =
                cells.chunks(32).map(|row| row.iter().map(|cell| [".", "#", "?"][*cell]).collect()).collect();
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let mut models = specialists(&router([0.0, 0.7][least]));
            let route = pick(&mut models, &rows, &std::time::Instant::now());
            prop_assert!(["nav_d32", "other"].contains(&route.bundle.as_str()));
            prop_assert!((0.5..=1.0).contains(&route.confidence), "{:?}", route);
        }
    }
}
