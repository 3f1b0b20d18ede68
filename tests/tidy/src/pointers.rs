//! Rule: what documents and comments point at exists: paths, targets of make, packages, tests and subcommands.

use crate::commands::Commands;
use crate::mentions::{self, Mention};
use crate::repository::Repository;
use crate::violation::Violation;
use crate::{comments, paths, run_time_paths};

/// Folders and files whose documents and comments are read.
const READ: &[&str] = &[
    ".cargo/",
    ".ci/",
    "CHANGELOG.md",
    "Cargo.toml",
    "Makefile",
    "README.md",
    "config/",
    "launch/",
    "models/",
    "tests/",
    "tools/",
    "trm_node/",
];
/// What a name must end with to be taken for a file's.
const EXTENSIONS: &[&str] = &[
    "cpp",
    "css",
    "csv",
    "hpp",
    "html",
    "json",
    "md",
    "mk",
    "onnx",
    "pgm",
    "png",
    "pt",
    "py",
    "rs",
    "rst",
    "safetensors",
    "sh",
    "toml",
    "yaml",
    "yml",
];
/// Where paths may begin besides the folders around the file that names them.
const CRATES: &str = "trm_node";

/// Every pointer at something that doesn't exist.
#[must_use]
pub fn check(repository: &Repository) -> Vec<Violation> {
    let commands = Commands::of(repository);
    let mut violations = Vec::new();
    for (file, text) in repository.files().filter(|(file, _)| is_read(file)) {
        for (line, mention) in mentions::find(&comments::lines(file, text)) {
            let dead = match mention {
                Mention::Command(command) => commands.dead_names(&command),
                mention => dead_path(repository, file, &mention).into_iter().collect(),
            };
            violations.extend(dead.into_iter().map(|text| Violation::new(file, line, text)));
        }
    }
    violations.sort_unstable();
    violations.dedup();
    violations
}

fn is_read(file: &str) -> bool {
    let is_in = |place: &&str| if place.ends_with('/') { file.starts_with(*place) } else { file == *place };
    READ.iter().any(is_in)
}

/// Says that a path doesn't exist; `None` when it does, or when the words are no path.
fn dead_path(repository: &Repository, file: &str, mention: &Mention) -> Option<String> {
    let (Mention::Link(text) | Mention::Span(text) | Mention::Word(text)) = mention else { return None };
    if let Mention::Link(target) = mention {
        let exists = paths::join(paths::parent(file), target).is_some_and(|path| repository.has(&path));
        let is_document = paths::extension(file) == Some("md");
        return (!exists && is_document).then(|| format!("the link {target} leads nowhere"));
    }
    let path = without_line_number(text);
    let dead = looks_like_path(repository, file, path, matches!(mention, Mention::Span(_)))
        && !run_time_paths::contains(path)
        && !exists(repository, file, path);
    dead.then(|| format!("there is no {path}"))
}

/// The path without the number of a line behind it.
fn without_line_number(text: &str) -> &str {
    match text.rsplit_once(':') {
        Some((path, line)) if !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit()) => path,
        _ => text,
    }
}

