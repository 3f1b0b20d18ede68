//! `trm bench` as a person or a script runs it: the built binary, from end to end, in short runs. No test depends on how
//! fast the machine is.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

fn bench(arguments: &str) -> Output {
    let arguments = std::iter::once("bench").chain(arguments.split_whitespace());
    Command::new(env!("CARGO_BIN_EXE_trm")).args(arguments).output().expect("trm is built with its tests")
}

fn good(arguments: &str) -> String {
    let output = bench(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn map() -> String {
    root().join("tests/maps/aws_bookstore/map.yaml").display().to_string()
}

fn read(file: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(file).expect("the file was written")).expect("JSON")
}

/// Adds to `found` where a value violates its schema. Knows the keywords that `docs/bench.schema.json` uses.
fn violations(schema: &Value, root: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.strip_prefix("#/$defs/").expect("a reference into $defs");
        assert!(root["$defs"][name].is_object(), "{reference} is nowhere");
        return violations(&root["$defs"][name], root, value, at, found);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let fits = |choice: &Value| {
            let mut inner = Vec::new();
            violations(choice, root, value, at, &mut inner);
            inner
        };
        let all: Vec<Vec<String>> = choices.iter().map(fits).collect();
        if all.iter().all(|inner| !inner.is_empty()) {
            found.extend(all.into_iter().flatten());
        }
        return;
    }
    if !schema["const"].is_null() && schema["const"] != *value {
        found.push(format!("{at} is {value}, not {}", schema["const"]));
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(some) => some.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the schema has a type {other}"),
    };
    if !types.is_empty() && !types.iter().any(|name| is(name)) {
        found.push(format!("{at} is {value}, not {types:?}"));
    }
    if let (Some(least), Some(number)) = (schema["minimum"].as_f64(), value.as_f64())
        && number < least
    {
        found.push(format!("{at} is {value}, less than {least}"));
    }
    for item in value.as_array().into_iter().flatten() {
        violations(&schema["items"], root, item, &format!("{at}[]"), found);
    }
    let Some(object) = value.as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !object.contains_key(name) {
            found.push(format!("{at}.{name} is missing"));
        }
    }
    for (name, inner) in object {
        let known = &schema["properties"][name];
        let other = &schema["additionalProperties"];
        if known.is_object() {
            violations(known, root, inner, &format!("{at}.{name}"), found);
        } else if other.is_object() {
            violations(other, root, inner, &format!("{at}.{name}"), found);
        } else if other == false {
            found.push(format!("{at}.{name} isn't in the schema"));
        }
    }
}

fn against_the_schema(value: &Value) -> Vec<String> {
    let schema = read(&root().join("docs/bench.schema.json"));
    let mut found = Vec::new();
    violations(&schema, &schema, value, "bench", &mut found);
    found
}

/// Writes a recording as tools/bench makes it.
fn recording(folder: &Path, name: &str, total_us: f64) -> PathBuf {
    let header = json!({"header": {"name": name, "map": "aws_bookstore", "width": 302, "height": 440, "resolution": 0.05,
        "rate_hz": 50.0, "deadline_ms": 10.0, "window": 64, "seconds": 4.0, "load": [], "rmw": "rmw_fastrtps_cpp", "bundle": "nav_d32"}});
    let tick = |id: u64| {
        let late = if id == 77 { 12_000.0 } else { total_us + id as f64 };
        json!({"tick": {"id": id, "result": "SUCCEEDED", "source": if id.is_multiple_of(50) { "fallback" } else { "model" },
            "stop": "verified", "steps": 1, "applications": 8, "warm": true, "share": 0.4, "total_us": late,
            "margin_us": 10_000.0 - late, "stages_us": {"encode": 50.0, "recurse": 1500.0, "decode": 90.0, "verify": 20.0,
            "smooth": 30.0, "fallback": 0.0, "publish": 70.0}, "wake_us": 20.0, "page_faults": 0, "allocations": 3,
            "voluntary_switches": 1, "involuntary_switches": 0, "received_us": late + 300.0, "length_m": 4.0}})
    };
    let footer = json!({"footer": {"lost": 1, "cpu_percent": 21.5, "rss_mb": 70.0, "rss_peak_mb": 75.0, "voluntary_switches": 900,
        "involuntary_switches": 3, "page_faults": 12, "energy_mj": null,
        "dds_round_trip_us": {"p50": 400.0, "p99": 900.0, "max": 2000.0}, "violations": 0}});
    let lines = std::iter::once(header).chain((1..=200).map(tick)).chain([footer]);
    let text: String = lines.map(|line| line.to_string() + "\n").collect();
    let file = folder.join(format!("{name}.jsonl"));
    std::fs::write(&file, text).expect("a file");
    file
}

