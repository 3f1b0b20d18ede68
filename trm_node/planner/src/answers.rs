//! The answers of the model in one plan, copied into memory that is taken once, for who shows them elsewhere.

use trm_grid::units::Cell;
use trm_grid::window::Window;

use crate::watch::Answer;

/// So many answers are kept of a plan; of more than that, the first ones and the last.
pub const MOST: usize = 32;
/// So many cells of each path are kept.
const PATH_CELLS: usize = 1024;
/// In the place of a move: the cell is blocked.
const BLOCKED: u8 = u8::MAX;

/// What is kept of an answer.
#[derive(Debug, Clone)]
pub struct Kept {
    /// How many times the network was applied before it.
    pub applications: usize,
    /// Whether its own path passes the check.
    pub is_verified: bool,
    /// Its path inside the window.
    pub path: Vec<Cell>,
    /// The most probable class of each cell of the window, [`BLOCKED`] in blocked ones.
    best: Vec<u8>,
}

/// The answers of one plan.
#[derive(Debug, Clone)]
pub struct Answers {
    window: Option<Window>,
    kept: Vec<Kept>,
    count: usize,
}

impl Answers {
    /// Memory for windows of at most so many cells a side.
    #[must_use]
    pub fn new(size: usize) -> Self {
        let one = || Kept {
            applications: 0,
            is_verified: false,
            path: Vec::with_capacity(PATH_CELLS),
            best: vec![0; size * size],
        };
        Self { window: None, kept: (0..MOST).map(|_| one()).collect(), count: 0 }
    }

    /// Forgets all of them.
    pub const fn clear(&mut self) {
        (self.window, self.count) = (None, 0);
    }

    /// Keeps an answer. Allocates nothing where the window isn't larger than was said.
    pub fn keep(&mut self, answer: &Answer) {
        self.window = Some(answer.field.window);
        self.count = (self.count + 1).min(MOST);
        let kept = &mut self.kept[self.count - 1];
        kept.applications = answer.applications;
        kept.is_verified = answer.assessment.cost.is_some();
        kept.path.clear();
        kept.path.extend_from_slice(&answer.path[..answer.path.len().min(PATH_CELLS)]);
        kept.best.clear();
        let cells = answer.field.blocked.len();
        kept.best.extend((0..cells).map(|at| answer.field.best(at).map_or(BLOCKED, |class| class as u8)));
    }

    /// The window that they are about; `None` without any.
    #[must_use]
    pub const fn window(&self) -> Option<Window> {
        self.window
    }

    /// All of them in their order.
    #[must_use]
    pub fn kept(&self) -> &[Kept] {
        &self.kept[..self.count]
    }

    /// The cells whose best move differs in an answer from that in the answer before it; none in the first one.
    pub fn changed(&self, at: usize) -> impl Iterator<Item = Cell> {
        let before = at.checked_sub(1).map_or(&[][..], |before| &self.kept[before].best);
        let pairs = before.iter().zip(&self.kept[at].best).enumerate();
        let window = self.window;
        pairs.filter(|(_, (before, now))| before != now).filter_map(move |(at, _)| {
            let size = window?.size();
            Some(window?.global(Cell::new((at % size) as i32, (at / size) as i32)))
        })
    }
}
