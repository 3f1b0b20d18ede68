//! A batch on the processor: its windows are shared out among threads, which are made once. Each thread has graphs of its
//! own, so the weights stay in its cache.

use std::time::Duration;

use rayon::iter::{IndexedParallelIterator as _, IntoParallelRefMutIterator as _, ParallelIterator as _};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::backend::State;
use crate::batch::{Batch, BatchAnswer, BatchError, check_length};
use crate::bundle::{Bundle, Start};
use crate::error::{InferenceError, LoadError};
use crate::graph::Graph;
use crate::graphs::{Graphs, Shape, Update};
use crate::states::{HostStates, Scratch};

/// A batch in the host's memory.
pub(crate) struct HostBatch {
    shape: Shape,
    capacity: usize,
    start: Start,
    /// Window `w` is in the share `w % shares`, at `w / shares`.
    shares: Vec<Share>,
    /// `None`: the calling thread does it.
    pool: Option<ThreadPool>,
}

/// What one thread works on.
struct Share {
    graphs: Box<dyn Graphs>,
    scratch: Scratch,
    windows: Vec<HostWindow>,
}

/// One window.
struct HostWindow {
    states: HostStates,
    /// `[channels, size, size]`.
    input: Vec<f32>,
    is_begun: bool,
    /// Whether the input must be encoded.
    is_new: bool,
    q: f32,
    change: f32,
}

impl HostBatch {
    /// Room for `capacity` windows, and threads with graphs of their own, which `make` makes. There are never more threads
    /// than windows.
    ///
    /// # Errors
    /// Those of `make`; [`LoadError::Inference`] when the threads can't be started.
    pub fn new(
        bundle: &Bundle,
        capacity: usize,
        threads: usize,
        mut make: impl FnMut() -> Result<Box<dyn Graphs>, LoadError>,
    ) -> Result<Self, LoadError> {
        let threads = threads.min(capacity);
        let shares = (0..threads).map(|at| {
            let graphs = make()?;
            let windows = (at..capacity).step_by(threads).map(|_| HostWindow::new(graphs.shape())).collect();
            let scratch = Scratch::new(graphs.shape());
            Ok(Share { graphs, scratch, windows })
        });
        let shares: Vec<Share> = shares.collect::<Result<_, LoadError>>()?;
        let pool = || {
            let name = |at| format!("trm batch {at}");
            let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build();
            pool.map_err(|error| InferenceError::new(Graph::Net, error))
        };
        let pool = if threads > 1 { Some(pool()?) } else { None };
        Ok(Self { shape: shares[0].graphs.shape(), capacity, start: bundle.manifest.start.clone(), shares, pool })
    }

    /// Does something with each window that was begun, on all threads. The error is that of one of the windows.
    fn for_each(
        &mut self,
        work: impl Fn(&mut HostWindow, (&mut dyn Graphs, &mut Scratch)) -> Result<(), InferenceError> + Sync,
    ) -> Result<(), BatchError> {
        let begun = |share: &Share| share.windows.iter().any(|window| window.is_begun);
        if !self.shares.iter().any(begun) {
            return Err(BatchError::Empty);
        }
        let of_share = |share: &mut Share| {
            let Share { graphs, scratch, windows } = share;
            windows.iter_mut().filter(|window| window.is_begun).try_for_each(|window| {
                window.encode(graphs.as_mut())?;
                work(window, (graphs.as_mut(), scratch))
            })
        };
        let shares = &mut self.shares;
        let result = match &self.pool {
            Some(pool) => pool.install(|| shares.par_iter_mut().with_max_len(1).try_for_each(of_share)),
            None => shares.iter_mut().try_for_each(of_share),
        };
        if result.is_err() {
            self.windows().for_each(|window| window.is_begun = false);
        }
        Ok(result?)
    }

    fn windows(&mut self) -> impl Iterator<Item = &mut HostWindow> {
        self.shares.iter_mut().flat_map(|share| &mut share.windows)
    }

    fn at(&self, window: usize) -> Result<&HostWindow, BatchError> {
        let (capacity, shares) = (self.capacity, self.shares.len());
        let found = self.shares[window % shares].windows.get(window / shares);
        found.ok_or(BatchError::NoWindow { window, capacity })
    }

    fn at_mut(&mut self, window: usize) -> Result<&mut HostWindow, BatchError> {
        let (capacity, shares) = (self.capacity, self.shares.len());
        let found = self.shares[window % shares].windows.get_mut(window / shares);
        found.ok_or(BatchError::NoWindow { window, capacity })
    }

    fn begun(&self, window: usize) -> Result<&HostWindow, BatchError> {
        Some(self.at(window)?).filter(|found| found.is_begun).ok_or(BatchError::NotBegun(window))
    }
}

impl HostWindow {
    fn new(shape: Shape) -> Self {
        Self {
            states: HostStates::new(shape),
            input: vec![0.0; shape.input_len()],
            is_begun: false,
            is_new: false,
            q: 0.0,
            change: f32::INFINITY,
        }
    }

    fn encode(&mut self, graphs: &mut dyn Graphs) -> Result<(), InferenceError> {
        if self.is_new {
            self.states.embed(graphs, &self.input)?;
            self.is_new = false;
        }
        Ok(())
    }
}

impl Batch for HostBatch {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn begin(&mut self, window: usize, input: &[f32]) -> Result<(), BatchError> {
        let expected = self.shape.input_len();
        self.at(window)?;
        check_length("the input", window, input.len(), expected)?;
        let start = self.start.clone();
        let begun = self.at_mut(window)?;
        begun.input.copy_from_slice(input);
        begun.states.reset(&start);
        (begun.is_begun, begun.is_new) = (true, true);
        (begun.q, begun.change) = (0.0, f32::INFINITY);
        Ok(())
    }

    fn end(&mut self, window: usize) -> Result<(), BatchError> {
        self.at_mut(window)?.is_begun = false;
        Ok(())
    }

    fn advance(&mut self, updates: &[Update], _patience: Duration) -> Result<(), BatchError> {
        self.for_each(|window, tools| {
            let advanced = window.states.advance(tools, updates)?;
            window.change = advanced.change.unwrap_or(window.change);
            Ok(())
        })
    }

    fn decode(&mut self, _patience: Duration) -> Result<(), BatchError> {
        self.for_each(|window, (graphs, _)| {
            window.q = window.states.decode(graphs)?;
            Ok(())
        })
    }

    fn answer(&self, window: usize) -> Result<BatchAnswer<'_>, BatchError> {
        let HostWindow { states, q, change, .. } = self.begun(window)?;
        Ok(BatchAnswer { logits: states.logits(), q: *q, change: *change, is_finite: states.is_finite() })
    }

    fn read(&mut self, window: usize, state: State, into: &mut [f32]) -> Result<(), BatchError> {
        let states = &self.begun(window)?.states;
        check_length("the state", window, into.len(), states.get(state).len())?;
        into.copy_from_slice(states.get(state));
        Ok(())
    }
}
