//! Map files in the format of Nav2's map server: a YAML file that names an image and says what its grey values mean.
//!
//! Source: navigation2 (jazzy), `nav2_map_server/src/map_io.cpp` `loadMapYaml` and `loadMapFromFile`. Unlike the
//! map server, this module refuses invalid values such as swapped thresholds or a resolution of 0. It reads regular
//! files only: YAML of at most 1 MiB, images of at most 512 MiB, in the file and decoded.

mod error;
mod fields;
mod image;
mod text;

use std::path::Path;

use crate::files::{head, read_at_most};
use crate::geometry::Geometry;
use crate::occupancy::OccupancyGrid;

pub use error::MapFileError;
pub use fields::Fields;

/// Largest size of a YAML file, in bytes: those of the map server have a few hundred.
const MAX_YAML_BYTES: u64 = 1 << 20;

/// Reads a map file and its image.
///
/// # Errors
/// [`MapFileError`], which names the file and the field.
///
/// ```
/// # use std::path::Path;
/// let maps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/maps");
/// let grid = trm_grid::map_file::load(&maps.join("nav2_tb3_sandbox/tb3_sandbox.yaml"))?;
/// assert_eq!(grid.geometry().resolution(), 0.05);
/// assert!(grid.data().contains(&100), "there are walls");
/// # Ok::<(), trm_grid::map_file::MapFileError>(())
/// ```
pub fn load(path: &Path) -> Result<OccupancyGrid, MapFileError> {
    let refused = |reason: String| MapFileError::File { path: path.to_owned(), reason };
    let head = head(path, text::HEAD).map_err(|e| refused(e.to_string()))?;
    if let Some(format) = text::image_format(&head) {
        return Err(refused(format!("this is a {format} image, but the YAML file that names it is wanted")));
    }
    let yaml = read_at_most(path, MAX_YAML_BYTES).map_err(|e| refused(e.to_string()))?;
    let text = text::decode(&yaml).map_err(refused)?;
    let fields = Fields::parse(path, &text)?;
    let image = path.parent().unwrap_or(Path::new("")).join(&fields.image);
    let unreadable = |reason: String| MapFileError::Image { path: path.to_owned(), image: image.clone(), reason };
    let bytes = read_at_most(&image, image::MAX_IMAGE_BYTES).map_err(|e| unreadable(e.to_string()))?;
    decode(path, &fields, &bytes)
}

