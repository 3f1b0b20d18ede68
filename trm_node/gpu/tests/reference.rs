//! The shaders against the model in double precision, on whatever device this machine has; on one without Vulkan the
//! tests say so and pass.

use std::ops::Range;
use std::time::Duration;

use proptest::prelude::*;
use trm_gpu::{Gpu, GpuError, GpuRecursion, State, Update};
use trm_kernel::testing::{decode, encode, net, numbers, weights};
use trm_kernel::{HIDDEN, Weights};

const PATIENCE: Duration = Duration::from_mins(1);

fn open() -> Option<Gpu> {
    match Gpu::open() {
        Ok(gpu) => Some(gpu),
        Err(error) => {
            eprintln!("skipped: {error}");
            assert!(std::env::var_os("TRM_NEEDS_GPU").is_none(), "TRM_NEEDS_GPU is set, and {error}");
            None
        }
    }
}

/// The recursion in double precision.
struct Reference {
    weights: Weights,
    start: [Vec<f32>; 2],
    tokens: usize,
    x: Vec<f32>,
    y: Vec<f32>,
    z: Vec<f32>,
}

impl Reference {
    fn new(layers: usize, tokens: usize) -> Self {
        let start = [numbers(HIDDEN, 71), numbers(HIDDEN, 72)];
        let all = |token: &[f32]| token.repeat(tokens * tokens);
        let (y, z) = (all(&start[0]), all(&start[1]));
        Self { weights: weights(layers), tokens, x: vec![0.0; y.len()], y, z, start }
    }

    fn reset(&mut self) {
        *self = Self { x: std::mem::take(&mut self.x), ..Self::new(self.weights.layers.len(), self.tokens) };
    }

    fn shift(&mut self, cols: i32, rows: i32) {
        let tokens = self.tokens as i32;
        for (state, start) in [(&mut self.y, &self.start[0]), (&mut self.z, &self.start[1])] {
            let before = state.clone();
            for (at, token) in (0..).zip(state.chunks_exact_mut(HIDDEN)) {
                let (row, col) = (at / tokens + rows, at % tokens + cols);
                let inside = (0..tokens).contains(&row) && (0..tokens).contains(&col);
                let from = if inside { &before[(row * tokens + col) as usize * HIDDEN..][..HIDDEN] } else { start };
                token.copy_from_slice(from);
            }
        }
    }

    fn run(&mut self, latents: usize, answer: bool) {
        for _ in 0..latents {
            let s: Vec<f32> = (0..self.x.len()).map(|at| self.x[at] + self.y[at] + self.z[at]).collect();
            self.z = net(&self.weights, self.tokens, &s);
        }
        if answer {
            let s: Vec<f32> = (0..self.x.len()).map(|at| self.y[at] + self.z[at]).collect();
            self.y = net(&self.weights, self.tokens, &s);
        }
    }

    fn assert_agrees(&self, gpu: &mut GpuRecursion, window: usize) {
        let (logits, q) = decode(&self.weights, self.tokens, &self.y, &self.x);
        assert_close(gpu.logits(window), &logits, "logits");
        assert_close(&[gpu.q(window)], &[q], "q");
        let mut found = vec![0.0; self.x.len()];
        for (state, expected) in [(State::X, &self.x), (State::Y, &self.y), (State::Z, &self.z)] {
            gpu.read(window, state, &mut found).unwrap();
            assert_close(&found, expected, &format!("{state:?}"));
        }
    }
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len());
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= 1e-4 * expected.abs().max(1.0), "{what} {at}: {found}, not {expected}");
    }
}

fn gpu(reference: &Reference, ranges: &[Range<usize>]) -> Option<GpuRecursion> {
    let start = [reference.start[0].as_slice(), reference.start[1].as_slice()];
    Some(GpuRecursion::new(open()?, &reference.weights, start, reference.tokens, ranges).unwrap())
}

fn updates(latents: usize, answer: bool) -> Vec<Update> {
    std::iter::repeat_n(Update::Latent, latents).chain(answer.then_some(Update::Answer)).collect()
}

