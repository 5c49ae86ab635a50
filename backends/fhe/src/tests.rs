//! Programs on ciphertexts against the slot simulator, and bytes of strangers.

use crate::frame::{self, FrameKind};
use crate::{Ciphertexts, Engine, EvaluationKeys, Keys, Kind, Numbers, Options, PublicKey, SecretKey};
use ein_ir::interp::slots::{self, Operands};
use ein_ir::packed::{Packed, parse, verify};
use ein_ir::verified::Verified;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::fmt::Write;

mod needs;
mod noise;

fn program(text: &str) -> Verified<Packed> {
    verify::verify(parse::parse(text).unwrap()).unwrap_or_else(|e| panic!("{e:?} in {text}"))
}

fn toy(bounds: &[(&str, f64)]) -> Options {
    let bounds = bounds.iter().map(|(name, bound)| ((*name).to_owned(), *bound)).collect();
    Options { bounds, fraction_bits: 0, insecure_toy: true, ..Options::default() }
}

#[test]
fn stated_ranges_are_bounds_and_whoever_brings_numbers_is_held_to_them() {
    let text = r#"packed "half" slots 4 {
  input x0 "A": f64[2, 2] [slots: a0.0 a1.0]
  plain p0 = 2.0 at [0 by 1 x 4]
  c0 = input x0[0]
  c1 = mul_plain c0, p0
  output "y": f64[2, 2] [slots: a0.0 a1.0] = (c1)
}
"#;
    let ranges = [("A".to_owned(), (0.0, 3.0))].into();
    let engine = Engine::new(program(text), Options { ranges, fraction_bits: 8, ..toy(&[]) }).unwrap();
    assert_eq!(engine.bounds()[0].magnitude, 6.0);
    let mut random = StdRng::seed_from_u64(1);
    let keys = engine.keygen(&mut random).unwrap();
    let mut encrypt = |numbers: [f64; 4]| engine.encrypt(&keys.public, &[Numbers::Reals(numbers.to_vec())], &mut random);
    assert!(encrypt([0.0, 3.0, 1.5, 0.25]).is_ok());
    let refused = [
        ([0.0, 0.0, -0.5, 0.0], 918, "`A[1, 0]` is outside of 0..3, where its values are stated to be"),
        ([0.0, f64::NAN, 0.0, 0.0], 720, "`A[0, 1]` is not a finite number, and no integer stands for it"),
        ([0.0, 0.0, 0.0, f64::INFINITY], 720, "`A[1, 1]` is not a finite number, and no integer stands for it"),
    ];
    for (numbers, code, message) in refused {
        let found = encrypt(numbers).unwrap_err();
        assert_eq!((found.code.0, found.message.as_str()), (code, message));
    }
    let wrong = Options { ranges: [("B".to_owned(), (0.0, 3.0))].into(), ..toy(&[("A", 1.0)]) };
    assert_eq!(Engine::new(program(text), wrong).unwrap_err().code.0, 720);
}

/// Every kind of operation, one of them on junk.
const ALL: &str = r#"packed "all" slots 8 {
  input x0 "A": i64[2, 4] [slots: a0.0 a1.1-0]
  input x1 "B": i64[4] [slots: junk.1 a0.1-0]
  public w0 "C": i64[4]
  public w1 "D": i64[4, 4] = einsum "i,j->ij" (w0, w0)
  plain p0 = w1 at [0 by 1 x 8 = 3 by 1]
  plain p1 = 1.0 at [0 by 1 x 4]
  plain p2 = -3.0 at [1 by 2 x 4]
  c0 = input x0[0]
  c1 = input x1[0]
  c2 = mask c1, p1
  c3 = rotate c2 by 4
  c4 = add c2, c3
  c5 = mul c0, c4
  c6 = add_plain c5, p2
  c7 = sub c6, c0
  c8 = sub c0, c7
  c9 = relin c8
  c10 = neg c9
  c11 = mul_plain c10, p0
  c12 = mul c11, c11
  c13 = relin c12
  output "y": i64[2, 4] [slots: a0.0 a1.1-0] = (c13)
  output "z": i64[2, 4] [slots: a0.0 a1.1-0] = (c10)
}
"#;

