//! The image of a map file, and its conversion to occupancy.

use std::borrow::Cow;
use std::io::Cursor;

use crate::geometry::MAX_SIDE;
use ::image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::map_file::fields::{Fields, Mode};
use crate::map_file::text::image_format;

/// Largest size of an image, in bytes, in the file and again decoded: that of the largest map with 16 bits a cell.
pub const MAX_IMAGE_BYTES: u64 = 512 << 20;
/// Rows that are converted to grey at a time: with 16 bits a channel they take 8 bytes a pixel.
const STRIP: u32 = 64;

/// The grey value of each pixel, row by row from the upper left: 0 is black, 255 white.
pub struct Shades {
    pub width: u32,
    pub height: u32,
    grey: Vec<u8>,
    /// Which pixels are not fully opaque; empty if the image has no alpha channel.
    transparent: Vec<bool>,
}

impl Shades {
    /// Reads a PGM (plain or binary), PNG or BMP image.
    ///
    /// # Errors
    /// The reason why it can't be decoded.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let (name, format) = match ::image::guess_format(bytes) {
            Ok(ImageFormat::Pnm) => ("PGM", ImageFormat::Pnm),
            Ok(ImageFormat::Png) => ("PNG", ImageFormat::Png),
            Ok(ImageFormat::Bmp) => ("BMP", ImageFormat::Bmp),
            _ => return Err(unreadable(bytes)),
        };
        let failed = |e: ::image::ImageError| format!("can't be read as {name}: {e}");
        let bytes = without_comments(bytes);
        let reader = ImageReader::with_format(Cursor::new(&*bytes), format);
        let mut decoder = reader.into_decoder().map_err(failed)?;
        let (width, height) = decoder.dimensions();
        if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
            return Err(format!("the image has {width} x {height} pixels, a side must be from 1 to {MAX_SIDE}"));
        }
        // The decoder allocates the whole image before it reads any of it, and only that of PNG keeps to limits.
        let size = decoder.total_bytes();
        if size > MAX_IMAGE_BYTES {
            return Err(format!(
                "the image has {width} x {height} pixels, which are {size} bytes, must be at most {MAX_IMAGE_BYTES}"
            ));
        }
        let mut limits = Limits::default();
        limits.max_alloc = Some(MAX_IMAGE_BYTES);
        decoder.set_limits(limits).map_err(failed)?;
        let image = DynamicImage::from_decoder(decoder).map_err(failed)?;
        Ok(Self::of(image))
    }

    /// Converts an image to grey: Rec. 601 luma at 16 bits, then truncation to 8 bits. The map server does the same
    /// with `GraphicsMagick`'s `GrayscaleType` and `CharPixel`. (Before Jazzy 1.3.7, May 2025, it used the mean of the
    /// channels.)
    fn of(image: DynamicImage) -> Self {
        let (width, height) = (image.width(), image.height());
        let image = match image {
            DynamicImage::ImageLuma8(grey) => {
                return Self { width, height, grey: grey.into_raw(), transparent: Vec::new() };
            }
            other => other,
        };
        let has_alpha = image.color().has_alpha();
        let grey = |[r, g, b, _]: [u16; 4]| {
            let luma = (299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b) + 500) / 1000;
            (luma / 257) as u8
        };
        let mut shades = Self { width, height, grey: Vec::new(), transparent: Vec::new() };
        for top in (0..height).step_by(STRIP as usize) {
            let pixels = image.crop_imm(0, top, width, STRIP.min(height - top)).into_rgba16();
            shades.grey.extend(pixels.pixels().map(|p| grey(p.0)));
            if has_alpha {
                shades.transparent.extend(pixels.pixels().map(|p| p.0[3] / 257 < 255));
            }
        }
        shades
    }

    /// The occupancy of each cell, row-major from the lower left.
    pub fn occupancy(&self, fields: &Fields) -> Vec<i8> {
        let mut table = [0; 256];
        for (shade, value) in (0..=u8::MAX).zip(&mut table) {
            *value = occupancy(shade, fields);
        }
        let width = self.width as usize;
        let transparent = |at| fields.mode != Mode::Raw && self.transparent.get(at) == Some(&true);
        let cell = |at: usize| if transparent(at) { -1 } else { table[usize::from(self.grey[at])] };
        (0..self.height as usize).rev().flat_map(|row| (row * width..(row + 1) * width).map(cell)).collect()
    }
}

