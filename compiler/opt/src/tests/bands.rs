//! Products of which only a band of positions is needed: what is wholly outside is never computed.

use super::{module, plan, plan_with, steps};
use crate::{Machine, Options};
use ein_ir::plan::band::Band;
use ein_ir::plan::{Contraction, Plan, StepKind};

/// The definitions with so many rows, columns and terms, under these conditions.
fn program(definitions: &str, (m, n, k): (u64, u64, u64)) -> String {
    format!(">A f64[{m}, {k}]\n>B f64[{k}, {n}]\n{definitions}")
        .replace("{m}", &m.to_string())
        .replace("{n}", &n.to_string())
        .replace("{k}", &k.to_string())
}

/// `y[i, j] = sum[k where ..](A[i, k] * B[k, j])`.
const GUARDED: &str = "<y f64[{m}, {n}]\ni0 0..{m}\ni1 0..{n}\ni2 0..{k}
    t2[i0, i1] = sum:f64[i2 where CONDITION]((t0[i0, i2] * t1[i2, i1]))";
/// `a[i, k] = if .. then A[i, k] else 0`, `y = a B`.
const OPERAND: &str = "|a f64[{m}, {k}]\n<y f64[{m}, {n}]\ni0 0..{m}\ni1 0..{k}\ni2 0..{m}\ni3 0..{n}\ni4 0..{k}
    t2[i0, i1] = if(CONDITION, exp(t0[i0, i1]), 0.0:f64)
    t3[i2, i3] = sum:f64[i4]((t2[i2, i4] * t1[i4, i3]))";
/// `y[i, j] = if .. then sum[k](A[i, k] * B[k, j]) else 0`: the sum has a domain.
const RESULT: &str = "|s f64[{m}, {n}]\n<y f64[{m}, {n}]\ni0 0..{m}\ni1 0..{n}\ni2 0..{k}\ni3 0..{m}\ni4 0..{n}
    t2[i0, i1] where CONDITION = sum:f64[i2]((t0[i0, i2] * t1[i2, i1]))
    t3[i3, i4] = if(OTHER, t2[i3, i4], 0.0:f64)";

/// The definitions with a condition of a row `r` and a column `c`.
fn of(definitions: &str, condition: &str, shape: (u64, u64, u64)) -> String {
    let named = |row: &str, column: &str| condition.replace('r', row).replace('c', column);
    let column = if definitions == GUARDED { "i2" } else { "i1" };
    program(&definitions.replace("CONDITION", &named("i0", column)).replace("OTHER", &named("i3", "i4")), shape)
}

fn large(text: &str) -> Plan {
    crate::plan(&module(text), &Options::default()).unwrap_or_else(|e| panic!("{e:?}")).into_inner()
}

fn product(plan: &Plan) -> &Contraction {
    let products = plan.steps.values().filter_map(|step| if let StepKind::Contraction(c) = &step.kind { Some(c) } else { None });
    products.into_iter().next().unwrap_or_else(|| panic!("no product: {:?}", steps(plan)))
}

/// Terms of a band of a matrix of rows and columns.
fn terms(band: &Band, (rows, columns): (u64, u64)) -> u64 {
    let holds = |row: i64, column: i64| band.holds(&|label| if label == band.column { column } else { row });
    (0..rows as i64).map(|row| (0..columns as i64).filter(|column| holds(row, *column)).count() as u64).sum()
}

/// No product is over more than its panel needs, and panels are short: each has fewer superfluous terms than its rows squared.
#[test]
fn no_step_covers_a_block_that_is_zero() {
    for (definitions, others) in [(GUARDED, 1024), (OPERAND, 1024), (RESULT, 1024)] {
        let conditions = [
            "(c <= r)",
            "(c < r)",
            "(r <= c)",
            "(c <= (r + 100))",
            "((r <= (c + 200)) and (c <= r))",
            "((c + r) < 1024)",
            "((2 * c) <= r)",
        ];
        for condition in conditions {
            let plan = large(&of(definitions, condition, (1024, 1024, 1024)));
            let c = product(&plan);
            let [band] = c.bands.as_slice() else { panic!("{condition}: {:?}", c.bands) };
            let needed = terms(band, (1024, 1024)) * others;
            // Of each panel no more than its own rows beyond what a row needs, as steep as the line is.
            let slope = band.rows[0].1.unsigned_abs();
            let leaf = if band.is_exact() { 0 } else { 1024 * band.panel.div_ceil(band.step as u64) * slope * others };
            assert!((needed..=needed + leaf).contains(&c.volume()), "{condition}: {band}: {} of {needed}", c.volume());
            assert!(band.panel <= 128, "{band}");
            assert_eq!(band.is_exact(), definitions == GUARDED);
            let step = plan.steps.values().find(|step| matches!(step.kind, StepKind::Contraction(_))).expect("there is one");
            assert_eq!(step.flops, 2 * c.volume());
        }
    }
}

