//! An order of the operands of a product in which a good tree multiplies neighbours.
//!
//! The search for a plan parts operands between neighbours only, where there are many: as they are written, and in this order. The tree is the one
//! with the fewest ciphertexts of joint spaces, which is known without layouts.

use crate::contraction::Contraction;

/// Operands up to which the best tree is found; of more one that is good step by step.
const ALL_TREES: usize = 10;

/// The leaves of a tree, and what its products take.
#[derive(Clone)]
struct Tree {
    leaves: Vec<usize>,
    price: f64,
}

/// The operands by the leaves of the tree.
pub(crate) fn of_tree(contraction: &Contraction, log_slots: usize) -> Vec<usize> {
    let n = contraction.operands.len();
    if n <= ALL_TREES { best(contraction, log_slots) } else { greedy(contraction, log_slots) }
}

/// What the product of two sets takes: a ciphertext is one, and a label that is summed in it almost nothing, so that small joint spaces come first.
fn price(contraction: &Contraction, one: u32, other: u32, log_slots: usize) -> f64 {
    if contraction.is_public(one | other) {
        return 0.0;
    }
    let labels = contraction.kept_of(one) | contraction.kept_of(other);
    let bits: usize = (0..64).filter(|label| labels >> label & 1 == 1).map(|label| usize::from(contraction.bits(label))).sum();
    let above = i32::try_from(bits.saturating_sub(log_slots)).unwrap_or(i32::MAX);
    let within = f64::from(u32::try_from(bits.min(log_slots)).unwrap_or(u32::MAX));
    2.0_f64.powi(above) * (1.0 + within / 16.0)
}

fn joined(one: &Tree, other: &Tree, price: f64) -> Tree {
    Tree { leaves: [&one.leaves[..], &other.leaves].concat(), price: one.price + other.price + price }
}

/// By dynamic programming over sets of operands.
fn best(contraction: &Contraction, log_slots: usize) -> Vec<usize> {
    let n = contraction.operands.len();
    let mut trees: Vec<Option<Tree>> = vec![None; 1 << n];
    for set in 1_u32..1 << n {
        if set.is_power_of_two() {
            trees[set as usize] = Some(Tree { leaves: vec![set.trailing_zeros() as usize], price: 0.0 });
            continue;
        }
        let lowest = set & set.wrapping_neg();
        let mut part = (set - 1) & set;
        let mut least: Option<Tree> = None;
        while part != 0 {
            if part & lowest != 0
                && let (Some(one), Some(other)) = (&trees[part as usize], &trees[(set & !part) as usize])
            {
                let price = price(contraction, part, set & !part, log_slots);
                if least.as_ref().is_none_or(|least| one.price + other.price + price < least.price) {
                    least = Some(joined(one, other, price));
                }
            }
            part = (part - 1) & set;
        }
        trees[set as usize] = least;
    }
    trees.pop().flatten().map(|tree| tree.leaves).unwrap_or_default()
}

/// The cheapest product of two first, and so on.
fn greedy(contraction: &Contraction, log_slots: usize) -> Vec<usize> {
    let mut trees: Vec<(u32, Tree)> = (0..contraction.operands.len()).map(|n| (1 << n, Tree { leaves: vec![n], price: 0.0 })).collect();
    while trees.len() > 1 {
        let pairs = (0..trees.len()).flat_map(|a| (a + 1..trees.len()).map(move |b| (a, b)));
        let price = |&(a, b): &(usize, usize)| price(contraction, trees[a].0, trees[b].0, log_slots);
        let Some((a, b)) = pairs.min_by(|x, y| price(x).total_cmp(&price(y))) else { break };
        let (of_other, other) = trees.remove(b);
        let price = self::price(contraction, trees[a].0, of_other, log_slots);
        trees[a] = (trees[a].0 | of_other, joined(&trees[a].1, &other, price));
    }
    trees.pop().map(|(_, tree)| tree.leaves).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Origin;
    use crate::tests::einsum;

    #[test]
    fn what_is_summed_early_is_together() {
        let program = einsum("ij,k,l,j->kil", &[&[512, 128], &[64], &[64], &[128]], "cccc");
        let Origin::Sum(sum) = &program.tensors[program.results[0]].origin else { panic!("{program:?}") };
        let contraction = crate::held::contraction(sum, &sum.terms[0]);
        for order in [best(&contraction, 14), greedy(&contraction, 14)] {
            let at = |n: usize| order.iter().position(|other| *other == n).unwrap();
            assert_eq!(at(0).abs_diff(at(3)), 1, "{order:?}");
        }
    }
}