#[test]
fn all_parts_end_in_a_file_of_the_schema_and_a_page_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = recording(folder.path(), "idle", 2000.0);
    let out = folder.path().join("out");
    let command = format!("{} --quick --seed 3 --node {} --out {}", map(), node.display(), out.display());
    let summary = good(&command);
    assert!(summary.contains("2 of 201 ticks missed") && summary.lines().count() <= 50, "{summary}");
    let report = read(&out.join("bench.json"));
    assert_eq!(against_the_schema(&report), Vec::<String>::new());

    // The headline run is the node's.
    assert_eq!((&report["headline"], &report["ticks"]), (&json!("idle"), &json!(200)));
    assert_eq!(report["misses"], json!({"late": 1, "too_late": 0, "lost": 1}));
    assert_eq!(report["source"], json!({"model": 196, "previous": 0, "fallback": 4, "lattice": 0, "none": 0}));
    assert_eq!((&report["page_faults"], &report["allocations"]), (&json!(0), &json!(600)));
    assert_eq!((&report["deadline_ms"], &report["rss_mb"]), (&json!(10.0), &json!(70.0)));
    let p50 = report["latency_us"]["p50"].as_f64().expect("a time");
    assert!((p50 - 2100.0).abs() < 5.0, "{p50}");
    assert_eq!(report["dds_overhead_us"]["max"].as_f64().map(f64::round), Some(90.0));
    assert!(report["machine"]["cores"].as_u64() > Some(0));
    if report["vs_onnxruntime"].is_null() {
        let notes = report["notes"].as_array().expect("a list");
        assert!(notes.iter().any(|note| note.as_str().is_some_and(|note| note.starts_with("vs_onnxruntime: "))));
    }

    let offline = &report["runs"][1];
    assert_eq!(offline["name"], "offline");
    let ticks = offline["ticks"].as_u64().expect("a count");
    assert!(ticks > 0 && offline["histogram"].as_array().is_some_and(|h| !h.is_empty()));
    let counted: u64 = offline["results"].as_object().expect("counts").values().filter_map(Value::as_u64).sum();
    assert_eq!(counted, ticks);
    for kind in ["cold", "moved", "obstacle", "still"] {
        assert!(report["tick_by_kind"][kind]["n"].as_u64() > Some(0), "{kind}");
    }
    assert!(report["kernel"]["net_us"]["tract"]["n"].as_u64() > Some(0));
    assert_eq!(report["map_size"]["large"]["width"], 1000);
    assert!(report["map_size"]["success"].as_f64() > Some(0.0));
    let fields = report["footprint"].as_array().expect("a list");
    assert_eq!(
        fields.iter().map(|field| field["window"].as_u64().unwrap_or(0)).collect::<Vec<_>>(),
        [64, 64, 128, 128]
    );
    assert!(fields.iter().all(|field| field["cold_us"]["n"].as_u64() > Some(0)), "{fields:?}");
    assert!(fields.iter().any(|field| field["warm"].as_f64() > Some(0.0)), "what holds is kept: {fields:?}");
    assert_eq!(report["slowdown"]["factor"], 10.0);
    let peers: Vec<_> =
        report["peers"].as_array().into_iter().flatten().filter_map(|peer| peer["name"].as_str()).collect();
    assert_eq!(peers, ["model cold", "model warm", "A*", "weighted A* 1.5", "Dijkstra", "A* led by cost-to-go"]);
    let astar = &report["peers"][2];
    assert_eq!(astar["solved"], astar["n"], "A* finds every way that there is");

    let page = std::fs::read_to_string(out.join("bench.html")).expect("the page");
    assert!(page.contains("2 of 201 ticks missed the deadline") && page.contains("<svg"));
    for outside in ["http://", "https://", "<script", "src=", "href=", "url(", "@import"] {
        assert!(!page.contains(outside), "the page needs {outside}");
    }
}

