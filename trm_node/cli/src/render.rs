//! The map, the path, and what lies around them, as a PNG.

use std::path::Path;

use image::{Rgb, RgbImage};
use trm_config::footprint::Footprint;
use trm_grid::cost::{INSCRIBED, LETHAL, UNKNOWN};
use trm_grid::costmap::Costmap;
use trm_grid::geometry::Geometry;
use trm_grid::units::{Cell, CellPoint, Point, Pose};
use trm_grid::window::Window;

const FREE: Rgb<u8> = Rgb([255, 255, 255]);
const UNKNOWN_GREY: Rgb<u8> = Rgb([205, 205, 205]);
const OCCUPIED: Rgb<u8> = Rgb([0, 0, 0]);
const INSCRIBED_TINT: Rgb<u8> = Rgb([250, 205, 190]);
pub const PATH: Rgb<u8> = Rgb([30, 90, 220]);
pub const START: Rgb<u8> = Rgb([20, 150, 60]);
pub const GOAL: Rgb<u8> = Rgb([210, 30, 40]);
const WINDOW: Rgb<u8> = Rgb([240, 150, 20]);
const FOOTPRINT: Rgb<u8> = Rgb([150, 175, 225]);

/// The footprint is drawn when the robot has moved so far, in metres, or turned so far, in radians.
const STAMP_EVERY: (f64, f64) = (0.5, 0.4);

/// The longest side that small maps are enlarged to, in pixels.
const LONGEST: u32 = 1200;

/// What to draw. The image has the grid's axes: x to the right, y up, whatever the origin's yaw.
pub struct Picture<'a> {
    pub costmap: &'a Costmap,
    pub start: Pose,
    pub goal: Pose,
    /// x, y and yaw of each pose; empty when there is no path.
    pub path: &'a [[f64; 3]],
    /// What the model saw.
    pub window: Option<Window>,
    /// The robot's outline, unless it is a disc.
    pub footprint: Option<Footprint>,
}

impl Picture<'_> {
    /// Writes the PNG.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn save(&self, file: &Path) -> image::ImageResult<()> {
        self.draw().save_with_format(file, image::ImageFormat::Png)
    }

    fn draw(&self) -> RgbImage {
        let mut canvas = Canvas::new(self.costmap);
        if let Some(window) = self.window {
            canvas.outline(window);
        }
        if let Some(footprint) = &self.footprint {
            canvas.stamps(footprint, self.path);
        }
        let points = self.path.iter().map(|p| Point { x: p[0], y: p[1] });
        let pixels: Vec<_> = points.map(|point| canvas.pixel(point)).collect();
        for pair in pixels.windows(2) {
            canvas.line(pair[0], pair[1], canvas.pen, PATH);
        }
        for (pose, colour) in [(self.start, START), (self.goal, GOAL)] {
            let center = canvas.pixel(pose.point());
            canvas.disc(center, canvas.pen * 3.0, colour);
        }
        canvas.image
    }
}

/// The colour of a cell.
pub fn colour(cost: u8) -> Rgb<u8> {
    match cost {
        LETHAL => OCCUPIED,
        UNKNOWN => UNKNOWN_GREY,
        INSCRIBED => INSCRIBED_TINT,
        // From pale yellow at the robot's radius to white.
        cost => Rgb([FREE.0[0], FREE.0[1] - cost / 10, FREE.0[2] - cost / 2]),
    }
}

/// The image under the pen. Coordinates are pixels from the upper left corner.
struct Canvas {
    image: RgbImage,
    geometry: Geometry,
    /// Pixels a cell.
    scale: u32,
    /// Half the width of a line, in pixels.
    pen: f64,
}

