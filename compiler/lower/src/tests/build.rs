//! Small plans by hand, with data, and the check of their kernels against the oracle.

use super::oracle;
use ein_ir::dtype::{Class, DType};
use ein_ir::entity::{EntityRef, Index, PrimaryMap, Tensor};
use ein_ir::interp::Data;
use ein_ir::interp::kernel::{ArgBuffer, Stop, Work, run};
use ein_ir::plan::{Buffer, IndexRange, Layout, Nest, NestReduce, Place, Plan, StepDecl, StepKind};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::value::Value;
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use ein_ir::tensor::ReduceOp;

/// Deterministic numbers for tests.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let x = self.0 ^ (self.0 >> 33);
        x.wrapping_mul(0xff51_afd7_ed55_8ccd) >> 20
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    pub(crate) fn float(&mut self) -> f64 {
        (self.below(2001) as f64 - 1000.0) / 250.0
    }

    pub(crate) fn value(&mut self, dtype: DType) -> Value {
        match dtype.class() {
            Class::Bool => Value::Bool(self.below(2) == 1),
            Class::Float => Value::float(self.float(), dtype),
            Class::Complex => Value::complex(self.float(), self.float(), dtype),
            _ => Value::int(self.below(41) as i128 - 20, dtype),
        }
    }
}

/// A plan under construction, with data for its inputs.
pub(crate) struct Planner {
    pub(crate) plan: Plan,
    pub(crate) inputs: Vec<Vec<Value>>,
    pub(crate) random: Random,
}

impl Planner {
    pub(crate) fn new(seed: u64) -> Self {
        Self { plan: Plan::default(), inputs: Vec::new(), random: Random(seed) }
    }

    pub(crate) fn input(&mut self, dtype: DType, extents: &[u64]) -> Tensor {
        self.input_in(dtype, extents, Layout::RowMajor)
    }

    pub(crate) fn input_in(&mut self, dtype: DType, extents: &[u64], layout: Layout) -> Tensor {
        let values = (0..extents.iter().product::<u64>()).map(|_| self.random.value(dtype)).collect();
        self.inputs.push(values);
        let tensor = self.buffer(dtype, extents, layout, Place::Input(self.plan.inputs.len() as u32));
        self.plan.inputs.push(tensor);
        tensor
    }

    pub(crate) fn output(&mut self, dtype: DType, extents: &[u64]) -> Tensor {
        let tensor = self.buffer(dtype, extents, Layout::RowMajor, Place::Output(self.plan.outputs.len() as u32));
        self.plan.outputs.push(tensor);
        tensor
    }

    pub(crate) fn buffer(&mut self, dtype: DType, extents: &[u64], layout: Layout, place: Place) -> Tensor {
        let name = format!("x{}", self.plan.buffers.len());
        let extents = extents.to_vec();
        self.plan.buffers.push(Buffer { name, dtype, extents, layout, place, live: None, index_of: Vec::new(), span: Span::default() })
    }

    pub(crate) fn step(&mut self, kind: StepKind) {
        self.plan.steps.push(StepDecl { kind, flops: 0, bytes: 0, span: Span::default() });
    }

    /// An element; every subscript with its mode.
    pub(crate) fn at_modes(&self, tensor: Tensor, subs: Vec<(Scalar, Mode)>) -> Scalar {
        let subs = subs.into_iter().map(|(value, mode)| Sub { value, mode }).collect();
        let access = Access { tensor, prev: false, subs, pad: None };
        Scalar::new(ScalarKind::Access(access), self.plan.buffers[tensor].dtype, Span::default())
    }

    /// An element.
    pub(crate) fn at(&self, tensor: Tensor, subs: &[Scalar]) -> Scalar {
        self.at_modes(tensor, subs.iter().map(|s| (s.clone(), Mode::Exact)).collect())
    }

    /// Lowers the plan, runs the kernels and compares with the oracle.
    pub(crate) fn check(&self) -> Work {
        self.check_within(1e-5)
    }

    pub(crate) fn check_within(&self, tolerance: f64) -> Work {
        let text = || format!("{:#?}", self.plan.steps);
        let module = crate::pipeline::lower_plan(&self.plan).unwrap_or_else(|e| panic!("{e:?}\n{}", text()));
        let kernels = || ein_ir::kernel::print::print(&module);
        let expected = oracle::run(&self.plan, &self.inputs);
        let mut args: Vec<ArgBuffer> = self.plan.inputs.iter().zip(&self.inputs).map(|(t, values)| self.argument(*t, values)).collect();
        args.extend(self.plan.outputs.iter().map(|t| ArgBuffer::contiguous(vec![0xff; self.plan.buffers[*t].n_bytes() as usize])));
        let got = run(&module, &mut args);
        match (&got, &expected) {
            (Err(Stop::Fault(fault)), Err(code)) => assert_eq!(module.faults[*fault].code, *code),
            (Ok(_), Ok(world)) => {
                for (n, tensor) in self.plan.outputs.iter().enumerate() {
                    let buffer = &self.plan.buffers[*tensor];
                    let shape = buffer.extents.iter().map(|n| *n as usize).collect();
                    let data = Data::from_bytes(buffer.dtype, shape, &args[self.plan.inputs.len() + n].bytes).expect("as many bytes");
                    for (at, (got, want)) in data.values.iter().zip(&world.tensors[tensor.index()]).enumerate() {
                        let Some(want) = want else { continue };
                        let close = is_close(got, want, tolerance);
                        assert!(close, "element {at} of {tensor}: got {got:?}, want {want:?}\n{}\n{}", kernels(), text());
                    }
                }
            }
            (Err(stop), _) => panic!("{stop}, expected {:?}\n{}\n{}", expected.err(), kernels(), text()),
            (Ok(_), Err(code)) => panic!("no fault, expected {code}\n{}\n{}", kernels(), text()),
        }
        got.unwrap_or_default()
    }

