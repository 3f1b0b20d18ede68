//! `trm plan` as a person or a script runs it: the built binary on the maps of the repository and on made ones.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Ample: the tests ask what is answered, not how fast.
const DEADLINE: [&str; 2] = ["--deadline-ms", "10000"];

/// A map of the repository.
fn map(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/maps").join(name)
}

fn office() -> PathBuf {
    map("pal_office/map.yaml")
}

fn trm(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trm")).args(arguments).output().expect("trm is built with its tests")
}

fn plan(map: &Path, arguments: &str) -> Output {
    let map = map.to_str().expect("paths of tests are UTF-8");
    let arguments: Vec<_> = arguments.split_whitespace().collect();
    trm(&[&["plan", map], &arguments[..]].concat())
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("trm ends by itself")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

fn answer(map: &Path, arguments: &str) -> Value {
    let output = plan(map, &format!("{arguments} --json {}", DEADLINE.join(" ")));
    assert_eq!(code(&output), 0, "{output:?}");
    json(&output)
}

fn poses(answer: &Value) -> Vec<[f64; 3]> {
    serde_json::from_value(answer["poses"].clone()).expect("poses are [x, y, yaw]")
}

fn assert_near(a: [f64; 2], b: [f64; 2], tolerance: f64) {
    assert!((a[0] - b[0]).hypot(a[1] - b[1]) <= tolerance, "{a:?} is not within {tolerance} of {b:?}");
}

/// A room of 60 × 40 cells of 0.1 m with a wall in the middle that is open at the top; `origin` as in the YAML file.
fn room(folder: &Path, image: &str, origin: &str) -> PathBuf {
    let picture = image::GrayImage::from_fn(60, 40, |x, y| {
        let border = x == 0 || y == 0 || x == 59 || y == 39;
        image::Luma([if border || (x == 30 && y > 12) { 0 } else { 254 }])
    });
    picture.save(folder.join(image)).expect("the folder can be written");
    let yaml = format!(
        "image: {image}\nresolution: 0.1\norigin: {origin}\nnegate: 0\noccupied_thresh: 0.65\nfree_thresh: 0.25\n"
    );
    let path = folder.join(format!("{image}.yaml"));
    std::fs::write(&path, yaml).expect("the folder can be written");
    path
}

#[test]
fn a_plan_has_every_key_and_ends_where_it_was_asked_to() {
    let answer = answer(&office(), "--start 0 0 --goal -5 -3 1.5 --optimal");
    let mut keys: Vec<_> = answer.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    let expected = [
        "applications",
        "deadline_ms",
        "expansions",
        "guidance",
        "length_m",
        "margin_ms",
        "optimal_length_m",
        "poses",
        "source",
        "stage_us",
        "status",
        "steps",
        "stop",
    ];
    assert_eq!(keys, expected);
    let stages: Vec<_> = answer["stage_us"].as_object().expect("an object").keys().map(String::as_str).collect();
    for stage in ["encode", "recurse", "decode", "verify", "smooth", "fallback", "total", "guidance"] {
        assert!(stages.contains(&stage), "{stages:?} lacks {stage}");
    }
    assert_eq!(stages.len(), 8, "{stages:?}");
    assert_eq!(answer["status"], "SUCCEEDED");
    assert!(["model", "fallback"].contains(&answer["source"].as_str().expect("text")), "{answer}");
    let poses = poses(&answer);
    assert_near([poses[0][0], poses[0][1]], [0.0, 0.0], 1e-9);
    let last = poses.last().expect("a path");
    assert_near([last[0], last[1]], [-5.0, -3.0], 1e-9);
    assert!((last[2] - 1.5).abs() < 1e-6, "{last:?}");
    let (length, optimal) = (answer["length_m"].as_f64(), answer["optimal_length_m"].as_f64());
    let (length, optimal) = (length.expect("a length"), optimal.expect("a length"));
    assert!(optimal > 5.0 && length < 1.2 * optimal + 0.2, "{length} {optimal}");
}

#[test]
fn a_goal_in_a_wall_is_moved_within_the_tolerance_and_the_answer_tells() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let room = room(folder.path(), "room.pgm", "[0, 0, 0]");
    let query = "--start 1 1 --goal 3.08 1 --tolerance 0.5";
    let answer = answer(&room, query);
    let moved = &answer["moved_goal"];
    assert_eq!(moved["from"], serde_json::json!([3.08, 1.0]));
    let last = *poses(&answer).last().expect("a path");
    assert_eq!(moved["to"], serde_json::json!([last[0], last[1]]));
    assert!((last[0] - 3.08).hypot(last[1] - 1.0) <= 0.5);
    let output = plan(&room, &format!("{query} {}", DEADLINE.join(" ")));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("the goal is moved from (3.080, 1.000) to ("), "{text}");
    assert_eq!(code(&plan(&room, "--start 1 1 --goal 3.08 1")), 2, "without a tolerance it is refused");
}

