//! All layers of the net on one window.

use super::frame::{Frame, Tile};
use super::layer::{Packed, Scratch, Target, apply};
use super::level::{Level, Work};
use super::simd::Simd;
use super::weights::Weights;
use super::winograd::TILE;
use crate::backend::Update;

/// The inputs of all layers in one kind of application, as its output was computed from them.
struct Known {
    frames: Vec<Frame>,
    /// Whether they are of the application before.
    valid: bool,
}

/// The net and its scratch.
pub(super) struct Net {
    layers: Vec<Packed>,
    latent: Known,
    answer: Known,
    scratch: Scratch,
    list: Vec<Tile>,
    spare: Vec<f32>,
    /// `None`: every tile is computed.
    threshold: Option<f32>,
}

/// One application.
struct Application<'a> {
    net: &'a mut Net,
    update: Update,
    state: &'a [f32],
    out: &'a mut [f32],
}

impl Net {
    /// The net for windows of `tokens` × `tokens` tokens.
    pub fn new(weights: &Weights, tokens: usize) -> Self {
        let layers: Vec<_> = weights.layers.iter().map(|l| Packed::new(&l.gate, &l.out, &l.gain)).collect();
        let known = || Known { frames: layers.iter().map(|_| Frame::new(tokens)).collect(), valid: false };
        let (latent, answer) = (known(), known());
        let frame = Frame::new(tokens);
        Self {
            layers,
            latent,
            answer,
            scratch: Scratch::new(),
            list: Vec::with_capacity(frame.count()),
            spare: Vec::with_capacity(frame.values()),
            threshold: None,
        }
    }

    /// Skips tiles whose inputs haven't changed by more than the threshold; `None`: skips nothing.
    pub fn skip(&mut self, threshold: Option<f32>) {
        self.threshold = threshold;
        self.forget();
    }

    /// The states aren't what the net gave any more.
    pub fn forget(&mut self) {
        (self.latent.valid, self.answer.valid) = (false, false);
    }

    /// The states have moved by whole tokens.
    pub fn shift(&mut self, cols: i32, rows: i32) {
        if cols % TILE as i32 != 0 || rows % TILE as i32 != 0 {
            self.forget();
        }
        for known in [&mut self.latent, &mut self.answer] {
            if known.valid {
                known.frames.iter_mut().for_each(|frame| frame.shift(cols, rows, &mut self.spare));
            }
        }
    }

    /// `out = net(s)`, both `[tokens, tokens, HIDDEN]`; returns the share of the tiles that were computed. The others are
    /// left in `out` as the last application of this kind has written them there.
    pub fn run(&mut self, level: Level, update: Update, state: &[f32], out: &mut [f32]) -> f32 {
        level.run(Application { net: self, update, state, out })
    }
}

impl Work for Application<'_> {
    type Output = f32;

    #[inline(always)]
    unsafe fn run<S: Simd, const VECTORS: usize, const ROWS: usize>(self) -> f32 {
        let Net { layers, latent, answer, scratch, list, threshold, .. } = self.net;
        let known = if self.update == Update::Latent { latent } else { answer };
        let threshold = threshold.filter(|_| known.valid);
        let mut computed = 0;
        // Safety: the caller knows that the instruction set is there.
        unsafe { known.frames[0].take_all::<S>(self.state, threshold) };
        for (at, weights) in layers.iter().enumerate() {
            let (before, after) = known.frames.split_at_mut(at + 1);
            before[at].list(threshold.is_none(), list);
            computed += list.len();
            let target = match after.first_mut() {
                Some(next) => Target::Next(next, threshold),
                None => Target::State(self.out),
            };
            unsafe { apply::<S, VECTORS, ROWS>(weights, &before[at], list, scratch, target) };
        }
        known.valid = true;
        computed as f32 / (layers.len() * known.frames[0].count()) as f32
    }
}
