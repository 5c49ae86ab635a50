//! Carries a program out, and says what each kind of operation took.

use crate::error;
use crate::keys::{Ciphertexts, EvaluationKeys, same_pair};
use crate::machine::Machine;
use crate::pack::{self, Numbers};
use crate::schedule::{self, Graph};
use crate::scheme::Engine;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::{Ciphertext, EntityRef};
use ein_ir::packed::Op;
use std::time::Duration;

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

    /// What they took together, modulo all of them, each on its thread.
    #[must_use]
    pub const fn time(&self, kind: Kind) -> Duration {
        self.times[kind as usize]
    }

    pub(crate) fn add(&mut self, kind: Kind, time: Duration) {
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
pub(crate) const fn kind_of(op: &Op) -> Option<Kind> {
    match op {
        Op::Input { .. } | Op::Drop(..) | Op::Boot { .. } => None,
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
        if inputs.outputs || inputs.len() != self.input_chunks().count() || inputs.rings.len() != self.n_rings() {
            return Err(error::operands(format!("{} ciphertexts, not {} of inputs", inputs.len(), self.input_chunks().count())));
        }
        same_pair("the evaluation keys and the encrypted inputs", [&keys.pair, &inputs.pair])?;
        let publics = pack::publics(self.program(), publics, self.options())?;
        let graph = Graph::new(self.program().ops.values().map(|op| op.args().map(EntityRef::index).collect()));
        let (mut results, mut report) = (Vec::new(), Report::default());
        // As many side by side as there are threads; more would only take memory.
        for group in self.groups("a run", &|n| self.run_at(n))? {
            let made = self.rings_with(group.clone(), &|n, ring| keys.of(self, n, ring))?;
            let machines: Vec<_> = (made.iter().zip(&inputs.rings[group]))
                .map(|((ring, keys), inputs)| Machine::new(self, (ring, keys), &publics, inputs))
                .collect();
            let work = |machine: usize, op: usize| machines[machine].execute(Ciphertext::new(op));
            schedule::run(&graph, machines.len(), self.threads(), &work)?;
            for machine in machines {
                let (values, carried_out) = machine.finish()?;
                results.push(values);
                report.join(&carried_out);
            }
        }
        Ok((Ciphertexts { pair: inputs.pair, outputs: true, rings: results }, report))
    }
}
