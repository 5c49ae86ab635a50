//! Compile a program, call it on arrays, and use a classic einsum beside it.

use ein::ndarray::{Array2, array};

const SOURCE: &str = "
def matmul<M, N, K>(A: f32[M, K], B: f32[K, N]) -> C: f32[M, N] {
  C[i, j] = A[i, k] * B[k, j];
}";

/// Runs the example.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let a: Array2<f32> = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let b: Array2<f32> = array![[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]];

    // Text to a checked program; sizes come from the arrays, and the code for them is kept.
    let program = ein::Compiler::new().compile(SOURCE)?;
    let matmul = program.def("matmul")?;
    let out = matmul.call([("A", a.view()), ("B", b.view())])?;
    let expected = array![[4.0f32, 5.0], [10.0, 11.0]].into_dyn();
    assert_eq!(out.array::<f32>("C")?, expected);

    // Strided views are not copied: here, the transpose of a transpose.
    let columns = a.t().to_owned();
    let out = matmul.call([("A", columns.t()), ("B", b.view())])?;
    assert_eq!(out.array::<f32>("C")?, expected);

    // Sizes fixed once, then calls into an array of ours that allocate nothing.
    let bound = matmul.bind().size("M", 2).size("N", 2).constant("B", b.view())?.shape("A", &[2, 3]).build()?;
    let mut c = Array2::<f32>::zeros((2, 2));
    bound.call_into(&[(&a).into()], &mut [(&mut c).into()])?;
    assert_eq!(c.view().into_dyn(), expected);

    // A classic string, checked when this file is compiled.
    let c = ein::einsum!("ij,jk->ik", a, b)?;
    assert_eq!(c.as_array::<f32>()?, expected);
    Ok(())
}
