//! Answers of the model as pictures: a sheet of them, or a GIF.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, Frame as GifFrame, Rgb, RgbImage, Rgba, RgbaImage, imageops};
use trm_grid::cost::UNKNOWN;
use trm_grid::costmap::Costmap;
use trm_grid::units::{Cell, MOVES};
use trm_grid::window::Window;
use trm_net::encode::NO_MOVE;
use trm_planner::watch::Answer;

use crate::render::{GOAL, PATH, START, colour};

/// Pixels a side of a window, at least.
const SIDE: u32 = 448;
/// Height of the bar that counts applications.
const BAR: u32 = 10;
/// Room between the pictures of a sheet, and how many there are in a row and in all.
const GAP: u32 = 8;
const ACROSS: usize = 5;
const MOST: usize = 10;
/// How long a frame of the GIF is seen, and the last one, in milliseconds.
const SEEN_MS: (u32, u32) = (350, 2500);

const TINT: Rgb<u8> = Rgb([255, 236, 150]);
const UNVERIFIED: Rgb<u8> = Rgb([240, 140, 20]);
const COUNTED: Rgb<u8> = Rgb([90, 90, 90]);
const UNCOUNTED: Rgb<u8> = Rgb([225, 225, 225]);

/// One answer.
pub struct Frame {
    window: Window,
    applications: usize,
    is_verified: bool,
    /// The most probable class of each cell, row-major; `None` in blocked ones.
    classes: Vec<Option<usize>>,
    goals: Vec<bool>,
    path: Vec<Cell>,
}

impl Frame {
    /// What is drawn of an answer.
    pub fn of(answer: &Answer) -> Self {
        let field = &answer.field;
        let cells = field.blocked.len();
        Self {
            window: field.window,
            applications: answer.applications,
            is_verified: answer.assessment.cost.is_some(),
            classes: (0..cells).map(|at| field.best(at)).collect(),
            goals: field.goals.cost.iter().map(|cost| cost.is_finite()).collect(),
            path: answer.path.to_vec(),
        }
    }
}

/// The answers of a plan, in their order.
pub struct Film<'a> {
    pub costmap: &'a Costmap,
    pub frames: Vec<Frame>,
}