fn integers(random: &mut StdRng, n: usize, bound: i64) -> Vec<i64> {
    (0..n).map(|_| random.random_range(-bound..=bound)).collect()
}

/// Runs on ciphertexts and on the simulator, with operands as large as the bounds allow.
fn agree(program: &Verified<Packed>, bound: i64, seed: u64) {
    let names = program.inputs.values().map(|input| input.name.as_str());
    let given: Vec<_> = program.publics.values().filter(|public| matches!(public.source, ein_ir::packed::PublicSource::Given)).collect();
    let bounds: Vec<(&str, f64)> = names.chain(given.iter().map(|public| public.name.as_str())).map(|name| (name, bound as f64)).collect();
    let engine = Engine::new(program.clone(), toy(&bounds)).unwrap();
    let mut random = StdRng::seed_from_u64(seed);
    let mut tensor = |shape: &[u64]| integers(&mut random, shape.iter().product::<u64>() as usize, bound);
    let secrets: Vec<Vec<i64>> = program.inputs.values().map(|input| tensor(&input.layout.shape)).collect();
    let publics: Vec<Vec<i64>> = given.iter().map(|public| tensor(&public.shape)).collect();
    let keys = engine.keygen(&mut random).unwrap();
    let numbers = |tensors: &[Vec<i64>]| tensors.iter().cloned().map(Numbers::Integers).collect::<Vec<_>>();
    let inputs = engine.encrypt(&keys.public, &numbers(&secrets), &mut random).unwrap();
    let (outputs, report) = engine.run(&keys.evaluation, &numbers(&publics), &inputs).unwrap();
    let engine = engine.with_threads(seed as usize % 3 + 1);
    let (again, _) = engine.run(&keys.evaluation, &numbers(&publics), &inputs).unwrap();
    assert!(again.to_bytes(&engine) == outputs.to_bytes(&engine), "seed {seed}: other threads, other bits");
    let counts = program.counts();
    let executed = [Kind::Rotate, Kind::Mul, Kind::MulPlain, Kind::Add, Kind::Relin, Kind::Rescale].map(|kind| report.count(kind));
    assert_eq!(executed, [counts.rotations, counts.mulcc, counts.mulcp, counts.adds, counts.relins, counts.rescales]);
    let expected = slots::run(program, &Operands { secrets, publics, seed }).unwrap();
    assert!(engine.decrypt(&keys.secret, &outputs).unwrap() == numbers(&expected), "seed {seed} of {}", program.name);
}

#[test]
fn every_operation_agrees_with_the_simulator() {
    agree(&program(ALL), 5, 1);
}

/// Results have the width of their type, as in the clear, though ciphertexts hold the whole number.
#[test]
fn integers_wrap_to_the_width_of_the_result() {
    for (dtype, expected) in [("u8", [132, 0, 56, 255]), ("i8", [-124, 0, 56, -1]), ("i32", [388, 256, 312, -1])] {
        let text = format!(
            "packed \"p\" slots 4 {{\n  input x0 \"A\": {dtype}[4] [slots: a0.1-0]\n  input x1 \"B\": {dtype}[4] [slots: a0.1-0]\n  c0 = input x0[0]\n  \
             c1 = input x1[0]\n  c2 = add c0, c1\n  output \"y\": {dtype}[4] [slots: a0.1-0] = (c2)\n}}\n"
        );
        let engine = Engine::new(program(&text), toy(&[("A", 255.0), ("B", 255.0)])).unwrap();
        let mut random = StdRng::seed_from_u64(8);
        let keys = engine.keygen(&mut random).unwrap();
        let inputs = [vec![200, 255, 112, 0], vec![188, 1, 200, -1]].map(Numbers::Integers);
        let inputs = engine.encrypt(&keys.public, &inputs, &mut random).unwrap();
        let (outputs, _) = engine.run(&keys.evaluation, &[], &inputs).unwrap();
        assert!(engine.decrypt(&keys.secret, &outputs).unwrap() == [Numbers::Integers(expected.to_vec())], "{dtype}");
    }
}