impl Canvas {
    fn new(costmap: &Costmap) -> Self {
        let geometry = *costmap.geometry();
        let longest = geometry.width().max(geometry.height());
        let scale = (LONGEST / longest).max(1);
        let (width, height) = (geometry.width() * scale, geometry.height() * scale);
        let image = RgbImage::from_fn(width, height, |x, y| {
            let cell = Cell::new((x / scale) as i32, ((height - 1 - y) / scale) as i32);
            colour(costmap.cost(cell).unwrap_or(UNKNOWN))
        });
        let pen = f64::from(longest * scale) / 600.0;
        Self { image, geometry, scale, pen: pen.max(1.0) }
    }

    fn pixel(&self, point: Point) -> (f64, f64) {
        let CellPoint { col, row } = self.geometry.to_cells(point);
        self.of_cells(col + 0.5, row + 0.5)
    }

    /// A pixel from cells counted from the grid's corner.
    fn of_cells(&self, col: f64, row: f64) -> (f64, f64) {
        let scale = f64::from(self.scale);
        (col * scale, f64::from(self.image.height()) - row * scale)
    }

    /// Fills a circle; what lies outside the image is left out.
    fn disc(&mut self, (x, y): (f64, f64), radius: f64, colour: Rgb<u8>) {
        let (width, height) = (f64::from(self.image.width()), f64::from(self.image.height()));
        let span = |center: f64, side: f64| {
            let first = (center - radius).floor().clamp(0.0, side);
            let end = (center + radius).ceil().clamp(0.0, side);
            first as u32..end as u32
        };
        for row in span(y, height) {
            for col in span(x, width) {
                if (f64::from(col) + 0.5 - x).hypot(f64::from(row) + 0.5 - y) <= radius {
                    self.image.put_pixel(col, row, colour);
                }
            }
        }
    }

    /// The outline of the robot at places along the path, both ends included.
    fn stamps(&mut self, footprint: &Footprint, path: &[[f64; 3]]) {
        let mut before: Option<[f64; 3]> = None;
        for (at, pose) in path.iter().enumerate() {
            let has_moved = |[x, y, yaw]: [f64; 3]| {
                (pose[0] - x).hypot(pose[1] - y) >= STAMP_EVERY.0 || (pose[2] - yaw).sin().abs() >= STAMP_EVERY.1.sin()
            };
            if at + 1 < path.len() && !before.is_none_or(has_moved) {
                continue;
            }
            before = Some(*pose);
            let [x, y, yaw] = *pose;
            let (sin, cos) = yaw.sin_cos();
            let place = |[a, b]: [f64; 2]| Point { x: x + cos * a - sin * b, y: y + sin * a + cos * b };
            for (from, to) in footprint.sides() {
                let (from, to) = (self.pixel(place(from)), self.pixel(place(to)));
                self.line(from, to, 0.4 * self.pen, FOOTPRINT);
            }
        }
    }

