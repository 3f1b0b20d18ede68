//! A model that costs simulated time. It knows the way, knows nothing, gives garbage, or fails.

use std::collections::VecDeque;
use std::sync::Arc;

use trm_grid::units::MOVES;
use trm_net::encode::CHANNELS;
use trm_net::error::InferenceError;
use trm_net::graph::Graph;
use trm_net::graphs::{Graphs, Shape, Update};

use crate::simulate::mood::{Mood, Moods};

/// A model whose calls take simulated time.
pub struct SimulatedModel {
    moods: Arc<dyn Moods>,
    /// The released model, in few simulations.
    real: Option<Box<dyn Graphs>>,
    /// Cells along each side of the window.
    size: usize,
    /// The best move of each cell, as far as one is known.
    moves: Vec<Option<u8>>,
}

impl SimulatedModel {
    /// A model for windows of this size.
    pub fn new(moods: Arc<dyn Moods>, real: Option<Box<dyn Graphs>>, size: usize) -> Self {
        Self { moods, real, size, moves: vec![None; size * size] }
    }

    fn call(&self, graph: Graph) -> Result<Mood, InferenceError> {
        match self.moods.call() {
            Mood::Fails => Err(InferenceError::new(graph, "simulated")),
            mood => Ok(mood),
        }
    }

    /// Breadth-first from the goal cells over those that aren't blocked.
    fn solve(&mut self, input: &[f32]) {
        let size = self.size;
        let (blocked, goals) = (&input[..size * size], &input[size * size..2 * size * size]);
        let is_open = |row: i32, col: i32| {
            let inside = (0..size as i32).contains(&row) && (0..size as i32).contains(&col);
            inside && blocked[row as usize * size + col as usize] < 0.5
        };
        self.moves.fill(None);
        let mut waiting: VecDeque<usize> = (0..size * size).filter(|at| goals[*at] > 0.0).collect();
        while let Some(at) = waiting.pop_front() {
            let (row, col) = ((at / size) as i32, (at % size) as i32);
            for (index, step) in MOVES.iter().enumerate() {
                let (from_row, from_col) = (row - step.rows, col - step.cols);
                let is_legal = is_open(from_row, from_col) && is_open(from_row, col) && is_open(row, from_col);
                if !is_legal {
                    continue;
                }
                let from = from_row as usize * size + from_col as usize;
                if self.moves[from].is_none() && goals[from] <= 0.0 {
                    self.moves[from] = Some(index as u8);
                    waiting.push_back(from);
                }
            }
        }
    }
}

impl Graphs for SimulatedModel {
    fn shape(&self) -> Shape {
        match &self.real {
            Some(real) => real.shape(),
            None => Shape { size: self.size, patch: 2, hidden: 32, channels: CHANNELS.len(), prefix: 0 },
        }
    }

    fn encode(&mut self, input: &[f32], x: &mut [f32]) -> Result<(), InferenceError> {
        self.call(Graph::Encode)?;
        if let Some(real) = &mut self.real {
            return real.encode(input, x);
        }
        self.solve(input);
        x.fill(0.5);
        Ok(())
    }

    fn net(&mut self, update: Update, s: &[f32], out: &mut [f32]) -> Result<f32, InferenceError> {
        let mood = self.call(Graph::Net)?;
        if let Some(real) = &mut self.real {
            return real.net(update, s, out);
        }
        out.fill(if mood == Mood::Garbage { f32::NAN } else { 0.25 });
        Ok(1.0)
    }

    fn decode(&mut self, y: &[f32], x: &[f32], logits: &mut [f32]) -> Result<f32, InferenceError> {
        let mood = self.call(Graph::Decode)?;
        if let Some(real) = &mut self.real {
            return real.decode(y, x, logits);
        }
        let cells = self.size * self.size;
        match mood {
            Mood::Garbage => {
                let values = [f32::NAN, f32::INFINITY, -1e30, 1e30, 0.0, 7.0];
                let mut bits = self.moods.bits();
                for logit in logits.iter_mut() {
                    bits = bits.rotate_left(5).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    *logit = values[(bits >> 33) as usize % values.len()];
                }
            }
            Mood::Knows => {
                logits.fill(0.0);
                for (at, best) in self.moves.iter().enumerate() {
                    let class = best.map_or(8, usize::from);
                    logits[class * cells + at] = 12.0;
                }
            }
            Mood::Ignores | Mood::Fails => logits.fill(0.0),
        }
        Ok(0.0)
    }

    fn set_skip_threshold(&mut self, threshold: Option<f32>) {
        if let Some(real) = &mut self.real {
            real.set_skip_threshold(threshold);
        }
    }

    fn forget_history(&mut self) {
        if let Some(real) = &mut self.real {
            real.forget_history();
        }
    }

    fn shift_history(&mut self, cols: i32, rows: i32) {
        if let Some(real) = &mut self.real {
            real.shift_history(cols, rows);
        }
    }

    fn window_stride(&self) -> usize {
        self.real.as_ref().map_or(self.shape().patch, |real| real.window_stride())
    }
}
