//! The net as one fused kernel, for the architecture of the released bundles; tract runs the two other graphs, and every
//! net that isn't this one.
#![expect(unsafe_code, reason = "vector instructions, and loads and stores that the compiler can't bound")]
#![expect(clippy::inline_always, reason = "vector operations must end up in the function that switches them on")]

mod layer;
mod net;
mod simd;
mod weights;

use super::backend::{Backend, Shape};
use super::bundle::Bundle;
use super::tract::TractBackend;
use crate::error::LoadError;
use net::{FEWEST, Level, Net};
use weights::Weights;

/// Greatest difference to tract that the kernel may show, of values around 1. Both add up in another order.
const TOLERANCE: f32 = 1e-3;

/// tract with the fused net in the place of its own.
pub struct FusedBackend {
    graphs: TractBackend,
    net: Net,
}

/// The fastest backend for a bundle on windows of `size` × `size` cells: this one, or tract where the net is another one or
/// the kernel doesn't compute the same.
///
/// # Errors
/// Those of [`TractBackend::new`].
pub fn fastest(bundle: &Bundle, size: usize) -> Result<Box<dyn Backend>, LoadError> {
    let mut graphs = TractBackend::new(bundle, size)?;
    let net = Level::all().first().and_then(|level| FusedBackend::net(bundle, &mut graphs, *level));
    Ok(match net {
        Some(net) => Box::new(FusedBackend { graphs, net }),
        None => Box::new(graphs),
    })
}

impl FusedBackend {
    fn net(bundle: &Bundle, graphs: &mut TractBackend, level: Level) -> Option<Net> {
        let tokens = graphs.shape().tokens();
        let weights = Weights::read(bundle.graph(1)).filter(|_| tokens >= FEWEST)?;
        let mut net = Net::new(&weights, tokens, level);
        same(graphs, &mut net).then_some(net)
    }
}

/// Whether the kernel computes what the graph does, on a state that has something of everything.
fn same(graphs: &mut TractBackend, net: &mut Net) -> bool {
    let state: Vec<f32> = (0..graphs.shape().state()).map(|at| ((at * 37 % 101) as f32 - 50.0) / 25.0).collect();
    let mut outs = [vec![0.0; state.len()], vec![0.0; state.len()]];
    net.run(&state, &mut outs[0]);
    graphs.net(&state, &mut outs[1]).is_ok() && outs[0].iter().zip(&outs[1]).all(|(a, b)| (a - b).abs() < TOLERANCE)
}

impl Backend for FusedBackend {
    fn shape(&self) -> Shape {
        self.graphs.shape()
    }

    fn encode(&mut self, input: &[f32], x: &mut [f32]) -> Result<(), LoadError> {
        self.graphs.encode(input, x)
    }

    fn net(&mut self, s: &[f32], out: &mut [f32]) -> Result<(), LoadError> {
        self.net.run(s, out);
        Ok(())
    }

    fn decode(&mut self, y: &[f32], x: &[f32], moves: &mut [f32]) -> Result<f32, LoadError> {
        self.graphs.decode(y, x, moves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn bundle() -> Bundle {
        Bundle::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/bundles/nav_d32")).unwrap()
    }

    #[test]
    fn every_level_computes_what_tract_does_on_every_kind_of_width() {
        let bundle = bundle();
        // 9 tokens are no multiple of what the kernel works on at once.
        for size in [16, 18, 32, 52] {
            for level in Level::all() {
                let mut graphs = TractBackend::new(&bundle, size).unwrap();
                let mut net = FusedBackend::net(&bundle, &mut graphs, level).unwrap();
                let mut state: Vec<f32> = (0..graphs.shape().state()).map(|at| (at as f32 * 0.7).sin()).collect();
                // Twice: the frame must still be zero, and nothing may be left of the run before.
                for _ in 0..2 {
                    let mut outs = [vec![0.0; state.len()], vec![0.0; state.len()]];
                    net.run(&state, &mut outs[0]);
                    graphs.net(&state, &mut outs[1]).unwrap();
                    for (at, (a, b)) in outs[0].iter().zip(&outs[1]).enumerate() {
                        assert!((a - b).abs() < 1e-4, "{level:?}, {size} cells, value {at}: {a}, not {b}");
                    }
                    state = outs[0].iter().rev().copied().collect();
                }
            }
        }
    }

    #[test]
    fn another_net_is_left_to_tract() {
        let bundle = bundle();
        assert!(Weights::read(bundle.graph(1)).is_some());
        assert!(Weights::read(bundle.graph(0)).is_none(), "that is the encoder");
        assert!(Weights::read(b"no graph").is_none());
        let mut weights = Weights::read(bundle.graph(1)).unwrap();
        weights.layers[0].gain[3] += 0.1;
        let mut graphs = TractBackend::new(&bundle, 32).unwrap();
        for level in Level::all() {
            assert!(!same(&mut graphs, &mut Net::new(&weights, 16, level)), "{level:?} has other weights");
        }
    }
}
