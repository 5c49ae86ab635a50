//! Small matrices, row-major.

use super::complex::Complex;
use std::ops::{Index, IndexMut};

#[derive(Clone, Debug)]
pub(super) struct Matrix {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) entries: Vec<Complex>,
}

impl Matrix {
    pub(super) fn new(rows: usize, columns: usize, entries: &[Complex]) -> Self {
        Self { rows, columns, entries: entries.to_vec() }
    }

    /// Ones on the diagonal.
    pub(super) fn identity(rows: usize, columns: usize) -> Self {
        let mut out = Self { rows, columns, entries: vec![Complex::ZERO; rows * columns] };
        (0..rows.min(columns)).for_each(|n| out[(n, n)] = Complex::ONE);
        out
    }

    pub(super) fn adjoint(&self) -> Self {
        let mut out = Self { rows: self.columns, columns: self.rows, entries: self.entries.clone() };
        for row in 0..self.rows {
            (0..self.columns).for_each(|column| out[(column, row)] = self[(row, column)].conj());
        }
        out
    }

    pub(super) fn times(&self, rhs: &Self) -> Self {
        let mut out = Self { rows: self.rows, columns: rhs.columns, entries: vec![Complex::ZERO; self.rows * rhs.columns] };
        for row in 0..self.rows {
            for column in 0..rhs.columns {
                out[(row, column)] = (0..self.columns).fold(Complex::ZERO, |sum, k| sum + self[(row, k)] * rhs[(k, column)]);
            }
        }
        out
    }

    pub(super) fn swap_rows(&mut self, a: usize, b: usize) {
        (0..self.columns).for_each(|column| self.entries.swap(a * self.columns + column, b * self.columns + column));
    }

    /// The columns in another order.
    pub(super) fn pick_columns(&self, order: &[usize]) -> Self {
        let mut out = self.clone();
        for row in 0..self.rows {
            order.iter().enumerate().for_each(|(to, &from)| out[(row, to)] = self[(row, from)]);
        }
        out
    }

    pub(super) fn scale_column(&mut self, column: usize, by: Complex) {
        (0..self.rows).for_each(|row| self[(row, column)] = self[(row, column)] * by);
    }

    pub(super) fn scale_row(&mut self, row: usize, by: Complex) {
        (0..self.columns).for_each(|column| self[(row, column)] = self[(row, column)] * by);
    }

    /// `sum conj(a) * b` over two columns.
    pub(super) fn column_product(&self, a: usize, b: usize) -> Complex {
        (0..self.rows).fold(Complex::ZERO, |sum, row| sum + self[(row, a)].conj() * self[(row, b)])
    }

    /// Divides by the power of two that brings the largest part near 1, and returns its exponent: squares then neither overflow
    /// nor vanish, and nothing is rounded.
    pub(super) fn normalise(&mut self) -> i32 {
        let largest = self.entries.iter().fold(0.0f64, |max, z| max.max(z.re.abs()).max(z.im.abs()));
        let exponent = if largest == 0.0 { 0 } else { libm::frexp(largest).1 };
        self.scale_exponent(-exponent);
        exponent
    }

    pub(super) fn scale_exponent(&mut self, exponent: i32) {
        for z in &mut self.entries {
            *z = Complex::new(libm::ldexp(z.re, exponent), libm::ldexp(z.im, exponent));
        }
    }

    /// The factor that makes the first component of (nearly) the largest modulus of a column real and positive.
    pub(super) fn column_phase(&self, column: usize) -> Complex {
        let largest = (0..self.rows).fold(0.0f64, |max, row| max.max(self[(row, column)].modulus()));
        let leading = (0..self.rows).map(|row| self[(row, column)]).find(|z| z.modulus() >= 0.999 * largest);
        leading.map_or(Complex::ONE, |z| z.phase().conj())
    }
}

impl Index<(usize, usize)> for Matrix {
    type Output = Complex;
    fn index(&self, (row, column): (usize, usize)) -> &Complex {
        &self.entries[row * self.columns + column]
    }
}

impl IndexMut<(usize, usize)> for Matrix {
    fn index_mut(&mut self, (row, column): (usize, usize)) -> &mut Complex {
        &mut self.entries[row * self.columns + column]
    }
}