/// A program of sums, products, rotations and masks, over everything before; products stay few, because integers have a word.
fn random_program(seed: u64) -> Verified<Packed> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut text =
        "packed \"random\" slots 16 {\n  input x0 \"A\": i64[3, 16] [ct: a0.1-0 | slots: a1.3-0]\n  public w0 \"C\": i64[16]\n".to_owned();
    text.push_str("  plain p0 = w0 at [0 by 3 x 16 = 0 by 1]\n  plain p1 = 1.0 at [0 by 2 x 5]\n");
    // Parts and depth of each.
    let mut values = vec![(2, 0); 3];
    (0..3).for_each(|n| writeln!(text, "  c{n} = input x0[{n}]").unwrap());
    for id in 3..24 {
        let (x, y) = (random.random_range(0..id), random.random_range(0..id));
        let ((parts, depth), (other, other_depth)) = (values[x], values[y]);
        let (line, value) = match random.random_range(0..8) {
            0 if parts == 2 => (format!("rotate c{x} by {}", random.random_range(1..16)), (2, depth)),
            1 if parts == 2 && other == 2 && depth + other_depth < 3 => (format!("mul c{x}, c{y}"), (3, depth + other_depth + 1)),
            2 if depth < 3 => (format!("mul_plain c{x}, p0"), (parts, depth + 1)),
            3 => (format!("mask c{x}, p1"), (parts, depth)),
            4 => (format!("sub c{x}, c{y}"), (parts.max(other), depth.max(other_depth))),
            5 => (format!("add_plain c{x}, p0"), (parts, depth)),
            _ if parts == 3 => (format!("relin c{x}"), (2, depth)),
            6 => (format!("neg c{x}"), (parts, depth)),
            _ => (format!("add c{x}, c{y}"), (parts.max(other), depth.max(other_depth))),
        };
        writeln!(text, "  c{id} = {line}").unwrap();
        values.push(value);
    }
    let outputs: Vec<usize> = (0..24).rev().filter(|n| values[*n].0 == 2).take(2).collect();
    writeln!(text, "  output \"y\": i64[2, 16] [ct: a0.0 | slots: a1.3-0] = (c{}, c{})\n}}", outputs[0], outputs[1]).unwrap();
    program(&text)
}

#[test]
fn random_programs_agree_with_the_simulator() {
    for seed in 0..12 {
        agree(&random_program(seed), 3, seed);
    }
}

#[test]
fn a_program_of_few_slots_runs_in_a_ring_that_is_secure() {
    let sum = program(concat!(
        "packed \"sum\" slots 4 {\n  input x0 \"A\": i16[4] [slots: a0.1-0]\n  c0 = input x0[0]\n  c1 = rotate c0 by 2\n  c2 = add c0, c1\n",
        "  c3 = rotate c2 by 1\n  c4 = add c2, c3\n  output \"y\": i32[] [slots: rep.2] = (c4)\n}\n"
    ));
    let engine = Engine::new(sum, Options { insecure_toy: false, ..toy(&[("A", 32000.0)]) }).unwrap();
    assert!(!engine.parameters().insecure && engine.parameters().degree >= 2048, "{:?}", engine.parameters());
    let mut random = StdRng::seed_from_u64(0);
    let keys = engine.keygen(&mut random).unwrap();
    let inputs = engine.encrypt(&keys.public, &[Numbers::Integers(vec![-32000, 7, -31999, 5])], &mut random).unwrap();
    let (outputs, _) = engine.run(&keys.evaluation, &[], &inputs).unwrap();
    assert!(engine.decrypt(&keys.secret, &outputs).unwrap() == [Numbers::Integers(vec![-63987])]);
}

