//! The kernel on every instruction set, with made-up weights: against the model in double precision, and applications
//! that skip against those that don't. Under Miri, which looks for undefined behaviour and is slow, a small window must
//! do.

use crate::kernel::FusedKernel;
use crate::level::Level;
use crate::net::Series;
use crate::sizes::{CHANNELS, CLASSES, HIDDEN, MIN_TOKENS, PATCH, TILE};
use crate::testing::{self, numbers, weights};
use crate::weights::Weights;

const LAYERS: usize = 2;

/// Window sizes in tokens. 9, 10 and 11 are no multiples of what the kernel computes at once.
fn sizes() -> &'static [usize] {
    if cfg!(miri) { &[9] } else { &[8, 9, 10, 11, 16, 26] }
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (at, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() < 1e-4, "{what}, value {at}: {a}, not {b}");
    }
}

#[test]
fn every_level_computes_the_model_on_every_kind_of_width() {
    let weights = weights(LAYERS);
    for tokens in sizes() {
        let (tokens, size) = (*tokens, PATCH * tokens);
        let mut s = numbers(tokens * tokens * HIDDEN, 21);
        let mut input = numbers(CHANNELS * size * size, 22);
        let mut kernels: Vec<_> = Level::available()
            .into_iter()
            .map(|level| (level, FusedKernel::new(&weights, tokens, level).unwrap()))
            .collect();
        // Twice: the frames must still be zero outside, and nothing may be left of the previous run.
        for _ in 0..if cfg!(miri) { 1 } else { 2 } {
            let exact = testing::net(&weights, tokens, &s);
            let exact_x = testing::encode(&weights, tokens, &input);
            let (exact_logits, exact_q) = testing::decode(&weights, tokens, &exact, &exact_x);
            for (level, kernel) in &mut kernels {
                let what = |graph: &str| format!("{graph}, {level:?}, {tokens} tokens");
                let (mut out, mut x) = (vec![0.0; s.len()], vec![0.0; s.len()]);
                let mut logits = vec![0.0; CLASSES * size * size];
                let share = kernel.net(Series::Latent, &s, &mut out);
                assert!((share - 1.0).abs() < f32::EPSILON, "nothing is skipped unless asked to");
                kernel.encode(&input, &mut x);
                assert_close(&out, &exact, &what("net"));
                assert_close(&x, &exact_x, &what("encode"));
                let q = kernel.decode(&exact, &exact_x, &mut logits);
                assert_close(&logits, &exact_logits, &what("decode"));
                assert_close(&[q], &[exact_q], &what("q"));
            }
            s = exact.iter().rev().copied().collect();
            input.reverse();
        }
    }
}

/// A state shifted as a window moves over it: the token at (row, col) is the one that was at (row + rows, col + cols).
/// Tokens that come in are filled with `new`.
fn shifted(state: &[f32], tokens: usize, (cols, rows): (i32, i32), new: f32) -> Vec<f32> {
    let mut out = vec![new; state.len()];
    for (at, token) in out.chunks_exact_mut(HIDDEN).enumerate() {
        let (row, col) = ((at / tokens) as i32 + rows, (at % tokens) as i32 + cols);
        if (0..tokens as i32).contains(&row) && (0..tokens as i32).contains(&col) {
            token.copy_from_slice(&state[(row as usize * tokens + col as usize) * HIDDEN..][..HIDDEN]);
        }
    }
    out
}

/// What happens between two applications.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// One value of the input changes.
    Change(usize),
    /// The window moves, in tokens.
    Shift(i32, i32),
    /// The outputs are overwritten.
    Forget,
    /// The other series has its turn.
    Switch,
}

