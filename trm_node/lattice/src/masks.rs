//! Which states of a window may take which edges.

use trm_grid::geometry::Geometry;
use trm_grid::units::Cell;

use crate::lattice::{Edge, Lattice};
use crate::levels::{LEVELS, Levels};
use crate::obstacles::Obstacles;
use crate::primitive::Primitive;
use crate::row::Row;
use crate::simd::lanes::{Job, Lanes};
use crate::sweep::Run;

/// No arc costs more, in units: as much as 1365 straight cells.
pub(crate) const MAX_COST: u16 = 16_383;

/// An edge at one level of travel cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arc {
    /// Heading where it begins.
    pub from: usize,
    /// Columns from where it begins to where it ends.
    pub cols: i32,
    /// Rows from where it begins to where it ends.
    pub rows: i32,
    /// Cost in units.
    pub cost: u16,
    /// Heading where it ends.
    pub to: usize,
    /// Index of its edge.
    pub edge: u16,
}

/// A bit for each state of a window and each arc: whether the state may take it.
#[derive(Debug, Clone)]
pub(crate) struct Masks<R> {
    /// In the order of the heading where they end.
    pub arcs: Vec<Arc>,
    /// `into[h]..into[h + 1]` are the arcs that end at heading h.
    pub into: Vec<usize>,
    /// Indices of the arcs in the order of the heading where they begin.
    by_source: Vec<u32>,
    /// `by_source[out[h]..out[h + 1]]` begin at heading h.
    out: Vec<usize>,
    /// `[arc, row]`, by the state where the arc begins.
    pub may_take: Vec<R>,
    /// `[heading, row]`: where the robot may stand.
    pub may_stand: Vec<R>,
    /// `[primitive, row]`: where a primitive may begin.
    clear: Vec<R>,
    /// `[primitive, level - 1, row]`: where its middle is a cell of that level or a higher one.
    dear: Vec<R>,
    levels: usize,
}

impl<R: Row> Masks<R> {
    pub(crate) fn new(lattice: &Lattice, levels: &Levels) -> Self {
        let count = levels.weights().len();
        let arcs: Vec<_> = lattice
            .edges()
            .iter()
            .enumerate()
            .flat_map(|(at, edge)| levels.weights().iter().map(move |weight| arc(at, edge, *weight)))
            .collect();
        let headings = lattice.headings().len();
        let into = (0..=headings).map(|heading| arcs.partition_point(|arc| arc.to < heading)).collect();
        let mut by_source: Vec<_> = (0..arcs.len() as u32).collect();
        by_source.sort_by_key(|at| arcs[*at as usize].from);
        let begins_before = |heading: usize| by_source.partition_point(|at| arcs[*at as usize].from < heading);
        let out = (0..=headings).map(begins_before).collect();
        let rows = |count: usize| vec![R::default(); count * R::SIZE];
        let primitives = lattice.primitives().len();
        Self {
            may_take: rows(arcs.len()),
            may_stand: rows(headings),
            clear: rows(primitives),
            dear: rows(primitives * (count - 1)),
            levels: count,
            arcs,
            into,
            by_source,
            out,
        }
    }

    /// The arcs that end at a heading, with their indices.
    #[inline(always)]
    pub(crate) fn arcs_into(&self, heading: usize) -> std::ops::Range<usize> {
        self.into[heading]..self.into[heading + 1]
    }

    /// Indices of the arcs that begin at a heading.
    pub(crate) fn out_of(&self, heading: usize) -> &[u32] {
        &self.by_source[self.out[heading]..self.out[heading + 1]]
    }

    /// Whether a state may take an arc.
    pub(crate) fn allows(&self, arc: usize, col: usize, row: usize) -> bool {
        self.may_take[arc * R::SIZE + row].has(col)
    }
}

/// What an edge costs in units where a cell in its middle has this weight.
pub(crate) fn arc_cost(edge: &Edge, weight: f64) -> u16 {
    (f64::from(edge.cost) * weight).round().min(f64::from(MAX_COST)) as u16
}

fn arc(at: usize, edge: &Edge, weight: f64) -> Arc {
    let cost = arc_cost(edge, weight);
    let (from, to) = (edge.from as usize, edge.to as usize);
    Arc { from, cols: edge.step.col, rows: edge.step.row, cost, to, edge: at as u16 }
}

/// Computes the masks of the cells that `obstacles` holds.
pub(crate) struct MakeMasks<'a, R> {
    pub lattice: &'a Lattice,
    pub obstacles: &'a mut Obstacles,
    pub masks: &'a mut Masks<R>,
    /// The grid in which the base must stay, and the window's corner in it.
    pub grid: Option<(&'a Geometry, Cell)>,
}