#[test]
fn a_path_keeps_away_from_obstacles_as_far_as_its_multiplier_asks() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let room = room(folder.path(), "room.pgm", "[0, 0, 0]");
    // Along the lower wall, whose cells end at 0.1 m.
    let plan = |multiplier: f64| {
        let flags = format!("--start 1.05 0.35 --goal 2.55 0.35 --optimal --cost-travel-multiplier {multiplier}");
        let answer = answer(&room, &flags);
        let number = |key: &str| answer[key].as_f64().expect("a number");
        let away = poses(&answer).iter().map(|p| p[1]).fold(0.0, f64::max);
        (number("length_m"), number("optimal_length_m"), away)
    };
    let (short, soft) = (plan(0.0), plan(3.0));
    assert!((short.1 - 1.5).abs() < 1e-4 && soft.1 > 1.5, "the best over the cells: {short:?} {soft:?}");
    assert!((short.0 - 1.5).abs() < 1e-4 && short.2 < 0.36, "{short:?}");
    assert!(soft.0 > 1.5 && soft.2 > 0.44, "{soft:?}");
}

#[test]
fn every_map_of_the_repository_is_planned_on_between_far_points() {
    for (name, query, shortest) in [
        ("aws_bookstore/map.yaml", "--start 5.825 -2.425 --goal -4.525 5.975", 15.0),
        ("nav2_depot/depot.yaml", "--start 28.925 4.875 --goal 1.225 9.875", 29.8),
        ("nav2_tb3_sandbox/tb3_sandbox.yaml", "--start -1.425 -1.425 --goal 0.675 2.075", 5.0),
        ("pal_hospital/map.yaml", "--start 8.375 -35.075 --goal 7.925 14.975", 65.4),
        ("pal_office/map.yaml", "--start 8.025 -4.925 --goal -12.475 10.375", 29.7),
    ] {
        let answer = answer(&map(name), query);
        let length = answer["length_m"].as_f64().expect("a length");
        assert!((0.8 * shortest..1.2 * shortest).contains(&length), "{name}: {length}");
    }
}

#[test]
fn pgm_and_png_say_the_same() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let query = "--start 1 1 --goal 5 1";
    let [pgm, png] = ["room.pgm", "room.png"].map(|image| {
        let answer = answer(&room(folder.path(), image, "[0, 0, 0]"), query);
        poses(&answer)
    });
    assert_eq!(pgm, png);
    // Over the wall, which ends at 2.7 m.
    assert!(pgm.iter().any(|p| p[1] > 2.8), "{pgm:?}");
}

#[test]
fn a_turned_map_gives_the_turned_path() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let straight = poses(&answer(&room(folder.path(), "a.png", "[0, 0, 0]"), "--start 1.05 1.05 --goal 5.05 1.05 0.5"));
    // A quarter turn about the corner, which lies at (3, −2): (x, y) becomes (3 − y, −2 + x).
    let turned = room(folder.path(), "b.png", "[3, -2, 1.5707963267948966]");
    let turned = poses(&answer(&turned, "--start 1.95 -0.95 1.5707963267948966 --goal 1.95 3.05 2.0707963267948966"));
    assert_eq!(straight.len(), turned.len());
    for (a, b) in straight.iter().zip(&turned) {
        assert_near([3.0 - a[1], -2.0 + a[0]], [b[0], b[1]], 1e-6);
    }
}

