//! Planned programs on ciphertexts agree with the slot simulator.

use ein::encrypted::{Engine, Kind, Numbers, Options, rng};
use ein::packed::{Contract, PackOptions, VerifiedPacked};
use ein::{DType, Einsum};
use ein_ir::interp::slots::{self, Operands};
use ein_ir::packed::PublicSource;

/// An einsum over operands named `A`, `B` and so on; those with a `c` in `secret` are encrypted.
fn planned(equation: &str, shapes: &[&[usize]], secret: &str, slots: u32, contract: Contract) -> VerifiedPacked {
    let names: Vec<String> = ["A", "B", "C"].iter().take(shapes.len()).map(|name| (*name).to_owned()).collect();
    let secret = names.iter().zip(secret.chars()).filter(|(_, c)| *c == 'c').map(|(name, _)| name.clone()).collect();
    let function = Einsum::new(equation).unwrap().function(shapes, &vec![DType::I64; shapes.len()]).unwrap();
    function
        .packed(&[], &PackOptions { slots, contract, secret, names, ..PackOptions::default() })
        .unwrap_or_else(|e| panic!("{equation}: {e}"))
}

/// Encrypts, runs and decrypts operands of up to 9, and compares with the simulator; what is executed is what was counted.
fn agree(program: &VerifiedPacked, insecure_toy: bool) -> Engine {
    let given: Vec<_> = program.publics.values().filter(|public| public.source == PublicSource::Given).collect();
    let names = program.inputs.values().map(|input| &input.name).chain(given.iter().map(|public| &public.name));
    let options = Options { bounds: names.map(|name| (name.clone(), 9.0)).collect(), fraction_bits: 0, insecure_toy };
    let engine = Engine::new(program.clone(), options).unwrap_or_else(|e| panic!("{}: {e}", program.name));
    let tensor = |seed: i64, shape: &[u64]| (0..shape.iter().product::<u64>() as i64).map(|n| (n * n * 7 + n * seed) % 19 - 9).collect();
    let secrets: Vec<Vec<i64>> = program.inputs.values().map(|input| tensor(3, &input.layout.shape)).collect();
    let publics: Vec<Vec<i64>> = given.iter().map(|public| tensor(5, &public.shape)).collect();
    let numbers = |tensors: &[Vec<i64>]| tensors.iter().cloned().map(Numbers::Integers).collect::<Vec<_>>();

    let keys = engine.keygen(&mut rng()).unwrap();
    let inputs = engine.encrypt(&keys.public, &numbers(&secrets), &mut rng()).unwrap();
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
    let cases: [(&str, &[&[usize]], &str); 12] = [
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
            agree(&planned(equation, shapes, secret, 32, contract), true);
        }
    }
}

#[test]
fn a_matrix_product_of_4096_slots_is_right_at_full_security() {
    let engine = agree(&planned("ik,kj->ij", &[&[16, 16], &[16, 16]], "cc", 4096, Contract::Free), false);
    assert!(!engine.parameters().insecure && engine.parameters().degree >= 8192);
}
