//! Searches of contraction orders, against every tree of small networks and against what must hold of large ones.

mod large;
mod optimal;
mod slicing;

use crate::path::{Network, Path, Tree};

/// Numbers below `n`, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }

    fn shuffled(&mut self, n: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..n).collect();
        (1..n).rev().for_each(|k| all.swap(k, self.below(k + 1)));
        all
    }
}

/// Operands of up to four labels out of a few: hyperedges, labels of one operand, scalars, parts that are not connected, repeated labels,
/// a result with any of them.
fn random_network(dice: &mut Dice, n_operands: usize, extents: &[u64]) -> Network {
    let n_labels = 1 + dice.below(n_operands + 3);
    let mut operands: Vec<Vec<u32>> = Vec::new();
    for _ in 0..n_operands {
        let rank = dice.below(4);
        operands.push((0..rank).map(|_| dice.below(n_labels) as u32).collect());
    }
    let is_read = |l: &u32| operands.iter().any(|o| o.contains(l));
    let output = (0..n_labels as u32).filter(is_read).filter(|_| dice.below(4) == 0).collect();
    let extents = (0..n_labels).map(|_| extents[dice.below(extents.len())]).collect();
    Network::new(operands, output, extents).expect("labels are known")
}

/// A random path of a network.
fn random_path(dice: &mut Dice, network: &Network) -> Path {
    let mut alive: Vec<u32> = (0..network.n_operands() as u32).collect();
    let mut pairs = Vec::new();
    while alive.len() > 1 {
        let lhs = alive.swap_remove(dice.below(alive.len()));
        let rhs = alive.swap_remove(dice.below(alive.len()));
        alive.push((network.n_operands() + pairs.len()) as u32);
        pairs.push([lhs, rhs]);
    }
    Path::summed_first(network, Tree { pairs })
}

/// The network with its operands listed and its labels called otherwise.
fn respelt(dice: &mut Dice, network: &Network) -> (Network, Vec<usize>, Vec<usize>) {
    let (order, names) = (dice.shuffled(network.n_operands()), dice.shuffled(network.n_labels()));
    let rename = |labels: &[u32]| labels.iter().map(|l| names[*l as usize] as u32).collect::<Vec<u32>>();
    let operands = order.iter().map(|o| rename(&network.operands()[*o])).collect();
    let mut extents = vec![0; network.n_labels()];
    names.iter().enumerate().for_each(|(l, name)| extents[*name] = network.extents()[l]);
    (Network::new(operands, rename(network.output()), extents).expect("as before"), order, names)
}
