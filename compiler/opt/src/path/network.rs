//! A network: operands as sets of labels, the extent of each label, and the labels of the result.
//!
//! Labels are numbered `0..n_labels` here; whoever has other names for them keeps the table. A label in three or more operands is a
//! hyperedge, one in the result and in several operands a batch label; both need no special case, as a label is summed exactly when
//! neither another operand nor the result needs it. A label that repeats within one operand (a diagonal) counts once.

use std::fmt;

/// Operands, extents and result of a sum over a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    operands: Vec<Vec<u32>>,
    output: Vec<u32>,
    extents: Vec<u64>,
}

/// Why labels and extents are no network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkError {
    /// There is nothing to contract.
    NoOperands,
    /// A label is not below the number of extents.
    UnknownLabel {
        /// The operand; `None` for the result.
        operand: Option<usize>,
        /// The label.
        label: u32,
    },
    /// The result has a label that no operand has.
    OutputOnly {
        /// The label.
        label: u32,
    },
    /// The result has a label twice.
    OutputRepeats {
        /// The label.
        label: u32,
    },
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOperands => write!(f, "a network has at least one operand"),
            Self::UnknownLabel { operand: Some(operand), label } => write!(f, "label {label} of operand {operand} has no extent"),
            Self::UnknownLabel { operand: None, label } => write!(f, "label {label} of the result has no extent"),
            Self::OutputOnly { label } => write!(f, "label {label} of the result is in no operand"),
            Self::OutputRepeats { label } => write!(f, "label {label} is in the result twice"),
        }
    }
}

impl Network {
    /// A network of these operands; `extents[l]` belongs to label `l`.
    ///
    /// # Errors
    /// A [`NetworkError`] says which label is wrong.
    ///
    /// ```
    /// use ein_opt::path::Network;
    /// let product = Network::new(vec![vec![0, 1], vec![1, 2]], vec![0, 2], vec![3, 4, 5])?;
    /// assert_eq!(product.extent(2), 5);
    /// # Ok::<(), ein_opt::path::NetworkError>(())
    /// ```
    pub fn new(operands: Vec<Vec<u32>>, output: Vec<u32>, extents: Vec<u64>) -> Result<Self, NetworkError> {
        if operands.is_empty() {
            return Err(NetworkError::NoOperands);
        }
        let unknown = |label: &&u32| **label as usize >= extents.len();
        for (n, labels) in operands.iter().enumerate() {
            if let Some(&label) = labels.iter().find(unknown) {
                return Err(NetworkError::UnknownLabel { operand: Some(n), label });
            }
        }
        if let Some(&label) = output.iter().find(unknown) {
            return Err(NetworkError::UnknownLabel { operand: None, label });
        }
        let operands: Vec<Vec<u32>> = operands.into_iter().map(sorted).collect();
        let network = Self { operands, output: sorted(output.clone()), extents };
        network.check_output(output)?;
        Ok(network)
    }

    fn check_output(&self, mut written: Vec<u32>) -> Result<(), NetworkError> {
        written.sort_unstable();
        if let Some(pair) = written.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(NetworkError::OutputRepeats { label: pair[0] });
        }
        let mut is_read = vec![false; self.extents.len()];
        self.operands.iter().flatten().for_each(|l| is_read[*l as usize] = true);
        match self.output.iter().find(|l| !is_read[**l as usize]) {
            Some(&label) => Err(NetworkError::OutputOnly { label }),
            None => Ok(()),
        }
    }

    /// Labels of each operand, ascending, each once.
    #[must_use]
    pub fn operands(&self) -> &[Vec<u32>] {
        &self.operands
    }

    /// Labels of the result, ascending.
    #[must_use]
    pub fn output(&self) -> &[u32] {
        &self.output
    }

    /// Extents of all labels.
    #[must_use]
    pub fn extents(&self) -> &[u64] {
        &self.extents
    }

    /// Extent of a label.
    #[must_use]
    pub fn extent(&self, label: u32) -> u64 {
        self.extents[label as usize]
    }

    /// Number of operands.
    #[must_use]
    pub fn n_operands(&self) -> usize {
        self.operands.len()
    }

    /// Number of labels.
    #[must_use]
    pub fn n_labels(&self) -> usize {
        self.extents.len()
    }

    /// In how many operands each label is, and one more where the result has it.
    #[must_use]
    pub fn uses(&self) -> Vec<u32> {
        let mut uses = vec![0; self.n_labels()];
        self.operands.iter().flatten().chain(&self.output).for_each(|l| uses[*l as usize] += 1);
        uses
    }

    /// The same labels and result with other operands, which have all labels of the result.
    pub(crate) fn with_operands(&self, operands: Vec<Vec<u32>>) -> Self {
        Self { operands, output: self.output.clone(), extents: self.extents.clone() }
    }

    /// The network after sums over every label that one operand alone has.
    pub(crate) fn summed(&self) -> Self {
        let uses = self.uses();
        let kept = |labels: &Vec<u32>| labels.iter().copied().filter(|l| uses[*l as usize] > 1).collect();
        self.with_operands(self.operands.iter().map(kept).collect())
    }

    /// The network of one slice: these labels have one value each.
    #[must_use]
    pub fn sliced(&self, labels: &[u32]) -> Self {
        let mut sliced = self.clone();
        labels.iter().for_each(|l| sliced.extents[*l as usize] = 1);
        sliced
    }

    /// Binary logarithm of the extent of each label, for searches. An empty axis counts as very short instead, so that a search
    /// still has something to compare.
    #[must_use]
    pub fn log2_extents(&self) -> Vec<f64> {
        self.extents.iter().map(|e| if *e == 0 { EMPTY_LOG2 } else { libm::log2(*e as f64) }).collect()
    }
}

/// What an empty axis weighs in a search.
pub(crate) const EMPTY_LOG2: f64 = -30.0;

fn sorted(mut labels: Vec<u32>) -> Vec<u32> {
    labels.sort_unstable();
    labels.dedup();
    labels
}
