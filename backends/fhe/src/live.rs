//! What is in memory at once while a program is carried out.

use ein_ir::entity::{Ciphertext, EntityRef, Plain, SecondaryMap};
use ein_ir::packed::{Op, Packed};

/// Bytes of the ciphertexts and plaintexts that are there at once, at most, one operation after the other: a ciphertext has two or three parts of so
/// many bytes.
pub(crate) fn peak(program: &Packed, part: u64, plaintext: u64) -> u64 {
    let readers = LastReaders::of(program);
    let mut parts = SecondaryMap::<Ciphertext, u64>::new();
    let mut encoded = SecondaryMap::<Plain, bool>::new();
    let (mut now, mut peak) = (0, 0);
    for (id, op) in &program.ops {
        parts[id] = n_parts(op, &parts);
        now += parts[id] * part;
        if let Some(plain) = op.plain().filter(|plain| !encoded[*plain]) {
            encoded[plain] = true;
            now += plaintext;
        }
        peak = peak.max(now);
        now -= readers.released(id, op).map(|arg| parts[arg] * part).sum::<u64>();
        now -= op.plain().filter(|plain| readers.plains[*plain] == id.index()).map_or(0, |_| plaintext);
    }
    peak
}

/// A product has three parts until it is relinearised.
fn n_parts(op: &Op, parts: &SecondaryMap<Ciphertext, u64>) -> u64 {
    match *op {
        Op::Mul(..) => 3,
        Op::Relin(_) | Op::Input { .. } => 2,
        _ => op.args().map(|arg| parts[arg]).max().unwrap_or(2),
    }
}

/// The last operation that reads each value; results are kept.
struct LastReaders {
    values: SecondaryMap<Ciphertext, usize>,
    plains: SecondaryMap<Plain, usize>,
}

impl LastReaders {
    fn of(program: &Packed) -> Self {
        let (mut values, mut plains) = (SecondaryMap::new(), SecondaryMap::new());
        for (id, op) in &program.ops {
            op.args().for_each(|arg| values[arg] = id.index());
            op.plain().into_iter().for_each(|plain| plains[plain] = id.index());
        }
        program.outputs.iter().flat_map(|output| &output.values).for_each(|value| values[*value] = usize::MAX);
        Self { values, plains }
    }

    /// What nobody reads after this operation.
    fn released(&self, id: Ciphertext, op: &Op) -> impl Iterator<Item = Ciphertext> {
        let mut args = op.args();
        let first = args.next();
        let others = args.filter(move |arg| Some(*arg) != first);
        first.into_iter().chain(others).filter(move |arg| self.values[*arg] == id.index())
    }
}
