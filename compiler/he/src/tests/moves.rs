//! Moves where they are cheapest: programs with several steps between what is given and what is wanted.

use super::written::{define, polynomial};
use super::{check, tensor};
use crate::attempts::Attempts;
use crate::planner::plan_with_makers;
use crate::program::{Origin, Program};
use crate::wishes::Wishes;
use crate::{Contract, Options};
use ein_ir::dtype::DType;
use ein_ir::entity::Ciphertext;
use ein_ir::interp::slots::{Operands, run};
use ein_ir::packed::verify::verify;
use ein_ir::packed::{Layout, OutputDecl, Packed, PublicSource};
use std::collections::BTreeSet;

/// Names of one letter: capitals are public.
pub(super) fn given(shapes: &[(&str, &[u64])]) -> Program {
    let mut program = Program::default();
    for (name, shape) in shapes {
        let origin = if name.to_lowercase() == *name { Origin::Secret } else { Origin::Public };
        program.tensors.push(tensor(name, shape, origin));
    }
    program
}

/// What a plan weighs with all moves where they are made first, and where they are cheapest.
fn weights(program: &Program, options: &Options) -> [f64; 2] {
    let attempts = || Attempts::new(program, options);
    let plans = [attempts().together(&Wishes::default()), attempts().best()];
    plans.map(|plan| plan.unwrap_or_else(|errors| panic!("{errors:?}")).weight)
}

pub(super) fn programs() -> Vec<(&'static str, Program)> {
    let mut chain = given(&[("x", &[24]), ("s", &[24]), ("b", &[24]), ("A", &[24, 24]), ("C", &[24, 24])]);
    define(&mut chain, "h", "i", &[24, 24], "A[i,j]*x[j]*s[i] b[i]");
    define(&mut chain, "y", "i", &[24, 24], "C[i,j]*h[j]*s[i] b[i]");
    let mut gate = given(&[("x", &[4, 6]), ("A", &[6, 10]), ("B", &[6, 10]), ("C", &[10, 6])]);
    define(&mut gate, "u", "ij", &[4, 10, 6], "x[i,k]*A[k,j]");
    define(&mut gate, "v", "ij", &[4, 10, 6], "x[i,k]*B[k,j]");
    polynomial(&mut gate, "p", "u");
    define(&mut gate, "g", "ij", &[4, 10], "p[i,j]*v[i,j]");
    define(&mut gate, "y", "ij", &[4, 6, 10], "g[i,k]*C[k,j]");
    let mut residual = gate.clone();
    define(&mut residual, "z", "ij", &[4, 6], "y[i,j] x[i,j]");
    let mut attention = given(&[("x", &[4, 6]), ("A", &[6, 5]), ("B", &[6, 5]), ("C", &[6, 5])]);
    for (name, weight) in [("q", "A"), ("k", "B"), ("v", "C")] {
        define(&mut attention, name, "ij", &[4, 5, 6], &format!("x[i,k]*{weight}[k,j]"));
    }
    define(&mut attention, "s", "ij", &[4, 4, 5], "q[i,k]*k[j,k]");
    polynomial(&mut attention, "p", "s");
    define(&mut attention, "y", "ik", &[4, 4, 5], "p[i,j]*v[j,k]");
    let mut cell = given(&[("x", &[6]), ("h", &[10]), ("A", &[10, 6]), ("B", &[10, 10]), ("C", &[10, 6]), ("D", &[10, 10])]);
    define(&mut cell, "u", "i", &[10, 6, 10], "A[i,j]*x[j] B[i,k]*h[k]");
    polynomial(&mut cell, "z", "u");
    define(&mut cell, "w", "i", &[10, 6, 10], "C[i,j]*x[j] z[i]*D[i,k]*h[k]");
    polynomial(&mut cell, "n", "w");
    define(&mut cell, "y", "i", &[10], "n[i] -z[i]*n[i] z[i]*h[i]");
    let mut gates = given(&[("x", &[6]), ("h", &[10]), ("c", &[10]), ("A", &[10, 6]), ("B", &[10, 10]), ("C", &[10, 6]), ("D", &[10, 10])]);
    define(&mut gates, "u", "i", &[10, 6, 10], "A[i,j]*x[j] B[i,k]*h[k]");
    define(&mut gates, "v", "i", &[10, 6, 10], "C[i,j]*x[j] D[i,k]*h[k]");
    define(&mut gates, "w", "i", &[10, 6, 10], "A[i,j]*x[j] D[i,k]*h[k]");
    polynomial(&mut gates, "f", "u");
    polynomial(&mut gates, "g", "v");
    polynomial(&mut gates, "o", "w");
    define(&mut gates, "e", "i", &[10], "f[i]*c[i] f[i]*g[i]");
    define(&mut gates, "y", "i", &[10], "o[i]*e[i]");
    let mut squares = given(&[("x", &[4, 6]), ("a", &[6, 10]), ("b", &[10, 6]), ("c", &[10])]);
    define(&mut squares, "u", "ij", &[4, 10, 6], "x[i,k]*a[k,j] c[j]");
    define(&mut squares, "g", "ij", &[4, 10], "u[i,j]*u[i,j] u[i,j]");
    define(&mut squares, "y", "ij", &[4, 6, 10], "g[i,k]*b[k,j]");
    vec![
        ("chain", chain),
        ("gate", gate),
        ("residual", residual),
        ("attention", attention),
        ("cell", cell),
        ("gates", gates),
        ("squares", squares),
    ]
}

