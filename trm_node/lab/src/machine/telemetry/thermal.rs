//! The kernel's thermal zones (Documentation/driver-api/thermal/sysfs-api.rst): `type`, and `temp` in thousandths of a
//! degree Celsius.

use std::path::{Path, PathBuf};

use crate::machine::sysfs::{entries, number, text};
use crate::machine::telemetry::sensor::{Sensor, SensorSample};

/// A zone whose part of the chip is switched off reads -256 °C, or can't be read.
const OFFLINE: f64 = -100.0;

/// The zones' names and files.
pub struct Zones(Vec<(String, PathBuf)>);

/// Whether a temperature was really measured. That of an offline zone wasn't, nor was a Jetson's PMIC, which never
/// changes.
pub fn is_measured(zone: &str, celsius: f64) -> bool {
    celsius > OFFLINE && !zone.to_ascii_uppercase().starts_with("PMIC")
}

impl Zones {
    /// Finds the zones; `None` if there are none.
    pub fn open(root: &Path) -> Option<Self> {
        let folders = entries(&root.join("sys/class/thermal"), "thermal_zone");
        let zones: Vec<_> = folders
            .into_iter()
            .filter_map(|folder| {
                let kind = text(&folder.join("type"))?;
                // Without the suffix, as tegrastats names them: `CPU-therm` in JetPack 4, `cpu-thermal` later.
                let name = kind.trim_end_matches("-thermal").trim_end_matches("-therm").to_owned();
                Some((name, folder.join("temp")))
            })
            .collect();
        (!zones.is_empty()).then_some(Self(zones))
    }
}

impl Sensor for Zones {
    fn read(&mut self, sample: &mut SensorSample) {
        for (zone, path) in &self.0 {
            let celsius = number(path).map(|thousandths| thousandths / 1000.0);
            if let Some(celsius) = celsius.filter(|celsius| is_measured(zone, *celsius)) {
                // Of zones with the same name the hottest counts.
                sample
                    .temperatures_c
                    .entry(zone.clone())
                    .and_modify(|hottest| *hottest = hottest.max(celsius))
                    .or_insert(celsius);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::trees::{Tree, agx_orin, xavier_nx_jetpack_4};

    fn read(tree: &Tree) -> Vec<(String, f64)> {
        let mut sample = SensorSample::default();
        Zones::open(tree.root()).unwrap().read(&mut sample);
        sample.temperatures_c.into_iter().collect()
    }

    #[test]
    fn zones_that_are_offline_are_left_out() {
        let zones = read(&agx_orin());
        assert_eq!(
            zones,
            [("cpu".to_owned(), 44.562), ("tj".to_owned(), 44.343)],
            "gpu says -256 °C, cv0 can't be read"
        );
    }

    #[test]
    fn jetpack_4_has_its_own_names_and_a_pmic_that_says_100_degrees() {
        let zones = read(&xavier_nx_jetpack_4());
        assert_eq!(zones, [("CPU".to_owned(), 33.5), ("GPU".to_owned(), 31.5)]);
    }

    #[test]
    fn of_zones_with_one_name_the_hottest_counts() {
        let tree = Tree::new(&[
            ("sys/class/thermal/thermal_zone0/type", "acpitz\n"),
            ("sys/class/thermal/thermal_zone0/temp", "27800\n"),
            ("sys/class/thermal/thermal_zone1/type", "acpitz\n"),
            ("sys/class/thermal/thermal_zone1/temp", "61000\n"),
            ("sys/class/thermal/thermal_zone2/type", "acpitz\n"),
            ("sys/class/thermal/thermal_zone2/temp", "30000\n"),
        ]);
        assert_eq!(read(&tree), [("acpitz".to_owned(), 61.0)]);
        assert!(Zones::open(Path::new("nowhere")).is_none());
    }
}
