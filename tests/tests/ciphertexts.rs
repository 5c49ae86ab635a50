//! Planned programs on ciphertexts agree with the slot simulator. Behind the feature `he-bfv`.

#![cfg(feature = "he-bfv")]

use ein_fhe::{Engine, Kind, Numbers, Options};
use ein_he::program::{Label, Origin, Program, Sum, Tensor, Term};
use ein_he::{Axis, Contract, Operand, Subscript, plan};
use ein_ir::dtype::DType;
use ein_ir::interp::slots::{self, Operands};
use ein_ir::packed::{Equation, Packed, PublicSource};
use ein_ir::span::Span;
use ein_ir::verified::Verified;
use ein_tests::random::Random;
use rand::SeedableRng;
use rand::rngs::StdRng;

const NAMES: [&str; 3] = ["A", "B", "C"];

/// An einsum over operands named `A`, `B` and so on; those with a `c` in `secret` are encrypted.
fn planned(equation: &str, shapes: &[&[u64]], secret: &str, log_slots: u32, contract: Contract) -> Verified<Packed> {
    let parsed = Equation::parse(equation).unwrap();
    let sizes = parsed.sizes(shapes).unwrap();
    let number = |label: &char| sizes.keys().position(|other| other == label).unwrap() as u8;
    let declared = |name: &str, shape: &[u64], origin| Tensor {
        name: name.to_owned(),
        dtype: DType::I32,
        shape: shape.to_vec(),
        origin,
        span: Span::default(),
    };
    let (mut tensors, mut operands) = (Vec::new(), Vec::new());
    for (tensor, ((labels, shape), secret)) in parsed.operands.iter().zip(shapes).zip(secret.chars()).enumerate() {
        let axes = labels.iter().zip(*shape).map(|(label, &size)| Axis { size, subscript: Subscript::Label(number(label)) }).collect();
        let secret = secret == 'c';
        tensors.push(declared(NAMES[tensor], shape, if secret { Origin::Secret } else { Origin::Public }));
        operands.push(Operand { name: NAMES[tensor].to_owned(), tensor, axes, secret });
    }
    let labels = sizes.iter().map(|(label, &size)| Label { name: label.to_string(), size }).collect();
    let sum = Sum { labels, output: parsed.output.iter().map(number).collect(), terms: vec![Term { coefficient: 1.0, operands }] };
    tensors.push(declared("out", &parsed.shape(shapes).unwrap(), Origin::Sum(sum)));
    let program = Program { name: equation.to_owned(), results: vec![tensors.len() - 1], tensors };
    plan(&program, &ein_he::Options { contract, log_slots, key_budget: None }).unwrap_or_else(|e| panic!("{equation}: {e:?}"))
}

/// Encrypts, runs and decrypts operands of up to 9, and compares with the simulator; what is executed is what was counted.
fn agree(program: &Verified<Packed>, insecure_toy: bool) -> Engine {
    let given: Vec<_> = program.publics.values().filter(|public| public.source == PublicSource::Given).collect();
    let names = program.inputs.values().map(|input| &input.name).chain(given.iter().map(|public| &public.name));
    let options = Options { bounds: names.map(|name| (name.clone(), 9.0)).collect(), fraction_bits: 0, insecure_toy };
    let engine = Engine::new(program.clone(), options).unwrap_or_else(|e| panic!("{}: {e}", program.name));
    let mut random = Random::new(3);
    let mut tensor = |shape: &[u64]| (0..shape.iter().product()).map(|_| random.between(-9, 9)).collect::<Vec<i64>>();
    let secrets: Vec<Vec<i64>> = program.inputs.values().map(|input| tensor(&input.layout.shape)).collect();
    let publics: Vec<Vec<i64>> = given.iter().map(|public| tensor(&public.shape)).collect();
    let numbers = |tensors: &[Vec<i64>]| tensors.iter().cloned().map(Numbers::Integers).collect::<Vec<_>>();

    let mut random = StdRng::seed_from_u64(1);
    let keys = engine.keygen(&mut random).unwrap();
    let inputs = engine.encrypt(&keys.public, &numbers(&secrets), &mut random).unwrap();
    let (outputs, report) = engine.run(&keys.evaluation, &numbers(&publics), &inputs).unwrap();
    let counts = program.counts();
    let executed = [Kind::Rotate, Kind::Mul, Kind::MulPlain, Kind::Add, Kind::Relin, Kind::Rescale].map(|kind| report.count(kind));
    assert_eq!(executed, [counts.rotations, counts.mulcc, counts.mulcp, counts.adds, counts.relins, counts.rescales], "{}", program.name);
    let expected = slots::run(program, &Operands { secrets, publics, seed: 5 }).unwrap();
    assert!(engine.decrypt(&keys.secret, &outputs).unwrap() == numbers(&expected), "{}", program.name);
    engine
}

#[test]
fn plans_agree_with_the_simulator_in_toy_rings() {
    let cases: [(&str, &[&[u64]], &str); 12] = [
        ("ij->ji", &[&[4, 8]], "c"),
        ("ij->", &[&[3, 5]], "c"),
        ("ij->i", &[&[7, 4]], "c"),
        ("ii->i", &[&[5, 5]], "c"),
        ("i,i->", &[&[32], &[32]], "cc"),
        ("ik,k->i", &[&[4, 6], &[6]], "cc"),
        ("ik,k->i", &[&[8, 8], &[8]], "pc"),
        ("ik,kj->ij", &[&[4, 3], &[3, 5]], "cc"),
        ("ik,kj->ij", &[&[4, 4], &[4, 8]], "cp"),
        ("bij,bjk->bik", &[&[2, 3, 4], &[2, 4, 2]], "cc"),
        ("ij,jk,kl->il", &[&[2, 3], &[3, 2], &[2, 4]], "ccc"),
        ("i,j->ij", &[&[9], &[11]], "cc"),
    ];
    for (equation, shapes, secret) in cases {
        for contract in [Contract::Strict, Contract::Free] {
            agree(&planned(equation, shapes, secret, 5, contract), true);
        }
    }
}

#[test]
fn a_matrix_product_of_4096_slots_is_right_at_full_security() {
    let engine = agree(&planned("ik,kj->ij", &[&[16, 16], &[16, 16]], "cc", 12, Contract::Free), false);
    assert!(!engine.parameters().insecure && engine.parameters().degree >= 8192);
}
