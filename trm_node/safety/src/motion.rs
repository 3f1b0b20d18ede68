//! Where a robot with an outline stands, and how it moves from pose to pose.

use std::f64::consts::{PI, TAU};

use trm_grid::geometry::Geometry;
use trm_grid::units::{CellPoint, Pose};

use crate::hull_cells::Hull;

/// A turn that differs from a half turn by less, in radians, may go either way round.
const HALF_TURN: f64 = 1e-6;

/// A side of an outline, in cells of the base frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Side {
    /// Where it begins and ends.
    pub ends: [[f64; 2]; 2],
    /// The distance of the farther end from the base.
    reach: f64,
    /// The direction out of the outline, of length 1.
    out: [f64; 2],
    /// How fast each end goes out when the robot turns by a radian.
    out_per_turn: [f64; 2],
}

impl Side {
    /// The side between two corners, of which the second is the next one counter-clockwise.
    pub fn new(ends: [[f64; 2]; 2]) -> Self {
        let [x, y] = [ends[1][0] - ends[0][0], ends[1][1] - ends[0][1]];
        let out = [y / x.hypot(y), -x / x.hypot(y)];
        let reach = ends.iter().map(|[x, y]| x.hypot(*y)).fold(0.0, f64::max);
        Self { ends, reach, out, out_per_turn: ends.map(|[x, y]| x * out[1] - y * out[0]) }
    }
}

/// Where a robot stands on a grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// The base.
    pub base: CellPoint,
    /// The direction of its x axis.
    cos: f64,
    sin: f64,
}

impl Standing {
    /// The place of a pose on a grid; `None` if the base is outside of it, or a number isn't finite.
    pub fn new(geometry: &Geometry, pose: Pose) -> Option<Self> {
        let base = geometry.to_cells(pose.point());
        let (right, top) = (geometry.width() as f64 - 0.5, geometry.height() as f64 - 0.5);
        let is_inside = (-0.5..=right).contains(&base.col) && (-0.5..=top).contains(&base.row);
        let (sin, cos) = geometry.to_grid_yaw(pose.yaw).sin_cos();
        (is_inside && pose.yaw.is_finite()).then_some(Self { base, cos, sin })
    }

    /// Where a point of the base frame is.
    pub fn place(&self, [x, y]: [f64; 2]) -> CellPoint {
        CellPoint::new(self.base.col + self.cos * x - self.sin * y, self.base.row + self.sin * x + self.cos * y)
    }
}

/// A motion: the base goes straight, and the robot turns evenly.
#[derive(Debug, Clone, Copy)]
pub struct Motion {
    /// Where it begins.
    pub from: Standing,
    /// Where it ends.
    pub to: Standing,
    /// By how much it turns, in radians, counter-clockwise.
    turn: f64,
}

impl Motion {
    /// The motion from one pose to another, the short way round; for a half turn, both.
    pub fn between(from: Standing, to: Standing) -> impl Iterator<Item = Self> {
        let cross = from.cos * to.sin - from.sin * to.cos;
        let turn = cross.atan2(from.cos * to.cos + from.sin * to.sin);
        let other = (turn.abs() > PI - HALF_TURN).then_some(turn - TAU.copysign(turn));
        std::iter::once(turn).chain(other).map(move |turn| Self { from, to, turn })
    }

    /// The first and the second half.
    pub fn halves(self) -> [Self; 2] {
        let turn = self.turn / 2.0;
        let (sin, cos) = turn.sin_cos();
        let middle = Standing {
            base: self.from.base.towards(self.to.base, 0.5),
            cos: self.from.cos * cos - self.from.sin * sin,
            sin: self.from.sin * cos + self.from.cos * sin,
        };
        [Self { to: middle, turn, ..self }, Self { from: middle, turn, ..self }]
    }

    /// Whether every point of a side goes into the outline all the time, so that nothing comes in through it. The speed
    /// outwards is that of the base, whose direction seen from the robot changes by at most the turn, and the turn's.
    pub fn retreats(&self, side: &Side) -> bool {
        let Standing { base, cos, sin } = self.from;
        let (cols, rows) = (self.to.base.col - base.col, self.to.base.row - base.row);
        let ahead = (cos * cols + sin * rows) * side.out[0] + (cos * rows - sin * cols) * side.out[1];
        let turning = side.out_per_turn.map(|speed| speed * self.turn);
        ahead + cols.hypot(rows) * self.turn.abs() + turning[0].max(turning[1]) < 0.0
    }

    /// How far a point of a side may be from the hull of the side's places before and after, in cells. In the time from
    /// 0 to 1 an end goes along a curve whose second derivative is at most reach · turn², so it leaves its chord, and
    /// the place there at the same time, by at most an eighth of that.
    pub fn sagitta(&self, side: &Side) -> f64 {
        side.reach * self.turn * self.turn / 8.0
    }

    /// How far that hull may reach beyond what the side sweeps, in cells: where it turns on itself, or slides along, the hull
    /// of both places holds what lies between them. They are turned against each other, so they part by no more than this
    /// over the length that both have together.
    pub fn excess(&self, side: &Side) -> f64 {
        let [[ax, ay], [bx, by]] = side.ends;
        let (from, to) = (self.from.base, self.to.base);
        ((bx - ax).hypot(by - ay) + from.distance(to)) * self.turn.abs() / 4.0
    }

    /// What a side sweeps, at most: the hull of its places before and after, grown by the [`Self::sagitta`].
    pub fn sweep(&self, side: &Side) -> Hull {
        let [a, b] = side.ends;
        let places = [self.from.place(a), self.from.place(b), self.to.place(a), self.to.place(b)];
        Hull::new(places, self.sagitta(side))
    }
}
