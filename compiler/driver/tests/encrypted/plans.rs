//! Planned programs on ciphertexts agree with the slot simulator.

use ein::encrypted::{Engine, Kind, Numbers, Options, rng};
use ein::packed::{Contract, PackOptions, VerifiedPacked};
use ein::{Compiler, DType, Einsum, Tensor};
use ein_ir::interp::slots::{self, Operands};
use ein_ir::packed::{Counts, PublicSource};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// An einsum over operands named `A`, `B` and so on; those with a `c` in `secret` are encrypted.
fn planned(equation: &str, shapes: &[&[usize]], secret: &str, slots: u32, contract: Contract) -> VerifiedPacked {
    planned_of(DType::I64, equation, shapes, secret, slots, contract)
}

fn planned_of(dtype: DType, equation: &str, shapes: &[&[usize]], secret: &str, slots: u32, contract: Contract) -> VerifiedPacked {
    let names: Vec<String> = ["A", "B", "C"].iter().take(shapes.len()).map(|name| (*name).to_owned()).collect();
    let secret = names.iter().zip(secret.chars()).filter(|(_, c)| *c == 'c').map(|(name, _)| name.clone()).collect();
    let function = Einsum::new(equation).unwrap().function(shapes, &vec![dtype; shapes.len()]).unwrap();
    function
        .packed(&[], &PackOptions { slots, contract, secret, names, ..PackOptions::default() })
        .unwrap_or_else(|e| panic!("{equation}: {e}"))
}

/// Encrypts, runs and decrypts operands of up to 9, and compares with the simulator; what is executed is what was counted.
fn agree(program: &VerifiedPacked, insecure_toy: bool) -> Engine {
    agree_within(program, 9.0, 8, insecure_toy)
}

/// The same of operands up to a bound, reals with so many bits of fraction.
pub(crate) fn agree_within(program: &VerifiedPacked, bound: f64, fraction_bits: u32, insecure_toy: bool) -> Engine {
    let given: Vec<_> = program.publics.values().filter(|public| public.source == PublicSource::Given).collect();
    let real = program.outputs.iter().any(|output| output.dtype.is_float());
    let names = program.inputs.values().map(|input| &input.name).chain(given.iter().map(|public| &public.name));
    let fraction_bits = if real { fraction_bits } else { 0 };
    let options = Options { bounds: names.map(|name| (name.clone(), bound)).collect(), fraction_bits, insecure_toy, ..Options::default() };
    let engine = Engine::new(program.clone(), options).unwrap_or_else(|e| panic!("{}: {e}", program.name));
    let tensor = |seed: i64, shape: &[u64]| (0..shape.iter().product::<u64>() as i64).map(|n| (n * n * 7 + n * seed) % 19 - 9).collect();
    let secrets: Vec<Vec<i64>> = program.inputs.values().map(|input| tensor(3, &input.layout.shape)).collect();
    let publics: Vec<Vec<i64>> = given.iter().map(|public| tensor(5, &public.shape)).collect();
    if real {
        // Not on the grid of what has so few fraction bits.
        let scaled = |tensors: &[Vec<i64>]| tensors.iter().map(|tensor| tensor.iter().map(|&n| n as f64 * bound / 9.7).collect()).collect();
        let (secrets, publics): (Vec<Vec<f64>>, Vec<Vec<f64>>) = (scaled(&secrets), scaled(&publics));
        let numbers = |tensors: &[Vec<f64>]| tensors.iter().cloned().map(Numbers::Reals).collect::<Vec<_>>();
        let found = run(&engine, &numbers(&secrets), &numbers(&publics));
        let expected = slots::run(program, &Operands { secrets, publics, seed: 5 }).unwrap();
        for ((found, expected), bound) in found.iter().zip(&expected).zip(engine.bounds()) {
            let Numbers::Reals(found) = found else { panic!("{}: integers", program.name) };
            assert_eq!(found.len(), expected.len(), "{}", program.name);
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() <= bound.error * (1.0 + 1e-9), "{}: {found} is not {expected}", program.name);
            }
        }
    } else {
        let numbers = |tensors: &[Vec<i64>]| tensors.iter().cloned().map(Numbers::Integers).collect::<Vec<_>>();
        let found = run(&engine, &numbers(&secrets), &numbers(&publics));
        let expected = slots::run(program, &Operands { secrets, publics, seed: 5 }).unwrap();
        assert!(found == numbers(&expected), "{}", program.name);
    }
    engine
}

