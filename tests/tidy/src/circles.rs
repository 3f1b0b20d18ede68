//! Rule: the files of a crate don't import each other in circles.
//!
//! A file imports another when it names something that the other defines: in a `use`, an expression, a type, a pattern,
//! an attribute or a macro. Re-exports, and the imports of a parent module, are followed to the definition. A name that
//! a parent has from another crate counts as the parent's. `mod name;` imports nothing. Tests don't count.

use std::collections::{BTreeMap, BTreeSet};

use crate::module_tree::{FileId, ModuleTree};
use crate::repository::Repository;
use crate::violation::Violation;
use crate::{crate_roots, module_reader, paths, resolve};

/// Every circle of each crate, and what keeps circles from being seen: files that can't be parsed, and files in a `src`
/// folder that belong to no crate.
#[must_use]
pub fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = BTreeSet::new();
    let mut read = BTreeSet::new();
    for root in crate_roots::of_programs(repository).into_iter().chain(crate_roots::of_tests(repository)) {
        let tree = module_reader::read(repository, &root);
        violations.extend(circles(&tree));
        violations.extend(tree.faults);
        read.extend(tree.files.into_iter().map(|file| file.path));
    }
    for folder in crate_roots::source_folders(repository) {
        let files = repository.files_under(&folder).filter(|path| paths::extension(path) == Some("rs"));
        let unread = files.filter(|path| !read.contains(*path));
        violations.extend(unread.map(|path| Violation::new(path, 1, "belongs to no crate: no `mod` leads to it")));
    }
    violations.into_iter().collect()
}

/// The first place where a file imports another one.
struct Witness {
    line: usize,
    path: String,
}

/// For each file the files that it imports.
type Imports = BTreeMap<FileId, BTreeMap<FileId, Witness>>;

fn imports(tree: &ModuleTree) -> Imports {
    let mut imports = Imports::new();
    for mention in &tree.mentions {
        let file = tree.file_of(mention.module);
        for target in resolve::defining_files(tree, mention.module, &mention.path) {
            let new = || Witness { line: mention.line, path: mention.path.join("::") };
            if target != file {
                let witness = imports.entry(file).or_default().entry(target).or_insert_with(new);
                if mention.line < witness.line {
                    *witness = new();
                }
            }
        }
    }
    imports
}

/// One violation for each set of files that all import each other, directly or through others of the set.
fn circles(tree: &ModuleTree) -> Vec<Violation> {
    let imports = imports(tree);
    let reached: BTreeMap<FileId, BTreeSet<FileId>> =
        imports.keys().map(|file| (*file, reached_from(*file, &imports))).collect();
    let reaches = |from: FileId, to: FileId| reached.get(&from).is_some_and(|files| files.contains(&to));
    let mut seen = BTreeSet::new();
    let mut violations = Vec::new();
    for file in reached.keys().copied() {
        let circle: BTreeSet<FileId> = reached[&file].iter().copied().filter(|other| reaches(*other, file)).collect();
        if circle.len() > 1 && seen.insert(circle.clone()) {
            violations.push(describe(tree, &imports, &circle));
        }
    }
    violations
}

fn reached_from(start: FileId, imports: &Imports) -> BTreeSet<FileId> {
    let mut reached = BTreeSet::new();
    let mut open = vec![start];
    while let Some(file) = open.pop() {
        let next = imports.get(&file).into_iter().flat_map(BTreeMap::keys).copied();
        open.extend(next.filter(|file| reached.insert(*file)));
    }
    reached
}

