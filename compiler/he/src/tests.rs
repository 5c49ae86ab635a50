use crate::attempts::{Attempts, Where, placings};
use crate::explain::{Explained, Made};
use crate::layouts::Choice;
use crate::program::meaning::evaluate;
use crate::program::{Label, Origin, Program, Sum, Tensor, Term};
use crate::wishes::Wishes;
use crate::{Axis, Contract, Objective, Operand, Options, Subscript, explained, plan};
use ein_ir::dtype::DType;
use ein_ir::interp::slots::{self, Operands};
use ein_ir::packed::{Counts, Packed};
use ein_ir::span::Span;
use ein_ir::verified::Verified;

mod budget;
mod found;
mod masks;
mod moves;
mod views;
mod windows;
mod written;

fn tensor(name: &str, shape: &[u64], origin: Origin) -> Tensor {
    Tensor { name: name.to_owned(), dtype: DType::I64, shape: shape.to_vec(), origin, span: Span::default() }
}

/// `secret` has a letter an operand: `c` for a ciphertext, `p` for a public one.
pub(crate) fn einsum(equation: &str, shapes: &[&[u64]], secret: &str) -> Program {
    let (inputs, output) = equation.split_once("->").unwrap();
    let mut labels: Vec<Label> = Vec::new();
    let mut program = Program::default();
    let mut operands = Vec::new();
    for ((term, shape), c) in inputs.split(',').zip(shapes).zip(secret.chars()) {
        let mut axes = Vec::new();
        for (l, &size) in term.chars().zip(*shape) {
            let name = l.to_string();
            let label = labels.iter().position(|x| x.name == name).unwrap_or_else(|| {
                labels.push(Label { name, size });
                labels.len() - 1
            });
            axes.push(Axis { size, subscript: Subscript::Label(u8::try_from(label).unwrap()) });
        }
        let (name, secret) = (format!("x{}", operands.len()), c == 'c');
        program.tensors.push(tensor(&name, shape, if secret { Origin::Secret } else { Origin::Public }));
        operands.push(Operand { name, tensor: operands.len(), axes, secret });
    }
    let output: Vec<u8> =
        output.chars().map(|l| u8::try_from(labels.iter().position(|x| x.name == l.to_string()).unwrap()).unwrap()).collect();
    let shape: Vec<u64> = output.iter().map(|&l| labels[usize::from(l)].size).collect();
    let sum = Sum { labels, output, terms: vec![Term { coefficient: 1.0, operands }] };
    program.results.push(program.tensors.len());
    program.tensors.push(tensor("out", &shape, Origin::Sum(sum)));
    program
}

/// The same program with one more result: a product of these tensors.
pub(crate) fn then(program: &Program, equation: &str, tensors: &[usize]) -> Program {
    let shapes: Vec<&[u64]> = tensors.iter().map(|&n| &program.tensors[n].shape[..]).collect();
    let secret: String = tensors.iter().map(|&n| if program.tensors[n].is_secret() { 'c' } else { 'p' }).collect();
    let mut added = einsum(equation, &shapes, &secret).tensors.pop().unwrap();
    let Origin::Sum(sum) = &mut added.origin else { unreachable!() };
    for (operand, &tensor) in sum.terms[0].operands.iter_mut().zip(tensors) {
        (operand.name, operand.tensor) = (program.tensors[tensor].name.clone(), tensor);
    }
    let mut program = program.clone();
    program.results.push(program.tensors.len());
    program.tensors.push(added);
    program
}

/// Plans a program, compares its results on integers with the program's, and gives what it costs.
fn check(program: &Program, options: &Options) -> Counts {
    let Explained { packed, made, .. } = explained(program, options).unwrap_or_else(|errors| panic!("{errors:?}"));
    is_explained(&packed, &made);
    is_right(program, &packed);
    if options.contract == Contract::Strict {
        assert!(packed.outputs.iter().all(|output| slots::is_strict(&output.layout)));
    }
    packed.counts()
}

