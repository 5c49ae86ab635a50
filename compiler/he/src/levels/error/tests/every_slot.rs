//! What is said of a ciphertext is true of all its slots, those without an element too: a number beyond the moduli would spoil every slot.

use super::{Random, module, planned};
use crate::levels::error::noise::Noise;
use crate::levels::error::operands::Facts;
use crate::levels::error::room::Room;
use crate::levels::error::slots::Slots;
use crate::levels::error::tensors::Tensors;
use crate::levels::error::track::Tracker;
use crate::levels::error::{close, errors};
use crate::levels::parameters::Parameters;
use crate::levels::{Available, Leveled, level, plan_reals};
use crate::program::{Origin, Program};
use crate::{Contract, Options, plan_with_makers};
use ein_ir::dtype::DType;
use ein_ir::entity::{Ciphertext, SecondaryMap};
use ein_ir::packed::layout::Content;
use ein_ir::packed::level::levels;
use ein_ir::packed::print::print;
use ein_ir::packed::{Op, Packed, PlainValues, PublicSource};

/// The numbers of every slot of every operation. Slots that a layout calls junk hold what the operand may hold elsewhere, or nothing.
fn carried_out(
    packed: &Packed,
    operand: &mut dyn FnMut(&str, usize) -> Vec<f64>,
    random: &mut Random,
) -> SecondaryMap<Ciphertext, Vec<f64>> {
    let n = packed.slots as usize;
    let size = |shape: &[u64]| usize::try_from(shape.iter().product::<u64>()).unwrap();
    let inputs: Vec<Vec<f64>> = packed.inputs.values().map(|input| operand(&input.name, size(&input.layout.shape))).collect();
    let publics: Vec<Vec<f64>> = packed.publics.values().map(|public| operand(&public.name, size(&public.shape))).collect();
    assert!(packed.publics.values().all(|public| public.source == PublicSource::Given));
    let plain = |plain| {
        let mut values = vec![0.0; n];
        match &packed.plains[plain].values {
            PlainValues::Elements(public, segments) => segments
                .iter()
                .flat_map(|segment| segment.elements(packed.slots))
                .for_each(|(slot, flat)| values[slot] = publics[ein_ir::entity::EntityRef::index(*public)][flat as usize]),
            PlainValues::Constant(value, runs) => {
                runs.iter().flat_map(|run| run.slots(packed.slots)).for_each(|slot| values[slot] = *value)
            }
        }
        values
    };
    let both = |a: &[f64], b: &[f64], f: fn(f64, f64) -> f64| a.iter().zip(b).map(|(a, b)| f(*a, *b)).collect::<Vec<f64>>();
    let mut values: SecondaryMap<Ciphertext, Vec<f64>> = SecondaryMap::new();
    for (id, op) in &packed.ops {
        values[id] = match *op {
            Op::Input { input, chunk } => {
                let of = &inputs[ein_ir::entity::EntityRef::index(input)];
                let number = |content| match content {
                    Content::Element(flat) => of[flat as usize],
                    Content::Junk if random.below(2) == 0 => of[0],
                    Content::Zero | Content::Junk => 0.0,
                };
                packed.inputs[input].layout.contents(chunk).map(number).collect()
            }
            Op::Rotate { x, by } => (0..n).map(|slot| values[x][(slot + by as usize) % n]).collect(),
            Op::Add(x, y) => both(&values[x], &values[y], |a, b| a + b),
            Op::Sub(x, y) => both(&values[x], &values[y], |a, b| a - b),
            Op::Mul(x, y) => both(&values[x], &values[y], |a, b| a * b),
            Op::Neg(x) => values[x].iter().map(|a| -a).collect(),
            Op::AddPlain(x, p) => both(&values[x], &plain(p), |a, b| a + b),
            Op::MulPlain(x, p) | Op::Mask(x, p) => both(&values[x], &plain(p), |a, b| a * b),
            Op::Relin(x) | Op::Rescale(x) | Op::Drop(x, _) | Op::Boot { x, .. } => values[x].clone(),
        };
    }
    values
}

