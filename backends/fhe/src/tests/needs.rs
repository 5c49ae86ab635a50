//! What is said before anything is made, against what is made.

use super::{ALL, program, toy};
use crate::frame::FrameKind;
use crate::ring::Ring;
use crate::{Ciphertexts, Engine, EvaluationKeys, Numbers, Options, PublicKey, SecretKey, WriteError};
use ein_ir::packed::Packed;
use ein_ir::verified::Verified;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::io::Cursor;

/// Of several plaintext moduli: the fourth power of reals.
fn power() -> Verified<Packed> {
    program(concat!(
        "packed \"p\" slots 8 {\n  input x0 \"A\": f64[2, 8] [ct: a0.0 | slots: a1.2-0]\n  c0 = input x0[0]\n  c1 = input x0[1]\n  c2 = mul c0, c1\n",
        "  c3 = relin c2\n  c4 = mul c3, c3\n  c5 = relin c4\n  c6 = rotate c5 by 3\n  output \"y\": f64[8] [slots: a0.2-0] = (c6)\n}\n"
    ))
}

fn engine() -> Engine {
    Engine::new(power(), Options { fraction_bits: 25, ..toy(&[("A", 4.0)]) }).unwrap()
}

#[test]
fn files_are_as_large_as_was_said() {
    let all = Engine::new(program(ALL), toy(&[("A", 5.0), ("B", 5.0), ("C", 2.0)])).unwrap();
    let secure = Engine::new(program(ALL), Options { insecure_toy: false, ..toy(&[("A", 5.0), ("B", 5.0), ("C", 2.0)]) }).unwrap();
    let integers = vec![Numbers::Integers(vec![1; 8]), Numbers::Integers(vec![-2; 4])];
    let cases = [
        (all, integers.clone(), vec![Numbers::Integers(vec![2; 4])]),
        (secure, integers, vec![Numbers::Integers(vec![2; 4])]),
        (engine(), vec![Numbers::Reals(vec![1.5; 16])], Vec::new()),
    ];
    for (engine, secrets, publics) in cases {
        let mut random = StdRng::seed_from_u64(5);
        let keys = engine.keygen(&mut random).unwrap();
        let inputs = engine.encrypt(&keys.public, &secrets, &mut random).unwrap();
        let (outputs, _) = engine.run(&keys.evaluation, &publics, &inputs).unwrap();
        let evaluation = keys.evaluation.to_bytes(&engine).unwrap();
        let found = [keys.secret.to_bytes(&engine).to_vec(), keys.public.to_bytes(&engine), evaluation];
        let found = found.into_iter().chain([inputs.to_bytes(&engine), outputs.to_bytes(&engine)]).map(|bytes| bytes.len() as u64);
        let needs = engine.needs();
        let said = [needs.secret_key, needs.public_key, needs.evaluation_keys, needs.inputs, needs.outputs];
        assert_eq!(said, found.collect::<Vec<_>>()[..], "{:?}", engine.parameters());
        assert_eq!(needs.disk(), said.iter().sum::<u64>());
    }
}

/// The manifest and what keys are bound to say moduli that the library would choose itself.
#[test]
fn moduli_are_those_of_the_library() {
    for engine in [engine(), Engine::new(program(ALL), toy(&[("A", 5.0), ("B", 5.0), ("C", 2.0)])).unwrap()] {
        let parameters = engine.parameters();
        let mut builder = fhe::bfv::BfvParametersBuilder::new();
        builder.set_degree(parameters.degree).set_plaintext_modulus(parameters.plain_moduli[0]);
        let chosen = builder.set_moduli_sizes(&parameters.modulus_bits).build_arc().unwrap();
        assert_eq!(chosen.moduli(), parameters.moduli());
        assert_eq!(Ring::new(parameters, 0).unwrap().bfv.moduli(), chosen.moduli());
    }
}

/// Kept or made anew, in memory or in a file, several at a time or one by one: the same bits of the same keys.
#[test]
fn bits_do_not_depend_on_how_much_memory_there_is() {
    let mut random = StdRng::seed_from_u64(8);
    let plenty = engine().with_threads(3);
    assert!(plenty.n_rings() > 2 && plenty.keeps_rings());
    let mut file = Vec::new();
    let (secret, public) = plenty.keygen_into(&mut random, &mut file).unwrap();
    let secrets = [Numbers::Reals((0..16).map(|n| f64::from(n) / 5.0 - 1.5).collect())];
    let encrypted = |engine: &Engine| engine.encrypt(&public, &secrets, &mut StdRng::seed_from_u64(3)).unwrap();
    let inputs = encrypted(&plenty);
    let run = |engine: &Engine, keys: &EvaluationKeys| {
        let (outputs, _) = engine.run(keys, &[], &inputs).unwrap();
        (outputs.to_bytes(engine), engine.decrypt(&secret, &outputs).unwrap())
    };
    let from_memory = EvaluationKeys::from_bytes(&plenty, &file).unwrap();
    let expected = run(&plenty, &from_memory);
    assert!(run(&plenty, &from_memory) == expected && from_memory.to_bytes(&plenty).unwrap() == file);
    let Numbers::Reals(results) = &expected.1[0] else { panic!("reals") };
    let exact = |n: usize| ((n as f64 / 5.0 - 1.5) * ((n + 8) as f64 / 5.0 - 1.5)).powi(2);
    assert!((0..8).all(|n| (results[n] - exact((n + 3) % 8)).abs() < 1e-3), "{results:?}");
    for threads in [1, 3] {
        let engine = engine().with_threads(threads);
        let one_by_one = engine.run_at(1);
        let engine = engine.with_memory(one_by_one);
        assert!(engine.groups("", &|n| engine.run_at(n)).unwrap().iter().all(|group| group.len() == 1));
        let keys = EvaluationKeys::open(&engine, Cursor::new(file.clone())).unwrap();
        assert!(run(&engine, &keys) == expected && keys.to_bytes(&engine).unwrap() == file, "{threads} threads");
        assert!(run(&engine, &from_memory) == expected, "{threads} threads");
        assert!(encrypted(&engine).to_bytes(&engine) == inputs.to_bytes(&plenty), "{threads} threads");
    }
}

