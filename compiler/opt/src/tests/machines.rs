//! What the cost table of a machine decides, and what predicted times are made of.

use super::{equations, module, plan_with, steps};
use crate::{Machine, Minimize, Options, anonymous, predicted, table};
use ein_ir::plan::{Nest, Plan, StepKind};

/// Three matrices, of which the pair with the fewest flops has the larger product.
fn chain() -> String {
    let inputs: [(&str, &[u64]); 3] = [("A", &[3, 10]), ("B", &[10, 60]), ("C", &[60, 10])];
    equations(&inputs, "<y f64[3, 10]", &[3, 10, 10, 60], "t3[i0, i1] = sum:f64[i2, i3]((t0[i0, i2] * t1[i2, i3] * t2[i3, i1]))", "f64")
}

fn slow_memory() -> Machine {
    Machine { name: "slow-memory".to_owned(), memory_bytes: 1, cache_bytes: 1, ..Machine::default() }
}

fn slow_flops() -> Machine {
    Machine { name: "slow-flops".to_owned(), loop_f64: 1, product_f64: 1, ..Machine::default() }
}

fn on(machine: Machine) -> Options {
    Options { machine, ..Options::default() }
}

fn flops(plan: &Plan) -> u64 {
    plan.steps.values().map(|s| s.flops).sum()
}

fn bytes(plan: &Plan) -> u64 {
    plan.steps.values().map(|s| s.bytes).sum()
}

#[test]
fn slow_memory_saves_bytes_and_slow_arithmetic_flops() {
    // Both are compared with the interpreter.
    let few_bytes = plan_with(&chain(), &on(slow_memory()));
    let few_flops = plan_with(&chain(), &on(slow_flops()));
    assert_eq!(flops(&few_flops), 2 * (3 * 10 * 60 + 3 * 60 * 10), "{:?}", steps(&few_flops));
    assert!(flops(&few_bytes) > flops(&few_flops), "{:?}", steps(&few_bytes));
    assert!(bytes(&few_bytes) < bytes(&few_flops), "{:?}", steps(&few_bytes));
    // Each is the better one where it was chosen.
    for (machine, best, other) in [(slow_memory(), &few_bytes, &few_flops), (slow_flops(), &few_flops, &few_bytes)] {
        assert!(predicted(best, &machine) < predicted(other, &machine));
        assert!(anonymous(best).to_string().contains(&format!(" machine \"{}\" ", machine.title())));
    }
}

#[test]
fn the_table_decides_nothing_but_time() {
    let plan = |machine, minimize| {
        let mut plan = plan_with(&chain(), &Options { minimize, ..on(machine) });
        plan.header.machine.clear();
        plan
    };
    for minimize in [Minimize::Flops, Minimize::Peak, Minimize::Combo] {
        assert_eq!(plan(slow_memory(), minimize), plan(slow_flops(), minimize), "{minimize:?}");
    }
}

#[test]
fn any_table_makes_a_plan() {
    let least = Machine { product_call: 0, cache_size: 0, step: 0, ..Machine::filled(1) };
    for machine in [least, Machine::filled(crate::MAX_FIGURE)] {
        assert_eq!(machine.check(), Ok(()));
        let plan = plan_with(&chain(), &on(machine.clone()));
        assert!(table(&plan, &machine).contains(&machine.title()), "{}", table(&plan, &machine));
    }
}

impl Machine {
    fn filled(figure: u64) -> Self {
        Self {
            name: "filled".to_owned(),
            threads: figure,
            product_f32: figure,
            product_f64: figure,
            product_c64: figure,
            product_c128: figure,
            product_depth: figure,
            product_call: figure,
            loop_f32: figure,
            loop_f64: figure,
            loop_scalar: figure,
            function: figure,
            memory_bytes: figure,
            cache_bytes: figure,
            cache_size: figure,
            step: figure,
        }
    }
}

/// Nanoseconds of a program of one step on a machine that does one operation of each kind a nanosecond.
fn operations(text: &str) -> u64 {
    let machine = Machine { step: 0, memory_bytes: 1_000_000, cache_bytes: 1_000_000, ..Machine::filled(1000) };
    let machine = Machine { loop_f32: 8000, loop_f64: 4000, function: 100, ..machine };
    let plan = crate::plan(&module(text), &on(machine.clone())).expect("a plan");
    assert_eq!(plan.steps.len(), 1, "{:?}", steps(&plan));
    predicted(&plan, &machine)
}

#[test]
fn times_follow_from_what_loops_do() {
    // In vectors: 2 flops an element.
    assert_eq!(operations(">x f32[800]\n<y f32[800]\ni0 0..800\nt1[i0] = (t0[i0] * (t0[i0] + 1.5:f32))"), 2 * 800 / 8);
    assert_eq!(operations(">x f64[800]\n<y f64[800]\ni0 0..800\nt1[i0] = (t0[i0] * (t0[i0] + 1.5:f64))"), 2 * 800 / 4);
    // Functions are called for each element, and what is around them runs with them: one read, one product.
    assert_eq!(operations(">x f32[800]\n<y f32[800]\ni0 0..800\nt1[i0] = (exp(t0[i0]) * 2.0:f32)"), 800 * 2 + 800 * 10);
    // No axis along which both lie side by side.
    assert_eq!(operations(">x f32[40, 20]\n<y f32[20, 40]\ni0 0..20\ni1 0..40\nt1[i0, i1] = t0[i1, i0]"), 800);
    // The reduced one is such an axis.
    assert_eq!(operations(">x f32[40, 20]\n<y f32[40]\ni0 0..40\ni1 0..20\nt1[i0] = sum:f32[i1](t0[i0, i1])"), 800 / 8);
    // Conversions leave the lanes.
    assert_eq!(operations(">x f32[800]\n<y f64[800]\ni0 0..800\nt1[i0] = f64(t0[i0])"), 800);
    // Comparisons of floats do not.
    assert_eq!(operations(">x f32[8, 100]\n<y bool[100]\ni0 0..100\ni1 0..8\nt1[i0] = any:bool[i1]((t0[i1, i0] < 0.5:f32))"), 2 * 800 / 8);
}

