//! `trm check` as a person or a script runs it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// 0.62 m x 0.9 m, with the base over the rear axle.
const CAR: &str = "[[0.7, 0.31], [-0.2, 0.31], [-0.2, -0.31], [0.7, -0.31]]";

fn trm(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trm")).args(arguments).output().expect("trm is built with its tests")
}

fn check(path: &Path, map: &Path, flags: &[&str]) -> (Option<i32>, String, String) {
    let [path, map] = [path, map].map(|path| path.to_str().expect("paths of tests are UTF-8"));
    let output = trm(&[&["check", path, map], flags].concat());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A corridor of 100 x 22 free cells of 5 cm between walls, along the x axis; the first free row begins at y = 0.05 m.
/// The last ten columns are unknown.
fn corridor(folder: &Path) -> PathBuf {
    let shade = |x: u32, y: u32| {
        if y == 0 || y == 23 {
            0
        } else if x >= 90 {
            205
        } else {
            254
        }
    };
    let picture = image::GrayImage::from_fn(100, 24, |x, y| image::Luma([shade(x, y)]));
    picture.save(folder.join("map.png")).expect("the folder can be written");
    let mut yaml = "image: map.png\nresolution: 0.05\norigin: [0, 0, 0]\n".to_owned();
    yaml += "negate: 0\noccupied_thresh: 0.65\nfree_thresh: 0.196\n";
    let path = folder.join("map.yaml");
    std::fs::write(&path, yaml).expect("the folder can be written");
    path
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("the folder can be written");
    path
}

#[test]
fn a_car_fits_along_an_aisle_but_not_across() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let map = corridor(folder.path());
    let along = write(folder.path(), "along.json", "[[1, 0.6, 0], [1.5, 0.6, 0], [2, 0.6, 0.05]]");
    let car = ["--footprint", CAR];
    let (code, said, _) = check(&along, &map, &car);
    assert_eq!((code, said.as_str()), (Some(0), "3 poses, 1.00 m: nothing is in the way"));
    // Of 0.68 m x 1.14 m, it is longer than the aisle is wide.
    let long = ["--footprint", "[[0.8, 0.31], [-0.32, 0.31], [-0.32, -0.31], [0.8, -0.31]]"];
    let turn = write(folder.path(), "turn.json", "[[1, 0.6, 0], [1.5, 0.6, 0], [1.5, 0.4, 1.5708], [2, 0.6, 0]]");
    let (code, said, _) = check(&turn, &map, &long);
    assert_eq!((code, said.as_str()), (Some(1), "the path can't lead to pose 2 of 4: (1.500, 0.400), yaw 1.571"));
    let wall = write(folder.path(), "wall.json", "[[1, 0.3, 0]]");
    let (code, said, _) = check(&wall, &map, &car);
    assert_eq!((code, said.as_str()), (Some(1), "the robot can't be at pose 0 of 1: (1.000, 0.300), yaw 0.000"));
    let near = write(folder.path(), "near.json", "[[1, 0.37, 0], [2, 0.37, 0]]");
    assert_eq!(check(&near, &map, &car).0, Some(0));
    assert_eq!(check(&near, &map, &[&car[..], &["--footprint-padding", "0.03"]].concat()).0, Some(1), "padded");
    let unknown = write(folder.path(), "unknown.json", "[[3, 0.6, 0], [4.2, 0.6, 0]]");
    assert_eq!(check(&unknown, &map, &car).0, Some(1), "the front gets there");
    assert_eq!(check(&unknown, &map, &[&car[..], &["--allow-unknown"]].concat()).0, Some(0));
}

#[test]
fn a_plan_is_a_path_for_the_radius_that_it_was_made_for_and_for_no_larger_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let map = corridor(folder.path());
    let query = "--start 1 0.3 --goal 4 0.9 --json --deadline-ms 10000 --cost-travel-multiplier 0".split_whitespace();
    let map_text = map.to_str().expect("paths of tests are UTF-8");
    let output = trm(&[&["plan", map_text], &query.collect::<Vec<_>>()[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let plan = write(folder.path(), "plan.json", &String::from_utf8_lossy(&output.stdout));
    let (code, said, _) = check(&plan, &map, &[]);
    assert!(code == Some(0) && said.contains("nothing is in the way"), "{said}");
    assert_eq!(check(&plan, &map, &["--robot-radius", "0.5"]).0, Some(1));
}

#[test]
fn bad_input_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let map = corridor(folder.path());
    let path = write(folder.path(), "path.json", "[[1, 0.6, 0]]");
    for (flags, words) in [
        (&["--footprint", "[[0, 1], [1]]"][..], &["--footprint", "not of the form", "character 11"][..]),
        (&["--footprint", CAR, "--footprint-padding", "-0.1"], &["--footprint-padding", "'-0.1'", "from 0 to 1"]),
        (&["--robot-radius", "-1"], &["--robot-radius", "-1.0", "from 0 to 10"]),
        (&["--footprint", CAR, "--robot-radius", "1"], &["--footprint", "--robot-radius"]),
        (&["--footprint-padding", "0.1"], &["--footprint"]),
    ] {
        let (code, said, error) = check(&path, &map, flags);
        assert_eq!((code, said.as_str()), (Some(1), ""), "{flags:?}");
        assert!(words.iter().all(|word| error.contains(word)), "{flags:?}: {error}");
    }
    let mut long = "[".to_owned();
    let _ = write!(long, "{} [1, 0.6]]", "[1, 0.6, 0], ".repeat(3));
    for (text, word) in [
        ("[", "not JSON"),
        ("{}", "no list of poses"),
        ("{\"poses\": []}", "no poses"),
        (&long, "poses[3] is [1,0.6], not [x, y, yaw]"),
        ("[[1, 0.6, null]]", "poses[0] is [1,0.6,null]"),
    ] {
        let bad = write(folder.path(), "bad.json", text);
        let (code, _, error) = check(&bad, &map, &[]);
        assert!(code == Some(1) && error.contains("bad.json: ") && error.contains(word), "{text}: {error}");
    }
    let (code, _, error) = check(Path::new("/nowhere.json"), &map, &[]);
    assert!(code == Some(1) && error.contains("/nowhere.json: No such file"), "{error}");
}
