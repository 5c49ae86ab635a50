//! Random well-typed programs, as source text.
//!
//! A program has a few dims (some derived by `where`, some shared), constants, reducers, parameters of random dtypes and ranks, two to
//! seven equations, and calls of small definitions and of functions of whole tensors. Every program passes the checker, and none can fail on its data: what goes wrong is a bug of ours. Functions
//! that jump are applied to inputs only, and magnitudes are kept small, so that two correct evaluations differ by rounding alone.

mod equation;
mod expr;
mod header;
mod scan;
pub mod subscript;
mod whole;

use crate::random::Random;
use ein::DType;
use std::fmt::Write as _;

/// Extents of dims: nothing, one, primes, and the neighbours of vector and tile sizes.
const EXTENTS: [usize; 12] = [0, 1, 2, 3, 5, 7, 8, 13, 16, 17, 31, 33];

/// Element types of parameters and equations.
const DTYPES: [DType; 29] = [
    DType::F32,
    DType::F32,
    DType::F32,
    DType::F32,
    DType::F64,
    DType::F64,
    DType::I32,
    DType::I64,
    DType::Bool,
    DType::Bool,
    DType::C64,
    DType::C128,
    DType::I8,
    DType::I8,
    DType::I16,
    DType::U8,
    DType::U8,
    DType::U16,
    DType::U32,
    DType::U64,
    DType::F16,
    DType::BF16,
    DType::F8E4M3,
    DType::F8E5M2,
    DType::U1,
    DType::U2,
    DType::U4,
    DType::I2,
    DType::I4,
];
/// Types of integers, and of floats, for expressions that need one.
const INTEGERS: [DType; 12] = [
    DType::I32,
    DType::I32,
    DType::I64,
    DType::I64,
    DType::I8,
    DType::I16,
    DType::U8,
    DType::U16,
    DType::U32,
    DType::U64,
    DType::U4,
    DType::I4,
];
const FLOATS: [DType; 8] = [DType::F32, DType::F32, DType::F32, DType::F64, DType::F64, DType::F16, DType::BF16, DType::F8E5M2];

/// Points of the iteration space of one equation that the interpreters can visit in no time.
const WORK: usize = 4000;

/// A program with the shapes that it is to be run on.
#[derive(Clone, Debug)]
pub struct Generated {
    /// Number that it was made from.
    pub seed: u64,
    /// Text; the definition to run is the last.
    pub source: String,
    /// Name, type and shape of each parameter.
    pub inputs: Vec<(String, DType, Vec<usize>)>,
    /// `int` generics.
    pub sizes: Vec<(String, i64)>,
}

/// A size of the program.
struct Dim {
    name: String,
    extent: usize,
    origin: Origin,
}

/// Where a size is declared.
#[derive(PartialEq, Eq)]
enum Origin {
    /// A generic of the main definition.
    Generic,
    /// The text of `where NAME = TEXT`.
    Alias(String),
    /// At the top of the file; an input has it.
    Shared,
    /// At the top of the file, as another name of a number.
    Number,
}

impl Origin {
    /// Whether an input must have an axis of this size alone.
    fn needs_an_input(&self) -> bool {
        matches!(self, Origin::Generic | Origin::Shared)
    }
}

/// A tensor that may be read.
#[derive(Clone)]
struct Var {
    name: String,
    dtype: DType,
    /// A dim for each axis.
    axes: Vec<usize>,
    /// Whether it is a parameter: exact, whatever the evaluation.
    input: bool,
    /// Bound of the magnitude of its elements, roughly.
    magnitude: f64,
}

/// An index in scope.
#[derive(Clone)]
struct Idx {
    name: String,
    dim: usize,
}

/// The program under construction.
struct Writer {
    random: Random,
    dims: Vec<Dim>,
    vars: Vec<Var>,
    /// Declarations at the top of the file.
    header: Vec<String>,
    /// Reducers of the program.
    reducers: Vec<header::Reducer>,
    /// Definitions before the main one.
    helpers: Vec<String>,
    /// Equations with what they define.
    equations: Vec<(String, Var)>,
    /// Index names used in the equation under construction.
    n_indices: usize,
    /// Whether a typed value has been read in the equation under construction.
    typed: bool,
}

/// The program of a seed.
#[must_use]
pub fn program(seed: u64) -> Generated {
    let mut w = Writer::new(seed);
    let params = w.declare();
    for _ in 0..2 + w.random.below(5) {
        w.equation();
    }
    let n_results = 1 + w.random.below(w.equations.len().min(3));
    w.finish(seed, &params, n_results)
}

/// A program with scans.
#[must_use]
pub fn scans(seed: u64) -> Generated {
    let mut w = Writer::new(seed ^ 0x5ca7);
    let params = w.declare();
    w.equation();
    for _ in 0..1 + w.random.below(2) {
        w.scan();
    }
    w.equation();
    let n_results = 1 + w.random.below(w.equations.len().min(4));
    w.finish(seed, &params, n_results)
}

