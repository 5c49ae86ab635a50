//! `ein he plan`: rotations, masks and products of a program over ciphertexts.

use crate::cli::he::packing::PackingOptions;
use crate::cli::subject::Subject;
use crate::cli::{Failure, input};
use clap::Args;
use ein::packed::{Available, Costs, PackOptions};
use ein::{Compiler, Function, io};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Plan a program for ciphertexts, and print its operations
///
/// The plan is carried out on no ciphertext: it says which slot holds which element, and what is done to the slots.
#[derive(Args)]
#[command(after_help = "Examples:
  ein he plan score.ein --size B=1 --size D=256 --size O=64
  ein he plan --einsum 'ij,jk->ik' --shape A=16x32 --shape B=32x32
  ein he plan --einsum 'ij,j->i' --shape A=1024x1024 --shape B=1024 --secret B --json > plan.json
  ein he plan deep.ein --size N=64 --levels 8 --bootstrap 5
  ein he plan score.ein --size D=64 --slots 1024 --heir > score.mlir")]
pub(crate) struct Plan {
    #[command(flatten)]
    program: ProgramOptions,
    /// Levels that are available to a program of reals: it may have as many products in a row
    #[arg(long, value_name = "N")]
    levels: Option<u32>,
    /// Allow more levels than secure parameters have, for tests
    #[arg(long)]
    insecure_toy: bool,
    /// Bootstrap where they do not suffice: so many levels are left after that. No engine here does it; the plan says where
    #[arg(long, value_name = "N", requires = "levels", value_parser = clap::value_parser!(u32).range(1..))]
    bootstrap: Option<u32>,
    /// Print one JSON object that other programs can replay
    #[arg(long)]
    json: bool,
    /// Print MLIR of packed vectors, which HEIR reads
    #[arg(long, conflicts_with = "json")]
    heir: bool,
    /// Draw where the elements of inputs and results are; - is standard output, and nothing else goes there then
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    // With one of these, also what `ein he keygen` would choose, and what files and memory it takes.
    #[cfg(feature = "he-bfv")]
    #[command(flatten)]
    numbers: crate::cli::he::engine::NumberOptions,
}

/// Which program, and how it is packed.
#[derive(Args)]
pub(crate) struct ProgramOptions {
    #[command(flatten)]
    subject: Subject,
    /// Shape of an operand of the string, in order: A=16x32, or A=16x32:i64 for another type than f64
    #[arg(long = "shape", value_name = "NAME=SHAPE", value_parser = input::shape)]
    shapes: Vec<input::Shape>,
    #[command(flatten)]
    packing: PackingOptions,
}

impl ProgramOptions {
    /// The packed program for a scheme without levels, planned by these costs, and the stated ranges of its operands.
    #[cfg(feature = "he-bfv")]
    pub(crate) fn packed(&self, costs: Costs) -> Result<(ein::packed::Unleveled, ein::encrypted::Ranges), Failure> {
        let sizes = self.subject.sizes();
        let sizes: Vec<(&str, i64)> = sizes.iter().map(|(n, v)| (n.as_str(), *v)).collect();
        let function = self.function()?;
        let packed = function.packed_without_levels(&sizes, &PackOptions { costs, ..self.options()? })?;
        let ranges = ein::encrypted::stated_ranges(&function, &packed.program);
        Ok((packed, ranges))
    }

    /// The costs that were given, if any.
    #[cfg(feature = "he-bfv")]
    pub(crate) fn costs(&self) -> Result<Option<Costs>, Failure> {
        Ok(self.packing.costs().is_some().then(|| self.packing.options()).transpose()?.map(|options| options.costs))
    }

    /// The packed program, and its levels if it is one of reals.
    fn planned(&self, available: Available, insecure: bool, costs: Option<Costs>) -> Result<ein::packed::Planned, Failure> {
        let sizes = self.subject.sizes();
        let sizes: Vec<(&str, i64)> = sizes.iter().map(|(n, v)| (n.as_str(), *v)).collect();
        let options = self.options()?;
        let costs = costs.unwrap_or(options.costs);
        Ok(self.function()?.planned(&sizes, &PackOptions { insecure, costs, ..options }, available)?)
    }

    fn function(&self) -> Result<Function, Failure> {
        self.subject.function(self.subject.read(Compiler::new(), &self.shapes)?)
    }

    fn options(&self) -> Result<PackOptions, Failure> {
        self.packing.options_of(self.subject.is_string(), &self.shapes)
    }
}

impl Plan {
    /// What the engine here would take, if it is told enough to know it, and by which costs it plans.
    #[cfg(feature = "he-bfv")]
    fn of_the_engine(&self) -> Result<(String, Option<Costs>), Failure> {
        if !self.numbers.are_given() {
            return Ok((String::new(), None));
        }
        let made = self.numbers.engine(&self.program, self.insecure_toy)?;
        Ok((crate::cli::he::engine::describe(&made), Some(made.costs)))
    }

    /// No engine is here.
    #[cfg(not(feature = "he-bfv"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as with an engine")]
    fn of_the_engine(&self) -> Result<(String, Option<Costs>), Failure> {
        Ok((String::new(), None))
    }

    pub(crate) fn execute(self) -> Result<(), Failure> {
        if let (Some(after), Some(levels)) = (self.bootstrap, self.levels)
            && after > levels
        {
            return Err(Failure::Usage(format!("--bootstrap {after}: a fresh ciphertext has {levels} levels, and no other has more")));
        }
        let (of_the_engine, costs) = self.of_the_engine()?;
        let available = Available { levels: self.levels, after_boot: self.bootstrap };
        let planned = self.program.planned(available, self.insecure_toy, costs)?;
        if self.levels.is_some() && planned.levels.is_none() {
            return Err(Failure::Usage("--levels is for programs of reals; integers have none".to_owned()));
        }
        let mut out = std::io::stdout();
        let words = if self.json {
            format!("{}\n", planned.to_json()?)
        } else if self.heir {
            planned.to_mlir()
        } else {
            planned.summary() + &of_the_engine
        };
        let packed = planned.program;
        match &self.svg {
            Some(path) if path == Path::new("-") => Ok(out.write_all(ein::packed_svg(&packed).as_bytes())?),
            Some(path) => io::save_together(&[(path, ein::packed_svg(&packed).as_str())], || Ok(out.write_all(words.as_bytes())?)),
            None => Ok(out.write_all(words.as_bytes())?),
        }
    }
}
