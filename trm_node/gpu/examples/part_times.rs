//! What the parts of a submission cost on the GPU, for one window: an empty one, the input with its encoding, an
//! application of the net (the slope between few and many), the decoding.
//!
//! `cargo run --release -p trm_gpu --example part_times [SIDE [ROUNDS]]`

use std::time::{Duration, Instant};

use trm_gpu::{Gpu, GpuRecursion, Update};
use trm_kernel::testing::{numbers, weights};
use trm_kernel::{CHANNELS, HIDDEN, PATCH};

const PATIENCE: Duration = Duration::from_secs(20);
/// Applications between which the slope is taken.
const FEW: usize = 8;
const MANY: usize = 56;

fn main() {
    let argument = |at: usize| std::env::args().nth(at).and_then(|text| text.parse::<usize>().ok());
    let (tokens, rounds) = (argument(1).unwrap_or(64) / PATCH, argument(2).unwrap_or(500));
    let start = [numbers(HIDDEN, 1), numbers(HIDDEN, 2)];
    let opened = Gpu::open().and_then(|gpu| {
        GpuRecursion::new(gpu, &weights(2), [&start[0], &start[1]], tokens, std::slice::from_ref(&(0..1)))
    });
    let mut gpu = match opened {
        Ok(gpu) => gpu,
        Err(error) => return println!("{error}"),
    };
    println!("{}, a window of {} cells, n = {rounds}, p50 in microseconds", gpu.device_name(), PATCH * tokens);
    let input = numbers(CHANNELS * PATCH * PATCH * tokens * tokens, 5);
    gpu.set_input(0, &input);
    let mut median = |work: &mut dyn FnMut(&mut GpuRecursion)| {
        let mut times: Vec<Duration> = (0..rounds)
            .map(|_| {
                let began = Instant::now();
                work(&mut gpu);
                began.elapsed()
            })
            .collect();
        times.sort();
        times[rounds / 2].as_secs_f64() * 1e6
    };
    let mut run = |latents: usize, answer: bool, decode: bool| {
        let updates: Vec<Update> =
            std::iter::repeat_n(Update::Latent, latents).chain(answer.then_some(Update::Answer)).collect();
        median(&mut |gpu| gpu.run(&updates, decode, PATIENCE).expect("a device that works"))
    };
    let (few, many) = (run(FEW, false, false), run(MANY, false, false));
    let (few, many) = (few.min(run(FEW, false, false)), many.min(run(MANY, false, false)));
    let empty = run(0, false, false);
    println!("empty submission      {empty:8.1}");
    println!("an application        {:8.1}", (many - few) / (MANY - FEW) as f64);
    println!("an answer, more       {:8.1}", run(0, true, false) - empty);
    println!("decoding, more        {:8.1}", run(0, false, true) - empty);
    println!("a cycle               {:8.1}", run(3, true, true));
    let embedding = median(&mut |gpu| {
        gpu.set_input(0, &input);
        gpu.run(&[], false, PATIENCE).expect("a device that works");
    });
    println!("input, encoding, more {:8.1}", embedding - empty);
}
