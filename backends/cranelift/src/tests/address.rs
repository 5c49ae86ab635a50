//! Addresses: every form, against the same loops in Rust.

use super::harness::{Builder, at, count, f32s, i64s, int, to_f32s, to_i64s};
use crate::jit::testing::Argument;
use ein_ir::kernel::{Address, BinaryOp, Coefficient, Op, OpConst, Operand, Place, ScalarType, Stmt, Type};

fn ramp(n: usize) -> Vec<i64> {
    (0..n as i64).map(|i| i * i + 1).collect()
}

#[test]
fn a_product_of_matrices() {
    let (m, n, k) = (5, 7, 3);
    let mut b = Builder::new("product");
    let (lhs, rhs, dst) = (b.input(ScalarType::F32, m * k), b.input(ScalarType::F32, k * n), b.output(ScalarType::F32, m * n));
    let f32 = Type::scalar(ScalarType::F32);
    let (i, j, l, x, y, sum) = (b.index(), b.index(), b.index(), b.local(f32), b.local(f32), b.local(f32));
    let (mi, ni, ki) = (m as i64, n as i64, k as i64);
    let inner = vec![
        Stmt::Set(x, Op::Load(at(lhs, 0, &[(i, ki), (l, 1)]))),
        Stmt::Set(y, Op::Load(at(rhs, 0, &[(l, ni), (j, 1)]))),
        Stmt::Set(x, Op::Binary(BinaryOp::Mul, x, y)),
        Stmt::Set(sum, Op::Binary(BinaryOp::Add, sum, x)),
    ];
    let cell =
        vec![Stmt::Set(sum, Op::Const(OpConst::F32(0))), count(l, 0, ki, 1, inner), Stmt::Store(at(dst, 0, &[(i, ni), (j, 1)]), sum)];
    b.kernel(1, vec![count(i, 0, mi, 1, vec![count(j, 0, ni, 1, cell)])]);
    let a: Vec<f32> = (0..m * k).map(|i| i as f32 - 3.5).collect();
    let c: Vec<f32> = (0..k * n).map(|i| 1.0 / (i as f32 + 1.0)).collect();
    let (_, after) = b.run(&[f32s(&a), f32s(&c), vec![0; 4 * m * n]]);
    let cell = |i: usize, j: usize| (0..k).fold(0.0, |sum, l| sum + a[i * k + l] * c[l * n + j]);
    let want: Vec<f32> = (0..m).flat_map(|i| (0..n).map(move |j| (i, j))).map(|(i, j)| cell(i, j)).collect();
    assert_eq!(to_f32s(&after[2]), want);
}

/// Copies `out[i, j] = in[address]` with a given address and compares with the address in Rust.
fn gather(name: &str, n_in: usize, address: &dyn Fn(&Address) -> Address, index: &dyn Fn(i64, i64) -> i64) {
    let (rows, columns) = (6i64, 5i64);
    let mut b = Builder::new(name);
    let (input, out) = (b.input(ScalarType::I64, n_in), b.output(ScalarType::I64, 30));
    let (i, j, v) = (b.index(), b.index(), b.index());
    let body = vec![Stmt::Set(v, Op::Load(address(&at(input, 0, &[(i, 1), (j, 1)])))), Stmt::Store(at(out, 0, &[(i, columns), (j, 1)]), v)];
    b.kernel(1, vec![count(i, 0, rows, 1, vec![count(j, 0, columns, 1, body)])]);
    let data = ramp(n_in);
    let (_, after) = b.run(&[i64s(&data), vec![0; 240]]);
    let want: Vec<i64> = (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))).map(|(i, j)| data[index(i, j) as usize]).collect();
    assert_eq!(to_i64s(&after[1]), want, "{name}");
}

#[test]
fn coefficients_of_any_sign_and_size() {
    for (offset, ci, cj) in [(0, 5, 1), (0, 1, 6), (29, -5, -1), (4, 5, -1), (0, 0, 3), (7, 2, 0), (0, 3, 3), (10, 16, -2), (1, -0, 4)] {
        let address = move |a: &Address| {
            let (i, j) = (a.terms[0].0, a.terms[1].0);
            at(a.buffer, offset, &[(i, ci), (j, cj)])
        };
        gather(&format!("{offset} {ci} {cj}"), 128, &address, &|i, j| offset + ci * i + cj * j);
    }
}

#[test]
fn a_variable_may_occur_twice_or_cancel() {
    let twice = |a: &Address| {
        let (i, j) = (a.terms[0].0, a.terms[1].0);
        at(a.buffer, 3, &[(i, 2), (j, 4), (i, 3), (j, -3)])
    };
    gather("twice", 64, &twice, &|i, j| 3 + 5 * i + j);
    let cancel = |a: &Address| {
        let (i, j) = (a.terms[0].0, a.terms[1].0);
        at(a.buffer, 3, &[(i, 2), (j, 4), (j, -4)])
    };
    gather("cancel", 64, &cancel, &|i, _| 3 + 2 * i);
}

