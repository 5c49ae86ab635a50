//! What a picture of a plan shows: tensors and steps as nodes, and who reads what.

/// Nodes; whoever reads a node comes after it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    /// What it is a picture of.
    pub(crate) title: String,
    pub(crate) nodes: Vec<Node>,
}

/// A tensor that is there, a step, or a result.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// How it is done, or what kind of tensor it is.
    pub(crate) note: String,
    /// Everything that is known, a fact a line.
    pub(crate) facts: Vec<String>,
    /// Part of the cost of the whole, from 0 to 1.
    pub(crate) share: f64,
    pub(crate) reads: Vec<Edge>,
    /// Row of the table of steps.
    pub(crate) row: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Input,
    Constant,
    /// Made outside of what is drawn: before a recurrence, or in its previous turn.
    Earlier,
    Step,
    Result,
}

/// A tensor on its way from the node that makes it.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) tensor: TensorWords,
}

/// A tensor in words.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TensorWords {
    pub(crate) name: String,
    /// `8×512×64`
    pub(crate) extents: String,
    /// `1.0 MiB`
    pub(crate) size: String,
    /// Binary logarithm of its bytes.
    pub(crate) log2_bytes: f64,
}

impl Kind {
    /// The class of its elements.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Kind::Input => "input",
            Kind::Constant => "constant",
            Kind::Earlier => "earlier",
            Kind::Step => "step",
            Kind::Result => "result",
        }
    }
}

impl Graph {
    /// Number of readers of each node.
    pub(crate) fn n_readers(&self) -> Vec<usize> {
        let mut n = vec![0; self.nodes.len()];
        self.nodes.iter().flat_map(|node| &node.reads).for_each(|edge| n[edge.from] += 1);
        n
    }

    /// Steps from the dearest on, at most `most`; those that cost nothing are none.
    pub(crate) fn dearest(&self, most: usize) -> Vec<usize> {
        let mut steps: Vec<usize> = (0..self.nodes.len()).filter(|n| self.nodes[*n].share > 0.0).collect();
        steps.sort_by(|a, b| self.nodes[*b].share.total_cmp(&self.nodes[*a].share).then(a.cmp(b)));
        steps.truncate(most);
        steps
    }
}
