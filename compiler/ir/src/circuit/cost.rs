//! What a circuit costs: bootstraps, and how many of them have to wait for each other.
//!
//! One bootstrap looks a function of four bits up, and cleans a block. A block holds two bits of a number and two of carries, so that five
//! fresh blocks add up without a bootstrap (5 * 3 = 15). The counts below are those of textbook circuits over such blocks; an implementation may
//! save some by packing, or spend some on noise. Additions, multiples by powers of four, and whatever is public cost nothing.
//!
//! Source of the block arithmetic: Zama's TFHE-rs handbook, chapter on radix integers.

use super::width::{self, BLOCK_BITS};
use super::{Circuit, Node, Op, Term};
use crate::entity::{SecondaryMap, Wire};
use crate::interval::Interval;
use std::ops::Add;

/// Fresh blocks that add up before their carries have to be taken off.
const FRESH_BLOCKS: u32 = 5;
/// Truth values that add up in a block of four bits.
const FRESH_BITS: usize = 15;

/// Bootstraps, and the longest chain of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost {
    /// How many.
    pub bootstraps: u64,
    /// How many on the longest path.
    pub path: u64,
}

/// One after the other.
impl Add for Cost {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { bootstraps: self.bootstraps.saturating_add(other.bootstraps), path: self.path.saturating_add(other.path) }
    }
}

impl Circuit {
    /// Of all operations.
    #[must_use]
    pub fn cost(&self) -> Cost {
        let done = self.paths();
        let bootstraps = self.nodes.values().map(|node| self.cost_of(node).bootstraps).fold(0, u64::saturating_add);
        Cost { bootstraps, path: self.nodes.keys().map(|wire| done[wire]).max().unwrap_or(0) }
    }

    /// The longest chain of bootstraps up to each value, those that make it among them.
    #[must_use]
    pub fn paths(&self) -> SecondaryMap<Wire, u64> {
        let mut done: SecondaryMap<Wire, u64> = SecondaryMap::new();
        for (wire, node) in &self.nodes {
            let before = node.op.args().into_iter().map(|arg| done[arg]).max().unwrap_or(0);
            done[wire] = before.saturating_add(self.cost_of(node).path);
        }
        done
    }

    /// Of one operation.
    #[must_use]
    pub fn cost_of(&self, node: &Node) -> Cost {
        if !node.secret {
            return Cost::default();
        }
        let of = |wire: Wire| &self.nodes[wire];
        let width = width::blocks(node.range);
        let common = |a: Wire, b: Wire| width::blocks(super::range::hull(of(a).range, of(b).range));
        match &node.op {
            Op::Input(..) | Op::Constant(_) | Op::Not(_) => Cost::default(),
            Op::Sum(terms, constant) => self.sum(terms, *constant, width),
            Op::Mul(a, b) => product(of(*a), of(*b), width),
            Op::Shr(_, by) if by.is_multiple_of(BLOCK_BITS) => Cost::default(),
            Op::Shr(..) | Op::Bits(..) => each(width),
            Op::Compare(_, a, b) => comparison(common(*a, *b)),
            Op::Min(a, b) | Op::Max(a, b) => comparison(common(*a, *b)) + each(2 * common(*a, *b)),
            Op::Select(c, a, b) if of(*c).secret => {
                let zero = [a, b].into_iter().any(|wire| of(*wire).range == (0, 0));
                each(if zero { width } else { 2 * width })
            }
            // The one that is chosen is known to whoever carries it out.
            Op::Select(..) => Cost::default(),
            Op::Any(wires) | Op::All(wires) => gathered(wires.iter().filter(|wire| of(**wire).secret).count()),
            Op::Lut(index, _) if of(*index).secret => each(width),
            Op::Lut(..) => Cost::default(),
        }
    }

    /// Terms are added column by column; a multiple is one shifted copy a digit of its factor.
    fn sum(&self, terms: &[Term], constant: i128, width: u32) -> Cost {
        let mut columns = Columns::new(width);
        let mut cost = Cost::default();
        let public = terms.iter().any(|term| !self.nodes[term.wire].secret);
        if public || constant != 0 {
            columns.fill(0, width);
        }
        for term in terms.iter().filter(|term| self.nodes[term.wire].secret) {
            let blocks = width::blocks(self.nodes[term.wire].range).min(width);
            let digits = digits(term.coefficient);
            let odd = digits.iter().any(|digit| digit % BLOCK_BITS != 0);
            let signed = width::is_signed(self.nodes[term.wire].range) && blocks < width;
            if odd || signed {
                cost = cost.and(each(if odd { blocks + 1 } else { 1 }));
            }
            for digit in digits {
                let reach = if digit % BLOCK_BITS == 0 { blocks } else { blocks + 1 };
                columns.fill(digit / BLOCK_BITS, if signed { width } else { reach });
            }
        }
        cost + columns.reduce()
    }
}

impl Cost {
    /// Side by side.
    fn and(self, other: Self) -> Self {
        Self { bootstraps: self.bootstraps.saturating_add(other.bootstraps), path: self.path.max(other.path) }
    }
}

/// So many bootstraps at once.
fn each(n: u32) -> Cost {
    Cost { bootstraps: n.into(), path: u64::from(n > 0) }
}

