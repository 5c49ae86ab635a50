//! The fourteen programs: those of this version lower, the others are refused in one sentence.

use super::{checked, lines};

fn source(name: &str) -> String {
    let path = format!("{}/../../tests/cases/programs/{name}.ein", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// What becomes of each def: `ok`, or the refusal.
fn outcomes(name: &str) -> Vec<(String, String)> {
    let program = checked(&source(name)).unwrap_or_else(|d| panic!("{name}\n{}", lines(&d)));
    let outcome = |def: &str| program.lower(def).map_or_else(|d| lines(&d), |_| "ok".to_owned());
    program.defs().into_iter().map(|def| (def.to_owned(), outcome(def))).collect()
}

#[test]
fn dump() {
    for n in ["01_matmul","02_softmax","03_attention","04_conv2d","05_layernorm","06_mttkrp","07_ttlayer","08_shortest_path","09_ssm","10_embedding","11_fft","12_lowrank","13_encrypted","14_gradient"] {
        let p = super::checked(&source(n));
        match p { Err(d) => println!("== {n} ERR {}", lines(&d)), Ok(p) => for d in p.defs() {
            match p.lower(d) { Ok(m) => println!("== {n} {d}\n{}", m.to_string()), Err(e) => println!("== {n} {d} {}", lines(&e)) }
        } }
    }
}
