//! Equations without inputs: computed beforehand, with the values of the declared semantics and without its faults.

use super::{plan, steps};
use ein_ir::plan::{Place, Plan};
use ein_ir::scalar::Literal;

fn constants(plan: &Plan) -> Vec<(&str, &[Literal])> {
    let mut out = Vec::new();
    for buffer in plan.buffers.values() {
        if let Place::Constant(values) = &buffer.place {
            out.push((buffer.name.as_str(), values.as_slice()));
        }
    }
    out
}

#[test]
fn a_table_by_formula_is_computed_once() {
    // `b` has its values from `a`, which nobody else reads.
    let plan = plan(
        ">x f64[3]
         |a f64[4]
         |b f64[3]
         <y f64[3]
         i0 0..4
         i1 0..3
         i2 0..4
         i3 0..3
         t1[i0] = (f64(i0) * f64(i0))
         t2[i1] = sum:f64[i2]((t1[i2] * f64(i1)))
         t3[i3] = (t0[i3] + t2[i3])",
    );
    assert_eq!(constants(&plan), [("b", [0.0, 14.0, 28.0].map(Literal::Float).as_slice())]);
    assert_eq!(steps(&plan), ["pointwise y"]);
}

#[test]
fn a_number_without_axes_is_written_into_its_readers() {
    let plan = plan(
        ">x f64[3]
         |s f64[]
         <y f64[3]
         i0 0..4
         i1 0..3
         t1[] = sum:f64[i0](f64(i0))
         t2[i1] = (t0[i1] * t1[])",
    );
    assert_eq!(constants(&plan), []);
    assert_eq!(steps(&plan), ["pointwise y"]);
    assert_eq!(plan.buffers.len(), 2);
}

/// They would become data where loops can be shaped by them.
#[test]
fn integers_by_arithmetic_stay_expressions() {
    let plan = plan(
        ">x f64[7]
         |n i64[4]
         <y f64[4]
         i0 0..4
         i1 0..4
         t1[i0] = (i0 + 2)
         t2[i1] = t0[t1[i1]]",
    );
    assert_eq!(constants(&plan), []);
    assert_eq!(steps(&plan), ["pointwise y"]);
}

#[test]
fn what_fails_is_left_to_the_call() {
    let module = super::module(
        ">x i64[3]
         |n i64[2]
         <y i64[3]
         i0 0..2
         i1 0..3
         i2 0..3
         t1[i0] = sum:i64[i1]((i1 // i0))
         t2[i2] = (t0[i2] + t1[0])",
    );
    let plan = crate::plan_module(&module, &crate::Options::default()).expect("a plan");
    assert_eq!(constants(&plan), []);
    assert_eq!(plan.faults.len(), 1);
}

#[test]
fn dear_tables_stay_equations_when_they_are_large() {
    let table = |n: u32| {
        let text = ">x f64[1]
             |a f64[N]
             <y f64[N]
             i0 0..N
             i1 0..N
             t1[i0] = sin(f64(i0))
             t2[i1] = (t0[0] + t1[i1])";
        let module = super::module(&text.replace('N', &n.to_string()));
        constants(&crate::plan_module(&module, &crate::Options::default()).expect("a plan")).len()
    };
    assert_eq!((table(1 << 10), table(1 << 17)), (1, 0));
}