/// The decrypted results of a run, whose operations are counted.
fn run(engine: &Engine, secrets: &[Numbers], publics: &[Numbers]) -> Vec<Numbers> {
    let program = engine.program();
    let keys = engine.keygen(&mut rng()).unwrap();
    let inputs = engine.encrypt(&keys.public, secrets, &mut rng()).unwrap();
    let (outputs, report) = engine.run(&keys.evaluation, publics, &inputs).unwrap();
    let counts = program.counts();
    let executed = [Kind::Rotate, Kind::Mul, Kind::MulPlain, Kind::Add, Kind::Relin, Kind::Rescale].map(|kind| report.count(kind));
    assert_eq!(executed, [counts.rotations, counts.mulcc, counts.mulcp, counts.adds, counts.relins, counts.rescales], "{}", program.name);
    engine.decrypt(&keys.secret, &outputs).unwrap()
}

/// An equation of one to three operands, their shapes, and which are secret: at least one is.
fn random_einsum(random: &mut StdRng) -> (String, Vec<Vec<usize>>, String) {
    let sizes: Vec<usize> = (0..4).map(|_| [1, 2, 3, 5, 8, 13][random.random_range(0..6)]).collect();
    let labels = |random: &mut StdRng, n: usize| -> Vec<usize> { (0..n).map(|_| random.random_range(0..4)).collect() };
    let operands: Vec<Vec<usize>> = (0..random.random_range(1..=3))
        .map(|_| {
            let n = random.random_range(0..=3);
            labels(random, n)
        })
        .collect();
    let mut output: Vec<usize> = operands.iter().flatten().copied().filter(|_| random.random_bool(0.4)).collect();
    output.sort_by_key(|label| (label * 7 + 3) % 5);
    output.dedup();
    let letters = |labels: &[usize]| labels.iter().map(|&label| char::from(b'a' + label as u8)).collect::<String>();
    let shapes = operands.iter().map(|operand| operand.iter().map(|&label| sizes[label]).collect()).collect();
    let secret_one = random.random_range(0..operands.len());
    let secret = (0..operands.len()).map(|n| if n == secret_one || random.random_bool(0.5) { 'c' } else { 'p' }).collect();
    let inputs = operands.iter().map(|operand| letters(operand)).collect::<Vec<_>>().join(",");
    (format!("{inputs}->{}", letters(&output)), shapes, secret)
}

