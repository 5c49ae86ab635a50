//! The stable text of each stage.

use crate::error::Error;
use crate::function::Function;
use crate::packed::PackOptions;
use crate::pipeline;
use ein_cranelift::{Cpu, Target};
use std::fmt;
use std::str::FromStr;

/// A stage of the compiler with a text form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Syntax tree.
    Ast,
    /// Typed tensor IR, generic in sizes.
    Tir,
    /// Equal values, and ways to make each, from which the plan is extracted.
    Egraph,
    /// Rotations, masks and products over the slots of ciphertexts.
    He,
    /// Operations on single encrypted integers.
    Tfhe,
    /// Ordered steps over buffers.
    Plan,
    /// Loop nests.
    Kernels,
    /// Cranelift IR.
    Clif,
    /// Machine code.
    Asm,
}

impl Stage {
    /// Every stage, in the order of the data path.
    pub const ALL: [Stage; 9] =
        [Stage::Ast, Stage::Tir, Stage::He, Stage::Tfhe, Stage::Egraph, Stage::Plan, Stage::Kernels, Stage::Clif, Stage::Asm];

    /// The spelling on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Ast => "ast",
            Stage::Tir => "tir",
            Stage::Egraph => "egraph",
            Stage::He => "he",
            Stage::Tfhe => "tfhe",
            Stage::Plan => "plan",
            Stage::Kernels => "kernels",
            Stage::Clif => "clif",
            Stage::Asm => "asm",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Stage {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let known = Stage::ALL.map(Stage::name);
        Stage::ALL.into_iter().find(|s| s.name() == text).ok_or_else(|| match ein_ir::near::nearest(text, known) {
            Some(near) => format!("there is no stage `{text}`; did you mean `{near}`?"),
            None => format!("there is no stage `{text}`; the stages are {}", known.join(", ")),
        })
    }
}

/// The processor that dumps are made for, so that they are the same on every host.
pub const DUMP_CPU: Cpu = Cpu::X86_64V3;

/// The text of a stage after the syntax tree.
///
/// # Errors
/// E0306 if a size is missing, and whatever the stages before refuse.
pub(crate) fn emit(function: &Function, stage: Stage, sizes: &[(&str, i64)]) -> Result<String, Error> {
    if matches!(stage, Stage::Ast | Stage::Tir) {
        // Of row variables that nothing is said of, each stands for one axis.
        if sizes.is_empty() {
            return Ok(function.module().to_string());
        }
        let given: Vec<(String, i64)> = sizes.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect();
        let none = vec![None; function.module().params.len()];
        return Ok(function.written_out(&none, &given)?.0.module().to_string());
    }
    if stage == Stage::He {
        return function.emit_packed(sizes, &PackOptions::default());
    }
    if stage == Stage::Tfhe {
        return Ok(ein_ir::circuit::print::print(&*function.circuit(sizes)?));
    }
    let staged = function.specialised(sizes)?;
    match stage {
        Stage::Egraph => Ok(function.egraphs(&staged)?.iter().map(ToString::to_string).collect()),
        Stage::Ast | Stage::Tir | Stage::He | Stage::Tfhe => Ok(staged.module.to_string()),
        Stage::Plan => Ok(ein_opt::anonymous(&staged.plan).to_string()),
        Stage::Kernels => Ok(ein_ir::kernel::print::print(&staged.kernels)),
        Stage::Clif | Stage::Asm => {
            // The same dump on every host, unless a processor is asked for.
            let cpu = if function.cpu() == Cpu::Host { DUMP_CPU } else { function.cpu() };
            let target = Target { cpu };
            let text = if stage == Stage::Clif {
                ein_cranelift::clif(&staged.kernels, target)
            } else {
                ein_cranelift::asm(&staged.kernels, target)
            };
            text.map_err(|e| Error::from(pipeline::backend_error(e)))
        }
    }
}
