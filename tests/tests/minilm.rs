//! The sentence encoder of `examples/minilm` on a small random model, compared with loops over one sentence at a time in double precision.

use ein::ndarray::{Array2, ArrayD, Ix1, Ix2};
use ein::{Compiler, DType, Tensor, TensorRef, io};
use ein_tests::random::Random;
use ein_tests::store::random_tensor;
use std::collections::BTreeMap;
use std::path::PathBuf;

#[path = "../../examples/minilm/model.rs"]
mod model;

const LAYERS: usize = 2;
const HEADS: usize = 3;
const WIDTH: usize = 24;
const INNER: usize = 40;
const WORDS: usize = 50;

/// Sentences of several lengths, one of them a single token.
const SENTENCES: [&[i64]; 4] = [&[1, 7, 7, 49, 2], &[1, 2], &[30], &[1, 0, 12, 5, 44, 45, 2]];

struct Model(BTreeMap<String, Tensor>);

impl Model {
    fn random() -> Self {
        let mut random = Random::new(11);
        let mut tensors = BTreeMap::new();
        let mut add = |name: String, shape: &[usize]| tensors.insert(name, random_tensor(&mut random, DType::F32, shape));
        add("embeddings.word_embeddings.weight".to_owned(), &[WORDS, WIDTH]);
        add("embeddings.position_embeddings.weight".to_owned(), &[9, WIDTH]);
        add("embeddings.token_type_embeddings.weight".to_owned(), &[2, WIDTH]);
        let mut affine = |name: String, shape: &[usize]| {
            add(format!("{name}.weight"), shape);
            add(format!("{name}.bias"), &shape[..1]);
        };
        affine("embeddings.LayerNorm".to_owned(), &[WIDTH]);
        for layer in 0..LAYERS {
            let at = format!("encoder.layer.{layer}");
            for part in ["self.query", "self.key", "self.value", "output.dense"] {
                affine(format!("{at}.attention.{part}"), &[WIDTH, WIDTH]);
            }
            affine(format!("{at}.attention.output.LayerNorm"), &[WIDTH]);
            affine(format!("{at}.intermediate.dense"), &[INNER, WIDTH]);
            affine(format!("{at}.output.dense"), &[WIDTH, INNER]);
            affine(format!("{at}.output.LayerNorm"), &[WIDTH]);
        }
        Self(tensors)
    }

