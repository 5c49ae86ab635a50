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
    (0..rows as i64).map(|row| (0..columns as i64).filter(|column| band.holds(row, *column)).count() as u64).sum()
}

/// No product is over more than its panel needs, and panels are short: each has fewer superfluous terms than its rows squared.
#[test]
fn no_step_covers_a_block_that_is_zero() {
    for (definitions, others) in [(GUARDED, 1024), (OPERAND, 1024), (RESULT, 1024)] {
        for condition in ["(c <= r)", "(c < r)", "(r <= c)", "(c <= (r + 100))", "((r <= (c + 200)) and (c <= r))"] {
            let plan = large(&of(definitions, condition, (1024, 1024, 1024)));
            let c = product(&plan);
            let [band] = c.bands.as_slice() else { panic!("{condition}: {:?}", c.bands) };
            let needed = terms(band, (1024, 1024)) * others;
            let leaf = if band.is_exact() { 0 } else { 1024 * band.panel * others };
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
    for condition in ["(c <= r)", "((r + 2) < c)", "(c <= (r + 7))", "((r <= (c + 3)) and (c <= r))", "(c <= (r - 100))", "(c < (r + 100))"]
    {
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
