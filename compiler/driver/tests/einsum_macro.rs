//! `einsum!` on what embedders hold: arrays, references to them, tensors.

use ein::{Tensor, einsum, ndarray::array};

#[test]
fn operands_may_be_values_references_or_tensors() {
    let (a, b) = (array![[1.0f32, 2.0], [3.0, 4.0]], array![1.0f32, 10.0]);
    let expected = [21.0f32, 43.0];
    let tensor = Tensor::from_slice(&[2], &[1.0f32, 10.0]).expect("fits");
    let results =
        [einsum!("ij,j->i", a, b), einsum!("ij,j->i", &a, &b), einsum!("ij,j->i", a.view(), &tensor), einsum!("ji,j->i", a.t(), tensor)];
    for result in results {
        assert_eq!(result.expect("fits").as_slice::<f32>().expect("f32"), expected);
    }
}
