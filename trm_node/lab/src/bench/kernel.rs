//! One application of the net by each backend, beside onnxruntime on the same graph: one thread, the same process, in turns.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use trm_net::backend::Backend;
use trm_net::bundle::Bundle;

use super::args::Setting;
use super::backend;
use super::control::timed;
use super::onnxruntime::Onnxruntime;
use super::progress::Progress;
use super::sample::Sample;

/// How long it takes usually, in seconds.
const SECONDS: f64 = 1.2;
/// Applications before those that are counted, and how many of them there are at least.
const WARM_UP: usize = 5;
const LEAST: usize = 20;
/// The other's name.
pub const PEER: &str = "onnxruntime";

/// Times of one application.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kernel {
    /// Cells a side of the window.
    pub window: u32,
    /// By backend; onnxruntime too, where it could be had.
    pub net_us: BTreeMap<String, Sample>,
    /// The backend that the planner runs.
    pub ours: String,
    /// Median of ours over onnxruntime's, and the same of the least times.
    pub vs_onnxruntime: Option<f64>,
    pub vs_onnxruntime_least: Option<f64>,
    pub onnxruntime: Option<String>,
    /// Why there is none.
    pub reason: Option<String>,
}

/// Times all of them.
///
/// # Errors
/// When a backend fails.
pub fn measure(setting: &Setting, bundle: &Bundle, progress: &mut Progress) -> anyhow::Result<Kernel> {
    let size = setting.config.planner.window_size as usize;
    let mut backends: Vec<(String, Box<dyn Backend>)> = Vec::new();
    for name in backend::names() {
        // One that this machine lacks is left out.
        if let Ok(backend) = backend::by_name(&name, bundle, size) {
            backends.push((name, backend));
        }
    }
    let shape = backend::by_name(&setting.backend, bundle, size)?.shape();
    let (mut peer, mut reason) = match Onnxruntime::new(bundle, shape) {
        Ok(peer) => (Some(peer), None),
        Err(reason) => (None, Some(reason)),
    };
    let state: Vec<f32> = (0..shape.state_len()).map(|at| ((at * 37 % 101) as f32 - 50.0) / 25.0).collect();
    let mut out = vec![0.0; state.len()];
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); backends.len()];
    let mut peer_times = Vec::new();
    let (began, long) = (Instant::now(), setting.part(SECONDS));
    let mut round = 0;
    while round < WARM_UP + LEAST || began.elapsed() < long {
        // Who comes first changes, so that none always finds the caches warm.
        let among = backends.len() + 1;
        for turn in 0..among {
            let who = (turn + round) % among;
            if let Some((_, backend)) = backends.get_mut(who) {
                let (result, time) = timed(|| backend::apply(backend.as_mut(), &state, &mut out));
                result?;
                if round >= WARM_UP {
                    times[who].push(time);
                }
            } else if let Some(onnxruntime) = &mut peer {
                let (result, time) = timed(|| onnxruntime.run(&state, |values| out.copy_from_slice(values)));
                if let Err(error) = result {
                    (peer, reason) = (None, Some(format!("onnxruntime: {error}")));
                } else if round >= WARM_UP {
                    peer_times.push(time);
                }
            }
        }
        round += 1;
        progress.show("kernel", began.elapsed().as_secs_f64() / long.as_secs_f64(), "");
    }
    progress.end();
    let mut net_us: BTreeMap<String, Sample> =
        backends.iter().zip(&times).map(|((name, _), times)| (name.clone(), Sample::of(times))).collect();
    let ours = net_us.get(&setting.backend).copied();
    let theirs = peer.is_some().then(|| Sample::of(&peer_times));
    let ratio = |of: fn(&Sample) -> f64| Some(of(&ours?) / of(&theirs?)).filter(|ratio| ratio.is_finite());
    let kernel = Kernel {
        window: size as u32,
        ours: setting.backend.clone(),
        vs_onnxruntime: ratio(|sample| sample.p50),
        vs_onnxruntime_least: ratio(|sample| sample.min),
        onnxruntime: peer.is_some().then(Onnxruntime::about),
        reason,
        net_us: BTreeMap::new(),
    };
    net_us.extend(theirs.map(|theirs| (PEER.to_owned(), theirs)));
    Ok(Kernel { net_us, ..kernel })
}
