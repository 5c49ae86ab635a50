//! Best approximations: sums of given functions whose largest error on a range is least, by Remez's exchange.
//!
//! The error of the best one reaches its largest size at one point more than there are functions, with signs in turn.

use std::f64::consts::PI;

/// Exchanges until the largest error and the one at the points in turn agree.
const ROUNDS: usize = 60;
/// Points of a range at which errors are looked at.
const POINTS: u32 = 4000;
/// How closely the two errors agree at the end.
const AGREES: f64 = 1e-6;

/// A sum of the functions with these coefficients at a point.
type Sum = dyn Fn(&[f64], f64) -> f64;

/// What is approximated: a function by sums of others.
pub(crate) struct Problem<'a> {
    /// What the sum should be.
    pub(crate) target: &'a dyn Fn(f64) -> f64,
    /// The functions by number.
    pub(crate) basis: &'a dyn Fn(usize, f64) -> f64,
    /// The sum with these coefficients at a point, if there is a shorter way to it.
    pub(crate) sum: Option<&'a Sum>,
    /// How many of them.
    pub(crate) n: usize,
    /// The range; where its lower end is positive and small, points get denser to it.
    pub(crate) on: (f64, f64),
}

impl Problem<'_> {
    /// The coefficients and the largest error on the range; none if it was not found.
    pub(crate) fn solve(&self) -> Option<(Vec<f64>, f64)> {
        let grid = self.grid();
        let mut points = self.first();
        let mut best: Option<(Vec<f64>, f64)> = None;
        for _ in 0..ROUNDS {
            let (coefficients, level) = self.levelled(&points)?;
            let errors: Vec<f64> = grid.iter().map(|&x| self.error(&coefficients, x)).collect();
            let worst = errors.iter().fold(0.0_f64, |worst, e| if e.is_nan() { f64::INFINITY } else { worst.max(e.abs()) });
            if !worst.is_finite() {
                return best;
            }
            if best.as_ref().is_none_or(|(_, least)| worst < *least) {
                best = Some((coefficients, worst));
            }
            if worst - level.abs() <= AGREES * worst {
                break;
            }
            let Some(next) = exchanged(&grid, &errors, self.n + 1) else { break };
            points = next;
        }
        best
    }

    fn error(&self, coefficients: &[f64], x: f64) -> f64 {
        let sum = match self.sum {
            Some(sum) => sum(coefficients, x),
            None => coefficients.iter().enumerate().map(|(n, c)| c * (self.basis)(n, x)).sum(),
        };
        (self.target)(x) - sum
    }

    /// Extrema of a Chebyshev polynomial on the range, in order.
    fn first(&self) -> Vec<f64> {
        let (lo, hi) = self.on;
        let n = self.n as f64;
        (0..=self.n).map(|k| f64::midpoint(lo, hi) - (hi - lo) / 2.0 * (PI * k as f64 / n).cos()).collect()
    }

    fn grid(&self) -> Vec<f64> {
        let (lo, hi) = self.on;
        let at = |k: u32| f64::from(k) / f64::from(POINTS);
        // Dense at both ends, where extrema are.
        let mut grid: Vec<f64> = (0..=POINTS).map(|k| f64::midpoint(lo, hi) - (hi - lo) / 2.0 * (PI * at(k)).cos()).collect();
        if lo > 0.0 {
            grid.extend((0..=POINTS).map(|k| lo * (hi / lo).powf(at(k))));
        }
        grid.sort_by(f64::total_cmp);
        grid.dedup();
        grid
    }

    /// The sum whose errors at these points are of one size, with signs in turn; and that error.
    fn levelled(&self, points: &[f64]) -> Option<(Vec<f64>, f64)> {
        let mut rows: Vec<Vec<f64>> = Vec::new();
        for (k, &x) in points.iter().enumerate() {
            let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
            rows.push((0..self.n).map(|n| (self.basis)(n, x)).chain([sign, (self.target)(x)]).collect());
        }
        let mut solution = solved(rows)?;
        let level = solution.pop()?;
        Some((solution, level))
    }
}

/// Solves linear equations, each a row with its right side last, by elimination.
fn solved(mut rows: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let n = rows.len();
    for column in 0..n {
        let pivot = (column..n).max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()))?;
        rows.swap(column, pivot);
        let (above, below) = rows.split_at_mut(column + 1);
        let pivot = &above[column];
        if pivot[column] == 0.0 || !pivot[column].is_finite() {
            return None;
        }
        for row in below {
            let factor = row[column] / pivot[column];
            row[column..].iter_mut().zip(&pivot[column..]).for_each(|(x, p)| *x -= factor * p);
        }
    }
    let mut solution = vec![0.0; n];
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|column| rows[row][column] * solution[column]).sum();
        solution[row] = (rows[row][n] - known) / rows[row][row];
    }
    Some(solution)
}

/// The `n` extrema with signs in turn that are largest; none if there are fewer.
fn exchanged(grid: &[f64], errors: &[f64], n: usize) -> Option<Vec<f64>> {
    // The largest of each stretch of one sign.
    let mut extrema: Vec<usize> = Vec::new();
    for k in 0..grid.len() {
        match extrema.last_mut() {
            Some(last) if (errors[*last] < 0.0) == (errors[k] < 0.0) => {
                if errors[k].abs() > errors[*last].abs() {
                    *last = k;
                }
            }
            _ => extrema.push(k),
        }
    }
    // Those at the ends go one by one, those between in pairs, so that signs stay in turn.
    while extrema.len() > n {
        let size = |k: usize| errors[extrema[k]].abs();
        if extrema.len() == n + 1 {
            let first_is_less = size(0) < size(extrema.len() - 1);
            extrema.remove(if first_is_less { 0 } else { extrema.len() - 1 });
            continue;
        }
        let least = (0..extrema.len()).min_by(|&a, &b| size(a).total_cmp(&size(b)))?;
        if least == 0 || least + 1 == extrema.len() {
            extrema.remove(least);
            continue;
        }
        let other = if size(least - 1) < size(least + 1) { least - 1 } else { least + 1 };
        extrema.drain(least.min(other)..=least.max(other));
    }
    (extrema.len() == n).then(|| extrema.into_iter().map(|k| grid[k]).collect())
}
