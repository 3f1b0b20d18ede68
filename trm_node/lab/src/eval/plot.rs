//! The plot of `--png`: the share of queries that is solved, by step and by time.

use std::path::Path;

use image::{Rgb, RgbImage};

use super::anytime::Anytime;
use super::font;
use super::race::CONTENDERS;
use super::trace::AfterStep;

const PAPER: Rgb<u8> = Rgb([255, 255, 255]);
const INK: Rgb<u8> = Rgb([40, 40, 40]);
const GRID: Rgb<u8> = Rgb([225, 225, 225]);
/// In the order of [`CONTENDERS`].
const COLOURS: [Rgb<u8>; CONTENDERS.len()] = [
    Rgb([30, 90, 220]),
    Rgb([120, 120, 120]),
    Rgb([20, 150, 60]),
    Rgb([240, 150, 20]),
    Rgb([210, 30, 40]),
    Rgb([140, 60, 180]),
];

/// Side of a panel's axes and the room around it, in pixels.
const SIDE: f64 = 400.0;
const MARGIN: f64 = 60.0;
/// Pixels of the image for one of the font's.
const ENLARGED: u32 = 2;
/// The times of the right panel, as powers of ten of a millisecond.
const DECADES: std::ops::RangeInclusive<i32> = -2..=4;

/// Writes the plot; the panel of times only when there are any.
///
/// # Errors
/// When the file can't be written.
pub fn save(anytime: &Anytime, file: &Path) -> image::ImageResult<()> {
    draw(anytime).save_with_format(file, image::ImageFormat::Png)
}

fn draw(anytime: &Anytime) -> RgbImage {
    let panels = 1 + u32::from(anytime.times_ms.is_some());
    let (width, height) = (panels * (SIDE + 2.0 * MARGIN) as u32, (SIDE + 2.0 * MARGIN) as u32);
    let mut image = RgbImage::from_pixel(width, height, PAPER);
    let steps = anytime.steps.max(2) as f64;
    let mut panel = Panel { image: &mut image, left: MARGIN };
    let every = (anytime.steps / 8).max(1);
    let ticks = (1..=anytime.steps).filter(|step| *step == 1 || step % every == 0);
    let along = |step: f64| (step - 1.0) / (steps - 1.0);
    panel.axes("solved by step", "supervision steps", ticks.map(|step| (along(step as f64), step.to_string())));
    for (row, name) in ["in this answer or before", "in this answer"].into_iter().enumerate().rev() {
        let solved = |step: &AfterStep| if row == 0 { step.solved } else { step.solved_now };
        let points = anytime.by_step.iter().filter_map(|step| Some((along(step.step as f64), solved(step)?)));
        panel.curve(points, COLOURS[row]);
        panel.legend(row, name, COLOURS[row]);
    }
    let Some(times) = &anytime.times_ms else { return image };
    let mut panel = Panel { image: &mut image, left: SIDE + 3.0 * MARGIN };
    let decades = f64::from(DECADES.end() - DECADES.start());
    let along = |ms: f64| (ms.log10() - f64::from(*DECADES.start())) / decades;
    let ticks = DECADES.map(|power| (along(10_f64.powi(power)), format!("{}", 10_f64.powi(power))));
    panel.axes("solved by time", "milliseconds", ticks);
    for (row, (name, colour)) in CONTENDERS.into_iter().zip(COLOURS).enumerate() {
        let Some(times) = times.get(name) else { continue };
        let share = |solved: usize| solved as f64 / anytime.queries as f64;
        // A stair: each time adds one query.
        let stairs =
            times.sorted.iter().enumerate().flat_map(|(n, ms)| [(along(*ms), share(n)), (along(*ms), share(n + 1))]);
        let end = (1.0, share(times.sorted.len()));
        panel.curve(stairs.map(|(x, y)| (x.clamp(0.0, 1.0), y)).chain([end]), colour);
        panel.legend(row, name, colour);
    }
    image
}

/// One pair of axes; positions in it go from 0 to 1, up and to the right.
struct Panel<'a> {
    image: &'a mut RgbImage,
    /// Where its axes begin, in pixels.
    left: f64,
}

impl Panel<'_> {
    fn axes(&mut self, title: &str, x: &str, ticks: impl Iterator<Item = (f64, String)>) {
        for tick in 0..=5 {
            let share = f64::from(tick) / 5.0;
            self.line((0.0, share), (1.0, share), GRID, 0.5);
            let (left, y) = self.pixel((0.0, share));
            self.text((left - 36.0, y - 5.0), &format!("{share:.1}"), INK);
        }
        for (share, name) in ticks {
            self.line((share, 0.0), (share, 1.0), GRID, 0.5);
            let (x, bottom) = self.pixel((share, 0.0));
            self.text((x - Self::width(&name) / 2.0, bottom + 8.0), &name, INK);
        }
        self.line((0.0, 0.0), (1.0, 0.0), INK, 1.0);
        self.line((0.0, 0.0), (0.0, 1.0), INK, 1.0);
        let (middle, bottom) = self.pixel((0.5, 0.0));
        self.text((middle - Self::width(title) / 2.0, MARGIN / 2.0), title, INK);
        self.text((middle - Self::width(x) / 2.0, bottom + 28.0), x, INK);
    }

    fn legend(&mut self, row: usize, name: &str, colour: Rgb<u8>) {
        let (right, bottom) = self.pixel((1.0, 0.0));
        let at = (right - 230.0, bottom - 20.0 - 16.0 * row as f64);
        self.text(at, &format!("-- {name}"), colour);
    }

    fn curve(&mut self, points: impl Iterator<Item = (f64, f64)>, colour: Rgb<u8>) {
        let mut before = None;
        for point in points {
            self.line(before.replace(point).unwrap_or(point), point, colour, 1.0);
        }
    }

    fn pixel(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.left + x * SIDE, MARGIN + (1.0 - y) * SIDE)
    }

    /// A line between two positions, `pen` pixels to each side.
    fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: Rgb<u8>, pen: f64) {
        let (from, to) = (self.pixel(from), self.pixel(to));
        let samples = ((to.0 - from.0).hypot(to.1 - from.1) * 2.0).ceil().max(1.0);
        for sample in 0..=samples as u32 {
            let share = f64::from(sample) / samples;
            let (x, y) = (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1));
            for row in (y - pen).round() as i32..(y + pen).round() as i32 {
                for col in (x - pen).round() as i32..(x + pen).round() as i32 {
                    self.put(col, row, colour);
                }
            }
        }
    }

    fn width(text: &str) -> f64 {
        f64::from(text.chars().count() as u32 * (font::SIZE.0 + 1) * ENLARGED)
    }

    fn text(&mut self, (x, y): (f64, f64), text: &str, colour: Rgb<u8>) {
        let enlarged = ENLARGED as i32;
        for (place, character) in text.chars().enumerate() {
            let left = x as i32 + place as i32 * (font::SIZE.0 as i32 + 1) * enlarged;
            for row in 0..font::SIZE.1 as i32 * enlarged {
                for col in 0..font::SIZE.0 as i32 * enlarged {
                    if font::is_set(character, (col / enlarged) as u32, (row / enlarged) as u32) {
                        self.put(left + col, y as i32 + row, colour);
                    }
                }
            }
        }
    }

    fn put(&mut self, x: i32, y: i32, colour: Rgb<u8>) {
        if let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y))
            && let Some(pixel) = self.image.get_pixel_mut_checked(x, y)
        {
            *pixel = colour;
        }
    }
}
