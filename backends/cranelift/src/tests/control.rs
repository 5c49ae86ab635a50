//! Loops, branches, faults, tasks, calls and matrix products.

use super::harness::{Builder, at, count, f32s, i64s, int, to_f32s, to_i64s};
use ein_ir::dtype::DType;
use ein_ir::entity::Fault;
use ein_ir::kernel::{
    BinaryOp, Comparison, Gemm, Loop, MathFn, MatrixStride, MemoryCopy, Op, OpConst, Operand, ScalarType, Stmt, Type, View,
};
use ein_ir::plan::FaultDecl;
use ein_ir::span::Span;

/// Counts the turns of a loop whose bounds are data.
fn turns(lo: i64, hi: i64, step: i64) -> i64 {
    let mut b = Builder::new("turns");
    let (bounds, out) = (b.input(ScalarType::I64, 2), b.output(ScalarType::I64, 1));
    let (i, n, one, from, to) = (b.index(), b.index(), b.index(), b.index(), b.index());
    let body = vec![Stmt::Set(n, Op::Binary(BinaryOp::Add, n, one))];
    b.kernel(
        1,
        vec![
            Stmt::Set(one, int(1)),
            Stmt::Set(n, int(0)),
            Stmt::Set(from, Op::Load(at(bounds, 0, &[]))),
            Stmt::Set(to, Op::Load(at(bounds, 1, &[]))),
            Stmt::Loop(Loop { var: i, lo: Operand::Local(from), hi: Operand::Local(to), step, body }),
            Stmt::Store(at(out, 0, &[]), n),
        ],
    );
    to_i64s(&b.run(&[i64s(&[lo, hi]), vec![0; 8]]).1[1])[0]
}

#[test]
fn loops_have_the_right_number_of_turns() {
    for (lo, hi, step, want) in [(0, 0, 1, 0), (0, 1, 1, 1), (3, 3, 2, 0), (5, -5, 1, 0), (-4, 4, 2, 4), (0, 12, 4, 3), (0, 9, 4, 3)] {
        assert_eq!(turns(lo, hi, step), want, "{lo}..{hi} by {step}");
    }
}

#[test]
fn loops_with_constant_bounds_have_the_right_number_of_turns() {
    for (lo, hi, step, want) in
        [(0, 0, 1, 0), (0, 1, 1, 1), (2, 1, 1, 0), (0, 4, 4, 1), (0, 8, 4, 2), (-3, 3, 1, 6), (i64::MIN, i64::MIN + 2, 1, 2)]
    {
        let mut b = Builder::new("constant bounds");
        let out = b.output(ScalarType::I64, 1);
        let (i, n, one) = (b.index(), b.index(), b.index());
        let body = vec![Stmt::Set(n, Op::Binary(BinaryOp::Add, n, one))];
        let last = Stmt::Store(at(out, 0, &[]), n);
        b.kernel(1, vec![Stmt::Set(one, int(1)), Stmt::Set(n, int(0)), count(i, lo, hi, step, body), last]);
        assert_eq!(to_i64s(&b.run(&[vec![0; 8]]).1[0]), [want], "{lo}..{hi} by {step}");
    }
}

#[test]
fn branches_join_their_variables() {
    let mut b = Builder::new("branches");
    let (input, out) = (b.input(ScalarType::I64, 8), b.output(ScalarType::I64, 8));
    let (i, v, zero, bit) = (b.index(), b.index(), b.index(), b.local(Type::BOOL));
    let body = vec![
        Stmt::Set(v, Op::Load(at(input, 0, &[(i, 1)]))),
        Stmt::Set(bit, Op::Compare(Comparison::Lt, v, zero)),
        Stmt::If {
            condition: bit,
            then: vec![Stmt::Set(v, Op::Binary(BinaryOp::Sub, zero, v))],
            otherwise: vec![
                Stmt::Set(bit, Op::Compare(Comparison::Eq, v, zero)),
                Stmt::If { condition: bit, then: vec![Stmt::Set(v, int(100))], otherwise: vec![] },
            ],
        },
        Stmt::Store(at(out, 0, &[(i, 1)]), v),
    ];
    b.kernel(1, vec![Stmt::Set(zero, int(0)), count(i, 0, 8, 1, body)]);
    let (_, after) = b.run(&[i64s(&[-3, 0, 5, -1, 0, 7, i64::MIN, 1]), vec![0; 64]]);
    assert_eq!(to_i64s(&after[1]), [3, 100, 5, 1, 100, 7, i64::MIN, 1]);
}

