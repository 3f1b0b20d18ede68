//! The kernel on every instruction set against the model in doubles and tract, and what it skips against what it doesn't.

use std::path::Path;

use super::*;

fn bundle() -> Bundle {
    Bundle::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/bundles/nav_d32")).unwrap()
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    for (at, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() < 1e-4, "{what}, value {at}: {a}, not {b}");
    }
}

/// The net in doubles, as `models/trm_train/model.py` has it. `state` is `[tokens, tokens, HIDDEN]`.
fn exact(weights: &Weights, tokens: usize, state: &[f32]) -> Vec<f32> {
    const D: usize = layer::HIDDEN;
    let mut s: Vec<f64> = state.iter().copied().map(f64::from).collect();
    for layer in &weights.layers {
        let before = s.clone();
        for (token, values) in s.chunks_exact_mut(D).enumerate() {
            let (row, col) = (token / tokens, token % tokens);
            let mut gate = [0.0_f64; 2 * D];
            for tap in 0..9 {
                let (r, c) = (row + tap / 3, col + tap % 3);
                if (1..=tokens).contains(&r) && (1..=tokens).contains(&c) {
                    let from = &before[((r - 1) * tokens + c - 1) * D..][..D];
                    for (output, sum) in gate.iter_mut().enumerate() {
                        let weight = |input: usize| f64::from(layer.gate[(output * D + input) * 9 + tap]);
                        *sum += from.iter().enumerate().map(|(input, value)| value * weight(input)).sum::<f64>();
                    }
                }
            }
            let gated: Vec<f64> = (0..D).map(|at| gate[at] / (1.0 + (-gate[at]).exp()) * gate[D + at]).collect();
            for (output, value) in values.iter_mut().enumerate() {
                *value += gated.iter().zip(&layer.out[output * D..]).map(|(g, w)| g * f64::from(*w)).sum::<f64>();
            }
            let mean = values.iter().map(|value| value * value).sum::<f64>() / D as f64;
            let scale = 1.0 / (mean + 1e-5).sqrt();
            values.iter_mut().zip(&layer.gain).for_each(|(value, gain)| *value *= scale * f64::from(*gain));
        }
    }
    s.into_iter().map(|value| value as f32).collect()
}

#[test]
fn every_level_computes_the_model_on_every_kind_of_width() {
    let bundle = bundle();
    let weights = Weights::read(&bundle).unwrap();
    // 9 tokens are no multiple of what the kernel works on at once, 10 and 11 neither.
    for size in [16, 18, 20, 22, 32, 52] {
        for level in Level::all() {
            let mut tract = TractBackend::new(&bundle, size).unwrap();
            let mut fused = FusedBackend::new(&bundle, &mut tract, level).unwrap();
            let shape = tract.shape();
            let what = |graph: &str| format!("{graph}, {level:?}, {size} cells");
            let mut state: Vec<f32> = (0..shape.state()).map(|at| (at as f32 * 0.7).sin()).collect();
            let mut input: Vec<f32> = (0..shape.input()).map(|at| (at as f32 * 0.3).sin()).collect();
            // Twice: the frames must still be zero, and nothing may be left of the run before.
            for _ in 0..2 {
                let mut out = vec![0.0; state.len()];
                let mut xs = [out.clone(), out.clone()];
                let mut fields = [vec![0.0; shape.field()], vec![0.0; shape.field()]];
                let mut qs = [0.0; 2];
                let share = fused.net(Update::Latent, &state, &mut out).unwrap();
                assert!((share - 1.0).abs() < f32::EPSILON, "nothing is skipped unless asked to");
                // Against the exact one: tract's own roundings differ from processor to processor.
                assert_close(&out, &exact(&weights, shape.tokens(), &state), &what("net"));
                for (at, backend) in [&mut fused as &mut dyn Backend, &mut tract].into_iter().enumerate() {
                    backend.encode(&input, &mut xs[at]).unwrap();
                    qs[at] = backend.decode(&out, &xs[at], &mut fields[at]).unwrap();
                }
                assert_close(&xs[0], &xs[1], &what("encode"));
                assert_close(&fields[0], &fields[1], &what("decode"));
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
    let weights = Weights::read(&bundle).unwrap();
    let mut tract = TractBackend::new(&bundle, 32).unwrap();
    let changes: [fn(&mut Weights); 5] = [
        |w| w.encode.weight[5] += 0.1,
        |w| w.layers[0].gain[3] += 0.1,
        |w| w.layers[1].gate[700] += 0.5,
        |w| w.moves.bias[35] += 0.1,
        |w| w.q.weight[31] += 0.5,
    ];
    for level in Level::all() {
        let shape = tract.shape();
        assert!(same(&mut tract, &mut FusedBackend::with_weights(&weights, shape, level).unwrap()));
        for (at, change) in changes.iter().enumerate() {
            let mut other = weights.clone();
            change(&mut other);
            let mut fused = FusedBackend::with_weights(&other, shape, level).unwrap();
            assert!(!same(&mut tract, &mut fused), "{level:?} has other weights: {at}");
        }
    }
}
