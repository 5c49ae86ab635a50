//! What is known while a def is elaborated: its names, its sizes, and the module that grows.

use super::files::{ItemId, Target};
use super::index::element_dtype;
use super::program::ProgramScope;
use crate::ast::Expr;
use crate::builtins::{CONSTANTS, Function, nearest};
use crate::error::refusals::unsupported;
use crate::error::sums::{repeated, unknown_name};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::{Dim, Tensor};
use ein_ir::extent::Extent;
use ein_ir::span::Span;
use ein_ir::tensor::{Definition, Module, Relation};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// What a declared name stands for.
#[derive(Clone, Debug)]
pub(crate) enum Meaning<'p> {
    /// The size of an axis.
    Dim(Dim),
    /// An `int` generic.
    Int(Dim),
    /// A `where` name.
    Alias(Extent),
    /// A parameter, result or equation.
    Tensor(Tensor),
    /// A constant that stands for its value.
    Formula(Formula<'p>),
    /// One of the two values of a reducer, with its type.
    Operand(u32, DType),
    /// A declaration with an error: uses are not reported again.
    Unknown,
}

/// A constant that stands for its value, with the file whose names it uses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Formula<'p> {
    pub(crate) id: ItemId,
    pub(crate) value: &'p Expr,
}

/// A declared name.
#[derive(Clone, Debug)]
pub(crate) struct Declaration<'p> {
    pub(crate) meaning: Meaning<'p>,
    pub(crate) span: Span,
    /// Its kind in the user's words.
    pub(crate) what: &'static str,
}

/// The state of elaborating one def.
pub(crate) struct Elaborator<'p> {
    pub(crate) program: &'p ProgramScope<'p>,
    /// The file whose names it sees.
    pub(crate) file: usize,
    pub(crate) module: Module,
    pub(crate) names: BTreeMap<String, Declaration<'p>>,
    /// Tensors that may be read.
    pub(crate) defined: BTreeSet<Tensor>,
    /// Scans around the equation at hand, outermost first.
    pub(crate) scans: Vec<super::scan::Frame>,
    /// Equations, by name, that stand somewhere in the body.
    pub(crate) equations: BTreeMap<String, Span>,
    /// Polynomials over sizes that are 0, and that are at least 0.
    pub(crate) zero: Vec<Extent>,
    pub(crate) nonnegative: Vec<Extent>,
    /// The entry checks of the module.
    pub(crate) required: BTreeSet<(Extent, Relation, Vec<Extent>)>,
    /// Those of them that the program states, by position.
    pub(crate) stated: BTreeSet<usize>,
    /// The calls that brought the others, by position.
    pub(crate) called: BTreeMap<usize, Span>,
    tensor_names: RefCell<TensorNames>,
    pub(crate) errors: Vec<Diagnostic>,
    /// The dims of the module that are declared at the top of a file.
    pub(crate) shared: BTreeMap<ItemId, Dim>,
    /// The constants that it reads.
    pub(crate) constants: BTreeMap<ItemId, Tensor>,
    /// Definitions of constants, before the body.
    pub(crate) prelude: Vec<Definition>,
    /// The constant that is elaborated, whose name is its own.
    pub(crate) own: Option<ItemId>,
    pub(crate) notes: super::explain::Notes,
    /// What is declared public, here and in what is called.
    pub(crate) public: Vec<super::secrecy::Public>,
    /// What is declared secret without being computed from a secret; parameters are not among it.
    pub(crate) secrets: BTreeSet<Tensor>,
    /// The calls that copied definitions in, by the tensors that these define.
    pub(crate) copied: BTreeMap<Tensor, Span>,
    /// The values of the argument of a function that is approximated, while that is built.
    pub(crate) operand: Option<(f64, f64)>,
    /// What is known of the values of the tensors so far.
    pub(crate) ranges: ein_ir::range::module::Ranges,
}

impl<'p> Elaborator<'p> {
    pub(crate) fn new(program: &'p ProgramScope<'p>, file: usize, name: &str) -> Self {
        Self {
            program,
            file,
            module: Module { name: name.to_owned(), ..Module::default() },
            names: BTreeMap::new(),
            defined: BTreeSet::new(),
            scans: Vec::new(),
            equations: BTreeMap::new(),
            zero: Vec::new(),
            nonnegative: Vec::new(),
            required: BTreeSet::new(),
            stated: BTreeSet::new(),
            called: BTreeMap::new(),
            tensor_names: RefCell::default(),
            errors: Vec::new(),
            shared: BTreeMap::new(),
            constants: BTreeMap::new(),
            prelude: Vec::new(),
            own: None,
            notes: super::explain::Notes::default(),
            public: Vec::new(),
            secrets: BTreeSet::new(),
            copied: BTreeMap::new(),
            operand: None,
            ranges: ein_ir::range::module::Ranges::default(),
        }
    }