/// Two kernels of four tasks: a task faults with 0 or 1 where its input is 1 or 2.
fn faulting(inputs: [i64; 8]) -> Result<(), u32> {
    let mut b = Builder::new("faults");
    let (input, out) = (b.input(ScalarType::I64, 8), b.output(ScalarType::I64, 8));
    for code in [501, 502] {
        b.module.faults.push(FaultDecl { code, message: "bad".to_owned(), span: Span::default() });
    }
    for kernel in 0..2 {
        let (v, limit, bit) = (b.index(), b.index(), b.local(Type::BOOL));
        let mut body = vec![Stmt::Set(v, Op::Load(at(input, 4 * kernel, &[(b.task, 1)])))];
        for fault in 0..2 {
            body.push(Stmt::Set(limit, int(1 + i64::from(fault))));
            body.push(Stmt::Set(bit, Op::Compare(Comparison::Eq, v, limit)));
            body.push(Stmt::If {
                condition: bit,
                then: vec![Stmt::Fault(Fault::from_u32(fault)), Stmt::Set(v, int(0))],
                otherwise: vec![],
            });
        }
        body.push(Stmt::Store(at(out, 4 * kernel, &[(b.task, 1)]), v));
        b.kernel(4, body);
    }
    let (code, after) = b.run(&[i64s(&inputs), vec![0; 64]]);
    if code.is_ok() {
        assert_eq!(to_i64s(&after[1]), inputs);
    }
    code
}

#[test]
fn the_first_fault_of_the_lowest_task_is_returned() {
    assert_eq!(faulting([0, 5, 6, 7, 8, 9, 10, 11]), Ok(()));
    assert_eq!(faulting([0, 2, 1, 1, 1, 1, 1, 1]), Err(1));
    assert_eq!(faulting([0, 0, 0, 1, 2, 2, 2, 2]), Err(0));
    assert_eq!(faulting([0, 0, 0, 0, 0, 0, 0, 2]), Err(1));
}

#[test]
fn code_after_a_certain_fault_is_left_out() {
    let mut b = Builder::new("always");
    let out = b.output(ScalarType::I64, 1);
    b.module.faults.push(FaultDecl { code: 501, message: "always".to_owned(), span: Span::default() });
    let (i, bit, v) = (b.index(), b.local(Type::BOOL), b.index());
    let fault = || vec![Stmt::Fault(Fault::from_u32(0))];
    let both = Stmt::If { condition: bit, then: fault(), otherwise: fault() };
    b.kernel(1, vec![Stmt::Set(bit, int(1)), Stmt::Set(v, int(3)), count(i, 0, 9, 1, vec![both]), Stmt::Store(at(out, 0, &[]), v)]);
    assert_eq!(b.run(&[vec![0; 8]]).0, Err(0));
}

#[test]
fn a_task_knows_its_number() {
    let mut b = Builder::new("tasks");
    let out = b.output(ScalarType::I64, 100);
    let (v, three) = (b.index(), b.index());
    let body =
        vec![Stmt::Set(three, int(3)), Stmt::Set(v, Op::Binary(BinaryOp::Mul, b.task, three)), Stmt::Store(at(out, 0, &[(b.task, 1)]), v)];
    b.kernel(100, body);
    let (_, after) = b.run(&[vec![0; 800]]);
    assert_eq!(to_i64s(&after[0]), (0..100).map(|t| 3 * t).collect::<Vec<_>>());
}

#[test]
fn a_module_without_kernels_does_nothing() {
    let b = Builder::new("empty");
    assert_eq!(b.run(&[]).0, Ok(()));
}

#[test]
fn scalar_functions_are_the_runtimes() {
    let f32 = Type::scalar(ScalarType::F32);
    for function in MathFn::ALL {
        let mut b = Builder::new(function.name());
        let (input, out) = (b.input(ScalarType::F32, 8), b.output(ScalarType::F32, 8));
        let (i, x, y) = (b.index(), b.local(f32), b.local(f32));
        let operands = [x, y][..function.arity()].to_vec();
        let body = vec![
            Stmt::Set(x, Op::Load(at(input, 0, &[(i, 1)]))),
            Stmt::Set(y, Op::Const(OpConst::F32(0.75f32.to_bits()))),
            Stmt::Set(x, Op::Call(function, operands)),
            Stmt::Store(at(out, 0, &[(i, 1)]), x),
        ];
        b.kernel(1, vec![count(i, 0, 8, 1, body)]);
        let values = [0.5, 1.0, 2.0, -0.25, 3.5, 0.1, -2.0, 10.0];
        let got = to_f32s(&b.run(&[f32s(&values), vec![0; 32]]).1[1]);
        let want = |x: f32| -> Option<f32> {
            use ein_runtime::micro_kernel::math;
            Some(match function {
                MathFn::Exp => math::ein_exp_f32(x),
                MathFn::Tanh => math::ein_tanh_f32(x),
                MathFn::Gelu => math::ein_gelu_f32(x),
                MathFn::Atan2 => math::ein_atan2_f32(x, 0.75),
                MathFn::Pow => math::ein_pow_f32(x, 0.75),
                MathFn::FloorDiv => math::ein_floor_div_f32(x, 0.75),
                MathFn::Rem => math::ein_floor_rem_f32(x, 0.75),
                _ => return None,
            })
        };
        for (x, got) in values.into_iter().zip(got) {
            if let Some(want) = want(x) {
                assert!(got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan()), "{function:?} of {x}: {got}, not {want}");
            }
        }
    }
}