#[test]
fn reals_are_as_close_as_the_bound_says() {
    let dot = program(concat!(
        "packed \"dot\" slots 4 {\n  input x0 \"A\": f64[4] [slots: a0.1-0]\n  public w0 \"W\": f64[4]\n  plain p0 = w0 at [0 by 1 x 4 = 0 by 1]\n  plain p1 = 0.3 at [0 by 1 x 4]\n",
        "  c0 = input x0[0]\n  c1 = mul_plain c0, p0\n  c2 = mul c1, c1\n  c3 = relin c2\n  c4 = mul_plain c3, p1\n",
        "  output \"y\": f64[4] [slots: a0.1-0] = (c4)\n}\n"
    ));
    let options = Options { fraction_bits: 7, ..toy(&[("A", 2.0), ("W", 1.5)]) };
    let engine = Engine::new(dot, options).unwrap();
    let mut random = StdRng::seed_from_u64(3);
    let keys = engine.keygen(&mut random).unwrap();
    let (a, w) = ([1.999, -0.3, 1.0 / 3.0, 0.0], [-1.4, 0.77, 1.5, 1.0]);
    let inputs = engine.encrypt(&keys.public, &[Numbers::Reals(a.to_vec())], &mut random).unwrap();
    let (outputs, _) = engine.run(&keys.evaluation, &[Numbers::Reals(w.to_vec())], &inputs).unwrap();
    let results = engine.decrypt(&keys.secret, &outputs).unwrap();
    let Numbers::Reals(y) = &results[0] else { panic!("reals") };
    let error = engine.bounds()[0].error;
    assert!(error > 0.0 && error < 0.1, "{error}");
    for n in 0..4 {
        assert!((y[n] - 0.3 * (a[n] * w[n]).powi(2)).abs() <= error, "{} for {} within {error}", y[n], 0.3 * (a[n] * w[n]).powi(2));
    }
    assert_eq!(engine.encrypt(&keys.public, &[Numbers::Reals(vec![0.0, f64::NAN, 0.0, 0.0])], &mut random).unwrap_err().code.0, 720);
}

#[test]
fn sums_of_different_numbers_of_factors_and_large_results_are_right() {
    // x^4 + 0.7 x^2 - w x - 0.25, of which the first has four factors of 2^20 and a result more bits than one modulus.
    let polynomial = program(concat!(
        "packed \"p\" slots 4 {\n  input x0 \"A\": f64[4] [slots: a0.1-0]\n  public w0 \"W\": f64[4]\n  plain p0 = w0 at [0 by 1 x 4 = 0 by 1]\n",
        "  plain p1 = 0.7 at [0 by 1 x 4]\n  plain p2 = -0.25 at [0 by 1 x 4]\n  c0 = input x0[0]\n  c1 = mul c0, c0\n  c2 = relin c1\n  c3 = mul c2, c2\n",
        "  c4 = mul_plain c2, p1\n  c5 = add c4, c3\n  c6 = relin c5\n  c7 = mul_plain c0, p0\n  c8 = sub c6, c7\n  c9 = add_plain c8, p2\n",
        "  c10 = sub c7, c9\n  c11 = add_plain c0, p0\n  output \"y\": f64[4] [slots: a0.1-0] = (c9)\n",
        "  output \"z\": f64[2, 4] [ct: a0.0 | slots: a1.1-0] = (c10, c11)\n}\n"
    ));
    let engine = Engine::new(polynomial, Options { fraction_bits: 20, ..toy(&[("A", 2.0), ("W", 1.5)]) }).unwrap();
    assert!(engine.parameters().plain_moduli.len() > 1, "{:?}", engine.parameters());
    let mut random = StdRng::seed_from_u64(3);
    let keys = engine.keygen(&mut random).unwrap();
    let (a, w) = ([1.999, -0.3, 1.0 / 3.0, 0.0], [-1.4, 0.77, 1.5, 1.0]);
    let inputs = engine.encrypt(&keys.public, &[Numbers::Reals(a.to_vec())], &mut random).unwrap();
    let inputs = Ciphertexts::inputs_from_bytes(&engine, &inputs.to_bytes(&engine)).unwrap();
    let evaluation = EvaluationKeys::from_bytes(&engine, &keys.evaluation.to_bytes(&engine).unwrap()).unwrap();
    let (outputs, report) = engine.run(&evaluation, &[Numbers::Reals(w.to_vec())], &inputs).unwrap();
    let engine = [1, 3, 16].into_iter().fold(engine, |engine, threads| {
        let engine = engine.with_threads(threads);
        let (again, report_again) = engine.run(&evaluation, &[Numbers::Reals(w.to_vec())], &inputs).unwrap();
        assert!(again.to_bytes(&engine) == outputs.to_bytes(&engine), "{threads} threads give other bits");
        assert!(Kind::ALL.into_iter().all(|kind| report.count(kind) == report_again.count(kind)));
        engine
    });
    assert_eq!([Kind::Lift, Kind::Add, Kind::Mul].map(|kind| report.count(kind)), [3, 5, 2]);
    let results = engine.decrypt(&keys.secret, &outputs).unwrap();
    let exact = |n: usize| a[n].powi(4) + 0.7 * a[n].powi(2) - w[n] * a[n] - 0.25;
    let y: Vec<f64> = (0..4).map(exact).collect();
    let z: Vec<f64> = (0..4).map(|n| w[n] * a[n] - y[n]).chain((0..4).map(|n| a[n] + w[n])).collect();
    for ((result, exact), bound) in results.iter().zip([y, z]).zip(engine.bounds()) {
        let Numbers::Reals(numbers) = result else { panic!("reals") };
        assert!(bound.error > 0.0 && bound.error < 1e-4, "{bound:?}");
        assert!(numbers.iter().zip(&exact).all(|(number, exact)| (number - exact).abs() <= bound.error), "{exact:?} within {bound:?}");
    }
}

