//! `trm bench batch`: how many windows a backend works on in a second, by how many it is given in one call.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use serde::Serialize;
use trm_net::backend::Backend;
use trm_net::batch::Batch;
use trm_net::bundle::Bundle;
use trm_net::graphs::Update;
use trm_net::registry::{batch, by_name};

use crate::args::{bundle, finite, with_flag};
use crate::bench::sample_times::SampleTimes;
use crate::bench::timing::timed;
use crate::machine;

/// How long a device may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// Rounds that don't count, and the least number that does.
const WARM_UP: usize = 3;
const LEAST: usize = 20;

/// Windows per second by the number of windows in one call, beside as many single calls.
///
/// The work of a window is that of a cold plan up to its first answer of a whole supervision step: encode, the
/// applications of a step, decode. Batch and single calls take turns. Nothing is skipped.
#[derive(Debug, Clone, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct BatchArgs {
    /// Windows in one call.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 2, 4, 8, 16, 32])]
    pub batch: Vec<usize>,

    /// Threads of a batch on the processor.
    #[arg(long, value_name = "T", value_delimiter = ',', default_values_t = [1, 2])]
    pub threads: Vec<usize>,

    /// What runs the net: cpu, gpu, tract, avx512, avx2, neon or portable.
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_values_t = ["cpu".to_owned(), "gpu".to_owned()])]
    pub backend: Vec<String>,

    /// Cells per side of the windows.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub window: usize,

    /// Time for each line, in seconds; at least 20 rounds are measured.
    #[arg(long, value_name = "S", default_value_t = 2.0, allow_negative_numbers = true, value_parser = finite)]
    pub duration: f64,

    /// The model bundle's folder [default: `nav_d32`].
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,

    /// Print the figures as JSON.
    #[arg(long)]
    pub json: bool,
}

/// One line.
#[derive(Debug, Serialize)]
struct BatchTimes {
    backend: String,
    threads: usize,
    windows: usize,
    /// Times of a call with so many windows.
    batch_us: SampleTimes,
    /// Times of as many single calls, on the calling thread.
    single_us: SampleTimes,
    /// By the median times.
    windows_per_second: f64,
    /// Throughput of the batch over that of the single calls.
    gain: f64,
}

/// Runs `trm bench batch` and gives what it prints.
///
/// # Errors
/// On bad input; names the flag. A GPU that isn't there is told in the output.
pub fn run(args: &BatchArgs) -> anyhow::Result<String> {
    let bundle = bundle(args.bundle.as_deref())?;
    let size = bundle.fitting_window(args.window).map_err(with_flag)?;
    let (mut lines, mut missing) = (Vec::new(), Vec::new());
    for name in &args.backend {
        let mut single = match by_name(&bundle, size, name) {
            Ok(single) => single,
            Err(error) if name == "gpu" => {
                missing.push(error.to_string());
                continue;
            }
            Err(error) => return Err(with_flag(error)),
        };
        // A GPU has one thread that asks.
        let threads = if name == "gpu" { &[1][..] } else { &args.threads };
        for (threads, windows) in threads.iter().flat_map(|t| args.batch.iter().map(move |w| (*t, *w))) {
            let mut batch = batch(&bundle, size, name, windows, threads).map_err(with_flag)?;
            let line = measure(&bundle, batch.as_mut(), single.as_mut(), args.duration)?;
            lines.push(BatchTimes { backend: name.clone(), threads, ..line });
        }
    }
    if args.json {
        return Ok(serde_json::to_string_pretty(&serde_json::json!({
            "machine": machine::describe(), "bundle": bundle.manifest.name, "window": size, "lines": lines,
            "missing": missing,
        }))?);
    }
    let head = format!("bundle {}, window {size}, times of a whole step with encode and decode", bundle.manifest.name);
    Ok([head, table(&lines).to_string()].into_iter().chain(missing).collect::<Vec<_>>().join("\n"))
}

