//! The text that people read in a file: documents, comments, docstrings.

/// A line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub number: usize,
    pub text: String,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sentences, with code in backticks.
    Prose,
    /// What a reader would type: a fenced or indented block, or a line of a script.
    Code,
}

impl Line {
    pub fn prose(number: usize, text: &str) -> Self {
        Self { number, text: text.to_owned(), kind: Kind::Prose }
    }

    pub fn code(number: usize, text: &str) -> Self {
        Self { number, text: text.to_owned(), kind: Kind::Code }
    }
}
