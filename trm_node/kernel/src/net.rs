//! All layers of the net on one window, and what they remember so as to skip what has settled.

use crate::frame::{Frame, TokenTile};
use crate::layer::{PackedLayer, Scratch, Target, apply};
use crate::level::{Level, Work};
use crate::simd::vector::Simd;
use crate::sizes::{HIDDEN, TILE};
use crate::weights::Layer;

/// The two series of applications that alternate in the recursion. Each has a history of its own: its next application
/// is compared with its previous one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Series {
    /// Updates of the latent, `z ← net(x + y + z)`.
    Latent,
    /// Updates of the answer, `y ← net(y + z)`.
    Answer,
}

/// The input of each layer in one series, as its output was last computed from it.
struct History {
    frames: Vec<Frame>,
    /// Whether the frames belong to the previous application.
    is_valid: bool,
}

/// The net and the memory that it needs to run.
pub(crate) struct NetGraph {
    layers: Vec<PackedLayer>,
    latent: History,
    answer: History,
    scratch: Scratch,
    changed: Vec<TokenTile>,
    /// A copy of a frame while it is shifted.
    frame_copy: Vec<f32>,
    /// `None`: every tile is computed.
    threshold: Option<f32>,
}

/// One application of the net.
struct Application<'a> {
    net: &'a mut NetGraph,
    series: Series,
    s: &'a [f32],
    out: &'a mut [f32],
}

impl NetGraph {
    /// The net for windows of `tokens` × `tokens` tokens.
    pub fn new(layers: &[Layer], tokens: usize) -> Self {
        let frame = Frame::new(tokens);
        let history = || History { frames: vec![frame.clone(); layers.len()], is_valid: false };
        Self {
            layers: layers.iter().map(PackedLayer::new).collect(),
            latent: history(),
            answer: history(),
            scratch: Scratch::new(),
            changed: Vec::with_capacity(frame.tile_count()),
            frame_copy: Vec::with_capacity(frame.len()),
            threshold: None,
        }
    }

    /// See `FusedKernel::set_skip_threshold`.
    pub fn set_skip_threshold(&mut self, threshold: Option<f32>) {
        self.threshold = threshold;
        self.forget_history();
    }

    /// See `FusedKernel::forget_history`.
    pub fn forget_history(&mut self) {
        (self.latent.is_valid, self.answer.is_valid) = (false, false);
    }

    /// See `FusedKernel::shift_history`.
    pub fn shift_history(&mut self, cols: i32, rows: i32) {
        if cols % TILE as i32 != 0 || rows % TILE as i32 != 0 {
            self.forget_history();
        }
        for history in [&mut self.latent, &mut self.answer] {
            if history.is_valid {
                history.frames.iter_mut().for_each(|frame| frame.shift(cols, rows, &mut self.frame_copy));
            }
        }
    }

    /// See `FusedKernel::net`.
    pub fn run(&mut self, level: Level, series: Series, s: &[f32], out: &mut [f32]) -> f32 {
        let tokens = self.latent.frames[0].tokens();
        assert!(s.len() == tokens * tokens * HIDDEN && out.len() == s.len());
        level.run(Application { net: self, series, s, out })
    }
}

impl Work for Application<'_> {
    type Output = f32;

    #[inline(always)]
    unsafe fn run<S: Simd, const VECTORS: usize, const ROWS: usize>(self) -> f32 {
        let NetGraph { layers, latent, answer, scratch, changed, threshold, .. } = self.net;
        let history = if self.series == Series::Latent { latent } else { answer };
        let threshold = threshold.filter(|_| history.is_valid);
        let mut computed = 0;
        // Safety: the caller knows that the processor has the instruction set.
        unsafe { history.frames[0].set_all::<S>(self.s, threshold) };
        for (at, weights) in layers.iter().enumerate() {
            let (before, after) = history.frames.split_at_mut(at + 1);
            before[at].list_changed(threshold.is_none(), changed);
            computed += changed.len();
            let target = match after.first_mut() {
                Some(next) => Target::Frame(next, threshold),
                None => Target::State(self.out),
            };
            // Safety: as above.
            unsafe { apply::<S, VECTORS, ROWS>(weights, &before[at], changed, scratch, target) };
        }
        history.is_valid = true;
        computed as f32 / (layers.len() * history.frames[0].tile_count()) as f32
    }
}
