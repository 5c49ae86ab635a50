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
fn einsum(equation: &str, shapes: &[&[u64]], secret: &str) -> Program {
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

/// Every tensor of a program, slowly.
fn evaluate(program: &Program, given: &[Vec<i64>]) -> Vec<Vec<i64>> {
    let mut given = given.iter();
    let mut values: Vec<Vec<i64>> = Vec::new();
    for tensor in &program.tensors {
        let value = match &tensor.origin {
            Origin::Secret | Origin::Public => given.next().unwrap().clone(),
            Origin::Sum(sum) => {
                let mut out = vec![0; usize::try_from(tensor.shape.iter().product::<u64>()).unwrap()];
                sum.terms.iter().for_each(|term| add_term(sum, term, &values, &mut out));
                out
            }
        };
        values.push(value);
    }
    values
}

fn add_term(sum: &Sum, term: &Term, values: &[Vec<i64>], out: &mut [i64]) {
    let reads = |label: usize| {
        term.operands.iter().any(|o| o.axes.iter().any(|axis| axis.subscript.linear().0.iter().any(|(l, _)| usize::from(*l) == label)))
    };
    let walked = |n: usize| reads(n) || sum.output.iter().any(|&l| usize::from(l) == n);
    let sizes: Vec<u64> = (0..sum.labels.len()).map(|n| if walked(n) { sum.labels[n].size } else { 1 }).collect();
    for mut n in 0..sizes.iter().product::<u64>() {
        let mut at = vec![0; sizes.len()];
        for (position, size) in at.iter_mut().zip(&sizes) {
            *position = n % size;
            n /= size;
        }
        #[expect(clippy::cast_possible_truncation, reason = "tests have small whole coefficients")]
        let mut product = term.coefficient as i64;
        for operand in &term.operands {
            let mut flat = 0;
            for axis in &operand.axes {
                let (terms, offset) = axis.subscript.linear();
                let position = terms.iter().fold(offset, |sum, (label, c)| sum + c * at[usize::from(*label)].cast_signed());
                flat = flat * axis.size + u64::try_from(position).unwrap();
            }
            product = product.wrapping_mul(values[operand.tensor][usize::try_from(flat).unwrap()]);
        }
        let flat = sum.output.iter().fold(0, |flat, &l| flat * sum.labels[usize::from(l)].size + at[usize::from(l)]);
        let element = &mut out[usize::try_from(flat).unwrap()];
        *element = element.wrapping_add(product);
    }
}

/// Plans a program, compares its results on integers with the program's, and gives what it costs.
fn check(program: &Program, log_slots: u32, contract: Contract) -> Counts {
    let packed = plan(program, &Options { contract, log_slots }).unwrap_or_else(|errors| panic!("{errors:?}"));
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
    let all = evaluate(program, &given.into_iter().map(|(data, _)| data).collect::<Vec<_>>());
    for (got, &result) in got.iter().zip(&program.results) {
        assert!(*got == all[result], "`{}` is wrong", program.tensors[result].name);
    }
    packed.counts()
}

fn run(equation: &str, shapes: &[&[u64]], secret: &str, log_slots: u32, contract: Contract) -> Counts {
    check(&einsum(equation, shapes, secret), log_slots, contract)
}

#[test]
fn table() {
    let cases: &[(&str, &[&[u64]], &str, &str)] = &[
        ("ij->ji", &[&[128, 128]], "31/0/255/1/30", "0/0/0/0/0"),
        ("ij->", &[&[128, 128]], "14/0/1/1/14", "14/0/0/0/14"),
        ("ij->j", &[&[128, 128]], "7/0/1/1/7", "7/0/0/0/7"),
        ("ij->i", &[&[128, 128]], "29/0/128/1/29", "7/0/0/0/7"),
        ("ik,k->i", &[&[128, 128], &[128]], "36/1/128/2/36", "14/1/0/1/14"),
        ("ik,kj->ij", &[&[16, 32], &[32, 32]], "36/1/65/3/36", "14/1/0/1/14"),
        ("i,i->", &[&[16384], &[16384]], "14/1/1/2/14", "14/1/0/1/14"),
        ("ij,ij->", &[&[128, 128], &[128, 128]], "14/1/1/2/14", "14/1/0/1/14"),
        ("ij,ij->ij", &[&[128, 128], &[128, 128]], "0/1/0/1/0", "0/1/0/1/0"),
        ("i,j->ij", &[&[128], &[128]], "37/1/128/2/37", "14/1/0/1/14"),
        ("ijk,ikl->ijl", &[&[16, 8, 8], &[16, 8, 8]], "19/1/17/3/19", "9/1/0/1/9"),
        ("ij,ij,ij->ij", &[&[128, 128], &[128, 128], &[128, 128]], "0/2/0/2/0", "0/2/0/2/0"),
        ("ij,jk,kl->il", &[&[16, 8], &[8, 8], &[8, 16]], "71/2/201/4/61", "28/2/0/2/20"),
        ("ik,jkl,il->ij", &[&[8, 16], &[8, 16, 16], &[8, 16]], "67/2/200/4/64", "25/2/0/2/22"),
        ("pqrs,tuqvr->pstuv", &[&[2, 4, 8, 8], &[1, 4, 4, 2, 8]], "36/1/63/3/35", "12/1/0/1/12"),
    ];
    let with_public: &[(&str, &[&[u64]], &str)] = &[
        ("ij,j->i", &[&[128, 128], &[128]], "pc"),
        ("ij,j->i", &[&[1024, 1024], &[1024]], "pc"),
        ("ij,jk,k->i", &[&[128, 128], &[128, 128], &[128]], "ppc"),
        ("ij,j->i", &[&[16, 4096], &[4096]], "pc"),
        ("bj,ij->bi", &[&[8, 64], &[64, 64]], "cp"),
        ("ik,kj->ij", &[&[64, 64], &[64, 64]], "cp"),
        ("ij->ji", &[&[256, 256]], "c"),
        ("ij->i", &[&[512, 128]], "c"),
        ("ij,jk->ik", &[&[64, 64], &[64, 64]], "cc"),
        ("ij,jk->ik", &[&[50, 64], &[64, 43]], "cc"),
        ("ij,jk->ik", &[&[128, 128], &[128, 128]], "cc"),
        ("ii->i", &[&[64, 64]], "c"),
        ("abcd->dcba", &[&[8, 16, 16, 8]], "c"),
    ];
    for (equation, shapes, secret) in with_public {
        for contract in [Contract::Strict, Contract::Free] {
            let start = std::time::Instant::now();
            let c = run(equation, shapes, secret, 14, contract);
            println!(
                "{equation:20} {contract:?}: {}/{}/{}/{}/{} relin {} {:?}",
                c.rotations,
                c.mulcc,
                c.mulcp,
                c.depth,
                c.keys,
                c.relins,
                start.elapsed()
            );
        }
    }
    for (equation, shapes, strict, free) in cases {
        let secret = "c".repeat(shapes.len());
        for (contract, goal) in [(Contract::Strict, strict), (Contract::Free, free)] {
            let start = std::time::Instant::now();
            let c = run(equation, shapes, &secret, 14, contract);
            println!(
                "{equation:20} {contract:?}: {}/{}/{}/{}/{}  goal {goal} {:?}",
                c.rotations,
                c.mulcc,
                c.mulcp,
                c.depth,
                c.keys,
                start.elapsed()
            );
        }
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % n
    }
}

#[test]
fn random() {
    let mut random = Random(1);
    for round in 0..600 {
        let n_labels = 1 + random.below(5);
        let sizes: Vec<u64> = (0..n_labels).map(|_| [0, 1, 2, 2, 3, 3, 4, 5, 7, 8][random.below(10) as usize]).collect();
        let n_operands = 1 + random.below(4) as usize;
        let mut terms: Vec<String> = Vec::new();
        let mut shapes: Vec<Vec<u64>> = Vec::new();
        let letter = |l: u64| char::from(b'a' + l as u8);
        for _ in 0..n_operands {
            let rank = random.below(4);
            let labels: Vec<u64> = (0..rank).map(|_| random.below(n_labels)).collect();
            terms.push(labels.iter().map(|&l| letter(l)).collect());
            shapes.push(labels.iter().map(|&l| sizes[l as usize]).collect());
        }
        let mut used: Vec<char> = terms.concat().chars().collect();
        used.sort_unstable();
        used.dedup();
        let mut output = String::new();
        while !used.is_empty() && random.below(3) > 0 {
            output.push(used.remove(random.below(used.len() as u64) as usize));
        }
        let mut secret: String = (0..n_operands).map(|_| if random.below(3) > 0 { 'c' } else { 'p' }).collect();
        if !secret.contains('c') {
            secret.replace_range(0..1, "c");
        }
        let equation = format!("{}->{output}", terms.join(","));
        let shapes: Vec<&[u64]> = shapes.iter().map(|s| &s[..]).collect();
        for contract in [Contract::Strict, Contract::Free] {
            let log_slots = 3 + u32::try_from(random.below(6)).unwrap();
            println!("{round}: {equation} {shapes:?} {secret} {log_slots} {contract:?}");
            run(&equation, &shapes, &secret, log_slots, contract);
        }
    }
}
