//! The machine that a benchmark ran on: without it no time means anything.

mod cpu;
mod system;
pub mod telemetry;

use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::machine::telemetry::jetson::ClockMhz;

/// What is known of a machine; what isn't is missing, in files of older and newer programs too.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// The processor, for example `AMD EPYC` or `4 × Cortex-A78AE`.
    pub cpu: Option<String>,
    /// The board, where the kernel was given a device tree: a Jetson's or another single-board computer's model.
    pub board: Option<String>,
    /// Release of Jetson Linux.
    pub l4t: Option<String>,
    /// Cores that are switched on.
    pub cores: Option<u64>,
    pub memory_mb: Option<u64>,
    /// Vector instructions that the planner's kernels have versions for.
    pub instruction_sets: Vec<String>,
    /// Clocks of the cores: the lowest and highest that the governor may choose, and the highest at this moment.
    pub clock_mhz: Option<ClockMhz>,
    /// The clock at this moment where the kernel has no say in it, as in a virtual machine.
    pub current_mhz: Option<f64>,
    pub governor: Option<String>,
    pub gpu_clock_mhz: Option<ClockMhz>,
    pub memory_clock_mhz: Option<ClockMhz>,
    /// `nvpmodel`'s.
    pub power_mode: Option<String>,
    pub kernel: Option<String>,
    /// What may interrupt the kernel: `PREEMPT_RT`, `PREEMPT_DYNAMIC (full)`, …
    pub preemption: Option<String>,
    /// Microseconds that real-time threads may run in each period of `rt_period_us`; -1: always.
    pub rt_runtime_us: Option<i64>,
    pub rt_period_us: Option<i64>,
    /// Cores that the scheduler was told to leave alone at the kernel's start.
    pub isolated_cores: Option<String>,
    /// The hypervisor that it is a guest of.
    pub hypervisor: Option<String>,
    pub container: Option<String>,
    /// The mean number of threads that were running or waiting for a core in the last minute, before the benchmark.
    pub load: Option<f64>,
    pub ros_distro: Option<String>,
    /// The RMW implementation that is asked for; without that ROS takes its own.
    pub rmw: Option<String>,
    pub os: Option<String>,
    /// The compiler of this program, its target and its profile.
    pub rustc: Option<String>,
    pub target: Option<String>,
    pub profile: Option<String>,
}

