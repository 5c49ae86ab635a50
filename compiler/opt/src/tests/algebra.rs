//! What the e-graph is for: one plan for all spellings, factors taken out, work shared between results.

use super::{equations, module, plan, plan_with, steps};
use crate::{Machine, Minimize, Options, anonymous};
use ein_ir::plan::Plan;

fn flops(plan: &Plan) -> u64 {
    plan.steps.values().map(|s| s.flops).sum()
}

/// The plan of a module as its dump shows it.
fn dump(text: &str, options: &Options) -> String {
    let plan = crate::plan(&module(text), options).unwrap_or_else(|e| panic!("{e:?}"));
    anonymous(&plan).to_string()
}

fn products(inputs: &[(&str, &[u64])], outputs: &str, extents: &[u64], body: &str) -> String {
    equations(inputs, outputs, extents, body, "f64")
}

#[test]
fn spelling_does_not_show() {
    let inputs: [(&str, &[u64]); 4] = [("A", &[20, 30]), ("B", &[30, 40]), ("C", &[40, 25]), ("D", &[25, 20])];
    let extents = [20, 20, 30, 40, 25];
    let of = |output: &str, body: &str| dump(&products(&inputs, output, &extents, body), &Options::default());
    let whole = "t4[i0, i1] = sum:f64[i2, i3, i4]((t0[i0, i2] * t1[i2, i3] * t2[i3, i4] * t3[i4, i1]))";
    let expected = of("<y f64[20, 20]", whole);
    // Factors and binders in another order.
    let reordered = "t4[i0, i1] = sum:f64[i4, i2, i3]((t3[i4, i1] * t1[i2, i3] * (t2[i3, i4] * t0[i0, i2])))";
    assert_eq!(of("<y f64[20, 20]", reordered), expected);
    // Other names.
    let renamed = "t4[i1, i0] = sum:f64[i2, i3, i4]((t0[i1, i2] * t1[i2, i3] * t2[i3, i4] * t3[i4, i0]))";
    assert_eq!(of("<y f64[20, 20]", renamed), expected);
    // Cut into steps, the dearer way.
    let cut = "t4[i0, i3] = sum:f64[i2]((t0[i0, i2] * t1[i2, i3]))\nt5[i3, i1] = sum:f64[i4]((t2[i3, i4] * t3[i4, i1]))\n\
               t6[i0, i1] = sum:f64[i3]((t4[i0, i3] * t5[i3, i1]))";
    assert_eq!(of("|P f64[20, 40]\n|Q f64[40, 20]\n<y f64[20, 20]", cut), expected);
}

#[test]
fn a_common_factor_is_multiplied_once() {
    let inputs: [(&str, &[u64]); 3] = [("A", &[64, 64]), ("B", &[64, 64]), ("C", &[64, 64])];
    let two = "t3[i0, i1] = sum:f64[i2]((t0[i0, i2] * t1[i2, i1]))\nt4[i0, i1] = sum:f64[i2]((t0[i0, i2] * t2[i2, i1]))\n\
               t5[i0, i1] = (t3[i0, i1] + t4[i0, i1])";
    let plan = plan(&products(&inputs, "|p f64[64, 64]\n|q f64[64, 64]\n<y f64[64, 64]", &[64, 64, 64], two));
    assert_eq!(flops(&plan), 64 * 64 + 2 * 64 * 64 * 64, "{:?}", steps(&plan));
    // The same under one sum.
    let one = "t3[i0, i1] = sum:f64[i2](((t0[i0, i2] * t1[i2, i1]) + (t0[i0, i2] * t2[i2, i1])))";
    let plan = super::plan(&products(&inputs, "<y f64[64, 64]", &[64, 64, 64], one));
    assert_eq!(flops(&plan), 64 * 64 + 2 * 64 * 64 * 64, "{:?}", steps(&plan));
}

