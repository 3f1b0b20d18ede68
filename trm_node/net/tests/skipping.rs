//! Applications that skip what has settled, against whole ones: with a threshold of 0 they agree to the last bit.

use std::path::Path;

use proptest::prelude::*;
use trm_net::bundle::Bundle;
use trm_net::graphs::Update;
use trm_net::registry::{graphs, levels};

fn bundle() -> Bundle {
    Bundle::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/bundles/nav_d32"))
        .expect("the bundle is whole")
}

fn pattern(count: usize, seed: u32) -> Vec<f32> {
    (0..count).map(|at| ((at as f32 + 1.0) * (0.7 + seed as f32 * 0.013)).sin()).collect()
}

/// A state shifted as a window moves over it, by (cols, rows) tokens. Tokens that come in are filled with `new`.
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
    /// The window moves, in tokens.
    Shift(i32, i32),
    /// The outputs are overwritten.
    Forget,
    /// The other state is updated from now on.
    Switch,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => prop::collection::vec((0_usize..1 << 20, -2.0_f32..2.0), 0..4).prop_map(Event::Change),
        2 => (-2_i32..3, -2_i32..3).prop_map(|(cols, rows)| Event::Shift(4 * cols, 4 * rows)),
        1 => (-9_i32..10, -9_i32..10).prop_map(|(cols, rows)| Event::Shift(cols, rows)),
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
            let mut skipping = graphs(&bundle(), 2 * half, name).unwrap();
            let mut dense = graphs(&bundle(), 2 * half, name).unwrap();
            skipping.set_skip_threshold(Some(0.0));
            let tokens = half as i32;
            let mut s = pattern(skipping.shape().state_len(), half as u32);
            // What the last update of each state has left.
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
                    Event::Shift(cols, rows) => {
                        s = shifted(&s, tokens, (*cols, *rows), 0.25);
                        outs = outs.map(|out| shifted(&out, tokens, (*cols, *rows), 9.0));
                        skipping.shift_history(*cols, *rows);
                    }
                    Event::Forget => {
                        for out in &mut outs {
                            out.fill(9.0);
                        }
                        skipping.forget_history();
                    }
                    Event::Switch => kind = 1 - kind,
                }
                let update = [Update::Latent, Update::Answer][kind];
                skipping.net(update, &s, &mut outs[kind]).unwrap();
                let mut whole = vec![0.0; s.len()];
                dense.net(update, &s, &mut whole).unwrap();
                let other = outs[kind].iter().zip(&whole).position(|(a, b)| a.to_bits() != b.to_bits());
                prop_assert_eq!(other, None, "{}, after event {}: {:?}", name, at, event);
            }
        }
    }
}

#[test]
fn only_what_is_near_a_change_is_computed_and_small_changes_add_up() {
    for name in levels() {
        let mut graphs = graphs(&bundle(), 64, name).unwrap();
        graphs.set_skip_threshold(Some(0.1));
        let mut s = pattern(graphs.shape().state_len(), 3);
        let mut out = vec![0.0; s.len()];
        let mut share = |s: &[f32]| graphs.net(Update::Latent, s, &mut out).unwrap();
        let tiles = 2.0 * 64.0;
        assert!((share(&s) - 1.0).abs() < f32::EPSILON);
        assert!(share(&s).abs() < f32::EPSILON, "nothing has changed");
        // A token inside a tile: the output of the first layer changes in that tile alone, and with it at most the nine
        // tiles around it in the second.
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
        assert!(share(&s) > 0.5, "together they exceed it");
    }
}
