//! The rules, on this repository.

use std::path::Path;
use std::sync::LazyLock;

use tidy::repository::Repository;
use tidy::violation::Violation;
use tidy::{circles, crates, functions, pointers};

static REPOSITORY: LazyLock<Repository> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    Repository::read(&root).expect("the repository can be read")
});

/// Fails with every violation, one a line.
fn assert_none(rule: &str, violations: &[Violation]) {
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{rule}: {} violations\n{}", lines.len(), lines.join("\n"));
}

#[test]
fn no_files_of_a_crate_import_each_other_in_a_circle() {
    assert_none("circles", &circles::check(&REPOSITORY));
}

#[test]
fn no_function_is_longer_than_a_screen() {
    assert_none("functions", &functions::check(&REPOSITORY));
}

#[test]
fn what_documents_and_comments_point_at_exists() {
    assert_none("pointers", &pointers::check(&REPOSITORY));
}

#[test]
fn the_crates_keep_the_order_of_the_flow() {
    assert_none("crates", &crates::check(&REPOSITORY));
}
