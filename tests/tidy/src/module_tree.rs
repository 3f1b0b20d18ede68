//! The modules of a crate, what they define and import, and the paths that they name.

use std::collections::BTreeSet;

use crate::violation::Violation;

/// Index of a module in [`ModuleTree::modules`].
pub type ModuleId = usize;
/// Index of a file in [`ModuleTree::files`].
pub type FileId = usize;

/// A crate as its source files show it.
#[derive(Default)]
pub struct ModuleTree {
    pub files: Vec<SourceFile>,
    /// The crate's root is the first.
    pub modules: Vec<Module>,
    pub mentions: Vec<Mention>,
    /// Files that are missing or can't be parsed.
    pub faults: Vec<Violation>,
}

pub struct SourceFile {
    /// From the root of the repository.
    pub path: String,
    pub test_only: bool,
}

pub struct Module {
    pub name: String,
    pub parent: Option<ModuleId>,
    pub file: FileId,
    pub children: Vec<ModuleId>,
    /// The names of items that the module itself defines, modules aside.
    pub items: BTreeSet<String>,
    pub imports: Vec<Import>,
    pub test_only: bool,
}

/// A name that `use` brings into scope.
pub struct Import {
    pub path: Vec<String>,
    /// `None` for `*`.
    pub name: Option<String>,
    /// Whether it stands in a function, so that other modules can't see it.
    pub is_local: bool,
}

/// A path in a `use`, an expression, a type or a macro, outside tests.
pub struct Mention {
    pub module: ModuleId,
    pub line: usize,
    pub path: Vec<String>,
}

impl ModuleTree {
    /// The file's index; adds it when it is new. A file that is part of the crate and of its tests isn't test-only.
    pub fn add_file(&mut self, path: &str, test_only: bool) -> FileId {
        if let Some(file) = self.files.iter().position(|file| file.path == path) {
            self.files[file].test_only &= test_only;
            return file;
        }
        self.files.push(SourceFile { path: path.to_owned(), test_only });
        self.files.len() - 1
    }

    pub fn add_module(&mut self, name: &str, parent: Option<ModuleId>, file: FileId, test_only: bool) -> ModuleId {
        let id = self.modules.len();
        self.modules.push(Module {
            name: name.to_owned(),
            parent,
            file,
            children: Vec::new(),
            items: BTreeSet::new(),
            imports: Vec::new(),
            test_only,
        });
        if let Some(parent) = parent {
            self.modules[parent].children.push(id);
        }
        id
    }

    pub fn file_of(&self, module: ModuleId) -> FileId {
        self.modules[module].file
    }
}
