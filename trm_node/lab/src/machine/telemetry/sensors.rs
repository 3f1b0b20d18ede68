//! Finds the machine's sensors and reads them on a thread.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::machine::telemetry::ina3221::Ina3221;
use crate::machine::telemetry::rapl::Rapl;
use crate::machine::telemetry::readings::Readings;
use crate::machine::telemetry::recorder::Recorder;
use crate::machine::telemetry::sensor::{PERIOD, Sensor, SensorSample};
use crate::machine::telemetry::tegra::{GpuLoad, Throttling};
use crate::machine::telemetry::tegrastats::Tegrastats;
use crate::machine::telemetry::thermal::Zones;

fn boxed<S: Sensor + 'static>(sensor: Option<S>) -> Option<Box<dyn Sensor>> {
    sensor.map(|sensor| Box::new(sensor) as Box<dyn Sensor>)
}

/// All sensors of the machine whose files are in `root`.
fn find(root: &Path) -> Vec<Box<dyn Sensor>> {
    // tegrastats needs a process of its own and says no more than the others, so it comes last.
    let power = boxed(Ina3221::open(root)).or_else(|| boxed(Tegrastats::open(root)));
    let others =
        [boxed(Rapl::open(root)), boxed(Zones::open(root)), boxed(GpuLoad::open(root)), boxed(Throttling::open(root))];
    power.into_iter().chain(others.into_iter().flatten()).collect()
}

/// The machine's sensors. A thread of their own reads them during a run.
pub struct Sensors {
    root: PathBuf,
    running: Option<(Sender<()>, JoinHandle<Option<Readings>>)>,
}

impl Sensors {
    /// The sensors of this machine. There may be none.
    pub fn open() -> Self {
        Self::in_root(Path::new("/"))
    }

    /// The sensors whose files are in a folder.
    pub(crate) fn in_root(root: &Path) -> Self {
        Self { root: root.to_owned(), running: None }
    }

    /// Starts reading. What an earlier, unfinished run has read is dropped.
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
            let mut is_over = false;
            loop {
                let mut sample = SensorSample::default();
                for sensor in &mut sensors {
                    sensor.read(&mut sample);
                }
                recorder.add(began.elapsed(), sample);
                if is_over {
                    return recorder.readings();
                }
                // The run is over when the sender is gone. One more sample marks its end.
                is_over = stopped.recv_timeout(PERIOD) != Err(RecvTimeoutError::Timeout);
            }
        });
        self.running = thread.ok().map(|thread| (stop, thread));
    }

    /// Stops reading and sums up what was read since the start; `None` without a sensor.
    pub fn stop(&mut self) -> Option<Readings> {
        let (stop, thread) = self.running.take()?;
        drop(stop);
        thread.join().ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::trees::{Tree, orin_nx, pc, xavier_nx_jetpack_4};

    #[test]
    fn a_run_on_an_orin_has_everything() {
        let tree = orin_nx();
        let mut sensors = Sensors::in_root(tree.root());
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
        let mut sensors = Sensors::in_root(tree.root());
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
        let mut sensors = Sensors::in_root(tree.root());
        sensors.start();
        assert_eq!(sensors.stop(), None);
    }
}
