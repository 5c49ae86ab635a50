//! What kernels look like: that loops, vectors and refusals are the intended ones.

use super::build::*;
use ein_ir::dtype::DType;
use ein_ir::plan::{Nest, StepKind};
use ein_ir::scalar::Mode;
use ein_ir::scalar::function::BinaryFn;
use ein_ir::tensor::ReduceOp;

fn kernels(make: impl FnOnce(&mut Planner) -> Nest) -> String {
    let mut planner = Planner::new(1);
    let nest = make(&mut planner);
    planner.step(StepKind::Nest(nest));
    ein_ir::kernel::print::print(&crate::pipeline::lower_plan(&planner.plan).unwrap())
}

fn count(text: &str, what: &str) -> usize {
    text.matches(what).count()
}

#[test]
fn contiguous_axes_become_one_loop() {
    let text = kernels(|p| {
        let x = p.input(DType::F32, &[4, 8, 16]);
        let out = p.output(DType::F32, &[4, 8, 16]);
        NestBuilder::over(&[4, 8, 16]).map(out, p.at(x, &[i(0), i(1), i(2)]))
    });
    assert!(text.contains("copy b1[0] = b0[0] count 512"), "{text}");
    assert_eq!(count(&text, "loop"), 0, "{text}");
}

#[test]
fn a_triangle_skips_its_empty_half() {
    let text = kernels(|p| {
        let x = p.input(DType::F32, &[50, 50]);
        let out = p.output(DType::F32, &[50]);
        let mut nest = NestBuilder::over(&[50]);
        let k = nest.index(0, 50);
        let mut nest = nest.reduce(out, ReduceOp::Sum, DType::F32, &[k], p.at(x, &[i(0), i(1)]));
        nest.reduce.as_mut().unwrap().guard = Some(bin(BinaryFn::Le, i(1), i(0)));
        nest
    });
    assert_eq!(count(&text, "if "), 0, "{text}");
    assert!(text.contains("f32x4"), "{text}");
}

#[test]
fn the_inside_of_a_stencil_has_no_tests() {
    let text = kernels(|p| {
        let x = p.input(DType::F32, &[1000]);
        let out = p.output(DType::F32, &[1000]);
        let at = |p: &Planner, by: i64| p.at_modes(x, vec![(add(i(0), int(by)), Mode::Clamp)]);
        let body = add(at(p, -1), at(p, 1));
        NestBuilder::over(&[1000]).map(out, body)
    });
    assert!(text.contains("in 1..993 step 16") || text.contains("in 1..997 step"), "{text}");
}

#[test]
fn reshapes_do_not_divide() {
    let text = kernels(|p| {
        let x = p.input(DType::F32, &[6, 35]);
        let out = p.output(DType::F32, &[210]);
        let at = [bin(BinaryFn::FloorDiv, i(0), int(35)), bin(BinaryFn::Rem, i(0), int(35))];
        NestBuilder::over(&[210]).map(out, p.at(x, &at))
    });
    assert_eq!(count(&text, "div") + count(&text, "rem"), 0, "{text}");
    assert_eq!(count(&text, "loop"), 0, "{text}");
}

#[test]
fn complex_sums_run_in_vectors() {
    let text = kernels(|p| {
        let (x, y) = (p.input(DType::C64, &[64]), p.input(DType::C64, &[64]));
        let out = p.output(DType::C64, &[64]);
        NestBuilder::over(&[64]).map(out, add(p.at(x, &[i(0)]), p.at(y, &[i(0)])))
    });
    assert!(text.contains("f32x4"), "{text}");
}

#[test]
fn what_has_no_kernels_is_refused() {
    let mut planner = Planner::new(1);
    let x = planner.input(DType::Key, &[3]);
    let out = planner.output(DType::Key, &[3]);
    let nest = NestBuilder::over(&[3]).map(out, planner.at(x, &[i(0)]));
    planner.step(StepKind::Nest(nest));
    let errors = crate::pipeline::lower_plan(&planner.plan).unwrap_err();
    assert_eq!(errors.len(), 2);
    assert!(errors.iter().all(|e| e.code.0 == 190), "{errors:?}");
}

#[test]
fn kernels_are_the_same_every_time() {
    let make = || {
        kernels(|p| {
            let (x, w) = (p.input(DType::F32, &[9, 30]), p.input(DType::F32, &[3]));
            let out = p.output(DType::F32, &[9, 30]);
            let mut nest = NestBuilder::over(&[9, 30]);
            let k = nest.index(0, 3);
            let at = vec![(i(0), Mode::Exact), (sub(add(i(1), i(2)), int(1)), Mode::Pad)];
            let body = mul(p.at_modes(x, at), p.at(w, &[i(2)]));
            nest.reduce(out, ReduceOp::Sum, DType::F32, &[k], body)
        })
    };
    assert_eq!(make(), make());
}
