//! Paths in the tokens of macros, which have no syntax tree.

use proc_macro2::{Delimiter, Literal, TokenStream, TokenTree};

/// A path such as `crate::a::b` and its line.
pub type TokenPath = (Vec<String>, usize);

/// Every sequence of at least two names joined by `::` that isn't the end of a longer path, at any depth.
pub fn paths(stream: TokenStream) -> Vec<TokenPath> {
    let mut found = Vec::new();
    collect(stream, &mut found);
    found
}

/// The paths that string literals of an attribute consist of, as in `#[serde(with = "crate::hex")]`.
pub fn quoted_paths(stream: TokenStream) -> Vec<TokenPath> {
    let mut found = Vec::new();
    for token in stream {
        match token {
            TokenTree::Group(group) => found.extend(quoted_paths(group.stream())),
            TokenTree::Literal(literal) => found.extend(quoted_path(&literal)),
            _ => {}
        }
    }
    found
}

fn quoted_path(literal: &Literal) -> Option<TokenPath> {
    let text = literal.to_string();
    let text = text.strip_prefix('"')?.strip_suffix('"')?;
    let is_path = text.contains("::") && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':');
    is_path.then(|| (text.split("::").map(str::to_owned).collect(), literal.span().start().line))
}

fn collect(stream: TokenStream, found: &mut Vec<TokenPath>) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Group(group) => collect(group.stream(), found),
            TokenTree::Ident(first) => {
                let end = path_end(&tokens, at);
                let branches = branches_after(&tokens, end);
                if may_start_path(&tokens, at) {
                    let names = names(&tokens[at..end]);
                    let line = first.span().start().line;
                    if branches.is_empty() && names.len() > 1 {
                        found.push((names.clone(), line));
                    }
                    found.extend(branches.iter().map(|rest| ([names.as_slice(), rest].concat(), line)));
                }
                at = if branches.is_empty() { end } else { end + 3 };
                continue;
            }
            _ => {}
        }
        at += 1;
    }
}

/// The names of a path: two of three tokens are the colons between them.
fn names(path: &[TokenTree]) -> Vec<String> {
    path.iter().step_by(3).map(ToString::to_string).collect()
}

/// The index behind the path whose first name is at `start`.
fn path_end(tokens: &[TokenTree], start: usize) -> usize {
    let mut end = start + 1;
    while is_colons(tokens, end) && matches!(tokens.get(end + 2), Some(TokenTree::Ident(_))) {
        end += 3;
    }
    end
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

fn is_punct(token: Option<&TokenTree>, expected: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == expected)
}

/// Whether the name at `at` isn't a field, a lifetime, a macro's variable or a name of another crate's path.
fn may_start_path(tokens: &[TokenTree], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    let is_crate = tokens[at].to_string() == "crate";
    let is_global = at >= 2 && is_colons(tokens, at - 2);
    let is_range = at >= 2 && is_punct(tokens.get(at - 2), '.');
    !(is_global
        || is_punct(before, '\'')
        || (is_punct(before, '.') && !is_range)
        || (is_punct(before, '$') && !is_crate))
}

/// The paths in the braces of `path::{a, b::c}`, in a `use` that a macro makes.
fn branches_after(tokens: &[TokenTree], end: usize) -> Vec<Vec<String>> {
    let group = match tokens.get(end + 2) {
        Some(TokenTree::Group(group)) if is_colons(tokens, end) && group.delimiter() == Delimiter::Brace => group,
        _ => return Vec::new(),
    };
    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
    let branches = inner.split(|token| is_punct(Some(token), ','));
    branches
        .filter(|branch| matches!(branch.first(), Some(TokenTree::Ident(_))))
        .map(|branch| names(&branch[..path_end(branch, 0)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str) -> Vec<String> {
        paths(source.parse().unwrap()).into_iter().map(|(names, _)| names.join("::")).collect()
    }

    #[test]
    fn paths_are_found_among_tokens_at_any_depth() {
        assert_eq!(found("f(&[crate::a::B::new(1), x.y::<super::c::D>()])"), ["crate::a::B::new", "super::c::D"]);
        assert_eq!(found("$crate::a::f($name::g, ::std::mem::take, 0..b::C)"), ["crate::a::f", "b::C"]);
        assert_eq!(found("use crate::{a, b::C};"), ["crate::a", "crate::b::C"]);
    }

    #[test]
    fn paths_are_found_in_the_strings_of_attributes() {
        let tokens = "default = \"crate::a::f\", rename = \"a b\"".parse().unwrap();
        assert_eq!(quoted_paths(tokens), [(vec!["crate".to_owned(), "a".to_owned(), "f".to_owned()], 1)]);
    }
}