#[test]
fn more_memory_than_there_is_is_refused_before_anything_is_done() {
    let engine = engine().with_threads(2).with_memory(1 << 20);
    let mut random = StdRng::seed_from_u64(8);
    let refused = engine.keygen(&mut random).unwrap_err();
    assert!(refused.code.0 == 715 && refused.message.contains("more than 1 MiB"), "{refused}");
    let mut file = Vec::new();
    assert!(matches!(engine.keygen_into(&mut random, &mut file), Err(WriteError::Refused(refused)) if refused.code.0 == 715));
    assert!(file.is_empty(), "{}", file.len());
    let keys = EvaluationKeys::new([0; 16], vec![Default::default(); engine.n_rings()]);
    let inputs = Ciphertexts { pair: [0; 16], outputs: false, rings: vec![vec![Vec::new(); 2]; engine.n_rings()] };
    assert_eq!(engine.run(&keys, &[], &inputs).unwrap_err().code.0, 715);
    let secrets = [Numbers::Reals(vec![1.0; 16])];
    assert_eq!(engine.encrypt(&PublicKey { pair: [0; 16], rings: Vec::new() }, &secrets, &mut random).unwrap_err().code.0, 715);
    assert_eq!(engine.decrypt(&SecretKey { pair: [0; 16], rings: Vec::new() }, &inputs).unwrap_err().code.0, 715);
}

/// Good parts of the same program where others belong: another plaintext modulus, another input, another key pair.
#[test]
fn parts_that_changed_places_are_errors_or_damaged_results() {
    let engine = engine();
    let mut random = StdRng::seed_from_u64(9);
    let (keys, mut other) = (engine.keygen(&mut random).unwrap(), engine.keygen(&mut random).unwrap());
    let inputs = engine.encrypt(&keys.public, &[Numbers::Reals(vec![0.75; 16])], &mut random).unwrap();
    let swapped = |kind: FrameKind, bytes: &[u8], n: usize, a: usize, b: usize| {
        // Behind what says of which key pair they are.
        let mut parts = crate::frame::read(kind, engine.fingerprint(), 1 + n, bytes).unwrap();
        parts.swap(1 + a, 1 + b);
        crate::frame::write(kind, engine.fingerprint(), &parts)
    };
    let n = engine.n_rings();
    let run = |keys: &EvaluationKeys, inputs: &Ciphertexts| engine.run(keys, &[], inputs).map(|(outputs, _)| outputs);
    let decrypted = |outputs: Result<Ciphertexts, _>| outputs.and_then(|outputs| engine.decrypt(&keys.secret, &outputs));
    let evaluation = keys.evaluation.to_bytes(&engine).unwrap();
    // Products for rotations, and keys of one modulus for another.
    for (a, b) in [(0, 1), (0, 2), (1, 3)] {
        let keys = EvaluationKeys::from_bytes(&engine, &swapped(FrameKind::EvaluationKeys, &evaluation, 2 * n, a, b)).unwrap();
        assert!([931, 933].contains(&decrypted(run(&keys, &inputs)).unwrap_err().code.0), "{a} {b}");
    }
    assert_eq!(run(&other.evaluation, &inputs).unwrap_err().code.0, 932);
    // Of somebody who says that they are the same.
    other.evaluation.pair = keys.evaluation.pair;
    assert_eq!(decrypted(run(&other.evaluation, &inputs)).unwrap_err().code.0, 933);
    let bytes = swapped(FrameKind::Inputs, &inputs.to_bytes(&engine), 2 * n, 0, 2);
    let elsewhere = Ciphertexts::inputs_from_bytes(&engine, &bytes).unwrap();
    assert!([931, 933].contains(&decrypted(run(&keys.evaluation, &elsewhere)).unwrap_err().code.0));
    let outputs = run(&keys.evaluation, &inputs).unwrap();
    let bytes = swapped(FrameKind::Outputs, &outputs.to_bytes(&engine), n, 0, 1);
    let elsewhere = Ciphertexts::outputs_from_bytes(&engine, &bytes);
    assert!([931, 933].contains(&decrypted(elsewhere).unwrap_err().code.0));
    // Fewer of them than the program has.
    let fewer = Ciphertexts { pair: outputs.pair, outputs: true, rings: outputs.rings[..n - 1].to_vec() };
    assert!([931, 933].contains(&decrypted(Ok(fewer)).unwrap_err().code.0));
}
