//! Reads a recording of the node: lines of JSON, namely a header, one line for each tick, and a footer.

use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::bench::loop_run::LoopRun;
use crate::bench::process_counts::ProcessCounts;
use crate::bench::run_header::RunHeader;
use crate::bench::tick::Tick;

/// A line of a recording.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Header(RunHeader),
    Tick(Box<Tick>),
    Footer(ProcessCounts),
}

/// Reads a recording.
///
/// # Errors
/// If the file can't be read or isn't a recording. The message names flag, file, line and field.
pub fn load(path: &Path) -> anyhow::Result<LoopRun> {
    let name = format!("--node {}", path.display());
    let file = std::fs::File::open(path).with_context(|| name.clone())?;
    read(BufReader::new(file), &name)
}

/// Reads the lines of a recording. Messages begin with `name`.
///
/// # Errors
/// As [`load`].
pub fn read(lines: impl BufRead, name: &str) -> anyhow::Result<LoopRun> {
    let (mut header, mut footer, mut ticks) = (None, None, Vec::new());
    for (number, line) in lines.lines().enumerate() {
        let at = || format!("{name}: line {}", number + 1);
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
    let Some(header) = header else { bail!("{name}: no line with a header") };
    let Some(footer) = footer else { bail!("{name}: no line with a footer: the recording was cut off") };
    if ticks.is_empty() {
        bail!("{name}: no line with a tick");
    }
    Ok(LoopRun::new(header, &ticks, footer))
}

fn check(header: &RunHeader) -> anyhow::Result<()> {
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

    fn read(lines: &[&str]) -> Result<LoopRun, String> {
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
