//! Minimum cuts, by Dinic's algorithm.

use std::collections::VecDeque;

/// The capacity of an arc that is in no cut.
pub(crate) const UNBOUNDED: u64 = u64::MAX / 4;

struct Arc {
    to: usize,
    left: u64,
}

/// Nodes and arcs; each arc is followed by the one that takes its flow back.
pub(crate) struct Network {
    arcs: Vec<Arc>,
    from: Vec<Vec<usize>>,
}

impl Network {
    pub(crate) fn new(n: usize) -> Self {
        Self { arcs: Vec::new(), from: vec![Vec::new(); n] }
    }

    pub(crate) fn arc(&mut self, from: usize, to: usize, capacity: u64) {
        for (from, to, left) in [(from, to, capacity), (to, from, 0)] {
            self.from[from].push(self.arcs.len());
            self.arcs.push(Arc { to, left });
        }
    }

    /// The nodes on the source's side of the minimum cut that has the fewest there.
    pub(crate) fn source_side(mut self, source: usize, sink: usize) -> Vec<bool> {
        loop {
            let distances = self.distances(source);
            if distances[sink].is_none() {
                return distances.iter().map(Option::is_some).collect();
            }
            let mut next = vec![0; self.from.len()];
            while self.augment(source, sink, &distances, &mut next) {}
        }
    }

    fn distances(&self, source: usize) -> Vec<Option<u32>> {
        let mut distances = vec![None; self.from.len()];
        distances[source] = Some(0);
        let mut queue = VecDeque::from([source]);
        while let Some(node) = queue.pop_front() {
            for arc in self.from[node].iter().map(|&arc| &self.arcs[arc]).filter(|arc| arc.left > 0) {
                if distances[arc.to].is_none() {
                    distances[arc.to] = distances[node].map(|d| d + 1);
                    queue.push_back(arc.to);
                }
            }
        }
        distances
    }

    /// Sends flow along one path of the nearest; `next` are the arcs of each node that may still lead there. No recursion: paths are as
    /// long as programs.
    fn augment(&mut self, source: usize, sink: usize, distances: &[Option<u32>], next: &mut [usize]) -> bool {
        let mut path: Vec<usize> = Vec::new();
        let mut node = source;
        while node != sink {
            let Some(&arc) = self.from[node].get(next[node]) else {
                // A dead end: back, and not here again.
                let Some(back) = path.pop() else { return false };
                node = self.arcs[back ^ 1].to;
                next[node] += 1;
                continue;
            };
            let Arc { to, left } = self.arcs[arc];
            if left > 0 && distances[to] == distances[node].map(|d| d + 1) {
                path.push(arc);
                node = to;
            } else {
                next[node] += 1;
            }
        }
        let flow = path.iter().map(|&arc| self.arcs[arc].left).min().unwrap_or(0);
        for arc in path {
            self.arcs[arc].left -= flow;
            self.arcs[arc ^ 1].left += flow;
        }
        true
    }
}
