//! The examples, run.

use ein::packed::{Contract, PackOptions};
use ein::{Compiler, DType, Tensor, TensorRef};
use ein_runtime::io;

#[path = "../../examples/compile_file.rs"]
#[expect(unreachable_pub, reason = "there it is a program of its own")]
mod compile_file;
#[path = "../../examples/embed.rs"]
#[expect(unreachable_pub, reason = "there it is a program of its own")]
mod embed;
#[path = "../../examples/snapshot.rs"]
#[expect(unreachable_pub, reason = "there it is a program of its own")]
mod snapshot;

#[test]
fn embedding() {
    embed::main().unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn compiling_a_file() {
    compile_file::main().unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn snapshots() {
    snapshot::main().unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn example_programs_pass_the_checker() {
    let folder = ein_tests::repository().join("examples");
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()).filter(|p| p.is_dir()) {
        for file in std::fs::read_dir(entry).expect("a folder").map(|e| e.expect("an entry").path()) {
            if file.extension().is_some_and(|e| e == "ein") {
                let program = Compiler::new().compile_file(&file).unwrap_or_else(|e| panic!("{}", e.render(false)));
                program.check_all().unwrap_or_else(|e| panic!("{}", e.render(false)));
                checked += 1;
            }
        }
    }
    assert!(checked >= 3);
}

/// Rotations of a definition's plan with row-major inputs and results, and of the plan that has no choice of order.
fn rotations(program: &ein::Program, def: &str, sizes: &[(&str, i64)]) -> (usize, usize) {
    let of = |one_shot: bool| {
        let options = PackOptions { contract: Contract::Strict, one_shot, ..PackOptions::default() };
        let function = program.def(def).unwrap_or_else(|e| panic!("{}", e.render(false)));
        function.packed(sizes, &options).unwrap_or_else(|e| panic!("{def}: {}", e.render(false))).counts().rotations
    };
    (of(false), of(true))
}

/// A free choice of the order in slots is never worse than the fixed one, and on four einsums at most what the best compact order takes.
#[test]
fn orders_of_the_einhops_examples() {
    type Case<'a> = (&'a str, &'a [(&'a str, i64)], usize);
    let read = |name: &str| {
        let path = ein_tests::repository().join("examples/einhops").join(name);
        Compiler::new().compile_file(&path).unwrap_or_else(|e| panic!("{}", e.render(false)))
    };
    let benchmarks = read("benchmarks.ein");
    assert_eq!(benchmarks.defs().len(), 15);
    for def in benchmarks.defs() {
        let (ours, fixed) = rotations(&benchmarks, def, &[]);
        assert!(ours <= fixed, "{def}: {ours} rotations, {fixed} in the fixed order");
    }
    let orders = read("orders.ein");
    let cases: [Case; 4] = [
        ("matvec", &[("I", 128), ("K", 128)], 141),
        ("chain", &[("I", 16), ("J", 8), ("K", 8), ("L", 16)], 168),
        ("bilinear", &[("I", 8), ("J", 8), ("K", 16), ("L", 16)], 152),
        ("scores", &[("B", 2), ("T", 5), ("U", 5), ("H", 8), ("D", 16)], 191),
    ];
    for (def, sizes, compact) in cases {
        let (ours, fixed) = rotations(&orders, def, sizes);
        assert!(ours <= fixed && ours <= compact, "{def}: {ours} rotations, {fixed} in the fixed order, {compact} in the best compact one");
    }
}

/// A file with the tensors of a small transformer, and products of some of them, as in `examples/minilm`.
#[test]
fn tensors_of_a_model() {
    let (hidden, inner) = (24, 40);
    let mut random = ein_tests::random::Random::new(3);
    let mut tensors: Vec<(String, Tensor)> = Vec::new();
    let mut add = |name: String, shape: &[usize]| tensors.push((name, ein_tests::store::random_tensor(&mut random, DType::F32, shape)));
    add("embeddings.word_embeddings.weight".to_owned(), &[50, hidden]);
    for layer in 0..2 {
        for part in ["query", "key", "value"] {
            add(format!("encoder.layer.{layer}.attention.self.{part}.weight"), &[hidden, hidden]);
            add(format!("encoder.layer.{layer}.attention.self.{part}.bias"), &[hidden]);
        }
        add(format!("encoder.layer.{layer}.intermediate.dense.weight"), &[inner, hidden]);
    }
    let folder = std::env::temp_dir().join(format!("ein-model-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    let path = folder.join("model.safetensors");
    let views: Vec<(&str, TensorRef<'_>)> = tensors.iter().map(|(n, t)| (n.as_str(), t.into())).collect();
    io::save_safetensors(&path, &views).expect("written");
    let load = |name: &str| io::load(&format!("{}:{name}", path.display())).unwrap_or_else(|e| panic!("{e}"));
    let q = load("encoder.layer.0.attention.self.query.weight");
    let k = load("encoder.layer.0.attention.self.key.weight");
    let product = ein::einsum("oh,ph->op", &[q.view(), k.view()]).unwrap_or_else(|e| panic!("{e}"));
    let expected = q
        .view()
        .as_array::<f32>()
        .expect("f32")
        .into_dimensionality::<ndarray::Ix2>()
        .expect("a matrix")
        .dot(&k.view().as_array::<f32>().expect("f32").into_dimensionality::<ndarray::Ix2>().expect("a matrix").t());
    let expected = Tensor::from_array(&expected).expect("small");
    ein_tests::compare::close(&product, &expected, 1e-6).unwrap_or_else(|e| panic!("{e}"));
    // A misspelt name shows the nearest one.
    let missing = io::load(&format!("{}:encoder.layer.0.attention.self.querry.weight", path.display())).expect_err("no such tensor");
    let text = ein::Error::from(missing).render(false);
    assert!(text.contains("E0904") && text.contains("encoder.layer.0.attention.self.query.weight"), "{text}");
    std::fs::remove_dir_all(folder).expect("removed");
}
