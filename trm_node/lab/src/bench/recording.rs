//! A recording of the node: JSON lines, a header, a tick each, a footer.

use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use super::run::{Counts, Latencies, Run};
use super::tick::Tick;
use crate::machine::telemetry::readings::Readings;

/// What was recorded, and how.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Header {
    pub name: String,
    pub map: String,
    pub width: u32,
    pub height: u32,
    /// Metres a cell.
    pub resolution: f64,
    pub rate_hz: f64,
    pub deadline_ms: f64,
    /// Cells a side.
    pub window: u32,
    pub seconds: f64,
    /// What stress-ng kept busy.
    pub load: Vec<String>,
    #[serde(default)]
    pub rmw: Option<String>,
    #[serde(default)]
    pub bundle: Option<String>,
    #[serde(default)]
    pub backend: Option<String>,
}

/// What is known of the process over the whole of a recording.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Footer {
    /// Ticks that got no answer.
    pub lost: u64,
    #[serde(default)]
    pub cpu_percent: Option<f64>,
    #[serde(default)]
    pub rss_mb: Option<f64>,
    #[serde(default)]
    pub rss_peak_mb: Option<f64>,
    #[serde(default)]
    pub voluntary_switches: Option<u64>,
    #[serde(default)]
    pub involuntary_switches: Option<u64>,
    #[serde(default)]
    pub page_faults: Option<u64>,
    #[serde(default)]
    pub energy_mj: Option<f64>,
    #[serde(default)]
    pub sensors: Option<Readings>,
    /// Request's stamp to the path's arrival.
    #[serde(default)]
    pub dds_round_trip_us: Option<Latencies>,
    /// Paths that the driver's own check refused.
    #[serde(default)]
    pub violations: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Header(Header),
    Tick(Box<Tick>),
    Footer(Footer),
}

/// Reads a recording.
///
/// # Errors
/// When the file can't be read, or isn't a recording; names the flag, the file, the line and the field.
pub fn load(path: &Path) -> anyhow::Result<Run> {
    let name = || format!("--node {}", path.display());
    let file = std::fs::File::open(path).with_context(name)?;
    let (mut header, mut footer, mut ticks) = (None, None, Vec::new());
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let at = || format!("{}: line {}", name(), number + 1);
        let line = line.with_context(at)?;
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str(&line).with_context(at)? {
            Line::Header(found) => {
                if header.is_some() {
                    bail!("{}: a second header", at());
                }
                check(&found).with_context(at)?;
                header = Some(found);
            }
            Line::Tick(tick) => {
                tick.check().map_err(anyhow::Error::msg).with_context(at)?;
                ticks.push(*tick);
            }
            Line::Footer(found) => footer = Some(found),
        }
    }
    let Some(header) = header else { bail!("{}: no line with a header", name()) };
    let Some(footer) = footer else { bail!("{}: no line with a footer: the recording was cut off", name()) };
    if ticks.is_empty() {
        bail!("{}: no line with a tick", name());
    }
    let counts = Counts {
        lost: footer.lost,
        cpu_percent: footer.cpu_percent,
        rss_mb: footer.rss_mb,
        rss_peak_mb: footer.rss_peak_mb,
        voluntary_switches: footer.voluntary_switches,
        involuntary_switches: footer.involuntary_switches,
        page_faults: footer.page_faults,
        energy_mj: footer.energy_mj,
        dds_round_trip_us: footer.dds_round_trip_us,
        violations: footer.violations,
        sensors: footer.sensors,
    };
    Ok(Run::new(header, &ticks, counts))
}

fn check(header: &Header) -> anyhow::Result<()> {
    for (field, value, low) in [
        ("rate_hz", header.rate_hz, 1e-3),
        ("deadline_ms", header.deadline_ms, 1e-3),
        ("resolution", header.resolution, 1e-6),
        ("seconds", header.seconds, 0.0),
    ] {
        if !(low..1e9).contains(&value) {
            bail!("field header.{field} is {value}, but must be a number from {low} to 10^9");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#"{"header":{"name":"idle","map":"m","width":10,"height":8,"resolution":0.05,"rate_hz":50,"deadline_ms":10,"window":64,"seconds":2,"load":[],"rmw":"fastrtps","bundle":"nav_d32"}}"#;
    const TICK: &str = r#"{"tick":{"id":1,"result":"SUCCEEDED","source":"model","stop":"verified","steps":1,"applications":8,"warm":true,"share":0.5,"total_us":2100.5,"margin_us":7899.5,"stages_us":{"encode":50,"recurse":1500,"decode":100,"verify":20,"smooth":30,"fallback":0,"publish":90},"wake_us":12.5,"page_faults":0,"allocations":2,"voluntary_switches":1,"involuntary_switches":0,"received_us":2500,"length_m":3.5}}"#;
    const FOOTER: &str = r#"{"footer":{"lost":1,"cpu_percent":30,"rss_mb":80,"rss_peak_mb":90,"voluntary_switches":9,"involuntary_switches":1,"page_faults":0,"energy_mj":null,"dds_round_trip_us":null,"violations":0}}"#;

    fn read(lines: &[&str]) -> Result<Run, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("idle.jsonl");
        std::fs::write(&file, lines.join("\n")).unwrap();
        load(&file).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_recording_becomes_a_run() {
        let late = TICK.replace("2100.5", "12000");
        let run = read(&[HEADER, TICK, &late, "", FOOTER]).unwrap();
        assert_eq!((run.setup.name.as_str(), run.ticks), ("idle", 2));
        assert_eq!((run.misses.late, run.misses.too_late, run.misses.lost), (1, 0, 1));
        assert_eq!((run.source["model"], run.stops["verified"]), (2, 2));
        assert_eq!(run.rss_peak_mb, Some(90.0));
        assert!((run.stages_us["publish"].p50 - 90.0).abs() < 0.1);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (lines, words) in [
            (vec![HEADER, TICK], "no line with a footer"),
            (vec![TICK, FOOTER], "no line with a header"),
            (vec![HEADER, FOOTER], "no line with a tick"),
            (vec![HEADER, HEADER], "line 2: a second header"),
            (vec!["{\"format\":1}"], "line 1: unknown variant `format`"),
            (vec!["no json"], "line 1"),
        ] {
            let error = read(&lines).unwrap_err();
            assert!(error.starts_with("--node ") && error.contains("idle.jsonl") && error.contains(words), "{error}");
        }
        for (line, from, to, words) in [
            (HEADER, "\"rate_hz\":50", "\"rate_hz\":0", "field header.rate_hz is 0"),
            (HEADER, "\"width\":10", "\"width\":-1", "-1"),
            (HEADER, "\"deadline_ms\":10,", "", "missing field `deadline_ms`"),
            (TICK, "2100.5", "-1", "field tick.total_us is -1"),
            (TICK, "\"model\"", "\"magic\"", "field tick.source is \"magic\""),
            (TICK, "\"steps\":1,", "", "missing field `steps`"),
        ] {
            let error = read(&[&line.replace(from, to)]).unwrap_err();
            assert!(error.contains("line 1") && error.contains(words), "{error}");
        }
    }
}
