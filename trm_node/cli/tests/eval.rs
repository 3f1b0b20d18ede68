//! `trm eval` as a person or a script runs it: the built binary, on small windows and few queries.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn eval(arguments: &str) -> Output {
    let arguments = std::iter::once("eval").chain(arguments.split_whitespace());
    Command::new(env!("CARGO_BIN_EXE_trm")).args(arguments).output().expect("trm is built with its tests")
}

/// The figures of an evaluation that must succeed.
fn figures(folder: &Path, arguments: &str) -> Value {
    let file = folder.join("figures.json");
    let output = eval(&format!("{arguments} --json {}", file.display()));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = std::fs::read_to_string(file).expect("the file was written");
    serde_json::from_str(&text).expect("JSON")
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn error(arguments: &str) -> String {
    let output = eval(arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn maps() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/maps").display().to_string()
}

#[test]
fn the_file_has_every_key_and_no_path_collides() {
    let folder = tempfile::tempdir().expect("a folder");
    let figures = figures(folder.path(), "--generated 32 --queries 24 --seed 3");
    assert_eq!(
        keys(&figures),
        [
            "budget",
            "bundle",
            "expansions",
            "failures",
            "model_only",
            "per_map",
            "queries",
            "seed",
            "steps",
            "steps_by_difficulty",
            "steps_over_bound",
            "window",
            "with_fallback",
        ]
    );
    assert_eq!((&figures["queries"], &figures["seed"], &figures["window"]), (&24.into(), &3.into(), &32.into()));
    assert_eq!(figures["budget"]["steps"], 32);
    for way in ["model_only", "with_fallback"] {
        assert_eq!(keys(&figures[way]), ["ci95", "colliding", "cost_ratio", "optimal", "steps", "success"]);
        assert_eq!(keys(&figures[way]["cost_ratio"]), ["p50", "p95", "p99"]);
        assert_eq!(figures[way]["colliding"], 0);
    }
    assert_eq!(keys(&figures["steps"]), ["max", "p50", "p95"]);
    assert_eq!(figures["with_fallback"]["success"], 1.0, "the fallback finds every way that there is");
    assert!(figures["model_only"]["success"].as_f64().expect("a share") > 0.5, "{figures}");
    assert_eq!(keys(&figures["per_map"]), ["boxes", "caves", "discs", "maze", "noise", "rooms", "shelves", "walls"]);
    for (kind, group) in figures["per_map"].as_object().expect("an object") {
        assert_eq!(group["n"], 3, "{kind}");
        assert_eq!(keys(group), ["ci95", "cost_ratio", "n", "steps", "success"]);
    }
}

#[test]
fn the_same_seed_gives_the_same_figures_on_any_number_of_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let command = format!("--maps {} --window 32 --queries 15 --steps 8", maps());
    let first = figures(folder.path(), &format!("{command} --seed 5"));
    assert_eq!(first, figures(folder.path(), &format!("{command} --seed 5 --jobs 3")));
    assert_ne!(first, figures(folder.path(), &format!("{command} --seed 6")));
    let expected = ["aws_bookstore", "nav2_depot", "nav2_tb3_sandbox", "pal_hospital", "pal_office"];
    assert_eq!(keys(&first["per_map"]), expected);
    assert_eq!(first["model_only"]["colliding"], 0);
}

#[test]
fn any_kind_that_the_model_is_trained_on_can_be_evaluated() {
    let folder = tempfile::tempdir().expect("a folder");
    let figures = figures(folder.path(), "--generated 32 --kinds lattice,caves --queries 6 --steps 8");
    assert_eq!(keys(&figures["per_map"]), ["caves", "lattice"]);
    assert_eq!((&figures["per_map"]["lattice"]["n"], &figures["with_fallback"]["success"]), (&3.into(), &1.0.into()));
}

#[test]
fn mazes_are_seen_through_the_next_even_window() {
    let folder = tempfile::tempdir().expect("a folder");
    let figures = figures(folder.path(), "--mazes 12 --queries 6");
    assert_eq!((&figures["window"], &figures["per_map"]["maze"]["n"]), (&26.into(), &6.into()));
    assert_eq!(figures["with_fallback"]["success"], 1.0);
    let least = figures["with_fallback"]["cost_ratio"]["p50"].as_f64().expect("a ratio");
    assert!(least > 1.0 - 1e-6, "nothing in a maze can be straightened: {least}");
}

#[test]
fn a_deadline_is_a_budget_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let figures = figures(folder.path(), "--generated 32 --queries 8 --deadline-ms 10000");
    assert_eq!(figures["budget"]["deadline_ms"], 10000.0);
    assert_eq!(figures["with_fallback"]["success"], 1.0);
}

