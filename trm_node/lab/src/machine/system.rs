//! The operating system: kernel, preemption, memory, hypervisor and container.

use std::path::Path;

use crate::machine::description::{Machine, REAL_TIME};
use crate::machine::jetson;
use crate::machine::sysfs::{count, finite, text};

/// Adds what is known of the system. `variable` reads an environment variable.
pub fn describe(root: &Path, variable: &dyn Fn(&str) -> Option<String>, machine: &mut Machine) {
    let read = |path: &str| text(&root.join(path));
    let number = |path: &str| read(path)?.parse().ok();
    machine.board = read("proc/device-tree/model");
    machine.l4t = read("etc/nv_tegra_release").as_deref().and_then(jetson::release);
    machine.memory_mb = read("proc/meminfo").as_deref().and_then(memory_mb);
    machine.os = read("etc/os-release").as_deref().and_then(pretty_name);
    machine.kernel = read("proc/sys/kernel/osrelease");
    machine.preemption = preemption(root);
    machine.rt_runtime_us = number("proc/sys/kernel/sched_rt_runtime_us");
    machine.rt_period_us = number("proc/sys/kernel/sched_rt_period_us");
    machine.hypervisor = hypervisor(root);
    machine.container = container(root, variable);
    machine.load = read("proc/loadavg").as_deref().and_then(|load| finite(load.split_whitespace().next()?));
}

fn memory_mb(meminfo: &str) -> Option<u64> {
    let kilobytes = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(kilobytes.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? / 1024)
}

fn pretty_name(release: &str) -> Option<String> {
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?.trim_matches('"');
    (!name.is_empty()).then(|| name.to_owned())
}

/// The preemption model that the kernel was built with, and the mode that was chosen at run time, if it can be chosen.
fn preemption(root: &Path) -> Option<String> {
    let version = text(&root.join("proc/sys/kernel/version"))?;
    // JetPack 4 writes `PREEMPT RT`.
    if count(&root.join("sys/kernel/realtime")) == Some(1)
        || version.contains(REAL_TIME)
        || version.contains("PREEMPT RT")
    {
        return Some(REAL_TIME.to_owned());
    }
    let kind = version.split_whitespace().find(|word| word.starts_with("PREEMPT")).unwrap_or("none");
    // For example `none voluntary (full) lazy`. Only root can read it.
    let modes = text(&root.join("sys/kernel/debug/sched/preempt"));
    let chosen = modes.as_deref().and_then(|modes| modes.split_whitespace().find(|mode| mode.starts_with('(')));
    Some(chosen.map_or_else(|| kind.to_owned(), |chosen| format!("{kind} {chosen}")))
}

/// The hypervisor's name as the firmware gives it, or `unknown` if the processor only says that there is one.
fn hypervisor(root: &Path) -> Option<String> {
    const GUESTS: [&str; 9] = [
        "QEMU",
        "KVM",
        "VMware",
        "VirtualBox",
        "innotek",
        "Xen",
        "Virtual Machine",
        "Google Compute Engine",
        "Amazon EC2",
    ];
    let read = |path: &str| text(&root.join(path));
    let firmware: Vec<String> =
        ["sys/class/dmi/id/sys_vendor", "sys/class/dmi/id/product_name"].into_iter().filter_map(read).collect();
    let firmware = firmware.join(" ");
    if let Some(kind) = read("sys/hypervisor/type") {
        return Some(kind);
    }
    if GUESTS.iter().any(|guest| firmware.contains(guest)) {
        return Some(firmware);
    }
    let flags = read("proc/cpuinfo")?;
    let guest =
        flags.lines().any(|line| line.starts_with("flags") && line.split_whitespace().any(|flag| flag == "hypervisor"));
    guest.then(|| "unknown".to_owned())
}

