//! Matrix products with bands, against the oracle: triangles of every operand and of the result, of any slope, panels around the ends of sides, labels that
//! are looped over. As many products are added up as the plan counts.

use super::build::Planner;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Step, Tensor};
use ein_ir::plan::band::{Band, Outside};
use ein_ir::plan::{Contraction, Layout, StepKind, Strategy};
use ein_ir::scalar::value::Value;

const BATCH: u16 = 0;
const I: u16 = 1;
const J: u16 = 2;
const K: u16 = 3;
/// A second label of sums.
const L: u16 = 4;
const EXTENTS: [u64; 5] = [1, 13, 10, 12, 1];
/// Slopes and steps of bands.
const LINES: [(i64, i64); 4] = [(1, 1), (-1, 1), (1, 2), (-3, 2)];

/// A band, its ends moved to where they mean something.
fn band(row: u16, column: u16, (slope, step): (i64, i64), (lo, hi): (i64, i64), extents: [u64; 5]) -> Band {
    let outside = if [row, column].iter().all(|l| [BATCH, I, J].contains(l)) { Outside::Unread } else { Outside::Zero };
    let band = Band { rows: vec![(row, slope)], column, step, lo, hi, panel: 8, outside };
    clamped(band, extents)
}

fn clamped(band: Band, extents: [u64; 5]) -> Band {
    let (least, most) = band.values(&|label| extents[usize::from(label)]).expect("small");
    let (lo, hi) = (band.lo, band.hi);
    Band { lo: lo.clamp(least - 1, most + 1), hi: hi.clamp(least - 1, most + 1), ..band }
}