#[test]
fn anytime_figures_come_with_a_plot() {
    let folder = tempfile::tempdir().expect("a folder");
    let png = folder.path().join("plot.png");
    let command = format!("--generated 32 --queries 8 --steps 6 --anytime --png {}", png.display());
    let anytime = &figures(folder.path(), &command)["anytime"];
    assert_eq!(
        keys(anytime),
        [
            "by_step",
            "calibration",
            "cells_ratio",
            "expansions_beside",
            "path_change",
            "queries",
            "steps",
            "stop_policies",
            "times_ms",
            "warm",
            "without_the_model"
        ]
    );
    let steps = anytime["by_step"].as_array().expect("a list");
    assert_eq!(steps.len(), 6);
    let solved: Vec<f64> = steps.iter().map(|step| step["solved"].as_f64().expect("a share")).collect();
    assert!(solved.is_sorted() && solved[5] > 0.5, "{solved:?}");
    assert_eq!(steps[0]["corrected"], steps[0]["right"], "all are wrong before the first step");
    assert_eq!(anytime["calibration"]["bins"].as_array().map(Vec::len), Some(10));
    let answers: u64 =
        anytime["calibration"]["bins"].as_array().into_iter().flatten().filter_map(|bin| bin["n"].as_u64()).sum();
    assert_eq!(answers, 8 * 6);
    assert_eq!(anytime["stop_policies"]["oracle"]["extra_steps"], 0.0);
    assert_eq!(anytime["times_ms"]["dijkstra"]["solved"], 1.0);
    assert_eq!(keys(&anytime["warm"]), ["moved_1", "moved_2", "obstacle"]);
    assert!(anytime["warm"]["moved_1"]["n"].as_u64() > Some(0));
    assert!(anytime["path_change"]["n"].as_u64() > Some(0));
    let picture = image::open(png).expect("a PNG").to_rgb8();
    assert_eq!(picture.dimensions(), (1040, 520));
    assert!(picture.pixels().any(|pixel| *pixel == image::Rgb([30, 90, 220])), "the model's curve");
}

#[test]
fn errors_name_the_flag_and_its_value() {
    let empty = tempfile::tempdir().expect("a folder");
    let folder = empty.path().display();
    for (arguments, words) in [
        (format!("--maps {folder}"), ["--maps", "no map in this folder"]),
        ("--maps /nowhere".to_owned(), ["--maps /nowhere", "No such file"]),
        (format!("--maps {} --window 600", maps()), ["--window: 600", "from 16 to 512"]),
        (format!("--maps {} --resolution 0.01", maps()), ["--resolution: 0.01", "map.yaml"]),
        (format!("--maps {} --robot-radius -1", maps()), ["--robot-radius: -1", "from 0 to 10"]),
        ("--generated 64 --window 32".to_owned(), ["--window: 32 is not 64", "--generated"]),
        ("--generated 4096".to_owned(), ["4096", "--generated"]),
        ("--generated 32 --steps 0".to_owned(), ["--steps: 0", "from 1 to 1000"]),
        ("--generated 32 --steps 2000".to_owned(), ["--steps: 2000", "from 1 to 1000"]),
        ("--generated 32 --deadline-ms 0".to_owned(), ["--deadline-ms: 0", "from 0.1"]),
        ("--generated 32 --deadline-ms 5 --steps 3".to_owned(), ["--deadline-ms", "--steps"]),
        ("--generated 32 --mazes 10".to_owned(), ["--generated", "--mazes"]),
        ("--mazes 10 --kinds caves".to_owned(), ["--mazes", "--kinds"]),
        ("--generated 32 --kinds cave".to_owned(), ["cave", "--kinds"]),
        ("--queries 3".to_owned(), ["--maps", "--mazes"]),
        (format!("--maps {} --footprint [[1,1],[2,2]]", maps()), ["--footprint: \"[[1,1],[2,2]]\"", "of 2 points"]),
        ("--generated 32 --footprint [[1,1],[-1,1],[-1,-1]]".to_owned(), ["--footprint", "needs --maps"]),
        (format!("--maps {} --legs 3", maps()), ["--footprint", "required"]),
        ("--generated 32 --png x.png".to_owned(), ["--anytime", "required"]),
        ("--generated 32 --queries 1 --json /nowhere/x.json".to_owned(), ["--json /nowhere/x.json", "No such file"]),
    ] {
        let error = error(&arguments);
        assert!(words.iter().all(|word| error.contains(word)), "{arguments}: {error}");
    }
}