fn container(root: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let exists = |path: &str| root.join(path).exists();
    // Set by systemd-nspawn, podman and LXC.
    if let Some(container) = variable("container") {
        return Some(container);
    }
    if exists(".dockerenv") {
        return Some("docker".to_owned());
    }
    if exists("run/.containerenv") {
        return Some("podman".to_owned());
    }
    let groups = text(&root.join("proc/1/cgroup")).unwrap_or_default();
    ["docker", "kubepods", "lxc", "podman"].into_iter().find(|kind| groups.contains(kind)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::machine::trees::Tree;

    fn described(files: &[(&str, &str)]) -> Machine {
        let mut machine = Machine::default();
        describe(Tree::new(files).root(), &|_| None, &mut machine);
        machine
    }

    #[test]
    fn preemption_is_what_the_kernel_was_built_for_and_what_is_chosen() {
        let of = |files: &[(&str, &str)]| described(files).preemption;
        let version = "proc/sys/kernel/version";
        for (text, expected) in [
            ("#1 SMP PREEMPT_DYNAMIC @0\n", "PREEMPT_DYNAMIC"),
            ("#1 SMP PREEMPT_RT Debian 6.12.48-1 (2025-09-20)\n", "PREEMPT_RT"),
            ("#1 SMP PREEMPT RT Sat Feb 19 08:59:22 PST 2022\n", "PREEMPT_RT"),
            ("#31~22.04.1-Ubuntu SMP Tue Nov 5\n", "none"),
        ] {
            assert_eq!(of(&[(version, text)]).as_deref(), Some(expected), "{text}");
        }
        let lazy =
            [(version, "#1 SMP PREEMPT_DYNAMIC\n"), ("sys/kernel/debug/sched/preempt", "none voluntary full (lazy)\n")];
        assert_eq!(of(&lazy).as_deref(), Some("PREEMPT_DYNAMIC (lazy)"));
        assert_eq!(of(&[(version, "#1 SMP\n"), ("sys/kernel/realtime", "1\n")]).as_deref(), Some("PREEMPT_RT"));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn guests_and_containers_are_told_apart_from_machines() {
        let laptop = described(&[
            ("sys/class/dmi/id/sys_vendor", "LENOVO\n"),
            ("sys/class/dmi/id/product_name", "21CB\n"),
            ("proc/cpuinfo", "flags\t\t: fpu vmx\n"),
            ("proc/1/cgroup", "0::/init.scope\n"),
        ]);
        assert_eq!((laptop.hypervisor, laptop.container), (None, None));
        let guest = described(&[
            ("sys/class/dmi/id/sys_vendor", "QEMU\n"),
            ("sys/class/dmi/id/product_name", "Standard PC (Q35 + ICH9, 2009)\n"),
            ("proc/1/cgroup", "12:cpu:/docker/0123\n"),
        ]);
        assert_eq!(guest.hypervisor.as_deref(), Some("QEMU Standard PC (Q35 + ICH9, 2009)"));
        assert_eq!(guest.container.as_deref(), Some("docker"));
        let bare = described(&[("proc/cpuinfo", "flags\t\t: fpu hypervisor\n"), (".dockerenv", "")]);
        assert_eq!((bare.hypervisor.as_deref(), bare.container.as_deref()), (Some("unknown"), Some("docker")));
        let mut nspawn = Machine::default();
        let variable = |name: &str| (name == "container").then(|| "systemd-nspawn".to_owned());
        describe(Tree::new(&[]).root(), &variable, &mut nspawn);
        assert_eq!(nspawn.container.as_deref(), Some("systemd-nspawn"));
    }

    #[test]
    fn memory_system_and_load_are_read() {
        let machine = described(&[
            ("proc/meminfo", "MemTotal:       25282560 kB\nMemFree: 1 kB\n"),
            ("etc/os-release", "PRETTY_NAME=\"Ubuntu 24.04.1 LTS\"\nNAME=\"Ubuntu\"\n"),
            ("proc/loadavg", "0.85 1.39 1.20 2/319 21476\n"),
            ("proc/sys/kernel/sched_rt_runtime_us", "950000\n"),
            ("proc/sys/kernel/sched_rt_period_us", "1000000\n"),
        ]);
        assert_eq!((machine.memory_mb, machine.load), (Some(24690), Some(0.85)));
        assert_eq!(machine.os.as_deref(), Some("Ubuntu 24.04.1 LTS"));
        let throttling = "real-time threads may run 95 % of the time";
        assert_eq!(machine.throttling().as_deref(), Some(throttling));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(
            text in "(\\PC|\n|MemTotal:|[0-9]| kB|PRETTY_NAME=|\"|PREEMPT|\\(){0,50}",
        ) {
            prop_assert!(pretty_name(&text).is_none_or(|name| !name.is_empty()));
            let megabytes = memory_mb(&text).unwrap_or_default();
            let files = ["proc/meminfo", "proc/sys/kernel/version", "proc/loadavg", "etc/os-release", "sys/kernel/debug/sched/preempt"];
            let machine = described(&files.map(|file| (file, text.as_str())));
            prop_assert_eq!(machine.memory_mb.unwrap_or_default(), megabytes);
        }
    }
}
