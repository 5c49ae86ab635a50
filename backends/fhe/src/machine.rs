//! The program modulo one plaintext modulus: what its operations are on ciphertexts. Several threads may carry operations out.

use crate::error;
use crate::execute::{Kind, Report, kind_of};
use crate::frame::FrameKind;
use crate::keys::{RingKeys, ciphertext};
use crate::pack::{self, Integer};
use crate::ring::{Ring, attempt};
use crate::scheme::Engine;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::{Ciphertext, EntityRef, Plain, PrimaryMap, SecondaryMap};
use ein_ir::packed::{Op, Packed};
use fhe::bfv::{self, Plaintext};
use fhe_traits::Serialize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

pub(crate) struct Machine<'a> {
    engine: &'a Engine,
    ring: &'a Ring,
    keys: &'a RingKeys,
    publics: &'a [Vec<Integer>],
    inputs: &'a [Vec<u8>],
    /// The first ciphertext of each input.
    firsts: Vec<usize>,
    values: PrimaryMap<Ciphertext, Mutex<Held<bfv::Ciphertext>>>,
    plains: PrimaryMap<Plain, Mutex<Held<Plaintext>>>,
    report: Mutex<Report>,
}

/// A value, kept until nobody reads it any more.
struct Held<T> {
    value: Option<Arc<T>>,
    /// Operations that will read it, and the caller for results.
    readers: usize,
}