#[test]
fn the_rules_behind_a_plan_are_told() {
    let inputs: [(&str, &[u64]); 4] = [("A", &[64, 64]), ("B", &[64, 64]), ("C", &[64, 64]), ("x", &[64])];
    let body = "t4[i0, i1] = sum:f64[i2]((t0[i0, i2] * t1[i2, i1]))\nt5[i0, i1] = sum:f64[i2]((t0[i0, i2] * t2[i2, i1]))\n\
                t6[i0, i1] = (t4[i0, i1] + t5[i0, i1])\nt7[i0] = sum:f64[i1, i2]((t0[i0, i1] * t1[i1, i2] * t3[i2]))";
    let text = products(&inputs, "|p f64[64, 64]\n|q f64[64, 64]\n<y f64[64, 64]\n<z f64[64]", &[64, 64, 64], body);
    let why = crate::why(&module(&text), &Options::default()).expect("words");
    let why: String = why.iter().map(ToString::to_string).collect();
    assert_eq!(
        why,
        "  y.8 = B + C: ij,ij->ij\n      as it is\n  y = sum by mul of A y.8: ij,jk->ik\n      factor-out\n  \
         z.9 = sum by mul of B x: ij,j->i\n      as it is\n  z = sum by mul of A z.9: ij,j->i\n      split-contraction\n"
    );
}

#[test]
fn differences_are_factored_too() {
    let inputs: [(&str, &[u64]); 3] = [("A", &[64, 64]), ("B", &[64, 64]), ("C", &[64, 64])];
    let body = "t3[i0, i1] = sum:f64[i2]((t0[i0, i2] * t1[i2, i1]))\nt4[i0, i1] = sum:f64[i2]((t0[i0, i2] * t2[i2, i1]))\n\
                t5[i0, i1] = (t3[i0, i1] - t4[i0, i1])";
    let plan = plan(&products(&inputs, "|p f64[64, 64]\n|q f64[64, 64]\n<y f64[64, 64]", &[64, 64, 64], body));
    assert!(flops(&plan) <= 2 * 64 * 64 + 2 * 64 * 64 * 64, "{:?}", steps(&plan));
}

/// `y = W x + s U (V x)`: the product `U V` is never made, whatever the parentheses.
#[test]
fn an_adapter_is_applied_in_two_thin_products() {
    let inputs: [(&str, &[u64]); 5] = [("x", &[32, 128]), ("W", &[128, 128]), ("U", &[128, 4]), ("V", &[4, 128]), ("s", &[])];
    let body = "t5[i1, i2] = sum:f64[i3]((t2[i1, i3] * t3[i3, i2]))\nt6[i1, i2] = (t1[i1, i2] + (t4[] * t5[i1, i2]))\n\
                t7[i0, i1] = sum:f64[i2]((t6[i1, i2] * t0[i0, i2]))";
    let text = products(&inputs, "|P f64[128, 128]\n|Q f64[128, 128]\n<y f64[32, 128]", &[32, 128, 128, 4], body);
    let plan = plan_with(&text, &Options { minimize: Minimize::Flops, ..Options::default() });
    let thin = 2 * 32 * 128 * 4;
    assert!(flops(&plan) <= 2 * 32 * 128 * 128 + 2 * thin + 2 * 32 * 128, "{} {:?}", flops(&plan), steps(&plan));
}

#[test]
fn equal_parts_of_results_are_computed_once() {
    // Ten results share `A B`; each multiplies it by a vector of its own.
    let n = 10;
    let vectors: Vec<String> = (0..n).map(|k| format!("v{k}")).collect();
    let mut inputs: Vec<(&str, &[u64])> = vec![("A", &[12, 15]), ("B", &[15, 12])];
    inputs.extend(vectors.iter().map(|v| (v.as_str(), &[12, 12][..])));
    let outputs: String = (0..n).map(|k| format!("<y{k} f64[12, 12]\n")).collect();
    let equation = |k: usize| {
        let (out, vector) = (2 + n + k, 2 + k);
        format!("t{out}[i0, i1] = sum:f64[i2, i3]((t0[i0, i2] * t1[i2, i3] * t{vector}[i3, i1]))")
    };
    let body: Vec<String> = (0..n).map(equation).collect();
    let plan = plan(&products(&inputs, outputs.trim_end(), &[12, 12, 15, 12], &body.join("\n")));
    assert_eq!(flops(&plan), 2 * 12 * 15 * 12 + n as u64 * 2 * 12 * 12 * 12, "{:?}", steps(&plan));
}