#[test]
fn generated_programs_of_4096_slots_agree_with_the_simulator() {
    let mut random = StdRng::seed_from_u64(4096);
    let mut total = Counts::default();
    for n in 0..12 {
        let (equation, shapes, secret) = random_einsum(&mut random);
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let (dtype, contract) =
            (if n % 3 == 2 { DType::F64 } else { DType::I64 }, if n % 2 == 0 { Contract::Free } else { Contract::Strict });
        let engine = agree(&planned_of(dtype, &equation, &shapes, &secret, 4096, contract), false);
        assert!(!engine.parameters().insecure, "{equation}");
        let counts = engine.program().counts();
        total = Counts { rotations: total.rotations + counts.rotations, mulcc: total.mulcc + counts.mulcc, ..total };
    }
    assert!(total.rotations > 20 && total.mulcc > 2, "{total:?}");
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

/// As close as the authors of EinHops ask for.
#[test]
fn the_einhops_orders_of_reals_are_within_1e_4() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/einhops/orders.ein");
    let program = Compiler::new().compile_file(path).unwrap();
    let cases: [(&str, &[(&str, i64)]); 4] = [
        ("matvec", &[("I", 16), ("K", 16)]),
        ("chain", &[("I", 4), ("J", 3), ("K", 4), ("L", 4)]),
        ("bilinear", &[("I", 4), ("J", 4), ("K", 4), ("L", 3)]),
        ("scores", &[("B", 2), ("T", 3), ("U", 3), ("H", 2), ("D", 4)]),
    ];
    for (def, sizes) in cases {
        let function = program.def(def).unwrap();
        let packed = function.packed(sizes, &PackOptions { slots: 256, ..PackOptions::default() }).unwrap();
        let bounds = packed.inputs.values().map(|input| (input.name.clone(), 0.25)).collect();
        let engine = Engine::new(packed, Options { bounds, fraction_bits: 15, insecure_toy: true, ..Options::default() }).unwrap();
        let secrets = engine.program().inputs.values().zip(1_u64..).map(|(input, seed)| {
            let shape: Vec<usize> = input.layout.shape.iter().map(|&size| size as usize).collect();
            let number = |n: u64| ((n * n * 37 + n * seed * 11) % 199) as f64 / 400.0 - 0.2475;
            let numbers: Vec<f64> = (0..shape.iter().product::<usize>() as u64).map(number).collect();
            (input.name.clone(), shape, numbers)
        });
        let secrets: Vec<(String, Vec<usize>, Vec<f64>)> = secrets.collect();
        let keys = engine.keygen(&mut rng()).unwrap();
        let numbers: Vec<Numbers> = secrets.iter().map(|(_, _, numbers)| Numbers::Reals(numbers.clone())).collect();
        let inputs = engine.encrypt(&keys.public, &numbers, &mut rng()).unwrap();
        let (outputs, _) = engine.run(&keys.evaluation, &[], &inputs).unwrap();
        let decrypted = engine.decrypt(&keys.secret, &outputs).unwrap();
        let Numbers::Reals(got) = &decrypted[0] else { panic!("{def}: integers") };
        let tensors: Vec<(&str, Tensor)> =
            secrets.iter().map(|(name, shape, numbers)| (name.as_str(), Tensor::from_slice(shape, numbers).unwrap())).collect();
        let clear = function.call(tensors.iter().map(|(name, tensor)| (*name, tensor))).unwrap().into_tensors();
        let clear: Vec<f64> = clear[0].as_slice::<f64>().unwrap().to_vec();
        let worst = clear.iter().zip(got).fold(0.0_f64, |worst, (clear, got)| worst.max((clear - got).abs()));
        assert!(clear.len() == got.len() && worst > 0.0 && worst <= 1e-4, "{def}: {worst}");
    }
}

#[test]
fn costs_are_measured() {
    let measured = ein::costs::measured::measure(16).unwrap();
    assert!(measured.costs.check().is_ok() && measured.rotation > 0.0 && !measured.parameters.insecure);
    assert_eq!(ein::costs::measured::measure(24).unwrap_err().diagnostics()[0].code.0, 719);
}

#[test]
fn a_matrix_product_of_4096_slots_is_right_at_full_security() {
    let engine = agree(&planned("ik,kj->ij", &[&[16, 16], &[16, 16]], "cc", 4096, Contract::Free), false);
    assert!(!engine.parameters().insecure && engine.parameters().degree >= 8192);
}

#[test]
fn a_sigmoid_after_a_layer_is_within_the_bound() {
    let source = "def f<N, D>(x: secret f64[N, D], w: f64[D], b: f64[]) -> y: secret f64[N] {
      u[n] = w[d] * x[n, d] + b;
      y[n] = approx(sigmoid, u[n], on = (-8.0, 8.0), degree <= 7);
    }";
    let function = Compiler::new().compile(source).unwrap().main_def().unwrap();
    let program = function.packed(&[("N", 5), ("D", 6)], &PackOptions { slots: 64, ..PackOptions::default() }).unwrap();
    let engine = agree_within(&program, 1.0, 14, true);
    assert!(
        engine.parameters().plain_moduli.len() > 2 && engine.bounds()[0].error < 2e-2,
        "{:?} {:?}",
        engine.parameters(),
        engine.bounds()
    );
}
