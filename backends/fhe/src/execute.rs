//! Carries the operations out, and says what each kind took.

use crate::error;
use crate::keys::{Ciphertexts, EvaluationKeys, RingKeys};
use crate::pack::{self, Integer, Numbers};
use crate::scheme::{Engine, Ring, attempt};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::{Ciphertext, EntityRef, Plain, SecondaryMap};
use ein_ir::packed::{Op, Packed};
use fhe::bfv::{self, Plaintext};
use std::time::{Duration, Instant};

/// Kinds of operations that cost something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Rotations.
    Rotate,
    /// Sums and differences, also with a plaintext.
    Add,
    /// Changes of sign.
    Negate,
    /// Products with a plaintext, masks among them.
    MulPlain,
    /// Products of two ciphertexts.
    Mul,
    /// Relinearisations.
    Relin,
    /// Rescalings: nothing in this scheme.
    Rescale,
    /// Products with powers of two that make the sides of a sum agree; no operation of the program.
    Lift,
    /// Encodings of plaintexts; no operation of the program.
    Encode,
}

impl Kind {
    /// Every kind, in order.
    pub const ALL: [Self; 9] =
        [Self::Rotate, Self::Add, Self::Negate, Self::MulPlain, Self::Mul, Self::Relin, Self::Rescale, Self::Lift, Self::Encode];

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rotate => "rotate",
            Self::Add => "add",
            Self::Negate => "negate",
            Self::MulPlain => "mulcp",
            Self::Mul => "mulcc",
            Self::Relin => "relin",
            Self::Rescale => "rescale",
            Self::Lift => "lift",
            Self::Encode => "encode",
        }
    }
}

/// What a run took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    counts: [usize; Kind::ALL.len()],
    times: [Duration; Kind::ALL.len()],
}

impl Report {
    /// How many operations of a kind were carried out, modulo each plaintext modulus.
    #[must_use]
    pub const fn count(&self, kind: Kind) -> usize {
        self.counts[kind as usize]
    }

    /// What they took together, modulo all of them.
    #[must_use]
    pub const fn time(&self, kind: Kind) -> Duration {
        self.times[kind as usize]
    }

    fn add(&mut self, kind: Kind, time: Duration) {
        self.counts[kind as usize] += 1;
        self.times[kind as usize] += time;
    }

    /// The same operations modulo another modulus.
    fn join(&mut self, other: &Self) {
        self.counts = other.counts;
        self.times.iter_mut().zip(other.times).for_each(|(time, other)| *time += other);
    }
}

/// `None` for what only hands a ciphertext on.
const fn kind_of(op: &Op) -> Option<Kind> {
    match op {
        Op::Input { .. } | Op::Drop(..) => None,
        Op::Rotate { .. } => Some(Kind::Rotate),
        Op::Add(..) | Op::Sub(..) | Op::AddPlain(..) => Some(Kind::Add),
        Op::Neg(_) => Some(Kind::Negate),
        Op::MulPlain(..) | Op::Mask(..) => Some(Kind::MulPlain),
        Op::Mul(..) => Some(Kind::Mul),
        Op::Relin(_) => Some(Kind::Relin),
        Op::Rescale(_) => Some(Kind::Rescale),
    }
}

impl Engine {
    /// Runs the program. It needs no secret: `publics` are the given tensors in the clear, in the order of the program.
    ///
    /// # Errors
    /// Other operands than the program has, a number in the clear beyond its bound, or keys of another form.
    pub fn run(&self, keys: &EvaluationKeys, publics: &[Numbers], inputs: &Ciphertexts) -> Result<(Ciphertexts, Report), Diagnostic> {
        if inputs.outputs || inputs.len() != self.input_chunks().count() {
            return Err(error::operands(format!("{} ciphertexts, not {} of inputs", inputs.len(), self.input_chunks().count())));
        }
        let publics = pack::publics(self.program(), publics, self.options())?;
        let (mut rings, mut report) = (Vec::new(), Report::default());
        for ((ring, keys), inputs) in self.rings().iter().zip(&keys.0).zip(&inputs.rings) {
            let mut machine = Machine::new(self, ring, keys, &publics, inputs);
            for (id, op) in &self.program().ops {
                machine.execute(id, op)?;
            }
            let results = self.program().outputs.iter().flat_map(|output| &output.values);
            let values = results.map(|value| machine.values[*value].clone().ok_or_else(|| error::scheme("give the results")));
            rings.push(values.collect::<Result<_, _>>()?);
            report.join(&machine.report);
        }
        Ok((Ciphertexts { outputs: true, rings }, report))
    }
}