#[test]
fn a_spectral_layer_is_near_the_best_order() {
    // `bixy,pqrs,ip,oq,xr,ys->boxy` of a Tucker-factored Fourier layer.
    let (b, i, o, x, y, r) = (4, 64, 64, 64, 33, 15);
    let inputs: [(&str, &[u64]); 6] =
        [("x", &[b, i, x, y]), ("G", &[r, r, r, r]), ("P", &[i, r]), ("Q", &[o, r]), ("R", &[x, r]), ("S", &[y, r])];
    let body = "t6[i0, i1, i2, i3] = sum:f64[i4, i5, i6, i7, i8]((t0[i0, i4, i2, i3] * t1[i5, i6, i7, i8] * t2[i4, i5] * t3[i1, i6] * t4[i2, i7] \
                * t5[i3, i8]))";
    let text = products(&inputs, &format!("<y f64[{b}, {o}, {x}, {y}]"), &[b, o, x, y, i, r, r, r, r], body);
    for minimize in [Minimize::Time, Minimize::Flops] {
        let options = Options { minimize, ..Options::default() };
        let plan = crate::plan(&module(&text), &options).expect("a plan");
        assert!(flops(&plan) as f64 <= 1.05 * 5.4e7, "{minimize:?}: {}\n{}", flops(&plan), crate::table(&plan, &Machine::default()));
    }
}

/// The matricised tensor times a Khatri-Rao product, which is never made.
#[test]
fn khatri_rao_products_are_not_stored() {
    let inputs: [(&str, &[u64]); 4] = [("X", &[30, 40, 50]), ("A", &[30, 8]), ("B", &[40, 8]), ("C", &[50, 8])];
    let body = "t4[i0, i1] = sum:f64[i2, i3]((t0[i0, i2, i3] * t2[i2, i1] * t3[i3, i1]))";
    let plan = plan(&products(&inputs, "<y f64[30, 8]", &[30, 8, 40, 50], body));
    let largest = plan.buffers.values().filter(|b| matches!(b.place, ein_ir::plan::Place::Arena(_))).map(|b| b.n_elements()).max();
    assert_eq!(largest, Some(30 * 40 * 8), "{:?}", steps(&plan));
}

/// Sums of products that grow without end if nothing stops the rules.
#[test]
fn no_sum_of_products_runs_away() {
    let n = 8;
    let names: Vec<String> = (0..2 * n).map(|k| format!("a{k}")).collect();
    let inputs: Vec<(&str, &[u64])> = names.iter().map(|name| (name.as_str(), &[4, 4][..])).collect();
    let sum = |k: usize| format!("(t{}[i0, i1] + t{}[i0, i1])", 2 * k, 2 * k + 1);
    let sums: Vec<String> = (0..n).map(sum).collect();
    let body = format!("t{}[i0, i1] = ({})", 2 * n, sums.join(" * "));
    let text = products(&inputs, "<y f64[4, 4]", &[4, 4], &body);
    let plan = plan(&text);
    assert!(flops(&plan) <= (2 * n as u64 - 1) * 16, "{:?}", steps(&plan));
    // All products of two of twelve tensors, summed.
    let m = 12;
    let pairs = (0..m).flat_map(|a| (a + 1..m).map(move |b| format!("(t{a}[i0, i1] * t{b}[i0, i1])")));
    let body = format!("t{}[i0, i1] = ({})", 2 * n, pairs.collect::<Vec<_>>().join(" + "));
    let text = products(&inputs, "<y f64[4, 4]", &[4, 4], &body);
    let plan = super::plan(&text);
    assert!(flops(&plan) <= 131 * 16, "{:?}", steps(&plan));
}

/// Many networks of many operands: each gets an order, none is left to one nest over all labels.
#[test]
fn every_network_of_a_program_gets_an_order() {
    let (n, m) = (6, 11);
    let names: Vec<String> = (0..m).map(|k| format!("a{k}")).collect();
    let inputs: Vec<(&str, &[u64])> = names.iter().map(|name| (name.as_str(), &[3, 3][..])).collect();
    let outputs: Vec<String> = (0..n).map(|k| format!("<y{k} f64[3, 3]")).collect();
    // Products of all matrices, each beginning with another one.
    let equation = |k: u64| {
        let factors: Vec<String> = (0..m).map(|p| format!("t{}[i{p}, i{}]", (p + k) % m, p + 1)).collect();
        let binders: Vec<String> = (1..m).map(|p| format!("i{p}")).collect();
        format!("t{}[i0, i{m}] = sum:f64[{}](({}))", m + k, binders.join(", "), factors.join(" * "))
    };
    let body: Vec<String> = (0..n).map(equation).collect();
    let text = products(&inputs, &outputs.join("\n"), &[3; 12], &body.join("\n"));
    let plan = crate::plan(&module(&text), &Options::default()).expect("a plan");
    assert!(flops(&plan) <= n * (m - 1) * 2 * 27, "{}", flops(&plan));
}

