//! Windows that a GPU thinks about before they are planned in: the first two answers of each, from the initial state. The states
//! after them stay on the device, for the plan to go on from.

use std::ops::Range;
use std::time::Duration;

use arrayvec::ArrayVec;
use trm_gpu::{GpuRecursion, MAX_UPDATES};

use crate::bundle::Bundle;
use crate::error::InferenceError;
use crate::gpu_call::{failed, run, up_to};
use crate::graph::Graph;
use crate::graphs::{Shape, Update};

/// The most windows, and how many cells they have at most, all together: those of as many windows of 128 x 128.
const MOST: usize = 8;
const CELLS: usize = MOST * 128 * 128;
/// What is known of a window: the answer after the first step, and the one after that.
const ROUNDS: usize = 2;

/// What the recursion asks for in a round.
type Round = ArrayVec<Update, MAX_UPDATES>;

/// The windows.
pub(crate) struct GpuAhead {
    rounds: [Round; ROUNDS],
    /// The device's window of the first of them.
    first: usize,
    windows: Vec<Foreseen>,
    /// How many of them were added.
    added: usize,
    /// Whether all that were added were thought about.
    is_thought: bool,
}

/// A window.
struct Foreseen {
    /// `[channels, size, size]`.
    input: Vec<f32>,
    /// The first answer: its logits `[CLASSES, size, size]`, q, and its change. The second one is where the device has put it.
    logits: Vec<f32>,
    q: f32,
    change: f32,
    /// Whether the device has the second answer and the states after it: no plan has gone on from them.
    is_there: bool,
}

/// An answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    pub logits: &'a [f32],
    pub q: f32,
    pub change: f32,
}

/// How far a plan has come in a window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// The device's window.
    pub window: usize,
    rounds: usize,
}

impl GpuAhead {
    /// Room for some windows, from the device's window `first` on. There is none where a step doesn't fit a call.
    pub fn new(bundle: &Bundle, shape: Shape, first: usize) -> Self {
        let architecture = bundle.manifest.architecture;
        let per_step = architecture.applications_per_step();
        let most = if per_step <= crate::recursion::MAX_UPDATES { MOST } else { 0 };
        let cycle = std::iter::repeat_n(Update::Latent, architecture.latent_updates).chain([Update::Answer]);
        let step = cycle.clone().cycle().take(per_step);
        let window = || Foreseen {
            input: vec![0.0; shape.input_len()],
            logits: vec![0.0; shape.logits_len()],
            q: 0.0,
            change: f32::INFINITY,
            is_there: false,
        };
        let windows = (0..most.min(CELLS / (shape.size * shape.size))).map(|_| window()).collect();
        let rounds = [step.take(MAX_UPDATES).collect(), cycle.take(MAX_UPDATES).collect()];
        Self { rounds, first, windows, added: 0, is_thought: false }
    }

    /// The device's windows that are worked on together: each one alone, those before the first too, and these.
    pub fn ranges(&self) -> Vec<Range<usize>> {
        let (first, count) = (self.first, self.windows.len());
        let together = if count > 1 { up_to(first, count) } else { Vec::new() };
        (0..first + count).map(|window| window..window + 1).chain(together).collect()
    }

    pub const fn capacity(&self) -> usize {
        self.windows.len()
    }

    pub const fn forget(&mut self) {
        (self.added, self.is_thought) = (0, false);
    }

    /// One more window.
    pub fn add(&mut self, input: &[f32]) {
        if let Some(window) = self.windows.get_mut(self.added) {
            window.input.copy_from_slice(input);
            (self.added, self.is_thought) = (self.added + 1, false);
        }
    }

    /// Thinks about all of them.
    pub fn think(&mut self, gpu: &mut GpuRecursion, patience: Duration) -> Result<(), InferenceError> {
        self.is_thought = false;
        let result = if self.added > 0 { self.run(gpu, patience) } else { Ok(()) };
        match result {
            Ok(()) => self.is_thought = true,
            Err(_) => self.forget(),
        }
        result
    }

    fn run(&mut self, gpu: &mut GpuRecursion, patience: Duration) -> Result<(), InferenceError> {
        let Self { rounds, first, windows, added, .. } = self;
        gpu.check_ready().map_err(|error| failed(Graph::Encode, &error))?;
        gpu.set_active(&(*first..*first + *added));
        for (at, window) in (*first..).zip(&mut windows[..*added]) {
            window.is_there = true;
            gpu.reset(at);
            gpu.set_input(at, &window.input);
        }
        let patience = patience / ROUNDS as u32;
        let [step, cycle] = rounds;
        run(gpu, Graph::Net, step, patience)?;
        for (at, window) in (*first..).zip(&mut windows[..*added]) {
            window.logits.copy_from_slice(gpu.logits(at));
            (window.q, window.change) = (gpu.q(at), gpu.change(at));
        }
        run(gpu, Graph::Net, cycle, patience)?;
        Ok(())
    }

    /// Where a plan with this input begins.
    pub fn find(&self, input: &[f32]) -> Option<Place> {
        let known = if self.is_thought { &self.windows[..self.added] } else { &[] };
        let window = self.first + known.iter().position(|window| window.input == input)?;
        Some(Place { window, rounds: 0 })
    }

    /// The place after these updates, if they are what was done there.
    pub fn after(&self, place: Place, updates: &[Update]) -> Option<Place> {
        let round = self.rounds.get(place.rounds)?;
        let after = Place { rounds: place.rounds + 1, ..place };
        let is_known = after.rounds < ROUNDS || self.is_there(after);
        (is_known && round.as_slice() == updates).then_some(after)
    }

    /// The last answer there.
    pub fn answer<'a>(&'a self, place: Place, gpu: &'a GpuRecursion) -> Option<Answer<'a>> {
        let Foreseen { logits, q, change, .. } = &self.windows[place.window - self.first];
        let at = place.window;
        match place.rounds {
            0 => None,
            ROUNDS => Some(Answer { logits: gpu.logits(at), q: gpu.q(at), change: gpu.change(at) }),
            _ => Some(Answer { logits, q: *q, change: *change }),
        }
    }

    /// Whether the device has the states of a place.
    pub fn is_there(&self, place: Place) -> bool {
        place.rounds == ROUNDS && self.windows[place.window - self.first].is_there
    }

    /// Whether the device has the states of a place, from which a plan goes on now.
    pub fn leave(&mut self, place: Place) -> bool {
        let is_there = self.is_there(place);
        self.windows[place.window - self.first].is_there = false;
        is_there
    }

    /// What a plan there has begun with, and what it has asked for.
    pub fn past(&self, place: Place) -> (&[f32], impl Iterator<Item = Update>) {
        let input = &self.windows[place.window - self.first].input;
        (input, self.rounds[..place.rounds].iter().flatten().copied())
    }
}
