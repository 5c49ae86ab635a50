//! Functions of whole tensors, and constants by formula: equations of their own, `(q, r) = qr(A);`.

use super::names::find_at;
use super::prove::{Proof, prove_nonnegative};
use super::resolve::plural;
use super::scope::{Elaborator, Meaning};
use crate::ast::{Argument, Expr, ExprKind, Ident};
use crate::builtins::{Whole, nearest};
use crate::error::dims;
use crate::error::sums::error;
use crate::error::types;
use crate::print::print_expr;
use ein_ir::constant::Generator;
use ein_ir::dtype::DType;
use ein_ir::entity::{Index, Tensor};
use ein_ir::extent::Extent;
use ein_ir::library::{self, Misuse, Operand};
use ein_ir::scalar::{Access, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use ein_ir::tensor::{Definition, Equation, Generate, IndexDecl, Multi, MultiOp, Relation, Require, TensorDecl};

/// Such an equation.
pub(super) struct WholeCall<'a> {
    /// Names of the results.
    pub(super) names: &'a [Ident],
    /// The function.
    pub(super) name: &'a Ident,
    pub(super) args: &'a [Argument],
    /// The right side.
    pub(super) value: &'a Expr,
    /// The element type that the equation states.
    pub(super) stated: Option<DType>,
    pub(super) span: Span,
}

