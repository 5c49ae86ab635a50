use super::cost::{Weights, total};
use super::demand::{Demand, demand};
use super::place::place;
use super::prepare::prepare;
use super::{choice, level, level_by};
use crate::Costs;
use crate::tests::Random;
use ein_ir::dtype::DType;
use ein_ir::entity::{Ciphertext, EntityRef, SecondaryMap};
use ein_ir::interp::slots::{self, Operands};
use ein_ir::packed::level::levels;
use ein_ir::packed::verify::verify;
use ein_ir::packed::{InputDecl, Layout, Op, OutputDecl, Packed, PlainDecl, PlainValues, Run};
use ein_ir::verified::Verified;
use std::collections::BTreeSet;

const SLOTS: u32 = 4;

/// A program of two inputs and these operations; the last value is the result.
fn program(ops: &[Op]) -> Verified<Packed> {
    let mut packed = Packed { name: "p".to_owned(), slots: SLOTS, ..Packed::default() };
    let layout = Layout::row_major(&[u64::from(SLOTS)], SLOTS.ilog2());
    for name in ["x", "y"] {
        let input = packed.inputs.push(InputDecl { name: name.to_owned(), dtype: DType::F64, layout: layout.clone() });
        packed.ops.push(Op::Input { input, chunk: 0 });
    }
    let runs = |count: u32| vec![Run { slot: 0, dslot: u32::from(count > 1), count }];
    packed.plains.push(PlainDecl { values: PlainValues::Constant(3.0, runs(SLOTS)) });
    packed.plains.push(PlainDecl { values: PlainValues::Constant(1.0, runs(2)) });
    let mut last = Ciphertext::from_u32(1);
    ops.iter().for_each(|op| last = packed.ops.push(*op));
    packed.outputs.push(OutputDecl { name: "r".to_owned(), dtype: DType::F64, layout, values: vec![last] });
    verify(packed).unwrap()
}

/// Operations on what is there, products among them; the last is of two parts.
fn random_ops(random: &mut Random, n: usize) -> Vec<Op> {
    let mut parts = vec![2_u8, 2];
    let mut ops = Vec::new();
    let at = Ciphertext::new;
    for step in 0..n {
        // Later values are read more often, so that paths get long.
        let any = |random: &mut Random, parts: &[u8]| {
            let n = parts.len();
            let back = usize::try_from(random.below(4).min(random.below(n as u64))).unwrap();
            n - 1 - back
        };
        let (x, y) = (any(random, &parts), any(random, &parts));
        let (p, mask) = (ein_ir::entity::Plain::from_u32(0), ein_ir::entity::Plain::from_u32(1));
        let (op, made) = match random.below(11) {
            _ if parts[x] == 3 && (step + 1 == n || random.below(2) == 0) => (Op::Relin(at(x)), 2),
            0 | 1 if parts[x] == 2 && parts[y] == 2 && step + 1 < n => (Op::Mul(at(x), at(y)), 3),
            2 => (Op::MulPlain(at(x), p), parts[x]),
            3 => (Op::Mask(at(x), mask), parts[x]),
            4 if parts[x] == 2 => (Op::Rotate { x: at(x), by: 1 }, 2),
            5 => (Op::Neg(at(x)), parts[x]),
            6 => (Op::AddPlain(at(x), p), parts[x]),
            _ => (Op::Add(at(x), at(y)), parts[x].max(parts[y])),
        };
        ops.push(op);
        parts.push(made);
    }
    if parts.last() == Some(&3) {
        ops.push(Op::Relin(at(parts.len() - 1)));
    }
    ops
}

fn programs(seed: u64, n: usize) -> impl Iterator<Item = Verified<Packed>> {
    let mut random = Random(seed);
    (0..n).map(move |_| {
        let n = 2 + usize::try_from(random.below(12)).unwrap();
        program(&random_ops(&mut random, n))
    })
}

fn values(packed: &Verified<Packed>) -> Vec<Vec<i64>> {
    let operands = Operands { secrets: vec![vec![3, -1, 4, 1], vec![5, 9, -2, 6]], publics: Vec::new(), seed: 1 };
    slots::run(packed, &operands).unwrap()
}

#[test]
fn rescalings_change_no_value_and_no_other_count() {
    for packed in programs(1, 300) {
        let leveled = level(&packed, &Costs::default()).unwrap();
        assert_eq!(values(&packed), values(&leveled.packed));
        let (before, after) = (prepare(&packed).packed.counts(), leveled.packed.counts());
        // Rotations of one value at two levels are not hoisted together.
        assert_eq!(ein_ir::packed::Counts { rescales: 0, hoisted: before.hoisted, ..after }, before);
        // Once more is as before.
        assert_eq!(level(&leveled.packed, &Costs::default()).unwrap().packed, leveled.packed);
    }
}