    /// Declares a name; a repeat is E0206.
    pub(crate) fn declare(&mut self, name: &str, span: Span, what: &'static str, meaning: Meaning<'p>) {
        if let Some((first, first_what)) = self.shared_name(name) {
            self.errors.push(repeated(name, span, what, first, first_what));
        }
        if let Some(first) = self.names.get_mut(name) {
            self.errors.push(repeated(name, span, what, first.span, first.what));
            first.meaning = Meaning::Unknown;
            return;
        }
        self.names.insert(name.to_owned(), Declaration { meaning, span, what });
    }

    /// Reports a name that is not declared, or not here: E0204, or E0190 if another part of the program declares it.
    pub(crate) fn unknown(&mut self, name: &str, span: Span, more: &[String]) {
        if let Some(what) = self.program.foreign(self.file, name) {
            self.errors.push(unsupported(&format!("`{name}` is declared by {what}, and that is"), span));
            return;
        }
        if let Some(below) = self.equations.get(name) {
            let found = unknown_name(name, span, None).and(*below, "defined below, here");
            self.errors.push(found.note("a name is read only after its equation").help(format!("move the equation of `{name}` up")));
            return;
        }
        let known: Vec<&str> = self.names.keys().map(String::as_str).chain(CONSTANTS).chain(more.iter().map(String::as_str)).collect();
        let found = unknown_name(name, span, nearest(name, known));
        self.errors.push(found);
    }

    /// A name that no tensor of the module has yet: `y.sum`, `y.sum2`.
    pub(crate) fn fresh_name(&self, wanted: &str) -> String {
        self.tensor_names.borrow_mut().fresh(wanted, self.module.tensors.values().map(|t| t.name.as_str()))
    }

    /// The name of a tensor, in quotes.
    pub(crate) fn quoted(&self, tensor: Tensor) -> String {
        format!("`{}`", self.module.tensors[tensor].name)
    }
}

impl super::sum::Outside for Elaborator<'_> {
    fn declared(&self, name: &str) -> Option<(Span, &'static str)> {
        Elaborator::declared(self, name)
    }

    fn is_reducer(&self, name: &str) -> bool {
        crate::builtins::reducer(name).is_some() || self.program.reducer(self.file, name).is_some()
    }

    fn is_function(&self, name: &str, n_args: usize) -> bool {
        let is_builtin = crate::builtins::function(name).is_some_and(|f| !matches!(f.function, Function::Fold(_)) || n_args > 1);
        is_builtin || crate::builtins::whole(name).is_some() || self.find_def(name).is_some()
    }

    fn element(&self, name: &str) -> Option<DType> {
        match self.names.get(name).map(|d| &d.meaning) {
            Some(Meaning::Tensor(tensor)) => Some(self.module.tensors[*tensor].dtype),
            Some(_) => None,
            // A constant is brought in when it is read.
            None => match self.program.files.find(self.file, name)?.target {
                Target::Const(constant) => constant.ty.as_ref().map(|ty| element_dtype(&ty.element)),
                _ => None,
            },
        }
    }
}

/// The names of tensors so far, so that a fresh one is found without a look at each.
#[derive(Default)]
pub(crate) struct TensorNames {
    /// How many tensors were read.
    seen: usize,
    taken: BTreeSet<String>,
    /// The next number to try behind a name.
    next: BTreeMap<String, usize>,
}

impl TensorNames {
    fn fresh<'t>(&mut self, wanted: &str, tensors: impl ExactSizeIterator<Item = &'t str>) -> String {
        let len = tensors.len();
        self.taken.extend(tensors.skip(self.seen).map(str::to_owned));
        self.seen = len;
        if !self.taken.contains(wanted) {
            return wanted.to_owned();
        }
        let next = self.next.entry(wanted.to_owned()).or_insert(2);
        while self.taken.contains(&format!("{wanted}{next}")) {
            *next += 1;
        }
        format!("{wanted}{next}")
    }
}
