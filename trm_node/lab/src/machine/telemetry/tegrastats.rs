//! NVIDIA's tegrastats, a process that prints a line at a fixed interval. For modules whose power monitors can't be
//! read.
//!
//! The line's format differs between releases (Jetson Linux Developer Guide, "Tegrastats Utility").

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use crate::machine::sysfs::finite;
use crate::machine::telemetry::rails::is_connected;
use crate::machine::telemetry::sensor::{PERIOD, Sensor, SensorSample};
use crate::machine::telemetry::thermal::is_measured;

/// Reads the rails' power, the temperatures and the GPU's load from a line. Anything else, or anything that isn't
/// understood, is left out.
pub fn parse(line: &str) -> SensorSample {
    let mut sample = SensorSample::default();
    let mut words = line.split_whitespace().peekable();
    while let Some(word) = words.next() {
        if let Some((zone, celsius)) = temperature(word) {
            if is_measured(zone, celsius) {
                sample.temperatures_c.insert(zone.to_owned(), celsius);
            }
        } else if matches!(word, "GR3D_FREQ" | "GR3D") {
            sample.gpu_percent = words.peek().and_then(|load| percent(load)).or(sample.gpu_percent);
        } else if let Some(power) = words.peek().and_then(|power| milliwatts(power))
            && is_name(word)
            && is_connected(word)
        {
            sample.rails_mw.insert(word.to_owned(), power);
        }
    }
    sample
}

/// Parses `cpu@62.843C`, and `cpu@52.968C/52.968C` as of `JetPack` 7.
fn temperature(word: &str) -> Option<(&str, f64)> {
    let (zone, value) = word.split_once('@')?;
    let now = value.split('/').next()?.strip_suffix('C')?;
    Some((zone, finite(now)?)).filter(|_| is_name(zone))
}

/// Parses `0%`, `0%@306`, `0%@[305]` and `0%@[0,0]`. `@[0,0,0]` has no load.
fn percent(word: &str) -> Option<f64> {
    finite(word.split_once('%')?.0).filter(|load| (0.0..=100.0).contains(load))
}

/// Parses `3913mW/3922mW`, `598mW/598` and `6140/5510` (present and average power), `5765mW`, and three numbers as of
/// `JetPack` 7. `5246/7771MB` is memory and `115` a clock; both are refused.
fn milliwatts(word: &str) -> Option<f64> {
    let mut values = word.split('/').map(|value| {
        let number = value.strip_suffix("mW").unwrap_or(value);
        // A power has no sign and no exponent.
        number.bytes().all(|b| b.is_ascii_digit() || b == b'.').then(|| finite(number)).flatten()
    });
    let now = values.next()??;
    (values.all(|value| value.is_some()) && (word.contains('/') || word.ends_with("mW"))).then_some(now)
}

