//! Random loop nests over random addresses, against the interpreter.

use super::harness::{Builder, at, f32s, i64s, int};
use crate::jit::testing::Argument;
use ein_ir::entity::{Buffer, Local};
use ein_ir::kernel::{Address, BinaryOp, Block, Coefficient, Comparison, Loop, Op, OpConst, Operand, ScalarType, Stmt, Type};

/// Elements of every input, twice as many as any address reaches, and of one task's part of an output.
const LENGTH: i64 = 4096;
const PART: i64 = 1024;
const TASKS: i64 = 3;
/// The run-time strides of the strided input.
const STRIDES: [i64; 2] = [-5, 3];

/// An xorshift generator: the same programs every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: i64) -> i64 {
        (self.next() >> 33).cast_signed() % n
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as i64)).unwrap()]
    }
}

/// A variable that addresses may use, and its largest value; the least is 0.
type Variable = (Local, i64);

struct Generator {
    random: Random,
    b: Builder,
    integers: Buffer,
    strided: Buffer,
    floats: Buffer,
    integers_out: Buffer,
    floats_out: Buffer,
    ints: Vec<Local>,
    reals: Vec<Local>,
    vectors: Vec<Local>,
    bit: Local,
}

impl Generator {
    fn new(seed: u64) -> Self {
        let mut b = Builder::new(&format!("random {seed}"));
        let (length, part) = (LENGTH as usize, (PART * TASKS) as usize);
        let (integers, strided) = (b.input(ScalarType::I64, length), b.strided(ScalarType::I64, length, 2));
        let floats = b.input(ScalarType::F32, length);
        let (integers_out, floats_out) = (b.output(ScalarType::I64, part), b.output(ScalarType::F32, part));
        let mut locals = |ty| (0..3).map(|_| b.local(ty)).collect();
        let (ints, reals) = (locals(Type::INDEX), locals(Type::scalar(ScalarType::F32)));
        let vectors = locals(Type::vector(ScalarType::F32).unwrap());
        let bit = b.local(Type::BOOL);
        let random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        Self { random, b, integers, strided, floats, integers_out, floats_out, ints, reals, vectors, bit }
    }

    fn start(&self) -> Block {
        let set = |locals: &[Local], op: &Op| locals.iter().map(|&v| Stmt::Set(v, op.clone())).collect::<Vec<_>>();
        [set(&self.ints, &int(5)), set(&self.reals, &Op::Const(OpConst::F32(0))), set(&self.vectors, &Op::Const(OpConst::F32(0)))].concat()
    }

    /// Random multiples of variables, and the least and greatest sum.
    fn terms(&mut self, variables: &[Variable]) -> (Vec<(Local, i64)>, i64, i64) {
        let (mut terms, mut least, mut greatest) = (Vec::new(), 0, 0);
        for &(local, most) in variables {
            let c = self.random.pick(&[0, 1, 1, 2, 3, 4, -1, -2, 8, 16]);
            terms.push((local, c));
            least += most * c.min(0);
            greatest += most * c.max(0);
        }
        (terms, least, greatest)
    }

    /// An address inside of an input, also for the lanes after it.
    fn read(&mut self, buffer: Buffer, variables: &[Variable]) -> Address {
        let (terms, least, greatest) = self.terms(variables);
        let offset = self.random.below(8) - least;
        assert!(offset + greatest + 4 < LENGTH);
        at(buffer, offset, &terms)
    }

    fn read_strided(&mut self, variables: &[Variable]) -> Address {
        let mut terms = Vec::new();
        for &(local, most) in variables {
            let axis = self.random.below(2) as u32;
            let factor = self.random.pick(&[0, 1, -1, 2]);
            assert!(most * factor * 5 < LENGTH / 8);
            terms.push((local, Coefficient::Stride { axis, factor }));
            terms.push((local, Coefficient::Elements(self.random.pick(&[0, 0, 1, -2]))));
        }
        Address { buffer: self.strided, offset: self.random.below(8), terms, stride_offsets: vec![(1, self.random.below(5))] }
    }

    /// An address in the task's part of an output.
    fn write(&mut self, buffer: Buffer, variables: &[Variable]) -> Address {
        let (mut terms, least, greatest) = self.terms(&variables[1..]);
        assert!(greatest - least + 4 < PART);
        terms.push((variables[0].0, PART));
        at(buffer, -least, &terms)
    }