/// The results of a plan on integers are the program's.
fn is_right(program: &Program, packed: &Verified<Packed>) {
    let given: Vec<(Vec<i64>, bool)> = program
        .tensors
        .iter()
        .enumerate()
        .filter(|(_, tensor)| !matches!(tensor.origin, Origin::Sum(_)))
        .map(|(n, tensor)| {
            let element = |k: u64| i64::try_from(((k + 1) * 7919 + n as u64 * 104_729) % 2003).unwrap() - 1001;
            ((0..tensor.shape.iter().product()).map(element).collect(), tensor.is_secret())
        })
        .collect();
    let pick = |secret: bool| given.iter().filter(|(_, s)| *s == secret).map(|(data, _)| data.clone()).collect();
    let operands = Operands { secrets: pick(true), publics: pick(false), seed: 7 };
    let got = slots::run(packed, &operands).unwrap_or_else(|errors| panic!("{errors:?}"));
    let all = evaluate(program, &operands).unwrap_or_else(|message| panic!("{message}"));
    for (got, &result) in got.iter().zip(&program.results) {
        assert!(*got == all[result], "`{}` is wrong: {program:?}", program.tensors[result].name);
    }
}

/// Every rotation of the plan has a purpose, also after the clean-up.
fn is_explained(packed: &Packed, made: &[Made]) {
    let told = || made.iter().flat_map(|made| &made.rotations);
    assert_eq!(told().map(|(n, _)| *n).sum::<u64>(), packed.counts().rotations as u64, "{made:?}");
    assert!(told().all(|(_, what)| !what.is_empty() && !what.contains("bring slots")), "{made:?}");
}

fn run(equation: &str, shapes: &[&[u64]], secret: &str, log_slots: u32, contract: Contract) -> Counts {
    check(&einsum(equation, shapes, secret), &Options::new(contract, log_slots))
}

/// Rotations, products of ciphertexts, depth.
type Goal = (usize, usize, usize);

/// Equation, shapes, the most that a strict plan and a free plan may take: figures of reference plans that move whole axes only.
const CASES: [(&str, &[&[u64]], Goal, Goal); 15] = [
    ("ij->ji", &[&[128, 128]], (31, 0, 1), (0, 0, 0)),
    ("ij->", &[&[128, 128]], (14, 0, 1), (14, 0, 0)),
    ("ij->j", &[&[128, 128]], (7, 0, 1), (7, 0, 0)),
    ("ij->i", &[&[128, 128]], (29, 0, 1), (7, 0, 0)),
    ("ik,k->i", &[&[128, 128], &[128]], (36, 1, 2), (14, 1, 1)),
    ("ik,kj->ij", &[&[16, 32], &[32, 32]], (36, 1, 3), (14, 1, 1)),
    ("i,i->", &[&[16384], &[16384]], (14, 1, 2), (14, 1, 1)),
    ("ij,ij->", &[&[128, 128], &[128, 128]], (14, 1, 2), (14, 1, 1)),
    ("ij,ij->ij", &[&[128, 128], &[128, 128]], (0, 1, 1), (0, 1, 1)),
    ("i,j->ij", &[&[128], &[128]], (37, 1, 2), (14, 1, 1)),
    ("ijk,ikl->ijl", &[&[16, 8, 8], &[16, 8, 8]], (19, 1, 3), (9, 1, 1)),
    ("ij,ij,ij->ij", &[&[128, 128], &[128, 128], &[128, 128]], (0, 2, 2), (0, 2, 2)),
    ("ij,jk,kl->il", &[&[16, 8], &[8, 8], &[8, 16]], (71, 2, 4), (28, 2, 2)),
    ("ik,jkl,il->ij", &[&[8, 16], &[8, 16, 16], &[8, 16]], (67, 2, 4), (25, 2, 2)),
    ("pqrs,tuqvr->pstuv", &[&[2, 4, 8, 8], &[1, 4, 4, 2, 8]], (36, 1, 3), (12, 1, 1)),
];

#[test]
fn no_plan_takes_more_than_the_reference() {
    for (equation, shapes, strict, free) in CASES {
        for (contract, (rotations, mulcc, depth)) in [(Contract::Strict, strict), (Contract::Free, free)] {
            let counts = run(equation, shapes, &"c".repeat(shapes.len()), 14, contract);
            let within = counts.rotations <= rotations && counts.mulcc <= mulcc && counts.depth <= depth;
            assert!(within, "{equation} {contract:?}: {counts} against {rotations} rotations, {mulcc} products, depth {depth}");
        }
    }
}

