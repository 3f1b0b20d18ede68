//! Readings that only NVIDIA's kernels offer: the GPU's load, and how often current or voltage throttled the module.

use std::path::{Path, PathBuf};

use crate::machine::sysfs::{count, entries, number};
use crate::machine::telemetry::sensor::{Sensor, SensorSample};

/// The files of the GPU's load, in thousandths, in `JetPack` 6, 5 and 4.
const LOADS: [&str; 4] = [
    "sys/devices/platform/bus@0/17000000.gpu/load",
    "sys/devices/platform/17000000.ga10b/load",
    "sys/devices/platform/gpu.0/load",
    "sys/devices/gpu.0/load",
];

/// The GPU's load, read from a file.
pub struct GpuLoad(PathBuf);

impl GpuLoad {
    /// Finds the file; `None` if there is none that can be read.
    pub fn open(root: &Path) -> Option<Self> {
        LOADS.iter().map(|path| root.join(path)).find(|path| number(path).is_some()).map(Self)
    }
}

impl Sensor for GpuLoad {
    fn read(&mut self, sample: &mut SensorSample) {
        if let Some(thousandths) = number(&self.0) {
            sample.gpu_percent = Some(thousandths / 10.0);
        }
    }
}

/// Counters of over-current and under-voltage events, `oc[123]_event_cnt` of the hwmon device `soctherm_oc`
/// (drivers/thermal/tegra/tegra23x-oc-event.c in NVIDIA's kernel).
pub struct Throttling(Vec<PathBuf>);

impl Throttling {
    /// Finds the counters; `None` if there are none.
    pub fn open(root: &Path) -> Option<Self> {
        let devices = entries(&root.join("sys/class/hwmon"), "hwmon");
        let files = devices.iter().flat_map(|device| entries(device, "oc"));
        let counters: Vec<PathBuf> = files.filter(|file| file.to_string_lossy().ends_with("_event_cnt")).collect();
        (!counters.is_empty()).then_some(Self(counters))
    }
}

impl Sensor for Throttling {
    fn read(&mut self, sample: &mut SensorSample) {
        let counts: Option<Vec<u64>> = self.0.iter().map(|path| count(path)).collect();
        sample.throttle_events = counts.map(|counts| counts.into_iter().fold(0, u64::saturating_add));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::trees::{Tree, agx_orin, orin_nx, xavier_nx_jetpack_4};

    #[test]
    fn the_load_is_in_thousandths_wherever_it_is() {
        for (tree, percent) in [(orin_nx(), 45.0), (xavier_nx_jetpack_4(), 99.7)] {
            let mut sample = SensorSample::default();
            GpuLoad::open(tree.root()).unwrap().read(&mut sample);
            assert_eq!(sample.gpu_percent, Some(percent));
        }
        assert!(GpuLoad::open(Tree::new(&[]).root()).is_none());
    }

    #[test]
    fn events_of_every_kind_are_added() {
        let tree = agx_orin();
        let mut throttling = Throttling::open(tree.root()).unwrap();
        let mut sample = SensorSample::default();
        throttling.read(&mut sample);
        assert_eq!(sample.throttle_events, Some(52));
        tree.remove("sys/class/hwmon/hwmon2/oc2_event_cnt");
        throttling.read(&mut sample);
        assert_eq!(sample.throttle_events, None, "a part of the events is not their number");
        assert!(Throttling::open(xavier_nx_jetpack_4().root()).is_none());
    }
}
