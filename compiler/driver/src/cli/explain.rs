//! `ein explain`: a program in words, or the page of an error code.

use crate::cli::he::packing::PackingOptions;
use crate::cli::picture::PictureOptions;
use crate::cli::subject::{Subject, definition};
use crate::cli::{CodeOptions, Failure, input};
use clap::{Args, ValueEnum};
use ein::{Function, Program, explanation, pages};
use ein_syntax::Explanation;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

/// Explain a program (sums, ranges, accumulators; with sizes, its plan), or an error code
#[derive(Args)]
#[command(after_help = "Examples:
  ein explain attention.ein
  ein explain attention.ein --size B=1 --size H=8 --size S=512 --size E=64
  ein explain tucker.ein --size N=64 --size R=8 --why
  ein explain tucker.ein --size N=64 --size R=8 --html plan.html
  ein explain score.ein --target he --size B=1 --size D=64 --size O=10
  ein explain --einsum 'ij,jk->ik' --shape A=16x32 --shape B=32x32 --target he --contract strict
  ein explain paths.ein --target tfhe --size V=4 --costs bootstrap.json
  ein explain E0201
  ein explain --list")]
pub(crate) struct Explain {
    /// A program, or a code such as E0201
    #[arg(required_unless_present_any = ["list", "einsum"], default_value = "", hide_default_value = true)]
    subject: String,
    /// Every code with one line, by family
    #[arg(long, conflicts_with_all = ["subject", "def", "sizes", "svg", "html"])]
    list: bool,
    /// A classic string instead of a program, for --target he; --shape gives its operands
    #[arg(long, value_name = "EQ", requires = "shapes", conflicts_with_all = ["subject", "list", "def", "sizes"], allow_hyphen_values = true)]
    einsum: Option<String>,
    /// Shape of an operand of the string, in order: A=16x32, or A=16x32:i64 for another type than f64
    #[arg(long = "shape", value_name = "NAME=SHAPE", requires = "einsum", value_parser = input::shape)]
    shapes: Vec<input::Shape>,
    /// Which definition [default: all; with sizes, the last one]
    #[arg(long, value_name = "NAME")]
    def: Option<String>,
    /// A dim or an integer generic; B=2x3 for a row `..B` of axes, ..B=2 for its number; with all of them, the plan is shown too
    #[arg(long = "size", value_name = "NAME=N", value_parser = input::size)]
    sizes: Vec<input::Size>,
    /// Also which rewrite rules lead from the program to each step of the plan
    #[arg(long, requires = "sizes")]
    why: bool,
    /// What it is explained for: cpu; he, ciphertexts: rotations, products and keys of its plan, and where they come from; or tfhe,
    /// encrypted integers: bootstraps of its circuit, step by step
    #[arg(long, value_enum, value_name = "TARGET", default_value_t = Target::Cpu)]
    target: Target,
    /// Print one JSON object, for --target tfhe
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    packing: PackingOptions,
    #[command(flatten)]
    pictures: PictureOptions,
    #[command(flatten)]
    code: CodeOptions,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    Cpu,
    He,
    Tfhe,
}

impl Explain {
    pub(crate) fn execute(self) -> Result<(), Failure> {
        if self.json && self.target != Target::Tfhe {
            return Err(Failure::Usage("--json is for --target tfhe; `ein he plan --json` has that of --target he".to_owned()));
        }
        if self.target != Target::He && self.packing.are_given() {
            return Err(Failure::Usage(format!("{} are for --target he", PackingOptions::NAMES)));
        }
        if self.target != Target::He && self.einsum.is_some() {
            return Err(Failure::Usage("--einsum is for --target he; `ein plan --einsum` has the plan of a processor".to_owned()));
        }
        if self.target == Target::Cpu && self.packing.costs().is_some() {
            return Err(Failure::Usage("--costs is for --target he and --target tfhe; that of a processor is --machine".to_owned()));
        }
        let text = match code_number(&self.subject) {
            _ if self.list => pages::list(),
            _ if self.einsum.is_some() => return self.program(),
            Some(_) if self.pictures.are_asked_for() => {
                return Err(Failure::Usage(format!("{} is a code; pictures are of programs", self.subject)));
            }
            Some(code) => page(&self.subject, code)?,
            None => return self.program(),
        };
        Ok(write!(std::io::stdout(), "{text}")?)
    }

