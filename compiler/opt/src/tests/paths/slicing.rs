//! Slicing to a memory limit.

use super::{Dice, random_network};
use crate::path::{Budget, Network, Objective, Path, price, search, slice};

fn budget() -> Budget {
    Budget { steps: 3000, seed: 0, exact: 6 }
}

fn plan(network: &Network) -> Path {
    search(network, &Objective::Flops, budget(), None, &mut |_| true).path
}

#[test]
fn a_limit_is_kept_or_the_smallest_figure_is_told() {
    let mut dice = Dice(21);
    let mut n_sliced = 0;
    for round in 0..80 {
        let network = random_network(&mut dice, 3 + round % 8, &[2, 3, 6]);
        let path = plan(&network);
        let whole = price(&network, &path);
        for limit in [1, 5, whole.peak / 4, whole.peak / 2, whole.peak] {
            match slice(&network, &path, limit, &Objective::Flops, budget(), &mut |_| true) {
                Ok(sliced) => {
                    assert!(sliced.peak <= limit);
                    let slices: u128 = sliced.labels.iter().map(|l| u128::from(network.extent(*l))).product();
                    assert_eq!(sliced.n_slices, slices);
                    // Flops are those of one slice, as often as there are slices.
                    let one = price(&network.sliced(&sliced.labels), &sliced.path);
                    assert!((sliced.log10_flops - one.log10_flops - (slices as f64).log10()).abs() < 1e-9);
                    n_sliced += usize::from(!sliced.labels.is_empty());
                }
                Err(too_large) => {
                    assert!(too_large.smallest > limit);
                    let again = slice(&network, &path, too_large.smallest, &Objective::Flops, budget(), &mut |_| true);
                    assert!(again.is_ok_and(|s| s.peak <= too_large.smallest), "the figure told is feasible");
                }
            }
        }
    }
    assert!(n_sliced > 40, "{n_sliced}");
}

#[test]
fn what_fits_is_not_sliced() {
    let network = Network::new(vec![vec![0, 1], vec![1, 2], vec![2, 3]], vec![0, 3], vec![4; 4]).expect("a network");
    let path = plan(&network);
    let sliced = slice(&network, &path, price(&network, &path).peak, &Objective::Flops, budget(), &mut |_| true).expect("it fits");
    assert_eq!((sliced.labels, sliced.n_slices, sliced.path), (vec![], 1, path));
}

#[test]
fn a_ring_of_matrices_is_cut_once() {
    // tr(A B C D) with a large first label: fixing it makes every intermediate a vector.
    let network = Network::new((0..4).map(|k| vec![k, (k + 1) % 4]).collect(), vec![], vec![64; 4]).expect("a network");
    let path = plan(&network);
    let sliced = slice(&network, &path, 200, &Objective::Flops, budget(), &mut |_| true).expect("vectors fit");
    assert_eq!((sliced.labels.len(), sliced.n_slices), (1, 64));
    // The result stays whole, so nothing below its size is feasible.
    let product = Network::new(vec![vec![0, 1], vec![1, 2]], vec![0, 2], vec![10, 10, 10]).expect("a network");
    let error = slice(&product, &plan(&product), 99, &Objective::Flops, budget(), &mut |_| true).expect_err("the result alone is larger");
    assert_eq!(error.smallest, 100);
}
