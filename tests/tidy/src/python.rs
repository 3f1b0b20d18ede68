//! Comments and docstrings of Python files.

use crate::lines::Line;

const QUOTES: [&str; 2] = ["\"\"\"", "'''"];
/// From how many spaces more than its first line on a docstring's line is code.
const CODE_INDENT: usize = 4;

/// Every comment and docstring.
pub fn lines(source: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut open: Option<Text> = None;
    for (index, line) in source.lines().enumerate() {
        let number = index + 1;
        let mut rest = line;
        if let Some(text) = &open {
            let (inside, after) = match line.split_once(text.quotes) {
                Some((inside, after)) => (inside, Some(after)),
                None => (line, None),
            };
            lines.extend(text.line(number, inside));
            let Some(after) = after else { continue };
            rest = after;
        }
        open = read_code(number, line, rest, &mut lines);
    }
    lines
}

/// A text in three quotes that goes on over lines.
struct Text {
    quotes: &'static str,
    /// A string that is a statement by itself.
    is_docstring: bool,
    indent: usize,
}

impl Text {
    fn line(&self, number: usize, text: &str) -> Option<Line> {
        let is_code = indent(text) >= self.indent + CODE_INDENT && !text.trim().is_empty();
        let line = if is_code { Line::code(number, text) } else { Line::prose(number, text) };
        self.is_docstring.then_some(line)
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Reads what is left of a line outside texts; gives the text that it leaves open.
fn read_code(number: usize, line: &str, mut rest: &str, lines: &mut Vec<Line>) -> Option<Text> {
    while let Some(at) = rest.find(['#', '"', '\'']) {
        let (before, from) = rest.split_at(at);
        if let Some(comment) = from.strip_prefix('#') {
            lines.push(Line::prose(number, comment.trim_start()));
            return None;
        }
        if let Some(quotes) = QUOTES.into_iter().find(|quotes| from.starts_with(quotes)) {
            let is_docstring = before.len() + from.len() == line.len() && before.trim().is_empty();
            let text = Text { quotes, is_docstring, indent: indent(line) };
            let inside = &from[quotes.len()..];
            let Some((inside, after)) = inside.split_once(quotes) else {
                lines.extend(text.is_docstring.then(|| Line::prose(number, inside)));
                return Some(text);
            };
            lines.extend(text.is_docstring.then(|| Line::prose(number, inside)));
            rest = after;
        } else {
            rest = after_string(from);
        }
    }
    None
}

/// What follows a string in single quotes.
fn after_string(from: &str) -> &str {
    let mut characters = from.char_indices();
    let quote = characters.next().map(|(_, quote)| quote);
    while let Some((at, character)) = characters.next() {
        if character == '\\' {
            characters.next();
        } else if Some(character) == quote {
            return &from[at + 1..];
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docstrings_and_comments_are_read_and_strings_are_not() {
        let source = "\"\"\"One.\n\n    make x\n\"\"\"\nx = '# no'  # two\n\
                      y = \"\"\"no\n# no\"\"\"  # three\ndef f():\n    '''Four.'''\n";
        let expected = [
            Line::prose(1, "One."),
            Line::prose(2, ""),
            Line::code(3, "    make x"),
            Line::prose(4, ""),
            Line::prose(5, "two"),
            Line::prose(7, "three"),
            Line::prose(9, "Four."),
        ];
        assert_eq!(lines(source), expected);
    }
}
