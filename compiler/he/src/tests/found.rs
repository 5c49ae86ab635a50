//! Small programs for which a plan is found wherever there is one.

use super::moves::given;
use super::written::define;
use super::{check, einsum, run};
use crate::{Contract, Options};

#[test]
fn what_is_not_summed_yet_leaves_room_for_what_is() {
    let mut program = given(&[("x", &[4]), ("y", &[3]), ("z", &[7]), ("M", &[4, 3])]);
    define(&mut program, "s", "ijk", &[4, 3, 7], "x[i] y[j] z[k]");
    define(&mut program, "r", "i", &[4, 3, 7], "M[i,j]*s[i,j,k]");
    for (contract, log_slots) in [(Contract::Free, 8), (Contract::Strict, 8), (Contract::Free, 12)] {
        check(&program, &Options::new(contract, log_slots));
    }
}

#[test]
fn what_may_be_anywhere_may_be_in_rows() {
    let diagonal = run("iiii->", &[&[20; 4]], "c", 14, Contract::Free);
    assert!(diagonal.rotations <= 24, "{diagonal}");
    // No rotation, but 4096 ciphertexts, would be more than a few rotations of 4.
    let options = Options::new(Contract::Free, 14);
    let packed = crate::plan(&einsum("iiii->i", &[&[16; 4]], "c"), &options).unwrap();
    assert_eq!(packed.inputs.values().map(|input| input.layout.n_chunks()).sum::<u32>(), 4);
    assert!(packed.counts().rotations <= 9, "{}", packed.counts());
}

#[test]
fn the_order_of_operands_does_not_matter_much() {
    // By the numbers of their operands, some of which share indices with what is far away.
    for (equation, shapes) in
        [("ij,k,l,j->kil", [&[64, 32][..], &[16], &[16], &[32]]), ("i,ji,jkl,iml->kmji", [&[16], &[5, 16], &[5, 3, 4], &[16, 4, 4]])]
    {
        let (inputs, output) = equation.split_once("->").unwrap();
        let parts: Vec<&str> = inputs.split(',').collect();
        let mut weights = Vec::new();
        for order in [[0, 1, 2, 3], [0, 3, 1, 2], [3, 0, 2, 1]] {
            let equation = format!("{}->{output}", order.map(|n: usize| parts[n]).join(","));
            let shapes: Vec<&[u64]> = order.iter().map(|&n| shapes[n]).collect();
            let counts = run(&equation, &shapes, "cccc", 8, Contract::Free);
            weights.push(counts.rotations + 2 * counts.mulcc);
        }
        assert!(weights.iter().max().unwrap() * 2 <= weights.iter().min().unwrap() * 3, "{equation}: {weights:?}");
    }
}
