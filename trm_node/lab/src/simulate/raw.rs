//! The raw map as it was published, and what may be driven on it: an implementation of the promise that shares no code
//! with the planner.

use trm_config::{GridConfig, GridKind};
use trm_grid::geometry::{Geometry, Rect};
use trm_grid::units::Pose;

/// What a cell is to the robot's centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It may be there.
    Free,
    /// Nothing is known.
    Unknown,
    /// Too close to an obstacle.
    Inscribed,
    /// An obstacle.
    Lethal,
}

impl Class {
    /// Of a cost.
    pub const fn of_cost(cost: u8) -> Self {
        match cost {
            255 => Self::Unknown,
            100.. => Self::Lethal,
            99 => Self::Inscribed,
            _ => Self::Free,
        }
    }
}

/// A raw grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Raw {
    /// Where it lies.
    pub geometry: Geometry,
    /// Row-major, −1 or 0 to 100.
    pub data: Vec<i8>,
}

impl Raw {
    /// Whether a grid can be used.
    pub fn is_good(&self) -> bool {
        self.data.len() == self.geometry.cells() && self.data.iter().all(|value| (-1..=100).contains(value))
    }

    /// Writes a rectangle, if it fits.
    pub fn write(&mut self, rect: Rect, values: &[i8]) {
        let (width, height) = (self.geometry.width() as usize, self.geometry.height() as usize);
        let (cols, rows) = (rect.width as usize, rect.height as usize);
        let fits =
            rect.col >= 0 && rect.row >= 0 && rect.col as usize + cols <= width && rect.row as usize + rows <= height;
        if !fits || values.len() != cols * rows || values.iter().any(|value| !(-1..=100).contains(value)) {
            return;
        }
        for row in 0..rows {
            let at = (rect.row as usize + row) * width + rect.col as usize;
            self.data[at..at + cols].copy_from_slice(&values[row * cols..(row + 1) * cols]);
        }
    }

    /// What each cell is, by the definition of the parameters.
    pub fn classes(&self, kind: GridKind, config: &GridConfig) -> Vec<Class> {
        let (width, height) = (self.geometry.width() as i32, self.geometry.height() as i32);
        let class = |value: &i8| match (*value, kind) {
            (..0, _) => Class::Unknown,
            (value, GridKind::Costmap) => Class::of_cost(value.unsigned_abs()),
            (value, GridKind::Map) if i64::from(value) >= config.occupied_threshold => Class::Lethal,
            _ => Class::Free,
        };
        let mut classes: Vec<Class> = self.data.iter().map(class).collect();
        if kind == GridKind::Costmap {
            return classes;
        }
        let radius = config.robot_radius / self.geometry.resolution();
        let reach = radius.ceil() as i32;
        let lethal: Vec<usize> = (0..classes.len()).filter(|at| classes[*at] == Class::Lethal).collect();
        let disc: Vec<(i32, i32)> = (-reach..=reach)
            .flat_map(|dr| (-reach..=reach).map(move |dc| (dc, dr)))
            .filter(|(dc, dr)| f64::from(*dc).hypot(f64::from(*dr)) <= radius + 1e-7)
            .collect();
        for at in lethal {
            let (col, row) = (at as i32 % width, at as i32 / width);
            for (dc, dr) in &disc {
                let (col, row) = (col + dc, row + dr);
                if (0..width).contains(&col) && (0..height).contains(&row) {
                    let near = &mut classes[(row * width + col) as usize];
                    if *near != Class::Lethal {
                        *near = Class::Inscribed;
                    }
                }
            }
        }
        classes
    }
}

/// What may be driven on.
pub struct Ground<'a> {
    /// Where it lies.
    pub geometry: Geometry,
    /// Row-major.
    pub classes: &'a [Class],
    /// Whether unknown cells may be crossed.
    pub allow_unknown: bool,
    /// How far a robot in an inscribed cell may go to leave it, in cells.
    pub escape: f64,
}

/// Distance between two samples, in cells.
const STEP: f64 = 0.05;
/// Poses far ahead are up to four cells apart.
const GAP: f64 = 4.5;
/// A point this near to the line between two cells' centres touches no other cell, in cells.
const SLACK: f64 = 1e-5;