fn made() -> (Engine, Keys, Ciphertexts, Ciphertexts) {
    let engine = Engine::new(program(ALL), toy(&[("A", 5.0), ("B", 5.0), ("C", 2.0)])).unwrap();
    let mut random = StdRng::seed_from_u64(9);
    let keys = engine.keygen(&mut random).unwrap();
    let tensors = [Numbers::Integers(vec![1; 8]), Numbers::Integers(vec![-2; 4])];
    let inputs = engine.encrypt(&keys.public, &tensors, &mut random).unwrap();
    let (outputs, _) = engine.run(&keys.evaluation, &[Numbers::Integers(vec![2; 4])], &inputs).unwrap();
    (engine, keys, inputs, outputs)
}

#[test]
fn the_manifest_and_all_bytes_are_read_back() {
    let (engine, keys, inputs, outputs) = made();
    let engine = Engine::from_manifest(&engine.manifest()).unwrap();
    let secret = SecretKey::from_bytes(&engine, &keys.secret.to_bytes(&engine)).unwrap();
    PublicKey::from_bytes(&engine, &keys.public.to_bytes(&engine)).unwrap();
    let evaluation = EvaluationKeys::from_bytes(&engine, &keys.evaluation.to_bytes(&engine).unwrap()).unwrap();
    let inputs = Ciphertexts::inputs_from_bytes(&engine, &inputs.to_bytes(&engine)).unwrap();
    let (again, _) = engine.run(&evaluation, &[Numbers::Integers(vec![2; 4])], &inputs).unwrap();
    let read = Ciphertexts::outputs_from_bytes(&engine, &outputs.to_bytes(&engine)).unwrap();
    assert!(engine.decrypt(&secret, &again).unwrap() == engine.decrypt(&secret, &read).unwrap());
    assert_eq!(Ciphertexts::inputs_from_bytes(&engine, &outputs.to_bytes(&engine)).unwrap_err().code.0, 931);
    let other = Engine::new(program(ALL), toy(&[("A", 5.0), ("B", 5.0), ("C", 3.0)])).unwrap();
    assert_eq!(Ciphertexts::inputs_from_bytes(&other, &inputs.to_bytes(&engine)).unwrap_err().code.0, 932);
}

