//! What the graph chooses, against an integer program.

use super::{Graph, graph};
use crate::Contract;
use crate::attempts::{Attempts, Where, placings};
use crate::layouts::Choice;
use crate::planner::Options;
use crate::program::Program;
use crate::tests::{einsum, then};
use crate::wishes::Wishes;
use good_lp::{Expression, ProblemVariables, Solution, SolverModel, constraint, microlp, variable};
use std::collections::BTreeMap;

/// The least price of all results: a variable for each class and each means to have it. What is moved is made where it is moved from, and
/// an input is sent once.
fn exact(graph: &Graph, inputs: &[usize]) -> f64 {
    let mut variables = ProblemVariables::new();
    let classes: Vec<_> = graph.classes.iter().map(|_| variables.add(variable().binary())).collect();
    let means: Vec<Vec<_>> = graph.classes.iter().map(|all| all.iter().map(|_| variables.add(variable().binary())).collect()).collect();
    let priced = || graph.classes.iter().flatten().zip(means.iter().flatten());
    let total: Expression = priced().map(|(one, variable)| one.price * *variable).sum();
    let mut model = variables.minimise(total).using(microlp);
    for root in &graph.roots {
        model = model.with(constraint!(classes[*root] == 1));
    }
    let mut sent: BTreeMap<usize, Expression> = BTreeMap::new();
    for (class, own) in means.iter().enumerate() {
        let had: Expression = own.iter().copied().sum();
        model = model.with(constraint!(had >= classes[class]));
        for (one, variable) in graph.classes[class].iter().zip(own) {
            for child in &one.children {
                model = model.with(constraint!(classes[*child] >= *variable));
                if !one.makes {
                    let made = graph.classes[*child].iter().zip(&means[*child]).filter(|(other, _)| other.makes);
                    let made: Expression = made.map(|(_, variable)| *variable).sum();
                    model = model.with(constraint!(made >= *variable));
                }
            }
            if let Some(tensor) = graph.tensors[class].filter(|tensor| one.makes && inputs.contains(tensor)) {
                *sent.entry(tensor).or_default() += *variable;
            }
        }
    }
    for once in sent.into_values() {
        model = model.with(constraint!(once <= 1));
    }
    let solution = model.solve().expect("a program has a plan");
    priced().filter(|(_, variable)| solution.value(**variable) > 0.5).map(|(one, _)| one.price).sum()
}

/// The price of what is chosen, and the least there is.
fn prices(program: &Program, log_slots: u32) -> (f64, f64) {
    let options = Options::new(Contract::Free, log_slots);
    let (placings, none, wishes) = (placings(program, &options), Choice::new(), Wishes::default());
    let attempts = Attempts::new(program, &options);
    let place = Where { placings: &placings, chosen: &none, wishes: &wishes };
    let graph = graph(&attempts.searched(place)).expect("something is read twice");
    let inputs: Vec<usize> = (0..program.tensors.len()).filter(|&n| program.tensors[n].is_secret() && n < 2).collect();
    let choice = graph.choose();
    let at = |(tensor, packing): (&usize, &_)| {
        (*tensor, graph.shared[tensor].iter().position(|(other, _)| other == packing).expect("one of these"))
    };
    (graph.price(&choice.iter().map(at).collect()), exact(&graph, &inputs))
}

#[test]
fn what_is_chosen_is_nearly_the_least() {
    let layer = einsum("ij,j->i", &[&[2, 2], &[2]], "pc");
    let square = einsum("ik,kj->ij", &[&[2, 2], &[2, 2]], "cc");
    let programs = [then(&layer, "i,i->", &[2, 2]), then(&layer, "i,j->ij", &[2, 2]), then(&square, "ik,kj->ij", &[2, 0])];
    for program in &programs {
        let (chosen, least) = prices(program, 3);
        assert!(least <= chosen + 1e-6 && chosen <= 1.1 * least + 1e-6, "{chosen} where {least} would do: {program:?}");
    }
}