/// Whether a text is meant as a path of the repository. A code span may be one without an extension, too.
fn looks_like_path(repository: &Repository, file: &str, text: &str, is_span: bool) -> bool {
    let is_clean = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./*".contains(&byte));
    let has_name = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    if !is_clean || !has_name || text.starts_with(['/', '-']) || text.contains("//") {
        return false;
    }
    let has_extension = paths::extension(text).is_some_and(|extension| EXTENSIONS.contains(&extension));
    let Some((first, rest)) = text.split_once('/') else { return has_extension && !text.starts_with('*') };
    let begins_at_root = !rest.is_empty() && repository.has_folder(first);
    let begins_nearby =
        || bases(file).any(|base| paths::join(base, first).is_some_and(|path| repository.has_folder(&path)));
    has_extension
        || begins_at_root
        || (is_span && (rest.is_empty() || text.split('/').any(|c| c == "src") || begins_nearby()))
}

/// Where a path that `file` names may begin: in the folders around the file, and in that of the crates.
fn bases(file: &str) -> impl Iterator<Item = &str> {
    let around =
        std::iter::successors(Some(paths::parent(file)), |folder| (!folder.is_empty()).then(|| paths::parent(folder)));
    around.chain(std::iter::once(CRATES))
}

fn exists(repository: &Repository, file: &str, path: &str) -> bool {
    if bases(file).any(|base| paths::join(base, path).is_some_and(|path| repository.has(&path))) {
        return true;
    }
    // A name alone: sources of the same crate, data anywhere.
    let is_source = matches!(paths::extension(path), Some("rs" | "py"));
    let place = if is_source { area(file) } else { "" };
    !path.contains('/') && repository.files_under(place).any(|candidate| paths::file_name(candidate) == path)
}

/// The crate or the top folder that a file belongs to; the root for the documents of the whole.
fn area(file: &str) -> &str {
    let depth = if file.starts_with("trm_node/") { 2 } else { 1 };
    match file.match_indices('/').nth(depth - 1) {
        Some((end, _)) => &file[..end],
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the rule says of a text in a file of a small repository.
    fn dead(file: &str, text: &str) -> Vec<String> {
        let repository = Repository::from_files([
            ("README.md", ""),
            ("config/trm_node.yaml", ""),
            ("models/configs/nav.yaml", ""),
            ("models/trm_train/worlds.py", ""),
            ("tests/maps/office/map.yaml", ""),
            ("trm_node/grid/src/cost.rs", ""),
            ("trm_node/planner/src/halt/policy.rs", ""),
            ("trm_node/planner/src/lib.rs", ""),
            (file, text),
        ]);
        check(&repository).into_iter().map(|violation| violation.text).collect()
    }

    #[test]
    fn living_paths_are_accepted() {
        let source = "//! `halt/policy.rs`, `src/lib.rs`, `grid/src/cost.rs`, `trm_node/grid`, `.ros/`,\n\
                      //! `config/trm_node.yaml`, `policy.rs:7`, `map.yaml`, `models/`, .ros/lib,\n\
                      //! tests/maps/*/map.yaml, models/trm_train/worlds.py's.\n";
        assert_eq!(dead("trm_node/planner/src/halt/deadline.rs", source), [""; 0]);
        assert_eq!(dead("models/trm_train/a.py", "\"\"\"configs/nav.yaml, worlds.py\"\"\"\n"), [""; 0]);
    }

    #[test]
    fn what_is_no_path_is_left_alone() {
        let text = "`nav_msgs/Path`, `~/status`, `/etc/x.conf`, `a / b.rs`, and/or, `crate::a`, `1/m`, `$OUT/x.json`,\n\
                    `{a,b}.json`, `<name>.yaml`, https://a.b/c.md, `map.origin`, 4.5.\n";
        assert_eq!(dead("trm_node/ARCHITECTURE.md", text), [""; 0]);
    }

    #[test]
    fn dead_paths_are_found() {
        for (file, text, expected) in [
            ("README.md", "[a](docs/a.md)", "the link docs/a.md leads nowhere"),
            ("README.md", "`core/src/planner.rs`", "there is no core/src/planner.rs"),
            ("README.md", "`core/src/grid`", "there is no core/src/grid"),
            ("README.md", "`tests/maps/house`", "there is no tests/maps/house"),
            ("README.md", "```\nsee tests/maps/house\n```", "there is no tests/maps/house"),
            ("trm_node/grid/src/lib.rs", "//! See `policy.rs`.", "there is no policy.rs"),
            ("trm_node/grid/src/lib.rs", "/// See `halt/policy.rs`.", "there is no halt/policy.rs"),
            ("trm_node/grid/src/lib.rs", "// See cost_map.rs:12.", "there is no cost_map.rs"),
            ("trm_node/grid/src/lib.rs", "// As tests/raw.py's.", "there is no tests/raw.py"),
            ("models/trm_train/losses.py", "\"\"\"The target (MODEL.md).\"\"\"", "there is no MODEL.md"),
            ("config/trm_node.yaml", "a: 1  # config/gone.yaml", "there is no config/gone.yaml"),
            ("Makefile", "a:\n\tpython3 tests/gone.py", "there is no tests/gone.py"),
        ] {
            assert_eq!(dead(file, text), [expected], "{file}");
        }
    }

    #[test]
    fn dead_commands_are_found() {
        assert_eq!(dead("README.md", "run `make dem`"), ["`make dem` is no target"]);
        assert_eq!(dead("tools/a.sh", "cargo test -p trm_core"), ["there is no package trm_core"]);
    }
}
