//! Small circuits on real ciphertexts, compared with the simulator that is their meaning; keys are made once.
//!
//! A file of `circuits/` has a program in its comments, and below what `ein emit --stage tfhe` makes of it.

use ein_ir::circuit::{InputDecl, parse::parse, verify::verify};
use ein_ir::interp;
use ein_tfhe::{Report, decrypt_results, encrypt_operands, execute, generate_keys};
use std::path::Path;

/// Numbers of a range, other ones for another seed.
fn numbers(decl: &InputDecl, seed: i128) -> Vec<i128> {
    let (lo, hi) = decl.range;
    let n: u64 = decl.shape.iter().product();
    (0..i128::from(n)).map(|at| lo + (seed + 7 * at * at + 3 * at).rem_euclid(hi - lo + 1)).collect()
}

#[test]
fn ciphertexts_agree_with_the_simulator() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/circuits");
    let mut files: Vec<_> = folder.read_dir().expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(files.len() >= 5, "{files:?}");
    let (client, server) = generate_keys();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("readable");
        let circuit = verify(parse(&text).expect("a circuit")).expect("a right one");
        for seed in [1, 5] {
            let given: Vec<Vec<i128>> = circuit.inputs.values().map(|decl| numbers(decl, seed)).collect();
            let operands = encrypt_operands(&client, &circuit, &given).expect("in their ranges");
            let (results, report) = execute(&server, &circuit, &operands).expect("it runs");
            let expected = interp::circuit::run(&circuit, &given).expect("it runs in the clear");
            assert_eq!(decrypt_results(&client, &circuit, &results).expect("in their ranges"), expected, "{}: {given:?}", file.display());
            assert_eq!(report, Report::expected(&circuit), "{}", file.display());
        }
        println!("{}: {}", circuit.name, circuit.summary());
    }
}