/// With size, a triangle comes to half of the whole.
#[test]
fn a_triangle_is_half_of_its_square() {
    let mut before = 1.0;
    for n in [128u64, 512, 2048] {
        let plan = large(&of(OPERAND, "(c <= r)", (n, n, n)));
        let part = product(&plan).volume() as f64 / (n * n * n) as f64;
        assert!(0.5 < part && part < before, "{n}: {part}");
        before = part;
    }
    assert!(before < 0.54, "{before}");
    let exact = large(&of(GUARDED, "(c <= r)", (512, 512, 512)));
    assert_eq!(product(&exact).volume(), 512 * 513 / 2 * 512);
}

/// A lower triangle times a lower triangle is a lower triangle: a sixth is left, besides leaves.
#[test]
fn both_operands_may_be_triangles() {
    let plan = large(
        ">A f64[1024, 1024]\n>B f64[1024, 1024]\n|a f64[1024, 1024]\n|b f64[1024, 1024]\n<y f64[1024, 1024]\n\
         i0 0..1024\ni1 0..1024\ni2 0..1024\ni3 0..1024\ni4 0..1024\ni5 0..1024\ni6 0..1024\n\
         t2[i0, i1] = if((i1 <= i0), exp(t0[i0, i1]), 0.0:f64)\nt3[i2, i3] = if((i3 <= i2), exp(t1[i2, i3]), 0.0:f64)\n\
         t4[i4, i5] = sum:f64[i6]((t2[i4, i6] * t3[i6, i5]))",
    );
    let part = product(&plan).volume() as f64 / 1024f64.powi(3);
    assert!((1.0 / 6.0..0.25).contains(&part), "{part}");
}

/// What is made of triangles is one: a product of two of them in the next product.
#[test]
fn zeros_of_products_are_known() {
    let text = ">A f64[70, 70]\n>B f64[70, 70]\n>C f64[70, 9]\n|a f64[70, 70]\n|b f64[70, 70]\n<s f64[70, 70]\n|u f64[70, 70]\n<y f64[70, 9]\n\
         i0 0..70\ni1 0..70\ni2 0..70\ni3 0..70\ni4 0..70\ni5 0..70\ni6 0..70\ni7 0..70\ni8 0..9\ni9 0..70\ni10 0..70\ni11 0..70\n\
         t3[i0, i1] = if((i1 <= i0), (t0[i0, i1] + 1.0:f64), 0.0:f64)\nt4[i2, i3] = if((i3 <= (i2 + 2)), (t1[i2, i3] + 1.0:f64), 0.0:f64)\n\
         t5[i4, i5] = sum:f64[i6]((t3[i4, i6] * t4[i6, i5]))\nt6[i10, i11] = (t5[i10, i11] * t5[i10, i11])\n\
         t7[i7, i8] = sum:f64[i9]((t6[i7, i9] * t2[i9, i8]))";
    let machine = Machine { product_call: 0, step: 0, product_f64: 1_000_000, ..Machine::default() };
    let plan = plan_with(text, &Options { machine, ..Options::default() });
    let last = plan.steps.values().filter_map(|step| if let StepKind::Contraction(c) = &step.kind { Some(c) } else { None }).next_back();
    let band = &last.expect("the last product").bands[0];
    assert_eq!((band.rows.len(), band.hi), (1, 2), "{:?}", steps(&plan));
}

#[test]
fn small_and_thin_ones_stay_as_they_are() {
    for definitions in [GUARDED, OPERAND, RESULT] {
        let plan = large(&of(definitions, "(c <= r)", (12, 12, 12)));
        assert!(plan.steps.values().all(|s| !matches!(&s.kind, StepKind::Contraction(c) if !c.bands.is_empty())), "{:?}", steps(&plan));
    }
    // A condition that always holds leaves nothing out.
    assert!(product(&large(&of(OPERAND, "(c <= (r + 300))", (300, 300, 300)))).bands.is_empty());
}

