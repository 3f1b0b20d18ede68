//! Comments of Rust files, documentation included.

use proc_macro2::{Span, TokenStream, TokenTree};

use crate::lines::Line;

/// Infos of fences whose content isn't Rust.
const NOT_RUST: &[&str] = &["bash", "console", "sh", "text"];

/// Every comment; none of a file that isn't Rust. Examples in Rust are left out: the compiler reads those.
pub fn lines(source: &str) -> Vec<Line> {
    let Ok(tokens) = source.parse::<TokenStream>() else { return Vec::new() };
    let mut text = source.as_bytes().to_vec();
    blank_tokens(tokens, source, &mut text);
    // Whole tokens became spaces, so no character is cut.
    let text = String::from_utf8_lossy(&text);
    let mut lines = Vec::new();
    let mut fence = None;
    let mut last_comment = 0;
    for (index, comment) in text.lines().enumerate().filter_map(|(index, line)| Some((index, comment_of(line)?))) {
        if index > last_comment + 1 {
            fence = None;
        }
        last_comment = index;
        let info = comment.trim_start().strip_prefix("```");
        match (info, fence) {
            (Some(info), None) => fence = Some(NOT_RUST.contains(&info.trim())),
            (Some(_), Some(_)) => fence = None,
            (None, None) => lines.push(Line::prose(index + 1, comment)),
            (None, Some(true)) => lines.push(Line::code(index + 1, comment)),
            (None, Some(false)) => {}
        }
    }
    lines
}

/// The text of a comment without the marks around it; `None` for a line without a comment.
fn comment_of(line: &str) -> Option<&str> {
    let line = line.trim();
    if line.is_empty() {
        return None;
    }
    let marks = ["//!", "///", "//", "/**", "/*!", "/*"];
    let text = marks.iter().find_map(|mark| line.strip_prefix(mark)).unwrap_or(line);
    Some(text.strip_suffix("*/").unwrap_or(text))
}

/// Overwrites everything but comments with spaces. Documentation is a group of tokens whose text begins with `//`.
fn blank_tokens(stream: TokenStream, source: &str, text: &mut [u8]) {
    let is_comment = |span: Span| {
        source.get(span.byte_range()).is_some_and(|token| token.starts_with("//") || token.starts_with("/*"))
    };
    let mut blank = |span: Span| {
        for byte in text.get_mut(span.byte_range()).into_iter().flatten().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
    };
    let mut open = vec![stream];
    while let Some(stream) = open.pop() {
        for token in stream.into_iter().filter(|token| !is_comment(token.span())) {
            if let TokenTree::Group(group) = token {
                blank(group.span_open());
                blank(group.span_close());
                open.push(group.stream());
            } else {
                blank(token.span());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_found_beside_code_and_not_in_strings() {
        let source = "//! One.\n/// Two.\nfn f() { // three: é\n    g(\"// é no\", 1 / 2); /* four\n    five */ }\n";
        let expected =
            [Line::prose(1, " One."), Line::prose(2, " Two."), Line::prose(3, " three: é"), Line::prose(4, " four")];
        assert_eq!(lines(source)[..4], expected);
        assert_eq!(lines(source)[4].text.trim(), "five");
    }

    #[test]
    fn examples_in_rust_are_left_out_and_commands_are_code() {
        let source = "/// A.\n/// ```\n/// a::b();\n/// ```\n/// ```sh\n/// make x\n/// ```\nfn f() {}\n";
        assert_eq!(lines(source), [Line::prose(1, " A."), Line::code(6, " make x")]);
    }
}