/// What is said of a file that is none of the images that are read.
fn unreadable(bytes: &[u8]) -> String {
    const READ: &str = "maps are read from PGM, PNG and BMP";
    match image_format(bytes) {
        Some(format) => format!("the file is a {format} image, but {READ}"),
        None if bytes.is_empty() => "the file is empty".to_owned(),
        None => format!("the file is no image that is known here: {READ}"),
    }
}

/// A plain PGM may have comments between its pixels, too, which the decoder doesn't expect there: blanks stand in their
/// place.
fn without_comments(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !matches!(bytes, [b'P', b'1'..=b'3', ..]) || !bytes.contains(&b'#') {
        return Cow::Borrowed(bytes);
    }
    let mut is_comment = false;
    let blank = |byte: &u8| {
        is_comment = (is_comment || *byte == b'#') && !matches!(byte, b'\n' | b'\r');
        if is_comment { b' ' } else { *byte }
    };
    Cow::Owned(bytes.iter().map(blank).collect())
}

/// The occupancy for a grey value. As in the map server, it is computed in single precision, and free takes precedence
/// over occupied.
fn occupancy(shade: u8, fields: &Fields) -> i8 {
    if fields.mode == Mode::Raw {
        return if shade <= 100 { shade as i8 } else { -1 };
    }
    let light = f32::from(shade) / 255.0;
    let dark = if fields.negate { light } else { 1.0 - light };
    let (free, occupied) = (fields.free_thresh as f32, fields.occupied_thresh as f32);
    if dark <= free {
        0
    } else if dark >= occupied {
        100
    } else if fields.mode == Mode::Scale {
        let width = (fields.occupied_thresh - fields.free_thresh) as f32;
        ((dark - free) / width * 100.0).round() as i8
    } else {
        -1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Pose;
    use ::image::{GrayAlphaImage, GrayImage, ImageBuffer, Luma, RgbImage, RgbaImage};
    use proptest::prelude::*;

    fn fields(mode: Mode, negate: bool) -> Fields {
        Fields {
            image: String::new(),
            resolution: 0.05,
            origin: Pose::default(),
            negate,
            occupied_thresh: 0.65,
            free_thresh: 0.196,
            mode,
        }
    }

    fn png(image: impl Into<DynamicImage>) -> Shades {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, ImageFormat::Png).unwrap();
        Shades::decode(bytes.get_ref()).unwrap()
    }

    fn row(shades: &[u8]) -> Shades {
        png(GrayImage::from_raw(shades.len() as u32, 1, shades.to_vec()).unwrap())
    }

    #[test]
    fn trinary_gives_free_occupied_or_unknown() {
        let shades = row(&[0, 89, 90, 204, 205, 206, 254, 255]);
        assert_eq!(shades.occupancy(&fields(Mode::Trinary, false)), [100, 100, -1, -1, -1, 0, 0, 0]);
    }

    #[test]
    fn negate_swaps_black_and_white() {
        let shades = row(&[0, 49, 50, 165, 166, 255]);
        assert_eq!(shades.occupancy(&fields(Mode::Trinary, true)), [0, 0, -1, -1, 100, 100]);
    }

    #[test]
    fn scale_interpolates_between_the_thresholds() {
        // (1 − 128 / 255 − 0.196) / (0.65 − 0.196) = 0.667
        let shades = row(&[0, 90, 128, 204, 255]);
        assert_eq!(shades.occupancy(&fields(Mode::Scale, false)), [100, 99, 67, 1, 0]);
    }

    #[test]
    fn raw_keeps_the_grey_value_and_ignores_negate() {
        let shades = row(&[0, 1, 65, 100, 101, 128, 255]);
        for negate in [false, true] {
            assert_eq!(shades.occupancy(&fields(Mode::Raw, negate)), [0, 1, 65, 100, -1, -1, -1]);
        }
    }

    #[test]
    fn a_pixel_that_is_not_fully_opaque_is_unknown_except_in_raw_mode() {
        let image = GrayAlphaImage::from_raw(4, 1, vec![0, 255, 0, 254, 255, 0, 255, 255]).unwrap();
        let shades = png(image);
        assert_eq!(shades.occupancy(&fields(Mode::Trinary, false)), [100, -1, -1, 0]);
        assert_eq!(shades.occupancy(&fields(Mode::Scale, false)), [100, -1, -1, 0]);
        assert_eq!(shades.occupancy(&fields(Mode::Raw, false)), [0, 0, -1, -1]);
        let shades = png(RgbaImage::from_raw(2, 1, vec![9, 9, 9, 255, 9, 9, 9, 128]).unwrap());
        assert_eq!(shades.occupancy(&fields(Mode::Raw, false)), [9, 9]);
        assert_eq!(shades.occupancy(&fields(Mode::Trinary, false)), [100, -1]);
    }

    #[test]
    fn colours_are_converted_to_grey_as_in_graphicsmagick() {
        // Measured with GraphicsMagick 1.3.40: SetImageType(GrayscaleType), DispatchImage("I", CharPixel).
        let colours = [255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 200, 30, 77, 77, 77];
        let shades = png(RgbImage::from_raw(5, 1, colours.to_vec()).unwrap());
        assert_eq!(shades.grey, [76, 149, 29, 123, 77]);
    }

    #[test]
    fn an_image_of_several_strips_has_every_row_once() {
        let height = 2 * STRIP + 3;
        let image = RgbaImage::from_fn(2, height, |_, row| ::image::Rgba([row as u8, 7, 0, (row % 2) as u8 * 255]));
        let shades = png(image);
        assert_eq!((shades.grey.len(), shades.transparent.len()), (2 * height as usize, 2 * height as usize));
        for (row, pixels) in (0..height).zip(shades.grey.chunks(2)) {
            assert_eq!(pixels, [png(RgbImage::from_raw(1, 1, vec![row as u8, 7, 0]).unwrap()).grey[0]; 2], "row {row}");
        }
        assert!(shades.transparent.chunks(4).all(|pair| pair[0] && pair.get(2) != Some(&true)));
    }

    #[test]
    fn a_bmp_has_the_shades_of_the_png() {
        let image = RgbImage::from_fn(5, 3, |x, y| ::image::Rgb([x as u8 * 50, y as u8 * 100, 7]));
        let grey = GrayImage::from_fn(5, 3, |x, y| Luma([(x * 50 + y) as u8]));
        for image in [DynamicImage::from(image), DynamicImage::from(grey)] {
            let mut bytes = Cursor::new(Vec::new());
            image.write_to(&mut bytes, ImageFormat::Bmp).unwrap();
            assert_eq!(Shades::decode(bytes.get_ref()).unwrap().grey, png(image).grey);
        }
    }

    #[test]
    fn sixteen_bits_are_truncated_to_eight() {
        let image = ImageBuffer::<Luma<u16>, _>::from_raw(4, 1, vec![0_u16, 256, 257, 65535]).unwrap();
        assert_eq!(png(image).grey, [0, 0, 1, 255]);
    }

    #[test]
    fn a_pgm_is_scaled_by_its_maximum_value() {
        let shades = Shades::decode(b"P2 3 1 100 0 50 100").unwrap();
        assert_eq!(shades.grey, [0, 128, 255]);
    }

    proptest! {
        #[test]
        fn any_image_and_any_thresholds_give_valid_occupancy(
            pixels in proptest::collection::vec(any::<u8>(), 24), low in 0.0..=1.0_f64, high in 0.0..=1.0_f64,
            negate in any::<bool>(), mode in prop_oneof![Just(Mode::Trinary), Just(Mode::Scale), Just(Mode::Raw)],
        ) {
            let shades = png(RgbaImage::from_raw(3, 2, pixels).unwrap());
            let fields = Fields { free_thresh: low.min(high), occupied_thresh: low.max(high), ..fields(mode, negate) };
            let occupancy = shades.occupancy(&fields);
            prop_assert_eq!(occupancy.len(), 6);
            prop_assert!(occupancy.iter().all(|v| (-1..=100).contains(v)));
        }
    }
}
