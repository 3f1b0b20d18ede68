//! RAPL, the energy counters of Intel's and AMD's processors (Linux, Documentation/power/powercap/powercap.rst). Only
//! root may read them.

use std::path::{Path, PathBuf};

use crate::machine::sysfs::{count, entries, text};
use crate::machine::telemetry::sensor::{Sensor, SensorSample};

/// The energy domains of all processors.
pub struct Rapl(Vec<Domain>);

struct Domain {
    name: String,
    counter: PathBuf,
    /// The value at which the counter wraps around, in microjoules.
    range: u64,
    /// The counter's last value, in microjoules.
    last: u64,
    /// Energy used since the counter was opened, in microjoules.
    used: u64,
}

impl Rapl {
    /// Finds the domains whose counters can be read; `None` if there are none.
    pub fn open(root: &Path) -> Option<Self> {
        // `intel-rapl:0:1` is a part of `intel-rapl:0`; both are listed. `intel-rapl-mmio:0` is a second view of the
        // same counter and is left out.
        let folders = entries(&root.join("sys/class/powercap"), "intel-rapl:");
        let domains: Vec<Domain> = folders.iter().filter_map(|folder| Domain::open(folder)).collect();
        (!domains.is_empty()).then_some(Self(domains))
    }
}

impl Domain {
    fn open(folder: &Path) -> Option<Self> {
        let own = text(&folder.join("name"))?;
        // The parts of two processors have the same names, so the processor's name goes in front.
        let path = folder.file_name()?.to_str()?;
        let name = match path.match_indices(':').nth(1) {
            Some((end, _)) => format!("{}/{own}", text(&folder.with_file_name(&path[..end]).join("name"))?),
            None => own,
        };
        let counter = folder.join("energy_uj");
        let last = count(&counter)?;
        Some(Self { name, counter, range: count(&folder.join("max_energy_range_uj"))?, last, used: 0 })
    }
}

impl Sensor for Rapl {
    fn read(&mut self, sample: &mut SensorSample) {
        for domain in &mut self.0 {
            if let Some(now) = count(&domain.counter) {
                let step = now
                    .checked_sub(domain.last)
                    .unwrap_or_else(|| domain.range.saturating_sub(domain.last).saturating_add(now));
                domain.used = domain.used.saturating_add(step);
                domain.last = now;
            }
            sample.domains_mj.insert(domain.name.clone(), domain.used as f64 / 1000.0);
        }
    }
}

/// Whether a domain is added to the machine's energy. A processor is, and so is its memory, which the processor's
/// counter leaves out. The platform's counter includes both, but many machines don't have it.
pub fn is_of_the_whole(name: &str) -> bool {
    (name.starts_with("package-") && !name.contains('/')) || name.ends_with("/dram")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::trees::{Tree, pc};

    fn used(rapl: &mut Rapl) -> Vec<(String, f64)> {
        let mut sample = SensorSample::default();
        rapl.read(&mut sample);
        sample.domains_mj.into_iter().collect()
    }

    #[test]
    fn energy_is_counted_from_the_opening_on_and_past_the_wrap() {
        let tree = pc();
        let mut rapl = Rapl::open(tree.root()).unwrap();
        let at = |energy: [f64; 3]| {
            let names = ["package-0", "package-0/core", "package-0/dram"];
            names.into_iter().map(str::to_owned).zip(energy).collect::<Vec<_>>()
        };
        assert_eq!(used(&mut rapl), at([0.0, 0.0, 0.0]));
        tree.write("sys/class/powercap/intel-rapl:0/energy_uj", "262143328850\n");
        assert_eq!(used(&mut rapl), at([100.0, 0.0, 0.0]));
        // The counter wrapped around: 0 µJ up to its range, 5000 µJ since.
        tree.write("sys/class/powercap/intel-rapl:0/energy_uj", "5000\n");
        assert_eq!(used(&mut rapl), at([105.0, 0.0, 0.0]));
        tree.remove("sys/class/powercap/intel-rapl:0/energy_uj");
        assert_eq!(used(&mut rapl), at([105.0, 0.0, 0.0]), "a counter that can't be read stands still");
    }

    #[test]
    fn processors_and_their_memory_are_the_whole() {
        for (name, counts) in
            [("package-0", true), ("package-1/dram", true), ("package-0/core", false), ("psys", false)]
        {
            assert_eq!(is_of_the_whole(name), counts, "{name}");
        }
    }

    #[test]
    fn counters_that_only_root_may_read_are_none() {
        // A folder in place of the file can't be read either, not even by root.
        let tree = Tree::new(&[
            ("sys/class/powercap/intel-rapl:0/name", "package-0"),
            ("sys/class/powercap/intel-rapl:0/max_energy_range_uj", "262143328850"),
            ("sys/class/powercap/intel-rapl:0/energy_uj/x", ""),
        ]);
        assert!(Rapl::open(tree.root()).is_none());
    }
}
