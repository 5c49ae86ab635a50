//! The plan of a program over ciphertexts for people: its operations beside those of the plan that has no choice, and how each equation is
//! made.

use crate::error::Error;
use crate::function::Function;
use crate::packed::{Contract, Costs, PackOptions, in_the_clear, open_results};
use crate::pipeline;
use crate::plan_report::bytes;
use ein_he::explain::{Explained, Made};
use ein_ir::span::Span;
use ein_ir::tensor::{Definition, Module};
use std::fmt::Write;

impl Function {
    /// What the packed program of this function costs for given sizes, beside the one-shot plan of the same equations, and how each
    /// equation is carried out.
    ///
    /// # Errors
    /// As [`Function::packed`].
    pub fn explain_packed(&self, sizes: &[(&str, i64)], options: &PackOptions) -> Result<String, Error> {
        let given: Vec<(String, i64)> = sizes.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect();
        let module = self.with_secrets_for(&vec![None; self.inputs().len()], &given, options)?;
        let explained = pipeline::explain_packed(&module, options).map_err(|found| self.located(found))?;
        // As it would be without a planner; it may be beyond what is planned.
        let without = PackOptions { contract: Contract::Strict, key_budget: None, one_shot: true, ..options.clone() };
        let one_shot = pipeline::explain_packed(&module, &without);
        let mut out = format!("def {} over ciphertexts of {} slots\n\n", self.name(), explained.packed.slots);
        vector(&explained, one_shot.as_ref().ok(), options, &mut out);
        if let Err(refused) = one_shot {
            let reason = refused.first().map_or("it was refused", |diagnostic| &diagnostic.message);
            let _ = writeln!(out, "\nthere is no one-shot plan: {reason}");
        }
        for made in &explained.made {
            let _ = writeln!(out, "\n{}", self.text(&module, made));
            tell(made, &mut out);
        }
        let open = in_the_clear(&open_results(&module, &explained.packed));
        if !open.is_empty() {
            let _ = write!(out, "\n{open}");
        }
        Ok(out)
    }

    /// The equation of a tensor as it is written; of an approximation, the expression.
    fn text(&self, module: &Module, made: &Made) -> String {
        let equations = module.body.iter().filter_map(|definition| match definition {
            Definition::Equation(equation) => Some((module.tensors[equation.out].name.as_str(), equation.span)),
            _ => None,
        });
        let span = equations.into_iter().find(|(name, _)| *name == made.name).map_or(made.span, |(_, span)| span);
        self.source(span).unwrap_or_else(|| made.name.clone())
    }

    /// The text of a place on one line.
    pub(crate) fn source(&self, span: Span) -> Option<String> {
        let source = self.shared().sources.get(span.file.0 as usize)?;
        let text = source.text.get(span.start as usize..span.end as usize)?;
        let words: Vec<&str> = text.split_whitespace().collect();
        (!words.is_empty()).then(|| words.join(" "))
    }
}

/// One line a kind of operation: of the plan, and of the one-shot plan.
fn vector(plan: &Explained, one_shot: Option<&Explained>, options: &PackOptions, out: &mut String) {
    let (ours, theirs) = (figures(plan, options), one_shot.map(|plan| figures(plan, options)));
    let _ = writeln!(out, "{:<28} {:>14} {:>14}", "", "plan", "one-shot");
    for (n, (name, figure)) in ours.iter().enumerate() {
        let other = theirs.as_ref().map_or("-", |theirs| &theirs[n].1);
        let _ = writeln!(out, "{name:<28} {figure:>14} {other:>14}");
    }
}

fn figures(explained: &Explained, options: &PackOptions) -> Vec<(&'static str, String)> {
    let plan = &explained.packed;
    let counts = plan.counts();
    let inputs: u32 = plan.inputs.values().map(|input| input.layout.n_chunks()).sum();
    let outputs: u32 = plan.outputs.iter().map(|output| output.layout.n_chunks()).sum();
    let estimated = || key_bytes(plan.slots, counts.depth) * (counts.keys + usize::from(counts.relins > 0)) as u128;
    let key_bytes = explained.parameters.as_ref().map_or_else(estimated, |parameters| u128::from(parameters.key_bytes));
    let mut figures = vec![
        ("rotations", counts.rotations.to_string()),
        ("  of them hoisted", counts.hoisted.to_string()),
        ("ct-ct products", counts.mulcc.to_string()),
        ("relinearisations", counts.relins.to_string()),
        ("ct-pt products, masks too", counts.mulcp.to_string()),
        ("sums", counts.adds.to_string()),
    ];
    if let Some(levels) = explained.levels {
        figures.extend([("rescalings", counts.rescales.to_string()), ("levels", levels.to_string())]);
    }
    let weight = options.costs.weigh(&counts) / options.costs.rotation;
    figures.extend([
        ("depth", counts.depth.to_string()),
        ("rotation keys", counts.keys.to_string()),
        ("key bytes", bytes(key_bytes)),
        ("ciphertexts in", inputs.to_string()),
        ("ciphertexts out", outputs.to_string()),
        ("cost, in rotations", format!("{weight:.1}")),
        ("  slower by its levels", format!("{:.1}", Costs::with_levels(weight, counts.depth))),
    ]);
    figures
}

/// Bytes of a key of CKKS: for each of `k` moduli two polynomials of `2 slots` coefficients over the others and the special one. A program of
/// depth `d` has `d + 1` moduli besides that.
fn key_bytes(slots: u32, depth: usize) -> u128 {
    let k = depth as u128 + 2;
    16 * 2 * u128::from(slots) * k * (k - 1)
}

fn tell(made: &Made, out: &mut String) {
    for (n, kernel) in made.kernels.iter().enumerate() {
        let _ = writeln!(out, "  {:<10} {kernel}", if n == 0 { "kernel" } else { "then" });
    }
    let _ = writeln!(out, "  {:<10} {}", "order", made.order);
    let _ = writeln!(out, "  {:<10} {}", "layout", made.layout);
    if made.rotations.is_empty() {
        let _ = writeln!(out, "  {:<10} none", "rotations");
    }
    for (n, (rotations, what)) in made.rotations.iter().enumerate() {
        let _ = writeln!(out, "  {:<10} {rotations} to {what}", if n == 0 { "rotations" } else { "" });
    }
}
