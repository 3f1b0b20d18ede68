//! Any bytes as the image of a map: refused with a message that names both files, or a grid of as many legal values as
//! its size says. The first byte chooses what grey values mean.

use std::path::Path;

use trm_grid::map_file::{Fields, decode};

/// Panics when `data` shows a fault.
pub fn check(data: &[u8]) {
    let Some((choice, image)) = data.split_first() else { return };
    let mode = ["trinary", "scale", "raw"][usize::from(choice % 3)];
    let negate = choice / 3 % 2;
    let text = format!(
        "image: map.pgm\nresolution: 0.05\norigin: [1, 2, 3]\nnegate: {negate}\noccupied_thresh: 0.65\nfree_thresh: \
         0.25\nmode: {mode}\n"
    );
    let path = Path::new("map.yaml");
    let fields = Fields::parse(path, &text).expect("legal fields");
    match decode(path, &fields, image) {
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains("map.yaml") && text.contains("map.pgm"), "{text}");
        }
        Ok(grid) => {
            assert_eq!(grid.data().len(), grid.geometry().cells());
            assert!(grid.data().iter().all(|value| (-1..=100).contains(value)));
        }
    }
}
