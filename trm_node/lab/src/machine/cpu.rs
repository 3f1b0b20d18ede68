//! The processor: its name, its vector instructions and its clocks.

use std::collections::BTreeSet;
use std::path::Path;

use crate::machine::description::Machine;
use crate::machine::jetson::{self, ClockMhz};
use crate::machine::program::output;
use crate::machine::sysfs::{entries, finite, number, text};

/// Names of the ARM cores that robots have, by implementer and part number.
///
/// The numbers come from /proc/cpuinfo (Linux, Documentation/arch/arm64), the names from Linux'
/// arch/arm64/include/asm/cputype.h and lscpu-arm.c of util-linux.
const ARM: [((u64, u64), &str); 16] = [
    ((0x41, 0xd03), "Cortex-A53"),
    ((0x41, 0xd05), "Cortex-A55"),
    ((0x41, 0xd07), "Cortex-A57"),
    ((0x41, 0xd08), "Cortex-A72"),
    ((0x41, 0xd09), "Cortex-A73"),
    ((0x41, 0xd0a), "Cortex-A75"),
    ((0x41, 0xd0b), "Cortex-A76"),
    ((0x41, 0xd0c), "Neoverse-N1"),
    ((0x41, 0xd0d), "Cortex-A77"),
    ((0x41, 0xd40), "Neoverse-V1"),
    ((0x41, 0xd41), "Cortex-A78"),
    ((0x41, 0xd42), "Cortex-A78AE"),
    ((0x41, 0xd4f), "Neoverse-V2"),
    ((0x41, 0xd83), "Neoverse-V3AE"),
    ((0x4e, 0x003), "Denver 2"),
    ((0x4e, 0x004), "Carmel"),
];

/// Vector instructions by the kernel's names for them, the most powerful ones last.
const SETS: [(&str, &str); 6] =
    [("sse2", "SSE2"), ("avx2", "AVX2"), ("fma", "FMA"), ("avx512f", "AVX-512"), ("asimd", "NEON"), ("sve", "SVE")];

/// Adds what is known of the processor.
pub fn describe(root: &Path, machine: &mut Machine) {
    let info = text(&root.join("proc/cpuinfo")).unwrap_or_default();
    let cores = root.join("sys/devices/system/cpu");
    machine.cpu = name(&info);
    machine.cores = text(&cores.join("online")).and_then(|list| count(&list));
    machine.instruction_sets = instruction_sets(&info);
    machine.isolated_cores = text(&cores.join("isolated"));
    let folders: Vec<_> = entries(&cores, "cpu").into_iter().map(|core| core.join("cpufreq")).collect();
    machine.clock_mhz = clock(|file| folders.iter().filter_map(|folder| number(&folder.join(file))).collect());
    if machine.clock_mhz.is_none() {
        machine.current_mhz = fields(&info, "cpu MHz").filter_map(finite).reduce(f64::max);
    }
    let governors: BTreeSet<String> =
        folders.iter().filter_map(|folder| text(&folder.join("scaling_governor"))).collect();
    machine.governor = (!governors.is_empty()).then(|| governors.into_iter().collect::<Vec<_>>().join(", "));
    machine.power_mode = output(&root.join("usr/sbin/nvpmodel"), "-q").as_deref().and_then(jetson::power_mode);
    // Only root gets the clocks.
    if let Some(clocks) = output(&root.join("usr/bin/jetson_clocks"), "--show") {
        machine.gpu_clock_mhz = jetson::clock(&clocks, "GPU");
        machine.memory_clock_mhz = jetson::clock(&clocks, "EMC");
        machine.power_mode = machine.power_mode.take().or_else(|| jetson::power_mode(&clocks));
    }
}

/// The values of a field of /proc/cpuinfo, one for each core.
fn fields<'a>(info: &'a str, field: &'a str) -> impl Iterator<Item = &'a str> {
    info.lines().filter_map(move |line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == field).then(|| value.trim())
    })
}