    /// An input in memory: row-major, or with strides that are permuted, spread and partly negative.
    fn argument(&self, tensor: Tensor, values: &[Value]) -> ArgBuffer {
        let buffer = &self.plan.buffers[tensor];
        let shape: Vec<usize> = buffer.extents.iter().map(|n| *n as usize).collect();
        let bytes = Data::new(buffer.dtype, shape.clone(), values.to_vec()).to_bytes();
        if buffer.layout == Layout::RowMajor {
            return ArgBuffer::contiguous(bytes);
        }
        let (mut strides, mut length) = (vec![0i64; shape.len()], 1i64);
        for axis in 0..shape.len() {
            strides[axis] = if axis % 2 == 1 { -length } else { length };
            length *= shape[axis].max(1) as i64 + 1;
        }
        let origin: i64 = (0..shape.len()).filter(|a| strides[*a] < 0).map(|a| -strides[a] * (shape[a].max(1) as i64 - 1)).sum();
        let size = buffer.dtype.bytes();
        let mut memory = vec![0xffu8; length as usize * size];
        let ranges: Vec<(i64, i64)> = shape.iter().map(|n| (0, *n as i64)).collect();
        let mut n = 0;
        oracle::for_each_position(&ranges, &mut |position| {
            let offset = origin + position.iter().zip(&strides).map(|(p, s)| p * s).sum::<i64>();
            let start = offset as usize * size;
            memory[start..start + size].copy_from_slice(&bytes[n * size..(n + 1) * size]);
            n += 1;
            Ok(())
        })
        .expect("nothing fails");
        ArgBuffer { bytes: memory, origin: origin as usize * size, strides }
    }
}

fn is_close(got: &Value, want: &Value, tolerance: f64) -> bool {
    let near = |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * (1.0 + a.abs().max(b.abs()));
    match (got, want) {
        (Value::Float(a, s), Value::Float(b, t)) => s == t && near(*a, *b),
        (Value::Complex(a, b, s), Value::Complex(c, d, t)) => s == t && near(*a, *c) && near(*b, *d),
        _ => got == want,
    }
}

/// A nest under construction.
pub(crate) struct NestBuilder {
    indices: PrimaryMap<Index, IndexRange>,
    outer: Vec<Index>,
}

impl NestBuilder {
    /// A nest over an output of these extents; its indices are the first ones.
    pub(crate) fn over(extents: &[u64]) -> Self {
        let mut nest = Self { indices: PrimaryMap::new(), outer: Vec::new() };
        for extent in extents {
            let index = nest.index(0, *extent as i64);
            nest.outer.push(index);
        }
        nest
    }

    pub(crate) fn index(&mut self, lo: i64, hi: i64) -> Index {
        let name = format!("n{}", self.indices.len());
        self.indices.push(IndexRange { name, lo, hi })
    }

    pub(crate) fn map(self, out: Tensor, body: Scalar) -> Nest {
        Nest { out, indices: self.indices, params: 0, outer: self.outer, domain: None, reduce: None, body, epilogue: None }
    }

    pub(crate) fn reduce(self, out: Tensor, op: ReduceOp, acc: DType, binders: &[Index], body: Scalar) -> Nest {
        let reduce = Some(NestReduce { op, acc, binders: binders.to_vec(), guard: None, pins: Vec::new() });
        Nest { out, indices: self.indices, params: 0, outer: self.outer, domain: None, reduce, body, epilogue: None }
    }
}

/// The n-th index.
pub(crate) fn i(n: usize) -> Scalar {
    Scalar::index(Index::new(n), Span::default())
}

/// An i64 literal.
pub(crate) fn int(n: i64) -> Scalar {
    lit(n as f64, DType::I64)
}

/// A literal.
pub(crate) fn lit(x: f64, dtype: DType) -> Scalar {
    let literal = if dtype.is_integer() { Literal::Int(x as i128) } else { Literal::Float(x) };
    Scalar::literal(literal, dtype, Span::default())
}

pub(crate) fn un(function: UnaryFn, a: Scalar) -> Scalar {
    let dtype = match function {
        UnaryFn::IsNan | UnaryFn::IsFinite => DType::Bool,
        UnaryFn::Abs | UnaryFn::Real | UnaryFn::Imag => a.dtype.real(),
        _ => a.dtype,
    };
    Scalar::unary(function, a, dtype, Span::default())
}

pub(crate) fn bin(function: BinaryFn, a: Scalar, b: Scalar) -> Scalar {
    let dtype = if function.is_comparison() { DType::Bool } else { a.dtype };
    Scalar::binary(function, a, b, dtype, Span::default())
}

pub(crate) fn add(a: Scalar, b: Scalar) -> Scalar {
    bin(BinaryFn::Add, a, b)
}

pub(crate) fn sub(a: Scalar, b: Scalar) -> Scalar {
    bin(BinaryFn::Sub, a, b)
}

pub(crate) fn mul(a: Scalar, b: Scalar) -> Scalar {
    bin(BinaryFn::Mul, a, b)
}

pub(crate) fn choose(c: Scalar, a: Scalar, b: Scalar) -> Scalar {
    let dtype = a.dtype;
    Scalar::new(ScalarKind::If(Box::new(c), Box::new(a), Box::new(b)), dtype, Span::default())
}
