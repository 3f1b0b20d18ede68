//! Folders that look like the root of several machines, for tests.
//!
//! The files follow the kernel's Documentation/hwmon/ina3221.rst and power/powercap/powercap.rst, the Jetson Linux
//! Developer Guide ("Platform Power and Performance" of each module), and the tests of
//! <https://github.com/rbonghi/jetson_stats> (power.py, gpu.py), <https://github.com/alumet-dev/alumet> (NVIDIA
//! plugin).

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// A temporary folder. It is deleted when this is dropped.
pub struct Tree(tempfile::TempDir);

impl Tree {
    /// A folder with these files, as pairs of path and text.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            tree.write(path, text);
        }
        tree
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn remove(&self, path: &str) {
        std::fs::remove_file(self.root().join(path)).unwrap();
    }

    /// Adds an executable shell script.
    pub fn program(&self, path: &str, script: &str) {
        self.write(&format!("{path}.sh"), &format!("#!/bin/sh\n{script}\n"));
        // Another process writes the script. A file that this process has open for writing may be inherited by a child
        // that another test starts, and can't be executed until that child closes it (`ETXTBSY`).
        let copy = "cp \"$0.sh\" \"$0\" && chmod +x \"$0\"";
        assert!(Command::new("sh").args(["-c", copy]).arg(self.root().join(path)).status().unwrap().success());
    }

    fn zones(self, zones: &[(&str, &str)]) -> Self {
        for (n, (kind, temp)) in zones.iter().enumerate() {
            self.write(&format!("sys/class/thermal/thermal_zone{n}/type"), &format!("{kind}\n"));
            self.write(&format!("sys/class/thermal/thermal_zone{n}/temp"), temp);
        }
        self
    }

    /// Adds an INA3221 as the kernel's driver shows it. Each channel has a label, a voltage in mV and a current in mA.
    fn hwmon(self, folder: &str, channels: [(&str, &str, &str); 3]) -> Self {
        self.write(&format!("{folder}/name"), "ina3221\n");
        for (n, (label, millivolts, milliamperes)) in (1..).zip(channels) {
            self.write(&format!("{folder}/in{n}_label"), &format!("{label}\n"));
            self.write(&format!("{folder}/in{n}_input"), &format!("{millivolts}\n"));
            self.write(&format!("{folder}/curr{n}_input"), &format!("{milliamperes}\n"));
            self.write(&format!("{folder}/in{}_input", n + 3), "240\n");
        }
        self.write(&format!("{folder}/in7_label"), "sum of shunt voltages\n");
        self.write(&format!("{folder}/in7_input"), "8080\n");
        self.write(&format!("{folder}/curr4_input"), "1456\n");
        self
    }

    fn cores(self, model: &str, online: &str, cores: usize, clocks: [&str; 3], part: [&str; 2]) -> Self {
        self.write("proc/device-tree/model", &format!("{model}\0"));
        self.write("sys/devices/system/cpu/online", &format!("{online}\n"));
        let mut cpuinfo = String::new();
        for core in 0..cores {
            let folder = format!("sys/devices/system/cpu/cpu{core}/cpufreq");
            for (file, khz) in ["scaling_min_freq", "scaling_max_freq", "scaling_cur_freq"].into_iter().zip(clocks) {
                self.write(&format!("{folder}/{file}"), &format!("{khz}\n"));
            }
            self.write(&format!("{folder}/scaling_governor"), "schedutil\n");
            let [implementer, part] = part;
            let written = write!(
                cpuinfo,
                "processor\t: {core}\nmodel name\t: ARMv8 Processor rev 1 (v8l)\nBogoMIPS\t: 62.50\n\
                 Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm asimddp\n\
                 CPU implementer\t: {implementer}\nCPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: {part}\n\
                 CPU revision\t: 1\n\n"
            );
            written.unwrap();
        }
        self.write("proc/cpuinfo", &cpuinfo);
        self
    }
}

/// Orin NX 16 GB, `JetPack` 6.2.
pub fn orin_nx() -> Tree {
    let tree = Tree::new(&[
        ("sys/devices/platform/bus@0/17000000.gpu/load", "450\n"),
        ("sys/class/hwmon/hwmon1/name", "soctherm_oc\n"),
        ("sys/class/hwmon/hwmon1/oc1_event_cnt", "0\n"),
        ("sys/class/hwmon/hwmon1/oc1_throt_en", "1\n"),
        ("proc/sys/kernel/osrelease", "5.15.148-tegra\n"),
        ("proc/sys/kernel/version", "#1 SMP PREEMPT Mon Jun 16 08:24:48 PDT 2025\n"),
        ("etc/nv_tegra_release", "# R36 (release), REVISION: 4.4, GCID: 41062509, BOARD: generic, EABI: aarch64\n"),
        ("proc/meminfo", "MemTotal:       15737032 kB\nMemFree:        12004820 kB\n"),
    ])
    .hwmon(
        "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon4",
        [("VDD_IN", "4976", "1056"), ("VDD_CPU_GPU_CV", "4976", "96"), ("VDD_SOC", "4976", "304")],
    )
    .zones(&[("cpu-thermal", "48562\n"), ("gpu-thermal", "47125\n"), ("cv0-thermal", ""), ("tj-thermal", "48562\n")])
    .cores(
        "NVIDIA Jetson Orin NX Engineering Reference Developer Kit",
        "0-3",
        4,
        ["729600", "1984000", "1510400"],
        ["0x41", "0xd42"],
    );
    tree.program("usr/sbin/nvpmodel", "[ \"$1\" = -q ] && printf 'NV Power Mode: 15W\\n2\\n'");
    tree.program(
        "usr/bin/jetson_clocks",
        "[ \"$1\" = --show ] && echo 'GPU MinFreq=306000000 MaxFreq=624750000 CurrentFreq=306000000'",
    );
    tree
}