/// Makes a grid of the fields of a map file and the bytes of its image. `path` is used in error messages only.
///
/// # Errors
/// [`MapFileError`], which names the file and the field.
pub fn decode(path: &Path, fields: &Fields, image: &[u8]) -> Result<OccupancyGrid, MapFileError> {
    let unreadable = |reason: String| MapFileError::Image {
        path: path.to_owned(),
        image: path.parent().unwrap_or(Path::new("")).join(&fields.image),
        reason,
    };
    let shades = image::Shades::decode(image).map_err(unreadable)?;
    let not_a_grid = |source| MapFileError::Grid { path: path.to_owned(), source };
    let geometry = Geometry::new(shades.width, shades.height, fields.resolution, fields.origin).map_err(not_a_grid)?;
    OccupancyGrid::new(geometry, shades.occupancy(fields)).map_err(not_a_grid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Cell, Point};
    use proptest::prelude::*;

    const GOOD: &str = "image: map.pgm\nresolution: 0.5\norigin: [1.0, 2.0, 0.0]\nnegate: 0\noccupied_thresh: 0.65\nfree_thresh: 0.196\n";

    /// Writes a map file and its image to a temporary folder and loads them.
    fn map(yaml: &str, name: &str, image: &[u8]) -> Result<OccupancyGrid, MapFileError> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("map.yaml"), yaml).unwrap();
        std::fs::write(dir.path().join(name), image).unwrap();
        load(&dir.path().join("map.yaml"))
    }

    #[test]
    fn the_last_row_of_the_image_is_the_first_row_of_the_grid() {
        let grid = map(GOOD, "map.pgm", b"P2\n# a comment\n3 2\n255\n 0 254 205\n254 254 0\n").unwrap();
        assert_eq!(grid.data(), [0, 0, 100, 100, 0, -1]);
        assert_eq!(grid.geometry().center(Cell::new(0, 0)), Point { x: 1.25, y: 2.25 });
    }

    #[test]
    fn binary_and_plain_images_give_the_same_grid() {
        let plain = map(GOOD, "map.pgm", b"P2 2 2 255 0 254 205 254").unwrap();
        let binary = map(GOOD, "map.pgm", b"P5 2 2 255\n\x00\xfe\xcd\xfe").unwrap();
        assert_eq!(plain, binary);
    }

    #[test]
    fn comments_may_be_anywhere_in_a_plain_image() {
        let image = b"P2 # plain\n2 # wide\n2\n255 # the greatest\n0 # black\n254 # white\n205 254 # the end";
        assert_eq!(map(GOOD, "map.pgm", image).unwrap(), map(GOOD, "map.pgm", b"P2 2 2 255 0 254 205 254").unwrap());
        // Pixels of a binary image may look like comments.
        let binary = map(GOOD, "map.pgm", b"P5 3 1 255\n\x23\x00\xfe").unwrap();
        assert_eq!(binary.data(), [100, 100, 0]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_field() {
        let image = b"P2 1 1 255 0";
        assert_eq!(map(&format!("\u{feff}{GOOD}"), "map.pgm", image).unwrap(), map(GOOD, "map.pgm", image).unwrap());
    }

    #[test]
    fn the_image_in_place_of_the_yaml_file_is_told_however_large() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("map.pgm");
        let mut image = b"P5 2000 2000 255\n".to_vec();
        image.resize(image.len() + 4_000_000, 254);
        std::fs::write(&file, image).unwrap();
        let error = load(&file).unwrap_err().to_string();
        assert!(error.ends_with("map.pgm: this is a PGM image, but the YAML file that names it is wanted"), "{error}");
    }

    #[test]
    fn the_yaw_of_the_origin_rotates_the_grid() {
        let yaml = GOOD.replace("0.0]", "1.5707963267948966]");
        let grid = map(&yaml, "map.pgm", b"P2 2 1 255 0 254").unwrap();
        let center = grid.geometry().center(Cell::new(1, 0));
        assert!(center.distance(Point { x: 0.75, y: 2.75 }) < 1e-9, "{center:?}");
    }

    #[test]
    fn the_path_of_the_image_may_be_absolute() {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("elsewhere.pgm");
        std::fs::write(&image, b"P2 1 1 255 0").unwrap();
        let grid = map(&GOOD.replace("map.pgm", image.to_str().unwrap()), "unused", b"").unwrap();
        assert_eq!(grid.data(), [100]);
    }

    #[test]
    fn every_error_names_the_file_and_the_field() {
        let text = |yaml: &str, image: &[u8]| map(yaml, "map.pgm", image).unwrap_err().to_string();
        let image: &[u8] = b"P2 1 1 255 0";
        for field in ["image", "resolution", "origin", "negate", "occupied_thresh", "free_thresh"] {
            let yaml: String = GOOD.split_inclusive('\n').filter(|line| !line.starts_with(field)).collect();
            let error = text(&yaml, image);
            assert!(error.contains("map.yaml") && error.contains(&format!("field {field} is missing")), "{error}");
        }
        for (old, new, field, value) in [
            ("map.pgm", "''", "image", "\"\""),
            ("map.pgm", "[1]", "image", "[1]"),
            ("0.5", "0", "resolution", "0"),
            ("0.5", "-0.05", "resolution", "-0.05"),
            ("0.5", "fine", "resolution", "\"fine\""),
            ("0.5", ".nan", "resolution", ".nan"),
            ("0.5", "1e-60", "resolution", "1e-60"),
            ("0.5", "0.5\nresolution: 0.1", "resolution", "0.5 and 0.1"),
            ("[1.0, 2.0, 0.0]", "[1.0, 2.0]", "origin", "[1.0, 2.0]"),
            ("[1.0, 2.0, 0.0]", "7", "origin", "7"),
            ("[1.0, 2.0, 0.0]", "[1.0, .nan, 0.0]", "origin[1]", ".nan"),
            ("[1.0, 2.0, 0.0]", "[.inf, 0, 0]", "origin[0]", ".inf"),
            ("[1.0, 2.0, 0.0]", "[0, 0, east]", "origin[2]", "\"east\""),
            ("0.65", "1.5", "occupied_thresh", "1.5"),
            ("0.65", "0.1", "occupied_thresh", "0.1"),
            ("0.196", "-0.1", "free_thresh", "-0.1"),
            ("0.196", "true", "free_thresh", "true"),
            ("negate: 0", "negate: maybe", "negate", "\"maybe\""),
            ("negate: 0", "negate: 0.5", "negate", "0.5"),
            ("negate: 0", "negate: 0.0", "negate", "0.0"),
            ("map.pgm", "", "image", "empty"),
            ("map.pgm", "map.pgm\nimage: other.pgm", "image", "\"map.pgm\" and \"other.pgm\""),
            ("negate: 0", "negate: 0\nmode: quaternary", "mode", "\"quaternary\""),
        ] {
            let error = text(&GOOD.replace(old, new), image);
            assert!(error.contains("map.yaml"), "{error}");
            assert!(error.contains(&format!("field {field} is {value}, but")), "{new}: {error}");
        }
    }

    #[test]
    fn an_error_names_the_unreadable_file_and_the_reason() {
        for (image, reason) in [
            (&b""[..], "the file is empty"),
            (b"GIF89a", "the file is a GIF image, but maps are read from PGM, PNG and BMP"),
            (b"II*\0", "the file is a TIFF image, but"),
            (b"\xff\xd8\xff\xe0", "the file is a JPEG image, but"),
            (b"hello", "the file is no image that is known here: maps are read from PGM, PNG and BMP"),
            (b"BM..", "BMP"),
            (b"P2 3 3 255 0 0", "PGM"),
            (b"P5 20 20 255\n\x00", "PGM"),
            (b"P5 0 3 255\n", "0 x 3"),
            (b"P5 99999 1 255\n", "16384"),
        ] {
            let error = map(GOOD, "map.pgm", image).unwrap_err().to_string();
            assert!(error.contains("map.yaml: field image: ") && error.contains("map.pgm: "), "{error}");
            assert!(error.contains(reason), "{error}");
        }
        let error = map(GOOD, "other.pgm", b"").unwrap_err().to_string();
        assert!(error.contains("map.pgm: No such file"), "{error}");
        let error = load(Path::new("/nowhere/map.yaml")).unwrap_err().to_string();
        assert_eq!(error, "map file /nowhere/map.yaml: No such file or directory (os error 2)");
        let error = map("image: [", "map.pgm", b"").unwrap_err().to_string();
        assert!(error.contains("map.yaml: not YAML"), "{error}");
        let error = map("- a list", "map.pgm", b"").unwrap_err().to_string();
        assert!(error.contains("map.yaml: no map of fields"), "{error}");
    }

    #[test]
    fn what_is_too_large_or_no_file_is_refused_with_file_field_and_size() {
        let text = |yaml: &str, image: &[u8]| map(yaml, "map.pgm", image).unwrap_err().to_string();
        let error = text(&format!("{GOOD}# {}", " ".repeat(1 << 20)), b"");
        assert!(
            error.contains("map.yaml: has at least 1048") && error.contains("larger than 1048576 bytes"),
            "{error}"
        );
        let error = text(GOOD, b"P6 16384 16384 255\n");
        let reason = "16384 x 16384 pixels, which are 805306368 bytes, must be at most 536870912";
        assert!(error.contains("map.yaml: field image: ") && error.contains(reason), "{error}");
        let error = text(&GOOD.replace("map.pgm", "/dev/zero"), b"");
        assert!(error.contains("map.yaml: field image: /dev/zero: not a regular file"), "{error}");
        assert!(load(Path::new("/dev/zero")).unwrap_err().to_string().contains("/dev/zero: not a regular file"));
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("large.pgm");
        std::fs::File::create(&image).unwrap().set_len(image::MAX_IMAGE_BYTES + 1).unwrap();
        let error = text(&GOOD.replace("map.pgm", image.to_str().unwrap()), b"");
        assert!(error.contains("large.pgm: has at least 536870913 bytes, larger than 536870912 bytes"), "{error}");
    }

    /// Random bytes, and a valid file with a few bytes changed, which gets further through the parser.
    fn soup(good: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
        let changes = proptest::collection::vec((0..good.len(), any::<u8>()), 0..6);
        let changed = (changes, 0..=good.len()).prop_map(move |(changes, end)| {
            let mut bytes = good.to_vec();
            for (at, byte) in changes {
                bytes[at] = byte;
            }
            bytes.truncate(end.max(1));
            bytes
        });
        prop_oneof![proptest::collection::vec(any::<u8>(), 0..200), changed]
    }

    proptest! {
        #[test]
        fn no_yaml_file_panics(bytes in soup(GOOD.as_bytes())) {
            if let Ok(text) = String::from_utf8(bytes) {
                let _ = Fields::parse(Path::new("map.yaml"), &text);
            }
        }

        #[test]
        fn no_image_panics(
            plain in soup(b"P2\n# a comment\n4 3\n255\n 0 254 205 1 2 3 4 5 6 7 8 9\n"),
            binary in soup(b"P5\n4 3\n255\n\x00\xfe\xcd\x00\xfe\xcd\x00\xfe\xcd\x00\xfe\xcd"),
            png in soup(include_bytes!("map_file/sample.png")),
            bmp in soup(include_bytes!("map_file/sample.bmp")),
        ) {
            for bytes in [plain, binary, png, bmp] {
                let _ = image::Shades::decode(&bytes);
            }
        }
    }
}
