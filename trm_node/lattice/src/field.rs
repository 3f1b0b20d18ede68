//! The exact cost-to-go of a window over position and heading.

use std::sync::Arc;

use trm_grid::travel::Travel;
use trm_grid::units::Cell;

use crate::blocked::Blocked;
use crate::engine::Engine;
use crate::error::LatticeError;
use crate::lattice::{Lattice, State};
use crate::level::Level;
use crate::levels::{BLOCKED, Levels};
use crate::roll_out::{Step, most_steps, roll_out};
use crate::seed::{Seed, Solution};

/// Cost-to-go of every state in a window of 64 or 128 cells. Nothing is allocated after construction, unless there are more
/// than `16 · size · headings` seeds.
///
/// ```
/// use std::sync::Arc;
/// use trm_config::{GridConfig, MotionModel};
/// use trm_grid::{travel::Travel, units::Cell};
/// use trm_lattice::field::Field;
/// use trm_lattice::headings::Headings;
/// use trm_lattice::lattice::{Lattice, State};
/// use trm_lattice::motion::Motion;
/// use trm_lattice::seed::Seed;
///
/// let footprint = "[[0.7, 0.31], [-0.2, 0.31], [-0.2, -0.31], [0.7, -0.31]]".parse()?;
/// let motion = Motion {
///     model: MotionModel::Car, turning_radius: 10.0, allow_reverse: true, reverse_penalty: 2.0,
///     non_straight_penalty: 1.2, change_penalty: 5.0, turning_cost: 0.0,
/// };
/// let lattice = Arc::new(Lattice::new(&footprint, 0.05, motion, Headings::H16)?);
/// let mut field = Field::new(lattice, 64, Travel::new(&GridConfig::default()))?;
/// field.load(Cell::new(0, 0), |_| Some(0));
/// let goal = State { cell: Cell::new(50, 30), heading: 0 };
/// let solution = field.solve(&[Seed { state: goal, cost: 0 }], &mut || true);
/// assert!(solution.is_whole);
/// let start = State { cell: Cell::new(10, 30), heading: 0 };
/// assert_eq!(field.value(start), Some(40 * 12));
/// let mut steps = Vec::new();
/// assert!(field.roll_out(start, &mut steps) && steps.len() == 40);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Field {
    lattice: Arc<Lattice>,
    size: usize,
    rows: Rows,
}

/// Rows of the two sizes.
#[derive(Debug, Clone)]
enum Rows {
    Narrow(Box<Engine<u64>>),
    Wide(Box<Engine<u128>>),
}

/// The same with the engine of either size.
macro_rules! either {
    ($field:expr, $engine:ident => $value:expr) => {
        match $field {
            Rows::Narrow($engine) => $value,
            Rows::Wide($engine) => $value,
        }
    };
}

impl Field {
    /// A field of `size` × `size` cells with the fastest instructions of this processor.
    ///
    /// # Errors
    /// [`LatticeError`] if `size` is neither 64 nor 128.
    pub fn new(lattice: Arc<Lattice>, size: usize, travel: Travel) -> Result<Self, LatticeError> {
        Self::with_level(lattice, size, travel, Level::available()[0])
    }

    /// As [`Self::new`], with a choice of instructions.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_level(lattice: Arc<Lattice>, size: usize, travel: Travel, level: Level) -> Result<Self, LatticeError> {
        let levels = Levels::new(travel);
        let rows = match size {
            64 => Rows::Narrow(Box::new(Engine::new(&lattice, levels, level))),
            128 => Rows::Wide(Box::new(Engine::new(&lattice, levels, level))),
            _ => return Err(LatticeError::new("window_size", size as f64, "must be 64 or 128 cells")),
        };
        Ok(Self { lattice, size, rows })
    }

    /// The lattice.
    #[must_use]
    pub fn lattice(&self) -> &Lattice {
        &self.lattice
    }

    /// Side length of the window in cells.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Takes the costs of a window whose cell (0, 0) is the grid's cell `corner`, and of the cells around it that the robot
    /// may touch; `None` is outside of the grid. A base that isn't inside the outline may be there.
    /// What the field says holds for the window before until [`Self::solve`].
    pub fn load(&mut self, corner: Cell, cost: impl Fn(Cell) -> Option<u8>) {
        let level = |cell: Cell, levels: &Levels| levels.level(cost(cell));
        either!(&mut self.rows, engine => engine.load(&self.lattice, corner, None, level));
    }

    /// As [`Self::load`], of ground that is told by which cells are blocked and by the weight of the others. The base stays in
    /// the grid.
    pub fn load_ground(&mut self, corner: Cell, blocked: &Blocked, weight: impl Fn(Cell) -> f32) {
        let level = |cell: Cell, levels: &Levels| {
            if blocked.is_blocked(cell) { BLOCKED } else { levels.nearest(weight(cell)) }
        };
        either!(&mut self.rows, engine => engine.load(&self.lattice, corner, Some(blocked.geometry()), level));
    }

    /// Computes the cost-to-go to seeds. Asks now and then whether it may go on; values below the one that it had come to
    /// are exact even if not.
    ///
    /// What still holds of the last field is kept if that was whole, the seeds are the same, and the window has moved by
    /// less than half of its size. The result is the same to the last unit. Finding what holds takes at most as long as
    /// looking at every row four times; it isn't interrupted.
    pub fn solve(&mut self, seeds: &[Seed], may_go_on: &mut dyn FnMut() -> bool) -> Solution {
        either!(&mut self.rows, engine => engine.solve(seeds, may_go_on))
    }

    /// Goes on with a computation that was stopped. The window and the ground are those that it began with.
    pub fn go_on(&mut self, may_go_on: &mut dyn FnMut() -> bool) -> Solution {
        either!(&mut self.rows, engine => engine.go_on(may_go_on))
    }

    /// Forgets the last field: the next one is computed anew.
    pub fn forget(&mut self) {
        either!(&mut self.rows, engine => engine.forget());
    }

    /// The same by Dijkstra's algorithm, state by state: what [`Self::solve`] is tested against. Allocates.
    pub fn solve_by_dijkstra(&mut self, seeds: &[Seed]) -> Solution {
        either!(&mut self.rows, engine => engine.solve_by_dijkstra(seeds))
    }

    /// The cost-to-go of a state in units; `None` if there is no known way, or outside of the window.
    #[must_use]
    pub fn value(&self, state: State) -> Option<u16> {
        either!(&self.rows, engine => engine.value(state))
    }

    /// Whether what [`Self::value`] says of a state of the window is exact. A state without a known way has none then.
    #[must_use]
    pub fn is_exact(&self, state: State) -> bool {
        either!(&self.rows, engine => engine.is_exact(state))
    }

    /// Whether the robot at rest in a state of the loaded window touches no blocked cell.
    #[must_use]
    pub fn may_stand(&self, state: State) -> bool {
        either!(&self.rows, engine => engine.may_stand(state))
    }

    /// The steps from a state to a seed, along which the cost-to-go falls. `false`, with the steps until there, if the
    /// field doesn't know the way.
    ///
    /// It is a cheapest way, or one that costs more by at most [`crate::motion::Motion::change_penalty`] for each of its
    /// stretches without a change between forwards and backwards.
    pub fn roll_out(&self, from: State, steps: &mut Vec<Step>) -> bool {
        either!(&self.rows, engine => roll_out(&**engine, &self.lattice, from, steps))
    }

    /// No way has more steps: room for this many is enough for [`Self::roll_out`].
    #[must_use]
    pub fn max_steps(&self) -> usize {
        most_steps(&self.lattice)
    }
}
