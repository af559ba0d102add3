//! The Cholesky factor of a symmetric positive definite matrix, and what it is good for.
//!
//! Golub & Van Loan, *Matrix Computations*, 2013, chapter 4.2. Sums are formed in the same order
//! on every machine.

use ndarray::{Array1, Array2};

/// `A = L Lᵀ` with a lower triangular `L`.
#[derive(Clone, Debug)]
pub(super) struct Cholesky {
    size: usize,
    /// `L`, row by row.
    lower: Vec<f64>,
}

impl Cholesky {
    /// Factors a matrix, of which the lower triangle is looked at. `None` if it is not positive
    /// definite.
    pub(super) fn new(matrix: &Array2<f64>) -> Option<Self> {
        let size = matrix.nrows();
        let mut lower: Vec<f64> = matrix.iter().copied().collect();
        for i in 0..size {
            let (above, row) = lower.split_at_mut(i * size);
            for j in 0..i {
                let other = &above[j * size..];
                row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
            }
            let rest = row[i] - dot(&row[..i], &row[..i]);
            if rest.is_nan() || rest <= 0.0 {
                return None;
            }
            row[i] = rest.sqrt();
            row[i + 1..size].fill(0.0);
        }
        Some(Self { size, lower })
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.lower[i * self.size..][..=i]
    }

    /// `L b`.
    pub(super) fn times(&self, b: &[f64]) -> Array1<f64> {
        (0..self.size).map(|i| dot(self.row(i), &b[..=i])).collect()
    }

    /// `L⁻¹ b`.
    pub(super) fn forward(&self, b: Array1<f64>) -> Array1<f64> {
        let mut x = b.to_vec();
        for i in 0..x.len() {
            let row = self.row(i);
            x[i] = (x[i] - dot(&row[..i], &x[..i])) / row[i];
        }
        x.into()
    }

    /// `L⁻ᵀ b`.
    pub(super) fn backward(&self, b: Array1<f64>) -> Array1<f64> {
        let mut x = b.to_vec();
        for i in (0..x.len()).rev() {
            let row = self.row(i);
            x[i] /= row[i];
            let value = x[i];
            add(&mut x[..i], -value, &row[..i]);
        }
        x.into()
    }

    /// `A⁻¹ b`.
    pub(super) fn solve(&self, b: Array1<f64>) -> Array1<f64> {
        self.backward(self.forward(b))
    }

    /// `ln det A`.
    pub(super) fn log_determinant(&self) -> f64 {
        2.0 * (0..self.size).map(|i| self.row(i)[i].ln()).sum::<f64>()
    }

    /// The lower triangle of `A⁻¹`, by `L⁻¹` and `L⁻ᵀ L⁻¹`.
    pub(super) fn inverse(&self) -> Array2<f64> {
        let n = self.size;
        let mut rows = vec![0.0; n * n];
        let mut product = vec![0.0; n * n];
        for i in 0..n {
            let (above, rest) = rows.split_at_mut(i * n);
            let (row, lower) = (&mut rest[..=i], self.row(i));
            for j in 0..i {
                add(&mut row[..=j], -lower[j], &above[j * n..][..=j]);
            }
            row[i] = 1.0;
            row.iter_mut().for_each(|x| *x /= lower[i]);
            for j in 0..=i {
                add(&mut product[j * n..][..=j], row[j], &row[..=j]);
            }
        }
        Array2::from_shape_fn((n, n), |(i, j)| product[i * n + j])
    }

    #[cfg(test)]
    fn lower(&self) -> Array2<f64> {
        Array2::from_shape_fn((self.size, self.size), |(i, j)| self.lower[i * self.size + j])
    }
}

/// The scalar product, in eight sums that the processor can form at once.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (mut left, mut right) = (a.chunks_exact(8), b.chunks_exact(8));
    let mut sums = [0.0; 8];
    for (a, b) in left.by_ref().zip(right.by_ref()) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

/// `a += factor × b`.
fn add(a: &mut [f64], factor: f64, b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += factor * b);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factor_solve_invert() {
        let a = ndarray::array![[4.0, 2.0, 0.6], [2.0, 3.0, 0.4], [0.6, 0.4, 2.0]];
        let cholesky = Cholesky::new(&a).unwrap();
        let lower = cholesky.lower();
        let close = |x: &Array2<f64>, y: &Array2<f64>| (x - y).iter().all(|d| d.abs() < 1e-12);
        assert!(close(&lower.dot(&lower.t()), &a));
        let mut inverse = cholesky.inverse();
        for (i, j) in [(0, 1), (0, 2), (1, 2)] {
            inverse[(i, j)] = inverse[(j, i)];
        }
        assert!(close(&inverse.dot(&a), &Array2::eye(3)));
        let b = ndarray::array![1.0, -2.0, 0.5];
        let x = cholesky.solve(b.clone());
        assert!((a.dot(&x) - b).iter().all(|d| d.abs() < 1e-12));
        let determinant = 4.0 * (6.0 - 0.16) - 2.0 * (4.0 - 0.24) + 0.6 * (0.8 - 1.8);
        assert!((cholesky.log_determinant() - f64::ln(determinant)).abs() < 1e-12);
        assert!(Cholesky::new(&ndarray::array![[1.0, 2.0], [2.0, 1.0]]).is_none());
    }
}
