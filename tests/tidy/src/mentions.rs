//! Paths and commands that a text names.

use crate::lines::{Kind, Line};

/// Something that a text names, and that may not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mention {
    /// The target of a Markdown link.
    Link(String),
    /// The whole of a code span: `src/lib.rs`.
    Span(String),
    /// A word of a command, or one that stands in a sentence without backticks.
    Word(String),
    /// A code span or a line of code that may be a command.
    Command(String),
}

/// All that the lines name, with the line's number.
pub fn find(lines: &[Line]) -> Vec<(usize, Mention)> {
    let mut found = Vec::new();
    for paragraph in lines.chunk_by(continues) {
        match paragraph {
            [line] if line.kind == Kind::Code => found.extend(of_command(line.number, &line.text)),
            _ => found.extend(of_prose(paragraph)),
        }
    }
    found
}

/// Whether a line belongs to the same paragraph as the one before it.
fn continues(line: &Line, next: &Line) -> bool {
    let is_text = |line: &Line| line.kind == Kind::Prose && !line.text.trim().is_empty();
    is_text(line) && is_text(next) && next.number == line.number + 1
}

fn of_command(number: usize, text: &str) -> Vec<(usize, Mention)> {
    let words = text.split_whitespace().filter(|word| word.contains('/'));
    let words = words.map(|word| (number, Mention::Word(trimmed(word).to_owned())));
    std::iter::once((number, Mention::Command(text.to_owned()))).chain(words).collect()
}

/// A word without the punctuation around it and without the `'s` behind it.
fn trimmed(word: &str) -> &str {
    let is_around = |c: char, kept: &str| c.is_ascii_punctuation() && !kept.contains(c);
    let word = word.trim_start_matches(|c| is_around(c, "./~$<{*")).trim_end_matches(|c| is_around(c, "/>}*"));
    word.strip_suffix("'s").unwrap_or(word)
}

fn of_prose(paragraph: &[Line]) -> Vec<(usize, Mention)> {
    let texts: Vec<&str> = paragraph.iter().map(|line| line.text.as_str()).collect();
    let text = texts.join("\n");
    let first = paragraph.first().map_or(1, |line| line.number);
    let number = |at: usize| first + text[..at].matches('\n').count();
    let (spans, prose) = split_spans(&text);
    let mut found = Vec::new();
    for (at, span) in spans {
        if span.split_whitespace().nth(1).is_some() {
            found.extend(of_command(number(at), span));
        } else {
            found.push((number(at), Mention::Span(span.trim().to_owned())));
        }
    }
    let (links, prose) = split_links(&prose);
    found.extend(links.into_iter().map(|(at, link)| (number(at), Mention::Link(link))));
    let mut at = 0;
    for word in prose.split_inclusive(char::is_whitespace) {
        if !word.trim().is_empty() && !word.contains("://") {
            found.push((number(at), Mention::Word(trimmed(word.trim()).to_owned())));
        }
        at += word.len();
    }
    found
}

/// The code spans of a text with their places, and the text with spaces in their stead.
fn split_spans(text: &str) -> (Vec<(usize, &str)>, String) {
    let mut spans = Vec::new();
    let mut prose = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('`') {
        let ticks = &rest[start..start + rest[start..].find(|c| c != '`').unwrap_or(rest.len() - start)];
        let inside = &rest[start + ticks.len()..];
        let Some(length) = inside.find(ticks) else { break };
        spans.push((text.len() - inside.len(), &inside[..length]));
        prose.push_str(&rest[..start]);
        prose.push_str(&blank(&rest[start..start + length + 2 * ticks.len()]));
        rest = &inside[length + ticks.len()..];
    }
    prose.push_str(rest);
    (spans, prose)
}

/// The targets of Markdown links, and the text with spaces in their stead.
fn split_links(text: &str) -> (Vec<(usize, String)>, String) {
    let mut links = Vec::new();
    let mut prose = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("](") {
        let inside = &rest[start + 2..];
        let Some(length) = inside.find(')') else { break };
        let target = inside[..length].split(['#', ' ']).next().unwrap_or_default();
        if !target.is_empty() && !target.contains(':') {
            links.push((text.len() - inside.len(), target.to_owned()));
        }
        prose.push_str(&rest[..start]);
        prose.push_str(&blank(&rest[start..start + length + 3]));
        rest = &inside[length + 1..];
    }
    prose.push_str(rest);
    (links, prose)
}

/// As many bytes of white space, with the same line ends.
fn blank(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_links_words_and_commands_are_told_apart() {
        let lines = [
            Line::prose(1, "See `a/b.rs` and `make x`"),
            Line::prose(2, "([c](d.md#e), [f](https://g.h/i.md)), `j"),
            Line::prose(3, "k/l`, tools/m.py."),
            Line::code(4, "cargo test -p n"),
        ];
        let found = find(&lines);
        let named = |wanted: Mention, line: usize| assert!(found.contains(&(line, wanted.clone())), "{wanted:?}");
        named(Mention::Span("a/b.rs".into()), 1);
        named(Mention::Command("make x".into()), 1);
        named(Mention::Link("d.md".into()), 2);
        named(Mention::Word("k/l".into()), 2);
        named(Mention::Word("tools/m.py".into()), 3);
        named(Mention::Command("cargo test -p n".into()), 4);
        assert!(!found.iter().any(|(_, mention)| format!("{mention:?}").contains("i.md")));
    }
}
