//! The checks of tests/fuzz without a fuzzer: on its seeds and the crashes it found, and on random data.

#[path = "../../../tests/fuzz/checks/grid.rs"]
mod grid;
#[path = "../../../tests/fuzz/checks/manifest.rs"]
mod manifest;

use std::path::Path;

use proptest::prelude::*;

/// Runs a check on every file of its folder of seeds, where crash files go too.
fn replay(name: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/seeds").join(name);
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        check(&std::fs::read(&path).unwrap());
        files += 1;
    }
    assert!(files > 0, "no seeds in {}", folder.display());
}

#[test]
fn the_seeds_of_manifest_show_no_fault() {
    replay("manifest", manifest::check);
}

#[test]
fn the_seeds_of_grid_show_no_fault() {
    replay("grid", grid::check);
}

proptest! {
    #[test]
    fn random_grids_show_no_fault(data in proptest::collection::vec(any::<u8>(), 0..3000)) {
        grid::check(&data);
    }

    #[test]
    fn a_released_manifest_with_a_changed_stretch_shows_no_fault(
        at in 0..5300_usize, length in 0..40_usize, new in "[-0-9a-z:.\\[\\]{}&*!|> \n]{0,12}",
    ) {
        let mut text = include_str!("../../../tests/fuzz/seeds/manifest/nav_d32.yaml").to_owned();
        let at = at.min(text.len());
        text.replace_range(at..(at + length).min(text.len()), &new);
        manifest::check(text.as_bytes());
    }
}
