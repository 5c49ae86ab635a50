//! Where the nodes of a graph stand: a column each number of steps to the result, rows as close as they can be.
//!
//! A node stands one column before the last reader that waits for it, and belongs to the tree of the first such reader. Trees are packed
//! by their outlines (Reingold and Tilford, "Tidier drawings of trees", 1981): the time is that of the number of nodes and edges, whatever the depth.
//! Edges that cross columns, to other readers, get a row of their own in between as long as there are not too many.

use super::graph::Graph;

/// Positions of nodes, and the ways of edges.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Columns from the results on.
    pub(crate) column: Vec<usize>,
    pub(crate) n_columns: usize,
    /// Middle of each node.
    pub(crate) y: Vec<f64>,
    pub(crate) height: f64,
    /// The reader in whose tree a node stands.
    pub(crate) parent: Vec<Option<usize>>,
    /// Of each node and each of its reads, where the edge passes: columns and heights, from the reader on.
    pub(crate) bends: Vec<Vec<Vec<(usize, f64)>>>,
}

/// Space that a node takes in its column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spacing {
    pub(crate) gap: f64,
    /// Height of an edge that passes.
    pub(crate) edge: f64,
}

/// Edges that get a row of their own, beyond two a node.
const PASSING: usize = 64;

/// Columns by which a tree is so much deeper than others that it goes on in a straight line.
const FAR: usize = 2;

/// Lays out a graph whose nodes have these heights.
pub(crate) fn layout(graph: &Graph, heights: &[f64], spacing: Spacing) -> Layout {
    let column = columns(graph);
    let parent = parents(graph, &column);
    let mut items = Items::new(graph, &column, &parent, heights, spacing);
    let mut y = items.place(spacing.gap);
    let (top, bottom) =
        items.heights.iter().zip(&y).fold((f64::MAX, f64::MIN), |(top, bottom), (h, y)| (top.min(y - h / 2.0), bottom.max(y + h / 2.0)));
    let top = if graph.nodes.is_empty() { 0.0 } else { top };
    y.iter_mut().for_each(|y| *y -= top);
    let bend = |item: &usize| (items.column[*item], y[*item]);
    let bends = items.passing.iter().map(|reads| reads.iter().map(|way| way.iter().map(bend).collect()).collect()).collect();
    let n_columns = column.iter().max().map_or(0, |c| c + 1);
    y.truncate(graph.nodes.len());
    Layout { n_columns, height: if graph.nodes.is_empty() { 0.0 } else { bottom - top }, column, y, parent, bends }
}

/// The longest way from each node to a result.
fn columns(graph: &Graph) -> Vec<usize> {
    let mut column = vec![0; graph.nodes.len()];
    for n in (0..graph.nodes.len()).rev() {
        for edge in &graph.nodes[n].reads {
            column[edge.from] = column[edge.from].max(column[n] + 1);
        }
    }
    column
}

/// Of each node the first reader in the next column.
fn parents(graph: &Graph, column: &[usize]) -> Vec<Option<usize>> {
    let mut parent = vec![None; graph.nodes.len()];
    for (n, node) in graph.nodes.iter().enumerate() {
        for edge in &node.reads {
            if column[edge.from] == column[n] + 1 && parent[edge.from].is_none() {
                parent[edge.from] = Some(n);
            }
        }
    }
    parent
}

/// Nodes, then edges that pass a column, as one forest.
struct Items {
    column: Vec<usize>,
    heights: Vec<f64>,
    children: Vec<Vec<usize>>,
    roots: Vec<usize>,
    /// Of each node and read the items of the edge.
    passing: Vec<Vec<Vec<usize>>>,
}

impl Items {
    fn new(graph: &Graph, column: &[usize], parent: &[Option<usize>], heights: &[f64], spacing: Spacing) -> Self {
        let n = graph.nodes.len();
        let mut items = Self {
            column: column.to_vec(),
            heights: heights.to_vec(),
            children: vec![Vec::new(); n],
            roots: (0..n).filter(|n| parent[*n].is_none()).collect(),
            passing: Vec::with_capacity(n),
        };
        for (reader, node) in graph.nodes.iter().enumerate() {
            let mut ways = Vec::with_capacity(node.reads.len());
            for edge in &node.reads {
                let is_child = parent[edge.from] == Some(reader) && !items.children[reader].contains(&edge.from);
                ways.push(if is_child { Vec::new() } else { items.pass(reader, column[edge.from], n, spacing.edge) });
                if is_child {
                    items.children[reader].push(edge.from);
                }
            }
            items.passing.push(ways);
        }
        items
    }

