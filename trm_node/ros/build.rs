//! Whether the interfaces of Nav2's planner server are there, in the version that the node knows.
//!
//! They are optional: without them the node has no actions, and says so when it starts. The first prefix that has the
//! package counts, as for the client library that generates its code.

use std::path::{Path, PathBuf};

/// The fields by which Jazzy's version is known, each with its file.
const FIELDS: [(&str, &str); 3] = [
    ("action/ComputePathToPose.action", "string error_msg"),
    ("action/ComputePathThroughPoses.action", "geometry_msgs/PoseStamped[] goals"),
    ("srv/IsPathValid.srv", "int32[] invalid_pose_indices"),
];

fn main() {
    println!("cargo:rerun-if-env-changed=AMENT_PREFIX_PATH");
    println!("cargo:rerun-if-env-changed=IDL_PACKAGE_FILTER");
    println!("cargo:rustc-check-cfg=cfg(nav2_msgs)");
    let is_wanted =
        std::env::var("IDL_PACKAGE_FILTER").map_or(true, |filter| filter.split(';').any(|p| p == "nav2_msgs"));
    let prefixes = std::env::var_os("AMENT_PREFIX_PATH").unwrap_or_default();
    let share =
        std::env::split_paths(&prefixes).map(|prefix| prefix.join("share/nav2_msgs")).find(|share| share.is_dir());
    let Some(share) = share.filter(|_| is_wanted) else {
        println!("cargo:warning=nav2_msgs isn't in AMENT_PREFIX_PATH: the node will have no actions");
        return;
    };
    match FIELDS.iter().find(|(file, field)| !has(&share, file, field)) {
        None => println!("cargo:rustc-cfg=nav2_msgs"),
        Some((file, field)) => println!(
            "cargo:warning={} has no field `{field}`: it isn't Jazzy's, and the node will have no actions",
            share.join(file).display()
        ),
    }
}

fn has(share: &Path, file: &str, field: &str) -> bool {
    let file: PathBuf = share.join(file);
    println!("cargo:rerun-if-changed={}", file.display());
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let words = |line: &str| line.split('#').next().unwrap_or("").split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().any(|line| words(line) == field)
}
