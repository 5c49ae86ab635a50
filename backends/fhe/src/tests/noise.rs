//! The noise that is counted with against that of real ciphertexts.

use super::program;
use crate::noise::{self, Ring};
use crate::scale::Scales;
use crate::{Engine, Numbers, Options};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Ways to a result, as operations on two inputs, a public tensor and a mask.
const WAYS: [&[&str]; 12] = [
    &["rotate c0 by 1", "mul_plain c2, p0"],
    &["rotate c0 by 1", "mask c2, p1"],
    &["mul_plain c0, p0", "rotate c2 by 1", "mul_plain c3, p0"],
    &["rotate c0 by 1", "mul_plain c2, p0", "rotate c3 by 2", "mul_plain c4, p0"],
    &["rotate c0 by 1", "mul c2, c1", "relin c3"],
    &["mul c0, c1", "relin c2", "mask c3, p1"],
    &["mul c0, c1", "relin c2", "mul c3, c3", "relin c4"],
    &["mul_plain c0, p0", "mul c2, c1", "relin c3"],
    &["mask c0, p1", "rotate c2 by 4", "add c2, c3", "mul c4, c4", "relin c5"],
    &["mul c0, c1", "relin c2", "rotate c3 by 1", "add c3, c4", "mul_plain c5, p0", "mul c6, c1", "relin c7"],
    &["mask c0, p1", "mask c2, p1", "mask c3, p1"],
    &["mul c0, c1", "mul_plain c2, p0", "relin c3"],
];

/// Bits between the standard deviation of all coefficients and the largest of some thousands.
const LARGEST: f64 = 3.0;

fn text(way: &[&str]) -> String {
    let ops: String = way.iter().enumerate().map(|(n, op)| format!("  c{} = {op}\n", n + 2)).collect();
    format!(
        "packed \"p\" slots 2048 {{\n  input x0 \"A\": i64[2048] [slots: a0.10-0]\n  input x1 \"B\": i64[2048] [slots: a0.10-0]\n  public w0 \"C\": \
         i64[2048]\n  plain p0 = w0 at [0 by 1 x 2048 = 0 by 1]\n  plain p1 = 1.0 at [0 by 2 x 512]\n  c0 = input x0[0]\n  c1 = input x1[0]\n{ops}  \
         output \"y\": i64[2048] [slots: a0.10-0] = (c{})\n}}\n",
        way.len() + 1
    )
}

#[test]
fn ciphertexts_have_no_more_noise_than_is_counted_with() {
    let mut random = StdRng::seed_from_u64(3);
    for way in WAYS {
        let program = program(&text(way));
        let bounds = ["A", "B", "C"].map(|name| (name.to_owned(), 3.0)).into();
        let engine = Engine::new(program.clone(), Options { bounds, fraction_bits: 0, ..Options::default() }).unwrap();
        let mut numbers = || Numbers::Integers((0..2048).map(|_| random.random_range(-3..=3)).collect());
        let (secrets, publics) = ([numbers(), numbers()], [numbers()]);
        let keys = engine.keygen(&mut random).unwrap();
        let inputs = engine.encrypt(&keys.public, &secrets, &mut random).unwrap();
        let (outputs, _) = engine.run(&keys.evaluation, &publics, &inputs).unwrap();
        let parameters = engine.parameters();
        let counted = Ring {
            degree: parameters.degree as f64,
            plain_bits: (parameters.plain_moduli[0] as f64).log2(),
            fraction_bits: 0.0,
            moduli: parameters.modulus_bits.len() as f64,
            modulus_bits: parameters.modulus_bits[0] as f64,
        };
        let counted = noise::of_each_output(&program, &Scales::of(&program), counted)[0];
        let ring = crate::ring::Ring::new(parameters, 0).unwrap();
        let (key, value) = (keys.secret.of(0, &ring).unwrap(), outputs.of(0, 0, &ring).unwrap());
        // SAFETY: what takes longer with some secrets than with others is no matter here.
        let found = unsafe { key.measure_noise(&value) }.unwrap() as f64;
        assert!(found <= counted + LARGEST, "{way:?}: {found} bits of noise, {counted:.1} counted with");
    }
}