#[test]
fn matrices_larger_than_a_ciphertext() {
    let counts = run("ij,jk->ik", &[&[64, 64], &[64, 64]], "cc", 14, Contract::Free);
    assert!(counts.rotations <= 60 && counts.mulcc <= 16, "{counts}");
    let counts = run("ij,jk->ik", &[&[7, 9], &[9, 6]], "cc", 5, Contract::Free);
    assert!(counts.mulcc <= 32, "{counts}");
    let counts = run("ij,j->i", &[&[256, 256], &[256]], "pc", 12, Contract::Free);
    assert!(counts.rotations <= 22 && counts.mulcp <= 16, "{counts}");
    let counts = run("abcd->dcba", &[&[8, 8, 16, 16]], "c", 14, Contract::Strict);
    assert!(counts.rotations <= 80 && counts.depth <= 2, "{counts}");
    let counts = run("ij->i", &[&[512, 128]], "c", 14, Contract::Free);
    assert!(counts.rotations <= 5, "{counts}");
}

#[test]
fn many_operands() {
    let outer = run("a,b,c,d,e,f,g,h,i,j->abcdefghij", &[&[2][..]; 10], "cccccccccc", 10, Contract::Free);
    assert!(outer.rotations <= 45, "{outer}");
    let chain = run("ab,bc,cd,de,ef,fg,gh,hi->ai", &[&[4, 4][..]; 8], "ccpcccpc", 10, Contract::Free);
    assert!(chain.rotations <= 45, "{chain}");
}

#[test]
fn few_keys() {
    let cases = [
        einsum("ij->ji", &[&[32, 32]], "c"),
        einsum("ij,j->i", &[&[32, 32], &[32]], "pc"),
        einsum("ik,kj->ij", &[&[8, 8], &[8, 16]], "cc"),
        einsum("ij,jk->ik", &[&[16, 16], &[16, 16]], "cc"),
    ];
    for program in &cases {
        for contract in [Contract::Strict, Contract::Free] {
            let options = Options::new(contract, 10);
            let (fast, few) = (check(program, &options), check(program, &Options { key_budget: Some(12), ..options }));
            assert!(few.keys <= 12 && 2 * few.rotations <= 3 * fast.rotations, "{few} instead of {fast}");
            let fewest = check(program, &Options { objective: Objective::Keys, ..options });
            assert!(fewest.keys <= few.keys && 2 * fewest.rotations <= 3 * fast.rotations, "{fewest} instead of {fast}");
        }
    }
}

/// Who follows the help of a refused budget has a plan, and nobody has one with fewer keys.
#[test]
fn the_fewest_keys_are_named() {
    let cases = [
        einsum("bf->", &[&[31, 4]], "c"),
        einsum("ij->ji", &[&[32, 32]], "c"),
        einsum("ik,kj->ij", &[&[8, 8], &[8, 16]], "cc"),
        einsum("ij,jk->ik", &[&[16, 16], &[16, 16]], "cc"),
    ];
    for program in &cases {
        for contract in [Contract::Strict, Contract::Free] {
            let within = |budget: usize| plan(program, &Options { key_budget: Some(budget), ..Options::new(contract, 10) });
            let Err(refused) = within(1) else { continue };
            let help = refused[0].help.clone().unwrap();
            let least: usize = help.strip_prefix("--key-budget ").and_then(|least| least.parse().ok()).unwrap();
            assert!(within(least).unwrap().counts().keys <= least, "{help}");
            assert!(within(least - 1).is_err(), "{help}");
        }
    }
}

/// A polynomial of degree 15 after a layer: one level for the weights, five for the polynomial.
#[test]
fn the_flattest_plan_has_no_level_for_moves() {
    let mut program = einsum("od,bd->bo", &[&[16, 32], &[4, 32]], "pc");
    let coefficients: Vec<f64> = (1..=16).map(|k| 1.0 / f64::from(k)).collect();
    program.tensors.push(tensor("y", &[4, 16], Origin::Polynomial { of: 2, coefficients }));
    program.results = vec![3];
    for contract in [Contract::Strict, Contract::Free] {
        let options = Options::new(contract, 10);
        let packed = |objective| plan(&program, &Options { objective, ..options }).unwrap_or_else(|errors| panic!("{errors:?}"));
        let (fast, flat) = (packed(Objective::Latency), packed(Objective::Depth));
        assert!(
            flat.counts().depth <= 6 && flat.counts().depth <= fast.counts().depth,
            "{contract:?}: {} against {}",
            flat.counts(),
            fast.counts()
        );
        let numbers = |n: u64| (0..n).map(|k| f64::from(u32::try_from(k * 7 % 11).unwrap()) / 400.0).collect();
        let operands = Operands { secrets: vec![numbers(128)], publics: vec![numbers(512)], seed: 7 };
        let (got, wanted) = (slots::run(&flat, &operands).unwrap(), evaluate(&program, &operands).unwrap());
        assert!(got[0].iter().zip(&wanted[3]).all(|(a, b)| (a - b).abs() < 1e-9));
    }
}

