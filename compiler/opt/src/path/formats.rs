//! Paths as other programs write them: lists of the tensors that come together, one list a step.
//!
//! In an SSA path (`cotengra`, `omeco`) a tensor keeps its number: operands are `0..n`, results go on from `n`. In a linear path
//! (`opt_einsum`, `numpy`) numbers are places in a list that closes up after every step, with the result at its end. A step of one tensor
//! sums labels that nothing else needs; a step of more than two is taken two at a time.

use super::network::Network;
use super::tree::{Path, Tree};
use std::collections::BTreeSet;
use std::fmt;

/// Why a list of steps is no path of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathError {
    /// A step without tensors.
    Empty {
        /// Which step, from 0.
        step: usize,
    },
    /// A number that no tensor has at that moment: never made, or used before.
    Gone {
        /// Which step, from 0.
        step: usize,
        /// The number.
        tensor: u64,
    },
    /// A tensor twice in one step.
    Twice {
        /// Which step, from 0.
        step: usize,
        /// The number.
        tensor: u64,
    },
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { step } => write!(f, "step {step} has no tensors"),
            Self::Gone { step, tensor } => write!(f, "step {step} takes tensor {tensor}, which is not there at that moment"),
            Self::Twice { step, tensor } => write!(f, "step {step} takes tensor {tensor} twice"),
        }
    }
}

impl Path {
    /// Reads an SSA path; what it leaves apart is multiplied at the end, in the order of numbers.
    ///
    /// # Errors
    /// [`PathError`] names the step.
    pub fn from_ssa(network: &Network, steps: &[Vec<u64>]) -> Result<Self, PathError> {
        let mut reader = Reader::new(network.n_operands());
        for (step, tensors) in steps.iter().enumerate() {
            check_once(step, tensors)?;
            let found = tensors.iter().map(|t| reader.take_ssa(step, *t)).collect::<Result<Vec<u32>, _>>()?;
            reader.step(step, &found)?;
        }
        Ok(reader.finish())
    }

    /// Reads a linear path; what it leaves apart is multiplied at the end.
    ///
    /// # Errors
    /// [`PathError`] names the step.
    pub fn from_linear(network: &Network, steps: &[Vec<u64>]) -> Result<Self, PathError> {
        let mut reader = Reader::new(network.n_operands());
        let mut list: Vec<u64> = (0..network.n_operands() as u64).collect();
        for (step, places) in steps.iter().enumerate() {
            check_once(step, places)?;
            let tensor_at =
                |p: &u64| usize::try_from(*p).ok().and_then(|p| list.get(p).copied()).ok_or(PathError::Gone { step, tensor: *p });
            let tensors = places.iter().map(tensor_at).collect::<Result<Vec<u64>, _>>()?;
            let mut sorted = places.clone();
            sorted.sort_unstable();
            let found = tensors.iter().map(|t| reader.take_ssa(step, *t)).collect::<Result<Vec<u32>, _>>()?;
            list = without(&list, &sorted);
            reader.step(step, &found)?;
            list.push(reader.tensors.len() as u64 - 1);
        }
        Ok(reader.finish())
    }

    /// The path in SSA form.
    #[must_use]
    pub fn to_ssa(&self, n_operands: usize) -> Vec<Vec<u64>> {
        let n = n_operands as u64;
        let mut name: Vec<u64> = (0..n).collect();
        let mut steps: Vec<Vec<u64>> = Vec::new();
        for pair in &self.tree.pairs {
            // Operands are summed just before they are taken.
            for operand in pair.iter().filter(|t| self.presums.binary_search(t).is_ok()) {
                steps.push(vec![u64::from(*operand)]);
                name[*operand as usize] = n + steps.len() as u64 - 1;
            }
            steps.push(pair.iter().map(|t| name[*t as usize]).collect());
            name.push(n + steps.len() as u64 - 1);
        }
        if self.tree.pairs.is_empty() {
            steps.extend(self.presums.iter().map(|operand| vec![u64::from(*operand)]));
        }
        steps
    }

    /// The path in linear form.
    #[must_use]
    pub fn to_linear(&self, n_operands: usize) -> Vec<Vec<u64>> {
        let mut list: Vec<u64> = (0..n_operands as u64).collect();
        let mut out = Vec::new();
        for step in self.to_ssa(n_operands) {
            // The list is ascending: results are appended with ever larger numbers.
            let mut places: Vec<u64> = step.iter().filter_map(|t| list.binary_search(t).ok()).map(|p| p as u64).collect();
            places.sort_unstable();
            list = without(&list, &places);
            list.push((n_operands + out.len()) as u64);
            out.push(places);
        }
        out
    }
}

fn check_once(step: usize, tensors: &[u64]) -> Result<(), PathError> {
    let mut sorted = tensors.to_vec();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(PathError::Twice { step, tensor: pair[0] }),
        None => Ok(()),
    }
}

/// A list without what stands at these places, which ascend.
fn without(list: &[u64], places: &[u64]) -> Vec<u64> {
    let is_kept = |(place, _): &(usize, &u64)| places.binary_search(&(*place as u64)).is_err();
    list.iter().enumerate().filter(is_kept).map(|(_, t)| *t).collect()
}

/// Steps read so far.
struct Reader {
    n_operands: usize,
    /// The tensor of the tree that each number is, while it is there.
    tensors: Vec<Option<u32>>,
    /// Numbers of the tensors that are there.
    alive: BTreeSet<u64>,
    presums: BTreeSet<u32>,
    pairs: Vec<[u32; 2]>,
}

impl Reader {
    fn new(n_operands: usize) -> Self {
        Self {
            n_operands,
            tensors: (0..n_operands as u32).map(Some).collect(),
            alive: (0..n_operands as u64).collect(),
            presums: BTreeSet::new(),
            pairs: Vec::new(),
        }
    }

    fn take_ssa(&mut self, step: usize, tensor: u64) -> Result<u32, PathError> {
        self.alive.remove(&tensor);
        let place = usize::try_from(tensor).ok().and_then(|t| self.tensors.get_mut(t));
        place.and_then(Option::take).ok_or(PathError::Gone { step, tensor })
    }

    fn step(&mut self, step: usize, found: &[u32]) -> Result<(), PathError> {
        let (first, rest) = found.split_first().ok_or(PathError::Empty { step })?;
        if rest.is_empty() && (*first as usize) < self.n_operands {
            self.presums.insert(*first);
        }
        let out = rest.iter().fold(*first, |lhs, rhs| self.pair(lhs, *rhs));
        self.alive.insert(self.tensors.len() as u64);
        self.tensors.push(Some(out));
        Ok(())
    }

    fn pair(&mut self, lhs: u32, rhs: u32) -> u32 {
        self.pairs.push([lhs, rhs]);
        (self.n_operands + self.pairs.len() - 1) as u32
    }

    fn finish(mut self) -> Path {
        let rest: Vec<u32> = self.alive.iter().filter_map(|t| self.tensors[*t as usize]).collect();
        if let Some((first, rest)) = rest.split_first() {
            rest.iter().fold(*first, |lhs, rhs| self.pair(lhs, *rhs));
        }
        Path { presums: self.presums.into_iter().collect(), tree: Tree { pairs: self.pairs } }
    }
}
