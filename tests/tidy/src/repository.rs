//! The files of a repository, read once; in the tests of the rules, a small one in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

use crate::paths;

/// What is made in a checkout and never committed, from the root. See `.gitignore`.
const IGNORED: &[&str] = &[
    "vendor/r2r/src",
    ".git",
    ".ros",
    ".venv",
    ".bench",
    ".gazebo",
    "bench",
    "demo.json",
    "demo.png",
    "gazebo",
    "target",
    "tests/fuzz/artifacts",
    "tests/fuzz/corpus",
    "tests/fuzz/target",
];
/// Folders of caches, wherever they lie.
const CACHES: &[&str] = &["__pycache__", ".pytest_cache"];
/// The files whose text the rules read.
const TEXTS: &[&str] = &["md", "mk", "py", "rs", "sh", "toml", "yaml"];
/// The same for files without an extension.
const NAMED_TEXTS: &[&str] = &["Makefile", ".ci/run"];

/// Every file of a repository, by its path from the root.
pub struct Repository {
    /// The text, empty for what the rules don't read.
    files: BTreeMap<String, String>,
    folders: BTreeSet<String>,
}

impl Repository {
    /// Reads a checkout. Symbolic links count as files and are not followed.
    ///
    /// # Errors
    /// When a folder or a text can't be read.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        let mut open = vec![String::new()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(root.join(&folder))? {
                let entry = entry?;
                let name = entry.file_name();
                let Some(path) = name.to_str().and_then(|name| paths::join(&folder, name)) else { continue };
                if IGNORED.contains(&path.as_str()) || CACHES.contains(&paths::file_name(&path)) {
                    continue;
                }
                if entry.file_type()?.is_dir() {
                    open.push(path);
                    continue;
                }
                let is_text =
                    paths::extension(&path).is_some_and(|e| TEXTS.contains(&e)) || NAMED_TEXTS.contains(&path.as_str());
                let text = if is_text { fs::read_to_string(entry.path())? } else { String::new() };
                files.insert(path, text);
            }
        }
        Ok(Self::from_files(files))
    }

    /// A repository of these paths and texts.
    pub fn from_files<P: Into<String>, T: Into<String>>(files: impl IntoIterator<Item = (P, T)>) -> Self {
        let files: BTreeMap<String, String> =
            files.into_iter().map(|(path, text)| (path.into(), text.into())).collect();
        let mut folders = BTreeSet::from([String::new()]);
        for path in files.keys() {
            let mut folder = paths::parent(path);
            while folders.insert(folder.to_owned()) {
                folder = paths::parent(folder);
            }
        }
        Self { files, folders }
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The paths below a folder.
    pub(crate) fn files_under(&self, folder: &str) -> impl Iterator<Item = &str> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        self.files.keys().map(String::as_str).filter(move |path| path.starts_with(&prefix))
    }

    /// Whether a file or a folder has this path. A `*` in it stands for any part of one component.
    pub(crate) fn has(&self, path: &str) -> bool {
        if !path.contains('*') {
            return self.files.contains_key(path) || self.folders.contains(path);
        }
        let mut all = self.files.keys().chain(&self.folders);
        all.any(|candidate| {
            candidate.split('/').count() == path.split('/').count()
                && candidate.split('/').zip(path.split('/')).all(|(name, pattern)| matches(name, pattern))
        })
    }

    pub(crate) fn has_folder(&self, path: &str) -> bool {
        self.folders.contains(path)
    }

    /// The folders that hold a Cargo.toml, below `folder`.
    pub(crate) fn package_folders(&self, folder: &str) -> Vec<&str> {
        let manifests = self.files_under(folder).filter(|path| paths::file_name(path) == "Cargo.toml");
        manifests.map(paths::parent).filter(|found| *found != folder).collect()
    }
}

/// Whether a name has the form of a pattern in which each `*` stands for any text.
fn matches(name: &str, pattern: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return name == pattern };
    let Some(left) = name.strip_prefix(start) else { return false };
    (0..=left.len()).any(|skipped| left.get(skipped..).is_some_and(|end| matches(end, rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_patterns_are_found() {
        let repository = Repository::from_files([("a/b/map_1.yaml", ""), ("c/Cargo.toml", ""), ("Cargo.toml", "")]);
        for path in ["", "a", "a/b", "a/b/map_1.yaml", "a/*/map_*.yaml", "*/b"] {
            assert!(repository.has(path), "{path}");
        }
        for path in ["b", "a/b/map_1", "a/*.yaml", "a/b/map_*.json"] {
            assert!(!repository.has(path), "{path}");
        }
        assert_eq!(repository.package_folders(""), ["c"]);
    }
}
