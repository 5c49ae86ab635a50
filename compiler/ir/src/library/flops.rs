//! Work of functions of whole tensors, as far as it can be told without running them.

use super::Problem;
use crate::tensor::MultiOp;

impl Problem {
    /// Real multiplications and additions (for sorting, comparisons) of all problems of the batch: the leading terms of the textbook
    /// algorithms, iterations taken at their usual length.
    ///
    /// Source: Golub and Van Loan, Matrix Computations, 4th edition: tables of sections 5.3 (least squares), 8.3 (symmetric QR
    /// iteration) and 8.6 (SVD), 3.2 (LU), 4.2 (Cholesky); `5 n log2 n` of a complex Fourier transform is the custom of FFTW. A
    /// complex multiplication and addition counts as 4 real ones of each.
    #[must_use]
    pub fn flops(&self) -> u64 {
        let [m, n, k] = [self.m, self.n, self.k].map(|size| size as f64);
        let one = match self.op {
            MultiOp::Sort | MultiOp::TopK => return whole(n * log2(n) * self.batch as f64),
            MultiOp::Fft | MultiOp::Ifft => return whole(5.0 * n * log2(n) * self.batch as f64),
            MultiOp::Rfft => return whole(2.5 * n * log2(n) * self.batch as f64),
            MultiOp::Irfft => return whole(2.5 * k * log2(k) * self.batch as f64),
            MultiOp::Solve => 2.0 / 3.0 * n * n * n + 2.0 * n * n * k,
            MultiOp::Inv => 2.0 * n * n * n,
            MultiOp::Det => 2.0 / 3.0 * n * n * n,
            MultiOp::Cholesky => n * n * n / 3.0,
            // The reflections, then their product with the first columns of the unit matrix.
            MultiOp::Qr => 4.0 * m * n * n - 4.0 / 3.0 * n * n * n,
            MultiOp::Lstsq => 2.0 * m * n * n - 2.0 / 3.0 * n * n * n + (4.0 * m * n - n * n) * k,
            MultiOp::Eigh => 9.0 * n * n * n,
            // With a QR decomposition first where the matrix is tall enough.
            MultiOp::Svd => (14.0 * m * n * n + 8.0 * n * n * n).min(6.0 * m * n * n + 20.0 * n * n * n),
        };
        let weight = if self.dtype.is_complex() { 4.0 } else { 1.0 };
        whole(weight * one * self.batch as f64)
    }
}

fn log2(n: f64) -> f64 {
    n.max(1.0).log2().ceil()
}

/// Huge ones are cut off.
const fn whole(flops: f64) -> u64 {
    flops.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;

    #[test]
    fn leading_terms() {
        let flops = |op, dtype, axes: &[u64], k| {
            let options = [("k".to_owned(), k), ("n".to_owned(), k)];
            let operands = [(dtype, axes), (dtype, &axes[..axes.len() - 1])];
            Problem::new(op, &operands, &options).expect("a problem").flops()
        };
        assert_eq!(flops(MultiOp::Solve, DType::F64, &[5, 30, 30], 0), 5 * (18_000 + 1_800));
        assert_eq!(flops(MultiOp::Cholesky, DType::C64, &[30, 30], 0), 36_000);
        assert_eq!(flops(MultiOp::Qr, DType::F32, &[60, 30], 0), 180_000);
        assert_eq!(flops(MultiOp::Fft, DType::C64, &[3, 1024], 0), 3 * 51_200);
        assert_eq!(flops(MultiOp::Irfft, DType::C64, &[513], 1024), 25_600);
        assert_eq!(flops(MultiOp::Sort, DType::I32, &[0], 0), 0);
        assert_eq!(flops(MultiOp::Inv, DType::F64, &[u64::MAX / 4, 1 << 40, 1 << 40], 0), u64::MAX);
    }
}
