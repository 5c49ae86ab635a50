//! The fourteen programs: those of this version lower, the others are refused in one sentence.

use super::{checked, lines};

fn source(name: &str) -> String {
    let path = format!("{}/../../tests/cases/programs/{name}.ein", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// What becomes of each def: `ok`, or what is missing.
#[track_caller]
fn outcomes(name: &str, expected: &[(&str, &str)]) {
    let program = checked(&source(name)).unwrap_or_else(|d| panic!("{name}\n{}", lines(&d)));
    let outcome = |def: &str| program.lower(def).map_or_else(|d| lines(&d), |_| "ok".to_owned());
    let found: Vec<(&str, String)> = program.defs().into_iter().map(|def| (def, outcome(def))).collect();
    let missing = |what: &str| format!("E0190 {what} not in this version of the compiler");
    let expected: Vec<(&str, String)> =
        expected.iter().map(|(def, what)| (*def, if *what == "ok" { "ok".to_owned() } else { missing(what) })).collect();
    assert_eq!(found, expected, "{name}");
}

#[test]
fn programs_of_the_core_lower() {
    outcomes("01_matmul", &[("matmul", "ok")]);
    outcomes("03_attention", &[("attention", "ok")]);
    outcomes("04_conv2d", &[("conv2d", "ok"), ("conv1d_valid", "ok"), ("maxpool", "ok")]);
    outcomes("06_mttkrp", &[("mttkrp", "ok")]);
    outcomes("07_ttlayer", &[("tt_linear", "ok")]);
    outcomes("08_shortest_path", &[("minplus", "ok"), ("all_pairs", "ok")]);
    outcomes("10_embedding", &[("embed", "ok"), ("embed_counts", "ok")]);
    outcomes("09_ssm", &[("ssm", "ok")]);
    outcomes("11_fft", &[("dft", "ok"), ("fft_step", "ok")]);
    outcomes("12_lowrank", &[("lora", "ok"), ("compressed", "the structure `lowrank` is")]);
}

#[test]
fn programs_beyond_the_core_are_refused_in_one_sentence() {
    outcomes("02_softmax", &[("softmax", "ok")]);
    outcomes("05_layernorm", &[("layernorm", "ok")]);
    outcomes("13_encrypted", &[("private_score", "ok")]);
    outcomes("14_gradient", &[("mlp_loss", "`softmax` is declared by `use`, and that is"), ("mlp_step", "`derive mlp_step` is")]);
}

/// A fact about an input may be ignored where storage is dense; what permits an approximation or claims something of a result may not.
#[test]
fn facts_about_inputs_are_read() {
    let program = |param: &str, result: &str| format!("def f<N>(A: {param} f32[N, N]) -> B: {result} f32[N, N] {{ B[i, j] = A[j, i]; }}");
    let outcome =
        |source: &str| checked(source).unwrap_or_else(|d| panic!("{}", lines(&d))).lower("f").map_or_else(|d| lines(&d), |_| String::new());
    for fact in ["sym", "tri(lower)", "banded(1, 2)", "sparse(csr)", "sparse", "sym sparse(coo)"] {
        assert_eq!(outcome(&program(fact, "")), "", "{fact}");
    }
    for (param, result, what) in [("lowrank(rank <= 4)", "", "lowrank"), ("sparse(foo)", "", "sparse"), ("", "sym", "sym")] {
        assert_eq!(outcome(&program(param, result)), format!("E0190 the structure `{what}` is not in this version of the compiler"));
    }
}
