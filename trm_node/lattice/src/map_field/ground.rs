//! What the ground of a whole map is: blocked cells, and levels of travel cost.

use trm_grid::costmap::Costmap;
use trm_grid::geometry::{Geometry, Rect};
use trm_grid::travel::Travel;
use trm_grid::units::Cell;

use crate::blocked::Blocked;
use crate::levels::Levels;

/// Columns and rows around the grid that may be looked at: tiles extend beyond it, and edges beyond tiles.
const BORDER: i32 = 128;
/// Changes are boxed by squares of this side.
const SQUARE: i32 = 64;

/// The ground of a map.
#[derive(Debug)]
pub(super) struct Ground {
    pub blocked: Blocked,
    travel: Travel,
    pub levels: Levels,
    /// The level of each cost.
    of: [u8; 256],
    /// `planes[k]`: cells of level k + 1 or a higher one. None if there are no levels.
    planes: Vec<Vec<u64>>,
    /// Words of a row of a plane.
    stride: usize,
}

impl Ground {
    pub fn new(costmap: &Costmap, travel: Travel) -> Self {
        let (geometry, levels) = (*costmap.geometry(), Levels::new(travel));
        let of = std::array::from_fn(|cost| levels.nearest(travel.weight(cost as u8)));
        let stride = (geometry.width() as usize + 2 * BORDER as usize).div_ceil(64) + 1;
        let rows = geometry.height() as usize + 2 * BORDER as usize;
        let planes = (1..levels.weights().len()).map(|_| vec![0; stride * rows]).collect();
        let blocked = Blocked::new(costmap, travel.allow_unknown);
        let mut ground = Self { blocked, travel, levels, of, planes, stride };
        ground.read(costmap, Rect::whole(&geometry), &mut |_| ());
        ground
    }

    pub const fn geometry(&self) -> &Geometry {
        self.blocked.geometry()
    }

    pub const fn version(&self) -> u64 {
        self.blocked.version()
    }

    pub const fn travel(&self) -> Travel {
        self.travel
    }

    /// Takes over present costs of the same grid. Returns boxes around the cells that mean something else now; `None` if the
    /// costmap doesn't remember what has changed.
    pub fn update(&mut self, costmap: &Costmap) -> Option<Vec<Rect>> {
        let changes = costmap.changed_since(self.version())?;
        let before = self.blocked.clone();
        self.blocked.update(costmap);
        let mut boxes = Vec::new();
        for rect in changes.iter().flat_map(|change| squares(change.rect)) {
            let mut changed: Option<Rect> = None;
            let mut add = |cell: Cell| {
                let one = Rect { col: cell.col, row: cell.row, width: 1, height: 1 };
                changed = Some(changed.map_or(one, |all| all.including(one)));
            };
            self.read(costmap, rect, &mut add);
            rect.cells().filter(|cell| before.is_blocked(*cell) != self.blocked.is_blocked(*cell)).for_each(add);
            boxes.extend(changed);
        }
        Some(boxes)
    }

    /// Reads the levels of a rectangle of the grid. Tells of cells whose level has changed.
    fn read(&mut self, costmap: &Costmap, rect: Rect, changed: &mut dyn FnMut(Cell)) {
        if self.planes.is_empty() {
            return;
        }
        for cell in rect.cells() {
            let level = costmap.cost(cell).map_or(0, |cost| self.of[cost as usize]);
            let (at, bit) = self.place(cell);
            let mut is_other = false;
            for (below, plane) in self.planes.iter_mut().enumerate() {
                let bits = &mut plane[at];
                let new = if level as usize > below { *bits | bit } else { *bits & !bit };
                is_other |= *bits != new;
                *bits = new;
            }
            if is_other {
                changed(cell);
            }
        }
    }

    const fn place(&self, cell: Cell) -> (usize, u64) {
        let (col, row) = ((cell.col + BORDER) as usize, (cell.row + BORDER) as usize);
        (row * self.stride + col / 64, 1 << (col % 64))
    }

    pub const fn has_levels(&self) -> bool {
        !self.planes.is_empty()
    }

    /// Which of 64 cells of a row from one on are of a level above `below`.
    #[inline(always)]
    pub fn above(&self, below: usize, from: Cell) -> u64 {
        let (col, row) = ((from.col + BORDER) as usize, (from.row + BORDER) as usize);
        let at = row * self.stride + col / 64;
        let (plane, shift) = (&self.planes[below], col % 64);
        // The shift by 64 in two steps: it is none where the cells begin with a word.
        plane[at] >> shift | plane[at + 1] << 1 << (63 - shift)
    }
}

/// A rectangle in parts that are no larger than a square.
fn squares(rect: Rect) -> impl Iterator<Item = Rect> {
    let (right, top) = (rect.col + rect.width as i32, rect.row + rect.height as i32);
    let rows = (rect.row..top).step_by(SQUARE as usize);
    rows.flat_map(move |row| {
        (rect.col..right).step_by(SQUARE as usize).map(move |col| Rect {
            col,
            row,
            width: (right - col).min(SQUARE) as u32,
            height: (top - row).min(SQUARE) as u32,
        })
    })
}