/// What is done between two runs.
#[derive(Debug, Clone)]
enum Event {
    Input(u32),
    Shift(i32, i32),
    Reset,
    Run(usize, bool),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => (0_u32..1000).prop_map(Event::Input),
        2 => (-3_i32..4, -3_i32..4).prop_map(|(cols, rows)| Event::Shift(cols, rows)),
        1 => (-40_i32..40, -40_i32..40).prop_map(|(cols, rows)| Event::Shift(cols, rows)),
        1 => Just(Event::Reset),
        4 => (0_usize..4, any::<bool>()).prop_map(|(latents, answer)| Event::Run(latents, answer)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_for_gives_the_references_states(
        layers in 2_usize..4, tokens in 8_usize..20, events in prop::collection::vec(event(), 1..6),
    ) {
        let mut reference = Reference::new(layers, tokens);
        let Some(mut gpu) = gpu(&reference, std::slice::from_ref(&(0..1))) else { return Ok(()) };
        let input = |seed| numbers(5 * 4 * tokens * tokens, seed);
        gpu.set_input(0, &input(7));
        reference.x = encode(&reference.weights, tokens, &input(7));
        for event in events.into_iter().chain([Event::Run(1, true)]) {
            match event {
                Event::Input(seed) => {
                    gpu.set_input(0, &input(seed));
                    reference.x = encode(&reference.weights, tokens, &input(seed));
                }
                Event::Shift(cols, rows) => {
                    // Shifts add up before a run, which isn't what two of them do one after the other.
                    gpu.run(&[], false, PATIENCE).unwrap();
                    gpu.shift(0, cols, rows);
                    reference.shift(cols, rows);
                }
                Event::Reset => {
                    gpu.reset(0);
                    reference.reset();
                }
                Event::Run(latents, answer) => {
                    let before = reference.y.clone();
                    gpu.run(&updates(latents, answer), true, PATIENCE).unwrap();
                    reference.run(latents, answer);
                    if answer {
                        let squares: f32 = reference.y.iter().zip(&before).map(|(a, b)| (a - b) * (a - b)).sum();
                        assert_close(&[gpu.change(0)], &[(squares / before.len() as f32).sqrt()], "change");
                        assert!(gpu.is_finite(0));
                    }
                }
            }
        }
        reference.assert_agrees(&mut gpu, 0);
    }
}

#[test]
fn each_window_of_a_batch_is_computed_as_if_it_were_alone() {
    let mut references: Vec<_> = (0..3).map(|_| Reference::new(2, 11)).collect();
    let Some(mut gpu) = gpu(&references[0], std::slice::from_ref(&(0..3))) else { return };
    for (window, reference) in references.iter_mut().enumerate() {
        let input = numbers(5 * 4 * 11 * 11, window as u32);
        gpu.set_input(window, &input);
        reference.x = encode(&reference.weights, 11, &input);
        reference.run(3, true);
    }
    gpu.run(&updates(3, true), true, PATIENCE).unwrap();
    gpu.shift(1, 2, -1);
    gpu.reset(2);
    references[1].shift(2, -1);
    references[2].reset();
    gpu.run(&updates(1, true), true, PATIENCE).unwrap();
    for reference in &mut references {
        reference.run(1, true);
    }
    for (window, reference) in references.iter().enumerate() {
        reference.assert_agrees(&mut gpu, window);
        gpu.run(&[], true, PATIENCE).unwrap();
    }
}

#[test]
fn windows_that_are_not_active_stay_as_they_are_and_what_was_set_of_them_waits() {
    let mut references: Vec<_> = (0..5).map(|_| Reference::new(2, 9)).collect();
    let Some(mut gpu) = gpu(&references[0], &[0..1, 1..3, 1..5, 0..5, 3..4]) else { return };
    for (window, reference) in references.iter_mut().enumerate() {
        let input = numbers(5 * 4 * 9 * 9, window as u32);
        gpu.set_input(window, &input);
        reference.x = encode(&reference.weights, 9, &input);
    }
    for (asked, active) in [(0..1, 0..1), (1..2, 1..3), (0..2, 0..5), (3..4, 3..4), (2..4, 1..5), (0..5, 0..5)] {
        gpu.set_active(&asked);
        gpu.run(&updates(1, true), true, PATIENCE).unwrap();
        references[active].iter_mut().for_each(|reference| reference.run(1, true));
        gpu.shift(4, 1, 0);
        references[4].shift(1, 0);
    }
    gpu.run(&[], true, PATIENCE).unwrap();
    for (window, reference) in references.iter().enumerate() {
        reference.assert_agrees(&mut gpu, window);
        gpu.run(&[], true, PATIENCE).unwrap();
    }
}

#[test]
fn an_input_without_end_is_told() {
    let reference = Reference::new(2, 8);
    let Some(mut gpu) = gpu(&reference, std::slice::from_ref(&(0..1))) else { return };
    for (value, is_finite) in [(1.0, true), (f32::NAN, false), (f32::INFINITY, false), (-2.0, true)] {
        let mut input = vec![0.0; 5 * 4 * 64];
        input[77] = value;
        gpu.reset(0);
        gpu.set_input(0, &input);
        gpu.run(&updates(1, true), true, PATIENCE).unwrap();
        assert_eq!(gpu.is_finite(0), is_finite, "{value}");
    }
}

#[test]
fn work_that_takes_longer_than_it_may_is_late_and_what_follows_is_right_again() {
    let mut reference = Reference::new(2, 64);
    let Some(mut gpu) = gpu(&reference, std::slice::from_ref(&(0..1))) else { return };
    let input = numbers(5 * 4 * 64 * 64, 3);
    gpu.set_input(0, &input);
    gpu.run(&updates(55, true), true, Duration::from_nanos(1)).expect_err("nothing is that fast");
    assert!(matches!(gpu.check_ready(), Ok(()) | Err(GpuError::Busy)));
    while gpu.check_ready() == Err(GpuError::Busy) {
        assert!(gpu.run(&updates(1, true), true, PATIENCE).is_err() || gpu.check_ready().is_ok());
    }
    gpu.reset(0);
    gpu.set_input(0, &input);
    gpu.run(&updates(1, true), true, PATIENCE).unwrap();
    reference.x = encode(&reference.weights, 64, &input);
    reference.run(1, true);
    reference.assert_agrees(&mut gpu, 0);
}

#[test]
fn models_that_do_not_fit_are_refused_by_what_does_not_fit() {
    let reference = Reference::new(2, 8);
    let refused = |weights: &Weights, start: [&[f32]; 2], tokens| {
        Some(
            GpuRecursion::new(open()?, weights, start, tokens, std::slice::from_ref(&(0..1)))
                .err()
                .unwrap()
                .to_string(),
        )
    };
    let start = [reference.start[0].as_slice(), reference.start[1].as_slice()];
    let Some(error) = refused(&weights(1), start, 8) else { return };
    assert_eq!(error, "the number of layers is 1, the GPU needs at least 2");
    let error = refused(&reference.weights, start, 7).unwrap();
    assert_eq!(error, "the window's side in tokens is 7, the GPU needs at least 8");
    let error = refused(&reference.weights, [&[0.0; 31], start[1]], 8).unwrap();
    assert_eq!(error, "the length of a first state is 31, the GPU needs 32 values");
    let error = refused(&reference.weights, start, 1 << 14).unwrap();
    assert!(error.starts_with("the size of the states is ") && error.contains("at most"), "{error}");
}
