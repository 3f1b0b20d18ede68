//! Commands that texts name: targets of make, packages and tests of Cargo, subcommands of `trm`.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Item, Variant};
use toml_edit::DocumentMut;

use crate::paths;
use crate::repository::Repository;

const TRM: &str = "trm_node/cli/src/main.rs";

/// What commands can name.
pub struct Commands {
    make_targets: BTreeSet<String>,
    /// For each package the names of its tests.
    packages: BTreeMap<String, BTreeSet<String>>,
    subcommands: BTreeSet<String>,
}

impl Commands {
    pub fn of(repository: &Repository) -> Self {
        // The Makefile, and what it includes.
        let is_makefile = |path: &str| path == "Makefile" || paths::extension(path) == Some("mk");
        let makefiles = repository.files().filter(|(path, _)| is_makefile(path)).map(|(_, text)| text);
        let mut packages = BTreeMap::new();
        for folder in repository.package_folders("") {
            let manifest = repository.text(&format!("{folder}/Cargo.toml")).unwrap_or_default();
            // The rule about crates reports manifests that can't be parsed.
            let Ok(manifest) = manifest.parse::<DocumentMut>() else { continue };
            if let Some(name) = manifest.get("package").and_then(|package| package.get("name")?.as_str()) {
                packages.insert(name.to_owned(), test_names(repository, folder, &manifest));
            }
        }
        Self {
            make_targets: makefiles.flat_map(str::lines).filter_map(make_target).collect(),
            packages,
            subcommands: subcommands(repository.text(TRM).unwrap_or_default()),
        }
    }

    /// What the command names that doesn't exist, in words.
    pub fn dead_names(&self, text: &str) -> Vec<String> {
        let parts = text.split([';', '|']).flat_map(|part| part.split("&&"));
        parts.flat_map(|part| self.dead_names_of_one(&part.split_whitespace().collect::<Vec<_>>())).collect()
    }

    fn dead_names_of_one(&self, words: &[&str]) -> Vec<String> {
        let words: Vec<&str> =
            words.iter().map(|word| word.trim_matches(['"', '\'', ',', '.', '@', '(', ')'])).collect();
        let command = words.iter().position(|word| !is_prefix(word)).unwrap_or(words.len());
        let (command, words) = (words.get(command).copied().unwrap_or_default(), words.as_slice());
        let mut dead = Vec::new();
        if command == "make" {
            let target = words.iter().skip_while(|word| **word != "make").skip(1).find(|word| !is_prefix(word));
            dead.extend(
                target
                    .filter(|t| is_name(t) && !self.make_targets.contains(**t))
                    .map(|t| format!("`make {t}` is no target")),
            );
        }
        if let Some(cargo) = words.iter().position(|word| word.starts_with("cargo")) {
            dead.extend(self.dead_names_of_cargo(&words[cargo..]));
        }
        if let Some(trm) = words.iter().position(|word| word.ends_with("/trm") || (*word == "trm" && command == "trm"))
        {
            let name = words.get(trm + 1).filter(|name| is_name(name) && **name != "help");
            dead.extend(
                name.filter(|n| !self.subcommands.contains(**n)).map(|n| format!("`trm {n}` is no subcommand")),
            );
        }
        dead
    }

    fn dead_names_of_cargo(&self, words: &[&str]) -> Vec<String> {
        let values = |flags: &'static [&'static str]| {
            let pairs = words.windows(2).filter(move |pair| flags.contains(&pair[0]));
            pairs.map(|pair| pair[1]).filter(|name| is_name(name))
        };
        let packages: Vec<&str> = values(&["-p", "--package"]).collect();
        let unknown = packages.iter().filter(|name| !self.packages.contains_key(**name));
        let mut dead: Vec<String> = unknown.map(|name| format!("there is no package {name}")).collect();
        for test in values(&["--test"]) {
            let mut tests =
                self.packages.iter().filter(|(name, _)| packages.is_empty() || packages.contains(&name.as_str()));
            if dead.is_empty() && !tests.any(|(_, tests)| tests.contains(test)) {
                dead.push(format!("there is no test {test}"));
            }
        }
        dead
    }
}

