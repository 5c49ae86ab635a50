//! The exact search.

use super::{Dice, random_network, random_path, respelt};
use crate::Machine;
use crate::path::{Budget, Combo, Flops, Network, Objective, Path, Rank, StepCost, Subset, Table, Tree, price, search};
use ein_ir::dtype::DType;
use std::collections::BTreeSet;

/// Calls `visit` with every tree over the tensors, in every order of steps.
fn every_tree(alive: &[u32], next: u32, pairs: &mut Vec<[u32; 2]>, visit: &mut dyn FnMut(&Tree)) {
    if alive.len() <= 1 {
        return visit(&Tree { pairs: pairs.clone() });
    }
    for a in 0..alive.len() {
        for b in a + 1..alive.len() {
            let mut rest: Vec<u32> = alive.iter().copied().filter(|t| *t != alive[a] && *t != alive[b]).collect();
            rest.push(next);
            pairs.push([alive[a], alive[b]]);
            every_tree(&rest, next + 1, pairs, visit);
            pairs.pop();
        }
    }
}

/// Every path: with every choice of the operands that are summed first.
fn every_path(network: &Network, visit: &mut dyn FnMut(&Path)) {
    let n = network.n_operands() as u32;
    let lone = Path::summed_first(network, Tree::default()).presums;
    every_tree(&(0..n).collect::<Vec<_>>(), n, &mut Vec::new(), &mut |tree| {
        for choice in 0..1u32 << lone.len() {
            let presums = lone.iter().enumerate().filter(|(k, _)| choice & 1 << k != 0).map(|(_, o)| *o).collect();
            visit(&Path { presums, tree: tree.clone() });
        }
    });
}

fn budget(network: &Network) -> Budget {
    Budget::default_for(network)
}

/// Least flops, and the least peak of those, over everything.
fn least(network: &Network) -> (u128, u128) {
    let mut least = (u128::MAX, u128::MAX);
    every_path(network, &mut |path| {
        let price = price(network, path);
        least = least.min((price.flops, price.peak));
    });
    least
}

#[test]
fn no_tree_of_up_to_five_operands_is_better() {
    let mut dice = Dice(1);
    for round in 0..300 {
        let n = 2 + round % 4;
        let network = random_network(&mut dice, n, &[1, 2, 3, 5, 8]);
        let found = search(&network, &Objective::Flops, budget(&network), None, &mut |_| true);
        let price = price(&network, &found.path);
        assert!(found.optimal && !found.truncated);
        assert_eq!((price.flops, price.peak), least(&network), "{network:?}\n{found:?}");
    }
}

#[test]
fn no_tree_of_six_operands_is_better() {
    let mut dice = Dice(2);
    for _ in 0..4 {
        let network = random_network(&mut dice, 6, &[2, 3, 7]);
        let found = search(&network, &Objective::Flops, budget(&network), None, &mut |_| true);
        let price = price(&network, &found.path);
        assert_eq!((price.flops, price.peak), least(&network), "{network:?}\n{found:?}");
    }
}

#[test]
fn the_smallest_peak_is_found() {
    let mut dice = Dice(3);
    for round in 0..100 {
        let network = random_network(&mut dice, 2 + round % 4, &[1, 2, 4, 9]);
        let found = search(&network, &Objective::Peak, budget(&network), None, &mut |_| true);
        let mut smallest = u128::MAX;
        every_path(&network, &mut |path| smallest = smallest.min(price(&network, path).peak));
        assert_eq!(price(&network, &found.path).peak, smallest, "{network:?}\n{found:?}");
    }
}

#[test]
fn other_costs_are_least_too() {
    let mut dice = Dice(4);
    for round in 0..60 {
        let network = random_network(&mut dice, 2 + round % 4, &[2, 3, 10, 40]);
        for objective in [Objective::Combo, Objective::Time(Machine::default().time_of(DType::F32))] {
            let found = search(&network, &objective, budget(&network), None, &mut |_| true);
            let cost = objective.rank_of(&network, &found.path)[0];
            every_path(&network, &mut |path| assert!(cost <= objective.rank_of(&network, path)[0] + 1e-9, "{objective:?} {network:?}"));
        }
    }
}

