//! How near sentences are to each other: `minilm.ein` on the weights that `fetch.sh` fetches.
//!
//!     examples/minilm/fetch.sh minilm
//!     cargo run --release -p ein-minilm -- minilm "A cat sits." "A kitten rests." "Stocks fell."
#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use ein::Compiler;
use ein::ndarray::{Array2, Ix2};
use std::path::Path;
use std::time::Instant;
use tokenizers::{PaddingParams, Tokenizer, TruncationParams};

mod model;

type Error = Box<dyn std::error::Error>;

/// Sentences where none are given.
const SENTENCES: [&str; 4] =
    ["The cat sits on the mat.", "A kitten is resting on a rug.", "Stock prices fell sharply on Monday.", "Tensor networks contract."];

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: minilm FOLDER [SENTENCE…] [--save FILE.npy]")?;
    let mut given: Vec<String> = arguments.collect();
    let save = given.iter().position(|a| a == "--save").map(|at| given.split_off(at));
    let sentences = if given.is_empty() { SENTENCES.map(str::to_owned).to_vec() } else { given };

    let (ids, mask) = tokenise(&Path::new(&folder).join("tokenizer.json"), &sentences)?;
    let started = Instant::now();
    let encode = Compiler::new().compile_file(Path::new(env!("CARGO_MANIFEST_DIR")).join("minilm.ein"))?.def("encode")?;
    let weights = model::Weights::load(&Path::new(&folder).join("model.safetensors"), 6, 12)?;
    let bound = weights.bind(&encode)?.shape("ids", &[ids.nrows(), ids.ncols()]).shape("mask", &[mask.nrows(), mask.ncols()]).build()?;
    let ready = started.elapsed();

    let mut vectors = Array2::<f32>::zeros((ids.nrows(), 384));
    bound.call_into(&[(&ids).into(), (&mask).into()], &mut [(&mut vectors).into()])?;
    let started = Instant::now();
    bound.call_into(&[(&ids).into(), (&mask).into()], &mut [(&mut vectors).into()])?;
    let took = started.elapsed() / u32::try_from(sentences.len())?;

    let near = ein::einsum("ad,bd->ab", &[(&vectors).into(), (&vectors).into()])?.into_array::<f32>()?.into_dimensionality::<Ix2>()?;
    for (sentence, row) in sentences.iter().zip(near.rows()) {
        println!("{}  {sentence}", row.iter().map(|x| format!("{x:6.3}")).collect::<String>());
    }
    println!("ready in {ready:.1?}, {took:.2?} a sentence of {} tokens", ids.ncols());
    if let Some([_, file]) = save.as_deref() {
        ein::io::save_npy(Path::new(file), &(&vectors).into())?;
    }
    Ok(())
}

/// Token ids of all sentences, padded to the longest, and which of them are there.
fn tokenise(file: &Path, sentences: &[String]) -> Result<(Array2<i64>, Array2<bool>), Error> {
    let mut tokenizer = Tokenizer::from_file(file).map_err(|e| e.to_string())?;
    tokenizer.with_padding(Some(PaddingParams::default()));
    tokenizer.with_truncation(Some(TruncationParams { max_length: 256, ..TruncationParams::default() })).map_err(|e| e.to_string())?;
    let encodings = tokenizer.encode_batch(sentences.to_vec(), true).map_err(|e| e.to_string())?;
    let shape = (encodings.len(), encodings.first().map_or(0, |e| e.len()));
    let ids = encodings.iter().flat_map(|e| e.get_ids()).map(|id| i64::from(*id)).collect();
    let mask = encodings.iter().flat_map(|e| e.get_attention_mask()).map(|there| *there == 1).collect();
    Ok((Array2::from_shape_vec(shape, ids)?, Array2::from_shape_vec(shape, mask)?))
}
