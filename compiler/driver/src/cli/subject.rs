//! What a command is about: a definition of a file, or a classic string.

use crate::cli::Failure;
use crate::cli::input::{self, Shape};
use clap::Args;
use ein::{Compiler, DType, Einsum, Function, Program};
use std::path::PathBuf;

/// The options that say so; those of the shapes of a string's operands are the command's.
#[derive(Args)]
pub(crate) struct Subject {
    /// The program
    #[arg(required_unless_present = "einsum", conflicts_with = "einsum")]
    file: Option<PathBuf>,
    /// Which definition [default: the last one]
    #[arg(long, value_name = "NAME")]
    def: Option<String>,
    /// A dim or an integer generic; B=2x3 for a row `..B` of axes, ..B=2 for its number
    #[arg(long = "size", value_name = "NAME=N", value_parser = input::size)]
    sizes: Vec<input::Size>,
    /// A classic string instead of a program; --shape gives its operands
    #[arg(long, value_name = "EQ", requires = "shapes", allow_hyphen_values = true)]
    einsum: Option<String>,
}

/// What was read.
pub(crate) enum Read {
    /// A file.
    Program(Program),
    /// A string.
    Function(Function),
}

impl Subject {
    /// A string that another option gives.
    pub(crate) const fn of_string(equation: String) -> Self {
        Self { file: None, def: None, sizes: Vec::new(), einsum: Some(equation) }
    }

    /// Whether it is a string.
    pub(crate) const fn is_string(&self) -> bool {
        self.einsum.is_some()
    }

    /// The sizes of all arguments.
    pub(crate) fn sizes(&self) -> Vec<(String, i64)> {
        input::sizes(&self.sizes)
    }

    /// Reads the file, or the string for operands of these shapes.
    pub(crate) fn read(&self, compiler: Compiler, shapes: &[Shape]) -> Result<Read, Failure> {
        match (&self.einsum, &self.file) {
            (Some(equation), _) => {
                let sizes: Vec<&[usize]> = shapes.iter().map(|operand| operand.shape.as_slice()).collect();
                let dtypes: Vec<DType> = shapes.iter().map(|operand| operand.dtype).collect();
                Ok(Read::Function(Einsum::with_compiler(equation, compiler)?.function(&sizes, &dtypes)?))
            }
            (None, Some(file)) => Ok(Read::Program(compiler.compile_file(file)?)),
            (None, None) => Err(Failure::Usage("give a FILE or --einsum EQ".to_owned())),
        }
    }

    /// The definition that was asked for.
    pub(crate) fn function(&self, read: Read) -> Result<Function, Failure> {
        match read {
            Read::Function(function) => Ok(function),
            Read::Program(program) => Ok(definition(&program, self.def.as_deref())?),
        }
    }
}

/// The definition of a name, or the last one.
pub(crate) fn definition(program: &Program, name: Option<&str>) -> Result<Function, ein::Error> {
    name.map_or_else(|| program.main_def(), |name| program.def(name))
}