/// Nothing is half done when a thread gives a lock back.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Machine<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        (ring, keys): (&'a Ring, &'a RingKeys),
        publics: &'a [Vec<Integer>],
        inputs: &'a [Vec<u8>],
    ) -> Self {
        let program = engine.program();
        let mut firsts = Vec::new();
        let mut first = 0;
        for input in program.inputs.values() {
            firsts.push(first);
            first += input.layout.n_chunks() as usize;
        }
        let (readers, readers_of_plains) = readers(program);
        let values = program.ops.keys().map(|id| Held::read_by(readers[id])).collect();
        let plains = program.plains.keys().map(|id| Held::read_by(readers_of_plains[id])).collect();
        Self { engine, ring, keys, publics, inputs, firsts, values, plains, report: Mutex::default() }
    }

    /// The results and what they took.
    pub(crate) fn finish(self) -> Result<(Vec<Vec<u8>>, Report), Diagnostic> {
        let results = self.engine.program().outputs.iter().flat_map(|output| &output.values);
        let values = results.map(|value| self.value(*value).map(|value| value.to_bytes())).collect::<Result<_, _>>()?;
        Ok((values, self.report.into_inner().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Carries out an operation; those that it reads were carried out before.
    pub(crate) fn execute(&self, id: Ciphertext) -> Result<(), Diagnostic> {
        let op = &self.engine.program().ops[id];
        let value = match *op {
            Op::Add(x, y) | Op::Sub(x, y) => self.sum(op, x, y),
            Op::AddPlain(x, plain) => self.sum_with_plain(op, x, plain),
            _ => self.value_of(op),
        }?;
        let mut held = lock(&self.values[id]);
        if held.readers > 0 {
            held.value = Some(Arc::new(value));
        }
        drop(held);
        self.release(op);
        Ok(())
    }

    fn sum(&self, op: &Op, x: Ciphertext, y: Ciphertext) -> Result<bfv::Ciphertext, Diagnostic> {
        let lifts = self.engine.scales().lifts(self.engine.program(), op);
        let (x, y) = (self.lifted(x, lifts.left)?, self.lifted(y, lifts.right)?);
        self.timed(op, || match op {
            Op::Sub(..) => {
                let negated = -(*y).clone();
                attempt("subtract", || Ok(sum(&x, &negated)))
            }
            _ => attempt("add", || Ok(sum(&x, &y))),
        })
    }

    fn sum_with_plain(&self, op: &Op, x: Ciphertext, plain: Plain) -> Result<bfv::Ciphertext, Diagnostic> {
        let lifts = self.engine.scales().lifts(self.engine.program(), op);
        let plain = if lifts.right > 0 { Arc::new(self.encoded(plain, lifts.right)?) } else { self.plain(plain)? };
        let x = if lifts.left > 0 { self.lifted(x, lifts.left)?.as_ref().clone() } else { self.take(x)? };
        self.timed(op, || attempt("add a plaintext", || Ok(x + &*plain)))
    }

    /// An operation that adds nothing up.
    fn value_of(&self, op: &Op) -> Result<bfv::Ciphertext, Diagnostic> {
        match *op {
            Op::Input { input, chunk } => {
                ciphertext(FrameKind::Inputs, self.inputs.get(self.firsts[input.index()] + chunk as usize), self.ring)
            }
            // Here a product divides by the modulus itself.
            // No engine is made for a program that bootstraps.
            Op::Rescale(x) | Op::Drop(x, _) | Op::Boot { x, .. } => self.timed(op, || self.take(x)),
            Op::Rotate { x, by } => {
                let x = self.value(x)?;
                let keys = self.keys.rotations.as_ref().ok_or_else(|| error::scheme("rotate"))?;
                self.timed(op, || attempt("rotate", || keys.rotates_columns_by(&x, by as usize)))
            }
            Op::Neg(x) => {
                let x = self.take(x)?;
                self.timed(op, || attempt("negate", || Ok(-x)))
            }
            Op::Add(..) | Op::Sub(..) | Op::AddPlain(..) => Err(error::scheme("add")),
            Op::MulPlain(x, plain) | Op::Mask(x, plain) => {
                let (plain, x) = (self.plain(plain)?, self.take(x)?);
                self.timed(op, || attempt("multiply by a plaintext", || Ok(x * &*plain)))
            }
            Op::Mul(x, y) => {
                let (x, y) = (self.value(x)?, self.value(y)?);
                self.timed(op, || attempt("multiply", || Ok(&*x * &*y)))
            }
            Op::Relin(x) => {
                let mut x = self.take(x)?;
                let key = self.keys.relin.as_ref().ok_or_else(|| error::scheme("relinearise"))?;
                self.timed(op, || attempt("relinearise", || key.relinearizes(&mut x).map(|()| x)))
            }
        }
    }

    fn timed<T>(&self, op: &Op, f: impl FnOnce() -> T) -> T {
        match kind_of(op) {
            Some(kind) => self.timed_as(kind, f),
            None => f(),
        }
    }

    fn timed_as<T>(&self, kind: Kind, f: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let value = f();
        lock(&self.report).add(kind, start.elapsed());
        value
    }

    fn value(&self, x: Ciphertext) -> Result<Arc<bfv::Ciphertext>, Diagnostic> {
        // A verified program reads only what was computed before, and nothing is released before its last reader.
        lock(&self.values[x]).value.clone().ok_or_else(|| error::scheme("read a ciphertext"))
    }

    /// The value itself where nobody else will read it, else a copy.
    fn take(&self, x: Ciphertext) -> Result<bfv::Ciphertext, Diagnostic> {
        let mut held = lock(&self.values[x]);
        let value = if held.readers == 1 { held.value.take() } else { held.value.clone() };
        drop(held);
        value.map(Arc::unwrap_or_clone).ok_or_else(|| error::scheme("read a ciphertext"))
    }

    /// A plaintext, encoded by the first who needs it.
    fn plain(&self, plain: Plain) -> Result<Arc<Plaintext>, Diagnostic> {
        let mut held = lock(&self.plains[plain]);
        match &held.value {
            Some(value) => Ok(Arc::clone(value)),
            None => {
                let value = Arc::new(self.encoded(plain, 0)?);
                held.value = Some(Arc::clone(&value));
                Ok(value)
            }
        }
    }

    /// A plaintext with so many more factors.
    fn encoded(&self, plain: Plain, factors: u32) -> Result<Plaintext, Diagnostic> {
        let (engine, ring, program) = (self.engine, self.ring, self.engine.program());
        self.timed_as(Kind::Encode, || {
            let values = &program.plains[plain].values;
            let slots = pack::plain_slots(program, values, self.publics, engine.options(), |number| ring.residue(number));
            let mut slots = slots.ok_or_else(|| error::not_computable("a number in the clear is too large"))?;
            ring.lift(&mut slots, engine.lift_bits(factors));
            ring.encode(&slots)
        })
    }

    /// A side of a sum with so many more factors.
    fn lifted(&self, x: Ciphertext, factors: u32) -> Result<Arc<bfv::Ciphertext>, Diagnostic> {
        let x = self.value(x)?;
        if factors == 0 {
            return Ok(x);
        }
        self.timed_as(Kind::Lift, || {
            let mut slots = vec![1; self.engine.program().slots as usize];
            self.ring.lift(&mut slots, self.engine.lift_bits(factors));
            let by = self.ring.encode(&slots)?;
            attempt("multiply by a plaintext", || Ok(Arc::new(&*x * &by)))
        })
    }

    /// Forgets what nobody reads after this operation.
    fn release(&self, op: &Op) {
        distinct(op).for_each(|x| lock(&self.values[x]).release());
        op.plain().into_iter().for_each(|plain| lock(&self.plains[plain]).release());
    }
}

impl<T> Held<T> {
    const fn read_by(readers: usize) -> Mutex<Self> {
        Mutex::new(Self { value: None, readers })
    }

    fn release(&mut self) {
        self.readers -= 1;
        if self.readers == 0 {
            self.value = None;
        }
    }
}

/// How many read each ciphertext and each plaintext.
fn readers(program: &Packed) -> (SecondaryMap<Ciphertext, usize>, SecondaryMap<Plain, usize>) {
    let (mut values, mut plains) = (SecondaryMap::new(), SecondaryMap::new());
    for op in program.ops.values() {
        distinct(op).for_each(|arg| values[arg] += 1);
        op.plain().into_iter().for_each(|plain| plains[plain] += 1);
    }
    program.outputs.iter().flat_map(|output| &output.values).for_each(|value| values[*value] += 1);
    (values, plains)
}

/// The ciphertexts that an operation reads, each once.
fn distinct(op: &Op) -> impl Iterator<Item = Ciphertext> + use<> {
    let mut args = op.args();
    let first = args.next();
    first.into_iter().chain(args.filter(move |arg| Some(*arg) != first))
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