/// One tensor in all places of a network: operands that can change places are not tried in every order.
#[test]
fn powers_of_one_tensor_are_named_once() {
    let n = 10;
    let inputs: [(&str, &[u64]); 2] = [("x", &[2]), ("S", &[2, 2])];
    let list = |form: &dyn Fn(usize) -> String, with: &str| (0..n).map(form).collect::<Vec<_>>().join(with);
    let own = list(&|k| format!("t0[i{k}]"), " * ");
    let same = list(&|_| "t0[i0]".to_owned(), " * ");
    let star = list(&|k| format!("t1[i0, i{}]", k + 1), " * ");
    let ring = list(&|k| format!("t1[i{k}, i{}]", (k + 1) % n), " * ");
    let binders = list(&|k| format!("i{k}"), ", ");
    let body = format!(
        "t2[] = sum:f64[{binders}](({own}))\nt3[i0] = ({same})\nt4[i0] = sum:f64[{}](({star}))\nt5[] = sum:f64[{binders}](({ring}))",
        list(&|k| format!("i{}", k + 1), ", ")
    );
    let text = products(&inputs, "<a f64[]\n<b f64[2]\n<c f64[2]\n<d f64[]", &[2; 11], &body);
    let plan = crate::plan(&module(&text), &Options::default()).expect("a plan");
    // A sum and its power; a power; the power of a sum of rows; a ring of ten matrices.
    assert!(flops(&plan) < 1000, "{} {:?}", flops(&plan), steps(&plan));
}

/// A chain of a hidden Markov model in logarithms: cut into steps as a product of matrices would be, and what no term depends on is added
/// once.
#[test]
fn log_sum_exp_of_sums_is_a_product() {
    let inputs: [(&str, &[u64]); 4] = [("A", &[20, 30]), ("B", &[30, 40]), ("c", &[40]), ("d", &[20])];
    let body = "t4[i0] = lse:f64[i1, i2]((t0[i0, i1] + t1[i1, i2] + t2[i2] + t3[i0]))";
    let text = products(&inputs, "<y f64[20]", &[20, 30, 40], body);
    let plan = crate::plan(&module(&text), &Options::default()).expect("a plan");
    assert!(flops(&plan) <= 2 * 30 * 40 + 2 * 20 * 30 + 20, "{} {:?}", flops(&plan), steps(&plan));
}

/// A table that is mostly zero is gone through by the list of what is not, in every ring.
#[test]
fn zeros_of_tables_are_not_multiplied() {
    let n = 8u64;
    let table = |zero: &str, one: &dyn Fn(u64) -> String| {
        let element = |at: u64| if (at / (n * n) + at / n + at).is_multiple_of(11) { one(at) } else { zero.to_owned() };
        (0..n * n * n).map(element).collect::<Vec<_>>().join(", ")
    };
    let n_entries = (0..n * n * n).filter(|at| (at / (n * n) + at / n + at).is_multiple_of(11)).count() as u64;
    let text = |sum: &str, mul: &str, table: String| {
        let indices = (0..4).map(|k| format!("i{k} 0..{}\n", if k == 0 { 30 } else { n })).collect::<String>();
        format!(
            ">x f64[30, {n}]\n>y f64[30, {n}]\n|W f64[{n}, {n}, {n}]\n<z f64[30, {n}]\n{indices}table t2 = [{table}]\n\
             t3[i0, i3] = {sum}:f64[i1, i2]((t2[i1, i2, i3] {mul} t0[i0, i1] {mul} t1[i0, i2]))"
        )
    };
    let weighted = |at: u64| format!("{}.0", at % 3 + 2);
    let of_products = plan(&text("sum", "*", table("0.0", &weighted)));
    assert_eq!(flops(&of_products), 3 * n_entries * 30, "{:?}", steps(&of_products));
    // Neutral elements are not multiplied either.
    let of_ones = plan(&text("sum", "*", table("0.0", &|_| "1.0".to_owned())));
    assert_eq!(flops(&of_ones), 2 * n_entries * 30, "{:?}", steps(&of_ones));
    let of_sums = plan(&text("max", "+", table("-inf", &weighted)));
    assert_eq!(flops(&of_sums), 3 * n_entries * 30, "{:?}", steps(&of_sums));
    // Of a full table a list would be no shorter.
    let full = plan(&text("sum", "*", table("5.0", &weighted)));
    assert!(flops(&full) > 3 * n_entries * 30, "{:?}", steps(&full));
}

