//! All layers of the net on one window, with the fastest instruction set that the processor has.

use super::layer::{HIDDEN, Packed, apply, group};
use super::simd::Portable;
#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};
use super::weights::Weights;

/// Tokens worked on at once. With two vectors each and the weights they fit the registers.
const WIDE: usize = 8;
/// The same where there are 16 registers for vectors.
const NARROW: usize = 4;
/// aarch64 has 32 of them, `x86_64` 16.
const PORTABLE: usize = if cfg!(target_arch = "aarch64") { WIDE } else { NARROW };
/// The fewest tokens a side that the kernel works on.
pub(super) const FEWEST: usize = WIDE;

/// What the kernel is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// What the compiler makes of it.
    Portable,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// All that this processor can run, the fastest first.
    pub fn all() -> Vec<Self> {
        let mut levels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2 && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
                levels.push(Self::Avx512);
            }
            if avx2 {
                levels.push(Self::Avx2);
            }
        }
        levels.push(Self::Portable);
        levels
    }

    const fn group(self) -> usize {
        match self {
            Self::Portable => group::<Portable>(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => group::<Avx2>(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => group::<Avx512>(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
fn layer_avx512(weights: &Packed, tokens: usize, state: &[f32], out: &mut [f32]) {
    // Safety: the caller knows that the features are there.
    unsafe { apply::<Avx512, WIDE>(weights, tokens, state, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn layer_avx2(weights: &Packed, tokens: usize, state: &[f32], out: &mut [f32]) {
    // Safety: the caller knows that the features are there.
    unsafe { apply::<Avx2, NARROW>(weights, tokens, state, out) }
}

/// The net and its scratch: two states in their frames.
pub(super) struct Net {
    level: Level,
    layers: Vec<Packed>,
    tokens: usize,
    state: Vec<f32>,
    next: Vec<f32>,
}

impl Net {
    /// The net for windows of `tokens` × `tokens` tokens, at least [`FEWEST`]. The level is one of [`Level::all`].
    pub fn new(weights: &Weights, tokens: usize, level: Level) -> Self {
        let pack = |layer: &super::weights::Layer| Packed::new(&layer.gate, &layer.out, &layer.gain, level.group());
        let values = (tokens + 2) * (tokens + 2) * HIDDEN;
        Self {
            level,
            layers: weights.layers.iter().map(pack).collect(),
            tokens,
            state: vec![0.0; values],
            next: vec![0.0; values],
        }
    }

    /// `out = net(s)`, both channel-major `[HIDDEN, tokens, tokens]`.
    pub fn run(&mut self, s: &[f32], out: &mut [f32]) {
        let (tokens, plane) = (self.tokens, self.tokens * self.tokens);
        let line = (tokens + 2) * HIDDEN;
        // Row by row, so that what is written in strides stays in the first cache.
        for (row, frame) in self.state.chunks_exact_mut(line).skip(1).take(tokens).enumerate() {
            for channel in 0..HIDDEN {
                let values = &s[channel * plane + row * tokens..][..tokens];
                for (token, value) in frame[HIDDEN..].chunks_exact_mut(HIDDEN).zip(values) {
                    token[channel] = *value;
                }
            }
        }
        for layer in &self.layers {
            let (state, next) = (&self.state, &mut self.next);
            match self.level {
                // Safety: the portable operations need nothing of the processor.
                Level::Portable => unsafe { apply::<Portable, PORTABLE>(layer, tokens, state, next) },
                // Safety: `Level::all` has found the features.
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => unsafe { layer_avx2(layer, tokens, state, next) },
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => unsafe { layer_avx512(layer, tokens, state, next) },
            }
            std::mem::swap(&mut self.state, &mut self.next);
        }
        for (row, frame) in self.state.chunks_exact(line).skip(1).take(tokens).enumerate() {
            for channel in 0..HIDDEN {
                let values = &mut out[channel * plane + row * tokens..][..tokens];
                for (token, value) in frame[HIDDEN..].chunks_exact(HIDDEN).zip(values) {
                    *value = token[channel];
                }
            }
        }
    }
}
