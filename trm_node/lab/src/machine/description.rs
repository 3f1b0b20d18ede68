//! What a benchmark says of the machine that it ran on.

use serde::{Deserialize, Serialize};

use crate::machine::jetson::ClockMhz;

/// The preemption model of a kernel whose every part can be interrupted.
pub const REAL_TIME: &str = "PREEMPT_RT";

/// A machine. What is unknown is `None`; fields that a file of another version lacks are unknown too.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// The processor, for example `AMD EPYC` or `4 × Cortex-A78AE`.
    pub cpu: Option<String>,
    /// The board's model from the device tree, which Jetsons and other single-board computers have.
    pub board: Option<String>,
    /// Release of Jetson Linux, for example `36.4.4`.
    pub l4t: Option<String>,
    /// Cores that are online.
    pub cores: Option<u64>,
    /// Memory in units of 1024 × 1024 bytes.
    pub memory_mb: Option<u64>,
    /// Vector instructions that the processor has, among those that the planner's kernel can use.
    pub instruction_sets: Vec<String>,
    /// Clocks of the cores: the lowest and highest that the governor may choose, and the highest at the moment.
    pub clock_mhz: Option<ClockMhz>,
    /// The clock at the moment, where the kernel doesn't control it, as in a virtual machine.
    pub current_mhz: Option<f64>,
    /// The governors that choose the clocks.
    pub governor: Option<String>,
    /// The GPU's clock on a Jetson.
    pub gpu_clock_mhz: Option<ClockMhz>,
    /// The memory's clock on a Jetson.
    pub memory_clock_mhz: Option<ClockMhz>,
    /// The power mode that `nvpmodel` reports, for example `15W`.
    pub power_mode: Option<String>,
    /// Release of the Linux kernel.
    pub kernel: Option<String>,
    /// Preemption model of the kernel: `PREEMPT_RT`, `PREEMPT_DYNAMIC (full)`, …
    pub preemption: Option<String>,
    /// Microseconds that real-time threads may run in each period of `rt_period_us`; -1: without a limit.
    pub rt_runtime_us: Option<i64>,
    /// Length of that period, in microseconds.
    pub rt_period_us: Option<i64>,
    /// Cores that the scheduler leaves alone (boot parameter `isolcpus`).
    pub isolated_cores: Option<String>,
    /// The hypervisor, if the machine is virtual.
    pub hypervisor: Option<String>,
    /// The container runtime, if the program runs in a container.
    pub container: Option<String>,
    /// Load average over the minute before the benchmark.
    pub load: Option<f64>,
    /// The ROS distribution, for example `jazzy`.
    pub ros_distro: Option<String>,
    /// The RMW implementation that the environment asks for; `None` means ROS's default.
    pub rmw: Option<String>,
    /// The operating system.
    pub os: Option<String>,
    /// The compiler that built this program.
    pub rustc: Option<String>,
    /// The target that it was built for.
    pub target: Option<String>,
    /// The Cargo profile that it was built with.
    pub profile: Option<String>,
}

impl Machine {
    /// The most important properties, in one line.
    pub fn summary(&self) -> String {
        let parts = [
            self.board.clone(),
            self.cpu.clone(),
            self.cores.map(|cores| format!("{cores} cores")),
            self.power_mode.as_ref().map(|mode| format!("power mode {mode}")),
            self.kernel.as_ref().map(|kernel| format!("Linux {kernel}")),
            self.preemption.clone().filter(|preemption| preemption == REAL_TIME),
            self.governor.as_ref().map(|governor| format!("governor {governor}")),
            self.instruction_sets.last().cloned(),
            self.hypervisor.as_ref().map(|hypervisor| format!("virtual ({hypervisor})")),
        ];
        let known: Vec<String> = parts.into_iter().flatten().collect();
        if known.is_empty() { "unknown machine".to_owned() } else { known.join(", ") }
    }

    /// The known properties with their names, as rows of a table.
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

    /// How long the kernel lets real-time threads run.
    pub fn throttling(&self) -> Option<String> {
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
