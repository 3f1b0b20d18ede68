//! Reads a crate's files into its [`ModuleTree`], from the root file through every `mod name;`.

use proc_macro2::TokenStream;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Block, ImplItem, Item, ItemMod, ItemUse, Local, Macro, Meta, Path, TraitItem, UseTree, VisRestricted,
};

use crate::module_tree::{FileId, Import, Mention, ModuleId, ModuleTree};
use crate::repository::Repository;
use crate::violation::Violation;
use crate::{attributes, paths, tokens};

/// The module tree of the crate with this root file.
pub fn read(repository: &Repository, root_file: &str) -> ModuleTree {
    let mut tree = ModuleTree::default();
    let file = tree.add_file(root_file, false);
    let module = tree.add_module("crate", None, file, false);
    let mut pending = vec![Pending { module, file, folder: paths::parent(root_file).to_owned() }];
    while let Some(next) = pending.pop() {
        pending.extend(read_file(repository, &mut tree, &next));
    }
    tree
}

/// A module whose file is known and not read yet.
struct Pending {
    module: ModuleId,
    file: FileId,
    /// Where the files of its child modules lie.
    folder: String,
}

/// Reads one file into its module; gives the modules that it declares.
fn read_file(repository: &Repository, tree: &mut ModuleTree, pending: &Pending) -> Vec<Pending> {
    let path = tree.files[pending.file].path.clone();
    let syntax = match syn::parse_file(repository.text(&path).unwrap_or_default()) {
        Ok(syntax) => syntax,
        Err(error) => {
            tree.faults.push(Violation::new(&path, error.span().start().line, format!("can't be parsed: {error}")));
            return Vec::new();
        }
    };
    if attributes::is_test_only(&syntax.attrs) {
        tree.modules[pending.module].test_only = true;
        tree.files[pending.file].test_only = true;
    }
    let mut reader = Reader {
        repository,
        module: pending.module,
        file: pending.file,
        path,
        folder: pending.folder.clone(),
        is_inline: false,
        blocks: 0,
        declared: Vec::new(),
        tree,
    };
    reader.visit_file(&syntax);
    reader.declared
}

struct Reader<'a> {
    repository: &'a Repository,
    tree: &'a mut ModuleTree,
    /// The file and its path.
    file: FileId,
    path: String,
    /// The module at hand, inline ones included, and where the files of its child modules lie.
    module: ModuleId,
    folder: String,
    is_inline: bool,
    /// How many blocks of code enclose what is visited.
    blocks: usize,
    declared: Vec<Pending>,
}

impl Reader<'_> {
    fn is_test_only(&self) -> bool {
        self.tree.modules[self.module].test_only
    }

    fn mention(&mut self, path: Vec<String>, line: usize) {
        if !self.is_test_only() {
            self.tree.mentions.push(Mention { module: self.module, line, path });
        }
    }

    fn mention_tokens(&mut self, stream: TokenStream) {
        for (path, line) in tokens::paths(stream) {
            self.mention(path, line);
        }
    }

    /// Adds every name that a tree of `use` imports; `prefix` is what stands before it.
    fn import(&mut self, tree: &UseTree, prefix: &[String]) {
        let with = |name: &dyn ToString| [prefix, &[name.to_string()]].concat();
        let (path, name, line) = match tree {
            UseTree::Path(path) => return self.import(&path.tree, &with(&path.ident)),
            UseTree::Group(group) => return group.items.iter().for_each(|tree| self.import(tree, prefix)),
            UseTree::Name(name) if name.ident == "self" => {
                (prefix.to_vec(), prefix.last().cloned(), name.ident.span().start().line)
            }
            UseTree::Name(name) => (with(&name.ident), Some(name.ident.to_string()), name.ident.span().start().line),
            UseTree::Rename(rename) => {
                let path = if rename.ident == "self" { prefix.to_vec() } else { with(&rename.ident) };
                (path, Some(rename.rename.to_string()), rename.ident.span().start().line)
            }
            UseTree::Glob(glob) => (prefix.to_vec(), None, glob.star_token.spans[0].start().line),
        };
        self.mention(path.clone(), line);
        self.tree.modules[self.module].imports.push(Import { path, name, is_local: self.blocks > 0 });
    }

    /// Finds the file of `mod name;`.
    fn declare(&mut self, item: &ItemMod, module: ModuleId) {
        let name = item.ident.to_string();
        // From an inline module the attribute counts from that module's folder, else from the file's.
        let base = if self.is_inline { self.folder.as_str() } else { paths::parent(&self.path) };
        let explicit = attributes::path_of(&item.attrs).and_then(|path| paths::join(base, &path));
        let folder = paths::join(&self.folder, &name).unwrap_or_default();
        let candidates = match explicit {
            Some(path) => vec![(path.clone(), paths::parent(&path).to_owned())],
            None => vec![(format!("{folder}.rs"), folder.clone()), (format!("{folder}/mod.rs"), folder)],
        };
        if let Some((path, folder)) = candidates.into_iter().find(|(path, _)| self.repository.text(path).is_some()) {
            let test_only = self.tree.modules[module].test_only;
            let file = self.tree.add_file(&path, test_only);
            self.tree.modules[module].file = file;
            self.declared.push(Pending { module, file, folder });
        } else {
            let line = item.ident.span().start().line;
            self.tree.faults.push(Violation::new(&self.path, line, format!("`mod {name};` has no file")));
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if let Item::Mod(item) = item {
            return self.visit_item_mod(item);
        }
        if self.is_test_only() || attributes::is_test_only(attributes::of_item(item)) {
            return;
        }
        if self.blocks == 0 {
            self.tree.modules[self.module].items.extend(defined_name(item));
        }
        if let Item::Verbatim(stream) = item {
            self.mention_tokens(stream.clone());
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        let name = item.ident.to_string();
        let test_only = self.is_test_only() || attributes::is_test_only(&item.attrs);
        let module = self.tree.add_module(&name, Some(self.module), self.file, test_only);
        let Some((_, items)) = &item.content else { return self.declare(item, module) };
        let folder = paths::join(&self.folder, &name).unwrap_or_default();
        let outer = (self.module, std::mem::replace(&mut self.folder, folder), self.is_inline);
        (self.module, self.is_inline) = (module, true);
        for item in items {
            self.visit_item(item);
        }
        (self.module, self.folder, self.is_inline) = outer;
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.leading_colon.is_none() {
            self.import(&item.tree, &[]);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if !attributes::is_test_only(attributes::of_impl_item(item)) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        if !attributes::is_test_only(attributes::of_trait_item(item)) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_local(&mut self, local: &'ast Local) {
        if !attributes::is_test_only(&local.attrs) {
            visit::visit_local(self, local);
        }
    }

    fn visit_block(&mut self, block: &'ast Block) {
        self.blocks += 1;
        visit::visit_block(self, block);
        self.blocks -= 1;
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() && path.segments.len() > 1 {
            let names = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.mention(names, path.segments[0].ident.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.mention_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.mention_tokens(list.tokens.clone());
            for (path, line) in tokens::quoted_paths(list.tokens.clone()) {
                self.mention(path, line);
            }
        }
    }

    /// `pub(in crate::a)` imports nothing.
    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {}
}

/// The name that an item gives to other modules.
fn defined_name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}