impl Writer {
    fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            dims: Vec::new(),
            vars: Vec::new(),
            header: Vec::new(),
            reducers: Vec::new(),
            helpers: Vec::new(),
            equations: Vec::new(),
            n_indices: 0,
            typed: false,
        }
    }

    /// Everything before the equations; gives the parameters.
    fn declare(&mut self) -> Vec<Var> {
        self.make_dims();
        self.make_shared_dims();
        self.make_params();
        let params = self.vars.clone();
        self.make_constants();
        self.make_reducers();
        params
    }

    fn make_dims(&mut self) {
        for name in ["N", "M", "K", "L"].into_iter().take(2 + self.random.below(3)) {
            let extent = if self.random.one_in(14) { 0 } else { EXTENTS[1 + self.random.below(EXTENTS.len() - 1)] };
            self.dims.push(Dim { name: name.to_owned(), extent, origin: Origin::Generic });
        }
        if self.random.one_in(2) {
            let n = self.dims[0].extent;
            let r = (1 + self.random.below(4)).min(n + 1);
            self.dims.push(Dim { name: "R".to_owned(), extent: r, origin: Origin::Generic });
            self.dims.push(Dim { name: "P".to_owned(), extent: n + 1 - r, origin: Origin::Alias("N - R + 1".to_owned()) });
        }
        if self.random.one_in(3) {
            let extent = self.dims[0].extent / 2;
            self.dims.push(Dim { name: "H".to_owned(), extent, origin: Origin::Alias("N // 2".to_owned()) });
        }
    }

    /// One vector for each size, so that every size is known, and some tensors more.
    fn make_params(&mut self) {
        for dim in 0..self.dims.len() {
            if self.dims[dim].origin.needs_an_input() {
                let dtype = self.random.pick(&DTYPES);
                self.param(dtype, vec![dim]);
            }
        }
        for _ in 0..2 + self.random.below(3) {
            let dtype = self.random.pick(&DTYPES);
            let rank = self.random.below(4);
            let mut axes: Vec<usize> = Vec::new();
            for _ in 0..rank {
                let dim = self.random.below(self.dims.len());
                if self.volume(&axes) * self.dims[dim].extent <= WORK {
                    axes.push(dim);
                }
            }
            self.param(dtype, axes);
        }
    }

    fn param(&mut self, dtype: DType, axes: Vec<usize>) {
        let name = format!("x{}", self.vars.len());
        self.vars.push(Var { name, dtype, axes, input: true, magnitude: 2.0 });
    }

    fn volume(&self, dims: &[usize]) -> usize {
        dims.iter().map(|d| self.dims[*d].extent).product()
    }

    fn fresh_index(&mut self, dim: usize) -> Idx {
        const NAMES: [&str; 12] = ["i", "j", "k", "l", "m", "n", "p", "q", "r", "s", "u", "v"];
        let n = self.n_indices;
        self.n_indices += 1;
        let name = format!("{}{}", NAMES[n % NAMES.len()], "'".repeat(n / NAMES.len()));
        Idx { name, dim }
    }

    fn axes_text(&self, axes: &[usize]) -> String {
        if axes.is_empty() {
            return String::new();
        }
        let names: Vec<&str> = axes.iter().map(|d| self.dims[*d].name.as_str()).collect();
        format!("[{}]", names.join(", "))
    }

    /// The text of the whole program; the last equations are its results.
    fn finish(&self, seed: u64, params: &[Var], n_results: usize) -> Generated {
        let first_result = self.equations.len() - n_results;
        let declare = |v: &Var| format!("{}: {}{}", v.name, v.dtype, self.axes_text(&v.axes));
        let generics: Vec<&str> = self.dims.iter().filter(|d| d.origin == Origin::Generic).map(|d| d.name.as_str()).collect();
        let alias = |d: &Dim| if let Origin::Alias(text) = &d.origin { Some(format!("{} = {text}", d.name)) } else { None };
        let aliases: Vec<String> = self.dims.iter().filter_map(alias).collect();
        let mut source = self.header.concat() + &self.helpers.concat();
        let parameters: Vec<String> = params.iter().map(declare).collect();
        let results: Vec<String> = self.equations[first_result..].iter().map(|(_, v)| declare(v)).collect();
        let _ = write!(source, "def main<{}>({})\n    -> ({})", generics.join(", "), parameters.join(", "), results.join(", "));
        if !aliases.is_empty() {
            let _ = write!(source, "\n    where {}", aliases.join(", "));
        }
        source.push_str(" {\n");
        for (text, _) in self.equations.iter().filter(|(text, _)| !text.is_empty()) {
            let end = if text.ends_with('}') { "" } else { ";" };
            let _ = writeln!(source, "  {text}{end}");
        }
        source.push_str("}\n");
        let shape = |v: &Var| v.axes.iter().map(|d| self.dims[*d].extent).collect();
        let inputs = params.iter().map(|v| (v.name.clone(), v.dtype, shape(v))).collect();
        Generated { seed, source, inputs, sizes: Vec::new() }
    }
}

/// The type of a sum of values of a type.
fn sum_type(dtype: DType) -> DType {
    if dtype.is_float() || dtype == DType::Bool { dtype } else { dtype.accumulator() }
}

/// The places of a name in a text, as whole words.
fn places<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '\'';
    text.match_indices(name).filter_map(move |(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        (!before.ends_with(part_of_name) && !after.starts_with(part_of_name)).then_some((before, after))
    })
}

/// Whether an index occurs in an expression.
fn mentions(text: &str, name: &str) -> bool {
    places(text, name).next().is_some()
}

/// Whether an index is a whole subscript somewhere, so that its range is known.
fn stands_alone(text: &str, name: &str) -> bool {
    places(text, name).any(|(before, after)| before.trim_end().ends_with(['[', ',']) && after.trim_start().starts_with([']', ',']))
}
