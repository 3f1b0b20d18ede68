//! What runs the net, by name. The one place that knows how the core makes its backends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use trm_config::Config;
use trm_net::backend::Update;
use trm_net::backend::{Backend, Shape};
use trm_net::bundle::Bundle;
use trm_net::error::InferenceError;
use trm_net::registry;
use trm_net::registry::NAMES;
use trm_planner::halt::deadline::Clock;
use trm_planner::{Planner, Report};

use super::args::Setting;
use crate::args::with_flag;

/// Names of all backends; those that this machine lacks are among them.
pub fn names() -> Vec<String> {
    NAMES.map(str::to_owned).to_vec()
}

/// The backend of a name.
///
/// # Errors
/// When there is none of this name, or it doesn't run the bundle; names the flag.
pub fn by_name(name: &str, bundle: &Bundle, size: usize) -> anyhow::Result<Box<dyn Backend>> {
    registry::by_name(bundle, size, name).map_err(with_flag)
}

/// One application of the net, nothing skipped.
///
/// # Errors
/// When the backend fails.
pub fn apply(backend: &mut dyn Backend, s: &[f32], out: &mut [f32]) -> Result<(), InferenceError> {
    backend.net(Update::Latent, s, out).map(|_| ())
}

/// Share of the net's work that a plan did not skip; `None` where it had none to do.
pub fn share(report: &Report) -> Option<f64> {
    (report.applications > 0).then_some(f64::from(report.share))
}

/// A planner on the backend of the setting.
///
/// # Errors
/// When the bundle doesn't work on the window.
pub fn planner(setting: &Setting, config: &Config, bundle: &Bundle, clock: &dyn Clock) -> anyhow::Result<Planner> {
    let backend = by_name(&setting.backend, bundle, config.planner.window_size as usize)?;
    Planner::with_backend(&config.grid, &config.planner, bundle, backend, clock).map_err(with_flag)
}

/// Counts applications of the net, and from one of them on does each so many times over.
pub struct Slowed {
    backend: Box<dyn Backend>,
    switch: Arc<Switch>,
}

/// The other end of a [`Slowed`].
#[derive(Debug, Default)]
pub struct Switch {
    applied: AtomicU32,
    /// The first application that is slow.
    from: AtomicU32,
    factor: AtomicU32,
}

impl Slowed {
    /// A backend that is as fast as the one inside it, until its switch says otherwise.
    pub fn new(backend: Box<dyn Backend>) -> (Self, Arc<Switch>) {
        let switch = Arc::new(Switch::default());
        (Self { backend, switch: Arc::clone(&switch) }, switch)
    }
}

impl Switch {
    /// Counts anew; from application `from` on each takes `factor` times as long.
    pub fn set(&self, from: u32, factor: u32) {
        self.from.store(from, Ordering::Relaxed);
        self.factor.store(factor, Ordering::Relaxed);
        self.applied.store(0, Ordering::Relaxed);
    }
}

impl Backend for Slowed {
    fn shape(&self) -> Shape {
        self.backend.shape()
    }

    fn encode(&mut self, input: &[f32], x: &mut [f32]) -> Result<(), InferenceError> {
        self.backend.encode(input, x)
    }

    fn net(&mut self, update: Update, s: &[f32], out: &mut [f32]) -> Result<f32, InferenceError> {
        let applied = self.switch.applied.fetch_add(1, Ordering::Relaxed);
        let slow = applied >= self.switch.from.load(Ordering::Relaxed);
        let share = self.backend.net(update, s, out)?;
        // By work, not by sleep: a throttled core works too. All of it, whatever was skipped the first time.
        for _ in 1..if slow { self.switch.factor.load(Ordering::Relaxed) } else { 1 } {
            self.backend.forget_history();
            self.backend.net(update, s, out)?;
        }
        Ok(share)
    }

    fn decode(&mut self, y: &[f32], x: &[f32], moves: &mut [f32]) -> Result<f32, InferenceError> {
        self.backend.decode(y, x, moves)
    }

    fn set_skip_threshold(&mut self, threshold: Option<f32>) {
        self.backend.set_skip_threshold(threshold);
    }

    fn forget_history(&mut self) {
        self.backend.forget_history();
    }

    fn shift_history(&mut self, cols: i32, rows: i32) {
        self.backend.shift_history(cols, rows);
    }

    fn window_stride(&self) -> usize {
        self.backend.window_stride()
    }
}
