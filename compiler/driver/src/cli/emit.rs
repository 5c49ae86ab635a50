//! `ein emit`: the stable text of a stage.

use crate::cli::{CodeOptions, Failure, input};
use clap::{Args, ValueEnum};
use ein::{DType, Function, Stage};
use std::io::Write;
use std::path::PathBuf;

/// Print the stable text of a stage: ast, tir, he, tfhe, egraph, plan, kernels, clif or asm
#[derive(Args)]
#[command(after_help = "Examples:
  ein emit --stage tir matmul.ein
  ein emit --stage plan matmul.ein --size M=8 --size N=8 --size K=8
  ein emit --stage egraph --format dot matmul.ein --size M=8 --size N=8 --size K=8 | dot -Tsvg > egraph.svg
  ein emit --stage kernels --einsum 'ij,jk->ik' --shape A=8x8:f32 --shape B=8x8:f32")]
pub(crate) struct Emit {
    /// The program
    #[arg(required_unless_present = "einsum", conflicts_with = "einsum")]
    file: Option<PathBuf>,
    /// Which stage
    #[arg(long, value_parser = clap::builder::ValueParser::new(|s: &str| s.parse::<Stage>()))]
    stage: Stage,
    /// How it is written: text, or for egraph dot, which Graphviz draws
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Format::Text, hide_possible_values = true)]
    format: Format,
    /// Which definition [default: the last one]
    #[arg(long, value_name = "NAME")]
    def: Option<String>,
    /// A dim or an integer generic; B=2x3 for a row `..B` of axes, ..B=2 for its number
    #[arg(long = "size", value_name = "NAME=N", value_parser = input::size)]
    sizes: Vec<input::Size>,
    /// A classic string instead of a program
    #[arg(long, value_name = "EQ", requires = "shapes")]
    einsum: Option<String>,
    /// Shape and dtype of an operand of the string, in order: A=8x8:f32
    #[arg(long = "shape", value_name = "NAME=SHAPE:DTYPE", value_parser = input::typed_shape)]
    shapes: Vec<input::Shape>,
    #[command(flatten)]
    code: CodeOptions,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Dot,
}

impl Emit {
    pub(crate) fn execute(self) -> Result<(), Failure> {
        if self.format == Format::Dot && self.stage != Stage::Egraph {
            return Err(Failure::Usage(format!("--format dot is for the stage egraph; {} is text", self.stage)));
        }
        let sizes = input::sizes(&self.sizes);
        let sizes: Vec<(&str, i64)> = sizes.iter().map(|(n, v)| (n.as_str(), *v)).collect();
        let text = match (&self.einsum, &self.file) {
            (Some(equation), _) => self.text(&self.einsum_function(equation)?, &sizes)?,
            (None, Some(file)) => {
                let program = self.code.compiler()?.compile_file(file)?;
                match &self.def {
                    // The tree of a file without definitions can be shown; nothing else of it can.
                    _ if self.stage == Stage::Ast => program.emit(self.stage, "", &sizes)?,
                    Some(name) => self.text(&program.def(name)?, &sizes)?,
                    None => self.text(&program.main_def()?, &sizes)?,
                }
            }
            (None, None) => return Err(Failure::Usage("give a FILE or --einsum EQ".to_owned())),
        };
        Ok(write!(std::io::stdout(), "{text}")?)
    }

    fn text(&self, function: &Function, sizes: &[(&str, i64)]) -> Result<String, Failure> {
        Ok(match self.format {
            Format::Text => function.emit(self.stage, sizes)?,
            Format::Dot => function.egraph_dot(sizes)?,
        })
    }

    fn einsum_function(&self, equation: &str) -> Result<Function, Failure> {
        let shapes: Vec<&[usize]> = self.shapes.iter().map(|operand| operand.shape.as_slice()).collect();
        let dtypes: Vec<DType> = self.shapes.iter().map(|operand| operand.dtype).collect();
        Ok(ein::Einsum::with_compiler(equation, self.code.compiler()?)?.function(&shapes, &dtypes)?)
    }
}
