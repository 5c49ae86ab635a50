//! A packed program as JSON that others can replay without knowing anything of this compiler.
//!
//! One object: `slots`, `replicated` where elements of an input are sent more than once, then
//!
//! * `inputs`: `{name, dtype, shape, chunks, fill, segments: [[chunk, slot, dslot, flat, dflat, count], …]}`: for `t` in `0..count`, slot
//!   `(slot + t * dslot) mod slots` of that chunk holds element `flat + t * dflat` of the row-major operand; the others hold zero, or
//!   anything if `fill` is `junk`.
//! * `derived`: `{name, eq, args}`: tensors in the clear that are computed before they are encoded, by an einsum over public operands and
//!   earlier ones; where it has a `scale`, times that number.
//! * `computed`, where there are some: `{name, shape}`: public tensors that are given like others, and computed from public inputs by what is no
//!   einsum: `clear` says how, as the text of tensor IR. Those that depend on no input have their `values`, row major, so that nobody needs to
//!   read that text for them; integers are modulo 2^64.
//! * `ops`: `{id, op, args, …}`, in order: `input` (`name`, `chunk`), `plain` (`name`, `segments: [[slot, dslot, flat, dflat, count], …]`, or `value`,
//!   `segments: [[slot, dslot, count], …]`), `rot` (`k`: `out[i] = in[(i + k) mod slots]`), `add`, `sub`, `neg`, `addp`, `mulcc`, `mulcp`, `mask`
//!   (`segments` are kept), `relin`, `rescale`, `drop` (`level`).
//! * `outputs`: `{name, dtype, shape, segments: [[id, slot, dslot, flat, dflat, count], …]}`.
//! * `open`, where there are some: names of results that no secret goes into, which are computed in the clear.
//! * `counts`: `rotations, mulcc, mulcp, adds, relins, rescales, depth, keys`.
//! * `levels`, of a plan of reals, which a replay needs not: how many are `needed`, the `path` that needs them, `parameters` for them,
//!   and `errors`: the `bound` of each result, the operands that are `assumed` to lie in -1..1, and those that
//!   bound nothing, as they are declared in ranges without an end: `endless`.
//!
//! Numbers that are whole are written as such, so that exact arithmetic stays exact.

use crate::clear::{needed, reads, results};
use crate::levels::Levels;
use crate::planner::internal;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::{Ciphertext, Plain, SecondaryMap, Tensor};
use ein_ir::packed::layout::Content;
use ein_ir::packed::{InputDecl, Layout, Op, OutputDecl, Packed, PlainValues, PublicSource, Run, Segment};
use ein_ir::tensor::Module;
use ein_ir::tensor::verify::verify;
use ein_ir::verified::{Verified, VerifierError};
use serde::Serialize;
use serde_json::Number;
use std::collections::{BTreeMap, BTreeSet};

/// Numbers of public tensors that are written out: those of a larger plan are no file.
const MAX_VALUES: u64 = 1 << 22;

/// The elements of a tensor, row major.
#[derive(Clone, Debug, PartialEq)]
pub enum Elements {
    /// Modulo 2^64.
    Integers(Vec<i64>),
    /// Finite ones.
    Reals(Vec<f64>),
}

/// What is known of a plan besides its operations.
#[derive(Clone, Debug, Default)]
pub struct Beside<'a> {
    /// The module that computes public tensors that the plan is given.
    pub clear: Option<&'a Verified<Module>>,
    /// The results of [`constants`].
    pub constants: BTreeMap<String, Elements>,
    /// What it needs of a scheme of reals.
    pub levels: Option<&'a Levels>,
    /// Results that no secret goes into.
    pub open: &'a [String],
}

/// The JSON of a program.
#[must_use]
pub fn to_json(program: &Verified<Packed>, beside: &Beside<'_>) -> String {
    let Beside { clear, constants, levels, open } = beside;
    let computed = clear.map_or(Vec::new(), |clear| computed(clear, constants));
    let clear = clear.map(|clear| Module::to_string(clear));
    // Strings and numbers only, which cannot fail.
    serde_json::to_string(&File { levels: *levels, open, computed, clear, ..File::of(program) }).unwrap_or_default()
}

/// The part of what is computed in the clear that depends on no operand, if there is one: its results are written out.
///
/// # Errors
/// E0715: these have more numbers than a file may.
pub fn constants(clear: &Verified<Module>) -> Result<Option<Verified<Module>>, Vec<Diagnostic>> {
    let mut given: BTreeSet<Tensor> = clear.params.iter().copied().collect();
    for definition in &clear.body {
        let mut read = BTreeSet::new();
        reads(definition, &mut read);
        if !read.is_disjoint(&given) {
            given.extend(results(definition));
        }
    }
    let constants: Vec<Tensor> = clear.results.iter().copied().filter(|result| !given.contains(result)).collect();
    let size = |tensor: &Tensor| {
        clear.tensors[*tensor].literal_axes().and_then(|axes| axes.iter().try_fold(1_u64, |n, size| n.checked_mul(*size)))
    };
    let total = constants.iter().try_fold(0_u64, |sum, tensor| sum.checked_add(size(tensor)?)).unwrap_or(u64::MAX);
    if let Some(largest) = constants.iter().max_by_key(|tensor| size(tensor)).filter(|_| total > MAX_VALUES) {
        let message =
            format!("{total} numbers are computed in the clear from no operand, and the JSON of a plan has at most {MAX_VALUES} of them");
        let decl = &clear.tensors[*largest];
        let found = Diagnostic::error(715, "he-memory", message).at(decl.span, "most of them are for this");
        return Err(vec![found.help("make what is computed here a public input, which is given beside the plan")]);
    }
    if constants.is_empty() {
        return Ok(None);
    }
    let broken = |errors: Vec<VerifierError>| errors.iter().map(internal).collect::<Vec<_>>();
    verify(needed(Module::clone(clear), constants)).map(Some).map_err(broken)
}

