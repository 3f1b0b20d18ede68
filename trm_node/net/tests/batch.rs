//! Several windows in one call against each one alone.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use trm_net::backend::{Backend, State};
use trm_net::batch::{Batch, BatchError};
use trm_net::bundle::Bundle;
use trm_net::graphs::Update;
use trm_net::registry::{batch, by_name, levels};

const PATIENCE: Duration = Duration::from_mins(1);
/// Differences of a GPU from the processor after two cycles: see `tests/golden.rs`.
const GPU_TOLERANCE: f32 = 1e-3;
const CYCLE: [Update; 4] = [Update::Latent, Update::Latent, Update::Latent, Update::Answer];

fn bundle(folder: &str) -> Bundle {
    Bundle::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder)).expect("the bundle is whole")
}

fn released() -> Bundle {
    bundle("models/bundles/nav_d32")
}

fn input(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|at| ((at as f32 + 1.0) * (0.3 + seed as f32 * 0.017)).sin()).collect()
}

/// All that a batch tells of a window.
fn of_batch(batch: &mut dyn Batch, window: usize) -> Vec<f32> {
    // Reading the window before may have cost the logits.
    batch.decode(PATIENCE).unwrap();
    let answer = batch.answer(window).unwrap();
    assert!(answer.is_finite);
    let mut all = vec![answer.q, answer.change];
    all.extend_from_slice(answer.logits);
    let mut state = vec![0.0; batch.shape().state_len()];
    for which in [State::X, State::Y, State::Z] {
        batch.read(window, which, &mut state).unwrap();
        all.extend_from_slice(&state);
    }
    all
}

/// The same of a window that has a backend for itself, after so many cycles.
fn alone(backend: &mut dyn Backend, input: &[f32], cycles: usize) -> Vec<f32> {
    backend.reset();
    backend.embed(input).unwrap();
    let mut change = f32::INFINITY;
    for _ in 0..cycles {
        change = backend.advance(&CYCLE, PATIENCE).unwrap().change.unwrap();
    }
    let mut all = vec![backend.decode(PATIENCE).unwrap(), change];
    all.extend_from_slice(backend.logits());
    let mut state = vec![0.0; backend.shape().state_len()];
    for which in [State::X, State::Y, State::Z] {
        backend.read(which, &mut state).unwrap();
        all.extend_from_slice(&state);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Windows that begin at different times, end and begin anew.
    #[test]
    fn a_window_of_a_batch_has_the_bits_that_it_has_alone(
        half in 8_usize..20, capacity in 1_usize..8, threads in 1_usize..4,
        begins in prop::collection::vec((0_usize..8, 0_usize..1000), 1..12),
    ) {
        for name in levels() {
            let mut batch = batch(&released(), 2 * half, name, capacity, threads).unwrap();
            let mut backend = by_name(&released(), 2 * half, name).unwrap();
            let length = batch.shape().input_len();
            // What was begun in each window, and how many cycles ago.
            let mut known: Vec<Option<(usize, usize)>> = vec![None; capacity];
            for (window, seed) in &begins {
                let window = window % capacity;
                batch.begin(window, &input(length, *seed)).unwrap();
                known[window] = Some((*seed, 0));
                batch.advance(&CYCLE, PATIENCE).unwrap();
                known.iter_mut().flatten().for_each(|(_, cycles)| *cycles += 1);
                if seed % 5 == 0 && known.iter().flatten().count() > 1 {
                    batch.end(window).unwrap();
                    known[window] = None;
                }
            }
            batch.decode(PATIENCE).unwrap();
            for (window, begun) in known.iter().enumerate() {
                let Some((seed, cycles)) = begun else {
                    prop_assert_eq!(batch.answer(window).unwrap_err(), BatchError::NotBegun(window));
                    continue;
                };
                let expected = alone(backend.as_mut(), &input(length, *seed), *cycles);
                let found = of_batch(batch.as_mut(), window);
                prop_assert_eq!(found.len(), expected.len());
                let other = found.iter().zip(&expected).position(|(a, b)| a.to_bits() != b.to_bits());
                prop_assert_eq!(other, None, "window {} on {}", window, name);
            }
        }
    }
}

#[test]
fn models_of_sequences_run_in_batches_too() {
    let bundle = bundle("tests/bundles/maze_mlp");
    let mut batch = batch(&bundle, 16, "cpu", 3, 2).unwrap();
    let mut backend = by_name(&bundle, 16, "cpu").unwrap();
    let length = batch.shape().input_len();
    // A model of mazes knows cells that are empty or not.
    let input = |seed: usize| -> Vec<f32> {
        (0..length).map(|at| f32::from(u8::from((at * seed).is_multiple_of(7)))).collect()
    };
    for window in 0..3 {
        batch.begin(window, &input(window + 1)).unwrap();
    }
    batch.advance(&CYCLE, PATIENCE).unwrap();
    batch.decode(PATIENCE).unwrap();
    for window in 0..3 {
        let (found, expected) = (of_batch(batch.as_mut(), window), alone(backend.as_mut(), &input(window + 1), 1));
        assert!(found.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()), "window {window}");
    }
}