fn is_name(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// The running process and its newest line.
pub struct Tegrastats {
    child: Child,
    newest: Arc<Mutex<Option<SensorSample>>>,
}

impl Tegrastats {
    /// Starts the process; `None` if it isn't installed.
    pub fn open(root: &Path) -> Option<Self> {
        let mut child = Command::new(root.join("usr/bin/tegrastats"))
            .args(["--interval", &PERIOD.as_millis().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let newest = Arc::new(Mutex::new(None));
        let output = child.stdout.take()?;
        let slot = Arc::clone(&newest);
        let reader = std::thread::Builder::new().name("tegrastats".to_owned()).spawn(move || {
            // The output ends when the process does.
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(parse(&line));
            }
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = None;
        });
        let started = Self { child, newest };
        reader.is_ok().then_some(started)
    }
}

impl Sensor for Tegrastats {
    fn read(&mut self, sample: &mut SensorSample) {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(line) = newest {
            sample.rails_mw.extend(line.rails_mw);
            sample.temperatures_c.extend(line.temperatures_c);
            sample.gpu_percent = line.gpu_percent.or(sample.gpu_percent);
        }
    }
}

impl Drop for Tegrastats {
    fn drop(&mut self) {
        // The process may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::machine::telemetry::rails::total;
    use crate::machine::trees::Tree;

    /// A line that a module printed, and what it must give: the GPU's load, the total power, one zone, and the numbers
    /// of zones and rails.
    struct Case {
        line: &'static str,
        gpu: Option<f64>,
        total: Option<f64>,
        zone: (&'static str, f64),
        zones: usize,
        rails: usize,
    }

    const CASES: [Case; 11] = [
        // AGX Orin, JetPack 6.2 (L4T 36.4.4): github.com/lesomnus/tegra-exporter, stats.
        Case {
            line: "05-09-2026 18:42:07 RAM 18202/62841MB (lfb 466x4MB) SWAP 86/31420MB (cached 0MB) CPU \
                   [16%@1949,6%@1761,4%@1222,4%@2201,4%@1036,33%@1036,0%@1036,40%@1036,3%@1190,46%@1190,6%@1190,2%@1190] \
                   EMC_FREQ 3%@2133 GR3D_FREQ 0%@[0,0] NVENC 78%@166 NVDEC off NVJPG off NVJPG1 off VIC 32%@115 OFA \
                   off NVDLA0 off NVDLA1 off PVA0_FREQ off APE 174 cpu@52.343C soc2@48.343C soc0@49.062C tj@52.343C \
                   soc1@49.531C VDD_GPU_SOC 2412mW/2412mW VDD_CPU_CV 1607mW/1607mW VIN_SYS_5V0 4607mW/4657mW",
            gpu: Some(0.0),
            total: Some(8626.0),
            zone: ("cpu", 52.343),
            zones: 5,
            rails: 3,
        },
        // AGX Orin, JetPack 5, with zones that are offline and channels that are not connected: a Go exporter's test
        // line.
        Case {
            line: "04-11-2025 10:36:27 RAM 4321/62801MB (lfb 1759x4MB) SWAP 19/31400MB (cached 0MB) CPU \
                   [0%@729,0%@729,0%@729,0%@729,0%@729,0%@729,0%@729,0%@729,0%@729,0%@729,0%@729,0%@729] EMC_FREQ \
                   0%@2133 GR3D_FREQ 0%@[0,0] VIC_FREQ 729 APE 174 CV0@-256C CPU@44.562C Tboard@32C SOC2@40.093C \
                   Tdiode@33C SOC0@41.093C CV1@-256C GPU@-256C tj@44.343C SOC1@41.25C CV2@-256C VDD_GPU_SOC \
                   2340mW/2340mW VDD_CPU_CV 390mW/390mW VIN_SYS_5V0 4025mW/4025mW NC 0mW/0mW VDDQ_VDD2_1V8AO \
                   301mW/301mW NC 0mW/0mW",
            gpu: Some(0.0),
            total: Some(6755.0),
            zone: ("tj", 44.343),
            zones: 7,
            rails: 4,
        },
        // AGX Orin, JetPack 7.2 (L4T 39.2), with averages of everything: test_06_tegra_parse.py of
        // github.com/rbonghi/jetson_stats.
        Case {
            line: "07-25-2026 09:08:28 RAM 20642/62817MB (lfb 1x2MB) CPU \
                   [23%@2201,10%@2201,4%@2201,14%@2201,30%@2201,18%@2201,10%@2201,10%@2201,33%@2201,7%@2201,5%@2201,27%@2201] \
                   EMC_FREQ 3%@3199 GR3D_FREQ 12%@[1300,1300] NVENC0 off NVDEC0 off NVJPG0 off NVJPG1 off VIC off \
                   OFA off NVDLA0 off NVDLA1 off PVA0_FREQ off APE 174 cpu@52.968C/52.968C soc2@48.406C/48.406C \
                   soc0@49.531C/49.531C gpu@47.625C/47.625C VDD_GPU_SOC 5139mW/5139mW/5139mW VDD_CPU_CV \
                   3268mW/3268mW/3268mW VIN_SYS_5V0 5500mW/5500mW/5500mW",
            gpu: Some(12.0),
            total: Some(13907.0),
            zone: ("gpu", 47.625),
            zones: 4,
            rails: 3,
        },
        // Orin NX 16 GB, JetPack 6.2, four cores off.
        Case {
            line: "RAM 1224/15368MB (lfb 8x4MB) SWAP 0/7684MB (cached 0MB) CPU \
                   [1%@729,0%@729,0%@729,0%@729,off,off,off,off] EMC_FREQ 0% GR3D_FREQ 0%@[305] CPU@43.5C GPU@42.5C \
                   tj@43.5C SOC0@42.906C SOC1@42.156C CV0@-256C VDD_IN 4319mW/4319mW VDD_CPU_GPU_CV 499mW/499mW \
                   VDD_SOC 1200mW/1200mW",
            gpu: Some(0.0),
            total: Some(4319.0),
            zone: ("GPU", 42.5),
            zones: 5,
            rails: 3,
        },
        // Orin Nano, JetPack 6: an average without its unit, a load without a clock, two cores off.
        Case {
            line: "12-23-2024 22:54:11 RAM 3162/7620MB (lfb 4x2MB) SWAP 0/3810MB (cached 0MB) CPU \
                   [1%@729,0%@729,0%@729,0%@729,off,off] GR3D_FREQ 1% cpu@62.843C soc2@61.968C soc0@60.625C \
                   gpu@61.687C tj@62.843C soc1@61.687C VDD_IN 3913mW/3922mW VDD_CPU_GPU_CV 598mW/598 VDD_SOC \
                   1238mW/1237mW",
            gpu: Some(1.0),
            total: Some(3913.0),
            zone: ("gpu", 61.687),
            zones: 6,
            rails: 3,
        },
        // Xavier NX, JetPack 5.1.2, and JetPack 4 below it: a Prometheus exporter's tests.
        Case {
            line: "07-09-2024 13:31:31 RAM 3168/6851MB (lfb 2x4MB) SWAP 161/3426MB (cached 0MB) CPU \
                   [23%@1397,17%@1192,16%@1190,13%@1190,23%@1190,10%@1190] EMC_FREQ 2%@204 GR3D_FREQ 0%@[114] \
                   VIC_FREQ 115 APE 150 AUX@45C CPU@46.5C thermal@45.6C AO@45C GPU@45.5C PMIC@50C VDD_IN \
                   2763mW/2846mW VDD_CPU_GPU_CV 650mW/670mW VDD_SOC 650mW/711mW",
            gpu: Some(0.0),
            total: Some(2763.0),
            zone: ("AUX", 45.0),
            zones: 5,
            rails: 3,
        },
        Case {
            line: "RAM 5246/7771MB (lfb 7x4MB) SWAP 983/20269MB (cached 280MB) CPU \
                   [47%@1420,23%@1420,32%@1420,22%@1420,31%@1420,96%@1420] EMC_FREQ 2%@1600 GR3D_FREQ 0%@1109 APE \
                   150 MTS fg 1% bg 9% AO@29C GPU@31.5C PMIC@100C AUX@30C CPU@33.5C thermal@31.35C VDD_IN 6140/5510 \
                   VDD_CPU_GPU_CV 2706/2119 VDD_SOC 1074/1051",
            gpu: Some(0.0),
            total: Some(6140.0),
            zone: ("thermal", 31.35),
            zones: 5,
            rails: 3,
        },
        // AGX Xavier, JetPack 4: the developer guide's rails, as in the forum thread that TOTALS names.
        Case {
            line: "RAM 1903/15692MB (lfb 2999x4MB) SWAP 0/7846MB (cached 0MB) CPU \
                   [2%@1190,1%@1190,0%@1190,0%@1190,off,off,off,off] EMC_FREQ 0%@1600 GR3D_FREQ 45%@318 APE 150 MTS \
                   fg 0% bg 0% AO@33C GPU@32C Tdiode@35.25C PMIC@100C AUX@32.5C CPU@33.5C thermal@32.8C Tboard@34C \
                   GPU 0/0 CPU 311/311 SOC 933/933 CV 0/0 VDDRQ 155/155 SYS5V 1482/1482",
            gpu: Some(45.0),
            total: Some(2881.0),
            zone: ("Tdiode", 35.25),
            zones: 7,
            rails: 6,
        },
        // Jetson Nano, JetPack 4.6.1.
        Case {
            line: "RAM 1923/3964MB (lfb 2x2MB) SWAP 191/1982MB (cached 6MB) IRAM 0/252kB(lfb 252kB) CPU \
                   [5%@1224,4%@1224,3%@1224,6%@1224] EMC_FREQ 0%@1600 GR3D_FREQ 0%@76 APE 25 PLL@37C CPU@40C \
                   PMIC@50C GPU@40C AO@45C thermal@40C POM_5V_IN 1750/1628 POM_5V_GPU 0/0 POM_5V_CPU 366/406",
            gpu: Some(0.0),
            total: Some(1750.0),
            zone: ("PLL", 37.0),
            zones: 5,
            rails: 3,
        },
        // Thor, L4T 38.4: no GPU load, and no known set of rails that adds up to the total.
        Case {
            line: "05-17-2026 10:00:32 RAM 4208/125773MB (lfb 31x4MB) SWAP 0/2048MB (cached 0MB) CPU [1%@972,0%@972] \
                   EMC_FREQ 0%@665 GR3D_FREQ @[0,0,0] NVENC0_FREQ @0 VIC off OFA_FREQ @0 PVA0_FREQ off APE 300 \
                   cpu@34.468C tj@34.5C soc012@33.781C soc345@34.5C VDD_GPU 0mW/0mW VDD_CPU_SOC_MSS 4165mW/4165mW \
                   VIN_SYS_5V0 4126mW/4126mW",
            gpu: None,
            total: None,
            zone: ("tj", 34.5),
            zones: 4,
            rails: 3,
        },
        // Power without an average.
        Case {
            line: "RAM 2840/7620MB CPU [25%@1420,off,off,20%@1420] GR3D_FREQ 76% PVA0_FREQ 115 VIC_FREQ 115 APE 174 \
                   AO@42.5C VDD_IN 5765mW VDD_CPU_GPU_CV 1548mW VDD_SOC 1497mW",
            gpu: Some(76.0),
            total: Some(5765.0),
            zone: ("AO", 42.5),
            zones: 1,
            rails: 3,
        },
    ];

    #[test]
    fn lines_of_every_release_are_understood() {
        for Case { line, gpu, total: whole, zone, zones, rails } in CASES {
            let sample = parse(line);
            assert_eq!(sample.gpu_percent, gpu, "{line}");
            assert_eq!(total(&sample.rails_mw).map(|(power, _)| power), whole, "{line}");
            assert_eq!(sample.temperatures_c.get(zone.0), Some(&zone.1), "{line}");
            assert_eq!(sample.temperatures_c.len(), zones, "{:?} of {line}", sample.temperatures_c);
            assert_eq!(sample.rails_mw.len(), rails, "{:?} of {line}", sample.rails_mw);
        }
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        let sample = parse("cpu@nanC gpu@infC @5C VDD_IN infmW/1mW VDD_SOC 1e3mW VDD_X -1mW/1mW GR3D_FREQ 101% VDD_Y");
        assert_eq!(sample, SensorSample::default());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic_and_gives_finite_numbers(
            text in "(\\PC|[0-9A-Z_a-z@%/.\\[\\], -]|mW |C |GR3D_FREQ |VDD_IN ){0,60}",
        ) {
            let sample = parse(&text);
            let numbers = sample.rails_mw.values().chain(sample.temperatures_c.values()).chain(&sample.gpu_percent);
            for number in numbers {
                prop_assert!(number.is_finite(), "{number} of {text:?}");
            }
        }
    }

    #[test]
    fn the_process_is_asked_for_its_newest_line_and_ended() {
        let tree = Tree::new(&[]);
        tree.program(
            "usr/bin/tegrastats",
            &format!(
                "echo \"$2\" > {}; echo '{}'; exec sleep 60",
                tree.root().join("interval").display(),
                CASES[3].line
            ),
        );
        let mut tegrastats = Tegrastats::open(tree.root()).unwrap();
        let pid = tegrastats.child.id();
        let mut sample = SensorSample::default();
        while sample == SensorSample::default() {
            std::thread::yield_now();
            tegrastats.read(&mut sample);
        }
        assert_eq!(sample, parse(CASES[3].line));
        assert_eq!(std::fs::read_to_string(tree.root().join("interval")).unwrap(), "250\n");
        drop(tegrastats);
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "the process is left over");
        assert!(Tegrastats::open(Path::new("nowhere")).is_none());
    }
}
