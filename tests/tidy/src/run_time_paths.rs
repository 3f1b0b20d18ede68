//! Paths that texts name rightly though the repository doesn't hold them.

/// Folders with all that is in them.
const FOLDERS: &[&str] = &[
    // Made by `make ros`, `make models-env`, `make gazebo`, Cargo and the fuzzer.
    ".gazebo/",
    ".ros/",
    ".venv/",
    "target/",
    "tests/fuzz/corpus/",
    // Where colcon installs.
    "share/trm_node/",
    // Sources of Linux, cited.
    "Documentation/",
    "power/powercap/",
];

/// Single paths.
const PATHS: &[&str] = &[
    // Written by `make demo` and `make bench`.
    "bench.html",
    "bench.json",
    "bench/bench.html",
    "bench/bench.json",
    "demo.json",
    "demo.png",
    // Written by `make gazebo`.
    "gazebo.gif",
    "gazebo.json",
    "gazebo.mcap",
    "gazebo.png",
    "gazebo/",
    // The sources of a colcon workspace.
    "src/",
    // The user's own router over several bundles, and what it is fitted to.
    "measured.json",
    "router.yaml",
    // The user's own copy of the parameter file.
    "mine.yaml",
    // Sources of Nav2, cited.
    "nav2_costmap_2d/include/nav2_costmap_2d/inflation_layer.hpp",
    "nav2_map_server/src/map_io.cpp",
    "src/costmap_2d_publisher.cpp",
    // Sources of jetson_stats, cited.
    "gpu.py",
    "power.py",
    "test_06_tegra_parse.py",
];

/// Whether a path is one of these.
pub fn contains(path: &str) -> bool {
    PATHS.contains(&path)
        || FOLDERS.iter().any(|folder| path.starts_with(folder) || folder.strip_suffix('/') == Some(path))
}
