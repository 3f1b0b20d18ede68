//! The kernel on every instruction set, with a bundle's weights: against the model in double precision, and against
//! tract.

use super::*;
use crate::graph::Graph;
use crate::released;
use crate::tract::TractGraphs;

fn bundle() -> Bundle {
    Bundle::load(&released::find(None, std::iter::empty()).unwrap()).unwrap()
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    for (at, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() < 1e-4, "{what}, value {at}: {a}, not {b}");
    }
}

#[test]
fn every_level_computes_the_model_on_every_kind_of_width() {
    let bundle = bundle();
    let weights = weights::read(&bundle).unwrap();
    // 9 tokens are no multiple of what the kernel computes at once, 10 and 11 neither.
    for size in [16, 18, 20, 22, 32, 52] {
        for level in Level::available() {
            let mut tract = TractGraphs::new(&bundle, size).unwrap();
            let mut fused = FusedGraphs::new(&bundle, &mut tract, level).unwrap().unwrap();
            let shape = tract.shape();
            let what = |graph: &str| format!("{graph}, {level:?}, {size} cells");
            let mut state: Vec<f32> = (0..shape.state_len()).map(|at| (at as f32 * 0.7).sin()).collect();
            let mut input: Vec<f32> = (0..shape.input_len()).map(|at| (at as f32 * 0.3).sin()).collect();
            // Twice: the frames must still be zero outside, and nothing may be left of the previous run.
            for _ in 0..2 {
                let mut out = vec![0.0; state.len()];
                let mut xs = [out.clone(), out.clone()];
                let mut logits = [vec![0.0; shape.logits_len()], vec![0.0; shape.logits_len()]];
                let mut qs = [0.0; 2];
                let share = fused.net(Update::Latent, &state, &mut out).unwrap();
                assert!((share - 1.0).abs() < f32::EPSILON, "nothing is skipped unless asked to");
                // Against the exact one: tract's own roundings differ from processor to processor.
                assert_close(&out, &trm_kernel::testing::net(&weights, shape.tokens(), &state), &what("net"));
                for (at, backend) in [&mut fused as &mut dyn Graphs, &mut tract].into_iter().enumerate() {
                    backend.encode(&input, &mut xs[at]).unwrap();
                    qs[at] = backend.decode(&out, &xs[at], &mut logits[at]).unwrap();
                }
                assert_close(&xs[0], &xs[1], &what("encode"));
                assert_close(&logits[0], &logits[1], &what("decode"));
                assert_close(&qs[..1], &qs[1..], &what("q"));
                state = out.iter().rev().copied().collect();
                input.reverse();
            }
        }
    }
}

#[test]
fn another_model_is_left_to_tract() {
    let bundle = bundle();
    let weights = weights::read(&bundle).unwrap();
    let mut tract = TractGraphs::new(&bundle, 32).unwrap();
    let changes: [fn(&mut Weights); 5] = [
        |w| w.encode.weight[5] += 0.1,
        |w| w.layers[0].gain[3] += 0.1,
        |w| w.layers[1].gate[700] += 0.5,
        |w| w.moves.bias[35] += 0.1,
        |w| w.q.weight[31] += 0.5,
    ];
    for level in Level::available() {
        let shape = tract.shape();
        assert!(agree(&mut tract, &mut FusedGraphs::with_weights(&weights, shape, level).unwrap()).unwrap());
        for (at, change) in changes.iter().enumerate() {
            let mut other = weights.clone();
            change(&mut other);
            let mut fused = FusedGraphs::with_weights(&other, shape, level).unwrap();
            assert!(!agree(&mut tract, &mut fused).unwrap(), "{level:?} has other weights: {at}");
        }
    }
}

/// A reference one of whose graphs fails.
struct Failing(TractGraphs);

impl Graphs for Failing {
    fn shape(&self) -> Shape {
        self.0.shape()
    }

    fn encode(&mut self, input: &[f32], x: &mut [f32]) -> Result<(), InferenceError> {
        self.0.encode(input, x)
    }

    fn net(&mut self, _: Update, _: &[f32], _: &mut [f32]) -> Result<f32, InferenceError> {
        Err(InferenceError::new(Graph::Net, "no memory"))
    }

    fn decode(&mut self, y: &[f32], x: &[f32], logits: &mut [f32]) -> Result<f32, InferenceError> {
        self.0.decode(y, x, logits)
    }
}

#[test]
fn a_reference_that_fails_is_not_taken_for_one_that_differs() {
    let bundle = bundle();
    let mut reference = Failing(TractGraphs::new(&bundle, 32).unwrap());
    let error = FusedGraphs::new(&bundle, &mut reference, Level::available()[0]).err().unwrap();
    assert_eq!(error.to_string(), "inference: graph net failed: no memory");
}
