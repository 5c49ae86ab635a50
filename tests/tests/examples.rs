//! The examples, run.

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