fn computed<'a>(clear: &'a Module, constants: &BTreeMap<String, Elements>) -> Vec<Computed<'a>> {
    let values = |name: &str| match constants.get(name)? {
        Elements::Integers(numbers) => Some(numbers.iter().map(|&n| Number::from(n)).collect()),
        Elements::Reals(numbers) => numbers.iter().map(|&x| number(x)).collect(),
    };
    let of = |&tensor: &Tensor| {
        let decl = &clear.tensors[tensor];
        Computed { name: &decl.name, shape: decl.literal_axes().unwrap_or_default(), values: values(&decl.name) }
    };
    clear.results.iter().map(of).collect()
}

#[derive(Serialize)]
struct File<'a> {
    slots: u32,
    #[serde(skip_serializing_if = "is_false")]
    replicated: bool,
    inputs: Vec<InputEntry<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    computed: Vec<Computed<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clear: Option<String>,
    derived: Vec<Derived<'a>>,
    ops: Vec<OpEntry<'a>>,
    outputs: Vec<OutputEntry<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    open: &'a [String],
    counts: CountEntry,
    #[serde(skip_serializing_if = "Option::is_none")]
    levels: Option<&'a Levels>,
}

#[derive(Serialize)]
struct InputEntry<'a> {
    name: &'a str,
    dtype: &'static str,
    shape: &'a [u64],
    chunks: u32,
    fill: &'static str,
    segments: Vec<(u32, u32, u32, u64, i64, u32)>,
}

#[derive(Serialize)]
struct Computed<'a> {
    name: &'a str,
    shape: Vec<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<Number>>,
}

#[derive(Serialize)]
struct Derived<'a> {
    name: &'a str,
    eq: &'a str,
    args: Vec<&'a str>,
    /// What the einsum is multiplied by, unless by 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    scale: Option<Number>,
}

/// Fields that an operation does not have are left out.
#[derive(Default, Serialize)]
struct OpEntry<'a> {
    id: usize,
    op: &'static str,
    args: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chunk: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bits: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segments: Option<Places>,
}

/// Where a plaintext has numbers.
#[derive(Serialize)]
#[serde(untagged)]
enum Places {
    Elements(Vec<(u32, u32, u64, i64, u32)>),
    Slots(Vec<(u32, u32, u32)>),
}

#[derive(Serialize)]
struct OutputEntry<'a> {
    name: &'a str,
    dtype: &'static str,
    shape: &'a [u64],
    segments: Vec<(usize, u32, u32, u64, i64, u32)>,
}

#[derive(Serialize)]
struct CountEntry {
    rotations: usize,
    mulcc: usize,
    mulcp: usize,
    adds: usize,
    relins: usize,
    rescales: usize,
    #[serde(skip_serializing_if = "is_none")]
    boots: usize,
    depth: usize,
    keys: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_none(count: &usize) -> bool {
    *count == 0
}

impl<'a> File<'a> {
    fn of(program: &'a Packed) -> Self {
        let mut writer = Writer { program, ids: SecondaryMap::new(), plains: SecondaryMap::new(), entries: Vec::new() };
        for (id, op) in &program.ops {
            writer.op(id, op);
        }
        let counts = program.counts();
        Self {
            slots: program.slots,
            replicated: program.inputs.values().any(|input| input.layout.is_replicated()),
            inputs: program.inputs.values().map(InputEntry::of).collect(),
            computed: Vec::new(),
            clear: None,
            derived: derived(program),
            outputs: program.outputs.iter().map(|output| writer.output(output)).collect(),
            open: &[],
            ops: writer.entries,
            counts: CountEntry {
                rotations: counts.rotations,
                mulcc: counts.mulcc,
                mulcp: counts.mulcp,
                adds: counts.adds,
                relins: counts.relins,
                rescales: counts.rescales,
                boots: counts.boots,
                depth: counts.depth,
                keys: counts.keys,
            },
            levels: None,
        }
    }
}

impl<'a> InputEntry<'a> {
    fn of(input: &'a InputDecl) -> Self {
        let InputDecl { name, layout, dtype } = input;
        let segments = layout.segments().into_iter().map(|s| (s.chunk, s.slot, s.dslot, s.flat, s.dflat, s.count)).collect();
        Self { name, dtype: dtype.name(), shape: &layout.shape, chunks: layout.n_chunks(), fill: fill(layout), segments }
    }
}

/// All slots without an element have the same in the file: zeros, unless the program asks for none.
fn fill(layout: &Layout) -> &'static str {
    let (mut zero, mut junk) = (false, false);
    for run in (0..layout.n_chunks()).flat_map(|chunk| layout.runs(chunk)) {
        zero |= run.content == Content::Zero;
        junk |= run.content == Content::Junk;
    }
    if junk && !zero { "junk" } else { "zero" }
}

