//! Lifetimes, the arena and its limit; inputs that are results, and constants.

use super::{module, plan, steps};
use crate::Options;
use ein_ir::plan::{Layout, Place, Plan};

/// A chain of reductions over a square: none can be fused, each reads the one before.
fn chain(n: usize) -> String {
    let mut text = ">x f32[32, 32]\n".to_owned();
    for k in 1..n {
        text.push_str(&format!("|a{k} f32[32, 32]\n"));
    }
    text.push_str("<y f32[32, 32]\n");
    for k in 0..3 * n {
        text.push_str(&format!("i{k} 0..32\n"));
    }
    for k in 0..n {
        let (i, j, r) = (3 * k, 3 * k + 1, 3 * k + 2);
        text.push_str(&format!("t{}[i{i}, i{j}] = max:f32[i{r}]((t{k}[i{i}, i{r}] + t{k}[i{r}, i{j}]))\n", k + 1));
    }
    text
}

fn overlapping(plan: &Plan) -> usize {
    let blocks: Vec<_> = plan
        .buffers
        .values()
        .filter_map(|b| if let Place::Arena(at) = b.place { Some((at, at + b.n_bytes(), b.live?)) } else { None })
        .collect();
    let clash = |a: &(u64, u64, (_, _)), b: &(u64, u64, (_, _))| a.0 < b.1 && b.0 < a.1 && a.2.0 <= b.2.1 && b.2.0 <= a.2.1;
    let pairs = blocks.iter().enumerate().flat_map(|(n, a)| blocks[n + 1..].iter().map(move |b| (a, b)));
    pairs.filter(|(a, b)| clash(a, b)).count()
}

#[test]
fn disjoint_lifetimes_share_the_arena() {
    let plan = plan(&chain(6));
    assert_eq!(plan.steps.len(), 6);
    assert_eq!(plan.arena_bytes, 2 * 32 * 32 * 4, "two squares live at a time");
    assert_eq!(plan.peak().base, 3 * 32 * 32 * 4);
    assert_eq!(overlapping(&plan), 0);
}

#[test]
fn the_limit_names_both_values_and_the_largest() {
    let module = module(&chain(3));
    let limit = |bytes| crate::plan(&module, &Options { memory_limit: Some(bytes), ..Options::default() });
    assert!(limit(3 * 4096).is_ok());
    let errors = limit(3 * 4096 - 1).expect_err("one byte too few");
    assert_eq!((errors[0].code.0, errors[0].message.as_str()), (801, "`m` needs 12288 bytes of memory but the limit is 12287 bytes"));
    assert_eq!(errors[0].notes.len(), 3);
}

#[test]
fn inputs_and_tables_that_are_results_are_copied() {
    let text = ">x f32[2, 3]
         |c f32[3]
         <y f32[3]
         i0 0..3
         table t1 = [1.0, 2.0, 3.0]
         t2[i0] = t1[i0]";
    let copied = plan(text);
    assert_eq!(steps(&copied), ["pointwise y"]);
    assert!(copied.buffers.values().any(|b| matches!(&b.place, Place::Constant(v) if v.len() == 3)));
    let mut inner = module(text).into_inner();
    inner.results = vec![inner.params[0], inner.results[0], inner.results[0]];
    let verified = ein_ir::tensor::verify::verify(inner).expect("valid");
    let plan = crate::plan(&verified, &Options::default()).expect("a plan");
    assert_eq!(plan.outputs.len(), 3);
    assert_eq!(super::evaluate(&super::as_module(&plan)), super::evaluate(&verified));
}

#[test]
fn layout_classes_of_inputs_are_kept() {
    let module = module(&chain(1));
    let options = Options { strided_inputs: vec![true], ..Options::default() };
    let plan = crate::plan(&module, &options).expect("a plan");
    assert_eq!(plan.buffers[plan.inputs[0]].layout, Layout::Strided);
}

/// Of a chain the fast order stores 1000 elements, the frugal one 900, slices few, and one nest over everything none.
#[test]
fn a_limit_makes_the_order_frugal() {
    let inputs: [(&str, &[u64]); 3] = [("A", &[1, 30]), ("B", &[30, 1000]), ("C", &[1000, 30])];
    let body = "t3[i0, i3] = sum:f64[i1, i2]((t0[i0, i1] * t1[i1, i2] * t2[i2, i3]))";
    let text = super::equations(&inputs, "<y f64[1, 30]", &[1, 30, 1000, 30], body, "f64");
    let module = super::module(&text);
    let within = |limit| crate::plan(&module, &Options { memory_limit: Some(limit), ..Options::default() });
    let peak = |limit| within(limit).expect("a plan").peak().base;
    let output = 30 * 8;
    assert_eq!(peak(u64::MAX), output + 8000);
    assert!((7200..=7800).contains(&peak(output + 7999)));
    // Slices of the chain, and one nest.
    assert!(peak(7000) <= 7000 && peak(1000) <= 1000);
    assert_eq!(peak(output), output);
    let errors = within(output - 1).expect_err("the output alone is larger");
    assert_eq!(errors[0].message, "`m` needs 240 bytes of memory but the limit is 239 bytes");
}
