//! Compile a file, fix its integer generics, and run it on random-looking data; show what a mistake looks like.

use ein::ndarray::Array4;
use std::path::Path;

/// Runs the example.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|p| p.join("examples")).find(|p| p.is_dir());
    let program = ein::Compiler::new().compile_file(folder.expect("the folder of this file").join("conv2d/conv2d.ein"))?;
    let conv2d = program.def("conv2d")?;

    let x = Array4::from_shape_fn((1, 2, 6, 6), |(_, c, i, j)| ((c + 2 * i + 3 * j) % 5) as f32);
    let w = Array4::from_elem((3, 2, 3, 3), 0.5f32);
    let bound = conv2d.bind().size("st", 2).input("x", &(&x).into())?.input("w", &(&w).into())?.build()?;
    let y = bound.call(&[(&x).into(), (&w).into()])?.array::<f32>("y")?;
    assert_eq!(y.shape(), [1, 3, 3, 3]);

    // Mistakes are values, with a code, a place and a repair.
    let error = ein::Compiler::new().compile("def f<N, M>(A: f32[N, M]) -> y: f32[N] { y[i] = A[i, j]; }").err();
    let error = error.expect("`j` occurs once");
    assert_eq!(error.diagnostics()[0].code.to_string(), "E0201");
    assert!(error.render(false).contains("sum[j]"));
    Ok(())
}
