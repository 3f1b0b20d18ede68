//! What the model runs on: as the parameter `backend` says, or what was faster when it was tried.

use std::time::Duration;

use trm_config::{BackendChoice, PlannerConfig};
use trm_net::backend::Backend;
use trm_net::bundle::Bundle;
use trm_net::error::{InferenceError, LoadError};
use trm_net::failover::Failover;
use trm_net::graphs::Update;
use trm_net::registry::{self, Devices, OnGpu, by_name};

use crate::halt::deadline::Clock;

/// How long a trial may wait for a device.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a trial does.
const CYCLE: [Update; 4] = [Update::Latent, Update::Latent, Update::Latent, Update::Answer];
/// Trials; the fastest counts.
const TRIALS: usize = 5;

/// A backend, and what is to be told of it.
pub struct Chosen {
    /// It.
    pub backend: Box<dyn Backend>,
    /// What it is, and why it was chosen, in one line.
    pub about: String,
}

/// The backend for a bundle that the parameters `backend` and `window_size` ask for.
///
/// # Errors
/// [`LoadError::Parameter`] if the machine doesn't have it, and the errors of [`by_name`].
pub fn choose(config: &PlannerConfig, bundle: &Bundle, clock: &dyn Clock) -> Result<Chosen, LoadError> {
    let size = config.window_size as usize;
    if config.backend == BackendChoice::Tract {
        return Ok(Chosen { backend: by_name(bundle, size, "tract")?, about: "tract".to_owned() });
    }
    let mut cpu = by_name(bundle, size, "cpu")?;
    Ok(match config.backend {
        BackendChoice::Gpu => {
            let OnGpu { backend, device, is_software } = registry::gpu(bundle, cpu.as_mut(), Devices::All)?;
            let slow = if is_software { "; it is the processor itself, and slow" } else { "" };
            Chosen { backend: Box::new(Failover::new(backend, cpu)), about: format!("gpu: {device}{slow}") }
        }
        BackendChoice::Auto => match registry::gpu(bundle, cpu.as_mut(), Devices::Hardware) {
            Err(LoadError::Parameter(error)) if error.name == "backend" => {
                Chosen { backend: cpu, about: format!("{}; the gpu is not {}", on_cpu(), error.expected) }
            }
            Err(error) => return Err(error),
            Ok(OnGpu { backend, device, .. }) => faster(backend, &device, cpu, clock)?,
        },
        BackendChoice::Cpu | BackendChoice::Tract => Chosen { backend: cpu, about: on_cpu() },
    })
}

fn on_cpu() -> String {
    format!("cpu ({})", registry::levels().first().unwrap_or(&"portable"))
}

/// The one of two backends that was faster in a trial.
fn faster(
    mut gpu: Box<dyn Backend>,
    device: &str,
    mut cpu: Box<dyn Backend>,
    clock: &dyn Clock,
) -> Result<Chosen, LoadError> {
    // A device that fails in the trial would fail in plans.
    let gpu_time = cycle_time(gpu.as_mut(), clock).unwrap_or(Duration::MAX);
    let cpu_time = cycle_time(cpu.as_mut(), clock)?;
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    if gpu_time < cpu_time {
        let about = format!("gpu: {device}; {:.2} ms a cycle, the cpu takes {:.2}", ms(gpu_time), ms(cpu_time));
        return Ok(Chosen { backend: Box::new(Failover::new(gpu, cpu)), about });
    }
    let about = format!("{}; {:.2} ms a cycle, {device} takes {:.2}", on_cpu(), ms(cpu_time), ms(gpu_time));
    Ok(Chosen { backend: cpu, about })
}

/// The shortest time of a cycle of four applications with its decoding, on a window that is empty.
fn cycle_time(backend: &mut dyn Backend, clock: &dyn Clock) -> Result<Duration, InferenceError> {
    let input = vec![0.0; backend.shape().input_len()];
    let mut least = Duration::MAX;
    for _ in 0..TRIALS {
        let began = clock.now();
        backend.reset();
        backend.embed(&input)?;
        backend.advance(&CYCLE, PATIENCE)?;
        backend.decode(PATIENCE)?;
        least = least.min(clock.now().saturating_sub(began));
    }
    Ok(least)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use trm_config::Config;
    use trm_net::backend::{Advanced, State};
    use trm_net::graph::Graph;
    use trm_net::graphs::Shape;
    use trm_net::released;

    use super::*;

    /// Milliseconds.
    struct Simulated(AtomicU64);

    impl Clock for Simulated {
        fn now(&self) -> Duration {
            Duration::from_millis(self.0.load(Ordering::Relaxed))
        }
    }

    /// Takes its time, or fails.
    struct Timed(Option<u64>, &'static Simulated);

    impl Backend for Timed {
        fn shape(&self) -> Shape {
            Shape { size: 32, patch: 2, hidden: 32, channels: 5, prefix: 0 }
        }

        fn reset(&mut self) {}

        fn shift(&mut self, _: i32, _: i32) {}

        fn embed(&mut self, _: &[f32]) -> Result<(), InferenceError> {
            Ok(())
        }

        fn advance(&mut self, _: &[Update], _: Duration) -> Result<Advanced, InferenceError> {
            let time = self.0.ok_or_else(|| InferenceError::lost(Graph::Net, "the device is lost"))?;
            self.1.0.fetch_add(time, Ordering::Relaxed);
            Ok(Advanced { work: 4.0, change: Some(1.0) })
        }

        fn decode(&mut self, _: Duration) -> Result<f32, InferenceError> {
            Ok(0.0)
        }

        fn logits(&self) -> &[f32] {
            &[]
        }

        fn is_usable(&self) -> bool {
            true
        }

        fn read(&mut self, _: State, _: &mut [f32]) -> Result<(), InferenceError> {
            Ok(())
        }
    }

    #[test]
    fn the_faster_one_is_chosen_and_why_is_told() {
        let clock = Box::leak(Box::new(Simulated(AtomicU64::new(0))));
        let choose = |gpu: Option<u64>, cpu: u64| {
            let timed = |ms: Option<u64>| Box::new(Timed(ms, clock));
            faster(timed(gpu), "Some GPU", timed(Some(cpu)), clock).unwrap().about
        };
        assert_eq!(choose(Some(2), 3), "gpu: Some GPU; 2.00 ms a cycle, the cpu takes 3.00");
        let about = choose(Some(4), 3);
        assert!(about.starts_with("cpu (") && about.ends_with("); 3.00 ms a cycle, Some GPU takes 4.00"), "{about}");
        let about = choose(None, 3);
        assert!(about.starts_with("cpu ("), "{about}");
    }

    #[test]
    fn every_choice_gives_a_backend_or_says_what_the_machine_lacks() {
        let bundle = Bundle::load(&released::find(None, std::iter::empty()).unwrap()).unwrap();
        let clock = std::time::Instant::now();
        for (choice, start) in [
            (BackendChoice::Cpu, "cpu ("),
            (BackendChoice::Tract, "tract"),
            (BackendChoice::Auto, ""),
            (BackendChoice::Gpu, "gpu: "),
        ] {
            let config = Config::with(|config| config.planner.backend = choice);
            match choose(&config.planner, &bundle, &clock) {
                Ok(chosen) => {
                    assert!(chosen.about.starts_with(start), "{}", chosen.about);
                    assert_eq!(chosen.backend.shape().size, 32);
                }
                Err(error) => {
                    assert_eq!(choice, BackendChoice::Gpu);
                    assert!(error.to_string().starts_with("parameter backend: gpu is not among those "), "{error}");
                }
            }
        }
    }
}
