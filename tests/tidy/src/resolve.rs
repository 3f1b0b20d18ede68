//! Which files a path leads to.

use std::collections::BTreeSet;

use crate::module_tree::{FileId, ModuleId, ModuleTree};

/// The files that define what `path` names in `module`; none when the path leads out of the crate.
///
/// Re-exports and imports are followed to the definition. A path that ends at a module leads to the module's file, and
/// so does one to a name that the module has from another crate, or from where it can't be seen (a macro).
pub fn defining_files(tree: &ModuleTree, module: ModuleId, path: &[String]) -> BTreeSet<FileId> {
    let targets = Resolver { tree, followed: Vec::new() }.resolve(module, path);
    targets.into_iter().map(|target| target.file(tree)).collect()
}

/// What a name stands for. One name can stand for several things: a module and a function, say.
#[derive(Clone, Copy)]
enum Target {
    Module(ModuleId),
    /// Any other item, by its file.
    Item(FileId),
}

impl Target {
    fn file(self, tree: &ModuleTree) -> FileId {
        match self {
            Target::Module(module) => tree.file_of(module),
            Target::Item(file) => file,
        }
    }
}

struct Resolver<'a> {
    tree: &'a ModuleTree,
    /// The imports that are being followed, by module and index: `use a::a;` must not lead to itself.
    followed: Vec<(ModuleId, usize)>,
}

impl Resolver<'_> {
    fn resolve(&mut self, module: ModuleId, path: &[String]) -> Vec<Target> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        let mut targets = match first.as_str() {
            "crate" => vec![Target::Module(0)],
            "self" => vec![Target::Module(module)],
            "super" => self.parent(module),
            name => self.lookup(module, name, true),
        };
        for name in rest {
            // Only modules and types have names in them. Of both, the module is meant: types come last in a path.
            if targets.iter().any(|target| matches!(target, Target::Module(_))) {
                targets.retain(|target| matches!(target, Target::Module(_)));
            }
            targets = targets.into_iter().flat_map(|target| self.step(target, name)).collect();
        }
        targets
    }

    /// What `name` stands for in `target`.
    fn step(&mut self, target: Target, name: &str) -> Vec<Target> {
        let Target::Module(module) = target else { return vec![target] };
        match name {
            "self" => vec![target],
            "super" => self.parent(module),
            _ => {
                let found = self.lookup(module, name, false);
                if found.is_empty() { vec![Target::Item(self.tree.file_of(module))] } else { found }
            }
        }
    }

    fn parent(&self, module: ModuleId) -> Vec<Target> {
        self.tree.modules[module].parent.map(Target::Module).into_iter().collect()
    }

    /// What a name stands for in a module; `from_inside` with the imports of its functions.
    fn lookup(&mut self, module: ModuleId, name: &str, from_inside: bool) -> Vec<Target> {
        let tree = self.tree;
        let at = &tree.modules[module];
        let children = at.children.iter().filter(|child| tree.modules[**child].name == name);
        let mut found: Vec<Target> = children.map(|child| Target::Module(*child)).collect();
        if at.items.contains(name) {
            found.push(Target::Item(at.file));
        }
        for (index, import) in at.imports.iter().enumerate() {
            if import.name.as_deref() == Some(name)
                && (from_inside || !import.is_local)
                && let Some(targets) = self.follow(module, index)
            {
                // Nothing: the name comes from another crate, and whoever takes it from here needs this file.
                let is_external = targets.is_empty();
                found.extend(targets);
                found.extend(is_external.then_some(Target::Item(at.file)));
            }
        }
        if found.is_empty() {
            found = self.lookup_in_globs(module, name, from_inside);
        }
        found
    }

    fn lookup_in_globs(&mut self, module: ModuleId, name: &str, from_inside: bool) -> Vec<Target> {
        let tree = self.tree;
        let mut found = Vec::new();
        for (index, import) in tree.modules[module].imports.iter().enumerate() {
            if import.name.is_some() || (import.is_local && !from_inside) {
                continue;
            }
            let Some(targets) = self.follow(module, index) else { continue };
            self.followed.push((module, index));
            for target in targets {
                if let Target::Module(source) = target {
                    found.extend(self.lookup(source, name, false));
                }
            }
            self.followed.pop();
        }
        found
    }

    /// Where an import leads; `None` when it is being followed already.
    fn follow(&mut self, module: ModuleId, index: usize) -> Option<Vec<Target>> {
        if self.followed.contains(&(module, index)) {
            return None;
        }
        self.followed.push((module, index));
        let targets = self.resolve(module, &self.tree.modules[module].imports[index].path);
        self.followed.pop();
        Some(targets)
    }
}
