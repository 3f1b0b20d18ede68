//! `trm agree`: whether a bundle computes what `PyTorch` does, on everything that runs it here.

use std::fmt::Write as _;
use std::path::PathBuf;

use trm_net::backend::Backend;
use trm_net::bundle::Bundle;
use trm_net::error::LoadError;
use trm_net::golden::{Difference, Golden};
use trm_net::registry::{NAMES, by_name, has_kernel, levels};

use crate::args::finite;

/// The tensors that are named of one backend.
const NAMED: usize = 4;

/// Compare what a bundle computes with the numbers of `PyTorch`.
///
/// Runs the bundle on tract, on the kernel of each instruction set, and on a GPU, as far as these can run it on this machine.
/// `models/trm_train/export.py` does this before it writes a bundle.
///
/// Exit code 0: all agree. 1: one doesn't, and its tensors are named; or bad input.
#[derive(Debug, Clone, clap::Args)]
pub struct AgreeArgs {
    /// The bundle's folder.
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,

    /// The numbers of `PyTorch`, as `models/trm_train/golden.py` writes them.
    #[arg(value_name = "GOLDEN.safetensors")]
    golden: PathBuf,

    /// The largest difference that is accepted.
    #[arg(long, value_name = "D", default_value_t = 1e-3, value_parser = finite, allow_negative_numbers = true)]
    tolerance: f64,
}

/// What was found, in lines for people; and whether all agree.
#[derive(Debug)]
pub struct Agreement {
    /// A line for each backend, and one for each tensor that differs.
    pub text: String,
    /// Whether nothing differs.
    pub agrees: bool,
}

/// Runs `trm agree`.
///
/// # Errors
/// When a file can't be used, or a graph fails; the message names the file and the field.
pub fn run(args: &AgreeArgs) -> anyhow::Result<Agreement> {
    let (bundle, golden) = (Bundle::load(&args.bundle)?, Golden::read(&args.golden)?);
    golden.must_be_of(&bundle)?;
    let cells = golden.floats("input")?.map_or(0, |input| input.len() / bundle.manifest.encoding.channels.len());
    let mut agreement = Agreement { text: String::new(), agrees: true };
    for name in candidates(&bundle) {
        match by_name(&bundle, cells.isqrt(), name) {
            Ok(backend) => compare(args, &bundle, &golden, (name, backend), &mut agreement)?,
            // It is compared with tract when it is loaded.
            Err(LoadError::Parameter(_)) if levels().contains(&name) => {
                agreement.agrees = false;
                writeln!(agreement.text, "{name}: the kernel computes other numbers than tract")?;
            }
            // What this machine lacks, or what runs other architectures.
            Err(LoadError::Parameter(error)) if error.name == "backend" => {
                writeln!(agreement.text, "{name}: not compared, it is not {}", error.expected)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(agreement)
}

/// What may run the bundle. `cpu` is one of the others.
fn candidates(bundle: &Bundle) -> impl Iterator<Item = &'static str> {
    let kernel = has_kernel(bundle);
    NAMES.into_iter().filter(move |name| kernel || ["tract", "gpu"].contains(name)).filter(|name| *name != "cpu")
}

fn compare(
    args: &AgreeArgs,
    bundle: &Bundle,
    golden: &Golden,
    (name, mut backend): (&str, Box<dyn Backend>),
    agreement: &mut Agreement,
) -> anyhow::Result<()> {
    let tolerance = args.tolerance as f32;
    let mut comparison = golden.compare_each(bundle, backend.as_mut(), tolerance)?;
    let (_, steps) = golden.compare_steps(bundle, backend, tolerance)?;
    let is_new = |found: &Difference| comparison.differences.iter().all(|named| named.tensor != found.tensor);
    let more: Vec<Difference> = steps.differences.into_iter().filter(is_new).collect();
    comparison.differences.extend(more);
    let (numbers, largest) = (comparison.numbers + steps.numbers, comparison.largest.max(steps.largest));
    let text = &mut agreement.text;
    if comparison.differences.is_empty() {
        writeln!(text, "{name}: agrees, {numbers} numbers, largest difference {largest:.1e}")?;
        return Ok(());
    }
    agreement.agrees = false;
    let count = comparison.differences.len();
    writeln!(text, "{name}: differs by more than {:e} in {count} tensors", args.tolerance)?;
    for difference in comparison.differences.iter().take(NAMED) {
        writeln!(text, "  {difference}")?;
    }
    Ok(())
}
