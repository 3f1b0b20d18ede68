//! The edges of a lattice as a field over a map looks at them.

use trm_grid::units::Cell;

use crate::lattice::Lattice;
use crate::levels::{LEVELS, Levels};
use crate::masks::arc_cost;

/// An edge, by the cell where it begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MapEdge {
    /// Heading where it begins.
    pub from: usize,
    /// Heading where it ends.
    pub to: u8,
    /// Columns and rows to where it ends.
    pub step: Cell,
    /// Columns and rows to the cell in its middle, which tells what it costs.
    pub middle: Cell,
    /// Cost in units by the level of that cell.
    pub costs: [u16; LEVELS],
    pub primitive: usize,
    /// Whether the primitive is played backwards: it begins where the edge ends.
    pub is_reversed: bool,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Edges {
    /// In the order of [`Lattice::edges`]: by the heading where they end.
    pub all: Vec<MapEdge>,
    /// `into[h]..into[h + 1]` end at heading h.
    pub into: Vec<usize>,
    /// Those that begin at each heading.
    pub out: Vec<Vec<u16>>,
    /// The greatest cost.
    pub dearest: u16,
}

impl Edges {
    pub fn new(lattice: &Lattice, levels: &Levels) -> Self {
        let all: Vec<_> = lattice
            .edges()
            .iter()
            .map(|edge| {
                let middle = lattice.primitives()[edge.primitive as usize].middle;
                let origin = if edge.is_reversed { edge.step } else { Cell::new(0, 0) };
                let weight = |level: usize| levels.weights().get(level).copied().unwrap_or(1.0);
                MapEdge {
                    from: edge.from as usize,
                    to: edge.to,
                    step: edge.step,
                    middle: Cell::new(origin.col + middle.col, origin.row + middle.row),
                    costs: std::array::from_fn(|level| arc_cost(edge, weight(level))),
                    primitive: edge.primitive as usize,
                    is_reversed: edge.is_reversed,
                }
            })
            .collect();
        let headings = lattice.headings().len();
        let into = (0..=headings).map(|heading| all.partition_point(|edge| (edge.to as usize) < heading)).collect();
        let numbered = |heading: usize| all.iter().enumerate().filter(move |(_, edge)| edge.from == heading);
        let out = (0..headings).map(|heading| numbered(heading).map(|(at, _)| at as u16).collect()).collect();
        let dearest = all.iter().flat_map(|edge| edge.costs).max().unwrap_or(0);
        Self { all, into, out, dearest }
    }
}