#[test]
fn without_a_path_the_code_is_2_and_the_reason_has_nav2s_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let room = room(folder.path(), "room.pgm", "[-1, -1, 0]");
    for (query, name) in [
        ("--start -30 0 --goal 1 1", "START_OUTSIDE_MAP"),
        ("--start 0 0 --goal 1e6 1", "GOAL_OUTSIDE_MAP"),
        ("--start 2.05 0 --goal 1 1", "START_OCCUPIED"),
        ("--start 0 0 --goal 2.05 0", "GOAL_OCCUPIED"),
        ("--start 0 0 --goal 4 0 --robot-radius 0.7", "NO_VALID_PATH"),
        ("--start -1e-17 0 --goal -2.5e-1 -0.975 --tolerance 0.1", "GOAL_OCCUPIED"),
    ] {
        let output = plan(&room, &format!("{query} --deadline-ms 10000"));
        assert_eq!(code(&output), 2, "{query}: {output:?}");
        assert!(stderr(&output).contains(&format!("trm: {name}: ")), "{query}: {output:?}");
        let output = plan(&room, &format!("{query} --deadline-ms 10000 --json"));
        assert_eq!(code(&output), 2, "{query}: {output:?}");
        let answer = json(&output);
        assert_eq!(answer["status"], name);
        assert_eq!(answer["source"], "none");
        assert!(answer["length_m"].is_null() && answer["poses"] == Value::Array(vec![]), "{answer}");
        assert!(answer["reason"].is_string(), "{answer}");
    }
}

#[test]
fn bad_input_gives_code_1_and_names_flag_and_value() {
    let query = "--start 0 0 --goal 1 1";
    for (arguments, words) in [
        ("--start NaN 0 --goal 1 1", vec!["--start", "'NaN'", "finite"]),
        ("--start 0 0 --goal 1 inf", vec!["--goal", "'inf'", "finite"]),
        ("--start 0 zero --goal 1 1", vec!["--start", "'zero'", "number"]),
        ("--start 0 --goal 1 1", vec!["--start", "2 values"]),
        ("--start 0 0", vec!["--goal", "required"]),
        (&format!("{query} --robot-radius -0.1"), vec!["--robot-radius", "-0.1", "from 0 to 10"]),
        (&format!("{query} --robot-radius NaN"), vec!["--robot-radius", "NaN", "from 0 to 10"]),
        (&format!("{query} --robot-radius wide"), vec!["--robot-radius", "'wide'"]),
        (&format!("{query} --deadline-ms 0"), vec!["--deadline-ms", "0.0", "from 0.1"]),
        (&format!("{query} --tolerance -1"), vec!["--tolerance", "-1"]),
        (&format!("{query} --cost-travel-multiplier 3.5"), vec!["--cost-travel-multiplier", "3.5", "from 0 to 3"]),
        (&format!("{query} --window 7"), vec!["--window", "7", "16"]),
        (&format!("{query} --window 1.5"), vec!["--window", "'1.5'"]),
        (&format!("{query} --bundle /nowhere"), vec!["/nowhere", "manifest.yaml"]),
        (&format!("{query} --png /nowhere/picture.png"), vec!["--png", "/nowhere/picture.png"]),
        (&format!("{query} --fast"), vec!["--fast"]),
        ("--queries /nowhere", vec!["--queries", "/nowhere"]),
    ] {
        let output = plan(&office(), arguments);
        assert_eq!(code(&output), 1, "{arguments}: {output:?}");
        for word in words {
            assert!(stderr(&output).contains(word), "{arguments}: {word} not in {}", stderr(&output));
        }
        assert!(output.stdout.is_empty(), "{arguments}: {output:?}");
    }
}

#[test]
fn a_robot_that_is_there_gets_its_one_pose() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let room = room(folder.path(), "room.pgm", "[0, 0, 0]");
    let answer = answer(&room, "--start 1.03 1.06 0.4 --goal 1.03 1.06 -2");
    assert_eq!(poses(&answer), [[1.03, 1.06, -2.0]]);
    assert_eq!(answer["length_m"].to_string(), "0.0");
}

