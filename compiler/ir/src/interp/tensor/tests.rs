use super::*;
use crate::entity::{Index, Tensor};
use crate::extent::Extent;
use crate::interp::fault;
use crate::scalar::{Access, Literal, Mode, Scalar, ScalarKind, Sub};
use crate::span::Span;
use crate::tensor::{
    Definition, Equation, IndexDecl, Laws, Multi, MultiOp, Reduce, ReduceOp, ReducerDecl, Scan, Stacked, State, Table, TensorDecl,
};

const S: Span = Span::new(0, 0);

/// Builds modules by hand.
#[derive(Default)]
pub(crate) struct Build(pub(crate) Module);

impl Build {
    pub(crate) fn tensor(&mut self, name: &str, dtype: DType, axes: &[i64]) -> Tensor {
        self.0.tensors.push(TensorDecl::new(name, dtype, axes.iter().map(|n| Extent::from(*n)).collect(), S))
    }

    pub(crate) fn param(&mut self, name: &str, dtype: DType, axes: &[i64]) -> Tensor {
        let tensor = self.tensor(name, dtype, axes);
        self.0.params.push(tensor);
        tensor
    }

    pub(crate) fn result(&mut self, name: &str, dtype: DType, axes: &[i64]) -> Tensor {
        let tensor = self.tensor(name, dtype, axes);
        self.0.results.push(tensor);
        tensor
    }

    pub(crate) fn index(&mut self, name: &str, lo: i64, hi: i64) -> Index {
        self.0.indices.push(IndexDecl { name: name.into(), lo: lo.into(), hi: hi.into(), span: S })
    }

    pub(crate) fn define(&mut self, equation: Equation) {
        self.0.body.push(Definition::Equation(equation));
    }

    pub(crate) fn run(self, inputs: &[Data]) -> Result<Vec<Data>, RunFault> {
        run(&Verified::new(self.0), inputs)
    }
}

pub(crate) fn equation(out: Tensor, indices: &[Index], reduce: Option<Reduce>, body: Scalar) -> Equation {
    Equation { out, indices: indices.to_vec(), domain: None, reduce, body, span: S }
}

pub(crate) fn reduce(op: ReduceOp, acc: DType, binders: &[Index], guard: Option<Scalar>) -> Option<Reduce> {
    Some(Reduce { op, acc, binders: binders.to_vec(), guard })
}

pub(crate) fn ix(index: Index) -> Scalar {
    Scalar::index(index, S)
}

pub(crate) fn int(n: i64) -> Scalar {
    Scalar::literal(Literal::Int(i128::from(n)), DType::I64, S)
}

pub(crate) fn bin(function: BinaryFn, a: Scalar, b: Scalar) -> Scalar {
    let dtype = if function.is_comparison() { DType::Bool } else { a.dtype };
    Scalar::binary(function, a, b, dtype, S)
}

pub(crate) fn at(tensor: Tensor, dtype: DType, subs: Vec<Scalar>) -> Scalar {
    moded(tensor, dtype, subs, Mode::Exact, None)
}

fn moded(tensor: Tensor, dtype: DType, subs: Vec<Scalar>, mode: Mode, pad: Option<Literal>) -> Scalar {
    let subs = subs.into_iter().map(|value| Sub { value, mode }).collect();
    Scalar::new(ScalarKind::Access(Access { tensor, prev: false, subs, pad }), dtype, S)
}

fn previous(tensor: Tensor, dtype: DType, subs: Vec<Scalar>) -> Scalar {
    let mut scalar = at(tensor, dtype, subs);
    if let ScalarKind::Access(access) = &mut scalar.kind {
        access.prev = true;
    }
    scalar
}

fn f32s(shape: &[usize], values: &[f64]) -> Data {
    Data::floats(DType::F32, shape, values)
}

fn i64s(shape: &[usize], values: &[i64]) -> Data {
    Data::ints(DType::I64, shape, values)
}

#[test]
fn a_matrix_product() {
    let mut m = Build::default();
    let (a, b) = (m.param("A", DType::F32, &[2, 3]), m.param("B", DType::F32, &[3, 2]));
    let c = m.result("C", DType::F32, &[2, 2]);
    let (i, j, k) = (m.index("i", 0, 2), m.index("j", 0, 2), m.index("k", 0, 3));
    let product = bin(BinaryFn::Mul, at(a, DType::F32, vec![ix(i), ix(k)]), at(b, DType::F32, vec![ix(k), ix(j)]));
    m.define(equation(c, &[i, j], reduce(ReduceOp::Sum, DType::F32, &[k], None), product));
    let out = m.run(&[f32s(&[2, 3], &[1., 2., 3., 4., 5., 6.]), f32s(&[3, 2], &[7., 8., 9., 10., 11., 12.])]).unwrap();
    assert_eq!(out, [f32s(&[2, 2], &[58., 64., 139., 154.])]);
}