/// What the tracker says of the values on the way.
fn tracked(leveled: &Leveled, parameters: &Parameters, (program, makers): (&Program, &crate::Makers)) -> Vec<(Ciphertext, Slots)> {
    let tensors = Tensors::of(program);
    let facts = Facts::of(&leveled.packed, (program, makers), &tensors, &leveled.origins);
    let levels = levels(&leveled.packed, leveled.top).unwrap();
    let close = close::found(&leveled.packed, (program, makers), &leveled.origins).unwrap();
    let mut seen = Vec::new();
    let tracker = Tracker::new(&leveled.packed, (program, &facts), &levels, Noise::of(parameters));
    tracker.results(&close, &mut |id, value| seen.push((id, value.clone())));
    seen
}

/// Looks at all slots of all values of a plan, for operands at the ends of their ranges and between; gives what was looked at.
fn look(program: &Program, contract: Contract, log_slots: u32, at: &str) -> usize {
    let options = Options { insecure: true, ..Options::new(contract, log_slots) };
    let (packed, makers) = plan_with_makers(program, &options).unwrap_or_else(|e| panic!("{at}: {}", e[0]));
    let leveled = level(&packed, &options.costs).unwrap();
    let parameters = Parameters::toy(&leveled.packed, leveled.top);
    let seen = tracked(&leveled, &parameters, (program, &makers));
    let found = errors(&leveled.packed, &parameters, (program, &makers), &leveled.origins).unwrap();
    let leveled = leveled.raised(found.spare).unwrap();
    let levels = levels(&leveled.packed, leveled.top).unwrap();
    let mut looked = 0;
    for seed in 0..4 {
        let mut random = Random(seed);
        let mut draws = Random(seed + 100);
        let mut operand = |name: &str, n: usize| {
            let tensor = program.tensors.iter().position(|tensor| tensor.name == name && !matches!(tensor.origin, Origin::Sum(_))).unwrap();
            let (lo, hi) = program.ranges.get(&tensor).copied().unwrap_or((-1.0, 1.0));
            let element = |_| match draws.below(if seed == 3 { 3 } else { 2 }) {
                _ if seed == 0 => hi,
                0 => lo,
                1 => hi,
                _ => f64::midpoint(lo, hi),
            };
            (0..n).map(element).collect()
        };
        let values = carried_out(&leveled.packed, &mut operand, &mut random);
        for (id, known) in &seen {
            let errors = known.errors();
            for (slot, value) in values[*id].iter().enumerate() {
                let (class, slack) = (known.at(slot), errors[known.alike.class(slot)]);
                let slack = slack + 1e-9 * (1.0 + class.magnitude());
                let is_within = *value >= class.lo - slack && *value <= class.hi + slack;
                assert!(is_within, "{at}: slot {slot} of {id} is {value}, and {class:?} is known\n{}", print(&leveled.packed));
                looked += 1;
            }
        }
        for id in leveled.packed.ops.keys().filter(|_| found.unbounded.is_empty()) {
            let largest = values[id].iter().fold(0.0, |most: f64, x| most.max(x.abs()));
            assert!(largest.log2() < Room::bits(levels[id]), "{at}: {largest} in {id} at {}\n{}", levels[id], print(&leveled.packed));
        }
    }
    looked
}

