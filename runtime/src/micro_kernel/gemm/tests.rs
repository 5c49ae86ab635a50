use super::*;
use crate::element::Element;
use std::ops::{Add, Mul};

/// A matrix somewhere in memory: small integers, so that every order of summation gives the same bits.
struct Matrix<T> {
    data: Vec<T>,
    origin: usize,
    rs: isize,
    cs: isize,
}

#[derive(Clone, Copy, Debug)]
enum Layout {
    Rows,
    Columns,
    Gaps,
    Flipped,
    BroadcastRows,
    BroadcastColumns,
}

const READ: [Layout; 6] = [Layout::Rows, Layout::Columns, Layout::Gaps, Layout::Flipped, Layout::BroadcastRows, Layout::BroadcastColumns];
const WRITTEN: [Layout; 4] = [Layout::Rows, Layout::Columns, Layout::Gaps, Layout::Flipped];

impl<T: Copy> Matrix<T> {
    fn new(rows: usize, cols: usize, layout: Layout, value: impl Fn(usize) -> T) -> Self {
        let (r, c) = (rows.max(1) as isize, cols.max(1) as isize);
        let (rs, cs, origin) = match layout {
            Layout::Rows => (c, 1, 0),
            Layout::Columns => (1, r, 0),
            Layout::Gaps => (3 * c + 2, 3, 1),
            Layout::Flipped => (-c, -1, (r * c - 1) as usize),
            Layout::BroadcastRows => (0, 1, 0),
            Layout::BroadcastColumns => (1, 0, 0),
        };
        let len = (r * (3 * c + 2) + 2) as usize;
        Self { data: (0..len).map(value).collect(), origin, rs, cs }
    }

    fn at(&self, i: usize, j: usize) -> T {
        self.data[(self.origin as isize + i as isize * self.rs + j as isize * self.cs) as usize]
    }

    fn ptr(&self) -> *const u8 {
        self.data[self.origin..].as_ptr().cast()
    }
}

fn check<T>(gemm: GemmFn, value: impl Fn(usize) -> T + Copy, shape: [usize; 3], layouts: [Layout; 3], accumulate: bool)
where
    T: Element + Add<Output = T> + Mul<Output = T>,
{
    let [m, n, k] = shape;
    let (lhs, rhs) = (Matrix::new(m, k, layouts[1], value), Matrix::new(k, n, layouts[2], |i| value(i + 3)));
    let mut dst = Matrix::new(m, n, layouts[0], |i| value(i + 1));
    let before = dst.data.clone();
    let mut expected = before.clone();
    for i in 0..m {
        for j in 0..n {
            let at = (dst.origin as isize + i as isize * dst.rs + j as isize * dst.cs) as usize;
            let start = if accumulate { before[at] } else { T::default() };
            expected[at] = (0..k).fold(start, |sum, p| sum + lhs.at(i, p) * rhs.at(p, j));
        }
    }
    let origin = dst.origin;
    let args = GemmArgs {
        m,
        n,
        k,
        dst: dst.data[origin..].as_mut_ptr().cast(),
        dst_rs: dst.rs,
        dst_cs: dst.cs,
        lhs: lhs.ptr(),
        lhs_rs: lhs.rs,
        lhs_cs: lhs.cs,
        rhs: rhs.ptr(),
        rhs_rs: rhs.rs,
        rhs_cs: rhs.cs,
        accumulate: u32::from(accumulate),
    };
    // SAFETY: the matrices have room for every index of their layouts.
    unsafe { gemm(&args) };
    assert_eq!(dst.data, expected, "{shape:?} {layouts:?} accumulate {accumulate}");
}

fn small(i: usize) -> i32 {
    (i * 7 % 11) as i32 - 5
}

fn sweep(shape: [usize; 3]) {
    for dst in WRITTEN {
        for lhs in READ {
            for rhs in READ {
                for accumulate in [false, true] {
                    let layouts = [dst, lhs, rhs];
                    check(gemm_f32, |i| small(i) as f32, shape, layouts, accumulate);
                    check(gemm_f64, |i| f64::from(small(i)), shape, layouts, accumulate);
                    check(gemm_c64, |i| c32::new(small(i) as f32, small(i + 5) as f32), shape, layouts, accumulate);
                    check(gemm_c128, |i| c64::new(f64::from(small(i)), f64::from(small(i + 5))), shape, layouts, accumulate);
                }
            }
        }
    }
}