impl<R: Row> Job for MakeMasks<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let Self { lattice, obstacles, masks, grid } = self;
        obstacles.double();
        for (heading, rest) in lattice.headings().iter().enumerate().map(|(at, _)| (at, lattice.rest(at as u8))) {
            clear(obstacles, rest, Cell::new(0, 0), &mut masks.may_stand[heading * R::SIZE..][..R::SIZE]);
        }
        for (at, primitive) in lattice.primitives().iter().enumerate() {
            let clear_rows = &mut masks.clear[at * R::SIZE..][..R::SIZE];
            clear(obstacles, &primitive.sweep, primitive.end, clear_rows);
            if let Some((grid, corner)) = grid {
                keep_base_inside(primitive, grid, corner, clear_rows);
            }
            for above in 1..masks.levels {
                let first = (at * (masks.levels - 1) + above - 1) * R::SIZE;
                crossed(obstacles, above - 1, primitive.middle, primitive.end, &mut masks.dear[first..][..R::SIZE]);
            }
        }
        for (at, edge) in lattice.edges().iter().enumerate() {
            masks.set_edge(at, edge);
        }
    }
}

impl<R: Row> Masks<R> {
    /// Spreads what is known of a primitive over the arcs of one of its edges.
    #[inline(always)]
    fn set_edge(&mut self, at: usize, edge: &Edge) {
        let primitive = edge.primitive as usize;
        for row in 0..R::SIZE {
            // Played backwards, a primitive may be taken from where it ends.
            let source = if edge.is_reversed { row as i32 + edge.step.row } else { row as i32 };
            let cols = if edge.is_reversed { edge.step.col } else { 0 };
            let is_inside = (0..R::SIZE as i32).contains(&source);
            let look = |rows: &[R]| if is_inside { rows[source as usize].look(cols) } else { R::default() };
            let mut left = look(&self.clear[primitive * R::SIZE..][..R::SIZE]);
            for level in (0..self.levels).rev() {
                let dear = if level == 0 {
                    !R::default()
                } else {
                    look(&self.dear[(primitive * (self.levels - 1) + level - 1) * R::SIZE..][..R::SIZE])
                };
                self.may_take[(at * self.levels + level) * R::SIZE + row] = left & dear;
                left = left & !dear;
            }
        }
    }
}

/// The rows of the window from which a motion ends inside.
#[inline(always)]
fn rows_inside(size: usize, end: Cell) -> (usize, usize) {
    ((-end.row).max(0) as usize, (size as i32 - end.row.max(0)) as usize)
}

/// From where a motion touches no blocked cell and ends inside the window.
#[inline(always)]
fn clear<R: Row>(obstacles: &Obstacles, sweep: &[Run], end: Cell, rows: &mut [R]) {
    let (first, last) = rows_inside(R::SIZE, end);
    rows.fill(R::default());
    for word in 0..R::WORDS {
        let mut hit = [0_u64; 128];
        let hit = &mut hit[..last - first];
        for run in sweep {
            obstacles.look(*run, word, first, hit);
        }
        for (row, hit) in rows[first..last].iter_mut().zip(hit) {
            row.add_word(word, !*hit);
        }
    }
    let inside = (!R::default()).look(end.col);
    for row in rows {
        *row = *row & inside;
    }
}

/// Takes the cells away from where the base would leave the grid. The rows are those from a corner on.
#[inline(always)]
pub(crate) fn keep_base_inside<R: Row>(primitive: &Primitive, grid: &Geometry, corner: Cell, rows: &mut [R]) {
    let [low, high] = primitive.origins(grid);
    let size = R::SIZE as i32;
    let first = (low.col - corner.col).max(0);
    let none_after = high.col - corner.col + 1;
    if first == 0 && none_after >= size && low.row <= corner.row && high.row >= corner.row + size - 1 {
        return;
    }
    let all = !R::default();
    let from_first = if first < size { all.look(-first) } else { R::default() };
    let until_last = match none_after {
        ..=0 => R::default(),
        after if after < size => all.look(size - after),
        _ => all,
    };
    for (at, row) in rows.iter_mut().enumerate() {
        let is_inside = (low.row..=high.row).contains(&(corner.row + at as i32));
        *row = if is_inside { *row & from_first & until_last } else { R::default() };
    }
}

/// From where the middle of the base's way is a cell of a level or a higher one.
#[inline(always)]
fn crossed<R: Row>(obstacles: &Obstacles, level: usize, middle: Cell, end: Cell, rows: &mut [R]) {
    debug_assert!(level < LEVELS - 1);
    let (first, last) = rows_inside(R::SIZE, end);
    rows.fill(R::default());
    for word in 0..R::WORDS {
        let mut hit = [0_u64; 128];
        let hit = &mut hit[..last - first];
        obstacles.look_level(level, middle, word, first, hit);
        for (row, hit) in rows[first..last].iter_mut().zip(hit) {
            row.add_word(word, *hit);
        }
    }
}
