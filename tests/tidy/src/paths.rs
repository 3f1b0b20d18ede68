//! Paths from the root of the repository, as text with `/`. The root itself is the empty text.

/// The folder that a path lies in.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last component of a path.
pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What follows the last dot of the file name; `None` for `Makefile` and `.gitignore`.
pub fn extension(path: &str) -> Option<&str> {
    let (stem, extension) = file_name(path).rsplit_once('.')?;
    (!stem.is_empty()).then_some(extension)
}

/// `path` as seen from `folder`, with `.` and `..` resolved; `None` when it leaves the repository.
pub fn join(folder: &str, path: &str) -> Option<String> {
    let mut components: Vec<&str> = folder.split('/').filter(|c| !c.is_empty()).collect();
    for component in path.split('/') {
        match component {
            "" | "." => {}
            ".." => {
                components.pop()?;
            }
            name => components.push(name),
        }
    }
    Some(components.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_and_taken_apart() {
        assert_eq!(join("a/b", "../c/./d.rs"), Some("a/c/d.rs".to_owned()));
        assert_eq!(join("", "x/"), Some("x".to_owned()));
        assert_eq!(join("a", "../.."), None);
        assert_eq!((parent("a/b/c.rs"), parent("c.rs"), file_name("a/b/c.rs")), ("a/b", "", "c.rs"));
        assert_eq!(
            (extension("a/b.tar.gz"), extension("a.b/Makefile"), extension(".gitignore")),
            (Some("gz"), None, None)
        );
    }
}