#[test]
fn pointwise_values_inside_of_loops_are_not_priced_as_stored() {
    // `A x + B x` as `(A + B) x`, whose sum of matrices is never stored: one step, three operations an element instead of four.
    let inputs: [(&str, &[u64]); 3] = [("A", &[64, 64]), ("B", &[64, 64]), ("x", &[64])];
    let body = "t3[i0] = sum:i64[i1]((t0[i0, i1] * t2[i1]))
                t4[i0] = sum:i64[i1]((t1[i0, i1] * t2[i1]))
                t5[i0] = (t3[i0] + t4[i0])";
    let plan = plan_with(&equations(&inputs, "|p i64[64]\n|q i64[64]\n<y i64[64]", &[64, 64], body, "i64"), &Options::default());
    assert_eq!((steps(&plan), flops(&plan)), (vec!["sum y".to_owned()], 3 * 64 * 64));
}

/// Tables as `ein calibrate` writes them: in builds that are optimised, and not.
fn calibrated() -> [Machine; 3] {
    let with = |depth| Machine { name: format!("depth-{depth}"), product_depth: depth, ..Machine::default() };
    [0, 1, 10].map(with)
}

/// Elements of the largest product of tensors, none of them reduced, that is stored for others to read.
fn largest_product(plan: &Plan) -> u64 {
    let nests = plan.steps.values().filter_map(|step| if let StepKind::Nest(nest) = &step.kind { Some(nest) } else { None });
    let is_one = |nest: &&Nest| nest.reduce.is_none() && nest.accesses().len() > 1 && !plan.outputs.contains(&nest.out);
    nests.filter(is_one).map(|nest| plan.buffers[nest.out].n_elements()).max().unwrap_or(0)
}

/// A tensor times the factors of a CP model, a gradient by each of them, and a chain of tensor-train cores: factors and cores are taken one by one,
/// unless the product of some is much smaller than what is then stored.
#[test]
fn khatri_rao_products_are_stored_on_no_machine() {
    let of = |inputs: &[(&str, &[u64])], out: &[u64], extents: &[u64], body: &str, one_by_one: u64| {
        for (machine, dtype) in calibrated().into_iter().flat_map(|machine| ["f32", "f64"].map(|dtype| (machine.clone(), dtype))) {
            let text = equations(inputs, &format!("<y {dtype}{out:?}"), extents, &body.replace("TYPE", dtype), dtype);
            let plan = crate::plan(&module(&text), &on(machine.clone())).expect("a plan");
            assert!(4 * largest_product(&plan) <= one_by_one, "{dtype} {extents:?}\n{}", table(&plan, &machine));
        }
    };
    for [i, j, k, r] in [[30, 40, 50, 8], [100, 100, 100, 16], [200, 10, 300, 64], [16, 500, 40, 4]] {
        let (x, a, b, c) = (("X", &[i, j, k][..]), ("A", &[i, r][..]), ("B", &[j, r][..]), ("C", &[k, r][..]));
        let body = "t3[i0, i1] = sum:TYPE[i2, i3]((t0[i0, i2, i3] * t1[i2, i1] * t2[i3, i1]))";
        of(&[x, b, c], &[i, r], &[i, r, j, k], body, i * j.min(k) * r);
        let body = "t3[i0, i1] = sum:TYPE[i2, i3]((t0[i2, i0, i3] * t1[i2, i1] * t2[i3, i1]))";
        of(&[x, a, c], &[j, r], &[j, r, i, k], body, j * i.min(k) * r);
        let body = "t3[i0, i1] = sum:TYPE[i2, i3]((t0[i2, i3, i0] * t1[i2, i1] * t2[i3, i1]))";
        of(&[x, a, b], &[k, r], &[k, r, i, j], body, k * i.min(j) * r);
        let body = "t4[] = sum:TYPE[i0, i1, i2, i3]((t0[i0, i1, i2] * t1[i0, i3] * t2[i1, i3] * t3[i2, i3]))";
        of(&[x, a, b, c], &[], &[i, j, k, r], body, i * j * k / i.max(j).max(k) * r);
        let body = "t4[i0, i1] = sum:TYPE[i2, i3, i4]((t0[i0, i2, i3, i4] * t1[i2, i1] * t2[i3, i1] * t3[i4, i1]))";
        let x = ("X", &[i, j, k, 9][..]);
        of(&[x, b, c, ("D", &[9, r])], &[i, r], &[i, r, j, k, 9], body, i * j.min(k) * 9 * r);
        let cores = [("X", &[i, j, k][..]), ("G", &[1, i, r][..]), ("H", &[r, j, r][..]), ("K", &[r, k, 1][..])];
        let body = "t4[] = sum:TYPE[i0, i1, i2, i3, i4, i5, i6]((t0[i0, i1, i2] * t1[i3, i0, i4] * t2[i4, i1, i5] * t3[i5, i2, i6]))";
        of(&cores, &[], &[i, j, k, 1, r, r, 1], body, 0);
    }
}