/// The positions of the digits of a number that are not 0, in the form where no two are neighbours.
#[must_use]
pub fn digits(number: i128) -> Vec<u32> {
    // x and 3x differ where the digits of x in that form are.
    let x = number.unsigned_abs();
    let differ = (x >> 1) ^ ((x >> 1).wrapping_add(x));
    (0..u128::BITS).filter(|bit| differ >> bit & 1 == 1).collect()
}

/// Pairs of blocks are compared at once, and the results in a tree.
fn comparison(blocks: u32) -> Cost {
    let pairs = blocks.div_ceil(2);
    Cost { bootstraps: u64::from(2 * pairs - 1), path: 1 + u64::from(pairs.next_power_of_two().ilog2()) }
}

/// Truth values are added, and the sum is compared.
fn gathered(mut n: usize) -> Cost {
    let mut cost = Cost::default();
    while n > 1 {
        n = n.div_ceil(FRESH_BITS);
        cost = cost + Cost { bootstraps: n as u64, path: 1 };
    }
    cost
}

fn product(a: &Node, b: &Node, width: u32) -> Cost {
    if !a.secret || !b.secret {
        let (secret, public) = if a.secret { (a, b) } else { (b, a) };
        return multiple(secret.range, public.range, width);
    }
    let blocks = |node: &Node| if width::is_signed(node.range) { width } else { width::blocks(node.range).min(width) };
    let mut columns = Columns::new(width);
    let mut cost = Cost::default();
    for (i, j) in (0..blocks(a)).flat_map(|i| (0..blocks(b)).map(move |j| (i, j))) {
        // Two bits times two bits are four: a low and a high block.
        let parts = [i + j, i + j + 1].into_iter().filter(|column| *column < width);
        for column in parts {
            columns.fill(column, 1);
            cost = cost.and(each(1));
        }
    }
    cost + columns.reduce()
}

/// By a public number that is not known yet: every second digit may be one.
fn multiple(range: Interval, by: Interval, width: u32) -> Cost {
    let blocks = if width::is_signed(range) { width } else { width::blocks(range).min(width) };
    let n_digits = (width::bits(by) + 1).div_ceil(BLOCK_BITS);
    let mut columns = Columns::new(width);
    (0..n_digits).for_each(|digit| columns.fill(digit, blocks + 1));
    each(blocks + 1) + columns.reduce()
}

/// How many blocks stand in each column of a sum.
struct Columns(Vec<u32>);

impl Columns {
    fn new(width: u32) -> Self {
        Self(vec![0; width as usize])
    }

    /// One block more in so many columns, as far as there are columns.
    fn fill(&mut self, from: u32, n: u32) {
        self.0.iter_mut().skip(from as usize).take(n as usize).for_each(|column| *column += 1);
    }

    /// Until there is one block a column: in rounds, and then by propagating the carries of the last two.
    fn reduce(mut self) -> Cost {
        let mut cost = Cost::default();
        while self.0.iter().any(|n| *n > 2) {
            let mut next = vec![0; self.0.len()];
            let mut round = 0;
            for (column, &n) in self.0.iter().enumerate() {
                let groups = if n > 2 { n.div_ceil(FRESH_BLOCKS) } else { 0 };
                let rest = if n > 2 { 0 } else { n };
                next[column] += groups + rest;
                round += u64::from(groups);
                if let Some(above) = next.get_mut(column + 1) {
                    *above += groups;
                    round += u64::from(groups);
                }
            }
            self.0 = next;
            cost = cost + Cost { bootstraps: round, path: 1 };
        }
        if self.0.iter().all(|n| *n < 2) {
            return cost;
        }
        // Message and carry of each block; carries go up in a tree.
        let width = self.0.len() as u32;
        cost + Cost { bootstraps: u64::from(2 * width), path: 1 + u64::from(width.next_power_of_two().ilog2()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_without_neighbours() {
        assert_eq!(digits(1), [0]);
        assert_eq!(digits(7), [0, 3]);
        assert_eq!(digits(-6), [1, 3]);
        assert_eq!(digits(0), []);
        for n in 1..1000_i128 {
            let found = digits(n);
            assert!(found.windows(2).all(|pair| pair[1] > pair[0] + 1), "{n}: {found:?}");
        }
    }

    #[test]
    fn an_addition_is_two_bootstraps_a_block_and_a_sum_of_five_is_not_more_than_twice_that() {
        let columns = |n: u32| {
            let mut columns = Columns::new(4);
            (0..n).for_each(|_| columns.fill(0, 4));
            columns.reduce()
        };
        assert_eq!(columns(1), Cost::default());
        assert_eq!(columns(2), Cost { bootstraps: 8, path: 3 });
        assert_eq!(columns(5), Cost { bootstraps: 7 + 8, path: 4 });
    }

    #[test]
    fn truth_values_are_gathered_fifteen_at_a_time() {
        assert_eq!(gathered(1), Cost::default());
        assert_eq!(gathered(15), Cost { bootstraps: 1, path: 1 });
        assert_eq!(gathered(16), Cost { bootstraps: 3, path: 2 });
    }
}
