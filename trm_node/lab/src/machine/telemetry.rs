//! What a machine's own sensors say while the planner runs: power, temperatures, GPU load, throttling.
//!
//! Readers of a Jetson (INA3221, thermal zones, GPU, over-current events, tegrastats where those can't be read) and of a PC
//! (RAPL). All read files under a root folder, which is `/` but in tests.

pub mod files;
mod ina3221;
pub mod jetson;
mod rails;
mod rapl;
mod readings;
mod tegra;
mod tegrastats;
mod thermal;
#[cfg(test)]
pub mod trees;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ina3221::Ina3221;
use rapl::Rapl;
pub use readings::Readings;
use readings::Recorder;
use tegra::{GpuLoad, Throttling};
use tegrastats::Tegrastats;
use thermal::Zones;

/// Four times a second: an INA3221 updates each 430 ms, and one reading takes under a millisecond of one core.
const PERIOD: Duration = Duration::from_millis(250);

/// What the sensors say at one moment. What a machine doesn't have, or can't be read, is left out.
#[derive(Debug, Clone, Default, PartialEq)]
struct Sample {
    /// Power of each rail, in milliwatts.
    rails_mw: BTreeMap<String, f64>,
    /// What each domain has used since its reader was opened, in millijoules.
    domains_mj: BTreeMap<String, f64>,
    temperatures_c: BTreeMap<String, f64>,
    gpu_percent: Option<f64>,
    /// How often the machine has throttled itself since it was started.
    throttle_events: Option<u64>,
}

/// A kind of sensor that a machine has.
trait Sensor {
    /// Puts what it says now into the sample.
    fn read(&mut self, sample: &mut Sample);
}

fn boxed<S: Sensor + 'static>(sensor: Option<S>) -> Option<Box<dyn Sensor>> {
    sensor.map(|sensor| Box::new(sensor) as Box<dyn Sensor>)
}

/// Every sensor of the machine whose files are in `root`.
fn find(root: &Path) -> Vec<Box<dyn Sensor>> {
    // tegrastats costs a process, and says no more than the others do.
    let power = boxed(Ina3221::open(root)).or_else(|| boxed(Tegrastats::open(root)));
    let others =
        [boxed(Rapl::open(root)), boxed(Zones::open(root)), boxed(GpuLoad::open(root)), boxed(Throttling::open(root))];
    power.into_iter().chain(others.into_iter().flatten()).collect()
}

/// The machine's sensors, read on a thread of their own while a run lasts.
pub struct Sensors {
    root: PathBuf,
    running: Option<(Sender<()>, JoinHandle<Option<Readings>>)>,
}

impl Sensors {
    /// Those of this machine. There may be none.
    pub fn open() -> Self {
        Self::under(Path::new("/"))
    }

    fn under(root: &Path) -> Self {
        Self { root: root.to_owned(), running: None }
    }

    /// Starts reading. A run that was going on is given up.
    pub fn start(&mut self) {
        self.running = None;
        let (stop, stopped) = mpsc::channel();
        let root = self.root.clone();
        let thread = std::thread::Builder::new().name("sensors".to_owned()).spawn(move || {
            let mut sensors = find(&root);
            if sensors.is_empty() {
                return None;
            }
            let mut recorder = Recorder::default();
            let began = Instant::now();
            let mut over = false;
            loop {
                let mut sample = Sample::default();
                for sensor in &mut sensors {
                    sensor.read(&mut sample);
                }
                recorder.add(began.elapsed(), sample);
                if over {
                    return recorder.readings();
                }
                // The sender is gone when the run is over: one more sample ends it.
                over = stopped.recv_timeout(PERIOD) != Err(RecvTimeoutError::Timeout);
            }
        });
        self.running = thread.ok().map(|thread| (stop, thread));
    }

    /// Stops reading, and gives what was read since the start; `None` where there is no sensor.
    pub fn stop(&mut self) -> Option<Readings> {
        let (stop, thread) = self.running.take()?;
        drop(stop);
        thread.join().ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::trees::{Tree, orin_nx, pc, xavier_nx_jetpack_4};
    use super::*;

    #[test]
    fn a_run_on_an_orin_has_everything() {
        let tree = orin_nx();
        let mut sensors = Sensors::under(tree.root());
        sensors.start();
        let readings = sensors.stop().unwrap();
        assert!(readings.samples >= 2 && readings.seconds > 0.0, "{readings:?}");
        assert_eq!(readings.energy_of.as_deref(), Some("VDD_IN"));
        let (power, energy) = (readings.average_mw.unwrap(), readings.energy_mj.unwrap());
        assert!((power - 4.976 * 1056.0).abs() < 1e-6, "{power}");
        assert!((energy - power * readings.seconds).abs() < 1e-6, "{energy}");
        assert_eq!(readings.temperatures_c.get("tj"), Some(&48.562));
        // A mean over time: rounded.
        assert!(readings.gpu_percent.is_some_and(|percent| (percent - 45.0).abs() < 1e-9), "{readings:?}");
        assert_eq!(readings.throttle_events, Some(0));
        assert_eq!(sensors.stop(), None, "it was stopped already");
    }

    #[test]
    fn a_run_on_a_pc_has_its_processors_energy() {
        let tree = pc();
        let mut sensors = Sensors::under(tree.root());
        sensors.start();
        let readings = sensors.stop().unwrap();
        assert_eq!((readings.energy_mj, readings.note), (Some(0.0), None));
        assert_eq!(readings.energy_of.as_deref(), Some("package-0 + package-0/dram"));
    }

    #[test]
    fn tegrastats_is_started_only_where_the_power_monitors_cannot_be_read() {
        let tree = xavier_nx_jetpack_4();
        tree.program("usr/bin/tegrastats", "touch \"$0.started\"; exec sleep 60");
        let started = tree.root().join("usr/bin/tegrastats.started");
        assert_eq!(find(tree.root()).len(), 3, "power, zones and GPU");
        assert!(!started.exists());
        for rail in 0..3 {
            tree.remove(&format!("sys/bus/i2c/drivers/ina3221x/7-0040/iio:device0/in_power{rail}_input"));
        }
        let sensors = find(tree.root());
        while !started.exists() {
            std::thread::yield_now();
        }
        assert_eq!(sensors.len(), 3, "tegrastats, zones and GPU");
    }

    #[test]
    fn a_machine_without_sensors_has_no_readings() {
        let tree = Tree::new(&[]);
        let mut sensors = Sensors::under(tree.root());
        sensors.start();
        assert_eq!(sensors.stop(), None);
    }
}
