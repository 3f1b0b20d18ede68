//! The machine that a benchmark runs on: its description and its sensors. Timings mean nothing without it.

mod cpu;
pub mod description;
mod jetson;
mod program;
mod sysfs;
mod system;
pub mod telemetry;
#[cfg(test)]
pub(crate) mod trees;

use std::path::Path;

use description::Machine;

/// Describes this machine.
pub fn describe() -> Machine {
    describe_root(Path::new("/"), &|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// Describes the machine whose files are in `root`.
fn describe_root(root: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Machine {
    let mut machine = Machine {
        ros_distro: variable("ROS_DISTRO"),
        rmw: variable("RMW_IMPLEMENTATION"),
        rustc: option_env!("TRM_RUSTC").map(str::to_owned),
        target: option_env!("TRM_TARGET").map(str::to_owned),
        profile: option_env!("TRM_PROFILE").map(str::to_owned),
        ..Machine::default()
    };
    cpu::describe(root, &mut machine);
    system::describe(root, variable, &mut machine);
    machine
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::sysfs;
    use crate::machine::trees::{Tree, orin_nx, xavier_nx_jetpack_4};

    fn value(machine: &Machine, row: &str) -> Option<String> {
        machine.rows().into_iter().find(|(name, _)| *name == row).map(|(_, value)| value)
    }

    #[test]
    fn an_orin_is_described() {
        let ros = |name: &str| match name {
            "ROS_DISTRO" => Some("jazzy".to_owned()),
            "RMW_IMPLEMENTATION" => Some("rmw_cyclonedds_cpp".to_owned()),
            _ => None,
        };
        let machine = describe_root(orin_nx().root(), &ros);
        assert_eq!(
            machine.summary(),
            "NVIDIA Jetson Orin NX Engineering Reference Developer Kit, 4 × Cortex-A78AE, 4 cores, power mode 15W, \
             Linux 5.15.148-tegra, governor schedutil, NEON"
        );
        for (row, expected) in [
            ("Jetson Linux", "36.4.4"),
            ("clock", "730 to 1984 MHz, now 1510"),
            ("GPU clock", "306 to 625 MHz, now 306"),
            ("power mode", "15W"),
            ("memory", "15368 MB"),
            ("preemption", "PREEMPT"),
            ("ROS", "jazzy"),
            ("RMW", "rmw_cyclonedds_cpp"),
        ] {
            assert_eq!(value(&machine, row).as_deref(), Some(expected), "{row}");
        }
        for row in ["memory clock", "hypervisor", "container", "isolated cores", "real-time throttling"] {
            assert_eq!(value(&machine, row), None, "{row}");
        }
    }

    #[test]
    fn a_xavier_on_jetpack_4_with_a_real_time_kernel_is_described() {
        let machine = describe_root(xavier_nx_jetpack_4().root(), &|_| None);
        assert_eq!(
            machine.summary(),
            "NVIDIA Jetson Xavier NX Developer Kit, 6 × Carmel, 2 cores, Linux 4.9.253-rt168-tegra, PREEMPT_RT, \
             governor schedutil, NEON"
        );
        assert_eq!(value(&machine, "real-time throttling").as_deref(), Some("off"));
        assert_eq!(machine.power_mode, None, "nvpmodel isn't there");
    }

    #[test]
    fn a_machine_that_says_nothing_is_described_all_the_same() {
        let machine = describe_root(Tree::new(&[]).root(), &|_| None);
        assert_eq!(machine.summary(), "unknown machine");
        assert!(machine.rows().iter().all(|(name, _)| *name == "compiler"), "{:?}", machine.rows());
        let json = serde_json::to_value(&machine).unwrap();
        assert!(json["cpu"].is_null() && json["board"].is_null());
    }

    #[test]
    fn this_machine_has_cores_and_a_kernel() {
        let machine = describe();
        assert!(machine.cores.is_some_and(|cores| cores > 0));
        assert_eq!(machine.kernel, sysfs::text(Path::new("/proc/sys/kernel/osrelease")));
        assert!(value(&machine, "compiler").is_some_and(|build| build.starts_with("rustc 1.")), "{:?}", machine.rustc);
    }

    #[test]
    fn descriptions_of_other_versions_of_this_program_can_be_read() {
        let machine = describe_root(orin_nx().root(), &|_| None);
        let json = serde_json::to_string(&machine).unwrap();
        assert_eq!(serde_json::from_str::<Machine>(&json).unwrap(), machine);
        let other: Machine = serde_json::from_str("{\"cpu\": \"Z80\", \"later\": [1]}").unwrap();
        assert_eq!(other.summary(), "Z80");
    }
}
