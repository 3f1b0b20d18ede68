//! What NVIDIA's own tools print about a Jetson: its power mode, clocks and release.

use serde::{Deserialize, Serialize};

use crate::machine::sysfs::finite;

/// The power mode in the output of `nvpmodel -q`, for example `15W` in
/// ```text
/// NV Power Mode: 15W
/// 0
/// ```
/// The last line of `jetson_clocks --show` has it too.
pub fn power_mode(text: &str) -> Option<String> {
    let mode = text.lines().find_map(|line| line.trim().strip_prefix("NV Power Mode:"))?.trim();
    (!mode.is_empty()).then(|| mode.to_owned())
}

/// The lowest and the highest clock that is allowed, and the present one, in megahertz.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClockMhz {
    pub min: f64,
    pub max: f64,
    pub now: f64,
}

/// The clocks of a unit (`GPU`, `EMC`) in the output of `jetson_clocks --show`, which needs root:
/// ```text
/// GPU MinFreq=306000000 MaxFreq=624750000 CurrentFreq=306000000
/// EMC MinFreq=204000000 MaxFreq=2133000000 CurrentFreq=2133000000 FreqOverride=0
/// ```
pub fn clock(text: &str, unit: &str) -> Option<ClockMhz> {
    let line = text.lines().find(|line| line.split_whitespace().next() == Some(unit))?;
    let field = |name: &str| {
        let value = line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))?;
        finite(value).map(|hertz| hertz / 1e6)
    };
    Some(ClockMhz { min: field("MinFreq")?, max: field("MaxFreq")?, now: field("CurrentFreq")? })
}

/// The release of Jetson Linux in the text of `/etc/nv_tegra_release`, for example `36.4.4` in
/// `# R36 (release), REVISION: 4.4, GCID: 41062509, BOARD: generic, EABI: aarch64, …`.
pub fn release(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("# R"))?;
    let major = line.split_whitespace().next()?;
    let minor = line.split_once("REVISION:")?.1.split(',').next()?.trim();
    Some(format!("{major}.{minor}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Orin NX, `JetPack` 6.2.1, from an issue on GitHub.
    const ORIN_NX: &str = "\
SOC family:tegra234  Machine:NVIDIA Jetson Orin NX Engineering Reference Developer Kit
Online CPUs: 0-5
cpu0:  Online=1 Governor=schedutil MinFreq=729600 MaxFreq=1510400 CurrentFreq=1510400 IdleStates: WFI=1 c7=1 
cpu1:  Online=1 Governor=schedutil MinFreq=729600 MaxFreq=1510400 CurrentFreq=1497600 IdleStates: WFI=1 c7=1 
GPU MinFreq=306000000 MaxFreq=624750000 CurrentFreq=306000000
Active GPU TPCs: 2
EMC MinFreq=204000000 MaxFreq=2133000000 CurrentFreq=2133000000 FreqOverride=0
FAN Dynamic Speed Control=nvfancontrol hwmon0_pwm1=65
NV Power Mode: MAXN_SUPER
";
    /// TX2, `JetPack` 4, from the emulator in <https://github.com/rbonghi/jetson_stats>. Xavier's output has the same
    /// form.
    const JETPACK_4: &str = "\
SOC family:tegra186  Machine:quill
Online CPUs: 0,3-5
CPU Cluster Switching: Disabled
cpu0: Online=1 Governor=schedutil MinFreq=345600 MaxFreq=2035200 CurrentFreq=2035200 IdleStates: C1=1 c7=1
cpu1: Online=0 Governor=schedutil MinFreq=345600 MaxFreq=2035200 CurrentFreq=1113600 IdleStates: C1=1 c6=1 c7=1
GPU MinFreq=114750000 MaxFreq=1134750000 CurrentFreq=114750000
EMC MinFreq=40800000 MaxFreq=1600000000 CurrentFreq=1600000000 FreqOverride=0
Fan: speed=0
NV Power Mode: MAXP_CORE_ARM
";

    #[test]
    fn clocks_and_power_modes_are_read() {
        let clock_of = |min, max, now| Some(ClockMhz { min, max, now });
        assert_eq!(clock(ORIN_NX, "GPU"), clock_of(306.0, 624.75, 306.0));
        assert_eq!(clock(ORIN_NX, "EMC"), clock_of(204.0, 2133.0, 2133.0));
        assert_eq!(clock(JETPACK_4, "GPU"), clock_of(114.75, 1134.75, 114.75));
        assert_eq!(clock(JETPACK_4, "EMC"), clock_of(40.8, 1600.0, 1600.0));
        assert_eq!(clock(ORIN_NX, "DLA"), None);
        assert_eq!(clock("GPU MinFreq=1 MaxFreq=x CurrentFreq=3", "GPU"), None);
        assert_eq!(power_mode(ORIN_NX).as_deref(), Some("MAXN_SUPER"));
        assert_eq!(power_mode(JETPACK_4).as_deref(), Some("MAXP_CORE_ARM"));
        assert_eq!(power_mode("NV Power Mode: 15W\n0\n").as_deref(), Some("15W"));
        assert_eq!(
            power_mode("NVPM WARN: fan mode is not set!\nNV Power Mode: MODE_15W_6CORE\n2\n").as_deref(),
            Some("MODE_15W_6CORE")
        );
        assert_eq!(power_mode("NVPM ERROR: failed to read PARAM GPU\n"), None);
    }

    #[test]
    fn the_release_of_jetson_linux_is_read() {
        let orin = "# R36 (release), REVISION: 4.4, GCID: 41062509, BOARD: generic, EABI: aarch64, DATE: Mon Jun 16 16:07:13 UTC 2025\n# KERNEL_VARIANT: oot\n";
        assert_eq!(release(orin).as_deref(), Some("36.4.4"));
        let xavier = "# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t186ref, EABI: aarch64, DATE: Sat Feb 19 17:07:00 UTC 2022";
        assert_eq!(release(xavier).as_deref(), Some("32.7.1"));
        assert_eq!(release("Debian"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(
            text in "(\\PC|\n|# R|REVISION:|,|=|NV Power Mode:|GPU |MinFreq=|MaxFreq=|CurrentFreq=|[0-9.]){0,60}",
        ) {
            let clock = clock(&text, "GPU").unwrap_or_default();
            prop_assert!(clock.now.is_finite() && clock.min.is_finite() && clock.max.is_finite());
            prop_assert!(power_mode(&text).is_none_or(|mode| !mode.is_empty()));
            if let Some(release) = release(&text) {
                prop_assert!(release.contains('.'));
            }
        }
    }
}
