//! Writes rescalings and drops where they were decided.

use super::demand::Demand;
use ein_ir::entity::{Ciphertext, SecondaryMap};
use ein_ir::packed::{Op, Packed};
use std::collections::BTreeMap;

/// A program with rescalings, and of each operation the one that it is or follows.
pub(crate) struct Placed {
    pub(crate) packed: Packed,
    pub(crate) origins: SecondaryMap<Ciphertext, Ciphertext>,
}

/// Rescales every value that waits before readers that do not.
pub(crate) fn place(packed: &Packed, demand: &Demand, waits: &SecondaryMap<Ciphertext, bool>) -> Placed {
    let mut placer = Placer {
        demand,
        waits,
        rescaled: highest_rescaled(packed, demand, waits),
        forms: BTreeMap::new(),
        out: Packed { ops: Default::default(), ..packed.clone() },
        origins: SecondaryMap::with_default(Ciphertext::from_u32(0)),
    };
    for (id, op) in &packed.ops {
        placer.op(id, op);
    }
    for (n, output) in packed.outputs.iter().enumerate() {
        placer.out.outputs[n].values = output.values.iter().map(|&value| placer.form(value, false, 0)).collect();
    }
    Placed { packed: placer.out, origins: placer.origins }
}

/// How an operation reads its operands: whether they wait, and their level; but for a bootstrapping that is also where its result is.
fn reads(id: Ciphertext, op: &Op, demand: &Demand, waits: &SecondaryMap<Ciphertext, bool>) -> (bool, u32) {
    if matches!(op, Op::Boot { .. }) {
        return (false, 0);
    }
    let waiting = waits[id] && !op.multiplies();
    (waiting, demand.base[id] + u32::from(waiting || op.multiplies()))
}

/// The highest level at which each value is read without waiting.
fn highest_rescaled(packed: &Packed, demand: &Demand, waits: &SecondaryMap<Ciphertext, bool>) -> SecondaryMap<Ciphertext, u32> {
    let mut highest = SecondaryMap::with_default(0);
    for (id, op) in &packed.ops {
        let (waiting, level) = reads(id, op, demand, waits);
        op.args().filter(|_| !waiting).for_each(|arg| highest[arg] = highest[arg].max(level));
    }
    highest
}

struct Placer<'a> {
    demand: &'a Demand,
    waits: &'a SecondaryMap<Ciphertext, bool>,
    rescaled: SecondaryMap<Ciphertext, u32>,
    /// What is there of each value: waiting or not, and at which level.
    forms: BTreeMap<(Ciphertext, bool, u32), Ciphertext>,
    out: Packed,
    origins: SecondaryMap<Ciphertext, Ciphertext>,
}

impl Placer<'_> {
    fn push(&mut self, op: Op, origin: Ciphertext) -> Ciphertext {
        let made = self.out.ops.push(op);
        self.origins[made] = origin;
        made
    }

    fn op(&mut self, id: Ciphertext, op: &Op) {
        let (waiting, level) = reads(id, op, self.demand, self.waits);
        let operands: BTreeMap<Ciphertext, Ciphertext> = op.args().map(|arg| (arg, self.form(arg, waiting, level))).collect();
        let made = self.push(op.renamed(|x| operands[&x]), id);
        // Fresh ciphertexts are at the top, and bootstrapped ones where they come out.
        let (made_at, level) = match *op {
            Op::Input { .. } => (self.demand.top, level),
            Op::Boot { level: at, .. } => (at, self.demand.base[id]),
            _ => (level, level),
        };
        self.forms.insert((id, self.waits[id], made_at), made);
        // Such a ciphertext is dropped before anything is done with it.
        if made_at > level {
            let dropped = self.push(Op::Drop(made, level), id);
            self.forms.insert((id, false, level), dropped);
        }
    }

    /// A value as it is read.
    fn form(&mut self, x: Ciphertext, waiting: bool, level: u32) -> Ciphertext {
        if let Some(&there) = self.forms.get(&(x, waiting, level)) {
            return there;
        }
        let highest = self.rescaled[x];
        let op = if self.waits[x] && !waiting && level == highest {
            Op::Rescale(self.form(x, true, highest + 1))
        } else if self.waits[x] && !waiting {
            Op::Drop(self.form(x, false, highest), level)
        } else {
            Op::Drop(self.form(x, waiting, self.demand.base[x] + u32::from(self.waits[x])), level)
        };
        let made = self.push(op, x);
        self.forms.insert((x, waiting, level), made);
        made
    }
}
