//! The text of every stage is stable: keep it as a snapshot, and a change of a plan or a kernel shows in review.

/// Runs the example.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let source = "
def scores<N, M, E>(q: f32[N, E], k: f32[M, E]) -> s: f32[N, M] {
  s[i, j] = relu(sum[e](q[i, e] * k[j, e]));
}";
    let program = ein::Compiler::new().compile(source)?;
    let sizes = [("N", 8), ("M", 8), ("E", 4)];

    // The sum is explicit, and every type is written.
    let tir = program.emit(ein::Stage::Tir, "scores", &[])?;
    assert!(tir.contains("sum"), "{tir}");

    // With sizes: steps, buffers and peak memory. In a test, this would be `insta::assert_snapshot!(plan)`.
    let plan = program.emit(ein::Stage::Plan, "scores", &sizes)?;
    assert_eq!(plan, program.emit(ein::Stage::Plan, "scores", &sizes)?);

    // Machine code is for a named processor, so that the text is the same on every machine.
    for stage in [ein::Stage::Kernels, ein::Stage::Clif, ein::Stage::Asm] {
        assert!(!program.emit(stage, "scores", &sizes)?.is_empty());
    }
    Ok(())
}
