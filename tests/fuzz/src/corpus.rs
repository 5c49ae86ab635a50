//! Inputs to start from: the programs of the repository and small files made by code.

use ein_runtime::{Tensor, io};
use ein_tests::random::Random;
use ein_tests::{generate, repository, spec};
use std::io::Write;
use std::path::PathBuf;

/// A file of this process that targets read from.
#[must_use]
pub fn scratch(name: &str) -> PathBuf {
    // In memory where the system has such a folder: targets write thousands of files a second.
    let shared = PathBuf::from("/dev/shm");
    let folder = if shared.is_dir() { shared } else { std::env::temp_dir() };
    folder.join(format!("ein-fuzz-{}-{name}", std::process::id()))
}

/// Every program of the repository, of its error pages and of its reference, and some random ones.
///
/// # Panics
/// If the repository cannot be read.
#[must_use]
pub fn programs() -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    for file in ein::format::programs(&[repository()]).expect("readable") {
        found.extend(std::fs::read(file));
    }
    let reference = std::fs::read_to_string(repository().join("grammar/README.md")).expect("readable");
    let pages: Vec<&str> = ein::pages::codes().into_iter().filter_map(ein::pages::page).collect();
    for text in pages.into_iter().chain([reference.as_str()]) {
        found.extend(text.split("```").skip(1).step_by(2).map(|block| block.trim_start_matches(|c| c != '\n').as_bytes().to_vec()));
    }
    found.extend((0..40).map(|seed| generate::program(seed).source.into_bytes()));
    found
}

/// Classic einsum strings, each behind a line of shapes.
#[must_use]
pub fn strings() -> Vec<Vec<u8>> {
    let text = |seed| {
        let spec = spec::spec(seed);
        let shapes: Vec<String> = spec.operands.iter().map(|(_, s)| s.iter().map(usize::to_string).collect::<Vec<_>>().join("x")).collect();
        format!("{}\n{}", shapes.join(" "), spec.equation).into_bytes()
    };
    (0..60).map(text).collect()
}

/// Bytes that choose a program and changes to it.
#[must_use]
pub fn choices() -> Vec<Vec<u8>> {
    let mut random = Random::new(1);
    (0..400).map(|n: usize| (0..if n.is_multiple_of(2) { 8 } else { 24 }).map(|_| random.bits() as u8).collect()).collect()
}

/// Small tensors of every kind that files have.
fn tensors() -> Vec<Tensor> {
    let f = |shape: &[usize]| {
        let n: usize = shape.iter().product();
        Tensor::from_slice(shape, &(0..n).map(|i| if i == 1 { f32::NAN } else { i as f32 }).collect::<Vec<f32>>()).expect("fits")
    };
    let mut tensors = vec![f(&[]), f(&[0]), f(&[3]), f(&[2, 3]), f(&[1, 0, 4]), f(&[1; 20])];
    tensors.push(Tensor::from_slice(&[5], &[true, false, true, true, false]).expect("fits"));
    tensors.push(Tensor::from_slice(&[2, 2], &[1i8, -1, 127, -128]).expect("fits"));
    tensors.push(Tensor::from_slice(&[2], &[u64::MAX, 0]).expect("fits"));
    tensors.push(Tensor::from_slice(&[4], &[f64::INFINITY, -0.0, f64::NAN, 1e300]).expect("fits"));
    tensors
}

fn written(name: &str, write: impl Fn(&PathBuf) -> Result<(), ein_runtime::Error>) -> Vec<u8> {
    let path = scratch(name);
    write(&path).expect("written");
    let bytes = std::fs::read(&path).expect("readable");
    let _ = std::fs::remove_file(&path);
    bytes
}

/// `.npy` files, two of them of other writers.
#[must_use]
pub fn npy() -> Vec<Vec<u8>> {
    let mut files: Vec<Vec<u8>> = tensors().iter().map(|t| written("seed.npy", |path| io::save_npy(path, &t.into()))).collect();
    let header = |text: &str, elements: &[u8]| {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend(elements);
        bytes
    };
    files.push(header("{'descr': '>f4', 'fortran_order': True, 'shape': (2, 2), }\n", &[0; 16]));
    files.push(header("{\"shape\":(1,),\"descr\":\"<c16\",\"fortran_order\":False}", &[0; 16]));
    files
}

/// `.npz` files, stored and deflated.
///
/// # Panics
/// If a file cannot be made.
#[must_use]
pub fn npz() -> Vec<Vec<u8>> {
    let tensors = tensors();
    let stored = |range: std::ops::Range<usize>| {
        let names: Vec<String> = range.clone().map(|n| format!("t{n}")).collect();
        let named: Vec<(&str, ein_runtime::TensorRef<'_>)> =
            names.iter().map(String::as_str).zip(tensors[range.clone()].iter().map(Into::into)).collect();
        written("seed.npz", |path| io::save_npz(path, &named))
    };
    let deflated = |bytes: &[u8]| {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        archive.start_file("x.npy", options).expect("in memory");
        archive.write_all(bytes).expect("in memory");
        archive.finish().expect("in memory").into_inner()
    };
    let mut files = vec![stored(0..1), stored(2..3), stored(0..4), stored(4..tensors.len())];
    files.extend(npy().iter().map(|bytes| deflated(bytes)));
    files.push(deflated(&[npy()[2].clone(), vec![0; 100_000]].concat()));
    files
}

/// `.safetensors` files.
#[must_use]
pub fn safetensors() -> Vec<Vec<u8>> {
    let tensors = tensors();
    let one = |t: &Tensor| written("seed.safetensors", |path| io::save_safetensors(path, &[("x", t.into())]));
    let mut files: Vec<Vec<u8>> = tensors.iter().map(one).collect();
    files.push(written("seed.safetensors", |path| io::save_safetensors(path, &[("a", (&tensors[2]).into()), ("b", (&tensors[3]).into())])));
    files
}