#[test]
fn two_files_are_compared_and_noise_is_told_from_differences() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, total_us: f64| {
        let out = folder.path().join(name);
        let node = recording(folder.path(), "idle", total_us);
        // Only the shortest part is measured: the recordings are what is compared.
        good(&format!("{} --quick --parts slowdown --node {} --out {}", map(), node.display(), out.display()));
        out.join("bench.json")
    };
    let (a, b, same) = (file("a", 2000.0), file("b", 4000.0), file("same", 2003.0));
    let compare = |b: &Path| -> Value {
        serde_json::from_str(&good(&format!("compare {} {} --json", a.display(), b.display()))).expect("JSON")
    };
    let figure = |comparison: &Value, name: &str| -> Value {
        let rows = comparison["figures"].as_array().expect("a list");
        rows.iter().find(|row| row["figure"] == name).unwrap_or_else(|| panic!("{name}: {comparison}")).clone()
    };
    let slower = compare(&b);
    let p50 = figure(&slower, "idle.latency_us.p50");
    assert_eq!(p50["verdict"], "higher");
    assert!((p50["ratio"].as_f64().expect("a ratio") - 1.95).abs() < 0.05, "{p50}");
    assert_eq!(figure(&slower, "idle.misses")["verdict"], "within_noise");
    assert_eq!(figure(&slower, "idle.latency_us.p99.9")["verdict"], "within_noise", "200 ticks say nothing of it");
    assert_eq!(figure(&compare(&same), "idle.latency_us.p50")["verdict"], "within_noise");
    let table = good(&format!("compare {} {}", a.display(), b.display()));
    assert!(table.contains("B is higher") && table.contains("within noise"), "{table}");
}

#[test]
fn errors_name_flag_file_field_and_value() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).expect("a file");
        file.display().to_string()
    };
    let (old, other, text) =
        (write("old.json", "{\"format\": 7}"), write("other.json", "{\"a\": 1}"), write("text.json", "hello"));
    let half = write("half.json", "{\"format\": 1, \"ticks\": 3}");
    let cut = write("cut.jsonl", "{\"header\": {\"name\": \"idle\"}}");
    let file = write("file", "");
    for (arguments, words) in [
        (format!("compare {old} {old}"), vec!["old.json", "field format is 7", "format 1"]),
        (format!("compare {other} {other}"), vec!["other.json", "field format is missing"]),
        (format!("compare {text} {text}"), vec!["text.json", "not JSON"]),
        (format!("compare {half} {half}"), vec!["half.json", "missing field"]),
        ("compare /nowhere/a.json /nowhere/b.json".to_owned(), vec!["/nowhere/a.json", "No such file"]),
        ("--node /nowhere/idle.jsonl".to_owned(), vec!["--node /nowhere/idle.jsonl", "No such file"]),
        (format!("--node {cut}"), vec!["--node", "cut.jsonl", "line 1", "missing field `map`"]),
        ("/nowhere/map.yaml".to_owned(), vec!["/nowhere/map.yaml", "No such file"]),
        ("--rate 0".to_owned(), vec!["--rate: 0", "0.1 to 1000"]),
        ("--duration -3".to_owned(), vec!["--duration: -3"]),
        ("--deadline-ms 0".to_owned(), vec!["--deadline-ms: 0", "0.1"]),
        ("--window 7".to_owned(), vec!["--window: 7", "16 to 512"]),
        ("--speed -1".to_owned(), vec!["--speed: -1"]),
        ("--backend magic".to_owned(), vec!["--backend", "magic", "tract"]),
        ("--parts everything".to_owned(), vec!["--parts", "everything", "map_size"]),
        ("--load gpu".to_owned(), vec!["--load", "gpu", "cpu"]),
        ("--bundle /nowhere".to_owned(), vec!["bundle /nowhere"]),
        (format!("--out {file}/x"), vec!["--out", "/file/x"]),
    ] {
        let output = bench(&arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {output:?}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(words.iter().all(|word| error.contains(word)), "{arguments}: {error}");
    }
}

#[test]
fn a_bundle_without_a_repository_needs_a_map() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = folder.path().join("models/bundles/copy");
    std::fs::create_dir_all(&bundle).expect("a folder");
    for file in ["manifest.yaml", "encode.onnx", "net.onnx", "decode.onnx"] {
        std::fs::copy(root().join("models/bundles/nav_d32").join(file), bundle.join(file)).expect("a copy");
    }
    let output = bench(&format!("--bundle {}", bundle.display()));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("MAP.yaml: none was given") && error.contains("copy"), "{error}");
}

#[test]
fn the_schema_refuses_what_isnt_so() {
    let schema = read(&root().join("docs/bench.schema.json"));
    let wrong = json!({"format": 2, "ticks": -1, "surprise": true});
    let found = against_the_schema(&wrong);
    for words in ["format is 2", "ticks is -1, less than 0", "surprise isn't in the schema", "latency_us is missing"] {
        assert!(found.iter().any(|violation| violation.contains(words)), "{words}: {found:?}");
    }
    assert_eq!(schema["properties"]["format"]["const"], 1);
}
