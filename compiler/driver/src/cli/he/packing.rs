//! How a program is packed, for every command that plans for ciphertexts.

use crate::cli::Failure;
use crate::cli::input::Shape;
use clap::{Args, ValueEnum};
use ein::packed::{Contract, Objective, PackOptions, read_costs};
use std::path::{Path, PathBuf};

/// How a program is packed.
#[derive(Args)]
pub(crate) struct PackingOptions {
    /// Operands that are encrypted, by name [default: those that the program calls secret, all of a string]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    secret: Vec<String>,
    /// What the layouts of inputs and results may be [default: free]
    #[arg(long, value_enum, value_name = "WHICH")]
    contract: Option<ContractOption>,
    /// Most different rotations, each of which needs a key
    #[arg(long, value_name = "N")]
    key_budget: Option<usize>,
    /// What of a plan is to be small [default: latency]
    #[arg(long, value_enum, value_name = "WHAT")]
    objective: Option<ObjectiveOption>,
    /// Numbers that a ciphertext holds: a power of two [default: 16384]
    #[arg(long, value_name = "N")]
    slots: Option<u32>,
    /// Costs of operations, as `ein he calibrate` writes them, or `ein-tfhe calibrate` for the target tfhe [default: built in]
    #[arg(long, value_name = "FILE")]
    costs: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ContractOption {
    /// As the plan likes, each element sent once
    Free,
    /// Row major from slot 0, axes padded to powers of two, zero elsewhere
    Strict,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ObjectiveOption {
    /// The time that it takes
    Latency,
    /// Products on the longest path, and then the time
    Depth,
    /// Rotation keys, for at most half as many rotations again
    Keys,
}

impl From<ObjectiveOption> for Objective {
    fn from(option: ObjectiveOption) -> Self {
        match option {
            ObjectiveOption::Latency => Self::Latency,
            ObjectiveOption::Depth => Self::Depth,
            ObjectiveOption::Keys => Self::Keys,
        }
    }
}

impl PackingOptions {
    /// The options that only packed programs have, in words.
    pub(crate) const NAMES: &str = "--secret, --contract, --key-budget, --objective and --slots";

    /// Whether one of those is given that only packed programs have.
    pub(crate) fn are_given(&self) -> bool {
        let Self { secret, contract, key_budget, objective, slots, costs: _ } = self;
        let planned = contract.is_some() || key_budget.is_some() || objective.is_some();
        planned || !secret.is_empty() || slots.is_some()
    }

    /// The file of costs.
    pub(crate) fn costs(&self) -> Option<&Path> {
        self.costs.as_deref()
    }

    /// What they say of a program, or of a string with operands of these shapes, all of which are encrypted where nothing else is said.
    pub(crate) fn options_of(&self, is_string: bool, shapes: &[Shape]) -> Result<PackOptions, Failure> {
        let mut options = self.options()?;
        if is_string {
            options.names = shapes.iter().map(|operand| operand.name.clone()).collect();
            if let Some(twice) = options.names.iter().enumerate().find(|(n, name)| options.names[..*n].contains(name)) {
                return Err(Failure::Usage(format!("two operands are called `{}`", twice.1)));
            }
            if options.secret.is_empty() {
                options.secret.clone_from(&options.names);
            }
        }
        Ok(options)
    }

    /// What they say.
    pub(crate) fn options(&self) -> Result<PackOptions, Failure> {
        let default = PackOptions::default();
        let contract = match self.contract {
            Some(ContractOption::Strict) => Contract::Strict,
            Some(ContractOption::Free) | None => Contract::Free,
        };
        let costs = self.costs.as_deref().map_or(Ok(default.costs), read_costs)?;
        let slots = self.slots.unwrap_or(default.slots);
        let objective = self.objective.map_or(default.objective, Objective::from);
        Ok(PackOptions { objective, slots, contract, key_budget: self.key_budget, secret: self.secret.clone(), costs, ..default })
    }
}