/// Levels and scales that a value can be brought to, if every operation may be carried out as often as one likes.
fn reachable(packed: &Packed, top: u32) -> SecondaryMap<Ciphertext, BTreeSet<(u32, u32)>> {
    let mut forms: SecondaryMap<Ciphertext, BTreeSet<(u32, u32)>> = SecondaryMap::new();
    for (id, op) in &packed.ops {
        let args: Vec<Ciphertext> = op.args().collect();
        let mut made: Vec<(u32, u32)> = match op {
            Op::Input { .. } => vec![(top, 1)],
            Op::MulPlain(..) | Op::Mask(..) => forms[args[0]].iter().map(|&(level, scale)| (level, scale + 1)).collect(),
            Op::Mul(x, y) => {
                let pairs = forms[*x].iter().flat_map(|a| forms[*y].iter().map(move |b| (a, b)));
                pairs.filter(|(a, b)| a.0 == b.0).map(|(a, b)| (a.0, a.1 + b.1)).collect()
            }
            Op::Add(x, y) => forms[*x].intersection(&forms[*y]).copied().collect(),
            _ => forms[args[0]].iter().copied().collect(),
        };
        while let Some((level, scale)) = made.pop() {
            if scale > level + 1 || !forms[id].insert((level, scale)) || level == 0 {
                continue;
            }
            made.push((level - 1, scale));
            if scale > 1 {
                made.push((level - 1, scale - 1));
            }
        }
    }
    forms
}

#[test]
fn no_placement_has_fewer_levels() {
    for packed in programs(2, 150) {
        let top = level(&packed, &Costs::default()).unwrap().top;
        let packed = prepare(&packed).packed;
        assert_eq!(top as usize, packed.counts().depth);
        let possible = |top: u32| packed.outputs[0].values.iter().all(|&value| !reachable(&packed, top)[value].is_empty());
        assert!(possible(top) && (top == 0 || !possible(top - 1)), "{packed:?}");
    }
}

/// Whether what does not wait makes what does.
fn is_valid(packed: &Packed, waits: &SecondaryMap<Ciphertext, bool>) -> bool {
    packed.ops.iter().filter(|(id, op)| waits[*id] && !op.multiplies()).all(|(_, op)| op.args().all(|arg| waits[arg]))
}

fn cost(packed: &Packed, demand: &Demand, waits: &SecondaryMap<Ciphertext, bool>, weights: Weights) -> f64 {
    total(&place(packed, demand, waits).packed, demand.top, weights)
}

/// Every choice of what waits, of small programs; the first is none, and a rescaling after each product.
#[test]
fn no_choice_is_cheaper() {
    let (mut compared, mut better) = (0, 0);
    // As built in, and with rescalings dearer than rotations in another unit.
    let tables = [Costs::default(), Costs { rotation: 3.0, rescale: 5.0, relin: 4.0, ..Costs::default() }];
    for (n, packed) in programs(3, 600).enumerate() {
        let weights = Weights::of(&tables[n % 2]);
        let packed = prepare(&packed).packed;
        let demand = demand(&packed);
        let free: Vec<Ciphertext> =
            packed.ops.iter().filter(|(id, op)| demand.may_wait[*id] && !op.multiplies()).map(|(id, _)| id).collect();
        if free.len() > 7 {
            continue;
        }
        let chosen = cost(&packed, &demand, &choice::waits(&packed, &demand, weights), weights);
        for set in 0..1_u32 << free.len() {
            let mut waits = SecondaryMap::with_default(false);
            packed.ops.iter().for_each(|(id, op)| waits[id] = op.multiplies());
            free.iter().enumerate().for_each(|(n, &id)| waits[id] = set >> n & 1 == 1);
            if is_valid(&packed, &waits) {
                let other = cost(&packed, &demand, &waits, weights);
                assert!(chosen <= other + 1e-6, "{chosen} instead of {other}: {packed:?}");
                compared += 1;
                better += usize::from(set == 0 && chosen < other - 1e-6);
            }
        }
    }
    assert!(compared > 1000 && better > 8, "{compared} choices, {better} better than a rescaling after each product");
}

#[test]
fn a_sum_is_rescaled_once() {
    let at = Ciphertext::new;
    let mut ops: Vec<Op> = (0..6).map(|_| Op::Mul(at(0), at(1))).collect();
    // c2 to c7 are the products.
    ops.extend([Op::Add(at(2), at(3)), Op::Add(at(8), at(4)), Op::Add(at(9), at(5)), Op::Add(at(10), at(6)), Op::Add(at(11), at(7))]);
    ops.extend([Op::Relin(at(12)), Op::Rotate { x: at(13), by: 1 }, Op::Add(at(13), at(14))]);
    let leveled = level(&program(&ops), &Costs::default()).unwrap();
    assert_eq!((leveled.top, leveled.packed.counts().rescales), (1, 1));
    // After the relinearisation, and before the rotation, which is cheaper then.
    let (rescaled, rescaling) = leveled.packed.ops.iter().find(|(_, op)| matches!(op, Op::Rescale(_))).unwrap();
    assert!(rescaling.args().all(|x| matches!(leveled.packed.ops[x], Op::Relin(_))));
    let found = levels(&leveled.packed, 1).unwrap();
    assert!(leveled.packed.ops.values().filter(|op| matches!(op, Op::Rotate { .. })).all(|op| op.args().eq([rescaled])));
    assert_eq!(found[leveled.packed.outputs[0].values[0]].to_string(), "level 0 and scale 1");
    // After the rotation where noise counts, and as often.
    let quiet = level_by(&program(&ops), Weights::of(&Costs::default()).quiet()).unwrap();
    assert_eq!((quiet.top, quiet.packed.counts().rescales), (1, 1));
    let rescaling = quiet.packed.ops.values().find(|op| matches!(op, Op::Rescale(_))).unwrap();
    assert!(rescaling.args().all(|x| matches!(quiet.packed.ops[x], Op::Add(..))));
}