/// Whatever the sizes, the plan computes what the module says: seen on products that no call makes dear.
#[test]
fn bands_compute_what_the_module_says() {
    let machine = Machine { product_call: 0, step: 0, product_f64: 1_000_000, ..Machine::default() };
    let options = Options { machine, ..Options::default() };
    for condition in [
        "(c <= r)",
        "((r + 2) < c)",
        "(c <= (r + 7))",
        "((r <= (c + 3)) and (c <= r))",
        "(c <= (r - 100))",
        "(c < (r + 100))",
        "((c + r) < 40)",
        "((3 * c) <= (r + 5))",
        "((r <= (2 * c)) and ((c + r) < 50))",
        "((c // 4) <= (r // 3))",
    ] {
        for (definitions, shape) in [(GUARDED, (37, 11, 41)), (OPERAND, (67, 8, 40)), (RESULT, (37, 41, 8))] {
            let plan = plan_with(&of(definitions, condition, shape), &options);
            assert!(!plan.steps.is_empty());
        }
    }
    plan(&of(GUARDED, "(c <= r)", (1, 70, 70)));
    plan(&of(GUARDED, "(c <= r)", (0, 70, 70)));
    plan(&of(RESULT, "(c <= r)", (70, 1, 70)));
}

/// Where memory is short a result with a domain is computed in one piece, without its sums beside it.
#[test]
fn memory_limits_hold() {
    let text = of(RESULT, "(c <= r)", (128, 128, 128));
    let limit = 128 * 128 * 8;
    assert!(large(&text).peak().base > limit);
    let options = Options { memory_limit: Some(limit), ..Options::default() };
    let plan = crate::plan(&module(&text), &options).unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(plan.peak().base, limit);
}

/// Bands of batches, of two labels of one side, of sums, of three labels: of each what is zero is left out.
#[test]
fn any_labels_of_an_operand_may_have_a_band() {
    let machine = Machine { product_call: 0, step: 0, product_f64: 1_000_000, ..Machine::default() };
    let options = Options { machine, ..Options::default() };
    // `a[i, j, k, l] = if .. then exp(A) else 0`, and a product with labels of each class.
    let check = |(out, rhs, shape): (&str, &str, &str), condition: &str| {
        let sum = if out.contains("i6") { "i7" } else { "i6, i7" };
        let extents = out.replace("i4", "67").replace("i5", "3").replace("i6", "4").replace("i8", "4");
        let plan = plan_with(
            &format!(
                ">A f64[67, 3, 4, 40]\n>B f64[{shape}]\n|a f64[67, 3, 4, 40]\n<y f64[{extents}]\n\
                 i0 0..67\ni1 0..3\ni2 0..4\ni3 0..40\ni4 0..67\ni5 0..3\ni6 0..4\ni7 0..40\ni8 0..4\n\
                 t2[i0, i1, i2, i3] = if({condition}, exp(t0[i0, i1, i2, i3]), 0.0:f64)\n\
                 t3[{out}] = sum:f64[{sum}]((t2[i4, i5, i6, i7] * t1[{rhs}]))"
            ),
            &options,
        );
        let leaves_out = |step: &StepKind| match step {
            StepKind::Contraction(c) => !c.bands.is_empty() && c.volume() < c.extents.iter().product(),
            StepKind::Nest(nest) => nest.reduce.as_ref().is_some_and(|reduce| reduce.guard.is_some()),
            _ => false,
        };
        assert!(plan.steps.values().any(|step| leaves_out(&step.kind)), "{condition}: {out}: {:?}", steps(&plan));
    };
    let free = ("i4, i5, i6, i8", "i7, i8", "40, 4");
    let summed = ("i4, i5, i8", "i4, i6, i7, i8", "67, 4, 40, 4");
    let batches = ("i4, i5, i6, i8", "i4, i5, i7, i8", "67, 3, 40, 4");
    check(free, "((i3 <= i0) and ((i2 + i1) < 4))");
    check(free, "(((i0 + i1) + i3) < 60)");
    check(free, "(i3 <= min((i0 // 2), (19 + 1)))");
    check(summed, "(i3 < i0)");
    check(summed, "(((16 * i2) + i3) < 50)");
    check(summed, "((i3 // 4) <= (i0 // 5))");
    check(batches, "(i1 <= i0)");
    check(batches, "((i2 <= i1) and ((2 * i3) >= i0))");
}