/// The weight of the plan that is taken, and of the one where every use of a tensor is planned on its own.
fn weights(program: &Program, options: &Options) -> [f64; 2] {
    let attempts = || Attempts::new(program, options);
    let plans = [attempts().best(), attempts().plain().map(|(plan, _)| plan)];
    plans.map(|plan| plan.unwrap_or_else(|errors| panic!("{errors:?}")).weight)
}

/// A product that is squared is held once, in a packing that suits both factors.
#[test]
fn a_shared_value_is_counted_once() {
    let mut program = einsum("ij->ij", &[&[8, 8]], "c");
    program.tensors.truncate(1);
    program = then(&then(&program, "ik,kj->ij", &[0, 0]), "ik,kj->ij", &[1, 1]);
    program.results = vec![2];
    for contract in [Contract::Strict, Contract::Free] {
        let options = Options::new(contract, 10);
        check(&program, &options);
        let [together, alone] = weights(&program, &options);
        assert!(together < 0.97 * alone, "{together} against {alone}");
    }
}

pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    pub(crate) fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

/// A plan takes no longer than the one that multiplies all operands at once in one joint space.
fn no_slower_than_one_shot(program: &Program, options: &Options) {
    let (placings, none, wishes) = (placings(program, options), Choice::new(), Wishes::default());
    let attempts = Attempts::new(program, options);
    let holder = attempts.searched(Where { placings: &placings, chosen: &none, wishes: &wishes });
    let result = program.results[0];
    let one_shots = holder.held[result].iter().filter(|held| held.one_shot).map(|held| holder.finish(held));
    let one_shot =
        one_shots.min_by(|a, b| a.cost.weigh(&options.costs).total_cmp(&b.cost.weigh(&options.costs)).then(a.depth.cmp(&b.depth)));
    if let (Some(plan), Some(one_shot)) = (holder.result(result), one_shot) {
        assert!(holder.slowness(&plan) <= holder.slowness(&one_shot), "{program:?}");
    }
}

/// Of one product over several ciphertexts the search knows every rotation: what is shared is what makes a plan cheaper than it.
#[test]
fn rotations_of_several_ciphertexts_are_counted() {
    let cases: [(&str, &[&[u64]], &str, u32); 6] = [
        ("ij->ji", &[&[16, 16]], "c", 5),
        ("ij->ji", &[&[8, 32]], "c", 4),
        ("ij->ji", &[&[5, 13]], "c", 4),
        ("ijk->kji", &[&[4, 8, 4]], "c", 5),
        ("ijk->jik", &[&[3, 7, 4]], "c", 4),
        ("ij,j->i", &[&[16, 16], &[16]], "pc", 3),
    ];
    for (equation, shapes, secret, log_slots) in cases {
        let program = einsum(equation, shapes, secret);
        let options = Options::new(Contract::Strict, log_slots);
        let (placings, none, wishes) = (placings(&program, &options), Choice::new(), Wishes::default());
        let attempts = Attempts::new(&program, &options);
        let holder = attempts.searched(Where { placings: &placings, chosen: &none, wishes: &wishes });
        let finish = holder.result(program.results[0]).unwrap();
        check(&program, &options);
        let (found, expected) = (Attempts::new(&program, &options).plain().unwrap().0.weight, finish.cost.weigh(&options.costs));
        assert!(found <= expected + 1e-6 && expected <= 1.05 * found, "{equation} {shapes:?}: {found} of {expected}");
    }
}

