//! Which rails add up to a module's total power.

use std::collections::BTreeMap;

/// The rails whose sum is the module's power, for each kind of module. The first entry that is complete counts.
///
/// `VDD_IN` supplies all of an Orin NX, Orin Nano or Xavier NX (<https://forums.developer.nvidia.com/t/200883>), and
/// `POM_5V_IN` all of a Jetson Nano. AGX Orin and AGX Xavier have no such rail. AGX Orin's `VDDQ_VDD2_1V8AO` supplies
/// the memory, is measured at 5 V, and is taken to be a branch of `VIN_SYS_5V0`. AGX Xavier's `SYS5V` supplies
/// everything that the other rails don't (<https://forums.developer.nvidia.com/t/75574>).
const TOTALS: [&[&str]; 4] = [
    &["VDD_IN"],
    &["POM_5V_IN"],
    &["VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"],
    &["GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"],
];

/// The power of the whole module in milliwatts, and the rails that it is the sum of; `None` if a rail is missing.
pub fn total(rails_mw: &BTreeMap<String, f64>) -> Option<(f64, &'static [&'static str])> {
    TOTALS.into_iter().find_map(|names| {
        let powers: Option<Vec<f64>> = names.iter().map(|name| rails_mw.get(*name).copied()).collect();
        Some((powers?.iter().sum(), names))
    })
}

/// Whether a channel with this label measures a rail. `NC` means "not connected".
pub fn is_connected(label: &str) -> bool {
    !label.is_empty() && !label.eq_ignore_ascii_case("nc")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rails(list: &[(&str, f64)]) -> BTreeMap<String, f64> {
        list.iter().map(|(name, power)| ((*name).to_owned(), *power)).collect()
    }

    #[test]
    fn the_total_is_the_input_rail_or_the_sum_of_the_supplies() {
        let orin_nx = rails(&[("VDD_IN", 5225.0), ("VDD_CPU_GPU_CV", 495.0), ("VDD_SOC", 1411.0)]);
        assert_eq!(total(&orin_nx), Some((5225.0, &["VDD_IN"][..])));
        let agx_orin =
            [("VDD_GPU_SOC", 2340.0), ("VDD_CPU_CV", 390.0), ("VIN_SYS_5V0", 4025.0), ("VDDQ_VDD2_1V8AO", 301.0)];
        assert_eq!(total(&rails(&agx_orin)).map(|(power, _)| power), Some(6755.0), "1V8AO comes out of 5V0");
        assert_eq!(total(&rails(&agx_orin[1..])), None, "a part is not the whole");
        let agx_xavier =
            [("GPU", 0.0), ("CPU", 311.0), ("SOC", 933.0), ("CV", 0.0), ("VDDRQ", 155.0), ("SYS5V", 1482.0)];
        assert_eq!(total(&rails(&agx_xavier)).map(|(power, _)| power), Some(2881.0));
        assert_eq!(total(&rails(&[])), None);
    }
}
