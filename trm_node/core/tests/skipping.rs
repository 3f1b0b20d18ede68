//! Skipping what has settled, against whole applications: with a threshold of 0 both are the same to the last bit.

mod common;

use std::time::Duration;

use common::{Simulated, bundle, costmap, pose};
use proptest::prelude::*;
use trm_core::config::Config;
use trm_core::error::LoadError;
use trm_core::model::backend::{Backend, Shape, by_name};
use trm_core::model::fused::levels;
use trm_core::model::recursion::Advanced;
use trm_core::planner::{Planner, Report, Request};
use trm_core::units::Pose;

/// A backend that skips nothing, whatever it is told.
struct Dense(Box<dyn Backend>);

impl Backend for Dense {
    fn shape(&self) -> Shape {
        self.0.shape()
    }

    fn encode(&mut self, input: &[f32], x: &mut [f32]) -> Result<(), LoadError> {
        self.0.encode(input, x)
    }

    fn net(&mut self, update: Advanced, s: &[f32], out: &mut [f32]) -> Result<f32, LoadError> {
        self.0.net(update, s, out)
    }

    fn decode(&mut self, y: &[f32], x: &[f32], moves: &mut [f32]) -> Result<f32, LoadError> {
        self.0.decode(y, x, moves)
    }

    fn stride(&self) -> usize {
        self.0.stride()
    }
}

fn pattern(count: usize, seed: u32) -> Vec<f32> {
    (0..count).map(|at| ((at as f32 + 1.0) * (0.7 + seed as f32 * 0.013)).sin()).collect()
}

/// A state moved as a window moves over it; what comes in is new.
fn shifted(state: &[f32], tokens: i32, (cols, rows): (i32, i32), new: f32) -> Vec<f32> {
    let mut out = vec![new; state.len()];
    for row in 0..tokens {
        for col in 0..tokens {
            let (r, c) = (row + rows, col + cols);
            if (0..tokens).contains(&r) && (0..tokens).contains(&c) {
                let (to, from) = (((row * tokens + col) * 32) as usize, ((r * tokens + c) * 32) as usize);
                out[to..to + 32].copy_from_slice(&state[from..from + 32]);
            }
        }
    }
    out
}

/// What happens between two applications.
#[derive(Debug, Clone)]
enum Event {
    /// A few values change.
    Change(Vec<(usize, f32)>),
    /// The window moves by tokens.
    Move(i32, i32),
    /// The states are set.
    Forget,
    /// Another kind of application.
    Switch,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => prop::collection::vec((0_usize..1 << 20, -2.0_f32..2.0), 0..4).prop_map(Event::Change),
        2 => (-2_i32..3, -2_i32..3).prop_map(|(cols, rows)| Event::Move(4 * cols, 4 * rows)),
        1 => (-9_i32..10, -9_i32..10).prop_map(|(cols, rows)| Event::Move(cols, rows)),
        1 => Just(Event::Forget),
        2 => Just(Event::Switch),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn applications_that_skip_give_the_bits_of_whole_ones(
        half in 8_usize..24, events in prop::collection::vec(event(), 1..16),
    ) {
        for name in levels() {
            let mut skipping = by_name(&bundle(), 2 * half, name).unwrap();
            let mut dense = by_name(&bundle(), 2 * half, name).unwrap();
            skipping.skip(Some(0.0));
            let tokens = half as i32;
            let mut s = pattern(skipping.shape().state(), half as u32);
            // What the last application of each kind has left.
            let mut outs = [vec![0.0; s.len()], vec![0.0; s.len()]];
            let mut kind = 0;
            for (at, event) in events.iter().enumerate() {
                match event {
                    Event::Change(values) => {
                        for (place, value) in values {
                            let place = place % s.len();
                            s[place] = *value;
                        }
                    }
                    Event::Move(cols, rows) => {
                        s = shifted(&s, tokens, (*cols, *rows), 0.25);
                        outs = outs.map(|out| shifted(&out, tokens, (*cols, *rows), 9.0));
                        skipping.moved(*cols, *rows);
                    }
                    Event::Forget => {
                        for out in &mut outs {
                            out.fill(9.0);
                        }
                        skipping.forget();
                    }
                    Event::Switch => kind = 1 - kind,
                }
                let update = [Advanced::Latent, Advanced::Answer][kind];
                skipping.net(update, &s, &mut outs[kind]).unwrap();
                let mut whole = vec![0.0; s.len()];
                dense.net(update, &s, &mut whole).unwrap();
                let other = outs[kind].iter().zip(&whole).position(|(a, b)| a.to_bits() != b.to_bits());
                prop_assert_eq!(other, None, "{}, after event {}: {:?}", name, at, event);
            }
        }
    }

