//! Random nests: shapes, strides, modes, guards, choices and reductions together.

use super::build::*;
use ein_ir::dtype::DType;
use ein_ir::entity::Index;
use ein_ir::plan::{Layout, StepKind};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Mode, Scalar, ScalarKind};
use ein_ir::tensor::ReduceOp;

struct Generator<'a> {
    planner: &'a mut Planner,
    dtype: DType,
    /// Each index with its range.
    indices: Vec<(i64, i64)>,
}

impl Generator<'_> {
    fn random(&mut self) -> &mut Random {
        &mut self.planner.random
    }

    /// An index form with its least and greatest value.
    fn subscript(&mut self, n_indices: usize) -> (Scalar, i64, i64) {
        let n = self.random().below(n_indices);
        let (lo, hi) = self.indices[n];
        let (last, by) = (hi - 1, self.random().below(3) as i64 - 1);
        match self.random().below(12) {
            0 => (add(mul(int(2), i(n)), int(by)), 2 * lo + by, 2 * last + by),
            1 => (sub(int(last + by), i(n)), by, last + by - lo),
            2 => {
                let m = self.random().below(n_indices);
                let (lo2, hi2) = self.indices[m];
                (add(i(n), i(m)), lo + lo2, last + hi2 - 1)
            }
            3 => (bin(BinaryFn::FloorDiv, i(n), int(2)), lo.div_euclid(2), last.div_euclid(2)),
            4 => (bin(BinaryFn::Rem, i(n), int(3)), 0, 2),
            5 => (add(i(n), int(by)), lo + by, last + by),
            6 => (int(1), 1, 1),
            _ => (i(n), lo, last),
        }
    }

    fn access(&mut self, n_indices: usize) -> Scalar {
        let rank = self.random().below(4);
        let (mut subs, mut extents) = (Vec::new(), Vec::new());
        for _ in 0..rank {
            let (value, lo, hi) = self.subscript(n_indices);
            // An exact subscript needs an axis that holds it; moded ones may leave theirs on either side.
            let mode = if lo >= 0 && self.random().below(4) > 0 { Mode::Exact } else { self.random().pick(&Mode::ALL[1..]) };
            let short = self.random().below(3) as i64;
            let extent = if mode == Mode::Exact { hi + 1 } else { (hi - short).max(1) };
            extents.push(extent.max(1) as u64);
            subs.push((value, mode));
        }
        let layout = if self.random().below(5) == 0 { Layout::Strided } else { Layout::RowMajor };
        let dtype = self.dtype;
        let tensor = self.planner.input_in(dtype, &extents, layout);
        self.planner.at_modes(tensor, subs)
    }

    fn condition(&mut self, n_indices: usize) -> Scalar {
        let (a, ..) = self.subscript(n_indices);
        let (b, ..) = self.subscript(n_indices);
        let function = self.random().pick(&[BinaryFn::Lt, BinaryFn::Le, BinaryFn::Gt, BinaryFn::Ge, BinaryFn::Eq, BinaryFn::Ne]);
        let simple = bin(function, a, b);
        match self.random().below(8) {
            0 => bin(BinaryFn::And, simple, self.condition(n_indices)),
            1 => bin(BinaryFn::Or, simple, self.condition(n_indices)),
            2 => un(UnaryFn::Not, simple),
            3 if !self.dtype.is_complex() => {
                let (x, y) = (self.access(n_indices), self.access(n_indices));
                bin(BinaryFn::Lt, x, y)
            }
            _ => simple,
        }
    }

    fn value(&mut self, n_indices: usize, depth: usize) -> Scalar {
        if depth == 0 {
            return self.access(n_indices);
        }
        match self.random().below(7) {
            0 => add(self.value(n_indices, depth - 1), self.value(n_indices, depth - 1)),
            1 | 2 => mul(self.value(n_indices, depth - 1), self.value(n_indices, depth - 1)),
            3 => {
                let condition = self.condition(n_indices);
                choose(condition, self.value(n_indices, depth - 1), self.value(n_indices, depth - 1))
            }
            4 if !self.dtype.is_complex() => bin(BinaryFn::Max, self.value(n_indices, depth - 1), self.value(n_indices, depth - 1)),
            5 => sub(self.value(n_indices, depth - 1), lit(2.0, self.dtype)),
            _ => self.access(n_indices),
        }
    }
}

fn check_random(seed: u64) {
    let mut planner = Planner::new(seed);
    let dtype = planner.random.pick(&[DType::F32, DType::F64, DType::I32, DType::I64, DType::C64, DType::C128]);
    let sizes = [1u64, 2, 3, 4, 5, 8, 17, 20, 37];
    let (n_outer, n_reduced) = (planner.random.below(4), planner.random.below(3));
    // The walk is element by element: keep the space small.
    let mut room = 4000u64;
    let mut extent = |planner: &mut Planner| {
        let n = planner.random.pick(&sizes).min(room.max(1));
        room /= n;
        n
    };
    let shape: Vec<u64> = (0..n_outer).map(|_| extent(&mut planner)).collect();
    let mut nest = NestBuilder::over(&shape);
    let mut indices: Vec<(i64, i64)> = shape.iter().map(|n| (0, *n as i64)).collect();
    let mut binders: Vec<Index> = Vec::new();
    for _ in 0..n_reduced {
        let (lo, n) = (planner.random.below(3) as i64 / 2, extent(&mut planner) as i64);
        binders.push(nest.index(lo, lo + n));
        indices.push((lo, lo + n));
    }
    let out = planner.output(dtype, &shape);
    if indices.is_empty() {
        return;
    }
    let all = indices.len();
    let mut generator = Generator { planner: &mut planner, dtype, indices };
    let body = generator.value(all, 2);
    let domain = (n_outer > 0 && generator.random().below(4) == 0).then(|| generator.condition(n_outer));
    let mut nest = if n_reduced > 0 {
        let ops = [ReduceOp::Sum, ReduceOp::Sum, ReduceOp::Sum, ReduceOp::Max, ReduceOp::Min];
        let op = generator.random().pick(if dtype.is_complex() { &ops[..3] } else { &ops });
        let guard = (generator.random().below(3) == 0).then(|| generator.condition(all));
        let epilogue = (n_outer > 0 && generator.random().below(3) == 0).then(|| {
            let total = Scalar::new(ScalarKind::Accumulated, dtype, Default::default());
            let bias = generator.access(n_outer);
            bin(if dtype.is_complex() { BinaryFn::Sub } else { BinaryFn::Max }, total, bias)
        });
        let mut nest = nest.reduce(out, op, dtype, &binders, body);
        nest.reduce.as_mut().unwrap().guard = guard;
        nest.epilogue = epilogue;
        nest
    } else {
        nest.map(out, body)
    };
    nest.domain = domain;
    planner.step(StepKind::Nest(nest));
    planner.check_within(if dtype.real() == DType::F32 { 2e-3 } else { 1e-6 });
}

#[test]
fn random_nests() {
    let (first, n) = match std::env::var("EIN_SEEDS").ok().and_then(|s| s.parse().ok()) {
        Some(seed) => (seed, 1),
        None => (0, std::env::var("EIN_RANDOM_NESTS").ok().and_then(|s| s.parse().ok()).unwrap_or(1500)),
    };
    for seed in first..first + n {
        let result = std::panic::catch_unwind(|| check_random(seed));
        assert!(result.is_ok(), "seed {seed}");
    }
}
