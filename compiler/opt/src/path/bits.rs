//! Sets of labels as bits, laid out so that their sizes are quick to measure.
//!
//! Labels of one extent share words: the size of a set is then a count of bits times one logarithm for each word. Networks whose
//! labels nearly all differ in extent would need a word for each label; there, words are mixed and bits are weighed one by one.

use super::network::Network;
use super::starts;

/// Where each label has its bit, and what a bit weighs.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Words of a set.
    pub(crate) n_words: usize,
    bit_of: Vec<u32>,
    /// Weight of each bit of a word, if they are equal; NaN for a mixed word.
    word_weight: Vec<f64>,
    /// Weight of every bit; empty if no word is mixed.
    bit_weight: Vec<f64>,
}

impl Layout {
    pub(crate) fn new(network: &Network) -> Self {
        let weights = network.log2_extents();
        // Labels that are near each other in the network share words, so that small subtrees have few of them.
        let place = starts::places(network, &weights);
        let mut order: Vec<u32> = (0..weights.len() as u32).collect();
        order.sort_by_key(|l| (network.extent(*l), place[*l as usize], *l));
        let classes: Vec<&[u32]> = order.chunk_by(|a, b| network.extent(*a) == network.extent(*b)).collect();
        let padded: usize = classes.iter().map(|c| c.len().div_ceil(64)).sum();
        let dense = weights.len().div_ceil(64).max(1);
        if padded <= dense + 3 { Self::by_class(&classes, &weights) } else { Self::mixed(&order, &weights) }
    }

    fn by_class(classes: &[&[u32]], weights: &[f64]) -> Self {
        let (mut bit_of, mut word_weight) = (vec![0; weights.len()], Vec::new());
        for class in classes {
            let first = word_weight.len() * 64;
            class.iter().enumerate().for_each(|(n, l)| bit_of[*l as usize] = (first + n) as u32);
            word_weight.extend(std::iter::repeat_n(weights[class[0] as usize], class.len().div_ceil(64)));
        }
        if word_weight.is_empty() {
            word_weight.push(0.0);
        }
        Self { n_words: word_weight.len(), bit_of, word_weight, bit_weight: Vec::new() }
    }

    fn mixed(order: &[u32], weights: &[f64]) -> Self {
        let n_words = order.len().div_ceil(64).max(1);
        let (mut bit_of, mut bit_weight) = (vec![0; order.len()], vec![0.0; n_words * 64]);
        for (n, label) in order.iter().enumerate() {
            bit_of[*label as usize] = n as u32;
            bit_weight[n] = weights[*label as usize];
        }
        Self { n_words, bit_of, word_weight: vec![f64::NAN; n_words], bit_weight }
    }

    /// Writes a set of labels into zeroed words.
    pub(crate) fn fill(&self, labels: &[u32], words: &mut [u64]) {
        for label in labels {
            let bit = self.bit_of[*label as usize];
            words[bit as usize / 64] |= 1 << (bit % 64);
        }
    }

    /// Binary logarithm of the number of combinations of values of the labels of one word.
    #[inline]
    pub(crate) fn weigh(&self, word: usize, bits: u64) -> f64 {
        if self.bit_weight.is_empty() {
            return f64::from(bits.count_ones()) * self.word_weight[word];
        }
        let (mut rest, mut sum) = (bits, 0.0);
        while rest != 0 {
            sum += self.bit_weight[word * 64 + rest.trailing_zeros() as usize];
            rest &= rest - 1;
        }
        sum
    }

    /// Binary logarithm of the number of combinations of values of a set of labels.
    pub(crate) fn size(&self, words: &[u64]) -> f64 {
        words.iter().enumerate().map(|(n, bits)| self.weigh(n, *bits)).sum()
    }
}
