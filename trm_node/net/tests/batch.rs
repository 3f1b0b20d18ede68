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

/// What a backend answers to these calls: q, change and logits after each.
fn answers(backend: &mut dyn Backend, calls: &[&[Update]]) -> Vec<f32> {
    let mut all = Vec::new();
    for call in calls {
        let change = backend.advance(call, PATIENCE).unwrap().change;
        all.extend([change.unwrap_or(-1.0), backend.decode(PATIENCE).unwrap()]);
        all.extend_from_slice(backend.logits());
    }
    all
}

#[test]
fn windows_that_were_thought_about_ahead_have_the_bits_of_those_that_were_not() {
    let Ok(mut backend) = by_name(&released(), 32, "gpu") else {
        assert!(std::env::var_os("TRM_NEEDS_GPU").is_none(), "TRM_NEEDS_GPU is set, and there is none");
        return eprintln!("skipped: there is no GPU");
    };
    let backend = backend.as_mut();
    let length = backend.shape().input_len();
    let capacity = backend.ahead().unwrap().capacity();
    assert_eq!(capacity, 8);
    let step = CYCLE.repeat(2);
    // As the recursion asks, and otherwise: shorter, more, in other parts, beginning with an answer's decoding.
    let ways: [&[&[Update]]; 6] = [
        &[&step],
        &[&step, &CYCLE],
        &[&step, &CYCLE, &CYCLE],
        &[&CYCLE, &CYCLE],
        &[&step, &[Update::Latent], &[Update::Answer]],
        &[&[], &step],
    ];
    let begin = |backend: &mut dyn Backend, seed: usize| {
        backend.reset();
        backend.embed(&input(length, seed)).unwrap();
    };
    let state = |backend: &mut dyn Backend| {
        let mut values = vec![0.0; backend.shape().state_len()];
        backend.read(State::Z, &mut values).unwrap();
        values
    };
    for way in ways {
        // One more than there is room for.
        let mut expected = Vec::new();
        backend.ahead().unwrap().forget();
        for seed in 0..=capacity {
            begin(backend, seed);
            expected.push((answers(backend, way), state(backend)));
        }
        (0..=capacity).for_each(|seed| backend.ahead().unwrap().add(&input(length, seed)));
        backend.ahead().unwrap().think(PATIENCE).unwrap();
        for seed in (0..=capacity).rev() {
            begin(backend, seed);
            let found = answers(backend, way);
            // After the first of the two answers the device is farther than the plan.
            assert_eq!(backend.is_usable(), seed == capacity || way.len() > 1, "window {seed}, {way:?}");
            assert!(found == expected[seed].0, "window {seed}, {way:?}");
            assert!(state(backend) == expected[seed].1, "window {seed}, {way:?}");
        }
    }
    // A plan that ends with the second answer is gone on from, as one that was made alone.
    let go_on = |backend: &mut dyn Backend| {
        begin(backend, 1);
        let mut all = answers(backend, &[&step, &CYCLE]);
        backend.shift(1, -1);
        backend.embed(&input(length, 2)).unwrap();
        all.extend(answers(backend, &[&CYCLE]));
        all.extend(state(backend));
        all
    };
    backend.ahead().unwrap().forget();
    let alone = go_on(backend);
    (0..capacity).for_each(|seed| backend.ahead().unwrap().add(&input(length, seed)));
    backend.ahead().unwrap().think(PATIENCE).unwrap();
    assert!(go_on(backend) == alone);
    assert!(go_on(backend) == alone, "the second answer is made again");
    // Without a reset the states are those of the plan before, whatever is known of the window.
    begin(backend, 1);
    answers(backend, &[&step, &CYCLE, &CYCLE]);
    backend.embed(&input(length, 2)).unwrap();
    let warm = answers(backend, &[&step]);
    begin(backend, 2);
    assert!(answers(backend, &[&step]) != warm);
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