#[test]
fn a_robot_with_a_footprint_is_judged_among_table_legs() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("figures.json");
    let output = Command::new(env!("CARGO_BIN_EXE_trm"))
        .args(["eval", "--maps", &maps(), "--queries", "5", "--legs", "40", "--motion-model", "car", "--footprint"])
        .args(["[[0.4, 0.2], [-0.2, 0.2], [-0.2, -0.2], [0.4, -0.2]]", "--json"])
        .arg(&file)
        .output()
        .expect("trm is built with its tests");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let figures: Value = serde_json::from_str(&std::fs::read_to_string(file).expect("the file")).expect("JSON");
    assert_eq!((&figures["queries"], &figures["legs"], &figures["deadline_ms"]), (&5.into(), &40.into(), &30.0.into()));
    assert_eq!(figures["faults"], 0, "{figures}");
    assert_eq!(figures["robot"]["motion_model"], "car");
    let reachable = figures["reachable"].as_u64().expect("a count");
    assert!(reachable >= 3, "{figures}");
    assert!(figures["first_path_ms"]["p50"].as_f64() > Some(0.0));
    let ratio = figures["length_ratio"]["p50"].as_f64();
    assert!(ratio.is_none_or(|ratio| (0.7..1.5).contains(&ratio)), "{figures}");
    let per_map = figures["per_map"].as_object().expect("an object");
    let of_maps: u64 = per_map.values().filter_map(|map| map["reachable"].as_u64()).sum();
    assert_eq!((per_map.len(), of_maps), (5, reachable));
}

#[test]
fn what_comes_of_a_query_does_not_depend_on_the_batch() {
    let folder = tempfile::tempdir().expect("a folder");
    let of = |batch: &str| {
        let mut figures = figures(folder.path(), &format!("--generated 32 --queries 24 --seed 3 --steps 8 {batch}"));
        let object = figures.as_object_mut().expect("an object");
        assert!(object.remove("queries_per_second").and_then(|value| value.as_f64()).is_some_and(|rate| rate > 0.0));
        (object.remove("batch"), object.remove("threads"), figures)
    };
    let ((one, _, alone), (seven, three, together)) = (of("--batch 1"), of("--batch 7 --jobs 3"));
    assert_eq!((one, seven, three), (Some(1.into()), Some(7.into()), Some(3.into())));
    assert_eq!(alone, together);
    // The planner, asked query by query, finds as many.
    let planner = figures(folder.path(), "--generated 32 --queries 24 --seed 3 --steps 8");
    assert!(alone["success"].as_f64() > Some(0.5));
    assert_eq!((&alone["success"], &alone["steps"]), (&planner["model_only"]["success"], &planner["steps"]));
}

#[test]
fn a_batch_of_nothing_is_refused_by_name() {
    assert!(error("--generated 32 --batch 0").contains("--batch: 0 is not from 1 to 1024"));
    assert!(error("--generated 32 --batch 2 --deadline-ms 5").contains("--deadline-ms"));
}

#[test]
fn a_router_is_measured_beside_each_of_its_bundles() {
    let folder = tempfile::tempdir().expect("a folder");
    let released = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/bundles/nav_d32");
    let router = |budget: f64| {
        let file = folder.path().join("router.yaml");
        let text = format!(
            "format: 1\nbundles: [{0}, {0}]\nbudget_us: {budget}\nmin_confidence: 0\nclassifier:\n  features: [unknown, free, \
             narrow, branching, distance, detour]\n  bias: [0, 1]\n  weights: [[0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]]\n",
            released.display()
        );
        std::fs::write(&file, text).expect("a file");
        file.display().to_string()
    };
    let found = figures(folder.path(), &format!("--generated 32 --queries 12 --steps 8 --router {}", router(1000.0)));
    let contestants = found["contestants"].as_array().expect("a list");
    let names: Vec<&str> = contestants.iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["nav_d32", "nav_d32", "routed"]);
    // The same bundle twice: nothing can be gained.
    assert!(contestants.iter().all(|one| one["success"] == contestants[0]["success"] && one["colliding"] == 0));
    assert_eq!((&found["success_gain"][0], &found["cost_gain"][0]), (&0.0.into(), &0.0.into()));
    assert_eq!((&found["choices"]["nav_d32"], &found["queries"]), (&12.into(), &12.into()));
    let samples = found["samples"].as_array().expect("a list");
    assert!(samples.len() == 12 && samples.iter().all(|one| one["features"].as_array().is_some_and(|f| f.len() == 6)));
    assert!(
        error(&format!("--generated 32 --router {}", router(-1.0))).contains("budget_us: -1 is not from 1 to 10000")
    );
}
