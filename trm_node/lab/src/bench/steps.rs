//! The time of whole supervision steps with their decoding, from the call to the logits: by each backend, GPUs too, on
//! windows of several sizes. They take turns in one thread. Then, where the machine has sensors, what a step of each costs in
//! energy.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use trm_net::bundle::Bundle;
use trm_net::error::InferenceError;
use trm_net::recursion::{Reach, Recursion};
use trm_net::registry::{self, Devices, NAMES, OnGpu, by_name};

use crate::bench::sample_times::SampleTimes;
use crate::bench::setting::BenchSetting;
use crate::bench::timing::timed;
use crate::machine::telemetry::sensors::Sensors;

/// Cells along the sides of the windows.
const WINDOWS: [usize; 4] = [64, 128, 256, 512];
/// Usual duration for each window, in seconds.
const SECONDS: f64 = 1.0;
/// A backend whose steps would take longer than this, in seconds, isn't tried on a window.
const LONGEST: f64 = 2.0;
/// How long each backend works on a window while the sensors are read, in seconds. They are read four times a second.
const READ: f64 = 2.0;
/// The least and the most steps of a backend that count.
const LEAST: usize = 5;
const MOST: usize = 1000;
/// How long a device may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Times of supervision steps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StepTimes {
    /// The GPU, or why there is none.
    pub gpu: String,
    /// By backend, by the side of the window in cells.
    pub us: BTreeMap<String, BTreeMap<String, SampleTimes>>,
    /// Energy of the whole machine for a step, in millijoules, alike; empty without a sensor. Reports of earlier versions don't
    /// have it.
    #[serde(default)]
    pub mj: BTreeMap<String, BTreeMap<String, f64>>,
}

impl StepTimes {
    /// The times of the backends by the side of the window, the smallest first.
    pub fn by_size(&self) -> Vec<(&String, &BTreeMap<String, SampleTimes>)> {
        let mut sizes: Vec<_> = self.us.iter().collect();
        sizes.sort_by_key(|(size, _)| size.parse::<u32>().unwrap_or_default());
        sizes
    }
}

struct Contestant {
    name: &'static str,
    recursion: Recursion,
    times: Vec<Duration>,
}

/// Measures all backends that this machine and the bundle have. One that fails is left out.
pub fn measure(setting: &BenchSetting, bundle: &Bundle) -> StepTimes {
    measure_on(&WINDOWS, (setting, bundle), &mut Sensors::open())
}

fn measure_on(windows: &[usize], (setting, bundle): (&BenchSetting, &Bundle), sensors: &mut Sensors) -> StepTimes {
    sensors.start();
    let has_sensors = sensors.stop().is_some();
    let mut times = StepTimes::default();
    let mut names = NAMES.to_vec();
    for &size in windows {
        let mut contestants = contestants(bundle, size, &names, &mut times.gpu);
        let (began, duration) = (Instant::now(), setting.part_duration(SECONDS));
        let input = vec![0.25; contestants.first().map_or(0, |first| first.recursion.shape().input_len())];
        let mut round = 0;
        // What takes longer than its share of the time waits until the others have had theirs.
        while !contestants.is_empty() && (round <= LEAST || began.elapsed() < duration) && round < MOST {
            let count = contestants.len();
            let share = duration / count as u32;
            contestants.retain_mut(|one| {
                if round > LEAST && one.times.iter().sum::<Duration>() > share {
                    return true;
                }
                let (result, time) = timed(|| step(&mut one.recursion, &input));
                one.times.push(time);
                result.is_ok()
            });
            round += 1;
        }
        // A window of twice the side takes four times as long.
        let is_quick = |one: &Contestant| one.times[1..].iter().all(|time| 4 * *time < setting.part_duration(LONGEST));
        names = contestants.iter().filter(|one| is_quick(one)).map(|one| one.name).collect();
        // The first step compiles, allocates and fills caches.
        let samples = contestants.iter().map(|one| (one.name.to_owned(), SampleTimes::of(&one.times[1..]))).collect();
        times.us.insert(size.to_string(), samples);
        if has_sensors {
            let read = setting.part_duration(READ);
            let energies = contestants
                .iter_mut()
                .filter_map(|one| Some((one.name.to_owned(), energy(one, &input, (read, sensors))?)));
            times.mj.insert(size.to_string(), energies.collect());
        }
    }
    times
}

/// The energy of a step in millijoules.
fn energy(one: &mut Contestant, input: &[f32], (duration, sensors): (Duration, &mut Sensors)) -> Option<f64> {
    let (began, mut steps) = (Instant::now(), 0);
    sensors.start();
    while began.elapsed() < duration {
        step(&mut one.recursion, input).ok()?;
        steps += 1;
    }
    Some(sensors.stop()?.energy_mj? / f64::from(steps))
}

fn contestants(bundle: &Bundle, size: usize, names: &[&'static str], gpu: &mut String) -> Vec<Contestant> {
    let make = |name: &'static str| {
        let backend = if name == "gpu" {
            let mut cpu = by_name(bundle, size, "cpu").ok()?;
            match registry::gpu(bundle, cpu.as_mut(), Devices::All) {
                Ok(OnGpu { backend, device, is_software }) => {
                    *gpu = if is_software { format!("{device}, the processor itself") } else { device };
                    backend
                }
                Err(error) => {
                    *gpu = error.to_string();
                    return None;
                }
            }
        } else {
            by_name(bundle, size, name).ok()?
        };
        Some(Contestant { name, recursion: Recursion::new(bundle, backend), times: Vec::new() })
    };
    names.iter().copied().filter_map(make).collect()
}

fn step(recursion: &mut Recursion, input: &[f32]) -> Result<(), InferenceError> {
    recursion.begin_warm();
    recursion.embed(input)?;
    while recursion.applications() == 0 || !recursion.is_at_step_end() {
        recursion.advance(Reach::Answer, PATIENCE)?;
    }
    recursion.decode(PATIENCE)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use trm_net::released;

    use super::*;
    use crate::bench::args::BenchArgs;
    use crate::machine::trees::{Tree, pc};

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        args: BenchArgs,
    }

    fn measured(tree: &Tree) -> StepTimes {
        let bundle = Bundle::load(&released::find(None, std::iter::empty()).unwrap()).unwrap();
        let Command { args } = Command::parse_from(["bench", "--quick"]);
        let setting = BenchSetting::new(&args).unwrap();
        measure_on(&[32], (&setting, &bundle), &mut Sensors::in_root(tree.root()))
    }

    #[test]
    fn energy_is_told_of_every_backend_where_there_is_a_sensor() {
        let with = measured(&pc());
        assert!(with.us["32"].contains_key("cpu"));
        let names = |size: &str| (with.us[size].keys().collect::<Vec<_>>(), with.mj[size].keys().collect::<Vec<_>>());
        let (timed, weighed) = names("32");
        assert_eq!(timed, weighed);
        assert!(with.mj["32"].values().all(|mj| *mj >= 0.0));
        assert!(measured(&Tree::new(&[])).mj.is_empty());
    }
}