#[test]
fn offsets_beyond_32_bits_are_added() {
    // Two terms that take each other back: the constant part alone is far outside of the buffer.
    let far = 1i64 << 40;
    let mut b = Builder::new("far");
    let (input, out) = (b.input(ScalarType::I64, 8), b.output(ScalarType::I64, 8));
    let (i, back, v) = (b.index(), b.index(), b.index());
    let load = Stmt::Set(v, Op::Load(at(input, far, &[(i, 1), (back, -far)])));
    let body = vec![Stmt::Set(back, Op::Load(at(out, 0, &[(i, 1)]))), load, Stmt::Store(at(out, 0, &[(i, 1)]), v)];
    b.kernel(1, vec![count(i, 0, 8, 1, body)]);
    let (_, after) = b.run(&[i64s(&ramp(8)), i64s(&[1; 8])]);
    assert_eq!(to_i64s(&after[1]), ramp(8));
}

#[test]
fn run_time_strides_of_any_sign() {
    let (rows, columns) = (3i64, 4i64);
    for (strides, first) in [([4, 1], 0), ([1, 3], 0), ([-4, 1], 8), ([4, -1], 3), ([0, 2], 1), ([-1, -3], 11)] {
        let mut b = Builder::new("strides");
        let _other = b.strided(ScalarType::I64, 1, 1);
        let (input, out) = (b.strided(ScalarType::I64, 12, 2), b.output(ScalarType::I64, 24));
        let (i, j, v) = (b.index(), b.index(), b.index());
        let term = |local, axis, factor| (local, Coefficient::Stride { axis, factor });
        let plain = Address { buffer: input, offset: 0, terms: vec![term(i, 0, 1), term(j, 1, 1)], stride_offsets: vec![] };
        // The element of the last column, counted from the right: (columns - 1 - j) as an offset of strides and a negative factor.
        let mirrored = Address { terms: vec![term(i, 0, 1), term(j, 1, -1)], stride_offsets: vec![(1, columns - 1)], ..plain.clone() };
        let body = vec![
            Stmt::Set(v, Op::Load(plain)),
            Stmt::Store(at(out, 0, &[(i, columns), (j, 1)]), v),
            Stmt::Set(v, Op::Load(mirrored)),
            Stmt::Store(at(out, 12, &[(i, columns), (j, 1)]), v),
        ];
        b.kernel(1, vec![count(i, 0, rows, 1, vec![count(j, 0, columns, 1, body)])]);
        let data = ramp(12);
        let arguments = [i64s(&[0]), i64s(&data), vec![0; 192]]
            .map(|bytes| Argument { bytes, first: 0 })
            .into_iter()
            .enumerate()
            .map(|(slot, a)| if slot == 1 { Argument { first: 8 * first, ..a } } else { a })
            .collect::<Vec<_>>();
        let (_, after) = b.run_strided(&arguments, &[99, strides[0], strides[1]]);
        let at = |i: i64, j: i64| data[(first as i64 + i * strides[0] as i64 + j * strides[1] as i64) as usize];
        let cells = || (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j)));
        let want: Vec<i64> = cells().map(|(i, j)| at(i, j)).chain(cells().map(|(i, j)| at(i, columns - 1 - j))).collect();
        assert_eq!(to_i64s(&after[2]), want, "{strides:?}");
    }
}

#[test]
fn indices_computed_in_the_loop_are_followed() {
    // out[p[i] * 2 + j] = i * 10 + j: a scatter, with a variable that each turn sets anew.
    let mut b = Builder::new("scatter");
    let (p, out) = (b.input(ScalarType::I64, 4), b.output(ScalarType::I64, 8));
    let (i, j, row, v, ten) = (b.index(), b.index(), b.index(), b.index(), b.index());
    let inner = vec![
        Stmt::Set(v, Op::Binary(BinaryOp::Mul, i, ten)),
        Stmt::Set(v, Op::Binary(BinaryOp::Add, v, j)),
        Stmt::Store(at(out, 0, &[(row, 2), (j, 1)]), v),
    ];
    let body = vec![Stmt::Set(row, Op::Load(at(p, 0, &[(i, 1)]))), count(j, 0, 2, 1, inner)];
    b.kernel(1, vec![Stmt::Set(ten, int(10)), count(i, 0, 4, 1, body)]);
    let (_, after) = b.run(&[i64s(&[2, 0, 3, 1]), vec![0; 64]]);
    assert_eq!(to_i64s(&after[1]), [10, 11, 30, 31, 0, 1, 20, 21]);
}

