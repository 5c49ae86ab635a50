//! Compile time in a warm process, and the cost of a call of a tiny einsum.
//!
//! `cargo bench --bench compile` prints medians: text to machine code of a program of five equations and of one of 34, the same for `ij,jk->ik` on
//! 8 x 8, and one `call_into` of that.

#![allow(clippy::print_stdout, missing_docs, reason = "a benchmark prints its table")]

use ein::{Compiler, Einsum, Tensor, TensorMut, TensorRef};
use ein_benches::{median, time};
use std::hint::black_box;

const FIVE_EQUATIONS: &str = include_str!("programs/attention.ein");
/// Three blocks of a transformer.
const BLOCKS: &str = include_str!("programs/three_blocks.ein");

/// What it is, the source, and sizes.
type Case = (&'static str, &'static str, &'static [(&'static str, i64)]);

fn main() -> Result<(), ein::Error> {
    let compiler = Compiler::new().threads(1);
    let cases: [Case; 2] = [
        ("attention, five equations", FIVE_EQUATIONS, &[("B", 2), ("H", 4), ("Q", 64), ("K", 64), ("D", 32)]),
        ("three transformer blocks, 34 equations", BLOCKS, &[("S", 64), ("D", 64), ("F", 256)]),
    ];
    for (name, source, sizes) in cases {
        let seconds = median_of(101, || {
            let program = compiler.compile(black_box(source)).expect("the program is right");
            let function = program.main_def().expect("it has a def");
            let bound = sizes.iter().fold(function.bind(), |binder, (name, value)| binder.size(name, *value)).build();
            black_box(bound.expect("the sizes fit"));
        });
        println!("{name}, text to code: {:.2} ms", seconds * 1e3);
    }

    let a = Tensor::zeros(ein::DType::F32, &[8, 8])?;
    let views: [TensorRef<'_>; 2] = [(&a).into(), (&a).into()];
    let tiny = median_of(101, || {
        let einsum = Einsum::with_compiler(black_box("ij,jk->ik"), compiler.clone()).expect("the string is right");
        black_box(einsum.bound(&views).expect("the shapes fit"));
    });
    println!("ij,jk->ik on 8 x 8, text to code: {:.2} ms", tiny * 1e3);

    let bound = Einsum::with_compiler("ij,jk->ik", compiler)?.bound(&views)?;
    let mut out = Tensor::zeros(ein::DType::F32, &[8, 8])?;
    let mut call = || bound.call_into(black_box(&views), &mut [TensorMut::from(&mut out)]).expect("the call succeeds");
    let mut rounds: Vec<f64> = (0..31).map(|_| time(100_000, &mut call)).collect();
    println!("ij,jk->ik on 8 x 8, one call: {:.0} ns", median(&mut rounds) * 1e9);
    Ok(())
}

fn median_of(rounds: usize, mut f: impl FnMut()) -> f64 {
    let mut seconds: Vec<f64> = (0..rounds).map(|_| time(1, &mut f)).collect();
    median(&mut seconds)
}
