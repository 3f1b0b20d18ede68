//! A backend whose states are in the host's memory, and whose graphs run on the calling thread.

use std::time::Duration;

use crate::backend::{Advanced, Backend, State};
use crate::bundle::{Bundle, Start};
use crate::error::InferenceError;
use crate::graphs::{Graphs, Shape, Update};
use crate::states::{HostStates, Scratch};

/// The states of a window, and the graphs that update them.
pub struct HostBackend {
    graphs: Box<dyn Graphs>,
    states: HostStates,
    scratch: Scratch,
    /// The first y and z of every token, `[hidden]` each.
    start: Start,
}

impl HostBackend {
    /// The bundle's states in their initial values, and graphs that were made for it.
    #[must_use]
    pub fn new(bundle: &Bundle, graphs: Box<dyn Graphs>) -> Self {
        let (shape, start) = (graphs.shape(), bundle.manifest.start.clone());
        let mut backend = Self { graphs, states: HostStates::new(shape), scratch: Scratch::new(shape), start };
        backend.reset();
        backend
    }
}

impl Backend for HostBackend {
    fn shape(&self) -> Shape {
        self.graphs.shape()
    }

    fn reset(&mut self) {
        self.states.reset(&self.start);
        self.graphs.forget_history();
    }

    fn shift(&mut self, cols: i32, rows: i32) {
        self.states.shift(&mut self.scratch, &self.start, cols, rows);
        self.graphs.shift_history(cols, rows);
    }

    fn embed(&mut self, input: &[f32]) -> Result<(), InferenceError> {
        self.states.embed(self.graphs.as_mut(), input)
    }

    fn advance(&mut self, updates: &[Update], _patience: Duration) -> Result<Advanced, InferenceError> {
        self.states.advance((self.graphs.as_mut(), &mut self.scratch), updates)
    }

    fn decode(&mut self, _patience: Duration) -> Result<f32, InferenceError> {
        self.states.decode(self.graphs.as_mut())
    }

    fn logits(&self) -> &[f32] {
        self.states.logits()
    }

    fn is_usable(&self) -> bool {
        self.states.is_finite()
    }

    fn read(&mut self, state: State, into: &mut [f32]) -> Result<(), InferenceError> {
        into.copy_from_slice(self.states.get(state));
        Ok(())
    }

    fn write(&mut self, state: State, values: &[f32]) -> bool {
        self.states.get_mut(state).copy_from_slice(values);
        self.graphs.forget_history();
        true
    }

    fn set_skip_threshold(&mut self, threshold: Option<f32>) {
        self.graphs.set_skip_threshold(threshold);
    }

    fn window_stride(&self) -> usize {
        self.graphs.window_stride()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::released;

    /// Numbers every value of a state.
    struct Numbered(Shape);

    impl Graphs for Numbered {
        fn shape(&self) -> Shape {
            self.0
        }

        fn encode(&mut self, _: &[f32], _: &mut [f32]) -> Result<(), InferenceError> {
            Ok(())
        }

        fn net(&mut self, _: Update, _: &[f32], out: &mut [f32]) -> Result<f32, InferenceError> {
            out.iter_mut().zip(0_u16..).for_each(|(out, at)| *out = f32::from(at));
            Ok(1.0)
        }

        fn decode(&mut self, _: &[f32], _: &[f32], _: &mut [f32]) -> Result<f32, InferenceError> {
            Ok(0.0)
        }
    }

    #[test]
    fn the_cells_tokens_move_with_the_window_and_the_prefix_stays() {
        let bundle = Bundle::load(&released::find(None, std::iter::empty()).unwrap()).unwrap();
        let hidden = bundle.manifest.architecture.hidden;
        let shape = Shape { size: 3, patch: 1, hidden, channels: 6, prefix: 2 };
        let mut backend = HostBackend::new(&bundle, Box::new(Numbered(shape)));
        backend.advance(&[Update::Answer], Duration::ZERO).unwrap();
        backend.shift(1, 0);
        let mut y = vec![0.0; shape.state_len()];
        backend.read(State::Y, &mut y).unwrap();
        let start = bundle.manifest.start.y[0];
        let first = |token: u16| f32::from(token) * hidden as f32;
        let expected = [0, 1, 3, 4, u16::MAX, 6, 7, u16::MAX, 9, 10, u16::MAX];
        for (token, from) in expected.into_iter().enumerate() {
            let value = if from == u16::MAX { start } else { first(from) };
            assert!((y[token * hidden] - value).abs() < f32::EPSILON, "token {token}: {}", y[token * hidden]);
        }
    }
}