    #[test]
    fn plans_that_skip_with_a_threshold_of_0_are_those_of_whole_applications(
        walls in prop::collection::vec((0_usize..110, 0_usize..70, 1_usize..12, 1_usize..12), 0..12),
        steps in prop::collection::vec((-3.0_f64..6.0, -3.0_f64..3.0, 0_usize..4), 3..8),
    ) {
        let config = Config { window_size: 48, max_steps: 3, skip_threshold: 0.0, ..Config::default() };
        let mut rows = vec![".".repeat(120); 80];
        let build = |rows: &mut Vec<String>, (col, row, width, height): (usize, usize, usize, usize)| {
            for line in &mut rows[row..(row + height).min(80)] {
                line.replace_range(col..(col + width).min(120), &"#".repeat(width.min(120 - col)));
            }
        };
        for wall in &walls {
            build(&mut rows, *wall);
        }
        let clock = Simulated::default();
        let fused = || by_name(&bundle(), 48, "fused").unwrap();
        let mut skipping = Planner::with_backend(&config, &bundle(), fused(), &clock).unwrap();
        let mut dense = Planner::with_backend(&config, &bundle(), Box::new(Dense(fused())), &clock).unwrap();
        let (mut col, mut row) = (30.0, 40.0);
        for (cols, rows_moved, obstacle) in steps {
            (col, row) = ((col + 2.0 * cols).clamp(2.0, 117.0), (row + 2.0 * rows_moved).clamp(2.0, 77.0));
            if obstacle == 0 {
                build(&mut rows, (col as usize / 2 + 20, row as usize / 2 + 10, 3, 2));
            }
            let map = costmap(&config, 0.1, &rows);
            let request = Request {
                start: pose(&map, col, row, 0.0),
                goal: pose(&map, 45.0, 45.0, 0.0),
                arrived: Duration::ZERO,
                deadline: Duration::from_hours(1),
                cancel: None,
            };
            let plan = |planner: &mut Planner| {
                let outcome = planner.plan(&map, None, &request, &clock);
                let poses: Option<Vec<Pose>> = outcome.path.ok().map(|path| path.poses().to_vec());
                (poses, Report { share: 0.0, ..outcome.report })
            };
            prop_assert_eq!(plan(&mut skipping), plan(&mut dense));
        }
    }
}

#[test]
fn only_what_is_near_a_change_is_computed_and_small_changes_add_up() {
    for name in levels() {
        let mut backend = by_name(&bundle(), 64, name).unwrap();
        backend.skip(Some(0.1));
        let mut s = pattern(backend.shape().state(), 3);
        let mut out = vec![0.0; s.len()];
        let mut share = |s: &[f32]| backend.net(Advanced::Latent, s, &mut out).unwrap();
        let tiles = 2.0 * 64.0;
        assert!((share(&s) - 1.0).abs() < f32::EPSILON);
        assert!(share(&s).abs() < f32::EPSILON, "nothing has changed");
        // A token inside a tile; what changes of the first layer's output changes at most the tiles around it.
        let token = (9 * 32 + 9) * 32;
        s[token + 5] += 3.0;
        let one = share(&s) * tiles;
        assert!((2.0..=10.0).contains(&one), "{one} tiles on {name}");
        for value in &mut s {
            *value += 0.06;
        }
        assert!(share(&s).abs() < f32::EPSILON, "within the threshold");
        for value in &mut s {
            *value += 0.06;
        }
        assert!(share(&s) > 0.5, "together they are beyond it");
    }
}
