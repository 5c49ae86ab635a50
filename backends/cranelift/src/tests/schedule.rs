//! Schedules that repeat.

use super::harness::{Builder, at, count, i64s, int, to_i64s};
use ein_ir::entity::Fault;
use ein_ir::kernel::{BinaryOp, Comparison, Op, Place, ScalarType, Stmt, Type};
use ein_ir::plan::FaultDecl;
use ein_ir::span::Span;

/// A kernel that appends `10 * s0 + s1` to a list: its length first.
fn append(b: &mut Builder, list: ein_ir::entity::Buffer, counters: &[u32]) {
    let (value, ten, n, one) = (b.index(), b.index(), b.index(), b.index());
    let mut body = vec![Stmt::Set(value, int(0)), Stmt::Set(ten, int(10)), Stmt::Set(one, int(1))];
    for &counter in counters {
        let read = b.index();
        body.push(Stmt::Set(read, Op::Scalar(counter)));
        body.push(Stmt::Set(value, Op::Binary(BinaryOp::Mul, value, ten)));
        body.push(Stmt::Set(value, Op::Binary(BinaryOp::Add, value, read)));
    }
    body.extend([
        Stmt::Set(n, Op::Load(at(list, 0, &[]))),
        Stmt::Set(n, Op::Binary(BinaryOp::Add, n, one)),
        Stmt::Store(at(list, 0, &[]), n),
        Stmt::Store(at(list, 0, &[(n, 1)]), value),
    ]);
    b.kernel(1, body);
}

#[test]
fn repetitions_nest_and_run_both_ways() {
    let mut b = Builder::new("nested");
    let list = b.output(ScalarType::I64, 32);
    append(&mut b, list, &[0, 1]);
    b.repeat(1, 1, (2, 4), false);
    append(&mut b, list, &[0]);
    b.repeat(2, 0, (5, 7), true);
    append(&mut b, list, &[0]);
    b.repeat(1, 0, (3, 3), false);
    append(&mut b, list, &[]);
    let (code, results) = b.run(&[i64s(&[0; 32])]);
    assert_eq!(code, Ok(()));
    assert_eq!(to_i64s(&results[0])[..8], [7, 62, 63, 6, 52, 53, 5, 0]);
}

#[test]
fn tasks_of_a_step_read_what_those_of_the_last_one_wrote() {
    let mut b = Builder::new("pascal");
    let (out, tasks, part) = (b.output(ScalarType::I64, 2 * 64), 4, 16);
    let (step, parity, one, x, y, i) = (b.index(), b.index(), b.index(), b.index(), b.index(), b.index());
    let task = b.task;
    let body = vec![
        Stmt::Set(one, int(1)),
        Stmt::Set(step, Op::Scalar(0)),
        Stmt::Set(parity, Op::Binary(BinaryOp::And, step, one)),
        count(
            i,
            1,
            part,
            1,
            vec![
                Stmt::Set(x, Op::Load(at(out, 63, &[(parity, -64), (i, 1), (task, part)]))),
                Stmt::Set(y, Op::Load(at(out, 64, &[(parity, -64), (i, 1), (task, part)]))),
                Stmt::Set(x, Op::Binary(BinaryOp::Add, x, y)),
                Stmt::Store(at(out, 0, &[(parity, 64), (i, 1), (task, part)]), x),
            ],
        ),
    ];
    b.kernel(tasks, body);
    b.repeat(1, 0, (1, 9), false);
    let mut start = vec![0; 128];
    start[0] = 1;
    start[64] = 1;
    let (code, results) = b.run(&[i64s(&start)]);
    assert_eq!(code, Ok(()));
    assert_eq!(to_i64s(&results[0])[..10], [1, 8, 28, 56, 70, 56, 28, 8, 1, 0]);
}

#[test]
fn a_fault_ends_the_repetition() {
    let mut b = Builder::new("fault");
    let fault: Fault = b.module.faults.push(FaultDecl { code: 403, message: "enough".to_owned(), span: Span::default() });
    let _scratch = b.buffer("t", ScalarType::I64, 8, Place::Arena { offset: 0 });
    b.module.arena_bytes = 64;
    let out = b.output(ScalarType::I64, 1);
    let (step, limit, enough) = (b.index(), b.index(), b.local(Type::BOOL));
    let body = vec![
        Stmt::Set(step, Op::Scalar(0)),
        Stmt::Set(limit, int(1000)),
        Stmt::Set(enough, Op::Compare(Comparison::Ge, step, limit)),
        Stmt::If { condition: enough, then: vec![Stmt::Fault(fault)], otherwise: vec![Stmt::Store(at(out, 0, &[]), step)] },
    ];
    b.kernel(1, body);
    b.repeat(1, 0, (0, 100_000), false);
    let (code, _) = b.run(&[i64s(&[0])]);
    assert_eq!(code, Err(0));
}
