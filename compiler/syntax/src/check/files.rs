//! The names at the top of each file: what it declares, and what it takes from other files (language 5).

use crate::ast::{Const, Def, DimItem, Ident, Import, ImportSource, Item, Reducer};
use crate::builtins::nearest;
use crate::error::sums::{error, repeated};
use crate::sources::Sources;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::span::{FileId, Span};
use std::collections::BTreeMap;

/// A declaration: the file, the item of the file, and for `dim A, B;` which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ItemId {
    pub(crate) file: usize,
    pub(crate) item: usize,
    pub(crate) part: usize,
}

/// What a name at the top of a file stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'p> {
    Def(&'p Def),
    Dim(&'p DimItem),
    Const(&'p Const),
    Reducer(&'p Reducer),
    /// A declaration that this version does not have.
    Foreign(&'static str),
    /// A file under a name: `layers` in `layers.softmax(x)`.
    File(usize),
}

impl Target<'_> {
    /// Its kind in the user's words.
    pub(crate) const fn what(&self) -> &'static str {
        match self {
            Target::Def(_) => "def",
            Target::Dim(_) => "dim",
            Target::Const(_) => "constant",
            Target::Reducer(_) => "reducer",
            Target::Foreign(what) => what,
            Target::File(_) => "file",
        }
    }
}

/// A name with its meaning and the place where the file brings it in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'p> {
    pub(crate) id: ItemId,
    pub(crate) target: Target<'p>,
    pub(crate) span: Span,
}

/// The names of every file.
#[derive(Debug, Default)]
pub(crate) struct Files<'p> {
    names: Vec<BTreeMap<String, Entry<'p>>>,
    defs: BTreeMap<ItemId, &'p Def>,
    dims: BTreeMap<ItemId, &'p DimItem>,
    constants: BTreeMap<ItemId, &'p Const>,
    /// Which files are modules of the standard library.
    libraries: Vec<bool>,
}

impl<'p> Files<'p> {
    /// Collects the names of all files; reports names that are declared twice and imports of nothing.
    pub(crate) fn new(sources: &'p Sources, errors: &mut Vec<Diagnostic>) -> Self {
        let mut files = Self { libraries: sources.files.iter().map(|file| file.is_library).collect(), ..Self::default() };
        for (file, source) in sources.files.iter().enumerate() {
            files.names.push(BTreeMap::new());
            for (item, declared) in source.program.items.iter().enumerate() {
                files.declare(ItemId { file, item, part: 0 }, declared, errors);
            }
        }
        for (file, source) in sources.files.iter().enumerate() {
            let mut from = source.imports.iter().copied();
            for (item, declared) in source.program.items.iter().enumerate() {
                if let Item::Import(import) = declared {
                    files.import(ItemId { file, item, part: 0 }, import, from.next(), errors);
                }
            }
        }
        files
    }

    /// Whether a file is a module of the standard library.
    pub(crate) fn is_library(&self, file: FileId) -> bool {
        self.libraries.get(file.0 as usize).copied().unwrap_or(false)
    }

    fn declare(&mut self, id: ItemId, item: &'p Item, errors: &mut Vec<Diagnostic>) {
        match item {
            Item::Def(def) => self.add(id, &def.name, Target::Def(def), errors),
            Item::Dim(dims) => {
                for (part, dim) in dims.items.iter().enumerate() {
                    self.add(ItemId { part, ..id }, &dim.name, Target::Dim(dim), errors);
                }
            }
            Item::Const(constant) => self.add(id, &constant.name, Target::Const(constant), errors),
            Item::Reducer(reducer) => self.add_reducer(id, reducer, errors),
            Item::Derive(derive) => self.add(id, &derive.name, Target::Foreign("`derive`"), errors),
            Item::Import(_) | Item::Export(_) | Item::Hint(_) => {}
        }
    }

    fn add(&mut self, id: ItemId, name: &Ident, target: Target<'p>, errors: &mut Vec<Diagnostic>) {
        if matches!(target, Target::Def(_)) && crate::builtins::function(name.as_str()).is_some() {
            let found = error(206, format!("`{name}` is a built-in function")).at(name.span, "the name of a def");
            errors.push(found.help(format!("`{name}_of`, or another name")));
            return;
        }
        match target {
            Target::Def(def) => drop(self.defs.insert(id, def)),
            Target::Dim(dim) => drop(self.dims.insert(id, dim)),
            Target::Const(constant) => drop(self.constants.insert(id, constant)),
            _ => {}
        }
        self.insert(name.as_str(), Entry { id, target, span: name.span }, errors);
    }

    fn add_reducer(&mut self, id: ItemId, reducer: &'p Reducer, errors: &mut Vec<Diagnostic>) {
        let name = &reducer.name;
        if crate::builtins::reducer(name.as_str()).is_some() {
            let found = error(206, format!("`{name}` is a built-in reducer")).at(name.span, "the name of a reducer");
            errors.push(found.help(format!("`{name}_of`, or another name")));
            return;
        }
        self.insert(&reducer_key(name.as_str()), Entry { id, target: Target::Reducer(reducer), span: name.span }, errors);
    }

    fn insert(&mut self, name: &str, entry: Entry<'p>, errors: &mut Vec<Diagnostic>) {
        let names = &mut self.names[entry.span.file.0 as usize];
        match names.get(name) {
            // The same thing taken twice.
            Some(first) if first.id == entry.id => {}
            Some(first) => {
                errors.push(repeated(name.trim_matches(['[', ']']), entry.span, entry.target.what(), first.span, first.target.what()))
            }
            None => drop(names.insert(name.to_owned(), entry)),
        }
    }

