//! A backend whose states are in the host's memory. The sums are computed here and not in the graphs.

use std::time::Duration;

use crate::backend::{Advanced, Backend, State};
use crate::bundle::Bundle;
use crate::error::InferenceError;
use crate::graphs::{Graphs, Shape, Update};

/// The states of a window, and the graphs that update them on the calling thread.
pub struct HostBackend {
    graphs: Box<dyn Graphs>,
    shape: Shape,
    /// The first y and z of every token, `[hidden]` each.
    y_start: Vec<f32>,
    z_start: Vec<f32>,
    x: Vec<f32>,
    y: Vec<f32>,
    z: Vec<f32>,
    /// The input of the net; while the states are shifted, the old values of one of them.
    sum: Vec<f32>,
    /// The previous answer.
    previous_y: Vec<f32>,
    /// `[CLASSES, size, size]`.
    logits: Vec<f32>,
}

impl HostBackend {
    /// The bundle's states in their initial values, and graphs that were made for it.
    #[must_use]
    pub fn new(bundle: &Bundle, graphs: Box<dyn Graphs>) -> Self {
        let shape = graphs.shape();
        let state = || vec![0.0; shape.state_len()];
        let mut backend = Self {
            graphs,
            shape,
            y_start: bundle.manifest.start.y.clone(),
            z_start: bundle.manifest.start.z.clone(),
            x: state(),
            y: state(),
            z: state(),
            sum: state(),
            previous_y: state(),
            logits: vec![0.0; shape.logits_len()],
        };
        backend.reset();
        backend
    }

    /// `z ← net(x + y + z)`.
    fn update_latent(&mut self) -> Result<f32, InferenceError> {
        for (((sum, x), y), z) in self.sum.iter_mut().zip(&self.x).zip(&self.y).zip(&self.z) {
            *sum = x + y + z;
        }
        self.graphs.net(Update::Latent, &self.sum, &mut self.z)
    }

    /// `y ← net(y + z)`. Returns the share of the work that was done, and the root mean square of the change.
    fn update_answer(&mut self) -> Result<(f32, f32), InferenceError> {
        for ((sum, y), z) in self.sum.iter_mut().zip(&self.y).zip(&self.z) {
            *sum = y + z;
        }
        self.previous_y.copy_from_slice(&self.y);
        let share = self.graphs.net(Update::Answer, &self.sum, &mut self.y)?;
        let squares: f32 = self.y.iter().zip(&self.previous_y).map(|(a, b)| (a - b) * (a - b)).sum();
        Ok((share, (squares / self.y.len() as f32).sqrt()))
    }
}

impl Backend for HostBackend {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn reset(&mut self) {
        for (state, start) in [(&mut self.y, &self.y_start), (&mut self.z, &self.z_start)] {
            for token in state.chunks_exact_mut(self.shape.hidden) {
                token.copy_from_slice(start);
            }
        }
        self.graphs.forget_history();
    }

    fn shift(&mut self, cols: i32, rows: i32) {
        let (tokens, hidden, prefix) = (self.shape.tokens() as i32, self.shape.hidden, self.shape.prefix);
        for (state, start) in [(&mut self.y, &self.y_start), (&mut self.z, &self.z_start)] {
            self.sum.copy_from_slice(state);
            // The prefix belongs to no cell.
            for (at, token) in (0..).zip(state.chunks_exact_mut(hidden).skip(prefix)) {
                let (row, col) = (at / tokens + rows, at % tokens + cols);
                if (0..tokens).contains(&row) && (0..tokens).contains(&col) {
                    let from = prefix + (row * tokens + col) as usize;
                    token.copy_from_slice(&self.sum[from * hidden..][..hidden]);
                } else {
                    token.copy_from_slice(start);
                }
            }
        }
        self.graphs.shift_history(cols, rows);
    }

    fn embed(&mut self, input: &[f32]) -> Result<(), InferenceError> {
        self.graphs.encode(input, &mut self.x)
    }

    fn advance(&mut self, updates: &[Update], _patience: Duration) -> Result<Advanced, InferenceError> {
        let mut advanced = Advanced { work: 0.0, change: None };
        for update in updates {
            match update {
                Update::Latent => advanced.work += self.update_latent()?,
                Update::Answer => {
                    let (share, change) = self.update_answer()?;
                    advanced.work += share;
                    advanced.change = Some(change);
                }
            }
        }
        Ok(advanced)
    }

    fn decode(&mut self, _patience: Duration) -> Result<f32, InferenceError> {
        self.graphs.decode(&self.y, &self.x, &mut self.logits)
    }

    fn logits(&self) -> &[f32] {
        &self.logits
    }

    fn is_finite(&self) -> bool {
        self.y.iter().chain(&self.z).all(|v| v.is_finite())
    }

    fn read(&mut self, state: State, into: &mut [f32]) -> Result<(), InferenceError> {
        into.copy_from_slice(match state {
            State::X => &self.x,
            State::Y => &self.y,
            State::Z => &self.z,
        });
        Ok(())
    }

    fn write(&mut self, state: State, values: &[f32]) -> bool {
        let target = match state {
            State::X => &mut self.x,
            State::Y => &mut self.y,
            State::Z => &mut self.z,
        };
        target.copy_from_slice(values);
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