/// `y[i] = x[mode(i - 3)]` for x = 10 11 12 .. and i in 0..9.
fn moded_reads(n: i64, mode: Mode, pad: Option<Literal>) -> Result<Vec<i64>, RunFault> {
    let mut m = Build::default();
    let x = m.param("x", DType::I64, &[n]);
    let y = m.result("y", DType::I64, &[9]);
    let i = m.index("i", 0, 9);
    m.define(equation(y, &[i], None, moded(x, DType::I64, vec![bin(BinaryFn::Sub, ix(i), int(3))], mode, pad)));
    let input: Vec<i64> = (10..10 + n).collect();
    let out = m.run(&[i64s(&[input.len()], &input)])?;
    Ok(out[0].values.iter().map(|v| v.as_int().unwrap() as i64).collect())
}

#[test]
fn modes_outside_the_axis() {
    assert_eq!(moded_reads(3, Mode::Pad, None).unwrap(), [0, 0, 0, 10, 11, 12, 0, 0, 0]);
    assert_eq!(moded_reads(3, Mode::Pad, Some(Literal::Int(-1))).unwrap(), [-1, -1, -1, 10, 11, 12, -1, -1, -1]);
    assert_eq!(moded_reads(3, Mode::Clamp, None).unwrap(), [10, 10, 10, 10, 11, 12, 12, 12, 12]);
    assert_eq!(moded_reads(3, Mode::Wrap, None).unwrap(), [10, 11, 12, 10, 11, 12, 10, 11, 12]);
    assert_eq!(moded_reads(3, Mode::Reflect, None).unwrap(), [11, 12, 11, 10, 11, 12, 11, 10, 11]);
    assert_eq!(moded_reads(1, Mode::Reflect, None).unwrap(), [10; 9]);
    assert_eq!(moded_reads(0, Mode::Pad, None).unwrap(), [0; 9]);
    for mode in [Mode::Clamp, Mode::Wrap, Mode::Reflect] {
        assert_eq!(moded_reads(0, mode, None).unwrap_err().code, fault::EMPTY_AXIS);
    }
    assert_eq!(moded_reads(3, Mode::Exact, None).unwrap_err().code, fault::INTERNAL);
}

/// Reduces `x` where `x[k] > 0` with each operation.
fn guarded(op: ReduceOp, dtype: DType, x: Data) -> Result<Value, RunFault> {
    let mut m = Build::default();
    let n = x.values.len() as i64;
    let input = m.param("x", dtype, &[n]);
    let result = if matches!(op, ReduceOp::ArgMax | ReduceOp::ArgMin) { DType::I64 } else { dtype };
    let y = m.result("y", result, &[]);
    let k = m.index("k", 0, n);
    let guard = bin(BinaryFn::Gt, at(input, dtype, vec![ix(k)]), Scalar::literal(Literal::Int(0), dtype, S));
    m.define(equation(y, &[], reduce(op, dtype, &[k], Some(guard)), at(input, dtype, vec![ix(k)])));
    Ok(m.run(&[x])?[0].values[0])
}

#[test]
fn guards_and_reductions() {
    let x = || i64s(&[5], &[3, -7, 5, 2, 5]);
    let none = || i64s(&[2], &[-1, -2]);
    for (op, some, empty) in [(ReduceOp::Sum, 15, 0), (ReduceOp::Prod, 150, 1), (ReduceOp::Max, 5, i64::MIN), (ReduceOp::Min, 2, i64::MAX)]
    {
        assert_eq!(guarded(op, DType::I64, x()).unwrap(), Value::index(some), "{op:?}");
        assert_eq!(guarded(op, DType::I64, none()).unwrap(), Value::index(empty), "{op:?}");
    }
    assert_eq!(guarded(ReduceOp::ArgMax, DType::I64, x()).unwrap(), Value::index(2));
    assert_eq!(guarded(ReduceOp::ArgMin, DType::I64, x()).unwrap(), Value::index(3));
    assert_eq!(guarded(ReduceOp::ArgMax, DType::I64, none()).unwrap_err().code, fault::EMPTY_ARGMAX);
    let lse = |values: &[f64]| guarded(ReduceOp::Lse, DType::F64, Data::floats(DType::F64, &[values.len()], values)).unwrap();
    assert_eq!(lse(&[-1.0, -2.0]), Value::Float(f64::NEG_INFINITY, DType::F64));
    assert_eq!(lse(&[1.0, f64::INFINITY]), Value::Float(f64::INFINITY, DType::F64));
    let Value::Float(large, _) = lse(&[1000.0, 1000.0]) else { panic!("a float") };
    assert!((large - 1000.0 - std::f64::consts::LN_2).abs() < 1e-12);
}