#[test]
fn a_manifest_that_was_changed_is_none() {
    let (engine, ..) = made();
    let text = engine.manifest();
    for (from, to) in [
        ("\"A\": 5.0", "\"A\": 6.0"),
        ("rotate c2 by 4", "rotate c2 by 3"),
        ("\"version\": 4", "\"version\": 3"),
        ("{", "["),
        ("slots 8", "slots 2147483648"),
    ] {
        assert!(text.contains(from), "{from}");
        assert!(Engine::from_manifest(&text.replacen(from, to, 1)).is_err(), "{from}");
    }
    let cut = text.len() / 2;
    assert!(Engine::from_manifest(&text[..cut]).is_err());
}

/// Any character is another one, any number a huge one, any part is missing: an error, or the same manifest, and never a crash.
#[test]
fn no_manifest_is_a_crash() {
    let (engine, ..) = made();
    let text = engine.manifest();
    let tried = |changed: &str| match Engine::from_manifest(changed) {
        Ok(read) => read.manifest() == text,
        Err(error) => {
            assert!([711, 715, 716, 719, 720, 931].contains(&error.code.0), "{error} of {changed}");
            true
        }
    };
    for at in (0..text.len()).step_by(41) {
        assert!(Engine::from_manifest(&text[..at]).is_err(), "{at}");
        for with in ['0', '"', '}', 'x'] {
            let changed: String = text.char_indices().map(|(n, c)| if n == at { with } else { c }).collect();
            assert!(tried(&changed), "{at}: {with}");
        }
    }
    let numbers: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty()).collect();
    let mut from = 0;
    for number in numbers {
        let at = from + text[from..].find(number).expect("it is there");
        from = at + number.len();
        for with in ["4294967295", "18446744073709551615"] {
            assert!(tried(&format!("{}{with}{}", &text[..at], &text[from..])), "{at}: {with}");
        }
    }
}

/// One byte or the length is changed, with a digest that is right again.
fn mutated(random: &mut StdRng, part: &[u8]) -> Vec<u8> {
    let (mut part, length) = (part.to_vec(), part.len());
    match random.random_range(0..6) {
        // The first bytes say the lengths and kinds of all others.
        0..3 => part[random.random_range(0..24.min(length))] ^= 1 << random.random_range(0..8),
        3 => part.truncate(random.random_range(0..length)),
        4 => part.extend_from_slice(&[7; 9]),
        _ => {
            let at = random.random_range(0..length);
            part[at] = random.random();
        }
    }
    part
}

