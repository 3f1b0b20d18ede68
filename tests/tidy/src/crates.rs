//! Rule: the crates keep the order of the flow.

use std::collections::BTreeSet;

use toml_edit::{DocumentMut, TableLike};

use crate::repository::Repository;
use crate::violation::Violation;

/// Where the crates lie.
const CRATES: &str = "trm_node/";
/// Each of these may depend on those before it.
const FLOW: [&str; 8] =
    ["trm_config", "trm_grid", "trm_lattice", "trm_safety", "trm_kernel", "trm_gpu", "trm_net", "trm_planner"];
/// Linux for real-time threads: knows nothing of planning.
const REAL_TIME: &str = "trm_rt";
/// The threads of the node, without ROS.
const THREADS: &str = "trm_flow";
const LABORATORY: &str = "trm_lab";
const COMMAND: &str = "trm";
const NODE: &str = "trm_node";
/// Crates that depend on these alone, not even on crates of other projects. Their tests may use more.
const CLOSED: &[(&str, &[&str])] = &[("trm_safety", &["trm_config", "trm_grid"]), ("trm_kernel", &[])];

/// Every dependency against the order of the crates, and every crate that has no place in it.
#[must_use]
pub fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut packages = Vec::new();
    for folder in repository.package_folders("") {
        let path = format!("{folder}/Cargo.toml");
        match repository.text(&path).unwrap_or_default().parse::<DocumentMut>() {
            Ok(manifest) => packages.push(Package::of(path, &manifest)),
            Err(error) => violations.push(Violation::new(&path, 1, format!("can't be parsed: {error}"))),
        }
    }
    // What is vendored is somebody else's.
    let own = packages.iter().filter(|package| !package.manifest.starts_with("vendor/"));
    let ours: BTreeSet<&str> = own.map(|package| package.name.as_str()).collect();
    for package in packages.iter().filter(|package| package.manifest.starts_with(CRATES)) {
        let text = repository.text(&package.manifest).unwrap_or_default();
        violations.extend(package.faults(&ours).into_iter().map(|(name, fault)| {
            let line = text.lines().position(|line| line.starts_with(&name)).map_or(1, |index| index + 1);
            Violation::new(&package.manifest, line, fault)
        }));
    }
    violations
}

/// The crates of the workspace that a crate may depend on; `None` for a crate without a place in the order.
fn allowed(name: &str) -> Option<Vec<&'static str>> {
    if let Some(place) = FLOW.iter().position(|other| *other == name) {
        return Some(FLOW[..place].to_vec());
    }
    match name {
        REAL_TIME => Some(Vec::new()),
        THREADS => Some([&FLOW[..], &[REAL_TIME]].concat()),
        // The node on a robot carries no laboratory.
        LABORATORY | NODE => Some([&FLOW[..], &[REAL_TIME, THREADS]].concat()),
        COMMAND => Some([&FLOW[..], &[REAL_TIME, THREADS, LABORATORY]].concat()),
        _ => None,
    }
}

/// What a manifest says.
struct Package {
    /// Its path.
    manifest: String,
    name: String,
    dependencies: Vec<Dependency>,
}

struct Dependency {
    name: String,
    for_tests: bool,
}

impl Package {
    fn of(path: String, manifest: &DocumentMut) -> Self {
        let name = manifest.get("package").and_then(|package| package.get("name")?.as_str()).unwrap_or_default();
        let targets = manifest.get("target").and_then(|targets| targets.as_table_like()).into_iter();
        let targets = targets.flat_map(TableLike::iter).filter_map(|(_, target)| target.as_table_like());
        let tables = std::iter::once(manifest.as_table() as &dyn TableLike).chain(targets);
        Self { name: name.to_owned(), dependencies: tables.flat_map(dependencies).collect(), manifest: path }
    }

