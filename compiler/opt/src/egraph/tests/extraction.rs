//! Extraction against an integer program: gradients share most of their work.

use super::{candidates, draft};
use crate::egraph::extract::{Problem, Visits};
use crate::{Minimize, Options};
use good_lp::{Expression, ProblemVariables, Solution, SolverModel, constraint, microlp, variable};

/// The least price of a problem, by an integer program: a variable for each way and each class.
fn exact(problem: &Problem) -> f64 {
    let mut variables = ProblemVariables::new();
    let classes: Vec<_> = problem.ways.iter().map(|_| variables.add(variable().binary())).collect();
    let ways: Vec<Vec<_>> = problem.ways.iter().map(|ways| ways.iter().map(|_| variables.add(variable().binary())).collect()).collect();
    let scale = problem.ways.iter().flatten().map(|w| w.cost).filter(|c| c.is_finite()).fold(1.0, f64::max);
    let mut total = Expression::from(0.0);
    for (way, variable) in problem.ways.iter().flatten().zip(ways.iter().flatten()) {
        total += (way.cost / scale) * *variable;
    }
    let mut model = variables.minimise(total).using(microlp);
    for root in &problem.roots {
        model = model.with(constraint!(classes[*root] == 1));
    }
    for (class, own) in ways.iter().enumerate() {
        let made: Expression = own.iter().copied().sum();
        model = model.with(constraint!(made >= classes[class]));
        for (way, variable) in problem.ways[class].iter().zip(own) {
            for child in &way.children {
                model = model.with(constraint!(classes[*child] >= *variable));
            }
        }
    }
    let solution = model.solve().expect("a problem with a solution");
    let chosen = problem.ways.iter().flatten().zip(ways.iter().flatten()).filter(|(_, v)| solution.value(**v) > 0.5);
    chosen.map(|(way, _)| way.cost).sum()
}

fn check(inputs: &[(&str, &[u64])], outputs: &str, extents: &[u64], body: &str) -> (f64, f64) {
    let options = Options { minimize: Minimize::Flops, ..Options::default() };
    let mut draft = draft(inputs, outputs, extents, body, "f64");
    let candidates = candidates(&mut draft, &options);
    let found = candidates.problem.price(&candidates.problem.choose(&candidates.written, Visits(200_000)));
    let least = exact(&candidates.problem);
    assert!(found <= least * (1.0 + 1e-9), "found {found}, least {least}");
    // What the results cost apart from each other.
    let alone = |root: &usize| {
        let problem = Problem { ways: candidates.problem.ways.clone(), roots: vec![*root] };
        problem.price(&problem.choose(&candidates.written, Visits(200_000)))
    };
    (found, candidates.problem.roots.iter().map(alone).sum())
}

#[test]
fn gradients_of_a_cp_model_share_all_they_can() {
    let (n, r) = (12, 5);
    let inputs: [(&str, &[u64]); 5] = [("T", &[n, n, n, n]), ("A", &[n, r]), ("B", &[n, r]), ("C", &[n, r]), ("D", &[n, r])];
    let outputs = format!("<a f64[{n}, {r}]\n<b f64[{n}, {r}]\n<c f64[{n}, {r}]\n<d f64[{n}, {r}]");
    let factor = |k: usize| format!("t{}[i{k}, i4]", k + 1);
    let gradient = |k: usize| {
        let others: Vec<usize> = (0..4).filter(|m| *m != k).collect();
        let binders: Vec<String> = others.iter().map(|m| format!("i{m}")).collect();
        let factors: Vec<String> = others.iter().map(|m| factor(*m)).collect();
        format!("t{}[i{k}, i4] = sum:f64[{}]((t0[i0, i1, i2, i3] * {}))", 5 + k, binders.join(", "), factors.join(" * "))
    };
    let body: Vec<String> = (0..4).map(gradient).collect();
    let (found, apart) = check(&inputs, &outputs, &[n, n, n, n, r], &body.join("\n"));
    assert!(apart / found > 1.5, "{apart} / {found}");
}

#[test]
fn gradients_of_a_matrix_chain_share_all_they_can() {
    let sizes: [u64; 9] = [10, 20, 15, 30, 12, 25, 18, 22, 10];
    let names: Vec<String> = (0..8).map(|k| format!("M{k}")).collect();
    let shapes: Vec<[u64; 2]> = (0..8).map(|k| [sizes[k], sizes[k + 1]]).collect();
    let inputs: Vec<(&str, &[u64])> = names.iter().zip(&shapes).map(|(n, s)| (n.as_str(), &s[..])).chain([("G", &[10, 10][..])]).collect();
    let outputs: Vec<String> = shapes.iter().enumerate().map(|(k, [a, b])| format!("<g{k} f64[{a}, {b}]")).collect();
    // The gradient of `sum G * (M0 M1 ... M7)` by one matrix: the product of all others.
    let gradient = |k: usize| {
        let factors: Vec<String> = (0..8).filter(|m| *m != k).map(|m| format!("t{m}[i{m}, i{}]", m + 1)).collect();
        let binders: Vec<String> = (0..9).filter(|m| *m != k && *m != k + 1).map(|m| format!("i{m}")).collect();
        format!("t{}[i{k}, i{}] = sum:f64[{}]((t8[i0, i8] * {}))", 9 + k, k + 1, binders.join(", "), factors.join(" * "))
    };
    let body: Vec<String> = (0..8).map(gradient).collect();
    let (found, apart) = check(&inputs, &outputs.join("\n"), &sizes, &body.join("\n"));
    assert!(apart / found > 1.5, "{apart} / {found}");
}
