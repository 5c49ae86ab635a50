//! Times, for people: `cargo test --release -p ein-cranelift -- --ignored --nocapture measure`.

use super::harness::{Builder, at, count};
use crate::emit::asm;
use crate::jit::Cranelift;
use crate::jit::testing::nanoseconds_a_call;
use crate::target::Target;
use ein_ir::entity::Local;
use ein_ir::kernel::{KernelModule, Op, OpConst, ScalarType, Stmt, Type, verify::verify};
use ein_ir::verified::Verified;
use std::time::Instant;

/// `dst[i, j] = Σk lhs[i, k] rhs[k, j]` in tiles of `rows` x 8, all extents multiples of the tile.
fn tiled_product(m: i64, n: i64, k: i64, rows: i64) -> Verified<KernelModule> {
    let mut b = Builder::new("product");
    let buffer = |b: &mut Builder, output, length: i64| {
        let length = usize::try_from(length).unwrap();
        if output { b.output(ScalarType::F32, length) } else { b.input(ScalarType::F32, length) }
    };
    let (lhs, rhs, dst) = (buffer(&mut b, false, m * k), buffer(&mut b, false, k * n), buffer(&mut b, true, m * n));
    let (scalar, vector) = (Type::scalar(ScalarType::F32), Type::vector(ScalarType::F32).unwrap());
    let (i, j, l, x, splat) = (b.index(), b.index(), b.index(), b.local(scalar), b.local(vector));
    let columns: Vec<Local> = (0..2).map(|_| b.local(vector)).collect();
    let sums: Vec<Vec<Local>> = (0..rows).map(|_| (0..2).map(|_| b.local(vector)).collect()).collect();
    let mut inner: Vec<Stmt> = (0..2).map(|c| Stmt::Set(columns[c], Op::Load(at(rhs, 4 * c as i64, &[(l, n), (j, 1)])))).collect();
    for (row, sums) in sums.iter().enumerate() {
        inner.push(Stmt::Set(x, Op::Load(at(lhs, row as i64 * k, &[(i, k), (l, 1)]))));
        inner.push(Stmt::Set(splat, Op::Splat(x)));
        inner.extend(sums.iter().zip(&columns).map(|(&sum, &column)| Stmt::Set(sum, Op::Fma(splat, column, sum))));
    }
    let mut tile: Vec<Stmt> = sums.iter().flatten().map(|&sum| Stmt::Set(sum, Op::Const(OpConst::F32(0)))).collect();
    tile.push(count(l, 0, k, 1, inner));
    for (row, sums) in sums.iter().enumerate() {
        let place = |c: usize| at(dst, row as i64 * n + 4 * c as i64, &[(i, n), (j, 1)]);
        tile.extend(sums.iter().enumerate().map(|(c, &sum)| Stmt::Store(place(c), sum)));
    }
    b.kernel(1, vec![count(i, 0, m, rows, vec![count(j, 0, n, 8, tile)])]);
    b.verified()
}

/// `out[i] = a[i] * b[i] + 1` in vectors.
fn pointwise(n: i64) -> Verified<KernelModule> {
    let mut b = Builder::new("pointwise");
    let length = usize::try_from(n).unwrap();
    let (x, y, out) = (b.input(ScalarType::F32, length), b.input(ScalarType::F32, length), b.output(ScalarType::F32, length));
    let vector = Type::vector(ScalarType::F32).unwrap();
    let (i, u, v, one) = (b.index(), b.local(vector), b.local(vector), b.local(vector));
    let body = vec![
        Stmt::Set(u, Op::Load(at(x, 0, &[(i, 1)]))),
        Stmt::Set(v, Op::Load(at(y, 0, &[(i, 1)]))),
        Stmt::Set(u, Op::Fma(u, v, one)),
        Stmt::Store(at(out, 0, &[(i, 1)]), u),
    ];
    b.kernel(1, vec![Stmt::Set(one, Op::Const(OpConst::F32(1f32.to_bits()))), count(i, 0, n, 4, body)]);
    b.verified()
}

#[test]
#[ignore = "prints times"]
fn measure() {
    let start = Instant::now();
    let backend = Cranelift::new(Target::HOST).unwrap();
    eprintln!("back end: {:.3} ms", start.elapsed().as_secs_f64() * 1e3);
    for (module, flops) in [
        (tiled_product(4, 8, 4, 4), 2.0 * 4.0 * 8.0 * 4.0),
        (tiled_product(192, 192, 192, 4), 2.0 * 192f64.powi(3)),
        (tiled_product(192, 192, 192, 6), 2.0 * 192f64.powi(3)),
        (pointwise(4096), 2.0 * 4096.0),
    ] {
        let mut fastest = f64::INFINITY;
        for _ in 0..20 {
            let start = Instant::now();
            let compiled = backend.compile(&module).unwrap();
            fastest = fastest.min(start.elapsed().as_secs_f64());
            drop(compiled);
        }
        let compiled = backend.compile(&module).unwrap();
        let ns = nanoseconds_a_call(&module, &compiled);
        eprintln!(
            "{}: compile {:.3} ms, {} bytes, call {ns:.1} ns, {:.2} GFLOP/s",
            module.name,
            fastest * 1e3,
            compiled.code_bytes(),
            flops / ns
        );
    }
    eprintln!("{}", asm(&tiled_product(192, 192, 192, 4), Target::HOST).unwrap());
    eprintln!("{}", asm(&pointwise(4096), Target::HOST).unwrap());
    let mut many = tiled_product(8, 8, 8, 4).into_inner();
    for _ in 0..20 {
        let next = many.kernels.values().next().cloned().unwrap();
        many.kernels.push(next);
    }
    let many = verify(many).unwrap();
    let start = Instant::now();
    drop(backend.compile(&many).unwrap());
    eprintln!("{} kernels: {:.3} ms", many.kernels.len(), start.elapsed().as_secs_f64() * 1e3);
}
