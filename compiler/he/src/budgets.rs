//! What results may be off by, as the program says, of the tensors that they are computed from: what no stated result reads is as close as where
//! nothing is stated.

use crate::approximation::ERROR;
use crate::clear::{reads, results};
use ein_ir::entity::Tensor;
use ein_ir::tensor::{Module, ToleranceKind};
use std::collections::{BTreeMap, BTreeSet};

/// Of each tensor, the results that are computed from it.
pub(crate) struct Budgets {
    /// The results of the module that each tensor goes into.
    goes_into: BTreeMap<Tensor, BTreeSet<Tensor>>,
    /// What those may be off by that say so; relative errors are taken for those of numbers of size 1.
    stated: BTreeMap<Tensor, f64>,
}

impl Budgets {
    /// As a module says.
    pub(crate) fn of_module(module: &Module) -> Self {
        let is_stated = |tensor: &Tensor| module.results.contains(tensor) || module.tensors[*tensor].tolerance.is_some();
        let mut goes_into: BTreeMap<Tensor, BTreeSet<Tensor>> =
            module.tensors.keys().filter(is_stated).map(|tensor| (tensor, [tensor].into())).collect();
        for definition in module.body.iter().rev() {
            let into: BTreeSet<Tensor> = results(definition).iter().filter_map(|out| goes_into.get(out)).flatten().copied().collect();
            let mut read = BTreeSet::new();
            reads(definition, &mut read);
            read.into_iter().for_each(|tensor| goes_into.entry(tensor).or_default().extend(&into));
        }
        let of = |result: &Tensor| {
            let tolerance = module.tensors[*result].tolerance?;
            let is_absolute = tolerance.kind == ToleranceKind::Abs;
            Some((*result, if is_absolute { tolerance.value } else { tolerance.value.min(ERROR) }))
        };
        let stated = module.tensors.keys().filter_map(|tensor| of(&tensor)).collect();
        Self { goes_into, stated }
    }

    /// The least error that a result may have that is computed from a tensor, as far as they say.
    pub(crate) fn of(&self, tensor: Tensor) -> Option<f64> {
        self.results(tensor).filter_map(|result| self.stated.get(&result).copied()).reduce(f64::min)
    }

    /// The results that are computed from a tensor, and what else says by how much it may be off.
    pub(crate) fn results(&self, tensor: Tensor) -> impl Iterator<Item = Tensor> {
        self.goes_into.get(&tensor).into_iter().flatten().copied()
    }
}