fn describe(tree: &ModuleTree, imports: &Imports, circle: &BTreeSet<FileId>) -> Violation {
    let path = |file: FileId| tree.files[file].path.as_str();
    let mut files: Vec<&str> = circle.iter().map(|file| path(*file)).collect();
    files.sort_unstable();
    let mut lines = Vec::new();
    for from in circle {
        let inside = imports[from].iter().filter(|(to, _)| circle.contains(to));
        lines.extend(inside.map(|(to, witness)| {
            format!("\n    {}:{} imports {} ({})", path(*from), witness.line, path(*to), witness.path)
        }));
    }
    lines.sort_unstable();
    let text = format!("circle of {} files: {}{}", files.len(), files.join(", "), lines.concat());
    let first = circle
        .iter()
        .find(|file| path(**file) == files[0])
        .and_then(|file| imports[file].iter().find(|(to, _)| circle.contains(to)));
    Violation::new(files[0], first.map_or(1, |(_, witness)| witness.line), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the rule says of a crate with these files.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files = files.iter().map(|(path, text)| (format!("trm_node/a/src/{path}"), (*text).to_owned()));
        let manifest = [("trm_node/a/Cargo.toml".to_owned(), String::new())];
        let violations = check(&Repository::from_files(files.chain(manifest)));
        violations.iter().map(|violation| violation.to_string().replace("trm_node/a/src/", "")).collect()
    }

    /// Fails unless there is one circle, of these files.
    fn assert_circle(files: &[(&str, &str)], expected: &str) {
        let found = found(files);
        let count = expected.split(", ").count();
        let text = format!("circle of {count} files: {expected}\n");
        assert!(found.len() == 1 && found[0].contains(&text), "{expected}: {found:#?}");
    }

    #[test]
    fn a_clean_tree_passes() {
        let files = [
            ("lib.rs", "pub mod a; mod b; pub use b::B; #[cfg(test)] mod tests; use a::c::C; extern crate std as s;"),
            ("a/mod.rs", "pub mod c; mod d; pub use d::D; pub(crate) use std::mem;"),
            ("a/c.rs", "use crate::b::{self, B}; use super::D; pub struct C; pub(in crate::a) struct E;"),
            ("a/d.rs", "use std::sync::Arc; pub struct D; impl D { fn f() -> D { Self::g(); B::h() } }"),
            ("b.rs", "//! [`crate::a::c`]\npub struct B; #[cfg(test)] mod tests { use super::*; use crate::a::c::C; }"),
            ("tests.rs", "use crate::*; use crate::a::c::C; mod more;"),
            ("tests/more.rs", "use super::super::B;"),
        ];
        assert_eq!(found(&files), [""; 0]);
    }

    #[test]
    fn a_direct_circle_is_found_with_its_lines() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B;\npub struct A;"),
            ("b.rs", "\nuse crate::a::A;\npub struct B;"),
        ];
        let expected = "a.rs:1: circle of 2 files: a.rs, b.rs\n    \
                        a.rs:1 imports b.rs (crate::b::B)\n    \
                        b.rs:2 imports a.rs (crate::a::A)";
        assert_eq!(found(&files), [expected]);
    }

    #[test]
    fn a_circle_of_parent_and_child_is_found() {
        let lib = ("lib.rs", "mod a;");
        assert_circle(
            &[lib, ("a.rs", "mod b; pub use b::B; pub struct A;"), ("a/b.rs", "use super::A; pub struct B;")],
            "a.rs, a/b.rs",
        );
        assert_circle(
            &[lib, ("a/mod.rs", "mod b; fn f() { b::g() }"), ("a/b.rs", "use super::*; pub fn g() {}")],
            "a/b.rs, a/mod.rs",
        );
        // What a parent has from another crate is the parent's too.
        assert_circle(
            &[lib, ("a.rs", "mod b; use std::sync::Arc; use b::B;"), ("a/b.rs", "use super::Arc; pub struct B;")],
            "a.rs, a/b.rs",
        );
    }

    #[test]
    fn a_circle_through_a_re_export_is_found() {
        let lib = ("lib.rs", "mod a;");
        let parent = ("a.rs", "mod b; mod c; pub use b::{B as D}; pub use self::c::*;");
        assert_circle(
            &[lib, parent, ("a/b.rs", "use crate::a::C; pub struct B;"), ("a/c.rs", "use super::D; pub struct C;")],
            "a/b.rs, a/c.rs",
        );
    }

    #[test]
    fn a_circle_through_the_imports_of_a_parent_is_found() {
        let lib = ("lib.rs", "mod a;");
        let parent = ("a.rs", "mod b; mod c; use b::B; use c::C;");
        assert_circle(
            &[lib, parent, ("a/b.rs", "use super::C; pub struct B;"), ("a/c.rs", "use super::B; pub struct C;")],
            "a/b.rs, a/c.rs",
        );
    }

    #[test]
    fn a_circle_through_paths_in_code_is_found() {
        let lib = ("lib.rs", "mod a; mod b; mod c;");
        let b = ("b.rs", "pub struct B(pub crate::a::A);");
        for a in [
            "pub struct A; fn f() { crate::b::B::new() }",
            "pub struct A; fn f(b: &super::b::B) {}",
            "pub struct A; fn f() { let super::b::B(x) = y; }",
            "pub struct A; fn f() { use crate::b; b::g() }",
            "pub struct A; impl super::b::Law for A {}",
            "pub struct A; fn f() { assert!(g(&[crate::b::B])); }",
            "macro_rules! m { () => { $crate::b::g() } } pub struct A;",
            "#[serde(with = \"crate::b\")] pub struct A;",
            "use super as root; pub struct A; fn f() { root::b::g() }",
            "mod inner { use super::super::b::B; } pub struct A;",
        ] {
            assert_circle(&[lib, ("a.rs", a), b, ("c.rs", "use crate::b::B;")], "a.rs, b.rs");
        }
    }

    #[test]
    fn a_function_of_its_modules_name_is_no_circle() {
        let lib = ("lib.rs", "mod encode; pub use encode::encode; mod other;");
        let other = ("other.rs", "use crate::encode; fn f() { encode() }");
        assert_eq!(found(&[lib, ("encode.rs", "pub fn encode() {}"), other]), [""; 0]);
    }

    #[test]
    fn path_attributes_and_inline_modules_lead_to_files() {
        let lib = ("lib.rs", "#[path = \"x/y.rs\"] mod a; mod c { pub mod d; }");
        assert_circle(
            &[
                lib,
                ("x/y.rs", "mod z; use crate::c::d::D; pub struct A;"),
                ("x/z.rs", ""),
                ("c/d.rs", "use crate::a::A; pub struct D;"),
            ],
            "c/d.rs, x/y.rs",
        );
    }

    #[test]
    fn files_that_cannot_be_read_are_violations() {
        let found = found(&[("lib.rs", "mod a;\nmod b;"), ("a.rs", "fn"), ("c.rs", "")]);
        let expected = ["a.rs:1: can't be parsed", "c.rs:1: belongs to no crate", "lib.rs:2: `mod b;` has no file"];
        assert_eq!(found.len(), 3);
        assert!(found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected)), "{found:?}");
    }
}
