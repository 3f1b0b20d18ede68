//! Rule: no function is longer than a screen, tests aside.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Block, ImplItem, ImplItemFn, Item, ItemFn, Macro, Signature, TraitItem, TraitItemFn};

use crate::repository::Repository;
use crate::violation::Violation;
use crate::{attributes, crate_roots, module_reader};

/// The greatest number of lines from `fn` to the closing brace.
const MAX_LINES: usize = 70;

/// Every function of the crates that has more than 70 lines. Closures count as part of theirs.
#[must_use]
pub fn check(repository: &Repository) -> Vec<Violation> {
    let mut files: Vec<String> = Vec::new();
    for root in crate_roots::of_programs(repository) {
        let tree = module_reader::read(repository, &root);
        files.extend(tree.files.into_iter().filter(|file| !file.test_only).map(|file| file.path));
    }
    files.sort_unstable();
    files.dedup();
    files.iter().flat_map(|path| check_file(path, repository.text(path).unwrap_or_default())).collect()
}

fn check_file(path: &str, source: &str) -> Vec<Violation> {
    // The rule about circles reports files that can't be parsed.
    let Ok(syntax) = syn::parse_file(source) else { return Vec::new() };
    let mut meter = Meter { path, violations: Vec::new() };
    meter.visit_file(&syntax);
    meter.violations
}

struct Meter<'a> {
    path: &'a str,
    violations: Vec<Violation>,
}

impl Meter<'_> {
    fn measure(&mut self, signature: &Signature, block: &Block) {
        self.measure_span(&signature.ident.to_string(), signature.fn_token.span, block.brace_token.span.close());
    }

    fn measure_span(&mut self, name: &str, start: Span, end: Span) {
        let first = start.start().line;
        let lines = end.end().line - first + 1;
        if lines > MAX_LINES {
            let text = format!("`fn {name}` has {lines} lines, {MAX_LINES} are allowed");
            self.violations.push(Violation::new(self.path, first, text));
        }
    }

    /// The functions that a macro's tokens spell out.
    fn measure_tokens(&mut self, stream: TokenStream) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.measure_tokens(group.stream()),
                TokenTree::Ident(keyword) if keyword == "fn" => {
                    let Some(TokenTree::Ident(name)) = tokens.get(at + 1) else { continue };
                    let body = tokens[at..].iter().find_map(|token| match token {
                        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group),
                        _ => None,
                    });
                    if let Some(body) = body {
                        self.measure_span(&name.to_string(), keyword.span(), body.span_close());
                    }
                }
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Meter<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !attributes::is_test_only(attributes::of_item(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.measure(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if !attributes::is_test_only(attributes::of_impl_item(item)) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.measure(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        if !attributes::is_test_only(attributes::of_trait_item(item)) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if let Some(block) = &item.default {
            self.measure(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.measure_tokens(call.tokens.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str) -> Vec<String> {
        let files = [("trm_node/a/Cargo.toml", ""), ("trm_node/a/src/lib.rs", source)];
        check(&Repository::from_files(files)).iter().map(ToString::to_string).collect()
    }

    /// A function of a number of lines.
    fn function(lines: usize) -> String {
        format!("pub fn long(\n){{{}}}", "\n".repeat(lines - 2))
    }

    #[test]
    fn functions_of_70_lines_pass() {
        assert_eq!(found(&format!("/// A.\n#[inline]\n{}", function(70))), [""; 0]);
    }

    #[test]
    fn longer_functions_are_found_wherever_they_are() {
        let long = function(71);
        for source in [
            format!("/// A.\n{long}"),
            format!("impl A {{\n{long} }}"),
            format!("trait A {{\nfn long();\n{} }}", long.replace("pub fn", "fn")).replace("fn long();\n", ""),
            format!("mod a {{\n{long} }}"),
            format!("macro_rules! m {{ () => {{\n{long} }} }}"),
        ] {
            assert_eq!(found(&source), ["trm_node/a/src/lib.rs:2: `fn long` has 71 lines, 70 are allowed"], "{source}");
        }
        assert_eq!(found(&format!("fn f() {{\n{long} }}")).len(), 2);
    }

    #[test]
    fn tests_may_be_long() {
        assert_eq!(
            found(&format!("#[cfg(test)]\nmod tests {{ {} }}\n#[test]\n{}", function(71), function(71))),
            [""; 0]
        );
    }
}