    /// Dependencies that the order forbids, by name, and why.
    fn faults(&self, ours: &BTreeSet<&str>) -> Vec<(String, String)> {
        let name = &self.name;
        let Some(allowed) = allowed(name) else {
            return vec![("name".to_owned(), format!("{name} has no place in the order of the crates"))];
        };
        let closed = CLOSED.iter().find(|(closed, _)| closed == name).map(|(_, only)| *only);
        let mut faults = Vec::new();
        for dependency in &self.dependencies {
            let used = dependency.name.as_str();
            if ours.contains(used) && !allowed.contains(&used) {
                faults.push((used.to_owned(), format!("{name} comes before {used}, or beside it, and may not use it")));
            } else if !dependency.for_tests && closed.is_some_and(|only| !only.contains(&used)) {
                faults
                    .push((used.to_owned(), format!("{name} may not use {used}: its dependencies are a closed list")));
            }
        }
        faults
    }
}

/// The dependencies that a manifest, or its part for one target, has.
fn dependencies(table: &dyn TableLike) -> Vec<Dependency> {
    let kinds = [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)];
    let tables = kinds.into_iter().filter_map(|(kind, for_tests)| Some((table.get(kind)?.as_table_like()?, for_tests)));
    let dependencies = tables.flat_map(|(table, for_tests)| {
        table.iter().map(move |(key, value)| {
            let name = value.get("package").and_then(|name| name.as_str()).unwrap_or(key).to_owned();
            Dependency { name, for_tests }
        })
    });
    dependencies.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the rule says when the crate of a folder has this manifest below its name.
    fn faults(folder: &str, name: &str, manifest: &str) -> Vec<String> {
        let mut files: Vec<(String, String)> = FLOW
            .iter()
            .chain(&[REAL_TIME, THREADS, LABORATORY, COMMAND, NODE])
            .filter(|other| **other != name)
            .map(|name| (format!("trm_node/of_{name}/Cargo.toml"), format!("[package]\nname = \"{name}\"\n")))
            .collect();
        files.push((format!("trm_node/{folder}/Cargo.toml"), format!("[package]\nname = \"{name}\"\n{manifest}")));
        check(&Repository::from_files(files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn dependencies_on_earlier_crates_are_accepted() {
        for (folder, name, manifest) in [
            ("planner", "trm_planner", "[dependencies]\ntrm_net.workspace = true\nserde = \"1\"\n"),
            (
                "safety",
                "trm_safety",
                "[dependencies]\ntrm_grid = { path = \"x\" }\n[dev-dependencies]\nproptest = \"1\"\ntrm_config = \"1\"",
            ),
            ("ros", "trm_node", "[dependencies]\ntrm_rt.workspace = true\n"),
            ("cli", "trm", "[dependencies]\ntrm_lab.workspace = true\n"),
        ] {
            assert_eq!(faults(folder, name, manifest), [""; 0], "{name}");
        }
    }

    #[test]
    fn dependencies_against_the_order_are_found() {
        for (folder, name, manifest, expected) in [
            (
                "grid",
                "trm_grid",
                "[dependencies]\ntrm_net.workspace = true\n",
                "trm_node/grid/Cargo.toml:4: trm_grid comes before trm_net",
            ),
            ("rt", "trm_rt", "[dev-dependencies]\ntrm_grid = \"1\"\n", "trm_rt comes before trm_grid, or beside it"),
            (
                "ros",
                "trm_node",
                "[target.'cfg(unix)'.dependencies]\nlab = { package = \"trm_lab\" }\n",
                "trm_node comes before trm_lab",
            ),
            ("lab", "trm_lab", "[dependencies]\ntrm.workspace = true\n", "trm_lab comes before trm,"),
            ("safety", "trm_safety", "[dependencies]\nserde = \"1\"\n", "trm_safety may not use serde"),
            ("new", "trm_new", "", "trm_new has no place in the order"),
        ] {
            let faults = faults(folder, name, manifest);
            assert!(faults.len() == 1 && faults[0].contains(expected), "{name}: {faults:?}");
        }
    }
}
