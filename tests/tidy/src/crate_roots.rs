//! The crates of the repository, by the file that each begins with.

use crate::paths;
use crate::repository::Repository;

/// Where the packages lie that the rules read.
const PACKAGES: &[&str] = &["trm_node", "tests"];

/// The roots of all libraries, programs and build scripts.
pub fn of_programs(repository: &Repository) -> Vec<String> {
    let candidates = package_folders(repository).into_iter().flat_map(|folder| {
        let bins = files_in(repository, &format!("{folder}/src/bin"));
        ["src/lib.rs", "src/main.rs", "build.rs"]
            .iter()
            .map(|name| format!("{folder}/{name}"))
            .chain(bins)
            .collect::<Vec<_>>()
    });
    candidates.filter(|file| repository.text(file).is_some()).collect()
}

/// Roots of integration tests, benches, examples and fuzz targets.
pub fn of_tests(repository: &Repository) -> Vec<String> {
    let folders = package_folders(repository).into_iter();
    let folders =
        folders.flat_map(|f| ["tests", "benches", "examples", "fuzz_targets"].map(|name| format!("{f}/{name}")));
    folders.flat_map(|folder| files_in(repository, &folder)).collect()
}

/// The `src` folders whose files must all be part of a crate.
pub fn source_folders(repository: &Repository) -> Vec<String> {
    package_folders(repository).into_iter().map(|folder| format!("{folder}/src")).collect()
}

fn package_folders(repository: &Repository) -> Vec<&str> {
    PACKAGES.iter().flat_map(|folder| repository.package_folders(folder)).collect()
}

/// The Rust files directly in a folder.
fn files_in(repository: &Repository, folder: &str) -> Vec<String> {
    let files = repository.files_under(folder).filter(|path| paths::parent(path) == folder);
    files.filter(|path| paths::extension(path) == Some("rs")).map(str::to_owned).collect()
}
