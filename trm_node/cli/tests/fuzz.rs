//! The checks of tests/fuzz without a fuzzer: on its seeds and the crashes it found, and on random data.

#[path = "../../../tests/fuzz/checks/builder.rs"]
mod builder;
#[path = "../../../tests/fuzz/checks/bundle.rs"]
mod bundle;
#[path = "../../../tests/fuzz/checks/grid.rs"]
mod grid;
#[path = "../../../tests/fuzz/checks/manifest.rs"]
mod manifest;
#[path = "../../../tests/fuzz/checks/map_image.rs"]
mod map_image;
#[path = "../../../tests/fuzz/checks/map_yaml.rs"]
mod map_yaml;
#[path = "../../../tests/fuzz/checks/parameters.rs"]
mod parameters;
#[path = "../../../tests/fuzz/checks/plan_log.rs"]
mod plan_log;
#[path = "../../../tests/fuzz/checks/recording.rs"]
mod recording;
#[path = "../../../tests/fuzz/checks/router.rs"]
mod router;
#[path = "../../../tests/fuzz/checks/tegrastats.rs"]
mod tegrastats;
#[path = "../../../tests/fuzz/checks/text.rs"]
mod text;

use std::path::Path;

use proptest::prelude::*;

type Check = fn(&[u8]);

/// Every target of tests/fuzz/Cargo.toml.
const TARGETS: [(&str, Check); 12] = [
    ("builder", builder::check),
    ("bundle", bundle::check),
    ("grid", grid::check),
    ("manifest", manifest::check),
    ("map_image", map_image::check),
    ("map_yaml", map_yaml::check),
    ("parameters", parameters::check),
    ("plan_log", plan_log::check),
    ("recording", recording::check),
    ("router", router::check),
    ("tegrastats", tegrastats::check),
    ("text", text::check),
];

/// Runs a check on every file of a folder. Gives their number.
fn replay(folder: &Path, check: Check) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let files = entries.map(|entry| entry.unwrap().path()).map(|path| {
        println!("{}", path.display());
        check(&std::fs::read(&path).unwrap());
    });
    files.count()
}

#[test]
fn no_seed_and_no_crash_that_was_found_shows_a_fault() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz");
    for (target, check) in TARGETS {
        assert!(replay(&fuzz.join("seeds").join(target), check) > 0, "no seeds of {target}");
        replay(&fuzz.join("crashes").join(target), check);
    }
}

#[test]
fn every_target_of_the_fuzzer_is_replayed() {
    let manifest = include_str!("../../../tests/fuzz/Cargo.toml");
    let bins = manifest.split("[[bin]]").skip(1).filter_map(|bin| bin.split('"').nth(1));
    let mut names: Vec<&str> = bins.collect();
    names.sort_unstable();
    assert_eq!(names, TARGETS.map(|(name, _)| name));
}

proptest! {
    #[test]
    fn random_data_shows_no_fault(data in proptest::collection::vec(any::<u8>(), 0..3000)) {
        for (_, check) in TARGETS.iter().filter(|(name, _)| *name != "bundle") {
            check(&data);
        }
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