    /// Words go to standard output, unless a picture does.
    fn program(&self) -> Result<(), Failure> {
        if let Some(equation) = &self.einsum {
            let subject = Subject::of_string(equation.clone());
            return self.packed(&subject.function(subject.read(self.code.compiler()?, &self.shapes)?)?);
        }
        let program = self.code.compiler()?.compile_file(Path::new(&self.subject))?;
        match self.target {
            Target::He => return self.packed(&self.planned(&program)?),
            Target::Tfhe => return self.circuit(&program),
            Target::Cpu => {}
        }
        let text = self.words(&program)?;
        if self.pictures.are_asked_for() {
            let sizes = input::sizes(&self.sizes);
            let sizes: Vec<(&str, i64)> = sizes.iter().map(|(n, v)| (n.as_str(), *v)).collect();
            return self.pictures.write(&program.picture(self.planned(&program)?.name(), &sizes)?, &text);
        }
        Ok(write!(std::io::stdout(), "{text}")?)
    }

    /// The plan over ciphertexts; its picture is that of `ein he plan`.
    fn packed(&self, function: &Function) -> Result<(), Failure> {
        if self.pictures.are_asked_for() || self.why {
            return Err(Failure::Usage("--target he has no --why, --svg and --html; `ein he plan --svg` draws layouts".to_owned()));
        }
        let sizes = input::sizes(&self.sizes);
        let sizes: Vec<(&str, i64)> = sizes.iter().map(|(n, v)| (n.as_str(), *v)).collect();
        let text = function.explain_packed(&sizes, &self.packing.options_of(self.einsum.is_some(), &self.shapes)?)?;
        Ok(write!(std::io::stdout(), "{text}")?)
    }

    /// The circuit over encrypted integers.
    fn circuit(&self, program: &Program) -> Result<(), Failure> {
        if self.pictures.are_asked_for() || self.why {
            return Err(Failure::Usage("--target tfhe has no --why, --svg and --html".to_owned()));
        }
        let sizes = input::sizes(&self.sizes);
        let sizes: Vec<(&str, i64)> = sizes.iter().map(|(n, v)| (n.as_str(), *v)).collect();
        let bootstrap = self.packing.costs().map_or(Ok(ein::BOOTSTRAP), ein::costs::read_bootstrap)?;
        let report = self.planned(program)?.explain_circuit(&sizes, bootstrap)?;
        let text = if self.json { report.to_json() } else { report.text() };
        Ok(write!(std::io::stdout(), "{text}")?)
    }

    /// The definition whose plan is shown.
    fn planned(&self, program: &Program) -> Result<Function, Failure> {
        Ok(definition(program, self.def.as_deref())?)
    }

    fn words(&self, program: &Program) -> Result<String, Failure> {
        let defs = match &self.def {
            Some(name) => vec![name.as_str()],
            None => program.defs(),
        };
        let mut out = String::new();
        for (n, def) in defs.iter().enumerate() {
            // Refuses unknown names and what is beyond this version.
            let function = program.def(def)?;
            if n > 0 {
                out.push('\n');
            }
            explain_def(program, &function, &mut out);
        }
        if !self.sizes.is_empty() {
            let function = self.planned(program)?;
            let sizes = input::sizes(&self.sizes);
            let sizes: Vec<(&str, i64)> = sizes.iter().map(|(n, v)| (n.as_str(), *v)).collect();
            let _ = write!(out, "\n{}", function.plan_table(&sizes)?);
            if self.why {
                let _ = write!(out, "\nwhy:\n{}", function.why(&sizes)?);
            }
        }
        Ok(out)
    }
}

/// `E0201` or `e201`: 201. Anything else is a file.
fn code_number(text: &str) -> Option<u16> {
    let digits = text.strip_prefix(['E', 'e'])?;
    (!digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
}

fn page(subject: &str, code: u16) -> Result<String, Failure> {
    if let Some(page) = pages::page(code) {
        return Ok(page.to_owned());
    }
    let codes: Vec<String> = pages::codes().iter().map(|c| format!("E{c:04}")).collect();
    Err(Failure::Usage(format!("there is no code {subject}; the codes are {}", codes.join(" "))))
}

fn explain_def(program: &Program, function: &Function, out: &mut String) {
    let _ = writeln!(out, "def {}: {} -> {}", function.name(), function.inputs().join(", "), function.outputs().join(", "));
    for equation in program.checked().explain(function.name()) {
        explain_equation(&equation, out);
    }
}

fn explain_equation(equation: &Explanation, out: &mut String) {
    let _ = writeln!(out, "\n  {}", equation.equation);
    for note in explanation::notes(equation) {
        let _ = writeln!(out, "    {note}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ein::Compiler;

    #[test]
    fn what_two_sums_share_is_said_once() {
        let source = "def f<N, M>(w: f32[N, M], v: f32[M]) -> y: f32[N] { y[i] = w[i, j] * v[j] / sum[j](w[i, j]); }";
        let program = Compiler::new().compile(source).expect("a right program");
        let mut out = String::new();
        explain_def(&program, &program.main_def().expect("one def"), &mut out);
        assert_eq!(out.matches("j ranges over M (axis 1 of `w`)").count(), 1, "{out}");
        assert_eq!(out.matches("sum over j accumulates in f32").count(), 1, "{out}");
    }
}
