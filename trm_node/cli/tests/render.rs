//! `trm render` as a person runs it.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::codecs::gif::GifDecoder;
use image::{AnimationDecoder as _, GenericImageView as _};

fn render(arguments: &[&str]) -> Output {
    let map = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/maps/pal_office/map.yaml");
    Command::new(env!("CARGO_BIN_EXE_trm"))
        .arg("render")
        .arg(map)
        .args("--start 2.5 6.5 --goal 4.5 5.0 --deadline-ms 10000 --json".split(' '))
        .args(arguments)
        .output()
        .expect("trm is built with its tests")
}

fn file(folder: &tempfile::TempDir, name: &str) -> (PathBuf, String) {
    let path = folder.path().join(name);
    let text = path.to_str().expect("paths of tests are UTF-8").to_owned();
    (path, text)
}

#[test]
fn each_answer_of_the_model_is_a_frame_and_they_differ() {
    let folder = tempfile::tempdir().unwrap();
    let ((png, png_text), (gif, gif_text)) = (file(&folder, "steps.png"), file(&folder, "steps.gif"));
    let output = render(&["--png", &png_text, "--gif", &gif_text]);
    assert!(output.status.success(), "{output:?}");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let steps = answer["steps"].as_u64().unwrap();
    let decoder = GifDecoder::new(BufReader::new(std::fs::File::open(gif).unwrap())).unwrap();
    let frames = decoder.into_frames().collect_frames().unwrap();
    // An answer is decoded after each update of y, of which a step has two.
    assert!(frames.len() as u64 >= steps && frames.len() > 1, "{} frames of {steps} steps", frames.len());
    assert_ne!(frames[0].buffer(), frames[1].buffer(), "the answer changes");
    let (width, height) = frames[0].buffer().dimensions();
    let sheet = image::open(png).unwrap();
    assert!(sheet.width() > width && sheet.height() >= height, "{:?}", sheet.dimensions());
}

#[test]
fn what_cannot_be_drawn_is_refused_by_its_flag() {
    let folder = tempfile::tempdir().unwrap();
    let (_, png) = file(&folder, "steps.png");
    let (_, nowhere) = file(&folder, "no/such/folder.gif");
    for (arguments, said) in [
        (&[][..], "--png or --gif"),
        (&["--gif", &nowhere], "--gif"),
        (&["--png", &png, "--footprint", "[[0.3, 0.2], [-0.3, 0.2], [-0.3, -0.2], [0.3, -0.2]]"], "--footprint"),
    ] {
        let output = render(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && error.contains(said), "{said}: {output:?}");
    }
    assert!(!Path::new(&png).exists());
}
