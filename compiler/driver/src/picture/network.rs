//! The tree of a network, as `ein plan` found it.

use super::graph::{Edge, Graph, Kind, Node, TensorWords};
use super::memory::Memory;
use super::words;
use crate::network::NamedNetwork;
use ein_ir::dtype::DType;
use ein_opt::path::{Network, Sliced, StepSizes};

/// Labels of a tensor that are named.
const MAX_LABELS: usize = 12;

/// The contraction tree of each slice.
pub(crate) struct Contractions<'a> {
    read: &'a NamedNetwork,
    dtype: DType,
    /// The network of a slice.
    pub(crate) slice: Network,
    /// Numbers of the tensors of each step; the result has the next number.
    pub(crate) path: Vec<Vec<u64>>,
    pub(crate) sizes: Vec<StepSizes>,
    /// Part of the flops of each step.
    pub(crate) shares: Vec<f64>,
    /// Bytes of the whole result, if there are slices of it.
    whole: Option<f64>,
}

impl<'a> Contractions<'a> {
    pub(crate) fn new(read: &'a NamedNetwork, sliced: &Sliced, dtype: DType) -> Self {
        let slice = read.network.sliced(&sliced.labels);
        let path = sliced.path.to_ssa(slice.n_operands());
        let sizes = sliced.path.step_sizes(&slice);
        let largest = sizes.iter().map(log2_flops).fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = sizes.iter().map(|s| if largest.is_finite() { (log2_flops(s) - largest).exp2() } else { 0.0 }).collect();
        let total: f64 = weights.iter().sum();
        let shares = weights.iter().map(|w| if total > 0.0 { w / total } else { 0.0 }).collect();
        let log2_whole: f64 = read.network.output().iter().map(|l| (read.network.extent(*l) as f64).log2()).sum();
        let whole = (!sliced.labels.is_empty()).then(|| log2_whole.exp2() * dtype.bytes() as f64);
        Self { read, dtype, slice, path, sizes, shares, whole }
    }

    /// Bytes that are held while a step runs: of slices the whole result too, into which the last step writes.
    pub(crate) fn held(&self, step: usize) -> f64 {
        let sizes = &self.sizes[step];
        let held = sizes.held as f64 * self.dtype.bytes() as f64;
        match self.whole {
            None => held,
            Some(whole) if step + 1 == self.sizes.len() => whole + held - self.log2_bytes(sizes.log2_out).exp2(),
            Some(whole) => whole + held,
        }
    }

    /// The peak of what is held, which may be beyond all numbers of 128 bits.
    pub(crate) fn peak_words(&self, sliced: &Sliced) -> String {
        let peak = words::bytes(sliced.peak as f64 * self.dtype.bytes() as f64);
        if sliced.peak == u128::MAX { format!("more than {peak}") } else { peak }
    }

    pub(crate) fn memory(&self, sliced: &Sliced, limit: Option<u64>) -> Memory {
        Memory {
            held: (0..self.sizes.len()).map(|step| self.held(step)).collect(),
            peak: if sliced.peak == u128::MAX { f64::INFINITY } else { sliced.peak as f64 * self.dtype.bytes() as f64 },
            limit: limit.map(|limit| limit as f64),
            names: (0..self.sizes.len()).map(|step| step.to_string()).collect(),
            ..Memory::default()
        }
    }

    /// Bytes that a number of elements takes, as binary logarithms.
    pub(crate) fn log2_bytes(&self, log2_elements: f64) -> f64 {
        log2_elements + (self.dtype.bytes() as f64).log2()
    }

    /// `3 5 ü`, numbers in their order, shortened where there are many.
    pub(crate) fn names(&self, labels: &[u32]) -> String {
        let names = labels.iter().filter_map(|l| self.read.names.get(*l as usize)).map(ToString::to_string);
        let mut names: Vec<String> = names.collect();
        names.sort_by_cached_key(|name| (name.parse::<u64>().unwrap_or(u64::MAX), name.clone()));
        let more = names.len().saturating_sub(MAX_LABELS);
        names.truncate(MAX_LABELS);
        if more == 0 { names.join(" ") } else { format!("{} and {more} more", names.join(" ")) }
    }

    pub(crate) fn graph(&self) -> Graph {
        let leaves = self.slice.operands().iter().enumerate().map(|(n, labels)| self.leaf(n, labels));
        let mut nodes: Vec<Node> = leaves.collect();
        let mut tensors: Vec<TensorWords> = self.slice.operands().iter().enumerate().map(|(n, labels)| self.words(n, labels)).collect();
        for (step, sizes) in self.sizes.iter().enumerate() {
            let number = nodes.len();
            let reads = self.path[step].iter().filter_map(|t| usize::try_from(*t).ok()).filter(|t| *t < number);
            let reads = reads.map(|from| Edge { from, tensor: tensors[from].clone() }).collect();
            let words = self.words(number, &sizes.out);
            nodes.push(self.step(step, reads, &words));
            tensors.push(words);
        }
        if let Some(last) = tensors.pop() {
            let from = nodes.len() - 1;
            let facts = vec!["the result".to_owned(), format!("labels {}", self.names(self.slice.output())), last.size.clone()];
            let reads = vec![Edge { from, tensor: last }];
            nodes.push(Node {
                kind: Kind::Result,
                name: "result".to_owned(),
                note: "result".to_owned(),
                facts,
                share: 0.0,
                reads,
                row: None,
            });
        }
        Graph { title: format!("{} tensors", self.slice.n_operands()), nodes }
    }

    fn leaf(&self, number: usize, labels: &[u32]) -> Node {
        let words = self.words(number, labels);
        let facts = vec![format!("tensor {number}"), format!("labels {}", self.names(labels)), words.size];
        let (name, note) = (number.to_string(), format!("input · {}", self.dtype));
        Node { kind: Kind::Input, name, note, facts, share: 0.0, reads: Vec::new(), row: None }
    }

    fn step(&self, step: usize, reads: Vec<Edge>, words: &TensorWords) -> Node {
        let (sizes, share) = (&self.sizes[step], self.shares[step]);
        let tensors: Vec<String> = self.path[step].iter().map(ToString::to_string).collect();
        let facts = vec![
            format!("step {step}: {} = {}", words.name, tensors.join(" ")),
            format!("kept {}", self.names(&sizes.out)),
            format!("summed {}", self.names(&sizes.summed)),
            format!("{} multiplications, {} of the flops", words::count_log2(sizes.log2_volume), words::percent(share)),
            format!("{} made", words.size),
        ];
        let note = format!("step {step} · {}", words::count_log2(sizes.log2_volume));
        Node { kind: Kind::Step, name: words.name.clone(), note, facts, share, reads, row: Some(step) }
    }

    fn words(&self, number: usize, labels: &[u32]) -> TensorWords {
        let extents = words::shorten(&words::extents(labels.iter().map(|l| self.slice.extent(*l))), 18);
        let log2: f64 = labels.iter().map(|l| (self.slice.extent(*l) as f64).log2()).sum();
        let log2_bytes = self.log2_bytes(log2);
        TensorWords { name: number.to_string(), extents, size: words::bytes_log2(log2_bytes), log2_bytes: log2_bytes.max(0.0) }
    }
}

/// Multiplications and additions, as paths are priced.
fn log2_flops(sizes: &StepSizes) -> f64 {
    sizes.log2_volume + f64::from(u8::from(!sizes.summed.is_empty()))
}