#[test]
fn hostile_bytes_are_errors_or_damaged_results() {
    let (engine, keys, inputs, outputs) = made();
    let mut random = StdRng::seed_from_u64(4);
    let publics = [Numbers::Integers(vec![2; 4])];
    let right = engine.decrypt(&keys.secret, &outputs).unwrap();
    // So many for each plaintext modulus, behind what says of which key pair they are.
    let parts = |bytes: &[u8], kind, n: usize| -> Vec<Vec<u8>> {
        frame::read(kind, engine.fingerprint(), n * engine.n_rings() + 1, bytes).unwrap().into_iter().map(<[u8]>::to_vec).collect()
    };
    let framed = |kind, parts: &[Vec<u8>]| frame::write(kind, engine.fingerprint(), &parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let all = [
        (FrameKind::Inputs, parts(&inputs.to_bytes(&engine), FrameKind::Inputs, 2)),
        (FrameKind::Outputs, parts(&outputs.to_bytes(&engine), FrameKind::Outputs, 2)),
        (FrameKind::EvaluationKeys, parts(&keys.evaluation.to_bytes(&engine).unwrap(), FrameKind::EvaluationKeys, 2)),
        (FrameKind::PublicKey, parts(&keys.public.to_bytes(&engine), FrameKind::PublicKey, 1)),
        (FrameKind::SecretKey, parts(&keys.secret.to_bytes(&engine), FrameKind::SecretKey, 1)),
    ];
    let run = |inputs: &Ciphertexts, keys: &EvaluationKeys| engine.run(keys, &publics, inputs).map(|(outputs, _)| outputs);
    let mut errors = 0;
    for round in 0..150 {
        let (kind, parts) = &all[round % all.len()];
        let mut parts = parts.clone();
        let n = random.random_range(0..parts.len());
        parts[n] = mutated(&mut random, &parts[n]);
        let bytes = framed(*kind, &parts);
        let results = match kind {
            FrameKind::Inputs => Ciphertexts::inputs_from_bytes(&engine, &bytes)
                .and_then(|inputs| run(&inputs, &keys.evaluation))
                .and_then(|outputs| engine.decrypt(&keys.secret, &outputs)),
            FrameKind::Outputs => {
                Ciphertexts::outputs_from_bytes(&engine, &bytes).and_then(|outputs| engine.decrypt(&keys.secret, &outputs))
            }
            FrameKind::EvaluationKeys if round % 2 == 0 => EvaluationKeys::open(&engine, std::io::Cursor::new(bytes))
                .and_then(|keys| run(&inputs, &keys))
                .and_then(|outputs| engine.decrypt(&keys.secret, &outputs)),
            FrameKind::EvaluationKeys => EvaluationKeys::from_bytes(&engine, &bytes)
                .and_then(|keys| run(&inputs, &keys))
                .and_then(|outputs| engine.decrypt(&keys.secret, &outputs)),
            FrameKind::PublicKey => PublicKey::from_bytes(&engine, &bytes)
                .and_then(|public| engine.encrypt(&public, &[Numbers::Integers(vec![1; 8]), Numbers::Integers(vec![-2; 4])], &mut random))
                .and_then(|inputs| run(&inputs, &keys.evaluation))
                .and_then(|outputs| engine.decrypt(&keys.secret, &outputs)),
            FrameKind::SecretKey => SecretKey::from_bytes(&engine, &bytes).and_then(|secret| engine.decrypt(&secret, &outputs)),
        };
        // Anybody can add to a ciphertext: it is not authenticated. What must not be is a crash, and results of what is no ciphertext.
        let likely = matches!(kind, FrameKind::Inputs | FrameKind::Outputs) || results.as_ref().is_ok_and(|results| *results == right);
        assert!(results.is_err() || likely, "round {round}, {kind:?}");
        errors += usize::from(results.is_err());
    }
    assert!(errors > 100, "{errors} of 150");
}

#[test]
fn nothing_secret_is_shown() {
    let (engine, keys, inputs, outputs) = made();
    assert_eq!(format!("{keys:?}"), "Keys { secret: SecretKey, public: PublicKey, evaluation: EvaluationKeys }");
    assert_eq!(format!("{inputs:?}, {outputs:?}"), "2 ciphertexts, 2 ciphertexts");
    assert_eq!(format!("{:?}", Numbers::Integers(vec![4711])), "1 numbers");
    let error =
        engine.encrypt(&keys.public, &[Numbers::Integers(vec![4711; 8]), Numbers::Integers(vec![0; 4])], &mut StdRng::seed_from_u64(0));
    assert!(!format!("{:?}", error.unwrap_err()).contains("4711"));
}

#[test]
fn another_key_decrypts_nothing() {
    let (engine, keys, inputs, outputs) = made();
    let mut random = StdRng::seed_from_u64(77);
    let mut other = engine.keygen(&mut random).unwrap();
    assert_eq!(engine.decrypt(&other.secret, &outputs).unwrap_err().code.0, 932);
    // Also by whoever says that it is the same one.
    other.secret.pair = keys.secret.pair;
    assert_eq!(engine.decrypt(&other.secret, &outputs).unwrap_err().code.0, 933);
    // The keys of another pair compute nothing, in memory or from a file.
    let publics = [Numbers::Integers(vec![2; 4])];
    assert_eq!(engine.run(&other.evaluation, &publics, &inputs).unwrap_err().code.0, 932);
    let mut file = Vec::new();
    let (_, public) = engine.keygen_into(&mut random, &mut file).unwrap();
    let written = EvaluationKeys::open(&engine, std::io::Cursor::new(file)).unwrap();
    assert_eq!(engine.run(&written, &publics, &inputs).unwrap_err().code.0, 932);
    let tensors = [Numbers::Integers(vec![1; 8]), Numbers::Integers(vec![-2; 4])];
    engine.run(&written, &publics, &engine.encrypt(&public, &tensors, &mut random).unwrap()).unwrap();
}