    /// A straight line of half a width.
    fn line(&mut self, from: (f64, f64), to: (f64, f64), half_width: f64, colour: Rgb<u8>) {
        let steps = ((to.0 - from.0).hypot(to.1 - from.1) * 2.0).ceil().max(1.0);
        for step in 0..=steps as u32 {
            let share = f64::from(step) / steps;
            let point = (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1));
            self.disc(point, half_width.max(0.5), colour);
        }
    }

    fn outline(&mut self, window: Window) {
        let (left, bottom) = (f64::from(window.corner().col), f64::from(window.corner().row));
        let (left, bottom) = self.of_cells(left, bottom);
        let side = f64::from(self.scale) * window.size() as f64;
        let (right, top) = (left + side, bottom - side);
        let (width, height) = (self.image.width(), self.image.height());
        let half = self.pen / 2.0;
        let near = |a: f64, b: f64| (a - b).abs() <= half.max(0.5);
        for (x, y, pixel) in self.image.enumerate_pixels_mut() {
            let (x, y) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
            // A window that reaches beyond the grid is drawn on the grid's edge. Not `clamp`: the grid may be narrower
            // than the pen.
            let clamp = |v: f64, side: u32| v.min(f64::from(side) - half).max(half);
            let (l, r) = (clamp(left, width), clamp(right, width));
            let (t, b) = (clamp(top, height), clamp(bottom, height));
            let on_side = (near(x, l) || near(x, r)) && y >= t - half && y <= b + half;
            let on_end = (near(y, t) || near(y, b)) && x >= l - half && x <= r + half;
            if on_side || on_end {
                *pixel = WINDOW;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trm_config::GridConfig;
    use trm_config::GridKind;
    use trm_grid::costmap_builder::build;
    use trm_grid::occupancy::OccupancyGrid;

    /// 40 × 20 cells of 0.1 m with a wall along the first row and unknown cells along the last, turned by `yaw`.
    fn picture(yaw: f64) -> RgbImage {
        let geometry = Geometry::new(40, 20, 0.1, Pose::new(-1.0, 3.0, yaw)).unwrap();
        let data = (0..800)
            .map(|i| {
                if i < 40 {
                    100
                } else if i >= 760 {
                    -1
                } else {
                    0
                }
            })
            .collect();
        let costmap = &build(&GridConfig::default(), GridKind::Map, OccupancyGrid::new(geometry, data).unwrap());
        let at = |col, row| geometry.center(Cell::new(col, row));
        let (start, goal) = (at(5, 12), at(35, 12));
        let path = [[start.x, start.y, 0.0], [goal.x, goal.y, 0.0]];
        let pose = |p: Point| Pose::new(p.x, p.y, 0.0);
        let window = Some(Window::around(Cell::new(5, 12), &geometry, 16, 2));
        Picture { costmap, start: pose(start), goal: pose(goal), path: &path, window, footprint: None }.draw()
    }

    #[test]
    fn everything_is_where_the_grid_has_it() {
        for yaw in [0.0, 1.0, -2.5] {
            let image = picture(yaw);
            assert_eq!(image.dimensions(), (1200, 600));
            let cell = |col: u32, row: u32| *image.get_pixel(col * 30 + 15, 600 - row * 30 - 15);
            assert_eq!(cell(20, 0), OCCUPIED);
            assert_eq!(cell(20, 1), INSCRIBED_TINT);
            assert_eq!(cell(20, 19), UNKNOWN_GREY);
            assert_eq!(cell(20, 17), FREE);
            assert_eq!(cell(5, 12), START);
            assert_eq!(cell(35, 12), GOAL);
            assert_eq!(cell(20, 12), PATH);
            assert_eq!(*image.get_pixel(16 * 30, 600 - 10 * 30), WINDOW);
        }
    }

    #[test]
    fn the_narrowest_map_is_drawn() {
        for (width, height) in [(1, 3000), (3000, 1), (1, 1)] {
            let geometry = Geometry::new(width, height, 0.1, Pose::default()).unwrap();
            let costmap = &build(
                &GridConfig::default(),
                GridKind::Map,
                OccupancyGrid::new(geometry, vec![0; geometry.cells()]).unwrap(),
            );
            let window = Some(Window::around(Cell::new(0, 0), &geometry, 16, 2));
            let pose = Pose::new(0.05, 0.05, 0.0);
            let path = [[0.05, 0.05, 0.0]];
            let image = Picture { costmap, start: pose, goal: pose, path: &path, window, footprint: None }.draw();
            assert!(image.pixels().any(|pixel| *pixel == GOAL), "{width} x {height}");
        }
    }

    #[test]
    fn poses_outside_the_map_are_left_out() {
        let geometry = Geometry::new(10, 10, 0.1, Pose::default()).unwrap();
        let costmap =
            &build(&GridConfig::default(), GridKind::Map, OccupancyGrid::new(geometry, vec![0; 100]).unwrap());
        let far = Pose::new(1e300, -1e300, 0.0);
        let image = Picture { costmap, start: far, goal: far, path: &[], window: None, footprint: None }.draw();
        assert!(image.pixels().all(|p| *p == FREE));
    }
}