impl Ground<'_> {
    /// A point in cells, (0, 0) at the centre of the first.
    fn cells(&self, pose: &Pose) -> (f64, f64) {
        let origin = self.geometry.origin();
        let (dx, dy) = (pose.x - origin.x, pose.y - origin.y);
        let (sin, cos) = origin.yaw.sin_cos();
        let along = (cos * dx + sin * dy) / self.geometry.resolution();
        let up = (cos * dy - sin * dx) / self.geometry.resolution();
        (along - 0.5, up - 0.5)
    }

    fn class(&self, col: i32, row: i32) -> Option<Class> {
        let (width, height) = (self.geometry.width() as i32, self.geometry.height() as i32);
        ((0..width).contains(&col) && (0..height).contains(&row)).then(|| self.classes[(row * width + col) as usize])
    }

    fn is_free(&self, col: i32, row: i32) -> bool {
        match self.class(col, row) {
            Some(Class::Free) => true,
            Some(Class::Unknown) => self.allow_unknown,
            _ => false,
        }
    }

    /// The cell of a pose; it may lie outside.
    pub fn cell(&self, pose: &Pose) -> (i32, i32) {
        let (col, row) = self.cells(pose);
        ((col + 0.5).floor() as i32, (row + 0.5).floor() as i32)
    }

    /// Whether a pose's cell is free.
    pub fn is_pose_free(&self, pose: &Pose) -> bool {
        let (col, row) = self.cell(pose);
        self.is_free(col, row)
    }

    /// What is around a point: whether all is free, and whether nothing is worse than inscribed.
    fn around(&self, (col, row): (f64, f64)) -> (bool, bool) {
        let near = |v: f64| [(v + SLACK).floor() as i32, (v - SLACK).ceil() as i32];
        let mut all = (true, true);
        for row in near(row) {
            for col in near(col) {
                let is_free = self.is_free(col, row);
                all.0 &= is_free;
                all.1 &= is_free || self.class(col, row) == Some(Class::Inscribed);
            }
        }
        all
    }

    /// Why a path may not be driven; `None` when it may.
    pub fn fault(&self, poses: &[Pose]) -> Option<String> {
        let (Some(first), Some(last)) = (poses.first(), poses.last()) else { return Some("an empty path".to_owned()) };
        if poses.iter().any(|pose| !(pose.x.is_finite() && pose.y.is_finite() && pose.yaw.is_finite())) {
            return Some("a pose that isn't finite".to_owned());
        }
        let start = self.cells(first);
        let mut is_escaping = !self.is_pose_free(first);
        let mut from = start;
        for to in poses.iter().map(|pose| self.cells(pose)) {
            is_escaping &= !self.around(from).0;
            let samples = ((to.0 - from.0).hypot(to.1 - from.1) / STEP).ceil().max(1.0);
            if samples > GAP / STEP {
                return Some(format!("a gap at cell ({:.2}, {:.2})", to.0, to.1));
            }
            for i in 0..=samples as usize {
                let share = i as f64 / samples;
                let point = (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1));
                let (is_free, is_passable) = self.around(point);
                let away = (point.0 - start.0).hypot(point.1 - start.1);
                let may_escape = is_escaping && is_passable && away <= self.escape + 1e-6;
                if !(is_free || may_escape) {
                    return Some(format!("touches what isn't free at cell ({:.3}, {:.3})", point.0, point.1));
                }
            }
            from = to;
        }
        (!self.around(self.cells(last)).0).then(|| "ends where it isn't free".to_owned())
    }

    /// Whether there is a path of cells between two free ones.
    pub fn connects(&self, from: (i32, i32), to: (i32, i32)) -> bool {
        if !self.is_free(from.0, from.1) || !self.is_free(to.0, to.1) {
            return false;
        }
        let width = self.geometry.width() as i32;
        let mut seen = vec![false; self.classes.len()];
        let mut waiting = vec![from];
        seen[(from.1 * width + from.0) as usize] = true;
        while let Some((col, row)) = waiting.pop() {
            if (col, row) == to {
                return true;
            }
            for (dc, dr) in [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)] {
                let is_open =
                    self.is_free(col + dc, row + dr) && self.is_free(col + dc, row) && self.is_free(col, row + dr);
                if is_open && !std::mem::replace(&mut seen[((row + dr) * width + col + dc) as usize], true) {
                    waiting.push((col + dc, row + dr));
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_of_the_simulation_itself_catches_what_it_must() {
        let geometry = Geometry::new(6, 3, 1.0, Pose::default()).unwrap();
        let mut raw = Raw { geometry, data: vec![0; 18] };
        raw.write(Rect { col: 3, row: 1, width: 1, height: 1 }, &[100]);
        let config = GridConfig { robot_radius: 0.0, ..GridConfig::default() };
        let fault = |config: &GridConfig, escape: f64, cells: &[(f64, f64)]| {
            let classes = raw.classes(GridKind::Map, config);
            let ground = Ground { geometry, classes: &classes, allow_unknown: false, escape };
            let poses: Vec<Pose> = cells.iter().map(|(col, row)| Pose::new(col + 0.5, row + 0.5, 0.0)).collect();
            ground.fault(&poses)
        };
        let along = |row: f64| [0.0, 1.0, 2.0, 3.0, 4.0, 5.0].map(|col| (col, row));
        assert_eq!(fault(&config, 0.0, &along(0.0)), None);
        assert!(fault(&config, 0.0, &along(1.0)).is_some());
        assert!(fault(&config, 0.0, &along(0.1)).is_some(), "a touch is enough");
        assert!(fault(&config, 0.0, &[(0.0, 0.0), (5.0, 0.0)]).is_some(), "a gap");
        let wide = GridConfig { robot_radius: 1.0, ..config };
        assert!(fault(&wide, 0.0, &along(0.0)).is_some());
        assert_eq!(fault(&wide, 2.0, &[(3.0, 0.0), (4.0, 0.0), (5.0, 0.0)]), None, "it leaves");
        assert!(fault(&wide, 0.5, &[(3.0, 0.0), (4.0, 0.0), (5.0, 0.0)]).is_some(), "too far");
    }
}