    /// Room for an edge in every column between a reader and what it reads.
    fn pass(&mut self, reader: usize, to: usize, n_nodes: usize, height: f64) -> Vec<usize> {
        let between = self.column[reader] + 1..to;
        if self.column.len() + between.len() > 3 * n_nodes + PASSING {
            return Vec::new();
        }
        let mut last = reader;
        for column in between.clone() {
            let item = self.column.len();
            self.column.push(column);
            self.heights.push(height);
            self.children.push(Vec::new());
            self.children[last].push(item);
            last = item;
        }
        (self.column.len() - between.len()..self.column.len()).collect()
    }

    /// The middle of each item.
    fn place(&mut self, gap: f64) -> Vec<f64> {
        let mut order: Vec<usize> = (0..self.column.len()).collect();
        order.sort_by_key(|n| std::cmp::Reverse(self.column[*n]));
        let mut outlines: Vec<Option<Outline>> = vec![None; order.len()];
        // Of each item its place seen from its parent.
        let mut offset = vec![0.0; order.len()];
        for &item in &order {
            let (mut outline, middle) = join(&self.children[item], &mut outlines, &mut offset, gap);
            outline.shift -= middle;
            self.children[item].iter().for_each(|child| offset[*child] -= middle);
            outline.push(self.heights[item] / 2.0);
            outlines[item] = Some(outline);
        }
        join(&self.roots, &mut outlines, &mut offset, gap);
        order.reverse();
        let mut y = offset.clone();
        for &item in &order {
            for &child in &self.children[item] {
                y[child] = y[item] + offset[child];
            }
        }
        y
    }
}

/// Top and bottom of a tree in each column, the farthest from the root first.
#[derive(Clone, Debug, Default)]
struct Outline {
    rows: Vec<(f64, f64)>,
    shift: f64,
}

impl Outline {
    fn push(&mut self, half: f64) {
        self.rows.push((-half - self.shift, half - self.shift));
    }

    /// How far `other` has to be moved down to stand below.
    fn below(&self, other: &Outline, gap: f64) -> f64 {
        let both = self.rows.iter().rev().zip(other.rows.iter().rev());
        both.fold(f64::MIN, |far, (a, b)| far.max(a.1 + self.shift - b.0 - other.shift + gap))
    }

    /// Both as one, `other` below.
    fn with(mut self, mut other: Outline) -> Outline {
        let common = self.rows.len().min(other.rows.len());
        let shift = self.shift - other.shift;
        if self.rows.len() >= other.rows.len() {
            self.rows.iter_mut().rev().zip(other.rows.iter().rev()).take(common).for_each(|(a, b)| a.1 = b.1 - shift);
            return self;
        }
        other.rows.iter_mut().rev().zip(self.rows.iter().rev()).take(common).for_each(|(b, a)| b.0 = a.0 + shift);
        other
    }
}

/// Puts trees below each other; gives their outline and where whoever reads them should stand: in the middle, or where the deepest is if it
/// is that by far, so that it goes on in a straight line.
fn join(trees: &[usize], outlines: &mut [Option<Outline>], offset: &mut [f64], gap: f64) -> (Outline, f64) {
    let deepest = deepest_by_far(trees, outlines);
    let order = deepest.map_or_else(|| trees.to_vec(), |deepest| around(deepest, trees, outlines, gap));
    let mut all = Outline::default();
    for tree in &order {
        let mut outline = outlines[*tree].take().expect("children are placed before their parent, and have one");
        if all.rows.is_empty() {
            all = outline;
        } else {
            offset[*tree] = all.below(&outline, gap);
            outline.shift += offset[*tree];
            all = all.with(outline);
        }
    }
    let at = |tree: Option<&usize>| tree.map_or(0.0, |tree| offset[*tree]);
    let middle = (at(order.first()) + at(order.last())) / 2.0;
    (all, deepest.map_or(middle, |deepest| offset[deepest]))
}

fn deepest_by_far(trees: &[usize], outlines: &[Option<Outline>]) -> Option<usize> {
    let depth = |tree: &usize| outlines[*tree].as_ref().map_or(0, |outline| outline.rows.len());
    let deepest = trees.iter().copied().max_by_key(depth)?;
    trees.iter().all(|tree| *tree == deepest || depth(tree) + FAR <= depth(&deepest)).then_some(deepest)
}

