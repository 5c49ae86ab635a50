//! Matrix products with bands, against the oracle: triangles of every operand and of the result, panels around the ends of sides.

use super::build::Planner;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Tensor};
use ein_ir::plan::band::Band;
use ein_ir::plan::{Contraction, Layout, StepKind, Strategy};
use ein_ir::scalar::value::Value;

const BATCH: u16 = 0;
const I: u16 = 1;
const J: u16 = 2;
const K: u16 = 3;
const EXTENTS: [u64; 4] = [1, 13, 10, 12];

fn band(row: u16, column: u16, lo: i64, hi: i64) -> Band {
    Band { row, column, lo, hi, panel: 8, exact: false }
}

/// `out[b, i, j] = lhs[b, i, k] * rhs[k, j]`, operands that bands say are zero somewhere being so, and the others NaN where an exact one has no term.
fn product(extents: [u64; 4], bands: &[Band], dtype: DType, strategy: Strategy) -> Planner {
    let mut planner = Planner::new(3);
    let shape = |labels: &[u16]| labels.iter().map(|l| extents[usize::from(*l)]).collect::<Vec<u64>>();
    let (lhs, rhs, out) = ([BATCH, I, K], [K, J], [BATCH, I, J]);
    let a = planner.input_in(dtype, &shape(&lhs), Layout::RowMajor);
    let b = planner.input_in(dtype, &shape(&rhs), Layout::Strided);
    let c = planner.output(dtype, &shape(&out));
    for (tensor, labels) in [(a, &lhs[..]), (b, &rhs[..])] {
        bands.iter().filter(|band| !band.exact && [band.row, band.column].iter().all(|l| labels.contains(l))).for_each(|band| {
            clear(&mut planner, tensor, (labels, &shape(labels)), band);
        });
    }
    planner.step(StepKind::Contraction(Contraction {
        out: c,
        lhs: a,
        rhs: b,
        extents: extents.to_vec(),
        out_labels: out.to_vec(),
        lhs_labels: lhs.to_vec(),
        rhs_labels: rhs.to_vec(),
        conjugate: (false, false),
        turns: Vec::new(),
        bands: bands.to_vec(),
        acc: dtype,
        strategy,
    }));
    planner
}

/// Makes an input zero outside of a band.
fn clear(planner: &mut Planner, tensor: Tensor, (labels, shape): (&[u16], &[u64]), band: &Band) {
    let axis = |label: u16| labels.iter().position(|l| *l == label).expect("a label of the operand");
    for (at, value) in planner.inputs[tensor.index()].iter_mut().enumerate() {
        let stride = |axis: usize| shape[axis + 1..].iter().product::<u64>() as usize;
        let position = |axis: usize| (at / stride(axis) % shape[axis] as usize) as i64;
        if !(band.lo..=band.hi).contains(&(position(axis(band.column)) - position(axis(band.row)))) {
            *value = Value::small(0, value.dtype());
        }
    }
}

#[test]
fn bands_of_operands_and_results() {
    let whole = 99;
    let limits = [(-whole, 0), (-whole, -1), (0, whole), (3, whole), (-whole, -7), (-2, 5), (-whole, -30), (1, -1)];
    for (lo, hi) in limits {
        let fits = |row: u16, column: u16| {
            let (rows, columns) = (EXTENTS[usize::from(row)] as i64, EXTENTS[usize::from(column)] as i64);
            band(row, column, lo.clamp(-rows, columns), hi.clamp(-rows, columns))
        };
        let check = |bands: &[Band]| product(EXTENTS, bands, DType::F64, Strategy::Gemm).check();
        check(&[fits(I, K)]);
        check(&[fits(J, K)]);
        check(&[fits(I, J)]);
        check(&[fits(J, I)]);
        check(&[fits(I, K), band(J, K, -3, 12)]);
        check(&[fits(I, K), band(J, K, -10, 2), band(I, J, -4, 7)]);
        check(&[fits(J, I), band(J, K, -5, 4)]);
        check(&[Band { exact: true, ..fits(I, K) }]);
        check(&[Band { exact: true, panel: 16, ..fits(J, K) }]);
        // Without a library.
        product(EXTENTS, &[fits(I, K), fits(I, J)], DType::I32, Strategy::Nest).check();
    }
}

#[test]
fn types_and_sizes_of_bands() {
    for extents in [[1, 2, 2, 2], [1, 9, 8, 16], [3, 17, 1, 8], [1, 2, 40, 3], [1, 40, 3, 2]] {
        for dtype in [DType::F32, DType::C64, DType::C128] {
            for exact in [false, true] {
                product(extents, &[Band { exact, ..band(I, K, -2, 0) }], dtype, Strategy::Gemm).check();
            }
        }
    }
}