struct Machine<'a> {
    engine: &'a Engine,
    ring: &'a Ring,
    keys: &'a RingKeys,
    publics: &'a [Vec<Integer>],
    inputs: &'a [bfv::Ciphertext],
    /// The first ciphertext of each input.
    firsts: Vec<usize>,
    /// The last operation that reads each; nothing for results.
    last_reads: SecondaryMap<Ciphertext, Option<Ciphertext>>,
    last_encodings: SecondaryMap<Plain, Option<Ciphertext>>,
    values: SecondaryMap<Ciphertext, Option<bfv::Ciphertext>>,
    plains: SecondaryMap<Plain, Option<Plaintext>>,
    report: Report,
}

impl<'a> Machine<'a> {
    fn new(engine: &'a Engine, ring: &'a Ring, keys: &'a RingKeys, publics: &'a [Vec<Integer>], inputs: &'a [bfv::Ciphertext]) -> Self {
        let mut firsts = Vec::new();
        let mut first = 0;
        for input in engine.program().inputs.values() {
            firsts.push(first);
            first += input.layout.n_chunks() as usize;
        }
        let (last_reads, last_encodings) = last_reads(engine.program());
        Self {
            engine,
            ring,
            keys,
            publics,
            inputs,
            firsts,
            last_reads,
            last_encodings,
            values: SecondaryMap::new(),
            plains: SecondaryMap::new(),
            report: Report::default(),
        }
    }

    fn execute(&mut self, id: Ciphertext, op: &Op) -> Result<(), Diagnostic> {
        let lifts = self.engine.scales().lifts(self.engine.program(), op);
        let plain = match op.plain() {
            Some(plain) if lifts.right > 0 => Some(self.encoded(plain, lifts.right)?),
            Some(plain) => {
                self.encode(plain)?;
                None
            }
            None => None,
        };
        let (left, right) = match *op {
            Op::Add(x, y) | Op::Sub(x, y) => (self.lifted(x, lifts.left)?, self.lifted(y, lifts.right)?),
            Op::AddPlain(x, _) => (self.lifted(x, lifts.left)?, None),
            _ => (None, None),
        };
        let start = Instant::now();
        let value = match *op {
            Op::Add(x, y) => {
                let (x, y) = (self.lifted_or(left.as_ref(), x)?, self.lifted_or(right.as_ref(), y)?);
                attempt("add", || Ok(sum(x, y)))
            }
            Op::Sub(x, y) => {
                let negated = -self.lifted_or(right.as_ref(), y)?.clone();
                let x = self.lifted_or(left.as_ref(), x)?;
                attempt("subtract", || Ok(sum(x, &negated)))
            }
            Op::AddPlain(x, id_of_plain) => {
                let x = if let Some(left) = left { left } else { self.take(id, x)? };
                let plain = if let Some(plain) = &plain { plain } else { self.plain(id_of_plain)? };
                attempt("add a plaintext", || Ok(x + plain))
            }
            _ => self.value_of(id, op),
        }?;
        if let Some(kind) = kind_of(op) {
            self.report.add(kind, start.elapsed());
        }
        self.values[id] = Some(value);
        self.release(id, op);
        Ok(())
    }

    /// An operation that adds nothing up.
    fn value_of(&mut self, id: Ciphertext, op: &Op) -> Result<bfv::Ciphertext, Diagnostic> {
        match *op {
            Op::Input { input, chunk } => Ok(self.inputs[self.firsts[input.index()] + chunk as usize].clone()),
            // Here a product divides by the modulus itself.
            Op::Rescale(x) | Op::Drop(x, _) => self.take(id, x),
            Op::Rotate { x, by } => self.rotate(x, by),
            Op::Neg(x) => self.take(id, x).map(|x| -x),
            Op::Add(..) | Op::Sub(..) | Op::AddPlain(..) => Err(error::scheme("add")),
            Op::MulPlain(x, plain) | Op::Mask(x, plain) => {
                let x = self.take(id, x)?;
                let plain = self.plain(plain)?;
                attempt("multiply by a plaintext", || Ok(x * plain))
            }
            Op::Mul(x, y) => {
                let (x, y) = (self.value(x)?, self.value(y)?);
                attempt("multiply", || Ok(x * y))
            }
            Op::Relin(x) => {
                let mut x = self.take(id, x)?;
                let key = self.keys.relin.as_ref().ok_or_else(|| error::scheme("relinearise"))?;
                attempt("relinearise", || key.relinearizes(&mut x).map(|()| x))
            }
        }
    }