/// Sums leave parts of sums in slots without an element, and products of those.
#[test]
fn what_is_known_is_true_of_every_slot() {
    let cases: [(&str, &[&[u64]], &str); 9] = [
        ("ij->i", &[&[5, 6]], "c"),
        ("ij,j->i", &[&[5, 7], &[7]], "cp"),
        ("ij,j->i", &[&[5, 7], &[7]], "pc"),
        ("ij,jk->ik", &[&[3, 5], &[5, 3]], "cc"),
        ("ij,jk,kl->il", &[&[3, 4], &[4, 3], &[3, 4]], "ccc"),
        ("i,i->", &[&[13], &[13]], "cc"),
        ("ii->i", &[&[5, 5]], "c"),
        ("ijk,ikl->ijl", &[&[2, 3, 3], &[2, 3, 3]], "cc"),
        ("ij,ik->jk", &[&[3, 4], &[3, 5]], "cc"),
    ];
    let mut looked = 0;
    for (equation, shapes, secret) in cases {
        for (contract, range) in [(Contract::Free, (0.5, 1.0)), (Contract::Strict, (-2.0, -1.0)), (Contract::Free, (-1.0, 3e6))] {
            let (mut program, _) = planned(equation, shapes, secret, 6, DType::F64);
            let given: Vec<usize> = (0..program.tensors.len()).filter(|n| !matches!(program.tensors[*n].origin, Origin::Sum(_))).collect();
            program.ranges.extend(given.into_iter().map(|n| (n, range)));
            looked += look(&program, contract, 6, &format!("{equation} {contract:?} {range:?}"));
        }
    }
    assert!(looked > 10_000, "{looked}");
}

/// `y = sum(x w)` of these elements, then `result`.
fn of_sums(body: &str) -> Program {
    let text = format!(
        "module \"slots\"
dim d0 \"N\" size
dim d1 \"D\" size
tensor t0 \"x\" f64[d0, d1] in 0.5..2.0 secret
tensor t1 \"u\" f64[d0] secret
tensor t2 \"y\" f64[d0, d1] secret
index i0 \"n\" 0..d0
index i1 \"d\" 0..d1
index i2 \"m\" 0..d0
index i3 \"e\" 0..d1
params (t0)
results (t2)
t1[i0] = sum:f64[i1](t0[i0, i1])
t2[i2, i3] = {body}
"
    );
    crate::read::read(&module(&text, &[("N", 3), ("D", 5)])).unwrap_or_else(|e| panic!("{}", e[0])).program
}

/// Functions of sums, in whose ciphertexts there are parts of sums as well.
#[test]
fn functions_of_sums_are_known_in_every_slot() {
    let bodies = [
        "(t0[i2, i3] / t1[i2])",
        "(exp(t0[i2, i3]) * t1[i2])",
        "(t0[i2, i3] * rsqrt(t1[i2]))",
        "((t0[i2, i3] - t1[i2]) * (t0[i2, i3] - t1[i2]))",
        "(t1[i2] * (t0[i2, i3] * approx(t1[i2], exp(operand(0)), on 2.0..10.0, degree <= 7)))",
    ];
    for body in bodies {
        for contract in [Contract::Free, Contract::Strict] {
            assert!(look(&of_sums(body), contract, 6, body) > 1000, "{body}");
        }
    }
}

/// Without another level a product of numbers of 20 bits is beyond the last modulus, and all slots are lost.
#[test]
fn large_numbers_have_levels_of_their_own() {
    let (mut program, small) = planned("i,i->i", &[&[8], &[8]], "cc", 4, DType::F64);
    assert_eq!((small.levels.needed, small.levels.spare), (1, 0));
    let mut at = |most: f64| {
        program.ranges.extend((0..2).map(|n| (n, (-most, most))));
        plan_reals(&program, &Options::new(Contract::Strict, 4), Available::default()).unwrap()
    };
    assert_eq!((at(700.0).levels.needed, at(700.0).levels.spare), (1, 0));
    let large = at(800.0);
    assert_eq!((large.levels.needed, large.levels.spare), (2, 1));
    assert_eq!(large.levels.parameters.moduli_bits, [60, 40, 40, 60]);
    let result = levels(&large.packed, 2).unwrap()[large.packed.outputs[0].values[0]];
    assert_eq!((result.level, result.scale), (1, 1));
    // Which it may not have.
    let only = Available { levels: Some(1), ..Available::default() };
    let refused = plan_reals(&program, &Options::new(Contract::Strict, 4), only).unwrap_err();
    assert_eq!(refused[0].code.0, 711);
    assert!(refused[0].notes.iter().any(|note| note.contains("6.5e5")), "{:?}", refused[0]);
}