/// A batch and single calls in turns.
fn measure(
    bundle: &Bundle,
    batch: &mut dyn Batch,
    single: &mut dyn Backend,
    seconds: f64,
) -> anyhow::Result<BatchTimes> {
    let architecture = bundle.manifest.architecture;
    let mut cycle = vec![Update::Latent; architecture.latent_updates];
    cycle.push(Update::Answer);
    let windows = batch.capacity();
    let inputs: Vec<Vec<f32>> = (0..windows).map(|window| input(batch.shape().input_len(), window)).collect();
    let (mut of_batch, mut of_single) = (Vec::new(), Vec::new());
    let (began, mut round) = (Instant::now(), 0);
    while round < WARM_UP + LEAST || began.elapsed().as_secs_f64() < seconds {
        let (result, batch_time) = timed(|| -> anyhow::Result<()> {
            for (window, input) in inputs.iter().enumerate() {
                batch.begin(window, input)?;
            }
            for _ in 0..architecture.cycles {
                batch.advance(&cycle, PATIENCE)?;
            }
            Ok(batch.decode(PATIENCE)?)
        });
        result?;
        let (result, single_time) = timed(|| -> anyhow::Result<()> {
            for input in &inputs {
                single.reset();
                single.embed(input)?;
                for _ in 0..architecture.cycles {
                    single.advance(&cycle, PATIENCE)?;
                }
                single.decode(PATIENCE)?;
            }
            Ok(())
        });
        result?;
        if round >= WARM_UP {
            of_batch.push(batch_time);
            of_single.push(single_time);
        }
        round += 1;
    }
    let (batch_us, single_us) = (SampleTimes::of(&of_batch), SampleTimes::of(&of_single));
    Ok(BatchTimes {
        backend: String::new(),
        threads: 1,
        windows,
        batch_us,
        single_us,
        windows_per_second: windows as f64 * 1e6 / batch_us.p50,
        gain: single_us.p50 / batch_us.p50,
    })
}

/// An input that differs from window to window.
fn input(length: usize, window: usize) -> Vec<f32> {
    (0..length).map(|at| ((at as f32 + 1.0) * (0.3 + window as f32 * 0.017)).sin()).collect()
}

fn table(lines: &[BatchTimes]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["backend", "threads", "windows", "windows/s", "ms p50 / p99", "single p50 / p99", "gain", "n"]);
    for line in lines {
        let ms = |times: &SampleTimes| format!("{:.3} / {:.3}", times.p50 / 1e3, times.p99 / 1e3);
        table.add_row([
            line.backend.clone(),
            line.threads.to_string(),
            line.windows.to_string(),
            format!("{:.0}", line.windows_per_second),
            ms(&line.batch_us),
            ms(&line.single_us),
            format!("{:.2}", line.gain),
            line.batch_us.n.to_string(),
        ]);
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(windows: &[usize], backends: &[&str]) -> BatchArgs {
        BatchArgs {
            batch: windows.to_vec(),
            threads: vec![2],
            backend: backends.iter().map(|name| (*name).to_owned()).collect(),
            window: 32,
            duration: 0.0,
            bundle: None,
            json: true,
        }
    }

    #[test]
    fn every_size_has_a_line_with_as_many_rounds_as_were_asked_for() {
        let text = run(&args(&[1, 3], &["portable"])).unwrap();
        let figures: serde_json::Value = serde_json::from_str(&text).unwrap();
        let lines = figures["lines"].as_array().unwrap();
        assert_eq!(lines.iter().map(|line| line["windows"].as_u64()).collect::<Vec<_>>(), [Some(1), Some(3)]);
        for line in lines {
            assert_eq!((line["batch_us"]["n"].as_u64(), line["threads"].as_u64()), (Some(LEAST as u64), Some(2)));
            assert!(line["gain"].as_f64().unwrap() > 0.0 && line["windows_per_second"].as_f64().unwrap() > 0.0);
        }
    }

    #[test]
    fn bad_flags_are_named() {
        let refused = |args: BatchArgs| run(&args).unwrap_err().to_string();
        assert_eq!(refused(args(&[0], &["portable"])), "--batch: 0 is not from 1 to 1024");
        assert!(refused(args(&[1], &["abacus"])).starts_with("--backend: abacus is not one of cpu, "));
    }
}
