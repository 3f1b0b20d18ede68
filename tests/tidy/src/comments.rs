//! What people read in each kind of file.

use crate::lines::{Kind, Line};
use crate::{paths, python, rust_comments};

/// The prose of a file and the code in it that is written for people; for scripts and Makefiles every line.
pub fn lines(path: &str, text: &str) -> Vec<Line> {
    match (paths::extension(path), paths::file_name(path)) {
        (Some("md"), "CHANGELOG.md") => markdown(text).into_iter().filter(is_unreleased(text)).collect(),
        (Some("md"), _) => markdown(text),
        (Some("rs"), _) => rust_comments::lines(text),
        (Some("py"), _) => python::lines(text),
        (Some("yaml" | "toml"), _) => hash_comments(text, false),
        (Some("mk" | "sh"), _) | (None, "Makefile" | "run") => hash_comments(text, true),
        _ => Vec::new(),
    }
}

/// Everything in a Markdown file. What stands between fences is code.
fn markdown(text: &str) -> Vec<Line> {
    let mut in_fence = false;
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_fence = !in_fence;
        } else {
            let kind = if in_fence { Kind::Code } else { Kind::Prose };
            lines.push(Line { number: index + 1, text: line.to_owned(), kind });
        }
    }
    lines
}

/// Whether a line of a changelog is in its section of what is not released: older sections tell of older trees.
fn is_unreleased(text: &str) -> impl Fn(&Line) -> bool {
    let headings =
        text.lines().enumerate().filter(|(_, line)| line.starts_with("## ")).map(|(index, line)| (index + 1, line));
    let mut headings =
        headings.skip_while(|(_, line)| !line.to_lowercase().contains("unreleased")).map(|(number, _)| number);
    let start = headings.next().unwrap_or(usize::MAX);
    let end = headings.next().unwrap_or(usize::MAX);
    move |line| (start..end).contains(&line.number)
}

/// What follows `#` on each line, and the rest of the line where the file is a script.
fn hash_comments(text: &str, is_script: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let (code, comment) = split_at_hash(line);
        if is_script && !code.trim().is_empty() {
            lines.push(Line::code(index + 1, code));
        }
        // Comments of neighbouring lines are one text; a blank one ends it.
        lines.extend(comment.map(|comment| Line::prose(index + 1, comment.trim_start_matches('#').trim())));
    }
    lines
}

/// The code and the comment of a line: the comment begins at a `#` that is outside quotes and behind a space.
fn split_at_hash(line: &str) -> (&str, Option<&str>) {
    let mut quote = None;
    let mut previous = ' ';
    for (at, character) in line.char_indices() {
        match (quote, character) {
            (None, '#') if previous.is_whitespace() => return (&line[..at], Some(&line[at..])),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if character == open && previous != '\\' => quote = None,
            _ => {}
        }
        previous = character;
    }
    (line, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_prose_but_for_its_fences() {
        let expected = [Line::prose(1, "a `b`"), Line::code(3, "make x"), Line::prose(5, "c")];
        assert_eq!(lines("a.md", "a `b`\n```sh\nmake x\n```\nc\n"), expected);
    }

    #[test]
    fn of_a_changelog_only_what_is_unreleased_counts() {
        let text = "# Changelog\n## [Unreleased]\nnew\n## 1.0\nold\n";
        assert_eq!(lines("CHANGELOG.md", text), [Line::prose(2, "## [Unreleased]"), Line::prose(3, "new")]);
    }

    #[test]
    fn comments_begin_at_a_hash_outside_quotes() {
        let expected = [Line::code(1, "echo \"a # b\" $# "), Line::prose(1, "c d"), Line::code(2, "x=${y#z}")];
        assert_eq!(lines("a.sh", "echo \"a # b\" $# # c d\nx=${y#z}"), expected);
        assert_eq!(lines("a.yaml", "a: 1  # b\nc: '#'\n"), [Line::prose(1, "b")]);
    }
}
