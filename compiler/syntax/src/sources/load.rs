//! Reading a program with everything that it uses.

use super::{Loader, MODULES, SourceFile, Sources, Text, module};
use crate::ast::{Import, ImportSource, Item};
use crate::builtins::nearest;
use crate::error::parse::too_many;
use crate::error::sums::error;
use crate::limits::{MAX_FILES, MAX_PROGRAM_BYTES};
use crate::parse::parse;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::span::{FileId, Span};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Parses a program and every file that it uses. Also gives the texts, which spans point into, whether it succeeds or not.
///
/// # Errors
/// Syntax mistakes of any of the files; E0901 for files that cannot be read, E0215 for modules that do not exist, E0108 for too
/// many files or too much text.
pub fn load(root: Text, loader: &mut dyn Loader) -> (Vec<Text>, Result<Sources, Vec<Diagnostic>>) {
    let known = loader.root().map(|key| (key, 0)).into_iter().collect();
    let mut loading = Loading { loader, texts: vec![root], keys: vec![None], known, bytes: 0, errors: Vec::new() };
    let mut files = Vec::new();
    // Files are named while others are parsed; each is parsed once, without recursion.
    while let Some(text) = loading.texts.get(files.len()).cloned() {
        let file = loading.file(&text, files.len());
        files.push(file);
    }
    let files: Option<Vec<SourceFile>> = files.into_iter().collect();
    let result = match files {
        Some(files) if loading.errors.is_empty() => Ok(Sources { files }),
        _ => Err(loading.errors),
    };
    (loading.texts, result)
}

struct Loading<'l> {
    loader: &'l mut dyn Loader,
    texts: Vec<Text>,
    /// The key of each file, `None` for the program itself and for modules of the library.
    keys: Vec<Option<String>>,
    known: BTreeMap<String, usize>,
    bytes: usize,
    errors: Vec<Diagnostic>,
}

impl Loading<'_> {
    fn file(&mut self, text: &Text, number: usize) -> Option<SourceFile> {
        let id = FileId(u32::try_from(number).unwrap_or(u32::MAX));
        let program = match parse(&text.text, id) {
            Ok(parsed) => parsed.program,
            Err(errors) => {
                self.errors.extend(errors);
                return None;
            }
        };
        let mut imports = Vec::new();
        for item in &program.items {
            if let Item::Import(import) = item {
                imports.push(self.import(import, number)?);
            }
        }
        Some(SourceFile { program, imports, is_library: number > 0 && self.keys[number].is_none() })
    }

    /// The number of the file that a `use` names.
    fn import(&mut self, import: &Import, from: usize) -> Option<usize> {
        let found = match &import.source {
            ImportSource::File(path) => self.named_file(&path.value, path.span, from),
            ImportSource::Module(path) => {
                let names: Vec<&str> = path.iter().map(crate::ast::Ident::as_str).collect();
                let span = path.iter().map(|p| p.span).reduce(Span::to).unwrap_or(import.span);
                self.library_module(&names, span)
            }
        };
        found.map_err(|error| self.errors.push(error)).ok()
    }

    fn named_file(&mut self, path: &str, span: Span, from: usize) -> Result<usize, Diagnostic> {
        let key = self.loader.locate(self.keys[from].as_deref(), path).map_err(|d| d.at(span, "named here"))?;
        if let Some(number) = self.known.get(&key) {
            return Ok(*number);
        }
        let text = self.loader.read(&key).map_err(|d| d.at(span, "named here"))?;
        self.add(key.clone(), Some(key), text, span)
    }

    fn library_module(&mut self, path: &[&str], span: Span) -> Result<usize, Diagnostic> {
        let spelling = path.join(".");
        let found = if let ["std", name] = path { module(name) } else { None };
        let Some(found) = found else {
            let all: Vec<String> = MODULES.iter().map(|m| format!("std.{}", m.name)).collect();
            let error = error(215, format!("there is no module `{spelling}`")).at(span, "not a module of the standard library");
            return Err(match nearest(&spelling, all.iter().map(String::as_str)) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.note(format!("the modules are {}", all.join(", "))).help(format!("`\"{spelling}.ein\"` for a file")),
            });
        };
        if let Some(number) = self.known.get(&spelling) {
            return Ok(*number);
        }
        let text = Text { name: Arc::from(spelling.as_str()), text: Arc::from(found.text) };
        self.add(spelling, None, text, span)
    }

    fn add(&mut self, known: String, key: Option<String>, text: Text, span: Span) -> Result<usize, Diagnostic> {
        self.bytes += text.text.len();
        if self.texts.len() >= MAX_FILES || self.bytes > MAX_PROGRAM_BYTES {
            return Err(too_many(span));
        }
        self.texts.push(text);
        self.keys.push(key);
        self.known.insert(known, self.texts.len() - 1);
        Ok(self.texts.len() - 1)
    }
}
