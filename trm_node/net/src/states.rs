//! The states of one window in the host's memory, and how graphs update them. The sums are computed here and not in the
//! graphs.

use crate::backend::{Advanced, State};
use crate::bundle::Start;
use crate::error::InferenceError;
use crate::graphs::{Graphs, Shape, Update};

/// The states x, y and z of a window, `[prefix + tokens², hidden]` each, and its logits.
pub(crate) struct HostStates {
    shape: Shape,
    x: Vec<f32>,
    y: Vec<f32>,
    z: Vec<f32>,
    /// `[CLASSES, size, size]`.
    logits: Vec<f32>,
}

/// What the updates of one window after the other need, `[prefix + tokens², hidden]` each.
pub(crate) struct Scratch {
    /// The input of the net; while the states are shifted, the old values of one of them.
    sum: Vec<f32>,
    /// The previous answer.
    previous_y: Vec<f32>,
}

impl Scratch {
    /// Memory for windows of one size.
    pub fn new(shape: Shape) -> Self {
        Self { sum: vec![0.0; shape.state_len()], previous_y: vec![0.0; shape.state_len()] }
    }
}

impl HostStates {
    /// States of zeros.
    pub fn new(shape: Shape) -> Self {
        let state = || vec![0.0; shape.state_len()];
        let logits = vec![0.0; shape.logits_len()];
        Self { shape, x: state(), y: state(), z: state(), logits }
    }

    /// Sets y and z of every token to the bundle's first ones.
    pub fn reset(&mut self, start: &Start) {
        for (state, start) in [(&mut self.y, &start.y), (&mut self.z, &start.z)] {
            for token in state.chunks_exact_mut(self.shape.hidden) {
                token.copy_from_slice(start);
            }
        }
    }

    /// Shifts y and z: see [`crate::backend::Backend::shift`].
    pub fn shift(&mut self, scratch: &mut Scratch, start: &Start, cols: i32, rows: i32) {
        let (tokens, hidden, prefix) = (self.shape.tokens() as i32, self.shape.hidden, self.shape.prefix);
        for (state, start) in [(&mut self.y, &start.y), (&mut self.z, &start.z)] {
            scratch.sum.copy_from_slice(state);
            // The prefix belongs to no cell.
            for (at, token) in (0..).zip(state.chunks_exact_mut(hidden).skip(prefix)) {
                let (row, col) = (at / tokens + rows, at % tokens + cols);
                if (0..tokens).contains(&row) && (0..tokens).contains(&col) {
                    let from = prefix + (row * tokens + col) as usize;
                    token.copy_from_slice(&scratch.sum[from * hidden..][..hidden]);
                } else {
                    token.copy_from_slice(start);
                }
            }
        }
    }

    /// `x = encode(input)`.
    pub fn embed(&mut self, graphs: &mut dyn Graphs, input: &[f32]) -> Result<(), InferenceError> {
        graphs.encode(input, &mut self.x)
    }

    /// Applies the net, once for each update.
    pub fn advance(
        &mut self,
        (graphs, scratch): (&mut dyn Graphs, &mut Scratch),
        updates: &[Update],
    ) -> Result<Advanced, InferenceError> {
        let mut advanced = Advanced { work: 0.0, change: None };
        for update in updates {
            match update {
                Update::Latent => advanced.work += self.update_latent(graphs, scratch)?,
                Update::Answer => {
                    let (share, change) = self.update_answer(graphs, scratch)?;
                    advanced.work += share;
                    advanced.change = Some(change);
                }
            }
        }
        Ok(advanced)
    }

    /// `z ← net(x + y + z)`.
    fn update_latent(&mut self, graphs: &mut dyn Graphs, scratch: &mut Scratch) -> Result<f32, InferenceError> {
        for (((sum, x), y), z) in scratch.sum.iter_mut().zip(&self.x).zip(&self.y).zip(&self.z) {
            *sum = x + y + z;
        }
        graphs.net(Update::Latent, &scratch.sum, &mut self.z)
    }

    /// `y ← net(y + z)`. Returns the share of the work that was done, and the root mean square of the change.
    fn update_answer(&mut self, graphs: &mut dyn Graphs, scratch: &mut Scratch) -> Result<(f32, f32), InferenceError> {
        for ((sum, y), z) in scratch.sum.iter_mut().zip(&self.y).zip(&self.z) {
            *sum = y + z;
        }
        scratch.previous_y.copy_from_slice(&self.y);
        let share = graphs.net(Update::Answer, &scratch.sum, &mut self.y)?;
        let squares: f32 = self.y.iter().zip(&scratch.previous_y).map(|(a, b)| (a - b) * (a - b)).sum();
        Ok((share, (squares / self.y.len() as f32).sqrt()))
    }

    /// Decodes the present answer. Returns the halting logit q.
    pub fn decode(&mut self, graphs: &mut dyn Graphs) -> Result<f32, InferenceError> {
        graphs.decode(&self.y, &self.x, &mut self.logits)
    }

    /// The logits `[CLASSES, size, size]` of the answer that was decoded last.
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// Whether y and z hold neither infinity nor NaN.
    pub fn is_finite(&self) -> bool {
        self.y.iter().chain(&self.z).all(|v| v.is_finite())
    }

    /// A state.
    pub fn get(&self, state: State) -> &[f32] {
        match state {
            State::X => &self.x,
            State::Y => &self.y,
            State::Z => &self.z,
        }
    }

    /// A state, to be written.
    pub fn get_mut(&mut self, state: State) -> &mut [f32] {
        match state {
            State::X => &mut self.x,
            State::Y => &mut self.y,
            State::Z => &mut self.z,
        }
    }
}
