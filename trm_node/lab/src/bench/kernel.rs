//! The time of one application of the net: by each backend, and by onnxruntime on the same graph. All run on one thread
//! of this process and take turns. Then that of whole supervision steps, on windows of several sizes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use trm_net::bundle::Bundle;
use trm_net::graphs::{Graphs, Update};
use trm_net::registry::{NAMES, graphs};

use crate::bench::onnxruntime::Onnxruntime;
use crate::bench::progress_bar::show_share;
use crate::bench::sample_times::SampleTimes;
use crate::bench::setting::BenchSetting;
use crate::bench::steps::{self, StepTimes};
use crate::bench::timing::timed;

/// Usual duration of this part, in seconds.
const SECONDS: f64 = 1.2;
/// Rounds that don't count.
const WARM_UP: usize = 5;
/// Rounds that count, at least.
const LEAST: usize = 20;
/// The name of onnxruntime among the backends.
pub const PEER: &str = "onnxruntime";

/// Times of one application of the net.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KernelTimes {
    /// Cells per side of the window.
    pub window: u32,
    /// Times by backend. They include onnxruntime's where it is available.
    pub net_us: BTreeMap<String, SampleTimes>,
    /// The backend that the planner runs.
    pub ours: String,
    /// Median time of our backend, divided by that of onnxruntime.
    pub vs_onnxruntime: Option<f64>,
    /// The same ratio of the shortest times.
    pub vs_onnxruntime_least: Option<f64>,
    /// Version and build of onnxruntime.
    pub onnxruntime: Option<String>,
    /// Why onnxruntime isn't available.
    pub reason: Option<String>,
    /// Supervision steps.
    pub steps: StepTimes,
}

/// A backend and its times.
struct Contestant {
    name: &'static str,
    graphs: Box<dyn Graphs>,
    times: Vec<Duration>,
}

/// Measures all backends.
///
/// # Errors
/// If a backend fails.
pub fn measure(setting: &BenchSetting, bundle: &Bundle, bar: &ProgressBar) -> anyhow::Result<KernelTimes> {
    let size = setting.config.planner.window_size as usize;
    // A backend that this machine can't run is left out.
    let available = |name| {
        let graphs = graphs(bundle, size, name).ok()?;
        Some(Contestant { name, graphs, times: Vec::new() })
    };
    let mut contestants: Vec<Contestant> = NAMES.into_iter().filter_map(available).collect();
    let shape = contestants.first().context("no backend runs on this machine")?.graphs.shape();
    let (mut peer, mut reason) = match Onnxruntime::new(bundle, shape) {
        Ok(peer) => (Some(peer), None),
        Err(reason) => (None, Some(reason)),
    };
    let state: Vec<f32> = (0..shape.state_len()).map(|at| ((at * 37 % 101) as f32 - 50.0) / 25.0).collect();
    let mut out = vec![0.0; state.len()];
    let mut peer_times = Vec::new();
    let (began, duration) = (Instant::now(), setting.part_duration(SECONDS));
    let mut round = 0;
    while round < WARM_UP + LEAST || began.elapsed() < duration {
        // Another one comes first in each round, so that none always finds the caches warm.
        let count = contestants.len() + 1;
        for turn in 0..count {
            if let Some(contestant) = contestants.get_mut((turn + round) % count) {
                let (result, time) = timed(|| contestant.graphs.net(Update::Latent, &state, &mut out));
                result?;
                if round >= WARM_UP {
                    contestant.times.push(time);
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
        show_share(bar, began.elapsed().as_secs_f64() / duration.as_secs_f64());
    }
    let steps = steps::measure(setting, bundle);
    Ok(summarize(setting, &contestants, peer.is_some().then_some(&peer_times), (reason, steps)))
}

fn summarize(
    setting: &BenchSetting,
    contestants: &[Contestant],
    peer_times: Option<&Vec<Duration>>,
    (reason, steps): (Option<String>, StepTimes),
) -> KernelTimes {
    let mut net_us: BTreeMap<String, SampleTimes> =
        contestants.iter().map(|one| (one.name.to_owned(), SampleTimes::of(&one.times))).collect();
    let ours = net_us.get(&setting.backend).copied();
    let theirs = peer_times.map(|times| SampleTimes::of(times));
    net_us.extend(theirs.map(|theirs| (PEER.to_owned(), theirs)));
    let ratio = |of: fn(&SampleTimes) -> f64| Some(of(&ours?) / of(&theirs?)).filter(|ratio| ratio.is_finite());
    KernelTimes {
        window: setting.config.planner.window_size as u32,
        net_us,
        ours: setting.backend.clone(),
        vs_onnxruntime: ratio(|times| times.p50),
        vs_onnxruntime_least: ratio(|times| times.min),
        onnxruntime: peer_times.map(|_| Onnxruntime::about()),
        reason,
        steps,
    }
}
