//! What the repository says of the parameters is what the planner has: `config/trm_node.yaml` and the README's table
//! are made from the one list of parameters. With `TRM_UPDATE=1` (`make parameters`) this writes them anew.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The README's table stands between these lines.
const BEGIN: &str = "<!-- parameters: made by `make parameters` -->\n";
const END: &str = "<!-- end of parameters -->\n";

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

fn parameters(format: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_trm")).args(["parameters", "--format", format]).output();
    let output = output.expect("trm is built with its tests");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// Compares a file with what it must be, or makes it so.
fn check(name: &str, found: &str, wanted: &str) {
    if std::env::var_os("TRM_UPDATE").is_some() {
        return std::fs::write(file(name), wanted).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    let differs = found.lines().zip(wanted.lines()).find(|(a, b)| a != b);
    assert!(found == wanted, "{name} is out of date ({differs:?}); run: make parameters");
}

#[test]
fn the_parameter_file_is_up_to_date() {
    let found = std::fs::read_to_string(file("config/trm_node.yaml")).unwrap_or_default();
    check("config/trm_node.yaml", &found, &parameters("yaml"));
}

#[test]
fn the_readmes_table_is_up_to_date() {
    let found = std::fs::read_to_string(file("README.md")).expect("the README can be read");
    let (before, rest) = found.split_once(BEGIN).expect("the README has the line that begins the table");
    let (_, after) = rest.split_once(END).expect("the README has the line that ends the table");
    check("README.md", &found, &format!("{before}{BEGIN}\n{}\n{END}{after}", parameters("markdown")));
}