/// Of a product that is read in part only that part is computed, through sums, further products and parts of parts.
#[test]
fn what_is_not_read_is_not_computed() {
    let inputs: [(&str, &[u64]); 3] = [("A", &[40, 30]), ("B", &[30, 20]), ("D", &[40, 20])];
    let of = |outputs: &str, body: &str| plan(&products(&inputs, outputs, &[40, 20, 30, 5], body));
    let whole = "t3[i0, i1] = sum:f64[i2]((t0[i0, i2] * t1[i2, i1]))";
    let column = of("|C f64[40, 20]\n<y f64[40]", &format!("{whole}\nt4[i0] = t3[i0, 3]"));
    assert_eq!(flops(&column), 2 * 40 * 30, "{:?}", steps(&column));
    let element = of("|C f64[40, 20]\n<y f64[]", &format!("{whole}\nt4[] = t3[7, 3]"));
    assert_eq!(flops(&element), 2 * 30, "{:?}", steps(&element));
    let sum = format!(
        "{whole}\nt4[i0, i1] = (t3[i0, i1] + t2[i0, i1])\nt5[i0, i3] = t4[i0, ((3 * i3) + 2)]\nt6[i0] = sum:f64[i3](t5[(39 - i0), i3])"
    );
    let columns = of("|C f64[40, 20]\n|S f64[40, 20]\n|P f64[40, 5]\n<y f64[40]", &sum);
    assert!(flops(&columns) <= 40 * 5 + 2 * 40 * 30 * 5 + 2 * 40 * 5, "{} {:?}", flops(&columns), steps(&columns));
    // Read whole by somebody else, it is there.
    let both = of("<C f64[40, 20]\n<y f64[40]", &format!("{whole}\nt4[i0] = t3[i0, 3]"));
    assert_eq!(flops(&both), 2 * 40 * 30 * 20, "{:?}", steps(&both));
    // A position beside the diagonal, and the same part twice.
    let twice = format!("{whole}\nt4[] = sum:f64[i3]((t3[(2 * i3), i3] * t3[i3, 0] * t3[i3, 0]))");
    of("|C f64[40, 20]\n<y f64[]", &twice);
}

/// What an equation says is zero is not multiplied: along an index, off a diagonal, outside of blocks, beyond a condition.
#[test]
fn zeros_by_cases_are_not_multiplied() {
    let n = 48;
    let inputs: [(&str, &[u64]); 2] = [("A", &[n, n]), ("B", &[n, n])];
    let of = |case: &str| {
        let body = format!("t2[i0, i1] = {case}\nt3[i0, i1] = sum:f64[i2]((t2[i0, i2] * t1[i2, i1]))");
        let text = products(&inputs, &format!("|L f64[{n}, {n}]\n<y f64[{n}, {n}]"), &[n, n, n], &body);
        let plan = plan_with(&text, &Options { minimize: Minimize::Flops, ..Options::default() });
        plan.steps.values().filter(|s| s.kind.read().len() == 2).map(|s| s.flops).sum::<u64>()
    };
    assert_eq!(of("if((i1 < 20), t0[i0, i1], 0.0:f64)"), 2 * n * n * 20);
    assert_eq!(of("if((i0 < 20), 0.0:f64, t0[i0, i1])"), 2 * n * n * (n - 20));
    assert_eq!(of("t0[pad((i0 + 40)), i1]"), 2 * 8 * n * n);
    assert_eq!(of("if((i1 <= i0), t0[i0, i1], 0.0:f64)"), 2 * n * n * (n + 1) / 2);
    assert_eq!(of("if(((i0 // 8) == (i1 // 8)), t0[i0, i1], 0.0:f64)"), 2 * n * n * 8);
    assert_eq!(of("if((i0 == i1), t0[i0, i1], 0.0:f64)"), n * n);
    assert_eq!(of("if((i1 < 0), t0[i0, i1], 0.0:f64)"), 0);
}

/// A padded operand is not stored: the product is that of what is inside, and padded.
#[test]
fn padding_is_added_behind_products() {
    let inputs: [(&str, &[u64]); 2] = [("A", &[64, 64]), ("B", &[80, 64])];
    let body = "t2[i0, i1] = t0[pad(i0), pad(i1)]\nt3[i0, i2] = sum:f64[i1]((t2[i0, i1] * t1[i1, i2]))";
    let plan = plan(&products(&inputs, "|P f64[80, 80]\n<y f64[80, 64]", &[80, 80, 64], body));
    assert_eq!(flops(&plan), 2 * 64 * 64 * 64, "{:?}", steps(&plan));
}