/// `out[b, i, j] = lhs[b, i, k, l] * rhs[b, k, j, l]`, operands that bands say are zero somewhere being so.
fn product(extents: [u64; 5], bands: &[Band], dtype: DType, strategy: Strategy) -> Planner {
    let mut planner = Planner::new(3);
    let shape = |labels: &[u16]| labels.iter().map(|l| extents[usize::from(*l)]).collect::<Vec<u64>>();
    let (lhs, rhs, out) = ([BATCH, I, K, L], [BATCH, K, J, L], [BATCH, I, J]);
    let a = planner.input_in(dtype, &shape(&lhs), Layout::RowMajor);
    let b = planner.input_in(dtype, &shape(&rhs), Layout::Strided);
    let c = planner.output(dtype, &shape(&out));
    for (tensor, labels) in [(a, &lhs[..]), (b, &rhs[..])] {
        let is_of = |band: &&Band| band.outside == Outside::Zero && band.labels().all(|l| labels.contains(&l));
        bands.iter().filter(is_of).for_each(|band| clear(&mut planner, tensor, (labels, &shape(labels)), band));
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

/// Checks the values of matrix products, and that they add up as many products as the plan says.
fn as_counted(extents: [u64; 5], bands: &[Band], dtype: DType) {
    let planner = product(extents, bands, dtype, Strategy::Gemm);
    let StepKind::Contraction(contraction) = &planner.plan.steps[Step::new(0)].kind else { unreachable!("the step is a product") };
    assert_eq!(planner.check().multiply_adds, contraction.volume(), "{extents:?} {bands:?}");
}

/// Makes an input zero outside of a band.
fn clear(planner: &mut Planner, tensor: Tensor, (labels, shape): (&[u16], &[u64]), band: &Band) {
    let axis = |label: u16| labels.iter().position(|l| *l == label).expect("a label of the operand");
    for (at, value) in planner.inputs[tensor.index()].iter_mut().enumerate() {
        let stride = |axis: usize| shape[axis + 1..].iter().product::<u64>() as usize;
        let position = |axis: usize| (at / stride(axis) % shape[axis] as usize) as i64;
        if !band.holds(&|label| position(axis(label))) {
            *value = Value::small(0, value.dtype());
        }
    }
}

const WHOLE: i64 = 99;
const LIMITS: [(i64, i64); 8] = [(-WHOLE, 0), (-WHOLE, -1), (0, WHOLE), (3, WHOLE), (-WHOLE, -7), (-2, 5), (-WHOLE, -30), (1, -1)];

#[test]
fn bands_of_operands_and_results() {
    for line in LINES {
        for ends in LIMITS {
            let band = |row, column, ends| band(row, column, line, ends, EXTENTS);
            let check = |bands: &[Band]| as_counted(EXTENTS, bands, DType::F64);
            check(&[band(I, K, ends)]);
            check(&[band(J, K, ends)]);
            check(&[band(I, J, ends)]);
            check(&[band(J, I, ends)]);
            check(&[band(I, K, ends), band(J, K, (-3, 12))]);
            check(&[band(I, K, ends), band(J, K, (-10, 2)), band(I, J, (-4, 7))]);
            check(&[band(J, I, ends), band(J, K, (-5, 4))]);
            check(&[Band { outside: Outside::Absent, ..band(I, K, ends) }]);
            check(&[Band { outside: Outside::Absent, panel: 16, ..band(J, K, ends) }]);
            // Without a library.
            product(EXTENTS, &[band(I, K, ends), band(I, J, ends)], DType::I32, Strategy::Nest).check();
        }
    }
}

/// A band of one label is a range of it.
#[test]
fn bands_of_one_label() {
    for (lo, hi) in [(0, 5), (3, 8), (9, 50), (-4, -1)] {
        let of =
            |column, outside| clamped(Band { rows: Vec::new(), column, outside, lo, hi, ..band(I, K, (1, 1), (0, 0), EXTENTS) }, EXTENTS);
        let check = |bands: &[Band]| as_counted(EXTENTS, bands, DType::F64);
        check(&[of(K, Outside::Zero)]);
        check(&[of(I, Outside::Zero), of(K, Outside::Zero)]);
        check(&[of(I, Outside::Unread), of(J, Outside::Unread)]);
        check(&[of(J, Outside::Unread), band(I, K, (1, 1), (-9, 0), EXTENTS)]);
        check(&[of(K, Outside::Absent)]);
        product(EXTENTS, &[of(K, Outside::Absent)], DType::I32, Strategy::Nest).check();
    }
}

/// One pair of labels may have bands of several slopes.
#[test]
fn bands_cross() {
    for ends in LIMITS {
        let crossing = [band(I, K, (1, 1), ends, EXTENTS), band(I, K, (-1, 1), (0, 12), EXTENTS), band(I, K, (1, 2), (-4, 9), EXTENTS)];
        as_counted(EXTENTS, &crossing, DType::F64);
        product(EXTENTS, &crossing, DType::I64, Strategy::Nest).check();
    }
}

/// Labels of batches and further labels of sums are looped over; what no product needs is zero, or left as it is.
#[test]
fn labels_of_bands_are_looped_over() {
    for extents in [[5, 11, 9, 10, 1], [3, 4, 9, 6, 7], [12, 2, 3, 40, 3], [2, 33, 2, 5, 5]] {
        for line in LINES {
            for ends in [(-WHOLE, 0), (2, WHOLE), (-1, 2), (WHOLE, WHOLE)] {
                let band = |row, column| band(row, column, line, ends, extents);
                let check = |bands: &[Band]| as_counted(extents, bands, DType::F64);
                let zero = |row, column| Band { outside: Outside::Zero, ..band(row, column) };
                check(&[band(BATCH, K)]);
                check(&[zero(BATCH, I)]);
                check(&[band(BATCH, I)]);
                check(&[band(I, BATCH)]);
                check(&[band(BATCH, J), band(BATCH, K)]);
                check(&[zero(BATCH, J), band(J, K), band(I, J)]);
                check(&[Band { outside: Outside::Absent, ..band(BATCH, K) }]);
                product(extents, &[band(BATCH, K), band(I, J)], DType::I32, Strategy::Nest).check();
                if extents[4] > 1 && extents[3] >= extents[4] {
                    check(&[band(L, K)]);
                    check(&[band(I, L)]);
                    check(&[band(L, K), zero(BATCH, L), band(J, K)]);
                    // Of three labels and more.
                    let rows = |rows: &[(u16, i64)]| clamped(Band { rows: rows.to_vec(), ..band(I, K) }, extents);
                    check(&[rows(&[(I, 1), (L, -2)])]);
                    check(&[rows(&[(BATCH, -1), (J, 1), (L, 1)]), rows(&[(BATCH, 1), (I, 2)])]);
                    check(&[Band { outside: Outside::Absent, ..rows(&[(I, line.0), (BATCH, 1)]) }]);
                }
            }
        }
    }
}

#[test]
fn types_and_sizes_of_bands() {
    for extents in [[1, 2, 2, 2, 1], [1, 9, 8, 16, 1], [3, 17, 1, 8, 1], [1, 2, 40, 3, 1], [1, 40, 3, 2, 1]] {
        for dtype in [DType::F32, DType::C64, DType::C128] {
            for outside in [Outside::Zero, Outside::Absent] {
                as_counted(extents, &[Band { outside, ..band(I, K, (1, 1), (-2, 0), extents) }], dtype);
            }
        }
    }
}