#[test]
fn nan_is_the_greatest_and_the_least() {
    for op in [ReduceOp::ArgMax, ReduceOp::ArgMin] {
        let mut m = Build::default();
        let x = m.param("x", DType::F32, &[4]);
        let y = m.result("y", DType::I64, &[]);
        let k = m.index("k", 0, 4);
        m.define(equation(y, &[], reduce(op, DType::F32, &[k], None), at(x, DType::F32, vec![ix(k)])));
        assert_eq!(m.run(&[f32s(&[4], &[1.0, f64::NAN, 9.0, f64::NAN])]).unwrap(), [i64s(&[], &[1])]);
    }
}

#[test]
fn branches_and_connectives_are_lazy() {
    // y[i] = if x[i] != 0 and 6 // x[i] > 1 then 6 // x[i] else 0
    let build = |guarded: bool| {
        let mut m = Build::default();
        let x = m.param("x", DType::I64, &[3]);
        let y = m.result("y", DType::I64, &[3]);
        let i = m.index("i", 0, 3);
        let element = || at(x, DType::I64, vec![ix(i)]);
        let quotient = || bin(BinaryFn::FloorDiv, int(6), element());
        let large = bin(BinaryFn::Gt, quotient(), int(1));
        let condition = if guarded { bin(BinaryFn::And, bin(BinaryFn::Ne, element(), int(0)), large) } else { large };
        let branches = Scalar::new(ScalarKind::If(Box::new(condition), Box::new(quotient()), Box::new(int(0))), DType::I64, S);
        m.define(equation(y, &[i], None, branches));
        m.run(&[i64s(&[3], &[0, 2, 6])])
    };
    assert_eq!(build(true).unwrap(), [i64s(&[3], &[0, 3, 0])]);
    assert_eq!(build(false).unwrap_err().code, fault::DIVISION_BY_ZERO);
}

#[test]
fn outside_its_domain_a_value_is_not_read() {
    let build = |limit: i64| {
        let mut m = Build::default();
        let t = m.tensor("t", DType::I64, &[4]);
        let y = m.result("y", DType::I64, &[2]);
        let (i, j) = (m.index("i", 0, 4), m.index("j", 0, 2));
        let domain = Some(bin(BinaryFn::Lt, ix(i), int(limit)));
        m.define(Equation { domain, ..equation(t, &[i], None, ix(i)) });
        m.define(equation(y, &[j], None, at(t, DType::I64, vec![ix(j)])));
        m.run(&[])
    };
    assert_eq!(build(2).unwrap(), [i64s(&[2], &[0, 1])]);
    assert_eq!(build(1).unwrap_err().code, fault::INTERNAL);
}

/// `scan t { h = 2*prev h + x[t] from h0; y[t] = h - prev h }`
fn recurrence(steps: i64, reverse: bool) -> Result<Vec<Data>, RunFault> {
    let mut m = Build::default();
    let x = m.param("x", DType::I64, &[steps]);
    let h0 = m.param("h0", DType::I64, &[]);
    let (h, y) = (m.result("h", DType::I64, &[]), m.result("y", DType::I64, &[steps]));
    let t = m.index("t", 0, steps);
    let double = bin(BinaryFn::Mul, int(2), previous(h, DType::I64, vec![]));
    let step = equation(h, &[], None, bin(BinaryFn::Add, double, at(x, DType::I64, vec![ix(t)])));
    let change = bin(BinaryFn::Sub, at(h, DType::I64, vec![]), previous(h, DType::I64, vec![]));
    let output = equation(y, &[t], None, change);
    m.0.body.push(Definition::Scan(Scan {
        index: t,
        reverse,
        states: vec![State { tensor: h, init: Some(h0) }],
        stacked: vec![Stacked { tensor: y, axis: 0 }],
        body: vec![Definition::Equation(step), Definition::Equation(output)],
        span: S,
    }));
    let inputs: Vec<i64> = (1..=steps).collect();
    m.run(&[i64s(&[inputs.len()], &inputs), i64s(&[], &[10])])
}

#[test]
fn recurrences_forward_reverse_and_empty() {
    assert_eq!(recurrence(3, false).unwrap(), [i64s(&[], &[91]), i64s(&[3], &[11, 23, 47])]);
    assert_eq!(recurrence(3, true).unwrap(), [i64s(&[], &[97]), i64s(&[3], &[49, 25, 13])]);
    assert_eq!(recurrence(0, false).unwrap(), [i64s(&[], &[10]), i64s(&[0], &[])]);
}