    fn statement(&mut self, variables: &[Variable], depth: u32, out: &mut Block) {
        let (a, b) = (self.random.pick(&self.ints.clone()), self.random.pick(&self.ints.clone()));
        let (x, y) = (self.random.pick(&self.reals.clone()), self.random.pick(&self.reals.clone()));
        let (u, v) = (self.random.pick(&self.vectors.clone()), self.random.pick(&self.vectors.clone()));
        let arithmetic = self.random.pick(&[BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Min, BinaryOp::Max]);
        match self.random.below(if depth < 3 { 14 } else { 10 }) {
            0 => out.push(Stmt::Set(a, Op::Load(self.read(self.integers, variables)))),
            1 => out.push(Stmt::Set(a, Op::Load(self.read_strided(variables)))),
            2 => out.push(Stmt::Set(x, Op::Load(self.read(self.floats, variables)))),
            3 => out.push(Stmt::Set(u, Op::Load(self.read(self.floats, variables)))),
            4 => out.push(Stmt::Set(a, Op::Binary(arithmetic, a, b))),
            5 => out.push(Stmt::Set(x, Op::Binary(arithmetic, x, y))),
            6 => out.push(Stmt::Set(u, Op::Binary(arithmetic, u, v))),
            7 => out.push(Stmt::Store(self.write(self.integers_out, variables), a)),
            8 => out.push(Stmt::Store(self.write(self.floats_out, variables), x)),
            9 => out.push(Stmt::Store(self.write(self.floats_out, variables), u)),
            10 => self.branch(variables, depth, out, (a, b)),
            11 => self.index(variables, depth, out),
            _ => self.repeat(variables, depth, out),
        }
    }

    fn statements(&mut self, variables: &[Variable], depth: u32) -> Block {
        let mut block = Vec::new();
        for _ in 0..2 + self.random.below(5) {
            self.statement(variables, depth, &mut block);
        }
        block
    }

    fn branch(&mut self, variables: &[Variable], depth: u32, out: &mut Block, operands: (Local, Local)) {
        out.push(Stmt::Set(self.bit, Op::Compare(Comparison::Lt, operands.0, operands.1)));
        let (then, otherwise) = (self.statements(variables, depth + 1), self.statements(variables, depth + 1));
        out.push(Stmt::If { condition: self.bit, then, otherwise });
    }

    /// A variable that is computed from another, for the statements of a block.
    fn index(&mut self, variables: &[Variable], depth: u32, out: &mut Block) {
        let (local, most) = self.random.pick(variables);
        let computed = self.b.index();
        out.push(Stmt::Set(computed, Op::Binary(BinaryOp::Add, local, local)));
        let variables = [variables, &[(computed, 2 * most)]].concat();
        out.extend(self.statements(&variables, depth + 1));
    }

    fn repeat(&mut self, variables: &[Variable], depth: u32, out: &mut Block) {
        let var = self.b.index();
        let (other, most) = self.random.pick(variables);
        let (lo, hi, last) = match self.random.below(4) {
            0 => (Operand::Const(0), Operand::Local(other), most.max(1) - 1),
            1 => (Operand::Local(other), Operand::Const(4), 3),
            2 => (Operand::Const(0), Operand::Const(1), 0),
            _ => (Operand::Const(1), Operand::Const(5), 4),
        };
        let step = self.random.pick(&[1, 1, 2]);
        let body = self.statements(&[variables, &[(var, last + 1)]].concat(), depth + 1);
        out.push(Stmt::Loop(Loop { var, lo, hi, step, body }));
    }
}

#[test]
fn random_programs_mean_the_same() {
    let integers: Vec<i64> = (0..LENGTH).map(|i| (i * 7919) % 1009 - 500).collect();
    let floats: Vec<f32> = integers.iter().map(|&i| i as f32 / 8.0).collect();
    let part = (PART * TASKS) as usize;
    for seed in 1..120 {
        let mut g = Generator::new(seed);
        let variables = vec![(g.b.task, TASKS - 1)];
        let mut body = g.start();
        for _ in 0..3 {
            g.repeat(&variables, 0, &mut body);
        }
        g.b.kernel(TASKS as u32, body);
        let arguments = [
            (i64s(&integers), 0),
            (i64s(&integers), 8 * (LENGTH as usize / 2)),
            (f32s(&floats), 0),
            (vec![0; 8 * part], 0),
            (vec![0; 4 * part], 0),
        ]
        .map(|(bytes, first)| Argument { bytes, first });
        let (code, _) = g.b.run_strided(&arguments, &STRIDES.map(|s| s as isize));
        assert_eq!(code, Ok(()));
    }
}