#[test]
fn empty_extents() {
    for shape in [[0, 3, 4], [3, 0, 4], [3, 4, 0], [0, 0, 0], [1, 1, 0]] {
        sweep(shape);
    }
}

#[test]
fn tiny_and_skinny() {
    for shape in [[1, 1, 1], [1, 1, 40], [1, 37, 5], [37, 1, 5], [1, 33, 70], [33, 1, 70], [5, 7, 1], [5, 7, 2], [5, 7, 3], [40, 2, 9]] {
        sweep(shape);
    }
}

/// Narrow sides of every width beside both limits, in both orientations, with sums longer than a packed block.
#[test]
fn narrow() {
    for narrow in [3, 5, 9] {
        sweep([33, narrow, 35]);
        sweep([narrow, 40, 32]);
    }
    for layouts in [Layout::Rows, Layout::Flipped].iter().flat_map(|d| READ.iter().flat_map(|l| READ.iter().map(|r| [*d, *l, *r]))) {
        for shape in [[40, 3, 700], [4, 40, 600], [1100, 1, 40], [1, 40, 1100], [1100, 2, 33]] {
            check(gemm_f32, |i| small(i) as f32, shape, layouts, true);
            check(gemm_c128, |i| c64::new(f64::from(small(i)), 1.0), shape, layouts, false);
        }
    }
}

#[test]
fn around_the_tiles() {
    for shape in [[16, 16, 16], [17, 15, 33], [65, 30, 7]] {
        sweep(shape);
    }
}

#[test]
fn large_enough_to_be_blocked() {
    check(gemm_f32, |i| small(i) as f32, [130, 260, 700], [Layout::Rows, Layout::Columns, Layout::Rows], false);
    check(gemm_f64, |i| f64::from(small(i)), [260, 130, 700], [Layout::Rows, Layout::Gaps, Layout::Flipped], true);
    check(gemm_c64, |i| c32::new(small(i) as f32, 1.0), [100, 90, 600], [Layout::Columns, Layout::Rows, Layout::Rows], true);
}

#[test]
fn overwriting_does_not_read() {
    for (m, n) in [(2, 2), (1, 2), (40, 1), (1, 40), (40, 3), (40, 40)] {
        for k in [0, 1, 2, 3, 50] {
            let (lhs, rhs) = (vec![1.0f32; m * k.max(1)], vec![1.0f32; k.max(1) * n]);
            for (dst_rs, dst_cs) in [(n, 1), (1, m), (2 * n, 2)] {
                let mut dst = vec![f32::NAN; 2 * m * n];
                let args = GemmArgs {
                    m,
                    n,
                    k,
                    dst: dst.as_mut_ptr().cast(),
                    dst_rs: dst_rs as isize,
                    dst_cs: dst_cs as isize,
                    lhs: lhs.as_ptr().cast(),
                    lhs_rs: 1,
                    lhs_cs: m as isize,
                    rhs: rhs.as_ptr().cast(),
                    rhs_rs: n as isize,
                    rhs_cs: 1,
                    accumulate: 0,
                };
                // SAFETY: the vectors have room for every index.
                unsafe { gemm_f32(&args) };
                assert_eq!(dst.iter().filter(|&&x| x == k as f32).count(), m * n, "{m} {n} {k} {dst_rs}");
            }
        }
    }
}

/// The bits of a product of ordinary floats are the same on every thread and every repetition.
#[test]
fn bits_do_not_depend_on_the_thread() {
    fn run() -> Vec<u32> {
        let (m, n, k) = (70, 50, 300);
        let lhs: Vec<f32> = (0..m * k).map(|i| (i as f32 * 0.37).sin()).collect();
        let rhs: Vec<f32> = (0..k * n).map(|i| (i as f32 * 0.11).cos()).collect();
        let mut dst = vec![0f32; m * n];
        let args = GemmArgs {
            m,
            n,
            k,
            dst: dst.as_mut_ptr().cast(),
            dst_rs: n as isize,
            dst_cs: 1,
            lhs: lhs.as_ptr().cast(),
            lhs_rs: k as isize,
            lhs_cs: 1,
            rhs: rhs.as_ptr().cast(),
            rhs_rs: n as isize,
            rhs_cs: 1,
            accumulate: 0,
        };
        // SAFETY: row-major matrices of these shapes.
        unsafe { gemm_f32(&args) };
        dst.iter().map(|x| x.to_bits()).collect()
    }
    let here = run();
    let there: Vec<_> = (0..4).map(|_| std::thread::spawn(run)).collect();
    assert!(there.into_iter().all(|t| t.join().unwrap() == here));
}
