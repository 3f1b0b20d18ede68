//! Words of strangers: cut and escaped before they are shown.

/// So many characters of a stranger's text are shown.
pub const SHOWN: usize = 64;

/// At most [`SHOWN`] characters of a text, with control characters escaped and what is left out counted.
///
/// ```
/// use trm_flow::text::cut;
///
/// assert_eq!(cut("map"), "map");
/// assert_eq!(cut("a\nb"), "a\\nb");
/// assert!(cut(&"x".repeat(1000)).ends_with("… (1000 bytes)"));
/// ```
#[must_use]
pub fn cut(text: &str) -> String {
    let mut shown = String::new();
    let mut length = 0;
    for character in text.chars() {
        let escaped: String =
            if character.is_control() { character.escape_default().collect() } else { character.into() };
        length += escaped.chars().count();
        if length > SHOWN {
            return format!("{shown}… ({} bytes)", text.len());
        }
        shown.push_str(&escaped);
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_comes_little_is_shown_and_on_one_line(text in "\\PC*|[\\x00-\\x1f\\u{80}-\\u{9f}]{0,200}") {
            let shown = cut(&text);
            prop_assert!(shown.chars().count() <= SHOWN + 30);
            prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}