/// AGX Orin, `JetPack` 5.
pub fn agx_orin() -> Tree {
    Tree::new(&[
        ("sys/devices/platform/17000000.ga10b/load", "0\n"),
        ("sys/class/hwmon/hwmon0/name", "pwmfan\n"),
        ("sys/class/hwmon/hwmon2/name", "soctherm_oc\n"),
        ("sys/class/hwmon/hwmon2/oc1_event_cnt", "0\n"),
        ("sys/class/hwmon/hwmon2/oc2_event_cnt", "15\n"),
        ("sys/class/hwmon/hwmon2/oc3_event_cnt", "37\n"),
        ("sys/class/hwmon/hwmon2/oc3_throt_en", "1\n"),
    ])
    .hwmon(
        "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3",
        [("VDD_GPU_SOC", "18792", "140"), ("VDD_CPU_CV", "18784", "20"), ("VIN_SYS_5V0", "4968", "980")],
    )
    .hwmon(
        "sys/bus/i2c/drivers/ina3221/1-0041/hwmon/hwmon4",
        [("NC", "0", "0"), ("VDDQ_VDD2_1V8AO", "4968", "60"), ("NC", "0", "0")],
    )
    .zones(&[
        ("cpu-thermal", "44562\n"),
        ("gpu-thermal", "-256000\n"),
        ("cv0-thermal", ""),
        ("tj-thermal", "44343\n"),
    ])
}

/// Xavier NX, `JetPack` 4.
pub fn xavier_nx_jetpack_4() -> Tree {
    const CHIP: &str = "sys/bus/i2c/drivers/ina3221x/7-0040/iio:device0";
    let tree = Tree::new(&[
        ("sys/devices/gpu.0/load", "997\n"),
        ("proc/sys/kernel/osrelease", "4.9.253-rt168-tegra\n"),
        ("proc/sys/kernel/version", "#1 SMP PREEMPT RT Sat Feb 19 08:59:22 PST 2022\n"),
        ("proc/sys/kernel/sched_rt_runtime_us", "-1\n"),
        ("proc/sys/kernel/sched_rt_period_us", "1000000\n"),
    ]);
    for (n, (rail, power)) in [("VDD_IN", "6140"), ("VDD_CPU_GPU_CV", "2706"), ("VDD_SOC", "1074")].iter().enumerate() {
        tree.write(&format!("{CHIP}/rail_name_{n}"), &format!("{rail}\n"));
        tree.write(&format!("{CHIP}/in_voltage{n}_input"), "4976\n");
        tree.write(&format!("{CHIP}/in_current{n}_input"), "1000\n");
        tree.write(&format!("{CHIP}/in_power{n}_input"), &format!("{power}\n"));
    }
    tree.zones(&[("CPU-therm", "33500\n"), ("GPU-therm", "31500\n"), ("PMIC-Die", "100000\n")]).cores(
        "NVIDIA Jetson Xavier NX Developer Kit",
        "0-1",
        6,
        ["1190400", "1420800", "1190400"],
        ["0x4e", "0x004"],
    )
}

/// A PC with one processor, whose RAPL counters are there twice (by MSR and by MMIO).
pub fn pc() -> Tree {
    let tree = Tree::new(&[]);
    for (folder, name, energy) in [
        ("intel-rapl:0", "package-0", "262143228850"),
        ("intel-rapl:0:0", "core", "11000"),
        ("intel-rapl:0:1", "dram", "7000"),
        ("intel-rapl-mmio:0", "package-0", "5"),
    ] {
        tree.write(&format!("sys/class/powercap/{folder}/name"), &format!("{name}\n"));
        tree.write(&format!("sys/class/powercap/{folder}/max_energy_range_uj"), "262143328850\n");
        tree.write(&format!("sys/class/powercap/{folder}/energy_uj"), &format!("{energy}\n"));
    }
    tree.write("sys/class/powercap/intel-rapl/enabled", "1\n");
    tree
}