impl Film<'_> {
    /// Draws some of the answers beside each other, the first and the last among them.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn save_sheet(&self, file: &Path) -> image::ImageResult<()> {
        let count = self.frames.len().min(MOST);
        let chosen: Vec<usize> = (0..count).map(|at| at * (self.frames.len() - 1) / (count - 1).max(1)).collect();
        let pictures: Vec<RgbImage> = chosen.into_iter().map(|at| self.draw(at)).collect();
        let (width, height) = (pictures[0].width() + GAP, pictures[0].height() + GAP);
        let (across, down) = (count.min(ACROSS) as u32, count.div_ceil(ACROSS) as u32);
        let mut sheet = RgbImage::from_pixel(across * width - GAP, down * height - GAP, Rgb([255, 255, 255]));
        for (at, picture) in pictures.iter().enumerate() {
            let (col, row) = ((at % ACROSS) as u32, (at / ACROSS) as u32);
            imageops::replace(&mut sheet, picture, i64::from(col * width), i64::from(row * height));
        }
        sheet.save_with_format(file, image::ImageFormat::Png)
    }

    /// Shows all answers one after the other, for ever.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn save_gif(&self, file: &Path) -> image::ImageResult<()> {
        let mut encoder = GifEncoder::new_with_speed(BufWriter::new(File::create(file)?), 10);
        encoder.set_repeat(Repeat::Infinite)?;
        for at in 0..self.frames.len() {
            let seen = if at + 1 < self.frames.len() { SEEN_MS.0 } else { SEEN_MS.1 };
            let picture = self.draw(at);
            let opaque = RgbaImage::from_fn(picture.width(), picture.height(), |x, y| {
                let Rgb([r, g, b]) = *picture.get_pixel(x, y);
                Rgba([r, g, b, 255])
            });
            encoder.encode_frame(GifFrame::from_parts(opaque, 0, 0, Delay::from_numer_denom_ms(seen, 1)))?;
        }
        Ok(())
    }

    fn draw(&self, at: usize) -> RgbImage {
        let frame = &self.frames[at];
        let before =
            at.checked_sub(1).map(|before| &self.frames[before]).filter(|before| before.window == frame.window);
        let size = frame.window.size();
        let scale = SIDE.div_ceil(size as u32);
        let side = size as u32 * scale;
        let mut image = RgbImage::new(side, side + BAR);
        for (at, class) in frame.classes.iter().enumerate() {
            let local = Cell::new((at % size) as i32, (at / size) as i32);
            let cost = self.costmap.cost(frame.window.global(local)).unwrap_or(UNKNOWN);
            let is_new = class.is_some() && before.is_some_and(|before| before.classes[at] != *class);
            let ground = if frame.goals[at] {
                GOAL
            } else if is_new {
                TINT
            } else {
                colour(cost)
            };
            let corner = (local.col as u32 * scale, side - (local.row as u32 + 1) * scale);
            fill(&mut image, corner, (scale, scale), ground);
            if let Some(class) = class.filter(|class| *class != NO_MOVE) {
                arrow(&mut image, corner, scale, class);
            }
        }
        let colour = if frame.is_verified { PATH } else { UNVERIFIED };
        let path: Vec<Cell> = frame.path.iter().filter_map(|cell| frame.window.local(*cell)).collect();
        for (at, cell) in path.iter().enumerate() {
            let inset = scale / 4;
            let corner = (cell.col as u32 * scale + inset, side - (cell.row as u32 + 1) * scale + inset);
            let (width, colour) = if at == 0 { (scale, START) } else { (scale - 2 * inset, colour) };
            fill(
                &mut image,
                if at == 0 { (corner.0 - inset, corner.1 - inset) } else { corner },
                (width, width),
                colour,
            );
        }
        self.count(&mut image, side, frame.applications);
        image
    }

    /// The bar: how many of all applications there were until here.
    fn count(&self, image: &mut RgbImage, side: u32, applications: usize) {
        let all = self.frames.last().map_or(1, |last| last.applications).max(applications).max(1);
        let counted = (side as usize * applications / all) as u32;
        fill(image, (0, side), (side, BAR), UNCOUNTED);
        fill(image, (0, side + 2), (counted, BAR - 2), COUNTED);
    }
}

/// Fills a rectangle from its upper left corner.
fn fill(image: &mut RgbImage, (left, top): (u32, u32), (width, height): (u32, u32), colour: Rgb<u8>) {
    for y in top..(top + height).min(image.height()) {
        for x in left..(left + width).min(image.width()) {
            image.put_pixel(x, y, colour);
        }
    }
}

/// A line from the middle of a cell in the direction of a move, whose hue tells it, too.
fn arrow(image: &mut RgbImage, (left, top): (u32, u32), scale: u32, class: usize) {
    let (step, half) = (MOVES[class], f64::from(scale) / 2.0);
    let colour = hue(class as f64 / MOVES.len() as f64);
    for at in 0..=scale {
        let reach = f64::from(at) / f64::from(scale) * (half - 0.5) / f64::from(step.length);
        let (x, y) = (half + f64::from(step.cols) * reach, half - f64::from(step.rows) * reach);
        image.put_pixel(left + (x as u32).min(scale - 1), top + (y as u32).min(scale - 1), colour);
    }
}

/// A colour of the circle, dark enough on white.
fn hue(turn: f64) -> Rgb<u8> {
    let part = |offset: f64| {
        let wave = (std::f64::consts::TAU * (turn + offset)).cos();
        (95.0 + 85.0 * wave) as u8
    };
    Rgb([part(0.0), part(-1.0 / 3.0), part(1.0 / 3.0)])
}
