//! `ein emit`: the stable text of a stage.

use crate::cli::he::packing::PackingOptions;
use crate::cli::subject::{Read, Subject};
use crate::cli::{CodeOptions, Failure, input};
use clap::{Args, ValueEnum};
use ein::{Function, Stage};
use std::io::Write;

/// Print the stable text of a stage: ast, tir, he, tfhe, egraph, plan, kernels, clif or asm
#[derive(Args)]
#[command(after_help = "Examples:
  ein emit --stage tir matmul.ein
  ein emit --stage plan matmul.ein --size M=8 --size N=8 --size K=8
  ein emit --stage egraph --format dot matmul.ein --size M=8 --size N=8 --size K=8 | dot -Tsvg > egraph.svg
  ein emit --stage he --einsum 'ij,jk->ik' --shape A=16x32 --shape B=32x32 --slots 4096 --contract strict
  ein emit --stage kernels --einsum 'ij,jk->ik' --shape A=8x8:f32 --shape B=8x8:f32")]
pub(crate) struct Emit {
    #[command(flatten)]
    subject: Subject,
    /// Which stage
    #[arg(long, value_parser = clap::builder::ValueParser::new(|s: &str| s.parse::<Stage>()))]
    stage: Stage,
    /// How it is written: text, or for egraph dot, which Graphviz draws
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Format::Text, hide_possible_values = true)]
    format: Format,
    /// Shape and dtype of an operand of the string, in order: A=8x8:f32; for the stage he A=8x8 is one of f64
    #[arg(long = "shape", value_name = "NAME=SHAPE:DTYPE", value_parser = input::any_shape)]
    shapes: Vec<input::Shape>,
    // For the stage he.
    #[command(flatten)]
    packing: PackingOptions,
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
        if self.stage != Stage::He && (self.packing.are_given() || self.packing.costs().is_some()) {
            return Err(Failure::Usage(format!("{} and --costs are for the stage he", PackingOptions::NAMES)));
        }
        if let Some(operand) = self.shapes.iter().find(|operand| self.stage != Stage::He && !operand.is_typed) {
            return Err(Failure::Usage(format!("`{0}` has no dtype: it is of the form {0}=8x8:f32", operand.name)));
        }
        let sizes = self.subject.sizes();
        let sizes: Vec<(&str, i64)> = sizes.iter().map(|(n, v)| (n.as_str(), *v)).collect();
        let text = match self.subject.read(self.code.compiler()?, &self.shapes)? {
            // The tree of a file without definitions can be shown; nothing else of it can.
            Read::Program(program) if self.stage == Stage::Ast => program.emit(self.stage, "", &sizes)?,
            read => self.text(&self.subject.function(read)?, &sizes)?,
        };
        Ok(write!(std::io::stdout(), "{text}")?)
    }

    fn text(&self, function: &Function, sizes: &[(&str, i64)]) -> Result<String, Failure> {
        Ok(match self.format {
            Format::Text if self.stage == Stage::He => {
                function.emit_packed(sizes, &self.packing.options_of(self.subject.is_string(), &self.shapes)?)?
            }
            Format::Text => function.emit(self.stage, sizes)?,
            Format::Dot => function.egraph_dot(sizes)?,
        })
    }
}