#[test]
fn an_inner_recurrence_starts_again() {
    // scan a: 0..2 { scan b: 0..3 { s = prev s + a + 1 from zero; out[a, b] = s } }
    let mut m = Build::default();
    let zero = m.tensor("zero", DType::I64, &[]);
    let (s, out) = (m.tensor("s", DType::I64, &[]), m.result("out", DType::I64, &[2, 3]));
    let (a, b) = (m.index("a", 0, 2), m.index("b", 0, 3));
    m.0.body.push(Definition::Table(Table { out: zero, values: vec![Literal::Int(0)], span: S }));
    let next = bin(BinaryFn::Add, previous(s, DType::I64, vec![]), bin(BinaryFn::Add, ix(a), int(1)));
    let body = vec![
        Definition::Equation(equation(s, &[], None, next)),
        Definition::Equation(equation(out, &[a, b], None, at(s, DType::I64, vec![]))),
    ];
    let state = State { tensor: s, init: Some(zero) };
    let inner = Scan { index: b, reverse: false, states: vec![state], stacked: vec![Stacked { tensor: out, axis: 1 }], body, span: S };
    let stacked = vec![Stacked { tensor: out, axis: 0 }];
    let outer = Scan { index: a, reverse: false, states: vec![], stacked, body: vec![Definition::Scan(inner)], span: S };
    m.0.body.push(Definition::Scan(outer));
    assert_eq!(m.run(&[]).unwrap(), [i64s(&[2, 3], &[1, 2, 3, 2, 4, 6])]);
}

#[test]
fn a_state_without_initial_value_needs_a_step() {
    let build = |steps: i64| {
        let mut m = Build::default();
        let s = m.result("s", DType::I64, &[]);
        let t = m.index("t", 0, steps);
        let body = vec![Definition::Equation(equation(s, &[], None, ix(t)))];
        let states = vec![State { tensor: s, init: None }];
        m.0.body.push(Definition::Scan(Scan { index: t, reverse: false, states, stacked: vec![], body, span: S }));
        m.run(&[])
    };
    assert_eq!(build(2).unwrap(), [i64s(&[], &[1])]);
    assert_eq!(build(0).unwrap_err().code, fault::NO_STATE);
}

#[test]
fn reducers_of_the_program() {
    // combine = a * 10 + b, in index order
    let operand = |n| Scalar::new(ScalarKind::Operand(n), DType::I64, S);
    let mut m = Build::default();
    let combine = bin(BinaryFn::Add, bin(BinaryFn::Mul, operand(0), int(10)), operand(1));
    let decl = ReducerDecl { name: "digits".into(), dtype: DType::I64, combine, init: int(0), laws: Laws::default(), span: S };
    let digits = m.0.reducers.push(decl);
    let y = m.result("y", DType::I64, &[]);
    let (k, l) = (m.index("k", 1, 3), m.index("l", 0, 2));
    let body = bin(BinaryFn::Add, ix(k), ix(l));
    m.define(equation(y, &[], reduce(ReduceOp::User(digits), DType::I64, &[k, l], None), body));
    assert_eq!(m.run(&[]).unwrap(), [i64s(&[], &[1223])]);
}

#[test]
fn sums_round_in_the_accumulator() {
    // 2048 + 1 + 1 is 2048 in f16 but 2050 in f32.
    for (acc, expected) in [(DType::F16, 2048.0), (DType::F32, 2050.0)] {
        let mut m = Build::default();
        let x = m.param("x", DType::F16, &[3]);
        let y = m.result("y", DType::F16, &[]);
        let k = m.index("k", 0, 3);
        m.define(equation(y, &[], reduce(ReduceOp::Sum, acc, &[k], None), at(x, DType::F16, vec![ix(k)]).cast(acc)));
        let out = m.run(&[Data::floats(DType::F16, &[3], &[2048.0, 1.0, 1.0])]).unwrap();
        assert_eq!(out, [Data::floats(DType::F16, &[], &[expected])]);
    }
}

#[test]
fn whole_tensor_functions_are_evaluated() {
    let inverse = |values: &[f64]| {
        let mut m = Build::default();
        let x = m.param("x", DType::F64, &[2, 2, 2]);
        let y = m.result("y", DType::F64, &[2, 2, 2]);
        let multi = Multi { op: MultiOp::Inv, results: vec![y], args: vec![x], options: vec![], span: S };
        m.0.body.push(Definition::Multi(multi));
        m.run(&[Data::floats(DType::F64, &[2, 2, 2], values)])
    };
    let regular = [2.0, 0.0, 0.0, 4.0, 0.0, 1.0, 1.0, 0.0];
    let out = inverse(&regular).unwrap();
    assert_eq!(out, [Data::floats(DType::F64, &[2, 2, 2], &[0.5, 0.0, 0.0, 0.25, 0.0, 1.0, 1.0, 0.0])]);
    let singular = [2.0, 0.0, 0.0, 4.0, 1.0, 2.0, 2.0, 4.0];
    let fault = inverse(&singular).unwrap_err();
    assert_eq!((fault.code, fault.message.as_str()), (610, "`inv`: the matrix is singular (matrix 1 of the batch)"));
}
