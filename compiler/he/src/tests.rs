use crate::program::meaning::evaluate;
use crate::program::{Label, Origin, Program, Sum, Tensor, Term};
use crate::{Axis, Contract, Operand, Options, Subscript, plan};
use ein_ir::dtype::DType;
use ein_ir::interp::slots::{self, Operands};
use ein_ir::packed::Counts;
use ein_ir::span::Span;

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

/// Plans a program, compares its results on integers with the program's, and gives what it costs.
fn check(program: &Program, log_slots: u32, contract: Contract, key_budget: Option<usize>) -> Counts {
    let packed =
        plan(program, &Options { contract, log_slots, key_budget, ..Options::default() }).unwrap_or_else(|errors| panic!("{errors:?}"));
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
    let got = slots::run(&packed, &operands).unwrap_or_else(|errors| panic!("{errors:?}"));
    if contract == Contract::Strict {
        assert!(packed.outputs.iter().all(|output| slots::is_strict(&output.layout)));
    }
    let all = evaluate(program, &operands).unwrap_or_else(|message| panic!("{message}"));
    for (got, &result) in got.iter().zip(&program.results) {
        assert!(*got == all[result], "`{}` is wrong: {program:?}", program.tensors[result].name);
    }
    packed.counts()
}

fn run(equation: &str, shapes: &[&[u64]], secret: &str, log_slots: u32, contract: Contract) -> Counts {
    check(&einsum(equation, shapes, secret), log_slots, contract, None)
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
            let (fast, few) = (check(program, 10, contract, None), check(program, 10, contract, Some(12)));
            assert!(few.keys <= 12 && 2 * few.rotations <= 3 * fast.rotations, "{few} instead of {fast}");
        }
    }
}

pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
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
            run(&equation, &shapes, &secret, 3 + u32::try_from(random.below(6)).unwrap(), contract);
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
            check(&program, 3 + u32::try_from(random.below(5)).unwrap(), contract, None);
        }
    }
}
