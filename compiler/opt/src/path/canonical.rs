//! An order of the operands that does not depend on how they were listed or how labels are called.
//!
//! Operands and labels are coloured by extents and by each other until nothing changes (colour refinement). Where operands still look
//! alike, each of them is set apart in turn and the least encoding wins; beyond [`MAX_LEAVES`] trials the first found is taken, and
//! only then may the order of listing show.

use super::network::Network;

/// Trials among operands that look alike: those of six that are. Fewer where there are many labels to compare.
const MAX_LEAVES: usize = 720;
/// Labels up to which all those trials are made.
const MANY_LABELS: usize = 64;

/// Operands in canonical order.
pub(crate) fn order(network: &Network) -> Vec<usize> {
    let max_leaves = MAX_LEAVES * MANY_LABELS / network.n_labels().max(MANY_LABELS);
    let mut search = Search { network, best: None, n_leaves: 0, max_leaves };
    search.descend(Colours::new(network));
    search.best.map(|(_, order)| order).unwrap_or_default()
}

#[derive(Clone)]
struct Colours {
    operands: Vec<u32>,
    labels: Vec<u32>,
}

/// What a label is, in terms of places in an order: operands that have it, extent, whether the result has it.
type Encoding = Vec<(Vec<u32>, u64, bool)>;

struct Search<'a> {
    network: &'a Network,
    best: Option<(Encoding, Vec<usize>)>,
    n_leaves: usize,
    max_leaves: usize,
}

impl Colours {
    fn new(network: &Network) -> Self {
        let in_output = |l: u32| network.output().binary_search(&l).is_ok();
        let labels = rank(&(0..network.n_labels() as u32).map(|l| (network.extent(l), in_output(l))).collect::<Vec<_>>());
        Self { operands: vec![0; network.n_operands()], labels }
    }

    /// Tells operands apart by their labels, and labels by their operands, until nothing changes.
    fn refine(&mut self, network: &Network) {
        let mut n_colours = 0;
        loop {
            let colours = |labels: &Vec<u32>| sorted(labels.iter().map(|l| self.labels[*l as usize]));
            let seen: Vec<_> = network.operands().iter().zip(&self.operands).map(|(labels, own)| (*own, colours(labels))).collect();
            self.operands = rank(&seen);
            let mut around = vec![Vec::new(); self.labels.len()];
            for (labels, colour) in network.operands().iter().zip(&self.operands) {
                labels.iter().for_each(|l| around[*l as usize].push(*colour));
            }
            let seen: Vec<_> = around.into_iter().zip(&self.labels).map(|(around, own)| (*own, sorted(around.into_iter()))).collect();
            self.labels = rank(&seen);
            let n = count(&self.operands) + count(&self.labels);
            if n == n_colours {
                return;
            }
            n_colours = n;
        }
    }

    /// Operands of the first colour that several have.
    fn alike(&self) -> Option<Vec<usize>> {
        let n = self.operands.len();
        let members = |colour: u32| -> Vec<usize> { (0..n).filter(|o| self.operands[*o] == colour).collect() };
        (0..n as u32).map(members).find(|m| m.len() > 1)
    }
}

impl Search<'_> {
    fn descend(&mut self, mut colours: Colours) {
        colours.refine(self.network);
        let Some(alike) = colours.alike() else { return self.take(&colours) };
        for operand in alike {
            if self.n_leaves > 0 && self.n_leaves >= self.max_leaves {
                return;
            }
            let mut apart = colours.clone();
            // Between its colour and the one before.
            apart.operands.iter_mut().for_each(|c| *c = 2 * *c + 1);
            apart.operands[operand] -= 1;
            self.descend(apart);
        }
    }

    fn take(&mut self, colours: &Colours) {
        self.n_leaves += 1;
        let mut order: Vec<usize> = (0..self.network.n_operands()).collect();
        order.sort_by_key(|o| colours.operands[*o]);
        let mut places = vec![Vec::new(); self.network.n_labels()];
        for (place, operand) in order.iter().enumerate() {
            self.network.operands()[*operand].iter().for_each(|l| places[*l as usize].push(place as u32));
        }
        let in_output = |l: usize| self.network.output().binary_search(&(l as u32)).is_ok();
        let mut encoding: Encoding =
            places.into_iter().enumerate().map(|(l, places)| (places, self.network.extents()[l], in_output(l))).collect();
        encoding.sort();
        if self.best.as_ref().is_none_or(|(least, _)| encoding < *least) {
            self.best = Some((encoding, order));
        }
    }
}

fn sorted(values: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut values: Vec<u32> = values.collect();
    values.sort_unstable();
    values
}

/// The place of each value among the different ones.
fn rank<T: Ord>(values: &[T]) -> Vec<u32> {
    let mut different: Vec<&T> = values.iter().collect();
    different.sort_unstable();
    different.dedup();
    values.iter().map(|v| different.binary_search(&v).unwrap_or(0) as u32).collect()
}

fn count(colours: &[u32]) -> usize {
    colours.iter().max().map_or(0, |c| *c as usize + 1)
}