#[test]
fn empty_axes_do_no_harm() {
    let mut dice = Dice(5);
    for round in 0..100 {
        let network = random_network(&mut dice, 1 + round % 7, &[0, 1, 3]);
        let found = search(&network, &Objective::Flops, budget(&network), None, &mut |_| true);
        assert_eq!(found.path.tree.pairs.len(), network.n_operands() - 1);
    }
}

#[test]
fn names_and_listing_do_not_matter() {
    let mut dice = Dice(6);
    for round in 0..100 {
        let network = random_network(&mut dice, 2 + round % 9, &[2, 3, 5, 7]);
        let (other, order, _) = respelt(&mut dice, &network);
        for objective in [Objective::Flops, Objective::Peak, Objective::Time(Machine::default().time_of(DType::F64))] {
            let find = |network: &Network| search(network, &objective, budget(network), None, &mut |_| true).path;
            let (one, two) = (find(&network), find(&other));
            assert_eq!(price(&network, &one).flops, price(&other, &two).flops);
            assert_eq!(price(&network, &one).peak, price(&other, &two).peak);
            // The same sets of operands are made, up to what looks alike from everywhere.
            let shapes = |network: &Network, path: &Path| -> Vec<(usize, u128)> {
                let mut shapes: Vec<(usize, u128)> = subsets(network.n_operands(), &path.tree)
                    .into_iter()
                    .map(|set| (set.count_ones() as usize, volume_of(network, set)))
                    .collect();
                shapes.sort_unstable();
                shapes
            };
            assert_eq!(shapes(&network, &one), shapes(&other, &two), "{network:?} {order:?}");
        }
    }
}

/// Operands of each result.
fn subsets(n: usize, tree: &Tree) -> Vec<Subset> {
    let mut sets: Vec<Subset> = (0..n).map(|o| 1 << o).collect();
    tree.pairs.iter().for_each(|[a, b]| sets.push(sets[*a as usize] | sets[*b as usize]));
    sets.split_off(n)
}

fn volume_of(network: &Network, set: Subset) -> u128 {
    let labels: BTreeSet<u32> =
        (0..network.n_operands()).filter(|o| set & 1 << o != 0).flat_map(|o| network.operands()[o].clone()).collect();
    labels.iter().map(|l| u128::from(network.extent(*l))).product()
}

#[test]
fn the_tree_of_a_network_without_symmetry_is_the_same_under_any_spelling() {
    // All extents differ, so no two operands look alike.
    let operands = vec![vec![0, 1], vec![1, 2, 3], vec![3, 4], vec![4, 5, 0], vec![2, 6], vec![6, 7]];
    let network = Network::new(operands, vec![5, 7], vec![2, 3, 4, 5, 6, 7, 8, 9]).expect("a network");
    let expected: BTreeSet<Subset> =
        subsets(6, &search(&network, &Objective::Flops, budget(&network), None, &mut |_| true).path.tree).into_iter().collect();
    let mut dice = Dice(7);
    for _ in 0..20 {
        let (other, order, _) = respelt(&mut dice, &network);
        let found = search(&other, &Objective::Flops, budget(&other), None, &mut |_| true);
        let back = |set: Subset| (0..6).filter(|o| set & 1 << o != 0).fold(0, |s, o| s | 1 << order[o]);
        let sets: BTreeSet<Subset> = subsets(6, &found.path.tree).into_iter().map(back).collect();
        assert_eq!(sets, expected);
    }
}

