//! Whether the packages that the node can do without are there, in the version that it knows: the interfaces of Nav2's
//! planner server, and those of `RViz`'s markers.
//!
//! Without them the node has no actions, or shows no steps, and says so when it starts. The first prefix that has a package
//! counts, as for the client library that generates its code.

use std::path::{Path, PathBuf};

/// A package that is optional.
struct Optional {
    name: &'static str,
    /// The fields by which Jazzy's version is known, each with its file.
    fields: &'static [(&'static str, &'static str)],
    without: &'static str,
}

const PACKAGES: [Optional; 2] = [
    Optional {
        name: "nav2_msgs",
        fields: &[
            ("action/ComputePathToPose.action", "string error_msg"),
            ("action/ComputePathThroughPoses.action", "geometry_msgs/PoseStamped[] goals"),
            ("srv/IsPathValid.srv", "int32[] invalid_pose_indices"),
        ],
        without: "the node will have no actions",
    },
    Optional {
        name: "visualization_msgs",
        fields: &[("msg/MarkerArray.msg", "Marker[] markers"), ("msg/Marker.msg", "int32 DELETEALL=3")],
        without: "the node will not show its steps",
    },
];

fn main() {
    println!("cargo:rerun-if-env-changed=AMENT_PREFIX_PATH");
    println!("cargo:rerun-if-env-changed=IDL_PACKAGE_FILTER");
    PACKAGES.iter().for_each(look_for);
}

fn look_for(Optional { name, fields, without }: &Optional) {
    println!("cargo:rustc-check-cfg=cfg({name})");
    let is_wanted = std::env::var("IDL_PACKAGE_FILTER").map_or(true, |filter| filter.split(';').any(|p| p == *name));
    let prefixes = std::env::var_os("AMENT_PREFIX_PATH").unwrap_or_default();
    let share =
        std::env::split_paths(&prefixes).map(|prefix| prefix.join("share").join(name)).find(|share| share.is_dir());
    let Some(share) = share.filter(|_| is_wanted) else {
        println!("cargo:warning={name} isn't in AMENT_PREFIX_PATH: {without}");
        return;
    };
    match fields.iter().find(|(file, field)| !has(&share, file, field)) {
        None => println!("cargo:rustc-cfg={name}"),
        Some((file, field)) => println!(
            "cargo:warning={} has no field `{field}`: it isn't Jazzy's, and {without}",
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