/// Products of products, each read by several.
#[test]
fn random_programs_of_shared_values() {
    let mut random = Random(3);
    for _ in 0..24 {
        let n = random.pick(&[2, 3, 4]);
        let (shapes, secret): ([&[u64]; 2], _) = ([&[n, n], &[n, n]], random.pick(&["cc", "cp", "pc"]));
        let mut program = einsum(random.pick(&["ij,jk->ik", "ij,ij->ij", "ij,kj->ik"]), &shapes, secret);
        for _ in 0..1 + random.below(2) {
            let equation = random.pick(&["ij,jk->ik", "ij,ij->ij", "ij,ij->", "ij,ji->ij", "ii,ij->ij"]);
            let other = usize::try_from(random.below(3)).unwrap();
            program = then(&program, equation, &[2, other]);
        }
        for contract in [Contract::Strict, Contract::Free] {
            let options = Options::new(contract, 3 + u32::try_from(random.below(5)).unwrap());
            check(&program, &options);
            let [together, alone] = weights(&program, &options);
            assert!(together <= alone, "{together} against {alone}: {program:?}");
        }
    }
}

/// Repeated labels, scalars, sizes 0 and 1, primes, public operands, several ciphertexts a tensor.
#[test]
fn random_einsums() {
    let mut random = Random(1);
    for _ in 0..120 {
        let n_labels = 1 + random.below(5);
        let sizes: Vec<u64> = (0..n_labels).map(|_| random.pick(&[0, 1, 2, 2, 3, 3, 4, 5, 7, 8])).collect();
        let n_operands = 1 + random.below(4);
        let letter = |l: u64| char::from(b'a' + u8::try_from(l).unwrap());
        let (mut terms, mut shapes): (Vec<String>, Vec<Vec<u64>>) = (Vec::new(), Vec::new());
        for _ in 0..n_operands {
            let labels: Vec<u64> = (0..random.below(4)).map(|_| random.below(n_labels)).collect();
            terms.push(labels.iter().map(|&l| letter(l)).collect());
            shapes.push(labels.iter().map(|&l| sizes[usize::try_from(l).unwrap()]).collect());
        }
        let mut used: Vec<char> = terms.concat().chars().collect();
        used.sort_unstable();
        used.dedup();
        let mut output = String::new();
        while !used.is_empty() && random.below(3) > 0 {
            output.push(used.remove(usize::try_from(random.below(used.len() as u64)).unwrap()));
        }
        let mut secret: String = (0..n_operands).map(|_| if random.below(3) > 0 { 'c' } else { 'p' }).collect();
        if !secret.contains('c') {
            secret.replace_range(0..1, "c");
        }
        let equation = format!("{}->{output}", terms.join(","));
        let shapes: Vec<&[u64]> = shapes.iter().map(|s| &s[..]).collect();
        for contract in [Contract::Strict, Contract::Free] {
            let options = Options::new(contract, 3 + u32::try_from(random.below(6)).unwrap());
            let program = einsum(&equation, &shapes, &secret);
            check(&program, &options);
            no_slower_than_one_shot(&program, &options);
        }
    }
}

/// The same tensors again and again: diagonals, transposes and products of one input, in one term or in two.
#[test]
fn random_einsums_of_few_tensors() {
    let mut random = Random(2);
    for _ in 0..60 {
        let size = random.pick(&[2, 3, 4, 8]);
        let labels: Vec<Label> = ["a", "b", "c"].iter().map(|name| Label { name: (*name).to_owned(), size }).collect();
        let mut program = Program::default();
        program.tensors.push(tensor("x", &[size, size], Origin::Secret));
        program.tensors.push(tensor("w", &[size, size], if random.below(2) == 0 { Origin::Secret } else { Origin::Public }));
        let mut output: Vec<u8> = vec![0, 1, 2];
        output.truncate(usize::try_from(random.below(3)).unwrap());
        let mut term = |first: usize| {
            let operands = (0..1 + random.below(3)).map(|n| {
                let tensor = if n == 0 { first } else { usize::try_from(random.below(2)).unwrap() };
                let axes = (0..2).map(|_| Axis { size, subscript: Subscript::Label(u8::try_from(random.below(3)).unwrap()) }).collect();
                Operand { name: program.tensors[tensor].name.clone(), tensor, axes, secret: program.tensors[tensor].is_secret() }
            });
            Term { coefficient: 1.0, operands: operands.collect() }
        };
        let terms = vec![term(0), term(1)];
        let shape = vec![size; output.len()];
        program.results.push(2);
        program.tensors.push(tensor("out", &shape, Origin::Sum(Sum { labels, output, terms })));
        for contract in [Contract::Strict, Contract::Free] {
            let options = Options::new(contract, 3 + u32::try_from(random.below(5)).unwrap());
            check(&program, &options);
            let [together, alone] = weights(&program, &options);
            assert!(together <= alone, "{together} against {alone}: {program:?}");
        }
    }
}
