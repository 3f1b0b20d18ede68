//! How long a supervision step takes on the GPU and on one core of the CPU, from the call to the logits, by the window's
//! side and by the number of windows in a batch. Both run the same made-up weights in turns.
//!
//! `cargo run --release -p trm_gpu --example step_times [ROUNDS [TOKENS]]`, TOKENS being the largest batch's

use std::time::{Duration, Instant};

use trm_gpu::{Gpu, GpuRecursion, Update};
use trm_kernel::testing::{numbers, weights};
use trm_kernel::{CHANNELS, CLASSES, FusedKernel, HIDDEN, Level, PATCH, Series};

const PATIENCE: Duration = Duration::from_secs(20);
const LAYERS: usize = 2;
/// As in the released bundle: n = 3 and T = 2.
const LATENTS: usize = 3;
const CYCLES: usize = 2;
const STEP: [Update; (LATENTS + 1) * CYCLES] = {
    let mut step = [Update::Latent; (LATENTS + 1) * CYCLES];
    step[LATENTS] = Update::Answer;
    step[2 * LATENTS + 1] = Update::Answer;
    step
};

/// The CPU's part: the states of one window, and the kernel.
struct Cpu {
    kernel: FusedKernel,
    states: [Vec<f32>; 3],
    sum: Vec<f32>,
    logits: Vec<f32>,
}

impl Cpu {
    fn new(tokens: usize) -> Self {
        let state = || numbers(tokens * tokens * HIDDEN, 3);
        let kernel = FusedKernel::new(&weights(LAYERS), tokens, Level::available()[0]).expect("complete weights");
        let logits = vec![0.0; CLASSES * tokens * tokens * PATCH * PATCH];
        Self { kernel, states: [state(), state(), state()], sum: state(), logits }
    }

    fn step(&mut self, input: &[f32]) {
        let [x, y, z] = &mut self.states;
        self.kernel.encode(input, x);
        for _ in 0..CYCLES {
            for _ in 0..LATENTS {
                self.sum.iter_mut().enumerate().for_each(|(at, sum)| *sum = x[at] + y[at] + z[at]);
                self.kernel.net(Series::Latent, &self.sum, z);
            }
            self.sum.iter_mut().enumerate().for_each(|(at, sum)| *sum = y[at] + z[at]);
            self.kernel.net(Series::Answer, &self.sum, y);
        }
        self.kernel.decode(y, x, &mut self.logits);
    }
}

fn gpu_step(gpu: &mut GpuRecursion, windows: usize, input: &[f32]) -> f32 {
    (0..windows).for_each(|window| gpu.set_input(window, input));
    gpu.run(&STEP, true, PATIENCE).expect("a device that works");
    (0..windows).map(|window| gpu.logits(window)[0] + gpu.q(window) + gpu.change(window)).sum()
}

fn percentiles(times: &mut [Duration]) -> String {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    format!("{:8.3} {:8.3} {:8.3}", at(0.5), at(0.99), at(1.0))
}

fn main() {
    let argument = |at: usize| std::env::args().nth(at).and_then(|text| text.parse::<usize>().ok());
    let (rounds, most_tokens) = (argument(1).unwrap_or(200), argument(2).unwrap_or(256));
    let name = match Gpu::open() {
        Ok(gpu) => format!("{} ({:?})", gpu.name(), gpu.kind()),
        Err(error) => return println!("{error}"),
    };
    println!("{name} against one core ({:?}); milliseconds p50, p99, max of a supervision step", Level::available()[0]);
    println!("side windows |   GPU per call            | CPU per window            | ratio of medians per window");
    for (tokens, windows) in
        [(32, 1), (64, 1), (128, 1), (256, 1), (32, 2), (32, 4), (32, 8), (32, 16), (32, 32), (64, 8), (128, 8)]
    {
        if tokens * tokens * windows > most_tokens * most_tokens {
            continue;
        }
        let start = [numbers(HIDDEN, 1), numbers(HIDDEN, 2)];
        let began = Instant::now();
        let opened = Gpu::open().and_then(|gpu| {
            GpuRecursion::new(
                gpu,
                &weights(LAYERS),
                [&start[0], &start[1]],
                tokens,
                std::slice::from_ref(&(0..windows)),
            )
        });
        let mut gpu = match opened {
            Ok(gpu) => gpu,
            Err(error) => return println!("{error}"),
        };
        let opening = began.elapsed();
        let mut cpu = Cpu::new(tokens);
        let input = numbers(CHANNELS * PATCH * PATCH * tokens * tokens, 5);
        let (mut on_gpu, mut on_cpu) = (Vec::new(), Vec::new());
        let mut sum = 0.0;
        let rounds = rounds.min(100 * 256 * 256 / (tokens * tokens * windows)).max(5);
        for round in 0..rounds + 5 {
            let began = Instant::now();
            sum += gpu_step(&mut gpu, windows, &input);
            let gpu_time = began.elapsed();
            let began = Instant::now();
            if round % 4 == 0 {
                cpu.step(&input);
            }
            if round >= 5 {
                on_gpu.push(gpu_time);
                on_cpu.extend((round % 4 == 0).then(|| began.elapsed()));
            }
        }
        assert!(sum.is_finite());
        let (gpu, cpu) = (percentiles(&mut on_gpu), percentiles(&mut on_cpu));
        let ratio = on_cpu[on_cpu.len() / 2].as_secs_f64() * windows as f64 / on_gpu[on_gpu.len() / 2].as_secs_f64();
        println!(
            "{:4} {windows:7} | {gpu} | {cpu} | {ratio:6.2}   (made in {opening:.2?}, n = {rounds})",
            PATCH * tokens
        );
    }
}