    /// Brings in what a `use` names; `from` is its file, or `None` for a tree that was parsed without what it uses.
    fn import(&mut self, id: ItemId, import: &'p Import, from: Option<usize>, errors: &mut Vec<Diagnostic>) {
        let Some(from) = from else {
            for name in import.names.iter().chain(&import.alias) {
                self.insert(name.as_str(), Entry { id, target: Target::Foreign("`use`"), span: name.span }, errors);
            }
            return;
        };
        for name in &import.names {
            let keys = [name.as_str().to_owned(), reducer_key(name.as_str())];
            let found: Vec<_> = keys.iter().filter_map(|key| Some((key, self.own(from, key)?))).collect();
            if found.is_empty() {
                errors.push(self.unknown_import(name, import, from));
            }
            for (key, entry) in found {
                self.insert(key, Entry { span: name.span, ..entry }, errors);
            }
        }
        if import.names.is_empty() {
            let (name, span) = file_name(import);
            let entry = Entry { id: ItemId { part: from, item: usize::MAX, ..id }, target: Target::File(from), span };
            self.insert(&name, entry, errors);
        }
    }

    /// What a file itself declares under a name.
    fn own(&self, file: usize, name: &str) -> Option<Entry<'p>> {
        let entry = *self.names.get(file)?.get(name)?;
        (entry.id.file == file && !matches!(entry.target, Target::File(_))).then_some(entry)
    }

    /// What a name means in a file; `layers.softmax` is one name.
    pub(crate) fn find(&self, file: usize, name: &str) -> Option<Entry<'p>> {
        let Some((file_name, inner)) = name.split_once('.') else { return self.names.get(file)?.get(name).copied() };
        match self.names.get(file)?.get(file_name)?.target {
            Target::File(from) => self.own(from, inner),
            _ => None,
        }
    }

    /// The def of an id.
    pub(crate) fn def(&self, id: ItemId) -> Option<&'p Def> {
        self.defs.get(&id).copied()
    }

    /// The dim of an id.
    pub(crate) fn dim(&self, id: ItemId) -> Option<&'p DimItem> {
        self.dims.get(&id).copied()
    }

    /// The constant of an id.
    pub(crate) fn constant(&self, id: ItemId) -> Option<&'p Const> {
        self.constants.get(&id).copied()
    }

    /// The reducer that a name means in a file.
    pub(crate) fn reducer(&self, file: usize, name: &str) -> Option<&'p Reducer> {
        match self.names.get(file)?.get(&reducer_key(name))?.target {
            Target::Reducer(reducer) => Some(reducer),
            _ => None,
        }
    }

    /// Names of the reducers of a file, in order.
    pub(crate) fn reducer_names(&self, file: usize) -> Vec<&'p str> {
        let entries = self.names.get(file).into_iter().flat_map(BTreeMap::values);
        entries.filter_map(|e| if let Target::Reducer(r) = e.target { Some(r.name.as_str()) } else { None }).collect()
    }

    /// Every reducer, where it is declared.
    pub(crate) fn reducers(&self) -> impl Iterator<Item = &'p Reducer> {
        let entries = self.names.iter().enumerate().flat_map(|(file, names)| names.values().map(move |e| (file, e)));
        entries.filter_map(|(file, e)| if let Target::Reducer(r) = e.target { (e.id.file == file).then_some(r) } else { None })
    }

    /// The name that a declaration has in its own file.
    pub(crate) fn name_of(&self, id: ItemId) -> &'p str {
        let def = self.def(id).map(|d| d.name.as_str());
        let dim = self.dim(id).map(|d| d.name.as_str());
        def.or(dim).or_else(|| self.constant(id).map(|c| c.name.as_str())).unwrap_or_default()
    }

    /// Names of a file of which `is` holds, in order.
    pub(crate) fn names_of(&self, file: usize, is: fn(&Target<'_>) -> bool) -> Vec<&str> {
        let names = self.names.get(file).into_iter().flatten();
        names.filter(|(_, e)| is(&e.target)).map(|(n, _)| n.as_str()).collect()
    }

    fn unknown_import(&self, name: &Ident, import: &Import, from: usize) -> Diagnostic {
        let source = match &import.source {
            ImportSource::File(path) => format!("\"{}\"", path.value),
            ImportSource::Module(path) => path.iter().map(Ident::as_str).collect::<Vec<_>>().join("."),
        };
        let known: Vec<&str> =
            self.names[from].iter().filter(|(_, e)| e.id.file == from).map(|(n, _)| n.trim_matches(['[', ']'])).collect();
        let found = error(215, format!("`{source}` declares no `{name}`")).at(name.span, "not declared there");
        match nearest(name.as_str(), known.iter().copied()) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None if known.is_empty() => found.note("it declares nothing"),
            None => found.note(format!("it declares {}", known.join(", "))),
        }
    }
}

/// Reducers are known by their brackets, so their names clash with no others.
fn reducer_key(name: &str) -> String {
    format!("[{name}]")
}

/// The name of a file that is taken as a whole: that after `as`, else its own without folder and ending.
fn file_name(import: &Import) -> (String, Span) {
    if let Some(alias) = &import.alias {
        return (alias.as_str().to_owned(), alias.span);
    }
    match &import.source {
        ImportSource::Module(path) => path.last().map_or_else(Default::default, |n| (n.as_str().to_owned(), n.span)),
        ImportSource::File(path) => {
            let last = path.value.rsplit(['/', '\\']).next().unwrap_or_default();
            (last.strip_suffix(".ein").unwrap_or(last).to_owned(), path.span)
        }
    }
}