/// The order of trees from top to bottom: the others above and below the deepest.
fn around(deepest: usize, trees: &[usize], outlines: &[Option<Outline>], gap: f64) -> Vec<usize> {
    if let [first, second] = *trees
        && let (Some(one), Some(two)) = (&outlines[first], &outlines[second])
    {
        // Where there is more room.
        return if two.below(one, gap) < one.below(two, gap) { vec![second, first] } else { trees.to_vec() };
    }
    let height =
        |tree: &usize| outlines[*tree].as_ref().and_then(|outline| outline.rows.last()).map_or(0.0, |(top, bottom)| bottom - top + gap);
    let others = || trees.iter().copied().filter(|tree| *tree != deepest);
    let half = others().map(|tree| height(&tree)).sum::<f64>() / 2.0;
    let mut so_far = 0.0;
    let (above, below): (Vec<usize>, Vec<usize>) = others().partition(|tree| {
        so_far += height(tree);
        so_far <= half
    });
    above.into_iter().chain([deepest]).chain(below).collect()
}

#[cfg(test)]
mod tests {
    use super::super::graph::{Edge, Kind, Node, TensorWords};
    use super::*;

    /// A graph in which node `n` reads `reads[n]`.
    fn graph(reads: &[Vec<usize>]) -> Graph {
        let edge = |from: &usize| Edge { from: *from, tensor: TensorWords::default() };
        let node = |reads: &Vec<usize>| Node {
            kind: Kind::Step,
            name: String::new(),
            note: String::new(),
            facts: Vec::new(),
            share: 0.0,
            reads: reads.iter().map(edge).collect(),
            row: None,
        };
        Graph { title: String::new(), nodes: reads.iter().map(node).collect() }
    }

    fn laid(reads: &[Vec<usize>]) -> Layout {
        layout(&graph(reads), &vec![10.0; reads.len()], Spacing { gap: 2.0, edge: 4.0 })
    }

    #[track_caller]
    fn assert_apart(layout: &Layout) {
        let mut places: Vec<(usize, f64)> = layout.column.iter().copied().zip(layout.y.iter().copied()).collect();
        places.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        for pair in places.windows(2) {
            assert!(pair[0].0 != pair[1].0 || pair[1].1 - pair[0].1 >= 12.0 - 1e-9, "{pair:?}");
        }
        assert!(layout.y.iter().all(|y| (5.0 - 1e-9..=layout.height - 5.0 + 1e-9).contains(y)), "{layout:?}");
    }

    #[test]
    fn readers_stand_between_what_they_read() {
        let two = laid(&[vec![], vec![], vec![0, 1]]);
        assert_eq!((two.column.as_slice(), two.n_columns), ([1, 1, 0].as_slice(), 2));
        assert_eq!(two.y, [5.0, 17.0, 11.0]);
        assert_eq!(laid(&[]).height, 0.0);
        assert_eq!(laid(&[vec![]]).y, [5.0]);
    }

    #[test]
    fn an_edge_over_columns_has_room_in_between() {
        // 0 is read by 1, and two columns on by 2.
        let shared = laid(&[vec![], vec![0], vec![1, 0]]);
        assert_eq!(shared.column, [2, 1, 0]);
        let [(column, y)] = shared.bends[2][1].as_slice() else { panic!("{shared:?}") };
        assert!(*column == 1 && (y - shared.y[1]).abs() >= 9.0 - 1e-9, "{shared:?}");
        // The same tensor twice.
        assert!(laid(&[vec![], vec![0, 0]]).bends[1].iter().all(Vec::is_empty));
    }

    /// Every shape of tree at ten thousand nodes, without recursion and without quadratic time.
    #[test]
    fn large_trees_are_laid_out() {
        let n = 10_000;
        let chain: Vec<Vec<usize>> = (0..2 * n - 1)
            .map(|k| {
                if k < n {
                    vec![]
                } else if k == n {
                    vec![0, 1]
                } else {
                    vec![k - 1, k - n + 1]
                }
            })
            .collect();
        let balanced: Vec<Vec<usize>> = (0..2 * n - 1).map(|k| if k < n { vec![] } else { vec![2 * (k - n), 2 * (k - n) + 1] }).collect();
        let fan: Vec<Vec<usize>> = (0..n).map(|k| if k + 1 < n { vec![] } else { (0..k).collect() }).collect();
        let shared: Vec<Vec<usize>> = (0..n).map(|k| if k < 2 { vec![] } else { vec![k - 1, k - 2, 0] }).collect();
        for reads in [chain, balanced, fan, shared] {
            assert_apart(&laid(&reads));
        }
        // A chain takes two rows, not as many as it has tensors.
        let chain: Vec<Vec<usize>> = (0..199)
            .map(|k| {
                if k < 100 {
                    vec![]
                } else if k == 100 {
                    vec![0, 1]
                } else {
                    vec![k - 1, k - 99]
                }
            })
            .collect();
        assert!(laid(&chain).height < 60.0, "{}", laid(&chain).height);
    }
}
