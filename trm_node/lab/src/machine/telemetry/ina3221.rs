//! The power monitors of a Jetson's module: INA3221 chips. Each has three channels, named after the rails they measure.
//!
//! `JetPack` 5 and later use the kernel's hwmon driver (Documentation/hwmon/ina3221.rst): `in[123]_label`,
//! `in[123]_input` in mV, `curr[123]_input` in mA. `in[456]` are shunt voltages and `in7` is their sum; they are no
//! rails. `JetPack` 4 has NVIDIA's iio driver: `rail_name_[012]`, `in_power[012]_input` in mW. The chip is 1-0040 on
//! Orin and 7-0040 on Xavier NX. The AGX modules have a second one, 0041.

use std::path::{Path, PathBuf};

use crate::machine::sysfs::{entries, number, text};
use crate::machine::telemetry::rails::is_connected;
use crate::machine::telemetry::sensor::{Sensor, SensorSample};

/// The rails of all chips.
pub struct Ina3221(Vec<Rail>);

struct Rail {
    label: String,
    power: Power,
}

enum Power {
    /// The files of the voltage in mV and of the current in mA.
    Product(PathBuf, PathBuf),
    /// The file of the power in mW.
    Direct(PathBuf),
}

impl Ina3221 {
    /// Finds the chips that have a driver; `None` if no rail can be read.
    pub fn open(root: &Path) -> Option<Self> {
        let drivers = root.join("sys/bus/i2c/drivers");
        let chips = ["ina3221", "ina3221x"].into_iter().flat_map(|driver| entries(&drivers.join(driver), ""));
        let mut rails: Vec<Rail> = chips.flat_map(|chip| rails_of(&chip)).collect();
        rails.retain(|rail| is_connected(&rail.label) && rail.milliwatts().is_some());
        (!rails.is_empty()).then_some(Self(rails))
    }
}

fn rails_of(chip: &Path) -> Vec<Rail> {
    let mut rails = Vec::new();
    for folder in entries(&chip.join("hwmon"), "hwmon") {
        rails.extend((1..=3).filter_map(|n| {
            let label = text(&folder.join(format!("in{n}_label")))?;
            let [voltage, current] = ["in", "curr"].map(|kind| folder.join(format!("{kind}{n}_input")));
            Some(Rail { label, power: Power::Product(voltage, current) })
        }));
    }
    for folder in entries(chip, "iio") {
        rails.extend((0..3).filter_map(|n| {
            let label = text(&folder.join(format!("rail_name_{n}")))?;
            Some(Rail { label, power: Power::Direct(folder.join(format!("in_power{n}_input"))) })
        }));
    }
    rails
}

impl Rail {
    fn milliwatts(&self) -> Option<f64> {
        match &self.power {
            Power::Product(millivolts, milliamperes) => Some(number(millivolts)? * number(milliamperes)? / 1000.0),
            Power::Direct(milliwatts) => number(milliwatts),
        }
    }
}

impl Sensor for Ina3221 {
    fn read(&mut self, sample: &mut SensorSample) {
        for rail in &self.0 {
            if let Some(power) = rail.milliwatts() {
                sample.rails_mw.insert(rail.label.clone(), power);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::trees::{Tree, agx_orin, orin_nx, xavier_nx_jetpack_4};

    fn read(tree: &Tree) -> Vec<(String, f64)> {
        let mut sample = SensorSample::default();
        Ina3221::open(tree.root()).unwrap().read(&mut sample);
        sample.rails_mw.into_iter().collect()
    }

    fn named(rails: &[(&str, f64)]) -> Vec<(String, f64)> {
        rails.iter().map(|(name, power)| ((*name).to_owned(), *power)).collect()
    }

    #[test]
    fn rails_of_orin_nx_are_voltage_times_current() {
        let expected = [("VDD_CPU_GPU_CV", 4.976 * 96.0), ("VDD_IN", 4.976 * 1056.0), ("VDD_SOC", 4.976 * 304.0)];
        for ((name, power), (label, product)) in read(&orin_nx()).into_iter().zip(named(&expected)) {
            assert!(name == label && (power - product).abs() < 1e-9, "{name} {power}, not {label} {product}");
        }
        assert_eq!(read(&orin_nx()).len(), 3, "the sum of the shunt voltages is no rail");
    }

    #[test]
    fn agx_orin_has_a_second_chip_with_channels_that_are_not_connected() {
        let names: Vec<String> = read(&agx_orin()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["VDDQ_VDD2_1V8AO", "VDD_CPU_CV", "VDD_GPU_SOC", "VIN_SYS_5V0"]);
    }

    #[test]
    fn jetpack_4_says_the_power_itself() {
        let expected = [("VDD_CPU_GPU_CV", 2706.0), ("VDD_IN", 6140.0), ("VDD_SOC", 1074.0)];
        assert_eq!(read(&xavier_nx_jetpack_4()), named(&expected));
    }

    #[test]
    fn a_chip_that_cannot_be_read_is_no_chip() {
        let tree = Tree::new(&[
            ("sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/rail_name_0", "POM_5V_IN"),
            ("sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/in_power0_input", "garbage"),
            ("sys/bus/i2c/drivers/ina3221/bind", ""),
        ]);
        assert!(Ina3221::open(tree.root()).is_none());
        assert!(Ina3221::open(&tree.root().join("nowhere")).is_none());
        let orin = orin_nx();
        let mut chips = Ina3221::open(orin.root()).unwrap();
        orin.remove("sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon4/curr1_input");
        let mut sample = SensorSample::default();
        chips.read(&mut sample);
        assert_eq!(sample.rails_mw.len(), 2, "only what is there is said");
    }
}