#[test]
fn moves_are_made_where_they_are_cheapest() {
    let mut better = 0;
    for (name, program) in programs() {
        for contract in [Contract::Free, Contract::Strict] {
            let options = Options::new(contract, 8);
            check(&program, &options);
            let [before, after] = weights(&program, &options);
            assert!(after <= before, "{name} {contract:?}: {after} instead of {before}");
            better += usize::from(after < before);
        }
    }
    assert!(better >= 1, "{better} are better");
}

/// An input may be sent as the strict contract has it.
#[test]
fn free_layouts_are_no_worse_than_strict_ones() {
    for (name, program) in programs() {
        let [free, strict] =
            [Contract::Free, Contract::Strict].map(|contract| Attempts::new(&program, &Options::new(contract, 8)).best().unwrap());
        assert!(free.weight <= strict.weight, "{name}: {} instead of {}", free.weight, strict.weight);
    }
}

/// Partial sums may be anything: where one is the argument of a polynomial, it would spoil the ciphertext.
#[test]
fn arguments_of_polynomials_are_nothing_beside_elements() {
    let mut n_arguments = 0;
    for (name, program) in programs() {
        for contract in [Contract::Free, Contract::Strict] {
            let (packed, makers) = plan_with_makers(&program, &Options::new(contract, 8)).unwrap();
            let layout = Layout::row_major(&[u64::from(packed.slots)], packed.slots.ilog2());
            let output =
                |&value: &Ciphertext| OutputDecl { name: "t".to_owned(), dtype: DType::I64, layout: layout.clone(), values: vec![value] };
            let outputs = makers.series.iter().map(|series| output(&series.argument)).collect();
            let arguments = verify(Packed { outputs, ..Packed::clone(&packed) }).unwrap();
            let ones = |shape: &[u64]| vec![1_i64; shape.iter().product::<u64>() as usize];
            let secrets = packed.inputs.values().map(|input| ones(&input.layout.shape)).collect();
            let given = packed.publics.values().filter(|public| public.source == PublicSource::Given);
            let publics = given.map(|public| ones(&public.shape)).collect();
            for slots in run(&arguments, &Operands { secrets, publics, seed: 1 }).unwrap() {
                // Every element is a sum of as many ones.
                let elements: BTreeSet<i64> = slots.into_iter().filter(|slot| *slot != 0).collect();
                assert_eq!(elements.len(), 1, "{name} {contract:?}: {elements:?}");
                n_arguments += 1;
            }
        }
    }
    assert!(n_arguments >= 12, "{n_arguments} arguments");
}