/// The processor's name. On x86 the kernel knows it; on ARM it is looked up by the cores' numbers.
fn name(info: &str) -> Option<String> {
    let number = |hex: &str| u64::from_str_radix(hex.strip_prefix("0x")?, 16).ok();
    let parts = fields(info, "CPU implementer").zip(fields(info, "CPU part"));
    let mut kinds: Vec<(String, usize)> = Vec::new();
    for (implementer, part) in parts {
        let key = number(implementer).zip(number(part));
        let known = ARM.iter().find(|(numbers, _)| Some(*numbers) == key).map(|(_, name)| (*name).to_owned());
        let name = known.unwrap_or_else(|| format!("ARM {implementer}/{part}"));
        match kinds.iter_mut().find(|(kind, _)| *kind == name) {
            Some((_, cores)) => *cores += 1,
            None => kinds.push((name, 1)),
        }
    }
    if kinds.is_empty() {
        return fields(info, "model name").next().filter(|name| !name.is_empty()).map(str::to_owned);
    }
    Some(kinds.into_iter().map(|(name, cores)| format!("{cores} × {name}")).collect::<Vec<_>>().join(" + "))
}

fn instruction_sets(info: &str) -> Vec<String> {
    let Some(flags) = fields(info, "flags").chain(fields(info, "Features")).next() else { return Vec::new() };
    let has = |flag: &str| flags.split_whitespace().any(|other| other == flag);
    SETS.into_iter().filter(|(flag, _)| has(flag)).map(|(_, name)| name.to_owned()).collect()
}

/// The number of cores in a list like `0-3,5`.
fn count(list: &str) -> Option<u64> {
    list.split(',').try_fold(0_u64, |sum, part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let [first, last]: [u64; 2] = [first.trim().parse().ok()?, last.trim().parse().ok()?];
        sum.checked_add(last.checked_sub(first)?.checked_add(1)?)
    })
}

/// The clocks in megahertz. `read` gives the values of a file, in kilohertz, for all cores.
fn clock(read: impl Fn(&str) -> Vec<f64>) -> Option<ClockMhz> {
    let of = |file, choose: fn(f64, f64) -> f64| read(file).into_iter().reduce(choose).map(|kilohertz| kilohertz / 1e3);
    Some(ClockMhz {
        min: of("scaling_min_freq", f64::min)?,
        max: of("scaling_max_freq", f64::max)?,
        now: of("scaling_cur_freq", f64::max)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::machine::trees::Tree;

    #[test]
    fn a_pc_is_named_by_itself_and_a_virtual_one_says_its_clock_only() {
        let tree = Tree::new(&[
            (
                "proc/cpuinfo",
                "processor\t: 0\nmodel name\t: AMD EPYC 9B45\ncpu MHz\t\t: 2596.098\nflags\t\t: fpu sse2 fma avx2 \
                 avx512f\n\nprocessor\t: 1\nmodel name\t: AMD EPYC 9B45\ncpu MHz\t\t: 2700.5\nflags\t\t: fpu sse2 fma \
                 avx2 avx512f\n",
            ),
            ("sys/devices/system/cpu/online", "0-1\n"),
            ("sys/devices/system/cpu/isolated", "1\n"),
        ]);
        let mut machine = Machine::default();
        describe(tree.root(), &mut machine);
        assert_eq!(machine.cpu.as_deref(), Some("AMD EPYC 9B45"));
        assert_eq!((machine.cores, machine.clock_mhz, machine.current_mhz), (Some(2), None, Some(2700.5)));
        assert_eq!(machine.instruction_sets, ["SSE2", "AVX2", "FMA", "AVX-512"]);
        assert_eq!(machine.isolated_cores.as_deref(), Some("1"));
    }

    #[test]
    fn arm_cores_of_several_kinds_are_counted_and_unknown_ones_numbered() {
        let info = "CPU implementer\t: 0x41\nCPU part\t: 0xd05\nCPU implementer\t: 0x41\nCPU part\t: 0xd05\n\
                    CPU implementer\t: 0x41\nCPU part\t: 0xd0b\nCPU implementer\t: 0x61\nCPU part\t: 0x022\n";
        assert_eq!(name(info).as_deref(), Some("2 × Cortex-A55 + 1 × Cortex-A76 + 1 × ARM 0x61/0x022"));
        assert_eq!(name("model name\t: \n"), None);
    }

    #[test]
    fn lists_of_cores_are_counted() {
        for (list, cores) in
            [("0", Some(1)), ("0-3", Some(4)), ("0,3-5", Some(4)), ("3-0", None), ("", None), ("0-", None)]
        {
            assert_eq!(count(list), cores, "{list:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(
            text in "(\\PC|\n|:|0x4[1e]|0xd42|[0-9,-]|CPU (part|implementer)\t: |model name\t: |flags: |avx2 ){0,50}",
        ) {
            prop_assert!(name(&text).is_none_or(|name| !name.is_empty()));
            prop_assert!(instruction_sets(&text).len() <= SETS.len());
            prop_assert_ne!(count(&text), Some(0));
        }
    }
}