#[test]
fn an_application_that_skips_gives_the_bits_of_a_whole_one() {
    use Event::{Change, Forget, Shift, Switch};
    const T: i32 = TILE as i32;
    const EVENTS: [Event; 14] = [
        Change(0),
        Shift(T, -T),
        Switch,
        Change(40),
        Switch,
        Change(17),
        Shift(-T, 0),
        Shift(0, 2 * T),
        Change(63),
        Shift(1, -3),
        Forget,
        Switch,
        Change(5),
        Shift(-20, 0),
    ];
    let weights = weights(LAYERS);
    let (events, sizes): (&[Event], &[usize]) = if cfg!(miri) { (&EVENTS[..4], &[8]) } else { (&EVENTS, sizes()) };
    for (tokens, level) in sizes.iter().flat_map(|tokens| Level::available().into_iter().map(|level| (*tokens, level)))
    {
        let mut skipping = FusedKernel::new(&weights, tokens, level).unwrap();
        let mut whole = FusedKernel::new(&weights, tokens, level).unwrap();
        skipping.set_skip_threshold(Some(0.0));
        let mut s = numbers(tokens * tokens * HIDDEN, 31);
        // What the previous application of each series has left.
        let mut outs = [vec![9.0; s.len()], vec![9.0; s.len()]];
        let mut turn = 0;
        for (at, event) in events.iter().enumerate() {
            match *event {
                Change(token) => s[token * HIDDEN + at] += 1.5,
                Shift(cols, rows) => {
                    s = shifted(&s, tokens, (cols, rows), 0.25);
                    outs = outs.map(|out| shifted(&out, tokens, (cols, rows), 9.0));
                    skipping.shift_history(cols, rows);
                }
                Forget => {
                    for out in &mut outs {
                        out.fill(9.0);
                    }
                    skipping.forget_history();
                }
                Switch => turn = 1 - turn,
            }
            let series = [Series::Latent, Series::Answer][turn];
            skipping.net(series, &s, &mut outs[turn]);
            let mut expected = vec![0.0; s.len()];
            whole.net(series, &s, &mut expected);
            let other = outs[turn].iter().zip(&expected).position(|(a, b)| a.to_bits() != b.to_bits());
            assert_eq!(other, None, "{tokens} tokens on {level:?}, after event {at}: {event:?}");
        }
    }
}

#[test]
fn nothing_is_computed_again_for_an_unchanged_input() {
    let tokens = MIN_TOKENS;
    let (s, input) = (numbers(tokens * tokens * HIDDEN, 41), numbers(CHANNELS * (PATCH * tokens).pow(2), 42));
    for level in Level::available() {
        let mut kernel = FusedKernel::new(&weights(1), tokens, level).unwrap();
        kernel.set_skip_threshold(Some(0.0));
        let (mut out, mut x) = (vec![0.0; s.len()], vec![0.0; s.len()]);
        let shares = [(); 2].map(|()| kernel.net(Series::Answer, &s, &mut out));
        assert_eq!(shares.map(f32::to_bits), [1.0_f32, 0.0].map(f32::to_bits), "{level:?}");
        kernel.encode(&input, &mut x);
        x.fill(7.0);
        kernel.encode(&input, &mut x);
        assert!(x.iter().all(|value| value.to_bits() == 7.0_f32.to_bits()), "rows were written again on {level:?}");
    }
}

#[test]
fn weights_of_other_lengths_and_windows_that_are_too_small_are_refused() {
    let level = Level::available()[0];
    let complete = weights(1);
    assert!(FusedKernel::new(&complete, MIN_TOKENS, level).is_some());
    assert!(FusedKernel::new(&complete, MIN_TOKENS - 1, level).is_none());
    let changes: [fn(&mut Weights); 6] = [
        |w| w.layers.clear(),
        |w| w.layers[0].gate.truncate(9),
        |w| w.layers[0].gain.push(1.0),
        |w| w.encode.bias.clear(),
        |w| w.moves.weight.truncate(1),
        |w| w.q.bias.clear(),
    ];
    for (at, change) in changes.iter().enumerate() {
        let mut weights = complete.clone();
        change(&mut weights);
        assert!(FusedKernel::new(&weights, MIN_TOKENS, level).is_none(), "change {at}");
    }
}