fn derived(program: &Packed) -> Vec<Derived<'_>> {
    let of = |(name, source)| match source {
        &PublicSource::Given => None,
        PublicSource::Einsum { equation, args, scale } => {
            let args = args.iter().map(|arg| program.publics[*arg].name.as_str()).collect();
            Some(Derived { name, eq: equation, args, scale: number(*scale).filter(|_| *scale != 1.0) })
        }
    };
    program.publics.values().map(|public| (public.name.as_str(), &public.source)).filter_map(of).collect()
}

/// Gives ids to ciphertexts and plaintexts, which are numbered together: a plaintext stands before the first operation that reads it.
struct Writer<'a> {
    program: &'a Packed,
    ids: SecondaryMap<Ciphertext, usize>,
    plains: SecondaryMap<Plain, Option<usize>>,
    entries: Vec<OpEntry<'a>>,
}

impl<'a> Writer<'a> {
    fn push(&mut self, entry: OpEntry<'a>) -> usize {
        let id = self.entries.len();
        self.entries.push(OpEntry { id, ..entry });
        id
    }

    fn op(&mut self, id: Ciphertext, op: &Op) {
        let mut entry = OpEntry { op: name(op), args: op.args().map(|arg| self.ids[arg]).collect(), ..OpEntry::default() };
        match *op {
            Op::Input { input, chunk } => {
                entry.name = Some(&self.program.inputs[input].name);
                entry.chunk = Some(chunk);
            }
            Op::Rotate { by, .. } => entry.k = Some(by),
            Op::AddPlain(_, plain) | Op::MulPlain(_, plain) => entry.args.push(self.plain(plain)),
            Op::Mask(_, plain) => entry.segments = Some(self.kept(plain)),
            Op::Drop(_, level) => entry.level = Some(level),
            Op::Boot { level, bits, .. } => (entry.level, entry.bits) = (Some(level), Some(bits)),
            Op::Add(..) | Op::Sub(..) | Op::Neg(_) | Op::Mul(..) | Op::Relin(_) | Op::Rescale(_) => {}
        }
        self.ids[id] = self.push(entry);
    }

    fn kept(&self, plain: Plain) -> Places {
        match &self.program.plains[plain].values {
            PlainValues::Constant(_, runs) => slots(runs),
            // Of no mask that is verified.
            PlainValues::Elements(..) => Places::Slots(Vec::new()),
        }
    }

    fn plain(&mut self, plain: Plain) -> usize {
        if let Some(id) = self.plains[plain] {
            return id;
        }
        let entry = match &self.program.plains[plain].values {
            PlainValues::Elements(public, segments) => OpEntry {
                name: Some(&self.program.publics[*public].name),
                segments: Some(Places::Elements(segments.iter().map(|s| (s.slot, s.dslot, s.flat, s.dflat, s.count)).collect())),
                ..OpEntry::default()
            },
            PlainValues::Constant(value, runs) => OpEntry { value: number(*value), segments: Some(slots(runs)), ..OpEntry::default() },
        };
        let id = self.push(OpEntry { op: "plain", ..entry });
        self.plains[plain] = Some(id);
        id
    }

    fn output(&self, output: &'a OutputDecl) -> OutputEntry<'a> {
        let place = |s: Segment| (self.ids[output.values[s.chunk as usize]], s.slot, s.dslot, s.flat, s.dflat, s.count);
        let segments = output.layout.segments().into_iter().map(place).collect();
        OutputEntry { name: &output.name, dtype: output.dtype.name(), shape: &output.layout.shape, segments }
    }
}

fn slots(runs: &[Run]) -> Places {
    Places::Slots(runs.iter().map(|run| (run.slot, run.dslot, run.count)).collect())
}

/// A whole number where it is one, also to readers that tell them apart.
fn number(value: f64) -> Option<Number> {
    // Beyond 2^53 not every integer is a float.
    let whole = value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "it is an integer in range")]
    if whole { Some((value as i64).into()) } else { Number::from_f64(value) }
}

const fn name(op: &Op) -> &'static str {
    match op {
        Op::Input { .. } => "input",
        Op::Rotate { .. } => "rot",
        Op::Add(..) => "add",
        Op::Sub(..) => "sub",
        Op::Neg(_) => "neg",
        Op::AddPlain(..) => "addp",
        Op::MulPlain(..) => "mulcp",
        Op::Mask(..) => "mask",
        Op::Mul(..) => "mulcc",
        Op::Relin(_) => "relin",
        Op::Rescale(_) => "rescale",
        Op::Drop(..) => "drop",
        Op::Boot { .. } => "boot",
    }
}