    fn rotate(&self, x: Ciphertext, by: u32) -> Result<bfv::Ciphertext, Diagnostic> {
        let x = self.value(x)?;
        let keys = self.keys.rotations.as_ref().ok_or_else(|| error::scheme("rotate"))?;
        attempt("rotate", || keys.rotates_columns_by(x, by as usize))
    }

    fn value(&self, x: Ciphertext) -> Result<&bfv::Ciphertext, Diagnostic> {
        // A verified program reads only what was computed before, and nothing is released before its last reader.
        self.values[x].as_ref().ok_or_else(|| error::scheme("read a ciphertext"))
    }

    /// The value itself where this operation is the last to read it, else a copy.
    fn take(&mut self, id: Ciphertext, x: Ciphertext) -> Result<bfv::Ciphertext, Diagnostic> {
        let value = if self.last_reads[x] == Some(id) { self.values[x].take() } else { self.values[x].clone() };
        value.ok_or_else(|| error::scheme("read a ciphertext"))
    }

    fn plain(&self, plain: Plain) -> Result<&Plaintext, Diagnostic> {
        self.plains[plain].as_ref().ok_or_else(|| error::scheme("read a plaintext"))
    }

    /// Encodes a plaintext at its first use.
    fn encode(&mut self, plain: Plain) -> Result<(), Diagnostic> {
        if self.plains[plain].is_none() {
            self.plains[plain] = Some(self.encoded(plain, 0)?);
        }
        Ok(())
    }

    /// A plaintext with so many more factors.
    fn encoded(&mut self, plain: Plain, factors: u32) -> Result<Plaintext, Diagnostic> {
        let start = Instant::now();
        let (engine, ring, program) = (self.engine, self.ring, self.engine.program());
        let values = &program.plains[plain].values;
        let slots = pack::plain_slots(program, values, self.publics, engine.options(), |number| ring.residue(number));
        let mut slots = slots.ok_or_else(|| error::not_computable("a number in the clear is too large"))?;
        ring.lift(&mut slots, engine.lift_bits(factors));
        let encoded = ring.encode(&slots)?;
        self.report.add(Kind::Encode, start.elapsed());
        Ok(encoded)
    }

    /// A side of a sum with so many more factors; none if there are none.
    fn lifted(&mut self, x: Ciphertext, factors: u32) -> Result<Option<bfv::Ciphertext>, Diagnostic> {
        if factors == 0 {
            return Ok(None);
        }
        let start = Instant::now();
        let mut slots = vec![1; self.engine.program().slots as usize];
        self.ring.lift(&mut slots, self.engine.lift_bits(factors));
        let (by, x) = (self.ring.encode(&slots)?, self.value(x)?);
        let lifted = attempt("multiply by a plaintext", || Ok(x * &by))?;
        self.report.add(Kind::Lift, start.elapsed());
        Ok(Some(lifted))
    }

    fn lifted_or<'b>(&'b self, lifted: Option<&'b bfv::Ciphertext>, x: Ciphertext) -> Result<&'b bfv::Ciphertext, Diagnostic> {
        lifted.map_or_else(|| self.value(x), Ok)
    }

    /// Forgets what is read for the last time here, or never.
    fn release(&mut self, id: Ciphertext, op: &Op) {
        for x in op.args().chain([id]) {
            if self.last_reads[x] == Some(id) {
                self.values[x] = None;
            }
        }
        if let Some(plain) = op.plain().filter(|plain| self.last_encodings[*plain] == Some(id)) {
            self.plains[plain] = None;
        }
    }
}

/// Of two or three parts each; the library adds only as many as there are on the other side.
fn sum(x: &bfv::Ciphertext, y: &bfv::Ciphertext) -> bfv::Ciphertext {
    let (longer, shorter) = if x.len() >= y.len() { (x, y) } else { (y, x) };
    if longer.len() == shorter.len() {
        return x + y;
    }
    let mut sum = longer.clone();
    for (part, other) in sum.iter_mut().zip(shorter.iter()) {
        *part += other;
    }
    sum
}

type LastReads = (SecondaryMap<Ciphertext, Option<Ciphertext>>, SecondaryMap<Plain, Option<Ciphertext>>);

/// The last operation that reads each ciphertext (itself if none does, nothing for results) and each plaintext.
fn last_reads(program: &Packed) -> LastReads {
    let (mut values, mut plains) = (SecondaryMap::new(), SecondaryMap::new());
    for (id, op) in &program.ops {
        values[id] = Some(id);
        op.args().for_each(|arg| values[arg] = Some(id));
        op.plain().into_iter().for_each(|plain| plains[plain] = Some(id));
    }
    program.outputs.iter().flat_map(|output| &output.values).for_each(|value| values[*value] = None);
    (values, plains)
}