#[test]
fn copies_move_consecutive_elements() {
    for count in [0i64, 1, 7, -3] {
        let mut b = Builder::new("copy");
        let (src, dst) = (b.input(ScalarType::I16, 10), b.output(ScalarType::I16, 10));
        let length = b.index();
        let copy = MemoryCopy { dst: at(dst, 2, &[]), src: at(src, 3, &[]), count: Operand::Local(length) };
        b.kernel(1, vec![Stmt::Set(length, int(1)), Stmt::Set(length, int(count)), Stmt::Copy(Box::new(copy))]);
        let bytes: Vec<u8> = (0..20).collect();
        let (_, after) = b.run(&[bytes.clone(), vec![99; 20]]);
        let mut want = vec![99; 20];
        let n = usize::try_from(count).unwrap_or(0) * 2;
        want[4..4 + n].copy_from_slice(&bytes[6..6 + n]);
        assert_eq!(after[1], want, "{count} elements");
    }
}

#[test]
fn a_library_product_reads_views_and_accumulates() {
    let (m, n, k) = (3usize, 4, 5);
    for accumulate in [false, true] {
        let mut b = Builder::new("gemm");
        let (lhs, rhs, dst) = (b.input(ScalarType::F32, m * k), b.strided(ScalarType::F32, k * n, 2), b.output(ScalarType::F32, 1 + m * n));
        let length = b.index();
        let view = |buffer, offset, row_stride, column_stride| View { address: at(buffer, offset, &[]), row_stride, column_stride };
        // The left matrix is stored transposed; the right one has the strides of the frame.
        let gemm = Gemm {
            dtype: DType::F32,
            m: Operand::Const(m as i64),
            n: Operand::Local(length),
            k: Operand::Const(k as i64),
            dst: view(dst, 1, MatrixStride::Const(n as i64), MatrixStride::Const(1)),
            lhs: view(lhs, 0, MatrixStride::Const(1), MatrixStride::Const(m as i64)),
            rhs: view(rhs, 0, MatrixStride::Runtime(0), MatrixStride::Runtime(1)),
            accumulate,
        };
        b.kernel(1, vec![Stmt::Set(length, int(3)), Stmt::Set(length, int(n as i64)), Stmt::Gemm(Box::new(gemm))]);
        let a: Vec<f32> = (0..m * k).map(|i| i as f32).collect();
        let c: Vec<f32> = (0..k * n).map(|i| (i * i % 7) as f32).collect();
        let arguments = [f32s(&a), f32s(&c), f32s(&vec![1.0; 1 + m * n])].map(|bytes| crate::jit::testing::Argument { bytes, first: 0 });
        let (_, after) = b.run_strided(&arguments, &[1, k as isize]);
        let start = if accumulate { 1.0 } else { 0.0 };
        let cell = |i: usize, j: usize| start + (0..k).map(|l| a[l * m + i] * c[j * k + l]).sum::<f32>();
        let want: Vec<f32> = std::iter::once(1.0).chain((0..m * n).map(|x| cell(x / n, x % n))).collect();
        assert_eq!(to_f32s(&after[2]), want, "accumulate {accumulate}");
    }
}

#[test]
fn a_divisor_that_is_known_needs_no_guard_and_divides_alike() {
    for divisor in [-3, -1, 1, 2, 7, 64] {
        let mut b = Builder::new("known divisor");
        let (input, out) = (b.input(ScalarType::I64, 4), b.output(ScalarType::I64, 8));
        let (i, v, d, q) = (b.index(), b.index(), b.index(), b.index());
        let body = vec![
            Stmt::Set(v, Op::Load(at(input, 0, &[(i, 1)]))),
            Stmt::Set(q, Op::Binary(BinaryOp::SDiv, v, d)),
            Stmt::Store(at(out, 0, &[(i, 1)]), q),
            Stmt::Set(q, Op::Binary(BinaryOp::SRem, v, d)),
            Stmt::Store(at(out, 4, &[(i, 1)]), q),
        ];
        b.kernel(1, vec![Stmt::Set(d, int(divisor)), count(i, 0, 4, 1, body)]);
        let values = [i64::MIN, -10, 13, i64::MAX];
        let want: Vec<i64> = values.iter().map(|v| v.wrapping_div(divisor)).chain(values.iter().map(|v| v.wrapping_rem(divisor))).collect();
        assert_eq!(to_i64s(&b.run(&[i64s(&values), vec![0; 64]]).1[1]), want, "{divisor}");
    }
}
