//! `ein he plan`: rotations, masks and products of a program over ciphertexts.

use crate::cli::{Failure, input};
use clap::{Args, ValueEnum};
use ein::packed::{Contract, PackOptions, to_json};
use ein::{Compiler, DType, Function, io};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Plan a program for ciphertexts, and print its operations
///
/// The plan is carried out on no ciphertext: it says which slot holds which element, and what is done to the slots.
#[derive(Args)]
#[command(after_help = "Examples:
  ein he plan score.ein --size B=1 --size D=256 --size O=64
  ein he plan --einsum 'ij,jk->ik' --shape A=16x32 --shape B=32x32
  ein he plan --einsum 'ij,j->i' --shape A=1024x1024 --shape B=1024 --secret B --json > plan.json")]
pub(crate) struct Plan {
    #[command(flatten)]
    program: ProgramOptions,
    /// Print one JSON object that other programs can replay
    #[arg(long)]
    json: bool,
    /// Draw where the elements of inputs and results are; - is standard output, and nothing else goes there then
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// Which program, and how it is packed.
#[derive(Args)]
pub(crate) struct ProgramOptions {
    /// The program
    #[arg(required_unless_present = "einsum", conflicts_with = "einsum")]
    file: Option<PathBuf>,
    /// Which definition [default: the last one]
    #[arg(long, value_name = "NAME")]
    def: Option<String>,
    /// A dim or an integer generic; B=2x3 for a row `..B` of axes, ..B=2 for its number
    #[arg(long = "size", value_name = "NAME=N", value_parser = input::size)]
    sizes: Vec<input::Size>,
    /// A classic string instead of a program; --shape names its operands
    #[arg(long, value_name = "EQ", requires = "shapes")]
    einsum: Option<String>,
    /// Shape of an operand of the string, in order: A=16x32, or A=16x32:i64 for another type than f64
    #[arg(long = "shape", value_name = "NAME=SHAPE", value_parser = input::shape)]
    shapes: Vec<input::Shape>,
    /// Operands that are encrypted, by name [default: those that the program calls secret, all of a string]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    secret: Vec<String>,
    /// What the layouts of inputs and results may be
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = ContractOption::Free)]
    contract: ContractOption,
    /// Most different rotations, each of which needs a key
    #[arg(long, value_name = "N")]
    key_budget: Option<usize>,
    /// Numbers that a ciphertext holds: a power of two
    #[arg(long, value_name = "N", default_value_t = 16384)]
    slots: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ContractOption {
    /// As the plan likes, each element sent once
    Free,
    /// Row major from slot 0, axes padded to powers of two, zero elsewhere
    Strict,
}

impl ProgramOptions {
    /// The packed program, and what is computed in the clear for it.
    pub(crate) fn packed(&self) -> Result<(ein::packed::VerifiedPacked, Option<Function>), Failure> {
        let sizes = input::sizes(&self.sizes);
        let sizes: Vec<(&str, i64)> = sizes.iter().map(|(n, v)| (n.as_str(), *v)).collect();
        let contract = match self.contract {
            ContractOption::Free => Contract::Free,
            ContractOption::Strict => Contract::Strict,
        };
        let mut options =
            PackOptions { slots: self.slots, contract, key_budget: self.key_budget, secret: self.secret.clone(), names: Vec::new() };
        if self.einsum.is_some() {
            options.names = self.shapes.iter().map(|operand| operand.name.clone()).collect();
            if let Some(twice) = options.names.iter().enumerate().find(|(n, name)| options.names[..*n].contains(name)) {
                return Err(Failure::Usage(format!("two operands are called `{}`", twice.1)));
            }
            if options.secret.is_empty() {
                options.secret.clone_from(&options.names);
            }
        }
        Ok(self.function()?.packed_with_clear(&sizes, &options)?)
    }

    fn function(&self) -> Result<Function, Failure> {
        match (&self.einsum, &self.file) {
            (Some(equation), _) => {
                let shapes: Vec<&[usize]> = self.shapes.iter().map(|operand| operand.shape.as_slice()).collect();
                let dtypes: Vec<DType> = self.shapes.iter().map(|operand| operand.dtype).collect();
                Ok(ein::Einsum::new(equation)?.function(&shapes, &dtypes)?)
            }
            (None, Some(file)) => {
                let program = Compiler::new().compile_file(file)?;
                Ok(match &self.def {
                    Some(name) => program.def(name)?,
                    None => program.main_def()?,
                })
            }
            (None, None) => Err(Failure::Usage("give a FILE or --einsum EQ".to_owned())),
        }
    }
}

impl Plan {
    pub(crate) fn execute(self) -> Result<(), Failure> {
        let (packed, clear) = self.program.packed()?;
        let mut out = std::io::stdout();
        let words = if self.json { format!("{}\n", to_json(&packed, clear.as_ref())) } else { ein::packed::summary(&packed) };
        match &self.svg {
            Some(path) if path == Path::new("-") => Ok(out.write_all(ein::packed_svg(&packed).as_bytes())?),
            Some(path) => io::save_texts(&[(path, ein::packed_svg(&packed).as_str())], || Ok(out.write_all(words.as_bytes())?)),
            None => Ok(out.write_all(words.as_bytes())?),
        }
    }
}