#[test]
fn windows_of_a_batch_on_a_gpu_are_within_the_golden_bound() {
    let capacity = 5;
    let mut batch = match batch(&released(), 32, "gpu", capacity, 1) {
        Ok(batch) => batch,
        Err(error) => {
            assert!(std::env::var_os("TRM_NEEDS_GPU").is_none(), "TRM_NEEDS_GPU is set, and there is none: {error}");
            return eprintln!("skipped: {error}");
        }
    };
    let mut cpu = by_name(&released(), 32, "cpu").unwrap();
    let length = batch.shape().input_len();
    // The last window begins a cycle later than the others, the first one isn't there at all.
    (1..4).for_each(|window| batch.begin(window, &input(length, window)).unwrap());
    batch.advance(&CYCLE, PATIENCE).unwrap();
    batch.begin(4, &input(length, 4)).unwrap();
    batch.advance(&CYCLE, PATIENCE).unwrap();
    batch.decode(PATIENCE).unwrap();
    assert_eq!(batch.answer(0).unwrap_err(), BatchError::NotBegun(0));
    for window in 1..capacity {
        let found = of_batch(batch.as_mut(), window);
        let expected = alone(cpu.as_mut(), &input(length, window), if window == 4 { 1 } else { 2 });
        let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        // NaN would be lost in the maximum.
        assert!(found.iter().all(|value| value.is_finite()) && worst < GPU_TOLERANCE, "window {window}: {worst}");
    }
}

#[test]
fn what_a_batch_cannot_do_is_named() {
    for (capacity, threads, message) in [
        (0, 1, "parameter batch: 0 is not from 1 to 1024"),
        (1025, 1, "parameter batch: 1025 is not from 1 to 1024"),
        (1, 0, "parameter threads: 0 is not from 1 to 256"),
    ] {
        let refused = batch(&released(), 32, "cpu", capacity, threads).err().map(|error| error.to_string());
        assert_eq!(refused.as_deref(), Some(message));
    }
    for name in ["cpu", "gpu"] {
        let Ok(mut batch) = batch(&released(), 32, name, 2, 2) else { continue };
        let text = |result: Result<(), BatchError>| result.unwrap_err().to_string();
        assert_eq!(text(batch.advance(&CYCLE, PATIENCE)), "batch: it is empty: no window was begun");
        assert_eq!(text(batch.decode(PATIENCE)), "batch: it is empty: no window was begun");
        assert_eq!(text(batch.begin(2, &[])), "batch: window 2 is not from 0 to 1");
        assert_eq!(text(batch.end(7)), "batch: window 7 is not from 0 to 1");
        assert_eq!(text(batch.begin(1, &[0.0; 10])), "batch: the input of window 1 has 10 values, not 5120");
        assert_eq!(text(batch.read(0, State::Y, &mut [])), "batch: window 0 was not begun");
        batch.begin(0, &vec![0.0; batch.shape().input_len()]).unwrap();
        assert_eq!(text(batch.read(0, State::Y, &mut [0.0; 3])), "batch: the state of window 0 has 3 values, not 8192");
        batch.end(0).unwrap();
        assert_eq!(text(batch.advance(&CYCLE, PATIENCE)), "batch: it is empty: no window was begun");
    }
}