#[test]
fn a_variable_that_changes_inside_of_the_loop_is_not_hoisted() {
    // A running position: pos += 3 in each turn, then read at pos.
    let mut b = Builder::new("running");
    let (input, out) = (b.input(ScalarType::I64, 32), b.output(ScalarType::I64, 8));
    let (i, pos, three, v) = (b.index(), b.index(), b.index(), b.index());
    let body = vec![
        Stmt::Set(pos, Op::Binary(BinaryOp::Add, pos, three)),
        Stmt::Set(v, Op::Load(at(input, 1, &[(pos, 1)]))),
        Stmt::Store(at(out, 0, &[(i, 1)]), v),
    ];
    b.kernel(1, vec![Stmt::Set(three, int(3)), Stmt::Set(pos, int(0)), count(i, 0, 8, 1, body)]);
    let (_, after) = b.run(&[i64s(&ramp(32)), vec![0; 64]]);
    assert_eq!(to_i64s(&after[1]), (0..8).map(|i| ramp(32)[1 + 3 * (i + 1)]).collect::<Vec<_>>());
}

#[test]
fn arenas_and_constants_have_addresses() {
    let mut b = Builder::new("places");
    let out = b.output(ScalarType::I64, 4);
    let arena = b.buffer("scratch", ScalarType::I64, 4, Place::Arena { offset: 64 });
    let constant = b.buffer("primes", ScalarType::I64, 4, Place::Constant(i64s(&[2, 3, 5, 7])));
    b.module.arena_bytes = 128;
    let (i, v) = (b.index(), b.index());
    let copy =
        |from, to, i, v| count(i, 0, 4, 1, vec![Stmt::Set(v, Op::Load(at(from, 0, &[(i, 1)]))), Stmt::Store(at(to, 3, &[(i, -1)]), v)]);
    b.kernel(1, vec![copy(constant, arena, i, v)]);
    let (i, v) = (b.index(), b.index());
    b.kernel(1, vec![copy(arena, out, i, v)]);
    let (_, after) = b.run(&[vec![0; 32]]);
    assert_eq!(to_i64s(&after[0]), [2, 3, 5, 7]);
}

#[test]
fn loops_may_start_at_a_variable() {
    // Sums of the rows of a triangle: j in i..n, with steps of 8 and 24 bytes.
    let n = 6i64;
    let mut b = Builder::new("triangle");
    let (input, out) = (b.input(ScalarType::I64, 200), b.output(ScalarType::I64, 6));
    let (i, j, v, sum, end) = (b.index(), b.index(), b.index(), b.index(), b.index());
    let mut inner = Vec::new();
    for c in [1, 3, -1] {
        inner.push(Stmt::Set(v, Op::Load(at(input, 50, &[(i, 7), (j, c)]))));
        inner.push(Stmt::Set(sum, Op::Binary(BinaryOp::Add, sum, v)));
    }
    let row = ein_ir::kernel::Loop { var: j, lo: Operand::Local(i), hi: Operand::Local(end), step: 1, body: inner };
    let body = vec![Stmt::Set(sum, int(0)), Stmt::Loop(row), Stmt::Store(at(out, 0, &[(i, 1)]), sum)];
    b.kernel(1, vec![Stmt::Set(end, int(n - 1)), Stmt::Set(end, int(n)), count(i, 0, n, 1, body)]);
    let data = ramp(200);
    let (_, after) = b.run(&[i64s(&data), vec![0; 48]]);
    let cell = |i: i64, j: i64| [1, 3, -1].iter().map(|c| data[(50 + 7 * i + c * j) as usize]).sum::<i64>();
    let want: Vec<i64> = (0..n).map(|i| (i..n).map(|j| cell(i, j)).sum()).collect();
    assert_eq!(to_i64s(&after[1]), want);
}

#[test]
fn buffers_that_share_memory_see_each_others_writes() {
    // Two names of one piece of the arena: what is read after the write is the written value.
    let mut b = Builder::new("in place");
    let out = b.output(ScalarType::I64, 8);
    let old = b.buffer("old", ScalarType::I64, 4, Place::Arena { offset: 0 });
    let new = b.buffer("new", ScalarType::I64, 4, Place::Arena { offset: 0 });
    b.module.arena_bytes = 64;
    let (i, v) = (b.index(), b.index());
    b.kernel(1, vec![count(i, 0, 4, 1, vec![Stmt::Store(at(old, 0, &[(i, 1)]), i)]), Stmt::Set(v, int(0))]);
    let (i, v, w) = (b.index(), b.index(), b.index());
    let body = vec![
        Stmt::Set(v, Op::Load(at(old, 0, &[(i, 1)]))),
        Stmt::Set(w, Op::Binary(BinaryOp::Mul, v, v)),
        Stmt::Store(at(new, 0, &[(i, 1)]), w),
        Stmt::Set(w, Op::Load(at(old, 0, &[(i, 1)]))),
        Stmt::Store(at(out, 0, &[(i, 1)]), v),
        Stmt::Store(at(out, 4, &[(i, 1)]), w),
    ];
    b.kernel(1, vec![count(i, 0, 4, 1, body)]);
    assert_eq!(to_i64s(&b.run(&[vec![0; 64]]).1[0]), [0, 1, 2, 3, 0, 1, 4, 9]);
}