    fn save(&self, name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("ein-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for the test");
        let views: Vec<(&str, TensorRef<'_>)> = self.0.iter().map(|(n, t)| (n.as_str(), t.into())).collect();
        io::save_safetensors(&folder.join("model.safetensors"), &views).expect("written");
        folder
    }

    fn array(&self, name: &str) -> ArrayD<f64> {
        self.0[name].as_array::<f32>().expect("f32").mapv(f64::from)
    }

    fn vector(&self, name: &str) -> Vec<f64> {
        self.array(name).into_dimensionality::<Ix1>().expect("a vector").to_vec()
    }

    fn matrix(&self, name: &str) -> Array2<f64> {
        self.array(name).into_dimensionality::<Ix2>().expect("a matrix")
    }

    fn linear(&self, name: &str, x: &Array2<f64>) -> Array2<f64> {
        let (w, c) = (self.matrix(&format!("{name}.weight")), self.vector(&format!("{name}.bias")));
        Array2::from_shape_fn((x.nrows(), w.nrows()), |(t, o)| c[o] + (0..w.ncols()).map(|i| w[[o, i]] * x[[t, i]]).sum::<f64>())
    }

    fn norm(&self, name: &str, x: &Array2<f64>) -> Array2<f64> {
        let (g, c) = (self.vector(&format!("{name}.weight")), self.vector(&format!("{name}.bias")));
        let n = x.ncols() as f64;
        Array2::from_shape_fn(x.dim(), |(t, d)| {
            let mean = x.row(t).sum() / n;
            let variance = x.row(t).iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
            (x[[t, d]] - mean) / (variance + 1e-12).sqrt() * g[d] + c[d]
        })
    }

    fn attention(&self, at: &str, x: &Array2<f64>) -> Array2<f64> {
        let part = |name: &str| self.linear(&format!("{at}.attention.self.{name}"), x);
        let (q, k, v) = (part("query"), part("key"), part("value"));
        let (tokens, size) = (x.nrows(), WIDTH / HEADS);
        Array2::from_shape_fn(x.dim(), |(s, d)| {
            let head = d / size * size..(d / size + 1) * size;
            let score = |t: usize| head.clone().map(|i| q[[s, i]] * k[[t, i]]).sum::<f64>() / (size as f64).sqrt();
            let largest = (0..tokens).map(score).fold(f64::NEG_INFINITY, f64::max);
            let weights: Vec<f64> = (0..tokens).map(|t| (score(t) - largest).exp()).collect();
            weights.iter().enumerate().map(|(t, w)| w * v[[t, d]]).sum::<f64>() / weights.iter().sum::<f64>()
        })
    }

    /// The vector of one sentence, which has no padding and needs no mask.
    fn encode(&self, ids: &[i64]) -> Vec<f64> {
        let [word, position, kind] = ["word", "position", "token_type"].map(|n| self.matrix(&format!("embeddings.{n}_embeddings.weight")));
        let embedded = Array2::from_shape_fn((ids.len(), WIDTH), |(s, d)| word[[ids[s] as usize, d]] + position[[s, d]] + kind[[0, d]]);
        let mut x = self.norm("embeddings.LayerNorm", &embedded);
        for at in (0..LAYERS).map(|layer| format!("encoder.layer.{layer}")) {
            let mixed = self.linear(&format!("{at}.attention.output.dense"), &self.attention(&at, &x));
            x = self.norm(&format!("{at}.attention.output.LayerNorm"), &(&x + &mixed));
            let inner = self.linear(&format!("{at}.intermediate.dense"), &x).mapv(|z| z * (1.0 + libm::erf(z / 2f64.sqrt())) / 2.0);
            x = self.norm(&format!("{at}.output.LayerNorm"), &(&x + &self.linear(&format!("{at}.output.dense"), &inner)));
        }
        let mean: Vec<f64> = (0..WIDTH).map(|d| x.column(d).sum() / ids.len() as f64).collect();
        let length = mean.iter().map(|m| m * m).sum::<f64>().sqrt();
        mean.iter().map(|m| m / length).collect()
    }
}

/// Sentences one below the other, padded with a token that must not be seen.
fn padded() -> (Array2<i64>, Array2<bool>) {
    let longest = SENTENCES.iter().map(|s| s.len()).max().expect("there are some");
    let there = |(b, s): (usize, usize)| s < SENTENCES[b].len();
    let ids = Array2::from_shape_fn((SENTENCES.len(), longest), |(b, s)| if there((b, s)) { SENTENCES[b][s] } else { 9 });
    (ids, Array2::from_shape_fn((SENTENCES.len(), longest), there))
}

#[test]
fn sentences_of_a_random_model() {
    let random = Model::random();
    let folder = random.save("minilm");
    let weights = model::Weights::load(&folder.join("model.safetensors"), LAYERS, HEADS).unwrap_or_else(|e| panic!("{e}"));
    let program = ein_tests::repository().join("examples/minilm/minilm.ein");
    let (ids, mask) = padded();
    for (opt_level, threads) in [(0, 1), (1, 1), (1, 2)] {
        let compiled = Compiler::new().opt_level(opt_level).threads(threads).compile_file(&program);
        let encode = compiled.and_then(|p| p.def("encode")).unwrap_or_else(|e| panic!("{}", e.render(false)));
        let binder = weights.bind(&encode).unwrap_or_else(|e| panic!("{e}"));
        let bound = binder.shape("ids", &[ids.nrows(), ids.ncols()]).shape("mask", &[mask.nrows(), mask.ncols()]).build();
        let got = bound.and_then(|b| b.call(&[(&ids).into(), (&mask).into()])).unwrap_or_else(|e| panic!("{}", e.render(false)));
        let got = got.array::<f32>("v").expect("f32");
        for (b, sentence) in SENTENCES.iter().enumerate() {
            for (d, expected) in random.encode(sentence).into_iter().enumerate() {
                assert!((f64::from(got[[b, d]]) - expected).abs() < 1e-5, "-O{opt_level}: {b} {d}: {} and {expected}", got[[b, d]]);
            }
        }
    }
    std::fs::remove_dir_all(folder).expect("removed");
}