/// Cost of the cheapest tree that makes the result of each pair of parts.
#[test]
fn near_optimal_splits_are_those_of_near_optimal_trees() {
    let mut dice = Dice(8);
    for round in 0..30 {
        let network = random_network(&mut dice, 3 + round % 3, &[2, 3, 5]);
        if !Path::summed_first(&network, Tree::default()).presums.is_empty() {
            continue;
        }
        let n = network.n_operands();
        let table = Table::search(&network, &Flops, Rank::Cost).expect("few operands");
        let mut expected = std::collections::BTreeMap::new();
        every_path(&network, &mut |path| {
            let cost = price(&network, path).flops as f64;
            let mut sets: Vec<Subset> = (0..n).map(|o| 1 << o).collect();
            for [a, b] in &path.tree.pairs {
                let (a, b) = (sets[*a as usize], sets[*b as usize]);
                sets.push(a | b);
                let lhs = if a.trailing_zeros() < b.trailing_zeros() { a } else { b };
                let least = expected.entry((a | b, lhs)).or_insert(f64::INFINITY);
                *least = cost.min(*least);
            }
        });
        let limit = table.cost() * 1.5;
        expected.retain(|_, cost| *cost <= limit);
        let found = table.splits_within(1.5, 500);
        assert!(found.windows(2).all(|pair| pair[0].cost <= pair[1].cost));
        assert_eq!(found.iter().map(|s| ((s.whole, s.lhs), s.cost)).collect::<std::collections::BTreeMap<_, _>>(), expected);
        assert_eq!(table.splits_within(1.5, 2).len(), found.len().min(2));
        // Every split of the best tree costs what the tree costs.
        let at_best = table.splits_within(1.0, 500);
        assert!(subsets(n, &table.path().tree).iter().all(|set| at_best.iter().any(|s| s.whole == *set)));
    }
}

#[test]
fn what_a_table_says_of_its_path_is_its_price() {
    let mut dice = Dice(9);
    for round in 0..100 {
        let network = random_network(&mut dice, 1 + round % 10, &[1, 2, 3, 4]);
        let table = Table::search(&network, &Flops, Rank::Cost).expect("few operands");
        let price = price(&network, &table.path());
        let single = network.n_operands() == 1;
        assert_eq!((table.cost(), table.peak()), (price.flops as f64, price.peak as f64), "{single} {network:?}");
    }
}

#[test]
fn a_single_operand_is_summed_whatever_was_given() {
    let network = Network::new(vec![vec![0, 1]], vec![1], vec![5, 3]).expect("a network");
    for exact in [0, 12] {
        let budget = Budget { exact, ..budget(&network) };
        let found = search(&network, &Objective::Flops, budget, Some(&Path::default()), &mut |_| true);
        assert_eq!((found.path.presums.as_slice(), found.optimal), (&[0][..], true));
        assert_eq!(price(&network, &found.path).flops, 2 * 15);
    }
}

#[test]
fn an_outer_product_first_may_be_best() {
    // Two vectors and a matrix between them that is larger than their product.
    let network = Network::new(vec![vec![0], vec![1], vec![0, 1, 2]], vec![2], vec![2, 2, 100]).expect("a network");
    let found = search(&network, &Objective::Flops, budget(&network), None, &mut |_| true);
    assert_eq!(found.path.tree.pairs[0], [0, 1]);
}

#[test]
fn a_path_given_is_a_candidate_and_never_beaten_by_a_worse() {
    let mut dice = Dice(10);
    for round in 0..60 {
        let network = random_network(&mut dice, 2 + round % 15, &[2, 3, 4]);
        let given = random_path(&mut dice, &network);
        let found = search(&network, &Objective::Flops, Budget { steps: 0, seed: 0, exact: 6 }, Some(&given), &mut |_| true);
        assert!(price(&network, &found.path).flops <= price(&network, &given).flops);
    }
}

#[test]
fn sizes_beyond_all_floats_still_give_a_tree() {
    let labels = 200u32;
    let operands = (0..9).map(|o| (0..labels).filter(|l| (l + o) % 3 != 0).collect()).collect();
    let network = Network::new(operands, vec![], vec![u64::MAX; labels as usize]).expect("a network");
    for objective in [Objective::Flops, Objective::Peak, Objective::Combo, Objective::Time(Machine::default().time_of(DType::C128))] {
        for exact in [0, 12] {
            let found = search(&network, &objective, Budget { steps: 2000, seed: 1, exact }, None, &mut |_| true);
            assert_eq!(found.path.tree.pairs.len(), 8);
            assert!(price(&network, &found.path).log10_flops > 1000.0);
        }
    }
    // Costs are not numbers here, and are not compared as if they were.
    let infinite = Table::search(&network, &Combo, Rank::Cost).expect("few operands");
    assert_eq!(infinite.path().tree.pairs.len(), 8);
    assert!(Combo.cost(&crate::path::Sizes { lhs: 1.0, rhs: 1.0, out: f64::INFINITY, volume: f64::INFINITY, sums: true }).is_infinite());
}