#[test]
fn the_smallest_and_the_narrowest_maps_are_maps() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let yaml = folder.path().join("map.yaml");
    let text =
        "image: map.png\nresolution: 0.1\norigin: [0, 0, 0]\nnegate: 0\noccupied_thresh: 0.65\nfree_thresh: 0.25\n";
    std::fs::write(&yaml, text).expect("the folder can be written");
    let picture = folder.path().join("picture.png");
    for (width, height, shade, goal, expected) in [
        (1, 1, 254, "0.05 0.05", 0),
        (1, 1, 0, "0.05 0.05", 2),
        (1, 1, 205, "0.05 0.05", 0),
        (1, 900, 254, "0.05 80", 0),
        (900, 1, 254, "80 0.05", 0),
        (900, 1, 254, "80 0.15", 2),
    ] {
        let image = image::GrayImage::from_pixel(width, height, image::Luma([shade]));
        image.save(folder.path().join("map.png")).expect("the folder can be written");
        let query = format!("--start 0.05 0.05 --goal {goal} --png {} {}", picture.display(), DEADLINE.join(" "));
        let output = plan(&yaml, &query);
        assert_eq!(code(&output), expected, "{width} x {height} of {shade}: {output:?}");
        assert!(image::open(&picture).is_ok(), "{width} x {height} of {shade}");
    }
}

#[test]
fn a_bad_map_file_is_named_with_its_field() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = room(folder.path(), "room.png", "[0, .nan, 0]");
    let output = plan(&path, "--start 0 0 --goal 1 1");
    assert_eq!(code(&output), 1);
    let error = stderr(&output);
    assert!(error.contains("room.png.yaml: field origin[1] is .nan"), "{error}");
    let output = plan(&folder.path().join("none.yaml"), "--start 0 0 --goal 1 1");
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("none.yaml: No such file"), "{output:?}");
}

#[test]
fn help_and_version_are_no_errors() {
    for arguments in [&["--help"][..], &["--version"], &["plan", "--help"], &["plan", "-h"]] {
        let output = trm(arguments);
        assert_eq!(code(&output), 0);
        assert!(!output.stdout.is_empty());
    }
    let help = String::from_utf8(trm(&["plan", "--help"]).stdout).expect("text");
    assert!(help.contains("before the request arrives") && help.contains("Exit code"), "{help}");
    assert_eq!(code(&trm(&[])), 1);
    assert_eq!(code(&trm(&["fly"])), 1);
}

#[test]
fn without_the_fallback_only_the_model_answers() {
    let output = plan(&office(), &format!("--start 0 0 --goal -5 -3 --no-fallback --json {}", DEADLINE.join(" ")));
    let answer = json(&output);
    match code(&output) {
        0 => assert_eq!(answer["source"], "model"),
        code => assert_eq!((code, &answer["source"]), (2, &Value::from("none"))),
    }
}

#[test]
fn a_picture_of_the_path_is_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("picture.png");
    let output = plan(&office(), &format!("--start 0 0 --goal -5 -3 --png {}", file.display()));
    assert_eq!(code(&output), 0, "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("SUCCEEDED: "), "{output:?}");
    let picture = image::open(&file).expect("a picture").into_rgb8();
    assert_eq!((picture.width() % 520, picture.height() % 469), (0, 0));
    let coloured = |want: [u8; 3]| picture.pixels().filter(|p| p.0 == want).count();
    for colour in [[30, 90, 220], [20, 150, 60], [210, 30, 40], [0, 0, 0], [255, 255, 255]] {
        assert!(coloured(colour) > 20, "{colour:?}");
    }
}

#[test]
fn many_queries_give_a_line_each() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let room = room(folder.path(), "room.pgm", "[0, 0, 0]");
    let file = folder.path().join("queries");
    std::fs::write(&file, "1 1 5 1\n\n1 1 50 1\n-1e-5 1 2 2\n").expect("the folder can be written");
    let output = plan(&room, &format!("--queries {} {}", file.display(), DEADLINE.join(" ")));
    assert_eq!(code(&output), 0, "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    let status = |line| serde_json::from_str::<Value>(line).expect("JSON")["status"].clone();
    let statuses: Vec<_> = text.lines().map(status).collect();
    assert_eq!(statuses, ["SUCCEEDED", "GOAL_OUTSIDE_MAP", "START_OUTSIDE_MAP"]);
    std::fs::write(&file, "1 1 5 1\n1 1 5\n").expect("the folder can be written");
    let output = plan(&room, &format!("--queries {}", file.display()));
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("queries line 2: \"1 1 5\" is not four or six numbers"), "{output:?}");
}