/// Describes this machine.
pub fn describe() -> Machine {
    under(Path::new("/"), &|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// Describes the machine whose files are in `root`.
fn under(root: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Machine {
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

/// What a program prints; `None` where it isn't there or fails.
fn output(program: &Path, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

impl Machine {
    /// One line.
    pub fn summary(&self) -> String {
        let parts = [
            self.board.clone(),
            self.cpu.clone(),
            self.cores.map(|cores| format!("{cores} cores")),
            self.power_mode.as_ref().map(|mode| format!("power mode {mode}")),
            self.kernel.as_ref().map(|kernel| format!("Linux {kernel}")),
            self.preemption.clone().filter(|preemption| preemption == system::REAL_TIME),
            self.governor.as_ref().map(|governor| format!("governor {governor}")),
            self.instruction_sets.last().cloned(),
            self.hypervisor.as_ref().map(|hypervisor| format!("virtual ({hypervisor})")),
        ];
        let known: Vec<String> = parts.into_iter().flatten().collect();
        if known.is_empty() { "unknown machine".to_owned() } else { known.join(", ") }
    }

    /// Rows for a table: what is known.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let clock = |ClockMhz { min, max, now }: ClockMhz| {
            if min < max { format!("{min:.0} to {max:.0} MHz, now {now:.0}") } else { format!("{max:.0} MHz, locked") }
        };
        let sets = (!self.instruction_sets.is_empty()).then(|| self.instruction_sets.join(", "));
        let rows = [
            ("board", self.board.clone()),
            ("Jetson Linux", self.l4t.clone()),
            ("processor", self.cpu.clone()),
            ("cores", self.cores.map(|cores| cores.to_string())),
            ("vector instructions", sets),
            ("clock", self.clock_mhz.map(clock).or_else(|| self.current_mhz.map(|mhz| format!("{mhz:.0} MHz now")))),
            ("governor", self.governor.clone()),
            ("GPU clock", self.gpu_clock_mhz.map(clock)),
            ("memory clock", self.memory_clock_mhz.map(clock)),
            ("power mode", self.power_mode.clone()),
            ("memory", self.memory_mb.map(|megabytes| format!("{megabytes} MB"))),
            ("system", self.os.clone()),
            ("kernel", self.kernel.as_ref().map(|kernel| format!("Linux {kernel}"))),
            ("preemption", self.preemption.clone()),
            ("real-time throttling", self.throttling()),
            ("isolated cores", self.isolated_cores.clone()),
            ("hypervisor", self.hypervisor.clone()),
            ("container", self.container.clone()),
            ("load before", self.load.map(|load| format!("{load:.2}"))),
            ("ROS", self.ros_distro.clone()),
            ("RMW", self.rmw.clone()),
            ("compiler", self.build()),
        ];
        rows.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    fn throttling(&self) -> Option<String> {
        let runtime = self.rt_runtime_us?;
        Some(match self.rt_period_us {
            _ if runtime < 0 => "off".to_owned(),
            Some(period) if period > 0 => {
                format!("real-time threads may run {:.0} % of the time", 100.0 * runtime as f64 / period as f64)
            }
            _ => format!("real-time threads may run {runtime} µs in a row"),
        })
    }

    fn build(&self) -> Option<String> {
        let parts: Vec<&str> =
            [&self.rustc, &self.target, &self.profile].into_iter().flatten().map(String::as_str).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::telemetry::trees::{Tree, orin_nx, xavier_nx_jetpack_4};

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
        let machine = under(orin_nx().root(), &ros);
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
        let machine = under(xavier_nx_jetpack_4().root(), &|_| None);
        assert_eq!(
            machine.summary(),
            "NVIDIA Jetson Xavier NX Developer Kit, 6 × Carmel, 2 cores, Linux 4.9.253-rt168-tegra, PREEMPT_RT, governor schedutil, NEON"
        );
        assert_eq!(value(&machine, "real-time throttling").as_deref(), Some("off"));
        assert_eq!(machine.power_mode, None, "nvpmodel isn't there");
    }

    #[test]
    fn a_machine_that_says_nothing_is_described_all_the_same() {
        let machine = under(Tree::new(&[]).root(), &|_| None);
        assert_eq!(machine.summary(), "unknown machine");
        assert!(machine.rows().iter().all(|(name, _)| *name == "compiler"), "{:?}", machine.rows());
        let json = serde_json::to_value(&machine).unwrap();
        assert!(json["cpu"].is_null() && json["board"].is_null());
    }

    #[test]
    fn this_machine_has_cores_and_a_kernel() {
        let machine = describe();
        assert!(machine.cores.is_some_and(|cores| cores > 0));
        assert_eq!(machine.kernel, crate::machine::telemetry::files::text(Path::new("/proc/sys/kernel/osrelease")));
        assert!(value(&machine, "compiler").is_some_and(|build| build.starts_with("rustc 1.")), "{:?}", machine.rustc);
    }

    #[test]
    fn descriptions_of_other_versions_of_this_program_can_be_read() {
        let machine = under(orin_nx().root(), &|_| None);
        let json = serde_json::to_string(&machine).unwrap();
        assert_eq!(serde_json::from_str::<Machine>(&json).unwrap(), machine);
        let other: Machine = serde_json::from_str("{\"cpu\": \"Z80\", \"later\": [1]}").unwrap();
        assert_eq!(other.summary(), "Z80");
    }
}