/// Whether a word may stand before a command or its target: a prompt, a variable, a flag.
fn is_prefix(word: &str) -> bool {
    matches!(word, "$" | "sudo" | "exec" | "") || word.contains('=') || word.starts_with(['-', '$'])
}

/// Whether a word is a name and not a placeholder such as `X`, `$(BUNDLE)` or `…`.
fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// The target that a line of a makefile begins.
fn make_target(line: &str) -> Option<String> {
    let (target, rest) = line.split_once(':')?;
    (is_name(target) && !rest.starts_with('=')).then(|| target.to_owned())
}

/// The integration tests of a package: files in `tests`, and those that its manifest names.
fn test_names(repository: &Repository, folder: &str, manifest: &DocumentMut) -> BTreeSet<String> {
    let tests = format!("{folder}/tests");
    let files = repository.files_under(&tests).filter(|path| paths::parent(path) == tests);
    let names = files.filter_map(|path| paths::file_name(path).strip_suffix(".rs"));
    let declared = manifest.get("test").and_then(|tests| tests.as_array_of_tables()).into_iter().flatten();
    let declared = declared.filter_map(|test| test.get("name")?.as_str());
    names.chain(declared).map(str::to_owned).collect()
}

/// The variants of the enum `Command`, as clap spells them.
fn subcommands(source: &str) -> BTreeSet<String> {
    let items = syn::parse_file(source).map(|file| file.items).unwrap_or_default();
    let commands = items.into_iter().filter_map(|item| match item {
        Item::Enum(item) if item.ident == "Command" => Some(item.variants),
        _ => None,
    });
    commands.flatten().map(|variant| kebab_case(&variant)).collect()
}

fn kebab_case(variant: &Variant) -> String {
    let mut name = String::new();
    for character in variant.ident.to_string().chars() {
        if character.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.extend(character.to_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead_names(command: &str) -> Vec<String> {
        let repository = Repository::from_files([
            ("Makefile", "A := b\ndemo: ros ## drives\n"),
            ("models/models.mk", "train-all: models-env\n"),
            ("trm_node/cli/Cargo.toml", "[package]\nname = \"trm\"\n[[test]]\nname = \"declared\""),
            ("trm_node/cli/tests/plan.rs", ""),
            ("trm_node/net/Cargo.toml", "[package]\nname = \"trm_net\""),
            (TRM, "enum Command { Plan(A), MapSize }"),
        ]);
        Commands::of(&repository).dead_names(command)
    }

    #[test]
    fn commands_that_exist_are_accepted() {
        for command in [
            "make demo",
            "JOBS=1 make train-all BUNDLE=x && make demo",
            "make X",
            "git clone, make a tree",
            "cargo test -p trm --test plan",
            "TRM_UPDATE=1 cargo test --test declared",
            "target/debug/trm plan MAP.yaml",
            "$(TARGET)/debug/trm map-size",
            "trm --help",
            "trm help plan",
        ] {
            assert_eq!(dead_names(command), Vec::<String>::new(), "{command}");
        }
    }

    #[test]
    fn commands_that_do_not_exist_are_found() {
        for (command, expected) in [
            ("make demos", "`make demos` is no target"),
            ("$ make BUNDLE=x A", ""),
            ("cd x && make b", "`make b` is no target"),
            ("cargo build -p trm_core", "there is no package trm_core"),
            ("cargo test -p trm_net --test plan", "there is no test plan"),
            ("cargo test --test gone", "there is no test gone"),
            ("trm evaluate", "`trm evaluate` is no subcommand"),
            ("sudo target/release/trm bench", "`trm bench` is no subcommand"),
        ] {
            assert_eq!(dead_names(command).concat(), expected, "{command}");
        }
    }
}
