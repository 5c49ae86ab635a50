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
    let in_output = |l: u32| network.output().binary_search(&l).is_ok();
    order_of(&Shape {
        operands: network.operands().to_vec(),
        kinds: vec![0; network.n_operands()],
        extents: network.extents().to_vec(),
        in_output: (0..network.n_labels() as u32).map(in_output).collect(),
        is_positional: false,
    })
}

/// What the order is a function of.
pub(crate) struct Shape {
    /// Labels of each operand.
    pub(crate) operands: Vec<Vec<u32>>,
    /// Operands of different kinds come in the order of their kinds.
    pub(crate) kinds: Vec<u32>,
    /// Extent of each label.
    pub(crate) extents: Vec<u64>,
    /// Whether the result has the label.
    pub(crate) in_output: Vec<bool>,
    /// Whether the axis at which an operand has a label matters.
    pub(crate) is_positional: bool,
}

impl Shape {
    fn axis(&self, axis: usize) -> u32 {
        if self.is_positional { axis as u32 } else { 0 }
    }
}

/// Operands in canonical order.
pub(crate) fn order_of(shape: &Shape) -> Vec<usize> {
    order_within(shape, &mut usize::MAX.clone())
}

/// Operands in canonical order; each trial is taken from `trials`, and without any the first order that fits is given.
pub(crate) fn order_within(shape: &Shape, trials: &mut usize) -> Vec<usize> {
    let max_leaves = (MAX_LEAVES * MANY_LABELS / shape.extents.len().max(MANY_LABELS)).min(*trials);
    let mut n_holders = vec![0; shape.extents.len()];
    for labels in &shape.operands {
        let mut labels = labels.clone();
        labels.sort_unstable();
        labels.dedup();
        labels.into_iter().for_each(|l| n_holders[l as usize] += 1);
    }
    let mut search = Search { shape, n_holders, best: None, n_leaves: 0, max_leaves };
    search.descend(Colours::new(shape));
    *trials -= search.n_leaves.min(*trials);
    search.best.map(|(_, order)| order).unwrap_or_default()
}

#[derive(Clone)]
struct Colours {
    operands: Vec<u32>,
    labels: Vec<u32>,
}

/// What a label is, in terms of places in an order: operands that have it and where, extent, whether the result has it.
type Encoding = Vec<(Vec<[u32; 2]>, u64, bool)>;

struct Search<'a> {
    shape: &'a Shape,
    /// Number of operands that have each label.
    n_holders: Vec<u32>,
    best: Option<(Encoding, Vec<usize>)>,
    n_leaves: usize,
    max_leaves: usize,
}

impl Colours {
    fn new(shape: &Shape) -> Self {
        let labels = shape.extents.iter().zip(&shape.in_output);
        Self { operands: rank(&shape.kinds), labels: rank(&labels.collect::<Vec<_>>()) }
    }

    /// Tells operands apart by their labels, and labels by their operands, until nothing changes.
    fn refine(&mut self, shape: &Shape) {
        let mut n_colours = 0;
        loop {
            let colours = |labels: &Vec<u32>| sorted(labels.iter().enumerate().map(|(n, l)| [shape.axis(n), self.labels[*l as usize]]));
            let seen: Vec<_> = shape.operands.iter().zip(&self.operands).map(|(labels, own)| (*own, colours(labels))).collect();
            self.operands = rank(&seen);
            let mut around = vec![Vec::new(); self.labels.len()];
            for (labels, colour) in shape.operands.iter().zip(&self.operands) {
                labels.iter().enumerate().for_each(|(n, l)| around[*l as usize].push([*colour, shape.axis(n)]));
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
        colours.refine(self.shape);
        let Some(alike) = colours.alike() else { return self.take(&colours) };
        for (n, &operand) in alike.iter().enumerate() {
            if self.n_leaves > 0 && self.n_leaves >= self.max_leaves {
                return;
            }
            if alike[..n].iter().any(|other| self.are_twins(*other, operand)) {
                continue;
            }
            let mut apart = colours.clone();
            // Between its colour and the one before.
            apart.operands.iter_mut().for_each(|c| *c = 2 * *c + 1);
            apart.operands[operand] -= 1;
            self.descend(apart);
        }
    }

    /// Whether two operands that look alike can change places without a trace: their labels are the same, or nobody else's.
    fn are_twins(&self, one: usize, other: usize) -> bool {
        let operands = &self.shape.operands;
        let mut pairs = operands[one].iter().zip(&operands[other]);
        let is_own = |label: &u32| self.n_holders[*label as usize] == 1;
        let repeats = |labels: &[u32]| labels.iter().enumerate().any(|(n, l)| labels[..n].contains(l));
        let is_simple = !repeats(&operands[one]) && !repeats(&operands[other]);
        is_simple
            && operands[one].len() == operands[other].len()
            && pairs.all(|(a, b)| a == b || is_own(a) && is_own(b) && self.same_kind(*a, *b))
    }

    fn same_kind(&self, a: u32, b: u32) -> bool {
        let of = |l: u32| (self.shape.extents[l as usize], self.shape.in_output[l as usize]);
        of(a) == of(b)
    }

    fn take(&mut self, colours: &Colours) {
        self.n_leaves += 1;
        let Shape { operands, extents, in_output, .. } = self.shape;
        let mut order: Vec<usize> = (0..operands.len()).collect();
        order.sort_by_key(|o| colours.operands[*o]);
        let mut places = vec![Vec::new(); extents.len()];
        for (place, operand) in order.iter().enumerate() {
            let labels = operands[*operand].iter().enumerate();
            labels.for_each(|(n, l)| places[*l as usize].push([place as u32, self.shape.axis(n)]));
        }
        let mut encoding: Encoding = places.into_iter().enumerate().map(|(l, places)| (places, extents[l], in_output[l])).collect();
        encoding.sort();
        if self.best.as_ref().is_none_or(|(least, _)| encoding < *least) {
            self.best = Some((encoding, order));
        }
    }
}

fn sorted<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
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