impl Elaborator<'_> {
    /// Adds the definition. `None` after an error.
    pub(super) fn whole_call(&mut self, function: Whole, call: &WholeCall<'_>) -> Option<()> {
        match function {
            Whole::Function(op) => self.function_call(op, call),
            Whole::Formula(generator) => self.formula_call(generator, call),
        }
    }

    fn function_call(&mut self, op: MultiOp, call: &WholeCall<'_>) -> Option<()> {
        let positional: Vec<&Argument> = call.args.iter().filter(|a| a.name.is_none()).collect();
        // What follows the tensors are options in their order: `top_k(x, 4)`.
        let (tensors, rest) = positional.split_at(positional.len().min(library::arg_count(op)));
        if rest.len() > library::options(op).len() {
            self.wrong_count(op, call, positional.len());
            return None;
        }
        let mut args = Vec::new();
        for argument in tensors {
            args.push(self.operand(&argument.value));
        }
        let options = self.options(op, call, rest);
        let (args, options) = (args.into_iter().collect::<Option<Vec<Tensor>>>()?, options?);
        let decls: Vec<_> = args.iter().map(|t| self.module.tensors[*t].clone()).collect();
        let operands: Vec<Operand<'_>> = decls.iter().map(|d| Operand { dtype: d.dtype, axes: &d.axes }).collect();
        let signature = match library::signature(op, &operands, &options) {
            Ok(signature) => signature,
            Err(misuse) => {
                self.misuse(op, call, &args, misuse);
                return None;
            }
        };
        self.check_count(library::result_counts(op), call)?;
        for need in &signature.needs {
            let what = format!("`{}` in `{}` ({})", self.show_nonnegative(&need.value), op.name(), need.fact);
            self.need(&need.value, what, call.span);
        }
        let mut results = Vec::new();
        for (position, (name, (dtype, axes))) in call.names.iter().zip(signature.results).enumerate() {
            let index_of = self.index_of(op, position, args[0]);
            results.push(self.bind_result(name, (dtype, axes, index_of), op.name(), call.span)?);
        }
        self.defined.extend(&results);
        results.iter().for_each(|result| self.carry_whole(*result));
        self.module.body.push(Definition::Multi(Multi { op, results, args, options, span: call.span }));
        Some(())
    }

    /// What the elements of a result are indices of: positions of the sorted axis; sorted indices stay what they are.
    fn index_of(&self, op: MultiOp, result: usize, arg: Tensor) -> Vec<Extent> {
        let decl = &self.module.tensors[arg];
        match (op, result) {
            (MultiOp::Sort | MultiOp::TopK, 1) => decl.axes.last().cloned().into_iter().collect(),
            (MultiOp::Sort | MultiOp::TopK, 0) if decl.index_of.len() == 1 => decl.index_of.clone(),
            _ => Vec::new(),
        }
    }

    /// A tensor as a function takes it. Indices given by the caller may lie in memory in any integer type: they are converted first.
    fn operand(&mut self, e: &Expr) -> Option<Tensor> {
        let tensor = self.whole_tensor(e)?;
        let decl = self.module.tensors[tensor].clone();
        if decl.index_of.is_empty() || !self.module.params.contains(&tensor) {
            return Some(tensor);
        }
        let name = self.fresh_name(&format!("{}.converted", decl.name));
        let indices: Vec<Index> = decl
            .axes
            .iter()
            .enumerate()
            .map(|(n, size)| {
                let (name, lo, hi) = (format!("i{n}"), Extent::from(0), size.clone());
                self.module.indices.push(IndexDecl { name, lo, hi, span: e.span })
            })
            .collect();
        let subs = indices.iter().map(|i| Sub { value: Scalar::index(*i, e.span), mode: Mode::Exact }).collect();
        let access = Access { tensor, prev: false, subs, pad: None };
        let body = Scalar::new(ScalarKind::Access(access), decl.dtype, e.span);
        let out = self.module.tensors.push(TensorDecl { name, ..decl });
        self.module.body.push(Definition::Equation(Equation { out, indices, domain: None, reduce: None, body, span: e.span }));
        Some(out)
    }

    /// Sees to it that a size is at least 0: by proof, or by an entry check that is a fact from then on.
    fn need(&mut self, value: &Extent, message: String, span: Span) {
        if prove_nonnegative(value, &self.size_facts()) == Proof::Always {
            return;
        }
        let require = Require { value: value.clone(), relation: Relation::NonNegative, unless_empty: Vec::new(), message, code: 305, span };
        if value.as_constant().is_none() {
            self.assume(&require);
        }
        self.require(require);
    }

    /// The options, in the function's order: sizes, and flags as 0 or 1.
    fn options(&mut self, op: MultiOp, call: &WholeCall<'_>, by_position: &[&Argument]) -> Option<Vec<(String, Extent)>> {
        let before = self.errors.len();
        let known = library::options(op);
        for argument in call.args {
            let Some(name) = &argument.name else { continue };
            if !known.iter().any(|o| o.name == name.as_str()) {
                self.unknown_option(op.name(), name, known.iter().map(|o| o.name));
            }
        }
        let mut out = Vec::new();
        for (position, option) in known.iter().enumerate() {
            let named = call.args.iter().find(|a| a.name.as_ref().is_some_and(|n| n.as_str() == option.name));
            if let (Some(again), Some(_)) = (named, by_position.get(position)) {
                self.errors.push(error(213, format!("`{}` is given twice", option.name)).at(again.span, "given by position before"));
            }
            let given = by_position.get(position).copied().or(named);
            let value = match given {
                Some(argument) if option.is_flag => self.flag(argument),
                Some(argument) => self.size(&argument.value),
                None if option.is_flag => Some(Extent::from(0)),
                None => {
                    let found = error(213, format!("`{}` needs `{}`", op.name(), option.name)).at(call.span, "not given");
                    self.errors.push(found.help(format!("`{}(…, {} = 4)`", op.name(), option.name)));
                    None
                }
            };
            out.extend(value.map(|value| (option.name.to_owned(), value)));
        }
        (self.errors.len() == before).then_some(out)
    }

    fn unknown_option<'n>(&mut self, function: &str, name: &Ident, known: impl Iterator<Item = &'n str> + Clone) {
        let list: Vec<&str> = known.clone().collect();
        let found = error(213, format!("`{function}` has no argument `{name}`")).at(name.span, "no such argument");
        self.errors.push(match nearest(name.as_str(), known) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None if list.is_empty() => found.note("it takes none by name"),
            None => found.note(format!("it takes {} by name", list.join(", "))),
        });
    }

    fn flag(&mut self, argument: &Argument) -> Option<Extent> {
        match argument.value.peeled().kind {
            ExprKind::Boolean(value) => Some(Extent::from(i64::from(value))),
            _ => {
                let found = error(213, "this argument is `true` or `false`, as a literal").at(argument.value.span, "not a literal");
                self.errors.push(found);
                None
            }
        }
    }

    fn check_count(&mut self, (least, most): (usize, usize), call: &WholeCall<'_>) -> Option<()> {
        let n = call.names.len();
        if (least..=most).contains(&n) {
            return Some(());
        }
        let takes = if least == most { most.to_string() } else { format!("{least} or {most}") };
        let message =
            format!("`{}` has {takes} {}, and {n} {} named", call.name, plural(most, "result", "results"), plural(n, "is", "are"));
        let names = ["a", "b", "c"].get(..most).unwrap_or_default().join(", ");
        let left = if most == 1 { names } else { format!("({names})") };
        self.errors.push(error(213, message).at(call.span, format!("{n} named")).help(format!("`{left} = {};`", print_expr(call.value))));
        None
    }

    fn wrong_count(&mut self, op: MultiOp, call: &WholeCall<'_>, n: usize) {
        let wanted = library::arg_count(op);
        let message =
            format!("`{}` takes {wanted} {}, and {n} {} given", op.name(), plural(wanted, "tensor", "tensors"), plural(n, "is", "are"));
        self.errors.push(error(213, message).at(call.span, format!("{n} given")));
    }

    /// Says why an operand does not fit.
    fn misuse(&mut self, op: MultiOp, call: &WholeCall<'_>, args: &[Tensor], misuse: Misuse) {
        let function = op.name();
        let place = |this: &Self, arg: usize| {
            let decl = &this.module.tensors[args[arg]];
            let bare = |e: &Expr| e.as_name().is_some_and(|n| n.as_str() == decl.name);
            let at = call.args.iter().find_map(|a| find_at(&a.value, a.value.span).filter(|e| bare(e)));
            (decl.name.clone(), decl.dtype, decl.axes.clone(), decl.span, at.map_or(call.span, |e| e.span))
        };
        let found = match misuse {
            Misuse::Count { .. } => return self.wrong_count(op, call, args.len()),
            Misuse::DType { arg, wanted } => {
                let (name, dtype, _, declared, at) = place(self, arg);
                let found = types::error(402, format!("`{function}` takes {wanted} here, and `{name}` is {dtype}"));
                let found = found.at(at, dtype.to_string()).and(declared, "declared here");
                match (op, dtype) {
                    (MultiOp::Fft, DType::F32 | DType::F64) => found.help(format!("`rfft({name})` transforms real numbers")),
                    _ => found.help("an equation that converts it, with `as`"),
                }
            }
            Misuse::Rank { arg, wanted } => {
                let (name, _, axes, declared, at) = place(self, arg);
                let n = axes.len();
                let message = format!("`{function}` takes a tensor of {wanted} here, and `{name}` has {n}");
                dims::error(310, message).at(at, format!("{n} here")).and(declared, "declared here")
            }
            Misuse::Axis { arg, axis, wanted, reason } => {
                let (name, _, axes, declared, at) = place(self, arg);
                let (given, wanted) = (self.show(&axes[axis]), self.show(&wanted));
                let message = format!("axis {axis} of `{name}` is `{given}`, but `{function}` needs `{wanted}` there: {reason}");
                dims::error(301, message).at(at, format!("`{given}` passed here")).and(declared, "declared here")
            }
            Misuse::Option(name) => error(213, format!("`{function}` needs `{name}`")).at(call.span, "not given"),
        };
        self.errors.push(found);
    }

    fn formula_call(&mut self, generator: Generator, call: &WholeCall<'_>) -> Option<()> {
        let args = self.formula_arguments(generator, call)?;
        self.check_count((1, generator.n_results()), call)?;
        for (name, value) in generator.params().iter().zip(&args) {
            self.need(value, format!("`{}` of `{}` is at least 0, which", name, generator.name()), call.span);
        }
        let mut results = Vec::new();
        for (name, axes) in call.names.iter().zip(generator.axes(&args)) {
            let dtype = self.formula_dtype(generator, name, call)?;
            results.push(self.bind_result(name, (dtype, axes, Vec::new()), generator.name(), call.span)?);
        }
        self.defined.extend(&results);
        results.iter().for_each(|result| self.carry_whole(*result));
        self.module.body.push(Definition::Generate(Generate { generator, results, args, span: call.span }));
        Some(())
    }

    /// The sizes, by position or by name.
    fn formula_arguments(&mut self, generator: Generator, call: &WholeCall<'_>) -> Option<Vec<Extent>> {
        let before = self.errors.len();
        let params = generator.params();
        let mut sizes: Vec<Option<Extent>> = vec![None; params.len()];
        let n_positional = call.args.iter().filter(|a| a.name.is_none()).count();
        for (position, argument) in call.args.iter().enumerate() {
            let slot = match &argument.name {
                None => position,
                Some(name) => match params.iter().position(|p| *p == name.as_str()) {
                    Some(slot) => slot,
                    None => {
                        self.unknown_option(generator.name(), name, params.iter().copied());
                        continue;
                    }
                },
            };
            let size = self.size(&argument.value);
            if let Some(entry) = sizes.get_mut(slot) {
                *entry = size;
            }
        }
        if self.errors.len() > before {
            return None;
        }
        let all: Option<Vec<Extent>> = sizes.into_iter().collect();
        if all.is_none() || n_positional > params.len() || call.args.len() != params.len() {
            let (n, given) = (params.len(), call.args.len());
            let message = format!(
                "`{}` takes {n} {}, and {given} {} given",
                generator.name(),
                plural(n, "size", "sizes"),
                plural(given, "is", "are")
            );
            let found = error(213, message).at(call.span, format!("{given} given"));
            self.errors.push(found.help(format!("`{}({})`", generator.name(), params.join(", "))));
            return None;
        }
        all
    }

    /// The element type of a result: declared, stated, or of 64 bits.
    fn formula_dtype(&mut self, generator: Generator, name: &Ident, call: &WholeCall<'_>) -> Option<DType> {
        let declared = match self.names.get(name.as_str()).map(|d| d.meaning.clone()) {
            Some(Meaning::Tensor(tensor)) => Some(self.module.tensors[tensor].dtype),
            _ => None,
        };
        let wide = if generator.is_complex() { DType::C128 } else { DType::F64 };
        let dtype = declared.or(call.stated).unwrap_or(wide);
        if generator.takes(dtype) {
            return Some(dtype);
        }
        let takes = if generator.is_complex() { "c64 or c128" } else { "f32 or f64" };
        let found = types::error(402, format!("`{}` gives {takes}, and `{name}` is {dtype}", generator.name()));
        self.errors.push(found.at(call.span, dtype.to_string()));
        None
    }
}
