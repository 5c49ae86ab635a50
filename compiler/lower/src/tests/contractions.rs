use super::build::Planner;
use ein_ir::dtype::DType;
use ein_ir::plan::{Contraction, Layout, StepKind, Strategy};

/// Labels are letters; extents by letter.
fn contraction(spec: &str, extents: &[(char, u64)], dtype: DType, strategy: Strategy, strided: bool) -> Planner {
    let mut planner = Planner::new(7);
    let (inputs, out) = spec.split_once("->").unwrap();
    let (lhs, rhs) = inputs.split_once(',').unwrap();
    let mut letters: Vec<char> = lhs.chars().chain(rhs.chars()).chain(out.chars()).collect();
    letters.sort_unstable();
    letters.dedup();
    let extent = |c: char| extents.iter().find(|e| e.0 == c).map_or(3, |e| e.1);
    let shape = |s: &str| s.chars().map(extent).collect::<Vec<u64>>();
    let labels = |s: &str| s.chars().map(|c| letters.iter().position(|l| *l == c).unwrap() as u16).collect::<Vec<u16>>();
    let layout = if strided { Layout::Strided } else { Layout::RowMajor };
    let (a, b) = (planner.input_in(dtype, &shape(lhs), layout.clone()), planner.input_in(dtype, &shape(rhs), layout));
    let c = planner.output(dtype, &shape(out));
    planner.step(StepKind::Contraction(Contraction {
        out: c,
        lhs: a,
        rhs: b,
        extents: letters.iter().map(|c| extent(*c)).collect(),
        out_labels: labels(out),
        lhs_labels: labels(lhs),
        rhs_labels: labels(rhs),
        conjugate: (false, false),
        turns: Vec::new(),
        bands: Vec::new(),
        acc: dtype,
        strategy,
    }));
    planner
}

const SPECS: [&str; 14] = [
    "ij,jk->ik",
    "ij,kj->ki",
    "bij,bjk->bik",
    "ijk,kl->lij",
    "abcd,cdef->abef",
    "acbd,dcef->eafb",
    "i,j->ij",
    "i,i->",
    "ij,j->i",
    "bi,bi->b",
    "iij,jk->ik",
    "abcd,bxd->axc",
    "ab,cd->dbac",
    "abk,akc->cab",
];

#[test]
fn contractions_by_products_and_by_loops() {
    for spec in SPECS {
        for strategy in [Strategy::Gemm, Strategy::Nest] {
            for (dtype, strided) in [(DType::F32, false), (DType::F64, true), (DType::C64, false), (DType::C128, true), (DType::I32, false)]
            {
                contraction(spec, &[('a', 2), ('i', 5), ('j', 4), ('k', 7)], dtype, strategy, strided).check();
            }
        }
    }
}

#[test]
fn empty_and_single_extents() {
    for spec in SPECS {
        for strategy in [Strategy::Gemm, Strategy::Nest] {
            for label in ['a', 'b', 'c', 'd', 'i', 'j', 'k'] {
                for extent in [0, 1] {
                    contraction(spec, &[(label, extent)], DType::F32, strategy, false).check();
                }
            }
        }
    }
}

#[test]
fn tiles_and_tasks() {
    for (m, n, k) in [(33, 65, 17), (130, 1, 300), (1, 257, 64), (64, 64, 1)] {
        for spec in ["ij,jk->ik", "ji,kj->ki"] {
            for strategy in [Strategy::Gemm, Strategy::Nest] {
                contraction(spec, &[('i', m), ('k', n), ('j', k)], DType::F32, strategy, false).check_within(1e-3);
            }
        }
    }
    contraction("ij,jk->ik", &[('i', 200), ('k', 100), ('j', 150)], DType::F64, Strategy::Gemm, false).check();
}

#[test]
fn labels_of_one_operand_and_conjugates_go_by_loops() {
    contraction("ijs,jk->ik", &[], DType::F64, Strategy::Gemm, false).check();
    let mut planner = contraction("ij,jk->ik", &[], DType::C64, Strategy::Gemm, false);
    let step = planner.plan.steps.values_mut().next().unwrap();
    if let StepKind::Contraction(c) = &mut step.kind {
        c.conjugate = (true, false);
    }
    planner.check();
}
